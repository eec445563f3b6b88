/* Options, exit codes and what a person reads. */
#include "agent/commands.h"
#include "agent/status_text.h"
#include "base/times.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A command in a process of its own; what it printed is in out and messages. */
struct outcome {
    int code;
    char *out, *messages;
};

static struct outcome run(int (*command)(int, char **), int argc, char **argv)
{
    const char *dir = temp_dir();
    char out[600], messages[600];
    struct outcome o;
    pid_t pid;
    int status;

    snprintf(out, sizeof out, "%s/out", dir);
    snprintf(messages, sizeof messages, "%s/messages", dir);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        if (freopen(out, "w", stdout) == NULL || freopen(messages, "w", stderr) == NULL)
            _exit(99);
        status = command(argc, argv);
        fflush(NULL);
        _exit(status);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    o.code = WEXITSTATUS(status);
    o.out = read_file(out, NULL);
    o.messages = read_file(messages, NULL);
    return o;
}

static void drop(struct outcome *o)
{
    free(o->out);
    free(o->messages);
}

#define WORDS(...) ((char *[]){ __VA_ARGS__, NULL })

START_TEST(options_stand_anywhere_and_take_values_both_ways)
{
    char *argv[] = { (char *)"x", (char *)"a", (char *)"--config=f", (char *)"--json", (char *)"b", NULL };
    const char *config = NULL;
    bool json = false;
    struct option_spec specs[] = { { "--config", &config, NULL }, { "--json", NULL, &json } };
    int argc = 5;

    ck_assert(options_take(&argc, argv, specs, 2));
    ck_assert_int_eq(argc, 3);
    ck_assert_str_eq(argv[1], "a");
    ck_assert_str_eq(argv[2], "b");
    ck_assert_str_eq(config, "f");
    ck_assert(json);
}
END_TEST

START_TEST(after_two_dashes_everything_is_a_word)
{
    char *argv[] = { (char *)"x", (char *)"--", (char *)"--json", NULL };
    bool json = false;
    struct option_spec specs[] = { { "--json", NULL, &json } };
    int argc = 3;

    ck_assert(options_take(&argc, argv, specs, 1));
    ck_assert_int_eq(argc, 2);
    ck_assert_str_eq(argv[1], "--json");
    ck_assert(!json);
}
END_TEST

START_TEST(wrong_options_are_refused)
{
    static const char *const wrong[] = { "--nonsense", "--config", "--json=yes", "-x", "--conf=f" };
    const char *config = NULL;
    bool json = false;
    struct option_spec specs[] = { { "--config", &config, NULL }, { "--json", NULL, &json } };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *argv[] = { (char *)"x", (char *)wrong[i], NULL };
        int argc = 2;

        ck_assert_msg(!options_take(&argc, argv, specs, 2), "%s was taken", wrong[i]);
    }
}
END_TEST

START_TEST(wrong_usage_is_exit_code_2)
{
    struct outcome a = run(cmd_replay, 1, WORDS((char *)"replay"));
    struct outcome b = run(cmd_status, 2, WORDS((char *)"status", (char *)"--nonsense"));
    struct outcome c = run(cmd_run, 2, WORDS((char *)"run", (char *)"word"));

    ck_assert_int_eq(a.code, 2);
    ck_assert_int_eq(b.code, 2);
    ck_assert_int_eq(c.code, 2);
    ck_assert_str_eq(a.out, "");
    drop(&a);
    drop(&b);
    drop(&c);
}
END_TEST

START_TEST(settings_with_problems_are_exit_code_2_with_their_places)
{
    const char *path = write_file(temp_dir(), "agent.yaml", "nonsense: 1\nlog: {level: loud}\n", 31);
    struct outcome check = run(cmd_check_config, 3, WORDS((char *)"check-config", (char *)"--config", (char *)path));
    struct outcome started = run(cmd_run, 3, WORDS((char *)"run", (char *)"--config", (char *)path));

    ck_assert_int_eq(check.code, 2);
    ck_assert_ptr_nonnull(strstr(check.messages, ":1:1: nonsense"));
    ck_assert_ptr_nonnull(strstr(check.messages, ":2:14: log.level"));
    ck_assert_int_eq(started.code, 2);
    ck_assert_str_eq(started.messages, check.messages);
    drop(&check);
    drop(&started);
}
END_TEST

START_TEST(settings_that_others_may_change_are_refused_at_start_and_when_checked)
{
    const char *dir = temp_dir(), *path = write_file(dir, "agent.yaml", "log: {level: warn}\n", 19);
    struct outcome check, started;

    ck_assert_int_eq(chmod(dir, 0755), 0);
    ck_assert_int_eq(chmod(path, 0666), 0);
    check = run(cmd_check_config, 3, WORDS((char *)"check-config", (char *)"--config", (char *)path));
    started = run(cmd_run, 3, WORDS((char *)"run", (char *)"--config", (char *)path));
    ck_assert_int_eq(check.code, 2);
    ck_assert_msg(strstr(check.messages, "chmod go-w") != NULL, "%s", check.messages);
    ck_assert_int_eq(started.code, 2);
    ck_assert_str_eq(started.messages, check.messages);
    drop(&check);
    drop(&started);
}
END_TEST

START_TEST(two_bundles_of_different_hosts_are_a_settings_error_with_the_remedy)
{
    static const char yaml[] = "sources: {bundles: [examples/bundles/HV01, examples/bundles/HV02]}\n";
    const char *path = write_file(temp_dir(), "agent.yaml", yaml, strlen(yaml));
    struct outcome o = run(cmd_check_config, 3, WORDS((char *)"check-config", (char *)"--config", (char *)path));

    ck_assert_int_eq(o.code, 2);
    ck_assert_ptr_nonnull(strstr(o.messages, "one agent a host"));
    drop(&o);
}
END_TEST

START_TEST(good_settings_say_so)
{
    static const char yaml[] = "sources: {bundles: [examples/bundles/HV01]}\n";
    const char *path = write_file(temp_dir(), "agent.yaml", yaml, strlen(yaml));
    struct outcome o = run(cmd_check_config, 3, WORDS((char *)"check-config", (char *)"--config", (char *)path));

    ck_assert_int_eq(o.code, 0);
    ck_assert_ptr_nonnull(strstr(o.out, "good"));
    ck_assert_str_eq(o.messages, "");
    drop(&o);
}
END_TEST

START_TEST(status_without_an_agent_asks_whether_it_runs)
{
    struct outcome o = run(cmd_status, 3, WORDS((char *)"status", (char *)"--socket", (char *)"/no/such/socket"));

    ck_assert_int_eq(o.code, 1);
    ck_assert_ptr_nonnull(strstr(o.messages, "is it running?"));
    drop(&o);
}
END_TEST

START_TEST(replay_of_nothing_is_exit_code_1)
{
    struct outcome o = run(cmd_replay, 2, WORDS((char *)"replay", (char *)"/no/such/bundle"));

    ck_assert_int_eq(o.code, 1);
    ck_assert_ptr_nonnull(strstr(o.messages, "/no/such/bundle"));
    drop(&o);
}
END_TEST

START_TEST(replay_json_is_one_document)
{
    struct outcome o = run(cmd_replay, 3, WORDS((char *)"replay", (char *)"--json", (char *)"examples/bundles/HV21"));
    json_t *json = json_loads(o.out, 0, NULL);

    ck_assert_int_eq(o.code, 0);
    ck_assert_str_eq(json_string_value(at(json, "schema")), "hvfleet.report.drift/1");
    json_decref(json);
    drop(&o);
}
END_TEST

START_TEST(replay_text_has_guests_and_what_happened)
{
    struct outcome o = run(cmd_replay, 2, WORDS((char *)"replay", (char *)"examples/bundles"));

    ck_assert_int_eq(o.code, 0);
    ck_assert_ptr_nonnull(strstr(o.out, "OLD01"));
    ck_assert_ptr_nonnull(strstr(o.out, "Crashes (1)"));
    ck_assert_ptr_nonnull(strstr(o.out, "Migrations (3)"));
    ck_assert_ptr_nonnull(strstr(o.out, "io-slow"));
    ck_assert_ptr_null(strchr(o.out, '\033'));
    drop(&o);
}
END_TEST

START_TEST(status_text_begins_with_the_state_and_what_to_do)
{
    json_t *status = json_loads("{\"v\":1,\"state\":\"degraded\",\"agent_id\":\"X\",\"version\":\"0\",\"host\":"
                                "{\"name\":\"HV01\",\"cluster\":\"PROD-A\"},\"reasons\":[{\"about\":\"hub\",\"text\":"
                                "\"cannot be reached\",\"remedy\":\"check the network\"}],\"sources\":[{\"name\":"
                                "\"HV01/kvp\",\"state\":\"attached\",\"last_event\":\"2026-01-31T08:00:00Z\"}]}",
                                0, NULL);
    int64_t now;
    struct buf out;

    ck_assert(times_parse("2026-01-31T08:03:00Z", &now));
    buf_init(&out, 10000);
    status_text(status, now, false, &out);
    ck_assert_int_eq(strncmp(buf_text(&out), "degraded  HV01 of PROD-A", 24), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "hub cannot be reached\n    -> check the network"));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "3 min ago"));
    buf_free(&out);
    json_decref(status);
}
END_TEST

START_TEST(status_text_says_of_a_source_that_is_not_attached_why)
{
    json_t *status =
        json_loads("{\"state\":\"ok\",\"sources\":[{\"name\":\"dumps\",\"state\":\"absent\",\"remedy\":"
                   "\"there is no folder\",\"caught_up\":false},{\"name\":\"quiet\",\"state\":\"attached\","
                   "\"caught_up\":true,\"observations\":1}],\"transport\":{\"state\":\"off\"}}",
                   0, NULL);
    struct buf out;

    ck_assert_ptr_nonnull(status);
    buf_init(&out, 10000);
    status_text(status, 0, false, &out);
    ck_assert_msg(strstr(buf_text(&out), "absent        dumps: there is no folder\n") != NULL, "%s", buf_text(&out));
    ck_assert_msg(strstr(buf_text(&out), "quiet: no event yet, 1 observation\n") != NULL, "%s", buf_text(&out));
    ck_assert_msg(strstr(buf_text(&out), "off: hub.url is empty") != NULL, "%s", buf_text(&out));
    buf_free(&out);
    json_decref(status);
}
END_TEST

START_TEST(status_text_says_why_it_waits_although_nothing_is_wrong)
{
    json_t *status = json_loads("{\"state\":\"ok\",\"transport\":{\"state\":\"waiting\",\"url\":\"https://hub\","
                                "\"acked_through\":7,\"problem\":null,\"pause\":\"the hub asks for patience\"}}",
                                0, NULL);
    struct buf out;

    ck_assert_ptr_nonnull(status);
    buf_init(&out, 10000);
    status_text(status, 0, false, &out);
    ck_assert_msg(strstr(buf_text(&out), "hub        waiting, https://hub") != NULL, "%s", buf_text(&out));
    ck_assert_msg(strstr(buf_text(&out), "(through 7)\n           the hub asks for patience\n") != NULL, "%s",
                  buf_text(&out));
    buf_free(&out);
    json_decref(status);
}
END_TEST

START_TEST(status_text_survives_any_answer)
{
    static const char *const answers[] = {
        "{}", "{\"state\":7,\"reasons\":{},\"sources\":[1,null,{}],\"store\":[],\"transport\":\"x\"}",
        "{\"state\":\"a\\u001b[2Jb\",\"reasons\":[null],\"config\":{\"restart_needed\":[1,null]}}"
    };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        json_t *status = json_loads(answers[i], 0, NULL);
        struct buf out;

        buf_init(&out, 10000);
        status_text(status, 0, false, &out);
        ck_assert_int_eq(buf_error(&out), ERR_OK);
        ck_assert_ptr_null(strchr(buf_text(&out), '\033'));
        buf_free(&out);
        json_decref(status);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, options_stand_anywhere_and_take_values_both_ways);
    suite_test(s, after_two_dashes_everything_is_a_word);
    suite_test(s, wrong_options_are_refused);
    suite_test(s, wrong_usage_is_exit_code_2);
    suite_test(s, settings_with_problems_are_exit_code_2_with_their_places);
    suite_test(s, settings_that_others_may_change_are_refused_at_start_and_when_checked);
    suite_test(s, two_bundles_of_different_hosts_are_a_settings_error_with_the_remedy);
    suite_test(s, good_settings_say_so);
    suite_test(s, status_without_an_agent_asks_whether_it_runs);
    suite_test(s, replay_of_nothing_is_exit_code_1);
    suite_test(s, replay_json_is_one_document);
    suite_test(s, replay_text_has_guests_and_what_happened);
    suite_test(s, status_text_begins_with_the_state_and_what_to_do);
    suite_test(s, status_text_says_of_a_source_that_is_not_attached_why);
    suite_test(s, status_text_says_why_it_waits_although_nothing_is_wrong);
    suite_test(s, status_text_survives_any_answer);
}

int main(void)
{
    return suite_main("agent: command line", add);
}
