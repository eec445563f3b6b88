/* See window.h.
 *
 * The cache is direct-mapped: a block of the file has one place.  Pages of a
 * bitmap dump are often not aligned to blocks of the file, so a page touches
 * two blocks; neighbours are usually wanted too.
 */
#include "triage/window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096, BLOCKS = 512, CLOCK_EVERY = 64 };

struct window_block {
    uint64_t number; /* block number + 1; 0 unused */
    uint32_t len;    /* bytes of it that the file has */
    unsigned char bytes[BLOCK];
};

int window_open(struct window *s, const struct triage_reader *r, const struct triage_limits *limits, struct err *e)
{
    assert(limits->deadline == 0 || limits->clock != NULL);
    *s = (struct window){ .reader = r, .limits = limits };
    s->blocks = calloc(BLOCKS, sizeof *s->blocks);
    if (s->blocks == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for the read window");
    return 0;
}

void window_close(struct window *s)
{
    free(s->blocks);
    s->blocks = NULL;
}

bool window_runs(struct window *s)
{
    if (s->stop == WINDOW_RUNS && s->limits->deadline != 0 && s->reads_to_clock-- == 0) {
        s->reads_to_clock = CLOCK_EVERY;
        if (s->limits->clock(s->limits->arg) >= s->limits->deadline)
            s->stop = WINDOW_DEADLINE;
    }
    return s->stop == WINDOW_RUNS;
}

static struct window_block *load(struct window *s, uint64_t number)
{
    struct window_block *b = &s->blocks[(number ^ number >> 9) % BLOCKS];
    size_t got = 0;

    if (b->number == number + 1)
        return b;
    if (s->bytes_read + BLOCK > s->limits->read_max) {
        s->stop = WINDOW_BUDGET;
        return NULL;
    }
    s->reads_to_clock = 0; /* a read of a slow disk or share may have taken long */
    if (!window_runs(s))
        return NULL;
    b->number = 0;
    if (s->reader->read(s->reader->arg, number * BLOCK, b->bytes, BLOCK, &got, &s->error) != 0) {
        s->stop = WINDOW_ERROR;
        return NULL;
    }
    assert(got <= BLOCK);
    s->bytes_read += got;
    b->number = number + 1;
    b->len = (uint32_t)got;
    return b;
}

bool window_read(struct window *s, uint64_t offset, void *buf, size_t len)
{
    unsigned char *to = buf;
    size_t done = 0;

    if (offset > s->reader->size || len > s->reader->size - offset)
        goto fail;
    while (done < len) {
        uint64_t at = offset + done;
        size_t skip = (size_t)(at % BLOCK), n = BLOCK - skip;
        struct window_block *b = window_runs(s) ? load(s, at / BLOCK) : NULL;

        if (n > len - done)
            n = len - done;
        if (b == NULL || skip + n > b->len)
            goto fail;
        memcpy(to + done, b->bytes + skip, n);
        done += n;
    }
    return true;
fail:
    memset(buf, 0, len);
    return false;
}
