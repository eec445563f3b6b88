/* See compress.h.  The levels are chosen for protobuf of a megabyte at most on
 * a busy host: past them time grows faster than anything is saved. */
#include "transport/compress.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>
#include <zstd.h>

enum {
    ZSTD_LEVEL = 3,
    GZIP_LEVEL = 6,
    GZIP_WINDOW = 15 + 16 /* zlib's way to ask for a gzip header */,
    GZIP_MEMORY = 8
};

static int over_ceiling(struct buf *out, struct err *e)
{
    enum err_code code = buf_error(out) != ERR_OK ? buf_error(out) : ERR_TOO_BIG;

    out->error = ERR_OK;
    return err_set(e, code, "a request body does not fit into %zu bytes", out->max);
}

static int with_zstd(const void *bytes, size_t len, struct buf *out, struct err *e)
{
    size_t bound = ZSTD_compressBound(len), n;
    char *room = buf_room(out, bound);

    if (room == NULL)
        return over_ceiling(out, e);
    n = ZSTD_compress(room, bound, bytes, len, ZSTD_LEVEL);
    if (ZSTD_isError(n))
        return err_set(e, ERR_MEMORY, "zstd: %s", ZSTD_getErrorName(n));
    buf_used(out, n);
    return 0;
}

static int with_gzip(const void *bytes, size_t len, struct buf *out, struct err *e)
{
    z_stream z = { 0 };
    char *room;
    uLong bound;
    int rc;

    if (len > UINT_MAX / 2)
        return err_set(e, ERR_TOO_BIG, "a request body of %zu bytes is too large to compress", len);
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(e, ERR_MEMORY, "gzip: out of memory");
    bound = deflateBound(&z, (uLong)len);
    room = buf_room(out, bound);
    if (room == NULL) {
        rc = over_ceiling(out, e);
        goto done;
    }
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)room;
    z.avail_out = (uInt)bound;
    rc = deflate(&z, Z_FINISH);
    assert(rc == Z_STREAM_END); /* deflateBound() promises room */
    buf_used(out, bound - z.avail_out);
    rc = 0;
done:
    deflateEnd(&z);
    return rc;
}

int compress_body(enum compression how, const void *bytes, size_t len, struct buf *out, struct err *e)
{
    switch (how) {
    case COMPRESSION_ZSTD:
        return with_zstd(bytes, len, out, e);
    case COMPRESSION_GZIP:
        return with_gzip(bytes, len, out, e);
    case COMPRESSION_NONE:
        break;
    }
    buf_add(out, bytes, len);
    return buf_error(out) == ERR_OK ? 0 : over_ceiling(out, e);
}

const char *compress_encoding(enum compression how)
{
    static const char *const names[] = { NULL, "gzip", "zstd" };

    assert(how <= COMPRESSION_ZSTD);
    return names[how];
}

enum compression compress_fallback(enum compression how)
{
    return how == COMPRESSION_ZSTD ? COMPRESSION_GZIP : COMPRESSION_NONE;
}
