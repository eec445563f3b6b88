/* Owners and modes.  See plat/trust.h.
 *
 * A file in a folder that neither its group nor others may enter is as closed
 * as the folder, whatever its own mode says.
 */
#include "plat/trust.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHERS_WRITE = 0022, OTHERS_ENTER = 0011, SECRET_FORBIDS = 0027 };

static bool is_stranger(uid_t uid)
{
    return uid != 0 && uid != geteuid();
}

static int belongs_to_stranger(const char *path, const struct stat *st, struct err *e)
{
    return err_set(e, ERR_PERMISSION,
                   "%s belongs to user %lu, who is neither root nor the user this runs as (%lu), and could change what "
                   "is in it: chown root %s",
                   path, (unsigned long)st->st_uid, (unsigned long)geteuid(), path);
}

/* The folder of path, in malloc'ed memory; NULL out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* *closed: others cannot reach what is in it. */
static int check_folder(const char *path, bool *closed, struct err *e)
{
    struct stat st;

    *closed = false;
    if (stat(path, &st) != 0)
        return 0;
    if (is_stranger(st.st_uid))
        return belongs_to_stranger(path, &st, e);
    *closed = (st.st_mode & OTHERS_ENTER) == 0;
    if ((st.st_mode & OTHERS_WRITE) == 0 || (st.st_mode & S_ISVTX) != 0 || *closed)
        return 0;
    return err_set(e, ERR_PERMISSION, "others may replace files in %s (mode %04o): chmod go-w %s", path,
                   (unsigned)(st.st_mode & 07777), path);
}

static int check_mode(const char *path, const struct stat *st, enum trust_kind kind, struct err *e)
{
    unsigned mode = st->st_mode & 07777;

    if ((mode & OTHERS_WRITE) != 0)
        return err_set(e, ERR_PERMISSION, "others may change %s (mode %04o): chmod %s %s", path, mode,
                       kind == TRUST_SECRET ? "0640" : "go-w", path);
    if (kind == TRUST_SECRET && (mode & SECRET_FORBIDS) != 0)
        return err_set(e, ERR_PERMISSION, "everybody may read the secret in %s (mode %04o): chmod 0640 %s", path, mode,
                       path);
    return 0;
}

static int check_in_folder(const char *path, enum trust_kind kind, struct err *e)
{
    struct stat st;
    bool closed;
    char *folder;
    int rc;

    if (stat(path, &st) != 0)
        return 0;
    if (is_stranger(st.st_uid))
        return belongs_to_stranger(path, &st, e);
    folder = folder_of(path);
    if (folder == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = check_folder(folder, &closed, e);
    free(folder);
    return rc != 0 || closed ? rc : check_mode(path, &st, kind, e);
}

int plat_trusted_file(const char *path, enum trust_kind kind, struct err *e)
{
    char *real = realpath(path, NULL);
    int rc;

    if (real == NULL)
        return 0;
    rc = check_in_folder(real, kind, e);
    if (rc == 0 && strcmp(real, path) != 0)
        rc = check_in_folder(path, kind, e); /* the link, which decides where it leads */
    free(real);
    return rc;
}
