/* See login.h: who passes.  The forms are in login_form.c. */
#include "hub/login.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/limits.h"
#include "hub/login_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_EVERY_NS (60 * NS_PER_S)

int login_new(struct login **out, struct fleet_store *people, const struct clock *clock, struct err *e)
{
    struct login *l = calloc(1, sizeof *l);
    int rc;

    if (l == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    l->people = people;
    rc = rate_new(&l->tries, clock, plat_random(), e);
    if (rc == 0)
        rc = rate_new(&l->all_tries, clock, plat_random(), e);
    if (rc != 0) {
        login_free(l);
        return rc;
    }
    rate_set(l->tries, LOGIN_RATE);
    rate_set(l->all_tries, LOGIN_RATE_ALL);
    *out = l;
    return 0;
}

void login_free(struct login *l)
{
    if (l == NULL)
        return;
    rate_free(l->tries);
    rate_free(l->all_tries);
    free(l);
}

/* ---- who passes ------------------------------------------------------------------------ */

const char *login_cookie_name(const struct exchange *x)
{
    return x->server->config.cert_file[0] != '\0' ? "__Host-hvhub" : "hvhub";
}

const char *login_cookie(const struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_COOKIE_KIND, name);
}

void login_peer(const struct exchange *x, char out[PERSON_NAME_MAX])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info != NULL ? info->client_addr : NULL;
    struct sockaddr_in6 v6;

    out[0] = '\0';
    if (peer != NULL && peer->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, peer, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, out, PERSON_NAME_MAX);
    } else if (peer != NULL && peer->sa_family == AF_INET6) {
        memcpy(&v6, peer, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], out, PERSON_NAME_MAX);
        else
            inet_ntop(AF_INET6, &v6.sin6_addr, out, PERSON_NAME_MAX);
    }
}

/* Is the text one of the lines? */
static bool is_line(const char *lines, const char *text)
{
    size_t len = strlen(text);

    while (*lines != '\0') {
        size_t one = strcspn(lines, "\n");

        if (one == len && strncmp(lines, text, len) == 0)
            return true;
        lines += one + (lines[one] == '\n' ? 1 : 0);
    }
    return false;
}

/* Does a proxy that we believe say who this is?  The header is ignored from anybody else. */
static bool named_by_proxy(const struct exchange *x)
{
    const struct hub_config *c = &x->server->config;
    const char *name = c->proxy_header[0] != '\0' ? exchange_header(x, c->proxy_header) : NULL;
    char peer[PERSON_NAME_MAX];

    if (name == NULL || name[0] == '\0')
        return false;
    login_peer(x, peer);
    return peer[0] != '\0' && is_line(c->proxies, peer);
}

/* The token of a person in an Authorization header; NULL when it is something else. */
static const char *person_token(const char *authorization)
{
    if (authorization == NULL || text_ncasecmp(authorization, "bearer ", 7) != 0)
        return NULL;
    for (authorization += 7; *authorization == ' '; authorization++)
        ;
    return strncmp(authorization, SECRET_TOKEN, strlen(SECRET_TOKEN)) == 0 ? authorization : NULL;
}

static void refuse(struct exchange *x)
{
    if (x->route->access == ACCESS_PAGE && exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION) == NULL) {
        x->reply.location = "/login";
        exchange_refuse(x, 303, "sign in at /login");
    } else {
        exchange_refuse(x, 401, "a login, a bearer token or a client certificate is needed");
    }
}

void login_check(struct exchange *x)
{
    const char *shown = exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *token = person_token(shown), *session = login_cookie(x, login_cookie_name(x));
    bool program = shown != NULL || limits_has_certificate(x);

    if (shown == NULL && named_by_proxy(x))
        return;
    if (token != NULL) {
        x->ticket_kind = TICKET_TOKEN;
        secret_digest(token, x->ticket);
    } else if (program || x->server->config.open_on_loopback) {
        if (exchange_allowed(x))
            return;
        if (program || session == NULL)
            refuse(x);
    } else if (session == NULL) {
        refuse(x);
    }
    if (x->phase == PHASE_READING && token == NULL) {
        x->ticket_kind = TICKET_SESSION;
        secret_digest(session, x->ticket);
    }
}

/* ---- looking up ------------------------------------------------------------------------- */

/* Now and then the store hears that it is in use; a session then lasts from now. */
static void note_use(const struct exchange *x, struct fleet_ticket *t, int64_t now)
{
    const struct hub_config *c = &x->server->config;
    int64_t last = t->created + c->session_max_ns, idle = now + c->session_idle_ns;
    struct err e = { 0 };

    if (now - t->seen < SEEN_EVERY_NS)
        return;
    t->seen = now;
    if (t->kind == TICKET_SESSION)
        t->ends = idle < last ? idle : last;
    if (fleet_ticket_put(x->server->o.login->people, t, &e) != 0)
        log_event(LOG_WARN, "login.not_noted", LOG_S("problem", e.text));
}

static int admit(struct exchange *x, struct err *e)
{
    struct fleet_store *people = x->server->o.login->people;
    int64_t now = x->server->o.clock->wall_ns(x->server->o.clock);
    struct fleet_person person;
    struct fleet_ticket t;
    int rc = fleet_ticket_get(people, x->ticket, now, &t, e);

    if (rc == 0 && t.kind != x->ticket_kind)
        rc = err_set(e, ERR_NOT_FOUND, "of another kind");
    if (rc == 0)
        rc = fleet_person_get(people, t.person, &person, e);
    if (rc == 0)
        note_use(x, &t, now);
    return rc;
}

static void run_look_up(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct err e = { 0 };
    int rc = admit(x, &e);

    if (rc == 0) {
        x->ticket[0] = '\0';
        exchange_go_on(x);
        return;
    }
    x->phase = PHASE_READING; /* what refuse() decides by is still there: the headers are the connection's */
    if (rc == ERR_NOT_FOUND)
        refuse(x);
    else
        limits_busy(x, LOGIN_RETRY_S, "the accounts can not be read now; try again");
    exchange_resume(x);
}

void login_look_up(struct exchange *x)
{
    page_hand_over(x, run_look_up);
}
