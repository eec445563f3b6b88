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
    int fd;

    if (!CreatePipe(&in, &out, NULL, STDERR_KEPT_MAX))
        return;
    /* A service's stderr may have no descriptor at all; this gives it one. */
    fd = SetNamedPipeHandleState(out, &mode, NULL, NULL) && freopen("NUL", "w", stderr) != NULL
             ? _open_osfhandle((intptr_t)out, _O_BINARY)
             : -1;
    if (fd < 0) {
        CloseHandle(in);
        CloseHandle(out);
        return;
    }
    if (_dup2(fd, _fileno(stderr)) == 0)
        kept = in;
    else
        CloseHandle(in);
    _close(fd);
    setvbuf(stderr, NULL, _IONBF, 0);
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
