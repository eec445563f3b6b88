/* See limits.h. */
#include "hub/limits.h"

#include "base/text.h"
#include "hub/limits_budget.h"
#include "hub/limits_headers.h"
#include "hub/limits_host.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST = 32, DIGEST_SHOWN = 16, DISCARD_BODIES = 4 };

/* ---- connections ------------------------------------------------------------------------- */

void limits_connection(struct server *s, struct MHD_Connection *connection, void **context, bool started)
{
    struct link *link = (struct link *)*context;
    const union MHD_ConnectionInfo *fd;

    if (started) {
        link = calloc(1, sizeof *link);
        fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (link != NULL && fd != NULL)
            link->watched = watch_open(s->watch, fd->connect_fd);
        *context = link;
    } else if (link != NULL) {
        watch_close(s->watch, link->watched);
        free(link);
        *context = NULL;
    }
}

static struct link *link_of(const struct exchange *x)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? (struct link *)info->socket_context : NULL;
}

static struct watched *watched_of(const struct exchange *x)
{
    struct link *link = link_of(x);

    return link != NULL ? link->watched : NULL;
}

void limits_received(struct exchange *x, size_t n)
{
    watch_received(x->server->watch, watched_of(x), n);
}

void limits_ours(struct exchange *x)
{
    watch_ours(x->server->watch, watched_of(x));
}

void limits_answer(struct exchange *x, size_t len)
{
    watch_answer(x->server->watch, watched_of(x), len);
}

void limits_done(struct exchange *x)
{
    watch_rest(x->server->watch, watched_of(x));
}

/* ---- who ------------------------------------------------------------------------------------ */

static void name_digest(char out[FLEET_CREDENTIAL_MAX], const char *kind, const void *bytes, size_t len)
{
    unsigned char digest[DIGEST] = { 0 };
    char hex[2 * DIGEST_SHOWN + 1];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, digest) != 0)
        memset(digest, 0, sizeof digest);
    for (size_t i = 0; i < DIGEST_SHOWN; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(out, FLEET_CREDENTIAL_MAX, "%s:%s", kind, hex);
}

static const gnutls_datum_t *certificate_of(const struct exchange *x)
{
    const union MHD_ConnectionInfo *info;
    unsigned count = 0;

    if (!x->server->asks_certificates)
        return NULL;
    info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || !tls_peer_verified(info->tls_session))
        return NULL;
    return gnutls_certificate_get_peers((gnutls_session_t)info->tls_session, &count);
}

bool limits_has_certificate(const struct exchange *x)
{
    return certificate_of(x) != NULL;
}

void limits_credential(const struct exchange *x, char out[FLEET_CREDENTIAL_MAX])
{
    const gnutls_datum_t *certificate = certificate_of(x);
    const char *token = exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION);

    if (certificate != NULL)
        name_digest(out, "certificate", certificate->data, certificate->size);
    else if (token != NULL)
        name_digest(out, "token", token, strlen(token));
    else
        text_copy(out, FLEET_CREDENTIAL_MAX, "loopback");
}

bool limits_host_right(const struct exchange *x)
{
    if (exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION) != NULL || certificate_of(x) != NULL)
        return true;
    return host_expected(exchange_header(x, MHD_HTTP_HEADER_HOST), x->server->config.web_hosts);
}

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    struct header_check *c = (struct header_check *)arg;

    (void)kind;
    if (strlen(name) != name_len)
        c->bad = true;
    header_check(c, name, value != NULL ? value : "", value_len);
    return c->bad ? MHD_NO : MHD_YES;
}

void limits_headers(struct exchange *x)
{
    struct header_check c = { 0 };

    MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, take_header, &c);
    if (!c.bad)
        return;
    x->reply.close = true;
    exchange_refuse(x, 400, "the headers can be read in two ways");
}

/* ---- how much -------------------------------------------------------------------------------- */

void limits_busy(struct exchange *x, int least_s, const char *why)
{
    x->reply.retry_after_s = rate_retry_after(x->server->o.rate, least_s);
    exchange_refuse(x, 429, "%s", why);
}

static bool refuse_fast(struct exchange *x, const char *payer)
{
    int wait = rate_wait(x->server->o.rate, payer);

    if (wait == 0)
        return false;
    x->reply.retry_after_s = rate_retry_after(x->server->o.rate, wait);
    exchange_refuse(x, 429, "this sender sends more than ingest.agent_rate allows; try again in %d s",
                    x->reply.retry_after_s);
    return true;
}

/* An agent that was known on this connection hears before its body that it has to wait. */
void limits_begin(struct exchange *x)
{
    struct link *link = link_of(x);

    watch_body(x->server->watch, watched_of(x));
    if (link != NULL && x->route != NULL && x->route->finish == ingest_finish && x->phase == PHASE_READING)
        (void)refuse_fast(x, link->payer);
}

/* The first agent of the request pays for all of it: a request of several is a collector's.  Other programs,
 * which have no agent id, pay as what they have shown. */
static void name_payer(const struct exchange *x, char payer[GUID_TEXT_MAX])
{
    const struct otlp_group *g = x->job.request.groups;
    const char *agent_id = g != NULL ? g->resource.agent_id : "";

    text_copy(payer, GUID_TEXT_MAX, agent_id[0] != '\0' ? agent_id : x->credential);
}

bool limits_pay(struct exchange *x)
{
    char payer[GUID_TEXT_MAX];
    struct link *link = link_of(x);

    name_payer(x, payer);
    if (link != NULL)
        text_copy(link->payer, sizeof link->payer, payer);
    if (refuse_fast(x, payer))
        return false;
    rate_pay(x->server->o.rate, payer, x->job.bytes);
    return true;
}

void limits_tell_budget(struct exchange *x)
{
    struct rate *rate = x->server->o.rate;
    char payer[GUID_TEXT_MAX];
    struct send_budget b;
    int64_t credit;
    int wait_s;

    name_payer(x, payer);
    credit = rate_budget(rate, payer, &wait_s);
    b = budget_of(credit, wait_s, writer_load(x->server->o.writer));
    x->reply.has_budget = b.told;
    x->reply.budget = b.bytes;
    if (b.told && b.bytes == 0)
        x->reply.retry_after_s = rate_retry_after(rate, b.wait_s);
}

uint64_t limits_discarded(const struct exchange *x)
{
    int status = x->reply.status;

    if (x->phase == PHASE_DISCARDING &&
        (status == 401 || status == 403 || status == 404 || status == 405 || status == 421))
        return LIMITS_STRANGER_BODY;
    return (uint64_t)x->server->config.body_max * DISCARD_BODIES;
}
