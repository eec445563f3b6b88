/* The fleet as the hub keeps it: who reported what, through which number, and
 * what is known of each host and guest now.
 *
 * The promise (design, point 2): one transaction holds the records of one or
 * more decoded requests, the hosts and guests reduced from them, the verdicts
 * that follow, and each agent's new high mark.  When fleet_store_apply()
 * returns 0 all of it is on the disk; when it fails nothing has changed.  So a
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
 *
 * Thread: one thread at a time for each opened store; any number of stores may
 * be open on one file, in any number of processes.  Readers never wait for the
 * writer and see one moment of the fleet.
 *
 * The bodies (SQLite here) are behind fleet_body.h; nothing above this header
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
};

struct fleet_store;

struct fleet_store_options {
    const char *path;                  /* the file; ":memory:" for a store that ends with the program */
    bool read_only;                    /* reports: nothing is created, migrated or written */
    int64_t keep_ns;                   /* observations older than this go at the next upkeep; 0 never */
    int64_t foreign_max;               /* records of other programs kept */
    const struct drift_floors *floors; /* copied */
    const struct clock *clock;         /* not owned */
    const char *vfs;                   /* SQLite VFS, for fault injection; NULL the default */
};

/* Opens or makes the store.  A folder that is missing is made (its parent must
 * exist) with mode 0700, a file with mode 0600.
 * ERR_PERMISSION   the file is open to others, or closed to us
 * ERR_NOT_FOUND    read_only, and there is no file
 * ERR_INVALID      the file is something else
 * ERR_UNSUPPORTED  made by a newer program; left alone
 * ERR_CORRUPT      it fails its integrity check; left alone
 * ERR_BUSY         another program keeps it locked */
MUST_USE int fleet_store_open(struct fleet_store **out, const struct fleet_store_options *options, struct err *e);
void fleet_store_close(struct fleet_store *s);

/* One decoded request, and what became of it. */
struct fleet_batch {
    struct otlp_request *request; /* not owned; VM ids in it are made canonical */
    uint64_t stored;              /* new records of our agents */
    uint64_t duplicates;          /* seen before, dropped */
    uint64_t foreign;             /* records of other programs, or without a number */
    uint64_t missing;             /* numbers that were jumped over */
    bool one_agent;               /* it speaks for exactly one stream */
    uint64_t acked_through;       /* that stream's mark after the commit */
};

/* Commits all of them in one transaction.  ERR_NO_SPACE, ERR_IO, ERR_BUSY: try
 * again later.  ERR_TOO_BIG, ERR_INVALID: one of them can not be stored; apply
 * them one by one to find it. */
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

enum fleet_finding_kind { FINDING_SEQUENCE_HOLE, FINDING_SHARED_AGENT_ID, FINDING_KIND_COUNT };
const char *fleet_finding_name(enum fleet_finding_kind kind); /* "sequence-hole", "shared-agent-id" */

/* Something the hub itself noticed. */
struct fleet_finding {
    enum fleet_finding_kind kind;
    char host_id[HOST_ID_MAX];
    char agent_id[GUID_TEXT_MAX];
    int64_t first_time, last_time;
    char text[FLEET_FINDING_TEXT_MAX];
};

/* Each function may be NULL; one that returns false ends the reading of its
 * kind.  All of a fleet_store_read() is one moment. */
struct fleet_reader {
    void *arg;
    const char *cluster; /* guests of this cluster's hosts only; NULL all */
    bool (*host)(void *arg, const struct host *h);
    bool (*guest)(void *arg, const struct guest *g);
    bool (*agent)(void *arg, const struct fleet_agent *a);
    bool (*finding)(void *arg, const struct fleet_finding *f);
    struct drift_peers *peers; /* filled when not NULL */
};
MUST_USE int fleet_store_read(struct fleet_store *s, const struct fleet_reader *reader, struct err *e);

struct fleet_stats {
    uint64_t agents, hosts, guests, foreign, findings;
    uint64_t guests_by_state[DRIFT_STATE_COUNT];
    uint64_t file_bytes; /* the file and its write-ahead log */
};
MUST_USE int fleet_store_stats(struct fleet_store *s, struct fleet_stats *out, struct err *e);

#endif
