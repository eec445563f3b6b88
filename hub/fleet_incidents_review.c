/* Other rules than those with which the stored incidents were explained: these are explained anew, in the background.
 *
 * The store has a row that says with which rules (their digest, incidents/rules.h) incidents were last gone through,
 * and how far that has come.  When rules are taken up, at a start or a reload, their digest is held against it.  Are
 * they others, upkeep goes through the stored incidents, the newest first, as far back as observations are kept (what
 * was around older ones is gone, see fleet_incidents_store.c): whenever no note is due it writes notes about the next
 * REVIEW_NOTES, which are then taken up like any others.  So a crash that comes meanwhile is not held up, a hub that is
 * killed goes on where it was, and of several hubs one at a time goes on.
 *
 * A hub whose rules are not those of the row leaves the rest to the hub whose they are: the last one that was
 * started or reloaded. */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"

#include <string.h>

enum { REVIEW_NOTES = 50 }; /* in one slice of upkeep */

/* ---- other rules? -------------------------------------------------------------------------- */

static int begin_review(struct fleet_store *s, const struct fleet_review *before, struct err *e)
{
    struct fleet_review now = { .digest = rules_digest(s->incidents->rules), .pending = before != NULL };

    if (before != NULL && before->digest == now.digest) {
        s->incidents->reviewing = before->pending;
        return 0;
    }
    s->incidents->reviewing = now.pending; /* a new store has nothing to go through */
    if (before != NULL)
        log_event(LOG_INFO, "incidents.other_rules", LOG_S("then", "stored incidents are explained anew"));
    return s->body->ops->review_put(s->body, &now, e);
}

int fleet_incidents_compare_rules(struct fleet_store *s, struct err *e)
{
    struct fleet_review before;
    int rc;

    if (s->incidents->rules_compared)
        return 0;
    rc = s->body->ops->review_get(s->body, &before, e);
    if (rc == 0 || rc == ERR_NOT_FOUND)
        rc = begin_review(s, rc == 0 ? &before : NULL, e);
    return rc;
}

/* ---- the next ones --------------------------------------------------------------------------- */

struct page {
    struct fleet_todo notes[REVIEW_NOTES];
    int count;
    int64_t now;
    char last_id[INCIDENT_ID_CHARS + 1];
};

static bool take_row(void *arg, const struct fleet_incident_row *r)
{
    struct page *p = (struct page *)arg;
    struct fleet_todo *t = &p->notes[p->count++];

    *t = (struct fleet_todo){ .scope = TODO_VM, .from = r->time, .to = r->time, .due = p->now };
    text_copy(t->key, sizeof t->key, r->vm_id);
    text_copy(p->last_id, sizeof p->last_id, r->id);
    return p->count < REVIEW_NOTES;
}

static int next_page(struct fleet_store *s, const struct fleet_review *review, struct page *p, struct err *e)
{
    int64_t keep = s->incidents->keep_ns;
    struct fleet_incident_query q;

    fleet_incident_query_all(&q);
    q.since_ns = keep > 0 && p->now > keep ? p->now - keep : 0;
    q.after_time = review->before_time;
    text_copy(q.after_id, sizeof q.after_id, review->before_id);
    q.limit = REVIEW_NOTES;
    return s->body->ops->incidents(s->body, &q, take_row, p, e);
}

static int write_page(struct fleet_store *s, struct fleet_review *review, const struct page *p, struct err *e)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < p->count; i++)
        rc = s->body->ops->todo_put(s->body, &p->notes[i], e);
    review->pending = p->count == REVIEW_NOTES;
    if (p->count > 0) {
        review->before_time = p->notes[p->count - 1].from;
        text_copy(review->before_id, sizeof review->before_id, p->last_id);
    }
    return rc != 0 ? rc : s->body->ops->review_put(s->body, review, e);
}

int fleet_incidents_review(struct fleet_store *s, bool *wrote, struct err *e)
{
    struct page p = { .now = s->clock->wall_ns(s->clock) };
    struct fleet_review review;
    int rc = s->body->ops->review_get(s->body, &review, e);

    *wrote = false;
    if (rc != 0)
        return rc;
    if (!review.pending || review.digest != rules_digest(s->incidents->rules)) {
        s->incidents->reviewing = false;
        return 0;
    }
    rc = next_page(s, &review, &p, e);
    if (rc == 0)
        rc = write_page(s, &review, &p, e);
    *wrote = rc == 0 && p.count > 0;
    return rc;
}
