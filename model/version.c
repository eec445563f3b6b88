/* See version.h. */
#include "model/version.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { PARTS = 4 };

/* Reads one decimal part and moves *p past it; false on no digits or overflow. */
static bool part(const char **p, uint32_t *out)
{
    uint64_t v = 0;
    const char *s = *p;

    for (; *s >= '0' && *s <= '9'; s++) {
        v = v * 10 + (uint64_t)(*s - '0');
        if (v > UINT32_MAX)
            return false;
    }
    if (s == *p)
        return false;
    *p = s;
    *out = (uint32_t)v;
    return true;
}

int version_parse(const char *text, struct version *out)
{
    struct version v = { { 0 } };
    int count = 0;

    *out = v;
    do {
        if (count == PARTS || !part(&text, &v.part[count]))
            return 0;
        count++;
    } while (*text++ == '.');
    if (text[-1] != '\0')
        return 0;
    *out = v;
    return count;
}

int version_compare(const struct version *a, const struct version *b)
{
    for (int i = 0; i < PARTS; i++) {
        if (a->part[i] != b->part[i])
            return a->part[i] < b->part[i] ? -1 : 1;
    }
    return 0;
}

bool version_is_zero(const struct version *v)
{
    static const struct version zero;

    return version_compare(v, &zero) == 0;
}

char *version_format(const struct version *v, char *out)
{
    int len;

    out[0] = '\0';
    if (version_is_zero(v))
        return out;
    len = snprintf(out, VERSION_TEXT_MAX, "%" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32, v->part[0], v->part[1],
                   v->part[2], v->part[3]);
    assert(len > 0 && len < VERSION_TEXT_MAX);
    return out;
}
