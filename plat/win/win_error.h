/* Windows' error codes as errors of the project. */
#ifndef PLAT_WIN_WIN_ERROR_H
#define PLAT_WIN_WIN_ERROR_H

#include "base/error.h"

/* Fills e: "<what>: <what the system says> (<code>)", and returns the code that
 * goes with it (ERROR_FILE_NOT_FOUND is ERR_NOT_FOUND ...).  code: what
 * GetLastError() gave, not 0. */
int err_win(struct err *e, unsigned long code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
