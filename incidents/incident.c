/* See incident.h: making and freeing an incident, its texts, and its words.
 *
 * Every text goes through incident_text(), so that whatever a guest wrote, or a
 * stored body holds, is clean and bounded by the time anybody shows it.
 */
#include "incidents/incident.h"

#include "base/text.h"
#include "triage/bugchecks.h"
#include "triage/classes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINIDUMP_BIT = 0x10000000 };

static const char *const kinds[INCIDENT_KIND_COUNT] = {
    [INCIDENT_BUGCHECK] = "bugcheck",
    [INCIDENT_LINUX_PANIC] = "linux-panic",
    [INCIDENT_TRIPLE_FAULT] = "triple-fault",
    [INCIDENT_WATCHDOG] = "watchdog",
    [INCIDENT_WORKER_DIED] = "worker-died",
    [INCIDENT_STOPPED_CRITICAL] = "stopped-critical",
    [INCIDENT_HYPERVISOR_FAULT] = "hypervisor-fault",
    [INCIDENT_DUMP_ONLY] = "dump-only",
    [INCIDENT_OTHER] = "other",
};

static const char *const sources[TOLD_COUNT] = {
    [TOLD_NOT] = "",         [TOLD_BY_EVENT] = "event",     [TOLD_BY_DUMP] = "dump",
    [TOLD_BY_FILE] = "file", [TOLD_BY_HISTORY] = "history",
};

static const char *const confidences[CONFIDENCE_COUNT] = { "low", "medium", "high" };
static const char *const origins[ORIGIN_COUNT] = { "unknown", "microsoft", "third-party", "hardware" };
static const char *const entries[ENTRY_COUNT] = {
    "crash", "dump", "lifecycle", "migration", "storage", "cluster", "version", "gap", "host", "other-crash",
};

/* ---- words --------------------------------------------------------------- */

static bool find_word(const char *const *words, int count, const char *word, int *out)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *incident_kind_name(enum incident_kind k)
{
    assert(k < INCIDENT_KIND_COUNT);
    return kinds[k];
}

bool incident_kind_parse(const char *word, enum incident_kind *out)
{
    int i;

    if (!find_word(kinds, INCIDENT_KIND_COUNT, word, &i))
        return false;
    *out = (enum incident_kind)i;
    return true;
}

const char *incident_source_name(enum incident_source s)
{
    assert(s < TOLD_COUNT);
    return sources[s];
}

const char *incident_confidence_name(enum incident_confidence c)
{
    assert(c < CONFIDENCE_COUNT);
    return confidences[c];
}

bool incident_confidence_parse(const char *word, enum incident_confidence *out)
{
    int i;

    if (!find_word(confidences, CONFIDENCE_COUNT, word, &i))
        return false;
    *out = (enum incident_confidence)i;
    return true;
}

const char *incident_origin_name(enum incident_origin o)
{
    assert(o < ORIGIN_COUNT);
    return origins[o];
}

const char *incident_entry_name(enum incident_entry_kind k)
{
    assert(k < ENTRY_COUNT);
    return entries[k];
}

uint32_t incident_code(const struct incident_bugcheck *b)
{
    /* Status codes (0xC000021A) and codes that drivers choose have the bit by accident. */
    return (b->code & 0xF0000000) == MINIDUMP_BIT ? b->code & ~(uint32_t)MINIDUMP_BIT : b->code;
}

/* ---- making and freeing --------------------------------------------------- */

static void no_dump(struct incident_dump *d)
{
    *d = (struct incident_dump){
        .path = "",
        .status = "",
        .verdict = "",
        .format = "",
        .arch = "",
        .problem = "",
        .culprit = "",
        .culprit_kind = "",
        .module = "",
        .offset = "",
        .culprit_confidence = "",
        .evidence = "",
        .fault = "",
        .notes = "",
        .bucket = "",
        .failure_id = "",
        .failure_hash = "",
        .process = "",
        .role = "",
        .components = "",
        .bios_vendor = "",
        .bios_version = "",
        .bios_date = "",
        .uptime_ns = -1,
        .joined_by = "",
    };
}

struct incident *incident_new(void)
{
    struct incident *i = calloc(1, sizeof *i);

    if (i == NULL)
        return NULL;
    arena_init(&i->arena, INCIDENT_BYTES_MAX);
    i->id = i->vm_id = i->vm_name = i->host_id = i->host_name = i->cluster = "";
    i->guest_os = i->guest_os_version = i->host_os_version = i->host_is_version = "";
    i->bugcheck.name = i->bugcheck.cause = "";
    i->linux_panic = (struct incident_linux){ false, "", "", "", "", "", "" };
    for (int d = 0; d < INCIDENT_DUMPS_MAX; d++)
        no_dump(&i->dumps[d]);
    i->drift.why = i->drift.guest_version = i->drift.expected_version = "";
    i->migration = (struct incident_migration){ .before_ns = -1, .blackout_ns = -1, .kind = "", .from = "", .to = "" };
    i->configuration = (struct incident_configuration){ .why = "",
                                                        .dynamic_memory = -1,
                                                        .memory_pressure = -1,
                                                        .assigned_mib = -1,
                                                        .demanded_mib = -1,
                                                        .available_percent = -1,
                                                        .generation = -1,
                                                        .checkpoints = -1,
                                                        .processors = -1 };
    i->storage.longest_ns = -1;
    i->storage.longest_device = "";
    i->uptime_ns = -1;
    return i;
}

void incident_free(struct incident *i)
{
    if (i == NULL)
        return;
    arena_free(&i->arena);
    free(i);
}

void incident_list_free(struct incident_list *l)
{
    for (size_t n = 0; n < l->count; n++)
        incident_free(l->items[n]);
    free(l->items);
    *l = (struct incident_list){ 0 };
}

/* ---- texts ---------------------------------------------------------------- */

const char *incident_text(struct incident *i, const char *text)
{
    char clean[INCIDENT_TEXT_MAX];
    size_t len;
    char *kept;

    if (text == NULL || text[0] == '\0')
        return "";
    len = text_clean(clean, sizeof clean, text, strlen(text), NULL);
    kept = arena_copy(&i->arena, clean, len);
    if (kept == NULL && i->arena.full)
        i->cut = true;
    else if (kept == NULL)
        i->no_memory = true;
    return kept != NULL ? kept : "";
}

const char *incident_textf(struct incident *i, const char *fmt, ...)
{
    char text[2 * INCIDENT_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return incident_text(i, text);
}

void incident_line(struct incident *i, struct incident_lines *lines, const char *text)
{
    if (lines->count == INCIDENT_LINES_MAX) {
        i->cut = true;
        return;
    }
    lines->line[lines->count++] = incident_text(i, text);
}

void incident_headline(const struct incident *i, char *out, size_t size)
{
    if (i->bugcheck.known)
        snprintf(out, size, "0x%08" PRIx32 "%s%.96s", i->bugcheck.code, i->bugcheck.name[0] != '\0' ? " " : "",
                 i->bugcheck.name);
    else if (i->kind == INCIDENT_LINUX_PANIC)
        snprintf(out, size, "Linux%s%.64s panic", i->linux_panic.version[0] != '\0' ? " " : "", i->linux_panic.version);
    else
        snprintf(out, size, "%s", incident_kind_name(i->kind));
}

const char *incident_module(const struct incident *i)
{
    for (int d = 0; d < i->dump_count; d++) {
        if (i->dumps[d].module[0] != '\0')
            return i->dumps[d].module;
    }
    return "";
}

enum incident_origin incident_origin_of(const char *culprit_kind, const char *module)
{
    if (strcmp(culprit_kind, "hardware") == 0 || strcmp(culprit_kind, "memory") == 0)
        return ORIGIN_HARDWARE;
    if (module[0] == '\0')
        return ORIGIN_UNKNOWN;
    if (class_is_system_file(module) || class_of(module) != CLASS_DEFINITE)
        return ORIGIN_MICROSOFT;
    return ORIGIN_THIRD_PARTY;
}
