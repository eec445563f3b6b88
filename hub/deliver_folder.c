/* A folder: NAME-YYYYMMDD-HHMMSS.EXT, whole or not at all, and the newest of them.
 *
 * The time is that of the job, so a second try writes the same file again.  A
 * file is written under a name that begins with a dot, flushed, and renamed.
 * Only files of exactly this form of name are ever removed. */
#include "base/text.h"
#include "base/times.h"
#include "hub/deliver_send.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STAMP = 15 /* "YYYYMMDD-HHMMSS" */, FILES_MAX = 100000, FILE_NAME_MAX = DELIVERY_NAME_MAX + STAMP + 16 };

static const char *const extensions[] = {
    [DELIVER_HTML] = "html",
    [DELIVER_TEXT] = "txt",
    [DELIVER_CSV] = "csv",
    [DELIVER_JSON] = "json",
};

static void file_name(const struct content *c, char out[FILE_NAME_MAX])
{
    time_t seconds = (time_t)(c->job_ns / NS_PER_S);
    struct tm t = { 0 };
    char stamp[STAMP + 1];

    gmtime_r(&seconds, &t);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &t);
    snprintf(out, FILE_NAME_MAX, "%s-%s.%s", c->delivery->name, stamp, extensions[c->delivery->format]);
}

/* Is it one of this delivery's files?  *stamp is where its time stands. */
static bool is_ours(const struct hub_delivery *d, const char *file, const char **stamp)
{
    size_t n = strlen(d->name);

    if (strncmp(file, d->name, n) != 0 || file[n] != '-' || strlen(file + n + 1) <= STAMP)
        return false;
    *stamp = file + n + 1;
    return strspn(*stamp, "0123456789") == 8 && (*stamp)[8] == '-' && strspn(*stamp + 9, "0123456789") == 6 &&
           (*stamp)[STAMP] == '.' && strcmp(*stamp + STAMP + 1, extensions[d->format]) == 0;
}

static const struct buf *bytes_of(const struct content *c)
{
    const struct buf *const forms[] = {
        [DELIVER_HTML] = &c->html, [DELIVER_TEXT] = &c->text, [DELIVER_CSV] = &c->csv, [DELIVER_JSON] = &c->json
    };

    return forms[c->delivery->format];
}

/* ---- writing --------------------------------------------------------------------------- */

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        bytes += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

static int write_file(int folder, const char *name, const struct buf *bytes)
{
    char making[FILE_NAME_MAX + 8];
    int fd, failed;

    snprintf(making, sizeof making, ".%s.new", name);
    fd = openat(folder, making, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return errno;
    failed = write_all(fd, buf_text(bytes), bytes->len);
    if (close(fd) != 0 && failed == 0)
        failed = errno;
    if (failed == 0 && renameat(folder, making, folder, name) != 0)
        failed = errno;
    if (failed != 0)
        unlinkat(folder, making, 0);
    else if (fsync(folder) != 0)
        failed = errno;
    return failed;
}

/* ---- keeping the newest ------------------------------------------------------------------ */

static int newest_first(const void *a, const void *b)
{
    return strcmp(*(char *const *)b, *(char *const *)a); /* the same name in front, then the time */
}

static size_t list_files(const struct hub_delivery *d, DIR *dir, char **names)
{
    const struct dirent *entry;
    const char *stamp;
    size_t count = 0;

    while (count < FILES_MAX && (entry = readdir(dir)) != NULL) {
        if (!is_ours(d, entry->d_name, &stamp))
            continue;
        names[count] = strdup(entry->d_name);
        if (names[count] != NULL)
            count++;
    }
    return count;
}

/* What can not be removed stays, and is tried again with the next file. */
static void remove_old(const struct hub_delivery *d, int folder)
{
    char **names = calloc(FILES_MAX, sizeof *names);
    int copy = dup(folder);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    size_t count = 0;

    if (dir != NULL && names != NULL)
        count = list_files(d, dir, names);
    if (count > 0)
        qsort(names, count, sizeof *names, newest_first);
    for (size_t i = 0; i < count; i++) {
        if (i >= (size_t)d->folder_keep)
            unlinkat(folder, names[i], 0);
        free(names[i]);
    }
    free(names);
    if (dir != NULL)
        closedir(dir);
    else if (copy >= 0)
        close(copy);
}

void deliver_folder(const struct content *c, struct deliver_result *out)
{
    const struct buf *bytes = bytes_of(c);
    char name[FILE_NAME_MAX];
    int folder, failed;

    if (bytes->len == 0) {
        deliver_failed(out, DELIVER_REFUSED, "the report is larger than %d bytes: deliver it by cluster",
                       CONTENT_FILE_BYTES);
        return;
    }
    folder = open(c->delivery->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        deliver_failed(out, DELIVER_RETRY, "%s: %s", c->delivery->folder, strerror(errno));
        return;
    }
    file_name(c, name);
    failed = write_file(folder, name, bytes);
    if (failed != 0)
        deliver_failed(out, DELIVER_RETRY, "%s/%s: %s", c->delivery->folder, name, strerror(failed));
    else
        *out = (struct deliver_result){ .outcome = DELIVER_SENT };
    if (failed == 0)
        remove_old(c->delivery, folder);
    close(folder);
}
