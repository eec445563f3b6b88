/* Terminals by isatty() and TIOCGWINSZ.  See plat/terminal.h. */
#include "plat/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is(FILE *stream)
{
    return isatty(fileno(stream)) == 1;
}

bool terminal_colour(FILE *stream)
{
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");

    if (off != NULL && off[0] != '\0')
        return false;
    return terminal_is(stream) && (term == NULL || strcmp(term, "dumb") != 0);
}

int terminal_width(FILE *stream)
{
    struct winsize size;

    if (!terminal_is(stream) || ioctl(fileno(stream), TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

void terminal_clear(FILE *stream)
{
    if (terminal_is(stream))
        fputs("\033[H\033[2J", stream);
}

void terminal_clear_line(FILE *stream)
{
    if (terminal_is(stream))
        fputs("\r\033[K", stream);
}
