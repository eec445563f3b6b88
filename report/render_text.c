/* Reports for people: the drift report grouped by cluster and host with the
 * worst first, and the hosts report.  Lines fit 100 columns where names are of
 * usual length; sentences are wrapped to the terminal's width. */
#include "base/times.h"
#include "report/report_rows.h"
#include "report/text_page.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATE_COLUMNS = 18,
    NAME_COLUMNS = 20,
    VERSION_COLUMNS = 15,
    GROUPS_LISTED = 10,
    DEPTH_NAME = 2, /* columns a level is indented by */
};

/* ANSI codes; states in the order of enum drift_state. */
static const char *const state_colours[DRIFT_STATE_COUNT] = {
    [DRIFT_UNKNOWN] = "35",
    [DRIFT_CURRENT] = "32",
    [DRIFT_BEHIND] = "36",
    [DRIFT_BEHIND_PROTOCOL] = "33",
    [DRIFT_INCOMPATIBLE] = "31",
    [DRIFT_NEWER_THAN_HOST] = "34",
    [DRIFT_INBOX_BEHIND_PEERS] = "36",
    [DRIFT_NOT_APPLICABLE] = "2",
};

static const char *known(const char *text, const char *otherwise)
{
    return text[0] != '\0' ? text : otherwise;
}

/* ---- order: cluster, host, guest, each with the worst first ------------- */

/* One host's guests within the sorted list. */
struct group {
    const struct report_guest *const *guests;
    size_t count;
    int worst, cluster_worst; /* severities */
};

static int by_place(const void *a, const void *b)
{
    const struct report_guest *x = *(const struct report_guest *const *)a, *y = *(const struct report_guest *const *)b;
    int order = strcmp(x->cluster, y->cluster);

    if (order == 0)
        order = strcmp(x->host, y->host);
    if (order == 0)
        order = strcmp(x->host_id, y->host_id);
    /* Within a host as in the report: worst first. */
    return order != 0 ? order : (x > y) - (x < y);
}

static bool same_host(const struct report_guest *a, const struct report_guest *b)
{
    return strcmp(a->cluster, b->cluster) == 0 && strcmp(a->host_id, b->host_id) == 0;
}

static int by_worst(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    int order = x->cluster_worst - y->cluster_worst;

    if (order == 0)
        order = strcmp(x->guests[0]->cluster, y->guests[0]->cluster);
    if (order == 0)
        order = x->worst - y->worst;
    return order != 0 ? order : strcmp(x->guests[0]->host, y->guests[0]->host);
}

/* Splits the guests, in order of place, into groups; returns how many. */
static size_t make_groups(const struct report_guest *const *guests, size_t count, struct group *groups)
{
    size_t made = 0;

    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && same_host(guests[from], guests[to]);)
            to++;
        groups[made++] = (struct group){ .guests = guests + from,
                                         .count = to - from,
                                         .worst = report_severity(guests[from]->kept.state) };
    }
    for (size_t from = 0, to; from < made; from = to) {
        int worst = groups[from].worst;

        for (to = from; to < made && strcmp(groups[to].guests[0]->cluster, groups[from].guests[0]->cluster) == 0; to++)
            worst = groups[to].worst < worst ? groups[to].worst : worst;
        for (size_t i = from; i < to; i++)
            groups[i].cluster_worst = worst;
    }
    return made;
}

/* ---- the drift report --------------------------------------------------- */

/* States from the worst on, for counts. */
static const enum drift_state listed[DRIFT_STATE_COUNT] = {
    DRIFT_INCOMPATIBLE,    DRIFT_BEHIND_PROTOCOL, DRIFT_BEHIND,  DRIFT_INBOX_BEHIND_PEERS,
    DRIFT_NEWER_THAN_HOST, DRIFT_UNKNOWN,         DRIFT_CURRENT, DRIFT_NOT_APPLICABLE,
};

/* "3 behind", after what separates it; on a new line where it would be too long. */
static void count_of(struct text_page *p, enum drift_state s, size_t n, const char *before, int *at)
{
    char number[32];
    int wide = snprintf(number, sizeof number, "%zu ", n) + text_columns(drift_state_name(s)) + text_columns(before);
    bool breaks = p->width > 0 && *at + wide > p->width;

    buf_add(p->out, before, strlen(before) - breaks);
    if (breaks) {
        buf_char(p->out, '\n');
        text_spaces(p, DEPTH_NAME);
    }
    *at = breaks ? DEPTH_NAME + wide : *at + wide;
    buf_str(p->out, number);
    text_colour(p, state_colours[s]);
    buf_str(p->out, drift_state_name(s));
    text_plain(p);
}

/* "Since 2026-01-31T08:00:00Z: 3 new, 1 solved, 0 changed, 12 unchanged, 0 gone" */
static void change_line(struct text_page *p, const struct drift_report *r)
{
    char time[TIMES_TEXT_MAX];

    if (r->options.since_ns == 0 || !r->options.has_history)
        return;
    buf_printf(p->out, "Since %s", times_format(r->options.since_ns / NS_PER_S * NS_PER_S, time));
    for (int c = REPORT_NEW; c < REPORT_CHANGE_COUNT; c++)
        buf_printf(p->out, "%s %zu %s", c == REPORT_NEW ? ":" : ",", r->by_change[c],
                   report_change_name((enum report_change)c));
    buf_char(p->out, '\n');
}

static void summary(struct text_page *p, const struct drift_report *r, const char *title)
{
    char time[TIMES_TEXT_MAX], line[128];
    const char *before = ": ";
    int at;

    text_colour(p, TEXT_BOLD);
    buf_printf(p->out, "%s, %s", title, times_format(r->options.now_ns / NS_PER_S * NS_PER_S, time));
    text_plain(p);
    if (r->options.cluster != NULL)
        buf_printf(p->out, ", cluster %s", r->options.cluster);
    at = snprintf(line, sizeof line, "%zu %s on %zu %s", r->guest_count, r->guest_count == 1 ? "guest" : "guests",
                  r->hosts_shown, r->hosts_shown == 1 ? "host" : "hosts");
    buf_printf(p->out, "\n%s", line);
    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        if (r->by_state[listed[i]] == 0)
            continue;
        count_of(p, listed[i], r->by_state[listed[i]], before, &at);
        before = ", ";
    }
    buf_char(p->out, '\n');
    change_line(p, r);
}

static void guest_lines(struct text_page *p, const struct report_guest *g)
{
    char since[TIMES_TEXT_MAX];

    text_spaces(p, 2 * DEPTH_NAME);
    text_colour(p, state_colours[g->kept.state]);
    text_padded(p, drift_state_name(g->kept.state), STATE_COLUMNS);
    text_plain(p);
    buf_char(p->out, ' ');
    text_padded(p, report_guest_label(g), NAME_COLUMNS);
    buf_char(p->out, ' ');
    text_padded(p, known(g->guest_version, "?"), VERSION_COLUMNS);
    buf_str(p->out, g->expected_version[0] != '\0' ? " of " : "    ");
    text_padded(p, g->expected_version, VERSION_COLUMNS);
    buf_printf(p->out, " since %.10s%s", known(times_format(g->kept.since, since), "?"),
               g->kept.stale ? " (stale)" : "");
    if (g->change == REPORT_NEW)
        buf_str(p->out, ", new");
    else if (g->change == REPORT_CHANGED)
        buf_printf(p->out, ", was %s", drift_state_name(g->then));
    buf_char(p->out, '\n');
    text_colour(p, TEXT_DIM);
    if (g->os_name[0] != '\0') {
        text_spaces(p, 3 * DEPTH_NAME);
        buf_printf(p->out, "%s%s%s\n", g->os_name, g->os_version[0] != '\0' ? ", " : "", g->os_version);
    }
    text_wrapped(p, g->reason, 3 * DEPTH_NAME);
    text_plain(p);
}

static void fine_line(struct text_page *p, const struct group *group)
{
    size_t current = 0, not_applicable = 0;

    for (size_t i = 0; i < group->count; i++) {
        current += group->guests[i]->kept.state == DRIFT_CURRENT;
        not_applicable += group->guests[i]->kept.state == DRIFT_NOT_APPLICABLE;
    }
    if (current + not_applicable == 0)
        return;
    text_spaces(p, 2 * DEPTH_NAME);
    if (current > 0)
        buf_printf(p->out, "%zu current", current);
    if (not_applicable > 0)
        buf_printf(p->out, "%s%zu not-applicable", current > 0 ? ", " : "", not_applicable);
    buf_char(p->out, '\n');
}

static void host_line(struct text_page *p, const struct report_guest *g)
{
    const struct report_host *on = g->on;

    text_spaces(p, DEPTH_NAME);
    text_colour(p, TEXT_BOLD);
    buf_str(p->out, known(g->host, "(host not known)"));
    text_plain(p);
    if (on != NULL)
        buf_printf(p->out, "  %s%s%s", known(on->h.facts.os_version, "Windows version not known"),
                   on->h.facts.is_win6x[0] != '\0' ? ", expects " : "", on->h.facts.is_win6x);
    buf_char(p->out, '\n');
}

static void group_lines(struct text_page *p, const struct group *group)
{
    host_line(p, group->guests[0]);
    for (size_t i = 0; i < group->count; i++) {
        if (!report_is_fine(group->guests[i]))
            guest_lines(p, group->guests[i]);
    }
    fine_line(p, group);
}

static void cluster_line(struct text_page *p, const char *cluster)
{
    buf_char(p->out, '\n');
    text_colour(p, TEXT_BOLD);
    if (cluster[0] != '\0')
        buf_printf(p->out, "Cluster %s", cluster);
    else
        buf_str(p->out, "Outside of clusters");
    text_plain(p);
    buf_char(p->out, '\n');
}

static void groups(struct text_page *p, const struct drift_report *r)
{
    const struct report_guest **guests = malloc((r->guest_count + 1) * sizeof *guests);
    struct group *group = malloc((r->guest_count + 1) * sizeof *group);
    const char *cluster = NULL;
    size_t count;

    if (guests == NULL || group == NULL) {
        p->out->error = ERR_MEMORY;
        goto done;
    }
    for (size_t i = 0; i < r->guest_count; i++)
        guests[i] = &r->guests[i];
    qsort(guests, r->guest_count, sizeof *guests, by_place);
    count = make_groups(guests, r->guest_count, group);
    qsort(group, count, sizeof *group, by_worst);
    for (size_t i = 0; i < count; i++) {
        if (cluster == NULL || strcmp(cluster, group[i].guests[0]->cluster) != 0)
            cluster_line(p, group[i].guests[0]->cluster);
        cluster = group[i].guests[0]->cluster;
        group_lines(p, &group[i]);
    }
done:
    free(guests);
    free(group);
}

/* ---- what to do --------------------------------------------------------- */

static void need_lines(struct text_page *p, const struct report_need *t)
{
    struct buf names;

    buf_init(&names, (size_t)REPORT_NAMES * GUEST_NAME_MAX * 2);
    for (size_t i = 0; i < t->count && i < REPORT_NAMES; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", report_guest_label(t->first[i]));
    if (t->count > REPORT_NAMES)
        buf_printf(&names, " and %zu more", t->count - REPORT_NAMES);
    if (buf_error(&names) != ERR_OK)
        p->out->error = buf_error(&names);
    text_spaces(p, DEPTH_NAME);
    text_colour(p, state_colours[t->state]);
    buf_str(p->out, drift_state_name(t->state));
    text_plain(p);
    buf_printf(p->out, " (%zu)\n", t->count);
    text_wrapped(p, t->action, 2 * DEPTH_NAME);
    text_colour(p, TEXT_DIM);
    text_wrapped(p, buf_text(&names), 2 * DEPTH_NAME);
    text_plain(p);
    buf_free(&names);
}

static void needs(struct text_page *p, const struct drift_report *r)
{
    struct report_need list[REPORT_NEEDS_MAX];
    size_t count = report_needs(r, list);

    if (count == 0)
        return;
    buf_char(p->out, '\n');
    text_colour(p, TEXT_BOLD);
    buf_str(p->out, "What to do");
    text_plain(p);
    buf_char(p->out, '\n');
    for (size_t i = 0; i < count; i++)
        need_lines(p, &list[i]);
}

/* ---- counts ------------------------------------------------------------- */

static void group_row(struct text_page *p, const struct report_group *g, enum report_grouping by)
{
    text_spaces(p, DEPTH_NAME);
    text_padded(p, known(report_group_label(by, g), by == GROUP_CLUSTER ? "(outside of clusters)" : "(not known)"),
                2 * NAME_COLUMNS);
    buf_printf(p->out, " %5zu of %zu\n", g->problems, g->guests);
}

/* The groups with the most guests that are not as they should be. */
static void group_table(struct text_page *p, const struct report_groups *all, enum report_grouping by,
                        const char *title)
{
    size_t count = all->count[by];

    if (count < 2)
        return;
    buf_char(p->out, '\n');
    text_colour(p, TEXT_BOLD);
    buf_printf(p->out, "Not current by %s", title);
    text_plain(p);
    buf_char(p->out, '\n');
    for (size_t i = 0; i < count && i < GROUPS_LISTED; i++)
        group_row(p, &all->list[by][i], by);
    if (count > GROUPS_LISTED)
        buf_printf(p->out, "%*sand %zu more\n", DEPTH_NAME, "", count - GROUPS_LISTED);
}

static void group_tables(struct text_page *p, const struct drift_report *r)
{
    struct report_groups all;

    if (!report_groups(r, &all))
        p->out->error = ERR_MEMORY;
    group_table(p, &all, GROUP_CLUSTER, "cluster");
    group_table(p, &all, GROUP_HOST, "host");
    group_table(p, &all, GROUP_OS, "guest OS");
    group_table(p, &all, GROUP_VERSION, "version");
    report_groups_free(&all);
}

/* ---- hosts -------------------------------------------------------------- */

static void host_finding(struct text_page *p, const struct report_host *h)
{
    const char *cluster = h->h.facts.cluster;

    text_spaces(p, DEPTH_NAME);
    buf_printf(p->out, "%s%s%s", cluster, cluster[0] != '\0' ? " / " : "", h->name);
    buf_char(p->out, '\n');
    text_colour(p, state_colours[DRIFT_BEHIND_PROTOCOL]);
    text_wrapped(p, h->finding, 2 * DEPTH_NAME);
    text_plain(p);
}

/* Hosts with findings, and how many have none. */
static void host_findings(struct text_page *p, const struct drift_report *r)
{
    size_t found = 0;

    for (size_t i = 0; i < r->host_count; i++)
        found += r->hosts[i]->shown && r->hosts[i]->finding[0] != '\0';
    buf_char(p->out, '\n');
    text_colour(p, TEXT_BOLD);
    buf_str(p->out, "Hosts");
    text_plain(p);
    buf_printf(p->out, ": %zu of %zu with findings\n", found, r->hosts_shown);
    for (size_t i = 0; i < r->host_count; i++) {
        if (r->hosts[i]->shown && r->hosts[i]->finding[0] != '\0')
            host_finding(p, r->hosts[i]);
    }
}

void report_drift_text(const struct drift_report *r, const struct report_style *style, struct buf *out)
{
    struct text_page p = text_page_of(style, out);

    summary(&p, r, "Fleet drift report");
    groups(&p, r);
    needs(&p, r);
    group_tables(&p, r);
    host_findings(&p, r);
}

static void host_row(struct text_page *p, const struct report_host *h)
{
    const struct resource *facts = &h->h.facts;
    char seen[TIMES_TEXT_MAX];

    text_spaces(p, DEPTH_NAME);
    text_padded(p, h->name, NAME_COLUMNS);
    buf_char(p->out, ' ');
    text_padded(p, known(facts->os_version, "?"), VERSION_COLUMNS + 1);
    buf_char(p->out, ' ');
    text_padded(p, known(facts->is_win6x, "-"), VERSION_COLUMNS);
    buf_printf(p->out, " %5zu %s  last heard %s\n", h->guests, h->guests == 1 ? "guest " : "guests",
               known(times_format((h->heard != 0 ? h->heard : h->h.last_seen) / NS_PER_S * NS_PER_S, seen), "never"));
    if (h->finding[0] == '\0')
        return;
    text_colour(p, state_colours[DRIFT_BEHIND_PROTOCOL]);
    text_wrapped(p, h->finding, 2 * DEPTH_NAME);
    text_plain(p);
}

void report_hosts_text(const struct drift_report *r, const struct report_style *style, struct buf *out)
{
    struct text_page p = text_page_of(style, out);
    const char *cluster = NULL;

    summary(&p, r, "Hosts");
    for (size_t i = 0; i < r->host_count; i++) {
        const struct report_host *h = r->hosts[i];

        if (!h->shown)
            continue;
        if (cluster == NULL || strcmp(cluster, h->h.facts.cluster) != 0)
            cluster_line(&p, h->h.facts.cluster);
        cluster = h->h.facts.cluster;
        host_row(&p, h);
    }
}
