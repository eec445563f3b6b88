/* The plain part of XML beside expat: what the scanner takes, expat takes too
 * and says the same of. */
#include "base/buf.h"
#include "collectors/xml_scan.h"

#include <assert.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { XML_MAX = 64 * 1024, TOLD_MAX = 16 * XML_MAX };

static void on_start(void *arg, const char *name, const char **attributes)
{
    buf_printf(arg, "\x01%s", name);
    for (; attributes[0] != NULL; attributes += 2)
        buf_printf(arg, "\x02%s\x03%s", attributes[0], attributes[1]);
    buf_char(arg, '\x04');
}

static void on_end(void *arg)
{
    buf_char(arg, '\x05');
}

static void XMLCALL on_expat_end(void *arg, const char *name)
{
    (void)name;
    on_end(arg);
}

static void on_text(void *arg, const char *text, int len)
{
    buf_add(arg, text, (size_t)len);
}

static void compare(const char *xml, size_t size, const struct buf *ours)
{
    XML_Parser expat = XML_ParserCreate("UTF-8");
    enum XML_Status status;
    struct buf theirs;

    buf_init(&theirs, TOLD_MAX);
    XML_SetUserData(expat, &theirs);
    XML_SetElementHandler(expat, on_start, on_expat_end);
    XML_SetCharacterDataHandler(expat, on_text);
    status = XML_Parse(expat, xml, (int)size, XML_TRUE);
    assert(status == XML_STATUS_OK);
    assert(theirs.len == ours->len && memcmp(theirs.data, ours->data, ours->len) == 0);
    XML_ParserFree(expat);
    buf_free(&theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xml_scan_handler h = { .start = on_start, .end = on_end, .text = on_text };
    struct xml_scan *s = xml_scan_new(XML_MAX);
    struct buf ours;

    buf_init(&ours, TOLD_MAX);
    h.arg = &ours;
    if (s != NULL && size <= XML_MAX && xml_scan(s, (const char *)data, size, &h))
        compare((const char *)data, size, &ours);
    buf_free(&ours);
    xml_scan_free(s);
    return 0;
}
