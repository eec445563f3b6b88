/* triage_file() over arbitrary bytes: no fault, no endless work, a verdict that
 * can be printed.  The input is the file itself, so that real dumps serve as
 * the corpus. */
#include "base/buf.h"
#include "triage/triage.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 8 << 20, READ_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct triage_memory m = { data, size };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;
    struct buf text;
    struct err e;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.read_max = READ_MAX;
    if (triage_file(&r, &limits, &v, &e) != 0)
        return 0;
    assert(v->bytes_read <= READ_MAX);
    buf_init(&text, TEXT_MAX);
    triage_text(v, "fuzz", true, &text);
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\n');
    buf_free(&text);
    triage_verdict_free(v);
    return 0;
}
