/* The rows that are kept between reports: a report made from them is the report that reads the whole fleet,
 * byte for byte, whatever has happened in between. */
#include "base/text.h"
#include "hub/fleet_body.h"
#include "hub/fleet_report.h"
#include "hub/web_list.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS (1440 * MINUTES)

enum { HOSTS = 6, GUESTS = 24, STEPS = 150, WORLDS = 4, REPORT_MAX = 64 * 1024 * 1024 };
#define MODEL_MAX ((size_t)16 * 1024 * 1024)

struct fixture {
    char path[4096];
    struct test_clock clock;
    struct fleet_store *writing, *kept, *plain; /* the last two only read */
    uint64_t seq[HOSTS];
    uint64_t chance;
};

static struct fleet_store *open_reading(struct fixture *f, size_t model_max)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = { .path = stores_are_postgres() ? postgres_store(f->path) : f->path,
                                           .read_only = true,
                                           .floors = &floors,
                                           .clock = &f->clock.clock,
                                           .model_max = model_max };
    struct fleet_store *s = NULL;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_open(&s, &options, &e) == 0, "%s", e.text);
    return s;
}

static void set_up(struct fixture *f, size_t model_max)
{
    static int number;

    *f = (struct fixture){ .chance = 1 };
    snprintf(f->path, sizeof f->path, "%s/fleet%d.db", temp_dir(), number++);
    test_clock_init(&f->clock);
    f->clock.now = T0;
    f->writing = open_store(f->path, &f->clock.clock);
    f->kept = open_reading(f, model_max);
    f->plain = open_reading(f, 0);
}

static void tear_down(struct fixture *f)
{
    fleet_store_close(f->kept);
    fleet_store_close(f->plain);
    fleet_store_close(f->writing);
}

/* xorshift64: the same worlds each time. */
static int chance(struct fixture *f, int below)
{
    f->chance ^= f->chance << 13;
    f->chance ^= f->chance >> 7;
    f->chance ^= f->chance << 17;
    return (int)(f->chance % (uint64_t)below);
}

/* ---- reports ------------------------------------------------------------------------ */

static void report(struct fixture *f, struct fleet_store *s, const struct report_query *like, struct buf *out)
{
    struct report_query q = *like;
    struct err e = { 0 };

    q.now_ns = f->clock.now;
    q.host_silent_ns = 60 * MINUTES;
    buf_init(out, REPORT_MAX);
    ck_assert_msg(fleet_report(s, &q, out, &e) == 0, "%s", e.text);
}

static void same_report(struct fixture *f, const struct report_query *q, int step)
{
    struct buf kept, plain;
    size_t at = 0;

    report(f, f->kept, q, &kept);
    report(f, f->plain, q, &plain);
    while (at < kept.len && at < plain.len && kept.data[at] == plain.data[at])
        at++;
    ck_assert_msg(kept.len == plain.len && at == kept.len,
                  "step %d, format %d: they differ at %zu of %zu and %zu: ...%.200s... and ...%.200s...", step,
                  q->format, at, kept.len, plain.len, buf_text(&kept) + (at > 80 ? at - 80 : 0),
                  buf_text(&plain) + (at > 80 ? at - 80 : 0));
    buf_free(&kept);
    buf_free(&plain);
}

static void same_page(struct fixture *f, enum web_page page, const char *name, enum web_format format, int step)
{
    const struct web_moment m = { f->clock.now, 60 * MINUTES, drift_floors_default() };
    struct buf kept, plain;
    struct web_query q;

    ck_assert(web_query_init(&q, page, name));
    q.format = format;
    buf_init(&kept, REPORT_MAX);
    buf_init(&plain, REPORT_MAX);
    ck_assert_int_eq(web_render(f->kept, &q, &m, &kept, NULL), web_render(f->plain, &q, &m, &plain, NULL));
    ck_assert_msg(strcmp(buf_text(&kept), buf_text(&plain)) == 0, "step %d, page %d of '%s':\n%s\n%s", step, (int)page,
                  name, buf_text(&kept), buf_text(&plain));
    buf_free(&kept);
    buf_free(&plain);
}

/* ---- what happens --------------------------------------------------------------------- */

static const char *pick(struct fixture *f, const char *const *of, int count)
{
    return of[chance(f, count)];
}
#define PICK(...) \
    pick(f, (const char *const[]){ __VA_ARGS__ }, (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)))

static struct resource someone(struct fixture *f, int host)
{
    bool modern = host % 3 == 2;
    struct resource r = made_agent(host + 1, host < 4 ? "PROD-A" : "PROD-B", modern ? "10.0.17763" : "6.3.9600.20778",
                                   modern ? "" : "6.3.9600.18692");

    if (chance(f, 12) == 0)
        text_copy(r.cluster, sizeof r.cluster, PICK("PROD-B", "prod-a", ""));
    if (!modern && chance(f, 12) == 0)
        text_copy(r.is_win6x, sizeof r.is_win6x, PICK("6.3.9600.18907", "6.3.9600.18339", "new"));
    if (chance(f, 20) == 0)
        text_copy(r.os_version, sizeof r.os_version, PICK("6.1.7601", "10.0.20348", "?"));
    if (chance(f, 25) == 0)
        text_copy(r.host_name, sizeof r.host_name, "RENAMED");
    return r;
}

static void poll_guest(struct fixture *f, struct made *m, int vm)
{
    const char *os = vm % 4 == 0   ? PICK("10.0.17763", "10.0.17763", "10.0.20348")
                     : vm % 4 == 1 ? "6.1.7601"
                                   : "6.3.9600";
    const char *is = os[0] == '1' ? PICK("10.0.17763.1", "10.0.17763.9", "10.0.20348.5", "10.0.17763.7")
                                  : PICK("6.3.9600.16384", "6.3.9600.18692", "6.3.9600.18907", "6.3.9600.18080");

    made_inventory(m, vm, f->clock.now, os, is);
    if (chance(f, 10) == 0)
        obs_str(m->batch.last, ATTR_VM_NAME, PICK("renamed", "z<b>", "'quoted \"name\"'"));
    if (chance(f, 10) == 0)
        obs_str(m->batch.last, ATTR_VM_POWER, "off");
}

static void tell_event(struct fixture *f, struct made *m, int vm)
{
    struct observation *o;

    switch (chance(f, 4)) {
    case 0:
        o = made_add(m, OBS_GUEST_VERSION_MISMATCH, f->clock.now);
        obs_str(o, ATTR_MISMATCH_SIGNAL, PICK("ic-incompatible", "ic-compatible", "device-compatible"));
        obs_str(o, ATTR_IC_SERVICE, "Hyper-V Heartbeat");
        break;
    case 1:
        o = made_add(m, OBS_GUEST_VERSION_OK, f->clock.now);
        obs_str(o, ATTR_IC_SERVICE, "Hyper-V Heartbeat");
        break;
    case 2:
        o = made_add(m, OBS_GUEST_CRASH, f->clock.now);
        obs_str(o, ATTR_CRASH_CODE, "0x000000d1");
        break;
    default:
        o = made_add(m, OBS_GUEST_LIFECYCLE, f->clock.now);
        obs_str(o, ATTR_VM_CHANGE, PICK("started", "stopped", "deleted", "reset", "saved"));
    }
    obs_str(o, ATTR_VM_ID, made_vm(vm));
}

/* One host says a few things. */
static void happen(struct fixture *f)
{
    int host = chance(f, HOSTS);
    struct resource who = someone(f, host);
    struct made m;

    made_init(&m, f->seq[host] + 1 + (chance(f, 20) == 0));
    for (int n = chance(f, 5); n > 0; n--) {
        int vm = chance(f, 8) == 0 ? chance(f, GUESTS) : host * (GUESTS / HOSTS) + chance(f, GUESTS / HOSTS);

        if (chance(f, 3) == 0)
            tell_event(f, &m, vm);
        else
            poll_guest(f, &m, vm);
    }
    if (chance(f, 3) > 0)
        made_host_inventory(&m, &who, f->clock.now);
    if (chance(f, 20) == 0)
        made_add(&m, OBS_GAP, f->clock.now);
    f->seq[host] = m.next_seq - 1;
    made_apply(f->writing, &m, &who);
    made_free(&m);
}

static void pass_time(struct fixture *f)
{
    static const int64_t lengths[] = { NS_PER_S, 5 * MINUTES, 70 * MINUTES, DAYS, 4 * DAYS };
    bool more = chance(f, 2) == 0;
    struct err e = { 0 };

    f->clock.now += lengths[chance(f, 5)];
    while (more)
        ck_assert_msg(fleet_store_upkeep(f->writing, &more, &e) == 0, "%s", e.text);
}

START_TEST(whatever_happens_a_report_from_kept_rows_is_the_report)
{
    static const char *const clusters[] = { "", "", "PROD-A", "PROD-B", "prod-a", "none" };
    struct fixture f;

    for (int world = 0; world < WORLDS; world++) {
        set_up(&f, MODEL_MAX);
        f.chance = (uint64_t)world * 7919 + 1;
        for (int step = 0; step < STEPS; step++) {
            struct report_query q = { .format = (enum report_format)(chance(&f, 3) > 0 ? REPORT_JSON : chance(&f, 6)),
                                      .floors = drift_floors_default() };

            for (int n = chance(&f, 4); n >= 0; n--)
                happen(&f);
            if (chance(&f, 2) == 0)
                pass_time(&f);
            text_copy(q.cluster, sizeof q.cluster, clusters[chance(&f, 6)]);
            q.since_ns = chance(&f, 3) == 0 ? f.clock.now - 2 * DAYS : 0;
            if (chance(&f, 40) == 0)
                q.floors.win61_63.part[3] = 18000;
            same_report(&f, &q, step);
            same_page(&f, chance(&f, 2) == 0 ? WEB_CLUSTER : WEB_GUESTS, clusters[chance(&f, 4)],
                      chance(&f, 2) == 0 ? WEB_HTML : WEB_JSON, step);
            if (step % 16 == 0)
                same_page(&f, WEB_FLEET, "", WEB_HTML, step);
        }
        tear_down(&f);
    }
}
END_TEST

START_TEST(outside_of_clusters_are_only_guests_of_hosts_without_one)
{
    struct resource in = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct resource out = made_agent(2, "", "6.3.9600.20778", "6.3.9600.18692");
    const struct web_moment m = { T0, 0, drift_floors_default() };
    struct fixture f;
    struct web_query q;

    set_up(&f, MODEL_MAX);
    for (int i = 0; i < 2; i++) {
        struct made made;

        made_init(&made, 1);
        made_inventory(&made, i + 1, T0, "6.3.9600", "6.3.9600.16384");
        made_host_inventory(&made, i == 0 ? &in : &out, T0);
        made_apply(f.writing, &made, i == 0 ? &in : &out);
        made_free(&made);
    }
    ck_assert(web_query_init(&q, WEB_CLUSTER, ""));
    for (int i = 0; i < 2; i++) {
        struct buf page;

        buf_init(&page, REPORT_MAX);
        ck_assert_int_eq(web_render(i == 0 ? f.kept : f.plain, &q, &m, &page, NULL), 0);
        ck_assert_ptr_nonnull(strstr(buf_text(&page), made_vm(2)));
        ck_assert_ptr_null(strstr(buf_text(&page), made_vm(1)));
        buf_free(&page);
    }
    tear_down(&f);
}
END_TEST

START_TEST(a_fleet_that_does_not_fit_is_read_as_if_nothing_were_kept)
{
    struct report_query q = { .format = REPORT_JSON, .floors = drift_floors_default() };
    struct fixture f;

    set_up(&f, 8000);
    for (int step = 0; step < 40; step++) {
        happen(&f);
        f.clock.now += 5 * MINUTES;
        same_report(&f, &q, step);
    }
    tear_down(&f);
}
END_TEST

/* All guests of a state, page by page, as a very large fleet lists them; returns how many. */
static int read_pages(struct fixture *f, int state, char (*ids)[GUID_TEXT_MAX], int *pages)
{
    const struct web_moment m = { f->clock.now, 0, drift_floors_default() };
    struct web_query q;
    struct web_list l;
    struct err e = { 0 };
    int count = 0;
    bool more = true;

    ck_assert(web_query_init(&q, WEB_GUESTS, ""));
    q.state = state;
    for (*pages = 0; more; (*pages)++) {
        ck_assert_int_eq(web_list_init(&l, &q, &m, &e), 0);
        ck_assert_msg(web_list_read_page(&l, f->plain, &e) == 0, "%s", e.text);
        ck_assert_uint_le(l.row_count, WEB_PAGE_ROWS);
        for (size_t i = 0; i < l.row_count; i++) {
            ck_assert_int_lt(count, 300);
            ck_assert_str_eq(l.rows[i].host, "HV01");
            text_copy(ids[count++], GUID_TEXT_MAX, l.rows[i].vm_id);
        }
        if (count > 0)
            ck_assert_ptr_null(web_query_set(&q, "after", ids[count - 1]));
        more = l.more;
        web_list_free(&l);
    }
    return count;
}

START_TEST(a_very_large_fleet_is_listed_page_by_page_each_guest_once)
{
    static char ids[300][GUID_TEXT_MAX];
    struct resource one = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct fixture f;
    struct made m;
    int pages;

    set_up(&f, 0);
    made_init(&m, 1);
    for (int vm = 0; vm < 250; vm++)
        made_inventory(&m, vm, T0, "6.3.9600", vm % 5 == 0 ? "6.3.9600.16384" : "6.3.9600.18692");
    made_host_inventory(&m, &one, T0);
    made_apply(f.writing, &m, &one);
    made_free(&m);
    ck_assert_int_eq(read_pages(&f, WEB_ANY_STATE, ids, &pages), 250);
    ck_assert_int_eq(pages, 3);
    for (int i = 0; i < 250; i++)
        ck_assert_str_eq(ids[i], made_vm(i));
    ck_assert_int_eq(read_pages(&f, DRIFT_BEHIND, ids, &pages), 50);
    ck_assert_str_eq(ids[49], made_vm(245));
    ck_assert_int_eq(read_pages(&f, DRIFT_INCOMPATIBLE, ids, &pages), 0);
    tear_down(&f);
}
END_TEST

START_TEST(a_mark_rises_with_what_is_written_and_with_nothing_else)
{
    struct fleet_mark before, after;
    struct fixture f;
    bool more;

    if (stores_are_postgres())
        return; /* there ids are used by whatever writes */
    set_up(&f, MODEL_MAX);
    happen(&f);
    ck_assert_int_eq(f.plain->body->ops->mark(f.plain->body, &before, NULL), 0);
    ck_assert_int_eq(fleet_store_probe(f.writing, NULL), 0);
    ck_assert_int_eq(fleet_store_upkeep(f.writing, &more, NULL), 0);
    ck_assert_int_eq(f.plain->body->ops->mark(f.plain->body, &after, NULL), 0);
    ck_assert_int_eq(before.from, after.from);
    happen(&f);
    ck_assert_int_eq(f.plain->body->ops->mark(f.plain->body, &after, NULL), 0);
    ck_assert_int_eq(after.from, before.from + 1);
    ck_assert_uint_eq(after.epoch, before.epoch);
    tear_down(&f);
}
END_TEST

/* Another hub's transaction: one row of host is written and not yet committed. */
static PGconn *rename_first_host(const struct fixture *f)
{
    struct host h;
    struct err e = { 0 };
    struct buf state;
    PGconn *conn = PQconnectdb(postgres_store(f->path));
    const char *values[1];
    int lengths[1], formats[1] = { 1 };
    PGresult *r;

    ck_assert_msg(fleet_store_host(f->plain, "HOST-0001", &h, &e) == 0, "%s", e.text);
    text_copy(h.facts.host_name, sizeof h.facts.host_name, "WRITTEN-FIRST");
    buf_init(&state, 65536);
    ck_assert_int_eq(host_encode(&h, &state, &e), 0);
    values[0] = state.data;
    lengths[0] = (int)state.len;
    PQclear(PQexec(conn, "BEGIN"));
    r = PQexecParams(conn, "UPDATE host SET state = $1::bytea, writer = DEFAULT WHERE host_id = 'HOST-0001'", 1, NULL,
                     values, lengths, formats, 0);
    ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
    PQclear(r);
    buf_free(&state);
    return conn;
}

START_TEST(what_began_first_and_committed_last_is_not_missed)
{
    struct report_query q = { .format = REPORT_JSON, .floors = drift_floors_default() };
    struct resource one = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct resource two = made_agent(2, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct fixture f;
    struct made m;
    struct buf out;
    PGconn *conn;

    if (!stores_are_postgres())
        return; /* SQLite has one writer at a time */
    set_up(&f, MODEL_MAX);
    made_init(&m, 1);
    made_host_inventory(&m, &one, f.clock.now);
    made_apply(f.writing, &m, &one);
    made_free(&m);
    conn = rename_first_host(&f);
    made_init(&m, 1);
    made_host_inventory(&m, &two, f.clock.now);
    made_apply(f.writing, &m, &two);
    made_free(&m);
    same_report(&f, &q, 1);
    PQclear(PQexec(conn, "COMMIT"));
    PQfinish(conn);
    same_report(&f, &q, 2);
    report(&f, f.kept, &q, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "WRITTEN-FIRST"));
    buf_free(&out);
    tear_down(&f);
}
END_TEST

static bool count_guest(void *arg, const struct guest *g)
{
    (void)g;
    ++*(int *)arg;
    return true;
}

START_TEST(rows_of_a_restored_dump_are_not_new_each_time)
{
    struct report_query q = { .format = REPORT_JSON, .floors = drift_floors_default() };
    struct fleet_mark mark;
    struct fixture f;
    int count = 0;
    struct fleet_reader reader = { .arg = &count, .guest = count_guest };

    if (!stores_are_postgres())
        return; /* a file keeps its own count */
    set_up(&f, MODEL_MAX);
    for (int i = 0; i < 20; i++)
        happen(&f);
    ask_store(f.path, "UPDATE guest SET writer = 1000000000000000");
    ask_store(f.path, "UPDATE host SET writer = 1000000000000000");
    same_report(&f, &q, 1);
    ck_assert_int_eq(f.plain->body->ops->begin(f.plain->body, false, NULL), 0);
    ck_assert_int_eq(f.plain->body->ops->mark(f.plain->body, &mark, NULL), 0);
    ck_assert_int_eq(f.plain->body->ops->commit(f.plain->body, NULL), 0);
    reader.changed_from = mark.from;
    reader.changed_below = mark.below;
    ck_assert_int_eq(fleet_store_read(f.plain, &reader, NULL), 0);
    ck_assert_int_eq(count, 0);
    happen(&f);
    same_report(&f, &q, 2);
    tear_down(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, whatever_happens_a_report_from_kept_rows_is_the_report);
    suite_test(s, outside_of_clusters_are_only_guests_of_hosts_without_one);
    suite_test(s, a_fleet_that_does_not_fit_is_read_as_if_nothing_were_kept);
    suite_test(s, a_very_large_fleet_is_listed_page_by_page_each_guest_once);
    suite_test(s, a_mark_rises_with_what_is_written_and_with_nothing_else);
    suite_test(s, rows_of_a_restored_dump_are_not_new_each_time);
    suite_test(s, what_began_first_and_committed_last_is_not_missed);
}

int main(void)
{
    return suite_main("hub: fleet model", add);
}
