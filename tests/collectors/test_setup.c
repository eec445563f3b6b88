/* The source that tells how guests are set up: what it tells, and when. */
#include "base/times.h"
#include "collectors/setup.h"
#include "tests/collectors/support_disk.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/collectors/support_kvp.h"
#include "tests/collectors/support_setup.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (3600 * NS_PER_S)

static struct run {
    struct fake_setup wmi;
    struct fake_files fs;
    struct fake_clock clock;
    bool reads_disks;
    struct source *source;
    char *mark;
    struct obs_batch batch;
    struct source_step step;
    struct buf new_mark;
    int64_t now_ns, deadline_ns;
    int max_events;
} r;

static unsigned char disk[VHDX_LEN];

static void open_source(void)
{
    struct setup_options o = { .name = "HV01/setup",
                               .stream = &r.wmi.base,
                               .clock = &r.clock.clock,
                               .disks = r.reads_disks ? &r.fs.files : NULL,
                               .interval_ns = 6 * HOUR,
                               .refresh_ns = 24 * HOUR };

    ck_assert_int_eq(setup_source_new(&o, &r.source, NULL), 0);
}

static void begin(bool reads_disks)
{
    memset(&r, 0, sizeof r);
    fake_setup_init(&r.wmi);
    fake_files_init(&r.fs);
    fake_clock_init(&r.clock);
    r.reads_disks = reads_disks;
    r.mark = strdup("");
    r.now_ns = 100 * HOUR;
    r.max_events = 1000;
    obs_batch_init(&r.batch, 64u << 20);
    buf_init(&r.new_mark, SOURCE_MARK_MAX);
    open_source();
}

static void end(void)
{
    source_close(r.source);
    ck_assert(r.wmi.closed);
    fake_setup_free(&r.wmi);
    obs_batch_free(&r.batch);
    buf_free(&r.new_mark);
    free(r.mark);
}

/* One step and its commit; how many observations it made. */
static int step(void)
{
    struct err e;
    int rc;

    obs_batch_reset(&r.batch);
    r.step = (struct source_step){ .mark = r.mark,
                                   .max_events = r.max_events,
                                   .max_bytes = 32u << 20,
                                   .now_ns = r.now_ns,
                                   .deadline_ns = r.deadline_ns,
                                   .batch = &r.batch,
                                   .new_mark = r.new_mark };
    rc = source_take_step(r.source, &r.step, &e);
    r.new_mark = r.step.new_mark;
    ck_assert_msg(rc == 0, "the step failed: %s", e.text);
    free(r.mark);
    r.mark = strdup(buf_text(&r.new_mark));
    return r.batch.count;
}

static void restart(void)
{
    source_close(r.source);
    open_source();
}

static const struct observation *about(unsigned n)
{
    return find_obs(&r.batch, OBS_GUEST_CONFIGURATION, vm_guid(n));
}

START_TEST(a_guest_is_told_with_all_that_is_known)
{
    const struct observation *o;

    begin(false);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    ck_assert_int_eq(step(), 1);
    o = about(1);
    ck_assert_ptr_nonnull(o);
    ck_assert_int_eq(o->time_ns, 1000);
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_NAME), "web01");
    ck_assert_int_eq(obs_get_int(o, ATTR_VM_GENERATION, -1), 1);
    ck_assert_int_eq(obs_get_int(o, ATTR_VM_PROCESSORS, -1), 4);
    ck_assert_int_eq(obs_get_int(o, ATTR_VM_CHECKPOINTS, -1), 0);
    ck_assert_int_eq(obs_attr(o, ATTR_MEMORY_DYNAMIC)->num, 1);
    ck_assert_int_eq(obs_get_int(o, ATTR_MEMORY_STARTUP, -1), 1024);
    ck_assert_int_eq(obs_get_int(o, ATTR_MEMORY_ASSIGNED, -1), 2048);
    ck_assert_int_eq(obs_get_int(o, ATTR_MEMORY_DEMAND, -1), 1536);
    ck_assert_int_eq(obs_get_int(o, ATTR_MEMORY_PRESSURE, -1), 75);
    ck_assert_int_eq(obs_get_int(o, ATTR_DISKS, -1), 2);
    ck_assert_str_eq(obs_get_str(o, "hyperv.disk.1.controller"), "ide");
    ck_assert_str_eq(obs_get_str(o, "hyperv.disk.2.controller"), "scsi");
    ck_assert_str_eq(obs_get_str(o, "hyperv.disk.2.kind"), "unknown");
    ck_assert_str_eq(obs_get_str(o, "hyperv.disk.2.path"), "C:\\VMs\\web01-data.vhdx");
    ck_assert_str_eq(o->body, "Virtual machine web01: generation 1, dynamic memory (2048 MiB assigned, 1536 MiB "
                              "needed), 2 disks, 0 checkpoints");
    end();
}
END_TEST

START_TEST(what_has_not_changed_is_not_told_again)
{
    begin(false);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    put_whole_vm(&r.wmi.texts, 2, "db01");
    ck_assert_int_eq(step(), 2);
    ck_assert_int_eq(step(), 0);
    restart();
    ck_assert_int_eq(step(), 0);
    put_checkpoint(&r.wmi.texts, 2, 102);
    ck_assert_int_eq(step(), 1);
    ck_assert_int_eq(obs_get_int(about(2), ATTR_VM_CHECKPOINTS, -1), 1);
    ck_assert_int_eq(r.wmi.polls, 4);
    end();
}
END_TEST

START_TEST(all_are_told_again_once_in_a_while)
{
    begin(false);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    put_whole_vm(&r.wmi.texts, 2, "db01");
    ck_assert_int_eq(step(), 2);
    r.now_ns += 23 * HOUR;
    ck_assert_int_eq(step(), 0);
    r.now_ns += HOUR;
    ck_assert_int_eq(step(), 2);
    ck_assert_int_eq(step(), 0);
    end();
}
END_TEST

START_TEST(a_poll_that_is_not_whole_tells_nothing_and_comes_again_soon)
{
    begin(false);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    ck_assert_int_eq(step(), 1);
    ck_assert_int_eq(r.source->interval_ns, 6 * HOUR);
    buf_clear(setup_text(&r.wmi.texts, "Msvm_MemorySettingData"));
    r.wmi.complete = false;
    ck_assert_int_eq(step(), 0);
    ck_assert_int_le(r.source->interval_ns, HOUR);
    r.wmi.answered = false;
    ck_assert_int_eq(step(), 0);
    ck_assert_int_le(r.source->interval_ns, HOUR);
    for (int i = 0; i < 20; i++)
        step();
    ck_assert_int_eq(r.source->interval_ns, 6 * HOUR); /* never harder than asked */
    r.wmi.answered = r.wmi.complete = true;
    ck_assert_int_eq(step(), 1);
    ck_assert_ptr_null(obs_attr(about(1), ATTR_MEMORY_DYNAMIC));
    ck_assert_int_eq(r.source->interval_ns, 6 * HOUR);
    end();
}
END_TEST

START_TEST(many_guests_are_told_in_several_steps)
{
    char name[16];
    int told = 0, steps = 0;

    begin(false);
    for (unsigned n = 1; n <= 25; n++) {
        snprintf(name, sizeof name, "vm%u", n);
        put_whole_vm(&r.wmi.texts, n, name);
    }
    r.max_events = 10;
    do {
        told += step();
        steps++;
    } while (r.step.report.more && steps < 10);
    ck_assert_int_eq(told, 25);
    ck_assert_int_eq(steps, 3);
    ck_assert_int_eq(r.wmi.polls, 1);
    ck_assert_int_eq(step(), 0);
    end();
}
END_TEST

START_TEST(a_restart_with_more_guests_than_a_mark_holds_repeats_nothing)
{
    enum { GUESTS = 2500 };

    begin(false);
    r.max_events = GUESTS;
    for (unsigned n = 1; n <= GUESTS; n++)
        put_vm(&r.wmi.texts, n, "vm", 2);
    ck_assert_int_eq(step(), GUESTS);
    restart();
    ck_assert_int_eq(step(), 0);
    put_checkpoint(&r.wmi.texts, 7, 9007);
    ck_assert_int_eq(step(), 1);
    restart();
    ck_assert_int_eq(step(), 0);
    end();
}
END_TEST

START_TEST(a_restart_between_the_steps_tells_the_rest)
{
    begin(false);
    for (unsigned n = 1; n <= 5; n++)
        put_whole_vm(&r.wmi.texts, n, "vm");
    r.max_events = 2;
    ck_assert_int_eq(step(), 2);
    restart();
    ck_assert_int_eq(step(), 2);
    ck_assert_int_eq(step(), 1);
    ck_assert(!r.step.report.more);
    end();
}
END_TEST

START_TEST(the_heads_of_disks_say_their_kind)
{
    begin(true);
    make_vhdx(disk, DISK_DYNAMIC, 1 << 30);
    fake_file(&r.fs, "C:\\VMs\\web01-data.vhdx", disk, sizeof disk, 1);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    ck_assert_int_eq(step(), 1);
    ck_assert_str_eq(obs_get_str(about(1), "hyperv.disk.1.kind"), "unknown");
    ck_assert_str_eq(obs_get_str(about(1), "hyperv.disk.2.kind"), "dynamic");
    ck_assert_str_eq(obs_get_str(about(1), "hyperv.disk.2.format"), "vhdx");
    ck_assert_int_eq(obs_get_int(about(1), "hyperv.disk.2.size", -1), 1 << 30);
    end();
}
END_TEST

START_TEST(a_disk_that_is_held_by_its_guest_is_what_it_was)
{
    struct fake_file *f;

    begin(true);
    make_vhdx(disk, DISK_FIXED, 1 << 30);
    f = fake_file(&r.fs, "C:\\VMs\\web01.vhdx", disk, sizeof disk, 1);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    ck_assert_int_eq(step(), 1);
    f->open_rc = ERR_BUSY;
    ck_assert_int_eq(step(), 0);
    f->open_rc = 0;
    make_vhdx(disk, DISK_DYNAMIC, 1 << 30);
    ck_assert_int_eq(step(), 1);
    ck_assert_str_eq(obs_get_str(about(1), "hyperv.disk.1.kind"), "dynamic");
    end();
}
END_TEST

static void slow(struct fake_file *f)
{
    (void)f;
    r.clock.ns += 10 * NS_PER_S;
}

START_TEST(slow_disks_are_looked_at_in_several_steps)
{
    int steps = 0;

    begin(true);
    make_vhdx(disk, DISK_FIXED, 1 << 30);
    fake_file(&r.fs, "C:\\VMs\\web01.vhdx", disk, sizeof disk, 1)->on_open = slow;
    fake_file(&r.fs, "C:\\VMs\\web01-data.vhdx", disk, sizeof disk, 1)->on_open = slow;
    put_whole_vm(&r.wmi.texts, 1, "web01");
    do {
        r.deadline_ns = r.clock.ns + 5 * NS_PER_S;
        step();
        steps++;
    } while (r.step.report.more && steps < 10);
    ck_assert_int_eq(steps, 2);
    ck_assert_int_eq(r.wmi.polls, 1);
    ck_assert_str_eq(obs_get_str(about(1), "hyperv.disk.1.kind"), "fixed");
    ck_assert_str_eq(obs_get_str(about(1), "hyperv.disk.2.kind"), "fixed");
    end();
}
END_TEST

START_TEST(no_file_is_touched_when_disks_are_not_read)
{
    struct fake_file *f;

    begin(false);
    make_vhdx(disk, DISK_FIXED, 1 << 30);
    f = fake_file(&r.fs, "C:\\VMs\\web01.vhdx", disk, sizeof disk, 1);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    ck_assert_int_eq(step(), 1);
    ck_assert_int_eq(f->opened, 0);
    end();
}
END_TEST

START_TEST(a_guest_with_very_many_disks_is_told_with_the_first)
{
    char path[64];

    begin(false);
    put_vm(&r.wmi.texts, 1, "big", 2);
    put_controller_of(&r.wmi.texts, vm_guid(1), "SCSI", 0);
    for (int i = 0; i < 60; i++) {
        snprintf(path, sizeof path, "C:\\VMs\\%02d.vhdx", i);
        put_disk_of(&r.wmi.texts, vm_guid(1), "SCSI", 0, i, path);
    }
    ck_assert_int_eq(step(), 1);
    ck_assert_int_eq(obs_get_int(about(1), ATTR_DISKS, -1), 60);
    ck_assert_str_eq(obs_get_str(about(1), "hyperv.disk.24.path"), "C:\\VMs\\23.vhdx");
    ck_assert_ptr_null(obs_attr(about(1), "hyperv.disk.25.path"));
    ck_assert(!about(1)->cut);
    end();
}
END_TEST

START_TEST(what_could_not_be_read_is_told_once)
{
    begin(false);
    put_whole_vm(&r.wmi.texts, 1, "web01");
    buf_str(setup_text(&r.wmi.texts, "Msvm_ProcessorSettingData"), "<INSTANCE CLASSNAME=\"x\"><PROPERTY</INSTANCE>");
    ck_assert_int_eq(step(), 2);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GAP), 1);
    ck_assert_int_eq(step(), 0);
    end();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_guest_is_told_with_all_that_is_known);
    suite_test(s, what_has_not_changed_is_not_told_again);
    suite_test(s, all_are_told_again_once_in_a_while);
    suite_test(s, a_poll_that_is_not_whole_tells_nothing_and_comes_again_soon);
    suite_test(s, many_guests_are_told_in_several_steps);
    suite_test(s, a_restart_with_more_guests_than_a_mark_holds_repeats_nothing);
    suite_test(s, a_restart_between_the_steps_tells_the_rest);
    suite_test(s, the_heads_of_disks_say_their_kind);
    suite_test(s, a_disk_that_is_held_by_its_guest_is_what_it_was);
    suite_test(s, slow_disks_are_looked_at_in_several_steps);
    suite_test(s, no_file_is_touched_when_disks_are_not_read);
    suite_test(s, a_guest_with_very_many_disks_is_told_with_the_first);
    suite_test(s, what_could_not_be_read_is_told_once);
}

int main(void)
{
    return suite_main("collectors: setup", add);
}
