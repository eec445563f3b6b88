/* What a page is asked for: the path and the query of its address, as values,
 * and back into an address. */
#ifndef HUB_WEB_QUERY_H
#define HUB_WEB_QUERY_H

#include "base/buf.h"
#include "model/identity.h"

#include <stdbool.h>
#include <stdint.h>

enum web_page { WEB_FLEET, WEB_GUESTS, WEB_CLUSTER, WEB_HOST, WEB_GUEST, WEB_INCIDENTS, WEB_INCIDENT, WEB_PAGE_COUNT };

enum web_format { WEB_HTML, WEB_CSV, WEB_JSON };

/* Words: state name host cluster version os since guests drifted. */
enum web_sort {
    SORT_DEFAULT, /* of the page */
    SORT_STATE,
    SORT_NAME,
    SORT_HOST,
    SORT_CLUSTER,
    SORT_VERSION,
    SORT_OS,
    SORT_SINCE,
    SORT_GUESTS,
    SORT_DRIFTED,
    SORT_COUNT
};

enum {
    WEB_NAME_MAX = 512,
    WEB_FILTER_MAX = 256,
    WEB_PAGE_ROWS = 100,
    WEB_PAGE_NUMBER_MAX = 1000000,
    WEB_ANY_STATE = -1,
    WEB_SINCE_MAX = 40,
    WEB_INCIDENT_ID_MAX = 17,
};

/* Which incidents, and from where on; texts "" any. */
struct web_incident_filter {
    char cluster[WEB_FILTER_MAX];
    char host[WEB_FILTER_MAX]; /* its id or name */
    char vm[GUID_TEXT_MAX];
    char module[WEB_FILTER_MAX]; /* the blamed one */
    int64_t code;                /* of a bug check; -1 any */
    char since[WEB_SINCE_MAX];   /* as report_since_parse() reads it */
    bool oldest_first;
    int64_t after_time; /* the last of the page before; 0 from the beginning */
    char after_id[WEB_INCIDENT_ID_MAX];
};

struct web_query {
    enum web_page page;
    char name[WEB_NAME_MAX]; /* the cluster, host id, VM id or incident that the path names, decoded */
    enum web_format format;
    int state;                    /* an enum drift_state, or WEB_ANY_STATE */
    char text[WEB_FILTER_MAX];    /* the VM's name contains it; ASCII case does not count; "" any */
    char os[WEB_FILTER_MAX];      /* the guest's OS name or version contains it */
    char version[WEB_FILTER_MAX]; /* its integration services version contains it */
    enum web_sort sort;
    bool descending;
    int64_t number;                       /* of the page of the main list, from 1 */
    char after[GUID_TEXT_MAX];            /* a list too large to sort goes on after this VM's id; "" from its start */
    int64_t hosts_number;                 /* of the page of the list of hosts, from 1 */
    struct web_incident_filter incidents; /* of the list of incidents, which takes no other parameters */
};

/* A page without filters.  False when name is too long to be one. */
bool web_query_init(struct web_query *q, enum web_page page, const char *name);

/* Takes one parameter of the query; an empty value is as if it were absent.  Returns NULL, or what was
 * expected when the parameter is unknown or its value can not be read. */
const char *web_query_set(struct web_query *q, const char *key, const char *value);

/* True when something is filtered. */
bool web_query_filters(const struct web_query *q);

/* The address, percent-encoded and escaped for an attribute: "/cluster/PROD%20A?state=behind&amp;page=2". */
void web_query_address(const struct web_query *q, struct buf *out);

/* web_query_incidents.c: the same for the list of incidents. */
const char *web_incident_filter_set(struct web_incident_filter *f, const char *key, const char *value);
void web_incident_filter_address(const struct web_incident_filter *f, struct buf *out);

const char *web_sort_word(enum web_sort sort); /* "" for SORT_DEFAULT */

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ of a part of an address. */
void web_put_encoded(struct buf *out, const char *text);

#endif
