/* The writer: what is committed together, what is answered when a commit fails, what waits, and when it looks after the
 * store. */
#include "base/text.h"
#include "hub/writer.h"
#include "tests/hub/support_faulty.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { JOBS = 140, GROUP = 64, PATIENCE_S = 120, PRUNED_AT_ONCE = 500 };

struct job {
    struct writer_job w;
    _Atomic bool done;
    int order;
};

static struct {
    char path[4200];
    struct clock clock;
    _Atomic int64_t now;
    struct fleet_store *store;
    struct counters counters;
    struct writer *writer;
    struct job jobs[JOBS];
    _Atomic int answered;
} w;

static int64_t now_of(const struct clock *c)
{
    (void)c;
    return w.now;
}

static void set_up(int jobs_max, size_t bytes_max)
{
    struct writer_options options = { .counters = &w.counters, .jobs_max = jobs_max, .bytes_max = bytes_max };
    struct err e = { 0 };

    memset(&w, 0, sizeof w);
    w.now = T0 + 1000 * MINUTES;
    w.clock = (struct clock){ .wall_ns = now_of, .monotonic_ns = now_of };
    snprintf(w.path, sizeof w.path, "%s/fleet.db", temp_dir());
    w.store = open_store(w.path, &w.clock);
    faulty_begin(w.store);
    options.store = w.store;
    options.clock = &w.clock;
    ck_assert_msg(writer_start(&w.writer, &options, &e) == 0, "%s", e.text);
}

static void tear_down(void)
{
    writer_stop(w.writer);
    faulty_end(w.store);
    fleet_store_close(w.store);
    for (int i = 0; i < JOBS; i++)
        otlp_request_free(&w.jobs[i].w.request);
}

static void answered(struct writer_job *job)
{
    struct job *j = (struct job *)(void *)job;

    j->order = w.answered++;
    j->done = true;
}

static void wait_until(const char *what, bool (*so)(void))
{
    time_t end = time(NULL) + PATIENCE_S;

    while (!so()) {
        ck_assert_msg(time(NULL) < end, "not so after %d s: %s", PATIENCE_S, what);
        nanosleep(&(struct timespec){ 0, NS_PER_MS }, NULL);
    }
}

static int wanted; /* answers */

static bool all_answered(void)
{
    return w.answered == wanted;
}

static void wait_for_answers(int count)
{
    wanted = count;
    wait_until("the requests are answered", all_answered);
}

/* `count` records of agent n from number `first` on, into job i, on its way. */
static void submit(int i, int agent, uint64_t first, int count)
{
    struct resource who = made_agent(agent, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct otlp_limits limits = otlp_limits_default();
    struct job *j = &w.jobs[i];
    struct err e = { 0 };
    struct buf bytes;
    struct made m;

    buf_init(&bytes, 8 * 1024 * 1024);
    made_init(&m, first);
    made_lifecycle(&m, 1, count, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    ck_assert_msg(otlp_decode(bytes.data, bytes.len, &limits, &j->w.request, &e) == 0, "%s", e.text);
    buf_free(&bytes);
    j->w.done = answered;
    j->w.bytes = 1;
    ck_assert(writer_reserve(w.writer, 1));
    writer_submit(w.writer, &j->w);
}

/* The first request is being stored, and waits there until faulty_hold(false). */
static void hold_one(void)
{
    faulty_hold(true);
    submit(0, 1, 1, 1);
    wait_until("the first is being stored", faulty_held);
}

static bool ready(void)
{
    char reason[ERR_TEXT_MAX];

    return writer_ready(w.writer, reason, sizeof reason);
}

static bool not_ready(void)
{
    return !ready();
}

static void ck_assert_reason(const char *part)
{
    char reason[ERR_TEXT_MAX] = "";

    ck_assert(!writer_ready(w.writer, reason, sizeof reason));
    ck_assert_msg(strstr(reason, part) != NULL, "\"%s\" says nothing of \"%s\"", reason, part);
}

/* ---- together and alone ------------------------------------------------------------------------ */

START_TEST(what_waits_is_committed_together_as_much_as_a_group_takes_and_answered_in_order)
{
    set_up(JOBS, 1000);
    hold_one();
    for (int i = 1; i <= GROUP + 6; i++)
        submit(i, 1, (uint64_t)i + 1, 1);
    ck_assert_int_eq(w.counters.queue, GROUP + 7);
    faulty_hold(false);
    wait_for_answers(GROUP + 7);
    ck_assert_int_eq(w.counters.commits, 3);
    ck_assert_int_eq(w.counters.records, GROUP + 7);
    for (int i = 0; i <= GROUP + 6; i++) {
        ck_assert_int_eq(w.jobs[i].w.rc, 0);
        ck_assert_int_eq(w.jobs[i].order, i);
        ck_assert_uint_eq(w.jobs[i].w.batch.stored, 1);
        ck_assert_uint_eq(w.jobs[i].w.batch.acked_through, i == 0 ? 1 : i <= GROUP ? GROUP + 1 : GROUP + 7);
    }
    ck_assert_int_eq(w.counters.queue, 0);
    tear_down();
}
END_TEST

START_TEST(a_request_that_can_not_be_stored_does_not_hold_up_those_that_came_with_it)
{
    set_up(JOBS, 1000);
    hold_one();
    for (int i = 1; i <= 3; i++) {
        w.jobs[i].w.credential = i == 3 ? "token:b" : "token:a";
        w.jobs[i].w.streams_max = 1;
        submit(i, i + 1, 1, 1);
    }
    faulty_hold(false);
    wait_for_answers(4);
    ck_assert_int_eq(w.jobs[1].w.rc, 0);
    ck_assert_int_eq(w.jobs[2].w.rc, ERR_REFUSED);
    ck_assert_msg(strstr(w.jobs[2].w.err.text, "ingest.max_agents") != NULL, "%s", w.jobs[2].w.err.text);
    ck_assert_int_eq(w.jobs[3].w.rc, 0);
    ck_assert_int_eq(w.counters.records, 3);
    ck_assert(ready());
    tear_down();
}
END_TEST

START_TEST(the_disk_is_blamed_for_what_is_the_disks_and_not_for_what_a_request_holds)
{
    static const int contents[] = { ERR_TOO_BIG, ERR_INVALID, ERR_REFUSED, ERR_MEMORY };
    static const int io = ERR_IO;
    int n = (int)(sizeof contents / sizeof contents[0]);

    set_up(JOBS, 1000);
    for (int i = 0; i < n; i++) {
        faulty_script("record_put", &contents[i], 1);
        submit(i, 1, 1, 1);
        wait_for_answers(i + 1);
        ck_assert_int_eq(w.jobs[i].w.rc, contents[i]);
        ck_assert(ready());
    }
    ck_assert_int_eq(w.counters.commit_failures, n);
    faulty_script("record_put", &io, 1);
    submit(n, 1, 1, 1);
    wait_for_answers(n + 1);
    ck_assert_int_eq(w.jobs[n].w.rc, ERR_IO);
    ck_assert_reason("record_put fails");
    submit(n + 1, 1, 1, 1);
    wait_for_answers(n + 2);
    ck_assert_int_eq(w.jobs[n + 1].w.rc, 0);
    ck_assert(ready());
    tear_down();
}
END_TEST

static bool tried_later(void)
{
    return w.counters.last_commit_ns == w.now;
}

START_TEST(a_store_that_failed_is_tried_again_without_being_asked)
{
    static const int io = ERR_IO;

    set_up(JOBS, 1000);
    faulty_script("record_put", &io, 1);
    submit(0, 1, 1, 1);
    wait_for_answers(1);
    ck_assert_reason("record_put fails");
    w.now += 6 * NS_PER_S;
    wait_until("it was tried", tried_later);
    ck_assert(ready());
    tear_down();
}
END_TEST

START_TEST(a_disk_that_fails_while_requests_are_tried_alone_is_told)
{
    static const int errors[] = { ERR_INVALID, 0, ERR_IO };

    set_up(JOBS, 1000);
    hold_one();
    submit(1, 2, 1, 1);
    submit(2, 3, 1, 1);
    faulty_script("record_put", errors, 3); /* the group; the first alone; the second alone */
    faulty_hold(false);
    wait_for_answers(3);
    ck_assert_int_eq(w.jobs[1].w.rc, 0);
    ck_assert_int_eq(w.jobs[2].w.rc, ERR_IO);
    ck_assert_reason("record_put fails");
    tear_down();
}
END_TEST

/* ---- places -------------------------------------------------------------------------------------- */

START_TEST(places_are_bounded_by_requests_and_by_bytes_and_one_is_always_let_in)
{
    set_up(2, 100);
    ck_assert(!writer_full(w.writer));
    ck_assert(writer_reserve(w.writer, 1000000)); /* counts for all there is */
    ck_assert(writer_full(w.writer));
    ck_assert(!writer_reserve(w.writer, 1));
    writer_release(w.writer, 1000000);
    ck_assert(writer_reserve(w.writer, 60));
    ck_assert(!writer_full(w.writer));
    ck_assert(!writer_reserve(w.writer, 41));
    ck_assert(writer_reserve(w.writer, 40));
    ck_assert(writer_full(w.writer));
    writer_release(w.writer, 40);
    ck_assert(writer_reserve(w.writer, 0));
    ck_assert(writer_full(w.writer)); /* two requests */
    ck_assert(!writer_reserve(w.writer, 0));
    ck_assert_int_eq(w.counters.queue, 2);
    writer_release(w.writer, 60);
    writer_release(w.writer, 0);
    ck_assert_int_eq(w.counters.queue, 0);
    tear_down();
}
END_TEST

START_TEST(the_load_is_that_of_places_or_of_bytes_whichever_is_more_rounded_up)
{
    set_up(8, 1000);
    ck_assert_int_eq(writer_load(w.writer), 0);
    for (int i = 0; i < 4; i++)
        ck_assert(writer_reserve(w.writer, 1));
    ck_assert_int_eq(writer_load(w.writer), 50);
    ck_assert(writer_reserve(w.writer, 1));
    ck_assert_int_eq(writer_load(w.writer), 63);
    ck_assert(writer_reserve(w.writer, 745));
    ck_assert_int_eq(writer_load(w.writer), 75); /* bytes and places alike */
    ck_assert(writer_reserve(w.writer, 250));
    ck_assert_int_eq(writer_load(w.writer), 100);
    writer_release(w.writer, 250);
    writer_release(w.writer, 745);
    for (int i = 0; i < 5; i++)
        writer_release(w.writer, 1);
    ck_assert(writer_reserve(w.writer, 501));
    ck_assert_int_eq(writer_load(w.writer), 51);
    writer_release(w.writer, 501);
    ck_assert(writer_reserve(w.writer, 1000000)); /* one that is larger than all there is */
    ck_assert_int_eq(writer_load(w.writer), 100);
    writer_release(w.writer, 1000000);
    ck_assert_int_eq(writer_load(w.writer), 0);
    tear_down();
}
END_TEST

static void *stop(void *arg)
{
    (void)arg;
    writer_stop(w.writer);
    return NULL;
}

static bool full(void)
{
    return writer_full(w.writer);
}

START_TEST(one_that_stops_takes_nothing_more_and_answers_what_it_has)
{
    char reason[ERR_TEXT_MAX];
    pthread_t stopping;

    set_up(JOBS, 1000);
    hold_one();
    submit(1, 1, 2, 1);
    ck_assert_int_eq(pthread_create(&stopping, NULL, stop, NULL), 0);
    wait_until("it stops", full);
    ck_assert(!writer_reserve(w.writer, 1));
    ck_assert(!writer_ready(w.writer, reason, sizeof reason));
    ck_assert_str_eq(reason, "stopping");
    faulty_hold(false);
    pthread_join(stopping, NULL);
    ck_assert_int_eq(w.answered, 2);
    ck_assert_int_eq(w.jobs[1].w.rc, 0);
    ck_assert_int_eq(ask_store(w.path, "SELECT high_mark FROM stream"), 2);
    w.writer = NULL;
    tear_down();
}
END_TEST

START_TEST(no_thread_for_it_is_told)
{
    struct writer_options options = { .counters = &w.counters, .jobs_max = 1, .bytes_max = 1 };
    struct writer *writer = NULL;
    pthread_attr_t huge;
    struct err e = { 0 };

    set_up(1, 1);
    options.store = w.store;
    options.clock = &w.clock;
    pthread_attr_init(&huge);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
    writer_stop(w.writer); /* the store is one writer's at a time */
    w.writer = NULL;
    ck_assert_int_ne(writer_start(&writer, &options, &e), 0);
    ck_assert_msg(strstr(e.text, "cannot start the writer") != NULL, "%s", e.text);
    ck_assert_ptr_null(writer);
    pthread_attr_destroy(&huge);
    tear_down();
}
END_TEST

/* ---- looking after the store ------------------------------------------------------------------------ */

static bool ready_in_six_seconds(void)
{
    w.now += 6 * NS_PER_S;
    return ready();
}

START_TEST(an_old_success_is_no_evidence_and_a_failing_store_is_tried_by_itself)
{
    static const int failing[] = { ERR_IO, ERR_IO, ERR_IO };

    set_up(JOBS, 1000);
    ck_assert(ready());
    faulty_script("touch", failing, 1);
    w.now += 60 * NS_PER_S;
    ck_assert(ready()); /* a minute is not yet old */
    w.now += 1;
    ck_assert(ready()); /* as it was, and it is asked anew */
    wait_until("the store was tried", not_ready);
    ck_assert_reason("touch fails");
    faulty_script("touch", failing, 2);
    w.now += 6 * NS_PER_S;
    wait_until("two tries fail, the third one is good", ready_in_six_seconds);
    tear_down();
}
END_TEST

static bool tried_to_prune(void)
{
    const char *met = faulty_met();

    return met != NULL && strcmp(met, "prune") == 0;
}

START_TEST(upkeep_has_its_turn_between_commits)
{
    static const int failing = ERR_IO;

    set_up(JOBS, 1000);
    submit(0, 1, 1, 1);
    wait_for_answers(1);
    faulty_script("prune", &failing, 1);
    for (int i = 1; i <= 70; i++) {
        w.now += NS_PER_S; /* upkeep may be on its way already, and is due again a second after a commit */
        submit(i, 1, (uint64_t)i + 1, 1);
        wait_for_answers(i + 1);
    }
    wait_until("upkeep was tried", tried_to_prune);
    submit(71, 1, 72, 1);
    wait_for_answers(72);
    ck_assert(ready()); /* a commit that is good is the newer word */
    tear_down();
}
END_TEST

static bool nothing_left(void)
{
    return ask_store(w.path, "SELECT count(*) FROM observation") == 0;
}

START_TEST(what_is_old_goes_in_slices_until_nothing_of_it_is_left)
{
    set_up(JOBS, 1000);
    submit(0, 1, 1, 3 * PRUNED_AT_ONCE + 1);
    wait_for_answers(1);
    ck_assert_uint_eq(w.jobs[0].w.batch.stored, 3 * PRUNED_AT_ONCE + 1);
    w.now += INT64_C(91) * 1440 * MINUTES;
    wait_until("the old ones are gone", nothing_left);
    tear_down();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_waits_is_committed_together_as_much_as_a_group_takes_and_answered_in_order);
    suite_test(s, a_request_that_can_not_be_stored_does_not_hold_up_those_that_came_with_it);
    suite_test(s, the_disk_is_blamed_for_what_is_the_disks_and_not_for_what_a_request_holds);
    suite_test(s, a_store_that_failed_is_tried_again_without_being_asked);
    suite_test(s, a_disk_that_fails_while_requests_are_tried_alone_is_told);
    suite_test(s, places_are_bounded_by_requests_and_by_bytes_and_one_is_always_let_in);
    suite_test(s, the_load_is_that_of_places_or_of_bytes_whichever_is_more_rounded_up);
    suite_test(s, one_that_stops_takes_nothing_more_and_answers_what_it_has);
    suite_test(s, no_thread_for_it_is_told);
    suite_test(s, an_old_success_is_no_evidence_and_a_failing_store_is_tried_by_itself);
    suite_test(s, upkeep_has_its_turn_between_commits);
    suite_test(s, what_is_old_goes_in_slices_until_nothing_of_it_is_left);
}

int main(void)
{
    return suite_main("hub: the writer", add);
}
