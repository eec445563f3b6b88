/* Prints the events of saved logs as our reader and parser see them, one JSON object a line, for
 * tests/system/test_differential_events, which compares them with what others make of the same bytes. */
#include "base/times.h"
#include "collectors/event.h"
#include "collectors/eventlog.h"
#include "plat/files.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_EVENTS = 1000, READ_BYTES = 16 * 1024 * 1024, MARK_MAX = 65536 };

static struct event_parser *parser;

static json_t *fields_of(const struct event *ev)
{
    json_t *fields = json_array();

    for (int i = 0; i < ev->field_count; i++)
        json_array_append_new(fields, json_pack("[s, s%]", ev->fields[i].name, ev->fields[i].value, ev->fields[i].len));
    return fields;
}

static void print_event(void *arg, const char *xml, size_t len, const char *place)
{
    const struct event *ev;
    json_t *json;
    struct err e;

    (void)arg;
    if (event_parse(parser, xml, len, &ev, &e) != 0)
        json = json_pack("{s:s, s:s}", "error", e.text, "place", place);
    else
        json = json_pack("{s:s, s:I, s:I, s:i, s:I, s:I, s:s, s:s, s:s, s:o}", "provider", ev->provider, "id",
                         (json_int_t)ev->id, "qualifiers", (json_int_t)ev->qualifiers, "level", ev->level, "time",
                         (json_int_t)ev->time_ns, "record", (json_int_t)ev->record_id, "channel", ev->channel,
                         "computer", ev->computer, "user", ev->user_sid, "fields", fields_of(ev));
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

static void print_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "gap", reason, "from", from, "to", to, "detail", detail);

    (void)arg;
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

static int print_log(const char *path, struct err *e)
{
    struct event_sink sink = { .event = print_event, .gap = print_gap };
    bool evtx = strlen(path) > 5 && strcmp(path + strlen(path) - 5, ".evtx") == 0;
    struct event_stream *stream = NULL;
    struct stream_report report = { .more = true };
    struct buf mark, next;
    int rc = evtx ? event_file_evtx(plat_files(), path, &stream, e) : event_file_xml(plat_files(), path, &stream, e);

    buf_init(&mark, MARK_MAX);
    buf_init(&next, MARK_MAX);
    while (rc == 0 && report.more) {
        rc = stream->ops->read(stream, buf_text(&mark), READ_EVENTS, READ_BYTES, &sink, &next, &report, e);
        buf_clear(&mark);
        buf_add(&mark, buf_text(&next), next.len);
    }
    if (stream != NULL)
        stream->ops->close(stream);
    buf_free(&mark);
    buf_free(&next);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e;
    int rc = 0;

    parser = event_parser_new();
    if (argc < 2 || parser == NULL) {
        fputs("usage: events LOG...\n", stderr);
        return 2;
    }
    for (int i = 1; rc == 0 && i < argc; i++)
        rc = print_log(argv[i], &e);
    if (rc != 0)
        fprintf(stderr, "%s\n", e.text);
    event_parser_free(parser);
    return rc == 0 ? 0 : 1;
}
