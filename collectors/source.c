/* See source.h: the checks that hold for every source. */
#include "collectors/source.h"

#include <assert.h>

int source_take_step(struct source *s, struct source_step *step, struct err *e)
{
    int rc;

    assert(s->ops != NULL && s->name[0] != '\0');
    assert(step->batch != NULL && step->batch->count == 0 && step->max_events > 0);
    step->report = (struct stream_report){ .state = STREAM_ATTACHED, .lag_records = -1 };
    step->last_event_ns = 0;
    step->skipped = 0;
    step->settled = false;
    buf_clear(&step->new_mark);
    rc = s->ops->step(s, step, e);
    if (rc != 0)
        return rc;
    if (step->batch->failed)
        return err_set(e, ERR_TOO_BIG, "%s: the observations of one step do not fit their batch; ask for fewer events",
                       s->name);
    if (buf_error(&step->new_mark) != ERR_OK)
        return err_set(e, buf_error(&step->new_mark), "%s: the mark does not fit", s->name);
    return 0;
}

void source_close(struct source *s)
{
    if (s != NULL)
        s->ops->close(s);
}

void source_gap(const struct source *s, struct source_step *step, const char *reason, const char *from, const char *to,
                int64_t count, const char *detail)
{
    struct observation *o = obs_new(step->batch, OBS_GAP, step->now_ns, step->now_ns);

    o->severity = SEVERITY_WARN;
    obs_str(o, ATTR_SOURCE, s->name);
    obs_str(o, ATTR_GAP_REASON, reason);
    obs_str(o, ATTR_GAP_FROM, from);
    obs_str(o, ATTR_GAP_TO, to);
    if (count > 0)
        obs_int(o, ATTR_GAP_COUNT, count);
    obs_body(o, "%s: %s%s%s", s->name, reason, detail[0] != '\0' ? ": " : "", detail);
}
