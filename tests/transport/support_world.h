/* A world for the sender: an outbox, a hub, a timer and a clock, all of them
 * made up, on a virtual time that only world_run() moves. */
#ifndef TESTS_TRANSPORT_SUPPORT_WORLD_H
#define TESTS_TRANSPORT_SUPPORT_WORLD_H

#include "base/times.h"
#include "transport/sender.h"

enum { WORLD_ROWS = 4096, WORLD_POSTS = 4096, WORLD_REASON = 256 };

enum row_state { ROW_NONE, ROW_WAITING, ROW_ACKED, ROW_ASIDE };

struct world;

/* Answers a request: seqs are the numbers of its records.  reply comes in as
 * 200 without a mark, and w->posts[w->post_count - 1] is the request.  Return false: the answer is lost on the way
 * back. */
typedef bool world_answer(struct world *w, const uint64_t *seqs, size_t count, struct http_reply *reply);

struct post_seen {
    int64_t at_ns;
    size_t count;
    uint64_t first, last;
    enum http_what what;
    char encoding[8];
    size_t bytes;
};

struct world {
    int64_t now_ns; /* monotonic; the wall clock is WORLD_EPOCH later */
    struct clock clock;
    struct random_source random;
    uint64_t random_state;
    struct agent_config_hub config;
    struct sender *sender;
    struct http_client http;

    /* Outbox: row i has number i. */
    enum row_state rows[WORLD_ROWS];
    size_t sizes[WORLD_ROWS]; /* extra bytes in the record */
    uint64_t last_seq;
    uint64_t state_every; /* each so many rows is one of state; 0 none */
    uint64_t acked_through;
    int acks;
    char reason[WORLD_REASON]; /* of the last one set aside */
    int state_reads;
    int fail_reads, fail_acks, fail_asides; /* so many times: done with ERR_IO */
    int busy_ops;                           /* so many operations do not even start */

    /* The hub. */
    bool takes_state; /* it says so when it accepts */
    world_answer *answer;
    void *arg;
    uint64_t mark;
    int delivered[WORLD_ROWS]; /* times accepted */
    struct post_seen posts[WORLD_POSTS];
    int post_count;
    int cancels;
    int fail_posts; /* so many times post() itself fails */

    /* What is under way. */
    struct {
        enum { OP_NONE, OP_READ, OP_READ_STATE, OP_ACK, OP_ASIDE } kind;
        int64_t due_ns;
        uint64_t from, to;
        size_t max_count, max_bytes;
        struct store_slice *out;
        char reason[WORLD_REASON];
        void (*done)(void *sender, int rc, const struct err *e);
        void *sender;
    } op;
    struct {
        bool busy;
        int64_t due_ns;
        struct http_reply reply;
        void (*done)(void *arg, const struct http_reply *reply);
        void *arg;
    } post;
    struct {
        bool on;
        int64_t due_ns;
        void (*fire)(void *sender);
        void *sender;
    } timer;
    int64_t last_delay_ns; /* the timer was last started with */
    bool stopped;
};

#define WORLD_EPOCH (INT64_C(1769846400) * NS_PER_S)

/* Fills in a config with defaults but no compression, and makes the sender on
 * first use of world_start(). */
void world_init(struct world *w);
void world_start(struct world *w);
void world_free(struct world *w);

/* count new rows, and a kick. */
void world_put(struct world *w, uint64_t count);
void world_kick(struct world *w);

/* Moves time through everything that happens in the next ns. */
void world_run(struct world *w, int64_t ns);

/* One event; false when there is none. */
bool world_step(struct world *w);

int world_count(const struct world *w, enum row_state state);
struct sender_status world_status(const struct world *w);

/* sender_stop(); w->stopped tells when. */
void world_stop(struct world *w);

#endif
