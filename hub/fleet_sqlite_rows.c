/* The rows of the SQLite body: one function a question, one statement each.
 *
 * A statement is always reset before its function returns; a read left open
 * would pin its moment of the file and make the next transaction fail. */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_delivery_body.h"
#include "hub/fleet_identity_body.h"
#include "hub/fleet_people_body.h"
#include "hub/fleet_rows.h"
#include "hub/fleet_sqlite.h"

#include <assert.h>
#include <string.h>

/* ---- transactions ------------------------------------------------------------------ */

static void rollback(struct fleet_body *b)
{
    struct sqlite_body *s = sqlite_body_of(b);

    if (!sqlite3_get_autocommit(s->db))
        (void)!sqlite_do(s, SQL_ROLLBACK, NULL, 0, NULL);
}

static int begin(struct fleet_body *b, bool writing, struct err *e)
{
    rollback(b); /* one that there was no memory for when it was due */
    sqlite_body_of(b)->stamped = false;
    return sqlite_do(sqlite_body_of(b), writing ? SQL_BEGIN_WRITING : SQL_BEGIN, NULL, 0, e);
}

/* The first host or guest that a transaction writes draws its stamp. */
static int draw_stamp(struct sqlite_body *s, struct err *e)
{
    int rc = s->stamped ? 0 : sqlite_do(s, SQL_STAMP, NULL, 0, e);

    s->stamped = rc == 0;
    return rc;
}

static int commit(struct fleet_body *b, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_COMMIT, NULL, 0, e);
}

/* ---- streams and holes ----------------------------------------------------------------- */

void sqlite_stream_row(sqlite3_stmt *q, struct fleet_stream *out)
{
    struct fleet_agent *a = &out->agent;

    *out = (struct fleet_stream){ .id = sqlite3_column_int64(q, 0) };
    sqlite_text(q, 1, a->agent_id, sizeof a->agent_id);
    sqlite_text(q, 2, a->host_id, sizeof a->host_id);
    a->high_mark = (uint64_t)sqlite3_column_int64(q, 3);
    a->missing = (uint64_t)sqlite3_column_int64(q, 4);
    a->lost = (uint64_t)sqlite3_column_int64(q, 5);
    a->records = (uint64_t)sqlite3_column_int64(q, 6);
    a->first_seen = sqlite3_column_int64(q, 7);
    a->last_seen = sqlite3_column_int64(q, 8);
    out->delay_ns = sqlite3_column_int64(q, 9);
    out->delay_since = sqlite3_column_int64(q, 10);
}

static int stream_by(struct fleet_body *b, enum sql which, const char *agent_id, const char *host_id,
                     struct fleet_stream *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, which, WITH(T(agent_id), T(host_id)), e);

    if (rc == 0)
        sqlite_stream_row(q, out);
    sqlite3_reset(q);
    return rc;
}

static int stream_get(struct fleet_body *b, const char *agent_id, const char *host_id, struct fleet_stream *out,
                      struct err *e)
{
    return stream_by(b, SQL_STREAM_GET, agent_id, host_id, out, e);
}

static int stream_other(struct fleet_body *b, const char *agent_id, const char *host_id, struct fleet_stream *out,
                        struct err *e)
{
    return stream_by(b, SQL_STREAM_OTHER, agent_id, host_id, out, e);
}

static int stream_put(struct fleet_body *b, struct fleet_stream *st, struct err *e)
{
    struct sqlite_body *s = sqlite_body_of(b);
    const struct fleet_agent *a = &st->agent;
    int rc;

    assert(a->high_mark <= INT64_MAX && a->missing <= INT64_MAX);
    rc = sqlite_do(s, st->id == 0 ? SQL_STREAM_INSERT : SQL_STREAM_UPDATE,
                   WITH(T(a->agent_id), T(a->host_id), I(a->high_mark), I(a->missing), I(a->lost), I(a->records),
                        I(a->first_seen), I(a->last_seen), I(st->delay_ns), I(st->delay_since)),
                   e);
    if (rc == 0 && st->id == 0)
        st->id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

static int claim_count(struct fleet_body *b, const char *credential, int64_t *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_CLAIM_COUNT, WITH(T(credential)), e);

    if (rc == 0)
        *out = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return rc;
}

static int claim_put(struct fleet_body *b, const char *credential, const struct fleet_agent *a, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_CLAIM_PUT, WITH(T(credential), T(a->agent_id), T(a->host_id)), e);
}

static int hole_find(struct fleet_body *b, int64_t stream, uint64_t first, uint64_t last, struct fleet_hole *out,
                     struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_HOLE_FIND, WITH(I(stream), I(first), I(last)), e);

    if (rc == 0)
        *out = (struct fleet_hole){ (uint64_t)sqlite3_column_int64(q, 0), (uint64_t)sqlite3_column_int64(q, 1) };
    sqlite3_reset(q);
    return rc;
}

static int hole_put(struct fleet_body *b, int64_t stream, const struct fleet_hole *h, struct err *e)
{
    assert(h->first <= h->last);
    return sqlite_do(sqlite_body_of(b), SQL_HOLE_PUT, WITH(I(stream), I(h->first), I(h->last)), e);
}

static int hole_drop(struct fleet_body *b, int64_t stream, uint64_t first, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_HOLE_DROP, WITH(I(stream), I(first)), e);
}

static int hole_count(struct fleet_body *b, int64_t stream, int64_t *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_HOLE_COUNT, WITH(I(stream)), e);

    if (rc == 0)
        *out = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return rc;
}

/* ---- records ------------------------------------------------------------------------------- */

static int record_put(struct fleet_body *b, const struct fleet_record *r, struct err *e)
{
    const char *vm_id = obs_get_str(r->o, ATTR_VM_ID);

    return sqlite_do(sqlite_body_of(b), SQL_RECORD_PUT,
                     WITH(I(r->stream), I(r->o->seq), I(r->received_ns), I(r->o->time_ns), T(r->o->kind_name),
                          I(r->o->severity), T(vm_id != NULL && vm_id[0] != '\0' ? vm_id : NULL), B(r->payload, r->len),
                          I(r->arrival)),
                     e);
}

static int record_elsewhere(struct fleet_body *b, const char *agent_id, const struct fleet_record *r, bool *out,
                            struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_RECORD_ELSEWHERE,
                          WITH(T(agent_id), I(r->stream), I(r->o->seq), B(r->payload, r->len)), e);

    sqlite3_reset(q);
    *out = rc == 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* The ids of this table are without holes, so the newest one tells which is the first to keep. */
static int foreign_put(struct fleet_body *b, const char *service, const struct fleet_record *r, int64_t keep,
                       struct err *e)
{
    struct sqlite_body *s = sqlite_body_of(b);
    int rc;

    if (keep <= 0)
        return 0;
    rc = sqlite_do(s, SQL_FOREIGN_PUT, WITH(I(r->received_ns), I(r->o->time_ns), T(service), B(r->payload, r->len)), e);
    return rc != 0 ? rc : sqlite_do(s, SQL_FOREIGN_TRIM, WITH(I(sqlite3_last_insert_rowid(s->db) - keep)), e);
}

/* ---- hosts and guests -------------------------------------------------------------------------- */

static int host_get(struct fleet_body *b, const char *host_id, struct host *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_HOST_GET, WITH(T(host_id)), e);

    if (rc == 0)
        rc = host_decode(out, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), e);
    sqlite3_reset(q);
    return rc;
}

static int host_put(struct fleet_body *b, const struct host *h, struct err *e)
{
    struct sqlite_body *s = sqlite_body_of(b);
    int rc;

    buf_clear(&s->scratch);
    rc = host_encode(h, &s->scratch, e);
    if (rc == 0)
        rc = draw_stamp(s, e);
    if (rc != 0)
        return rc;
    return sqlite_do(s, SQL_HOST_PUT,
                     WITH(T(h->facts.host_id), T(h->facts.cluster), T(h->facts.host_name), T(h->facts.os_version),
                          I(h->last_seen), B(s->scratch.data, s->scratch.len), T(h->facts.is_win6x),
                          T(h->facts.is_win5x), T(h->facts.agent_version), I(h->facts.boot_time), I(h->last_poll)),
                     e);
}

static int guest_from(sqlite3_stmt *q, const char *vm_id, struct guest *out, struct err *e)
{
    return fleet_guest_decode(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), vm_id, out, e);
}

static int guest_get(struct fleet_body *b, const char *vm_id, struct guest *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_GUEST_GET, WITH(T(vm_id)), e);

    if (rc == 0)
        rc = guest_from(q, vm_id, out, e);
    sqlite3_reset(q);
    return rc;
}

static int guest_put(struct fleet_body *b, const struct fleet_guest_row *r, struct err *e)
{
    struct sqlite_body *s = sqlite_body_of(b);
    const struct guest *g = r->guest;
    int rc;

    buf_clear(&s->scratch);
    rc = guest_encode(g, &s->scratch, e);
    if (rc == 0)
        rc = draw_stamp(s, e);
    if (rc != 0)
        return rc;
    return sqlite_do(s, SQL_GUEST_PUT,
                     WITH(T(g->vm_id), T(g->host_id), T(g->name), T(r->build), T(drift_state_name(g->drift.state)),
                          I(g->drift.row), I(g->drift.since), I(g->last_seen), I(g->removed ? g->removed_time : 0),
                          B(s->scratch.data, s->scratch.len), T(r->cluster), T(r->verdict->guest_version),
                          T(r->verdict->expected_version), T(g->kvp[KVP_OS_NAME].text), T(g->kvp[KVP_OS_VERSION].text),
                          T(guest_family_name(r->verdict->family)), T(g->kvp[KVP_FQDN].text),
                          T(guest_power_name(g->power)), I(g->last_crash), T(g->last_crash_code)),
                     e);
}

/* A guest whose state is damaged is passed over: the next records about it make it anew. */
static int guest_next(struct fleet_body *b, enum sql which, const char *key, const char *after, struct guest *out,
                      struct err *e)
{
    char vm_id[GUID_TEXT_MAX];
    sqlite3_stmt *q;
    int rc, damage;

    text_copy(vm_id, sizeof vm_id, after);
    do {
        damage = 0;
        rc = sqlite_first(sqlite_body_of(b), &q, which, WITH(T(key), T(vm_id)), e);
        if (rc == 0) {
            sqlite_text(q, 1, vm_id, sizeof vm_id);
            damage = guest_from(q, vm_id, out, NULL);
        }
        sqlite3_reset(q);
        if (damage != 0)
            log_event(LOG_WARN, "store.guest_damaged", LOG_S("vm_id", vm_id));
    } while (damage != 0);
    return rc;
}

static int guest_next_on_host(struct fleet_body *b, const char *host_id, const char *after, struct guest *out,
                              struct err *e)
{
    return guest_next(b, SQL_GUEST_NEXT_ON_HOST, host_id, after, out, e);
}

static int guest_next_of_build(struct fleet_body *b, const char *build, const char *after, struct guest *out,
                               struct err *e)
{
    return guest_next(b, SQL_GUEST_NEXT_OF_BUILD, build, after, out, e);
}

/* ---- peers --------------------------------------------------------------------------------------- */

static int peer_get(struct fleet_body *b, const char *build, struct version *out, struct err *e)
{
    char text[VERSION_TEXT_MAX];
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_PEER_GET, WITH(T(build)), e);

    if (rc == 0) {
        sqlite_text(q, 0, text, sizeof text);
        if (version_parse(text, out) == 0)
            rc = ERR_NOT_FOUND;
    }
    sqlite3_reset(q);
    return rc;
}

static int peer_put(struct fleet_body *b, const char *build, const struct version *highest, struct err *e)
{
    char text[VERSION_TEXT_MAX];

    return sqlite_do(sqlite_body_of(b), SQL_PEER_PUT,
                     WITH(T(build), T(version_format(highest, text)), I(FLEET_PEERS_MAX)), e);
}

static int rejudge_put(struct fleet_body *b, const struct fleet_rejudge *r, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_REJUDGE_PUT, WITH(T(r->build), T(r->after)), e);
}

static int rejudge_get(struct fleet_body *b, struct fleet_rejudge *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_REJUDGE_GET, NULL, 0, e);

    if (rc == 0) {
        sqlite_text(q, 0, out->build, sizeof out->build);
        sqlite_text(q, 1, out->after, sizeof out->after);
    }
    sqlite3_reset(q);
    return rc;
}

static int rejudge_drop(struct fleet_body *b, const char *build, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_REJUDGE_DROP, WITH(T(build)), e);
}

/* ---- findings ------------------------------------------------------------------------ */

static int finding_put(struct fleet_body *b, const struct fleet_finding *f, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_FINDING_PUT,
                     WITH(T(fleet_finding_name(f->kind)), T(f->host_id), T(f->agent_id), I(f->first_time),
                          I(f->last_time), T(f->text)),
                     e);
}

static int finding_drop(struct fleet_body *b, enum fleet_finding_kind kind, const char *host_id, const char *agent_id,
                        struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_FINDING_DROP, WITH(T(fleet_finding_name(kind)), T(host_id), T(agent_id)),
                     e);
}

static int touch(struct fleet_body *b, int64_t now_ns, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_TOUCH, WITH(I(now_ns)), e);
}

const struct fleet_body_ops sqlite_ops = {
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .stream_get = stream_get,
    .stream_other = stream_other,
    .stream_put = stream_put,
    .claim_count = claim_count,
    .claim_put = claim_put,
    .hole_find = hole_find,
    .hole_put = hole_put,
    .hole_drop = hole_drop,
    .hole_count = hole_count,
    .record_put = record_put,
    .record_elsewhere = record_elsewhere,
    .foreign_put = foreign_put,
    .host_get = host_get,
    .host_put = host_put,
    .guest_get = guest_get,
    .guest_put = guest_put,
    .guest_next_on_host = guest_next_on_host,
    .guest_next_of_build = guest_next_of_build,
    .peer_get = peer_get,
    .peer_put = peer_put,
    .rejudge_put = rejudge_put,
    .rejudge_get = rejudge_get,
    .rejudge_drop = rejudge_drop,
    .finding_put = finding_put,
    .finding_drop = finding_drop,
    .guest_counted = sqlite_guest_counted,
    .change_put = sqlite_change_put,
    .count_add = sqlite_count_add,
    .prune = sqlite_prune,
    .touch = touch,
    .read = sqlite_read,
    .mark = sqlite_mark,
    .read_findings = sqlite_read_findings,
    .read_silent = sqlite_read_silent,
    .read_other_agents = sqlite_read_other_agents,
    .read_versions = sqlite_read_versions,
    .read_changes = sqlite_read_changes,
    .read_counts = sqlite_read_counts,
    .read_clusters = sqlite_read_clusters,
    .stats = sqlite_stats,
    .forward_open = sqlite_forward_open,
    .forward_lease = sqlite_forward_lease,
    .forward_release = sqlite_forward_release,
    .forward_behind = sqlite_forward_behind,
    .forward_records = sqlite_forward_records,
    .forward_mark = sqlite_forward_mark,
    .forward_refuse = sqlite_forward_refuse,
    .forward_count = sqlite_forward_count,
    .forward_targets = sqlite_forward_targets,
    .gauges = sqlite_gauges,
    .delivery = &sqlite_delivery_ops,
    .people = &sqlite_people_ops,
    .circumstance_put = sqlite_circumstance_put,
    .circumstances = sqlite_circumstances,
    .sign_vms = sqlite_sign_vms,
    .todo_put = sqlite_todo_put,
    .todo_first = sqlite_todo_first,
    .todo_alike = sqlite_todo_alike,
    .todo_drop = sqlite_todo_drop,
    .incident_turn = sqlite_incident_turn,
    .review_get = sqlite_review_get,
    .review_put = sqlite_review_put,
    .incident_put = sqlite_incident_put,
    .incident_drop = sqlite_incident_drop,
    .incident_alias = sqlite_incident_alias,
    .incident_get = sqlite_incident_get,
    .incidents = sqlite_incidents,
    .incident_places = sqlite_incident_places,
    .identity = &sqlite_identity_ops,
    .close = sqlite_close,
};
