/* See archive.h.  Unpacking is libarchive's, with its secure flags; the names
 * are checked here as well, because dir makes every path absolute and the flag that
 * refuses absolute paths cannot be used. */
#include "agent/archive.h"

#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { READ_BLOCK = 64 * 1024, ENTRIES_MAX = 20000 };

#define BYTES_MAX (INT64_C(16) * 1024 * 1024 * 1024)

struct archive_limits archive_limits_default(void)
{
    return (struct archive_limits){ .bytes_max = BYTES_MAX, .entries_max = ENTRIES_MAX };
}

bool archive_is(const char *path)
{
    static const char *const ends[] = { ".tar.gz", ".tgz", ".tar", ".tar.zst", ".tar.xz" };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (text_ends_with_nocase(path, ends[i]))
            return true;
    return false;
}

/* Relative, and no part of it is "..". */
static bool stays_inside(const char *name)
{
    if (name == NULL || name[0] == '/' || name[0] == '\0' || strchr(name, '\\') != NULL)
        return false;
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static int copy_data(struct archive *in, struct archive *out, int64_t *left, struct err *e)
{
    const void *block;
    size_t len;
    la_int64_t offset;
    int rc;

    while ((rc = archive_read_data_block(in, &block, &len, &offset)) == ARCHIVE_OK) {
        if (offset < 0 || (int64_t)len > *left || offset > *left - (int64_t)len)
            return err_set(e, ERR_TOO_BIG, "it unpacks to more than the limit");
        if (archive_write_data_block(out, block, len, offset) < ARCHIVE_OK)
            return err_set(e, ERR_IO, "cannot write: %s", archive_error_string(out));
    }
    if (rc != ARCHIVE_EOF)
        return err_set(e, ERR_INVALID, "damaged: %s", archive_error_string(in));
    return 0;
}

static int unpack_entry(struct archive *in, struct archive *out, struct archive_entry *entry, const char *dir,
                        int64_t *left, struct err *e)
{
    const char *name = archive_entry_pathname(entry);
    bool is_dir = archive_entry_filetype(entry) == AE_IFDIR;
    char path[PATH_MAX];
    int64_t size = archive_entry_size(entry);
    int rc = 0, n;

    if (!is_dir && (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL))
        return 0; /* links and devices are no part of a bundle */
    if (!stays_inside(name))
        return err_set(e, ERR_INVALID, "it holds a name that leaves its folder");
    n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(e, ERR_TOO_BIG, "it holds a name that is too long");
    if (size > *left)
        return err_set(e, ERR_TOO_BIG, "it unpacks to more than the limit");
    archive_entry_set_pathname(entry, path);
    archive_entry_set_perm(entry, is_dir ? 0700 : 0600);
    if (archive_write_header(out, entry) < ARCHIVE_OK)
        return err_set(e, ERR_IO, "cannot write: %s", archive_error_string(out));
    if (!is_dir)
        rc = copy_data(in, out, left, e);
    *left -= size > 0 ? size : 0;
    if (rc == 0 && archive_write_finish_entry(out) < ARCHIVE_OK)
        rc = err_set(e, ERR_IO, "cannot write: %s", archive_error_string(out));
    return rc;
}

static int unpack_all(struct archive *in, struct archive *out, const char *dir, const struct archive_limits *limits,
                      struct err *e)
{
    int64_t left = limits->bytes_max;
    struct archive_entry *entry;
    int rc;

    for (int i = 0; (rc = archive_read_next_header(in, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN; i++) {
        if (i >= limits->entries_max)
            return err_set(e, ERR_TOO_BIG, "it holds more than %d files", limits->entries_max);
        rc = unpack_entry(in, out, entry, dir, &left, e);
        if (rc != 0)
            return rc;
    }
    return rc == ARCHIVE_EOF ? 0 : err_set(e, ERR_INVALID, "damaged: %s", archive_error_string(in));
}

int archive_unpack(const char *path, const char *dir, const struct archive_limits *limits, struct err *e)
{
    struct archive *in = archive_read_new(), *out = archive_write_disk_new();
    int rc;

    if (in == NULL || out == NULL) {
        rc = err_set(e, ERR_MEMORY, "out of memory");
        goto done;
    }
    archive_read_support_format_tar(in);
    archive_read_support_filter_gzip(in);
    archive_read_support_filter_zstd(in);
    archive_read_support_filter_xz(in);
    archive_write_disk_set_options(out, ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                            ARCHIVE_EXTRACT_TIME);
    if (archive_read_open_filename(in, path, READ_BLOCK) != ARCHIVE_OK)
        rc = err_set(e, ERR_INVALID, "%s", archive_error_string(in));
    else
        rc = unpack_all(in, out, dir, limits, e);
done:
    if (rc != 0)
        err_prefix(e, "%s", path);
    if (in != NULL)
        archive_read_free(in);
    if (out != NULL)
        archive_write_free(out);
    return rc;
}
