/* The drift and hosts reports at their edges: what is not known, nothing to tell, more than is listed, one cluster
 * of several, and a past in which nothing is as it is now. */
#include "report/json_write.h"
#include "tests/report/support_report.h"
#include "tests/support/suite.h"

#include <jansson.h>
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

static void guest(int number, int host, const char *name, const char *version)
{
    made_guest(&m, number, host, name, "6.3.9600", version);
    made_add_guest(&m);
}

/* ---- a cluster, a time --------------------------------------------------- */

START_TEST(a_report_of_one_cluster_says_so_and_shows_nothing_of_the_others)
{
    m.options.cluster = "PROD-A";
    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    made_host(&m, 2, "PROD-B", "6.3.9600.20778", "");
    made_add_host(&m);
    guest(1, 1, "web01", OLD);
    guest(2, 2, "web02", OLD);
    guest(3, 9, "nowhere", OLD); /* of a host that nobody knows: of no cluster */
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT),
        "Fleet drift report, 2026-01-31T08:00:00Z, cluster PROD-A\n1 guest on 1 host: 1 behind");
    has(made_drift(&m, REPORT_TEXT), "Hosts: 0 of 1 with findings\n");
    has(made_drift(&m, REPORT_HTML), "2026-01-31T08:00:00Z, cluster PROD-A</p>");
    for (int format = REPORT_TEXT; format <= REPORT_SCCM; format++) {
        lacks(made_drift(&m, (enum report_format)format), "HV02");
        lacks(made_drift(&m, (enum report_format)format), "web02");
        lacks(made_drift(&m, (enum report_format)format), "nowhere");
    }
    for (int format = REPORT_TEXT; format <= REPORT_HTML; format++) {
        has(made_hosts(&m, (enum report_format)format), "HV01");
        lacks(made_hosts(&m, (enum report_format)format), "HV02");
    }
}
END_TEST

static void was(int number, const char *cluster, const char *from, const char *to)
{
    ck_assert_int_eq(drift_report_change(m.r, made_id(number), cluster, from, to, NULL), 0);
}

START_TEST(a_problem_that_nobody_can_see_any_more_is_changed_and_not_solved)
{
    m.options.since_ns = REPORT_NOW - NS_PER_S;
    m.options.has_history = true;
    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    guest(1, 1, "was-behind", "no version");
    guest(2, 1, "was-fine", "no version");
    was(1, "PROD-A", "behind", "unknown");
    was(2, "PROD-A", "current", "unknown");
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT), ": 0 new, 0 solved, 1 changed, 0 unchanged, 0 gone\n");
    has(made_drift(&m, REPORT_TEXT), ", was behind\n");
    has(made_drift(&m, REPORT_HTML),
        "<p>Since 2026-01-31T07:59:59Z: 0 new, 0 solved, 1 changed, 0 unchanged, 0 gone</p>");
}
END_TEST

START_TEST(only_problems_of_the_cluster_asked_for_are_counted_as_gone)
{
    m.options.since_ns = REPORT_NOW - NS_PER_S;
    m.options.has_history = true;
    m.options.cluster = "PROD-A";
    made_begin(&m);
    was(1, "PROD-A", "behind", "");
    was(2, "PROD-B", "behind", "");
    was(3, "PROD-A", "unknown", "");
    was(4, "PROD-A", "no such state", "");
    was(5, "PROD-A", "behind", "current"); /* not in this report, and not gone */
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT), " 1 gone\n");
}
END_TEST

START_TEST(of_an_earlier_time_only_what_moved_since_is_listed)
{
    m.options.since_ns = REPORT_NOW + NS_PER_S; /* no state is that young */
    m.options.has_history = true;
    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    guest(1, 1, "unmoved", OLD);
    guest(2, 1, "turned-up", OLD);
    guest(3, 1, "mended", EXPECTED);
    guest(4, 1, "worse", OLD);
    was(2, "PROD-A", "", "behind");
    was(3, "PROD-A", "behind", "current");
    was(4, "PROD-A", "newer-than-host", "behind");
    made_finish(&m);
    has(made_drift(&m, REPORT_CSV), ",turned-up,");
    has(made_drift(&m, REPORT_CSV), ",mended,");
    has(made_drift(&m, REPORT_CSV), ",worse,");
    lacks(made_drift(&m, REPORT_CSV), ",unmoved,");
    has(made_drift(&m, REPORT_TEXT), "3 guests on 1 host: ");
    has(made_drift(&m, REPORT_TEXT), ": 1 new, 1 solved, 1 changed, 1 unchanged, 0 gone\n");
    has(made_drift(&m, REPORT_HTML), "2026-01-31 (new)</td>");
}
END_TEST

START_TEST(without_a_history_a_page_does_not_speak_of_changes)
{
    m.options.since_ns = REPORT_NOW - NS_PER_S;
    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    guest(1, 1, "web01", OLD);
    made_finish(&m);
    lacks(made_drift(&m, REPORT_HTML), "Since 2026");
    lacks(made_drift(&m, REPORT_HTML), "(new)");
}
END_TEST

/* ---- nothing known ------------------------------------------------------- */

START_TEST(a_guest_of_which_nothing_is_known_has_a_question_mark_and_no_empty_line)
{
    const char *text;

    made_begin(&m);
    made_guest(&m, 1, 1, "", "", "");
    m.g.host_id[0] = '\0';
    m.g.kvp[KVP_OS_NAME].text[0] = m.g.kvp[KVP_ARCHITECTURE].text[0] = '\0';
    m.g.last_seen = m.g.inventory_time = 0;
    made_add_guest(&m);
    made_finish(&m);
    text = made_drift(&m, REPORT_TEXT);
    has(text,
        "\nOutside of clusters\n  (host not known)\n    unknown            B0000000-0000-4000-8000-000000000001 ?  ");
    has(text, " since ? (stale)\n      no poll has had this guest yet\n");
    text = made_drift(&m, REPORT_HTML);
    has(text, "<td>(outside of clusters)</td>");
    has(text, "<td>(not known)</td>");
    has(text, "<td> (stale)</td>");
}
END_TEST

START_TEST(a_host_that_says_little_is_listed_with_what_it_does_not_say)
{
    struct host *h;

    m.options.host_silent_ns = 0;
    made_begin(&m);
    h = made_host(&m, 1, "", "", "");
    h->facts.host_name[0] = '\0';
    h->last_seen = 0;
    h->poll_guests = -1;
    made_add_host(&m);
    guest(1, 1, "web01", OLD);
    made_finish(&m);
    has(made_hosts(&m, REPORT_TEXT),
        "  HOST-1               ?                -                   1 guest   last heard never\n");
    has(made_hosts(&m, REPORT_TEXT), "its Windows version is not known; no complete poll of its guests yet\n");
    has(made_drift(&m, REPORT_TEXT), "  HOST-1  Windows version not known\n");
    has(made_hosts(&m, REPORT_JSON), "\"kind\":\"host-unclear\"");
}
END_TEST

START_TEST(a_guests_windows_is_told_by_name_and_number_as_far_as_there_is_one)
{
    made_begin(&m);
    made_host_2012r2(&m, 1, "");
    made_guest(&m, 1, 1, "both", "6.3.9600", OLD);
    made_add_guest(&m);
    made_guest(&m, 2, 1, "name", "", OLD);
    made_add_guest(&m);
    made_guest(&m, 3, 1, "number", "6.2.9200", OLD);
    m.g.kvp[KVP_OS_NAME].text[0] = '\0';
    made_add_guest(&m);
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT), "\n      Windows Server, 6.3.9600\n");
    has(made_drift(&m, REPORT_TEXT), "\n      Windows Server\n");
    lacks(made_drift(&m, REPORT_TEXT), "\n      6.2.9200\n");
    has(made_drift(&m, REPORT_JSON), "\"guest_os\":\"6.2.9200\""); /* a group of its own */
}
END_TEST

START_TEST(a_page_of_an_empty_fleet_has_no_empty_tables)
{
    const char *html;

    made_begin(&m);
    made_finish(&m);
    html = made_drift(&m, REPORT_HTML);
    has(html, "<p>0 guests on 0 hosts</p>");
    lacks(html, "What to do");
    lacks(html, "Guests that are not current");
    lacks(html, "<h2>By ");
    lacks(html, "<h2>Hosts");
    lacks(made_hosts(&m, REPORT_HTML), "<h2>Hosts</h2>");
}
END_TEST

START_TEST(a_page_of_a_fleet_without_problems_lists_nobody)
{
    const char *html;

    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    guest(1, 1, "web01", EXPECTED);
    made_finish(&m);
    html = made_drift(&m, REPORT_HTML);
    lacks(html, "What to do");
    lacks(html, "web01");
    lacks(html, "Hosts with findings");
    has(html, "<td class=\"state current\">current</td><td class=\"n\">1</td>");
    lacks(made_drift(&m, REPORT_TEXT), "What to do");
    has(made_hosts(&m, REPORT_HTML), "<h2>Hosts</h2>");
}
END_TEST

/* ---- more than is listed ------------------------------------------------- */

START_TEST(of_eight_guests_all_are_named_and_of_nine_one_is_counted)
{
    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    for (int n = 1; n <= 8; n++)
        guest(n, 1, "", OLD);
    made_finish(&m);
    lacks(made_drift(&m, REPORT_HTML), " more</td>");
    lacks(made_drift(&m, REPORT_TEXT), " more\n");
    drift_report_free(m.r);
    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    for (int n = 1; n <= 9; n++)
        guest(n, 1, "", OLD);
    made_finish(&m);
    has(made_drift(&m, REPORT_HTML), "000000000008</bdi> and 1 more</td>");
    has(made_drift(&m, REPORT_TEXT), "000000000008 and 1 more\n");
}
END_TEST

START_TEST(ten_groups_are_listed_and_the_rest_is_counted)
{
    char name[8];

    made_begin(&m);
    for (int n = 1; n <= 11; n++) {
        snprintf(name, sizeof name, "C-%02d", n);
        made_host_2012r2(&m, n, name);
        guest(n, n, "", n == 11 ? EXPECTED : OLD);
    }
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT), "\nNot current by cluster\n  C-01 ");
    has(made_drift(&m, REPORT_TEXT), "\n  C-10                                         1 of 1\n  and 1 more\n");
    lacks(strstr(made_drift(&m, REPORT_TEXT), "Not current by cluster"), "C-11");
}
END_TEST

START_TEST(of_groups_with_as_many_problems_the_larger_is_first)
{
    const char *text;

    made_begin(&m);
    made_host_2012r2(&m, 1, "SMALL");
    made_host_2012r2(&m, 2, "LARGE");
    guest(1, 1, "", OLD);
    guest(2, 2, "", OLD);
    guest(3, 2, "", EXPECTED);
    made_finish(&m);
    text = strstr(made_drift(&m, REPORT_TEXT), "Not current by cluster");
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strstr(text, "LARGE") < strstr(text, "SMALL"), "%s", text);
}
END_TEST

START_TEST(hosts_of_a_cluster_are_in_order_of_their_worst_guest_and_then_of_their_name)
{
    const char *text, *one, *two, *three, *same;

    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    made_host_2012r2(&m, 2, "PROD-A");
    made_host(&m, 3, "PROD-A", "6.3.9600.20778", EXPECTED);
    made_add_host(&m);
    made_host(&m, 4, "PROD-A", "6.3.9600.20778", EXPECTED);
    snprintf(m.h.facts.host_name, sizeof m.h.facts.host_name, "HV02"); /* a second one of that name */
    made_add_host(&m);
    guest(1, 1, "fine", EXPECTED);
    guest(2, 2, "two", OLD);
    guest(4, 4, "four", OLD);
    made_guest(&m, 3, 3, "three", "6.3.9600", OLD);
    made_broken(&m);
    made_add_guest(&m);
    made_finish(&m);
    text = made_drift(&m, REPORT_TEXT);
    three = strstr(text, "\n  HV03  ");
    two = strstr(text, "\n  HV02  ");
    same = two != NULL ? strstr(two + 1, "\n  HV02  ") : NULL;
    one = strstr(text, "\n  HV01  ");
    ck_assert_msg(three != NULL && two != NULL && same != NULL && one != NULL, "%s", text);
    ck_assert_msg(three < two && two < same && same < one, "%s", text);
}
END_TEST

START_TEST(a_host_counts_its_fine_guests_by_what_they_are)
{
    made_begin(&m);
    made_host_2012r2(&m, 1, "A");
    made_host_2012r2(&m, 2, "B");
    made_host_2012r2(&m, 3, "C");
    guest(1, 1, "", EXPECTED);
    guest(2, 3, "", EXPECTED);
    made_guest(&m, 3, 2, "", "", "3.1");
    made_item(&m.g, KVP_ARCHITECTURE, "x86_64");
    made_add_guest(&m);
    made_item(&m.g, KVP_ARCHITECTURE, "x86_64");
    snprintf(m.g.vm_id, sizeof m.g.vm_id, "%s", made_id(4));
    snprintf(m.g.host_id, sizeof m.g.host_id, "HOST-3");
    made_add_guest(&m);
    made_finish(&m);
    has(made_drift(&m, REPORT_TEXT), "expects " EXPECTED "\n    1 current\n");
    has(made_drift(&m, REPORT_TEXT), "expects " EXPECTED "\n    1 not-applicable\n");
    has(made_drift(&m, REPORT_TEXT), "expects " EXPECTED "\n    1 current, 1 not-applicable\n");
}
END_TEST

START_TEST(the_room_that_is_made_for_a_report_is_about_what_it_takes)
{
    enum { MANY = 200 };

    made_begin(&m);
    ck_assert_uint_eq(drift_report_size(m.r, REPORT_JSON), 0);
    made_host_2012r2(&m, 1, "PROD-A");
    for (int n = 0; n < MANY; n++)
        guest(n, 1, "a-guest-of-some-name", n % 2 == 0 ? OLD : EXPECTED);
    made_finish(&m);
    for (int format = REPORT_TEXT; format <= REPORT_SCCM; format++) {
        size_t said = drift_report_size(m.r, (enum report_format)format);

        (void)made_drift(&m, (enum report_format)format);
        ck_assert_msg(said >= m.out.len / 4 && said <= m.out.len * 8, "format %d: %zu bytes, said to be %zu", format,
                      m.out.len, said);
    }
}
END_TEST

/* ---- hostile ------------------------------------------------------------- */

START_TEST(names_with_control_characters_are_still_json)
{
    json_error_t why;
    json_t *root;

    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    guest(1, 1, "a\x01\x1f\"\\b\x7f", OLD);
    made_finish(&m);
    root = json_loads(made_drift(&m, REPORT_JSON), 0, &why);
    ck_assert_msg(root != NULL, "%s at %d", why.text, why.position);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(root, "guests"), 0), "vm_name")),
                     "a\x01\x1f\"\\b\x7f");
    json_decref(root);
}
END_TEST

START_TEST(json_strings_escape_what_they_must_and_nothing_else)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        { "", "\"\"" },
        { "a", "\"a\"" },
        { "\x01", "\"\\u0001\"" },
        { "a\nb\x1f", "\"a\\u000ab\\u001f\"" },
        { "\"\\", "\"\\\"\\\\\"" },
        { "\x7f \xC3\xA9", "\"\x7f \xC3\xA9\"" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&m.out);
        report_json_string(&m.out, cases[i].text);
        ck_assert_str_eq(buf_text(&m.out), cases[i].json);
    }
    buf_clear(&m.out);
    report_json_flag(&m.out, "a", true);
    report_json_flag(&m.out, "b", false);
    ck_assert_str_eq(buf_text(&m.out), "\"a\":true,\"b\":false");
}
END_TEST

START_TEST(full_width_signs_of_a_formula_are_defused_too)
{
    static const char *const signs[] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0" };

    made_begin(&m);
    made_host_2012r2(&m, 1, "PROD-A");
    for (int i = 0; i < 4; i++) {
        char name[16];

        snprintf(name, sizeof name, "%sx%d", signs[i], i);
        guest(i, 1, name, OLD);
    }
    guest(4, 1, "\xEF\xBC\xA1x4", OLD); /* a full-width letter */
    made_finish(&m);
    for (int i = 0; i < 4; i++) {
        char cell[24];

        snprintf(cell, sizeof cell, ",\"'%sx%d\",", signs[i], i);
        has(made_drift(&m, REPORT_CSV), cell);
        has(made_drift(&m, REPORT_SCCM), cell);
    }
    has(made_drift(&m, REPORT_CSV), ",\xEF\xBC\xA1x4,");
}
END_TEST

START_TEST(a_version_too_long_for_its_cell_leaves_the_guest_as_it_was_judged)
{
    json_t *root;
    char version[200];

    made_begin(&m);
    made_host(&m, 1, "", "10.0.20348.1", "");
    made_add_host(&m);
    snprintf(version, sizeof version, "10.0.20348.%0150d", 1); /* a number, but for its zeros */
    made_guest(&m, 1, 1, "padded", "10.0.20348", version);
    made_add_guest(&m);
    made_guest(&m, 2, 1, "peer", "10.0.20348", "10.0.20348.2");
    made_add_guest(&m);
    made_finish(&m);
    root = json_loads(made_drift(&m, REPORT_JSON), 0, NULL);
    ck_assert_ptr_nonnull(root);
    for (size_t i = 0; i < 2; i++) {
        const json_t *g = json_array_get(json_object_get(root, "guests"), i);

        ck_assert_str_eq(json_string_value(json_object_get(g, "state")), "current");
        ck_assert_int_eq(json_integer_value(json_object_get(g, "rule_row")), 10);
    }
    json_decref(root);
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "edges");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, a_report_of_one_cluster_says_so_and_shows_nothing_of_the_others);
    tcase_add_test(c, a_problem_that_nobody_can_see_any_more_is_changed_and_not_solved);
    tcase_add_test(c, only_problems_of_the_cluster_asked_for_are_counted_as_gone);
    tcase_add_test(c, of_an_earlier_time_only_what_moved_since_is_listed);
    tcase_add_test(c, without_a_history_a_page_does_not_speak_of_changes);
    tcase_add_test(c, a_guest_of_which_nothing_is_known_has_a_question_mark_and_no_empty_line);
    tcase_add_test(c, a_host_that_says_little_is_listed_with_what_it_does_not_say);
    tcase_add_test(c, a_guests_windows_is_told_by_name_and_number_as_far_as_there_is_one);
    tcase_add_test(c, a_page_of_an_empty_fleet_has_no_empty_tables);
    tcase_add_test(c, a_page_of_a_fleet_without_problems_lists_nobody);
    tcase_add_test(c, of_eight_guests_all_are_named_and_of_nine_one_is_counted);
    tcase_add_test(c, ten_groups_are_listed_and_the_rest_is_counted);
    tcase_add_test(c, of_groups_with_as_many_problems_the_larger_is_first);
    tcase_add_test(c, hosts_of_a_cluster_are_in_order_of_their_worst_guest_and_then_of_their_name);
    tcase_add_test(c, a_host_counts_its_fine_guests_by_what_they_are);
    tcase_add_test(c, the_room_that_is_made_for_a_report_is_about_what_it_takes);
    tcase_add_test(c, names_with_control_characters_are_still_json);
    tcase_add_test(c, json_strings_escape_what_they_must_and_nothing_else);
    tcase_add_test(c, full_width_signs_of_a_formula_are_defused_too);
    tcase_add_test(c, a_version_too_long_for_its_cell_leaves_the_guest_as_it_was_judged);
}

int main(void)
{
    return suite_main("report: edges", add);
}
