/* See bundle.h and docs/bundle.md. */
#include "collectors/bundle.h"

#include "base/text.h"
#include "collectors/bundle_host.h"
#include "collectors/dumps.h"
#include "collectors/esxi_log.h"
#include "collectors/eventlog.h"
#include "collectors/kvp.h"
#include "collectors/setup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOURCES_MAX = 1024,
    KEPT_FREE = 3, /* places for kvp, setup and dumps */
    DUMP_DEPTH = 3,
    DUMP_FILES_MAX = 10000,
    GIVE_UP_SETTLES = 360, /* ten seconds to settle: an hour until a dump counts as partial */
};

/* A source and the file or folder it reads. */
struct entry {
    struct source *source;
    char *path;
};

struct bundle {
    struct bundle_options options;
    char *dir;
    struct resource facts;
    int64_t captured_at;
    struct entry entries[SOURCES_MAX];
    size_t count;
    bool has_kvp, has_setup; /* the sources of kvp/: what guests tell, and how they are set up */
};

/* ---- paths -------------------------------------------------------------- */

static bool join(const char *dir, const char *name, char *path)
{
    int n = snprintf(path, FILES_PATH_MAX, "%s/%s", dir, name);

    assert(n > 0);
    return n < FILES_PATH_MAX;
}

/* ---- sources ------------------------------------------------------------ */

static bool is_folder(const struct bundle *b, const char *path)
{
    struct file_info info;

    return b->options.files->ops->stat(b->options.files, path, &info, NULL) == 0 && info.is_dir;
}

static bool is_known(const struct bundle *b, const char *path)
{
    for (size_t i = 0; i < b->count; i++) {
        if (strcmp(b->entries[i].path, path) == 0)
            return true;
    }
    return false;
}

/* Takes the source over, also when it fails. */
static int add(struct bundle *b, struct source *source, const char *path, struct err *e)
{
    char *kept = strdup(path);

    assert(b->count < SOURCES_MAX);
    if (kept == NULL) {
        source_close(source);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    if (source->watch_path == NULL)
        source->watch_path = kept;
    b->entries[b->count++] = (struct entry){ .source = source, .path = kept };
    return 0;
}

static int add_events(struct bundle *b, const char *name, const char *path, struct err *e)
{
    const struct files *files = b->options.files;
    char source_name[SOURCE_NAME_MAX * 2];
    struct event_stream *stream = NULL;
    struct source *source = NULL;
    int rc;

    snprintf(source_name, sizeof source_name, "%s/events/%s", b->facts.host_name, name);
    rc = text_ends_with_nocase(name, ".evtx") ? event_file_evtx(files, path, &stream, e)
                                              : event_file_xml(files, path, &stream, e);
    if (rc != 0)
        return rc;
    rc = eventlog_source_new(source_name, stream, host_generation_of(b->facts.os_version), &source, e);
    if (rc != 0) {
        stream->ops->close(stream);
        return rc;
    }
    source->interval_ns = b->options.poll_ns;
    return add(b, source, path, e);
}

static int add_kvp(struct bundle *b, const char *path, struct err *e)
{
    struct kvp_options options = {
        .facts = &b->facts,
        .privacy = b->options.privacy,
        .files = b->options.files,
        .interval_ns = b->options.poll_ns,
        .refresh_ns = b->options.refresh_ns,
    };
    char source_name[SOURCE_NAME_MAX];
    struct source *source = NULL;
    int rc = kvp_folder_stream(b->options.files, path, wmi_wanted_classes, b->captured_at, &options.stream, e);

    if (rc != 0)
        return rc;
    snprintf(source_name, sizeof source_name, "%s/kvp", b->facts.host_name);
    options.name = source_name;
    rc = kvp_source_new(&options, &source, e);
    if (rc != 0) {
        options.stream->ops->close(options.stream);
        return rc;
    }
    b->has_kvp = true;
    return add(b, source, path, e);
}

static bool is_setup_class(void *arg, const char *name)
{
    bool *found = arg;

    for (int i = 0; !*found && wmi_captured_setup_classes[i] != NULL; i++) {
        size_t n = strlen(wmi_captured_setup_classes[i]);

        *found = text_ncasecmp(name, wmi_captured_setup_classes[i], n) == 0 && name[n] == '.' &&
                 strcmp(wmi_captured_setup_classes[i], "Msvm_SummaryInformation") != 0;
    }
    return !*found;
}

/* Only where there is something for it: most bundles say nothing of how guests are set up. */
static int add_setup(struct bundle *b, const char *path, struct err *e)
{
    struct setup_options options = {
        .clock = b->options.clock,
        .interval_ns = b->options.poll_ns,
        .refresh_ns = b->options.refresh_ns,
    };
    char source_name[SOURCE_NAME_MAX];
    struct source *source = NULL;
    bool found = false;
    int rc;

    if (b->options.files->ops->list(b->options.files, path, is_setup_class, &found, NULL) != 0 || !found)
        return 0; /* what is wrong with the folder the KVP source tells */
    snprintf(source_name, sizeof source_name, "%s/setup", b->facts.host_name);
    options.name = source_name;
    rc = kvp_folder_stream(b->options.files, path, wmi_captured_setup_classes, b->captured_at, &options.stream, e);
    if (rc == 0)
        rc = setup_source_new(&options, &source, e);
    if (rc != 0) {
        if (options.stream != NULL)
            options.stream->ops->close(options.stream);
        return rc;
    }
    b->has_setup = true;
    return add(b, source, path, e);
}

/* path is dir/name; below the VM's folder in esxi/, or "" for the host's own logs. */
static int add_esxi_log(struct bundle *b, const char *folder, const char *name, const char *path, struct err *e)
{
    struct esxi_log_options options = {
        .files = b->options.files, .path = path, .folder = folder, .host_id = b->facts.host_id
    };
    char source_name[SOURCE_NAME_MAX * 2];
    struct source *source = NULL;
    int rc;

    if (!esxi_log_of(name, &options.log) || (options.log == ESXI_VMWARE) != (folder[0] != '\0') || is_known(b, path))
        return 0;
    if (b->count >= SOURCES_MAX - KEPT_FREE)
        return err_set(e, ERR_TOO_BIG, "%s: more than %d event files and logs", b->dir, SOURCES_MAX - KEPT_FREE);
    snprintf(source_name, sizeof source_name, "%s/esxi/%s%s%s", b->facts.host_name, folder,
             folder[0] != '\0' ? "/" : "", name);
    rc = esxi_log_source_new(source_name, &options, &source, e);
    if (rc != 0)
        return rc;
    source->interval_ns = b->options.poll_ns;
    return add(b, source, path, e);
}

static int add_dumps(struct bundle *b, const char *path, struct err *e)
{
    struct dumps_options options = {
        .dir = path,
        .depth_max = DUMP_DEPTH,
        .rescan_ns = b->options.poll_ns,
        .settle_ns = b->options.dump_settle_ns,
        .files_max = DUMP_FILES_MAX,
        .give_up_ns = b->options.dump_settle_ns * GIVE_UP_SETTLES,
        .triage = b->options.triage,
    };
    char source_name[SOURCE_NAME_MAX];
    struct source *source = NULL;
    int rc;

    snprintf(source_name, sizeof source_name, "%s/dumps", b->facts.host_name);
    rc = dumps_source_new(source_name, b->options.files, b->options.clock, &options, &source, e);
    return rc != 0 ? rc : add(b, source, path, e);
}

/* ---- what is there ------------------------------------------------------ */

struct names {
    char **list;
    size_t count, cap;
    bool all; /* not only saved channels */
    bool failed;
};

static bool take_name(void *arg, const char *name)
{
    struct names *n = arg;

    if (!n->all && !text_ends_with_nocase(name, ".xml") && !text_ends_with_nocase(name, ".evtx"))
        return true;
    if (n->count == n->cap) {
        size_t cap = n->cap == 0 ? 16 : n->cap * 2;
        char **grown = realloc(n->list, cap * sizeof *grown);

        if (grown == NULL) {
            n->failed = true;
            return false;
        }
        n->list = grown;
        n->cap = cap;
    }
    n->list[n->count] = strdup(name);
    n->failed = n->list[n->count] == NULL;
    n->count += !n->failed;
    return !n->failed && n->count <= SOURCES_MAX;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->list[i]);
    free(n->list);
}

/* The entries of a folder, in order. */
static int list_names(struct bundle *b, const char *dir, struct names *names, struct err *e)
{
    int rc = b->options.files->ops->list(b->options.files, dir, take_name, names, e);

    if (rc == 0 && names->failed)
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (names->count > 1)
        qsort(names->list, names->count, sizeof *names->list, by_text);
    return rc;
}

static int add_new_events(struct bundle *b, const char *dir, struct err *e)
{
    struct names names = { 0 };
    char path[FILES_PATH_MAX];
    int rc = list_names(b, dir, &names, e);

    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        if (!join(dir, names.list[i], path))
            rc = err_set(e, ERR_TOO_BIG, "the path of %.200s in %.200s is too long", names.list[i], dir);
        else if (is_known(b, path))
            continue;
        else if (b->count >= SOURCES_MAX - KEPT_FREE)
            rc = err_set(e, ERR_TOO_BIG, "%s holds more than %d event files", dir, SOURCES_MAX - KEPT_FREE);
        else
            rc = add_events(b, names.list[i], path, e);
    }
    names_free(&names);
    return rc;
}

/* The host's own logs in esxi/, and each VM's vmware.log in a folder below it. */
static int add_new_esxi(struct bundle *b, const char *dir, struct err *e)
{
    struct names names = { .all = true };
    char path[FILES_PATH_MAX], log[FILES_PATH_MAX];
    int rc = list_names(b, dir, &names, e);

    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        struct file_info info;

        if (!join(dir, names.list[i], path))
            rc = err_set(e, ERR_TOO_BIG, "the path of %.200s in %.200s is too long", names.list[i], dir);
        else if (!is_folder(b, path))
            rc = add_esxi_log(b, "", names.list[i], path, e);
        else if (join(path, "vmware.log", log) &&
                 b->options.files->ops->stat(b->options.files, log, &info, NULL) == 0 && info.is_regular)
            rc = add_esxi_log(b, names.list[i], "vmware.log", log, e);
    }
    names_free(&names);
    return rc;
}

/* One of the bundle's own folders, and its path.  That is shorter than host.yaml's, which fitted. */
static bool has_part(const struct bundle *b, const char *name, char *path)
{
    bool fits = join(b->dir, name, path);

    assert(fits);
    (void)fits;
    return is_folder(b, path);
}

int bundle_rescan(struct bundle *b, struct err *e)
{
    char path[FILES_PATH_MAX];
    int rc = 0;

    if (has_part(b, "events", path))
        rc = add_new_events(b, path, e);
    if (rc == 0 && has_part(b, "esxi", path))
        rc = add_new_esxi(b, path, e);
    if (rc == 0 && !b->has_kvp && has_part(b, "kvp", path))
        rc = add_kvp(b, path, e);
    if (rc == 0 && !b->has_setup && has_part(b, "kvp", path))
        rc = add_setup(b, path, e);
    if (rc == 0 && has_part(b, "dumps", path) && !is_known(b, path))
        rc = add_dumps(b, path, e);
    return rc;
}

static bool has_any_part(const struct bundle *b)
{
    static const char *const parts[] = { "events", "kvp", "dumps", "esxi" };
    char path[FILES_PATH_MAX];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (has_part(b, parts[i], path))
            return true;
    }
    return false;
}

static int read_facts(struct bundle *b, struct err *e)
{
    struct file_info info;
    char path[FILES_PATH_MAX];
    int rc = b->options.files->ops->stat(b->options.files, b->dir, &info, e);

    if (rc != 0)
        return rc;
    if (!info.is_dir)
        return err_set(e, ERR_INVALID, "%s is no folder", b->dir);
    if (!join(b->dir, "host.yaml", path))
        return err_set(e, ERR_TOO_BIG, "the path %.300s is too long", b->dir);
    rc = b->options.files->ops->stat(b->options.files, path, &info, NULL);
    if (rc == ERR_NOT_FOUND && !has_any_part(b))
        return err_set(e, ERR_INVALID,
                       "%s is no bundle: a bundle is a folder that holds host.yaml and one or more of events/, kvp/, "
                       "dumps/ and esxi/ (docs/bundle.md)",
                       b->dir);
    return bundle_host_read(b->options.files, b->dir, rc == ERR_NOT_FOUND ? NULL : path, &b->facts, &b->captured_at, e);
}

/* ---- the bundle --------------------------------------------------------- */

int bundle_open(const char *dir, const struct bundle_options *options, struct bundle **out, struct err *e)
{
    struct bundle *b = calloc(1, sizeof *b);
    int rc;

    if (b == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    b->options = *options;
    b->dir = strdup(dir);
    rc = b->dir != NULL ? read_facts(b, e) : err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = bundle_rescan(b, e);
    if (rc != 0) {
        bundle_close(b);
        return rc;
    }
    *out = b;
    return 0;
}

const struct resource *bundle_facts(const struct bundle *b)
{
    return &b->facts;
}

int64_t bundle_captured_at(const struct bundle *b)
{
    return b->captured_at;
}

size_t bundle_source_count(const struct bundle *b)
{
    return b->count;
}

struct source *bundle_source(struct bundle *b, size_t i)
{
    assert(i < b->count);
    return b->entries[i].source;
}

void bundle_close(struct bundle *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->count; i++) {
        source_close(b->entries[i].source);
        free(b->entries[i].path);
    }
    free(b->dir);
    free(b);
}
