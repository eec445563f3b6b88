/* See posix_names.h. */
#include "tests/support/windows/posix_names.h"

#include <fcntl.h>
#include <sys/utime.h>

int utimensat(int fd, const char *path, const struct timespec times[2], int flags)
{
    struct __utimbuf64 t = { .actime = times[0].tv_sec, .modtime = times[1].tv_sec };

    (void)fd;
    (void)flags;
    return _utime64(path, &t);
}
