/* The three headers of an answer that are acted on.  Pure; any bytes. */
#ifndef TRANSPORT_HTTP_HEADERS_H
#define TRANSPORT_HTTP_HEADERS_H

#include "transport/http.h"

#include <stddef.h>

/* A Retry-After of more than a day is taken as a day. */
#define RETRY_AFTER_MAX_NS (INT64_C(86400) * 1000000000)

/* A budget of more bytes is no budget. */
#define SEND_BUDGET_MAX (UINT64_C(1) << 40)

/* Takes in one header line ("Name: value", len bytes, line end or not): fills
 * retry_after_ns (now_ns is the wall clock, for a date), acked_through or
 * send_budget, which is believed when it is there once, in digits alone and no more
 * than SEND_BUDGET_MAX, and otherwise as if it were absent.  A status line
 * ("HTTP/1.1 ...") begins a new answer and forgets the headers of the one before
 * it.  Anything else, and nonsense, changes nothing. */
void http_header_take(struct http_reply *reply, const char *line, size_t len, int64_t now_ns);

#endif
