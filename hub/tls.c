/* See tls.h. */
#include "hub/tls.h"

#include "base/log.h"
#include "base/times.h"

#include <errno.h>
#include <gnutls/crypto.h>
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

/* Our own CA, where there is one, signs clients too. */
static int add_own_ca(const struct hub_config *c, struct tls_material *m, struct err *e)
{
    char folder[CA_PATH_MAX], *both;
    size_t others = m->client_ca != NULL ? strlen(m->client_ca) : 0, size;
    int rc;

    ca_folder(c, folder);
    rc = ca_load(&m->ca, folder, e);
    if (rc == ERR_NOT_FOUND)
        return 0;
    if (rc != 0)
        return rc;
    size = others + strlen(ca_pem(m->ca)) + 2;
    both = (char *)malloc(size);
    if (both == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    snprintf(both, size, "%s%s%s", others > 0 ? m->client_ca : "", others > 0 ? "\n" : "", ca_pem(m->ca));
    free(m->client_ca);
    m->client_ca = both;
    return 0;
}

int tls_load(const struct hub_config *c, struct tls_material *out, struct err *e)
{
    gnutls_certificate_credentials_t cred = NULL;
    int rc = 0;

    *out = (struct tls_material){ NULL, NULL, NULL, NULL };
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
    if (rc == 0)
        rc = add_own_ca(c, out, e);
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
    ca_free(m->ca);
    *m = (struct tls_material){ NULL, NULL, NULL, NULL };
}

const char *tls_nobody_can_send(const struct hub_config *c, const struct tls_material *m)
{
    if (!c->require_certificate || m->client_ca != NULL)
        return NULL;
    if (m->cert == NULL)
        return "nobody can send: agents must show a certificate, which needs TLS; write tls.cert_file and tls.key_file"
               " and enrol them (hvhub enroll new), or ingest.require_certificate: false to go on with tokens, and on"
               " loopback without";
    return "nobody can send: agents must show a certificate, and no CA is there that signs them; enrol the agents "
           "(hvhub"
           " enroll new makes it), or write tls.client_ca_file, or ingest.require_certificate: false to go on with"
           " tokens";
}

bool tls_peer_shows(void *gnutls_session)
{
    unsigned count = 0;

    return gnutls_session != NULL && gnutls_certificate_get_peers((gnutls_session_t)gnutls_session, &count) != NULL &&
           count > 0;
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

/* "certificate CN=x,O=y"; a subject that does not fit is told by its digest. */
static void name_subject(gnutls_x509_crt_t cert, char *out, size_t size)
{
    gnutls_datum_t dn = { NULL, 0 };
    unsigned char digest[32];
    int len;

    if (gnutls_x509_crt_get_dn3(cert, &dn, 0) != 0)
        return;
    len = snprintf(out, size, "certificate %s", (const char *)dn.data);
    if ((len < 0 || (size_t)len >= size) && gnutls_hash_fast(GNUTLS_DIG_SHA256, dn.data, dn.size, digest) == 0) {
        len = snprintf(out, size, "certificate with subject ");
        for (size_t i = 0; i < sizeof digest && len > 0 && (size_t)len + 2 < size; i++)
            len += snprintf(out + len, size - (size_t)len, "%02x", digest[i]);
    }
    gnutls_free(dn.data);
}

void tls_peer_speaker(void *gnutls_session, const struct ca *ca, struct fleet_speaker *out)
{
    unsigned count = 0;
    const gnutls_datum_t *peers = gnutls_certificate_get_peers((gnutls_session_t)gnutls_session, &count);
    gnutls_x509_crt_t cert = NULL;

    *out = (struct fleet_speaker){ .enrolled = false };
    if (peers == NULL || count == 0 || gnutls_x509_crt_init(&cert) != 0)
        return;
    if (gnutls_x509_crt_import(cert, &peers[0], GNUTLS_X509_FMT_DER) == 0 &&
        (ca == NULL || !ca_recognize(ca, cert, out)))
        name_subject(cert, out->holder, sizeof out->holder);
    gnutls_x509_crt_deinit(cert);
}
