/* A simulated agent: what agent/ does with threads and a loop, one event at a time.
 *
 * Every step of a source and its commit are two events, so that an agent can end
 * between them.  See sim.h. */
#include "base/text.h"
#include "collectors/eventlog.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARK_MAX = 16 * 1024, EVENTS_MAX = 40, BYTES_MAX = 64 * 1024, LOG_FACTOR = 4, RETRY_DOUBLINGS = 8 };

#define LOG_INTERVAL (10 * NS_PER_S)
#define FILE_SLACK   (UINT64_C(12) * 1024 * 1024)

static void take_step(void *agent, uint64_t tag);
static void commit(void *agent, uint64_t tag);

/* An event's tag: the life in which it counts, and the source. */
static uint64_t tag_of(const struct sim_agent *a, int source)
{
    return a->life * SIM_SOURCES + (uint64_t)source;
}

static bool is_void(const struct sim_agent *a, uint64_t tag)
{
    return tag / SIM_SOURCES != a->life || !a->up;
}

static void fill_random(const struct random_source *r, void *bytes, size_t len)
{
    struct sim_agent *a = r->state;
    unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++)
        p[i] = (unsigned char)sim_roll(&a->sim->chance, 256);
}

/* ---- promises -------------------------------------------------------------------------- */

static void check_stats(struct sim_agent *a, const struct store_stats *stats)
{
    const struct sim *s = a->sim;
    uint64_t bound = (uint64_t)s->plan.max_bytes;

    if (stats->last_seq < a->committed_seq)
        sim_fail(s, "agent %d: number %llu was committed, and the store is at %llu", a->number,
                 (unsigned long long)a->committed_seq, (unsigned long long)stats->last_seq);
    if (stats->acked_through < a->acked)
        sim_fail(s, "agent %d: an acknowledgement of %llu is lost", a->number, (unsigned long long)a->acked);
    if (stats->acked_through > a->told)
        sim_fail(s, "agent %d: %llu is acknowledged, and the hub has told %llu", a->number,
                 (unsigned long long)stats->acked_through, (unsigned long long)a->told);
    if (stats->bytes > bound)
        sim_fail(s, "agent %d: %llu bytes in the outbox, over the bound of %llu", a->number,
                 (unsigned long long)stats->bytes, (unsigned long long)bound);
    if (sim_disk_bytes(a->disk) > LOG_FACTOR * bound + FILE_SLACK)
        sim_fail(s, "agent %d: %llu bytes on its disk", a->number, (unsigned long long)sim_disk_bytes(a->disk));
}

void sim_agent_check(struct sim_agent *a)
{
    struct store_stats stats;

    if (a->up && store_stats(a->store, &stats, NULL) == 0)
        check_stats(a, &stats);
}

/* ---- sources ------------------------------------------------------------------------------ */

/* The marks in the store are those that were committed, whatever happened since. */
static bool load_source(struct sim_agent *a, int i)
{
    struct sim_source *x = &a->sources[i];
    struct event_stream *stream;

    obs_batch_init(&x->batch, SIM_BATCH_MAX);
    buf_init(&x->mark, MARK_MAX);
    buf_init(&x->step.new_mark, MARK_MAX);
    x->caught_up_ns = -1;
    if (i == 1)
        x->source = sim_poll_new(a);
    else if (!sim_log_stream(&a->log, &stream) ||
             eventlog_source_new("events", stream, HOST_2012R2, &x->source, NULL) != 0)
        abort();
    if (i == 0)
        x->source->interval_ns = a->sim->plan.span_ns > SIM_DAY ? SIM_HOUR : LOG_INTERVAL;
    if (store_mark_get(a->store, x->source->name, &x->mark, NULL) != 0)
        return false;
    a->log.met = a->log.met || (i == 0 && x->mark.len > 0);
    return true;
}

static void drop_source(struct sim_source *x)
{
    if (x->source == NULL)
        return;
    source_close(x->source);
    obs_batch_free(&x->batch);
    buf_free(&x->mark);
    buf_free(&x->step.new_mark);
    memset(x, 0, sizeof *x);
}

static void next_step(struct sim_agent *a, int i, int64_t in_ns)
{
    sim_at(a->sim, a->sim->now + in_ns, take_step, a, tag_of(a, i));
}

static void after_commit(struct sim_agent *a, int i, const struct store_appended *done)
{
    struct sim_source *x = &a->sources[i];
    struct store_stats stats;

    if (done->first_seq != 0 && done->first_seq <= a->committed_seq)
        sim_fail(a->sim, "agent %d: number %llu is given twice", a->number, (unsigned long long)done->first_seq);
    x->failures = 0;
    if (done->last_seq != 0)
        a->committed_seq = done->last_seq;
    if (x->save_mark) {
        buf_clear(&x->mark);
        buf_add(&x->mark, buf_text(&x->step.new_mark), x->step.new_mark.len);
        a->log.met = a->log.met || i == 0;
    }
    if (!x->step.report.more && x->step.report.state == STREAM_ATTACHED)
        x->caught_up_ns = x->stepped_ns;
    if (store_stats(a->store, &stats, NULL) == 0) {
        check_stats(a, &stats);
        sender_kick(a->sender, stats.rows, stats.oldest_unsent_ns);
    }
    next_step(a, i, x->step.report.more ? 0 : x->source->interval_ns);
}

/* As the agent's source driver: doubling, jittered, capped. */
static void commit_later(struct sim_agent *a, struct sim_source *x, uint64_t tag)
{
    int64_t most = NS_PER_S << (x->failures < RETRY_DOUBLINGS ? x->failures++ : RETRY_DOUBLINGS);

    sim_at(a->sim, a->sim->now + most / 2 + (int64_t)sim_roll(&a->sim->chance, (uint64_t)most / 2), commit, a, tag);
}

static void commit(void *agent, uint64_t tag)
{
    struct sim_agent *a = agent;
    int i = (int)(tag % SIM_SOURCES), rc;
    struct sim_source *x = &a->sources[i];
    struct store_mark mark = { x->source != NULL ? x->source->name : "", buf_text(&x->step.new_mark) };
    struct store_appended done = { 0 };
    struct err e = { 0 };

    if (is_void(a, tag))
        return;
    rc = store_append(a->store, a->resource.host_id, &x->batch, &mark, x->save_mark ? 1 : 0, &done, &e);
    if (rc == ERR_CORRUPT || rc == ERR_INVALID || rc == ERR_TOO_BIG)
        sim_fail(a->sim, "agent %d: append: %s", a->number, e.text);
    if (rc == 0) {
        after_commit(a, i, &done);
    } else {
        sim_say(a->sim, "agent %d: append: %s", a->number, e.text);
        commit_later(a, x, tag);
    }
    sim_agent_notice_power(a);
}

static void take_step(void *agent, uint64_t tag)
{
    struct sim_agent *a = agent;
    int i = (int)(tag % SIM_SOURCES);
    struct sim_source *x = &a->sources[i];
    struct err e = { 0 };

    if (is_void(a, tag))
        return;
    obs_batch_reset(&x->batch);
    x->stepped_ns = a->sim->now;
    x->step.mark = buf_text(&x->mark);
    x->step.max_events = EVENTS_MAX;
    x->step.max_bytes = BYTES_MAX;
    x->step.now_ns = a->clock.clock.wall_ns(&a->clock.clock);
    x->step.deadline_ns = INT64_MAX;
    x->step.batch = &x->batch;
    if (source_take_step(x->source, &x->step, &e) != 0) {
        sim_say(a->sim, "agent %d: %s: %s", a->number, x->source->name, e.text);
        next_step(a, i, 5 * NS_PER_S);
        return;
    }
    x->save_mark = strcmp(buf_text(&x->mark), buf_text(&x->step.new_mark)) != 0 &&
                   (buf_text(&x->step.new_mark)[0] != '\0' || x->batch.count > 0);
    if (x->batch.count > 0 || x->save_mark) {
        sim_at(a->sim, a->sim->now + NS_PER_MS, commit, a, tag);
        return;
    }
    if (!x->step.report.more && x->step.report.state == STREAM_ATTACHED)
        x->caught_up_ns = x->stepped_ns;
    next_step(a, i, x->step.report.more ? NS_PER_S : x->source->interval_ns);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void check_opened(struct sim_agent *a, const struct store_opened *opened)
{
    if (opened->recovered)
        sim_fail(a->sim, "agent %d: its store did not survive", a->number);
    if (opened->fresh && a->born)
        sim_fail(a->sim, "agent %d: its store is gone", a->number);
    sim_say(a->sim, "agent %d runs, store %s%s", a->number, opened->agent_id, opened->fresh ? ", new" : "");
    a->born = true;
}

static int begin(struct sim_agent *a, struct err *e)
{
    struct store_options o = {
        .path = a->path,
        .max_bytes = (uint64_t)a->sim->plan.max_bytes,
        .clock = &a->clock.clock,
        .random = &a->random,
        .vfs = SIM_VFS,
    };
    struct store_opened opened;
    int rc = store_open(&a->store, &o, &opened, e);

    if (rc != 0)
        return rc;
    check_opened(a, &opened);
    a->up = true;
    rc = sim_sender_start(a, e);
    for (int i = 0; i < SIM_SOURCES; i++)
        if (!load_source(a, i) && rc == 0)
            rc = err_set(e, ERR_IO, "a mark can not be read");
    return rc;
}

void sim_agent_boot(void *agent, uint64_t life)
{
    struct sim_agent *a = agent;
    struct err e = { 0 };
    int rc;

    if (a->up || a->life != life)
        return;
    rc = begin(a, &e);
    if (rc == ERR_CORRUPT || rc == ERR_INVALID || rc == ERR_UNSUPPORTED)
        sim_fail(a->sim, "agent %d: %s", a->number, e.text);
    if (rc != 0 || sim_disk_dead(a->disk)) {
        sim_say(a->sim, "agent %d does not start: %s", a->number, e.text);
        sim_agent_end(a, SIM_POWER_LOST);
        return;
    }
    sim_agent_check(a);
    for (int i = 0; i < SIM_SOURCES; i++)
        next_step(a, i, NS_PER_S);
}

/* A disk that has died takes the agent with it. */
static void power_is_gone(void *agent, uint64_t life)
{
    struct sim_agent *a = agent;

    if (a->life == life)
        sim_agent_end(a, sim_roll(&a->sim->chance, 3) == 0 ? SIM_KILLED : SIM_POWER_LOST);
}

void sim_agent_notice_power(struct sim_agent *a)
{
    if (sim_disk_dead(a->disk))
        sim_at(a->sim, a->sim->now, power_is_gone, a, a->life);
}

void sim_agent_end(struct sim_agent *a, enum sim_end how)
{
    struct sim *s = a->sim;
    int64_t pause = s->calm ? NS_PER_S : (int64_t)sim_roll(&s->chance, 600) * NS_PER_S;

    sim_say(s, "agent %d ends (%d)", a->number, (int)how);
    if (how != SIM_STOPPED)
        sim_disk_die(a->disk);
    sim_sender_end(a);
    for (int i = 0; i < SIM_SOURCES; i++)
        drop_source(&a->sources[i]);
    store_close(a->store);
    a->store = NULL;
    a->up = false;
    a->life++;
    if (how != SIM_STOPPED)
        sim_disk_power_back(a->disk, how == SIM_KILLED);
    sim_at(s, s->now + pause, sim_agent_boot, a, a->life);
}

bool sim_agent_at_rest(struct sim_agent *a, int64_t since)
{
    struct sender_status status;
    struct store_stats stats;

    if (!a->up || a->sources[0].caught_up_ns < since || a->sources[1].caught_up_ns < since)
        return false;
    sender_status(a->sender, &status);
    return store_stats(a->store, &stats, NULL) == 0 && stats.rows == 0 && status.state == SENDER_IDLE;
}

void sim_agent_init(struct sim_agent *a, struct sim *s, int number)
{
    memset(a, 0, sizeof *a);
    a->sim = s;
    a->number = number;
    sim_clock_init(&a->clock, s);
    a->random = (struct random_source){ .fill = fill_random, .state = a };
    snprintf(a->path, sizeof a->path, "%s/agent%d.db", s->dir, number);
    a->disk = sim_disk_new(a->path);
    sim_log_init(&a->log, s->plan.log_room, &s->chance);
    a->log.moody = s->plan.moody_log;
    sim_net_init(a);
    text_copy(a->resource.service_name, sizeof a->resource.service_name, "hvagent");
    text_copy(a->resource.agent_version, sizeof a->resource.agent_version, "0.1.0");
    snprintf(a->resource.host_id, sizeof a->resource.host_id, "HOST-%d", number);
    snprintf(a->resource.host_name, sizeof a->resource.host_name, "HV%02d", number);
    text_copy(a->resource.cluster, sizeof a->resource.cluster, "PROD-A");
    text_copy(a->resource.os_version, sizeof a->resource.os_version, "6.3.9600.20778");
    text_copy(a->resource.is_win6x, sizeof a->resource.is_win6x, "6.3.9600.18692");
}

void sim_agent_free(struct sim_agent *a)
{
    sim_disk_free(a->disk);
}
