/* A rules file's YAML to rules.  Every problem has its line and column, and one
 * mistake is one line; a rule with problems is read to its end all the same.
 */
#include "base/text.h"
#include "incidents/rules_model.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rule_part { PART_TEXT, PART_LINKS, PART_CONFIDENCE, PART_APPLIES, PART_ENABLED, PART_CONDITIONS };

/* The keys of a rule. */
struct rule_key_row {
    const char *name;
    enum rule_part part;
    size_t offset;
    bool required;
};

static const struct rule_key_row keys[] = {
    { "id", PART_TEXT, offsetof(struct rule, id), true },
    { "title", PART_TEXT, offsetof(struct rule, title), true },
    { "text", PART_TEXT, offsetof(struct rule, text), true },
    { "action", PART_TEXT, offsetof(struct rule, action), true },
    { "confidence", PART_CONFIDENCE, offsetof(struct rule, confidence), true },
    { "reason", PART_TEXT, offsetof(struct rule, reason), true },
    { "needs", PART_CONDITIONS, offsetof(struct rule, needs), true },
    { "expects", PART_CONDITIONS, offsetof(struct rule, expects), false },
    { "helps", PART_CONDITIONS, offsetof(struct rule, helps), false },
    { "against", PART_CONDITIONS, offsetof(struct rule, against), false },
    { "links", PART_LINKS, offsetof(struct rule, links), false },
    { "applies", PART_APPLIES, offsetof(struct rule, applies), false },
    { "enabled", PART_ENABLED, offsetof(struct rule, enabled), false },
};
enum { KEYS = sizeof keys / sizeof keys[0] };

/* ---- the tree --------------------------------------------------------------------------- */

int rule_child(const struct yaml_tree *t, int parent, int after)
{
    for (int n = after < parent ? parent + 1 : after + 1; n < t->count; n++) {
        if (t->nodes[n].parent == parent && !t->nodes[n].skipped)
            return n;
    }
    return -1;
}

const char *rule_key(const struct yaml_node *n)
{
    const char *dot = strrchr(n->path, '.');

    return dot != NULL ? dot + 1 : n->path;
}

const char *rule_keep(struct rule_reader *r, const char *text, size_t len)
{
    char *kept = arena_copy(&r->rules->arena, text, len);

    r->out_of_memory = r->out_of_memory || kept == NULL;
    return kept != NULL ? kept : "";
}

static void unknown_key(struct rule_reader *r, const struct yaml_node *n, const char *const *words)
{
    const char *near = rule_nearest(rule_key(n), words);
    struct buf names;

    if (near != NULL) {
        problem_add(r->problems, n->key, n->path, "unknown key; did you mean %s?", near);
        return;
    }
    buf_init(&names, PROBLEM_TEXT_MAX);
    for (int k = 0; words[k] != NULL; k++)
        buf_printf(&names, "%s%s", k > 0 ? ", " : "", words[k]);
    problem_add(r->problems, n->key, n->path, "unknown key; remove it, or write one of %s", buf_text(&names));
    r->problems->no_memory |= buf_error(&names) == ERR_MEMORY;
    buf_free(&names);
}

/* ---- conditions ---------------------------------------------------------------------------- */

static struct condition *new_condition(struct rule_reader *r, enum condition_shape shape)
{
    struct condition *c = arena_alloc(&r->rules->arena, sizeof *c);

    if (c == NULL)
        r->out_of_memory = true;
    else
        c->shape = shape;
    return c;
}

static void append(struct condition *parent, struct condition *c)
{
    struct condition **end = &parent->child;

    while (*end != NULL)
        end = &(*end)->next;
    *end = c;
}

static void read_group(struct rule_reader *r, int node, struct condition *group);

static bool is_group(const char *key, enum condition_shape *shape)
{
    *shape = strcmp(key, "all") == 0 ? CONDITION_ALL : strcmp(key, "any") == 0 ? CONDITION_ANY : CONDITION_NOT;
    return *shape != CONDITION_NOT || strcmp(key, "not") == 0;
}

static void unknown_condition(struct rule_reader *r, const struct yaml_node *n)
{
    const char *words[64];
    size_t count = 0;

    assert(condition_kind_count + 4 <= sizeof words / sizeof words[0]);
    for (; count < condition_kind_count; count++)
        words[count] = condition_kinds[count].name;
    words[count++] = "all";
    words[count++] = "any";
    words[count++] = "not";
    words[count] = NULL;
    unknown_key(r, n, words);
}

/* One key of a section of conditions. */
static void read_condition(struct rule_reader *r, int node, struct condition *parent)
{
    const struct yaml_node *n = &r->tree->nodes[node];
    enum condition_shape shape = CONDITION_LEAF;
    bool group = is_group(rule_key(n), &shape);
    const struct condition_kind *kind = group ? NULL : condition_find(rule_key(n));
    struct condition *c;

    if (!group && kind == NULL) {
        unknown_condition(r, n);
        return;
    }
    c = new_condition(r, group ? shape : CONDITION_LEAF);
    if (c == NULL)
        return;
    c->kind = kind;
    append(parent, c);
    if (group)
        read_group(r, node, c);
    else
        rule_values_read(r, n, c);
}

/* A section of a list: several keys are one "all". */
static void read_section(struct rule_reader *r, int node, struct condition *parent)
{
    const struct yaml_tree *t = r->tree;
    int first = rule_child(t, node, -1);
    struct condition *to = parent;

    if (first != -1 && rule_child(t, node, first) != -1 && parent->shape == CONDITION_ANY) {
        to = new_condition(r, CONDITION_ALL);
        if (to == NULL)
            return;
        append(parent, to);
    }
    for (int n = first; n != -1; n = rule_child(t, node, n))
        read_condition(r, n, to);
}

/* A list of sections, or one section.  Depth is bounded by that of the tree. */
static void read_group(struct rule_reader *r, int node, struct condition *group)
{
    const struct yaml_tree *t = r->tree;
    const struct yaml_node *n = &t->nodes[node];
    size_t found = 0;

    if (n->kind == YAML_NODE_SECTION) {
        for (int k = rule_child(t, node, -1); k != -1; k = rule_child(t, node, k))
            read_condition(r, k, group);
    } else if (n->kind == YAML_NODE_LIST) {
        for (int k = rule_child(t, node, -1); k != -1; k = rule_child(t, node, k), found++) {
            if (t->nodes[k].kind == YAML_NODE_SECTION)
                read_section(r, k, group);
            else if (t->nodes[k].kind != YAML_NODE_BAD)
                problem_add(r->problems, t->nodes[k].value, n->path,
                            "an item of this list is no condition; write \"- name: value\"");
        }
    }
    if (group->child == NULL && n->kind != YAML_NODE_BAD && found == 0 && rule_child(t, node, -1) == -1)
        problem_add(r->problems, n->value, n->path, "expects conditions; write \"- name: value\" lines below it");
}

/* ---- the other keys ---------------------------------------------------------------------------- */

static bool is_text(struct rule_reader *r, const struct yaml_node *n)
{
    if (n->kind == YAML_NODE_BAD)
        return false;
    if (n->kind == YAML_NODE_TEXT && !yaml_node_is_null(n) && n->len > 0)
        return true;
    problem_add(r->problems, n->value, n->path, "expects a text; write it after the colon");
    return false;
}

static void read_text(struct rule_reader *r, const struct yaml_node *n, const char **out)
{
    char clean[RULE_TEXT_MAX], bad[RULE_ID_MAX];
    size_t len;

    if (!is_text(r, n))
        return;
    if (n->len >= sizeof clean) {
        problem_add(r->problems, n->value, n->path, "longer than %d bytes; shorten it", RULE_TEXT_MAX - 1);
        return;
    }
    len = text_clean(clean, sizeof clean, n->text, n->len, NULL);
    while (len > 0 && clean[len - 1] == ' ')
        len--;
    *out = rule_keep(r, clean, len);
    if (!rule_text_check(*out, bad, sizeof bad))
        problem_add(r->problems, n->value, n->path, "{%s} stands for nothing; docs/rules.md lists what does", bad);
}

static void read_links(struct rule_reader *r, int node, struct rule *rule)
{
    const struct yaml_tree *t = r->tree;

    if (t->nodes[node].kind != YAML_NODE_LIST) {
        problem_add(r->problems, t->nodes[node].value, t->nodes[node].path, "expects a list; write [first, second]");
        return;
    }
    for (int n = rule_child(t, node, -1); n != -1; n = rule_child(t, node, n)) {
        if (!is_text(r, &t->nodes[n]))
            continue;
        if (rule->link_count == INCIDENT_LINES_MAX)
            problem_add(r->problems, t->nodes[n].value, t->nodes[n].path, "more than %d links; remove some",
                        INCIDENT_LINES_MAX);
        else if (strncmp(t->nodes[n].text, "https://", 8) != 0 || t->nodes[n].len > RULE_TEXT_MAX / 2)
            problem_add(r->problems, t->nodes[n].value, t->nodes[n].path, "is no link; write https://...");
        else
            rule->links[rule->link_count++] = rule_keep(r, t->nodes[n].text, t->nodes[n].len);
    }
}

static void read_confidence(struct rule_reader *r, const struct yaml_node *n, struct rule *rule)
{
    if (is_text(r, n) && !incident_confidence_parse(n->text, &rule->confidence))
        problem_add(r->problems, n->value, n->path, "is no confidence; write low, medium or high");
}

static void add_kind(struct rule_reader *r, const struct yaml_node *n, struct rule *rule)
{
    const char *words[INCIDENT_KIND_COUNT + 1] = { NULL };
    enum incident_kind kind;
    const char *near;

    for (int k = 0; k < INCIDENT_KIND_COUNT; k++)
        words[k] = incident_kind_name((enum incident_kind)k);
    if (!is_text(r, n))
        return;
    if (incident_kind_parse(n->text, &kind)) {
        rule->applies |= UINT32_C(1) << kind;
        return;
    }
    near = rule_nearest(n->text, words);
    problem_add(r->problems, n->value, n->path, "is no kind of incident%s%s%s", near != NULL ? "; did you mean " : "",
                near != NULL ? near : "; write bugcheck, linux-panic, triple-fault or another that docs/rules.md lists",
                near != NULL ? "?" : "");
}

static void read_applies(struct rule_reader *r, int node, struct rule *rule)
{
    const struct yaml_tree *t = r->tree;

    if (t->nodes[node].kind != YAML_NODE_LIST)
        add_kind(r, &t->nodes[node], rule);
    for (int n = rule_child(t, node, -1); n != -1 && t->nodes[node].kind == YAML_NODE_LIST; n = rule_child(t, node, n))
        add_kind(r, &t->nodes[n], rule);
}

static void read_enabled(struct rule_reader *r, const struct yaml_node *n, struct rule *rule)
{
    if (!is_text(r, n))
        return;
    rule->enabled = strcmp(n->text, "true") == 0;
    if (!rule->enabled && strcmp(n->text, "false") != 0)
        problem_add(r->problems, n->value, n->path, "is no yes or no; write true or false");
}

static void read_key(struct rule_reader *r, const struct rule_key_row *key, int node, struct rule *rule)
{
    const struct yaml_node *n = &r->tree->nodes[node];
    void *at = (char *)rule + key->offset;
    struct condition *group;

    switch (key->part) {
    case PART_TEXT:
        read_text(r, n, at);
        break;
    case PART_LINKS:
        read_links(r, node, rule);
        break;
    case PART_CONFIDENCE:
        read_confidence(r, n, rule);
        break;
    case PART_APPLIES:
        read_applies(r, node, rule);
        break;
    case PART_ENABLED:
        read_enabled(r, n, rule);
        break;
    case PART_CONDITIONS:
        group = new_condition(r, CONDITION_ALL);
        memcpy(at, &group, sizeof group);
        if (group != NULL)
            read_group(r, node, group);
        break;
    }
}

/* ---- rules ----------------------------------------------------------------------------------- */

static bool is_id(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len < RULE_ID_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int find_key(const struct yaml_node *n)
{
    for (int k = 0; k < KEYS; k++) {
        if (strcmp(keys[k].name, rule_key(n)) == 0)
            return k;
    }
    return -1;
}

static void check_rule(struct rule_reader *r, const struct yaml_node *n, struct rule *rule, const bool *given)
{
    for (int k = 0; k < KEYS; k++) {
        /* `enabled: false` on a shipped rule needs nothing but its id. */
        if (keys[k].required && !given[k] && (rule->enabled || k == 0))
            problem_add(r->problems, n->value, n->path, "%s is missing; every rule has one", keys[k].name);
    }
    if (rule->id[0] != '\0' && !is_id(rule->id))
        problem_add(r->problems, n->value, n->path,
                    "the id may have small letters, digits and hyphens, %d at most; write such a one", RULE_ID_MAX - 1);
}

static void read_rule(struct rule_reader *r, int node)
{
    const char *words[KEYS + 1] = { NULL };
    const struct yaml_tree *t = r->tree;
    struct rule *rule = arena_alloc(&r->rules->arena, sizeof *rule);
    bool given[KEYS] = { false };

    if (rule == NULL) {
        r->out_of_memory = true;
        return;
    }
    rule->id = rule->title = rule->text = rule->action = rule->reason = "";
    rule->enabled = true;
    rule->at = t->nodes[node].value;
    for (int k = 0; k < KEYS; k++)
        words[k] = keys[k].name;
    for (int n = rule_child(t, node, -1); n != -1; n = rule_child(t, node, n)) {
        int k = find_key(&t->nodes[n]);

        if (k == -1) {
            unknown_key(r, &t->nodes[n], words);
            continue;
        }
        given[k] = true;
        read_key(r, &keys[k], n, rule);
    }
    check_rule(r, &t->nodes[node], rule, given);
    for (size_t n = 0; n < r->rules->count; n++) {
        if (rule->id[0] != '\0' && strcmp(r->rules->rule[n]->id, rule->id) == 0)
            problem_add(r->problems, t->nodes[node].value, t->nodes[node].path,
                        "a rule with the id %s stands above; give it another", rule->id);
    }
    if (!rules_put(r->rules, rule))
        problem_add(r->problems, t->nodes[node].value, t->nodes[node].path, "more than %d rules; remove some",
                    RULES_MAX);
}

static void read_rules(struct rule_reader *r, int list)
{
    const struct yaml_tree *t = r->tree;

    for (int n = rule_child(t, list, -1); n != -1; n = rule_child(t, list, n)) {
        if (t->nodes[n].kind == YAML_NODE_SECTION)
            read_rule(r, n);
        else if (t->nodes[n].kind != YAML_NODE_BAD)
            problem_add(r->problems, t->nodes[n].value, "rules",
                        "an item of this list is no rule; write \"- id: name\"");
    }
}

int rules_read(struct rule_reader *r)
{
    static const char *const top[] = { "rules", NULL };
    const struct yaml_tree *t = r->tree;
    const struct place start = { 1, 1 };
    bool found = false;

    if (t->count > 0 && t->nodes[0].kind != YAML_NODE_SECTION && !yaml_node_is_null(&t->nodes[0])) {
        problem_add(r->problems, t->nodes[0].value, NULL, "expects keys; write \"rules:\" and the rules below it");
        return 0;
    }
    for (int n = t->count > 0 ? rule_child(t, 0, -1) : -1; n != -1; n = rule_child(t, 0, n)) {
        if (strcmp(t->nodes[n].path, "rules") != 0) {
            unknown_key(r, &t->nodes[n], top);
            continue;
        }
        found = true;
        if (t->nodes[n].kind == YAML_NODE_LIST)
            read_rules(r, n);
        else if (t->nodes[n].kind != YAML_NODE_BAD)
            problem_add(r->problems, t->nodes[n].value, "rules", "expects a list; write \"- id: name\" lines below it");
    }
    if (!found && t->complete && r->problems->count == 0)
        problem_add(r->problems, start, "rules", "is missing; write \"rules:\" and the rules below it");
    if (r->out_of_memory)
        return r->rules->arena.full ? ERR_TOO_BIG : ERR_MEMORY;
    return 0;
}
