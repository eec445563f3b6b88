/* Statements of the PostgreSQL body on their way: parameters, the queue, waiting
 * for results, and what an error of the server means here.
 *
 * The connection is in libpq's pipeline mode and non-blocking.  A call that wants
 * an answer adds a sync, and takes results until that sync comes back: for every
 * queued statement its results and a NULL.  After an error the server skips
 * the rest up to the sync, so exactly one error counts, the first.
 */
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_postgres.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX_NS (75 * NS_PER_S) /* a little more than the server's own statement_timeout */

/* ---- errors -------------------------------------------------------------------------- */

void postgres_message(const char *text, char *out, size_t size)
{
    size_t len = text_clean(out, size, text, strlen(text), NULL);

    while (len > 0 && out[len - 1] == ' ')
        out[--len] = '\0';
}

/* SQLSTATEs by their beginning, the first that fits; "PostgreSQL Error Codes", appendix A of its manual.
 * ERR_INVALID and ERR_TOO_BIG blame the records, and make an agent set them aside: only for what they alone can
 * cause.  Everything else is the database's, and the agent sends again. */
static const struct {
    const char *state;
    enum err_code code;
    bool again; /* a race: the transaction is worth trying at once */
    const char *remedy;
} states[] = {
    { "40", ERR_BUSY, true, "" },       /* serialization failure, deadlock */
    { "55P03", ERR_BUSY, true, "" },    /* lock_timeout */
    { "23505", ERR_CORRUPT, true, "" }, /* unique: two made the same row; when it stays, our rows are wrong */
    { "23", ERR_CORRUPT, false, "" },
    { "22021", ERR_INVALID, false, "" },
    { "22P05", ERR_INVALID, false, "" },
    { "53100", ERR_NO_SPACE, false, "; make room on its disk" },
    { "53200", ERR_BUSY, false, "" },
    { "53", ERR_BUSY, false, "; raise its max_connections" },
    { "54000", ERR_TOO_BIG, false, "" },
    { "57014", ERR_TIMEOUT, false, "" },
    { "25006", ERR_IO, false, "; this is a standby: name all servers in the URL, and target_session_attrs=read-write" },
    { "28", ERR_PERMISSION, false, "" },
    { "42501", ERR_PERMISSION, false, "; the tables must belong to the user of the URL" },
    { "42", ERR_IO, false, "; were the tables changed by hand?" },
    { "XX001", ERR_CORRUPT, false, "; restore a backup" },
    { "XX002", ERR_CORRUPT, false, "; rebuild the index" },
    { "", ERR_IO, false, "" },
};

/* States after which a new connection is the only way on: shutting down, read only after a switch to another
 * server, statements that somebody in between forgot. */
static bool connection_spent(const char *state)
{
    static const char *const spent[] = { "57P", "08", "25006", "0A000", "26000" };

    for (size_t i = 0; i < sizeof spent / sizeof spent[0]; i++) {
        if (strncmp(state, spent[i], strlen(spent[i])) == 0)
            return true;
    }
    return false;
}

static int failed(struct postgres_body *s, const PGresult *r, struct err *e)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    char why[ERR_TEXT_MAX / 2];
    size_t i = 0;

    if (state == NULL)
        state = "08000";
    if (text == NULL)
        text = PQresultErrorMessage(r);
    postgres_message(text, why, sizeof why);
    while (strncmp(state, states[i].state, strlen(states[i].state)) != 0)
        i++;
    s->spent = s->spent || connection_spent(state);
    s->again = states[i].again || s->spent;
    return err_set(e, states[i].code, "%s: %s (%s)%s", s->name, why, state, states[i].remedy);
}

/* The connection is of no use any more. */
static int lost(struct postgres_body *s, enum err_code code, const char *why, struct err *e)
{
    char text[ERR_TEXT_MAX / 2];

    postgres_message(why, text, sizeof text);
    postgres_disconnect(s);
    s->again = code != ERR_TIMEOUT;
    return err_set(e, code, "%s: the connection is lost: %s", s->name, text);
}

/* ---- waiting ----------------------------------------------------------------------------- */

/* Sends what is to be sent and receives until PQgetResult() would not block. */
static int wait_result(struct postgres_body *s, struct err *e)
{
    int64_t end = s->clock->monotonic_ns(s->clock) + s->answer_max_ns;

    for (;;) {
        int unsent = PQflush(s->conn);
        struct pollfd p = { .fd = PQsocket(s->conn), .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };
        int64_t left = end - s->clock->monotonic_ns(s->clock);

        if (unsent < 0)
            return lost(s, ERR_IO, PQerrorMessage(s->conn), e);
        if (unsent == 0 && !PQisBusy(s->conn))
            return 0;
        if (left <= 0)
            return lost(s, ERR_TIMEOUT, "no answer in time", e);
        if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR)
            return lost(s, ERR_IO, "poll", e);
        if ((p.revents & ~POLLOUT) != 0 && PQconsumeInput(s->conn) != 1)
            return lost(s, ERR_IO, PQerrorMessage(s->conn), e);
    }
}

/* What the answers up to a sync come to. */
struct answers {
    PGresult *last; /* of the last statement; NULL when nobody wants it */
    bool keep_last;
    postgres_take *take; /* or: each row of the last statement as it comes */
    void *arg;
    int statement; /* results of so many are complete */
};

static int take_row(struct answers *a, const PGresult *r)
{
    if (a->take != NULL && !a->take(r, a->arg))
        a->take = NULL; /* the rest is received and dropped */
    return 0;
}

/* One result that is not NULL; true when it was the sync. */
static bool take_result(struct postgres_body *s, struct answers *a, PGresult *r, int *rc, struct err *e)
{
    ExecStatusType status = PQresultStatus(r);
    bool last = a->statement == s->queued - 1;

    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(r);
        return true;
    }
    if (status == PGRES_SINGLE_TUPLE && *rc == 0)
        *rc = take_row(a, r);
    else if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && *rc == 0)
        *rc = failed(s, r, e);
    if (last && a->keep_last && *rc == 0) {
        PQclear(a->last);
        a->last = r;
    } else {
        PQclear(r);
    }
    return false;
}

/* Takes results until the sync; s->queued statements are before it. */
static int receive(struct postgres_body *s, struct answers *a, struct err *e)
{
    struct err ignored;
    bool done = false;
    int rc = 0, nulls = 0;

    while (!done) {
        PGresult *r;
        int waited = wait_result(s, rc == 0 ? e : &ignored);

        if (waited != 0)
            return rc != 0 ? rc : waited;
        r = PQgetResult(s->conn);
        if (r != NULL) {
            nulls = 0;
            done = take_result(s, a, r, &rc, e);
        } else if (++nulls > 1 || PQstatus(s->conn) != CONNECTION_OK) {
            return rc != 0 ? (postgres_disconnect(s), rc) : lost(s, ERR_IO, PQerrorMessage(s->conn), e);
        } else {
            a->statement++;
        }
    }
    assert(a->statement == s->queued);
    s->queued = 0;
    s->queued_bytes = 0;
    return rc;
}

static int sync_and_receive(struct postgres_body *s, struct answers *a, struct err *e)
{
    int rc;

    if (PQpipelineSync(s->conn) != 1)
        rc = lost(s, ERR_IO, PQerrorMessage(s->conn), e);
    else
        rc = receive(s, a, e);
    if (rc != 0) {
        PQclear(a->last);
        a->last = NULL;
    }
    return rc;
}

int postgres_settle(struct postgres_body *s, struct err *e)
{
    struct answers a = { .last = NULL };

    if (s->conn == NULL)
        return err_set(e, ERR_IO, "%s: the connection is gone", s->name);
    return sync_and_receive(s, &a, e);
}

/* ---- sending -------------------------------------------------------------------------------- */

static int queue(struct postgres_body *s, enum pg_sql which, const struct pg_value *values, size_t count, struct err *e)
{
    const char *params[PG_VALUES_MAX];
    int lengths[PG_VALUES_MAX], formats[PG_VALUES_MAX];
    uint64_t numbers[PG_VALUES_MAX];
    char name[16];

    assert(which < PG_SQL_COUNT && count <= PG_VALUES_MAX);
    if (s->conn == NULL)
        return err_set(e, ERR_IO, "%s: the connection is gone", s->name);
    for (size_t i = 0; i < count; i++) {
        const struct pg_value *v = &values[i];

        numbers[i] = htobe64((uint64_t)v->number);
        params[i] = v->type == PG_VALUE_INT ? (const char *)&numbers[i] : (const char *)v->bytes;
        lengths[i] = v->type == PG_VALUE_INT ? (int)sizeof numbers[i] : (int)v->len;
        formats[i] = v->type != PG_VALUE_TEXT;
        s->queued_bytes += v->type == PG_VALUE_TEXT && v->bytes != NULL ? strlen(v->bytes) : (size_t)lengths[i];
    }
    snprintf(name, sizeof name, "hv%d", (int)which);
    if (PQsendQueryPrepared(s->conn, name, (int)count, params, lengths, formats, 1) != 1)
        return lost(s, ERR_IO, PQerrorMessage(s->conn), e);
    s->queued++;
    return 0;
}

int postgres_run(struct postgres_body *s, enum pg_sql which, const struct pg_value *values, size_t count, struct err *e)
{
    int rc = queue(s, which, values, count, e);

    if (rc == 0 && (s->queued >= PG_QUEUE_MAX || s->queued_bytes >= PG_QUEUE_BYTES_MAX))
        rc = postgres_settle(s, e);
    return rc;
}

static int ask(struct postgres_body *s, PGresult **out, enum pg_sql which, const struct pg_value *values, size_t count,
               struct err *e)
{
    struct answers a = { .keep_last = true };
    int rc = queue(s, which, values, count, e);

    if (rc == 0)
        rc = sync_and_receive(s, &a, e);
    *out = a.last;
    assert(rc != 0 || a.last != NULL);
    return rc;
}

int postgres_row(struct postgres_body *s, PGresult **out, enum pg_sql which, const struct pg_value *values,
                 size_t count, struct err *e)
{
    int rc = ask(s, out, which, values, count, e);

    if (rc == 0 && PQntuples(*out) == 0) {
        PQclear(*out);
        *out = NULL;
        rc = ERR_NOT_FOUND;
    }
    return rc;
}

int postgres_changed(struct postgres_body *s, int *changed, enum pg_sql which, const struct pg_value *values,
                     size_t count, struct err *e)
{
    PGresult *r;
    uint64_t n = 0;
    int rc = ask(s, &r, which, values, count, e);

    if (rc == 0)
        (void)!text_u64(PQcmdTuples(r), &n);
    *changed = (int)n;
    PQclear(r);
    return rc;
}

int postgres_each(struct postgres_body *s, postgres_take *take, void *arg, enum pg_sql which,
                  const struct pg_value *values, size_t count, struct err *e)
{
    struct answers a = { .take = take, .arg = arg };
    int rc = s->queued > 0 ? postgres_settle(s, e) : 0;

    if (rc == 0)
        rc = queue(s, which, values, count, e);
    if (rc == 0 && PQsetSingleRowMode(s->conn) != 1)
        rc = lost(s, ERR_STATE, "rows one by one are refused", e);
    return rc != 0 ? rc : sync_and_receive(s, &a, e);
}

/* ---- plain text, before the pipeline ------------------------------------------------------------ */

int postgres_text(struct postgres_body *s, const char *sql, PGresult **out, struct err *e)
{
    PGresult *r, *last = NULL;
    int rc = 0, waited;

    assert(s->queued == 0 && PQpipelineStatus(s->conn) == PQ_PIPELINE_OFF);
    if (PQsendQuery(s->conn, sql) != 1)
        return lost(s, ERR_IO, PQerrorMessage(s->conn), e);
    while ((waited = wait_result(s, e)) == 0 && (r = PQgetResult(s->conn)) != NULL) {
        if (rc == 0 && PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
            rc = failed(s, r, e);
        PQclear(last);
        last = r;
    }
    if (waited != 0)
        rc = waited;
    if (rc == 0 && out != NULL)
        *out = last;
    else
        PQclear(last);
    return rc;
}

/* ---- columns -------------------------------------------------------------------------------------- */

int64_t pg_int(const PGresult *r, int column)
{
    uint64_t n = 0;

    assert(PQfformat(r, column) == 1);
    if (PQgetisnull(r, 0, column) || PQgetlength(r, 0, column) != (int)sizeof n)
        return 0;
    memcpy(&n, PQgetvalue(r, 0, column), sizeof n);
    return (int64_t)be64toh(n);
}

void pg_copy_text(const PGresult *r, int column, char *out, size_t size)
{
    text_copy(out, size, PQgetisnull(r, 0, column) ? "" : PQgetvalue(r, 0, column));
}

const void *pg_blob(const PGresult *r, int column, size_t *len)
{
    *len = (size_t)PQgetlength(r, 0, column);
    return PQgetvalue(r, 0, column);
}
