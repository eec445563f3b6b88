/* See support_files.h. */
#include "tests/torture/support_files.h"

struct failing_files failing_files;

static const struct files *under;

static bool call_fails(bool reads)
{
    if (failing_files.at == 0 || ++failing_files.seen != failing_files.at)
        return false;
    failing_files.met = true;
    return reads || !failing_files.shortens;
}

static int io_error(const char *what, struct err *e)
{
    return err_set(e, ERR_IO, "%s: the call fails", what);
}

static int failing_stat(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    (void)f;
    return call_fails(false) ? io_error(path, e) : under->ops->stat(under, path, out, e);
}

static int failing_open(const struct files *f, const char *path, struct file **out, struct err *e)
{
    (void)f;
    return call_fails(false) ? io_error(path, e) : under->ops->open(under, path, out, e);
}

static int failing_read(struct file *file, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    bool fails = call_fails(true);

    *got = 0;
    if (fails && !failing_files.shortens)
        return io_error("a file", e);
    return under->ops->read_at(file, offset, bytes, fails ? len / 2 : len, got, e);
}

static int failing_info(struct file *file, struct file_info *out, struct err *e)
{
    return call_fails(false) ? io_error("a file", e) : under->ops->info(file, out, e);
}

static int failing_writer_gone(const struct files *f, const char *path, struct err *e)
{
    (void)f;
    return call_fails(false) ? io_error(path, e) : under->ops->writer_gone(under, path, e);
}

static int failing_list(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                        struct err *e)
{
    (void)f;
    return call_fails(false) ? io_error(dir, e) : under->ops->list(under, dir, take, arg, e);
}

static void close_file(struct file *file)
{
    under->ops->close(file);
}

static const struct files_ops failing_ops = { .stat = failing_stat,
                                              .open = failing_open,
                                              .read_at = failing_read,
                                              .info = failing_info,
                                              .close = close_file,
                                              .writer_gone = failing_writer_gone,
                                              .list = failing_list };

const struct files *failing_files_over(const struct files *files)
{
    static const struct files failing = { .ops = &failing_ops };

    under = files;
    return &failing;
}
