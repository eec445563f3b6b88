/* The agent's memory on disk: one SQLite file with the outbox, the bookmarks
 * and what is known of each guest now.
 *
 * The promise: the observations of a batch, the marks they bring the sources
 * to, and the guests' new state are committed in one transaction
 * (journal_mode=WAL, synchronous=FULL).  When store_append() returns 0 they are on
 * the disk; when it fails nothing has changed.
 *
 * Every observation gets the next sequence number, without holes, for the
 * lifetime of the store; the agent id is made with the store.  What had to be
 * dropped for the disk bound is told by a gap observation with its numbers.
 *
 * ERR_CORRUPT from any function: the file does not hold what was written.  The
 * store then answers every call with ERR_CORRUPT; its owner closes it and opens
 * it again, which recovers, and takes the agent id from there: it may be new.
 *
 * Blocks on the disk.  One thread at a time: in the agent the store's own
 * (store_worker.h); tests and simulations call it directly.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/observation.h"
#include "model/otlp.h"
#include "plat/clock.h"
#include "plat/random.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct store_options {
    const char *path;   /* the file; its folder must exist; "<path>.lock" is made beside it */
    uint64_t max_bytes; /* of outbox payloads, 16 KiB or more; over it the least important go
                         * first.  The file itself stays within about twice that. */
    const struct clock *clock;
    const struct random_source *random;
    bool all_at_once; /* check all of it before it is used, however large: after ERR_CORRUPT */
    const char *vfs;  /* SQLite VFS name, for fault injection; NULL the default */
};

/* The clocks of a guest, in its dump, and of its host, in the crash event, may differ by this much. */
enum { DUMP_JOIN_SKEW_S = 600 };

/* What opening found. */
struct store_opened {
    bool fresh;     /* a new store, with a new agent id */
    bool recovered; /* the old file was corrupt: set aside, kept as set_aside */
    char set_aside[512];
    char agent_id[GUID_TEXT_MAX];
};

/* Opens or makes the store: integrity check, migrations of older schemas.  A
 * corrupt file (and its -wal, -shm) is renamed to "<path>.corrupt-<time>" and
 * a fresh store with a gap observation (store-corrupt) takes its place; the five newest such files are kept.
 * A file from a newer program is ERR_UNSUPPORTED, somebody else's database ERR_INVALID, and both are left
 * alone; a store that another process has open is ERR_BUSY, after a wait of some seconds for one that only
 * looks into it.  A small file is read whole and checked; of a large one what it begins with, its numbers and its
 * marks, so that the first append does not wait for what is waiting to be sent: store_recount() reads the rest. */
MUST_USE int store_open(struct store **out, const struct store_options *options, struct store_opened *opened,
                        struct err *e);
void store_close(struct store *s);

/* Reads and counts some more of the rows that a large store was opened with, in a few milliseconds; *more: there
 * is something left.  Damage is ERR_CORRUPT, as everywhere.  What the recount finds in place of what was kept is
 * believed and logged. */
MUST_USE int store_recount(struct store *s, bool *more, struct err *e);

const char *store_agent_id(const struct store *s);

/* A source's position, saved with what it produced. */
struct store_mark {
    const char *source;
    const char *mark;
};

struct store_appended {
    uint64_t first_seq, last_seq; /* 0, 0 for an empty batch */
    uint64_t dropped;             /* rows that had to go for the bound */
};

/* Commits the batch, the marks and the guests' state in one transaction.
 * host_id: who observed (for guest_apply).  The observations' seq is filled in.
 * A dump that names no guest gets the one whose last crash it is of, when that is
 * known and clear: ATTR_VM_ID, ATTR_VM_NAME and ATTR_DUMP_VM_BY (dump_join.c).
 * ERR_NO_SPACE and ERR_IO leave everything as it was: try again later.
 * ERR_TOO_BIG: the batch has failed (obs_batch), make it smaller.
 * A batch without observations whose marks are all saved already writes nothing. */
MUST_USE int store_append(struct store *s, const char *host_id, struct obs_batch *batch, const struct store_mark *marks,
                          int mark_count, struct store_appended *out, struct err *e);

/* "" when there is none. */
MUST_USE int store_mark_get(struct store *s, const char *source, struct buf *out, struct err *e);

/* A slice of the outbox for transport: payloads in order of seq. */
struct store_slice {
    struct arena arena; /* owns the payloads */
    struct otlp_payload *payloads;
    size_t count;
    uint64_t first_seq, last_seq;
    size_t framed_bytes; /* what they add to a request */
};

/* What is above after_seq, at most max_count payloads and about max_bytes (one
 * payload is always given, however large).  Nothing there: count 0.  A row
 * that is damaged on the disk leaves the outbox, a gap (record-unreadable) tells its number. */
MUST_USE int store_read(struct store *s, uint64_t after_seq, size_t max_count, size_t max_bytes,
                        struct store_slice *out, struct err *e);
void store_slice_free(struct store_slice *slice);

/* How the guests are: of what is above after_seq and among the newest 10,000 numbers, the newest inventories of
 * guests, at most max_count of them and about max_bytes (one is always given); in the slice they are in order of seq
 * again.  Damaged rows are passed over, store_read() will come to them.  Changes nothing, and does not count as having
 * been read. */
MUST_USE int store_read_state(struct store *s, uint64_t after_seq, size_t max_count, size_t max_bytes,
                              struct store_slice *out, struct err *e);

/* Everything at or below through has reached the hub and leaves the outbox.
 * Acknowledging twice, or less than before, changes nothing.  A number that was
 * never given means that this file is older than what the hub knows (put back from a
 * backup): the store takes a new agent id, tells it with a gap
 * (store-rolled-back) and is ERR_CORRUPT until it is opened again. */
MUST_USE int store_ack(struct store *s, uint64_t through, struct err *e);

/* The hub refused these for good (400): they move to the set-aside table (bounded; kept for a
 * bug report), a gap observation (refused-by-hub) with the reason is appended, and sending
 * goes on after them. */
MUST_USE int store_set_aside(struct store *s, uint64_t from, uint64_t to, const char *reason, struct err *e);

struct store_stats {
    uint64_t rows;       /* in the outbox */
    uint64_t bytes;      /* of their payloads */
    uint64_t file_bytes; /* of the database file and its -wal */
    uint64_t last_seq;   /* highest number given */
    uint64_t acked_through;
    int64_t oldest_unsent_ns; /* observed time; 0 none */
    uint64_t dropped_total;   /* since the store was made */
    uint64_t set_aside_total;
    int64_t last_commit_ns; /* since it was opened; 0 none */
    uint64_t guests;
};
MUST_USE int store_stats(struct store *s, struct store_stats *out, struct err *e);

/* Every guest known on this host, in order of name.  take returns false to stop;
 * g is valid during the call; take must not call the store. */
MUST_USE int store_guests(struct store *s, bool (*take)(void *arg, const struct guest *g), void *arg, struct err *e);

/* The host as reduced from what it observed (host_apply), for status and drift.
 * ERR_NOT_FOUND before the first observation. */
MUST_USE int store_host(struct store *s, struct host *out, struct err *e);

#endif
