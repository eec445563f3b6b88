/* Three weeks of a host's past for the dashboard's pictures, made through the fleet store as ingest makes it:
 * the guests of one host of PROD-A that were behind, and were mended some at a time.
 *
 *   make_past FILE      before the hub opens it
 */
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_store.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_NS (INT64_C(86400) * NS_PER_S)

enum { GUESTS = 20, BATCH_BYTES = 1 << 20 };

struct past {
    struct clock clock;
    int64_t now;
    uint64_t seq;
    struct fleet_store *store;
};

static int64_t past_now(const struct clock *c)
{
    return ((const struct past *)c->state)->now;
}

static struct observation *add(struct past *p, struct otlp_group *g, enum obs_kind kind)
{
    struct observation *o = obs_new(&g->batch, kind, p->now, p->now);

    o->seq = ++p->seq;
    obs_body(o, "record %llu", (unsigned long long)o->seq);
    return o;
}

static void add_guest(struct past *p, struct otlp_group *g, int n, bool mended)
{
    struct observation *o = add(p, g, OBS_GUEST_INVENTORY);
    char id[64], name[16];

    snprintf(id, sizeof id, "C0FFEE00-0000-4000-8000-%012d", n);
    obs_str(o, ATTR_VM_ID, id);
    snprintf(name, sizeof name, "CRM%02d", n + 1);
    obs_str(o, ATTR_VM_NAME, name);
    obs_str(o, ATTR_VM_POWER, "running");
    obs_int(o, ATTR_VM_ENABLED_STATE, 2);
    obs_str(o, ATTR_KVP_PREFIX "OSName", "Windows Server 2012 R2 Standard");
    obs_str(o, ATTR_KVP_PREFIX "OSVersion", "6.3.9600");
    obs_str(o, ATTR_KVP_PREFIX "OSPlatformId", "2");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "9");
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", mended ? "6.3.9600.18692" : "6.3.9600.16384");
}

/* The host's poll so many days ago: the first `mended` of its guests are. */
static bool report(struct past *p, int64_t now, int days_ago, int mended)
{
    struct otlp_group g = { .resource = { .service_name = "hvagent", .agent_version = "0.1.0" } };
    struct otlp_request request = { .groups = &g };
    struct fleet_batch batch = { .request = &request };
    struct observation *o;
    struct err e = { 0 };
    int rc;

    p->now = now - days_ago * DAY_NS;
    text_copy(g.resource.agent_id, sizeof g.resource.agent_id, "C0FFEE00-0000-4000-8000-00000000FFFF");
    text_copy(g.resource.host_id, sizeof g.resource.host_id, "C0FFEE00-HV09");
    text_copy(g.resource.host_name, sizeof g.resource.host_name, "HV09");
    text_copy(g.resource.cluster, sizeof g.resource.cluster, "PROD-A");
    text_copy(g.resource.os_version, sizeof g.resource.os_version, "6.3.9600.20778");
    text_copy(g.resource.is_win6x, sizeof g.resource.is_win6x, "6.3.9600.18692");
    obs_batch_init(&g.batch, BATCH_BYTES);
    for (int n = 0; n < GUESTS; n++)
        add_guest(p, &g, n, n < mended);
    o = add(p, &g, OBS_HOST_INVENTORY);
    obs_str(o, ATTR_HOST_NAME, g.resource.host_name);
    obs_str(o, ATTR_CLUSTER_NAME, g.resource.cluster);
    obs_str(o, ATTR_OS_VERSION, g.resource.os_version);
    obs_str(o, ATTR_HOST_IS_WIN6X, g.resource.is_win6x);
    obs_int(o, ATTR_POLL_GUESTS, GUESTS);
    rc = fleet_store_apply(p->store, &batch, 1, &e);
    obs_batch_free(&g.batch);
    if (rc != 0)
        fprintf(stderr, "make_past: %s\n", e.text);
    return rc == 0;
}

int main(int argc, char **argv)
{
    static const struct {
        int days_ago, mended;
    } reports[] = { { 21, 0 }, { 18, 3 }, { 15, 7 }, { 12, 12 }, { 6, 17 }, { 0, GUESTS } };
    struct past p = { .seq = 0 };
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = { .floors = &floors, .clock = &p.clock };
    int64_t now = plat_clock()->wall_ns(plat_clock());
    struct err e = { 0 };
    bool ok = true;

    if (argc != 2)
        return fprintf(stderr, "usage: make_past FILE\n") > 0 ? 2 : 2;
    p.clock = (struct clock){ past_now, past_now, &p };
    options.path = argv[1];
    if (fleet_store_open(&p.store, &options, &e) != 0) {
        fprintf(stderr, "make_past: %s\n", e.text);
        return 1;
    }
    for (size_t i = 0; ok && i < sizeof reports / sizeof reports[0]; i++)
        ok = report(&p, now, reports[i].days_ago, reports[i].mended);
    fleet_store_close(p.store);
    return ok ? 0 : 1;
}
