/* See cmd_triage.h: files to verdicts, verdicts to stdout.
 *
 * The JSON form is built here and not in triage/, so that the library stays
 * free of a JSON library; the service ships observations, not this.  What the
 * design fixes comes first in each object; the rest are additions.
 */
#include "agent/cmd_triage.h"

#include "agent/commands.h"
#include "base/text.h"
#include "base/times.h"
#include "plat/clock.h"
#include "plat/files.h"
#include "plat/terminal.h"
#include "triage/triage.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 8,
    FILES_MAX = 100000,
    TEXT_OUT_MAX = 4 << 20,
    DEADLINE_S = 60, /* one dump; a good one takes milliseconds */
    REAL_DIGITS = 12,
};

/* ---- JSON ---- */

static json_t *text_or_null(const char *text)
{
    return *text != '\0' ? json_string(text) : json_null();
}

static json_t *hex(uint64_t n, int digits)
{
    char text[24];

    snprintf(text, sizeof text, "0x%0*" PRIx64, digits, n);
    return json_string(text);
}

static json_t *number_or_null(uint64_t n)
{
    return n != 0 ? json_integer((json_int_t)n) : json_null();
}

static json_t *json_bugcheck(const struct triage_verdict *v)
{
    json_t *params = json_array(), *meanings = json_array();

    if (!v->header.has_bugcheck) {
        json_decref(params);
        json_decref(meanings);
        return json_null();
    }
    for (size_t i = 0; i < DUMP_PARAMS; i++) {
        json_array_append_new(params, hex(v->header.params[i], v->header.is64 ? 16 : 8));
        json_array_append_new(meanings, json_string(v->meanings[i]));
    }
    return json_pack("{s:o, s:s, s:o, s:o, s:o}", "code", hex(v->header.code, 8), "name", v->bugcheck_name,
                     "parameters", params, "meanings", meanings, "cause", text_or_null(v->cause));
}

static json_t *json_os(const struct triage_verdict *v)
{
    const struct dump_header *h = &v->header;

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "arch", text_or_null(dump_arch_name(h->arch)), "build",
                     number_or_null(h->build), "ubr", number_or_null(v->ubr), "product",
                     text_or_null(dump_product_name(h->product)), "build_lab", text_or_null(v->build_lab));
}

static json_t *json_place(const struct triage_verdict *v, const struct triage_place *p)
{
    json_t *o = json_pack("{s:o}", "address", hex(p->address, v->header.is64 ? 16 : 8));

    if (p->driver >= 0) {
        json_object_set_new(o, "module", json_string(v->drivers[p->driver].name));
        json_object_set_new(o, "offset", hex(p->offset, 1));
    } else {
        json_object_set_new(o, "module", json_null());
        json_object_set_new(o, "offset", json_null());
    }
    json_object_set_new(o, "symbol", text_or_null(p->symbol));
    return o;
}

static json_t *json_culprit(const struct triage_verdict *v)
{
    const struct triage_culprit *c = &v->culprit;

    return json_pack(
        "{s:o, s:o, s:s, s:s, s:s, s:s}", "module", c->subject == TRIAGE_DRIVER ? json_string(c->name) : json_null(),
        "offset", c->has_offset ? hex(c->offset, 1) : json_null(), "confidence", triage_confidence_name(c->confidence),
        "evidence", c->evidence, "kind", triage_subject_name(c->subject), "name", c->name);
}

static json_t *json_driver(const struct triage_driver *m)
{
    char date[TIMES_TEXT_MAX], version[32];
    json_t *o = json_pack("{s:s, s:o, s:I, s:o, s:o}", "name", m->name, "base", hex(m->base, 16), "size",
                          (json_int_t)m->size, "timestamp", m->has_timestamp ? hex(m->timestamp, 8) : json_null(),
                          "checksum", m->has_checksum ? hex(m->checksum, 8) : json_null());

    snprintf(version, sizeof version, "%u.%u.%u.%u", m->version[0], m->version[1], m->version[2], m->version[3]);
    json_object_set_new(o, "version", m->has_version ? json_string(version) : json_null());
    if (m->has_timestamp && !m->reproducible)
        json_object_set_new(o, "date", json_string(times_format((int64_t)m->timestamp * NS_PER_S, date)));
    if (*m->path != '\0')
        json_object_set_new(o, "path", json_string(m->path));
    if (m->integration)
        json_object_set_new(o, "integration_component", json_true());
    return o;
}

static json_t *json_drivers(const struct triage_verdict *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->driver_count; i++)
        json_array_append_new(list, json_driver(&v->drivers[i]));
    return list;
}

static json_t *json_unloaded(const struct triage_verdict *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->unloaded_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "name", v->unloaded[i].name, "start",
                                              hex(v->unloaded[i].start, 16), "end", hex(v->unloaded[i].end, 16)));
    return list;
}

static json_t *json_stack(const struct triage_verdict *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->frame_count; i++) {
        json_t *o = json_place(v, &v->frames[i].place);

        json_object_set_new(o, "sp", hex(v->frames[i].sp, v->header.is64 ? 16 : 8));
        json_object_set_new(o, "source", json_string(triage_frame_source_name(v->frames[i].source)));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *json_integrity(const struct triage_verdict *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->finding_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "rule", v->findings[i].rule, "offset",
                                              (json_int_t)v->findings[i].offset, "text", v->findings[i].text));
    return list;
}

static json_t *json_notes(const struct triage_verdict *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->note_count; i++)
        json_array_append_new(list, json_string(v->notes[i]));
    return list;
}

static json_t *json_number(const struct triage_number *n)
{
    return json_pack("{s:o, s:s}", "bytes", n->known ? json_integer((json_int_t)n->value) : json_null(), "source",
                     n->source);
}

static json_t *json_machine(const struct triage_verdict *v)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "role", triage_role_name(v->role), "role_evidence",
                     v->role_evidence, "maker", text_or_null(v->system_maker), "product",
                     text_or_null(v->system_product), "memory", json_number(&v->memory_total), "available",
                     json_number(&v->memory_free), "commit", json_number(&v->commit), "commit_limit",
                     json_number(&v->commit_limit));
}

static json_t *json_bios(const struct triage_verdict *v)
{
    return json_pack("{s:o, s:o, s:o}", "vendor", text_or_null(v->bios_vendor), "version",
                     text_or_null(v->bios_version), "date", text_or_null(v->bios_date));
}

static json_t *json_bucket(const struct triage_verdict *v)
{
    return json_pack("{s:o, s:o, s:o}", "failure_bucket_id", text_or_null(v->bucket.failure_id), "failure_id_hash",
                     text_or_null(v->bucket.failure_hash), "hvfleet", text_or_null(v->bucket.hvfleet));
}

static json_t *json_time(const struct triage_verdict *v)
{
    char text[TIMES_TEXT_MAX];

    return text_or_null(times_format(v->header.crash_time - v->header.crash_time % 1000, text));
}

static json_t *json_dump_facts(const struct triage_verdict *v, int64_t elapsed)
{
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:I, s:f}", "type",
                     v->header.has_type ? json_integer(v->header.type) : json_null(), "extent",
                     text_or_null(triage_extent_name(v->extent)), "bytes", (json_int_t)v->header.file_size,
                     "bytes_needed", number_or_null(v->header.size_needed), "pages",
                     v->pages_present.known ? json_integer((json_int_t)v->pages_present.value) : json_null(),
                     "bytes_read", (json_int_t)v->bytes_read, "elapsed_ms", (double)elapsed / NS_PER_MS);
}

static json_t *json_verdict(const struct triage_verdict *v, const char *file, int64_t elapsed)
{
    const struct dump_header *h = &v->header;
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "schema", "hvfleet.triage/1", "file", file, "status",
                          triage_status_name(v->status), "format", dump_format_name(h->format));

    json_object_set_new(o, "status_text", text_or_null(v->status_text));
    json_object_set_new(o, "bugcheck", json_bugcheck(v));
    json_object_set_new(o, "os", json_os(v));
    json_object_set_new(o, "processors", number_or_null(h->processors));
    json_object_set_new(o, "crash_time", json_time(v));
    json_object_set_new(o, "uptime_s", h->uptime >= 0 ? json_real((double)h->uptime / 1e9) : json_null());
    json_object_set_new(o, "process", text_or_null(v->process));
    json_object_set_new(o, "culprit", json_culprit(v));
    json_object_set_new(o, "fault", v->has_fault ? json_place(v, &v->fault) : json_null());
    if (v->has_fault)
        json_object_set_new(json_object_get(o, "fault"), "how", json_string(v->fault_how));
    json_object_set_new(o, "bucket", json_bucket(v));
    json_object_set_new(o, "bios", json_bios(v));
    json_object_set_new(o, "machine", json_machine(v));
    json_object_set_new(o, "drivers", json_drivers(v));
    json_object_set_new(o, "unloaded", json_unloaded(v));
    json_object_set_new(o, "stack", json_stack(v));
    json_object_set_new(o, "notes", json_notes(v));
    json_object_set_new(o, "integrity", json_integrity(v));
    json_object_set_new(o, "dump", json_dump_facts(v, elapsed));
    return o;
}

static void print_json(json_t *o)
{
    if (o == NULL || json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS)) != 0)
        fputs("hvagent triage: out of memory for the JSON form\n", stderr);
    putchar('\n');
    json_decref(o);
}

/* ---- files ---- */

struct run {
    bool json, details;
    bool failed;      /* a file could not be read */
    bool progress;    /* on a terminal */
    const char *name; /* of the dump being read, printable */
    char **paths;     /* owned */
    size_t count, cap, done;
    int64_t elapsed; /* of the dump just read, ns */
};

static void show_progress(void *arg, const char *stage)
{
    const struct run *run = arg;

    if (!run->progress)
        return;
    terminal_clear_line(stderr);
    fprintf(stderr, "%zu of %zu: %.60s (%s)", run->done + 1, run->count, run->name, stage);
    fflush(stderr);
}

static int64_t clock_now(void *arg)
{
    (void)arg;
    return plat_clock()->monotonic_ns(plat_clock());
}

static void print_unreadable(struct run *run, const char *name, const struct err *e)
{
    char text[ERR_TEXT_MAX];

    run->failed = true;
    text_clean(text, sizeof text, e->text, strlen(e->text), NULL);
    if (run->json)
        print_json(json_pack("{s:s, s:s, s:s, s:n, s:s}", "schema", "hvfleet.triage/1", "file", name, "status",
                             triage_status_name(TRIAGE_UNREADABLE), "format", "status_text", text));
    else
        fprintf(stderr, "%s\n", text);
}

static void print_verdict(struct run *run, const char *name, const struct triage_verdict *v)
{
    struct buf text;

    if (run->json) {
        print_json(json_verdict(v, name, run->elapsed));
        return;
    }
    buf_init(&text, TEXT_OUT_MAX);
    triage_text(v, name, run->details, &text);
    if (run->done > 0)
        putchar('\n');
    fwrite(buf_text(&text), 1, text.len, stdout);
    buf_free(&text);
}

static int read_file(void *arg, uint64_t offset, void *buf, size_t len, size_t *got, struct err *e)
{
    return plat_files()->ops->read_at(arg, offset, buf, len, got, e);
}

static int quiet_seconds(const struct file_info *info)
{
    int64_t quiet = (plat_clock()->wall_ns(plat_clock()) - info->mtime_ns) / NS_PER_S;

    return quiet < 0 ? -1 : quiet > INT32_MAX ? INT32_MAX : (int)quiet;
}

static int triage_one(struct run *run, const char *path, struct triage_verdict **v, struct err *e)
{
    const struct files *files = plat_files();
    struct triage_reader reader = { .read = read_file };
    struct triage_limits limits;
    struct file_info info;
    struct file *file;
    int rc = files->ops->open(files, path, &file, e);

    if (rc != 0)
        return rc;
    rc = files->ops->info(file, &info, e);
    if (rc == 0) {
        triage_limits_default(&limits);
        limits.clock = clock_now;
        limits.deadline = clock_now(NULL) + DEADLINE_S * NS_PER_S;
        limits.progress = show_progress;
        limits.arg = run;
        limits.quiet_s = quiet_seconds(&info);
        reader.arg = file;
        reader.size = info.size;
        rc = triage_file(&reader, &limits, v, e);
    }
    files->ops->close(file);
    return rc;
}

static void read_one(struct run *run, const char *path)
{
    char name[FILES_PATH_MAX];
    struct triage_verdict *v = NULL;
    struct err e;
    int64_t start;
    int rc;

    text_clean(name, sizeof name, path, strlen(path), NULL);
    run->name = name;
    show_progress(run, "header");
    start = clock_now(NULL);
    rc = triage_one(run, path, &v, &e);
    run->elapsed = clock_now(NULL) - start;
    if (run->progress)
        terminal_clear_line(stderr);
    if (rc != 0) {
        print_unreadable(run, name, &e);
    } else {
        print_verdict(run, name, v);
        run->failed = run->failed || !v->header.has_bugcheck;
    }
    triage_verdict_free(v);
    run->done++;
}

/* ---- folders ---- */

static bool add_path(struct run *run, const char *path)
{
    if (run->count == run->cap) {
        size_t cap = run->cap == 0 ? 64 : run->cap * 2;
        char **paths = cap > FILES_MAX ? NULL : realloc(run->paths, cap * sizeof *paths);

        if (paths == NULL)
            return false;
        run->paths = paths;
        run->cap = cap;
    }
    run->paths[run->count] = strdup(path);
    return run->paths[run->count] != NULL && ++run->count > 0;
}

struct listing {
    struct run *run;
    const char *dir;
    int depth;
    bool failed;
};

static bool add_dir(struct run *run, const char *dir, int depth);

static bool take_entry(void *arg, const char *name)
{
    struct listing *l = arg;
    char path[FILES_PATH_MAX];
    struct file_info info;
    int n = snprintf(path, sizeof path, "%s/%s", l->dir, name);

    if (n < 0 || (size_t)n >= sizeof path || plat_files()->ops->stat(plat_files(), path, &info, NULL) != 0)
        return true;
    if (info.is_dir && l->depth < DEPTH_MAX)
        l->failed = !add_dir(l->run, path, l->depth + 1) || l->failed;
    else if (info.is_regular && text_ends_with_nocase(name, ".dmp"))
        l->failed = !add_path(l->run, path) || l->failed;
    return !l->failed;
}

/* Bounded by DEPTH_MAX. */
static bool add_dir(struct run *run, const char *dir, int depth)
{
    struct listing l = { .run = run, .dir = dir, .depth = depth };
    struct err e;

    if (plat_files()->ops->list(plat_files(), dir, take_entry, &l, &e) != 0) {
        fprintf(stderr, "%s\n", e.text);
        run->failed = true;
        return true;
    }
    return !l.failed;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A file as it is; a folder's dumps in the order of their names. */
static bool add_argument(struct run *run, const char *path)
{
    struct file_info info;
    size_t before = run->count;

    if (plat_files()->ops->stat(plat_files(), path, &info, NULL) != 0 || !info.is_dir)
        return add_path(run, path);
    if (!add_dir(run, path, 0))
        return false;
    if (run->count == before) {
        fprintf(stderr, "%s: no *.dmp in this folder\n", path);
        run->failed = true;
    } else {
        qsort(run->paths + before, run->count - before, sizeof *run->paths, by_name);
    }
    return true;
}

int cmd_triage(int argc, char **argv)
{
    struct run run = { 0 };
    const struct option_spec specs[] = { { "--json", NULL, &run.json }, { "-v", NULL, &run.details } };
    bool added = true;

    if (!options_take(&argc, argv, specs, 2) || argc < 2) {
        fputs("usage: hvagent triage [--json] [-v] DUMP...\n", stderr);
        return EXIT_USAGE;
    }
    run.progress = terminal_is(stderr);
    for (int i = 1; i < argc && added; i++)
        added = add_argument(&run, argv[i]);
    if (!added)
        fprintf(stderr, "hvagent triage: more than %d files, or out of memory: name fewer\n", FILES_MAX);
    for (size_t i = 0; i < run.count && added; i++)
        read_one(&run, run.paths[i]);
    for (size_t i = 0; i < run.count; i++)
        free(run.paths[i]);
    free(run.paths);
    return added && !run.failed ? EXIT_DONE : EXIT_FAILED;
}
