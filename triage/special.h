/* Bug checks that are explained by something else than an address.  Internal to the room. */
#ifndef TRIAGE_SPECIAL_H
#define TRIAGE_SPECIAL_H

#include "triage/dump.h"

/* True when the code has a rule of its own here and the rule found something:
 * the culprit is then set. */
bool special_blame(struct dump *d);

/* Sets the culprit.  driver -1 and name NULL take the subject's usual name. */
void culprit_set(struct dump *d, enum triage_subject subject, const char *name, int driver,
                 enum triage_confidence confidence, const char *evidence);

/* The pending request behind a power failure (irp.c) and the machine's error
 * record (whea.c); each sets the culprit and returns true when it found it. */
bool irp_blame(struct dump *d);
bool whea_blame(struct dump *d);

#endif
