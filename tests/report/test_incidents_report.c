/* The incidents report in each of its formats, over an incident with everything, one with nearly nothing, and one
 * whose texts were chosen to break out of where they stand. */
#include "report/incident_chart.h"
#include "report/incident_words.h"
#include "report/incidents_report.h"
#include "tests/report/support_incident.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE "\"'><script>alert(1)</script>"

static struct incidents_report report;
static const struct incident *list[4];
static struct buf out;

static void begin(void)
{
    buf_init(&out, 16 * 1024 * 1024);
    report = (struct incidents_report){ .now_ns = CRASHED + 3600 * NS_PER_S, .incidents = list };
}

static void end(void)
{
    for (size_t n = 0; n < report.count; n++)
        incident_free((struct incident *)list[n]);
    buf_free(&out);
}

static void add(struct incident *i)
{
    list[report.count++] = i;
}

static const char *rendered_in(enum report_format format, const struct report_style *style)
{
    struct err e = { 0 };

    buf_clear(&out);
    ck_assert_msg(incidents_report_render(&report, format, style, &out, &e) == 0, "%s", e.text);
    return buf_text(&out);
}

static const char *rendered(enum report_format format)
{
    return rendered_in(format, NULL);
}

static json_t *as_json(void)
{
    json_error_t why;
    json_t *root = json_loads(rendered(REPORT_JSON), 0, &why);

    ck_assert_msg(root != NULL, "%s at %d in %s", why.text, why.position, buf_text(&out));
    return root;
}

#define expect_has(text, what)   ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is not in:\n%s", what, text)
#define expect_lacks(text, what) ck_assert_msg(strstr(text, what) == NULL, "\"%s\" is in:\n%s", what, text)

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

/* ---- text ---------------------------------------------------------------------------- */

START_TEST(text_says_what_crashed_where_and_with_which_integration_services)
{
    const char *text;

    add(incident_of_storvsc());
    text = rendered(REPORT_TEXT);
    expect_has(text, "Incidents report, 2024-01-31T09:00:00Z\n");
    expect_has(text, "1 incident of 1 guest on 1 host: 1 bugcheck; 1 explained by a rule\n");
    expect_has(text, "2024-01-31 08:00:00  sql01  0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL in storvsc.sys+0x2b8\n");
    expect_has(text, "PROD-A / HV01, incident 0123456789abcdef\n");
    expect_has(text, "behind-protocol, had 6.1.7601.17514, should have had 6.3.9600.18692, so since 2024-01-30\n");
    expect_has(text, "live migration, 12 s before, from HV02 to HV01, blackout 3.5 s, unexpectedly long\n");
    expect_has(text, "41 events, the longest wait 72 s on LUN 7\n");
    expect_has(text, "health-timeout of sql01 (event 4870)\n");
    expect_has(text, "web02 (0x0000007a, +0:01:00)\n");
    expect_has(text, "dynamic, 4096 MiB assigned\n");
    expect_has(text, "2 SCSI dynamic, 1 IDE fixed\n");
}
END_TEST

START_TEST(text_has_each_finding_with_its_evidence_and_what_to_do)
{
    const char *text;

    add(incident_of_storvsc());
    text = rendered(REPORT_TEXT);
    expect_has(text, "  [high] The storage driver fell over a live migration\n");
    expect_has(text, "    + the blamed module is storvsc.sys\n");
    expect_has(text, "    - the integration services are out of date\n");
    expect_has(text, "    ? whether checkpoints existed\n");
    expect_has(text, "    What to do: Install the hotfix in the guest.\n");
    expect_has(text, "    See https://support.microsoft.com/kb/2636573\n");
}
END_TEST

START_TEST(text_has_the_timeline_in_order_with_its_gaps_marked)
{
    const char *text, *gap, *crash;

    add(incident_of_storvsc());
    text = rendered(REPORT_TEXT);
    gap = strstr(text, "-0:30:00   gap           HV01       until -0:25:00: What happened in this time is not known");
    crash = strstr(text, "0:00:00    crash         HV01       sql01 has crashed\n");
    ck_assert_msg(gap != NULL && crash != NULL && gap < crash, "%s", text);
}
END_TEST

START_TEST(the_newest_incident_is_the_first_and_a_linux_panic_has_no_windows_code)
{
    const char *text;

    add(incident_of_storvsc());
    add(incident_of_linux());
    text = rendered(REPORT_TEXT);
    expect_has(text, "0F8FAD5B-D9CB-469F-A165-70867728950E  Linux 6.6.87 panic\n");
    ck_assert_msg(strstr(text, "Linux 6.6.87 panic") < strstr(text, "0x000000d1 DRIVER"), "%s", text);
    expect_has(text, "kernel 6.6.87, RIP 0xffffffff81, RSP 0xffffc900, die code 0x1\n");
    expect_has(text, "not known: history begins on 2024-02-01\n");
    expect_has(text, "No rule explains it.\n");
    ck_assert_uint_eq(count_of(text, "Parameters"), 1);
}
END_TEST

START_TEST(text_without_incidents_says_so)
{
    expect_has(rendered(REPORT_TEXT), "No guest is known to have crashed\n");
}
END_TEST

START_TEST(text_as_a_part_of_another_report_has_no_heading)
{
    add(incident_of_storvsc());
    report.brief = true;
    expect_lacks(rendered(REPORT_TEXT), "Incidents report");
}
END_TEST

START_TEST(text_keeps_to_the_width_and_has_colour_only_when_asked)
{
    const struct report_style narrow = { false, 80 }, colour = { true, 0 };
    const char *text;

    add(incident_of_storvsc());
    text = rendered_in(REPORT_TEXT, &narrow);
    for (const char *line = strstr(text, "  Parameters"); *line != '\0';) {
        size_t len = strcspn(line, "\n");

        ck_assert_msg(len <= 80, "%zu columns: %.*s", len, (int)len, line);
        line += len + (line[len] == '\n');
    }
    expect_lacks(text, "\033");
    text = rendered_in(REPORT_TEXT, &colour);
    expect_has(text, "\033[31m0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL\033[0m");
    ck_assert_uint_eq(count_of(text, "\033["), 2 * count_of(text, "\033[0m"));
}
END_TEST

/* ---- JSON ----------------------------------------------------------------------------- */

START_TEST(json_has_the_keys_that_others_rely_on)
{
    static const char *const keys[] = { "id",       "vm_id",   "vm_name",     "host",     "time",
                                        "bugcheck", "culprit", "drift_state", "findings", "timeline" };
    json_t *root, *one, *f;

    add(incident_of_storvsc());
    add(incident_of_linux());
    root = as_json();
    ck_assert_str_eq(json_string_value(json_object_get(root, "schema")), "hvfleet.report.incidents/1");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "incidents")), 2);
    one = json_array_get(json_object_get(root, "incidents"), 1);
    for (size_t n = 0; n < sizeof keys / sizeof keys[0]; n++)
        ck_assert_msg(json_object_get(one, keys[n]) != NULL, "no %s", keys[n]);
    ck_assert_str_eq(json_string_value(json_object_get(one, "id")), "0123456789abcdef");
    f = json_array_get(json_object_get(one, "findings"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(f, "confidence")), "high");
    ck_assert_uint_eq(json_array_size(json_object_get(f, "for")), 1);
    ck_assert(json_is_null(json_object_get(root, "statistics")));
    json_decref(root);
}
END_TEST

START_TEST(json_of_hostile_texts_is_still_json)
{
    json_t *root, *one;

    add(incident_written_by("\\\"},\xE2\x80\xAE" HOSTILE));
    root = as_json();
    one = json_array_get(json_object_get(root, "incidents"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(one, "vm_name")), list[0]->vm_name);
    json_decref(root);
}
END_TEST

/* ---- CSV ------------------------------------------------------------------------------- */

/* Cells of line n (0 the header), taken apart by RFC 4180; the count of them. */
static size_t cells_of(const char *csv, int line, char cells[64][512])
{
    size_t n = 0, len = 0;
    bool quoted = false;

    for (; line >= 0; csv++) {
        if (quoted && csv[0] == '"' && csv[1] == '"')
            csv++;
        else if (*csv == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted || (*csv != ',' && *csv != '\r')) {
            ck_assert_msg(*csv != '\0', "the text ends within a line");
            if (line == 0 && len < 511)
                cells[n][len++] = *csv;
            continue;
        }
        if (line == 0)
            cells[n++][len] = '\0';
        len = 0;
        ck_assert_uint_lt(n, 64);
        if (*csv == '\r') {
            ck_assert_int_eq(*++csv, '\n');
            line--;
        }
    }
    return n;
}

START_TEST(csv_has_one_line_an_incident_with_as_many_cells_as_the_header)
{
    char head[64][512], first[64][512], second[64][512];
    size_t columns;
    const char *csv;

    add(incident_of_storvsc());
    add(incident_of_linux());
    csv = rendered(REPORT_CSV);
    columns = cells_of(csv, 0, head);
    ck_assert_uint_eq(cells_of(csv, 1, first), columns);
    ck_assert_uint_eq(cells_of(csv, 2, second), columns);
    ck_assert_uint_eq(count_of(csv, "\r\n"), 3);
    ck_assert_str_eq(head[7], "bugcheck");
    ck_assert_str_eq(first[7], "");
    ck_assert_str_eq(second[7], "0x000000d1");
    ck_assert_str_eq(head[20], "since_migration_s");
    ck_assert_str_eq(second[20], "12.000");
    ck_assert_str_eq(head[34], "rules");
    ck_assert_str_eq(second[34], "storvsc-live-migration");
}
END_TEST

START_TEST(csv_cells_that_a_spreadsheet_would_run_are_defused)
{
    char head[64][512], cells[64][512];
    const char *csv;

    add(incident_written_by("=HYPERLINK(\"http://x\",\"y\")"));
    csv = rendered(REPORT_CSV);
    ck_assert_uint_eq(cells_of(csv, 0, head), cells_of(csv, 1, cells));
    for (int n = 0; n < 36; n++)
        ck_assert_msg(strchr("=+-@", cells[n][0]) == NULL || cells[n][0] == '\0', "%s: %s", head[n], cells[n]);
    ck_assert_str_eq(cells[4], "'=HYPERLINK(\"http://x\",\"y\")");
}
END_TEST

/* ---- HTML ------------------------------------------------------------------------------- */

START_TEST(html_holds_list_facts_findings_and_timeline)
{
    const char *html;

    add(incident_of_storvsc());
    html = rendered(REPORT_HTML);
    expect_has(html, "<a href=\"#i-0123456789abcdef\">2024-01-31 08:00:00</a>");
    expect_has(html, "id=\"i-0123456789abcdef\"");
    expect_has(html, "<dt>Integration services</dt><dd>behind-protocol, had 6.1.7601.17514");
    expect_has(html, "<strong>What to do:</strong> Install the hotfix in the guest.");
    expect_has(html, "href=\"https://support.microsoft.com/kb/2636573\"");
    expect_has(html, "<svg class=\"timeline\"");
    expect_has(html, "<td class=\"n\">-0:30:00</td><td>2024-01-31 07:30:00 to 2024-01-31 07:35:00</td><td>gap</td>");
}
END_TEST

START_TEST(html_of_hostile_texts_has_no_tag_and_no_link_of_theirs)
{
    const char *html;

    add(incident_written_by(HOSTILE));
    html = rendered(REPORT_HTML);
    expect_lacks(html, "<script");
    expect_has(html, "&#34;&#39;&#62;&#60;script&#62;");
    incident_free((struct incident *)list[0]);
    list[0] = incident_written_by("javascript:alert(1)");
    expect_lacks(rendered(REPORT_HTML), "href=\"javascript");
}
END_TEST

/* ---- the chart -------------------------------------------------------------------------- */

/* The x of the first mark of that class. */
static double x_of(const char *svg, const char *class, const char *attribute)
{
    const char *at = strstr(svg, class);

    ck_assert_msg(at != NULL, "no %s in %s", class, svg);
    at = strstr(at, attribute);
    ck_assert_ptr_nonnull(at);
    return strtod(at + strlen(attribute), NULL);
}

START_TEST(the_chart_has_what_was_before_the_crash_on_its_left)
{
    struct incident *i = incident_of_storvsc();
    double gap, moved, crash;

    incident_chart(i, &out);
    gap = x_of(buf_text(&out), "\"gap\"", " x=\"");
    moved = x_of(buf_text(&out), "<circle class=\"mark\"", " cx=\"");
    crash = x_of(buf_text(&out), "\"now\"", " x1=\"");
    ck_assert_msg(gap < moved && moved < crash, "%g %g %g", gap, moved, crash);
    ck_assert_msg(gap >= 0 && crash <= 960, "%g %g", gap, crash);
    ck_assert_uint_eq(count_of(buf_text(&out), "<title>"), (size_t)i->timeline_count);
    incident_free(i);
}
END_TEST

START_TEST(a_chart_of_a_lone_crash_is_not_drawn)
{
    struct incident *i = incident_of_linux();

    incident_chart(i, &out);
    ck_assert_str_eq(buf_text(&out), "");
    incident_free(i);
}
END_TEST

START_TEST(a_chart_of_times_far_apart_stays_within_its_frame)
{
    struct incident *i = incident_of_storvsc();
    const char *svg;

    i->timeline[0].time = 1;
    i->timeline[5].time = INT64_MAX;
    incident_chart(i, &out);
    svg = buf_text(&out);
    for (const char *at = strstr(svg, " x=\""); at != NULL; at = strstr(at + 1, " x=\""))
        ck_assert_msg(strtod(at + 4, NULL) >= 0 && strtod(at + 4, NULL) <= 960, "%.20s", at);
    expect_lacks(svg, "nan");
    incident_free(i);
}
END_TEST

/* ---- statistics -------------------------------------------------------------------------- */

START_TEST(crash_rates_come_with_counts_intervals_and_a_word_of_care)
{
    static const char *const sentences[] = { "Guests that are behind: not enough data" };
    struct statistics_group groups[2] = { { .label = "behind", .own_days = true }, { .label = HOSTILE } };
    struct incidents_rates by = { BY_DRIFT_STATE, groups, 2 };
    struct crash_rate total;
    json_t *root, *one;

    crash_rate(12, 4000, &total);
    crash_rate(9, 1000, &groups[0].rate);
    crash_rate(3, 0, &groups[1].rate);
    report.total = &total;
    report.rates = &by;
    report.rate_count = 1;
    report.sentences = sentences;
    report.sentence_count = 1;
    expect_has(rendered(REPORT_TEXT), "12 crashes in 4000 guest-days: 3.00 (1.55 to 5.24)\n");
    expect_has(buf_text(&out), "9 crashes in 1000 guest-days: 9.00 (4.12 to 17.1)\n");
    expect_has(buf_text(&out), "not what is the cause");
    expect_has(buf_text(&out), "not enough data\n");
    expect_lacks(rendered(REPORT_HTML), "<script");
    root = as_json();
    one = json_object_get(json_object_get(json_object_get(root, "statistics"), "by"), "drift-state");
    ck_assert_uint_eq(json_array_size(one), 2);
    one = json_array_get(one, 0);
    ck_assert_double_eq_tol(json_number_value(json_object_get(one, "low")), 4.115, 0.01);
    ck_assert(json_is_null(json_object_get(
        json_array_get(json_object_get(json_object_get(json_object_get(root, "statistics"), "by"), "drift-state"), 1),
        "per_1000_guest_days")));
    json_decref(root);
}
END_TEST

START_TEST(rates_are_never_told_in_powers_of_ten)
{
    struct crash_rate total;

    crash_rate(1, 0.001, &total);
    report.total = &total;
    expect_has(rendered(REPORT_TEXT), "1 crash   in 0 guest-day: 1000000 (");
    crash_rate(7, 11, &total);
    expect_has(rendered(REPORT_TEXT), "in 11 guest-days: 636 (256 to 1311)\n");
}
END_TEST

START_TEST(formats_for_upgrading_tools_are_refused)
{
    struct err e = { 0 };

    ck_assert_int_eq(incidents_report_render(&report, REPORT_SCCM, NULL, &out, &e), ERR_UNSUPPORTED);
    ck_assert_msg(strstr(e.text, "drift report") != NULL, "%s", e.text);
}
END_TEST

START_TEST(a_report_over_its_ceiling_says_how_to_get_a_smaller_one)
{
    struct err e = { 0 };
    struct buf small;

    add(incident_of_storvsc());
    buf_init(&small, 100);
    for (int format = REPORT_TEXT; format <= REPORT_HTML; format++) {
        buf_clear(&small);
        ck_assert_int_eq(incidents_report_render(&report, (enum report_format)format, NULL, &small, &e), ERR_TOO_BIG);
    }
    buf_free(&small);
}
END_TEST

static void test(Suite *s, const TTest *t)
{
    TCase *one = suite_case(s, t->name);

    tcase_add_checked_fixture(one, begin, end);
    tcase_add_test(one, t);
}

static void add_all(Suite *s)
{
    test(s, text_says_what_crashed_where_and_with_which_integration_services);
    test(s, text_has_each_finding_with_its_evidence_and_what_to_do);
    test(s, text_has_the_timeline_in_order_with_its_gaps_marked);
    test(s, the_newest_incident_is_the_first_and_a_linux_panic_has_no_windows_code);
    test(s, text_without_incidents_says_so);
    test(s, text_as_a_part_of_another_report_has_no_heading);
    test(s, text_keeps_to_the_width_and_has_colour_only_when_asked);
    test(s, json_has_the_keys_that_others_rely_on);
    test(s, json_of_hostile_texts_is_still_json);
    test(s, csv_has_one_line_an_incident_with_as_many_cells_as_the_header);
    test(s, csv_cells_that_a_spreadsheet_would_run_are_defused);
    test(s, html_holds_list_facts_findings_and_timeline);
    test(s, html_of_hostile_texts_has_no_tag_and_no_link_of_theirs);
    test(s, the_chart_has_what_was_before_the_crash_on_its_left);
    test(s, a_chart_of_a_lone_crash_is_not_drawn);
    test(s, a_chart_of_times_far_apart_stays_within_its_frame);
    test(s, crash_rates_come_with_counts_intervals_and_a_word_of_care);
    test(s, rates_are_never_told_in_powers_of_ten);
    test(s, formats_for_upgrading_tools_are_refused);
    test(s, a_report_over_its_ceiling_says_how_to_get_a_smaller_one);
}

int main(void)
{
    return suite_main("report: incidents", add_all);
}
