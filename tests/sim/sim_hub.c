/* A simulated hub: unpack, decode, commit what is waiting in one transaction, answer;
 * as ingest.c and writer.c do it with threads.  See sim.h. */
#include "base/text.h"
#include "hub/decompress.h"
#include "hub/limits_budget.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_FULL_S = 2, RETRY_FAILED_S = 10, UPKEEP_TURNS = 1000, CREDIT_MAX = 64 * 1024 };

#define COMMIT_MAX (30 * NS_PER_MS)
#define KEEP       (400 * SIM_DAY)

static void refuse(struct sim_hub *h, struct sim_request *r, int64_t retry_s)
{
    struct http_reply reply = { .status = 503, .retry_after_ns = retry_s * NS_PER_S };

    sim_net_answer(h->sim, r, &reply);
    sim_request_free(r);
}

/* As the real rule has it, with a credit and a queue by chance: no rate, some bytes, or none and a time to wait. */
static void tell_budget(struct sim_hub *h, struct http_reply *reply)
{
    uint64_t *c = &h->sim->chance;
    int64_t credit = (int64_t)sim_roll(c, 3) - 1;
    int wait_s = credit == 0 ? 1 + (int)sim_roll(c, 30) : 0;
    struct send_budget b;

    if (credit > 0)
        credit = 1 + (int64_t)sim_roll(c, CREDIT_MAX);
    b = budget_of(credit, wait_s, (int)sim_roll(c, 101));
    reply->has_send_budget = b.told;
    reply->send_budget = (uint64_t)b.bytes;
    if (b.told && b.bytes == 0)
        reply->retry_after_ns = b.wait_s * NS_PER_S;
}

static void accept_it(struct sim_hub *h, struct sim_request *r, const struct fleet_batch *b)
{
    struct http_reply reply = { .status = 200, .retry_after_ns = -1, .has_acked_through = b->one_agent };

    reply.takes_state = h->sim->plan.takes_state;
    reply.acked_through = b->acked_through;
    if (b->one_agent || b->ahead)
        tell_budget(h, &reply);
    if (b->one_agent && b->acked_through > r->from->told)
        r->from->told = b->acked_through;
    sim_net_answer(h->sim, r, &reply);
    sim_request_free(r);
}

static void decode(struct sim_hub *h, const struct sim_request *r, struct otlp_request *out)
{
    struct otlp_limits limits = otlp_limits_default();
    enum body_encoding encoding;
    struct buf plain;
    struct err e = { 0 };

    buf_init(&plain, SIM_BODY_MAX);
    if (!body_encoding_parse(r->encoding, &encoding) ||
        body_unpack(encoding, buf_text(&r->body), r->body.len, &plain, &e) != 0 ||
        otlp_decode(buf_text(&plain), plain.len, &limits, out, &e) != 0)
        sim_fail(h->sim, "the hub can not read a request: %s", e.text);
    buf_free(&plain);
}

static void power_is_gone(void *hub, uint64_t life)
{
    struct sim_hub *h = hub;

    if (h->life == life)
        sim_hub_end(h, sim_roll(&h->sim->chance, 3) == 0 ? SIM_KILLED : SIM_POWER_LOST);
}

static void notice_power(struct sim_hub *h)
{
    if (sim_disk_dead(h->disk))
        sim_at(h->sim, h->sim->now, power_is_gone, h, h->life);
}

/* Does it know the host that speaks there by a poll? */
static bool knows_host(struct sim_hub *h, const struct otlp_request *r)
{
    struct host host;
    struct err e = { 0 };

    return r->groups != NULL && fleet_store_host(h->store, r->groups->resource.host_id, &host, &e) == 0 &&
           host.last_poll != 0;
}

static bool tells_running(const struct observation *o)
{
    return strcmp(obs_get_str(o, ATTR_VM_POWER), "running") == 0;
}

static void check_guest(struct sim_hub *h, const struct observation *o)
{
    static struct guest g;
    struct err e = { 0 };
    int rc = fleet_store_guest(h->store, obs_get_str(o, ATTR_VM_ID), &g, &e);

    if (rc == ERR_NOT_FOUND || (rc == 0 && g.inventory_time < o->time_ns))
        sim_fail(h->sim, "the hub was told ahead of its turn how guest %s is, and knows less",
                 obs_get_str(o, ATTR_VM_ID));
}

/* What was told ahead of its turn is known, whatever waits before it. */
static void check_ahead(struct sim_hub *h, const struct fleet_batch *b)
{
    uint64_t running = 0;

    if (b->one_agent || b->stored + b->duplicates + b->foreign + b->missing > 0)
        sim_fail(h->sim, "what was told ahead of its turn has moved a stream");
    for (const struct otlp_group *g = b->request->groups; g != NULL; g = g->next) {
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next) {
            if (!tells_running(o))
                continue;
            running++;
            check_guest(h, o);
        }
    }
    if (b->told != running)
        sim_fail(h->sim, "of %llu guests that run, %llu were taken ahead of their turn", (unsigned long long)running,
                 (unsigned long long)b->told);
    h->told_ahead++;
}

static void commit(void *hub, uint64_t life)
{
    struct sim_hub *h = hub;
    struct otlp_request requests[SIM_INBOX] = { 0 };
    struct fleet_batch batches[SIM_INBOX] = { 0 };
    bool known[SIM_INBOX] = { false };
    int n = h->waiting, rc;
    struct err e = { 0 };

    if (h->life != life || n == 0)
        return;
    for (int i = 0; i < n; i++) {
        decode(h, h->inbox[i], &requests[i]);
        batches[i].request = &requests[i];
        batches[i].ahead = h->inbox[i]->what == HTTP_STATE;
        known[i] = batches[i].ahead && knows_host(h, &requests[i]);
    }
    rc = fleet_store_apply(h->store, batches, (size_t)n, &e);
    if (rc == ERR_CORRUPT || rc == ERR_INVALID || rc == ERR_TOO_BIG)
        sim_fail(h->sim, "the hub can not store a request: %s", e.text);
    if (rc != 0)
        sim_say(h->sim, "hub: %s", e.text);
    h->waiting = 0;
    for (int i = 0; rc == 0 && i < n; i++)
        if (known[i])
            check_ahead(h, &batches[i]);
    for (int i = 0; i < n; i++) {
        otlp_request_free(&requests[i]);
        if (rc == 0)
            accept_it(h, h->inbox[i], &batches[i]);
        else
            refuse(h, h->inbox[i], RETRY_FAILED_S);
    }
    notice_power(h);
}

void sim_hub_take(struct sim_hub *h, struct sim_request *r)
{
    if (r->what == HTTP_STATE && !h->sim->plan.takes_state)
        sim_fail(h->sim, "agent %d tells state ahead of its turn, and was not asked for it", r->from->number);
    if (h->waiting == SIM_INBOX) {
        refuse(h, r, RETRY_FULL_S);
        return;
    }
    if (h->waiting == 0)
        sim_at(h->sim, h->sim->now + (int64_t)sim_roll(&h->sim->chance, COMMIT_MAX), commit, h, h->life);
    h->inbox[h->waiting++] = r;
}

/* ---- upkeep ---------------------------------------------------------------------------- */

static void upkeep(void *hub, uint64_t life)
{
    struct sim_hub *h = hub;
    struct err e = { 0 };
    bool more = false;

    if (h->life != life)
        return;
    if (fleet_store_upkeep(h->store, &more, &e) == ERR_CORRUPT)
        sim_fail(h->sim, "upkeep: %s", e.text);
    sim_at(h->sim, h->sim->now + (more ? NS_PER_S : h->sim->plan.poll_ns / 2), upkeep, h, h->life);
    notice_power(h);
}

void sim_hub_rest(struct sim_hub *h)
{
    struct err e = { 0 };
    bool more = true;

    for (int i = 0; more; i++)
        if (i == UPKEEP_TURNS || fleet_store_upkeep(h->store, &more, &e) != 0)
            sim_fail(h->sim, "upkeep does not end: %s", e.text);
}

/* ---- life -------------------------------------------------------------------------------- */

struct fleet_store_options sim_hub_options(const struct sim_hub *h, const struct drift_floors *floors)
{
    return (struct fleet_store_options){
        .path = h->path, .keep_ns = KEEP, .foreign_max = 10, .floors = floors, .clock = &h->clock.clock, .vfs = SIM_VFS
    };
}

/* What it has told an agent it still has. */
static bool check_agent(void *arg, const struct fleet_agent *f)
{
    struct sim *s = arg;

    for (int i = 0; i < s->plan.agents; i++) {
        const struct sim_agent *a = &s->agents[i];

        if (strcmp(f->agent_id, a->resource.agent_id) == 0 && f->high_mark < a->told)
            sim_fail(s, "the hub told agent %d that it has %llu, and has %llu", i, (unsigned long long)a->told,
                     (unsigned long long)f->high_mark);
    }
    return true;
}

static int count_told(const struct sim *s)
{
    int n = 0;

    for (int i = 0; i < s->plan.agents; i++)
        n += s->agents[i].told > 0;
    return n;
}

static int begin(struct sim_hub *h, struct err *e)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options o = sim_hub_options(h, &floors);
    struct fleet_reader reader = { .arg = h->sim, .agent = check_agent };
    struct fleet_stats stats = { 0 };
    int rc = fleet_store_open(&h->store, &o, e);

    if (rc == 0)
        rc = fleet_store_read(h->store, &reader, e);
    if (rc == 0)
        rc = fleet_store_stats(h->store, &stats, e);
    if (rc == 0 && (int)stats.agents < count_told(h->sim))
        sim_fail(h->sim, "the hub has forgotten an agent that it answered");
    return rc;
}

void sim_hub_boot(void *hub, uint64_t life)
{
    struct sim_hub *h = hub;
    struct err e = { 0 };
    int rc;

    if (h->up || h->life != life || h->held_down > 0)
        return;
    h->up = true;
    rc = begin(h, &e);
    if (rc == ERR_CORRUPT || rc == ERR_INVALID || rc == ERR_UNSUPPORTED)
        sim_fail(h->sim, "hub: %s", e.text);
    if (rc != 0 || sim_disk_dead(h->disk)) {
        sim_say(h->sim, "the hub does not start: %s", e.text);
        sim_hub_end(h, SIM_POWER_LOST);
        return;
    }
    sim_say(h->sim, "the hub runs");
    sim_at(h->sim, h->sim->now + NS_PER_S, upkeep, h, h->life);
}

void sim_hub_end(struct sim_hub *h, enum sim_end how)
{
    struct sim *s = h->sim;
    int64_t pause = s->calm ? NS_PER_S : (int64_t)sim_roll(&s->chance, 600) * NS_PER_S;

    sim_say(s, "the hub ends (%d)", (int)how);
    if (how != SIM_STOPPED)
        sim_disk_die(h->disk);
    for (int i = 0; i < h->waiting; i++)
        sim_request_free(h->inbox[i]);
    h->waiting = 0;
    fleet_store_close(h->store);
    h->store = NULL;
    h->up = false;
    h->life++;
    if (how != SIM_STOPPED)
        sim_disk_power_back(h->disk, how == SIM_KILLED);
    sim_at(s, s->now + pause, sim_hub_boot, h, h->life);
}

void sim_hub_init(struct sim_hub *h, struct sim *s)
{
    h->sim = s;
    sim_clock_init(&h->clock, s);
    snprintf(h->path, sizeof h->path, "%s/hub.db", s->dir);
    h->disk = sim_disk_new(h->path);
}

void sim_hub_free(struct sim_hub *h)
{
    sim_disk_free(h->disk);
}
