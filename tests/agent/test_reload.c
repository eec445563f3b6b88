/* Reload: what is swapped, what waits for a restart, and a bad file that
 * changes nothing. */
#include "agent/config_changes.h"
#include "base/text.h"
#include "base/times.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start(struct rig *r)
{
    struct err e;

    rig_init(r);
    ck_assert_msg(rig_start(r, &e) == 0, "%s", e.text);
}

static void end(struct rig *r)
{
    rig_stop(r, AGENT_STOPPED);
    rig_free(r);
}

/* A settings file that leaves store and socket where they are. */
static void settings(struct rig *r, const char *more)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "store: {dir: '%s'}\nstatus: {socket: '%s'}\n%s", r->config->data_dir,
                     r->config->socket, more);

    ck_assert_int_lt(n, (int)sizeof text);
    write_file(r->dir, "agent.yaml", text, (size_t)n);
}

static bool so_many_clients(void *arg)
{
    return hub.clients_open == *(int *)arg;
}

static json_t *reload(struct rig *r)
{
    return rig_ask(r, "{\"cmd\":\"reload\",\"v\":1}");
}

START_TEST(a_new_hub_is_used_at_once)
{
    struct rig r;
    json_t *answer;

    start(&r);
    settings(&r, "hub: {url: \"https://other.example\"}\n");
    answer = reload(&r);
    ck_assert(json_is_true(at(answer, "reloaded")));
    ck_assert_uint_eq(json_array_size(at(answer, "restart_needed")), 0);
    json_decref(answer);
    ck_assert_str_eq(hub.url, "https://other.example");
    rig_until(&r, so_many_clients, (int[]){ 1 }); /* the old one is closed */
    end(&r);
}
END_TEST

START_TEST(a_hub_can_be_turned_off_and_on)
{
    static struct scripted s;
    struct rig r;
    struct err e;
    int all = 11;

    rig_init(&r);
    scripted_init(&s, "scripted", 10);
    rig_add(&r, &s);
    ck_assert_int_eq(rig_start(&r, &e), 0);
    rig_until(&r, hub_has_all, &all);
    json_decref(rig_status_when(&r, "store.rows", "0"));
    settings(&r, "hub: {url: \"\"}\n");
    json_decref(reload(&r));
    rig_until(&r, so_many_clients, (int[]){ 0 });
    s.total = 20;
    json_decref(rig_status_when(&r, "store.rows", "10"));
    rig_for(&r, 100);
    ck_assert_uint_eq(hub.highest, 11);
    settings(&r, "hub: {url: \"https://hub.example\", compression: none, batch: {max_age: 10ms}}\n");
    json_decref(reload(&r));
    all = 21;
    rig_until(&r, hub_has_all, &all);
    end(&r);
}
END_TEST

START_TEST(a_bad_file_leaves_the_old_settings_in_force_and_status_says_so)
{
    struct rig r;
    json_t *answer;
    char path[700];

    start(&r);
    settings(&r, "hub: {url: \"https://other.example\"}\nnonsense: 1\n");
    answer = reload(&r);
    ck_assert(json_is_false(at(answer, "reloaded")));
    snprintf(path, sizeof path, "%s:4:1: nonsense", r.config_path);
    ck_assert_ptr_nonnull(strstr(json_string_value(at(answer, "problems.0")), path));
    json_decref(answer);
    ck_assert_str_eq(hub.url, "https://hub.example");
    answer = rig_ask(&r, "{\"cmd\":\"status\",\"v\":1}");
    ck_assert_str_eq(json_string_value(at(answer, "state")), "degraded");
    ck_assert(json_is_true(at(answer, "config.refused")));
    json_decref(answer);

    settings(&r, "sources: {poll: 1s}\n");
    json_decref(reload(&r));
    answer = rig_ask(&r, "{\"cmd\":\"status\",\"v\":1}");
    ck_assert(json_is_false(at(answer, "config.refused")));
    json_decref(answer);
    end(&r);
}
END_TEST

START_TEST(a_token_that_cannot_be_read_refuses_the_whole_reload)
{
    struct rig r;
    json_t *answer;

    start(&r);
    hub.refuse_client = 1;
    settings(&r, "hub: {url: \"https://other.example\"}\n");
    answer = reload(&r);
    ck_assert(json_is_false(at(answer, "reloaded")));
    ck_assert_ptr_nonnull(strstr(json_string_value(at(answer, "problems.0")), "token_file"));
    json_decref(answer);
    ck_assert_str_eq(hub.url, "https://hub.example");
    end(&r);
}
END_TEST

START_TEST(fixed_keys_are_named_and_keep_their_values)
{
    struct rig r;
    json_t *answer;

    start(&r);
    write_file(r.dir, "agent.yaml", "store: {dir: /elsewhere, max_size: 1GiB}\n", 41);
    answer = reload(&r);
    ck_assert(json_is_true(at(answer, "reloaded")));
    ck_assert_str_eq(json_string_value(at(answer, "restart_needed.0")), "store.dir");
    ck_assert_str_eq(json_string_value(at(answer, "restart_needed.1")), "status.socket");
    ck_assert_str_eq(json_string_value(at(answer, "restart_needed.2")), "store.max_size");
    json_decref(answer);
    end(&r);
}
END_TEST

START_TEST(dump_folders_come_and_go)
{
    struct rig r;
    json_t *answer;
    char more[700];
    const char *dir = temp_dir();

    start(&r);
    snprintf(more, sizeof more, "dumps: {folders: [\"%s\"]}\n", dir);
    settings(&r, more);
    json_decref(reload(&r));
    answer = rig_status_when(&r, "sources.0.state", "attached");
    ck_assert_uint_eq(json_array_size(at(answer, "sources")), 1);
    ck_assert_ptr_nonnull(strstr(json_string_value(at(answer, "sources.0.name")), "dumps:"));
    json_decref(answer);

    snprintf(more, sizeof more, "dumps: {folders: [\"%s\"], settle: 1s}\n", dir); /* other options: opened anew */
    settings(&r, more);
    json_decref(reload(&r));
    answer = rig_status_when(&r, "sources", "1");
    ck_assert_ptr_nonnull(strstr(json_string_value(at(answer, "sources.0.name")), "dumps:"));
    json_decref(answer);

    settings(&r, "");
    json_decref(reload(&r));
    json_decref(rig_status_when(&r, "sources", "0"));
    end(&r);
}
END_TEST

START_TEST(without_a_settings_file_there_is_nothing_to_reload)
{
    struct rig r;
    struct err e;
    json_t *answer;

    rig_init(&r);
    r.options.config_path = NULL;
    ck_assert_int_eq(rig_start(&r, &e), 0);
    answer = reload(&r);
    ck_assert(json_is_false(at(answer, "reloaded")));
    json_decref(answer);
    end(&r);
}
END_TEST

/* Either way: the reload is over first, or is left behind. */
START_TEST(a_stop_in_the_middle_of_a_reload_ends_well)
{
    static struct rig r; /* left as it is, as service_exit_now() would */

    start(&r);
    settings(&r, "");
    agent_reload(r.agent);
    agent_reload(r.agent);
    agent_stop(r.agent);
    while (!r.ended)
        uv_run(&r.loop, UV_RUN_ONCE);
    if (agent_end(r.agent) == AGENT_STOPPED) {
        agent_free(r.agent);
        rig_free(&r);
    }
}
END_TEST

START_TEST(equal_settings_need_no_restart)
{
    struct agent_config *a = calloc(2, sizeof *a);
    struct config_list *list = calloc(1, sizeof *list);

    agent_config_defaults(&a[0]);
    agent_config_defaults(&a[1]);
    config_restart_needed(&a[0], &a[1], list);
    ck_assert_int_eq(list->count, 0);
    text_copy(a[1].host_cluster, sizeof a[1].host_cluster, "X");
    a[1].bundles.count = 1;
    config_restart_needed(&a[0], &a[1], list);
    ck_assert_int_eq(list->count, 2);
    ck_assert_str_eq(list->items[0], "host.cluster");
    ck_assert_str_eq(list->items[1], "sources.bundles");
    config_keep_fixed(&a[0], &a[1]);
    config_restart_needed(&a[0], &a[1], list);
    ck_assert_int_eq(list->count, 0);
    free(list);
    free(a);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_new_hub_is_used_at_once);
    suite_test(s, a_hub_can_be_turned_off_and_on);
    suite_test(s, a_bad_file_leaves_the_old_settings_in_force_and_status_says_so);
    suite_test(s, a_token_that_cannot_be_read_refuses_the_whole_reload);
    suite_test(s, fixed_keys_are_named_and_keep_their_values);
    suite_test(s, dump_folders_come_and_go);
    suite_test(s, without_a_settings_file_there_is_nothing_to_reload);
    suite_test(s, a_stop_in_the_middle_of_a_reload_ends_well);
    suite_test(s, equal_settings_need_no_restart);
}

int main(void)
{
    return suite_main("agent: reload", add);
}
