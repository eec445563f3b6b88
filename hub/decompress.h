/* A request's body as the client packed it, unpacked with a ceiling.
 *
 * The output grows as bytes come out, so a body that would unpack to
 * gigabytes stops at the ceiling and has cost no more than that.  zstd frames
 * that ask for a window over 8 MiB are refused. */
#ifndef HUB_DECOMPRESS_H
#define HUB_DECOMPRESS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

enum body_encoding { BODY_IDENTITY, BODY_GZIP, BODY_ZSTD };

/* A Content-Encoding value; NULL and "" are identity.  False when not known (also
 * for a list: nobody packs twice). */
bool body_encoding_parse(const char *value, enum body_encoding *out);

/* Appends to out, whose max is the ceiling.  ERR_TOO_BIG over it, ERR_INVALID for
 * damaged or cut input or bytes after its end. */
MUST_USE int body_unpack(enum body_encoding encoding, const void *bytes, size_t len, struct buf *out, struct err *e);

#endif
