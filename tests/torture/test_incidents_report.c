/* Each allocation of making the incidents report out of a hub's store fails once, and from some on all fail: an error
 * in words or the very same report, with every incident and every rate; nothing leaks.
 */
#include "hub/fleet_incidents_report.h"
#include "tests/hub/support_incidents.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/way.h"

#include <stdio.h>
#include <string.h>

enum { REPORT_MAX = 4 * 1024 * 1024, POINTS_MAX = 1 << 20, SHORT_ROUNDS = 100 };

static struct story story;

static void set_up(void)
{
    story_start(&story, "incidents");
    story_inventory(&story, 1, -600, 1, OLD);
    story_inventory(&story, 1, -600, 2, E1);
    story_crash(&story, 1, 0, 1, "0xd1", "0x1 0x2 0x0 0x4");
    story_dump(&story, 1, 5, 1, "0xd1", "0x1 0x2 0x0 0x4", "evil.sys");
    story_storage(&story, 1, -10, "io-slow", "C:\\ClusterStorage\\Volume1", 12000);
    story_crash(&story, 1, 4000, 2, "0x7a", "0x1 0x2 0x0 0x4");
    story_send_all(&story);
    story_settle(&story);
    fleet_store_close(story.store);
    story.store = NULL;
}

static int make(struct fleet_store *s, enum report_format format, struct buf *out, struct err *e)
{
    struct incidents_query q = { .format = format, .now_ns = AT(86400), .code = -1, .limit = 100 };

    return fleet_incidents_report(s, &q, out, e);
}

/* In a store that was opened for it, as SQLite keeps pages of one that is open.  False when there was no n-th
 * allocation. */
static bool fail_at(enum report_format format, int64_t n, bool lasting, const struct buf *whole)
{
    int64_t blocks = failing_blocks();
    struct fleet_store *store = open_store(story.path, &story.clock.clock);
    struct err e = { 0 };
    struct buf got;
    bool met;
    int rc;

    buf_init(&got, REPORT_MAX);
    failing_memory(n, lasting);
    rc = make(store, format, &got, &e);
    met = failing_end();
    fleet_store_close(store);
    ck_assert_msg(rc == 0 || e.text[0] != '\0', "allocation %lld: error %d without a word", (long long)n, rc);
    ck_assert_msg(rc == 0 || rc == ERR_MEMORY || rc == ERR_IO, "allocation %lld: error %d: %s", (long long)n, rc,
                  e.text);
    ck_assert_msg(rc != 0 || strcmp(buf_text(&got), buf_text(whole)) == 0,
                  "allocation %lld: no error, and not the same:\n%s", (long long)n, buf_text(&got));
    buf_free(&got);
    ck_assert_msg(failing_blocks() <= blocks, "allocation %lld: %lld blocks were not freed (%s)", (long long)n,
                  (long long)(failing_blocks() - blocks), e.text);
    return met;
}

static int64_t count_points(enum report_format format, const struct buf *whole)
{
    int64_t low = 0, high = POINTS_MAX;

    while (low < high) { /* the highest number that is met */
        int64_t middle = low + (high - low + 1) / 2;

        if (fail_at(format, middle, false, whole))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void fail_each(enum report_format format)
{
    struct fleet_store *store;
    struct buf whole;
    struct err e = { 0 };
    int64_t points, step;

    buf_init(&whole, REPORT_MAX);
    store = open_store(story.path, &story.clock.clock);
    ck_assert_msg(make(store, format, &whole, &e) == 0, "%s", e.text);
    fleet_store_close(store);
    points = count_points(format, &whole);
    ck_assert_int_gt(points, 0);
    ck_assert_int_lt(points, POINTS_MAX);
    step = way_stride(points, SHORT_ROUNDS);
    for (int64_t n = 1; n <= points; n += step) {
        (void)fail_at(format, n, false, &whole);
        (void)fail_at(format, n, true, &whole);
    }
    printf("format %d: %lld allocations, %lld of them failed once and for good\n", (int)format, (long long)points,
           (long long)(points / step));
    buf_free(&whole);
}

START_TEST(a_report_has_every_incident_and_every_rate_or_is_an_error)
{
    static const enum report_format formats[] = { REPORT_TEXT, REPORT_JSON, REPORT_CSV, REPORT_HTML };

    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    set_up();
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        fail_each(formats[i]);
    story_free(&story);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_report_has_every_incident_and_every_rate_or_is_an_error);
}

int main(void)
{
    return suite_main("torture: the incidents report without memory", add);
}
