/* See pkcs10.h.
 *
 * DER writes the length in front of what it encloses, so each part is written into a buffer of its own and then
 * wrapped into the next. */
#include "plat/pkcs10.h"

#include <assert.h>
#include <string.h>

enum tag {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_UTF8 = 0x0C,
    TAG_SEQUENCE = 0x30,
    TAG_SET = 0x31,
    TAG_ATTRIBUTES = 0xA0, /* [0], constructed */
};

/* Whole, with tag and length. */
static const unsigned char version_1[] = { TAG_INTEGER, 1, 0 };
static const unsigned char common_name_oid[] = { 0x06, 3, 0x55, 0x04, 0x03 }; /* 2.5.4.3 */
/* rsaEncryption, 1.2.840.113549.1.1.1, and sha256WithRSAEncryption, 1.2.840.113549.1.1.11; both with NULL. */
static const unsigned char rsa_algorithm[] = { TAG_SEQUENCE, 13, 0x06, 9, 0x2A, 0x86, 0x48, 0x86,
                                               0xF7,         13, 1,    1, 1,    0x05, 0 };
static const unsigned char sha256_rsa_algorithm[] = { TAG_SEQUENCE, 13, 0x06, 9, 0x2A, 0x86, 0x48, 0x86,
                                                      0xF7,         13, 1,    1, 11,   0x05, 0 };

static void add_head(struct buf *out, enum tag tag, size_t len)
{
    assert(len <= 0xFFFF);
    buf_char(out, (char)tag);
    if (len > 0xFF)
        buf_char(out, (char)0x82);
    else if (len > 0x7F)
        buf_char(out, (char)0x81);
    if (len > 0xFF)
        buf_char(out, (char)(len >> 8));
    buf_char(out, (char)(len & 0xFF));
}

/* Appends inner, wrapped, to out, and frees it.  What went wrong with inner goes on to out. */
static void wrap(struct buf *out, enum tag tag, struct buf *inner)
{
    if (buf_error(inner) != ERR_OK && buf_error(out) == ERR_OK)
        out->error = buf_error(inner);
    add_head(out, tag, inner->len);
    buf_add(out, buf_text(inner), inner->len);
    buf_free(inner);
}

/* A number that is not negative: one that begins with a set bit gets a zero in front. */
static void add_integer(struct buf *out, const unsigned char *bytes, size_t len)
{
    bool zero;

    while (len > 1 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    zero = len > 0 && (bytes[0] & 0x80) != 0;
    add_head(out, TAG_INTEGER, len + zero);
    if (zero)
        buf_char(out, 0);
    buf_add(out, bytes, len);
}

static void add_bits(struct buf *out, const void *bytes, size_t len)
{
    add_head(out, TAG_BIT_STRING, len + 1);
    buf_char(out, 0); /* bits of the last byte that do not count */
    buf_add(out, bytes, len);
}

void pkcs10_rsa_public(const struct rsa_public *key, struct buf *out)
{
    unsigned char exponent[4] = { (unsigned char)(key->exponent >> 24), (unsigned char)(key->exponent >> 16),
                                  (unsigned char)(key->exponent >> 8), (unsigned char)key->exponent };
    struct buf numbers;

    assert(key->modulus_len > 0 && key->modulus_len <= sizeof key->modulus);
    buf_init(&numbers, PKCS10_MAX);
    add_integer(&numbers, key->modulus, key->modulus_len);
    add_integer(&numbers, exponent, sizeof exponent);
    wrap(out, TAG_SEQUENCE, &numbers);
}

static void add_name(struct buf *out, const char *common_name)
{
    struct buf attribute, set, name;

    buf_init(&attribute, PKCS10_MAX);
    buf_init(&set, PKCS10_MAX);
    buf_init(&name, PKCS10_MAX);
    buf_add(&attribute, common_name_oid, sizeof common_name_oid);
    add_head(&attribute, TAG_UTF8, strlen(common_name));
    buf_str(&attribute, common_name);
    wrap(&set, TAG_SEQUENCE, &attribute);
    wrap(&name, TAG_SET, &set);
    wrap(out, TAG_SEQUENCE, &name);
}

static void add_key(struct buf *out, const struct rsa_public *key)
{
    struct buf numbers, parts;

    buf_init(&numbers, PKCS10_MAX);
    buf_init(&parts, PKCS10_MAX);
    pkcs10_rsa_public(key, &numbers);
    buf_add(&parts, rsa_algorithm, sizeof rsa_algorithm);
    add_bits(&parts, buf_text(&numbers), numbers.len);
    wrap(out, TAG_SEQUENCE, &parts);
    buf_free(&numbers);
}

void pkcs10_info(const char *common_name, const struct rsa_public *key, struct buf *out)
{
    struct buf parts;

    buf_init(&parts, PKCS10_MAX);
    buf_add(&parts, version_1, sizeof version_1);
    add_name(&parts, common_name);
    add_key(&parts, key);
    add_head(&parts, TAG_ATTRIBUTES, 0);
    wrap(out, TAG_SEQUENCE, &parts);
}

void pkcs10_request(const struct buf *info, const unsigned char *signature, size_t len, struct buf *out)
{
    struct buf parts;

    buf_init(&parts, PKCS10_MAX);
    buf_add(&parts, buf_text(info), info->len);
    buf_add(&parts, sha256_rsa_algorithm, sizeof sha256_rsa_algorithm);
    add_bits(&parts, signature, len);
    wrap(out, TAG_SEQUENCE, &parts);
}
