/* See otlp_build.h. */
#include "model/otlp_build.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SEVERITY_NUMBER_MAX = 24 }; /* opentelemetry-proto, SeverityNumber */

struct otlp_limits otlp_limits_default(void)
{
    return (struct otlp_limits){ .records_max = 100 * 1000, .arena_max = 64 * 1024 * 1024, .depth_max = 8 };
}

void otlp_build_start(struct otlp_builder *b, const struct otlp_limits *limits, struct otlp_request *out)
{
    *out = (struct otlp_request){ .groups = NULL };
    *b = (struct otlp_builder){ .limits = limits != NULL ? *limits : otlp_limits_default(), .out = out };
}

static int too_big(const struct otlp_builder *b, struct err *e)
{
    return err_set(e, ERR_TOO_BIG, "the request needs more than %zu bytes decoded: send smaller batches",
                   b->limits.arena_max);
}

static int check_last(const struct otlp_builder *b, struct err *e)
{
    return b->last != NULL && b->last->batch.failed ? too_big(b, e) : 0;
}

int otlp_build_group(struct otlp_builder *b, struct err *e)
{
    struct otlp_group *g;
    int rc = check_last(b, e);

    if (rc != 0)
        return rc;
    if (b->last != NULL)
        b->used += b->last->batch.arena.used;
    if (b->limits.arena_max <= b->used + sizeof *g)
        return too_big(b, e);
    b->used += sizeof *g;
    g = calloc(1, sizeof *g);
    if (g == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a decoded request");
    obs_batch_init(&g->batch, b->limits.arena_max - b->used);
    if (b->last != NULL)
        b->last->next = g;
    else
        b->out->groups = g;
    b->last = g;
    return 0;
}

int otlp_build_record(struct otlp_builder *b, struct observation **out, struct err *e)
{
    int rc = check_last(b, e);

    assert(b->last != NULL);
    if (rc != 0)
        return rc;
    if (b->out->records == b->limits.records_max)
        return err_set(e, ERR_TOO_BIG, "the request holds more than %zu records: send smaller batches",
                       b->limits.records_max);
    b->out->records++;
    *out = obs_new(&b->last->batch, OBS_OTHER, 0, 0);
    return 0;
}

int otlp_build_end(struct otlp_builder *b, struct err *e)
{
    return b->no_memory ? err_set(e, ERR_MEMORY, "out of memory for a decoded request") : check_last(b, e);
}

static bool key_is(const char *key, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(key, name, len) == 0;
}

/* True when the attribute was one of the two that are fields of an observation. */
static bool take_own(struct observation *o, const char *key, size_t len, const struct otlp_value *v)
{
    if (key_is(key, len, ATTR_SEQ) && v->type == OTLP_INT) {
        o->seq = v->num > 0 ? (uint64_t)v->num : 0;
        return true;
    }
    if (key_is(key, len, ATTR_CUT) && v->type == OTLP_BOOL) {
        o->cut = o->cut || v->num != 0;
        return true;
    }
    return false;
}

/* The key as a string; it may stay longer than a key may be, so that obs_ cuts
 * it and marks the observation, and obs_ cleans it. */
static void key_text(char *out, size_t size, const char *key, size_t len)
{
    if (len == 0 || len >= size || memchr(key, '\0', len) != NULL) {
        text_clean(out, size, key, len, NULL);
        return;
    }
    memcpy(out, key, len);
    out[len] = '\0';
}

void otlp_build_attr(struct observation *o, const char *key, size_t key_len, const struct otlp_value *v)
{
    char name[OBS_KEY_MAX * 2];

    if (take_own(o, key, key_len, v))
        return;
    key_text(name, sizeof name, key, key_len);
    switch (v->type) {
    case OTLP_NONE:
        break;
    case OTLP_TEXT:
        obs_strn(o, name, v->text, v->len);
        break;
    case OTLP_INT:
        obs_int(o, name, v->num);
        break;
    case OTLP_DOUBLE:
        obs_double(o, name, v->real);
        break;
    case OTLP_BOOL:
        obs_bool(o, name, v->num != 0);
        break;
    }
    o->cut |= v->cut;
}

void otlp_build_kind(struct observation *o, const char *name, size_t len)
{
    char cleaned[OBS_KEY_MAX];
    char *kept;

    o->kind = obs_kind_parse(name, len);
    o->kind_name = obs_kind_name(o->kind);
    if (o->kind != OBS_OTHER || o->batch == NULL)
        return;
    len = text_clean(cleaned, sizeof cleaned, name, len, NULL);
    kept = arena_copy(&o->batch->arena, cleaned, len);
    if (kept != NULL)
        o->kind_name = kept;
    else
        o->batch->failed = true;
}

void otlp_build_body(struct observation *o, const struct otlp_value *v)
{
    struct buf text;

    if (v->type == OTLP_TEXT) {
        obs_bodyn(o, v->text, v->len);
    } else if (v->type != OTLP_NONE) {
        buf_init(&text, OBS_STRING_MAX);
        otlp_text_value(&text, v);
        obs_bodyn(o, buf_text(&text), text.len);
        if (buf_error(&text) != ERR_OK && o->batch != NULL)
            o->batch->failed = true;
        buf_free(&text);
    }
    o->cut |= v->cut;
}

int64_t otlp_build_time(uint64_t ns)
{
    return ns <= INT64_MAX ? (int64_t)ns : 0;
}

enum obs_severity otlp_build_severity(uint64_t number)
{
    return number >= 1 && number <= SEVERITY_NUMBER_MAX ? (enum obs_severity)number : SEVERITY_INFO;
}

#define PLACE(key, field)                                                               \
    {                                                                                   \
        key, offsetof(struct resource, field), sizeof(((struct resource *)NULL)->field) \
    }

static const struct {
    const char *key;
    size_t offset, size;
} places[] = {
    PLACE(ATTR_SERVICE_NAME, service_name), PLACE(ATTR_SERVICE_VERSION, agent_version),
    PLACE(ATTR_HOST_ID, host_id),           PLACE(ATTR_HOST_NAME, host_name),
    PLACE(ATTR_OS_VERSION, os_version),     PLACE(ATTR_CLUSTER_NAME, cluster),
    PLACE(ATTR_HOST_IS_WIN6X, is_win6x),    PLACE(ATTR_HOST_IS_WIN5X, is_win5x),
};

void otlp_build_resource(struct resource *r, const char *key, size_t key_len, const struct otlp_value *v)
{
    if (v->type != OTLP_TEXT)
        return;
    if (key_is(key, key_len, ATTR_SERVICE_INSTANCE)) {
        guid_parse(v->text, v->len, r->agent_id);
        return;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (key_is(key, key_len, places[i].key))
            text_clean((char *)r + places[i].offset, places[i].size, v->text, v->len, NULL);
    }
}

struct otlp_value otlp_build_nested(struct otlp_builder *b, const struct buf *text)
{
    b->no_memory |= buf_error(text) == ERR_MEMORY;
    return (struct otlp_value){
        .type = OTLP_TEXT, .text = buf_text(text), .len = text->len, .cut = buf_error(text) != ERR_OK
    };
}

void otlp_text_string(struct buf *out, const char *text, size_t len)
{
    buf_char(out, '"');
    for (size_t i = 0; i < len && buf_error(out) == ERR_OK; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, text[i]);
    }
    buf_char(out, '"');
}

void otlp_text_value(struct buf *out, const struct otlp_value *v)
{
    switch (v->type) {
    case OTLP_NONE:
        buf_str(out, "null");
        break;
    case OTLP_TEXT:
        otlp_text_string(out, v->text, v->len);
        break;
    case OTLP_INT:
        buf_printf(out, "%" PRId64, v->num);
        break;
    case OTLP_DOUBLE:
        buf_printf(out, "%.17g", v->real);
        break;
    case OTLP_BOOL:
        buf_str(out, v->num != 0 ? "true" : "false");
        break;
    }
}

void otlp_text_base64(struct buf *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len && buf_error(out) == ERR_OK; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits =
            (uint32_t)bytes[i] << 16 | (n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (n > 2 ? bytes[i + 2] : 0);
        char quad[4];

        for (int d = 0; d < 4; d++)
            quad[d] = d <= (int)n ? digits[bits >> (18 - 6 * d) & 0x3F] : '=';
        buf_add(out, quad, sizeof quad);
    }
}

void otlp_request_free(struct otlp_request *r)
{
    struct otlp_group *g = r->groups;

    while (g != NULL) {
        struct otlp_group *next = g->next;

        obs_batch_free(&g->batch);
        free(g);
        g = next;
    }
    *r = (struct otlp_request){ .groups = NULL };
}
