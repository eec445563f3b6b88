/* The seam for WMI: something that answers with the instances of one of the lists of classes
 * below as CIM XML text (what WMI's GetText prints).  Captured class files are
 * one (collectors/kvp_file.h); the live provider is another (plat/win).
 *
 * One read is one poll: the instances of all classes, at one point in time.
 */
#ifndef PLAT_WMI_STREAM_H
#define PLAT_WMI_STREAM_H

#include "base/buf.h"
#include "base/error.h"
#include "plat/event_stream.h"

struct wmi_sink {
    /* The <INSTANCE> elements of one class, one after another, or a CIM
     * document that holds them; valid during the call.  place for messages. */
    void (*instances)(void *arg, const char *class_name, const char *xml, size_t len, const char *place);
    void (*gap)(void *arg, const char *reason, const char *detail);
    void *arg;
};

struct wmi_poll {
    struct stream_report report;
    bool answered;   /* false: nothing new, or no answer; the sink got no instances */
    bool complete;   /* every wanted class answered: a VM that is absent is gone */
    int64_t time_ns; /* when the answer was taken */
};

struct wmi_stream {
    const struct wmi_stream_ops *ops;
};

struct wmi_stream_ops {
    /* mark as in event_stream.h: a live provider ignores it and leaves new_mark
     * empty.  deadline_ns is monotonic: past it a live provider gives up and
     * reports STREAM_HUNG. */
    int (*poll)(struct wmi_stream *s, const char *mark, int64_t deadline_ns, const struct wmi_sink *sink,
                struct buf *new_mark, struct wmi_poll *out, struct err *e);
    void (*close)(struct wmi_stream *s);
};

/* The classes a poll asks for; NULL-ended: Msvm_ComputerSystem,
 * Msvm_KvpExchangeComponent, Msvm_HeartbeatComponent, ... and
 * Msvm_SummaryInformation. */
extern const char *const wmi_wanted_classes[];

/* The classes that say how virtual machines are set up, asked on a slower beat:
 * Msvm_VirtualSystemSettingData, which lists them, first.  A capture may hold one class more, which
 * no host has instances of: Msvm_VirtualHardDiskSettingData. */
extern const char *const wmi_setup_classes[];
extern const char *const wmi_captured_setup_classes[];

#endif
