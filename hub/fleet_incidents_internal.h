/* What the files that make incidents share (fleet_incidents.h says how they come to be).
 *
 * fleet_incidents.c writes notes and takes them up; fleet_incidents_evidence.c
 * loads what a guest's incidents are made of and computes them;
 * fleet_incidents_then.c answers what had been told of a guest by a moment, and
 * fleet_incidents_moment.c what history knows of it when the observations are gone;
 * fleet_incidents_store.c replaces the stored rows by what came out;
 * fleet_incidents_review.c goes through them when there are other rules.
 */
#ifndef HUB_FLEET_INCIDENTS_INTERNAL_H
#define HUB_FLEET_INCIDENTS_INTERNAL_H

#include "base/times.h"
#include "hub/fleet_body.h"

#include <stdatomic.h>

enum {
    EVIDENCE_ROWS_MAX = 5000, /* of one question */
    EVIDENCE_PLACES_MAX = 32, /* hosts, clusters, codes and names that are asked for */
    PLACES_MAX = 2000,        /* stored incidents that one note concerns */
    MODULE_DAYS = 30,         /* in which crashes with the same module are counted */
    MODULE_INCIDENTS_MAX = 500,
};

struct fleet_incident_state {
    struct case_options options; /* rules: in force */
    struct rules *rules;         /* owned */
    _Atomic(struct rules *) next_rules;
    _Atomic uint64_t made, changed, computed, failed;
    int64_t keep_ns;     /* of the trouble around */
    bool rules_compared; /* the store knows that these are the rules in force */
    bool reviewing;      /* stored incidents may have to be explained anew by them */
};

/* Texts that are asked for, each once. */
struct word_set {
    char words[EVIDENCE_PLACES_MAX][FLEET_TODO_KEY_MAX];
    int count;
};
void word_set_add(struct word_set *w, const char *word); /* over the bound, and "", nothing happens */

/* ---- history (fleet_incidents_moment.c) -------------------------------------- */

/* Everything that history knows of one guest. */
struct guest_history;
MUST_USE int guest_history_read(struct guest_history **out, struct fleet_body *b, const char *vm_id, struct err *e);
void guest_history_free(struct guest_history *h);
/* Texts in out are h's. */
void guest_history_at(struct guest_history *h, int64_t time, struct guest_moment *out);
/* A look at its settings, its start, its arrival, by which a moment is told; any order. */
MUST_USE int guest_history_look(struct guest_history *h, const struct observation *o, struct err *e);
void guest_history_event(struct guest_history *h, const char *what, int64_t time);
/* Of *out only its start, its arrival and its settings. */
void guest_history_around(const struct guest_history *h, int64_t time, struct guest_moment *out);

/* ---- what was told by then (fleet_incidents_then.c) ---------------------------- */

/* A guest as its own observations up to a moment make it; texts of a guest_moment are its. */
struct guest_then {
    struct guest guest;
    struct drift_verdict verdict;
    struct host host; /* of the guest, as far as it is known */
};
void guest_then_begin(struct guest_then *t, const char *vm_id);
void guest_then_take(struct guest_then *t, const char *host_id, const struct observation *o);
/* Judges it and puts what it says into *out.  A poll must have seen the guest by then. */
MUST_USE int guest_then_fill(struct guest_then *t, struct fleet_store *s, const struct host_moment *host,
                             struct guest_moment *out, struct err *e);

/* ---- evidence (fleet_incidents_evidence.c) ------------------------------------ */

/* The incidents of one VM ("" those of no VM) with from <= time <= to.  Within a transaction.  Free with
 * incident_list_free(). */
MUST_USE int fleet_incidents_of(struct fleet_store *s, const struct case_options *options, const char *vm_id,
                                int64_t from, int64_t to, struct incident_list *out, struct err *e);
/* Who crashed with the same module, up to this incident: those that come later count it in their own surroundings. */
MUST_USE int fleet_incidents_around(struct fleet_body *b, const struct incident *i, struct incident_surroundings *out,
                                    struct err *e);
/* Is there a sign without a VM that may bear upon incidents in that time? */
MUST_USE int fleet_incidents_strays(struct fleet_store *s, int64_t from, int64_t to, bool *out, struct err *e);

/* ---- other rules (fleet_incidents_review.c): both within a transaction ------------ */

/* When rules were taken up: are they others than those of the store? */
MUST_USE int fleet_incidents_compare_rules(struct fleet_store *s, struct err *e);
/* Notes about the next stored incidents. */
MUST_USE int fleet_incidents_review(struct fleet_store *s, bool *wrote, struct err *e);

/* ---- rows (fleet_incidents_store.c) -------------------------------------------- */

enum { REPLACED_VMS_MAX = 2 };
struct replacing {
    const char *vm_ids[REPLACED_VMS_MAX];
    struct incident_list lists[REPLACED_VMS_MAX];
    int count;
    int64_t from, to;
    int64_t now;
};
/* Puts what came out of these VMs and this time into the place of what was stored. */
MUST_USE int fleet_incidents_replace(struct fleet_store *s, const struct replacing *r, struct err *e);

#endif
