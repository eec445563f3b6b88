/* See tls.h. */
#include "hub/tls.h"

#include "base/log.h"
#include "base/times.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PEM_MAX = 1024 * 1024, WARN_DAYS = 7 };

static int read_pem(const char *path, char **out, struct err *e)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t len;

    if (f == NULL)
        return err_errno(e, errno, "%s: cannot read", path);
    text = (char *)malloc(PEM_MAX + 1);
    if (text == NULL) {
        fclose(f);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    len = fread(text, 1, PEM_MAX + 1, f);
    if (ferror(f) || len > PEM_MAX) {
        int rc = ferror(f) ? err_set(e, ERR_IO, "%s: cannot read", path)
                           : err_set(e, ERR_TOO_BIG, "%s: larger than %d bytes; not a PEM file", path, PEM_MAX);

        fclose(f);
        free(text);
        return rc;
    }
    fclose(f);
    text[len] = '\0';
    *out = text;
    return 0;
}

static gnutls_datum_t datum(char *text)
{
    return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

static void warn_of_expiry(const char *path, char *pem)
{
    gnutls_datum_t d = datum(pem);
    gnutls_x509_crt_t certs[8];
    unsigned count = sizeof certs / sizeof certs[0];
    time_t ends;
    char text[TIMES_TEXT_MAX];

    if (gnutls_x509_crt_list_import(certs, &count, &d, GNUTLS_X509_FMT_PEM, 0) < 1)
        return;
    ends = gnutls_x509_crt_get_expiration_time(certs[0]);
    if (ends < time(NULL) + WARN_DAYS * 86400)
        log_event(LOG_WARN, ends < time(NULL) ? "tls.certificate_expired" : "tls.certificate_expires",
                  LOG_S("path", path), LOG_S("time", times_format((int64_t)ends * NS_PER_S, text)));
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(certs[i]);
}

static int check_pair(const struct hub_config *c, struct tls_material *m, gnutls_certificate_credentials_t cred,
                      struct err *e)
{
    gnutls_datum_t cert = datum(m->cert), key = datum(m->key);
    int rc = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM);

    if (rc < 0)
        return err_set(e, ERR_INVALID, "%s, %s: not a certificate and its key: %s", c->cert_file, c->key_file,
                       gnutls_strerror(rc));
    warn_of_expiry(c->cert_file, m->cert);
    return 0;
}

static int check_ca(const struct hub_config *c, struct tls_material *m, gnutls_certificate_credentials_t cred,
                    struct err *e)
{
    gnutls_datum_t ca = datum(m->client_ca);
    int count = gnutls_certificate_set_x509_trust_mem(cred, &ca, GNUTLS_X509_FMT_PEM);

    if (count <= 0)
        return err_set(e, ERR_INVALID, "%s: no CA certificate in it%s%s", c->client_ca_file, count < 0 ? ": " : "",
                       count < 0 ? gnutls_strerror(count) : "");
    return 0;
}

int tls_load(const struct hub_config *c, struct tls_material *out, struct err *e)
{
    gnutls_certificate_credentials_t cred = NULL;
    int rc = 0;

    *out = (struct tls_material){ NULL, NULL, NULL };
    if (c->cert_file[0] == '\0')
        return 0;
    if (gnutls_certificate_allocate_credentials(&cred) < 0)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = read_pem(c->cert_file, &out->cert, e);
    if (rc == 0)
        rc = read_pem(c->key_file, &out->key, e);
    if (rc == 0)
        rc = check_pair(c, out, cred, e);
    if (rc == 0 && c->client_ca_file[0] != '\0')
        rc = read_pem(c->client_ca_file, &out->client_ca, e);
    if (rc == 0 && out->client_ca != NULL)
        rc = check_ca(c, out, cred, e);
    gnutls_certificate_free_credentials(cred);
    if (rc != 0)
        tls_free(out);
    return rc;
}

void tls_free(struct tls_material *m)
{
    free(m->cert);
    if (m->key != NULL)
        gnutls_memset(m->key, 0, strlen(m->key));
    free(m->key);
    free(m->client_ca);
    *m = (struct tls_material){ NULL, NULL, NULL };
}

bool tls_peer_verified(void *gnutls_session)
{
    gnutls_session_t session = (gnutls_session_t)gnutls_session;
    gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                      .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
    unsigned status = 1, count = 0;

    if (session == NULL || gnutls_certificate_get_peers(session, &count) == NULL || count == 0)
        return false;
    return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}
