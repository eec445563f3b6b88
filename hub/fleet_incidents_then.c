/* What had been told of a guest by a moment in the past.
 *
 * The observations themselves are asked, as long as they are kept (store.keep),
 * and reduced as if the hub had stood at that moment: the answer does not
 * depend on when they came, in which order, or how many came together.
 */
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"
#include "model/drift.h"

#include <stdio.h>

void guest_then_begin(struct guest_then *t, const char *vm_id)
{
    guest_init(&t->guest, vm_id);
}

void guest_then_take(struct guest_then *t, const char *host_id, const struct observation *o)
{
    (void)guest_apply(&t->guest, host_id, o);
}

/* Row 10 compares with the highest version that was ever seen for the build. */
static void add_peer(struct fleet_store *s, const struct guest *g, struct drift_peers *peers)
{
    struct version os, highest;
    char build[FLEET_BUILD_MAX];

    if (!version_parse(g->kvp[KVP_OS_VERSION].text, &os))
        return;
    snprintf(build, sizeof build, "%u.%u.%u", os.part[0], os.part[1], os.part[2]);
    if (s->body->ops->peer_get(s->body, build, &highest, NULL) == 0)
        (void)drift_peers_put(peers, &os, &highest);
}

/* The host as it was then, where that is known; else as it is. */
static void host_then(struct guest_then *t, struct fleet_store *s, const struct host_moment *m)
{
    struct err e;

    if (s->body->ops->host_get(s->body, t->guest.host_id, &t->host, &e) != 0)
        host_init(&t->host, NULL);
    t->host.last_poll = t->guest.inventory_time;
    if (!m->known || m->os_version[0] == '\0')
        return;
    text_copy(t->host.facts.os_version, sizeof t->host.facts.os_version, m->os_version);
    text_copy(t->host.facts.is_win6x, sizeof t->host.facts.is_win6x, m->is_version);
}

bool guest_then_fill(struct guest_then *t, struct fleet_store *s, const struct host_moment *host,
                     struct guest_moment *out)
{
    const struct guest *g = &t->guest;
    struct drift_peers *peers = drift_peers_new();

    if (peers == NULL || g->inventory_time == 0) {
        drift_peers_free(peers);
        return false;
    }
    host_then(t, s, host);
    add_peer(s, g, peers);
    drift_evaluate(&t->host, g, peers, &s->floors, &t->verdict);
    drift_peers_free(peers);
    *out = (struct guest_moment){
        .known = true,
        .why = "",
        .vm_name = g->name,
        .host_id = g->host_id,
        .host_name = "",
        .cluster = t->host.facts.cluster,
        .state = t->verdict.kept.state,
        .row = t->verdict.kept.row,
        .stale = t->verdict.kept.stale,
        .since = t->verdict.kept.since,
        .guest_version = t->verdict.guest_version,
        .expected_version = t->verdict.expected_version,
        .os_name = g->kvp[KVP_OS_NAME].text,
        .os_version = g->kvp[KVP_OS_VERSION].text,
        .family = guest_family_of(g),
    };
    return true;
}
