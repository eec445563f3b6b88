/* See login.h: the page to sign in, what the forms send, and signing in and out. */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/limits.h"
#include "hub/limits_path.h"
#include "hub/login_internal.h"
#include "hub/web_html.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COOKIE_SESSION, COOKIE_FORM, FORM_SECONDS = 3600 };

/* ---- cookies ------------------------------------------------------------------------------ */

static bool is_tls(const struct exchange *x)
{
    return x->server->config.cert_file[0] != '\0';
}

static const char *form_cookie(const struct exchange *x)
{
    return is_tls(x) ? "__Host-hvhub-form" : "hvhub-form";
}

/* Behind a proxy the browser's side may be TLS while ours is not. */
static void set_cookie(struct exchange *x, int which, const char *name, const char *value, int64_t seconds)
{
    const char *outside = exchange_header(x, "X-Forwarded-Proto");
    bool tls = is_tls(x) || (outside != NULL && strcmp(outside, "https") == 0);

    snprintf(x->reply.cookies[which], sizeof x->reply.cookies[which],
             "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", name, value, (long long)seconds,
             tls ? "; Secure" : "");
}

/* ---- pages --------------------------------------------------------------------------------- */

void login_page_start(struct exchange *x, int status, const char *title, const char *problem, char secret[SECRET_MAX])
{
    const struct web_head head = { .title = title, .bare = x->viewer.scope.kind == SCOPE_NOTHING };
    struct buf *out = &x->reply.body;

    secret_make(plat_random(), SECRET_FORM, secret);
    set_cookie(x, COOKIE_FORM, form_cookie(x), secret, FORM_SECONDS);
    exchange_text(x, status, "");
    x->reply.type = "text/html; charset=utf-8";
    x->reply.page = true;
    web_page_start(out, &head);
    if (problem != NULL) {
        buf_str(out, "<p role=\"alert\" class=\"problem\">");
        web_text(out, problem);
        buf_str(out, "</p>\n");
    }
}

void login_page_end(struct exchange *x)
{
    if (x->viewer.scope.kind == SCOPE_NOTHING)
        web_page_end_bare(&x->reply.body);
    else
        web_page_end(&x->reply.body, x->server->o.clock->wall_ns(x->server->o.clock));
}

void login_hidden_field(struct buf *out, const char *secret)
{
    buf_printf(out, "<input type=\"hidden\" name=\"form\" value=\"%s\">\n", secret);
}

static void put_page(struct exchange *x, int status, const char *problem)
{
    struct buf *out = &x->reply.body;
    char secret[SECRET_MAX];

    login_page_start(x, status, "Sign in", problem, secret);
    buf_str(out, "<form class=\"sign\" method=\"post\" action=\"/login\">\n");
    login_hidden_field(out, secret);
    buf_str(out, "<label for=\"name\">Name</label>\n"
                 "<input id=\"name\" name=\"name\" autocomplete=\"username\" autocapitalize=\"none\""
                 " spellcheck=\"false\" required autofocus>\n"
                 "<label for=\"password\">Password</label>\n"
                 "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\""
                 " required>\n<button type=\"submit\">Sign in</button>\n</form>\n");
    login_page_end(x);
}

static bool take_any(void *arg, const struct fleet_person *p)
{
    (void)p;
    *(bool *)arg = true;
    return false;
}

/* Before the first account there is nobody who could sign in, and the page says what to do. */
static void run_page(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct login *l = x->server->o.login;
    bool any = false;
    struct err e = { 0 };

    if (fleet_people_each(l->door, take_any, &any, &e) != 0)
        any = true; /* whoever sends the form hears it */
    else if (any)
        l->has_accounts = true;
    put_page(x, 200,
             any ? NULL
                 : "There are no accounts yet. Make the first one on the hub's machine: hvhub user add NAME --role"
                   " admin");
    exchange_resume(x);
}

void login_page(struct exchange *x)
{
    if (!limits_host_right(x))
        exchange_refuse(x, 421, "this hub is not known under the name in the Host header; write it into web.hosts");
    else if (x->server->o.login->has_accounts)
        put_page(x, 200, NULL);
    else
        exchange_hand_over(x, x->server->o.login->look_ups, run_page);
}

/* ---- what is sent ------------------------------------------------------------------------------ */

void login_begin(struct exchange *x)
{
    x->body.max = LOGIN_BODY_MAX;
}

static bool read_form(struct exchange *x, struct login_form *f)
{
    return login_form_read(f, buf_text(&x->body), x->body.len);
}

void login_wipe(struct exchange *x, struct login_form *f)
{
    explicit_bzero(f, sizeof *f);
    if (x->body.data != NULL)
        explicit_bzero(x->body.data, x->body.len);
}

/* Made from our own page, in this browser. */
static bool from_here(struct exchange *x, const struct login_form *f)
{
    const char *site = exchange_header(x, "Sec-Fetch-Site"), *cookie = login_cookie(x, form_cookie(x));

    if (!limits_host_right(x) || (site != NULL && strcmp(site, "same-origin") != 0))
        return false;
    return cookie != NULL && secret_formed(cookie, SECRET_FORM) && secret_equal(cookie, f->form);
}

bool login_form_good(struct exchange *x, struct login_form *f)
{
    if (read_form(x, f) && from_here(x, f))
        return true;
    put_page(x, 403, "This form has expired, or your browser keeps no cookies. Try again.");
    return false;
}

void login_audit(const struct exchange *x, struct fleet_store *s, const char *who, const char *what)
{
    struct fleet_audit a = { .time = x->server->o.clock->wall_ns(x->server->o.clock) };
    struct err e = { 0 };

    text_copy(a.who, sizeof a.who, who);
    login_peer(x, a.address);
    text_copy(a.what, sizeof a.what, what);
    if (fleet_audit_put(s, &a, &e) != 0)
        log_event(LOG_WARN, "audit.not_written", LOG_S("what", what), LOG_S("problem", e.text));
}

/* ---- signing in ---------------------------------------------------------------------------------- */

/* An address of IPv6 is as good as any other of its /64. */
static void address_key(const struct exchange *x, char out[PERSON_NAME_MAX])
{
    struct in6_addr v6;

    login_peer(x, out);
    if (inet_pton(AF_INET6, out, &v6) != 1)
        return;
    memset(&v6.s6_addr[8], 0, 8);
    inet_ntop(AF_INET6, &v6, out, PERSON_NAME_MAX);
}

int login_count_try(struct exchange *x, const char *name)
{
    struct login *l = x->server->o.login;
    char key[TICKET_DIGEST_MAX], address[PERSON_NAME_MAX];
    int wait;

    address_key(x, address);
    secret_digest(name, key);
    key[RATE_AGENT_MAX - 1] = '\0';
    wait = rate_wait(l->names, key);
    if (wait == 0)
        wait = rate_wait(l->addresses, address);
    if (wait == 0)
        wait = rate_wait(l->all, "all");
    if (wait == 0) {
        rate_pay(l->names, key, 1);
        rate_pay(l->addresses, address, 1);
        rate_pay(l->all, "all", 1);
    }
    return wait;
}

int login_begin_session(struct exchange *x, const char *person, struct err *e)
{
    const struct hub_config *c = &x->server->config;
    int64_t now = x->server->o.clock->wall_ns(x->server->o.clock);
    struct fleet_ticket t = { .kind = TICKET_SESSION, .created = now, .seen = now, .ends = now + c->session_idle_ns };
    char secret[SECRET_MAX];
    int rc;

    secret_make(plat_random(), SECRET_SESSION, secret);
    secret_digest(secret, t.digest);
    text_copy(t.person, sizeof t.person, person);
    rc = fleet_ticket_put(x->server->o.login->signing, &t, e);
    if (rc == 0)
        set_cookie(x, COOKIE_SESSION, login_cookie_name(x), secret, c->session_max_ns / NS_PER_S);
    explicit_bzero(secret, sizeof secret);
    return rc;
}

/* For those who watch the log for addresses that try. */
static void log_refusal(const struct exchange *x)
{
    char address[PERSON_NAME_MAX];

    login_peer(x, address);
    log_event(LOG_WARN, "login.refused", LOG_S("address", address));
}

static void sign_in(struct exchange *x, const struct login_form *f)
{
    struct fleet_store *s = x->server->o.login->signing;
    struct fleet_person p = { .name = "" };
    struct err e = { 0 };
    int rc = fleet_person_get(s, f->name, &p, &e);

    if (rc != 0 && rc != ERR_NOT_FOUND) {
        limits_busy(x, LOGIN_RETRY_S, "the accounts can not be read now; try again");
        return;
    }
    if (!password_right(f->password, p.hash)) {
        login_audit(x, s, rc == 0 ? p.name : "", "login-refused"); /* a name that is none may be a password */
        log_refusal(x);
        put_page(x, 403, "Wrong name or password.");
        return;
    }
    rc = login_begin_session(x, p.name, &e);
    if (rc != 0) {
        limits_busy(x, LOGIN_RETRY_S, "no session can be stored now; try again");
        return;
    }
    login_audit(x, s, p.name, "login");
    exchange_text(x, 303, "signed in\n");
    x->reply.location = "/";
}

static void run_login(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct login_form f;

    if (read_form(x, &f))
        sign_in(x, &f);
    else
        put_page(x, 403, "Wrong name or password.");
    login_wipe(x, &f);
    exchange_resume(x);
}

void login_finish(struct exchange *x)
{
    struct login_form f;
    bool good = login_form_good(x, &f);
    int wait = good ? login_count_try(x, f.name) : 0;

    explicit_bzero(&f, sizeof f);
    if (good && wait > 0) {
        put_page(x, 429, "Too many tries. Wait a little.");
        x->reply.retry_after_s = wait;
    } else if (good) {
        exchange_hand_over(x, x->server->o.login->passwords, run_login);
    }
}

/* ---- signing out ---------------------------------------------------------------------------------- */

static void run_logout(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct fleet_store *s = x->server->o.login->door;
    const char *session = login_cookie(x, login_cookie_name(x));
    struct fleet_ticket t = { .kind = TICKET_SESSION };
    char digest[TICKET_DIGEST_MAX];
    struct err e = { 0 };
    int rc = 0;

    if (session != NULL) {
        secret_digest(session, digest);
        rc = fleet_ticket_get(s, digest, x->server->o.clock->wall_ns(x->server->o.clock), &t, &e);
        if (rc == 0)
            rc = fleet_ticket_drop(s, digest, &e);
        if (rc == 0)
            login_audit(x, s, t.person, "logout");
    }
    if (rc != 0 && rc != ERR_NOT_FOUND) {
        limits_busy(x, LOGIN_RETRY_S, "the session can not be ended now; try again");
    } else {
        set_cookie(x, COOKIE_SESSION, login_cookie_name(x), "", 0);
        exchange_text(x, 303, "signed out\n");
        x->reply.location = "/login";
    }
    exchange_resume(x);
}

void logout_finish(struct exchange *x)
{
    struct login_form f;
    bool good = login_form_good(x, &f);

    explicit_bzero(&f, sizeof f);
    if (good)
        exchange_hand_over(x, x->server->o.login->look_ups, run_logout);
}
