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
#include "config/problems.h"
#include "config/yaml_file.h"
#include "config/yaml_names.h"
#include "config/yaml_tree.h"
#include "config/yaml_value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 128 };

/* Of a whole document, or of one section in a list: then only what is below that node counts, and the table's paths
 * begin there. */
struct yaml_checker {
    const struct yaml_schema *schema;
    struct yaml_tree *tree;
    struct problems *problems;
    int root;                   /* a node's index */
    char prefix[YAML_PATH_MAX]; /* before the table's paths: "deliveries[2]." */
    bool bad[KEYS_MAX];         /* by the key's index in the table */
    char *target;               /* being filled */
};

/* The table's path of a node below the root. */
static const char *path_in(const struct yaml_checker *c, const struct yaml_node *n)
{
    size_t skip = strlen(c->prefix);

    return strncmp(n->path, c->prefix, skip) == 0 ? n->path + skip : "";
}

/* The table's path as it is in the document. */
static const char *path_out(const struct yaml_checker *c, const char *path, char out[2 * YAML_PATH_MAX])
{
    snprintf(out, 2 * YAML_PATH_MAX, "%s%s", c->prefix, path);
    return out;
}

static const struct yaml_node *find(const struct yaml_checker *c, const char *path)
{
    char whole[2 * YAML_PATH_MAX];

    return yaml_tree_find(c->tree, path_out(c, path, whole));
}

/* ---- nodes against the table ------------------------------------------- */

static void report_unknown(struct yaml_checker *c, const struct yaml_node *n)
{
    char parent[YAML_PATH_MAX], section[YAML_PATH_MAX];
    const char *path = path_in(c, n);
    const char *meant = n->kind == YAML_NODE_SECTION ? yaml_nearest_section(c->schema, path, section)
                                                     : yaml_nearest_key(c->schema, path);
    struct buf names;

    if (meant != NULL) {
        problem_add(c->problems, n->key, n->path, "unknown key; did you mean %s?", meant);
        return;
    }
    buf_init(&names, PROBLEM_TEXT_MAX);
    yaml_parent_of(path, parent);
    yaml_list_section(c->schema, parent, &names);
    problem_add(c->problems, n->key, n->path, "unknown key; remove it, or write one of %s", buf_text(&names));
    c->problems->no_memory |= buf_error(&names) == ERR_MEMORY;
    buf_free(&names);
}

static void check_section(struct yaml_checker *c, const struct yaml_node *n)
{
    struct buf names;

    if (n->kind == YAML_NODE_SECTION || n->kind == YAML_NODE_BAD || yaml_node_is_null(n))
        return;
    buf_init(&names, PROBLEM_TEXT_MAX);
    yaml_list_section(c->schema, path_in(c, n), &names);
    problem_add(c->problems, n->value, n->path[0] != '\0' ? n->path : NULL,
                "expects keys, not a %s; write \"key: value\" lines%s (%s)",
                n->kind == YAML_NODE_LIST ? "list" : "text", n->path[0] != '\0' ? " indented below it" : "",
                buf_text(&names));
    c->problems->no_memory |= buf_error(&names) == ERR_MEMORY;
    buf_free(&names);
}

/* Whatever is below a node that was reported says nothing. */
static void check_nodes(struct yaml_checker *c)
{
    bool silent[YAML_NODES_MAX];

    assert(c->tree->count <= YAML_NODES_MAX);
    for (int i = c->root; i < c->tree->count; i++) {
        const struct yaml_node *n = &c->tree->nodes[i];

        assert(n->parent < i);
        silent[i] = n->skipped || (i != c->root && (n->parent < c->root || silent[n->parent]));
        if (silent[i])
            continue;
        if ((n->in_list && i != c->root) || yaml_key_index(c->schema, path_in(c, n)) >= 0)
            silent[i] = true; /* read with its key, not here */
        else if (yaml_is_section(c->schema, path_in(c, n)))
            check_section(c, n);
        else {
            report_unknown(c, n);
            silent[i] = true;
        }
    }
}

/* ---- the table against nodes -------------------------------------------- */

static bool is_list(const struct yaml_key *key)
{
    return key->type == YAML_TEXT_LIST || key->type == YAML_LINES || key->type == YAML_FLAGS || key->type == YAML_ITEMS;
}

static void *field_of(const struct yaml_schema *schema, const struct yaml_key *key, char *target)
{
    assert(key->offset + yaml_value_size(key) <= schema->target_size);
    return target + key->offset;
}

static void put_default(const struct yaml_schema *schema, const struct yaml_key *key, char *target)
{
    char why[YAML_WHY_MAX];
    bool good;

    if (key->fallback == NULL || is_list(key)) {
        assert(key->fallback == NULL || key->fallback[0] == '\0');
        return;
    }
    good = yaml_value_read(key, key->fallback, strlen(key->fallback), true, field_of(schema, key, target), why);
    assert(good);
    (void)good;
}

/* Of its value, where the file has it; else of the nearest section it would be in. */
static struct place place_of_key(const struct yaml_checker *c, const char *path)
{
    char section[YAML_PATH_MAX];
    const struct yaml_node *n = find(c, path);

    if (n != NULL)
        return n->value;
    for (yaml_parent_of(path, section); section[0] != '\0'; yaml_parent_of(section, section)) {
        n = find(c, section);
        if (n != NULL)
            return n->key;
    }
    return c->prefix[0] != '\0' ? c->tree->nodes[c->root].value : (struct place){ 1, 1 };
}

static void blame(struct yaml_checker *c, const struct yaml_key *key, struct place at, const char *why)
{
    char whole[2 * YAML_PATH_MAX];

    c->bad[key - c->schema->keys] = true;
    problem_add(c->problems, at, path_out(c, key->path, whole), "%s", why);
}

/* One text more at the end of a list; false with why when it can not be. */
static bool add_item(const struct yaml_key *key, const struct yaml_node *n, void *field, int count,
                     char why[YAML_WHY_MAX])
{
    char item[CONFIG_TEXT_MAX];
    char *lines = field;
    size_t len;

    if (key->type == YAML_FLAGS)
        return yaml_value_read_flag(key, n->text, field, why);
    if (!yaml_value_read_item(n->text, n->len, item, why))
        return false;
    if (key->type == YAML_TEXT_LIST)
        return text_copy(((struct config_list *)field)->items[count], CONFIG_TEXT_MAX, item);
    len = strlen(lines);
    if (len + strlen(item) + 2 > (size_t)key->max + 1) {
        snprintf(why, YAML_WHY_MAX, "the list is too long; its items may have %" PRId64 " bytes together", key->max);
        return false;
    }
    snprintf(lines + len, (size_t)key->max + 1 - len, "%s%s", len > 0 ? "\n" : "", item);
    return true;
}

static int most_items(const struct yaml_key *key)
{
    return key->type == YAML_TEXT_LIST && key->max < CONFIG_LIST_MAX ? (int)key->max : CONFIG_LIST_MAX;
}

static void read_list(struct yaml_checker *c, const struct yaml_key *key, const struct yaml_node *list)
{
    void *field = field_of(c->schema, key, c->target);
    int self = (int)(list - c->tree->nodes), count = 0;
    char why[YAML_WHY_MAX];

    for (int i = self + 1; i < c->tree->count; i++) {
        const struct yaml_node *n = &c->tree->nodes[i];

        if (n->parent != self || n->kind == YAML_NODE_BAD)
            continue;
        if (n->kind != YAML_NODE_TEXT || yaml_node_is_null(n)) {
            blame(c, key, n->value, "an item of this list is not a text; write one text an item");
        } else if (count == most_items(key)) {
            snprintf(why, sizeof why, "more than %d items; remove some", count);
            blame(c, key, n->value, why);
            return;
        } else if (add_item(key, n, field, count, why)) {
            count++;
        } else {
            blame(c, key, n->value, why);
        }
        if (key->type == YAML_TEXT_LIST)
            ((struct config_list *)field)->count = count;
    }
}

static void read_section(struct yaml_checker *c);

/* One section of a list into its place.  Tables of items hold no tables of items, so this nests once. */
static void read_item(struct yaml_checker *c, const struct yaml_key *key, int node, char *place)
{
    struct yaml_checker *item = calloc(1, sizeof *item);
    int n;

    if (item == NULL) {
        c->problems->no_memory = true;
        return;
    }
    *item = (struct yaml_checker){
        .schema = key->items, .tree = c->tree, .problems = c->problems, .root = node, .target = place
    };
    n = snprintf(item->prefix, sizeof item->prefix, "%s.", c->tree->nodes[node].path);
    assert(n < (int)sizeof item->prefix && item->schema->key_count <= KEYS_MAX);
    (void)n;
    read_section(item);
    free(item);
}

static void read_items(struct yaml_checker *c, const struct yaml_key *key, const struct yaml_node *list)
{
    int self = (int)(list - c->tree->nodes);
    int *count = (int *)(void *)(c->target + key->count_offset);
    char *items = field_of(c->schema, key, c->target), why[YAML_WHY_MAX];

    for (int i = self + 1; i < c->tree->count; i++) {
        const struct yaml_node *n = &c->tree->nodes[i];

        if (n->parent != self || n->kind == YAML_NODE_BAD)
            continue;
        if (n->kind != YAML_NODE_SECTION) {
            blame(c, key, n->value,
                  "an item of this list is no set of keys; write \"- key: value\" and further keys"
                  " indented below it");
        } else if (*count == key->max) {
            snprintf(why, sizeof why, "more than %d items; remove some", *count);
            blame(c, key, n->value, why);
            return;
        } else {
            read_item(c, key, i, items + (size_t)*count * key->items->target_size);
            (*count)++;
        }
    }
}

static const char *wanted(const struct yaml_key *key)
{
    return is_list(key) ? "a list" : "one value";
}

/* A value of the wrong shape: a list for a text and so on.  True when there is one. */
static bool is_misshapen(struct yaml_checker *c, const struct yaml_key *key, const struct yaml_node *n)
{
    bool list = is_list(key);
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
                 key->type == YAML_ITEMS ? "\"- \" before the first of them"
                 : list                  ? "[first, second]"
                                         : "it after the colon");
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
    const struct yaml_node *n = find(c, key->path);
    char why[YAML_WHY_MAX];

    put_default(c->schema, key, c->target);
    if (n == NULL && key->fallback == NULL && c->tree->complete)
        blame(c, key, place_of_key(c, key->path), "is missing; this key has no default");
    if (n == NULL || is_misshapen(c, key, n))
        return;
    if (key->type == YAML_ITEMS)
        read_items(c, key, n);
    else if (is_list(key))
        read_list(c, key, n);
    else if (!yaml_value_read(key, n->text, n->len, n->plain, field_of(c->schema, key, c->target), why))
        blame(c, key, n->value, why);
}

/* ---- checks of values against each other -------------------------------- */

void yaml_check_problem(struct yaml_checker *c, const char *path, const char *fmt, ...)
{
    char why[PROBLEM_TEXT_MAX], whole[2 * YAML_PATH_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    problem_add(c->problems, place_of_key(c, path), path_out(c, path, whole), "%s", why);
}

bool yaml_check_given(const struct yaml_checker *c, const char *path)
{
    return find(c, path) != NULL;
}

bool yaml_check_good(const struct yaml_checker *c, const char *path)
{
    int i = yaml_key_index(c->schema, path);

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

static void read_section(struct yaml_checker *c)
{
    const struct yaml_node *root = c->tree->count > 0 ? &c->tree->nodes[c->root] : NULL;

    check_nodes(c);
    /* A document that is no set of keys at all has had its line. */
    if (root != NULL && root->kind != YAML_NODE_SECTION && !yaml_node_is_null(root))
        return;
    for (size_t i = 0; i < c->schema->key_count; i++)
        read_key(c, &c->schema->keys[i]);
    if (c->schema->check != NULL && c->tree->complete)
        c->schema->check(c, c->target);
}

int yaml_schema_read(const char *name, const char *yaml, size_t len, const struct yaml_schema *schema, void *target,
                     struct buf *problems)
{
    struct yaml_checker *c = calloc(1, sizeof *c);
    struct yaml_tree tree = { 0 };
    struct problems found;
    int rc = ERR_MEMORY;

    assert(schema->key_count <= KEYS_MAX);
    problems_init(&found);
    if (c == NULL)
        goto done;
    c->schema = schema;
    c->tree = &tree;
    c->problems = &found;
    c->target = calloc(1, schema->target_size);
    rc = c->target == NULL ? ERR_MEMORY : yaml_tree_read(&tree, yaml, len, &found);
    if (rc != 0)
        goto done;
    read_section(c);
    if (found.no_memory)
        rc = ERR_MEMORY;
    else if (found.count > 0)
        rc = ERR_INVALID;
    else
        memcpy(target, c->target, schema->target_size);
    problems_write(&found, name, problems);
done:
    if (rc == ERR_MEMORY)
        yaml_file_no_memory(name, problems);
    yaml_tree_free(&tree);
    problems_free(&found);
    if (c != NULL)
        free(c->target);
    free(c);
    return rc;
}

int yaml_schema_load(const char *path, const struct yaml_schema *schema, void *target, struct buf *problems)
{
    struct buf text;
    int rc = yaml_file_read(path, "no file of settings is: check the name", &text, problems);

    if (rc == 0)
        rc = yaml_schema_read(path, text.data, text.len, schema, target, problems);
    buf_free(&text);
    return rc;
}

int yaml_doc_read(const char *name, const char *yaml, size_t len, const struct yaml_key *keys, size_t key_count,
                  void *target, size_t target_size, struct buf *problems)
{
    struct yaml_schema schema = { .keys = keys, .key_count = key_count, .target_size = target_size };

    return yaml_schema_read(name, yaml, len, &schema, target, problems);
}
