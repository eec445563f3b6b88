/* Which incidents an observation can change, and which evidence it takes to
 * compute them anew: the reaches of case_join.c and case_context.c put into
 * spans of time.  A span may be too wide, never too narrow; a property test
 * holds it against the case file itself.
 */
#include "incidents/case.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How far from its own time a sign may be put to a crash, either way. */
static int64_t sign_reach(const struct case_options *o)
{
    int64_t follow = CASE_FOLLOW_S * NS_PER_S, late = CASE_LATE_DUMP_S * NS_PER_S;
    int64_t reach = o->tolerance_ns > follow ? o->tolerance_ns : follow;

    return reach > late ? reach : late;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The span of incidents around from..to, kept above 0 so that it never reads as "all". */
static void span(struct incident_relevance *out, int64_t from, int64_t before, int64_t to, int64_t after)
{
    out->from = from > before ? from - before : 1;
    out->to = to < INT64_MAX - after ? to + after : INT64_MAX;
}

static void of_sign(const struct case_options *o, const struct clue *c, struct incident_relevance *out)
{
    int64_t reach = sign_reach(o) + o->tolerance_ns;

    out->level = RELEVANT_SIGN;
    out->of_host = true; /* its other guests' incidents list this one */
    out->of_any = out->vm_id[0] == '\0';
    out->of_code = c->has_code;
    out->code = clue_code(c);
    span(out, c->time, reach + o->others_ns, c->time, reach + larger(o->lookback_ns, o->others_ns));
}

static void of_trouble(const struct case_options *o, const struct clue *c, struct incident_relevance *out)
{
    out->level = RELEVANT_CONTEXT;
    out->of_host = true; /* a boot too */
    out->of_cluster = c->kind == CLUE_CLUSTER || strncmp(c->text[TEXT_WORD], "csv-", 4) == 0;
    span(out, c->time, o->after_ns, c->time, o->before_ns);
}

static void of_gap(const struct case_options *o, const struct clue *c, struct incident_relevance *out)
{
    int64_t from = c->from != 0 ? c->from : c->to - CASE_GAP_REACH_S * NS_PER_S;

    out->level = RELEVANT_CONTEXT;
    out->of_host = true;
    span(out, from, o->after_ns, c->to, o->before_ns);
}

/* A name, told with an id, may be the one that a dump's folder has. */
static void of_guest(const struct case_options *o, int64_t time, struct incident_relevance *out)
{
    out->level = RELEVANT_CONTEXT;
    out->time = time;
    span(out, time, larger(o->after_ns, CASE_FOLLOW_S * NS_PER_S), time, larger(o->lookback_ns, o->before_ns));
}

void incident_relevance(const struct case_options *options, const struct resource *who, const struct observation *o,
                        struct incident_relevance *out)
{
    enum clue_kind kind;
    struct clue *c;

    *out = (struct incident_relevance){ .vm_id = "", .host_id = who->host_id };
    if (!clue_wanted(o, &kind))
        return;
    out->vm_id = obs_get_str(o, ATTR_VM_ID);
    if (clue_is_of_guest(kind)) {
        of_guest(options, clue_time_of(o), out); /* most of what comes: not worth a clue's texts */
        return;
    }
    c = clue_new(kind, who, o);
    if (c == NULL) {
        /* Without memory everything may be concerned. */
        *out = (struct incident_relevance){ .level = RELEVANT_SIGN,
                                            .time = o->time_ns > 0 ? o->time_ns : o->observed_ns,
                                            .from = 1,
                                            .to = INT64_MAX,
                                            .vm_id = out->vm_id,
                                            .host_id = who->host_id,
                                            .of_host = true,
                                            .of_cluster = true,
                                            .of_any = true };
        return;
    }
    out->time = c->time;
    if (c->kind <= CLUE_WRITTEN)
        of_sign(options, c, out);
    else if (c->kind == CLUE_GAP)
        of_gap(options, c, out);
    else
        of_trouble(options, c, out);
    free(c);
    assert(out->from <= out->to);
}

void case_evidence_span(const struct case_options *options, int64_t from, int64_t to, int64_t *evidence_from,
                        int64_t *evidence_to)
{
    int64_t reach = sign_reach(options) + 2 * options->tolerance_ns;
    int64_t before = reach + larger(options->lookback_ns, options->before_ns);
    int64_t after = reach + larger(options->after_ns, options->others_ns);

    *evidence_from = from > before ? from - before : 1;
    *evidence_to = to < INT64_MAX - after ? to + after : INT64_MAX;
}
