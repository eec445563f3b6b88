/* The drift report's model (drift_report.h): collecting, judging, sorting.
 *
 * Each guest is judged when it is added, because a struct guest is too large to
 * keep for a whole fleet; what is kept is a row of texts (judged.c).  Row 10 of the
 * decision table needs to know all guests: where the peers are not known before, its
 * rows are judged again at the end from the few values that decide it.
 */
#include "report/drift_report.h"

#include "base/text.h"
#include "base/times.h"
#include "report/report_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };
/* What a report may hold: a fleet of some hundred thousand guests. */
#define REPORT_BYTES_MAX ((size_t)1024 * 1024 * 1024)

int report_severity(enum drift_state state)
{
    static const int severity[DRIFT_STATE_COUNT] = {
        [DRIFT_INCOMPATIBLE] = 0,    [DRIFT_BEHIND_PROTOCOL] = 1, [DRIFT_BEHIND] = 2,  [DRIFT_INBOX_BEHIND_PEERS] = 3,
        [DRIFT_NEWER_THAN_HOST] = 4, [DRIFT_UNKNOWN] = 5,         [DRIFT_CURRENT] = 6, [DRIFT_NOT_APPLICABLE] = 7,
    };

    assert(state >= 0 && state < DRIFT_STATE_COUNT);
    return severity[state];
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_TOO_BIG, "the report needs more memory than it may take: ask for one cluster");
}

int drift_report_new(struct drift_report **out, const struct drift_report_options *options, struct err *e)
{
    struct drift_report *r = calloc(1, sizeof *r);

    *out = NULL;
    if (r == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a report");
    arena_init(&r->arena, REPORT_BYTES_MAX);
    r->options = *options;
    r->seen_peers = drift_peers_new();
    if (options->cluster != NULL)
        r->options.cluster = arena_copy(&r->arena, options->cluster, strlen(options->cluster));
    if (r->seen_peers == NULL || (options->cluster != NULL && r->options.cluster == NULL)) {
        drift_report_free(r);
        return err_set(e, ERR_MEMORY, "out of memory for a report");
    }
    *out = r;
    return 0;
}

void drift_report_free(struct drift_report *r)
{
    if (r == NULL)
        return;
    drift_peers_free(r->seen_peers);
    free(r->hosts);
    free(r->guests);
    free(r->past);
    arena_free(&r->arena);
    free(r);
}

void drift_report_peers(struct drift_report *r, const struct drift_peers *peers)
{
    assert(!r->finished);
    r->peers = peers;
}

bool report_room(void **array, size_t count, size_t *cap, size_t size)
{
    size_t grown_cap = *cap == 0 ? FIRST_CAP : *cap * 2;
    void *grown;

    if (count < *cap)
        return true;
    grown = realloc(*array, grown_cap * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *cap = grown_cap;
    return true;
}

/* ---- hosts -------------------------------------------------------------- */

static bool is_asked_for(const struct drift_report *r, const char *cluster)
{
    return r->options.cluster == NULL || strcmp(r->options.cluster, cluster) == 0;
}

static int by_id(const void *a, const void *b)
{
    const struct report_host *x = *(struct report_host *const *)a, *y = *(struct report_host *const *)b;

    return strcmp(x->h.facts.host_id, y->h.facts.host_id);
}

int drift_report_host(struct drift_report *r, const struct host *h, struct err *e)
{
    struct report_host *row = arena_alloc(&r->arena, sizeof *row);
    struct version agent;

    assert(!r->finished);
    if (row == NULL || !report_room((void **)&r->hosts, r->host_count, &r->host_cap, sizeof *r->hosts))
        return no_memory(e);
    row->h = *h;
    row->name = row->h.facts.host_name[0] != '\0' ? row->h.facts.host_name : row->h.facts.host_id;
    row->finding = "";
    row->notes_end = &row->notes;
    row->shown = is_asked_for(r, row->h.facts.cluster);
    if (version_parse(h->facts.agent_version, &agent) > 0 && version_compare(&agent, &r->newest_agent) > 0) {
        r->newest_agent = agent;
        r->newest_agent_text = row->h.facts.agent_version;
    }
    r->hosts_sorted = r->host_count == 0 || (r->hosts_sorted && by_id(&r->hosts[r->host_count - 1], &row) < 0);
    r->hosts[r->host_count++] = row;
    return 0;
}

static int id_against(const void *id, const void *element)
{
    return strcmp(id, (*(struct report_host *const *)element)->h.facts.host_id);
}

static struct report_host *find_host(struct drift_report *r, const char *host_id)
{
    struct report_host **found;

    if (r->host_count == 0)
        return NULL;
    if (!r->hosts_sorted)
        qsort(r->hosts, r->host_count, sizeof *r->hosts, by_id);
    r->hosts_sorted = true;
    found = bsearch(host_id, r->hosts, r->host_count, sizeof *r->hosts, id_against);
    return found != NULL ? *found : NULL;
}

void drift_report_heard(struct drift_report *r, const char *host_id, int64_t received_ns)
{
    struct report_host *h = find_host(r, host_id);

    assert(!r->finished);
    if (h != NULL && received_ns > h->heard)
        h->heard = received_ns;
}

int report_add_note(struct drift_report *r, struct report_host *h, const char *kind, int64_t since, const char *text,
                    struct err *e)
{
    struct report_note *n = arena_alloc(&r->arena, sizeof *n);

    if (n == NULL)
        return no_memory(e);
    n->kind = arena_copy(&r->arena, kind, strlen(kind));
    n->text = arena_copy(&r->arena, text, strlen(text));
    n->since = since;
    if (n->kind == NULL || n->text == NULL)
        return no_memory(e);
    *h->notes_end = n;
    h->notes_end = &n->next;
    return 0;
}

int drift_report_note(struct drift_report *r, const char *host_id, const char *kind, int64_t since, const char *text,
                      struct err *e)
{
    struct report_host *h = find_host(r, host_id);

    assert(!r->finished);
    return h != NULL ? report_add_note(r, h, kind, since, text, e) : 0;
}

/* ---- guests ------------------------------------------------------------- */

/* A copy in the arena; *failed is set when there is no room. */
static const char *keep(struct drift_report *r, const char *text, bool *failed)
{
    const char *copy = text[0] == '\0' ? "" : arena_copy(&r->arena, text, strlen(text));

    if (copy == NULL)
        *failed = true;
    return copy != NULL ? copy : "";
}

bool report_is_fine(const struct report_guest *g)
{
    return g->kept.state == DRIFT_CURRENT || g->kept.state == DRIFT_NOT_APPLICABLE;
}

const char *report_guest_label(const struct report_guest *g)
{
    return g->name[0] != '\0' ? g->name : g->vm_id;
}

bool report_is_silent(const struct drift_report *r, const struct report_host *h)
{
    int64_t heard = h->heard != 0 ? h->heard : h->h.last_seen;

    return r->options.host_silent_ns > 0 && r->options.now_ns - heard > r->options.host_silent_ns;
}

/* The host's texts, in the report's own copy. */
static void point_to_host(struct report_guest *row, struct report_host *on)
{
    row->on = on;
    row->last_seen = report_last_seen(row->last_seen, on != NULL ? &on->h : NULL);
    if (on == NULL)
        return;
    row->host_id = on->h.facts.host_id;
    row->host = on->name;
    row->cluster = on->h.facts.cluster;
}

int drift_report_guest(struct drift_report *r, const struct guest *g, struct err *e)
{
    struct report_host *on = find_host(r, g->host_id);
    struct judging judging = {
        .host = on != NULL ? &on->h : NULL, .g = g, .peers = r->peers, .floors = r->options.floors
    };
    struct report_guest *row;
    char *texts;

    assert(!r->finished && !r->listed);
    if (g->removed)
        return 0;
    if (r->peers == NULL)
        drift_peers_add(r->seen_peers, g);
    if (on != NULL ? !on->shown : !is_asked_for(r, ""))
        return 0;
    if (!report_room((void **)&r->guests, r->guest_count, &r->guest_cap, sizeof *r->guests))
        return no_memory(e);
    report_judge(&judging);
    texts = arena_alloc(&r->arena, report_row_bytes(&judging));
    if (texts == NULL)
        return no_memory(e);
    row = &r->guests[r->guest_count++];
    report_lay_row(&judging, row, texts);
    point_to_host(row, on);
    row->unpeered = r->peers == NULL && row->kept.row == REPORT_PEER_ROW;
    return 0;
}

int drift_report_judged(struct drift_report *r, const struct judged_guest *j, size_t host, struct err *e)
{
    struct report_host *on = host < r->host_count ? r->hosts[host] : NULL;
    struct report_guest *row;

    assert(!r->finished && (r->listed || r->guest_count == 0));
    assert((on == NULL) == (j->on == NULL) && (on == NULL || strcmp(on->h.facts.host_id, j->row.host_id) == 0));
    r->listed = true;
    if (on != NULL ? !on->shown : !is_asked_for(r, ""))
        return 0;
    if (!report_room((void **)&r->guests, r->guest_count, &r->guest_cap, sizeof *r->guests))
        return no_memory(e);
    row = &r->guests[r->guest_count++];
    *row = j->row;
    point_to_host(row, on);
    return 0;
}

int drift_report_change(struct drift_report *r, const char *vm_id, const char *cluster, const char *from,
                        const char *to, struct err *e)
{
    bool failed = false;

    assert(!r->finished && r->options.has_history);
    if (!report_room((void **)&r->past, r->past_count, &r->past_cap, sizeof *r->past))
        return no_memory(e);
    r->past[r->past_count] = (struct report_past){
        .vm_id = keep(r, vm_id, &failed),
        .cluster = keep(r, cluster, &failed),
        .from = keep(r, from, &failed),
        .to = keep(r, to, &failed),
        .order = r->past_count,
    };
    r->past_count++;
    return failed ? no_memory(e) : 0;
}

/* ---- finishing ---------------------------------------------------------- */

/* Adds the line that names the highest version to the evidence. */
static void keep_peer_line(struct drift_report *r, struct report_guest *row, const struct drift_verdict *v,
                           bool *failed)
{
    static const char start[] = "the highest version";

    for (int i = 0; i < v->evidence_count && row->evidence_count < DRIFT_EVIDENCE_MAX; i++) {
        if (strncmp(v->evidence[i], start, sizeof start - 1) == 0)
            row->evidence[row->evidence_count++] = keep(r, v->evidence[i], failed);
    }
}

/* Judges a guest of row 10 against its peers, from what decides that row. */
static void judge_peer(struct drift_report *r, struct report_guest *row, bool *failed)
{
    struct drift_verdict v;
    struct guest g;

    guest_init(&g, row->vm_id);
    g.drift = row->was;
    g.inventory_time = g.kvp[KVP_IS_VERSION].time = 1;
    g.kvp[KVP_IS_VERSION].since = row->is_since;
    text_copy(g.kvp[KVP_IS_VERSION].text, sizeof g.kvp[0].text, row->guest_version);
    text_copy(g.kvp[KVP_OS_VERSION].text, sizeof g.kvp[0].text, row->os_version);
    text_copy(g.kvp[KVP_OS_PLATFORM_ID].text, sizeof g.kvp[0].text, "2");
    drift_evaluate(&row->on->h, &g, r->peers != NULL ? r->peers : r->seen_peers, r->options.floors, &v);
    if (v.kept.row != REPORT_PEER_ROW)
        return;
    v.kept.stale = row->kept.stale;
    row->kept = v.kept;
    row->expected_version = keep(r, v.expected_version, failed);
    row->reason = keep(r, v.reason, failed);
    row->action = v.action;
    keep_peer_line(r, row, &v, failed);
}

static int by_cluster(const void *a, const void *b)
{
    const struct report_host *x = *(struct report_host *const *)a, *y = *(struct report_host *const *)b;
    int order = strcmp(x->h.facts.cluster, y->h.facts.cluster);

    if (order == 0)
        order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->h.facts.host_id, y->h.facts.host_id);
}

/* Drops the guests whose state is older than was asked for. */
static void filter_since(struct drift_report *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->guest_count; i++) {
        const struct report_guest *g = &r->guests[i];
        bool moved = g->change == REPORT_NEW || g->change == REPORT_SOLVED || g->change == REPORT_CHANGED;

        if (moved || g->kept.since >= r->options.since_ns)
            r->guests[kept++] = *g;
    }
    r->guest_count = kept;
}

static void count(struct drift_report *r)
{
    for (size_t i = 0; i < r->guest_count; i++) {
        r->by_state[r->guests[i].kept.state]++;
        if (r->guests[i].on != NULL)
            r->guests[i].on->guests++;
    }
    for (size_t i = 0; i < r->host_count; i++)
        r->hosts_shown += r->hosts[i]->shown;
}

int drift_report_finish(struct drift_report *r, struct err *e)
{
    bool failed = false;

    assert(!r->finished);
    for (size_t i = 0; i < r->guest_count; i++) {
        struct report_guest *g = &r->guests[i];

        g->kept.stale |= g->on != NULL && report_is_silent(r, g->on);
        if (g->unpeered)
            judge_peer(r, g, &failed);
    }
    if (failed)
        return no_memory(e);
    if (r->options.since_ns != 0 && r->options.has_history)
        report_compare(r);
    if (r->options.since_ns != 0)
        filter_since(r);
    count(r);
    if (r->guest_count > 0 && !r->listed)
        qsort(r->guests, r->guest_count, sizeof *r->guests, report_worst_first);
    if (r->host_count > 0)
        qsort(r->hosts, r->host_count, sizeof *r->hosts, by_cluster);
    r->hosts_sorted = false;
    r->finished = true;
    return report_find_hosts(r, e);
}

int drift_report_of_fleet(struct drift_report **out, struct fleet *f, const struct drift_report_options *options,
                          struct err *e)
{
    size_t hosts, guests;
    struct host **host = fleet_hosts(f, &hosts);
    struct guest **guest = fleet_guests(f, &guests);
    struct drift_report *r;
    int rc;

    *out = NULL;
    if (host == NULL || guest == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a report");
    rc = drift_report_new(&r, options, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < hosts; i++)
        rc = drift_report_host(r, host[i], e);
    drift_report_peers(r, fleet_peers(f));
    for (size_t i = 0; rc == 0 && i < guests; i++)
        rc = drift_report_guest(r, guest[i], e);
    if (rc == 0)
        rc = drift_report_finish(r, e);
    if (rc != 0)
        drift_report_free(r);
    else
        *out = r;
    return rc;
}
