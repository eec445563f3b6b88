/* See status_text.h. */
#include "agent/status_text.h"

#include "base/text.h"
#include "base/times.h"

#include <string.h>

enum { CELL_MAX = 512 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* Text from the socket, fit for a terminal. */
static void put(struct buf *out, const char *text)
{
    char clean[CELL_MAX];

    text_clean(clean, sizeof clean, text, strlen(text), NULL);
    buf_str(out, clean);
}

/* "3 min ago"; "never" for null. */
static void put_age(struct buf *out, const json_t *object, const char *key, int64_t now_ns)
{
    char length[TIMES_TEXT_MAX];
    int64_t then;

    if (!times_parse(text_of(object, key), &then)) {
        buf_str(out, "never");
        return;
    }
    times_format_length(now_ns > then ? now_ns - then : 0, length);
    buf_printf(out, "%s ago", length);
}

static const char *colour_of(const char *state)
{
    if (strcmp(state, "ok") == 0)
        return "\033[32m";
    return strcmp(state, "failed") == 0 ? "\033[31m" : "\033[33m";
}

static void put_state(const json_t *status, bool colour, struct buf *out)
{
    const char *state = text_of(status, "state");
    const json_t *host = json_object_get(status, "host");

    if (colour)
        buf_str(out, colour_of(state));
    put(out, state);
    if (colour)
        buf_str(out, "\033[0m");
    buf_str(out, "  ");
    put(out, text_of(host, "name"));
    if (text_of(host, "cluster")[0] != '\0') {
        buf_str(out, " of ");
        put(out, text_of(host, "cluster"));
    }
    buf_str(out, ", hvagent ");
    put(out, text_of(status, "version"));
    buf_str(out, ", agent id ");
    put(out, text_of(status, "agent_id"));
    buf_char(out, '\n');
}

static void put_reasons(const json_t *status, struct buf *out)
{
    const json_t *reasons = json_object_get(status, "reasons"), *r;
    size_t i;

    json_array_foreach(reasons, i, r)
    {
        buf_str(out, "  ");
        put(out, text_of(r, "about"));
        buf_char(out, ' ');
        put(out, text_of(r, "text"));
        buf_char(out, '\n');
        if (text_of(r, "remedy")[0] != '\0') {
            buf_str(out, "    -> ");
            put(out, text_of(r, "remedy"));
            buf_char(out, '\n');
        }
    }
}

/* "no event yet", or how old the newest one is. */
static void put_newest(struct buf *out, const json_t *source, int64_t now_ns)
{
    if (text_of(source, "last_event")[0] == '\0') {
        buf_str(out, "no event yet");
        return;
    }
    buf_str(out, "newest event ");
    put_age(out, source, "last_event", now_ns);
}

/* What an attached source does; of any other one what is wrong stands among the reasons,
 * where anything is. */
static void put_progress(struct buf *out, const json_t *source, int64_t now_ns)
{
    long long observations = number_of(source, "observations");

    put_newest(out, source, now_ns);
    if (json_is_integer(json_object_get(source, "lag_records")))
        buf_printf(out, ", %lld waiting", number_of(source, "lag_records"));
    buf_printf(out, ", %lld observation%s%s", observations, observations == 1 ? "" : "s",
               json_is_true(json_object_get(source, "caught_up")) ? "" : ", reading");
}

static void put_sources(const json_t *status, int64_t now_ns, struct buf *out)
{
    const json_t *sources = json_object_get(status, "sources"), *s;
    size_t i;

    buf_str(out, "sources\n");
    json_array_foreach(sources, i, s)
    {
        char state[32], name[CELL_MAX];

        text_clean(state, sizeof state, text_of(s, "state"), strlen(text_of(s, "state")), NULL);
        text_clean(name, sizeof name, text_of(s, "name"), strlen(text_of(s, "name")), NULL);
        buf_printf(out, "  %-13s %s: ", state, name);
        if (strcmp(state, "attached") == 0)
            put_progress(out, s, now_ns);
        else
            put(out, text_of(s, text_of(s, "problem")[0] != '\0' ? "problem" : "remedy"));
        buf_char(out, '\n');
    }
}

static void put_store(const json_t *status, int64_t now_ns, struct buf *out)
{
    const json_t *store = json_object_get(status, "store");

    buf_printf(out, "store      %lld unsent (%lld KiB of %lld MiB), last commit ", number_of(store, "rows"),
               number_of(store, "bytes") / 1024, number_of(store, "bytes_max") / (1024 * 1024));
    put_age(out, store, "last_commit", now_ns);
    if (number_of(store, "rows") > 0) {
        buf_str(out, ", oldest unsent ");
        put_age(out, store, "oldest_unsent", now_ns);
    }
    if (number_of(store, "dropped_total") > 0)
        buf_printf(out, ", %lld dropped", number_of(store, "dropped_total"));
    buf_char(out, '\n');
}

static void put_transport(const json_t *status, int64_t now_ns, struct buf *out)
{
    const json_t *t = json_object_get(status, "transport");

    buf_str(out, "hub        ");
    put(out, text_of(t, "state"));
    if (text_of(t, "url")[0] != '\0') {
        buf_str(out, ", ");
        put(out, text_of(t, "url"));
        buf_str(out, ", last acknowledged ");
        put_age(out, t, "last_ack", now_ns);
        buf_printf(out, " (through %lld)", number_of(t, "acked_through"));
        if (text_of(t, "pause")[0] != '\0') {
            buf_str(out, "\n           ");
            put(out, text_of(t, "pause"));
        }
    } else if (strcmp(text_of(t, "state"), "off") == 0) {
        buf_str(out, ": hub.url is empty, so everything is kept here");
    }
    buf_char(out, '\n');
}

static void put_enrolment(const json_t *status, struct buf *out)
{
    const json_t *n = json_object_get(status, "enrolment");
    const char *state = text_of(n, "state");

    if (state[0] == '\0' || strcmp(state, "off") == 0)
        return;
    buf_str(out, "enrolment  ");
    put(out, state);
    if (text_of(n, "expires")[0] != '\0') {
        buf_str(out, strcmp(state, "expired") == 0 ? ", since " : ", certificate until ");
        put(out, text_of(n, "expires"));
    }
    buf_char(out, '\n');
}

static void put_config(const json_t *status, int64_t now_ns, struct buf *out)
{
    const json_t *config = json_object_get(status, "config");
    const json_t *restart = json_object_get(config, "restart_needed"), *key;
    size_t i;

    buf_str(out, "settings   ");
    put(out, text_of(config, "path"));
    buf_str(out, ", read ");
    put_age(out, config, "loaded", now_ns);
    buf_char(out, '\n');
    if (json_is_true(json_object_get(config, "refused"))) {
        buf_str(out, "  not in force: ");
        put(out, text_of(config, "problems"));
        buf_char(out, '\n');
    }
    json_array_foreach(restart, i, key)
    {
        buf_str(out, "  changed, but only after a restart: ");
        put(out, json_string_value(key) != NULL ? json_string_value(key) : "");
        buf_char(out, '\n');
    }
}

void status_text(const json_t *status, int64_t now_ns, bool colour, struct buf *out)
{
    put_state(status, colour, out);
    put_reasons(status, out);
    put_sources(status, now_ns, out);
    put_store(status, now_ns, out);
    put_transport(status, now_ns, out);
    put_enrolment(status, out);
    put_config(status, now_ns, out);
}
