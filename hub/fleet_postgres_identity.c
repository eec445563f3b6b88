/* The PostgreSQL body's identities (fleet_identity_body.h). */
#include "hub/fleet_identity_body.h"
#include "hub/fleet_postgres.h"

#define ME postgres_body_of(b)

/* ---- rows ---------------------------------------------------------------------------- */

static void token_row(const PGresult *q, struct fleet_token *out)
{
    *out = (struct fleet_token){ .uses = pg_int(q, 3),
                                 .uses_left = pg_int(q, 4),
                                 .created = pg_int(q, 5),
                                 .expires = pg_int(q, 6),
                                 .revoked = pg_int(q, 7) };
    pg_copy_text(q, 0, out->id, sizeof out->id);
    pg_copy_text(q, 1, out->digest, sizeof out->digest);
    pg_copy_text(q, 2, out->cluster, sizeof out->cluster);
}

static void issued_row(const PGresult *q, struct fleet_issued *out)
{
    *out = (struct fleet_issued){
        .issued = pg_int(q, 6), .expires = pg_int(q, 7), .revoked = pg_int(q, 8), .first_used = pg_int(q, 9)
    };
    pg_copy_text(q, 0, out->serial, sizeof out->serial);
    pg_copy_text(q, 1, out->agent_id, sizeof out->agent_id);
    pg_copy_text(q, 2, out->host_id, sizeof out->host_id);
    pg_copy_text(q, 3, out->key, sizeof out->key);
    pg_copy_text(q, 4, out->token_id, sizeof out->token_id);
    pg_copy_text(q, 5, out->renewed_from, sizeof out->renewed_from);
}

static void bound_row(const PGresult *q, struct fleet_bound *out)
{
    *out = (struct fleet_bound){ .since = pg_int(q, 4) };
    pg_copy_text(q, 0, out->agent_id, sizeof out->agent_id);
    pg_copy_text(q, 1, out->host_id, sizeof out->host_id);
    pg_copy_text(q, 2, out->holder, sizeof out->holder);
    pg_copy_text(q, 3, out->key, sizeof out->key);
}

static void standing_row(const PGresult *q, struct fleet_standing *out)
{
    *out = (struct fleet_standing){
        .host_banned = pg_int(q, 0), .revoked = pg_int(q, 3), .first_used = pg_int(q, 4), .host_enrolled = pg_int(q, 5)
    };
    pg_copy_text(q, 1, out->holder, sizeof out->holder);
    pg_copy_text(q, 2, out->bound_host, sizeof out->bound_host);
}

/* ---- tokens -------------------------------------------------------------------------- */

static int token_put(struct fleet_body *b, const struct fleet_token *t, struct err *e)
{
    return postgres_run(ME, PG_TOKEN_PUT,
                        PG_WITH(PG_T(t->id), PG_T(t->digest), PG_T(t->cluster), PG_I(t->uses), PG_I(t->uses_left),
                                PG_I(t->created), PG_I(t->expires), PG_I(t->revoked)),
                        e);
}

static int token_get(struct fleet_body *b, const char *id, struct fleet_token *out, struct err *e)
{
    PGresult *q = NULL;
    int rc = postgres_row(ME, &q, PG_TOKEN_GET, PG_WITH(PG_T(id)), e);

    if (rc == 0)
        token_row(q, out);
    PQclear(q);
    return rc;
}

static int token_take(struct fleet_body *b, const char *id, bool *taken, struct err *e)
{
    int count = 0, rc = postgres_changed(ME, &count, PG_TOKEN_TAKE, PG_WITH(PG_T(id)), e);

    *taken = rc == 0 && count > 0;
    return rc;
}

static int token_revoke(struct fleet_body *b, const char *id, int64_t now, int *count, struct err *e)
{
    *count = 0;
    return postgres_changed(ME, count, PG_TOKEN_REVOKE, PG_WITH(PG_T(id), PG_I(now)), e);
}

/* ---- certificates -------------------------------------------------------------------- */

static int issued_put(struct fleet_body *b, const struct fleet_issued *c, struct err *e)
{
    return postgres_run(ME, PG_ISSUED_PUT,
                        PG_WITH(PG_T(c->serial), PG_T(c->agent_id), PG_T(c->host_id), PG_T(c->key), PG_T(c->token_id),
                                PG_T(c->renewed_from), PG_I(c->issued), PG_I(c->expires), PG_I(c->revoked),
                                PG_I(c->first_used)),
                        e);
}

static int issued_get(struct fleet_body *b, const char *serial, struct fleet_issued *out, struct err *e)
{
    PGresult *q = NULL;
    int rc = postgres_row(ME, &q, PG_ISSUED_GET, PG_WITH(PG_T(serial)), e);

    if (rc == 0)
        issued_row(q, out);
    PQclear(q);
    return rc;
}

static int issued_for(struct fleet_body *b, const char *token_id, const char *key, struct fleet_issued *out,
                      struct err *e)
{
    PGresult *q = NULL;
    int rc = postgres_row(ME, &q, PG_ISSUED_FOR, PG_WITH(PG_T(token_id), PG_T(key)), e);

    if (rc == 0)
        issued_row(q, out);
    PQclear(q);
    return rc;
}

static int issued_after(struct fleet_body *b, const char *serial, const char *key, struct fleet_issued *out,
                        struct err *e)
{
    PGresult *q = NULL;
    int rc = postgres_row(ME, &q, PG_ISSUED_AFTER, PG_WITH(PG_T(serial), PG_T(key)), e);

    if (rc == 0)
        issued_row(q, out);
    PQclear(q);
    return rc;
}

static int issued_used(struct fleet_body *b, const char *serial, int64_t now, struct err *e)
{
    return postgres_run(ME, PG_ISSUED_USED, PG_WITH(PG_T(serial), PG_I(now)), e);
}

static int issued_revoke(struct fleet_body *b, const char *serial, int64_t now, int *count, struct err *e)
{
    *count = 0;
    return postgres_changed(ME, count, PG_ISSUED_REVOKE, PG_WITH(PG_T(serial), PG_I(now)), e);
}

static int issued_revoke_host(struct fleet_body *b, const char *host_id, int64_t now, int *count, struct err *e)
{
    *count = 0;
    return postgres_changed(ME, count, PG_ISSUED_REVOKE_HOST, PG_WITH(PG_T(host_id), PG_I(now)), e);
}

static int issued_prune(struct fleet_body *b, int64_t before, struct err *e)
{
    return postgres_run(ME, PG_ISSUED_PRUNE, PG_WITH(PG_I(before)), e);
}

/* ---- bindings and bans --------------------------------------------------------------- */

static int bound_get(struct fleet_body *b, const char *agent_id, struct fleet_bound *out, struct err *e)
{
    PGresult *q = NULL;
    int rc = postgres_row(ME, &q, PG_BOUND_GET, PG_WITH(PG_T(agent_id)), e);

    if (rc == 0)
        bound_row(q, out);
    PQclear(q);
    return rc;
}

static int bound_put(struct fleet_body *b, const struct fleet_bound *bound, struct err *e)
{
    return postgres_run(
        ME, PG_BOUND_PUT,
        PG_WITH(PG_T(bound->agent_id), PG_T(bound->host_id), PG_T(bound->holder), PG_T(bound->key), PG_I(bound->since)),
        e);
}

static int bound_forget(struct fleet_body *b, const char *agent_id, const char *host_id, int *count, struct err *e)
{
    *count = 0;
    return postgres_changed(ME, count, PG_BOUND_FORGET, PG_WITH(PG_T(agent_id), PG_T(host_id)), e);
}

static int ban_put(struct fleet_body *b, const char *host_id, int64_t now, struct err *e)
{
    return postgres_run(ME, PG_BAN_PUT, PG_WITH(PG_T(host_id), PG_I(now)), e);
}

static int ban_drop(struct fleet_body *b, const char *host_id, int *count, struct err *e)
{
    *count = 0;
    return postgres_changed(ME, count, PG_BAN_DROP, PG_WITH(PG_T(host_id)), e);
}

static int standing(struct fleet_body *b, const char *agent_id, const char *host_id, const char *serial,
                    struct fleet_standing *out, struct err *e)
{
    PGresult *q = NULL;
    int rc = postgres_row(ME, &q, PG_STANDING, PG_WITH(PG_T(agent_id), PG_T(host_id), PG_T(serial)), e);

    if (rc == 0)
        standing_row(q, out);
    PQclear(q);
    return rc;
}

/* ---- the account --------------------------------------------------------------------- */

static int event_put(struct fleet_body *b, const struct fleet_identity_event *ev, int keep, struct err *e)
{
    int rc = postgres_run(ME, PG_IDENTITY_EVENT_PUT,
                          PG_WITH(PG_I(ev->time), PG_T(ev->what), PG_T(ev->token_id), PG_T(ev->address),
                                  PG_T(ev->agent_id), PG_T(ev->host_id), PG_T(ev->serial), PG_T(ev->text)),
                          e);

    return rc != 0 ? rc : postgres_run(ME, PG_IDENTITY_EVENT_TRIM, PG_WITH(PG_I(keep)), e);
}

/* ---- reading ------------------------------------------------------------------------- */

static bool take_token(const PGresult *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_token row;

    token_row(q, &row);
    r->token(r->arg, &row);
    return true;
}

static bool take_issued(const PGresult *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_issued row;

    issued_row(q, &row);
    r->issued(r->arg, &row);
    return true;
}

static bool take_bound(const PGresult *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_bound row;

    bound_row(q, &row);
    r->bound(r->arg, &row);
    return true;
}

static bool take_banned(const PGresult *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    char host_id[HOST_ID_MAX];

    pg_copy_text(q, 0, host_id, sizeof host_id);
    r->banned(r->arg, host_id, pg_int(q, 1));
    return true;
}

static bool take_event(const PGresult *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_identity_event ev = { .time = pg_int(q, 0) };
    char what[16];

    pg_copy_text(q, 1, what, sizeof what);
    pg_copy_text(q, 2, ev.token_id, sizeof ev.token_id);
    pg_copy_text(q, 3, ev.address, sizeof ev.address);
    pg_copy_text(q, 4, ev.agent_id, sizeof ev.agent_id);
    pg_copy_text(q, 5, ev.host_id, sizeof ev.host_id);
    pg_copy_text(q, 6, ev.serial, sizeof ev.serial);
    pg_copy_text(q, 7, ev.text, sizeof ev.text);
    ev.what = what;
    r->event(r->arg, &ev);
    return true;
}

static int read_all(struct fleet_body *b, const struct fleet_identity_reader *r, struct err *e)
{
    void *arg = (void *)(uintptr_t)r;
    int rc = 0;

    if (r->token != NULL)
        rc = postgres_each(ME, take_token, arg, PG_TOKEN_EACH, NULL, 0, e);
    if (rc == 0 && r->issued != NULL)
        rc = postgres_each(ME, take_issued, arg, PG_ISSUED_EACH, NULL, 0, e);
    if (rc == 0 && r->bound != NULL)
        rc = postgres_each(ME, take_bound, arg, PG_BOUND_EACH, NULL, 0, e);
    if (rc == 0 && r->banned != NULL)
        rc = postgres_each(ME, take_banned, arg, PG_BAN_EACH, NULL, 0, e);
    if (rc == 0 && r->event != NULL)
        rc = postgres_each(ME, take_event, arg, PG_IDENTITY_EVENT_EACH, PG_WITH(PG_I(r->event_max)), e);
    return rc;
}

const struct fleet_identity_ops postgres_identity_ops = {
    .token_put = token_put,
    .token_get = token_get,
    .token_take = token_take,
    .token_revoke = token_revoke,
    .issued_put = issued_put,
    .issued_get = issued_get,
    .issued_for = issued_for,
    .issued_after = issued_after,
    .issued_used = issued_used,
    .issued_revoke = issued_revoke,
    .issued_revoke_host = issued_revoke_host,
    .issued_prune = issued_prune,
    .bound_get = bound_get,
    .bound_put = bound_put,
    .bound_forget = bound_forget,
    .ban_put = ban_put,
    .ban_drop = ban_drop,
    .standing = standing,
    .event_put = event_put,
    .read = read_all,
};
