/* The dump header and the few words behind it that tell how long the file must be.
 *
 * The header is read in one piece and its fields are taken from a table-free
 * list of offsets, one enum a layout; a field that the file does not reach, or
 * that holds the "PAGE" fill, is absent.  Then the part behind the header is
 * looked at just far enough to know the promised length (dump_extent.c).
 * What is behind that is not this file's business.
 */
#include "triage/dump_header.h"

#include "base/text.h"
#include "base/times.h"
#include "triage/bytes.h"
#include "triage/dump_extent.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { FILL32 = 0x45474150, SAMPLE = 4096, ZERO_SAMPLES = 64, TEXT_LOOK = 512 };
#define FILL64 UINT64_C(0x4547415045474150)

/* Offsets in a 64-bit header, dumps.md 1.1 and 1.2. */
enum {
    H64_MAJOR = 0x08,
    H64_BUILD = 0x0C,
    H64_DTB = 0x10,
    H64_PFN_DATABASE = 0x18,
    H64_MODULE_LIST = 0x20,
    H64_PROCESS_LIST = 0x28,
    H64_MACHINE = 0x30,
    H64_PROCESSORS = 0x34,
    H64_CODE = 0x38,
    H64_PARAMS = 0x40,
    H64_DEBUGGER_DATA = 0x80,
    H64_TYPE = 0xF98,
    H64_REQUIRED_SPACE = 0xFA0,
    H64_SYSTEM_TIME = 0xFA8,
    H64_UPTIME = 0x1030,
    H64_MINIDUMP_FIELDS = 0x1038,
    H64_PRODUCT = 0x1040,
    H64_WRITER_STATUS = 0x1048,
    H64_ATTRIBUTES = 0x1050,
    H64_DIAG_SIZE = 0x1058,
    H64_DIAG_TEXT = 0x11F0,
    H64_DIAG_BUILD = 0x12F0,
    H64_DIAG_UBR = 0x1300,
    DIAG_SIZE = 0x298,
};

/* Offsets in a 32-bit header, dumps.md 1.3. */
enum {
    H32_MAJOR = 0x08,
    H32_BUILD = 0x0C,
    H32_DTB = 0x10,
    H32_PFN_DATABASE = 0x14,
    H32_MODULE_LIST = 0x18,
    H32_PROCESS_LIST = 0x1C,
    H32_MACHINE = 0x20,
    H32_PROCESSORS = 0x24,
    H32_CODE = 0x28,
    H32_PARAMS = 0x2C,
    H32_PAE = 0x5C,
    H32_DEBUGGER_DATA = 0x60,
    H32_ATTRIBUTES = 0x8A0,
    H32_TYPE = 0xF88,
    H32_MINIDUMP_FIELDS = 0xF8C,
    H32_PRODUCT = 0xF94,
    H32_WRITER_STATUS = 0xF9C,
    H32_REQUIRED_SPACE = 0xFA0,
    H32_UPTIME = 0xFB8,
    H32_SYSTEM_TIME = 0xFC0,
};

static const struct {
    const char *bytes;
    size_t len;
    enum dump_format format;
    const char *reason;
} signatures[] = {
    { "MDMP", 4, DUMP_FORMAT_USER, "a minidump of one program (user mode), not of Windows" },
    { "Raw_Dmp!", 8, DUMP_FORMAT_RAW_OFFLINE, "a raw offline dump: convert it with the tool that made it" },
    { "hibr", 4, DUMP_FORMAT_HIBERNATION, "a hibernation file, not a crash dump" },
    { "HIBR", 4, DUMP_FORMAT_HIBERNATION, "a hibernation file, not a crash dump" },
    { "wake", 4, DUMP_FORMAT_HIBERNATION, "a hibernation file, not a crash dump" },
    { "WAKE", 4, DUMP_FORMAT_HIBERNATION, "a hibernation file, not a crash dump" },
    { "RSTR", 4, DUMP_FORMAT_HIBERNATION, "a hibernation file, not a crash dump" },
    { "\x7F"
      "ELF",
      4, DUMP_FORMAT_ELF, "an ELF core of a virtual machine, not a Windows dump" },
    { "\xFD"
      "7zXZ",
      5, DUMP_FORMAT_UNKNOWN, "compressed with xz: unpack it first" },
    { "\x1F\x8B", 2, DUMP_FORMAT_UNKNOWN, "compressed with gzip: unpack it first" },
    { "PK\x03\x04", 4, DUMP_FORMAT_UNKNOWN, "a zip archive: unpack it first" },
    { "7z\xBC\xAF\x27\x1C", 6, DUMP_FORMAT_UNKNOWN, "a 7-Zip archive: unpack it first" },
    { "MSCF", 4, DUMP_FORMAT_UNKNOWN, "a cabinet file: unpack it first" },
};

static const struct {
    const char *name, *text;
} formats[DUMP_FORMAT_COUNT] = {
    [DUMP_FORMAT_UNKNOWN] = { "unknown", "unknown kind of file" },
    [DUMP_FORMAT_EMPTY] = { "empty", "empty file" },
    [DUMP_FORMAT_ZERO] = { "zero", "file of zero bytes" },
    [DUMP_FORMAT_TEXT] = { "text", "text file" },
    [DUMP_FORMAT_USER] = { "mdmp", "user-mode minidump" },
    [DUMP_FORMAT_HIBERNATION] = { "hibernation", "hibernation file" },
    [DUMP_FORMAT_ELF] = { "elf", "ELF core" },
    [DUMP_FORMAT_RAW_OFFLINE] = { "raw-offline", "raw offline dump" },
    [DUMP_FORMAT_KERNEL] = { "kernel-unknown", "kernel dump of unknown type" },
    [DUMP_FORMAT_FULL] = { "full", "complete memory dump" },
    [DUMP_FORMAT_SUMMARY] = { "summary", "kernel memory dump (summary, before Windows 8)" },
    [DUMP_FORMAT_HEADER_ONLY] = { "header", "header-only dump" },
    [DUMP_FORMAT_TRIAGE] = { "triage", "minidump" },
    [DUMP_FORMAT_BITMAP_FULL] = { "bitmap-full", "complete or active memory dump" },
    [DUMP_FORMAT_BITMAP] = { "bitmap-kernel", "kernel or automatic memory dump" },
    [DUMP_FORMAT_RDMP_KERNEL] = { "rdmp-kernel", "kernel memory dump of a debugger" },
    [DUMP_FORMAT_RDMP_USER] = { "rdmp-kernel-user", "kernel and user memory dump of a debugger" },
    [DUMP_FORMAT_RDMP_FULL] = { "rdmp-full", "complete memory dump of a debugger" },
};

static const char *const arch_names[DUMP_ARCH_COUNT] = { "", "x64", "x86", "arm64" };
static const char *const product_names[DUMP_PRODUCT_COUNT] = { "", "workstation", "domain-controller", "server" };

const char *dump_format_name(enum dump_format f)
{
    assert(f < DUMP_FORMAT_COUNT);
    return formats[f].name;
}

const char *dump_format_text(enum dump_format f)
{
    assert(f < DUMP_FORMAT_COUNT);
    return formats[f].text;
}

const char *dump_arch_name(enum dump_arch a)
{
    assert(a < DUMP_ARCH_COUNT);
    return arch_names[a];
}

const char *dump_product_name(enum dump_product p)
{
    assert(p < DUMP_PRODUCT_COUNT);
    return product_names[p];
}

void dump_header_state(struct dump_header *h, enum dump_state state, uint64_t offset, const char *fmt, ...)
{
    va_list ap;

    h->state = state;
    h->reason_offset = offset;
    va_start(ap, fmt);
    vsnprintf(h->reason, sizeof h->reason, fmt, ap);
    va_end(ap);
}

/* The header as far as the file has it. */
struct view {
    const unsigned char *bytes;
    size_t len;
};

static bool has32(const struct view *v, size_t off, uint32_t *out)
{
    if (!range_in(off, 4, v->len) || le32(v->bytes + off) == FILL32)
        return false;
    *out = le32(v->bytes + off);
    return true;
}

/* A field, or 0 when it is absent. */
static uint32_t u32(const struct view *v, size_t off)
{
    uint32_t n = 0;

    return has32(v, off, &n) ? n : 0;
}

static uint64_t u64(const struct view *v, size_t off)
{
    uint64_t n = range_in(off, 8, v->len) ? le64(v->bytes + off) : 0;

    return n == FILL64 ? 0 : n;
}

static int64_t uptime_of(const struct view *v, size_t off)
{
    uint64_t n = u64(v, off);

    return n == 0 || n > INT64_MAX / 100 ? -1 : (int64_t)(n * 100);
}

static void set_machine(struct dump_header *h, uint32_t machine)
{
    h->machine = machine;
    h->arch = machine == 0x8664   ? DUMP_ARCH_X64
              : machine == 0xAA64 ? DUMP_ARCH_ARM64
              : machine == 0x14C  ? DUMP_ARCH_X86
                                  : DUMP_ARCH_UNKNOWN;
}

static void set_product(struct dump_header *h, uint32_t product)
{
    h->product = product >= 1 && product <= 3 ? (enum dump_product)product : DUMP_PRODUCT_UNKNOWN;
}

static bool printable(const unsigned char *p, size_t len, size_t *used)
{
    size_t n = 0;

    while (n < len && p[n] >= 0x20 && p[n] < 0x7F)
        n++;
    *used = n;
    return n > 0 && n < len && p[n] == 0;
}

/* The block that 24H2 and newer put behind the header's fields.  Believed only
 * when its text is text and its build is the header's. */
static void read_diagnostics(struct dump_header *h, const struct view *v)
{
    uint32_t size = 0;
    uint64_t build = 0;
    size_t used = 0;

    if (!h->has_attributes || (h->attributes & DUMP_ATTR_DIAGNOSTIC) == 0 || v->len < DUMP_HEADER64_SIZE)
        return;
    if (!has32(v, H64_DIAG_SIZE, &size) || size != DIAG_SIZE)
        return;
    if (!printable(v->bytes + H64_DIAG_TEXT, H64_DIAG_BUILD - H64_DIAG_TEXT, &used))
        return;
    text_clean(h->status_text, sizeof h->status_text, (const char *)v->bytes + H64_DIAG_TEXT, used, NULL);
    for (size_t i = 0; i < 5; i++) {
        uint16_t c = le16(v->bytes + H64_DIAG_BUILD + 2 * i);

        if (c < '0' || c > '9')
            break;
        build = build * 10 + (uint64_t)(c - '0');
    }
    if (build == h->build && build != 0)
        h->ubr = u32(v, H64_DIAG_UBR);
}

static void read64(struct dump_header *h, const struct view *v)
{
    h->major = u32(v, H64_MAJOR);
    h->build = u32(v, H64_BUILD);
    h->dtb = u64(v, H64_DTB);
    h->pfn_database = u64(v, H64_PFN_DATABASE);
    h->module_list = u64(v, H64_MODULE_LIST);
    h->process_list = u64(v, H64_PROCESS_LIST);
    set_machine(h, u32(v, H64_MACHINE));
    h->processors = u32(v, H64_PROCESSORS);
    h->has_bugcheck = range_in(H64_PARAMS, 8 * DUMP_PARAMS, v->len) && has32(v, H64_CODE, &h->code);
    for (size_t i = 0; h->has_bugcheck && i < DUMP_PARAMS; i++)
        h->params[i] = le64(v->bytes + H64_PARAMS + 8 * i);
    h->debugger_data = u64(v, H64_DEBUGGER_DATA);
    h->has_type = has32(v, H64_TYPE, &h->type);
    h->required_space = u64(v, H64_REQUIRED_SPACE);
    h->crash_time = times_from_filetime(u64(v, H64_SYSTEM_TIME));
    h->uptime = uptime_of(v, H64_UPTIME);
    h->minidump_fields = u32(v, H64_MINIDUMP_FIELDS);
    set_product(h, u32(v, H64_PRODUCT));
    h->has_writer_status = has32(v, H64_WRITER_STATUS, &h->writer_status);
    h->has_attributes = has32(v, H64_ATTRIBUTES, &h->attributes);
    read_diagnostics(h, v);
}

static void read32(struct dump_header *h, const struct view *v)
{
    h->major = u32(v, H32_MAJOR);
    h->build = u32(v, H32_BUILD);
    h->dtb = u32(v, H32_DTB);
    h->pfn_database = u32(v, H32_PFN_DATABASE);
    h->module_list = u32(v, H32_MODULE_LIST);
    h->process_list = u32(v, H32_PROCESS_LIST);
    set_machine(h, u32(v, H32_MACHINE));
    h->processors = u32(v, H32_PROCESSORS);
    h->has_bugcheck = range_in(H32_PARAMS, 4 * DUMP_PARAMS, v->len) && has32(v, H32_CODE, &h->code);
    for (size_t i = 0; h->has_bugcheck && i < DUMP_PARAMS; i++)
        h->params[i] = le32(v->bytes + H32_PARAMS + 4 * i);
    h->pae = v->len > H32_PAE && v->bytes[H32_PAE] <= 1 ? v->bytes[H32_PAE] : -1;
    h->debugger_data = u32(v, H32_DEBUGGER_DATA);
    h->has_attributes = has32(v, H32_ATTRIBUTES, &h->attributes);
    h->has_type = has32(v, H32_TYPE, &h->type);
    h->minidump_fields = u32(v, H32_MINIDUMP_FIELDS);
    set_product(h, u32(v, H32_PRODUCT));
    h->has_writer_status = has32(v, H32_WRITER_STATUS, &h->writer_status);
    h->required_space = u64(v, H32_REQUIRED_SPACE);
    h->uptime = uptime_of(v, H32_UPTIME);
    h->crash_time = times_from_filetime(u64(v, H32_SYSTEM_TIME));
}

static enum dump_format format_of_type(const struct dump_header *h)
{
    static const enum dump_format by_type[] = {
        [1] = DUMP_FORMAT_FULL,       [2] = DUMP_FORMAT_SUMMARY,     [3] = DUMP_FORMAT_HEADER_ONLY,
        [4] = DUMP_FORMAT_TRIAGE,     [5] = DUMP_FORMAT_BITMAP_FULL, [6] = DUMP_FORMAT_BITMAP,
        [7] = DUMP_FORMAT_BITMAP,     [8] = DUMP_FORMAT_RDMP_KERNEL, [9] = DUMP_FORMAT_RDMP_USER,
        [10] = DUMP_FORMAT_RDMP_FULL,
    };

    if (!h->has_type || h->type == 0 || h->type >= sizeof by_type / sizeof by_type[0])
        return DUMP_FORMAT_KERNEL;
    return by_type[h->type];
}

static bool all_zero(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Samples spread over the file, its last bytes among them. */
static int looks_zero(const struct triage_reader *r, bool *zero, struct err *e)
{
    unsigned char page[SAMPLE];
    uint64_t last = r->size > SAMPLE ? r->size - SAMPLE : 0;

    *zero = true;
    for (uint64_t i = 0; i <= ZERO_SAMPLES && *zero; i++) {
        size_t got = 0;
        int rc =
            r->read(r->arg, last / ZERO_SAMPLES * i + last % ZERO_SAMPLES * i / ZERO_SAMPLES, page, SAMPLE, &got, e);

        if (rc != 0)
            return rc;
        *zero = all_zero(page, got);
    }
    return 0;
}

static bool looks_text(const struct view *v)
{
    size_t n = v->len < TEXT_LOOK ? v->len : TEXT_LOOK;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = v->bytes[i];

        if (c == 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            return false;
    }
    return n > 0;
}

static int read_foreign(const struct triage_reader *r, struct dump_header *h, const struct view *v, struct err *e)
{
    bool zero = false;
    int rc = 0;

    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (v->len < signatures[i].len || memcmp(v->bytes, signatures[i].bytes, signatures[i].len) != 0)
            continue;
        h->format = signatures[i].format;
        dump_header_state(h, DUMP_FOREIGN, 0, "%s", signatures[i].reason);
        return 0;
    }
    if (all_zero(v->bytes, v->len))
        rc = looks_zero(r, &zero, e);
    if (zero) {
        h->format = DUMP_FORMAT_ZERO;
        dump_header_state(h, DUMP_ZERO, 0,
                          "all zero bytes: it was never written, or the disk was gone when it was to be");
    } else if (looks_text(v)) {
        h->format = DUMP_FORMAT_TEXT;
        dump_header_state(h, DUMP_FOREIGN, 0, "readable text, not a dump");
    } else {
        dump_header_state(h, DUMP_FOREIGN, 0, "does not begin with PAGEDU64 or PAGEDUMP: not a Windows kernel dump");
    }
    return rc;
}

static int read_kernel(const struct triage_reader *r, struct dump_header *h, struct view *v, struct err *e)
{
    size_t size = h->is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE;

    if (v->len > size)
        v->len = size;
    (h->is64 ? read64 : read32)(h, v);
    h->format = format_of_type(h);
    if (v->len < size) {
        h->size_needed = size;
        dump_header_state(h, DUMP_PARTIAL, v->len, "ends inside the header, after %zu of %zu bytes", v->len, size);
        return 0;
    }
    if (h->has_attributes && (h->attributes & DUMP_ATTR_ENCRYPTED) != 0) {
        dump_header_state(h, DUMP_ENCRYPTED, H64_ATTRIBUTES,
                          "the memory in it is encrypted: only the header can be read");
        return 0;
    }
    if (!h->has_type || h->type == 0) {
        dump_header_state(h, DUMP_PARTIAL, h->is64 ? H64_TYPE : H32_TYPE,
                          "the dump type is not filled in: the writer has not come to it");
        return 0;
    }
    return dump_extent_check(r, h, v->bytes, e);
}

int dump_header_read(const struct triage_reader *r, struct dump_header *out, struct err *e)
{
    unsigned char bytes[DUMP_HEADER64_SIZE];
    struct view v = { .bytes = bytes };
    int rc;

    *out = (struct dump_header){ .file_size = r->size, .uptime = -1, .pae = -1 };
    if (r->size == 0) {
        out->format = DUMP_FORMAT_EMPTY;
        dump_header_state(out, DUMP_EMPTY, 0, "no bytes in it");
        return 0;
    }
    rc = r->read(r->arg, 0, bytes, sizeof bytes, &v.len, e);
    if (rc == 0 && v.len >= 8 && memcmp(bytes, "PAGE", 4) == 0 &&
        (memcmp(bytes + 4, "DU64", 4) == 0 || memcmp(bytes + 4, "DUMP", 4) == 0)) {
        out->is64 = bytes[6] == '6';
        rc = read_kernel(r, out, &v, e);
    } else if (rc == 0) {
        rc = read_foreign(r, out, &v, e);
    }
    if (rc != 0)
        *out = (struct dump_header){ .file_size = r->size, .uptime = -1, .pae = -1 };
    return rc;
}
