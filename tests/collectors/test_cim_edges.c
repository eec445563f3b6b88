/* CIM XML at its edges: elements where none belong, characters and encodings that are almost right, cuts in cuts, and
 * so much text that the parser is set up anew.
 */
#include "base/buf.h"
#include "collectors/cim_text.h"
#include "collectors/cim_xml.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#define IN(rest)   "<INSTANCE CLASSNAME=\"A\">" rest "</INSTANCE>"
#define NAME(rest) "<PROPERTY NAME=\"Name\">" rest "</PROPERTY>"
#define LIST(rest) "<PROPERTY.ARRAY NAME=\"List\">" rest "</PROPERTY.ARRAY>"

static const char *const wanted[] = { "Name", "List", NULL };

static struct buf seen; /* "A{Name=[one]}", and problems as "!24: words " */
static struct err why;
static int instances;

static void note_instance(void *arg, const struct cim_instance *in)
{
    (void)arg;
    instances++;
    buf_printf(&seen, "%s{", in->class_name);
    for (int i = 0; i < in->count; i++) {
        buf_printf(&seen, "%s%s=", i > 0 ? " " : "", in->properties[i].name);
        for (int v = 0; v < in->properties[i].count; v++)
            buf_printf(&seen, in->properties[i].values[v].null ? "(null)" : "[%.40s]",
                       in->properties[i].values[v].text);
    }
    buf_str(&seen, "}");
    ck_assert_str_eq(cim_text(in, "Nowhere"), "");
}

static void note_problem(void *arg, size_t offset, const char *what)
{
    (void)arg;
    buf_printf(&seen, "!%zu: %s ", offset, what);
}

static bool (*take_item)(const char *text, size_t len, struct cim_item *out);

static int parse_with(struct cim_parser *p, const char *xml, size_t len)
{
    struct cim_handler h = { .instance = note_instance, .problem = note_problem, .item = take_item, .wanted = wanted };

    free(seen.data);
    buf_init(&seen, 1 << 20);
    instances = 0;
    return cim_parse(p, xml, len, &h, &why);
}

static int parse_n(const char *xml, size_t len)
{
    struct cim_parser *p = NULL;
    int rc;

    ck_assert_int_eq(cim_parser_new(&p, NULL), 0);
    rc = parse_with(p, xml, len);
    cim_parser_free(p);
    return rc;
}

/* ---- what stands where nothing belongs --------------------------------------------- */

static const struct {
    const char *xml, *seen;
} texts[] = {
    /* by the plain reader, and with a comment in it by expat */
    { IN(NAME("<VALUE>a<b>x</b>c</VALUE>")), "A{Name=[ac]}" },
    { IN("<!-- -->" NAME("<VALUE>a<b>x</b>c</VALUE>")), "A{Name=[ac]}" },
    { IN(LIST("<VALUE.ARRAY><VALUE>a<b>x</b></VALUE><X>y</X><VALUE.NULL/></VALUE.ARRAY>")), "A{List=[a](null)}" },
    { IN("<!-- -->" LIST("<VALUE.ARRAY><VALUE>a</VALUE><X>y</X></VALUE.ARRAY>")), "A{List=[a]}" },
    { IN(LIST("<VALUE>a</VALUE>")), "A{List=}" },
    { IN(NAME("<VALUE.ARRAY><VALUE>a</VALUE></VALUE.ARRAY>")), "A{Name=}" },
    { IN(NAME("<VALUE>a</VALUE><VALUE>b</VALUE>")), "A{Name=[a]}" },
    { IN("<PROPERTY TYPE=\"string\"><VALUE>a</VALUE></PROPERTY>" NAME("")), "A{Name=}" },
    { "<INSTANCE X=\"1\"\tCLASSNAME=\"B\" Y=\"2\"></INSTANCE>", "B{}" },
    { "<INSTANCE X=\"1\"/>", "{}" },
    { "<INSTANCES CLASSNAME=\"B\"/>", "" },
    { IN("<!xx>"), "!0: not well-formed (invalid token) " },
    /* empty and unended ones, alone and in another */
    { IN("<X><INSTANCE CLASSNAME=\"B\"/></X>"), "A{}" },
    { "<INSTANCE CLASSNAME=\"A", "!0: the instance is cut " },
    { "<INSTANCE CLASSNAME=\"A\"><INSTANCE CLASSNAME='B", "!0: the instance is cut !24: the instance is cut " },
    { "</INSTANCE>" IN(""), "A{}" },
};

START_TEST(an_element_is_taken_where_it_belongs_and_skipped_elsewhere)
{
    ck_assert_int_eq(parse_n(texts[_i].xml, strlen(texts[_i].xml)), 0);
    ck_assert_str_eq(buf_text(&seen), texts[_i].seen);
}
END_TEST

START_TEST(a_zero_byte_behind_a_name_makes_it_none)
{
    static const char xml[] = "<INSTANCE\0CLASSNAME=\"A\"/>" IN("<!\0DOCTYPE x>");

    ck_assert_int_eq(parse_n(xml, sizeof xml - 1), 0);
    ck_assert_str_eq(buf_text(&seen), "!25: not well-formed (invalid token) ");
}
END_TEST

START_TEST(zero_bytes_and_blanks_alone_are_nothing)
{
    ck_assert_int_eq(parse_n("\0\0 \t\r\n\0", 7), 0);
    ck_assert_str_eq(buf_text(&seen), "");
    ck_assert_int_eq(parse_n("\0\0 x\0", 5), 0);
    ck_assert_str_eq(buf_text(&seen), "!0: this is no CIM XML ");
}
END_TEST

START_TEST(a_text_over_the_limit_is_not_looked_at)
{
    ck_assert_int_eq(parse_n("", (size_t)CIM_TEXT_MAX + 1), ERR_TOO_BIG);
    ck_assert_str_eq(why.text, "the text is larger than 256 MiB");
}
END_TEST

/* ---- encodings ----------------------------------------------------------------------- */

static const struct {
    const char *xml;
    size_t len;
    int rc;
} encodings[] = {
#define BYTES(text) text, sizeof(text) - 1
    { BYTES("<?xml version='1.0' encoding=latin?>" IN("")), 0 }, /* no quotes: not declared */
    { BYTES("<?xml version='1.0'?>" IN("")), 0 },
    { BYTES("<?xml encoding='WINDOWS-1252'?>" IN("")), 0 },
    { BYTES("<?xml encoding='utf-7'?>" IN("")), ERR_UNSUPPORTED },
    { BYTES("\n\0<\0I\0N\0S\0T\0A\0N\0C\0E\0 \0C\0L\0A\0S\0S\0N\0A\0M\0E\0=\0'\0A\0'\0/\0>\0"), 0 },
    { BYTES("\0\n\0<\0I\0N\0S\0T\0A\0N\0C\0E\0 \0C\0L\0A\0S\0S\0N\0A\0M\0E\0=\0'\0A\0'\0/\0>"), 0 },
};

START_TEST(an_encoding_is_what_is_declared_or_seen)
{
    ck_assert_int_eq(parse_n(encodings[_i].xml, encodings[_i].len), encodings[_i].rc);
    ck_assert_str_eq(buf_text(&seen), encodings[_i].rc == 0 ? "A{}" : "");
}
END_TEST

START_TEST(a_declaration_without_an_end_hides_the_rest)
{
    static const char xml[] = "<?xml encoding='koi8-r' " IN("");

    ck_assert_int_eq(parse_n(xml, sizeof xml - 1), 0);
    ck_assert_str_eq(buf_text(&seen), "");
}
END_TEST

START_TEST(two_bytes_that_are_no_character_of_xml_are_no_utf16)
{
    struct buf scratch;
    const char *out;
    size_t len;

    buf_init(&scratch, 64);
    ck_assert_int_eq(cim_text_utf8("\0\0<", 3, &scratch, &out, &len, NULL), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(cim_text_utf8("\0a<", 3, &scratch, &out, &len, NULL), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(cim_text_utf8("a\0<", 3, &scratch, &out, &len, NULL), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(cim_text_utf8("<", 1, &scratch, &out, &len, NULL), 0);
    ck_assert_uint_eq(len, 1);
    buf_free(&scratch);
}
END_TEST

START_TEST(text_that_does_not_fit_when_it_is_converted_is_refused)
{
    static const char wide[] = "<\0a\0>\0b\0<\0/\0a\0>\0";
    static const char latin[] = "<?xml encoding='latin1'?><a>\xE4\xF6\xFC</a>";
    static const char iso[] = "<?xml encoding='ISO-8859-1'?><a>\xE4\xF6\xFC</a>";
    struct buf scratch;
    const char *out;
    size_t len;

    buf_init(&scratch, sizeof wide - 2);
    ck_assert_int_eq(cim_text_utf8(wide, sizeof wide - 1, &scratch, &out, &len, &why), ERR_TOO_BIG);
    ck_assert_str_eq(why.text, "the text is larger than 15 bytes");
    buf_free(&scratch);
    buf_init(&scratch, sizeof wide - 1);
    ck_assert_int_eq(cim_text_utf8(wide, sizeof wide - 1, &scratch, &out, &len, &why), 0);
    ck_assert_str_eq(out, "<a>b</a>");
    ck_assert_int_eq(cim_text_utf8(latin, sizeof latin - 1, &scratch, &out, &len, &why), ERR_UNSUPPORTED);
    buf_free(&scratch);
    buf_init(&scratch, sizeof iso - 1 + 2); /* three letters take a byte more each */
    ck_assert_int_eq(cim_text_utf8(iso, sizeof iso - 1, &scratch, &out, &len, &why), ERR_TOO_BIG);
    buf_free(&scratch);
    buf_init(&scratch, sizeof iso - 1 + 3);
    ck_assert_int_eq(cim_text_utf8(iso, sizeof iso - 1, &scratch, &out, &len, &why), 0);
    ck_assert_uint_eq(len, sizeof iso - 1 + 3);
    buf_free(&scratch);
}
END_TEST

/* ---- characters ---------------------------------------------------------------------- */

#define BAD "\xEF\xBF\xBD"

static const struct {
    const char *text, *repaired; /* NULL: as it was */
} characters[] = {
    { "\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBD\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", NULL },
    { "\xED\xA0\x80", BAD BAD BAD },                         /* half of a pair */
    { "\xEF\xBF\xBE\xEF\xBF\xBF", BAD BAD BAD BAD BAD BAD }, /* U+FFFE, U+FFFF */
    { "\xF4\x90\x80\x80", BAD BAD BAD BAD },                 /* beyond the last */
    { "\xE0\x80\x80", BAD BAD BAD },                         /* longer than need be */
    { "\xE2\x82", BAD BAD },                                 /* cut */
    { "\xE2\x28\xA1", BAD "(" BAD },
    { "\x01\x08\x0B\x1F", BAD BAD BAD BAD },
    { "&#9;&#xA;&#xd;&#x20;&#xD7ff;&#xE000;&#xFFFD;&#x10000;&#x10fFfF;", NULL },
    { "&#8;|&#x1F;|&#xD800;|&#xfffe;|&#x110000;|&#0;", BAD "|" BAD "|" BAD "|" BAD "|" BAD "|" BAD },
    { "&#x11000000000000000000;", BAD },
    { "&#;", BAD },
    { "&#1a;&#xG;&#x@;&#x`;&#x/;&#x:;&#-1;", NULL }, /* no references: expat has its own words for them */
    { "&#", NULL },
    { "&#x", NULL },
    { "&#1", NULL },
    { "&", NULL },
};

START_TEST(characters_that_xml_does_not_know_are_replaced)
{
    const char *text = characters[_i].text;
    struct buf out;

    buf_init(&out, 4096);
    cim_text_repair(text, strlen(text), &out);
    ck_assert_str_eq(buf_text(&out), characters[_i].repaired != NULL ? characters[_i].repaired : text);
    buf_free(&out);
}
END_TEST

/* ---- much ----------------------------------------------------------------------------- */

START_TEST(a_parser_that_has_read_megabytes_is_set_up_anew_and_reads_on)
{
    enum { INSTANCES = 12, VALUE = 512 * 1024 };
    struct cim_parser *p = NULL;
    struct buf xml;

    ck_assert_int_eq(cim_parser_new(&p, NULL), 0);
    buf_init(&xml, 16 << 20);
    for (int i = 0; i < INSTANCES; i++)
        buf_printf(&xml, "<INSTANCE CLASSNAME=\"A%d\"><!-- %0*d -->" NAME("<VALUE>x</VALUE>") "</INSTANCE>", i, VALUE,
                   i);
    ck_assert_int_eq(buf_error(&xml), ERR_OK);
    ck_assert_int_eq(parse_with(p, xml.data, xml.len), 0);
    ck_assert_int_eq(instances, INSTANCES);
    ck_assert_ptr_nonnull(strstr(buf_text(&seen), "A11{Name=[x]}"));
    ck_assert_ptr_null(strchr(buf_text(&seen), '!'));
    buf_free(&xml);
    cim_parser_free(p);
}
END_TEST

static bool too_long_an_item(const char *text, size_t len, struct cim_item *out)
{
    (void)text;
    *out = (struct cim_item){ .decoded_len = len < 5 ? len : CIM_VALUE_MAX + 1 };
    return true;
}

START_TEST(an_item_over_the_limit_of_a_value_is_read_as_one)
{
    static const char xml[] = IN(LIST("<VALUE.ARRAY><VALUE>longer</VALUE></VALUE.ARRAY>"));

    take_item = too_long_an_item;
    ck_assert_int_eq(parse_n(xml, sizeof xml - 1), 0);
    ck_assert_str_eq(buf_text(&seen), "A{List=[longer]}");
}
END_TEST

static void add_each(Suite *s, const TTest *test, size_t count)
{
    tcase_add_loop_test(suite_case(s, test->name), test, 0, (int)count);
}

static void add(Suite *s)
{
    add_each(s, an_element_is_taken_where_it_belongs_and_skipped_elsewhere, sizeof texts / sizeof texts[0]);
    suite_test(s, a_zero_byte_behind_a_name_makes_it_none);
    suite_test(s, zero_bytes_and_blanks_alone_are_nothing);
    suite_test(s, a_text_over_the_limit_is_not_looked_at);
    add_each(s, an_encoding_is_what_is_declared_or_seen, sizeof encodings / sizeof encodings[0]);
    suite_test(s, a_declaration_without_an_end_hides_the_rest);
    suite_test(s, two_bytes_that_are_no_character_of_xml_are_no_utf16);
    suite_test(s, text_that_does_not_fit_when_it_is_converted_is_refused);
    add_each(s, characters_that_xml_does_not_know_are_replaced, sizeof characters / sizeof characters[0]);
    suite_test(s, a_parser_that_has_read_megabytes_is_set_up_anew_and_reads_on);
    suite_test(s, an_item_over_the_limit_of_a_value_is_read_as_one);
}

int main(void)
{
    return suite_main("collectors: the edges of CIM XML", add);
}
