/* The debugger data block and its fields (dumps.md 3.3).  Internal to the room. */
#ifndef TRIAGE_MEMORY_H
#define TRIAGE_MEMORY_H

#include "triage/dump.h"

enum {
    KDBG_TAG = 0x10,
    KDBG_TAG_VALUE = 0x4742444B, /* "KDBG" */
    KDBG_MODULE_LIST = 0x48,
    KDBG_PROCESS_LIST = 0x50,
    KDBG_PHYSICAL_PAGES = 0xF8,
    KDBG_COMMIT_LIMIT = 0x148,
    KDBG_COMMITTED = 0x150,
    KDBG_AVAILABLE = 0x1A8,
    KDBG_BUILD_LAB = 0x208,
    KDBG_PROCESSORS = 0x218, /* KiProcessorBlock */
    KDBG_UNLOADED = 0x220,
    KDBG_THREAD_INITIAL_STACK = 0x29E, /* u16 offsets from here */
    KDBG_THREAD_PROCESS = 0x2A0,
    KDBG_PRCB_THREAD = 0x2B4,
    KDBG_PRCB_STATE = 0x2BC,   /* a CONTEXT in the processor block */
    KDBG_PRCB_CONTEXT = 0x338, /* a pointer to one */
    KDBG_LEAST = 0x290,
};

/* Reads the block through d->vm, decoding it if need be. */
void debugger_data_read(struct dump *d);

/* A field; 0 when the block or the field is not there. */
uint64_t kdbg_u64(const struct dump *d, size_t offset);
uint16_t kdbg_u16(const struct dump *d, size_t offset);

#endif
