/* The verdict in words, after the manner that WinDbg's users know.
 *
 * Every string of a verdict is printable already; a guest can not write escape
 * sequences to a terminal through it.
 */
#include "base/times.h"
#include "triage/triage.h"

#include <inttypes.h>
#include <string.h>

static void line(struct buf *out, const char *label, const char *text)
{
    if (*text != '\0')
        buf_printf(out, "  %-16s%s\n", label, text);
}

static void put_bugcheck(const struct triage_verdict *v, struct buf *out)
{
    const struct dump_header *h = &v->header;

    buf_printf(out, "  Bug check 0x%X, %s\n", h->code, v->bugcheck_name);
    for (size_t i = 0; i < DUMP_PARAMS; i++)
        buf_printf(out, "    %zu: %0*" PRIx64 "%s%s\n", i + 1, h->is64 ? 16 : 8, h->params[i],
                   *v->meanings[i] != '\0' ? "  " : "", v->meanings[i]);
    line(out, "Meaning:", v->cause);
}

static void put_place(const struct triage_verdict *v, const struct triage_place *p, struct buf *out)
{
    char text[TRIAGE_PLACE_TEXT];

    triage_place_text(v, p, text, sizeof text);
    buf_str(out, text);
    if (*p->symbol != '\0')
        buf_printf(out, " (%s)", p->symbol);
}

static void put_culprit(const struct triage_verdict *v, struct buf *out)
{
    const struct triage_culprit *c = &v->culprit;
    const char *dot = strrchr(c->name, '.');
    int stem = dot != NULL ? (int)(dot - c->name) : (int)strlen(c->name);

    buf_printf(out, "\n  Probably caused by : %s", c->name);
    if (c->has_offset)
        buf_printf(out, " ( %.*s+%" PRIx64 " )", stem, c->name, c->offset);
    buf_printf(out, "\n  %-16s%s: %s\n", "Confidence:", triage_confidence_name(c->confidence), c->evidence);
    line(out, "Bucket:", v->bucket.hvfleet);
    if (*v->bucket.failure_id != '\0')
        buf_printf(out, "  %-16s%s {%s}\n", "WinDbg bucket:", v->bucket.failure_id, v->bucket.failure_hash);
}

static void put_system(const struct triage_verdict *v, struct buf *out)
{
    const struct dump_header *h = &v->header;
    char time[TIMES_TEXT_MAX], length[TIMES_TEXT_MAX];

    buf_printf(out, "  %-16sbuild %" PRIu32, "Windows:", h->build);
    if (v->ubr != 0)
        buf_printf(out, ".%" PRIu32, v->ubr);
    buf_printf(out, " %s%s%s, %" PRIu32 " processor%s\n", dump_arch_name(h->arch),
               h->product != DUMP_PRODUCT_UNKNOWN ? " " : "", dump_product_name(h->product), h->processors,
               h->processors == 1 ? "" : "s");
    if (h->crash_time != 0)
        line(out, "Crashed:", times_format(h->crash_time - h->crash_time % 1000, time));
    if (h->uptime >= 0)
        line(out, "Up for:", times_format_length(h->uptime, length));
    line(out, "Process:", v->process);
    if (v->role != ROLE_UNKNOWN)
        buf_printf(out, "  %-16s%s (%s)\n", "Machine:", triage_role_name(v->role), v->role_evidence);
    if (*v->system_maker != '\0' || *v->system_product != '\0')
        buf_printf(out, "  %-16s%s %s\n", "Maker:", v->system_maker, v->system_product);
    if (*v->bios_vendor != '\0' || *v->bios_version != '\0')
        buf_printf(out, "  %-16s%s %s %s\n", "BIOS:", v->bios_vendor, v->bios_version, v->bios_date);
}

enum { MIB = 1 << 20 };

static void put_number(struct buf *out, const char *label, const struct triage_number *n, bool details)
{
    if (n->known)
        buf_printf(out, "  %-16s%" PRIu64 " MiB (%s)\n", label, n->value / MIB, n->source);
    else if (details)
        buf_printf(out, "  %-16s%s\n", label, n->source);
}

static void put_memory(const struct triage_verdict *v, bool details, struct buf *out)
{
    put_number(out, "Memory:", &v->memory_total, details);
    put_number(out, "Available:", &v->memory_free, details);
    put_number(out, "Committed:", &v->commit, details);
    put_number(out, "Commit limit:", &v->commit_limit, details);
    if (v->extent != EXTENT_UNKNOWN)
        buf_printf(out, "  %-16s%s: %" PRIu64 " MiB of memory are in the file\n",
                   "Extent:", triage_extent_name(v->extent), v->pages_present.value / (MIB / DUMP_PAGE));
    if (details && v->pages_present.known)
        buf_printf(out, "  %-16s%" PRIu64 "\n", "Pages in dump:", v->pages_present.value);
    if (details)
        line(out, "Build lab:", v->build_lab);
    if (details)
        line(out, "Writer says:", v->header.status_text);
}

static void put_driver(const struct triage_driver *m, bool is64, struct buf *out)
{
    char time[TIMES_TEXT_MAX] = "";

    buf_printf(out, "    %0*" PRIx64 " %8" PRIx32 "  %-24s", is64 ? 16 : 8, m->base, m->size, m->name);
    if (m->has_version)
        buf_printf(out, " %u.%u.%u.%u", m->version[0], m->version[1], m->version[2], m->version[3]);
    if (m->has_timestamp && m->reproducible)
        buf_printf(out, " build id %08" PRIx32, m->timestamp);
    else if (m->has_timestamp)
        buf_printf(out, " %.10s", times_format((int64_t)m->timestamp * NS_PER_S, time));
    if (m->has_checksum)
        buf_printf(out, " sum %" PRIx32, m->checksum);
    buf_str(out, m->integration ? "  [integration component]\n" : m->host_side ? "  [Hyper-V host]\n" : "\n");
}

static void put_components(const struct triage_verdict *v, struct buf *out)
{
    size_t n = 0;

    for (size_t i = 0; i < v->driver_count; i++) {
        const struct triage_driver *m = &v->drivers[i];

        if (!m->integration || v->role == ROLE_PHYSICAL)
            continue;
        buf_printf(out, n++ == 0 ? "  %-16s%s" : "%.0s, %s", "Integration:", m->name);
        if (m->has_version)
            buf_printf(out, " %u.%u.%u.%u", m->version[0], m->version[1], m->version[2], m->version[3]);
    }
    if (n > 0)
        buf_char(out, '\n');
}

static void put_details(const struct triage_verdict *v, struct buf *out)
{
    if (v->frame_count > 0)
        buf_str(out, "\n  Stack (top first)\n");
    for (size_t i = 0; i < v->frame_count; i++) {
        buf_printf(out, "    %0*" PRIx64 "  %-13s ", v->header.is64 ? 16 : 8, v->frames[i].sp,
                   triage_frame_source_name(v->frames[i].source));
        put_place(v, &v->frames[i].place, out);
        buf_char(out, '\n');
    }
    buf_printf(out, "\n  Drivers loaded: %zu\n", v->driver_count);
    for (size_t i = 0; i < v->driver_count; i++)
        put_driver(&v->drivers[i], v->header.is64, out);
    if (v->unloaded_count > 0)
        buf_str(out, "\n  Unloaded before (names cut at 12 characters)\n");
    for (size_t i = 0; i < v->unloaded_count; i++)
        buf_printf(out, "    %016" PRIx64 " %016" PRIx64 "  %s\n", v->unloaded[i].start, v->unloaded[i].end,
                   v->unloaded[i].name);
}

static void put_findings(const struct triage_verdict *v, struct buf *out)
{
    for (size_t i = 0; i < v->finding_count; i++)
        buf_printf(out, "  %-16s%s (offset 0x%" PRIx64 ")\n", i == 0 ? "Integrity:" : "", v->findings[i].text,
                   v->findings[i].offset);
}

void triage_text(const struct triage_verdict *v, const char *name, bool details, struct buf *out)
{
    buf_printf(out, "%s: %s, %s%s%s\n", name, dump_format_text(v->header.format), triage_status_name(v->status),
               *v->status_text != '\0' ? ": " : "", v->status_text);
    if (v->header.has_bugcheck) {
        put_bugcheck(v, out);
        put_culprit(v, out);
        for (size_t i = 0; i < v->note_count; i++)
            line(out, "", v->notes[i]);
        buf_char(out, '\n');
        put_system(v, out);
        put_memory(v, details, out);
        put_components(v, out);
        if (details)
            put_details(v, out);
    }
    put_findings(v, out);
}
