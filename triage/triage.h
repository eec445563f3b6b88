/* A crash dump's bytes to a verdict: what stopped, where, whose code, how sure.
 *
 *   struct triage_limits limits;
 *   struct triage_verdict *v;
 *
 *   triage_limits_default(&limits);
 *   if (triage_file(&reader, &limits, &v, &e) == 0) {
 *       ... v->status, v->culprit ...
 *       triage_verdict_free(v);
 *   }
 *
 * No symbols, no network, no threads, no globals, no logging.  Work is bounded
 * by bytes read, by memory and by a deadline; what was not reached before a
 * bound is left out and said in integrity[].  A dump of 100 GB costs what a
 * small one costs.  Facts: dumps.md; how blame is laid: docs/triage.md.
 *
 * Any thread; one call works on one thread.  Everything a verdict points at is
 * the verdict's and gone with it.  Strings are valid printable UTF-8: what a
 * guest wrote was cleaned on the way in.
 */
#ifndef TRIAGE_TRIAGE_H
#define TRIAGE_TRIAGE_H

#include "base/buf.h"
#include "base/error.h"
#include "triage/dump_header.h"
#include "triage/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRIAGE_DRIVERS_MAX = 4096,
    TRIAGE_UNLOADED_MAX = 64,
    TRIAGE_FRAMES_MAX = 128,
    TRIAGE_FINDINGS_MAX = 64,
    TRIAGE_NOTES_MAX = 32,
};

#define TRIAGE_READ_DEFAULT   (UINT64_C(64) << 20)
#define TRIAGE_MEMORY_DEFAULT ((size_t)12 << 20)

struct triage_limits {
    uint64_t read_max; /* bytes read from the file in all */
    size_t memory_max; /* bytes the verdict may hold */
    int64_t deadline;  /* in the clock's nanoseconds; 0 none */
    /* The clock of the deadline; may be NULL when there is none.  Called often: keep it cheap. */
    int64_t (*clock)(void *arg);
    /* Told when a stage begins ("pages", "drivers", "stack"); may be NULL. */
    void (*progress)(void *arg, const char *stage);
    void *arg;   /* of clock and progress */
    int quiet_s; /* seconds since the file last changed, -1 not known: a short file that was touched within
                    TRIAGE_QUIET_S is "still being written", not "cut" */
};

enum { TRIAGE_QUIET_S = 30 };

void triage_limits_default(struct triage_limits *l);

enum triage_status {
    TRIAGE_OK,
    TRIAGE_PARTIAL,     /* still being written */
    TRIAGE_TRUNCATED,   /* cut; what is there was read */
    TRIAGE_CORRUPT,     /* contradicts itself; what can be believed was read */
    TRIAGE_EMPTY,       /* no bytes, or zero bytes only */
    TRIAGE_UNSUPPORTED, /* not a Windows kernel dump, or encrypted */
    TRIAGE_UNREADABLE,  /* never set by triage_file: for callers that could not open the file */
    TRIAGE_STATUS_COUNT
};

enum triage_confidence {
    TRIAGE_NONE,
    TRIAGE_GUESS,  /* found by scanning the stack, or in a module that is blamed only for want of a better one */
    TRIAGE_LIKELY, /* unwound to, or the address of a module that passes on others' mistakes */
    TRIAGE_EXACT,  /* the faulting address itself lies in it */
    TRIAGE_CONFIDENCE_COUNT
};

enum triage_subject {
    TRIAGE_UNKNOWN,
    TRIAGE_DRIVER,
    TRIAGE_MEMORY,   /* a flipped bit, or damage no driver can be named for */
    TRIAGE_HARDWARE, /* the machine reported an error */
    TRIAGE_STORAGE,  /* the disk below went away */
    TRIAGE_PROCESS,  /* a critical process ended */
    TRIAGE_WATCHDOG, /* a processor or a DPC did not come back */
    TRIAGE_MANUAL,   /* somebody asked for the crash */
    TRIAGE_SUBJECT_COUNT
};

/* A number that some dumps have and others do not. */
struct triage_number {
    bool known;
    uint64_t value;
    const char *source; /* where it was found, or why it is not known; never NULL */
};

struct triage_driver {
    const char *name; /* base name as in the dump, "storvsc.sys" */
    const char *path; /* "" when the dump has the base name alone */
    uint64_t base;
    uint32_t size;
    uint32_t timestamp;
    uint32_t checksum;
    bool has_timestamp, has_checksum, has_version;
    bool reproducible;       /* the time stamp is a hash, not a date */
    bool integration;        /* an integration component of a guest */
    bool host_side;          /* part of a Hyper-V host */
    uint16_t version[4];     /* of the file, most significant first */
    const char *version_why; /* why there is no version; "" when there is */
    uint64_t exception_table;
    uint32_t exception_table_size;
};

struct triage_unloaded {
    const char *name; /* at most 12 characters are kept by Windows */
    uint64_t start, end;
};

/* An address put into words. */
struct triage_place {
    uint64_t address;
    int driver; /* index into drivers[], -1 in none */
    uint64_t offset;
    const char *symbol; /* "KeBugCheckEx+0x0" when an export is certain or near; "" otherwise */
};

enum triage_frame_source { FRAME_CONTEXT, FRAME_FAULT, FRAME_UNWOUND, FRAME_CHAIN, FRAME_SCANNED, FRAME_SOURCE_COUNT };

struct triage_frame {
    struct triage_place place;
    uint64_t sp; /* where the frame was found */
    enum triage_frame_source source;
};

struct triage_finding {
    const char *rule; /* a stable word: "size", "triage-part", "bitmap", "module-list", ... */
    uint64_t offset;  /* in the file */
    const char *text;
};

struct triage_culprit {
    enum triage_subject subject;
    const char *name; /* what WinDbg prints after "Probably caused by :"; never NULL */
    int driver;       /* index, or -1 */
    bool has_offset;
    uint64_t offset; /* in the driver */
    enum triage_confidence confidence;
    const char *evidence; /* one line; never NULL */
};

struct triage_bucket {
    const char *failure_id; /* FAILURE_BUCKET_ID, only where WinDbg's own can be had exactly; else "" */
    char failure_hash[37];  /* FAILURE_ID_HASH of it; "" without one */
    const char *hvfleet;    /* ours, for every dump with a bug check; "" without one */
};

/* Windows writes one type for both: which it is shows in how much of the machine's memory is there. */
enum triage_extent {
    EXTENT_UNKNOWN,  /* another kind of dump, or the memory of the machine is not known, or it is close */
    EXTENT_COMPLETE, /* all memory */
    EXTENT_ACTIVE,   /* memory in use; free pages and those of a host's guests left out */
    EXTENT_COUNT
};

enum triage_role { ROLE_UNKNOWN, ROLE_PHYSICAL, ROLE_GUEST, ROLE_HOST, ROLE_NESTED_HOST, ROLE_COUNT };

struct triage_verdict {
    struct dump_header header;
    enum triage_status status;
    const char *status_text; /* a clause that says why it is not TRIAGE_OK; "" when it is */

    const char *bugcheck_name; /* "DRIVER_IRQL_NOT_LESS_OR_EQUAL"; "" without a bug check, "UNKNOWN" not in the table */
    const char *meanings[DUMP_PARAMS];
    const char *cause; /* what the subtype says; "" none */

    uint32_t ubr;          /* 0 not in this dump */
    const char *build_lab; /* "9600.18821.amd64fre.winblue_ltsb.…"; "" not in this dump */
    const char *process;   /* current process; "" not in this dump */

    const char *bios_vendor, *bios_version, *bios_date; /* "" not in this dump */
    const char *system_maker, *system_product;
    struct triage_number pages_present;        /* 4-KiB pages in the file */
    struct triage_number memory_total;         /* bytes */
    bool memory_from_smbios;                   /* memory_total is what is plugged in, not what Windows uses */
    enum triage_extent extent;                 /* of DUMP_FORMAT_BITMAP_FULL */
    struct triage_number memory_free;          /* bytes available */
    struct triage_number commit, commit_limit; /* bytes */

    enum triage_role role;
    const char *role_evidence;

    struct triage_driver *drivers; /* in load order, nt first */
    size_t driver_count;
    struct triage_unloaded *unloaded;
    size_t unloaded_count;

    bool has_fault;
    struct triage_place fault; /* where the processor was when it went wrong */
    const char *fault_how;     /* "parameter 4", "context at parameter 3", "trap frame on the stack", ... */
    struct triage_frame *frames;
    size_t frame_count;

    struct triage_culprit culprit;
    const char *notes[TRIAGE_NOTES_MAX]; /* further lines of evidence, one sentence each */
    size_t note_count;
    struct triage_bucket bucket;

    struct triage_finding findings[TRIAGE_FINDINGS_MAX];
    size_t finding_count;

    uint64_t bytes_read; /* from the file */
};

/* Reads the dump.  0 with *out set (the caller frees it) whatever the bytes
 * are: look at (*out)->status.  Another value only when the reader failed at
 * the header or memory ran out; *out is then NULL. */
int triage_file(const struct triage_reader *r, const struct triage_limits *limits, struct triage_verdict **out,
                struct err *e) MUST_USE;
void triage_verdict_free(struct triage_verdict *v);

/* Lower-case words of the JSON form. */
const char *triage_status_name(enum triage_status s);
const char *triage_confidence_name(enum triage_confidence c);
const char *triage_subject_name(enum triage_subject s);
const char *triage_role_name(enum triage_role r);
const char *triage_extent_name(enum triage_extent x); /* "complete", "active"; "" not known */
const char *triage_frame_source_name(enum triage_frame_source s);

/* "storvsc.sys+0x2b8", or the bare address. */
void triage_place_text(const struct triage_verdict *v, const struct triage_place *p, char *out, size_t size);
enum { TRIAGE_PLACE_TEXT = 320 };

/* The verdict for people: a dozen lines, or with details the drivers, the
 * stack and every fact.  `name` is the file's, already printable. */
void triage_text(const struct triage_verdict *v, const char *name, bool details, struct buf *out);

#endif
