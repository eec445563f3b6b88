/* See places.h.  TEMP names the folder for temporary files. */
#include "tests/support/places.h"

#include <direct.h>
#include <dirent.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_LEN = 1024, DEPTH_MAX = 16, TRIES = 1000 };

bool places_make_temp(char *path, size_t size)
{
    const char *base = getenv("TEMP");
    static unsigned number;

    for (int i = 0; i < TRIES; i++) {
        int n = snprintf(path, size, "%s/hvfleet-test.%d.%u", base != NULL ? base : ".", _getpid(), number++);

        if (n < 0 || (size_t)n >= size)
            return false;
        for (char *p = path; *p != '\0'; p++)
            if (*p == '\\')
                *p = '/';
        if (_mkdir(path) == 0)
            return true;
    }
    return false;
}

/* The folder's own name is unique. */
bool places_socket(const char *dir, char *path, size_t size)
{
    const char *slash = strrchr(dir, '/');
    int n = snprintf(path, size, "\\\\.\\pipe\\%s", slash != NULL ? slash + 1 : dir);

    return n > 0 && (size_t)n < size;
}

static void remove_below(const char *path, int depth)
{
    DIR *dir = depth > 0 ? opendir(path) : NULL;
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char child[PATH_LEN];
        struct stat st;
        int n = snprintf(child, sizeof child, "%s/%s", path, entry->d_name);

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || n < 0 || (size_t)n >= sizeof child)
            continue;
        if (stat(child, &st) == 0 && S_ISDIR(st.st_mode)) {
            remove_below(child, depth - 1);
            continue;
        }
        _chmod(child, _S_IREAD | _S_IWRITE);
        unlink(child);
    }
    if (dir != NULL)
        closedir(dir);
    _rmdir(path);
}

void places_remove_tree(const char *path)
{
    remove_below(path, DEPTH_MAX);
}
