/* The PostgreSQL body's tables and their migrations.
 *
 * hvfleet_schema holds one row, the version.  A migration is one SQL text that
 * brings the tables from version i to i + 1; all that are needed run in one
 * transaction under an advisory lock of the database, so that of hubs that
 * start together one migrates and the others find it done.
 *
 * The tables are those of the SQLite body (fleet_sqlite.c says what each holds),
 * and besides:
 *
 *   agent        one row an agent id, written first by every transaction that takes
 *                its records: where hubs meet (fleet_postgres.c)
 *   daily.slot   a hub adds to a row of its own; readers sum over the slots
 *
 * Keys: stream and agent by agent_id; hole and observation by stream, which is
 * one agent on one host; guest and guest_change by vm_id; host and finding by
 * host_id; peer, rejudge, daily and probe are small and shared.  So every primary
 * key begins with or holds the column by which the table can be spread
 * (docs/postgresql.md).
 */
#include "base/times.h"
#include "hub/fleet_postgres.h"

#include <stdio.h>

#define MIGRATION_MAX_NS (3600 * NS_PER_S)

#define KEY "text COLLATE \"C\" NOT NULL"
#define NUM "bigint NOT NULL"

/* The transaction that wrote the row last (fleet_postgres_read.c). */
#define WRITER ", writer bigint NOT NULL DEFAULT txid_current()"

/* "hvfl": the advisory lock of migrations. */
#define LOCK_SQL "SELECT pg_advisory_xact_lock(1752589932)"

/* What the state holds too, as columns for the views. */
#define TEXT "text COLLATE \"C\" NOT NULL DEFAULT ''"
#define HOST_FACTS                                                          \
    ", is_version " TEXT ", is_version_win5x " TEXT ", agent_version " TEXT \
    ", boot_time bigint NOT NULL DEFAULT 0, last_poll bigint NOT NULL DEFAULT 0"
#define GUEST_FACTS                                                                                  \
    ", guest_version " TEXT ", expected_version " TEXT ", guest_os " TEXT ", guest_os_version " TEXT \
    ", guest_family " TEXT ", fqdn " TEXT ", power " TEXT ", last_crash bigint NOT NULL DEFAULT 0"   \
    ", last_crash_code " TEXT

/* Which streams a credential began (fleet_batch.credential). */
#define CLAIM_TABLE                                                         \
    "CREATE TABLE claim(credential " KEY ", agent_id " KEY ", host_id " KEY \
    ", PRIMARY KEY(credential, agent_id, host_id));"

#define FORWARD_TABLES                                                                                    \
    "CREATE TABLE forward_target(name " KEY " PRIMARY KEY, owner " KEY ", lease_until " NUM ", sent " NUM \
    ", refused " NUM ", lost " NUM ", last_sent " NUM ") WITH (fillfactor = 70);"                         \
    "CREATE TABLE forward_mark(target " KEY ", stream " NUM ", arrival " NUM                              \
    ", PRIMARY KEY(target, stream)) WITH (fillfactor = 70);"                                              \
    "CREATE TABLE forward_refused(target " KEY ", stream " NUM ", seq " NUM ", time " NUM ", reason " KEY \
    ", PRIMARY KEY(target, stream, seq));"

/* Incidents: what they are made of, what is to be computed anew, they themselves (fleet_incident_rows.h).  Roles and
 * scopes are numbers of enums there. */
#define INCIDENT_TABLES                                                                                          \
    "CREATE TABLE circumstance(stream " NUM ", seq " NUM ", role " NUM ","                                       \
    " received " NUM ", time " NUM ", reach_from " NUM ", reach_to " NUM ","                                     \
    " vm_id " KEY ", vm_name " KEY ", code " KEY ", what " KEY ", agent_id " KEY ","                             \
    " host_id " KEY ", host_name " KEY ", cluster " KEY ", os_version " KEY ","                                  \
    " is_version " KEY ", payload bytea NOT NULL, PRIMARY KEY(stream, seq));"                                    \
    "CREATE INDEX circumstance_vm ON circumstance(vm_id, time) WHERE vm_id <> '';"                               \
    "CREATE INDEX circumstance_what ON circumstance(vm_id, what, time) WHERE what <> '';"                        \
    "CREATE INDEX circumstance_name ON circumstance(lower(vm_name), time) WHERE vm_name <> '' AND vm_id <> '';"  \
    "CREATE INDEX circumstance_sign ON circumstance(role, code, time) WHERE role = 1;"                           \
    "CREATE INDEX circumstance_stray ON circumstance(role, time) WHERE role = 2;"                                \
    "CREATE INDEX circumstance_host_sign ON circumstance(host_id, time) WHERE role IN (1, 2);"                   \
    "CREATE INDEX circumstance_host ON circumstance(host_id, reach_to) WHERE role IN (3, 4);"                    \
    "CREATE INDEX circumstance_cluster ON circumstance(cluster, reach_to) WHERE role = 4;"                       \
    "CREATE INDEX circumstance_gap ON circumstance(host_id, reach_to) WHERE role = 5;"                           \
    "CREATE INDEX circumstance_received ON circumstance(received);"                                              \
    "CREATE INDEX circumstance_trouble ON circumstance(received) WHERE role IN (3, 4, 5);"                       \
    "CREATE TABLE incident_todo(id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, sign " NUM      \
    ", scope " NUM ","                                                                                           \
    " key " KEY ", from_time " NUM ", to_time " NUM ", due " NUM ");"                                            \
    "CREATE INDEX todo_due ON incident_todo(due, id);"                                                           \
    "CREATE INDEX todo_alike ON incident_todo(scope, key, sign);"                                                \
    "CREATE TABLE incident(id " KEY " PRIMARY KEY, vm_id " KEY ", vm_name " KEY ", host_id " KEY ","             \
    " host_name " KEY ", cluster " KEY ", time " NUM ", kind " KEY ", code " KEY ","                             \
    " module " KEY ", drift_state " KEY ", origin " KEY ", finding " KEY ","                                     \
    " headline " KEY ", first_seen " NUM ", updated " NUM ","                                                    \
    " json bytea NOT NULL, confidence " KEY ");"                                                                 \
    "CREATE INDEX incident_kind ON incident(kind, confidence);"                                                  \
    "CREATE INDEX incident_time ON incident(time, id);"                                                          \
    "CREATE INDEX incident_seen ON incident(first_seen, id);"                                                    \
    "CREATE INDEX incident_vm ON incident(vm_id, time, id);"                                                     \
    "CREATE INDEX incident_host ON incident(host_id, time);"                                                     \
    "CREATE INDEX incident_cluster ON incident(cluster, time);"                                                  \
    "CREATE INDEX incident_module ON incident(module, time) WHERE module <> '';"                                 \
    "CREATE TABLE incident_alias(alias " KEY " PRIMARY KEY, id " KEY ", time " NUM ");"                          \
    "CREATE TABLE incident_review(id " NUM " PRIMARY KEY, digest " NUM ", pending " NUM ", before_time " NUM "," \
    " before_id " KEY ");"                                                                                       \
    "CREATE INDEX alias_id ON incident_alias(id);"                                                               \
    "CREATE INDEX alias_time ON incident_alias(time);"                                                           \
    "CREATE TABLE incident_turn(id " NUM " PRIMARY KEY, turn " NUM ");"                                          \
    "INSERT INTO incident_turn(id, turn) VALUES(1, 0);"

/* For people's own tools; docs/sql-views.md is their contract. */
#define WHEN(column) "to_timestamp(nullif(" column ", 0) / 1000000 / 1000.0)"
#define DATE(column) "(date '1970-01-01' + (" column ")::int)"
/* clang-format off */
#define VIEWS \
    "CREATE VIEW v_drift AS SELECT g.vm_id, g.name AS vm_name, nullif(g.fqdn, '') AS fqdn, " \
    "nullif(g.host_id, '') AS host_id, nullif(h.name, '') AS host, nullif(g.cluster, '') AS cluster, " \
    "g.drift_state AS state, g.drift_row AS rule_row, nullif(g.guest_version, '') AS guest_version, " \
    "nullif(g.expected_version, '') AS expected_version, nullif(g.guest_os, '') AS guest_os, " \
    "nullif(g.guest_os_version, '') AS guest_os_version, g.guest_family, g.power, " \
    WHEN("g.drift_since") " AS since, " WHEN("greatest(g.last_seen, coalesce(h.last_poll, 0))") " AS " \
    "last_seen, " WHEN("g.last_crash") " AS last_crash, nullif(g.last_crash_code, '') AS last_crash_code " \
    "FROM guest g LEFT JOIN host h ON h.host_id = g.host_id WHERE g.removed_time = 0;" \
    "CREATE VIEW v_hosts AS SELECT h.host_id, h.name AS host, nullif(h.cluster, '') AS cluster, " \
    "nullif(h.os_version, '') AS os_version, nullif(h.is_version, '') AS is_version, " \
    "nullif(h.is_version_win5x, '') AS is_version_win5x, nullif(h.agent_version, '') AS " \
    "agent_version, " WHEN("h.boot_time") " AS boot_time, " WHEN("h.last_seen") " AS last_seen, " \
    WHEN("s.last_heard") " AS last_heard, " WHEN("h.last_poll") " AS last_poll, coalesce(g.guests, 0) AS " \
    "guests FROM host h LEFT JOIN (SELECT host_id, max(last_seen) AS last_heard FROM stream GROUP BY " \
    "host_id) s ON s.host_id = h.host_id LEFT JOIN (SELECT host_id, count(*) AS guests FROM guest " \
    "WHERE removed_time = 0 GROUP BY host_id) g ON g.host_id = h.host_id;" \
    "CREATE VIEW v_daily AS SELECT " DATE("day") " AS day, " DATE("lead(day) OVER w - 1") " AS until, " \
    "nullif(cluster, '') AS cluster, state, (sum(delta) OVER w)::bigint AS guests FROM (SELECT " \
    "cluster, day, state, sum(delta) AS delta FROM daily GROUP BY cluster, day, state) d WINDOW w AS " \
    "(PARTITION BY cluster, state ORDER BY day);" \
    "CREATE VIEW v_changes AS SELECT c.vm_id, nullif(g.name, '') AS vm_name, c.kind, " WHEN("c.time") " " \
    "AS time, " WHEN("c.received") " AS received, nullif(c.host_id, '') AS host_id, nullif(c.cluster, '') " \
    "AS cluster, nullif(c.from_value, '') AS from_value, nullif(c.to_value, '') AS to_value, " \
    "c.evidence FROM guest_change c LEFT JOIN guest g ON g.vm_id = c.vm_id;"
/* clang-format on */
/* Deliveries (fleet_delivery.h): one lease of all, the others by delivery. */
#define DELIVERY_TABLES                                                                                  \
    "CREATE TABLE delivery_lease(id bigint NOT NULL PRIMARY KEY, owner " KEY ", beat " NUM ");"          \
    "CREATE TABLE delivery(name " KEY " PRIMARY KEY, schedule " KEY ", planned " NUM ", found " NUM ","  \
    " cursor " NUM ", job " KEY ", job_kind " NUM ", job_slot " NUM ", job_made " NUM ", tries " NUM "," \
    " next_try " NUM ", last_sent " NUM ", last_error " KEY ", fingerprint " KEY ", incidents " NUM ");" \
    "CREATE TABLE delivery_found(delivery " KEY ", event " KEY ", subject " KEY ", instance " NUM ","    \
    " status " NUM ", host_id " KEY ", text " KEY ", PRIMARY KEY(delivery, event, subject));"

#define INCIDENT_VIEWS                                                                                       \
    "CREATE VIEW v_incidents AS SELECT id, nullif(vm_id, '') AS vm_id, nullif(vm_name, '') AS vm_name,"      \
    " nullif(host_id, '') AS host_id, nullif(host_name, '') AS host, nullif(cluster, '') AS cluster, " WHEN( \
        "time") " AS time,"                                                                                  \
                " kind, nullif(code, '') AS code, nullif(module, '') AS module, nullif(drift_state, '') AS " \
                "drift_state, origin,"                                                                       \
                " nullif(finding, '') AS finding, nullif(confidence, '') AS confidence, headline, " WHEN(    \
                    "first_seen") " AS first_seen, " WHEN("updated") " AS updated"                           \
                                                                     " FROM incident;"

/* Identities (fleet_identity.h). */
#define IDENTITY_TABLES                                                                                               \
    "CREATE TABLE enroll_token(id " KEY " PRIMARY KEY, digest " KEY ", cluster " KEY ", uses " NUM ","                \
    " uses_left " NUM ", created " NUM ", expires " NUM ", revoked " NUM ");"                                         \
    "CREATE TABLE issued(serial " KEY " PRIMARY KEY, agent_id " KEY ", host_id " KEY ", public_key " KEY ","          \
    " token_id " KEY ", renewed_from " KEY ", issued " NUM ", expires " NUM ", revoked " NUM ", first_used " NUM ");" \
    "CREATE INDEX issued_host ON issued(host_id);"                                                                    \
    "CREATE INDEX issued_key ON issued(token_id, public_key);"                                                        \
    "CREATE INDEX issued_renewal ON issued(renewed_from);"                                                            \
    "CREATE TABLE bound_agent(agent_id " KEY " PRIMARY KEY, host_id " KEY ", holder " KEY ", public_key " KEY         \
    ", since " NUM ");"                                                                                               \
    "CREATE INDEX bound_host ON bound_agent(host_id);"                                                                \
    "CREATE TABLE banned_host(host_id " KEY " PRIMARY KEY, since " NUM ");"                                           \
    "CREATE TABLE identity_event(id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, time " NUM ","      \
    " what " KEY ", token_id " KEY ", address " KEY ", agent_id " KEY ", host_id " KEY ", serial " KEY ","            \
    " text " KEY ");"

static const char *const migrations[] = {
    /* 0 -> 1 */
    "CREATE TABLE agent(agent_id " KEY " PRIMARY KEY, turn " NUM ") WITH (fillfactor = 70);"
    "CREATE TABLE stream(id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY, agent_id " KEY ", host_id " KEY ","
    " high_mark " NUM ", missing " NUM ", lost " NUM ", records " NUM ", first_seen " NUM ", last_seen " NUM ","
    " delay bigint NOT NULL DEFAULT 0, delay_since bigint NOT NULL DEFAULT 0,"
    " PRIMARY KEY(agent_id, host_id)) WITH (fillfactor = 70);"
    "CREATE INDEX stream_id ON stream(id);"
    "CREATE INDEX stream_host ON stream(host_id);"
    "CREATE TABLE hole(stream " NUM ", first " NUM ", last " NUM ", PRIMARY KEY(stream, first));"
    "CREATE TABLE observation(stream " NUM ", seq " NUM ", received " NUM ", time " NUM ", kind " KEY ","
    " severity " NUM ", vm_id text COLLATE \"C\", payload bytea NOT NULL, arrival " NUM ", PRIMARY KEY(stream, seq));"
    "CREATE UNIQUE INDEX observation_arrival ON observation(stream, arrival);"
    "CREATE INDEX observation_guest ON observation(vm_id, time) WHERE vm_id IS NOT NULL;"
    "CREATE INDEX observation_received ON observation(received);"
    "CREATE TABLE foreign_record(id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, received " NUM ","
    " time " NUM ", service " KEY ", payload bytea NOT NULL);"
    "CREATE TABLE host(host_id " KEY " PRIMARY KEY, cluster " KEY ", name " KEY ", os_version " KEY ","
    " last_seen " NUM ", state bytea NOT NULL" HOST_FACTS WRITER ") WITH (fillfactor = 70);"
    "CREATE INDEX host_agent ON host(agent_version);"
    "CREATE INDEX host_writer ON host(writer);"
    "CREATE INDEX host_cluster ON host(lower(cluster));"
    "CREATE TABLE guest(vm_id " KEY " PRIMARY KEY, host_id " KEY ", name " KEY ", build " KEY ", drift_state " KEY ","
    " drift_row " NUM ", drift_since " NUM ", last_seen " NUM ", removed_time " NUM ", state bytea NOT NULL,"
    " cluster " TEXT GUEST_FACTS WRITER ") WITH (fillfactor = 70);"
    "CREATE INDEX guest_writer ON guest(writer);"
    "CREATE INDEX guest_host ON guest(host_id, vm_id);"
    "CREATE INDEX guest_build ON guest(build, vm_id);"
    "CREATE INDEX guest_state ON guest(drift_state, vm_id);"
    "CREATE INDEX guest_removed ON guest(removed_time) WHERE removed_time > 0;"
    "CREATE TABLE peer(build " KEY " PRIMARY KEY, highest " KEY ");"
    "CREATE TABLE rejudge(build " KEY " PRIMARY KEY, after " KEY ");"
    "CREATE TABLE finding(kind " KEY ", host_id " KEY ", agent_id " KEY ", first_time " NUM ", last_time " NUM ","
    " text " KEY ", PRIMARY KEY(host_id, kind, agent_id));"
    "CREATE TABLE guest_change(vm_id " KEY ", received " NUM ", kind " KEY ", time " NUM ", host_id " KEY ","
    " cluster " KEY ", from_value " KEY ", to_value " KEY ", evidence " KEY ","
    " PRIMARY KEY(vm_id, received, kind, time));"
    "CREATE INDEX change_received ON guest_change(received);"
    "CREATE INDEX change_move ON guest_change(received) WHERE kind = 'host';"
    "CREATE TABLE daily(cluster " KEY ", day " NUM ", state " KEY ", slot bigint NOT NULL DEFAULT 0, delta " NUM ","
    " PRIMARY KEY(cluster, day, state, slot));"
    "CREATE INDEX daily_day ON daily(day);"
    "CREATE TABLE probe(id bigint NOT NULL PRIMARY KEY, time " NUM
    ");" FORWARD_TABLES DELIVERY_TABLES CLAIM_TABLE IDENTITY_TABLES VIEWS INCIDENT_TABLES INCIDENT_VIEWS,
};

enum { SCHEMA_VERSION = sizeof migrations / sizeof migrations[0] };

/* The first column of the first row, a number as text. */
static int ask_number(struct postgres_body *s, const char *sql, int *out, struct err *e)
{
    PGresult *r = NULL;
    int rc = postgres_text(s, sql, &r, e);

    if (rc == 0 && (PQntuples(r) != 1 || sscanf(PQgetvalue(r, 0, 0), "%9d", out) != 1))
        rc = err_set(e, ERR_CORRUPT, "%s: hvfleet_schema does not hold one version", s->name);
    PQclear(r);
    return rc;
}

/* 0 when there are no tables yet.  Looks into pg_class itself: to_regclass() may answer from a cache that is older
 * than the lock. */
static int read_version(struct postgres_body *s, int *version, struct err *e)
{
    static const char looking[] =
        "SELECT count(*) FROM pg_class WHERE relname = 'hvfleet_schema' AND pg_table_is_visible(oid)";
    int there;
    int rc = ask_number(s, looking, &there, e);

    *version = 0;
    return rc != 0 || there == 0 ? rc : ask_number(s, "SELECT version FROM hvfleet_schema", version, e);
}

static int migrate_locked(struct postgres_body *s, struct err *e)
{
    char sql[96];
    int version;
    int rc = read_version(s, &version, e); /* another hub may have been faster */

    if (rc != 0 || version >= SCHEMA_VERSION)
        return rc;
    if (version == 0)
        rc = postgres_text(
            s, "CREATE TABLE hvfleet_schema(version bigint NOT NULL); INSERT INTO hvfleet_schema VALUES(0)", NULL, e);
    for (int v = version; rc == 0 && v < SCHEMA_VERSION; v++)
        rc = postgres_text(s, migrations[v], NULL, e);
    snprintf(sql, sizeof sql, "UPDATE hvfleet_schema SET version = %d", SCHEMA_VERSION);
    return rc != 0 ? rc : postgres_text(s, sql, NULL, e);
}

/* A migration of a large fleet may take long, and waiting for another hub's too. */
static int migrate(struct postgres_body *s, struct err *e)
{
    int64_t usual = s->answer_max_ns;
    int rc;

    s->answer_max_ns = MIGRATION_MAX_NS;
    rc = postgres_text(s,
                       "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0;"
                       "SET LOCAL statement_timeout = 0; " LOCK_SQL,
                       NULL, e);
    if (rc == 0)
        rc = migrate_locked(s, e);
    if (rc == 0)
        rc = postgres_text(s, "COMMIT", NULL, e);
    else if (s->conn != NULL)
        (void)!postgres_text(s, "ROLLBACK", NULL, NULL);
    s->answer_max_ns = usual;
    return rc;
}

int postgres_schema(struct postgres_body *s, struct err *e)
{
    int version;
    int rc = read_version(s, &version, e);

    if (rc != 0 || version == SCHEMA_VERSION)
        return rc;
    if (version > SCHEMA_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: made by a newer hvhub (schema %d, this program knows %d): install that version", s->name,
                       version, SCHEMA_VERSION);
    if (s->read_only)
        return err_set(e, ERR_NOT_FOUND, "%s: no fleet store of this version there: has `hvhub serve` run?", s->name);
    return migrate(s, e);
}
