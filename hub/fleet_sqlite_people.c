/* The SQLite body's people (fleet_people_body.h). */
#include "hub/fleet_people_body.h"
#include "hub/fleet_sqlite.h"

#define ME sqlite_body_of(b)

static void read_person(sqlite3_stmt *q, struct fleet_person *out)
{
    *out = (struct fleet_person){ .role = sqlite3_column_int64(q, 1) == ROLE_ADMIN ? ROLE_ADMIN : ROLE_VIEWER,
                                  .created = sqlite3_column_int64(q, 3) };
    sqlite_text(q, 0, out->name, sizeof out->name);
    sqlite_text(q, 2, out->hash, sizeof out->hash);
    sqlite_text(q, 4, out->clusters, sizeof out->clusters);
}

static int person_get(struct fleet_body *b, const char *name, struct fleet_person *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_PERSON_GET, WITH(T(name)), e);

    if (rc == 0)
        read_person(q, out);
    sqlite3_reset(q);
    return rc;
}

static int person_put(struct fleet_body *b, const struct fleet_person *p, struct err *e)
{
    return sqlite_do(ME, SQL_PERSON_PUT, WITH(T(p->name), I(p->role), T(p->hash), I(p->created), T(p->clusters)), e);
}

static int person_hash(struct fleet_body *b, const char *name, const char *hash, struct err *e)
{
    return sqlite_do(ME, SQL_PERSON_HASH, WITH(T(name), T(hash)), e);
}

static int person_limits(struct fleet_body *b, const struct fleet_person *p, struct err *e)
{
    return sqlite_do(ME, SQL_PERSON_LIMITS, WITH(T(p->name), I(p->role), T(p->clusters)), e);
}

static int person_drop(struct fleet_body *b, const char *name, struct err *e)
{
    return sqlite_do(ME, SQL_PERSON_DROP, WITH(T(name)), e);
}

struct taking {
    fleet_take_person *person;
    fleet_take_audit *audit;
    void *arg;
};

static bool take_person(sqlite3_stmt *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_person p;

    read_person(q, &p);
    return taking->person(taking->arg, &p);
}

static int person_each(struct fleet_body *b, fleet_take_person *take, void *arg, struct err *e)
{
    struct taking taking = { .person = take, .arg = arg };

    return sqlite_each(ME, SQL_PERSON_EACH, NULL, 0, take_person, &taking, e);
}

/* ---- what they hold ------------------------------------------------------------------ */

static int ticket_get(struct fleet_body *b, const char *digest, int64_t now_ns, struct fleet_ticket *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_TICKET_GET, WITH(T(digest), I(now_ns)), e);

    if (rc == 0) {
        *out = (struct fleet_ticket){
            .kind = sqlite3_column_int64(q, 1) == TICKET_TOKEN ? TICKET_TOKEN : TICKET_SESSION,
            .created = sqlite3_column_int64(q, 3),
            .seen = sqlite3_column_int64(q, 4),
            .ends = sqlite3_column_int64(q, 5),
        };
        sqlite_text(q, 0, out->digest, sizeof out->digest);
        sqlite_text(q, 2, out->person, sizeof out->person);
    }
    sqlite3_reset(q);
    return rc;
}

static int ticket_put(struct fleet_body *b, const struct fleet_ticket *t, struct err *e)
{
    return sqlite_do(ME, SQL_TICKET_PUT,
                     WITH(T(t->digest), I(t->kind), T(t->person), I(t->created), I(t->seen), I(t->ends)), e);
}

static int ticket_seen(struct fleet_body *b, const struct fleet_ticket *t, struct err *e)
{
    return sqlite_do(ME, SQL_TICKET_SEEN, WITH(T(t->digest), I(t->seen), I(t->ends)), e);
}

static int ticket_drop(struct fleet_body *b, const char *digest, struct err *e)
{
    return sqlite_do(ME, SQL_TICKET_DROP, WITH(T(digest)), e);
}

static int tickets_drop(struct fleet_body *b, const char *person, struct err *e)
{
    return sqlite_do(ME, SQL_TICKETS_DROP, WITH(T(person)), e);
}

static int tickets_prune(struct fleet_body *b, int64_t ended_by_ns, struct err *e)
{
    return sqlite_do(ME, SQL_TICKETS_PRUNE, WITH(I(ended_by_ns)), e);
}

/* ---- audit --------------------------------------------------------------------------- */

static int audit_put(struct fleet_body *b, const struct fleet_audit *a, int64_t keep, struct err *e)
{
    int rc = sqlite_do(ME, SQL_AUDIT_PUT, WITH(I(a->time), T(a->who), T(a->address), T(a->what), T(a->text)), e);

    return rc != 0 ? rc : sqlite_do(ME, SQL_AUDIT_TRIM, WITH(T(a->what), I(keep)), e);
}

static bool take_audit(sqlite3_stmt *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_audit a = { .time = sqlite3_column_int64(q, 0) };

    sqlite_text(q, 1, a.who, sizeof a.who);
    sqlite_text(q, 2, a.address, sizeof a.address);
    sqlite_text(q, 3, a.what, sizeof a.what);
    sqlite_text(q, 4, a.text, sizeof a.text);
    return taking->audit(taking->arg, &a);
}

static int audit_each(struct fleet_body *b, int64_t since_ns, int limit, fleet_take_audit *take, void *arg,
                      struct err *e)
{
    struct taking taking = { .audit = take, .arg = arg };

    return sqlite_each(ME, SQL_AUDIT_EACH, WITH(I(since_ns), I(limit)), take_audit, &taking, e);
}

const struct fleet_people_ops sqlite_people_ops = {
    .person_get = person_get,
    .person_put = person_put,
    .person_hash = person_hash,
    .person_limits = person_limits,
    .person_drop = person_drop,
    .person_each = person_each,
    .ticket_get = ticket_get,
    .ticket_put = ticket_put,
    .ticket_seen = ticket_seen,
    .ticket_drop = ticket_drop,
    .tickets_drop = tickets_drop,
    .tickets_prune = tickets_prune,
    .audit_put = audit_put,
    .audit_each = audit_each,
};
