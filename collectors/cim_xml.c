/* See cim_xml.h.
 *
 * The instances of a text are cut out of it (cim_text.h) and read one by one:
 * by xml_scan what WMI itself writes, and what that declines by expat, as
 * children of a root element of our own, so that the parser is set up once for
 * many of them.  A fresh start is made after an error and after
 * FRESH_AFTER bytes, which bounds what expat remembers of names.
 *
 * An instance that expat refuses for its characters is repaired and read once
 * more: a guest that puts a control character into a value must not make its
 * own values, let alone those of other guests, unreadable.
 */
#include "collectors/cim_xml.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "collectors/cim_text.h"
#include "collectors/xml_scan.h"
#include "plat/random.h"

#include <assert.h>
#include <expat.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRESH_AFTER = 4 * 1024 * 1024,
    TEXT_MAX = CIM_PROPERTIES_MAX * (CIM_PROPERTY_MAX + 64 * CIM_VALUES_MAX), /* of one instance, with padding */
    PROBLEM_MAX = 256,
};

/* Where in an instance we are.  What does not belong there is skipped with all
 * in it: qualifiers, references, objects that are written as elements. */
enum place { PLACE_OUTSIDE, PLACE_INSTANCE, PLACE_PROPERTY, PLACE_ARRAY, PLACE_VALUE };

struct cim_parser {
    struct xml_scan *scan;
    XML_Parser xml;
    unsigned long salt;
    bool started;     /* expat has seen our root and nothing wrong since */
    size_t fed;       /* bytes since then */
    const char *trip; /* why a handler of ours stopped expat */

    int depth; /* elements open, our root included */
    int skip;  /* the depth at which skipping began; 0 not skipping */
    enum place place;
    const char *const *wanted;
    bool (*take_item)(const char *text, size_t len, struct cim_item *out);

    bool complete;  /* the instance at hand was read to its end */
    bool no_memory; /* but not all of it could be kept */
    char class_name[CIM_CLASS_MAX];
    struct cim_property properties[CIM_PROPERTIES_MAX];
    int property_count;
    struct cim_property *property; /* the one at hand */
    size_t property_bytes;
    struct buf value; /* the value at hand */
    struct cim_item item;
    bool has_item; /* in place of it */
    bool value_cut;
    struct arena text;
    struct cim_value *values; /* CIM_VALUES_MAX for each property */

    struct buf utf8, repaired;
    int problems;
};

/* ---- what expat calls --------------------------------------------------- */

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2) {
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    }
    return "";
}

static void trip(struct cim_parser *p, const char *why)
{
    p->trip = why;
    XML_StopParser(p->xml, XML_FALSE);
}

/* The name as the caller wrote it, which needs no copy that could fail; NULL when the property is not wanted, or not
 * the first of that name. */
static const char *new_and_wanted(const struct cim_parser *p, const char *name)
{
    const char *const *wanted = p->wanted;

    while (*wanted != NULL && strcmp(*wanted, name) != 0)
        wanted++;
    if (*wanted == NULL)
        return NULL;
    for (int i = 0; i < p->property_count; i++) {
        if (strcmp(p->properties[i].name, name) == 0)
            return NULL;
    }
    assert(p->property_count < CIM_PROPERTIES_MAX); /* no more are wanted */
    return *wanted;
}

static bool begin_property(struct cim_parser *p, const char *element, const XML_Char **attributes)
{
    bool is_array = strcmp(element, "PROPERTY.ARRAY") == 0;
    const char *name = attribute(attributes, "NAME");

    if (!is_array && strcmp(element, "PROPERTY") != 0)
        return false;
    name = new_and_wanted(p, name);
    if (name == NULL)
        return false;
    p->property = &p->properties[p->property_count];
    *p->property = (struct cim_property){
        .name = name,
        .is_array = is_array,
        .values = p->values + (size_t)p->property_count * CIM_VALUES_MAX,
    };
    p->property_count++;
    p->property_bytes = 0;
    return true;
}

static void begin_value(struct cim_parser *p)
{
    buf_clear(&p->value);
    p->value_cut = false;
    p->has_item = false;
}

/* The text of the value at hand, or its item, in the arena; NULL: no memory. */
static const void *keep_value(struct cim_parser *p)
{
    struct cim_item *item;

    if (!p->has_item)
        return arena_copy(&p->text, buf_text(&p->value), p->value.len);
    item = arena_alloc(&p->text, sizeof *item);
    if (item != NULL)
        *item = p->item;
    return item;
}

/* Takes the value at hand into the property at hand. */
static void take_value(struct cim_parser *p, bool null)
{
    struct cim_property *prop = p->property;
    size_t slot = (size_t)(prop - p->properties) * CIM_VALUES_MAX + (size_t)prop->count;
    size_t len = p->has_item ? p->item.decoded_len : p->value.len;
    const void *kept;

    assert(prop != NULL && prop->count <= CIM_VALUES_MAX);
    if (!prop->is_array && prop->count > 0)
        return;
    if (prop->count == CIM_VALUES_MAX || p->property_bytes + len > CIM_PROPERTY_MAX) {
        prop->cut = true;
        return;
    }
    kept = buf_error(&p->value) == ERR_OK ? keep_value(p) : NULL;
    if (kept == NULL) { /* neither comes to its ceiling */
        p->no_memory = true;
        return;
    }
    p->property_bytes += len;
    if (p->has_item)
        p->values[slot] = (struct cim_value){ .text = "", .item = kept };
    else
        p->values[slot] = (struct cim_value){ .text = kept, .len = len, .null = null, .cut = p->value_cut };
    prop->count++;
}

/* True when the element belongs where we are. */
static bool enter(struct cim_parser *p, const char *element, const XML_Char **attributes)
{
    bool is_value = strcmp(element, "VALUE") == 0;

    switch (p->place) {
    case PLACE_OUTSIDE:
        if (strcmp(element, "INSTANCE") != 0)
            return false;
        text_copy(p->class_name, sizeof p->class_name, attribute(attributes, "CLASSNAME"));
        p->place = PLACE_INSTANCE;
        return true;
    case PLACE_INSTANCE:
        if (!begin_property(p, element, attributes))
            return false;
        p->place = PLACE_PROPERTY;
        return true;
    case PLACE_PROPERTY:
        if (p->property->is_array ? strcmp(element, "VALUE.ARRAY") != 0 : !is_value)
            return false;
        p->place = is_value ? PLACE_VALUE : PLACE_ARRAY;
        begin_value(p);
        return true;
    case PLACE_ARRAY:
        if (!is_value && strcmp(element, "VALUE.NULL") != 0)
            return false;
        begin_value(p);
        if (is_value)
            p->place = PLACE_VALUE;
        else
            take_value(p, true);
        return is_value;
    case PLACE_VALUE:
        break;
    }
    return false;
}

static void XMLCALL on_start(void *arg, const XML_Char *element, const XML_Char **attributes)
{
    struct cim_parser *p = arg;

    p->depth++;
    if (p->depth == 1)
        return; /* our own root */
    if (p->depth > CIM_DEPTH_MAX + 1) {
        assert(p->skip != 0); /* nothing we look into lies that deep */
        trip(p, "elements are nested too deep");
        return;
    }
    if (p->skip == 0 && !enter(p, element, attributes))
        p->skip = p->depth;
}

static void leave(struct cim_parser *p)
{
    switch (p->place) {
    case PLACE_OUTSIDE: /* an element outside that is no instance is skipped */
    case PLACE_INSTANCE:
        p->place = PLACE_OUTSIDE;
        p->complete = true;
        break;
    case PLACE_PROPERTY:
        p->place = PLACE_INSTANCE;
        p->property = NULL;
        break;
    case PLACE_ARRAY:
        p->place = PLACE_PROPERTY;
        break;
    case PLACE_VALUE:
        take_value(p, false);
        p->place = p->property->is_array ? PLACE_ARRAY : PLACE_PROPERTY;
        break;
    }
}

static void on_end(void *arg)
{
    struct cim_parser *p = arg;

    if (p->skip == 0 && p->depth > 1)
        leave(p);
    if (p->skip == p->depth)
        p->skip = 0;
    p->depth--;
}

static void XMLCALL on_expat_end(void *arg, const XML_Char *element)
{
    (void)element;
    on_end(arg);
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int len)
{
    struct cim_parser *p = arg;
    size_t room = CIM_VALUE_MAX - p->value.len, n = (size_t)len;

    if (p->place != PLACE_VALUE || p->skip != 0)
        return;
    if (n > room) {
        n = room;
        p->value_cut = true;
    }
    buf_add(&p->value, text, n);
}

static bool on_written(void *arg, const char *text, size_t len)
{
    struct cim_parser *p = arg;

    if (p->place != PLACE_VALUE || p->skip != 0 || !p->property->is_array || p->take_item == NULL)
        return false;
    p->has_item = p->take_item(text, len, &p->item) && p->item.decoded_len <= CIM_VALUE_MAX;
    return p->has_item;
}

/* ---- one instance ------------------------------------------------------- */

static void start(struct cim_parser *p)
{
    static const char root[] = "<r>";
    enum XML_Status status;

    XML_ParserReset(p->xml, "UTF-8");
    XML_SetHashSalt(p->xml, p->salt);
    XML_SetUserData(p->xml, p);
    XML_SetElementHandler(p->xml, on_start, on_expat_end);
    XML_SetCharacterDataHandler(p->xml, on_text);
    p->depth = 0;
    status = XML_Parse(p->xml, root, sizeof root - 1, 0);
    p->started = status == XML_STATUS_OK && p->depth == 1;
    p->fed = 0;
}

static void begin_instance(struct cim_parser *p)
{
    p->depth = 1; /* our root is open */
    p->place = PLACE_OUTSIDE;
    p->skip = 0;
    p->trip = NULL;
    p->complete = p->no_memory = false;
    p->property = NULL;
    p->property_count = 0;
    p->class_name[0] = '\0';
    arena_reset(&p->text);
}

/* The scanner reads the instance alone, as if our root were around it. */
static bool scan(struct cim_parser *p, const char *xml, size_t len)
{
    struct xml_scan_handler h = { .start = on_start, .end = on_end, .text = on_text, .written = on_written, .arg = p };

    _Static_assert((int)XML_SCAN_DEPTH_MAX <= (int)CIM_DEPTH_MAX,
                   "the scanner declines before expat would have to be stopped");
    begin_instance(p);
    return xml_scan(p->scan, xml, len, &h) && p->complete;
}

/* NULL when the instance was read, else why not. */
static const char *feed(struct cim_parser *p, const char *xml, size_t len)
{
    enum XML_Status status;

    assert(len <= INT32_MAX);
    if (!p->started || p->fed > FRESH_AFTER)
        start(p);
    begin_instance(p);
    status = XML_Parse(p->xml, xml, (int)len, 0);
    p->fed += len;
    if (status == XML_STATUS_OK && p->depth == 1 && p->complete)
        return NULL;
    p->started = false;
    if (p->trip != NULL)
        return p->trip;
    return status == XML_STATUS_OK ? "the instance is cut" : XML_ErrorString(XML_GetErrorCode(p->xml));
}

static bool repair_may_help(const struct cim_parser *p)
{
    enum XML_Error why = XML_GetErrorCode(p->xml);

    return why == XML_ERROR_INVALID_TOKEN || why == XML_ERROR_BAD_CHAR_REF || why == XML_ERROR_PARTIAL_CHAR;
}

static const char *read_instance(struct cim_parser *p, const char *xml, size_t len)
{
    const char *why;

    if (len > CIM_INSTANCE_MAX)
        return "the instance is too large";
    if (scan(p, xml, len))
        return NULL;
    why = feed(p, xml, len);
    if (why == NULL || !repair_may_help(p))
        return why;
    buf_clear(&p->repaired);
    cim_text_repair(xml, len, &p->repaired);
    if (buf_error(&p->repaired) != ERR_OK)
        return why;
    return feed(p, p->repaired.data, p->repaired.len);
}

/* ---- a text ------------------------------------------------------------- */

static void tell_problem(struct cim_parser *p, const struct cim_handler *h, size_t offset, const char *what)
{
    p->problems++;
    if (p->problems < CIM_PROBLEMS_MAX)
        h->problem(h->arg, offset, what);
    else if (p->problems == CIM_PROBLEMS_MAX)
        h->problem(h->arg, offset, "further problems of this text are not told");
}

static void take_slice(struct cim_parser *p, const char *text, struct cim_slice slice, const struct cim_handler *h)
{
    struct cim_instance instance = { .properties = p->properties };
    size_t len = slice.end - slice.start;
    const char *why;

    if (h->known != NULL && h->known(h->arg, text + slice.start, len))
        return;
    why = read_instance(p, text + slice.start, len);
    if (why == NULL && p->no_memory)
        why = "out of memory";
    if (why != NULL) {
        tell_problem(p, h, slice.start, why);
        return;
    }
    instance.class_name = p->class_name;
    instance.count = p->property_count;
    h->instance(h->arg, &instance);
}

/* True when the text has no instance but is not just empty either. */
static bool is_something_else(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && strchr(" \t\r\n", text[i]) != NULL) /* or a zero byte */
        i++;
    return i < len && text[i] != '<';
}

int cim_parse(struct cim_parser *p, const char *xml, size_t len, const struct cim_handler *h, struct err *e)
{
    struct cim_slices slices;
    struct cim_slice slice;
    enum cim_slice_kind kind;
    const char *text;
    size_t text_len, found = 0;
    int rc;

    if (len > CIM_TEXT_MAX)
        return err_set(e, ERR_TOO_BIG, "the text is larger than %d MiB", CIM_TEXT_MAX >> 20);
    rc = cim_text_utf8(xml, len, &p->utf8, &text, &text_len, e);
    if (rc != 0)
        return rc;
    p->wanted = h->wanted;
    p->take_item = h->item;
    p->problems = 0;
    cim_slices_init(&slices, text, text_len);
    while ((kind = cim_slices_next(&slices, &slice)) != CIM_SLICE_END) {
        found++;
        if (kind == CIM_SLICE_DTD)
            return err_set(e, ERR_INVALID, "byte %zu: a document type or entity declaration is refused", slice.start);
        if (kind == CIM_SLICE_INSTANCE)
            take_slice(p, text, slice, h);
        else
            tell_problem(p, h, slice.start,
                         kind == CIM_SLICE_CUT ? "the instance is cut"
                                               : "too many instances are cut; the rest was not read");
    }
    if (found == 0 && is_something_else(text, text_len))
        tell_problem(p, h, 0, "this is no CIM XML");
    return 0;
}

/* ---- the parser --------------------------------------------------------- */

int cim_parser_new(struct cim_parser **out, struct err *e)
{
    const struct random_source *r = plat_random();
    struct cim_parser *p = calloc(1, sizeof *p);

    if (p == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    buf_init(&p->value, CIM_VALUE_MAX);
    buf_init(&p->utf8, CIM_TEXT_MAX);
    buf_init(&p->repaired, 3 * (size_t)CIM_INSTANCE_MAX);
    arena_init(&p->text, TEXT_MAX);
    r->fill(r, &p->salt, sizeof p->salt);
    p->xml = XML_ParserCreate("UTF-8");
    p->scan = xml_scan_new(CIM_INSTANCE_MAX);
    p->values = calloc((size_t)CIM_PROPERTIES_MAX * CIM_VALUES_MAX, sizeof *p->values);
    if (p->xml == NULL || p->scan == NULL || p->values == NULL) {
        cim_parser_free(p);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    *out = p;
    return 0;
}

void cim_parser_free(struct cim_parser *p)
{
    if (p == NULL)
        return;
    if (p->xml != NULL)
        XML_ParserFree(p->xml);
    xml_scan_free(p->scan);
    free(p->values);
    arena_free(&p->text);
    buf_free(&p->value);
    buf_free(&p->utf8);
    buf_free(&p->repaired);
    free(p);
}

const struct cim_property *cim_find(const struct cim_instance *instance, const char *name)
{
    for (int i = 0; i < instance->count; i++) {
        if (strcmp(instance->properties[i].name, name) == 0)
            return &instance->properties[i];
    }
    return NULL;
}

const char *cim_text(const struct cim_instance *instance, const char *name)
{
    const struct cim_property *p = cim_find(instance, name);

    return p != NULL && p->count > 0 ? p->values[0].text : "";
}
