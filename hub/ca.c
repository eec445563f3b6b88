/* See ca.h: signing, and knowing our own again. */
#include "base/text.h"
#include "base/times.h"
#include "hub/ca_parts.h"

#include <assert.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URN_AGENT "urn:hvfleet:agent:"
#define URN_HOST  "urn:hvfleet:host:"
#define EARLY_MAX (INT64_C(3600) * NS_PER_S)

enum {
    SERIAL_BYTES = 16,
    DIGEST_BYTES = 32,
    URI_MAX = sizeof URN_AGENT + 3 * HOST_ID_MAX,
    NAMES_MAX = 16,
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 4096,
    EC_BITS_MIN = 256,
};
_Static_assert(IDENTITY_SERIAL_MAX > 2 * SERIAL_BYTES, "a serial fits");
_Static_assert(IDENTITY_DIGEST_MAX > 2 * DIGEST_BYTES, "a digest fits");

static void to_hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- requests ---------------------------------------------------------------------------- */

struct csr {
    gnutls_x509_crq_t crq;
    gnutls_pubkey_t public;
    char key[IDENTITY_DIGEST_MAX];
};

static int check_key(struct csr *csr, struct err *e)
{
    unsigned char id[DIGEST_BYTES];
    size_t len = sizeof id;
    unsigned bits = 0;
    int kind = gnutls_pubkey_get_pk_algorithm(csr->public, &bits);
    bool good = (kind == GNUTLS_PK_ECDSA && bits >= EC_BITS_MIN) || kind == GNUTLS_PK_EDDSA_ED25519 ||
                (kind == GNUTLS_PK_RSA && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX);

    if (!good)
        return err_set(e, ERR_INVALID, "csr: its key will not do; P-256, Ed25519, or RSA of %d to %d bits are taken",
                       RSA_BITS_MIN, RSA_BITS_MAX);
    if (gnutls_pubkey_get_key_id(csr->public, GNUTLS_KEYID_USE_SHA256, id, &len) != 0)
        return err_set(e, ERR_INVALID, "csr: its key cannot be read");
    to_hex(id, len, csr->key);
    return 0;
}

int csr_read(struct csr **out, const char *pem, size_t len, struct err *e)
{
    struct csr *csr = calloc(1, sizeof *csr);
    gnutls_datum_t text = { (unsigned char *)(uintptr_t)pem, (unsigned)len };
    int bad, rc = 0;

    *out = NULL;
    if (csr == NULL || len > CSR_BYTES_MAX) {
        free(csr);
        return csr == NULL ? err_set(e, ERR_MEMORY, "out of memory")
                           : err_set(e, ERR_TOO_BIG, "csr: longer than %d bytes", CSR_BYTES_MAX);
    }
    if (gnutls_x509_crq_init(&csr->crq) != 0 || gnutls_pubkey_init(&csr->public) != 0) {
        csr_free(csr);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    bad = gnutls_x509_crq_import(csr->crq, &text, GNUTLS_X509_FMT_PEM);
    if (bad == 0)
        bad = gnutls_pubkey_import_x509_crq(csr->public, csr->crq, 0);
    if (bad != 0)
        rc = err_set(e, ERR_INVALID, "csr: not a certificate request (PKCS #10, PEM): %s", gnutls_strerror(bad));
    if (rc == 0)
        rc = check_key(csr, e);
    if (rc == 0 && gnutls_x509_crq_verify(csr->crq, 0) != 0)
        rc = err_set(e, ERR_INVALID, "csr: it is not signed with its own key");
    if (rc != 0)
        csr_free(csr);
    else
        *out = csr;
    return rc;
}

void csr_free(struct csr *csr)
{
    if (csr == NULL)
        return;
    gnutls_pubkey_deinit(csr->public);
    gnutls_x509_crq_deinit(csr->crq);
    free(csr);
}

/* ---- signing -------------------------------------------------------------------------------- */

void ca_plan(const struct csr *csr, int64_t now, int64_t lifetime, struct fleet_issued *out)
{
    unsigned char serial[SERIAL_BYTES];

    if (gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial) != 0)
        abort();                           /* no randomness: a serial that is not unique is worse than no hub */
    serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and of full length */
    to_hex(serial, sizeof serial, out->serial);
    text_copy(out->key, sizeof out->key, csr->key);
    out->issued = now / NS_PER_S * NS_PER_S;
    out->expires = out->issued + lifetime / NS_PER_S * NS_PER_S;
    out->revoked = out->first_used = 0;
}

static bool stands_for_itself(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static int add_uri(gnutls_x509_crt_t cert, const char *urn, const char *id)
{
    char uri[URI_MAX];
    size_t at = strlen(urn);

    memcpy(uri, urn, at);
    for (; *id != '\0'; id++) {
        if (stands_for_itself((unsigned char)*id))
            uri[at++] = *id;
        else
            at += (size_t)snprintf(uri + at, sizeof uri - at, "%%%02X", (unsigned)(unsigned char)*id);
        assert(at < sizeof uri);
    }
    return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_URI, uri, (unsigned)at, GNUTLS_FSAN_APPEND);
}

static int set_subject(gnutls_x509_crt_t cert, const struct fleet_issued *p)
{
    int rc =
        gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, p->agent_id, (unsigned)strlen(p->agent_id));

    if (rc == 0)
        rc = add_uri(cert, URN_AGENT, p->agent_id);
    return rc != 0 ? rc : add_uri(cert, URN_HOST, p->host_id);
}

static int set_serial(gnutls_x509_crt_t cert, const char *hex)
{
    unsigned char serial[SERIAL_BYTES];
    unsigned byte;

    assert(strlen(hex) == 2 * SERIAL_BYTES);
    for (size_t i = 0; i < sizeof serial; i++) {
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return GNUTLS_E_INVALID_REQUEST;
        serial[i] = (unsigned char)byte;
    }
    return gnutls_x509_crt_set_serial(cert, serial, sizeof serial);
}

static int set_limits(const struct ca *ca, gnutls_x509_crt_t cert, const struct fleet_issued *p)
{
    unsigned char id[64];
    size_t len = sizeof id;
    int64_t tenth = (p->expires - p->issued) / 10, early = tenth < EARLY_MAX ? tenth : EARLY_MAX;
    int rc = gnutls_x509_crt_set_activation_time(cert, (time_t)((p->issued - early) / NS_PER_S));

    if (rc == 0)
        rc = gnutls_x509_crt_set_expiration_time(cert, (time_t)(p->expires / NS_PER_S));
    if (rc == 0)
        rc = gnutls_x509_crt_set_basic_constraints(cert, 0, -1);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    if (rc == 0)
        rc = gnutls_x509_crt_get_subject_key_id(ca->cert, id, &len, NULL);
    return rc != 0 ? rc : gnutls_x509_crt_set_authority_key_id(cert, id, len);
}

int ca_sign(const struct ca *ca, const struct csr *csr, const struct fleet_issued *planned, struct buf *out,
            struct err *e)
{
    gnutls_x509_crt_t cert = NULL;
    gnutls_datum_t pem = { NULL, 0 };
    int rc = gnutls_x509_crt_init(&cert);

    if (rc == 0)
        rc = gnutls_x509_crt_set_version(cert, 3);
    if (rc == 0)
        rc = gnutls_x509_crt_set_pubkey(cert, csr->public);
    if (rc == 0)
        rc = set_serial(cert, planned->serial);
    if (rc == 0)
        rc = set_subject(cert, planned);
    if (rc == 0)
        rc = set_limits(ca, cert, planned);
    if (rc == 0)
        rc = gnutls_x509_crt_sign2(cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0);
    if (rc == 0)
        rc = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem);
    if (rc == 0)
        buf_add(out, pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(cert);
    return rc == 0 ? 0 : err_set(e, ERR_STATE, "cannot sign a certificate: %s", gnutls_strerror(rc));
}

/* ---- recognizing ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* What follows the URN, decoded; false when it is not this URN, does not fit, or is no proper encoding. */
static bool take_uri(const char *uri, size_t len, const char *urn, char *out, size_t size)
{
    size_t skip = strlen(urn), n = 0;

    if (len <= skip || memcmp(uri, urn, skip) != 0)
        return false;
    for (size_t i = skip; i < len; i++) {
        int c = (unsigned char)uri[i];

        if (c == '%') {
            if (i + 2 >= len || hex_digit(uri[i + 1]) < 0 || hex_digit(uri[i + 2]) < 0)
                return false;
            c = hex_digit(uri[i + 1]) * 16 + hex_digit(uri[i + 2]);
            i += 2;
        }
        if (c == 0 || n + 1 >= size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

static bool is_ours(const struct ca *ca, gnutls_x509_crt_t cert)
{
    gnutls_x509_crt_t issuer = ca->cert;
    unsigned status = 1;

    return gnutls_x509_crt_check_issuer(cert, ca->cert) != 0 &&
           gnutls_x509_crt_verify(cert, &issuer, 1, 0, &status) == 0 && status == 0;
}

bool ca_recognize(const struct ca *ca, gnutls_x509_crt_t cert, struct fleet_speaker *out)
{
    unsigned char serial[SERIAL_BYTES + 4];
    size_t serial_len = sizeof serial;

    if (!is_ours(ca, cert) || gnutls_x509_crt_get_serial(cert, serial, &serial_len) != 0)
        return false;
    *out = (struct fleet_speaker){ .enrolled = true };
    to_hex(serial, serial_len, out->serial);
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        char uri[URI_MAX];
        size_t len = sizeof uri;
        int kind = gnutls_x509_crt_get_subject_alt_name(cert, i, uri, &len, NULL);

        if (kind < 0)
            break;
        if (kind == GNUTLS_SAN_URI && !take_uri(uri, len, URN_AGENT, out->agent_id, sizeof out->agent_id))
            (void)take_uri(uri, len, URN_HOST, out->host_id, sizeof out->host_id);
    }
    return true;
}
