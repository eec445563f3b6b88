/* Reports, settings, time zones and messages on their own, where each allocation fails once, and from some on all
 * fail: an error in words, or the very same result; nothing leaks.
 */
#include "base/text.h"
#include "config/agent_config.h"
#include "config/hub_config.h"
#include "config/time_zone.h"
#include "model/otlp.h"
#include "report/incidents_report.h"
#include "tests/report/support_incident.h"
#include "tests/report/support_report.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OUT_MAX = 16 * 1024 * 1024,
    POINTS_MAX = 100000,
    HOSTS = 3,
    GUESTS = 20,
    RECORDS = 40,
    MANY = 600,
    CHUNK_BYTES = 16 * 1024,
    ALIGNED = 16
};

/* Appends what it makes to out; not 0 with words in e.  Asserts nothing: the library of the tests allocates too. */
typedef int part(int which, struct buf *out, struct err *e);

static struct obs_batch batch;
static struct fleet *fleet;
static struct host hosts[HOSTS];
static struct guest guests[GUESTS];
static struct buf protobuf, json;
static char settings_file[4096];

static void run_into(part *run, int which, struct buf *out, int *rc, struct err *e)
{
    buf_init(out, OUT_MAX);
    *e = (struct err){ 0 };
    *rc = run(which, out, e);
}

/* Where two texts begin to differ. */
static size_t differ_at(const struct buf *a, const struct buf *b)
{
    size_t i = 0;

    while (i < a->len && i < b->len && a->data[i] == b->data[i])
        i++;
    return i;
}

/* With the n-th allocation failing; true when one was met. */
static bool fail_at(const char *name, part *run, int which, int64_t n, bool lasting, const struct buf *wanted)
{
    int64_t blocks = failing_blocks();
    struct err e;
    struct buf got;
    size_t at;
    bool met;
    int rc;

    failing_memory(n, lasting);
    run_into(run, which, &got, &rc, &e);
    met = failing_end();
    ck_assert_msg(rc == 0 || rc == ERR_MEMORY || rc == ERR_TOO_BIG, "%s %d, allocation %" PRId64 ": error %d: %s", name,
                  which, n, rc, e.text);
    ck_assert_msg(rc == 0 || e.text[0] != '\0', "%s %d, allocation %" PRId64 ": an error without a word", name, which,
                  n);
    at = differ_at(&got, wanted);
    ck_assert_msg(rc != 0 || buf_error(&got) != ERR_OK || (got.len == wanted->len && at == got.len),
                  "%s %d, allocation %" PRId64 ": no error, and at %zu \"%.80s\" and not \"%.80s\"", name, which, n, at,
                  buf_text(&got) + at, buf_text(wanted) + at);
    buf_free(&got);
    ck_assert_msg(failing_blocks() == blocks, "%s %d, allocation %" PRId64 ": %" PRId64 " blocks were not freed", name,
                  which, n, failing_blocks() - blocks);
    return met;
}

static void fail_each(const char *name, part *run, int which)
{
    struct buf wanted;
    struct err e;
    int64_t n = 1;
    int rc;

    run_into(run, which, &wanted, &rc, &e); /* twice: what is made once in a program's life is made in the first */
    buf_free(&wanted);
    run_into(run, which, &wanted, &rc, &e);
    ck_assert_msg(rc == 0, "%s %d: %s", name, which, e.text);
    ck_assert_uint_gt(wanted.len, 0);
    while (fail_at(name, run, which, n, false, &wanted)) {
        (void)fail_at(name, run, which, n, true, &wanted);
        ck_assert_int_lt(++n, POINTS_MAX);
    }
    ck_assert_msg(n > 1, "%s %d allocates nothing", name, which);
    buf_free(&wanted);
}

/* ---- a fleet ------------------------------------------------------------- */

static void make_fleet(void)
{
    static struct made m;

    made_start(&m);
    for (int i = 0; i < HOSTS; i++) {
        hosts[i] = *made_host(&m, i, i == 2 ? "PROD-B" : "PROD-A", i == 2 ? "10.0.20348.1" : "6.3.9600.1", EXPECTED);
        hosts[i].poll_guests = i - 1;
    }
    for (int i = 0; i < GUESTS; i++) {
        bool late = i % HOSTS == 2;

        guests[i] = *made_guest(&m, i, i % HOSTS, "web", late ? "10.0.20348" : "6.3.9600",
                                late         ? i < 10 ? "10.0.20348.1" : "10.0.20348.2"
                                : i % 2 == 0 ? EXPECTED
                                             : OLD);
        made_item(&guests[i], KVP_FQDN, i % 2 == 0 ? "web.example.com" : "");
    }
    made_free(&m);
}

static int fill_report(struct drift_report *r, struct err *e)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < HOSTS; i++)
        rc = drift_report_host(r, &hosts[i], e);
    drift_report_peers(r, fleet_peers(fleet));
    for (int i = 0; rc == 0 && i < MANY; i++) /* so many that each of its texts needs more memory somewhere */
        rc = drift_report_note(r, "HOST-1", "gap", REPORT_NOW, &"some events are gone, and nobody knows which"[i % 40],
                               e);
    for (int i = 0; rc == 0 && i < GUESTS; i++)
        rc = drift_report_guest(r, &guests[i], e);
    for (int i = 0; rc == 0 && i < MANY; i++)
        rc = drift_report_change(r, guests[i % GUESTS].vm_id, "PROD-A", "current", "behind", e);
    return rc == 0 ? drift_report_finish(r, e) : rc;
}

static const struct drift_report_options options = {
    .now_ns = REPORT_NOW, .cluster = "PROD-A", .since_ns = REPORT_NOW - NS_PER_S, .has_history = true
};

static int drift_report(int format, struct buf *out, struct err *e)
{
    struct drift_report *r;
    int rc = drift_report_new(&r, &options, e);

    if (rc == 0)
        rc = fill_report(r, e);
    if (rc == 0)
        rc = drift_report_render(r, (enum report_format)format, NULL, out, e);
    if (rc == 0 && format <= REPORT_HTML)
        rc = hosts_report_render(r, (enum report_format)format, NULL, out, e);
    drift_report_free(r);
    return rc;
}

START_TEST(a_drift_report_is_whole_or_an_error)
{
    for (int format = REPORT_TEXT; format <= REPORT_SCCM; format++)
        fail_each("drift", drift_report, format);
}
END_TEST

static int judged_report(int which, struct buf *out, struct err *e)
{
    static struct judged_host judged[HOSTS];
    struct judged_guest *rows[GUESTS] = { NULL };
    struct drift_report *r;
    int rc = drift_report_new(&r, &(struct drift_report_options){ .now_ns = REPORT_NOW }, e);

    (void)which;
    for (int i = 0; rc == 0 && i < HOSTS; i++) {
        judged_host_init(&judged[i], &hosts[i]);
        rc = drift_report_host(r, &hosts[i], e);
    }
    for (int i = 0; rc == 0 && i < GUESTS; i++)
        rc = judged_guest_new(&rows[i], &judged[i % HOSTS], &guests[i], fleet_peers(fleet), NULL, e);
    for (int i = 0; rc == 0 && i < GUESTS; i++)
        rc = drift_report_judged(r, rows[i], (size_t)(i % HOSTS), e);
    if (rc == 0)
        rc = drift_report_finish(r, e);
    if (rc == 0)
        rc = drift_report_render(r, REPORT_CSV, NULL, out, e);
    drift_report_free(r);
    for (int i = 0; i < GUESTS; i++)
        judged_guest_free(rows[i]);
    return rc;
}

START_TEST(a_report_of_kept_rows_is_whole_or_an_error)
{
    fail_each("judged", judged_report, 0);
}
END_TEST

static const struct resource resource = { .host_id = "HOST-1",
                                          .host_name = "HV01",
                                          .cluster = "PROD-A",
                                          .agent_version = "1.0.0",
                                          .os_version = "6.3.9600.1",
                                          .is_win6x = EXPECTED };

static void make_observations(void)
{
    obs_batch_init(&batch, OUT_MAX);
    for (int i = 0; i < RECORDS; i++) {
        struct observation *o = obs_new(&batch, OBS_GUEST_INVENTORY, REPORT_NOW + i, REPORT_NOW + i);

        o->seq = (uint64_t)i + 1;
        obs_str(o, ATTR_VM_ID, made_id(i));
        obs_str(o, ATTR_VM_POWER, "running");
        obs_str(o, ATTR_KVP_PREFIX "OSVersion", "6.3.9600");
        obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "9");
        obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", i % 2 == 0 ? OLD : EXPECTED);
        obs_body(o, "an inventory");
    }
    ck_assert(!batch.failed);
    fleet = fleet_new(NULL);
    for (const struct observation *o = batch.first; o != NULL; o = o->next)
        ck_assert_int_eq(fleet_apply(fleet, &resource, o, NULL), 0);
}

static int reduce(int which, struct buf *out, struct err *e)
{
    struct fleet *f = fleet_new(NULL);
    struct drift_report *r = NULL;
    int rc = f != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");

    (void)which;
    for (const struct observation *o = batch.first; rc == 0 && o != NULL; o = o->next)
        rc = fleet_apply(f, &resource, o, e);
    if (rc == 0) {
        fleet_evaluate(f);
        rc = drift_report_of_fleet(&r, f, &(struct drift_report_options){ .now_ns = REPORT_NOW }, e);
    }
    if (rc == 0)
        rc = drift_report_render(r, REPORT_JSON, NULL, out, e);
    drift_report_free(r);
    fleet_free(f);
    return rc;
}

START_TEST(a_fleet_is_reduced_whole_or_not)
{
    fail_each("fleet", reduce, 0);
}
END_TEST

static int state(int which, struct buf *out, struct err *e)
{
    struct guest g;
    struct host h;
    struct buf kept;
    int rc;

    buf_init(&kept, OUT_MAX);
    rc = which == 0 ? guest_encode(&guests[1], &kept, e) : host_encode(&hosts[1], &kept, e);
    if (rc == 0)
        rc = which == 0 ? guest_decode(&g, kept.data, kept.len, e) : host_decode(&h, kept.data, kept.len, e);
    if (rc == 0)
        rc = which == 0 ? guest_encode(&g, out, e) : host_encode(&h, out, e);
    buf_free(&kept);
    return rc;
}

START_TEST(what_is_kept_of_a_guest_and_a_host_is_whole_or_an_error)
{
    fail_each("state", state, 0);
    fail_each("state", state, 1);
}
END_TEST

/* ---- incidents ------------------------------------------------------------ */

static const struct incident *list[2];

static int incidents(int format, struct buf *out, struct err *e)
{
    const struct incidents_report r = { .now_ns = CRASHED, .incidents = list, .count = 2 };

    return incidents_report_render(&r, (enum report_format)format, NULL, out, e);
}

START_TEST(an_incidents_report_is_whole_or_an_error)
{
    list[0] = incident_of_storvsc();
    list[1] = incident_of_linux();
    for (int format = REPORT_TEXT; format <= REPORT_HTML; format++)
        fail_each("incidents", incidents, format);
    incident_free((struct incident *)list[0]);
    incident_free((struct incident *)list[1]);
}
END_TEST

/* ---- messages ------------------------------------------------------------- */

static int encode(int which, struct buf *out, struct err *e)
{
    struct buf record;
    struct otlp_payload payload;
    int rc;

    (void)which;
    buf_init(&record, OUT_MAX);
    rc = otlp_encode_record(batch.first, &record, e);
    payload = (struct otlp_payload){ record.data, record.len };
    if (rc == 0)
        rc = otlp_encode_request(&resource, &payload, 1, out, e);
    buf_clear(&record);
    if (rc == 0)
        rc = otlp_encode_response(3, "a rejection", out, e);
    buf_free(&record);
    return rc;
}

static int decode(int which, struct buf *out, struct err *e)
{
    struct otlp_request r;
    int rc = which == 0 ? otlp_decode(protobuf.data, protobuf.len, NULL, &r, e)
                        : otlp_decode_json(json.data, json.len, NULL, &r, e);

    if (rc != 0 && (r.groups != NULL || r.records != 0))
        return err_set(e, ERR_CORRUPT, "refused, and not empty");
    for (const struct otlp_group *g = r.groups; g != NULL; g = g->next) {
        buf_printf(out, "%s:\n", g->resource.host_id);
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next)
            buf_printf(out, "%s %s %s\n", o->kind_name, obs_get_str(o, ATTR_VM_ID), o->body);
    }
    otlp_request_free(&r);
    return rc;
}

static void make_messages(void)
{
    buf_init(&protobuf, OUT_MAX);
    buf_init(&json, OUT_MAX);
    ck_assert_int_eq(encode(0, &protobuf, NULL), 0);
    protobuf.len -= 2 + 2 + 2 + strlen("a rejection"); /* the response behind it: 3, and the words */
    for (int i = 0; i < 2; i++)
        buf_printf(&json,
                   "%s{\"resource\":{\"attributes\":[{\"key\":\"host.id\",\"value\":{\"stringValue\":\"H%d\"}}]},"
                   "\"scopeLogs\":[{\"logRecords\":[{\"eventName\":\"not.ours\",\"body\":{\"intValue\":\"7\"}}]},"
                   "{\"logRecords\":[{\"body\":{\"arrayValue\":{\"values\":"
                   "[{\"intValue\":\"7\"},{\"bytesValue\":\"AAEC\"}]}},\"attributes\":[{\"key\":\"hyperv.vm.id\","
                   "\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"boolValue\":true}}]}}}]}]}]}%s",
                   i == 0 ? "{\"resourceLogs\":[" : ",", i, i == 0 ? "" : "]}");
    ck_assert_int_eq(buf_error(&json), ERR_OK);
}

START_TEST(a_message_is_written_and_read_whole_or_not)
{
    fail_each("encode", encode, 0);
    fail_each("decode", decode, 0);
    fail_each("decode", decode, 1);
}
END_TEST

/* ---- settings ------------------------------------------------------------- */

/* What check-config would print; an error's words are there.  Where something is wrong with the file, all of it is
 * said, in all its words; a zone that could not be looked up for want of memory says that. */
static int words(int rc, const struct buf *said, struct err *e)
{
    bool zone = strstr(buf_text(said), ": out of memory\n") != NULL || strstr(buf_text(said), strerror(ENOMEM)) != NULL;

    if (rc == ERR_INVALID)
        return zone ? err_set(e, ERR_MEMORY, "%s", buf_text(said)) : 0;
    if (rc == 0 || buf_error(said) == ERR_MEMORY)
        return rc == 0 ? 0 : err_set(e, rc, "no memory to say so");
    return err_set(e, rc, "%s", buf_text(said));
}

static int agent_settings(int which, struct buf *out, struct err *e)
{
    static const char *const yaml[] = {
        "hub: {url: https://hub.example.com:8443}\nhost: {cluster: PROD-A}\n"
        "sources: {bundles: [/srv/a, /srv/b]}\n",
        "hub: {url: nonsense, urll: x}\nlog: {level: lowd}\n",
        "hub: {url: https://hub.example.com:8443, qqqqqqqqqqqqqqqqqqqqqqqq: x}\nlog: x\n",
    };
    static struct agent_config cfg;
    int rc = agent_config_parse("agent.yaml", yaml[which], strlen(yaml[which]), &cfg, out);

    if (rc == 0)
        buf_printf(out, "%s %d\n", cfg.hub.url, cfg.bundles.count);
    return words(rc, out, e);
}

static int hub_settings(int which, struct buf *out, struct err *e)
{
    static const char *const yaml[] = {
        "ingest: {listen: 127.0.0.1:4318}\ndelivery:\n  list:\n"
        "    - {name: a, schedule: daily 07:30, time_zone: Europe/Berlin, folder: {path: /srv}}\n",
        "delivery:\n  list:\n    - {name: a, schedule: never, folder: {path: /srv}}\n",
    };
    static struct hub_config cfg;
    int rc = hub_config_parse("hub.yaml", yaml[which], strlen(yaml[which]), &cfg, out);

    if (rc == 0)
        buf_printf(out, "%d %s\n", cfg.delivery.count, cfg.delivery.list[0].zone);
    return words(rc, out, e);
}

static int settings_of_a_file(int which, struct buf *out, struct err *e)
{
    static struct agent_config cfg;
    int rc = agent_config_load(settings_file, &cfg, out);

    (void)which;
    if (rc == 0)
        buf_printf(out, "%d\n", cfg.log_level);
    return words(rc, out, e);
}

/* A text so long that what comes after it needs more memory: itself, or the first section of a list. */
static int large_settings(int which, struct buf *out, struct err *e)
{
    static const int lengths[] = { 20000, CHUNK_BYTES - 3 * ALIGNED - 1, CHUNK_BYTES - 4 * ALIGNED - 1 };
    static char yaml[32 * 1024];
    static struct hub_config cfg;
    int used = snprintf(yaml, sizeof yaml, "listen: ");

    memset(yaml + used, 'x', (size_t)lengths[which]);
    snprintf(yaml + used + lengths[which], 200, "\ndelivery: {list: [{name: a, on: [gap], folder: {path: /srv}}]}\n");
    return words(hub_config_parse("hub.yaml", yaml, strlen(yaml), &cfg, out), out, e);
}

START_TEST(settings_are_taken_whole_or_not_and_none_that_are_wrong)
{
    static const char yaml[] = "log: {level: debug}\n";

    snprintf(settings_file, sizeof settings_file, "%s", write_file(temp_dir(), "agent.yaml", yaml, sizeof yaml - 1));
    fail_each("settings of a file", settings_of_a_file, 0);
    for (int which = 0; which < 3; which++)
        fail_each("large settings", large_settings, which);
    fail_each("agent's settings", agent_settings, 0);
    fail_each("agent's wrong settings", agent_settings, 1);
    fail_each("agent's settings with keys that there are not", agent_settings, 2);
    fail_each("hub's settings", hub_settings, 0);
    fail_each("hub's wrong settings", hub_settings, 1);
}
END_TEST

static int zone(int which, struct buf *out, struct err *e)
{
    struct time_zone *z = NULL;
    int rc = time_zone_load(&z, which == 0 ? "Europe/Berlin" : "UTC", e);

    if (rc != 0)
        return z == NULL ? rc : err_set(e, ERR_CORRUPT, "refused, and not empty");
    buf_printf(out, "%" PRId64 "\n", time_zone_offset(z, 1706688000));
    time_zone_free(z);
    return 0;
}

START_TEST(a_time_zone_is_read_whole_or_not)
{
    fail_each("time zone", zone, 0);
    fail_each("time zone", zone, 1);
}
END_TEST

static int text(int which, struct buf *out, struct err *e)
{
    size_t len = 0;
    char *utf8 = text_from_utf16le((const unsigned char *)"a\0b", 4, &len);

    (void)which;
    if (utf8 == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    buf_add(out, utf8, len);
    free(utf8);
    return 0;
}

START_TEST(a_text_is_there_or_not)
{
    fail_each("text", text, 0);
}
END_TEST

static void begin(void)
{
    make_fleet();
    make_observations();
    make_messages();
}

static void end(void)
{
    buf_free(&protobuf);
    buf_free(&json);
    fleet_free(fleet);
    obs_batch_free(&batch);
}

static void add(Suite *s)
{
    TCase *c = suite_case(s, "parts");

    if (!failing_memory_works()) {
        suite_say_skip("torture: parts", "the sanitizer has allocators of its own");
        return;
    }
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, a_drift_report_is_whole_or_an_error);
    tcase_add_test(c, a_report_of_kept_rows_is_whole_or_an_error);
    tcase_add_test(c, a_fleet_is_reduced_whole_or_not);
    tcase_add_test(c, what_is_kept_of_a_guest_and_a_host_is_whole_or_an_error);
    tcase_add_test(c, an_incidents_report_is_whole_or_an_error);
    tcase_add_test(c, a_message_is_written_and_read_whole_or_not);
    tcase_add_test(c, settings_are_taken_whole_or_not_and_none_that_are_wrong);
    tcase_add_test(c, a_text_is_there_or_not);
    tcase_add_test(c, a_time_zone_is_read_whole_or_not);
}

int main(void)
{
    return suite_main("torture: parts", add);
}
