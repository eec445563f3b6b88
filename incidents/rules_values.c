/* The values of conditions, from their YAML nodes (rules_model.h says how they
 * are written).  Lengths of time, flags and counts are read by config's own
 * functions, so that they are written, and refused, as in hub.yaml.
 */
#include "base/text.h"
#include "config/nearest.h"
#include "config/yaml_value.h"
#include "incidents/rules_model.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 80, COUNT_MAX = 100000 };

#define YEAR (INT64_C(365) * 24 * 3600 * NS_PER_S)

const char *rule_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;

    for (; *words != NULL; words++) {
        size_t d = edit_distance(word, *words);

        if (d < best) {
            best = d;
            nearest = *words;
        }
    }
    return nearest != NULL && is_near(best, word) ? nearest : NULL;
}

static const char *shown(const struct yaml_node *n, char out[SHOWN_MAX])
{
    text_clean(out, SHOWN_MAX, n->text, n->len, NULL);
    return out;
}

static bool blame(struct rule_reader *r, const struct yaml_node *n, const char *why)
{
    char text[SHOWN_MAX];

    problem_add(r->problems, n->value, n->path, "%s: %s", shown(n, text), why);
    return false;
}

/* ---- one value each ------------------------------------------------------------------- */

static bool read_code(struct rule_reader *r, const struct yaml_node *n, struct rule_value *v)
{
    if (!text_u64(n->text, &v->low) || v->low > UINT32_MAX)
        return blame(r, n, "is no bug check code; write one such as 0xD1");
    v->high = v->low;
    return true;
}

/* The text between two places. */
static bool part(const char *from, const char *to, char *out, size_t size)
{
    while (from < to && *from == ' ')
        from++;
    while (to > from && to[-1] == ' ')
        to--;
    if ((size_t)(to - from) >= size)
        return false;
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = '\0';
    return true;
}

static bool read_param(struct rule_reader *r, const struct yaml_node *n, struct rule_value *v)
{
    static const char how[] = "is no number; write one such as 0x6, a range such as 0x10..0x1f, or mask&value such "
                              "as 0xff&0x03";
    const char *dots = strstr(n->text, ".."), *mask = strchr(n->text, '&'), *middle = dots != NULL ? dots : mask;
    char first[32], second[32];

    v->mask = UINT64_MAX;
    if (middle == NULL) {
        v->high = 0;
        if (!text_u64(n->text, &v->low))
            return blame(r, n, how);
        v->high = v->low;
        return true;
    }
    if (!part(n->text, middle, first, sizeof first) ||
        !part(middle + (dots != NULL ? 2 : 1), n->text + n->len, second, sizeof second) || !text_u64(first, &v->low) ||
        !text_u64(second, &v->high))
        return blame(r, n, how);
    if (dots != NULL)
        return v->low <= v->high || blame(r, n, "ends before it begins; write the smaller number first");
    v->mask = v->low;
    v->low = v->high;
    return (v->low & ~v->mask) == 0 || blame(r, n, "asks for bits that the mask leaves out; nothing can be so");
}

static bool read_version(struct rule_reader *r, const struct yaml_node *n, struct rule_value *v)
{
    static const char how[] = "is no version; write one such as 6.1, or a range such as 6.1..6.3 or 10.0.17763..";
    const char *dots = strstr(n->text, "..");
    char from[VERSION_TEXT_MAX], to[VERSION_TEXT_MAX];

    if (dots == NULL) {
        v->from_parts = v->to_parts = version_parse(n->text, &v->from);
        v->to = v->from;
        return v->from_parts > 0 || blame(r, n, how);
    }
    if (!part(n->text, dots, from, sizeof from) || !part(dots + 2, n->text + n->len, to, sizeof to))
        return blame(r, n, how);
    v->from_parts = version_parse(from, &v->from);
    v->to_parts = version_parse(to, &v->to);
    if ((from[0] != '\0' && v->from_parts == 0) || (to[0] != '\0' && v->to_parts == 0) ||
        (v->from_parts == 0 && v->to_parts == 0))
        return blame(r, n, how);
    return true;
}

static bool read_word(struct rule_reader *r, const struct yaml_node *n, const struct condition_kind *kind)
{
    char why[RULE_SENTENCE_MAX] = "is not known here; write one of ";
    const char *near;

    for (int k = 0; kind->words[k] != NULL; k++) {
        if (strcmp(kind->words[k], n->text) == 0)
            return true;
    }
    near = rule_nearest(n->text, kind->words);
    if (near != NULL)
        snprintf(why, sizeof why, "is not known here; did you mean %s?", near);
    for (int k = 0; near == NULL && kind->words[k] != NULL; k++) {
        size_t len = strlen(why);

        snprintf(why + len, sizeof why - len, "%s%s", k > 0 ? ", " : "", kind->words[k]);
    }
    return blame(r, n, why);
}

static bool read_one(struct rule_reader *r, const struct yaml_node *n, const struct condition_kind *kind,
                     struct rule_value *v)
{
    if (strlen(n->text) != n->len || n->len >= RULE_SENTENCE_MAX / 2)
        return blame(r, n, "is too long, or holds what is no text");
    v->text = rule_keep(r, n->text, n->len);
    switch (kind->type) {
    case VALUE_CODES:
        return read_code(r, n, v);
    case VALUE_PARAMS:
        return read_param(r, n, v);
    case VALUE_VERSIONS:
        return read_version(r, n, v);
    case VALUE_WORDS:
        return read_word(r, n, kind);
    default:
        return true;
    }
}

/* ---- lists, and single values -------------------------------------------------------------- */

static const char disk_timeout_word[] = "guest-disk-timeout";

static void read_number(struct rule_reader *r, const struct yaml_node *n, struct condition *c)
{
    static const struct yaml_key keys[] = {
        [VALUE_DURATION] = { .type = YAML_DURATION, .min = 0, .max = YEAR },
        [VALUE_STALL] = { .type = YAML_DURATION, .min = 0, .max = YEAR },
        [VALUE_FLAG] = { .type = YAML_BOOL },
        [VALUE_COUNT] = { .type = YAML_INT, .min = 1, .max = COUNT_MAX },
    };
    char why[YAML_WHY_MAX];
    bool flag = false;
    void *field = c->kind->type == VALUE_FLAG ? (void *)&flag : (void *)&c->number;

    if (n->kind != YAML_NODE_TEXT || yaml_node_is_null(n))
        problem_add(r->problems, n->value, n->path, "expects one value; write it after the colon");
    else if (c->kind->type == VALUE_STALL && strcmp(n->text, disk_timeout_word) == 0)
        c->number = RULE_DISK_TIMEOUT;
    else if (!yaml_value_read(&keys[c->kind->type], n->text, n->len, n->plain, field, why))
        problem_add(r->problems, n->value, n->path, "%s", why);
    else if (c->kind->type == VALUE_FLAG)
        c->number = flag;
}

static void add_value(struct rule_reader *r, const struct yaml_node *n, struct condition *c)
{
    if (n->kind != YAML_NODE_TEXT || yaml_node_is_null(n)) {
        if (n->kind != YAML_NODE_BAD)
            problem_add(r->problems, n->value, n->path, "expects a value, or a list of values such as [first, second]");
    } else if (c->value_count == RULE_VALUES_MAX) {
        problem_add(r->problems, n->value, n->path, "more than %d values; make two rules of it", RULE_VALUES_MAX);
    } else if (read_one(r, n, c->kind, &c->values[c->value_count])) {
        c->value_count++;
    }
}

void rule_values_read(struct rule_reader *r, const struct yaml_node *node, struct condition *c)
{
    const struct yaml_tree *t = r->tree;
    int self = (int)(node - t->nodes);

    if (c->kind->type >= VALUE_DURATION) {
        read_number(r, node, c);
        return;
    }
    c->values = arena_alloc(&r->rules->arena, RULE_VALUES_MAX * sizeof *c->values);
    if (c->values == NULL) {
        r->out_of_memory = true;
        return;
    }
    if (node->kind != YAML_NODE_LIST) {
        add_value(r, node, c);
        return;
    }
    for (int n = rule_child(t, self, -1); n != -1; n = rule_child(t, self, n))
        add_value(r, &t->nodes[n], c);
    if (rule_child(t, self, -1) == -1)
        problem_add(r->problems, node->value, node->path, "has no values, so that nothing could meet it; write some");
}
