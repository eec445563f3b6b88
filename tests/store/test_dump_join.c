/* Dumps that name no guest, and the crash events that do. */
#include "base/times.h"
#include "tests/store/support.h"

#include <inttypes.h>
#include <stdio.h>

#define CRASHED (INT64_C(1769846400) * NS_PER_S)

static struct rig r;
static struct obs_batch batch;

static void setup(void)
{
    rig_init(&r);
    rig_open(&r);
    obs_batch_init(&batch, 4 * MIB);
}

static void done(void)
{
    check_sound(&r);
    rig_close(&r);
    obs_batch_free(&batch);
}

static void put_key(struct observation *o, const char *code, uint64_t first)
{
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_CRASH_CODE, code);
    for (int i = 1; i <= CRASH_PARAMETERS; i++) {
        char key[OBS_KEY_MAX], text[24];

        snprintf(key, sizeof key, ATTR_CRASH_PARAM_N, i);
        snprintf(text, sizeof text, "0x%016" PRIx64, i == 1 ? first : (uint64_t)i);
        obs_str(o, key, text);
    }
}

static void commit(void)
{
    struct store_appended out;

    ck_assert_msg(store_append(r.store, HOST, &batch, NULL, 0, &out, &r.err) == 0, "%s", r.err.text);
    obs_batch_reset(&batch);
}

/* Event 18590 of a guest, committed. */
static void crash(const char *vm_id, const char *name, int64_t time, uint64_t first)
{
    struct observation *o = obs_new(&batch, OBS_GUEST_CRASH, time, time);

    obs_str(o, ATTR_VM_ID, vm_id);
    obs_str(o, ATTR_VM_NAME, name);
    put_key(o, "0x0000007e", first);
    commit();
}

/* A dump that nothing names; not yet committed. */
static struct observation *dump(const char *code, int64_t time, uint64_t first)
{
    struct observation *o = obs_new(&batch, OBS_GUEST_DUMP, time, time + 3600 * NS_PER_S);
    char text[TIMES_TEXT_MAX];

    obs_str(o, ATTR_DUMP_TIME, times_format(time, text));
    put_key(o, code, first);
    return o;
}

/* Commits, and compares what the outbox then says of its newest observation. */
static void expect(const char *vm_id, const char *name, const char *by)
{
    const struct observation *o;
    struct outbox all;

    commit();
    outbox_load(&r, &all);
    ck_assert_uint_gt(all.count, 0);
    o = all.o[all.count - 1];
    ck_assert_int_eq(o->kind, OBS_GUEST_DUMP);
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_ID), vm_id);
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_NAME), name);
    ck_assert_str_eq(obs_get_str(o, ATTR_DUMP_VM_BY), by);
    outbox_free(&all);
}

START_TEST(a_dump_after_its_crash_event_gets_the_guest)
{
    setup();
    crash(VM_A, "web01", CRASHED, 1);
    crash(VM_B, "db01", CRASHED, 2);
    dump("0x0000007e", CRASHED + 3 * NS_PER_S, 2);
    expect(VM_B, "db01", "crash-event");
    done();
}
END_TEST

START_TEST(a_minidumps_code_with_bit_28_is_the_events_code)
{
    setup();
    crash(VM_A, "web01", CRASHED, 1);
    dump("0x1000007e", CRASHED, 1);
    expect(VM_A, "web01", "crash-event");
    done();
}
END_TEST

START_TEST(a_dump_before_its_crash_event_stays_as_it_was_shipped)
{
    setup();
    dump("0x0000007e", CRASHED, 1);
    expect("", "", "");
    crash(VM_A, "web01", CRASHED, 1);
    dump("0x0000007f", CRASHED, 1);
    expect("", "", "");
    done();
}
END_TEST

START_TEST(the_clocks_may_differ_by_ten_minutes_and_no_more)
{
    setup();
    crash(VM_A, "web01", CRASHED, 1);
    dump("0x0000007e", CRASHED - DUMP_JOIN_SKEW_S * NS_PER_S, 1);
    expect(VM_A, "web01", "crash-event");
    dump("0x0000007e", CRASHED + DUMP_JOIN_SKEW_S * NS_PER_S, 1);
    expect(VM_A, "web01", "crash-event");
    dump("0x0000007e", CRASHED + (DUMP_JOIN_SKEW_S + 1) * NS_PER_S, 1);
    expect("", "", "");
    dump("0x0000007e", CRASHED - (DUMP_JOIN_SKEW_S + 1) * NS_PER_S, 1);
    expect("", "", "");
    done();
}
END_TEST

START_TEST(two_guests_with_one_key_at_one_time_are_ambiguous)
{
    setup();
    crash(VM_A, "web01", CRASHED, 1);
    crash(VM_B, "db01", CRASHED + NS_PER_S, 1);
    dump("0x0000007e", CRASHED, 1);
    expect("", "", "ambiguous");
    done();
}
END_TEST

START_TEST(the_folders_name_decides_between_two_guests)
{
    setup();
    crash(VM_A, "web01", CRASHED, 1);
    crash(VM_B, "db01", CRASHED, 1);
    obs_str(dump("0x0000007e", CRASHED, 1), ATTR_VM_NAME, "WEB01");
    expect(VM_A, "web01", "crash-event");
    obs_str(dump("0x0000007e", CRASHED, 1), ATTR_VM_NAME, "db01");
    expect(VM_B, "db01", "crash-event");
    obs_str(dump("0x0000007e", CRASHED, 1), ATTR_VM_NAME, "dumps");
    expect("", "dumps", "ambiguous");
    done();
}
END_TEST

START_TEST(a_dump_that_names_its_guest_keeps_it)
{
    struct observation *o;

    setup();
    crash(VM_A, "web01", CRASHED, 1);
    o = dump("0x0000007e", CRASHED, 1);
    obs_str(o, ATTR_VM_ID, VM_B);
    obs_str(o, ATTR_DUMP_VM_BY, "owner");
    expect(VM_B, "", "owner");
    done();
}
END_TEST

START_TEST(a_live_dump_is_of_no_crash)
{
    setup();
    crash(VM_A, "web01", CRASHED, 1);
    obs_str(dump("0x0000007e", CRASHED, 1), ATTR_CRASH_KIND, "other");
    expect("", "", "");
    done();
}
END_TEST

START_TEST(a_dump_without_a_key_is_nobodys)
{
    struct observation *o;

    setup();
    crash(VM_A, "web01", CRASHED, 7);
    o = obs_new(&batch, OBS_GUEST_DUMP, CRASHED, CRASHED);
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_DUMP_TIME, "2026-01-31T08:00:00Z");
    expect("", "", "");
    done();
}
END_TEST

START_TEST(a_dump_of_before_1970_is_nobodys)
{
    setup();
    crash(VM_A, "web01", -NS_PER_S, 7);
    (void)dump("0x0000007e", -NS_PER_S, 7);
    expect("", "", "");
    done();
}
END_TEST

START_TEST(guests_that_never_crashed_are_in_nobodys_way)
{
    struct observation *o;

    setup();
    o = obs_new(&batch, OBS_GUEST_INVENTORY, CRASHED, CRASHED);
    obs_str(o, ATTR_VM_ID, VM_B);
    obs_str(o, ATTR_VM_NAME, "db01");
    commit();
    crash(VM_A, "web01", CRASHED, 7);
    (void)dump("0x0000007e", CRASHED, 7);
    expect(VM_A, "web01", "crash-event");
    done();
}
END_TEST

START_TEST(a_guest_without_a_name_is_not_that_of_a_folder_without_one)
{
    setup();
    crash(VM_A, "", CRASHED, 7);
    crash(VM_B, "", CRASHED, 7);
    (void)dump("0x0000007e", CRASHED, 7);
    expect("", "", "ambiguous");
    done();
}
END_TEST

START_TEST(a_batch_that_a_guests_name_makes_too_large_is_refused)
{
    struct store_appended out;

    setup();
    crash(VM_A, "web01", CRASHED, 7);
    obs_batch_free(&batch);
    obs_batch_init(&batch, 64 * 1024);
    (void)dump("0x0000007e", CRASHED, 7);
    while (!batch.failed)
        obs_new(&batch, OBS_EVENT_RAW, CRASHED, CRASHED);
    batch.failed = false; /* as full as it can be, and nothing amiss */
    ck_assert_int_eq(store_append(r.store, HOST, &batch, NULL, 0, &out, &r.err), ERR_TOO_BIG);
    ck_assert_uint_eq(stats_of(&r).rows, 1);
    done();
}
END_TEST

START_TEST(a_dump_without_its_time_is_nobodys)
{
    setup();
    crash(VM_A, "web01", CRASHED, 1);
    put_key(obs_new(&batch, OBS_GUEST_DUMP, CRASHED, CRASHED), "0x0000007e", 1);
    expect("", "", "");
    done();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_dump_after_its_crash_event_gets_the_guest);
    suite_test(s, a_minidumps_code_with_bit_28_is_the_events_code);
    suite_test(s, a_dump_before_its_crash_event_stays_as_it_was_shipped);
    suite_test(s, the_clocks_may_differ_by_ten_minutes_and_no_more);
    suite_test(s, two_guests_with_one_key_at_one_time_are_ambiguous);
    suite_test(s, the_folders_name_decides_between_two_guests);
    suite_test(s, a_dump_that_names_its_guest_keeps_it);
    suite_test(s, a_live_dump_is_of_no_crash);
    suite_test(s, a_dump_without_a_key_is_nobodys);
    suite_test(s, a_dump_of_before_1970_is_nobodys);
    suite_test(s, guests_that_never_crashed_are_in_nobodys_way);
    suite_test(s, a_guest_without_a_name_is_not_that_of_a_folder_without_one);
    suite_test(s, a_batch_that_a_guests_name_makes_too_large_is_refused);
    suite_test(s, a_dump_without_its_time_is_nobodys);
}

int main(void)
{
    return suite_main("store: dumps and their guests", add);
}
