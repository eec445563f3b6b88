/* What this host says of itself, while the agent runs: the news of host_watch.h
 * go to the status, to the hub and into the live sources. */
#include "agent/agent_parts.h"
#include "base/log.h"
#include "base/text.h"
#include "plat/live.h"

#include <string.h>

/* What the settings say wins, as at the start. */
static void take_facts(const struct agent *a, const struct resource *facts, struct resource *out)
{
    if (a->config->host_name[0] == '\0')
        text_copy(out->host_name, sizeof out->host_name, facts->host_name);
    if (a->config->host_cluster[0] == '\0')
        text_copy(out->cluster, sizeof out->cluster, facts->cluster);
    text_copy(out->os_version, sizeof out->os_version, facts->os_version);
    text_copy(out->is_win6x, sizeof out->is_win6x, facts->is_win6x);
    text_copy(out->is_win5x, sizeof out->is_win5x, facts->is_win5x);
}

static bool same_facts(const struct resource *a, const struct resource *b)
{
    return strcmp(a->host_name, b->host_name) == 0 && strcmp(a->cluster, b->cluster) == 0 &&
           strcmp(a->os_version, b->os_version) == 0 && strcmp(a->is_win6x, b->is_win6x) == 0 &&
           strcmp(a->is_win5x, b->is_win5x) == 0;
}

static void on_changed(void *arg, const struct resource *facts)
{
    struct agent *a = arg;
    struct resource now = a->resource;

    take_facts(a, facts, &now);
    if (a->stopping || same_facts(&now, &a->resource))
        return;
    a->resource = now;
    log_event(LOG_INFO, "host.changed", LOG_S("host", now.host_name), LOG_S("os_version", now.os_version),
              LOG_S("cluster", now.cluster), LOG_S("is_win6x", now.is_win6x), LOG_S("is_win5x", now.is_win5x));
    uplink_resource(a->uplink, &a->resource);
    source_set_facts(a->sources, &a->resource);
}

static void on_cluster_event(void *arg)
{
    agent_host_nudge(arg);
}

int agent_host_start(struct agent *a, struct err *e)
{
    struct host_watch_options options = { .loop = a->options.loop,
                                          .facts = &a->resource,
                                          .problems = source_set_host_problems(a->sources),
                                          .read = plat_live_host_facts,
                                          .first_ms = HOST_WATCH_FIRST_MS,
                                          .every_ms = HOST_WATCH_EVERY_MS,
                                          .soon_ms = HOST_WATCH_SOON_MS,
                                          .hung_ms = HOST_WATCH_HUNG_MS,
                                          .changed = on_changed,
                                          .arg = a };

    if (!source_set_live(a->sources))
        return 0;
    source_set_on_cluster(a->sources, on_cluster_event, a);
    return host_watch_new(&a->host_watch, &options, e);
}

void agent_host_nudge(struct agent *a)
{
    if (a->host_watch != NULL)
        host_watch_nudge(a->host_watch);
}

/* A reading that is under way is not waited for. */
void agent_host_stop(struct agent *a)
{
    if (host_watch_close(a->host_watch))
        a->abandoned = true;
    a->host_watch = NULL;
}
