/* Allocations and system calls that fail when they are told to.
 *
 * This file's malloc(), open(), write() and so on take the place of the C library's for the whole program, its
 * libraries too.  They count what the thread that armed them asks for, and fail the n-th, or all from the n-th on.
 * Below a sanitizer, which has allocators of its own, allocations are left alone: failing_memory_works() says so.
 *
 * fsync() and fdatasync() can fail and otherwise do nothing: the power does not go out here (tests/sim/ does that).
 */
#ifndef TESTS_TORTURE_FAILING_H
#define TESTS_TORTURE_FAILING_H

#include <stdbool.h>
#include <stdint.h>

bool failing_memory_works(void);

/* This thread's n-th allocation from now on (counted from 1) gives NULL; all after it too when it is lasting. */
void failing_memory(int64_t n, bool lasting);

/* This thread's n-th call of open, read, write, fsync, rename, accept, pthread_create ... fails with that errno. */
void failing_calls(int64_t n, int error, bool lasting);

/* Everything works again.  True when something was made to fail. */
bool failing_end(void);

/* Allocations of all threads that were not freed yet, since the program began. */
int64_t failing_blocks(void);

#endif
