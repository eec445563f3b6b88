/* See support_vfs.h. */
#include "tests/store/support_vfs.h"

#include "base/text.h"

#include <check.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 32, PATH_LEN = 512, SECTOR = 512 };

/* One change that was not synced. */
struct change {
    struct change *earlier, *later;
    sqlite3_int64 at;
    int len;                   /* bytes written; -1 a truncation to `at` */
    sqlite3_int64 size_before; /* of the file */
    int old_len;
    unsigned char *old_bytes; /* what was there, or what was cut off */
    unsigned char *new_bytes;
};

struct tracked {
    char path[PATH_LEN];
    struct change *oldest, *newest;
};

struct shim {
    sqlite3_file base;
    struct tracked *tracked; /* NULL: not watched (the lock file) */
    sqlite3_file *real;
};

static sqlite3_vfs shim_vfs;
static sqlite3_vfs *real_vfs;
static struct tracked files[FILES];
static enum disk_fault fault;
static int64_t operations, fail_at;
static bool met;

/* ---- what is not synced ---------------------------------------------------- */

static void forget(struct tracked *t)
{
    while (t->oldest != NULL) {
        struct change *c = t->oldest;

        t->oldest = c->later;
        free(c->old_bytes);
        free(c->new_bytes);
        free(c);
    }
    t->newest = NULL;
}

static struct tracked *track(const char *path)
{
    if (path == NULL || text_ends_with_nocase(path, ".lock"))
        return NULL;
    for (int i = 0; i < FILES; i++) {
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
        if (files[i].path[0] == '\0') {
            ck_assert(text_copy(files[i].path, PATH_LEN, path));
            return &files[i];
        }
    }
    ck_abort_msg("too many files for the test disk");
    return NULL;
}

static void *bytes_of(int len)
{
    void *p = calloc(1, len > 0 ? (size_t)len : 1);

    ck_assert_ptr_nonnull(p);
    return p;
}

static struct change *note(struct shim *f, sqlite3_int64 at, int len, int old_len)
{
    struct tracked *t = f->tracked;
    struct change *c = bytes_of(sizeof *c);

    f->real->pMethods->xFileSize(f->real, &c->size_before);
    c->at = at;
    c->len = len;
    c->old_len = old_len;
    c->old_bytes = bytes_of(old_len);
    if (old_len > 0)
        f->real->pMethods->xRead(f->real, c->old_bytes, old_len, at);
    c->earlier = t->newest;
    if (t->newest != NULL)
        t->newest->later = c;
    else
        t->oldest = c;
    t->newest = c;
    return c;
}

/* ---- the plan --------------------------------------------------------------- */

enum verdict { GO, REFUSE, HALF };

static enum verdict judge(bool is_write)
{
    if (fault == DISK_READ_FAILS_ONCE)
        return GO;
    operations++;
    if (fault == DISK_GOOD || operations < fail_at)
        return GO;
    if (operations == fail_at) {
        met = true;
        return fault == DISK_FULL && !is_write ? GO : is_write ? HALF : REFUSE;
    }
    return fault == DISK_CRASH || (fault == DISK_FULL && is_write) ? REFUSE : GO;
}

static int refused(int otherwise)
{
    return fault == DISK_FULL ? SQLITE_FULL : otherwise;
}

/* ---- file methods ----------------------------------------------------------- */

#define REAL(f) (((struct shim *)(f))->real)

static int shim_close(sqlite3_file *f)
{
    return REAL(f)->pMethods->xClose(REAL(f));
}

static int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    if (fault == DISK_READ_FAILS_ONCE && ((struct shim *)f)->tracked != NULL && ++operations == fail_at) {
        met = true;
        return SQLITE_IOERR_READ;
    }
    return REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct shim *s = (struct shim *)f;
    enum verdict v = s->tracked != NULL ? judge(true) : GO;
    int len = v == HALF ? n / 2 : n, rc;

    if (v == REFUSE)
        return refused(SQLITE_IOERR_WRITE);
    if (s->tracked != NULL) {
        struct change *c = note(s, at, len, len);

        c->new_bytes = bytes_of(len);
        memcpy(c->new_bytes, p, (size_t)len);
    }
    rc = REAL(f)->pMethods->xWrite(REAL(f), p, len, at);
    return rc == SQLITE_OK && v == HALF ? refused(SQLITE_IOERR_WRITE) : rc;
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct shim *s = (struct shim *)f;

    if (s->tracked != NULL) {
        sqlite3_int64 now = 0;

        if (judge(false) != GO)
            return SQLITE_IOERR_TRUNCATE;
        REAL(f)->pMethods->xFileSize(REAL(f), &now);
        note(s, size, -1, now > size ? (int)(now - size) : 0);
    }
    return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    struct shim *s = (struct shim *)f;

    (void)flags;
    if (s->tracked == NULL)
        return SQLITE_OK;
    if (judge(false) != GO)
        return SQLITE_IOERR_FSYNC;
    forget(s->tracked);
    return SQLITE_OK;
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return REAL(f)->pMethods->xFileSize(REAL(f), size);
}

static int shim_lock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int shim_check_lock(sqlite3_file *f, int *out)
{
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int shim_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int shim_traits(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 1,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_traits,
};

/* ---- VFS methods ------------------------------------------------------------ */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct shim *s = (struct shim *)f;
    int rc;

    (void)vfs;
    *s = (struct shim){ .real = (sqlite3_file *)(s + 1) };
    rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out_flags);
    if (rc != SQLITE_OK)
        return rc;
    s->tracked = track(name);
    s->base.pMethods = &shim_methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct tracked *t = track(name);

    (void)vfs;
    (void)sync_dir;
    if (t != NULL && judge(false) != GO)
        return SQLITE_IOERR_DELETE;
    if (t != NULL)
        forget(t);
    return real_vfs->xDelete(real_vfs, name, 0);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    return real_vfs->xAccess(real_vfs, name, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    return real_vfs->xFullPathname(real_vfs, name, n, out);
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return real_vfs->xRandomness(real_vfs, n, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return real_vfs->xSleep(real_vfs, us);
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return real_vfs->xCurrentTime(real_vfs, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    (void)n;
    (void)out;
    return 0;
}

static void register_once(void)
{
    if (real_vfs != NULL)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    ck_assert_ptr_nonnull(real_vfs);
    shim_vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct shim) + real_vfs->szOsFile,
        .mxPathname = real_vfs->mxPathname,
        .zName = TEST_VFS,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    ck_assert_int_eq(sqlite3_vfs_register(&shim_vfs, 0), SQLITE_OK);
}

/* ---- for the tests ------------------------------------------------------------ */

void disk_plan(enum disk_fault what, int64_t at)
{
    fault = what;
    fail_at = at;
    operations = 0;
    met = false;
}

void disk_reset(void)
{
    register_once();
    for (int i = 0; i < FILES; i++) {
        forget(&files[i]);
        files[i].path[0] = '\0';
    }
    disk_plan(DISK_GOOD, 0);
}

int64_t disk_operations(void)
{
    return operations;
}

int disk_met(void)
{
    return met;
}

/* A file's content in memory while a crash is worked out. */
struct image {
    unsigned char *bytes;
    sqlite3_int64 size, cap;
};

static void set_size(struct image *m, sqlite3_int64 size)
{
    if (size > m->cap) {
        m->bytes = realloc(m->bytes, (size_t)size * 2);
        ck_assert_ptr_nonnull(m->bytes);
        m->cap = size * 2;
    }
    if (size > m->size)
        memset(m->bytes + m->size, 0, (size_t)(size - m->size));
    m->size = size;
}

static void put(struct image *m, sqlite3_int64 at, const unsigned char *bytes, sqlite3_int64 len)
{
    if (at + len > m->size)
        set_size(m, at + len);
    memcpy(m->bytes + at, bytes, (size_t)len);
}

static void undo(struct image *m, const struct change *c)
{
    put(m, c->at, c->old_bytes, c->old_len);
    set_size(m, c->size_before);
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x >> 11;
}

/* Some sectors of the change reach the disk and some do not. */
static void redo_some(struct image *m, const struct change *c, uint64_t *random)
{
    sqlite3_int64 next;

    if (c->len < 0) {
        if (next_random(random) % 2 == 0)
            set_size(m, c->at);
        return;
    }
    for (sqlite3_int64 i = 0; i < c->len; i = next) {
        next = ((c->at + i) / SECTOR + 1) * SECTOR - c->at;
        if (next > c->len)
            next = c->len;
        if (next_random(random) % 2 == 0)
            put(m, c->at + i, c->new_bytes + i, next - i);
    }
}

static bool load(const char *path, struct image *m)
{
    FILE *f = fopen(path, "rb");
    long size;

    if (f == NULL)
        return false;
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    set_size(m, size);
    ck_assert_uint_eq(fread(m->bytes, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    return true;
}

static void save(const char *path, const struct image *m)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    if (m->size > 0)
        ck_assert_uint_eq(fwrite(m->bytes, 1, (size_t)m->size, f), (size_t)m->size);
    ck_assert_int_eq(fclose(f), 0);
}

void disk_crash(uint64_t seed)
{
    uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;

    for (int i = 0; i < FILES; i++) {
        struct image m = { .bytes = bytes_of(1), .cap = 1 };

        if (files[i].oldest != NULL && load(files[i].path, &m)) {
            for (const struct change *c = files[i].newest; c != NULL; c = c->earlier)
                undo(&m, c);
            for (const struct change *c = files[i].oldest; seed != 0 && c != NULL; c = c->later)
                redo_some(&m, c, &random);
            save(files[i].path, &m);
        }
        free(m.bytes);
    }
    disk_reset();
}
