/* The PostgreSQL body's people (fleet_people_body.h). */
#include "hub/fleet_people_body.h"
#include "hub/fleet_postgres.h"

#define ME postgres_body_of(b)

static void read_person(const PGresult *q, struct fleet_person *out)
{
    *out =
        (struct fleet_person){ .role = pg_int(q, 1) == ROLE_ADMIN ? ROLE_ADMIN : ROLE_VIEWER, .created = pg_int(q, 3) };
    pg_copy_text(q, 0, out->name, sizeof out->name);
    pg_copy_text(q, 2, out->hash, sizeof out->hash);
    pg_copy_text(q, 4, out->clusters, sizeof out->clusters);
}

static int person_get(struct fleet_body *b, const char *name, struct fleet_person *out, struct err *e)
{
    PGresult *q;
    int rc = postgres_row(ME, &q, PG_PERSON_GET, PG_WITH(PG_T(name)), e);

    if (rc == 0)
        read_person(q, out);
    PQclear(q);
    return rc;
}

static int person_put(struct fleet_body *b, const struct fleet_person *p, struct err *e)
{
    return postgres_run(ME, PG_PERSON_PUT,
                        PG_WITH(PG_T(p->name), PG_I(p->role), PG_T(p->hash), PG_I(p->created), PG_T(p->clusters)), e);
}

static int person_hash(struct fleet_body *b, const char *name, const char *hash, struct err *e)
{
    return postgres_run(ME, PG_PERSON_HASH, PG_WITH(PG_T(name), PG_T(hash)), e);
}

static int person_limits(struct fleet_body *b, const struct fleet_person *p, struct err *e)
{
    return postgres_run(ME, PG_PERSON_LIMITS, PG_WITH(PG_T(p->name), PG_I(p->role), PG_T(p->clusters)), e);
}

static int person_drop(struct fleet_body *b, const char *name, struct err *e)
{
    return postgres_run(ME, PG_PERSON_DROP, PG_WITH(PG_T(name)), e);
}

struct taking {
    fleet_take_person *person;
    fleet_take_audit *audit;
    void *arg;
};

static bool take_person(const PGresult *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_person p;

    read_person(q, &p);
    return taking->person(taking->arg, &p);
}

static int person_each(struct fleet_body *b, fleet_take_person *take, void *arg, struct err *e)
{
    struct taking taking = { .person = take, .arg = arg };

    return postgres_each(ME, take_person, &taking, PG_PERSON_EACH, NULL, 0, e);
}

/* ---- what they hold ------------------------------------------------------------------ */

static int ticket_get(struct fleet_body *b, const char *digest, int64_t now_ns, struct fleet_ticket *out, struct err *e)
{
    PGresult *q;
    int rc = postgres_row(ME, &q, PG_TICKET_GET, PG_WITH(PG_T(digest), PG_I(now_ns)), e);

    if (rc == 0) {
        *out = (struct fleet_ticket){
            .kind = pg_int(q, 1) == TICKET_TOKEN ? TICKET_TOKEN : TICKET_SESSION,
            .created = pg_int(q, 3),
            .seen = pg_int(q, 4),
            .ends = pg_int(q, 5),
        };
        pg_copy_text(q, 0, out->digest, sizeof out->digest);
        pg_copy_text(q, 2, out->person, sizeof out->person);
    }
    PQclear(q);
    return rc;
}

static int ticket_put(struct fleet_body *b, const struct fleet_ticket *t, struct err *e)
{
    return postgres_run(
        ME, PG_TICKET_PUT,
        PG_WITH(PG_T(t->digest), PG_I(t->kind), PG_T(t->person), PG_I(t->created), PG_I(t->seen), PG_I(t->ends)), e);
}

static int ticket_seen(struct fleet_body *b, const struct fleet_ticket *t, struct err *e)
{
    return postgres_run(ME, PG_TICKET_SEEN, PG_WITH(PG_T(t->digest), PG_I(t->seen), PG_I(t->ends)), e);
}

static int ticket_drop(struct fleet_body *b, const char *digest, struct err *e)
{
    return postgres_run(ME, PG_TICKET_DROP, PG_WITH(PG_T(digest)), e);
}

static int tickets_drop(struct fleet_body *b, const char *person, struct err *e)
{
    return postgres_run(ME, PG_TICKETS_DROP, PG_WITH(PG_T(person)), e);
}

static int tickets_prune(struct fleet_body *b, int64_t ended_by_ns, struct err *e)
{
    return postgres_run(ME, PG_TICKETS_PRUNE, PG_WITH(PG_I(ended_by_ns)), e);
}

/* ---- audit --------------------------------------------------------------------------- */

static int audit_put(struct fleet_body *b, const struct fleet_audit *a, int64_t keep, struct err *e)
{
    int rc = postgres_run(ME, PG_AUDIT_PUT,
                          PG_WITH(PG_I(a->time), PG_T(a->who), PG_T(a->address), PG_T(a->what), PG_T(a->text)), e);

    return rc != 0 ? rc : postgres_run(ME, PG_AUDIT_TRIM, PG_WITH(PG_T(a->what), PG_I(keep)), e);
}

static bool take_audit(const PGresult *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_audit a = { .time = pg_int(q, 0) };

    pg_copy_text(q, 1, a.who, sizeof a.who);
    pg_copy_text(q, 2, a.address, sizeof a.address);
    pg_copy_text(q, 3, a.what, sizeof a.what);
    pg_copy_text(q, 4, a.text, sizeof a.text);
    return taking->audit(taking->arg, &a);
}

static int audit_each(struct fleet_body *b, int64_t since_ns, int limit, fleet_take_audit *take, void *arg,
                      struct err *e)
{
    struct taking taking = { .audit = take, .arg = arg };

    return postgres_each(ME, take_audit, &taking, PG_AUDIT_EACH, PG_WITH(PG_I(since_ns), PG_I(limit)), e);
}

const struct fleet_people_ops postgres_people_ops = {
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
