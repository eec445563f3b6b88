/* Captured host data through the same collectors and reducer as in service,
 * without store, hub or socket: bundles in, guests and drift out.
 *
 * The sources of all bundles are merged by the time of what they tell, and
 * drift is evaluated after every KVP poll, as it would have been while it happened; so a
 * guest that is switched off at the end keeps the state it was last seen in, and one that
 * moved between two bundles' hosts is followed.  Crashes become incidents, each with how
 * its guest stood then.
 *
 * One thread.  Nothing is written but to memory.
 */
#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H

#include "base/buf.h"
#include "base/error.h"
#include "report/drift_report.h"

#include <jansson.h>
#include <stdint.h>

struct replay;

/* NULL out of memory. */
struct replay *replay_new(void);
void replay_free(struct replay *r);

/* A folder with one bundle.  Before replay_run(). */
MUST_USE int replay_add(struct replay *r, const char *dir, struct err *e);

/* Takes all steps of all sources until nothing more comes.  progress (may be NULL) is called
 * now and then with the source that was read last. */
MUST_USE int replay_run(struct replay *r, void (*progress)(void *arg, const char *source, int64_t observations),
                        void *arg, struct err *e);

/* hvfleet.report.drift/1 with these besides: incidents (as in hvfleet.report.incidents/1), observations (count by
 * kind), crashes, dumps, migrations, gaps (lists, of REPLAY_LIST_MAX at most), storage (count by signal), problems
 * (sources that could not be read).  NULL on error. */
enum { REPLAY_LIST_MAX = 100000 };
json_t *replay_json(struct replay *r, int64_t now_ns, struct err *e);

MUST_USE int replay_text(struct replay *r, int64_t now_ns, const struct report_style *style, struct buf *out,
                         struct err *e);

/* True when a source could not be read to its end. */
bool replay_troubled(const struct replay *r);

#endif
