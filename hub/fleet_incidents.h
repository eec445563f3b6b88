/* Incidents at the hub: made of the stored observations soon after these came,
 * kept longer than they are, and asked for.
 *
 * How they come to be.  The transaction that stores records also copies what
 * can make or change an incident into a table of its own (circumstance: crash
 * signs, what happened to guests, trouble of hosts and clusters, gaps), and
 * writes down whose incidents are to be computed anew (incident_todo).  Upkeep
 * takes these notes one after another, each in a transaction of its own with
 * what comes of it: it loads the evidence of one guest around that time, lets the
 * case file (incidents/case_file.h) make its incidents, and replaces the rows of
 * that guest and time by them.  So nothing is lost by a kill, the same records
 * again change nothing, and it does not matter in which order pieces came.
 *
 * An incident's id is made of its strongest, earliest sign; when a better sign
 * comes late the id changes, and the old one goes on as an alias.
 *
 * Ageing.  Incidents and what happened to guests are kept for
 * fleet_keep.incidents_ns; the trouble of hosts for as long as observations.  An
 * incident that is stored longer than that is only replaced by one with more
 * signs, because its surroundings may be gone.
 */
#ifndef HUB_FLEET_INCIDENTS_H
#define HUB_FLEET_INCIDENTS_H

#include "hub/fleet_store.h"
#include "incidents/case_file.h"
#include "incidents/incident.h"
#include "incidents/rules.h"
#include "incidents/statistics.h"

enum { FLEET_INCIDENTS_MAX = 1000, FLEET_MODULE_MAX = 128, FLEET_SENTENCES_MAX = 2 };

/* Which ones.  Texts NULL: all. */
struct fleet_incident_query {
    const char *vm_id;
    const char *host;    /* a host's id, or its name; ASCII case does not count */
    const char *cluster; /* ASCII case does not count */
    const char *module;  /* the blamed one; ASCII case does not count */
    int64_t code;        /* a bug check's, the _M bit (0x10000000) aside; -1 all */
    int64_t since_ns;    /* crashed at or after; 0 all */
    int64_t until_ns;    /* crashed before; 0 all */
    bool oldest_first;   /* else the newest first */
    /* The place after which to go on: the last one of the answer before.  after_id "": from the beginning. */
    int64_t after_time;
    char after_id[INCIDENT_ID_CHARS + 1];
    int limit; /* rows; 0 all */
};
void fleet_incident_query_all(struct fleet_incident_query *q);

/* What is kept beside the incident itself. */
struct fleet_incident {
    struct incident *incident; /* the taker's from then on: incident_free() */
    int64_t first_seen;        /* when the hub first had it */
    int64_t updated;           /* when what is said of it last changed */
};
typedef bool fleet_take_incident(void *arg, struct fleet_incident *f); /* false ends the reading */

/* In order of time, then id.  One that can not be read back is passed over, and said in the log. */
MUST_USE int fleet_store_incidents(struct fleet_store *s, const struct fleet_incident_query *q,
                                   fleet_take_incident *take, void *arg, struct err *e);

/* The same as a list (free with incident_list_free()), in order of time, the oldest first whatever the query says;
 * with a limit *more is how many it left out. */
MUST_USE int fleet_store_incident_list(struct fleet_store *s, const struct fleet_incident_query *q,
                                       struct incident_list *out, uint64_t *more, struct err *e);

/* One, by its id or one that it had before.  ERR_NOT_FOUND. */
MUST_USE int fleet_store_incident(struct fleet_store *s, const char *id, struct fleet_incident *out, struct err *e);

/* The facts of the fleet around it that findings are made with besides what it holds itself. */
MUST_USE int fleet_store_surroundings(struct fleet_store *s, const struct incident *i,
                                      struct incident_surroundings *out, struct err *e);

/* ---- making them ---------------------------------------------------------- */

/* The rules for findings from now on; the store frees them.  Any thread: they are taken up at the next slice of
 * upkeep.  Until then, and with NULL, the shipped ones. */
void fleet_store_rules(struct fleet_store *s, struct rules *rules);

/* What the store has done with incidents since it was opened; any thread. */
struct fleet_incident_counts {
    uint64_t made;     /* new ones stored */
    uint64_t changed;  /* stored ones that were replaced by others of the same guest */
    uint64_t computed; /* times that a guest's incidents were computed */
    uint64_t failed;   /* guests whose incidents could not be computed; said in the log */
};
void fleet_incident_counts(const struct fleet_store *s, struct fleet_incident_counts *out);

/* ---- statistics ------------------------------------------------------------- */

/* Crash rates over the store.  Guest-days are those of the daily counts: of all guests, and by drift state; other
 * groupings are over all guest-days. */
struct fleet_statistics {
    int64_t since_ns, until_ns;
    struct statistics *by[STATISTICS_GROUPING_COUNT];
    double days_by_state[DRIFT_STATE_COUNT];
    char sentences[FLEET_SENTENCES_MAX][STATISTICS_SENTENCE_MAX]; /* comparisons, ready to print */
    size_t sentence_count;
};
/* cluster NULL: the whole fleet.  Free with fleet_statistics_free() either way. */
MUST_USE int fleet_store_statistics(struct fleet_store *s, const char *cluster, int64_t since_ns, int64_t now_ns,
                                    struct fleet_statistics *out, struct err *e);
void fleet_statistics_free(struct fleet_statistics *st);

#endif
