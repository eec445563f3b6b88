/* Who did it, how sure, and why.
 *
 * In order (dumps.md 3.9): codes that are explained by their parameters alone
 * (special.c); codes whose stack only found the damage; the driver the fault
 * lies in, if it is one that may be blamed; otherwise whoever called down into
 * it.  An unwound caller is likely, a scanned one a guess, and a guess never
 * moves the blame away from a part of Windows that the fault itself lies in,
 * unless that part is a framework that runs other drivers' work.
 */
#include "triage/bytes.h"
#include "triage/classes.h"
#include "triage/context.h"
#include "triage/rules.h"
#include "triage/special.h"

#include <inttypes.h>

enum { NEAR_SCANNED = 12 }; /* scanned frames near enough to the fault to shift blame from a framework */

static void blame_place(struct dump *d, const struct triage_place *p, enum triage_confidence c, const char *evidence)
{
    culprit_set(d, TRIAGE_DRIVER, NULL, p->driver, c, evidence);
    d->v->culprit.has_offset = true;
    d->v->culprit.offset = p->offset;
}

static enum module_class class_at(const struct dump *d, int driver)
{
    return driver < 0 ? CLASS_CORE : class_of(d->v->drivers[driver].name);
}

/* The first frame after the fault, or after the context of KeBugCheckEx. */
static size_t below(const struct triage_verdict *v)
{
    for (size_t i = 0; i < v->frame_count; i++)
        if (v->frames[i].source == FRAME_FAULT)
            return i + 1;
    return v->frame_count > 0 && v->frames[0].source == FRAME_CONTEXT ? 1 : 0;
}

/* A scanned value that begins a block of 16 is a pointer to a function or to
 * data far more often than a return address, and is not blamed. */
static bool may_be_return(const struct triage_frame *f)
{
    return f->source != FRAME_SCANNED || f->place.address % 16 != 0;
}

struct finds {
    const struct triage_frame *definite;    /* first frame of a driver that may be blamed */
    const struct triage_frame *third_party; /* the first of a driver that is not Windows' own */
    size_t third_party_rank;                /* scanned frames passed before it */
    const struct triage_frame *maybe;       /* first of the others, the core left out */
};

static struct finds look_below(const struct dump *d)
{
    const struct triage_verdict *v = d->v;
    struct finds f = { 0 };
    size_t scanned = 0;

    for (size_t i = below(v); i < v->frame_count; i++) {
        const struct triage_frame *fr = &v->frames[i];
        enum module_class c = class_at(d, fr->place.driver);

        scanned += fr->source == FRAME_SCANNED;
        if (fr->place.driver < 0 || c == CLASS_CORE || !may_be_return(fr))
            continue;
        if (c != CLASS_DEFINITE) {
            f.maybe = f.maybe != NULL ? f.maybe : fr;
            continue;
        }
        f.definite = f.definite != NULL ? f.definite : fr;
        if (f.third_party == NULL && !class_is_system_file(v->drivers[fr->place.driver].name)) {
            f.third_party = fr;
            f.third_party_rank = scanned;
        }
    }
    return f;
}

static enum triage_confidence sure(const struct triage_frame *f)
{
    return f->source == FRAME_SCANNED ? TRIAGE_GUESS : TRIAGE_LIKELY;
}

static const char *found_how(const struct triage_frame *f)
{
    return f->source == FRAME_SCANNED ? "found by scanning the stack, not by unwinding"
                                      : "found by unwinding the stack";
}

static void blame_frame(struct dump *d, const struct triage_frame *f, const char *why)
{
    blame_place(d, &f->place, sure(f),
                dump_textf(d, "%s; %s is the first below it that may be blamed, %s", why,
                           dump_place_words(d, &f->place), found_how(f)));
}

/* The fault lies in the kernel itself, or there is only a caller to go by. */
static void blame_below(struct dump *d, const char *why)
{
    struct finds f = look_below(d);
    const struct fault_rule *r = fault_rule_of(d->v->header.code);

    if (f.definite != NULL) {
        blame_frame(d, f.definite, why);
    } else if (f.maybe != NULL) {
        blame_place(d, &f.maybe->place, TRIAGE_GUESS,
                    dump_textf(d, "%s; only parts of Windows are on the stack, first %s, %s", why,
                               dump_place_words(d, &f.maybe->place), found_how(f.maybe)));
    } else if (r->subject != TRIAGE_UNKNOWN) {
        culprit_set(d, r->subject, NULL, -1, TRIAGE_NONE, dump_textf(d, "%s; no driver is on the stack", why));
    } else if (d->v->has_fault && d->v->fault.driver >= 0) {
        blame_place(d, &d->v->fault, TRIAGE_NONE,
                    dump_textf(d, "%s and no driver is on the stack: memory, or damage that was done earlier", why));
        d->v->culprit.subject = TRIAGE_UNKNOWN;
    } else {
        culprit_set(d, TRIAGE_UNKNOWN, NULL, -1, TRIAGE_NONE, dump_textf(d, "%s; no driver is on the stack", why));
    }
}

/* A part of Windows that passes on others' mistakes holds the fault. */
static void blame_part_of_windows(struct dump *d, enum module_class c, const char *where)
{
    struct finds f = look_below(d);

    if (f.definite != NULL && f.definite->source != FRAME_SCANNED) {
        blame_frame(d, f.definite, where);
        return;
    }
    if (c == CLASS_FRAMEWORK && f.third_party != NULL && f.third_party_rank <= NEAR_SCANNED) {
        blame_frame(d, f.third_party, where);
        return;
    }
    blame_place(d, &d->v->fault, TRIAGE_LIKELY, where);
    if (f.third_party != NULL)
        dump_note(d, "%s was found on the stack by scanning and may have a part in it.",
                  dump_place_words(d, &f.third_party->place));
}

static const struct triage_unloaded *unloaded_at(const struct triage_verdict *v, uint64_t va)
{
    for (size_t i = 0; i < v->unloaded_count; i++)
        if (va >= v->unloaded[i].start && va < v->unloaded[i].end)
            return &v->unloaded[i];
    return NULL;
}

/* The fault's address is in no driver. */
static void blame_outside(struct dump *d)
{
    struct triage_verdict *v = d->v;
    const struct triage_unloaded *gone = unloaded_at(v, v->fault.address);
    struct triage_place caller;
    uint64_t ret = 0;

    if (gone != NULL) {
        culprit_set(d, TRIAGE_DRIVER, gone->name, -1, TRIAGE_EXACT,
                    dump_textf(d, "%s = %s+0x%" PRIx64 ", a driver that had been unloaded", v->fault_how, gone->name,
                               v->fault.address - gone->start));
        v->culprit.has_offset = true;
        v->culprit.offset = v->fault.address - gone->start;
        return;
    }
    if (v->driver_count == 0) {
        culprit_set(d, TRIAGE_UNKNOWN, NULL, -1, TRIAGE_NONE,
                    dump_textf(d, "%s = 0x%" PRIx64 ", but the list of drivers can not be read from this dump",
                               v->fault_how, v->fault.address));
        return;
    }
    if (d->fault_sp_good && vmem_pointer(&d->vm, d->fault_cpu.reg[REG_RSP], &ret) && dump_driver_at(d, ret) >= 0) {
        caller = dump_place(d, ret);
        if (class_at(d, caller.driver) != CLASS_CORE) {
            blame_place(d, &caller, class_at(d, caller.driver) == CLASS_DEFINITE ? TRIAGE_LIKELY : TRIAGE_GUESS,
                        dump_textf(d,
                                   "%s = 0x%" PRIx64 " is in no driver: a jump through a bad pointer, called from %s",
                                   v->fault_how, v->fault.address, dump_place_words(d, &caller)));
            return;
        }
    }
    blame_below(d, dump_textf(d, "%s = 0x%" PRIx64 " is in no driver", v->fault_how, v->fault.address));
}

static void blame_fault(struct dump *d)
{
    const struct triage_verdict *v = d->v;
    enum module_class c = class_at(d, v->fault.driver);
    const char *where = dump_textf(d, "%s = %s", v->fault_how, dump_place_words(d, &v->fault));

    if (v->fault.driver < 0)
        blame_outside(d);
    else if (c == CLASS_DEFINITE)
        blame_place(d, &v->fault, TRIAGE_EXACT, where);
    else if (c == CLASS_CORE)
        blame_below(d, where);
    else
        blame_part_of_windows(d, c, where);
}

static const char *no_blame_text(enum triage_subject s)
{
    switch (s) {
    case TRIAGE_MEMORY:
        return "the code means damaged memory; who is on the stack found the damage and need not have done it";
    case TRIAGE_STORAGE:
        return "the code points to the disk, the page file or the memory below, not to a driver's mistake";
    case TRIAGE_HARDWARE:
        return "the machine reported an error";
    case TRIAGE_PROCESS:
        return "a process that Windows can not run without ended; its name is not in the dump";
    case TRIAGE_WATCHDOG:
        return "something did not answer in time; the stack of this processor does not show what";
    case TRIAGE_MANUAL:
        return "somebody or something asked for this crash";
    default:
        return "the code does not name a driver";
    }
}

void blame(struct dump *d)
{
    const struct fault_rule *r = fault_rule_of(d->v->header.code);
    enum triage_confidence c =
        r->subject == TRIAGE_MANUAL || r->subject == TRIAGE_HARDWARE ? TRIAGE_EXACT : TRIAGE_NONE;

    if (!d->v->header.has_bugcheck)
        culprit_set(d, TRIAGE_UNKNOWN, NULL, -1, TRIAGE_NONE, "the bug check code is not in the file");
    else if (special_blame(d))
        return;
    else if ((r->flags & RULE_NO_BLAME) != 0)
        culprit_set(d, r->subject, NULL, -1, c, no_blame_text(r->subject));
    else if (d->v->has_fault)
        blame_fault(d);
    else if (d->v->frame_count > 0)
        blame_below(d, "no parameter or saved state names an address");
    else
        culprit_set(d, r->subject, NULL, -1, TRIAGE_NONE, "the dump has neither an address to go by nor a stack");
}
