/* Request bodies, compressed whole in memory with a bound. */
#ifndef TRANSPORT_COMPRESS_H
#define TRANSPORT_COMPRESS_H

#include "base/buf.h"
#include "base/error.h"
#include "config/agent_config.h"

#include <stddef.h>

/* Appends what len bytes compress to.  ERR_TOO_BIG over out's ceiling,
 * ERR_MEMORY; out is then as it was.  COMPRESSION_NONE copies.  A megabyte
 * takes some milliseconds. */
MUST_USE int compress_body(enum compression how, const void *bytes, size_t len, struct buf *out, struct err *e);

/* For Content-Encoding: "zstd", "gzip"; NULL for none. */
const char *compress_encoding(enum compression how);

/* What an endpoint that does not know this one (415) is tried with next: zstd,
 * gzip, none; none stays none. */
enum compression compress_fallback(enum compression how);

#endif
