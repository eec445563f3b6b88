/* See step_gate.h. */
#include "agent/step_gate.h"

#include <assert.h>
#include <stddef.h>

void gate_init(struct step_gate *g, int max)
{
    assert(max > 0);
    *g = (struct step_gate){ .max = max };
}

bool gate_enter(struct step_gate *g, struct gate_ticket *t)
{
    assert(!t->waiting && !t->inside);
    if (g->inside < g->max) {
        g->inside++;
        t->inside = true;
        return true;
    }
    t->waiting = true;
    t->next = NULL;
    if (g->last != NULL)
        g->last->next = t;
    else
        g->first = t;
    g->last = t;
    return false;
}

static void unlink_ticket(struct step_gate *g, struct gate_ticket *t)
{
    struct gate_ticket *before = NULL;

    for (struct gate_ticket *at = g->first; at != t; at = at->next)
        before = at;
    if (before != NULL)
        before->next = t->next;
    else
        g->first = t->next;
    if (g->last == t)
        g->last = before;
    t->waiting = false;
}

void gate_leave(struct step_gate *g, struct gate_ticket *t)
{
    struct gate_ticket *next = g->first;

    if (t->waiting) {
        unlink_ticket(g, t);
        return;
    }
    assert(t->inside && g->inside > 0);
    t->inside = false;
    g->inside--;
    if (next == NULL)
        return;
    unlink_ticket(g, next);
    g->inside++;
    next->inside = true;
    next->open(next->arg);
}
