/* Default places and private folders on Linux.  See plat/paths.h. */
#include "plat/paths.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_FDS_MAX = 16 };

static const char *const places[PLAT_PATH_COUNT] = {
    [PLAT_AGENT_CONFIG] = "/etc/hvagent/agent.yaml",  [PLAT_AGENT_DATA] = "/var/lib/hvagent",
    [PLAT_AGENT_SOCKET] = "/run/hvagent/status.sock", [PLAT_HUB_CONFIG] = "/etc/hvhub/hub.yaml",
    [PLAT_HUB_STORE] = "/var/lib/hvhub/fleet.db",
};

const char *plat_path(enum plat_path which)
{
    return places[which];
}

void plat_path_tidy(char *path)
{
    (void)path;
}

/* forbidden: mode bits that must not be set; advice: the chmod that mends it. */
static int own_dir(const char *path, mode_t make, mode_t forbidden, const char *advice, struct err *e)
{
    struct stat st;

    if (mkdir(path, make) != 0 && errno != EEXIST)
        return err_errno(e, errno, "cannot make the folder %s", path);
    if (stat(path, &st) != 0)
        return err_errno(e, errno, "%s", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID, "%s is not a folder", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(e, ERR_PERMISSION, "%s belongs to user %lu, not to the user this runs as: chown %lu %s", path,
                       (unsigned long)st.st_uid, (unsigned long)geteuid(), path);
    if ((st.st_mode & forbidden) != 0)
        return err_set(e, ERR_PERMISSION, "%s is open to others (mode %04o): chmod %s %s", path,
                       (unsigned)(st.st_mode & 07777), advice, path);
    return 0;
}

int plat_private_dir(const char *path, struct err *e)
{
    return own_dir(path, 0700, 0027, "0750", e);
}

int plat_socket_dir(const char *path, struct err *e)
{
    return own_dir(path, 0755, 0022, "0755", e);
}

int plat_temp_dir(const char *prefix, char *out, size_t size, struct err *e)
{
    const char *base = getenv("TMPDIR");
    char path[PATH_MAX], *real;
    int n = snprintf(path, sizeof path, "%s/%s.XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp", prefix);

    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(e, ERR_TOO_BIG, "TMPDIR is too long a path");
    if (mkdtemp(path) == NULL)
        return err_errno(e, errno, "cannot make a temporary folder %s", path);
    real = realpath(path, NULL);
    if (real == NULL || strlen(real) >= size) {
        free(real);
        rmdir(path);
        return err_set(e, ERR_TOO_BIG, "the temporary folder's path is too long");
    }
    memcpy(out, real, strlen(real) + 1);
    free(real);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    remove(path);
    return 0; /* go on: the rest is to go too */
}

void plat_remove_tree(const char *path)
{
    nftw(path, remove_one, TREE_FDS_MAX, FTW_DEPTH | FTW_PHYS);
}
