/* What lies in a folder and below it, as one number, which is another one once
 * a file or folder there was made, removed, renamed, written or replaced: names,
 * sizes, times of modification and ids count.
 *
 * It does not tell: what was written in place with the size and the time
 * as before (a source that has read the file would not see that either), rights,
 * and what lies deeper than depth_max.
 */
#ifndef COLLECTORS_FOLDER_PRINT_H
#define COLLECTORS_FOLDER_PRINT_H

#include "base/error.h"
#include "plat/files.h"

#include <stdint.h>

enum { FOLDER_PRINT_ENTRIES_MAX = 20000 };

/* depth_max: subfolders of subfolders; 0: the folder's own entries alone.
 * ERR_TOO_BIG when there are more entries than that, or paths too long; what can not be
 * looked at further down counts as what it answers.  Blocks: worker threads only. */
MUST_USE int folder_print(const struct files *files, const char *dir, int depth_max, uint64_t *out, struct err *e);

#endif
