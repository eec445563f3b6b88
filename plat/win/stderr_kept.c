/* See stderr_kept.h.
 *
 * It is a pipe that nobody reads until the end.  Its writing side never waits: what
 * does not fit is lost, so a chatty library cannot stop the program.
 */
#include "plat/win/stderr_kept.h"

#include "base/text.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <windows.h>

static HANDLE kept;

void stderr_keep(void)
{
    DWORD mode = PIPE_READMODE_BYTE | PIPE_NOWAIT;
    HANDLE in = NULL, out = NULL;
    FILE *f;
    int fd;

    if (!CreatePipe(&in, &out, NULL, STDERR_KEPT_MAX))
        return;
    fd = SetNamedPipeHandleState(out, &mode, NULL, NULL) ? _open_osfhandle((intptr_t)out, _O_BINARY) : -1;
    f = fd >= 0 ? _fdopen(fd, "wb") : NULL;
    if (f == NULL) {
        CloseHandle(in);
        if (fd >= 0)
            _close(fd); /* which closes its handle */
        else
            CloseHandle(out);
        return;
    }
    /* A service's stderr has no descriptor and cannot be reopened: it becomes
     * this file, as Microsoft's KB 105305 does it for programs without a console. */
    *stderr = *f;
    setvbuf(stderr, NULL, _IONBF, 0);
    kept = in;
}

void stderr_kept(char *out, size_t size)
{
    char bytes[STDERR_KEPT_MAX];
    DWORD waiting = 0, n = 0;

    out[0] = '\0';
    fflush(stderr);
    if (kept == NULL || !PeekNamedPipe(kept, NULL, 0, NULL, &waiting, NULL) || waiting == 0)
        return;
    if (ReadFile(kept, bytes, waiting < sizeof bytes ? waiting : sizeof bytes, &n, NULL))
        text_clean(out, size, bytes, n, NULL);
}
