/* Names of bug check codes and what their parameters mean.  For this room, and for incidents/. */
#ifndef TRIAGE_BUGCHECKS_H
#define TRIAGE_BUGCHECKS_H

#include "triage/dump_header.h"

#include <stdint.h>

/* "DRIVER_IRQL_NOT_LESS_OR_EQUAL", with "_M" where the code has the minidump
 * bit; "UNKNOWN" for a code not in the table. */
const char *bugcheck_name(uint32_t code);

/* The meanings for this code and, where it has subtypes, for this subtype;
 * never NULL, "" where nothing is documented.  *cause says what the subtype
 * means; "" none. */
void bugcheck_meanings(uint32_t code, const uint64_t params[DUMP_PARAMS], const char *meanings[DUMP_PARAMS],
                       const char **cause);

/* For the tests that walk the tables. */
struct bugcheck_row {
    uint32_t code;
    const char *name;
    const char *params[DUMP_PARAMS]; /* NULL or "" not documented */
};

/* One value, or a range, of the parameter that says what kind it is. */
struct bugcheck_subtype {
    uint32_t code;
    uint32_t first, last; /* of the kind */
    const char *cause;
    const char *params[DUMP_PARAMS - 1]; /* of the other three; NULL keeps the code's general meaning */
};

extern const struct bugcheck_row bugcheck_rows[];
extern const unsigned bugcheck_row_count;
extern const struct bugcheck_subtype bugcheck_subtypes[];
extern const unsigned bugcheck_subtype_count;

#endif
