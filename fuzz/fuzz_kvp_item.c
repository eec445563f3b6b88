/* A KVP item read as it is written, beside the same value decoded and parsed: what
 * the one takes, the other says too. */
#include "base/buf.h"
#include "collectors/kvp_item_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 32 * 1024 };

struct compared {
    struct cim_parser *inner;
    struct cim_item item;
    int values, items;
};

static void problem(void *arg, size_t offset, const char *what)
{
    (void)arg;
    (void)offset;
    (void)what;
    abort();
}

static void same(const struct cim_property *p, const char *text, size_t len)
{
    assert(p != NULL && p->count == 1 && p->values[0].len == len && memcmp(p->values[0].text, text, len) == 0);
}

static void take_item(void *arg, const struct cim_instance *in)
{
    struct compared *c = arg;

    c->items++;
    same(cim_find(in, "Name"), c->item.name, c->item.name_len);
    if (c->item.data != NULL)
        same(cim_find(in, "Data"), c->item.data, c->item.data_len);
    else
        assert(cim_find(in, "Data") == NULL);
}

static void take_value(void *arg, const struct cim_instance *in)
{
    static const char *const wanted[] = { "Name", "Data", NULL };
    struct compared *c = arg;
    struct cim_handler h = { .instance = take_item, .problem = problem, .arg = c, .wanted = wanted };
    const struct cim_property *items = cim_find(in, "Items");
    struct err e;

    assert(items != NULL && items->count == 1);
    c->values++;
    assert(items->values[0].len == c->item.decoded_len);
    if (cim_parse(c->inner, items->values[0].text, items->values[0].len, &h, &e) != 0)
        abort();
}

static void compare(struct compared *c, const char *text, size_t len)
{
    static const char *const wanted[] = { "Items", NULL };
    struct cim_handler h = { .instance = take_value, .problem = problem, .arg = c, .wanted = wanted };
    struct cim_parser *outer;
    struct err e;
    struct buf xml;

    buf_init(&xml, 2 * TEXT_MAX);
    buf_str(&xml, "<INSTANCE CLASSNAME=\"C\"><PROPERTY.ARRAY NAME=\"Items\"><VALUE.ARRAY><VALUE>");
    buf_add(&xml, text, len);
    buf_str(&xml, "</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>");
    if (cim_parser_new(&outer, &e) != 0 || cim_parser_new(&c->inner, &e) != 0)
        abort();
    if (cim_parse(outer, xml.data, xml.len, &h, &e) != 0)
        abort();
    assert(c->values == 1 && c->items == 1);
    cim_parser_free(outer);
    cim_parser_free(c->inner);
    buf_free(&xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct compared c = { 0 };

    if (size <= TEXT_MAX && kvp_item_text((const char *)data, size, &c.item))
        compare(&c, (const char *)data, size);
    return 0;
}
