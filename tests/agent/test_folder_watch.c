/* One thread that waits for news of a folder. */
#include "agent/folder_watch.h"
#include "base/times.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BEAT_NS (5 * NS_PER_MS)
#define LONG_NS (3600 * NS_PER_S)

/* A folder of one file, whose size the test changes. */
static atomic_int size, list_rc, looks;
static atomic_bool hang;

static int list_one(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                    struct err *e)
{
    (void)f;
    (void)dir;
    looks++;
    while (hang)
        uv_sleep(5);
    if (list_rc != 0)
        return err_set(e, (enum err_code)list_rc, "made up");
    (void)take(arg, "file");
    return 0;
}

static int stat_one(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    (void)f;
    (void)path;
    (void)e;
    *out = (struct file_info){ .is_regular = true, .size = (uint64_t)size };
    return 0;
}

static struct folder_watch *begin(int64_t most_ns)
{
    static const struct files_ops ops = { .stat = stat_one, .list = list_one };
    static const struct files files = { .ops = &ops };
    char dir[] = "/b";
    struct folder_watch_options options = {
        .files = &files, .dir = dir, .depth = 1, .beat_ns = BEAT_NS, .most_ns = most_ns
    };
    struct folder_watch *w;
    struct err e;

    size = list_rc = looks = 0;
    hang = false;
    ck_assert_int_eq(folder_watch_new(&w, &options, &e), 0);
    dir[1] = 'x'; /* it was copied */
    return w;
}

/* A wait on a thread of its own. */
struct waiter {
    struct folder_watch *watch;
    enum folder_news news;
    uv_thread_t thread;
};

static void wait_there(void *arg)
{
    struct waiter *w = arg;

    w->news = folder_watch_wait(w->watch);
}

static void begin_wait(struct waiter *w, struct folder_watch *watch)
{
    w->watch = watch;
    ck_assert_int_eq(uv_thread_create(&w->thread, wait_there, w), 0);
}

static void wait_for_looks(int n)
{
    while (looks < n)
        uv_sleep(1);
}

START_TEST(the_first_look_is_news_and_later_ones_are_only_when_something_changed)
{
    struct folder_watch *w = begin(LONG_NS);
    struct waiter waiter;

    ck_assert_int_eq(folder_watch_wait(w), FOLDER_FIRST_LOOK);
    ck_assert_int_eq(looks, 1);
    begin_wait(&waiter, w);
    wait_for_looks(4); /* three that say nothing */
    size = 7;
    uv_thread_join(&waiter.thread);
    ck_assert_int_eq(waiter.news, FOLDER_CHANGED);
    folder_watch_free(w);
}
END_TEST

START_TEST(what_changed_between_two_waits_is_not_missed)
{
    struct folder_watch *w = begin(LONG_NS);

    ck_assert_int_eq(folder_watch_wait(w), FOLDER_FIRST_LOOK);
    size = 1;
    ck_assert_int_eq(folder_watch_wait(w), FOLDER_CHANGED);
    ck_assert_int_eq(looks, 2);
    folder_watch_free(w);
}
END_TEST

START_TEST(without_news_it_comes_back_when_its_time_is_over)
{
    struct folder_watch *w = begin(4 * BEAT_NS);

    ck_assert_int_eq(folder_watch_wait(w), FOLDER_FIRST_LOOK);
    ck_assert_int_eq(folder_watch_wait(w), FOLDER_SAME);
    ck_assert_int_ge(looks, 2);
    folder_watch_free(w);
}
END_TEST

START_TEST(a_folder_that_can_not_be_looked_at_begins_anew)
{
    struct folder_watch *w = begin(LONG_NS);

    ck_assert_int_eq(folder_watch_wait(w), FOLDER_FIRST_LOOK);
    list_rc = ERR_IO;
    ck_assert_int_eq(folder_watch_wait(w), FOLDER_UNKNOWN);
    ck_assert_int_eq(folder_watch_wait(w), FOLDER_UNKNOWN);
    list_rc = 0;
    size = 1;
    ck_assert_int_eq(folder_watch_wait(w), FOLDER_FIRST_LOOK);
    folder_watch_free(w);
}
END_TEST

START_TEST(it_ends_when_told_to_and_stays_so)
{
    struct folder_watch *w = begin(LONG_NS);
    struct waiter waiter;

    ck_assert_int_eq(folder_watch_wait(w), FOLDER_FIRST_LOOK);
    begin_wait(&waiter, w);
    folder_watch_end(w);
    uv_thread_join(&waiter.thread);
    ck_assert_int_eq(waiter.news, FOLDER_SAME);
    size = 1;
    ck_assert_int_eq(folder_watch_wait(w), FOLDER_SAME);
    folder_watch_free(w);
}
END_TEST

START_TEST(a_look_that_hangs_can_be_seen_from_outside)
{
    struct folder_watch *w = begin(LONG_NS);
    struct waiter waiter;
    int64_t first, later;

    ck_assert_int_eq(folder_watch_busy_ns(w), 0);
    hang = true;
    begin_wait(&waiter, w);
    wait_for_looks(1);
    first = folder_watch_busy_ns(w);
    uv_sleep(2);
    later = folder_watch_busy_ns(w);
    ck_assert_int_gt(first, 0);
    ck_assert_int_gt(later, first);
    folder_watch_end(w);
    hang = false;
    uv_thread_join(&waiter.thread);
    ck_assert_int_eq(waiter.news, FOLDER_FIRST_LOOK);
    ck_assert_int_eq(folder_watch_busy_ns(w), 0);
    folder_watch_free(w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_first_look_is_news_and_later_ones_are_only_when_something_changed);
    suite_test(s, what_changed_between_two_waits_is_not_missed);
    suite_test(s, without_news_it_comes_back_when_its_time_is_over);
    suite_test(s, a_folder_that_can_not_be_looked_at_begins_anew);
    suite_test(s, it_ends_when_told_to_and_stays_so);
    suite_test(s, a_look_that_hangs_can_be_seen_from_outside);
}

int main(void)
{
    return suite_main("agent: folder watch", add);
}
