/* See places.h. */
#include "tests/support/places.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { OPEN_FOLDERS_MAX = 16 };

bool places_make_temp(char *path, size_t size)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(path, size, "%s/hvfleet-test.XXXXXX", base != NULL ? base : "/tmp");

    return n > 0 && (size_t)n < size && mkdtemp(path) != NULL;
}

bool places_socket(const char *dir, char *path, size_t size)
{
    int n = snprintf(path, size, "%s/s", dir);

    return n > 0 && (size_t)n < size;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void places_remove_tree(const char *path)
{
    nftw(path, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}
