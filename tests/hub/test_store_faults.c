/* Forwarding, reading and upkeep while the database fails: each call of the store's body fails once.  An error with
 * words, nothing changed by it, and then it is done. */
#include "hub/fleet_gauges.h"
#include "tests/hub/support_faulty.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_steps.h"
#include "tests/support/suite.h"

#include <stdlib.h>

enum { DAY = 1440 };

#define OS "6.3.9600.20778"
#define IS "6.3.9600.18692"

static int a_host_and_its_guest(struct err *e)
{
    struct resource who = made_agent(1, "PROD-A", OS, IS);
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request;
    struct fleet_batch batch = { .request = &request };
    struct buf bytes;
    struct made m;
    int rc;

    buf_init(&bytes, 1024 * 1024);
    made_init(&m, 1);
    made_host_inventory(&m, &who, steps_world.clock.now);
    made_inventory(&m, 1, steps_world.clock.now, "6.3.9600", IS);
    made_request(&m, &who, &bytes);
    made_free(&m);
    ck_assert_msg(otlp_decode(bytes.data, bytes.len, &limits, &request, e) == 0, "%s", e->text);
    rc = fleet_store_apply(steps_world.store, &batch, 1, e);
    otlp_request_free(&request);
    buf_free(&bytes);
    return rc;
}

/* ---- forwarding --------------------------------------------------------------------------------- */

static int open_a_target(struct err *e)
{
    return fleet_forward_open(steps_world.store, "otlp", false, e);
}

static int take_the_lease(struct err *e)
{
    bool held = false;
    int rc = fleet_forward_lease(steps_world.store, "otlp", "hub1", 10 * MINUTES, &held, e);

    ck_assert_int_eq(held, rc == 0);
    return rc;
}

static bool take_stream(void *arg, const struct fleet_behind *s, const struct resource *who)
{
    (void)arg;
    ck_assert_str_eq(s->agent_id, who->agent_id);
    return true;
}

static bool take_forwarded(void *arg, const struct fleet_forwarded *r)
{
    ck_assert_uint_gt(r->arrival, 0);
    ++*(int *)arg;
    return true;
}

static void take_end(void *arg)
{
    (void)arg;
}

static int read_what_to_forward(struct err *e)
{
    struct fleet_forward_reader r = { .target = "otlp",
                                      .records_max = 10,
                                      .arg = &steps_world.found,
                                      .stream = take_stream,
                                      .record = take_forwarded,
                                      .end = take_end };

    return fleet_forward_read(steps_world.store, &r, e);
}

static int note_what_was_forwarded(struct err *e)
{
    static const struct fleet_forward_mark mark = { 1, 1 };
    static const struct fleet_refused refused = { .stream = 1, .seq = 1, .time = T0, .reason = "no" };
    struct fleet_forward_result r = { .target = "otlp",
                                      .owner = "hub1",
                                      .marks = &mark,
                                      .mark_count = 1,
                                      .add = { 5, 1, 2 },
                                      .refused = &refused,
                                      .refusal = "no" };

    return fleet_forward_commit(steps_world.store, &r, e);
}

static int note_it_for_another_owner(struct err *e)
{
    struct fleet_forward_result r = { .target = "otlp", .owner = "hub2", .add = { 5, 0, 0 } };

    return fleet_forward_commit(steps_world.store, &r, e);
}

static bool take_target(void *arg, const struct fleet_forward_target *t)
{
    ck_assert_str_eq(t->name, "otlp");
    ++*(int *)arg;
    return true;
}

static int list_targets(struct err *e)
{
    return fleet_forward_targets(steps_world.store, take_target, &steps_world.found, e);
}

static int give_the_lease_back(struct err *e)
{
    return fleet_forward_release(steps_world.store, "otlp", "hub1", e);
}

/* ---- reading and upkeep --------------------------------------------------------------------------- */

static bool take_change(void *arg, const struct fleet_change *c)
{
    (void)c;
    ++*(int *)arg;
    return true;
}

static int read_changes(struct err *e)
{
    struct fleet_change_query q = { .kind = -1 };

    return fleet_store_changes(steps_world.store, &q, take_change, &steps_world.found, e);
}

static bool take_day(void *arg, const struct fleet_day *d)
{
    (void)d;
    ++*(int *)arg;
    return true;
}

static int read_days(struct err *e)
{
    int64_t today = fleet_day_of(steps_world.clock.now);

    return fleet_store_days(steps_world.store, NULL, today, today, take_day, &steps_world.found, e);
}

static bool take_cluster(void *arg, const struct fleet_cluster *c)
{
    (void)c;
    ++*(int *)arg;
    return true;
}

static int read_clusters(struct err *e)
{
    return fleet_store_clusters(steps_world.store, take_cluster, &steps_world.found, e);
}

static bool take_finding(void *arg, const struct fleet_finding *f)
{
    (void)f;
    ++*(int *)arg;
    return true;
}

static int read_findings(struct err *e)
{
    struct fleet_finding_query q = { .now_ns = steps_world.clock.now + DAY * MINUTES, .host_silent_ns = MINUTES };

    return fleet_store_findings(steps_world.store, &q, take_finding, &steps_world.found, e);
}

static bool take_guest(void *arg, const struct guest *g)
{
    (void)g;
    ++*(int *)arg;
    return true;
}

static int read_the_guests_of_a_host(struct err *e)
{
    struct resource who = made_agent(1, "PROD-A", OS, IS);

    return fleet_store_guests_on(steps_world.store, who.host_id, take_guest, &steps_world.found, e);
}

static int read_everything(struct err *e)
{
    struct drift_peers *peers = NULL;
    struct fleet_reader r = { .arg = &steps_world.found,
                              .guest = take_guest,
                              .finding = take_finding,
                              .change = take_change,
                              .changes = { .kind = -1 },
                              .peers = peers };

    return fleet_store_read(steps_world.store, &r, e);
}

static int count_it(struct err *e)
{
    struct fleet_stats found;

    return fleet_store_stats(steps_world.store, &found, e);
}

static int read_gauges(struct err *e)
{
    struct fleet_gauges *g = calloc(1, sizeof *g);
    int rc = fleet_store_gauges(steps_world.store, MINUTES, g, e);

    free(g);
    return rc;
}

static int probe(struct err *e)
{
    return fleet_store_probe(steps_world.store, e);
}

static int upkeep(struct err *e)
{
    bool more;

    return fleet_store_upkeep(steps_world.store, &more, e);
}

/* ---- all of them ------------------------------------------------------------------------------------ */

static const struct step steps[] = {
    { "a host and its guest", a_host_and_its_guest, 0, false },
    { "a target is opened", open_a_target, 0, false },
    { "a lease is taken", take_the_lease, 0, false },
    { "what to forward", read_what_to_forward, 0, true },
    { "what was forwarded", note_what_was_forwarded, 0, false },
    { "what another forwarded", note_it_for_another_owner, ERR_STATE, false },
    { "targets are listed", list_targets, 0, true },
    { "a lease is given back", give_the_lease_back, 0, false },
    { "changes are read", read_changes, 0, true },
    { "days are read", read_days, 0, true },
    { "clusters are read", read_clusters, 0, true },
    { "findings are read", read_findings, 0, true },
    { "guests of a host are read", read_the_guests_of_a_host, 0, true },
    { "everything is read", read_everything, 0, true },
    { "stats", count_it, 0, false },
    { "gauges", read_gauges, 0, false },
    { "a probe", probe, 0, false },
    { "upkeep", upkeep, 0, false },
};

static void add(Suite *s)
{
    steps_add(s, steps, sizeof steps / sizeof steps[0]);
}

int main(void)
{
    return suite_main("hub: the store while the database fails", add);
}
