/* The hub's own certificate authority: a key and a certificate in a folder, which
 * signs the agents' short-lived client certificates and nothing else.
 *
 * ca.key (mode 0600) and ca.pem lie in ca.dir.  Several hubs on one database share a
 * copy of both.  The CA has no say about the hub's own certificate.
 *
 * A certificate says whose it is in two URIs among its alternative names:
 * urn:hvfleet:agent:<agent id> and urn:hvfleet:host:<host id>, percent-encoded (RFC 3986).
 *
 * There are no revocation lists: the hub asks its store (fleet_identity.h).
 *
 * Any thread; a struct ca does not change once it is loaded. */
#ifndef HUB_CA_H
#define HUB_CA_H

#include "base/buf.h"
#include "config/hub_config.h"
#include "hub/fleet_identity.h"

#include <gnutls/x509.h>
#include <stddef.h>

enum { CA_PATH_MAX = CONFIG_TEXT_MAX + 16, CSR_BYTES_MAX = 16 * 1024 };

/* ca.dir, or "ca" beside the store's file, or /var/lib/hvhub/ca. */
void ca_folder(const struct hub_config *config, char out[CA_PATH_MAX]);

struct ca;

/* ERR_NOT_FOUND when there is none; ERR_PERMISSION when others may read its key; ERR_INVALID when the two files do
 * not belong together. */
MUST_USE int ca_load(struct ca **out, const char *folder, struct err *e);
void ca_free(struct ca *ca);

/* Makes one, with its folder (mode 0700).  ERR_STATE when there is one already. */
MUST_USE int ca_make(const char *folder, struct err *e);

const char *ca_pem(const struct ca *ca); /* its certificate */
void ca_times(const struct ca *ca, int64_t *from, int64_t *until);

/* ---- signing ------------------------------------------------------------------------- */

/* A request for a certificate (PKCS #10, PEM).  Its signature is checked, so that who sends it has the key; its subject
 * is of no interest.  Keys: P-256 and larger curves, Ed25519, RSA from 2048 bits to 4096. */
struct csr;
MUST_USE int csr_read(struct csr **out, const char *pem, size_t len, struct err *e);
void csr_free(struct csr *csr);

/* Fills in a random serial, the key, and the times: from now until lifetime after it.  The certificate itself
 * holds from a little earlier (an hour, or a tenth of its life), because clocks differ. */
void ca_plan(const struct csr *csr, int64_t now, int64_t lifetime, struct fleet_issued *out);

/* The certificate that was planned, as PEM appended to out. */
MUST_USE int ca_sign(const struct ca *ca, const struct csr *csr, const struct fleet_issued *planned, struct buf *out,
                     struct err *e);

/* ---- recognizing ---------------------------------------------------------------------- */

/* Did we sign it?  Then whose it is goes to out (enrolled, serial, ids; "" where it does not say). */
bool ca_recognize(const struct ca *ca, gnutls_x509_crt_t cert, struct fleet_speaker *out);

#endif
