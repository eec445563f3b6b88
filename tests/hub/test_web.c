/* The dashboard over HTTP: addresses, headers, and what hostile guests can do to a page. */
#include "hub/web.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOBUF "Content-Type: application/x-protobuf"

enum { AGENT = 1 };

static void send_batch(const struct running *r, const struct made *m, const struct resource *who)
{
    struct call call = { .path = "/v1/logs", .headers = { PROTOBUF } };
    struct buf bytes;

    buf_init(&bytes, 16 * 1024 * 1024);
    made_request(m, who, &bytes);
    call.body = bytes.data;
    call.len = bytes.len;
    ck_assert_int_eq(status_of(r, &call), 200);
    buf_free(&bytes);
}

/* One host of the cluster with so many guests: every other one is behind. */
static struct resource send_host(const struct running *r, const char *cluster, int guests)
{
    struct resource who = made_agent(AGENT, cluster, "6.3.9600.20778", "6.3.9600.18692");
    struct made m;

    made_init(&m, 1);
    made_host_inventory(&m, &who, T0);
    for (int i = 0; i < guests; i++)
        made_inventory(&m, i, T0, "6.3.9600", i % 2 == 0 ? "6.3.9600.18692" : "6.3.9600.16384");
    send_batch(r, &m, &who);
    made_free(&m);
    return who;
}

/* A host with one guest of that name and OS name. */
static void send_named(const struct running *r, const char *name, const char *os)
{
    struct resource who = made_agent(AGENT, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct observation *o;
    struct made m;

    made_init(&m, 1);
    made_host_inventory(&m, &who, T0);
    o = made_add(&m, OBS_GUEST_INVENTORY, T0);
    obs_str(o, ATTR_VM_ID, made_vm(1));
    obs_str(o, ATTR_VM_NAME, name);
    obs_str(o, ATTR_VM_POWER, "running");
    obs_int(o, ATTR_VM_ENABLED_STATE, 2);
    obs_str(o, ATTR_KVP_PREFIX "OSName", os);
    obs_str(o, ATTR_KVP_PREFIX "OSVersion", "6.3.9600");
    obs_str(o, ATTR_KVP_PREFIX "OSPlatformId", "2");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "9");
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", "6.3.9600.16384");
    send_batch(r, &m, &who);
    made_free(&m);
}

static void get(const struct running *r, const char *path, struct answer *a)
{
    struct call call = { .path = path };

    call_hub(r, &call, a);
}

/* The page's text, the caller's to free; fails unless the status is as said. */
static char *page(const struct running *r, const char *path, int status)
{
    struct answer a;
    char *text;

    get(r, path, &a);
    ck_assert_msg(a.status == status, "%s: %d, not %d: %s", path, a.status, status, buf_text(&a.body));
    text = strdup(buf_text(&a.body));
    answer_free(&a);
    return text;
}

static int count_of(const char *text, const char *part)
{
    int n = 0;

    for (text = strstr(text, part); text != NULL; text = strstr(text + 1, part))
        n++;
    return n;
}

#define assert_has(text, part)   ck_assert_msg(strstr(text, part) != NULL, "%s is not in: %.3000s", part, text)
#define assert_hasnt(text, part) ck_assert_msg(strstr(text, part) == NULL, "%s is in: %.3000s", part, text)

START_TEST(an_empty_fleet_has_its_pages)
{
    struct running r;

    hub_run(&r, "", false);
    for (size_t i = 0; i < 3; i++) {
        char *text = page(&r, ((const char *[]){ "/", "/guests", "/cluster/" })[i], 200);

        assert_has(text, "</html>");
        free(text);
    }
    hub_end(&r);
}
END_TEST

START_TEST(links_lead_from_the_fleet_to_a_guest)
{
    char host_path[256], guest_path[128], link[512];
    struct resource who;
    struct running r;
    char *text;

    hub_run(&r, "", false);
    who = send_host(&r, "PROD-A", 4);
    snprintf(host_path, sizeof host_path, "/host/%s", who.host_id);
    snprintf(guest_path, sizeof guest_path, "/guest/%s", made_vm(1));
    text = page(&r, "/", 200);
    assert_has(text, "href=\"/cluster/PROD-A\"");
    free(text);
    text = page(&r, "/cluster/PROD-A", 200);
    snprintf(link, sizeof link, "href=\"%s\"", host_path);
    assert_has(text, link);
    free(text);
    text = page(&r, host_path, 200);
    snprintf(link, sizeof link, "href=\"%s\"", guest_path);
    assert_has(text, link);
    free(text);
    text = page(&r, guest_path, 200);
    assert_has(text, "<h1><bdi>vm1</bdi></h1>");
    assert_has(text, "What to do:");
    assert_has(text, "6.3.9600.16384");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(every_page_carries_the_content_policy)
{
    static const char *const paths[] = {
        "/", "/guests", "/cluster/PROD-A", "/cluster/NONE", "/assets/style.css", "/guests?format=json"
    };
    struct running r;

    hub_run(&r, "", false);
    send_host(&r, "PROD-A", 2);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct answer a;

        get(&r, paths[i], &a);
        ck_assert_str_eq(answer_header(&a, "Content-Security-Policy"), WEB_CONTENT_POLICY);
        ck_assert_str_eq(answer_header(&a, "X-Content-Type-Options"), "nosniff");
        ck_assert_str_eq(answer_header(&a, "Referrer-Policy"), "same-origin");
        answer_free(&a);
    }
    hub_end(&r);
}
END_TEST

START_TEST(pages_hold_no_script_and_no_style_of_their_own)
{
    static const char *const paths[] = { "/", "/guests", "/cluster/PROD-A" };
    struct running r;

    hub_run(&r, "", false);
    send_host(&r, "PROD-A", 3);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *text = page(&r, paths[i], 200);

        ck_assert_int_eq(count_of(text, "<script"), count_of(text, "<script src=\"/assets/"));
        assert_hasnt(text, "style=\"");
        assert_hasnt(text, "<style");
        free(text);
    }
    hub_end(&r);
}
END_TEST

/* Names, and how they must look in a page. */
static const struct {
    const char *name, *shown;
} hostile[] = {
    { "<img src=x onerror=alert(1)>", "<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>" },
    { "\"'>", "<bdi>&quot;&#39;&gt;</bdi>" },
    { "\"><script>alert(1)</script>", "<bdi>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" },
    { "</title><b>&amp;", "<bdi>&lt;/title&gt;&lt;b&gt;&amp;amp;</bdi>" },
    /* a right-to-left override */
    { "\xE2\x80\xAEgnp.exe", "<bdi>\xEF\xBF\xBDgnp.exe</bdi>" },
    /* no UTF-8 */
    { "a\xFF\xC0z", "<bdi>a\xEF\xBF\xBD\xEF\xBF\xBDz</bdi>" },
};

START_TEST(a_hostile_name_is_text_on_every_page)
{
    const char *name = hostile[_i].name;
    struct running r;
    char paths[5][256] = { "/guests", "/cluster/PROD-A", "/", "", "" };

    hub_run(&r, "", false);
    send_named(&r, name, name);
    snprintf(paths[3], sizeof paths[3], "/host/%s",
             made_agent(AGENT, "PROD-A", "6.3.9600.20778", "6.3.9600.18692").host_id);
    snprintf(paths[4], sizeof paths[4], "/guest/%s", made_vm(1));
    for (size_t i = 0; i < 5; i++) {
        char *text = page(&r, paths[i], 200);

        if (i != 2)
            assert_has(text, hostile[_i].shown);
        assert_hasnt(text, "<img");
        assert_hasnt(text, "<script>");
        assert_hasnt(text, "</title><b>");
        assert_hasnt(text, "\xE2\x80\xAE");
        free(text);
    }
    hub_end(&r);
}
END_TEST

START_TEST(a_name_of_1024_characters_is_cut_and_linked)
{
    char name[1025], *text;
    struct running r;

    memset(name, 'W', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    hub_run(&r, "", false);
    send_named(&r, name, name);
    text = page(&r, "/guests", 200);
    assert_hasnt(text, name);
    assert_has(text, "WWW\xE2\x80\xA6</bdi></a>");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(a_cluster_with_a_hostile_name_has_an_address)
{
    struct running r;
    char *text;

    hub_run(&r, "", false);
    send_host(&r, "A/B \"<b>&%41?#", 1);
    text = page(&r, "/", 200);
    assert_has(text, "href=\"/cluster/A%2FB%20%22%3Cb%3E%26%2541%3F%23\"");
    free(text);
    text = page(&r, "/cluster/A%2FB%20%22%3Cb%3E%26%2541%3F%23", 200);
    assert_has(text, "<h1><bdi>A/B &quot;&lt;b&gt;&amp;%41?#</bdi></h1>");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(a_filter_is_shown_as_text_and_kept_in_the_form)
{
    struct running r;
    char *text;

    hub_run(&r, "", false);
    send_host(&r, "PROD-A", 2);
    text = page(&r, "/guests?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", 200);
    assert_has(text, "value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\"");
    assert_hasnt(text, "<script>");
    assert_has(text, "No guests that pass the filter");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(what_is_not_there_is_404_in_words)
{
    static const char *const paths[] = { "/cluster/NONE",      "/host/none",
                                         "/guest/not-a-guid",  "/guest/B0000000-0000-4000-8000-000000009999",
                                         "/host/%3Cscript%3E", "/host/none?format=csv" };
    struct running r;

    hub_run(&r, "", false);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *text = page(&r, paths[i], 404);

        assert_has(text, "<h1><bdi>Not found</bdi></h1>");
        assert_hasnt(text, "<script>");
        free(text);
    }
    free(page(&r, "/assets/../hub.yaml", 404));
    free(page(&r, "/assets/%2e%2e%2fhub.yaml", 404));
    free(page(&r, "/clusters", 404));
    hub_end(&r);
}
END_TEST

START_TEST(a_wrong_parameter_is_400_and_says_what_to_write)
{
    struct running r;
    char *text;

    hub_run(&r, "", false);
    text = page(&r, "/guests?sort=colour", 400);
    assert_has(text, "sort: write state, name");
    free(text);
    text = page(&r, "/?colour=%3Cred%3E", 400);
    assert_has(text, "colour: write one of");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(pages_are_for_those_who_may_speak)
{
    static const char *const paths[] = { "/", "/guests", "/cluster/PROD-A", "/host/x", "/guest/x" };
    struct running r;

    hub_run(&r, "", true);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct call call = { .path = paths[i] };
        struct call wrong = { .path = paths[i], .headers = { "Authorization: Bearer wrong-wrong-wrong" } };

        ck_assert_int_eq(status_of(&r, &call), 303); /* to the login */
        ck_assert_int_eq(status_of(&r, &wrong), 401);
    }
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/assets/style.css" }), 200);
    hub_end(&r);
}
END_TEST

START_TEST(a_long_list_is_paged)
{
    struct running r;
    char *first, *last;

    hub_run(&r, "", false);
    send_host(&r, "PROD-A", 230);
    first = page(&r, "/guests?sort=name", 200);
    ck_assert_int_eq(count_of(first, "<th scope=\"row\">"), 100);
    assert_has(first, "1 to 100 of 230 guests");
    assert_has(first, "href=\"/guests?sort=name&amp;page=3\">Last");
    last = page(&r, "/guests?sort=name&page=3", 200);
    ck_assert_int_eq(count_of(last, "<th scope=\"row\">"), 30);
    assert_has(last, "201 to 230 of 230 guests");
    free(page(&r, "/guests?page=4", 200));
    free(first);
    free(last);
    hub_end(&r);
}
END_TEST

START_TEST(a_list_is_filtered_and_sorted)
{
    struct running r;
    char *text;

    hub_run(&r, "", false);
    send_host(&r, "PROD-A", 10);
    text = page(&r, "/guests?state=behind&sort=name&order=desc", 200);
    ck_assert_int_eq(count_of(text, "<th scope=\"row\">"), 5);
    ck_assert_uint_lt((uintptr_t)strstr(text, "<bdi>vm9</bdi>"), (uintptr_t)strstr(text, "<bdi>vm1</bdi>"));
    assert_has(text, "aria-sort=\"descending\"");
    assert_hasnt(text, "<bdi>vm2</bdi>");
    free(text);
    text = page(&r, "/cluster/PROD-A?version=18692&q=VM4", 200);
    assert_has(text, "1 to 1 of 1 guests that pass the filter");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(csv_and_json_hold_all_of_the_list)
{
    struct running r;
    struct answer a;
    json_t *list;
    char *text;

    hub_run(&r, "", false);
    send_host(&r, "PROD-A", 230);
    get(&r, "/cluster/PROD-A?state=behind&format=json", &a);
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "application/json");
    list = json_loads(buf_text(&a.body), 0, NULL);
    ck_assert_ptr_nonnull(list);
    ck_assert_str_eq(json_string_value(json_object_get(list, "schema")), "hvfleet.guests/1");
    ck_assert_uint_eq(json_array_size(json_object_get(list, "guests")), 115);
    json_decref(list);
    answer_free(&a);
    text = page(&r, "/guests?format=csv", 200);
    ck_assert_int_eq(count_of(text, "\r\n"), 231);
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(csv_defuses_formulas)
{
    struct running r;
    char *text;

    hub_run(&r, "", false);
    send_named(&r, "=cmd|' /C calc'!A0\"", "@SUM(1)");
    text = page(&r, "/guests?format=csv", 200);
    assert_has(text, ",\"'=cmd|' /C calc'!A0\"\"\",");
    assert_has(text, ",\"'@SUM(1)\",");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(a_change_is_in_the_guests_history)
{
    struct resource who;
    struct running r;
    struct made m;
    char path[128], *text;

    hub_run(&r, "", false);
    who = send_host(&r, "PROD-A", 2);
    made_init(&m, 4);
    made_inventory(&m, 1, T0 + 60 * MINUTES, "6.3.9600", "6.3.9600.18692");
    send_batch(&r, &m, &who);
    made_free(&m);
    snprintf(path, sizeof path, "/guest/%s", made_vm(1));
    text = page(&r, path, 200);
    assert_has(text, "<td>state</td><td><bdi>behind</bdi></td><td><bdi>current</bdi></td>");
    assert_has(text, "<td>version</td><td><bdi>6.3.9600.16384</bdi></td><td><bdi>6.3.9600.18692</bdi></td>");
    free(text);
    hub_end(&r);
}
END_TEST

START_TEST(a_finding_is_on_the_pages_of_its_host_cluster_and_fleet)
{
    struct resource who;
    struct running r;
    struct made m;
    char host_path[256];
    const char *paths[] = { "/", "/cluster/PROD-A", host_path };

    hub_run(&r, "", false);
    who = send_host(&r, "PROD-A", 2);
    made_init(&m, 100);
    made_inventory(&m, 1, T0 + 60 * MINUTES, "6.3.9600", "6.3.9600.18692");
    send_batch(&r, &m, &who);
    made_free(&m);
    snprintf(host_path, sizeof host_path, "/host/%s", who.host_id);
    for (size_t i = 0; i < 3; i++) {
        char *text = page(&r, paths[i], 200);

        assert_has(text, "<td class=\"word\">sequence-hole</td>");
        free(text);
    }
    hub_end(&r);
}
END_TEST

START_TEST(the_fleets_page_counts_what_the_report_counts)
{
    static const char *const states[] = { "behind", "current" };
    struct running r;
    struct answer a;
    json_t *report, *by_state;
    char *text, expected[128];

    hub_run(&r, "", false);
    send_host(&r, "PROD-A", 9);
    get(&r, "/api/v1/reports/drift", &a);
    report = json_loads(buf_text(&a.body), 0, NULL);
    by_state = json_object_get(json_object_get(report, "summary"), "by_state");
    text = page(&r, "/", 200);
    for (size_t i = 0; i < 2; i++) {
        int64_t n = json_integer_value(json_object_get(by_state, states[i]));

        ck_assert_int_gt(n, 0);
        snprintf(expected, sizeof expected, "href=\"/guests?state=%s\">%lld<", states[i], (long long)n);
        assert_has(text, expected);
    }
    free(text);
    json_decref(report);
    answer_free(&a);
    hub_end(&r);
}
END_TEST

/* Follows every link of the page that starts so; returns how many there were. */
static int follow_links(const struct running *r, const char *text, const char *start)
{
    char pattern[128], path[1024];
    int count = 0;

    snprintf(pattern, sizeof pattern, "href=\"%s", start);
    for (text = strstr(text, pattern); text != NULL; text = strstr(text + 1, pattern)) {
        snprintf(path, sizeof path, "%.*s", (int)strcspn(text + 6, "\""), text + 6);
        free(page(r, path, 200));
        count++;
    }
    return count;
}

START_TEST(links_to_the_api_lead_somewhere)
{
    char host_path[256], guest_path[128];
    const char *paths[] = { "/", "/cluster/A%20%26%20B", host_path, guest_path };
    struct resource who;
    struct running r;

    hub_run(&r, "", false);
    who = send_host(&r, "A & B", 2);
    snprintf(host_path, sizeof host_path, "/host/%s", who.host_id);
    snprintf(guest_path, sizeof guest_path, "/guest/%s", made_vm(1));
    for (size_t i = 0; i < 4; i++) {
        char *text = page(&r, paths[i], 200);

        ck_assert_int_ge(follow_links(&r, text, "/api/"), 5);
        free(text);
    }
    hub_end(&r);
}
END_TEST

START_TEST(assets_may_be_kept_at_the_address_that_names_their_version)
{
    struct running r;
    struct answer a;
    char path[128];

    hub_run(&r, "", false);
    snprintf(path, sizeof path, "/assets/draw.js?v=%s", web_assets_version);
    get(&r, path, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "Cache-Control"), "private, max-age=31536000, immutable");
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "text/javascript; charset=utf-8");
    answer_free(&a);
    get(&r, "/assets/chart.js", &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_gt(a.body.len, 50000);
    ck_assert_str_eq(answer_header(&a, "Cache-Control"), "no-store");
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(head_answers_as_get_without_a_body)
{
    struct call call = { .method = "HEAD", .path = "/" },
                post = { .method = "POST", .path = "/", .body = "x", .len = 1 };
    struct running r;

    hub_run(&r, "", false);
    ck_assert_int_eq(status_of(&r, &call), 200);
    ck_assert_int_eq(status_of(&r, &post), 405);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    TCase *names = suite_case(s, "a_hostile_name_is_text_on_every_page");

    suite_test(s, an_empty_fleet_has_its_pages);
    suite_test(s, links_lead_from_the_fleet_to_a_guest);
    suite_test(s, every_page_carries_the_content_policy);
    suite_test(s, pages_hold_no_script_and_no_style_of_their_own);
    tcase_add_loop_test(names, a_hostile_name_is_text_on_every_page, 0, sizeof hostile / sizeof hostile[0]);
    suite_test(s, a_name_of_1024_characters_is_cut_and_linked);
    suite_test(s, a_cluster_with_a_hostile_name_has_an_address);
    suite_test(s, a_filter_is_shown_as_text_and_kept_in_the_form);
    suite_test(s, what_is_not_there_is_404_in_words);
    suite_test(s, a_wrong_parameter_is_400_and_says_what_to_write);
    suite_test(s, pages_are_for_those_who_may_speak);
    suite_test(s, a_long_list_is_paged);
    suite_test(s, a_list_is_filtered_and_sorted);
    suite_test(s, csv_and_json_hold_all_of_the_list);
    suite_test(s, csv_defuses_formulas);
    suite_test(s, a_change_is_in_the_guests_history);
    suite_test(s, a_finding_is_on_the_pages_of_its_host_cluster_and_fleet);
    suite_test(s, the_fleets_page_counts_what_the_report_counts);
    suite_test(s, links_to_the_api_lead_somewhere);
    suite_test(s, assets_may_be_kept_at_the_address_that_names_their_version);
    suite_test(s, head_answers_as_get_without_a_body);
}

int main(void)
{
    return suite_main("hub: web", add);
}
