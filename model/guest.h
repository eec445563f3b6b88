/* What is known of one VM, reduced from the observations about it.
 *
 * guest_apply() is the only place where observations become knowledge; the
 * agent's store, `hvagent replay` and the hub all use it.  It keeps for every
 * signal the newest one by the signal's own time, so that applying the same
 * observations twice, or in another order, ends in the same knowledge.  Only
 * the `since` of a value can depend on the order: it is exact when each host's
 * observations come in the order of their times, as an agent ships them, and
 * may otherwise be later than the truth, never earlier.
 *
 * Signals stay apart: event log, KVP version, component status, host's
 * expected version.  The drift rule (drift.h) compares them.
 */
#ifndef MODEL_GUEST_H
#define MODEL_GUEST_H

#include "base/buf.h"
#include "base/error.h"
#include "model/crash_key.h"
#include "model/guest_config.h"
#include "model/host.h"
#include "model/identity.h"
#include "model/observation.h"
#include "model/version.h"

enum {
    GUEST_NAME_MAX = 256,
    KVP_VALUE_MAX = 256, /* of the items that are kept here; observations carry up to 1024 characters */
    SIGNAL_SERVICE_MAX = 64,
    SIGNAL_DETAIL_MAX = 128,
};

/* Words: unknown running off saved paused starting stopping other */
enum guest_power {
    POWER_UNKNOWN,
    POWER_RUNNING,
    POWER_OFF,
    POWER_SAVED,
    POWER_PAUSED,
    POWER_STARTING,
    POWER_STOPPING,
    POWER_OTHER,
    POWER_COUNT
};

/* Words: heartbeat kvp shutdown timesync vss guest-service rdv */
enum ic_component { IC_HEARTBEAT, IC_KVP, IC_SHUTDOWN, IC_TIMESYNC, IC_VSS, IC_GUEST_SERVICE, IC_RDV, IC_COUNT };

/* Words: ic-incompatible (4000), ic-compatible (4010), kvp-older (4130 on 2008
 * R2), device-incompatible (23012, VmSwitch 26, StorageVSP 3),
 * device-compatible (23014, VmSwitch 27).  The all-clear (4020) is
 * hyperv.guest.version_ok and clears ic-* of the same service. */
enum mismatch_signal {
    MISMATCH_IC_INCOMPATIBLE,
    MISMATCH_IC_COMPATIBLE,
    MISMATCH_KVP_OLDER,
    MISMATCH_DEVICE_INCOMPATIBLE,
    MISMATCH_DEVICE_COMPATIBLE,
    MISMATCH_COUNT
};

enum guest_family { FAMILY_UNKNOWN, FAMILY_WINDOWS, FAMILY_LINUX, FAMILY_BSD };

/* The KVP items that decide something.  Their KVP names are in guest_words.c. */
enum kvp_item {
    KVP_FQDN,
    KVP_OS_NAME,
    KVP_OS_VERSION,
    KVP_OS_BUILD,
    KVP_OS_PLATFORM_ID,
    KVP_ARCHITECTURE,
    KVP_CSD_VERSION,
    KVP_IS_VERSION, /* IntegrationServicesVersion */
    KVP_ITEM_COUNT
};

struct kvp_value {
    char text[KVP_VALUE_MAX]; /* "" never seen */
    int64_t time;             /* last poll that held it */
    int64_t since;            /* first poll of the unbroken run with this very value */
    int64_t other;            /* newest poll with another value; 0 never */
};

/* One component's OperationalStatus, as the last poll that had it said. */
struct ic_status {
    int enabled; /* CIM EnabledState, 0 not known, 2 enabled, 3 disabled */
    int status0; /* OperationalStatus[0], 0 not known */
    int status1; /* OperationalStatus[1], 0 not known */
    int64_t time;
    int64_t since; /* of this combination */
    int64_t other; /* newest poll with another combination; 0 never */
};

/* The newest event of one signal for one service or device. */
struct mismatch {
    int64_t time; /* 0: never */
    char service[SIGNAL_SERVICE_MAX];
    char detail[SIGNAL_DETAIL_MAX]; /* "message negotiated 4.0 expected 5.0", for evidence lines */
    char host_id[HOST_ID_MAX];      /* who logged it: another host's event says nothing of this one */
    int64_t event_id;
};

/* What one host said of where the guest is. */
struct guest_place {
    char host_id[HOST_ID_MAX]; /* "": a free place */
    int64_t seen;              /* newest evidence that the guest was there; 0 none */
    bool running;              /* whether that evidence says it ran */
    int64_t arrived;           /* newest arrival there by migration; 0 none */
    int64_t removed;           /* newest complete poll that no longer had it; 0 none */
};

enum {
    /* The hosts that said something last. */
    GUEST_PLACES = 8,
    /* Clocks of two hosts may differ by this much before the wrong one is believed. */
    GUEST_SKEW_S = 600,
};

/* Places per signal: seven services, or so many devices; the oldest gives way. */
enum { MISMATCH_PLACES = 8 };

enum drift_state {
    DRIFT_UNKNOWN,
    DRIFT_CURRENT,
    DRIFT_BEHIND,
    DRIFT_BEHIND_PROTOCOL,
    DRIFT_INCOMPATIBLE,
    DRIFT_NEWER_THAN_HOST,
    DRIFT_INBOX_BEHIND_PEERS,
    DRIFT_NOT_APPLICABLE,
    DRIFT_STATE_COUNT
};

/* The verdict that is kept (drift.h makes it). */
struct drift_kept {
    enum drift_state state;
    int row; /* of the decision table, 1..14; 0 never evaluated */
    bool stale;
    int64_t since; /* since when the guest is in this state */
};

struct guest {
    char vm_id[GUID_TEXT_MAX];
    char name[GUEST_NAME_MAX];
    int64_t name_time;

    char host_id[HOST_ID_MAX]; /* the host that saw it last */
    int64_t host_time;         /* when that was */
    int64_t host_since;        /* when it came there; 0 not known */
    bool removed;              /* deleted, or gone from its host and not seen elsewhere */
    int64_t removed_time;
    /* What the five above are computed from, in order of host id.  A guest is
     * on the host that saw it last and has not missed it since. */
    struct guest_place places[GUEST_PLACES];

    enum guest_power power;
    int64_t power_time;
    int64_t connected_since; /* newest start, reset, restore or arrival: events before it are of another boot */
    int64_t booted;          /* newest start or reset */
    int64_t reconnected;     /* newest start, reset or restore */
    int64_t arrived;         /* newest arrival by migration, on any host */
    int64_t last_seen;       /* newest observation about it that shows it was there */

    int64_t inventory_time; /* newest poll that had it */
    struct kvp_value kvp[KVP_ITEM_COUNT];
    struct ic_status ic[IC_COUNT];
    int is_state; /* property 123: -1 never seen, else 0, 1, 2 */
    int64_t is_state_time;

    struct mismatch mismatch[MISMATCH_COUNT][MISMATCH_PLACES];
    struct mismatch all_clear[MISMATCH_PLACES]; /* 4020, by service */

    int64_t last_crash;
    char last_crash_code[32]; /* "0x0000007a"; the kind of crash where it has no code */
    bool last_crash_has_parameters;
    uint64_t last_crash_parameters[CRASH_PARAMETERS]; /* of the bug check; with the code, the key to its dump */
    int64_t last_migration;

    struct guest_config config;

    struct drift_kept drift;
};

const char *guest_power_name(enum guest_power p);
enum guest_power guest_power_parse(const char *word);
const char *ic_component_name(enum ic_component c);
/* The CIM class (Msvm_HeartbeatComponent ...) a component is polled from. */
const char *ic_component_class(enum ic_component c);
const char *mismatch_signal_name(enum mismatch_signal s);
bool mismatch_signal_parse(const char *word, enum mismatch_signal *out);
const char *drift_state_name(enum drift_state s);
bool drift_state_parse(const char *word, enum drift_state *out);
const char *guest_family_name(enum guest_family f);
/* The KVP item's name ("OSVersion"). */
const char *kvp_item_name(enum kvp_item i);
/* True for the items without which drift can not be told: all of the above but the guest's own name. */
bool kvp_decides_drift(const char *name);

void guest_init(struct guest *g, const char *vm_id);

/* Takes in one observation whose hyperv.vm.id is g->vm_id, made by host_id.
 * Idempotent and independent of order, as said above.  Returns true when
 * something that decides drift has changed. */
bool guest_apply(struct guest *g, const char *host_id, const struct observation *o);

/* The key of the guest's last crash; false when it had none (a triple fault, a
 * Linux panic, or no crash yet). */
bool guest_crash_key(const struct guest *g, struct crash_key *out);

/* hyperv.md B.3: Linux when OSPlatformId is missing or ProcessorArchitecture is
 * no number (BSD by OSName); Windows when OSPlatformId is 2 or the
 * architecture is a number; unknown with no items at all. */
enum guest_family guest_family_of(const struct guest *g);

/* As host_encode(), host_decode(). */
MUST_USE int guest_encode(const struct guest *g, struct buf *out, struct err *e);
MUST_USE int guest_decode(struct guest *g, const void *bytes, size_t len, struct err *e);

#endif
