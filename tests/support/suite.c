/* See suite.h. */
#include "tests/support/suite.h"

#include "tests/support/places.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_LEN = 4096,
    DIRS = 256,
    HANG_S = 600, /* a test that has not ended by then hangs; a loaded machine under valgrind only takes long */
};

int suite_main(const char *name, void (*add)(Suite *s))
{
    Suite *s = suite_create(name);
    SRunner *runner;
    int failed;

    add(s);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* True when the file that HVFLEET_LEAVE_OUT names has a line "TEST REASON" for
 * the test: one that does not apply to the system it runs on. */
static bool left_out(const char *test)
{
    const char *path = getenv("HVFLEET_LEAVE_OUT");
    FILE *f = path != NULL ? fopen(path, "r") : NULL;
    char line[PATH_LEN];
    size_t n = strlen(test);
    bool found = false;

    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
        found = strncmp(line, test, n) == 0 && line[n] == ' ';
        line[strcspn(line, "\r\n")] = '\0';
        if (found)
            suite_say_skip(test, "%s", line + n + 1);
    }
    if (f != NULL)
        fclose(f);
    return found;
}

TCase *suite_case(Suite *s, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, HANG_S);
    suite_add_tcase(s, tc);
    return tc;
}

void suite_test(Suite *s, const TTest *test)
{
    if (!left_out(test->name))
        tcase_add_test(suite_case(s, test->name), test);
}

void suite_say_skip(const char *test, const char *fmt, ...)
{
    va_list ap;

    printf("skip: %s: ", test);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
}

const char *shared_sample(const char *name)
{
    static char path[PATH_LEN];
    const char *base = getenv("HVFLEET_SHARED");

    snprintf(path, sizeof path, "%s/samples/%s", base != NULL ? base : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

static char dirs[DIRS][PATH_LEN];
static int dir_count;
static int dir_owner;

static void remove_dirs(void)
{
    if ((int)getpid() != dir_owner)
        return;
    for (int i = 0; i < dir_count; i++)
        places_remove_tree(dirs[i]);
}

const char *temp_dir(void)
{
    ck_assert_int_lt(dir_count, DIRS);
    if (dir_owner != (int)getpid()) {
        dir_owner = (int)getpid();
        dir_count = 0;
        atexit(remove_dirs);
    }
    ck_assert(places_make_temp(dirs[dir_count], PATH_LEN));
    return dirs[dir_count++];
}

char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;
    long size;

    ck_assert_msg(f != NULL, "cannot open %s", path);
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    ck_assert_msg(size >= 0, "cannot tell the size of %s", path);
    rewind(f);
    bytes = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    bytes[size] = '\0';
    if (len != NULL)
        *len = (size_t)size;
    return bytes;
}

static const char *put(const char *dir, const char *name, const void *bytes, size_t len, const char *mode)
{
    static char paths[4][PATH_LEN];
    static int next;
    char *path = paths[next++ % 4];
    FILE *f;

    snprintf(path, PATH_LEN, "%s/%s", dir, name);
    f = fopen(path, mode);
    ck_assert_msg(f != NULL, "cannot open %s for writing", path);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

const char *write_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    return put(dir, name, bytes, len, "wb");
}

const char *append_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    return put(dir, name, bytes, len, "ab");
}
