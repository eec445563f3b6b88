/* Reports as CSV (RFC 4180): a header line, lines that end in CR LF, cells
 * quoted where they must be.
 *
 * A spreadsheet takes a cell that starts with = + - @ or a control character
 * for a formula, and VM names are written by whoever owns the VM.  Such a cell
 * gets an apostrophe before it.
 */
#include "base/times.h"
#include "report/pen.h"
#include "report/report_rows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool looks_like_formula(const char *text)
{
    /* Their full-width forms count in some languages: U+FF1D FF0B FF0D FF20. */
    static const char *const wide[] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0" };

    for (size_t i = 0; text[0] == wide[0][0] && i < sizeof wide / sizeof *wide; i++) {
        if (strncmp(text, wide[i], strlen(wide[i])) == 0)
            return true;
    }
    switch (text[0]) {
    case '=':
    case '+':
    case '-':
    case '@':
    case '\t':
    case '\r':
    case '\n':
        return true;
    default:
        return false;
    }
}

void report_csv_cell(struct buf *out, const char *text)
{
    bool formula = looks_like_formula(text);

    if (out->len > 0 && out->data[out->len - 1] != '\n')
        buf_char(out, ',');
    if (!formula && strpbrk(text, "\",\r\n") == NULL) {
        buf_str(out, text);
        return;
    }
    buf_str(out, formula ? "\"'" : "\"");
    for (;;) {
        size_t len = strcspn(text, "\"");

        buf_add(out, text, len);
        if (text[len] == '\0')
            break;
        buf_str(out, "\"\"");
        text += len + 1;
    }
    buf_char(out, '"');
}

static void time_cell(struct buf *out, int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    report_csv_cell(out, times_format(ns, text));
}

static void number_cell(struct buf *out, int64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, value);
    report_csv_cell(out, text);
}

void report_csv_end(struct buf *out)
{
    buf_str(out, "\r\n");
}

/* The first cell of a line.  An empty one is quoted: report_csv_cell() tells a line's
 * start by what is before it. */
void report_csv_first(struct buf *out, const char *text)
{
    if (text[0] == '\0')
        buf_str(out, "\"\"");
    else
        report_csv_cell(out, text);
}

/* ---- guests: most of a report --------------------------------------------- */

/* A byte of a text takes at most two. */
enum { LINE_ROOM = 2 * REPORT_TEXTS_MAX + 1024 /* commas, quotes, times, numbers and words */ };

static void pen_cell(struct pen *p, const char *text)
{
    size_t len = strlen(text);
    bool formula = looks_like_formula(text);

    pen_char(p, ',');
    if (!formula && pen_is_plain(text, len, pen_special_csv)) {
        pen_bytes(p, text, len);
        return;
    }
    pen_text(p, formula ? "\"'" : "\"");
    if (pen_is_plain(text, len, pen_special_quote)) {
        pen_bytes(p, text, len);
    } else {
        for (; *text != '\0'; text++) {
            if (*text == '"')
                pen_char(p, '"');
            pen_char(p, *text);
        }
    }
    pen_char(p, '"');
}

/* A word of ours, or a time: nothing in it needs quoting. */
static void pen_word(struct pen *p, const char *word)
{
    pen_char(p, ',');
    pen_text(p, word);
}

/* The times of the last guest. */
struct guest_times {
    struct pen_clock since, seen;
};

/* The lines of the evidence in one cell. */
static void pen_evidence(struct pen *p, const struct report_guest *g)
{
    char joined[DRIFT_EVIDENCE_MAX * (DRIFT_EVIDENCE_TEXT_MAX + 3) + 1];
    size_t at = 0;

    for (int i = 0; i < g->evidence_count; i++) {
        size_t len = strlen(g->evidence[i]);

        assert(i < DRIFT_EVIDENCE_MAX && len < DRIFT_EVIDENCE_TEXT_MAX);
        memcpy(joined + at, " | ", i > 0 ? 3 : 0);
        at += i > 0 ? 3 : 0;
        memcpy(joined + at, g->evidence[i], len);
        at += len;
    }
    joined[at] = '\0';
    pen_cell(p, joined);
}

static void guest_line(struct buf *out, struct guest_times *last, const struct report_guest *g)
{
    struct pen pen, *p = &pen;

    if (!pen_begin(p, out, LINE_ROOM))
        return;
    pen_text(p, drift_state_name(g->kept.state));
    pen_cell(p, g->cluster);
    pen_cell(p, g->host);
    pen_cell(p, g->name);
    pen_cell(p, g->vm_id);
    pen_char(p, ',');
    pen_number(p, (unsigned)g->kept.row);
    pen_cell(p, g->guest_version);
    pen_cell(p, g->expected_version);
    pen_cell(p, g->os_name);
    pen_cell(p, g->os_version);
    pen_word(p, guest_family_name(g->family));
    pen_word(p, guest_power_name(g->power));
    pen_word(p, pen_time_text(&last->since, g->kept.since));
    pen_word(p, pen_time_text(&last->seen, g->last_seen));
    pen_word(p, g->kept.stale ? "true" : "false");
    pen_cell(p, g->reason);
    pen_cell(p, g->action);
    pen_evidence(p, g);
    pen_cell(p, g->fqdn);
    pen_word(p, report_change_name(g->change));
    PEN_PUT(p, "\r\n");
    pen_end(p);
}

void report_drift_csv(const struct drift_report *r, struct buf *out)
{
    struct guest_times last = { 0 };

    buf_str(out, "state,cluster,host,vm_name,vm_id,rule_row,guest_version,expected_version,guest_os,guest_os_version,"
                 "guest_family,power,since,last_seen,stale,reason,action,evidence,fqdn,change");
    report_csv_end(out);
    for (size_t i = 0; i < r->guest_count; i++) {
        report_fetch_ahead(r, i);
        guest_line(out, &last, &r->guests[i]);
    }
}

/* "silent-host gap" */
static void kinds_cell(struct buf *out, const struct report_host *h)
{
    struct buf kinds;
    size_t len = 1;

    for (const struct report_note *n = h->notes; n != NULL; n = n->next)
        len += strlen(n->kind) + 1;
    buf_init(&kinds, len);
    for (const struct report_note *n = h->notes; n != NULL; n = n->next)
        buf_printf(&kinds, "%s%s", n == h->notes ? "" : " ", n->kind);
    report_csv_cell(out, buf_text(&kinds));
    if (buf_error(&kinds) != ERR_OK)
        out->error = buf_error(&kinds);
    buf_free(&kinds);
}

static void host_line(struct buf *out, const struct report_host *h)
{
    const struct resource *facts = &h->h.facts;

    report_csv_first(out, facts->cluster);
    report_csv_cell(out, h->name);
    report_csv_cell(out, facts->host_id);
    report_csv_cell(out, facts->os_version);
    report_csv_cell(out, facts->is_win6x);
    report_csv_cell(out, facts->is_win5x);
    report_csv_cell(out, facts->agent_version);
    time_cell(out, facts->boot_time);
    time_cell(out, h->h.last_seen);
    time_cell(out, h->h.last_poll);
    number_cell(out, (int64_t)h->guests);
    report_csv_cell(out, h->finding);
    kinds_cell(out, h);
    time_cell(out, h->heard);
    report_csv_end(out);
}

void report_hosts_csv(const struct drift_report *r, struct buf *out)
{
    buf_str(out, "cluster,host,host_id,os_version,is_version,is_version_win5x,agent_version,boot_time,last_seen,"
                 "last_poll,guests,finding,finding_kinds,last_heard");
    report_csv_end(out);
    for (size_t i = 0; i < r->host_count; i++) {
        if (r->hosts[i]->shown)
            host_line(out, r->hosts[i]);
    }
}
