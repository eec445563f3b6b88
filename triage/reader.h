/* Where a dump's bytes come from.
 *
 * The caller gives a small vtable, so that a file, a test's memory, a fuzzer's
 * input and the Windows build's own file reading look the same.  Reading is by
 * position and never through a map: a file that is cut or taken away while it
 * is read gives short reads, not a fault.
 */
#ifndef TRIAGE_READER_H
#define TRIAGE_READER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct triage_reader {
    /* Reads up to len bytes at offset.  *got is less than len only at the end
     * of the file.  0, or an error with a text that names the file. */
    int (*read)(void *arg, uint64_t offset, void *buf, size_t len, size_t *got, struct err *e);
    void *arg;
    uint64_t size; /* of the file in bytes, as it was when the reader was made */
};

/* Bytes in memory.  The struct and the bytes outlive the reader. */
struct triage_memory {
    const void *bytes;
    size_t len;
};

void triage_reader_memory(struct triage_reader *r, struct triage_memory *m);

#endif
