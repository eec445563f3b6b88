/* sender.h, send budget: what the hub says with its acknowledgement that it has room for. */
#include "base/text.h"
#include "tests/support/suite.h"
#include "tests/transport/support_world.h"

#include <string.h>

#define SECOND NS_PER_S
#define MINUTE (60 * NS_PER_S)

enum { ROW_EXTRA = 1000 };

static struct world w;

/* What the hub says with each answer, one after the other; the last one again and again. */
struct said {
    int status;     /* 0: 200 */
    int64_t budget; /* -1: no header */
    int64_t retry_after_ns;
};

static const struct said *script;
static int script_len;

static bool say(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    int i = world->post_count - 1; /* this one is counted already */
    const struct said *said = &script[i < script_len ? i : script_len - 1];

    (void)seqs;
    (void)count;
    reply->status = said->status != 0 ? said->status : 200;
    reply->has_send_budget = said->budget >= 0;
    reply->send_budget = said->budget >= 0 ? (uint64_t)said->budget : 0;
    reply->retry_after_ns = said->retry_after_ns;
    return true;
}

static void start(const struct said *says, int count)
{
    world_init(&w);
    w.config.batch_bytes = 64 * 1024;
    script = says;
    script_len = count;
    w.answer = say;
    world_start(&w);
}

#define START(says) start(says, (int)(sizeof(says) / sizeof(says)[0]))

/* Rows of about a kilobyte each, and off they go. */
static void put(uint64_t count)
{
    for (uint64_t seq = w.last_seq + 1; seq <= w.last_seq + count; seq++)
        w.sizes[seq] = ROW_EXTRA;
    world_put(&w, count);
    sender_flush(w.sender);
}

static void step_until(enum sender_state state)
{
    do
        ck_assert(world_step(&w));
    while (world_status(&w).state != state);
}

/* ---- smaller batches --------------------------------------------------------- */

START_TEST(the_next_body_is_no_larger_than_the_budget)
{
    static const struct said says[] = { { 0, 10000, -1 }, { 0, 5000, -1 }, { 0, 20000, -1 } };

    START(says);
    put(200);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 200);
    ck_assert_uint_gt(w.posts[0].bytes, 60000); /* nothing was said before it */
    ck_assert_uint_le(w.posts[1].bytes, 10000);
    ck_assert_uint_gt(w.posts[1].bytes, 10000 - ROW_EXTRA - 200);
    ck_assert_uint_le(w.posts[2].bytes, 5000);
    ck_assert_uint_gt(w.posts[2].bytes, 5000 - ROW_EXTRA - 200);
    ck_assert_uint_le(w.posts[3].bytes, 20000);
    ck_assert_uint_gt(w.posts[3].bytes, 20000 - ROW_EXTRA - 200);
    ck_assert_int_eq(world_status(&w).failures, 0);
    world_free(&w);
}
END_TEST

/* The last budget that lets one record through, and the first that lets two: the body of two to the byte. */
START_TEST(a_body_of_just_the_budget_fits)
{
    static struct said says[] = { { 0, 0, -1 }, { 0, -1, -1 } };
    size_t two;

    says[0].budget = -1;
    START(says);
    put(1);
    world_run(&w, SECOND);
    put(2);
    world_run(&w, SECOND);
    ck_assert_int_eq(w.post_count, 2);
    two = w.posts[1].bytes;
    world_free(&w);

    for (int more = 0; more <= 8; more += 8) { /* the envelope is reckoned eight bytes too large at most */
        says[0].budget = (int64_t)two - 1 + more + (more > 0);
        START(says);
        put(1);
        world_run(&w, SECOND);
        put(2);
        world_run(&w, SECOND);
        ck_assert_uint_eq(w.posts[1].count, more == 0 ? 1 : 2);
        ck_assert_uint_le(w.posts[1].bytes, (uint64_t)says[0].budget);
        ck_assert_int_eq(world_count(&w, ROW_ACKED), 3);
        world_free(&w);
    }
}
END_TEST

START_TEST(a_budget_smaller_than_a_record_lets_one_through)
{
    static const struct said says[] = { { 0, 1, -1 } };

    START(says);
    put(70);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 70);
    ck_assert_uint_gt(w.posts[0].count, 50);
    for (int i = 1; i < w.post_count; i++)
        ck_assert_uint_eq(w.posts[i].count, 1);
    ck_assert_int_eq(w.post_count, 1 + 70 - (int)w.posts[0].count);
    world_free(&w);
}
END_TEST

START_TEST(a_budget_makes_no_batch_larger_than_the_settings_say)
{
    static const struct said large[] = { { 0, INT64_C(1) << 40, -1 } }, none[] = { { 0, -1, -1 } };
    size_t counts[8];
    int posts;

    START(none);
    put(300);
    world_run(&w, MINUTE);
    posts = w.post_count;
    ck_assert_int_le(posts, 8);
    for (int i = 0; i < posts; i++)
        counts[i] = w.posts[i].count;
    world_free(&w);

    START(large);
    put(300);
    world_run(&w, MINUTE);
    ck_assert_int_eq(w.post_count, posts);
    for (int i = 0; i < posts; i++)
        ck_assert_uint_eq(w.posts[i].count, counts[i]);
    world_free(&w);
}
END_TEST

START_TEST(an_answer_that_says_nothing_ends_the_budget)
{
    static const struct said says[] = { { 0, 3000, -1 }, { 0, -1, -1 } };

    START(says);
    put(200);
    world_run(&w, MINUTE);
    ck_assert_uint_le(w.posts[1].bytes, 3000);
    ck_assert_uint_gt(w.posts[2].bytes, 60000);
    world_free(&w);
}
END_TEST

START_TEST(only_an_accepting_answer_has_a_budget)
{
    static const struct said says[] = { { 503, 0, SECOND }, { 429, 2000, SECOND }, { 0, -1, -1 } };

    START(says);
    put(200);
    step_until(SENDER_WAITING);
    ck_assert_int_eq(world_status(&w).failures, 1);
    ck_assert_str_eq(world_status(&w).pause, "");
    world_run(&w, MINUTE);
    ck_assert_uint_gt(w.posts[1].bytes, 60000);
    ck_assert_uint_gt(w.posts[2].bytes, 60000);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 200);
    world_free(&w);
}
END_TEST

/* ---- pauses -------------------------------------------------------------------- */

START_TEST(a_budget_of_nothing_is_waited_for_as_told_and_is_no_failure)
{
    static const struct said says[] = { { 0, 0, 30 * SECOND }, { 0, -1, -1 } };
    struct sender_status st;

    START(says);
    put(200);
    step_until(SENDER_WAITING);
    st = world_status(&w);
    ck_assert_uint_eq(st.acked_through, w.posts[0].last); /* what was taken is acknowledged first */
    ck_assert_int_eq(st.failures, 0);
    ck_assert_str_eq(st.problem, "");
    ck_assert_str_eq(st.remedy, "");
    ck_assert_ptr_nonnull(strstr(st.pause, "asks this agent to wait"));
    ck_assert_int_ge(w.last_delay_ns, 30 * SECOND);
    ck_assert_int_le(w.last_delay_ns, 33 * SECOND);
    ck_assert_int_eq(st.next_try_ns, WORLD_EPOCH + w.now_ns + w.last_delay_ns);
    world_run(&w, 29 * SECOND);
    ck_assert_int_eq(w.post_count, 1);
    world_run(&w, 10 * SECOND);
    ck_assert_uint_gt(w.posts[1].bytes, 60000); /* the pause has used the budget up */
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 200);
    ck_assert_str_eq(world_status(&w).pause, "");
    ck_assert_int_eq(world_status(&w).next_try_ns, 0);
    world_free(&w);
}
END_TEST

START_TEST(a_pause_is_capped_and_spread_like_any_other_wait)
{
    static struct said says[] = { { 0, 0, 24 * 60 * MINUTE } };
    int64_t lowest = INT64_MAX, highest = 0;

    START(says);
    put(2000);
    for (int i = 0; i < 20; i++) {
        step_until(SENDER_WAITING);
        lowest = w.last_delay_ns < lowest ? w.last_delay_ns : lowest;
        highest = w.last_delay_ns > highest ? w.last_delay_ns : highest;
        ck_assert_int_eq(w.post_count, i + 1);
        ck_assert_int_eq(world_status(&w).failures, 0);
    }
    ck_assert_int_ge(lowest, w.config.retry_max_ns);
    ck_assert_int_le(highest, w.config.retry_max_ns / 10 * 11);
    ck_assert_int_gt(highest - lowest, w.config.retry_max_ns / 50);
    world_free(&w);
}
END_TEST

START_TEST(a_pause_without_a_time_is_a_short_one)
{
    static const int64_t times[] = { -1, 0 };

    for (int i = 0; i < 2; i++) {
        struct said says[] = { { 0, 0, times[i] }, { 0, -1, -1 } };

        START(says);
        put(200);
        step_until(SENDER_WAITING);
        ck_assert_int_le(w.last_delay_ns, w.config.retry_min_ns);
        ck_assert_str_ne(world_status(&w).pause, "");
        world_run(&w, MINUTE);
        ck_assert_int_eq(world_count(&w, ROW_ACKED), 200);
        world_free(&w);
    }
}
END_TEST

START_TEST(a_time_without_a_budget_of_nothing_is_passed_over)
{
    static const struct said says[] = { { 0, -1, 60 * MINUTE }, { 0, 9000, 60 * MINUTE } };

    START(says);
    put(200);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 200);
    ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
    world_free(&w);
}
END_TEST

START_TEST(neither_a_flush_nor_new_records_end_a_pause)
{
    static const struct said says[] = { { 0, 0, MINUTE }, { 0, -1, -1 } };

    START(says);
    put(5);
    step_until(SENDER_WAITING);
    put(2000);
    sender_flush(w.sender);
    world_run(&w, 59 * SECOND);
    ck_assert_int_eq(w.post_count, 1);
    ck_assert_int_eq(world_status(&w).state, SENDER_WAITING);
    world_run(&w, 2 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 2005);
    world_free(&w);
}
END_TEST

START_TEST(a_reload_ends_a_pause_and_forgets_the_budget)
{
    static const struct said says[] = { { 0, 0, 4 * MINUTE }, { 0, 3000, -1 }, { 0, -1, -1 } };

    START(says);
    put(60);
    step_until(SENDER_WAITING);
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    ck_assert_str_eq(world_status(&w).pause, "");
    ck_assert_int_eq(world_status(&w).next_try_ns, 0);
    put(5);
    world_run(&w, SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 65);
    ck_assert_int_eq(w.post_count, 2);
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    put(50);
    world_run(&w, SECOND);
    ck_assert_uint_eq(w.posts[2].count, 50);
    world_free(&w);
}
END_TEST

START_TEST(a_reload_while_acknowledging_forgets_a_pause_that_was_told)
{
    static const struct said says[] = { { 0, 0, 4 * MINUTE }, { 0, -1, -1 } };

    START(says);
    put(200);
    step_until(SENDER_ACKING);
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 200);
    world_free(&w);
}
END_TEST

START_TEST(it_stops_in_a_pause)
{
    static const struct said says[] = { { 0, 0, MINUTE } };

    START(says);
    put(200);
    step_until(SENDER_WAITING);
    world_stop(&w);
    ck_assert_int_eq(w.stopped, true);
    ck_assert_str_eq(world_status(&w).pause, "");
    ck_assert_int_eq(world_status(&w).next_try_ns, 0);
    world_free(&w);
}
END_TEST

START_TEST(what_was_taken_is_acknowledged_before_the_pause_though_the_disk_fails)
{
    static const struct said says[] = { { 0, 0, 4 * MINUTE }, { 0, -1, -1 } };

    START(says);
    w.fail_acks = 2;
    put(200);
    while (w.acks == 0)
        ck_assert(world_step(&w));
    ck_assert_int_eq(w.post_count, 1);
    ck_assert_int_eq(world_status(&w).state, SENDER_WAITING);
    ck_assert_int_eq(world_status(&w).failures, 0);
    ck_assert_str_eq(world_status(&w).problem, "");
    ck_assert_str_ne(world_status(&w).pause, "");
    ck_assert_int_ge(w.last_delay_ns, 4 * MINUTE);
    world_run(&w, 5 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 200);
    world_free(&w);
}
END_TEST

/* A hub that accepts and does not have it has failed, whatever else it says. */
static bool say_and_not_have(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    say(world, seqs, count, reply);
    reply->has_acked_through = world->post_count == 2;
    reply->acked_through = 0;
    return true;
}

START_TEST(a_failure_with_a_budget_is_a_failure)
{
    static const struct said says[] = { { 0, -1, -1 }, { 0, 0, 20 * SECOND }, { 0, -1, -1 } };

    START(says);
    w.answer = say_and_not_have;
    put(40);
    world_run(&w, SECOND);
    put(20);
    step_until(SENDER_WAITING);
    ck_assert_int_eq(world_status(&w).failures, 1);
    ck_assert_str_ne(world_status(&w).problem, "");
    ck_assert_str_eq(world_status(&w).pause, "");
    world_run(&w, MINUTE);
    ck_assert_uint_eq(w.posts[2].count, 20); /* all of it again, not a record at a time */
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 60);
    world_free(&w);
}
END_TEST

START_TEST(the_search_for_a_guilty_record_goes_on_after_a_pause)
{
    /* All four are refused, the first two pass with a pause, the third passes, the fourth is guilty. */
    static const struct said says[] = {
        { 400, -1, -1 }, { 0, 0, 10 * SECOND }, { 0, -1, -1 }, { 400, -1, -1 }, { 0, -1, -1 }
    };

    START(says);
    put(4);
    step_until(SENDER_WAITING);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 2);
    ck_assert_int_eq(w.post_count, 2);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ASIDE), 1);
    ck_assert_int_eq(w.rows[4], ROW_ASIDE);
    ck_assert_int_eq(world_count(&w, ROW_WAITING), 0);
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_next_body_is_no_larger_than_the_budget);
    suite_test(s, a_body_of_just_the_budget_fits);
    suite_test(s, a_budget_smaller_than_a_record_lets_one_through);
    suite_test(s, a_budget_makes_no_batch_larger_than_the_settings_say);
    suite_test(s, an_answer_that_says_nothing_ends_the_budget);
    suite_test(s, only_an_accepting_answer_has_a_budget);
    suite_test(s, a_budget_of_nothing_is_waited_for_as_told_and_is_no_failure);
    suite_test(s, a_pause_is_capped_and_spread_like_any_other_wait);
    suite_test(s, a_pause_without_a_time_is_a_short_one);
    suite_test(s, a_time_without_a_budget_of_nothing_is_passed_over);
    suite_test(s, neither_a_flush_nor_new_records_end_a_pause);
    suite_test(s, a_reload_ends_a_pause_and_forgets_the_budget);
    suite_test(s, a_reload_while_acknowledging_forgets_a_pause_that_was_told);
    suite_test(s, it_stops_in_a_pause);
    suite_test(s, what_was_taken_is_acknowledged_before_the_pause_though_the_disk_fails);
    suite_test(s, a_failure_with_a_budget_is_a_failure);
    suite_test(s, the_search_for_a_guilty_record_goes_on_after_a_pause);
}

int main(void)
{
    return suite_main("transport: sender budget", add);
}
