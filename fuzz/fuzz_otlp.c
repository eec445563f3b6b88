/* Any bytes as an OTLP request.  What decodes is encoded and decoded again, and
 * must then be the same: that catches a decoder that keeps what an encoder
 * cannot say. */
#include "model/otlp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct observation *a, const struct observation *b)
{
    if (a->kind != b->kind || a->seq != b->seq || a->attr_count != b->attr_count || a->time_ns != b->time_ns ||
        a->severity != b->severity || strcmp(a->body, b->body) != 0 || strcmp(a->kind_name, b->kind_name) != 0)
        abort();
    for (int i = 0; i < a->attr_count; i++) {
        if (a->attrs[i].type != b->attrs[i].type || a->attrs[i].num != b->attrs[i].num ||
            a->attrs[i].len != b->attrs[i].len || strcmp(a->attrs[i].key, b->attrs[i].key) != 0)
            abort();
    }
}

static void again(const struct otlp_group *g, const struct observation *o)
{
    struct otlp_request back;
    struct otlp_payload payload;
    struct buf record, request;

    buf_init(&record, 64 * 1024 * 1024);
    buf_init(&request, 64 * 1024 * 1024);
    if (otlp_encode_record(o, &record, NULL) != 0)
        abort();
    payload = (struct otlp_payload){ buf_text(&record), record.len };
    if (otlp_encode_request(&g->resource, &payload, 1, &request, NULL) != 0 ||
        otlp_decode(request.data, request.len, NULL, &back, NULL) != 0 || back.records != 1)
        abort();
    same(o, back.groups->batch.first);
    otlp_request_free(&back);
    buf_free(&record);
    buf_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_limits limits = { .records_max = 64, .arena_max = 4 * 1024 * 1024, .depth_max = 4 };
    struct otlp_request r;

    if (otlp_decode(data, size, &limits, &r, NULL) != 0)
        return 0;
    for (const struct otlp_group *g = r.groups; g != NULL; g = g->next) {
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next)
            again(g, o);
    }
    otlp_request_free(&r);
    return 0;
}
