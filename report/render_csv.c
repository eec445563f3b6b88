/* Reports as CSV (RFC 4180): a header line, lines that end in CR LF, cells
 * quoted where they must be.
 *
 * A spreadsheet takes a cell that starts with = + - @ or a control character
 * for a formula, and VM names are written by whoever owns the VM.  Such a cell
 * gets an apostrophe before it.
 */
#include "base/times.h"
#include "report/report_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CELL_MAX = 4096 };

static bool looks_like_formula(const char *text)
{
    /* Their full-width forms count in some languages: U+FF1D FF0B FF0D FF20. */
    static const char *const wide[] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0" };

    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (strncmp(text, wide[i], strlen(wide[i])) == 0)
            return true;
    }
    return text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL;
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
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_char(out, '"');
        buf_char(out, *text);
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

static void evidence_cell(struct buf *out, const struct report_guest *g)
{
    struct buf joined;

    buf_init(&joined, (size_t)DRIFT_EVIDENCE_MAX * (DRIFT_EVIDENCE_TEXT_MAX + 3));
    for (int i = 0; i < g->evidence_count; i++) {
        if (i > 0)
            buf_str(&joined, " | ");
        buf_str(&joined, g->evidence[i]);
    }
    report_csv_cell(out, buf_text(&joined));
    if (buf_error(&joined) == ERR_MEMORY)
        out->error = ERR_MEMORY;
    buf_free(&joined);
}

static void guest_line(struct buf *out, const struct report_guest *g)
{
    report_csv_first(out, drift_state_name(g->kept.state));
    report_csv_cell(out, g->cluster);
    report_csv_cell(out, g->host);
    report_csv_cell(out, g->name);
    report_csv_cell(out, g->vm_id);
    number_cell(out, g->kept.row);
    report_csv_cell(out, g->guest_version);
    report_csv_cell(out, g->expected_version);
    report_csv_cell(out, g->os_name);
    report_csv_cell(out, g->os_version);
    report_csv_cell(out, guest_family_name(g->family));
    report_csv_cell(out, guest_power_name(g->power));
    time_cell(out, g->kept.since);
    time_cell(out, g->last_seen);
    report_csv_cell(out, g->kept.stale ? "true" : "false");
    report_csv_cell(out, g->reason);
    report_csv_cell(out, g->action);
    evidence_cell(out, g);
    report_csv_cell(out, g->fqdn);
    report_csv_cell(out, report_change_name(g->change));
    report_csv_end(out);
}

void report_drift_csv(const struct drift_report *r, struct buf *out)
{
    buf_str(out, "state,cluster,host,vm_name,vm_id,rule_row,guest_version,expected_version,guest_os,guest_os_version,"
                 "guest_family,power,since,last_seen,stale,reason,action,evidence,fqdn,change");
    report_csv_end(out);
    for (size_t i = 0; i < r->guest_count; i++)
        guest_line(out, &r->guests[i]);
}

/* "silent-host gap" */
static void kinds_cell(struct buf *out, const struct report_host *h)
{
    struct buf kinds;

    buf_init(&kinds, CELL_MAX);
    for (const struct report_note *n = h->notes; n != NULL; n = n->next)
        buf_printf(&kinds, "%s%s", n == h->notes ? "" : " ", n->kind);
    report_csv_cell(out, buf_text(&kinds));
    if (buf_error(&kinds) == ERR_MEMORY)
        out->error = ERR_MEMORY;
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
