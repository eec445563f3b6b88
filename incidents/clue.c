/* See clue.h. */
#include "incidents/clue.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LONG = 512, TEXT_SHORT = 256 };

/* Later times (the year 2252) are nobody's, and leave room to add to the others. */
#define TIME_MAX   (INT64_MAX - INT64_C(10) * 366 * 24 * 3600 * NS_PER_S)
#define AHEAD_MAX  (INT64_C(24) * 3600 * NS_PER_S)
#define BOOT_NEWS  (INT64_C(24) * 3600 * NS_PER_S)
#define BOOT_GRAIN (10 * NS_PER_S)

/* ---- what is kept -------------------------------------------------------------- */

/* Which observations become which clue; word NULL: any. */
struct wanted {
    enum obs_kind obs;
    const char *word;
    enum clue_kind kind;
    enum incident_kind what;
};

/* clang-format off */
static const struct wanted wanted[] = {
    { OBS_GUEST_CRASH, "bugcheck", CLUE_REPORT, INCIDENT_BUGCHECK },
    { OBS_GUEST_CRASH, "linux-panic", CLUE_REPORT, INCIDENT_LINUX_PANIC },
    { OBS_GUEST_CRASH, "triple-fault", CLUE_SECOND, INCIDENT_TRIPLE_FAULT },
    { OBS_GUEST_CRASH, "watchdog", CLUE_SECOND, INCIDENT_WATCHDOG },
    { OBS_GUEST_CRASH, "worker-died", CLUE_SECOND, INCIDENT_WORKER_DIED },
    { OBS_GUEST_CRASH, "dump-written", CLUE_WRITTEN, INCIDENT_DUMP_ONLY },
    { OBS_GUEST_CRASH, "dump-failed", CLUE_WRITTEN, INCIDENT_OTHER },
    { OBS_GUEST_CRASH, NULL, CLUE_SECOND, INCIDENT_OTHER },
    { OBS_GUEST_DUMP, NULL, CLUE_DUMP, INCIDENT_DUMP_ONLY },
    { OBS_GUEST_LIFECYCLE, "stopped-critical", CLUE_SECOND, INCIDENT_STOPPED_CRITICAL },
    { OBS_GUEST_LIFECYCLE, "started", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "stopped", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "shut-down", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "saved", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "restored", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "paused", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "resumed", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "reset", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "paused-critical", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "resumed-critical", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "removed", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "boot-failed", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_LIFECYCLE, "worker-unhealthy", CLUE_LIFE, INCIDENT_OTHER },
    { OBS_GUEST_MIGRATION, NULL, CLUE_MIGRATION, INCIDENT_OTHER },
    { OBS_GUEST_VERSION_MISMATCH, NULL, CLUE_VERSION, INCIDENT_OTHER },
    { OBS_HOST_INVENTORY, NULL, CLUE_BOOT, INCIDENT_OTHER },
    { OBS_GAP, NULL, CLUE_GAP, INCIDENT_OTHER },
    { OBS_HOST_CLUSTER, NULL, CLUE_CLUSTER, INCIDENT_OTHER },
    { OBS_HOST_STORAGE, NULL, CLUE_STORAGE, INCIDENT_OTHER },
};

/* Signals that are no trouble, and no end of trouble either. */
static const char *const noise[] = { "io-latency-summary", "disk-low", "path-status" };

/* The attribute that says what kind of thing happened. */
static const char *const word_keys[CLUE_KIND_COUNT] = {
    [CLUE_REPORT] = ATTR_CRASH_KIND,   [CLUE_SECOND] = ATTR_CRASH_KIND, [CLUE_WRITTEN] = ATTR_CRASH_KIND,
    [CLUE_DUMP] = ATTR_CRASH_KIND,     [CLUE_LIFE] = ATTR_VM_CHANGE,    [CLUE_MIGRATION] = ATTR_MIGRATION_PHASE,
    [CLUE_VERSION] = ATTR_MISMATCH_SIGNAL, [CLUE_GAP] = ATTR_GAP_REASON, [CLUE_CLUSTER] = ATTR_SIGNAL,
    [CLUE_STORAGE] = ATTR_SIGNAL,
};
static const char *const detail_keys[CLUE_KIND_COUNT] = {
    [CLUE_REPORT] = ATTR_VM_REASON,  [CLUE_SECOND] = ATTR_VM_REASON,   [CLUE_WRITTEN] = ATTR_STATUS,
    [CLUE_DUMP] = ATTR_STATUS,       [CLUE_LIFE] = ATTR_VM_REASON,     [CLUE_MIGRATION] = ATTR_MIGRATION_KIND,
    [CLUE_VERSION] = ATTR_IC_SERVICE, [CLUE_GAP] = ATTR_SOURCE,        [CLUE_CLUSTER] = ATTR_CLUSTER_OBJECT,
    [CLUE_STORAGE] = ATTR_STATUS,
};
static const char *const device_keys[CLUE_KIND_COUNT] = {
    [CLUE_REPORT] = ATTR_DUMP_PATH,  [CLUE_SECOND] = ATTR_DUMP_PATH,   [CLUE_WRITTEN] = ATTR_DUMP_PATH,
    [CLUE_DUMP] = ATTR_DUMP_PATH,    [CLUE_LIFE] = ATTR_DEVICE,        [CLUE_MIGRATION] = ATTR_MIGRATION_PEER,
    [CLUE_VERSION] = ATTR_DEVICE,    [CLUE_GAP] = ATTR_DEVICE,         [CLUE_CLUSTER] = ATTR_DEVICE,
    [CLUE_STORAGE] = ATTR_DEVICE,
};

/* Texts that are attributes whatever the kind. */
static const char *const text_keys[TEXT_ALL] = {
    [TEXT_VM_ID] = ATTR_VM_ID, [TEXT_VM_NAME] = ATTR_VM_NAME, [TEXT_MESSAGE] = ATTR_CRASH_MESSAGE,
    [TEXT_LINUX_VERSION] = ATTR_LINUX_VERSION, [TEXT_LINUX_ID] = ATTR_LINUX_GUEST_ID,
    [TEXT_LINUX_DIE] = ATTR_LINUX_DIE_CODE, [TEXT_LINUX_RIP] = ATTR_LINUX_RIP, [TEXT_LINUX_RSP] = ATTR_LINUX_RSP,
    [TEXT_STATUS] = ATTR_DUMP_STATUS, [TEXT_VERDICT] = ATTR_DUMP_VERDICT, [TEXT_FORMAT] = ATTR_DUMP_FORMAT,
    [TEXT_ARCH] = ATTR_DUMP_ARCH, [TEXT_PROBLEM] = ATTR_DUMP_PROBLEM, [TEXT_CULPRIT] = ATTR_DUMP_CULPRIT,
    [TEXT_CULPRIT_KIND] = ATTR_DUMP_CULPRIT_KIND, [TEXT_MODULE] = ATTR_DUMP_CULPRIT_MODULE,
    [TEXT_OFFSET] = ATTR_DUMP_CULPRIT_OFFSET, [TEXT_CONFIDENCE] = ATTR_DUMP_CULPRIT_CONFIDENCE,
    [TEXT_EVIDENCE] = ATTR_DUMP_CULPRIT_EVIDENCE, [TEXT_FAULT] = ATTR_DUMP_FAULT, [TEXT_NOTES] = ATTR_DUMP_NOTES,
    [TEXT_BUCKET] = ATTR_DUMP_BUCKET, [TEXT_FAILURE_ID] = ATTR_DUMP_BUCKET_ID,
    [TEXT_FAILURE_HASH] = ATTR_DUMP_BUCKET_HASH, [TEXT_NAME] = ATTR_DUMP_BUGCHECK, [TEXT_CAUSE] = ATTR_DUMP_CAUSE,
    [TEXT_PROCESS] = ATTR_DUMP_PROCESS, [TEXT_ROLE] = ATTR_DUMP_ROLE, [TEXT_COMPONENTS] = ATTR_DUMP_COMPONENTS,
    [TEXT_BIOS_VENDOR] = ATTR_DUMP_BIOS_VENDOR, [TEXT_BIOS_VERSION] = ATTR_DUMP_BIOS_VERSION,
    [TEXT_BIOS_DATE] = ATTR_DUMP_BIOS_DATE,
};
/* clang-format on */

static const char *word_of(const struct observation *o)
{
    switch (o->kind) {
    case OBS_GUEST_CRASH:
    case OBS_GUEST_DUMP:
        return obs_get_str(o, ATTR_CRASH_KIND);
    case OBS_GUEST_LIFECYCLE:
        return obs_get_str(o, ATTR_VM_CHANGE);
    default:
        return obs_get_str(o, ATTR_SIGNAL);
    }
}

static const struct wanted *find(const struct observation *o)
{
    const char *word = "";

    for (size_t n = 0; n < sizeof wanted / sizeof wanted[0]; n++) {
        const struct wanted *w = &wanted[n];

        if (w->obs != o->kind)
            continue;
        if (word[0] == '\0')
            word = word_of(o);
        if (w->word == NULL || strcmp(w->word, word) == 0)
            return w;
    }
    return NULL;
}

static bool is_noise(const struct observation *o)
{
    const char *signal = obs_get_str(o, ATTR_SIGNAL);

    for (size_t n = 0; n < sizeof noise / sizeof noise[0]; n++) {
        if (strcmp(signal, noise[n]) == 0)
            return true;
    }
    return false;
}

/* Live dumps are of machines that went on; what is no dump tells of no crash. */
static bool is_of_a_crash(const struct observation *o)
{
    return strcmp(obs_get_str(o, ATTR_CRASH_KIND), "other") != 0 &&
           strcmp(obs_get_str(o, ATTR_DUMP_STATUS), "foreign") != 0;
}

/* When the host booted, where that is news; 0 otherwise.  Hosts compute it from how long they run, so it is rounded. */
static int64_t boot_time(const struct observation *o)
{
    int64_t boot;

    if (!times_parse(obs_get_str(o, ATTR_BOOT_TIME), &boot) || boot <= 0 || o->time_ns - boot > BOOT_NEWS)
        return 0;
    return boot - boot % BOOT_GRAIN;
}

int64_t clue_time_of(const struct observation *o)
{
    return o->time_ns > 0 ? o->time_ns : o->observed_ns;
}

bool clue_wanted(const struct observation *o, enum clue_kind *kind)
{
    const struct wanted *w = find(o);
    bool has_vm = obs_get_str(o, ATTR_VM_ID)[0] != '\0';

    if (w == NULL || clue_time_of(o) <= 0 || clue_time_of(o) > TIME_MAX)
        return false;
    *kind = w->kind;
    switch (w->kind) {
    case CLUE_DUMP:
        return is_of_a_crash(o);
    case CLUE_STORAGE:
        return !is_noise(o);
    case CLUE_BOOT:
        return boot_time(o) != 0;
    case CLUE_REPORT:
    case CLUE_SECOND:
    case CLUE_LIFE:
    case CLUE_MIGRATION:
    case CLUE_VERSION:
        return has_vm;
    default:
        return true;
    }
}

/* ---- copying ------------------------------------------------------------------ */

/* The texts of a clue before they are copied. */
struct texts {
    const char *from[TEXT_ALL];
    size_t len[TEXT_ALL]; /* as copied */
};

static size_t longest(enum clue_text t)
{
    return t == TEXT_EVIDENCE || t == TEXT_NOTES || t == TEXT_DEVICE || t == TEXT_COMPONENTS ? TEXT_LONG : TEXT_SHORT;
}

static const char *attr_text(const struct observation *o, const char *key)
{
    return key != NULL ? obs_get_str(o, key) : "";
}

static void gather(enum clue_kind kind, const struct resource *who, const struct observation *o, int count,
                   struct texts *t)
{
    for (int n = 0; n < count; n++)
        t->from[n] = attr_text(o, text_keys[n]);
    t->from[TEXT_WORD] = attr_text(o, word_keys[kind]);
    t->from[TEXT_DETAIL] = attr_text(o, detail_keys[kind]);
    t->from[TEXT_DEVICE] = attr_text(o, device_keys[kind]);
    t->from[TEXT_BODY] = o->body;
    t->from[TEXT_AGENT] = who->agent_id;
    t->from[TEXT_HOST_ID] = who->host_id;
    t->from[TEXT_HOST_NAME] = who->host_name;
    t->from[TEXT_CLUSTER] = who->cluster;
    t->from[TEXT_OS_VERSION] = who->os_version;
    t->from[TEXT_IS_VERSION] = who->is_win6x;
}

static size_t measure(struct texts *t, int count)
{
    size_t sum = 0;

    for (int n = 0; n < count; n++) {
        size_t len = strlen(t->from[n]), max = longest((enum clue_text)n);

        t->len[n] = len < max ? len + 1 : max;
        sum += t->len[n];
    }
    return sum;
}

static void copy_texts(struct clue *c, const struct texts *t)
{
    char *at = (char *)(c->text + c->texts);

    for (int n = 0; n < c->texts; n++) {
        text_clean(at, t->len[n], t->from[n], strlen(t->from[n]), NULL);
        c->text[n] = at;
        at += t->len[n];
    }
}

static int64_t to_ns(double units, double ns_per_unit)
{
    double ns = units * ns_per_unit;

    return isfinite(ns) && ns >= 0 && ns < (double)INT64_MAX / 4 ? (int64_t)ns : -1;
}

static double real_of(const struct observation *o, const char *key)
{
    const struct attr *a = obs_attr(o, key);

    if (a == NULL || (a->type != ATTR_DOUBLE && a->type != ATTR_INT))
        return -1;
    return a->type == ATTR_DOUBLE ? a->real : (double)a->num;
}

static void take_code(struct clue *c, const struct observation *o)
{
    static const char *const keys[] = { ATTR_CRASH_PARAM1, ATTR_CRASH_PARAM2, ATTR_CRASH_PARAM3, ATTR_CRASH_PARAM4 };
    uint64_t code;

    _Static_assert(sizeof keys / sizeof keys[0] == INCIDENT_PARAMS, "four parameters");
    if (c->what == INCIDENT_LINUX_PANIC || !text_u64(obs_get_str(o, ATTR_CRASH_CODE), &code) || code > UINT32_MAX)
        return;
    c->has_code = c->has_params = true;
    c->code = (uint32_t)code;
    for (int n = 0; n < INCIDENT_PARAMS; n++)
        c->has_params = c->has_params && text_u64(obs_get_str(o, keys[n]), &c->params[n]);
    if (!c->has_params)
        memset(c->params, 0, sizeof c->params);
}

/* A guest's clock may say anything; a crash after the dump was seen is not believed. */
static void take_dump(struct clue *c, const struct observation *o)
{
    int64_t crashed;

    c->has_time = times_parse(obs_get_str(o, ATTR_DUMP_TIME), &crashed) && crashed > 0 && crashed <= TIME_MAX &&
                  (o->observed_ns <= 0 || crashed <= o->observed_ns + AHEAD_MAX);
    if (c->has_time)
        c->time = crashed;
    c->length_ns = to_ns(real_of(o, ATTR_DUMP_UPTIME), (double)NS_PER_S);
    c->size = obs_get_int(o, ATTR_DUMP_SIZE, 0);
    c->build = obs_get_int(o, ATTR_DUMP_BUILD, 0);
    c->ubr = obs_get_int(o, ATTR_DUMP_UBR, 0);
}

/* Bounds that are times count; others (record numbers) say nothing of when. */
static void take_gap(struct clue *c, const struct observation *o)
{
    int64_t from, to;

    c->to = c->time;
    if (times_parse(obs_get_str(o, ATTR_GAP_FROM), &from) && from > 0)
        c->from = from;
    if (times_parse(obs_get_str(o, ATTR_GAP_TO), &to) && to > 0 && to >= c->from)
        c->to = to;
}

static void take_numbers(struct clue *c, const struct observation *o)
{
    const struct attr *is_long = obs_attr(o, ATTR_MIGRATION_LONG);

    c->event_id = obs_get_int(o, ATTR_EVENT_ID, 0);
    if (c->kind <= CLUE_WRITTEN)
        take_code(c, o);
    if (c->kind == CLUE_DUMP)
        take_dump(c, o);
    else if (c->kind == CLUE_GAP)
        take_gap(c, o);
    else if (c->kind == CLUE_BOOT)
        c->time = boot_time(o);
    else if (c->kind == CLUE_STORAGE)
        c->length_ns = to_ns(real_of(o, ATTR_LATENCY_MS), (double)NS_PER_MS);
    else if (c->kind == CLUE_MIGRATION)
        c->length_ns = to_ns(real_of(o, ATTR_MIGRATION_BLACKOUT), (double)NS_PER_S);
    c->flag = is_long != NULL && is_long->type == ATTR_BOOL && is_long->num != 0;
}

/* What a second sign is of, beyond its word. */
static void settle_what(struct clue *c)
{
    if (c->kind == CLUE_SECOND && c->what == INCIDENT_OTHER && c->text[TEXT_DETAIL][0] != '\0')
        c->what = INCIDENT_HYPERVISOR_FAULT;
    if (c->kind == CLUE_REPORT && c->what == INCIDENT_BUGCHECK && !c->has_code) {
        c->kind = CLUE_SECOND;
        c->what = INCIDENT_OTHER;
    }
}

struct clue *clue_new(enum clue_kind kind, const struct resource *who, const struct observation *o)
{
    int count = kind == CLUE_DUMP ? TEXT_ALL : TEXT_COMMON;
    struct texts t;
    struct clue *c;
    size_t size;

    gather(kind, who, o, count, &t);
    size = measure(&t, count);
    c = calloc(1, sizeof *c + (size_t)count * sizeof c->text[0] + size);
    if (c == NULL)
        return NULL;
    c->kind = kind;
    c->what = find(o)->what;
    c->time = clue_time_of(o);
    c->found = o->observed_ns;
    c->length_ns = -1;
    c->seq = o->seq;
    c->texts = count;
    copy_texts(c, &t);
    take_numbers(c, o);
    settle_what(c);
    return c;
}

const char *clue_text(const struct clue *c, enum clue_text t)
{
    return (int)t < c->texts ? c->text[t] : "";
}

/* ---- order -------------------------------------------------------------------- */

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int compare_numbers(const struct clue *a, const struct clue *b)
{
    int order = ORDER(a->what, b->what);

    if (order == 0)
        order = ORDER(a->has_code, b->has_code);
    if (order == 0)
        order = ORDER(a->has_params, b->has_params);
    if (order == 0)
        order = ORDER(a->code, b->code);
    for (int n = 0; n < INCIDENT_PARAMS && order == 0; n++)
        order = ORDER(a->params[n], b->params[n]);
    if (order == 0)
        order = ORDER(a->has_time, b->has_time);
    if (order == 0)
        order = ORDER(a->flag, b->flag);
    if (order == 0)
        order = ORDER(a->length_ns, b->length_ns);
    if (order == 0)
        order = ORDER(a->from, b->from);
    if (order == 0)
        order = ORDER(a->to, b->to);
    if (order == 0)
        order = ORDER(a->event_id, b->event_id);
    if (order == 0)
        order = ORDER(a->size, b->size);
    if (order == 0)
        order = ORDER(a->build, b->build);
    return order != 0 ? order : ORDER(a->ubr, b->ubr);
}

static int compare_texts(const struct clue *a, const struct clue *b, int from, int to)
{
    int order = 0;

    for (int n = from; n < to && order == 0; n++)
        order = strcmp(clue_text(a, (enum clue_text)n), clue_text(b, (enum clue_text)n));
    return order;
}

static int compare_content(const struct clue *a, const struct clue *b)
{
    int order = ORDER(a->kind, b->kind);

    if (order == 0)
        order = compare_numbers(a, b);
    if (order == 0)
        order = compare_texts(a, b, 0, TEXT_AGENT);
    return order != 0 ? order : compare_texts(a, b, TEXT_DUMP_FIRST, TEXT_ALL);
}

static int compare_rest(const struct clue *a, const struct clue *b)
{
    int order = strcmp(a->text[TEXT_AGENT], b->text[TEXT_AGENT]);

    if (order == 0)
        order = ORDER(a->seq, b->seq);
    if (order == 0)
        order = ORDER(a->found, b->found);
    return order != 0 ? order : compare_texts(a, b, TEXT_BODY, TEXT_COMMON);
}

bool clue_same(const struct clue *a, const struct clue *b)
{
    return a->time == b->time && compare_content(a, b) == 0;
}

int clue_compare(const struct clue *a, const struct clue *b)
{
    int order = ORDER(a->kind, b->kind);

    if (order == 0)
        order = ORDER(b->time, a->time);
    if (order == 0)
        order = compare_content(a, b);
    return order != 0 ? order : compare_rest(a, b);
}

int clue_compare_time(const struct clue *a, const struct clue *b)
{
    int order = ORDER(a->time, b->time);

    if (order == 0)
        order = compare_content(a, b);
    return order != 0 ? order : compare_rest(a, b);
}

/* ---- the strong key ------------------------------------------------------------ */

uint32_t clue_code(const struct clue *c)
{
    const struct incident_bugcheck b = { .code = c->code };

    return incident_code(&b);
}

bool clue_same_key(const struct clue *a, const struct clue *b)
{
    if (a->what == INCIDENT_LINUX_PANIC || b->what == INCIDENT_LINUX_PANIC)
        return a->what == b->what && compare_texts(a, b, TEXT_MESSAGE, TEXT_AGENT) == 0;
    if (!a->has_code || !b->has_code || clue_code(a) != clue_code(b))
        return false;
    return a->has_params == b->has_params && memcmp(a->params, b->params, sizeof a->params) == 0;
}
