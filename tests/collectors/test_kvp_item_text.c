/* Items read as they are written, beside what decoding and parsing makes of the same. */
#include "base/buf.h"
#include "collectors/kvp_item_text.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

/* What the value's text is when the escaping is taken off, and what items are in that. */
struct decoded {
    struct cim_parser *outer, *inner;
    char name[256], data[256];
    size_t name_len, data_len, value_len;
    bool has_name, has_data;
    int items, values, problems;
};

static void take_item(void *arg, const struct cim_instance *in)
{
    struct decoded *d = arg;
    const struct cim_property *name = cim_find(in, "Name"), *data = cim_find(in, "Data");

    d->items++;
    d->has_name = name != NULL && name->count > 0 && name->values[0].len > 0;
    d->has_data = data != NULL && data->count > 0;
    if (d->has_name) {
        d->name_len = name->values[0].len;
        ck_assert_uint_lt(d->name_len, sizeof d->name);
        memcpy(d->name, name->values[0].text, d->name_len);
    }
    if (d->has_data) {
        d->data_len = data->values[0].len;
        ck_assert_uint_lt(d->data_len, sizeof d->data);
        memcpy(d->data, data->values[0].text, d->data_len);
    }
}

static void count_problem(void *arg, size_t offset, const char *what)
{
    (void)offset;
    (void)what;
    ((struct decoded *)arg)->problems++;
}

static void take_value(void *arg, const struct cim_instance *in)
{
    static const char *const wanted[] = { "Name", "Data", NULL };
    struct decoded *d = arg;
    struct cim_handler h = { .instance = take_item, .problem = count_problem, .arg = d, .wanted = wanted };
    const struct cim_property *items = cim_find(in, "Items");
    struct err e;

    ck_assert_ptr_nonnull(items);
    d->values = items->count;
    if (items->count != 1)
        return;
    d->value_len = items->values[0].len;
    if (cim_parse(d->inner, items->values[0].text, items->values[0].len, &h, &e) != 0)
        d->problems++;
}

static void decode(struct decoded *d, const char *text, size_t len)
{
    static const char *const wanted[] = { "Items", NULL };
    struct cim_handler h = { .instance = take_value, .problem = count_problem, .arg = d, .wanted = wanted };
    struct err e;
    struct buf xml;

    d->name_len = d->data_len = d->value_len = 0;
    d->has_name = d->has_data = false;
    d->items = d->values = d->problems = 0;
    buf_init(&xml, 64 * 1024);
    buf_str(&xml, "<INSTANCE CLASSNAME=\"C\"><PROPERTY.ARRAY NAME=\"Items\"><VALUE.ARRAY><VALUE>");
    buf_add(&xml, text, len);
    buf_str(&xml, "</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>");
    if (cim_parse(d->outer, xml.data, xml.len, &h, &e) != 0)
        d->problems++;
    buf_free(&xml);
}

/* What is taken is what the long way makes of it; true when it is taken. */
static bool agrees(struct decoded *d, const char *text, size_t len)
{
    struct cim_item item;

    if (!kvp_item_text(text, len, &item))
        return false;
    decode(d, text, len);
    ck_assert_msg(d->problems == 0 && d->values == 1 && d->items == 1, "%d problems, %d values, %d items in: %.*s",
                  d->problems, d->values, d->items, (int)len, text);
    ck_assert_msg(d->value_len == item.decoded_len, "%zu decoded, not %zu: %.*s", d->value_len, item.decoded_len,
                  (int)len, text);
    ck_assert(d->has_name);
    ck_assert_int_eq(d->has_data, item.data != NULL);
    ck_assert_msg(d->name_len == item.name_len && memcmp(d->name, item.name, item.name_len) == 0, "name in: %.*s",
                  (int)len, text);
    ck_assert_msg(d->data_len == item.data_len && (item.data == NULL || memcmp(d->data, item.data, d->data_len) == 0),
                  "data in: %.*s", (int)len, text);
    return true;
}

static void begin(struct decoded *d)
{
    struct err e;

    memset(d, 0, sizeof *d);
    ck_assert_int_eq(cim_parser_new(&d->outer, &e), 0);
    ck_assert_int_eq(cim_parser_new(&d->inner, &e), 0);
}

static void end(struct decoded *d)
{
    cim_parser_free(d->outer);
    cim_parser_free(d->inner);
}

#define CRLF  "&#13;&#10;"
#define OPEN  "&lt;INSTANCE CLASSNAME=&quot;Msvm_KvpExchangeDataItem&quot;&gt;"
#define CLOSE "&lt;/INSTANCE&gt;"
#define EMPTY(name)                                                                        \
    "&lt;PROPERTY NAME=&quot;" name "&quot; PROPAGATED=&quot;true&quot; TYPE=&quot;string" \
    "&quot;&gt;&lt;/PROPERTY&gt;"
#define FULL(name, value)                                                                                    \
    "&lt;PROPERTY NAME=&quot;" name "&quot; TYPE=&quot;string&quot;&gt;&lt;VALUE&gt;" value "&lt;/VALUE&gt;" \
    "&lt;/PROPERTY&gt;"
#define SOURCE \
    "&lt;PROPERTY NAME=&quot;Source&quot; TYPE=&quot;uint16&quot;&gt;&lt;VALUE&gt;2&lt;/VALUE&gt;&lt;/PROPERTY&gt;"
#define WHOLE \
    OPEN CRLF EMPTY("Caption") CRLF FULL("Data", "10.0.0.5;10.0.0.6") CRLF FULL("Name", "Net") CRLF SOURCE CLOSE

START_TEST(what_windows_prints_is_taken)
{
    static const char *const good[] = {
        WHOLE,
        OPEN FULL("Name", "n") CLOSE,
        OPEN FULL("Name", "n") EMPTY("Data") CLOSE "x", /* the long way's: see below */
        OPEN FULL("Data", "") FULL("Name", " a \"name\" 'of' #x; ") CLOSE CRLF,
        "&lt;INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\"&gt;\r\n\t&lt;PROPERTY NAME=\"Name\" "
        "TYPE=\"string\"&gt;\r\n"
        "  &lt;VALUE>n&lt;/VALUE&gt;\r&lt;/PROPERTY&gt;\n&lt;PROPERTY NAME=\"Data\" PROPAGATED=\"true\" "
        "TYPE=\"string\"&gt;"
        "&lt;VALUE&gt;d&lt;/VALUE&gt;&lt;/PROPERTY>&lt;/INSTANCE>\r\n",
    };
    struct decoded d;

    begin(&d);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(agrees(&d, good[i], strlen(good[i])) == (i != 2), "%zu", i);
    end(&d);
}
END_TEST

START_TEST(name_and_data_are_places_in_the_text)
{
    static const char text[] = WHOLE;
    struct cim_item item;

    ck_assert(kvp_item_text(text, sizeof text - 1, &item));
    ck_assert_uint_eq(item.name_len, 3);
    ck_assert_uint_eq(item.data_len, 17);
    ck_assert(memcmp(item.name, "Net", 3) == 0);
    ck_assert(memcmp(item.data, "10.0.0.5;10.0.0.6", 17) == 0);
    ck_assert_ptr_eq(item.data, strstr(text, "10.0.0.5"));
}
END_TEST

START_TEST(what_needs_a_parser_is_left_to_it)
{
    static const char *const others[] = {
        "",
        OPEN CLOSE,                                     /* no name */
        OPEN FULL("Data", "d") CLOSE,                   /* the same */
        OPEN FULL("Name", "") CLOSE,                    /* an empty one */
        OPEN EMPTY("Name") CLOSE,                       /* NULL */
        OPEN FULL("Name", "n") EMPTY("Data") CLOSE,     /* a NULL that is not the last word on it */
        OPEN FULL("Name", "a") FULL("Name", "b") CLOSE, /* the first would count */
        OPEN FULL("Name", "n") FULL("Data", "a") FULL("Data", "b") CLOSE,
        OPEN FULL("Name", "a &amp;amp; b") CLOSE, /* escaped twice */
        OPEN FULL("Name", "a ]]> b") CLOSE,
        OPEN FULL("Name", "gr\xC3\xBC\xC3\x9F") CLOSE,
        OPEN FULL("Name", "two\nlines") CLOSE,
        OPEN FULL("Name", "n") CLOSE "&#1;",
        OPEN FULL("Name", "n") CLOSE OPEN FULL("Name", "m") CLOSE,
        OPEN FULL("Name", "n"), /* cut */
        "x" OPEN FULL("Name", "n") CLOSE,
        "&lt;INSTANCE CLASSNAME=&quot;Other&quot;&gt;" FULL("Name", "n") CLOSE,
    };
    struct cim_item item;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!kvp_item_text(others[i], strlen(others[i]), &item), "%zu: %s", i, others[i]);
}
END_TEST

/* A guest chooses what stands there: each byte another one, each one left out, each cut. */
START_TEST(whatever_is_changed_in_an_item_it_says_what_the_parser_says)
{
    static const char whole[] = WHOLE;
    static const char bytes[] = "&;<>\"'] \r\n\tNx2/=\x01\x7F\x80\xC3";
    char text[sizeof whole];
    const size_t len = sizeof whole - 1;
    struct decoded d;
    int taken = 0;

    begin(&d);
    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            memcpy(text, whole, sizeof whole);
            text[at] = bytes[i];
            taken += agrees(&d, text, len);
        }
        memcpy(text, whole, at);
        memcpy(text + at, whole + at + 1, len - at);
        taken += agrees(&d, text, len - 1);
        ck_assert_msg(!agrees(&d, whole, at), "cut at %zu", at);
    }
    ck_assert_int_gt(taken, 100);
    end(&d);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_windows_prints_is_taken);
    suite_test(s, name_and_data_are_places_in_the_text);
    suite_test(s, what_needs_a_parser_is_left_to_it);
    suite_test(s, whatever_is_changed_in_an_item_it_says_what_the_parser_says);
}

int main(void)
{
    return suite_main("collectors: kvp item text", add);
}
