/* Reload: read and check the file on a worker thread, then swap on the loop.
 *
 * A file with problems changes nothing and is shown in status until a reload
 * succeeds.  Who asked on the status socket gets the outcome.
 */
#include "agent/agent_parts.h"
#include "agent/config_changes.h"
#include "agent/settings_trust.h"
#include "base/log.h"
#include "base/text.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_MAX = 64 * 1024 };

struct reload_job {
    struct agent *agent; /* NULL: it has ended meanwhile */
    uv_work_t work;
    char *path;
    struct agent_config *config;
    struct buf problems;
    int rc;
};

/* ---- answers to who asked ---- */

static json_t *lines_of(const char *text)
{
    json_t *lines = json_array();

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        if (len > 0)
            json_array_append_new(lines, json_stringn_nocheck(text, len));
        text += len + (text[len] == '\n');
    }
    return lines;
}

static json_t *list_of(const struct config_list *list)
{
    json_t *items = json_array();

    for (int i = 0; i < list->count; i++)
        json_array_append_new(items, json_string(list->items[i]));
    return items;
}

static void answer_waiting(struct agent *a)
{
    json_t *answer =
        json_pack("{s:i, s:b, s:o, s:o}", "v", 1, "reloaded", !a->report.refused, "problems",
                  lines_of(buf_text(&a->report.problems)), "restart_needed", list_of(&a->report.restart_needed));
    char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
    static const char none[] = "{\"v\":1,\"error\":\"out of memory\"}";

    for (int i = 0; i < a->waiting_count; i++)
        status_reply(a->waiting[i], text != NULL ? text : none, text != NULL ? strlen(text) : sizeof none - 1);
    a->waiting_count = 0;
    free(text);
    json_decref(answer);
}

/* ---- the swap ---- */

static void refuse(struct agent *a, const char *problems)
{
    a->report.refused = true;
    buf_clear(&a->report.problems);
    buf_str(&a->report.problems, problems);
    log_event(LOG_ERROR, "config.refused", LOG_S("path", a->config_path), LOG_S("problem", problems),
              LOG_S("remedy", "the settings before stay in force; mend the file and reload again"));
}

/* The hub's settings can still be refused (a token file that cannot be read);
 * then nothing is changed. */
static void put_in_force(struct agent *a, struct agent_config *wanted)
{
    struct config_list restart;
    struct err e;

    agent_resolve_paths(wanted);
    config_restart_needed(a->config, wanted, &restart);
    config_keep_fixed(a->config, wanted);
    if (agent_configure_hub(a, &wanted->hub, &e) != 0) {
        enrolment_configure(a->enrolment, &a->config->hub);
        refuse(a, e.text);
        return;
    }
    *a->config = *wanted;
    log_set_level(a->config->log_level);
    source_set_configure(a->sources, a->config);
    agent_host_nudge(a);
    a->report.refused = false;
    a->report.loaded_ns = agent_wall(a);
    a->report.restart_needed = restart;
    buf_clear(&a->report.problems);
    log_event(LOG_INFO, "config.loaded", LOG_S("path", a->config_path), LOG_I("restart_needed", restart.count));
    for (int i = 0; i < restart.count; i++)
        log_event(LOG_WARN, "config.restart_needed", LOG_S("key", restart.items[i]));
}

/* ---- the job ---- */

static void free_job(struct reload_job *job)
{
    buf_free(&job->problems);
    free(job->config);
    free(job->path);
    free(job);
}

static void load_work(uv_work_t *work)
{
    struct reload_job *job = work->data;

    job->rc = agent_config_load(job->path, job->config, &job->problems);
    if (job->rc == 0)
        job->rc = settings_trusted(job->config, job->path, &job->problems);
}

static void loaded(uv_work_t *work, int status)
{
    struct reload_job *job = work->data;
    struct agent *a = job->agent;

    (void)status;
    if (a == NULL) {
        free_job(job);
        return;
    }
    a->reload = NULL;
    if (!a->stopping) {
        a->report.tried_ns = agent_wall(a);
        if (job->rc != 0)
            refuse(a, buf_text(&job->problems));
        else
            put_in_force(a, job->config);
    }
    free_job(job);
    if (a->reload_again && !a->stopping) {
        a->reload_again = false;
        agent_reload(a);
        return;
    }
    answer_waiting(a);
}

static struct reload_job *new_job(struct agent *a)
{
    struct reload_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    buf_init(&job->problems, PROBLEMS_MAX);
    job->config = calloc(1, sizeof *job->config);
    job->path = strdup(a->config_path);
    if (job->config == NULL || job->path == NULL) {
        free_job(job);
        return NULL;
    }
    job->agent = a;
    job->work.data = job;
    return job;
}

static void start(struct agent *a)
{
    int rc;

    if (a->reload != NULL) {
        a->reload_again = true; /* the file may have changed since it was read */
        return;
    }
    a->reload = a->config_path != NULL ? new_job(a) : NULL;
    if (a->reload == NULL) {
        refuse(a, a->config_path != NULL ? "out of memory" : "the agent was started without a settings file");
        answer_waiting(a);
        return;
    }
    rc = uv_queue_work(a->options.loop, &a->reload->work, load_work, loaded);
    assert(rc == 0);
    (void)rc;
}

void agent_reload(struct agent *a)
{
    if (!a->stopping)
        start(a);
}

void agent_reload_for(struct agent *a, struct status_client *from)
{
    static const char busy[] = "{\"v\":1,\"error\":\"a reload is under way\"}";

    if (a->waiting_count == (int)(sizeof a->waiting / sizeof a->waiting[0])) {
        status_reply(from, busy, sizeof busy - 1);
        return;
    }
    a->waiting[a->waiting_count++] = from;
    agent_reload(a);
}

void agent_reload_leave(struct agent *a)
{
    a->reload->agent = NULL;
    a->reload = NULL;
    answer_waiting(a);
}
