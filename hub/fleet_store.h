/* The fleet as the hub keeps it: who reported what, through which number, and
 * what is known of each host and guest now.
 *
 * The promise (design, point 2): one transaction holds the records of one or
 * more decoded requests, the hosts and guests reduced from them, the verdicts
 * that follow, and each agent's new high mark.  When fleet_store_apply()
 * returns 0 all of it is on the disk; when it fails nothing has changed (over a database,
 * a commit whose answer was lost may have gone through).  So a
 * request may be sent again at any time, whole or overlapping with others:
 * nothing is missing and nothing is there twice.
 *
 * What holds of the numbers (hvfleet.seq):
 * - A stream is one agent id on one host id.  Its high mark is the highest
 *   number that was committed.
 * - Within a request the records of a stream are taken in order of their number,
 *   whatever order they came in (a collector in between may shuffle them).
 * - At or below the mark a record was seen and is dropped, unless its number
 *   lies in a hole.  A hole is a jump in the numbers; it is kept, told as a
 *   finding, and filled by records that come late, or closed by the agent's
 *   own gap observation that says what went.  A stream has at most
 *   FLEET_HOLES_MAX of them; over it the oldest is closed as lost.
 * - An agent id that turns up on a second host id is a stream of its own; a
 *   record of the second that is stored already, number and content, under the
 *   first is a duplicate (a host id that changed between two tries).  When both
 *   go on speaking it is a finding: a cloned host.
 * - Records of other programs, and records without a number, go to a bounded
 *   table of their own and change nothing else.
 * - A request that is ahead of its turn (fleet_ahead.c) says how guests are and has no part in any of this.
 *
 * Thread: one thread at a time for each opened store; any number of stores may
 * be open on one file, in any number of processes.  Readers never wait for the
 * writer and see one moment of the fleet.
 *
 * The bodies (SQLite, PostgreSQL) are behind fleet_body.h; nothing above this header
 * knows which one is at work.
 */
#ifndef HUB_FLEET_STORE_H
#define HUB_FLEET_STORE_H

#include "base/error.h"
#include "model/drift.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/otlp.h"
#include "plat/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FLEET_HOLES_MAX = 256, /* open holes kept for a stream */
    FLEET_FINDING_TEXT_MAX = 384,
    FLEET_SERVICE_MAX = 64,
    FLEET_CLUSTER_MAX = 256,
    FLEET_VALUE_MAX = 256,
    FLEET_EVIDENCE_MAX = 384,
    FLEET_CLOCK_OFF_S = 300, /* a clock that is off by more is a finding */
    FLEET_CREDENTIAL_MAX = 48,
    IDENTITY_TOKEN_ID_MAX = 20,
    IDENTITY_DIGEST_MAX = 65,
    IDENTITY_SERIAL_MAX = 44,
    IDENTITY_HOLDER_MAX = 256,
    FLEET_REFUSAL_MAX = 384,
};

/* How long history lasts, by kind; what goes first is written in docs/hub-api.md.  0: for ever. */
struct fleet_keep {
    int64_t moves_ns;     /* guests' changes of host: most of the rows, and the first that nobody asks for */
    int64_t changes_ns;   /* their changes of state, version and OS */
    int64_t days_ns;      /* daily counts; older days are folded into the oldest that is kept */
    int64_t findings_ns;  /* findings not seen again */
    int64_t incidents_ns; /* incidents, by the time of the crash */
};

/* How incidents are made (incidents/case_file.h); 0: the default there. */
struct fleet_incident_settings {
    int64_t tolerance_ns, before_ns, after_ns;
};

struct fleet_store;

struct fleet_store_options {
    const char *path;    /* a file, ":memory:" for a store that ends with the program, or a postgresql:// URL */
    bool read_only;      /* reports: nothing is created, migrated or written */
    bool patient;        /* a database that can not be reached is no error: each call tries anew */
    int64_t keep_ns;     /* observations older than this go at the next upkeep; 0 never */
    int64_t foreign_max; /* records of other programs kept */
    struct fleet_keep history;
    struct fleet_incident_settings incidents;
    const struct drift_floors *floors; /* copied */
    const struct clock *clock;         /* not owned */
    const char *vfs;                   /* SQLite VFS, for fault injection; NULL the default */
    size_t model_max; /* bytes that may be kept in memory between reports (fleet_model.h); 0 nothing is kept */
};

/* Opens or makes the store.  A folder that is missing is made (its parent must
 * exist) with mode 0700, a file with mode 0600.
 * ERR_PERMISSION   the file is open to others, or closed to us
 * ERR_NOT_FOUND    read_only, and there is no file
 * ERR_INVALID      the file is something else
 * ERR_UNSUPPORTED  made by a newer program; left alone
 * ERR_CORRUPT      it fails its integrity check; left alone
 * ERR_BUSY         another program keeps it locked
 * A database must be there, and empty or ours: its tables are made.  ERR_IO when it can not be reached, unless patient;
 * once it is open a lost connection is made anew by itself, and what is asked meanwhile fails with ERR_IO. */
MUST_USE int fleet_store_open(struct fleet_store **out, const struct fleet_store_options *options, struct err *e);
void fleet_store_close(struct fleet_store *s);

/* ERR_INVALID when the path is a URL that fleet_store_open() would not understand.  Opens nothing. */
MUST_USE int fleet_store_check_path(const char *path, struct err *e);

/* Who sends a request, as far as the connection proves it (fleet_identity.h says what follows). */
struct fleet_speaker {
    bool enrolled;                    /* a certificate of our own CA: the three below are its */
    char serial[IDENTITY_SERIAL_MAX]; /* "" when not enrolled */
    char agent_id[GUID_TEXT_MAX];
    char host_id[HOST_ID_MAX];
    char holder[IDENTITY_HOLDER_MAX]; /* "certificate CN=...", "token 1a2b..."; "" nothing was shown */
    bool bind;                        /* an agent id seen for the first time belongs to the holder from now on */
};

/* One decoded request, and what became of it. */
struct fleet_batch {
    struct otlp_request *request;        /* not owned; VM ids in it are made canonical */
    const struct fleet_speaker *speaker; /* not owned; NULL: nobody asks who */
    const char *credential;          /* what was shown to be let in, as a short text that tells nothing; NULL nothing */
    int64_t streams_max;             /* how many streams one credential may begin; 0 any number */
    bool ahead;                      /* how guests are, ahead of its turn: no record of it is kept, no number counts */
    bool refused;                    /* the speaker may not say this; nothing of it was stored */
    char refusal[FLEET_REFUSAL_MAX]; /* why */
    uint64_t stored;                 /* new records of our agents */
    uint64_t duplicates;             /* seen before, dropped */
    uint64_t foreign;                /* records of other programs, or without a number */
    uint64_t missing;                /* numbers that were jumped over */
    uint64_t told;                   /* inventories of one that is ahead that were used */
    bool one_agent;                  /* it speaks for exactly one stream; never when ahead */
    uint64_t acked_through;          /* that stream's mark after the commit */
};

/* Commits all of them in one transaction.  ERR_NO_SPACE, ERR_IO, ERR_BUSY: try
 * again later.  ERR_TOO_BIG, ERR_INVALID, ERR_REFUSED (its credential has begun all the streams it
 * may): one of them can not be stored; apply them one by one to find it. */
MUST_USE int fleet_store_apply(struct fleet_store *s, struct fleet_batch *batches, size_t count, struct err *e);

/* A slice of the work that is not urgent: old observations and long-gone
 * guests leave, guests whose peers rose are judged anew.  Short (a few
 * milliseconds) and in a transaction of its own; *more tells whether to call again. */
MUST_USE int fleet_store_upkeep(struct fleet_store *s, bool *more, struct err *e);

/* Commits next to nothing, to see whether a commit is possible. */
MUST_USE int fleet_store_probe(struct fleet_store *s, struct err *e);

/* ---- reading ------------------------------------------------------------ */

/* What an agent has delivered. */
struct fleet_agent {
    char agent_id[GUID_TEXT_MAX];
    char host_id[HOST_ID_MAX];
    uint64_t high_mark;
    uint64_t missing; /* numbers in open holes */
    uint64_t lost;    /* numbers in holes that were closed without their records, in all */
    uint64_t records; /* stored, in all */
    int64_t first_seen, last_seen;
};

/* Words: sequence-hole shared-agent-id gap clock-off forward-lost forward-refused identity-mismatch
 * silent-host old-agent.  All but the last two are stored when they are seen; the last two depend on the time
 * and on the rest of the fleet and are made when they are asked for. */
enum fleet_finding_kind {
    FINDING_SEQUENCE_HOLE,   /* numbered records that did not arrive */
    FINDING_SHARED_AGENT_ID, /* a cloned host */
    FINDING_GAP,             /* the agent itself said that something is lost: its newest word */
    FINDING_CLOCK_OFF,       /* the host's clock against ours, over FLEET_CLOCK_OFF_S */
    FINDING_FORWARD_LOST,    /* observations aged out before a target took them; the target is agent_id, host_id "" */
    FINDING_FORWARD_REFUSED, /* a target refused observations for good; the same */
    FINDING_IDENTITY,        /* somebody spoke for a host or an agent that his credential is not of */
    FINDING_STORED_COUNT,    /* only these are rows */
    FINDING_SILENT_HOST = FINDING_STORED_COUNT,
    FINDING_OLD_AGENT, /* older than the newest that was seen in the fleet */
    FINDING_KIND_COUNT
};
const char *fleet_finding_name(enum fleet_finding_kind kind);
bool fleet_finding_parse(const char *word, enum fleet_finding_kind *out);

/* Something the hub itself noticed. */
struct fleet_finding {
    enum fleet_finding_kind kind;
    char host_id[HOST_ID_MAX];
    char agent_id[GUID_TEXT_MAX]; /* "" for the findings that are not stored; a target's name for FORWARD_* */
    int64_t first_time, last_time;
    char text[FLEET_FINDING_TEXT_MAX];
};

/* ---- history ------------------------------------------------------------
 *
 * Written in the transaction that changed the kept verdict or facts, so a
 * resend, which changes nothing, writes nothing. */

/* Words: state version host os. */
enum fleet_change_kind { CHANGE_STATE, CHANGE_VERSION, CHANGE_HOST, CHANGE_OS, CHANGE_KIND_COUNT };
const char *fleet_change_name(enum fleet_change_kind kind);
bool fleet_change_parse(const char *word, enum fleet_change_kind *out);

/* One change of one guest.  A guest's first appearance is one change of state from "" (and none of the other
 * kinds); its removal a change of state to "", its return one from "" again. */
struct fleet_change {
    char vm_id[GUID_TEXT_MAX];
    enum fleet_change_kind kind;
    int64_t time;                    /* since when it holds, by the host's clock */
    int64_t received;                /* when the hub learned of it */
    char host_id[HOST_ID_MAX];       /* after the change; "" not known */
    char cluster[FLEET_CLUSTER_MAX]; /* the same */
    char from[FLEET_VALUE_MAX];      /* a state's name, a version, a host id, an OS version; "" unknown or none */
    char to[FLEET_VALUE_MAX];
    char evidence[FLEET_EVIDENCE_MAX]; /* a sentence: what decided it, with the raw values */
};

struct fleet_change_query {
    const char *vm_id;   /* NULL: all guests */
    const char *host_id; /* changes of guests on this host; NULL all */
    const char *cluster; /* ASCII case does not count; NULL all */
    int kind;            /* an enum fleet_change_kind; -1 all */
    int64_t since_ns;    /* received at or after; 0 all */
    int64_t until_ns;    /* received before; 0 all */
    int limit;           /* rows; 0 all */
    bool oldest_first;   /* else the newest first */
};
typedef bool fleet_take_change(void *arg, const struct fleet_change *c); /* false ends the reading */
MUST_USE int fleet_store_changes(struct fleet_store *s, const struct fleet_change_query *q, fleet_take_change *take,
                                 void *arg, struct err *e);

/* How many guests were in each state at the end of a day (UTC, by the hub's
 * clock; for today: now).  Removed guests do not count. */
struct fleet_day {
    int64_t day; /* days since 1970-01-01 */
    uint64_t guests[DRIFT_STATE_COUNT];
};
typedef bool fleet_take_day(void *arg, const struct fleet_day *d);
/* first_day..last_day, in order, none left out: a day without a change is as the day before.  Days before
 * the fleet's first are left out.  cluster NULL: the whole fleet; "" hosts outside of clusters. */
MUST_USE int fleet_store_days(struct fleet_store *s, const char *cluster, int64_t first_day, int64_t last_day,
                              fleet_take_day *take, void *arg, struct err *e);

/* How many guests are in each state now, by cluster, in order of name.  Cheap: made from the daily
 * counts, not from the guests.  A cluster without guests may be left out. */
struct fleet_cluster {
    char cluster[FLEET_CLUSTER_MAX];
    uint64_t guests[DRIFT_STATE_COUNT];
};
typedef bool fleet_take_cluster(void *arg, const struct fleet_cluster *c);
MUST_USE int fleet_store_clusters(struct fleet_store *s, fleet_take_cluster *take, void *arg, struct err *e);

/* All findings, stored and made, in order of host and kind. */
struct fleet_finding_query {
    const char *cluster;    /* findings about hosts of this cluster; NULL all */
    const char *host_id;    /* NULL all */
    int64_t since_ns;       /* seen at or after; 0 all */
    int limit;              /* 0 all */
    int64_t now_ns;         /* for the silent hosts */
    int64_t host_silent_ns; /* 0: none is silent */
};
typedef bool fleet_take_finding(void *arg, const struct fleet_finding *f);
MUST_USE int fleet_store_findings(struct fleet_store *s, const struct fleet_finding_query *q, fleet_take_finding *take,
                                  void *arg, struct err *e);

/* One host, one guest, the guests of one host (removed ones too) in order of id.  ERR_NOT_FOUND.
 * out of fleet_store_guest() is about 20 KiB. */
MUST_USE int fleet_store_host(struct fleet_store *s, const char *host_id, struct host *out, struct err *e);
MUST_USE int fleet_store_guest(struct fleet_store *s, const char *vm_id, struct guest *out, struct err *e);
MUST_USE int fleet_store_guests_on(struct fleet_store *s, const char *host_id,
                                   bool (*take)(void *arg, const struct guest *g), void *arg, struct err *e);

/* ---- everything of a kind ------------------------------------------------ */

/* Each function may be NULL; one that returns false ends the reading of its
 * kind.  At most one of cluster, host_id, page_after and changed_from is
 * set.  All of a fleet_store_read() is one moment. */
struct fleet_reader {
    void *arg;
    const char *cluster; /* guests of this cluster's hosts only; NULL all */
    const char *host_id; /* guests on this host only; NULL all */
    bool scoped;         /* agents, and of a cluster hosts too, are only those of the cluster or host */
    /* Guests, without removed ones, in order of id: the first page_rows of them after this id (NULL: no pages), in the
     * state page_state as it was last judged (-1: in any). */
    const char *page_after;
    int page_state, page_rows;
    int64_t changed_from;  /* hosts and guests with stamps from here (fleet_body.h) ... */
    int64_t changed_below; /* ... to before here only; from 0: all */
    bool (*host)(void *arg, const struct host *h);
    bool (*guest)(void *arg, const struct guest *g);
    bool (*agent)(void *arg, const struct fleet_agent *a);
    bool (*finding)(void *arg, const struct fleet_finding *f); /* stored ones */
    fleet_take_change *change;
    struct fleet_change_query changes; /* which ones */
    struct drift_peers *peers;         /* filled when not NULL */
};
MUST_USE int fleet_store_read(struct fleet_store *s, const struct fleet_reader *reader, struct err *e);

struct fleet_stats {
    uint64_t agents, hosts, guests, foreign, findings;
    uint64_t guests_by_state[DRIFT_STATE_COUNT];
    uint64_t file_bytes; /* the file and its write-ahead log */
};
MUST_USE int fleet_store_stats(struct fleet_store *s, struct fleet_stats *out, struct err *e);

#endif
