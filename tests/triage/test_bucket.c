/* Hashes and bucket names. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "triage/bucket.h"
#include "triage/md5.h"

#include <stdio.h>
#include <string.h>

#define NT    UINT64_C(0xFFFFF80000000000)
#define ACME  UINT64_C(0xFFFFF88005000000)
#define STACK UINT64_C(0xFFFFD00020000000)

START_TEST(md5_gives_the_values_of_its_rfc)
{
    static const struct {
        const char *text, *hash;
    } rows[] = {
        { "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "a", "0cc175b9c0f1b6a831c399e269772661" },
        { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
          "57edf4a22be3c955ac49da2e2107b67a" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char h[MD5_SIZE];
        char text[2 * MD5_SIZE + 1];

        md5(rows[i].text, strlen(rows[i].text), h);
        for (size_t b = 0; b < MD5_SIZE; b++)
            snprintf(text + 2 * b, 3, "%02x", h[b]);
        ck_assert_str_eq(text, rows[i].hash);
    }
}
END_TEST

START_TEST(failure_hashes_are_the_ones_microsoft_published)
{
    static const struct {
        const char *id, *hash;
    } rows[] = {
        { "AV_NDIS!NdisQueueIoWorkItem", "10686423-afa1-4852-ad1b-9324ac44ac96" },
        { "AV_R_INVALID_WwanUsbMp!unknown_function", "31e4d053-0758-e43a-06a7-55f69b072cb3" },
        { "AV_myfault!unknown_function", "9745090a-9bce-ccba-c096-ca6e9ca04c64" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char hash[37];

        failure_id_hash(rows[i].id, hash);
        ck_assert_str_eq(hash, rows[i].hash);
    }
}
END_TEST

static struct triage_verdict *crash_in(const char *name, uint64_t base, uint64_t offset)
{
    struct mini_driver drivers[] = { { "\\SystemRoot\\system32\\ntoskrnl.exe", NT, 0x800000 },
                                     { name, base, 0x10000 } };
    struct mini m = { .drivers = drivers,
                      .driver_count = 2,
                      .stack_va = STACK,
                      .stack = (const uint64_t[]){ 0, 0 },
                      .stack_words = 2,
                      .code = 0xD1,
                      .params = { 0x28, 2, 0, base + offset },
                      .rip = NT + 0x1000,
                      .rsp = STACK };
    struct bytes b = mini_make(&m);

    return triage_bytes(b.p, b.len);
}

START_TEST(a_third_party_driver_gets_windbgs_own_bucket)
{
    struct triage_verdict *v = crash_in("acme-filt.sys", ACME, 0x1234);

    ck_assert_str_eq(v->bucket.failure_id, "AV_acme_filt!unknown_function");
    ck_assert_uint_eq(strlen(v->bucket.failure_hash), 36);
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_driver_of_windows_gets_none_for_want_of_symbols)
{
    struct triage_verdict *v = crash_in("storvsc.sys", ACME, 0x2b8);

    ck_assert_str_eq(v->culprit.name, "storvsc.sys");
    ck_assert_str_eq(v->bucket.failure_id, "");
    ck_assert_str_eq(v->bucket.failure_hash, "");
    triage_verdict_free(v);
}
END_TEST

START_TEST(our_bucket_does_not_change_with_the_address_a_driver_is_loaded_at)
{
    struct triage_verdict *a = crash_in("acme.sys", ACME, 0x1234), *b = crash_in("acme.sys", ACME + 0x7770000, 0x1234),
                          *c = crash_in("acme.sys", ACME, 0x1238);

    ck_assert_str_eq(a->bucket.hvfleet, b->bucket.hvfleet);
    ck_assert_str_ne(a->bucket.hvfleet, c->bucket.hvfleet);
    ck_assert_ptr_nonnull(strstr(a->bucket.hvfleet, "0xD1_acme.sys+0x1234_"));
    triage_verdict_free(a);
    triage_verdict_free(b);
    triage_verdict_free(c);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, md5_gives_the_values_of_its_rfc);
    suite_test(s, failure_hashes_are_the_ones_microsoft_published);
    suite_test(s, a_third_party_driver_gets_windbgs_own_bucket);
    suite_test(s, a_driver_of_windows_gets_none_for_want_of_symbols);
    suite_test(s, our_bucket_does_not_change_with_the_address_a_driver_is_loaded_at);
}

int main(void)
{
    return suite_main("triage: buckets", add);
}
