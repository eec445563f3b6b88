/* Corrupt store files: kept under another name, and not without bound.
 *
 * "<path>.corrupt-20260131T080000Z" with its -wal beside it opens in any SQLite
 * shell as the store was.  The write-ahead log is renamed first: a log without its
 * file is nothing, but a log left beside a new file would be played into it.
 *
 * A disk that ruins the store every day must not be filled with ruins, so the
 * newest STORE_ASIDE_FILES_MAX are kept.
 */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define MARK ".corrupt-"

enum { TRIES = 100, NAMES_MAX = 256, NAME_LEN = 256 };

static const char *const companions[] = { "-wal", "-shm", "-journal", "" };

int uv_error(struct err *e, int uv_code, const char *what, const char *path)
{
    static const struct {
        int uv;
        enum err_code code;
    } codes[] = {
        { UV_ENOENT, ERR_NOT_FOUND }, { UV_ENOTDIR, ERR_NOT_FOUND }, { UV_EACCES, ERR_PERMISSION },
        { UV_EPERM, ERR_PERMISSION }, { UV_EROFS, ERR_PERMISSION },  { UV_ENOSPC, ERR_NO_SPACE },
        { UV_ENOMEM, ERR_MEMORY },    { UV_EBUSY, ERR_BUSY },        { UV_EISDIR, ERR_INVALID },
    };
    enum err_code code = ERR_IO;
    char why[64];

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].uv == uv_code)
            code = codes[i].code;
    /* uv_strerror() would leak the name of a code that is not in its list (a quota). */
    return err_set(e, code, "%s: cannot %s: %s", path, what, uv_strerror_r(uv_code, why, sizeof why));
}

static bool exists(const char *path)
{
    uv_fs_t req;
    bool yes = uv_fs_stat(NULL, &req, path, NULL) == 0;

    uv_fs_req_cleanup(&req);
    return yes;
}

static int rename_one(const char *from, const char *to, struct err *e)
{
    uv_fs_t req;
    int rc = uv_fs_rename(NULL, &req, from, to, NULL);

    uv_fs_req_cleanup(&req);
    return rc == 0 || rc == UV_ENOENT ? 0 : uv_error(e, rc, "set the damaged store aside", from);
}

static void remove_one(const char *path)
{
    uv_fs_t req;

    uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
}

/* a + b in out; what the store is opened with leaves room for our endings. */
static char *join(char *out, const char *a, const char *b)
{
    snprintf(out, STORE_PATH_MAX, "%s%s", a, b);
    return out;
}

/* "20260131T080000Z" (size TIMES_TEXT_MAX). */
static void compact_time(int64_t ns, char *out)
{
    char text[TIMES_TEXT_MAX];
    size_t used = 0;

    times_format(ns / NS_PER_S * NS_PER_S, text);
    for (const char *p = text; *p != '\0'; p++)
        if (*p != '-' && *p != ':')
            out[used++] = *p;
    out[used] = '\0';
}

size_t path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        slash = strrchr(path, '\\');
    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

char *path_folder(const char *path, char *out)
{
    size_t at = path_base(path);

    if (at == 0)
        text_copy(out, STORE_PATH_MAX, ".");
    else
        snprintf(out, STORE_PATH_MAX, "%.*s", (int)at, path);
    return out;
}

struct names {
    char name[NAMES_MAX][NAME_LEN];
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_aside(const char *name, const char *base)
{
    size_t n = strlen(base);

    if (strncmp(name, base, n) != 0 || strncmp(name + n, MARK, strlen(MARK)) != 0)
        return false;
    return !text_ends_with_nocase(name, "-wal") && !text_ends_with_nocase(name, "-shm") &&
           !text_ends_with_nocase(name, "-journal");
}

/* The files set aside earlier, oldest first; their names tell their age. */
static void list(const struct store *s, struct names *out)
{
    char dir[STORE_PATH_MAX];
    size_t at = path_base(s->path);
    uv_dirent_t entry;
    uv_fs_t req;

    out->count = 0;
    if (uv_fs_scandir(NULL, &req, path_folder(s->path, dir), 0, NULL) >= 0)
        while (out->count < NAMES_MAX && uv_fs_scandir_next(&req, &entry) == 0) {
            if (!is_aside(entry.name, s->path + at))
                continue;
            text_copy(out->name[out->count++], NAME_LEN, entry.name);
        }
    uv_fs_req_cleanup(&req);
    qsort(out->name, out->count, sizeof out->name[0], by_name);
}

static void full_name(const struct store *s, const char *name, char *out)
{
    snprintf(out, STORE_PATH_MAX, "%.*s%s", (int)path_base(s->path), s->path, name);
}

void aside_files_newest(const struct store *s, char *out)
{
    struct names names;

    list(s, &names);
    out[0] = '\0';
    if (names.count > 0)
        full_name(s, names.name[names.count - 1], out);
}

static void prune(const struct store *s)
{
    char path[STORE_PATH_MAX], companion[STORE_PATH_MAX];
    struct names names;

    list(s, &names);
    for (size_t i = 0; i + STORE_ASIDE_FILES_MAX < names.count; i++) {
        full_name(s, names.name[i], path);
        for (size_t k = 0; k < sizeof companions / sizeof companions[0]; k++)
            remove_one(join(companion, path, companions[k]));
        log_event(LOG_WARN, "store.old_corrupt_file_removed", LOG_S("path", path));
    }
}

/* The time for the new name: never before that of the newest file, even when
 * the clock was put back, because the order of the names is their age. */
static void stamp(const struct store *s, const struct names *names, char *out)
{
    size_t prefix = strlen(s->path + path_base(s->path)) + strlen(MARK);
    const char *newest = names->count > 0 ? names->name[names->count - 1] + prefix : "";
    char text[TIMES_TEXT_MAX];

    compact_time(s->clock->wall_ns(s->clock), out);
    text_copy(text, strlen(out) + 1, newest);
    if (strcmp(text, out) > 0)
        text_copy(out, TIMES_TEXT_MAX, text);
}

/* A name that nothing has yet and that sorts after all others. */
static bool free_name(const struct store *s, char *out)
{
    char when[TIMES_TEXT_MAX], suffix[sizeof MARK + TIMES_TEXT_MAX + 8];
    struct names names;
    bool found = false;

    list(s, &names);
    stamp(s, &names, when);
    for (int i = 0; i < TRIES && !found; i++) {
        if (i == 0)
            snprintf(suffix, sizeof suffix, MARK "%s", when);
        else
            snprintf(suffix, sizeof suffix, MARK "%s-%02d", when, i);
        found = !exists(join(out, s->path, suffix)) &&
                (names.count == 0 || strcmp(out + path_base(out), names.name[names.count - 1]) > 0);
    }
    return found;
}

int aside_files_move(const struct store *s, char *out, struct err *e)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX];
    int rc = 0;

    if (!free_name(s, out))
        return err_set(e, ERR_IO, "%s: damaged, and no name is free to keep it under", s->path);
    for (size_t i = 0; rc == 0 && i < sizeof companions / sizeof companions[0]; i++)
        rc = rename_one(join(from, s->path, companions[i]), join(to, out, companions[i]), e);
    if (rc == 0)
        prune(s);
    return rc;
}
