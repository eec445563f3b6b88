/* The hub's certificate, key and client CA as PEM text, read and checked
 * before they are put in force. */
#ifndef HUB_TLS_H
#define HUB_TLS_H

#include "base/error.h"
#include "config/hub_config.h"
#include "hub/ca.h"

#include <stdbool.h>

/* TLS 1.2 and later, the library's own choice of ciphers within. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls_material {
    char *cert, *key; /* NULL: plain HTTP */
    char *client_ca;  /* tls.client_ca_file and our own CA's; NULL: no client certificates asked for */
    struct ca *ca;    /* NULL: there is none, and nobody can enrol */
};

/* Reads what the config names.  Certificate and key must be readable and belong together; a
 * certificate that has run out, or will within a week, is logged.  On error *out is empty. */
MUST_USE int tls_load(const struct hub_config *config, struct tls_material *out, struct err *e);
void tls_free(struct tls_material *m);

/* Why nobody can send to a hub with these settings and files, and what to do, in a sentence: certificates are required,
 * and there is none that could be shown.  NULL when somebody can.  Static. */
const char *tls_nobody_can_send(const struct hub_config *config, const struct tls_material *m);

/* Did the peer of this GnuTLS session show a certificate that one of our client CAs
 * signed, that is in its time and may be used by clients? */
bool tls_peer_verified(void *gnutls_session);

bool tls_peer_shows(void *gnutls_session); /* any certificate at all */

/* Who the peer is whose certificate was verified: one of ours (ca may be NULL), or "certificate SUBJECT". */
void tls_peer_speaker(void *gnutls_session, const struct ca *ca, struct fleet_speaker *out);

#endif
