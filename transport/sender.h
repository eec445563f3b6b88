/* The sender: from the outbox to the hub, one batch in flight.
 *
 * A state machine without threads or sockets of its own.  It asks the outbox
 * for a slice, packs and compresses it, posts it, and acts on the answer by the retry
 * table of the design:
 *
 *   200          acknowledge (see below)
 *   413          halve the batch (a single record that is too large is set aside)
 *   400          halve the batch down to the guilty record, and set that aside
 *   401, 403     stop sending; tried again every auth_retry, or after a reload
 *   415          compress in another way: zstd, gzip, none
 *   429, 502, 503, 504, no answer
 *                wait: Retry-After if given, else full jitter on a doubling
 *                ceiling; capped.  A refused certificate waits at the highest ceiling at once
 *   other        as 503, with what it most likely means
 *
 * Acknowledging.  A 200 without Hvfleet-Acked-Through acknowledges the batch.
 * With it, the mark decides, because the hub commits it together with the
 * records: at or above the batch, everything through the mark that this sender
 * has ever read is acknowledged (a reply that was lost); within the batch, what is
 * at or below it; below the batch, nothing: the hub said yes and does not have
 * it, which is a failure to wait on.  So a hub that was restored from an old
 * backup never makes the agent drop what it has not got; what was acknowledged
 * before the backup was lost is gone from the agent too, and the hub sees it as
 * a hole between its mark and the next number.  A mark above the store's own
 * last number (hub_mark in the status) means that the store went back in time:
 * the hub will drop new records as known, and only a new store heals that.
 *
 * Send budget.  A 2xx may say with Hvfleet-Send-Budget how many bytes (of bodies
 * before compression) the hub has room for from this agent now.  The next batch is no
 * larger, but has one record at least, and never exceeds the configured limits.  A
 * budget of 0 is a pause: nothing is sent until Retry-After (capped and spread as
 * after a failure; without one, by chance up to retry_min) has passed.  That is no
 * failure: the state is waiting, and `pause` says why.  Each answer replaces what the
 * one before it said, and a pause uses it up, so that a hub that says nothing is
 * sent to as if there were no budgets.
 *
 * Setting aside loses data, so the hub must deserve it: it must have accepted
 * something since the last time, or accept an empty request now.  An endpoint
 * that answers 400 or 413 to everything, and one that refuses
 * SENDER_SET_ASIDE_RUN records in a row, counts as refusing the agent itself.
 *
 * State ahead of its turn.  While there is a backlog, an endpoint that says it
 * understands is told the newest inventories first, beside and not instead of
 * the records in their order (sender_ahead.c).  Numbers have no part in it.
 *
 * All of it is the loop's thread; packing a batch (a megabyte, compressed)
 * takes some milliseconds of it.
 *
 * Outbox, network, clock, timer and randomness come through the ports below, so
 * that a simulation can run it on a virtual clock.
 */
#ifndef TRANSPORT_SENDER_H
#define TRANSPORT_SENDER_H

#include "config/agent_config.h"
#include "model/host.h"
#include "plat/clock.h"
#include "plat/random.h"
#include "store/store.h"
#include "transport/http.h"

/* The outbox, asynchronous.  Each function starts one operation and calls done
 * once, later (never from within), with 0 or an error code; if it returns
 * anything but 0 it has started nothing.  One operation at a time. */
struct outbox_port {
    void *arg;
    /* out stays the sender's and must live until done. */
    int (*read)(void *arg, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
                void (*done)(void *sender, int rc, const struct err *e), void *sender);
    /* As read, but store_read_state(). */
    int (*read_state)(void *arg, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
                      void (*done)(void *sender, int rc, const struct err *e), void *sender);
    int (*ack)(void *arg, uint64_t through, void (*done)(void *sender, int rc, const struct err *e), void *sender);
    int (*set_aside)(void *arg, uint64_t from, uint64_t to, const char *reason,
                     void (*done)(void *sender, int rc, const struct err *e), void *sender);
};

enum {
    SENDER_SET_ASIDE_RUN = 8,
    SENDER_AHEAD_BATCHES = 2, /* a backlog of more batches than this has its newest state told ahead of its turn ... */
    SENDER_AHEAD_EVERY_S = 60 /* ... at most so often */
};

/* One timer.  fire is never called from within start(); stopping what does not run does nothing. */
struct timer_port {
    void *arg;
    void (*start)(void *arg, int64_t delay_ns, void (*fire)(void *sender), void *sender);
    void (*stop)(void *arg);
};

enum sender_state {
    SENDER_IDLE,
    SENDER_READING,
    SENDER_SENDING,
    SENDER_ACKING,
    SENDER_WAITING,
    SENDER_REFUSED,
    SENDER_STOPPED
};
const char *sender_state_name(enum sender_state s); /* idle, sending, waiting, refused, stopped ... */

struct sender_status {
    enum sender_state state;
    int64_t last_ack_ns; /* wall clock; 0 never */
    uint64_t acked_through;
    uint64_t hub_mark;   /* Hvfleet-Acked-Through as last told; 0 never */
    int64_t next_try_ns; /* wall clock, when waiting; else 0 */
    int failures;        /* in a row */
    char problem[256];   /* "" when well */
    char remedy[256];
    char pause[128];                     /* why it waits although nothing is wrong; "" otherwise */
    uint64_t batches_sent, records_sent; /* accepted, since start */
    uint64_t bytes_sent;                 /* posted, as on the wire, bodies only; repeats count again */
    uint64_t records_set_aside;          /* since start */
};

struct sender;

struct sender_options {
    const struct agent_config_hub *config; /* copied */
    struct http_client *http;              /* not owned; NULL: nothing is sent (hub.url is "") */
    struct outbox_port outbox;
    struct timer_port timer;
    const struct clock *clock;
    const struct random_source *random;
    uint64_t acked_through; /* from the store */
};

MUST_USE int sender_new(struct sender **out, const struct sender_options *options, struct err *e);

/* Who speaks; copied, used from the next batch on.  Nothing is sent before the
 * first call, because records without a speaker belong to nobody. */
void sender_set_resource(struct sender *s, const struct resource *r);

/* There is something in the outbox; call at start and after each append, and
 * as often as you like.  rows: all that the outbox holds now; oldest_ns: the observed
 * time of the oldest, so that small batches wait for company until batch.max_age. */
void sender_kick(struct sender *s, uint64_t rows, int64_t oldest_ns);

/* Sends what is there without waiting for company (a clean stop, `reload`).
 * Ends neither a wait nor a refusal: those are the hub's word. */
void sender_flush(struct sender *s);

/* New settings after a reload; ends a wait, a pause and a refusal, and forgets the send budget.  A POST in flight is
 * cancelled and its records are sent again with the new settings; the old client is
 * not used any more when this returns, and may be closed.  ERR_STATE after sender_stop(). */
MUST_USE int sender_reconfigure(struct sender *s, const struct agent_config_hub *config, struct http_client *http,
                                struct err *e);

void sender_status(const struct sender *s, struct sender_status *out);

/* No more requests; a POST in flight is cancelled (its records stay in the outbox).  done is called when
 * no operation of the outbox is under way any more, perhaps before this returns; from then on (in done
 * already) sender_free() may be called. */
void sender_stop(struct sender *s, void (*done)(void *arg), void *arg);
void sender_free(struct sender *s);

#endif
