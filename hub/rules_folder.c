/* See rules_folder.h. */
#include "hub/rules_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 4096 };

struct paths {
    char *list[RULES_FILES_MAX];
    size_t count;
};

static bool is_rules_file(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".yaml") == 0;
}

static int add_path(struct paths *p, const char *path, struct err *e)
{
    if (p->count == RULES_FILES_MAX)
        return err_set(e, ERR_TOO_BIG, "%s: more than %d files of rules", path, RULES_FILES_MAX);
    p->list[p->count] = strdup(path);
    return p->list[p->count++] != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_folder(const char *folder, struct paths *p, struct err *e)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int rc = 0;

    if (dir == NULL)
        return err_errno(e, errno, "incidents.rules_folder: %s", folder);
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        char path[PATH_MAX_BYTES];
        int len = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);

        if (is_rules_file(entry->d_name) && len < (int)sizeof path)
            rc = add_path(p, path, e);
    }
    closedir(dir);
    qsort(p->list, p->count, sizeof p->list[0], by_name);
    return rc;
}

int rules_folder_load(const struct hub_config_incidents *config, const char *extra, struct rules **out,
                      struct buf *problems, struct err *e)
{
    const char *folder = config->rules_folder;
    struct paths p = { .count = 0 };
    int rc = folder[0] != '\0' ? list_folder(folder, &p, e) : 0;

    *out = NULL;
    if (rc == 0 && extra != NULL)
        rc = add_path(&p, extra, e);
    if (rc == 0)
        rc = rules_load((const char *const *)p.list, p.count, out, problems);
    if (rc == 0)
        rules_disk_timeout(*out, config->disk_timeout_ns);
    for (size_t i = 0; i < p.count; i++)
        free(p.list[i]);
    return rc;
}

static size_t lines_in(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

int rules_folder_check(const struct hub_config_incidents *config, struct rules **out, struct err *e)
{
    struct buf problems;
    int rc;

    buf_init(&problems, RULES_PROBLEMS_MAX);
    rc = rules_folder_load(config, NULL, out, &problems, e);
    if (rc != 0 && problems.len > 0) {
        const char *text = buf_text(&problems);
        size_t more = lines_in(text) - 1;
        int first = (int)strcspn(text, "\n");

        rc = more == 0 ? err_set(e, rc, "%.*s", first, text)
                       : err_set(e, rc, "%.*s (and %zu more: hvhub check-config names all)", first, text, more);
    }
    buf_free(&problems);
    return rc;
}
