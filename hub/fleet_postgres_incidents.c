/* The PostgreSQL body's side of incidents: what they are made of, what is to be
 * computed anew, and the incidents themselves. */
#include "base/text.h"
#include "hub/fleet_postgres.h"

#include <assert.h>
#include <stdio.h>

#define ME postgres_body_of(b)

static const char *text_of(const PGresult *q, int column)
{
    return PQgetvalue(q, 0, column);
}

struct taking {
    fleet_take_circumstance *circumstance;
    fleet_take_todo *todo;
    fleet_take_incident_row *incident;
    fleet_take_place *place;
    void *arg;
};

/* ---- circumstances -------------------------------------------------------------------- */

int postgres_circumstance_put(struct fleet_body *b, const struct fleet_circumstance *c, struct err *e)
{
    return postgres_run(ME, PG_CIRCUMSTANCE_PUT,
                        PG_WITH(PG_I(c->stream), PG_I(c->seq), PG_I(c->role), PG_I(c->received), PG_I(c->time),
                                PG_I(c->reach_from), PG_I(c->reach_to), PG_T(c->vm_id), PG_T(c->vm_name), PG_T(c->code),
                                PG_T(c->what), PG_T(c->who.agent_id), PG_T(c->who.host_id), PG_T(c->who.host_name),
                                PG_T(c->who.cluster), PG_T(c->who.os_version), PG_T(c->who.is_win6x),
                                PG_B(c->payload, c->len)),
                        e);
}

static bool take_circumstance(const PGresult *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_circumstance c = {
        .stream = pg_int(q, 0),
        .seq = (uint64_t)pg_int(q, 1),
        .role = (enum circumstance_role)pg_int(q, 2),
        .received = pg_int(q, 3),
        .time = pg_int(q, 4),
        .reach_from = pg_int(q, 5),
        .reach_to = pg_int(q, 6),
        .vm_id = text_of(q, 7),
        .vm_name = text_of(q, 8),
        .code = text_of(q, 9),
        .what = text_of(q, 10),
    };

    pg_copy_text(q, 11, c.who.agent_id, sizeof c.who.agent_id);
    pg_copy_text(q, 12, c.who.host_id, sizeof c.who.host_id);
    pg_copy_text(q, 13, c.who.host_name, sizeof c.who.host_name);
    pg_copy_text(q, 14, c.who.cluster, sizeof c.who.cluster);
    pg_copy_text(q, 15, c.who.os_version, sizeof c.who.os_version);
    pg_copy_text(q, 16, c.who.is_win6x, sizeof c.who.is_win6x);
    c.payload = pg_blob(q, 17, &c.len);
    return t->circumstance(t->arg, &c);
}

int postgres_circumstances(struct fleet_body *b, enum circumstance_question which, const char *key, int64_t from,
                           int64_t to, int limit, fleet_take_circumstance *take, void *arg, struct err *e)
{
    struct taking t = { .circumstance = take, .arg = arg };

    assert(which < ASK_COUNT);
    return postgres_each(ME, take_circumstance, &t, (enum pg_sql)(PG_ASK_VM + (int)which),
                         PG_WITH(PG_T(key), PG_I(from), PG_I(to), PG_I(limit)), e);
}

static bool take_place(const PGresult *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;

    return t->place(t->arg, text_of(q, 0), text_of(q, 1), pg_int(q, 2));
}

int postgres_sign_vms(struct fleet_body *b, const char *code, int64_t from, int64_t to, int limit,
                      fleet_take_place *take, void *arg, struct err *e)
{
    struct taking t = { .place = take, .arg = arg };

    return postgres_each(ME, take_place, &t, code[0] != '\0' ? PG_SIGN_VMS : PG_SIGN_VMS_ANY,
                         PG_WITH(PG_T(code), PG_I(from), PG_I(to), PG_I(limit)), e);
}

/* ---- what is to be computed ---------------------------------------------------------------- */

int postgres_todo_put(struct fleet_body *b, const struct fleet_todo *t, struct err *e)
{
    return postgres_run(ME, PG_TODO_PUT,
                        PG_WITH(PG_I(t->sign), PG_I(t->scope), PG_T(t->key), PG_I(t->from), PG_I(t->to), PG_I(t->due)),
                        e);
}

static void todo_row(const PGresult *q, struct fleet_todo *out)
{
    *out = (struct fleet_todo){
        .sign = pg_int(q, 0) != 0,
        .scope = (enum todo_scope)pg_int(q, 1),
        .from = pg_int(q, 3),
        .to = pg_int(q, 4),
        .due = pg_int(q, 5),
    };
    pg_copy_text(q, 2, out->key, sizeof out->key);
}

int postgres_todo_first(struct fleet_body *b, int64_t now_ns, struct fleet_todo *out, struct err *e)
{
    PGresult *q;
    int rc = postgres_row(ME, &q, PG_TODO_FIRST, PG_WITH(PG_I(now_ns)), e);

    if (rc == 0)
        todo_row(q, out);
    PQclear(q);
    return rc;
}

static bool take_todo(const PGresult *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_todo row;

    todo_row(q, &row);
    return t->todo(t->arg, &row);
}

int postgres_todo_alike(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, int limit,
                        fleet_take_todo *take, void *arg, struct err *e)
{
    struct taking taking = { .todo = take, .arg = arg };

    return postgres_each(ME, take_todo, &taking, PG_TODO_ALIKE,
                         PG_WITH(PG_I(t->sign), PG_I(t->scope), PG_T(t->key), PG_I(now_ns), PG_I(limit)), e);
}

int postgres_todo_drop(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, struct err *e)
{
    return postgres_run(ME, PG_TODO_DROP,
                        PG_WITH(PG_I(t->sign), PG_I(t->scope), PG_T(t->key), PG_I(now_ns), PG_I(t->from), PG_I(t->to)),
                        e);
}

/* The row is locked until the transaction ends; a transaction that began before the last turn ended is told to do it
 * all again, so that nobody computes from what was before. */
int postgres_incident_turn(struct fleet_body *b, bool *mine, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_INCIDENT_TURN, NULL, 0, e);

    PQclear(r);
    *mine = rc == 0;
    if (rc == ERR_NOT_FOUND)
        return 0;
    return rc != 0 ? rc : postgres_run(ME, PG_INCIDENT_TURN_TAKE, NULL, 0, e);
}

/* ---- other rules ---------------------------------------------------------------------- */

int postgres_review_get(struct fleet_body *b, struct fleet_review *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_REVIEW_GET, NULL, 0, e);

    if (rc == 0) {
        *out = (struct fleet_review){
            .digest = (uint64_t)pg_int(r, 0),
            .pending = pg_int(r, 1) != 0,
            .before_time = pg_int(r, 2),
        };
        pg_copy_text(r, 3, out->before_id, sizeof out->before_id);
    }
    PQclear(r);
    return rc;
}

int postgres_review_put(struct fleet_body *b, const struct fleet_review *r, struct err *e)
{
    return postgres_run(ME, PG_REVIEW_PUT,
                        PG_WITH(PG_I((int64_t)r->digest), PG_I(r->pending), PG_I(r->before_time), PG_T(r->before_id)),
                        e);
}

/* ---- incidents ------------------------------------------------------------------------------- */

int postgres_incident_put(struct fleet_body *b, const struct fleet_incident_row *r, struct err *e)
{
    int rc = postgres_run(ME, PG_INCIDENT_PUT,
                          PG_WITH(PG_T(r->id), PG_T(r->vm_id), PG_T(r->vm_name), PG_T(r->host_id), PG_T(r->host_name),
                                  PG_T(r->cluster), PG_I(r->time), PG_T(r->kind), PG_T(r->code), PG_T(r->module),
                                  PG_T(r->drift_state), PG_T(r->origin), PG_T(r->finding), PG_T(r->headline),
                                  PG_I(r->first_seen), PG_I(r->updated), PG_B(r->json, r->len), PG_T(r->confidence)),
                          e);

    return rc != 0 ? rc : postgres_run(ME, PG_INCIDENT_UNALIAS, PG_WITH(PG_T(r->id)), e);
}

int postgres_incident_drop(struct fleet_body *b, const char *id, struct err *e)
{
    return postgres_run(ME, PG_INCIDENT_DROP, PG_WITH(PG_T(id)), e);
}

int postgres_incident_alias(struct fleet_body *b, const char *alias, const char *id, int64_t time, struct err *e)
{
    int rc = postgres_run(ME, PG_INCIDENT_REALIAS, PG_WITH(PG_T(alias), PG_T(id)), e);

    return rc != 0 ? rc : postgres_run(ME, PG_INCIDENT_ALIAS, PG_WITH(PG_T(alias), PG_T(id), PG_I(time)), e);
}

static bool take_incident(const PGresult *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_incident_row r = {
        .id = text_of(q, 0),
        .vm_id = text_of(q, 1),
        .vm_name = text_of(q, 2),
        .host_id = text_of(q, 3),
        .host_name = text_of(q, 4),
        .cluster = text_of(q, 5),
        .time = pg_int(q, 6),
        .kind = text_of(q, 7),
        .code = text_of(q, 8),
        .module = text_of(q, 9),
        .drift_state = text_of(q, 10),
        .origin = text_of(q, 11),
        .finding = text_of(q, 12),
        .headline = text_of(q, 13),
        .first_seen = pg_int(q, 14),
        .updated = pg_int(q, 15),
    };

    r.json = (const char *)pg_blob(q, 16, &r.len);
    return t->incident(t->arg, &r);
}

int postgres_incident_get(struct fleet_body *b, const char *id, fleet_take_incident_row *take, void *arg, struct err *e)
{
    struct taking t = { .incident = take, .arg = arg };

    return postgres_each(ME, take_incident, &t, PG_INCIDENT_GET, PG_WITH(PG_T(id)), e);
}

int postgres_incidents(struct fleet_body *b, const struct fleet_incident_query *q, fleet_take_incident_row *take,
                       void *arg, struct err *e)
{
    static const enum pg_sql statements[2][2] = { { PG_INCIDENTS_NEWEST, PG_INCIDENTS_OLDEST },
                                                  { PG_INCIDENTS_VM_NEWEST, PG_INCIDENTS_VM_OLDEST } };
    struct taking t = { .incident = take, .arg = arg };
    bool begun = q->after_id[0] != '\0';
    char code[FLEET_CODE_MAX];

    snprintf(code, sizeof code, "0x%08x", (unsigned)(q->code >= 0 ? q->code & ~INT64_C(0x10000000) : 0));
    return postgres_each(ME, take_incident, &t, statements[q->vm_id != NULL][q->oldest_first],
                         PG_WITH(PG_T(q->vm_id), PG_T(q->host), PG_T(q->cluster), PG_T(q->module),
                                 PG_T(q->code >= 0 ? code : NULL), PG_I(q->since_ns),
                                 PG_I(q->until_ns != 0 ? q->until_ns : INT64_MAX), PG_I(begun ? q->after_time : 0),
                                 PG_T(begun ? q->after_id : NULL), PG_I(q->limit != 0 ? q->limit : -1)),
                         e);
}

int postgres_incident_places(struct fleet_body *b, enum todo_scope scope, const char *key, int64_t from, int64_t to,
                             int limit, fleet_take_place *take, void *arg, struct err *e)
{
    static const enum pg_sql statements[] = {
        [TODO_VM] = PG_PLACES_VM,
        [TODO_HOST] = PG_PLACES_HOST,
        [TODO_CLUSTER] = PG_PLACES_CLUSTER,
        [TODO_MODULE] = PG_PLACES_MODULE,
    };
    struct taking t = { .place = take, .arg = arg };

    assert((size_t)scope < sizeof statements / sizeof statements[0]);
    return postgres_each(ME, take_place, &t, statements[scope], PG_WITH(PG_T(key), PG_I(from), PG_I(to), PG_I(limit)),
                         e);
}
