/* A clue: what the case file keeps of one observation.  Private to incidents/.
 *
 * Two clues are the same when they say the same: their number, the agent that
 * shipped them, their sentence and what the resource said besides the host are
 * not looked at, because the same event may be read twice and shipped by two
 * programs.  Of clues that are the same the one that comes first in
 * clue_compare() counts, so that it does not matter which came first in time.
 */
#ifndef INCIDENTS_CLUE_H
#define INCIDENTS_CLUE_H

#include "incidents/case_file.h"

/* In order of importance: what goes first when there are too many stands last. */
enum clue_kind {
    CLUE_REPORT,  /* of a crash, with a code or as a Linux panic: 18590, and its like on ESXi */
    CLUE_DUMP,    /* a dump file */
    CLUE_SECOND,  /* triple fault, watchdog, worker process, given up by the host, a report without a code */
    CLUE_WRITTEN, /* the host says that it wrote a dump, or could not */
    CLUE_LIFE,
    CLUE_MIGRATION,
    CLUE_VERSION,
    CLUE_BOOT, /* of the host; its time is the boot's */
    CLUE_GAP,
    CLUE_CLUSTER,
    CLUE_STORAGE,
    CLUE_KIND_COUNT
};

/* Which texts a clue has; those from TEXT_DUMP_FIRST on only dumps have. */
enum clue_text {
    TEXT_HOST_ID,
    TEXT_VM_ID,
    TEXT_VM_NAME,
    TEXT_WORD,   /* crash kind, VM change, migration phase, signal, gap reason */
    TEXT_DETAIL, /* VM reason, migration kind, status, cluster object, gap source */
    TEXT_DEVICE, /* storage device; migration peer; path of a dump */
    TEXT_MESSAGE,
    TEXT_LINUX_VERSION,
    TEXT_LINUX_ID,
    TEXT_LINUX_DIE,
    TEXT_LINUX_RIP,
    TEXT_LINUX_RSP,
    /* What follows is not looked at when two clues are compared for sameness. */
    TEXT_AGENT,
    TEXT_BODY,
    TEXT_HOST_NAME,
    TEXT_CLUSTER,
    TEXT_OS_VERSION,
    TEXT_IS_VERSION,
    TEXT_COMMON,

    TEXT_DUMP_FIRST = TEXT_COMMON,
    TEXT_STATUS = TEXT_DUMP_FIRST,
    TEXT_VERDICT,
    TEXT_FORMAT,
    TEXT_ARCH,
    TEXT_PROBLEM,
    TEXT_CULPRIT,
    TEXT_CULPRIT_KIND,
    TEXT_MODULE,
    TEXT_OFFSET,
    TEXT_CONFIDENCE,
    TEXT_EVIDENCE,
    TEXT_FAULT,
    TEXT_NOTES,
    TEXT_BUCKET,
    TEXT_FAILURE_ID,
    TEXT_FAILURE_HASH,
    TEXT_NAME,
    TEXT_CAUSE,
    TEXT_PROCESS,
    TEXT_ROLE,
    TEXT_COMPONENTS,
    TEXT_BIOS_VENDOR,
    TEXT_BIOS_VERSION,
    TEXT_BIOS_DATE,
    TEXT_ALL
};

struct clue {
    enum clue_kind kind;
    enum incident_kind what; /* of signs */
    int64_t time;
    bool has_code, has_params, has_time; /* has_time: a dump that says when the crash was */
    bool flag;                           /* an unexpectedly long migration */
    uint32_t code;
    uint64_t params[INCIDENT_PARAMS];
    int64_t length_ns; /* of a request, a blackout, an uptime; -1 not known */
    int64_t from, to;  /* of a gap; from 0 not known */
    int64_t event_id;  /* 0 none */
    int64_t size, build, ubr;
    int64_t found; /* when the agent saw it */
    uint64_t seq;
    int texts; /* TEXT_COMMON or TEXT_ALL */
    const char *text[];
};

/* Whether the observation is worth keeping, and as what. */
bool clue_wanted(const struct observation *o, enum clue_kind *kind);

/* When the observation says that it happened; of the kinds below it is the clue's time. */
int64_t clue_time_of(const struct observation *o);
static inline bool clue_is_of_guest(enum clue_kind kind)
{
    return kind == CLUE_LIFE || kind == CLUE_MIGRATION || kind == CLUE_VERSION;
}

/* A copy of what matters, freed with free(); NULL out of memory. */
struct clue *clue_new(enum clue_kind kind, const struct resource *who, const struct observation *o);

const char *clue_text(const struct clue *c, enum clue_text t);

/* Total order: importance, newest first, content, then what is not content. */
int clue_compare(const struct clue *a, const struct clue *b);
bool clue_same(const struct clue *a, const struct clue *b);
/* In order of time, then content. */
int clue_compare_time(const struct clue *a, const struct clue *b);

/* The same code (the _M bit aside) and the same parameters; or the same Linux panic. */
bool clue_same_key(const struct clue *a, const struct clue *b);
uint32_t clue_code(const struct clue *c);

#endif
