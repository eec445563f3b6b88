/* Conditions on what went on around a crash: migrations, storage, cluster, other
 * guests, the fleet.  What was not seen is contradicted only where it would have
 * been seen: not when there are gaps in the window, or when the host does not
 * log such things.
 */
#include "incidents/rules_judges.h"

#include <stdio.h>

#define SAY(...) snprintf(why, RULE_SENTENCE_MAX, __VA_ARGS__)

static enum truth truth_of(bool met)
{
    return met ? MET : CONTRADICTED;
}

/* "60 s"; below 10 s with its fraction. */
const char *rule_length(int64_t ns, char out[TIMES_TEXT_MAX])
{
    if (ns < 10 * NS_PER_S && ns % NS_PER_S != 0)
        snprintf(out, TIMES_TEXT_MAX, "%.1f s", (double)ns / (double)NS_PER_S);
    else
        times_format_length(ns, out);
    return out;
}

/* ---- migrations ------------------------------------------------------------------------------- */

/* What is to be said without a migration: none seen, or nothing known. */
static enum truth no_migration(const struct facts *f, char *why)
{
    SAY(f->i->gaps > 0 ? "no migration is known, but there are gaps in what is known of the host"
                       : "no migration of the guest was seen in the time before");
    return f->i->gaps > 0 ? NOT_KNOWN : CONTRADICTED;
}

enum truth judge_migration_within(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_migration *m = &f->i->migration;
    char text[TIMES_TEXT_MAX];

    if (!m->known)
        return no_migration(f, why);
    if (m->during)
        SAY("the guest was being migrated");
    else
        SAY("the guest had been migrated %s before", rule_length(m->before_ns, text));
    return truth_of(m->during || m->before_ns <= c->number);
}

enum truth judge_migration_during(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_migration *m = &f->i->migration;

    if (!m->known)
        return no_migration(f, why);
    SAY(m->during ? "the guest was being migrated" : "the last migration of the guest was over");
    return truth_of(m->during == (c->number != 0));
}

enum truth judge_blackout(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_migration *m = &f->i->migration;
    char text[TIMES_TEXT_MAX];

    if (!m->known)
        return no_migration(f, why);
    if (m->blackout_ns < 0) {
        SAY("how long the guest stood still in its migration is not known");
        return NOT_KNOWN;
    }
    SAY("the guest stood still for %s in its migration", rule_length(m->blackout_ns, text));
    return truth_of(m->blackout_ns > c->number);
}

/* ---- storage, cluster, others -------------------------------------------------------------------- */

/* Only hosts from 2022 on are sure to log how long requests take (hyperv.md A.5). */
static bool logs_latency(const struct incident *i)
{
    static const struct version since = { { 10, 0, 20348, 0 } };
    struct version v;

    return version_parse(i->host_os_version, &v) > 0 && version_compare(&v, &since) >= 0;
}

enum truth judge_stall(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_storage *s = &f->i->storage;
    int64_t least = c->number == RULE_DISK_TIMEOUT ? f->disk_timeout_ns : c->number;
    char text[TIMES_TEXT_MAX];

    if (s->longest_ns >= 0) {
        SAY("a storage request took %s: %.150s", rule_length(s->longest_ns, text), s->longest_device);
        return truth_of(s->longest_ns >= least);
    }
    if (f->i->gaps > 0 || !logs_latency(f->i)) {
        SAY("how long storage requests took is not known: %s",
            f->i->gaps > 0 ? "there are gaps in what is known of the host" : "this host may not log it");
        return NOT_KNOWN;
    }
    SAY("no slow storage request was logged");
    return CONTRADICTED;
}

static enum truth none_seen(const struct facts *f, const char *what, char *why)
{
    SAY(f->i->gaps > 0 ? "no %s was seen, but there are gaps in what is known of the host" : "no %s was seen", what);
    return f->i->gaps > 0 ? NOT_KNOWN : CONTRADICTED;
}

static enum truth flag_of(const struct condition *c, enum truth there)
{
    if (there == NOT_KNOWN || c->number != 0)
        return there;
    return there == MET ? CONTRADICTED : MET;
}

enum truth judge_lost_path(const struct condition *c, const struct facts *f, char *why)
{
    if (!f->i->storage.path_lost)
        return flag_of(c, none_seen(f, "lost path, volume or share", why));
    SAY("a path to storage, a volume or a share was lost");
    return flag_of(c, MET);
}

enum truth judge_storage_signal(const struct condition *c, const struct facts *f, char *why)
{
    for (int n = 0; n < f->i->storage.device_count; n++) {
        const struct incident_device *d = &f->i->storage.devices[n];

        if (rule_any_glob(c, d->signal)) {
            SAY("%s, %lld time%s: %.150s", d->signal, (long long)d->count, d->count == 1 ? "" : "s", d->device);
            return MET;
        }
    }
    return none_seen(f, "such storage event", why);
}

enum truth judge_cluster(const struct condition *c, const struct facts *f, char *why)
{
    for (int n = 0; n < f->i->cluster_event_count; n++) {
        const struct incident_cluster_event *x = &f->i->cluster_events[n];

        if (rule_any_glob(c, x->signal)) {
            SAY("the cluster reported %s on %.60s%s%.80s", x->signal, x->host, x->object[0] != '\0' ? ": " : "",
                x->object);
            return MET;
        }
    }
    return none_seen(f, "such cluster event", why);
}

enum truth judge_others(const struct condition *c, const struct facts *f, char *why)
{
    int others = f->i->other_count;

    if (others < c->number && f->i->gaps > 0) {
        SAY("%d other guests of the host are known to have crashed, but there are gaps", others);
        return NOT_KNOWN;
    }
    SAY("%d other guest%s of the host crashed within minutes", others, others == 1 ? "" : "s");
    return truth_of(others >= c->number);
}

enum truth judge_host_restart(const struct condition *c, const struct facts *f, char *why)
{
    int64_t apart = f->i->host_booted - f->i->time;
    char text[TIMES_TEXT_MAX];

    if (f->i->host_booted == 0)
        return none_seen(f, "start of the host", why);
    SAY("the host started %s %s the crash", rule_length(apart < 0 ? -apart : apart, text),
        apart < 0 ? "before" : "after");
    return truth_of(apart <= c->number && -apart <= c->number);
}

enum truth judge_fleet(const struct condition *c, const struct facts *f, char *why)
{
    const struct incident_surroundings *a = f->around;
    const char *module = incident_module(f->i);
    int seen;

    if (a == NULL || !a->known || module[0] == '\0') {
        SAY("how often this module crashed elsewhere is not known%s%.120s",
            a != NULL && a->why != NULL && a->why[0] != '\0' ? ": " : "", a != NULL && a->why != NULL ? a->why : "");
        return NOT_KNOWN;
    }
    seen = c->kind->which == MODULE_GUESTS ? a->module_guests : a->module_hosts;
    SAY("%.64s is blamed for crashes of %d guest%s on %d host%s in %d days", module, a->module_guests,
        a->module_guests == 1 ? "" : "s", a->module_hosts, a->module_hosts == 1 ? "" : "s", a->module_hosts_days);
    return truth_of(seen >= c->number);
}
