/* The pieces that pages are put together from.  Everything that comes from
 * outside goes through web_text(), web_name() or web_put_encoded(). */
#ifndef HUB_WEB_HTML_H
#define HUB_WEB_HTML_H

#include "base/buf.h"
#include "hub/web_query.h"
#include "model/guest.h"

#include <stddef.h>

/* Escapes & < > " ' and turns control characters into U+FFFD, so that the text
 * is text in elements and in quoted attributes. */
void web_text(struct buf *out, const char *text);

/* The same in a <bdi>, so that letters of another direction move nothing around them.  "" becomes a dash
 * that is read as "none". */
void web_name(struct buf *out, const char *text);

/* A link to another page: shown is escaped, "" shows the page's name. */
void web_link(struct buf *out, enum web_page page, const char *name, const char *shown);

/* "As JSON", a link to the API with one parameter; without it when value is NULL. */
void web_json_link(struct buf *out, const char *path, const char *key, const char *value);

/* "no cluster" for "". */
const char *web_cluster_name(const char *cluster);

/* The state's word with its mark; stale says so in words too. */
void web_state(struct buf *out, enum drift_state state, bool stale);

/* <time>; a dash for 0. */
void web_time(struct buf *out, int64_t ns);

/* A bar of guests by state, drawn to scale, with its numbers as its name. */
void web_state_bar(struct buf *out, const uint64_t guests[DRIFT_STATE_COUNT]);

/* In the order in which states are listed: worst first. */
extern const enum drift_state web_states[DRIFT_STATE_COUNT];
uint64_t web_sum(const uint64_t guests[DRIFT_STATE_COUNT]);
/* Those with something to do: all but current and not-applicable. */
uint64_t web_drifted(const uint64_t guests[DRIFT_STATE_COUNT]);

/* From <!doctype> to the start of <main>.  title is escaped; charts: the page has some. */
struct web_crumb {
    enum web_page page;
    const char *name, *shown;
};
struct web_head {
    const char *title;
    const struct web_crumb *crumbs; /* the pages above this one, the fleet first */
    size_t crumb_count;
    bool charts;
    bool bare; /* for somebody who is not in yet: without ways to other pages */
};
void web_page_start(struct buf *out, const struct web_head *head);
void web_page_end(struct buf *out, int64_t now_ns);
void web_page_end_bare(struct buf *out);

/* A column's head that sorts by it when followed; without a sort it is text alone. */
void web_column(struct buf *out, const struct web_query *q, const char *label, enum web_sort sort,
                enum web_sort default_sort);

/* "1-100 of 2345 guests", and links to other pages of the list where there are any. */
struct web_pages {
    const char *what; /* "guests": plural; also names the region */
    int64_t total, number;
    bool hosts; /* q->hosts_number tells the page, not q->number */
};
void web_pager(struct buf *out, const struct web_query *q, const struct web_pages *p);

/* First row (from 0) of a page, and how many it has. */
struct web_span {
    size_t first, count;
};
struct web_span web_page_span(size_t total, int64_t number);

#endif
