/* See support_setup.h. */
#include "tests/collectors/support_setup.h"

#include "tests/collectors/support_kvp.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 * 1024 };

#define RESOURCE "Msvm_ResourceAllocationSettingData"
#define STORAGE  "Msvm_StorageAllocationSettingData"

void setup_texts_init(struct setup_texts *t)
{
    for (int i = 0; i < SETUP_TEXTS; i++)
        buf_init(&t->text[i], TEXT_MAX);
}

void setup_texts_clear(struct setup_texts *t)
{
    for (int i = 0; i < SETUP_TEXTS; i++)
        buf_clear(&t->text[i]);
}

void setup_texts_free(struct setup_texts *t)
{
    for (int i = 0; i < SETUP_TEXTS; i++)
        buf_free(&t->text[i]);
}

struct buf *setup_text(struct setup_texts *t, const char *class_name)
{
    for (int i = 0; wmi_captured_setup_classes[i] != NULL; i++) {
        if (strcmp(wmi_captured_setup_classes[i], class_name) == 0)
            return &t->text[i];
    }
    ck_abort_msg("no class %s", class_name);
    return NULL;
}

static void put_escaped(struct buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_str(b, "&quot;");
        else if (*text == '&')
            buf_str(b, "&amp;");
        else
            buf_char(b, *text);
    }
}

void put_instance(struct buf *b, const char *class_name, const char *const *pairs)
{
    buf_printf(b, "<INSTANCE CLASSNAME=\"%s\">\n", class_name);
    for (; pairs[0] != NULL; pairs += 2) {
        bool array = strcmp(pairs[0], "HostResource") == 0 || strcmp(pairs[0], "Connection") == 0;

        buf_printf(b, "<PROPERTY%s NAME=\"%s\" TYPE=\"string\">%s<VALUE>", array ? ".ARRAY" : "", pairs[0],
                   array ? "<VALUE.ARRAY>" : "");
        put_escaped(b, pairs[1]);
        buf_printf(b, "</VALUE>%s</PROPERTY%s>\n", array ? "</VALUE.ARRAY>" : "", array ? ".ARRAY" : "");
    }
    buf_str(b, "</INSTANCE>\n");
}

#define PUT(texts, class_name, ...) \
    put_instance(setup_text(texts, class_name), class_name, (const char *const[]){ __VA_ARGS__, NULL })

static const char *number(int n, char out[16])
{
    snprintf(out, 16, "%d", n);
    return out;
}

void put_vm(struct setup_texts *t, unsigned n, const char *name, int generation)
{
    char id[64];

    snprintf(id, sizeof id, "Microsoft:%s", vm_guid(n));
    PUT(t, "Msvm_VirtualSystemSettingData", "InstanceID", id, "ElementName", name, "VirtualSystemIdentifier",
        vm_guid(n), "VirtualSystemType", "Microsoft:Hyper-V:System:Realized", "VirtualSystemSubType",
        generation == 2 ? "Microsoft:Hyper-V:SubType:2" : "Microsoft:Hyper-V:SubType:1");
}

void put_checkpoint(struct setup_texts *t, unsigned n, unsigned checkpoint)
{
    char id[64];

    snprintf(id, sizeof id, "Microsoft:%s", vm_guid(checkpoint));
    PUT(t, "Msvm_VirtualSystemSettingData", "InstanceID", id, "ElementName", "a checkpoint", "VirtualSystemIdentifier",
        vm_guid(n), "VirtualSystemType", "Microsoft:Hyper-V:Snapshot:Realized");
}

static void setting_id(char out[256], const char *owner, const char *rest)
{
    snprintf(out, 256, "Microsoft:%s\\%s", owner, rest);
}

void put_memory_of(struct setup_texts *t, const char *owner, bool dynamic, int startup, int minimum, int maximum)
{
    char id[256], a[16], b[16], c[16];

    setting_id(id, owner, "4764334d-e001-4176-82ee-5594ec9b530e");
    PUT(t, "Msvm_MemorySettingData", "InstanceID", id, "DynamicMemoryEnabled", dynamic ? "TRUE" : "FALSE",
        "VirtualQuantity", number(startup, a), "Reservation", number(minimum, b), "Limit", number(maximum, c),
        "TargetMemoryBuffer", "20", "Weight", "5000");
}

void put_processors_of(struct setup_texts *t, const char *owner, int count)
{
    char id[256], a[16];

    setting_id(id, owner, "b637f346-6a0e-4dec-af52-bd70cb80a21d\\0");
    PUT(t, "Msvm_ProcessorSettingData", "InstanceID", id, "VirtualQuantity", number(count, a));
}

void put_usage(struct setup_texts *t, unsigned n, int assigned, int available, int buffer)
{
    char a[16], b[16], c[16];

    PUT(t, "Msvm_SummaryInformation", "Name", vm_guid(n), "MemoryUsage", number(assigned, a), "MemoryAvailable",
        number(available, b), "AvailableMemoryBuffer", number(buffer, c));
}

static void controller_id(char out[256], const char *owner, const char *kind, int number_on)
{
    char rest[64];

    snprintf(rest, sizeof rest, "controller-%s\\%d", kind, number_on);
    setting_id(out, owner, rest);
}

void put_controller_of(struct setup_texts *t, const char *owner, const char *kind, int number_on)
{
    char id[256], a[16];

    controller_id(id, owner, kind, number_on);
    PUT(t, RESOURCE, "InstanceID", id, "ResourceSubType",
        strcmp(kind, "IDE") == 0 ? "Microsoft:Hyper-V:Emulated IDE Controller"
                                 : "Microsoft:Hyper-V:Synthetic SCSI Controller",
        "Address", number(number_on, a));
}

/* A path to the instance, as Parent holds it. */
static void path_to(char out[1024], const char *id)
{
    size_t n = (size_t)snprintf(out, 1024, "\\\\HV01\\root\\virtualization\\v2:" RESOURCE ".InstanceID=\"");

    for (; *id != '\0' && n < 1020; id++) {
        if (*id == '\\')
            out[n++] = '\\';
        out[n++] = *id;
    }
    out[n++] = '"';
    out[n] = '\0';
}

static void drive_id(char out[256], const char *owner, const char *kind, int number_on, int location)
{
    char rest[64];

    snprintf(rest, sizeof rest, "controller-%s\\%d\\%d\\D", kind, number_on, location);
    setting_id(out, owner, rest);
}

void put_disk_of(struct setup_texts *t, const char *owner, const char *kind, int number_on, int location,
                 const char *path)
{
    char controller[256], drive[256], disk[260], parent[1024], a[16];

    controller_id(controller, owner, kind, number_on);
    drive_id(drive, owner, kind, number_on, location);
    path_to(parent, controller);
    PUT(t, RESOURCE, "InstanceID", drive, "ResourceSubType", "Microsoft:Hyper-V:Synthetic Disk Drive", "Parent", parent,
        "AddressOnParent", number(location, a));
    snprintf(disk, sizeof disk, "%.250s\\L", drive);
    path_to(parent, drive);
    PUT(t, STORAGE, "InstanceID", disk, "ResourceSubType", "Microsoft:Hyper-V:Virtual Hard Disk", "Parent", parent,
        "AddressOnParent", "0", "HostResource", path);
}

void put_physical_of(struct setup_texts *t, const char *owner, const char *kind, int number_on, int location)
{
    char controller[256], drive[256], parent[1024], a[16];

    controller_id(controller, owner, kind, number_on);
    drive_id(drive, owner, kind, number_on, location);
    path_to(parent, controller);
    PUT(t, RESOURCE, "InstanceID", drive, "ResourceSubType", "Microsoft:Hyper-V:Physical Disk Drive", "Parent", parent,
        "AddressOnParent", number(location, a), "HostResource",
        "\\\\HV01\\root\\virtualization\\v2:Msvm_DiskDrive.DeviceID=\"Microsoft:1\"");
}

void put_file(struct setup_texts *t, const char *path, int type, int format, const char *size)
{
    char a[16], b[16];

    PUT(t, "Msvm_VirtualHardDiskSettingData", "Path", path, "Type", number(type, a), "Format", number(format, b),
        "MaxInternalSize", size);
}

void put_whole_vm(struct setup_texts *t, unsigned n, const char *name)
{
    const char *id = vm_guid(n);
    char path[128];

    put_vm(t, n, name, 1);
    put_memory_of(t, id, true, 1024, 512, 8192);
    put_processors_of(t, id, 4);
    put_usage(t, n, 2048, 25, 80);
    put_controller_of(t, id, "IDE", 0);
    put_controller_of(t, id, "SCSI", 0);
    snprintf(path, sizeof path, "C:\\VMs\\%s.vhdx", name);
    put_disk_of(t, id, "IDE", 0, 0, path);
    snprintf(path, sizeof path, "C:\\VMs\\%s-data.vhdx", name);
    put_disk_of(t, id, "SCSI", 0, 3, path);
}

/* ---- the stream --------------------------------------------------------- */

static int fake_poll(struct wmi_stream *s, const char *mark, int64_t deadline_ns, const struct wmi_sink *sink,
                     struct buf *new_mark, struct wmi_poll *out, struct err *e)
{
    struct fake_setup *f = (struct fake_setup *)s;

    (void)mark;
    (void)deadline_ns;
    (void)e;
    f->polls++;
    buf_clear(new_mark);
    *out = (struct wmi_poll){ .report = { .state = f->answered ? STREAM_ATTACHED : STREAM_RETRYING },
                              .answered = f->answered,
                              .complete = f->complete,
                              .time_ns = f->time_ns };
    for (int i = 0; f->answered && i < SETUP_TEXTS; i++) {
        if (f->texts.text[i].len > 0)
            sink->instances(sink->arg, wmi_captured_setup_classes[i], buf_text(&f->texts.text[i]), f->texts.text[i].len,
                            wmi_captured_setup_classes[i]);
    }
    return 0;
}

static void fake_close(struct wmi_stream *s)
{
    ((struct fake_setup *)s)->closed = true;
}

void fake_setup_init(struct fake_setup *f)
{
    static const struct wmi_stream_ops ops = { .poll = fake_poll, .close = fake_close };

    *f = (struct fake_setup){ .base = { &ops }, .answered = true, .complete = true, .time_ns = 1000 };
    setup_texts_init(&f->texts);
}

void fake_setup_free(struct fake_setup *f)
{
    setup_texts_free(&f->texts);
}
