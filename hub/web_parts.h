/* Parts that several pages share.  Private to the dashboard. */
#ifndef HUB_WEB_PARTS_H
#define HUB_WEB_PARTS_H

#include "hub/web_html.h"
#include "hub/web_list.h"

enum {
    WEB_DAYS = 90,          /* drift over time shows so many */
    WEB_FINDINGS_MAX = 100, /* so many findings are shown */
    WEB_CHANGES_MAX = 200,  /* and so many changes of a guest */
    WEB_CRASH_DAYS = 30,    /* crashes of so many days on the pages of fleet, clusters, hosts and guests */
    WEB_CRASHES_LISTED = 5,
    WEB_CRASHES_COUNTED = 100, /* more than so many are told as such */
    WEB_RATE_DAYS = 90,        /* crash rates are of so many days */
    /* Above this many guests the fleet's page is made from the counts alone. */
    WEB_DETAIL_GUESTS_MAX = 60000,
};

/* Drift over time: a table (closed at first where scripts draw it) of the last days; cluster NULL: the fleet. */
MUST_USE int web_put_days(struct buf *out, struct fleet_store *s, const struct web_moment *m, const char *cluster,
                          struct err *e);

/* Findings about the hosts of a cluster, or one host; both NULL: all. Host names come from l, where it has them. */
MUST_USE int web_put_findings(struct buf *out, struct fleet_store *s, struct web_list *l, const char *cluster,
                              const char *host_id, struct err *e);

/* Crashes of the last days, the newest of them listed, with a link to all: of a cluster ("" : nothing, hosts outside of
 * clusters have no list), a host or a guest; all NULL: of the fleet. */
MUST_USE int web_put_crashes(struct buf *out, struct fleet_store *s, const struct web_moment *m, const char *cluster,
                             const char *host_id, const char *vm_id, struct err *e);

/* <dl> rows: label, and what follows is the caller's until web_fact_end(). */
void web_fact(struct buf *out, const char *label);
void web_fact_end(struct buf *out);
void web_fact_text(struct buf *out, const char *label, const char *value);
void web_fact_time(struct buf *out, const char *label, int64_t ns);

/* The pages; each appends a whole page. */
MUST_USE int web_fleet_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);
MUST_USE int web_guests_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);
MUST_USE int web_cluster_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);
MUST_USE int web_host_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);
MUST_USE int web_guest_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);
MUST_USE int web_incidents_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);
MUST_USE int web_incident_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);

#endif
