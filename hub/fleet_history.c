/* Reading what the store knows beyond the present: changes, daily counts,
 * findings; and single hosts and guests.  See fleet_store.h. */
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS (INT64_C(86400) * NS_PER_S)

static const char *const change_names[CHANGE_KIND_COUNT] = {
    [CHANGE_STATE] = "state",
    [CHANGE_VERSION] = "version",
    [CHANGE_HOST] = "host",
    [CHANGE_OS] = "os",
};

static const char *const finding_names[FINDING_KIND_COUNT] = {
    [FINDING_SEQUENCE_HOLE] = "sequence-hole",
    [FINDING_SHARED_AGENT_ID] = "shared-agent-id",
    [FINDING_GAP] = "gap",
    [FINDING_CLOCK_OFF] = "clock-off",
    [FINDING_FORWARD_LOST] = "forward-lost",
    [FINDING_FORWARD_REFUSED] = "forward-refused",
    [FINDING_IDENTITY] = "identity-mismatch",
    [FINDING_SILENT_HOST] = "silent-host",
    [FINDING_OLD_AGENT] = "old-agent",
};

/* The place of the word, or -1. */
static int place_of(const char *const *names, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], word) == 0)
            return i;
    }
    return -1;
}

const char *fleet_change_name(enum fleet_change_kind kind)
{
    assert(kind < CHANGE_KIND_COUNT);
    return change_names[kind];
}

bool fleet_change_parse(const char *word, enum fleet_change_kind *out)
{
    int i = place_of(change_names, CHANGE_KIND_COUNT, word);

    if (i >= 0)
        *out = (enum fleet_change_kind)i;
    return i >= 0;
}

const char *fleet_finding_name(enum fleet_finding_kind kind)
{
    assert(kind < FINDING_KIND_COUNT);
    return finding_names[kind];
}

bool fleet_finding_parse(const char *word, enum fleet_finding_kind *out)
{
    int i = place_of(finding_names, FINDING_KIND_COUNT, word);

    if (i >= 0)
        *out = (enum fleet_finding_kind)i;
    return i >= 0;
}

int64_t fleet_day_of(int64_t ns)
{
    return ns / DAY_NS;
}

/* Begins a reading transaction. */
static int begin(struct fleet_store *s, struct err *e)
{
    return s->body->ops->begin(s->body, false, e);
}

static int finish(struct fleet_store *s, int rc, struct err *e)
{
    if (rc == 0)
        rc = s->body->ops->commit(s->body, e);
    if (rc != 0)
        s->body->ops->rollback(s->body);
    return rc;
}

int fleet_store_changes(struct fleet_store *s, const struct fleet_change_query *q, fleet_take_change *take, void *arg,
                        struct err *e)
{
    int rc = begin(s, e);

    if (rc == 0)
        rc = s->body->ops->read_changes(s->body, q, take, arg, e);
    return finish(s, rc, e);
}

/* ---- days --------------------------------------------------------------------------- */

struct summing {
    fleet_take_day *take;
    void *arg;
    int64_t first, last;
    int64_t sums[DRIFT_STATE_COUNT]; /* through the day before `next` */
    int64_t next;                    /* the day that is summed now; 0 before the first row */
    bool ended;
};

static void give_day(struct summing *s, int64_t day)
{
    struct fleet_day d = { .day = day };

    for (int i = 0; i < DRIFT_STATE_COUNT; i++)
        d.guests[i] = s->sums[i] > 0 ? (uint64_t)s->sums[i] : 0;
    s->ended = s->ended || !s->take(s->arg, &d);
}

/* Gives the days from next up to (without) day, all with the present sums. */
static void give_days_before(struct summing *s, int64_t day)
{
    int64_t from = s->next > s->first ? s->next : s->first;

    for (int64_t d = from; d < day && d <= s->last && !s->ended; d++)
        give_day(s, d);
    s->next = day;
}

static bool sum_count(void *arg, const struct fleet_count *c)
{
    struct summing *s = (struct summing *)arg;

    if (c->day > s->last)
        return false;
    if (s->next != 0 && c->day > s->next)
        give_days_before(s, c->day);
    s->next = c->day;
    s->sums[c->state] += c->delta;
    return !s->ended;
}

int fleet_store_days(struct fleet_store *s, const char *cluster, int64_t first_day, int64_t last_day,
                     fleet_take_day *take, void *arg, struct err *e)
{
    struct summing sum = { .take = take, .arg = arg, .first = first_day, .last = last_day };
    int rc = begin(s, e);

    if (rc == 0)
        rc = s->body->ops->read_counts(s->body, cluster, sum_count, &sum, e);
    rc = finish(s, rc, e);
    if (rc == 0 && sum.next != 0)
        give_days_before(&sum, last_day + 1);
    return rc;
}

struct gathering {
    fleet_take_cluster *take;
    void *arg;
    struct fleet_cluster now;
    bool any, ended;
};

static bool gather_cluster(void *arg, const struct fleet_count *c)
{
    struct gathering *g = (struct gathering *)arg;

    if (g->any && strcmp(g->now.cluster, c->cluster) != 0) {
        g->ended = !g->take(g->arg, &g->now);
        g->any = false;
    }
    if (g->ended)
        return false;
    if (!g->any) {
        g->now = (struct fleet_cluster){ .cluster = "" };
        text_copy(g->now.cluster, sizeof g->now.cluster, c->cluster);
        g->any = true;
    }
    g->now.guests[c->state] += c->delta > 0 ? (uint64_t)c->delta : 0;
    return true;
}

int fleet_store_clusters(struct fleet_store *s, fleet_take_cluster *take, void *arg, struct err *e)
{
    struct gathering g = { .take = take, .arg = arg };
    int rc = begin(s, e);

    if (rc == 0)
        rc = s->body->ops->read_clusters(s->body, gather_cluster, &g, e);
    rc = finish(s, rc, e);
    if (rc == 0 && g.any && !g.ended)
        (void)take(arg, &g.now);
    return rc;
}

/* ---- one host, one guest ------------------------------------------------------------- */

int fleet_store_host(struct fleet_store *s, const char *host_id, struct host *out, struct err *e)
{
    int rc = begin(s, e);

    if (rc == 0)
        rc = s->body->ops->host_get(s->body, host_id, out, e);
    rc = finish(s, rc, e);
    return rc == ERR_NOT_FOUND ? err_set(e, rc, "no host %s is known", host_id) : rc;
}

int fleet_store_guest(struct fleet_store *s, const char *vm_id, struct guest *out, struct err *e)
{
    int rc = begin(s, e);

    if (rc == 0)
        rc = s->body->ops->guest_get(s->body, vm_id, out, e);
    rc = finish(s, rc, e);
    return rc == ERR_NOT_FOUND ? err_set(e, rc, "no guest %s is known", vm_id) : rc;
}

int fleet_store_guests_on(struct fleet_store *s, const char *host_id, bool (*take)(void *arg, const struct guest *g),
                          void *arg, struct err *e)
{
    struct guest *g = malloc(sizeof *g);
    char after[GUID_TEXT_MAX] = "";
    bool more = true;
    int rc;

    if (g == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = begin(s, e);
    while (rc == 0 && more) {
        rc = s->body->ops->guest_next_on_host(s->body, host_id, after, g, e);
        if (rc == 0) {
            text_copy(after, sizeof after, g->vm_id);
            more = take(arg, g);
        }
    }
    rc = finish(s, rc == ERR_NOT_FOUND ? 0 : rc, e);
    free(g);
    return rc;
}
