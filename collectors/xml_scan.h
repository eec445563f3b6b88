/* The plain part of XML, read in one pass and without a parser's set-up: what
 * Windows itself writes when it renders an event or prints a WMI instance.
 *
 * One element with all in it: start, end and empty tags, attributes, text, the
 * five entities, numeric references below 128.  Whatever else XML knows
 * (declarations, comments, CDATA, document types, names beyond ASCII), and
 * whatever is not well-formed, is declined: the caller then gives the same
 * bytes to expat, which decides, and words what is wrong.  So a text is taken
 * here only where expat would take it too and would say the same of it; the
 * fuzz target fuzz_xml_scan holds the two beside each other.
 *
 * Pure: no I/O.  One thread at a time.
 */
#ifndef COLLECTORS_XML_SCAN_H
#define COLLECTORS_XML_SCAN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    XML_SCAN_TAG_MAX = 2048, /* bytes of a start tag; a longer one is declined */
    XML_SCAN_ATTRIBUTES = 8, /* of an element; more are declined */
    XML_SCAN_DEPTH_MAX = 24, /* of elements; deeper is declined */
};

/* As expat calls: names as written, attributes as a NULL-ended list of names
 * and values, text with entities resolved and line ends as line feeds, but one
 * call for all text between two tags.  Valid during the call. */
struct xml_scan_handler {
    void (*start)(void *arg, const char *name, const char **attributes);
    void (*end)(void *arg);
    void (*text)(void *arg, const char *text, int len);
    /* May be NULL.  All text between two tags as it is written; true: text() is not called for it.  What it takes
     * must be well-formed. */
    bool (*written)(void *arg, const char *text, size_t len);
    void *arg;
};

struct xml_scan;

/* For documents of max bytes at most (below 2 GiB).  NULL: out of memory. */
struct xml_scan *xml_scan_new(size_t max);
void xml_scan_free(struct xml_scan *s);

/* True when all of xml was one well-formed element of the plain part, blanks
 * around it allowed.  False: declined; calls may have been made and are to be
 * forgotten. */
MUST_USE bool xml_scan(struct xml_scan *s, const char *xml, size_t len, const struct xml_scan_handler *h);

#endif
