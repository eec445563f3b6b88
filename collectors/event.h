/* One Windows event, taken out of its XML (event_parse.c).
 *
 * Fields are positional: the n-th is %n of the message template (hyperv.md,
 * fact 3): the n-th child element of UserData's payload, or the n-th Data of
 * EventData.  <Binary> is no field.  A field has a name where the XML gives
 * one: the element's own, or the Name attribute of Data; the names of one event
 * differ from host to host, its positions do not.
 */
#ifndef COLLECTORS_EVENT_H
#define COLLECTORS_EVENT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVENT_XML_MAX = 1024 * 1024, /* bytes of one <Event> element; a channel's own limit is 64 KiB */
    EVENT_FIELDS_MAX = 128,      /* further ones are left, and the event is marked cut */
    EVENT_DEPTH_MAX = 32,        /* nested elements; deeper is refused */
};

struct event_field {
    const char *name;  /* "" without one; NUL-ended */
    const char *value; /* as in the XML, blanks included; NUL-ended */
    size_t len;        /* of value */
};

struct event {
    const char *provider; /* never empty */
    uint32_t id;
    uint32_t qualifiers;                       /* 0 when there are none */
    int level;                                 /* 0 when not said */
    int64_t time_ns;                           /* 0 when missing or unreadable */
    uint64_t record_id;                        /* 0 when missing */
    const char *channel, *computer, *user_sid; /* "" when missing */
    struct event_field fields[EVENT_FIELDS_MAX];
    int field_count;
    bool cut; /* there were more fields */
};

struct event_parser;

/* NULL out of memory.  One thread at a time. */
struct event_parser *event_parser_new(void);
void event_parser_free(struct event_parser *p);

/* Parses one <Event> element in UTF-8, whatever its namespace and prefixes.
 * *out points into the parser and lives until its next use.  A document type,
 * an entity of one's own, anything not well-formed, a missing provider or id:
 * ERR_INVALID; more than EVENT_XML_MAX bytes: ERR_TOO_BIG. */
MUST_USE int event_parse(struct event_parser *p, const char *xml, size_t len, const struct event **out, struct err *e);

#endif
