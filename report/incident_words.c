/* See incident_words.h.
 *
 * One function a fact; each writes its sentence into the line and says it.  The
 * order of the table at the end is the order in which they are told.
 */
#include "report/incident_words.h"

#include "base/buf.h"
#include "base/times.h"
#include "model/drift.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64 * 1024, TENTHS_BELOW_S = 10, SECONDS_BELOW_S = 120 };

struct facts {
    const struct incident *i;
    struct buf line;
    enum err_code error;
    incident_take_fact *take;
    void *arg;
};

/* Tells the line, unless it is empty, and empties it. */
static void say_as(struct facts *f, const char *label, bool known)
{
    if (buf_error(&f->line) != ERR_OK)
        f->error = buf_error(&f->line);
    else if (f->line.len > 0)
        f->take(f->arg, label, buf_text(&f->line), known);
    buf_clear(&f->line);
}

static void say(struct facts *f, const char *label)
{
    say_as(f, label, true);
}

/* Adds a part with what separates it from the part before. */
static void part(struct facts *f, const char *text)
{
    if (text[0] == '\0')
        return;
    if (f->line.len > 0)
        buf_str(&f->line, ", ");
    buf_str(&f->line, text);
}

/* ---- small ones, for lists too --------------------------------------------------- */

const char *incident_time_words(int64_t time, char out[INCIDENT_TIME_MAX])
{
    char text[TIMES_TEXT_MAX];

    if (time == 0)
        snprintf(out, INCIDENT_TIME_MAX, "not known");
    else
        snprintf(out, INCIDENT_TIME_MAX, "%.10s %.8s", times_format(time, text), text + 11);
    return out;
}

const char *incident_offset(const struct incident *i, int64_t time, char out[INCIDENT_OFFSET_MAX])
{
    int64_t apart, tenths;
    int used;

    out[0] = '\0';
    if (time == 0 || i->time == 0)
        return out;
    apart = time - i->time;
    tenths = (apart < 0 ? -apart : apart) / (NS_PER_S / 10);
    used = snprintf(out, INCIDENT_OFFSET_MAX, "%s%" PRId64 ":%02d:%02d",
                    apart == 0  ? ""
                    : apart < 0 ? "-"
                                : "+",
                    tenths / 36000, (int)(tenths / 600 % 60), (int)(tenths / 10 % 60));
    if (apart != 0 && tenths < 10 * TENTHS_BELOW_S)
        snprintf(out + used, INCIDENT_OFFSET_MAX - (size_t)used, ".%d", (int)(tenths % 10));
    return out;
}

const char *incident_guest(const struct incident *i)
{
    if (i->vm_name[0] != '\0')
        return i->vm_name;
    return i->vm_id[0] != '\0' ? i->vm_id : "(guest not known)";
}

const char *incident_blamed(const struct incident *i, char out[INCIDENT_BLAMED_MAX])
{
    out[0] = '\0';
    for (int n = 0; n < i->dump_count; n++) {
        const struct incident_dump *d = &i->dumps[n];

        if (d->module[0] == '\0' && d->culprit[0] == '\0')
            continue;
        snprintf(out, INCIDENT_BLAMED_MAX, "%s%s%s", d->module[0] != '\0' ? d->module : d->culprit,
                 d->module[0] != '\0' && d->offset[0] != '\0' ? "+" : "", d->module[0] != '\0' ? d->offset : "");
        break;
    }
    return out;
}

const char *incident_length(int64_t ns, char out[32])
{
    _Static_assert(TIMES_TEXT_MAX == 32, "a length fits");

    if (ns > 0 && ns < NS_PER_S)
        snprintf(out, 32, "%" PRId64 " ms", ns / NS_PER_MS);
    else if (ns > 0 && ns < TENTHS_BELOW_S * NS_PER_S && ns % NS_PER_S >= NS_PER_S / 10)
        snprintf(out, 32, "%.1f s", (double)(ns / (NS_PER_S / 10)) / 10);
    else if (ns > 0 && ns < SECONDS_BELOW_S * NS_PER_S)
        snprintf(out, 32, "%" PRId64 " s", ns / NS_PER_S);
    else
        times_format_length(ns, out);
    return out;
}

const char *incident_moved(const struct incident *i, char out[64])
{
    char length[32];

    out[0] = '\0';
    if (i->migration.known && i->migration.during)
        snprintf(out, 64, "during a migration");
    else if (i->migration.known && i->migration.before_ns >= 0)
        snprintf(out, 64, "%s after a migration", incident_length(i->migration.before_ns, length));
    return out;
}

/* ---- the crash itself -------------------------------------------------------------- */

static void tell_time(struct facts *f)
{
    static const char *const sources[TOLD_COUNT] = {
        [TOLD_BY_DUMP] = "from the dump, by the guest's own clock",
        [TOLD_BY_FILE] = "when the dump file was written; the crash was before",
    };
    char time[INCIDENT_TIME_MAX];

    if (sources[f->i->time_source] == NULL)
        return;
    buf_printf(&f->line, "%s, %s", incident_time_words(f->i->time, time), sources[f->i->time_source]);
    say(f, "Time");
}

static void tell_bugcheck(struct facts *f)
{
    const struct incident_bugcheck *b = &f->i->bugcheck;

    if (!b->known)
        return;
    for (int n = 0; b->params_known && n < INCIDENT_PARAMS; n++)
        buf_printf(&f->line, "%s0x%" PRIx64, n > 0 ? ", " : "", b->params[n]);
    if (b->cause[0] != '\0')
        buf_printf(&f->line, "%s%s", f->line.len > 0 ? ": " : "", b->cause);
    say(f, "Parameters");
}

static void tell_linux(struct facts *f)
{
    const struct incident_linux *x = &f->i->linux_panic;

    if (!x->known)
        return;
    if (x->version[0] != '\0')
        buf_printf(&f->line, "kernel %s", x->version);
    if (x->rip[0] != '\0')
        buf_printf(&f->line, "%sRIP %s", f->line.len > 0 ? ", " : "", x->rip);
    if (x->rsp[0] != '\0')
        buf_printf(&f->line, "%sRSP %s", f->line.len > 0 ? ", " : "", x->rsp);
    if (x->die_code[0] != '\0')
        buf_printf(&f->line, "%sdie code %s", f->line.len > 0 ? ", " : "", x->die_code);
    say(f, "Linux panic");
    buf_str(&f->line, x->message);
    say(f, "Its message");
}

static void tell_blamed(struct facts *f)
{
    char blamed[INCIDENT_BLAMED_MAX];

    if (incident_blamed(f->i, blamed)[0] == '\0')
        return;
    buf_str(&f->line, blamed);
    for (int n = 0; n < f->i->dump_count; n++) {
        const struct incident_dump *d = &f->i->dumps[n];

        if (d->module[0] == '\0' && d->culprit[0] == '\0')
            continue;
        if (d->culprit_confidence[0] != '\0')
            buf_printf(&f->line, " (%s)", d->culprit_confidence);
        if (f->i->origin != ORIGIN_UNKNOWN)
            part(f, incident_origin_name(f->i->origin));
        if (d->evidence[0] != '\0')
            buf_printf(&f->line, ": %s", d->evidence);
        break;
    }
    say(f, "Blamed");
}

static void tell_dumps(struct facts *f)
{
    for (int n = 0; n < f->i->dump_count; n++) {
        const struct incident_dump *d = &f->i->dumps[n];

        part(f, d->path[0] != '\0' ? d->path : "path not known");
        part(f, d->format);
        if (strcmp(d->status, "ok") != 0)
            part(f, d->status);
        part(f, d->problem);
        if (d->joined_by[0] != '\0' && strcmp(d->joined_by, "vm-id") != 0)
            buf_printf(&f->line, ", belongs here by its %s", d->joined_by);
        say(f, "Dump");
        part(f, d->failure_id[0] != '\0' ? d->failure_id : d->bucket);
        say(f, "Bucket");
    }
}

/* ---- the guest ---------------------------------------------------------------------- */

static void tell_drift(struct facts *f)
{
    const struct incident_drift *d = &f->i->drift;
    char since[TIMES_TEXT_MAX];

    if (!d->known) {
        buf_printf(&f->line, "not known%s%s", d->why[0] != '\0' ? ": " : "", d->why);
        say_as(f, "Integration services", false);
        return;
    }
    buf_str(&f->line, drift_state_name(d->state));
    if (d->guest_version[0] != '\0')
        buf_printf(&f->line, ", had %s", d->guest_version);
    if (d->expected_version[0] != '\0')
        buf_printf(&f->line, ", should have had %s", d->expected_version);
    if (d->since != 0)
        buf_printf(&f->line, ", so since %.10s", times_format(d->since, since));
    if (d->stale)
        buf_str(&f->line, ", by an old look");
    say(f, "Integration services");
}

static void tell_guest(struct facts *f)
{
    static const char *const sources[TOLD_COUNT] = {
        [TOLD_NOT] = "",
        [TOLD_BY_EVENT] = "the host's events",
        [TOLD_BY_DUMP] = "the dump",
        [TOLD_BY_FILE] = "the dump",
        [TOLD_BY_HISTORY] = "history",
    };
    const struct incident *i = f->i;
    char length[32];

    part(f, i->guest_os);
    if (strstr(i->guest_os, i->guest_os_version) == NULL)
        part(f, i->guest_os_version);
    if (i->uptime_ns >= 0) {
        part(f, "up ");
        buf_str(&f->line, incident_length(i->uptime_ns, length));
        if (i->uptime_source != TOLD_NOT)
            buf_printf(&f->line, " (by %s)", sources[i->uptime_source]);
    }
    part(f, i->rebooted ? "came up again" : "");
    say(f, "Guest");
}

/* "live migration" */
static void migration_kind(struct facts *f)
{
    const struct incident_migration *m = &f->i->migration;

    buf_printf(&f->line, "%s%smigration", m->kind, m->kind[0] != '\0' ? " " : "");
}

static void tell_migration(struct facts *f)
{
    const struct incident_migration *m = &f->i->migration;
    char length[32];

    if (!m->known) {
        buf_str(&f->line, "none told of");
        say_as(f, "Migration", false);
        return;
    }
    migration_kind(f);
    if (m->during)
        buf_str(&f->line, ", not over when the guest crashed");
    else if (m->before_ns >= 0)
        buf_printf(&f->line, ", %s before", incident_length(m->before_ns, length));
    if (m->from[0] != '\0')
        buf_printf(&f->line, ", from %s", m->from);
    if (m->to[0] != '\0')
        buf_printf(&f->line, "%s to %s", m->from[0] != '\0' ? "" : ",", m->to);
    if (m->blackout_ns >= 0)
        buf_printf(&f->line, ", blackout %s%s", incident_length(m->blackout_ns, length),
                   m->unexpectedly_long ? ", unexpectedly long" : "");
    part(f, m->failed ? "it failed" : "");
    say(f, "Migration");
}

static void tell_memory(struct facts *f)
{
    const struct incident_configuration *c = &f->i->configuration;

    if (!c->known) {
        buf_printf(&f->line, "not known%s%s", c->why[0] != '\0' ? ": " : "", c->why);
        say_as(f, "Configuration", false);
        return;
    }
    if (c->dynamic_memory >= 0)
        part(f, c->dynamic_memory != 0 ? "dynamic" : "fixed");
    if (c->assigned_mib >= 0)
        buf_printf(&f->line, "%s%" PRId64 " MiB assigned", f->line.len > 0 ? ", " : "", c->assigned_mib);
    if (c->demanded_mib >= 0)
        buf_printf(&f->line, "%s%" PRId64 " MiB demanded", f->line.len > 0 ? ", " : "", c->demanded_mib);
    if (c->available_percent >= 0)
        buf_printf(&f->line, "%s%" PRId64 " %% available", f->line.len > 0 ? ", " : "", c->available_percent);
    part(f, c->memory_pressure > 0 ? "under pressure: more demanded than assigned" : "");
    say(f, "Memory");
}

static const char *controller(const char *word)
{
    if (strcmp(word, "scsi") == 0 || strcmp(word, "ide") == 0)
        return word[0] == 's' ? "SCSI" : "IDE";
    return word[0] != '\0' ? word : "controller not known,";
}

/* "2 SCSI dynamic, 1 IDE fixed": alike ones together, in order of the first of each. */
static void tell_disks(struct facts *f)
{
    const struct incident_configuration *c = &f->i->configuration;

    for (int n = 0; c->known && n < c->disk_count; n++) {
        const struct incident_disk *d = &c->disks[n];
        int alike = 0, before = 0;

        for (int m = 0; m < c->disk_count; m++) {
            bool same = strcmp(c->disks[m].controller, d->controller) == 0 && strcmp(c->disks[m].kind, d->kind) == 0;

            alike += same;
            before += same && m < n;
        }
        if (before > 0)
            continue;
        buf_printf(&f->line, "%s%d %s %s", f->line.len > 0 ? ", " : "", alike, controller(d->controller),
                   d->kind[0] != '\0' ? d->kind : "(kind not known)");
    }
    say(f, "Disks");
}

static void tell_machine(struct facts *f)
{
    const struct incident_configuration *c = &f->i->configuration;

    if (!c->known)
        return;
    if (c->generation > 0)
        buf_printf(&f->line, "generation %d", c->generation);
    if (c->processors > 0)
        buf_printf(&f->line, "%s%d %s", f->line.len > 0 ? ", " : "", c->processors,
                   c->processors == 1 ? "processor" : "processors");
    if (c->checkpoints >= 0)
        buf_printf(&f->line, "%s%d %s", f->line.len > 0 ? ", " : "", c->checkpoints,
                   c->checkpoints == 1 ? "checkpoint" : "checkpoints");
    say(f, "Machine");
}

/* ---- around it ------------------------------------------------------------------------ */

static void tell_host(struct facts *f)
{
    const struct incident *i = f->i;
    char offset[INCIDENT_OFFSET_MAX];

    part(f, i->host_name[0] != '\0' ? i->host_name : i->host_id);
    if (i->host_os_version[0] != '\0') {
        part(f, "Windows ");
        buf_str(&f->line, i->host_os_version);
    }
    if (i->host_is_version[0] != '\0')
        buf_printf(&f->line, ", expects integration services %s", i->host_is_version);
    if (i->host_booted != 0)
        buf_printf(&f->line, ", the host itself started at %s", incident_offset(i, i->host_booted, offset));
    say(f, "Host");
}

static void tell_storage(struct facts *f)
{
    const struct incident_storage *s = &f->i->storage;
    char length[32];

    if (s->count == 0 && !s->path_lost) {
        buf_str(&f->line, "no trouble told of");
        say_as(f, "Storage", false);
        return;
    }
    buf_printf(&f->line, "%" PRId64 " %s", s->count, s->count == 1 ? "event" : "events");
    if (s->longest_ns >= 0)
        buf_printf(&f->line, ", the longest wait %s", incident_length(s->longest_ns, length));
    if (s->longest_ns >= 0 && s->longest_device[0] != '\0')
        buf_printf(&f->line, " on %s", s->longest_device);
    part(f, s->path_lost ? "a path or volume was lost" : "");
    say(f, "Storage");
}

static void tell_cluster(struct facts *f)
{
    for (int n = 0; n < f->i->cluster_event_count; n++) {
        const struct incident_cluster_event *c = &f->i->cluster_events[n];

        part(f, c->signal);
        if (c->object[0] != '\0')
            buf_printf(&f->line, " of %s", c->object);
        if (c->event_id > 0)
            buf_printf(&f->line, " (event %" PRId64 ")", c->event_id);
        if (c->count > 1)
            buf_printf(&f->line, " %" PRId64 " times", c->count);
    }
    if (f->line.len > 0) {
        say(f, "Cluster");
        return;
    }
    buf_str(&f->line, "no trouble told of");
    say_as(f, "Cluster", false);
}

static void tell_others(struct facts *f)
{
    char offset[INCIDENT_OFFSET_MAX];

    for (int n = 0; n < f->i->other_count; n++) {
        const struct incident_other *o = &f->i->others[n];

        part(f, o->vm_name[0] != '\0' ? o->vm_name : o->vm_id);
        buf_printf(&f->line, " (%s, %s)", o->what, incident_offset(f->i, o->time, offset));
    }
    if (f->line.len > 0) {
        say(f, "Also crashed");
        return;
    }
    buf_str(&f->line, "no other guest of the host");
    say_as(f, "Also crashed", false);
}

static void tell_gaps(struct facts *f)
{
    if (f->i->gaps > 0) {
        buf_printf(&f->line, "%d %s in what is known around the crash: what is missing may have mattered", f->i->gaps,
                   f->i->gaps == 1 ? "gap" : "gaps");
        say(f, "Not known");
    }
    if (f->i->cut) {
        buf_str(&f->line, "there was more to tell than an incident holds; the nearest in time is kept");
        say(f, "Not shown");
    }
}

static void tell_notes(struct facts *f)
{
    for (int n = 0; n < f->i->notes.count; n++) {
        buf_str(&f->line, f->i->notes.line[n]);
        say(f, "Note");
    }
}

int incident_facts(const struct incident *i, incident_take_fact *take, void *arg, struct err *e)
{
    static void (*const tell[])(struct facts * f) = {
        tell_time,      tell_bugcheck, tell_linux,   tell_blamed, tell_drift, tell_guest,
        tell_migration, tell_storage,  tell_cluster, tell_others, tell_host,  tell_memory,
        tell_disks,     tell_machine,  tell_dumps,   tell_gaps,   tell_notes,
    };
    struct facts f = { .i = i, .take = take, .arg = arg };

    buf_init(&f.line, LINE_MAX_BYTES);
    for (size_t n = 0; n < sizeof tell / sizeof tell[0]; n++)
        tell[n](&f);
    buf_free(&f.line);
    return f.error == ERR_OK ? 0 : err_set(e, f.error, "no room for what is known of incident %s", i->id);
}
