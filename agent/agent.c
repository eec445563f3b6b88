/* See agent.h.
 *
 * The order of starting is the order of what may refuse: folders, bundles, the
 * store, the socket.  The order of stopping is the way of the data: sources
 * first, then the uplink, then the store, so that whatever a source has
 * finished is on the disk.
 */
#include "agent/agent_parts.h"
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "plat/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_MAX = 64 * 1024 };

int64_t agent_mono(const struct agent *a)
{
    return a->options.clock->monotonic_ns(a->options.clock);
}

int64_t agent_wall(const struct agent *a)
{
    return a->options.clock->wall_ns(a->options.clock);
}

static void tidy_list(struct config_list *list)
{
    for (int i = 0; i < list->count; i++)
        plat_path_tidy(list->items[i]);
}

void agent_resolve_paths(struct agent_config *c)
{
    if (c->data_dir[0] == '\0')
        text_copy(c->data_dir, sizeof c->data_dir, plat_path(PLAT_AGENT_DATA));
    if (c->socket[0] == '\0')
        text_copy(c->socket, sizeof c->socket, plat_path(PLAT_AGENT_SOCKET));
    plat_path_tidy(c->data_dir);
    tidy_list(&c->bundles);
    tidy_list(&c->dump_folders);
}

/* ---- news from the store ---- */

static void take_stats(struct agent *a, const struct store_stats *stats)
{
    if (stats->rows == 0)
        a->unsent_since_ns = 0;
    else if (a->unsent_since_ns == 0 || stats->acked_through != a->acked_seen)
        a->unsent_since_ns = agent_mono(a);
    a->acked_seen = stats->acked_through;
    a->stats = *stats;
    a->store_problem[0] = '\0';
}

static void on_committed(void *arg, const struct store_appended *done, const struct store_stats *stats)
{
    struct agent *a = arg;

    if (done->dropped > 0) {
        a->last_drop_ns = agent_mono(a);
        log_event(LOG_WARN, "store.full", LOG_I("dropped", (int64_t)done->dropped),
                  LOG_I("dropped_total", (int64_t)stats->dropped_total));
    }
    take_stats(a, stats);
    if (a->uplink != NULL)
        uplink_stored(a->uplink, stats);
}

static void on_outbox_changed(void *arg, const struct store_stats *stats)
{
    take_stats(arg, stats);
}

static void on_store_failed(void *arg, const struct err *e)
{
    struct agent *a = arg;

    if (strcmp(a->store_problem, e->text) != 0)
        log_event(LOG_ERROR, "store.failed", LOG_S("problem", e->text), LOG_S("code", err_name(e->code)));
    text_copy(a->store_problem, sizeof a->store_problem, e->text);
    if (e->code == ERR_CORRUPT && !a->stopping) {
        a->reopen = true;
        agent_stop(a);
    }
}

/* ---- stopping ---- */

/* A reload that is still reading its file is not waited for. */
static void leave_reload(struct agent *a)
{
    if (a->reload == NULL)
        return;
    agent_reload_leave(a);
    a->abandoned = true;
}

static void end(struct agent *a)
{
    if (a->end != AGENT_RUNNING)
        return;
    if (a->abandoned)
        a->end = a->reopen ? AGENT_LOST : AGENT_ABANDONED;
    else
        a->end = a->reopen ? AGENT_REOPEN : AGENT_STOPPED;
    a->options.ended(a->options.arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    end(handle->data);
}

static void on_store_stopped(void *arg)
{
    struct agent *a = arg;

    a->worker = NULL;
    leave_reload(a);
    if (enrolment_stop(a->enrolment))
        a->abandoned = true;
    a->enrolment = NULL;
    agent_host_stop(a);
    uv_close((uv_handle_t *)&a->stop_timer, on_timer_closed);
}

static void stop_store(void *arg)
{
    struct agent *a = arg;

    a->uplink = NULL;
    store_worker_stop(a->worker, on_store_stopped, a);
}

/* The store's disk does not answer.  What it has committed is safe; what it
 * has not, the sources give again. */
static void on_last_timer(uv_timer_t *timer)
{
    struct agent *a = timer->data;

    log_event(LOG_WARN, "agent.stop", LOG_S("problem", "the disk of store.dir does not answer and is left behind"));
    a->abandoned = true;
    end(a);
}

static uint64_t ms_or(int asked, int usual)
{
    return (uint64_t)(asked > 0 ? asked : usual);
}

static void stop_uplink(void *arg)
{
    struct agent *a = arg;

    a->uplink_stopping = true;
    uv_timer_start(&a->stop_timer, on_last_timer, ms_or(a->options.stop_store_ms, AGENT_STOP_STORE_MS), 0);
    uplink_stop(a->uplink, stop_store, a);
}

static void on_stop_timer(uv_timer_t *timer)
{
    struct agent *a = timer->data;

    a->abandoned = source_set_abandon(a->sources);
    if (a->abandoned)
        log_event(LOG_WARN, "agent.stop", LOG_S("problem", "a source does not answer and is left behind"));
    stop_uplink(a);
}

void agent_stop(struct agent *a)
{
    if (a->end != AGENT_RUNNING)
        return;
    uv_update_time(a->options.loop); /* the time to stop counts from now, however long the loop was held up */
    if (a->stopping) {
        if (!a->uplink_stopping)
            uv_timer_start(&a->stop_timer, on_stop_timer, AGENT_STOP_FAST_MS, 0);
        return;
    }
    a->stopping = true;
    log_event(LOG_INFO, "agent.stop", LOG_S("why", a->reopen ? "the store must be opened anew" : "asked to"));
    status_server_stop(a->server);
    a->server = NULL;
    uv_timer_start(&a->stop_timer, on_stop_timer, ms_or(a->options.stop_ms, AGENT_STOP_MS), 0);
    source_set_stop(a->sources, stop_uplink, a);
}

enum agent_end agent_end(const struct agent *a)
{
    return a->end;
}

/* ---- starting ---- */

static void log_opened(const struct agent *a, const char *path, const struct store_opened *opened)
{
    log_event(LOG_INFO, "store.open", LOG_S("path", path), LOG_S("agent_id", opened->agent_id),
              LOG_I("rows", (int64_t)a->stats.rows), LOG_I("acked_through", (int64_t)a->stats.acked_through));
}

static int open_store(struct agent *a, struct store **out, struct err *e)
{
    char path[CONFIG_TEXT_MAX + 16];
    struct store_opened opened;
    struct store_options options = { .path = path,
                                     .max_bytes = (uint64_t)a->config->store_max_bytes,
                                     .clock = a->options.clock,
                                     .random = a->options.random,
                                     .all_at_once = a->options.reopening };
    int rc = plat_private_dir(a->config->data_dir, e);

    if (rc != 0) {
        err_prefix(e, "store.dir");
        return rc;
    }
    snprintf(path, sizeof path, "%s/agent.db", a->config->data_dir);
    rc = store_open(out, &options, &opened, e);
    if (rc != 0)
        return rc;
    rc = store_stats(*out, &a->stats, e);
    if (rc != 0) {
        store_close(*out);
        *out = NULL;
        return rc;
    }
    a->recovered = opened.recovered;
    text_copy(a->resource.agent_id, sizeof a->resource.agent_id, opened.agent_id);
    log_opened(a, path, &opened);
    return 0;
}

static int open_sources(struct agent *a, struct err *e)
{
    const struct agent_options *o = &a->options;
    int rc = source_set_new(&a->sources, a->config, !o->no_live, o->files, o->clock, &a->resource, e);

    if (rc != 0 && rc != ERR_MEMORY)
        rc = ERR_INVALID; /* whatever is wrong with a bundle, the settings name it */
    for (size_t i = 0; rc == 0 && i < o->extra_count; i++)
        rc = source_set_add(a->sources, o->extra[i], a->config->kvp_deadline_ns, e);
    text_copy(a->resource.service_name, sizeof a->resource.service_name, "hvagent");
    text_copy(a->resource.agent_version, sizeof a->resource.agent_version, HVFLEET_VERSION);
    return rc;
}

static int open_socket(struct agent *a, struct err *e)
{
    struct status_options options = {
        .path = a->config->socket, .group = a->config->socket_group, .request = agent_answer, .arg = a
    };
    int rc = status_server_start(&a->server, a->options.loop, &options, e);

    if (rc != 0)
        err_prefix(e, "status.socket");
    return rc;
}

/* A new certificate, or the first. */
static void on_identity(void *arg)
{
    struct agent *a = arg;
    struct agent_config_hub hub;

    enrolment_settings(a->enrolment, &hub);
    if (a->uplink != NULL && !a->stopping)
        uplink_configure(a->uplink, &hub, NULL);
}

static bool is_refused(void *arg)
{
    const struct agent *a = arg;
    struct sender_status s;

    return a->uplink != NULL && uplink_status(a->uplink, &s) && s.state == SENDER_REFUSED;
}

int agent_configure_hub(struct agent *a, const struct agent_config_hub *hub, struct err *e)
{
    struct agent_config_hub filled;

    enrolment_configure(a->enrolment, hub);
    enrolment_settings(a->enrolment, &filled);
    return uplink_configure(a->uplink, &filled, e);
}

static int open_enrolment(struct agent *a, struct err *e)
{
    struct enrolment_options options = {
        .loop = a->options.loop,
        .clock = a->options.clock,
        .random = a->options.random,
        .ask = enroll_ask,
        .data_dir = a->config->data_dir,
        .resource = &a->resource,
        .changed = on_identity,
        .refused = is_refused,
        .arg = a,
    };

    return enrolment_new(&a->enrolment, &options, e);
}

static int start_uplink(struct agent *a, struct err *e)
{
    struct uplink_options options = {
        .loop = a->options.loop,
        .worker = a->worker,
        .clock = a->options.clock,
        .random = a->options.random,
        .http = a->options.http,
        .resource = a->resource,
        .stats = a->stats,
        .changed = on_outbox_changed,
        .store_failed = on_store_failed,
        .arg = a,
    };
    int rc = uplink_new(&a->uplink, &options, e);

    if (rc == 0)
        agent_configure_hub(a, &a->config->hub, NULL); /* its trouble is status, not a reason not to start */
    return rc;
}

static void start_sources(struct agent *a)
{
    struct driver_env env = {
        .loop = a->options.loop,
        .worker = a->worker,
        .clock = a->options.clock,
        .random = a->options.random,
        .host_id = a->resource.host_id,
        .committed = on_committed,
        .store_failed = on_store_failed,
        .arg = a,
    };

    source_set_start(a->sources, &env);
}

static struct agent *new_agent(const struct agent_options *options)
{
    struct agent *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->options = *options;
    buf_init(&a->report.problems, PROBLEMS_MAX);
    a->config = malloc(sizeof *a->config);
    a->config_path = options->config_path != NULL ? strdup(options->config_path) : NULL;
    if (a->config == NULL || (options->config_path != NULL && a->config_path == NULL)) {
        agent_free(a);
        return NULL;
    }
    *a->config = *options->config;
    agent_resolve_paths(a->config);
    a->started_ns = a->report.loaded_ns = agent_wall(a);
    return a;
}

static void nothing_more(void *arg)
{
    (void)arg;
}

/* Closes what was opened; the handles close in the loop. */
static void undo(struct agent *a, struct store *store)
{
    status_server_stop(a->server);
    agent_host_stop(a);
    (void)enrolment_stop(a->enrolment);
    if (a->worker != NULL)
        store_worker_stop(a->worker, nothing_more, NULL);
    else if (store != NULL)
        store_close(store);
    uv_run(a->options.loop, UV_RUN_DEFAULT);
    agent_free(a);
}

int agent_start(struct agent **out, const struct agent_options *options, struct err *e)
{
    struct agent *a = new_agent(options);
    struct store *store = NULL;
    int rc;

    *out = NULL;
    if (a == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = open_sources(a, e);
    if (rc == 0)
        rc = open_store(a, &store, e);
    if (rc == 0)
        rc = open_socket(a, e);
    if (rc == 0)
        rc = store_worker_start(&a->worker, options->loop, store, e);
    if (rc == 0)
        rc = agent_host_start(a, e);
    if (rc == 0)
        rc = open_enrolment(a, e);
    if (rc == 0)
        rc = start_uplink(a, e);
    if (rc != 0) {
        undo(a, store);
        return rc;
    }
    uv_timer_init(options->loop, &a->stop_timer);
    a->stop_timer.data = a;
    start_sources(a);
    log_event(LOG_INFO, "agent.start", LOG_S("version", HVFLEET_VERSION), LOG_S("host", a->resource.host_name),
              LOG_S("cluster", a->resource.cluster[0] != '\0' ? a->resource.cluster : NULL),
              LOG_I("sources", (int64_t)source_set_count(a->sources)), LOG_S("socket", a->config->socket));
    *out = a;
    return 0;
}

void agent_free(struct agent *a)
{
    if (a == NULL)
        return;
    source_set_free(a->sources);
    buf_free(&a->report.problems);
    free(a->config_path);
    free(a->config);
    free(a);
}
