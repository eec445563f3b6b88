/* See support_otlp.h. */
#include "tests/model/support_otlp.h"

#include "tests/support/suite.h"

#include <string.h>

void pb_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_char(b, (char)(v | 0x80));
    buf_char(b, (char)v);
}

void pb_field(struct buf *b, int tag, const void *bytes, size_t len)
{
    pb_varint(b, (uint64_t)tag << 3 | 2);
    pb_varint(b, len);
    buf_add(b, bytes, len);
}

void pb_text(struct buf *b, int tag, const char *text)
{
    pb_field(b, tag, text, strlen(text));
}

void pb_number(struct buf *b, int tag, uint64_t v)
{
    pb_varint(b, (uint64_t)tag << 3);
    pb_varint(b, v);
}

void pb_fixed64(struct buf *b, int tag, uint64_t v)
{
    pb_varint(b, (uint64_t)tag << 3 | 1);
    for (int i = 0; i < 8; i++)
        buf_char(b, (char)(v >> 8 * i));
}

void pb_nest(struct buf *b, int tag, struct buf *inner)
{
    pb_field(b, tag, buf_text(inner), inner->len);
    buf_clear(inner);
}

void pb_pair(struct buf *b, int tag, const char *key, struct buf *any, bool value_first)
{
    struct buf kv;

    buf_init(&kv, ROOMY);
    if (!value_first)
        pb_text(&kv, 1, key);
    pb_nest(&kv, 2, any);
    if (value_first)
        pb_text(&kv, 1, key);
    pb_nest(b, tag, &kv);
    buf_free(&kv);
}

void pb_record(struct buf *out, struct buf *record)
{
    struct buf scope, logs;

    buf_init(&scope, ROOMY);
    buf_init(&logs, ROOMY);
    pb_nest(&scope, 2, record);
    pb_nest(&logs, 2, &scope);
    pb_nest(out, 1, &logs);
    buf_free(&scope);
    buf_free(&logs);
}

struct otlp_request otlp_read(const struct buf *b)
{
    struct otlp_request r;
    struct err e = { .code = 0 };
    int rc = otlp_decode(buf_text(b), b->len, NULL, &r, &e);

    ck_assert_msg(rc == 0, "decode: %s", e.text);
    return r;
}

struct otlp_request otlp_read_json(const char *text)
{
    struct otlp_request r;
    struct err e = { .code = 0 };
    int rc = otlp_decode_json(text, strlen(text), NULL, &r, &e);

    ck_assert_msg(rc == 0, "decode: %s", e.text);
    return r;
}

const struct observation *otlp_only(const struct otlp_request *r)
{
    ck_assert_uint_eq(r->records, 1);
    return r->groups->batch.first;
}
