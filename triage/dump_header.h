/* What the first pages of a dump file say, for the price of a few small reads.
 *
 * The watcher of dump folders calls this as soon as a file shows up: it tells
 * a Windows kernel dump from everything else, whether all of it is there, and
 * gives the facts that need no more than the header.  triage_file() starts from
 * the same struct.
 *
 * Layouts: dumps.md 1 to 1.11.  A header field that was never set holds the
 * fill pattern "PAGE" and is reported as absent.
 *
 * Pure: no allocation, no globals; any thread.
 */
#ifndef TRIAGE_DUMP_HEADER_H
#define TRIAGE_DUMP_HEADER_H

#include "base/error.h"
#include "triage/reader.h"

#include <stdbool.h>
#include <stdint.h>

enum dump_format {
    DUMP_FORMAT_UNKNOWN,     /* not a dump that this program knows by name */
    DUMP_FORMAT_EMPTY,       /* no bytes */
    DUMP_FORMAT_ZERO,        /* nothing but zero bytes */
    DUMP_FORMAT_TEXT,        /* readable text with a dump's file name */
    DUMP_FORMAT_USER,        /* user-mode minidump (MDMP) */
    DUMP_FORMAT_HIBERNATION, /* hiberfil.sys */
    DUMP_FORMAT_ELF,         /* ELF core of a virtual machine (virsh dump, QEMU) */
    DUMP_FORMAT_RAW_OFFLINE, /* raw offline dump (Raw_Dmp!) */
    DUMP_FORMAT_KERNEL,      /* kernel dump whose type field is absent or unknown */
    DUMP_FORMAT_FULL,        /* type 1: complete memory, run list */
    DUMP_FORMAT_SUMMARY,     /* type 2: kernel memory before Windows 8 */
    DUMP_FORMAT_HEADER_ONLY, /* type 3 */
    DUMP_FORMAT_TRIAGE,      /* type 4: minidump */
    DUMP_FORMAT_BITMAP_FULL, /* type 5: complete or active memory */
    DUMP_FORMAT_BITMAP,      /* type 6: kernel or automatic memory, live dump */
    DUMP_FORMAT_RDMP_KERNEL, /* type 8 */
    DUMP_FORMAT_RDMP_USER,   /* type 9: kernel and user memory */
    DUMP_FORMAT_RDMP_FULL,   /* type 10 */
    DUMP_FORMAT_COUNT
};

enum dump_state {
    DUMP_COMPLETE,  /* all that the header promises is in the file */
    DUMP_PARTIAL,   /* shorter than promised, or the writer has not finished: whoever sees the file grow
                       waits, whoever knows it does not takes it as cut */
    DUMP_EMPTY,     /* length 0 */
    DUMP_ZERO,      /* zero bytes only: not written yet, or the disk was gone when it was to be written */
    DUMP_FOREIGN,   /* not a Windows kernel dump; format says what it is */
    DUMP_ENCRYPTED, /* only the header is readable */
    DUMP_CORRUPT,   /* the header contradicts itself */
    DUMP_STATE_COUNT
};

enum dump_arch { DUMP_ARCH_UNKNOWN, DUMP_ARCH_X64, DUMP_ARCH_X86, DUMP_ARCH_ARM64, DUMP_ARCH_COUNT };

enum dump_product { DUMP_PRODUCT_UNKNOWN, DUMP_WORKSTATION, DUMP_DOMAIN_CONTROLLER, DUMP_SERVER, DUMP_PRODUCT_COUNT };

enum {
    DUMP_HEADER64_SIZE = 0x2000,
    DUMP_HEADER32_SIZE = 0x1000,
    DUMP_PARAMS = 4,
    DUMP_PAGE = 0x1000,
    DUMP_REASON_MAX = 160,
    DUMP_STATUS_TEXT_MAX = 64,
};

/* Attributes, dumps.md 1.1. */
enum {
    DUMP_ATTR_NO_ROOM = 1 << 2, /* the dump file was too small */
    DUMP_ATTR_LIVE = 1 << 4,    /* a live dump: the system did not crash */
    DUMP_ATTR_ENCRYPTED = 1 << 8,
    DUMP_ATTR_DIAGNOSTIC = 1 << 12,
};

struct dump_header {
    enum dump_format format;
    enum dump_state state;
    char reason[DUMP_REASON_MAX]; /* a clause that says why it is not DUMP_COMPLETE; "" when it is */
    uint64_t reason_offset;       /* where in the file that can be seen */
    uint64_t file_size;
    uint64_t size_needed; /* bytes the header promises, secondary data not counted; 0 not known */

    /* Below: kernel dumps only, and only as far as the file reaches. */
    bool is64;
    bool has_bugcheck; /* code and the parameters are there */
    uint32_t code;
    uint64_t params[DUMP_PARAMS];
    enum dump_arch arch;
    uint32_t machine;    /* PE machine number, 0 absent */
    uint32_t major;      /* 15 free build, 12 checked build */
    uint32_t build;      /* 0 absent */
    uint32_t ubr;        /* update build revision; 0 not in the header */
    uint32_t processors; /* 0 absent */
    enum dump_product product;
    bool has_type;
    uint32_t type;      /* DumpType */
    int64_t crash_time; /* ns since 1970 UTC; 0 not known */
    int64_t uptime;     /* ns; -1 not known */
    uint32_t attributes, writer_status, minidump_fields;
    bool has_attributes, has_writer_status;
    uint64_t required_space;                /* RequiredDumpSpace, 0 absent; some minidumps state more than they write */
    char status_text[DUMP_STATUS_TEXT_MAX]; /* the writer's closing remark (24H2 and newer), cleaned; "" absent */

    /* Addresses for the deeper reading; 0 absent. */
    uint64_t dtb, pfn_database, module_list, process_list, debugger_data;
    int pae; /* x86: 1 yes, 0 no, -1 not said */
};

/* Reads the header.  0 whenever the bytes could be read, whatever they are:
 * look at state.  Another value is the reader's own error, *out is then zeroed. */
int dump_header_read(const struct triage_reader *r, struct dump_header *out, struct err *e) MUST_USE;

/* "full", "bitmap", "triage", "mdmp", ...: lower-case words that JSON uses. */
const char *dump_format_name(enum dump_format f);
/* "complete memory dump", "minidump", "user-mode minidump", ...: for people. */
const char *dump_format_text(enum dump_format f);
const char *dump_arch_name(enum dump_arch a); /* "x64", "x86", "arm64"; "" unknown */
const char *dump_product_name(enum dump_product p);

#endif
