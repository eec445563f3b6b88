/* What one line of an ESXi log says.  The lines are written after the shapes of
 * hyperv.md part G, with values of our own. */
#include "collectors/esxi_rules.h"
#include "collectors/esxi_vm.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 5000 };

static struct obs_batch batch;
static const char *why;

static struct esxi_line line_of(const char *text)
{
    return (struct esxi_line){ text, strlen(text) };
}

static enum esxi_taken take(enum esxi_log log, const char *text)
{
    obs_batch_init(&batch, 1 << 20);
    why = "";
    return esxi_take_line(log, line_of(text), NOW, &batch, &why);
}

struct line_case {
    enum esxi_log log;
    const char *line, *signal, *device;
    int64_t latency_ms; /* -1 none */
    const char *vm_name;
};

static const struct line_case lines[] = {
    { ESXI_HOSTD,
      "2026-01-31T08:10:11.250Z warning hostd[2104418] [Originator@6876 sub=IoTracker] In thread 2927571, "
      "fopen(\"/vmfs/volumes/DS-GOLD/SQL07/SQL07.vmx\") took over 140 sec.",
      "io-slow", "DS-GOLD", 140000, "SQL07" },
    { ESXI_HOSTD,
      "2026-01-31T08:10:12Z info hostd[2104418] [Originator@6876 sub=Libs opID=1] DictionaryLoad: Cannot open file "
      "\"/vmfs/volumes/DS-GOLD/SQL07/SQL07.vmx\": Input/output error.",
      "io-failed", "DS-GOLD", -1, "SQL07" },
    { ESXI_VMKERNEL,
      "2026-01-31T08:09:29.783Z cpu3:68444)HBX: 2956: 'DS-GOLD': HB at offset 3735552 - Waiting for timed out HB:",
      "io-slow", "DS-GOLD", -1, "" },
    { ESXI_VOBD,
      "2026-01-31T08:09:08.075Z: [APDCorrelator] 9414268686us: [esx.problem.storage.apd.start] Device or filesystem "
      "with "
      "identifier [naa.6000c29] has entered the All Paths Down state.",
      "path-lost", "naa.6000c29", -1, "" },
    { ESXI_VOBD,
      "2026-01-31T08:12:08.075Z In(14) vobd[2098148]: [APDCorrelator] 9594268686us: [esx.clear.storage.apd.exit] "
      "Device or "
      "filesystem with identifier [naa.6000c29] has exited the All Paths Down state.",
      "path-restored", "naa.6000c29", -1, "" },
    { ESXI_VOBD,
      "2026-01-31T08:09:09.000Z: [scsiCorrelator] 1us: [esx.problem.storage.connectivity.lost] Lost connectivity to "
      "storage "
      "device naa.6000c29. Path vmhba2:C0:T0:L1 is down.",
      "path-lost", "naa.6000c29", -1, "" },
    { ESXI_VOBD,
      "2026-01-31T08:09:10.000Z: [vmfsCorrelator] 1us: [esx.problem.vmfs.heartbeat.timedout] "
      "5af3a0c1-11223344-5566-001122334455 DS-GOLD",
      "path-lost", "DS-GOLD", -1, "" },
    { ESXI_VOBD,
      "2026-01-31T08:09:10.000Z: [scsiCorrelator] 1us: [esx.problem.scsi.device.io.latency.high] Device naa.6000c29 "
      "performance has deteriorated. I/O latency increased from average value of 1343 microseconds to 28022 "
      "microseconds.",
      "io-slow", "naa.6000c29", -1, "" },
};

START_TEST(a_line_of_a_watched_shape_becomes_an_observation_of_the_host)
{
    const struct line_case *c = &lines[_i];
    const struct observation *o;

    ck_assert_int_eq(take(c->log, c->line), ESXI_TAKEN);
    ck_assert_int_eq(batch.count, 1);
    o = batch.first;
    ck_assert_int_eq(o->kind, OBS_HOST_STORAGE);
    ck_assert_str_eq(obs_get_str(o, ATTR_SIGNAL), c->signal);
    ck_assert_str_eq(obs_get_str(o, ATTR_DEVICE), c->device);
    ck_assert_int_eq(obs_get_int(o, ATTR_LATENCY_MS, -1), c->latency_ms);
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_NAME), c->vm_name);
    ck_assert_int_gt(o->time_ns, 0);
    ck_assert_int_eq(o->observed_ns, NOW);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(a_line_is_only_read_in_the_log_that_it_belongs_to)
{
    for (int log = 0; log < ESXI_LOGS; log++) {
        if (log != (int)lines[_i].log)
            ck_assert_int_eq(take((enum esxi_log)log, lines[_i].line), ESXI_NOT_OURS);
    }
}
END_TEST

/* Times that are not UTC, not whole, or not there. */
static const char *const bad_times[] = {
    "2026-01-31T08:10:11.250+01:00",
    "2026-01-31 08:10:11Z",
    "2026-01-31T08:10Z",
    "2026-02-30T08:10:11Z",
    "08:10:11.250Z",
    "2026-01-31T08:10:11",
    "",
};

START_TEST(a_time_of_any_other_form_is_unreadable_and_not_guessed)
{
    char text[512];

    snprintf(text, sizeof text,
             "%s warning hostd[1] [Originator@6876 sub=IoTracker] fopen(\"/vmfs/volumes/a/b/c\") took over 3 sec.",
             bad_times[_i]);
    ck_assert_int_eq(take(ESXI_HOSTD, text), ESXI_UNREADABLE);
    ck_assert_int_eq(batch.count, 0);
    ck_assert_ptr_nonnull(strstr(why, "time"));
}
END_TEST

START_TEST(a_length_that_is_no_number_is_unreadable)
{
    static const char *const lengths[] = { "many sec.", "-5 sec.", "99999999999999999999999 sec.", "5", "5 min." };

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char text[256];

        snprintf(text, sizeof text, "2026-01-31T08:10:11Z hostd sub=IoTracker] f(\"/vmfs/volumes/a/b\") took over %s",
                 lengths[i]);
        ck_assert_int_eq(take(ESXI_HOSTD, text), ESXI_UNREADABLE);
    }
}
END_TEST

START_TEST(other_lines_are_nobodys_business)
{
    ck_assert_int_eq(take(ESXI_HOSTD, "2026-01-31T08:10:11Z info hostd[1] Task Created"), ESXI_NOT_OURS);
    ck_assert_int_eq(take(ESXI_HOSTD, "--> a continuation"), ESXI_NOT_OURS);
    ck_assert_int_eq(take(ESXI_HOSTD, ""), ESXI_NOT_OURS);
    ck_assert_int_eq(take(ESXI_VOBD, "2026-01-31T08:10:11Z: [x] [esx.audit.something] words"), ESXI_NOT_OURS);
    ck_assert_int_eq(take(ESXI_VOBD, "esx.problem.storage.apd.start]"), ESXI_NOT_OURS);
}
END_TEST

/* ---- crash registers -------------------------------------------------------------- */

START_TEST(both_published_forms_of_a_crash_line_are_read)
{
    struct esxi_crash_line c;

    ck_assert_int_eq(
        esxi_crash_line(line_of("2026-01-31T08:11:00.500Z vcpu-0 - WinBSOD: Synthetic MSR[0x40000100] 0x80"), &c, &why),
        ESXI_TAKEN);
    ck_assert_int_eq(c.reg, 0);
    ck_assert_uint_eq(c.value, 0x80);
    ck_assert_str_eq(c.thread, "vcpu-0");
    ck_assert_int_eq(
        esxi_crash_line(
            line_of("2026-01-31T08:11:00.500Z Wa(03) vcpu-13 - WinBSOD: Synthetic MSR[0x40000104] 0xfffff80112345678"),
            &c, &why),
        ESXI_TAKEN);
    ck_assert_int_eq(c.reg, 4);
    ck_assert_uint_eq(c.value, UINT64_C(0xfffff80112345678));
    ck_assert_str_eq(c.thread, "vcpu-13");
}
END_TEST

START_TEST(a_crash_line_with_another_register_or_no_value_is_unreadable)
{
    static const char *const bad[] = {
        "2026-01-31T08:11:00Z vcpu-0 - WinBSOD: Synthetic MSR[0x40000105] 0x80",
        "2026-01-31T08:11:00Z vcpu-0 - WinBSOD: Synthetic MSR[0x40000100] ",
        "2026-01-31T08:11:00Z vcpu-0 - WinBSOD: Synthetic MSR[0x40000100] 80",
        "2026-01-31T08:11:00Z vcpu-0 - WinBSOD: Synthetic MSR[0x40000100] 0x1ffffffffffffffff",
        "2026-01-31T08:11:00Z vcpu-0 - WinBSOD: Synthetic MSR[40000100] 0x80",
        "vcpu-0 - WinBSOD: Synthetic MSR[0x40000100] 0x80",
    };
    struct esxi_crash_line c;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(esxi_crash_line(line_of(bad[i]), &c, &why), ESXI_UNREADABLE);
}
END_TEST

START_TEST(what_was_not_reported_is_left_out_of_a_crash)
{
    const struct esxi_vm vm = { .vm_id = "564DD7CC-E8E6-DF22-E186-81ABC0EEF3C4", .name = "SQL07" };
    const uint64_t registers[CRASH_REGISTERS] = { 0xd1, 1, 2, 0, 0 };

    obs_batch_init(&batch, 1 << 20);
    esxi_put_crash(&vm, registers, 0x7, 77, NOW, &batch);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_PARAM2), "0x0000000000000002");
    ck_assert_ptr_null(obs_attr(batch.first, ATTR_CRASH_PARAM3));
    ck_assert_ptr_nonnull(obs_attr(batch.first, ATTR_ESXI_PROBLEM));
    obs_batch_free(&batch);
}
END_TEST

/* ---- whose log it is ---------------------------------------------------------------- */

static struct esxi_vm vm_of(const char *head)
{
    struct esxi_vm vm;

    esxi_vm_of(head, strlen(head), "host-1", "folder", &vm);
    return vm;
}

START_TEST(the_settings_in_the_head_name_the_vm)
{
    struct esxi_vm vm = vm_of("2026-01-31T08:00:00.000Z In(05) vmx - DICT               displayName = \"SQL 07\"\n"
                              "2026-01-31T08:00:00.000Z In(05) vmx - DICT             uuid.location = \"56 4d 00 00 00 "
                              "00 00 00-00 00 00 00 00 00 00 01\"\n"
                              "2026-01-31T08:00:00.000Z In(05) vmx - DICT                 uuid.bios = \"56 4d d7 cc e8 "
                              "e6 df 22-e1 86 81 ab c0 ee f3 c4\"\n");

    ck_assert_str_eq(vm.vm_id, "564DD7CC-E8E6-DF22-E186-81ABC0EEF3C4");
    ck_assert_str_eq(vm.name, "SQL 07");
    ck_assert(!vm.derived);
}
END_TEST

START_TEST(without_a_bios_uuid_the_location_is_the_id)
{
    struct esxi_vm vm = vm_of("x DICT uuid.location = \"56 4d 00 00 00 00 00 00-00 00 00 00 00 00 00 01\"\n"
                              "x DICT uuid.bios = \"56 4d\"\n");

    ck_assert_str_eq(vm.vm_id, "564D0000-0000-0000-0000-000000000001");
    ck_assert_str_eq(vm.name, "folder");
}
END_TEST

START_TEST(without_either_the_id_is_made_and_stays_the_same)
{
    struct esxi_vm vm = vm_of("nothing\n"), again = vm_of(""), other;
    char canonical[GUID_TEXT_MAX];

    esxi_vm_of("", 0, "host-1", "another", &other);
    ck_assert(vm.derived);
    ck_assert(guid_parse(vm.vm_id, strlen(vm.vm_id), canonical));
    ck_assert_str_eq(vm.vm_id, canonical);
    ck_assert_str_eq(vm.vm_id, again.vm_id);
    ck_assert_str_ne(vm.vm_id, other.vm_id);
    ck_assert_int_eq(vm.vm_id[14], '8');
}
END_TEST

static void add_tests(Suite *s)
{
    TCase *each = suite_case(s, "each line"), *times = suite_case(s, "times");

    tcase_add_loop_test(each, a_line_of_a_watched_shape_becomes_an_observation_of_the_host, 0,
                        (int)(sizeof lines / sizeof lines[0]));
    tcase_add_loop_test(each, a_line_is_only_read_in_the_log_that_it_belongs_to, 0,
                        (int)(sizeof lines / sizeof lines[0]));
    tcase_add_loop_test(times, a_time_of_any_other_form_is_unreadable_and_not_guessed, 0,
                        (int)(sizeof bad_times / sizeof bad_times[0]));
    suite_test(s, a_length_that_is_no_number_is_unreadable);
    suite_test(s, other_lines_are_nobodys_business);
    suite_test(s, both_published_forms_of_a_crash_line_are_read);
    suite_test(s, a_crash_line_with_another_register_or_no_value_is_unreadable);
    suite_test(s, what_was_not_reported_is_left_out_of_a_crash);
    suite_test(s, the_settings_in_the_head_name_the_vm);
    suite_test(s, without_a_bios_uuid_the_location_is_the_id);
    suite_test(s, without_either_the_id_is_made_and_stays_the_same);
}

int main(void)
{
    return suite_main("collectors: what lines of ESXi logs say", add_tests);
}
