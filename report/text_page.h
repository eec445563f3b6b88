/* Reports for terminals: indented lines, broken at the terminal's width, with colour where it was asked for.
 * Private to report/.
 *
 * A character is taken to be one column wide.  Errors stay in the buffer, as everywhere in report/.
 */
#ifndef REPORT_TEXT_PAGE_H
#define REPORT_TEXT_PAGE_H

#include "base/buf.h"
#include "report/drift_report.h"

#include <stdbool.h>

struct text_page {
    struct buf *out; /* not owned */
    bool colour;
    int width; /* 0 unlimited */
};

/* ANSI codes for text_colour(). */
#define TEXT_BOLD    "1"
#define TEXT_DIM     "2"
#define TEXT_RED     "31"
#define TEXT_GREEN   "32"
#define TEXT_YELLOW  "33"
#define TEXT_MAGENTA "35"
#define TEXT_CYAN    "36"

struct text_page text_page_of(const struct report_style *style, struct buf *out); /* style may be NULL */

void text_colour(struct text_page *p, const char *code);
void text_plain(struct text_page *p);

int text_columns(const char *text);
void text_spaces(struct text_page *p, int n);

/* The text, with blanks up to the column; longer texts stay whole. */
void text_padded(struct text_page *p, const char *text, int width);

/* A sentence indented by indent, broken at blanks; ends the line. */
void text_wrapped(struct text_page *p, const char *text, int indent);

/* The same for a line that already has `at` columns, indent or more; what follows is indented by indent. */
void text_wrapped_from(struct text_page *p, const char *text, int indent, int at);

#endif
