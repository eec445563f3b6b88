/* Keys that Windows keeps, the requests signed with them, and identities that are replaced. */
#include "base/times.h"
#include "plat/clock.h"
#include "plat/files.h"
#include "plat/keys.h"
#include "plat/win/identity_store.h"
#include "plat/win/key_container.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LEN = 1024, PEM_MAX = 16 * 1024 };

static const char *below(const char *dir, const char *name)
{
    static char path[4][PATH_LEN];
    static int next;
    char *out = path[next++ % 4];

    ck_assert_int_lt(snprintf(out, PATH_LEN, "%s/%s", dir, name), PATH_LEN);
    return out;
}

static bool exists(const char *path)
{
    struct file_info info;

    return plat_files()->ops->stat(plat_files(), path, &info, NULL) == 0;
}

/* The name in a file's first line. */
static void name_in(const char *path, char out[KEY_NAME_MAX])
{
    char *text = read_file(path, NULL);

    ck_assert_msg(strncmp(text, "key: ", 5) == 0, "%s begins with %.20s", path, text);
    snprintf(out, KEY_NAME_MAX, "%s", text + 5);
    out[strcspn(out, "\r\n")] = '\0';
    ck_assert_msg(key_container_is_name(out), "%s", out);
    free(text);
}

static bool has_key(const char *name)
{
    struct rsa_public key;
    struct err e = { 0 };

    return key_container_public(name, &key, &e) == 0;
}

static size_t certificates_kept(void)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_A, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, "hvagent");
    PCCERT_CONTEXT one = NULL;
    size_t n = 0;

    while ((one = CertEnumCertificatesInStore(store, one)) != NULL)
        n++;
    CertCloseStore(store, 0);
    return n;
}

/* Where the key of that name lies, as a certificate says it; the caller frees it. */
static CRYPT_KEY_PROV_INFO *place_of(const char *name, PCCERT_CONTEXT any)
{
    CRYPT_KEY_PROV_INFO *out;
    struct err e = { 0 };
    DWORD size = 0;

    ck_assert_msg(key_container_link(name, any, &e) == 0, "%s", e.text);
    ck_assert(CertGetCertificateContextProperty(any, CERT_KEY_PROV_INFO_PROP_ID, NULL, &size));
    out = malloc(size);
    ck_assert(CertGetCertificateContextProperty(any, CERT_KEY_PROV_INFO_PROP_ID, out, &size));
    return out;
}

/* A certificate that the key has signed for itself, which holds a day; PEM, the caller frees it.  any is some
 * certificate of which the name is taken. */
static char *signed_by_itself(const char *name)
{
    static BYTE nobody[] = { 0x30, 0x0C, 0x31, 0x0A, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x01, 'x' };
    CERT_NAME_BLOB subject = { sizeof nobody, nobody };
    CRYPT_ALGORITHM_IDENTIFIER sha256 = { .pszObjId = (char *)szOID_RSA_SHA256RSA };
    PCCERT_CONTEXT any = CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, NULL, NULL, NULL), made;
    CRYPT_KEY_PROV_INFO *place;
    SYSTEMTIME until;
    DWORD size = PEM_MAX;
    char *pem = malloc(PEM_MAX);

    ck_assert_ptr_nonnull(any);
    place = place_of(name, any);
    GetSystemTime(&until);
    until.wYear++;
    until.wDay = 1;
    made = CertCreateSelfSignCertificate(0, &subject, 0, place, &sha256, NULL, &until, NULL);
    ck_assert_msg(made != NULL, "code %lx", GetLastError());
    ck_assert(CryptBinaryToStringA(made->pbCertEncoded, made->cbCertEncoded, CRYPT_STRING_BASE64HEADER, pem, &size));
    CertFreeCertificateContext(made);
    CertFreeCertificateContext(any);
    free(place);
    return pem;
}

/* A new key and its certificate at path. */
static void enrol(const char *path, const char *key_path)
{
    char name[KEY_NAME_MAX], *pem;
    struct err e = { 0 };

    ck_assert_msg(plat_key_ensure(key_path, &e) == 0, "%s", e.text);
    name_in(key_path, name);
    pem = signed_by_itself(name);
    ck_assert_msg(plat_key_join(key_path, pem, strlen(pem), path, &e) == 0, "%s", e.text);
    free(pem);
}

START_TEST(a_key_is_made_once_and_named_in_its_file)
{
    const char *path = below(temp_dir(), "identity.key");
    char first[KEY_NAME_MAX], again[KEY_NAME_MAX];
    struct err e = { 0 };

    ck_assert_msg(plat_key_ensure(path, &e) == 0, "%s", e.text);
    name_in(path, first);
    ck_assert(has_key(first));
    ck_assert_int_eq(plat_key_ensure(path, &e), 0);
    name_in(path, again);
    ck_assert_str_eq(again, first);
    plat_identity_forget(below(temp_dir(), "identity.pem"), path);
    ck_assert(!has_key(first));
    ck_assert(!exists(path));
}
END_TEST

START_TEST(a_key_file_that_is_torn_or_of_another_machine_gets_a_new_key)
{
    static const char *const texts[] = { "", "key: hvagent-", "key: hvagent-00000000000000000000000000000000\n" };
    const char *dir = temp_dir(), *path = below(dir, "identity.key");

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char name[KEY_NAME_MAX];
        struct err e = { 0 };

        (void)write_file(dir, "identity.key", texts[i], strlen(texts[i]));
        ck_assert_msg(plat_key_ensure(path, &e) == 0, "%s", e.text);
        name_in(path, name);
        ck_assert(has_key(name));
        plat_identity_forget(below(dir, "identity.pem"), path);
    }
}
END_TEST

START_TEST(a_key_has_2048_bits_and_signs_until_it_is_removed)
{
    unsigned char signature[RSA_BYTES_MAX];
    char name[KEY_NAME_MAX];
    struct rsa_public key;
    struct err e = { 0 };
    size_t len = 0;

    key_container_name(name);
    ck_assert_msg(key_container_make(name, &e) == 0, "%s", e.text);
    ck_assert_int_eq(key_container_public(name, &key, &e), 0);
    ck_assert_uint_eq(key.modulus_len, 256);
    ck_assert_uint_eq(key.exponent, 65537);
    ck_assert_uint_eq(key.modulus[0] & 0x80, 0x80);
    ck_assert_uint_eq(key.modulus[255] & 1, 1);
    ck_assert_int_eq(key_container_sign(name, "abc", 3, signature, &len, &e), 0);
    ck_assert_uint_eq(len, 256);
    key_container_remove(name);
    ck_assert_int_eq(key_container_sign(name, "abc", 3, signature, &len, &e), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, name));
}
END_TEST

START_TEST(a_key_of_that_name_is_not_made_twice)
{
    char name[KEY_NAME_MAX];
    struct err e = { 0 };

    key_container_name(name);
    ck_assert_int_eq(key_container_make(name, &e), 0);
    ck_assert_int_ne(key_container_make(name, &e), 0);
    ck_assert(has_key(name));
    key_container_remove(name);
}
END_TEST

/* By CryptoAPI's own judgement. */
static bool is_signed_by(BYTE *der, DWORD len, const char *name)
{
    char *pem = signed_by_itself(name);
    CRYPT_DATA_BLOB blob = { len, der };
    PCCERT_CONTEXT certificate;
    struct err e = { 0 };
    bool good;

    ck_assert_int_eq(identity_certificate(pem, strlen(pem), &certificate, &e), 0);
    good = CryptVerifyCertificateSignatureEx(0, X509_ASN_ENCODING, CRYPT_VERIFY_CERT_SIGN_SUBJECT_BLOB, &blob,
                                             CRYPT_VERIFY_CERT_SIGN_ISSUER_PUBKEY,
                                             &certificate->pCertInfo->SubjectPublicKeyInfo, 0, NULL);
    CertFreeCertificateContext(certificate);
    free(pem);
    return good;
}

START_TEST(a_request_is_signed_by_the_key_in_it)
{
    const char *path = below(temp_dir(), "identity.key");
    BYTE der[PKCS10_MAX];
    DWORD der_len = sizeof der, size = 0;
    CERT_SIGNED_CONTENT_INFO *whole = NULL;
    struct rsa_public key;
    char name[KEY_NAME_MAX];
    struct err e = { 0 };
    struct buf pem, info;

    buf_init(&pem, PEM_MAX);
    buf_init(&info, PKCS10_MAX);
    ck_assert_int_eq(plat_key_ensure(path, &e), 0);
    ck_assert_msg(plat_key_request(path, &pem, &e) == 0, "%s", e.text);
    ck_assert_msg(strncmp(buf_text(&pem), "-----BEGIN CERTIFICATE REQUEST-----\nM", 37) == 0, "%s", buf_text(&pem));
    ck_assert_ptr_null(strchr(buf_text(&pem), '\r'));
    ck_assert(CryptStringToBinaryA(buf_text(&pem), 0, CRYPT_STRING_BASE64REQUESTHEADER, der, &der_len, NULL, NULL));
    ck_assert(
        CryptDecodeObjectEx(X509_ASN_ENCODING, X509_CERT, der, der_len, CRYPT_DECODE_ALLOC_FLAG, NULL, &whole, &size));
    name_in(path, name);
    ck_assert_int_eq(key_container_public(name, &key, &e), 0);
    pkcs10_info("hvagent", &key, &info);
    ck_assert_uint_eq(whole->ToBeSigned.cbData, info.len);
    ck_assert_mem_eq(whole->ToBeSigned.pbData, buf_text(&info), info.len);
    ck_assert_str_eq(whole->SignatureAlgorithm.pszObjId, szOID_RSA_SHA256RSA);
    ck_assert_msg(is_signed_by(der, der_len, name), "code %lx", GetLastError());
    der[der_len - 1] ^= 1;
    ck_assert(!is_signed_by(der, der_len, name));
    LocalFree(whole);
    buf_free(&info);
    buf_free(&pem);
    plat_identity_forget(below(temp_dir(), "identity.pem"), path);
}
END_TEST

START_TEST(an_identity_is_read_and_shown_to_schannel)
{
    const char *dir = temp_dir(), *path = below(dir, "identity.pem"), *key_path = below(dir, "identity.key");
    size_t before = certificates_kept();
    int64_t now;
    struct identity is;
    struct err e = { 0 };

    enrol(path, key_path);
    ck_assert(!exists(key_path));
    ck_assert_msg(plat_identity_read(path, &is, &e) == 0, "%s", e.text);
    now = plat_clock()->wall_ns(plat_clock());
    ck_assert_msg(is.from <= now && now < is.until, "from %lld until %lld", (long long)is.from, (long long)is.until);
    ck_assert_msg(strncmp(is.cert_file, "store:CurrentUser\\hvagent\\", 26) == 0, "%s", is.cert_file);
    ck_assert_uint_eq(strlen(is.cert_file), 26 + 40);
    ck_assert_str_eq(is.key_file, "");
    ck_assert_uint_eq(certificates_kept(), before + 1);
    ck_assert_int_eq(plat_identity_read(path, &is, &e), 0);
    ck_assert_uint_eq(certificates_kept(), before + 1);
    plat_identity_forget(path, key_path);
    ck_assert_uint_eq(certificates_kept(), before);
    ck_assert_int_eq(plat_identity_read(path, &is, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(the_identity_before_stays_until_it_is_settled)
{
    const char *dir = temp_dir(), *path = below(dir, "identity.pem"), *key_path = below(dir, "identity.key");
    char first[KEY_NAME_MAX], second[KEY_NAME_MAX], third[KEY_NAME_MAX];
    size_t before = certificates_kept();
    struct identity is;
    struct err e = { 0 };

    enrol(path, key_path);
    ck_assert_int_eq(plat_identity_read(path, &is, &e), 0);
    name_in(path, first);
    enrol(path, key_path);
    ck_assert_int_eq(plat_identity_read(path, &is, &e), 0);
    name_in(path, second);
    ck_assert_str_ne(second, first);
    ck_assert(has_key(first));
    ck_assert_uint_eq(certificates_kept(), before + 2);
    enrol(path, key_path); /* settled by nobody: not more than two */
    name_in(path, third);
    ck_assert(!has_key(first));
    ck_assert(has_key(second));
    plat_identity_settle(path);
    ck_assert(!has_key(second));
    ck_assert(has_key(third));
    ck_assert_int_eq(plat_identity_read(path, &is, &e), 0);
    ck_assert_uint_eq(certificates_kept(), before + 1);
    plat_identity_forget(path, key_path);
}
END_TEST

/* Ended between keeping the old one and putting the new one in its place. */
START_TEST(an_identity_that_was_about_to_be_replaced_keeps_its_key)
{
    const char *dir = temp_dir(), *path = below(dir, "identity.pem"), *key_path = below(dir, "identity.key");
    char *text;
    size_t len;
    struct identity is;
    struct err e = { 0 };

    enrol(path, key_path);
    text = read_file(path, &len);
    (void)write_file(dir, "identity.pem.old", text, len);
    plat_identity_settle(path);
    ck_assert(!exists(below(dir, "identity.pem.old")));
    ck_assert_msg(plat_identity_read(path, &is, &e) == 0, "%s", e.text);
    plat_identity_forget(path, key_path);
    free(text);
}
END_TEST

START_TEST(a_certificate_of_another_key_or_none_is_not_taken)
{
    const char *dir = temp_dir(), *path = below(dir, "identity.pem"), *key_path = below(dir, "identity.key");
    char other[KEY_NAME_MAX], *pem;
    struct err e = { 0 };

    key_container_name(other);
    ck_assert_int_eq(key_container_make(other, &e), 0);
    pem = signed_by_itself(other);
    ck_assert_int_eq(plat_key_ensure(key_path, &e), 0);
    ck_assert_int_eq(plat_key_join(key_path, pem, strlen(pem), path, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "another key"));
    ck_assert_int_eq(plat_key_join(key_path, "x", 1, path, &e), ERR_INVALID);
    ck_assert_int_eq(plat_key_join(key_path, pem, 60, path, &e), ERR_INVALID);
    ck_assert(!exists(path));
    ck_assert(exists(key_path));
    free(pem);
    key_container_remove(other);
    plat_identity_forget(path, key_path);
}
END_TEST

START_TEST(an_identity_whose_key_is_gone_is_none)
{
    const char *dir = temp_dir(), *path = below(dir, "identity.pem"), *key_path = below(dir, "identity.key");
    char name[KEY_NAME_MAX];
    struct identity is;
    struct err e = { 0 };

    enrol(path, key_path);
    name_in(path, name);
    key_container_remove(name);
    ck_assert_int_eq(plat_identity_read(path, &is, &e), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, name));
    plat_identity_forget(path, key_path);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_key_is_made_once_and_named_in_its_file);
    suite_test(s, a_key_file_that_is_torn_or_of_another_machine_gets_a_new_key);
    suite_test(s, a_key_has_2048_bits_and_signs_until_it_is_removed);
    suite_test(s, a_key_of_that_name_is_not_made_twice);
    suite_test(s, a_request_is_signed_by_the_key_in_it);
    suite_test(s, an_identity_is_read_and_shown_to_schannel);
    suite_test(s, the_identity_before_stays_until_it_is_settled);
    suite_test(s, an_identity_that_was_about_to_be_replaced_keeps_its_key);
    suite_test(s, a_certificate_of_another_key_or_none_is_not_taken);
    suite_test(s, an_identity_whose_key_is_gone_is_none);
}

int main(void)
{
    return suite_main("win: keys", add);
}
