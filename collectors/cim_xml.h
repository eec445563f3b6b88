/* WMI instances written as CIM XML (DMTF DSP0201, DTD 2.0): what WMI's GetText
 * prints and what a CIM document holds.
 *
 * A text may hold any number of <INSTANCE> elements, alone one after another,
 * or anywhere in a CIM document; what is around them does not matter.  Each is
 * handed out by itself, so one that is broken costs itself alone.  Expat reads
 * them with document types and entities refused.
 *
 * An embedded object is a string that is XML again (hyperv.md B.2): the value
 * handed out here has been unescaped once, and is given to a second parser.
 */
#ifndef COLLECTORS_CIM_XML_H
#define COLLECTORS_CIM_XML_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CIM_TEXT_MAX = 256 * 1024 * 1024,    /* of one text, as UTF-8 */
    CIM_INSTANCE_MAX = 32 * 1024 * 1024, /* of one instance, as text; a larger one is a problem and left */
    CIM_DEPTH_MAX = 32,                  /* of elements in one instance; deeper is a problem and left */
    CIM_PROPERTIES_MAX = 16,             /* wanted ones of one instance */
    CIM_VALUES_MAX = 1024,               /* of one array; the rest is left and the property marked cut */
    CIM_VALUE_MAX = 64 * 1024,           /* bytes of one value; a longer one is cut and marked */
    CIM_PROPERTY_MAX = 1024 * 1024,      /* bytes of one property's values; as CIM_VALUES_MAX */
    CIM_CLASS_MAX = 128,                 /* bytes of a class name */
    CIM_PROBLEMS_MAX = 16,               /* told of one text */
};

/* What cim_handler.item has read in a value without decoding it; the places are in the instance's text. */
struct cim_item {
    const char *name, *data; /* data NULL: there is none */
    size_t name_len, data_len;
    size_t decoded_len; /* of the value as it would have been handed out */
};

struct cim_value {
    const char *text; /* NUL-ended UTF-8, as in the XML: not cleaned, not trimmed */
    size_t len;
    bool null; /* <VALUE.NULL/> in an array */
    bool cut;
    const struct cim_item *item; /* NULL but where cim_handler.item took the value: then there is no text */
};

struct cim_property {
    const char *name;
    bool is_array;
    bool cut;                       /* an array of which not all is here */
    int count;                      /* 0: NULL, or an empty array; an empty string is one value of length 0 */
    const struct cim_value *values; /* count of them */
};

struct cim_instance {
    const char *class_name;
    const struct cim_property *properties; /* the wanted ones that were there; of one name the first counts */
    int count;
};

struct cim_handler {
    /* Everything in it is valid during the call. */
    void (*instance)(void *arg, const struct cim_instance *instance);
    /* Something could not be read: what, and at which byte of the text (as
     * UTF-8, without its byte order mark). */
    void (*problem)(void *arg, size_t offset, const char *what);
    /* May be NULL.  Called with an instance's text before it is parsed; true: the
     * caller knows what is in it, and instance() is not called for it. */
    bool (*known)(void *arg, const char *xml, size_t len);
    /* May be NULL.  Called with a value of an array as it is written, before it is decoded, where it holds no markup;
     * true: out says what is in it.  What it takes must be well-formed text. */
    bool (*item)(const char *text, size_t len, struct cim_item *out);
    void *arg;
    const char *const *wanted; /* NULL-ended names of properties, CIM_PROPERTIES_MAX at most */
};

/* One thread at a time; meant to be used again and again. */
struct cim_parser;

MUST_USE int cim_parser_new(struct cim_parser **out, struct err *e);
void cim_parser_free(struct cim_parser *p);

/* Hands out the instances of one text in order.  0 also with problems told.
 * ERR_INVALID for a document type or an entity declaration, ERR_UNSUPPORTED
 * for an encoding, ERR_TOO_BIG, ERR_MEMORY: what was handed out until then
 * stands, the rest was not looked at.  A handler must not call this with the
 * same parser. */
MUST_USE int cim_parse(struct cim_parser *p, const char *xml, size_t len, const struct cim_handler *h, struct err *e);

/* The property of that name; NULL when it is not there. */
const struct cim_property *cim_find(const struct cim_instance *instance, const char *name);

/* The first value's text, "" when the property is missing or NULL. */
const char *cim_text(const struct cim_instance *instance, const char *name);

#endif
