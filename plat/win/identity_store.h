/* Certificates as files hold them and as Schannel finds them: in a store of this account's own, called "hvagent".
 *
 * Not in MY, from which browsers and others pick certificates by themselves, and not in the machine's
 * stores, which the service may not write to.  Only the certificate is there; its key is key_container.h's.
 *
 * Blocks: worker threads.
 */
#ifndef PLAT_WIN_IDENTITY_STORE_H
#define PLAT_WIN_IDENTITY_STORE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* wincrypt.h needs windows.h before it. */
/* clang-format off */
#include <windows.h>
#include <wincrypt.h>
/* clang-format on */

/* The first certificate (PEM) of a text, whatever there is before it; the caller frees it
 * (CertFreeCertificateContext).  ERR_INVALID: there is none. */
MUST_USE int identity_certificate(const char *text, size_t len, PCCERT_CONTEXT *out, struct err *e);

/* UTC, ns. */
int64_t identity_time(FILETIME t);

/* Puts it into the store where it is not there yet, and says how settings name it
 * ("store:CurrentUser\hvagent\..."); takes out those that have run out. */
MUST_USE int identity_store_put(PCCERT_CONTEXT certificate, char *out, size_t size, struct err *e);

void identity_store_remove(PCCERT_CONTEXT certificate);

#endif
