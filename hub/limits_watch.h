/* How slow a peer may be, for the whole of what it does and not just from one
 * byte to the next: a peer that sends a byte from time to time looks alive to
 * an idle timer for ever, and a few hundred of them hold every connection.
 *
 *   head     from the connection, or from the end of the answer before, to the
 *            end of the headers (the TLS handshake included)
 *   body     after `head`, on average so many bytes a second; what came faster is
 *            credit for a pause, of idle_ns at most
 *   answer   the same, by the answer's length
 *
 * A connection that is over its time is shut down; its owner sees the end of
 * it and closes.  While a request is ours to answer no time runs.
 *
 * Thread safe.  A thread of its own looks at all connections twice a second. */
#ifndef HUB_LIMITS_WATCH_H
#define HUB_LIMITS_WATCH_H

#include "base/error.h"
#include "plat/clock.h"

#include <stddef.h>
#include <stdint.h>

struct watch_limits {
    int64_t head_ns;
    int64_t idle_ns; /* how long a connection may rest between two requests; added to head_ns there */
    int64_t bytes_per_s;
};

struct watch;
struct watched; /* a connection */

/* ended counts the connections that were shut down; it stays the caller's, until watch_stop(). */
MUST_USE int watch_start(struct watch **out, const struct watch_limits *limits, const struct clock *clock,
                         _Atomic uint64_t *ended, struct err *e);
/* Every connection has been closed before. */
void watch_stop(struct watch *w);

/* A new connection, whose headers are waited for.  NULL without memory.  fd stays the caller's, and open
 * until watch_close(). */
struct watched *watch_open(struct watch *w, int fd);
void watch_close(struct watch *w, struct watched *c);

/* c may be NULL: nothing happens. */
void watch_body(struct watch *w, struct watched *c);               /* the headers are there */
void watch_received(struct watch *w, struct watched *c, size_t n); /* n more bytes of the body */
void watch_ours(struct watch *w, struct watched *c);               /* it is our turn */
void watch_answer(struct watch *w, struct watched *c, size_t len); /* the peer may take the answer */
void watch_rest(struct watch *w, struct watched *c);               /* it was taken */

#endif
