/* hvhub's command line: words, exit codes, messages. */
#include "hub/commands.h"
#include "hub/fleet_report.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct ran {
    int code;
    char *out, *err;
};

/* Runs the command in a child; argv ends in NULL. */
static struct ran run(int (*command)(int, char **), const char *const *argv)
{
    const char *dir = temp_dir();
    char out[4200], err[4200];
    struct ran r = { 0 };
    int argc = 0, status;
    pid_t child;

    while (argv[argc] != NULL)
        argc++;
    snprintf(out, sizeof out, "%s/out", dir);
    snprintf(err, sizeof err, "%s/err", dir);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (freopen(out, "w", stdout) == NULL || freopen(err, "w", stderr) == NULL)
            _exit(99);
        status = command(argc, (char **)(uintptr_t)argv);
        fflush(NULL);
        _exit(status);
    }
    waitpid(child, &status, 0);
    ck_assert_int_eq(WIFEXITED(status), 1);
    r.code = WEXITSTATUS(status);
    r.out = read_file(out, NULL);
    r.err = read_file(err, NULL);
    return r;
}

/* Runs, expects the code, and the part in stderr (or in stdout for 0). */
static void expect(int (*command)(int, char **), const char *const *argv, int code, const char *part)
{
    struct ran r = run(command, argv);

    ck_assert_msg(r.code == code, "exit %d, not %d: %s", r.code, code, r.err);
    ck_assert_msg(strstr(code == 0 ? r.out : r.err, part) != NULL, "out: %s err: %s", r.out, r.err);
    free(r.out);
    free(r.err);
}

#define ARGV(...)         \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

START_TEST(wrong_usage_is_2_and_says_what_to_write)
{
    expect(cmd_report, ARGV("report"), 2, "drift, hosts or incidents");
    expect(cmd_report, ARGV("report", "weather"), 2, "drift, hosts or incidents");
    expect(cmd_report, ARGV("report", "drift", "hosts"), 2, "one word too many");
    expect(cmd_report, ARGV("report", "drift", "--format", "pdf"), 2, "text, json, csv, html, ansible or sccm");
    expect(cmd_report, ARGV("report", "drift", "--format"), 2, "needs a value");
    expect(cmd_report, ARGV("report", "drift", "--since", "tomorrow"), 2, "7d");
    expect(cmd_report, ARGV("report", "drift", "--colour"), 2, "unknown option");
    expect(cmd_serve, ARGV("serve", "now"), 2, "one word too many");
    expect(cmd_check_config, ARGV("check-config", "--config"), 2, "needs a value");
}
END_TEST

START_TEST(wrong_words_after_rules_are_2_and_say_what_to_write)
{
    expect(cmd_rules, ARGV("rules"), 2, "list, or test FILE");
    expect(cmd_rules, ARGV("rules", "test"), 2, "a file of rules");
    expect(cmd_rules, ARGV("rules", "list", "x.yaml"), 2, "takes no file");
    expect(cmd_rules, ARGV("rules", "list", "--since", "7d"), 2, "--since, of test");
    expect(cmd_rules, ARGV("rules", "list"), 0, "storvsc-live-migration");
}
END_TEST

START_TEST(a_config_that_is_missing_or_wrong_is_2)
{
    const char *path = write_file(temp_dir(), "hub.yaml", "listne: 127.0.0.1:1\n", 20);

    expect(cmd_serve, ARGV("serve", "--config", "/nonexistent/hub.yaml"), 2, "/nonexistent/hub.yaml:1:1:");
    expect(cmd_serve, ARGV("serve", "--config", path), 2, "hub.yaml:1:1: listne");
    expect(cmd_check_config, ARGV("check-config", "--config", path), 2, "listne");
}
END_TEST

START_TEST(check_config_looks_at_what_the_config_names)
{
    const char *dir = temp_dir(), *path;
    char text[4400];
    struct ran r;

    snprintf(text, sizeof text, "store: {path: %s/fleet.db}\n", dir);
    path = write_file(dir, "hub.yaml", text, strlen(text));
    expect(cmd_check_config, ARGV("check-config", "--config", path), 0, "good");
    r = run(cmd_check_config, ARGV("check-config", "--config", path));
    ck_assert_msg(strstr(r.err, "hub.yaml: note: nobody can send: ") != NULL, "%s", r.err);
    free(r.out);
    free(r.err);
    snprintf(text, sizeof text, "store: {path: %s/fleet.db}\ningest: {require_certificate: false}\n", dir);
    path = write_file(dir, "hub.yaml", text, strlen(text));
    r = run(cmd_check_config, ARGV("check-config", "--config", path));
    ck_assert_int_eq(r.code, 0);
    ck_assert_str_eq(r.err, "");
    free(r.out);
    free(r.err);
    snprintf(text, sizeof text, "ingest: {token_file: %s/tokens}\n", dir);
    path = write_file(dir, "hub.yaml", text, strlen(text));
    expect(cmd_check_config, ARGV("check-config", "--config", path), 2, "tokens");
}
END_TEST

START_TEST(check_config_and_rules_name_every_problem_of_every_rules_file)
{
    const char *dir = temp_dir(), *path;
    static const char wrong[] = "rules:\n  - id: one\n    titel: x\n    needs: [{ bugchek: 1 }]\n";
    static const char nobody[] = "rules:\n  - { id: nobody, enabled: false }\n";
    char text[8500];

    write_file(dir, "a.yaml", wrong, sizeof wrong - 1);
    write_file(dir, "b.yaml", nobody, sizeof nobody - 1);
    snprintf(text, sizeof text, "store: {path: %s/fleet.db}\nincidents: {rules_folder: %s}\n", dir, dir);
    path = write_file(dir, "hub.yml", text, strlen(text));
    for (int n = 0; n < 2; n++) {
        const char *const check[] = { "check-config", "--config", path, NULL };
        const char *const list[] = { "rules", "list", "--config", path, NULL };
        struct ran r = run(n == 0 ? cmd_check_config : cmd_rules, n == 0 ? check : list);

        ck_assert_msg(r.code == 2, "exit %d: %s", r.code, r.err);
        ck_assert_msg(strstr(r.err, "a.yaml:3:5: rules[0].titel: ") != NULL, "%s", r.err);
        ck_assert_msg(strstr(r.err, "a.yaml:4:15: rules[0].needs[0].bugchek: ") != NULL, "%s", r.err);
        ck_assert_msg(strstr(r.err, "b.yaml:2:5: rules: there is no rule nobody") != NULL, "%s", r.err);
        free(r.out);
        free(r.err);
    }
}
END_TEST

START_TEST(a_report_without_a_store_is_1_and_says_why)
{
    const char *dir = temp_dir(), *path;
    char text[4400];

    snprintf(text, sizeof text, "store: {path: %s/fleet.db}\n", dir);
    path = write_file(dir, "hub.yaml", text, strlen(text));
    expect(cmd_report, ARGV("report", "drift", "--config", path), 1, "hvhub serve");
}
END_TEST

START_TEST(a_report_of_an_empty_fleet_is_a_report)
{
    const char *dir = temp_dir(), *path;
    char text[4400], store[4200];
    struct test_clock clock;

    snprintf(store, sizeof store, "%s/fleet.db", dir);
    snprintf(text, sizeof text, "store: {path: %s}\n", store);
    path = write_file(dir, "hub.yaml", text, strlen(text));
    test_clock_init(&clock);
    fleet_store_close(open_store(store, &clock.clock));
    expect(cmd_report, ARGV("report", "drift", "--format=json", "--config", path), 0, "hvfleet.report.drift/1");
    expect(cmd_report, ARGV("report", "hosts", "--config", path), 0, "");
}
END_TEST

START_TEST(since_takes_times_and_lengths)
{
    static const struct {
        const char *text;
        int64_t back_s; /* before T0 */
    } good[] = {
        { "90s", 90 },
        { "30m", 1800 },
        { "24h", 86400 },
        { "7d", 604800 },
        { "0d", 0 },
        { "2026-01-31T07:00:00Z", 3600 },
        { "2026-01-31", 8 * 3600 },
    };
    static const char *const bad[] = {
        "", "d", "7", "7w", "-7d", "7 d", "2026-01-31T09:00:00Z", "1e3s", "99999999999999999999d", "yesterday"
    };
    int64_t since;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(report_since_parse(good[i].text, T0, &since), "%s", good[i].text);
        ck_assert_int_eq((T0 - since) / NS_PER_S, good[i].back_s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!report_since_parse(bad[i], T0, &since), "%s", bad[i]);
}
END_TEST

START_TEST(migrate_says_what_it_needs)
{
    expect(cmd_migrate, ARGV("migrate"), 2, "--from sqlite:PATH");
    expect(cmd_migrate, ARGV("migrate", "--from", "/var/lib/x.db", "--to", "postgresql://h/x"), 2, "sqlite:PATH");
    expect(cmd_migrate, ARGV("migrate", "--from", "sqlite:/x.db", "--to", "mysql://h/x"), 2, "postgresql://");
    expect(cmd_migrate, ARGV("migrate", "--from", "sqlite:/nonexistent/x.db", "--to", "postgresql://h/x"), 1,
           "/nonexistent/x.db");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, migrate_says_what_it_needs);
    suite_test(s, wrong_usage_is_2_and_says_what_to_write);
    suite_test(s, wrong_words_after_rules_are_2_and_say_what_to_write);
    suite_test(s, a_config_that_is_missing_or_wrong_is_2);
    suite_test(s, check_config_looks_at_what_the_config_names);
    suite_test(s, check_config_and_rules_name_every_problem_of_every_rules_file);
    suite_test(s, a_report_without_a_store_is_1_and_says_why);
    suite_test(s, a_report_of_an_empty_fleet_is_a_report);
    suite_test(s, since_takes_times_and_lengths);
}

int main(void)
{
    return suite_main("hub: the command line", add);
}
