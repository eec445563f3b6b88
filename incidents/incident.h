/* An incident: one crash of one guest, put together from all that told of it,
 * with what else was going on (hyperv.md A.3 to A.5, D, G).
 *
 * A finished model: the case file (case_file.h) makes it, reports and the
 * dashboard show it, and the hub stores it as the JSON that incident_json()
 * writes.  incident_from_json() reads that back.
 *
 * Memory: an incident owns an arena with a ceiling (INCIDENT_BYTES_MAX);
 * everything it points at lies there and goes with incident_free().  Texts are
 * never NULL ("" not known), valid printable UTF-8, and cut at
 * INCIDENT_TEXT_MAX.  Times are UTC nanoseconds, 0 not known; lengths are
 * nanoseconds, -1 not known.
 * Thread: one at a time.
 */
#ifndef INCIDENTS_INCIDENT_H
#define INCIDENTS_INCIDENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/guest.h"
#include "model/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INCIDENT_BYTES_MAX = 1024 * 1024, /* of one incident in memory */
    INCIDENT_JSON_MAX = 1024 * 1024,  /* and as JSON */
    INCIDENT_TEXT_MAX = 1024,         /* bytes of one text, the NUL included */
    INCIDENT_ID_CHARS = 16,
    INCIDENT_PARAMS = 4,
    INCIDENT_DUMPS_MAX = 8,
    INCIDENT_DISKS_MAX = 16,
    INCIDENT_DEVICES_MAX = 16,  /* storage devices, and cluster signals, listed */
    INCIDENT_OTHERS_MAX = 32,   /* other guests that crashed */
    INCIDENT_SIGNS_MAX = 32,    /* observations that tell of the crash itself */
    INCIDENT_TIMELINE_MAX = 96, /* the signs, gaps and what is nearest in time are kept first */
    INCIDENT_FINDINGS_MAX = 16,
    INCIDENT_LINES_MAX = 16, /* of for[], against[], unknown[], links[], notes[] */
};

/* Words: bugcheck linux-panic triple-fault watchdog worker-died stopped-critical
 * hypervisor-fault dump-only other. */
enum incident_kind {
    INCIDENT_BUGCHECK,
    INCIDENT_LINUX_PANIC,
    INCIDENT_TRIPLE_FAULT,
    INCIDENT_WATCHDOG,
    INCIDENT_WORKER_DIED,      /* the VM's process on the host ended */
    INCIDENT_STOPPED_CRITICAL, /* the host gave the VM up: 18528, 12630, 14072 */
    INCIDENT_HYPERVISOR_FAULT, /* 18570 to 18580 */
    INCIDENT_DUMP_ONLY,        /* a dump tells of it, no event does */
    INCIDENT_OTHER,            /* a crash was reported, and nothing of what it was */
    INCIDENT_KIND_COUNT
};
const char *incident_kind_name(enum incident_kind k);
bool incident_kind_parse(const char *word, enum incident_kind *out);

/* Where an incident's time, or a fact, comes from. Words: event dump file history.
 * `file` is the time at which a dump file was written. */
enum incident_source { TOLD_NOT, TOLD_BY_EVENT, TOLD_BY_DUMP, TOLD_BY_FILE, TOLD_BY_HISTORY, TOLD_COUNT };
const char *incident_source_name(enum incident_source s); /* "" for TOLD_NOT */

/* How sure a finding is.  Words: low medium high. */
enum incident_confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH, CONFIDENCE_COUNT };
const char *incident_confidence_name(enum incident_confidence c);
bool incident_confidence_parse(const char *word, enum incident_confidence *out);

/* What a module is.  Words: unknown microsoft third-party hardware. */
enum incident_origin { ORIGIN_UNKNOWN, ORIGIN_MICROSOFT, ORIGIN_THIRD_PARTY, ORIGIN_HARDWARE, ORIGIN_COUNT };
const char *incident_origin_name(enum incident_origin o);

/* Windows: a bug check.  A Linux guest never has one. */
struct incident_bugcheck {
    bool known, params_known;
    uint32_t code; /* as reported, the _M bit (0x10000000) included */
    uint64_t params[INCIDENT_PARAMS];
    const char *name;  /* "DRIVER_IRQL_NOT_LESS_OR_EQUAL"; "UNKNOWN" not in the table */
    const char *cause; /* what the parameters say beyond the name; "" nothing */
};
/* The code without the _M bit: what is compared. */
uint32_t incident_code(const struct incident_bugcheck *b);

/* Linux: what its panic handler wrote to the crash registers, in its own terms. */
struct incident_linux {
    bool known;
    const char *version;     /* kernel, out of the guest OS id: "6.6.87" */
    const char *guest_os_id; /* "0x8100000606570000" */
    const char *die_code, *rip, *rsp;
    const char *message; /* as far as it was handed over */
};

/* A dump of the crash.  The first of an incident is the one that tells most. */
struct incident_dump {
    const char *path, *status, *verdict, *format, *arch, *problem;
    const char *culprit, *culprit_kind, *module, *offset; /* "storvsc.sys", "driver", "storvsc.sys", "0x2b8" */
    const char *culprit_confidence, *evidence, *fault, *notes;
    const char *bucket, *failure_id, *failure_hash;
    const char *process, *role, *components;
    const char *bios_vendor, *bios_version, *bios_date;
    int64_t crash_time;       /* 0 not in the dump */
    int64_t found;            /* when the agent saw it */
    int64_t uptime_ns;        /* -1 not in the dump */
    int64_t size, build, ubr; /* bytes, and 0 not known */
    const char *joined_by;    /* why it belongs here: "vm-id", "parameters", "name", "time" */
};

struct incident_drift {
    bool known;
    const char *why; /* why it is not known; "" when it is */
    enum drift_state state;
    int row;
    int64_t since;
    bool stale;
    const char *guest_version, *expected_version;
};

/* The last live or quick migration that had begun when the guest crashed. */
struct incident_migration {
    bool known;
    bool during;       /* it had not ended */
    int64_t time;      /* its end; when not ended or not told: its start */
    int64_t before_ns; /* how long before the crash; 0 during */
    int64_t blackout_ns;
    bool unexpectedly_long, failed;
    const char *kind;      /* "live", "quick"; "" not told */
    const char *from, *to; /* host names or addresses as told; "" not known */
};

struct incident_disk {
    const char *controller; /* "ide", "scsi"; "" not known */
    const char *kind;       /* "fixed", "dynamic", "differencing", "physical"; "" not known */
    const char *path;
};

/* How the guest was set up at that moment; -1 not known. */
struct incident_configuration {
    bool known;
    const char *why;     /* why it is not known */
    int dynamic_memory;  /* -1, 0, 1 */
    int memory_pressure; /* -1, 0, 1: demand was over what was assigned */
    int64_t assigned_mib, demanded_mib, available_percent;
    int generation, checkpoints, processors;
    struct incident_disk disks[INCIDENT_DISKS_MAX];
    int disk_count;
};

/* Requests and paths of one device (or volume, or share) in the window. */
struct incident_device {
    const char *device, *signal, *host;
    int64_t first, last;
    int64_t longest_ns; /* -1 where no length was told */
    int64_t count;
    bool for_guest; /* the event named this very guest */
};

struct incident_storage {
    int64_t count;      /* events in the window; recoveries not counted */
    int64_t longest_ns; /* -1 none told */
    const char *longest_device;
    bool path_lost; /* a path, volume, session or share was lost */
    struct incident_device devices[INCIDENT_DEVICES_MAX];
    int device_count;
};

struct incident_cluster_event {
    const char *signal, *object, *host;
    int64_t first, last, count;
    int64_t event_id; /* 4870; 0 not known */
};

/* Another guest of the same host, by its first sign in the window. */
struct incident_other {
    const char *vm_id, *vm_name;
    int64_t time;
    enum incident_kind kind;
    const char *what; /* "0x0000007a" or the kind's name */
};

/* An observation, by its number in its agent's store; agent "" and seq 0 when it never had one. */
struct incident_place {
    const char *agent;
    uint64_t seq;
};

/* Words: crash dump lifecycle migration storage cluster version gap host other-crash. */
enum incident_entry_kind {
    ENTRY_CRASH,
    ENTRY_DUMP,
    ENTRY_LIFECYCLE,
    ENTRY_MIGRATION,
    ENTRY_STORAGE,
    ENTRY_CLUSTER,
    ENTRY_VERSION,
    ENTRY_GAP,
    ENTRY_HOST, /* it started */
    ENTRY_OTHER_CRASH,
    ENTRY_COUNT
};
const char *incident_entry_name(enum incident_entry_kind k);

struct incident_entry {
    int64_t time;  /* the first of `count` alike; a gap's from, 0 when its beginning is not known */
    int64_t until; /* the last of them; a gap's to; 0 a single moment */
    int64_t count; /* 1 or more */
    enum incident_entry_kind kind;
    bool sign; /* tells of the crash itself */
    const char *what, *host;
    struct incident_place place; /* of the first */
};

struct incident_lines {
    const char *line[INCIDENT_LINES_MAX];
    int count;
};

struct incident_finding {
    const char *rule, *title, *text, *action;
    enum incident_confidence confidence;
    const char *reason;                          /* why it is so sure and not surer */
    struct incident_lines met, against, unknown; /* "for", "against", "unknown" in JSON: sentences */
    struct incident_lines links;
};

struct incident {
    struct arena arena;
    bool cut;       /* something did not fit a ceiling */
    bool no_memory; /* a text could not be kept for want of memory: the incident must not be used */

    const char *id; /* INCIDENT_ID_CHARS lower-case hex digits, out of the anchor: the strongest, earliest sign */
    const char *vm_id, *vm_name, *host_id, *host_name, *cluster;
    int64_t time;
    enum incident_source time_source;
    enum incident_kind kind;
    bool rebooted; /* a reset, or a start, followed within minutes */

    struct incident_bugcheck bugcheck;
    struct incident_linux linux_panic;
    struct incident_dump dumps[INCIDENT_DUMPS_MAX];
    int dump_count;
    enum incident_origin origin; /* of what the first dump blames */

    struct incident_drift drift;
    const char *guest_os, *guest_os_version;
    enum guest_family family;
    const char *host_os_version, *host_is_version;
    int64_t host_booted; /* the host's start that is nearest to the crash, in the window; 0 none known */
    int64_t uptime_ns;
    enum incident_source uptime_source;
    struct incident_migration migration;
    struct incident_configuration configuration;
    struct incident_storage storage;
    struct incident_cluster_event cluster_events[INCIDENT_DEVICES_MAX];
    int cluster_event_count;
    struct incident_other others[INCIDENT_OTHERS_MAX]; /* of the same host, in the window */
    int other_count;

    int64_t window_from, window_to; /* what storage, cluster and others were looked for in */
    int gaps;                       /* of what is known in that window */
    struct incident_lines notes;    /* what a reader must know: joins that are not certain, repeats */

    struct incident_entry *timeline; /* in order of time */
    int timeline_count;
    struct incident_place signs[INCIDENT_SIGNS_MAX]; /* in order of agent and number */
    int sign_count;
    struct incident_finding *findings; /* surest first, then in order of rule */
    int finding_count;
};

struct incident *incident_new(void); /* NULL out of memory; all not known */
void incident_free(struct incident *i);

/* A cleaned, cut copy of text in the incident; marks it cut when it is full, and no_memory out of memory ("" then):
 * whoever makes an incident looks at the end. */
const char *incident_text(struct incident *i, const char *text);
const char *incident_textf(struct incident *i, const char *fmt, ...) PRINTF_LIKE(2, 3);
void incident_line(struct incident *i, struct incident_lines *lines, const char *text);

/* "0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL", "Linux 6.6.87 panic", "triple fault": for lists and subjects. */
void incident_headline(const struct incident *i, char *out, size_t size);
enum { INCIDENT_HEADLINE_MAX = 160 };
/* The blamed module ("storvsc.sys"), "" when no dump blames one. */
const char *incident_module(const struct incident *i);

/* What triage says of a module, a kind of culprit ("hardware", "memory", "storage", ...) and its name. */
enum incident_origin incident_origin_of(const char *culprit_kind, const char *module);

struct incident_list {
    struct incident **items; /* owned, in order of time, then id */
    size_t count;
    bool cut; /* the case file had to leave something out */
};
void incident_list_free(struct incident_list *l);

/* ---- JSON ----------------------------------------------------------------
 * One object of "incidents" in hvfleet.report.incidents/1 (design.md, "JSON
 * that others rely on"), with more in it: id, vm_id, vm_name, host, time,
 * bugcheck, culprit, drift_state, findings, timeline are fixed.  Equal
 * incidents give equal bytes.  Appended to out. */
MUST_USE int incident_json(const struct incident *i, struct buf *out, struct err *e);

/* Reads what incident_json() wrote; unknown keys are passed over, missing ones
 * are "not known".  ERR_INVALID names the key and what is wrong with it;
 * *out is then NULL. */
MUST_USE int incident_from_json(const char *json, size_t len, struct incident **out, struct err *e);

#endif
