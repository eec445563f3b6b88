/* At most so many steps of a kind at once.
 *
 * A step on a dead share can hold its worker thread for good.  Steps of one
 * kind (dump folders above all) pass through a gate narrower than the thread
 * pool, so that however many shares are dead there are threads left for the rest.
 *
 * Loop thread.
 */
#ifndef AGENT_STEP_GATE_H
#define AGENT_STEP_GATE_H

#include <stdbool.h>

struct gate_ticket {
    void (*open)(void *arg); /* the gate is yours */
    void *arg;
    bool waiting, inside;
    struct gate_ticket *next;
};

struct step_gate {
    int inside, max;
    struct gate_ticket *first, *last; /* waiting, in order */
};

void gate_init(struct step_gate *g, int max);

/* True: go on at once.  False: open() is called later. */
bool gate_enter(struct step_gate *g, struct gate_ticket *t);

/* From inside, or while waiting (then open() is not called any more). */
void gate_leave(struct step_gate *g, struct gate_ticket *t);

#endif
