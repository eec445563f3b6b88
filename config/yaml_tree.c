/* See yaml_tree.h.  libyaml's events are walked with a stack of our own, so
 * depth costs no C stack; libyaml itself bounds neither depth nor nodes, the
 * size of the input does (YAML_BYTES_MAX), and we stop asking it for events at
 * our own limits. */
#include "config/yaml_tree.h"

#include "base/text.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { KEY_TEXT_MAX = 64, ARENA_MAX = 4 * YAML_BYTES_MAX };

/* An open section or list. */
struct frame {
    int node;
    bool skipped;
    bool wants_key;   /* sections: a key is next, not a value */
    const char *path; /* of the key just read */
    struct place key;
    bool key_skipped;
};

struct walk {
    struct yaml_tree *tree;
    struct problems *problems;
    struct frame frames[YAML_DEPTH_MAX];
    int depth;
    int documents;
    bool out_of_memory;
};

static struct place place_of(yaml_mark_t mark)
{
    return (struct place){ .line = mark.line + 1, .column = mark.column + 1 };
}

static struct frame *top(struct walk *w)
{
    return w->depth > 0 ? &w->frames[w->depth - 1] : NULL;
}

bool yaml_node_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_NODE_TEXT && n->plain &&
           (n->len == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

const struct yaml_node *yaml_tree_find(const struct yaml_tree *t, const char *path)
{
    for (int i = 0; i < t->count; i++) {
        const struct yaml_node *n = &t->nodes[i];

        if (!n->skipped && !n->in_list && strcmp(n->path, path) == 0)
            return n;
    }
    return NULL;
}

/* "deliveries[2]": the third item of its list; NULL out of memory. */
static const char *item_path(struct walk *w, int list, int self)
{
    char path[YAML_PATH_MAX + 16];
    int index = 0, n;

    for (int i = list + 1; i < self; i++)
        index += w->tree->nodes[i].parent == list;
    n = snprintf(path, sizeof path, "%s[%d]", w->tree->nodes[list].path, index);
    return arena_copy(&w->tree->arena, path, (size_t)n);
}

/* Adds a node where a value is expected; NULL ends the walk. */
static struct yaml_node *new_node(struct walk *w, enum yaml_node_kind kind, struct place at)
{
    struct frame *f = top(w);
    bool in_list = f != NULL && w->tree->nodes[f->node].kind == YAML_NODE_LIST;
    struct yaml_node *n;

    if (w->tree->count == YAML_NODES_MAX) {
        problem_add(w->problems, at, NULL, "more than %d values; shorten the file", YAML_NODES_MAX);
        return NULL;
    }
    n = &w->tree->nodes[w->tree->count++];
    *n = (struct yaml_node){ .path = "", .text = "", .kind = kind, .in_list = in_list, .parent = -1, .value = at };
    n->key = at;
    if (f != NULL) {
        n->parent = f->node;
        n->path = in_list ? w->tree->nodes[f->node].path : f->path;
        n->key = in_list ? at : f->key;
        n->skipped = f->skipped || f->key_skipped;
        f->wants_key = !in_list;
        f->key_skipped = false;
    }
    if (in_list && kind == YAML_NODE_SECTION) {
        n->path = item_path(w, f->node, w->tree->count - 1);
        w->out_of_memory = n->path == NULL;
        if (n->path == NULL)
            n->path = "";
    }
    return w->out_of_memory ? NULL : n;
}

static bool push(struct walk *w, enum yaml_node_kind kind, struct place at)
{
    struct yaml_node *n;

    if (w->depth == YAML_DEPTH_MAX) {
        problem_add(w->problems, at, NULL, "nested more than %d deep; no setting is", YAML_DEPTH_MAX);
        return false;
    }
    n = new_node(w, kind, at);
    if (n == NULL)
        return false;
    w->frames[w->depth++] = (struct frame){
        .node = (int)(n - w->tree->nodes),
        .skipped = n->skipped,
        .wants_key = kind == YAML_NODE_SECTION,
        .path = n->path,
    };
    return true;
}

/* An earlier key of the same name in the same section. */
static const struct yaml_node *twin_of(const struct walk *w, const struct frame *f, const char *path)
{
    for (int i = f->node + 1; i < w->tree->count; i++) {
        const struct yaml_node *n = &w->tree->nodes[i];

        if (n->parent == f->node && strcmp(n->path, path) == 0)
            return n;
    }
    return NULL;
}

/* Takes in a key; the value comes with the next event. */
static bool take_key(struct walk *w, const char *text, size_t len, struct place at)
{
    struct frame *f = top(w);
    const char *parent = w->tree->nodes[f->node].path;
    char name[KEY_TEXT_MAX], path[YAML_PATH_MAX];
    const struct yaml_node *twin;
    int n;

    text_clean(name, sizeof name, text, len, NULL);
    n = snprintf(path, sizeof path, "%s%s%s", parent, parent[0] != '\0' ? "." : "", name);
    if (n >= (int)sizeof path) {
        problem_add(w->problems, at, NULL, "the name of this key is too long; no setting has such a name");
        return false;
    }
    f->path = arena_copy(&w->tree->arena, path, (size_t)n);
    if (f->path == NULL) {
        w->out_of_memory = true;
        return false;
    }
    f->key = at;
    f->wants_key = false;
    twin = twin_of(w, f, path);
    f->key_skipped = twin != NULL;
    if (twin != NULL && !twin->skipped)
        problem_add(w->problems, at, path, "given twice, first on line %zu; keep one of the two", twin->key.line);
    if (twin == NULL && memchr(text, '.', len) != NULL && !f->skipped) {
        problem_add(w->problems, at, path,
                    "keys are nested, not joined with dots; write each part on a line of its own");
        f->key_skipped = true;
    }
    return true;
}

static bool take_text(struct walk *w, const yaml_event_t *ev, struct place at)
{
    const char *text = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;
    struct yaml_node *n = new_node(w, YAML_NODE_TEXT, at);

    if (n == NULL)
        return false;
    n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->len = len;
    n->text = arena_copy(&w->tree->arena, text, len);
    if (n->text == NULL) {
        n->text = "";
        n->len = 0;
        w->out_of_memory = true;
        return false;
    }
    if (yaml_node_is_null(n))
        n->value = n->key;
    return true;
}

static const char *current_path(struct walk *w)
{
    struct frame *f = top(w);

    return f != NULL && f->path[0] != '\0' ? f->path : NULL;
}

/* Anchors and tags are reported and otherwise passed over. */
static void refuse_extras(struct walk *w, const unsigned char *anchor, const unsigned char *tag, struct place at)
{
    char shown[KEY_TEXT_MAX];
    const char *key = current_path(w);

    if (anchor != NULL) {
        text_clean(shown, sizeof shown, (const char *)anchor, strlen((const char *)anchor), NULL);
        problem_add(w->problems, at, key, "anchors such as &%s are not supported; remove it", shown);
    }
    if (tag != NULL) {
        text_clean(shown, sizeof shown, (const char *)tag, strlen((const char *)tag), NULL);
        problem_add(w->problems, at, key, "tags such as %s are not supported; remove it", shown);
    }
}

static bool take_alias(struct walk *w, const yaml_event_t *ev, struct place at)
{
    char shown[KEY_TEXT_MAX];
    const char *name = (const char *)ev->data.alias.anchor;

    text_clean(shown, sizeof shown, name, strlen(name), NULL);
    problem_add(w->problems, at, current_path(w), "aliases such as *%s are not supported; write the value out", shown);
    return new_node(w, YAML_NODE_BAD, at) != NULL;
}

static bool take_document(struct walk *w, struct place at)
{
    if (++w->documents == 1)
        return true;
    problem_add(w->problems, at, NULL, "a second document begins here; a file holds one, remove the \"---\"");
    return false;
}

static bool take_scalar(struct walk *w, const yaml_event_t *ev, struct place at)
{
    struct frame *f = top(w);

    if (f != NULL && f->wants_key) {
        refuse_extras(w, ev->data.scalar.anchor, ev->data.scalar.tag, at);
        return take_key(w, (const char *)ev->data.scalar.value, ev->data.scalar.length, at);
    }
    refuse_extras(w, ev->data.scalar.anchor, ev->data.scalar.tag, at);
    return take_text(w, ev, at);
}

/* A value that is not a text, where a key should be. */
static bool is_strange_key(struct walk *w, yaml_event_type_t type)
{
    struct frame *f = top(w);

    return f != NULL && f->wants_key &&
           (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT);
}

/* Returns false when the walk is over. */
static bool take_event(struct walk *w, const yaml_event_t *ev)
{
    struct place at = place_of(ev->start_mark);

    if (is_strange_key(w, ev->type)) {
        problem_add(w->problems, at, NULL, "a key must be a word; write the name of a setting");
        return false;
    }
    switch (ev->type) {
    case YAML_STREAM_END_EVENT:
        w->tree->complete = true;
        return false;
    case YAML_DOCUMENT_START_EVENT:
        return take_document(w, at);
    case YAML_SCALAR_EVENT:
        return take_scalar(w, ev, at);
    case YAML_ALIAS_EVENT:
        return take_alias(w, ev, at);
    case YAML_MAPPING_START_EVENT:
        refuse_extras(w, ev->data.mapping_start.anchor, ev->data.mapping_start.tag, at);
        return push(w, YAML_NODE_SECTION, at);
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(w, ev->data.sequence_start.anchor, ev->data.sequence_start.tag, at);
        return push(w, YAML_NODE_LIST, at);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        assert(w->depth > 0);
        w->depth--;
        return true;
    default:
        return true;
    }
}

static struct place place_of_offset(const char *yaml, size_t len, size_t offset)
{
    struct place at = { .line = 1, .column = 1 };

    for (size_t i = 0; i < offset && i < len; i++) {
        if (yaml[i] == '\n') {
            at.line++;
            at.column = 1;
        } else if (((unsigned char)yaml[i] & 0xC0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

/* libyaml's own words, with what usually is behind them. */
static void report_syntax(const yaml_parser_t *parser, const char *yaml, size_t len, struct problems *problems)
{
    const char *what = parser->problem != NULL ? parser->problem : "unreadable";
    struct place at = place_of(parser->problem_mark);

    if (parser->error == YAML_READER_ERROR) {
        at = place_of_offset(yaml, len, parser->problem_offset);
        problem_add(problems, at, NULL, "not text in UTF-8 (%s); save the file as UTF-8 without control characters",
                    what);
        return;
    }
    if (strstr(what, "cannot start any token") != NULL) {
        problem_add(problems, at, NULL,
                    "not valid YAML: %s; indent with spaces, not tabs, and put quotes around special characters", what);
        return;
    }
    problem_add(problems, at, NULL, "not valid YAML: %s%s%s; check the indentation, the colons and the quotes",
                parser->context != NULL ? parser->context : "", parser->context != NULL ? ", " : "", what);
}

static bool is_utf16(const char *yaml, size_t len)
{
    return len >= 2 && (memcmp(yaml, "\xFF\xFE", 2) == 0 || memcmp(yaml, "\xFE\xFF", 2) == 0);
}

static void walk_events(struct walk *w, yaml_parser_t *parser, const char *yaml, size_t len)
{
    bool go_on = true;

    while (go_on) {
        yaml_event_t ev;

        if (!yaml_parser_parse(parser, &ev)) {
            if (parser->error == YAML_MEMORY_ERROR)
                w->out_of_memory = true;
            else
                report_syntax(parser, yaml, len, w->problems);
            return;
        }
        go_on = take_event(w, &ev);
        yaml_event_delete(&ev);
    }
}

int yaml_tree_read(struct yaml_tree *t, const char *yaml, size_t len, struct problems *problems)
{
    struct walk w = { .tree = t, .problems = problems };
    const struct place start = { 1, 1 };
    yaml_parser_t parser;

    *t = (struct yaml_tree){ 0 };
    arena_init(&t->arena, ARENA_MAX);
    if (len > YAML_BYTES_MAX) {
        problem_add(problems, start, NULL, "too large (%zu bytes; at most %d); shorten it", len, YAML_BYTES_MAX);
        return 0;
    }
    if (is_utf16(yaml, len)) {
        problem_add(problems, start, NULL, "saved as UTF-16; save the file as UTF-8");
        return 0;
    }
    if (len >= 3 && memcmp(yaml, "\xEF\xBB\xBF", 3) == 0) {
        yaml += 3;
        len -= 3;
    }
    t->nodes = arena_alloc(&t->arena, sizeof *t->nodes * YAML_NODES_MAX);
    if (t->nodes == NULL || !yaml_parser_initialize(&parser))
        return ERR_MEMORY;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, len);
    walk_events(&w, &parser, yaml, len);
    yaml_parser_delete(&parser);
    return w.out_of_memory ? ERR_MEMORY : 0;
}

void yaml_tree_free(struct yaml_tree *t)
{
    arena_free(&t->arena);
    *t = (struct yaml_tree){ 0 };
}
