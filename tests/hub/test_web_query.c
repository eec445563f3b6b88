/* What pages are asked for, and the addresses that are made of it. */
#include "base/text.h"
#include "hub/web_html.h"
#include "hub/web_query.h"
#include "tests/support/suite.h"

#include <string.h>

static const char *address_of(const struct web_query *q)
{
    static char text[4096];
    struct buf out;

    buf_init(&out, sizeof text - 1);
    web_query_address(q, &out);
    ck_assert_int_eq(buf_error(&out), ERR_OK);
    text_copy(text, sizeof text, buf_text(&out));
    buf_free(&out);
    return text;
}

static struct web_query asked(enum web_page page, const char *name)
{
    struct web_query q;

    ck_assert(web_query_init(&q, page, name));
    return q;
}

START_TEST(a_name_is_percent_encoded_in_its_address)
{
    struct web_query q = asked(WEB_CLUSTER, "A/B \"<b>&?#%41 ü");

    ck_assert_str_eq(address_of(&q), "/cluster/A%2FB%20%22%3Cb%3E%26%3F%23%2541%20%C3%BC");
}
END_TEST

START_TEST(pages_without_a_subject_have_none_in_their_address)
{
    struct web_query fleet = asked(WEB_FLEET, ""), guests = asked(WEB_GUESTS, ""), alone = asked(WEB_CLUSTER, "");

    ck_assert_str_eq(address_of(&fleet), "/");
    ck_assert_str_eq(address_of(&guests), "/guests");
    ck_assert_str_eq(address_of(&alone), "/cluster/");
}
END_TEST

START_TEST(every_parameter_comes_back_in_the_address)
{
    static const char *const set[][2] = {
        { "state", "behind" }, { "q", "sql&<" }, { "os", "2012 R2" }, { "version", "6.3" }, { "sort", "since" },
        { "order", "desc" },   { "page", "3" },  { "hosts", "2" },    { "format", "csv" },
    };
    struct web_query q = asked(WEB_CLUSTER, "P");

    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        ck_assert_ptr_null(web_query_set(&q, set[i][0], set[i][1]));
    ck_assert_str_eq(address_of(&q), "/cluster/P?state=behind&amp;q=sql%26%3C&amp;os=2012%20R2&amp;version=6.3"
                                     "&amp;sort=since&amp;order=desc&amp;page=3&amp;hosts=2&amp;format=csv");
}
END_TEST

START_TEST(an_empty_value_is_as_if_it_were_absent)
{
    static const char *const keys[] = { "state", "q", "os", "version", "sort", "order", "page", "hosts", "format" };
    struct web_query q = asked(WEB_GUESTS, "");

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        ck_assert_ptr_null(web_query_set(&q, keys[i], ""));
    ck_assert(!web_query_filters(&q));
    ck_assert_str_eq(address_of(&q), "/guests");
}
END_TEST

START_TEST(what_can_not_be_read_says_what_to_write)
{
    static const char *const wrong[][2] = {
        { "state", "drifted" }, { "sort", "colour" },  { "order", "up" },   { "page", "0" },
        { "page", "-1" },       { "page", "1000001" }, { "page", "1e3" },   { "hosts", "x" },
        { "format", "xml" },    { "colour", "red" },   { "order", "DESC" }, { "page", "99999999999999999999" },
    };
    struct web_query q = asked(WEB_GUESTS, "");

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(web_query_set(&q, wrong[i][0], wrong[i][1]) != NULL, "%s=%s is taken", wrong[i][0], wrong[i][1]);
}
END_TEST

START_TEST(pages_that_list_no_guests_have_no_csv)
{
    struct web_query fleet = asked(WEB_FLEET, ""), host = asked(WEB_HOST, "h");

    ck_assert_ptr_nonnull(web_query_set(&fleet, "format", "csv"));
    ck_assert_ptr_null(web_query_set(&host, "format", "csv"));
}
END_TEST

START_TEST(a_name_that_is_too_long_is_no_subject)
{
    char name[WEB_NAME_MAX + 1];
    struct web_query q;

    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    ck_assert(!web_query_init(&q, WEB_HOST, name));
    name[sizeof name - 2] = '\0';
    ck_assert(web_query_init(&q, WEB_HOST, name));
}
END_TEST

START_TEST(what_an_address_brings_is_made_valid_text)
{
    struct web_query q = asked(WEB_HOST, "a\xFF\n\xE2\x80\xAEz");

    ck_assert_str_eq(q.name, "a\xEF\xBF\xBD \xEF\xBF\xBDz");
    ck_assert_ptr_null(web_query_set(&q, "q", "\x1b[31m"));
    ck_assert_str_eq(q.text, "\xEF\xBF\xBD[31m");
}
END_TEST

START_TEST(text_is_escaped_for_elements_and_attributes)
{
    struct buf out;

    buf_init(&out, 4096);
    web_text(&out, "a<b>&\"c'\x01\x7f\n");
    ck_assert_str_eq(buf_text(&out), "a&lt;b&gt;&amp;&quot;c&#39;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    buf_free(&out);
}
END_TEST

START_TEST(a_page_past_the_end_is_empty)
{
    ck_assert_uint_eq(web_page_span(250, 1).count, 100);
    ck_assert_uint_eq(web_page_span(250, 3).first, 200);
    ck_assert_uint_eq(web_page_span(250, 3).count, 50);
    ck_assert_uint_eq(web_page_span(250, 4).count, 0);
    ck_assert_uint_eq(web_page_span(0, 1).count, 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_name_is_percent_encoded_in_its_address);
    suite_test(s, pages_without_a_subject_have_none_in_their_address);
    suite_test(s, every_parameter_comes_back_in_the_address);
    suite_test(s, an_empty_value_is_as_if_it_were_absent);
    suite_test(s, what_can_not_be_read_says_what_to_write);
    suite_test(s, pages_that_list_no_guests_have_no_csv);
    suite_test(s, a_name_that_is_too_long_is_no_subject);
    suite_test(s, what_an_address_brings_is_made_valid_text);
    suite_test(s, text_is_escaped_for_elements_and_attributes);
    suite_test(s, a_page_past_the_end_is_empty);
}

int main(void)
{
    return suite_main("hub: web query", add);
}
