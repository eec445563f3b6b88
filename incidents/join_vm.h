/* Whose a dump is that does not say so.  Private to incidents/. */
#ifndef INCIDENTS_JOIN_VM_H
#define INCIDENTS_JOIN_VM_H

#include "incidents/case.h"

/* Gives signs without a VM theirs, where it is certain, and says in words where
 * it is not.  Dumps: by the strong key among reports near in time, when exactly
 * one VM has one (or one whose name is the dump's folder); then by the folder's
 * name, when exactly one VM has it.  "Dump written" events: by the path of a
 * dump, then when exactly one VM of that host had just crashed. */
MUST_USE int join_find_vms(const struct clue *const *clues, size_t count, struct sign *signs, int sign_count,
                           const struct case_options *options, struct err *e);

#endif
