/* Event XML to struct event. */
#include "base/times.h"
#include "collectors/event.h"
#include "tests/collectors/support_event.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM                                                                                              \
    "<System><Provider Name='P'/><EventID Qualifiers='32772'>153</EventID><Level>3</Level><TimeCreated "    \
    "SystemTime='2024-12-09T11:31:23.235620512Z'/><EventRecordID>35726</EventRecordID><Channel>C</Channel>" \
    "<Computer>H</Computer><Security UserID='S-1-5-18'/></System>"

static struct event_parser *parser;
static const struct event *event;
static struct err why;

static int parse_n(const char *xml, size_t len)
{
    if (parser == NULL)
        parser = event_parser_new();
    event = NULL;
    why.text[0] = '\0';
    return event_parse(parser, xml, len, &event, &why);
}

static int parse(const char *xml)
{
    return parse_n(xml, strlen(xml));
}

static void done(void)
{
    event_parser_free(parser);
    parser = NULL;
}

START_TEST(the_system_part_is_read)
{
    ck_assert_msg(parse("<Event>" SYSTEM "</Event>") == 0, "%s", why.text);
    ck_assert_str_eq(event->provider, "P");
    ck_assert_uint_eq(event->id, 153);
    ck_assert_uint_eq(event->qualifiers, 32772);
    ck_assert_int_eq(event->level, 3);
    ck_assert_uint_eq(event->record_id, 35726);
    ck_assert_str_eq(event->channel, "C");
    ck_assert_str_eq(event->computer, "H");
    ck_assert_str_eq(event->user_sid, "S-1-5-18");
    ck_assert_int_eq(event->time_ns % NS_PER_S, 235620512);
    ck_assert_int_eq(event->field_count, 0);
    done();
}
END_TEST

START_TEST(event_data_is_positional_with_names_and_without_binary)
{
    ck_assert_int_eq(parse("<Event>" SYSTEM "<EventData><Data Name='a'>1</Data><Binary>00</Binary><Data>2 &lt; 3</Data>"
                           "<Data/></EventData></Event>"),
                     0);
    ck_assert_int_eq(event->field_count, 3);
    ck_assert_str_eq(event->fields[0].name, "a");
    ck_assert_str_eq(event->fields[0].value, "1");
    ck_assert_str_eq(event->fields[1].name, "");
    ck_assert_str_eq(event->fields[1].value, "2 < 3");
    ck_assert_uint_eq(event->fields[2].len, 0);
    done();
}
END_TEST

START_TEST(user_data_fields_are_the_children_of_its_payload)
{
    ck_assert_int_eq(parse("<Event>" SYSTEM "<UserData><x:Log xmlns:x='u'><x:VmName>a<b>b</b>c</x:VmName><VmId>2</VmId>"
                           "</x:Log></UserData></Event>"),
                     0);
    ck_assert_int_eq(event->field_count, 2);
    ck_assert_str_eq(event->fields[0].name, "VmName");
    ck_assert_str_eq(event->fields[0].value, "abc");
    ck_assert_str_eq(event->fields[1].value, "2");
    done();
}
END_TEST

START_TEST(rendering_information_is_no_field)
{
    ck_assert_int_eq(parse("<Event>" SYSTEM "<RenderingInfo Culture='en-US'><Message>m</Message><Level>Warning</Level>"
                           "</RenderingInfo></Event>"),
                     0);
    ck_assert_int_eq(event->field_count, 0);
    ck_assert_int_eq(event->level, 3);
    done();
}
END_TEST

START_TEST(prefixes_and_namespaces_do_not_matter)
{
    ck_assert_int_eq(parse("<e:Event xmlns:e='x'><e:System><e:Provider Name='Q'/><e:EventID> 7\n</e:EventID></e:System>"
                           "</e:Event>"),
                     0);
    ck_assert_str_eq(event->provider, "Q");
    ck_assert_uint_eq(event->id, 7);
    done();
}
END_TEST

START_TEST(what_is_missing_is_empty_and_never_made_up)
{
    ck_assert_int_eq(parse("<Event><System><Provider Name='P'/><EventID>1</EventID></System></Event>"), 0);
    ck_assert_int_eq(event->time_ns, 0);
    ck_assert_uint_eq(event->record_id, 0);
    ck_assert_str_eq(event->channel, "");
    ck_assert_str_eq(event->user_sid, "");
    done();
}
END_TEST

START_TEST(a_parser_carries_nothing_over_to_the_next_event)
{
    ck_assert_int_eq(parse("<Event>" SYSTEM "<EventData><Data>1</Data></EventData></Event>"), 0);
    ck_assert_int_eq(parse("<Event><broken"), ERR_INVALID);
    ck_assert_int_eq(parse("<Event><System><Provider Name='P'/><EventID>1</EventID></System></Event>"), 0);
    ck_assert_int_eq(event->field_count, 0);
    ck_assert_str_eq(event->computer, "");
    done();
}
END_TEST

START_TEST(an_event_without_provider_or_id_is_none)
{
    static const char *const bad[] = {
        "<Event/>",
        "<Event><System><EventID>1</EventID></System></Event>",
        "<Event><System><Provider Name=''/><EventID>1</EventID></System></Event>",
        "<Event><System><Provider Name='P'/></System></Event>",
        "<Event><System><Provider Name='P'/><EventID>4294967296</EventID></System></Event>",
        "<Event><System><Provider Name='P'/><EventID>-1</EventID></System></Event>",
        "<Event><System><Provider Name='P'/><EventID>1 2</EventID></System></Event>",
        "<Events><System><Provider Name='P'/><EventID>1</EventID></System></Events>",
        "",
        " ",
        "x",
        "<",
        "<Event>",
        "<Event></Event",
        "<Event></Event>x",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(parse(bad[i]) == ERR_INVALID, "taken: %s", bad[i]);
    done();
}
END_TEST

START_TEST(document_types_and_entities_are_refused)
{
    static const char bomb[] = "<!DOCTYPE Event [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
                               "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]><Event>" SYSTEM
                               "<EventData><Data>&c;</Data></EventData></Event>";
    static const char external[] = "<!DOCTYPE Event SYSTEM 'file:///etc/passwd'><Event>" SYSTEM "</Event>";
    static const char unknown[] = "<Event>" SYSTEM "<EventData><Data>&c;</Data></EventData></Event>";

    ck_assert_int_eq(parse(bomb), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(why.text, "document type"));
    ck_assert_int_eq(parse(external), ERR_INVALID);
    ck_assert_int_eq(parse(unknown), ERR_INVALID);
    done();
}
END_TEST

START_TEST(an_event_cut_anywhere_is_refused_and_harms_nothing)
{
    static const char xml[] =
        "<Event>" SYSTEM "<EventData><Data Name='a'>&#x41;</Data><![CDATA[x]]></EventData></Event>";

    for (size_t len = 0; len < sizeof xml - 1; len++) {
        char *copy = malloc(len + 1); /* so that a read past the end is seen */

        memcpy(copy, xml, len);
        ck_assert_msg(parse_n(copy, len) == ERR_INVALID, "taken with %zu bytes", len);
        free(copy);
    }
    ck_assert_int_eq(parse(xml), 0);
    done();
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    struct buf b;

    buf_init(&b, EVENT_XML_MAX);
    buf_str(&b, "<Event>" SYSTEM "<EventData>");
    for (int i = 0; i < 100000; i++)
        buf_str(&b, "<a>");
    ck_assert_int_eq(parse_n(b.data, b.len), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(why.text, "nested"));
    buf_free(&b);
    done();
}
END_TEST

START_TEST(more_fields_than_fit_mark_the_event_cut)
{
    struct buf b;

    buf_init(&b, EVENT_XML_MAX);
    buf_str(&b, "<Event>" SYSTEM "<EventData>");
    for (int i = 0; i < EVENT_FIELDS_MAX + 5; i++)
        buf_printf(&b, "<Data>%d</Data>", i);
    buf_str(&b, "</EventData></Event>");
    ck_assert_int_eq(parse_n(b.data, b.len), 0);
    ck_assert_int_eq(event->field_count, EVENT_FIELDS_MAX);
    ck_assert(event->cut);
    ck_assert_str_eq(event->fields[EVENT_FIELDS_MAX - 1].value, "127");
    buf_free(&b);
    done();
}
END_TEST

static int parse_of_size(size_t size)
{
    struct buf b;
    int rc;

    buf_init(&b, size + 1024);
    buf_str(&b, "<Event>" SYSTEM "<EventData><Data>");
    while (b.len < size - strlen("</Data></EventData></Event>"))
        buf_char(&b, 'x');
    buf_str(&b, "</Data></EventData></Event>");
    ck_assert_uint_eq(b.len, size);
    rc = parse_n(b.data, b.len);
    buf_free(&b);
    return rc;
}

START_TEST(events_up_to_the_ceiling_are_taken_and_larger_ones_refused)
{
    ck_assert_int_eq(parse_of_size(31 * 1024), 0);
    ck_assert_int_eq(parse_of_size(EVENT_XML_MAX), 0);
    ck_assert_uint_gt(event->fields[0].len, EVENT_XML_MAX - 1024);
    ck_assert_int_eq(parse_of_size(EVENT_XML_MAX + 1), ERR_TOO_BIG);
    ck_assert_int_eq(parse_of_size(2 * 1024 * 1024), ERR_TOO_BIG);
    done();
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_refused)
{
    ck_assert_int_eq(parse("<Event>" SYSTEM "<EventData><Data>\xFF\xFE</Data></EventData></Event>"), ERR_INVALID);
    ck_assert_int_eq(parse("<Event>" SYSTEM "<EventData><Data>\xC3\xA4</Data></EventData></Event>"), 0);
    ck_assert_str_eq(event->fields[0].value, "\xC3\xA4");
    done();
}
END_TEST

START_TEST(real_events_are_read)
{
    static const struct {
        const char *file, *provider;
        unsigned id;
        int fields;
        const char *last;
    } samples[] = {
        { "eventxml/worker-18590-guest-crash-0x79.xml", "Microsoft-Windows-Hyper-V-Worker", 18590, 8, NULL },
        { "eventxml/vmms-20415-live-migration-complete.xml", "Microsoft-Windows-Hyper-V-VMMS", 20415, 3, "0.5" },
        { "eventxml/disk153-system-rec436.xml", "disk", 153, 4, "\\Device\\00000024" },
        { "eventxml/netvsc1-system-rec139.xml", "Microsoft-Windows-Hyper-V-Netvsc", 1, 3, "0" },
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const char *path = shared_sample(samples[i].file);
        char *xml;

        if (path == NULL)
            skip("no %s", samples[i].file);
        xml = read_file(path, NULL);
        ck_assert_msg(parse(xml) == 0, "%s: %s", samples[i].file, why.text);
        ck_assert_str_eq(event->provider, samples[i].provider);
        ck_assert_uint_eq(event->id, samples[i].id);
        ck_assert_int_eq(event->field_count, samples[i].fields);
        ck_assert_int_ne(event->time_ns, 0);
        if (samples[i].last != NULL)
            ck_assert_str_eq(event->fields[event->field_count - 1].value, samples[i].last);
        free(xml);
    }
    done();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_system_part_is_read);
    suite_test(s, event_data_is_positional_with_names_and_without_binary);
    suite_test(s, user_data_fields_are_the_children_of_its_payload);
    suite_test(s, rendering_information_is_no_field);
    suite_test(s, prefixes_and_namespaces_do_not_matter);
    suite_test(s, what_is_missing_is_empty_and_never_made_up);
    suite_test(s, a_parser_carries_nothing_over_to_the_next_event);
    suite_test(s, an_event_without_provider_or_id_is_none);
    suite_test(s, document_types_and_entities_are_refused);
    suite_test(s, an_event_cut_anywhere_is_refused_and_harms_nothing);
    suite_test(s, deep_nesting_is_refused);
    suite_test(s, more_fields_than_fit_mark_the_event_cut);
    suite_test(s, events_up_to_the_ceiling_are_taken_and_larger_ones_refused);
    suite_test(s, bytes_that_are_no_utf8_are_refused);
    suite_test(s, real_events_are_read);
}

int main(void)
{
    return suite_main("collectors: event XML", add);
}
