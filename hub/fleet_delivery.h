/* What the fleet store remembers of deliveries, so that nothing is delivered
 * twice: not after a restart, not by a second hub.
 *
 * Of all hubs on one store one holds the lease and delivers.  It raises the
 * lease's beat with everything it writes; another hub that has watched the
 * same beat for long enough by its own clock takes the lease (so the hubs' clocks
 * need not agree).  Every write here is refused to a hub that has lost it.
 *
 * A delivery has one job at a time.  The job is written down before anything is sent
 * (with an id that the recipient sees) and taken off when the target has taken it:
 * between the two lies the only moment in which a crash makes the same job, with the
 * same id, go out again.
 *
 * What was found is one row for each thing: waiting, in the job, told, solved.
 * A row is only ever replaced by something newer, so the same change may be
 * offered any number of times.
 *
 * Thread: as fleet_store.h.
 */
#ifndef HUB_FLEET_DELIVERY_H
#define HUB_FLEET_DELIVERY_H

#include "hub/fleet_incidents.h"

enum {
    DELIVERY_ID_MAX = 40, /* of jobs and hubs: 32 hexadecimal digits */
    DELIVERY_ROW_NAME_MAX = 64,
    DELIVERY_SCHEDULE_MAX = 160,
    DELIVERY_ERROR_MAX = 384,
    DELIVERY_SUBJECT_MAX = 256,
};

struct fleet_lease {
    char owner[DELIVERY_ID_MAX]; /* "" nobody */
    int64_t beat;
};

enum fleet_job { JOB_NONE, JOB_SCHEDULED, JOB_FOUND };

/* One delivery, by its name in the config. */
struct fleet_delivery {
    char name[DELIVERY_ROW_NAME_MAX];
    char schedule[DELIVERY_SCHEDULE_MAX]; /* that planned counts for */
    int64_t planned;                      /* what was due up to here is done */
    int64_t found;                        /* when the first of what waits was found; 0 nothing new waits */
    int64_t cursor;                       /* changes received up to here were looked at */
    char job[DELIVERY_ID_MAX];            /* "" none */
    enum fleet_job job_kind;
    int64_t job_slot; /* JOB_SCHEDULED: when it was due */
    int64_t job_made;
    int64_t tries, next_try;
    int64_t last_sent;                   /* 0 never */
    char last_error[DELIVERY_ERROR_MAX]; /* of the newest try; "" it went well */
    char fingerprint[DELIVERY_ID_MAX];   /* of what the last scheduled report said */
    int64_t incidents;                   /* those first seen up to here were looked at; 0 none is wanted */
};

enum fleet_found_status { FOUND_WAITING, FOUND_IN_JOB, FOUND_TOLD, FOUND_SOLVED };

struct fleet_found {
    const char *event;                  /* a word of `on:` */
    char subject[DELIVERY_SUBJECT_MAX]; /* a guest's, a host's or an incident's id */
    int64_t instance;                   /* rises with each new occurrence */
    enum fleet_found_status status;
    char host_id[HOST_ID_MAX];
    char text[FLEET_EVIDENCE_MAX];
};
typedef bool fleet_take_found(void *arg, const struct fleet_found *f); /* false ends the reading */

/* ---- the lease ------------------------------------------------------------------------- */

/* Takes or keeps the lease for owner when it is free, ours already, or still exactly *over (may be NULL), which the
 * caller has watched for long enough.  *mine tells; *now is what is there then. */
MUST_USE int fleet_lease_hold(struct fleet_store *s, const char *owner, const struct fleet_lease *over, bool *mine,
                              struct fleet_lease *now, struct err *e);
/* Gives it back, so that another hub need not wait.  Nothing happens when it is not ours. */
MUST_USE int fleet_lease_release(struct fleet_store *s, const char *owner, struct err *e);
MUST_USE int fleet_lease_read(struct fleet_store *s, struct fleet_lease *out, struct err *e); /* "" when nobody's */

/* ---- writing: ERR_REFUSED, and nothing is changed, when the lease is somebody else's ---------- */

/* What happens to the rows of what was found along with the delivery's own row. */
enum fleet_found_move {
    FOUND_STAYS,
    FOUND_INTO_JOB, /* what waits */
    FOUND_DONE,     /* what is in the job was told */
    FOUND_BACK,     /* what is in the job waits again */
};
MUST_USE int fleet_delivery_save(struct fleet_store *s, const char *owner, const struct fleet_delivery *d,
                                 enum fleet_found_move move, struct err *e);

/* What a look found.  Waiting or told ones are new rows, or replace those of a lower instance; solved ones replace
 * rows of a lower instance alone; with drop, rows are removed instead. */
MUST_USE int fleet_delivery_put_found(struct fleet_store *s, const char *owner, const char *delivery,
                                      const struct fleet_found *list, size_t count, bool drop, struct err *e);

/* Forgets what was told or solved before the instance. */
MUST_USE int fleet_delivery_forget(struct fleet_store *s, const char *owner, const char *delivery, const char *event,
                                   int64_t before, struct err *e);

/* ---- reading ---------------------------------------------------------------------------- */

/* ERR_NOT_FOUND when nothing is remembered of it. */
MUST_USE int fleet_delivery_get(struct fleet_store *s, const char *name, struct fleet_delivery *out, struct err *e);

/* In order of event, instance and subject.  event NULL: all; status -1: all; limit 0: all. */
MUST_USE int fleet_delivery_found(struct fleet_store *s, const char *delivery, const char *event, int status, int limit,
                                  fleet_take_found *take, void *arg, struct err *e);
/* How many there are of an event. */
MUST_USE int fleet_delivery_count(struct fleet_store *s, const char *delivery, const char *event,
                                  enum fleet_found_status status, int64_t *out, struct err *e);

/* Changes of guests' states after (received, vm_id), in this order, at most limit. */
MUST_USE int fleet_delivery_changes(struct fleet_store *s, int64_t received, const char *vm_id, int limit,
                                    fleet_take_change *take, void *arg, struct err *e);

/* Stored incidents that no row of what was found is about, neither under their id nor under one that they had before.
 */
struct fleet_new_incident {
    char id[INCIDENT_ID_CHARS + 1];
    char host_id[HOST_ID_MAX];
    char headline[INCIDENT_HEADLINE_MAX];
    int64_t first_seen;
    bool pending; /* there are notes by which it may still change */
};
typedef bool fleet_take_new_incident(void *arg, const struct fleet_new_incident *i);

struct fleet_new_query {
    const char *delivery, *event;
    const char *cluster; /* ASCII case does not count; NULL all */
    int64_t since_ns;    /* first seen after (since_ns, after_id) */
    const char *after_id;
    int limit;
};
/* In order of first_seen and id. */
MUST_USE int fleet_delivery_incidents(struct fleet_store *s, const struct fleet_new_query *q,
                                      fleet_take_new_incident *take, void *arg, struct err *e);

#endif
