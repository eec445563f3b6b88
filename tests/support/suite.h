/* What every test program shares: a main, skips that say why, samples, and a
 * temporary folder.
 *
 *   static void add(Suite *s) { ... suite_test(s, a_guest_is_current_when_equal); }
 *   int main(void) { return suite_main("room: thing", add); }
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include "base/error.h"

#include <check.h>
#include <stddef.h>

/* Runs the suite (CK_NORMAL), prints Check's closing line; 0 when all passed. */
int suite_main(const char *name, void (*add)(Suite *s));

/* Adds one test case that holds the given test. */
void suite_test(Suite *s, const TTest *test);

/* A test case of several tests, or of one that loops or has fixtures, already in the suite.  Not
 * tcase_create(): the library would give each test four seconds. */
TCase *suite_case(Suite *s, const char *name);

/* Ends the running test as skipped, with the reason on stdout. */
#define skip(...)                              \
    do {                                       \
        suite_say_skip(__func__, __VA_ARGS__); \
        return;                                \
    } while (0)
void suite_say_skip(const char *test, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The path of a sample of the shared folder ("evtx/x.evtx"): below
 * $HVFLEET_SHARED/samples or ../shared/samples.  NULL when it is not there.
 * The string is static and lives until the next call. */
const char *shared_sample(const char *name);

/* A new empty folder, removed with all in it when the program ends. */
const char *temp_dir(void);

/* Reads a whole file into malloc'ed memory, NUL-ended; fails the test if it can't. */
char *read_file(const char *path, size_t *len);
/* Writes (replaces) dir/name; returns the path, static until the next call but three. */
const char *write_file(const char *dir, const char *name, const void *bytes, size_t len);
const char *append_file(const char *dir, const char *name, const void *bytes, size_t len);

#endif
