/* Dumps built in memory for the tests, by the layouts of dumps.md, and the way
 * to run the library over them. */
#ifndef TESTS_TRIAGE_SUPPORT_DUMP_H
#define TESTS_TRIAGE_SUPPORT_DUMP_H

#include "triage/dump_header.h"
#include "triage/triage.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory that lives as long as the test's process; never freed. */
void *keep(size_t size);

struct bytes {
    unsigned char *p; /* from keep() */
    size_t len;
};

void put16(unsigned char *p, uint16_t n);
void put32(unsigned char *p, uint32_t n);
void put64(unsigned char *p, uint64_t n);

/* A 64-bit header of 0x2000 bytes: build 19041, server, 4 processors, code 0xD1
 * with parameters {0x28, 2, 0, p4}; everything else is the PAGE fill. */
void header64(unsigned char *h, uint32_t type, uint64_t p4);
void header32(unsigned char *h, uint32_t type, uint32_t p4);

/* ---- minidumps ---- */

struct mini_driver {
    const char *name;
    uint64_t base;
    uint32_t size;
};

struct mini {
    const struct mini_driver *drivers;
    size_t driver_count;
    uint64_t stack_va;
    const uint64_t *stack;
    size_t stack_words;
    struct {
        uint64_t va;
        const void *bytes;
        uint32_t len;
    } blocks[8];
    size_t block_count;
    struct {
        const char *name;
        uint64_t start, end;
    } unloaded[4];
    size_t unloaded_count;
    uint32_t code;
    uint64_t params[4];
    uint64_t rip, rsp; /* of the header's context */
};

struct bytes mini_make(const struct mini *m);

/* ---- memory dumps ---- */

enum guest_mode { GUEST_X64, GUEST_LA57, GUEST_PAE, GUEST_X86 };

enum { GUEST_PAGES = 1024, GUEST_FIRST_PFN = 0x100 };

struct guest {
    enum guest_mode mode;
    unsigned char *pages[GUEST_PAGES]; /* pfn GUEST_FIRST_PFN on */
    size_t count;
    uint64_t dtb;
};

void guest_init(struct guest *g, enum guest_mode mode);
/* A new page of memory; returns its frame number. */
uint64_t guest_page(struct guest *g);
unsigned char *guest_frame(struct guest *g, uint64_t pfn);
/* Maps va by the given last entry; makes the tables above it. */
void guest_map(struct guest *g, uint64_t va, uint64_t entry);
/* A large page (2 MiB, 4 MiB for GUEST_X86). */
void guest_map_large(struct guest *g, uint64_t va, uint64_t entry);
/* Writes to va, mapping what is not mapped. */
void guest_write(struct guest *g, uint64_t va, const void *bytes, size_t len);
/* The dump of it, type 1, with this header (its runs and tables are filled in). */
struct bytes guest_dump(struct guest *g, unsigned char *header);

/* ---- running ---- */

/* Reads the bytes with the default limits; fails the test on an error. */
struct triage_verdict *triage_bytes(const void *bytes, size_t len);
/* A sample of dumps/, unpacked; bytes.p is NULL (after a printed reason) when it can not be had. */
struct bytes sample_dump(const char *test, const char *name);

#endif
