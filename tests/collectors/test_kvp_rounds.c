/* Polls to observations: when a guest is told again, when it is gone, and what
 * a restart makes of it. */
#include "collectors/kvp_poll.h"
#include "tests/collectors/support_kvp_run.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM "Msvm_ComputerSystem"

/* ---- when it is told ---------------------------------------------------- */

START_TEST(an_unchanged_guest_is_told_once)
{
    struct kvp_run r;

    kvp_run_take_items(&r, windows_items);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 0);
    ck_assert_int_eq(count_obs(&r.batch, OBS_HOST_INVENTORY), 1);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_changed_guest_is_told_again_and_alone)
{
    static const char *const changed[] = { "OSVersion", "6.3.9601", NULL };
    struct kvp_run r;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    kvp_run_take(&r);
    kvp_run_clear(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, changed);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 1);
    ck_assert_str_eq(kvp_value(kvp_run_guest(&r, 2), "OSVersion"), "6.3.9601");
    kvp_run_free(&r);
}
END_TEST

START_TEST(an_unchanged_guest_is_told_again_after_the_refresh)
{
    struct kvp_run r;

    kvp_run_take_items(&r, windows_items);
    r.now_ns += r.refresh_ns - 1;
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 0);
    r.now_ns += 1;
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 1);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 0);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_guest_that_a_complete_poll_no_longer_has_is_removed_once)
{
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    kvp_run_take(&r);
    kvp_run_clear(&r);
    kvp_run_add(&r, 1, windows_items);
    r.wmi.time_ns = 2000;
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_LIFECYCLE), 1);
    o = find_obs(&r.batch, OBS_GUEST_LIFECYCLE, vm_guid(2));
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_CHANGE), "removed");
    ck_assert_int_eq(o->time_ns, 2000);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_LIFECYCLE), 0);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_poll_that_is_not_complete_removes_nobody)
{
    struct kvp_run r;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    kvp_run_take(&r);
    kvp_run_clear(&r);
    kvp_run_add(&r, 1, windows_items);
    r.wmi.complete = false;
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_LIFECYCLE), 0);
    ck_assert_int_eq(count_obs(&r.batch, OBS_HOST_INVENTORY), 0);
    r.wmi.complete = true;
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_LIFECYCLE), 1);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_poll_that_could_not_be_read_whole_removes_nobody_and_says_so)
{
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    kvp_run_take(&r);
    kvp_run_text(&r, SYSTEM)->len -= 40; /* into the last instance */
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_LIFECYCLE), 0);
    ck_assert_int_eq(count_obs(&r.batch, OBS_HOST_INVENTORY), 0);
    o = find_obs(&r.batch, OBS_GAP, NULL);
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(obs_get_str(o, ATTR_GAP_REASON), "record-unreadable");
    ck_assert_str_eq(obs_get_str(o, ATTR_SOURCE), "HV01/kvp");
    ck_assert_ptr_nonnull(strstr(o->body, "Msvm_ComputerSystem"));
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GAP), 0);
    kvp_run_free(&r);
}
END_TEST

START_TEST(the_streams_own_gap_is_told_until_it_changes)
{
    struct kvp_run r;

    kvp_run_init(&r);
    r.wmi.gap = "access denied";
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GAP), 1);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GAP), 0);
    r.wmi.gap = "out of memory";
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GAP), 1);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_stream_without_an_answer_changes_nothing)
{
    struct kvp_run r;
    char *before;

    kvp_run_take_items(&r, windows_items);
    before = strdup(r.mark);
    r.wmi.answered = false;
    r.wmi.state = STREAM_NO_PERMISSION;
    kvp_run_take(&r);
    ck_assert_int_eq(r.batch.count, 0);
    ck_assert_int_eq(r.step.report.state, STREAM_NO_PERMISSION);
    ck_assert_str_eq(r.mark, before);
    free(before);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_stream_that_fails_is_an_error_and_the_next_step_goes_on)
{
    struct kvp_run r;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    r.wmi.rc = ERR_TIMEOUT;
    ck_assert_int_eq(kvp_run_step(&r), ERR_TIMEOUT);
    r.wmi.rc = 0;
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 1);
    kvp_run_free(&r);
}
END_TEST

/* ---- marks -------------------------------------------------------------- */

START_TEST(a_restart_tells_nothing_twice_and_misses_no_removal)
{
    struct kvp_run r;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    kvp_run_take(&r);
    kvp_run_restart(&r);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 0);
    kvp_run_clear(&r);
    kvp_run_add(&r, 2, windows_items);
    kvp_run_restart(&r);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 0);
    ck_assert_ptr_nonnull(find_obs(&r.batch, OBS_GUEST_LIFECYCLE, vm_guid(1)));
    kvp_run_free(&r);
}
END_TEST

START_TEST(after_a_commit_that_failed_the_same_is_told_again)
{
    struct kvp_run r;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    r.max_events = 1;
    ck_assert_int_eq(kvp_run_step(&r), 0);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 1));
    ck_assert_int_eq(kvp_run_step(&r), 0);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 1));
    kvp_run_commit(&r);
    kvp_run_take(&r);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 2));
    kvp_run_free(&r);
}
END_TEST

/* Steps until nothing more is there; counts how often each VM was told. */
static int drain(struct kvp_run *r, int *told, unsigned count, bool restarting)
{
    int steps = 0;

    memset(told, 0, count * sizeof *told);
    do {
        kvp_run_take(r);
        steps++;
        ck_assert_int_le(r->batch.count, r->max_events + 1); /* and the host */
        for (const struct observation *o = r->batch.first; o != NULL; o = o->next) {
            if (o->kind == OBS_GUEST_INVENTORY)
                told[strtoul(obs_get_str(o, ATTR_VM_ID), NULL, 16)]++;
        }
        if (restarting)
            kvp_run_restart(r);
    } while (r->step.report.more);
    return steps;
}

static void add_vms(struct kvp_run *r, unsigned count)
{
    static const char *const few[] = { "OSVersion", "6.3.9600", NULL };

    for (unsigned i = 0; i < count; i++)
        kvp_run_add(r, i, few);
}

START_TEST(a_large_poll_takes_several_steps_and_tells_each_guest_once)
{
    enum { VMS = 5000 };
    static int told[VMS];
    struct kvp_run r;

    kvp_run_init(&r);
    add_vms(&r, VMS);
    r.max_events = 700;
    ck_assert_int_eq(drain(&r, told, VMS, false), 8);
    ck_assert_int_eq(r.wmi.polls, 1);
    for (int i = 0; i < VMS; i++)
        ck_assert_int_eq(told[i], 1);
    ck_assert_uint_lt(strlen(r.mark), SOURCE_MARK_MAX);
    ck_assert_int_eq(count_obs(&r.batch, OBS_HOST_INVENTORY), 1);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_round_that_a_restart_breaks_off_goes_on_behind_the_last_guest)
{
    enum { VMS = 1000 };
    static int told[VMS];
    struct kvp_run r;

    kvp_run_init(&r);
    add_vms(&r, VMS);
    r.max_events = 300;
    drain(&r, told, VMS, true);
    for (int i = 0; i < VMS; i++)
        ck_assert_int_eq(told[i], 1);
    kvp_run_free(&r);
}
END_TEST

START_TEST(more_guests_than_a_mark_holds_are_not_told_again_while_nothing_changes)
{
    enum { VMS = 2500 };
    static int told[VMS];
    struct kvp_run r;

    kvp_run_init(&r);
    add_vms(&r, VMS);
    drain(&r, told, VMS, false);
    ck_assert_uint_lt(strlen(r.mark), 1000);
    kvp_run_restart(&r);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 0);
    ck_assert_int_eq(count_obs(&r.batch, OBS_HOST_INVENTORY), 1);
    kvp_run_add(&r, VMS, windows_items);
    kvp_run_take(&r); /* without a restart the one alone */
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 1);
    kvp_run_clear(&r);
    add_vms(&r, VMS);
    kvp_run_restart(&r);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), VMS);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_mark_that_is_cut_or_damaged_tells_everything_anew)
{
    struct kvp_run r;
    char *whole;
    size_t len;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    kvp_run_take(&r);
    whole = strdup(r.mark);
    len = strlen(whole);
    for (size_t i = 0; i + 1 < len; i++) { /* the last is a blank */
        free(r.mark);
        r.mark = strdup(whole);
        r.mark[i] = '\0';
        kvp_run_restart(&r);
        kvp_run_take(&r);
        ck_assert_msg(count_obs(&r.batch, OBS_GUEST_INVENTORY) == 2, "cut at %zu", i);
    }
    free(whole);
    kvp_run_free(&r);
}
END_TEST

/* ---- what is remembered from poll to poll -------------------------------- */

START_TEST(what_is_remembered_of_changing_guests_stays_bounded)
{
    struct kvp_poll p;
    struct buf xml;
    size_t highest = 0;

    ck_assert_int_eq(kvp_poll_init(&p, NULL, NULL), 0);
    buf_init(&xml, 1 << 20);
    for (int i = 0; i < 3000; i++) {
        char name[32];

        snprintf(name, sizeof name, "name %d", i);
        buf_clear(&xml);
        for (unsigned vm = 0; vm < 20; vm++)
            xml_system(&xml, vm_guid(vm), name, 2);
        kvp_poll_reset(&p);
        kvp_poll_take(&p, SYSTEM, xml.data, xml.len, "poll");
        kvp_poll_finish(&p);
        ck_assert_uint_eq(p.count, 20);
        ck_assert_str_eq(p.vms[19].name, name);
        if (p.arena.used > highest)
            highest = p.arena.used;
    }
    ck_assert_uint_lt(highest, 2 << 20);
    buf_free(&xml);
    kvp_poll_free(&p);
}
END_TEST

START_TEST(a_guest_that_changes_back_is_told_as_it_is_now)
{
    static const char *const other[] = { "OSVersion", "10.0.1", NULL };
    struct kvp_run r;

    kvp_run_take_items(&r, windows_items);
    for (int i = 0; i < 4; i++) {
        kvp_run_clear(&r);
        kvp_run_add(&r, 1, i % 2 == 0 ? other : windows_items);
        kvp_run_take(&r);
        ck_assert_str_eq(kvp_value(kvp_run_guest(&r, 1), "OSVersion"), i % 2 == 0 ? "10.0.1" : "6.3.9600");
    }
    kvp_run_free(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_unchanged_guest_is_told_once);
    suite_test(s, a_changed_guest_is_told_again_and_alone);
    suite_test(s, an_unchanged_guest_is_told_again_after_the_refresh);
    suite_test(s, a_guest_that_a_complete_poll_no_longer_has_is_removed_once);
    suite_test(s, a_poll_that_is_not_complete_removes_nobody);
    suite_test(s, a_poll_that_could_not_be_read_whole_removes_nobody_and_says_so);
    suite_test(s, the_streams_own_gap_is_told_until_it_changes);
    suite_test(s, a_stream_without_an_answer_changes_nothing);
    suite_test(s, a_stream_that_fails_is_an_error_and_the_next_step_goes_on);
    suite_test(s, a_restart_tells_nothing_twice_and_misses_no_removal);
    suite_test(s, after_a_commit_that_failed_the_same_is_told_again);
    suite_test(s, a_large_poll_takes_several_steps_and_tells_each_guest_once);
    suite_test(s, a_round_that_a_restart_breaks_off_goes_on_behind_the_last_guest);
    suite_test(s, more_guests_than_a_mark_holds_are_not_told_again_while_nothing_changes);
    suite_test(s, a_mark_that_is_cut_or_damaged_tells_everything_anew);
    suite_test(s, what_is_remembered_of_changing_guests_stays_bounded);
    suite_test(s, a_guest_that_changes_back_is_told_as_it_is_now);
}

int main(void)
{
    return suite_main("collectors: KVP rounds", add);
}
