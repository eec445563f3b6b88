/* HMAC-SHA-256 against the vectors of RFC 4231. */
#include "plat/digest.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *key;
    size_t key_len;
    const char *text;
    const char *want;
} vectors[] = {
    { "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20, "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "Jefe", 4, "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
};

START_TEST(digests_are_those_of_rfc_4231)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        unsigned char out[DIGEST_BYTES];
        char hex[2 * DIGEST_BYTES + 1];

        ck_assert_int_eq(
            plat_hmac_sha256(vectors[i].key, vectors[i].key_len, vectors[i].text, strlen(vectors[i].text), out, NULL),
            0);
        for (int k = 0; k < DIGEST_BYTES; k++)
            snprintf(hex + 2 * k, 3, "%02x", out[k]);
        ck_assert_str_eq(hex, vectors[i].want);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, digests_are_those_of_rfc_4231);
}

int main(void)
{
    return suite_main("plat: digest", add);
}
