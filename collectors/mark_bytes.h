/* Bytes inside a source's mark, which is text: base64 (RFC 4648, no padding),
 * and the hash that marks use to tell what was taken from what has changed.
 *
 * Marks outlive the program, so neither may ever change its output.
 */
#ifndef COLLECTORS_MARK_BYTES_H
#define COLLECTORS_MARK_BYTES_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARK_HASH_START UINT64_C(0x9AE16A3B2F90404F)

/* A quick 64-bit hash of h (MARK_HASH_START, or what came before) and len
 * bytes.  Not made to withstand somebody who wants two texts to look alike: what
 * he would gain is that a change of his own goes unnoticed until the next
 * refresh. */
uint64_t mark_hash(uint64_t h, const void *bytes, size_t len);

/* How many characters len bytes take. */
size_t mark_bytes_size(size_t len);

void mark_put_bytes(struct buf *b, const void *bytes, size_t len);

/* Reads exactly len bytes from *text and moves *text behind them; false when
 * there are fewer or something else. */
bool mark_get_bytes(const char **text, void *bytes, size_t len);

/* Little-endian numbers for entries of fixed size. */
void mark_put_u64(unsigned char *at, uint64_t v);
uint64_t mark_get_u64(const unsigned char *at);

#endif
