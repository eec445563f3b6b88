/* See support_fleet.h. */
#include "tests/hub/support_fleet.h"

#include "base/text.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 64 * 1024 * 1024 };

struct resource made_agent(int number, const char *cluster, const char *os, const char *win6x)
{
    struct resource r = { .service_name = "hvagent", .agent_version = "0.1.0" };

    snprintf(r.agent_id, sizeof r.agent_id, "A0000000-0000-4000-8000-%012d", number);
    snprintf(r.host_id, sizeof r.host_id, "HOST-%04d", number);
    snprintf(r.host_name, sizeof r.host_name, "HV%02d", number);
    text_copy(r.cluster, sizeof r.cluster, cluster);
    text_copy(r.os_version, sizeof r.os_version, os);
    text_copy(r.is_win6x, sizeof r.is_win6x, win6x);
    return r;
}

const char *made_vm(int number)
{
    static char ids[4][GUID_TEXT_MAX];
    static int next;
    char *id = ids[next++ % 4];

    snprintf(id, GUID_TEXT_MAX, "B0000000-0000-4000-8000-%012d", number);
    return id;
}

void made_init(struct made *m, uint64_t first_seq)
{
    obs_batch_init(&m->batch, BATCH_BYTES);
    m->next_seq = first_seq;
}

void made_free(struct made *m)
{
    obs_batch_free(&m->batch);
}

struct observation *made_add(struct made *m, enum obs_kind kind, int64_t time_ns)
{
    struct observation *o = obs_new(&m->batch, kind, time_ns, time_ns + NS_PER_MS);

    o->seq = m->next_seq++;
    obs_body(o, "record %llu", (unsigned long long)o->seq);
    return o;
}

void made_lifecycle(struct made *m, int vm, int count, int64_t time_ns)
{
    for (int i = 0; i < count; i++) {
        struct observation *o = made_add(m, OBS_GUEST_LIFECYCLE, time_ns + i * NS_PER_S);

        obs_str(o, ATTR_VM_ID, made_vm(vm));
        obs_str(o, ATTR_VM_CHANGE, "other");
    }
}

void made_inventory(struct made *m, int vm, int64_t time_ns, const char *os, const char *is_version)
{
    struct observation *o = made_add(m, OBS_GUEST_INVENTORY, time_ns);
    char name[32];

    snprintf(name, sizeof name, "vm%d", vm);
    obs_str(o, ATTR_VM_ID, made_vm(vm));
    obs_str(o, ATTR_VM_NAME, name);
    obs_str(o, ATTR_VM_POWER, "running");
    obs_int(o, ATTR_VM_ENABLED_STATE, 2);
    obs_str(o, ATTR_KVP_PREFIX "OSVersion", os);
    obs_str(o, ATTR_KVP_PREFIX "OSPlatformId", "2");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "9");
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", is_version);
}

void made_host_inventory(struct made *m, const struct resource *who, int64_t time_ns)
{
    struct observation *o = made_add(m, OBS_HOST_INVENTORY, time_ns);

    obs_str(o, ATTR_OS_VERSION, who->os_version);
    obs_str(o, ATTR_HOST_IS_WIN6X, who->is_win6x);
    obs_str(o, ATTR_CLUSTER_NAME, who->cluster);
    obs_str(o, ATTR_HOST_NAME, who->host_name);
    obs_int(o, ATTR_POLL_GUESTS, 1);
}

void made_request(const struct made *m, const struct resource *who, struct buf *out)
{
    struct otlp_payload *payloads = calloc((size_t)m->batch.count + 1, sizeof *payloads);
    struct buf records;
    size_t n = 0, at = 0;
    struct err e;

    ck_assert(!m->batch.failed);
    buf_init(&records, BATCH_BYTES);
    for (const struct observation *o = m->batch.first; o != NULL; o = o->next, n++) {
        size_t before = records.len;

        ck_assert_int_eq(otlp_encode_record(o, &records, &e), 0);
        payloads[n].len = records.len - before;
    }
    for (size_t i = 0; i < n; at += payloads[i].len, i++)
        payloads[i].bytes = records.data + at;
    ck_assert_int_eq(otlp_encode_request(who, payloads, n, out, &e), 0);
    buf_free(&records);
    free(payloads);
}

struct fleet_batch bytes_apply(struct fleet_store *s, const void *bytes, size_t len)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request;
    struct fleet_batch batch = { .request = &request };
    struct err e = { 0 };

    ck_assert_msg(otlp_decode(bytes, len, &limits, &request, &e) == 0, "decode: %s", e.text);
    ck_assert_msg(fleet_store_apply(s, &batch, 1, &e) == 0, "apply: %s", e.text);
    otlp_request_free(&request);
    return batch;
}

struct fleet_batch made_apply(struct fleet_store *s, const struct made *m, const struct resource *who)
{
    struct fleet_batch batch;
    struct buf bytes;

    buf_init(&bytes, BATCH_BYTES);
    made_request(m, who, &bytes);
    batch = bytes_apply(s, bytes.data, bytes.len);
    buf_free(&bytes);
    return batch;
}

static int64_t test_now(const struct clock *c)
{
    return ((const struct test_clock *)c->state)->now;
}

void test_clock_init(struct test_clock *c)
{
    *c = (struct test_clock){ .clock = { .wall_ns = test_now, .monotonic_ns = test_now, .state = c },
                              .now = T0 + 1000 * MINUTES };
}

struct fleet_store *open_store(const char *path, const struct clock *clock)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = { .path = stores_are_postgres() ? postgres_store(path) : path,
                                           .keep_ns = 90 * 1440 * MINUTES,
                                           .foreign_max = 10,
                                           .floors = &floors,
                                           .clock = clock };
    struct fleet_store *s = NULL;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_open(&s, &options, &e) == 0, "open: %s", e.text);
    return s;
}

int try_open_store(const char *path, bool read_only, struct err *e)
{
    struct drift_floors floors = drift_floors_default();
    struct test_clock clock;
    struct fleet_store_options options = { .path = path, .read_only = read_only, .floors = &floors };
    struct fleet_store *s = NULL;
    int rc;

    test_clock_init(&clock);
    options.clock = &clock.clock;
    rc = fleet_store_open(&s, &options, e);
    if (rc == 0)
        fleet_store_close(s);
    return rc;
}

static sqlite3_stmt *first_row(sqlite3 **db, const char *path, const char *sql)
{
    sqlite3_stmt *q = NULL;

    ck_assert_int_eq(sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(*db, 5000);
    ck_assert_msg(sqlite3_prepare_v2(*db, sql, -1, &q, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(*db));
    sqlite3_step(q);
    return q;
}

void ask_store_text(const char *path, const char *sql, char *out, size_t size)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    const char *text;

    if (stores_are_postgres()) {
        postgres_ask(postgres_store(path), sql, out, size);
        return;
    }
    q = first_row(&db, path, sql);
    text = (const char *)sqlite3_column_text(q, 0);
    text_copy(out, size, text != NULL ? text : "");
    sqlite3_finalize(q);
    sqlite3_close(db);
}

int64_t ask_store(const char *path, const char *sql)
{
    char text[64];

    ask_store_text(path, sql, text, sizeof text);
    return strtoll(text, NULL, 10);
}

void check_all_once(const char *path, const char *agent_id, uint64_t acked)
{
    long long mark, rows, numbers, records, missing;
    char sql[500], text[200];

    snprintf(sql, sizeof sql,
             "SELECT coalesce(max(s.high_mark), 0) || ' ' || count(o.seq) || ' ' || count(DISTINCT o.seq) || ' ' ||"
             " coalesce(max(s.records), 0) || ' ' || coalesce(max(s.missing), 0)"
             " FROM stream s LEFT JOIN observation o ON o.stream = s.id WHERE s.agent_id = '%s'",
             agent_id);
    ask_store_text(path, sql, text, sizeof text);
    ck_assert_msg(sscanf(text, "%lld %lld %lld %lld %lld", &mark, &rows, &numbers, &records, &missing) == 5, "\"%s\"",
                  text);
    ck_assert_int_ge(mark, (int64_t)acked);
    ck_assert_int_eq(rows, mark);
    ck_assert_int_eq(numbers, mark);
    ck_assert_int_eq(records, mark);
    ck_assert_int_eq(missing, 0);
}

const char *stored_verdict(const char *path, int vm)
{
    static char verdict[64];
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT drift_state || ' ' || drift_row FROM guest WHERE vm_id = '%s'", made_vm(vm));
    ask_store_text(path, sql, verdict, sizeof verdict);
    return verdict;
}
