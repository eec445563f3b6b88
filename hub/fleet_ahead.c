/* How guests are, ahead of its turn.
 *
 * An agent that comes back with a backlog tells its newest inventories first,
 * beside its records (transport/sender_ahead.c).  They are reduced into what is known of
 * the guests, in the same transaction as everything else, and nothing of
 * them is kept: not the records, no number, no mark, no hole, no incident.  The same
 * records come again in their order and are stored then.  So a request that is
 * lost, doubled, late or answered by another hub needs no care: it can neither
 * make a record missing nor bring one twice.
 *
 * What is known of a guest is a join (model/guest.h), with one exception:
 * the verdict of a guest that does not run is the one from when it ran, and
 * that rests on what was known then.  Hence what is used and what is passed over:
 * - inventories of guests that run, and no other kind.  A stop is taken in its order alone, when
 *   everything before it is known; that a guest ran at a later time makes an earlier stop say nothing.
 * - of a stream and a host that are known, the host by a poll, and only while the
 *   resource gives the versions that the hub knows: a host that was patched during the
 *   outage is believed in its order, and its guests are not judged against what it was before.
 * What is passed over costs nothing but that it comes later.
 *
 * When the backlog has arrived the guests are as if all had come in order, but
 * for the times since when a version or a verdict holds: a change that was told
 * ahead is dated by the inventory that told it (guest.h).
 */
#include "hub/fleet_body.h"

static bool tells_running(const struct observation *o)
{
    return o->kind == OBS_GUEST_INVENTORY && guest_power_parse(obs_get_str(o, ATTR_VM_POWER)) == POWER_RUNNING;
}

/* *out: what this agent says of this host may be believed ahead of its turn. */
static int may_tell(struct fleet_body *b, struct fleet_reduction *r, const struct resource *who, bool *out,
                    struct err *e)
{
    struct fleet_stream stream;
    int rc;

    *out = false;
    if (!fleet_is_ours(who))
        return 0;
    rc = b->ops->stream_get(b, who->agent_id, who->host_id, &stream, e);
    if (rc == 0)
        rc = fleet_reduction_confirms(r, who, out, e);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int fleet_ahead_apply(struct fleet_body *b, struct fleet_reduction *r, struct fleet_batch *batch, struct err *e)
{
    int rc = 0;

    for (struct otlp_group *g = batch->request->groups; rc == 0 && g != NULL; g = g->next) {
        bool may = false;

        rc = may_tell(b, r, &g->resource, &may, e);
        for (struct observation *o = g->batch.first; rc == 0 && may && o != NULL; o = o->next) {
            if (!tells_running(o))
                continue;
            rc = fleet_reduction_add(r, &g->resource, o, e);
            batch->told++;
        }
    }
    return rc;
}
