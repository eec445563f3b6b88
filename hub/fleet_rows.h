/* What the bodies of the fleet store (fleet_body.h) do alike with the rows that they read: which rows a reader
 * wants, and what becomes of their values. */
#ifndef HUB_FLEET_ROWS_H
#define HUB_FLEET_ROWS_H

#include "hub/fleet_body.h"

/* The statements by which a reader's guests, hosts and agents are read, and the parameters of each. */
enum fleet_rows_of {
    GUESTS_ALL,
    GUESTS_OF_CLUSTER,    /* cluster */
    GUESTS_ON_HOST,       /* host_id */
    GUESTS_CHANGED,       /* changed_from, changed_below */
    GUESTS_PAGE,          /* page_after, page_rows */
    GUESTS_PAGE_OF_STATE, /* page_after, page_rows, the name of page_state */
    HOSTS_ALL,
    HOSTS_OF_CLUSTER, /* cluster */
    HOSTS_CHANGED,    /* changed_from, changed_below */
    AGENTS_ALL,
    AGENTS_OF_CLUSTER, /* cluster */
    AGENTS_ON_HOST,    /* host_id */
    FLEET_ROWS_OF_COUNT
};
enum fleet_rows_of fleet_guests_of(const struct fleet_reader *r);
enum fleet_rows_of fleet_hosts_of(const struct fleet_reader *r);
enum fleet_rows_of fleet_agents_of(const struct fleet_reader *r);

/* The parameters of that statement: a text, or (text NULL) a number.  Returns how many. */
enum { FLEET_PARAMETERS_MAX = 3 };
struct fleet_parameter {
    const char *text;
    int64_t number;
};
size_t fleet_parameters(enum fleet_rows_of which, const struct fleet_reader *r,
                        struct fleet_parameter out[FLEET_PARAMETERS_MAX]);

/* Hands one row to the reader, and returns what it did.  A state that is damaged is said and passed over: the next
 * records about it make it anew.  *scratch is large, and the caller's. */
bool fleet_give_host(const struct fleet_reader *r, const void *state, size_t len, const char *host_id);
bool fleet_give_guest(const struct fleet_reader *r, struct guest *scratch, const void *state, size_t len,
                      const char *vm_id);
void fleet_give_peer(const struct fleet_reader *r, const char *build, const char *highest);

/* The guest of a row: its state, which must be about the VM of the row. */
MUST_USE int fleet_guest_decode(const void *state, size_t len, const char *vm_id, struct guest *out, struct err *e);

#endif
