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

static int start_rates(struct login *l, const struct clock *clock, struct err *e)
{
    int rc = rate_new(&l->names, clock, plat_random(), e);

    if (rc == 0)
        rc = rate_new(&l->addresses, clock, plat_random(), e);
    if (rc == 0)
        rc = rate_new(&l->all, clock, plat_random(), e);
    if (rc != 0)
        return rc;
    rate_set(l->names, LOGIN_RATE_NAME);
    rate_set(l->addresses, LOGIN_RATE_ADDRESS);
    rate_set(l->all, LOGIN_RATE_ALL);
    return 0;
}

int login_new(struct login **out, struct fleet_store *door, struct fleet_store *signing, const struct clock *clock,
              struct err *e)
{
    struct login *l = calloc(1, sizeof *l);
    int rc;

    if (l == NULL) {
        fleet_store_close(door);
        fleet_store_close(signing);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    l->door = door;
    l->signing = signing;
    rc = start_rates(l, clock, e);
    if (rc == 0)
        rc = worker_start(&l->look_ups, LOOK_UPS_QUEUED, e);
    if (rc == 0)
        rc = worker_start(&l->passwords, PASSWORDS_QUEUED, e);
    if (rc != 0) {
        login_free(l);
        return rc;
    }
    *out = l;
    return 0;
}

void login_free(struct login *l)
{
    if (l == NULL)
        return;
    worker_stop(l->passwords);
    worker_stop(l->look_ups);
    rate_free(l->names);
    rate_free(l->addresses);
    rate_free(l->all);
    fleet_store_close(l->door);
    fleet_store_close(l->signing);
    free(l);
}

/* ---- what the request brings ------------------------------------------------------------ */

static bool has_tls(const struct exchange *x)
{
    return x->server->config.cert_file[0] != '\0';
}

const char *login_cookie_name(const struct exchange *x)
{
    return has_tls(x) ? "__Host-hvhub" : "hvhub";
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

struct counting {
    const char *name, *value;
    int count;
};

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct counting *c = (struct counting *)arg;

    (void)kind;
    if (text_casecmp(name, c->name) == 0) {
        c->value = value;
        c->count++;
    }
    return MHD_YES;
}

/* Does a proxy that we believe say who this is?  From anybody else the header is ignored; two of them, of which one
 * may be the person's own, name nobody.  The name is taken in small letters, as accounts are. */
static bool named_by_proxy(struct exchange *x)
{
    const struct hub_config *c = &x->server->config;
    struct counting header = { .name = c->proxy_header };
    char peer[PERSON_NAME_MAX], *name = x->viewer.name;

    if (c->proxy_header[0] == '\0')
        return false;
    login_peer(x, peer);
    if (peer[0] == '\0' || !is_line(c->proxies, peer))
        return false;
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_header, &header);
    if (header.count != 1 || header.value == NULL || !text_copy(name, PERSON_NAME_MAX, header.value))
        return false;
    for (char *at = name; *at != '\0'; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
    return name[0] != '\0';
}

/* The token of a person in an Authorization header; NULL when it is something else. */
static const char *person_token(const char *authorization)
{
    const char *token = auth_bearer(authorization);

    return token != NULL && strncmp(token, SECRET_TOKEN, strlen(SECRET_TOKEN)) == 0 ? token : NULL;
}

/* ---- who passes ------------------------------------------------------------------------ */

static void refuse(struct exchange *x)
{
    if ((x->route->how & ROUTE_PAGE) != 0 && exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION) == NULL) {
        x->reply.location = "/login";
        exchange_refuse(x, 303, "sign in at /login");
    } else {
        exchange_refuse(x, 401, "a login, a bearer token or a client certificate is needed");
    }
}

/* A session or token of this kind, which is to be looked up.  What can be none is refused here. */
static void ask_ticket(struct exchange *x, enum ticket_kind kind, const char *secret)
{
    if (secret == NULL || !secret_formed(secret, kind == TICKET_TOKEN ? SECRET_TOKEN : SECRET_SESSION)) {
        refuse(x);
        return;
    }
    x->viewer.ask = kind == TICKET_TOKEN ? ASK_TOKEN : ASK_SESSION;
    secret_digest(secret, x->viewer.ticket);
}

/* A program, or somebody on this machine where all of it is let in. */
static void pass(struct exchange *x)
{
    x->viewer.scope.kind = SCOPE_FLEET; /* of an enrolled agent less: pages.c */
    if (x->route->access == ACCESS_ADMIN)
        exchange_refuse(x, 403, "this page is for people with an account of the role admin");
}

void login_check(struct exchange *x)
{
    const char *shown = exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *token = person_token(shown), *session = login_cookie(x, login_cookie_name(x));
    bool program = shown != NULL || limits_has_certificate(x);
    bool formed = session != NULL && secret_formed(session, SECRET_SESSION);

    if (token != NULL)
        ask_ticket(x, TICKET_TOKEN, token);
    else if (program && exchange_allowed(x))
        pass(x);
    else if (program)
        refuse(x);
    else if (named_by_proxy(x))
        x->viewer.ask = ASK_NAME;
    else if (!formed && x->server->config.open_on_loopback && exchange_allowed(x))
        pass(x);
    else
        ask_ticket(x, TICKET_SESSION, session);
}

/* ---- looking up ------------------------------------------------------------------------- */

/* Now and then the store hears that it is in use; a session then lasts from now. */
static void note_use(const struct exchange *x, struct fleet_ticket *t, int64_t now)
{
    const struct hub_config *c = &x->server->config;
    int64_t last = t->created + c->session_max_ns, idle = now + c->session_idle_ns;
    int64_t every = c->session_idle_ns / 4 < SEEN_EVERY_NS ? c->session_idle_ns / 4 : SEEN_EVERY_NS;
    struct err e = { 0 };

    if (now - t->seen < every)
        return;
    t->seen = now;
    if (t->kind == TICKET_SESSION)
        t->ends = idle < last ? idle : last;
    if (fleet_ticket_seen(x->server->o.login->door, t, &e) != 0)
        log_event(LOG_WARN, "login.not_noted", LOG_S("problem", e.text));
}

static int find_ticket(const struct exchange *x, struct fleet_ticket *t, struct err *e)
{
    int64_t now = x->server->o.clock->wall_ns(x->server->o.clock);
    int rc = fleet_ticket_get(x->server->o.login->door, x->viewer.ticket, now, t, e);

    if (rc == 0 && (t->kind == TICKET_TOKEN) != (x->viewer.ask == ASK_TOKEN))
        rc = err_set(e, ERR_NOT_FOUND, "of another kind");
    if (rc == 0)
        note_use(x, t, now);
    return rc;
}

/* Whose request it is, and what this person may see. */
static int admit(struct exchange *x, struct err *e)
{
    struct fleet_person person = { .role = ROLE_VIEWER };
    struct viewer *v = &x->viewer;
    struct fleet_ticket t;
    int rc = v->ask != ASK_NAME ? find_ticket(x, &t, e) : 0;

    if (rc == 0 && v->ask != ASK_NAME)
        text_copy(v->name, sizeof v->name, t.person);
    if (rc == 0)
        rc = fleet_person_get(x->server->o.login->door, v->name, &person, e);
    if (rc == ERR_NOT_FOUND && v->ask == ASK_NAME && x->server->config.proxy_anyone)
        rc = 0; /* a viewer of the whole fleet */
    if (rc != 0)
        return rc;
    v->role = person.role;
    v->person = true;
    fleet_person_scope(&person, &v->scope);
    return 0;
}

static void refuse_person(struct exchange *x, int rc)
{
    if (rc != ERR_NOT_FOUND)
        limits_busy(x, LOGIN_RETRY_S, "the accounts can not be read now; try again");
    else if (x->viewer.ask == ASK_NAME)
        exchange_refuse(x, 403,
                        "there is no account of the name that the proxy told; hvhub user add makes one, and"
                        " web.proxy.anyone lets all in");
    else
        refuse(x);
}

/* Does the account open this path? */
static bool may_see(struct exchange *x)
{
    const struct viewer *v = &x->viewer;

    if (x->route->access == ACCESS_FLEET && v->scope.kind != SCOPE_FLEET)
        exchange_refuse(x, 403, "this is about the whole fleet, and the account is for some clusters");
    else if (x->route->access == ACCESS_ADMIN && v->role != ROLE_ADMIN)
        exchange_refuse(x, 403, "this page is for people with an account of the role admin");
    return x->phase == PHASE_READING;
}

/* An old session is no reason to keep out who would be let in without one. */
static bool let_in_without(struct exchange *x)
{
    if (x->viewer.ask != ASK_SESSION || !x->server->config.open_on_loopback || !exchange_allowed(x))
        return false;
    x->viewer = (struct viewer){ .ask = ASK_NOTHING };
    pass(x);
    return true;
}

static void run_look_up(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct err e = { 0 };
    int rc = admit(x, &e);

    x->phase = PHASE_READING; /* what refuse() decides by is still there: the headers are the connection's */
    if (rc == ERR_NOT_FOUND && let_in_without(x))
        rc = 0;
    if (rc != 0)
        refuse_person(x, rc);
    else if (x->phase == PHASE_READING && may_see(x)) {
        x->viewer.ask = ASK_NOTHING;
        exchange_go_on(x);
        return;
    }
    exchange_resume(x);
}

void login_look_up(struct exchange *x)
{
    exchange_hand_over(x, x->server->o.login->look_ups, run_look_up);
}
