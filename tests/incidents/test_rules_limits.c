/* Rules files at their bounds: each limit met and passed, values of the wrong shape, files that can not be read. */
#include "incidents/rules.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buf problems, yaml;

static void begin(void)
{
    buf_init(&problems, 1024 * 1024);
    buf_init(&yaml, 1024 * 1024);
}

static void end(void)
{
    buf_free(&problems);
    buf_free(&yaml);
}

static int parse(struct rules **out)
{
    int rc = rules_parse("mine.yaml", yaml.data, yaml.len, out, &problems);

    ck_assert_int_eq(rc == 0, *out != NULL);
    return rc;
}

/* A whole rule whose conditions, and what is after them, are given. */
static void put_rule(const char *id, const char *needs, const char *rest)
{
    if (yaml.len == 0)
        buf_str(&yaml, "rules:\n");
    buf_printf(&yaml,
               "  - id: %s\n    title: t\n    text: t\n    action: a\n    confidence: low\n    reason: r\n"
               "    needs: %s\n%s",
               id, needs, rest);
}

static int lines(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* What is written is refused, in one line that says this. */
static void check_refused(const char *says)
{
    struct rules *r;

    ck_assert_int_eq(parse(&r), ERR_INVALID);
    ck_assert_msg(strstr(buf_text(&problems), says) != NULL, "'%s' does not say '%s'", buf_text(&problems), says);
    ck_assert_msg(lines(buf_text(&problems)) == 1, "more than one line for one mistake:\n%s", buf_text(&problems));
    end();
    begin();
}

static void check_taken(void)
{
    struct rules *r;

    ck_assert_msg(parse(&r) == 0, "%s", buf_text(&problems));
    rules_free(r);
    end();
    begin();
}

static void check_needs(const char *needs, const char *says)
{
    put_rule("mine", needs, "");
    says != NULL ? check_refused(says) : check_taken();
}

START_TEST(values_of_each_kind_are_written_one_way)
{
    check_needs("[{ parameter1: six }]", "six: is no number; write one such as 0x6");
    check_needs("[{ parameter1: 1..x }]", "1..x: is no number");
    check_needs("[{ parameter1: x..1 }]", "x..1: is no number");
    check_needs("[{ parameter1: \"  1  ..  2  \" }]", NULL);
    check_needs("[{ parameter1: 00000000000000000000000000000001..2 }]", "is no number"); /* 32 characters */
    check_needs("[{ parameter1: 1..00000000000000000000000000000002 }]", "is no number");
    check_needs("[{ parameter1: 0000000000000000000000000000001..2 }]", NULL);
    check_needs("[{ parameter1: 2..2 }]", NULL);
    check_needs("[{ guest_os: 6.000000000000000000000000000000000000000000000000000000000000000001..7 }]",
                "is no version");
    check_needs("[{ guest_os: 7..6.000000000000000000000000000000000000000000000000000000000000000001 }]",
                "is no version");
    check_needs("[{ guest_os: x..6.1 }]", "x..6.1: is no version");
    check_needs("[{ guest_os: 6.1..x }]", "6.1..x: is no version");
    check_needs("[{ guest_os: 6.1.. }]", NULL);
    check_needs("[{ guest_os: ..6.1 }]", NULL);
    check_needs("[{ module: ~ }]", "needs[0].module: expects a value, or a list of values such as [first, second]");
    check_needs("[{ module: { a: b } }]", "expects a value, or a list of values");
    check_needs("[{ module: [{ a: b }] }]", "expects a value, or a list of values");
    check_needs("[{ uptime_over: ~ }]", "expects one value; write it after the colon");
    check_needs("[{ family: \"\" }]", "is not known here; write one of windows, linux, bsd");
    check_needs("[{ module: \"a\\0b\" }]", "is too long, or holds what is no text");
}
END_TEST

START_TEST(one_value_may_be_127_bytes_long)
{
    char needs[200] = "[{ module: ";
    size_t len = strlen(needs);

    memset(needs + len, 'x', 127);
    memcpy(needs + len + 127, " }]", 4);
    check_needs(needs, NULL);
    memset(needs + len, 'x', 128);
    memcpy(needs + len + 128, " }]", 4);
    check_needs(needs, "is too long, or holds what is no text");
}
END_TEST

START_TEST(a_condition_may_have_64_values)
{
    for (int count = 64; count <= 65; count++) {
        struct buf needs;

        buf_init(&needs, 4096);
        buf_str(&needs, "[{ bugcheck: [");
        for (int n = 0; n < count; n++)
            buf_printf(&needs, "%s%d", n > 0 ? ", " : "", n);
        buf_str(&needs, "] }]");
        check_needs(buf_text(&needs), count == 64 ? NULL : "more than 64 values; make two rules of it");
        buf_free(&needs);
    }
}
END_TEST

/* Aliases are refused where they stand, and whoever wanted something there does not say so again. */
START_TEST(what_was_refused_as_yaml_is_not_refused_again)
{
    static const char alias[] = "aliases such as *a are not supported";

    check_needs("*a", alias);
    check_needs("[*a]", alias);
    check_needs("[{ bugcheck: *a }]", alias);
    check_needs("[{ bugcheck: [*a, 1] }]", alias);
    put_rule("*a", "[{ dump: true }]", "");
    check_refused(alias);
    put_rule("mine", "[{ dump: true }]", "    applies: [*a]\n");
    check_refused(alias);
    put_rule("mine", "[{ dump: true }]", "    enabled: *a\n");
    check_refused(alias);
    put_rule("mine", "[{ dump: true }]", "    links: [*a]\n");
    check_refused(alias);
    buf_str(&yaml, "rules: *a\n");
    check_refused(alias);
    buf_str(&yaml, "rules:\n  - *a\n");
    check_refused(alias);
}
END_TEST

START_TEST(keys_of_a_rule_want_texts)
{
    put_rule("[a, b]", "[{ dump: true }]", "");
    check_refused("rules[0].id: expects a text; write it after the colon");
    put_rule("\"\"", "[{ dump: true }]", "");
    check_refused("expects a text");
    put_rule("~", "[{ dump: true }]", "");
    check_refused("expects a text");
    put_rule("mine", "[{ dump: true }]", "    applies: [{ a: b }]\n");
    check_refused("expects a text");
    put_rule("mine", "[{ dump: true }]", "    links: https://x\n");
    check_refused("rules[0].links: expects a list; write [first, second]");
    put_rule("mine", "[{ dump: true }]", "    links: [~]\n");
    check_refused("expects a text");
    put_rule("mine", "[{ dump: true }]", "    applies: whatever-it-is-called\n");
    check_refused(
        "is no kind of incident; write bugcheck, linux-panic, triple-fault or another that docs/rules.md lists");
    put_rule("mine", "[{ dump: true }]", "    applies: [bugcheck, watchdog]\n    enabled: true\n");
    check_taken();
    buf_str(&yaml, "rules: ~\n");
    check_refused("rules: expects a list");
    buf_str(&yaml, "just a text\n");
    check_refused("mine.yaml:1:1: expects keys; write \"rules:\" and the rules below it");
    buf_str(&yaml, "~\n");
    check_refused("rules: is missing");
}
END_TEST

START_TEST(a_text_may_be_899_bytes_long_and_loses_blanks_at_its_end)
{
    char text[1000];
    struct rules *r;

    memset(text, 'x', sizeof text);
    for (int len = 899; len <= 900; len++) {
        put_rule("mine", "[{ dump: true }]", "");
        buf_printf(&yaml,
                   "  - { id: b, title: \"%.*s\", text: t, action: a, confidence: low, reason: r,"
                   " needs: [{ dump: true }] }\n",
                   len, text);
        len == 899 ? check_taken() : check_refused("rules[1].title: longer than 899 bytes; shorten it");
    }
    buf_str(&yaml, "rules:\n  - { id: b, title: \"Two words  \", text: t, action: a, confidence: low, reason: r,"
                   " needs: [{ dump: true }] }\n");
    ck_assert_int_eq(parse(&r), 0);
    ck_assert_str_eq(rules_title(r, 0), "Two words");
    rules_free(r);
}
END_TEST

START_TEST(an_id_may_be_63_characters_long)
{
    char id[65] = { 0 };

    memset(id, 'x', 63);
    put_rule(id, "[{ dump: true }]", "");
    check_taken();
    id[63] = 'x';
    put_rule(id, "[{ dump: true }]", "");
    check_refused("the id may have small letters, digits and hyphens, 63 at most; write such a one");
}
END_TEST

START_TEST(a_placeholder_without_an_end_is_shown_cut)
{
    put_rule("mine", "[{ dump: true }]", "");
    buf_str(&yaml, "  - { id: b, title: t, text: \"{module\", action: a, confidence: low, reason: r,"
                   " needs: [{ dump: true }] }\n");
    check_refused("{module} stands for nothing; docs/rules.md lists what does");
    put_rule("mine", "[{ dump: true }]", "");
    buf_str(&yaml, "  - { id: b, title: t, action: a, confidence: low, reason: r, needs: [{ dump: true }],"
                   " text: \"{0123456789012345678901234567890123456789012345678901234567890123456789}\" }\n");
    check_refused("{012345678901234567890123456789012345678901234567890123456789012} stands for nothing");
}
END_TEST

START_TEST(a_rule_may_have_16_links_of_450_bytes)
{
    char link[460] = "https://";

    memset(link + 8, 'x', 450 - 8);
    for (int count = 16; count <= 17; count++) {
        put_rule("mine", "[{ dump: true }]", "    links:\n");
        for (int n = 0; n < count; n++)
            buf_printf(&yaml, "      - %s\n", link);
        count == 16 ? check_taken() : check_refused("more than 16 links; remove some");
    }
    link[450] = 'x';
    put_rule("mine", "[{ dump: true }]", "    links:\n");
    buf_printf(&yaml, "      - %s\n", link);
    check_refused("is no link; write https://...");
}
END_TEST

static void put_small_rules(int count, const char *prefix)
{
    buf_str(&yaml, "rules:\n");
    for (int n = 0; n < count; n++)
        buf_printf(
            &yaml,
            "  - { id: %s%d, title: t, text: t, action: a, confidence: low, reason: r, needs: { dump: true } }\n",
            prefix, n);
}

START_TEST(a_set_may_have_256_rules)
{
    put_small_rules(RULES_MAX, "r");
    check_taken();
    put_small_rules(RULES_MAX + 1, "r");
    check_refused("rules[256]: more than 256 rules; remove some");
}
END_TEST

START_TEST(the_shipped_rules_and_a_files_may_be_256_together)
{
    struct rules *shipped = rules_shipped(), *r;
    int room = RULES_MAX - (int)rules_count(shipped);

    for (int over = 0; over <= 1; over++) {
        const char *path;

        put_small_rules(room + over, "zz-");
        path = write_file(temp_dir(), "mine.yaml", yaml.data, yaml.len);
        ck_assert_int_eq(rules_load(&path, 1, &r, &problems), over ? ERR_INVALID : 0);
        if (over)
            ck_assert_ptr_nonnull(strstr(buf_text(&problems), ": rules: more than 256 rules; remove some\n"));
        else
            ck_assert_uint_eq(rules_count(r), RULES_MAX);
        rules_free(r);
        end();
        begin();
    }
    rules_free(shipped);
}
END_TEST

START_TEST(files_are_64_at_most_and_all_of_those_are_read)
{
    static const char takes_out[] = "rules:\n  - { id: code-50, enabled: false }\n";
    const char *paths[RULES_FILES_MAX + 1], *good, *bad;
    struct rules *r;

    good = write_file(temp_dir(), "good.yaml", takes_out, sizeof takes_out - 1);
    bad = write_file(temp_dir(), "bad.yaml", "rules: 5\n", 9);
    for (size_t n = 0; n <= RULES_FILES_MAX; n++)
        paths[n] = good;
    ck_assert_int_eq(rules_load(paths, RULES_FILES_MAX, &r, &problems), 0);
    rules_free(r);
    paths[1] = bad;
    paths[RULES_FILES_MAX] = "/nonexistent/one-more.yaml";
    ck_assert_int_eq(rules_load(paths, RULES_FILES_MAX + 1, &r, &problems), ERR_INVALID);
    ck_assert_ptr_null(r);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&problems), "/nonexistent/one-more.yaml:1:1: more than 64 rules files; put some together\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&problems), "bad.yaml:1:8: rules: expects a list"));
}
END_TEST

START_TEST(a_file_that_can_not_be_read_says_the_remedy)
{
    char long_name[300] = "/";
    const char *folder = temp_dir(), *named = long_name;
    struct rules *r;

    ck_assert_int_ne(rules_load(&folder, 1, &r, &problems), 0);
    /* Windows says of a folder that the right to open it is missing. */
    ck_assert_msg(strstr(buf_text(&problems), "; name a file\n") != NULL ||
                      strstr(buf_text(&problems), "; let this user read it\n") != NULL,
                  "%s", buf_text(&problems));
    buf_clear(&problems);
    memset(long_name + 1, 'x', sizeof long_name - 2);
    ck_assert_int_ne(rules_load(&named, 1, &r, &problems), 0);
    ck_assert_msg(strstr(buf_text(&problems), "; check the disk and the name\n") != NULL ||
                      strstr(buf_text(&problems), "; check the name, or make the file\n") != NULL, /* Windows */
                  "%s", buf_text(&problems));
    ck_assert_ptr_null(strstr(buf_text(&problems), "let this user read it"));
}
END_TEST

/* Each condition with values takes room for 64 of them, and a set has 8 MiB. */
START_TEST(conditions_that_take_too_much_room_refuse_the_file_wherever_they_end)
{
    bool fitted = false, failed = false;
    char says[256];

    for (int count = 1000; count <= 2000; count += 31) {
        struct rules *r;
        int rc;

        put_rule("mine", "", "");
        for (int n = 0; n < count; n++)
            buf_printf(&yaml, "      - bugcheck: %d\n", n);
        buf_str(&yaml,
                "    expects: [{ any: [{ dump: true, bugcheck: 1 }] }]\n    helps: [{ dump: true }]\n"
                "    links: [https://x]\n"
                "  - { id: b, title: t, text: t, action: a, confidence: low, reason: r, needs: { dump: true } }\n");
        snprintf(says, sizeof says,
                 "mine.yaml:1:1: too large (%zu bytes): its rules take more than 8 MiB once they are read; "
                 "split it into several files, or take conditions out\n",
                 yaml.len);
        rc = parse(&r);
        ck_assert_msg(rc == 0 || rc == ERR_TOO_BIG, "%d: %s", rc, buf_text(&problems));
        ck_assert_str_eq(buf_text(&problems), rc == 0 ? "" : says);
        ck_assert(!failed || rc != 0); /* more never fits where less did not */
        fitted = fitted || rc == 0;
        failed = failed || rc != 0;
        rules_free(r);
        end();
        begin();
    }
    ck_assert(fitted);
    ck_assert(failed);
}
END_TEST

static const char *file_of_conditions(const char *name, int from, int to)
{
    const char *path;

    buf_clear(&yaml);
    put_rule(name, "", "");
    for (int n = from; n < to; n++)
        buf_printf(&yaml, "      - bugcheck: %d\n", n);
    path = write_file(temp_dir(), name, yaml.data, yaml.len);
    return path;
}

/* The remedy that is told helps. */
START_TEST(rules_that_are_too_much_for_one_file_fit_in_two)
{
    const char *paths[2] = { file_of_conditions("whole", 0, 2000) };
    struct rules *shipped = rules_shipped(), *r;
    char says[8192];

    snprintf(says, sizeof says, "%s:1:1: too large (%zu bytes): its rules take ", paths[0], yaml.len);
    ck_assert_int_eq(rules_load(paths, 1, &r, &problems), ERR_TOO_BIG);
    ck_assert_ptr_null(r);
    ck_assert_msg(strncmp(buf_text(&problems), says, strlen(says)) == 0, "%s", buf_text(&problems));
    buf_clear(&problems);
    paths[0] = file_of_conditions("one", 0, 1000);
    paths[1] = file_of_conditions("two", 1000, 2000);
    ck_assert_int_eq(rules_load(paths, 2, &r, &problems), 0);
    ck_assert_str_eq(buf_text(&problems), "");
    ck_assert_uint_eq(rules_count(r), rules_count(shipped) + 2);
    rules_free(r);
    rules_free(shipped);
}
END_TEST

START_TEST(a_file_may_have_1_mib_and_says_so_when_it_has_more)
{
    static const char rest[] = "rules:\n  - { id: code-50, enabled: false }\n#";
    enum { MIB = 1024 * 1024 };
    char *text = malloc(MIB + 2), says[8192];
    const char *path;
    struct rules *r;

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', MIB + 2);
    memcpy(text, rest, sizeof rest - 1);
    path = write_file(temp_dir(), "mine.yaml", text, MIB);
    ck_assert_int_eq(rules_load(&path, 1, &r, &problems), 0);
    rules_free(r);
    for (int over = 1; over <= 2; over++) {
        path = write_file(temp_dir(), "mine.yaml", text, (size_t)MIB + (size_t)over);
        snprintf(says, sizeof says, "%s:1:1: too large (%d bytes; at most 1048576); split it into several files\n",
                 path, MIB + over);
        ck_assert_int_eq(rules_load(&path, 1, &r, &problems), ERR_INVALID);
        ck_assert_ptr_null(r);
        ck_assert_str_eq(buf_text(&problems), says);
        buf_clear(&problems);
    }
    free(text);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        values_of_each_kind_are_written_one_way,
        one_value_may_be_127_bytes_long,
        a_condition_may_have_64_values,
        what_was_refused_as_yaml_is_not_refused_again,
        keys_of_a_rule_want_texts,
        a_text_may_be_899_bytes_long_and_loses_blanks_at_its_end,
        an_id_may_be_63_characters_long,
        a_placeholder_without_an_end_is_shown_cut,
        a_rule_may_have_16_links_of_450_bytes,
        a_set_may_have_256_rules,
        the_shipped_rules_and_a_files_may_be_256_together,
        files_are_64_at_most_and_all_of_those_are_read,
        a_file_that_can_not_be_read_says_the_remedy,
        conditions_that_take_too_much_room_refuse_the_file_wherever_they_end,
        rules_that_are_too_much_for_one_file_fit_in_two,
        a_file_may_have_1_mib_and_says_so_when_it_has_more,
    };
    TCase *c = suite_case(s, "limits of rules");

    tcase_add_checked_fixture(c, begin, end);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: limits of rules", add);
}
