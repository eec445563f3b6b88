/* See support_faulty.h. */
#include "tests/hub/support_faulty.h"

#include "hub/fleet_identity_body.h"
#include "tests/support/suite.h"

#include <pthread.h>

static struct {
    const struct fleet_body_ops *ops;
    const struct fleet_identity_ops *identity;
    int at, seen, error, again;
    const char *met;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool hold, held;
} faulty = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static bool fails(const char *name, struct err *e, int *rc)
{
    if (faulty.at == 0 || ++faulty.seen != faulty.at)
        return false;
    faulty.met = name;
    *rc = err_set(e, (enum err_code)faulty.error, "%s fails", name);
    return true;
}

/* One call of the table: it fails, or does what it does. */
#define CALL(table, name, params, ...)                                      \
    static int failing_##name params                                        \
    {                                                                       \
        int rc;                                                             \
                                                                            \
        return fails(#name, e, &rc) ? rc : faulty.table->name(__VA_ARGS__); \
    }
#define CALL_1(name, A)    CALL(ops, name, (struct fleet_body * b, A a1, struct err * e), b, a1, e)
#define CALL_2(name, A, B) CALL(ops, name, (struct fleet_body * b, A a1, B a2, struct err * e), b, a1, a2, e)
#define CALL_3(name, A, B, C) \
    CALL(ops, name, (struct fleet_body * b, A a1, B a2, C a3, struct err * e), b, a1, a2, a3, e)
#define CALL_4(name, A, B, C, D) \
    CALL(ops, name, (struct fleet_body * b, A a1, B a2, C a3, D a4, struct err * e), b, a1, a2, a3, a4, e)
typedef const char *text;

/* clang-format off */
#define CALLS(X1, X2, X3, X4)                                                          \
    X1(begin, bool)                                                                     \
    X3(stream_get, text, text, struct fleet_stream *)                                   \
    X3(stream_other, text, text, struct fleet_stream *)                                 \
    X1(stream_put, struct fleet_stream *)                                               \
    X2(claim_count, text, int64_t *)                                                    \
    X2(claim_put, text, const struct fleet_agent *)                                     \
    X4(hole_find, int64_t, uint64_t, uint64_t, struct fleet_hole *)                     \
    X2(hole_put, int64_t, const struct fleet_hole *)                                    \
    X2(hole_drop, int64_t, uint64_t)                                                    \
    X2(hole_count, int64_t, int64_t *)                                                  \
    X1(record_put, const struct fleet_record *)                                         \
    X3(record_elsewhere, text, const struct fleet_record *, bool *)                     \
    X3(foreign_put, text, const struct fleet_record *, int64_t)                         \
    X2(host_get, text, struct host *)                                                   \
    X1(host_put, const struct host *)                                                   \
    X2(guest_get, text, struct guest *)                                                 \
    X1(guest_put, const struct fleet_guest_row *)                                       \
    X3(guest_next_on_host, text, text, struct guest *)                                  \
    X3(guest_next_of_build, text, text, struct guest *)                                 \
    X2(peer_get, text, struct version *)                                                \
    X2(peer_put, text, const struct version *)                                          \
    X1(rejudge_put, const struct fleet_rejudge *)                                       \
    X1(rejudge_get, struct fleet_rejudge *)                                             \
    X1(rejudge_drop, text)                                                              \
    X1(finding_put, const struct fleet_finding *)                                       \
    X3(finding_drop, enum fleet_finding_kind, text, text)                               \
    X2(guest_counted, text, struct fleet_counted *)                                     \
    X1(change_put, const struct fleet_change *)                                         \
    X1(count_add, const struct fleet_count *)                                           \
    X4(prune, enum fleet_prune, int64_t, int, int *)                                    \
    X1(touch, int64_t)                                                                  \
    X1(circumstance_put, const struct fleet_circumstance *)                             \
    X1(todo_put, const struct fleet_todo *)
CALLS(CALL_1, CALL_2, CALL_3, CALL_4)
/* clang-format on */

#define IDENTITY(name, params, ...) CALL(identity, name, params, __VA_ARGS__)
IDENTITY(bound_put, (struct fleet_body * b, const struct fleet_bound *a1, struct err *e), b, a1, e)
IDENTITY(issued_used, (struct fleet_body * b, const char *a1, int64_t a2, struct err *e), b, a1, a2, e)
IDENTITY(standing,
         (struct fleet_body * b, const char *a1, const char *a2, const char *a3, struct fleet_standing *a4,
          struct err *e),
         b, a1, a2, a3, a4, e)

static int failing_commit(struct fleet_body *b, struct err *e)
{
    int rc;

    pthread_mutex_lock(&faulty.lock);
    while (faulty.hold) {
        faulty.held = true;
        pthread_cond_wait(&faulty.wake, &faulty.lock);
    }
    faulty.held = false;
    pthread_mutex_unlock(&faulty.lock);
    return fails("commit", e, &rc) ? rc : faulty.ops->commit(b, e);
}

static bool failing_again(struct fleet_body *b)
{
    (void)b;
    return faulty.again-- > 0;
}

void faulty_begin(struct fleet_store *s)
{
    static struct fleet_body_ops ops;
    static struct fleet_identity_ops identity;

    faulty.ops = s->body->ops;
    faulty.identity = s->body->ops->identity;
    ops = *faulty.ops;
    identity = *faulty.identity;
    ops.identity = &identity;
    ops.commit = failing_commit;
    ops.again = failing_again;
    identity.bound_put = failing_bound_put;
    identity.issued_used = failing_issued_used;
    identity.standing = failing_standing;
#define SET_1(name, A)          ops.name = failing_##name;
#define SET_2(name, A, B)       ops.name = failing_##name;
#define SET_3(name, A, B, C)    ops.name = failing_##name;
#define SET_4(name, A, B, C, D) ops.name = failing_##name;
    CALLS(SET_1, SET_2, SET_3, SET_4)
    s->body->ops = &ops;
    faulty_at(0, 0);
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
    return faulty.met;
}
