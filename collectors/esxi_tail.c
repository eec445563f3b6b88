/* See esxi_tail.h. */
#include "collectors/esxi_tail.h"

#include "base/text.h"
#include "collectors/mark_bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TAIL_MAX = 256 };

bool esxi_mark_parse(const char *text, struct esxi_mark *out)
{
    int end = 0;

    *out = (struct esxi_mark){ { 0, 0 }, 0, 0, 0 };
    if (text[0] == '\0')
        return true;
    return sscanf(text, "esxi1 %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 "%n", &out->id[0], &out->id[1],
                  &out->offset, &out->tail_len, &out->tail_hash, &end) == 5 &&
           text[end] == '\0' && out->tail_len <= TAIL_MAX && out->tail_len <= out->offset;
}

void esxi_mark_write(const struct esxi_mark *m, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "esxi1 %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64, m->id[0], m->id[1], m->offset,
               m->tail_len, m->tail_hash);
}

static int tail_hash(const struct files *files, struct file *file, uint64_t offset, size_t len, uint64_t *out,
                     struct err *e)
{
    char bytes[TAIL_MAX];
    size_t got = 0;
    int rc = files->ops->read_at(file, offset - len, bytes, len, &got, e);

    if (rc == 0 && got < len)
        rc = err_set(e, ERR_IO, "the file became shorter while it was read");
    if (rc == 0)
        *out = mark_hash(MARK_HASH_START, bytes, len);
    return rc;
}

static bool same_file(const struct esxi_mark *m, const struct file_info *info)
{
    return m->id[0] == info->id[0] && m->id[1] == info->id[1];
}

/* Opens the file when it is regular; fills what is known of the place but the offset. */
static int open_place(const struct esxi_tail *t, const char *path, struct esxi_place *out, struct err *e)
{
    int rc;

    *out = (struct esxi_place){ .file = NULL };
    if (!text_copy(out->path, sizeof out->path, path))
        return err_set(e, ERR_TOO_BIG, "the path %.200s is too long", path);
    rc = t->files->ops->stat(t->files, path, &out->info, e);
    if (rc == 0 && !out->info.is_regular)
        rc = err_set(e, ERR_INVALID, "%.300s is no regular file", path);
    if (rc == 0)
        rc = t->files->ops->open(t->files, path, &out->file, e);
    if (rc == 0)
        rc = t->files->ops->info(out->file, &out->info, e);
    if (rc != 0 && out->file != NULL) {
        t->files->ops->close(out->file);
        out->file = NULL;
    }
    out->rotated = strcmp(path, t->path) != 0;
    return rc;
}

/* Does the open file hold what was read? */
static bool holds(const struct esxi_tail *t, const struct esxi_place *p, const struct esxi_mark *m)
{
    uint64_t hash;

    if (m->offset == 0)
        return same_file(m, &p->info) || (m->id[0] == 0 && m->id[1] == 0);
    return p->info.size >= m->offset &&
           tail_hash(t->files, p->file, m->offset, (size_t)m->tail_len, &hash, NULL) == 0 && hash == m->tail_hash;
}

/* ---- the files of one log ----------------------------------------------------------- */

struct rotated {
    char dir[FILES_PATH_MAX], stem[256], own[256];
    char names[ESXI_ROTATED_MAX][256];
    int count;
};

/* vobd.log.1, vobd.0.log, vmware-5.log; not hostd-probe.log, which is another program's. */
static bool is_numbered(const struct rotated *r, const char *name)
{
    size_t own = strlen(r->own), stem = strlen(r->stem);

    if (strncmp(name, r->own, own) == 0 && name[own] == '.')
        return true;
    return strncmp(name, r->stem, stem) == 0 && name[stem] != '\0' && strchr(".-_", name[stem]) != NULL &&
           name[stem + 1] >= '0' && name[stem + 1] <= '9';
}

static bool take_name(void *arg, const char *name)
{
    struct rotated *r = arg;

    if (is_numbered(r, name) && !text_ends_with_nocase(name, ".gz") &&
        text_copy(r->names[r->count], sizeof r->names[0], name))
        r->count++;
    return r->count < ESXI_ROTATED_MAX;
}

/* Those of hostd.log in its folder. */
static int list_rotated(const struct esxi_tail *t, struct rotated *r, struct err *e)
{
    const char *slash = strrchr(t->path, '/'), *name = slash != NULL ? slash + 1 : t->path;
    char *dot;

    r->count = 0;
    if (!text_copy(r->dir, sizeof r->dir, t->path) || !text_copy(r->own, sizeof r->own, name))
        return err_set(e, ERR_TOO_BIG, "the path %.200s is too long", t->path);
    memcpy(r->stem, r->own, sizeof r->stem);
    r->dir[slash != NULL ? slash - t->path : 0] = '\0';
    dot = strrchr(r->stem, '.');
    if (dot != NULL && dot != r->stem)
        *dot = '\0';
    return t->files->ops->list(t->files, slash != NULL ? r->dir : ".", take_name, r, e);
}

static bool rotated_path(const struct rotated *r, int i, char *path)
{
    return snprintf(path, FILES_PATH_MAX, "%s%s%s", r->dir, r->dir[0] != '\0' ? "/" : "", r->names[i]) < FILES_PATH_MAX;
}

/* The rotated file that holds what was read; the very same file before one with the same bytes. */
static bool find_rotated(const struct esxi_tail *t, const struct esxi_mark *m, struct esxi_place *out)
{
    struct rotated r;
    struct esxi_place p;
    char path[FILES_PATH_MAX];
    bool found = false;

    if (list_rotated(t, &r, NULL) != 0)
        return false;
    for (int i = 0; i < r.count; i++) {
        if (!rotated_path(&r, i, path) || open_place(t, path, &p, NULL) != 0)
            continue;
        if (!holds(t, &p, m) || (found && !same_file(m, &p.info))) {
            t->files->ops->close(p.file);
            continue;
        }
        if (found)
            t->files->ops->close(out->file);
        *out = p;
        found = true;
    }
    return found;
}

int esxi_tail_open(const struct esxi_tail *t, const struct esxi_mark *m, struct esxi_place *out, struct err *e)
{
    struct esxi_place log;
    struct err why = { ERR_OK, "" };
    int rc = open_place(t, t->path, &log, &why);

    if (rc == 0 && (holds(t, &log, m) && (m->offset == 0 || same_file(m, &log.info)))) {
        *out = log;
        out->offset = m->offset;
        return 0;
    }
    if ((m->offset > 0 || m->id[0] != 0 || m->id[1] != 0) && find_rotated(t, m, out)) {
        if (rc == 0)
            t->files->ops->close(log.file);
        out->offset = m->offset;
        return 0;
    }
    if (rc != 0)
        return err_set(e, why.code, "%s", why.text);
    /* Copied back from elsewhere: another file, the same bytes. */
    log.lost = m->offset > 0 && !holds(t, &log, m);
    log.offset = log.lost ? 0 : m->offset;
    *out = log;
    return 0;
}

int esxi_tail_mark(const struct esxi_tail *t, struct esxi_place *at, uint64_t offset, struct esxi_mark *out,
                   struct err *e)
{
    *out = (struct esxi_mark){ { at->info.id[0], at->info.id[1] }, offset, 0, 0 };
    out->tail_len = offset < TAIL_MAX ? offset : TAIL_MAX;
    return tail_hash(t->files, at->file, offset, (size_t)out->tail_len, &out->tail_hash, e);
}

int esxi_tail_next(const struct esxi_tail *t, const struct esxi_place *after, struct esxi_mark *out, struct err *e)
{
    struct rotated r;
    char path[FILES_PATH_MAX];
    int64_t best = INT64_MAX;
    int rc = list_rotated(t, &r, e);

    *out = (struct esxi_mark){ { 0, 0 }, 0, 0, 0 };
    for (int i = 0; rc == 0 && i < r.count; i++) {
        struct file_info info;

        if (!rotated_path(&r, i, path) || strcmp(path, after->path) == 0 ||
            t->files->ops->stat(t->files, path, &info, NULL) != 0 || !info.is_regular)
            continue;
        if (info.mtime_ns <= after->info.mtime_ns || info.mtime_ns >= best)
            continue;
        best = info.mtime_ns;
        out->id[0] = info.id[0];
        out->id[1] = info.id[1];
    }
    return rc;
}
