/* Unpacking bodies: what comes out, and that nothing gets past the ceiling. */
#include "hub/decompress.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { CEILING = 1024 * 1024 };

static size_t gzip(const void *bytes, size_t len, unsigned char *out, size_t size)
{
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)size
    };

    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return size - z.avail_out;
}

static int unpack(enum body_encoding encoding, const void *bytes, size_t len, struct buf *out, struct err *e)
{
    buf_init(out, CEILING);
    return body_unpack(encoding, bytes, len, out, e);
}

static void expect(enum body_encoding encoding, const void *bytes, size_t len, int rc)
{
    struct err e = { 0 };
    struct buf out;

    ck_assert_int_eq(unpack(encoding, bytes, len, &out, &e), rc);
    ck_assert_uint_le(out.len, CEILING);
    if (rc != 0)
        ck_assert_str_ne(e.text, "");
    buf_free(&out);
}

START_TEST(each_encoding_gives_back_what_was_packed)
{
    const char text[] = "one line, and another line, and another line";
    unsigned char packed[256];
    size_t len = gzip(text, sizeof text, packed, sizeof packed);
    struct buf out;

    ck_assert_int_eq(unpack(BODY_GZIP, packed, len, &out, NULL), 0);
    ck_assert_str_eq(buf_text(&out), text);
    buf_free(&out);
    len = ZSTD_compress(packed, sizeof packed, text, sizeof text, 3);
    ck_assert_int_eq(unpack(BODY_ZSTD, packed, len, &out, NULL), 0);
    ck_assert_str_eq(buf_text(&out), text);
    buf_free(&out);
    ck_assert_int_eq(unpack(BODY_IDENTITY, text, sizeof text, &out, NULL), 0);
    ck_assert_str_eq(buf_text(&out), text);
    buf_free(&out);
}
END_TEST

START_TEST(several_gzip_members_and_zstd_frames_are_one_body)
{
    unsigned char packed[256];
    size_t len = gzip("ab", 2, packed, sizeof packed);
    struct buf out;

    len += gzip("cd", 2, packed + len, sizeof packed - len);
    ck_assert_int_eq(unpack(BODY_GZIP, packed, len, &out, NULL), 0);
    ck_assert_str_eq(buf_text(&out), "abcd");
    buf_free(&out);
    len = ZSTD_compress(packed, sizeof packed, "ab", 2, 3);
    len += ZSTD_compress(packed + len, sizeof packed - len, "cd", 2, 3);
    ck_assert_int_eq(unpack(BODY_ZSTD, packed, len, &out, NULL), 0);
    ck_assert_str_eq(buf_text(&out), "abcd");
    buf_free(&out);
}
END_TEST

START_TEST(a_bomb_stops_at_the_ceiling)
{
    size_t big = 64 * CEILING;
    char *zeros = calloc(1, big);
    unsigned char *packed = malloc(CEILING);
    size_t len = gzip(zeros, big, packed, CEILING);

    ck_assert_uint_lt(len, CEILING / 8);
    expect(BODY_GZIP, packed, len, ERR_TOO_BIG);
    len = ZSTD_compress(packed, CEILING, zeros, big, 3);
    ck_assert_int_eq((int)ZSTD_isError(len), 0);
    expect(BODY_ZSTD, packed, len, ERR_TOO_BIG);
    expect(BODY_IDENTITY, zeros, CEILING + 1, ERR_TOO_BIG);
    free(packed);
    free(zeros);
}
END_TEST

START_TEST(a_body_cut_anywhere_is_invalid)
{
    const char text[] = "some text that is packed and then cut short at every byte there is";
    unsigned char packed[256];
    size_t len = gzip(text, sizeof text, packed, sizeof packed);

    for (size_t cut = 0; cut < len; cut++)
        expect(BODY_GZIP, packed, cut, ERR_INVALID);
    len = ZSTD_compress(packed, sizeof packed, text, sizeof text, 3);
    for (size_t cut = 0; cut < len; cut++)
        expect(BODY_ZSTD, packed, cut, ERR_INVALID);
}
END_TEST

START_TEST(other_bytes_and_bytes_after_the_end_are_invalid)
{
    unsigned char packed[256];
    size_t len = gzip("ab", 2, packed, sizeof packed);

    memcpy(packed + len, "tail", 4);
    expect(BODY_GZIP, packed, len + 4, ERR_INVALID);
    len = ZSTD_compress(packed, sizeof packed, "ab", 2, 3);
    memcpy(packed + len, "tail", 4);
    expect(BODY_ZSTD, packed, len + 4, ERR_INVALID);
    expect(BODY_GZIP, "not gzip at all", 15, ERR_INVALID);
    expect(BODY_ZSTD, "not zstd at all", 15, ERR_INVALID);
}
END_TEST

START_TEST(a_zstd_frame_with_a_huge_window_is_refused)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    size_t big = CEILING / 2, len;
    char *zeros = calloc(1, big);
    unsigned char packed[4096];
    ZSTD_inBuffer in = { zeros, big, 0 };
    ZSTD_outBuffer out = { packed, sizeof packed, 0 };

    ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, 27);
    len = ZSTD_compressStream2(z, &out, &in, ZSTD_e_continue);
    ck_assert_int_eq((int)ZSTD_isError(len), 0);
    len = ZSTD_compressStream2(z, &out, &in, ZSTD_e_end);
    ck_assert_uint_eq(len, 0);
    ZSTD_freeCCtx(z);
    expect(BODY_ZSTD, packed, out.pos, ERR_INVALID);
    free(zeros);
}
END_TEST

START_TEST(encodings_are_known_by_name)
{
    enum body_encoding encoding;

    ck_assert(body_encoding_parse(NULL, &encoding) && encoding == BODY_IDENTITY);
    ck_assert(body_encoding_parse("GZIP", &encoding) && encoding == BODY_GZIP);
    ck_assert(body_encoding_parse("zstd", &encoding) && encoding == BODY_ZSTD);
    ck_assert(!body_encoding_parse("br", &encoding));
    ck_assert(!body_encoding_parse("gzip, gzip", &encoding));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, each_encoding_gives_back_what_was_packed);
    suite_test(s, several_gzip_members_and_zstd_frames_are_one_body);
    suite_test(s, a_bomb_stops_at_the_ceiling);
    suite_test(s, a_body_cut_anywhere_is_invalid);
    suite_test(s, other_bytes_and_bytes_after_the_end_are_invalid);
    suite_test(s, a_zstd_frame_with_a_huge_window_is_refused);
    suite_test(s, encodings_are_known_by_name);
}

int main(void)
{
    return suite_main("hub: unpacking bodies", add);
}
