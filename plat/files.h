/* The seam for reading files and folders that others write.
 *
 * Every call may block (a share can hang): worker threads only.  Paths are
 * UTF-8.  The store's own file does not go through here: SQLite has a seam of
 * its own below it (a VFS).
 */
#ifndef PLAT_FILES_H
#define PLAT_FILES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILES_PATH_MAX = 4096, FILES_OWNER_MAX = 192 };

struct file_info {
    bool is_dir;
    bool is_regular; /* neither: a device, a socket ...; never opened */
    uint64_t size;
    int64_t mtime_ns;
    uint64_t id[2];              /* stays the same while a file is renamed: device and inode, or volume and file id */
    char owner[FILES_OWNER_MAX]; /* Windows: the owner's SID as text; else "" */
    bool hole_at_end;            /* info() only: sparse, and the last page is a hole */
};

struct file;

struct files {
    const struct files_ops *ops;
    void *state;
};

struct files_ops {
    /* Follows symbolic links; ERR_NOT_FOUND, ERR_PERMISSION, ... */
    int (*stat)(const struct files *f, const char *path, struct file_info *out, struct err *e);

    /* For reading, never created.  Others may go on writing. */
    int (*open)(const struct files *f, const char *path, struct file **out, struct err *e);

    /* Up to len bytes from offset; *got < len only at the end of the file. */
    int (*read_at)(struct file *file, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e);
    int (*info)(struct file *file, struct file_info *out, struct err *e);
    void (*close)(struct file *file);

    /* 0 when nobody has the file open for writing, ERR_BUSY when somebody has.
     * Windows: an exclusive open; Linux: a read lease, where the file system
     * knows them, and 0 where it does not. */
    int (*writer_gone)(const struct files *f, const char *path, struct err *e);

    /* Calls take for every entry but "." and "..", in no order, until it
     * returns false.  name is the entry alone. */
    int (*list)(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                struct err *e);
};

/* The system's files; static, thread safe. */
const struct files *plat_files(void);

#endif
