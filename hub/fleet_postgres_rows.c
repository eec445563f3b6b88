/* The rows of the PostgreSQL body: one function a question, one statement each. */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_delivery_body.h"
#include "hub/fleet_identity_body.h"
#include "hub/fleet_people_body.h"
#include "hub/fleet_postgres.h"
#include "hub/fleet_rows.h"

#include <assert.h>
#include <string.h>

#define ME postgres_body_of(b)

/* ---- streams and holes ----------------------------------------------------------------- */

void postgres_stream_row(const PGresult *r, struct fleet_stream *out)
{
    struct fleet_agent *a = &out->agent;

    *out = (struct fleet_stream){ .id = pg_int(r, 0), .delay_ns = pg_int(r, 9), .delay_since = pg_int(r, 10) };
    pg_copy_text(r, 1, a->agent_id, sizeof a->agent_id);
    pg_copy_text(r, 2, a->host_id, sizeof a->host_id);
    a->high_mark = (uint64_t)pg_int(r, 3);
    a->missing = (uint64_t)pg_int(r, 4);
    a->lost = (uint64_t)pg_int(r, 5);
    a->records = (uint64_t)pg_int(r, 6);
    a->first_seen = pg_int(r, 7);
    a->last_seen = pg_int(r, 8);
}

static int stream_by(struct fleet_body *b, enum pg_sql which, const char *agent_id, const char *host_id,
                     struct fleet_stream *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, which, PG_WITH(PG_T(agent_id), PG_T(host_id)), e);

    if (rc == 0)
        postgres_stream_row(r, out);
    PQclear(r);
    return rc;
}

/* The agent's row is locked first: from here on the transaction has this agent for itself. */
static int stream_get(struct fleet_body *b, const char *agent_id, const char *host_id, struct fleet_stream *out,
                      struct err *e)
{
    int rc = ME->read_only ? 0 : postgres_run(ME, PG_STREAM_LOCK, PG_WITH(PG_T(agent_id)), e);

    return rc != 0 ? rc : stream_by(b, PG_STREAM_GET, agent_id, host_id, out, e);
}

static int stream_other(struct fleet_body *b, const char *agent_id, const char *host_id, struct fleet_stream *out,
                        struct err *e)
{
    return stream_by(b, PG_STREAM_OTHER, agent_id, host_id, out, e);
}

static int stream_put(struct fleet_body *b, struct fleet_stream *st, struct err *e)
{
    const struct fleet_agent *a = &st->agent;
    const struct pg_value values[] = { PG_T(a->agent_id),    PG_T(a->host_id),   PG_I(a->high_mark),
                                       PG_I(a->missing),     PG_I(a->lost),      PG_I(a->records),
                                       PG_I(a->first_seen),  PG_I(a->last_seen), PG_I(st->delay_ns),
                                       PG_I(st->delay_since) };
    const size_t count = sizeof values / sizeof values[0];
    PGresult *r;
    int rc;

    assert(a->high_mark <= INT64_MAX && a->missing <= INT64_MAX);
    if (st->id != 0)
        return postgres_run(ME, PG_STREAM_UPDATE, values, count, e);
    rc = postgres_row(ME, &r, PG_STREAM_INSERT, values, count, e);
    if (rc == 0)
        st->id = pg_int(r, 0);
    PQclear(r);
    return rc;
}

static int claim_count(struct fleet_body *b, const char *credential, int64_t *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_CLAIM_COUNT, PG_WITH(PG_T(credential)), e);

    if (rc == 0)
        *out = pg_int(r, 0);
    PQclear(r);
    return rc;
}

static int claim_put(struct fleet_body *b, const char *credential, const struct fleet_agent *a, struct err *e)
{
    return postgres_run(ME, PG_CLAIM_PUT, PG_WITH(PG_T(credential), PG_T(a->agent_id), PG_T(a->host_id)), e);
}

static int hole_find(struct fleet_body *b, int64_t stream, uint64_t first, uint64_t last, struct fleet_hole *out,
                     struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_HOLE_FIND, PG_WITH(PG_I(stream), PG_I(first), PG_I(last)), e);

    if (rc == 0)
        *out = (struct fleet_hole){ (uint64_t)pg_int(r, 0), (uint64_t)pg_int(r, 1) };
    PQclear(r);
    return rc;
}

static int hole_put(struct fleet_body *b, int64_t stream, const struct fleet_hole *h, struct err *e)
{
    assert(h->first <= h->last);
    return postgres_run(ME, PG_HOLE_PUT, PG_WITH(PG_I(stream), PG_I(h->first), PG_I(h->last)), e);
}

static int hole_drop(struct fleet_body *b, int64_t stream, uint64_t first, struct err *e)
{
    return postgres_run(ME, PG_HOLE_DROP, PG_WITH(PG_I(stream), PG_I(first)), e);
}

static int hole_count(struct fleet_body *b, int64_t stream, int64_t *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_HOLE_COUNT, PG_WITH(PG_I(stream)), e);

    if (rc == 0)
        *out = pg_int(r, 0);
    PQclear(r);
    return rc;
}

/* ---- records ------------------------------------------------------------------------------- */

static int record_put(struct fleet_body *b, const struct fleet_record *r, struct err *e)
{
    const char *vm_id = obs_get_str(r->o, ATTR_VM_ID);

    return postgres_run(ME, PG_RECORD_PUT,
                        PG_WITH(PG_I(r->stream), PG_I(r->o->seq), PG_I(r->received_ns), PG_I(r->o->time_ns),
                                PG_T(r->o->kind_name), PG_I(r->o->severity),
                                PG_T(vm_id != NULL && vm_id[0] != '\0' ? vm_id : NULL), PG_B(r->payload, r->len),
                                PG_I(r->arrival)),
                        e);
}

static int record_elsewhere(struct fleet_body *b, const char *agent_id, const struct fleet_record *r, bool *out,
                            struct err *e)
{
    PGresult *found;
    int rc = postgres_row(ME, &found, PG_RECORD_ELSEWHERE,
                          PG_WITH(PG_T(agent_id), PG_I(r->stream), PG_I(r->o->seq), PG_B(r->payload, r->len)), e);

    PQclear(found);
    *out = rc == 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Ids that were rolled back leave holes, so that a little less than `keep` may stay. */
static int foreign_put(struct fleet_body *b, const char *service, const struct fleet_record *r, int64_t keep,
                       struct err *e)
{
    int rc;

    if (keep <= 0)
        return 0;
    rc = postgres_run(ME, PG_FOREIGN_PUT,
                      PG_WITH(PG_I(r->received_ns), PG_I(r->o->time_ns), PG_T(service), PG_B(r->payload, r->len)), e);
    return rc != 0 ? rc : postgres_run(ME, PG_FOREIGN_TRIM, PG_WITH(PG_I(keep)), e);
}

/* ---- hosts and guests -------------------------------------------------------------------------- */

static int host_get(struct fleet_body *b, const char *host_id, struct host *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_HOST_GET, PG_WITH(PG_T(host_id)), e);

    if (rc == 0) {
        size_t len;
        const void *state = pg_blob(r, 0, &len);

        rc = host_decode(out, state, len, e);
    }
    PQclear(r);
    return rc;
}

static int host_put(struct fleet_body *b, const struct host *h, struct err *e)
{
    struct buf *scratch = &ME->scratch;
    int rc;

    buf_clear(scratch);
    rc = host_encode(h, scratch, e);
    if (rc != 0)
        return rc;
    return postgres_run(ME, PG_HOST_PUT,
                        PG_WITH(PG_T(h->facts.host_id), PG_T(h->facts.cluster), PG_T(h->facts.host_name),
                                PG_T(h->facts.os_version), PG_I(h->last_seen), PG_B(scratch->data, scratch->len),
                                PG_T(h->facts.is_win6x), PG_T(h->facts.is_win5x), PG_T(h->facts.agent_version),
                                PG_I(h->facts.boot_time), PG_I(h->last_poll)),
                        e);
}

static int guest_from(const PGresult *r, const char *vm_id, struct guest *out, struct err *e)
{
    size_t len;
    const void *state = pg_blob(r, 0, &len);

    return fleet_guest_decode(state, len, vm_id, out, e);
}

static int guest_get(struct fleet_body *b, const char *vm_id, struct guest *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_GUEST_GET, PG_WITH(PG_T(vm_id)), e);

    if (rc == 0)
        rc = guest_from(r, vm_id, out, e);
    PQclear(r);
    return rc;
}

static int guest_put(struct fleet_body *b, const struct fleet_guest_row *row, struct err *e)
{
    struct buf *scratch = &ME->scratch;
    const struct guest *g = row->guest;
    int rc;

    buf_clear(scratch);
    rc = guest_encode(g, scratch, e);
    if (rc != 0)
        return rc;
    return postgres_run(ME, PG_GUEST_PUT,
                        PG_WITH(PG_T(g->vm_id), PG_T(g->host_id), PG_T(g->name), PG_T(row->build),
                                PG_T(drift_state_name(g->drift.state)), PG_I(g->drift.row), PG_I(g->drift.since),
                                PG_I(g->last_seen), PG_I(g->removed ? g->removed_time : 0),
                                PG_B(scratch->data, scratch->len), PG_T(row->cluster),
                                PG_T(row->verdict->guest_version), PG_T(row->verdict->expected_version),
                                PG_T(g->kvp[KVP_OS_NAME].text), PG_T(g->kvp[KVP_OS_VERSION].text),
                                PG_T(guest_family_name(row->verdict->family)), PG_T(g->kvp[KVP_FQDN].text),
                                PG_T(guest_power_name(g->power)), PG_I(g->last_crash), PG_T(g->last_crash_code)),
                        e);
}

/* A guest whose state is damaged is passed over: the next records about it make it anew. */
static int guest_next(struct fleet_body *b, enum pg_sql which, const char *key, const char *after, struct guest *out,
                      struct err *e)
{
    char vm_id[GUID_TEXT_MAX];
    PGresult *r;
    int rc, damage;

    text_copy(vm_id, sizeof vm_id, after);
    do {
        damage = 0;
        rc = postgres_row(ME, &r, which, PG_WITH(PG_T(key), PG_T(vm_id)), e);
        if (rc == 0) {
            pg_copy_text(r, 1, vm_id, sizeof vm_id);
            damage = guest_from(r, vm_id, out, NULL);
        }
        PQclear(r);
        if (damage != 0)
            log_event(LOG_WARN, "store.guest_damaged", LOG_S("vm_id", vm_id));
    } while (damage != 0);
    return rc;
}

static int guest_next_on_host(struct fleet_body *b, const char *host_id, const char *after, struct guest *out,
                              struct err *e)
{
    return guest_next(b, PG_GUEST_NEXT_ON_HOST, host_id, after, out, e);
}

static int guest_next_of_build(struct fleet_body *b, const char *build, const char *after, struct guest *out,
                               struct err *e)
{
    return guest_next(b, PG_GUEST_NEXT_OF_BUILD, build, after, out, e);
}

/* ---- peers --------------------------------------------------------------------------------------- */

static int peer_get(struct fleet_body *b, const char *build, struct version *out, struct err *e)
{
    char text[VERSION_TEXT_MAX];
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_PEER_GET, PG_WITH(PG_T(build)), e);

    if (rc == 0) {
        pg_copy_text(r, 0, text, sizeof text);
        if (version_parse(text, out) == 0)
            rc = ERR_NOT_FOUND;
    }
    PQclear(r);
    return rc;
}

static int peer_put(struct fleet_body *b, const char *build, const struct version *highest, struct err *e)
{
    char text[VERSION_TEXT_MAX];

    return postgres_run(ME, PG_PEER_PUT,
                        PG_WITH(PG_T(build), PG_T(version_format(highest, text)), PG_I(FLEET_PEERS_MAX)), e);
}

static int rejudge_put(struct fleet_body *b, const struct fleet_rejudge *r, struct err *e)
{
    return postgres_run(ME, PG_REJUDGE_PUT, PG_WITH(PG_T(r->build), PG_T(r->after)), e);
}

static int rejudge_get(struct fleet_body *b, struct fleet_rejudge *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(ME, &r, PG_REJUDGE_GET, NULL, 0, e);

    if (rc == 0) {
        pg_copy_text(r, 0, out->build, sizeof out->build);
        pg_copy_text(r, 1, out->after, sizeof out->after);
    }
    PQclear(r);
    return rc;
}

static int rejudge_drop(struct fleet_body *b, const char *build, struct err *e)
{
    return postgres_run(ME, PG_REJUDGE_DROP, PG_WITH(PG_T(build)), e);
}

/* ---- findings ------------------------------------------------------------------------------------- */

static int finding_put(struct fleet_body *b, const struct fleet_finding *f, struct err *e)
{
    return postgres_run(ME, PG_FINDING_PUT,
                        PG_WITH(PG_T(fleet_finding_name(f->kind)), PG_T(f->host_id), PG_T(f->agent_id),
                                PG_I(f->first_time), PG_I(f->last_time), PG_T(f->text)),
                        e);
}

static int finding_drop(struct fleet_body *b, enum fleet_finding_kind kind, const char *host_id, const char *agent_id,
                        struct err *e)
{
    return postgres_run(ME, PG_FINDING_DROP, PG_WITH(PG_T(fleet_finding_name(kind)), PG_T(host_id), PG_T(agent_id)), e);
}

static int touch(struct fleet_body *b, int64_t now_ns, struct err *e)
{
    return postgres_run(ME, PG_TOUCH, PG_WITH(PG_I(now_ns)), e);
}

const struct fleet_body_ops postgres_ops = {
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .again = postgres_again,
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
    .guest_counted = postgres_guest_counted,
    .change_put = postgres_change_put,
    .count_add = postgres_count_add,
    .prune = postgres_prune,
    .touch = touch,
    .read = postgres_read,
    .mark = postgres_mark,
    .read_findings = postgres_read_findings,
    .read_silent = postgres_read_silent,
    .read_other_agents = postgres_read_other_agents,
    .read_versions = postgres_read_versions,
    .read_changes = postgres_read_changes,
    .read_counts = postgres_read_counts,
    .read_clusters = postgres_read_clusters,
    .stats = postgres_stats,
    .forward_open = postgres_forward_open,
    .forward_lease = postgres_forward_lease,
    .forward_release = postgres_forward_release,
    .forward_behind = postgres_forward_behind,
    .forward_records = postgres_forward_records,
    .forward_mark = postgres_forward_mark,
    .forward_refuse = postgres_forward_refuse,
    .forward_count = postgres_forward_count,
    .forward_targets = postgres_forward_targets,
    .gauges = postgres_gauges,
    .delivery = &postgres_delivery_ops,
    .people = &postgres_people_ops,
    .circumstance_put = postgres_circumstance_put,
    .circumstances = postgres_circumstances,
    .sign_vms = postgres_sign_vms,
    .todo_put = postgres_todo_put,
    .todo_first = postgres_todo_first,
    .todo_alike = postgres_todo_alike,
    .todo_drop = postgres_todo_drop,
    .incident_turn = postgres_incident_turn,
    .review_get = postgres_review_get,
    .review_put = postgres_review_put,
    .incident_put = postgres_incident_put,
    .incident_drop = postgres_incident_drop,
    .incident_alias = postgres_incident_alias,
    .incident_get = postgres_incident_get,
    .incidents = postgres_incidents,
    .incident_places = postgres_incident_places,
    .identity = &postgres_identity_ops,
    .close = postgres_close,
};
