/* Incidents with everything in them, for tests of what shows them.  The caller frees them. */
#ifndef TESTS_REPORT_SUPPORT_INCIDENT_H
#define TESTS_REPORT_SUPPORT_INCIDENT_H

#include "base/times.h"
#include "incidents/incident.h"

/* When the first of them crashed: 2024-01-31T08:00:00Z. */
#define CRASHED (INT64_C(1706688000) * NS_PER_S)

/* A 0xD1 in storvsc.sys 12 s after a live migration, with storage trouble, a gap, another guest, and a finding. */
struct incident *incident_of_storvsc(void);

/* A Linux panic a minute later of which nothing else is known. */
struct incident *incident_of_linux(void);

/* The first, with `text` wherever a guest, or somebody's rule, may write. */
struct incident *incident_written_by(const char *text);

#endif
