/* A YAML document as a flat list of nodes with their places.
 *
 * The subset is what settings need: one document of nested keys, texts, lists
 * of texts and lists of sections.  Anchors, aliases, tags, keys that are no text, a second
 * document and excess of any kind are problems, not features.  Nothing is
 * interpreted here: `true`, `5m` and `0` are all texts.
 */
#ifndef CONFIG_YAML_TREE_H
#define CONFIG_YAML_TREE_H

#include "base/arena.h"
#include "base/error.h"
#include "config/problems.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_DEPTH_MAX = 8,
    YAML_NODES_MAX = 4096,
    YAML_PATH_MAX = 128, /* "hub.batch.max_count", with the NUL */
    YAML_BYTES_MAX = 1024 * 1024,
};

enum yaml_node_kind {
    YAML_NODE_TEXT,
    YAML_NODE_LIST,
    YAML_NODE_SECTION,
    YAML_NODE_BAD, /* already reported; says nothing of its own */
};

struct yaml_node {
    const char *path; /* from the root: "hub.batch.max_count"; a text in a list has its list's, a section in a list
                       * "deliveries[2]" and what is in it "deliveries[2].name" */
    enum yaml_node_kind kind;
    bool in_list; /* an item of a list */
    bool skipped; /* a second one of its name, or below such a one: already reported */
    bool plain;   /* a text without quotes */
    int parent;   /* index of the section or list it is in; -1 for the root */
    struct place key, value;
    const char *text; /* NUL-ended; "" for other kinds */
    size_t len;
};

struct yaml_tree {
    struct arena arena;
    struct yaml_node *nodes; /* in order of the document; the root first, where there is one */
    int count;
    bool complete; /* the end of the document was reached */
};

/* Takes a document apart.  What is wrong with it as YAML goes to problems; the
 * nodes read before that are kept, so that more can be said about them.
 * ERR_MEMORY is the only failure.  Free with yaml_tree_free() either way. */
MUST_USE int yaml_tree_read(struct yaml_tree *t, const char *yaml, size_t len, struct problems *problems);
void yaml_tree_free(struct yaml_tree *t);

/* The node of that path, skipped ones and list items aside; NULL when the document has none. */
const struct yaml_node *yaml_tree_find(const struct yaml_tree *t, const char *path);

/* A text that stands for nothing: `key:`, `key: ~`, `key: null`. */
bool yaml_node_is_null(const struct yaml_node *n);

#endif
