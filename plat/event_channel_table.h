/* Which event channels of a Hyper-V host are followed, and what of them
 * (hyperv.md A.1, A.5).  Data and text only; any thread. */
#ifndef PLAT_EVENT_CHANNEL_TABLE_H
#define PLAT_EVENT_CHANNEL_TABLE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { CHANNEL_NAME_MAX = 256, CHANNEL_PICK_IDS = 12 };

/* Events of a channel that is not taken whole. */
struct channel_pick {
    const char *provider;      /* NULL: whoever logs it */
    int ids[CHANNEL_PICK_IDS]; /* ended by 0; none: all */
};

struct wanted_channel {
    const char *name;
    const struct channel_pick *picks; /* ended by an entry of all zero; NULL: the whole channel */
};

extern const struct wanted_channel wanted_channels[];
extern const size_t wanted_channel_count;

/* The entry for a channel of that name; case does not count, and "-Admin" and
 * "/Admin" are one.  NULL when nobody wants it. */
const struct wanted_channel *channel_wanted(const char *name);

/* The query for a channel: "*", or, and then true, a structured query with one
 * Select a pick, because one XPath may hold 20 expressions and no more.  Appends. */
bool channel_query(const char *name, struct buf *out);

#endif
