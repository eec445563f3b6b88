/* Forwarding to a Splunk HTTP event collector: one JSON object an observation, one
 * after the other in a request ("Format events for HTTP Event Collector").  time, host,
 * source, sourcetype and index are Splunk's own; the observation is in "event",
 * with "id" (agent id and number) to tell repetitions by.
 *
 * Answers: 200 is taken.  A refusal of status 400 has a code that says whether the
 * events are wrong or the set-up ("Troubleshoot HTTP Event Collector", table of
 * status codes).
 */
#include "base/text.h"
#include "base/times.h"
#include "hub/forward_http.h"
#include "hub/forward_internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct splunk_sink {
    struct forward_sink base;
    struct forward_http *http;
    const struct hub_config_forward *config;
    struct buf body;
};

/* ---- events ------------------------------------------------------------------------- */

static json_t *attribute(const struct attr *a)
{
    switch (a->type) {
    case ATTR_STRING:
        return json_string(a->str);
    case ATTR_INT:
        return json_integer(a->num);
    case ATTR_DOUBLE:
        return json_real(a->real);
    case ATTR_BOOL:
        return json_boolean(a->num != 0);
    }
    return NULL;
}

static json_t *attributes(const struct observation *o)
{
    json_t *out = json_object();

    for (int i = 0; out != NULL && i < o->attr_count; i++) {
        json_t *value = attribute(&o->attrs[i]);

        if (value == NULL) /* a number that JSON can not say */
            value = json_null();
        if (json_object_set_new(out, o->attrs[i].key, value) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static void set_text(json_t *object, const char *name, const char *value)
{
    if (object != NULL && value[0] != '\0')
        json_object_set_new(object, name, json_string(value));
}

static json_t *content(const struct resource *who, const struct observation *o)
{
    char id[FORWARD_ID_MAX], seen[TIMES_TEXT_MAX];
    json_t *event;

    forward_id(who, o, id);
    event =
        json_pack("{s:s, s:s, s:s, s:I, s:i, s:s, s:s, s:s, s:o*}", "id", id, "kind", o->kind_name, "agent_id",
                  who->agent_id, "seq", (json_int_t)o->seq, "severity", (int)o->severity, "message", o->body,
                  "observed", times_format(o->observed_ns, seen), "host_id", who->host_id, "attributes", attributes(o));
    set_text(event, "cluster", who->cluster);
    set_text(event, "os_version", who->os_version);
    set_text(event, "is_version", who->is_win6x);
    return event;
}

static int append(const char *bytes, size_t len, void *arg)
{
    struct buf *out = (struct buf *)arg;

    buf_add(out, bytes, len);
    return buf_error(out) == ERR_OK ? 0 : -1;
}

int forward_splunk_event(const struct resource *who, const struct observation *o, const char *index, struct buf *out,
                         struct err *e)
{
    int64_t time = o->time_ns != 0 ? o->time_ns : o->observed_ns;
    const char *host = who->host_name[0] != '\0' ? who->host_name : who->host_id;
    json_t *event = json_pack("{s:s, s:s, s:s, s:o*}", "host", host, "source", "hvfleet", "sourcetype",
                              "hvfleet:observation", "event", content(who, o));
    int rc;

    if (event == NULL || json_object_get(event, "event") == NULL) {
        json_decref(event);
        return err_set(e, ERR_INVALID, "observation %llu can not be said in JSON", (unsigned long long)o->seq);
    }
    set_text(event, "index", index);
    if (time > 0)
        json_object_set_new(event, "time", json_real((double)(time / NS_PER_MS) / 1000.0));
    rc = json_dump_callback(event, append, out, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(event);
    buf_char(out, '\n');
    return rc == 0 && buf_error(out) == ERR_OK ? 0 : err_set(e, ERR_TOO_BIG, "the events do not fit");
}

/* ---- answers -------------------------------------------------------------------------- */

/* Codes that speak of the events: no data, invalid data format, event field required, blank, and problems with fields.
 */
static bool is_about_events(json_int_t code)
{
    static const int codes[] = { 5, 6, 12, 13, 15 };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

enum forward_verdict forward_splunk_verdict(const char *body, size_t len)
{
    json_t *answer = json_loadb(body, len, 0, NULL);
    bool events = is_about_events(json_integer_value(json_object_get(answer, "code")));

    json_decref(answer);
    return events ? FORWARD_REFUSED : FORWARD_DENIED;
}

static void judge(const struct forward_http_reply *r, struct forward_answer *out)
{
    enum forward_verdict verdict = forward_http_verdict(r->status);
    char said[FORWARD_REASON_MAX / 2];

    if (r->status == 400)
        verdict = forward_splunk_verdict(r->body, r->body_len);
    text_clean(said, sizeof said, r->body, r->body_len < 100 ? r->body_len : 100, NULL);
    if (r->status == 0)
        forward_answer_set(out, verdict, "%s", r->error);
    else
        forward_answer_set(out, verdict, "status %d %s", r->status, verdict == FORWARD_TAKEN ? "" : said);
    out->retry_after_ns = r->retry_after_ns;
}

/* ---- the sink --------------------------------------------------------------------------- */

static int take(void *arg, const struct resource *who, const struct observation *o, struct err *e)
{
    struct splunk_sink *s = (struct splunk_sink *)arg;

    return forward_splunk_event(who, o, s->config->splunk_index, &s->body, e);
}

static void send(struct forward_sink *sink, const struct forward_batch *b, struct forward_answer *out)
{
    struct splunk_sink *s = (struct splunk_sink *)sink;
    struct forward_http_reply reply;
    struct err e = { 0 };
    int rc;

    buf_clear(&s->body);
    rc = forward_batch_each(b, take, s, &e);
    if (rc != 0) {
        forward_answer_set(out, rc == ERR_MEMORY ? FORWARD_LATER : FORWARD_REFUSED, "%s", e.text);
        return;
    }
    forward_http_post(s->http, s->body.data, s->body.len, &reply);
    judge(&reply, out);
}

static void close_sink(struct forward_sink *sink)
{
    struct splunk_sink *s = (struct splunk_sink *)sink;

    forward_http_free(s->http);
    buf_free(&s->body);
    free(s);
}

static const struct forward_sink_ops ops = { .send = send, .close = close_sink };

int forward_splunk_new(struct forward_sink **out, const struct hub_config_forward *config, const _Atomic bool *stopping,
                       struct err *e)
{
    struct forward_http_options options = {
        .key = "forward.splunk",
        .target = &config->splunk,
        .path = "/services/collector/event",
        .type = "application/json",
        .scheme = "Splunk",
        .timeout_ns = config->timeout_ns,
        .stopping = stopping,
    };
    struct splunk_sink *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base.ops = &ops;
    s->config = config;
    buf_init(&s->body, FORWARD_ENCODED_MAX);
    rc = forward_http_new(&s->http, &options, e);
    if (rc != 0) {
        close_sink(&s->base);
        return rc;
    }
    *out = &s->base;
    return 0;
}
