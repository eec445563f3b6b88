/* One poll's answer: the instances of all classes, joined by VM GUID.
 *
 * Classes and properties: hyperv.md B.1 to B.4 and C.1.  Msvm_ComputerSystem
 * says which virtual machines there are; where it did not answer, the other
 * classes do.  A row whose key is no GUID is the host itself, or nobody's.
 *
 * KVP items are the guest's own words.  They are looked up by name; of two
 * items with one name the first counts; names and values are made printable
 * and cut at KVP_CHARS_MAX characters.  Items of a VM that is not running are
 * dropped: they are left-overs (B.4).
 *
 * What was read of an instance is remembered with a hash of its text, so that
 * the next poll parses only instances that have changed.  What is remembered and
 * no longer met is given up, with all the rest, when it outgrows what is in use.
 */
#ifndef COLLECTORS_KVP_POLL_H
#define COLLECTORS_KVP_POLL_H

#include "base/arena.h"
#include "base/error.h"
#include "collectors/cim_xml.h"
#include "collectors/kvp_memo.h"
#include "collectors/kvp_privacy.h"
#include "model/guest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KVP_CHARS_MAX = 1024,            /* of a name or a value: what Microsoft documents for both */
    KVP_INTRINSIC_MAX = 128,         /* items kept of one VM; those that decide drift always are */
    KVP_CUSTOM_MAX = 32,             /* the administrator's or the guest's own items */
    KVP_VM_BYTES_MAX = 128 * 1024,   /* of one VM's items */
    KVP_VMS_MAX = 20000,             /* of one poll */
    KVP_POLL_MAX = 64 * 1024 * 1024, /* bytes that are kept of this poll and earlier ones */
    KVP_PROBLEMS_MAX = 16,           /* kept of one poll */
    KVP_PROBLEM_MAX = 256,           /* bytes of one */
};

struct kvp_item_pair {
    const char *name, *value; /* printable, not empty */
    uint32_t name_len, value_len;
};

struct kvp_items {
    struct kvp_item_pair *list; /* by name when the poll is finished */
    int count, cap;
};

struct kvp_component {
    bool seen;
    int enabled, status0, status1; /* 0 not known */
};

struct kvp_vm {
    char id[GUID_TEXT_MAX];
    bool listed;           /* Msvm_ComputerSystem has it */
    bool summarised;       /* Msvm_SummaryInformation has it */
    const char *name;      /* "" not known */
    int64_t enabled_state; /* -1 not known */
    enum guest_power power;
    int is_state; /* property 123; -1 not known */
    struct kvp_component ic[IC_COUNT];
    struct kvp_items intrinsic, custom;
    size_t item_bytes;
    const char *problem; /* what could not be read, "" nothing */
    int problems;        /* how many such */
    uint64_t hash;       /* of all the above, when the poll is finished */
};

struct kvp_problem {
    char reason[32]; /* a word of ATTR_GAP_REASON */
    char text[KVP_PROBLEM_MAX];
};

struct kvp_poll {
    struct arena arena;   /* strings and parts; outlives a reset, unless it has outgrown `live` */
    struct kvp_memo memo; /* instances' texts to parts */
    size_t live;          /* bytes the last poll from scratch took; 0 none yet */
    struct kvp_vm *vms;   /* by id when the poll is finished */
    size_t count, cap;
    uint32_t *places; /* hash table over vms: index + 1 */
    size_t place_count;
    bool listed;   /* Msvm_ComputerSystem answered */
    bool broken;   /* something was lost: a VM that is absent is not known to be gone */
    int64_t alien; /* rows that are no VM */
    struct kvp_problem problems[KVP_PROBLEMS_MAX];
    int problem_count;
    struct cim_parser *outer, *inner;
    struct kvp_privacy privacy; /* outlives a reset */
};

/* privacy: which items are taken; NULL all.  Its key is the caller's to make ready before anything is taken. */
MUST_USE int kvp_poll_init(struct kvp_poll *p, const struct agent_config_privacy *privacy, struct err *e);
/* For the next poll. */
void kvp_poll_reset(struct kvp_poll *p);
void kvp_poll_free(struct kvp_poll *p);

/* Takes in one class's answer.  What could not be read is a problem of the
 * poll; place names it there. */
void kvp_poll_take(struct kvp_poll *p, const char *class_name, const char *xml, size_t len, const char *place);

void kvp_poll_problem(struct kvp_poll *p, const char *reason, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Joins, drops what is not a VM of this host, sorts, hashes.  Once. */
void kvp_poll_finish(struct kvp_poll *p);

/* CIM EnabledState of a Msvm_ComputerSystem, both namespaces. */
enum guest_power kvp_power(int64_t enabled_state);

#endif
