/* The one kind of record that everything speaks in.
 *
 * A collector turns what it reads into observations, the store keeps and
 * numbers them, transport ships them as OTLP log records (otlp.h), the hub
 * reduces them to what is known of hosts and guests (fleet.h).
 *
 * An observation is a kind, two times, a severity, one readable sentence and a
 * list of attributes.  Attribute keys are the OTLP attribute keys, listed
 * below; a key that is not listed is carried along untouched.
 *
 * Memory: observations live in a batch, which owns an arena; everything an
 * observation points at is in that arena and gone with the batch.
 * Thread: a batch belongs to one thread at a time and may be handed over.
 */
#ifndef MODEL_OBSERVATION_H
#define MODEL_OBSERVATION_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum obs_kind {
    OBS_OTHER,                  /* a name that this program does not know */
    OBS_HOST_INVENTORY,         /* hyperv.host.inventory */
    OBS_HOST_STORAGE,           /* hyperv.host.storage */
    OBS_HOST_CLUSTER,           /* hyperv.host.cluster */
    OBS_GUEST_INVENTORY,        /* hyperv.guest.inventory */
    OBS_GUEST_VERSION_MISMATCH, /* hyperv.guest.version_mismatch */
    OBS_GUEST_VERSION_OK,       /* hyperv.guest.version_ok */
    OBS_GUEST_LIFECYCLE,        /* hyperv.guest.lifecycle */
    OBS_GUEST_CRASH,            /* hyperv.guest.crash */
    OBS_GUEST_DUMP,             /* hyperv.guest.dump */
    OBS_GUEST_MIGRATION,        /* hyperv.guest.migration */
    OBS_GUEST_CONFIGURATION,    /* hyperv.guest.configuration */
    OBS_EVENT_RAW,              /* hyperv.event.raw: watched, but of a shape no rule knows */
    OBS_SOURCE_STATE,           /* hvfleet.source.state */
    OBS_GAP,                    /* hvfleet.gap */
    OBS_KIND_COUNT
};

/* "hyperv.guest.crash" and so on.  OBS_OTHER has the name "". */
const char *obs_kind_name(enum obs_kind kind);
enum obs_kind obs_kind_parse(const char *name, size_t len);

/* What the store drops first when its disk bound is reached: the smallest
 * number, and within it the oldest.  0 raw events, 1 lifecycle and source
 * states, 2 storage, cluster, migrations, 3 inventories and version signals,
 * 4 crashes and dumps, 5 gaps (never dropped).  docs/architecture.md has the
 * reasons. */
int obs_importance(enum obs_kind kind);

/* OTLP severity numbers (opentelemetry-proto, SeverityNumber). */
enum obs_severity {
    SEVERITY_DEBUG = 5,
    SEVERITY_INFO = 9,
    SEVERITY_WARN = 13,
    SEVERITY_ERROR = 17,
    SEVERITY_FATAL = 21,
};

enum attr_type { ATTR_STRING, ATTR_INT, ATTR_DOUBLE, ATTR_BOOL };

struct attr {
    const char *key;
    enum attr_type type;
    uint32_t key_mark; /* of an observation's: tells most other keys without a look at them */
    const char *str;   /* ATTR_STRING: NUL-ended, valid printable UTF-8 */
    size_t len;        /* of str */
    int64_t num;       /* ATTR_INT, and 0 or 1 for ATTR_BOOL */
    double real;       /* ATTR_DOUBLE */
};

enum {
    OBS_ATTRS_MAX = 192,        /* one more is refused and the observation marked cut */
    OBS_STRING_MAX = 16 * 1024, /* bytes; a longer value is cut and the observation marked cut */
    OBS_KEY_MAX = 128,
};

struct observation {
    enum obs_kind kind;
    const char *kind_name; /* as on the wire; for OBS_OTHER the unknown name */
    int64_t time_ns;       /* when it happened on the host; 0 not known */
    int64_t observed_ns;   /* when the agent saw it */
    enum obs_severity severity;
    const char *body; /* one sentence; never NULL */
    uint64_t seq;     /* from the store; 0 before */
    struct attr *attrs;
    int attr_count;
    bool cut;                /* something did not fit: shipped as hvfleet.cut = true */
    struct obs_batch *batch; /* owner */
    int attr_cap;
    struct observation *next;
};

struct obs_batch {
    struct arena arena;
    struct observation *first, *last;
    int count;
    bool failed; /* out of memory or over the arena's ceiling: the batch must not be used */
};

/* max_bytes bounds all that the batch holds. */
void obs_batch_init(struct obs_batch *b, size_t max_bytes);
void obs_batch_reset(struct obs_batch *b);
void obs_batch_free(struct obs_batch *b);

/* A new observation at the end of the batch; never NULL: over the ceiling the
 * batch is marked failed and a scratch observation, which belongs to nobody,
 * is returned, so that building needs no checks.  Look at b->failed once. */
struct observation *obs_new(struct obs_batch *b, enum obs_kind kind, int64_t time_ns, int64_t observed_ns);

/* Adds or replaces an attribute.  Key and value are copied.  Strings are
 * cleaned (base/text.h) on the way in.  A NULL or empty string adds nothing. */
void obs_str(struct observation *o, const char *key, const char *value);
void obs_strn(struct observation *o, const char *key, const char *value, size_t len);
void obs_int(struct observation *o, const char *key, int64_t value);
void obs_double(struct observation *o, const char *key, double value);
void obs_bool(struct observation *o, const char *key, bool value);
void obs_body(struct observation *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
void obs_bodyn(struct observation *o, const char *text, size_t len);

/* NULL or "" / dflt where the attribute is missing or of another type. */
const struct attr *obs_attr(const struct observation *o, const char *key);
const char *obs_get_str(const struct observation *o, const char *key);
int64_t obs_get_int(const struct observation *o, const char *key, int64_t dflt);

/* ---- attribute keys ---------------------------------------------------- */

/* Every observation that is about one guest. */
#define ATTR_VM_ID   "hyperv.vm.id" /* canonical GUID */
#define ATTR_VM_NAME "hyperv.vm.name"

/* Every observation made from an event. */
#define ATTR_CHANNEL   "winlog.channel"
#define ATTR_PROVIDER  "winlog.provider_name"
#define ATTR_EVENT_ID  "winlog.event_id"  /* int */
#define ATTR_RECORD_ID "winlog.record_id" /* int */
#define ATTR_COMPUTER  "winlog.computer_name"
#define ATTR_LEVEL     "winlog.level" /* int */
#define ATTR_USER_SID  "winlog.user.identifier"

/* hyperv.guest.version_mismatch, hyperv.guest.version_ok.  MISMATCH_SIGNAL is
 * one of the words of enum mismatch_signal (guest.h). */
#define ATTR_MISMATCH_SIGNAL      "hyperv.mismatch.signal"
#define ATTR_IC_SERVICE           "hyperv.ic.service" /* "Hyper-V Heartbeat" ..., or the device's name */
#define ATTR_FRAMEWORK_NEGOTIATED "hyperv.mismatch.framework.negotiated" /* "3.0" */
#define ATTR_FRAMEWORK_EXPECTED   "hyperv.mismatch.framework.expected"
#define ATTR_MESSAGE_NEGOTIATED   "hyperv.mismatch.message.negotiated"
#define ATTR_MESSAGE_EXPECTED     "hyperv.mismatch.message.expected"
#define ATTR_SERVER_VERSION       "hyperv.mismatch.server_version"
#define ATTR_CLIENT_VERSION       "hyperv.mismatch.client_version"
#define ATTR_INSTALLED_VERSION    "hyperv.mismatch.installed_version" /* 2008 R2, event 4130 */
#define ATTR_UPGRADE_VERSION      "hyperv.mismatch.upgrade_version"

/* hyperv.guest.lifecycle.  VM_CHANGE is one of: started, stopped, shut-down,
 * saved, restored, paused, resumed, reset, paused-critical, resumed-critical,
 * stopped-critical, removed, boot-failed, boot-ok, worker-unhealthy,
 * ic-not-running, other. */
#define ATTR_VM_CHANGE "hyperv.vm.change"
#define ATTR_VM_REASON "hyperv.vm.reason"

/* hyperv.guest.crash.  CRASH_KIND is one of: bugcheck, linux-panic,
 * triple-fault, watchdog, worker-died, dump-written, dump-failed, other.
 * The code and parameters are "0x%08x" and "0x%016llx" for Windows. */
#define ATTR_CRASH_KIND    "hyperv.crash.kind"
#define ATTR_CRASH_CODE    "hyperv.crash.code"
#define ATTR_CRASH_PARAM_N "hyperv.crash.parameter%d" /* 1..4 */
#define ATTR_CRASH_PARAM1  "hyperv.crash.parameter1"
#define ATTR_CRASH_PARAM2  "hyperv.crash.parameter2"
#define ATTR_CRASH_PARAM3  "hyperv.crash.parameter3"
#define ATTR_CRASH_PARAM4  "hyperv.crash.parameter4"
#define ATTR_CRASH_MESSAGE "hyperv.crash.message"

/* Attributes of a Linux guest's crash, which has no bug check code. */
#define ATTR_LINUX_VERSION   "hyperv.crash.linux.version"     /* kernel, "6.6.87" */
#define ATTR_LINUX_GUEST_ID  "hyperv.crash.linux.guest_os_id" /* "0x..." as reported */
#define ATTR_LINUX_DIE_CODE  "hyperv.crash.linux.die_code"
#define ATTR_LINUX_RIP       "hyperv.crash.linux.rip"
#define ATTR_LINUX_RSP       "hyperv.crash.linux.rsp"
#define ATTR_LINUX_DRIVER    "hyperv.crash.linux.driver_version"
#define ATTR_LINUX_TEXT_GPA  "hyperv.crash.linux.message_gpa"
#define ATTR_LINUX_TEXT_SIZE "hyperv.crash.linux.message_size"

/* hyperv.guest.dump: the crash attributes above, and these.  DUMP_STATUS is
 * ok, partial, empty, zero, foreign, encrypted, unreadable.  DUMP_VM_BY is folder,
 * file-name or owner (each a GUID), folder-name (the VM's name alone),
 * crash-event (the one guest of this host whose last crash has the same code,
 * parameters and time); ambiguous: several guests have them, and none is
 * named; absent: nothing named one. */
#define ATTR_DUMP_PATH    "hyperv.dump.path"
#define ATTR_DUMP_VM_BY   "hyperv.dump.vm_by" /* what named the guest; see below */
#define ATTR_DUMP_SIZE    "hyperv.dump.size"  /* int, bytes */
#define ATTR_DUMP_STATUS  "hyperv.dump.status"
#define ATTR_DUMP_FORMAT  "hyperv.dump.format" /* "full", "bitmap-kernel", "triage", ... */
#define ATTR_DUMP_ARCH    "hyperv.dump.arch"   /* "x64", "x86", "arm64" */
#define ATTR_DUMP_BUILD   "hyperv.dump.build"  /* int */
#define ATTR_DUMP_TIME    "hyperv.dump.crash_time"
#define ATTR_DUMP_UPTIME  "hyperv.dump.uptime_s" /* double */
#define ATTR_DUMP_PROBLEM "hyperv.dump.problem"  /* what is wrong with it, or why there is no verdict, in words */

/* The verdict on a dump (triage/triage.h), as far as the dump has the fact.  Texts are
 * cut at DUMP_TEXT_MAX (collectors/dumps_verdict.h).  CULPRIT is what is blamed
 * as people write it ("storvsc.sys", "memory_corruption"); CULPRIT_MODULE only
 * when that is a driver; the OFFSET in it is "0x2b8".  CULPRIT_KIND: unknown,
 * driver, memory, hardware, storage, process, watchdog, manual.
 * CULPRIT_CONFIDENCE: none, guess, likely, exact; without it there is no verdict.
 * DUMP_VERDICT is the reading's own status, which may be worse than DUMP_STATUS:
 * ok, partial, truncated, corrupt. */
#define ATTR_DUMP_VERDICT            "hyperv.dump.verdict"
#define ATTR_DUMP_CULPRIT            "hyperv.dump.culprit.name"
#define ATTR_DUMP_CULPRIT_KIND       "hyperv.dump.culprit.kind"
#define ATTR_DUMP_CULPRIT_MODULE     "hyperv.dump.culprit.module"
#define ATTR_DUMP_CULPRIT_OFFSET     "hyperv.dump.culprit.offset"
#define ATTR_DUMP_CULPRIT_CONFIDENCE "hyperv.dump.culprit.confidence"
#define ATTR_DUMP_CULPRIT_EVIDENCE   "hyperv.dump.culprit.evidence"
#define ATTR_DUMP_FAULT              "hyperv.dump.fault"               /* "storvsc.sys+0x2b8" or an address */
#define ATTR_DUMP_NOTES              "hyperv.dump.notes"               /* further evidence, joined by "; " */
#define ATTR_DUMP_BUCKET             "hyperv.dump.bucket.hvfleet"      /* ours */
#define ATTR_DUMP_BUCKET_ID          "hyperv.dump.bucket.failure_id"   /* WinDbg's FAILURE_BUCKET_ID */
#define ATTR_DUMP_BUCKET_HASH        "hyperv.dump.bucket.failure_hash" /* and its FAILURE_ID_HASH */
#define ATTR_DUMP_BUGCHECK           "hyperv.dump.bugcheck.name"       /* "DRIVER_IRQL_NOT_LESS_OR_EQUAL" */
#define ATTR_DUMP_CAUSE              "hyperv.dump.bugcheck.cause"      /* what the code's subtype says */
#define ATTR_DUMP_UBR                "hyperv.dump.ubr"                 /* int */
#define ATTR_DUMP_BUILD_LAB          "hyperv.dump.build_lab"
#define ATTR_DUMP_PRODUCT            "hyperv.dump.product"    /* workstation, domain-controller, server */
#define ATTR_DUMP_PROCESSORS         "hyperv.dump.processors" /* int */
#define ATTR_DUMP_PROCESS            "hyperv.dump.process"
#define ATTR_DUMP_MEMORY             "hyperv.dump.memory" /* int, bytes the machine had */
#define ATTR_DUMP_EXTENT             "hyperv.dump.extent" /* complete, active: of format "bitmap-full" */
#define ATTR_DUMP_ROLE               "hyperv.dump.role"   /* guest, host, nested-host, physical */
#define ATTR_DUMP_MAKER              "hyperv.dump.system.maker"
#define ATTR_DUMP_MODEL              "hyperv.dump.system.product"
#define ATTR_DUMP_BIOS_VENDOR        "hyperv.dump.bios.vendor"
#define ATTR_DUMP_BIOS_VERSION       "hyperv.dump.bios.version"
#define ATTR_DUMP_BIOS_DATE          "hyperv.dump.bios.date"
#define ATTR_DUMP_COMPONENTS         "hyperv.dump.integration_components" /* "vmbus.sys, storvsc.sys 6.3.9600.1" */
#define ATTR_DUMP_INTEGRITY          "hyperv.dump.integrity.text"         /* the first findings, joined by "; " */
#define ATTR_DUMP_FINDINGS           "hyperv.dump.integrity.findings"     /* int; absent when there are none */

/* hyperv.guest.migration.  MIGRATION_PHASE: started, completed, received,
 * failed; MIGRATION_KIND: live, quick. */
#define ATTR_MIGRATION_PHASE    "hyperv.migration.phase"
#define ATTR_MIGRATION_KIND     "hyperv.migration.kind"
#define ATTR_MIGRATION_BLACKOUT "hyperv.migration.blackout_s" /* double */
#define ATTR_MIGRATION_PEER     "hyperv.migration.peer"
#define ATTR_MIGRATION_LONG     "hyperv.migration.unexpectedly_long" /* bool */

/* hyperv.host.storage, hyperv.host.cluster.  SIGNAL: io-slow, io-failed,
 * io-retried, device-reset, path-lost, path-restored, csv-paused,
 * csv-unavailable, csv-redirected, disk-full, smb-disconnected, smb-restored,
 * ...; the rules table (collectors/event_rules.c) lists them all. */
#define ATTR_SIGNAL         "hyperv.signal"
#define ATTR_DEVICE         "hyperv.storage.device"
#define ATTR_LATENCY_MS     "hyperv.storage.latency_ms" /* int */
#define ATTR_STATUS         "hyperv.status"
#define ATTR_CLUSTER_OBJECT "hyperv.cluster.object"
#define ATTR_CLUSTER_SILENT "hyperv.cluster.silent_s" /* double: how long user mode did not respond */

/* Of ESXi's logs (collectors/esxi_rules.h): the file a call was about, vobd's name for what happened, what is
 * missing, and that hyperv.vm.id is made from host and folder because the log does not tell the VM's uuid. */
#define ATTR_ESXI_PATH    "esxi.path"
#define ATTR_ESXI_EVENT   "esxi.event"
#define ATTR_ESXI_PROBLEM "esxi.problem"
#define ATTR_ESXI_DERIVED "esxi.vm_id_derived" /* bool */

/* Positional fields of an event that have no key above: hyperv.event.field.1
 * is %1 of the message template.  All fields of a raw event come this way. */
#define ATTR_EVENT_FIELD_N "hyperv.event.field.%d"
#define ATTR_EVENT_XML     "hyperv.event.xml" /* raw events only, cut at OBS_STRING_MAX */

/* hyperv.guest.inventory: one poll's answer for one VM.  Items absent from
 * the poll are absent here: the reducer keeps the last value with its age.
 * KVP items are ATTR_KVP_PREFIX + name; components are
 * hyperv.ic.<component>.enabled / .status0 / .status1 (ints), with <component>
 * one of the words of enum ic_component (guest.h). */
#define ATTR_VM_POWER         "hyperv.vm.power"            /* the words of enum guest_power */
#define ATTR_VM_ENABLED_STATE "hyperv.vm.enabled_state"    /* int, CIM EnabledState as read */
#define ATTR_VM_IS_STATE      "hyperv.vm.is_version_state" /* int, property 123: 0, 1, 2 */
#define ATTR_KVP_PREFIX       "hyperv.kvp."
#define ATTR_IC_PREFIX        "hyperv.ic."
#define ATTR_KVP_PROBLEM      "hyperv.kvp.problem" /* an item that could not be read, in words */

/* hyperv.guest.configuration: how one VM is set up, and what memory it has at
 * that moment; what is absent was not known.  Sent when it has changed.
 * Memory in MiB.  AVAILABLE is the free part of the assigned memory in percent,
 * negative by what is short; DEMAND and PRESSURE (demand in percent of what is
 * assigned; over 100 the guest needs more than it has) follow from it.  BUFFER is
 * the configured buffer in percent, BUFFER_AVAILABLE how much of it there is.
 * Disks are hyperv.disk.<n>.<what> from n = 1 on, CONFIG_DISKS_TOLD at most, with
 * what = controller, kind (words: guest_config.h), number (of the controller),
 * location (on it), path, format (vhd, vhdx), size (int, bytes the guest sees). */
#define ATTR_VM_GENERATION           "hyperv.vm.generation" /* int */
#define ATTR_VM_PROCESSORS           "hyperv.vm.processors"
#define ATTR_VM_CHECKPOINTS          "hyperv.vm.checkpoints"
#define ATTR_MEMORY_DYNAMIC          "hyperv.memory.dynamic" /* bool */
#define ATTR_MEMORY_STARTUP          "hyperv.memory.startup_mib"
#define ATTR_MEMORY_MINIMUM          "hyperv.memory.minimum_mib"
#define ATTR_MEMORY_MAXIMUM          "hyperv.memory.maximum_mib"
#define ATTR_MEMORY_BUFFER           "hyperv.memory.buffer_percent"
#define ATTR_MEMORY_WEIGHT           "hyperv.memory.weight"
#define ATTR_MEMORY_ASSIGNED         "hyperv.memory.assigned_mib"
#define ATTR_MEMORY_DEMAND           "hyperv.memory.demand_mib"
#define ATTR_MEMORY_AVAILABLE        "hyperv.memory.available_percent"
#define ATTR_MEMORY_BUFFER_AVAILABLE "hyperv.memory.available_buffer_percent"
#define ATTR_MEMORY_PRESSURE         "hyperv.memory.pressure_percent"
#define ATTR_DISKS                   "hyperv.disks" /* int: all of them */
#define ATTR_DISK_N                  "hyperv.disk.%d.%s"

/* hyperv.host.inventory: the resource attributes below as attributes, and how
 * many VMs the poll saw.  Sent after every complete poll, changed or not: it is
 * what "last seen" of unchanged guests rests on. */
#define ATTR_POLL_GUESTS "hyperv.poll.guests"    /* int */
#define ATTR_BOOT_TIME   "hyperv.host.boot_time" /* RFC 3339 */
#define ATTR_BOOT_ID     "hyperv.host.boot_id"   /* names one run of the host's kernel (model/host.h) */

/* Resource. */
#define ATTR_SERVICE_NAME     "service.name"
#define ATTR_SERVICE_VERSION  "service.version"
#define ATTR_SERVICE_INSTANCE "service.instance.id"
#define ATTR_HOST_ID          "host.id"
#define ATTR_HOST_NAME        "host.name"
#define ATTR_OS_VERSION       "os.version"
#define ATTR_CLUSTER_NAME     "hyperv.cluster.name"
#define ATTR_HOST_IS_WIN6X    "hyperv.host.is_version"       /* for guests of 6.x */
#define ATTR_HOST_IS_WIN5X    "hyperv.host.is_version.win5x" /* for guests of 5.x */

/* hvfleet.source.state: SOURCE, STATE (attached, absent, no_permission,
 * misconfigured, unsupported, retrying, hung, ended ...), REMEDY. */
#define ATTR_SOURCE "hvfleet.source"
#define ATTR_STATE  "hvfleet.state"
#define ATTR_REMEDY "hvfleet.remedy"

/* hvfleet.gap: SOURCE, REASON (log-cleared, log-wrapped, file-replaced,
 * store-full, store-corrupt, refused-by-hub, record-unreadable ...), and from/to
 * as the source counts: record ids, sequence numbers, times as text. */
#define ATTR_GAP_REASON "hvfleet.gap.reason"
#define ATTR_GAP_FROM   "hvfleet.gap.from"
#define ATTR_GAP_TO     "hvfleet.gap.to"
#define ATTR_GAP_COUNT  "hvfleet.gap.count" /* int; absent when not countable */

#define ATTR_SEQ "hvfleet.seq" /* int */
#define ATTR_CUT "hvfleet.cut" /* bool */

#endif
