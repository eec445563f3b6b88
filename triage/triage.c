/* See triage.h: the order of the reading, and the verdict's life.
 *
 * Header first; then either the triage part of a minidump or the pages of a
 * memory dump; then, on what either of them gives, the same steps: drivers,
 * facts, secondary data, fault, stack, blame, bucket.  A step that finds
 * nothing leaves its fields empty and the next ones go on.
 */
#include "triage/triage.h"

#include "base/text.h"
#include "triage/bugchecks.h"
#include "triage/context.h"
#include "triage/dump.h"
#include "triage/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[TRIAGE_STATUS_COUNT] = {
    "ok", "partial", "truncated", "corrupt", "empty", "unsupported", "unreadable",
};
static const char *const confidence_names[TRIAGE_CONFIDENCE_COUNT] = { "none", "guess", "likely", "exact" };
static const char *const subject_words[TRIAGE_SUBJECT_COUNT] = {
    "unknown", "driver", "memory", "hardware", "storage", "process", "watchdog", "manual",
};
static const char *const role_names[ROLE_COUNT] = { "unknown", "physical", "guest", "host", "nested-host" };
static const char *const extent_names[EXTENT_COUNT] = { "", "complete", "active" };
static const char *const source_names[FRAME_SOURCE_COUNT] = { "context", "fault", "unwound", "frame-pointer",
                                                              "scanned" };

const char *triage_status_name(enum triage_status s)
{
    assert(s < TRIAGE_STATUS_COUNT);
    return status_names[s];
}

const char *triage_confidence_name(enum triage_confidence c)
{
    assert(c < TRIAGE_CONFIDENCE_COUNT);
    return confidence_names[c];
}

const char *triage_subject_name(enum triage_subject s)
{
    assert(s < TRIAGE_SUBJECT_COUNT);
    return subject_words[s];
}

const char *triage_role_name(enum triage_role r)
{
    assert(r < ROLE_COUNT);
    return role_names[r];
}

const char *triage_extent_name(enum triage_extent x)
{
    assert(x < EXTENT_COUNT);
    return extent_names[x];
}

const char *triage_frame_source_name(enum triage_frame_source s)
{
    assert(s < FRAME_SOURCE_COUNT);
    return source_names[s];
}

void triage_limits_default(struct triage_limits *l)
{
    *l = (struct triage_limits){ .read_max = TRIAGE_READ_DEFAULT, .memory_max = TRIAGE_MEMORY_DEFAULT, .quiet_s = -1 };
}

void triage_place_text(const struct triage_verdict *v, const struct triage_place *p, char *out, size_t size)
{
    if (p->driver < 0)
        snprintf(out, size, "0x%" PRIx64, p->address);
    else
        snprintf(out, size, "%s+0x%" PRIx64, v->drivers[p->driver].name, p->offset);
}

/* The verdict and the arena that holds it. */
struct holder {
    struct triage_verdict verdict;
    struct arena arena;
};

static_assert(offsetof(struct holder, verdict) == 0, "a verdict is freed through its holder");

static struct triage_number unknown(const char *why)
{
    return (struct triage_number){ .source = why };
}

static struct holder *holder_new(size_t memory_max)
{
    struct holder *h = calloc(1, sizeof *h);
    struct triage_verdict *v;

    if (h == NULL)
        return NULL;
    arena_init(&h->arena, memory_max);
    v = &h->verdict;
    v->status_text = v->bugcheck_name = v->cause = v->build_lab = v->process = "";
    v->bios_vendor = v->bios_version = v->bios_date = v->system_maker = v->system_product = "";
    for (size_t i = 0; i < DUMP_PARAMS; i++)
        v->meanings[i] = "";
    v->pages_present = unknown("a minidump holds no pages");
    v->memory_total = v->memory_free = v->commit = v->commit_limit = unknown("not in this dump");
    v->role_evidence = "";
    v->fault.driver = v->culprit.driver = -1;
    v->fault.symbol = v->fault_how = "";
    v->culprit.name = v->culprit.evidence = "";
    v->bucket.failure_id = v->bucket.hvfleet = "";
    return h;
}

void triage_verdict_free(struct triage_verdict *v)
{
    struct holder *h = (struct holder *)(void *)v;

    if (h == NULL)
        return;
    arena_free(&h->arena);
    free(h);
}

static enum triage_status status_of(const struct dump_header *h, int quiet_s)
{
    static const enum triage_status by_state[DUMP_STATE_COUNT] = {
        [DUMP_COMPLETE] = TRIAGE_OK,     [DUMP_PARTIAL] = TRIAGE_TRUNCATED,   [DUMP_EMPTY] = TRIAGE_EMPTY,
        [DUMP_ZERO] = TRIAGE_EMPTY,      [DUMP_FOREIGN] = TRIAGE_UNSUPPORTED, [DUMP_ENCRYPTED] = TRIAGE_UNSUPPORTED,
        [DUMP_CORRUPT] = TRIAGE_CORRUPT,
    };
    bool unfinished = h->state == DUMP_PARTIAL &&
                      (!h->has_type || h->type == 0 || (h->has_writer_status && h->writer_status != 0)) &&
                      h->file_size >= DUMP_HEADER32_SIZE && (!h->is64 || h->file_size >= DUMP_HEADER64_SIZE);

    if (unfinished || (h->state == DUMP_PARTIAL && quiet_s >= 0 && quiet_s < TRIAGE_QUIET_S))
        return TRIAGE_PARTIAL;
    return by_state[h->state];
}

/* Header facts that can be checked without reading on (dumps.md 1.11). */
static void check_header(struct dump *d)
{
    enum { CPUS_MAX = 2048, BUILD_MIN = 2600, BUILD_MAX = 40000 };
    const struct dump_header *h = &d->v->header;

    if (h->state != DUMP_COMPLETE && h->state != DUMP_EMPTY && h->state != DUMP_ZERO)
        dump_finding(d,
                     h->state == DUMP_PARTIAL   ? "size"
                     : h->state == DUMP_FOREIGN ? "signature"
                                                : "header",
                     h->reason_offset, "%s", h->reason);
    if (!h->has_bugcheck)
        return;
    if (h->processors != 0 && h->processors > CPUS_MAX)
        dump_finding(d, "processors", h->is64 ? 0x34 : 0x24, "%" PRIu32 " processors are stated", h->processors);
    if (h->machine != 0 && h->arch == DUMP_ARCH_UNKNOWN)
        dump_finding(d, "machine", h->is64 ? 0x30 : 0x20, "machine type 0x%" PRIx32 " is unknown", h->machine);
    if (h->build != 0 && (h->build < BUILD_MIN || h->build > BUILD_MAX))
        dump_finding(d, "build", 0x0C, "build %" PRIu32 " does not exist", h->build);
    if (h->format != DUMP_FORMAT_TRIAGE && h->required_space > h->file_size && h->state == DUMP_COMPLETE)
        dump_finding(d, "required-space", 0xFA0, "the header asks for %" PRIu64 " bytes, the file has %" PRIu64,
                     h->required_space, h->file_size);
    if (h->has_attributes && (h->attributes & DUMP_ATTR_NO_ROOM) != 0)
        dump_finding(d, "attributes", h->is64 ? 0x1050 : 0x8A0,
                     "Windows says that the dump file was too small for all of it");
    if (h->has_attributes && (h->attributes & DUMP_ATTR_LIVE) != 0)
        dump_note(d, "A live dump: the system was not stopped, and the code says why it was taken.");
}

static bool is_kernel_dump(const struct dump_header *h)
{
    return h->format >= DUMP_FORMAT_KERNEL;
}

static bool has_memory(const struct dump_header *h)
{
    return h->format == DUMP_FORMAT_FULL || h->format == DUMP_FORMAT_SUMMARY || h->format >= DUMP_FORMAT_BITMAP_FULL;
}

static void stage(struct dump *d, const char *name)
{
    if (d->window.limits->progress != NULL)
        d->window.limits->progress(d->window.limits->arg, name);
}

static void read_memory_kind(struct dump *d)
{
    const struct dump_header *h = &d->v->header;

    if (h->format == DUMP_FORMAT_TRIAGE) {
        minidump_open(d);
        debugger_data_read(d);
        context_read_header(d);
        stage(d, "drivers");
        minidump_drivers(d);
        minidump_facts(d);
    } else if (has_memory(h) && h->state != DUMP_CORRUPT) {
        stage(d, "pages");
        memory_open(d);
        context_read_header(d);
        stage(d, "drivers");
        loader_drivers(d);
    }
}

static void say_stop(struct dump *d)
{
    switch (d->window.stop) {
    case WINDOW_RUNS:
        return;
    case WINDOW_BUDGET:
        dump_finding(d, "limits", 0, "reading was ended after %" PRIu64 " bytes, the bound that was set",
                     d->window.bytes_read);
        return;
    case WINDOW_DEADLINE:
        dump_finding(d, "limits", 0, "reading was ended by its deadline after %" PRIu64 " bytes", d->window.bytes_read);
        return;
    case WINDOW_ERROR:
        dump_finding(d, "read", 0, "%s", d->window.error.text);
        dump_damage(d, TRIAGE_TRUNCATED, "the file became unreadable while it was read");
        return;
    }
}

static void read_kernel_dump(struct dump *d)
{
    struct triage_verdict *v = d->v;

    if (v->header.has_bugcheck) {
        v->bugcheck_name = bugcheck_name(v->header.code);
        bugcheck_meanings(v->header.code, v->header.params, v->meanings, &v->cause);
    }
    v->ubr = v->header.ubr;
    vmem_init(&d->vm, &d->window, v->header.is64);
    if (v->header.state != DUMP_ENCRYPTED) {
        read_memory_kind(d);
        kernel_facts(d);
        secondary_read(d, v->header.format == DUMP_FORMAT_TRIAGE ? d->mini.size : d->pages_end);
        memory_extent(d);
    }
    hyperv_role(d);
    stage(d, "stack");
    if (v->header.has_bugcheck && v->header.state != DUMP_ENCRYPTED) {
        fault_find(d);
        stack_walk(d);
    }
    blame(d);
    bucket_make(d);
    say_stop(d);
}

/* The answers that need no more than the header. */
static void answer_foreign(struct dump *d)
{
    d->v->culprit.evidence = d->v->header.reason;
    d->v->culprit.name = "Unknown_Image";
}

int triage_file(const struct triage_reader *r, const struct triage_limits *limits, struct triage_verdict **out,
                struct err *e)
{
    struct holder *h = holder_new(limits->memory_max);
    struct dump d = { 0 };
    int rc;

    *out = NULL;
    if (h == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a verdict");
    d.v = &h->verdict;
    d.arena = &h->arena;
    rc = dump_header_read(r, &h->verdict.header, e);
    if (rc == 0)
        rc = window_open(&d.window, r, limits, e);
    if (rc != 0)
        goto done;
    h->verdict.status = status_of(&h->verdict.header, limits->quiet_s);
    h->verdict.status_text = h->verdict.header.reason;
    check_header(&d);
    if (is_kernel_dump(&h->verdict.header))
        read_kernel_dump(&d);
    else
        answer_foreign(&d);
    h->verdict.bytes_read = d.window.bytes_read;
    if (d.no_memory)
        rc = err_set(e, ERR_TOO_BIG, "what the dump lists does not fit in %zu bytes", limits->memory_max);
done:
    pages_close(&d.pages);
    vmem_close(&d.vm);
    window_close(&d.window);
    free(d.by_base);
    if (rc == 0)
        *out = &h->verdict;
    else
        triage_verdict_free(&h->verdict);
    assert((rc == 0) == (*out != NULL));
    return rc;
}
