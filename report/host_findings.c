/* What is wrong with hosts: nodes of one cluster that differ from their newest,
 * hosts that fell silent, hosts that do not say what a verdict needs, agents older
 * than the newest in the fleet.  What was noted from outside is joined to it. */
#include "base/times.h"
#include "report/report_rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FINDING_MAX = 2048 };

/* The newest that any node of a cluster says. */
struct newest {
    struct version os, win6x, win5x;
    const struct report_host *os_host, *win6x_host, *win5x_host;
};

static void raise_version(const char *text, struct version *newest, const struct report_host **host,
                          const struct report_host *h)
{
    struct version v;

    if (version_parse(text, &v) > 0 && (*host == NULL || version_compare(&v, newest) > 0)) {
        *newest = v;
        *host = h;
    }
}

static struct newest newest_of(struct report_host *const *hosts, size_t count)
{
    struct newest n = { .os_host = NULL };

    for (size_t i = 0; i < count; i++) {
        const struct resource *facts = &hosts[i]->h.facts;

        raise_version(facts->os_version, &n.os, &n.os_host, hosts[i]);
        raise_version(facts->is_win6x, &n.win6x, &n.win6x_host, hosts[i]);
        raise_version(facts->is_win5x, &n.win5x, &n.win5x_host, hosts[i]);
    }
    return n;
}

struct finder {
    struct drift_report *r;
    struct report_host *h;
    struct err *e;
    int rc;
};

static void add(struct finder *f, const char *kind, int64_t since, const char *fmt, ...) PRINTF_LIKE(4, 5);

static void add(struct finder *f, const char *kind, int64_t since, const char *fmt, ...)
{
    char text[FINDING_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (f->rc == 0)
        f->rc = report_add_note(f->r, f->h, kind, since, text, f->e);
}

/* "expects X, but NODE of the same cluster expects Y" when X is older. */
static void compare(struct finder *f, const char *verb, const char *what, const char *text,
                    const struct version *newest, const struct report_host *host)
{
    char newest_text[VERSION_TEXT_MAX];
    struct version v;

    if (host == NULL || version_parse(text, &v) == 0 || version_compare(&v, newest) >= 0)
        return;
    add(f, "mixed-cluster", 0, "%s %s%s, while %s of the same cluster %s %s", verb, text, what, host->name, verb,
        version_format(newest, newest_text));
}

static void find_differences(struct finder *f, const struct newest *n)
{
    const struct resource *facts = &f->h->h.facts;
    enum host_generation generation = host_generation_of(facts->os_version);

    if (n->os_host != NULL && generation != HOST_UNKNOWN &&
        generation != host_generation_of(n->os_host->h.facts.os_version)) {
        add(f, "mixed-cluster", 0, "runs Windows %s, while %s of the same cluster runs %s",
            host_generation_name(generation), n->os_host->name,
            host_generation_name(host_generation_of(n->os_host->h.facts.os_version)));
        return;
    }
    if (generation == HOST_2016UP) {
        compare(f, "runs", "", facts->os_version, &n->os, n->os_host);
        return;
    }
    compare(f, "expects", " of 6.x guests", facts->is_win6x, &n->win6x, n->win6x_host);
    compare(f, "expects", " of 5.x guests", facts->is_win5x, &n->win5x, n->win5x_host);
}

static void find_silence(struct finder *f)
{
    char length[TIMES_TEXT_MAX], time[TIMES_TEXT_MAX];
    int64_t heard = f->h->heard != 0 ? f->h->heard : f->h->h.last_seen;

    if (report_is_silent(f->r, f->h))
        add(f, "silent-host", heard, "no word for %s (since %s)",
            times_format_length(f->r->options.now_ns - heard, length), times_format(heard / NS_PER_S * NS_PER_S, time));
}

static void find_missing(struct finder *f)
{
    enum host_generation generation = host_generation_of(f->h->h.facts.os_version);

    if (generation == HOST_UNKNOWN)
        add(f, "host-unclear", 0, "its Windows version is not known");
    else if (generation != HOST_2016UP && f->h->h.facts.is_win6x[0] == '\0')
        add(f, "host-unclear", 0, "does not say which integration services version it expects");
    if (f->h->h.poll_guests < 0)
        add(f, "host-unclear", 0, "no complete poll of its guests yet");
}

static void find_old_agent(struct finder *f)
{
    const char *version = f->h->h.facts.agent_version;
    struct version v;

    if (version_parse(version, &v) > 0 && version_compare(&v, &f->r->newest_agent) < 0)
        add(f, "old-agent", 0, "its agent is version %s, while the newest in the fleet is %s", version,
            f->r->newest_agent_text);
}

/* Returns where the next one goes. */
static char *put_note(char *at, const char *text, bool more)
{
    size_t len = strlen(text);

    memcpy(at, text, len);
    memcpy(at + len, more ? "; " : "", more ? 2 : 1);
    return at + len + 2;
}

/* All notes as one text, however many there are. */
static int join(struct drift_report *r, struct report_host *h, struct err *e)
{
    size_t len = 0;
    char *at;

    h->finding = "";
    for (const struct report_note *n = h->notes; n != NULL; n = n->next)
        len += strlen(n->text) + strlen("; ");
    if (len == 0)
        return 0;
    at = arena_alloc(&r->arena, len);
    if (at == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a report");
    h->finding = at;
    for (const struct report_note *n = h->notes; n != NULL; n = n->next)
        at = put_note(at, n->text, n->next != NULL);
    return 0;
}

static int find_one(struct drift_report *r, struct report_host *h, const struct newest *n, struct err *e)
{
    struct finder f = { r, h, e, 0 };
    struct report_note *noted = h->notes;

    h->notes = NULL;
    h->notes_end = &h->notes;
    find_silence(&f);
    if (h->h.facts.cluster[0] != '\0')
        find_differences(&f, n);
    find_missing(&f);
    find_old_agent(&f);
    *h->notes_end = noted;
    return f.rc != 0 ? f.rc : join(r, h, e);
}

int report_find_hosts(struct drift_report *r, struct err *e)
{
    int rc = 0;

    for (size_t from = 0, to; rc == 0 && from < r->host_count; from = to) {
        const char *cluster = r->hosts[from]->h.facts.cluster;
        struct newest n;

        for (to = from + 1; to < r->host_count && strcmp(r->hosts[to]->h.facts.cluster, cluster) == 0;)
            to++;
        n = newest_of(r->hosts + from, to - from);
        for (size_t i = from; rc == 0 && i < to; i++)
            rc = find_one(r, r->hosts[i], &n, e);
    }
    return rc;
}
