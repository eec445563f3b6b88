/* What the rows of the decision table look at, gathered from a host and a guest
 * once: which values and events count now, and which are of another boot, of
 * another host, or cleared.  Private to model/.
 *
 * What counts:
 * - A polled value counts when a poll since the guest's last boot (for
 *   components: since it last connected) held it, or when no poll has come since then: the
 *   last one is kept, and the verdict is stale.  A guest whose poll gave the
 *   same answer as before is not told of again, so the host's newest complete
 *   poll confirms what its newest inventory said.
 * - An event counts when the host the guest is on logged it, since that host
 *   booted, and since the guest last connected to it.  An arrival by live migration is logged seconds after
 *   the channels connected, so events up to DRIFT_ARRIVAL_S before it count, unless
 *   the guest booted in between.
 * - 4000 and 4010 (ic-*) of a service are cleared by a 4020 of the same service.
 */
#ifndef MODEL_DRIFT_INPUTS_H
#define MODEL_DRIFT_INPUTS_H

#include "model/drift.h"

enum {
    DRIFT_ARRIVAL_S = 120,
    /* An inventory this much older than its host's newest poll makes the verdict stale. */
    DRIFT_STALE_S = 3 * 24 * 3600,
};

/* OperationalStatus (hyperv.md B.1). */
enum {
    STATUS_DEGRADED = 3,
    STATUS_NON_RECOVERABLE = 7,
    STATUS_NO_CONTACT = 12,
    STATUS_LOST = 13,
    STATUS_PROTOCOL_MISMATCH = 32775,
    ENABLED_STATE_DISABLED = 3,
    IS_STATE_CURRENT = 1,
    IS_STATE_MISMATCH = 2,
};

struct drift_inputs {
    const struct host *host; /* NULL unknown */
    const struct guest *g;
    const struct drift_peers *peers; /* NULL none */
    struct drift_floors floors;

    enum host_generation generation;
    enum guest_family family;
    bool running;   /* or not known to be anything else */
    int64_t polled; /* newest poll that confirms the guest's inventory; 0 none */
    bool stale;

    bool os_known; /* the guest's OSVersion parses */
    struct version os;

    bool is_there;              /* an IntegrationServicesVersion that counts */
    bool is_ok;                 /* it parses as four parts, and is not a Linux number */
    struct version is;          /* it */
    const char *expected_text;  /* E6 or E5 as read; "" none */
    bool expected_ok;           /* it parses as four parts */
    struct version expected;    /* it */
    const struct version *peer; /* the highest of the same OS build, or NULL */

    /* The newest event of each signal that counts, or NULL. */
    const struct mismatch *event[MISMATCH_COUNT];
};

void drift_inputs_gather(struct drift_inputs *in, const struct host *host, const struct guest *g,
                         const struct drift_peers *peers, const struct drift_floors *floors);

/* A component's status when it counts, or NULL. */
const struct ic_status *drift_status(const struct drift_inputs *in, enum ic_component c);

/* The first component whose OperationalStatus[0] or [1] is the given value; -1 none. */
int drift_find_status0(const struct drift_inputs *in, int status);
int drift_find_status1(const struct drift_inputs *in, int status);

/* Property 123, when it counts; -1 otherwise. */
int drift_is_state(const struct drift_inputs *in);

/* Whether the guest is on a host up to 2012 R2, whose expected version decides. */
bool drift_host_expects(const struct drift_inputs *in);

/* Row 10: a version that a guest of this OS can have (its own major and minor,
 * not a later build), so that one guest's lie does not make its peers look old. */
bool drift_is_plausible(const struct version *is, const struct version *os);

/* The verdict's evidence lines, from the inputs; disagreements included. */
void drift_evidence(const struct drift_inputs *in, struct drift_verdict *out);

/* The action for a state that row decided; static text. */
const char *drift_action(const struct drift_inputs *in, enum drift_state state, int row);

#endif
