/* What had been told of a guest by a moment in the past.
 *
 * The observations themselves are asked, as long as they are kept (store.keep),
 * and reduced as if the hub had stood at that moment: the answer does not
 * depend on when they came, in which order, or how many came together.
 */
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"
#include "model/drift.h"

#include <assert.h>
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
static int add_peer(struct fleet_store *s, const struct guest *g, struct drift_peers *peers, struct err *e)
{
    struct version os, highest;
    char build[FLEET_BUILD_MAX];
    int rc;

    if (!version_parse(g->kvp[KVP_OS_VERSION].text, &os))
        return 0;
    snprintf(build, sizeof build, "%u.%u.%u", os.part[0], os.part[1], os.part[2]);
    rc = s->body->ops->peer_get(s->body, build, &highest, e);
    if (rc == 0)
        (void)drift_peers_put(peers, &os, &highest);
    return fleet_row_unknown(rc) ? 0 : rc;
}

/* The host as it was then, where that is known; else as it is. */
static int host_then(struct guest_then *t, struct fleet_store *s, const struct host_moment *m, struct err *e)
{
    int rc = s->body->ops->host_get(s->body, t->guest.host_id, &t->host, e);

    if (fleet_row_unknown(rc))
        host_init(&t->host, NULL);
    else if (rc != 0)
        return rc;
    t->host.last_poll = t->guest.inventory_time;
    if (!m->known || m->os_version[0] == '\0')
        return 0;
    text_copy(t->host.facts.os_version, sizeof t->host.facts.os_version, m->os_version);
    text_copy(t->host.facts.is_win6x, sizeof t->host.facts.is_win6x, m->is_version);
    return 0;
}

int guest_then_fill(struct guest_then *t, struct fleet_store *s, const struct host_moment *host,
                    struct guest_moment *out, struct err *e)
{
    const struct guest *g = &t->guest;
    struct drift_peers *peers = drift_peers_new();
    int rc;

    assert(g->inventory_time != 0);
    if (peers == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = host_then(t, s, host, e);
    if (rc == 0)
        rc = add_peer(s, g, peers, e);
    if (rc == 0)
        drift_evaluate(&t->host, g, peers, &s->floors, &t->verdict);
    drift_peers_free(peers);
    if (rc != 0)
        return rc;
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
    return 0;
}
