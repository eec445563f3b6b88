/* The dashboard: pages made on the hub from the fleet store, readable without
 * JavaScript.
 *
 *   /               the fleet: states, clusters, drift over time, versions per guest OS, findings
 *   /guests         every guest
 *   /cluster/NAME   a cluster's hosts and guests; /cluster/ the hosts outside of clusters
 *   /host/ID        a host and its guests
 *   /guest/VMID     a guest: verdict, evidence, history
 *   /incidents      what crashed, the newest first; and how often guests crash
 *   /incident/ID    one of them: findings, timeline, what is known around it
 *   /assets/NAME    style sheet, scripts and icon, embedded when the hub is built
 *
 * Each address can be shared: filters, order and page are in the query
 * (web_query.h).  Lists are paged; format=csv and format=json give all of a list of guests.
 *
 * What guests wrote (names, versions, OS names) is escaped wherever it is
 * shown (web_html.h), and the Content-Security-Policy lets nothing run that is
 * not one of the assets.
 *
 * Thread: pages read the store, so they are made on the worker's thread. */
#ifndef HUB_WEB_H
#define HUB_WEB_H

#include "base/buf.h"
#include "hub/fleet_store.h"
#include "hub/web_query.h"

struct web_moment {
    int64_t now_ns;
    int64_t host_silent_ns; /* 0: no host is silent */
    struct drift_floors floors;
};

/* Appends the page (or list) asked for to out.  ERR_NOT_FOUND: there is no such cluster, host or guest,
 * and out holds a page that says so.  ERR_TOO_BIG: more guests than one page can sort. */
MUST_USE int web_render(struct fleet_store *s, const struct web_query *q, const struct web_moment *m, struct buf *out,
                        struct err *e);

/* A file of hub/web/, or the chart library, as the build embedded it (web_assets.c is generated). */
struct web_asset {
    const char *name; /* "style.css" */
    const char *type; /* "text/css; charset=utf-8" */
    const unsigned char *bytes;
    size_t len;
};
extern const struct web_asset web_assets[]; /* ends with a NULL name */
extern const char web_assets_version[];     /* changes when one of them does */

const struct web_asset *web_asset_find(const char *name); /* NULL when there is none */

/* Of every page.  Nothing from elsewhere, nothing inline, no frames. */
#define WEB_CONTENT_POLICY                                                                          \
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; " \
    "base-uri 'none'; frame-ancestors 'none'"

#endif
