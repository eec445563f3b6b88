/* See dumps_known.h. */
#include "collectors/dumps_known.h"

#include "base/times.h"
#include "collectors/mark_bytes.h"
#include "collectors/source.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY = 24, HEAD_MAX = 96, VERDICT_SHIFT = 56 };

_Static_assert(DUMPS_KNOWN_MAX *(ENTRY / 3 * 4) + HEAD_MAX <= SOURCE_MARK_MAX, "the list fits into a mark");

#define MTIME_MASK ((UINT64_C(1) << VERDICT_SHIFT) - 1)

int dumps_known_init(struct dumps_known *k, struct err *e)
{
    *k = (struct dumps_known){ .before_s = -1 };
    k->list = calloc(DUMPS_KNOWN_MAX, sizeof *k->list);
    return k->list != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

void dumps_known_free(struct dumps_known *k)
{
    free(k->list);
    *k = (struct dumps_known){ 0 };
}

static int64_t seconds(const struct file_info *info)
{
    return info->mtime_ns > 0 ? info->mtime_ns / NS_PER_S : 0;
}

uint64_t dumps_file_key(const struct file_info *info)
{
    unsigned char bytes[32];

    mark_put_u64(bytes, info->id[0]);
    mark_put_u64(bytes + 8, info->id[1]);
    mark_put_u64(bytes + 16, info->size);
    mark_put_u64(bytes + 24, (uint64_t)info->mtime_ns);
    return mark_hash(MARK_HASH_START, bytes, sizeof bytes);
}

/* The first entry whose file is not below that. */
static size_t place(const struct dumps_known *k, uint64_t file)
{
    size_t low = 0, high = k->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (k->list[mid].file < file)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct dumps_entry *dumps_known_file(struct dumps_known *k, uint64_t file)
{
    size_t at = place(k, file);

    return at < k->count && k->list[at].file == file ? &k->list[at] : NULL;
}

bool dumps_known_dump(const struct dumps_known *k, uint64_t dump, enum dumps_verdict verdict)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->list[i].dump == dump && (k->list[i].verdict == verdict || k->list[i].verdict == DUMPS_OK))
            return true;
    }
    return false;
}

bool dumps_known_forgotten(const struct dumps_known *k, const struct file_info *info)
{
    return seconds(info) <= k->before_s;
}

static void remove_at(struct dumps_known *k, size_t at)
{
    assert(at < k->count);
    k->count--;
    memmove(&k->list[at], &k->list[at + 1], (k->count - at) * sizeof *k->list);
}

void dumps_known_remove(struct dumps_known *k, uint64_t file)
{
    size_t at = place(k, file);

    if (at < k->count && k->list[at].file == file)
        remove_at(k, at);
}

static void forget_one(struct dumps_known *k)
{
    size_t oldest = 0;

    for (size_t i = 1; i < k->count; i++) {
        const struct dumps_entry *a = &k->list[i], *b = &k->list[oldest];

        if (a->seen != b->seen ? !a->seen : a->mtime_s < b->mtime_s)
            oldest = i;
    }
    if (k->list[oldest].seen && k->list[oldest].mtime_s > k->before_s)
        k->before_s = k->list[oldest].mtime_s;
    remove_at(k, oldest);
}

void dumps_known_add(struct dumps_known *k, const struct file_info *info, uint64_t dump, enum dumps_verdict verdict)
{
    uint64_t file = dumps_file_key(info);
    size_t at;

    dumps_known_remove(k, file);
    if (k->count == DUMPS_KNOWN_MAX)
        forget_one(k);
    at = place(k, file);
    memmove(&k->list[at + 1], &k->list[at], (k->count - at) * sizeof *k->list);
    k->list[at] = (struct dumps_entry){
        .file = file,
        .dump = dump,
        .verdict = verdict,
        .mtime_s = seconds(info),
        .seen = true,
    };
    k->count++;
}

static bool read_entry(const char **mark, struct dumps_entry *out)
{
    unsigned char bytes[ENTRY];
    uint64_t word;

    if (!mark_get_bytes(mark, bytes, sizeof bytes))
        return false;
    word = mark_get_u64(bytes + 16);
    *out = (struct dumps_entry){
        .file = mark_get_u64(bytes),
        .dump = mark_get_u64(bytes + 8),
        .verdict = (enum dumps_verdict)(word >> VERDICT_SHIFT),
        .mtime_s = (int64_t)(word & MTIME_MASK),
        .seen = true,
    };
    return word >> VERDICT_SHIFT < DUMPS_VERDICT_COUNT;
}

void dumps_known_read(struct dumps_known *k, const char *mark)
{
    long long before;
    unsigned long count;
    int used = 0;

    k->count = 0;
    k->before_s = -1;
    if (sscanf(mark, "dumps/1 before=%18lld n=%6lu %n", &before, &count, &used) != 2 || count > DUMPS_KNOWN_MAX)
        return;
    mark += used;
    for (; k->count < count; k->count++) {
        struct dumps_entry *entry = &k->list[k->count];

        if (!read_entry(&mark, entry) || (k->count > 0 && entry[-1].file >= entry->file)) {
            k->count = 0;
            return;
        }
    }
    k->before_s = before;
}

void dumps_known_write(const struct dumps_known *k, struct buf *mark)
{
    buf_clear(mark);
    buf_printf(mark, "dumps/1 before=%" PRId64 " n=%zu ", k->before_s, k->count);
    for (size_t i = 0; i < k->count; i++) {
        unsigned char bytes[ENTRY];
        const struct dumps_entry *entry = &k->list[i];

        mark_put_u64(bytes, entry->file);
        mark_put_u64(bytes + 8, entry->dump);
        mark_put_u64(bytes + 16, (uint64_t)entry->verdict << VERDICT_SHIFT | ((uint64_t)entry->mtime_s & MTIME_MASK));
        mark_put_bytes(mark, bytes, sizeof bytes);
    }
}
