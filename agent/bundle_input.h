/* What a person names as captured data: a bundle, a folder of bundles, or an
 * archive of either; resolved to the folders of single bundles. */
#ifndef AGENT_BUNDLE_INPUT_H
#define AGENT_BUNDLE_INPUT_H

#include "base/error.h"

#include <stddef.h>

enum { BUNDLES_MAX = 1024 };

struct bundle_input {
    char **dirs; /* owned; in order of name */
    size_t count;
    char *temp; /* unpacked into; NULL none */
};

/* ERR_INVALID when there is no bundle at path; the text says what one is. Free in either case. */
MUST_USE int bundle_input_open(const char *path, struct bundle_input *out, struct err *e);

/* Removes what was unpacked, too. */
void bundle_input_free(struct bundle_input *in);

#endif
