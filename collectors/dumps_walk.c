/* See dumps_walk.h.  A list of folders to visit stands in for recursion. */
#include "collectors/dumps_walk.h"

#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WALK_BYTES_MAX = 64 * 1024 * 1024, /* of paths */
    FOLDERS_MAX = 4096,
    ENTRIES_MAX = 1000000, /* of any kind */
    LOOK_AT_CLOCK = 64,    /* entries between two looks */
};

struct folder {
    const char *path;
    size_t relative_at; /* where the path inside the watched folder begins */
    int depth;
    uint64_t id[2];
};

struct walking {
    struct dumps_walk *walk;
    const struct files *files;
    const struct clock *clock;
    const struct dumps_walk_limits *limits;
    struct folder *folders; /* FOLDERS_MAX; every one found, in order of finding */
    size_t folder_count;
    size_t at; /* the one being read */
    int64_t entries;
};

bool dumps_is_dump_name(const char *name)
{
    static const char *const ends[] = { ".dmp", ".mdmp", ".hdmp", ".core", "-windows-crash" };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (text_ends_with_nocase(name, ends[i]))
            return true;
    }
    return false;
}

/* The first trouble is the one that is told. */
static void trouble(struct walking *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void trouble(struct walking *w, const char *fmt, ...)
{
    va_list ap;

    w->walk->whole = false;
    if (w->walk->trouble[0] != '\0')
        return;
    va_start(ap, fmt);
    vsnprintf(w->walk->trouble, sizeof w->walk->trouble, fmt, ap);
    va_end(ap);
}

static void add_folder(struct walking *w, const char *path, const struct file_info *info, int depth)
{
    for (size_t i = 0; i < w->folder_count; i++) {
        if (memcmp(w->folders[i].id, info->id, sizeof info->id) == 0)
            return;
    }
    if (w->folder_count == FOLDERS_MAX) {
        trouble(w, "there are too many folders below %.160s; watch fewer", w->folders[0].path);
        return;
    }
    w->folders[w->folder_count] = (struct folder){
        .path = path,
        .relative_at = w->folder_count == 0 ? strlen(path) + 1 : w->folders[0].relative_at,
        .depth = depth,
        .id = { info->id[0], info->id[1] },
    };
    w->folder_count++;
}

static void add_file(struct walking *w, const char *path, const struct file_info *info)
{
    struct dumps_walk *walk = w->walk;

    if (walk->count >= (size_t)w->limits->files_max) {
        trouble(w, "there are more dumps below %.140s than dumps.max_files; move old ones away", w->folders[0].path);
        return;
    }
    if (walk->count == walk->cap) {
        size_t cap = walk->cap == 0 ? 64 : walk->cap * 2;
        struct dumps_file *grown = realloc(walk->files, cap * sizeof *grown);

        if (grown == NULL) {
            trouble(w, "out of memory at %.200s", path);
            return;
        }
        walk->files = grown;
        walk->cap = cap;
    }
    walk->files[walk->count++] = (struct dumps_file){
        .path = path,
        .relative = path + w->folders[0].relative_at,
        .info = *info,
    };
}

static bool over_time(const struct walking *w)
{
    return w->limits->deadline_ns > 0 && w->clock->monotonic_ns(w->clock) >= w->limits->deadline_ns;
}

static void look_at(struct walking *w, const char *name)
{
    const struct folder *folder = &w->folders[w->at];
    char path[FILES_PATH_MAX];
    struct file_info info;
    struct err e;
    const char *kept;
    int n = snprintf(path, sizeof path, "%s/%s", folder->path, name), rc;

    if (n < 0 || (size_t)n >= sizeof path) {
        trouble(w, "the path of %.200s is too long", name);
        return;
    }
    rc = w->files->ops->stat(w->files, path, &info, &e);
    if (rc != 0) {
        if (rc != ERR_NOT_FOUND && dumps_is_dump_name(name))
            trouble(w, "%.250s", e.text);
        return;
    }
    if (!info.is_dir && !(info.is_regular && dumps_is_dump_name(name)))
        return;
    kept = arena_copy(&w->walk->arena, path, (size_t)n);
    if (kept == NULL)
        trouble(w, "there are too many files below %.200s", w->folders[0].path);
    else if (!info.is_dir)
        add_file(w, kept, &info);
    else if (folder->depth < w->limits->depth_max)
        add_folder(w, kept, &info, folder->depth + 1);
}

static bool take_entry(void *arg, const char *name)
{
    struct walking *w = arg;

    w->entries++;
    if (w->entries > ENTRIES_MAX) {
        trouble(w, "there are too many files below %.200s", w->folders[0].path);
        return false;
    }
    if (w->entries % LOOK_AT_CLOCK == 0 && over_time(w)) {
        trouble(w, "reading %.160s took too long; not all of it was looked at", w->folders[0].path);
        return false;
    }
    look_at(w, name);
    return true;
}

static int by_age(const void *a, const void *b)
{
    const struct dumps_file *x = a, *y = b;

    if (x->info.mtime_ns != y->info.mtime_ns)
        return x->info.mtime_ns < y->info.mtime_ns ? -1 : 1;
    return strcmp(x->path, y->path);
}

static int begin(struct walking *w, const char *dir, struct err *e)
{
    struct file_info info;
    const char *kept;
    int rc = w->files->ops->stat(w->files, dir, &info, e);

    if (rc != 0)
        return rc;
    if (!info.is_dir)
        return err_set(e, ERR_INVALID, "%s is no folder", dir);
    kept = arena_copy(&w->walk->arena, dir, strlen(dir));
    if (kept == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    add_folder(w, kept, &info, 0);
    return 0;
}

int dumps_walk(struct dumps_walk *walk, const struct files *files, const struct clock *clock, const char *dir,
               const struct dumps_walk_limits *limits, struct err *e)
{
    struct walking w = { .walk = walk, .files = files, .clock = clock, .limits = limits };
    int rc;

    assert(limits->files_max > 0 && limits->depth_max >= 0);
    arena_reset(&walk->arena);
    walk->count = 0;
    walk->whole = true;
    walk->trouble[0] = '\0';
    w.folders = malloc(FOLDERS_MAX * sizeof *w.folders);
    if (w.folders == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = begin(&w, dir, e);
    for (; rc == 0 && w.at < w.folder_count && !over_time(&w); w.at++) {
        struct err why;
        int failed = files->ops->list(files, w.folders[w.at].path, take_entry, &w, &why);

        if (failed != 0 && w.at == 0)
            rc = err_set(e, (enum err_code)failed, "%s", why.text);
        else if (failed != 0 && failed != ERR_NOT_FOUND)
            trouble(&w, "%.250s", why.text);
    }
    if (rc == 0 && w.at < w.folder_count)
        trouble(&w, "reading %.160s took too long; not all of it was looked at", dir);
    free(w.folders);
    if (walk->count > 1)
        qsort(walk->files, walk->count, sizeof *walk->files, by_age);
    return rc;
}

void dumps_walk_init(struct dumps_walk *w)
{
    *w = (struct dumps_walk){ .whole = true };
    arena_init(&w->arena, WALK_BYTES_MAX);
}

void dumps_walk_free(struct dumps_walk *w)
{
    arena_free(&w->arena);
    free(w->files);
    dumps_walk_init(w);
}
