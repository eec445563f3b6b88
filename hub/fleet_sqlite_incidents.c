/* The SQLite body's side of incidents: what they are made of, what is to be
 * computed anew, and the incidents themselves. */
#include "base/text.h"
#include "hub/fleet_sqlite.h"

#include <assert.h>
#include <stdio.h>

#define ME sqlite_body_of(b)

static const char *text_of(sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);

    return text != NULL ? text : "";
}

struct taking {
    fleet_take_circumstance *circumstance;
    fleet_take_todo *todo;
    fleet_take_incident_row *incident;
    fleet_take_place *place;
    void *arg;
};

/* ---- circumstances -------------------------------------------------------------------- */

int sqlite_circumstance_put(struct fleet_body *b, const struct fleet_circumstance *c, struct err *e)
{
    return sqlite_do(ME, SQL_CIRCUMSTANCE_PUT,
                     WITH(I(c->stream), I(c->seq), I(c->role), I(c->received), I(c->time), I(c->reach_from),
                          I(c->reach_to), T(c->vm_id), T(c->vm_name), T(c->code), T(c->what), T(c->who.agent_id),
                          T(c->who.host_id), T(c->who.host_name), T(c->who.cluster), T(c->who.os_version),
                          T(c->who.is_win6x), B(c->payload, c->len)),
                     e);
}

static bool take_circumstance(sqlite3_stmt *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_circumstance c = {
        .stream = sqlite3_column_int64(q, 0),
        .seq = (uint64_t)sqlite3_column_int64(q, 1),
        .role = (enum circumstance_role)sqlite3_column_int64(q, 2),
        .received = sqlite3_column_int64(q, 3),
        .time = sqlite3_column_int64(q, 4),
        .reach_from = sqlite3_column_int64(q, 5),
        .reach_to = sqlite3_column_int64(q, 6),
        .vm_id = text_of(q, 7),
        .vm_name = text_of(q, 8),
        .code = text_of(q, 9),
        .what = text_of(q, 10),
        .payload = sqlite3_column_blob(q, 17),
        .len = (size_t)sqlite3_column_bytes(q, 17),
    };

    sqlite_text(q, 11, c.who.agent_id, sizeof c.who.agent_id);
    sqlite_text(q, 12, c.who.host_id, sizeof c.who.host_id);
    sqlite_text(q, 13, c.who.host_name, sizeof c.who.host_name);
    sqlite_text(q, 14, c.who.cluster, sizeof c.who.cluster);
    sqlite_text(q, 15, c.who.os_version, sizeof c.who.os_version);
    sqlite_text(q, 16, c.who.is_win6x, sizeof c.who.is_win6x);
    return t->circumstance(t->arg, &c);
}

int sqlite_circumstances(struct fleet_body *b, enum circumstance_question which, const char *key, int64_t from,
                         int64_t to, int limit, fleet_take_circumstance *take, void *arg, struct err *e)
{
    struct taking t = { .circumstance = take, .arg = arg };

    assert(which < ASK_COUNT);
    return sqlite_each(ME, (enum sql)(SQL_ASK_VM + (int)which), WITH(T(key), I(from), I(to), I(limit)),
                       take_circumstance, &t, e);
}

static bool take_place(sqlite3_stmt *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;

    return t->place(t->arg, text_of(q, 0), text_of(q, 1), sqlite3_column_int64(q, 2));
}

int sqlite_sign_vms(struct fleet_body *b, const char *code, int64_t from, int64_t to, int limit, fleet_take_place *take,
                    void *arg, struct err *e)
{
    struct taking t = { .place = take, .arg = arg };

    return sqlite_each(ME, code[0] != '\0' ? SQL_SIGN_VMS : SQL_SIGN_VMS_ANY, WITH(T(code), I(from), I(to), I(limit)),
                       take_place, &t, e);
}

/* ---- what is to be computed ---------------------------------------------------------------- */

int sqlite_todo_put(struct fleet_body *b, const struct fleet_todo *t, struct err *e)
{
    return sqlite_do(ME, SQL_TODO_PUT, WITH(I(t->sign), I(t->scope), T(t->key), I(t->from), I(t->to), I(t->due)), e);
}

static void todo_row(sqlite3_stmt *q, struct fleet_todo *out)
{
    *out = (struct fleet_todo){
        .sign = sqlite3_column_int64(q, 0) != 0,
        .scope = (enum todo_scope)sqlite3_column_int64(q, 1),
        .from = sqlite3_column_int64(q, 3),
        .to = sqlite3_column_int64(q, 4),
        .due = sqlite3_column_int64(q, 5),
    };
    sqlite_text(q, 2, out->key, sizeof out->key);
}

int sqlite_todo_first(struct fleet_body *b, int64_t now_ns, struct fleet_todo *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_TODO_FIRST, WITH(I(now_ns)), e);

    if (rc == 0)
        todo_row(q, out);
    sqlite3_reset(q);
    return rc;
}

static bool take_todo(sqlite3_stmt *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_todo row;

    todo_row(q, &row);
    return t->todo(t->arg, &row);
}

int sqlite_todo_alike(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, int limit,
                      fleet_take_todo *take, void *arg, struct err *e)
{
    struct taking taking = { .todo = take, .arg = arg };

    return sqlite_each(ME, SQL_TODO_ALIKE, WITH(I(t->sign), I(t->scope), T(t->key), I(now_ns), I(limit)), take_todo,
                       &taking, e);
}

int sqlite_todo_drop(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, struct err *e)
{
    return sqlite_do(ME, SQL_TODO_DROP, WITH(I(t->sign), I(t->scope), T(t->key), I(now_ns), I(t->from), I(t->to)), e);
}

/* A writing transaction has the file for itself. */
int sqlite_incident_turn(struct fleet_body *b, bool *mine, struct err *e)
{
    (void)b;
    (void)e;
    *mine = true;
    return 0;
}

/* ---- other rules ---------------------------------------------------------------------- */

int sqlite_review_get(struct fleet_body *b, struct fleet_review *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(ME, &q, SQL_REVIEW_GET, NULL, 0, e);

    if (rc == 0) {
        *out = (struct fleet_review){
            .digest = (uint64_t)sqlite3_column_int64(q, 0),
            .pending = sqlite3_column_int64(q, 1) != 0,
            .before_time = sqlite3_column_int64(q, 2),
        };
        sqlite_text(q, 3, out->before_id, sizeof out->before_id);
    }
    sqlite3_reset(q);
    return rc;
}

int sqlite_review_put(struct fleet_body *b, const struct fleet_review *r, struct err *e)
{
    return sqlite_do(ME, SQL_REVIEW_PUT, WITH(I((int64_t)r->digest), I(r->pending), I(r->before_time), T(r->before_id)),
                     e);
}

/* ---- incidents ------------------------------------------------------------------------------- */

int sqlite_incident_put(struct fleet_body *b, const struct fleet_incident_row *r, struct err *e)
{
    int rc =
        sqlite_do(ME, SQL_INCIDENT_PUT,
                  WITH(T(r->id), T(r->vm_id), T(r->vm_name), T(r->host_id), T(r->host_name), T(r->cluster), I(r->time),
                       T(r->kind), T(r->code), T(r->module), T(r->drift_state), T(r->origin), T(r->finding),
                       T(r->headline), I(r->first_seen), I(r->updated), B(r->json, r->len), T(r->confidence)),
                  e);

    return rc != 0 ? rc : sqlite_do(ME, SQL_INCIDENT_UNALIAS, WITH(T(r->id)), e);
}

int sqlite_incident_drop(struct fleet_body *b, const char *id, struct err *e)
{
    return sqlite_do(ME, SQL_INCIDENT_DROP, WITH(T(id)), e);
}

int sqlite_incident_alias(struct fleet_body *b, const char *alias, const char *id, int64_t time, struct err *e)
{
    int rc = sqlite_do(ME, SQL_INCIDENT_REALIAS, WITH(T(alias), T(id)), e);

    return rc != 0 ? rc : sqlite_do(ME, SQL_INCIDENT_ALIAS, WITH(T(alias), T(id), I(time)), e);
}

static bool take_incident(sqlite3_stmt *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_incident_row r = {
        .id = text_of(q, 0),
        .vm_id = text_of(q, 1),
        .vm_name = text_of(q, 2),
        .host_id = text_of(q, 3),
        .host_name = text_of(q, 4),
        .cluster = text_of(q, 5),
        .time = sqlite3_column_int64(q, 6),
        .kind = text_of(q, 7),
        .code = text_of(q, 8),
        .module = text_of(q, 9),
        .drift_state = text_of(q, 10),
        .origin = text_of(q, 11),
        .finding = text_of(q, 12),
        .headline = text_of(q, 13),
        .first_seen = sqlite3_column_int64(q, 14),
        .updated = sqlite3_column_int64(q, 15),
        .json = (const char *)sqlite3_column_blob(q, 16),
        .len = (size_t)sqlite3_column_bytes(q, 16),
    };

    return t->incident(t->arg, &r);
}

int sqlite_incident_get(struct fleet_body *b, const char *id, fleet_take_incident_row *take, void *arg, struct err *e)
{
    struct taking t = { .incident = take, .arg = arg };

    return sqlite_each(ME, SQL_INCIDENT_GET, WITH(T(id)), take_incident, &t, e);
}

int sqlite_incidents(struct fleet_body *b, const struct fleet_incident_query *q, fleet_take_incident_row *take,
                     void *arg, struct err *e)
{
    static const enum sql statements[2][2] = { { SQL_INCIDENTS_NEWEST, SQL_INCIDENTS_OLDEST },
                                               { SQL_INCIDENTS_VM_NEWEST, SQL_INCIDENTS_VM_OLDEST } };
    struct taking t = { .incident = take, .arg = arg };
    bool begun = q->after_id[0] != '\0';
    char code[FLEET_CODE_MAX];

    snprintf(code, sizeof code, "0x%08x", (unsigned)(q->code >= 0 ? q->code & ~INT64_C(0x10000000) : 0));
    return sqlite_each(ME, statements[q->vm_id != NULL][q->oldest_first],
                       WITH(T(q->vm_id), T(q->host), T(q->cluster), T(q->module), T(q->code >= 0 ? code : NULL),
                            I(q->since_ns), I(q->until_ns != 0 ? q->until_ns : INT64_MAX), I(begun ? q->after_time : 0),
                            T(begun ? q->after_id : NULL), I(q->limit != 0 ? q->limit : -1)),
                       take_incident, &t, e);
}

int sqlite_incident_places(struct fleet_body *b, enum todo_scope scope, const char *key, int64_t from, int64_t to,
                           int limit, fleet_take_place *take, void *arg, struct err *e)
{
    static const enum sql statements[] = {
        [TODO_VM] = SQL_PLACES_VM,
        [TODO_HOST] = SQL_PLACES_HOST,
        [TODO_CLUSTER] = SQL_PLACES_CLUSTER,
        [TODO_MODULE] = SQL_PLACES_MODULE,
    };
    struct taking t = { .place = take, .arg = arg };

    assert((size_t)scope < sizeof statements / sizeof statements[0]);
    return sqlite_each(ME, statements[scope], WITH(T(key), I(from), I(to), I(limit)), take_place, &t, e);
}
