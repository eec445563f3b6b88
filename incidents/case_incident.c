/* One crash to one incident: who, when, what, and what history says of the
 * guest at that moment.
 *
 * Where signs differ, the anchor is believed; what it does not say is taken
 * from the other signs, in order of time.
 */
#include "base/text.h"
#include "incidents/case.h"
#include "triage/bugchecks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)CONFIG_DISKS_KEPT <= (int)INCIDENT_DISKS_MAX, "all disks that are kept of a guest fit");
_Static_assert((int)INCIDENT_PARAMS == (int)DUMP_PARAMS, "a bug check has four parameters");

/* ---- who and when ---------------------------------------------------------------------- */

static const struct sign *sign_at(const struct scene *s, int n)
{
    return n != -1 ? &s->joined->signs[n] : NULL;
}

#define EACH_SIGN(s, crash, x) \
    for (const struct sign *x = sign_at((s), (crash)->first); x != NULL; x = sign_at((s), x->next))

static void take_names(const struct scene *s, const struct crash *crash, struct incident *i)
{
    const struct sign *anchor = &s->joined->signs[crash->anchor];
    const char *name = anchor->vm_name;

    i->id = incident_text(i, crash->id);
    i->vm_id = incident_text(i, crash->vm_id);
    EACH_SIGN(s, crash, x)
    {
        /* A folder's name may be anything; an event has the VM's. */
        if (x->c->kind != CLUE_DUMP && x->vm_name[0] != '\0') {
            name = x->vm_name;
            break;
        }
    }
    i->vm_name = incident_text(i, name);
    i->time = crash->t;
    i->time_source = anchor->c->kind != CLUE_DUMP ? TOLD_BY_EVENT : anchor->c->has_time ? TOLD_BY_DUMP : TOLD_BY_FILE;
}

static void take_host(const struct scene *s, const struct clue *told, const struct guest_moment *guest,
                      struct incident *i)
{
    /* Who found a dump need not be where the guest ran. */
    bool from_history = told->kind == CLUE_DUMP && guest->known && guest->host_id != NULL && guest->host_id[0] != '\0';
    struct host_moment host = { 0 };

    i->host_id = incident_text(i, from_history ? guest->host_id : told->text[TEXT_HOST_ID]);
    i->host_name = incident_text(i, from_history ? guest->host_name : told->text[TEXT_HOST_NAME]);
    i->cluster = incident_text(i, from_history ? guest->cluster : told->text[TEXT_CLUSTER]);
    if (!from_history) {
        i->host_os_version = incident_text(i, told->text[TEXT_OS_VERSION]);
        i->host_is_version = incident_text(i, told->text[TEXT_IS_VERSION]);
    }
    if (s->options->host_at != NULL && i->host_id[0] != '\0')
        s->options->host_at(s->options->arg, i->host_id, i->time, &host);
    if (!host.known)
        return;
    i->host_os_version = incident_text(i, host.os_version);
    i->host_is_version = incident_text(i, host.is_version);
    if (i->host_name[0] == '\0')
        i->host_name = incident_text(i, host.name);
    if (i->cluster[0] == '\0')
        i->cluster = incident_text(i, host.cluster);
}

/* Words of what is not known are "" here. */
static const char *known(const char *word)
{
    return strcmp(word, "unknown") != 0 ? word : "";
}

/* Demand over what is assigned, or nothing available, is pressure; with neither told it is not known. */
static int pressure(const struct guest_config *c)
{
    if (c->has_available)
        return c->available_percent <= 0 || (c->demand_mib > 0 && c->demand_mib > c->assigned_mib);
    return c->demand_mib > 0 && c->assigned_mib > 0 ? c->demand_mib > c->assigned_mib : -1;
}

void incident_configuration_of(const struct guest_config *c, struct incident_configuration *out)
{
    *out = (struct incident_configuration){
        .known = c->time != 0,
        .why = c->time != 0 ? "" : "the guest's configuration was not collected",
        .dynamic_memory = c->memory == MEMORY_UNKNOWN ? -1 : c->memory == MEMORY_DYNAMIC,
        .memory_pressure = pressure(c),
        .assigned_mib = c->assigned_mib > 0 ? c->assigned_mib : -1,
        .demanded_mib = c->demand_mib > 0 ? c->demand_mib : -1,
        .available_percent = !c->has_available          ? -1
                             : c->available_percent < 0 ? 0
                                                        : c->available_percent,
        .generation = c->generation > 0 ? c->generation : -1,
        .checkpoints = c->checkpoints,
        .processors = c->processors > 0 ? c->processors : -1,
    };
    for (int d = 0; d < c->disk_count && d < CONFIG_DISKS_KEPT; d++)
        out->disks[out->disk_count++] =
            (struct incident_disk){ .controller = known(disk_controller_name(c->disks[d].controller)),
                                    .kind = known(disk_kind_name(c->disks[d].kind)),
                                    .path = "" };
}

static void take_configuration(const struct incident_configuration *from, const char *why, struct incident *i)
{
    struct incident_configuration *to = &i->configuration;

    if (!from->known) {
        to->why = incident_text(i, from->why != NULL && from->why[0] != '\0' ? from->why : why);
        return;
    }
    *to = *from;
    to->why = "";
    assert(to->disk_count >= 0 && to->disk_count <= INCIDENT_DISKS_MAX);
    for (int d = 0; d < to->disk_count; d++) {
        to->disks[d].controller = incident_text(i, from->disks[d].controller);
        to->disks[d].kind = incident_text(i, from->disks[d].kind);
        to->disks[d].path = incident_text(i, from->disks[d].path);
    }
}

static void take_moment(const struct guest_moment *guest, struct incident *i)
{
    if (!guest->known) {
        i->drift.why = incident_text(i, guest->why != NULL ? guest->why : "nothing is known of this guest");
        take_configuration(&(struct incident_configuration){ 0 }, i->drift.why, i);
        return;
    }
    if (i->vm_name[0] == '\0')
        i->vm_name = incident_text(i, guest->vm_name);
    i->drift = (struct incident_drift){ .known = true,
                                        .why = "",
                                        .state = guest->state,
                                        .row = guest->row,
                                        .since = guest->since,
                                        .stale = guest->stale,
                                        .guest_version = incident_text(i, guest->guest_version),
                                        .expected_version = incident_text(i, guest->expected_version) };
    i->guest_os = incident_text(i, guest->os_name);
    i->guest_os_version = incident_text(i, guest->os_version);
    i->family = guest->family;
    if (guest->booted > 0 && guest->booted <= i->time) {
        i->uptime_ns = i->time - guest->booted;
        i->uptime_source = TOLD_BY_HISTORY;
    }
    if (guest->last_migration > 0 && guest->last_migration <= i->time) {
        i->migration.known = true;
        i->migration.time = guest->last_migration;
        i->migration.before_ns = i->time - guest->last_migration;
    }
    take_configuration(&guest->configuration, "the guest's configuration was not collected", i);
}

/* ---- what ------------------------------------------------------------------------------ */

static void take_code(const struct clue *c, struct incident *i)
{
    struct incident_bugcheck *b = &i->bugcheck;
    const char *meanings[DUMP_PARAMS], *cause = "";

    if (!c->has_code || (b->known && (b->params_known || !c->has_params)))
        return;
    b->known = true;
    b->params_known = c->has_params;
    b->code = c->code;
    memcpy(b->params, c->params, sizeof b->params);
    b->name = incident_text(i, bugcheck_name(c->code));
    if (c->has_params)
        bugcheck_meanings(c->code, c->params, meanings, &cause);
    if (cause[0] == '\0')
        cause = clue_text(c, TEXT_CAUSE);
    b->cause = incident_text(i, cause);
}

static void take_linux(const struct clue *c, struct incident *i)
{
    if (c->what != INCIDENT_LINUX_PANIC)
        return;
    i->family = FAMILY_LINUX;
    i->linux_panic = (struct incident_linux){ .known = true,
                                              .version = incident_text(i, c->text[TEXT_LINUX_VERSION]),
                                              .guest_os_id = incident_text(i, c->text[TEXT_LINUX_ID]),
                                              .die_code = incident_text(i, c->text[TEXT_LINUX_DIE]),
                                              .rip = incident_text(i, c->text[TEXT_LINUX_RIP]),
                                              .rsp = incident_text(i, c->text[TEXT_LINUX_RSP]),
                                              .message = incident_text(i, c->text[TEXT_MESSAGE]) };
}

static void take_what(const struct scene *s, const struct crash *crash, struct incident *i)
{
    const struct clue *anchor = s->joined->signs[crash->anchor].c;
    bool events = false;

    take_code(anchor, i);
    take_linux(anchor, i);
    EACH_SIGN(s, crash, x)
    {
        take_code(x->c, i);
        events = events || (x->c->kind != CLUE_DUMP && x->c->kind != CLUE_WRITTEN);
        if (x->note != NULL)
            incident_line(i, &i->notes, x->note);
    }
    i->kind = anchor->kind == CLUE_DUMP && events && i->bugcheck.known ? INCIDENT_BUGCHECK : anchor->what;
    if (i->bugcheck.known && i->family == FAMILY_UNKNOWN)
        i->family = FAMILY_WINDOWS;
}

/* ---- dumps ----------------------------------------------------------------------------- */

/* How much a dump tells: a verdict with a driver, any verdict, a code, nothing. */
static int telling(const struct clue *c)
{
    static const char *const sure[] = { "none", "guess", "likely", "exact" };
    int rank = c->has_code ? 1 : 0;

    for (int n = 0; n < (int)(sizeof sure / sizeof sure[0]); n++) {
        if (strcmp(clue_text(c, TEXT_CONFIDENCE), sure[n]) == 0)
            rank = 2 + 2 * n + (clue_text(c, TEXT_MODULE)[0] != '\0');
    }
    return rank;
}

static int compare_dumps(const struct sign *a, const struct sign *b)
{
    if (telling(a->c) != telling(b->c))
        return telling(a->c) > telling(b->c) ? -1 : 1;
    if (a->c->found != b->c->found)
        return a->c->found > b->c->found ? -1 : 1;
    return clue_compare_time(a->c, b->c);
}

static void put_dump(const struct sign *x, struct incident *i)
{
    const struct clue *c = x->c;
    struct incident_dump *d = &i->dumps[i->dump_count++];

#define TEXT(t) incident_text(i, clue_text(c, t))
    *d = (struct incident_dump){ .path = TEXT(TEXT_DEVICE),
                                 .status = TEXT(TEXT_STATUS),
                                 .verdict = TEXT(TEXT_VERDICT),
                                 .format = TEXT(TEXT_FORMAT),
                                 .arch = TEXT(TEXT_ARCH),
                                 .problem = TEXT(TEXT_PROBLEM),
                                 .culprit = TEXT(TEXT_CULPRIT),
                                 .culprit_kind = TEXT(TEXT_CULPRIT_KIND),
                                 .module = TEXT(TEXT_MODULE),
                                 .offset = TEXT(TEXT_OFFSET),
                                 .culprit_confidence = TEXT(TEXT_CONFIDENCE),
                                 .evidence = TEXT(TEXT_EVIDENCE),
                                 .fault = TEXT(TEXT_FAULT),
                                 .notes = TEXT(TEXT_NOTES),
                                 .bucket = TEXT(TEXT_BUCKET),
                                 .failure_id = TEXT(TEXT_FAILURE_ID),
                                 .failure_hash = TEXT(TEXT_FAILURE_HASH),
                                 .process = TEXT(TEXT_PROCESS),
                                 .role = TEXT(TEXT_ROLE),
                                 .components = TEXT(TEXT_COMPONENTS),
                                 .bios_vendor = TEXT(TEXT_BIOS_VENDOR),
                                 .bios_version = TEXT(TEXT_BIOS_VERSION),
                                 .bios_date = TEXT(TEXT_BIOS_DATE),
                                 .crash_time = c->has_time ? c->time : 0,
                                 .found = c->found,
                                 .uptime_ns = c->length_ns,
                                 .size = c->size,
                                 .build = c->build,
                                 .ubr = c->ubr,
                                 .joined_by = incident_text(i, x->joined_by) };
#undef TEXT
}

static bool is_listed(const struct incident *i, const struct clue *c)
{
    for (int d = 0; d < i->dump_count; d++) {
        if (text_casecmp(i->dumps[d].path, c->text[TEXT_DEVICE]) == 0)
            return true;
    }
    return false;
}

/* The version that a build is of, where only the dump tells of the guest's system. */
static void take_build(struct incident *i)
{
    static const struct {
        int64_t from;
        const char *version;
    } releases[] = { { 10240, "10.0" }, { 9600, "6.3" }, { 9200, "6.2" }, { 7600, "6.1" },
                     { 6000, "6.0" },   { 3790, "5.2" }, { 2600, "5.1" } };
    int64_t build = 0;

    for (int d = 0; d < i->dump_count && build == 0; d++)
        build = i->dumps[d].build;
    for (size_t n = 0; n < sizeof releases / sizeof releases[0] && i->guest_os_version[0] == '\0'; n++) {
        if (build >= releases[n].from)
            i->guest_os_version = incident_textf(i, "%s.%lld", releases[n].version, (long long)build);
    }
}

/* The most telling first; of several readings of one file the newest. */
static void take_dumps(const struct scene *s, const struct crash *crash, struct incident *i)
{
    const struct sign *last = NULL;

    while (i->dump_count < INCIDENT_DUMPS_MAX) {
        const struct sign *best = NULL;

        EACH_SIGN(s, crash, x)
        {
            if (x->c->kind == CLUE_DUMP && !is_listed(i, x->c) && (best == NULL || compare_dumps(x, best) < 0))
                best = x;
        }
        if (best == NULL || best == last)
            break;
        put_dump(best, i);
        last = best;
    }
    for (int d = 0; d < i->dump_count && i->origin == ORIGIN_UNKNOWN; d++)
        i->origin = incident_origin_of(i->dumps[d].culprit_kind, i->dumps[d].module);
    for (int d = i->dump_count - 1; d >= 0; d--) {
        if (i->dumps[d].uptime_ns >= 0) {
            i->uptime_ns = i->dumps[d].uptime_ns;
            i->uptime_source = TOLD_BY_DUMP;
        }
    }
}

/* ---- signs ----------------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
    const struct incident_place *x = a, *y = b;
    int order = strcmp(x->agent, y->agent);

    return order != 0 ? order : (x->seq < y->seq ? -1 : x->seq > y->seq);
}

static void take_signs(const struct scene *s, const struct crash *crash, struct incident *i)
{
    EACH_SIGN(s, crash, x)
    {
        if (i->sign_count == INCIDENT_SIGNS_MAX) {
            i->cut = true;
            break;
        }
        i->signs[i->sign_count++] =
            (struct incident_place){ .agent = incident_text(i, x->c->text[TEXT_AGENT]), .seq = x->c->seq };
    }
    qsort(i->signs, (size_t)i->sign_count, sizeof i->signs[0], compare_places);
}

struct incident *scene_incident(const struct scene *s, const struct crash *crash)
{
    const struct clue *anchor = s->joined->signs[crash->anchor].c;
    struct guest_moment guest = { .why = "no history was at hand" };
    struct incident *i = incident_new();

    if (i == NULL)
        return NULL;
    take_names(s, crash, i);
    if (s->options->guest_at != NULL && crash->vm_id[0] != '\0')
        s->options->guest_at(s->options->arg, crash->vm_id, crash->t, &guest);
    else if (crash->vm_id[0] == '\0')
        guest.why = "it is not known which guest this was";
    take_moment(&guest, i);
    take_host(s, anchor, &guest, i);
    take_what(s, crash, i);
    scene_uptime(s, i);
    take_dumps(s, crash, i);
    take_build(i);
    take_signs(s, crash, i);
    scene_migration(s, i);
    scene_others(s, crash, i);
    scene_repeats(s, crash, i);
    if (scene_trouble(s, i) != 0 || scene_timeline(s, crash, i) != 0 || i->no_memory) {
        incident_free(i);
        return NULL;
    }
    return i;
}
