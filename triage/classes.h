/* Which drivers may be blamed, and which are Windows' own.  For this room, and for incidents/.
 *
 * A minidump does not say whose a driver is, so this is a fixed table of names
 * (dumps.md 3.9 E).  docs/triage.md gives the reasons.
 */
#ifndef TRIAGE_CLASSES_H
#define TRIAGE_CLASSES_H

#include <stdbool.h>

enum module_class {
    CLASS_CORE,      /* the kernel and what it is made of: never blamed, the walk goes on */
    CLASS_FRAMEWORK, /* runs other drivers' work: blamed only when nothing below it can be */
    CLASS_SUBSYSTEM, /* large parts of Windows that pass on others' mistakes: as above, but what a stack
                        scan finds below is not enough to shift the blame */
    CLASS_DEFINITE
};

enum module_class class_of(const char *name);
/* One of the files that come with Windows. */
bool class_is_system_file(const char *name);

#endif
