/* The table of conditions, and how each is judged against an incident.
 *
 * A judge answers met, contradicted or not known, and always says how it is: a
 * reader should be able to check the answer against the incident.  Not known is
 * never met; and what was not looked at (no history, no dump, an old host that
 * logs no latencies, a gap in the window) is not known, not contradicted.
 */
#include "base/text.h"
#include "incidents/rules_judges.h"
#include "model/drift.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SAY(...) snprintf(why, RULE_SENTENCE_MAX, __VA_ARGS__)

static enum truth truth_of(bool met)
{
    return met ? MET : CONTRADICTED;
}

/* ---- matching ------------------------------------------------------------------------- */

/* '*' and '?', without case.  Backs up to the last star only, so the work is bounded by the product of lengths. */
static bool glob(const char *pattern, const char *text)
{
    const char *star = NULL, *back = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            back = text;
        } else if (*pattern == '?' || (*pattern != '\0' && text_ncasecmp(pattern, text, 1) == 0)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool rule_any_glob(const struct condition *c, const char *text)
{
    for (int n = 0; n < c->value_count; n++) {
        if (glob(c->values[n].text, text))
            return true;
    }
    return false;
}

static bool any_word(const struct condition *c, const char *word)
{
    for (int n = 0; n < c->value_count; n++) {
        if (strcmp(c->values[n].text, word) == 0)
            return true;
    }
    return false;
}

static int compare_parts(const struct version *v, const struct version *bound, int parts)
{
    for (int n = 0; n < parts; n++) {
        if (v->part[n] != bound->part[n])
            return v->part[n] < bound->part[n] ? -1 : 1;
    }
    return 0;
}

/* Only as many parts as were written count: 6.1 is every 6.1.x. */
static bool any_version(const struct condition *c, const struct version *v)
{
    for (int n = 0; n < c->value_count; n++) {
        const struct rule_value *r = &c->values[n];

        if (compare_parts(v, &r->from, r->from_parts) >= 0 && compare_parts(v, &r->to, r->to_parts) <= 0)
            return true;
    }
    return false;
}

/* ---- the crash itself ------------------------------------------------------------------- */

static enum truth judge_bugcheck(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_bugcheck *b = &f->i->bugcheck;

    if (!b->known) {
        bool has_none = f->i->kind == INCIDENT_LINUX_PANIC;

        SAY(has_none ? "Linux guests have no bug check" : "the bug check code is not known");
        return has_none ? CONTRADICTED : NOT_KNOWN;
    }
    SAY("the bug check was 0x%" PRIX32 " %.100s", b->code, b->name);
    for (int n = 0; n < c->value_count; n++) {
        const struct incident_bugcheck want = { .code = (uint32_t)c->values[n].low };

        if (incident_code(&want) == incident_code(b))
            return MET;
    }
    return CONTRADICTED;
}

static enum truth judge_parameter(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_bugcheck *b = &f->i->bugcheck;
    uint64_t p = b->params[c->kind->which];

    if (!b->params_known) {
        SAY("parameter %d of the bug check is not known", c->kind->which + 1);
        return NOT_KNOWN;
    }
    SAY("parameter %d was 0x%" PRIx64, c->kind->which + 1, p);
    for (int n = 0; n < c->value_count; n++) {
        const struct rule_value *v = &c->values[n];

        if (v->mask != UINT64_MAX ? (p & v->mask) == v->low : p >= v->low && p <= v->high)
            return MET;
    }
    return CONTRADICTED;
}

static enum truth judge_kind(const struct condition *c, const struct facts *f, char *why)
{
    SAY("the incident is of kind %s", incident_kind_name(f->i->kind));
    return truth_of(any_word(c, incident_kind_name(f->i->kind)));
}

/* ---- what a dump says ---------------------------------------------------------------------- */

static const struct incident_dump *verdict(const struct facts *f)
{
    for (int n = 0; n < f->i->dump_count; n++) {
        if (f->i->dumps[n].culprit[0] != '\0')
            return &f->i->dumps[n];
    }
    return NULL;
}

static enum truth judge_module(const struct condition *c, const struct facts *f, char *why)
{
    const char *module = incident_module(f->i);
    const struct incident_dump *d = verdict(f);

    if (module[0] == '\0') {
        SAY("%s", f->i->dump_count == 0 ? "the module is not known: there is no dump of this crash"
                                        : "the module is not known: the dump blames no driver");
        return NOT_KNOWN;
    }
    SAY("the dump blames %.64s%s%.20s%s%.20s%s", module, d != NULL && d->offset[0] != '\0' ? "+" : "",
        d != NULL ? d->offset : "", d != NULL && d->culprit_confidence[0] != '\0' ? " (" : "",
        d != NULL ? d->culprit_confidence : "", d != NULL && d->culprit_confidence[0] != '\0' ? ")" : "");
    return truth_of(rule_any_glob(c, module));
}

static enum truth judge_origin(const struct condition *c, const struct facts *f, char *why)
{
    if (f->i->origin == ORIGIN_UNKNOWN) {
        SAY("whose module it was is not known");
        return NOT_KNOWN;
    }
    SAY("what is blamed is %s", incident_origin_name(f->i->origin));
    return truth_of(any_word(c, incident_origin_name(f->i->origin)));
}

static enum truth judge_culprit(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_dump *d = verdict(f);

    if (d == NULL || d->culprit_kind[0] == '\0' || strcmp(d->culprit_kind, "unknown") == 0) {
        SAY("no dump says what kind of thing is to blame");
        return NOT_KNOWN;
    }
    SAY("the dump blames %s: %.120s", d->culprit_kind, d->culprit);
    return truth_of(any_word(c, d->culprit_kind));
}

static enum truth judge_dump(const struct condition *c, const struct facts *f, char *why)
{
    bool there = f->i->dump_count > 0;

    SAY(there ? "there is a dump of this crash" : "there is no dump of this crash");
    return truth_of(there == (c->number != 0));
}

/* ---- guest and host -------------------------------------------------------------------------- */

static enum truth judge_version(const struct condition *c, const char *what, const char *text, const char *name,
                                char *why)
{
    struct version v;

    if (version_parse(text, &v) == 0) {
        SAY("the %s's version is not known", what);
        return NOT_KNOWN;
    }
    SAY("the %s is %.100s%s%.40s%s", what, name[0] != '\0' ? name : text, name[0] != '\0' ? " (" : "",
        name[0] != '\0' ? text : "", name[0] != '\0' ? ")" : "");
    return truth_of(any_version(c, &v));
}

static enum truth judge_guest_os(const struct condition *c, const struct facts *f, char *why)
{
    return judge_version(c, "guest's operating system", f->i->guest_os_version, f->i->guest_os, why);
}

static enum truth judge_host_os(const struct condition *c, const struct facts *f, char *why)
{
    return judge_version(c, "host's operating system", f->i->host_os_version, "", why);
}

static enum truth judge_family(const struct condition *c, const struct facts *f, char *why)
{
    if (f->i->family == FAMILY_UNKNOWN) {
        SAY("what family of operating system the guest has is not known");
        return NOT_KNOWN;
    }
    SAY("the guest runs %s", guest_family_name(f->i->family));
    return truth_of(any_word(c, guest_family_name(f->i->family)));
}

static enum truth judge_drift(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_drift *d = &f->i->drift;
    bool met;

    if (!d->known) {
        SAY("the state of the integration services at that moment is not known: %.150s", d->why);
        return NOT_KNOWN;
    }
    met = any_word(c, drift_state_name(d->state));
    SAY("the integration services were %s then%s%.48s%s%.48s", drift_state_name(d->state),
        d->guest_version[0] != '\0' ? ": " : "", d->guest_version, d->expected_version[0] != '\0' ? ", expected " : "",
        d->expected_version);
    return d->state == DRIFT_UNKNOWN && !met ? NOT_KNOWN : truth_of(met);
}

enum { ASK_DYNAMIC, ASK_PRESSURE };

static enum truth judge_memory(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_configuration *k = &f->i->configuration;
    int value = c->kind->which == ASK_DYNAMIC ? k->dynamic_memory : k->memory_pressure;
    static const char *const sentences[2][2] = {
        { "the guest's memory is static", "the guest has dynamic memory" },
        { "the guest had the memory that it asked for", "the guest asked for more memory than it was given" },
    };

    if (value < 0) {
        SAY("whether %s is not known%s%.120s",
            c->kind->which == ASK_DYNAMIC ? "the guest has dynamic memory" : "the guest was short of memory",
            k->why[0] != '\0' ? ": " : "", k->why);
        return NOT_KNOWN;
    }
    SAY("%s", sentences[c->kind->which][value > 0]);
    return truth_of((value > 0) == (c->number != 0));
}

enum { ASK_CONTROLLER, ASK_DISK_KIND };

static enum truth judge_disk(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_configuration *k = &f->i->configuration;
    const char *what = c->kind->which == ASK_CONTROLLER ? "controllers" : "kinds";
    bool all = k->disk_count > 0;

    for (int n = 0; n < k->disk_count; n++) {
        const char *word = c->kind->which == ASK_CONTROLLER ? k->disks[n].controller : k->disks[n].kind;

        all = all && word[0] != '\0';
        if (any_word(c, word)) {
            SAY("the guest has a disk that is %s%s%.150s", word, k->disks[n].path[0] != '\0' ? ": " : "",
                k->disks[n].path);
            return MET;
        }
    }
    if (!all) {
        SAY("the %s of the guest's disks are not known", what);
        return NOT_KNOWN;
    }
    SAY("none of the guest's %d disks is of the %s looked for", k->disk_count, what);
    return CONTRADICTED;
}

enum { ASK_UNDER, ASK_OVER };

static enum truth judge_uptime(const struct condition *c, const struct facts *f, char *why)
{
    char text[TIMES_TEXT_MAX];

    if (f->i->uptime_ns < 0) {
        SAY("how long the guest had run is not known");
        return NOT_KNOWN;
    }
    SAY("the guest had run for %s", rule_length(f->i->uptime_ns, text));
    return truth_of(c->kind->which == ASK_UNDER ? f->i->uptime_ns < c->number : f->i->uptime_ns > c->number);
}

/* ---- the table ------------------------------------------------------------------------------------ */

static const char *const kind_words[] = {
    "bugcheck",         "linux-panic",      "triple-fault", "watchdog", "worker-died",
    "stopped-critical", "hypervisor-fault", "dump-only",    "other",    NULL
};
_Static_assert(sizeof kind_words / sizeof kind_words[0] == INCIDENT_KIND_COUNT + 1, "every kind of incident");
static const char *const origin_words[] = { "microsoft", "third-party", "hardware", NULL };
static const char *const culprit_words[] = { "driver",  "memory",   "hardware", "storage",
                                             "process", "watchdog", "manual",   NULL };
static const char *const family_words[] = { "windows", "linux", "bsd", NULL };
static const char *const drift_words[] = {
    "unknown",        "current", "behind", "behind-protocol", "incompatible", "newer-than-host", "inbox-behind-peers",
    "not-applicable", NULL
};
_Static_assert(sizeof drift_words / sizeof drift_words[0] == DRIFT_STATE_COUNT + 1, "every drift state");
static const char *const controller_words[] = { "ide", "scsi", NULL };
static const char *const vhd_words[] = { "fixed", "dynamic", "differencing", "physical", NULL };

/* clang-format off */
const struct condition_kind condition_kinds[] = {
    { "bugcheck", "the bug check is one of these codes; the minidump bit (0x10000000) is not looked at",
      VALUE_CODES, NULL, 0, judge_bugcheck },
    { "parameter1", "parameter 1 is one of these numbers, in a range (0x10..0x1f), or has these bits (mask&value)",
      VALUE_PARAMS, NULL, 0, judge_parameter },
    { "parameter2", "the same of parameter 2", VALUE_PARAMS, NULL, 1, judge_parameter },
    { "parameter3", "the same of parameter 3", VALUE_PARAMS, NULL, 2, judge_parameter },
    { "parameter4", "the same of parameter 4", VALUE_PARAMS, NULL, 3, judge_parameter },
    { "kind", "the incident is of one of these kinds", VALUE_WORDS, kind_words, 0, judge_kind },
    { "module", "the dump blames one of these drivers; * and ? stand for any characters",
      VALUE_GLOBS, NULL, 0, judge_module },
    { "module_origin", "what is blamed is Microsoft's, a third party's, or hardware",
      VALUE_WORDS, origin_words, 0, judge_origin },
    { "culprit", "the dump blames this kind of thing", VALUE_WORDS, culprit_words, 0, judge_culprit },
    { "dump", "whether there is a dump of the crash", VALUE_FLAG, NULL, 0, judge_dump },
    { "guest_os", "the guest's OS version: 6.1 is every 6.1, 6.1..6.3 a range, 10.0.. that and later",
      VALUE_VERSIONS, NULL, 0, judge_guest_os },
    { "host_os", "the same of the host", VALUE_VERSIONS, NULL, 0, judge_host_os },
    { "family", "the guest's family of operating systems", VALUE_WORDS, family_words, 0, judge_family },
    { "drift", "the state of the integration services at the moment of the crash", VALUE_WORDS, drift_words, 0,
      judge_drift },
    { "dynamic_memory", "whether the guest has dynamic memory", VALUE_FLAG, NULL, ASK_DYNAMIC, judge_memory },
    { "memory_pressure", "whether the guest asked for more memory than it had", VALUE_FLAG, NULL, ASK_PRESSURE,
      judge_memory },
    { "disk_controller", "the guest has a disk at such a controller", VALUE_WORDS, controller_words, ASK_CONTROLLER,
      judge_disk },
    { "vhd_kind", "the guest has a virtual disk of such a kind", VALUE_WORDS, vhd_words, ASK_DISK_KIND, judge_disk },
    { "uptime_under", "the guest had run for less than this", VALUE_DURATION, NULL, ASK_UNDER, judge_uptime },
    { "uptime_over", "the guest had run for more than this", VALUE_DURATION, NULL, ASK_OVER, judge_uptime },
    { "migration_within", "the guest was being migrated, or had been within this time before",
      VALUE_DURATION, NULL, 0, judge_migration_within },
    { "migration_during", "whether the guest was being migrated", VALUE_FLAG, NULL, 0, judge_migration_during },
    { "blackout_over", "the guest stood still for more than this in its last migration",
      VALUE_DURATION, NULL, 0, judge_blackout },
    { "storage_stall", "a storage request took at least this long, or longer than guests wait (guest-disk-timeout)",
      VALUE_STALL, NULL, 0, judge_stall },
    { "lost_path", "whether a path to storage, a volume or a share was lost", VALUE_FLAG, NULL, 0, judge_lost_path },
    { "storage_signal", "such a storage event was seen (io-slow, io-retried, csv-*, ...)",
      VALUE_GLOBS, NULL, 0, judge_storage_signal },
    { "cluster_signal", "such a cluster event was seen (user-mode-hang, node-removed, quorum-lost, ...)",
      VALUE_GLOBS, NULL, 0, judge_cluster },
    { "host_restart_within", "the host itself started within this time, before or after the crash",
      VALUE_DURATION, NULL, 0, judge_host_restart },
    { "others_crashed", "at least so many other guests of the host crashed within minutes",
      VALUE_COUNT, NULL, 0, judge_others },
    { "module_on_guests", "the blamed module is blamed for crashes of at least so many guests of the fleet",
      VALUE_COUNT, NULL, MODULE_GUESTS, judge_fleet },
    { "module_on_hosts", "the same, of guests on at least so many hosts", VALUE_COUNT, NULL, MODULE_HOSTS, judge_fleet },
};
/* clang-format on */
const size_t condition_kind_count = sizeof condition_kinds / sizeof condition_kinds[0];

const struct condition_kind *condition_find(const char *name)
{
    for (size_t n = 0; n < condition_kind_count; n++) {
        if (strcmp(condition_kinds[n].name, name) == 0)
            return &condition_kinds[n];
    }
    return NULL;
}

const char *rules_condition_name(size_t index)
{
    return index < condition_kind_count ? condition_kinds[index].name : NULL;
}

const char *rules_condition_help(size_t index)
{
    return index < condition_kind_count ? condition_kinds[index].help : NULL;
}
