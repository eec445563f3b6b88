/* See support_fake_files.h. */
#include "tests/collectors/support_fake_files.h"

#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

struct file {
    struct fake_file *of;
};

static struct fake_file *find(const struct files *f, const char *path)
{
    struct fake_files *fake = f->state;

    for (int i = 0; i < fake->count; i++) {
        if (!fake->list[i].gone && strcmp(fake->list[i].path, path) == 0)
            return &fake->list[i];
    }
    return NULL;
}

static int fake_error(int rc, const char *path, struct err *e)
{
    return rc == 0 ? 0 : err_set(e, (enum err_code)rc, "%s: the fake fails with %s", path, err_name((enum err_code)rc));
}

static int fake_stat(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    struct fake_file *file = find(f, path);

    if (file == NULL)
        return fake_error(ERR_NOT_FOUND, path, e);
    *out = file->info;
    out->hole_at_end = false;
    return 0;
}

static int fake_open(const struct files *f, const char *path, struct file **out, struct err *e)
{
    struct fake_file *file = find(f, path);

    if (file == NULL || file->open_rc != 0)
        return fake_error(file == NULL ? ERR_NOT_FOUND : file->open_rc, path, e);
    file->opened++;
    if (file->on_open != NULL)
        file->on_open(file);
    *out = malloc(sizeof **out);
    if (*out == NULL)
        return fake_error(ERR_MEMORY, path, e);
    (*out)->of = file;
    return 0;
}

static int fake_read(struct file *file, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    const struct fake_file *of = file->of;

    *got = 0;
    if (of->read_rc != 0)
        return fake_error(of->read_rc, of->path, e);
    if (offset >= of->info.size)
        return 0;
    *got = len < of->info.size - offset ? len : (size_t)(of->info.size - offset);
    memcpy(bytes, (const char *)of->bytes + offset, *got);
    return 0;
}

static int fake_info(struct file *file, struct file_info *out, struct err *e)
{
    *out = file->of->info;
    return fake_error(file->of->info_rc, file->of->path, e);
}

static void fake_close(struct file *file)
{
    free(file);
}

static int fake_writer_gone(const struct files *f, const char *path, struct err *e)
{
    struct fake_file *file = find(f, path);

    return fake_error(file == NULL ? ERR_NOT_FOUND : file->writer_rc, path, e);
}

static int fake_list(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                     struct err *e)
{
    struct fake_files *fake = f->state;
    struct fake_file *folder = find(f, dir);
    size_t n = strlen(dir);

    if (folder == NULL || folder->list_rc != 0)
        return fake_error(folder == NULL ? ERR_NOT_FOUND : folder->list_rc, dir, e);
    for (int i = 0; i < fake->count; i++) {
        const char *path = fake->list[i].path;

        if (fake->list[i].gone || strncmp(path, dir, n) != 0 || path[n] != '/' || strchr(path + n + 1, '/') != NULL)
            continue;
        if (!take(arg, path + n + 1))
            break;
    }
    return 0;
}

void fake_files_init(struct fake_files *f)
{
    static const struct files_ops ops = {
        .stat = fake_stat,
        .open = fake_open,
        .read_at = fake_read,
        .info = fake_info,
        .close = fake_close,
        .writer_gone = fake_writer_gone,
        .list = fake_list,
    };

    memset(f, 0, sizeof *f);
    f->files.ops = &ops;
    f->files.state = f;
}

static struct fake_file *add(struct fake_files *f, const char *path)
{
    struct fake_file *file = &f->list[f->count++];

    ck_assert_int_le(f->count, FAKE_FILES_MAX);
    ck_assert_uint_lt(strlen(path), sizeof file->path);
    strncpy(file->path, path, sizeof file->path - 1);
    file->info.id[0] = 1;
    file->info.id[1] = ++f->next_id;
    return file;
}

struct fake_file *fake_folder(struct fake_files *f, const char *path)
{
    struct fake_file *file = add(f, path);

    file->info.is_dir = true;
    return file;
}

struct fake_file *fake_file(struct fake_files *f, const char *path, const void *bytes, size_t len, int64_t mtime_ns)
{
    struct fake_file *file = add(f, path);

    file->bytes = bytes;
    file->info.is_regular = true;
    file->info.size = len;
    file->info.mtime_ns = mtime_ns;
    return file;
}

static int64_t fake_ns(const struct clock *c)
{
    struct fake_clock *fake = c->state;

    fake->ns += fake->step;
    return fake->ns;
}

void fake_clock_init(struct fake_clock *c)
{
    *c = (struct fake_clock){ .clock = { .wall_ns = fake_ns, .monotonic_ns = fake_ns } };
    c->clock.state = c;
}
