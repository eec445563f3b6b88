/* See deliver_plan.h. */
#include "hub/deliver_plan.h"

#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A time further ahead than anything we plan was written by a clock that was wrong. */
#define TOO_FAR (48 * 3600 * NS_PER_S)

enum { ID_BYTES = 16 };

int deliver_plan_init(struct deliver_plan *p, const struct hub_delivery_config *config, const struct hub_delivery *d,
                      const struct random_source *random, struct err *e)
{
    *p = (struct deliver_plan){ .delivery = d, .config = config, .random = random };
    if (!schedule_parse(d->schedule, &p->schedule))
        return err_set(e, ERR_INVALID, "%s: \"%s\" is no schedule", d->name, d->schedule);
    return time_zone_load(&p->zone, d->zone, e);
}

void deliver_plan_free(struct deliver_plan *p)
{
    time_zone_free(p->zone);
    p->zone = NULL;
}

static void schedule_text(const struct deliver_plan *p, char out[DELIVERY_SCHEDULE_MAX])
{
    out[0] = '\0';
    if (p->delivery->schedule[0] != '\0')
        snprintf(out, DELIVERY_SCHEDULE_MAX, "%s %s", p->delivery->schedule, p->delivery->zone);
}

void deliver_plan_begin(const struct deliver_plan *p, int64_t now_ns, struct fleet_delivery *row)
{
    *row = (struct fleet_delivery){ .planned = now_ns, .cursor = now_ns };
    text_copy(row->name, sizeof row->name, p->delivery->name);
    schedule_text(p, row->schedule);
}

bool deliver_plan_adopt(const struct deliver_plan *p, int64_t now_ns, struct fleet_delivery *row)
{
    char text[DELIVERY_SCHEDULE_MAX];

    schedule_text(p, text);
    if (strcmp(text, row->schedule) == 0 && row->planned - now_ns <= TOO_FAR)
        return false;
    memcpy(row->schedule, text, sizeof text);
    row->planned = now_ns;
    return true;
}

enum deliver_step deliver_plan_next(const struct deliver_plan *p, int64_t now_ns, const struct fleet_delivery *row)
{
    if (row->job[0] != '\0')
        return now_ns >= row->next_try || row->next_try - now_ns > TOO_FAR ? STEP_TRY : STEP_WAIT;
    if (schedule_latest(&p->schedule, p->zone, now_ns) > row->planned)
        return STEP_SCHEDULED;
    if (row->found != 0 && (now_ns - row->found >= p->delivery->batch_ns || row->found > now_ns))
        return STEP_FOUND;
    return STEP_NOTHING;
}

void deliver_plan_job(const struct deliver_plan *p, enum fleet_job kind, int64_t now_ns, struct fleet_delivery *row)
{
    unsigned char id[ID_BYTES];

    assert(row->job[0] == '\0' && kind != JOB_NONE);
    p->random->fill(p->random, id, sizeof id);
    for (int i = 0; i < ID_BYTES; i++)
        snprintf(row->job + 2 * i, 3, "%02x", id[i]);
    row->job_kind = kind;
    row->job_made = now_ns;
    row->job_slot = kind == JOB_SCHEDULED ? schedule_latest(&p->schedule, p->zone, now_ns) : 0;
    row->tries = 0;
    row->next_try = now_ns;
    if (kind == JOB_FOUND)
        row->found = 0;
}

int64_t deliver_plan_since(const struct deliver_plan *p, const struct fleet_delivery *row)
{
    int64_t to = row->job_slot > 0 ? row->job_slot : row->job_made;
    int64_t before = row->job_slot > 0 ? schedule_latest(&p->schedule, p->zone, row->job_slot - 1) : 0;

    return before > 0 && before < to ? before : to - DELIVER_PERIOD_NS;
}

/* Doubled with each try up to the most, and then anything between half of that and all of it. */
static int64_t pause_after(const struct deliver_plan *p, int64_t tries)
{
    int64_t pause = p->config->retry_min_ns;
    uint32_t chance;

    for (int64_t i = 1; i < tries && pause < p->config->retry_max_ns; i++)
        pause *= 2;
    if (pause > p->config->retry_max_ns)
        pause = p->config->retry_max_ns;
    p->random->fill(p->random, &chance, sizeof chance);
    return pause / 2 + (int64_t)((double)(pause / 2) * ((double)chance / (double)UINT32_MAX));
}

void deliver_plan_try(const struct deliver_plan *p, int64_t now_ns, struct fleet_delivery *row)
{
    assert(row->job[0] != '\0');
    row->tries++;
    row->next_try = now_ns + pause_after(p, row->tries);
}

static void end_job(struct fleet_delivery *row)
{
    if (row->job_kind == JOB_SCHEDULED && row->job_slot > row->planned)
        row->planned = row->job_slot;
    row->job[0] = '\0';
    row->job_kind = JOB_NONE;
    row->job_slot = row->job_made = 0;
    row->tries = row->next_try = 0;
}

void deliver_plan_sent(int64_t now_ns, bool quiet, struct fleet_delivery *row)
{
    end_job(row);
    row->last_error[0] = '\0';
    if (!quiet)
        row->last_sent = now_ns;
}

bool deliver_plan_failed(const struct deliver_plan *p, int64_t now_ns, const struct deliver_result *result,
                         struct fleet_delivery *row)
{
    bool over = result->outcome == DELIVER_REFUSED || now_ns - row->job_made >= p->config->give_up_ns;

    assert(result->outcome != DELIVER_SENT);
    snprintf(row->last_error, sizeof row->last_error, "%s%.300s", over ? "given up: " : "", result->text);
    if (over)
        end_job(row);
    else if (result->retry_after_ns > 0 && now_ns + result->retry_after_ns > row->next_try)
        row->next_try = now_ns + result->retry_after_ns;
    return over;
}
