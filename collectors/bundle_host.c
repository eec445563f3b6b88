/* See bundle_host.h. */
#include "collectors/bundle_host.h"

#include "base/text.h"
#include "base/times.h"
#include "config/yaml_doc.h"
#include "model/version.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
    HOST_YAML_MAX = 64 * 1024,
    PROBLEMS_MAX = 16 * 1024,
    NAME_MAX_BYTES = HOST_ID_MAX - 1 - 7, /* so that "bundle:<name>" is whole */
};

/* host.yaml as it is read. */
struct host_file {
    char name[NAME_MAX_BYTES + 1];
    char host_id[HOST_ID_MAX];
    char cluster[HOST_CLUSTER_MAX];
    char os_version[HOST_VERSION_MAX];
    struct version win6x, win5x;
    int64_t boot_time, captured_at;
};

#define FIELD(member) offsetof(struct host_file, member)

static const struct yaml_key host_keys[] = {
    {
        .path = "name",
        .type = YAML_TEXT,
        .offset = FIELD(name),
        .min = 1,
        .max = NAME_MAX_BYTES,
        .help = "The host's name.",
    },
    {
        .path = "host_id",
        .type = YAML_TEXT,
        .offset = FIELD(host_id),
        .max = HOST_ID_MAX - 1,
        .fallback = "",
        .help = "What stays the same when the host is renamed: its SMBIOS UUID.",
    },
    {
        .path = "cluster",
        .type = YAML_TEXT,
        .offset = FIELD(cluster),
        .max = HOST_CLUSTER_MAX - 1,
        .fallback = "",
        .help = "The failover cluster it is a node of.",
    },
    {
        .path = "os_version",
        .type = YAML_TEXT,
        .offset = FIELD(os_version),
        .max = HOST_VERSION_MAX - 1,
        .fallback = "",
        .help = "The host's Windows version, 6.3.9600.20778.",
    },
    {
        .path = "is_version.win6x",
        .type = YAML_VERSION,
        .offset = FIELD(win6x),
        .fallback = "",
        .help = "Integration services expected in guests from Vista on; 2012 R2 and older hosts.",
    },
    {
        .path = "is_version.win5x",
        .type = YAML_VERSION,
        .offset = FIELD(win5x),
        .fallback = "",
        .help = "The same for guests of 5.x (XP, 2003).",
    },
    {
        .path = "boot_time",
        .type = YAML_TIME,
        .offset = FIELD(boot_time),
        .fallback = "",
        .help = "When the host was started.",
    },
    {
        .path = "captured_at",
        .type = YAML_TIME,
        .offset = FIELD(captured_at),
        .fallback = "",
        .help = "When the bundle was made.",
    },
};

static int read_whole(const struct files *files, const char *path, struct buf *out, struct err *e)
{
    struct file *file = NULL;
    size_t got = 0;
    char *room;
    int rc = files->ops->open(files, path, &file, e);

    if (rc != 0)
        return rc;
    room = buf_room(out, HOST_YAML_MAX + 1);
    rc = room != NULL ? files->ops->read_at(file, 0, room, HOST_YAML_MAX + 1, &got, e)
                      : err_set(e, ERR_MEMORY, "out of memory");
    files->ops->close(file);
    if (rc == 0 && got > HOST_YAML_MAX)
        rc = err_set(e, ERR_TOO_BIG, "%s:1:1: too large (at most %d bytes); the facts of a host are a few lines", path,
                     HOST_YAML_MAX);
    if (rc == 0)
        buf_used(out, got);
    return rc;
}

static int read_host_file(const struct files *files, const char *path, struct host_file *out, struct err *e)
{
    struct buf text, problems;
    int rc;

    buf_init(&text, HOST_YAML_MAX + 1);
    buf_init(&problems, PROBLEMS_MAX);
    rc = read_whole(files, path, &text, e);
    if (rc == 0) {
        rc = yaml_doc_read(path, buf_text(&text), text.len, host_keys, sizeof host_keys / sizeof host_keys[0], out,
                           sizeof *out, &problems);
        if (problems.len > 0 && problems.data[problems.len - 1] == '\n')
            problems.data[problems.len - 1] = '\0';
        if (rc != 0)
            err_set(e, (enum err_code)rc, "%s", problems.len > 0 ? buf_text(&problems) : "out of memory");
    }
    buf_free(&text);
    buf_free(&problems);
    return rc;
}

/* Without host.yaml the folder's own name is all there is. */
static void name_from_folder(const char *dir, struct host_file *out)
{
    size_t end = strlen(dir), start;

    while (end > 0 && dir[end - 1] == '/')
        end--;
    for (start = end; start > 0 && dir[start - 1] != '/';)
        start--;
    *out = (struct host_file){ 0 };
    text_clean(out->name, sizeof out->name, dir + start, end - start, NULL);
    if (out->name[0] == '\0' || strcmp(out->name, ".") == 0 || strcmp(out->name, "..") == 0)
        text_copy(out->name, sizeof out->name, "bundle");
}

static void set_facts(struct resource *r, const struct host_file *h)
{
    *r = (struct resource){ .boot_time = h->boot_time };
    text_clean(r->host_name, sizeof r->host_name, h->name, strlen(h->name), NULL);
    text_clean(r->cluster, sizeof r->cluster, h->cluster, strlen(h->cluster), NULL);
    text_clean(r->os_version, sizeof r->os_version, h->os_version, strlen(h->os_version), NULL);
    if (h->host_id[0] != '\0')
        text_clean(r->host_id, sizeof r->host_id, h->host_id, strlen(h->host_id), NULL);
    else
        snprintf(r->host_id, sizeof r->host_id, "bundle:%.*s", NAME_MAX_BYTES, h->name);
    version_format(&h->win6x, r->is_win6x);
    version_format(&h->win5x, r->is_win5x);
    if (h->boot_time != 0)
        times_format(h->boot_time, r->boot_id);
}

_Static_assert(HOST_VERSION_MAX >= VERSION_TEXT_MAX, "a formatted version fits into the resource");

int bundle_host_read(const struct files *files, const char *dir, const char *path, struct resource *facts,
                     int64_t *captured_at, struct err *e)
{
    struct host_file host;
    int rc = 0;

    if (path == NULL)
        name_from_folder(dir, &host);
    else
        rc = read_host_file(files, path, &host, e);
    if (rc != 0)
        return rc;
    set_facts(facts, &host);
    *captured_at = host.captured_at;
    return 0;
}
