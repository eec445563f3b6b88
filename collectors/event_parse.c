/* Event XML to struct event.  See event.h.
 *
 * What Windows renders is read by xml_scan; what that declines goes to expat.
 * One expat parser is made once and reset for each event it gets; it does no
 * namespace processing (names are compared without their prefix), is fed the
 * whole event at once, and is stopped at a document type, so that no entity but
 * XML's own five ever expands and the text can only be shorter than the XML.  All text
 * goes to one buffer that is kept from event to event; while it may still move,
 * places in it are offsets.
 */
#include "base/buf.h"
#include "base/times.h"
#include "collectors/event.h"
#include "collectors/xml_scan.h"
#include "plat/random.h"

#include <assert.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Every text has a NUL of its own: the fields' names and values, and a few of System. */
enum { TEXT_MAX = EVENT_XML_MAX + 4 * EVENT_FIELDS_MAX + 64 };

enum section { SECTION_NONE, SECTION_SYSTEM, SECTION_EVENT_DATA, SECTION_USER_DATA };

/* Texts of System, by place in the buffer; 0 is "". */
enum text {
    TEXT_PROVIDER,
    TEXT_ID,
    TEXT_QUALIFIERS,
    TEXT_LEVEL,
    TEXT_TIME,
    TEXT_RECORD,
    TEXT_CHANNEL,
    TEXT_COMPUTER,
    TEXT_SID,
    TEXT_COUNT
};

struct event_parser {
    struct xml_scan *scan;
    XML_Parser expat;
    bool in_expat;      /* expat is reading, not the scanner */
    unsigned long salt; /* of expat's hash tables; else it asks the system for one for each event */
    struct buf text;
    struct event event;
    enum section section;
    int depth;     /* of the element that is open */
    int capturing; /* depth of the element whose text is kept; 0 none */
    size_t texts[TEXT_COUNT];
    struct {
        size_t name, value, len;
    } fields[EVENT_FIELDS_MAX];
    const char *refusal; /* why expat was stopped; NULL it was not */
};

struct event_parser *event_parser_new(void)
{
    struct event_parser *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    buf_init(&p->text, TEXT_MAX);
    plat_random()->fill(plat_random(), &p->salt, sizeof p->salt);
    p->salt |= 1; /* 0 would mean none */
    p->scan = xml_scan_new(EVENT_XML_MAX);
    p->expat = XML_ParserCreate("UTF-8");
    if (p->expat == NULL || p->scan == NULL) {
        event_parser_free(p);
        return NULL;
    }
    return p;
}

void event_parser_free(struct event_parser *p)
{
    if (p == NULL)
        return;
    if (p->expat != NULL)
        XML_ParserFree(p->expat);
    xml_scan_free(p->scan);
    buf_free(&p->text);
    free(p);
}

static void refuse(struct event_parser *p, const char *why)
{
    if (p->refusal == NULL) {
        p->refusal = why;
        if (p->in_expat)
            XML_StopParser(p->expat, XML_FALSE);
    }
}

static const char *local_name(const char *name)
{
    const char *colon = strchr(name, ':');

    return colon != NULL ? colon + 1 : name;
}

static const char *attribute(const char **atts, const char *name)
{
    for (int i = 0; atts[i] != NULL; i += 2) {
        if (strcmp(atts[i], name) == 0)
            return atts[i + 1];
    }
    return NULL;
}

/* Keeps a text and its NUL; returns its place. */
static size_t keep(struct event_parser *p, const char *text)
{
    size_t place = p->text.len;

    buf_add(&p->text, text, strlen(text) + 1);
    return place;
}

static void keep_attribute(struct event_parser *p, enum text which, const char **atts, const char *name)
{
    const char *value = attribute(atts, name);

    if (value != NULL)
        p->texts[which] = keep(p, value);
}

/* From here the text of this element, and of those within, is the text `which`. */
static void capture(struct event_parser *p, enum text which)
{
    p->texts[which] = p->text.len;
    p->capturing = p->depth;
}

static void start_system_child(struct event_parser *p, const char *name, const char **atts)
{
    static const struct {
        const char *element, *attribute; /* no attribute: the element's own text */
        enum text text;
    } wanted[] = {
        { "Provider", "Name", TEXT_PROVIDER },
        { "EventID", "Qualifiers", TEXT_QUALIFIERS },
        { "TimeCreated", "SystemTime", TEXT_TIME },
        { "Security", "UserID", TEXT_SID },
        { "EventID", NULL, TEXT_ID },
        { "Level", NULL, TEXT_LEVEL },
        { "EventRecordID", NULL, TEXT_RECORD },
        { "Channel", NULL, TEXT_CHANNEL },
        { "Computer", NULL, TEXT_COMPUTER },
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (name[0] != wanted[i].element[0] || strcmp(name, wanted[i].element) != 0)
            continue;
        if (wanted[i].attribute != NULL)
            keep_attribute(p, wanted[i].text, atts, wanted[i].attribute);
        else
            capture(p, wanted[i].text);
    }
}

static void start_field(struct event_parser *p, const char *name)
{
    int n = p->event.field_count;

    if (n == EVENT_FIELDS_MAX) {
        p->event.cut = true;
        return;
    }
    p->fields[n].name = keep(p, name);
    p->fields[n].value = p->text.len;
    p->event.field_count++;
    p->capturing = p->depth;
}

static void start_section(struct event_parser *p, const char *name)
{
    p->section = strcmp(name, "System") == 0      ? SECTION_SYSTEM
                 : strcmp(name, "EventData") == 0 ? SECTION_EVENT_DATA
                 : strcmp(name, "UserData") == 0  ? SECTION_USER_DATA
                                                  : SECTION_NONE;
}

static void XMLCALL on_start(void *arg, const char *qualified, const char **atts)
{
    struct event_parser *p = arg;
    const char *name = local_name(qualified);
    const char *data_name;

    if (p->refusal != NULL)
        return;
    if (++p->depth > EVENT_DEPTH_MAX) {
        refuse(p, "its elements are nested too deep");
        return;
    }
    if (p->capturing != 0)
        return;
    if (p->depth == 1 && strcmp(name, "Event") != 0) {
        refuse(p, "it is no Event element");
    } else if (p->depth == 2) {
        start_section(p, name);
    } else if (p->depth == 3 && p->section == SECTION_SYSTEM) {
        start_system_child(p, name, atts);
    } else if (p->depth == 3 && p->section == SECTION_EVENT_DATA && strcmp(name, "Binary") != 0) {
        data_name = attribute(atts, "Name");
        start_field(p, data_name != NULL ? data_name : strcmp(name, "Data") == 0 ? "" : name);
    } else if (p->depth == 4 && p->section == SECTION_USER_DATA) {
        start_field(p, name);
    }
}

static void on_end(void *arg)
{
    struct event_parser *p = arg;
    int last = p->event.field_count - 1;

    if (p->refusal != NULL)
        return;
    if (p->capturing == p->depth) {
        if (p->section != SECTION_SYSTEM)
            p->fields[last].len = p->text.len - p->fields[last].value;
        buf_char(&p->text, '\0');
        p->capturing = 0;
    }
    p->depth--;
}

static void XMLCALL on_expat_end(void *arg, const char *name)
{
    (void)name;
    on_end(arg);
}

static void XMLCALL on_text(void *arg, const char *text, int len)
{
    struct event_parser *p = arg;

    if (p->capturing != 0)
        buf_add(&p->text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system, const char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(arg, "it has a document type");
}

static void prepare(struct event_parser *p)
{
    buf_clear(&p->text);
    buf_char(&p->text, '\0'); /* place 0 is "" */
    memset(p->texts, 0, sizeof p->texts);
    p->event.field_count = 0;
    p->event.cut = false;
    p->section = SECTION_NONE;
    p->depth = p->capturing = 0;
    p->refusal = NULL;
}

static bool scan(struct event_parser *p, const char *xml, size_t len)
{
    struct xml_scan_handler h = { .start = on_start, .end = on_end, .text = on_text, .arg = p };

    prepare(p);
    p->in_expat = false;
    return xml_scan(p->scan, xml, len, &h) && p->refusal == NULL;
}

static int read_with_expat(struct event_parser *p, const char *xml, size_t len, struct err *e)
{
    bool reset = XML_ParserReset(p->expat, "UTF-8") == XML_TRUE;
    enum XML_Status status;

    assert(reset); /* false only within a parse */
    (void)reset;
    XML_SetHashSalt(p->expat, p->salt);
    XML_SetUserData(p->expat, p);
    XML_SetElementHandler(p->expat, on_start, on_expat_end);
    XML_SetCharacterDataHandler(p->expat, on_text);
    XML_SetStartDoctypeDeclHandler(p->expat, on_doctype);
    prepare(p);
    p->in_expat = true;
    status = XML_Parse(p->expat, xml, (int)len, XML_TRUE);
    if (p->refusal != NULL)
        return err_set(e, ERR_INVALID, "not an event: %s", p->refusal);
    if (status != XML_STATUS_OK && XML_GetErrorCode(p->expat) == XML_ERROR_NO_MEMORY)
        return err_set(e, ERR_MEMORY, "out of memory for an event");
    if (status != XML_STATUS_OK)
        return err_set(e, ERR_INVALID, "not an event: %s at byte %lld", XML_ErrorString(XML_GetErrorCode(p->expat)),
                       (long long)XML_GetCurrentByteIndex(p->expat));
    return 0;
}

/* A decimal number with blanks around it and nothing else. */
static bool number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    bool any = false;

    text += strspn(text, " \t\r\n");
    for (; *text >= '0' && *text <= '9'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');

        if (n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
        any = true;
    }
    text += strspn(text, " \t\r\n");
    if (!any || *text != '\0')
        return false;
    *out = n;
    return true;
}

static const char *text_of(const struct event_parser *p, enum text which)
{
    return buf_text(&p->text) + p->texts[which];
}

static uint64_t number_of(const struct event_parser *p, enum text which, uint64_t max)
{
    uint64_t n = 0;

    return number(text_of(p, which), max, &n) ? n : 0;
}

/* Offsets to pointers, now that the buffer rests. */
static int finish(struct event_parser *p, struct err *e)
{
    struct event *event = &p->event;
    const char *base = buf_text(&p->text);
    uint64_t id;

    if (buf_error(&p->text) != ERR_OK)
        return err_set(e, buf_error(&p->text), "an event's text does not fit");
    event->provider = text_of(p, TEXT_PROVIDER);
    if (event->provider[0] == '\0' || !number(text_of(p, TEXT_ID), UINT32_MAX, &id))
        return err_set(e, ERR_INVALID, "not an event: its provider or its id is missing");
    event->id = (uint32_t)id;
    event->qualifiers = (uint32_t)number_of(p, TEXT_QUALIFIERS, UINT32_MAX);
    event->level = (int)number_of(p, TEXT_LEVEL, INT_MAX);
    event->record_id = number_of(p, TEXT_RECORD, INT64_MAX);
    event->channel = text_of(p, TEXT_CHANNEL);
    event->computer = text_of(p, TEXT_COMPUTER);
    event->user_sid = text_of(p, TEXT_SID);
    event->time_ns = 0;
    if (!times_parse(text_of(p, TEXT_TIME), &event->time_ns))
        event->time_ns = 0;
    for (int i = 0; i < event->field_count; i++) {
        event->fields[i] = (struct event_field){ .name = base + p->fields[i].name,
                                                 .value = base + p->fields[i].value,
                                                 .len = p->fields[i].len };
        assert(event->fields[i].value[event->fields[i].len] == '\0');
    }
    return 0;
}

int event_parse(struct event_parser *p, const char *xml, size_t len, const struct event **out, struct err *e)
{
    int rc = 0;

    if (len > EVENT_XML_MAX)
        return err_set(e, ERR_TOO_BIG, "an event of %zu bytes is over the limit of %d", len, (int)EVENT_XML_MAX);
    if (!scan(p, xml, len))
        rc = read_with_expat(p, xml, len, e);
    if (rc == 0)
        rc = finish(p, e);
    if (rc == 0)
        *out = &p->event;
    return rc;
}
