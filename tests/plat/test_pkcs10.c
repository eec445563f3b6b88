/* Requests for certificates, byte for byte as OpenSSL writes them. */
#include "plat/pkcs10.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

/* OpenSSL has a type of this name, base/error.h a constant. */
#define ERR_STATE openssl_err_state
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#undef ERR_STATE

static void public_half(EVP_PKEY *key, struct rsa_public *out)
{
    BIGNUM *n = NULL, *e = NULL;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    memset(out, 0, sizeof *out);
    out->modulus_len = (size_t)BN_bn2bin(n, out->modulus);
    out->exponent = (uint32_t)BN_get_word(e);
    BN_free(n);
    BN_free(e);
}

static void check_same(const struct buf *got, const unsigned char *want, int want_len)
{
    ck_assert_int_eq(buf_error(got), ERR_OK);
    ck_assert_int_eq((int)got->len, want_len);
    ck_assert_mem_eq(got->data, want, (size_t)want_len);
}

/* The same request by OpenSSL. */
static X509_REQ *request_by_openssl(EVP_PKEY *key, const char *name)
{
    X509_REQ *req = X509_REQ_new();

    ck_assert_int_eq(X509_REQ_set_version(req, 0), 1);
    ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    ck_assert_int_eq(X509_REQ_set_pubkey(req, key), 1);
    ck_assert_int_gt(X509_REQ_sign(req, key, EVP_sha256()), 0);
    return req;
}

static void compare(unsigned bits, const char *name)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    X509_REQ *req = request_by_openssl(key, name);
    const ASN1_BIT_STRING *signature;
    unsigned char *want = NULL;
    struct rsa_public half;
    struct buf info, whole;
    int len;

    buf_init(&info, PKCS10_MAX);
    buf_init(&whole, PKCS10_MAX);
    public_half(key, &half);
    pkcs10_info(name, &half, &info);
    len = i2d_re_X509_REQ_tbs(req, &want);
    check_same(&info, want, len);
    OPENSSL_free(want);
    want = NULL;
    X509_REQ_get0_signature(req, &signature, NULL);
    pkcs10_request(&info, signature->data, (size_t)signature->length, &whole);
    len = i2d_X509_REQ(req, &want);
    check_same(&whole, want, len);
    OPENSSL_free(want);
    buf_free(&whole);
    buf_free(&info);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
}

START_TEST(a_request_is_what_openssl_writes_for_the_same_key)
{
    compare(1024, "hvagent"); /* lengths of one byte and two */
    compare(2048, "hvagent");
    compare(4096, "hvagent");
    compare(2048, "h\xc3\xb6st"); /* OpenSSL writes UTF8String for all of them */
}
END_TEST

START_TEST(a_public_key_is_what_openssl_writes)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    unsigned char *want = NULL;
    struct rsa_public half;
    struct buf out;
    int len = i2d_PublicKey(key, &want);

    buf_init(&out, PKCS10_MAX);
    public_half(key, &half);
    pkcs10_rsa_public(&half, &out);
    check_same(&out, want, len);
    buf_clear(&out);
    memmove(half.modulus + 2, half.modulus, half.modulus_len); /* zeros in front change nothing */
    memset(half.modulus, 0, 2);
    half.modulus_len += 2;
    pkcs10_rsa_public(&half, &out);
    check_same(&out, want, len);
    buf_free(&out);
    OPENSSL_free(want);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(what_does_not_fit_is_said)
{
    struct rsa_public half = { .modulus = { 0x80 }, .modulus_len = 256, .exponent = 3 };
    struct buf out;

    buf_init(&out, 100);
    pkcs10_info("hvagent", &half, &out);
    ck_assert_int_eq(buf_error(&out), ERR_TOO_BIG);
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_request_is_what_openssl_writes_for_the_same_key);
    suite_test(s, a_public_key_is_what_openssl_writes);
    suite_test(s, what_does_not_fit_is_said);
}

int main(void)
{
    return suite_main("plat: requests for certificates", add);
}
