/* A made-up source: each poll tells the host and all its guests as they are.  Its mark
 * counts the polls.  Their times have a fraction of half a second and more, which tells them from events. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct poll {
    struct source base;
    struct sim_agent *agent;
};

const char *sim_vm_id(const struct sim_agent *a, int guest, char *out, size_t size)
{
    snprintf(out, size, "B0000000-0000-4000-%04X-%012X", 0x8000 + a->number, guest);
    return out;
}

static void tell_host(const struct sim_agent *a, struct obs_batch *batch, int64_t at)
{
    struct observation *o = obs_new(batch, OBS_HOST_INVENTORY, at, at);

    obs_body(o, "The host and its guests.");
    obs_str(o, ATTR_OS_VERSION, a->resource.os_version);
    obs_str(o, ATTR_HOST_IS_WIN6X, a->resource.is_win6x);
    obs_str(o, ATTR_CLUSTER_NAME, a->resource.cluster);
    obs_str(o, ATTR_HOST_NAME, a->resource.host_name);
    obs_int(o, ATTR_POLL_GUESTS, a->sim->plan.guests);
}

static void tell_guest(const struct sim_agent *a, int guest, struct obs_batch *batch, int64_t at)
{
    struct observation *o = obs_new(batch, OBS_GUEST_INVENTORY, at, at);
    char text[64];

    obs_body(o, "A guest.");
    obs_str(o, ATTR_VM_ID, sim_vm_id(a, guest, text, sizeof text));
    snprintf(text, sizeof text, "vm%d-%d", a->number, guest);
    obs_str(o, ATTR_VM_NAME, text);
    obs_str(o, ATTR_VM_POWER, a->off[guest] ? "off" : "running");
    obs_int(o, ATTR_VM_ENABLED_STATE, a->off[guest] ? 3 : 2);
    if (a->off[guest])
        return; /* and tells nothing of itself */
    obs_str(o, ATTR_KVP_PREFIX "OSVersion", "6.3.9600");
    obs_str(o, ATTR_KVP_PREFIX "OSPlatformId", "2");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "9");
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", a->versions[guest]);
}

static int poll_step(struct source *source, struct source_step *step, struct err *e)
{
    struct sim_agent *a = ((struct poll *)source)->agent;
    long count = strtol(step->mark, NULL, 10) + 1;
    int64_t at = step->now_ns / NS_PER_S * NS_PER_S + NS_PER_S / 2 + count % 1000000 * 100;

    (void)e;
    for (int i = 0; i < a->sim->plan.guests; i++)
        tell_guest(a, i, step->batch, at);
    tell_host(a, step->batch, at); /* the last word of a poll, as of the real one */
    buf_printf(&step->new_mark, "%ld", count);
    step->last_event_ns = at;
    return 0;
}

static void poll_close(struct source *source)
{
    free(source);
}

struct source *sim_poll_new(struct sim_agent *a)
{
    static const struct source_ops ops = { .step = poll_step, .close = poll_close };
    struct poll *p = calloc(1, sizeof *p);

    if (p == NULL)
        abort();
    p->base.ops = &ops;
    p->base.interval_ns = a->sim->plan.poll_ns;
    snprintf(p->base.name, sizeof p->base.name, "poll");
    p->agent = a;
    return &p->base;
}
