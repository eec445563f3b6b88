/* WMI's part of a capture; see capture.h. */
#include "agent/capture.h"
#include "agent/capture_class.h"
#include "agent/capture_disks.h"
#include "base/times.h"
#include "plat/clock.h"
#include "plat/files.h"
#include "plat/live.h"

#include <string.h>

enum { CLASS_MAX = 256 * 1024 * 1024, REASON_MAX = 300 };

#define DEADLINE_NS (120 * NS_PER_S)

struct taking {
    struct capture *capture;
    struct capture_class *writer;
    struct buf text;
    struct buf disks; /* instances for those the storage classes name */
};

static void write_class(struct taking *t, const char *class_name)
{
    char name[128];
    FILE *f;

    snprintf(name, sizeof name, "%.100s.xml", class_name);
    f = capture_create(t->capture, "kvp", name);
    if (f == NULL)
        return;
    fwrite(buf_text(&t->text), 1, t->text.len, f);
    if (capture_finish(t->capture, f, name))
        t->capture->classes++;
}

static void take_instances(void *arg, const char *class_name, const char *xml, size_t len, const char *place)
{
    struct taking *t = arg;
    struct err e;
    int unread;

    (void)place;
    capture_progress(t->capture, "%s", class_name);
    buf_clear(&t->text);
    if (capture_class_add(t->writer, class_name, xml, len, &t->text, &unread, &e) != 0) {
        capture_failed(t->capture, "%s: %s", class_name, e.text);
        return;
    }
    if (unread > 0)
        capture_failed(t->capture, "%s: %d instances could not be read", class_name, unread);
    write_class(t, class_name);
}

/* Storage classes name the disks; what kinds they are goes into a file of its own. */
static void take_setup(void *arg, const char *class_name, const char *xml, size_t len, const char *place)
{
    struct taking *t = arg;
    struct err e;
    int unread = 0;

    take_instances(arg, class_name, xml, len, place);
    if (strcmp(class_name, "Msvm_StorageAllocationSettingData") != 0 &&
        strcmp(class_name, "Msvm_ResourceAllocationSettingData") != 0)
        return;
    capture_progress(t->capture, "the disks of %s", class_name);
    if (capture_disks_add(plat_files(), xml, len, &t->disks, &unread, &e) != 0)
        capture_failed(t->capture, "%s: %s", class_name, e.text);
    if (unread > 0)
        capture_failed(t->capture, "%s: the kinds of %d disks could not be read", class_name, unread);
}

static void take_gap(void *arg, const char *reason, const char *detail)
{
    struct taking *t = arg;

    (void)reason;
    capture_failed(t->capture, "%.300s", detail);
}

static void poll_once(struct taking *t, struct wmi_stream *stream,
                      void (*take)(void *, const char *, const char *, size_t, const char *), int64_t *taken_at)
{
    const struct clock *clock = plat_clock();
    struct wmi_sink sink = { .instances = take, .gap = take_gap, .arg = t };
    struct wmi_poll answer;
    struct buf mark;
    struct err e;

    buf_init(&mark, 64);
    capture_progress(t->capture, "asking WMI");
    if (stream->ops->poll(stream, "", clock->monotonic_ns(clock) + DEADLINE_NS, &sink, &mark, &answer, &e) != 0)
        capture_failed(t->capture, "WMI: %s", e.text);
    else if (!answer.answered)
        capture_failed(t->capture, "WMI: %s: %s", stream_state_name(answer.report.state), answer.report.remedy);
    else
        *taken_at = answer.time_ns;
    buf_free(&mark);
}

static void poll_classes(struct taking *t, const char *const *classes,
                         void (*take)(void *, const char *, const char *, size_t, const char *), int64_t *taken_at)
{
    struct wmi_stream *stream = NULL;
    struct err e;

    if (plat_live_wmi_stream(plat_clock(), classes, &stream, &e) != 0) {
        capture_failed(t->capture, "WMI: %s", e.text);
        return;
    }
    poll_once(t, stream, take, taken_at);
    stream->ops->close(stream);
}

/* The summaries are asked for twice, and the later ones written over the first. */
void capture_kvp(struct capture *c, int64_t *taken_at)
{
    struct taking t = { .capture = c };
    struct err e;
    int64_t setup_at;

    buf_init(&t.text, CLASS_MAX);
    buf_init(&t.disks, CLASS_MAX);
    if (capture_class_new(c->names, &t.writer, &e) != 0) {
        capture_failed(c, "WMI: %s", e.text);
    } else {
        poll_classes(&t, wmi_wanted_classes, take_instances, taken_at);
        poll_classes(&t, wmi_setup_classes, take_setup, &setup_at);
        if (t.disks.len > 0)
            take_instances(&t, "Msvm_VirtualHardDiskSettingData", buf_text(&t.disks), t.disks.len, "");
    }
    capture_class_free(t.writer);
    buf_free(&t.text);
    buf_free(&t.disks);
}
