/* See web.h: which page is made by what. */
#include "hub/web.h"

#include "hub/web_parts.h"

#include <assert.h>
#include <string.h>

typedef int make_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e);

static make_page *const pages[] = {
    [WEB_FLEET] = web_fleet_page,       [WEB_GUESTS] = web_guests_page, [WEB_CLUSTER] = web_cluster_page,
    [WEB_HOST] = web_host_page,         [WEB_GUEST] = web_guest_page,   [WEB_INCIDENTS] = web_incidents_page,
    [WEB_INCIDENT] = web_incident_page,
};

static void put_not_found(struct buf *out, const struct web_query *q, const struct web_moment *m, const char *why)
{
    static const struct web_crumb crumbs[] = { { WEB_FLEET, "", "Fleet" } };
    static const char *const what[] = { "page", "page", "cluster", "host", "guest", "page", "incident" };
    struct web_head head = { .title = "Not found", .crumbs = crumbs, .crumb_count = 1 };

    buf_clear(out);
    web_page_start(out, &head);
    buf_printf(out, "<p>There is no %s ", what[q->page]);
    web_name(out, q->name);
    buf_str(out, " here");
    if (why[0] != '\0') {
        buf_str(out, ": ");
        web_text(out, why);
    }
    buf_str(out, ".</p>\n<p><a href=\"/\">To the fleet</a></p>\n");
    web_page_end(out, m->now_ns);
}

static int read_export(struct web_list *l, struct fleet_store *s, struct err *e)
{
    const struct web_query *q = l->query;
    int rc;

    if (q->page == WEB_HOST)
        return web_list_read_host(l, s, q->name, true, e);
    rc = web_list_read(l, s, q->page == WEB_CLUSTER ? q->name : NULL, e);
    if (rc == 0 && q->page == WEB_CLUSTER && q->name[0] != '\0' && l->host_count == 0)
        return err_set(e, ERR_NOT_FOUND, "no such cluster");
    return rc;
}

static int export_list(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    int rc = read_export(l, s, e);

    if (rc != 0)
        return rc;
    web_list_sort(l, SORT_STATE);
    return web_put_export(out, l, e);
}

int web_render(struct fleet_store *s, const struct web_query *q, const struct web_moment *m, struct buf *out,
               struct err *e)
{
    struct err why = { 0 };
    struct web_list list;
    int rc = web_list_init(&list, q, m, &why);

    assert(q->page < WEB_PAGE_COUNT && q->number >= 1);
    if (rc == 0)
        rc = q->format == WEB_HTML ? pages[q->page](out, s, &list, &why) : export_list(out, s, &list, &why);
    web_list_free(&list);
    if (rc == ERR_NOT_FOUND)
        put_not_found(out, q, m, why.text);
    if (rc != 0 && e != NULL)
        *e = why;
    return rc;
}

const struct web_asset *web_asset_find(const char *name)
{
    for (const struct web_asset *a = web_assets; a->name != NULL; a++) {
        if (strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}
