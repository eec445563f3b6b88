/* History and findings as JSON: what GET /api/v1/history/... and /api/v1/findings answer. */
#ifndef HUB_FLEET_HISTORY_JSON_H
#define HUB_FLEET_HISTORY_JSON_H

#include "base/buf.h"
#include "hub/fleet_store.h"

enum history_kind { HISTORY_CHANGES, HISTORY_DAYS, HISTORY_FINDINGS };

enum { HISTORY_ROWS_DEFAULT = 1000, HISTORY_ROWS_MAX = 10000, HISTORY_DAYS_DEFAULT = 90 };

struct history_query {
    enum history_kind kind;
    char vm_id[GUID_TEXT_MAX];       /* "" all; of changes */
    char host_id[HOST_ID_MAX];       /* "" all; of changes and findings */
    char cluster[FLEET_CLUSTER_MAX]; /* "" all */
    int change;                      /* an enum fleet_change_kind; -1 all */
    int64_t since_ns;                /* 0: all; of days: the last HISTORY_DAYS_DEFAULT */
    int limit;                       /* rows, 1..HISTORY_ROWS_MAX */
    int64_t now_ns;
    int64_t host_silent_ns;
};

/* Appends the answer to out. */
MUST_USE int fleet_history_json(struct fleet_store *s, const struct history_query *q, struct buf *out, struct err *e);

#endif
