/* See capture_event.h. */
#include "agent/capture_event.h"

#include "base/text.h"
#include "plat/random.h"

#include <expat.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, ELEMENT_MAX = 128, TEXT_MAX = 64 * 1024, EVENT_MAX = 4 * 1024 * 1024 };

enum part { PART_NONE, PART_SYSTEM, PART_DATA, PART_LEFT_OUT };

struct capture_event {
    struct capture_names *names;
    XML_Parser xml;
    unsigned long salt;

    struct buf event, text;
    int depth;
    enum part part;
    bool is_name;              /* the element at hand holds a name by what it is called */
    char element[ELEMENT_MAX]; /* the one begun last */
    const char *trip;
};

static enum part part_of(const char *element)
{
    static const struct {
        const char *element;
        enum part part;
    } parts[] = {
        { "System", PART_SYSTEM },
        { "EventData", PART_DATA },
        { "UserData", PART_DATA },
        { "ProcessingErrorData", PART_DATA },
    };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(parts[i].element, element) == 0)
            return parts[i].part;
    return PART_LEFT_OUT;
}

/* "VmName", "Parameter0" (%1 of Hyper-V's events is the machine), "DeviceName". */
static bool says_name(const char *word)
{
    return strstr(word, "Name") != NULL || strstr(word, "name") != NULL || strcmp(word, "Parameter0") == 0;
}

static void put_stand_in(struct capture_event *c)
{
    char name[CAPTURE_NAME_TEXT_MAX];

    if (strcmp(c->element, "Computer") == 0)
        capture_host_name(c->names, buf_text(&c->text), c->text.len, name);
    else
        capture_name(c->names, buf_text(&c->text), c->text.len, name);
    buf_str(&c->event, name);
}

/* The text since the last tag. */
static void flush_text(struct capture_event *c)
{
    size_t len = c->text.len;
    const char *text = buf_text(&c->text);
    bool blank = text[strspn(text, " \t\r\n")] == '\0';
    bool hide =
        c->part == PART_SYSTEM ? strcmp(c->element, "Computer") == 0 : c->is_name || !capture_is_harmless(text, len);

    if (len == 0 || c->part == PART_LEFT_OUT || strcmp(c->element, "Binary") == 0) {
        buf_clear(&c->text);
        return;
    }
    if (hide && !blank)
        put_stand_in(c);
    else
        capture_escape(&c->event, text, len);
    buf_clear(&c->text);
}

static bool keeps_attribute(const struct capture_event *c, const char *name)
{
    return c->part != PART_DATA || strcmp(name, "Name") == 0 || strncmp(name, "xmlns", 5) == 0;
}

static void put_attributes(struct capture_event *c, const XML_Char **attributes)
{
    for (; attributes[0] != NULL; attributes += 2) {
        const char *value = attributes[1];

        if (strcmp(attributes[0], "Name") == 0)
            c->is_name |= says_name(value);
        if (!keeps_attribute(c, attributes[0]))
            continue;
        if (strcmp(attributes[0], "UserID") == 0 && strncmp(value, "S-1-5-21-", 9) == 0)
            value = "S-1-0-0"; /* nobody, for somebody of a domain */
        buf_printf(&c->event, " %s=\"", attributes[0]);
        capture_escape(&c->event, value, strlen(value));
        buf_char(&c->event, '"');
    }
}

static void XMLCALL on_start(void *arg, const XML_Char *element, const XML_Char **attributes)
{
    struct capture_event *c = arg;

    flush_text(c);
    if (++c->depth > DEPTH_MAX || !text_copy(c->element, sizeof c->element, element)) {
        c->trip = "it is nested too deep";
        XML_StopParser(c->xml, XML_FALSE);
        return;
    }
    if (c->depth == 2)
        c->part = part_of(element);
    if (c->part == PART_LEFT_OUT)
        return;
    c->is_name = c->part == PART_DATA && says_name(element);
    buf_printf(&c->event, "<%s", element);
    put_attributes(c, attributes);
    buf_char(&c->event, '>');
}

static void XMLCALL on_end(void *arg, const XML_Char *element)
{
    struct capture_event *c = arg;

    flush_text(c);
    c->is_name = false;
    c->element[0] = '\0';
    if (c->part != PART_LEFT_OUT)
        buf_printf(&c->event, "</%s>", element);
    if (c->depth == 2)
        c->part = PART_NONE;
    c->depth--;
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int len)
{
    struct capture_event *c = arg;

    buf_add(&c->text, text, (size_t)len);
}

/* An event has no document type; one that has is refused before any of its
 * entities can be looked at. */
static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                               int has_subset)
{
    struct capture_event *c = arg;

    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_subset;
    c->trip = "it has a document type";
    XML_StopParser(c->xml, XML_FALSE);
}

static void begin(struct capture_event *c)
{
    XML_ParserReset(c->xml, "UTF-8");
    XML_SetHashSalt(c->xml, c->salt);
    XML_SetUserData(c->xml, c);
    XML_SetElementHandler(c->xml, on_start, on_end);
    XML_SetCharacterDataHandler(c->xml, on_text);
    XML_SetStartDoctypeDeclHandler(c->xml, on_doctype);
    buf_clear(&c->event);
    buf_clear(&c->text);
    c->depth = 0;
    c->part = PART_NONE;
    c->is_name = false;
    c->element[0] = '\0';
    c->trip = NULL;
}

int capture_event_add(struct capture_event *c, const char *xml, size_t len, struct buf *out, struct err *e)
{
    enum XML_Status status;

    if (len > INT_MAX)
        return err_set(e, ERR_TOO_BIG, "an event of %zu bytes", len);
    begin(c);
    status = XML_Parse(c->xml, xml, (int)len, 1);
    if (status != XML_STATUS_OK)
        return err_set(e, ERR_INVALID, "an event can not be read: %s",
                       c->trip != NULL ? c->trip : XML_ErrorString(XML_GetErrorCode(c->xml)));
    if (buf_error(&c->text) != ERR_OK || buf_error(&c->event) != ERR_OK)
        return err_set(e, ERR_TOO_BIG, "an event is too large");
    if (c->event.len + 1 > out->max - out->len)
        return err_set(e, ERR_TOO_BIG, "no room for another event");
    buf_add(out, buf_text(&c->event), c->event.len);
    buf_char(out, '\n');
    return 0;
}

int capture_event_new(struct capture_names *names, struct capture_event **out, struct err *e)
{
    const struct random_source *r = plat_random();
    struct capture_event *c = calloc(1, sizeof *c);

    if (c == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    c->names = names;
    buf_init(&c->event, EVENT_MAX);
    buf_init(&c->text, TEXT_MAX);
    r->fill(r, &c->salt, sizeof c->salt);
    c->xml = XML_ParserCreate("UTF-8");
    if (c->xml == NULL) {
        capture_event_free(c);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    *out = c;
    return 0;
}

void capture_event_free(struct capture_event *c)
{
    if (c == NULL)
        return;
    if (c->xml != NULL)
        XML_ParserFree(c->xml);
    buf_free(&c->event);
    buf_free(&c->text);
    free(c);
}
