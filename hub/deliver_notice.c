/* What was newly found, for people: by kind, the first of each by name. */
#include "base/times.h"
#include "hub/deliver_content.h"

#include <inttypes.h>
#include <string.h>

/* One line a kind, in the order of enum delivery_event. */
static const char *const headings[DELIVERY_EVENT_COUNT] = {
    [DELIVERY_NEW_DRIFT] = "Guests that drifted",
    [DELIVERY_SILENT_HOST] = "Hosts that went silent",
    [DELIVERY_GAP] = "Hosts that lost records",
    [DELIVERY_SEQUENCE_HOLE] = "Hosts of which records are missing",
    [DELIVERY_SHARED_AGENT_ID] = "Hosts that share an agent id",
    [DELIVERY_CLOCK_OFF] = "Hosts whose clock is off",
    [DELIVERY_NEW_INCIDENT] = "Incidents",
};

static const struct {
    const char *one, *many;
} phrases[DELIVERY_EVENT_COUNT] = {
    [DELIVERY_NEW_DRIFT] = { "guest drifted", "guests drifted" },
    [DELIVERY_SILENT_HOST] = { "host silent", "hosts silent" },
    [DELIVERY_GAP] = { "host lost records", "hosts lost records" },
    [DELIVERY_SEQUENCE_HOLE] = { "host with missing records", "hosts with missing records" },
    [DELIVERY_SHARED_AGENT_ID] = { "host with a shared agent id", "hosts with a shared agent id" },
    [DELIVERY_CLOCK_OFF] = { "host whose clock is off", "hosts whose clock is off" },
    [DELIVERY_NEW_INCIDENT] = { "new incident", "new incidents" },
};

const char *content_phrase(enum delivery_event event, size_t count)
{
    return count == 1 ? phrases[event].one : phrases[event].many;
}

static bool is_of(const struct content_item *item, int event)
{
    return strcmp(item->event, delivery_event_name((enum delivery_event)event)) == 0;
}

static size_t shown_of(const struct content *c, int event)
{
    size_t n = 0;

    for (size_t i = 0; i < c->item_count; i++)
        n += is_of(&c->items[i], event);
    return n;
}

static void text_details(const struct content_item *item, struct buf *out)
{
    struct buf line;

    buf_init(&line, CONTENT_LINE_BYTES);
    for (int n = 0; content_detail(item, n, &line); n++) {
        buf_printf(out, "    %s\n", buf_text(&line));
        buf_clear(&line);
    }
    if (item->link[0] != '\0')
        buf_printf(out, "    %s\n", item->link);
    buf_free(&line);
}

void content_notice_text(const struct content *c, struct buf *out)
{
    for (int event = 0; event < DELIVERY_EVENT_COUNT; event++) {
        size_t shown = shown_of(c, event);

        if (c->counts[event] == 0)
            continue;
        buf_printf(out, "%s (%zu)\n", headings[event], c->counts[event]);
        for (size_t i = 0; i < c->item_count; i++) {
            if (!is_of(&c->items[i], event))
                continue;
            buf_str(out, "  ");
            content_line(&c->items[i], out);
            buf_char(out, '\n');
            text_details(&c->items[i], out);
        }
        if (c->counts[event] > shown)
            buf_printf(out, "  and %zu more\n", c->counts[event] - shown);
        buf_char(out, '\n');
    }
    buf_str(out, "The fleet now:\n\n");
}

static void html_details(const struct content_item *item, struct buf *out)
{
    struct buf line;

    buf_init(&line, CONTENT_LINE_BYTES);
    for (int n = 0; content_detail(item, n, &line); n++) {
        buf_str(out, "<br>");
        content_escape(out, buf_text(&line));
        buf_clear(&line);
    }
    if (item->link[0] != '\0') {
        buf_str(out, "<br><a href=\"");
        content_escape(out, item->link);
        buf_str(out, "\">The incident's page</a>");
    }
    buf_free(&line);
}

static void html_items(const struct content *c, int event, struct buf *out)
{
    size_t shown = shown_of(c, event);
    struct buf line;

    buf_printf(out, "<h2>%s (%zu)</h2><ul>", headings[event], c->counts[event]);
    buf_init(&line, CONTENT_LINE_BYTES);
    for (size_t i = 0; i < c->item_count; i++) {
        if (!is_of(&c->items[i], event))
            continue;
        buf_clear(&line);
        content_line(&c->items[i], &line);
        buf_str(out, "<li>");
        content_escape(out, buf_text(&line));
        html_details(&c->items[i], out);
        buf_str(out, "</li>");
    }
    if (c->counts[event] > shown)
        buf_printf(out, "<li>and %zu more</li>", c->counts[event] - shown);
    buf_str(out, "</ul>");
    buf_free(&line);
}

static void html_states(const struct content *c, struct buf *out)
{
    buf_printf(out, "<h2>The fleet now</h2><p>%zu guests on %zu hosts</p><table border=\"1\" cellpadding=\"4\">",
               c->summary.guests, c->summary.hosts);
    for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
        if (c->summary.by_state[s] > 0)
            buf_printf(out, "<tr><td>%s</td><td align=\"right\">%zu</td></tr>", drift_state_name((enum drift_state)s),
                       c->summary.by_state[s]);
    }
    buf_str(out, "</table>");
}

void content_notice_html(const struct content *c, struct buf *out)
{
    char time[TIMES_TEXT_MAX];

    buf_str(out, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    content_escape(out, c->title);
    buf_str(out, "</title></head><body style=\"font-family:sans-serif\"><h1>");
    content_escape(out, c->title);
    buf_printf(out, "</h1><p>%s</p>", times_format(c->made_ns / NS_PER_S * NS_PER_S, time));
    for (int event = 0; event < DELIVERY_EVENT_COUNT; event++) {
        if (c->counts[event] > 0)
            html_items(c, event, out);
    }
    html_states(c, out);
    if (c->link[0] != '\0') {
        buf_str(out, "<p><a href=\"");
        content_escape(out, c->link);
        buf_str(out, "\">Dashboard</a></p>");
    }
    buf_str(out, "</body></html>\n");
}
