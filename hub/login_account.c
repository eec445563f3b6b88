/* See login.h: a person's own page, and the audit log for admins. */
#include "base/text.h"
#include "base/times.h"
#include "hub/limits.h"
#include "hub/login_internal.h"
#include "hub/web_html.h"

#include <string.h>

enum { AUDIT_SHOWN = 500 };

/* ---- the account ------------------------------------------------------------------------ */

static void put_fact(struct buf *out, const char *label, const char *value)
{
    buf_printf(out, "<div><dt>%s</dt><dd>", label);
    web_name(out, value);
    buf_str(out, "</dd></div>\n");
}

static void put_clusters(struct buf *out, const struct fleet_scope *scope)
{
    const char *at = scope->clusters;
    char cluster[FLEET_CLUSTER_MAX];
    bool first = true;

    buf_str(out, "<div><dt>Sees</dt><dd>");
    if (scope->kind == SCOPE_FLEET)
        buf_str(out, "the whole fleet");
    while (scope->kind == SCOPE_CLUSTERS && fleet_scope_next(&at, cluster)) {
        buf_str(out, first ? "" : ", ");
        web_name(out, cluster);
        first = false;
    }
    buf_str(out, "</dd></div>\n");
}

static void put_password(struct buf *out, const char *id, const char *label, const char *complete)
{
    buf_printf(out,
               "<label for=\"%s\">%s</label>\n<input id=\"%s\" name=\"%s\" type=\"password\" autocomplete=\"%s\""
               " required>\n",
               id, label, id, id, complete);
}

/* Only a session has a password to change and something to sign out of. */
static void put_forms(struct exchange *x, const char *secret)
{
    struct buf *out = &x->reply.body;

    buf_str(out, "<section aria-labelledby=\"out-title\">\n<h2 id=\"out-title\">Sign out</h2>\n"
                 "<form class=\"sign\" method=\"post\" action=\"/logout\">\n");
    login_hidden_field(out, secret);
    buf_str(out, "<button type=\"submit\">Sign out</button>\n</form>\n</section>\n"
                 "<section aria-labelledby=\"password-title\">\n<h2 id=\"password-title\">Change the password</h2>\n"
                 "<form class=\"sign\" method=\"post\" action=\"/account/password\">\n");
    login_hidden_field(out, secret);
    put_password(out, "password", "Password now", "current-password");
    put_password(out, "new", "New password", "new-password");
    put_password(out, "again", "New password again", "new-password");
    buf_printf(out,
               "<p class=\"count\">%d characters or more. It ends your other sessions, and your scripts' tokens.</p>\n"
               "<button type=\"submit\">Change it</button>\n</form>\n</section>\n",
               PASSWORD_MIN);
}

static void put_account(struct exchange *x, int status, const char *problem)
{
    const struct viewer *v = &x->viewer;
    struct buf *out = &x->reply.body;
    char secret[SECRET_MAX];

    login_page_start(x, status, "Account", problem, secret);
    buf_str(out, "<dl class=\"facts\">\n");
    put_fact(out, "Name", v->person ? v->name : "nobody: no login was asked for");
    put_fact(out, "Role", person_role_name(v->role));
    put_clusters(out, &v->scope);
    buf_str(out, "</dl>\n");
    if (v->person && v->role == ROLE_ADMIN)
        buf_str(out, "<p><a href=\"/audit\">Audit log</a></p>\n");
    if (v->ticket[0] != '\0')
        put_forms(x, secret);
    else
        buf_str(out, "<p>There is nothing to sign out of: this request was let in without a session.</p>\n");
    login_page_end(x);
}

void account_page(struct exchange *x)
{
    put_account(x, 200, NULL);
}

/* ---- its password -------------------------------------------------------------------------- */

/* The account with its new hash, when the old password was right.  NULL, or what is wrong. */
static const char *make_hash(const struct login_form *f, struct fleet_person *p, struct err *e)
{
    if (!password_right(f->password, p->hash))
        return "The password now is another.";
    if (strcmp(f->new_password, f->again) != 0)
        return "The new password was not written twice alike.";
    return password_hash(f->new_password, p->hash, e) != 0 ? e->text : NULL;
}

static void change_password(struct exchange *x, const struct login_form *f)
{
    struct fleet_store *s = x->server->o.login->signing;
    struct fleet_person p;
    struct err e = { 0 };
    const char *problem = NULL;
    int rc = fleet_person_get(s, x->viewer.name, &p, &e);

    if (rc == 0)
        problem = make_hash(f, &p, &e);
    if (problem != NULL) {
        login_audit(x, s, x->viewer.name, "password-refused");
        put_account(x, 403, problem);
        return;
    }
    if (rc == 0)
        rc = fleet_person_password(s, p.name, p.hash, &e);
    if (rc == 0)
        rc = login_begin_session(x, p.name, &e);
    if (rc != 0) {
        limits_busy(x, LOGIN_RETRY_S, "the password can not be changed now; try again");
        return;
    }
    login_audit(x, s, p.name, "password-changed");
    exchange_text(x, 303, "changed\n");
    x->reply.location = "/account";
}

static void run_password(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct login_form f;

    if (login_form_good(x, &f))
        change_password(x, &f);
    login_wipe(x, &f);
    exchange_resume(x);
}

void account_password_finish(struct exchange *x)
{
    struct login_form f;
    bool good = login_form_good(x, &f);
    int wait = good ? login_count_try(x, x->viewer.name) : 0;

    explicit_bzero(&f, sizeof f);
    if (!good)
        return;
    if (x->viewer.ticket[0] == '\0') {
        put_account(x, 403, "Only who has signed in has a password to change here.");
    } else if (wait > 0) {
        put_account(x, 429, "Too many tries. Wait a little.");
        x->reply.retry_after_s = wait;
    } else {
        exchange_hand_over(x, x->server->o.login->passwords, run_password);
    }
}

/* ---- the audit log ------------------------------------------------------------------------------ */

static bool put_entry(void *arg, const struct fleet_audit *a)
{
    struct buf *out = (struct buf *)arg;

    buf_str(out, "<tr><th scope=\"row\">");
    web_time(out, a->time);
    buf_str(out, "</th><td class=\"word\">");
    web_text(out, a->what);
    buf_str(out, "</td><td>");
    web_name(out, a->who);
    buf_str(out, "</td><td>");
    web_name(out, a->address);
    buf_str(out, "</td><td>");
    web_name(out, a->text);
    buf_str(out, "</td></tr>\n");
    return true;
}

static void run_audit(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct buf *out = &x->reply.body;
    char secret[SECRET_MAX];
    struct err e = { 0 };

    login_page_start(x, 200, "Audit log", NULL, secret);
    buf_printf(out,
               "<div class=\"scroll\" role=\"region\" aria-label=\"Audit log, table\" tabindex=\"0\">"
               "<table class=\"list\">\n<caption>The newest %d entries, the newest first; <code>hvhub audit</code>"
               " prints more</caption>\n<thead><tr><th scope=\"col\">Time</th><th scope=\"col\">What</th>"
               "<th scope=\"col\">Who</th><th scope=\"col\">From</th><th scope=\"col\">About</th></tr></thead>\n"
               "<tbody>\n",
               AUDIT_SHOWN);
    if (fleet_audit_each(x->server->o.login->door, 0, AUDIT_SHOWN, put_entry, out, &e) == 0) {
        buf_str(out, "</tbody></table></div>\n");
        login_page_end(x);
    } else {
        limits_busy(x, LOGIN_RETRY_S, "the audit log can not be read now; try again");
    }
    exchange_resume(x);
}

void audit_page(struct exchange *x)
{
    exchange_hand_over(x, x->server->o.login->look_ups, run_audit);
}
