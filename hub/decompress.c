/* See decompress.h. */
#include "hub/decompress.h"

#include "base/text.h"

#include <assert.h>
#include <zlib.h>
#include <zstd.h>

enum { CHUNK = 64 * 1024, ZSTD_WINDOW_LOG_MAX = 23, GZIP_WINDOW = 15 + 16 };

bool body_encoding_parse(const char *value, enum body_encoding *out)
{
    static const struct {
        const char *word;
        enum body_encoding encoding;
    } words[] = { { "", BODY_IDENTITY },
                  { "identity", BODY_IDENTITY },
                  { "gzip", BODY_GZIP },
                  { "x-gzip", BODY_GZIP },
                  { "zstd", BODY_ZSTD } };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_casecmp(value != NULL ? value : "", words[i].word) == 0) {
            *out = words[i].encoding;
            return true;
        }
    }
    return false;
}

/* Room for the next piece: a chunk, or what is left below the ceiling.  One
 * byte more than the ceiling is never given, so a full buffer means too big. */
static char *next_room(struct buf *out, size_t *room, struct err *e)
{
    char *at;

    *room = out->max - out->len < CHUNK ? out->max - out->len : CHUNK;
    if (*room == 0) {
        (void)err_set(e, ERR_TOO_BIG, "the body unpacks to more than %zu bytes", out->max);
        return NULL;
    }
    at = buf_room(out, *room);
    if (at == NULL)
        (void)err_set(e, ERR_MEMORY, "out of memory");
    return at;
}

static int full_or_failed(const struct buf *out)
{
    return out->len == out->max ? ERR_TOO_BIG : ERR_MEMORY;
}

static int gunzip(const void *bytes, size_t len, struct buf *out, struct err *e)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)len };
    size_t room = 0;
    int rc = 0, state = Z_OK;

    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return err_set(e, ERR_MEMORY, "out of memory");
    while (rc == 0 && !(state == Z_STREAM_END && z.avail_in == 0)) {
        char *at = next_room(out, &room, e);

        if (at == NULL) {
            rc = full_or_failed(out);
            break;
        }
        if (state == Z_STREAM_END)
            inflateReset(&z); /* another gzip member follows */
        z.next_out = (Bytef *)at;
        z.avail_out = (uInt)room;
        state = inflate(&z, Z_NO_FLUSH);
        buf_used(out, room - z.avail_out);
        if ((state != Z_OK && state != Z_STREAM_END) || (state == Z_OK && z.avail_in == 0 && z.avail_out > 0))
            rc = err_set(e, ERR_INVALID, "the gzip body is damaged or cut at byte %zu", len - z.avail_in);
    }
    inflateEnd(&z);
    return rc;
}

static int unzstd(const void *bytes, size_t len, struct buf *out, struct err *e)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    ZSTD_inBuffer in = { bytes, len, 0 };
    size_t room = 0, left = 1;
    int rc = 0;

    if (z == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    while (rc == 0 && !(left == 0 && in.pos == in.size)) {
        char *at = next_room(out, &room, e);
        ZSTD_outBuffer piece = { at, room, 0 };

        if (at == NULL) {
            rc = full_or_failed(out);
            break;
        }
        left = ZSTD_decompressStream(z, &piece, &in);
        buf_used(out, piece.pos);
        if (ZSTD_isError(left))
            rc = err_set(e, ERR_INVALID, "the zstd body is damaged at byte %zu: %s", in.pos, ZSTD_getErrorName(left));
        else if (left > 0 && in.pos == in.size && piece.pos < piece.size)
            rc = err_set(e, ERR_INVALID, "the zstd body is cut at byte %zu", in.pos);
    }
    ZSTD_freeDCtx(z);
    return rc;
}

int body_unpack(enum body_encoding encoding, const void *bytes, size_t len, struct buf *out, struct err *e)
{
    assert(len <= INT32_MAX);
    switch (encoding) {
    case BODY_GZIP:
        return gunzip(bytes, len, out, e);
    case BODY_ZSTD:
        return unzstd(bytes, len, out, e);
    case BODY_IDENTITY:
        break;
    }
    if (len > out->max - out->len)
        return err_set(e, ERR_TOO_BIG, "the body is larger than %zu bytes", out->max);
    buf_add(out, bytes, len);
    return buf_error(out) == ERR_OK ? 0 : err_set(e, buf_error(out), "out of memory");
}
