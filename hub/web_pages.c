/* The dashboard over HTTP: from a request to web_render() on the worker's
 * thread, and the embedded assets. */
#include "hub/exchange.h"
#include "hub/web.h"

#include <stdlib.h>
#include <string.h>

/* What of the path names the page's subject ("/cluster/PROD-A": "PROD-A") is read while the headers
 * are at hand; the library has decoded it. */
static void begin_page(struct exchange *x, enum web_page page)
{
    x->web = calloc(1, sizeof *x->web);
    if (x->web == NULL)
        exchange_refuse(x, 503, "out of memory");
    else if (!web_query_init(x->web, page, x->below))
        exchange_refuse(x, 404, "there is nothing at this path");
}

void web_begin_fleet(struct exchange *x)
{
    begin_page(x, WEB_FLEET);
}

void web_begin_guests(struct exchange *x)
{
    begin_page(x, WEB_GUESTS);
}

void web_begin_cluster(struct exchange *x)
{
    begin_page(x, WEB_CLUSTER);
}

void web_begin_host(struct exchange *x)
{
    begin_page(x, WEB_HOST);
}

void web_begin_guest(struct exchange *x)
{
    begin_page(x, WEB_GUEST);
}

void web_begin_incidents(struct exchange *x)
{
    begin_page(x, WEB_INCIDENTS);
}

void web_begin_incident(struct exchange *x)
{
    begin_page(x, WEB_INCIDENT);
}

/* ---- pages ------------------------------------------------------------------------------- */

static const char *type_of(enum web_format format)
{
    static const char *const types[] = {
        [WEB_HTML] = "text/html; charset=utf-8",
        [WEB_CSV] = "text/csv; charset=utf-8",
        [WEB_JSON] = "application/json",
    };

    return types[format];
}

static void make_page(struct work *work)
{
    struct exchange *x = exchange_of(work);
    const struct server *s = x->server;
    struct web_moment moment = {
        .now_ns = s->o.clock->wall_ns(s->o.clock),
        .host_silent_ns = s->config.host_silent_ns,
        .floors = s->config.floors,
    };
    struct err e = { 0 };
    int rc;

    exchange_text(x, 200, "");
    x->reply.type = type_of(x->web->format);
    x->reply.page = true;
    rc = web_render(exchange_reading(x), x->web, &moment, &x->reply.body, &e);
    if (rc == ERR_NOT_FOUND) {
        x->reply.status = 404;
        x->reply.type = type_of(WEB_HTML);
    } else if (rc != 0) {
        exchange_refuse(x, rc == ERR_TOO_BIG ? 400 : 500, "%s", e.text);
    }
    exchange_resume(x);
}

static enum MHD_Result take_parameter(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct exchange *x = (struct exchange *)arg;
    const char *expected = web_query_set(x->web, key, value);

    (void)kind;
    if (expected == NULL)
        return MHD_YES;
    exchange_refuse(x, 400, "%s: write %s", key, expected);
    return MHD_NO;
}

void web_finish(struct exchange *x)
{
    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, take_parameter, x);
    if (x->phase == PHASE_READING)
        page_hand_over(x, make_page);
}

/* ---- assets ------------------------------------------------------------------------------- */

void web_begin_asset(struct exchange *x)
{
    x->asset = web_asset_find(x->below);
    if (x->asset == NULL)
        exchange_refuse(x, 404, "there is nothing at this path");
}

void web_finish_asset(struct exchange *x)
{
    const char *version = MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, "v");

    exchange_text(x, 200, "");
    x->reply.type = x->asset->type;
    x->reply.page = true;
    x->reply.lasting = version != NULL && strcmp(version, web_assets_version) == 0;
    buf_add(&x->reply.body, x->asset->bytes, x->asset->len);
}
