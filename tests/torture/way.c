/* See way.h.  What runs while things fail has assert() alone: Check's own asserts allocate. */
#include "tests/torture/way.h"

#include "base/times.h"
#include "collectors/bundle.h"
#include "hub/decompress.h"
#include "hub/fleet_report.h"
#include "hub/fleet_store.h"
#include "store/store.h"
#include "tests/support/suite.h"
#include "transport/compress.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW (INT64_C(1769932800) * NS_PER_S)

enum { STEPS_MAX = 64, BATCH_MAX = 64, BODY_MAX = 16 * 1024 * 1024, GUESTS = 3, EVENTS = 6 };

struct parts {
    struct bundle *bundle;
    struct store *store;
    struct fleet_store *fleet;
    char normal[64 * 1024]; /* the report where nothing fails */
};

static int64_t now(const struct clock *c)
{
    (void)c;
    return NOW;
}

static const struct clock clock_at_rest = { .wall_ns = now, .monotonic_ns = now };

/* ---- the bundle --------------------------------------------------------- */

static void put_file(const char *dir, const char *name, const struct buf *text)
{
    ck_assert_int_eq(buf_error(text), 0);
    write_file(dir, name, text->data, text->len);
}

static void put_guests(const char *dir)
{
    struct buf systems, items;

    buf_init(&systems, BODY_MAX);
    buf_init(&items, BODY_MAX);
    for (int i = 1; i <= GUESTS; i++) {
        buf_printf(
            &systems,
            "<INSTANCE CLASSNAME=\"Msvm_ComputerSystem\"><PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>%08d-1111-2222-"
            "3333-444455556666</VALUE></PROPERTY><PROPERTY NAME=\"ElementName\" TYPE=\"string\"><VALUE>VM%d</VALUE>"
            "</PROPERTY><PROPERTY NAME=\"EnabledState\" TYPE=\"uint16\"><VALUE>2</VALUE></PROPERTY></INSTANCE>\n",
            i, i);
        buf_printf(
            &items,
            "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeComponent\"><PROPERTY NAME=\"SystemName\" "
            "TYPE=\"string\"><VALUE>%08d-"
            "1111-2222-3333-444455556666</VALUE></PROPERTY><PROPERTY NAME=\"EnabledState\" TYPE=\"uint16\"><VALUE>2"
            "</VALUE></PROPERTY><PROPERTY.ARRAY NAME=\"GuestIntrinsicExchangeItems\" TYPE=\"string\"><VALUE.ARRAY>",
            i);
        for (int k = 0; k < 4; k++) {
            static const char *const pairs[4][2] = { { "OSName", "Windows Server 2012 R2" },
                                                     { "OSVersion", "6.3.9600" },
                                                     { "OSPlatformId", "2" },
                                                     { "IntegrationServicesVersion", "6.3.9600.17415" } };

            buf_printf(
                &items,
                "<VALUE>&lt;INSTANCE CLASSNAME=\"I\"&gt;&lt;PROPERTY NAME=\"Data\" TYPE=\"string\"&gt;&lt;VALUE&gt;%s"
                "&lt;/VALUE&gt;&lt;/PROPERTY&gt;&lt;PROPERTY NAME=\"Name\" TYPE=\"string\"&gt;&lt;VALUE&gt;%s&lt;/VALUE"
                "&gt;&lt;/PROPERTY&gt;&lt;/INSTANCE&gt;</VALUE>",
                pairs[k][1], pairs[k][0]);
        }
        buf_str(&items, "</VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>\n");
    }
    put_file(dir, "Msvm_ComputerSystem.20260131T080000Z.xml", &systems);
    put_file(dir, "Msvm_KvpExchangeComponent.20260131T080000Z.xml", &items);
    buf_free(&systems);
    buf_free(&items);
}

static void put_events(const char *dir)
{
    struct buf events;

    buf_init(&events, BODY_MAX);
    buf_str(&events, "<Events>\n");
    for (int i = 1; i <= EVENTS; i++)
        buf_printf(
            &events,
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-"
            "Windows-Hyper-V-Worker' Guid='{51DDFA29-D5C8-4803-BE4B-2ECB715570FE}'/><EventID>18590</EventID><Level>1"
            "</Level><TimeCreated SystemTime='2026-01-30T0%d:00:00.000Z'/><EventRecordID>%d</EventRecordID><Channel>"
            "Microsoft-Windows-Hyper-V-Worker-Admin</Channel><Computer>HV01</Computer></System><UserData><VmlEventLog "
            "xmlns='http://www.microsoft.com/Windows/Virtualization/Events'><VmName>VM%d</"
            "VmName><VmId>%08d-1111-2222-3333-"
            "444455556666</VmId><ErrorCode0>0xd1</ErrorCode0><ErrorCode1>0x1</ErrorCode1><ErrorCode2>0x2</ErrorCode2>"
            "<ErrorCode3>0x0</ErrorCode3><ErrorCode4>0x4</ErrorCode4></VmlEventLog></UserData></Event>\n",
            i, i, 1 + i % GUESTS, 1 + i % GUESTS);
    buf_str(&events, "</Events>\n");
    put_file(dir, "Microsoft-Windows-Hyper-V-Worker-Admin.xml", &events);
    buf_free(&events);
}

static void make_bundle(const char *dir)
{
    static const char host[] = "name: HV01\ncluster: PROD-A\nos_version: 6.3.9600.20778\n"
                               "is_version: {win6x: 6.3.9600.18692, win5x: 6.3.9600.18339}\n"
                               "captured_at: 2026-01-31T08:00:00Z\n";
    char path[600];

    write_file(dir, "host.yaml", host, sizeof host - 1);
    snprintf(path, sizeof path, "%s/kvp", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_guests(path);
    snprintf(path, sizeof path, "%s/events", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_events(path);
}

/* ---- opening and closing ------------------------------------------------ */

static int open_agent(struct way *w)
{
    struct bundle_options b = {
        .files = plat_files(), .clock = &clock_at_rest, .poll_ns = NS_PER_S, .refresh_ns = 3600 * NS_PER_S
    };
    struct store_options s = {
        .path = w->agent_db, .max_bytes = 16 * 1024 * 1024, .clock = &clock_at_rest, .random = plat_random()
    };
    struct store_opened opened;
    int rc = store_open(&w->parts->store, &s, &opened, &w->err);

    if (rc == 0) {
        assert(!opened.recovered);
        rc = bundle_open(w->bundle, &b, &w->parts->bundle, &w->err);
    }
    return rc;
}

static int open_hub(struct way *w)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options o = { .path = w->hub_db, .foreign_max = 10, .floors = &floors, .clock = &clock_at_rest };

    return fleet_store_open(&w->parts->fleet, &o, &w->err);
}

static void close_all(struct way *w)
{
    if (w->parts->bundle != NULL)
        bundle_close(w->parts->bundle);
    if (w->parts->store != NULL)
        store_close(w->parts->store);
    if (w->parts->fleet != NULL)
        fleet_store_close(w->parts->fleet);
    w->parts->bundle = NULL;
    w->parts->store = NULL;
    w->parts->fleet = NULL;
}

/* ---- the agent ---------------------------------------------------------- */

static bool tells_loss(const struct obs_batch *batch)
{
    for (const struct observation *o = batch->first; o != NULL; o = o->next) {
        if (o->kind == OBS_GAP || o->cut || obs_attr(o, ATTR_KVP_PROBLEM) != NULL)
            return true;
    }
    return false;
}

/* One step and its commit; *more: there may be another. */
static int take_step(struct way *w, struct source *source, bool *more)
{
    struct store_appended appended = { 0 };
    struct source_step step = {
        .max_events = BATCH_MAX, .max_bytes = BODY_MAX, .now_ns = NOW, .deadline_ns = INT64_MAX
    };
    struct obs_batch batch;
    struct store_mark mark;
    struct buf old;
    int rc;

    obs_batch_init(&batch, BODY_MAX);
    buf_init(&old, SOURCE_MARK_MAX);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    rc = store_mark_get(w->parts->store, source->name, &old, &w->err);
    if (rc == 0) {
        step.mark = buf_text(&old);
        step.batch = &batch;
        rc = source_take_step(source, &step, &w->err);
    }
    if (rc == 0) {
        mark = (struct store_mark){ source->name, buf_text(&step.new_mark) };
        rc = store_append(w->parts->store, bundle_facts(w->parts->bundle)->host_id, &batch, &mark, 1, &appended,
                          &w->err);
    }
    if (rc == 0 && appended.last_seq > w->stored)
        w->stored = appended.last_seq;
    if (rc == 0)
        w->told |= tells_loss(&batch);
    *more = rc == 0 && (batch.count > 0 || step.report.more);
    obs_batch_free(&batch);
    buf_free(&old);
    buf_free(&step.new_mark);
    return rc;
}

static int collect(struct way *w)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < bundle_source_count(w->parts->bundle); i++) {
        bool more = true;

        for (int step = 0; rc == 0 && more && step < STEPS_MAX; step++)
            rc = take_step(w, bundle_source(w->parts->bundle, i), &more);
    }
    return rc;
}

/* ---- the wire ----------------------------------------------------------- */

static int pack(struct way *w, const struct store_slice *slice, struct buf *out)
{
    struct resource r = *bundle_facts(w->parts->bundle);
    struct buf request;
    int rc;

    snprintf(r.service_name, sizeof r.service_name, "hvagent");
    snprintf(r.agent_id, sizeof r.agent_id, "%s", store_agent_id(w->parts->store));
    buf_init(&request, BODY_MAX);
    rc = otlp_encode_request(&r, slice->payloads, slice->count, &request, &w->err);
    if (rc == 0)
        rc = compress_body(COMPRESSION_ZSTD, request.data, request.len, out, &w->err);
    buf_free(&request);
    return rc;
}

static int accept_body(struct way *w, const struct buf *body, uint64_t *acked)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request = { 0 };
    struct fleet_batch batch = { .request = &request };
    struct buf plain;
    int rc;

    buf_init(&plain, BODY_MAX);
    rc = body_unpack(BODY_ZSTD, body->data, body->len, &plain, &w->err);
    if (rc == 0)
        rc = otlp_decode(plain.data, plain.len, &limits, &request, &w->err);
    if (rc == 0)
        rc = fleet_store_apply(w->parts->fleet, &batch, 1, &w->err);
    if (rc == 0) {
        assert(batch.one_agent);
        *acked = batch.acked_through;
    }
    otlp_request_free(&request);
    buf_free(&plain);
    return rc;
}

static int ship(struct way *w)
{
    int rc = 0;

    for (bool more = true; rc == 0 && more;) {
        struct store_slice slice = { 0 };
        uint64_t acked = 0;
        struct buf body;

        buf_init(&body, BODY_MAX);
        rc = store_read(w->parts->store, 0, BATCH_MAX, BODY_MAX, &slice, &w->err);
        more = rc == 0 && slice.count > 0;
        if (more)
            rc = pack(w, &slice, &body);
        if (more && rc == 0)
            rc = accept_body(w, &body, &acked);
        if (more && rc == 0) {
            w->delivered = acked > w->delivered ? acked : w->delivered;
            rc = store_ack(w->parts->store, acked, &w->err);
        }
        if (slice.count > 0 || slice.payloads != NULL)
            store_slice_free(&slice);
        buf_free(&body);
    }
    return rc;
}

static int report(struct way *w, struct buf *out)
{
    struct report_query q = {
        .kind = REPORT_DRIFT, .format = REPORT_JSON, .now_ns = NOW, .floors = drift_floors_default()
    };

    buf_clear(out);
    return fleet_report(w->parts->fleet, &q, out, &w->err);
}

static int run(struct way *w, struct buf *out)
{
    int rc;

    w->err = (struct err){ 0 };
    w->where = "opening the agent's store";
    rc = open_agent(w);
    if (rc == 0) {
        w->where = "opening the hub's store";
        rc = open_hub(w);
    }
    if (rc == 0) {
        w->where = "collecting";
        rc = collect(w);
    }
    if (rc == 0) {
        w->where = "shipping";
        rc = ship(w);
    }
    if (rc == 0) {
        w->where = "the report";
        rc = report(w, out);
    }
    close_all(w);
    return rc;
}

int way_run(struct way *w)
{
    struct buf text;
    int rc;

    buf_init(&text, BODY_MAX);
    rc = run(w, &text);
    buf_free(&text);
    return rc;
}

/* ---- what must hold ----------------------------------------------------- */

static bool take_agent(void *arg, const struct fleet_agent *a)
{
    struct fleet_agent *out = arg;

    ck_assert_msg(out->records == 0, "a second agent at the hub");
    *out = *a;
    return true;
}

static void check_numbers(struct way *w, const char *what)
{
    struct fleet_agent a = { 0 };
    struct fleet_reader reader = { .arg = &a, .agent = take_agent };
    struct store_stats stats;

    ck_assert_int_eq(open_agent(w), 0);
    ck_assert_int_eq(open_hub(w), 0);
    ck_assert_int_eq(fleet_store_read(w->parts->fleet, &reader, &w->err), 0);
    ck_assert_int_eq(store_stats(w->parts->store, &stats, &w->err), 0);
    ck_assert_msg(stats.last_seq >= w->stored, "%s: the store has numbers to %llu, %llu were promised", what,
                  (unsigned long long)stats.last_seq, (unsigned long long)w->stored);
    ck_assert_msg(a.high_mark >= w->delivered, "%s: the hub has numbers to %llu, %llu were promised", what,
                  (unsigned long long)a.high_mark, (unsigned long long)w->delivered);
    close_all(w);
}

static void check_whole(struct way *w, const char *what)
{
    struct fleet_agent a = { 0 };
    struct fleet_reader reader = { .arg = &a, .agent = take_agent };
    struct store_stats stats;

    ck_assert_int_eq(open_agent(w), 0);
    ck_assert_int_eq(open_hub(w), 0);
    ck_assert_int_eq(fleet_store_read(w->parts->fleet, &reader, &w->err), 0);
    ck_assert_int_eq(store_stats(w->parts->store, &stats, &w->err), 0);
    ck_assert_msg(a.high_mark == stats.last_seq && a.records == stats.last_seq && a.missing == 0 && stats.rows == 0,
                  "%s: %llu given, the hub has %llu through %llu, %llu missing; %llu not sent", what,
                  (unsigned long long)stats.last_seq, (unsigned long long)a.records, (unsigned long long)a.high_mark,
                  (unsigned long long)a.missing, (unsigned long long)stats.rows);
    close_all(w);
}

void way_check(struct way *w, const char *what)
{
    struct buf text;

    if (access(w->agent_db, F_OK) == 0 && access(w->hub_db, F_OK) == 0)
        check_numbers(w, what);
    buf_init(&text, BODY_MAX);
    ck_assert_msg(run(w, &text) == 0, "%s: it does not go on: %s", what, w->err.text);
    check_whole(w, what);
    if (!w->told)
        ck_assert_msg(strcmp(buf_text(&text), w->parts->normal) == 0,
                      "%s: in silence the report is another:\n%.700s\nnot\n%.700s", what, buf_text(&text),
                      w->parts->normal);
    buf_free(&text);
}

int64_t way_stride(int64_t points, int64_t rounds)
{
    const char *text = getenv("HVFLEET_TORTURE");
    int64_t wanted = text != NULL ? strtoll(text, NULL, 10) : 0;

    rounds = wanted > 0 ? wanted : rounds;
    return points > rounds ? (points + rounds - 1) / rounds : 1;
}

/* ---- beginning ---------------------------------------------------------- */

static void remove_store(const char *path)
{
    static const char *const ends[] = { "", "-wal", "-shm", "-journal", ".lock" };
    char name[600];

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

void way_clear(struct way *w)
{
    remove_store(w->agent_db);
    remove_store(w->hub_db);
    w->stored = w->delivered = 0;
    w->told = false;
}

void way_init(struct way *w)
{
    static struct parts parts;
    const char *dir = temp_dir();
    struct buf text;

    *w = (struct way){ .parts = &parts };
    snprintf(w->bundle, sizeof w->bundle, "%s", temp_dir());
    snprintf(w->agent_db, sizeof w->agent_db, "%s/agent.db", dir);
    snprintf(w->hub_db, sizeof w->hub_db, "%s/fleet.db", dir);
    make_bundle(w->bundle);
    buf_init(&text, BODY_MAX);
    for (int i = 0; i < 2; i++) { /* twice, so that what libraries keep for good is there */
        way_clear(w);
        ck_assert_msg(run(w, &text) == 0, "%s", w->err.text);
    }
    ck_assert_uint_gt(w->delivered, 0);
    ck_assert(!w->told);
    ck_assert_uint_lt(text.len, sizeof parts.normal);
    snprintf(parts.normal, sizeof parts.normal, "%s", buf_text(&text));
    buf_free(&text);
}
