/* sender.h against chance: whatever the hub, the network and the disk do,
 * every record ends up at the hub once, in order, or is set aside because the
 * hub refused it; none is skipped, and none is acknowledged that the hub has not got. */
#include "tests/support/suite.h"
#include "tests/transport/support_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 100, ROWS = 600 };

static struct world w;

struct chance {
    unsigned seed;
    bool marks; /* the hub tells its mark */
    bool calm;  /* from now on everything works */
    int guilty_every;
    size_t count_max;
};

/* Not rand(): the same everywhere. */
static unsigned roll(struct chance *c, unsigned sides)
{
    c->seed = c->seed * 1103515245u + 12345u;
    return (c->seed >> 16) % sides;
}

static bool is_guilty(const struct chance *c, uint64_t seq)
{
    return c->guilty_every > 0 && seq * 7919 % (uint64_t)c->guilty_every == 0;
}

static bool misbehave(struct chance *c, struct http_reply *reply)
{
    static const int statuses[] = { 429, 500, 502, 503, 504, 401, 403, 404, 302, 415 };

    reply->status = statuses[roll(c, sizeof statuses / sizeof statuses[0])];
    if (roll(c, 3) == 0)
        reply->retry_after_ns = roll(c, 1000) * NS_PER_S;
    return true;
}

static bool answer(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    struct chance *c = world->arg;

    for (size_t i = 1; i < count; i++)
        ck_assert_uint_gt(seqs[i], seqs[i - 1]);
    if (!c->calm && roll(c, 4) == 0)
        return misbehave(c, reply);
    if (!c->calm && roll(c, 12) == 0) {
        reply->status = 0; /* lost on the way there */
        return false;
    }
    if (c->count_max > 0 && count > c->count_max) {
        reply->status = 413;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_guilty(c, seqs[i])) {
            reply->status = 400;
            return true;
        }
    }
    if (!c->calm && roll(c, 12) == 0)
        return false; /* taken, and the answer lost */
    if (!c->calm && roll(c, 4) == 0) {
        reply->has_send_budget = true;
        reply->send_budget = roll(c, 3) == 0 ? 0 : roll(c, 8000);
        reply->retry_after_ns = (int64_t)roll(c, 60) * NS_PER_S;
    }
    if (c->marks && count > 0) {
        uint64_t last = seqs[count - 1];

        reply->has_acked_through = true;
        reply->acked_through = world->mark > last ? world->mark : last;
        if (!c->calm && roll(c, 8) == 0 && world->mark < last) { /* took some of it, or none */
            uint64_t some = seqs[roll(c, (unsigned)count)];

            reply->acked_through = some > world->mark ? some : world->mark;
        }
    }
    return true;
}

static void disturb(struct chance *c)
{
    switch (roll(c, 40)) {
    case 0:
        w.fail_reads = (int)roll(c, 3);
        break;
    case 1:
        w.fail_acks = (int)roll(c, 3);
        break;
    case 2:
        w.fail_asides = (int)roll(c, 3);
        break;
    case 3:
        w.busy_ops = (int)roll(c, 3);
        break;
    case 4:
        w.config.batch_count = 1 + (int64_t)roll(c, 200);
        ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
        break;
    case 5:
        sender_flush(w.sender);
        break;
    case 6:
        w.fail_posts = 1;
        break;
    default:
        break;
    }
}

/* Stops the sender, wherever it is, and makes a new one from what the outbox knows. */
static void restart(void)
{
    w.stopped = false;
    world_stop(&w);
    while (!w.stopped)
        ck_assert(world_step(&w));
    sender_free(w.sender);
    w.stopped = false;
    world_start(&w);
    world_kick(&w);
}

static void check_acked(void)
{
    for (uint64_t seq = 1; seq <= w.last_seq; seq++) {
        if (w.rows[seq] == ROW_ACKED)
            ck_assert_int_eq(w.delivered[seq], 1);
    }
}

static void one_run(unsigned seed)
{
    struct chance c = { .seed = seed };

    world_init(&w);
    c.marks = roll(&c, 2) == 0;
    c.guilty_every = roll(&c, 2) == 0 ? 0 : 20 + (int)roll(&c, 200);
    c.count_max = roll(&c, 3) == 0 ? 5 + roll(&c, 100) : 0;
    w.random_state = seed;
    w.answer = answer;
    w.arg = &c;
    w.config.batch_count = 1 + (int64_t)roll(&c, 150);
    w.config.compression = (enum compression)roll(&c, 3);
    world_start(&w);
    while (w.last_seq < ROWS) {
        world_put(&w, roll(&c, 60));
        disturb(&c);
        world_run(&w, (int64_t)roll(&c, 20000) * NS_PER_MS);
        if (roll(&c, 25) == 0)
            restart();
        check_acked();
    }
    c.calm = true;
    w.fail_reads = w.fail_acks = w.fail_asides = w.busy_ops = w.fail_posts = 0;
    world_kick(&w);
    world_run(&w, 24 * 3600 * NS_PER_S);
    for (uint64_t seq = 1; seq <= w.last_seq; seq++) {
        ck_assert_msg(w.rows[seq] == (is_guilty(&c, seq) ? ROW_ASIDE : ROW_ACKED), "run %u: row %d is in state %d",
                      seed, (int)seq, (int)w.rows[seq]);
        ck_assert_msg(w.delivered[seq] == !is_guilty(&c, seq), "run %u: row %d arrived %d times", seed, (int)seq,
                      w.delivered[seq]);
    }
    ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
    world_free(&w);
}

START_TEST(every_record_arrives_once_in_order_or_is_set_aside_for_cause)
{
    for (unsigned seed = 1; seed <= RUNS; seed++) {
        w.post_count = 0;
        one_run(seed);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, every_record_arrives_once_in_order_or_is_set_aside_for_cause);
}

int main(void)
{
    return suite_main("transport: sender and chance", add);
}
