/* The guests' part of a page (web_list.h): form, table, pages, export. */
#include "base/times.h"
#include "hub/web_html.h"
#include "hub/web_list.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- the form ------------------------------------------------------------------------- */

static void put_states(struct buf *out, const struct web_query *q)
{
    buf_str(out, "<label for=\"state\">State</label>\n<select id=\"state\" name=\"state\">"
                 "<option value=\"\">any</option>");
    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        const char *word = drift_state_name(web_states[i]);

        buf_printf(out, "<option value=\"%s\"%s>%s</option>", word, q->state == (int)web_states[i] ? " selected" : "",
                   word);
    }
    buf_str(out, "</select>\n");
}

static void put_field(struct buf *out, const char *id, const char *label, const char *value)
{
    buf_printf(out,
               "<label for=\"%s\">%s</label>\n<input id=\"%s\" name=\"%s\" type=\"search\" maxlength=\"200\" value=\"",
               id, label, id, id);
    web_text(out, value);
    buf_str(out, "\">\n");
}

/* The path of this page, without its query. */
static void put_plain_address(struct buf *out, const struct web_query *q)
{
    struct web_query plain;

    (void)web_query_init(&plain, q->page, q->name);
    web_query_address(&plain, out);
}

static void put_form(struct buf *out, const struct web_query *q)
{
    buf_str(out, "<form class=\"filter\" role=\"search\" aria-label=\"Filter the guests\" method=\"get\" action=\"");
    put_plain_address(out, q);
    buf_str(out, "#guests\">\n");
    put_states(out, q);
    put_field(out, "q", "Name or id", q->text);
    put_field(out, "os", "Guest OS", q->os);
    put_field(out, "version", "Version", q->version);
    if (q->sort != SORT_DEFAULT)
        buf_printf(out, "<input type=\"hidden\" name=\"sort\" value=\"%s\">\n", web_sort_word(q->sort));
    if (q->descending)
        buf_str(out, "<input type=\"hidden\" name=\"order\" value=\"desc\">\n");
    buf_str(out, "<button type=\"submit\">Filter</button>\n");
    if (web_query_filters(q)) {
        buf_str(out, "<a href=\"");
        put_plain_address(out, q);
        buf_str(out, "\">Show all</a>\n");
    }
    buf_str(out, "</form>\n");
}

/* ---- the table ------------------------------------------------------------------------ */

static bool shows_host(const struct web_query *q)
{
    return q->page != WEB_HOST;
}

static bool shows_cluster(const struct web_query *q)
{
    return q->page == WEB_GUESTS;
}

static void put_row(struct buf *out, const struct web_query *q, const struct web_row *row)
{
    buf_str(out, "<tr><th scope=\"row\">");
    web_link(out, WEB_GUEST, row->vm_id, row->name);
    buf_str(out, "</th><td>");
    web_state(out, row->kept.state, row->kept.stale);
    buf_str(out, "</td><td class=\"version\">");
    web_name(out, row->version);
    buf_str(out, "</td><td class=\"version\">");
    web_name(out, row->expected);
    buf_str(out, "</td><td>");
    web_name(out, row->os);
    buf_str(out, "</td>");
    if (shows_host(q)) {
        buf_str(out, "<td>");
        if (row->on != NULL)
            web_link(out, WEB_HOST, row->host_id, row->host);
        else
            web_name(out, row->host);
        buf_str(out, "</td>");
    }
    if (shows_cluster(q)) {
        buf_str(out, "<td>");
        web_link(out, WEB_CLUSTER, row->cluster, web_cluster_name(row->cluster));
        buf_str(out, "</td>");
    }
    buf_str(out, "<td>");
    web_time(out, row->kept.since);
    buf_str(out, "</td></tr>\n");
}

/* The rows first..first + count; sorted: the columns' heads are links that sort. */
static void put_table(struct buf *out, const struct web_list *l, struct web_span span, bool sorted)
{
    const struct web_query *q = l->query;
    const struct {
        const char *title;
        enum web_sort sort;
        bool shown;
    } columns[] = {
        { "Guest", SORT_NAME, true },
        { "State", SORT_STATE, true },
        { "Runs", SORT_VERSION, true },
        { "Expected", SORT_DEFAULT, true },
        { "Guest OS", SORT_OS, true },
        { "Host", SORT_HOST, shows_host(q) },
        { "Cluster", SORT_CLUSTER, shows_cluster(q) },
        { "Since", SORT_SINCE, true },
    };

    buf_str(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"Guests, table\" tabindex=\"0\"><table class=\"list\">\n"
            "<caption>Guests, with the integration services version they run and the one expected of them</caption>\n"
            "<thead><tr>\n");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (columns[i].shown)
            web_column(out, q, columns[i].title, sorted ? columns[i].sort : SORT_DEFAULT, SORT_STATE);
    }
    buf_str(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = span.first; i < span.first + span.count; i++)
        put_row(out, q, &l->rows[i]);
    buf_str(out, "</tbody></table></div>\n");
}

static void put_export_links(struct buf *out, const struct web_query *q)
{
    struct web_query other = *q;

    other.number = other.hosts_number = 1;
    other.format = WEB_CSV;
    buf_str(out, "<p class=\"export\">This list, all of it: <a href=\"");
    web_query_address(&other, out);
    buf_str(out, "\">CSV</a>, <a href=\"");
    other.format = WEB_JSON;
    web_query_address(&other, out);
    buf_str(out, "\">JSON</a></p>\n");
}

/* On the page of guests the page's own title says it. */
static void put_title(struct buf *out, const struct web_query *q)
{
    buf_printf(out, "<section id=\"guests\" aria-labelledby=\"guests-title\">\n<h2 id=\"guests-title\"%s>Guests</h2>\n",
               q->page == WEB_GUESTS ? " class=\"spoken\"" : "");
}

void web_put_guests(struct buf *out, struct web_list *l)
{
    struct web_pages pages = { web_query_filters(l->query) ? "guests that pass the filter" : "guests",
                               (int64_t)l->row_count, l->query->number, false };

    web_list_sort(l, SORT_STATE);
    put_title(out, l->query);
    put_form(out, l->query);
    if (web_page_span(l->row_count, l->query->number).count > 0)
        put_table(out, l, web_page_span(l->row_count, l->query->number), true);
    web_pager(out, l->query, &pages);
    put_export_links(out, l->query);
    buf_str(out, "</section>\n");
}

/* ---- a page of a very large fleet ------------------------------------------------------ */

static void put_next_link(struct buf *out, const struct web_list *l, const char *after)
{
    struct web_query next = *l->query;

    if (after[0] != '\0' && !guid_parse(after, strlen(after), next.after))
        return;
    if (after[0] == '\0')
        next.after[0] = '\0';
    buf_str(out, "<li><a href=\"");
    web_query_address(&next, out);
    buf_printf(out, "\">%s</a></li>\n", after[0] != '\0' ? "Next" : "First");
}

void web_put_guests_page(struct buf *out, struct web_list *l, uint64_t in_all)
{
    const struct web_query *q = l->query;

    put_title(out, q);
    buf_printf(out,
               "<p>%" PRIu64
               " guests%s%s: too many to be sorted and searched on one page. They are listed in order of VM id; "
               "the pages of clusters sort and search.</p>\n",
               in_all, q->state != WEB_ANY_STATE ? " are " : "",
               q->state != WEB_ANY_STATE ? drift_state_name((enum drift_state)q->state) : "");
    if (l->row_count > 0)
        put_table(out, l, (struct web_span){ 0, l->row_count }, false);
    else
        buf_str(out, "<p class=\"count\">No guests on this page.</p>\n");
    buf_str(out, "<nav class=\"pager\" aria-label=\"Pages of guests\"><ul>\n");
    if (q->after[0] != '\0')
        put_next_link(out, l, "");
    if (l->more && l->row_count > 0)
        put_next_link(out, l, l->rows[l->row_count - 1].vm_id);
    buf_str(out, "</ul></nav>\n</section>\n");
}

/* ---- export --------------------------------------------------------------------------- */

/* RFC 4180; what a spreadsheet would take for a formula gets an apostrophe (render_csv.c says why). */
static void put_cell(struct buf *out, const char *text, bool last)
{
    static const char *const wide[] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0" };
    bool formula = text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL;

    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        formula |= strncmp(text, wide[i], strlen(wide[i])) == 0;
    buf_str(out, formula ? "\"'" : "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_char(out, '"');
        buf_char(out, *text);
    }
    buf_str(out, last ? "\"\r\n" : "\",");
}

static void put_csv_row(struct buf *out, const struct web_row *r)
{
    char since[TIMES_TEXT_MAX], seen[TIMES_TEXT_MAX];
    const char *cells[] = { r->vm_id,
                            r->name,
                            drift_state_name(r->kept.state),
                            r->kept.stale ? "true" : "false",
                            r->version,
                            r->expected,
                            r->os,
                            r->host,
                            r->host_id,
                            r->cluster,
                            times_format(r->kept.since, since),
                            times_format(r->last_seen, seen) };
    size_t count = sizeof cells / sizeof cells[0];

    for (size_t i = 0; i < count; i++)
        put_cell(out, cells[i], i + 1 == count);
}

static bool put_json_row(struct buf *out, const struct web_row *r)
{
    char since[TIMES_TEXT_MAX], seen[TIMES_TEXT_MAX];
    json_t *row = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "vm_id", r->vm_id,
                            "vm_name", r->name, "state", drift_state_name(r->kept.state), "stale", r->kept.stale,
                            "guest_version", r->version, "expected_version", r->expected, "guest_os", r->os, "host",
                            r->host, "host_id", r->host_id, "cluster", r->cluster, "since",
                            times_format(r->kept.since, since), "last_seen", times_format(r->last_seen, seen));
    char *text = row != NULL ? json_dumps(row, JSON_COMPACT) : NULL;

    if (text != NULL)
        buf_str(out, text);
    free(text);
    json_decref(row);
    return text != NULL;
}

int web_put_export(struct buf *out, const struct web_list *l, struct err *e)
{
    char now[TIMES_TEXT_MAX];

    if (l->query->format == WEB_CSV) {
        buf_str(out, "vm_id,vm_name,state,stale,guest_version,expected_version,guest_os,host,host_id,cluster,since,"
                     "last_seen\r\n");
        for (size_t i = 0; i < l->row_count; i++)
            put_csv_row(out, &l->rows[i]);
        return 0;
    }
    buf_printf(out, "{\"schema\":\"hvfleet.guests/1\",\"generated_at\":\"%s\",\"count\":%zu,\"guests\":[",
               times_format(l->moment->now_ns, now), l->row_count);
    for (size_t i = 0; i < l->row_count; i++) {
        buf_str(out, i > 0 ? ",\n" : "\n");
        if (!put_json_row(out, &l->rows[i]))
            return err_set(e, ERR_MEMORY, "out of memory for a list of guests");
    }
    buf_str(out, "]}\n");
    return 0;
}
