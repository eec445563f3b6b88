/* What the files of the case file share.  Private to incidents/.
 *
 * case_file.c keeps clues; case_join.c makes crashes of them; case_incident.c
 * turns a crash into an incident, with case_context.c for what else went on and
 * case_timeline.c for the order of it all.  Everything after case_file.c works
 * on sorted clues without twins, and is a pure function of them.
 */
#ifndef INCIDENTS_CASE_H
#define INCIDENTS_CASE_H

#include "incidents/case_file.h"
#include "incidents/clue.h"

/* A clue that tells of a crash, and whose crash it is. */
struct sign {
    const struct clue *c;
    const char *vm_id;     /* of the clue, or found; "" not known */
    const char *vm_name;   /* of the VM; "" not known */
    const char *joined_by; /* of dumps: "vm-id", "parameters", "name", "path"; "" no VM was found */
    const char *note;      /* static text for the reader; NULL none */
    int crash;             /* -1 not yet */
    int next;              /* the next sign of the same crash; -1 the last */
};

struct crash {
    const char *vm_id;
    int first;       /* sign */
    int anchor;      /* sign: the strongest, then the earliest */
    int64_t t;       /* its time */
    bool has_report; /* a clue of kind CLUE_REPORT is in it */
    bool has_dump;   /* a dump that says when the crash was */
    char id[INCIDENT_ID_CHARS + 1];
};

struct joined {
    struct sign *signs; /* in order of VM, time */
    int sign_count;
    struct crash *crashes; /* in order of VM, time, id */
    int crash_count;
};

/* clues: without twins, in any order.  Free with joined_free() either way. */
MUST_USE int join_clues(const struct clue *const *clues, size_t count, const struct case_options *options,
                        struct joined *out, struct err *e);
void joined_free(struct joined *j);

/* All that an incident is made from. */
struct scene {
    const struct case_options *options;
    const struct joined *joined;
    const struct clue *const *by_time; /* cluster and storage clues, boots of hosts, in order of time */
    size_t by_time_count;
    const struct clue *const *by_vm; /* lifecycle, migration and version clues, in order of VM, time */
    size_t by_vm_count;
    const struct clue *const *gaps;
    size_t gap_count;
};

/* The incident of one crash, without findings; NULL out of memory. */
struct incident *scene_incident(const struct scene *s, const struct crash *crash);

/* case_context.c: fills in what else went on around i->time. */
void scene_migration(const struct scene *s, struct incident *i);
void scene_uptime(const struct scene *s, struct incident *i);
MUST_USE int scene_trouble(const struct scene *s, struct incident *i);
void scene_others(const struct scene *s, const struct crash *crash, struct incident *i);
void scene_repeats(const struct scene *s, const struct crash *crash, struct incident *i);

/* Several clues that say the same of the same thing, as one. */
struct alike {
    const struct clue *first;
    int64_t last, longest_ns, count;
    bool for_guest;
};

/* The storage, or cluster, clues that concern the incident, alike ones together, in order of first, in malloc'ed
 * memory.  ERR_MEMORY. */
MUST_USE int scene_alike(const struct scene *s, const struct incident *i, enum clue_kind kind, struct alike **out,
                         size_t *count);
/* Not trouble, but the end of it. */
bool signal_is_recovery(const char *signal);

/* The clues of that VM with from <= time <= to. */
size_t scene_of_vm(const struct scene *s, const char *vm_id, int64_t from, int64_t to, const struct clue *const **out);
/* The same of by_time. */
size_t scene_of_time(const struct scene *s, int64_t from, int64_t to, const struct clue *const **out);

/* Whether a gap concerns the incident; the part of time it stands for, from 0 not known. */
bool scene_gap(const struct scene *s, const struct incident *i, const struct clue *gap);

/* Whether a lifecycle clue is the end of this crash: the reset or start after it. */
bool scene_ends(const struct scene *s, const struct crash *crash, const struct clue *c);

/* case_timeline.c */
MUST_USE int scene_timeline(const struct scene *s, const struct crash *crash, struct incident *i);

#endif
