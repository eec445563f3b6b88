/* Headers that two programs would read in two ways: where a proxy and the hub do not
 * agree on where a body ends or who speaks, the one lets through what the other
 * takes for something else. */
#ifndef HUB_LIMITS_HEADERS_H
#define HUB_LIMITS_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

/* What was seen of a request's headers so far; begins as all 0. */
struct header_check {
    unsigned seen; /* a bit for each header that may come once */
    bool bad;
};

/* One more header.  Bad: a name that is no token, a control character in the value, a header that decides
 * something and comes twice, a Content-Length that is no number, or one beside a Transfer-Encoding. */
void header_check(struct header_check *c, const char *name, const char *value, size_t value_len);

#endif
