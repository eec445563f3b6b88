/* The example bundles in the tree are what their generator writes. */
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

START_TEST(the_generator_writes_the_bundles_in_the_tree)
{
    const char *dir = temp_dir();
    char command[1200];
    int status;

    if (system("python3 -c pass >/dev/null 2>&1") != 0)
        skip("no python3");
    snprintf(command, sizeof command, "python3 examples/make_bundles.py '%s/b' && diff -r examples/bundles '%s/b'", dir,
             dir);
    status = system(command);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_generator_writes_the_bundles_in_the_tree);
}

int main(void)
{
    return suite_main("agent: examples", add);
}
