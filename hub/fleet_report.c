/* See fleet_report.h. */
#include "hub/fleet_report.h"

#include "base/text.h"
#include "base/times.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool report_kind_parse(const char *word, enum report_kind *out)
{
    if (strcmp(word, "drift") != 0 && strcmp(word, "hosts") != 0)
        return false;
    *out = word[0] == 'd' ? REPORT_DRIFT : REPORT_HOSTS;
    return true;
}

/* "7d" as nanoseconds. */
static bool parse_length(const char *text, int64_t *out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    size_t len = strlen(text);
    char digits[16];
    uint64_t n;

    if (len < 2 || len >= sizeof digits)
        return false;
    memcpy(digits, text, len - 1);
    digits[len - 1] = '\0';
    if (!text_u64(digits, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].unit == text[len - 1] && n <= (uint64_t)(INT64_MAX / NS_PER_S / units[i].seconds)) {
            *out = (int64_t)n * units[i].seconds * NS_PER_S;
            return true;
        }
    }
    return false;
}

bool report_since_parse(const char *text, int64_t now_ns, int64_t *out)
{
    int64_t length, since;

    if (parse_length(text, &length))
        since = now_ns > length ? now_ns - length : 1;
    else if (!times_parse(text, &since))
        return false;
    if (since > now_ns)
        return false;
    *out = since;
    return true;
}

struct filling {
    struct drift_report *report;
    int rc;
    struct err *e;
};

static bool take_host(void *arg, const struct host *h)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_host(f->report, h, f->e);
    return f->rc == 0;
}

static bool take_guest(void *arg, const struct guest *g)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_guest(f->report, g, f->e);
    return f->rc == 0;
}

static bool take_agent(void *arg, const struct fleet_agent *a)
{
    struct filling *f = (struct filling *)arg;

    drift_report_heard(f->report, a->host_id, a->last_seen);
    return true;
}

static bool take_finding(void *arg, const struct fleet_finding *found)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_note(f->report, found->host_id, fleet_finding_name(found->kind), found->first_time,
                              found->text, f->e);
    return f->rc == 0;
}

static bool take_change(void *arg, const struct fleet_change *c)
{
    struct filling *f = (struct filling *)arg;

    f->rc = drift_report_change(f->report, c->vm_id, c->cluster, c->from, c->to, f->e);
    return f->rc == 0;
}

bool report_format_fits(enum report_kind kind, enum report_format format)
{
    return kind == REPORT_DRIFT || (format != REPORT_ANSIBLE && format != REPORT_SCCM);
}

int fleet_report_render(const struct drift_report *r, const struct report_query *q, struct buf *out, struct err *e)
{
    if (q->kind == REPORT_HOSTS)
        return hosts_report_render(r, q->format, &q->style, out, e);
    return drift_report_render(r, q->format, &q->style, out, e);
}

/* Everything of one moment into the report. */
static int fill(struct fleet_store *s, const struct report_query *q, struct filling *f, struct drift_peers *peers)
{
    struct fleet_reader reader = {
        .arg = f,
        .cluster = q->cluster[0] != '\0' ? q->cluster : NULL,
        .host = take_host,
        .guest = take_guest,
        .agent = take_agent,
        .finding = take_finding,
        .change = q->since_ns != 0 ? take_change : NULL,
        .changes = { .kind = CHANGE_STATE, .since_ns = q->since_ns, .oldest_first = true },
        .peers = peers,
    };
    int rc = fleet_store_read(s, &reader, f->e);

    return rc != 0 ? rc : f->rc;
}

int fleet_report_make(struct fleet_store *s, const struct report_query *q, struct drift_report **out, struct err *e)
{
    struct drift_report_options options = {
        .now_ns = q->now_ns,
        .cluster = q->cluster[0] != '\0' ? q->cluster : NULL,
        .since_ns = q->since_ns,
        .has_history = true,
        .host_silent_ns = q->host_silent_ns,
        .floors = &q->floors,
    };
    struct drift_peers *peers = drift_peers_new();
    struct filling f = { .e = e };
    int rc;

    if (peers == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = drift_report_new(&f.report, &options, e);
    if (rc == 0)
        rc = fill(s, q, &f, peers);
    if (rc == 0) {
        drift_report_peers(f.report, peers);
        rc = drift_report_finish(f.report, e);
    }
    drift_peers_free(peers);
    if (rc != 0) {
        drift_report_free(f.report);
        return rc;
    }
    *out = f.report;
    return 0;
}

int fleet_report(struct fleet_store *s, const struct report_query *q, struct buf *out, struct err *e)
{
    struct drift_report *r;
    int rc = fleet_report_make(s, q, &r, e);

    if (rc != 0)
        return rc;
    rc = fleet_report_render(r, q, out, e);
    drift_report_free(r);
    return rc;
}
