/* CIM XML: encodings, instances in any wrapping, properties, and text that
 * wants to do harm. */
#include "base/buf.h"
#include "collectors/cim_text.h"
#include "collectors/cim_xml.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a parse gave, as text ----------------------------------------- */

struct result {
    struct buf seen;     /* "Class{Name=[a][b] Data=}" ... */
    struct buf problems; /* "offset: what\n" ... */
    int instances, problem_count;
    int rc;
    struct err e;
};

static void note_instance(void *arg, const struct cim_instance *in)
{
    struct result *r = arg;

    r->instances++;
    buf_printf(&r->seen, "%s{", in->class_name);
    for (int i = 0; i < in->count; i++) {
        const struct cim_property *p = &in->properties[i];

        buf_printf(&r->seen, "%s%s=", i > 0 ? " " : "", p->name);
        for (int v = 0; v < p->count; v++) {
            ck_assert_uint_eq(strlen(p->values[v].text), p->values[v].len);
            buf_printf(&r->seen, p->values[v].null ? "(null)" : "[%s]", p->values[v].text);
        }
        buf_str(&r->seen, p->cut ? "..." : "");
    }
    buf_str(&r->seen, "}");
}

static void note_problem(void *arg, size_t offset, const char *what)
{
    struct result *r = arg;

    r->problem_count++;
    buf_printf(&r->problems, "%zu: %s\n", offset, what);
}

static const char *const wanted[] = { "Name", "Data", "List", NULL };

static void parse_with(struct cim_parser *p, struct result *r, const void *xml, size_t len)
{
    struct cim_handler h = { .instance = note_instance, .problem = note_problem, .arg = r, .wanted = wanted };

    memset(r, 0, sizeof *r);
    buf_init(&r->seen, 1 << 24);
    buf_init(&r->problems, 1 << 20);
    r->rc = cim_parse(p, xml, len, &h, &r->e);
}

static void parse_bytes(struct result *r, const void *xml, size_t len)
{
    struct cim_parser *p = NULL;

    ck_assert_int_eq(cim_parser_new(&p, NULL), 0);
    parse_with(p, r, xml, len);
    cim_parser_free(p);
}

static void parse(struct result *r, const char *xml)
{
    parse_bytes(r, xml, strlen(xml));
}

static void result_free(struct result *r)
{
    buf_free(&r->seen);
    buf_free(&r->problems);
}

/* Parses and compares what was seen; no problem may have been told. */
static void expect(const char *xml, const char *seen)
{
    struct result r;

    parse(&r, xml);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_str_eq(buf_text(&r.seen), seen);
    ck_assert_str_eq(buf_text(&r.problems), "");
    result_free(&r);
}

#define ONE  "<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>one</VALUE></PROPERTY></INSTANCE>"
#define TWO  "<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>two</VALUE></PROPERTY></INSTANCE>"
#define BAD  "\xEF\xBF\xBD" /* U+FFFD */
#define BOTH "A{Name=[one]}A{Name=[two]}"

/* ---- wrapping ----------------------------------------------------------- */

START_TEST(instances_stand_one_after_another_without_a_root)
{
    expect(ONE "\r\n" TWO, BOTH);
}
END_TEST

START_TEST(instances_are_found_in_a_cim_document)
{
    expect("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
           "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"1\" PROTOCOLVERSION=\"1.0\"><SIMPLERSP>"
           "<IMETHODRESPONSE NAME=\"EnumerateInstances\"><IRETURNVALUE>"
           "<VALUE.NAMEDINSTANCE><INSTANCENAME CLASSNAME=\"A\"/>" ONE "</VALUE.NAMEDINSTANCE>"
           "<VALUE.NAMEDINSTANCE><INSTANCENAME CLASSNAME=\"A\"/>" TWO "</VALUE.NAMEDINSTANCE>"
           "</IRETURNVALUE></IMETHODRESPONSE></SIMPLERSP></MESSAGE></CIM>",
           BOTH);
    expect("<CIM><DECLARATION><DECLGROUP><VALUE.OBJECT>" ONE "</VALUE.OBJECT></DECLGROUP></DECLARATION></CIM>" TWO,
           BOTH);
}
END_TEST

START_TEST(documents_with_declarations_may_follow_each_other)
{
    expect("<?xml version=\"1.0\"?>" ONE "\n<?xml version=\"1.0\"?>" TWO, BOTH);
}
END_TEST

START_TEST(an_empty_text_holds_nothing_and_is_no_problem)
{
    expect("", "");
    expect(" \r\n\t", "");
    expect("<CIM></CIM>", "");
}
END_TEST

START_TEST(an_instance_without_properties_is_one_too)
{
    expect("<INSTANCE CLASSNAME=\"A\"/><INSTANCE CLASSNAME='B'></INSTANCE>", "A{}B{}");
}
END_TEST

START_TEST(comments_sections_and_quotes_do_not_confuse)
{
    expect("<!-- <INSTANCE> --><?pi <INSTANCE> ?>" ONE "<!-- </INSTANCE> -->", "A{Name=[one]}");
    expect("<INSTANCE CLASSNAME=\"A\" X=\"/>\"><!-- </INSTANCE> --><PROPERTY "
           "NAME=\"Name\"><VALUE><![CDATA[</INSTANCE><a>]]>"
           "</VALUE></PROPERTY></INSTANCE>",
           "A{Name=[</INSTANCE><a>]}");
}
END_TEST

START_TEST(text_that_is_no_xml_is_a_problem)
{
    struct result r;

    parse(&r, "PS C:\\> access denied");
    ck_assert_int_eq(r.rc, 0);
    ck_assert_int_eq(r.instances, 0);
    ck_assert_str_eq(buf_text(&r.problems), "0: this is no CIM XML\n");
    result_free(&r);
}
END_TEST

/* ---- properties --------------------------------------------------------- */

START_TEST(properties_come_in_any_order_and_unwanted_ones_are_left)
{
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Other\"><VALUE>x</VALUE></PROPERTY>"
           "<PROPERTY NAME=\"Data\"><VALUE>d</VALUE></PROPERTY><PROPERTY "
           "NAME=\"Name\"><VALUE>n</VALUE></PROPERTY></INSTANCE>",
           "A{Data=[d] Name=[n]}");
}
END_TEST

START_TEST(null_and_the_empty_string_are_told_apart)
{
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"/><PROPERTY "
           "NAME=\"Data\"><VALUE></VALUE></PROPERTY></INSTANCE>",
           "A{Name= Data=[]}");
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"></PROPERTY><PROPERTY "
           "NAME=\"Data\"><VALUE/></PROPERTY></INSTANCE>",
           "A{Name= Data=[]}");
}
END_TEST

START_TEST(arrays_keep_their_order_their_empty_and_their_null_elements)
{
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY.ARRAY NAME=\"List\" TYPE=\"uint16\"><VALUE.ARRAY><VALUE>2</VALUE>"
           "<VALUE></VALUE><VALUE.NULL/><VALUE>32775</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>",
           "A{List=[2][](null)[32775]}");
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY.ARRAY NAME=\"List\"/><PROPERTY.ARRAY "
           "NAME=\"Data\"><VALUE.ARRAY/></PROPERTY.ARRAY>"
           "</INSTANCE>",
           "A{List= Data=}");
}
END_TEST

START_TEST(values_of_qualifiers_references_and_nested_instances_are_not_taken)
{
    expect("<INSTANCE CLASSNAME=\"A\"><QUALIFIER NAME=\"dynamic\"><VALUE>TRUE</VALUE></QUALIFIER>"
           "<PROPERTY NAME=\"Name\"><QUALIFIER NAME=\"key\"><VALUE>TRUE</VALUE></QUALIFIER><VALUE>n</VALUE></PROPERTY>"
           "<PROPERTY.REFERENCE NAME=\"Data\"><VALUE.REFERENCE><VALUE>x</VALUE></VALUE.REFERENCE></PROPERTY.REFERENCE>"
           "<PROPERTY.OBJECT NAME=\"List\"><VALUE.OBJECT>" ONE "</VALUE.OBJECT></PROPERTY.OBJECT></INSTANCE>",
           "A{Name=[n]}");
}
END_TEST

START_TEST(of_two_properties_with_one_name_the_first_counts)
{
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"><VALUE>1</VALUE><VALUE>2</VALUE></PROPERTY>"
           "<PROPERTY NAME=\"Name\"><VALUE>3</VALUE></PROPERTY></INSTANCE>",
           "A{Name=[1]}");
}
END_TEST

START_TEST(embedded_xml_is_unescaped_once_and_can_be_parsed_again)
{
    static const char outer[] = "<INSTANCE CLASSNAME=\"K\"><PROPERTY.ARRAY NAME=\"List\"><VALUE.ARRAY><VALUE>"
                                "&lt;INSTANCE CLASSNAME=&quot;I&quot;&gt;&lt;PROPERTY "
                                "NAME=&quot;Name&quot;&gt;&lt;VALUE&gt;a &amp;amp; b&lt;/VALUE&gt;"
                                "&lt;/PROPERTY&gt;&lt;/INSTANCE&gt;</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>";
    static const char inner[] =
        "<INSTANCE CLASSNAME=\"I\"><PROPERTY NAME=\"Name\"><VALUE>a &amp; b</VALUE></PROPERTY></INSTANCE>";
    char seen[512];

    snprintf(seen, sizeof seen, "K{List=[%s]}", inner);
    expect(outer, seen);
    expect(inner, "I{Name=[a & b]}");
}
END_TEST

START_TEST(a_parser_is_used_again_and_again)
{
    struct cim_parser *p = NULL;

    ck_assert_int_eq(cim_parser_new(&p, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        struct result r;

        parse_with(p, &r, i % 3 == 1 ? "<INSTANCE CLASSNAME=\"A\"><X></INSTANCE>" : ONE, i % 3 == 1 ? 38 : strlen(ONE));
        ck_assert_int_eq(r.rc, 0);
        ck_assert_int_eq(r.instances, i % 3 != 1);
        ck_assert_int_eq(r.problem_count, i % 3 == 1);
        result_free(&r);
    }
    cim_parser_free(p);
}
END_TEST

/* ---- encodings ---------------------------------------------------------- */

/* ASCII as UTF-16 of either order, with or without the mark. */
static size_t to_utf16(const char *text, bool big, bool mark, unsigned char *out)
{
    size_t n = 0;

    if (mark) {
        out[n++] = big ? 0xFE : 0xFF;
        out[n++] = big ? 0xFF : 0xFE;
    }
    for (; *text != '\0'; text++) {
        out[n++] = big ? 0 : (unsigned char)*text;
        out[n++] = big ? (unsigned char)*text : 0;
    }
    return n;
}

START_TEST(utf16_of_both_orders_is_read_with_and_without_its_mark)
{
    unsigned char bytes[4096];

    for (int i = 0; i < 4; i++) {
        size_t len = to_utf16("<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n" ONE TWO, i & 1, i & 2, bytes);
        struct result r;

        parse_bytes(&r, bytes, len);
        ck_assert_int_eq(r.rc, 0);
        ck_assert_str_eq(buf_text(&r.seen), BOTH);
        ck_assert_int_eq(r.problem_count, 0);
        result_free(&r);
    }
}
END_TEST

START_TEST(a_utf8_byte_order_mark_is_left_out)
{
    expect("\xEF\xBB\xBF" ONE, "A{Name=[one]}");
}
END_TEST

START_TEST(declared_latin_text_is_converted)
{
    expect("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><INSTANCE CLASSNAME=\"A\"><PROPERTY "
           "NAME=\"Name\"><VALUE>M\xFCller"
           "</VALUE></PROPERTY></INSTANCE>",
           "A{Name=[M\xC3\xBCller]}");
}
END_TEST

START_TEST(an_unknown_encoding_is_named_with_the_remedy)
{
    struct result r;

    parse(&r, "<?xml version='1.0' encoding='koi8-r'?>" ONE);
    ck_assert_int_eq(r.rc, ERR_UNSUPPORTED);
    ck_assert_str_eq(r.e.text, "the encoding koi8-r is not known here; save the file as UTF-8");
    ck_assert_int_eq(r.instances, 0);
    result_free(&r);
}
END_TEST

/* ---- harm --------------------------------------------------------------- */

START_TEST(document_types_and_entities_are_refused)
{
    static const char *const bombs[] = {
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;\">]>" ONE,
        "<!DOCTYPE CIM SYSTEM \"file:///etc/passwd\">" ONE,
        "<CIM><!ENTITY a \"b\">" ONE "</CIM>",
        "<INSTANCE CLASSNAME=\"A\"><!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]></INSTANCE>",
    };

    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        struct result r;

        parse(&r, bombs[i]);
        ck_assert_int_eq(r.rc, ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(r.e.text, "a document type or entity declaration is refused"));
        ck_assert_int_eq(r.instances, 0);
        result_free(&r);
    }
}
END_TEST

START_TEST(an_entity_nobody_declared_costs_its_instance_alone)
{
    struct result r;

    parse(&r, "<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"><VALUE>&bomb;</VALUE></PROPERTY></INSTANCE>" TWO);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_str_eq(buf_text(&r.seen), "A{Name=[two]}");
    ck_assert_int_eq(r.problem_count, 1);
    result_free(&r);
}
END_TEST

START_TEST(control_characters_are_replaced_and_not_fatal)
{
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"><VALUE>a\x01!&#2;!&#x0;!\xEF\xBF\xBF!&#xD800;"
           "</VALUE></PROPERTY></INSTANCE>",
           "A{Name=[a" BAD "!" BAD "!" BAD "!" BAD BAD BAD "!" BAD "]}");
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_replaced_and_not_fatal)
{
    expect("<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"><VALUE>\xFF\xC0\xAF\xE2\x82 \xED\xA0\x80 \xE2\x82\xAC"
           "</VALUE></PROPERTY></INSTANCE>" TWO,
           "A{Name=[" BAD BAD BAD BAD BAD " " BAD BAD BAD " \xE2\x82\xAC]}A{Name=[two]}");
}
END_TEST

START_TEST(a_broken_instance_costs_itself_alone)
{
    struct result r;

    parse(&r, "<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"><VALUE>x</PROPERTY></INSTANCE>" ONE TWO);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_str_eq(buf_text(&r.seen), BOTH);
    ck_assert_int_eq(r.problem_count, 1);
    result_free(&r);
}
END_TEST

START_TEST(an_instance_that_is_never_closed_does_not_hide_the_next)
{
    struct result r;

    parse(&r, "<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Name\"><VALUE>x</VALUE></PROPERTY>" ONE TWO);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_str_eq(buf_text(&r.seen), BOTH);
    ck_assert_str_eq(buf_text(&r.problems), "0: the instance is cut\n");
    result_free(&r);
}
END_TEST

START_TEST(a_text_cut_at_any_byte_gives_only_whole_instances)
{
    static const char text[] = "\xEF\xBB\xBF<?xml version=\"1.0\"?><CIM>" ONE "<!-- c -->" TWO "</CIM>";

    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = malloc(len + 1); /* exactly so long, for the sanitizer */
        struct result r;

        memcpy(copy, text, len);
        parse_bytes(&r, copy, len);
        ck_assert_int_eq(r.rc, 0);
        ck_assert_msg(strncmp(BOTH, buf_text(&r.seen), r.seen.len) == 0, "cut at %zu: %s", len, buf_text(&r.seen));
        ck_assert_int_le(r.problem_count, 1);
        result_free(&r);
        free(copy);
    }
}
END_TEST

START_TEST(deep_nesting_is_a_problem_and_nothing_more)
{
    struct buf b;
    struct result r;

    buf_init(&b, 1 << 20);
    buf_str(&b, "<INSTANCE CLASSNAME=\"A\">");
    for (int i = 0; i < 10000; i++)
        buf_str(&b, "<a>");
    for (int i = 0; i < 10000; i++)
        buf_str(&b, "</a>");
    buf_str(&b, "</INSTANCE>" TWO);
    parse_bytes(&r, b.data, b.len);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_str_eq(buf_text(&r.seen), "A{Name=[two]}");
    ck_assert_str_eq(buf_text(&r.problems), "0: elements are nested too deep\n");
    result_free(&r);
    buf_free(&b);
}
END_TEST

START_TEST(nested_and_unclosed_instances_by_the_thousand_end_in_bounded_time)
{
    struct buf b;
    struct result r;

    buf_init(&b, 1 << 22);
    for (int i = 0; i < 100000; i++)
        buf_str(&b, "<INSTANCE CLASSNAME=\"A\">");
    parse_bytes(&r, b.data, b.len);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_int_eq(r.instances, 0);
    ck_assert_int_eq(r.problem_count, CIM_PROBLEMS_MAX);
    result_free(&r);
    buf_free(&b);
}
END_TEST

START_TEST(a_value_of_ten_megabytes_is_cut_and_its_neighbours_are_kept)
{
    struct buf b;
    struct result r;

    buf_init(&b, 1 << 24);
    buf_str(&b, "<INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"Data\"><VALUE>");
    memset(buf_room(&b, 10 << 20), 'x', 10 << 20);
    buf_used(&b, 10 << 20);
    buf_str(&b, "</VALUE></PROPERTY><PROPERTY NAME=\"Name\"><VALUE>n</VALUE></PROPERTY></INSTANCE>" TWO);
    parse_bytes(&r, b.data, b.len);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_int_eq(r.instances, 2);
    ck_assert_uint_eq(r.seen.len, strlen("A{Data=[] Name=[n]}A{Name=[two]}") + CIM_VALUE_MAX);
    result_free(&r);
    buf_free(&b);
}
END_TEST

START_TEST(an_array_of_a_hundred_thousand_is_cut_and_marked)
{
    struct buf b;
    struct result r;

    buf_init(&b, 1 << 23);
    buf_str(&b, "<INSTANCE CLASSNAME=\"A\"><PROPERTY.ARRAY NAME=\"List\"><VALUE.ARRAY>");
    for (int i = 0; i < 100000; i++)
        buf_printf(&b, "<VALUE>%d</VALUE>", i);
    buf_str(&b, "</VALUE.ARRAY></PROPERTY.ARRAY><PROPERTY NAME=\"Name\"><VALUE>n</VALUE></PROPERTY></INSTANCE>");
    parse_bytes(&r, b.data, b.len);
    ck_assert_int_eq(r.instances, 1);
    ck_assert_ptr_nonnull(strstr(buf_text(&r.seen), "[1023]... Name=[n]}"));
    ck_assert_ptr_null(strstr(buf_text(&r.seen), "[1024]"));
    result_free(&r);
    buf_free(&b);
}
END_TEST

START_TEST(an_instance_over_the_ceiling_is_left_and_the_next_is_read)
{
    size_t big = CIM_INSTANCE_MAX;
    struct buf b;
    struct result r;

    buf_init(&b, big + 4096);
    buf_str(&b, "<INSTANCE CLASSNAME=\"A\">");
    memset(buf_room(&b, big), ' ', big);
    buf_used(&b, big);
    buf_str(&b, "</INSTANCE>" TWO);
    parse_bytes(&r, b.data, b.len);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_str_eq(buf_text(&r.seen), "A{Name=[two]}");
    ck_assert_str_eq(buf_text(&r.problems), "0: the instance is too large\n");
    result_free(&r);
    buf_free(&b);
}
END_TEST

START_TEST(repair_leaves_good_text_alone)
{
    static const char good[] = "a\tb\r\nc &#9; &#x20AC; &amp; &#1 \xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80";
    struct buf b;

    buf_init(&b, 4096);
    cim_text_repair(good, sizeof good - 1, &b);
    ck_assert_str_eq(buf_text(&b), good);
    buf_free(&b);
}
END_TEST

/* ---- real items --------------------------------------------------------- */

START_TEST(the_printed_items_of_others_are_read)
{
    static const struct {
        const char *file, *seen;
    } samples[] = {
        { "kvp/item-fqdn-win32docs.xml",
          "Msvm_KvpExchangeDataItem{Data=[AUTOBVT-4OVYXAB] Name=[FullyQualifiedDomainName]}" },
        { "kvp/item-osversion-hsflowd-comment.xml", "Msvm_KvpExchangeDataItem{Data=[6.2.8064] Name=[OSVersion]}" },
        { "kvp/item-rdpaddress-blog.xml", "Msvm_KvpExchangeDataItem{Data=[169.254.103.5] Name=[RDPAddressIPv4]}" },
        { "kvp/item-singleline-fixture.xml", "Msvm_KvpExchangeDataItem{Data=[10.77.0.11] Name=[other.item]}" },
    };

    if (shared_sample(samples[0].file) == NULL)
        skip("no shared samples");
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        size_t len;
        char *text = read_file(shared_sample(samples[i].file), &len);

        expect(text, samples[i].seen);
        free(text);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, instances_stand_one_after_another_without_a_root);
    suite_test(s, instances_are_found_in_a_cim_document);
    suite_test(s, documents_with_declarations_may_follow_each_other);
    suite_test(s, an_empty_text_holds_nothing_and_is_no_problem);
    suite_test(s, an_instance_without_properties_is_one_too);
    suite_test(s, comments_sections_and_quotes_do_not_confuse);
    suite_test(s, text_that_is_no_xml_is_a_problem);
    suite_test(s, properties_come_in_any_order_and_unwanted_ones_are_left);
    suite_test(s, null_and_the_empty_string_are_told_apart);
    suite_test(s, arrays_keep_their_order_their_empty_and_their_null_elements);
    suite_test(s, values_of_qualifiers_references_and_nested_instances_are_not_taken);
    suite_test(s, of_two_properties_with_one_name_the_first_counts);
    suite_test(s, embedded_xml_is_unescaped_once_and_can_be_parsed_again);
    suite_test(s, a_parser_is_used_again_and_again);
    suite_test(s, utf16_of_both_orders_is_read_with_and_without_its_mark);
    suite_test(s, a_utf8_byte_order_mark_is_left_out);
    suite_test(s, declared_latin_text_is_converted);
    suite_test(s, an_unknown_encoding_is_named_with_the_remedy);
    suite_test(s, document_types_and_entities_are_refused);
    suite_test(s, an_entity_nobody_declared_costs_its_instance_alone);
    suite_test(s, control_characters_are_replaced_and_not_fatal);
    suite_test(s, bytes_that_are_no_utf8_are_replaced_and_not_fatal);
    suite_test(s, a_broken_instance_costs_itself_alone);
    suite_test(s, an_instance_that_is_never_closed_does_not_hide_the_next);
    suite_test(s, a_text_cut_at_any_byte_gives_only_whole_instances);
    suite_test(s, deep_nesting_is_a_problem_and_nothing_more);
    suite_test(s, nested_and_unclosed_instances_by_the_thousand_end_in_bounded_time);
    suite_test(s, a_value_of_ten_megabytes_is_cut_and_its_neighbours_are_kept);
    suite_test(s, an_array_of_a_hundred_thousand_is_cut_and_marked);
    suite_test(s, an_instance_over_the_ceiling_is_left_and_the_next_is_read);
    suite_test(s, repair_leaves_good_text_alone);
    suite_test(s, the_printed_items_of_others_are_read);
}

int main(void)
{
    return suite_main("collectors: CIM XML", add);
}
