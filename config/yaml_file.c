/* See yaml_file.h.  One byte more than may be there is read, so that what is too large is known without trusting a
 * size that may change; the size is asked for afterwards, for the message alone. */
#include "config/yaml_file.h"

#include "config/yaml_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int yaml_file_no_memory(const char *path, struct buf *problems)
{
    buf_printf(problems, "%s:1:1: out of memory while reading; free some and try again\n", path);
    return ERR_MEMORY;
}

static int unreadable(const char *path, int errnum, struct buf *problems)
{
    const char *remedy = errnum == ENOENT   ? "check the name, or make the file"
                         : errnum == EACCES ? "let this user read it"
                         : errnum == EISDIR ? "name a file"
                                            : "check the disk and the name";

    buf_printf(problems, "%s:1:1: cannot be read: %s; %s\n", path, strerror(errnum), remedy);
    return err_errno(NULL, errnum, "%s", path);
}

/* A pipe has no size to tell. */
static int too_large(const char *path, FILE *f, const char *shorten, struct buf *problems)
{
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;

    if (size > YAML_BYTES_MAX)
        buf_printf(problems, "%s:1:1: too large (%ld bytes; at most %d); %s\n", path, size, YAML_BYTES_MAX, shorten);
    else
        buf_printf(problems, "%s:1:1: too large (at most %d bytes); %s\n", path, YAML_BYTES_MAX, shorten);
    return ERR_INVALID;
}

int yaml_file_read(const char *path, const char *shorten, struct buf *text, struct buf *problems)
{
    FILE *f = fopen(path, "rb");
    int rc = 0;
    char *room;

    buf_init(text, YAML_BYTES_MAX + 1);
    if (f == NULL)
        return unreadable(path, errno, problems);
    room = buf_room(text, YAML_BYTES_MAX + 1);
    errno = 0;
    if (room == NULL) {
        rc = yaml_file_no_memory(path, problems);
    } else {
        buf_used(text, fread(room, 1, YAML_BYTES_MAX + 1, f));
        if (ferror(f))
            rc = unreadable(path, errno != 0 ? errno : EIO, problems);
        else if (text->len > YAML_BYTES_MAX)
            rc = too_large(path, f, shorten, problems);
    }
    fclose(f);
    return rc;
}
