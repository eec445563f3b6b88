/* See yaml_names.h. */
#include "config/yaml_names.h"

#include "config/nearest.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int yaml_key_index(const struct yaml_schema *schema, const char *path)
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

bool yaml_is_section(const struct yaml_schema *schema, const char *path)
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
const char *yaml_nearest_key(const struct yaml_schema *schema, const char *path)
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
void yaml_parent_of(const char *path, char out[YAML_PATH_MAX])
{
    const char *dot = strrchr(path, '.');
    size_t n = dot != NULL ? (size_t)(dot - path) : 0;

    assert(n < YAML_PATH_MAX);
    memmove(out, path, n);
    out[n] = '\0';
}

/* The first part below section of each key there, each once: "url, batch, retry". */
void yaml_list_section(const struct yaml_schema *schema, const char *section, struct buf *out)
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
const char *yaml_nearest_section(const struct yaml_schema *schema, const char *path, char out[YAML_PATH_MAX])
{
    size_t best = SIZE_MAX;
    char section[YAML_PATH_MAX];

    for (size_t i = 0; i < schema->key_count; i++) {
        for (yaml_parent_of(schema->keys[i].path, section); section[0] != '\0'; yaml_parent_of(section, section)) {
            size_t d = edit_distance(path, section);

            if (d < best && is_near(d, path)) {
                best = d;
                memcpy(out, section, sizeof section);
            }
        }
    }
    return best != SIZE_MAX ? out : NULL;
}
