/* The fleet store's PostgreSQL body: the connection, its session, transactions.
 *
 * Any number of hubs share one database.  What keeps them from each other's
 * feet, in the order in which it works:
 *
 * - Writing transactions are REPEATABLE READ: a row that somebody else changed
 *   after the transaction began can not be overwritten, the server says 40001
 *   and the transaction is done again from its start (fleet_store_apply()).  So
 *   hosts and guests, which are read, reduced and written, lose no update.
 * - A transaction begins with a stream by writing the row of its agent id
 *   (PG_STREAM_LOCK).  Two hubs that have the same agent's records at the same
 *   time, under one host id or two, meet there: the second waits, is told
 *   40001, and finds the marks of the first when it tries again.
 * - The primary key of observation (stream, seq) is a second lock on the promise
 *   that nothing is there twice.
 * - Tables that all hubs share are only written when something new is known
 *   (peer), or have a row for each hub (daily, probe), or are taken with SKIP LOCKED
 *   (rejudge, the trimming of foreign_record).
 *
 * When the connection is lost the transaction is lost with it, except that a
 * commit may have gone through without its answer: then the marks tell, when the
 * records come again.  The next begin() makes a new connection, with a pause between
 * two tries (one second, then twice as long each time up to RECONNECT_MAX_NS), so that a
 * hub without its database answers at once that it can not store now, and why.  A
 * patient body begins in that state when the database is away.
 *
 * Every wait has a deadline here; the server has its own (statement_timeout,
 * lock_timeout, idle_in_transaction_session_timeout), so that neither side
 * holds locks for a partner that is gone.
 */
#include "hub/fleet_postgres.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "config/store_url.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define RECONNECT_MIN_NS (1 * NS_PER_S)
#define RECONNECT_MAX_NS (4 * NS_PER_S)

/* A report may be long on its way; nothing else may.  The client waits a little longer than the server. */
#define TIMEOUT_WRITING "SET statement_timeout = '60s'"
#define TIMEOUT_READING "SET statement_timeout = '600s'"
#define ANSWER_WRITING  (75 * NS_PER_S)
#define ANSWER_READING  (615 * NS_PER_S)

/* A lost answer to a commit must not be a lost commit, so never less than this.  The timeouts are the
 * server's half of the deadlines. */
static const char session_sql[] = "SELECT set_config('synchronous_commit', 'on', false)"
                                  " WHERE current_setting('synchronous_commit') IN ('off', 'local');"
                                  "SET statement_timeout = '60s';"
                                  "SET lock_timeout = '5s';"
                                  "SET idle_in_transaction_session_timeout = '60s';"
                                  "SET bytea_output = 'hex';"
                                  "SET standard_conforming_strings = on;"
                                  "SET client_min_messages = warning;";

static void keep_quiet(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r;
}

/* ---- connecting ------------------------------------------------------------------- */

void postgres_disconnect(struct postgres_body *s)
{
    PQfinish(s->conn);
    s->conn = NULL;
    s->spent = false;
    s->queued = 0;
    s->queued_bytes = 0;
}

/* The words that stand before the URL can be overridden by it, those after it can not. */
static PGconn *dial(const struct postgres_body *s)
{
    const struct {
        const char *word, *value;
    } settings[] = {
        { "connect_timeout", "2" },
        { "keepalives_idle", "10" },
        { "keepalives_interval", "3" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "15000" },
        { "target_session_attrs", s->read_only ? "any" : "read-write" },
        { "fallback_application_name", "hvhub" },
        { "dbname", s->url },
        { "client_encoding", "UTF8" },
    };
    enum { COUNT = sizeof settings / sizeof settings[0] };
    const char *words[COUNT + 1] = { NULL }, *values[COUNT + 1] = { NULL };

    for (int i = 0; i < COUNT; i++) {
        words[i] = settings[i].word;
        values[i] = settings[i].value;
    }
    return PQconnectdbParams(words, values, 1);
}

static int connect_failed(struct postgres_body *s, struct err *e)
{
    char why[ERR_TEXT_MAX / 2];

    postgres_message(PQerrorMessage(s->conn), why, sizeof why);
    postgres_disconnect(s);
    return err_set(e, ERR_IO, "%s: cannot connect: %s", s->name, why);
}

static int check_encoding(struct postgres_body *s, struct err *e)
{
    const char *encoding = PQparameterStatus(s->conn, "server_encoding");

    if (encoding != NULL && strcmp(encoding, "UTF8") == 0)
        return 0;
    return err_set(e, ERR_INVALID, "%s: the database's encoding is %s; make one with ENCODING 'UTF8'", s->name,
                   encoding != NULL ? encoding : "unknown");
}

int postgres_connect(struct postgres_body *s, struct err *e)
{
    int rc;

    assert(s->conn == NULL && s->queued == 0);
    s->conn = dial(s);
    if (s->conn == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    if (PQstatus(s->conn) != CONNECTION_OK)
        return connect_failed(s, e);
    PQsetNoticeReceiver(s->conn, keep_quiet, NULL);
    rc = PQsetnonblocking(s->conn, 1) == 0 ? check_encoding(s, e) : connect_failed(s, e);
    if (rc == 0)
        rc = postgres_text(s, session_sql, NULL, e);
    if (rc == 0)
        rc = postgres_text(s, s->read_only ? TIMEOUT_READING : TIMEOUT_WRITING, NULL, e);
    if (rc != 0)
        postgres_disconnect(s);
    return rc;
}

/* All statements in one round trip. */
static int prepare_all(struct postgres_body *s, struct err *e)
{
    char name[16];

    if (PQenterPipelineMode(s->conn) != 1)
        return err_set(e, ERR_STATE, "%s: the connection is busy", s->name);
    for (int i = 0; i < PG_SQL_COUNT; i++) {
        assert(postgres_texts[i] != NULL);
        snprintf(name, sizeof name, "hv%d", i);
        if (PQsendPrepare(s->conn, name, postgres_texts[i], 0, NULL) != 1)
            return connect_failed(s, e);
        s->queued++;
    }
    return postgres_settle(s, e);
}

/* A connection on which everything is ready. */
static int make_ready(struct postgres_body *s, struct err *e)
{
    int rc = postgres_connect(s, e);

    if (rc == 0)
        rc = postgres_schema(s, e);
    if (rc == 0)
        rc = prepare_all(s, e);
    if (rc != 0)
        postgres_disconnect(s);
    s->connections += rc == 0;
    return rc;
}

static void put_off(struct postgres_body *s, const struct err *why)
{
    s->pause_ns = s->pause_ns == 0 ? RECONNECT_MIN_NS : s->pause_ns * 2;
    if (s->pause_ns > RECONNECT_MAX_NS)
        s->pause_ns = RECONNECT_MAX_NS;
    s->next_try = s->clock->monotonic_ns(s->clock) + s->pause_ns;
    text_copy(s->problem, sizeof s->problem, why->text);
}

/* Is it worth waiting?  Not for a database that answers and is the wrong one.  But a hub's reader may have come to a
 * standby that has not yet got the tables which the hub's writer has just made, or will make. */
static bool may_come(const struct postgres_body *s, int rc)
{
    return rc == ERR_IO || rc == ERR_BUSY || rc == ERR_TIMEOUT || (s->read_only && rc == ERR_NOT_FOUND);
}

static int first_connection(struct postgres_body *s, bool patient, struct err *e)
{
    struct err why = { 0 };
    int rc = make_ready(s, &why);

    if (rc != 0 && patient && may_come(s, rc)) {
        put_off(s, &why);
        return 0;
    }
    return rc != 0 ? err_set(e, why.code, "%s", why.text) : 0;
}

int fleet_postgres_open(struct fleet_body **out, const struct fleet_store_options *o, struct err *e)
{
    struct postgres_body *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base.ops = &postgres_ops;
    s->read_only = o->read_only;
    s->clock = plat_clock();
    s->answer_max_ns = s->read_only ? ANSWER_READING : ANSWER_WRITING;
    buf_init(&s->scratch, PG_STATE_BYTES_MAX);
    store_path_name(o->path, s->name, sizeof s->name);
    s->url = strdup(o->path);
    rc = s->url != NULL ? fleet_postgres_check(o->path, e) : err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = first_connection(s, o->patient, e);
    if (rc != 0) {
        postgres_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return 0;
}

int fleet_postgres_check(const char *url, struct err *e)
{
    PQconninfoOption *options;
    int rc = store_path_check(url, e);

    if (rc != 0)
        return rc;
    options = PQconninfoParse(url, NULL); /* its message would show the URL */
    if (options == NULL)
        return err_set(e, ERR_INVALID,
                       "store.path is no URL that libpq understands; write postgresql://user@host/database?sslmode="
                       "verify-full, with the password in a password file");
    PQconninfoFree(options);
    return 0;
}

void postgres_close(struct fleet_body *b)
{
    struct postgres_body *s = postgres_body_of(b);

    postgres_disconnect(s);
    buf_free(&s->scratch);
    if (s->url != NULL)
        explicit_bzero(s->url, strlen(s->url));
    free(s->url);
    free(s);
}

/* ---- transactions ---------------------------------------------------------------------- */

/* Has the server hung up since the last transaction?  Asks the socket alone, no round trip. */
static bool hung_up(struct postgres_body *s)
{
    struct pollfd p = { .fd = PQsocket(s->conn), .events = POLLIN };

    if (PQstatus(s->conn) != CONNECTION_OK || PQtransactionStatus(s->conn) != PQTRANS_IDLE)
        return true;
    if (poll(&p, 1, 0) <= 0)
        return false;
    return PQconsumeInput(s->conn) != 1 || PQstatus(s->conn) != CONNECTION_OK;
}

static int reconnect(struct postgres_body *s, struct err *e)
{
    int64_t now = s->clock->monotonic_ns(s->clock);
    struct err why = { 0 };
    int rc;

    if (now < s->next_try)
        return err_set(e, ERR_IO, "%s", s->problem);
    rc = make_ready(s, &why);
    if (rc != 0) {
        put_off(s, &why);
        /* the database may have changed under us: not the fault of the records that wait */
        return err_set(e, rc == ERR_INVALID || rc == ERR_NOT_FOUND || rc == ERR_TOO_BIG ? ERR_IO : why.code, "%s",
                       why.text);
    }
    s->next_try = 0;
    s->pause_ns = 0;
    log_event(LOG_INFO, "store.connected", LOG_S("database", s->name));
    return 0;
}

int postgres_begin(struct fleet_body *b, bool writing, struct err *e)
{
    struct postgres_body *s = postgres_body_of(b);
    int rc = 0;

    s->again = false;
    assert(s->queued == 0);
    assert(!writing || !s->read_only);
    if (s->conn != NULL && hung_up(s))
        postgres_disconnect(s);
    if (s->conn == NULL)
        rc = reconnect(s, e);
    if (rc != 0)
        return rc;
    if (PQsendQueryParams(s->conn,
                          writing ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"
                                  : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                          0, NULL, NULL, NULL, NULL, 1) != 1)
        return connect_failed(s, e);
    s->queued++;
    return 0;
}

int postgres_commit(struct fleet_body *b, struct err *e)
{
    struct postgres_body *s = postgres_body_of(b);
    int rc;

    if (s->conn == NULL || PQsendQueryParams(s->conn, "COMMIT", 0, NULL, NULL, NULL, NULL, 1) != 1)
        return err_set(e, ERR_IO, "%s: the connection is gone", s->name);
    s->queued++;
    rc = postgres_settle(s, e);
    assert(rc != 0 || PQtransactionStatus(s->conn) == PQTRANS_IDLE);
    return rc;
}

void postgres_rollback(struct fleet_body *b)
{
    struct postgres_body *s = postgres_body_of(b);
    bool again = s->again;

    if (s->conn != NULL && s->queued > 0)
        (void)!postgres_settle(s, NULL);
    if (s->conn != NULL && PQtransactionStatus(s->conn) != PQTRANS_IDLE) {
        if (PQsendQueryParams(s->conn, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) == 1)
            s->queued++;
        if (postgres_settle(s, NULL) != 0 && s->conn != NULL)
            postgres_disconnect(s);
    }
    if (s->spent)
        postgres_disconnect(s);
    s->again = again;
}

bool postgres_again(struct fleet_body *b)
{
    return postgres_body_of(b)->again;
}
