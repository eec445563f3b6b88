/* Observations to OTLP (otlp.h).
 *
 * Protobuf puts the length of a nested message before it.  Every message here
 * has its length computed by arithmetic, so that the bytes are written once,
 * straight into the buffer, with nothing allocated.
 */
#include "model/otlp.h"
#include "model/otlp.pb.h"

#include <assert.h>
#include <pb_encode.h>
#include <string.h>

/* All tags here are below 16, so a field's key takes one byte. */
enum { KEY_SIZE = 1, FIXED64_SIZE = 8, LENGTHS_GROW = 2 * 4 };
_Static_assert(LogRecord_event_name_tag < 16 && LogRecord_observed_time_unix_nano_tag < 16, "a key takes one byte");

static const char scope_name[] = "hvfleet";

static size_t varint_size(uint64_t v)
{
    size_t n = 1;

    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

/* Size of a field with a length before it. */
static size_t framed(size_t len)
{
    return KEY_SIZE + varint_size(len) + len;
}

size_t otlp_framed_size(size_t len)
{
    return framed(len);
}

/* ---- into the buffer ----------------------------------------------------- */

/* The bytes were counted before there was room for them, so each of these has room. */
static void put_tag(pb_ostream_t *s, pb_wire_type_t type, uint32_t tag)
{
    bool ok = pb_encode_tag(s, type, tag);

    assert(ok);
}

static void put_varint(pb_ostream_t *s, uint64_t v)
{
    bool ok = pb_encode_varint(s, v);

    assert(ok);
}

static void put_fixed64(pb_ostream_t *s, const void *v)
{
    bool ok = pb_encode_fixed64(s, v);

    assert(ok);
}

/* Key and length of a field whose len bytes follow. */
static void open_field(pb_ostream_t *s, uint32_t tag, size_t len)
{
    put_tag(s, PB_WT_STRING, tag);
    put_varint(s, len);
}

static void put_text(pb_ostream_t *s, uint32_t tag, const char *text, size_t len)
{
    bool ok;

    open_field(s, tag, len);
    ok = pb_write(s, (const pb_byte_t *)text, len);
    assert(ok);
}

static void put_time(pb_ostream_t *s, uint32_t tag, int64_t ns)
{
    uint64_t v = (uint64_t)ns;

    if (ns <= 0)
        return;
    put_tag(s, PB_WT_64BIT, tag);
    put_fixed64(s, &v);
}

/* ---- values ------------------------------------------------------------- */

static size_t any_size(const struct attr *a)
{
    if (a->type == ATTR_STRING)
        return framed(a->len);
    if (a->type == ATTR_INT)
        return KEY_SIZE + varint_size((uint64_t)a->num);
    if (a->type == ATTR_DOUBLE)
        return KEY_SIZE + FIXED64_SIZE;
    assert(a->type == ATTR_BOOL);
    return KEY_SIZE + 1;
}

static void put_any(pb_ostream_t *s, const struct attr *a)
{
    if (a->type == ATTR_STRING) {
        put_text(s, AnyValue_string_value_tag, a->str, a->len);
    } else if (a->type == ATTR_INT) {
        put_tag(s, PB_WT_VARINT, AnyValue_int_value_tag);
        put_varint(s, (uint64_t)a->num);
    } else if (a->type == ATTR_DOUBLE) {
        put_tag(s, PB_WT_64BIT, AnyValue_double_value_tag);
        put_fixed64(s, &a->real);
    } else {
        put_tag(s, PB_WT_VARINT, AnyValue_bool_value_tag);
        put_varint(s, a->num != 0);
    }
}

static size_t key_value_size(const struct attr *a)
{
    return framed(strlen(a->key)) + framed(any_size(a));
}

static void put_key_value(pb_ostream_t *s, uint32_t tag, const struct attr *a)
{
    open_field(s, tag, key_value_size(a));
    put_text(s, KeyValue_key_tag, a->key, strlen(a->key));
    open_field(s, KeyValue_value_tag, any_size(a));
    put_any(s, a);
}

/* ---- one record --------------------------------------------------------- */

static const char *severity_text(enum obs_severity severity)
{
    static const struct {
        int from;
        const char *text;
    } names[] = {
        { SEVERITY_FATAL, "FATAL" }, { SEVERITY_ERROR, "ERROR" }, { SEVERITY_WARN, "WARN" },
        { SEVERITY_INFO, "INFO" },   { SEVERITY_DEBUG, "DEBUG" },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((int)severity >= names[i].from)
            return names[i].text;
    }
    return "TRACE";
}

static struct attr seq_attr(const struct observation *o)
{
    return (struct attr){ .key = ATTR_SEQ, .type = ATTR_INT, .num = (int64_t)o->seq };
}

static const struct attr cut_attr = { .key = ATTR_CUT, .type = ATTR_BOOL, .num = 1 };

static size_t record_size(const struct observation *o)
{
    const char *severity = severity_text(o->severity);
    struct attr seq = seq_attr(o);
    size_t body = strlen(o->body), name = strlen(o->kind_name), size = 0;

    size += o->time_ns > 0 ? KEY_SIZE + FIXED64_SIZE : 0;
    size += o->observed_ns > 0 ? KEY_SIZE + FIXED64_SIZE : 0;
    size += KEY_SIZE + varint_size((uint64_t)o->severity) + framed(strlen(severity));
    size += body > 0 ? framed(framed(body)) : 0;
    size += name > 0 ? framed(name) : 0;
    for (int i = 0; i < o->attr_count; i++)
        size += framed(key_value_size(&o->attrs[i]));
    size += o->seq != 0 ? framed(key_value_size(&seq)) : 0;
    size += o->cut ? framed(key_value_size(&cut_attr)) : 0;
    return size;
}

static void put_attrs(pb_ostream_t *s, const struct observation *o)
{
    struct attr seq = seq_attr(o);

    for (int i = 0; i < o->attr_count; i++)
        put_key_value(s, LogRecord_attributes_tag, &o->attrs[i]);
    if (o->seq != 0)
        put_key_value(s, LogRecord_attributes_tag, &seq);
    if (o->cut)
        put_key_value(s, LogRecord_attributes_tag, &cut_attr);
}

static void put_record(pb_ostream_t *s, const struct observation *o)
{
    const char *severity = severity_text(o->severity);
    size_t body = strlen(o->body), name = strlen(o->kind_name);

    put_time(s, LogRecord_time_unix_nano_tag, o->time_ns);
    put_tag(s, PB_WT_VARINT, LogRecord_severity_number_tag);
    put_varint(s, (uint64_t)o->severity);
    put_text(s, LogRecord_severity_text_tag, severity, strlen(severity));
    if (body > 0) {
        open_field(s, LogRecord_body_tag, framed(body));
        put_text(s, AnyValue_string_value_tag, o->body, body);
    }
    put_attrs(s, o);
    put_time(s, LogRecord_observed_time_unix_nano_tag, o->observed_ns);
    if (name > 0)
        put_text(s, LogRecord_event_name_tag, o->kind_name, name);
}

static int no_room(const struct buf *out, struct err *e)
{
    if (buf_error(out) == ERR_MEMORY)
        return err_set(e, ERR_MEMORY, "out of memory for an OTLP message");
    return err_set(e, ERR_TOO_BIG, "an OTLP message does not fit into %zu bytes", out->max);
}

int otlp_encode_record(const struct observation *o, struct buf *out, struct err *e)
{
    size_t size = record_size(o);
    char *room = buf_room(out, size);
    pb_ostream_t s;

    if (room == NULL)
        return no_room(out, e);
    s = pb_ostream_from_buffer((pb_byte_t *)room, size);
    put_record(&s, o);
    assert(s.bytes_written == size);
    buf_used(out, size);
    return 0;
}

/* ---- a request ---------------------------------------------------------- */

enum { RESOURCE_ATTRS_MAX = 9 };

static int resource_attrs(const struct resource *r, struct attr attrs[RESOURCE_ATTRS_MAX])
{
    const struct {
        const char *key, *value;
    } all[RESOURCE_ATTRS_MAX] = {
        { ATTR_SERVICE_NAME, r->service_name }, { ATTR_SERVICE_VERSION, r->agent_version },
        { ATTR_SERVICE_INSTANCE, r->agent_id }, { ATTR_HOST_ID, r->host_id },
        { ATTR_HOST_NAME, r->host_name },       { ATTR_OS_VERSION, r->os_version },
        { ATTR_CLUSTER_NAME, r->cluster },      { ATTR_HOST_IS_WIN6X, r->is_win6x },
        { ATTR_HOST_IS_WIN5X, r->is_win5x },
    };
    int count = 0;

    for (int i = 0; i < RESOURCE_ATTRS_MAX; i++) {
        size_t len = strlen(all[i].value);

        if (len > 0)
            attrs[count++] = (struct attr){ .key = all[i].key, .type = ATTR_STRING, .str = all[i].value, .len = len };
    }
    return count;
}

struct request_sizes {
    size_t resource, scope, scope_logs, resource_logs;
};

static struct request_sizes request_sizes(const struct resource *r, const struct attr *attrs, int attr_count,
                                          const struct otlp_payload *payloads, size_t count)
{
    struct request_sizes z = { 0 };

    for (int i = 0; i < attr_count; i++)
        z.resource += framed(key_value_size(&attrs[i]));
    z.scope = framed(sizeof scope_name - 1) + framed(strlen(r->agent_version));
    z.scope_logs = framed(z.scope);
    for (size_t i = 0; i < count; i++)
        z.scope_logs += framed(payloads[i].len);
    z.resource_logs = framed(z.resource) + framed(z.scope_logs);
    return z;
}

static void put_scope(pb_ostream_t *s, const struct resource *r, size_t size)
{
    open_field(s, ScopeLogs_scope_tag, size);
    put_text(s, InstrumentationScope_name_tag, scope_name, sizeof scope_name - 1);
    put_text(s, InstrumentationScope_version_tag, r->agent_version, strlen(r->agent_version));
}

static void put_resource(pb_ostream_t *s, const struct attr *attrs, int count, size_t size)
{
    open_field(s, ResourceLogs_resource_tag, size);
    for (int i = 0; i < count; i++)
        put_key_value(s, Resource_attributes_tag, &attrs[i]);
}

/* Two lengths count the payloads in, and take four bytes more each at most when there are any. */
size_t otlp_envelope_max(const struct resource *r)
{
    struct attr attrs[RESOURCE_ATTRS_MAX];
    int attr_count = resource_attrs(r, attrs);

    return framed(request_sizes(r, attrs, attr_count, NULL, 0).resource_logs) + LENGTHS_GROW;
}

int otlp_encode_request(const struct resource *r, const struct otlp_payload *payloads, size_t count, struct buf *out,
                        struct err *e)
{
    struct attr attrs[RESOURCE_ATTRS_MAX];
    int attr_count = resource_attrs(r, attrs);
    struct request_sizes z = request_sizes(r, attrs, attr_count, payloads, count);
    size_t size = framed(z.resource_logs);
    char *room = buf_room(out, size);
    pb_ostream_t s;

    if (room == NULL)
        return no_room(out, e);
    s = pb_ostream_from_buffer((pb_byte_t *)room, size);
    open_field(&s, ExportLogsServiceRequest_resource_logs_tag, z.resource_logs);
    put_resource(&s, attrs, attr_count, z.resource);
    open_field(&s, ResourceLogs_scope_logs_tag, z.scope_logs);
    put_scope(&s, r, z.scope);
    for (size_t i = 0; i < count; i++)
        put_text(&s, ScopeLogs_log_records_tag, payloads[i].bytes, payloads[i].len);
    assert(s.bytes_written == size);
    buf_used(out, size);
    return 0;
}

int otlp_encode_response(int64_t rejected, const char *message, struct buf *out, struct err *e)
{
    size_t text = message != NULL ? strlen(message) : 0;
    size_t partial = (rejected != 0 ? KEY_SIZE + varint_size((uint64_t)rejected) : 0) + (text > 0 ? framed(text) : 0);
    size_t size = partial > 0 ? framed(partial) : 0;
    char *room;
    pb_ostream_t s;

    if (size == 0)
        return 0;
    room = buf_room(out, size);
    if (room == NULL)
        return no_room(out, e);
    s = pb_ostream_from_buffer((pb_byte_t *)room, size);
    open_field(&s, ExportLogsServiceResponse_partial_success_tag, partial);
    if (rejected != 0) {
        put_tag(&s, PB_WT_VARINT, ExportLogsPartialSuccess_rejected_log_records_tag);
        put_varint(&s, (uint64_t)rejected);
    }
    if (text > 0)
        put_text(&s, ExportLogsPartialSuccess_error_message_tag, message, text);
    assert(s.bytes_written == size);
    buf_used(out, size);
    return 0;
}
