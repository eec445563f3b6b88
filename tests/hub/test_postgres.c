/* What is PostgreSQL's own about the fleet store: hubs that share a database, lost
 * connections, migrations, moving in from a file.  Needs a server
 * (HVFLEET_TEST_STORE; tests/system/test_postgres_store starts one). */
#include "base/text.h"
#include "hub/fleet_migrate.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HUBS = 3, TURNS = 20, EACH = 15 };

static const char *new_path(void)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/fleet.db", temp_dir());
    return path;
}

/* Runs work in so many processes at once; fails when one of them does. */
static void at_once(int count, void (*work)(const char *path, int number), const char *path)
{
    pid_t children[16];
    int status;

    postgres_store(path); /* its schema, once */
    for (int i = 0; i < count; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            work(path, i);
            _exit(0);
        }
    }
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
}

static struct resource who_of(int agent)
{
    return made_agent(agent, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
}

static struct fleet_batch send(struct fleet_store *s, const struct resource *who, int vm, uint64_t first, int count)
{
    struct fleet_batch b;
    struct made m;

    made_init(&m, first);
    made_lifecycle(&m, vm, count, T0 + (int64_t)first * NS_PER_S);
    b = made_apply(s, &m, who);
    made_free(&m);
    return b;
}

/* ---- starting --------------------------------------------------------------------- */

static void open_and_probe(const char *path, int number)
{
    struct test_clock clock;
    struct fleet_store *s;
    struct err e;

    (void)number;
    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    ck_assert_int_eq(fleet_store_probe(s, &e), 0);
    fleet_store_close(s);
}

START_TEST(hubs_that_start_at_once_make_the_tables_once)
{
    const char *path = new_path();

    at_once(6, open_and_probe, path);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM hvfleet_schema"), 1);
    ck_assert_int_ge((int)ask_store(path, "SELECT version FROM hvfleet_schema"), 1);
}
END_TEST

START_TEST(a_database_of_a_newer_hub_is_left_alone)
{
    const char *path = new_path();
    struct err e = { 0 };

    ck_assert_msg(try_open_store(postgres_store(path), false, &e) == 0, "%s", e.text);
    ask_store(path, "UPDATE hvfleet_schema SET version = 999");
    ck_assert_int_eq(try_open_store(postgres_store(path), false, &e), ERR_UNSUPPORTED);
    ck_assert_msg(strstr(e.text, "999") != NULL, "%s", e.text);
    ck_assert_int_eq((int)ask_store(path, "SELECT version FROM hvfleet_schema"), 999);
}
END_TEST

START_TEST(reading_a_database_without_tables_says_so_and_makes_none)
{
    const char *path = new_path();
    struct err e = { 0 };

    ck_assert_int_eq(try_open_store(postgres_store(path), true, &e), ERR_NOT_FOUND);
    ck_assert_msg(strstr(e.text, "hvhub serve") != NULL, "%s", e.text);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(to_regclass('hvfleet_schema'))"), 0);
}
END_TEST

START_TEST(a_database_that_is_not_utf8_is_refused)
{
    struct err e = { 0 };
    char url[1024], unused[16];
    const char *query;

    query = strchr(getenv("HVFLEET_TEST_STORE"), '?');
    postgres_ask(getenv("HVFLEET_TEST_STORE"),
                 "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'", unused,
                 sizeof unused);
    snprintf(url, sizeof url, "postgresql://hvhub@/latin%s", query);
    ck_assert_int_eq(try_open_store(url, false, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "LATIN1") != NULL, "%s", e.text);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_an_error_without_the_password)
{
    struct err e = { 0 };

    ck_assert_int_eq(try_open_store("postgresql://hv:secret@/fleet?host=/nonexistent&password=hidden", false, &e),
                     ERR_IO);
    ck_assert_msg(strstr(e.text, "secret") == NULL && strstr(e.text, "hidden") == NULL, "%s", e.text);
}
END_TEST

START_TEST(a_patient_store_opens_without_its_server_and_goes_on_saying_why)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = { .path = "postgresql://hv:secret@/fleet?host=/nonexistent",
                                           .patient = true,
                                           .floors = &floors };
    struct test_clock clock;
    struct fleet_store *s;
    struct err e = { 0 };

    test_clock_init(&clock);
    options.clock = &clock.clock;
    ck_assert_msg(fleet_store_open(&s, &options, &e) == 0, "%s", e.text);
    for (int i = 0; i < 2; i++) { /* the second is within the pause between two tries */
        e = (struct err){ 0 };
        ck_assert_int_eq(fleet_store_probe(s, &e), ERR_IO);
        ck_assert_msg(strstr(e.text, "cannot connect") != NULL && strstr(e.text, "secret") == NULL, "%s", e.text);
    }
    fleet_store_close(s);
}
END_TEST

/* It may have come to a standby that has not got the tables yet, which the hub's writer made on the primary. */
START_TEST(a_hubs_reader_waits_for_the_tables_that_its_writer_makes)
{
    struct drift_floors floors = drift_floors_default();
    const char *path = new_path();
    struct fleet_store_options options = {
        .path = postgres_store(path), .read_only = true, .patient = true, .floors = &floors, .clock = plat_clock()
    };
    struct fleet_store *reader;
    struct guest guest;
    struct err e = { 0 };
    int rc;

    ck_assert_msg(fleet_store_open(&reader, &options, &e) == 0, "%s", e.text);
    ck_assert_int_eq(fleet_store_guest(reader, "B0000000-0000-4000-8000-000000000001", &guest, &e), ERR_IO);
    ck_assert_msg(strstr(e.text, "no fleet store") != NULL, "%s", e.text);
    ck_assert_msg(try_open_store(postgres_store(path), false, &e) == 0, "%s", e.text);
    while ((rc = fleet_store_guest(reader, "B0000000-0000-4000-8000-000000000001", &guest, &e)) == ERR_IO)
        usleep(50 * 1000); /* until the pause between two tries is over */
    ck_assert_int_eq(rc, ERR_NOT_FOUND);
    fleet_store_close(reader);
}
END_TEST

/* ---- sharing ------------------------------------------------------------------------- */

/* Every process sends the same records of the same agent. */
static void send_the_same(const char *path, int number)
{
    struct resource who = who_of(1);
    struct test_clock clock;
    struct fleet_store *s;

    (void)number;
    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    for (int turn = 0; turn < TURNS; turn++)
        send(s, &who, turn % 5, (uint64_t)(turn * EACH + 1), EACH);
    fleet_store_close(s);
}

START_TEST(hubs_that_get_the_same_records_at_once_store_each_once)
{
    const char *path = new_path();

    at_once(HUBS, send_the_same, path);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM observation"), TURNS * EACH);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM stream"), 1);
    ck_assert_int_eq((int)ask_store(path, "SELECT max(high_mark) FROM stream"), TURNS * EACH);
    ck_assert_int_eq((int)ask_store(path, "SELECT max(records) FROM stream"), TURNS * EACH);
    ck_assert_int_eq((int)ask_store(path, "SELECT max(missing) + max(lost) FROM stream"), 0);
}
END_TEST

/* The same, and every process is told another host id: the id changed between two tries. */
static void send_as_another_host(const char *path, int number)
{
    struct resource who = who_of(1);
    struct test_clock clock;
    struct fleet_store *s;

    snprintf(who.host_id, sizeof who.host_id, "HOST-%d", number);
    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    send(s, &who, 1, 1, EACH);
    fleet_store_close(s);
}

START_TEST(the_same_records_under_two_host_ids_at_once_are_stored_once)
{
    const char *path = new_path();

    at_once(HUBS, send_as_another_host, path);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM observation"), EACH);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(DISTINCT seq) FROM observation"), EACH);
}
END_TEST

/* Every process is an agent of its own, and all of them speak of the same guests. */
static void send_about_shared_guests(const char *path, int number)
{
    struct resource who = who_of(number + 1);
    struct test_clock clock;
    struct fleet_store *s;
    struct made m;

    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    for (int turn = 0; turn < TURNS; turn++) {
        made_init(&m, (uint64_t)(turn * 4 + 1));
        made_host_inventory(&m, &who, T0 + turn * MINUTES);
        for (int vm = 0; vm < 3; vm++)
            made_inventory(&m, vm, T0 + turn * MINUTES + number, "6.3.9600",
                           turn % 2 == 0 ? "6.3.9600.18692" : "6.3.9600.16384");
        made_apply(s, &m, &who);
        made_free(&m);
    }
    fleet_store_close(s);
}

START_TEST(hubs_that_change_the_same_guests_at_once_lose_nothing_and_count_right)
{
    const char *path = new_path();

    at_once(HUBS, send_about_shared_guests, path);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM observation"), HUBS * TURNS * 4);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM guest"), 3);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM (SELECT cluster, drift_state, count(*) FROM guest"
                                          " WHERE removed_time = 0 GROUP BY 1, 2 EXCEPT SELECT cluster, state,"
                                          " sum(delta) FROM daily GROUP BY 1, 2) AS differing"),
                     0);
}
END_TEST

START_TEST(two_hubs_do_the_upkeep_side_by_side)
{
    const char *path = new_path();
    struct resource who = who_of(1);
    struct test_clock clock;
    struct fleet_store *a, *b;
    struct err e = { 0 };
    bool more = true;

    test_clock_init(&clock);
    a = open_store(path, &clock.clock);
    b = open_store(path, &clock.clock);
    for (int i = 0; i < 10; i++)
        send(a, &who, 1, (uint64_t)(i * 100 + 1), 100);
    clock.now += 100 * INT64_C(1440) * MINUTES;
    for (int i = 0; i < 50 && more; i++) {
        ck_assert_msg(fleet_store_upkeep(i % 2 == 0 ? a : b, &more, &e) == 0, "%s", e.text);
    }
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM observation"), 0);
    ck_assert_int_eq((int)ask_store(path, "SELECT max(high_mark) FROM stream"), 1000);
    fleet_store_close(a);
    fleet_store_close(b);
}
END_TEST

/* ---- lost connections ---------------------------------------------------------------------- */

START_TEST(a_connection_that_was_cut_is_made_anew_without_an_error)
{
    const char *path = new_path();
    struct resource who = who_of(1);
    struct test_clock clock;
    struct fleet_store *s;

    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    send(s, &who, 1, 1, 10);
    for (int i = 1; i <= 3; i++) {
        ask_store(path, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hvhub'");
        send(s, &who, 1, (uint64_t)(10 * i + 1), 10);
    }
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM observation"), 40);
    fleet_store_close(s);
}
END_TEST

START_TEST(a_request_that_fails_in_the_database_changes_nothing_and_the_next_goes_through)
{
    const char *path = new_path();
    struct resource who = who_of(1);
    struct test_clock clock;
    struct otlp_request request = { 0 };
    struct fleet_batch batch = { .request = &request };
    struct fleet_store *s;
    struct err e = { 0 };

    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    ask_store(path, "ALTER TABLE probe RENAME TO away");
    ck_assert_int_ne(fleet_store_probe(s, &e), 0);
    ck_assert_int_eq(fleet_store_apply(s, &batch, 1, &e), 0);
    ask_store(path, "ALTER TABLE away RENAME TO probe");
    ck_assert_msg(fleet_store_probe(s, &e) == 0, "%s", e.text);
    send(s, &who, 1, 1, 10);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM observation"), 10);
    fleet_store_close(s);
}
END_TEST

/* ---- moving in -------------------------------------------------------------------------------- */

static struct fleet_store *open_file(const char *path, const struct clock *clock)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = { .path = path, .floors = &floors, .foreign_max = 10, .clock = clock };
    struct fleet_store *s = NULL;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_open(&s, &options, &e) == 0, "%s", e.text);
    return s;
}

static void fill(struct fleet_store *s)
{
    struct resource who;
    struct made m;

    for (int agent = 1; agent <= 3; agent++) {
        who = who_of(agent);
        made_init(&m, 1);
        made_host_inventory(&m, &who, T0);
        for (int vm = 0; vm < 5; vm++)
            made_inventory(&m, agent * 10 + vm, T0 + vm, "6.3.9600", vm < 3 ? "6.3.9600.16384" : "6.3.9600.18692");
        m.next_seq += 7; /* a hole */
        made_lifecycle(&m, agent * 10, 20, T0 + MINUTES);
        made_apply(s, &m, &who);
        made_free(&m);
    }
    who = who_of(9);
    text_copy(who.service_name, sizeof who.service_name, "other");
    send(s, &who, 1, 1, 3);
}

static int migrate(const char *file, const char *url, int64_t *rows, struct err *e)
{
    struct drift_floors floors = drift_floors_default();
    const struct fleet_migration m = { .file = file, .url = url, .floors = &floors, .clock = plat_clock() };

    return fleet_migrate(&m, rows, e);
}

static int64_t ask_file(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q = NULL;
    int64_t value;

    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_step(q);
    value = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return value;
}

START_TEST(a_moved_fleet_is_the_same_and_goes_on_where_it_was)
{
    static const char *const counts[] = {
        "SELECT count(*) FROM stream",
        "SELECT sum(high_mark) + sum(missing) * 1000 FROM stream",
        "SELECT count(*) FROM observation",
        "SELECT sum(length(payload)) FROM observation",
        "SELECT count(*) FROM hole",
        "SELECT count(*) FROM host",
        "SELECT sum(length(state)) FROM host",
        "SELECT sum(length(state)) FROM guest",
        "SELECT count(*) FROM guest_change",
        "SELECT sum(delta) FROM daily",
        "SELECT count(*) FROM finding",
        "SELECT count(*) FROM foreign_record",
        "SELECT sum(last_time) / 1000 FROM finding",
    };
    char file[4096];
    struct test_clock clock;
    struct fleet_batch again;
    struct resource who = who_of(1);
    struct fleet_store *s;
    struct err e = { 0 };
    int64_t rows = 0;

    text_copy(file, sizeof file, new_path());
    test_clock_init(&clock);
    s = open_file(file, &clock.clock);
    fill(s);
    fleet_store_close(s);
    ck_assert_msg(migrate(file, postgres_store(file), &rows, &e) == 0, "%s", e.text);
    ck_assert_int_gt(rows, 60);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ck_assert_msg(ask_file(file, counts[i]) == ask_store(file, counts[i]), "%s: %lld and %lld", counts[i],
                      (long long)ask_file(file, counts[i]), (long long)ask_store(file, counts[i]));
    s = open_store(file, &clock.clock);
    again = send(s, &who, 10, 10, 40); /* 14 to 33 are known, 7 to 13 were jumped over */
    ck_assert_uint_eq(again.duplicates, 20);
    ck_assert_uint_eq(again.stored, 20);
    who = who_of(7);
    send(s, &who, 70, 1, 5); /* a new stream gets a new id */
    ck_assert_int_eq((int)ask_store(file, "SELECT count(*) - count(DISTINCT id) FROM stream"), 0);
    fleet_store_close(s);
}
END_TEST

START_TEST(a_database_that_holds_a_fleet_is_not_moved_into)
{
    char file[4096];
    struct test_clock clock;
    struct fleet_store *s;
    struct err e = { 0 };
    int64_t rows = 0;
    int before;

    text_copy(file, sizeof file, new_path());
    test_clock_init(&clock);
    s = open_file(file, &clock.clock);
    fill(s);
    fleet_store_close(s);
    ck_assert_msg(migrate(file, postgres_store(file), &rows, &e) == 0, "%s", e.text);
    before = (int)ask_store(file, "SELECT count(*) FROM observation");
    ck_assert_int_eq(migrate(file, postgres_store(file), &rows, &e), ERR_STATE);
    ck_assert_int_eq((int)ask_store(file, "SELECT count(*) FROM observation"), before);
}
END_TEST

START_TEST(a_file_that_a_hub_has_open_is_not_moved)
{
    char file[4096];
    struct test_clock clock;
    struct fleet_store *s;
    struct err e = { 0 };
    int64_t rows = 0;

    text_copy(file, sizeof file, new_path());
    test_clock_init(&clock);
    s = open_file(file, &clock.clock);
    fill(s);
    ck_assert_int_eq(migrate(file, postgres_store(file), &rows, &e), ERR_BUSY);
    ck_assert_msg(strstr(e.text, "stop hvhub") != NULL, "%s", e.text);
    fleet_store_close(s);
}
END_TEST

/* What one body gains the other must have too, or moving would lose it. */
START_TEST(every_column_of_the_file_is_in_the_database)
{
    static const char sql[] =
        "SELECT group_concat(m.name || '.' || c.name, ' ') FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND m.name || '.' || c.name NOT IN ('observation.id', 'host.changed', 'guest.changed')"
        " AND m.name <> 'tally'"; /* stamps are each database's own */
    char file[4096], words[8192], ask[512], found[16];
    struct test_clock clock;
    sqlite3 *db;
    sqlite3_stmt *q = NULL;

    text_copy(file, sizeof file, new_path());
    test_clock_init(&clock);
    fleet_store_close(open_file(file, &clock.clock));
    fleet_store_close(open_store(file, &clock.clock));
    ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
    snprintf(words, sizeof words, "%s", (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    sqlite3_close(db);
    for (char *rest = words, *word; (word = strsep(&rest, " ")) != NULL;) {
        snprintf(ask, sizeof ask,
                 "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(split_part('%s', '.', 1)) AND attname"
                 " = split_part('%s', '.', 2)",
                 word, word);
        postgres_ask(postgres_store(file), ask, found, sizeof found);
        ck_assert_msg(strcmp(found, "1") == 0, "%s is not in the database", word);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, hubs_that_start_at_once_make_the_tables_once);
    suite_test(s, a_database_of_a_newer_hub_is_left_alone);
    suite_test(s, reading_a_database_without_tables_says_so_and_makes_none);
    suite_test(s, a_database_that_is_not_utf8_is_refused);
    suite_test(s, a_server_that_is_not_there_is_an_error_without_the_password);
    suite_test(s, a_patient_store_opens_without_its_server_and_goes_on_saying_why);
    suite_test(s, a_hubs_reader_waits_for_the_tables_that_its_writer_makes);
    suite_test(s, hubs_that_get_the_same_records_at_once_store_each_once);
    suite_test(s, the_same_records_under_two_host_ids_at_once_are_stored_once);
    suite_test(s, hubs_that_change_the_same_guests_at_once_lose_nothing_and_count_right);
    suite_test(s, two_hubs_do_the_upkeep_side_by_side);
    suite_test(s, a_connection_that_was_cut_is_made_anew_without_an_error);
    suite_test(s, a_request_that_fails_in_the_database_changes_nothing_and_the_next_goes_through);
    suite_test(s, a_moved_fleet_is_the_same_and_goes_on_where_it_was);
    suite_test(s, a_database_that_holds_a_fleet_is_not_moved_into);
    suite_test(s, a_file_that_a_hub_has_open_is_not_moved);
    suite_test(s, every_column_of_the_file_is_in_the_database);
}

int main(void)
{
    if (!stores_are_postgres()) {
        suite_say_skip("test_postgres", "no server here; tests/system/test_postgres_store runs it with one");
        return 77;
    }
    return suite_main("hub: PostgreSQL", add);
}
