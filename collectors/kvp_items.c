/* See kvp_items.h.
 *
 * The inner parser is never given more than one array element at a time, so an
 * item that is cut or not XML at all spoils nothing but itself.  Everything
 * here is chosen by the guest: how many items, their names, their order.
 *
 * An element that said the same in an earlier poll, or of another VM, is not
 * parsed again: of a guest's items one changes while the others stay.
 */
#include "collectors/kvp_items.h"

#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 4 * KVP_CHARS_MAX + 4 };

struct taking {
    struct kvp_poll *poll;
    struct kvp_vm *vm;
    struct kvp_items *items;
    const char *what;          /* the property's name */
    int index;                 /* the element at hand */
    int found;                 /* items that were kept of it */
    int problems;              /* of the VM, before it */
    struct kvp_item_pair last; /* of them */
    bool custom;
};

void kvp_vm_problem(struct kvp_poll *p, struct kvp_vm *vm, const char *fmt, ...)
{
    char text[KVP_PROBLEM_MAX];
    va_list ap;
    const char *kept;

    vm->problems++;
    if (vm->problems > 1)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    kept = arena_copy(&p->arena, text, strlen(text));
    if (kept != NULL)
        vm->problem = kept;
}

void kvp_trim(const char **text, size_t *len)
{
    while (*len > 0 && strchr(" \t\r\n", **text) != NULL) { /* a zero byte is a blank, too */
        ++*text;
        --*len;
    }
    while (*len > 0 && strchr(" \t\r\n", (*text)[*len - 1]) != NULL)
        --*len;
}

/* How many bytes the first `chars` characters take. */
static size_t cut_at_characters(const char *text, size_t len, size_t chars)
{
    size_t i = 0;

    if (len <= chars)
        return len;
    for (; i < len; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80 && chars-- == 0)
            break;
    }
    return i;
}

/* Trimmed, cut and made printable in out (TEXT_SIZE bytes). */
static size_t tidy(const char *text, size_t len, char *out)
{
    kvp_trim(&text, &len);
    len = cut_at_characters(text, len, KVP_CHARS_MAX);
    return text_clean(out, TEXT_SIZE, text, len, NULL);
}

static bool decides_drift(const char *name)
{
    for (int i = 0; i < KVP_ITEM_COUNT; i++) {
        if (strcmp(name, kvp_item_name((enum kvp_item)i)) == 0)
            return true;
    }
    return false;
}

static bool has_name(const struct kvp_items *items, const char *name, size_t len)
{
    for (int i = 0; i < items->count; i++) {
        if (items->list[i].name_len == len && memcmp(items->list[i].name, name, len) == 0)
            return true;
    }
    return false;
}

static bool has_room(const struct taking *t, const char *name, size_t bytes)
{
    int max = t->custom ? KVP_CUSTOM_MAX : KVP_INTRINSIC_MAX;

    if (t->items->count < max && t->vm->item_bytes + bytes <= KVP_VM_BYTES_MAX)
        return true;
    return !t->custom && decides_drift(name);
}

/* Room for one more in the list; the old list stays in the arena until the
 * poll is over. */
static bool grow(struct kvp_poll *p, struct kvp_items *items)
{
    int cap = items->cap == 0 ? 32 : items->cap * 2;
    struct kvp_item_pair *list;

    if (items->count < items->cap)
        return true;
    list = arena_alloc(&p->arena, (size_t)cap * sizeof *list);
    if (list == NULL)
        return false;
    if (items->count > 0)
        memcpy(list, items->list, (size_t)items->count * sizeof *list);
    items->list = list;
    items->cap = cap;
    return true;
}

static bool is_welcome(struct taking *t, const char *name, size_t name_len, size_t value_len)
{
    if (has_name(t->items, name, name_len)) {
        kvp_vm_problem(t->poll, t->vm, "%s[%d]: a second item of the same name was left out", t->what, t->index);
        return false;
    }
    if (!has_room(t, name, name_len + value_len)) {
        kvp_vm_problem(t->poll, t->vm, "%s[%d]: too many items; the rest was left out", t->what, t->index);
        return false;
    }
    return true;
}

/* Into the VM's list; NULL: there was no memory for it. */
static void add(struct taking *t, const struct kvp_item_pair *pair)
{
    if (pair == NULL || !grow(t->poll, t->items)) {
        kvp_vm_problem(t->poll, t->vm, "%s[%d]: the poll is too large; the item was left out", t->what, t->index);
        return;
    }
    t->items->list[t->items->count++] = *pair;
    t->vm->item_bytes += pair->name_len + pair->value_len;
}

static void keep(struct taking *t, const char *name, size_t name_len, const char *value, size_t value_len)
{
    struct kvp_item_pair pair = { .name_len = (uint32_t)name_len, .value_len = (uint32_t)value_len };

    if (!is_welcome(t, name, name_len, value_len))
        return;
    pair.name = arena_copy(&t->poll->arena, name, name_len);
    pair.value = arena_copy(&t->poll->arena, value, value_len);
    t->found++;
    t->last = pair;
    add(t, pair.name != NULL && pair.value != NULL ? &pair : NULL);
}

/* What an element said is known from now on.  One that says more than an item, or has a problem, is told anew each
 * time. */
static void remember(struct taking *t, uint64_t key)
{
    struct kvp_item_pair *pair;

    if (t->found != 1 || t->vm->problems != t->problems)
        return;
    pair = arena_alloc(&t->poll->arena, sizeof *pair);
    if (pair == NULL)
        return;
    *pair = t->last;
    kvp_memo_put(&t->poll->memo, key, pair);
}

/* The value as it may be known, in place (TEXT_SIZE bytes); 0 for one that may not. */
static size_t make_private(struct taking *t, const char *name, char *value, size_t len)
{
    const struct kvp_privacy *p = &t->poll->privacy;
    char digest[KVP_DIGEST_TEXT_MAX];

    switch (kvp_privacy_of(p, name, t->custom)) {
    case KVP_AS_IT_IS:
        return len;
    case KVP_DIGEST:
        if (kvp_privacy_digest(p, name, t->custom, value, len, digest)) {
            text_copy(value, TEXT_SIZE, digest);
            return sizeof digest - 1;
        }
        kvp_vm_problem(t->poll, t->vm, "%s[%d]: no digest could be made; the item was left out", t->what, t->index);
        return 0;
    case KVP_LEFT_OUT:
        break;
    }
    return 0;
}

static void take_item(struct taking *t, const struct cim_item *item)
{
    char name_text[TEXT_SIZE], value[TEXT_SIZE];
    size_t name_len = item->name != NULL ? tidy(item->name, item->name_len, name_text) : 0, value_len;

    if (name_len == 0) {
        kvp_vm_problem(t->poll, t->vm, "%s[%d]: an item without a name", t->what, t->index);
        return;
    }
    if (item->data == NULL)
        return; /* NULL: not known, as if it were absent */
    value_len = tidy(item->data, item->data_len, value);
    if (value_len > 0)
        value_len = make_private(t, name_text, value, value_len);
    if (value_len > 0)
        keep(t, name_text, name_len, value, value_len);
}

static void take_instance(void *arg, const struct cim_instance *instance)
{
    struct taking *t = arg;
    const struct cim_property *name = cim_find(instance, "Name"), *data = cim_find(instance, "Data");
    struct cim_item item = { 0 };

    if (name != NULL && name->count > 0) {
        item.name = name->values[0].text;
        item.name_len = name->values[0].len;
    }
    if (data != NULL && data->count > 0) {
        item.data = data->values[0].text;
        item.data_len = data->values[0].len;
    }
    take_item(t, &item);
}

static void item_problem(void *arg, size_t offset, const char *what)
{
    struct taking *t = arg;

    kvp_vm_problem(t->poll, t->vm, "%s[%d]: byte %zu: %s", t->what, t->index, offset, what);
}

static void take_element(struct taking *t, const struct cim_value *v)
{
    static const char *const wanted[] = { "Name", "Data", NULL };
    struct cim_handler h = { .instance = take_instance, .problem = item_problem, .arg = t, .wanted = wanted };
    const struct kvp_item_pair *known;
    uint64_t key;
    struct err e;

    if (v->item != NULL) {
        take_item(t, v->item); /* reading it again is quicker than knowing it again */
        return;
    }
    if (v->null || v->len == 0)
        return;
    if (v->cut) {
        kvp_vm_problem(t->poll, t->vm, "%s[%d]: the item is larger than %d bytes", t->what, t->index, CIM_VALUE_MAX);
        return;
    }
    key = kvp_memo_key(&t->poll->memo, t->custom ? "custom item" : "item", v->text, v->len);
    known = kvp_memo_find(&t->poll->memo, key);
    if (known != NULL) {
        if (is_welcome(t, known->name, known->name_len, known->value_len))
            add(t, known);
        return;
    }
    t->found = 0;
    t->problems = t->vm->problems;
    if (cim_parse(t->poll->inner, v->text, v->len, &h, &e) != 0)
        kvp_vm_problem(t->poll, t->vm, "%s[%d]: %s", t->what, t->index, e.text);
    remember(t, key);
}

void kvp_items_take(struct kvp_poll *p, struct kvp_vm *vm, const struct cim_property *array, bool custom)
{
    struct taking t = {
        .poll = p,
        .vm = vm,
        .items = custom ? &vm->custom : &vm->intrinsic,
        .what = array->name,
        .custom = custom,
    };

    for (; t.index < array->count; t.index++)
        take_element(&t, &array->values[t.index]);
    if (array->cut)
        kvp_vm_problem(p, vm, "%s: more than %d items or %d bytes; the rest was left out", array->name, CIM_VALUES_MAX,
                       CIM_PROPERTY_MAX);
}

static int by_name(const void *a, const void *b)
{
    const struct kvp_item_pair *x = a, *y = b;

    return strcmp(x->name, y->name);
}

void kvp_items_sort(struct kvp_items *items)
{
    if (items->count > 1)
        qsort(items->list, (size_t)items->count, sizeof *items->list, by_name);
}
