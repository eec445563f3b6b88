/* See support_faulty.h. */
#include "tests/hub/support_faulty.h"

#include "hub/fleet_identity_body.h"
#include "hub/fleet_people_body.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <string.h>

static struct {
    const struct fleet_body_ops *ops;
    const struct fleet_identity_ops *identity;
    const struct fleet_people_ops *people;
    int at, seen, error, again;
    const char *met;
    const char *script; /* of calls of this name alone */
    const int *errors;
    int errors_left;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool hold, held;
} faulty = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static bool fails(const char *name, struct err *e, int *rc)
{
    int error = 0;

    pthread_mutex_lock(&faulty.lock);
    if (faulty.at != 0 && ++faulty.seen == faulty.at)
        error = faulty.error;
    if (faulty.errors_left > 0 && strcmp(faulty.script, name) == 0) {
        error = *faulty.errors;
        faulty.errors++;
        faulty.errors_left--;
    }
    if (error != 0)
        faulty.met = name;
    while (faulty.hold && strcmp(name, "record_put") == 0) {
        faulty.held = true;
        pthread_cond_wait(&faulty.wake, &faulty.lock);
    }
    faulty.held = false;
    pthread_mutex_unlock(&faulty.lock);
    if (error == 0)
        return false;
    *rc = err_set(e, (enum err_code)error, "%s fails", name);
    return true;
}

typedef const char *text;

/* The calls of each table: how many parameters there are between the body and the error, and of which types. */
/* clang-format off */
#define OPS_CALLS(X)                                                                                                      \
    X(ops, begin, 1, bool)                                                                                                \
    X(ops, stream_get, 3, text, text, struct fleet_stream *)                                                              \
    X(ops, stream_other, 3, text, text, struct fleet_stream *)                                                            \
    X(ops, stream_put, 1, struct fleet_stream *)                                                                          \
    X(ops, claim_count, 2, text, int64_t *)                                                                               \
    X(ops, claim_put, 2, text, const struct fleet_agent *)                                                                \
    X(ops, hole_find, 4, int64_t, uint64_t, uint64_t, struct fleet_hole *)                                                \
    X(ops, hole_put, 2, int64_t, const struct fleet_hole *)                                                               \
    X(ops, hole_drop, 2, int64_t, uint64_t)                                                                               \
    X(ops, hole_count, 2, int64_t, int64_t *)                                                                             \
    X(ops, record_put, 1, const struct fleet_record *)                                                                    \
    X(ops, record_elsewhere, 3, text, const struct fleet_record *, bool *)                                                \
    X(ops, foreign_put, 3, text, const struct fleet_record *, int64_t)                                                    \
    X(ops, host_get, 2, text, struct host *)                                                                              \
    X(ops, host_put, 1, const struct host *)                                                                              \
    X(ops, guest_get, 2, text, struct guest *)                                                                            \
    X(ops, guest_put, 1, const struct fleet_guest_row *)                                                                  \
    X(ops, guest_next_on_host, 3, text, text, struct guest *)                                                             \
    X(ops, guest_next_of_build, 3, text, text, struct guest *)                                                            \
    X(ops, peer_get, 2, text, struct version *)                                                                           \
    X(ops, peer_put, 2, text, const struct version *)                                                                     \
    X(ops, rejudge_put, 1, const struct fleet_rejudge *)                                                                  \
    X(ops, rejudge_get, 1, struct fleet_rejudge *)                                                                        \
    X(ops, rejudge_drop, 1, text)                                                                                         \
    X(ops, finding_put, 1, const struct fleet_finding *)                                                                  \
    X(ops, finding_drop, 3, enum fleet_finding_kind, text, text)                                                          \
    X(ops, guest_counted, 2, text, struct fleet_counted *)                                                                \
    X(ops, change_put, 1, const struct fleet_change *)                                                                    \
    X(ops, count_add, 1, const struct fleet_count *)                                                                      \
    X(ops, prune, 4, enum fleet_prune, int64_t, int, int *)                                                               \
    X(ops, touch, 1, int64_t)                                                                                             \
    X(ops, read, 1, const struct fleet_reader *)                                                                          \
    X(ops, read_changes, 3, const struct fleet_change_query *, fleet_take_change *, void *)                               \
    X(ops, read_findings, 3, const struct fleet_finding_query *, fleet_take_finding *, void *)                            \
    X(ops, read_silent, 4, const struct fleet_finding_query *, int64_t, fleet_take_heard *, void *)                       \
    X(ops, read_other_agents, 4, const struct fleet_finding_query *, text, fleet_take_heard *, void *)                    \
    X(ops, read_counts, 3, text, fleet_take_count *, void *)                                                              \
    X(ops, read_clusters, 2, fleet_take_count *, void *)                                                                  \
    X(ops, stats, 1, struct fleet_stats *)                                                                                \
    X(ops, gauges, 2, int64_t, struct fleet_gauges *)                                                                     \
    X(ops, forward_open, 3, text, bool, bool *)                                                                           \
    X(ops, forward_lease, 5, text, text, int64_t, int64_t, bool *)                                                        \
    X(ops, forward_release, 2, text, text)                                                                                \
    X(ops, forward_behind, 5, text, int64_t, int, fleet_take_behind *, void *)                                            \
    X(ops, forward_records, 5, int64_t, uint64_t, int, fleet_take_record *, void *)                                       \
    X(ops, forward_mark, 3, text, int64_t, uint64_t)                                                                      \
    X(ops, forward_refuse, 3, text, const struct fleet_refused *, int)                                                    \
    X(ops, forward_count, 5, text, text, const struct fleet_forward_counts *, int64_t, bool *)                            \
    X(ops, forward_targets, 2, fleet_take_target *, void *)                                                               \
    X(ops, circumstance_put, 1, const struct fleet_circumstance *)                                                        \
    X(ops, circumstances, 7, enum circumstance_question, text, int64_t, int64_t, int, fleet_take_circumstance *, void *)  \
    X(ops, sign_vms, 6, text, int64_t, int64_t, int, fleet_take_place *, void *)                                          \
    X(ops, todo_put, 1, const struct fleet_todo *)                                                                        \
    X(ops, todo_first, 2, int64_t, struct fleet_todo *)                                                                   \
    X(ops, todo_alike, 5, const struct fleet_todo *, int64_t, int, fleet_take_todo *, void *)                             \
    X(ops, todo_drop, 2, const struct fleet_todo *, int64_t)                                                              \
    X(ops, incident_turn, 1, bool *)                                                                                      \
    X(ops, review_get, 1, struct fleet_review *)                                                                          \
    X(ops, review_put, 1, const struct fleet_review *)                                                                    \
    X(ops, incident_put, 1, const struct fleet_incident_row *)                                                            \
    X(ops, incident_drop, 1, text)                                                                                        \
    X(ops, incident_alias, 3, text, text, int64_t)                                                                        \
    X(ops, incident_get, 3, text, fleet_take_incident_row *, void *)                                                      \
    X(ops, incidents, 3, const struct fleet_incident_query *, fleet_take_incident_row *, void *)                          \
    X(ops, incident_places, 7, enum todo_scope, text, int64_t, int64_t, int, fleet_take_place *, void *)
#define IDENTITY_CALLS(X)                                                \
    X(identity, token_put, 1, const struct fleet_token *)                \
    X(identity, token_get, 2, text, struct fleet_token *)                \
    X(identity, token_take, 2, text, bool *)                             \
    X(identity, token_revoke, 3, text, int64_t, int *)                   \
    X(identity, issued_put, 1, const struct fleet_issued *)              \
    X(identity, issued_get, 2, text, struct fleet_issued *)              \
    X(identity, issued_for, 3, text, text, struct fleet_issued *)        \
    X(identity, issued_after, 3, text, text, struct fleet_issued *)      \
    X(identity, issued_used, 2, text, int64_t)                           \
    X(identity, issued_revoke, 3, text, int64_t, int *)                  \
    X(identity, issued_revoke_host, 3, text, int64_t, int *)             \
    X(identity, issued_prune, 1, int64_t)                                \
    X(identity, bound_get, 2, text, struct fleet_bound *)                \
    X(identity, bound_put, 1, const struct fleet_bound *)                \
    X(identity, bound_forget, 3, text, text, int *)                      \
    X(identity, ban_put, 2, text, int64_t)                               \
    X(identity, ban_drop, 2, text, int *)                                \
    X(identity, standing, 4, text, text, text, struct fleet_standing *)  \
    X(identity, event_put, 2, const struct fleet_identity_event *, int)  \
    X(identity, read, 1, const struct fleet_identity_reader *)
#define PEOPLE_CALLS(X)                                                 \
    X(people, person_get, 2, text, struct fleet_person *)               \
    X(people, person_put, 1, const struct fleet_person *)               \
    X(people, person_hash, 2, text, text)                               \
    X(people, person_limits, 1, const struct fleet_person *)            \
    X(people, person_drop, 1, text)                                     \
    X(people, person_each, 2, fleet_take_person *, void *)              \
    X(people, ticket_get, 3, text, int64_t, struct fleet_ticket *)      \
    X(people, ticket_put, 1, const struct fleet_ticket *)               \
    X(people, ticket_seen, 1, const struct fleet_ticket *)              \
    X(people, ticket_drop, 1, text)                                     \
    X(people, tickets_drop, 1, text)                                    \
    X(people, tickets_prune, 1, int64_t)                                \
    X(people, audit_put, 2, const struct fleet_audit *, int64_t)        \
    X(people, audit_each, 4, int64_t, int, fleet_take_audit *, void *)
/* clang-format on */

#define PARAMS_1(A)                   A a1
#define ARGS_1                        a1
#define PARAMS_2(A, B)                A a1, B a2
#define ARGS_2                        a1, a2
#define PARAMS_3(A, B, C)             A a1, B a2, C a3
#define ARGS_3                        a1, a2, a3
#define PARAMS_4(A, B, C, D)          A a1, B a2, C a3, D a4
#define ARGS_4                        a1, a2, a3, a4
#define PARAMS_5(A, B, C, D, E)       A a1, B a2, C a3, D a4, E a5
#define ARGS_5                        a1, a2, a3, a4, a5
#define PARAMS_6(A, B, C, D, E, F)    A a1, B a2, C a3, D a4, E a5, F a6
#define ARGS_6                        a1, a2, a3, a4, a5, a6
#define PARAMS_7(A, B, C, D, E, F, G) A a1, B a2, C a3, D a4, E a5, F a6, G a7
#define ARGS_7                        a1, a2, a3, a4, a5, a6, a7

/* One call of a table: it fails, or does what it does. */
#define CALL(table, name, n, ...)                                                                     \
    static int failing_##table##_##name(struct fleet_body *b, PARAMS_##n(__VA_ARGS__), struct err *e) \
    {                                                                                                 \
        int rc;                                                                                       \
                                                                                                      \
        return fails(#name, e, &rc) ? rc : faulty.table->name(b, ARGS_##n, e);                        \
    }
OPS_CALLS(CALL)
IDENTITY_CALLS(CALL)
PEOPLE_CALLS(CALL)

static int failing_commit(struct fleet_body *b, struct err *e)
{
    int rc;

    return fails("commit", e, &rc) ? rc : faulty.ops->commit(b, e);
}

static bool failing_again(struct fleet_body *b)
{
    (void)b;
    return faulty.again-- > 0;
}

#define SET(table, name, n, ...) table.name = failing_##table##_##name;

void faulty_begin(struct fleet_store *s)
{
    static struct fleet_body_ops ops;
    static struct fleet_identity_ops identity;
    static struct fleet_people_ops people;

    faulty.ops = s->body->ops;
    faulty.identity = s->body->ops->identity;
    faulty.people = s->body->ops->people;
    ops = *faulty.ops;
    identity = *faulty.identity;
    people = *faulty.people;
    OPS_CALLS(SET)
    IDENTITY_CALLS(SET)
    PEOPLE_CALLS(SET)
    ops.commit = failing_commit;
    ops.again = failing_again;
    ops.identity = &identity;
    ops.people = &people;
    s->body->ops = &ops;
    faulty_at(0, 0);
    faulty_script("", NULL, 0);
    faulty_again(0);
}

void faulty_end(struct fleet_store *s)
{
    s->body->ops = faulty.ops;
}

void faulty_at(int n, int error)
{
    faulty.at = n;
    faulty.seen = 0;
    faulty.error = error;
    faulty.met = NULL;
}

void faulty_script(const char *name, const int *errors, int count)
{
    pthread_mutex_lock(&faulty.lock);
    faulty.script = name;
    faulty.errors = errors;
    faulty.errors_left = count;
    pthread_mutex_unlock(&faulty.lock);
}

void faulty_again(int times)
{
    faulty.again = times;
}

void faulty_hold(bool hold)
{
    pthread_mutex_lock(&faulty.lock);
    faulty.hold = hold;
    pthread_cond_broadcast(&faulty.wake);
    pthread_mutex_unlock(&faulty.lock);
}

bool faulty_held(void)
{
    bool held;

    pthread_mutex_lock(&faulty.lock);
    held = faulty.held;
    pthread_mutex_unlock(&faulty.lock);
    return held;
}

const char *faulty_met(void)
{
    const char *met;

    pthread_mutex_lock(&faulty.lock);
    met = faulty.met;
    pthread_mutex_unlock(&faulty.lock);
    return met;
}
