/* hvagent run: settings, loop, agent, signals.
 *
 * A store that turns out to be damaged while the agent runs makes it end and
 * start anew in the same process, which sets the file aside; at most
 * REOPENS_MAX times, so that a dying disk becomes an exit code in the end.
 */
#include "agent/agent.h"
#include "agent/commands.h"
#include "base/log.h"
#include "plat/paths.h"
#include "plat/service.h"
#include "transport/http_curl.h"

#include <stdio.h>
#include <stdlib.h>

enum { REOPENS_MAX = 3 };

struct running {
    uv_loop_t loop;
    struct agent *agent;
    struct service *service;
};

static bool is_abandoned(enum agent_end end)
{
    return end == AGENT_ABANDONED || end == AGENT_LOST;
}

static void on_stop(void *arg, int times)
{
    struct running *r = arg;

    (void)times;
    agent_stop(r->agent);
}

static void on_reload(void *arg)
{
    struct running *r = arg;

    agent_reload(r->agent);
}

static void on_ended(void *arg)
{
    struct running *r = arg;

    service_close(r->service);
    r->service = NULL;
    if (is_abandoned(agent_end(r->agent)))
        uv_stop(&r->loop); /* it would wait for the threads otherwise */
}

static int start(struct running *r, const struct agent_config *config, const char *path, bool reopening, struct err *e)
{
    struct agent_options options = {
        .loop = &r->loop,
        .config = config,
        .config_path = path,
        .clock = plat_clock(),
        .random = plat_random(),
        .files = plat_files(),
        .http = http_curl_new,
        .reopening = reopening,
        .ended = on_ended,
        .arg = r,
    };
    struct service_events events = { on_stop, on_reload, r };
    int rc = agent_start(&r->agent, &options, e);

    if (rc != 0)
        return rc;
    rc = service_start(&r->service, &r->loop, &events, e);
    if (rc != 0) {
        agent_stop(r->agent);
        uv_run(&r->loop, UV_RUN_DEFAULT);
        agent_free(r->agent);
    }
    return rc;
}

/* One life of the agent, which has a copy of the settings: *config is freed and NULL then.  *end says how it ended when
 * EXIT_DONE is returned. */
static int run_once(struct agent_config **config, const char *path, bool reopening, enum agent_end *end)
{
    struct running r = { 0 };
    struct err e;
    int rc;

    uv_loop_init(&r.loop);
    rc = start(&r, *config, path, reopening, &e);
    free(*config);
    *config = NULL;
    if (rc != 0) {
        fprintf(stderr, "hvagent: %s\n", e.text);
        uv_loop_close(&r.loop);
        return rc == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    uv_run(&r.loop, UV_RUN_DEFAULT);
    *end = agent_end(r.agent);
    if (is_abandoned(*end))
        service_exit_now(*end == AGENT_LOST ? EXIT_FAILED : EXIT_DONE);
    agent_free(r.agent);
    uv_loop_close(&r.loop);
    log_event(LOG_INFO, "agent.end", LOG_S("version", HVFLEET_VERSION));
    return EXIT_DONE;
}

/* The settings as they are in the file now; *out is the caller's to free, whatever is returned. */
static int read_again(struct agent_config **out, const char *path)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? trusted_config_from(path, *out) : EXIT_FAILED;
}

static int run_until_stopped(struct agent_config **config, const char *path)
{
    enum agent_end end = AGENT_REOPEN;
    int code = EXIT_DONE;

    for (int i = 0; code == EXIT_DONE && end == AGENT_REOPEN; i++) {
        if (i > REOPENS_MAX) {
            fputs("hvagent: the store was damaged again and again: check the disk of store.dir\n", stderr);
            return EXIT_FAILED;
        }
        if (i > 0)
            code = read_again(config, path);
        if (code == EXIT_DONE)
            code = run_once(config, path, i > 0, &end);
    }
    return code;
}

static int run_here(int argc, char **argv)
{
    const char *path = NULL;
    const struct option_spec specs[] = { { "--config", &path, NULL } };
    struct agent_config *config;
    int code;

    if (!options_take(&argc, argv, specs, 1) || argc > 1) {
        fputs("usage: hvagent run [--config F]\n", stderr);
        return EXIT_USAGE;
    }
    if (path == NULL)
        path = plat_path(PLAT_AGENT_CONFIG);
    config = calloc(1, sizeof *config);
    if (config == NULL)
        return EXIT_FAILED;
    code = trusted_config_from(path, config);
    if (code == EXIT_DONE) {
        log_set_level(config->log_level);
        service_pool_threads(AGENT_THREADS);
        code = run_until_stopped(&config, path);
    }
    free(config);
    return code;
}

int cmd_run(int argc, char **argv)
{
    return service_host(run_here, argc, argv);
}
