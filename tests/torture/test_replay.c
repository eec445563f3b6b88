/* A replay of captured host data while allocations fail: it is an error in words, or tells no event twice; nothing
 * leaks, and the next one is whole.
 */
#include "agent/replay.h"
#include "base/log.h"
#include "base/times.h"
#include "model/observation.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW (INT64_C(1772323200) * NS_PER_S)

enum { SHORT_ROUNDS = 120, POINTS_MAX = 4000000, TEXT_MAX = 4 * 1024 * 1024 };

static struct err why;
static struct buf text;
static bool whole; /* nothing was said to be missing */

static int take(struct replay *r, const char *const *dirs)
{
    struct report_style style = { .colour = false };
    int rc = 0;

    for (; rc == 0 && *dirs != NULL; dirs++)
        rc = replay_add(r, *dirs, &why);
    if (rc == 0)
        rc = replay_run(r, NULL, NULL, &why);
    if (rc == 0)
        rc = replay_text(r, NOW, &style, &text, &why);
    whole = rc == 0 && !replay_troubled(r);
    return rc;
}

static int replay(const char *const *dirs)
{
    struct replay *r = replay_new();
    int rc;

    why = (struct err){ ERR_OK, "" };
    whole = false;
    if (r == NULL)
        return err_set(&why, ERR_MEMORY, "out of memory");
    rc = take(r, dirs);
    replay_free(r);
    return rc;
}

static void say_nothing(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

/* How many observations of that kind the report counts. */
static long count_of(const char *report, enum obs_kind kind)
{
    const char *at = strstr(report, "\nObservations\n");
    size_t len = strlen(obs_kind_name(kind));

    for (at = at != NULL ? strchr(at + 1, '\n') : NULL; at != NULL; at = strchr(at + 1, '\n'))
        if (strncmp(at + 3, obs_kind_name(kind), len) == 0 && at[3 + len] == ' ')
            return strtol(at + 3 + len, NULL, 10);
    return 0;
}

/* What could not be had at its moment may be missing, and a poll that failed is taken again; but no event is there
 * twice. */
static void check_told(const char *normal, const char *report, int64_t n)
{
    static const enum obs_kind kinds[] = { OBS_GUEST_CRASH, OBS_GUEST_MIGRATION, OBS_HOST_STORAGE, OBS_EVENT_RAW };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        long told = count_of(report, kinds[i]), expected = count_of(normal, kinds[i]);

        ck_assert_msg(told <= expected, "allocation %lld: %s %ld times, not %ld", (long long)n, obs_kind_name(kinds[i]),
                      told, expected);
    }
}

/* False: there are fewer allocations. */
static bool fail_at(const char *const *dirs, int64_t n, bool lasting, const char *normal)
{
    int64_t blocks;
    bool met;
    int rc;

    buf_init(&text, TEXT_MAX);
    blocks = failing_blocks();
    failing_memory(n, lasting);
    rc = replay(dirs);
    met = failing_end();
    ck_assert_msg(rc == 0 || why.text[0] != '\0', "allocation %lld: error %d without a word", (long long)n, rc);
    if (whole && strstr(buf_text(&text), "hvfleet.gap") == NULL && strstr(buf_text(&text), "out of memory") == NULL)
        check_told(normal, buf_text(&text), n);
    buf_free(&text);
    ck_assert_msg(failing_blocks() == blocks, "allocation %lld: %lld blocks were not freed (%s)", (long long)n,
                  (long long)(failing_blocks() - blocks), why.text);
    return met;
}

static void fail_each(const char *const *dirs)
{
    int64_t points = 1, step;
    char *normal;

    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    log_set_sink(say_nothing, NULL);
    buf_init(&text, TEXT_MAX);
    for (int i = 0; i < 2; i++) { /* twice, so that what libraries keep for good is there */
        buf_clear(&text);
        ck_assert_msg(replay(dirs) == 0, "%s", why.text);
    }
    normal = strdup(buf_text(&text));
    ck_assert_ptr_nonnull(normal);
    buf_free(&text);
    while (points < POINTS_MAX && fail_at(dirs, points, true, normal))
        points *= 2;
    step = way_stride(points, SHORT_ROUNDS);
    for (int64_t n = 1; fail_at(dirs, n, false, normal); n += step)
        ;
    for (int64_t n = 1 + step / 2; fail_at(dirs, n, true, normal); n += step)
        ;
    printf("%s: about %lld allocations, each %lld\n", dirs[0], (long long)points, (long long)step);
    free(normal);
}

START_TEST(memory_that_runs_out_in_a_replay_of_a_windows_host)
{
    static const char *const dirs[] = { "examples/storvsc-live-migration/HV32", NULL };

    fail_each(dirs);
}
END_TEST

START_TEST(memory_that_runs_out_in_a_replay_of_an_esxi_host)
{
    static const char *const dirs[] = { "examples/storage-outage/ESX41", NULL };

    fail_each(dirs);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, memory_that_runs_out_in_a_replay_of_a_windows_host);
    suite_test(s, memory_that_runs_out_in_a_replay_of_an_esxi_host);
}

int main(void)
{
    return suite_main("torture: replay", add);
}
