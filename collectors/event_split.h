/* Finds whole <Event> elements in a text that may still be growing.
 *
 * Events stand one after another, or in an <Events> list; between them blanks,
 * comments, processing instructions and a byte order mark are nothing, and all
 * else is junk.  Within an event, comments, CDATA and quoted attribute values
 * may hold anything, <EventData> is not <Event>, and a payload may hold an
 * element called Event.
 *
 * Pure: no I/O.  The caller keeps the text from the last piece's end on in one
 * window, asks for the next piece, and brings more text when told to wait.
 */
#ifndef COLLECTORS_EVENT_SPLIT_H
#define COLLECTORS_EVENT_SPLIT_H

#include "collectors/event.h"

enum split_kind {
    SPLIT_EVENT, /* text[start, end) is one element, complete */
    SPLIT_JUNK,  /* text[start, end) is none of ours; more of the same may follow */
    SPLIT_WAIT,  /* text[0, end) is done with; the rest needs more text behind it.  start is not set */
};

struct split_piece {
    enum split_kind kind;
    size_t start, end;
    const char *why; /* SPLIT_JUNK: static, for people */
};

/* What a splitter must remember between calls; zero at first.  skipping: within
 * an event that was over the limit, whose end is still to be found. */
struct split_state {
    bool skipping;
};

/* The next piece of text (len bytes, UTF-8).  An event that was broken off (a
 * new one starts within) is junk up to there; one over EVENT_XML_MAX is junk up
 * to its end.  Every answer but SPLIT_WAIT has end > 0; after SPLIT_WAIT no
 * more than EVENT_XML_MAX bytes need to be kept. */
void event_split_next(struct split_state *state, const char *text, size_t len, struct split_piece *out);

#endif
