/* See run.h. */
#include "model/run.h"

#include <assert.h>

/* The run cannot reach back to or past another value. */
static void shorten(struct run r)
{
    if (*r.since <= *r.other)
        *r.since = *r.time;
}

static bool same_value(struct run r, int64_t t)
{
    if (t > *r.time)
        *r.time = t;
    else if (t > *r.other && t < *r.since)
        *r.since = t;
    shorten(r);
    return false;
}

static bool newer_value(struct run r, int64_t t)
{
    if (*r.time != 0)
        *r.other = *r.time;
    *r.time = *r.since = t;
    return true;
}

static bool older_value(struct run r, int64_t t)
{
    if (t > *r.other)
        *r.other = t;
    shorten(r);
    return false;
}

bool run_take(struct run r, int64_t t, int order)
{
    assert(t > 0);
    if (*r.time == 0 || (order != 0 && (t > *r.time || (t == *r.time && order > 0))))
        return newer_value(r, t);
    return order == 0 ? same_value(r, t) : older_value(r, t);
}
