/* Structs to JSON and back by a table of fields, so that what is written and
 * what is read cannot differ.  Private to incidents/.
 *
 * A shape lists the fields of one struct in the order in which they are
 * written.  Writing goes straight into a buffer and gives equal bytes for equal
 * structs; what is not known is null.  Reading passes over unknown keys, takes
 * a missing or null one as not known, and names the key that is wrong.
 * Shapes nest no deeper than their tables do.
 */
#ifndef INCIDENTS_JSON_FIELDS_H
#define INCIDENTS_JSON_FIELDS_H

#include "incidents/incident.h"

#include <jansson.h>

enum field_type {
    FIELD_TEXT,    /* const char *; "" is null */
    FIELD_TIME,    /* int64_t ns as RFC 3339; 0 is null */
    FIELD_LENGTH,  /* int64_t ns as seconds, to the microsecond; below 0 is null */
    FIELD_COUNT64, /* int64_t; below 0 is null */
    FIELD_COUNT,   /* int; below 0 is null */
    FIELD_NUMBER,  /* uint64_t */
    FIELD_FLAG,    /* bool */
    FIELD_MAYBE,   /* int: -1 null, 0, 1 */
    FIELD_WORD,    /* int-sized enum, by word() */
    FIELD_CODE,    /* uint32_t, "0x000000d1" */
    FIELD_PARAMS,  /* uint64_t[INCIDENT_PARAMS]; null unless the bool at `known` is set */
    FIELD_LINES,   /* struct incident_lines */
    FIELD_OBJECT,  /* a struct of `shape` */
    FIELD_IF,      /* the same; null unless the bool at `known`, in it, is set */
    FIELD_LIST,    /* an array in the struct of `shape`, `max` at most, its int count at `known` */
    FIELD_ROWS,    /* the same behind a pointer */
};

struct field_shape;

struct field {
    const char *key;
    enum field_type type;
    size_t offset;
    const struct field_shape *shape;
    const char *(*word)(int value);
    int words;
    size_t known;
    int max;
};

struct field_shape {
    const struct field *fields;
    size_t count;
    size_t size;             /* of the struct */
    void (*init)(void *row); /* fills in what "not known" is in a zeroed row */
};

void fields_write(struct buf *out, const struct field_shape *shape, const void *from);
/* Without the braces: members of an object that the caller opened. */
void fields_write_members(struct buf *out, const struct field_shape *shape, const void *from);

/* The pieces of it, for keys that no table has. */
void field_key(struct buf *out, const char *key); /* with a comma unless it opens an object */
void field_string(struct buf *out, const char *text);
void field_text_or_null(struct buf *out, const char *key, const char *text);

/* Into a struct that says "not known" throughout; texts are kept in i.  object is any value, never NULL. */
MUST_USE int fields_read(struct incident *i, const struct field_shape *shape, const json_t *object, void *to,
                         struct err *e);

#endif
