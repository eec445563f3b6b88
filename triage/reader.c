/* See reader.h. */
#include "triage/reader.h"

#include <assert.h>
#include <string.h>

static int memory_read(void *arg, uint64_t offset, void *buf, size_t len, size_t *got, struct err *e)
{
    const struct triage_memory *m = arg;
    size_t n = offset >= m->len ? 0 : m->len - (size_t)offset;

    (void)e;
    if (n > len)
        n = len;
    if (n > 0)
        memcpy(buf, (const char *)m->bytes + offset, n);
    *got = n;
    assert(*got <= len);
    return 0;
}

void triage_reader_memory(struct triage_reader *r, struct triage_memory *m)
{
    assert(m->bytes != NULL || m->len == 0);
    *r = (struct triage_reader){ .read = memory_read, .arg = m, .size = m->len };
}
