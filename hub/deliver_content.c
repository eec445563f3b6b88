/* See deliver_content.h. */
#include "hub/deliver_content.h"

#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_incidents_report.h"
#include "hub/fleet_report.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char cut_note[] = "\n... cut here: the whole report is larger than a mail should be\n";

/* ---- items --------------------------------------------------------------------- */

static void clean(char *out, size_t size, const char *text)
{
    text_clean(out, size, text, strlen(text), NULL);
}

static void add_line(struct content *c, const struct report_line *l)
{
    struct content_item *item = &c->items[c->item_count];

    c->item_total++;
    if (c->item_count == CONTENT_ITEMS_MAX)
        return;
    c->item_count++;
    *item = (struct content_item){ .event = "" };
    clean(item->name, sizeof item->name, l->name);
    clean(item->host, sizeof item->host, l->host);
    clean(item->cluster, sizeof item->cluster, l->cluster);
    clean(item->state, sizeof item->state, l->state);
    clean(item->text, sizeof item->text, l->text);
}

/* The report's worst, for targets that show lines. */
static int take_lines(struct content *c, const struct content_source *source, const struct drift_report *r,
                      struct err *e)
{
    struct report_line line;
    size_t from = 0;

    if (c->delivery->what == DELIVER_INCIDENTS)
        return content_take_incidents(c, source, e);
    c->fingerprint = c->summary.fingerprint;
    if (c->delivery->what == DELIVER_HOSTS) {
        while (drift_report_next_host(r, &from, &line))
            add_line(c, &line);
    } else {
        while (drift_report_next_guest(r, &from, &line))
            add_line(c, &line);
    }
    return 0;
}

static bool take_found(void *arg, const struct fleet_found *f)
{
    struct content *c = arg;
    struct content_item *item = &c->items[c->item_count];

    if (c->item_count == CONTENT_ITEMS_MAX)
        return false;
    *item = (struct content_item){ .event = "" };
    clean(item->event, sizeof item->event, f->event);
    clean(item->subject, sizeof item->subject, f->subject);
    clean(item->host, sizeof item->host, f->host_id);
    clean(item->text, sizeof item->text, f->text);
    c->item_count++;
    return true;
}

/* Ids become names, where the store knows them. */
static int name_item(struct fleet_store *s, struct content_item *item, struct guest *guest, struct err *e)
{
    bool is_guest = strcmp(item->event, delivery_event_name(DELIVERY_NEW_DRIFT)) == 0;
    struct host h;
    int rc = 0;

    clean(item->name, sizeof item->name, is_guest ? item->subject : item->host);
    if (is_guest)
        rc = fleet_store_guest(s, item->subject, guest, e);
    if (rc == 0 && is_guest && guest->name[0] != '\0')
        clean(item->name, sizeof item->name, guest->name);
    if (rc == 0 || rc == ERR_NOT_FOUND)
        rc = fleet_store_host(s, item->host, &h, e);
    if (rc == 0) {
        const char *label = h.facts.host_name[0] != '\0' ? h.facts.host_name : h.facts.host_id;

        clean(item->cluster, sizeof item->cluster, h.facts.cluster);
        clean(is_guest ? item->host : item->name, CONTENT_LABEL_MAX, label);
    }
    if (!is_guest)
        item->host[0] = '\0';
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int name_items(struct content *c, const struct content_source *from, struct err *e)
{
    struct guest *guest = malloc(sizeof *guest);
    int rc = guest != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");

    for (size_t i = 0; rc == 0 && i < c->item_count; i++) {
        if (strcmp(c->items[i].event, delivery_event_name(DELIVERY_NEW_INCIDENT)) == 0)
            rc = content_name_incident(&c->items[i], from->store, from->config->public_url, e);
        else
            rc = name_item(from->store, &c->items[i], guest, e);
    }
    free(guest);
    return rc;
}

static int take_found_items(struct content *c, const struct content_source *from, struct err *e)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < DELIVERY_EVENT_COUNT; i++) {
        const char *event = delivery_event_name((enum delivery_event)i);
        int64_t n = 0;

        rc = fleet_delivery_count(from->store, c->delivery->name, event, FOUND_IN_JOB, &n, e);
        if (rc == 0 && n > 0)
            rc = fleet_delivery_found(from->store, c->delivery->name, event, FOUND_IN_JOB, CONTENT_ITEMS_EACH,
                                      take_found, c, e);
        c->counts[i] = (size_t)n;
        c->item_total += (size_t)n;
    }
    return rc != 0 ? rc : name_items(c, from, e);
}

void content_line(const struct content_item *item, struct buf *out)
{
    buf_str(out, item->name);
    if (item->host[0] != '\0')
        buf_printf(out, " on %s", item->host);
    if (item->cluster[0] != '\0')
        buf_printf(out, " (%s)", item->cluster);
    if (item->state[0] != '\0')
        buf_printf(out, " is %s", item->state);
    if (item->text[0] != '\0')
        buf_printf(out, ": %s", item->text);
}

/* ---- title and link ---------------------------------------------------------------- */

static void found_title(const struct content *c, struct buf *out)
{
    const char *joint = "";

    for (int i = 0; i < DELIVERY_EVENT_COUNT; i++) {
        if (c->counts[i] == 0)
            continue;
        buf_printf(out, "%s%zu %s", joint, c->counts[i], content_phrase((enum delivery_event)i, c->counts[i]));
        joint = ", ";
    }
}

static void make_title(struct content *c)
{
    const struct hub_delivery *d = c->delivery;
    char cluster[CONTENT_LABEL_MAX];
    struct buf out;

    buf_init(&out, CONTENT_TITLE_MAX - 1);
    buf_str(&out, c->test ? "[hvfleet] Test: " : "[hvfleet] ");
    if (c->kind == JOB_FOUND)
        found_title(c, &out);
    else if (d->what == DELIVER_INCIDENTS)
        buf_printf(&out, "%zu %s", c->item_total, c->item_total == 1 ? "incident" : "incidents");
    else if (d->what == DELIVER_HOSTS)
        buf_printf(&out, "findings about %zu of %zu hosts", c->summary.host_findings, c->summary.hosts);
    else
        buf_printf(&out, "%zu of %zu guests need a look", c->summary.need_a_look, c->summary.guests);
    clean(cluster, 128, d->cluster);
    if (cluster[0] != '\0')
        buf_printf(&out, " in %s", cluster);
    text_copy(c->title, sizeof c->title, buf_text(&out));
    buf_free(&out);
}

/* The dashboard's first page. */
static void make_link(struct content *c, const char *public_url)
{
    struct buf out;

    buf_init(&out, sizeof c->link - 1);
    buf_str(&out, public_url);
    if (public_url[0] != '\0' && public_url[strlen(public_url) - 1] != '/')
        buf_char(&out, '/');
    if (buf_error(&out) == ERR_OK)
        text_copy(c->link, sizeof c->link, buf_text(&out));
    buf_free(&out);
}

/* ---- the forms ----------------------------------------------------------------------- */

/* What the forms are made of. */
struct rendering {
    const struct content_source *from;
    const struct drift_report *report;
    struct report_query q;
};

static int render_incidents(const struct rendering *r, enum report_format format, struct buf *out, struct err *e)
{
    struct incidents_query q = {
        .format = format,
        .now_ns = r->q.now_ns,
        .since_ns = r->from->since_ns,
        .code = -1,
        .limit = FLEET_INCIDENTS_MAX,
    };

    text_copy(q.cluster, sizeof q.cluster, r->q.cluster);
    return fleet_incidents_report(r->from->store, &q, out, e);
}

static int render_as(struct rendering *r, enum report_format format, struct buf *out, struct err *e)
{
    if (r->q.kind == REPORT_INCIDENTS)
        return render_incidents(r, format, out, e);
    r->q.format = format;
    return fleet_report_render(r->report, &r->q, out, e);
}

/* Over its ceiling a form is left empty; that is not a failure. */
static int render(struct rendering *r, enum report_format format, struct buf *out, struct err *e)
{
    int rc = render_as(r, format, out, e);

    if (rc == ERR_TOO_BIG) {
        buf_clear(out);
        rc = 0;
    }
    return rc;
}

/* The text of the report after what is there; cut at a line's end where it is too long. */
static int render_text(struct content *c, struct rendering *r, struct err *e)
{
    struct buf whole;
    size_t len;
    int rc;

    assert(c->text.len < CONTENT_TEXT_BYTES / 2);
    buf_init(&whole, c->text.max - c->text.len - sizeof cut_note);
    rc = render_as(r, REPORT_TEXT, &whole, e);
    len = whole.len;
    if (rc == ERR_TOO_BIG) {
        while (len > 0 && whole.data[len - 1] != '\n')
            len--;
    }
    if (rc == 0 || rc == ERR_TOO_BIG)
        buf_add(&c->text, buf_text(&whole), len);
    if (rc == ERR_TOO_BIG)
        buf_str(&c->text, cut_note);
    buf_free(&whole);
    return rc == ERR_TOO_BIG ? 0 : rc;
}

void content_escape(struct buf *out, const char *text)
{
    static const char specials[] = "&<>\"'";
    static const char *const escaped[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

    while (*text != '\0') {
        size_t n = strcspn(text, specials);

        buf_add(out, text, n);
        text += n;
        if (*text != '\0')
            buf_str(out, escaped[strchr(specials, *text++) - specials]);
    }
}

/* What was found, or a report that is too large as HTML: the text as it is. */
static void html_of_text(struct content *c)
{
    buf_str(&c->html, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    content_escape(&c->html, c->title);
    buf_str(&c->html, "</title></head><body><pre>");
    content_escape(&c->html, buf_text(&c->text));
    buf_str(&c->html, "</pre></body></html>\n");
}

static int make_html(struct content *c, struct rendering *r, struct err *e)
{
    int rc = 0;

    if (c->kind == JOB_FOUND)
        content_notice_html(c, &c->html);
    else
        rc = render(r, REPORT_HTML, &c->html, e);
    if (rc == 0 && c->html.len == 0)
        html_of_text(c);
    return rc;
}

static void say_where(struct content *c)
{
    char time[TIMES_TEXT_MAX];

    buf_printf(&c->text, "%s, %s\n", c->title, times_format(c->made_ns / NS_PER_S * NS_PER_S, time));
    if (c->link[0] != '\0')
        buf_printf(&c->text, "%s\n", c->link);
    buf_char(&c->text, '\n');
}

/* Which forms the target takes. */
static int render_forms(struct content *c, struct rendering *r, struct err *e)
{
    const struct hub_delivery *d = c->delivery;
    enum delivery_target target = hub_delivery_target(d);
    int rc;

    say_where(c);
    if (c->kind == JOB_FOUND)
        content_notice_text(c, &c->text);
    rc = render_text(c, r, e);
    if (rc == 0 && target != DELIVER_WEBHOOK && d->format == DELIVER_HTML)
        rc = make_html(c, r, e);
    if (rc == 0 && (target == DELIVER_SMTP || (target == DELIVER_FOLDER && d->format == DELIVER_CSV)))
        rc = render(r, REPORT_CSV, &c->csv, e);
    if (rc == 0 && ((target == DELIVER_WEBHOOK && d->shape == WEBHOOK_JSON) ||
                    (target == DELIVER_FOLDER && d->format == DELIVER_JSON)))
        rc = render(r, REPORT_JSON, &c->json, e);
    return rc;
}

/* ---- all of it -------------------------------------------------------------------------- */

static struct report_query query_of(const struct content_source *from, const struct hub_delivery *d)
{
    static const enum report_kind kinds[] = {
        [DELIVER_DRIFT] = REPORT_DRIFT,
        [DELIVER_HOSTS] = REPORT_HOSTS,
        [DELIVER_INCIDENTS] = REPORT_INCIDENTS,
    };
    struct report_query q = {
        .kind = kinds[d->what],
        .now_ns = from->now_ns,
        .host_silent_ns = from->host_silent_ns,
        .floors = from->floors,
    };

    text_copy(q.cluster, sizeof q.cluster, d->cluster);
    return q;
}

static struct content *new_content(const struct hub_delivery *d, const struct fleet_delivery *job, int64_t now)
{
    bool file = hub_delivery_target(d) == DELIVER_FOLDER;
    struct content *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->delivery = d;
    c->kind = job->job_kind;
    c->made_ns = now;
    c->job_ns = job->job_made;
    text_copy(c->id, sizeof c->id, job->job);
    buf_init(&c->text, file && d->format == DELIVER_TEXT ? CONTENT_FILE_BYTES : CONTENT_TEXT_BYTES);
    buf_init(&c->html, file ? CONTENT_FILE_BYTES : CONTENT_HTML_BYTES);
    buf_init(&c->csv, file ? CONTENT_FILE_BYTES : CONTENT_CSV_BYTES);
    buf_init(&c->json, file ? CONTENT_FILE_BYTES : CONTENT_JSON_BYTES);
    return c;
}

int content_make(struct content **out, const struct content_source *from, const struct hub_delivery *d,
                 const struct fleet_delivery *job, bool test, struct err *e)
{
    struct rendering rendering = { .from = from, .q = query_of(from, d) };
    struct content *c = new_content(d, job, from->now_ns);
    struct drift_report *r = NULL;
    int rc = c != NULL ? fleet_report_make(from->store, &rendering.q, &r, e) : err_set(e, ERR_MEMORY, "out of memory");

    if (rc != 0)
        goto done;
    c->test = test;
    drift_report_summary(r, &c->summary);
    if (c->kind == JOB_FOUND)
        rc = take_found_items(c, from, e);
    else
        rc = take_lines(c, from, r, e);
    if (rc != 0)
        goto done;
    make_title(c);
    make_link(c, from->config->public_url);
    rendering.report = r;
    rc = render_forms(c, &rendering, e);
done:
    drift_report_free(r);
    if (rc != 0)
        content_free(c);
    else
        *out = c;
    return rc;
}

void content_free(struct content *c)
{
    if (c == NULL)
        return;
    buf_free(&c->text);
    buf_free(&c->html);
    buf_free(&c->csv);
    buf_free(&c->json);
    free(c);
}
