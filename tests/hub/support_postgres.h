/* The store tests against PostgreSQL.
 *
 * With HVFLEET_TEST_STORE=postgresql://... (a server of the tests' own, see
 * tests/system/postgres.py) support_fleet.h puts each store that a test names by a path
 * into a schema of its own of that database; without it nothing changes. */
#ifndef TESTS_HUB_SUPPORT_POSTGRES_H
#define TESTS_HUB_SUPPORT_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>

bool stores_are_postgres(void);

/* The URL of the store that stands for this path; its schema is made when it is not there.  Static, valid until
 * the next call but three. */
const char *postgres_store(const char *path);

/* The first column of the first row ("" when there is none) of a statement over a store's URL, on a
 * connection of its own; fails the test when the statement does. */
void postgres_ask(const char *url, const char *sql, char *out, size_t size);

#endif
