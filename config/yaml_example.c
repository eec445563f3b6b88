/* The example document of a table of keys (yaml_doc.h): what an administrator
 * starts from, so every key is there with its default and what it is for. */
#include "config/yaml_doc.h"
#include "config/yaml_tree.h"
#include "config/yaml_value.h"

#include <assert.h>
#include <string.h>

enum { WIDTH = 100 };

static void indent(struct buf *out, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_str(out, "  ");
}

/* Text as comment lines, broken at blanks and at the text's own line ends. */
static void put_comment(struct buf *out, int depth, const char *text)
{
    size_t room = (size_t)(WIDTH - 2 - 2 * depth);

    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        if (n > room) {
            n = room;
            while (n > 0 && text[n] != ' ')
                n--;
            assert(n > 0);
        }
        indent(out, depth);
        buf_str(out, n > 0 ? "# " : "#");
        buf_add(out, text, n);
        buf_char(out, '\n');
        text += n + (text[n] != '\0');
    }
}

/* Opens the sections of path that the key before it was not in.  Returns the depth. */
static int put_sections(struct buf *out, const char *path, const char *before)
{
    const char *part = path, *dot;
    int depth = 0;

    for (; (dot = strchr(part, '.')) != NULL; part = dot + 1) {
        size_t n = (size_t)(dot - path) + 1;

        if (strncmp(path, before, n) != 0) {
            if (depth == 0)
                buf_char(out, '\n');
            indent(out, depth);
            buf_add(out, part, (size_t)(dot - part));
            buf_str(out, ":\n");
        }
        depth++;
    }
    if (depth == 0)
        buf_char(out, '\n');
    return depth;
}

static void put_value(struct buf *out, const struct yaml_key *key)
{
    const char *value = key->fallback;

    if (key->type == YAML_TEXT_LIST || key->type == YAML_LINES || key->type == YAML_FLAGS || key->type == YAML_ITEMS)
        buf_str(out, "[]");
    else if (value == NULL || value[0] == '\0' || key->type == YAML_TEXT) {
        assert(value == NULL || strpbrk(value, "\"\\") == NULL);
        buf_printf(out, "\"%s\"", value != NULL ? value : "");
    } else
        buf_str(out, value);
}

static void put_keys(const struct yaml_key *keys, size_t key_count, struct buf *out);

/* The keys of one section of the list, as comments. */
static void put_items(struct buf *out, const struct yaml_key *key, int depth)
{
    struct buf keys;
    const char *line;

    buf_init(&keys, 64 * 1024);
    put_keys(key->items->keys, key->items->key_count, &keys);
    indent(out, depth);
    buf_str(out, "# The keys of one item, after \"- \":\n");
    for (line = buf_text(&keys); *line != '\0'; line += strcspn(line, "\n") + 1) {
        indent(out, depth);
        buf_str(out, *line == '\n' ? "#" : "#   ");
        buf_add(out, line, strcspn(line, "\n"));
        buf_char(out, '\n');
    }
    assert(buf_error(&keys) == 0);
    buf_free(&keys);
}

static void put_key(struct buf *out, const struct yaml_key *key, int depth)
{
    const char *dot = strrchr(key->path, '.');
    char range[YAML_RANGE_MAX];

    put_comment(out, depth, key->help);
    if (yaml_value_range(key, range)[0] != '\0') {
        indent(out, depth);
        buf_printf(out, "# Allowed: %s\n", range);
    }
    indent(out, depth);
    buf_printf(out, "%s%s: ", key->fallback == NULL ? "# " : "", dot != NULL ? dot + 1 : key->path);
    put_value(out, key);
    buf_char(out, '\n');
    if (key->type == YAML_ITEMS)
        put_items(out, key, depth);
}

static void put_keys(const struct yaml_key *keys, size_t key_count, struct buf *out)
{
    const char *before = "";

    for (size_t i = 0; i < key_count; i++) {
        put_key(out, &keys[i], put_sections(out, keys[i].path, before));
        before = keys[i].path;
    }
}

void yaml_doc_example(const char *title, const struct yaml_key *keys, size_t key_count, struct buf *out)
{
    put_comment(out, 0, title);
    put_keys(keys, key_count, out);
}
