/* Incidents while the database fails: each call of the store's body that computing them makes fails once, and they are
 * what they are when nothing fails; each call of reading them fails once, and whoever asked hears it. */
#include "base/text.h"
#include "hub/fleet_incidents_report.h"
#include "tests/hub/support_faulty.h"
#include "tests/hub/support_incidents.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 5000, CALLS_MIN = 100, TURNS = 8 };

#define D1_PARAMS "10 2 0 fffff80000e1c2b8"

static struct story t;

/* A guest that moves and crashes after trouble with its storage, another that crashes alike, and the sign of a crash.
 */
static void tell(void)
{
    story_inventory(&t, 1, 0, 1, OLD);
    story_inventory(&t, 2, 0, 2, E1);
    story_life(&t, 1, 3000, 1, "started");
    story_storage(&t, 1, 3500, "request-retried", "\\Device\\Harddisk1\\DR1", 30000);
    story_crash(&t, 1, 3600, 1, "0xd1", D1_PARAMS);
    story_dump(&t, 1, 3660, 1, "0xd1", D1_PARAMS, "netvsc.sys");
    story_crash(&t, 2, 3700, 2, "0xd1", D1_PARAMS);
    story_sign(&t, 1, 3720, 2, "reset");
    story_inventory(&t, 2, 7200, 1, E1);
    story_crash(&t, 2, 9000, 1, "0x9f", "1 2 3 4");
}

/* Upkeep with the clock going on past every wait. */
static void settle(void)
{
    for (int i = 0; i < TURNS; i++) {
        struct err e = { 0 };
        bool more;

        ck_assert_msg(fleet_store_upkeep(t.store, &more, &e) == 0, "%s", e.text);
        t.clock.now += 10 * NS_PER_S;
    }
}

/* The same, each slice again and again with its first call failing, its second, and so on, until it meets no failure.
 * How many there were. */
static int settle_failing(void)
{
    int failed = 0;

    for (int i = 0; i < TURNS; i++) {
        const char *met = "";

        for (int n = 1; met != NULL && n < CALLS_MAX; n++) {
            struct err e = { 0 };
            bool more;
            int rc;

            faulty_at(n, ERR_IO);
            rc = fleet_store_upkeep(t.store, &more, &e);
            met = faulty_met();
            faulty_at(0, 0);
            ck_assert_msg(rc == (met != NULL ? ERR_IO : 0), "turn %d, call %d (%s): %d %s", i, n,
                          met != NULL ? met : "none", rc, e.text);
            failed += met != NULL;
        }
        t.clock.now += 10 * NS_PER_S;
    }
    return failed;
}

START_TEST(a_call_that_fails_while_incidents_are_computed_loses_none_and_changes_none)
{
    char *want;
    int failed;

    story_start(&t, "plain");
    tell();
    story_send_all(&t);
    settle();
    want = strdup(story_json(&t));
    ck_assert_ptr_nonnull(want);
    ck_assert_msg(strstr(want, "netvsc.sys") != NULL && strstr(want, "0x0000009f") != NULL, "%s", want);
    story_restart(&t, "failing");
    story_send_all(&t);
    faulty_begin(t.store);
    failed = settle_failing();
    faulty_end(t.store);
    ck_assert_msg(strcmp(story_json(&t), want) == 0, "%s\nand not\n%s", story_json(&t), want);
    ck_assert_int_ge(failed, CALLS_MIN);
    printf("%d calls failed\n", failed);
    free(want);
    story_free(&t);
}
END_TEST

/* ---- reading ---------------------------------------------------------------------------------- */

static bool drop(void *arg, struct fleet_incident *f)
{
    ++*(int *)arg;
    incident_free(f->incident);
    return true;
}

static int read_each(struct err *e)
{
    struct fleet_incident_query q;
    int found = 0, rc;

    fleet_incident_query_all(&q);
    rc = fleet_store_incidents(t.store, &q, drop, &found, e);
    ck_assert_msg(rc != 0 || found == 3, "%d incidents", found);
    return rc;
}

static int read_a_list(struct err *e)
{
    struct fleet_incident_query q;
    struct incident_list list;
    uint64_t more;
    int rc;

    fleet_incident_query_all(&q);
    q.limit = 1;
    rc = fleet_store_incident_list(t.store, &q, &list, &more, e);
    if (rc == 0) {
        ck_assert_uint_eq(list.count, 1);
        ck_assert_uint_eq(more, 2);
        incident_list_free(&list);
    }
    return rc;
}

static int read_one_and_its_surroundings(struct err *e)
{
    struct incident_list list = { .count = 0 };
    struct incident_surroundings around;
    struct fleet_incident_query q;
    struct fleet_incident one;
    uint64_t more;
    int rc;

    fleet_incident_query_all(&q);
    rc = fleet_store_incident_list(t.store, &q, &list, &more, e);
    if (rc != 0)
        return rc;
    rc = fleet_store_incident(t.store, list.items[0]->id, &one, e);
    incident_list_free(&list);
    if (rc != 0)
        return rc;
    rc = fleet_store_surroundings(t.store, one.incident, &around, e);
    incident_free(one.incident);
    return rc;
}

static int read_statistics(struct err *e)
{
    struct fleet_statistics st;
    int rc = fleet_store_statistics(t.store, NULL, T0, t.clock.now, &st, e);

    fleet_statistics_free(&st);
    return rc;
}

static int read_a_report(struct err *e)
{
    struct incidents_query q = { .format = REPORT_JSON, .now_ns = t.clock.now, .code = -1, .limit = 10 };
    struct buf out;
    int rc;

    buf_init(&out, 16 * 1024 * 1024);
    rc = fleet_incidents_report(t.store, &q, &out, e);
    if (rc == 0) {
        buf_char(&out, '\0');
        ck_assert_ptr_nonnull(strstr(out.data, "netvsc.sys"));
    }
    buf_free(&out);
    return rc;
}

START_TEST(a_call_that_fails_while_incidents_are_read_is_told)
{
    static int (*const reads[])(struct err *) = { read_each, read_a_list, read_one_and_its_surroundings,
                                                  read_statistics, read_a_report };

    story_start(&t, "read");
    tell();
    story_send_all(&t);
    settle();
    faulty_begin(t.store);
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        const char *met = "";
        int n = 0;

        while (met != NULL && n < CALLS_MAX) {
            struct err e = { 0 };
            int rc;

            faulty_at(++n, ERR_IO);
            rc = reads[i](&e);
            met = faulty_met();
            ck_assert_msg(rc == (met != NULL ? ERR_IO : 0), "reading %zu, call %d (%s): %d %s", i, n,
                          met != NULL ? met : "none", rc, e.text);
            ck_assert_msg(met == NULL || strstr(e.text, met) != NULL, "reading %zu, call %d (%s): %s", i, n, met,
                          e.text);
        }
        ck_assert_int_ge(n, 3);
    }
    faulty_end(t.store);
    story_free(&t);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_call_that_fails_while_incidents_are_computed_loses_none_and_changes_none);
    suite_test(s, a_call_that_fails_while_incidents_are_read_is_told);
}

int main(void)
{
    return suite_main("hub: incidents while the database fails", add);
}
