/* An incident's own words and bounds. */
#include "incidents/incident.h"
#include "incidents/json_fields.h"
#include "tests/support/suite.h"

#include <string.h>

START_TEST(the_headline_says_what_is_known)
{
    struct incident *i = incident_new();
    char text[INCIDENT_HEADLINE_MAX];

    i->kind = INCIDENT_WATCHDOG;
    incident_headline(i, text, sizeof text);
    ck_assert_str_eq(text, "watchdog");
    i->kind = INCIDENT_LINUX_PANIC;
    incident_headline(i, text, sizeof text);
    ck_assert_str_eq(text, "Linux panic");
    i->linux_panic.version = "6.6.87";
    incident_headline(i, text, sizeof text);
    ck_assert_str_eq(text, "Linux 6.6.87 panic");
    i->bugcheck.known = true;
    i->bugcheck.code = 0xA0000001;
    incident_headline(i, text, sizeof text);
    ck_assert_str_eq(text, "0xa0000001");
    i->bugcheck.name = "UNKNOWN";
    incident_headline(i, text, sizeof text);
    ck_assert_str_eq(text, "0xa0000001 UNKNOWN");
    incident_free(i);
    incident_free(NULL);
}
END_TEST

START_TEST(whose_a_module_is_goes_by_what_is_blamed_and_by_its_name)
{
    static const struct {
        const char *kind, *module;
        enum incident_origin origin;
    } rows[] = {
        { "hardware", "evil.sys", ORIGIN_HARDWARE },
        { "memory", "", ORIGIN_HARDWARE },
        { "driver", "", ORIGIN_UNKNOWN },
        { "driver", "storvsc.sys", ORIGIN_MICROSOFT },
        { "driver", "ndis.sys", ORIGIN_MICROSOFT },
        { "driver", "evil.sys", ORIGIN_THIRD_PARTY },
        { "", "evil.sys", ORIGIN_THIRD_PARTY },
    };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        ck_assert_msg(incident_origin_of(rows[n].kind, rows[n].module) == rows[n].origin, "%s %s", rows[n].kind,
                      rows[n].module);
}
END_TEST

START_TEST(the_seventeenth_line_is_left_out_and_said)
{
    struct incident *i = incident_new();

    for (int n = 0; n < INCIDENT_LINES_MAX; n++)
        incident_line(i, &i->notes, "a line");
    ck_assert(!i->cut);
    incident_line(i, &i->notes, "one more");
    ck_assert(i->cut);
    ck_assert_int_eq(i->notes.count, INCIDENT_LINES_MAX);
    incident_free(i);
}
END_TEST

START_TEST(a_text_that_does_not_fit_the_incident_is_empty_and_said)
{
    struct incident *i = incident_new();
    char text[INCIDENT_TEXT_MAX];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_str_eq(incident_text(i, NULL), "");
    ck_assert(!i->cut);
    for (int n = 0; n < 2 * INCIDENT_BYTES_MAX / INCIDENT_TEXT_MAX && !i->cut; n++)
        ck_assert_str_eq(incident_text(i, text), i->cut ? "" : text);
    ck_assert(i->cut);
    ck_assert_str_eq(incident_text(i, text), "");
    incident_free(i);
}
END_TEST

START_TEST(a_string_of_json_can_hold_any_byte)
{
    struct buf b;

    buf_init(&b, 64);
    field_string(&b, "a\x01\"\\\n\xc3\xa4");
    ck_assert_str_eq(buf_text(&b), "\"a\\u0001\\\"\\\\\\u000a\xc3\xa4\"");
    buf_free(&b);
    buf_init(&b, 64);
    field_string(&b, "");
    ck_assert_str_eq(buf_text(&b), "\"\"");
    field_string(&b, "ends\"");
    ck_assert_str_eq(buf_text(&b), "\"\"\"ends\\\"\"");
    buf_free(&b);
}
END_TEST

START_TEST(more_rows_than_the_incident_has_room_for_are_an_error)
{
    struct incident *i = incident_new();
    json_t *root = json_pack("{s:[{}]}", "rows");
    struct holder {
        struct incident_entry *rows;
        int count;
    } holder = { NULL, 0 };
    static const struct field_shape row = { NULL, 0, sizeof(struct incident_entry), NULL };
    const struct field fields[] = { { "rows", FIELD_ROWS, offsetof(struct holder, rows), &row, NULL, 0,
                                      offsetof(struct holder, count), 5 } };
    const struct field_shape shape = { fields, 1, sizeof holder, NULL };
    struct err e = { 0 };

    i->arena.max = 16;
    ck_assert_int_eq(fields_read(i, &shape, root, &holder, &e), ERR_TOO_BIG);
    ck_assert_str_eq(e.text, "rows: the incident is larger than any of ours");
    json_decref(root);
    incident_free(i);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_headline_says_what_is_known);
    suite_test(s, whose_a_module_is_goes_by_what_is_blamed_and_by_its_name);
    suite_test(s, the_seventeenth_line_is_left_out_and_said);
    suite_test(s, a_text_that_does_not_fit_the_incident_is_empty_and_said);
    suite_test(s, a_string_of_json_can_hold_any_byte);
    suite_test(s, more_rows_than_the_incident_has_room_for_are_an_error);
}

int main(void)
{
    return suite_main("incidents: one incident", add);
}
