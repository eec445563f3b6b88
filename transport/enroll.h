/* Asking the hub for a certificate, waited for: POST /v1/enroll with an
 * enrolment token, POST /v1/renew with the certificate to be replaced
 * (docs/enrolment.md).  The rules for TLS, proxies and redirects are those of http_curl.h.
 */
#ifndef TRANSPORT_ENROLL_H
#define TRANSPORT_ENROLL_H

#include "base/buf.h"
#include "config/agent_config.h"

struct enroll_request {
    const struct agent_config_hub *hub; /* url, ca_file, proxy, timeout, enroll_token_file */
    const char *cert_file, *key_file;   /* as in the settings: renews this certificate; NULL enrols */
    const char *csr;                    /* PKCS #10, PEM */
    const char *agent_id, *host_id;     /* of an enrolment */
};

/* Appends the certificate (PEM) to out.  Blocks for hub.timeout at most.
 * ERR_REFUSED  the hub says no, and e has its words
 * ERR_INVALID  the answer, or the token's file, is not what it should be
 * ERR_IO, ERR_BUSY  try again later */
MUST_USE int enroll_ask(const struct enroll_request *r, struct buf *out, struct err *e);

#endif
