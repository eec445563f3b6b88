/* What the tests of the rooms take from POSIX and this system's C library has
 * under another name.  Included before every other file of a test. */
#ifndef TESTS_SUPPORT_WINDOWS_POSIX_NAMES_H
#define TESTS_SUPPORT_WINDOWS_POSIX_NAMES_H

/* A name that io.h takes and tests have for something of their own. */
#define tell tell_of_descriptor
#include <direct.h>
#include <io.h>
#undef tell

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define mkdir(path, mode)            _mkdir(path)
#define realpath(path, into)         _fullpath((into), (path), 0)
#define setenv(name, value, replace) _putenv_s((name), (value))
#define unsetenv(name)               _putenv_s((name), "")

enum { AT_FDCWD = -100 };

/* Sets a file's time of writing, to the 100 ns of the system. */
int utimensat(int fd, const char *path, const struct timespec times[2], int flags);

#endif
