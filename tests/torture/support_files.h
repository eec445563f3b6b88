/* Files of which one call fails, over others. */
#ifndef TESTS_TORTURE_SUPPORT_FILES_H
#define TESTS_TORTURE_SUPPORT_FILES_H

#include "plat/files.h"

#include <stdbool.h>
#include <stdint.h>

/* The n-th call fails with ERR_IO, or, when it shortens, reads half of what it is asked for if it reads. */
extern struct failing_files {
    int64_t at, seen; /* at 0: nothing */
    bool shortens, met;
} failing_files;

/* These files, with calls that fail; there is one such pair in a program. */
const struct files *failing_files_over(const struct files *files);

#endif
