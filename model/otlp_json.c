/* OTLP in its JSON encoding to observations (otlp.h): lowerCamelCase names,
 * 64-bit integers as strings or as numbers, bytes as base64 text.
 *
 * jansson builds a tree of the whole document, which can take far more memory
 * than the text did.  So the text is first walked once to count what it would
 * make, and refused when that is too much for the limits.  jansson itself
 * bounds the depth of nesting (2048).
 */
#include "base/text.h"
#include "model/otlp_build.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* What one object, array or other value costs in jansson's tree, rounded up. */
    OBJECT_COST = 320,
    ARRAY_COST = 160,
    VALUE_COST = 160,
    /* The tree may take this many times what the decoded request may. */
    TREE_SHARE = 4,
};

struct json_decoder {
    struct otlp_builder build;
    struct err *e;
    struct buf text; /* nested values as text; ceiling OBS_STRING_MAX */
};

/* Bytes the tree of this text takes at most, its strings not counted. */
static size_t tree_cost(const char *text, size_t len)
{
    bool in_string = false;
    size_t cost = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && c == '{')
            cost += OBJECT_COST;
        else if (!in_string && c == '[')
            cost += ARRAY_COST;
        else if (!in_string && (c == ',' || c == ':'))
            cost += VALUE_COST;
    }
    return cost;
}

static bool is_text(const json_t *v)
{
    return json_is_string(v);
}

static bool is_bool(const json_t *v)
{
    return json_is_boolean(v);
}

/* An array, or nothing at all. */
static bool is_list(const json_t *v)
{
    return v == NULL || json_typeof(v) == JSON_ARRAY;
}

static struct otlp_value text_of(const json_t *s)
{
    return (struct otlp_value){ .type = OTLP_TEXT, .text = json_string_value(s), .len = json_string_length(s) };
}

/* A signed 64-bit integer as a number or as a string. */
static bool take_int64(const json_t *v, int64_t *out)
{
    const char *s;
    char *end;

    if (json_typeof(v) == JSON_INTEGER) {
        *out = json_integer_value(v);
        return true;
    }
    s = json_string_value(v);
    if (s == NULL || (*s != '-' && (*s < '0' || *s > '9')))
        return false;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return *end == '\0' && errno == 0;
}

/* An unsigned one, such as a time; 0 when it is none. */
static uint64_t take_uint64(const json_t *v)
{
    uint64_t out = 0;

    if (json_is_integer(v) && json_integer_value(v) > 0)
        return (uint64_t)json_integer_value(v);
    if (json_is_string(v) && !text_u64(json_string_value(v), &out))
        return 0;
    return out;
}

/* A double as a number or as "NaN", "Infinity", "-Infinity". */
static bool take_double(const json_t *v, double *out)
{
    char *end;

    if (json_typeof(v) == JSON_INTEGER || json_typeof(v) == JSON_REAL) {
        *out = json_number_value(v);
        return true;
    }
    if (json_string_length(v) == 0) /* or no text */
        return false;
    *out = strtod(json_string_value(v), &end);
    return *end == '\0';
}

/* The scalar an AnyValue holds; OTLP_NONE when it holds none. */
static struct otlp_value scalar(const json_t *any)
{
    struct otlp_value v = { .type = OTLP_NONE };
    const json_t *x;

    if (is_text(x = json_object_get(any, "stringValue")) || is_text(x = json_object_get(any, "bytesValue")))
        return text_of(x);
    if ((x = json_object_get(any, "intValue")) != NULL && take_int64(x, &v.num))
        v.type = OTLP_INT;
    else if ((x = json_object_get(any, "doubleValue")) != NULL && take_double(x, &v.real))
        v.type = OTLP_DOUBLE;
    else if (is_bool(x = json_object_get(any, "boolValue")))
        v = (struct otlp_value){ .type = OTLP_BOOL, .num = json_typeof(x) == JSON_TRUE };
    return v;
}

static const json_t *nested_values(const json_t *any, const char *kind)
{
    const json_t *values = json_object_get(json_object_get(any, kind), "values");

    return json_is_array(values) ? values : NULL;
}

static bool is_nested(const json_t *any)
{
    return json_object_get(any, "arrayValue") != NULL || json_object_get(any, "kvlistValue") != NULL;
}

static void nested_any(struct json_decoder *d, const json_t *any, int depth);

static void nested_map(struct json_decoder *d, const json_t *pairs, int depth)
{
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i), *key = json_object_get(pair, "key");

        if (i > 0)
            buf_char(&d->text, ',');
        otlp_text_string(&d->text, json_string_value(key), json_string_length(key));
        buf_char(&d->text, ':');
        nested_any(d, json_object_get(pair, "value"), depth + 1);
    }
}

static void nested_text(struct json_decoder *d, const json_t *any, int depth)
{
    bool is_map = json_object_get(any, "kvlistValue") != NULL;
    const json_t *values = nested_values(any, is_map ? "kvlistValue" : "arrayValue");

    if (depth >= d->build.limits.depth_max) {
        buf_str(&d->text, "\"...\"");
        return;
    }
    buf_char(&d->text, is_map ? '{' : '[');
    if (is_map)
        nested_map(d, values, depth);
    for (size_t i = 0; !is_map && i < json_array_size(values); i++) {
        if (i > 0)
            buf_char(&d->text, ',');
        nested_any(d, json_array_get(values, i), depth + 1);
    }
    buf_char(&d->text, is_map ? '}' : ']');
}

static void nested_any(struct json_decoder *d, const json_t *any, int depth)
{
    struct otlp_value v;

    if (is_nested(any)) {
        nested_text(d, any, depth);
        return;
    }
    v = scalar(any);
    otlp_text_value(&d->text, &v);
}

/* The value is good until the next call. */
static struct otlp_value take_value(struct json_decoder *d, const json_t *any)
{
    if (!is_nested(any))
        return scalar(any);
    buf_clear(&d->text);
    nested_text(d, any, 0);
    return otlp_build_nested(&d->build, &d->text);
}

static int wrong(struct json_decoder *d, const char *where)
{
    return err_set(d->e, ERR_INVALID, "not an OTLP logs request in JSON: %s", where);
}

static int take_attributes(struct json_decoder *d, const json_t *list, struct observation *o, struct resource *r)
{
    if (!is_list(list))
        return wrong(d, "\"attributes\" is no array");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i), *key = json_object_get(pair, "key");
        struct otlp_value v = take_value(d, json_object_get(pair, "value"));

        if (!json_is_string(key))
            return wrong(d, "an attribute has no \"key\"");
        if (o != NULL)
            otlp_build_attr(o, json_string_value(key), json_string_length(key), &v);
        else
            otlp_build_resource(r, json_string_value(key), json_string_length(key), &v);
    }
    return 0;
}

static int take_record(struct json_decoder *d, const json_t *record)
{
    const json_t *name = json_object_get(record, "eventName"), *body = json_object_get(record, "body");
    const json_t *severity = json_object_get(record, "severityNumber");
    struct observation *o;
    struct otlp_value v;
    int rc;

    if (json_typeof(record) != JSON_OBJECT)
        return wrong(d, "a log record is no object");
    rc = otlp_build_record(&d->build, &o, d->e);
    if (rc != 0)
        return rc;
    o->time_ns = otlp_build_time(take_uint64(json_object_get(record, "timeUnixNano")));
    o->observed_ns = otlp_build_time(take_uint64(json_object_get(record, "observedTimeUnixNano")));
    if (severity != NULL)
        o->severity = otlp_build_severity(take_uint64(severity));
    if (json_is_string(name))
        otlp_build_kind(o, json_string_value(name), json_string_length(name));
    if (body != NULL) {
        v = take_value(d, body);
        otlp_build_body(o, &v);
    }
    return take_attributes(d, json_object_get(record, "attributes"), o, NULL);
}

static int take_scope_logs(struct json_decoder *d, const json_t *scope)
{
    const json_t *records = json_object_get(scope, "logRecords");
    int rc = 0;

    if (!is_list(records))
        return wrong(d, "\"logRecords\" is no array");
    for (size_t i = 0; rc == 0 && i < json_array_size(records); i++)
        rc = take_record(d, json_array_get(records, i));
    return rc;
}

static int take_resource_logs(struct json_decoder *d, const json_t *logs)
{
    const json_t *scopes = json_object_get(logs, "scopeLogs"), *resource = json_object_get(logs, "resource");
    int rc;

    if (json_typeof(logs) != JSON_OBJECT)
        return wrong(d, "an element of \"resourceLogs\" is no object");
    if (!is_list(scopes))
        return wrong(d, "\"scopeLogs\" is no array");
    rc = otlp_build_group(&d->build, d->e);
    if (rc == 0)
        rc = take_attributes(d, json_object_get(resource, "attributes"), NULL, &d->build.last->resource);
    for (size_t i = 0; rc == 0 && i < json_array_size(scopes); i++)
        rc = take_scope_logs(d, json_array_get(scopes, i));
    return rc;
}

static int take_request(struct json_decoder *d, const json_t *root)
{
    const json_t *list = json_object_get(root, "resourceLogs");
    int rc = 0;

    if (json_typeof(root) != JSON_OBJECT)
        return wrong(d, "it is no object");
    if (!is_list(list))
        return wrong(d, "\"resourceLogs\" is no array");
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        rc = take_resource_logs(d, json_array_get(list, i));
    return rc == 0 ? otlp_build_end(&d->build, d->e) : rc;
}

/* A body that is not JSON is the sender's; memory that is gone is ours, and the request is to be sent again.  Jansson
 * calls much of the second the first, but then malloc() has set errno last. */
static int no_json(const json_error_t *why, struct err *e)
{
    if (errno == ENOMEM)
        return err_set(e, ERR_MEMORY, "out of memory for a request in JSON");
    return err_set(e, ERR_INVALID, "not JSON: %s at byte %d", why->text, why->position);
}

int otlp_decode_json(const char *text, size_t len, const struct otlp_limits *limits, struct otlp_request *out,
                     struct err *e)
{
    struct json_decoder d = { .e = e };
    json_error_t why;
    json_t *root;
    int rc;

    otlp_build_start(&d.build, limits, out);
    if (tree_cost(text, len) / TREE_SHARE > d.build.limits.arena_max)
        return err_set(e, ERR_TOO_BIG, "the request needs more than %zu bytes decoded: send smaller batches",
                       d.build.limits.arena_max);
    errno = 0;
    root = json_loadb(text, len, JSON_ALLOW_NUL, &why);
    if (root == NULL)
        return no_json(&why, e);
    buf_init(&d.text, OBS_STRING_MAX);
    rc = take_request(&d, root);
    buf_free(&d.text);
    json_decref(root);
    if (rc != 0)
        otlp_request_free(out);
    return rc;
}
