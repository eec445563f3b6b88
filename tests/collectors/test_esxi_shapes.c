/* Lines of ESXi logs at the edges of their shapes: no path, no device, a number at its limit, a time that ends late. */
#include "base/times.h"
#include "collectors/esxi_rules.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define AT "2026-01-31T08:10:11Z"

static struct obs_batch batch;
static const char *why;

static struct esxi_line line_of(const char *text)
{
    return (struct esxi_line){ text, strlen(text) };
}

static enum esxi_taken take(enum esxi_log log, const char *text)
{
    obs_batch_free(&batch);
    obs_batch_init(&batch, 1 << 20);
    why = "";
    return esxi_take_line(log, line_of(text), 5000, &batch, &why);
}

static const char *told(const char *key)
{
    ck_assert_int_eq(batch.count, 1);
    return obs_get_str(batch.first, key);
}

/* ---- times ------------------------------------------------------------------------------- */

static const struct {
    const char *line, *time; /* NULL: none */
} times[] = {
    { "2026-01-31T08:10:11Z", "2026-01-31T08:10:11Z" },
    { "2026-01-31T08:10:11Z|", "2026-01-31T08:10:11Z" },
    { "2026-01-31T08:10:11Z: x", "2026-01-31T08:10:11Z" },
    { "2026-01-31T08:10:11.123456789Z x", "2026-01-31T08:10:11.123456789Z" }, /* 30 bytes, the longest */
    { "2026-01-31T08:10:11.1234567890Z x", NULL },
    { "2026-01-31T08:10:11Zx", NULL },
    { "2026-01-31t08:10:11Z x", NULL },
    { "20260131T081011Z x", NULL },
    { "20260131T081011.123Z x", NULL },
    { "2026-01-31T8:10:11Z x", NULL },
    { "2026-01-31T08:10:60Z x", NULL },
    { "2026-01-31T08:10:11 Z", NULL },
    { "Z", NULL },
    { "", NULL },
};

START_TEST(a_time_is_of_one_form_and_ends_at_a_blank_a_bar_or_a_colon)
{
    char text[TIMES_TEXT_MAX] = "none";
    int64_t t = 0;

    if (esxi_line_time(line_of(times[_i].line), &t))
        times_format(t, text);
    ck_assert_str_eq(text, times[_i].time != NULL ? times[_i].time : "none");
}
END_TEST

START_TEST(a_zero_byte_ends_no_time)
{
    static const char hidden[] = "2026-01-31T08:10:11+01:00\0Z x";
    struct esxi_line line = { hidden, sizeof hidden - 1 };
    int64_t t;

    ck_assert(!esxi_line_time(line, &t));
}
END_TEST

/* ---- storage ----------------------------------------------------------------------------- */

static const struct {
    const char *call, *device, *path;
} calls[] = {
    { "f(\"/vmfs/volumes/DS/vm/a.vmdk\")", "DS", "/vmfs/volumes/DS/vm/a.vmdk" },
    { "f('/vmfs/volumes/DS/a.vmdk')", "DS", "/vmfs/volumes/DS/a.vmdk" },
    { "f(\"/vmfs/volumes/DS\")", "DS", "/vmfs/volumes/DS" },
    { "f(\"/vmfs/volumes/\")", "", "/vmfs/volumes/" },
    { "f(\"/tmp/x\")", "", "" },
};

START_TEST(a_slow_call_names_as_much_of_its_path_as_there_is)
{
    char text[256];

    snprintf(text, sizeof text, AT " hostd sub=IoTracker] %s took over 3 sec.", calls[_i].call);
    ck_assert_int_eq(take(ESXI_HOSTD, text), ESXI_TAKEN);
    ck_assert_str_eq(told(ATTR_DEVICE), calls[_i].device);
    ck_assert_str_eq(told(ATTR_ESXI_PATH), calls[_i].path);
    snprintf(text, sizeof text, "A call of the host's agent to %s took over 3 s",
             calls[_i].device[0] != '\0' ? calls[_i].device : "a device");
    ck_assert_str_eq(batch.first->body, text);
}
END_TEST

START_TEST(a_path_without_a_closing_quote_reaches_to_the_end_of_the_line)
{
    ck_assert_int_eq(take(ESXI_HOSTD, AT " hostd Input/output error /vmfs/volumes/DS/vm/x"), ESXI_TAKEN);
    ck_assert_str_eq(told(ATTR_ESXI_PATH), "/vmfs/volumes/DS/vm/x");
    ck_assert_str_eq(told(ATTR_VM_NAME), "vm");
}
END_TEST

START_TEST(a_call_takes_a_week_at_most)
{
    ck_assert_int_eq(take(ESXI_HOSTD, AT " hostd sub=IoTracker] f() took over 604800 sec."), ESXI_TAKEN);
    ck_assert_int_eq(obs_get_int(batch.first, ATTR_LATENCY_MS, -1), INT64_C(604800000));
    ck_assert_int_eq(take(ESXI_HOSTD, AT " hostd sub=IoTracker] f() took over 604801 sec."), ESXI_UNREADABLE);
    ck_assert_str_eq(why, "how long the call took is not a number of seconds");
    ck_assert_int_eq(batch.count, 0);
}
END_TEST

START_TEST(a_word_of_a_shape_alone_is_nobodys_business)
{
    ck_assert_int_eq(take(ESXI_HOSTD, AT " hostd sub=IoTracker] f() is quick"), ESXI_NOT_OURS);
    ck_assert_int_eq(take(ESXI_VMKERNEL, AT " HBX: 2956: 'DS-GOLD': all is well"), ESXI_NOT_OURS);
    ck_assert_int_eq(take(ESXI_VOBD, AT " esx.problem.storage.apd.start is told as [esx.other]"), ESXI_NOT_OURS);
}
END_TEST

START_TEST(a_crash_that_the_host_saw_is_kept_without_a_guest)
{
    ck_assert_int_eq(take(ESXI_HOSTD, AT " hostd Guest operating system crash detected."), ESXI_TAKEN);
    ck_assert_int_eq(batch.first->kind, OBS_EVENT_RAW);
    ck_assert_int_eq(batch.first->severity, SEVERITY_ERROR);
    ck_assert_str_eq(told(ATTR_VM_ID), "");
}
END_TEST

static const struct {
    const char *event, *says, *device, *body;
} vobs[] = {
    { "esx.problem.storage.apd.start", "Device or filesystem with identifier [naa.1] is down.", "naa.1",
      "naa.1 has lost all its paths" },
    { "esx.problem.storage.redundancy.lost", "Lost path redundancy to storage device naa.2.", "naa.2",
      "naa.2 has its last path left" },
    { "esx.clear.storage.redundancy.restored", "Path redundancy to device naa.3 is back", "naa.3",
      "naa.3 has all its paths again" },
    { "esx.problem.storage.apd.timeout", "Something is down.", "",
      "a device has been without a path for longer than ESXi waits" },
    { "esx.problem.storage.apd.timeout", "Device ", "", "a device has been without a path for longer than ESXi waits" },
    { "esx.problem.vmfs.heartbeat.recovered", "5af3a0c1-1122 DS GOLD", "DS GOLD", "DS GOLD takes its heartbeat again" },
    { "esx.problem.vmfs.heartbeat.recovered", "nobody knows", "", "a device takes its heartbeat again" },
    { "esx.problem.vmfs.heartbeat.recovered", "5af3a0c1-1122", "", "a device takes its heartbeat again" },
};

START_TEST(an_event_names_its_device_however_it_is_written)
{
    char text[256];

    snprintf(text, sizeof text, AT ": [c] 1us: [%s] %s", vobs[_i].event, vobs[_i].says);
    ck_assert_int_eq(take(ESXI_VOBD, text), ESXI_TAKEN);
    ck_assert_str_eq(told(ATTR_DEVICE), vobs[_i].device);
    ck_assert_str_eq(told(ATTR_STATUS), vobs[_i].says);
    ck_assert_str_eq(batch.first->body, vobs[_i].body);
}
END_TEST

/* ---- crashes ----------------------------------------------------------------------------- */

static const struct {
    const char *line, *thread;
} threads[] = {
    { AT " Wa(03) vcpu-1 - WinBSOD: Synthetic MSR[0x40000100] 0x80", "vcpu-1" },
    { AT " WinBSOD: Synthetic MSR[0x40000100] 0x80", "" },
    { AT " WinBSOD: Synthetic MSR[0x40000100] 0x80 vcpu-3", "vcpu-3" },
    { AT " WinBSOD: Synthetic MSR[0x40000100] 0x80\tvcpu-", "vcpu-" },
    { AT " vcpu-123456789012345678 WinBSOD: Synthetic MSR[0x40000100] 0x80\r", "vcpu-123456789012345678" },
    { AT " vcpu-1234567890123456789 WinBSOD: Synthetic MSR[0x40000100] 0x80", "vcpu-123456789012345678" },
};

START_TEST(a_register_is_of_the_thread_that_the_line_names)
{
    struct esxi_crash_line c;

    ck_assert_int_eq(esxi_crash_line(line_of(threads[_i].line), &c, &why), ESXI_TAKEN);
    ck_assert_str_eq(c.thread, threads[_i].thread);
    ck_assert_uint_eq(c.value, 0x80);
}
END_TEST

START_TEST(registers_outside_the_five_are_unreadable)
{
    struct esxi_crash_line c;

    ck_assert_int_eq(esxi_crash_line(line_of(AT " WinBSOD: Synthetic MSR[0x400000ff] 0x80"), &c, &why),
                     ESXI_UNREADABLE);
    ck_assert_int_eq(esxi_crash_line(line_of(AT " WinBSOD: Synthetic MSR[0x40000104] 0x80"), &c, &why), ESXI_TAKEN);
    ck_assert_int_eq(c.reg, 4);
    ck_assert_int_eq(esxi_crash_line(line_of(AT " WinBSOD: Synthetic MSR[0x40000104 0x80"), &c, &why), ESXI_UNREADABLE);
    ck_assert_str_eq(why, "not a crash register (0x40000100 to 0x40000104) and its value");
}
END_TEST

START_TEST(a_guest_without_a_name_is_called_by_its_id)
{
    const struct esxi_vm vm = { .vm_id = "564DD7CC-E8E6-DF22-E186-81ABC0EEF3C4", .derived = true };
    const uint64_t registers[CRASH_REGISTERS] = { 0xd1, 1, 2, 3, 4 };

    obs_batch_free(&batch);
    obs_batch_init(&batch, 1 << 20);
    esxi_put_crash(&vm, registers, 0x1f, 77, 5000, &batch);
    ck_assert_str_eq(batch.first->body, "564DD7CC-E8E6-DF22-E186-81ABC0EEF3C4 crashed with code 0xd1");
    ck_assert_ptr_nonnull(obs_attr(batch.first, ATTR_ESXI_DERIVED));
    ck_assert_str_eq(told(ATTR_CRASH_PARAM4), "0x0000000000000004");
}
END_TEST

static void add_each(Suite *s, const TTest *test, size_t count)
{
    tcase_add_loop_test(suite_case(s, test->name), test, 0, (int)count);
}

static void add(Suite *s)
{
    add_each(s, a_time_is_of_one_form_and_ends_at_a_blank_a_bar_or_a_colon, sizeof times / sizeof times[0]);
    suite_test(s, a_zero_byte_ends_no_time);
    add_each(s, a_slow_call_names_as_much_of_its_path_as_there_is, sizeof calls / sizeof calls[0]);
    suite_test(s, a_path_without_a_closing_quote_reaches_to_the_end_of_the_line);
    suite_test(s, a_call_takes_a_week_at_most);
    suite_test(s, a_word_of_a_shape_alone_is_nobodys_business);
    suite_test(s, a_crash_that_the_host_saw_is_kept_without_a_guest);
    add_each(s, an_event_names_its_device_however_it_is_written, sizeof vobs / sizeof vobs[0]);
    add_each(s, a_register_is_of_the_thread_that_the_line_names, sizeof threads / sizeof threads[0]);
    suite_test(s, registers_outside_the_five_are_unreadable);
    suite_test(s, a_guest_without_a_name_is_called_by_its_id);
}

int main(void)
{
    return suite_main("collectors: the edges of what ESXi's lines say", add);
}
