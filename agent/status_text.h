/* The answer to {"cmd":"status"} as a person wants it: the state first, then
 * why, then what to do, then the numbers. */
#ifndef AGENT_STATUS_TEXT_H
#define AGENT_STATUS_TEXT_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

/* status comes from the socket and is not trusted: what is missing or of another type
 * is left out.  now_ns is for ages. */
void status_text(const json_t *status, int64_t now_ns, bool colour, struct buf *out);

#endif
