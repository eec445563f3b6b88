/* OTLP in protobuf to observations (otlp.h).
 *
 * A message is walked field by field with nanopb's stream functions.  Fields
 * come in any order and unknown ones, or known ones of another wire type, are
 * skipped.  A nested message whose meaning depends on a sibling (a value before
 * its key) is first remembered as a slice of the input and read at the end, so
 * nothing is copied twice.  Nesting is bounded by the shape of the messages and,
 * within attribute values, by limits.depth_max.
 */
#include "model/otlp.pb.h"
#include "model/otlp_build.h"

#include <assert.h>
#include <pb_decode.h>
#include <string.h>

struct decoder {
    struct otlp_builder build;
    const pb_byte_t *base; /* of the whole request, for offsets */
    struct err *e;
    int failed;      /* the code, once something went wrong */
    struct buf text; /* nested values as text; ceiling OBS_STRING_MAX */
};

struct slice {
    const pb_byte_t *at; /* NULL when the field was not there */
    size_t len;
};

/* A message being walked.  at is the position in the input. */
struct reader {
    pb_istream_t s;
    const pb_byte_t *at;
    struct decoder *d;
    uint32_t tag;
    pb_wire_type_t wire;
};

static bool read_bytes(pb_istream_t *s, pb_byte_t *out, size_t count)
{
    struct reader *r = s->state;

    assert(out != NULL); /* nothing skips by reading into nowhere */
    memcpy(out, r->at, count);
    r->at += count;
    return true;
}

static void open_message(struct reader *r, struct decoder *d, struct slice message)
{
    *r = (struct reader){ .at = message.at, .d = d };
    r->s = (pb_istream_t){ .callback = read_bytes, .bytes_left = message.len };
    r->s.state = r;
}

static void fail(struct reader *r, const char *why)
{
    struct decoder *d = r->d;

    d->failed = err_set(d->e, ERR_INVALID, "not an OTLP logs request: %s at byte %td", why, r->at - d->base);
}

/* Moves to the next field; false at the end and when something is wrong. */
static bool next_field(struct reader *r)
{
    bool eof = false;

    if (r->d->failed != 0)
        return false;
    if (!pb_decode_tag(&r->s, &r->wire, &r->tag, &eof)) {
        if (!eof)
            fail(r, "a broken field key");
        return false;
    }
    if (r->tag == 0)
        fail(r, "a field numbered 0");
    return r->tag != 0;
}

static void skip(struct reader *r)
{
    if (!pb_skip_field(&r->s, r->wire))
        fail(r, "a field that ends too early");
}

/* True when the field has this wire type; skips it otherwise. */
static bool wire_is(struct reader *r, pb_wire_type_t wire)
{
    if (r->wire == wire)
        return true;
    skip(r);
    return false;
}

static void take_slice(struct reader *r, struct slice *out)
{
    uint64_t len;

    if (!wire_is(r, PB_WT_STRING))
        return;
    if (!pb_decode_varint(&r->s, &len) || len > r->s.bytes_left) {
        fail(r, "a length past the end");
        return;
    }
    *out = (struct slice){ .at = r->at, .len = (size_t)len };
    /* Cannot fail: the bytes are there.  The stream's own skip would go by sixteens. */
    r->at += len;
    r->s.bytes_left -= (size_t)len;
}

static void take_varint(struct reader *r, uint64_t *out)
{
    if (wire_is(r, PB_WT_VARINT) && !pb_decode_varint(&r->s, out))
        fail(r, "a broken number");
}

static void take_fixed64(struct reader *r, void *out)
{
    if (wire_is(r, PB_WT_64BIT) && !pb_decode_fixed64(&r->s, out))
        fail(r, "a number cut short");
}

/* ---- attribute values --------------------------------------------------- */

static void nested_any(struct decoder *d, struct slice any, int depth);

static void nested_array(struct decoder *d, struct slice array, int depth)
{
    const char *comma = "";
    struct slice item;
    struct reader r;

    buf_char(&d->text, '[');
    for (open_message(&r, d, array); next_field(&r);) {
        item = (struct slice){ .at = NULL };
        if (r.tag == ArrayValue_values_tag)
            take_slice(&r, &item);
        else
            skip(&r);
        if (item.at == NULL)
            continue;
        buf_str(&d->text, comma);
        nested_any(d, item, depth + 1);
        comma = ",";
    }
    buf_char(&d->text, ']');
}

static void split_key_value(struct decoder *d, struct slice pair, struct slice *key, struct slice *value)
{
    struct reader r;

    *key = *value = (struct slice){ .at = NULL };
    for (open_message(&r, d, pair); next_field(&r);) {
        if (r.tag == KeyValue_key_tag)
            take_slice(&r, key);
        else if (r.tag == KeyValue_value_tag)
            take_slice(&r, value);
        else
            skip(&r);
    }
}

static void nested_map(struct decoder *d, struct slice map, int depth)
{
    const char *comma = "";
    struct slice pair, key, value;
    struct reader r;

    buf_char(&d->text, '{');
    for (open_message(&r, d, map); next_field(&r);) {
        pair = (struct slice){ .at = NULL };
        if (r.tag == KeyValueList_values_tag)
            take_slice(&r, &pair);
        else
            skip(&r);
        if (pair.at == NULL)
            continue;
        split_key_value(d, pair, &key, &value);
        buf_str(&d->text, comma);
        otlp_text_string(&d->text, (const char *)key.at, key.len);
        buf_char(&d->text, ':');
        nested_any(d, value, depth + 1);
        comma = ",";
    }
    buf_char(&d->text, '}');
}

/* The last value field of an AnyValue: a scalar in *out, or what is nested. */
struct any {
    struct otlp_value scalar;
    uint32_t nested_tag; /* 0, or the tag of array, map or bytes */
    struct slice nested;
};

static void take_any_field(struct reader *r, struct any *out)
{
    struct slice text = { .at = NULL };
    uint64_t n = 0;

    *out = (struct any){ .nested_tag = 0 };
    switch (r->tag) {
    case AnyValue_string_value_tag:
        take_slice(r, &text);
        out->scalar = (struct otlp_value){ .type = OTLP_TEXT, .text = (const char *)text.at, .len = text.len };
        break;
    case AnyValue_bool_value_tag:
        take_varint(r, &n);
        out->scalar = (struct otlp_value){ .type = OTLP_BOOL, .num = n != 0 };
        break;
    case AnyValue_int_value_tag:
        take_varint(r, &n);
        out->scalar = (struct otlp_value){ .type = OTLP_INT, .num = (int64_t)n };
        break;
    case AnyValue_double_value_tag:
        out->scalar.type = OTLP_DOUBLE;
        take_fixed64(r, &out->scalar.real);
        break;
    default: /* an array, a map, bytes */
        out->nested_tag = r->tag;
        take_slice(r, &out->nested);
    }
}

static struct any read_any(struct decoder *d, struct slice message)
{
    static const pb_wire_type_t wires[] = {
        [AnyValue_string_value_tag] = PB_WT_STRING, [AnyValue_bool_value_tag] = PB_WT_VARINT,
        [AnyValue_int_value_tag] = PB_WT_VARINT,    [AnyValue_double_value_tag] = PB_WT_64BIT,
        [AnyValue_array_value_tag] = PB_WT_STRING,  [AnyValue_kvlist_value_tag] = PB_WT_STRING,
        [AnyValue_bytes_value_tag] = PB_WT_STRING,
    };
    struct any any = { .nested_tag = 0 };
    struct reader r;

    for (open_message(&r, d, message); next_field(&r);) {
        if (r.tag < sizeof wires / sizeof *wires && r.wire == wires[r.tag])
            take_any_field(&r, &any);
        else
            skip(&r);
    }
    return any;
}

/* Appends what is nested, as text. */
static void nested_text(struct decoder *d, const struct any *any, int depth)
{
    if (any->nested_tag == AnyValue_bytes_value_tag)
        otlp_text_base64(&d->text, any->nested.at, any->nested.len);
    else if (depth >= d->build.limits.depth_max)
        buf_str(&d->text, "\"...\"");
    else if (any->nested_tag == AnyValue_array_value_tag)
        nested_array(d, any->nested, depth);
    else
        nested_map(d, any->nested, depth);
}

static void nested_any(struct decoder *d, struct slice message, int depth)
{
    struct any any = read_any(d, message);

    if (any.nested_tag == 0)
        otlp_text_value(&d->text, &any.scalar);
    else if (any.nested_tag == AnyValue_bytes_value_tag) {
        buf_char(&d->text, '"');
        nested_text(d, &any, depth);
        buf_char(&d->text, '"');
    } else {
        nested_text(d, &any, depth);
    }
}

/* The value is good until the next call. */
static struct otlp_value take_value(struct decoder *d, struct slice message)
{
    struct any any = read_any(d, message);

    if (any.nested_tag == 0)
        return any.scalar;
    buf_clear(&d->text);
    nested_text(d, &any, 0);
    return otlp_build_nested(&d->build, &d->text);
}

/* ---- records ------------------------------------------------------------ */

static void take_attribute(struct reader *r, struct observation *o)
{
    struct slice pair = { .at = NULL }, key, value;
    struct otlp_value v;

    take_slice(r, &pair);
    if (pair.at == NULL)
        return;
    split_key_value(r->d, pair, &key, &value);
    v = take_value(r->d, value);
    otlp_build_attr(o, (const char *)key.at, key.len, &v);
}

static void take_body(struct reader *r, struct observation *o)
{
    struct slice any = { .at = NULL };
    struct otlp_value v;

    take_slice(r, &any);
    if (any.at == NULL)
        return;
    v = take_value(r->d, any);
    otlp_build_body(o, &v);
}

static void take_event_name(struct reader *r, struct observation *o)
{
    struct slice name = { .at = NULL };

    take_slice(r, &name);
    if (name.at != NULL)
        otlp_build_kind(o, (const char *)name.at, name.len);
}

static void take_record_field(struct reader *r, struct observation *o)
{
    uint64_t n = 0;

    switch (r->tag) {
    case LogRecord_time_unix_nano_tag:
        take_fixed64(r, &n);
        o->time_ns = otlp_build_time(n);
        break;
    case LogRecord_observed_time_unix_nano_tag:
        take_fixed64(r, &n);
        o->observed_ns = otlp_build_time(n);
        break;
    case LogRecord_severity_number_tag:
        take_varint(r, &n);
        o->severity = otlp_build_severity(n);
        break;
    case LogRecord_body_tag:
        take_body(r, o);
        break;
    case LogRecord_attributes_tag:
        take_attribute(r, o);
        break;
    case LogRecord_event_name_tag:
        take_event_name(r, o);
        break;
    default:
        skip(r);
    }
}

static void read_record(struct decoder *d, struct slice message)
{
    struct observation *o;
    struct reader r;

    d->failed = otlp_build_record(&d->build, &o, d->e);
    if (d->failed != 0)
        return;
    for (open_message(&r, d, message); next_field(&r);)
        take_record_field(&r, o);
}

/* ---- the messages around them ------------------------------------------- */

static void read_scope_logs(struct decoder *d, struct slice message)
{
    struct reader r;

    for (open_message(&r, d, message); next_field(&r);) {
        struct slice record = { .at = NULL };

        if (r.tag != ScopeLogs_log_records_tag) {
            skip(&r);
            continue;
        }
        take_slice(&r, &record);
        if (record.at != NULL)
            read_record(d, record);
    }
}

static void read_resource(struct decoder *d, struct slice message, struct resource *out)
{
    struct slice pair, key, value;
    struct otlp_value v;
    struct reader r;

    for (open_message(&r, d, message); next_field(&r);) {
        pair = (struct slice){ .at = NULL };
        if (r.tag == Resource_attributes_tag)
            take_slice(&r, &pair);
        else
            skip(&r);
        if (pair.at == NULL)
            continue;
        split_key_value(d, pair, &key, &value);
        v = take_value(d, value);
        otlp_build_resource(out, (const char *)key.at, key.len, &v);
    }
}

static void read_resource_logs(struct decoder *d, struct slice message)
{
    struct reader r;

    d->failed = otlp_build_group(&d->build, d->e);
    if (d->failed != 0)
        return;
    for (open_message(&r, d, message); next_field(&r);) {
        struct slice part = { .at = NULL };

        if (r.tag != ResourceLogs_resource_tag && r.tag != ResourceLogs_scope_logs_tag) {
            skip(&r);
            continue;
        }
        take_slice(&r, &part);
        if (part.at != NULL && r.tag == ResourceLogs_resource_tag)
            read_resource(d, part, &d->build.last->resource);
        else if (part.at != NULL)
            read_scope_logs(d, part);
    }
}

static void read_request(struct decoder *d, struct slice message)
{
    struct reader r;

    for (open_message(&r, d, message); next_field(&r);) {
        struct slice logs = { .at = NULL };

        if (r.tag == ExportLogsServiceRequest_resource_logs_tag)
            take_slice(&r, &logs);
        else
            skip(&r);
        if (logs.at != NULL)
            read_resource_logs(d, logs);
    }
}

int otlp_decode(const void *bytes, size_t len, const struct otlp_limits *limits, struct otlp_request *out,
                struct err *e)
{
    struct decoder d = { .base = len > 0 ? bytes : (const pb_byte_t *)"", .e = e };

    otlp_build_start(&d.build, limits, out);
    buf_init(&d.text, OBS_STRING_MAX);
    read_request(&d, (struct slice){ .at = d.base, .len = len });
    if (d.failed == 0)
        d.failed = otlp_build_end(&d.build, e);
    buf_free(&d.text);
    if (d.failed != 0)
        otlp_request_free(out);
    return d.failed;
}
