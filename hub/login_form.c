/* See login.h: the page, and what its two forms do. */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/limits.h"
#include "hub/limits_path.h"
#include "hub/login_internal.h"
#include "hub/web_html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM_COOKIE "hvhub-form"

struct form {
    char name[PERSON_NAME_MAX];
    char password[PASSWORD_MAX + 1];
    char form[SECRET_MAX];
};

/* ---- cookies ------------------------------------------------------------------------------ */

static void set_cookie(struct exchange *x, int which, const char *name, const char *value, int64_t seconds)
{
    bool tls = x->server->config.cert_file[0] != '\0';

    snprintf(x->reply.cookies[which], sizeof x->reply.cookies[which],
             "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", name, value, (long long)seconds,
             tls ? "; Secure" : "");
}

/* ---- the page ------------------------------------------------------------------------------ */

static void put_page(struct exchange *x, int status, const char *problem)
{
    static const struct web_head head = { .title = "Sign in" };
    struct buf *out = &x->reply.body;
    char secret[SECRET_MAX];

    secret_make(plat_random(), "hvf_", secret);
    set_cookie(x, 1, FORM_COOKIE, secret, 3600);
    exchange_text(x, status, "");
    x->reply.type = "text/html; charset=utf-8";
    x->reply.page = true;
    web_page_start(out, &head);
    if (problem != NULL) {
        buf_str(out, "<p role=\"alert\">");
        web_text(out, problem);
        buf_str(out, "</p>\n");
    }
    buf_printf(out,
               "<form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"form\" value=\"%s\">\n"
               "<p><label>Name <input name=\"name\" autocomplete=\"username\" required autofocus></label></p>\n"
               "<p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\""
               " required></label></p>\n<p><button>Sign in</button></p></form>\n",
               secret);
    if (login_cookie(x, login_cookie_name(x)) != NULL)
        buf_printf(out,
                   "<form method=\"post\" action=\"/logout\"><input type=\"hidden\" name=\"form\" value=\"%s\">"
                   "<p><button>Sign out</button></p></form>\n",
                   secret);
    web_page_end(out, x->server->o.clock->wall_ns(x->server->o.clock));
}

void login_page(struct exchange *x)
{
    if (limits_host_right(x))
        put_page(x, 200, NULL);
    else
        exchange_refuse(x, 421, "this hub is not known under the name in the Host header; write it into web.hosts");
}

/* ---- what is sent ------------------------------------------------------------------------------ */

void login_begin(struct exchange *x)
{
    x->body.max = LOGIN_BODY_MAX;
}

/* One "key=value" of the form. */
static bool take_field(struct form *f, char *pair)
{
    const struct {
        const char *key;
        char *out;
        size_t size;
    } fields[] = { { "name", f->name, sizeof f->name },
                   { "password", f->password, sizeof f->password },
                   { "form", f->form, sizeof f->form } };
    char *value = strchr(pair, '=');

    if (value == NULL)
        return false;
    *value++ = '\0';
    for (char *c = value; *c != '\0'; c++)
        *c = *c == '+' ? ' ' : *c;
    path_decode(value);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(fields[i].key, pair) == 0)
            return text_copy(fields[i].out, fields[i].size, value);
    }
    return true;
}

static bool read_form(struct exchange *x, struct form *f)
{
    char text[LOGIN_BODY_MAX + 1], *rest = text;
    bool good = x->body.len <= LOGIN_BODY_MAX && memchr(buf_text(&x->body), '\0', x->body.len) == NULL;

    *f = (struct form){ .name = "" };
    if (good && text_copy(text, sizeof text, buf_text(&x->body))) {
        for (char *pair; good && (pair = strsep(&rest, "&")) != NULL;)
            good = pair[0] == '\0' || take_field(f, pair);
        explicit_bzero(text, sizeof text);
    }
    return good;
}

/* Made from our own page, in this browser. */
static bool from_here(struct exchange *x, const struct form *f)
{
    const char *site = exchange_header(x, "Sec-Fetch-Site"), *cookie = login_cookie(x, FORM_COOKIE);

    if (!limits_host_right(x) || (site != NULL && strcmp(site, "same-origin") != 0))
        return false;
    return cookie != NULL && cookie[0] != '\0' && secret_equal(cookie, f->form);
}

static bool form_good(struct exchange *x, struct form *f)
{
    if (read_form(x, f) && from_here(x, f))
        return true;
    put_page(x, 403, "This form has expired, or your browser keeps no cookies. Try again.");
    return false;
}

static void audit(struct exchange *x, const char *who, const char *what)
{
    struct fleet_audit a = { .time = x->server->o.clock->wall_ns(x->server->o.clock) };
    struct err e = { 0 };

    text_copy(a.who, sizeof a.who, who);
    login_peer(x, a.address);
    text_copy(a.what, sizeof a.what, what);
    if (fleet_audit_put(x->server->o.login->people, &a, &e) != 0)
        log_event(LOG_WARN, "audit.not_written", LOG_S("what", what), LOG_S("problem", e.text));
}

/* ---- signing in ---------------------------------------------------------------------------------- */

/* One more try of this name from this address; the seconds to wait when there were too many. */
static int count_try(struct exchange *x, const char *name)
{
    struct login *l = x->server->o.login;
    char key[TICKET_DIGEST_MAX], address[PERSON_NAME_MAX];
    int wait = rate_wait(l->all_tries, "all");

    login_peer(x, address);
    secret_digest(name, key);
    key[RATE_AGENT_MAX - 1] = '\0';
    if (wait == 0)
        wait = rate_wait(l->tries, key);
    if (wait == 0)
        wait = rate_wait(l->tries, address);
    if (wait == 0) {
        rate_pay(l->all_tries, "all", 1);
        rate_pay(l->tries, key, 1);
        rate_pay(l->tries, address, 1);
    }
    return wait;
}

static int begin_session(struct exchange *x, const struct fleet_person *p, struct err *e)
{
    const struct hub_config *c = &x->server->config;
    int64_t now = x->server->o.clock->wall_ns(x->server->o.clock);
    struct fleet_ticket t = { .kind = TICKET_SESSION, .created = now, .seen = now, .ends = now + c->session_idle_ns };
    char secret[SECRET_MAX];
    int rc;

    secret_make(plat_random(), SECRET_SESSION, secret);
    secret_digest(secret, t.digest);
    text_copy(t.person, sizeof t.person, p->name);
    rc = fleet_ticket_put(x->server->o.login->people, &t, e);
    if (rc == 0)
        set_cookie(x, 0, login_cookie_name(x), secret, c->session_max_ns / NS_PER_S);
    explicit_bzero(secret, sizeof secret);
    return rc;
}

static void sign_in(struct exchange *x, const struct form *f)
{
    struct fleet_person p;
    struct err e = { 0 };
    int rc = fleet_person_get(x->server->o.login->people, f->name, &p, &e);

    if (rc != 0 && rc != ERR_NOT_FOUND) {
        limits_busy(x, LOGIN_RETRY_S, "the accounts can not be read now; try again");
        return;
    }
    if (!password_right(f->password, rc == 0 ? p.hash : NULL)) {
        audit(x, person_name_good(f->name) ? f->name : "", "login-refused");
        put_page(x, 403, "Wrong name or password.");
        return;
    }
    rc = begin_session(x, &p, &e);
    if (rc != 0) {
        limits_busy(x, LOGIN_RETRY_S, "no session can be stored now; try again");
        return;
    }
    audit(x, p.name, "login");
    exchange_text(x, 303, "signed in\n");
    x->reply.location = "/";
}

static void run_login(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct form f;

    if (read_form(x, &f))
        sign_in(x, &f);
    else
        put_page(x, 403, "Wrong name or password.");
    explicit_bzero(&f, sizeof f);
    if (x->body.data != NULL)
        explicit_bzero(x->body.data, x->body.len);
    exchange_resume(x);
}

void login_finish(struct exchange *x)
{
    struct form f;
    bool good = form_good(x, &f);
    int wait = good ? count_try(x, f.name) : 0;

    explicit_bzero(&f, sizeof f);
    if (good && wait > 0) {
        put_page(x, 429, "Too many tries. Wait a little.");
        x->reply.retry_after_s = wait;
    } else if (good) {
        page_hand_over(x, run_login);
    }
}

/* ---- signing out ---------------------------------------------------------------------------------- */

static void run_logout(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct fleet_store *people = x->server->o.login->people;
    const char *session = login_cookie(x, login_cookie_name(x));
    struct fleet_ticket t = { .kind = TICKET_SESSION };
    char digest[TICKET_DIGEST_MAX];
    struct err e = { 0 };
    int rc = 0;

    if (session != NULL) {
        secret_digest(session, digest);
        rc = fleet_ticket_get(people, digest, x->server->o.clock->wall_ns(x->server->o.clock), &t, &e);
        if (rc == 0)
            rc = fleet_ticket_drop(people, digest, &e);
        if (rc == 0)
            audit(x, t.person, "logout");
    }
    if (rc != 0 && rc != ERR_NOT_FOUND) {
        limits_busy(x, LOGIN_RETRY_S, "the session can not be ended now; try again");
    } else {
        set_cookie(x, 0, login_cookie_name(x), "", 0);
        exchange_text(x, 303, "signed out\n");
        x->reply.location = "/login";
    }
    exchange_resume(x);
}

void logout_finish(struct exchange *x)
{
    struct form f;

    if (form_good(x, &f))
        page_hand_over(x, run_logout);
}
