/* What a driver says of its source: the state, its changes as log lines and
 * observations, the evidence that health judges by.  See driver_parts.h. */
#include "agent/driver_parts.h"
#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>

enum { NOTICE_BATCH_MAX = 64 * 1024 };

/* ---- states ---- */

void driver_describe_state(const struct source_driver *d, struct obs_batch *batch)
{
    bool good = d->state == STREAM_ATTACHED;
    int64_t now = driver_wall(d);
    struct observation *o = obs_new(batch, OBS_SOURCE_STATE, now, now);

    o->severity = good ? SEVERITY_INFO : SEVERITY_WARN;
    obs_str(o, ATTR_SOURCE, d->options.source->name);
    obs_str(o, ATTR_STATE, stream_state_name(d->state));
    obs_str(o, ATTR_REMEDY, d->remedy);
    obs_body(o, "Source %s is %s%s%s.", d->options.source->name, stream_state_name(d->state),
             d->problem[0] != '\0' ? ": " : "", d->problem);
}

void driver_log_state(const struct source_driver *d)
{
    log_event(d->state == STREAM_ATTACHED ? LOG_INFO : LOG_WARN, "source.state",
              LOG_S("source", d->options.source->name), LOG_S("state", stream_state_name(d->state)),
              LOG_S("problem", d->problem[0] != '\0' ? d->problem : NULL),
              LOG_S("remedy", d->remedy[0] != '\0' ? d->remedy : NULL));
}

static bool change_state(struct source_driver *d, enum stream_state state, const char *problem, const char *remedy)
{
    bool changed = !d->started || state != d->state;

    d->started = true;
    d->state = state;
    text_copy(d->problem, sizeof d->problem, problem);
    text_copy(d->remedy, sizeof d->remedy, remedy);
    return changed;
}

bool driver_judge_step(struct source_driver *d)
{
    const struct stream_report *report = &d->step.report;

    if (d->step_rc != 0) {
        d->failures++;
        return change_state(d, STREAM_RETRYING, d->step_err.text, "");
    }
    d->failures = report->state == STREAM_ATTACHED ? 0 : d->failures + 1;
    return change_state(d, report->state, "", report->remedy);
}

bool driver_judge_hung(struct source_driver *d)
{
    return change_state(d, STREAM_HUNG, "no answer within its deadline",
                        "the disk, share or service behind it does not answer: check that first");
}

void driver_note_evidence(struct source_driver *d, bool found)
{
    const struct source_step *s = &d->step;
    bool took = found || s->skipped > 0;

    d->lag_records = s->report.lag_records;
    d->skipped += s->skipped;
    if (s->last_event_ns > d->last_event_ns)
        d->last_event_ns = s->last_event_ns;
    if (s->report.state == STREAM_ATTACHED && (took || d->options.look_is_life || s->report.lag_records == 0))
        d->life_ns = driver_mono(d);
}

/* ---- notices ---- */

/* The news of a state, committed by itself. */
struct notice {
    struct source_driver *d;
    struct obs_batch batch;
    struct store_appended appended;
    struct store_stats stats;
    int rc;
};

static void notice_work(struct store *store, void *arg)
{
    struct notice *n = arg;

    n->rc = store_append(store, n->d->env->host_id, &n->batch, NULL, 0, &n->appended, NULL);
    if (n->rc == 0)
        n->rc = store_stats(store, &n->stats, NULL);
}

static void notice_done(void *arg)
{
    struct notice *n = arg;
    struct source_driver *d = n->d;

    if (n->rc == 0)
        d->env->committed(d->env->arg, &n->appended, &n->stats);
    obs_batch_free(&n->batch);
    free(n);
    d->notices--;
    driver_end_if_idle(d);
}

void driver_send_notice(struct source_driver *d)
{
    struct notice *n = calloc(1, sizeof *n);

    if (n == NULL)
        return;
    n->d = d;
    obs_batch_init(&n->batch, NOTICE_BATCH_MAX);
    driver_describe_state(d, &n->batch);
    if (n->batch.failed || store_worker_submit(d->env->worker, notice_work, notice_done, n, NULL) != 0) {
        obs_batch_free(&n->batch);
        free(n);
        return;
    }
    d->notices++;
}

/* ---- evidence ---- */

void source_driver_evidence(const struct source_driver *d, struct health_source *out)
{
    *out = (struct health_source){
        .name = d->options.source->name,
        .state = d->state,
        .may_be_absent = d->options.may_be_absent,
        .started = d->started,
        .problem = d->problem,
        .remedy = d->remedy,
        .last_event_ns = d->last_event_ns,
        .last_commit_ns = d->last_commit_ns,
        .life_ns = d->life_ns,
        .beat_ns = d->beat_ns,
        .step_since_ns = d->step_since_ns,
        .lag_records = d->lag_records,
        .caught_up = d->caught_up && (d->phase == WAITING || d->phase == GATE || d->phase == STEPPING),
        .observations = d->observations,
        .skipped = d->skipped,
    };
}
