/* See fleet_backup.h.
 *
 * Both ways are the same copy: SQLite's online backup, page by page, out of a read
 * transaction that is held over all of it.  So the copy is of one moment, and a hub that
 * writes meanwhile does not make it start again; its write-ahead log grows until
 * the copy is done.  The new file gets its name when it is whole, checked and synced.
 *
 * A restore never changes the fleet that is there, it moves it aside: first its
 * write-ahead log (if a killed hub left one that can not be folded in), so that the log never
 * lies beside a database that is not its own, then the file. */
#include "hub/fleet_backup.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    STEP_PAGES = 2048,
    BUSY_MS = 5000,
    BUSY_PAUSE_MS = 100,
    SUFFIX_MAX = 64,
    /* where SQLite's locks on a database file lie: "The Lock-Byte Page" of its file format */
    LOCK_BYTES_AT = 0x40000000,
    LOCK_BYTES = 512,
};

/* ---- files -------------------------------------------------------------------------- */

static int join(char out[FLEET_BACKUP_PATH_MAX], const char *path, const char *suffix, struct err *e)
{
    int n = snprintf(out, FLEET_BACKUP_PATH_MAX, "%s%s", path, suffix);

    if (n < 0 || n >= FLEET_BACKUP_PATH_MAX - SUFFIX_MAX)
        return err_set(e, ERR_INVALID, "%s: the path is too long", path);
    return 0;
}

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void folder_of(const char *path, char out[FLEET_BACKUP_PATH_MAX])
{
    char *slash;

    text_copy(out, FLEET_BACKUP_PATH_MAX, path);
    slash = strrchr(out, '/');
    if (slash == NULL)
        text_copy(out, FLEET_BACKUP_PATH_MAX, ".");
    else
        slash[slash == out ? 1 : 0] = '\0';
}

/* A file's bytes, or a folder's names, to the disk. */
static int sync_path(const char *path, int flags, struct err *e)
{
    int fd = open(path, flags | O_CLOEXEC), rc = 0;

    if (fd < 0 || fsync(fd) != 0)
        rc = err_errno(e, errno, "%s: cannot be written to the disk", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int give_name(const char *from, const char *to, struct err *e)
{
    char folder[FLEET_BACKUP_PATH_MAX];

    if (rename(from, to) != 0)
        return err_errno(e, errno, "%s: cannot be renamed to %s", from, to);
    folder_of(to, folder);
    return sync_path(folder, O_RDONLY | O_DIRECTORY, e);
}

static int make_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return err_set(e, ERR_STATE, "%s is there: another backup or restore runs, or one was killed; then remove it",
                       path);
    if (fd < 0)
        return err_errno(e, errno, "%s: cannot be made", path);
    close(fd);
    return 0;
}

/* With what SQLite may have put beside it. */
static void remove_file(const char *path)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    char name[FLEET_BACKUP_PATH_MAX];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (join(name, path, suffixes[i], NULL) == 0)
            (void)unlink(name);
    }
}

/* ---- the copy -------------------------------------------------------------------------- */

struct copy {
    const struct fleet_backup *b;
    const char *from, *to;
    sqlite3 *source, *target;
};

static int copy_failed(sqlite3 *db, const char *path, int code, struct err *e)
{
    const char *why = db != NULL && sqlite3_errcode(db) != SQLITE_OK ? sqlite3_errmsg(db) : sqlite3_errstr(code);

    switch (code & 0xff) {
    case SQLITE_FULL:
        return err_set(e, ERR_NO_SPACE, "%s: %s; make room on its disk", path, why);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, ERR_BUSY, "%s: %s; try again", path, why);
    case SQLITE_NOTADB:
        return err_set(e, ERR_INVALID, "%s: this is not a fleet store", path);
    case SQLITE_CORRUPT:
        return err_set(e, ERR_CORRUPT, "%s: damaged: %s", path, why);
    default:
        return err_set(e, ERR_IO, "%s: %s", path, why);
    }
}

static int open_end(sqlite3 **db, const char *path, int flags, const char *begin, struct err *e)
{
    int code = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(*db, BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*db, begin, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : copy_failed(*db, path, code, e);
}

static void report(const struct fleet_backup *b, const char *step, int64_t done, int64_t total)
{
    if (b->progress != NULL)
        b->progress(b->arg, step, done, total);
}

static int64_t page_bytes(sqlite3 *db)
{
    sqlite3_stmt *q = NULL;
    int64_t size = 0;

    if (sqlite3_prepare_v2(db, "PRAGMA page_size", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        size = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return size;
}

static int copy_pages(struct copy *c, struct err *e)
{
    sqlite3_backup *pages = sqlite3_backup_init(c->target, "main", c->source, "main");
    int64_t size = page_bytes(c->source);
    int code = SQLITE_OK, waited = 0;

    if (pages == NULL)
        return copy_failed(c->target, c->to, sqlite3_errcode(c->target), e);
    while (code == SQLITE_OK || (code == SQLITE_BUSY && waited < BUSY_MS)) {
        if (code == SQLITE_BUSY)
            waited += sqlite3_sleep(BUSY_PAUSE_MS);
        code = sqlite3_backup_step(pages, STEP_PAGES);
        report(c->b, "copied", (sqlite3_backup_pagecount(pages) - sqlite3_backup_remaining(pages)) * size,
               sqlite3_backup_pagecount(pages) * size);
    }
    (void)sqlite3_backup_finish(pages);
    return code == SQLITE_DONE ? 0 : copy_failed(NULL, c->to, code, e);
}

/* One file without a log beside it, and every page of it good. */
static int settle_copy(struct copy *c, struct err *e)
{
    sqlite3_stmt *q = NULL;
    const char *text;
    int rc = 0, code = sqlite3_exec(c->target, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(c->target, "PRAGMA integrity_check(1)", -1, &q, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(q);
    if (code != SQLITE_ROW) {
        rc = copy_failed(c->target, c->from, code, e);
    } else {
        text = (const char *)sqlite3_column_text(q, 0);
        if (text == NULL || strcmp(text, "ok") != 0)
            rc = err_set(e, ERR_CORRUPT, "%s: damaged: %s", c->from, text != NULL ? text : "out of memory");
    }
    sqlite3_finalize(q);
    return rc;
}

/* From one file to a new one that nobody else sees; on error there is none. */
static int copy_file(const struct fleet_backup *b, const char *from, const char *to, struct err *e)
{
    struct copy c = { .b = b, .from = from, .to = to };
    int rc = make_file(to, e);

    if (rc != 0)
        return rc;
    rc = open_end(&c.source, from, SQLITE_OPEN_READONLY, "BEGIN; SELECT count(*) FROM sqlite_schema", e);
    if (rc == 0)
        rc = open_end(&c.target, to, SQLITE_OPEN_READWRITE, "PRAGMA synchronous=OFF", e);
    if (rc == 0)
        rc = copy_pages(&c, e);
    if (rc == 0)
        rc = settle_copy(&c, e);
    sqlite3_close(c.target);
    sqlite3_close(c.source);
    if (rc == 0)
        rc = sync_path(to, O_RDWR, e);
    if (rc != 0)
        remove_file(to);
    return rc;
}

/* ---- what is in it -------------------------------------------------------------------------- */

static bool newest_agent(void *arg, const struct fleet_agent *a)
{
    struct fleet_backup_result *out = (struct fleet_backup_result *)arg;

    if (a->last_seen > out->newest)
        out->newest = a->last_seen;
    return true;
}

/* Opens it as a hub does, or as a report does, and looks. */
static int look_into(const struct fleet_backup *b, const char *path, bool read_only, struct fleet_backup_result *out,
                     struct err *e)
{
    struct fleet_store_options options = {
        .path = path, .read_only = read_only, .floors = b->floors, .clock = b->clock
    };
    struct fleet_reader reader = { .arg = out, .agent = newest_agent };
    struct fleet_stats stats = { 0 };
    struct fleet_store *s;
    int rc = fleet_store_open(&s, &options, e);

    if (rc != 0)
        return rc;
    *out = (struct fleet_backup_result){ 0 };
    rc = fleet_store_stats(s, &stats, e);
    if (rc == 0)
        rc = fleet_store_read(s, &reader, e);
    fleet_store_close(s);
    out->hosts = stats.hosts;
    out->guests = stats.guests;
    return rc;
}

static void measure(const char *path, struct fleet_backup_result *out)
{
    struct stat st;

    out->bytes = stat(path, &st) == 0 ? st.st_size : 0;
}

/* ---- there -------------------------------------------------------------------------------------- */

int fleet_backup(const struct fleet_backup *b, struct fleet_backup_result *out, struct err *e)
{
    char part[FLEET_BACKUP_PATH_MAX];
    int rc = join(part, b->to, ".part", e);

    if (rc != 0)
        return rc;
    if (is_there(b->to))
        return err_set(e, ERR_STATE, "%s is there already: name a file that is not", b->to);
    rc = look_into(b, b->from, true, out, e); /* is it a fleet store? */
    if (rc == 0)
        rc = copy_file(b, b->from, part, e);
    if (rc != 0)
        return rc;
    rc = look_into(b, part, true, out, e);
    if (rc == 0)
        rc = give_name(part, b->to, e);
    if (rc != 0)
        remove_file(part);
    measure(b->to, out);
    return rc;
}

/* ---- and back ------------------------------------------------------------------------------------- */

/* A hub holds a lock in these bytes for as long as it has the file open.  Asked of the file itself, so that
 * it works for one that is damaged. */
static int check_closed(const char *path, struct err *e)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_BYTES_AT, .l_len = LOCK_BYTES };
    int fd = open(path, O_RDWR | O_CLOEXEC), rc = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(e, errno, "%s: cannot be opened", path);
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0)
        rc = err_errno(e, errno, "%s: its locks can not be seen", path);
    else if (lock.l_type != F_UNLCK)
        rc = err_set(e, ERR_BUSY, "%s: a program has it open: stop hvhub first", path);
    close(fd);
    return rc;
}

static int make_folder(const char *path, struct err *e)
{
    char folder[FLEET_BACKUP_PATH_MAX];

    folder_of(path, folder);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_errno(e, errno, "%s: cannot make the store's folder", folder);
    return 0;
}

/* Run by root for a hub that is somebody else: the file goes to whom the folder belongs. */
static int give_owner(const char *path, struct err *e)
{
    char folder[FLEET_BACKUP_PATH_MAX];
    struct stat st;

    if (geteuid() != 0)
        return 0;
    folder_of(path, folder);
    if (stat(folder, &st) != 0 || lchown(path, st.st_uid, st.st_gid) != 0)
        return err_errno(e, errno, "%s: cannot be given to the owner of its folder", path);
    return 0;
}

/* Folds a log that a killed hub left into its file; what can not be folded stays beside it. */
static void fold_log(const char *path)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        (void)sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_close(db);
}

static void name_aside(const struct fleet_backup *b, char out[FLEET_BACKUP_PATH_MAX])
{
    time_t now = (time_t)(b->clock->wall_ns(b->clock) / 1000000000);
    char when[SUFFIX_MAX / 2];
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(when, sizeof when, ".replaced-%Y%m%dT%H%M%SZ", &utc);
    (void)!join(out, b->to, when, NULL);
}

/* What is at path, if anything, to the same name beside `aside`. */
static int move_beside(const char *path, const char *aside, const char *suffix, struct err *e)
{
    char from[FLEET_BACKUP_PATH_MAX], to[FLEET_BACKUP_PATH_MAX];
    int rc = join(from, path, suffix, e);

    if (rc == 0)
        rc = join(to, aside, suffix, e);
    if (rc != 0 || !is_there(from))
        return rc;
    return rename(from, to) == 0 ? 0 : err_errno(e, errno, "%s: cannot be moved aside to %s", from, to);
}

static int move_aside(const struct fleet_backup *b, char aside[FLEET_BACKUP_PATH_MAX], struct err *e)
{
    bool there = is_there(b->to);
    char shm[FLEET_BACKUP_PATH_MAX];
    int rc = check_closed(b->to, e);

    if (rc != 0)
        return rc;
    name_aside(b, aside);
    if (is_there(aside))
        return err_set(e, ERR_STATE, "%s is there already: try again in a second", aside);
    if (there)
        fold_log(b->to);
    rc = move_beside(b->to, aside, "-wal", e);
    if (rc == 0)
        rc = join(shm, b->to, "-shm", e);
    if (rc == 0)
        (void)unlink(shm); /* holds nothing that is not in the log */
    if (rc == 0)
        rc = move_beside(b->to, aside, "", e);
    if (!there)
        aside[0] = '\0';
    return rc;
}

static int check_target(const struct fleet_backup *b, struct err *e)
{
    struct stat from, to;

    if (stat(b->from, &from) != 0)
        return err_errno(e, errno, "%s", b->from);
    if (stat(b->to, &to) != 0)
        return make_folder(b->to, e);
    if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
        return err_set(e, ERR_INVALID, "%s is the hub's own file", b->from);
    if (!b->replace)
        return err_set(e, ERR_STATE, "%s: a fleet is there; --replace moves it aside and puts the backup in its place",
                       b->to);
    return check_closed(b->to, e);
}

int fleet_restore(const struct fleet_backup *b, struct fleet_backup_result *out, struct err *e)
{
    char part[FLEET_BACKUP_PATH_MAX], aside[FLEET_BACKUP_PATH_MAX] = "";
    int rc = join(part, b->to, ".restoring", e);

    if (rc == 0)
        rc = check_target(b, e);
    if (rc == 0)
        rc = copy_file(b, b->from, part, e);
    if (rc != 0)
        return rc;
    rc = look_into(b, part, false, out, e);
    if (rc == 0)
        rc = give_owner(part, e);
    if (rc == 0)
        rc = sync_path(part, O_RDWR, e);
    if (rc == 0)
        rc = move_aside(b, aside, e);
    if (rc == 0)
        rc = give_name(part, b->to, e);
    if (rc != 0) {
        remove_file(part);
        return rc;
    }
    measure(b->to, out);
    text_copy(out->aside, sizeof out->aside, aside);
    return 0;
}
