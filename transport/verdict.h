/* The retry table: what an answer of the hub means, and how long to wait. */
#ifndef TRANSPORT_VERDICT_H
#define TRANSPORT_VERDICT_H

#include "plat/random.h"
#include "transport/http.h"

#include <stddef.h>
#include <stdint.h>

enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_WAIT,      /* try the same again later */
    VERDICT_TOO_LARGE, /* try less at once */
    VERDICT_GUILTY,    /* something in it is not taken: find out what */
    VERDICT_ENCODING,  /* try another compression */
    VERDICT_REFUSED,   /* we are not wanted */
};

struct verdict_row {
    int from, to; /* HTTP status, both included */
    enum verdict verdict;
    const char *means;  /* "" where the answer's own text is all there is to say */
    const char *remedy; /* for people; "" where waiting is one */
};

/* The row for a status; never NULL.  0 (no answer) has a row too. */
const struct verdict_row *verdict_of(int status);

/* One sentence: "the hub answered 503 (...): text of the answer", or "no
 * answer from the hub: why".  Returns out. */
const char *verdict_sentence(const struct http_reply *reply, char *out, size_t size);

/* What to do about it, for people. */
const char *verdict_remedy(const struct http_reply *reply);

/* How long to wait after the n-th failure in a row (from 1).
 *
 * Without retry_after_ns (-1): full jitter, that is anything from 0 to a
 * ceiling that begins at min_ns, doubles with every failure and ends at
 * max_ns.  With it: what the hub asked for, but max_ns at most, and up to a
 * tenth (or min_ns, if more) on top, so that those who were told the same
 * second do not all come back in it. */
int64_t backoff_ns(int64_t min_ns, int64_t max_ns, int failures, int64_t retry_after_ns,
                   const struct random_source *random);

/* Anything from 0 to max_ns, both included. */
int64_t jitter_ns(int64_t max_ns, const struct random_source *random);

#endif
