/* Guests judged once and listed in any number of reports: the same as when each report judges them, and anew when
 * what they rest on has changed. */
#include "base/text.h"
#include "report/judged.h"
#include "tests/report/support_report.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS = 3, GUESTS = 7 };

static struct made m;
static struct judged_host hosts[HOSTS];
static struct guest guests[GUESTS];
static struct judged_guest *rows[GUESTS];

static const struct {
    int host; /* from 1; 9: not known */
    const char *name, *os_version, *is_version;
} fleet[GUESTS] = {
    { 1, "current", "6.3.9600", EXPECTED },
    { 1, "behind", "6.3.9600", OLD },
    { 2, "old", "5.2.3790", "6.3.9600.100" },
    { 3, "inbox", "10.0.20348", "10.0.20348.1" },
    { 3, "newest", "10.0.20348", "10.0.20348.2" },
    { 9, "lost", "6.3.9600", OLD },
    { 1, "", "", "" },
};

static void begin(void)
{
    static const char *const os[HOSTS] = { "6.3.9600.20778", "6.3.9600.20778", "10.0.20348.2322" };

    made_start(&m);
    for (int i = 0; i < HOSTS; i++) {
        made_host(&m, i + 1, i == 2 ? "PROD-B" : "PROD-A", os[i], i == 2 ? "" : EXPECTED);
        text_copy(m.h.facts.is_win5x, sizeof m.h.facts.is_win5x, "6.3.9600.18339");
        if (i == 1)
            m.h.facts.host_name[0] = '\0';
        judged_host_init(&hosts[i], &m.h);
    }
    for (int i = 0; i < GUESTS; i++) {
        guests[i] = *made_guest(&m, i, fleet[i].host, fleet[i].name, fleet[i].os_version, fleet[i].is_version);
        drift_peers_add(m.peers, &guests[i]);
    }
}

static const struct judged_host *host_of(int i)
{
    return fleet[i].host <= HOSTS ? &hosts[fleet[i].host - 1] : NULL;
}

static void judge(int i)
{
    judged_guest_free(rows[i]);
    ck_assert_int_eq(judged_guest_new(&rows[i], host_of(i), &guests[i], m.peers, NULL, NULL), 0);
}

static void judge_all(void)
{
    for (int i = 0; i < GUESTS; i++)
        judge(i);
}

static void end(void)
{
    for (int i = 0; i < GUESTS; i++) {
        judged_guest_free(rows[i]);
        rows[i] = NULL;
    }
    made_free(&m);
}

static void open_report(void)
{
    drift_report_free(m.r);
    made_begin(&m);
    for (int i = 0; i < HOSTS; i++)
        ck_assert_int_eq(drift_report_host(m.r, &hosts[i].h, NULL), 0);
    drift_report_peers(m.r, m.peers);
}

static size_t host_number(const struct judged_guest *j)
{
    for (int i = 0; i < GUESTS; i++) {
        if (rows[i] == j)
            return fleet[i].host <= HOSTS ? (size_t)fleet[i].host - 1 : SIZE_MAX;
    }
    return SIZE_MAX;
}

/* The report of that format made both ways, compared. */
static void same_both_ways(enum report_format format)
{
    struct judged_guest *sorted[GUESTS];
    char *judged_here;

    open_report();
    for (int i = 0; i < GUESTS; i++)
        ck_assert_int_eq(drift_report_guest(m.r, &guests[i], NULL), 0);
    made_finish(&m);
    judged_here = strdup(made_drift(&m, format));
    ck_assert_ptr_nonnull(judged_here);
    memcpy(sorted, rows, sizeof sorted);
    qsort(sorted, GUESTS, sizeof sorted[0], judged_guest_order);
    open_report();
    for (int i = 0; i < GUESTS; i++)
        ck_assert_int_eq(drift_report_judged(m.r, sorted[i], host_number(sorted[i]), NULL), 0);
    made_finish(&m);
    ck_assert_str_eq(made_drift(&m, format), judged_here);
    free(judged_here);
}

START_TEST(a_report_of_kept_rows_is_that_of_judging_every_guest)
{
    static const char *const clusters[] = { NULL, "PROD-A", "PROD-B", "", "NONE" };

    judge_all();
    for (size_t c = 0; c < sizeof clusters / sizeof *clusters; c++) {
        m.options.cluster = clusters[c];
        for (int format = REPORT_TEXT; format <= REPORT_SCCM; format++)
            same_both_ways((enum report_format)format);
    }
    has(made_drift(&m, REPORT_TEXT), "0 guests on 0 hosts\n");
    m.options.cluster = NULL;
    same_both_ways(REPORT_TEXT);
    has(made_drift(&m, REPORT_TEXT), "7 guests on 3 hosts: 2 behind, 1 inbox-behind-peers, 2 unknown, 2 current\n");
}
END_TEST

START_TEST(a_row_knows_its_guest_and_what_it_weighs)
{
    size_t small;

    judge_all();
    ck_assert_str_eq(judged_guest_id(rows[1]), guests[1].vm_id);
    small = judged_guest_bytes(rows[1]);
    text_copy(guests[1].name, sizeof guests[1].name, "behind, and of a longer name");
    judge(1);
    ck_assert_uint_eq(judged_guest_bytes(rows[1]), small + strlen("behind, and of a longer name") - strlen("behind"));
}
END_TEST

START_TEST(rows_are_in_order_of_state_cluster_host_name_and_id)
{
    struct judged_guest *a, *b;

    judge_all();
    ck_assert_int_lt(judged_guest_order(&rows[1], &rows[0]), 0); /* behind before current */
    ck_assert_int_gt(judged_guest_order(&rows[0], &rows[1]), 0);
    ck_assert_int_eq(judged_guest_order(&rows[1], &rows[1]), 0);
    ck_assert_int_lt(judged_guest_order(&rows[5], &rows[6]), 0); /* both unknown: outside of clusters before PROD-A */
    ck_assert_int_lt(judged_guest_order(&rows[2], &rows[1]), 0); /* HOST-2, which has no name, before HV01 */
    ck_assert_int_eq(judged_guest_new(&a, &hosts[0], &guests[1], m.peers, NULL, NULL), 0);
    text_copy(guests[1].name, sizeof guests[1].name, "behinD");
    ck_assert_int_eq(judged_guest_new(&b, &hosts[0], &guests[1], m.peers, NULL, NULL), 0);
    ck_assert_int_lt(judged_guest_order(&b, &a), 0);
    judged_guest_free(b);
    text_copy(guests[1].name, sizeof guests[1].name, "behind");
    text_copy(guests[1].vm_id, sizeof guests[1].vm_id, made_id(99));
    ck_assert_int_eq(judged_guest_new(&b, &hosts[0], &guests[1], m.peers, NULL, NULL), 0);
    ck_assert_int_gt(judged_guest_order(&b, &a), 0);
    judged_guest_free(a);
    judged_guest_free(b);
}
END_TEST

/* ---- what makes a row invalid -------------------------------------------- */

START_TEST(a_host_is_another_when_what_decides_changed_and_not_when_it_was_only_polled)
{
    struct host now = hosts[0].h;

    ck_assert_str_eq(judged_host_name(&hosts[0]), "HV01");
    ck_assert_str_eq(judged_host_name(&hosts[1]), "HOST-2");
    now.last_poll += NS_PER_S;
    ck_assert(!judged_host_update(&hosts[0], &now));
    ck_assert_int_eq(hosts[0].h.last_poll, now.last_poll);
    has(hosts[0].expects[0], "host HV01 expects " EXPECTED " (2026-01-31T08:00:00Z)");
    now.facts_time += NS_PER_S; /* it said the same again */
    ck_assert(!judged_host_update(&hosts[0], &now));
    has(hosts[0].expects[0], "host HV01 expects " EXPECTED " (2026-01-31T08:00:01Z)");
    has(hosts[0].expects[1], "host HV01 expects 6.3.9600.18339 (2026-01-31T08:00:01Z)");
    text_copy(now.facts.is_win6x, sizeof now.facts.is_win6x, OLD);
    ck_assert(judged_host_update(&hosts[0], &now));
    has(hosts[0].expects[0], "host HV01 expects " OLD);
}
END_TEST

START_TEST(what_a_host_says_again_stands_in_rows_that_were_made_before)
{
    struct host now = hosts[0].h;

    judge_all();
    now.facts_time += NS_PER_S;
    ck_assert(!judged_host_update(&hosts[0], &now));
    open_report();
    ck_assert_int_eq(drift_report_judged(m.r, rows[1], 0, NULL), 0);
    made_finish(&m);
    has(made_drift(&m, REPORT_JSON), "host HV01 expects " EXPECTED " (2026-01-31T08:00:01Z)");
}
END_TEST

START_TEST(a_row_holds_until_polls_of_its_host_say_otherwise)
{
    struct host now = hosts[0].h;

    guests[1].connected_since = REPORT_NOW + 60 * NS_PER_S; /* it was reset, and not polled since */
    judge_all();
    now.last_poll = REPORT_NOW + 60 * NS_PER_S - 1;
    ck_assert(!judged_host_update(&hosts[0], &now));
    ck_assert(judged_guest_holds(rows[1]));
    now.last_poll++;
    ck_assert(!judged_host_update(&hosts[0], &now));
    ck_assert(!judged_guest_holds(rows[1]));
    ck_assert(judged_guest_holds(rows[5])); /* on a host that is not known: for ever */
    judge(1);
    ck_assert(judged_guest_holds(rows[1]));
}
END_TEST

START_TEST(a_row_is_judged_anew_when_the_peers_of_its_build_moved)
{
    struct drift_peers *none = drift_peers_new();
    struct version os = { { 10, 0, 20348, 0 } }, higher = { { 10, 0, 20348, 9 } }, other = { { 10, 0, 14393, 0 } };

    judge_all();
    for (int i = 0; i < GUESTS; i++)
        ck_assert_msg(judged_guest_peers(rows[i], m.peers), "%s", fleet[i].name);
    ck_assert(drift_peers_put(m.peers, &other, &higher)); /* of another build */
    ck_assert(judged_guest_peers(rows[3], m.peers));
    ck_assert(drift_peers_put(m.peers, &os, &higher));
    ck_assert(!judged_guest_peers(rows[3], m.peers));
    ck_assert(judged_guest_peers(rows[1], m.peers)); /* of no build that has peers */
    ck_assert(judged_guest_peers(rows[6], m.peers)); /* of none that is known */
    judge(3);
    ck_assert(judged_guest_peers(rows[3], m.peers));
    ck_assert(!judged_guest_peers(rows[3], none)); /* they are gone */
    drift_peers_free(none);
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "judged");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, a_report_of_kept_rows_is_that_of_judging_every_guest);
    tcase_add_test(c, a_row_knows_its_guest_and_what_it_weighs);
    tcase_add_test(c, rows_are_in_order_of_state_cluster_host_name_and_id);
    tcase_add_test(c, a_host_is_another_when_what_decides_changed_and_not_when_it_was_only_polled);
    tcase_add_test(c, what_a_host_says_again_stands_in_rows_that_were_made_before);
    tcase_add_test(c, a_row_holds_until_polls_of_its_host_say_otherwise);
    tcase_add_test(c, a_row_is_judged_anew_when_the_peers_of_its_build_moved);
}

int main(void)
{
    return suite_main("report: guests judged once", add);
}
