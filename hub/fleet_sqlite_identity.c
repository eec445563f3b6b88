/* The SQLite body's identities (fleet_identity_body.h). */
#include "hub/fleet_identity_body.h"
#include "hub/fleet_sqlite.h"

#define ME sqlite_body_of(b)

static int changed(struct fleet_body *b, int rc, int *count)
{
    *count = rc == 0 ? sqlite3_changes(ME->db) : 0;
    return rc;
}

/* ---- rows ---------------------------------------------------------------------------- */

static void token_row(sqlite3_stmt *q, struct fleet_token *out)
{
    *out = (struct fleet_token){ .uses = sqlite3_column_int64(q, 3),
                                 .uses_left = sqlite3_column_int64(q, 4),
                                 .created = sqlite3_column_int64(q, 5),
                                 .expires = sqlite3_column_int64(q, 6),
                                 .revoked = sqlite3_column_int64(q, 7) };
    sqlite_text(q, 0, out->id, sizeof out->id);
    sqlite_text(q, 1, out->digest, sizeof out->digest);
    sqlite_text(q, 2, out->cluster, sizeof out->cluster);
}

static void issued_row(sqlite3_stmt *q, struct fleet_issued *out)
{
    *out = (struct fleet_issued){ .issued = sqlite3_column_int64(q, 6),
                                  .expires = sqlite3_column_int64(q, 7),
                                  .revoked = sqlite3_column_int64(q, 8),
                                  .first_used = sqlite3_column_int64(q, 9) };
    sqlite_text(q, 0, out->serial, sizeof out->serial);
    sqlite_text(q, 1, out->agent_id, sizeof out->agent_id);
    sqlite_text(q, 2, out->host_id, sizeof out->host_id);
    sqlite_text(q, 3, out->key, sizeof out->key);
    sqlite_text(q, 4, out->token_id, sizeof out->token_id);
    sqlite_text(q, 5, out->renewed_from, sizeof out->renewed_from);
}

static void bound_row(sqlite3_stmt *q, struct fleet_bound *out)
{
    *out = (struct fleet_bound){ .since = sqlite3_column_int64(q, 4) };
    sqlite_text(q, 0, out->agent_id, sizeof out->agent_id);
    sqlite_text(q, 1, out->host_id, sizeof out->host_id);
    sqlite_text(q, 2, out->holder, sizeof out->holder);
    sqlite_text(q, 3, out->key, sizeof out->key);
}

static void standing_row(sqlite3_stmt *q, struct fleet_standing *out)
{
    *out = (struct fleet_standing){ .host_banned = sqlite3_column_int64(q, 0),
                                    .revoked = sqlite3_column_int64(q, 3),
                                    .first_used = sqlite3_column_int64(q, 4),
                                    .host_enrolled = sqlite3_column_int64(q, 5) };
    sqlite_text(q, 1, out->holder, sizeof out->holder);
    sqlite_text(q, 2, out->bound_host, sizeof out->bound_host);
}

/* ---- tokens -------------------------------------------------------------------------- */

static int token_put(struct fleet_body *b, const struct fleet_token *t, struct err *e)
{
    return sqlite_do(ME, SQL_TOKEN_PUT,
                     WITH(T(t->id), T(t->digest), T(t->cluster), I(t->uses), I(t->uses_left), I(t->created),
                          I(t->expires), I(t->revoked)),
                     e);
}

static int token_get(struct fleet_body *b, const char *id, struct fleet_token *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_TOKEN_GET, WITH(T(id)), e);

    if (rc == 0)
        token_row(q, out);
    sqlite3_reset(q);
    return rc;
}

static int token_take(struct fleet_body *b, const char *id, bool *taken, struct err *e)
{
    int count, rc = changed(b, sqlite_do(ME, SQL_TOKEN_TAKE, WITH(T(id)), e), &count);

    *taken = count > 0;
    return rc;
}

static int token_revoke(struct fleet_body *b, const char *id, int64_t now, int *count, struct err *e)
{
    return changed(b, sqlite_do(ME, SQL_TOKEN_REVOKE, WITH(T(id), I(now)), e), count);
}

/* ---- certificates -------------------------------------------------------------------- */

static int issued_put(struct fleet_body *b, const struct fleet_issued *c, struct err *e)
{
    return sqlite_do(ME, SQL_ISSUED_PUT,
                     WITH(T(c->serial), T(c->agent_id), T(c->host_id), T(c->key), T(c->token_id), T(c->renewed_from),
                          I(c->issued), I(c->expires), I(c->revoked), I(c->first_used)),
                     e);
}

static int issued_get(struct fleet_body *b, const char *serial, struct fleet_issued *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_ISSUED_GET, WITH(T(serial)), e);

    if (rc == 0)
        issued_row(q, out);
    sqlite3_reset(q);
    return rc;
}

static int issued_for(struct fleet_body *b, const char *token_id, const char *key, struct fleet_issued *out,
                      struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_ISSUED_FOR, WITH(T(token_id), T(key)), e);

    if (rc == 0)
        issued_row(q, out);
    sqlite3_reset(q);
    return rc;
}

static int issued_after(struct fleet_body *b, const char *serial, const char *key, struct fleet_issued *out,
                        struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_ISSUED_AFTER, WITH(T(serial), T(key)), e);

    if (rc == 0)
        issued_row(q, out);
    sqlite3_reset(q);
    return rc;
}

static int issued_used(struct fleet_body *b, const char *serial, int64_t now, struct err *e)
{
    return sqlite_do(ME, SQL_ISSUED_USED, WITH(T(serial), I(now)), e);
}

static int issued_revoke(struct fleet_body *b, const char *serial, int64_t now, int *count, struct err *e)
{
    return changed(b, sqlite_do(ME, SQL_ISSUED_REVOKE, WITH(T(serial), I(now)), e), count);
}

static int issued_revoke_host(struct fleet_body *b, const char *host_id, int64_t now, int *count, struct err *e)
{
    return changed(b, sqlite_do(ME, SQL_ISSUED_REVOKE_HOST, WITH(T(host_id), I(now)), e), count);
}

static int issued_prune(struct fleet_body *b, int64_t before, struct err *e)
{
    return sqlite_do(ME, SQL_ISSUED_PRUNE, WITH(I(before)), e);
}

/* ---- bindings and bans --------------------------------------------------------------- */

static int bound_get(struct fleet_body *b, const char *agent_id, struct fleet_bound *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_BOUND_GET, WITH(T(agent_id)), e);

    if (rc == 0)
        bound_row(q, out);
    sqlite3_reset(q);
    return rc;
}

static int bound_put(struct fleet_body *b, const struct fleet_bound *bound, struct err *e)
{
    return sqlite_do(ME, SQL_BOUND_PUT,
                     WITH(T(bound->agent_id), T(bound->host_id), T(bound->holder), T(bound->key), I(bound->since)), e);
}

static int bound_forget(struct fleet_body *b, const char *agent_id, const char *host_id, int *count, struct err *e)
{
    return changed(b, sqlite_do(ME, SQL_BOUND_FORGET, WITH(T(agent_id), T(host_id)), e), count);
}

static int ban_put(struct fleet_body *b, const char *host_id, int64_t now, struct err *e)
{
    return sqlite_do(ME, SQL_BAN_PUT, WITH(T(host_id), I(now)), e);
}

static int ban_drop(struct fleet_body *b, const char *host_id, int *count, struct err *e)
{
    return changed(b, sqlite_do(ME, SQL_BAN_DROP, WITH(T(host_id)), e), count);
}

static int standing(struct fleet_body *b, const char *agent_id, const char *host_id, const char *serial,
                    struct fleet_standing *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_STANDING, WITH(T(agent_id), T(host_id), T(serial)), e);

    if (rc == 0)
        standing_row(q, out);
    sqlite3_reset(q);
    return rc;
}

/* ---- the account --------------------------------------------------------------------- */

static int event_put(struct fleet_body *b, const struct fleet_identity_event *ev, int keep, struct err *e)
{
    int rc = sqlite_do(ME, SQL_IDENTITY_EVENT_PUT,
                       WITH(I(ev->time), T(ev->what), T(ev->token_id), T(ev->address), T(ev->agent_id), T(ev->host_id),
                            T(ev->serial), T(ev->text)),
                       e);

    return rc != 0 ? rc : sqlite_do(ME, SQL_IDENTITY_EVENT_TRIM, WITH(I(keep)), e);
}

/* ---- reading ------------------------------------------------------------------------- */

static bool take_token(sqlite3_stmt *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_token row;

    token_row(q, &row);
    r->token(r->arg, &row);
    return true;
}

static bool take_issued(sqlite3_stmt *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_issued row;

    issued_row(q, &row);
    r->issued(r->arg, &row);
    return true;
}

static bool take_bound(sqlite3_stmt *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_bound row;

    bound_row(q, &row);
    r->bound(r->arg, &row);
    return true;
}

static bool take_banned(sqlite3_stmt *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    char host_id[HOST_ID_MAX];

    sqlite_text(q, 0, host_id, sizeof host_id);
    r->banned(r->arg, host_id, sqlite3_column_int64(q, 1));
    return true;
}

static bool take_event(sqlite3_stmt *q, void *arg)
{
    const struct fleet_identity_reader *r = (const struct fleet_identity_reader *)arg;
    struct fleet_identity_event ev = { .time = sqlite3_column_int64(q, 0) };
    char what[16];

    sqlite_text(q, 1, what, sizeof what);
    sqlite_text(q, 2, ev.token_id, sizeof ev.token_id);
    sqlite_text(q, 3, ev.address, sizeof ev.address);
    sqlite_text(q, 4, ev.agent_id, sizeof ev.agent_id);
    sqlite_text(q, 5, ev.host_id, sizeof ev.host_id);
    sqlite_text(q, 6, ev.serial, sizeof ev.serial);
    sqlite_text(q, 7, ev.text, sizeof ev.text);
    ev.what = what;
    r->event(r->arg, &ev);
    return true;
}

static int read_all(struct fleet_body *b, const struct fleet_identity_reader *r, struct err *e)
{
    void *arg = (void *)(uintptr_t)r;
    int rc = 0;

    if (r->token != NULL)
        rc = sqlite_each(ME, SQL_TOKEN_EACH, NULL, 0, take_token, arg, e);
    if (rc == 0 && r->issued != NULL)
        rc = sqlite_each(ME, SQL_ISSUED_EACH, NULL, 0, take_issued, arg, e);
    if (rc == 0 && r->bound != NULL)
        rc = sqlite_each(ME, SQL_BOUND_EACH, NULL, 0, take_bound, arg, e);
    if (rc == 0 && r->banned != NULL)
        rc = sqlite_each(ME, SQL_BAN_EACH, NULL, 0, take_banned, arg, e);
    if (rc == 0 && r->event != NULL)
        rc = sqlite_each(ME, SQL_IDENTITY_EVENT_EACH, WITH(I(r->event_max)), take_event, arg, e);
    return rc;
}

const struct fleet_identity_ops sqlite_identity_ops = {
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
