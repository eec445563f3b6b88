/* State ahead of its turn (sender_ahead.c), on a virtual clock: to whom, when, and that nothing of it counts. */
#include "tests/support/suite.h"
#include "tests/transport/support_world.h"

#include <string.h>

static struct world w;

#define SECOND NS_PER_S
#define MINUTE (60 * NS_PER_S)

/* Batches of 100; every tenth row is one of state; the hub understands. */
static void start(void)
{
    world_init(&w);
    w.config.batch_count = 100;
    w.state_every = 10;
    w.takes_state = true;
    world_start(&w);
}

static int posts_of(enum http_what what)
{
    int n = 0;

    for (int i = 0; i < w.post_count; i++)
        n += w.posts[i].what == what;
    return n;
}

/* The i-th request of state, from 0; fails where there is none. */
static const struct post_seen *state_post(int i)
{
    int k = 0;

    ck_assert_int_gt(posts_of(HTTP_STATE), i);
    while (w.posts[k].what != HTTP_STATE || i-- > 0)
        k++;
    return &w.posts[k];
}

static void check_all_arrived_once(void)
{
    for (uint64_t seq = 1; seq <= w.last_seq; seq++)
        ck_assert_msg(w.rows[seq] == ROW_ACKED && w.delivered[seq] == 1, "row %d: state %d, delivered %d times",
                      (int)seq, (int)w.rows[seq], w.delivered[seq]);
}

/* One event after another until there were so many requests. */
static void run_to_post(int count)
{
    while (w.post_count < count)
        ck_assert(world_step(&w));
}

START_TEST(nothing_is_told_to_an_endpoint_that_does_not_say_that_it_understands)
{
    start();
    w.takes_state = false;
    world_put(&w, 3000);
    world_run(&w, 5 * MINUTE);
    ck_assert_int_eq(posts_of(HTTP_STATE), 0);
    ck_assert_int_eq(w.state_reads, 0);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

START_TEST(the_newest_state_comes_before_the_second_batch_of_a_backlog)
{
    start();
    world_put(&w, 2000);
    world_run(&w, 30 * SECOND);
    ck_assert_int_eq(w.posts[0].what, HTTP_RECORDS);
    ck_assert_uint_eq(w.posts[0].last, 100);
    ck_assert_int_eq(w.posts[1].what, HTTP_STATE);
    ck_assert_uint_eq(w.posts[1].first, 1010);
    ck_assert_uint_eq(w.posts[1].last, 2000);
    ck_assert_uint_eq(w.posts[1].count, 100);
    ck_assert_int_eq(w.posts[2].what, HTTP_RECORDS);
    ck_assert_uint_eq(w.posts[2].first, 101);
    ck_assert_int_eq(posts_of(HTTP_STATE), 1);
    ck_assert_int_eq(posts_of(HTTP_RECORDS), 20);
    check_all_arrived_once();
    ck_assert_uint_eq(world_status(&w).records_sent, 2000);
    ck_assert_uint_eq(world_status(&w).batches_sent, 20);
    world_free(&w);
}
END_TEST

START_TEST(two_batches_are_no_backlog_and_one_record_more_is)
{
    for (uint64_t more = 0; more < 2; more++) {
        start();
        world_put(&w, 300 + more); /* one is gone when the hub has said that it understands */
        world_run(&w, 30 * SECOND);
        ck_assert_int_eq(posts_of(HTTP_STATE), (int)more);
        check_all_arrived_once();
        world_free(&w);
    }
}
END_TEST

/* Every second request is too many, so that a backlog lasts. */
static bool answer_slowly(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    if (world->posts[world->post_count - 1].what == HTTP_STATE || (*(int *)world->arg)++ % 2 == 0)
        return true;
    reply->status = 429;
    reply->retry_after_ns = 20 * SECOND;
    return true;
}

START_TEST(it_is_told_once_a_minute_at_most_and_only_what_is_newer)
{
    int turn = 0;

    start();
    w.answer = answer_slowly;
    w.arg = &turn;
    world_put(&w, 3500);
    world_run(&w, 3 * MINUTE);
    ck_assert_int_gt(world_count(&w, ROW_WAITING), 1000);
    ck_assert_int_eq(posts_of(HTTP_STATE), 1);
    ck_assert_int_ge(w.state_reads, 2);
    ck_assert_int_le(w.state_reads, 4);
    world_put(&w, 50);
    world_run(&w, 2 * MINUTE);
    ck_assert_int_eq(posts_of(HTTP_STATE), 2);
    ck_assert_uint_eq(state_post(1)->first, 3510);
    ck_assert_uint_eq(state_post(1)->last, 3550);
    ck_assert_int_ge(state_post(1)->at_ns - state_post(0)->at_ns, SENDER_AHEAD_EVERY_S * SECOND);
    w.answer = NULL;
    world_run(&w, 5 * MINUTE);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

/* A hub that pretends to have everything when it is told state. */
static bool claim_all(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    if (world->posts[world->post_count - 1].what == HTTP_STATE) {
        reply->has_acked_through = true;
        reply->acked_through = seqs[count - 1];
    }
    return true;
}

START_TEST(an_answer_to_it_acknowledges_nothing)
{
    start();
    w.answer = claim_all;
    world_put(&w, 2000);
    run_to_post(3);
    ck_assert_int_eq(w.posts[1].what, HTTP_STATE);
    ck_assert_uint_eq(w.acked_through, 100);
    ck_assert_uint_eq(world_status(&w).hub_mark, 0);
    ck_assert_uint_eq(w.posts[2].first, 101);
    world_run(&w, MINUTE);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

static bool lose_state(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    (void)reply;
    return world->posts[world->post_count - 1].what == HTTP_RECORDS;
}

START_TEST(a_lost_answer_is_waited_for_as_for_a_batch_and_a_batch_comes_next)
{
    start();
    w.answer = lose_state;
    world_put(&w, 2000);
    while (world_status(&w).failures == 0)
        ck_assert(world_step(&w));
    ck_assert_int_eq(world_status(&w).state, SENDER_WAITING);
    ck_assert_int_eq(w.post_count, 2);
    run_to_post(3);
    ck_assert_int_eq(w.posts[2].what, HTTP_RECORDS);
    ck_assert_uint_eq(w.posts[2].first, 101);
    world_run(&w, 5 * MINUTE);
    ck_assert_int_eq(posts_of(HTTP_STATE), 1);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

/* *arg to whatever tells state. */
static bool answer_state(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    if (world->posts[world->post_count - 1].what == HTTP_STATE) {
        reply->status = *(int *)world->arg;
        reply->retry_after_ns = 20 * SECOND;
    }
    return true;
}

START_TEST(a_busy_hub_is_waited_for_as_it_asks_and_is_told_again_after_a_batch)
{
    int statuses[] = { 429, 502, 503, 504 };

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        start();
        w.answer = answer_state;
        w.arg = &statuses[i];
        world_put(&w, 2000);
        run_to_post(3);
        ck_assert_int_eq(w.posts[1].what, HTTP_STATE);
        ck_assert_int_eq(w.posts[2].what, HTTP_RECORDS);
        ck_assert_int_ge(w.posts[2].at_ns - w.posts[1].at_ns, 20 * SECOND);
        world_run(&w, MINUTE);
        check_all_arrived_once();
        world_free(&w);
    }
}
END_TEST

START_TEST(any_other_refusal_ends_it_for_this_backlog_and_costs_no_record)
{
    int statuses[] = { 301, 400, 401, 403, 404, 405, 413, 415, 500 };

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        start();
        w.answer = answer_state;
        w.arg = &statuses[i];
        world_put(&w, 2000);
        world_run(&w, MINUTE);
        ck_assert_int_eq(posts_of(HTTP_STATE), 1);
        ck_assert_int_eq(posts_of(HTTP_RECORDS), 20);
        ck_assert_int_lt(w.posts[2].at_ns - w.posts[1].at_ns, SECOND);
        ck_assert_uint_eq(w.posts[2].count, 100);
        ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
        ck_assert_uint_eq(world_status(&w).records_set_aside, 0);
        ck_assert_str_eq(world_status(&w).problem, "");
        check_all_arrived_once();
        world_put(&w, 1000);
        world_run(&w, MINUTE);
        ck_assert_int_eq(posts_of(HTTP_STATE), 2);
        check_all_arrived_once();
        world_free(&w);
    }
}
END_TEST

START_TEST(an_answer_without_the_word_ends_it)
{
    int turn = 0;

    start();
    w.answer = answer_slowly;
    w.arg = &turn;
    world_put(&w, 3500);
    run_to_post(4); /* the answer to the third, a batch, is on its way */
    ck_assert_int_eq(posts_of(HTTP_STATE), 1);
    w.takes_state = false;
    world_run(&w, 30 * SECOND);
    world_put(&w, 50);
    world_run(&w, 4 * MINUTE);
    ck_assert_int_gt(world_count(&w, ROW_WAITING), 200);
    ck_assert_int_eq(posts_of(HTTP_STATE), 1);
    world_free(&w);
}
END_TEST

START_TEST(another_endpoint_is_told_nothing_before_it_says_that_it_understands)
{
    struct agent_config_hub config;

    for (int in_flight = 0; in_flight < 2; in_flight++) {
        start();
        config = w.config;
        world_put(&w, 2000);
        while (in_flight ? w.post_count < 2 : w.op.kind != OP_READ_STATE)
            ck_assert(world_step(&w));
        w.takes_state = false;
        ck_assert_int_eq(sender_reconfigure(w.sender, &config, &w.http, NULL), 0);
        world_run(&w, 3 * MINUTE);
        ck_assert_int_eq(posts_of(HTTP_STATE), in_flight);
        ck_assert_int_eq(w.cancels, in_flight);
        check_all_arrived_once();
        world_free(&w);
    }
}
END_TEST

START_TEST(it_stops_while_state_is_read_or_on_its_way)
{
    for (int in_flight = 0; in_flight < 2; in_flight++) {
        start();
        world_put(&w, 2000);
        while (in_flight ? w.post_count < 2 : w.op.kind != OP_READ_STATE)
            ck_assert(world_step(&w));
        world_stop(&w);
        world_run(&w, SECOND);
        ck_assert(w.stopped);
        ck_assert_uint_eq(w.acked_through, 100);
        world_free(&w);
    }
}
END_TEST

START_TEST(a_failed_read_of_state_is_a_failed_read)
{
    start();
    world_put(&w, 2000);
    while (w.op.kind != OP_READ_STATE)
        ck_assert(world_step(&w));
    w.fail_reads = 1;
    world_step(&w);
    ck_assert_int_eq(world_status(&w).state, SENDER_WAITING);
    world_run(&w, MINUTE);
    ck_assert_int_eq(posts_of(HTTP_STATE), 0);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

START_TEST(where_no_state_waits_the_records_go_on)
{
    start();
    w.state_every = 0;
    world_put(&w, 2000);
    world_run(&w, 30 * SECOND);
    ck_assert_int_eq(w.state_reads, 1);
    ck_assert_int_eq(w.post_count, 20);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

/* After state there is no room for a while. */
static bool no_room_after_state(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    if (world->posts[world->post_count - 1].what == HTTP_STATE) {
        reply->has_send_budget = true;
        reply->retry_after_ns = 40 * SECOND;
    }
    return true;
}

START_TEST(an_answer_to_it_that_asks_for_a_pause_is_heeded)
{
    start();
    w.answer = no_room_after_state;
    world_put(&w, 2000);
    run_to_post(3);
    ck_assert_int_eq(w.posts[1].what, HTTP_STATE);
    ck_assert_int_eq(w.posts[2].what, HTTP_RECORDS);
    ck_assert_int_ge(w.posts[2].at_ns - w.posts[1].at_ns, 40 * SECOND);
    ck_assert_int_eq(world_status(&w).failures, 0);
    world_run(&w, MINUTE);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

/* So little room that few records fit. */
static bool little_room(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    reply->has_send_budget = true;
    reply->send_budget = *(uint64_t *)world->arg;
    return true;
}

START_TEST(it_is_no_larger_than_the_hub_has_room_for)
{
    uint64_t room = 4096;

    start();
    w.answer = little_room;
    w.arg = &room;
    world_put(&w, 1000);
    world_run(&w, 30 * SECOND);
    ck_assert_uint_le(state_post(0)->bytes, room);
    ck_assert_uint_lt(state_post(0)->count, 90);
    check_all_arrived_once();
    world_free(&w);
}
END_TEST

/* One record alone is bad. */
static bool refuse_one(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)world;
    for (size_t i = 0; i < count; i++)
        reply->status = seqs[i] == *(uint64_t *)world->arg ? 400 : reply->status;
    return true;
}

START_TEST(a_guilty_record_is_found_by_the_batches_alone)
{
    uint64_t guilty = 1990;

    start();
    w.answer = refuse_one;
    w.arg = &guilty;
    world_put(&w, 2000);
    world_run(&w, 10 * MINUTE);
    ck_assert_int_eq(posts_of(HTTP_STATE), 1);
    ck_assert_int_eq(world_count(&w, ROW_ASIDE), 1);
    ck_assert_int_eq(w.rows[guilty], ROW_ASIDE);
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, nothing_is_told_to_an_endpoint_that_does_not_say_that_it_understands);
    suite_test(s, the_newest_state_comes_before_the_second_batch_of_a_backlog);
    suite_test(s, two_batches_are_no_backlog_and_one_record_more_is);
    suite_test(s, it_is_told_once_a_minute_at_most_and_only_what_is_newer);
    suite_test(s, an_answer_to_it_acknowledges_nothing);
    suite_test(s, a_lost_answer_is_waited_for_as_for_a_batch_and_a_batch_comes_next);
    suite_test(s, a_busy_hub_is_waited_for_as_it_asks_and_is_told_again_after_a_batch);
    suite_test(s, any_other_refusal_ends_it_for_this_backlog_and_costs_no_record);
    suite_test(s, an_answer_without_the_word_ends_it);
    suite_test(s, another_endpoint_is_told_nothing_before_it_says_that_it_understands);
    suite_test(s, it_stops_while_state_is_read_or_on_its_way);
    suite_test(s, a_failed_read_of_state_is_a_failed_read);
    suite_test(s, where_no_state_waits_the_records_go_on);
    suite_test(s, an_answer_to_it_that_asks_for_a_pause_is_heeded);
    suite_test(s, it_is_no_larger_than_the_hub_has_room_for);
    suite_test(s, a_guilty_record_is_found_by_the_batches_alone);
}

int main(void)
{
    return suite_main("transport: sender, state ahead", add);
}
