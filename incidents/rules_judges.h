/* The judges of conditions that the table in rules_conditions.c takes from
 * rules_around.c, and what both use.  Private to incidents/.
 */
#ifndef INCIDENTS_RULES_JUDGES_H
#define INCIDENTS_RULES_JUDGES_H

#include "incidents/rules_model.h"

/* Whether one of the condition's patterns fits. */
bool rule_any_glob(const struct condition *c, const char *text);
/* "60 s"; below 10 s with its fraction.  Returns out. */
const char *rule_length(int64_t ns, char out[TIMES_TEXT_MAX]);

/* `which` of judge_fleet(). */
enum { MODULE_GUESTS, MODULE_HOSTS };

enum truth judge_migration_within(const struct condition *c, const struct facts *f, char *why);
enum truth judge_migration_during(const struct condition *c, const struct facts *f, char *why);
enum truth judge_blackout(const struct condition *c, const struct facts *f, char *why);
enum truth judge_stall(const struct condition *c, const struct facts *f, char *why);
enum truth judge_lost_path(const struct condition *c, const struct facts *f, char *why);
enum truth judge_storage_signal(const struct condition *c, const struct facts *f, char *why);
enum truth judge_cluster(const struct condition *c, const struct facts *f, char *why);
enum truth judge_others(const struct condition *c, const struct facts *f, char *why);
enum truth judge_host_restart(const struct condition *c, const struct facts *f, char *why);
enum truth judge_fleet(const struct condition *c, const struct facts *f, char *why);

#endif
