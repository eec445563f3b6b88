/* Incidents on the dashboard: the list with its filters, order and pages, the page of one, crashes on other pages, and
 * what hostile guests can do to them. */
#include "hub/web.h"
#include "tests/hub/support_incidents.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS  "10 2 0 fffff80000e1c2b8"
#define DAY_S   86400.0
#define HOSTILE "\"'><script>alert(1)</script>"

static struct story t;
static struct buf out;

static void begin(void)
{
    story_start(&t, "web");
    buf_init(&out, 64 * 1024 * 1024);
}

static void end(void)
{
    story_free(&t);
    buf_free(&out);
}

static void settle(void)
{
    story_send_all(&t);
    story_settle(&t);
}

/* The page at that address ("code=0xd1" and so on as pairs), the hub's clock at T0 and a day. */
static const char *page_of(enum web_page page, const char *name, const char *const (*parameters)[2], int status)
{
    struct web_moment moment = { .now_ns = T0 + (int64_t)DAY_S * NS_PER_S };
    struct err e = { 0 };
    struct web_query q;
    int rc;

    ck_assert(web_query_init(&q, page, name));
    for (; parameters != NULL && (*parameters)[0] != NULL; parameters++)
        ck_assert_msg(web_query_set(&q, (*parameters)[0], (*parameters)[1]) == NULL, "%s", (*parameters)[0]);
    buf_clear(&out);
    rc = web_render(t.store, &q, &moment, &out, &e);
    ck_assert_msg(rc == status, "%d, want %d: %s", rc, status, e.text);
    return buf_text(&out);
}

static const char *list_by(const char *key, const char *value)
{
    const char *const parameters[][2] = { { key, value }, { NULL, NULL } };

    return page_of(WEB_INCIDENTS, "", parameters, 0);
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

static size_t rows(const char *html)
{
    return count_of(html, "<td><a href=\"/incident/");
}

/* The id of the only incident. */
static const char *only_id(void)
{
    static char id[INCIDENT_ID_CHARS + 1];
    struct incident_list list = story_incidents(&t);

    ck_assert_msg(list.count == 1, "%zu incidents, want 1", list.count);
    snprintf(id, sizeof id, "%s", list.items[0]->id);
    incident_list_free(&list);
    return id;
}

/* ---- the list ------------------------------------------------------------------------- */

START_TEST(the_list_has_what_crashed_with_the_integration_services_of_that_moment)
{
    const char *html;

    story_inventory(&t, 1, 0, 1, OLD);
    story_crash(&t, 1, 3600, 1, "0xd1", PARAMS);
    story_dump(&t, 1, 3600, 1, "0xd1", PARAMS, "storvsc.sys");
    story_inventory(&t, 1, 7200, 1, E1);
    settle();
    html = page_of(WEB_INCIDENTS, "", NULL, 0);
    ck_assert_uint_eq(rows(html), 1);
    expect_has(html, "0x000000d1 DRIVER_<wbr>IRQL_<wbr>NOT_<wbr>LESS_<wbr>OR_<wbr>EQUAL");
    expect_has(html, "in <bdi>storvsc.sys");
    expect_has(html, "<span class=\"state is-behind\">behind</span>");
    expect_has(html, "href=\"/guest/");
    expect_has(html, "href=\"/host/");
}
END_TEST

START_TEST(a_fleet_without_crashes_has_an_empty_list_and_says_so)
{
    const char *html;

    story_inventory(&t, 1, 0, 1, OLD);
    settle();
    html = page_of(WEB_INCIDENTS, "", NULL, 0);
    ck_assert_uint_eq(rows(html), 0);
    expect_has(html, "0 incidents</p>");
}
END_TEST

START_TEST(the_list_is_filtered_by_code_module_host_guest_and_time)
{
    story_crash(&t, 1, 0, 1, "0xd1", PARAMS);
    story_dump(&t, 1, 0, 1, "0xd1", PARAMS, "storvsc.sys");
    story_crash(&t, 2, 3600, 2, "0x7a", PARAMS);
    settle();
    ck_assert_uint_eq(rows(page_of(WEB_INCIDENTS, "", NULL, 0)), 2);
    ck_assert_uint_eq(rows(list_by("code", "D1")), 1);
    expect_has(buf_text(&out), "value=\"0xD1\"");
    expect_has(buf_text(&out), "href=\"/api/v1/reports/incidents?code=0xd1&amp;format=csv&amp;limit=1000\"");
    ck_assert_uint_eq(rows(list_by("code", "0x7B")), 0);
    ck_assert_uint_eq(rows(list_by("module", "STORVSC.sys")), 1);
    ck_assert_uint_eq(rows(list_by("host", "HV02")), 1);
    ck_assert_uint_eq(rows(list_by("vm", made_vm(2))), 1);
    ck_assert_uint_eq(rows(list_by("cluster", "PROD-A")), 2);
    ck_assert_uint_eq(rows(list_by("cluster", "PROD-B")), 0);
    ck_assert_uint_eq(rows(list_by("since", "2026-01-31T08:30:00Z")), 1);
    ck_assert_uint_eq(rows(list_by("since", "2030-01-01")), 0);
}
END_TEST

START_TEST(every_incident_is_on_one_page_of_the_list_whatever_the_order)
{
    for (int n = 0; n < 120; n++)
        story_crash(&t, 1, (n / 2) * 600.0, 1 + n % 2, "0xd1", PARAMS);
    settle();
    for (int order = 0; order < 2; order++) {
        char after[64] = "";
        size_t total = 0;
        int pages = 0;

        for (;; pages++) {
            const char *const parameters[][2] = { { "order", order == 0 ? "desc" : "asc" },
                                                  { "after", after },
                                                  { NULL, NULL } };
            const char *html = page_of(WEB_INCIDENTS, "", parameters, 0), *next;

            total += rows(html);
            ck_assert_int_lt(pages, 10);
            next = strstr(html, "after=");
            if (next == NULL || strstr(html, order == 0 ? ">Earlier<" : ">Later<") == NULL)
                break;
            snprintf(after, sizeof after, "%.*s", (int)strcspn(next + 6, "\"&"), next + 6);
        }
        ck_assert_uint_eq(total, 120);
        ck_assert_int_eq(pages, 2);
    }
}
END_TEST

START_TEST(parameters_that_can_not_be_read_are_refused_with_what_to_write)
{
    static const char *const wrong[][2] = { { "code", "storvsc" },
                                            { "code", "0x123456789" },
                                            { "vm", "1" },
                                            { "since", "yesterday" },
                                            { "order", "up" },
                                            { "after", "1" },
                                            { "after", "1.zz23456789abcdef" },
                                            { "state", "behind" },
                                            { "code", "-1" } };
    struct web_query q;

    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        ck_assert(web_query_init(&q, WEB_INCIDENTS, ""));
        ck_assert_msg(web_query_set(&q, wrong[n][0], wrong[n][1]) != NULL, "%s=%s", wrong[n][0], wrong[n][1]);
    }
}
END_TEST

START_TEST(a_filter_comes_back_in_the_address)
{
    static const char *const set[][2] = {
        { "cluster", "A&B" }, { "host", "HV01" }, { "module", "a b.sys" },           { "code", "0xd1" },
        { "since", "30d" },   { "order", "asc" }, { "after", "17.0123456789abcdef" }
    };
    struct web_query q;

    ck_assert(web_query_init(&q, WEB_INCIDENTS, ""));
    for (size_t n = 0; n < sizeof set / sizeof set[0]; n++)
        ck_assert_ptr_null(web_query_set(&q, set[n][0], set[n][1]));
    web_query_address(&q, &out);
    ck_assert_str_eq(buf_text(&out), "/incidents?cluster=A%26B&amp;host=HV01&amp;module=a%20b.sys&amp;code=0xd1"
                                     "&amp;since=30d&amp;order=asc&amp;after=17.0123456789abcdef");
}
END_TEST

/* ---- one incident ------------------------------------------------------------------------ */

START_TEST(the_page_of_an_incident_has_findings_timeline_and_facts)
{
    const char *html;

    story_inventory(&t, 1, 0, 1, OLD);
    story_storage(&t, 1, 3500, "io-latency", "LUN 7", 72000);
    story_crash(&t, 1, 3600, 1, "0x7a", PARAMS);
    story_life(&t, 1, 3602, 1, "reset");
    settle();
    html = page_of(WEB_INCIDENT, only_id(), NULL, 0);
    expect_has(html, "<h1><bdi>vm1: 0x0000007a KERNEL_DATA_INPAGE_ERROR</bdi></h1>");
    expect_has(html, "<strong>What to do:</strong>");
    expect_has(html, "<h4>For it</h4>");
    expect_has(html, "<svg class=\"timeline\"");
    expect_has(html, "<td class=\"number\">-0:01:40</td>");
    expect_has(html, "<tr class=\"sign\"><td class=\"number\">+0:00:02.0</td>");
    expect_has(html, "<dt>Storage</dt><dd><bdi>1 event, the longest wait 72 s on LUN 7</bdi></dd>");
    expect_has(html, "<dt>Integration services</dt><dd><bdi>behind, had " OLD ", should have had " E1);
    expect_has(html, "href=\"/api/v1/incidents/");
}
END_TEST

START_TEST(an_incident_that_is_not_known_is_a_page_that_says_so)
{
    expect_has(page_of(WEB_INCIDENT, "0123456789abcdef", NULL, ERR_NOT_FOUND), "There is no incident");
    expect_has(page_of(WEB_INCIDENT, HOSTILE, NULL, ERR_NOT_FOUND), "&lt;script&gt;");
    expect_lacks(buf_text(&out), "<script");
}
END_TEST

/* ---- other pages -------------------------------------------------------------------------- */

START_TEST(pages_of_fleet_cluster_host_and_guest_tell_the_crashes_of_the_last_month)
{
    story_inventory(&t, 1, -40 * DAY_S, 1, OLD);
    story_inventory(&t, 1, -40 * DAY_S, 2, OLD);
    story_crash(&t, 1, -35 * DAY_S, 1, "0xd1", PARAMS);
    story_crash(&t, 1, 0, 1, "0xd1", PARAMS);
    story_crash(&t, 1, 3600, 2, "0xd1", PARAMS);
    settle();
    expect_has(page_of(WEB_FLEET, "", NULL, 0), "<strong>2</strong> crashes in the last 30 days");
    ck_assert_uint_eq(rows(buf_text(&out)), 2);
    expect_has(page_of(WEB_CLUSTER, "PROD-A", NULL, 0), "<strong>2</strong> crashes in the last 30 days");
    expect_has(buf_text(&out), "href=\"/incidents?cluster=PROD-A\"");
    expect_has(page_of(WEB_GUEST, made_vm(1), NULL, 0), "<strong>1</strong> crash in the last 30 days");
    expect_has(buf_text(&out), "href=\"/incidents?vm=");
    expect_lacks(page_of(WEB_CLUSTER, "", NULL, 0), "crashes-title");
}
END_TEST

START_TEST(crash_rates_have_counts_and_intervals_and_name_no_cause)
{
    const char *html;

    story_inventory(&t, 1, 0, 1, OLD);
    story_crash(&t, 1, 3600, 1, "0xd1", PARAMS);
    settle();
    html = page_of(WEB_INCIDENTS, "", NULL, 0);
    expect_has(html, "How often guests crash: the last 90 days");
    expect_has(html, "<strong>1</strong> crash");
    expect_has(html, "does not say why");
    expect_has(html, "95 % interval</th>");
    expect_lacks(html, "because of");
}
END_TEST

/* ---- hostile guests -------------------------------------------------------------------------- */

START_TEST(names_devices_and_modules_of_hostile_guests_stay_text)
{
    struct observation *o = story_tell(&t, 1, OBS_GUEST_CRASH, 3600, 0);

    obs_str(o, ATTR_VM_ID, made_vm(1));
    obs_str(o, ATTR_VM_NAME, HOSTILE);
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_CRASH_CODE, "0x000000d1");
    obs_str(o, ATTR_CRASH_PARAM1, "0x10");
    obs_str(o, ATTR_CRASH_PARAM2, "0x2");
    obs_str(o, ATTR_CRASH_PARAM3, "0x0");
    obs_str(o, ATTR_CRASH_PARAM4, "0xfffff80000e1c2b8");
    obs_body(o, "%s", HOSTILE);
    story_storage(&t, 1, 3500, "io-latency", HOSTILE, 72000);
    story_dump(&t, 1, 3600, 1, "0xd1", PARAMS, HOSTILE);
    settle();
    for (int n = 0; n < 4; n++) {
        static const enum web_page pages[] = { WEB_INCIDENTS, WEB_FLEET, WEB_CLUSTER, WEB_INCIDENT };

        page_of(pages[n], pages[n] == WEB_CLUSTER ? "PROD-A" : pages[n] == WEB_INCIDENT ? only_id() : "", NULL, 0);
        expect_lacks(buf_text(&out), "<script>alert");
        expect_lacks(buf_text(&out), "\"'>");
    }
    expect_has(buf_text(&out), "&lt;script&gt;alert(1)");
}
END_TEST

static void test(Suite *s, const TTest *one)
{
    TCase *c = suite_case(s, one->name);

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, one);
}

static void add(Suite *s)
{
    test(s, the_list_has_what_crashed_with_the_integration_services_of_that_moment);
    test(s, a_fleet_without_crashes_has_an_empty_list_and_says_so);
    test(s, the_list_is_filtered_by_code_module_host_guest_and_time);
    test(s, every_incident_is_on_one_page_of_the_list_whatever_the_order);
    test(s, parameters_that_can_not_be_read_are_refused_with_what_to_write);
    test(s, a_filter_comes_back_in_the_address);
    test(s, the_page_of_an_incident_has_findings_timeline_and_facts);
    test(s, an_incident_that_is_not_known_is_a_page_that_says_so);
    test(s, pages_of_fleet_cluster_host_and_guest_tell_the_crashes_of_the_last_month);
    test(s, crash_rates_have_counts_and_intervals_and_name_no_cause);
    test(s, names_devices_and_modules_of_hostile_guests_stay_text);
}

int main(void)
{
    return suite_main("hub: incidents on the dashboard", add);
}
