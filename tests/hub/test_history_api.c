/* GET /api/v1/history/changes, /history/days and /findings from a running hub. */
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define PROTOBUF "Content-Type: application/x-protobuf"

static void send_guests(const struct running *r, int agent, const char *cluster, uint64_t first, int guests)
{
    struct resource who = made_agent(agent, cluster, "6.3.9600.20778", "6.3.9600.18692");
    struct call call = { .path = "/v1/logs", .headers = { PROTOBUF } };
    struct buf bytes;
    struct made m;

    buf_init(&bytes, 8 * 1024 * 1024);
    made_init(&m, first);
    made_host_inventory(&m, &who, T0);
    for (int i = 0; i < guests; i++)
        made_inventory(&m, agent * 100 + i, T0, "6.3.9600", i % 2 == 0 ? "6.3.9600.18692" : "6.3.9600.16384");
    made_request(&m, &who, &bytes);
    made_free(&m);
    call.body = bytes.data;
    call.len = bytes.len;
    ck_assert_int_eq(status_of(r, &call), 200);
    buf_free(&bytes);
}

static json_t *get(const struct running *r, const char *path)
{
    struct call call = { .path = path };
    struct answer a;
    json_t *root;

    call_hub(r, &call, &a);
    ck_assert_msg(a.status == 200, "%s: %d %s", path, a.status, buf_text(&a.body));
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "application/json");
    root = json_loads(buf_text(&a.body), 0, NULL);
    ck_assert_ptr_nonnull(root);
    answer_free(&a);
    return root;
}

static size_t rows_at(const struct running *r, const char *path, const char *list)
{
    json_t *root = get(r, path);
    size_t count = json_array_size(json_object_get(root, list));

    json_decref(root);
    return count;
}

START_TEST(changes_are_told_by_guest_host_cluster_and_kind)
{
    struct running r;
    char path[128];
    json_t *root;

    hub_run(&r, "", false);
    send_guests(&r, 1, "PROD-A", 1, 4);
    send_guests(&r, 2, "PROD-B", 1, 2);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/history/changes", "changes"), 6);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/history/changes?cluster=PROD-B", "changes"), 2);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/history/changes?host=HOST-0001&limit=3", "changes"), 3);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/history/changes?kind=version", "changes"), 0);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/history/changes?since=1h&kind=state", "changes"), 6);
    snprintf(path, sizeof path, "/api/v1/history/changes?vm=%s", made_vm(101));
    root = get(&r, path);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "changes")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(root, "changes"), 0), "to")),
                     "behind");
    ck_assert_str_eq(json_string_value(json_object_get(root, "schema")), "hvfleet.history.changes/1");
    json_decref(root);
    hub_end(&r);
}
END_TEST

START_TEST(days_are_told_with_every_state)
{
    const json_t *days, *by_state;
    struct running r;
    json_t *root;

    hub_run(&r, "", false);
    send_guests(&r, 1, "PROD-A", 1, 4);
    send_guests(&r, 2, "PROD-B", 1, 2);
    root = get(&r, "/api/v1/history/days?cluster=PROD-A");
    days = json_object_get(root, "days");
    ck_assert_uint_ge(json_array_size(days), 1);
    by_state = json_object_get(json_array_get(days, json_array_size(days) - 1), "by_state");
    ck_assert_uint_eq(json_object_size(by_state), DRIFT_STATE_COUNT);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "behind")), 2);
    ck_assert_uint_eq(strlen(json_string_value(json_object_get(json_array_get(days, 0), "day"))), 10);
    json_decref(root);
    ck_assert_uint_ge(rows_at(&r, "/api/v1/history/days?since=365d", "days"), 1);
    hub_end(&r);
}
END_TEST

START_TEST(findings_are_told_by_cluster_and_host)
{
    struct running r;

    hub_run(&r, "", false);
    send_guests(&r, 1, "PROD-A", 5, 1); /* begins at 5: a hole */
    send_guests(&r, 2, "PROD-B", 1, 1);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/findings", "findings"), 1);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/findings?cluster=PROD-A", "findings"), 1);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/findings?cluster=PROD-B", "findings"), 0);
    ck_assert_uint_eq(rows_at(&r, "/api/v1/findings?host=HOST-0002", "findings"), 0);
    hub_end(&r);
}
END_TEST

START_TEST(what_cannot_be_read_is_400_and_says_what_to_write)
{
    static const struct {
        const char *path, *part;
    } wrong[] = {
        { "/api/v1/history/changes?vm=web01", "a VM's id" },
        { "/api/v1/history/changes?kind=weather", "state, version, host or os" },
        { "/api/v1/history/changes?limit=0", "1 to 10000" },
        { "/api/v1/history/changes?limit=10001", "1 to 10000" },
        { "/api/v1/history/changes?since=tomorrow", "7d" },
        { "/api/v1/history/days?limit=5", "of changes and findings" },
        { "/api/v1/history/days?vm=B0000000-0000-4000-8000-000000000001", "of changes" },
        { "/api/v1/findings?colour=red", "unknown parameter" },
    };
    struct running r;

    hub_run(&r, "", false);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct call call = { .path = wrong[i].path };
        struct answer a;

        call_hub(&r, &call, &a);
        ck_assert_msg(a.status == 400, "%s: %d", wrong[i].path, a.status);
        ck_assert_msg(strstr(buf_text(&a.body), wrong[i].part) != NULL, "%s: %s", wrong[i].path, buf_text(&a.body));
        answer_free(&a);
    }
    hub_end(&r);
}
END_TEST

START_TEST(strangers_hear_nothing_of_the_past)
{
    static const char *const paths[] = { "/api/v1/history/changes", "/api/v1/history/days", "/api/v1/findings" };
    struct running r;

    hub_run(&r, "", true);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert_int_eq(status_of(&r, &(struct call){ .path = paths[i] }), 401);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, changes_are_told_by_guest_host_cluster_and_kind);
    suite_test(s, days_are_told_with_every_state);
    suite_test(s, findings_are_told_by_cluster_and_host);
    suite_test(s, what_cannot_be_read_is_400_and_says_what_to_write);
    suite_test(s, strangers_hear_nothing_of_the_past);
}

int main(void)
{
    return suite_main("hub: history api", add);
}
