/* See bundle_input.h. */
#include "agent/bundle_input.h"

#include "agent/archive.h"
#include "plat/files.h"
#include "plat/paths.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(const char *dir, const char *name)
{
    const struct files *files = plat_files();
    struct file_info info;
    char path[FILES_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);

    return n > 0 && (size_t)n < sizeof path && files->ops->stat(files, path, &info, NULL) == 0;
}

static bool is_bundle(const char *dir)
{
    return has(dir, "host.yaml") || has(dir, "events") || has(dir, "kvp") || has(dir, "dumps");
}

static int add(struct bundle_input *in, const char *dir)
{
    char **bigger;

    if (in->count == BUNDLES_MAX)
        return ERR_TOO_BIG;
    bigger = realloc(in->dirs, (in->count + 1) * sizeof *bigger);
    if (bigger == NULL)
        return ERR_MEMORY;
    in->dirs = bigger;
    in->dirs[in->count] = strdup(dir);
    if (in->dirs[in->count] == NULL)
        return ERR_MEMORY;
    plat_path_tidy(in->dirs[in->count]);
    in->count++;
    return 0;
}

struct looking {
    struct bundle_input *in;
    const char *dir;
    int folders;                 /* that are no bundles */
    char folder[FILES_PATH_MAX]; /* the last of them */
    int rc;
};

static bool is_folder(const char *path)
{
    const struct files *files = plat_files();
    struct file_info info;

    return files->ops->stat(files, path, &info, NULL) == 0 && info.is_dir;
}

static bool take_entry(void *arg, const char *name)
{
    struct looking *l = arg;
    char path[FILES_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", l->dir, name);

    if (name[0] == '.' || n < 0 || (size_t)n >= sizeof path)
        return true;
    if (is_bundle(path)) {
        l->rc = add(l->in, path);
    } else if (is_folder(path)) {
        l->folders++;
        memcpy(l->folder, path, (size_t)n + 1);
    }
    return l->rc == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those one folder below dir. */
static int look_below(struct bundle_input *in, const char *dir, struct looking *l, struct err *e)
{
    const struct files *files = plat_files();
    int rc;

    memset(l, 0, sizeof *l);
    l->in = in;
    l->dir = dir;
    rc = files->ops->list(files, dir, take_entry, l, e);
    if (rc == 0 && l->rc != 0)
        rc = err_set(e, (enum err_code)l->rc, "%s: more than %d bundles", dir, BUNDLES_MAX);
    return rc;
}

/* The bundle at dir, or those one folder below; what was packed with the
 * folder around it has one more. */
static int collect(struct bundle_input *in, const char *dir, struct err *e)
{
    struct looking l, deeper;
    int rc;

    if (is_bundle(dir))
        return add(in, dir) == 0 ? 0 : err_set(e, ERR_MEMORY, "out of memory");
    rc = look_below(in, dir, &l, e);
    if (rc == 0 && in->count == 0 && l.folders == 1)
        rc = look_below(in, l.folder, &deeper, e);
    if (in->count > 1)
        qsort(in->dirs, in->count, sizeof in->dirs[0], by_name);
    return rc;
}

static int unpack(const char *path, struct bundle_input *out, struct err *e)
{
    struct archive_limits limits = archive_limits_default();
    char temp[FILES_PATH_MAX];
    int rc = plat_temp_dir("hvagent", temp, sizeof temp, e);

    if (rc != 0)
        return rc;
    out->temp = strdup(temp);
    if (out->temp == NULL) {
        plat_remove_tree(temp);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    return archive_unpack(path, temp, &limits, e);
}

int bundle_input_open(const char *path, struct bundle_input *out, struct err *e)
{
    const struct files *files = plat_files();
    struct file_info info;
    int rc = files->ops->stat(files, path, &info, e);

    memset(out, 0, sizeof *out);
    if (rc != 0)
        return rc;
    if (!info.is_dir && !archive_is(path))
        return err_set(e, ERR_INVALID, "%s: neither a folder nor a .tar.gz", path);
    if (!info.is_dir)
        rc = unpack(path, out, e);
    if (rc == 0)
        rc = collect(out, out->temp != NULL ? out->temp : path, e);
    if (rc == 0 && out->count == 0)
        rc = err_set(e, ERR_INVALID, "%s: no bundle: a folder with host.yaml and events/, kvp/ or dumps/ in it", path);
    return rc;
}

void bundle_input_free(struct bundle_input *in)
{
    for (size_t i = 0; i < in->count; i++)
        free(in->dirs[i]);
    free(in->dirs);
    if (in->temp != NULL)
        plat_remove_tree(in->temp);
    free(in->temp);
    memset(in, 0, sizeof *in);
}
