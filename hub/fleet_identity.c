/* See fleet_identity.h: transactions around the body's rows.
 *
 * A refusal is no failure of the transaction: what there is to record of it (the
 * account, a finding) is committed, and the caller gets ERR_REFUSED after that. */
#include "hub/fleet_identity.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_identity_body.h"

#include <assert.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

/* How long a certificate that has expired is remembered. */
#define ISSUED_KEEP_NS (INT64_C(90) * 86400 * NS_PER_S)

struct work {
    const struct fleet_token *token;
    const struct fleet_issued *cert;
    const char *digest, *address;
    enum fleet_revoke what;
    const char *id;                 /* of what is revoked */
    const char *agent_id, *host_id; /* of what is forgotten */
    const char *text;
    int count;
    int64_t now;
    bool refused;
    char why[FLEET_REFUSAL_MAX];
};

typedef int do_work(struct fleet_store *s, struct work *w, struct err *e);

static const struct fleet_identity_ops *ops_of(const struct fleet_store *s)
{
    return s->body->ops->identity;
}

static int finish(struct fleet_body *b, int rc, struct err *e)
{
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

static int run_work(struct fleet_store *s, do_work *what, struct work *w, struct err *e)
{
    int rc, tries = 0;

    assert(!s->read_only);
    do {
        w->refused = false;
        w->count = 0;
        w->now = s->clock->wall_ns(s->clock);
        rc = s->body->ops->begin(s->body, true, e);
        if (rc == 0)
            rc = what(s, w, e);
        rc = finish(s->body, rc, e);
    } while (rc != 0 && fleet_try_again(s, &tries));
    if (rc == 0 && w->refused)
        return err_set(e, ERR_REFUSED, "%s", w->why);
    return rc;
}

/* ---- the account -------------------------------------------------------------------- */

static int note(struct fleet_store *s, const struct work *w, const char *what, const char *text, struct err *e)
{
    struct fleet_identity_event ev = { .time = w->now, .what = what };
    const struct fleet_issued *c = w->cert;

    if (c != NULL) {
        text_copy(ev.token_id, sizeof ev.token_id, c->token_id);
        text_copy(ev.agent_id, sizeof ev.agent_id, c->agent_id);
        text_copy(ev.host_id, sizeof ev.host_id, c->host_id);
        text_copy(ev.serial, sizeof ev.serial, w->refused ? c->renewed_from : c->serial);
    }
    text_copy(ev.address, sizeof ev.address, w->address != NULL ? w->address : "");
    text_clean(ev.text, sizeof ev.text, text, strlen(text), NULL);
    return ops_of(s)->event_put(s->body, &ev, IDENTITY_EVENTS_MAX, e);
}

static int refuse(struct fleet_store *s, struct work *w, struct err *e, const char *fmt, ...) PRINTF_LIKE(4, 5);
static int refuse(struct fleet_store *s, struct work *w, struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(w->why, sizeof w->why, fmt, ap);
    va_end(ap);
    w->refused = true;
    return note(s, w, "refused", w->why, e);
}

static int put_finding(struct fleet_body *b, int64_t now, const char *host_id, const char *agent_id, const char *text,
                       struct err *e)
{
    struct fleet_finding f = { .kind = FINDING_IDENTITY, .first_time = now, .last_time = now };

    text_copy(f.host_id, sizeof f.host_id, host_id);
    text_copy(f.agent_id, sizeof f.agent_id, agent_id);
    text_clean(f.text, sizeof f.text, text, strlen(text), NULL);
    return b->ops->finding_put(b, &f, e);
}

/* ---- tokens ------------------------------------------------------------------------------ */

static int make_token(struct fleet_store *s, struct work *w, struct err *e)
{
    struct fleet_issued about = { .issued = w->now };
    int rc = ops_of(s)->token_put(s->body, w->token, e);

    text_copy(about.token_id, sizeof about.token_id, w->token->id);
    w->cert = &about;
    if (rc == 0)
        rc = note(s, w, "made", w->text, e);
    w->cert = NULL;
    return rc;
}

int fleet_token_make(struct fleet_store *s, const struct fleet_token *t, const char *text, struct err *e)
{
    struct work w = { .token = t, .text = text };

    return run_work(s, make_token, &w, e);
}

int fleet_token_get(struct fleet_store *s, const char *id, struct fleet_token *out, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->token_get(s->body, id, out, e);
    if (rc == ERR_NOT_FOUND)
        (void)!err_set(e, rc, "there is no enrolment token %s", id);
    return finish(s->body, rc, e);
}

/* ---- enrolling ---------------------------------------------------------------------------- */

static int is_banned(struct fleet_store *s, const struct fleet_issued *c, bool *banned, struct err *e)
{
    struct fleet_standing st;
    int rc = ops_of(s)->standing(s->body, c->agent_id, c->host_id, c->serial, &st, e);

    *banned = rc == 0 && st.host_banned > 0;
    return rc;
}

/* The agent id must be nobody's, or this host's and this key's already.  What was bound by trust on first use gives
 * way on the same host: the agent had a token or another certificate before it enrolled. */
static int check_binding(struct fleet_store *s, struct work *w, bool renewal, struct err *e)
{
    const struct fleet_issued *c = w->cert;
    struct fleet_bound bound;
    bool enrolled;
    int rc = ops_of(s)->bound_get(s->body, c->agent_id, &bound, e);

    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    enrolled = rc == 0 && strcmp(bound.holder, IDENTITY_ENROLLED) == 0;
    if (rc == 0 && strcmp(bound.host_id, c->host_id) != 0) {
        rc = refuse(s, w, e,
                    "agent id %s belongs to host %s and can not be enrolled for host %s: a cloned host? Remove the"
                    " agent's store on the clone, or run `hvhub enroll forget --agent %s`",
                    c->agent_id, bound.host_id, c->host_id, c->agent_id);
        return rc != 0 ? rc : put_finding(s->body, w->now, bound.host_id, c->agent_id, w->why, e);
    }
    if (enrolled && !renewal && strcmp(bound.key, c->key) != 0) {
        rc = refuse(s, w, e,
                    "agent id %s is enrolled already, with another key; if its key was lost run `hvhub enroll forget"
                    " --agent %s`",
                    c->agent_id, c->agent_id);
        return rc != 0 ? rc : put_finding(s->body, w->now, bound.host_id, c->agent_id, w->why, e);
    }
    return 0;
}

/* The certificate, the binding to it, and the account; old certificates go. */
static int record(struct fleet_store *s, struct work *w, const char *what, struct err *e)
{
    const struct fleet_issued *c = w->cert;
    struct fleet_bound bound = { .since = w->now };
    int rc = ops_of(s)->issued_put(s->body, c, e);

    text_copy(bound.agent_id, sizeof bound.agent_id, c->agent_id);
    text_copy(bound.host_id, sizeof bound.host_id, c->host_id);
    text_copy(bound.holder, sizeof bound.holder, IDENTITY_ENROLLED);
    text_copy(bound.key, sizeof bound.key, c->key);
    if (rc == 0)
        rc = ops_of(s)->bound_put(s->body, &bound, e);
    if (rc == 0)
        rc = ops_of(s)->issued_prune(s->body, w->now - ISSUED_KEEP_NS, e);
    return rc != 0 ? rc : note(s, w, what, "", e);
}

static bool same_digest(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && gnutls_memcmp(a, b, strlen(a)) == 0;
}

/* Refuses, or leaves w->refused as it is. */
static int check_token(struct fleet_store *s, struct work *w, struct err *e)
{
    const struct fleet_issued *c = w->cert;
    struct fleet_token t;
    bool banned;
    int rc = ops_of(s)->token_get(s->body, c->token_id, &t, e);

    if (rc == ERR_NOT_FOUND || (rc == 0 && !same_digest(t.digest, w->digest)))
        return refuse(s, w, e, "the enrolment token is not known");
    if (rc != 0)
        return rc;
    if (t.revoked > 0)
        return refuse(s, w, e, "the enrolment token was revoked");
    if (t.expires <= w->now)
        return refuse(s, w, e, "the enrolment token has expired; make a new one with `hvhub enroll new`");
    rc = is_banned(s, c, &banned, e);
    if (rc == 0 && banned)
        return refuse(s, w, e, "host %s was revoked; `hvhub enroll forget --host` lets it in again", c->host_id);
    return rc;
}

/* One use, unless this key has had one already. */
static int take_use(struct fleet_store *s, struct work *w, struct err *e)
{
    struct fleet_issued before;
    bool taken = false;
    int rc = ops_of(s)->issued_for(s->body, w->cert->token_id, w->cert->key, &before, e);

    if (rc == 0 && strcmp(before.agent_id, w->cert->agent_id) == 0 && strcmp(before.host_id, w->cert->host_id) == 0 &&
        before.revoked == 0)
        return 0;
    if (rc == 0 || rc == ERR_NOT_FOUND)
        rc = ops_of(s)->token_take(s->body, w->cert->token_id, &taken, e);
    if (rc == 0 && !taken)
        return refuse(s, w, e, "the enrolment token is used up; make a new one with `hvhub enroll new`");
    return rc;
}

static int enroll(struct fleet_store *s, struct work *w, struct err *e)
{
    int rc = check_token(s, w, e);

    if (rc == 0 && !w->refused)
        rc = check_binding(s, w, false, e);
    if (rc == 0 && !w->refused)
        rc = take_use(s, w, e);
    return rc != 0 || w->refused ? rc : record(s, w, "enrolled", e);
}

int fleet_enroll(struct fleet_store *s, const char *digest, const struct fleet_issued *cert, const char *address,
                 struct err *e)
{
    struct work w = { .cert = cert, .digest = digest, .address = address };

    return run_work(s, enroll, &w, e);
}

/* ---- renewing -------------------------------------------------------------------------------- */

static int check_standing(struct fleet_store *s, struct work *w, const char *serial, struct err *e)
{
    const struct fleet_issued *c = w->cert;
    struct fleet_standing st;
    int rc = ops_of(s)->standing(s->body, c->agent_id, c->host_id, serial, &st, e);

    if (rc != 0)
        return rc;
    if (st.revoked > 0 || st.host_banned > 0)
        return refuse(s, w, e, "the certificate of host %s was revoked", c->host_id);
    if (st.holder[0] == '\0')
        return refuse(s, w, e, "agent id %s is not enrolled any more; enrol it with a new token", c->agent_id);
    return 0;
}

/* Two machines with one certificate: the first to renew is in use already. */
static int check_clone(struct fleet_store *s, struct work *w, struct err *e)
{
    const struct fleet_issued *c = w->cert;
    struct fleet_issued other;
    int rc = ops_of(s)->issued_after(s->body, c->renewed_from, c->key, &other, e);

    if (rc == ERR_NOT_FOUND)
        return 0;
    if (rc != 0)
        return rc;
    rc = refuse(s, w, e,
                "the certificate %s of host %s was renewed before, and the new one is in use: two machines have it, a"
                " cloned host? Enrol the clone anew, without its copied store",
                c->renewed_from, c->host_id);
    return rc != 0 ? rc : put_finding(s->body, w->now, c->host_id, c->agent_id, w->why, e);
}

static int renew(struct fleet_store *s, struct work *w, struct err *e)
{
    int rc = check_standing(s, w, w->cert->renewed_from, e);

    if (rc == 0 && !w->refused)
        rc = check_clone(s, w, e);
    if (rc == 0 && !w->refused)
        rc = check_binding(s, w, true, e);
    return rc != 0 || w->refused ? rc : record(s, w, "renewed", e);
}

int fleet_renew(struct fleet_store *s, const struct fleet_issued *cert, const char *address, struct err *e)
{
    struct work w = { .cert = cert, .address = address };

    return run_work(s, renew, &w, e);
}

int fleet_identity_current(struct fleet_store *s, const char *serial, const char *host_id, struct err *e)
{
    struct fleet_standing st;
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->standing(s->body, "", host_id, serial, &st, e);
    rc = finish(s->body, rc, e);
    if (rc == 0 && (st.revoked > 0 || st.host_banned > 0))
        return err_set(e, ERR_REFUSED, "the certificate of host %s was revoked", host_id);
    return rc;
}

/* ---- taking away ---------------------------------------------------------------------------- */

static int revoke(struct fleet_store *s, struct work *w, struct err *e)
{
    const struct fleet_identity_ops *ops = ops_of(s);
    int rc;

    switch (w->what) {
    case REVOKE_TOKEN:
        rc = ops->token_revoke(s->body, w->id, w->now, &w->count, e);
        break;
    case REVOKE_CERTIFICATE:
        rc = ops->issued_revoke(s->body, w->id, w->now, &w->count, e);
        break;
    default:
        rc = ops->issued_revoke_host(s->body, w->id, w->now, &w->count, e);
        if (rc == 0)
            rc = ops->ban_put(s->body, w->id, w->now, e);
        w->count++;
        break;
    }
    return rc != 0 || w->count == 0 ? rc : note(s, w, "revoked", w->text, e);
}

int fleet_identity_revoke(struct fleet_store *s, enum fleet_revoke what, const char *id, const char *text, int *count,
                          struct err *e)
{
    struct work w = { .what = what, .id = id, .text = text };
    int rc = run_work(s, revoke, &w, e);

    *count = rc == 0 ? w.count : 0;
    return rc;
}

static int forget(struct fleet_store *s, struct work *w, struct err *e)
{
    int bans = 0;
    int rc = ops_of(s)->bound_forget(s->body, w->agent_id, w->host_id, &w->count, e);

    if (rc == 0 && w->host_id != NULL)
        rc = ops_of(s)->ban_drop(s->body, w->host_id, &bans, e);
    w->count += bans;
    return rc != 0 || w->count == 0 ? rc : note(s, w, "forgotten", w->text, e);
}

int fleet_identity_forget(struct fleet_store *s, const char *agent_id, const char *host_id, const char *text,
                          int *count, struct err *e)
{
    struct work w = { .agent_id = agent_id, .host_id = host_id, .text = text };
    int rc = run_work(s, forget, &w, e);

    *count = rc == 0 ? w.count : 0;
    return rc;
}

int fleet_identity_read(struct fleet_store *s, const struct fleet_identity_reader *r, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->read(s->body, r, e);
    return finish(s->body, rc, e);
}
