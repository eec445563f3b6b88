/* What `hvagent capture --no-names` puts in the place of names: "name-1",
 * "name-2" ... in the order of their first appearance, the same one for the same
 * name throughout a bundle, so that what belongs together still does.  Numbers
 * and not hashes, because a hash of a short name can be guessed.
 *
 * Also the judgement which text needs no hiding: what can only be a number, a
 * version, a GUID, a time or the negotiated protocol versions of an event.
 *
 * One thread.
 */
#ifndef AGENT_CAPTURE_NAMES_H
#define AGENT_CAPTURE_NAMES_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { CAPTURE_NAMES_MAX = 1 << 16, CAPTURE_NAME_TEXT_MAX = 24 };

struct capture_names {
    struct arena arena;
    const char **names; /* CAPTURE_NAMES_MAX * 2 places */
    int *numbers;
    int count;
};

MUST_USE int capture_names_init(struct capture_names *n, struct err *e);
void capture_names_free(struct capture_names *n);

/* The stand-in for a name (len bytes; case does not count) to out.  "name-x"
 * for all that come after CAPTURE_NAMES_MAX others. */
void capture_name(struct capture_names *n, const char *name, size_t len, char out[CAPTURE_NAME_TEXT_MAX]);

/* The same for a host, of which only the part before the first dot counts. */
void capture_host_name(struct capture_names *n, const char *name, size_t len, char out[CAPTURE_NAME_TEXT_MAX]);

/* True for text that names nobody; addresses are names. */
bool capture_is_harmless(const char *text, size_t len);

/* Text as XML: escaped, nothing else changed. */
void capture_escape(struct buf *out, const char *text, size_t len);

#endif
