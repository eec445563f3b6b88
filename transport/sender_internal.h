/* The sender's inside, shared by sender.c (what to do next),
 * sender_batch.c (one batch: pack, post, take the answer), sender_budget.c
 * (what the hub has room for) and sender_ahead.c (state ahead of its turn). */
#ifndef TRANSPORT_SENDER_INTERNAL_H
#define TRANSPORT_SENDER_INTERNAL_H

#include "transport/batch_limits.h"
#include "transport/sender.h"

struct sender {
    /* What it stands on. */
    struct agent_config_hub config;
    struct http_client *http;
    struct outbox_port outbox;
    struct timer_port timer;
    const struct clock *clock;
    const struct random_source *random;
    struct resource resource;
    bool has_resource;

    enum sender_state state;
    struct sender_status status; /* its state is filled in when asked */
    void (*stopped)(void *arg);  /* set: stopping */
    void *stopped_arg;

    /* The batch.  slice.count > 0 from read to answer. */
    struct store_slice slice;
    struct batch_limits limits;
    struct buf raw, packed;
    enum compression compression; /* config's, or what a 415 made of it */
    bool probing;                 /* what is in flight is an empty request */

    /* Where we are in the outbox. */
    uint64_t after;      /* read from here on */
    uint64_t read_until; /* highest number ever read */
    uint64_t ack_target; /* accepted by the hub, not yet told to the outbox; 0 none */

    /* Company. */
    uint64_t rows_left; /* in the outbox, not in the batch */
    uint64_t unacked;   /* in the batch, and in the outbox until it is told; not touched by the store's thread */
    int64_t oldest_ns;
    bool kicked; /* while busy */
    bool flush;
    int64_t company_until_ns; /* monotonic; 0: not waiting for company */

    /* What the hub has room for, by its last answer. */
    bool has_budget;
    uint64_t budget;        /* bytes of the next body before compression */
    bool pause_wanted;      /* it was 0 */
    int64_t retry_after_ns; /* told with it; -1 nothing */

    /* State ahead of its turn. */
    struct {
        bool under_way;        /* what is being read, or is in flight, is that */
        bool understood;       /* the last answer that accepted a batch said so, and none of these failed since */
        bool given_up;         /* it was refused: not again for this backlog */
        uint64_t through;      /* nothing up to here is told again */
        int64_t not_before_ns; /* monotonic */
    } ahead;

    /* Setting aside. */
    bool proven;      /* the hub accepted something since the last record was set aside */
    int asides_run;   /* records set aside in a row */
    char reason[256]; /* why the record in the batch is */
    char remark[128]; /* of an accepting answer, as last logged */
};

/* ---- sender.c ---- */

/* Reads the next batch, or tells the outbox what it was not told yet. */
void sender_go_on(struct sender *s);

/* Tells the outbox that everything through this number arrived. */
void sender_ack(struct sender *s, uint64_t through);

/* Moves the one record of the batch out of the way. */
void sender_set_aside(struct sender *s);

/* Drops the batch (its records stay in the outbox) and waits. */
void sender_wait(struct sender *s, const char *problem, const char *remedy, int64_t delay_ns);
void sender_refused(struct sender *s, const char *problem, const char *remedy);

/* The delay after this failure, which is counted here. */
int64_t sender_backoff(struct sender *s, int64_t retry_after_ns);

/* The records stay in the outbox and count as left. */
void sender_drop_batch(struct sender *s);
void sender_free_slice(struct sender *s);

/* Drops the batch and starts the timer. */
void sender_rest(struct sender *s, enum sender_state state, int64_t delay_ns);

/* ---- sender_budget.c ---- */

/* Takes in what an answer says of it, which replaces what was said before. */
void sender_take_budget(struct sender *s, const struct http_reply *reply);
void sender_forget_budget(struct sender *s);

/* Bytes of payloads to ask the outbox for: at least 1. */
size_t sender_batch_bytes(const struct sender *s);

/* True when the hub has no room now: the sender rests then. */
bool sender_pauses(struct sender *s);

/* ---- sender_batch.c ---- */

/* Packs and posts the slice. */
void sender_send(struct sender *s);

/* Waits as this answer asks. */
void sender_take_wait(struct sender *s, const struct http_reply *reply);

/* ---- sender_ahead.c ---- */

/* Is it state's turn to be read?  Then it is under way. */
bool sender_ahead_begin(struct sender *s);
uint64_t sender_ahead_after(const struct sender *s); /* the number after which to read it */
void sender_ahead_was_read(struct sender *s);
void sender_ahead_take_reply(struct sender *s, const struct http_reply *reply);
/* It is not taken, or can not be sent; records go on in their order. */
void sender_ahead_give_up(struct sender *s, const char *why);
/* Another endpoint, of which nothing is known. */
void sender_ahead_forget(struct sender *s);

#endif
