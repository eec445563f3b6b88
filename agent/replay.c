/* See replay.h.
 *
 * A feed is a source with the batch it gave last; the feed whose next
 * observation is the oldest gives it to the fleet.  A source is at its end when
 * FEED_IDLE_STEPS steps in a row brought nothing; the clock that the sources are shown
 * leaps ahead by CLOCK_LEAP_S at each of those, so that a dump folder's waiting for
 * files to settle takes no time.
 */
#include "agent/replay.h"

#include "agent/replay_incidents.h"
#include "agent/replay_tally.h"
#include "base/times.h"
#include "collectors/bundle.h"
#include "model/fleet.h"
#include "plat/clock.h"
#include "plat/files.h"
#include "report/incidents_report.h"
#include "triage/triage.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEP_EVENTS = 500,
    STEP_BYTES = 2 * 1024 * 1024,
    BATCH_MAX = 64 * 1024 * 1024,
    STEP_DEADLINE_S = 600,
    FEED_IDLE_STEPS = 4,
    FEED_FAILURES = 3,
    CLOCK_LEAP_S = 2 * 3600,
    REFRESH_S = 24 * 3600,
    SETTLE_S = 1,
    TRIAGE_DEADLINE_S = 30,
    PROGRESS_EVERY = 512,
    REPORT_MAX = 256 * 1024 * 1024,
};

struct feed {
    struct source *source;
    const struct resource *facts;
    struct obs_batch batch;
    struct observation *next; /* in batch */
    struct buf mark, new_mark;
    int events_max;
    int idle, failures;
    bool ended;
};

struct replay {
    struct clock clock; /* the sources' */
    int64_t leaps;      /* ns ahead of the real one */
    struct fleet *fleet;
    struct drift_floors floors;
    struct bundle **bundles;
    size_t bundle_count;
    struct feed *feeds;
    size_t feed_count;
    struct replay_tally tally;
    struct replay_incidents *incidents;
    int64_t taken;
};

/* ---- the leaping clock ---- */

static int64_t leaping_wall(const struct clock *c)
{
    const struct replay *r = c->state;

    return plat_clock()->wall_ns(plat_clock()) + r->leaps;
}

static int64_t leaping_monotonic(const struct clock *c)
{
    const struct replay *r = c->state;

    return plat_clock()->monotonic_ns(plat_clock()) + r->leaps;
}

/* ---- making ---- */

struct replay *replay_new(void)
{
    struct replay *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->clock = (struct clock){ leaping_wall, leaping_monotonic, r };
    r->floors = drift_floors_default();
    r->fleet = fleet_new(&r->floors);
    r->incidents = r->fleet != NULL ? replay_incidents_new(r->fleet, &r->floors) : NULL;
    if (r->incidents == NULL || !tally_init(&r->tally)) {
        replay_free(r);
        return NULL;
    }
    return r;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->feed_count; i++) {
        obs_batch_free(&r->feeds[i].batch);
        buf_free(&r->feeds[i].mark);
        buf_free(&r->feeds[i].new_mark);
    }
    free(r->feeds);
    for (size_t i = 0; i < r->bundle_count; i++)
        bundle_close(r->bundles[i]);
    free(r->bundles);
    replay_incidents_free(r->incidents);
    fleet_free(r->fleet);
    tally_free(&r->tally);
    free(r);
}

static int add_feeds(struct replay *r, struct bundle *b, struct err *e)
{
    size_t count = bundle_source_count(b);
    struct feed *bigger = realloc(r->feeds, (r->feed_count + count + 1) * sizeof *bigger);

    if (bigger == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    r->feeds = bigger;
    for (size_t i = 0; i < count; i++) {
        struct feed *f = &r->feeds[r->feed_count++];

        memset(f, 0, sizeof *f);
        f->source = bundle_source(b, i);
        f->facts = bundle_facts(b);
        f->events_max = STEP_EVENTS;
        obs_batch_init(&f->batch, BATCH_MAX);
        buf_init(&f->mark, SOURCE_MARK_MAX);
        buf_init(&f->new_mark, SOURCE_MARK_MAX);
    }
    return 0;
}

int replay_add(struct replay *r, const char *dir, struct err *e)
{
    struct bundle_options options = {
        .files = plat_files(),
        .clock = &r->clock,
        .poll_ns = NS_PER_S,
        .refresh_ns = REFRESH_S * NS_PER_S,
        .dump_settle_ns = SETTLE_S * NS_PER_S,
        .triage = { .on = true, .deadline_ns = TRIAGE_DEADLINE_S * NS_PER_S, .read_max = TRIAGE_READ_DEFAULT }
    };
    struct bundle **bigger = realloc(r->bundles, (r->bundle_count + 1) * sizeof(struct bundle *));
    int rc;

    if (bigger == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    r->bundles = bigger;
    rc = bundle_open(dir, &options, &r->bundles[r->bundle_count], e);
    if (rc != 0)
        return rc;
    return add_feeds(r, r->bundles[r->bundle_count++], e);
}

/* ---- stepping ---- */

/* A step that failed: smaller bites for a batch that was too big, else a few
 * more tries before the source is given up with a word about it. */
static void feed_failed(struct replay *r, struct feed *f, int rc, const struct err *why)
{
    if (rc == ERR_TOO_BIG && f->events_max > 1) {
        f->events_max /= 2;
        return;
    }
    if (++f->failures < FEED_FAILURES)
        return;
    f->ended = true;
    tally_problem(&r->tally, f->source->name, why->text);
}

static void feed_took(struct replay *r, struct feed *f, const struct source_step *step)
{
    bool moved = f->new_mark.len > 0 && strcmp(buf_text(&f->mark), buf_text(&f->new_mark)) != 0;

    f->failures = 0;
    f->next = f->batch.first;
    if (moved)
        buf_swap(&f->mark, &f->new_mark); /* a copy that there is no memory for would begin anew */
    if (moved || f->batch.count > 0 || step->report.more) {
        f->idle = 0;
        return;
    }
    r->leaps += CLOCK_LEAP_S * NS_PER_S;
    if (++f->idle < FEED_IDLE_STEPS)
        return;
    f->ended = true;
    if (step->report.state != STREAM_ATTACHED)
        tally_problem(&r->tally, f->source->name, stream_state_name(step->report.state));
}

static void step_feed(struct replay *r, struct feed *f)
{
    struct source_step step = {
        .mark = buf_text(&f->mark),
        .max_events = f->events_max,
        .max_bytes = STEP_BYTES,
        .now_ns = plat_clock()->wall_ns(plat_clock()),
        .deadline_ns = leaping_monotonic(&r->clock) + STEP_DEADLINE_S * NS_PER_S,
        .batch = &f->batch,
    };
    struct err why;
    int rc;

    obs_batch_reset(&f->batch);
    f->next = NULL;
    buf_clear(&f->new_mark);
    step.new_mark = f->new_mark;
    rc = source_take_step(f->source, &step, &why);
    f->new_mark = step.new_mark;
    if (rc != 0) {
        obs_batch_reset(&f->batch);
        feed_failed(r, f, rc, &why);
    } else {
        feed_took(r, f, &step);
    }
}

static int64_t time_of(const struct observation *o)
{
    return o->time_ns != 0 ? o->time_ns : o->observed_ns;
}

/* The feed with the oldest observation; every feed has been stepped until it
 * has one or is at its end. */
static struct feed *oldest_feed(struct replay *r)
{
    struct feed *oldest = NULL;

    for (size_t i = 0; i < r->feed_count; i++) {
        struct feed *f = &r->feeds[i];

        while (f->next == NULL && !f->ended)
            step_feed(r, f);
        if (f->next != NULL && (oldest == NULL || time_of(f->next) < time_of(oldest->next)))
            oldest = f;
    }
    return oldest;
}

static int take(struct replay *r, const struct resource *who, const struct observation *o, struct err *e)
{
    int rc = fleet_apply(r->fleet, who, o, e);

    if (rc == 0)
        rc = replay_incidents_add(r->incidents, who, o, e);
    if (rc != 0)
        return rc;
    tally_take(&r->tally, who, o);
    if (o->kind != OBS_HOST_INVENTORY)
        return 0;
    fleet_evaluate(r->fleet);
    return replay_incidents_evaluated(r->incidents, time_of(o), e);
}

int replay_run(struct replay *r, void (*progress)(void *arg, const char *source, int64_t observations), void *arg,
               struct err *e)
{
    struct feed *f;
    int rc;

    while ((f = oldest_feed(r)) != NULL) {
        const struct observation *o = f->next;

        rc = take(r, f->facts, o, e);
        if (rc != 0)
            return rc;
        f->next = o->next;
        if (progress != NULL && ++r->taken % PROGRESS_EVERY == 0)
            progress(arg, f->source->name, r->taken);
    }
    fleet_evaluate(r->fleet);
    return r->tally.failed ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

/* ---- telling ---- */

static int report_of(struct replay *r, int64_t now_ns, struct drift_report **out, struct err *e)
{
    struct drift_report_options options = { .now_ns = now_ns, .floors = &r->floors };

    return drift_report_of_fleet(out, r->fleet, &options, e);
}

/* The incidents as a report in the format; appended to out. */
static int incidents_of(struct replay *r, int64_t now_ns, enum report_format format, const struct report_style *style,
                        struct buf *out, struct err *e)
{
    struct incident_list list;
    struct incidents_report report = { .now_ns = now_ns, .brief = true };
    int rc = replay_incidents_list(r->incidents, &list, e);

    if (rc != 0)
        return rc;
    report.incidents = (const struct incident *const *)list.items;
    report.count = list.count;
    if (list.count > 0 || format == REPORT_JSON)
        rc = incidents_report_render(&report, format, style, out, e);
    incident_list_free(&list);
    return rc;
}

/* "incidents" of hvfleet.report.incidents/1 */
static int add_incidents(struct replay *r, int64_t now_ns, json_t *report, struct err *e)
{
    struct report_style style = { 0 };
    struct buf text;
    json_t *json = NULL;
    int rc;

    buf_init(&text, REPORT_MAX);
    rc = incidents_of(r, now_ns, REPORT_JSON, &style, &text, e);
    if (rc == 0)
        json = json_loadb(buf_text(&text), text.len, 0, NULL);
    if (rc == 0 && (json == NULL || json_object_set(report, "incidents", json_object_get(json, "incidents")) != 0))
        rc = err_set(e, ERR_MEMORY, "out of memory");
    json_decref(json);
    buf_free(&text);
    return rc;
}

json_t *replay_json(struct replay *r, int64_t now_ns, struct err *e)
{
    struct drift_report *report = NULL;
    struct report_style style = { 0 };
    json_t *json = NULL;
    struct buf text;
    int rc;

    buf_init(&text, REPORT_MAX);
    rc = report_of(r, now_ns, &report, e);
    if (rc == 0)
        rc = drift_report_render(report, REPORT_JSON, &style, &text, e);
    if (rc == 0)
        json = json_loadb(buf_text(&text), text.len, 0, NULL);
    if (json == NULL && rc == 0)
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0 && !tally_json(&r->tally, json))
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = add_incidents(r, now_ns, json, e);
    if (rc != 0) {
        json_decref(json);
        json = NULL;
    }
    drift_report_free(report);
    buf_free(&text);
    return json;
}

int replay_text(struct replay *r, int64_t now_ns, const struct report_style *style, struct buf *out, struct err *e)
{
    struct drift_report *report = NULL;
    int rc = report_of(r, now_ns, &report, e);

    if (rc == 0)
        rc = drift_report_render(report, REPORT_TEXT, style, out, e);
    if (rc == 0)
        rc = incidents_of(r, now_ns, REPORT_TEXT, style, out, e);
    if (rc == 0)
        tally_text(&r->tally, out);
    if (rc == 0 && buf_error(out) != ERR_OK)
        rc = err_set(e, buf_error(out), "the report does not fit into memory");
    drift_report_free(report);
    return rc;
}

bool replay_troubled(const struct replay *r)
{
    return json_array_size(r->tally.problems) > 0;
}
