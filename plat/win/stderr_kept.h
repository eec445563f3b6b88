/* A service has nobody who reads its stderr.  What is written there is kept in
 * memory, the first STDERR_KEPT_MAX bytes or so, so that the reason of a failure can
 * be told in the event log. */
#ifndef PLAT_WIN_STDERR_KEPT_H
#define PLAT_WIN_STDERR_KEPT_H

#include <stddef.h>

enum { STDERR_KEPT_MAX = 8 * 1024 };

/* Once, before anything is written.  When it cannot be had, stderr stays as it is. */
void stderr_keep(void);

/* What has come so far, cleaned; "" nothing. */
void stderr_kept(char *out, size_t size);

#endif
