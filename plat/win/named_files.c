/* fopen() with names in UTF-8.  The C library takes them in the system's code
 * page, which is UTF-8 by the program's manifest from Windows 10 1903 on and
 * something else on every older host; the linker (--wrap) sends every fopen of
 * the program and its libraries here. */
#include "plat/win/wide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    wchar_t *name = NULL, *how = NULL;
    FILE *f = NULL;

    if (wide_from_utf8(path, &name, NULL) == 0 && wide_from_utf8(mode, &how, NULL) == 0)
        f = _wfopen(name, how);
    else
        errno = EINVAL;
    free(name);
    free(how);
    return f;
}
