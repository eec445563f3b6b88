/* What is known around a crash, in words: for the reports and for the dashboard.
 *
 * Texts are made of an incident's own, which are clean but written by guests: whoever puts them into a page escapes
 * them.  Pure functions.
 */
#ifndef REPORT_INCIDENT_WORDS_H
#define REPORT_INCIDENT_WORDS_H

#include "base/error.h"
#include "incidents/incident.h"

#include <stdbool.h>

/* Called for each fact, in the order in which people ask for them.  label: a word or two ("Live migration"), static.
 * known: false where the text says that nothing is known, or that nothing of the kind was told. */
typedef void incident_take_fact(void *arg, const char *label, const char *text, bool known);

/* ERR_MEMORY: some facts were not told. */
MUST_USE int incident_facts(const struct incident *i, incident_take_fact *take, void *arg, struct err *e);

/* How long before ("-0:02:03") or after ("+0:00:07.4", tenths when it is near) the crash; "0:00:00" is the crash;
 * "" when either time is not known.  Hours may have more digits. */
enum { INCIDENT_OFFSET_MAX = 32 };
const char *incident_offset(const struct incident *i, int64_t time, char out[INCIDENT_OFFSET_MAX]);

/* "2026-01-31 08:00:03" in UTC, or "not known". */
enum { INCIDENT_TIME_MAX = 32 };
const char *incident_time_words(int64_t time, char out[INCIDENT_TIME_MAX]);

/* The name of the guest; without one its id; without that what is to be said instead. */
const char *incident_guest(const struct incident *i);

/* "storvsc.sys+0x2b8", "storvsc.sys", what triage blames that is no module, or "". */
enum { INCIDENT_BLAMED_MAX = 2 * INCIDENT_TEXT_MAX };
const char *incident_blamed(const struct incident *i, char out[INCIDENT_BLAMED_MAX]);

/* "during a live migration", "30 s after": for lists; "" when none is known. */
const char *incident_moved(const struct incident *i, char out[64]);

/* A length as times_format_length() tells it, but to the second up to two minutes ("72 s": disk timeouts are of that
 * size), and shorter ones finer ("3.5 s", "350 ms"). */
const char *incident_length(int64_t ns, char out[32]);

#endif
