/* Rules that turn an incident into findings: YAML that people can read and add
 * to (docs/rules.md).
 *
 * A rule names conditions.  `needs` must all be met for the rule to hold;
 * `expects` should be met: one that is contradicted sinks the rule, one that is
 * not known lowers its confidence; `helps` and `against` only shift it.  A fact
 * that is not known is never met, and is listed as not known.
 *
 * Immutable once loaded; any thread may apply it.
 */
#ifndef INCIDENTS_RULES_H
#define INCIDENTS_RULES_H

#include "base/buf.h"
#include "base/error.h"
#include "incidents/incident.h"

struct rules;
struct incident_surroundings; /* case_file.h */

enum { RULES_MAX = 256, RULES_FILES_MAX = 64 };

/* Those that come with the program (hub/rules/).  Never NULL but out of memory; the caller frees. */
struct rules *rules_shipped(void);

/* Reads one file's bytes; name is for the problems.  Problems are appended as
 * "NAME:LINE:COL: key: what is wrong, and the remedy", in the words of config.
 * ERR_INVALID when there are any, ERR_TOO_BIG where what was read takes more room
 * than one file's rules may, ERR_MEMORY; each has its line, and *out is then NULL. */
MUST_USE int rules_parse(const char *name, const char *yaml, size_t len, struct rules **out, struct buf *problems);

/* The shipped rules, and on top of them those of the given files: a rule with
 * the id of an earlier one takes its place, and `enabled: false` takes it out.
 * Reads every file, so that all problems are told at once; blocks. */
MUST_USE int rules_load(const char *const *paths, size_t count, struct rules **out, struct buf *problems);
void rules_free(struct rules *r);

size_t rules_count(const struct rules *r);
const char *rules_id(const struct rules *r, size_t index); /* in order of id */
const char *rules_title(const struct rules *r, size_t index);
bool rules_enabled(const struct rules *r, size_t index);

/* How long a guest waits for a disk before it gives up (`guest-disk-timeout` in rules): RULES_DISK_TIMEOUT_S unless it
 * is set, which is for whoever loaded them and before anybody applies them. */
enum { RULES_DISK_TIMEOUT_S = 60 };
void rules_disk_timeout(struct rules *r, int64_t ns);

/* The same for the same files in the same order and the same timeout; different, as good as always, for others. */
uint64_t rules_digest(const struct rules *r);

/* Sets i's findings anew: every rule that holds.  around may be NULL.  ERR_MEMORY leaves none. */
MUST_USE int rules_apply(const struct rules *r, struct incident *i, const struct incident_surroundings *around,
                         struct err *e);

/* The keys that conditions may have, for docs and tests; NULL past the last. */
const char *rules_condition_name(size_t index);
const char *rules_condition_help(size_t index);

#endif
