/* How guests are set up, where what WMI says is at a limit, doubled, missing or of no known shape. */
#include "base/times.h"
#include "collectors/setup.h"
#include "collectors/setup_poll.h"
#include "collectors/setup_report.h"
#include "tests/collectors/support_kvp.h"
#include "tests/collectors/support_setup.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM    "Msvm_VirtualSystemSettingData"
#define MEMORY    "Msvm_MemorySettingData"
#define PROCESSOR "Msvm_ProcessorSettingData"
#define RESOURCE  "Msvm_ResourceAllocationSettingData"
#define STORAGE   "Msvm_StorageAllocationSettingData"
#define SUMMARY   "Msvm_SummaryInformation"
#define FILES     "Msvm_VirtualHardDiskSettingData"
#define GUID      "00000001-1111-2222-3333-444455556666"
#define DISK      "Microsoft:Hyper-V:Virtual Hard Disk"

static struct setup_texts texts;
static struct setup_poll poll;

static void begin(void)
{
    setup_texts_init(&texts);
    ck_assert_int_eq(setup_poll_init(&poll, NULL), 0);
}

static void end(void)
{
    setup_texts_free(&texts);
    setup_poll_free(&poll);
}

#define PUT(class_name, ...) \
    put_instance(setup_text(&texts, class_name), class_name, (const char *const[]){ __VA_ARGS__, NULL })

static void take(void)
{
    setup_poll_reset(&poll);
    for (int i = 0; i < SETUP_TEXTS; i++) {
        if (texts.text[i].len > 0)
            setup_poll_take(&poll, wmi_captured_setup_classes[i], buf_text(&texts.text[i]), texts.text[i].len, "test");
    }
    setup_poll_finish(&poll);
}

/* The only VM there is. */
static const struct setup_vm *the_vm(void)
{
    ck_assert_uint_eq(poll.count, 1);
    ck_assert_str_eq(poll.vms[0].id, GUID);
    return &poll.vms[0];
}

/* ---- numbers and names ------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t mib;
} numbers[] = {
    { "0", 0 },
    { " \t12\r\n", 12 },
    { "1099511627776", INT64_C(1) << 40 },
    { "1099511627777", -1 },
    { "9223372036854775807", -1 },
    { "9223372036854775808", -1 },
    { "00000000000000000000012", 12 }, /* 23 digits */
    { "000000000000000000000012", -1 },
    { "-0", 0 },
    { "-1", -1 },
    { "12 MiB", -1 },
    { "", -1 },
};

START_TEST(a_number_of_mebibytes_has_a_range)
{
    begin();
    put_vm(&texts, 1, "web", 1);
    PUT(MEMORY, "InstanceID", "Microsoft:" GUID, "VirtualQuantity", numbers[_i].text);
    take();
    ck_assert_int_eq(the_vm()->startup_mib, numbers[_i].mib);
    end();
}
END_TEST

START_TEST(what_is_available_may_be_less_than_nothing)
{
    static const struct {
        int available;
        bool known;
    } cases[] = { { 100, true }, { 101, false }, { -100000, true }, { -100001, false } };
    int64_t demand, pressure;

    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setup_texts_clear(&texts);
        put_vm(&texts, 1, "web", 1);
        put_memory_of(&texts, GUID, true, 1, 1, 1);
        put_usage(&texts, 1, 1000, cases[i].available, 80);
        take();
        ck_assert_int_eq(setup_vm_demand(the_vm(), &demand, &pressure), cases[i].known);
        if (cases[i].known)
            ck_assert_int_eq(demand, 10 * (100 - cases[i].available));
    }
    setup_texts_clear(&texts);
    put_vm(&texts, 1, "web", 1);
    put_memory_of(&texts, GUID, true, 1, 1, 1);
    PUT(SUMMARY, "Name", GUID, "MemoryUsage", "1000", "MemoryAvailable", "50"); /* the buffer is not told */
    take();
    ck_assert(!the_vm()->has_available);
    ck_assert_int_eq(the_vm()->assigned_mib, 1000);
    end();
}
END_TEST

static const struct {
    const char *owner;
    bool taken;
} owners[] = {
    { "Microsoft:" GUID, true },
    { "MICROSOFT:" GUID "\\x", true },
    { "Microsoft:00000001-1111-2222-3333-44445555666", false },
    { "Microsoft:", false },
    { "Other:" GUID, false },
    { "", false },
};

START_TEST(a_setting_belongs_to_the_guest_in_its_id)
{
    begin();
    put_vm(&texts, 1, "web", 1);
    PUT(PROCESSOR, "InstanceID", owners[_i].owner, "VirtualQuantity", "4");
    PUT(RESOURCE, "InstanceID", owners[_i].owner, "ResourceSubType", DISK, "HostResource", "a.vhd");
    take();
    ck_assert_int_eq(the_vm()->processors, owners[_i].taken ? 4 : 0);
    ck_assert_int_eq(the_vm()->disk_count, owners[_i].taken ? 1 : 0);
    end();
}
END_TEST

START_TEST(instances_of_nobody_and_of_no_known_kind_are_left)
{
    begin();
    put_vm(&texts, 1, "web", 1);
    PUT(SYSTEM, "VirtualSystemIdentifier", "nobody", "VirtualSystemType", "Microsoft:Hyper-V:System:Realized");
    PUT(SUMMARY, "Name", "nobody", "MemoryUsage", "1");
    PUT(RESOURCE, "InstanceID", "Microsoft:" GUID, "ResourceSubType", "Microsoft:Hyper-V:Synthetic Ethernet Port");
    PUT(FILES, "Type", "3", "Format", "2", "MaxInternalSize", "4096"); /* no path */
    take();
    ck_assert_str_eq(the_vm()->name, "web");
    ck_assert_int_eq(the_vm()->assigned_mib, 0);
    ck_assert_uint_eq(poll.row_count, 0);
    ck_assert(!poll.broken);
    end();
}
END_TEST

START_TEST(of_two_parts_of_one_kind_the_first_counts)
{
    begin();
    put_vm(&texts, 1, "first", 2);
    put_vm(&texts, 1, "second", 1);
    put_memory_of(&texts, GUID, false, 10, 0, 0);
    put_memory_of(&texts, GUID, false, 20, 0, 0);
    put_usage(&texts, 1, 30, 1, 1);
    put_usage(&texts, 1, 40, 1, 1);
    put_processors_of(&texts, GUID, 2);
    put_processors_of(&texts, GUID, 8);
    take();
    ck_assert_str_eq(the_vm()->name, "first");
    ck_assert_int_eq(the_vm()->generation, 2);
    ck_assert_int_eq(the_vm()->startup_mib, 10);
    ck_assert_int_eq(the_vm()->assigned_mib, 30);
    ck_assert_int_eq(the_vm()->processors, 2);
    end();
}
END_TEST

START_TEST(a_guest_without_a_sub_type_has_no_known_generation)
{
    begin();
    PUT(SYSTEM, "VirtualSystemIdentifier", GUID, "VirtualSystemType", "Microsoft:Hyper-V:System:Realized");
    take();
    ck_assert_int_eq(the_vm()->generation, 0);
    ck_assert_str_eq(the_vm()->name, "");
    end();
}
END_TEST

/* ---- disks -------------------------------------------------------------------------- */

static const struct {
    const char *parent; /* behind its path */
    int number;
} parents[] = {
    { ".InstanceID=\"Microsoft:" GUID "\\\\ctl\"", 3 },  { ".InstanceID=\"Microsoft:" GUID "\\\\ctl", -1 }, /* no end */
    { ".InstanceID=\"Microsoft:" GUID "\\\\ctl\\", -1 }, /* no end, and half of a doubled backslash */
    { ".InstanceID=Microsoft:" GUID "\\\\ctl", -1 },     { "", -1 },
};

START_TEST(a_parent_is_what_its_path_names_to_the_closing_quote)
{
    char path[256];

    begin();
    put_vm(&texts, 1, "web", 1);
    PUT(RESOURCE, "InstanceID", "Microsoft:" GUID "\\ctl", "ResourceSubType",
        "Microsoft:Hyper-V:Emulated IDE Controller", "Address", "3");
    snprintf(path, sizeof path, "\\\\HV01:" RESOURCE "%s", parents[_i].parent);
    PUT(STORAGE, "InstanceID", "Microsoft:" GUID "\\d", "ResourceSubType", DISK, "Parent", path, "HostResource",
        "a.vhd");
    take();
    ck_assert_int_eq(the_vm()->disk_count, 1);
    ck_assert_int_eq(the_vm()->disks[0].number, parents[_i].number);
    end();
}
END_TEST

START_TEST(a_parent_longer_than_any_id_is_none)
{
    char path[3000] = "x.InstanceID=\"";

    begin();
    put_vm(&texts, 1, "web", 1);
    memset(path + strlen(path), 'a', 2000);
    path[strlen(path)] = '"';
    PUT(STORAGE, "InstanceID", "Microsoft:" GUID "\\d", "ResourceSubType", DISK, "Parent", path, "HostResource",
        "a.vhd");
    take();
    ck_assert_str_eq(poll.rows[0].parent, "");
    end();
}
END_TEST

START_TEST(disks_stand_in_order_of_controller_number_location_and_path)
{
    static const char *const order[] = { "i00", "i01", "i10", "s00a", "s00b", "s05" };

    begin();
    put_vm(&texts, 1, "web", 1);
    for (int n = 0; n < 2; n++)
        put_controller_of(&texts, GUID, "IDE", n);
    put_controller_of(&texts, GUID, "SCSI", 0);
    put_disk_of(&texts, GUID, "SCSI", 0, 5, "s05");
    put_disk_of(&texts, GUID, "SCSI", 0, 0, "s00b");
    put_disk_of(&texts, GUID, "IDE", 1, 0, "i10");
    put_disk_of(&texts, GUID, "IDE", 0, 1, "i01");
    put_disk_of(&texts, GUID, "IDE", 0, 0, "i00");
    put_disk_of(&texts, GUID, "SCSI", 0, 0, "s00a");
    take();
    ck_assert_int_eq(the_vm()->disk_count, 6);
    for (int i = 0; i < 6; i++)
        ck_assert_str_eq(the_vm()->disks[i].path, order[i]);
    end();
}
END_TEST

START_TEST(a_physical_disk_stays_one_whatever_a_file_of_that_name_is)
{
    static const char path[] = "\\\\HV01\\root\\virtualization\\v2:Msvm_DiskDrive.DeviceID=\"Microsoft:1\"";

    begin();
    put_vm(&texts, 1, "web", 1);
    put_controller_of(&texts, GUID, "SCSI", 0);
    put_physical_of(&texts, GUID, "SCSI", 0, 2);
    put_file(&texts, path, 3, 3, "4096");
    take();
    ck_assert_int_eq(the_vm()->disks[0].kind, DISK_PHYSICAL);
    ck_assert_int_eq(the_vm()->disks[0].location, 2);
    ck_assert_uint_eq(the_vm()->disks[0].size, 0);
    end();
}
END_TEST

START_TEST(a_disk_without_a_host_resource_is_named_by_its_connection)
{
    begin();
    put_vm(&texts, 1, "web", 1);
    buf_str(setup_text(&texts, STORAGE),
            "<INSTANCE CLASSNAME=\"x\"><PROPERTY NAME=\"InstanceID\"><VALUE>Microsoft:" GUID "\\d</VALUE></PROPERTY>"
            "<PROPERTY NAME=\"ResourceSubType\"><VALUE>" DISK
            "</VALUE></PROPERTY><PROPERTY.ARRAY NAME=\"HostResource\">"
            "<VALUE.ARRAY><VALUE.NULL/></VALUE.ARRAY></PROPERTY.ARRAY><PROPERTY.ARRAY NAME=\"Connection\"><VALUE.ARRAY>"
            "<VALUE>b.vhd</VALUE></VALUE.ARRAY></PROPERTY.ARRAY><PROPERTY NAME=\"Address\"/></INSTANCE>");
    take();
    ck_assert_str_eq(the_vm()->disks[0].path, "b.vhd");
    end();
}
END_TEST

/* ---- limits ------------------------------------------------------------------------- */

START_TEST(a_flood_of_instances_is_cut_and_told)
{
    struct buf *text;

    begin();
    text = setup_text(&texts, PROCESSOR);
    for (int i = 0; i < SETUP_ROWS_MAX; i++)
        buf_str(text, "<INSTANCE CLASSNAME=\"x\"><PROPERTY NAME=\"InstanceID\"><VALUE>Microsoft:" GUID
                      "</VALUE></PROPERTY></INSTANCE>");
    ck_assert_int_eq(buf_error(text), ERR_OK);
    take();
    ck_assert(!poll.broken);
    put_file(&texts, "a.vhd", 3, 3, "1");
    PUT(PROCESSOR, "InstanceID", "Microsoft:" GUID);
    take();
    ck_assert(poll.broken);
    ck_assert_int_eq(poll.problem_count, 1); /* of several the same is told once */
    ck_assert_str_eq(poll.problems[0], "more than 200000 instances; the rest is left out");
    ck_assert_uint_eq(poll.row_count, 0);
    end();
}
END_TEST

START_TEST(a_text_that_is_refused_and_a_class_that_nobody_asked_for)
{
    static const char bomb[] = "<!DOCTYPE x []><INSTANCE CLASSNAME=\"x\"/>";

    begin();
    setup_poll_take(&poll, "Msvm_Nothing", bomb, sizeof bomb - 1, "here");
    ck_assert(!poll.broken);
    setup_poll_take(&poll, MEMORY, bomb, sizeof bomb - 1, "here");
    ck_assert_int_eq(poll.problem_count, 1);
    ck_assert_str_eq(poll.problems[0], "here: byte 0: a document type or entity declaration is refused");
    for (int i = 0; i < 2 * SETUP_PROBLEMS_MAX; i++)
        setup_poll_problem(&poll, "problem %d", i);
    ck_assert_int_eq(poll.problem_count, SETUP_PROBLEMS_MAX);
    end();
}
END_TEST

START_TEST(what_is_not_known_is_not_told)
{
    struct setup_disk disks[] = {
        { .path = "", .format = "", .number = -1, .location = -1, .size = (uint64_t)INT64_MAX + 1 }
    };
    struct setup_vm vm = { .id = GUID,
                           .name = "",
                           .startup_mib = -1,
                           .minimum_mib = -1,
                           .maximum_mib = -1,
                           .weight = -1,
                           .buffer_percent = -1,
                           .assigned_mib = 100,
                           .checkpoints = 1,
                           .disks = disks,
                           .disk_count = 1 };
    struct obs_batch b;

    obs_batch_init(&b, 1 << 20);
    setup_report(&b, &vm, 1, 2);
    ck_assert_str_eq(b.first->body,
                     "Virtual machine " GUID ": unknown memory (100 MiB assigned), 1 disk, 1 checkpoint");
    ck_assert_ptr_null(obs_attr(b.first, "hyperv.disk.1.size"));
    ck_assert_ptr_null(obs_attr(b.first, "hyperv.disk.1.number"));
    ck_assert_ptr_null(obs_attr(b.first, ATTR_VM_GENERATION));
    ck_assert_ptr_null(obs_attr(b.first, ATTR_MEMORY_DYNAMIC));
    obs_batch_reset(&b);
    disks[0].size = INT64_MAX;
    setup_report(&b, &vm, 1, 2);
    ck_assert_int_eq(obs_get_int(b.first, "hyperv.disk.1.size", -1), INT64_MAX);
    obs_batch_free(&b);
}
END_TEST

START_TEST(a_sources_name_has_its_limit)
{
    struct setup_options o = { .interval_ns = NS_PER_S, .refresh_ns = NS_PER_S };
    struct source *s = NULL;
    struct fake_setup f;
    char name[SOURCE_NAME_MAX + 1];
    struct err e;

    fake_setup_init(&f);
    memset(name, 'n', sizeof name);
    name[SOURCE_NAME_MAX] = '\0';
    o.name = name;
    o.stream = &f.base;
    ck_assert_int_eq(setup_source_new(&o, &s, &e), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(e.text, "is too long"));
    ck_assert(!f.closed); /* it stays the caller's */
    name[SOURCE_NAME_MAX - 1] = '\0';
    ck_assert_int_eq(setup_source_new(&o, &s, &e), 0);
    source_close(s);
    ck_assert(f.closed);
    fake_setup_free(&f);
}
END_TEST

static void add_each(Suite *s, const TTest *test, size_t count)
{
    tcase_add_loop_test(suite_case(s, test->name), test, 0, (int)count);
}

static void add(Suite *s)
{
    add_each(s, a_number_of_mebibytes_has_a_range, sizeof numbers / sizeof numbers[0]);
    suite_test(s, what_is_available_may_be_less_than_nothing);
    add_each(s, a_setting_belongs_to_the_guest_in_its_id, sizeof owners / sizeof owners[0]);
    suite_test(s, instances_of_nobody_and_of_no_known_kind_are_left);
    suite_test(s, of_two_parts_of_one_kind_the_first_counts);
    suite_test(s, a_guest_without_a_sub_type_has_no_known_generation);
    add_each(s, a_parent_is_what_its_path_names_to_the_closing_quote, sizeof parents / sizeof parents[0]);
    suite_test(s, a_parent_longer_than_any_id_is_none);
    suite_test(s, disks_stand_in_order_of_controller_number_location_and_path);
    suite_test(s, a_physical_disk_stays_one_whatever_a_file_of_that_name_is);
    suite_test(s, a_disk_without_a_host_resource_is_named_by_its_connection);
    suite_test(s, a_flood_of_instances_is_cut_and_told);
    suite_test(s, a_text_that_is_refused_and_a_class_that_nobody_asked_for);
    suite_test(s, what_is_not_known_is_not_told);
    suite_test(s, a_sources_name_has_its_limit);
}

int main(void)
{
    return suite_main("collectors: the edges of how guests are set up", add);
}
