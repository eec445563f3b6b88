/* An incident out of a line of facts, for tests of rules:
 *   "code=0xd1 p1=0x0 module=storvsc.sys os=6.1.7601 drift=current migrated=30 disk=scsi vhd=dynamic"
 * Facts: code p1..p4 kind module culprit os host family drift dynamic pressure disk vhd uptime migrated during
 * blackout stall signal lost cluster others boot gaps; and of the surroundings: guests hosts.  Numbers are seconds. */
#ifndef TESTS_INCIDENTS_SUPPORT_FACTS_H
#define TESTS_INCIDENTS_SUPPORT_FACTS_H

#include "incidents/case_file.h"
#include "tests/support/suite.h"

struct incident *incident_with(const char *facts, struct incident_surroundings *around);

/* The finding of that rule; NULL when the rule does not hold. */
const struct incident_finding *finding_of(const struct incident *i, const char *rule);

#endif
