/* Keys and certificates of one's own: what it takes to ask for a certificate,
 * and to keep it.
 *
 * A key is a file (P-256, PEM, for nobody else's eyes).  What a TLS library is
 * given in the end is one file with the key and its certificate, so that both
 * are replaced in one step and never one without the other.
 *
 * Facts: RFC 2986 (requests), RFC 5280 (certificates).
 *
 * Where a system's build can not do this, all answer ERR_UNSUPPORTED.
 * Blocks: worker threads.
 */
#ifndef PLAT_KEYS_H
#define PLAT_KEYS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Makes a key where there is none; one that is there already stays. */
MUST_USE int plat_key_ensure(const char *path, struct err *e);

/* A request for a certificate for the key (PKCS #10, PEM), appended to out. */
MUST_USE int plat_key_request(const char *key_path, struct buf *out, struct err *e);

/* Writes the key and its certificate (PEM, len bytes) to path, in place of what is there.  ERR_INVALID when the
 * certificate is not of this key. */
MUST_USE int plat_key_join(const char *key_path, const char *pem, size_t len, const char *path, struct err *e);

/* From when until when (UTC, ns) the first certificate of a file holds.  ERR_NOT_FOUND without the file. */
MUST_USE int plat_certificate_times(const char *path, int64_t *from, int64_t *until, struct err *e);

#endif
