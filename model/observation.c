/* See observation.h.
 *
 * An observation's attributes are one array in the batch's arena that doubles
 * when it is full; what it leaves behind stays in the arena until the batch
 * goes, which the ceiling counts too.
 */
#include "model/observation.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ATTRS = 16 };

static const char *const kind_names[OBS_KIND_COUNT] = {
    [OBS_OTHER] = "",
    [OBS_HOST_INVENTORY] = "hyperv.host.inventory",
    [OBS_HOST_STORAGE] = "hyperv.host.storage",
    [OBS_HOST_CLUSTER] = "hyperv.host.cluster",
    [OBS_GUEST_INVENTORY] = "hyperv.guest.inventory",
    [OBS_GUEST_VERSION_MISMATCH] = "hyperv.guest.version_mismatch",
    [OBS_GUEST_VERSION_OK] = "hyperv.guest.version_ok",
    [OBS_GUEST_LIFECYCLE] = "hyperv.guest.lifecycle",
    [OBS_GUEST_CRASH] = "hyperv.guest.crash",
    [OBS_GUEST_DUMP] = "hyperv.guest.dump",
    [OBS_GUEST_MIGRATION] = "hyperv.guest.migration",
    [OBS_GUEST_CONFIGURATION] = "hyperv.guest.configuration",
    [OBS_EVENT_RAW] = "hyperv.event.raw",
    [OBS_SOURCE_STATE] = "hvfleet.source.state",
    [OBS_GAP] = "hvfleet.gap",
};

static const int importance[OBS_KIND_COUNT] = {
    [OBS_OTHER] = 0,
    [OBS_EVENT_RAW] = 0,
    [OBS_GUEST_LIFECYCLE] = 1,
    [OBS_SOURCE_STATE] = 1,
    [OBS_HOST_STORAGE] = 2,
    [OBS_HOST_CLUSTER] = 2,
    [OBS_GUEST_MIGRATION] = 2,
    [OBS_HOST_INVENTORY] = 3,
    [OBS_GUEST_INVENTORY] = 3,
    [OBS_GUEST_CONFIGURATION] = 3,
    [OBS_GUEST_VERSION_OK] = 3,
    [OBS_GUEST_VERSION_MISMATCH] = 3,
    [OBS_GUEST_CRASH] = 4,
    [OBS_GUEST_DUMP] = 4,
    [OBS_GAP] = 5,
};

const char *obs_kind_name(enum obs_kind kind)
{
    assert(kind >= 0 && kind < OBS_KIND_COUNT);
    return kind_names[kind];
}

enum obs_kind obs_kind_parse(const char *name, size_t len)
{
    for (int i = OBS_OTHER + 1; i < OBS_KIND_COUNT; i++) {
        if (strlen(kind_names[i]) == len && memcmp(kind_names[i], name, len) == 0)
            return (enum obs_kind)i;
    }
    return OBS_OTHER;
}

int obs_importance(enum obs_kind kind)
{
    assert(kind >= 0 && kind < OBS_KIND_COUNT);
    return importance[kind];
}

void obs_batch_init(struct obs_batch *b, size_t max_bytes)
{
    *b = (struct obs_batch){ .first = NULL };
    arena_init(&b->arena, max_bytes);
}

void obs_batch_reset(struct obs_batch *b)
{
    arena_reset(&b->arena);
    b->first = b->last = NULL;
    b->count = 0;
    b->failed = false;
}

void obs_batch_free(struct obs_batch *b)
{
    arena_free(&b->arena);
    b->first = b->last = NULL;
    b->count = 0;
    b->failed = false;
}

/* What obs_new() gives when the batch is full: writes to it go nowhere. */
static struct observation *scratch(enum obs_kind kind)
{
    static _Thread_local struct observation nobody;

    nobody = (struct observation){ .kind = kind, .kind_name = obs_kind_name(kind), .body = "" };
    return &nobody;
}

struct observation *obs_new(struct obs_batch *b, enum obs_kind kind, int64_t time_ns, int64_t observed_ns)
{
    struct observation *o = arena_alloc(&b->arena, sizeof *o);

    if (o == NULL) {
        b->failed = true;
        return scratch(kind);
    }
    o->kind = kind;
    o->kind_name = obs_kind_name(kind);
    o->time_ns = time_ns;
    o->observed_ns = observed_ns;
    o->severity = SEVERITY_INFO;
    o->body = "";
    o->batch = b;
    if (b->last != NULL)
        b->last->next = o;
    else
        b->first = o;
    b->last = o;
    b->count++;
    return o;
}

static bool is_plain(const char *text, size_t len)
{
    return text_printable_run(text, len) == len;
}

/* A clean copy of at most max bytes in the batch's arena; NULL when it is
 * full.  Marks the observation when something was cut off. */
static const char *keep(struct observation *o, const char *text, size_t len, size_t max, size_t *out_len)
{
    char cleaned[OBS_STRING_MAX + 1];
    bool changed;
    char *copy;

    assert(max < sizeof cleaned);
    if (len > max || !is_plain(text, len)) {
        size_t used = text_clean(cleaned, max + 1, text, len, &changed);

        /* A cut text ends within an ellipsis and a character of the end. */
        if (len > max || (changed && used + 6 > max))
            o->cut = true;
        text = cleaned;
        len = used;
    }
    copy = arena_copy(&o->batch->arena, text, len);
    if (copy == NULL)
        o->batch->failed = true;
    if (out_len != NULL)
        *out_len = len;
    return copy;
}

/* Keys begin alike: their length, last and middle characters tell most of them apart. */
static uint32_t mark_of(const char *key, size_t len)
{
    return (uint32_t)len << 16 | (uint32_t)(unsigned char)key[len / 2] << 8 | (unsigned char)key[len > 0 ? len - 1 : 0];
}

static struct attr *find_marked(const struct observation *o, const char *key, uint32_t mark)
{
    for (int i = 0; i < o->attr_count; i++) {
        if (o->attrs[i].key_mark == mark && strcmp(o->attrs[i].key, key) == 0)
            return &o->attrs[i];
    }
    return NULL;
}

static struct attr *find(const struct observation *o, const char *key)
{
    return find_marked(o, key, mark_of(key, strlen(key)));
}

static bool grow(struct observation *o)
{
    int cap = o->attr_cap == 0 ? FIRST_ATTRS : o->attr_cap * 2;
    struct attr *attrs = arena_alloc(&o->batch->arena, (size_t)cap * sizeof *attrs);

    if (attrs == NULL) {
        o->batch->failed = true;
        return false;
    }
    if (o->attr_count > 0)
        memcpy(attrs, o->attrs, (size_t)o->attr_count * sizeof *attrs);
    o->attrs = attrs;
    o->attr_cap = cap;
    return true;
}

/* The attribute of that key, made when missing; NULL when it does not fit. */
static struct attr *place(struct observation *o, const char *key)
{
    size_t len = strlen(key), kept_len;
    uint32_t mark = mark_of(key, len);
    struct attr *a = find_marked(o, key, mark);
    const char *kept;

    if (a != NULL || o->batch == NULL)
        return a;
    if (o->attr_count == OBS_ATTRS_MAX || len == 0) {
        o->cut = true;
        return NULL;
    }
    if (o->attr_count == o->attr_cap && !grow(o))
        return NULL;
    kept = keep(o, key, len, OBS_KEY_MAX, &kept_len);
    if (kept == NULL)
        return NULL;
    if (strcmp(kept, key) != 0) {
        mark = mark_of(kept, kept_len);
        if ((a = find_marked(o, kept, mark)) != NULL)
            return a;
    }
    a = &o->attrs[o->attr_count++];
    *a = (struct attr){ .key = kept, .key_mark = mark };
    return a;
}

static void set(struct observation *o, const char *key, struct attr value)
{
    struct attr *a = place(o, key);

    if (a == NULL)
        return;
    value.key = a->key;
    value.key_mark = a->key_mark;
    *a = value;
}

void obs_strn(struct observation *o, const char *key, const char *value, size_t len)
{
    struct attr a = { .type = ATTR_STRING };

    if (o->batch == NULL || value == NULL || len == 0)
        return;
    a.str = keep(o, value, len, OBS_STRING_MAX, &a.len);
    if (a.str != NULL)
        set(o, key, a);
}

void obs_str(struct observation *o, const char *key, const char *value)
{
    if (value != NULL)
        obs_strn(o, key, value, strlen(value));
}

void obs_int(struct observation *o, const char *key, int64_t value)
{
    set(o, key, (struct attr){ .type = ATTR_INT, .num = value });
}

void obs_double(struct observation *o, const char *key, double value)
{
    set(o, key, (struct attr){ .type = ATTR_DOUBLE, .real = value });
}

void obs_bool(struct observation *o, const char *key, bool value)
{
    set(o, key, (struct attr){ .type = ATTR_BOOL, .num = value });
}

void obs_bodyn(struct observation *o, const char *text, size_t len)
{
    const char *kept;

    if (o->batch == NULL)
        return;
    kept = keep(o, text, len, OBS_STRING_MAX, NULL);
    if (kept != NULL)
        o->body = kept;
}

void obs_body(struct observation *o, const char *fmt, ...)
{
    char text[OBS_STRING_MAX + 2]; /* one more than fits, so that a cut shows */
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    assert(len >= 0);
    obs_bodyn(o, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

const struct attr *obs_attr(const struct observation *o, const char *key)
{
    return find(o, key);
}

const char *obs_get_str(const struct observation *o, const char *key)
{
    const struct attr *a = find(o, key);

    return a != NULL && a->type == ATTR_STRING ? a->str : "";
}

int64_t obs_get_int(const struct observation *o, const char *key, int64_t dflt)
{
    const struct attr *a = find(o, key);

    return a != NULL && a->type == ATTR_INT ? a->num : dflt;
}
