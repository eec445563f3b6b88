/* Rules to findings: which rules hold, how sure, and with what evidence.
 *
 * Three-valued: a group is contradicted as soon as one needed part is, and not
 * known when a part is not known and none is contradicted ("any": met as soon
 * as one part is).  What the sentences say goes to `for`, `against` and
 * `unknown`, each once.
 */
#include "base/text.h"
#include "incidents/rules_judges.h"
#include "model/drift.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- truth ------------------------------------------------------------------------------- */

static enum truth judge(const struct condition *c, const struct facts *f);

static enum truth judge_all(const struct condition *first, const struct facts *f)
{
    enum truth all = MET;

    for (const struct condition *c = first; c != NULL; c = c->next) {
        enum truth one = judge(c, f);

        if (one == CONTRADICTED)
            return CONTRADICTED;
        if (one == NOT_KNOWN)
            all = NOT_KNOWN;
    }
    return all;
}

static enum truth judge_any(const struct condition *first, const struct facts *f)
{
    enum truth any = CONTRADICTED;

    for (const struct condition *c = first; c != NULL; c = c->next) {
        enum truth one = judge(c, f);

        if (one == MET)
            return MET;
        if (one == NOT_KNOWN)
            any = NOT_KNOWN;
    }
    return any;
}

static enum truth opposite(enum truth t)
{
    return t == MET ? CONTRADICTED : t == CONTRADICTED ? MET : NOT_KNOWN;
}

/* No deeper than a rules file nests (YAML_DEPTH_MAX). */
static enum truth judge(const struct condition *c, const struct facts *f)
{
    char why[RULE_SENTENCE_MAX];

    switch (c->shape) {
    case CONDITION_ALL:
        return judge_all(c->child, f);
    case CONDITION_ANY:
        return judge_any(c->child, f);
    case CONDITION_NOT:
        return opposite(judge_all(c->child, f));
    default:
        return c->kind->judge(c, f, why);
    }
}

/* ---- evidence ----------------------------------------------------------------------------- */

struct evidence {
    struct incident *i;
    struct incident_finding *finding;
    const struct facts *facts;
    bool reversed; /* below an odd number of `not`, or of `against` */
};

static bool has_line(const struct incident_lines *lines, const char *text)
{
    for (int n = 0; n < lines->count; n++) {
        if (strcmp(lines->line[n], text) == 0)
            return true;
    }
    return false;
}

static void add_line(struct evidence *e, enum truth t, const char *why)
{
    struct incident_finding *f = e->finding;
    struct incident_lines *lines = t == NOT_KNOWN ? &f->unknown : t == MET ? &f->met : &f->against;

    if (!has_line(&f->met, why) && !has_line(&f->against, why) && !has_line(&f->unknown, why))
        incident_line(e->i, lines, why);
}

/* The sentences below c.  Of an `any` that is met only what meets it is said. */
static void collect(struct evidence *e, const struct condition *c)
{
    char why[RULE_SENTENCE_MAX];
    bool settled = c->shape == CONDITION_ANY && judge(c, e->facts) == MET;

    if (c->shape == CONDITION_LEAF) {
        enum truth t = c->kind->judge(c, e->facts, why);

        add_line(e, e->reversed ? opposite(t) : t, why);
        return;
    }
    e->reversed = e->reversed != (c->shape == CONDITION_NOT);
    for (const struct condition *child = c->child; child != NULL; child = child->next) {
        if (!settled || judge(child, e->facts) == MET)
            collect(e, child);
    }
    e->reversed = e->reversed != (c->shape == CONDITION_NOT);
}

/* How many of the conditions right below c come out so. */
static int count(const struct condition *c, const struct facts *f, enum truth t)
{
    int n = 0;

    for (const struct condition *child = c != NULL ? c->child : NULL; child != NULL; child = child->next)
        n += judge(child, f) == t;
    return n;
}

/* ---- text ---------------------------------------------------------------------------------- */

typedef void fill_in(const struct facts *f, char out[RULE_SENTENCE_MAX]);

#define FILL(name) static void name(const struct facts *f, char out[RULE_SENTENCE_MAX])
#define PUT(...)   snprintf(out, RULE_SENTENCE_MAX, __VA_ARGS__)

FILL(fill_module)
{
    PUT("%.100s", incident_module(f->i)[0] != '\0' ? incident_module(f->i) : "a driver that is not known");
}

FILL(fill_code)
{
    if (f->i->bugcheck.known)
        PUT("0x%" PRIX32, f->i->bugcheck.code);
    else
        PUT("a bug check that is not known");
}

FILL(fill_name)
{
    PUT("%.100s", f->i->bugcheck.known ? f->i->bugcheck.name : incident_kind_name(f->i->kind));
}

FILL(fill_vm)
{
    PUT("%.200s", f->i->vm_name[0] != '\0' ? f->i->vm_name : f->i->vm_id[0] != '\0' ? f->i->vm_id : "the guest");
}

FILL(fill_host)
{
    PUT("%.200s", f->i->host_name[0] != '\0' ? f->i->host_name : "the host");
}

FILL(fill_guest_version)
{
    PUT("%.100s", f->i->drift.guest_version[0] != '\0' ? f->i->drift.guest_version : "a version that is not known");
}

FILL(fill_expected_version)
{
    PUT("%.100s", f->i->drift.expected_version[0] != '\0' ? f->i->drift.expected_version : "the host's version");
}

FILL(fill_drift)
{
    PUT("%s", f->i->drift.known ? drift_state_name(f->i->drift.state) : "not known");
}

FILL(fill_longest)
{
    char text[TIMES_TEXT_MAX];

    PUT("%s", f->i->storage.longest_ns >= 0 ? times_format_length(f->i->storage.longest_ns, text)
                                            : "a time that is not known");
}

FILL(fill_device)
{
    PUT("%.200s", f->i->storage.longest_device[0] != '\0' ? f->i->storage.longest_device : "storage");
}

/* A clause that is left out where there is nothing to say. */
FILL(fill_stall)
{
    char text[TIMES_TEXT_MAX];

    out[0] = '\0';
    if (f->i->storage.longest_ns >= 0)
        PUT("; the longest request took %s (%.150s)", times_format_length(f->i->storage.longest_ns, text),
            f->i->storage.longest_device[0] != '\0' ? f->i->storage.longest_device : "storage");
}

FILL(fill_blackout)
{
    if (f->i->migration.blackout_ns >= 0)
        PUT("%.1f s", (double)f->i->migration.blackout_ns / (double)NS_PER_S);
    else
        PUT("a time that is not known");
}

FILL(fill_others)
{
    PUT("%d", f->i->other_count);
}

FILL(fill_linux)
{
    PUT("%.100s", f->i->linux_panic.version[0] != '\0' ? f->i->linux_panic.version : "a version that is not known");
}

FILL(fill_disk_timeout)
{
    char text[TIMES_TEXT_MAX];

    PUT("%s", rule_length(f->disk_timeout_ns, text));
}

static const struct {
    const char *name;
    fill_in *fill;
} placeholders[] = {
    { "module", fill_module },
    { "code", fill_code },
    { "name", fill_name },
    { "vm", fill_vm },
    { "host", fill_host },
    { "guest_version", fill_guest_version },
    { "expected_version", fill_expected_version },
    { "drift", fill_drift },
    { "longest_wait", fill_longest },
    { "device", fill_device },
    { "stall", fill_stall },
    { "blackout", fill_blackout },
    { "others", fill_others },
    { "kernel", fill_linux },
    { "disk_timeout", fill_disk_timeout },
};

static fill_in *find_placeholder(const char *name, size_t len)
{
    for (size_t n = 0; n < sizeof placeholders / sizeof placeholders[0]; n++) {
        if (strlen(placeholders[n].name) == len && strncmp(placeholders[n].name, name, len) == 0)
            return placeholders[n].fill;
    }
    return NULL;
}

bool rule_text_check(const char *text, char *bad, size_t size)
{
    for (const char *open = strchr(text, '{'); open != NULL; open = strchr(open + 1, '{')) {
        size_t len = strcspn(open + 1, "}");

        if (open[1 + len] != '\0' && find_placeholder(open + 1, len) != NULL)
            continue;
        snprintf(bad, size, "%.*s", (int)(len < size ? len : size - 1), open + 1);
        return false;
    }
    return true;
}

static const char *filled(const struct facts *f, struct incident *i, const char *text)
{
    char value[RULE_SENTENCE_MAX];
    const char *result;
    struct buf out;

    buf_init(&out, 4 * INCIDENT_TEXT_MAX);
    while (*text != '\0') {
        size_t plain = strcspn(text, "{"), len;

        buf_add(&out, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        len = strcspn(text + 1, "}");
        find_placeholder(text + 1, len)(f, value);
        buf_str(&out, value);
        text += len + 2;
    }
    i->cut |= buf_error(&out) == ERR_TOO_BIG;
    i->no_memory |= buf_error(&out) == ERR_MEMORY;
    result = incident_text(i, buf_text(&out));
    buf_free(&out);
    return result;
}

/* ---- findings -------------------------------------------------------------------------------- */

static bool holds(const struct rule *r, const struct facts *f)
{
    if (!r->enabled || (r->applies != 0 && (r->applies & UINT32_C(1) << f->i->kind) == 0))
        return false;
    return judge(r->needs, f) == MET && (r->expects == NULL || judge(r->expects, f) != CONTRADICTED);
}

static const char *joined(const char *first, const char *second, const char *third, char out[RULE_SENTENCE_MAX])
{
    const char *const parts[] = { first, second, third };
    size_t len = 0;

    out[0] = '\0';
    for (size_t n = 0; n < sizeof parts / sizeof parts[0]; n++) {
        if (parts[n] != NULL)
            len += (size_t)snprintf(out + len, RULE_SENTENCE_MAX - len, "%s%s", len > 0 ? " and " : "", parts[n]);
    }
    return out;
}

/* Steps down for what should be so and is not known: two when nothing of several is. */
static int steps_unknown(const struct rule *r, const struct facts *f)
{
    int unknown = count(r->expects, f, NOT_KNOWN);
    bool nothing = count(r->expects, f, MET) == 0;

    return unknown == 0 ? 0 : unknown > 1 && nothing ? 2 : 1;
}

/* The rule's confidence; less one for each thing that speaks against it, for what should be so and is not known, and
 * for gaps; one more for what helps. */
static void set_confidence(const struct rule *r, const struct facts *f, struct incident *i, struct incident_finding *to)
{
    int unknown = steps_unknown(r, f), against = count(r->against, f, MET), helps = count(r->helps, f, MET);
    int level = (int)r->confidence - unknown - against - (i->gaps > 0) + (helps > 0);
    const char *base = incident_confidence_name(r->confidence);
    char why[RULE_SENTENCE_MAX];

    level = level < 0 ? 0 : level >= CONFIDENCE_COUNT ? CONFIDENCE_COUNT - 1 : level;
    to->confidence = (enum incident_confidence)level;
    if (level < (int)r->confidence)
        to->reason = incident_textf(i, "%s; lowered from %s because %s", r->reason, base,
                                    joined(unknown > 0 ? "something that should be so is not known" : NULL,
                                           against > 0 ? "some evidence speaks against it" : NULL,
                                           i->gaps > 0 ? "there are gaps in what is known" : NULL, why));
    else if (level > (int)r->confidence)
        to->reason = incident_textf(i, "%s; raised from %s because more speaks for it", r->reason, base);
    else
        to->reason = incident_text(i, r->reason);
}

static void add_evidence(const struct rule *r, const struct facts *f, struct incident *i, struct incident_finding *to)
{
    struct evidence e = { .i = i, .finding = to, .facts = f };

    collect(&e, r->needs);
    if (r->expects != NULL)
        collect(&e, r->expects);
    if (r->helps != NULL)
        collect(&e, r->helps);
    e.reversed = true;
    if (r->against != NULL)
        collect(&e, r->against);
}

static void add_finding(const struct rule *r, const struct facts *f, struct incident *i)
{
    struct incident_finding *to;

    if (i->finding_count == INCIDENT_FINDINGS_MAX) {
        i->cut = true;
        return;
    }
    to = &i->findings[i->finding_count++];
    *to = (struct incident_finding){ .rule = incident_text(i, r->id),
                                     .title = incident_text(i, r->title),
                                     .text = filled(f, i, r->text),
                                     .action = filled(f, i, r->action) };
    for (int n = 0; n < r->link_count; n++)
        incident_line(i, &to->links, r->links[n]);
    set_confidence(r, f, i, to);
    add_evidence(r, f, i, to);
}

static int compare_findings(const void *a, const void *b)
{
    const struct incident_finding *x = a, *y = b;

    if (x->confidence != y->confidence)
        return x->confidence > y->confidence ? -1 : 1;
    return strcmp(x->rule, y->rule);
}

int rules_apply(const struct rules *r, struct incident *i, const struct incident_surroundings *around, struct err *e)
{
    const struct facts f = { i, around, r->disk_timeout_ns };

    i->finding_count = 0;
    i->findings = arena_alloc(&i->arena, INCIDENT_FINDINGS_MAX * sizeof *i->findings);
    if (i->findings == NULL)
        return err_set(e, ERR_MEMORY, "incident %s: no room for its findings", i->id);
    for (size_t n = 0; n < r->count; n++) {
        if (holds(r->rule[n], &f))
            add_finding(r->rule[n], &f, i);
    }
    if (i->no_memory) {
        i->finding_count = 0;
        return err_set(e, ERR_MEMORY, "incident %s: out of memory for its findings", i->id);
    }
    qsort(i->findings, (size_t)i->finding_count, sizeof *i->findings, compare_findings);
    return 0;
}
