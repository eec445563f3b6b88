/* See json_fields.h. */
#include "incidents/json_fields.h"

#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

_Static_assert(sizeof(enum incident_kind) == sizeof(int), "words are read and written as int");

/* Lengths above this (71 years) would not come back as they were. */
#define LENGTH_MAX_S 2.2e9
#define US_PER_S     1000000

/* ---- writing -------------------------------------------------------------- */

void field_string(struct buf *out, const char *text)
{
    buf_char(out, '"');
    while (*text != '\0') {
        const char *p = text;

        while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            p++;
        buf_add(out, text, (size_t)(p - text));
        if (*p == '\0')
            break;
        if ((unsigned char)*p < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)*p);
        else
            buf_printf(out, "\\%c", *p);
        text = p + 1;
    }
    buf_char(out, '"');
}

void field_key(struct buf *out, const char *key)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        buf_char(out, ',');
    field_string(out, key);
    buf_char(out, ':');
}

static void string_or_null(struct buf *out, const char *text)
{
    if (text[0] == '\0')
        buf_str(out, "null");
    else
        field_string(out, text);
}

void field_text_or_null(struct buf *out, const char *key, const char *text)
{
    field_key(out, key);
    string_or_null(out, text);
}

static void write_number(struct buf *out, int64_t n)
{
    if (n < 0)
        buf_str(out, "null");
    else
        buf_printf(out, "%" PRId64, n);
}

/* Seconds with six digits after the point at most. */
static void write_length(struct buf *out, int64_t ns)
{
    int64_t us = ns / 1000;
    int digits = 6;

    write_number(out, ns < 0 ? -1 : us / US_PER_S);
    us %= US_PER_S;
    if (ns < 0 || us == 0)
        return;
    while (us % 10 == 0) {
        us /= 10;
        digits--;
    }
    buf_printf(out, ".%0*" PRId64, digits, us);
}

static void write_params(struct buf *out, const uint64_t *params)
{
    for (int i = 0; i < INCIDENT_PARAMS; i++)
        buf_printf(out, "%s\"0x%016" PRIx64 "\"", i == 0 ? "[" : ",", params[i]);
    buf_char(out, ']');
}

static void write_lines(struct buf *out, const struct incident_lines *lines)
{
    buf_char(out, '[');
    for (int i = 0; i < lines->count; i++) {
        if (i > 0)
            buf_char(out, ',');
        field_string(out, lines->line[i]);
    }
    buf_char(out, ']');
}

static void write_rows(struct buf *out, const struct field *f, const char *rows, int count)
{
    buf_char(out, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_char(out, ',');
        fields_write(out, f->shape, rows + (size_t)i * f->shape->size);
    }
    buf_char(out, ']');
}

static int int_at(const char *from, size_t offset)
{
    int value;

    memcpy(&value, from + offset, sizeof value);
    return value;
}

static void write_compound(struct buf *out, const struct field *f, const char *base)
{
    const void *at = base + f->offset;

    switch (f->type) {
    case FIELD_PARAMS:
        if (*(const bool *)(base + f->known))
            write_params(out, at);
        else
            buf_str(out, "null");
        break;
    case FIELD_LINES:
        write_lines(out, at);
        break;
    case FIELD_OBJECT:
        fields_write(out, f->shape, at);
        break;
    case FIELD_IF:
        if (*((const bool *)at + f->known))
            fields_write(out, f->shape, at);
        else
            buf_str(out, "null");
        break;
    case FIELD_LIST:
        write_rows(out, f, at, int_at(base, f->known));
        break;
    default:
        assert(f->type == FIELD_ROWS);
        write_rows(out, f, *(const char *const *)at, int_at(base, f->known));
    }
}

static void write_field(struct buf *out, const struct field *f, const char *base)
{
    const void *at = base + f->offset;
    char time[TIMES_TEXT_MAX];

    switch (f->type) {
    case FIELD_TEXT:
        string_or_null(out, *(const char *const *)at);
        break;
    case FIELD_TIME:
        string_or_null(out, times_format(*(const int64_t *)at, time));
        break;
    case FIELD_LENGTH:
        write_length(out, *(const int64_t *)at);
        break;
    case FIELD_COUNT64:
        write_number(out, *(const int64_t *)at);
        break;
    case FIELD_COUNT:
        write_number(out, int_at(base, f->offset));
        break;
    case FIELD_NUMBER:
        buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case FIELD_FLAG:
        buf_str(out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_MAYBE:
        buf_str(out, int_at(base, f->offset) < 0 ? "null" : int_at(base, f->offset) > 0 ? "true" : "false");
        break;
    case FIELD_WORD:
        string_or_null(out, f->word(int_at(base, f->offset)));
        break;
    case FIELD_CODE:
        buf_printf(out, "\"0x%08" PRIx32 "\"", *(const uint32_t *)at);
        break;
    default:
        write_compound(out, f, base);
    }
}

void fields_write_members(struct buf *out, const struct field_shape *shape, const void *from)
{
    for (size_t n = 0; n < shape->count; n++) {
        field_key(out, shape->fields[n].key);
        write_field(out, &shape->fields[n], from);
    }
}

void fields_write(struct buf *out, const struct field_shape *shape, const void *from)
{
    buf_char(out, '{');
    fields_write_members(out, shape, from);
    buf_char(out, '}');
}

/* ---- reading -------------------------------------------------------------- */

static int wrong(const char *key, const char *wants, struct err *e)
{
    return err_set(e, ERR_INVALID, "%s: expects %s", key, wants);
}

/* v is a value that is there: never NULL, as what jansson's own macros ask first. */
static bool is(const json_t *v, json_type type)
{
    return json_typeof(v) == type;
}

static bool is_boolean(const json_t *v)
{
    return is(v, JSON_TRUE) || is(v, JSON_FALSE);
}

static void put_int(char *to, size_t offset, int value)
{
    memcpy(to + offset, &value, sizeof value);
}

static int read_text(struct incident *i, const json_t *v, const char **out)
{
    if (!is(v, JSON_STRING))
        return ERR_INVALID;
    *out = incident_text(i, json_string_value(v));
    return 0;
}

static int read_time(const json_t *v, int64_t *out)
{
    return is(v, JSON_STRING) && times_parse(json_string_value(v), out) ? 0 : ERR_INVALID;
}

static int read_length(const json_t *v, int64_t *out)
{
    double s = json_number_value(v);

    if ((!is(v, JSON_INTEGER) && !is(v, JSON_REAL)) || !(s >= 0 && s < LENGTH_MAX_S))
        return ERR_INVALID;
    *out = (int64_t)llround(s * US_PER_S) * 1000;
    return 0;
}

static int read_count(const json_t *v, int64_t max, int64_t *out)
{
    if (!is(v, JSON_INTEGER) || json_integer_value(v) < 0 || json_integer_value(v) > max)
        return ERR_INVALID;
    *out = json_integer_value(v);
    return 0;
}

static int read_word(const struct field *f, const json_t *v, char *to)
{
    for (int n = 0; is(v, JSON_STRING) && n < f->words; n++) {
        if (strcmp(f->word(n), json_string_value(v)) == 0) {
            put_int(to, f->offset, n);
            return 0;
        }
    }
    return ERR_INVALID;
}

static int read_code(const json_t *v, uint32_t *out)
{
    uint64_t n;

    if (!is(v, JSON_STRING) || !text_u64(json_string_value(v), &n) || n > UINT32_MAX)
        return ERR_INVALID;
    *out = (uint32_t)n;
    return 0;
}

static int read_params(const struct field *f, const json_t *v, char *to)
{
    uint64_t params[INCIDENT_PARAMS];

    if (json_array_size(v) != INCIDENT_PARAMS)
        return ERR_INVALID;
    for (size_t n = 0; n < INCIDENT_PARAMS; n++) {
        const json_t *p = json_array_get(v, n);

        if (!is(p, JSON_STRING) || !text_u64(json_string_value(p), &params[n]))
            return ERR_INVALID;
    }
    memcpy(to + f->offset, params, sizeof params);
    *(bool *)(to + f->known) = true;
    return 0;
}

static int read_lines(struct incident *i, const json_t *v, struct incident_lines *out)
{
    if (!is(v, JSON_ARRAY) || json_array_size(v) > INCIDENT_LINES_MAX)
        return ERR_INVALID;
    for (size_t n = 0; n < json_array_size(v); n++) {
        if (!is(json_array_get(v, n), JSON_STRING))
            return ERR_INVALID;
        incident_line(i, out, json_string_value(json_array_get(v, n)));
    }
    return 0;
}

/* An array of objects, in the struct or behind its pointer. */
static int read_rows(struct incident *i, const struct field *f, const json_t *v, char *to, struct err *e)
{
    size_t count = json_array_size(v);
    char *rows = to + f->offset;

    if (!is(v, JSON_ARRAY) || count > (size_t)f->max)
        return wrong(f->key, "a list that is not longer than any of ours", e);
    if (f->type == FIELD_ROWS) {
        rows = arena_alloc(&i->arena, (count + 1) * f->shape->size);
        if (rows == NULL && !i->arena.full)
            return err_set(e, ERR_MEMORY, "%s: out of memory", f->key);
        if (rows == NULL)
            return err_set(e, ERR_TOO_BIG, "%s: the incident is larger than any of ours", f->key);
        memcpy(to + f->offset, &rows, sizeof rows);
    }
    for (size_t n = 0; n < count; n++) {
        char *row = rows + n * f->shape->size;
        int rc;

        f->shape->init(row);
        rc = fields_read(i, f->shape, json_array_get(v, n), row, e);
        if (rc != 0) {
            err_prefix(e, "%s", f->key);
            return rc;
        }
    }
    put_int(to, f->known, (int)count);
    return 0;
}

static int read_object(struct incident *i, const struct field *f, const json_t *v, char *to, struct err *e)
{
    int rc = fields_read(i, f->shape, v, to + f->offset, e);

    if (rc == 0 && f->type == FIELD_IF)
        *(bool *)(to + f->offset + f->known) = true;
    if (rc != 0)
        err_prefix(e, "%s", f->key);
    return rc;
}

static int read_small(const struct field *f, const json_t *v, char *to)
{
    int64_t n;

    if (f->type == FIELD_MAYBE ? !is_boolean(v) : read_count(v, INT32_MAX, &n) != 0)
        return ERR_INVALID;
    put_int(to, f->offset, f->type == FIELD_MAYBE ? is(v, JSON_TRUE) : (int)n);
    return 0;
}

static int read_number(const json_t *v, uint64_t *out)
{
    int64_t n;

    if (read_count(v, INT64_MAX, &n) != 0)
        return ERR_INVALID;
    *out = (uint64_t)n;
    return 0;
}

static int read_flag(const json_t *v, bool *out)
{
    *out = is(v, JSON_TRUE);
    return is_boolean(v) ? 0 : ERR_INVALID;
}

static int read_field(struct incident *i, const struct field *f, const json_t *v, char *to, struct err *e)
{
    void *at = to + f->offset;

    switch (f->type) {
    case FIELD_TEXT:
        return read_text(i, v, at) == 0 ? 0 : wrong(f->key, "a text", e);
    case FIELD_TIME:
        return read_time(v, at) == 0 ? 0 : wrong(f->key, "a time such as 2026-01-31T08:00:00Z", e);
    case FIELD_LENGTH:
        return read_length(v, at) == 0 ? 0 : wrong(f->key, "seconds", e);
    case FIELD_COUNT64:
        return read_count(v, INT64_MAX, at) == 0 ? 0 : wrong(f->key, "a whole number", e);
    case FIELD_COUNT:
        return read_small(f, v, to) == 0 ? 0 : wrong(f->key, "a whole number", e);
    case FIELD_NUMBER:
        return read_number(v, at) == 0 ? 0 : wrong(f->key, "a whole number", e);
    case FIELD_FLAG:
        return read_flag(v, at) == 0 ? 0 : wrong(f->key, "true or false", e);
    case FIELD_MAYBE:
        return read_small(f, v, to) == 0 ? 0 : wrong(f->key, "true or false", e);
    case FIELD_WORD:
        return read_word(f, v, to) == 0 ? 0 : wrong(f->key, "one of its words", e);
    case FIELD_CODE:
        return read_code(v, at) == 0 ? 0 : wrong(f->key, "a code such as \"0x000000d1\"", e);
    case FIELD_PARAMS:
        return read_params(f, v, to) == 0 ? 0 : wrong(f->key, "four numbers such as \"0x0\"", e);
    case FIELD_LINES:
        return read_lines(i, v, at) == 0 ? 0 : wrong(f->key, "a list of texts", e);
    case FIELD_OBJECT:
    case FIELD_IF:
        return read_object(i, f, v, to, e);
    default:
        assert(f->type == FIELD_LIST || f->type == FIELD_ROWS);
        return read_rows(i, f, v, to, e);
    }
}

int fields_read(struct incident *i, const struct field_shape *shape, const json_t *object, void *to, struct err *e)
{
    if (!is(object, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "expects an object");
    for (size_t n = 0; n < shape->count; n++) {
        const json_t *v = json_object_get(object, shape->fields[n].key);
        int rc = v == NULL || is(v, JSON_NULL) ? 0 : read_field(i, &shape->fields[n], v, to, e);

        if (rc != 0)
            return rc;
    }
    return 0;
}
