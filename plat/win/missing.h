/* What the C library of Windows lacks of the one the other rooms are written
 * for.  The Windows build includes this file before every other. */
#ifndef PLAT_WIN_MISSING_H
#define PLAT_WIN_MISSING_H

#include <stddef.h>
#include <winerror.h>

/* A word of model/observation.h; nothing here uses the system's. */
#undef SEVERITY_ERROR

/* The first place of needle in hay; NULL when there is none.  As on POSIX. */
void *memmem(const void *hay, size_t hay_len, const void *needle, size_t needle_len);

#endif
