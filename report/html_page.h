/* One HTML page that needs nothing from elsewhere: its head with a style sheet for light, dark and paper, and tables.
 * Private to report/.
 *
 * Every text from outside goes through html_escaped(): names are written by guests.  The page carries a
 * Content-Security-Policy of its own that allows its style sheet and nothing else, so that even a mistake in escaping
 * runs no code.
 */
#ifndef REPORT_HTML_PAGE_H
#define REPORT_HTML_PAGE_H

#include "base/buf.h"

/* Up to and with the <h1> in <header>; the caller goes on in it, closes it and opens <main>. */
void html_open_page(struct buf *out, const char *title, const char *subtitle);
void html_close_page(struct buf *out); /* from </main> on */

/* Text as it stands between tags and in quoted attributes. */
void html_escaped(struct buf *out, const char *text);

void html_cell(struct buf *out, const char *text);
void html_number(struct buf *out, size_t n); /* a cell */

/* A narrow table when it has two columns; the heads are separated by '|', those that begin with '#' are over
 * numbers. */
void html_open_table(struct buf *out, const char *caption, const char *heads);
void html_close_table(struct buf *out);

#endif
