/* Each allocation of the hub's parts fails once: what lets agents in (tokens, certificates, the CA), what bounds them,
 * and what a hub starts with.  An error with words and nothing left behind, or it went without.
 */
#include "base/text.h"
#include "hub/auth.h"
#include "hub/limits_rate.h"
#include "hub/limits_watch.h"
#include "hub/login.h"
#include "hub/worker.h"
#include "hub/writer.h"
#include "plat/clock.h"
#include "plat/random.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { POINTS_MAX = 20000 };

static char tokens_path[4200];

static void set_up(void)
{
    static const char tokens[] = "# two\n0123456789abcdef0123\nfedcba9876543210fedc\n";

    text_copy(tokens_path, sizeof tokens_path, write_file(temp_dir(), "tokens", tokens, sizeof tokens - 1));
    ck_assert_int_eq(gnutls_global_init(), 0);
}

/* Each allocation of `run` fails once. */
static void fail_each(const char *name, int (*run)(struct err *e))
{
    bool met = true;
    int64_t n = 0;

    for (int i = 0; i < 2; i++) { /* what is allocated once for the whole program */
        struct err e = { 0 };

        ck_assert_msg(run(&e) == 0, "%s: %s", name, e.text);
    }
    while (met && n < POINTS_MAX) {
        int64_t blocks = failing_blocks();
        struct err e = { 0 };
        int rc;

        failing_memory(++n, false);
        rc = run(&e);
        met = failing_end();
        ck_assert_msg(rc == 0 || met, "%s with nothing failing: %s", name, e.text);
        ck_assert_msg(rc == 0 || e.text[0] != '\0', "%s, allocation %lld: error %d without a word", name, (long long)n,
                      rc);
        ck_assert_msg(failing_blocks() <= blocks, "%s, allocation %lld: %lld blocks were not freed (%s)", name,
                      (long long)n, (long long)(failing_blocks() - blocks), e.text);
    }
    ck_assert_int_gt(n, 1);
    ck_assert_int_lt(n, POINTS_MAX);
    printf("%s: %lld allocations failed\n", name, (long long)(n - 1));
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static int load_tokens(struct err *e)
{
    struct auth_claim claim = { .authorization = "Bearer fedcba9876543210fedc" };
    struct auth *a = NULL;
    int rc = auth_new(&a, e);

    if (rc == 0)
        rc = auth_load(a, tokens_path, e);
    if (a != NULL && auth_allows(a, &claim) != (rc == 0))
        rc = err_set(e, ERR_STATE, "%s token is good", rc == 0 ? "no" : "a");
    auth_free(a);
    return rc;
}

START_TEST(tokens_are_all_there_or_none)
{
    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    set_up();
    fail_each("tokens", load_tokens);
}
END_TEST

/* ---- what a hub starts with ------------------------------------------------------------------------- */

static int start_rate(struct err *e)
{
    struct rate *r = NULL;
    int rc = rate_new(&r, plat_clock(), plat_random(), e);

    rate_free(r);
    return rc;
}

static int start_watch(struct err *e)
{
    struct watch_limits limits = { .head_ns = 1000000000, .idle_ns = 1000000000, .bytes_per_s = 1 };
    struct watch *watch = NULL;
    _Atomic uint64_t ended = 0;
    int rc = watch_start(&watch, &limits, plat_clock(), &ended, e);

    if (rc == 0) {
        struct watched *c = watch_open(watch, 0); /* NULL: one connection goes without a watch */

        watch_body(watch, c);
        watch_received(watch, c, 1);
        watch_ours(watch, c);
        watch_answer(watch, c, 1);
        watch_rest(watch, c);
        watch_close(watch, c);
    }
    watch_stop(watch);
    return rc;
}

static int start_worker(struct err *e)
{
    struct worker *w = NULL;
    int rc = worker_start(&w, 4, e);

    worker_stop(w);
    return rc;
}

static int start_login(struct err *e)
{
    struct login *l = NULL;
    int rc = login_new(&l, NULL, NULL, plat_clock(), e);

    if (rc == 0)
        login_free(l);
    return rc;
}

START_TEST(a_part_starts_or_says_why_not)
{
    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    set_up();
    fail_each("rates", start_rate);
    fail_each("a watch", start_watch);
    fail_each("a worker", start_worker);
    fail_each("logins", start_login);
}
END_TEST

/* Its thread uses the store when it runs, so the first allocation alone is its own. */
START_TEST(a_writer_without_memory_says_so)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options store = { .path = ":memory:", .floors = &floors, .clock = plat_clock() };
    struct counters counters = { .commits = 0 };
    struct writer_options options = { .counters = &counters, .clock = plat_clock(), .jobs_max = 1, .bytes_max = 1 };
    struct writer *w = NULL;
    struct err e = { 0 };
    int rc;

    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    set_up();
    ck_assert_msg(fleet_store_open(&options.store, &store, &e) == 0, "%s", e.text);
    failing_memory(1, false);
    rc = writer_start(&w, &options, &e);
    failing_end();
    ck_assert_int_eq(rc, ERR_MEMORY);
    ck_assert_str_eq(e.text, "out of memory");
    writer_stop(w); /* nothing to do */
    fleet_store_close(options.store);
}
END_TEST

START_TEST(a_thread_that_can_not_be_started_is_told)
{
    static int (*const parts[])(struct err *) = { start_watch, start_worker, start_login };
    pthread_attr_t huge;
    int64_t blocks;

    set_up();
    pthread_attr_init(&huge);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct err e = { 0 };

        blocks = failing_blocks();
        ck_assert_int_ne(parts[i](&e), 0);
        ck_assert_msg(strstr(e.text, "cannot start ") != NULL, "part %zu: \"%s\"", i, e.text);
        ck_assert_int_le(failing_blocks(), blocks);
    }
    pthread_attr_destroy(&huge);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, tokens_are_all_there_or_none);
    suite_test(s, a_part_starts_or_says_why_not);
    suite_test(s, a_writer_without_memory_says_so);
    suite_test(s, a_thread_that_can_not_be_started_is_told);
}

int main(void)
{
    return suite_main("torture: the hub's parts and what they start with", add);
}
