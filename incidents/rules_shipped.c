/* Sets of rules: the shipped ones, files on top of them, and looking at them. */
#include "config/yaml_file.h"
#include "incidents/rules_model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rules *rules_new(void)
{
    struct rules *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    arena_init(&r->arena, RULES_BYTES_MAX);
    r->disk_timeout_ns = RULES_DISK_TIMEOUT_S * NS_PER_S;
    r->digest = UINT64_C(14695981039346656037);
    return r;
}

void rules_free(struct rules *r)
{
    while (r != NULL) {
        struct rules *next = r->owned;

        arena_free(&r->arena);
        free(r);
        r = next;
    }
}

bool rules_put(struct rules *r, struct rule *rule)
{
    size_t at = 0;

    while (at < r->count && strcmp(r->rule[at]->id, rule->id) < 0)
        at++;
    if (at < r->count && strcmp(r->rule[at]->id, rule->id) == 0) {
        if (rule->enabled)
            r->rule[at] = rule;
        else
            r->rule[at]->enabled = false;
        return true;
    }
    if (r->count == RULES_MAX)
        return false;
    memmove(r->rule + at + 1, r->rule + at, (r->count - at) * sizeof r->rule[0]);
    r->rule[at] = rule;
    r->count++;
    return true;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t digest_of(uint64_t digest, const void *bytes, size_t len)
{
    for (size_t n = 0; n < len; n++)
        digest = (digest ^ ((const unsigned char *)bytes)[n]) * UINT64_C(1099511628211);
    return digest;
}

/* One file's rules alone, into a set of their own. */
static int read_bytes(const char *name, const char *yaml, size_t len, struct rules *into, struct buf *problems)
{
    struct rule_reader r = { .rules = into };
    struct problems *found = malloc(sizeof *found);
    struct yaml_tree tree = { 0 };
    int rc = ERR_MEMORY;

    if (found == NULL)
        goto done;
    into->digest = digest_of(into->digest, yaml, len);
    problems_init(found);
    r.problems = found;
    r.tree = &tree;
    rc = yaml_tree_read(&tree, yaml, len, found);
    if (rc == 0)
        rc = rules_read(&r);
    if (rc == 0 && found->no_memory)
        rc = ERR_MEMORY;
    else if (rc == 0 && found->count > 0)
        rc = ERR_INVALID;
    problems_write(found, name, problems);
    problems_free(found);
done:
    if (rc == ERR_MEMORY)
        yaml_file_no_memory(name, problems);
    else if (rc == ERR_TOO_BIG)
        buf_printf(problems,
                   "%s:1:1: too large (%zu bytes): its rules take more than %d MiB once they are read; "
                   "split it into several files, or take conditions out\n",
                   name, len, RULES_BYTES_MAX / 1024 / 1024);
    yaml_tree_free(&tree);
    free(found);
    return rc;
}

int rules_parse(const char *name, const char *yaml, size_t len, struct rules **out, struct buf *problems)
{
    struct rules *r = rules_new();
    int rc = r == NULL ? yaml_file_no_memory(name, problems) : read_bytes(name, yaml, len, r, problems);

    *out = NULL;
    if (rc == 0)
        *out = r;
    else
        rules_free(r);
    return rc;
}

struct rules *rules_shipped(void)
{
    struct rules *r = rules_new();
    struct buf problems;
    int rc = r == NULL ? ERR_MEMORY : 0;

    buf_init(&problems, PROBLEMS_MAX * PROBLEM_TEXT_MAX);
    for (const struct rules_file *f = rules_files; rc == 0 && f->name != NULL; f++)
        rc = read_bytes(f->name, (const char *)f->bytes, f->len, r, &problems);
    assert(rc == 0 || rc == ERR_MEMORY); /* a test reads each of them */
    buf_free(&problems);
    if (rc != 0) {
        rules_free(r);
        r = NULL;
    }
    return r;
}

/* ---- files on top ------------------------------------------------------------------------------ */

static bool has_rule(const struct rules *r, const char *id)
{
    for (size_t n = 0; n < r->count; n++) {
        if (strcmp(r->rule[n]->id, id) == 0)
            return true;
    }
    return false;
}

/* Puts a file's set over what is there, which owns it from then on. */
static int put_over(struct rules *r, struct rules *file, const char *path, struct buf *problems)
{
    int rc = 0;

    r->digest = digest_of(r->digest, &file->digest, sizeof file->digest);
    file->owned = r->owned;
    r->owned = file;
    for (size_t n = 0; n < file->count; n++) {
        struct rule *rule = file->rule[n];

        if (!rule->enabled && !has_rule(r, rule->id))
            buf_printf(problems, "%s:%zu:%zu: rules: there is no rule %s to take out; check its id\n", path,
                       rule->at.line, rule->at.column, rule->id);
        else if (!rules_put(r, rule))
            buf_printf(problems, "%s:%zu:%zu: rules: more than %d rules; remove some\n", path, rule->at.line,
                       rule->at.column, RULES_MAX);
        else
            continue;
        rc = ERR_INVALID;
    }
    return rc;
}

static int load_one(struct rules *r, const char *path, struct buf *problems)
{
    struct rules *file = NULL;
    struct buf text;
    int rc = yaml_file_read(path, "split it into several files", &text, problems);

    if (rc == 0)
        rc = rules_parse(path, text.data, text.len, &file, problems);
    if (rc == 0)
        rc = put_over(r, file, path, problems);
    buf_free(&text);
    return rc;
}

int rules_load(const char *const *paths, size_t count, struct rules **out, struct buf *problems)
{
    struct rules *r = rules_shipped();
    int worst = r == NULL ? yaml_file_no_memory("rules", problems) : 0;

    *out = NULL;
    if (count > RULES_FILES_MAX) {
        buf_printf(problems, "%s:1:1: more than %d rules files; put some together\n", paths[RULES_FILES_MAX],
                   RULES_FILES_MAX);
        worst = ERR_INVALID;
        count = RULES_FILES_MAX;
    }
    for (size_t n = 0; n < count && r != NULL; n++) {
        int rc = load_one(r, paths[n], problems);

        worst = worst == 0 ? rc : worst;
    }
    if (worst == 0)
        *out = r;
    else
        rules_free(r);
    return worst;
}

void rules_disk_timeout(struct rules *r, int64_t ns)
{
    assert(ns > 0);
    r->disk_timeout_ns = ns;
}

uint64_t rules_digest(const struct rules *r)
{
    return digest_of(r->digest, &r->disk_timeout_ns, sizeof r->disk_timeout_ns);
}

/* ---- looking ----------------------------------------------------------------------------------- */

size_t rules_count(const struct rules *r)
{
    return r->count;
}

const char *rules_id(const struct rules *r, size_t index)
{
    assert(index < r->count);
    return r->rule[index]->id;
}

const char *rules_title(const struct rules *r, size_t index)
{
    assert(index < r->count);
    return r->rule[index]->title;
}

bool rules_enabled(const struct rules *r, size_t index)
{
    assert(index < r->count);
    return r->rule[index]->enabled;
}
