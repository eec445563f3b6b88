/* What a person's terminal can do; everything is "no" when it is not one. */
#ifndef PLAT_TERMINAL_H
#define PLAT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

bool terminal_is(FILE *stream);

/* Colour is wanted: a terminal, NO_COLOR not set, TERM not "dumb". */
bool terminal_colour(FILE *stream);

/* Columns; 0 when it is no terminal or does not say. */
int terminal_width(FILE *stream);

/* Empties the screen, or the line the cursor is on; nothing on other streams. */
void terminal_clear(FILE *stream);
void terminal_clear_line(FILE *stream);

#endif
