/* The way of the data on one thread, to be broken anywhere: a bundle's sources, the agent's store, a request, the
 * hub's store, a report, the acknowledgement.  What each call promised by returning 0 is noted and can be checked.
 */
#ifndef TESTS_TORTURE_WAY_H
#define TESTS_TORTURE_WAY_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct way {
    char bundle[512], agent_db[512], hub_db[512];
    struct parts *parts;
    uint64_t stored;    /* the agent's store has numbers up to here */
    uint64_t delivered; /* the hub has them up to here */
    bool told;          /* an observation said that something could not be had */
    struct err err;     /* of what failed */
    const char *where;  /* what was under way */
};

/* A new folder with a bundle of a few guests and events. */
void way_init(struct way *w);

/* As if nothing had ever run. */
void way_clear(struct way *w);

/* All of it, from wherever it stands.  0, or the error, with w->err filled; everything is closed in either case. */
int way_run(struct way *w);

/* After way_run(), with nothing failing any more: runs it to its end, and checks that what was promised is
 * there, that no number is missing or twice, and, where no loss was told, that as much was told of the guests as when
 * nothing fails.  what: for messages. */
void way_check(struct way *w, const char *what);

/* Of so many places where something can fail every n-th is tried, that it be about HVFLEET_TORTURE of them (make
 * torture), or so many where that is not set. */
int64_t way_stride(int64_t points, int64_t rounds);

#endif
