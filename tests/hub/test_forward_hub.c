/* A running hub that forwards: what it refuses to start with, what it shows. */
#include "base/text.h"
#include "hub/fleet_forward.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define SPLUNK(token) "forward:\n  splunk:\n    url: \"https://127.0.0.1:9\"\n    token_file: \"" token "\"\n"

/* The hub's own word on a config that it can not use. */
static void refused(const char *extra, const char *expected)
{
    static struct hub_config config;
    struct running r = { .hub = NULL };
    const char *note;
    struct err e = { 0 };

    text_copy(r.dir, sizeof r.dir, temp_dir());
    snprintf(r.store, sizeof r.store, "%s/fleet.db", r.dir);
    make_config(&r, extra, &config);
    ck_assert_int_ne(hub_check(&config, &note, &e), 0);
    ck_assert_msg(strstr(e.text, expected) != NULL, "no %s in %s", expected, e.text);
    ck_assert_int_ne(hub_start(&r.hub, &(struct hub_options){ .config = &config }, &e), 0);
    ck_assert_msg(strstr(e.text, expected) != NULL, "no %s in %s", expected, e.text);
}

START_TEST(a_target_whose_files_can_not_be_read_is_told_before_anything_runs)
{
    refused(SPLUNK("/nowhere/token"), "forward.splunk.token_file: cannot read /nowhere/token");
    refused("forward:\n  syslog:\n    address: \"127.0.0.1:6514\"\n    ca_file: \"/nowhere/ca.pem\"\n",
            "forward.syslog.ca_file: no CA certificates in /nowhere/ca.pem");
}
END_TEST

START_TEST(an_empty_token_is_told)
{
    char extra[4400];

    snprintf(extra, sizeof extra, SPLUNK("%s"), write_file(temp_dir(), "token", "\n\n", 2));
    refused(extra, "is empty; put the token into it");
}
END_TEST

START_TEST(a_token_that_does_not_fit_is_not_cut_but_told)
{
    char extra[4400], text[4095], expected[4400];
    const char *path;

    memset(text, 't', sizeof text);
    path = write_file(temp_dir(), "token", text, sizeof text);
    snprintf(extra, sizeof extra, SPLUNK("%s"), path);
    snprintf(expected, sizeof expected,
             "forward.splunk.token_file: %s is too large (at most 4094 bytes); put the token alone into it", path);
    refused(extra, expected);
}
END_TEST

START_TEST(a_folder_is_no_token_file)
{
    char extra[4400];

    snprintf(extra, sizeof extra, SPLUNK("%s"), temp_dir());
    refused(extra, "forward.splunk.token_file: cannot read ");
}
END_TEST

/* As a hub that could not deliver would write it. */
static void lose(const struct running *r, uint64_t lost)
{
    struct fleet_store *s;
    struct err e = { 0 };
    bool held = false;
    struct fleet_forward_result result = { .target = "splunk", .owner = "me", .add = { .lost = lost } };

    s = open_store(r->store, plat_clock()); /* the hub's own, whose upkeep drops findings that are old */
    ck_assert_int_eq(fleet_forward_open(s, "splunk", false, &e), 0);
    ck_assert_int_eq(fleet_forward_lease(s, "splunk", "me", 60 * NS_PER_S, &held, &e), 0);
    ck_assert(held);
    ck_assert_msg(fleet_forward_commit(s, &result, &e) == 0, "%s", e.text);
    fleet_store_close(s);
}

static void shows(const struct running *r, const char *path, const char *part)
{
    struct answer a;

    call_hub(r, &(struct call){ .path = path }, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_msg(strstr(buf_text(&a.body), part) != NULL, "%s: no %s in\n%.4000s", path, part, buf_text(&a.body));
    answer_free(&a);
}

START_TEST(what_a_target_lost_is_a_finding_of_the_hub)
{
    struct running r;

    hub_run(&r, "", false);
    lose(&r, 12);
    shows(&r, "/", "<th scope=\"row\">the hub</th><td class=\"word\">forward-lost</td>");
    shows(&r, "/api/v1/findings", "\"forward-lost\"");
    shows(&r, "/api/v1/findings", "12 observations aged out of the store");
    shows(&r, "/api/v1/reports/hosts", "\"hvfleet.report.hosts/1\"");
    shows(&r, "/metrics", "hvhub_findings{kind=\"forward-lost\"} 1\n");
    hub_end(&r);
}
END_TEST

START_TEST(metrics_come_in_the_format_that_was_asked_for)
{
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    call_hub(&r, &(struct call){ .path = "/metrics", .headers = { "Accept: application/openmetrics-text" } }, &a);
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    ck_assert(text_ends_with_nocase(buf_text(&a.body), "\n# EOF\n"));
    answer_free(&a);
    call_hub(&r, &(struct call){ .path = "/metrics", .headers = { "Accept: text/plain" } }, &a);
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    answer_free(&a);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_target_whose_files_can_not_be_read_is_told_before_anything_runs);
    suite_test(s, an_empty_token_is_told);
    suite_test(s, a_token_that_does_not_fit_is_not_cut_but_told);
    suite_test(s, a_folder_is_no_token_file);
    suite_test(s, what_a_target_lost_is_a_finding_of_the_hub);
    suite_test(s, metrics_come_in_the_format_that_was_asked_for);
}

int main(void)
{
    return suite_main("hub: a hub that forwards", add);
}
