/* The store's daily work: opening, appending, marks. */
#include "tests/store/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static struct rig r;

static void setup(void)
{
    rig_init(&r);
    rig_open(&r);
}

START_TEST(a_new_store_has_an_agent_id_and_nothing_else)
{
    struct store_stats stats;
    char canonical[GUID_TEXT_MAX];

    setup();
    stats = stats_of(&r);
    ck_assert(r.opened.fresh);
    ck_assert(!r.opened.recovered);
    ck_assert(guid_parse(r.opened.agent_id, strlen(r.opened.agent_id), canonical));
    ck_assert_str_eq(store_agent_id(r.store), r.opened.agent_id);
    ck_assert_uint_eq(stats.rows, 0);
    ck_assert_uint_eq(stats.last_seq, 0);
    ck_assert_int_eq(stats.oldest_unsent_ns, 0);
    ck_assert_uint_gt(stats.file_bytes, 0);
    ck_assert_str_eq(mark_of(&r), "");
    rig_close(&r);
}
END_TEST

START_TEST(two_stores_have_two_agent_ids)
{
    struct rig other;

    setup();
    rig_init(&other);
    rig_open(&other);
    ck_assert_str_ne(store_agent_id(r.store), store_agent_id(other.store));
    rig_close(&other);
    rig_close(&r);
}
END_TEST

START_TEST(observations_are_numbered_from_one_without_holes)
{
    struct store_appended a, b;
    struct outbox all;

    setup();
    a = append(&r, OBS_EVENT_RAW, 3, 10, NULL);
    b = append(&r, OBS_GUEST_CRASH, 2, 10, NULL);
    ck_assert_uint_eq(a.first_seq, 1);
    ck_assert_uint_eq(a.last_seq, 3);
    ck_assert_uint_eq(b.first_seq, 4);
    ck_assert_uint_eq(b.last_seq, 5);
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.count, 5);
    for (size_t i = 0; i < all.count; i++)
        ck_assert_uint_eq(all.o[i]->seq, i + 1);
    ck_assert_int_eq(all.o[4]->kind, OBS_GUEST_CRASH);
    ck_assert_int_eq(obs_get_int(all.o[4], "n", -1), 2);
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

START_TEST(the_batch_is_told_its_numbers)
{
    struct store_appended out;
    struct obs_batch batch;

    setup();
    append(&r, OBS_EVENT_RAW, 7, 10, NULL);
    obs_batch_init(&batch, MIB);
    obs_new(&batch, OBS_EVENT_RAW, r.now, r.now);
    obs_new(&batch, OBS_EVENT_RAW, r.now, r.now);
    ck_assert_int_eq(store_append(r.store, HOST, &batch, NULL, 0, &out, &r.err), 0);
    ck_assert_uint_eq(batch.first->seq, 8);
    ck_assert_uint_eq(batch.last->seq, 9);
    obs_batch_free(&batch);
    rig_close(&r);
}
END_TEST

START_TEST(everything_is_there_again_after_reopening)
{
    struct store_stats before, after;
    char id[GUID_TEXT_MAX];

    setup();
    memcpy(id, store_agent_id(r.store), sizeof id);
    append(&r, OBS_EVENT_RAW, 10, 100, "mark 10");
    ck_assert_int_eq(store_ack(r.store, 4, &r.err), 0);
    before = stats_of(&r);
    rig_reopen(&r);
    after = stats_of(&r);
    ck_assert(!r.opened.fresh);
    ck_assert_str_eq(store_agent_id(r.store), id);
    ck_assert_str_eq(mark_of(&r), "mark 10");
    ck_assert_uint_eq(after.rows, before.rows);
    ck_assert_uint_eq(after.bytes, before.bytes);
    ck_assert_uint_eq(after.last_seq, 10);
    ck_assert_uint_eq(after.acked_through, 4);
    ck_assert_uint_eq(append(&r, OBS_EVENT_RAW, 1, 1, NULL).first_seq, 11);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(numbers_go_on_after_everything_was_acknowledged_and_the_store_reopened)
{
    setup();
    append(&r, OBS_EVENT_RAW, 5, 1, NULL);
    ck_assert_int_eq(store_ack(r.store, 5, &r.err), 0);
    rig_reopen(&r);
    ck_assert_uint_eq(append(&r, OBS_EVENT_RAW, 1, 1, NULL).first_seq, 6);
    rig_close(&r);
}
END_TEST

START_TEST(an_empty_batch_with_a_new_mark_saves_the_mark)
{
    struct store_appended out;

    setup();
    out = append(&r, OBS_EVENT_RAW, 0, 0, "m1");
    ck_assert_uint_eq(out.first_seq, 0);
    ck_assert_uint_eq(out.last_seq, 0);
    rig_reopen(&r);
    ck_assert_str_eq(mark_of(&r), "m1");
    rig_close(&r);
}
END_TEST

START_TEST(an_empty_batch_with_the_same_mark_does_not_touch_the_disk)
{
    setup();
    append(&r, OBS_EVENT_RAW, 1, 1, "m1");
    r.now += 1000;
    append(&r, OBS_EVENT_RAW, 0, 0, "m1");
    append(&r, OBS_EVENT_RAW, 0, 0, NULL);
    ck_assert_int_eq(stats_of(&r).last_commit_ns, r.now - 1000);
    append(&r, OBS_EVENT_RAW, 0, 0, "m2");
    ck_assert_int_eq(stats_of(&r).last_commit_ns, r.now);
    rig_close(&r);
}
END_TEST

START_TEST(marks_of_several_sources_are_kept_apart)
{
    const struct store_mark marks[] = { { .source = "a", .mark = "1" },
                                        { .source = "b", .mark = "two \"quoted\" <xml/>" } };
    struct store_appended out;
    struct obs_batch empty;
    struct buf mark;

    setup();
    obs_batch_init(&empty, MIB);
    buf_init(&mark, 100);
    ck_assert_int_eq(store_append(r.store, HOST, &empty, marks, 2, &out, &r.err), 0);
    ck_assert_int_eq(store_mark_get(r.store, "b", &mark, &r.err), 0);
    ck_assert_str_eq(buf_text(&mark), "two \"quoted\" <xml/>");
    ck_assert_int_eq(store_mark_get(r.store, "a", &mark, &r.err), 0);
    ck_assert_str_eq(buf_text(&mark), "1");
    ck_assert_int_eq(store_mark_get(r.store, "c", &mark, &r.err), 0);
    ck_assert_str_eq(buf_text(&mark), "");
    buf_free(&mark);
    obs_batch_free(&empty);
    rig_close(&r);
}
END_TEST

START_TEST(a_mark_that_does_not_fit_the_callers_buffer_is_too_big)
{
    struct buf mark;

    setup();
    append(&r, OBS_EVENT_RAW, 0, 0, "a mark of some length");
    buf_init(&mark, 5);
    ck_assert_int_eq(store_mark_get(r.store, "test", &mark, &r.err), ERR_TOO_BIG);
    buf_free(&mark);
    ck_assert_str_eq(mark_of(&r), "a mark of some length");
    rig_close(&r);
}
END_TEST

START_TEST(a_mark_may_have_so_many_bytes_and_no_more)
{
    enum { MOST = 256 * 1024 };
    char *mark = malloc(MOST + 1);
    struct store_appended out;
    struct buf kept;

    setup();
    ck_assert_ptr_nonnull(mark);
    memset(mark, 'm', MOST);
    mark[MOST] = '\0';
    ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 1, mark, &out), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(r.err.text, "source test"));
    ck_assert_uint_eq(stats_of(&r).rows, 0);
    mark[MOST - 1] = '\0';
    ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 1, mark, &out), 0);
    buf_init(&kept, MOST);
    ck_assert_int_eq(store_mark_get(r.store, "test", &kept, &r.err), 0);
    ck_assert_str_eq(buf_text(&kept), mark);
    buf_free(&kept);
    free(mark);
    rig_close(&r);
}
END_TEST

START_TEST(a_failed_batch_is_refused_and_changes_nothing)
{
    const struct store_mark mark = { .source = "test", .mark = "m" };
    struct store_appended out;
    struct obs_batch batch;

    setup();
    obs_batch_init(&batch, 100);
    for (int i = 0; i < 10; i++)
        obs_new(&batch, OBS_EVENT_RAW, r.now, r.now);
    ck_assert(batch.failed);
    ck_assert_int_eq(store_append(r.store, HOST, &batch, &mark, 1, &out, &r.err), ERR_TOO_BIG);
    ck_assert_uint_eq(stats_of(&r).last_seq, 0);
    ck_assert_str_eq(mark_of(&r), "");
    obs_batch_free(&batch);
    rig_close(&r);
}
END_TEST

START_TEST(the_largest_observation_there_can_be_is_kept_and_read)
{
    static char filling[OBS_STRING_MAX + 1];
    struct store_appended out;
    struct store_slice slice;
    struct obs_batch batch;
    struct observation *o;
    char key[OBS_KEY_MAX];

    setup();
    memset(filling, 'y', OBS_STRING_MAX);
    obs_batch_init(&batch, 64 * MIB);
    o = obs_new(&batch, OBS_EVENT_RAW, r.now, r.now);
    obs_body(o, "%s", filling);
    for (int i = 0; i < OBS_ATTRS_MAX; i++) {
        snprintf(key, sizeof key, "%0100d", i);
        obs_str(o, key, filling);
    }
    ck_assert(!batch.failed);
    ck_assert_int_eq(store_append(r.store, HOST, &batch, NULL, 0, &out, &r.err), 0);
    ck_assert_int_eq(store_read(r.store, 0, 10, 1, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 1);
    ck_assert_uint_gt(slice.payloads[0].len, (size_t)OBS_ATTRS_MAX * OBS_STRING_MAX);
    store_slice_free(&slice);
    obs_batch_free(&batch);
    rig_close(&r);
}
END_TEST

START_TEST(a_second_opening_is_refused_and_harms_nothing)
{
    struct rig second;

    setup();
    append(&r, OBS_EVENT_RAW, 3, 1, NULL);
    second = r;
    second.store = NULL;
    ck_assert_int_eq(rig_try_open(&second), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(second.err.text, "stop it"));
    ck_assert_ptr_null(second.store);
    append(&r, OBS_EVENT_RAW, 3, 1, NULL);
    ck_assert_int_eq(rig_try_open(&second), ERR_BUSY);
    rig_reopen(&r);
    ck_assert_uint_eq(stats_of(&r).rows, 6);
    rig_close(&r);
}
END_TEST

static void close_soon(void *arg)
{
    uv_sleep(50);
    store_close(arg);
}

START_TEST(an_owner_that_is_just_going_is_waited_for)
{
    uv_thread_t going;

    setup();
    append(&r, OBS_EVENT_RAW, 3, 1, NULL);
    ck_assert_int_eq(uv_thread_create(&going, close_soon, r.store), 0);
    r.store = NULL;
    rig_open(&r);
    uv_thread_join(&going);
    ck_assert_uint_eq(stats_of(&r).rows, 3);
    rig_close(&r);
}
END_TEST

/* Somebody who looks into the file: a read that is held open. */
static sqlite3 *look_into(const char *path)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM outbox", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void look_away_soon(void *arg)
{
    uv_sleep(3000);
    sqlite3_close(arg);
}

START_TEST(one_who_looks_into_the_file_for_a_moment_is_waited_for)
{
    uv_thread_t looking;
    sqlite3 *db;

    setup();
    append(&r, OBS_EVENT_RAW, 3, 1, NULL);
    rig_close(&r);
    db = look_into(r.path);
    ck_assert_int_eq(uv_thread_create(&looking, look_away_soon, db), 0);
    rig_open(&r);
    uv_thread_join(&looking);
    ck_assert(!r.opened.recovered);
    ck_assert_uint_eq(stats_of(&r).rows, 3);
    rig_close(&r);
}
END_TEST

START_TEST(one_who_goes_on_looking_into_the_file_is_told_of_and_harms_nothing)
{
    sqlite3 *db;

    setup();
    append(&r, OBS_EVENT_RAW, 3, 1, NULL);
    rig_close(&r);
    db = look_into(r.path);
    ck_assert_int_eq(rig_try_open(&r), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(r.err.text, "close it"));
    sqlite3_close(db);
    rig_open(&r);
    ck_assert(!r.opened.recovered);
    ck_assert_uint_eq(stats_of(&r).rows, 3);
    rig_close(&r);
}
END_TEST

START_TEST(the_file_is_readable_for_its_owner_alone)
{
    struct stat st;

    setup();
    append(&r, OBS_EVENT_RAW, 3, 1, NULL);
    ck_assert_int_eq(stat(r.path, &st), 0);
    ck_assert_int_eq(st.st_mode & 077, 0);
    rig_close(&r);
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
    rig_init(&r);
    snprintf(strrchr(r.path, '/'), sizeof "/not/there.db", "/not/there.db");
    ck_assert_int_eq(rig_try_open(&r), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(r.err.text, "/not"));
}
END_TEST

START_TEST(a_bound_too_small_to_work_with_is_refused)
{
    rig_init(&r);
    r.max_bytes = 100;
    ck_assert_int_eq(rig_try_open(&r), ERR_INVALID);
    ck_assert_int_ne(access(r.path, F_OK), 0);
    r.max_bytes = (uint64_t)INT64_MAX / 4 + 1;
    ck_assert_int_eq(rig_try_open(&r), ERR_INVALID);
    ck_assert_int_ne(access(r.path, F_OK), 0);
    r.max_bytes = (uint64_t)INT64_MAX / 4;
    rig_open(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_path_that_leaves_no_room_for_our_endings_is_refused)
{
    struct store_options options = { .max_bytes = MIB };
    char path[4096 + 1];

    rig_init(&r);
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    options.path = path;
    ck_assert_int_eq(store_open(&r.store, &options, &r.opened, &r.err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(r.err.text, "path of the store is too long"));
    ck_assert_ptr_null(r.store);
}
END_TEST

/* Its corrupt files are looked for beside it. */
START_TEST(a_store_may_be_named_from_the_folder_one_stands_in)
{
    rig_init(&r);
    ck_assert_int_eq(chdir(temp_dir()), 0);
    snprintf(r.path, sizeof r.path, "store.db");
    write_file(".", "store.db.corrupt-20250101T000000Z", "", 0);
    rig_open(&r);
    ck_assert_uint_eq(stats_of(&r).rows, 1); /* the gap that tells of it */
    rig_close(&r);
    write_file(".", "store.db", "no database", 11);
    rig_open(&r);
    ck_assert(r.opened.recovered);
    ck_assert_str_eq(r.opened.set_aside, "store.db.corrupt-20260131T080000Z");
    rig_close(&r);
}
END_TEST

START_TEST(a_store_in_memory_alone_is_refused)
{
    rig_init(&r);
    ck_assert_int_eq(chdir(temp_dir()), 0);
    snprintf(r.path, sizeof r.path, ":memory:");
    ck_assert_int_eq(rig_try_open(&r), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(r.err.text, "write-ahead log"));
}
END_TEST

START_TEST(a_lock_file_that_is_not_ours_is_named_and_kept)
{
    char path[RIG_PATH + 8], *text;
    size_t len;

    rig_init(&r);
    snprintf(path, sizeof path, "%.*s", (int)(strrchr(r.path, '/') - r.path), r.path);
    write_file(path, "store.db.lock", "somebody's own file, whatever it is for", 39);
    ck_assert_int_eq(rig_try_open(&r), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(r.err.text, "store.db.lock: not a lock file of ours; remove it"));
    snprintf(path, sizeof path, "%s.lock", r.path);
    text = read_file(path, &len);
    ck_assert_uint_eq(len, 39);
    free(text);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_new_store_has_an_agent_id_and_nothing_else);
    suite_test(s, two_stores_have_two_agent_ids);
    suite_test(s, observations_are_numbered_from_one_without_holes);
    suite_test(s, the_batch_is_told_its_numbers);
    suite_test(s, everything_is_there_again_after_reopening);
    suite_test(s, numbers_go_on_after_everything_was_acknowledged_and_the_store_reopened);
    suite_test(s, an_empty_batch_with_a_new_mark_saves_the_mark);
    suite_test(s, an_empty_batch_with_the_same_mark_does_not_touch_the_disk);
    suite_test(s, marks_of_several_sources_are_kept_apart);
    suite_test(s, a_mark_that_does_not_fit_the_callers_buffer_is_too_big);
    suite_test(s, a_failed_batch_is_refused_and_changes_nothing);
    suite_test(s, the_largest_observation_there_can_be_is_kept_and_read);
    suite_test(s, a_second_opening_is_refused_and_harms_nothing);
    suite_test(s, an_owner_that_is_just_going_is_waited_for);
    suite_test(s, one_who_looks_into_the_file_for_a_moment_is_waited_for);
    suite_test(s, one_who_goes_on_looking_into_the_file_is_told_of_and_harms_nothing);
    suite_test(s, the_file_is_readable_for_its_owner_alone);
    suite_test(s, a_missing_folder_is_named);
    suite_test(s, a_bound_too_small_to_work_with_is_refused);
    suite_test(s, a_mark_may_have_so_many_bytes_and_no_more);
    suite_test(s, a_path_that_leaves_no_room_for_our_endings_is_refused);
    suite_test(s, a_store_may_be_named_from_the_folder_one_stands_in);
    suite_test(s, a_store_in_memory_alone_is_refused);
    suite_test(s, a_lock_file_that_is_not_ours_is_named_and_kept);
}

int main(void)
{
    return suite_main("store: store", add);
}
