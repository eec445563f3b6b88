/* See source_set.h.  Groups are source_group.c; here is which ones there have
 * to be. */
#include "agent/source_set.h"

#include "agent/source_group.h"
#include "base/log.h"
#include "base/text.h"
#include "plat/live.h"
#include "plat/paths.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Together, and with the two that watch bundles, fewer than the pool's AGENT_THREADS: a reload and a look at the
 * host must always find one. */
enum { DUMP_STEPS_MAX = 3, BUNDLE_STEPS_MAX = 4, PROBLEMS_MAX = 16 * 1024 };

#define LIVE_NAME "live"

/* Where this host itself puts dumps: watched beside the folders of the settings. */
enum { HOST_FOLDERS_MAX = 8 };

struct host_folder {
    char path[CONFIG_TEXT_MAX];
    int depth;
};

struct source_set {
    struct agent_config *config;
    struct host_folder host_folders[HOST_FOLDERS_MAX];
    int host_folder_count;
    struct group_context context;
    bool live; /* look at this host when there is nothing else */
    bool started, stopping;
    char *host_problems; /* NULL: none */
    int facts_number;
    void (*cluster_told)(void *arg);
    void *cluster_arg;
    void (*ended)(void *arg);
    void *ended_arg;
};

static const struct host_folder *host_folder(const struct source_set *s, enum group_kind kind, const char *dir)
{
    for (int i = 0; kind == GROUP_DUMPS && i < s->host_folder_count; i++)
        if (strcmp(s->host_folders[i].path, dir) == 0)
            return &s->host_folders[i];
    return NULL;
}

static struct group_options wanted_options(const struct source_set *s, enum group_kind kind, const char *dir)
{
    const struct host_folder *own = host_folder(s, kind, dir);
    const struct agent_config *c = s->config;
    struct group_options o;

    memset(&o, 0, sizeof o);
    o.poll_ns = c->poll_ns;
    o.interval_ns = c->kvp_interval_ns;
    o.refresh_ns = c->kvp_refresh_ns;
    o.deadline_ns = c->kvp_deadline_ns;
    o.setup_interval_ns = c->setup_interval_ns;
    o.setup_disks = c->setup_disks;
    o.privacy = c->privacy;
    o.facts_number = s->facts_number;
    o.may_be_absent = own != NULL;
    o.dumps.depth_max = own != NULL ? own->depth : (int)c->dump_depth;
    o.dumps.rescan_ns = c->dump_rescan_ns;
    o.dumps.settle_ns = c->dump_settle_ns;
    o.dumps.files_max = (int)c->dump_files_max;
    o.dumps.give_up_ns = c->dump_give_up_ns;
    o.dumps.triage.on = c->dump_triage;
    o.dumps.triage.deadline_ns = c->dump_triage_deadline_ns;
    o.dumps.triage.read_max = (uint64_t)c->dump_triage_read_max;
    return o;
}

static struct group *add_group(struct source_set *s, enum group_kind kind, const char *dir)
{
    struct group_options options = wanted_options(s, kind, dir);
    struct group *g = group_new(&s->context, kind, dir, &options), **at = &s->context.groups;

    while (*at != NULL)
        at = &(*at)->next;
    *at = g;
    return g;
}

/* This host is looked at where no captures are to be followed. */
static bool wants_live(const struct source_set *s)
{
    return s->live && s->config->bundles.count == 0 && plat_live_available();
}

/* ---- the settings ---- */

static bool holds(const struct config_list *list, const char *dir)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->items[i], dir) == 0)
            return true;
    return false;
}

static bool still_wanted(const struct source_set *s, const struct group *g)
{
    const struct agent_config *c = s->config;
    struct group_options options = wanted_options(s, g->kind, g->dir);

    if (s->stopping)
        return false;
    if (g->kind == GROUP_EXTRA)
        return true;
    if (!group_same_options(g->kind, &options, &g->options))
        return false;
    if (g->kind == GROUP_LIVE || host_folder(s, g->kind, g->dir) != NULL)
        return wants_live(s);
    return holds(g->kind == GROUP_BUNDLE ? &c->bundles : &c->dump_folders, g->dir);
}

static bool have(const struct source_set *s, enum group_kind kind, const char *dir)
{
    for (const struct group *g = s->context.groups; g != NULL; g = g->next)
        if (g->kind == kind && strcmp(g->dir, dir) == 0)
            return true;
    return false;
}

static void open_one(struct source_set *s, enum group_kind kind, const char *dir)
{
    struct group *g;

    if (have(s, kind, dir))
        return; /* or its predecessor still retires: then again when that is gone */
    g = add_group(s, kind, dir);
    if (g == NULL)
        return;
    group_attach(g);
    group_open_later(g);
}

static void open_missing(struct source_set *s, enum group_kind kind, const struct config_list *dirs)
{
    for (int i = 0; i < dirs->count; i++)
        open_one(s, kind, dirs->items[i]);
}

static void open_live(struct source_set *s)
{
    if (!wants_live(s))
        return;
    open_one(s, GROUP_LIVE, LIVE_NAME);
    for (int i = 0; i < s->host_folder_count; i++)
        open_one(s, GROUP_DUMPS, s->host_folders[i].path);
}

static void reconcile(struct source_set *s)
{
    for (struct group *g = s->context.groups, *next; g != NULL; g = next) {
        next = g->next;
        if (!still_wanted(s, g))
            group_retire(g);
    }
    if (!s->stopping) {
        open_missing(s, GROUP_BUNDLE, &s->config->bundles);
        open_missing(s, GROUP_DUMPS, &s->config->dump_folders);
        open_live(s);
    } else if (s->context.groups == NULL && s->ended != NULL) {
        void (*ended)(void *) = s->ended;

        s->ended = NULL;
        ended(s->ended_arg);
    }
}

static void on_gone(void *arg, struct group *g)
{
    struct source_set *s = arg;
    struct group **at = &s->context.groups;

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    group_free(g);
    reconcile(s);
}

bool source_set_live(const struct source_set *s)
{
    return wants_live(s);
}

const char *source_set_host_problems(const struct source_set *s)
{
    return s->host_problems != NULL ? s->host_problems : "";
}

void source_set_on_cluster(struct source_set *s, void (*told)(void *arg), void *arg)
{
    assert(!s->started);
    s->cluster_told = told;
    s->cluster_arg = arg;
}

void source_set_facts(struct source_set *s, const struct resource *facts)
{
    s->context.facts = *facts;
    s->facts_number++;
    if (s->started && !s->stopping)
        reconcile(s);
}

static void on_cluster_event(void *arg)
{
    const struct source_set *s = arg;

    if (s->cluster_told != NULL)
        s->cluster_told(s->cluster_arg);
}

void source_set_configure(struct source_set *s, const struct agent_config *config)
{
    *s->config = *config;
    reconcile(s);
    for (struct group *g = s->context.groups; g != NULL; g = g->next)
        group_nudge(g);
}

/* ---- beginning ---- */

static void system_facts(struct resource *facts)
{
    size_t size = sizeof facts->host_name;

    if (facts->host_name[0] == '\0' && uv_os_gethostname(facts->host_name, &size) != 0)
        text_copy(facts->host_name, sizeof facts->host_name, "unknown");
    if (facts->host_id[0] == '\0')
        snprintf(facts->host_id, sizeof facts->host_id, "host:%.100s", facts->host_name);
}

static void take_host_folder(void *arg, const char *path, int depth)
{
    struct source_set *s = arg;
    struct host_folder *f = &s->host_folders[s->host_folder_count];

    if (s->host_folder_count == HOST_FOLDERS_MAX || !text_copy(f->path, sizeof f->path, path))
        return;
    plat_path_tidy(f->path);
    f->depth = depth;
    if (!holds(&s->config->dump_folders, f->path) && host_folder(s, GROUP_DUMPS, f->path) == NULL)
        s->host_folder_count++;
}

/* What cannot be found out is a message, not a reason to stay away.  What only the
 * cluster's service knows is asked later (host_watch.h): the start does not wait for it. */
static void ask_host(struct source_set *s, struct resource *facts)
{
    struct buf problems;
    struct err e;

    buf_init(&problems, PROBLEMS_MAX);
    if (plat_live_local_facts(facts, &problems, &e) != 0)
        buf_printf(&problems, "%s", e.text);
    if (problems.len > 0)
        log_event(LOG_WARN, "host.facts", LOG_S("problems", buf_text(&problems)));
    s->host_problems = strdup(buf_text(&problems));
    if (plat_live_dump_folders(take_host_folder, s, &e) != 0)
        log_event(LOG_WARN, "host.dump_folders", LOG_S("problem", e.text));
    buf_free(&problems);
}

/* All bundles are of one host, and no two hold the same source. */
static int check_bundle(struct source_set *s, struct group *g, const struct resource *facts, struct err *e)
{
    const struct resource *theirs = bundle_facts(g->bundle);

    if (strcmp(facts->host_id, theirs->host_id) != 0)
        return err_set(e, ERR_INVALID,
                       "sources.bundles: %s is of host %s, and %s is of host %s: one agent speaks for one host; "
                       "run one agent a host, each with a store.dir and status.socket of its own",
                       s->context.groups->dir, facts->host_name, g->dir, theirs->host_name);
    for (struct group *other = s->context.groups; other != g; other = other->next) {
        const char *clash = group_clash(g, other);

        if (clash != NULL)
            return err_set(e, ERR_INVALID, "sources.bundles: %s and %s both hold %s: put one host's captures into one",
                           other->dir, g->dir, clash);
    }
    return 0;
}

static int open_first_bundles(struct source_set *s, struct resource *facts, struct err *e)
{
    const struct config_list *dirs = &s->config->bundles;
    int rc = 0;

    for (int i = 0; rc == 0 && i < dirs->count; i++) {
        struct group *g;

        if (have(s, GROUP_BUNDLE, dirs->items[i]))
            continue;
        g = add_group(s, GROUP_BUNDLE, dirs->items[i]);
        rc = g != NULL ? group_open(g, e) : err_set(e, ERR_MEMORY, "out of memory");
        if (rc != 0)
            err_prefix(e, "sources.bundles");
        if (rc == 0 && facts->host_id[0] == '\0')
            *facts = *bundle_facts(g->bundle);
        if (rc == 0)
            rc = check_bundle(s, g, facts, e);
    }
    return rc;
}

int source_set_new(struct source_set **out, const struct agent_config *config, bool live, const struct files *files,
                   const struct clock *clock, struct resource *facts, struct err *e)
{
    struct source_set *s = calloc(1, sizeof *s);
    int rc = 0;

    *out = NULL;
    if (s == NULL || (s->config = malloc(sizeof *s->config)) == NULL) {
        free(s);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    *s->config = *config;
    s->live = live;
    s->context.files = files;
    s->context.clock = clock;
    s->context.gone = on_gone;
    s->context.cluster_event = on_cluster_event;
    s->context.arg = s;
    gate_init(&s->context.dump_gate, DUMP_STEPS_MAX);
    gate_init(&s->context.bundle_gate, BUNDLE_STEPS_MAX);
    memset(facts, 0, sizeof *facts);
    rc = open_first_bundles(s, facts, e);
    if (rc != 0) {
        source_set_free(s);
        return rc;
    }
    if (wants_live(s))
        ask_host(s, facts);
    system_facts(facts);
    if (config->host_name[0] != '\0')
        text_copy(facts->host_name, sizeof facts->host_name, config->host_name);
    if (config->host_cluster[0] != '\0')
        text_copy(facts->cluster, sizeof facts->cluster, config->host_cluster);
    text_copy(s->context.host_id, sizeof s->context.host_id, facts->host_id);
    s->context.facts = *facts;
    *out = s;
    return 0;
}

int source_set_add(struct source_set *s, struct source *source, int64_t deadline_ns, struct err *e)
{
    struct group *g = add_group(s, GROUP_EXTRA, source->name);

    assert(!s->started);
    if (g == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    g->source = source;
    g->options.deadline_ns = deadline_ns;
    return 0;
}

void source_set_start(struct source_set *s, const struct driver_env *env)
{
    assert(!s->started);
    s->started = true;
    s->context.env = *env;
    for (struct group *g = s->context.groups; g != NULL; g = g->next) {
        group_attach(g);
        group_run(g);
    }
    reconcile(s);
}

/* ---- looking ---- */

size_t source_set_count(const struct source_set *s)
{
    size_t n = 0;

    for (const struct group *g = s->context.groups; g != NULL; g = g->next)
        n += group_evidence_count(g);
    return n;
}

static int by_name(const void *a, const void *b)
{
    const struct health_source *x = a, *y = b;

    return strcmp(x->name, y->name);
}

size_t source_set_evidence(const struct source_set *s, struct health_source *out, size_t max)
{
    size_t n = 0;

    for (const struct group *g = s->context.groups; g != NULL; g = g->next)
        n += group_evidence(g, out + n, max - n);
    qsort(out, n, sizeof *out, by_name);
    return n;
}

/* ---- the end ---- */

void source_set_stop(struct source_set *s, void (*ended)(void *arg), void *arg)
{
    s->stopping = true;
    s->ended = ended;
    s->ended_arg = arg;
    reconcile(s);
}

bool source_set_abandon(struct source_set *s)
{
    bool left = s->context.groups != NULL;

    s->ended = NULL;
    for (struct group *g = s->context.groups; g != NULL; g = g->next)
        group_abandon(g);
    return left;
}

void source_set_free(struct source_set *s)
{
    if (s == NULL)
        return;
    for (struct group *g = s->context.groups, *next; g != NULL; g = next) {
        next = g->next;
        group_free(g);
    }
    free(s->host_problems);
    free(s->config);
    free(s);
}
