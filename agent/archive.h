/* A packed bundle (.tar.gz) unpacked into a folder.
 *
 * The archive is somebody's mail attachment: only regular files and folders are
 * taken, names that leave the folder are refused, nothing is written through a
 * link, and the number of entries and bytes is bounded.
 */
#ifndef AGENT_ARCHIVE_H
#define AGENT_ARCHIVE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct archive_limits {
    int64_t bytes_max; /* unpacked, all files together */
    int entries_max;
};
struct archive_limits archive_limits_default(void);

/* By its name: .tar.gz, .tgz, .tar, .tar.zst, .tar.xz. */
bool archive_is(const char *path);

/* dir is an existing folder, its path absolute and without symbolic links.
 * On error what was unpacked so far is left in dir, which the caller removes. */
MUST_USE int archive_unpack(const char *path, const char *dir, const struct archive_limits *limits, struct err *e);

#endif
