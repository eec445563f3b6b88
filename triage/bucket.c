/* Two names for "the same crash again".
 *
 * FAILURE_BUCKET_ID is WinDbg's, and is given only where it does not depend on
 * symbols we lack: third-party drivers, in the forms of dumps.md 3.8 that are
 * known to the letter.  Ours is given for every dump: code, subtype, driver and
 * offset in the clear, then a hash of these, the driver's time stamp and the
 * first unwound frames that are not the kernel's.  It never holds an absolute
 * address (they change with every boot), nor a scanned frame (they change with
 * what happens to lie on the stack).
 */
#include "triage/bucket.h"

#include "base/text.h"
#include "triage/classes.h"
#include "triage/md5.h"
#include "triage/rules.h"
#include "triage/special.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ID_MAX = 255, SEED_MAX = 1024, FRAMES_IN_BUCKET = 4, HASH_BYTES = 8 };

void failure_id_hash(const char *id, char out[37])
{
    unsigned char wide[2 * (ID_MAX + 3)], h[MD5_SIZE];
    size_t n = 0;

    for (const char *p = "km:"; *p != '\0'; p++, n += 2) {
        wide[n] = (unsigned char)*p;
        wide[n + 1] = 0;
    }
    for (size_t i = 0; id[i] != '\0' && i < ID_MAX; i++, n += 2) {
        char c = id[i];

        wide[n] = (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        wide[n + 1] = 0;
    }
    md5(wide, n, h);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[3], h[2], h[1], h[0],
             h[5], h[4], h[7], h[6], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
}

/* A driver's name as WinDbg makes it a module name: no ending, and what is not
 * a letter, digit or underscore made an underscore. */
static void module_name(const char *file, char *out, size_t size)
{
    const char *dot = strrchr(file, '.');
    size_t n = dot != NULL ? (size_t)(dot - file) : strlen(file), i;

    for (i = 0; i < n && i + 1 < size; i++)
        out[i] = isalnum((unsigned char)file[i]) ? file[i] : '_';
    out[i] = '\0';
}

/* The bucket id for a third-party driver whose address is certain; "" when the
 * form is not known to the letter. */
static const char *third_party_id(struct dump *d, const char *file)
{
    enum { ACCESS_VIOLATION = 0xC0000005 };
    const struct dump_header *h = &d->v->header;
    uint32_t code = code_base(h->code);
    bool status_code = (fault_rule_of(code)->flags & RULE_STATUS) != 0;
    char module[ID_MAX / 2];

    module_name(file, module, sizeof module);
    if ((code == 0xD1 || code == 0x0A) && h->params[2] == 0)
        return dump_textf(d, "AV_%s!unknown_function", module);
    if (status_code && (uint32_t)h->params[0] == ACCESS_VIOLATION)
        return dump_textf(d, "AV_%s!unknown_function", module);
    if (code == 0x7E && h->params[0] != 0)
        return dump_textf(d, "0x7E_%08X_%s!unknown_function", (uint32_t)h->params[0], module);
    if (code == 0x116)
        return dump_textf(d, "0x116_IMAGE_%s", file);
    return "";
}

static void windbg_bucket(struct dump *d)
{
    const struct triage_culprit *c = &d->v->culprit;

    d->v->bucket.failure_id = "";
    if (c->subject == TRIAGE_MEMORY && code_base(d->v->header.code) == 0x1A && c->confidence == TRIAGE_LIKELY)
        d->v->bucket.failure_id = "MEMORY_CORRUPTION_ONE_BIT";
    else if (c->subject == TRIAGE_DRIVER && c->driver >= 0 && c->confidence == TRIAGE_EXACT &&
             !class_is_system_file(c->name))
        d->v->bucket.failure_id = third_party_id(d, c->name);
    if (*d->v->bucket.failure_id != '\0')
        failure_id_hash(d->v->bucket.failure_id, d->v->bucket.failure_hash);
}

static void seed_add(char *seed, const char *text)
{
    size_t used = strlen(seed);

    snprintf(seed + used, SEED_MAX - used, "%s|", text);
}

static void seed_lower(char *seed)
{
    for (; *seed != '\0'; seed++)
        if (*seed >= 'A' && *seed <= 'Z')
            *seed = (char)(*seed - 'A' + 'a');
}

static void seed_frames(const struct dump *d, char *seed)
{
    unsigned used = 0;

    for (size_t i = 0; i < d->v->frame_count && used < FRAMES_IN_BUCKET; i++) {
        const struct triage_frame *f = &d->v->frames[i];
        char text[TRIAGE_PLACE_TEXT];

        if (f->source == FRAME_SCANNED || f->place.driver < 0 ||
            class_of(d->v->drivers[f->place.driver].name) == CLASS_CORE)
            continue;
        snprintf(text, sizeof text, "%s+%" PRIx64, d->v->drivers[f->place.driver].name, f->place.offset);
        seed_add(seed, text);
        used++;
    }
}

static void our_bucket(struct dump *d)
{
    const struct triage_verdict *v = d->v;
    const struct triage_culprit *c = &v->culprit;
    const struct fault_rule *r = fault_rule_of(v->header.code);
    char seed[SEED_MAX] = "", readable[ID_MAX] = "", text[64], hash[2 * HASH_BYTES + 1];
    unsigned char h[MD5_SIZE];
    size_t used;

    snprintf(readable, sizeof readable, "0x%X", code_base(v->header.code));
    used = strlen(readable);
    if (r->subtype != 0 || (r->flags & RULE_STATUS) != 0)
        used += (size_t)snprintf(readable + used, sizeof readable - used, "_%" PRIx64,
                                 r->subtype != 0 ? v->header.params[r->subtype - 1] : v->header.params[0] & UINT32_MAX);
    snprintf(readable + used, sizeof readable - used, "_%.100s", c->name);
    used = strlen(readable);
    if (c->has_offset)
        snprintf(readable + used, sizeof readable - used, "+0x%" PRIx64, c->offset);
    seed_add(seed, readable);
    snprintf(text, sizeof text, "%" PRIx32,
             c->driver >= 0 && v->drivers[c->driver].has_timestamp ? v->drivers[c->driver].timestamp : 0);
    seed_add(seed, text);
    seed_frames(d, seed);
    seed_lower(seed);
    md5(seed, strlen(seed), h);
    for (size_t i = 0; i < HASH_BYTES; i++)
        snprintf(hash + 2 * i, 3, "%02x", h[i]);
    d->v->bucket.hvfleet = dump_textf(d, "%s_%s", readable, hash);
}

void bucket_make(struct dump *d)
{
    d->v->bucket.hvfleet = "";
    windbg_bucket(d);
    if (d->v->header.has_bugcheck)
        our_bucket(d);
}
