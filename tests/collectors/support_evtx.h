/* Saved .evtx files made for tests, as small as the format allows: chunks of records whose binary XML has no
 * templates, all names in place.
 */
#ifndef TESTS_COLLECTORS_SUPPORT_EVTX_H
#define TESTS_COLLECTORS_SUPPORT_EVTX_H

#include "collectors/event_evtx.h"

#include <stddef.h>
#include <stdint.h>

enum { EVTX_LOG_CHUNKS_MAX = 64, EVTX_LOG_FIRST_RECORD = 512 };

struct evtx_log {
    unsigned char bytes[EVTX_FILE_HEADER + EVTX_LOG_CHUNKS_MAX * EVTX_CHUNK];
    size_t chunks;
    unsigned char *chunk; /* being written */
    size_t at;            /* in it */
    uint64_t number;      /* of the next record in the file */
    uint64_t written;     /* added to the times of records: another log has other ones */
};

void evtx_log_start(struct evtx_log *l);

/* A chunk at a place in the file, with records from first to last. */
void evtx_log_add_chunk(struct evtx_log *l, size_t place, uint64_t first, uint64_t last);

/* The same step by step: a record more makes the chunk whole again. */
void evtx_log_start_chunk(struct evtx_log *l, size_t place, uint64_t first_id);
void evtx_log_add_record(struct evtx_log *l, uint64_t id);

/* Writes the chunk's header and its sums; last_record: where the newest record begins in it. */
void evtx_log_seal(struct evtx_log *l, uint64_t last_id, size_t last_record);

/* A number of so many bytes, the lowest first. */
void evtx_log_put(unsigned char *p, int bytes, uint64_t v);

#endif
