/* Hosts and guests as pages list them: read from one moment of the store,
 * judged as the reports judge them, filtered and sorted as asked.  Private to the dashboard.
 *
 * What is kept of a guest is a row of short texts, and only when it passes
 * the filters; the counts by state are of all guests in the scope.  Where the store keeps its rows in memory
 * (fleet_model.h) they are taken from there, and the list is good until the store is next asked for rows or a report.
 */
#ifndef HUB_WEB_LIST_H
#define HUB_WEB_LIST_H

#include "base/arena.h"
#include "hub/web.h"

enum { WEB_LIST_MAX = 250000 /* guests in one list */ };

struct web_host {
    struct host h;
    const char *name; /* its name, or its id where it has none */
    int64_t heard;    /* its newest word, by our clock once an agent was heard, else by its own */
    bool agent_heard, silent;
    bool shown; /* within the scope */
    uint64_t guests[DRIFT_STATE_COUNT];
};

/* Texts are never NULL; "" where unknown. */
struct web_row {
    struct drift_kept kept;
    const struct web_host *on; /* NULL: not known */
    const char *vm_id, *name, *host_id, *host, *cluster, *os, *version, *expected;
    int64_t last_seen;
};

struct web_list {
    struct arena arena;
    const struct web_query *query;
    const struct web_moment *moment;
    const char *cluster;     /* the scope's; NULL any */
    struct web_host **hosts; /* of the scope, in order of id, or of name after web_list_sort_hosts() */
    size_t host_count, host_cap;
    bool hosts_sorted; /* by id */
    struct web_row *rows;
    size_t row_count, row_cap;
    uint64_t by_state[DRIFT_STATE_COUNT];
    bool more; /* web_list_read_page(): it goes on */
    struct drift_peers *peers;
    int rc; /* of a callback */
    struct err *e;
};

/* Frees nothing it has not: web_list_free() is right after a failure too. */
MUST_USE int web_list_init(struct web_list *l, const struct web_query *q, const struct web_moment *m, struct err *e);
void web_list_free(struct web_list *l);

/* All hosts and guests, or those of a cluster ("" : of hosts outside of clusters; ASCII case does not count). */
MUST_USE int web_list_read(struct web_list *l, struct fleet_store *s, const char *cluster, struct err *e);
/* A page of the guests of a fleet that is too large to be sorted: in order of VM id, those after query->after, of the
 * state that the query asks for; at most WEB_PAGE_ROWS.  Hosts are silent by their own clock here. */
MUST_USE int web_list_read_page(struct web_list *l, struct fleet_store *s, struct err *e);
/* One host, with its guests or alone.  ERR_NOT_FOUND. */
MUST_USE int web_list_read_host(struct web_list *l, struct fleet_store *s, const char *host_id, bool guests,
                                struct err *e);

/* As the query says; default_sort where it says nothing. */
void web_list_sort(struct web_list *l, enum web_sort default_sort);
void web_list_sort_hosts(struct web_list *l); /* by cluster and name */

/* The guests' part of a page: form, table, pages, and links to the same as CSV and JSON. */
void web_put_guests(struct buf *out, struct web_list *l);

/* The same of a list that web_list_read_page() read; in all: guests that there are. */
void web_put_guests_page(struct buf *out, struct web_list *l, uint64_t in_all);

/* The rows as CSV or JSON (hvfleet.guests/1), as query->format says. */
MUST_USE int web_put_export(struct buf *out, const struct web_list *l, struct err *e);

/* Versions in each guest OS, of all rows: the OSes with the most guests first. */
void web_put_versions(struct buf *out, struct web_list *l);

#endif
