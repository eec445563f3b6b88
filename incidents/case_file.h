/* The case file: observations in, incidents out.
 *
 *   struct case_file *c;
 *   rc = case_file_new(&c, &options, &e);
 *   for each observation: rc = case_file_add(c, who, o, &e);
 *   rc = case_file_incidents(c, 0, 0, &list, &e);
 *
 * The incidents are a pure function of the set of observations that were added
 * and of what the callbacks answer: any order of adding, and any duplicates
 * (the same observation again, under its own number or another's), give the
 * same bytes of JSON.
 *
 * What belongs together (case_join.c has the reasons):
 * - Crash reports of one VM with the same code (the _M bit aside) and the same
 *   four parameters, within the clock tolerance, from different hosts: one.
 *   Twice from one host: two crashes.
 * - A dump joins the nearest crash of its VM with the same code and parameters
 *   within the tolerance; the time of the crash in the dump decides, not when
 *   it was found.  A dump without a VM joins where exactly one VM has such a
 *   crash, then where its folder's name is a VM's.
 * - Triple faults, watchdogs and dead worker processes within a minute of such
 *   a crash are of it; otherwise incidents of their own.
 * - The reset or start within minutes is its end; a reset alone is no incident.
 *
 * Bounded: clues_max observations are kept (signs of crashes first, then what
 * is about guests, then gaps, cluster, storage; the newest first), each at most
 * about 4 KiB, and the list is then marked cut.
 * Thread: one at a time.  No I/O, no globals, no clock.
 */
#ifndef INCIDENTS_CASE_FILE_H
#define INCIDENTS_CASE_FILE_H

#include "base/error.h"
#include "base/times.h"
#include "incidents/incident.h"
#include "model/guest_config.h"
#include "model/host.h"
#include "model/observation.h"

enum {
    CASE_TOLERANCE_S = 300,       /* default of tolerance_ns */
    CASE_BEFORE_S = 3600,         /* of before_ns */
    CASE_AFTER_S = 900,           /* of after_ns */
    CASE_OTHERS_S = 600,          /* of others_ns */
    CASE_LOOKBACK_S = 24 * 3600,  /* of lookback_ns */
    CASE_CLUES_MAX = 20000,       /* of clues_max */
    CASE_FOLLOW_S = 900,          /* a reset or start this long after a crash is its end */
    CASE_SECOND_SIGN_S = 60,      /* a triple fault this near a bug check is of it */
    CASE_LATE_DUMP_S = 24 * 3600, /* a dump without a time in it is of a crash at most this long before */
    CASE_GAP_REACH_S = 3600,      /* a gap that does not say since when reaches this far back */
};

/* What history knows of a guest at one moment.  Texts may be NULL, and are copied at once. */
struct guest_moment {
    bool known;
    const char *why;                                     /* why it is not known: "history begins on 2026-01-31" */
    const char *vm_name, *host_id, *host_name, *cluster; /* where it was then */
    enum drift_state state;
    int row;
    bool stale;
    int64_t since;
    const char *guest_version, *expected_version;
    const char *os_name, *os_version;
    enum guest_family family;
    int64_t booted;         /* newest start or reset before the moment; 0 not known */
    int64_t last_migration; /* newest arrival before the moment; 0 not known */
    /* Configuration: disks[] texts too are copied.  configuration.known false: not known, and why. */
    struct incident_configuration configuration;
};

/* The configuration as kept of a guest (model/guest_config.h); not known when c->time is 0.  Texts are static. */
void incident_configuration_of(const struct guest_config *c, struct incident_configuration *out);

struct host_moment {
    bool known;
    const char *name, *cluster, *os_version, *is_version;
};

/* Facts about the fleet around one crash, which no case file has. */
struct incident_surroundings {
    bool known;
    const char *why;       /* why not known */
    int module_hosts_days; /* over how many days the next two were counted */
    int module_guests;     /* guests that crashed with the same blamed module, this one included */
    int module_hosts;      /* on so many hosts */
};

struct rules; /* rules.h */

/* Spans of time are 0 to a year. */
struct case_options {
    int64_t tolerance_ns;        /* by how much clocks of two hosts, or of guest and host, may differ */
    int64_t before_ns, after_ns; /* the window for storage, cluster and gaps */
    int64_t others_ns;           /* other guests of the host crash within this, before or after */
    int64_t lookback_ns;         /* how far back migrations and starts count */
    int clues_max;
    const struct rules *rules; /* kept, not owned; NULL: no findings */

    /* Called from case_file_incidents(), possibly several times for one guest; NULL: not known.
     * They must answer the same each time. */
    void (*guest_at)(void *arg, const char *vm_id, int64_t time, struct guest_moment *out);
    void (*host_at)(void *arg, const char *host_id, int64_t time, struct host_moment *out);
    void (*around)(void *arg, const struct incident *i, struct incident_surroundings *out);
    void *arg;
};
void case_options_default(struct case_options *o);

struct case_file;

MUST_USE int case_file_new(struct case_file **out, const struct case_options *options, struct err *e);
void case_file_free(struct case_file *c);

/* Takes any observation and keeps a copy of what matters of it; what does not
 * matter costs a look at its kind.  who is the resource it came with.
 * ERR_MEMORY changes nothing. */
MUST_USE int case_file_add(struct case_file *c, const struct resource *who, const struct observation *o, struct err *e);

/* All incidents with from <= time <= to (0 and 0: all), in order of time.
 * Never more than there are signs among the clues; each takes 20 KiB and more,
 * so ask for a span where a guest may have crashed for days.
 * May be called again after more was added.  On error *out is empty.
 * Free with incident_list_free(). */
MUST_USE int case_file_incidents(struct case_file *c, int64_t from, int64_t to, struct incident_list *out,
                                 struct err *e);

/* ---- recomputing narrowly -------------------------------------------------
 * When an observation arrives, the incidents that it can change are those with
 * from <= time <= to of vm_id, those of no VM, and, as the flags say, those of
 * its host, cluster or anybody.  To compute these, evidence of case_evidence_span(from, to) is
 * wanted, by the observations' own time: everything of the VMs concerned and of
 * the hosts and clusters these were on; and the gaps of these hosts however
 * much later they were told.  What comes out for [from, to] then
 * replaces what was stored for it. */
enum relevance {
    RELEVANT_NOT,
    RELEVANT_CONTEXT, /* changes incidents there are, makes none */
    RELEVANT_SIGN,    /* may make an incident, or join two */
};

struct incident_relevance {
    enum relevance level;
    int64_t time;        /* its own: of a dump the crash's, where it says when that was; of a host's start the start */
    int64_t from, to;    /* of the times of incidents */
    const char *vm_id;   /* points into the observation; "" none named */
    const char *host_id; /* points into who */
    bool of_host;        /* incidents of every VM of host_id too, not of vm_id alone */
    bool of_cluster;     /* and of every VM of who's cluster: a shared volume is everybody's */
    bool of_any;         /* a dump without a VM may belong to a VM of any host */
    bool of_code;        /* and those with this code (without the _M bit): a dump of theirs may not be theirs alone */
    uint32_t code;
};
void incident_relevance(const struct case_options *options, const struct resource *who, const struct observation *o,
                        struct incident_relevance *out);

void case_evidence_span(const struct case_options *options, int64_t from, int64_t to, int64_t *evidence_from,
                        int64_t *evidence_to);

#endif
