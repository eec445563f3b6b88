/* The incidents report where little is known, where parts are missing, and at the ends of its lists. */
#include "report/incident_chart.h"
#include "report/incidents_report.h"
#include "tests/report/support_incident.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 11 };

static struct incidents_report report;
static const struct incident *list[4];
static struct incident *i; /* the first of them */
static struct buf out;

static struct incident *add_incident(struct incident *one)
{
    ck_assert_ptr_nonnull(one);
    list[report.count++] = one;
    return one;
}

static void begin(void)
{
    buf_init(&out, 16 * 1024 * 1024);
    report = (struct incidents_report){ .now_ns = CRASHED + 3600 * NS_PER_S, .incidents = list };
    i = add_incident(incident_of_storvsc());
}

static void end(void)
{
    for (size_t n = 0; n < report.count; n++)
        incident_free((struct incident *)list[n]);
    buf_free(&out);
}

/* The only incident is one of which nothing is known but that it was. */
static void nothing_known(void)
{
    incident_free(i);
    report.count = 0;
    i = add_incident(incident_new());
    i->id = "00000000000000aa";
}

static const char *rendered(enum report_format format)
{
    struct err e = { 0 };

    buf_clear(&out);
    ck_assert_msg(incidents_report_render(&report, format, NULL, &out, &e) == 0, "%s", e.text);
    return buf_text(&out);
}

#define has(text, what)   ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is not in:\n%s", what, text)
#define lacks(text, what) ck_assert_msg(strstr(text, what) == NULL, "\"%s\" is in:\n%s", what, text)

/* The cell of the newest incident in that column of the CSV; no cell here holds a comma or a quote. */
static const char *cell(const char *column)
{
    static char found[512];
    const char *head = rendered(REPORT_CSV), *line = strstr(head, "\r\n") + 2;

    while (strncmp(head, column, strlen(column)) != 0 || strchr(",\r", head[strlen(column)]) == NULL) {
        head += strcspn(head, ",\r");
        ck_assert_msg(*head == ',', "no column %s", column);
        head++;
        line += strcspn(line, ",\r") + 1;
    }
    snprintf(found, sizeof found, "%.*s", (int)strcspn(line, ",\r"), line);
    return found;
}

/* ---- nothing known ------------------------------------------------------- */

START_TEST(text_of_an_unknown_crash_says_what_is_not_known)
{
    const char *text;

    nothing_known();
    text = rendered(REPORT_TEXT);
    has(text, "1 incident of 0 guests on 0 hosts: ");
    has(text, "\nnot known  (guest not known)  ");
    has(text, "\n  host not known, incident 00000000000000aa\n");
    has(text, "  Integration services   not known\n");
    has(text, "No rule explains it.\n");
    lacks(text, "Timeline");
    lacks(text, " in \n");
}
END_TEST

START_TEST(html_of_an_unknown_crash_says_what_is_not_known)
{
    const char *html;

    nothing_known();
    html = rendered(REPORT_HTML);
    has(html, "<p class=\"dim\">not known UTC, host not known, incident 00000000000000aa</p>");
    has(html, "<td>not known</td><td></td><td></td></tr>");
    has(html, "<dt>Integration services</dt><dd class=\"dim\">not known</dd>");
    has(html, "<p>No rule explains it.</p>");
    lacks(html, "Timeline");
    lacks(html, "<svg");
}
END_TEST

START_TEST(csv_of_an_unknown_crash_has_empty_cells_and_no_numbers_for_what_is_not_known)
{
    static const char *const empty[] = {
        "host",        "vm_name",  "bugcheck",       "bugcheck_name",     "bugcheck_parameters",  "blamed",
        "drift_state", "uptime_s", "rules",          "since_migration_s", "migration_blackout_s", "dump",
        "bucket",      "finding",  "migration_time",
    };

    nothing_known();
    for (size_t n = 0; n < sizeof empty / sizeof *empty; n++)
        ck_assert_msg(cell(empty[n])[0] == '\0', "%s: %s", empty[n], cell(empty[n]));
    ck_assert_str_eq(cell("time"), "\"\""); /* no line begins with nothing */
    ck_assert_str_eq(cell("id"), "00000000000000aa");
    ck_assert_str_eq(cell("storage_events"), "0");
    ck_assert_str_eq(cell("rebooted"), "false");
}
END_TEST

/* ---- parts --------------------------------------------------------------- */

START_TEST(csv_tells_of_a_migration_that_was_not_over)
{
    ck_assert_str_eq(cell("since_migration_s"), "12.000");
    ck_assert_str_eq(cell("migration_time"), "2024-01-31T07:59:48Z");
    i->migration.during = true;
    ck_assert_str_eq(cell("since_migration_s"), "0.000");
    i->migration.known = false;
    ck_assert_str_eq(cell("since_migration_s"), "");
    ck_assert_str_eq(cell("migration_blackout_s"), "");
    ck_assert_str_eq(cell("migration_time"), "");
}
END_TEST

START_TEST(csv_joins_what_is_more_than_one)
{
    struct incident_finding *f = arena_alloc(&i->arena, 2 * sizeof *f);

    f[0] = f[1] = i->findings[0];
    f[1].rule = "second-rule";
    i->findings = f;
    i->finding_count = 2;
    i->cluster_events[1] = i->cluster_events[0];
    i->cluster_events[1].signal = "node-removed";
    i->cluster_event_count = 2;
    ck_assert_str_eq(cell("rules"), "storvsc-live-migration second-rule");
    ck_assert_str_eq(cell("cluster_events"), "health-timeout | node-removed");
}
END_TEST

START_TEST(csv_has_the_parameters_only_where_they_are_known_and_the_bucket_that_there_is)
{
    ck_assert_str_eq(cell("bugcheck_parameters"), "0x10 0x2 0x0 0xfffff80000b1e2b8");
    ck_assert_str_eq(cell("bucket"), "0xD1_storvsc!unknown");
    i->bugcheck.params_known = false;
    i->dumps[0].failure_id = "";
    i->dumps[0].bucket = "OURS";
    ck_assert_str_eq(cell("bugcheck"), "0x000000d1");
    ck_assert_str_eq(cell("bugcheck_parameters"), "");
    ck_assert_str_eq(cell("bucket"), "OURS");
}
END_TEST

START_TEST(a_finding_is_called_by_its_rule_where_it_has_no_title_and_leaves_out_what_it_has_not)
{
    struct incident_finding *f = i->findings;
    const char *text;

    *f = (struct incident_finding){ .rule = "my-rule", .title = "", .text = "", .action = "", .reason = "" };
    text = rendered(REPORT_TEXT);
    has(text, "\n  [low] my-rule\n");
    lacks(text, "What to do");
    lacks(text, "Why so sure");
    lacks(text, "See ");
    text = rendered(REPORT_HTML);
    has(text, "<td>my-rule</td><td class=\"low\">low</td>");
    has(text, "<h3>my-rule <span class=\"state low\">(confidence: low)</span></h3>\n<h3>Timeline</h3>");
}
END_TEST

START_TEST(an_entry_says_when_it_ended_only_if_that_was_another_moment)
{
    struct incident_entry *t = &i->timeline[1];
    const char *text;

    t->until = t->time;
    text = rendered(REPORT_TEXT);
    has(text, "-0:05:00   storage       HV01       41 times");
    text = rendered(REPORT_HTML);
    has(text, "<td class=\"n\">-0:05:00</td><td>2024-01-31 07:55:00</td><td>storage</td>");
    t->until = t->time + NS_PER_S;
    has(rendered(REPORT_HTML), "<td>2024-01-31 07:55:00 to 2024-01-31 07:55:01</td>");
    has(rendered(REPORT_TEXT), "HV01       until -0:04:59: 41 times");
}
END_TEST

START_TEST(an_entry_without_a_beginning_and_one_of_a_long_host_keep_their_columns)
{
    const char *text;

    i->timeline[0].time = 0;
    i->timeline[2].host = "a-host-of-24-characters-";
    text = rendered(REPORT_TEXT);
    has(text, "?          gap           HV01       until -0:25:00: What happened");
    has(text, "migration     a-host-of-24-characters- sql01 has moved to HV01\n");
    has(rendered(REPORT_HTML), "<td class=\"n\"></td><td>not known to 2024-01-31 07:35:00</td><td>gap</td>");
}
END_TEST

START_TEST(lines_of_an_entry_of_a_long_host_are_no_wider_than_the_page)
{
    const struct report_style narrow = { false, 60 };
    struct err e = { 0 };

    i->timeline_count = 1;
    i->timeline[0].host = "a-host-of-24-characters-";
    ck_assert_int_eq(incidents_report_render(&report, REPORT_TEXT, &narrow, &out, &e), 0);
    for (const char *line = strstr(buf_text(&out), "a-host-of"); *line != '\0';) {
        line = strchr(line, '\n') + 1;
        ck_assert_msg(strcspn(line, "\n") <= 60, "%.80s", line);
    }
}
END_TEST

/* The text in that width; the caller frees it. */
static char *in_width(int width)
{
    const struct report_style style = { false, width };
    struct err e = { 0 };
    char *copy;

    buf_clear(&out);
    ck_assert_int_eq(incidents_report_render(&report, REPORT_TEXT, &style, &out, &e), 0);
    copy = strdup(buf_text(&out));
    ck_assert_ptr_nonnull(copy);
    return copy;
}

START_TEST(a_terminal_narrower_than_40_columns_is_written_to_as_if_it_had_40)
{
    char *one = in_width(1), *narrow = in_width(39), *least = in_width(40), *wider = in_width(44),
         *endless = in_width(0);

    ck_assert_str_eq(one, least);
    ck_assert_str_eq(narrow, least);
    ck_assert_str_ne(wider, least);
    has(endless, "behind-protocol, had 6.1.7601.17514, should have had 6.3.9600.18692, so since 2024-01-30\n");
    lacks(wider, "behind-protocol, had 6.1.7601.17514, should");
    free(one);
    free(narrow);
    free(least);
    free(wider);
    free(endless);
}
END_TEST

/* ---- the heading --------------------------------------------------------- */

START_TEST(the_heading_says_what_was_asked_for)
{
    lacks(rendered(REPORT_TEXT), "cluster");
    report.cluster = "";
    has(rendered(REPORT_TEXT), "Incidents report, 2024-01-31T09:00:00Z\n");
    has(rendered(REPORT_HTML), "<p class=\"dim\">2024-01-31T09:00:00Z</p>");
    report.cluster = "<A&B>";
    report.since_ns = CRASHED - 86400 * NS_PER_S;
    has(rendered(REPORT_TEXT), "Incidents report, 2024-01-31T09:00:00Z, cluster <A&B>, since 2024-01-30T08:00:00Z\n");
    has(rendered(REPORT_HTML), "2024-01-31T09:00:00Z, cluster &#60;A&#38;B&#62;, since 2024-01-30T08:00:00Z</p>");
    has(rendered(REPORT_JSON), "\"cluster\":\"<A&B>\"");
}
END_TEST

START_TEST(incidents_that_a_limit_left_out_are_counted)
{
    lacks(rendered(REPORT_TEXT), "not shown");
    lacks(rendered(REPORT_HTML), "not shown");
    report.more = 1;
    has(rendered(REPORT_TEXT), "\n1 older one is not shown\n");
    has(rendered(REPORT_HTML), "; 1 older not shown</p>");
    report.more = 2;
    has(rendered(REPORT_TEXT), "\n2 older ones are not shown\n");
    has(rendered(REPORT_JSON), "\"more\":2");
}
END_TEST

START_TEST(guests_and_hosts_are_counted_once_by_id_or_by_name)
{
    struct incident *second = add_incident(incident_of_linux()), *third = add_incident(incident_of_storvsc());

    has(rendered(REPORT_TEXT), "3 incidents of 2 guests on 1 host: ");
    has(rendered(REPORT_HTML), "<p>3 incidents of 2 guests on 1 host, 2 of them explained by a rule</p>");
    i->host_id = second->host_id = ""; /* HV01, known by its name alone */
    third->host_id = "HOST-3";
    has(rendered(REPORT_TEXT), "3 incidents of 2 guests on 2 hosts: ");
    has(rendered(REPORT_HTML), "on 2 hosts, 2 of them");
    second->host_name = third->host_id = third->host_name = "";
    has(rendered(REPORT_TEXT), "3 incidents of 2 guests on 1 host: "); /* no name is no host */
}
END_TEST

/* ---- rates --------------------------------------------------------------- */

START_TEST(ten_groups_are_listed_in_text_and_the_rest_is_counted)
{
    struct statistics_group groups[GROUPS];
    struct incidents_rates by[2] = { { BY_GUEST_OS, groups, 10 }, { BY_MODULE, groups, 0 } };
    struct crash_rate total;

    crash_rate(12, 4000, &total);
    report.total = &total;
    report.rates = by;
    report.rate_count = 2;
    for (int n = 0; n < GROUPS; n++) {
        groups[n] = (struct statistics_group){ .label = n == GROUPS - 1 ? "the-last" : "a-group" };
        crash_rate(1, 100, &groups[n].rate);
    }
    lacks(rendered(REPORT_TEXT), " more\n");
    has(buf_text(&out), "By guest OS\n");
    lacks(buf_text(&out), "By blamed module"); /* nothing to say of it */
    lacks(rendered(REPORT_HTML), "By blamed module");
    by[0].count = GROUPS;
    has(rendered(REPORT_TEXT), "\n  and 1 more\n");
    lacks(buf_text(&out), "the-last");
    has(rendered(REPORT_HTML), "the-last"); /* a page has room for all */
}
END_TEST

START_TEST(json_has_all_groupings_and_comparisons_and_null_for_what_is_no_number)
{
    static const char *const sentences[] = { "one", "two" };
    struct statistics_group groups[2] = { { .label = "a" }, { .label = "b" } };
    struct incidents_rates by[2] = { { BY_GUEST_OS, groups, 2 }, { BY_MODULE, groups, 1 } };
    struct crash_rate total;
    json_error_t why;
    json_t *root, *statistics;

    crash_rate(1, 1e-310, &total); /* its rate is infinite */
    report = (struct incidents_report){ report.now_ns,          .incidents = list,  .count = 1,
                                        .total = &total,        .rates = by,        .rate_count = 2,
                                        .sentences = sentences, .sentence_count = 2 };
    root = json_loads(rendered(REPORT_JSON), 0, &why);
    ck_assert_msg(root != NULL, "%s", why.text);
    statistics = json_object_get(root, "statistics");
    ck_assert_uint_eq(json_object_size(json_object_get(statistics, "by")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(statistics, "comparisons")), 2);
    ck_assert(json_is_null(json_object_get(json_object_get(statistics, "total"), "per_1000_guest_days")));
    ck_assert(json_is_null(json_object_get(json_object_get(statistics, "total"), "high")));
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(statistics, "total"), "crashes")), 1);
    has(rendered(REPORT_TEXT), "1 crash   in 0 guest-day\n"); /* and no rate is told */
    json_decref(root);
}
END_TEST

/* ---- the chart ----------------------------------------------------------- */

static const char *chart(void)
{
    buf_clear(&out);
    incident_chart(i, &out);
    lacks(buf_text(&out), "nan");
    lacks(buf_text(&out), "inf");
    return buf_text(&out);
}

/* The x of the line at the crash. */
static double crash_at(void)
{
    const char *at = strstr(chart(), "\"now\" x1=\"");

    ck_assert_ptr_nonnull(at);
    return strtod(at + strlen("\"now\" x1=\""), NULL);
}

static void entries_at(int64_t first, int64_t second)
{
    i->timeline_count = 2;
    i->timeline[0] = (struct incident_entry){ first, 0, 1, ENTRY_STORAGE, false, "one", "HV01", { "", 0 } };
    i->timeline[1] = (struct incident_entry){ second, 0, 1, ENTRY_CRASH, true, "two", "HV01", { "", 0 } };
}

START_TEST(the_crash_stands_where_what_is_around_it_leaves_room)
{
    double both;

    entries_at(CRASHED - 60 * NS_PER_S, CRASHED + 60 * NS_PER_S);
    both = crash_at();
    entries_at(CRASHED - 60 * NS_PER_S, CRASHED);
    ck_assert_double_eq_tol(crash_at(), 960 - 20 - 60, 0.1); /* all of it on the left, but for a strip */
    entries_at(CRASHED, CRASHED + 60 * NS_PER_S);
    ck_assert_double_eq_tol(crash_at(), 110 + 60, 0.1);
    ck_assert_double_eq_tol(both, (960 - 20 - 60 + 110 + 60) / 2.0, 0.1);
    entries_at(CRASHED, CRASHED);
    ck_assert_double_eq_tol(crash_at(), both, 0.1); /* nothing on either side: in the middle */
}
END_TEST

START_TEST(a_gap_whose_beginning_is_not_known_reaches_from_the_edge)
{
    const char *svg;

    entries_at(0, CRASHED);
    i->timeline[0].kind = ENTRY_GAP;
    i->timeline[0].until = CRASHED - 60 * NS_PER_S;
    svg = chart();
    has(svg, "<rect class=\"gap\" x=\"110.0\"");
    has(svg, "<title> one</title>");
}
END_TEST

START_TEST(an_entry_without_any_time_is_not_drawn)
{
    entries_at(0, CRASHED);
    lacks(chart(), "<title> one</title>");
    lacks(buf_text(&out), ">Storage<");
    has(buf_text(&out), "<title>0:00:00 two</title>");
}
END_TEST

START_TEST(a_crash_of_unknown_time_has_no_chart)
{
    i->time = 0;
    ck_assert_str_eq(chart(), "");
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "sparse");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, text_of_an_unknown_crash_says_what_is_not_known);
    tcase_add_test(c, html_of_an_unknown_crash_says_what_is_not_known);
    tcase_add_test(c, csv_of_an_unknown_crash_has_empty_cells_and_no_numbers_for_what_is_not_known);
    tcase_add_test(c, csv_tells_of_a_migration_that_was_not_over);
    tcase_add_test(c, csv_joins_what_is_more_than_one);
    tcase_add_test(c, csv_has_the_parameters_only_where_they_are_known_and_the_bucket_that_there_is);
    tcase_add_test(c, a_finding_is_called_by_its_rule_where_it_has_no_title_and_leaves_out_what_it_has_not);
    tcase_add_test(c, an_entry_says_when_it_ended_only_if_that_was_another_moment);
    tcase_add_test(c, an_entry_without_a_beginning_and_one_of_a_long_host_keep_their_columns);
    tcase_add_test(c, lines_of_an_entry_of_a_long_host_are_no_wider_than_the_page);
    tcase_add_test(c, a_terminal_narrower_than_40_columns_is_written_to_as_if_it_had_40);
    tcase_add_test(c, the_heading_says_what_was_asked_for);
    tcase_add_test(c, incidents_that_a_limit_left_out_are_counted);
    tcase_add_test(c, guests_and_hosts_are_counted_once_by_id_or_by_name);
    tcase_add_test(c, ten_groups_are_listed_in_text_and_the_rest_is_counted);
    tcase_add_test(c, json_has_all_groupings_and_comparisons_and_null_for_what_is_no_number);
    tcase_add_test(c, the_crash_stands_where_what_is_around_it_leaves_room);
    tcase_add_test(c, a_gap_whose_beginning_is_not_known_reaches_from_the_edge);
    tcase_add_test(c, an_entry_without_any_time_is_not_drawn);
    tcase_add_test(c, a_crash_of_unknown_time_has_no_chart);
}

int main(void)
{
    return suite_main("report: incidents of which little is known", add);
}
