/* The first agent.yaml of a host. */
#include "agent/first_settings.h"
#include "config/agent_config.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct agent_config read_back(const struct first_settings *s)
{
    struct agent_config config;
    struct buf text, problems;
    struct err e = { 0 };

    buf_init(&text, 16384);
    buf_init(&problems, 16384);
    ck_assert_msg(first_settings_text(s, &text, &e) == 0, "%s", e.text);
    ck_assert_msg(agent_config_parse("x", buf_text(&text), text.len, &config, &problems) == 0, "%s",
                  buf_text(&problems));
    buf_free(&text);
    buf_free(&problems);
    return config;
}

static int refusal(const struct first_settings *s, struct err *e)
{
    struct buf text;
    int rc;

    buf_init(&text, 16384);
    rc = first_settings_text(s, &text, e);
    buf_free(&text);
    return rc;
}

START_TEST(what_was_given_is_what_the_agent_reads)
{
    const struct first_settings s = { .hub = "https://hub.example:4318",
                                      .enroll_token_file = "C:\\ProgramData\\hvfleet\\enrol.token",
                                      .token_file = "C:\\ProgramData\\hvfleet\\token",
                                      .ca_file = "D:\\it's \"here\" # yes: {1}\\ca.pem",
                                      .cluster = "PROD: A" };
    struct agent_config config = read_back(&s);

    ck_assert_str_eq(config.hub.url, s.hub);
    ck_assert_str_eq(config.hub.enroll_token_file, "C:\\ProgramData\\hvfleet\\enrol.token");
    ck_assert_str_eq(config.hub.token_file, "C:\\ProgramData\\hvfleet\\token");
    ck_assert_str_eq(config.hub.ca_file, s.ca_file);
    ck_assert_str_eq(config.host_cluster, s.cluster);
}
END_TEST

START_TEST(without_anything_given_the_agent_runs_and_ships_nothing)
{
    const struct first_settings s = { .hub = "", .cluster = "" };
    struct agent_config config = read_back(&s);

    ck_assert_str_eq(config.hub.url, "");
    ck_assert_str_eq(config.host_cluster, "");
}
END_TEST

START_TEST(empty_words_are_wanted_and_no_words_are_not)
{
    ck_assert(first_settings_wanted(&(struct first_settings){ .cluster = "" }));
    ck_assert(!first_settings_wanted(&(struct first_settings){ 0 }));
}
END_TEST

START_TEST(an_address_the_agent_would_refuse_is_refused_with_its_key)
{
    struct err e = { 0 };

    ck_assert_int_eq(refusal(&(struct first_settings){ .hub = "http://hub.example:4318" }, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "hub.url") != NULL, "%s", e.text);
}
END_TEST

START_TEST(a_line_end_brings_in_no_other_setting)
{
    struct err e = { 0 };

    ck_assert_int_eq(refusal(&(struct first_settings){ .cluster = "A'\nlog: {level: debug}\nx: '" }, &e), ERR_INVALID);
}
END_TEST

START_TEST(a_value_over_the_ceiling_is_refused)
{
    char *much = malloc(40000);
    struct err e = { 0 };

    memset(much, 'a', 39999);
    much[39999] = '\0';
    ck_assert_int_ne(refusal(&(struct first_settings){ .cluster = much }, &e), 0);
    free(much);
}
END_TEST

START_TEST(settings_that_are_there_stay_as_they_are)
{
    const struct first_settings s = { .hub = "https://hub.example:4318" };
    const char *path = write_file(temp_dir(), "agent.yaml", "log: {level: warn}\n", 19);
    char *after;
    struct err e = { 0 };
    bool made = true;

    ck_assert_msg(first_settings_write(path, &s, &made, &e) == 0, "%s", e.text);
    ck_assert(!made);
    after = read_file(path, NULL);
    ck_assert_str_eq(after, "log: {level: warn}\n");
    free(after);
}
END_TEST

START_TEST(the_first_settings_are_written_once)
{
    const struct first_settings s = { .hub = "https://hub.example:4318" }, other = { .hub = "https://b.example" };
    struct err e = { 0 };
    char path[600], *after;
    bool made = false;

    snprintf(path, sizeof path, "%s/agent.yaml", temp_dir());
    ck_assert_msg(first_settings_write(path, &s, &made, &e) == 0, "%s", e.text);
    ck_assert(made);
    ck_assert_msg(first_settings_write(path, &other, &made, &e) == 0, "%s", e.text);
    ck_assert(!made);
    after = read_file(path, NULL);
    ck_assert_msg(strstr(after, "url: 'https://hub.example:4318'\n") != NULL, "%s", after);
    free(after);
}
END_TEST

START_TEST(refused_settings_leave_no_file)
{
    const struct first_settings s = { .hub = "ftp://hub.example" };
    char path[600];
    struct err e = { 0 };
    bool made = true;
    FILE *there;

    snprintf(path, sizeof path, "%s/agent.yaml", temp_dir());
    ck_assert_int_eq(first_settings_write(path, &s, &made, &e), ERR_INVALID);
    ck_assert(!made);
    there = fopen(path, "rb");
    ck_assert_ptr_null(there);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_was_given_is_what_the_agent_reads);
    suite_test(s, without_anything_given_the_agent_runs_and_ships_nothing);
    suite_test(s, empty_words_are_wanted_and_no_words_are_not);
    suite_test(s, an_address_the_agent_would_refuse_is_refused_with_its_key);
    suite_test(s, a_line_end_brings_in_no_other_setting);
    suite_test(s, a_value_over_the_ceiling_is_refused);
    suite_test(s, settings_that_are_there_stay_as_they_are);
    suite_test(s, the_first_settings_are_written_once);
    suite_test(s, refused_settings_leave_no_file);
}

int main(void)
{
    return suite_main("agent: first settings", add);
}
