/* See identity_store.h. */
#include "plat/win/identity_store.h"

#include "plat/win/win_error.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE_NAME  "hvagent"
#define EPOCH_100NS INT64_C(116444736000000000)

enum { THUMBPRINT_BYTES = 20, DER_MAX = 64 * 1024 };

int identity_certificate(const char *text, size_t len, PCCERT_CONTEXT *out, struct err *e)
{
    static const char head[] = "-----BEGIN CERTIFICATE-----";
    const char *begin = memmem(text, len, head, strlen(head));
    DWORD size = DER_MAX;
    BYTE *der = malloc(DER_MAX);

    *out = NULL;
    if (der == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    if (begin != NULL &&
        CryptStringToBinaryA(begin, (DWORD)(text + len - begin), CRYPT_STRING_BASE64HEADER, der, &size, NULL, NULL))
        *out = CertCreateCertificateContext(X509_ASN_ENCODING, der, size);
    free(der);
    return *out != NULL ? 0 : err_set(e, ERR_INVALID, "no certificate in it");
}

int64_t identity_time(FILETIME t)
{
    return ((int64_t)((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) - EPOCH_100NS) * 100;
}

static int open_store(HCERTSTORE *out, struct err *e)
{
    *out = CertOpenStore(CERT_STORE_PROV_SYSTEM_A, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, STORE_NAME);
    return *out != NULL ? 0 : err_win(e, GetLastError(), "this account's certificate store " STORE_NAME);
}

/* Wine keeps what was deleted from a store until it is told to write it down. */
static int close_store(HCERTSTORE store, struct err *e)
{
    bool good = CertControlStore(store, 0, CERT_STORE_CTRL_COMMIT, NULL);
    DWORD code = GetLastError();

    CertCloseStore(store, 0);
    return good ? 0 : err_win(e, code, "this account's certificate store " STORE_NAME " cannot be changed");
}

static bool has_run_out(PCCERT_CONTEXT certificate)
{
    return CertVerifyTimeValidity(NULL, certificate->pCertInfo) > 0;
}

/* Deleting one frees it and ends the walk, which then begins anew. */
static void drop_old_ones(HCERTSTORE store)
{
    PCCERT_CONTEXT one = NULL;

    while ((one = CertEnumCertificatesInStore(store, one)) != NULL) {
        if (!has_run_out(one))
            continue;
        if (!CertDeleteCertificateFromStore(one))
            return;
        one = NULL;
    }
}

/* As libcurl takes it, with what config/hub_certificate.h puts in front. */
static int say_name(PCCERT_CONTEXT certificate, char *out, size_t size, struct err *e)
{
    BYTE thumbprint[THUMBPRINT_BYTES];
    DWORD len = sizeof thumbprint;
    size_t n;

    if (!CertGetCertificateContextProperty(certificate, CERT_SHA1_HASH_PROP_ID, thumbprint, &len))
        return err_win(e, GetLastError(), "the certificate has no thumbprint");
    n = (size_t)snprintf(out, size, "store:CurrentUser\\" STORE_NAME "\\");
    assert(n + 2 * THUMBPRINT_BYTES < size);
    for (size_t i = 0; i < THUMBPRINT_BYTES; i++)
        n += (size_t)snprintf(out + n, size - n, "%02X", thumbprint[i]);
    return 0;
}

int identity_store_put(PCCERT_CONTEXT certificate, char *out, size_t size, struct err *e)
{
    HCERTSTORE store;
    int rc = open_store(&store, e);

    if (rc != 0)
        return rc;
    drop_old_ones(store);
    if (!CertAddCertificateContextToStore(store, certificate, CERT_STORE_ADD_NEW, NULL) &&
        GetLastError() != (DWORD)CRYPT_E_EXISTS)
        rc = err_win(e, GetLastError(), "the certificate cannot be put into this account's store " STORE_NAME);
    if (rc != 0) {
        CertCloseStore(store, 0);
        return rc;
    }
    rc = close_store(store, e);
    return rc == 0 ? say_name(certificate, out, size, e) : rc;
}

void identity_store_remove(PCCERT_CONTEXT certificate)
{
    PCCERT_CONTEXT found;
    HCERTSTORE store;
    struct err unused;

    if (open_store(&store, &unused) != 0)
        return;
    found = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_EXISTING, certificate, NULL);
    if (found != NULL)
        (void)CertDeleteCertificateFromStore(found);
    if (close_store(store, &unused) != 0)
        return; /* it goes when it has run out */
}
