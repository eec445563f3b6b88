/* See sim_disk.h. */
#include "tests/sim/sim_disk.h"

#include "base/text.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 8, SECTOR = 512, REGIONS = 8, ERROR_ONE_IN = 6 };

struct file {
    char name[SIM_DISK_PREFIX + 16];
    bool exists;
    unsigned char *now, *synced; /* both of cap bytes, zero beyond their sizes */
    unsigned char *dirty;        /* one a sector of now that differs from synced */
    int64_t size, synced_size, cap;
    int64_t dirty_from, dirty_to; /* sectors */
    void *regions[REGIONS];       /* the index of a write-ahead log, shared memory */
};

struct sim_disk {
    char prefix[SIM_DISK_PREFIX];
    struct file files[FILES];
    enum sim_trouble trouble;
    int64_t calls, die_at, fail_at;
    bool dead;
};

struct handle {
    sqlite3_file base;
    struct sim_disk *disk;
    struct file *file;
};

static struct sim_disk *disks[SIM_DISKS];
static uint64_t chance;

static uint64_t roll(uint64_t sides)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (chance >> 11) % sides;
}

/* ---- files ----------------------------------------------------------------- */

static void *must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void grow(struct file *f, int64_t size)
{
    int64_t cap = f->cap > 0 ? f->cap : 64 * 1024;

    while (cap < size)
        cap *= 2;
    if (cap == f->cap)
        return;
    f->now = must(realloc(f->now, (size_t)cap));
    f->synced = must(realloc(f->synced, (size_t)cap));
    f->dirty = must(realloc(f->dirty, (size_t)(cap / SECTOR)));
    memset(f->now + f->cap, 0, (size_t)(cap - f->cap));
    memset(f->synced + f->cap, 0, (size_t)(cap - f->cap));
    memset(f->dirty + f->cap / SECTOR, 0, (size_t)((cap - f->cap) / SECTOR));
    f->cap = cap;
}

static void mark_dirty(struct file *f, int64_t at, int64_t len)
{
    int64_t from = at / SECTOR, to = (at + len + SECTOR - 1) / SECTOR;

    if (from >= to)
        return;
    memset(f->dirty + from, 1, (size_t)(to - from));
    if (f->dirty_from == f->dirty_to) {
        f->dirty_from = from;
        f->dirty_to = to;
    }
    f->dirty_from = from < f->dirty_from ? from : f->dirty_from;
    f->dirty_to = to > f->dirty_to ? to : f->dirty_to;
}

static void set_size(struct file *f, int64_t size)
{
    grow(f, size);
    if (size < f->size) {
        memset(f->now + size, 0, (size_t)(f->size - size));
        mark_dirty(f, size, f->size - size);
    }
    f->size = size;
}

/* Sectors that are chosen by chance, or all, come to the disk; the others are lost. */
static void settle(struct file *f, bool all)
{
    bool shrank = f->size < f->synced_size;

    for (int64_t i = f->dirty_from; i < f->dirty_to; i++) {
        if (!f->dirty[i])
            continue;
        if (all || roll(2) == 0)
            memcpy(f->synced + i * SECTOR, f->now + i * SECTOR, SECTOR);
        else
            memcpy(f->now + i * SECTOR, f->synced + i * SECTOR, SECTOR);
        f->dirty[i] = 0;
    }
    f->dirty_from = f->dirty_to = 0;
    if (all || roll(2) == 0)
        f->synced_size = f->size;
    if (all && !shrank)
        return;
    f->size = f->synced_size;
    if (f->cap == 0)
        return;
    memset(f->now + f->size, 0, (size_t)(f->cap - f->size));
    memset(f->synced + f->size, 0, (size_t)(f->cap - f->size));
}

static void forget_regions(struct file *f)
{
    for (int i = 0; i < REGIONS; i++) {
        free(f->regions[i]);
        f->regions[i] = NULL;
    }
}

static void drop(struct file *f)
{
    forget_regions(f);
    free(f->now);
    free(f->synced);
    free(f->dirty);
    memset(f, 0, sizeof *f);
}

static struct sim_disk *disk_of(const char *name)
{
    for (int i = 0; i < SIM_DISKS; i++)
        if (disks[i] != NULL && strncmp(name, disks[i]->prefix, strlen(disks[i]->prefix)) == 0)
            return disks[i];
    return NULL;
}

static struct file *find(struct sim_disk *d, const char *name, bool make)
{
    struct file *unused = NULL;

    for (int i = 0; i < FILES; i++) {
        if (d->files[i].exists && strcmp(d->files[i].name, name) == 0)
            return &d->files[i];
        if (!d->files[i].exists && unused == NULL)
            unused = &d->files[i];
    }
    if (!make)
        return NULL;
    assert(unused != NULL);
    text_copy(unused->name, sizeof unused->name, name);
    unused->exists = true;
    return unused;
}

/* ---- what goes wrong ------------------------------------------------------------ */

/* 0, or what the call that changes the disk answers instead. */
static int trouble_with(struct sim_disk *d, bool is_write, int io_error)
{
    d->calls++;
    if (d->die_at != 0 && d->calls >= d->die_at)
        d->dead = true;
    if (d->dead || d->calls == d->fail_at)
        return io_error;
    if (d->trouble == SIM_DISK_FULL && is_write)
        return SQLITE_FULL;
    return d->trouble == SIM_DISK_FAILING && roll(ERROR_ONE_IN) == 0 ? io_error : SQLITE_OK;
}

/* ---- file methods ----------------------------------------------------------------- */

static struct handle *of(sqlite3_file *f)
{
    return (struct handle *)f;
}

static int sim_close(sqlite3_file *f)
{
    (void)f;
    return SQLITE_OK;
}

static int sim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    struct file *file = of(f)->file;
    int64_t there = file->size > at ? file->size - at : 0;

    if (of(f)->disk->dead)
        return SQLITE_IOERR_READ;
    if (there > n)
        there = n;
    if (there > 0)
        memcpy(p, file->now + at, (size_t)there);
    if (there == n)
        return SQLITE_OK;
    memset((char *)p + there, 0, (size_t)(n - there));
    return SQLITE_IOERR_SHORT_READ;
}

static int sim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct file *file = of(f)->file;
    bool was_dead = of(f)->disk->dead;
    int rc = trouble_with(of(f)->disk, true, SQLITE_IOERR_WRITE);

    if (was_dead || rc == SQLITE_FULL)
        return rc;
    if (rc != SQLITE_OK) /* half of it */
        n /= 2;
    if (at + n > file->size)
        set_size(file, at + n);
    memcpy(file->now + at, p, (size_t)n);
    mark_dirty(file, at, n);
    return rc;
}

static int sim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = trouble_with(of(f)->disk, false, SQLITE_IOERR_TRUNCATE);

    if (rc == SQLITE_OK)
        set_size(of(f)->file, size);
    return rc;
}

static int sim_sync(sqlite3_file *f, int flags)
{
    int rc = trouble_with(of(f)->disk, false, SQLITE_IOERR_FSYNC);

    (void)flags;
    if (rc == SQLITE_OK)
        settle(of(f)->file, true);
    return rc;
}

static int sim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    *size = of(f)->file->size;
    return SQLITE_OK;
}

static int sim_lock(sqlite3_file *f, int level)
{
    (void)f;
    (void)level;
    return SQLITE_OK;
}

static int sim_check_lock(sqlite3_file *f, int *out)
{
    (void)f;
    *out = 0;
    return SQLITE_OK;
}

static int sim_control(sqlite3_file *f, int op, void *arg)
{
    (void)f;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int sim_sector(sqlite3_file *f)
{
    (void)f;
    return 4096;
}

static int sim_traits(sqlite3_file *f)
{
    (void)f;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int sim_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
    struct file *file = of(f)->file;

    if (region >= REGIONS)
        return SQLITE_NOMEM;
    if (file->regions[region] == NULL && extend)
        file->regions[region] = must(calloc(1, (size_t)size));
    *out = file->regions[region];
    return SQLITE_OK;
}

static int sim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    (void)f;
    (void)offset;
    (void)n;
    (void)flags;
    return SQLITE_OK;
}

static void sim_shm_barrier(sqlite3_file *f)
{
    (void)f;
}

static int sim_shm_unmap(sqlite3_file *f, int delete_it)
{
    (void)delete_it;
    forget_regions(of(f)->file);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = sim_close,
    .xRead = sim_read,
    .xWrite = sim_write,
    .xTruncate = sim_truncate,
    .xSync = sim_sync,
    .xFileSize = sim_size,
    .xLock = sim_lock,
    .xUnlock = sim_lock,
    .xCheckReservedLock = sim_check_lock,
    .xFileControl = sim_control,
    .xSectorSize = sim_sector,
    .xDeviceCharacteristics = sim_traits,
    .xShmMap = sim_shm_map,
    .xShmLock = sim_shm_lock,
    .xShmBarrier = sim_shm_barrier,
    .xShmUnmap = sim_shm_unmap,
};

/* ---- VFS methods ------------------------------------------------------------------ */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct sim_disk *d = name != NULL ? disk_of(name) : NULL;
    bool make = (flags & SQLITE_OPEN_CREATE) != 0 || (flags & SQLITE_OPEN_MAIN_DB) != 0;
    struct handle *h = of(f);

    (void)vfs;
    *h = (struct handle){ .disk = d };
    if (d == NULL || d->dead)
        return SQLITE_CANTOPEN;
    h->file = find(d, name, make);
    if (h->file == NULL)
        return SQLITE_CANTOPEN;
    h->base.pMethods = &methods;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct sim_disk *d = disk_of(name);
    struct file *f = d != NULL ? find(d, name, false) : NULL;
    int rc;

    (void)vfs;
    (void)sync_dir;
    if (f == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    rc = trouble_with(d, false, SQLITE_IOERR_DELETE);
    if (rc == SQLITE_OK)
        drop(f);
    return rc;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    struct sim_disk *d = disk_of(name);
    const struct file *f = d != NULL ? find(d, name, false) : NULL;

    (void)vfs;
    *out = f != NULL && (flags != SQLITE_ACCESS_EXISTS || f->size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    return text_copy(out, (size_t)n, name) ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    for (int i = 0; i < n; i++)
        out[i] = (char)roll(256);
    return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    *out = 2461071.5;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    (void)n;
    (void)out;
    return 0;
}

void sim_disk_begin(uint64_t seed)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = SIM_DISK_PREFIX + 16,
        .zName = SIM_VFS,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };

    if (sqlite3_vfs_find(SIM_VFS) == NULL && sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
    chance = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    sqlite3_randomness(0, NULL);
}

/* ---- the disk ---------------------------------------------------------------------- */

struct sim_disk *sim_disk_new(const char *prefix)
{
    struct sim_disk *d = must(calloc(1, sizeof *d));
    int i = 0;

    text_copy(d->prefix, sizeof d->prefix, prefix);
    while (disks[i] != NULL)
        i++;
    assert(i < SIM_DISKS);
    disks[i] = d;
    return d;
}

void sim_disk_free(struct sim_disk *d)
{
    for (int i = 0; i < FILES; i++)
        drop(&d->files[i]);
    for (int i = 0; i < SIM_DISKS; i++)
        if (disks[i] == d)
            disks[i] = NULL;
    free(d);
}

void sim_disk_trouble(struct sim_disk *d, enum sim_trouble trouble)
{
    d->trouble = trouble;
}

void sim_disk_die_at(struct sim_disk *d, int64_t n)
{
    d->die_at = n == 0 ? 0 : d->calls + n;
}

void sim_disk_fail_at(struct sim_disk *d, int64_t n)
{
    d->fail_at = n == 0 ? 0 : d->calls + n;
}

int64_t sim_disk_calls(const struct sim_disk *d)
{
    return d->calls;
}

bool sim_disk_flip(struct sim_disk *d, const char *name, int64_t at, int bit)
{
    struct file *f = find(d, name, false);

    if (f == NULL || at >= f->size)
        return false;
    f->now[at] ^= (unsigned char)(1 << bit);
    f->synced[at] = f->now[at];
    return true;
}

void sim_disk_die(struct sim_disk *d)
{
    d->dead = true;
}

bool sim_disk_dead(const struct sim_disk *d)
{
    return d->dead;
}

void sim_disk_power_back(struct sim_disk *d, bool killed)
{
    d->die_at = 0;
    d->dead = false;
    for (int i = 0; i < FILES; i++) {
        if (d->files[i].exists && !killed)
            settle(&d->files[i], false);
        forget_regions(&d->files[i]);
    }
}

uint64_t sim_disk_bytes(const struct sim_disk *d)
{
    uint64_t n = 0;

    for (int i = 0; i < FILES; i++)
        n += (uint64_t)d->files[i].size;
    return n;
}
