/* The plain part of XML: what is taken, what it says, and what is left to expat. */
#include "base/buf.h"
#include "collectors/xml_scan.h"
#include "tests/support/suite.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

/* Calls as one text: "(name|attribute=value|" "[text]" ")"; texts in a row are one. */
static struct buf told;
static bool in_text;

static void no_text(void)
{
    if (in_text)
        buf_char(&told, ']');
    in_text = false;
}

static void on_start(void *arg, const char *name, const char **attributes)
{
    (void)arg;
    no_text();
    buf_printf(&told, "(%s|", name);
    for (; attributes[0] != NULL; attributes += 2)
        buf_printf(&told, "%s=%s|", attributes[0], attributes[1]);
}

static void on_end(void *arg)
{
    (void)arg;
    no_text();
    buf_char(&told, ')');
}

static void XMLCALL on_expat_end(void *arg, const char *name)
{
    (void)name;
    on_end(arg);
}

static void on_text(void *arg, const char *text, int len)
{
    (void)arg;
    if (len > 0 && !in_text) {
        buf_char(&told, '[');
        in_text = true;
    }
    buf_add(&told, text, (size_t)len);
}

static void fresh(void)
{
    free(told.data);
    buf_init(&told, 1024 * 1024);
    in_text = false;
}

static bool scan_n(const char *xml, size_t len)
{
    static const struct xml_scan_handler h = { .start = on_start, .end = on_end, .text = on_text };
    struct xml_scan *s = xml_scan_new(1024 * 1024);
    char *copy = malloc(len + 1); /* so that a read past the end is seen */
    bool taken;

    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, xml, len);
    fresh();
    taken = xml_scan(s, copy, len, &h);
    free(copy);
    xml_scan_free(s);
    return taken;
}

static bool scan(const char *xml)
{
    return scan_n(xml, strlen(xml));
}

/* What expat says of it, in told; false when it refuses. */
static bool read_with_expat(const char *xml)
{
    XML_Parser expat = XML_ParserCreate("UTF-8");
    bool good;

    fresh();
    XML_SetElementHandler(expat, on_start, on_expat_end);
    XML_SetCharacterDataHandler(expat, on_text);
    good = XML_Parse(expat, xml, (int)strlen(xml), XML_TRUE) == XML_STATUS_OK;
    XML_ParserFree(expat);
    return good;
}

static const char *const plain[] = {
    "<a/>",
    "<a></a>",
    " \r\n<a />\n",
    "<a>x<b c='1' d=\"2\"/>y</a >",
    "<a>one\r\ntwo\rthree\n\ttabs</a>",
    "<a>&lt;&gt;&amp;&quot;&apos;&#13;&#10;&#x41;&#x4a;</a>",
    "<a b='&lt;&quot;&#9;' c=\"it's\" d='\"'/>",
    "<a b = '1'\r\n\tc='2'>t</a>",
    "<ns:a-b.c_d>]] ]> > ' \" ]]</ns:a-b.c_d>",
    "<a b='\xC3\xA4\xE2\x82\xAC'>\xC3\xA4\xE2\x82\xAC\xF0\x9F\x92\xA9\x7F\xED\x9F\xBF\xEE\x80\x80</a>",
    "<a><b><a>deep</a></b><b/></a>",
    "<a>]</a>",
    "<a>x\r</a>",
    "<a>&#x4A;&#x5a;&#x7e;</a>",
    "<a>\xEF\xBF\xBD\xEF\xBE\xBE\xE0\xA0\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF</a>",
};

START_TEST(the_plain_part_says_what_expat_says)
{
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        char *ours;

        ck_assert_msg(scan(plain[i]), "declined: %s", plain[i]);
        ours = strdup(buf_text(&told));
        ck_assert_msg(read_with_expat(plain[i]), "expat refuses: %s", plain[i]);
        ck_assert_str_eq(ours, buf_text(&told));
        free(ours);
    }
    buf_free(&told);
}
END_TEST

static const char *const not_plain[] = {
    "<?xml version='1.0'?><a/>",
    "\xEF\xBB\xBF<a/>",
    "<!DOCTYPE a><a/>",
    "<a><!-- c --></a>",
    "<a><![CDATA[x]]></a>",
    "<a><?p i?></a>",
    "<\xC3\xA4/>",
    "<a b='1\t2'/>",
    "<a>&#228;</a>",
    "<a>&#xE4;</a>",
    "<a a1='' a2='' a3='' a4='' a5='' a6='' a7='' a8='' a9=''/>",
};

START_TEST(what_expat_alone_knows_is_left_to_it)
{
    for (size_t i = 0; i < sizeof not_plain / sizeof not_plain[0]; i++) {
        ck_assert_msg(read_with_expat(not_plain[i]), "expat refuses: %s", not_plain[i]);
        ck_assert_msg(!scan(not_plain[i]), "taken: %s", not_plain[i]);
    }
    buf_free(&told);
}
END_TEST

static const char *const broken[] = {
    "",
    " ",
    "<",
    "<a",
    "<a>",
    "<a/",
    "<a /x>",
    "</a>",
    "<a></b>",
    "<a></ab>",
    "<ab></a>",
    "<a/><b/>",
    "<a/>text",
    "text<a/>",
    "<a b/>",
    "<a b=/>",
    "<a b='/>",
    "<a b='1'c='2'/>",
    "<a b='1' b='2'/>",
    "<a b='<'/>",
    "<a b='&'/>",
    "<a b='&lt'/>",
    "<a>&nbsp;</a>",
    "<a>&lt</a>",
    "<a>&#;</a>",
    "<a>&#x;</a>",
    "<a>&#0;</a>",
    "<a>&#11;</a>",
    "<a>&#1F;</a>",
    "<a>&#X41;</a>",
    "<a>&# 65;</a>",
    "<a>&</a>",
    "<a>&lx;</a>",
    "<a>&gx;</a>",
    "<a>&quo;</a>",
    "<a>&apo;</a>",
    "<a>&ampx;</a>",
    "<a>&xyz;</a>",
    "<a>&#65</a>",
    "<a>&#xg;</a>",
    "<a>&#xG;</a>",
    "<a>&#x`;</a>",
    "<a>&#x@;</a>",
    "<a>&#1a;</a>",
    "<a>\xE2\x28\xA1</a>",
    "<a>\xC3(</a>",
    "<a>\xEF\xBF\xBF</a>",
    "<a b=c/>",
    "<a>]]></a>",
    "<a>\x01</a>",
    "<a>\xC0\x80</a>",
    "<a>\xE0\x80\x80</a>",
    "<a>\xED\xA0\x80</a>",
    "<a>\xEF\xBF\xBE</a>",
    "<a>\xF0\x80\x80\x80</a>",
    "<a>\xF4\x90\x80\x80</a>",
    "<a>\xC3</a>",
    "<a b='\x80'/>",
    "< a/>",
    "<1/>",
};

START_TEST(what_expat_refuses_is_never_taken)
{
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        ck_assert_msg(!read_with_expat(broken[i]), "expat takes: %s", broken[i]);
        ck_assert_msg(!scan(broken[i]), "taken: %s", broken[i]);
    }
    buf_free(&told);
}
END_TEST

START_TEST(a_text_that_is_cut_anywhere_is_declined)
{
    static const char xml[] = "<a b='&lt;x' c=\"y\"><d>1 &amp; \xC3\xA4\r\n</d><e/>]]</a>";

    for (size_t n = 0; n < sizeof xml - 1; n++)
        ck_assert_msg(!scan_n(xml, n), "taken when cut at %zu", n);
    ck_assert(scan(xml));
    buf_free(&told);
}
END_TEST

static void nest(struct buf *b, int depth)
{
    buf_clear(b);
    for (int i = 0; i < depth; i++)
        buf_str(b, "<n>");
    for (int i = 0; i < depth; i++)
        buf_str(b, "</n>");
}

START_TEST(depth_and_tags_have_their_limits)
{
    struct buf b;

    buf_init(&b, 64 * 1024);
    nest(&b, XML_SCAN_DEPTH_MAX);
    ck_assert(scan(buf_text(&b)));
    nest(&b, XML_SCAN_DEPTH_MAX + 1);
    ck_assert(!scan(buf_text(&b)));
    for (int i = XML_SCAN_TAG_MAX - 16; i < XML_SCAN_TAG_MAX + 16; i++) {
        buf_clear(&b);
        buf_printf(&b, "<a b='%0*d'/>", i, 0);
        ck_assert_int_eq(scan(buf_text(&b)), i <= XML_SCAN_TAG_MAX - 7);
    }
    buf_free(&b);
    buf_free(&told);
}
END_TEST

START_TEST(a_zero_byte_is_no_text)
{
    static const char xml[] = "<a>x\0y</a>";

    ck_assert(!scan_n(xml, sizeof xml - 1));
    buf_free(&told);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_plain_part_says_what_expat_says);
    suite_test(s, what_expat_alone_knows_is_left_to_it);
    suite_test(s, what_expat_refuses_is_never_taken);
    suite_test(s, a_text_that_is_cut_anywhere_is_declined);
    suite_test(s, depth_and_tags_have_their_limits);
    suite_test(s, a_zero_byte_is_no_text);
}

int main(void)
{
    return suite_main("collectors: the plain part of XML", add);
}
