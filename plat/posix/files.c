/* See files.h.
 *
 * Nothing but regular files is ever opened: opening a pipe waits for a writer
 * and opening a device can do things.  The kind is looked at before opening
 * and again behind it, and the file is opened non-blocking, so that losing the
 * race between the two costs nothing.
 */
#include "plat/files.h"

#include "base/times.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path is kept for messages. */
struct file {
    int fd;
    char path[];
};

static void info_from_stat(const struct stat *st, struct file_info *out)
{
    *out = (struct file_info){
        .is_dir = S_ISDIR(st->st_mode),
        .is_regular = S_ISREG(st->st_mode),
        .size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec,
        .id = { (uint64_t)st->st_dev, (uint64_t)st->st_ino },
    };
}

static int files_stat(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    struct stat st;

    (void)f;
    if (stat(path, &st) != 0)
        return err_errno(e, errno, "%s", path);
    info_from_stat(&st, out);
    return 0;
}

static int open_regular(const char *path, int *out, struct err *e)
{
    struct stat st;
    int fd;

    if (stat(path, &st) != 0)
        return err_errno(e, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "%s is not a regular file", path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_errno(e, errno, "cannot open %s", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, ERR_INVALID, "%s is not a regular file", path);
    }
    *out = fd;
    return 0;
}

static int files_open(const struct files *f, const char *path, struct file **out, struct err *e)
{
    size_t size = strlen(path) + 1;
    struct file *file;
    int fd = -1, rc;

    (void)f;
    rc = open_regular(path, &fd, e);
    if (rc != 0)
        return rc;
    file = malloc(sizeof *file + size);
    if (file == NULL) {
        close(fd);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    file->fd = fd;
    memcpy(file->path, path, size);
    *out = file;
    return 0;
}

static int files_read_at(struct file *file, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    unsigned char *p = bytes;

    *got = 0;
    if (offset > INT64_MAX - len)
        return 0; /* no file reaches there */
    while (*got < len) {
        ssize_t n = pread(file->fd, p + *got, len - *got, (off_t)(offset + *got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, errno, "cannot read %s", file->path);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return 0;
}

/* Where the file system does not tell holes, all of the file counts as data. */
static bool ends_in_hole(int fd, const struct stat *st)
{
    enum { PAGE = 4096 };
    off_t last;

    if (st->st_size == 0 || st->st_blocks * 512 >= st->st_size)
        return false;
    last = (st->st_size - 1) / PAGE * PAGE;
    return lseek(fd, last, SEEK_DATA) < 0 && errno == ENXIO;
}

static int files_info(struct file *file, struct file_info *out, struct err *e)
{
    struct stat st;

    if (fstat(file->fd, &st) != 0)
        return err_errno(e, errno, "%s", file->path);
    info_from_stat(&st, out);
    out->hole_at_end = ends_in_hole(file->fd, &st);
    return 0;
}

static void files_close(struct file *file)
{
    if (file == NULL)
        return;
    close(file->fd);
    free(file);
}

/* The kernel grants a read lease only while nobody has the file open for
 * writing.  It is given back at once.  Should a writer come in between, the
 * kernel signals the holder: a signal that is ignored by default is asked for
 * instead of SIGIO, which would end the program. */
static int files_writer_gone(const struct files *f, const char *path, struct err *e)
{
    int fd = -1, rc;

    (void)f;
    rc = open_regular(path, &fd, e);
    if (rc != 0)
        return rc;
#ifdef F_SETLEASE
    if (fcntl(fd, F_SETSIG, SIGURG) == 0) {
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
            fcntl(fd, F_SETLEASE, F_UNLCK);
        else if (errno == EAGAIN)
            rc = err_set(e, ERR_BUSY, "%s is still open for writing", path);
    }
#endif
    close(fd);
    return rc;
}

static int files_list(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                      struct err *e)
{
    DIR *d = opendir(dir);
    int rc = 0;

    (void)f;
    if (d == NULL)
        return err_errno(e, errno, "cannot read the folder %s", dir);
    for (;;) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(d);
        if (entry == NULL) {
            if (errno != 0)
                rc = err_errno(e, errno, "cannot read the folder %s", dir);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!take(arg, entry->d_name))
            break;
    }
    closedir(d);
    return rc;
}

const struct files *plat_files(void)
{
    static const struct files_ops ops = {
        .stat = files_stat,
        .open = files_open,
        .read_at = files_read_at,
        .info = files_info,
        .close = files_close,
        .writer_gone = files_writer_gone,
        .list = files_list,
    };
    static const struct files system_files = { .ops = &ops };

    return &system_files;
}
