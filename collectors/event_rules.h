/* The event rules: which event is worth an observation, and which of its fields
 * go where (hyperv.md A.2 to A.5).
 *
 * A provider has a list of rules, in order of id.  An id that means different
 * things on different hosts has several rules; the first of the host's
 * generation whose fields fit is taken.  On a host of unknown generation all
 * are tried.  What fits none is kept raw.
 *
 * The tables are data that a test can walk; event_apply.c carries them out.
 */
#ifndef COLLECTORS_EVENT_RULES_H
#define COLLECTORS_EVENT_RULES_H

#include "collectors/event.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/observation.h"

/* Host generations a rule holds for. */
enum {
    ON_2008R2 = 1 << 0, /* 2008 and 2008 R2 */
    ON_2012 = 1 << 1,   /* 2012 and 2012 R2 */
    ON_2016 = 1 << 2,   /* 2016 and later */
    ON_UP_TO_2012 = ON_2008R2 | ON_2012,
    ON_FROM_2012 = ON_2012 | ON_2016,
    ON_ALL = ON_2008R2 | ON_2012 | ON_2016,
};

/* How a field becomes an attribute. */
enum event_use_as {
    AS_VM_NAME,
    AS_VM_ID, /* must be a GUID */
    AS_TEXT,
    AS_MS,        /* a whole number, milliseconds */
    AS_SECONDS,   /* "0.5" */
    AS_CODE,      /* a number, written as ATTR_CRASH_CODE says */
    AS_FRAMEWORK, /* "Negotiated (3.0) - Expected (3.0)", words in any language */
    AS_MESSAGE,   /* the same, for the message version */
    AS_VERSION,   /* "6.1.7600.16385": must be a version of two parts at least */
};

/* One field of one rule.  Looked for by name, where the event has it, and else
 * by position. */
struct event_use {
    uint8_t at; /* %n; 0 by name only */
    uint8_t as; /* enum event_use_as */
    bool required;
    const char *name; /* NULL none known */
    const char *key;  /* attribute; NULL where `as` says it */
};

enum { EVENT_USES_MAX = 8 };

enum {
    RULE_NO_VM = 1 << 0,    /* about a guest, yet fits without a VM id */
    RULE_AND_NEXT = 1 << 1, /* where it fits, the next rule of the list is taken too */
};

struct event_rule;

/* Adds what a table cannot say and marks the fields it took (used[n] for %n);
 * false: the fields do not fit, o is dropped. */
typedef bool event_special(const struct event *event, struct observation *o, bool *used);

struct event_rule {
    uint32_t id;
    uint8_t hosts;
    uint8_t flags;
    enum obs_kind kind;
    enum obs_severity severity;
    const char *word;    /* VM_CHANGE, CRASH_KIND, MISMATCH_SIGNAL, MIGRATION_PHASE or SIGNAL, as the kind asks */
    const char *detail;  /* VM_REASON or MIGRATION_KIND, as the kind asks; NULL none */
    const char *service; /* IC_SERVICE; NULL: the provider's */
    const struct event_use *uses; /* EVENT_USES_MAX at most; ended by an entry of all zero.  NULL none */
    event_special *special;       /* NULL none */
    /* The sentence.  {vm}, {service}, {device} ... (event_sentence.c) stand for attributes;
     * a part in [] is left out when one of its attributes is missing. */
    const char *body;
};

struct event_rule_list {
    const struct event_rule *rules;
    size_t count;
};

enum event_watch {
    WATCH_RAW,   /* what no rule fits is kept raw */
    WATCH_RULES, /* what has no rule is nobody's business */
    WATCH_NOT,   /* looks like one of ours but is not about the host */
};

struct event_provider {
    const char *name; /* without "Microsoft-Windows-"; compared without case */
    bool is_prefix;
    bool is_driver; /* the name must not have the vendor before it */
    enum event_watch watch;
    const char *service;                 /* integration service its events are about; NULL */
    const struct event_rule_list *rules; /* NULL none */
    const char *why;                     /* WATCH_NOT: the reason */
};

/* Ids of watched providers that are not worth keeping. */
struct event_noise {
    const char *provider; /* as in event_provider; a prefix */
    uint32_t from, to;
    uint8_t hosts;
    const char *why;
};

extern const struct event_provider event_providers[]; /* first match wins */
extern const size_t event_provider_count;
extern const struct event_noise event_noise[];
extern const size_t event_noise_count;

/* Who the provider is; NULL when nobody watches it. */
const struct event_provider *event_provider_find(const char *name);
/* The first rule of that id; *count of them stand together, for all hosts. */
const struct event_rule *event_rules_find(const struct event_provider *provider, uint32_t id, size_t *count);
bool event_is_noise(const char *provider, uint32_t id, enum host_generation host);
/* The generation's bit; all of them for a generation that is not known. */
unsigned event_host_bit(enum host_generation host);

/* The lists of event_rules_guest.c and event_rules_host.c. */
extern const struct event_rule_list rules_integration, rules_ic_kvp, rules_ic_shutdown, rules_ic_vss,
    rules_ic_guest_interface, rules_ic_time_sync, rules_ic_rdv, rules_worker, rules_vmbus_device, rules_vm_switch,
    rules_vm_switch_2008, rules_chipset, rules_vmms, rules_high_availability, rules_crash_dump;
extern const struct event_rule_list rules_storage_vsp, rules_storage_vsp_2012, rules_synth_stor, rules_shared_vhdx,
    rules_vhdmp, rules_clustering, rules_smb_client, rules_stor_port, rules_disk, rules_miniport;

/* event_special.c: 18590; the path at the end of 40001; 20417; VM id and versions
 * wherever they stand, for the System log of old hosts, whose positions are not
 * known. */
event_special crash_report, crash_dump_path, migration_was_long, mismatch_by_shape;

#endif
