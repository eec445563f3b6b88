/* See event_evtx.h.
 *
 * libevtx takes whole files.  It is given one chunk at a time, in memory, behind
 * a file header of our own making that says "one chunk": so it never sees more
 * than 68 KiB of what somebody else wrote, a damaged chunk harms no other, a
 * growing file is read from its newest chunk on, and the file itself is read
 * through the seam like any other.  Records behind a damaged one in the same
 * chunk come from libevtx's search for recoverable ones.
 *
 * libevtx is foreign code on hostile input.  Version 20181227 loses about 10 KiB
 * over some damaged records, which is why event_file_evtx.c gives a file up after
 * a number of them; its work on one chunk is bounded by the chunk only as far as
 * it keeps that promise itself.
 */
#include "collectors/event_evtx.h"

#include <assert.h>
#include <libbfio.h>
#include <libevtx.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const unsigned char file_signature[8] = "ElfFile";
static const unsigned char chunk_signature[8] = "ElfChnk";

struct evtx_chunk {
    unsigned char bytes[EVTX_FILE_HEADER + EVTX_CHUNK];
    libbfio_handle_t *io;
    libevtx_file_t *file;
    size_t count;
    struct evtx_record records[EVTX_RECORDS_MAX];
};

static uint64_t get64(const unsigned char *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static void put(unsigned char *p, int bytes, uint64_t v)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

bool evtx_is_file(const unsigned char *header)
{
    return memcmp(header, file_signature, sizeof file_signature) == 0;
}

struct evtx_chunk_info evtx_chunk_look(const unsigned char *header)
{
    static const unsigned char nothing[EVTX_CHUNK_HEADER];
    struct evtx_chunk_info info = { .state = EVTX_BAD };
    uint64_t first = get64(header + 8), last = get64(header + 16);

    if (memcmp(header, nothing, sizeof nothing) == 0) {
        info.state = EVTX_EMPTY;
        return info;
    }
    info.first_id = get64(header + 24);
    info.last_id = get64(header + 32);
    if (memcmp(header, chunk_signature, sizeof chunk_signature) != 0 || first > last ||
        last - first >= EVTX_RECORDS_MAX || info.first_id == 0 || info.first_id > info.last_id ||
        info.last_id > INT64_MAX || info.last_id - info.first_id < last - first)
        return info;
    info.state = EVTX_GOOD;
    info.records = last - first + 1;
    return info;
}

/* The header of a file of one chunk. */
static void make_file_header(unsigned char *h)
{
    memset(h, 0, EVTX_FILE_HEADER);
    memcpy(h, file_signature, sizeof file_signature);
    put(h + 24, 8, 1);                /* next record identifier */
    put(h + 32, 4, 128);              /* size of this header's used part */
    put(h + 36, 2, 1);                /* minor */
    put(h + 38, 2, 3);                /* and major version */
    put(h + 40, 2, EVTX_FILE_HEADER); /* size of the block it stands in */
    put(h + 42, 2, 1);                /* chunks */
    put(h + 124, 4, crc32(0, h, 120));
}

static int failed(struct err *e, libevtx_error_t **why)
{
    char text[256] = "no reason given";

    if (*why != NULL)
        libevtx_error_sprint(*why, text, sizeof text);
    libevtx_error_free(why);
    return err_set(e, ERR_CORRUPT, "libevtx: %s", text);
}

static int get_record(struct evtx_chunk *c, int index, libevtx_record_t **out, libevtx_error_t **why)
{
    return index >= 0 ? libevtx_file_get_record_by_index(c->file, index, out, why)
                      : libevtx_file_get_recovered_record_by_index(c->file, -1 - index, out, why);
}

static bool has(const struct evtx_chunk *c, uint64_t id)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->records[i].id == id)
            return true;
    }
    return false;
}

static void add_record(struct evtx_chunk *c, const struct evtx_chunk_info *info, int index)
{
    struct evtx_record r = { .index = index };
    libevtx_record_t *record = NULL;
    libevtx_error_t *why = NULL;

    if (get_record(c, index, &record, &why) == 1 && libevtx_record_get_identifier(record, &r.id, &why) == 1 &&
        libevtx_record_get_written_time(record, &r.written, &why) == 1 && r.id >= info->first_id &&
        r.id <= info->last_id && c->count < EVTX_RECORDS_MAX && (index >= 0 || !has(c, r.id)))
        c->records[c->count++] = r;
    libevtx_error_free(&why);
    if (record != NULL)
        libevtx_record_free(&record, NULL);
}

static int by_id(const void *a, const void *b)
{
    const struct evtx_record *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void list_records(struct evtx_chunk *c, const struct evtx_chunk_info *info)
{
    int good = 0, recovered = 0;
    size_t kept = 0;

    if (libevtx_file_get_number_of_records(c->file, &good, NULL) != 1)
        good = 0;
    for (int i = 0; i < good && i < EVTX_RECORDS_MAX; i++)
        add_record(c, info, i);
    if (c->count < info->records && libevtx_file_get_number_of_recovered_records(c->file, &recovered, NULL) == 1) {
        for (int i = 0; i < recovered && i < EVTX_RECORDS_MAX; i++)
            add_record(c, info, -1 - i);
    }
    qsort(c->records, c->count, sizeof c->records[0], by_id);
    for (size_t i = 0; i < c->count; i++) {
        if (kept == 0 || c->records[i].id != c->records[kept - 1].id)
            c->records[kept++] = c->records[i];
    }
    c->count = kept;
}

static int attach(struct evtx_chunk *c, struct err *e)
{
    libevtx_error_t *why = NULL;

    if (libbfio_memory_range_initialize(&c->io, &why) != 1 ||
        libbfio_memory_range_set(c->io, c->bytes, sizeof c->bytes, &why) != 1 ||
        libevtx_file_initialize(&c->file, &why) != 1)
        return failed(e, &why);
    if (libevtx_file_open_file_io_handle(c->file, c->io, LIBEVTX_OPEN_READ, &why) != 1)
        return failed(e, &why);
    return 0;
}

int evtx_chunk_open(const unsigned char *bytes, const struct evtx_chunk_info *info, struct evtx_chunk **out,
                    struct err *e)
{
    struct evtx_chunk *c = calloc(1, sizeof *c);
    int rc;

    assert(info->state == EVTX_GOOD);
    if (c == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a chunk of events");
    make_file_header(c->bytes);
    memcpy(c->bytes + EVTX_FILE_HEADER, bytes, EVTX_CHUNK);
    rc = attach(c, e);
    if (rc != 0) {
        evtx_chunk_close(c);
        return rc;
    }
    list_records(c, info);
    *out = c;
    return 0;
}

const struct evtx_record *evtx_chunk_records(const struct evtx_chunk *c, size_t *count)
{
    *count = c->count;
    return c->records;
}

int evtx_chunk_xml(struct evtx_chunk *c, const struct evtx_record *r, struct buf *out, struct err *e)
{
    libevtx_record_t *record = NULL;
    libevtx_error_t *why = NULL;
    size_t size = 0;
    char *room;
    int rc = 0;

    buf_clear(out);
    if (get_record(c, r->index, &record, &why) != 1 ||
        libevtx_record_get_utf8_xml_string_size(record, &size, &why) != 1 || size == 0) {
        rc = failed(e, &why);
        goto done;
    }
    room = buf_room(out, size);
    if (room == NULL) {
        rc = err_set(e, buf_error(out), "the event's XML takes %zu bytes", size);
        goto done;
    }
    if (libevtx_record_get_utf8_xml_string(record, (uint8_t *)room, size, &why) != 1) {
        rc = failed(e, &why);
        goto done;
    }
    buf_used(out, strnlen(room, size));
done:
    if (record != NULL)
        libevtx_record_free(&record, NULL);
    return rc;
}

void evtx_chunk_close(struct evtx_chunk *c)
{
    if (c == NULL)
        return;
    if (c->file != NULL)
        libevtx_file_free(&c->file, NULL);
    if (c->io != NULL)
        libbfio_handle_free(&c->io, NULL);
    free(c);
}
