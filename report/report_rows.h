/* The drift report as its renderers see it.  Private to report/.
 *
 * All texts are in the report's arena, never NULL ("" where unknown), valid
 * UTF-8 without control characters.
 */
#ifndef REPORT_REPORT_ROWS_H
#define REPORT_REPORT_ROWS_H

#include "base/arena.h"
#include "report/drift_report.h"
#include "report/judged.h"

#include <stdalign.h>

/* One finding about a host: "silent-host" "mixed-cluster" "host-unclear" "old-agent", or a noted one's kind. */
struct report_note {
    const char *kind, *text;
    int64_t since; /* 0 not known */
    struct report_note *next;
};

struct report_host {
    struct host h;
    const char *name;          /* host name, or its id where it has none */
    const char *finding;       /* the notes' sentences joined by "; "; "" none */
    struct report_note *notes; /* in order */
    struct report_note **notes_end;
    int64_t heard; /* newest word, by our clock; 0 not told */
    bool shown;    /* within the cluster asked for */
    size_t guests; /* rows on it */
};

/* How a guest is now against how it was at since_ns.  A problem is any state worse than unknown. */
enum report_change {
    REPORT_UNCOMPARED, /* no history, or no problem then and now */
    REPORT_NEW,        /* a problem now, none then (or not there) */
    REPORT_SOLVED,     /* a problem then, fine now */
    REPORT_CHANGED,    /* a problem then, and now another, or unknown */
    REPORT_UNCHANGED,  /* the same problem */
    REPORT_GONE,       /* a problem then, not there any more: counted, not listed */
    REPORT_CHANGE_COUNT
};
const char *report_change_name(enum report_change c); /* "" for UNCOMPARED */

struct report_guest {
    struct drift_kept kept;
    struct drift_kept was; /* the verdict that came with the guest */
    enum report_change change;
    enum drift_state then; /* at since_ns; of interest when change is CHANGED, SOLVED or UNCHANGED */
    enum guest_family family;
    enum guest_power power;
    struct report_host *on; /* NULL unknown */
    bool unpeered;          /* row 10, without the peers */
    const char *vm_id, *name, *fqdn;
    const char *host, *host_id, *cluster;
    const char *os_name, *os_version;
    const char *guest_version, *expected_version;
    const char *reason, *action; /* action: static */
    const char **evidence;
    int evidence_count;
    int64_t is_since; /* of guest_version */
    int64_t last_seen;
    int64_t last_crash;
    const char *last_crash_code;
};

/* A row as judging leaves it: everything but `on`, `change` and `then`; last_seen is the guest's own.  The texts
 * of the host (host, host_id, cluster, and expected_line of the evidence) are the host's.  They follow the row
 * in one piece of memory. */
struct judged_guest {
    struct report_guest row;
    size_t bytes;
    const struct judged_host *on; /* NULL: not known */
    int64_t holds_until;          /* while the host's newest poll is below this */
    struct version os, peer;      /* row 10: the guest's build, and the highest version that it was compared with */
    bool compared;                /* there was one */
    alignas(char *) char texts[];
};

enum { REPORT_PEER_ROW = 10 };
/* What judging takes and gives; large: not on small stacks. */
struct judging {
    const struct judged_host *on; /* or NULL */
    const struct host *host;      /* the same */
    const struct guest *g;
    const struct drift_peers *peers; /* NULL: row 10 is judged later */
    const struct drift_floors *floors;
    struct drift_verdict v;
};
void report_judge(struct judging *j);
size_t report_row_bytes(const struct judging *j);
/* Lays the row out in memory of that many bytes, aligned for a pointer. */
void report_lay_row(const struct judging *j, struct report_guest *row, char *texts);
/* The row's last_seen: the guest's own or its host's newest poll. */
int64_t report_last_seen(int64_t own, const struct host *on);
/* The order in which reports list: two struct report_guest. */
int report_worst_first(const void *a, const void *b);

/* A guest's state at since_ns, and whether it is still there. */
struct report_past {
    const char *vm_id, *cluster;
    const char *from, *to;
    size_t order;
};

struct drift_report {
    struct arena arena;
    struct drift_report_options options;
    struct report_host **hosts; /* in order of id until finished, then of cluster and name */
    size_t host_count, host_cap;
    bool hosts_sorted;           /* by id */
    bool listed;                 /* the guests were added by drift_report_judged() */
    struct report_guest *guests; /* worst first once finished */
    size_t guest_count, guest_cap;
    struct drift_peers *seen_peers;  /* of the guests added */
    const struct drift_peers *peers; /* given from outside; NULL: seen_peers */
    struct report_past *past;        /* in order of vm_id once finished, one a guest */
    size_t past_count, past_cap;
    struct version newest_agent;
    const char *newest_agent_text; /* as its host says it; NULL none */
    size_t by_state[DRIFT_STATE_COUNT];
    size_t by_change[REPORT_CHANGE_COUNT];
    size_t hosts_shown;
    bool finished;
};

/* What the texts of one guest take together at most: each comes from a field of this size. */
enum {
    REPORT_ACTION_MAX = 1024,
    REPORT_TEXTS_MAX = 2 * GUID_TEXT_MAX + GUEST_NAME_MAX + 3 * KVP_VALUE_MAX + 2 * HOST_ID_MAX + HOST_LABEL_MAX +
                       HOST_CLUSTER_MAX + 32 + 4 * VERSION_TEXT_MAX + DRIFT_REASON_MAX + REPORT_ACTION_MAX +
                       (DRIFT_EVIDENCE_MAX + 1) * (DRIFT_EVIDENCE_TEXT_MAX + 3),
};

/* The texts of a row lie together, but rows lie anywhere: asks for those of a row that is soon due. */
enum { REPORT_FETCH_ROWS = 3, REPORT_FETCH_BYTES = 768, REPORT_FETCH_LINE = 64 };
static inline void report_fetch_ahead(const struct drift_report *r, size_t i)
{
    const char *texts =
        i + REPORT_FETCH_ROWS < r->guest_count ? (const char *)r->guests[i + REPORT_FETCH_ROWS].evidence : NULL;

    for (int at = 0; texts != NULL && at < REPORT_FETCH_BYTES; at += REPORT_FETCH_LINE)
        __builtin_prefetch(texts + at);
}

/* How bad a state is: 0 the worst.  Reports list by it. */
int report_severity(enum drift_state state);

/* Room for one more element in a growing array. */
bool report_room(void **array, size_t count, size_t *cap, size_t size);

MUST_USE int report_add_note(struct drift_report *r, struct report_host *h, const char *kind, int64_t since,
                             const char *text, struct err *e);

bool report_is_fine(const struct report_guest *g); /* current or not-applicable */
bool report_is_silent(const struct drift_report *r, const struct report_host *h);

/* The name a guest or an unknown thing is told by: its name, else its id. */
const char *report_guest_label(const struct report_guest *g);

/* Fills the hosts' findings: nodes of a cluster that differ, hosts that are
 * silent, do not say what is needed or have an old agent.  Hosts must be in order of cluster. */
MUST_USE int report_find_hosts(struct drift_report *r, struct err *e);

/* Compares the guests with how they were (report_changes.c): fills change, then, by_change. */
void report_compare(struct drift_report *r);

/* Guests counted by one of their properties (report_groups.c). */
enum report_grouping { GROUP_CLUSTER, GROUP_HOST, GROUP_OS, GROUP_VERSION, GROUPING_COUNT };
struct report_group {
    const struct report_guest *first; /* any one of it: what they have in common is read from it */
    size_t guests, problems;
    size_t by_state[DRIFT_STATE_COUNT];
};
const char *report_grouping_name(enum report_grouping by); /* "cluster", "host", "guest_os", "guest_version" */
const char *report_group_label(enum report_grouping by, const struct report_group *g); /* "" unknown or none */
/* All groups, of each grouping the one with most problems first. */
struct report_groups {
    struct report_group *list[GROUPING_COUNT]; /* NULL none */
    size_t count[GROUPING_COUNT];
};
/* false: out of memory, and there are none.  The caller frees what it gets. */
MUST_USE bool report_groups(const struct drift_report *r, struct report_groups *out);
void report_groups_free(struct report_groups *g);

/* FNV-1a from a start that nobody outside knows (the hash table's address, which differs from run to run): names and
 * versions are written by guests, who must not be able to choose them so that they fall into one place.  fold: ASCII
 * letters of either case are the same. */
uint32_t report_hash(const void *table, const char *text, bool fold);

/* Guests of one state that need the same. */
enum { REPORT_NAMES = 8 /* guests named under one action */, REPORT_NEEDS_MAX = 64 /* more than there are actions */ };
struct report_need {
    enum drift_state state;
    const char *action;
    size_t count;
    const struct report_guest *first[REPORT_NAMES];
};
/* Fills list (REPORT_NEEDS_MAX places), worst first; returns how many. */
size_t report_needs(const struct drift_report *r, struct report_need *list);

void report_drift_text(const struct drift_report *r, const struct report_style *style, struct buf *out);
void report_drift_json(const struct drift_report *r, struct buf *out);
void report_drift_csv(const struct drift_report *r, struct buf *out);
void report_drift_html(const struct drift_report *r, struct buf *out);
void report_drift_ansible(const struct drift_report *r, struct buf *out);
void report_drift_sccm(const struct drift_report *r, struct buf *out);
void report_hosts_text(const struct drift_report *r, const struct report_style *style, struct buf *out);
void report_hosts_json(const struct drift_report *r, struct buf *out);
void report_hosts_csv(const struct drift_report *r, struct buf *out);
void report_hosts_html(const struct drift_report *r, struct buf *out);

/* CSV cells (render_csv.c): the first of a line, the others, the line's end. */
void report_csv_first(struct buf *out, const char *text);
void report_csv_cell(struct buf *out, const char *text);
void report_csv_end(struct buf *out);

#endif
