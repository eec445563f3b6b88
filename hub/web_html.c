/* See web_html.h. */
#include "hub/web_html.h"

#include "base/times.h"
#include "hub/web.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

const enum drift_state web_states[DRIFT_STATE_COUNT] = {
    DRIFT_INCOMPATIBLE,    DRIFT_BEHIND_PROTOCOL, DRIFT_BEHIND,  DRIFT_INBOX_BEHIND_PEERS,
    DRIFT_NEWER_THAN_HOST, DRIFT_UNKNOWN,         DRIFT_CURRENT, DRIFT_NOT_APPLICABLE,
};

uint64_t web_sum(const uint64_t guests[DRIFT_STATE_COUNT])
{
    uint64_t sum = 0;

    for (int i = 0; i < DRIFT_STATE_COUNT; i++)
        sum += guests[i];
    return sum;
}

uint64_t web_drifted(const uint64_t guests[DRIFT_STATE_COUNT])
{
    return web_sum(guests) - guests[DRIFT_CURRENT] - guests[DRIFT_NOT_APPLICABLE];
}

/* ---- texts ------------------------------------------------------------------------- */

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? "\xEF\xBF\xBD" : NULL;
    }
}

void web_text(struct buf *out, const char *text)
{
    const char *plain = text;

    for (; *text != '\0'; text++) {
        const char *escape = escape_of(*text);

        if (escape == NULL)
            continue;
        buf_add(out, plain, (size_t)(text - plain));
        buf_str(out, escape);
        plain = text + 1;
    }
    buf_add(out, plain, (size_t)(text - plain));
}

void web_name(struct buf *out, const char *text)
{
    if (text[0] == '\0') {
        buf_str(out, "<span class=\"none\"><span aria-hidden=\"true\">–</span>"
                     "<span class=\"spoken\">none</span></span>");
        return;
    }
    buf_str(out, "<bdi>");
    web_text(out, text);
    buf_str(out, "</bdi>");
}

const char *web_cluster_name(const char *cluster)
{
    return cluster[0] != '\0' ? cluster : "no cluster";
}

static void put_address(struct buf *out, enum web_page page, const char *name)
{
    struct web_query q;

    (void)web_query_init(&q, page, name);
    web_query_address(&q, out);
}

void web_link(struct buf *out, enum web_page page, const char *name, const char *shown)
{
    buf_str(out, "<a href=\"");
    put_address(out, page, name);
    buf_str(out, "\">");
    web_name(out, shown[0] != '\0' ? shown : name);
    buf_str(out, "</a>");
}

void web_json_link(struct buf *out, const char *path, const char *key, const char *value)
{
    buf_printf(out, "<p class=\"export\"><a href=\"%s", path);
    if (value != NULL) {
        buf_printf(out, "?%s=", key);
        web_put_encoded(out, value);
    }
    buf_str(out, "\">As JSON</a></p>\n");
}

void web_state(struct buf *out, enum drift_state state, bool stale)
{
    buf_printf(out, "<span class=\"state is-%s\">%s</span>", drift_state_name(state), drift_state_name(state));
    if (stale)
        buf_str(out, " <span class=\"stale\">stale</span>");
}

void web_time(struct buf *out, int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    if (ns == 0) {
        web_name(out, "");
        return;
    }
    times_format(ns - ns % NS_PER_S, text);
    /* "2026-01-31T08:00:00Z" is shown as "2026-01-31 08:00" */
    buf_printf(out, "<time datetime=\"%s\" title=\"%s\">%.10s %.5s</time>", text, text, text,
               strlen(text) > 11 ? text + 11 : "");
}

void web_state_bar(struct buf *out, const uint64_t guests[DRIFT_STATE_COUNT])
{
    uint64_t sum = web_sum(guests), before = 0;
    bool first = true;

    buf_str(out, "<svg class=\"bar\" role=\"img\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-label=\"");
    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        uint64_t n = guests[web_states[i]];

        if (n > 0)
            buf_printf(out, "%s%" PRIu64 " %s", first ? "" : ", ", n, drift_state_name(web_states[i]));
        first &= n == 0;
    }
    buf_printf(out, "%s\">", first ? "no guests" : "");
    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        uint64_t n = guests[web_states[i]];

        if (n > 0)
            buf_printf(out, "<rect class=\"fill-%s\" x=\"%.2f\" width=\"%.2f\" height=\"10\"/>",
                       drift_state_name(web_states[i]), 1000.0 * (double)before / (double)sum,
                       1000.0 * (double)n / (double)sum);
        before += n;
    }
    buf_str(out, "</svg>");
}

/* ---- the frame ---------------------------------------------------------------------- */

static void put_crumbs(struct buf *out, const struct web_head *head)
{
    if (head->crumb_count == 0)
        return;
    buf_str(out, "<nav class=\"crumbs\" aria-label=\"Where this page is\"><ol>\n");
    for (size_t i = 0; i < head->crumb_count; i++) {
        buf_str(out, "<li>");
        web_link(out, head->crumbs[i].page, head->crumbs[i].name, head->crumbs[i].shown);
        buf_str(out, "</li>\n");
    }
    buf_str(out, "<li aria-current=\"page\">");
    web_name(out, head->title);
    buf_str(out, "</li>\n</ol></nav>\n");
}

void web_page_start(struct buf *out, const struct web_head *head)
{
    const char *version = web_assets_version;

    buf_str(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    web_text(out, head->title);
    buf_printf(out,
               " – hvfleet</title>\n<link rel=\"stylesheet\" href=\"/assets/style.css?v=%s\">\n"
               "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/assets/icon.svg?v=%s\">\n",
               version, version);
    if (head->charts)
        buf_printf(out,
                   "<script src=\"/assets/chart.js?v=%s\" defer></script>\n"
                   "<script src=\"/assets/draw.js?v=%s\" defer></script>\n",
                   version, version);
    buf_str(out, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
                 "<header><a class=\"brand\" href=\"/\">hvfleet</a>\n");
    if (!head->bare)
        buf_str(out, "<nav aria-label=\"Main\"><ul><li><a href=\"/\">Fleet</a></li>"
                     "<li><a href=\"/guests\">Guests</a></li><li><a href=\"/incidents\">Incidents</a></li>"
                     "<li><a href=\"/account\">Account</a></li></ul></nav>");
    buf_str(out, "</header>\n");
    put_crumbs(out, head);
    buf_str(out, "<main id=\"main\" tabindex=\"-1\">\n<h1>");
    web_name(out, head->title);
    buf_str(out, "</h1>\n");
}

void web_page_end(struct buf *out, int64_t now_ns)
{
    buf_str(out, "</main>\n<footer><p>Made ");
    web_time(out, now_ns);
    buf_printf(out,
               " UTC by hvhub %s. All times are UTC. The same as reports: "
               "<a href=\"/api/v1/reports/drift?format=json\">drift as JSON</a>, "
               "<a href=\"/api/v1/reports/drift?format=csv\">CSV</a>, "
               "<a href=\"/api/v1/reports/hosts?format=json\">hosts as JSON</a>, "
               "<a href=\"/api/v1/reports/hosts?format=csv\">CSV</a>, "
               "<a href=\"/api/v1/reports/incidents?format=json\">incidents as JSON</a>, "
               "<a href=\"/api/v1/reports/incidents?format=csv\">CSV</a>.</p></footer>\n</body>\n</html>\n",
               HVFLEET_VERSION);
}

void web_page_end_bare(struct buf *out)
{
    buf_str(out, "</main>\n</body>\n</html>\n");
}

/* ---- lists ---------------------------------------------------------------------------- */

void web_column(struct buf *out, const struct web_query *q, const char *label, enum web_sort sort,
                enum web_sort default_sort)
{
    enum web_sort now = q->sort == SORT_DEFAULT ? default_sort : q->sort;
    struct web_query other = *q;

    if (sort == SORT_DEFAULT) {
        buf_printf(out, "<th scope=\"col\">%s</th>\n", label);
        return;
    }
    other.sort = sort;
    other.number = 1;
    other.descending = now == sort && !q->descending;
    buf_printf(out, "<th scope=\"col\"%s><a href=\"",
               now != sort ? "" : (q->descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\""));
    web_query_address(&other, out);
    buf_printf(out, "\">%s</a></th>\n", label);
}

struct web_span web_page_span(size_t total, int64_t number)
{
    size_t first = (size_t)(number - 1) * WEB_PAGE_ROWS;
    size_t left = first < total ? total - first : 0;

    assert(number >= 1 && number <= WEB_PAGE_NUMBER_MAX);
    return (struct web_span){ first, left < WEB_PAGE_ROWS ? left : WEB_PAGE_ROWS };
}

static void page_link(struct buf *out, const struct web_query *q, const struct web_pages *p, int64_t number,
                      const char *label)
{
    struct web_query other = *q;

    if (p->hosts)
        other.hosts_number = number;
    else
        other.number = number;
    buf_str(out, "<li><a href=\"");
    web_query_address(&other, out);
    buf_printf(out, "\">%s</a></li>\n", label);
}

void web_pager(struct buf *out, const struct web_query *q, const struct web_pages *p)
{
    struct web_span span = web_page_span((size_t)p->total, p->number);
    int64_t last = (p->total + WEB_PAGE_ROWS - 1) / WEB_PAGE_ROWS;

    if (span.count == 0)
        buf_printf(out, "<p class=\"count\">No %s on this page; %" PRId64 " in all.</p>\n", p->what, p->total);
    else
        buf_printf(out, "<p class=\"count\">%zu to %zu of %" PRId64 " %s</p>\n", span.first + 1,
                   span.first + span.count, p->total, p->what);
    if (last <= 1 && p->number == 1)
        return;
    buf_printf(out, "<nav class=\"pager\" aria-label=\"Pages of %s\"><ul>\n", p->what);
    if (p->number > 1) {
        page_link(out, q, p, 1, "First");
        page_link(out, q, p, p->number - 1 < last ? p->number - 1 : (last > 0 ? last : 1), "Previous");
    }
    buf_printf(out, "<li aria-current=\"page\">Page %" PRId64 " of %" PRId64 "</li>\n", p->number, last);
    if (p->number < last) {
        page_link(out, q, p, p->number + 1, "Next");
        page_link(out, q, p, last, "Last");
    }
    buf_str(out, "</ul></nav>\n");
}
