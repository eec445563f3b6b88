/* See key_container.h.
 *
 * Two kinds of keeper behind one table.  They differ in the order of a number's bytes: CryptoAPI's is
 * little-endian. */
#include "plat/win/key_container.h"

#include "base/text.h"
#include "plat/random.h"
#include "plat/win/rights.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <assert.h>
#include <ncrypt.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BITS = 2048, SHA256_BYTES = 32, NAME_BYTES = 16, BLOB_MAX = 2048 };

/* All return Windows' error code, 0 when it went well. */
struct keeper {
    DWORD (*make)(const wchar_t *name, PSECURITY_DESCRIPTOR rights);
    DWORD (*read)(const wchar_t *name, struct rsa_public *out);
    DWORD (*sign)(const wchar_t *name, const void *bytes, DWORD len, unsigned char *out, DWORD *out_len);
    void (*remove)(const wchar_t *name);
    const wchar_t *provider; /* as a certificate names it */
    DWORD provider_type, key_spec, flags;
};

/* Backwards, in place. */
static void turn(unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        unsigned char c = bytes[i];

        bytes[i] = bytes[len - 1 - i];
        bytes[len - 1 - i] = c;
    }
}

static bool take_modulus(struct rsa_public *out, const unsigned char *bytes, size_t len)
{
    if (len == 0 || len > sizeof out->modulus)
        return false;
    memcpy(out->modulus, bytes, len);
    out->modulus_len = len;
    return true;
}

/* ---- CNG -------------------------------------------------------------------------------- */

static DWORD cng_open(const wchar_t *name, NCRYPT_KEY_HANDLE *key)
{
    NCRYPT_PROV_HANDLE provider;
    SECURITY_STATUS rc = NCryptOpenStorageProvider(&provider, MS_KEY_STORAGE_PROVIDER, 0);

    if (rc != 0)
        return (DWORD)rc;
    rc = NCryptOpenKey(provider, key, name, 0, NCRYPT_MACHINE_KEY_FLAG | NCRYPT_SILENT_FLAG);
    NCryptFreeObject(provider);
    return (DWORD)rc;
}

static SECURITY_STATUS cng_finish(NCRYPT_KEY_HANDLE key, PSECURITY_DESCRIPTOR rights)
{
    DWORD bits = KEY_BITS, exported = 0;
    SECURITY_STATUS rc = NCryptSetProperty(key, NCRYPT_LENGTH_PROPERTY, (BYTE *)&bits, sizeof bits, 0);

    if (rc == 0)
        rc = NCryptSetProperty(key, NCRYPT_EXPORT_POLICY_PROPERTY, (BYTE *)&exported, sizeof exported, 0);
    if (rc == 0)
        rc = NCryptFinalizeKey(key, NCRYPT_SILENT_FLAG);
    if (rc == 0)
        rc = NCryptSetProperty(key, NCRYPT_SECURITY_DESCR_PROPERTY, rights, GetSecurityDescriptorLength(rights),
                               DACL_SECURITY_INFORMATION);
    return rc;
}

/* Whether the key was kept shows when it is opened by its name; that of Wine's provider was not. */
static DWORD cng_make(const wchar_t *name, PSECURITY_DESCRIPTOR rights)
{
    NCRYPT_PROV_HANDLE provider;
    NCRYPT_KEY_HANDLE key, kept = 0;
    SECURITY_STATUS rc = NCryptOpenStorageProvider(&provider, MS_KEY_STORAGE_PROVIDER, 0);

    if (rc != 0)
        return (DWORD)rc;
    rc = NCryptCreatePersistedKey(provider, &key, BCRYPT_RSA_ALGORITHM, name, 0, NCRYPT_MACHINE_KEY_FLAG);
    NCryptFreeObject(provider);
    if (rc != 0)
        return (DWORD)rc;
    rc = cng_finish(key, rights);
    if (rc == 0)
        rc = (SECURITY_STATUS)cng_open(name, &kept);
    if (kept != 0)
        NCryptFreeObject(kept);
    if (rc == 0 || NCryptDeleteKey(key, NCRYPT_SILENT_FLAG) != 0)
        NCryptFreeObject(key); /* deleting it frees it */
    return (DWORD)rc;
}

static DWORD cng_read(const wchar_t *name, struct rsa_public *out)
{
    union {
        BCRYPT_RSAKEY_BLOB head;
        unsigned char bytes[BLOB_MAX];
    } blob;
    const unsigned char *exponent = blob.bytes + sizeof blob.head;
    NCRYPT_KEY_HANDLE key;
    DWORD n = 0, rc = cng_open(name, &key);

    if (rc != 0)
        return rc;
    rc = (DWORD)NCryptExportKey(key, 0, BCRYPT_RSAPUBLIC_BLOB, NULL, blob.bytes, sizeof blob.bytes, &n, 0);
    NCryptFreeObject(key);
    if (rc != 0)
        return rc;
    if (n < sizeof blob.head || blob.head.cbPublicExp > sizeof out->exponent ||
        blob.head.cbModulus > sizeof out->modulus ||
        sizeof blob.head + blob.head.cbPublicExp + blob.head.cbModulus > n ||
        !take_modulus(out, exponent + blob.head.cbPublicExp, blob.head.cbModulus))
        return (DWORD)NTE_BAD_KEY;
    out->exponent = 0;
    for (DWORD i = 0; i < blob.head.cbPublicExp; i++)
        out->exponent = out->exponent << 8 | exponent[i];
    return 0;
}

static NTSTATUS sha256(const void *bytes, DWORD len, unsigned char out[SHA256_BYTES])
{
    BCRYPT_ALG_HANDLE algorithm = NULL;
    BCRYPT_HASH_HANDLE hash = NULL;
    NTSTATUS rc = BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0);

    if (rc == 0)
        rc = BCryptCreateHash(algorithm, &hash, NULL, 0, NULL, 0, 0);
    if (rc == 0)
        rc = BCryptHashData(hash, (PUCHAR)bytes, len, 0);
    if (rc == 0)
        rc = BCryptFinishHash(hash, out, SHA256_BYTES, 0);
    if (hash != NULL)
        BCryptDestroyHash(hash);
    if (algorithm != NULL)
        BCryptCloseAlgorithmProvider(algorithm, 0);
    return rc;
}

static DWORD cng_sign(const wchar_t *name, const void *bytes, DWORD len, unsigned char *out, DWORD *out_len)
{
    BCRYPT_PKCS1_PADDING_INFO padding = { .pszAlgId = BCRYPT_SHA256_ALGORITHM };
    unsigned char hash[SHA256_BYTES];
    NCRYPT_KEY_HANDLE key;
    DWORD rc = cng_open(name, &key);

    if (rc != 0)
        return rc;
    rc = (DWORD)sha256(bytes, len, hash);
    if (rc == 0)
        rc = (DWORD)NCryptSignHash(key, &padding, hash, sizeof hash, out, RSA_BYTES_MAX, out_len,
                                   BCRYPT_PAD_PKCS1 | NCRYPT_SILENT_FLAG);
    NCryptFreeObject(key);
    return rc;
}

static void cng_remove(const wchar_t *name)
{
    NCRYPT_KEY_HANDLE key;

    if (cng_open(name, &key) == 0 && NCryptDeleteKey(key, NCRYPT_SILENT_FLAG) != 0)
        NCryptFreeObject(key);
}

/* ---- CryptoAPI ---------------------------------------------------------------------------- */

static DWORD capi_open(const wchar_t *name, DWORD how, HCRYPTPROV *out)
{
    if (CryptAcquireContextW(out, name, MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES, how | CRYPT_SILENT))
        return 0;
    return GetLastError();
}

static void capi_remove(const wchar_t *name)
{
    HCRYPTPROV nothing;

    (void)capi_open(name, CRYPT_DELETEKEYSET, &nothing);
}

static DWORD capi_make(const wchar_t *name, PSECURITY_DESCRIPTOR rights)
{
    HCRYPTPROV provider;
    HCRYPTKEY key;
    DWORD rc = capi_open(name, CRYPT_NEWKEYSET, &provider);

    if (rc != 0)
        return rc;
    (void)rights;                                                    /* it is this account's alone */
    if (CryptGenKey(provider, AT_KEYEXCHANGE, KEY_BITS << 16, &key)) /* without CRYPT_EXPORTABLE */
        CryptDestroyKey(key);
    else
        rc = GetLastError();
    CryptReleaseContext(provider, 0);
    if (rc != 0)
        capi_remove(name);
    return rc;
}

static DWORD capi_export(HCRYPTPROV provider, void *blob, DWORD *size)
{
    HCRYPTKEY key;
    DWORD rc = 0;

    if (!CryptGetUserKey(provider, AT_KEYEXCHANGE, &key))
        return GetLastError();
    if (!CryptExportKey(key, 0, PUBLICKEYBLOB, 0, blob, size))
        rc = GetLastError();
    CryptDestroyKey(key);
    return rc;
}

static DWORD capi_read(const wchar_t *name, struct rsa_public *out)
{
    union {
        struct {
            BLOBHEADER head;
            RSAPUBKEY key;
        } is;
        unsigned char bytes[BLOB_MAX];
    } blob;
    HCRYPTPROV provider;
    DWORD n = sizeof blob, rc = capi_open(name, 0, &provider);

    if (rc != 0)
        return rc;
    rc = capi_export(provider, blob.bytes, &n);
    CryptReleaseContext(provider, 0);
    if (rc != 0)
        return rc;
    if (n < sizeof blob.is || blob.is.key.bitlen / 8 > n - sizeof blob.is ||
        !take_modulus(out, blob.bytes + sizeof blob.is, blob.is.key.bitlen / 8))
        return (DWORD)NTE_BAD_KEY;
    turn(out->modulus, out->modulus_len);
    out->exponent = blob.is.key.pubexp;
    return 0;
}

static DWORD capi_sign(const wchar_t *name, const void *bytes, DWORD len, unsigned char *out, DWORD *out_len)
{
    HCRYPTPROV provider;
    HCRYPTHASH hash = 0;
    DWORD rc = capi_open(name, 0, &provider);

    if (rc != 0)
        return rc;
    *out_len = RSA_BYTES_MAX;
    if (!CryptCreateHash(provider, CALG_SHA_256, 0, 0, &hash) || !CryptHashData(hash, bytes, len, 0) ||
        !CryptSignHashW(hash, AT_KEYEXCHANGE, NULL, 0, out, out_len))
        rc = GetLastError();
    if (hash != 0)
        CryptDestroyHash(hash);
    CryptReleaseContext(provider, 0);
    turn(out, rc == 0 ? *out_len : 0);
    return rc;
}

/* ---- both ----------------------------------------------------------------------------------- */

static const struct keeper keepers[] = {
    { cng_make, cng_read, cng_sign, cng_remove, MS_KEY_STORAGE_PROVIDER, 0, 0, NCRYPT_MACHINE_KEY_FLAG },
    { capi_make, capi_read, capi_sign, capi_remove, MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES, AT_KEYEXCHANGE, 0 },
};

enum { KEEPER_COUNT = sizeof keepers / sizeof keepers[0] };

/* NTE_BAD_KEYSET is what both say of a key that is not there; access denied comes under two names. */
static int failed(struct err *e, DWORD code, const char *name, const char *what)
{
    if (code == (DWORD)NTE_BAD_KEYSET)
        return err_set(e, ERR_NOT_FOUND, "the key %s: there is none of that name on this machine", name);
    if (code == (DWORD)NTE_PERM || code == (DWORD)E_ACCESSDENIED)
        code = ERROR_ACCESS_DENIED;
    return err_win(e, code, "the key %s: %s", name, what);
}

static void widen(const char *name, wchar_t out[KEY_NAME_MAX])
{
    size_t i = 0;

    assert(key_container_is_name(name));
    for (; name[i] != '\0'; i++)
        out[i] = (wchar_t)name[i];
    out[i] = L'\0';
}

void key_container_name(char out[KEY_NAME_MAX])
{
    unsigned char bytes[NAME_BYTES];
    size_t n = strlen(KEY_NAME_PREFIX);

    plat_random()->fill(plat_random(), bytes, sizeof bytes);
    text_copy(out, KEY_NAME_MAX, KEY_NAME_PREFIX);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + n + 2 * i, 3, "%02x", bytes[i]);
}

bool key_container_is_name(const char *text)
{
    size_t n = strlen(KEY_NAME_PREFIX);

    return strlen(text) == KEY_NAME_MAX - 1 && strncmp(text, KEY_NAME_PREFIX, n) == 0 &&
           strspn(text + n, "0123456789abcdef") == 2 * NAME_BYTES;
}

static int rights_of_a_key(PSECURITY_DESCRIPTOR *out, struct err *e)
{
    wchar_t own[RIGHTS_SID_MAX], service[RIGHTS_SID_MAX], sddl[RIGHTS_SDDL_MAX];
    int rc = rights_own_sid(own, e);

    if (rc == 0)
        rc = rights_service_sid(SERVICE_NAME, service, e);
    if (rc != 0)
        return rc;
    swprintf(sddl, RIGHTS_SDDL_MAX, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;%ls)(A;;GA;;;%ls)", service, own);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, out, NULL))
        return err_win(e, GetLastError(), "a key's rights");
    return 0;
}

int key_container_make(const char *name, struct err *e)
{
    PSECURITY_DESCRIPTOR rights;
    wchar_t wide[KEY_NAME_MAX];
    DWORD code = 0;
    int rc = rights_of_a_key(&rights, e);

    if (rc != 0)
        return rc;
    widen(name, wide);
    for (size_t i = 0; i < KEEPER_COUNT; i++) {
        code = keepers[i].make(wide, rights);
        if (code == 0)
            break;
    }
    LocalFree(rights);
    return code == 0 ? 0 : failed(e, code, name, "cannot be made");
}

/* Who keeps the key, and its public half.  Of two who do not, what the first says counts, unless it keeps none at
 * all. */
static int find(const char *name, const struct keeper **out, struct rsa_public *key, struct err *e)
{
    wchar_t wide[KEY_NAME_MAX];
    DWORD code = 0;

    widen(name, wide);
    for (size_t i = 0; i < KEEPER_COUNT; i++) {
        DWORD now = keepers[i].read(wide, key);

        *out = &keepers[i];
        if (now == 0)
            return 0;
        if (code == 0 || code == (DWORD)NTE_BAD_KEYSET || code == (DWORD)NTE_NOT_SUPPORTED)
            code = now;
    }
    return failed(e, code, name, "cannot be used");
}

int key_container_public(const char *name, struct rsa_public *out, struct err *e)
{
    const struct keeper *unused;

    return find(name, &unused, out, e);
}

int key_container_sign(const char *name, const void *bytes, size_t len, unsigned char out[RSA_BYTES_MAX],
                       size_t *out_len, struct err *e)
{
    const struct keeper *k;
    struct rsa_public unused;
    wchar_t wide[KEY_NAME_MAX];
    DWORD code, n = 0;
    int rc = find(name, &k, &unused, e);

    if (rc != 0)
        return rc;
    assert(len <= PKCS10_MAX);
    widen(name, wide);
    code = k->sign(wide, bytes, (DWORD)len, out, &n);
    *out_len = n;
    return code == 0 ? 0 : failed(e, code, name, "cannot sign");
}

int key_container_link(const char *name, PCCERT_CONTEXT certificate, struct err *e)
{
    const struct keeper *k;
    struct rsa_public unused;
    wchar_t wide[KEY_NAME_MAX];
    CRYPT_KEY_PROV_INFO where = { .pwszContainerName = wide };
    int rc = find(name, &k, &unused, e);

    if (rc != 0)
        return rc;
    widen(name, wide);
    where.pwszProvName = (wchar_t *)k->provider;
    where.dwProvType = k->provider_type;
    where.dwKeySpec = k->key_spec;
    where.dwFlags = k->flags;
    if (!CertSetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, 0, &where))
        return err_win(e, GetLastError(), "the certificate cannot be joined to its key");
    return 0;
}

void key_container_remove(const char *name)
{
    wchar_t wide[KEY_NAME_MAX];

    widen(name, wide);
    for (size_t i = 0; i < KEEPER_COUNT; i++)
        keepers[i].remove(wide);
}
