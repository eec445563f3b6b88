/* The rows that incidents are made of and kept in (fleet_incidents.h), as a body
 * of the store sees them (fleet_body.h).
 *
 * Texts of rows that are read are valid during the call only.
 */
#ifndef HUB_FLEET_INCIDENT_ROWS_H
#define HUB_FLEET_INCIDENT_ROWS_H

#include "hub/fleet_incidents.h"

enum { FLEET_TODO_KEY_MAX = 256, FLEET_TODOS_MAX = 256, FLEET_CODE_MAX = 16 };

/* What a copied observation is to incidents.  The numbers are stored. */
enum circumstance_role {
    CIRCUMSTANCE_GUEST = 0,  /* what happened to a guest: starts, migrations, version events */
    CIRCUMSTANCE_SIGN = 1,   /* of a crash of a VM */
    CIRCUMSTANCE_STRAY = 2,  /* of a crash of a VM that it does not name */
    CIRCUMSTANCE_HOST = 3,   /* trouble of a host */
    CIRCUMSTANCE_SHARED = 4, /* trouble of a whole cluster */
    CIRCUMSTANCE_GAP = 5,    /* something is not known */
    CIRCUMSTANCE_CONFIG = 6, /* how a guest is set up */
    CIRCUMSTANCE_TOLD = 7,   /* not stored: an observation of a guest, read from where all of them lie (ASK_TOLD) */
};

/* A copy of an observation that counts for incidents. */
struct fleet_circumstance {
    int64_t stream;
    uint64_t seq;
    enum circumstance_role role;
    int64_t received;
    int64_t time;                 /* its own: of a dump the crash's */
    int64_t reach_from, reach_to; /* the times of incidents that it concerns */
    const char *vm_id, *vm_name;  /* "" not told */
    const char *code;             /* a bug check's, without the _M bit: "0x000000d1"; "" none */
    const char *what;             /* "boot", "arrival", "config": what is asked for by itself; "" */
    struct resource who;          /* agent, host, its name, cluster, OS and expected version; the rest empty */
    const void *payload;          /* the record as LogRecord bytes */
    size_t len;
};
typedef bool fleet_take_circumstance(void *arg, const struct fleet_circumstance *c);

/* Which ones; the key is in brackets. */
enum circumstance_question {
    ASK_VM,         /* all of a VM [its id] */
    ASK_STRAYS,     /* strays [""] */
    ASK_CODE,       /* signs with a VM, by [code] */
    ASK_NAME,       /* all that name a VM by id and [name]; ASCII case does not count */
    ASK_HOST_SIGNS, /* signs, strays too, of a [host id] */
    ASK_HOST,       /* trouble that reaches into the time, of a [host id] */
    ASK_CLUSTER,    /* the same of a [cluster] */
    ASK_GAPS,       /* gaps that reach into the time, of a [host id] */
    ASK_BOOT,       /* a VM's starts and resets [its id] */
    ASK_ARRIVAL,    /* its arrivals by migration */
    ASK_CONFIG,     /* how it was set up */
    ASK_TOLD, /* the newest that its drift rests on, the oldest of them first: of the observations themselves [its id]
               */
    ASK_COUNT
};

/* Whose incidents are to be computed anew.  The numbers are stored. */
enum todo_scope {
    TODO_VM = 0,      /* of a VM; "" those of no VM */
    TODO_HOST = 1,    /* the stored ones of a host */
    TODO_CLUSTER = 2, /* of a cluster */
    TODO_MODULE = 3,  /* that blame a module */
    TODO_STRAY = 4,   /* of all VMs with a sign of this code; "" of any code */
};

struct fleet_todo {
    bool sign; /* incidents may come to be; else only stored ones change */
    enum todo_scope scope;
    char key[FLEET_TODO_KEY_MAX];
    int64_t from, to; /* times of incidents */
    int64_t due;      /* by the hub's clock: what only adds to a picture waits a little for more of its kind */
};
typedef bool fleet_take_todo(void *arg, const struct fleet_todo *t);

/* With which rules stored incidents were gone through, and how far that has come (fleet_incidents_review.c). */
struct fleet_review {
    uint64_t digest;
    bool pending;        /* it has not come to the end */
    int64_t before_time; /* the place of the last one that was noted; before_id "": none was */
    char before_id[INCIDENT_ID_CHARS + 1];
};

struct fleet_incident_row {
    const char *id, *vm_id, *vm_name, *host_id, *host_name, *cluster;
    int64_t time;
    const char *kind;        /* incident_kind_name() */
    const char *code;        /* "0x000000d1", the _M bit aside; "" none */
    const char *module;      /* the blamed one */
    const char *drift_state; /* "" not known */
    const char *origin;
    const char *finding;    /* the surest rule's id; "" none */
    const char *confidence; /* of it; "" none.  Written, and not read back: it is in the JSON */
    const char *headline;
    int64_t first_seen, updated;
    const char *json;
    size_t len;
};
typedef bool fleet_take_incident_row(void *arg, const struct fleet_incident_row *r);
typedef bool fleet_take_place(void *arg, const char *vm_id, const char *host_id, int64_t time);

#endif
