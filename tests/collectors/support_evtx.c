/* See support_evtx.h. */
#include "tests/collectors/support_evtx.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

void evtx_log_put(unsigned char *p, int bytes, uint64_t v)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static void add_number(struct evtx_log *l, int bytes, uint64_t v)
{
    evtx_log_put(l->chunk + l->at, bytes, v);
    l->at += (size_t)bytes;
}

static void add_chars(struct evtx_log *l, const char *text)
{
    for (; *text != '\0'; text++)
        add_number(l, 2, (unsigned char)*text);
}

/* A name's place, and the name there: next name, hash, length, characters, NUL. */
static void add_name(struct evtx_log *l, const char *name)
{
    uint32_t hash = 0;

    for (const char *p = name; *p != '\0'; p++)
        hash = hash * 65599 + (unsigned char)*p;
    add_number(l, 4, l->at + 4);
    add_number(l, 4, 0);
    add_number(l, 2, hash & 0xffff);
    add_number(l, 2, strlen(name));
    add_chars(l, name);
    add_number(l, 2, 0);
}

static void add_value(struct evtx_log *l, const char *text)
{
    add_number(l, 1, 0x05);
    add_number(l, 1, 0x01);
    add_number(l, 2, strlen(text));
    add_chars(l, text);
}

/* Opens an element, with one attribute or none; returns where its size goes. */
static size_t open_element(struct evtx_log *l, const char *name, const char *attribute, const char *value)
{
    size_t size_at, list_at;

    add_number(l, 1, attribute != NULL ? 0x41 : 0x01);
    add_number(l, 2, 0xffff);
    size_at = l->at;
    add_number(l, 4, 0);
    add_name(l, name);
    if (attribute != NULL) {
        list_at = l->at;
        add_number(l, 4, 0);
        add_number(l, 1, 0x06);
        add_name(l, attribute);
        add_value(l, value);
        evtx_log_put(l->chunk + list_at, 4, l->at - list_at - 4);
    }
    add_number(l, 1, 0x02);
    return size_at;
}

static void close_element(struct evtx_log *l, size_t size_at)
{
    add_number(l, 1, 0x04);
    evtx_log_put(l->chunk + size_at, 4, l->at - size_at - 4);
}

static void add_element(struct evtx_log *l, const char *name, const char *attribute, const char *value,
                        const char *text)
{
    size_t size_at = open_element(l, name, attribute, value);

    if (text != NULL)
        add_value(l, text);
    close_element(l, size_at);
}

void evtx_log_start(struct evtx_log *l)
{
    unsigned char *h = l->bytes;

    memset(l, 0, sizeof *l);
    l->number = 1;
    memcpy(h, "ElfFile", 8);
    evtx_log_put(h + 24, 8, 1);
    evtx_log_put(h + 32, 4, 128);
    evtx_log_put(h + 36, 2, 1);
    evtx_log_put(h + 38, 2, 3);
    evtx_log_put(h + 40, 2, EVTX_FILE_HEADER);
}

void evtx_log_start_chunk(struct evtx_log *l, size_t place, uint64_t first_id)
{
    l->chunk = l->bytes + EVTX_FILE_HEADER + place * EVTX_CHUNK;
    memset(l->chunk, 0, EVTX_CHUNK);
    memcpy(l->chunk, "ElfChnk", 8);
    evtx_log_put(l->chunk + 8, 8, l->number);
    evtx_log_put(l->chunk + 24, 8, first_id);
    evtx_log_put(l->chunk + 40, 4, 128);
    l->at = EVTX_LOG_FIRST_RECORD;
    if (place >= l->chunks)
        l->chunks = place + 1;
}

void evtx_log_seal(struct evtx_log *l, uint64_t last_id, size_t last_record)
{
    unsigned char *c = l->chunk;

    evtx_log_put(c + 16, 8, l->number - 1);
    evtx_log_put(c + 32, 8, last_id);
    evtx_log_put(c + 44, 4, last_record);
    evtx_log_put(c + 48, 4, l->at);
    evtx_log_put(c + 52, 4, crc32(0, c + EVTX_LOG_FIRST_RECORD, (unsigned)(l->at - EVTX_LOG_FIRST_RECORD)));
    evtx_log_put(c + 124, 4, crc32(crc32(0, c, 120), c + 128, 384));
    evtx_log_put(l->bytes + 42, 2, l->chunks);
    evtx_log_put(l->bytes + 124, 4, crc32(0, l->bytes, 120));
}

void evtx_log_add_record(struct evtx_log *l, uint64_t id)
{
    size_t start = l->at, event, part;
    char text[24];

    ck_assert_uint_lt(start + 1024, EVTX_CHUNK);
    memcpy(l->chunk + l->at, "**\0\0", 4);
    l->at += 8;
    add_number(l, 8, id);
    add_number(l, 8, 132000000000000000u + l->written + id * 10000000u);
    add_number(l, 4, 0x0001010f);
    event = open_element(l, "Event", NULL, NULL);
    part = open_element(l, "System", NULL, NULL);
    add_element(l, "Provider", "Name", "Microsoft-Windows-Hyper-V-Worker", NULL);
    add_element(l, "EventID", NULL, NULL, "18500");
    add_element(l, "TimeCreated", "SystemTime", "2026-01-31T08:00:00.000000000Z", NULL);
    snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    add_element(l, "EventRecordID", NULL, NULL, text);
    close_element(l, part);
    part = open_element(l, "EventData", NULL, NULL);
    add_element(l, "Data", NULL, NULL, "web01");
    add_element(l, "Data", NULL, NULL, "6B29FC40-CA47-1067-B31D-00DD010662DA");
    close_element(l, part);
    close_element(l, event);
    add_number(l, 1, 0);
    l->at = (l->at + 7) / 8 * 8 + 4;
    add_number(l, 4, l->at + 4 - start);
    evtx_log_put(l->chunk + start + 4, 4, l->at - start);
    l->number++;
    evtx_log_seal(l, id, start);
}

/* A chunk at a place in the file, with records from first to last. */
void evtx_log_add_chunk(struct evtx_log *l, size_t place, uint64_t first, uint64_t last)
{
    evtx_log_start_chunk(l, place, first);
    for (uint64_t id = first; id <= last; id++)
        evtx_log_add_record(l, id);
}
