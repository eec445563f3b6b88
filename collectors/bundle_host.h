/* host.yaml of a bundle: whose data it is (docs/bundle.md). */
#ifndef COLLECTORS_BUNDLE_HOST_H
#define COLLECTORS_BUNDLE_HOST_H

#include "base/error.h"
#include "model/host.h"
#include "plat/files.h"

#include <stdint.h>

/* Reads host.yaml at path; NULL: there is none, and the folder's own name is all there is.
 * All problems are told at once, as FILE:LINE:COL: messages joined by newlines.  facts and
 * captured_at (0 not known) are filled on success only.  Blocks. */
MUST_USE int bundle_host_read(const struct files *files, const char *dir, const char *path, struct resource *facts,
                              int64_t *captured_at, struct err *e);

#endif
