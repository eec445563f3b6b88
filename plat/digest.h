/* A keyed digest: what stands for a value that must not be told, so that equal
 * values still look alike and nobody without the key can try values out.
 *
 * Facts: RFC 2104 (HMAC), FIPS 180-4 (SHA-256); RFC 4231 has the test vectors.
 */
#ifndef PLAT_DIGEST_H
#define PLAT_DIGEST_H

#include "base/error.h"

#include <stddef.h>

enum { DIGEST_BYTES = 32 };

/* HMAC-SHA-256 of len bytes.  ERR_UNSUPPORTED when the system's library refuses; out is then not to be used.
 * Any thread. */
MUST_USE int plat_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                              unsigned char out[DIGEST_BYTES], struct err *e);

#endif
