/* One chunk of an .evtx file: the header's reading and what libevtx makes of the
 * rest. */
#include "collectors/event.h"
#include "collectors/event_evtx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* libevtx loses memory on some damaged records, and leaks that are not ours
 * would end every run. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void read_chunk(const unsigned char *bytes, const struct evtx_chunk_info *info)
{
    const struct evtx_record *records;
    struct evtx_chunk *chunk;
    struct buf xml;
    size_t count;

    if (evtx_chunk_open(bytes, info, &chunk, NULL) != 0)
        return;
    records = evtx_chunk_records(chunk, &count);
    buf_init(&xml, EVENT_XML_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        assert(records[i].id >= info->first_id && records[i].id <= info->last_id);
        assert(i == 0 || records[i].id > records[i - 1].id);
        if (evtx_chunk_xml(chunk, &records[i], &xml, NULL) == 0)
            assert(xml.len <= EVENT_XML_MAX);
    }
    buf_free(&xml);
    evtx_chunk_close(chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char chunk[EVTX_CHUNK];
    struct evtx_chunk_info info;

    if (size < EVTX_CHUNK_HEADER || size > EVTX_CHUNK)
        return 0;
    memset(chunk, 0, sizeof chunk);
    memcpy(chunk, data, size);
    info = evtx_chunk_look(chunk);
    if (info.state == EVTX_GOOD)
        read_chunk(chunk, &info);
    return 0;
}
