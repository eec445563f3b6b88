/* sender.h: every row of the retry table, and everything around it, on a
 * virtual clock. */
#include "base/text.h"
#include "tests/support/suite.h"
#include "tests/transport/support_world.h"
#include "transport/verdict.h"

#include <stdio.h>
#include <string.h>

static struct world w;

#define SECOND NS_PER_S
#define MINUTE (60 * NS_PER_S)

static void start(void)
{
    world_init(&w);
    world_start(&w);
}

/* ---- batches and company -------------------------------------------------- */

START_TEST(a_small_batch_waits_for_company)
{
    start();
    world_put(&w, 3);
    world_run(&w, 4 * SECOND);
    ck_assert_int_eq(w.post_count, 0);
    world_put(&w, 2);
    world_run(&w, 2 * SECOND);
    ck_assert_int_eq(w.post_count, 1);
    ck_assert_uint_eq(w.posts[0].count, 5);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_uint_eq(world_status(&w).acked_through, 5);
    ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
    world_free(&w);
}
END_TEST

START_TEST(a_full_batch_goes_at_once)
{
    start();
    world_put(&w, 2500);
    world_run(&w, SECOND);
    ck_assert_uint_eq(w.posts[0].count, 1000);
    ck_assert_uint_eq(w.posts[1].count, 1000);
    ck_assert_uint_eq(w.posts[1].first, 1001);
    world_run(&w, 10 * SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 2500);
    ck_assert_int_eq(w.post_count, 3);
    world_free(&w);
}
END_TEST

START_TEST(old_records_do_not_wait)
{
    start();
    w.rows[1] = ROW_WAITING;
    w.last_seq = 1;
    sender_kick(w.sender, 1, WORLD_EPOCH - MINUTE);
    world_run(&w, SECOND);
    ck_assert_int_eq(w.post_count, 1);
    world_free(&w);
}
END_TEST

START_TEST(a_clock_that_was_set_back_delays_by_the_age_at_most)
{
    start();
    w.rows[1] = ROW_WAITING;
    w.last_seq = 1;
    sender_kick(w.sender, 1, WORLD_EPOCH + 60 * MINUTE);
    world_run(&w, 6 * SECOND);
    ck_assert_int_eq(w.post_count, 1);
    world_free(&w);
}
END_TEST

START_TEST(flush_does_not_wait_for_company)
{
    start();
    world_put(&w, 3);
    sender_flush(w.sender);
    world_run(&w, SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 3);
    world_free(&w);
}
END_TEST

START_TEST(rows_that_come_while_a_batch_is_under_way_are_not_forgotten)
{
    start();
    world_put(&w, 3);
    sender_flush(w.sender);
    world_step(&w); /* read done, posted */
    ck_assert_int_eq(world_status(&w).state, SENDER_SENDING);
    world_put(&w, 4);
    world_run(&w, 10 * SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 7);
    world_free(&w);
}
END_TEST

START_TEST(a_trickle_is_sent_in_batches_not_one_by_one)
{
    start();
    for (int i = 0; i < 600; i++) {
        world_put(&w, 1);
        world_run(&w, 100 * NS_PER_MS);
    }
    world_run(&w, 10 * SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 600);
    ck_assert_int_le(w.post_count, 16); /* a minute in batches of five seconds */
    world_free(&w);
}
END_TEST

START_TEST(a_batch_is_bounded_by_bytes)
{
    world_init(&w);
    w.config.batch_bytes = 4096;
    world_start(&w);
    for (int i = 1; i <= 40; i++)
        w.sizes[i] = 1000;
    world_put(&w, 40);
    sender_flush(w.sender);
    world_run(&w, 10 * SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 40);
    ck_assert_uint_le(w.posts[0].count, 4);
    world_free(&w);
}
END_TEST

START_TEST(nothing_is_sent_before_the_speaker_is_known_or_without_a_client)
{
    struct agent_config_hub config;

    start();
    config = w.config;
    ck_assert_int_eq(sender_reconfigure(w.sender, &config, NULL, NULL), 0);
    world_put(&w, 3);
    sender_flush(w.sender);
    world_run(&w, MINUTE);
    ck_assert_int_eq(w.post_count, 0);
    ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
    ck_assert_int_eq(sender_reconfigure(w.sender, &config, &w.http, NULL), 0);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 3);
    world_free(&w);
}
END_TEST

START_TEST(a_restarted_sender_goes_on_where_the_store_is)
{
    world_init(&w);
    w.acked_through = 10;
    w.last_seq = 10;
    for (int i = 1; i <= 10; i++)
        w.rows[i] = ROW_ACKED;
    world_start(&w);
    world_put(&w, 5);
    sender_flush(w.sender);
    world_run(&w, SECOND);
    ck_assert_uint_eq(w.posts[0].first, 11);
    ck_assert_uint_eq(world_status(&w).acked_through, 15);
    world_free(&w);
}
END_TEST

/* ---- the retry table ------------------------------------------------------ */

/* Answers *arg, unless it is 0: then 200. */
static bool answer_status(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    if (*(int *)world->arg != 0)
        reply->status = *(int *)world->arg;
    return true;
}

static bool answer_nothing(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    if (*(int *)world->arg == 0)
        return true;
    reply->status = 0;
    return false;
}

static void waits_and_recovers(int status)
{
    static int now;

    now = status;
    start();
    w.answer = status == 0 ? answer_nothing : answer_status;
    now = status == 0 ? 1 : status;
    w.arg = &now;
    world_put(&w, 5);
    sender_flush(w.sender);
    world_run(&w, 100 * NS_PER_MS + (status == 0 ? w.config.timeout_ns : 0));
    ck_assert_int_ge(w.post_count, 1);
    ck_assert_int_eq(world_count(&w, ROW_WAITING), 5);
    ck_assert_int_ge(world_status(&w).failures, 1);
    ck_assert_str_ne(world_status(&w).problem, "");
    world_run(&w, 20 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_WAITING), 5);
    now = 0;
    world_run(&w, 6 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_int_eq(world_status(&w).failures, 0);
    ck_assert_str_eq(world_status(&w).problem, "");
    ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
    ck_assert_int_eq(world_status(&w).next_try_ns, 0);
    world_free(&w);
}

START_TEST(answers_that_pass_are_waited_for)
{
    static const int statuses[] = { 429, 502, 503, 504, 500, 501, 404, 405, 407, 301, 308, 402, 418, 599, 415 };

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        waits_and_recovers(statuses[i]);
}
END_TEST

START_TEST(no_answer_is_waited_for)
{
    waits_and_recovers(0);
}
END_TEST

START_TEST(a_post_that_cannot_start_is_waited_for)
{
    start();
    w.fail_posts = 1;
    world_put(&w, 5);
    sender_flush(w.sender);
    while (world_status(&w).failures == 0)
        ck_assert(world_step(&w));
    ck_assert_str_eq(world_status(&w).problem, "no answer from the hub: no sockets left");
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    world_free(&w);
}
END_TEST

START_TEST(the_jitter_stays_below_a_doubling_ceiling)
{
    static int status = 503;
    int64_t ceiling = SECOND, highest = 0;

    start();
    w.answer = answer_status;
    w.arg = &status;
    world_put(&w, 1);
    sender_flush(w.sender);
    for (int failures = 1; failures < 40; failures++) {
        while (world_status(&w).failures < failures)
            ck_assert(world_step(&w));
        ck_assert_int_le(w.last_delay_ns, ceiling);
        highest = w.last_delay_ns > highest ? w.last_delay_ns : highest;
        ck_assert_int_eq(world_status(&w).state, SENDER_WAITING);
        ck_assert_int_eq(world_status(&w).next_try_ns, WORLD_EPOCH + w.now_ns + w.last_delay_ns);
        ceiling = ceiling * 2 < 5 * MINUTE ? ceiling * 2 : 5 * MINUTE;
    }
    ck_assert_int_gt(highest, MINUTE);
    world_free(&w);
}
END_TEST

START_TEST(the_jitter_is_full)
{
    static struct world x;
    int64_t lowest = INT64_MAX, highest = 0;

    world_init(&x);
    for (int i = 0; i < 1000; i++) {
        int64_t d = backoff_ns(SECOND, 5 * MINUTE, 30, -1, &x.random);

        ck_assert_int_ge(d, 0);
        ck_assert_int_le(d, 5 * MINUTE);
        lowest = d < lowest ? d : lowest;
        highest = d > highest ? d : highest;
    }
    ck_assert_int_lt(lowest, 5 * SECOND);
    ck_assert_int_gt(highest, 5 * MINUTE - 5 * SECOND);
}
END_TEST

static bool answer_retry_after(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    reply->status = 429;
    reply->retry_after_ns = *(int64_t *)world->arg;
    return true;
}

static void retry_after(int64_t asked, int64_t least, int64_t most)
{
    start();
    w.answer = answer_retry_after;
    w.arg = &asked;
    world_put(&w, 1);
    sender_flush(w.sender);
    world_run(&w, 100 * NS_PER_MS);
    ck_assert_int_ge(w.last_delay_ns, least);
    ck_assert_int_le(w.last_delay_ns, most);
    sender_flush(w.sender); /* does not end it */
    world_kick(&w);
    world_run(&w, least - SECOND);
    ck_assert_int_eq(w.post_count, 1);
    world_free(&w);
}

START_TEST(retry_after_is_honoured_and_capped)
{
    retry_after(20 * SECOND, 20 * SECOND, 22 * SECOND);
    retry_after(5 * SECOND, 5 * SECOND, 6 * SECOND);
    retry_after(60 * MINUTE, 5 * MINUTE, 5 * MINUTE + 30 * SECOND);
}
END_TEST

START_TEST(a_certificate_problem_waits_long_at_once)
{
    start();
    w.answer = answer_nothing;
    w.arg = &(int){ 1 };
    world_put(&w, 1);
    sender_flush(w.sender);
    world_step(&w);
    w.post.reply.certificate_problem = true;
    world_step(&w);
    ck_assert_int_ge(w.last_delay_ns, 150 * SECOND);
    ck_assert_int_le(w.last_delay_ns, 5 * MINUTE);
    ck_assert_str_eq(world_status(&w).remedy, "check hub.ca_file, the name in hub.url and the hub's certificate");
    world_free(&w);
}
END_TEST

START_TEST(each_failure_says_what_to_do)
{
    struct http_reply reply = { .status = 503, .body = "busy" };
    char text[256];

    ck_assert_str_eq(verdict_sentence(&reply, text, sizeof text), "the hub answered 503 (not available): busy");
    ck_assert_str_eq(verdict_remedy(&reply), "");
    reply = (struct http_reply){ .status = 401 };
    ck_assert_str_eq(verdict_sentence(&reply, text, sizeof text), "the hub answered 401 (not authorised)");
    ck_assert_str_eq(
        verdict_remedy(&reply),
        "enrol this host (hub.enroll_token_file), or check hub.token_file (or hub.cert_file), then reload");
    reply = (struct http_reply){ .error = "connection refused" };
    ck_assert_str_eq(verdict_sentence(&reply, text, sizeof text), "no answer from the hub: connection refused");
    ck_assert_str_ne(verdict_remedy(&reply), "");
}
END_TEST

START_TEST(every_status_has_its_row)
{
    /* clang-format off */
    static const struct {
        int status;
        enum verdict verdict;
    } want[] = {
        { 0, VERDICT_WAIT }, { 200, VERDICT_ACCEPTED }, { 202, VERDICT_ACCEPTED }, { 204, VERDICT_ACCEPTED },
        { 302, VERDICT_WAIT }, { 400, VERDICT_GUILTY }, { 401, VERDICT_REFUSED }, { 403, VERDICT_REFUSED },
        { 404, VERDICT_WAIT }, { 408, VERDICT_WAIT }, { 413, VERDICT_TOO_LARGE }, { 415, VERDICT_ENCODING },
        { 422, VERDICT_WAIT }, { 429, VERDICT_WAIT }, { 500, VERDICT_WAIT }, { 502, VERDICT_WAIT },
        { 503, VERDICT_WAIT }, { 504, VERDICT_WAIT }, { 505, VERDICT_WAIT }, { 100, VERDICT_WAIT },
        { -1, VERDICT_WAIT }, { 7777, VERDICT_WAIT },
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        ck_assert_msg(verdict_of(want[i].status)->verdict == want[i].verdict, "status %d", want[i].status);
}
END_TEST

/* ---- refusals -------------------------------------------------------------- */

static void refused(int status)
{
    static int now;

    now = status;
    start();
    w.answer = answer_status;
    w.arg = &now;
    world_put(&w, 5);
    sender_flush(w.sender);
    world_run(&w, MINUTE);
    ck_assert_int_eq(w.post_count, 1);
    ck_assert_int_eq(world_status(&w).state, SENDER_REFUSED);
    ck_assert_str_ne(world_status(&w).remedy, "");
    world_put(&w, 2000);
    sender_flush(w.sender);
    world_run(&w, 13 * MINUTE);
    ck_assert_int_eq(w.post_count, 1);
    world_run(&w, 5 * MINUTE);
    ck_assert_int_eq(w.post_count, 2);
    ck_assert_int_eq(world_status(&w).state, SENDER_REFUSED);
    now = 0;
    world_run(&w, 20 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 2005);
    ck_assert_str_eq(world_status(&w).problem, "");
    world_free(&w);
}

START_TEST(a_refusal_stops_sending_and_is_tried_again_after_a_while)
{
    refused(401);
    refused(403);
}
END_TEST

START_TEST(a_refusal_ends_with_a_reload)
{
    static int now = 403;

    start();
    w.answer = answer_status;
    w.arg = &now;
    world_put(&w, 5);
    sender_flush(w.sender);
    world_run(&w, MINUTE);
    now = 0;
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    world_run(&w, SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
    world_free(&w);
}
END_TEST

START_TEST(a_reload_while_sending_sends_again)
{
    start();
    world_put(&w, 5);
    sender_flush(w.sender);
    world_step(&w);
    ck_assert_int_eq(world_status(&w).state, SENDER_SENDING);
    w.config.batch_count = 2;
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    ck_assert_int_eq(w.cancels, 1);
    world_run(&w, SECOND);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_uint_eq(w.posts[1].count, 2);
    world_free(&w);
}
END_TEST

START_TEST(a_reload_while_reading_or_acknowledging_loses_nothing)
{
    start();
    world_put(&w, 5);
    sender_flush(w.sender);
    ck_assert_int_eq(world_status(&w).state, SENDER_READING);
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, NULL, NULL), 0);
    world_run(&w, SECOND);
    ck_assert_int_eq(w.post_count, 0);
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    world_step(&w);
    world_step(&w);
    ck_assert_int_eq(world_status(&w).state, SENDER_ACKING);
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_int_eq(w.post_count, 1);
    world_free(&w);
}
END_TEST

/* ---- too large, and guilty -------------------------------------------------- */

struct taste {
    size_t count_max; /* more: 413 */
    size_t too_large; /* a record of this number: 413; 0 none */
    uint64_t guilty[16];
    bool all_guilty, all_large;
    bool empty_too; /* even an empty request is refused */
};

static bool answer_taste(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    const struct taste *t = world->arg;

    if (count == 0 ? t->empty_too : t->all_guilty)
        reply->status = 400;
    if (count > 0 && t->all_large)
        reply->status = 413;
    if (t->count_max > 0 && count > t->count_max)
        reply->status = 413;
    for (size_t i = 0; i < count; i++) {
        if (t->too_large != 0 && seqs[i] == t->too_large)
            reply->status = 413;
        for (size_t g = 0; g < 16; g++) {
            if (t->guilty[g] != 0 && seqs[i] == t->guilty[g])
                reply->status = 400;
        }
    }
    if (reply->status != 200)
        text_copy(reply->body, sizeof reply->body, "not to my taste");
    return true;
}

static void with_taste(struct taste *t, uint64_t rows)
{
    start();
    w.answer = answer_taste;
    w.arg = t;
    world_put(&w, rows);
    sender_flush(w.sender);
}

START_TEST(a_batch_that_is_too_large_is_halved_until_it_fits)
{
    struct taste t = { .count_max = 100 };

    with_taste(&t, 1000);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 1000);
    ck_assert_uint_eq(w.posts[1].count, 500);
    ck_assert_uint_eq(w.posts[2].count, 250);
    ck_assert_uint_eq(w.posts[3].count, 125);
    ck_assert_uint_eq(w.posts[4].count, 62);
    ck_assert_int_eq(world_status(&w).failures, 0);
    world_free(&w);
}
END_TEST

START_TEST(a_lowered_batch_grows_again)
{
    struct taste t = { .count_max = 10 };

    with_taste(&t, 100);
    world_run(&w, 200 * NS_PER_MS);
    t.count_max = 0;
    world_run(&w, MINUTE);
    world_put(&w, 3900);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 4000);
    ck_assert_uint_gt(w.posts[w.post_count - 1].count, 100);
    world_free(&w);
}
END_TEST

START_TEST(one_record_that_is_too_large_is_set_aside_alone)
{
    struct taste t = { .too_large = 637 };

    with_taste(&t, 1000);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 1000); /* with the store's own about it */
    ck_assert_int_eq(w.rows[637], ROW_ASIDE);
    ck_assert_str_eq(w.reason, "the hub answered 413 (too large): not to my taste");
    ck_assert_uint_eq(world_status(&w).records_set_aside, 1);
    world_free(&w);
}
END_TEST

START_TEST(only_guilty_records_are_set_aside)
{
    struct taste t = { .guilty = { 1, 2, 3, 500, 501, 999, 1000, 1001, 1700, 1999, 2000 } };

    with_taste(&t, 2000);
    world_run(&w, 2 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ASIDE), 11);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 2000);
    for (int g = 0; g < 11; g++)
        ck_assert_int_eq(w.rows[t.guilty[g]], ROW_ASIDE);
    ck_assert_int_eq(world_status(&w).state, SENDER_IDLE);
    world_free(&w);
}
END_TEST

START_TEST(finding_one_guilty_record_costs_few_requests)
{
    struct taste t = { .guilty = { 777 } };

    with_taste(&t, 1000);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 1000);
    ck_assert_int_le(w.post_count, 25);
    world_free(&w);
}
END_TEST

START_TEST(an_endpoint_that_refuses_everything_gets_nothing_set_aside)
{
    struct taste t = { .all_guilty = true, .empty_too = true };

    with_taste(&t, 1000);
    world_run(&w, 60 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_WAITING), 1000);
    ck_assert_int_eq(world_status(&w).state, SENDER_REFUSED);
    ck_assert_str_eq(world_status(&w).problem,
                     "not even an empty request is taken: the hub answered 400 (bad request): not to my taste");
    ck_assert_int_le(w.post_count, 80);
    t = (struct taste){ 0 };
    world_run(&w, 20 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 1000);
    world_free(&w);
}
END_TEST

START_TEST(an_endpoint_that_takes_only_empty_requests_loses_few_records)
{
    struct taste t = { .all_guilty = true };

    with_taste(&t, 1000);
    world_run(&w, 10 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ASIDE), SENDER_SET_ASIDE_RUN);
    ck_assert_int_eq(world_status(&w).state, SENDER_REFUSED);
    world_free(&w);
}
END_TEST

START_TEST(an_endpoint_to_which_everything_is_too_large_is_not_believed_for_long)
{
    struct taste t = { .all_large = true };

    with_taste(&t, 100);
    world_run(&w, 10 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ASIDE), SENDER_SET_ASIDE_RUN);
    ck_assert_int_eq(world_status(&w).state, SENDER_REFUSED);
    world_free(&w);
}
END_TEST

START_TEST(a_first_guilty_record_is_judged_by_an_empty_request)
{
    struct taste t = { .guilty = { 1 } };

    with_taste(&t, 1);
    world_run(&w, MINUTE);
    ck_assert_int_eq(w.rows[1], ROW_ASIDE);
    ck_assert_int_eq(w.rows[2], ROW_ACKED);
    ck_assert_int_eq(w.post_count, 3);
    ck_assert_uint_eq(w.posts[1].count, 0);
    world_free(&w);
}
END_TEST

/* ---- compression ------------------------------------------------------------- */

static bool answer_415_to_zstd(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    if (strcmp(world->posts[world->post_count - 1].encoding, "zstd") == 0)
        reply->status = 415;
    return true;
}

START_TEST(each_compression_is_sent)
{
    static const char *const names[] = { "", "gzip", "zstd" };

    for (int c = COMPRESSION_NONE; c <= COMPRESSION_ZSTD; c++) {
        world_init(&w);
        w.config.compression = (enum compression)c;
        world_start(&w);
        world_put(&w, 100);
        sender_flush(w.sender);
        world_run(&w, SECOND);
        ck_assert_str_eq(w.posts[0].encoding, names[c]);
        ck_assert_int_eq(world_count(&w, ROW_ACKED), 100);
        ck_assert_uint_eq(world_status(&w).bytes_sent, w.posts[0].bytes);
        world_free(&w);
    }
}
END_TEST

START_TEST(an_unknown_compression_is_replaced)
{
    world_init(&w);
    w.config.compression = COMPRESSION_ZSTD;
    world_start(&w);
    w.answer = answer_415_to_zstd;
    world_put(&w, 100);
    sender_flush(w.sender);
    world_run(&w, SECOND);
    ck_assert_int_eq(w.post_count, 2);
    ck_assert_str_eq(w.posts[1].encoding, "gzip");
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 100);
    world_put(&w, 1);
    sender_flush(w.sender);
    world_run(&w, SECOND);
    ck_assert_str_eq(w.posts[2].encoding, "gzip");
    world_free(&w);
}
END_TEST

/* ---- marks ---------------------------------------------------------------------- */

static bool lose_first_answer(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    if (world->post_count == 1)
        return false;
    reply->has_acked_through = true;
    reply->acked_through = world->mark;
    return true;
}

START_TEST(after_a_lost_answer_the_hubs_mark_acknowledges_all_it_has)
{
    start();
    w.answer = lose_first_answer;
    world_put(&w, 100);
    sender_flush(w.sender);
    while (world_status(&w).failures == 0)
        ck_assert(world_step(&w));
    ck_assert_uint_eq(w.mark, 100);
    ck_assert_int_eq(world_count(&w, ROW_WAITING), 100);
    w.config.batch_count = 10; /* so that the answer is about less than the hub has */
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), 0);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 100);
    ck_assert_int_eq(w.post_count, 2);
    ck_assert_uint_eq(w.posts[1].count, 10);
    for (int i = 1; i <= 100; i++)
        ck_assert_int_eq(w.delivered[i], 1);
    world_free(&w);
}
END_TEST

static bool answer_mark(struct world *world, const uint64_t *seqs, size_t count, struct http_reply *reply)
{
    (void)seqs;
    (void)count;
    reply->has_acked_through = *(uint64_t *)world->arg != UINT64_MAX;
    reply->acked_through = *(uint64_t *)world->arg;
    return true;
}

START_TEST(a_mark_within_the_batch_acknowledges_that_far)
{
    uint64_t mark = 40;

    start();
    w.answer = answer_mark;
    w.arg = &mark;
    world_put(&w, 100);
    sender_flush(w.sender);
    while (w.acks == 0)
        ck_assert(world_step(&w));
    ck_assert_uint_eq(world_status(&w).acked_through, 40);
    mark = UINT64_MAX;
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 100);
    ck_assert_uint_eq(w.posts[1].first, 41);
    world_free(&w);
}
END_TEST

START_TEST(a_mark_below_the_batch_acknowledges_nothing_and_loses_nothing)
{
    uint64_t mark = 7;

    world_init(&w);
    w.acked_through = 10;
    w.last_seq = 10;
    for (int i = 1; i <= 10; i++)
        w.rows[i] = ROW_ACKED;
    world_start(&w);
    w.answer = answer_mark;
    w.arg = &mark;
    world_put(&w, 20);
    sender_flush(w.sender);
    world_run(&w, 10 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_WAITING), 20);
    ck_assert_int_gt(w.post_count, 1);
    ck_assert_int_lt(w.post_count, 40);
    ck_assert_str_eq(world_status(&w).problem, "the hub accepted records 11 to 30 but says it has them through 7 only");
    ck_assert_uint_eq(world_status(&w).hub_mark, 7);
    mark = UINT64_MAX;
    world_run(&w, 10 * MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 30);
    world_free(&w);
}
END_TEST

START_TEST(a_mark_above_everything_acknowledges_only_what_was_read)
{
    uint64_t mark = 1000000;

    world_init(&w);
    w.config.batch_count = 10;
    world_start(&w);
    w.answer = answer_mark;
    w.arg = &mark;
    world_put(&w, 100);
    while (w.acks == 0)
        ck_assert(world_step(&w));
    ck_assert_uint_eq(world_status(&w).acked_through, 10);
    ck_assert_uint_eq(world_status(&w).hub_mark, 1000000);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 100);
    ck_assert_int_eq(w.post_count, 10);
    world_free(&w);
}
END_TEST

/* ---- the outbox ------------------------------------------------------------------- */

START_TEST(a_failed_read_is_tried_again)
{
    start();
    w.fail_reads = 2;
    world_put(&w, 5);
    sender_flush(w.sender);
    world_run(&w, NS_PER_MS);
    ck_assert_str_eq(world_status(&w).problem, "cannot read the outbox: the disk says no");
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_str_eq(world_status(&w).problem, "");
    world_free(&w);
}
END_TEST

START_TEST(a_failed_acknowledgement_is_repeated_without_sending_again)
{
    start();
    w.fail_acks = 3;
    world_put(&w, 5);
    sender_flush(w.sender);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_int_eq(w.post_count, 1);
    ck_assert_int_eq(w.acks, 1);
    world_free(&w);
}
END_TEST

START_TEST(a_failed_setting_aside_is_repeated)
{
    struct taste t = { .guilty = { 3 } };

    with_taste(&t, 5);
    w.fail_asides = 2;
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    ck_assert_int_eq(w.rows[3], ROW_ASIDE);
    world_free(&w);
}
END_TEST

START_TEST(a_busy_outbox_is_tried_again)
{
    start();
    w.busy_ops = 3;
    world_put(&w, 5);
    sender_flush(w.sender);
    ck_assert_int_eq(world_status(&w).state, SENDER_WAITING);
    world_run(&w, MINUTE);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 5);
    world_free(&w);
}
END_TEST

/* ---- stopping ------------------------------------------------------------------------ */

static void stop_in(enum sender_state state, bool at_once)
{
    world_stop(&w);
    ck_assert_msg(w.stopped == at_once, "stopped at once in state %s", sender_state_name(state));
    world_run(&w, MINUTE);
    ck_assert(w.stopped);
    ck_assert_int_eq(world_status(&w).state, SENDER_STOPPED);
    ck_assert(!w.timer.on);
    world_kick(&w);
    sender_flush(w.sender);
    ck_assert_int_eq(sender_reconfigure(w.sender, &w.config, &w.http, NULL), ERR_STATE);
    world_run(&w, MINUTE);
    ck_assert_int_eq(w.op.kind, OP_NONE);
    world_free(&w);
}

START_TEST(it_stops_when_idle_or_waiting_for_company)
{
    start();
    stop_in(SENDER_IDLE, true);
    start();
    world_put(&w, 1);
    ck_assert(w.timer.on);
    stop_in(SENDER_IDLE, true);
}
END_TEST

START_TEST(it_stops_after_the_read_when_reading)
{
    start();
    world_put(&w, 1000);
    ck_assert_int_eq(world_status(&w).state, SENDER_READING);
    stop_in(SENDER_READING, false);
    ck_assert_int_eq(w.post_count, 0);
}
END_TEST

START_TEST(it_cancels_the_post_when_sending)
{
    start();
    world_put(&w, 1000);
    world_step(&w);
    stop_in(SENDER_SENDING, true);
    ck_assert_int_eq(w.cancels, 1);
    ck_assert_int_eq(world_count(&w, ROW_WAITING), 1000);
}
END_TEST

START_TEST(it_stops_after_the_acknowledgement_when_acknowledging)
{
    start();
    world_put(&w, 1000);
    world_step(&w);
    world_step(&w);
    ck_assert_int_eq(world_status(&w).state, SENDER_ACKING);
    stop_in(SENDER_ACKING, false);
    ck_assert_int_eq(world_count(&w, ROW_ACKED), 1000);
}
END_TEST

START_TEST(it_stops_when_waiting_or_refused)
{
    static const int statuses[] = { 503, 403 };
    static int now;

    for (int i = 0; i < 2; i++) {
        now = statuses[i];
        start();
        w.answer = answer_status;
        w.arg = &now;
        world_put(&w, 1000);
        world_step(&w);
        world_step(&w);
        ck_assert_int_eq(world_status(&w).state, i == 0 ? SENDER_WAITING : SENDER_REFUSED);
        stop_in(world_status(&w).state, true);
    }
}
END_TEST

START_TEST(states_have_names)
{
    ck_assert_str_eq(sender_state_name(SENDER_IDLE), "idle");
    ck_assert_str_eq(sender_state_name(SENDER_WAITING), "waiting");
    ck_assert_str_eq(sender_state_name(SENDER_REFUSED), "refused");
    ck_assert_str_eq(sender_state_name(SENDER_STOPPED), "stopped");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_small_batch_waits_for_company);
    suite_test(s, a_full_batch_goes_at_once);
    suite_test(s, old_records_do_not_wait);
    suite_test(s, a_clock_that_was_set_back_delays_by_the_age_at_most);
    suite_test(s, flush_does_not_wait_for_company);
    suite_test(s, rows_that_come_while_a_batch_is_under_way_are_not_forgotten);
    suite_test(s, a_trickle_is_sent_in_batches_not_one_by_one);
    suite_test(s, a_batch_is_bounded_by_bytes);
    suite_test(s, nothing_is_sent_before_the_speaker_is_known_or_without_a_client);
    suite_test(s, a_restarted_sender_goes_on_where_the_store_is);
    suite_test(s, answers_that_pass_are_waited_for);
    suite_test(s, no_answer_is_waited_for);
    suite_test(s, a_post_that_cannot_start_is_waited_for);
    suite_test(s, the_jitter_stays_below_a_doubling_ceiling);
    suite_test(s, the_jitter_is_full);
    suite_test(s, retry_after_is_honoured_and_capped);
    suite_test(s, a_certificate_problem_waits_long_at_once);
    suite_test(s, each_failure_says_what_to_do);
    suite_test(s, every_status_has_its_row);
    suite_test(s, a_refusal_stops_sending_and_is_tried_again_after_a_while);
    suite_test(s, a_refusal_ends_with_a_reload);
    suite_test(s, a_reload_while_sending_sends_again);
    suite_test(s, a_reload_while_reading_or_acknowledging_loses_nothing);
    suite_test(s, a_batch_that_is_too_large_is_halved_until_it_fits);
    suite_test(s, a_lowered_batch_grows_again);
    suite_test(s, one_record_that_is_too_large_is_set_aside_alone);
    suite_test(s, only_guilty_records_are_set_aside);
    suite_test(s, finding_one_guilty_record_costs_few_requests);
    suite_test(s, an_endpoint_that_refuses_everything_gets_nothing_set_aside);
    suite_test(s, an_endpoint_that_takes_only_empty_requests_loses_few_records);
    suite_test(s, an_endpoint_to_which_everything_is_too_large_is_not_believed_for_long);
    suite_test(s, a_first_guilty_record_is_judged_by_an_empty_request);
    suite_test(s, each_compression_is_sent);
    suite_test(s, an_unknown_compression_is_replaced);
    suite_test(s, after_a_lost_answer_the_hubs_mark_acknowledges_all_it_has);
    suite_test(s, a_mark_within_the_batch_acknowledges_that_far);
    suite_test(s, a_mark_below_the_batch_acknowledges_nothing_and_loses_nothing);
    suite_test(s, a_mark_above_everything_acknowledges_only_what_was_read);
    suite_test(s, a_failed_read_is_tried_again);
    suite_test(s, a_failed_acknowledgement_is_repeated_without_sending_again);
    suite_test(s, a_failed_setting_aside_is_repeated);
    suite_test(s, a_busy_outbox_is_tried_again);
    suite_test(s, it_stops_when_idle_or_waiting_for_company);
    suite_test(s, it_stops_after_the_read_when_reading);
    suite_test(s, it_cancels_the_post_when_sending);
    suite_test(s, it_stops_after_the_acknowledgement_when_acknowledging);
    suite_test(s, it_stops_when_waiting_or_refused);
    suite_test(s, states_have_names);
}

int main(void)
{
    return suite_main("transport: sender", add);
}
