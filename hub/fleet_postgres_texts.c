/* The PostgreSQL body's statements, one table.
 *
 * All numbers are bigint and travel as eight bytes; keys are text COLLATE "C", so
 * that they sort and compare as bytes, as in the SQLite body.
 *
 * pg_backend_pid() % 256 gives each hub a row of its own in tables that all
 * write to (daily, probe): two hubs that share a number now and then only
 * wait for each other.  Hubs that do the same upkeep at once meet like any
 * other two transactions: one of them does its part again. */
#include "hub/fleet_postgres.h"

#define STREAM_COLUMNS \
    "id, agent_id, host_id, high_mark, missing, lost, records, first_seen, last_seen, delay, delay_since"
#define CHANGE_COLUMNS "vm_id, received, kind, time, host_id, cluster, from_value, to_value, evidence"
#define DELIVERY_COLUMNS                                                                                      \
    "name, schedule, planned, found, cursor, job, job_kind, job_slot, job_made, tries, next_try, last_sent, " \
    "last_error, fingerprint, incidents"
#define SLOT "(pg_backend_pid() % 256)"
#define CIRCUMSTANCE_COLUMNS                                                                         \
    "stream, seq, role, received, time, reach_from, reach_to, vm_id, vm_name, code, what, agent_id," \
    " host_id, host_name, cluster, os_version, is_version, payload"
#define INCIDENT_COLUMNS                                                                              \
    "id, vm_id, vm_name, host_id, host_name, cluster, time, kind, code, module, drift_state, origin," \
    " finding, headline, first_seen, updated, json, confidence"
/* Parameters: 1 guest, 2 host, 3 cluster, 4 kind, 5 since, 6 until, 7 limit (-1 none). */
#define WHERE_ANY   "$1::text IS NULL"
#define WHERE_GUEST "vm_id = $1"
#define READ_CHANGES(who, order)                                                                    \
    "SELECT " CHANGE_COLUMNS " FROM guest_change WHERE " who                                        \
    " AND received >= $5 AND received < $6 AND ($2::text IS NULL OR host_id = $2)"                  \
    " AND ($3::text IS NULL OR lower(cluster) = lower($3::text COLLATE \"C\"))"                     \
    " AND ($4::text IS NULL OR kind = $4) ORDER BY received " order ", time " order ", vm_id, kind" \
    " LIMIT nullif($7::bigint, -1)"
/* Parameters: 1 cluster, 2 host; NULL any. */
#define HOST_IN_SCOPE                                                        \
    "($1::text IS NULL OR lower(h.cluster) = lower($1::text COLLATE \"C\"))" \
    " AND ($2::text IS NULL OR h.host_id = $2)"
#define PRUNE_CHANGES(which)                                                                   \
    "DELETE FROM guest_change WHERE (vm_id, received, kind, time) IN"                          \
    " (SELECT vm_id, received, kind, time FROM guest_change WHERE " which " AND received < $1" \
    " ORDER BY received LIMIT $2)"

/* Streams that have more than a target's mark; BEHIND_STREAMS: those of the target that is parameter 1. */
#define BEHIND_OF(target)                                                                              \
    "stream s LEFT JOIN forward_mark m ON m.target = " target " AND m.stream = s.id WHERE s.records >" \
    " coalesce(m.arrival, 0)"
#define BEHIND_STREAMS BEHIND_OF("$1")
/* By the server's clock, which all hubs share. */
#define SERVER_NS "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"

const char *const postgres_texts[PG_SQL_COUNT] = {
    [PG_STREAM_LOCK] = "INSERT INTO agent(agent_id, turn) VALUES($1, 1)"
                       " ON CONFLICT(agent_id) DO UPDATE SET turn = agent.turn + 1",
    [PG_STREAM_GET] = "SELECT " STREAM_COLUMNS " FROM stream WHERE agent_id = $1 AND host_id = $2",
    [PG_STREAM_OTHER] = "SELECT " STREAM_COLUMNS " FROM stream WHERE agent_id = $1 AND host_id <> $2"
                        " ORDER BY last_seen DESC, high_mark DESC LIMIT 1",
    [PG_STREAM_INSERT] = "INSERT INTO stream(agent_id, host_id, high_mark, missing, lost, records, first_seen,"
                         " last_seen, delay, delay_since) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                         " RETURNING id",
    [PG_STREAM_UPDATE] = "UPDATE stream SET high_mark = $3, missing = $4, lost = $5, records = $6, first_seen = $7,"
                         " last_seen = $8, delay = $9, delay_since = $10 WHERE agent_id = $1 AND host_id = $2",
    [PG_CLAIM_COUNT] = "SELECT count(*) FROM claim WHERE credential = $1",
    [PG_CLAIM_PUT] = "INSERT INTO claim(credential, agent_id, host_id) VALUES($1, $2, $3) ON CONFLICT DO NOTHING",
    [PG_PERSON_GET] = "SELECT name, role, hash, created, clusters FROM person WHERE name = $1",
    [PG_PERSON_PUT] = "INSERT INTO person(name, role, hash, created, clusters) VALUES($1, $2, $3, $4, $5)"
                      " ON CONFLICT(name) DO UPDATE SET role = $2, hash = $3, clusters = $5",
    [PG_PERSON_HASH] = "UPDATE person SET hash = $2 WHERE name = $1",
    [PG_PERSON_LIMITS] = "UPDATE person SET role = $2, clusters = $3 WHERE name = $1",
    [PG_PERSON_DROP] = "DELETE FROM person WHERE name = $1",
    [PG_PERSON_EACH] = "SELECT name, role, hash, created, clusters FROM person ORDER BY name",
    [PG_TICKET_GET] = "SELECT digest, kind, person, created, seen, ends FROM ticket WHERE digest = $1 AND ends > $2",
    [PG_TICKET_PUT] = "INSERT INTO ticket(digest, kind, person, created, seen, ends) VALUES($1, $2, $3, $4, $5, $6) ON "
                      "CONFLICT(digest) DO UPDATE SET seen = $5, ends = $6",
    [PG_TICKET_SEEN] = "UPDATE ticket SET seen = $2, ends = $3 WHERE digest = $1",
    [PG_TICKET_DROP] = "DELETE FROM ticket WHERE digest = $1",
    [PG_TICKETS_DROP] = "DELETE FROM ticket WHERE person = $1",
    [PG_TICKETS_PRUNE] = "DELETE FROM ticket WHERE ends <= $1",
    [PG_AUDIT_PUT] = "INSERT INTO audit(time, who, address, what, text) VALUES($1, $2, $3, $4, $5)",
    [PG_AUDIT_TRIM] = "DELETE FROM audit WHERE what = $1 AND id <= (SELECT id FROM audit WHERE what = $1"
                      " ORDER BY id DESC LIMIT 1 OFFSET $2)",
    [PG_AUDIT_EACH] = "SELECT time, who, address, what, text FROM audit WHERE time >= $1 ORDER BY id DESC LIMIT $2",
    [PG_HOLE_FIND] = "SELECT first, last FROM hole WHERE stream = $1 AND first <= $3 AND last >= $2"
                     " ORDER BY first LIMIT 1",
    [PG_HOLE_PUT] = "INSERT INTO hole(stream, first, last) VALUES($1, $2, $3)",
    [PG_HOLE_DROP] = "DELETE FROM hole WHERE stream = $1 AND first = $2",
    [PG_HOLE_COUNT] = "SELECT count(*) FROM hole WHERE stream = $1",
    [PG_RECORD_PUT] = "INSERT INTO observation(stream, seq, received, time, kind, severity, vm_id, payload, arrival)"
                      " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    [PG_RECORD_ELSEWHERE] = "SELECT 1 FROM observation WHERE stream IN"
                            " (SELECT id FROM stream WHERE agent_id = $1 AND id <> $2)"
                            " AND seq = $3 AND payload = $4 LIMIT 1",
    [PG_FOREIGN_PUT] = "INSERT INTO foreign_record(received, time, service, payload) VALUES($1, $2, $3, $4)",
    [PG_FOREIGN_TRIM] = "DELETE FROM foreign_record WHERE id IN (SELECT id FROM foreign_record WHERE id <="
                        " currval(pg_get_serial_sequence('foreign_record', 'id')) - $1"
                        " ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    [PG_HOST_GET] = "SELECT state FROM host WHERE host_id = $1",
    [PG_HOST_PUT] =
        "INSERT INTO host(host_id, cluster, name, os_version, last_seen, state, is_version, is_version_win5x,"
        " agent_version, boot_time, last_poll) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT(host_id) DO UPDATE SET cluster = $2, name = $3, os_version = $4, last_seen = $5,"
        " state = $6, is_version = $7, is_version_win5x = $8, agent_version = $9, boot_time = $10,"
        " last_poll = $11, writer = DEFAULT",
    [PG_GUEST_GET] = "SELECT state FROM guest WHERE vm_id = $1",
    [PG_GUEST_PUT] =
        "INSERT INTO guest(vm_id, host_id, name, build, drift_state, drift_row, drift_since, last_seen, removed_time,"
        " state, cluster, guest_version, expected_version, guest_os, guest_os_version, guest_family, fqdn, power,"
        " last_crash, last_crash_code) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
        " $17, $18, $19, $20) ON CONFLICT(vm_id) DO UPDATE SET host_id = $2, name = $3, build = $4, drift_state = $5,"
        " drift_row = $6, drift_since = $7, last_seen = $8, removed_time = $9, state = $10, cluster = $11,"
        " guest_version = $12, expected_version = $13, guest_os = $14, guest_os_version = $15, guest_family = $16,"
        " fqdn = $17, power = $18, last_crash = $19, last_crash_code = $20, writer = DEFAULT",
    [PG_GUEST_NEXT_ON_HOST] = "SELECT state, vm_id FROM guest WHERE host_id = $1 AND vm_id > $2 ORDER BY vm_id LIMIT 1",
    [PG_GUEST_NEXT_OF_BUILD] = "SELECT state, vm_id FROM guest WHERE build = $1 AND vm_id > $2 ORDER BY vm_id LIMIT 1",
    [PG_GUEST_COUNTED] = "SELECT cluster, drift_state, removed_time, expected_version FROM guest WHERE vm_id = $1",
    [PG_PEER_GET] = "SELECT highest FROM peer WHERE build = $1",
    [PG_PEER_PUT] = "INSERT INTO peer(build, highest) SELECT $1::text, $2::text WHERE (SELECT count(*) FROM peer) < $3"
                    " OR EXISTS (SELECT 1 FROM peer WHERE build = $1)"
                    " ON CONFLICT(build) DO UPDATE SET highest = excluded.highest",
    [PG_REJUDGE_PUT] = "INSERT INTO rejudge(build, after) VALUES($1, $2)"
                       " ON CONFLICT(build) DO UPDATE SET after = $2",
    [PG_REJUDGE_GET] = "SELECT build, after FROM rejudge LIMIT 1 FOR UPDATE SKIP LOCKED",
    [PG_REJUDGE_DROP] = "DELETE FROM rejudge WHERE build = $1",
    [PG_FINDING_PUT] = "INSERT INTO finding(kind, host_id, agent_id, first_time, last_time, text)"
                       " VALUES($1, $2, $3, $4, $5, $6) ON CONFLICT(kind, host_id, agent_id) DO UPDATE"
                       " SET last_time = $5, text = $6",
    [PG_FINDING_DROP] = "DELETE FROM finding WHERE kind = $1 AND host_id = $2 AND agent_id = $3",
    [PG_CHANGE_PUT] = "INSERT INTO guest_change(" CHANGE_COLUMNS ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9)"
                      " ON CONFLICT(vm_id, received, kind, time) DO UPDATE SET to_value = $8, evidence = $9",
    [PG_COUNT_ADD] = "INSERT INTO daily(cluster, day, state, slot, delta) VALUES($1, $2, $3, " SLOT ", $4)"
                     " ON CONFLICT(cluster, day, state, slot) DO UPDATE SET delta = daily.delta + excluded.delta",
    [PG_PRUNE_OBSERVATIONS] = "DELETE FROM observation WHERE (stream, seq) IN (SELECT stream, seq FROM observation"
                              " WHERE received < $1 ORDER BY received LIMIT $2)",
    [PG_PRUNE_FINDINGS] = "DELETE FROM finding WHERE (kind, host_id, agent_id) IN (SELECT kind, host_id, agent_id"
                          " FROM finding WHERE last_time < $1 AND kind <> 'sequence-hole' LIMIT $2)",
    [PG_PRUNE_GUESTS] = "DELETE FROM guest WHERE vm_id IN (SELECT vm_id FROM guest WHERE removed_time > 0 AND"
                        " removed_time < $1 LIMIT $2)",
    [PG_PRUNE_MOVES] = PRUNE_CHANGES("kind = 'host'"),
    [PG_PRUNE_CHANGES] = PRUNE_CHANGES("kind <> 'host'"),
    [PG_PRUNE_DAYS] = "WITH old AS (DELETE FROM daily WHERE (cluster, day, state, slot) IN"
                      " (SELECT cluster, day, state, slot FROM daily WHERE day < $1 ORDER BY day LIMIT $2) RETURNING "
                      "cluster, state, delta), folded AS ("
                      "INSERT INTO daily(cluster, day, state, slot, delta)"
                      " SELECT cluster, $1, state, " SLOT ", sum(delta)::bigint FROM old GROUP BY cluster, state"
                      " ON CONFLICT(cluster, day, state, slot) DO UPDATE SET delta = daily.delta + excluded.delta)"
                      " SELECT 1 FROM old",
    [PG_TOUCH] = "INSERT INTO probe(id, time) VALUES(" SLOT ", $1) ON CONFLICT(id) DO UPDATE SET time = $1",
    [PG_MARK] = "SELECT txid_snapshot_xmin(txid_current_snapshot()), txid_snapshot_xmax(txid_current_snapshot()),"
                " (SELECT count(*) FROM pg_extension WHERE extname = 'citus')"
                " + (version() NOT LIKE 'PostgreSQL %' OR version() LIKE '%-YB-%')::int",
    [PG_READ_HOSTS] = "SELECT state, host_id FROM host ORDER BY host_id",
    [PG_READ_HOSTS_CHANGED] = "SELECT state, host_id FROM host WHERE writer >= $1 AND writer < $2",
    [PG_READ_GUESTS_ON] = "SELECT state, vm_id FROM guest WHERE host_id = $1",
    [PG_READ_PAGE] = "SELECT state, vm_id FROM guest WHERE vm_id > $1 AND removed_time = 0 ORDER BY vm_id LIMIT $2",
    [PG_READ_PAGE_OF_STATE] = "SELECT state, vm_id FROM guest WHERE drift_state = $3 AND vm_id > $1"
                              " AND removed_time = 0 ORDER BY vm_id LIMIT $2",
    [PG_READ_GUESTS_CHANGED] = "SELECT state, vm_id FROM guest WHERE writer >= $1 AND writer < $2",
    [PG_READ_GUESTS] = "SELECT state, vm_id FROM guest",
    [PG_READ_GUESTS_OF] = "SELECT state, vm_id FROM guest WHERE host_id IN"
                          " (SELECT host_id FROM host WHERE lower(cluster) = lower($1::text COLLATE \"C\"))",
    [PG_READ_AGENTS] = "SELECT " STREAM_COLUMNS " FROM stream ORDER BY host_id, agent_id",
    [PG_READ_HOSTS_OF] =
        "SELECT state, host_id FROM host WHERE lower(cluster) = lower($1::text COLLATE \"C\") ORDER BY host_id",
    [PG_READ_AGENTS_ON] = "SELECT " STREAM_COLUMNS " FROM stream WHERE host_id = $1 ORDER BY agent_id",
    [PG_READ_AGENTS_OF] =
        "SELECT " STREAM_COLUMNS " FROM stream WHERE host_id IN"
        " (SELECT host_id FROM host WHERE lower(cluster) = lower($1::text COLLATE \"C\")) ORDER BY host_id, agent_id",
    [PG_READ_FINDINGS] = "SELECT kind, host_id, agent_id, first_time, last_time, text FROM finding"
                         " ORDER BY host_id, kind, agent_id",
    [PG_READ_FINDINGS_OF] =
        "SELECT kind, host_id, agent_id, first_time, last_time, text FROM finding f WHERE last_time >= $3"
        " AND ($1::text IS NULL OR lower(coalesce((SELECT h.cluster FROM host h WHERE h.host_id = f.host_id), ''))"
        " = lower($1::text COLLATE \"C\"))"
        " AND ($2::text IS NULL OR host_id = $2) ORDER BY host_id, kind, agent_id",
    [PG_READ_SILENT] = "SELECT h.host_id, h.agent_version, s.heard FROM (SELECT host_id, max(last_seen) AS heard"
                       " FROM stream GROUP BY host_id HAVING max(last_seen) < $3 AND max(last_seen) > 0) s"
                       " JOIN host h ON h.host_id = s.host_id WHERE " HOST_IN_SCOPE " ORDER BY h.host_id",
    [PG_READ_OTHER_AGENTS] =
        "SELECT h.host_id, h.agent_version,"
        " coalesce((SELECT max(s.last_seen) FROM stream s WHERE s.host_id = h.host_id), 0) FROM host h"
        " WHERE (h.agent_version < $3 OR h.agent_version > $3) AND h.agent_version <> '' AND " HOST_IN_SCOPE
        " ORDER BY h.host_id",
    [PG_READ_VERSIONS] = "SELECT DISTINCT agent_version FROM host",
    [PG_READ_PEERS] = "SELECT build, highest FROM peer",
    [PG_READ_CHANGES_NEWEST] = READ_CHANGES(WHERE_ANY, "DESC"),
    [PG_READ_CHANGES_OLDEST] = READ_CHANGES(WHERE_ANY, "ASC"),
    [PG_READ_GUEST_NEWEST] = READ_CHANGES(WHERE_GUEST, "DESC"),
    [PG_READ_GUEST_OLDEST] = READ_CHANGES(WHERE_GUEST, "ASC"),
    [PG_READ_COUNTS] = "SELECT day, '', state, sum(delta)::bigint FROM daily GROUP BY day, state ORDER BY day",
    [PG_READ_COUNTS_OF] = "SELECT day, cluster, state, sum(delta)::bigint FROM daily WHERE cluster = $1"
                          " GROUP BY day, cluster, state ORDER BY day",
    [PG_READ_CLUSTERS] = "SELECT 0::bigint, cluster, state, sum(delta)::bigint FROM daily GROUP BY cluster, state"
                         " HAVING sum(delta) <> 0 ORDER BY cluster",
    [PG_LEASE_GET] = "SELECT owner, beat FROM delivery_lease WHERE id = 1",
    [PG_LEASE_PUT] = "INSERT INTO delivery_lease(id, owner, beat) VALUES(1, $1, $2)"
                     " ON CONFLICT(id) DO UPDATE SET owner = excluded.owner, beat = excluded.beat",
    [PG_DELIVERY_GET] = "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE name = $1",
    [PG_DELIVERY_PUT] =
        "INSERT INTO delivery(" DELIVERY_COLUMNS ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
        " $15) ON CONFLICT(name) DO UPDATE SET schedule = excluded.schedule, planned = excluded.planned, found = "
        "excluded.found, cursor = excluded.cursor, job = excluded.job, job_kind = excluded.job_kind, job_slot = "
        "excluded.job_slot, job_made = excluded.job_made, tries = excluded.tries, next_try = excluded.next_try, "
        "last_sent = excluded.last_sent, last_error = excluded.last_error, fingerprint = excluded.fingerprint, "
        "incidents = excluded.incidents",
    [PG_FOUND_PUT] = "INSERT INTO delivery_found(delivery, event, subject, instance, status, host_id, text) VALUES($1, "
                     "$2, $3, $4, $5, $6, $7)"
                     " ON CONFLICT(delivery, event, subject) DO UPDATE SET instance = excluded.instance,"
                     " status = excluded.status, host_id = excluded.host_id, text = excluded.text"
                     " WHERE excluded.instance > delivery_found.instance",
    [PG_FOUND_SOLVE] = "UPDATE delivery_found SET status = $5, instance = $4"
                       " WHERE delivery = $1 AND event = $2 AND subject = $3 AND instance < $4",
    [PG_FOUND_DROP] = "DELETE FROM delivery_found WHERE delivery = $1 AND event = $2 AND subject = $3",
    [PG_FOUND_MOVE] = "UPDATE delivery_found SET status = $3 WHERE delivery = $1 AND status = $2",
    [PG_FOUND_FORGET] = "DELETE FROM delivery_found WHERE delivery = $1 AND event = $2 AND status >= $3"
                        " AND instance < $4",
    [PG_FOUND_EACH] =
        "SELECT event, subject, instance, status, host_id, text FROM delivery_found"
        " WHERE delivery = $1 AND ($2::text IS NULL OR event = $2)"
        " AND ($3::bigint < 0 OR status = $3) ORDER BY event, instance, subject LIMIT nullif($4::bigint, -1)",
    [PG_FOUND_COUNT] = "SELECT count(*) FROM delivery_found WHERE delivery = $1 AND event = $2"
                       " AND status = $3",
    [PG_CHANGES_AFTER] = "SELECT " CHANGE_COLUMNS " FROM guest_change WHERE kind = 'state'"
                         " AND (received, vm_id) > ($1, $2) AND received >= $1"
                         " ORDER BY received, vm_id, time LIMIT $3",
    [PG_NEW_INCIDENTS] =
        "SELECT i.id, i.host_id, i.headline, i.first_seen, CASE WHEN EXISTS (SELECT 1 FROM incident_todo t WHERE"
        " t.from_time <= i.time AND t.to_time >= i.time AND ((t.scope = 0 AND t.key = i.vm_id) OR (t.scope = 1 AND"
        " t.key = i.host_id) OR (t.scope = 2 AND t.key = i.cluster) OR (t.scope = 4 AND t.key IN ('', i.code))))"
        " THEN 1::bigint ELSE 0::bigint END FROM incident i WHERE i.first_seen >= $4 AND (i.first_seen, i.id) > ($4, "
        "$5) AND"
        " ($3::text IS NULL OR lower(i.cluster) = lower($3::text)) AND NOT EXISTS (SELECT 1 FROM delivery_found f"
        " WHERE f.delivery = $1 AND f.event = $2 AND f.subject = i.id) AND NOT EXISTS (SELECT 1 FROM incident_alias a"
        " JOIN delivery_found f ON f.delivery = $1 AND f.event = $2 AND f.subject = a.alias WHERE a.id = i.id) ORDER "
        "BY i.first_seen, i.id LIMIT $6",
    [PG_TOKEN_PUT] = "INSERT INTO enroll_token(id, digest, cluster, uses, uses_left, created, expires, revoked)"
                     " VALUES($1, $2, $3, $4, $5, $6, $7, $8)",
    [PG_TOKEN_GET] = "SELECT id, digest, cluster, uses, uses_left, created, expires, revoked FROM enroll_token WHERE"
                     " id = $1",
    [PG_TOKEN_TAKE] = "UPDATE enroll_token SET uses_left = uses_left - 1 WHERE id = $1 AND uses_left > 0",
    [PG_TOKEN_REVOKE] = "UPDATE enroll_token SET revoked = $2 WHERE id = $1 AND revoked = 0",
    [PG_TOKEN_EACH] = "SELECT id, digest, cluster, uses, uses_left, created, expires, revoked FROM enroll_token ORDER"
                      " BY created DESC, id",
    [PG_ISSUED_PUT] = "INSERT INTO issued(serial, agent_id, host_id, public_key, token_id, renewed_from, issued,"
                      " expires, revoked, first_used) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    [PG_ISSUED_GET] = "SELECT serial, agent_id, host_id, public_key, token_id, renewed_from, issued, expires,"
                      " revoked, first_used FROM issued WHERE serial = $1",
    [PG_ISSUED_FOR] = "SELECT serial, agent_id, host_id, public_key, token_id, renewed_from, issued, expires,"
                      " revoked, first_used FROM issued WHERE token_id = $1 AND public_key = $2 ORDER BY issued DESC"
                      " LIMIT 1",
    [PG_ISSUED_AFTER] = "SELECT serial, agent_id, host_id, public_key, token_id, renewed_from, issued, expires,"
                        " revoked, first_used FROM issued WHERE renewed_from = $1 AND public_key <> $2 AND first_used >"
                        " 0 LIMIT 1",
    [PG_ISSUED_USED] = "UPDATE issued SET first_used = $2 WHERE serial = $1 AND first_used = 0",
    [PG_ISSUED_REVOKE] = "UPDATE issued SET revoked = $2 WHERE serial = $1 AND revoked = 0",
    [PG_ISSUED_REVOKE_HOST] = "UPDATE issued SET revoked = $2 WHERE host_id = $1 AND revoked = 0",
    [PG_ISSUED_EACH] = "SELECT serial, agent_id, host_id, public_key, token_id, renewed_from, issued, expires,"
                       " revoked, first_used FROM issued ORDER BY issued DESC, serial",
    [PG_ISSUED_PRUNE] = "DELETE FROM issued WHERE expires < $1",
    [PG_BOUND_GET] = "SELECT agent_id, host_id, holder, public_key, since FROM bound_agent WHERE agent_id = $1",
    [PG_BOUND_PUT] = "INSERT INTO bound_agent(agent_id, host_id, holder, public_key, since) VALUES($1, $2, $3, $4,"
                     " $5) ON CONFLICT(agent_id) DO UPDATE SET host_id = excluded.host_id, holder = excluded.holder,"
                     " public_key = excluded.public_key",
    [PG_BOUND_FORGET] = "DELETE FROM bound_agent WHERE agent_id = $1::text OR host_id = $2::text",
    [PG_BOUND_EACH] = "SELECT agent_id, host_id, holder, public_key, since FROM bound_agent ORDER BY agent_id",
    [PG_BAN_PUT] = "INSERT INTO banned_host(host_id, since) VALUES($1, $2) ON CONFLICT(host_id) DO NOTHING",
    [PG_BAN_DROP] = "DELETE FROM banned_host WHERE host_id = $1",
    [PG_BAN_EACH] = "SELECT host_id, since FROM banned_host ORDER BY host_id",
    [PG_STANDING] = "SELECT coalesce((SELECT since FROM banned_host WHERE host_id = $2), 0), coalesce(b.holder,"
                    " ''), coalesce(b.host_id, ''), coalesce(i.revoked, 0), coalesce(i.first_used, -1),"
                    " (SELECT count(*) FROM bound_agent h WHERE h.host_id = $2 AND h.holder = 'enrolled') FROM (SELECT"
                    " 1 AS one) o LEFT JOIN bound_agent b ON b.agent_id = $1 LEFT JOIN issued i ON i.serial = $3",
    [PG_IDENTITY_EVENT_PUT] =
        "INSERT INTO identity_event(time, what, token_id, address, agent_id, host_id, serial, text)"
        " VALUES($1, $2, $3, $4, $5, $6, $7, $8)",
    [PG_IDENTITY_EVENT_TRIM] = "DELETE FROM identity_event WHERE id <= (SELECT max(id) FROM identity_event) - $1",
    [PG_IDENTITY_EVENT_EACH] =
        "SELECT time, what, token_id, address, agent_id, host_id, serial, text FROM identity_event"
        " ORDER BY id DESC LIMIT $1",
    [PG_COUNTS] = "SELECT (SELECT count(*) FROM stream), (SELECT count(*) FROM host),"
                  " (SELECT count(*) FROM foreign_record), (SELECT count(*) FROM finding),"
                  " pg_database_size(current_database())",
    [PG_COUNT_STATES] = "SELECT state, sum(delta)::bigint FROM daily GROUP BY state",
    [PG_FORWARD_OPEN] = "INSERT INTO forward_target(name, owner, lease_until, sent, refused, lost, last_sent)"
                        " VALUES($1, '', 0, 0, 0, 0, 0) ON CONFLICT(name) DO NOTHING",
    [PG_FORWARD_FROM_NOW] =
        "INSERT INTO forward_mark(target, stream, arrival) SELECT $1::text, id, records FROM stream",
    [PG_FORWARD_LEASE] = "UPDATE forward_target SET owner = $2, lease_until = " SERVER_NS " + $3 WHERE name = $1"
                         " AND (owner = $2 OR lease_until < " SERVER_NS ")",
    [PG_FORWARD_RELEASE] = "UPDATE forward_target SET lease_until = 0 WHERE name = $1 AND owner = $2",
    [PG_FORWARD_BEHIND] = "SELECT s.id, s.agent_id, s.host_id, coalesce(m.arrival, 0), s.records FROM " BEHIND_STREAMS
                          " AND s.id > $2 ORDER BY s.id LIMIT $3",
    [PG_FORWARD_RECORDS] = "SELECT arrival, seq, received, payload FROM observation WHERE stream = $1 AND arrival > $2"
                           " ORDER BY arrival LIMIT $3",
    [PG_FORWARD_MARK] = "INSERT INTO forward_mark(target, stream, arrival) VALUES($1, $2, $3)"
                        " ON CONFLICT(target, stream) DO UPDATE SET arrival = $3",
    [PG_FORWARD_REFUSE] = "INSERT INTO forward_refused(target, stream, seq, time, reason) VALUES($1, $2, $3, $4, $5)"
                          " ON CONFLICT(target, stream, seq) DO UPDATE SET time = $4, reason = $5",
    [PG_FORWARD_REFUSE_TRIM] = "DELETE FROM forward_refused WHERE target = $1 AND time < (SELECT time FROM"
                               " forward_refused WHERE target = $1 ORDER BY time DESC LIMIT 1 OFFSET $2)",
    [PG_FORWARD_COUNT] = "UPDATE forward_target SET sent = sent + $3, refused = refused + $4, lost = lost + $5,"
                         " last_sent = CASE WHEN $3 > 0 THEN $6 ELSE last_sent END WHERE name = $1 AND owner = $2",
    [PG_FORWARD_TARGETS] = "SELECT t.name, t.sent, t.refused, t.lost, t.last_sent,"
                           " (SELECT coalesce(sum(s.records - coalesce(m.arrival, 0)), 0)::bigint FROM " BEHIND_OF(
                               "t.name") "),"
                                         " (SELECT coalesce(min((SELECT o.received FROM observation o WHERE o.stream = "
                                         "s.id AND o.arrival >"
                                         " coalesce(m.arrival, 0) ORDER BY o.arrival LIMIT 1)), 0) FROM " BEHIND_OF(
                                             "t.name") ")"
                                                       " FROM forward_target t ORDER BY t.name",
    [PG_GAUGE_FINDINGS] = "SELECT kind, count(*) FROM finding GROUP BY kind",
    [PG_GAUGE_NOTES] = "SELECT count(*) FROM incident_todo",
    [PG_GAUGE_INCIDENTS] = "SELECT kind, confidence, count(*) FROM incident GROUP BY kind, confidence",
    [PG_GAUGE_SILENT] =
        "SELECT count(*) FROM (SELECT max(s.last_seen) AS heard FROM stream s JOIN host h ON h.host_id ="
        " s.host_id GROUP BY s.host_id) AS heard_hosts WHERE heard < $1",
    [PG_GAUGE_AGENTS] = "SELECT agent_version, count(*) FROM host GROUP BY agent_version ORDER BY count(*) DESC,"
                        " agent_version",
    [PG_CIRCUMSTANCE_PUT] = "INSERT INTO circumstance(" CIRCUMSTANCE_COLUMNS
                            ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    [PG_ASK_VM] = "SELECT " CIRCUMSTANCE_COLUMNS
                  "  FROM circumstance WHERE vm_id = $1 AND vm_id <> '' AND time >= $2 AND time <= $3 ORDER BY time"
                  " DESC, stream, seq LIMIT $4",
    [PG_ASK_STRAYS] = "SELECT " CIRCUMSTANCE_COLUMNS
                      "  FROM circumstance WHERE role = 2 AND $1::text IS NOT NULL AND time >= $2 AND time <= $3 ORDER"
                      " BY time DESC, stream, seq LIMIT $4",
    [PG_ASK_CODE] = "SELECT " CIRCUMSTANCE_COLUMNS
                    "  FROM circumstance WHERE role = 1 AND code = $1 AND time >= $2 AND time <= $3 ORDER BY time"
                    " DESC, stream, seq LIMIT $4",
    [PG_ASK_NAME] = "SELECT " CIRCUMSTANCE_COLUMNS
                    "  FROM circumstance WHERE lower(vm_name) = lower($1::text COLLATE \"C\") AND vm_name <> '' AND"
                    " vm_id <> '' AND time >= $2 AND time <= $3 ORDER BY time DESC, stream, seq LIMIT $4",
    [PG_ASK_HOST_SIGNS] =
        "SELECT " CIRCUMSTANCE_COLUMNS
        "  FROM circumstance WHERE host_id = $1 AND role IN (1, 2) AND time >= $2 AND time <= $3 ORDER BY"
        " time DESC, stream, seq LIMIT $4",
    [PG_ASK_HOST] = "SELECT " CIRCUMSTANCE_COLUMNS
                    "  FROM circumstance WHERE host_id = $1 AND role IN (3, 4) AND reach_from <= $3 AND reach_to >="
                    " $2 ORDER BY time DESC, stream, seq LIMIT $4",
    [PG_ASK_CLUSTER] = "SELECT " CIRCUMSTANCE_COLUMNS
                       "  FROM circumstance WHERE cluster = $1 AND role = 4 AND reach_from <= $3 AND reach_to >= $2"
                       " ORDER BY time DESC, stream, seq LIMIT $4",
    [PG_ASK_GAPS] = "SELECT " CIRCUMSTANCE_COLUMNS
                    "  FROM circumstance WHERE host_id = $1 AND role = 5 AND reach_from <= $3 AND reach_to >= $2"
                    " ORDER BY time DESC, stream, seq LIMIT $4",
    [PG_ASK_BOOT] =
        "SELECT " CIRCUMSTANCE_COLUMNS
        "  FROM circumstance WHERE vm_id = $1 AND what = 'boot' AND what <> '' AND time >= $2 AND time <= $3 ORDER BY"
        " time DESC, stream, seq LIMIT $4",
    [PG_ASK_ARRIVAL] = "SELECT " CIRCUMSTANCE_COLUMNS "  FROM circumstance WHERE vm_id = $1 AND what = 'arrival' AND "
                       "what <> '' AND time >= $2 AND time <= $3 ORDER BY"
                       " time DESC, stream, seq LIMIT $4",
    [PG_ASK_CONFIG] =
        "SELECT " CIRCUMSTANCE_COLUMNS
        "  FROM circumstance WHERE vm_id = $1 AND what = 'config' AND what <> '' AND time >= $2 AND time <= $3 ORDER BY"
        " time DESC, stream, seq LIMIT $4",
    [PG_ASK_TOLD] =
        "SELECT * FROM (SELECT o.stream, o.seq, 7::bigint, o.received, o.time, o.time AS reach_from, o.time AS "
        "reach_to, "
        "o.vm_id,"
        " '' AS vm_name, '' AS code, '' AS what, s.agent_id, s.host_id, '' AS host_name, '' AS cluster, '' AS "
        "os_version,"
        " '' AS is_version, o.payload FROM observation o JOIN stream s ON s.id = o.stream WHERE o.vm_id = $1 AND "
        "o.kind IN"
        " ('hyperv.guest.inventory', 'hyperv.guest.version_mismatch', 'hyperv.guest.version_ok', "
        "'hyperv.guest.lifecycle',"
        " 'hyperv.guest.migration') AND o.time >= $2 AND o.time <= $3 ORDER BY o.time DESC, o.stream, o.seq LIMIT $4)"
        " AS told ORDER BY time, stream, seq",
    [PG_SIGN_VMS] = "SELECT vm_id, '', max(time) FROM circumstance WHERE role = 1 AND code = $1 AND time >= $2 AND"
                    " time <= $3 GROUP BY vm_id ORDER BY max(time) DESC LIMIT $4",
    [PG_SIGN_VMS_ANY] = "SELECT vm_id, '', max(time) FROM circumstance WHERE role = 1 AND $1::text IS NOT NULL AND time"
                        " >= $2 AND time <= $3 GROUP BY vm_id ORDER BY max(time) DESC LIMIT $4",
    [PG_TODO_PUT] = "INSERT INTO incident_todo(sign, scope, key, from_time, to_time, due) VALUES($1, $2, $3, $4, $5,"
                    " $6)",
    [PG_TODO_FIRST] = "SELECT sign, scope, key, from_time, to_time, due FROM incident_todo WHERE due <= $1 ORDER BY"
                      " due, id LIMIT 1",
    [PG_TODO_ALIKE] = "SELECT sign, scope, key, from_time, to_time, due FROM incident_todo WHERE sign = $1 AND scope ="
                      " $2 AND key = $3 AND due <= $4 ORDER BY from_time, to_time LIMIT $5",
    [PG_TODO_DROP] = "DELETE FROM incident_todo WHERE sign = $1 AND scope = $2 AND key = $3 AND due <= $4 AND"
                     " from_time >= $5 AND to_time <= $6",
    [PG_INCIDENT_TURN] = "SELECT turn FROM incident_turn WHERE id = 1 FOR UPDATE SKIP LOCKED",
    [PG_INCIDENT_TURN_TAKE] = "UPDATE incident_turn SET turn = turn + 1 WHERE id = 1",
    [PG_REVIEW_GET] = "SELECT digest, pending, before_time, before_id FROM incident_review WHERE id = 1",
    [PG_REVIEW_PUT] = "INSERT INTO incident_review(id, digest, pending, before_time, before_id) VALUES(1, $1, $2, $3,"
                      " $4) ON CONFLICT(id) DO UPDATE SET digest = excluded.digest, pending = excluded.pending,"
                      " before_time = excluded.before_time, before_id = excluded.before_id",
    [PG_INCIDENT_PUT] = "INSERT INTO incident(" INCIDENT_COLUMNS
                        ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON"
                        " CONFLICT(id) DO UPDATE SET vm_id = excluded.vm_id, vm_name = excluded.vm_name, host_id ="
                        " excluded.host_id, host_name = excluded.host_name, cluster = excluded.cluster, time ="
                        " excluded.time, kind = excluded.kind, code = excluded.code, module = excluded.module,"
                        " drift_state = excluded.drift_state, origin = excluded.origin, finding = excluded.finding,"
                        " headline = excluded.headline, first_seen = excluded.first_seen, updated = excluded.updated,"
                        " json = excluded.json, confidence = excluded.confidence",
    [PG_INCIDENT_UNALIAS] = "DELETE FROM incident_alias WHERE alias = $1",
    [PG_INCIDENT_DROP] = "DELETE FROM incident WHERE id = $1",
    [PG_INCIDENT_REALIAS] = "UPDATE incident_alias SET id = $2 WHERE id = $1",
    [PG_INCIDENT_ALIAS] =
        "INSERT INTO incident_alias(alias, id, time) VALUES($1, $2, $3) ON CONFLICT(alias) DO UPDATE SET"
        " id = excluded.id, time = excluded.time",
    [PG_INCIDENT_GET] = "SELECT " INCIDENT_COLUMNS
                        "  FROM incident WHERE id = coalesce((SELECT a.id FROM incident_alias a WHERE a.alias = $1),"
                        " $1::text)",
    [PG_INCIDENTS_NEWEST] =
        "SELECT " INCIDENT_COLUMNS
        "  FROM incident WHERE $1::text IS NULL AND ($2::text IS NULL OR host_id = $2::text OR"
        " lower(host_name) = lower($2::text COLLATE \"C\")) AND ($3::text IS NULL OR lower(cluster) ="
        " lower($3::text COLLATE \"C\")) AND ($4::text IS NULL OR lower(module) = lower($4::text COLLATE"
        " \"C\")) AND ($5::text IS NULL OR code = $5::text) AND time >= $6 AND time < $7 AND ($9::text IS"
        " NULL OR (time, id) < ($8::bigint, $9::text)) ORDER BY time DESC, id DESC LIMIT"
        " nullif($10::bigint, -1)",
    [PG_INCIDENTS_OLDEST] =
        "SELECT " INCIDENT_COLUMNS
        "  FROM incident WHERE $1::text IS NULL AND ($2::text IS NULL OR host_id = $2::text OR"
        " lower(host_name) = lower($2::text COLLATE \"C\")) AND ($3::text IS NULL OR lower(cluster) ="
        " lower($3::text COLLATE \"C\")) AND ($4::text IS NULL OR lower(module) = lower($4::text COLLATE"
        " \"C\")) AND ($5::text IS NULL OR code = $5::text) AND time >= $6 AND time < $7 AND ($9::text IS"
        " NULL OR (time, id) > ($8::bigint, $9::text)) ORDER BY time ASC, id ASC LIMIT"
        " nullif($10::bigint, -1)",
    [PG_INCIDENTS_VM_NEWEST] =
        "SELECT " INCIDENT_COLUMNS
        "  FROM incident WHERE vm_id = $1 AND ($2::text IS NULL OR host_id = $2::text OR lower(host_name)"
        " = lower($2::text COLLATE \"C\")) AND ($3::text IS NULL OR lower(cluster) = lower($3::text"
        " COLLATE \"C\")) AND ($4::text IS NULL OR lower(module) = lower($4::text COLLATE \"C\")) AND"
        " ($5::text IS NULL OR code = $5::text) AND time >= $6 AND time < $7 AND ($9::text IS NULL OR"
        " (time, id) < ($8::bigint, $9::text)) ORDER BY time DESC, id DESC LIMIT nullif($10::bigint, -1)",
    [PG_INCIDENTS_VM_OLDEST] =
        "SELECT " INCIDENT_COLUMNS
        "  FROM incident WHERE vm_id = $1 AND ($2::text IS NULL OR host_id = $2::text OR lower(host_name)"
        " = lower($2::text COLLATE \"C\")) AND ($3::text IS NULL OR lower(cluster) = lower($3::text"
        " COLLATE \"C\")) AND ($4::text IS NULL OR lower(module) = lower($4::text COLLATE \"C\")) AND"
        " ($5::text IS NULL OR code = $5::text) AND time >= $6 AND time < $7 AND ($9::text IS NULL OR"
        " (time, id) > ($8::bigint, $9::text)) ORDER BY time ASC, id ASC LIMIT nullif($10::bigint, -1)",
    [PG_PLACES_VM] = "SELECT vm_id, host_id, time FROM incident WHERE vm_id = $1 AND time >= $2 AND time <= $3 ORDER"
                     " BY time DESC, id LIMIT $4",
    [PG_PLACES_HOST] =
        "SELECT vm_id, host_id, time FROM incident WHERE host_id = $1 AND time >= $2 AND time <= $3 ORDER"
        " BY time DESC, id LIMIT $4",
    [PG_PLACES_CLUSTER] =
        "SELECT vm_id, host_id, time FROM incident WHERE cluster = $1 AND time >= $2 AND time <= $3 ORDER"
        " BY time DESC, id LIMIT $4",
    [PG_PLACES_MODULE] = "SELECT vm_id, host_id, time FROM incident WHERE module = $1 AND module <> '' AND time >= $2 "
                         "AND time <= $3 ORDER"
                         " BY time DESC, id LIMIT $4",
    [PG_PRUNE_TROUBLE] =
        "DELETE FROM circumstance WHERE (stream, seq) IN (SELECT stream, seq FROM circumstance WHERE role"
        " IN (3, 4, 5) AND received < $1 ORDER BY received LIMIT $2)",
    [PG_PRUNE_CIRCUMSTANCES] =
        "DELETE FROM circumstance WHERE (stream, seq) IN (SELECT stream, seq FROM circumstance WHERE"
        " received < $1 AND time < $1 ORDER BY received LIMIT $2)",
    [PG_PRUNE_INCIDENTS] =
        "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE time < $1 ORDER BY time LIMIT $2)",
    [PG_PRUNE_ALIASES] = "DELETE FROM incident_alias WHERE alias IN (SELECT alias FROM incident_alias WHERE time < $1"
                         " LIMIT $2)",
};
