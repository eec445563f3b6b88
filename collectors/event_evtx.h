/* One chunk of an .evtx file: its header, read here, and its records, rendered
 * by libevtx.
 *
 * Format (Microsoft's, undocumented; known from libevtx's documentation): a file header
 * of 4,096 bytes ("ElfFile\0"), then chunks of 65,536 bytes, each complete in itself
 * ("ElfChnk\0": string table, templates, records).  All numbers little-endian:
 *
 *   chunk  +0 signature   +8 first record number   +16 last record number
 *          +24 first record identifier   +32 last record identifier
 *
 * Numbers count within the file; identifiers are EventRecordIDs, which have
 * holes in a filtered export.  In a log that went round, chunks are not in order.
 */
#ifndef COLLECTORS_EVENT_EVTX_H
#define COLLECTORS_EVENT_EVTX_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVTX_FILE_HEADER = 4096,
    EVTX_CHUNK = 64 * 1024,
    EVTX_CHUNK_HEADER = 512,
    EVTX_RECORD_MIN = 28,
    EVTX_RECORDS_MAX = (EVTX_CHUNK - EVTX_CHUNK_HEADER) / EVTX_RECORD_MIN, /* in one chunk */
};

enum evtx_chunk_state { EVTX_EMPTY, EVTX_GOOD, EVTX_BAD };

struct evtx_chunk_info {
    enum evtx_chunk_state state;
    uint64_t first_id, last_id; /* EVTX_GOOD: first_id <= last_id */
    uint64_t records;           /* EVTX_GOOD: how many there should be, 1 to EVTX_RECORDS_MAX */
};

/* header: the first EVTX_CHUNK_HEADER bytes of a chunk. */
struct evtx_chunk_info evtx_chunk_look(const unsigned char *header);

/* True for the first 8 bytes of an .evtx file. */
bool evtx_is_file(const unsigned char *header);

struct evtx_chunk;

struct evtx_record {
    uint64_t id;
    uint64_t written; /* FILETIME */
    int index;        /* in libevtx's list; below 0: of those it recovered */
};

/* Reads a chunk of EVTX_CHUNK bytes, which are copied.  Finds the records whose
 * id is within the header's range, in order of id, each once.  ERR_CORRUPT when
 * libevtx can make nothing of it. */
MUST_USE int evtx_chunk_open(const unsigned char *bytes, const struct evtx_chunk_info *info, struct evtx_chunk **out,
                             struct err *e);
const struct evtx_record *evtx_chunk_records(const struct evtx_chunk *c, size_t *count);

/* The record's XML in UTF-8; out is cleared first.  ERR_CORRUPT when it can not be
 * rendered, ERR_TOO_BIG when it is over out's ceiling. */
MUST_USE int evtx_chunk_xml(struct evtx_chunk *c, const struct evtx_record *record, struct buf *out, struct err *e);

void evtx_chunk_close(struct evtx_chunk *c);

#endif
