/* See folder_print.h.  A list of folders to visit stands in for recursion.
 * Entries come in no order, so what they say is added up. */
#include "collectors/folder_print.h"

#include "base/arena.h"
#include "collectors/mark_bytes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATHS_MAX = 8 * 1024 * 1024 };

struct folder {
    struct folder *next;
    int depth;
    char path[];
};

struct printing {
    const struct files *files;
    struct arena arena;
    struct folder *at, *last;
    int depth_max;
    int entries;
    bool too_much;
    uint64_t sum;
};

static bool add_folder(struct printing *p, const char *path, int depth)
{
    size_t size = strlen(path) + 1;
    struct folder *folder = arena_alloc(&p->arena, sizeof *folder + size);

    if (folder == NULL)
        return false;
    folder->depth = depth;
    memcpy(folder->path, path, size);
    if (p->last != NULL)
        p->last->next = folder;
    p->last = folder;
    return true;
}

static void add_entry(struct printing *p, const char *path, int rc, const struct file_info *info)
{
    uint64_t facts[] = { (uint64_t)rc, 0, 0, 0, 0, 0 };

    if (rc == 0) {
        facts[1] = (info->is_dir ? 1 : 0) | (info->is_regular ? 2 : 0);
        facts[2] = info->size;
        facts[3] = (uint64_t)info->mtime_ns;
        facts[4] = info->id[0];
        facts[5] = info->id[1];
    }
    p->sum += mark_hash(mark_hash(MARK_HASH_START, path, strlen(path)), facts, sizeof facts);
}

static bool take_entry(void *arg, const char *name)
{
    struct printing *p = arg;
    char path[FILES_PATH_MAX];
    struct file_info info;
    int n = snprintf(path, sizeof path, "%s/%s", p->at->path, name), rc;

    if (++p->entries > FOLDER_PRINT_ENTRIES_MAX || n < 0 || (size_t)n >= sizeof path) {
        p->too_much = true;
        return false;
    }
    rc = p->files->ops->stat(p->files, path, &info, NULL);
    add_entry(p, path, rc, &info);
    if (rc == 0 && info.is_dir && p->at->depth < p->depth_max)
        p->too_much = !add_folder(p, path, p->at->depth + 1);
    return !p->too_much;
}

int folder_print(const struct files *files, const char *dir, int depth_max, uint64_t *out, struct err *e)
{
    struct printing p = { .files = files, .depth_max = depth_max };
    int rc = 0;

    arena_init(&p.arena, PATHS_MAX);
    p.too_much = !add_folder(&p, dir, 0);
    for (p.at = p.last; rc == 0 && !p.too_much && p.at != NULL; p.at = p.at->next) {
        int failed = files->ops->list(files, p.at->path, take_entry, &p, e);

        if (failed != 0 && p.at->depth == 0)
            rc = failed;
        else if (failed != 0)
            add_entry(&p, p.at->path, failed, NULL);
    }
    if (rc == 0 && p.too_much)
        rc = err_set(e, ERR_TOO_BIG, "there are too many files below %.200s", dir);
    *out = p.sum;
    arena_free(&p.arena);
    return rc;
}
