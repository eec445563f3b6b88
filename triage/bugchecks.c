/* See bugchecks.h.  The tables are in bugcheck_names.c and bugcheck_subtypes.c. */
#include "triage/bugchecks.h"

#include "triage/rules.h"

#include <stddef.h>

/* The codes with the minidump bit that Windows names. */
static const struct {
    uint32_t code;
    const char *name;
} minidump_names[] = {
    { 0x1000007E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M" },
    { 0x1000007F, "UNEXPECTED_KERNEL_MODE_TRAP_M" },
    { 0x1000008E, "KERNEL_MODE_EXCEPTION_NOT_HANDLED_M" },
    { 0x100000EA, "THREAD_STUCK_IN_DEVICE_DRIVER_M" },
};

static const struct bugcheck_row *row_of(uint32_t code)
{
    unsigned lo = 0, hi = bugcheck_row_count;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;

        if (bugcheck_rows[mid].code == code)
            return &bugcheck_rows[mid];
        if (bugcheck_rows[mid].code < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static const struct bugcheck_row *row_of_base(uint32_t code)
{
    const struct bugcheck_row *r = row_of(code);

    return r != NULL ? r : row_of(code_base(code));
}

const char *bugcheck_name(uint32_t code)
{
    const struct bugcheck_row *r = row_of_base(code);

    for (size_t i = 0; i < sizeof minidump_names / sizeof minidump_names[0]; i++)
        if (minidump_names[i].code == code)
            return minidump_names[i].name;
    return r != NULL ? r->name : "UNKNOWN";
}

/* The parameter that says what kind it is; the first unless the rules say otherwise. */
static size_t key_of(uint32_t code)
{
    const struct fault_rule *r = fault_rule_of(code);

    return r->subtype != 0 ? r->subtype - 1u : 0;
}

static const struct bugcheck_subtype *subtype_of(uint32_t code, uint64_t kind)
{
    for (unsigned i = 0; i < bugcheck_subtype_count; i++)
        if (bugcheck_subtypes[i].code == code && kind >= bugcheck_subtypes[i].first &&
            kind <= bugcheck_subtypes[i].last)
            return &bugcheck_subtypes[i];
    return NULL;
}

void bugcheck_meanings(uint32_t code, const uint64_t params[DUMP_PARAMS], const char *meanings[DUMP_PARAMS],
                       const char **cause)
{
    const struct bugcheck_row *r = row_of_base(code);
    size_t key = key_of(code);
    const struct bugcheck_subtype *s = subtype_of(code_base(code), params[key]);

    for (size_t i = 0; i < DUMP_PARAMS; i++)
        meanings[i] = r != NULL && r->params[i] != NULL ? r->params[i] : "";
    *cause = s != NULL ? s->cause : "";
    for (size_t i = 0, j = 0; s != NULL && i < DUMP_PARAMS; i++) {
        if (i == key)
            continue;
        if (s->params[j] != NULL)
            meanings[i] = s->params[j];
        j++;
    }
}
