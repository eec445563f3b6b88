/* New incidents, for a delivery that is told of them: the third source of deliver_look.h.
 *
 * An incident is new as long as no row of what was found is about it, under its id or one that it had before
 * (fleet_delivery.h): so it makes no difference that a late piece gives it another id or other findings, that the hub
 * was restarted, or which hub computed it.  What was told is remembered for TOLD_KEPT, and a look goes back by
 * LOOK_BACK from the newest that it has seen, far more than hubs' clocks should differ: the time at which an incident
 * was first seen is the clock of the hub that computed it.
 *
 * It is told when nothing waits by which it would change at once (its host's storage events are put together
 * for some seconds, fleet_incidents.c), but after WAIT_MAX in any case. */
#include "base/text.h"
#include "base/times.h"
#include "hub/deliver_look.h"

#include <stdlib.h>
#include <string.h>

#define DAY       (INT64_C(24) * 3600 * NS_PER_S)
#define LOOK_BACK DAY
#define TOLD_KEPT (30 * DAY)
#define WAIT_MAX  (120 * NS_PER_S)

enum { SLICE_INCIDENTS = 200 };

struct incident_slice {
    const struct deliver_look *look;
    struct fleet_found *list;
    size_t count;
    int rows;
    bool baseline;  /* what is there is not new */
    int64_t newest; /* first seen, of all */
    struct fleet_new_incident last;
};

/* Its picture will change at once, and it has not waited for too long. */
static bool must_wait(const struct incident_slice *s, const struct fleet_new_incident *i)
{
    int64_t waited = s->look->now_ns - i->first_seen;

    return i->pending && !s->baseline && waited >= 0 && waited < WAIT_MAX;
}

static bool take_incident(void *arg, const struct fleet_new_incident *i)
{
    struct incident_slice *s = arg;
    struct fleet_found *f = &s->list[s->count];

    s->rows++;
    s->last = *i;
    if (i->first_seen > s->newest)
        s->newest = i->first_seen;
    if (must_wait(s, i))
        return true;
    *f = (struct fleet_found){ .event = delivery_event_name(DELIVERY_NEW_INCIDENT), .instance = i->first_seen };
    f->status = s->baseline ? FOUND_TOLD : FOUND_WAITING;
    text_copy(f->subject, sizeof f->subject, i->id);
    text_copy(f->host_id, sizeof f->host_id, i->host_id);
    text_copy(f->text, sizeof f->text, i->headline);
    s->count++;
    return true;
}

static int look_slice(struct incident_slice *s, struct err *e)
{
    const struct deliver_look *l = s->look;
    struct fleet_new_incident after = s->last;
    struct fleet_new_query q = {
        .delivery = l->delivery->name,
        .event = delivery_event_name(DELIVERY_NEW_INCIDENT),
        .cluster = l->delivery->cluster[0] != '\0' ? l->delivery->cluster : NULL,
        .since_ns = after.first_seen,
        .after_id = after.id,
        .limit = SLICE_INCIDENTS,
    };
    int rc;

    s->count = 0;
    s->rows = 0;
    rc = fleet_delivery_incidents(l->store, &q, take_incident, s, e);
    if (rc == 0 && s->count > 0)
        rc = fleet_delivery_put_found(l->store, l->owner, l->delivery->name, s->list, s->count, false, e);
    return rc;
}

int deliver_look_at_incidents(const struct deliver_look *l, struct fleet_delivery *row, struct err *e)
{
    struct incident_slice s = { .look = l, .baseline = l->first || row->incidents == 0 };
    int64_t from = s.baseline || row->incidents > l->now_ns ? l->now_ns : row->incidents;
    int rc = 0;

    s.newest = from;
    s.last.first_seen = from > LOOK_BACK ? from - LOOK_BACK : 0;
    s.list = calloc(SLICE_INCIDENTS, sizeof *s.list);
    if (s.list == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    do {
        rc = look_slice(&s, e);
    } while (rc == 0 && s.rows == SLICE_INCIDENTS);
    free(s.list);
    if (rc == 0)
        row->incidents = s.newest;
    return rc;
}

int deliver_forget_incidents(const struct deliver_look *l, const struct fleet_delivery *row, struct err *e)
{
    if (row->incidents <= TOLD_KEPT)
        return 0;
    return fleet_delivery_forget(l->store, l->owner, l->delivery->name, delivery_event_name(DELIVERY_NEW_INCIDENT),
                                 row->incidents - TOLD_KEPT, e);
}
