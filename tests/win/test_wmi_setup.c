/* How guests are set up, by the live WMI stream over the stand-in provider, under
 * Wine: the same observations as the captured files give. */
#include "base/times.h"
#include "collectors/kvp.h"
#include "collectors/setup.h"
#include "model/otlp.h"
#include "plat/live.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PATH_CHARS = 4096, BATCH_MAX = 16 * 1024 * 1024, SKIPPED = 77 };

#define CAPTURED_AT (INT64_C(1769846400) * NS_PER_S)

#define VM              "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF"
#define PROP(n, v)      "<PROPERTY NAME=\"" n "\" TYPE=\"string\"><VALUE>" v "</VALUE></PROPERTY>"
#define NUMBER(n, t, v) "<PROPERTY NAME=\"" n "\" TYPE=\"" t "\"><VALUE>" v "</VALUE></PROPERTY>"
#define INSTANCE(c, x)  "<INSTANCE CLASSNAME=\"" c "\">" x "</INSTANCE>\n"
#define PARENT(id)      "\\\\HV01\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID=&quot;" id "&quot;"

static const struct {
    const char *name, *xml;
} classes[] = {
    { "Msvm_VirtualSystemSettingData",
      INSTANCE("Msvm_VirtualSystemSettingData",
               PROP("InstanceID", "Microsoft:" VM) PROP("ElementName", "web01") PROP("VirtualSystemIdentifier", VM)
                   PROP("VirtualSystemType", "Microsoft:Hyper-V:System:Realized")
                       PROP("VirtualSystemSubType", "Microsoft:Hyper-V:SubType:2")) },
    { "Msvm_MemorySettingData",
      INSTANCE("Msvm_MemorySettingData",
               PROP("InstanceID", "Microsoft:" VM "\\4764334d-e001-4176-82ee-5594ec9b530e")
                   NUMBER("DynamicMemoryEnabled", "boolean", "TRUE") NUMBER("VirtualQuantity", "uint64", "1024")
                       NUMBER("Reservation", "uint64", "512") NUMBER("Limit", "uint64", "8192")
                           NUMBER("TargetMemoryBuffer", "uint32", "20") NUMBER("Weight", "uint32", "5000")) },
    { "Msvm_ProcessorSettingData",
      INSTANCE("Msvm_ProcessorSettingData",
               PROP("InstanceID", "Microsoft:" VM "\\b637f346\\0") NUMBER("VirtualQuantity", "uint64", "4")) },
    { "Msvm_ResourceAllocationSettingData",
      INSTANCE("Msvm_ResourceAllocationSettingData",
               PROP("InstanceID", "Microsoft:" VM "\\c\\0")
                   PROP("ResourceSubType", "Microsoft:Hyper-V:Synthetic SCSI Controller") PROP("Address", "0"))
          INSTANCE("Msvm_ResourceAllocationSettingData",
                   PROP("InstanceID", "Microsoft:" VM "\\c\\0\\3\\D")
                       PROP("ResourceSubType", "Microsoft:Hyper-V:Synthetic Disk Drive")
                           PROP("Parent", PARENT("Microsoft:" VM "\\\\c\\\\0")) PROP("AddressOnParent", "3")) },
    { "Msvm_StorageAllocationSettingData",
      INSTANCE("Msvm_StorageAllocationSettingData",
               PROP("InstanceID", "Microsoft:" VM "\\c\\0\\3\\L")
                   PROP("ResourceSubType", "Microsoft:Hyper-V:Virtual Hard Disk")
                       PROP("Parent",
                            PARENT("Microsoft:" VM
                                   "\\\\c\\\\0\\\\3\\\\D")) "<PROPERTY.ARRAY NAME=\"HostResource\" "
                                                            "TYPE=\"string\"><VALUE.ARRAY><VALUE>C:\\VMs\\web01.vhdx"
                                                            "</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>") },
    { "Msvm_SummaryInformation",
      INSTANCE("Msvm_SummaryInformation",
               PROP("Name", VM) NUMBER("MemoryUsage", "uint64", "2048") NUMBER("MemoryAvailable", "sint32", "-5")
                   NUMBER("AvailableMemoryBuffer", "sint32", "0")) },
};

static const char *make_host(void)
{
    const char *dir = temp_dir();
    char kvp[PATH_CHARS], name[128];

    snprintf(kvp, sizeof kvp, "%s/kvp", dir);
    ck_assert(CreateDirectoryA(kvp, NULL));
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        snprintf(name, sizeof name, "%s.xml", classes[i].name);
        write_file(kvp, name, classes[i].xml, strlen(classes[i].xml));
    }
    SetEnvironmentVariableA("HVFLEET_WINHOST", dir);
    return dir;
}

static int64_t fixed_wall(const struct clock *c)
{
    (void)c;
    return CAPTURED_AT;
}

static int64_t real_monotonic(const struct clock *c)
{
    (void)c;
    return plat_clock()->monotonic_ns(plat_clock());
}

static const struct clock test_clock = { .wall_ns = fixed_wall, .monotonic_ns = real_monotonic };

static struct wmi_stream *open_live(void)
{
    struct wmi_stream *s = NULL;
    struct err e;

    ck_assert_msg(plat_live_wmi_stream(&test_clock, wmi_setup_classes, &s, &e) == 0, "%s", e.text);
    return s;
}

/* One step; the observations encoded, and how many are of guests. */
static void step(struct wmi_stream *stream, struct buf *out, int *count)
{
    struct setup_options o = {
        .name = "setup", .stream = stream, .clock = &test_clock, .interval_ns = NS_PER_S, .refresh_ns = NS_PER_S
    };
    struct source *source = NULL;
    struct obs_batch batch;
    struct source_step s = { .mark = "", .max_events = 1000, .max_bytes = BATCH_MAX, .batch = &batch };
    struct err e;

    obs_batch_init(&batch, BATCH_MAX);
    ck_assert_int_eq(setup_source_new(&o, &source, &e), 0);
    s.now_ns = CAPTURED_AT + NS_PER_S;
    buf_init(&s.new_mark, SOURCE_MARK_MAX);
    ck_assert_msg(source_take_step(source, &s, &e) == 0, "%s", e.text);
    *count = 0;
    for (const struct observation *obs = batch.first; obs != NULL; obs = obs->next)
        *count += obs->kind == OBS_GUEST_CONFIGURATION;
    for (const struct observation *obs = batch.first; obs != NULL; obs = obs->next)
        ck_assert_int_eq(otlp_encode_record(obs, out, &e), 0);
    source_close(source);
    obs_batch_free(&batch);
    buf_free(&s.new_mark);
}

START_TEST(a_live_look_tells_what_the_files_tell)
{
    struct wmi_stream *files = NULL;
    struct buf from_files, from_wmi;
    char kvp[PATH_CHARS];
    int file_count, wmi_count;
    struct err e;

    snprintf(kvp, sizeof kvp, "%s/kvp", make_host());
    buf_init(&from_files, BATCH_MAX);
    buf_init(&from_wmi, BATCH_MAX);
    ck_assert_int_eq(kvp_folder_stream(plat_files(), kvp, wmi_captured_setup_classes, CAPTURED_AT, &files, &e), 0);
    step(files, &from_files, &file_count);
    step(open_live(), &from_wmi, &wmi_count);
    ck_assert_int_eq(file_count, 1);
    ck_assert_int_eq(wmi_count, 1);
    ck_assert_uint_gt(from_files.len, 100);
    ck_assert_uint_eq(from_wmi.len, from_files.len);
    ck_assert_mem_eq(from_wmi.data, from_files.data, from_files.len);
    buf_free(&from_files);
    buf_free(&from_wmi);
}
END_TEST

START_TEST(a_class_that_fails_leaves_the_look_for_later)
{
    const char *dir = make_host(), *rules = "query:Msvm_MemorySettingData hr:0x80041001\n";
    struct buf out;
    int count;

    write_file(dir, "wmi.txt", rules, strlen(rules));
    buf_init(&out, BATCH_MAX);
    step(open_live(), &out, &count);
    ck_assert_int_eq(count, 0);
    ck_assert_uint_gt(out.len, 0); /* the gap */
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_live_look_tells_what_the_files_tell);
    suite_test(s, a_class_that_fails_leaves_the_look_for_later);
}

int main(void)
{
    if (getenv("HVFLEET_TEST_WMI") == NULL) {
        puts("skip: win/test_wmi_setup: run by tests/win/run_wmi, over a stand-in provider");
        return SKIPPED;
    }
    return suite_main("win: how guests are set up, over a stand-in", add);
}
