/* See yaml_doc.h.
 *
 * Three passes: yaml_tree.c takes the bytes apart; here every node is held
 * against the table of keys, then every key of the table against the nodes;
 * last comes the table's own check of values against each other.  A node that
 * was reported once is not reported again, so that one mistake is one line; and
 * nothing is called missing, or checked against another, when the YAML itself
 * is broken and its end was not reached.
 */
#include "config/yaml_doc.h"

#include "base/text.h"
#include "config/agent_config.h"
#include "config/nearest.h"
#include "config/problems.h"
#include "config/yaml_tree.h"
#include "config/yaml_value.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 128 };

struct yaml_checker {
    const struct yaml_schema *schema;
    struct yaml_tree tree;
    struct problems problems;
    bool bad[KEYS_MAX]; /* by the key's index in the table */
    char *target;       /* being filled */
};

/* ---- the table --------------------------------------------------------- */

static int key_index(const struct yaml_schema *schema, const char *path)
{
    for (size_t i = 0; i < schema->key_count; i++) {
        if (strcmp(schema->keys[i].path, path) == 0)
            return (int)i;
    }
    return -1;
}

static bool is_below(const char *path, const char *section)
{
    size_t n = strlen(section);

    return n == 0 || (strncmp(path, section, n) == 0 && path[n] == '.');
}

static bool is_section(const struct yaml_schema *schema, const char *path)
{
    for (size_t i = 0; i < schema->key_count; i++) {
        if (is_below(schema->keys[i].path, path))
            return true;
    }
    return false;
}

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot != NULL ? dot + 1 : path;
}

/* The known name that was most likely meant.  A key of the same name in
 * another section is nearer than a similar name. */
static const char *nearest_key(const struct yaml_schema *schema, const char *path)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < schema->key_count; i++) {
        const char *known = schema->keys[i].path;
        size_t d = edit_distance(path, known);

        if (strcmp(last_part(path), last_part(known)) == 0 && d > 1)
            d = 1;
        if (d < best) {
            best = d;
            nearest = known;
        }
    }
    return nearest != NULL && is_near(best, path) ? nearest : NULL;
}

/* The section a key is in: "hub.batch" for "hub.batch.x", "" for "x".  out may be path. */
static void parent_of(const char *path, char out[YAML_PATH_MAX])
{
    const char *dot = strrchr(path, '.');
    size_t n = dot != NULL ? (size_t)(dot - path) : 0;

    assert(n < YAML_PATH_MAX);
    memmove(out, path, n);
    out[n] = '\0';
}

/* The first part below section of each key there, each once: "url, batch, retry". */
static void list_section(const struct yaml_schema *schema, const char *section, struct buf *out)
{
    size_t skip = section[0] != '\0' ? strlen(section) + 1 : 0, last_len = 0;
    const char *last = "";

    for (size_t i = 0; i < schema->key_count; i++) {
        const char *part = schema->keys[i].path + skip;
        size_t n;

        if (!is_below(schema->keys[i].path, section))
            continue;
        n = strcspn(part, ".");
        if (n == last_len && strncmp(part, last, n) == 0)
            continue;
        if (out->len > 0)
            buf_str(out, ", ");
        buf_add(out, part, n);
        last = part;
        last_len = n;
    }
}

/* The known section whose name is near, into out: "hub" for "hbu"; NULL when none is. */
static const char *nearest_section(const struct yaml_schema *schema, const char *path, char out[YAML_PATH_MAX])
{
    size_t best = SIZE_MAX;
    char section[YAML_PATH_MAX];

    for (size_t i = 0; i < schema->key_count; i++) {
        for (parent_of(schema->keys[i].path, section); section[0] != '\0'; parent_of(section, section)) {
            size_t d = edit_distance(path, section);

            if (d < best && is_near(d, path)) {
                best = d;
                memcpy(out, section, sizeof section);
            }
        }
    }
    return best != SIZE_MAX ? out : NULL;
}

/* ---- nodes against the table ------------------------------------------- */

static void report_unknown(struct yaml_checker *c, const struct yaml_node *n)
{
    char parent[YAML_PATH_MAX], section[YAML_PATH_MAX];
    const char *meant =
        n->kind == YAML_NODE_SECTION ? nearest_section(c->schema, n->path, section) : nearest_key(c->schema, n->path);
    struct buf names;

    if (meant != NULL) {
        problem_add(&c->problems, n->key, n->path, "unknown key; did you mean %s?", meant);
        return;
    }
    buf_init(&names, PROBLEM_TEXT_MAX);
    parent_of(n->path, parent);
    list_section(c->schema, parent, &names);
    problem_add(&c->problems, n->key, n->path, "unknown key; remove it, or write one of %s", buf_text(&names));
    buf_free(&names);
}

static void check_section(struct yaml_checker *c, const struct yaml_node *n)
{
    struct buf names;

    if (n->kind == YAML_NODE_SECTION || n->kind == YAML_NODE_BAD || yaml_node_is_null(n))
        return;
    buf_init(&names, PROBLEM_TEXT_MAX);
    list_section(c->schema, n->path, &names);
    problem_add(&c->problems, n->value, n->path[0] != '\0' ? n->path : NULL,
                "expects keys, not a %s; write \"key: value\" lines%s (%s)",
                n->kind == YAML_NODE_LIST ? "list" : "text", n->path[0] != '\0' ? " indented below it" : "",
                buf_text(&names));
    buf_free(&names);
}

/* Whatever is below a node that was reported says nothing. */
static void check_nodes(struct yaml_checker *c)
{
    bool silent[YAML_NODES_MAX];

    assert(c->tree.count <= YAML_NODES_MAX);
    for (int i = 0; i < c->tree.count; i++) {
        const struct yaml_node *n = &c->tree.nodes[i];

        assert(n->parent < i);
        silent[i] = n->skipped || (n->parent >= 0 && silent[n->parent]);
        if (silent[i])
            continue;
        if (n->in_list || key_index(c->schema, n->path) >= 0)
            silent[i] = true; /* read with its key, not here */
        else if (is_section(c->schema, n->path))
            check_section(c, n);
        else {
            report_unknown(c, n);
            silent[i] = true;
        }
    }
}

/* ---- the table against nodes -------------------------------------------- */

static void *field_of(const struct yaml_schema *schema, const struct yaml_key *key, char *target)
{
    assert(key->offset + yaml_value_size(key) <= schema->target_size);
    return target + key->offset;
}

static void put_default(const struct yaml_schema *schema, const struct yaml_key *key, char *target)
{
    char why[YAML_WHY_MAX];
    bool good;

    if (key->fallback == NULL || key->type == YAML_TEXT_LIST) {
        assert(key->fallback == NULL || key->fallback[0] == '\0');
        return;
    }
    good = yaml_value_read(key, key->fallback, strlen(key->fallback), true, field_of(schema, key, target), why);
    assert(good);
    (void)good;
}

static struct place place_of_key(const struct yaml_checker *c, const char *path, bool of_value)
{
    char section[YAML_PATH_MAX];
    const struct yaml_node *n = yaml_tree_find(&c->tree, path);

    if (n != NULL)
        return of_value ? n->value : n->key;
    for (parent_of(path, section); section[0] != '\0'; parent_of(section, section)) {
        n = yaml_tree_find(&c->tree, section);
        if (n != NULL)
            return n->key;
    }
    return (struct place){ 1, 1 };
}

static void blame(struct yaml_checker *c, const struct yaml_key *key, struct place at, const char *why)
{
    c->bad[key - c->schema->keys] = true;
    problem_add(&c->problems, at, key->path, "%s", why);
}

static void read_list(struct yaml_checker *c, const struct yaml_key *key, const struct yaml_node *list)
{
    struct config_list *out = field_of(c->schema, key, c->target);
    int self = (int)(list - c->tree.nodes);
    char why[YAML_WHY_MAX];

    for (int i = self + 1; i < c->tree.count; i++) {
        const struct yaml_node *n = &c->tree.nodes[i];

        if (n->parent != self || n->kind == YAML_NODE_BAD)
            continue;
        if (n->kind != YAML_NODE_TEXT || yaml_node_is_null(n)) {
            blame(c, key, n->value, "an item of this list is not a text; write one text an item");
        } else if (out->count == key->max || out->count == CONFIG_LIST_MAX) {
            snprintf(why, sizeof why, "more than %d items; remove some", out->count);
            blame(c, key, n->value, why);
            return;
        } else if (yaml_value_read_item(n->text, n->len, out->items[out->count], why)) {
            out->count++;
        } else {
            blame(c, key, n->value, why);
        }
    }
}

static const char *wanted(const struct yaml_key *key)
{
    return key->type == YAML_TEXT_LIST ? "a list" : "one value";
}

/* A value of the wrong shape: a list for a text and so on.  True when there is one. */
static bool is_misshapen(struct yaml_checker *c, const struct yaml_key *key, const struct yaml_node *n)
{
    bool list = key->type == YAML_TEXT_LIST;
    char why[YAML_WHY_MAX], text[YAML_SHOWN_MAX];

    if (n->kind == YAML_NODE_BAD) {
        c->bad[key - c->schema->keys] = true;
        return true;
    }
    if (yaml_node_is_null(n))
        snprintf(why, sizeof why, "has no value; write one, or leave the key out");
    else if (n->kind == YAML_NODE_SECTION || (n->kind == YAML_NODE_LIST && !list))
        snprintf(why, sizeof why, "expects %s, not %s; write %s", wanted(key),
                 n->kind == YAML_NODE_LIST ? "a list" : "keys below it",
                 list ? "[first, second]" : "it after the colon");
    else if (n->kind == YAML_NODE_TEXT && list) {
        text_clean(text, sizeof text, n->text, n->len, NULL);
        snprintf(why, sizeof why, "expects a list; write [%s]", text);
    } else
        return false;
    blame(c, key, n->value, why);
    return true;
}

static void read_key(struct yaml_checker *c, const struct yaml_key *key)
{
    const struct yaml_node *n = yaml_tree_find(&c->tree, key->path);
    char why[YAML_WHY_MAX];

    put_default(c->schema, key, c->target);
    if (n == NULL && key->fallback == NULL && c->tree.complete)
        blame(c, key, place_of_key(c, key->path, false), "is missing; this key has no default");
    if (n == NULL || is_misshapen(c, key, n))
        return;
    if (key->type == YAML_TEXT_LIST)
        read_list(c, key, n);
    else if (!yaml_value_read(key, n->text, n->len, n->plain, field_of(c->schema, key, c->target), why))
        blame(c, key, n->value, why);
}

/* ---- checks of values against each other -------------------------------- */

void yaml_check_problem(struct yaml_checker *c, const char *path, const char *fmt, ...)
{
    char why[PROBLEM_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    problem_add(&c->problems, place_of_key(c, path, true), path, "%s", why);
}

bool yaml_check_given(const struct yaml_checker *c, const char *path)
{
    return yaml_tree_find(&c->tree, path) != NULL;
}

bool yaml_check_good(const struct yaml_checker *c, const char *path)
{
    int i = key_index(c->schema, path);

    assert(i >= 0);
    return !c->bad[i];
}

/* ---- whole documents ---------------------------------------------------- */

void yaml_schema_defaults(const struct yaml_schema *schema, void *target)
{
    memset(target, 0, schema->target_size);
    for (size_t i = 0; i < schema->key_count; i++)
        put_default(schema, &schema->keys[i], target);
}

static void read_document(struct yaml_checker *c)
{
    check_nodes(c);
    /* A document that is no set of keys at all has had its line. */
    if (c->tree.count > 0 && c->tree.nodes[0].kind != YAML_NODE_SECTION && !yaml_node_is_null(&c->tree.nodes[0]))
        return;
    for (size_t i = 0; i < c->schema->key_count; i++)
        read_key(c, &c->schema->keys[i]);
    if (c->schema->check != NULL && c->tree.complete)
        c->schema->check(c, c->target);
}

int yaml_schema_read(const char *name, const char *yaml, size_t len, const struct yaml_schema *schema, void *target,
                     struct buf *problems)
{
    struct yaml_checker *c = calloc(1, sizeof *c);
    int rc = ERR_MEMORY;

    assert(schema->key_count <= KEYS_MAX);
    if (c == NULL)
        goto done;
    c->schema = schema;
    problems_init(&c->problems);
    c->target = calloc(1, schema->target_size);
    rc = c->target == NULL ? ERR_MEMORY : yaml_tree_read(&c->tree, yaml, len, &c->problems);
    if (rc != 0)
        goto done;
    read_document(c);
    if (c->problems.count > 0)
        rc = ERR_INVALID;
    else
        memcpy(target, c->target, schema->target_size);
    problems_write(&c->problems, name, problems);
done:
    if (rc == ERR_MEMORY)
        buf_printf(problems, "%s:1:1: out of memory while reading; free some and try again\n", name);
    if (c != NULL) {
        yaml_tree_free(&c->tree);
        problems_free(&c->problems);
        free(c->target);
        free(c);
    }
    return rc;
}

static int report_unreadable(const char *path, int errnum, struct buf *problems)
{
    const char *remedy = errnum == ENOENT   ? "check the name, or make the file"
                         : errnum == EACCES ? "let this user read it"
                         : errnum == EISDIR ? "name a file"
                                            : "check the disk and the name";

    buf_printf(problems, "%s:1:1: cannot be read: %s; %s\n", path, strerror(errnum), remedy);
    return err_errno(NULL, errnum, "%s", path);
}

int yaml_schema_load(const char *path, const struct yaml_schema *schema, void *target, struct buf *problems)
{
    FILE *f = fopen(path, "rb");
    struct buf text;
    char *room;
    int rc;

    if (f == NULL)
        return report_unreadable(path, errno, problems);
    buf_init(&text, YAML_BYTES_MAX + 1);
    room = buf_room(&text, YAML_BYTES_MAX + 1);
    if (room == NULL) {
        buf_printf(problems, "%s:1:1: out of memory while reading; free some and try again\n", path);
        rc = ERR_MEMORY;
        goto done;
    }
    errno = 0;
    buf_used(&text, fread(room, 1, YAML_BYTES_MAX + 1, f));
    rc = ferror(f) ? report_unreadable(path, errno != 0 ? errno : EIO, problems)
                   : yaml_schema_read(path, text.data, text.len, schema, target, problems);
done:
    buf_free(&text);
    fclose(f);
    return rc;
}

int yaml_doc_read(const char *name, const char *yaml, size_t len, const struct yaml_key *keys, size_t key_count,
                  void *target, size_t target_size, struct buf *problems)
{
    struct yaml_schema schema = { .keys = keys, .key_count = key_count, .target_size = target_size };

    return yaml_schema_read(name, yaml, len, &schema, target, problems);
}

int yaml_doc_load(const char *path, const struct yaml_key *keys, size_t key_count, void *target, size_t target_size,
                  struct buf *problems)
{
    struct yaml_schema schema = { .keys = keys, .key_count = key_count, .target_size = target_size };

    return yaml_schema_load(path, &schema, target, problems);
}
