/* What must hold when everything has come to rest; see sim.h.
 *
 * The hub's rows are read with SQL of our own, by a connection of our own:
 *
 *   - of each agent, the numbers from 1 to its last are there once, but for those that its
 *     store dropped for its bound and told of;
 *   - each event that was ever written to a host's log is there at most once, and exactly
 *     once unless it was cleared away or overwritten before it was read (which a gap
 *     tells), or dropped for the bound;
 *   - the same records, sent in order to a hub where nothing goes wrong, give the same report.
 */
#include "hub/fleet_report.h"
#include "tests/sim/sim.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 8000, REPORT_MAX = 4 * 1024 * 1024, SLICE = 50 };

#define EVENT_FRACTION (SIM_LOG_RECORDS * 100)

/* What the hub has of one agent. */
struct held {
    struct sim_agent *agent;
    struct arena arena;
    struct otlp_payload *payloads;
    size_t count;
    uint64_t high_mark, missing, last_seq, dropped;
    bool there[RECORDS_MAX + 1];   /* of each number: the record, or a gap that counts it */
    int seen[SIM_LOG_RECORDS + 1]; /* of each event, by its serial */
    bool tells_lost_events;        /* a gap names the log */
};

/* ---- reading ------------------------------------------------------------------ */

static void take_payload(struct held *h, sqlite3_stmt *q)
{
    size_t len = (size_t)sqlite3_column_bytes(q, 3);
    struct otlp_payload *p = &h->payloads[h->count++];

    p->len = len;
    p->bytes = arena_copy(&h->arena, sqlite3_column_blob(q, 3), len);
}

static void take_row(struct held *h, sqlite3_stmt *q)
{
    uint64_t seq = (uint64_t)sqlite3_column_int64(q, 0);
    int64_t fraction = sqlite3_column_int64(q, 1) % NS_PER_S;
    const char *kind = (const char *)sqlite3_column_text(q, 2);

    if (seq <= h->last_seq)
        sim_fail(h->agent->sim, "agent %d: number %llu is there twice", h->agent->number, (unsigned long long)seq);
    if (seq > RECORDS_MAX)
        sim_fail(h->agent->sim, "agent %d gave more than %d numbers", h->agent->number, RECORDS_MAX);
    h->last_seq = seq;
    h->there[seq] = true;
    if (strcmp(kind, obs_kind_name(OBS_GAP)) != 0 && fraction > 0 && fraction <= EVENT_FRACTION)
        h->seen[fraction / 100]++;
    take_payload(h, q);
}

static sqlite3_stmt *ask(struct sim *s, sqlite3 *db, const char *sql, const char *agent_id)
{
    sqlite3_stmt *q = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK ||
        sqlite3_bind_text(q, 1, agent_id, -1, SQLITE_STATIC) != SQLITE_OK)
        sim_fail(s, "%s: %s", sql, sqlite3_errmsg(db));
    return q;
}

static void read_agent(struct sim *s, sqlite3 *db, struct held *h)
{
    const char *id = h->agent->resource.agent_id;
    sqlite3_stmt *q = ask(s, db, "SELECT high_mark, missing FROM stream WHERE agent_id = ?", id);

    if (sqlite3_step(q) != SQLITE_ROW)
        sim_fail(s, "the hub does not know agent %d", h->agent->number);
    h->high_mark = (uint64_t)sqlite3_column_int64(q, 0);
    h->missing = (uint64_t)sqlite3_column_int64(q, 1);
    if (sqlite3_step(q) != SQLITE_DONE)
        sim_fail(s, "agent %d has more than one stream", h->agent->number);
    sqlite3_finalize(q);
    q = ask(s, db,
            "SELECT seq, time, kind, payload FROM observation JOIN stream s ON s.id = stream WHERE agent_id = ? "
            "ORDER BY seq",
            id);
    while (sqlite3_step(q) == SQLITE_ROW)
        take_row(h, q);
    sqlite3_finalize(q);
}

/* ---- records again as observations ------------------------------------------------- */

static void decode_slice(const struct held *h, size_t from, size_t n, struct otlp_request *out)
{
    struct otlp_limits limits = otlp_limits_default();
    struct err e = { 0 };
    struct buf bytes;

    buf_init(&bytes, SIM_BODY_MAX);
    if (otlp_encode_request(&h->agent->resource, h->payloads + from, n, &bytes, &e) != 0 ||
        otlp_decode(buf_text(&bytes), bytes.len, &limits, out, &e) != 0)
        sim_fail(h->agent->sim, "what the hub holds can not be read: %s", e.text);
    buf_free(&bytes);
}

static void note_gap(struct held *h, const struct observation *o)
{
    const char *reason = obs_get_str(o, ATTR_GAP_REASON);
    uint64_t from = strtoull(obs_get_str(o, ATTR_GAP_FROM), NULL, 10);
    uint64_t to = strtoull(obs_get_str(o, ATTR_GAP_TO), NULL, 10);

    if (strcmp(reason, "log-cleared") == 0 || strcmp(reason, "log-wrapped") == 0)
        h->tells_lost_events = true;
    if (strcmp(reason, "store-full") == 0)
        for (uint64_t seq = from; seq <= to && seq <= RECORDS_MAX; seq++)
            h->there[seq] = true;
}

static void look_for_gaps(struct held *h, const struct otlp_request *r)
{
    for (const struct otlp_group *g = r->groups; g != NULL; g = g->next)
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next)
            if (o->kind == OBS_GAP)
                note_gap(h, o);
}

static void apply_slice(struct sim *s, struct fleet_store *store, struct held *h, size_t from, size_t n)
{
    struct otlp_request request;
    struct fleet_batch batch = { .request = &request };
    struct err e = { 0 };

    decode_slice(h, from, n, &request);
    look_for_gaps(h, &request);
    if (fleet_store_apply(store, &batch, 1, &e) != 0)
        sim_fail(s, "what the hub holds can not be applied again: %s", e.text);
    otlp_request_free(&request);
}

/* ---- what must hold -------------------------------------------------------------------- */

/* True when nothing of it was lost or dropped. */
static bool check_agent(struct sim *s, struct held *h, const struct store_stats *stats)
{
    const struct sim_log *log = &h->agent->log;
    int number = h->agent->number, lost = 0, untold = 0;

    if (h->high_mark != stats->last_seq || h->missing != 0)
        sim_fail(s, "agent %d gave %llu numbers, the hub is at %llu and misses %llu", number,
                 (unsigned long long)stats->last_seq, (unsigned long long)h->high_mark, (unsigned long long)h->missing);
    if (h->count + stats->dropped_total < stats->last_seq || (stats->dropped_total == 0 && h->count != stats->last_seq))
        sim_fail(s, "agent %d gave %llu numbers and dropped %llu, and the hub has %zu", number,
                 (unsigned long long)stats->last_seq, (unsigned long long)stats->dropped_total, h->count);
    for (uint64_t seq = 1; seq <= stats->last_seq; seq++)
        if (!h->there[seq])
            sim_fail(s, "agent %d: number %llu is nowhere", number, (unsigned long long)seq);
    for (int i = 0; i < log->count; i++) {
        int seen = h->seen[log->all[i].serial];

        if (seen > 1)
            sim_fail(s, "agent %d: event %d arrived %d times", number, i + 1, seen);
        if (seen == 0 && !log->all[i].removed && stats->dropped_total == 0)
            sim_fail(s, "agent %d: event %d never arrived", number, i + 1);
        lost += seen == 0;
        untold += seen == 0 && !log->all[i].never_met;
    }
    if (untold > 0 && stats->dropped_total == 0 && !h->tells_lost_events)
        sim_fail(s, "agent %d: %d events are gone, and nothing tells of it", number, untold);
    return lost == 0 && stats->dropped_total == 0;
}

static void make_report(struct sim *s, struct fleet_store *store, struct buf *out)
{
    struct report_query q = { .kind = REPORT_DRIFT, .format = REPORT_JSON, .floors = drift_floors_default() };
    struct err e = { 0 };

    q.now_ns = SIM_EPOCH + s->plan.span_ns + SIM_DAY;
    if (fleet_report(store, &q, out, &e) != 0)
        sim_fail(s, "no report: %s", e.text);
}

static void drop_keys(json_t *o, const char *const *keys)
{
    json_t *item;
    size_t i;

    for (; json_is_object(o) && *keys != NULL; keys++)
        json_object_del(o, *keys);
    json_array_foreach(o, i, item) drop_keys(item, keys);
}

static int by_name(const void *a, const void *b)
{
    json_t *const *x = a, *const *y = b;
    const char *p = json_string_value(json_object_get(*x, "vm_id"));
    const char *q = json_string_value(json_object_get(*y, "vm_id"));

    if (p == NULL || q == NULL) {
        p = json_string_value(json_object_get(*x, "host"));
        q = json_string_value(json_object_get(*y, "host"));
    }
    return p != NULL && q != NULL ? strcmp(p, q) : 0;
}

/* A list of the report, in an order that times do not change. */
static json_t *sorted(const json_t *list)
{
    size_t n = json_array_size(list);
    json_t **items = calloc(n + 1, sizeof *items), *out = json_array();

    if (items == NULL)
        abort();
    for (size_t i = 0; i < n; i++)
        items[i] = json_array_get(list, i);
    qsort(items, n, sizeof *items, by_name);
    for (size_t i = 0; i < n; i++)
        json_array_append(out, items[i]);
    free(items);
    return out;
}

/* Equal but for the keys that are named (at the top, and in guests and hosts). */
static bool same(const struct buf *a, const struct buf *b, const char *const *without)
{
    json_t *reports[2] = { json_loadb(buf_text(a), a->len, 0, NULL), json_loadb(buf_text(b), b->len, 0, NULL) };
    static const char *const lists[] = { "guests", "hosts" };
    bool equal;

    for (int i = 0; i < 2; i++) {
        drop_keys(reports[i], without);
        for (int k = 0; k < 2; k++) {
            drop_keys(json_object_get(reports[i], lists[k]), without);
            json_object_set_new(reports[i], lists[k], sorted(json_object_get(reports[i], lists[k])));
        }
    }
    equal = reports[0] != NULL && json_equal(reports[0], reports[1]);
    json_decref(reports[0]);
    json_decref(reports[1]);
    return equal;
}

/* Both reports go to files in the current folder, for a person's diff. */
_Noreturn static void tell_difference(uint64_t seed, const char *what, const struct buf *a, const struct buf *b)
{
    const struct buf *reports[2] = { a, b };
    char path[64];

    for (int i = 0; i < 2; i++) {
        json_t *report = json_loadb(buf_text(reports[i]), reports[i]->len, 0, NULL);

        snprintf(path, sizeof path, "sim-%llu-%d.json", (unsigned long long)seed, i + 1);
        json_dump_file(report, path, JSON_INDENT(1) | JSON_SORT_KEYS);
        json_decref(report);
    }
    fprintf(stderr, "seed %llu: %s; see sim-%llu-1.json and -2.json\n", (unsigned long long)seed, what,
            (unsigned long long)seed);
    exit(EXIT_FAILURE);
}

void sim_check_same(uint64_t seed, const struct buf *faulty, const struct buf *perfect)
{
    static const char *const times[] = { "generated_at", "last_seen", "last_heard", "last_poll", "since",
                                         "evidence",     "stale",     "finding",    "findings",  NULL };

    if (same(faulty, perfect, times))
        return;
    tell_difference(seed, "the report differs from that of a run without faults", faulty, perfect);
}

/* The same records to a hub where nothing goes wrong. */
static void check_again(struct sim *s, struct held *held, const struct buf *report)
{
    /* A verdict's since is judged once a transaction, so it depends on what came together. */
    static const char *const of_arrival[] = { "finding", "findings", "last_heard", "since", NULL };
    struct drift_floors floors = drift_floors_default();
    struct sim_hub *h = &s->hub;
    struct fleet_store_options o;
    struct err e = { 0 };
    struct buf again;

    snprintf(h->path, sizeof h->path, "%s/hub.db-again", s->dir);
    o = sim_hub_options(h, &floors);
    if (fleet_store_open(&h->store, &o, &e) != 0)
        sim_fail(s, "no second hub: %s", e.text);
    for (int i = 0; i < s->plan.agents; i++)
        for (size_t at = 0; at < held[i].count; at += SLICE)
            apply_slice(s, h->store, &held[i], at, held[i].count - at < SLICE ? held[i].count - at : SLICE);
    sim_hub_rest(h);
    buf_init(&again, REPORT_MAX);
    make_report(s, h->store, &again);
    if (!same(report, &again, of_arrival))
        tell_difference(s->seed, "the same records in order give another report", report, &again);
    buf_free(&again);
    fleet_store_close(h->store);
    h->store = NULL;
}

static void load(struct sim *s, struct held *held)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(s->hub.path, &db, SQLITE_OPEN_READWRITE, SIM_VFS) != SQLITE_OK)
        sim_fail(s, "the hub's file: %s", sqlite3_errmsg(db));
    for (int i = 0; i < s->plan.agents; i++) {
        held[i].agent = &s->agents[i];
        arena_init(&held[i].arena, RECORDS_MAX * 1024);
        held[i].payloads = arena_alloc(&held[i].arena, RECORDS_MAX * sizeof *held[i].payloads);
        read_agent(s, db, &held[i]);
    }
    sqlite3_close(db);
}

bool sim_check_end(struct sim *s, struct buf *report)
{
    static struct held held[SIM_AGENTS];
    struct store_stats stats[SIM_AGENTS];
    bool whole = true;

    memset(held, 0, sizeof held);
    for (int i = 0; i < s->plan.agents; i++) {
        if (store_stats(s->agents[i].store, &stats[i], NULL) != 0)
            sim_fail(s, "agent %d does not say where it is", i);
        sim_agent_end(&s->agents[i], SIM_STOPPED);
        s->agents[i].life++;
    }
    sim_hub_rest(&s->hub);
    make_report(s, s->hub.store, report);
    sim_hub_end(&s->hub, SIM_STOPPED);
    s->hub.life++;
    load(s, held);
    if (!s->perfect)
        check_again(s, held, report);
    for (int i = 0; i < s->plan.agents; i++) {
        whole = check_agent(s, &held[i], &stats[i]) && whole;
        arena_free(&held[i].arena);
    }
    return whole;
}
