/* 0x124: what the machine itself reported.
 *
 * Parameter 2 is a WHEA_ERROR_RECORD, a Common Platform Error Record of the
 * UEFI specification (appendix N): a header of 128 bytes, then section
 * descriptors of 72.  For a machine check (parameter 1 = 0) parameters 3 and 4
 * are the two halves of MCi_STATUS, whose low word classes the error (Intel
 * SDM volume 3, "Interpreting the MCA error codes").
 */
#include "triage/bytes.h"
#include "triage/special.h"

#include <inttypes.h>
#include <string.h>

enum {
    RECORD_HEADER = 0x80,
    RECORD_SECTIONS = 0x0A,
    SECTION = 72,
    SECTION_TYPE = 0x10,
    SECTION_FRU_VALID = 0x0A,
    SECTION_FRU = 0x34,
    SECTIONS_MAX = 16,
    SOURCE_MACHINE_CHECK = 0,
};

#define MCI_VALID           (UINT64_C(1) << 63)
#define MCI_UNCORRECTED     (UINT64_C(1) << 61)
#define MCI_CONTEXT_CORRUPT (UINT64_C(1) << 57)

static const struct {
    unsigned char first[4]; /* of the section type's GUID, in memory order */
    const char *text;
} sections[] = {
    { { 0xAD, 0xCC, 0x76, 0x98 }, "processor" },          { { 0xB0, 0xA0, 0x3E, 0xDC }, "x86 processor" },
    { { 0x01, 0x1D, 0x1E, 0x8A }, "machine check bank" }, { { 0x14, 0x11, 0xBC, 0xA5 }, "memory" },
    { { 0x54, 0xE9, 0x95, 0xD9 }, "PCI Express" },        { { 0xF7, 0x54, 0x12, 0xE7 }, "non-maskable interrupt" },
};

static const char *const sources[] = { "machine check",
                                       "corrected machine check",
                                       "corrected platform error",
                                       "non-maskable interrupt",
                                       "PCI Express",
                                       "generic",
                                       "initialisation",
                                       "boot",
                                       "SCI generic" };

static const char *mca_text(uint64_t status)
{
    uint32_t code = status & 0xFFFF;

    if ((code & 0xF800) == 0x0800)
        return "bus or interconnect";
    if ((code & 0xFF00) == 0x0100)
        return "cache hierarchy";
    if ((code & 0xFF80) == 0x0080)
        return "memory controller";
    if ((code & 0xFFF0) == 0x0010)
        return "TLB";
    if ((code & 0xFFFC) == 0x000C)
        return "cache";
    if (code == 0x0400)
        return "internal timer (a processor hung)";
    return (code & 0xFC00) == 0x0400 ? "internal" : "unclassified";
}

static const char *section_text(const unsigned char *descriptor)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (memcmp(descriptor + SECTION_TYPE, sections[i].first, 4) == 0)
            return sections[i].text;
    return "vendor-specific";
}

/* Notes the sections of the record; the number of them, -1 when it is not there. */
static int note_record(struct dump *d, uint64_t va)
{
    unsigned char h[RECORD_HEADER], s[SECTION];
    int n;

    if (!vmem_is_kernel(&d->vm, va) || !vmem_get(&d->vm, va, h, sizeof h) || memcmp(h, "CPER", 4) != 0)
        return -1;
    n = le16(h + RECORD_SECTIONS);
    for (int i = 0; i < n && i < SECTIONS_MAX; i++) {
        if (!vmem_get(&d->vm, va + RECORD_HEADER + (uint64_t)i * SECTION, s, sizeof s))
            break;
        dump_note(d, "Error record section %d: %s%s%s.", i + 1, section_text(s),
                  (s[SECTION_FRU_VALID] & 2) != 0 ? ", part " : "",
                  (s[SECTION_FRU_VALID] & 2) != 0
                      ? dump_text(d, (const char *)s + SECTION_FRU, strnlen((const char *)s + SECTION_FRU, 20))
                      : "");
    }
    return n;
}

bool whea_blame(struct dump *d)
{
    const uint64_t *p = d->v->header.params;
    uint64_t status = p[2] << 32 | (p[3] & UINT32_MAX);
    int n = note_record(d, p[1]);
    const char *source = p[0] < sizeof sources / sizeof sources[0] ? sources[p[0]] : "other";
    const char *record = n < 0 ? "its error record is not in the dump" : "its error record is in the dump";

    if (p[0] == SOURCE_MACHINE_CHECK && (status & MCI_VALID) != 0)
        culprit_set(d, TRIAGE_HARDWARE, NULL, -1, TRIAGE_EXACT,
                    dump_textf(d, "machine check, MCi_STATUS 0x%016" PRIx64 ": %s error%s%s; %s", status,
                               mca_text(status), (status & MCI_UNCORRECTED) != 0 ? ", uncorrected" : "",
                               (status & MCI_CONTEXT_CORRUPT) != 0 ? ", processor context lost" : "", record));
    else
        culprit_set(d, TRIAGE_HARDWARE, NULL, -1, TRIAGE_EXACT,
                    dump_textf(d, "the machine reported an error (source: %s); %s", source, record));
    return true;
}
