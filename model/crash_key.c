/* See crash_key.h. */
#include "model/crash_key.h"

#include "base/text.h"

#include <string.h>

#define BUGCHECK_MINIDUMP UINT64_C(0x10000000)

bool crash_key_of(const struct observation *o, struct crash_key *out)
{
    static const char *const keys[CRASH_PARAMETERS] = { ATTR_CRASH_PARAM1, ATTR_CRASH_PARAM2, ATTR_CRASH_PARAM3,
                                                        ATTR_CRASH_PARAM4 };

    *out = (struct crash_key){ .is_32bit = strcmp(obs_get_str(o, ATTR_DUMP_ARCH), "x86") == 0 };
    if (!text_u64(obs_get_str(o, ATTR_CRASH_CODE), &out->code))
        return false;
    for (int i = 0; i < CRASH_PARAMETERS; i++) {
        if (!text_u64(obs_get_str(o, keys[i]), &out->parameters[i]))
            return false;
    }
    return true;
}

bool crash_key_same(const struct crash_key *a, const struct crash_key *b)
{
    uint64_t mask = a->is_32bit || b->is_32bit ? UINT32_MAX : UINT64_MAX;

    if (((a->code ^ b->code) & ~BUGCHECK_MINIDUMP) != 0)
        return false;
    for (int i = 0; i < CRASH_PARAMETERS; i++) {
        if (((a->parameters[i] ^ b->parameters[i]) & mask) != 0)
            return false;
    }
    return true;
}
