/* Carries out the event rules: an event to observations. */
#ifndef COLLECTORS_EVENT_APPLY_H
#define COLLECTORS_EVENT_APPLY_H

#include "collectors/event.h"
#include "model/host.h"
#include "model/observation.h"

/* Adds to the batch what the event is worth: one observation or more of the
 * rule that fits; one raw observation when a watched provider's event fits
 * none (xml is what it was read from); nothing, and false, when it is nobody's
 * business. */
bool event_apply(const struct event *event, enum host_generation host, const char *xml, size_t xml_len,
                 int64_t observed_ns, struct obs_batch *batch);

/* Sets the body of o from a rule's template (event_rules.h). */
void event_sentence(struct observation *o, const char *template);

/* For rules' special functions. */

/* The value of a field without the blanks around it; *len 0 when there is no
 * such field.  at is n of %n. */
const char *event_field(const struct event *event, int at, size_t *len);
/* Position of the field of that name; 0 none. */
int event_field_named(const struct event *event, const char *name);
/* A whole number, decimal or with 0x. */
bool event_number(const char *text, size_t len, uint64_t *out);

#endif
