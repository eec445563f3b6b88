/* The incidents report for people at a terminal, newest first.  An incident is a block: what crashed where, what is
 * known around it, what the rules make of it with the evidence for and against, and the timeline. */
#include "base/times.h"
#include "model/drift.h"
#include "report/incident_words.h"
#include "report/incidents_rows.h"
#include "report/text_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    INDENT = 2,
    LABEL_COLUMNS = 23, /* "Integration services" and a blank or two */
    OFFSET_COLUMNS = 11,
    KIND_COLUMNS = 13,
    HOST_COLUMNS = 10,
    RATE_LABEL_COLUMNS = 44,
    RATES_LISTED = 10,
};

static const char *const confidence_colours[CONFIDENCE_COUNT] = {
    [CONFIDENCE_LOW] = TEXT_DIM,
    [CONFIDENCE_MEDIUM] = TEXT_YELLOW,
    [CONFIDENCE_HIGH] = TEXT_RED,
};

static void coloured(struct text_page *p, const char *code, const char *text)
{
    text_colour(p, code);
    buf_str(p->out, text);
    text_plain(p);
}

static void padded_in(struct text_page *p, const char *code, const char *text, int columns)
{
    text_colour(p, code);
    text_padded(p, text, columns);
    text_plain(p);
}

/* ---- one incident ------------------------------------------------------------------------ */

static void head_line(struct text_page *p, const struct incident *i)
{
    char time[INCIDENT_TIME_MAX], headline[INCIDENT_HEADLINE_MAX], blamed[INCIDENT_BLAMED_MAX];

    buf_char(p->out, '\n');
    text_colour(p, TEXT_BOLD);
    buf_printf(p->out, "%s  %s", incident_time_words(i->time, time), incident_guest(i));
    text_plain(p);
    incident_headline(i, headline, sizeof headline);
    buf_str(p->out, "  ");
    coloured(p, TEXT_RED, headline);
    if (incident_blamed(i, blamed)[0] != '\0')
        buf_printf(p->out, " in %s", blamed);
    buf_char(p->out, '\n');
    text_spaces(p, INDENT);
    text_colour(p, TEXT_DIM);
    buf_printf(p->out, "%s%s%s, incident %s", i->cluster, i->cluster[0] != '\0' ? " / " : "",
               i->host_name[0] != '\0' ? i->host_name : "host not known", i->id);
    text_plain(p);
    buf_char(p->out, '\n');
}

/* What is not known is left out, but for what the product is about. */
static void fact_line(void *arg, const char *label, const char *text, bool known)
{
    struct text_page *p = arg;

    if ((!known && strcmp(label, "Integration services") != 0) || strcmp(label, "Host") == 0)
        return;
    text_spaces(p, INDENT);
    padded_in(p, TEXT_DIM, label, LABEL_COLUMNS);
    text_wrapped_from(p, text, INDENT + LABEL_COLUMNS, INDENT + LABEL_COLUMNS);
}

/* "+ the sentence" */
static void evidence(struct text_page *p, const struct incident_lines *lines, char mark, const char *code)
{
    for (int n = 0; n < lines->count; n++) {
        text_spaces(p, 2 * INDENT);
        text_colour(p, code);
        buf_printf(p->out, "%c ", mark);
        text_plain(p);
        text_wrapped_from(p, lines->line[n], 3 * INDENT, 3 * INDENT);
    }
}

static void marked(struct text_page *p, const char *mark, const char *text)
{
    int at = 2 * INDENT + text_columns(mark);

    if (text[0] == '\0')
        return;
    text_spaces(p, 2 * INDENT);
    coloured(p, TEXT_BOLD, mark);
    text_wrapped_from(p, text, 3 * INDENT, at);
}

static void finding_lines(struct text_page *p, const struct incident_finding *f)
{
    char confidence[16];

    snprintf(confidence, sizeof confidence, "[%s]", incident_confidence_name(f->confidence));
    text_spaces(p, INDENT);
    coloured(p, confidence_colours[f->confidence], confidence);
    buf_char(p->out, ' ');
    text_colour(p, TEXT_BOLD);
    text_wrapped_from(p, f->title[0] != '\0' ? f->title : f->rule, 2 * INDENT, INDENT + text_columns(confidence) + 1);
    text_plain(p);
    if (f->text[0] != '\0')
        text_wrapped(p, f->text, 2 * INDENT);
    evidence(p, &f->met, '+', TEXT_GREEN);
    evidence(p, &f->against, '-', TEXT_RED);
    evidence(p, &f->unknown, '?', TEXT_MAGENTA);
    marked(p, "What to do: ", f->action);
    marked(p, "Why so sure: ", f->reason);
    for (int n = 0; n < f->links.count; n++)
        marked(p, "See ", f->links.line[n]);
}

static void entry_line(struct text_page *p, const struct incident *i, const struct incident_entry *t)
{
    char offset[INCIDENT_OFFSET_MAX], until[INCIDENT_OFFSET_MAX + 16];
    int at = 2 * INDENT + OFFSET_COLUMNS + KIND_COLUMNS + HOST_COLUMNS + 2;
    const char *code = t->sign ? TEXT_BOLD : t->kind == ENTRY_GAP ? TEXT_MAGENTA : NULL;

    text_spaces(p, 2 * INDENT);
    text_padded(p, incident_offset(i, t->time, offset)[0] != '\0' ? offset : "?", OFFSET_COLUMNS);
    padded_in(p, t->kind == ENTRY_GAP ? TEXT_MAGENTA : TEXT_DIM, incident_entry_name(t->kind), KIND_COLUMNS);
    buf_char(p->out, ' ');
    text_padded(p, t->host, HOST_COLUMNS);
    buf_char(p->out, ' ');
    if (text_columns(t->host) > HOST_COLUMNS)
        at += text_columns(t->host) - HOST_COLUMNS;
    if (code != NULL)
        text_colour(p, code);
    if (t->until != 0 && t->until != t->time) {
        snprintf(until, sizeof until, "until %s: ", incident_offset(i, t->until, offset));
        buf_str(p->out, until);
        at += text_columns(until);
    }
    text_wrapped_from(p, t->what, 4 * INDENT, at);
    if (code != NULL)
        text_plain(p);
}

static int incident_block(struct text_page *p, const struct incident *i, struct err *e)
{
    int rc;

    head_line(p, i);
    rc = incident_facts(i, fact_line, p, e);
    for (int n = 0; n < i->finding_count; n++)
        finding_lines(p, &i->findings[n]);
    if (i->finding_count == 0) {
        text_spaces(p, INDENT);
        coloured(p, TEXT_DIM, "No rule explains it.");
        buf_char(p->out, '\n');
    }
    if (i->timeline_count > 0) {
        text_spaces(p, INDENT);
        coloured(p, TEXT_DIM, "Timeline, by hours, minutes and seconds from the crash");
        buf_char(p->out, '\n');
    }
    for (int n = 0; n < i->timeline_count; n++)
        entry_line(p, i, &i->timeline[n]);
    return rc;
}

/* ---- statistics ---------------------------------------------------------------------------- */

static void rate_line(struct text_page *p, const char *label, const struct crash_rate *rate)
{
    char words[INCIDENTS_RATE_MAX];

    text_spaces(p, INDENT);
    text_padded(p, label, RATE_LABEL_COLUMNS);
    buf_printf(p->out, " %6" PRIu64 " %s", rate->crashes, rate->crashes == 1 ? "crash  " : "crashes");
    if (rate->guest_days > 0)
        buf_printf(p->out, " in %.0f guest-day%s", rate->guest_days, rate->guest_days < 1.5 ? "" : "s");
    if (incidents_rate(rate, words)[0] != '\0')
        buf_printf(p->out, ": %s", words);
    buf_char(p->out, '\n');
}

static void rates(struct text_page *p, const struct incidents_rates *by)
{
    if (by->count == 0)
        return;
    coloured(p, TEXT_DIM, "By ");
    coloured(p, TEXT_DIM, incidents_grouping_title(by->grouping));
    buf_char(p->out, '\n');
    for (size_t n = 0; n < by->count && n < RATES_LISTED; n++)
        rate_line(p, by->groups[n].label, &by->groups[n].rate);
    if (by->count > RATES_LISTED)
        buf_printf(p->out, "%*sand %zu more\n", INDENT, "", by->count - RATES_LISTED);
}

static void statistics(struct text_page *p, const struct incidents_report *r)
{
    if (r->total == NULL)
        return;
    buf_char(p->out, '\n');
    coloured(p, TEXT_BOLD, "Crash rates");
    buf_char(p->out, '\n');
    text_wrapped(p, incidents_rates_note, INDENT);
    for (size_t n = 0; n < r->sentence_count; n++)
        text_wrapped(p, r->sentences[n], INDENT);
    rate_line(p, "All guests", r->total);
    for (size_t n = 0; n < r->rate_count; n++)
        rates(p, &r->rates[n]);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void heading(struct text_page *p, const struct incidents_report *r)
{
    char time[TIMES_TEXT_MAX];

    text_colour(p, TEXT_BOLD);
    buf_printf(p->out, "Incidents report, %s", times_format(r->now_ns / NS_PER_S * NS_PER_S, time));
    text_plain(p);
    if (r->cluster != NULL && r->cluster[0] != '\0')
        buf_printf(p->out, ", cluster %s", r->cluster);
    if (r->since_ns != 0)
        buf_printf(p->out, ", since %s", times_format(r->since_ns / NS_PER_S * NS_PER_S, time));
    buf_char(p->out, '\n');
}

static void counts(struct text_page *p, const struct incidents_report *r, const struct incidents_summary *s)
{
    const char *before = ": ";

    if (r->count == 0) {
        buf_str(p->out, "No guest is known to have crashed\n");
        return;
    }
    buf_printf(p->out, "%zu %s of %zu %s on %zu %s", r->count, r->count == 1 ? "incident" : "incidents", s->guests,
               s->guests == 1 ? "guest" : "guests", s->hosts, s->hosts == 1 ? "host" : "hosts");
    for (int k = 0; k < INCIDENT_KIND_COUNT; k++) {
        if (s->by_kind[k] == 0)
            continue;
        buf_printf(p->out, "%s%zu %s", before, s->by_kind[k], incident_kind_name((enum incident_kind)k));
        before = ", ";
    }
    buf_printf(p->out, "; %zu explained by a rule\n", s->explained);
    if (r->more > 0)
        buf_printf(p->out, "%" PRIu64 " older %s not shown\n", r->more, r->more == 1 ? "one is" : "ones are");
}

int incidents_report_text(const struct incidents_report *r, const struct report_style *style, struct buf *out,
                          struct err *e)
{
    struct text_page p = text_page_of(style, out);
    struct incidents_summary s;
    int rc = incidents_summary(r, &s, e);

    if (rc != 0)
        return rc;
    if (!r->brief)
        heading(&p, r);
    counts(&p, r, &s);
    for (size_t n = 0; rc == 0 && n < r->count; n++)
        rc = incident_block(&p, incidents_newest(r, n), e);
    statistics(&p, r);
    return rc;
}
