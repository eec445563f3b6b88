/* compress.h: what goes in comes out, within bounds. */
#include "tests/support/suite.h"
#include "transport/compress.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { LEN = 200000 };

static char in[LEN], back[LEN + 1];

static void fill(int noise)
{
    unsigned seed = 1;

    for (int i = 0; i < LEN; i++) {
        seed = seed * 1103515245u + 12345u;
        in[i] = noise ? (char)(seed >> 16) : (char)('a' + i / 100 % 20);
    }
}

static size_t unzip(const struct buf *b)
{
    z_stream z = {
        .next_in = (Bytef *)b->data, .avail_in = (uInt)b->len, .next_out = (Bytef *)back, .avail_out = LEN + 1
    };

    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    return z.total_out;
}

static void there_and_back(enum compression how, size_t len)
{
    struct buf out;
    size_t n;

    buf_init(&out, 1024 * 1024);
    ck_assert_int_eq(compress_body(how, in, len, &out, NULL), 0);
    n = how == COMPRESSION_ZSTD ? ZSTD_decompress(back, sizeof back, out.data, out.len) : unzip(&out);
    ck_assert_uint_eq(n, len);
    ck_assert_mem_eq(in, back, len);
    buf_free(&out);
}

START_TEST(what_goes_in_comes_out)
{
    for (int noise = 0; noise < 2; noise++) {
        fill(noise);
        for (int how = COMPRESSION_GZIP; how <= COMPRESSION_ZSTD; how++) {
            there_and_back((enum compression)how, LEN);
            there_and_back((enum compression)how, 1);
            there_and_back((enum compression)how, 0);
        }
    }
}
END_TEST

START_TEST(it_gets_smaller)
{
    struct buf out;

    fill(0);
    for (int how = COMPRESSION_GZIP; how <= COMPRESSION_ZSTD; how++) {
        buf_init(&out, 1024 * 1024);
        ck_assert_int_eq(compress_body((enum compression)how, in, LEN, &out, NULL), 0);
        ck_assert_uint_lt(out.len, LEN / 10);
        buf_free(&out);
    }
}
END_TEST

START_TEST(none_copies)
{
    struct buf out;

    buf_init(&out, 100);
    ck_assert_int_eq(compress_body(COMPRESSION_NONE, "hello", 5, &out, NULL), 0);
    ck_assert_str_eq(buf_text(&out), "hello");
    buf_free(&out);
}
END_TEST

START_TEST(over_the_ceiling_is_an_error_and_the_buffer_is_as_it_was)
{
    struct buf out;
    struct err e;

    for (int how = COMPRESSION_NONE; how <= COMPRESSION_ZSTD; how++) {
        buf_init(&out, 1000);
        buf_str(&out, "before");
        ck_assert_int_eq(compress_body((enum compression)how, in, LEN, &out, &e), ERR_TOO_BIG);
        ck_assert_str_eq(buf_text(&out), "before");
        ck_assert_int_eq(buf_error(&out), ERR_OK);
        ck_assert_str_eq(e.text, "a request body does not fit into 1000 bytes");
        buf_free(&out);
    }
}
END_TEST

START_TEST(names_and_fallbacks)
{
    ck_assert_ptr_null(compress_encoding(COMPRESSION_NONE));
    ck_assert_str_eq(compress_encoding(COMPRESSION_GZIP), "gzip");
    ck_assert_str_eq(compress_encoding(COMPRESSION_ZSTD), "zstd");
    ck_assert_int_eq(compress_fallback(COMPRESSION_ZSTD), COMPRESSION_GZIP);
    ck_assert_int_eq(compress_fallback(COMPRESSION_GZIP), COMPRESSION_NONE);
    ck_assert_int_eq(compress_fallback(COMPRESSION_NONE), COMPRESSION_NONE);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_goes_in_comes_out);
    suite_test(s, it_gets_smaller);
    suite_test(s, none_copies);
    suite_test(s, over_the_ceiling_is_an_error_and_the_buffer_is_as_it_was);
    suite_test(s, names_and_fallbacks);
}

int main(void)
{
    return suite_main("transport: compress", add);
}
