/* See arrival.h. */
#include "agent/arrival.h"

#include <string.h>

static bool is_arrival(const struct observation *o)
{
    const char *key = o->kind == OBS_GUEST_LIFECYCLE ? ATTR_VM_CHANGE : ATTR_MIGRATION_PHASE;
    const char *wanted = o->kind == OBS_GUEST_LIFECYCLE ? "started" : "received";
    const char *text;

    if (o->kind != OBS_GUEST_LIFECYCLE && o->kind != OBS_GUEST_MIGRATION)
        return false;
    text = obs_get_str(o, key);
    return text != NULL && strcmp(text, wanted) == 0;
}

int64_t arrival_newest(const struct obs_batch *batch)
{
    int64_t newest = 0;

    for (const struct observation *o = batch->first; o != NULL; o = o->next)
        if (is_arrival(o) && o->time_ns > newest)
            newest = o->time_ns;
    return newest;
}

bool arrival_of_cluster(const struct obs_batch *batch)
{
    for (const struct observation *o = batch->first; o != NULL; o = o->next)
        if (o->kind == OBS_HOST_CLUSTER)
            return true;
    return false;
}
