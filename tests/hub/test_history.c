/* What the store remembers: changes of guests, daily counts, findings, and what ages out. */
#include "base/text.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define OS_2012R2 "6.3.9600.20778"
#define E1        "6.3.9600.18692"
#define OLD       "6.3.9600.16384"
#define DAYS      (1440 * MINUTES)

struct fixture {
    char path[4096];
    struct test_clock clock;
    struct fleet_store *store;
    struct resource one, two;
};

/* With retention; open_store() keeps history for ever. */
static struct fleet_store *open_store_keeping(const char *path, const struct clock *clock,
                                              const struct fleet_keep *keep)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = {
        .path = stores_are_postgres() ? postgres_store(path) : path, .history = *keep, .floors = &floors, .clock = clock
    };
    struct fleet_store *s = NULL;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_open(&s, &options, &e) == 0, "open: %s", e.text);
    return s;
}

static void set_up(struct fixture *f)
{
    snprintf(f->path, sizeof f->path, "%s/fleet.db", temp_dir());
    test_clock_init(&f->clock);
    f->clock.now = T0;
    f->store = open_store(f->path, &f->clock.clock);
    f->one = made_agent(1, "PROD-A", OS_2012R2, E1);
    f->two = made_agent(2, "PROD-B", OS_2012R2, E1);
}

static void tear_down(struct fixture *f)
{
    fleet_store_close(f->store);
}

/* A host's inventory and one guest's, now, as one request. */
static void report_guest(struct fixture *f, const struct resource *who, uint64_t seq, int vm, const char *is)
{
    struct made m;

    made_init(&m, seq);
    made_host_inventory(&m, who, f->clock.now);
    made_inventory(&m, vm, f->clock.now, "6.3.9600", is);
    made_apply(f->store, &m, who);
    made_free(&m);
}

enum { LIST_MAX = 64 };
struct changes {
    int count;
    struct fleet_change list[LIST_MAX];
};

static bool take_change(void *arg, const struct fleet_change *c)
{
    struct changes *all = (struct changes *)arg;

    ck_assert_int_lt(all->count, LIST_MAX);
    all->list[all->count++] = *c;
    return true;
}

static const struct changes *changes_by(struct fixture *f, struct fleet_change_query q)
{
    static struct changes all;
    struct err e = { 0 };

    all.count = 0;
    ck_assert_msg(fleet_store_changes(f->store, &q, take_change, &all, &e) == 0, "%s", e.text);
    return &all;
}

static const struct changes *changes_of(struct fixture *f, int vm)
{
    return changes_by(f, (struct fleet_change_query){ .vm_id = made_vm(vm), .kind = -1, .oldest_first = true });
}

struct days {
    int count;
    struct fleet_day list[LIST_MAX];
};

static bool take_day(void *arg, const struct fleet_day *d)
{
    struct days *all = (struct days *)arg;

    ck_assert_int_lt(all->count, LIST_MAX);
    all->list[all->count++] = *d;
    return true;
}

static const struct days *days_of(struct fixture *f, const char *cluster, int64_t first, int64_t last)
{
    static struct days all;
    struct err e = { 0 };

    all.count = 0;
    ck_assert_msg(fleet_store_days(f->store, cluster, first, last, take_day, &all, &e) == 0, "%s", e.text);
    return &all;
}

static int64_t today(const struct fixture *f)
{
    return f->clock.now / DAYS;
}

struct clusters {
    int count;
    struct fleet_cluster list[LIST_MAX];
};

static bool take_cluster(void *arg, const struct fleet_cluster *c)
{
    struct clusters *all = (struct clusters *)arg;

    all->list[all->count++] = *c;
    return true;
}

static const struct clusters *clusters_of(struct fixture *f)
{
    static struct clusters all;
    struct err e = { 0 };

    all.count = 0;
    ck_assert_msg(fleet_store_clusters(f->store, take_cluster, &all, &e) == 0, "%s", e.text);
    return &all;
}

static void do_upkeep(struct fixture *f)
{
    bool more = true;
    struct err e = { 0 };

    for (int i = 0; more && i < 100; i++)
        ck_assert_msg(fleet_store_upkeep(f->store, &more, &e) == 0, "%s", e.text);
    ck_assert(!more);
}

/* ---- changes ------------------------------------------------------------------------- */

START_TEST(a_first_appearance_is_one_change_of_state)
{
    const struct changes *all;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    all = changes_of(&f, 1);
    ck_assert_int_eq(all->count, 1);
    ck_assert_int_eq((int)all->list[0].kind, CHANGE_STATE);
    ck_assert_str_eq(all->list[0].from, "");
    ck_assert_str_eq(all->list[0].to, "behind");
    ck_assert_str_eq(all->list[0].cluster, "PROD-A");
    ck_assert_str_eq(all->list[0].host_id, f.one.host_id);
    ck_assert_int_eq(all->list[0].received, T0);
    tear_down(&f);
}
END_TEST

START_TEST(an_upgrade_leaves_a_change_of_version_and_of_state_with_their_evidence)
{
    const struct changes *all;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    f.clock.now += DAYS;
    report_guest(&f, &f.one, 3, 1, E1);
    all = changes_of(&f, 1);
    ck_assert_int_eq(all->count, 3);
    for (int i = 1; i < 3; i++) {
        bool state = all->list[i].kind == CHANGE_STATE;

        ck_assert_str_eq(all->list[i].from, state ? "behind" : OLD);
        ck_assert_str_eq(all->list[i].to, state ? "current" : E1);
        ck_assert_ptr_nonnull(strstr(all->list[i].evidence, E1));
        ck_assert_int_eq(all->list[i].time, T0 + DAYS);
    }
    ck_assert_int_ne((int)all->list[1].kind, (int)all->list[2].kind);
    tear_down(&f);
}
END_TEST

START_TEST(the_same_report_again_changes_nothing)
{
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    f.clock.now += DAYS;
    report_guest(&f, &f.one, 3, 1, E1);
    f.clock.now += DAYS;
    report_guest(&f, &f.one, 1, 1, OLD); /* a resend: dropped */
    report_guest(&f, &f.one, 5, 1, E1);  /* a new poll with the same answer */
    ck_assert_int_eq(changes_of(&f, 1)->count, 3);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT sum(delta) FROM daily"), 1);
    tear_down(&f);
}
END_TEST

START_TEST(a_move_to_another_host_is_a_change_and_moves_the_count)
{
    const struct changes *all;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    f.clock.now += DAYS;
    report_guest(&f, &f.two, 1, 1, OLD);
    all = changes_by(&f, (struct fleet_change_query){ .vm_id = made_vm(1), .kind = CHANGE_HOST });
    ck_assert_int_eq(all->count, 1);
    ck_assert_str_eq(all->list[0].from, f.one.host_id);
    ck_assert_str_eq(all->list[0].to, f.two.host_id);
    ck_assert_str_eq(all->list[0].cluster, "PROD-B");
    ck_assert_uint_eq(days_of(&f, "PROD-A", today(&f), today(&f))->list[0].guests[DRIFT_BEHIND], 0);
    ck_assert_uint_eq(days_of(&f, "PROD-B", today(&f), today(&f))->list[0].guests[DRIFT_BEHIND], 1);
    tear_down(&f);
}
END_TEST

START_TEST(a_verdict_that_follows_from_the_host_is_a_change_too)
{
    const struct changes *all;
    struct fixture f;
    struct made m;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, E1);
    f.clock.now += DAYS;
    f.one = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18907");
    made_init(&m, 3);
    made_host_inventory(&m, &f.one, f.clock.now); /* speaks of no guest */
    made_apply(f.store, &m, &f.one);
    made_free(&m);
    all = changes_by(&f, (struct fleet_change_query){ .kind = CHANGE_STATE, .since_ns = T0 + DAYS });
    ck_assert_int_eq(all->count, 1);
    ck_assert_str_eq(all->list[0].to, "behind");
    ck_assert_ptr_nonnull(strstr(all->list[0].evidence, "6.3.9600.18907"));
    tear_down(&f);
}
END_TEST

START_TEST(changes_are_found_by_host_cluster_kind_time_and_limit)
{
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    report_guest(&f, &f.two, 1, 2, OLD);
    f.clock.now += DAYS;
    report_guest(&f, &f.one, 3, 1, E1);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1 })->count, 4);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = CHANGE_VERSION })->count, 1);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1, .cluster = "prod-b" })->count, 1);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1, .host_id = f.one.host_id })->count, 3);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1, .since_ns = T0 + 1 })->count, 2);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1, .until_ns = T0 + 1 })->count, 2);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1, .limit = 3 })->count, 3);
    tear_down(&f);
}
END_TEST

/* ---- days ---------------------------------------------------------------------------- */

START_TEST(a_day_without_a_change_is_as_the_day_before)
{
    const struct days *all;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    report_guest(&f, &f.one, 3, 2, OLD);
    f.clock.now += 3 * DAYS;
    report_guest(&f, &f.one, 5, 1, E1);
    all = days_of(&f, NULL, today(&f) - 10, today(&f) + 1);
    ck_assert_int_eq(all->count, 5); /* none before the fleet's first day */
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(all->list[i].day, T0 / DAYS + i);
        ck_assert_uint_eq(all->list[i].guests[DRIFT_BEHIND], i < 3 ? 2 : 1);
        ck_assert_uint_eq(all->list[i].guests[DRIFT_CURRENT], i < 3 ? 0 : 1);
    }
    tear_down(&f);
}
END_TEST

START_TEST(days_can_begin_after_the_last_change)
{
    const struct days *all;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    all = days_of(&f, "PROD-A", today(&f) + 5, today(&f) + 6);
    ck_assert_int_eq(all->count, 2);
    ck_assert_uint_eq(all->list[1].guests[DRIFT_BEHIND], 1);
    ck_assert_int_eq(days_of(&f, "NOWHERE", today(&f), today(&f))->count, 0);
    tear_down(&f);
}
END_TEST

START_TEST(counts_follow_a_host_that_joins_another_cluster)
{
    struct fixture f;
    struct made m;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    report_guest(&f, &f.one, 3, 2, E1);
    f.clock.now += DAYS;
    f.one = made_agent(1, "PROD-Z", OS_2012R2, E1);
    made_init(&m, 5);
    made_host_inventory(&m, &f.one, f.clock.now);
    made_apply(f.store, &m, &f.one);
    made_free(&m);
    ck_assert_int_eq(clusters_of(&f)->count, 1);
    ck_assert_str_eq(clusters_of(&f)->list[0].cluster, "PROD-Z");
    ck_assert_uint_eq(clusters_of(&f)->list[0].guests[DRIFT_BEHIND], 1);
    ck_assert_uint_eq(clusters_of(&f)->list[0].guests[DRIFT_CURRENT], 1);
    tear_down(&f);
}
END_TEST

START_TEST(a_removed_guest_counts_no_more)
{
    const struct changes *all;
    struct observation *o;
    struct fixture f;
    struct made m;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    f.clock.now += DAYS;
    made_init(&m, 3);
    o = made_add(&m, OBS_GUEST_LIFECYCLE, f.clock.now);
    obs_str(o, ATTR_VM_ID, made_vm(1));
    obs_str(o, ATTR_VM_CHANGE, "removed");
    made_apply(f.store, &m, &f.one);
    made_free(&m);
    all = changes_by(&f, (struct fleet_change_query){ .vm_id = made_vm(1), .kind = CHANGE_STATE, .limit = 1 });
    ck_assert_str_eq(all->list[0].from, "behind");
    ck_assert_str_eq(all->list[0].to, "");
    ck_assert_int_eq(clusters_of(&f)->count, 0);
    tear_down(&f);
}
END_TEST

START_TEST(the_counts_are_those_of_the_guests_after_many_changes)
{
    static const char *const versions[] = { OLD, E1, "6.3.9600.17000" };
    static const char sql[] =
        "SELECT count(*) FROM (SELECT cluster, drift_state, count(*) FROM guest WHERE removed_time = 0 GROUP BY 1, 2"
        " EXCEPT SELECT cluster, state, sum(delta) FROM daily GROUP BY 1, 2) AS differing";
    struct fixture f;
    struct made m;
    uint64_t seq[2] = { 1, 1 };

    set_up(&f);
    for (int round = 0; round < 6; round++) {
        for (int h = 0; h < 2; h++) {
            made_init(&m, seq[h]);
            made_host_inventory(&m, h == 0 ? &f.one : &f.two, f.clock.now);
            for (int vm = 0; vm < 600; vm++) {
                if ((vm + round / 2) % 2 == h)
                    made_inventory(&m, vm, f.clock.now, "6.3.9600", versions[(vm + round) % 3]);
            }
            made_apply(f.store, &m, h == 0 ? &f.one : &f.two);
            seq[h] = m.next_seq;
            made_free(&m);
        }
        f.clock.now += DAYS / 2;
    }
    ck_assert_int_eq((int)ask_store(f.path, "SELECT sum(delta) FROM daily"), 600);
    ck_assert_int_eq((int)ask_store(f.path, sql), 0);
    tear_down(&f);
}
END_TEST

/* ---- findings ------------------------------------------------------------------------- */

struct findings {
    int count;
    struct fleet_finding list[LIST_MAX];
};

static bool take_finding(void *arg, const struct fleet_finding *found)
{
    struct findings *all = (struct findings *)arg;

    all->list[all->count++] = *found;
    return true;
}

static const struct findings *findings_by(struct fixture *f, struct fleet_finding_query q)
{
    static struct findings all;
    struct err e = { 0 };

    q.now_ns = f->clock.now;
    all.count = 0;
    ck_assert_msg(fleet_store_findings(f->store, &q, take_finding, &all, &e) == 0, "%s", e.text);
    return &all;
}

START_TEST(a_silent_host_is_found_by_when_its_word_came)
{
    const struct findings *all;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    f.clock.now += 30 * MINUTES;
    report_guest(&f, &f.two, 1, 2, OLD);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .host_silent_ns = 30 * MINUTES })->count, 0);
    f.clock.now += 1;
    all = findings_by(&f, (struct fleet_finding_query){ .host_silent_ns = 30 * MINUTES });
    ck_assert_int_eq(all->count, 1);
    ck_assert_int_eq((int)all->list[0].kind, FINDING_SILENT_HOST);
    ck_assert_str_eq(all->list[0].host_id, f.one.host_id);
    ck_assert_int_eq(all->list[0].first_time, T0);
    tear_down(&f);
}
END_TEST

START_TEST(an_agent_older_than_the_newest_is_found)
{
    const struct findings *all;
    struct fixture f;

    set_up(&f);
    text_copy(f.two.agent_version, sizeof f.two.agent_version, "0.10.0");
    report_guest(&f, &f.one, 1, 1, OLD);
    report_guest(&f, &f.two, 1, 2, OLD);
    all = findings_by(&f, (struct fleet_finding_query){ .limit = 0 });
    ck_assert_int_eq(all->count, 1);
    ck_assert_int_eq((int)all->list[0].kind, FINDING_OLD_AGENT);
    ck_assert_str_eq(all->list[0].host_id, f.one.host_id);
    ck_assert_ptr_nonnull(strstr(all->list[0].text, "0.10.0"));
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .cluster = "prod-b" })->count, 0);
    tear_down(&f);
}
END_TEST

START_TEST(an_agents_own_gap_is_a_finding_with_its_words)
{
    const struct findings *all;
    struct fixture f;
    struct made m;

    set_up(&f);
    made_init(&m, 1);
    obs_body(made_add(&m, OBS_GAP, f.clock.now), "the channel was cleared: 12 events are gone");
    made_apply(f.store, &m, &f.one);
    made_free(&m);
    all = findings_by(&f, (struct fleet_finding_query){ .host_id = f.one.host_id });
    ck_assert_int_eq(all->count, 1);
    ck_assert_int_eq((int)all->list[0].kind, FINDING_GAP);
    ck_assert_str_eq(all->list[0].text, "the channel was cleared: 12 events are gone");
    tear_down(&f);
}
END_TEST

/* One record whose host's clock is off by so much. */
static void send_skewed(struct fixture *f, uint64_t seq, int64_t off)
{
    struct made m;

    made_init(&m, seq);
    made_host_inventory(&m, &f->one, f->clock.now + off);
    made_apply(f->store, &m, &f->one);
    made_free(&m);
}

START_TEST(a_clock_that_is_ahead_is_found_at_once_and_forgotten_when_mended)
{
    struct fixture f;

    set_up(&f);
    send_skewed(&f, 1, 4 * MINUTES);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->count, 0);
    send_skewed(&f, 2, 10 * MINUTES);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->count, 1);
    ck_assert_int_eq((int)findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->list[0].kind, FINDING_CLOCK_OFF);
    f.clock.now += 61 * MINUTES;
    send_skewed(&f, 3, 0); /* ends the hour that had the wrong one */
    send_skewed(&f, 4, 0);
    f.clock.now += 61 * MINUTES;
    send_skewed(&f, 5, 0);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->count, 0);
    tear_down(&f);
}
END_TEST

START_TEST(a_clock_that_is_behind_is_found_after_an_hour_without_a_fresh_record)
{
    struct fixture f;

    set_up(&f);
    send_skewed(&f, 1, -20 * MINUTES);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->count, 0);
    f.clock.now += 61 * MINUTES;
    send_skewed(&f, 2, -20 * MINUTES);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->count, 1);
    tear_down(&f);
}
END_TEST

START_TEST(an_agent_that_catches_up_has_no_wrong_clock)
{
    struct fixture f;

    set_up(&f);
    send_skewed(&f, 1, -600 * MINUTES);
    send_skewed(&f, 2, -300 * MINUTES);
    f.clock.now += 61 * MINUTES;
    send_skewed(&f, 3, 0);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->count, 0);
    tear_down(&f);
}
END_TEST

/* ---- ageing ---------------------------------------------------------------------------- */

START_TEST(moves_leave_before_other_changes_and_days_are_folded)
{
    struct fleet_keep keep = { .moves_ns = 10 * DAYS, .changes_ns = 40 * DAYS, .days_ns = 20 * DAYS };
    const struct days *all;
    struct fixture f;

    set_up(&f);
    fleet_store_close(f.store);
    f.store = open_store_keeping(f.path, &f.clock.clock, &keep);
    report_guest(&f, &f.one, 1, 1, OLD);
    f.clock.now += DAYS;
    report_guest(&f, &f.two, 1, 1, E1);
    f.clock.now += 30 * DAYS;
    do_upkeep(&f);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = CHANGE_HOST })->count, 0);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1 })->count, 3);
    all = days_of(&f, NULL, 0, today(&f));
    ck_assert_int_eq(all->count, 21);
    ck_assert_int_eq(all->list[0].day, today(&f) - 20);
    ck_assert_uint_eq(all->list[0].guests[DRIFT_CURRENT], 1);
    ck_assert_uint_eq(all->list[0].guests[DRIFT_BEHIND], 0);
    f.clock.now += 30 * DAYS;
    do_upkeep(&f);
    ck_assert_int_eq(changes_by(&f, (struct fleet_change_query){ .kind = -1 })->count, 0);
    ck_assert_uint_eq(clusters_of(&f)->list[0].guests[DRIFT_CURRENT], 1);
    tear_down(&f);
}
END_TEST

START_TEST(old_findings_leave_but_open_holes_stay)
{
    struct fleet_keep keep = { .findings_ns = 10 * DAYS };
    const struct findings *all;
    struct fixture f;
    struct made m;

    set_up(&f);
    fleet_store_close(f.store);
    f.store = open_store_keeping(f.path, &f.clock.clock, &keep);
    made_init(&m, 1);
    made_add(&m, OBS_GAP, f.clock.now);
    m.next_seq = 10;
    made_add(&m, OBS_SOURCE_STATE, f.clock.now);
    made_apply(f.store, &m, &f.one);
    made_free(&m);
    ck_assert_int_eq(findings_by(&f, (struct fleet_finding_query){ .limit = 0 })->count, 2);
    f.clock.now += 11 * DAYS;
    do_upkeep(&f);
    all = findings_by(&f, (struct fleet_finding_query){ .limit = 0 });
    ck_assert_int_eq(all->count, 1);
    ck_assert_int_eq((int)all->list[0].kind, FINDING_SEQUENCE_HOLE);
    tear_down(&f);
}
END_TEST

/* ---- older files ------------------------------------------------------------------------ */

/* Takes a file back to the first schema, as the first hvhub wrote it. */
static void take_back(const char *path)
{
    sqlite3 *db;
    char *text = NULL;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db,
                 "DROP VIEW v_drift; DROP VIEW v_hosts; DROP VIEW v_daily; DROP VIEW v_changes; DROP TABLE daily; DROP "
                 "TABLE guest_change; ALTER TABLE guest DROP COLUMN cluster;"
                 "ALTER TABLE stream DROP COLUMN delay; ALTER TABLE stream DROP COLUMN delay_since;"
                 "PRAGMA user_version = 1;",
                 NULL, NULL, &text);
    ck_assert_msg(text == NULL, "%s", text);
    sqlite3_close(db);
}

START_TEST(a_file_without_history_begins_one_with_the_guests_it_has)
{
    struct fixture f;

    if (stores_are_postgres())
        skip("it is about SQLite's files");
    if (stores_are_postgres())
        skip("a database has had history from its first schema on");
    set_up(&f);
    report_guest(&f, &f.one, 1, 1, OLD);
    report_guest(&f, &f.two, 1, 2, E1);
    fleet_store_close(f.store);
    take_back(f.path);
    f.store = open_store(f.path, &f.clock.clock);
    ck_assert_int_eq(clusters_of(&f)->count, 2);
    ck_assert_uint_eq(clusters_of(&f)->list[0].guests[DRIFT_BEHIND], 1);
    report_guest(&f, &f.one, 3, 1, E1);
    ck_assert_uint_eq(clusters_of(&f)->list[0].guests[DRIFT_BEHIND], 0);
    ck_assert_uint_eq(clusters_of(&f)->list[0].guests[DRIFT_CURRENT], 1);
    tear_down(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_first_appearance_is_one_change_of_state);
    suite_test(s, an_upgrade_leaves_a_change_of_version_and_of_state_with_their_evidence);
    suite_test(s, the_same_report_again_changes_nothing);
    suite_test(s, a_move_to_another_host_is_a_change_and_moves_the_count);
    suite_test(s, a_verdict_that_follows_from_the_host_is_a_change_too);
    suite_test(s, changes_are_found_by_host_cluster_kind_time_and_limit);
    suite_test(s, a_day_without_a_change_is_as_the_day_before);
    suite_test(s, days_can_begin_after_the_last_change);
    suite_test(s, counts_follow_a_host_that_joins_another_cluster);
    suite_test(s, a_removed_guest_counts_no_more);
    suite_test(s, the_counts_are_those_of_the_guests_after_many_changes);
    suite_test(s, a_silent_host_is_found_by_when_its_word_came);
    suite_test(s, an_agent_older_than_the_newest_is_found);
    suite_test(s, an_agents_own_gap_is_a_finding_with_its_words);
    suite_test(s, a_clock_that_is_ahead_is_found_at_once_and_forgotten_when_mended);
    suite_test(s, a_clock_that_is_behind_is_found_after_an_hour_without_a_fresh_record);
    suite_test(s, an_agent_that_catches_up_has_no_wrong_clock);
    suite_test(s, moves_leave_before_other_changes_and_days_are_folded);
    suite_test(s, old_findings_leave_but_open_holes_stay);
    suite_test(s, a_file_without_history_begins_one_with_the_guests_it_has);
}

int main(void)
{
    return suite_main("hub: history", add);
}
