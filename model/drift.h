/* The drift rule: the decision table C.4 of hyperv.md, one table, first match
 * wins.  Pure: no clock, no store, no logging.  "Current" is never a default.
 */
#ifndef MODEL_DRIFT_H
#define MODEL_DRIFT_H

#include "model/guest.h"
#include "model/host.h"
#include "model/version.h"

enum { DRIFT_ROWS = 14, DRIFT_REASON_MAX = 384, DRIFT_EVIDENCE_MAX = 12, DRIFT_EVIDENCE_TEXT_MAX = 256 };

/* Row 11.  The defaults are those of the reference. */
struct drift_floors {
    struct version win61_63; /* 6.3.9600.18907: guests of 6.1 and 6.3 */
    struct version win62;    /* 6.3.9600.18080: guests of 6.2 */
};
struct drift_floors drift_floors_default(void);

/* The highest integration services version seen in the fleet for each guest OS
 * build (row 10).  Opaque; takes 128 KiB, room for 4096 builds: more are left out. */
struct drift_peers;
struct drift_peers *drift_peers_new(void);
void drift_peers_free(struct drift_peers *p);
/* Returns true when this guest raised the highest version of its build. */
bool drift_peers_add(struct drift_peers *p, const struct guest *g);
/* NULL when nobody with that OS build was seen. */
const struct version *drift_peers_highest(const struct drift_peers *p, const struct version *os);
bool drift_peers_same(const struct drift_peers *a, const struct drift_peers *b);
/* Direct access for stores that keep the peers: key is major.minor.build. */
bool drift_peers_put(struct drift_peers *p, const struct version *os, const struct version *highest);

struct drift_verdict {
    struct drift_kept kept;
    enum guest_family family;
    char guest_version[VERSION_TEXT_MAX * 2];    /* as the guest said it; "" unknown */
    char expected_version[VERSION_TEXT_MAX * 2]; /* host's E, the floor, or the peers' highest; "" none */
    char reason[DRIFT_REASON_MAX];               /* one sentence with the raw values */
    const char *action;                          /* one sentence, static; right for the guest's OS generation */
    /* Lines such as "KVP IntegrationServicesVersion 6.3.9600.16384 (2026-01-31T08:00:00Z)";
     * disagreements between signals are lines of their own and start with "disagreement: ". */
    char evidence[DRIFT_EVIDENCE_MAX][DRIFT_EVIDENCE_TEXT_MAX];
    int evidence_count;
    int expected_line;   /* which of them drift_expected_line() made; -1 none */
    bool expected_win5x; /* and for which guests */
};

/* host is the host the guest is on, or NULL when not known; peers may be NULL.
 * g->drift is the verdict kept so far: row 1 keeps its state, and `since` is
 * carried on while the state stays the same; otherwise since is the newest of
 * the times at which the deciding inputs took their values.
 *
 * A verdict is stale when what it rests on may no longer be so: the VM does not
 * run (row 1), no poll has had it since it last connected, the newest poll that
 * had it held no version though an older one did, or the newest inventory is
 * more than three days older than its host's newest poll.  Which values and
 * events count is written in drift_inputs.h. */
void drift_evaluate(const struct host *host, const struct guest *g, const struct drift_peers *peers,
                    const struct drift_floors *floors, struct drift_verdict *out);

/* How long a verdict holds while its inputs stay, for who keeps verdicts (it is tested against drift_evaluate()):
 * - A host that says what it said before: the verdicts of its guests stay, but for the two below. */
bool drift_same_host(const struct host *before, const struct host *now);
/* - Polls of the host go on: the verdict stays while host->last_poll is below this.  INT64_MAX: for ever. */
int64_t drift_holds_until(const struct host *host, const struct guest *g);
/* - The line of the evidence that says what the host expects, with the time of its newest word. */
void drift_expected_line(const struct host *host, bool win5x, char out[DRIFT_EVIDENCE_TEXT_MAX]);

/* The table itself, for docs, tests and reports: row 1..14. */
const char *drift_row_title(int row);

#endif
