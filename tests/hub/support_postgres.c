/* See support_postgres.h. */
#include "tests/hub/support_postgres.h"

#include "base/text.h"
#include "tests/support/suite.h"

#include <postgresql/libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *server(void)
{
    const char *url = getenv("HVFLEET_TEST_STORE");

    return url != NULL && url[0] != '\0' ? url : NULL;
}

bool stores_are_postgres(void)
{
    return server() != NULL;
}

static void ask(const char *url, const char *sql, char *out, size_t size)
{
    PGconn *conn = PQconnectdb(url);
    PGresult *r;

    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    r = PQexec(conn, sql);
    ck_assert_msg(PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK, "%s: %s", sql,
                  PQerrorMessage(conn));
    text_copy(out, size, PQntuples(r) > 0 && PQnfields(r) > 0 ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
    PQfinish(conn);
}

void postgres_ask(const char *url, const char *sql, char *out, size_t size)
{
    ask(url, sql, out, size);
}

const char *postgres_store(const char *path)
{
    static char urls[4][1024];
    static int next;
    char *url = urls[next++ % 4];
    char sql[128], unused[16];
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    ck_assert_ptr_nonnull(server());
    for (const char *c = path; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    snprintf(sql, sizeof sql, "SET client_min_messages = error; CREATE SCHEMA IF NOT EXISTS t%016llx",
             (unsigned long long)hash);
    ask(server(), sql, unused, sizeof unused);
    snprintf(url, sizeof urls[0], "%s&options=-csearch_path%%3Dt%016llx", server(), (unsigned long long)hash);
    return url;
}
