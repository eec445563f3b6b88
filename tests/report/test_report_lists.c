/* What others take from a drift report: the lists for upgrading tools, the summary for a short message, and what is
 * found about hosts. */
#include "report/report_summary.h"
#include "tests/report/support_report.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct made m;

static void begin(void)
{
    made_start(&m);
}

static void end(void)
{
    made_free(&m);
}

static void guest(int number, int host, const char *fqdn, const char *os_version, const char *version)
{
    made_guest(&m, number, host, fqdn, os_version, version);
    made_item(&m.g, KVP_FQDN, fqdn);
    made_add_guest(&m);
}

/* ---- upgrading tools ----------------------------------------------------- */

#define HOST_2022 "10.0.20348.2322"

/* Whether a guest that does not work is listed, by its Windows and its host's (hyperv.md C.3). */
START_TEST(a_guest_is_listed_when_there_is_an_upgrade_for_its_windows_on_its_host)
{
    static const struct {
        const char *host, *os;
        bool listed;
    } cases[] = {
        { "6.3.9600.20778", "5.2.3790", true },
        { "6.1.7601.17514", "", true },
        { HOST_2022, "10.0.20348", true },
        { HOST_2022, "6.3.9600", true },
        { HOST_2022, "6.1.7601", true },
        { HOST_2022, "6.0.6002", false },
        { HOST_2022, "5.2.3790", false },
        { HOST_2022, "", false },
        { HOST_2022, "none", false },
        { "", "10.0.14393", true },
        { "", "6.3.9600", false },
        { "", "", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_begin(&m);
        made_host(&m, 1, "PROD-A", cases[i].host, EXPECTED);
        made_add_host(&m);
        made_guest(&m, 1, 1, "broken", cases[i].os, "");
        made_item(&m.g, KVP_FQDN, "broken.example.com");
        made_broken(&m);
        made_add_guest(&m);
        made_finish(&m);
        ck_assert_msg((strstr(made_drift(&m, REPORT_ANSIBLE), "\"broken.example.com\":") != NULL) == cases[i].listed,
                      "'%s' on '%s'", cases[i].os, cases[i].host);
        ck_assert_msg((strstr(made_drift(&m, REPORT_SCCM), "\r\nbroken,") != NULL) == cases[i].listed, "'%s' on '%s'",
                      cases[i].os, cases[i].host);
        drift_report_free(m.r);
        m.r = NULL;
    }
}
END_TEST

START_TEST(a_guest_of_a_host_that_nobody_knows_is_listed_by_its_own_windows)
{
    made_begin(&m);
    made_guest(&m, 1, 9, "broken", "10.0.14393", "");
    made_item(&m.g, KVP_FQDN, "broken.example.com");
    made_broken(&m);
    made_add_guest(&m);
    made_finish(&m);
    has(made_drift(&m, REPORT_ANSIBLE), "    hvfleet_incompatible:\n      hosts:\n        \"broken.example.com\":\n");
}
END_TEST

START_TEST(each_state_that_an_upgrade_mends_is_a_group_and_no_other_is)
{
    const char *text;

    made_begin(&m);
    made_host_2012r2(&m, 1, "");
    made_host(&m, 2, "", HOST_2022, "");
    made_add_host(&m);
    guest(1, 1, "behind.example.com", "6.3.9600", OLD);
    guest(2, 1, "newer.example.com", "6.3.9600", "6.3.9600.99999");
    guest(3, 1, "unknown.example.com", "6.3.9600", "none");
    guest(4, 2, "inbox.example.com", "10.0.20348", "10.0.20348.1");
    guest(5, 2, "peer.example.com", "10.0.20348", "10.0.20348.2");
    made_guest(&m, 6, 1, "protocol", "6.3.9600", OLD);
    made_item(&m.g, KVP_FQDN, "protocol.example.com");
    m.g.ic[IC_VSS] = (struct ic_status){ .enabled = 2, .status0 = 3, .time = REPORT_NOW, .since = REPORT_NOW };
    made_add_guest(&m);
    made_guest(&m, 7, 1, "linux", "", "3.1");
    made_item(&m.g, KVP_ARCHITECTURE, "x86_64");
    made_item(&m.g, KVP_FQDN, "linux.example.com");
    made_broken(&m); /* a service does not work, but no setup mends it */
    made_add_guest(&m);
    made_finish(&m);
    text = made_drift(&m, REPORT_ANSIBLE);
    has(text, "    hvfleet_behind_protocol:\n      hosts:\n        \"protocol.example.com\":\n");
    has(text, "    hvfleet_behind:\n      hosts:\n        \"behind.example.com\":\n");
    has(text, "    hvfleet_inbox_behind_peers:\n      hosts:\n        \"inbox.example.com\":\n");
    lacks(text, "hvfleet_incompatible");
    lacks(text, "newer.example.com");
    lacks(text, "unknown.example.com");
    lacks(text, "peer.example.com");
    lacks(text, "linux.example.com");
    has(text, "          hvfleet_cluster: null\n");
}
END_TEST

/* The FQDN under which a guest is listed: whether it is taken for its name. */
static bool is_named_by(const char *fqdn)
{
    char key[300];
    bool named;

    made_begin(&m);
    made_host_2012r2(&m, 1, "");
    guest(1, 1, fqdn, "6.3.9600", OLD);
    made_finish(&m);
    snprintf(key, sizeof key, "        \"%s\":\n", fqdn);
    named = strstr(made_drift(&m, REPORT_ANSIBLE), key) != NULL;
    snprintf(key, sizeof key, "        \"%s\":\n", made_id(1));
    ck_assert_int_ne(named, strstr(buf_text(&m.out), key) != NULL);
    drift_report_free(m.r);
    m.r = NULL;
    return named;
}

START_TEST(a_name_is_one_that_rfc_1123_allows)
{
    static const struct {
        const char *fqdn;
        bool allowed;
    } cases[] = {
        { "a", true },    { "Z", true },    { "z9", true },    { "A-b", true },        { "9a.b", true },
        { "a{", false },  { "a`", false },  { "a[", false },   { "a@", false },        { "a/", false },
        { "a:", false },  { "a_b", false }, { "a.-b", false }, { "a-.b", false },      { "1.2.3.4", false },
        { "1-2", false }, { "10", false },  { "all", false },  { "Ungrouped", false }, { "1-a.2", true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(is_named_by(cases[i].fqdn) == cases[i].allowed, "%s", cases[i].fqdn);
}
END_TEST

START_TEST(a_label_has_63_characters_at_most_and_a_name_253)
{
    char fqdn[300] = "";

    memset(fqdn, 'a', 63);
    ck_assert(is_named_by(fqdn));
    fqdn[63] = 'a';
    ck_assert(!is_named_by(fqdn));
    for (int i = 0; i < 253; i++)
        fqdn[i] = i % 10 == 9 ? '.' : 'a';
    fqdn[253] = '\0';
    ck_assert(is_named_by(fqdn));
    fqdn[253] = 'a';
    ck_assert(!is_named_by(fqdn));
}
END_TEST

START_TEST(a_computers_name_is_the_first_label_whole)
{
    char fqdn[100] = "", line[300];

    memset(fqdn, 'a', 63);
    snprintf(line, sizeof line, "\r\n%s,%s.example.com,", fqdn, fqdn);
    snprintf(fqdn + 63, sizeof fqdn - 63, ".example.com");
    made_begin(&m);
    made_host_2012r2(&m, 1, "");
    guest(1, 1, fqdn, "6.3.9600", OLD);
    made_finish(&m);
    has(made_drift(&m, REPORT_SCCM), line);
}
END_TEST

/* ---- hosts --------------------------------------------------------------- */

START_TEST(nodes_are_compared_by_what_they_expect_of_5x_guests_too)
{
    made_begin(&m);
    made_host(&m, 1, "PROD-A", "6.3.9600.20778", EXPECTED);
    snprintf(m.h.facts.is_win5x, sizeof m.h.facts.is_win5x, "6.3.9600.100");
    made_add_host(&m);
    made_host(&m, 2, "PROD-A", "6.3.9600.20778", EXPECTED);
    snprintf(m.h.facts.is_win5x, sizeof m.h.facts.is_win5x, "6.3.9600.99");
    made_add_host(&m);
    made_host(&m, 3, "PROD-A", "6.3.9600.20778", EXPECTED); /* does not say */
    made_add_host(&m);
    made_finish(&m);
    has(made_hosts(&m, REPORT_CSV),
        ",\"expects 6.3.9600.99 of 5.x guests, while HV01 of the same cluster expects 6.3.9600.100\",");
    ck_assert_ptr_null(strstr(strstr(buf_text(&m.out), "HV03"), "5.x"));
}
END_TEST

START_TEST(a_node_whose_windows_is_not_known_is_compared_with_nobody)
{
    made_begin(&m);
    made_host(&m, 1, "PROD-A", "not known", "");
    made_add_host(&m);
    made_host(&m, 2, "PROD-A", "6.3.9600.20778", EXPECTED);
    made_add_host(&m);
    made_host(&m, 3, "PROD-B", "not known", "none");
    made_add_host(&m);
    made_finish(&m);
    lacks(made_hosts(&m, REPORT_TEXT), "same cluster");
    has(made_hosts(&m, REPORT_TEXT), "\n    its Windows version is not known\n");
}
END_TEST

START_TEST(hosts_outside_of_clusters_are_compared_with_nobody)
{
    made_begin(&m);
    made_host(&m, 1, "", "6.3.9600.20778", OLD);
    made_add_host(&m);
    made_host(&m, 2, "", "6.3.9600.20778", EXPECTED);
    made_add_host(&m);
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT), "Hosts: 0 of 2 with findings\n");
}
END_TEST

START_TEST(agents_are_compared_with_the_newest_as_far_as_they_have_a_version)
{
    static const char *const versions[] = { "1.2.0", "1.10.0", "", "devel", "1.9.0.5" };

    made_begin(&m);
    for (int i = 0; i < 5; i++) {
        made_host(&m, i, "", "6.3.9600.20778", EXPECTED);
        snprintf(m.h.facts.agent_version, sizeof m.h.facts.agent_version, "%s", versions[i]);
        made_add_host(&m);
    }
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT), "Hosts: 2 of 5 with findings\n  HV00\n    its agent is version 1.2.0, while the "
                                     "newest in the fleet is 1.10.0\n");
}
END_TEST

START_TEST(the_newest_word_from_a_host_counts_whichever_was_told_first)
{
    m.options.host_silent_ns = 60 * NS_PER_S;
    made_begin(&m);
    made_host_2012r2(&m, 2, "");
    made_host_2012r2(&m, 1, ""); /* not in order of id */
    drift_report_heard(m.r, "HOST-1", REPORT_NOW - 30 * NS_PER_S);
    drift_report_heard(m.r, "HOST-1", REPORT_NOW - 90 * NS_PER_S);
    drift_report_heard(m.r, "HOST-2", REPORT_NOW - 90 * NS_PER_S);
    drift_report_heard(m.r, "HOST-3", REPORT_NOW);
    made_finish(&m);
    has(made_hosts(&m, REPORT_TEXT), "last heard 2026-01-31T07:59:30Z\n");
    has(made_hosts(&m, REPORT_TEXT), "no word for 1 min (since 2026-01-31T07:58:30Z)\n");
    lacks(made_hosts(&m, REPORT_TEXT), "no word for 30 s");
}
END_TEST

START_TEST(what_is_noted_before_any_host_is_added_is_left_out)
{
    made_begin(&m);
    ck_assert_int_eq(drift_report_note(m.r, "HOST-1", "gap", REPORT_NOW, "too early", NULL), 0);
    drift_report_heard(m.r, "HOST-1", REPORT_NOW);
    made_host_2012r2(&m, 1, "");
    made_finish(&m);
    lacks(made_hosts(&m, REPORT_JSON), "too early");
}
END_TEST

START_TEST(however_much_is_noted_of_a_host_all_of_it_is_said)
{
    enum { NOTES = 60 };
    char kind[128], text[512], line[64 * 1024] = "";
    size_t used = 0;

    made_begin(&m);
    made_host_2012r2(&m, 1, "");
    for (int i = 0; i < NOTES; i++) {
        snprintf(kind, sizeof kind, "kind-%02d-%080d", i, 0);
        snprintf(text, sizeof text, "note %02d %0400d", i, 0);
        ck_assert_int_eq(drift_report_note(m.r, "HOST-1", kind, 0, text, NULL), 0);
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i > 0 ? " " : "", kind);
    }
    made_finish(&m);
    snprintf(text, sizeof text, "note %02d %0400d", NOTES - 1, 0);
    has(made_hosts(&m, REPORT_CSV), text);
    has(made_hosts(&m, REPORT_CSV), line);
    has(made_hosts(&m, REPORT_JSON), text);
}
END_TEST

/* ---- the summary --------------------------------------------------------- */

static struct report_summary summary(void)
{
    struct report_summary s;

    drift_report_summary(m.r, &s);
    return s;
}

/* Two guests and two hosts; the order, and what becomes of the second guest and the second host. */
static struct report_summary fleet(bool backwards, const char *version, const char *kind)
{
    struct report_summary s;

    made_begin(&m);
    made_host_2012r2(&m, backwards ? 2 : 1, "");
    made_host_2012r2(&m, backwards ? 1 : 2, "");
    guest(backwards ? 2 : 1, 1, "", "6.3.9600", backwards ? version : OLD);
    guest(backwards ? 1 : 2, 1, "", "6.3.9600", backwards ? OLD : version);
    ck_assert_int_eq(drift_report_note(m.r, "HOST-2", kind, 0, "something", NULL), 0);
    made_finish(&m);
    s = summary();
    drift_report_free(m.r);
    m.r = NULL;
    return s;
}

START_TEST(a_summary_counts_who_needs_a_look_and_who_is_a_problem)
{
    struct report_summary s = fleet(false, "none", "gap");

    ck_assert_uint_eq(s.guests, 2);
    ck_assert_uint_eq(s.hosts, 2);
    ck_assert_uint_eq(s.by_state[DRIFT_BEHIND], 1);
    ck_assert_uint_eq(s.by_state[DRIFT_UNKNOWN], 1);
    ck_assert_uint_eq(s.need_a_look, 2);
    ck_assert_uint_eq(s.problems, 1); /* unknown is none */
    ck_assert_uint_eq(s.host_findings, 1);
    s = fleet(false, EXPECTED, "gap");
    ck_assert_uint_eq(s.need_a_look, 1);
    ck_assert_uint_eq(s.problems, 1);
}
END_TEST

START_TEST(a_fingerprint_is_the_same_in_any_order_and_another_for_anything_else)
{
    uint64_t first = fleet(false, "none", "gap").fingerprint;

    ck_assert_uint_eq(fleet(true, "none", "gap").fingerprint, first);
    ck_assert_uint_ne(fleet(false, OLD, "gap").fingerprint, first);
    ck_assert_uint_ne(fleet(false, EXPECTED, "gap").fingerprint, first);
    ck_assert_uint_ne(fleet(false, "none", "silent-host").fingerprint, first);
}
END_TEST

START_TEST(the_lines_of_a_summary_are_the_guests_worst_first_and_the_hosts_with_findings)
{
    struct report_line line;
    size_t from = 0;

    m.options.cluster = "PROD-A";
    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    made_host_2012r2(&m, 2, "PROD-A");
    made_host_2012r2(&m, 3, "PROD-B");
    made_host_2012r2(&m, 4, "PROD-A");
    ck_assert_int_eq(drift_report_note(m.r, "HOST-3", "gap", 0, "of another cluster", NULL), 0);
    ck_assert_int_eq(drift_report_note(m.r, "HOST-4", "gap", 0, "12 events are gone", NULL), 0);
    guest(1, 1, "fine", "6.3.9600", EXPECTED);
    guest(2, 1, "nobody-knows", "6.3.9600", "none");
    guest(3, 1, "behind", "6.3.9600", OLD);
    made_finish(&m);
    ck_assert(drift_report_next_guest(m.r, &from, &line));
    ck_assert_str_eq(line.name, "behind");
    ck_assert_str_eq(line.state, "behind");
    ck_assert_str_eq(line.host, "HV01");
    ck_assert_str_eq(line.cluster, "PROD-A");
    ck_assert_ptr_nonnull(strstr(line.text, "Setup Disk"));
    ck_assert(drift_report_next_guest(m.r, &from, &line));
    ck_assert_str_eq(line.name, "nobody-knows");
    ck_assert(!drift_report_next_guest(m.r, &from, &line));
    from = 0;
    ck_assert(drift_report_next_host(m.r, &from, &line));
    ck_assert_str_eq(line.name, "HV04");
    ck_assert_str_eq(line.text, "12 events are gone");
    ck_assert(!drift_report_next_host(m.r, &from, &line));
    ck_assert_uint_eq(summary().host_findings, 1);
    ck_assert_uint_eq(summary().hosts, 3);
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "lists");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, a_guest_is_listed_when_there_is_an_upgrade_for_its_windows_on_its_host);
    tcase_add_test(c, a_guest_of_a_host_that_nobody_knows_is_listed_by_its_own_windows);
    tcase_add_test(c, each_state_that_an_upgrade_mends_is_a_group_and_no_other_is);
    tcase_add_test(c, a_name_is_one_that_rfc_1123_allows);
    tcase_add_test(c, a_label_has_63_characters_at_most_and_a_name_253);
    tcase_add_test(c, a_computers_name_is_the_first_label_whole);
    tcase_add_test(c, nodes_are_compared_by_what_they_expect_of_5x_guests_too);
    tcase_add_test(c, a_node_whose_windows_is_not_known_is_compared_with_nobody);
    tcase_add_test(c, hosts_outside_of_clusters_are_compared_with_nobody);
    tcase_add_test(c, agents_are_compared_with_the_newest_as_far_as_they_have_a_version);
    tcase_add_test(c, the_newest_word_from_a_host_counts_whichever_was_told_first);
    tcase_add_test(c, what_is_noted_before_any_host_is_added_is_left_out);
    tcase_add_test(c, however_much_is_noted_of_a_host_all_of_it_is_said);
    tcase_add_test(c, a_summary_counts_who_needs_a_look_and_who_is_a_problem);
    tcase_add_test(c, a_fingerprint_is_the_same_in_any_order_and_another_for_anything_else);
    tcase_add_test(c, the_lines_of_a_summary_are_the_guests_worst_first_and_the_hosts_with_findings);
}

int main(void)
{
    return suite_main("report: lists and summaries", add);
}
