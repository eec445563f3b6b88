/* What the parts of forwarding share: the batch (forward_batch.c), the turn of a
 * target (forward_turn.c), and what it is sent through (forward_otlp.c,
 * forward_splunk.c, forward_syslog.c). */
#ifndef HUB_FORWARD_INTERNAL_H
#define HUB_FORWARD_INTERNAL_H

#include "base/buf.h"
#include "config/hub_config.h"
#include "hub/counters.h"
#include "hub/fleet_forward.h"
#include "hub/fleet_store.h"
#include "model/otlp.h"

#include <stdatomic.h>

enum {
    FORWARD_REFUSED_RUN = 16,                /* set aside one after the other before the target itself is doubted */
    FORWARD_ENCODED_MAX = 512 * 1024 * 1024, /* of a batch in a target's own form */
};

/* ---- a batch -------------------------------------------------------------------- */

struct forward_record {
    uint64_t arrival, seq;
    size_t offset, len; /* in bytes */
};

struct forward_stream {
    struct fleet_behind at;
    struct resource who;
    size_t first, count; /* in records */
    uint64_t next;       /* the mark when these records were taken */
};

struct forward_batch {
    struct forward_stream *streams; /* those with something to mark; FORWARD_STREAMS_MAX places */
    size_t stream_count;
    struct forward_record *records; /* record_room places */
    size_t record_count, record_room;
    struct buf bytes; /* the payloads */
    uint64_t lost;    /* arrivals that were not there any more */
    size_t bytes_max;
    int64_t last; /* stream that was looked into last; 0 none */
};

MUST_USE int forward_batch_init(struct forward_batch *b, size_t records_max, size_t bytes_max, struct err *e);
void forward_batch_free(struct forward_batch *b);

/* Fills it with at most `records_max` records of the streams after `after` (at least one, whatever its size).
 * ERR_TOO_BIG: never. */
MUST_USE int forward_batch_read(struct forward_batch *b, struct fleet_store *s, const char *target, int64_t after,
                                int records_max, struct err *e);

/* As one ExportLogsServiceRequest, appended: a group a stream. */
MUST_USE int forward_batch_encode(const struct forward_batch *b, struct buf *out, struct err *e);

/* Each record decoded, in order.  take returns 0 or ends it with its error. */
typedef int forward_take(void *arg, const struct resource *who, const struct observation *o, struct err *e);
MUST_USE int forward_batch_each(const struct forward_batch *b, forward_take *take, void *arg, struct err *e);

/* "<agent id>:<seq>": what tells a repetition. */
enum { FORWARD_ID_MAX = GUID_TEXT_MAX + 24 };
void forward_id(const struct resource *who, const struct observation *o, char out[FORWARD_ID_MAX]);

/* ---- sending -------------------------------------------------------------------- */

struct forward_answer {
    enum forward_verdict verdict;
    int64_t retry_after_ns; /* LATER; -1 not said */
    uint64_t rejected;      /* TAKEN: so many of them were not */
    char text[FORWARD_REASON_MAX];
};

struct forward_sink;
struct forward_sink_ops {
    /* Blocks until there is an answer, for the configured time at most; soon when *stopping turns true. */
    void (*send)(struct forward_sink *s, const struct forward_batch *b, struct forward_answer *out);
    void (*close)(struct forward_sink *s);
};
struct forward_sink {
    const struct forward_sink_ops *ops;
};

typedef int forward_sink_new(struct forward_sink **out, const struct hub_config_forward *config,
                             const _Atomic bool *stopping, struct err *e);
MUST_USE forward_sink_new forward_otlp_new;
MUST_USE forward_sink_new forward_splunk_new;
MUST_USE forward_sink_new forward_syslog_new;

void forward_answer_set(struct forward_answer *a, enum forward_verdict verdict, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* An ExportLogsServiceResponse: how many records were rejected, 0 when it does not say so; any bytes. */
uint64_t forward_otlp_rejected(const void *bytes, size_t len);

/* What a Splunk collector's refusal of status 400 means, by its answer; any bytes. */
enum forward_verdict forward_splunk_verdict(const char *body, size_t len);

/* One event as a collector wants it, appended. */
MUST_USE int forward_splunk_event(const struct resource *who, const struct observation *o, const char *index,
                                  struct buf *out, struct err *e);

/* One message of RFC 5424 in the framing of RFC 5425 (its length, a space, the message), appended. */
MUST_USE int forward_syslog_message(const struct resource *who, const struct observation *o, int facility,
                                    struct buf *out, struct err *e);

/* ---- a target's turn ---------------------------------------------------------------- */

struct forwarder {
    enum forward_kind kind;
    const struct hub_config_forward *config;
    struct forward_sink *sink;
    struct fleet_store *store;
    struct forward_counters *counters;
    const struct clock *clock;
    char owner[FORWARD_OWNER_MAX];

    struct forward_batch batch;
    int limit;           /* records in the next batch */
    int64_t after;       /* the stream after which it begins */
    int64_t lease_until; /* monotonic: surely ours before */
    int failures;        /* in a row */
    int refused_run;     /* set aside in a row */
    bool known;          /* the target's row was made */
    bool store_away;     /* and that was said */
    bool answered;       /* the batch has its answer, and the marks were not moved yet */
    struct forward_answer answer;
    enum forward_state { FORWARD_STARTING, FORWARD_WELL, FORWARD_FAILING, FORWARD_STANDBY } state;
};

MUST_USE int forwarder_init(struct forwarder *f, enum forward_kind kind, const struct hub_config_forward *config,
                            struct err *e);
void forwarder_free(struct forwarder *f); /* not the store */

/* Does the next thing.  Returns how long to wait before the next turn. */
int64_t forwarder_turn(struct forwarder *f);

#endif
