/* Consoles.  See plat/terminal.h.
 *
 * Colour and clearing are escape sequences here too: a console that does not
 * take them (before Windows 10) gets neither. */
#include "plat/terminal.h"

#include <io.h>
#include <stdlib.h>
#include <windows.h>

static HANDLE console_of(FILE *stream)
{
    HANDLE h = (HANDLE)_get_osfhandle(_fileno(stream));
    DWORD mode;

    return h != INVALID_HANDLE_VALUE && GetConsoleMode(h, &mode) ? h : NULL;
}

/* Makes it take escape sequences; false when it cannot. */
static bool takes_sequences(FILE *stream)
{
    HANDLE h = console_of(stream);
    DWORD mode;

    if (h == NULL || !GetConsoleMode(h, &mode))
        return false;
    return (mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0 ||
           SetConsoleMode(h, mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

bool terminal_is(FILE *stream)
{
    return console_of(stream) != NULL;
}

bool terminal_colour(FILE *stream)
{
    const char *off = getenv("NO_COLOR");

    if (off != NULL && off[0] != '\0')
        return false;
    return takes_sequences(stream);
}

int terminal_width(FILE *stream)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    HANDLE h = console_of(stream);

    if (h == NULL || !GetConsoleScreenBufferInfo(h, &info))
        return 0;
    return info.srWindow.Right - info.srWindow.Left + 1;
}

void terminal_clear(FILE *stream)
{
    if (takes_sequences(stream))
        fputs("\033[H\033[2J", stream);
}

void terminal_clear_line(FILE *stream)
{
    if (takes_sequences(stream))
        fputs("\r\033[K", stream);
    else if (terminal_is(stream))
        fputc('\r', stream);
}
