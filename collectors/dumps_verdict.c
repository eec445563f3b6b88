/* See dumps_verdict.h.
 *
 * What a fleet asks of a dump goes along: who is blamed and how surely, the
 * buckets, the system, what it ran with.  The drivers one by one and the stack
 * do not: they are many, and `hvagent triage -v` has them for whoever holds the
 * file.  Everything is bounded, so that one dump never takes more than a small
 * part of a batch.
 */
#include "collectors/dumps_verdict.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct observation *o, const char *key, const char *text)
{
    char cut[DUMP_TEXT_MAX];

    snprintf(cut, sizeof cut, "%s", text);
    obs_str(o, key, cut);
}

static void put_number(struct observation *o, const char *key, uint64_t n)
{
    if (n != 0)
        obs_int(o, key, (int64_t)n);
}

static void put_culprit(struct observation *o, const struct triage_verdict *v)
{
    const struct triage_culprit *c = &v->culprit;
    char text[TRIAGE_PLACE_TEXT];

    put(o, ATTR_DUMP_CULPRIT, c->name);
    put(o, ATTR_DUMP_CULPRIT_KIND, triage_subject_name(c->subject));
    put(o, ATTR_DUMP_CULPRIT_CONFIDENCE, triage_confidence_name(c->confidence));
    put(o, ATTR_DUMP_CULPRIT_EVIDENCE, c->evidence);
    if (c->subject == TRIAGE_DRIVER)
        put(o, ATTR_DUMP_CULPRIT_MODULE, c->name);
    if (c->has_offset) {
        snprintf(text, sizeof text, "0x%" PRIx64, c->offset);
        obs_str(o, ATTR_DUMP_CULPRIT_OFFSET, text);
    }
    if (v->has_fault) {
        triage_place_text(v, &v->fault, text, sizeof text);
        put(o, ATTR_DUMP_FAULT, text);
    }
}

static void put_bucket(struct observation *o, const struct triage_bucket *b)
{
    put(o, ATTR_DUMP_BUCKET, b->hvfleet);
    put(o, ATTR_DUMP_BUCKET_ID, b->failure_id);
    put(o, ATTR_DUMP_BUCKET_HASH, b->failure_hash);
}

static void put_system(struct observation *o, const struct triage_verdict *v)
{
    put(o, ATTR_DUMP_BUGCHECK, v->bugcheck_name);
    put(o, ATTR_DUMP_CAUSE, v->cause);
    put_number(o, ATTR_DUMP_UBR, v->ubr);
    put(o, ATTR_DUMP_BUILD_LAB, v->build_lab);
    put(o, ATTR_DUMP_PRODUCT, dump_product_name(v->header.product));
    put_number(o, ATTR_DUMP_PROCESSORS, v->header.processors);
    put(o, ATTR_DUMP_PROCESS, v->process);
    if (v->memory_total.known)
        put_number(o, ATTR_DUMP_MEMORY, v->memory_total.value);
    put(o, ATTR_DUMP_EXTENT, triage_extent_name(v->extent));
    if (v->role != ROLE_UNKNOWN)
        put(o, ATTR_DUMP_ROLE, triage_role_name(v->role));
    put(o, ATTR_DUMP_MAKER, v->system_maker);
    put(o, ATTR_DUMP_MODEL, v->system_product);
    put(o, ATTR_DUMP_BIOS_VENDOR, v->bios_vendor);
    put(o, ATTR_DUMP_BIOS_VERSION, v->bios_version);
    put(o, ATTR_DUMP_BIOS_DATE, v->bios_date);
}

/* ---- lists -------------------------------------------------------------- */

/* Texts joined; whole ones only, and a count of those that found no room. */
struct joined {
    char text[DUMP_LIST_MAX];
    size_t len, left_out;
    const char *between;
};

enum { ROOM_FOR_COUNT = 32 };

static void join(struct joined *j, const char *item)
{
    size_t between = j->len > 0 ? strlen(j->between) : 0, len = strlen(item);

    if (j->left_out > 0 || len > DUMP_TEXT_MAX || j->len + between + len > sizeof j->text - ROOM_FOR_COUNT) {
        j->left_out++;
        return;
    }
    memcpy(j->text + j->len, j->between, between);
    memcpy(j->text + j->len + between, item, len + 1);
    j->len += between + len;
}

static void put_joined(struct observation *o, const char *key, struct joined *j)
{
    if (j->left_out > 0)
        snprintf(j->text + j->len, sizeof j->text - j->len, "%s%zu more", j->len > 0 ? j->between : "", j->left_out);
    obs_str(o, key, j->text);
}

/* A physical machine has the files too, without being a guest. */
static void put_components(struct observation *o, const struct triage_verdict *v)
{
    struct joined list = { .between = ", " };
    char item[DUMP_TEXT_MAX];

    for (size_t i = 0; i < v->driver_count && v->role != ROLE_PHYSICAL; i++) {
        const struct triage_driver *m = &v->drivers[i];

        if (!m->integration)
            continue;
        if (m->has_version)
            snprintf(item, sizeof item, "%.128s %u.%u.%u.%u", m->name, m->version[0], m->version[1], m->version[2],
                     m->version[3]);
        else
            snprintf(item, sizeof item, "%.128s", m->name);
        join(&list, item);
    }
    put_joined(o, ATTR_DUMP_COMPONENTS, &list);
}

static void put_findings(struct observation *o, const struct triage_verdict *v)
{
    struct joined list = { .between = "; " };
    char item[DUMP_TEXT_MAX];

    for (size_t i = 0; i < v->finding_count; i++) {
        snprintf(item, sizeof item, "%.400s (%s, offset 0x%" PRIx64 ")", v->findings[i].text, v->findings[i].rule,
                 v->findings[i].offset);
        join(&list, item);
    }
    put_number(o, ATTR_DUMP_FINDINGS, v->finding_count);
    put_joined(o, ATTR_DUMP_INTEGRITY, &list);
}

static void put_notes(struct observation *o, const struct triage_verdict *v)
{
    struct joined list = { .between = "; " };

    for (size_t i = 0; i < v->note_count; i++)
        join(&list, v->notes[i]);
    put_joined(o, ATTR_DUMP_NOTES, &list);
}

void dumps_verdict_put(struct observation *o, const struct triage_verdict *v)
{
    put(o, ATTR_DUMP_VERDICT, triage_status_name(v->status));
    put_culprit(o, v);
    put_bucket(o, &v->bucket);
    put_system(o, v);
    put_components(o, v);
    put_findings(o, v);
    put_notes(o, v);
}

void dumps_verdict_words(const struct triage_verdict *v, char *out, size_t size)
{
    const struct triage_culprit *c = &v->culprit;
    const char *dot = strrchr(c->name, '.');
    int stem = dot != NULL ? (int)(dot - c->name) : (int)strlen(c->name);

    assert(size >= DUMP_WORDS_MAX);
    if (stem > DUMP_TEXT_MAX / 2)
        stem = DUMP_TEXT_MAX / 2;
    if (c->confidence == TRIAGE_NONE)
        snprintf(out, size, "nobody blamed");
    else if (c->has_offset)
        snprintf(out, size, "probably caused by %.300s (%.*s+%" PRIx64 "), %s", c->name, stem, c->name, c->offset,
                 triage_confidence_name(c->confidence));
    else
        snprintf(out, size, "probably caused by %.300s, %s", c->name, triage_confidence_name(c->confidence));
}
