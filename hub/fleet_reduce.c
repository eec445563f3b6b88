/* From records to what is known: the hosts and guests that a transaction
 * touches are loaded once, reduced in memory by model/fleet.h, judged by the
 * drift rule, and written once.
 *
 * Whose verdict can change, and when it is made:
 * - a guest that records speak of, on its host: at once;
 * - the guests of a host whose facts changed (a newer installer, a reboot): at
 *   once, in the same transaction; a host has hundreds of guests at most;
 * - guests of an OS build of which a newer patch level was seen (row 10): may be
 *   very many, so the build is written down in the same transaction and upkeep
 *   goes through it in slices.  Reports judge for themselves and never show
 *   the difference; the columns follow within seconds.
 *
 * Whatever is written for a guest goes through put_guest(), which also writes its
 * history and moves the daily counts, so that these three can not part.
 */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_changes.h"
#include "model/fleet.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A guest in memory is about 20 KiB. */
enum { GUESTS_MAX = 512, HOSTS_MAX = 256, REJUDGE_SLICE = 200 };

struct touched_host {
    struct host *now; /* in the fleet */
    struct host before;
    bool known; /* it was stored before */
};

struct touched_guest {
    struct guest *now; /* in the fleet */
    struct guest_facts before;
};

struct fleet_reduction {
    struct fleet_store *s;
    struct fleet_body *b;
    struct fleet *fleet;
    int64_t now;
    struct fleet_moves moves;
    struct touched_guest guests[GUESTS_MAX];
    size_t guest_count;
    struct touched_host hosts[HOSTS_MAX];
    size_t host_count;
    struct guest scratch;
};

static int start(struct fleet_reduction *r, struct err *e)
{
    fleet_free(r->fleet);
    r->guest_count = r->host_count = 0;
    r->fleet = fleet_new(&r->s->floors);
    return r->fleet != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

int fleet_reduction_new(struct fleet_reduction **out, struct fleet_store *s, struct err *e)
{
    struct fleet_reduction *r = calloc(1, sizeof *r);
    int rc;

    if (r == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    r->s = s;
    r->b = s->body;
    r->now = s->clock->wall_ns(s->clock);
    rc = start(r, e);
    if (rc != 0) {
        fleet_reduction_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void fleet_reduction_free(struct fleet_reduction *r)
{
    if (r == NULL)
        return;
    fleet_free(r->fleet);
    free(r);
}

/* ---- loading -------------------------------------------------------------------------- */

/* A stored state that does not decode is as good as none: said once, made anew. */
static int forgive(int rc, const char *what, const char *id)
{
    if (rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
        return rc;
    log_event(LOG_WARN, "store.state_damaged", LOG_S("what", what), LOG_S("id", id));
    return ERR_NOT_FOUND;
}

/* Brings the host's row into the fleet; ERR_NOT_FOUND when there is none. */
static int load_host(struct fleet_reduction *r, const char *host_id, struct err *e)
{
    struct host row, *h;
    int rc = forgive(r->b->ops->host_get(r->b, host_id, &row, e), "host", host_id);

    if (rc != 0)
        return rc;
    h = fleet_host(r->fleet, host_id);
    if (h == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    *h = row;
    return 0;
}

static bool build_of(const struct guest *g, struct version *os, char *text)
{
    text[0] = '\0';
    if (version_parse(g->kvp[KVP_OS_VERSION].text, os) < 3)
        return false;
    snprintf(text, FLEET_BUILD_MAX, "%u.%u.%u", os->part[0], os->part[1], os->part[2]);
    return true;
}

/* Makes the fleet's peers know what is stored of this guest's build. */
static int load_peer(struct fleet_reduction *r, const struct guest *g, struct err *e)
{
    struct drift_peers *peers = fleet_peers(r->fleet);
    const struct version *known;
    struct version os, stored;
    char build[FLEET_BUILD_MAX];
    int rc;

    if (!build_of(g, &os, build))
        return 0;
    rc = r->b->ops->peer_get(r->b, build, &stored, e);
    if (rc != 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    known = drift_peers_highest(peers, &os);
    if (known == NULL || version_compare(known, &stored) < 0)
        drift_peers_put(peers, &os, &stored);
    return 0;
}

static bool is_touched(const struct fleet_reduction *r, const struct host *h)
{
    for (size_t i = r->host_count; i > 0; i--) {
        if (r->hosts[i - 1].now == h)
            return true;
    }
    return false;
}

/* A host that records come from: it will be written. */
static int touch_host(struct fleet_reduction *r, const char *host_id, struct err *e)
{
    struct touched_host t = { .now = fleet_find_host(r->fleet, host_id), .known = true };
    int rc = 0;

    if (t.now != NULL && is_touched(r, t.now))
        return 0;
    if (t.now == NULL) {
        rc = load_host(r, host_id, e);
        t.known = rc == 0;
        t.now = fleet_host(r->fleet, host_id);
    }
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    if (t.now == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    t.before = *t.now;
    r->hosts[r->host_count++] = t;
    return 0;
}

/* Brings what judging this guest needs into the fleet: the host it is on, and its peers. */
static int gather(struct fleet_reduction *r, const struct guest *g, struct err *e)
{
    int rc = 0;

    if (g->host_id[0] != '\0' && fleet_find_host(r->fleet, g->host_id) == NULL)
        rc = load_host(r, g->host_id, e);
    return rc == 0 || rc == ERR_NOT_FOUND ? load_peer(r, g, e) : rc;
}

static int touch_guest(struct fleet_reduction *r, const char *vm_id, struct err *e)
{
    struct guest *g;
    int rc;

    if (fleet_find_guest(r->fleet, vm_id) != NULL)
        return 0;
    rc = forgive(r->b->ops->guest_get(r->b, vm_id, &r->scratch, e), "guest", vm_id);
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    g = fleet_guest(r->fleet, vm_id);
    if (g == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    r->guests[r->guest_count] = (struct touched_guest){ .now = g };
    if (rc == 0) {
        *g = r->scratch;
        guest_facts_of(g, &r->guests[r->guest_count].before);
    }
    r->guest_count++;
    return gather(r, g, e);
}

/* The VM id in its one form.  False when there is none, or it is no GUID. */
static bool canonical_vm(struct observation *o, char *out)
{
    const char *text = obs_get_str(o, ATTR_VM_ID);

    if (text == NULL || !guid_parse(text, strlen(text), out))
        return false;
    if (strcmp(text, out) != 0)
        obs_str(o, ATTR_VM_ID, out);
    return true;
}

int fleet_reduction_add(struct fleet_reduction *r, const struct resource *who, struct observation *o, struct err *e)
{
    char vm_id[GUID_TEXT_MAX];
    int rc = 0;

    if (r->guest_count == GUESTS_MAX || r->host_count == HOSTS_MAX)
        rc = fleet_reduction_settle(r, e);
    if (rc == 0)
        rc = touch_host(r, who->host_id, e);
    if (rc != 0)
        return rc;
    if (!canonical_vm(o, vm_id))
        return fleet_apply(r->fleet, who, o, e);
    rc = touch_guest(r, vm_id, e);
    if (rc == 0)
        rc = fleet_apply(r->fleet, who, o, e);
    /* fleet_apply() may judge before the next record, while the guest still runs */
    return rc == 0 && o->kind == OBS_GUEST_INVENTORY ? gather(r, fleet_find_guest(r->fleet, vm_id), e) : rc;
}

int fleet_reduction_confirms(struct fleet_reduction *r, const struct resource *who, bool *out, struct err *e)
{
    const struct host *h = fleet_find_host(r->fleet, who->host_id);
    int rc = h == NULL ? load_host(r, who->host_id, e) : 0;

    *out = false;
    if (rc != 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    h = fleet_find_host(r->fleet, who->host_id);
    *out = h->last_poll != 0 && strcmp(h->facts.os_version, who->os_version) == 0 &&
           strcmp(h->facts.is_win6x, who->is_win6x) == 0 && strcmp(h->facts.is_win5x, who->is_win5x) == 0;
    return 0;
}

/* ---- peers ------------------------------------------------------------------------------ */

/* Writes the build's highest version when it rose, and notes that its guests wait. */
static int put_peer(struct fleet_reduction *r, const struct guest *g, struct err *e)
{
    struct fleet_rejudge rejudge = { .after = "" };
    const struct version *highest;
    struct version os, stored;
    int rc;

    if (!build_of(g, &os, rejudge.build))
        return 0;
    highest = drift_peers_highest(fleet_peers(r->fleet), &os);
    if (highest == NULL)
        return 0;
    rc = r->b->ops->peer_get(r->b, rejudge.build, &stored, e);
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    if (rc == 0 && version_compare(highest, &stored) <= 0)
        return 0;
    rc = r->b->ops->peer_put(r->b, rejudge.build, highest, e);
    return rc != 0 ? rc : r->b->ops->rejudge_put(r->b, &rejudge, e);
}

/* ---- judging ------------------------------------------------------------------------------ */

static const char *cluster_of(const struct fleet_reduction *r, const struct guest *g)
{
    const struct host *h = fleet_find_host(r->fleet, g->host_id);

    return h != NULL ? h->facts.cluster : "";
}

/* Writes a guest that was judged: its row, what changed since before, and where it counts. */
static int put_guest(struct fleet_reduction *r, const struct guest *g, const struct guest_facts *before, struct err *e)
{
    struct drift_verdict verdict;
    struct fleet_guest_row row = { .guest = g, .cluster = cluster_of(r, g), .verdict = &verdict };
    struct fleet_counted was, is = { .state = g->drift.state, .removed = g->removed && g->removed_time != 0 };
    struct version os;
    bool judged = !before->known || before->state != g->drift.state || before->removed != is.removed;
    int rc = r->b->ops->guest_counted(r->b, g->vm_id, &was, e);
    bool counted = rc == 0;

    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    drift_evaluate(fleet_find_host(r->fleet, g->host_id), g, fleet_peers(r->fleet), &r->s->floors, &verdict);
    build_of(g, &os, row.build);
    text_copy(is.cluster, sizeof is.cluster, row.cluster);
    rc = fleet_note_changes(r->b, before, g, fleet_find_host(r->fleet, g->host_id), judged ? verdict.reason : "",
                            r->now, e);
    if (rc == 0)
        rc = fleet_moves_add(&r->moves, r->b, counted ? &was : NULL, &is, fleet_day_of(r->now), e);
    return rc != 0 ? rc : r->b->ops->guest_put(r->b, &row, e);
}

static bool same_verdict(const struct drift_kept *a, const struct drift_kept *b)
{
    return a->state == b->state && a->row == b->row && a->stale == b->stale && a->since == b->since;
}

/* Judges one stored guest anew and writes it when the verdict, or where it counts, differs. */
static int rejudge(struct fleet_reduction *r, struct guest *g, struct err *e)
{
    struct drift_verdict verdict;
    struct guest_facts before;
    struct fleet_counted was;
    int rc = gather(r, g, e);

    if (rc == 0)
        rc = r->b->ops->guest_counted(r->b, g->vm_id, &was, e);
    if (rc != 0)
        return rc;
    drift_evaluate(fleet_find_host(r->fleet, g->host_id), g, fleet_peers(r->fleet), &r->s->floors, &verdict);
    if (same_verdict(&g->drift, &verdict.kept) && strcmp(was.cluster, cluster_of(r, g)) == 0 &&
        strcmp(was.expected_version, verdict.expected_version) == 0)
        return 0;
    guest_facts_of(g, &before);
    g->drift = verdict.kept;
    return put_guest(r, g, &before, e);
}

/* Did something change that the verdicts of all guests on the host rest on? */
static bool facts_changed(const struct touched_host *t)
{
    const struct resource *a = &t->before.facts, *b = &t->now->facts;

    return !t->known || strcmp(a->os_version, b->os_version) != 0 || strcmp(a->is_win6x, b->is_win6x) != 0 ||
           strcmp(a->is_win5x, b->is_win5x) != 0 || strcmp(a->cluster, b->cluster) != 0 || a->boot_time != b->boot_time;
}

static int rejudge_host(struct fleet_reduction *r, const char *host_id, struct err *e)
{
    char after[GUID_TEXT_MAX] = "";
    int rc;

    while ((rc = r->b->ops->guest_next_on_host(r->b, host_id, after, &r->scratch, e)) == 0) {
        text_copy(after, sizeof after, r->scratch.vm_id);
        if (fleet_find_guest(r->fleet, after) != NULL)
            continue;
        rc = rejudge(r, &r->scratch, e);
        if (rc != 0)
            return rc;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int fleet_reduction_settle(struct fleet_reduction *r, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->guest_count; i++)
        rc = gather(r, r->guests[i].now, e);
    if (rc == 0)
        fleet_evaluate(r->fleet);
    for (size_t i = 0; rc == 0 && i < r->host_count; i++)
        rc = r->b->ops->host_put(r->b, r->hosts[i].now, e);
    for (size_t i = 0; rc == 0 && i < r->guest_count; i++) {
        rc = put_guest(r, r->guests[i].now, &r->guests[i].before, e);
        if (rc == 0)
            rc = put_peer(r, r->guests[i].now, e);
    }
    for (size_t i = 0; rc == 0 && i < r->host_count; i++) {
        if (facts_changed(&r->hosts[i]))
            rc = rejudge_host(r, r->hosts[i].now->facts.host_id, e);
    }
    if (rc == 0)
        rc = fleet_moves_write(&r->moves, r->b, e);
    return rc != 0 ? rc : start(r, e);
}

/* ---- upkeep -------------------------------------------------------------------------------- */

static int rejudge_build(struct fleet_reduction *r, struct fleet_rejudge *job, bool *more, struct err *e)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < REJUDGE_SLICE; i++) {
        rc = r->b->ops->guest_next_of_build(r->b, job->build, job->after, &r->scratch, e);
        if (rc == 0) {
            text_copy(job->after, sizeof job->after, r->scratch.vm_id);
            rc = rejudge(r, &r->scratch, e);
        }
    }
    *more = true;
    if (rc == ERR_NOT_FOUND)
        return r->b->ops->rejudge_drop(r->b, job->build, e);
    return rc != 0 ? rc : r->b->ops->rejudge_put(r->b, job, e);
}

int fleet_rejudge_slice(struct fleet_store *s, bool *more, struct err *e)
{
    struct fleet_reduction *r = NULL;
    struct fleet_rejudge job;
    int rc = s->body->ops->begin(s->body, true, e);

    if (rc == 0)
        rc = s->body->ops->rejudge_get(s->body, &job, e);
    if (rc == 0)
        rc = fleet_reduction_new(&r, s, e);
    if (rc == 0)
        rc = rejudge_build(r, &job, more, e);
    if (rc == 0)
        rc = fleet_moves_write(&r->moves, r->b, e);
    if (rc == 0)
        rc = s->body->ops->commit(s->body, e);
    if (rc != 0)
        s->body->ops->rollback(s->body);
    fleet_reduction_free(r);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}
