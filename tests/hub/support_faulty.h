/* A store's body whose calls fail when they are told to: the seam of fleet_body.h, between what the store does and
 * where the rows lie. */
#ifndef TESTS_HUB_SUPPORT_FAULTY_H
#define TESTS_HUB_SUPPORT_FAULTY_H

#include "hub/fleet_body.h"

/* The store's calls go through here from now on; one store at a time.  The body must be given back before it is
 * closed. */
void faulty_begin(struct fleet_store *s);
void faulty_end(struct fleet_store *s);

/* The n-th call of the body from now on (counted from 1) fails with this error, "NAME fails"; 0: none does. */
void faulty_at(int n, int error);
/* The next calls of this name give these errors, one after the other; 0: it does what it does.  Any thread. */
void faulty_script(const char *name, const int *errors, int count);
/* What the body says when it is asked whether to try again: yes, so many times. */
void faulty_again(int times);
/* Until it is let go, the thread that puts a record waits there. */
void faulty_hold(bool hold);
bool faulty_held(void); /* somebody is waiting there */

/* The name of what failed since faulty_at(); NULL when nothing did. */
const char *faulty_met(void);

#endif
