/* The classes that say how guests are set up, joined by VM. */
#include "collectors/setup_poll.h"
#include "tests/collectors/support_kvp.h"
#include "tests/collectors/support_setup.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct setup_texts texts;
static struct setup_poll poll;

static void setup(void)
{
    setup_texts_init(&texts);
    ck_assert_int_eq(setup_poll_init(&poll, NULL), 0);
}

static void done(void)
{
    setup_texts_free(&texts);
    setup_poll_free(&poll);
}

/* Polls the texts; the classes in the given direction. */
static void take(bool backwards)
{
    setup_poll_reset(&poll);
    for (int i = 0; i < SETUP_TEXTS; i++) {
        int c = backwards ? SETUP_TEXTS - 1 - i : i;

        if (texts.text[c].len > 0)
            setup_poll_take(&poll, wmi_captured_setup_classes[c], buf_text(&texts.text[c]), texts.text[c].len, "test");
    }
    setup_poll_finish(&poll);
}

static const struct setup_vm *vm(unsigned n)
{
    for (size_t i = 0; i < poll.count; i++) {
        if (strcmp(poll.vms[i].id, vm_guid(n)) == 0)
            return &poll.vms[i];
    }
    ck_abort_msg("no VM %u among %zu", n, poll.count);
    return NULL;
}

START_TEST(the_parts_of_a_vm_come_together)
{
    const struct setup_vm *v;
    int64_t demand, pressure;

    setup();
    put_whole_vm(&texts, 1, "web01");
    for (int backwards = 0; backwards < 2; backwards++) {
        take(backwards);
        ck_assert_msg(poll.problem_count == 0, "%s", poll.problems[0]);
        ck_assert_uint_eq(poll.count, 1);
        v = vm(1);
        ck_assert_str_eq(v->name, "web01");
        ck_assert_int_eq(v->generation, 1);
        ck_assert_int_eq(v->processors, 4);
        ck_assert_int_eq(v->memory, MEMORY_DYNAMIC);
        ck_assert_int_eq(v->startup_mib, 1024);
        ck_assert_int_eq(v->minimum_mib, 512);
        ck_assert_int_eq(v->maximum_mib, 8192);
        ck_assert_int_eq(v->buffer_percent, 20);
        ck_assert_int_eq(v->weight, 5000);
        ck_assert_int_eq(v->assigned_mib, 2048);
        ck_assert(setup_vm_demand(v, &demand, &pressure));
        ck_assert_int_eq(demand, 1536);
        ck_assert_int_eq(pressure, 75);
        ck_assert_int_eq(v->checkpoints, 0);
        ck_assert_int_eq(v->disk_count, 2);
    }
    done();
}
END_TEST

START_TEST(disks_are_found_by_their_chain_to_the_controller)
{
    const struct setup_vm *v;

    setup();
    put_whole_vm(&texts, 1, "web01");
    put_physical_of(&texts, vm_guid(1), "SCSI", 0, 1);
    take(false);
    v = vm(1);
    ck_assert_int_eq(v->disk_count, 3);
    ck_assert_int_eq(v->disks[0].controller, CONTROLLER_IDE);
    ck_assert_int_eq(v->disks[0].location, 0);
    ck_assert_str_eq(v->disks[0].path, "C:\\VMs\\web01.vhdx");
    ck_assert_int_eq(v->disks[0].kind, DISK_UNKNOWN);
    ck_assert_int_eq(v->disks[1].controller, CONTROLLER_SCSI);
    ck_assert_int_eq(v->disks[1].location, 1);
    ck_assert_int_eq(v->disks[1].kind, DISK_PHYSICAL);
    ck_assert_int_eq(v->disks[2].controller, CONTROLLER_SCSI);
    ck_assert_int_eq(v->disks[2].number, 0);
    ck_assert_int_eq(v->disks[2].location, 3);
    ck_assert_str_eq(v->disks[2].path, "C:\\VMs\\web01-data.vhdx");
    done();
}
END_TEST

START_TEST(a_captured_disk_says_its_kind)
{
    const struct setup_vm *v;

    setup();
    put_whole_vm(&texts, 1, "web01");
    put_file(&texts, "c:\\vms\\WEB01-data.vhdx", 3, 3, "136365211648");
    put_file(&texts, "C:\\VMs\\web01.vhdx", 9, 9, "many");
    take(true);
    v = vm(1);
    ck_assert_int_eq(v->disks[1].kind, DISK_DYNAMIC);
    ck_assert_str_eq(v->disks[1].format, "vhdx");
    ck_assert_uint_eq(v->disks[1].size, 136365211648);
    ck_assert_int_eq(v->disks[0].kind, DISK_UNKNOWN);
    ck_assert_uint_eq(v->disks[0].size, 0);
    done();
}
END_TEST

START_TEST(a_checkpoint_counts_and_its_settings_do_not)
{
    const struct setup_vm *v;

    setup();
    put_checkpoint(&texts, 1, 101);
    put_checkpoint(&texts, 1, 102);
    put_memory_of(&texts, vm_guid(101), false, 1, 1, 1);
    put_disk_of(&texts, vm_guid(101), "SCSI", 0, 0, "C:\\VMs\\web01.vhdx");
    put_whole_vm(&texts, 1, "web01");
    put_whole_vm(&texts, 2, "db01");
    take(false);
    ck_assert_uint_eq(poll.count, 2);
    v = vm(1);
    ck_assert_int_eq(v->checkpoints, 2);
    ck_assert_int_eq(v->memory, MEMORY_DYNAMIC);
    ck_assert_int_eq(v->disk_count, 2);
    ck_assert_str_eq(v->name, "web01");
    ck_assert_int_eq(vm(2)->checkpoints, 0);
    done();
}
END_TEST

START_TEST(a_planned_vm_is_not_on_this_host)
{
    setup();
    put_instance(setup_text(&texts, "Msvm_VirtualSystemSettingData"), "Msvm_VirtualSystemSettingData",
                 (const char *const[]){ "VirtualSystemIdentifier", vm_guid(1), "VirtualSystemType",
                                        "Microsoft:Hyper-V:System:Planned", "ElementName", "coming", NULL });
    put_memory_of(&texts, vm_guid(1), true, 1024, 512, 2048);
    take(false);
    ck_assert_uint_eq(poll.count, 0);
    done();
}
END_TEST

START_TEST(a_guest_that_needs_more_than_it_has_is_under_pressure)
{
    int64_t demand = 0, pressure = 0;

    setup();
    put_vm(&texts, 1, "web01", 2);
    put_memory_of(&texts, vm_guid(1), true, 1024, 512, 2048);
    put_usage(&texts, 1, 1000, -30, 0);
    take(false);
    ck_assert(setup_vm_demand(vm(1), &demand, &pressure));
    ck_assert_int_eq(demand, 1300);
    ck_assert_int_eq(pressure, 130);
    ck_assert_int_eq(vm(1)->generation, 2);
    done();
}
END_TEST

START_TEST(memory_figures_count_with_dynamic_memory_only)
{
    int64_t demand, pressure;

    setup();
    put_vm(&texts, 1, "static", 2);
    put_memory_of(&texts, vm_guid(1), false, 4096, 4096, 4096);
    put_usage(&texts, 1, 4096, 10, 10);
    put_vm(&texts, 2, "off", 2);
    put_memory_of(&texts, vm_guid(2), true, 4096, 512, 8192);
    put_usage(&texts, 2, 0, 10, 10);
    put_vm(&texts, 3, "sentinel", 2);
    put_memory_of(&texts, vm_guid(3), true, 4096, 512, 8192);
    put_usage(&texts, 3, 4096, 2147483647, 2147483647);
    take(false);
    for (unsigned n = 1; n <= 3; n++)
        ck_assert_msg(!setup_vm_demand(vm(n), &demand, &pressure), "VM %u", n);
    ck_assert_int_eq(vm(1)->memory, MEMORY_STATIC);
    ck_assert_int_eq(vm(1)->assigned_mib, 4096);
    ck_assert_int_eq(vm(1)->minimum_mib, -1);
    done();
}
END_TEST

START_TEST(hostile_values_are_not_known)
{
    char id[128];

    setup();
    put_vm(&texts, 1, "web01", 1);
    snprintf(id, sizeof id, "Microsoft:%s\\x", vm_guid(1));
    put_instance(setup_text(&texts, "Msvm_MemorySettingData"), "Msvm_MemorySettingData",
                 (const char *const[]){ "InstanceID", id, "DynamicMemoryEnabled", "maybe", "VirtualQuantity",
                                        "99999999999999999999", "Weight", "-", NULL });
    put_instance(setup_text(&texts, "Msvm_ProcessorSettingData"), "Msvm_ProcessorSettingData",
                 (const char *const[]){ "InstanceID", "Microsoft:no-guid", "VirtualQuantity", "9", NULL });
    take(false);
    ck_assert_int_eq(vm(1)->memory, MEMORY_UNKNOWN);
    ck_assert_int_eq(vm(1)->startup_mib, -1);
    ck_assert_int_eq(vm(1)->weight, -1);
    ck_assert_int_eq(vm(1)->processors, 0);
    done();
}
END_TEST

START_TEST(a_chain_that_goes_round_ends)
{
    char id[256], parent[512];

    setup();
    put_vm(&texts, 1, "web01", 1);
    snprintf(id, sizeof id, "Microsoft:%s/loop", vm_guid(1));
    snprintf(parent, sizeof parent, "x:Msvm_ResourceAllocationSettingData.InstanceID=\"%s\"", id);
    put_instance(setup_text(&texts, "Msvm_ResourceAllocationSettingData"), "Msvm_ResourceAllocationSettingData",
                 (const char *const[]){ "InstanceID", id, "ResourceSubType", "Microsoft:Hyper-V:Synthetic Disk Drive",
                                        "Parent", parent, "AddressOnParent", "7", NULL });
    put_instance(setup_text(&texts, "Msvm_StorageAllocationSettingData"), "Msvm_StorageAllocationSettingData",
                 (const char *const[]){ "InstanceID", id, "ResourceSubType", "Microsoft:Hyper-V:Virtual Hard Disk",
                                        "Parent", parent, "HostResource", "x.vhd", NULL });
    take(false);
    ck_assert_int_eq(vm(1)->disk_count, 1);
    ck_assert_int_eq(vm(1)->disks[0].controller, CONTROLLER_UNKNOWN);
    done();
}
END_TEST

START_TEST(the_first_namespace_is_read_too)
{
    setup();
    put_instance(setup_text(&texts, "Msvm_VirtualSystemSettingData"), "Msvm_VirtualSystemSettingData",
                 (const char *const[]){ "SystemName", vm_guid(1), "SettingType", "3", "ElementName", "old", NULL });
    put_instance(setup_text(&texts, "Msvm_VirtualSystemSettingData"), "Msvm_VirtualSystemSettingData",
                 (const char *const[]){ "SystemName", vm_guid(1), "SettingType", "5", "ElementName", "snap", NULL });
    take(false);
    ck_assert_str_eq(vm(1)->name, "old");
    ck_assert_int_eq(vm(1)->generation, 1);
    ck_assert_int_eq(vm(1)->checkpoints, 1);
    done();
}
END_TEST

START_TEST(an_instance_that_is_broken_costs_itself)
{
    setup();
    put_whole_vm(&texts, 1, "web01");
    buf_str(setup_text(&texts, "Msvm_MemorySettingData"), "<INSTANCE CLASSNAME=\"x\"><PROPERTY</INSTANCE>");
    take(false);
    ck_assert(poll.broken);
    ck_assert_int_eq(poll.problem_count, 1);
    ck_assert_int_eq(vm(1)->startup_mib, 1024);
    done();
}
END_TEST

START_TEST(small_moves_of_memory_are_not_worth_telling)
{
    static const struct {
        int assigned, available;
        bool same;
    } moves[] = { { 2048, 25, true }, { 2100, 25, true }, { 4096, 25, false }, { 2048, -5, false } };
    uint64_t first;

    setup();
    put_whole_vm(&texts, 1, "web01");
    take(false);
    first = setup_vm_hash(vm(1));
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        buf_clear(setup_text(&texts, "Msvm_SummaryInformation"));
        put_usage(&texts, 1, moves[i].assigned, moves[i].available, 80);
        take(false);
        ck_assert_msg((setup_vm_hash(vm(1)) == first) == moves[i].same, "%d MiB, %d %%", moves[i].assigned,
                      moves[i].available);
    }
    done();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_parts_of_a_vm_come_together);
    suite_test(s, disks_are_found_by_their_chain_to_the_controller);
    suite_test(s, a_captured_disk_says_its_kind);
    suite_test(s, a_checkpoint_counts_and_its_settings_do_not);
    suite_test(s, a_planned_vm_is_not_on_this_host);
    suite_test(s, a_guest_that_needs_more_than_it_has_is_under_pressure);
    suite_test(s, memory_figures_count_with_dynamic_memory_only);
    suite_test(s, hostile_values_are_not_known);
    suite_test(s, a_chain_that_goes_round_ends);
    suite_test(s, the_first_namespace_is_read_too);
    suite_test(s, an_instance_that_is_broken_costs_itself);
    suite_test(s, small_moves_of_memory_are_not_worth_telling);
}

int main(void)
{
    return suite_main("collectors: setup poll", add);
}
