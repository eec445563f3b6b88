/* yaml_doc.h at the edges of what a file may hold: long names, many values, nothing at all, and values that say
 * nothing. */
#include "config/nearest.h"
#include "config/problems.h"
#include "config/yaml_doc.h"
#include "config/yaml_tree.h"
#include "model/version.h"
#include "tests/support/suite.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct target {
    char note[1001];
    char path[11];
    int64_t at;
    int colour;
    struct version need, may;
    char list[64];
};

static const char *const colours[] = { "red", NULL };

#define FIELD(f) .offset = offsetof(struct target, f)
static const struct yaml_key keys[] = {
    { "note", YAML_TEXT, FIELD(note), .max = 1000, .fallback = "", .help = "What." },
    { "a.path", YAML_TEXT, FIELD(path), .max = 10, .fallback = "", .help = "Where." },
    { "a.at", YAML_TIME, FIELD(at), .fallback = "2026-01-31T08:00:00Z", .help = "When." },
    { "a.colour", YAML_CHOICE, FIELD(colour), .fallback = "red", .choices = colours, .help = "Which." },
    { "b.need", YAML_VERSION, FIELD(need), .fallback = "1.2", .help = "Of it." },
    { "b.may", YAML_VERSION, FIELD(may), .fallback = "", .help = "Of another." },
    { "b.list", YAML_LINES, FIELD(list), .max = 63, .fallback = "", .help = "All." },
};
enum { KEYS = sizeof keys / sizeof keys[0] };

static struct target got;
static struct buf said = { .max = 1024 * 1024 };

static int read_bytes(const char *yaml, size_t len)
{
    buf_clear(&said);
    return yaml_doc_read("f", yaml, len, keys, KEYS, &got, sizeof got, &said);
}

static void right(const char *yaml)
{
    ck_assert_msg(read_bytes(yaml, strlen(yaml)) == 0, "%s%s", yaml, buf_text(&said));
    ck_assert_str_eq(buf_text(&said), "");
}

static void wrong(const char *yaml, const char *lines)
{
    ck_assert_msg(read_bytes(yaml, strlen(yaml)) == ERR_INVALID, "taken: %s", yaml);
    ck_assert_str_eq(buf_text(&said), lines);
}

/* ---- nothing -------------------------------------------------------------- */

START_TEST(a_document_of_nothing_is_the_defaults)
{
    static const char *const nothing[] = { "",
                                           "~\n",
                                           "null\n",
                                           "---\n",
                                           "{}\n",
                                           "# a comment\n",
                                           "a:\n",
                                           "a: ~\n",
                                           "a: null\nb: {}\n",
                                           "\xEF\xBB\xBF",
                                           "\xEF\xBB\xBF{}\n" };

    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        right(nothing[i]);
        ck_assert_int_eq(got.need.part[1], 2);
    }
}
END_TEST

START_TEST(words_for_nothing_in_quotes_are_texts)
{
    right("note: \"null\"\n");
    ck_assert_str_eq(got.note, "null");
    right("note: '~'\n");
    ck_assert_str_eq(got.note, "~");
    right("note: ''\n");
    ck_assert_str_eq(got.note, "");
    right("note: Null\n"); /* YAML 1.1 has more spellings; here it is a text */
    ck_assert_str_eq(got.note, "Null");
    wrong("note: null\n", "f:1:1: note: has no value; write one, or leave the key out\n");
}
END_TEST

START_TEST(a_document_that_is_no_set_of_keys_is_one_line)
{
    wrong("a text\n", "f:1:1: expects keys, not a text; write \"key: value\" lines (note, a, b)\n");
    wrong("[a, b]\n", "f:1:1: expects keys, not a list; write \"key: value\" lines (note, a, b)\n");
    wrong("a: [x]\n", "f:1:4: a: expects keys, not a list; write \"key: value\" lines indented below it (path, at, "
                      "colour)\n");
}
END_TEST

START_TEST(marks_of_utf_16_are_told_in_both_orders)
{
    ck_assert_int_eq(read_bytes("\xFE\xFF\0a", 4), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), "f:1:1: saved as UTF-16; save the file as UTF-8\n");
    ck_assert_int_eq(read_bytes("\xFF\xFE", 2), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), "f:1:1: saved as UTF-16; save the file as UTF-8\n");
    ck_assert_int_eq(read_bytes("\xFF", 1), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(buf_text(&said), "f:1:1: not text in UTF-8"));
}
END_TEST

START_TEST(the_place_of_bytes_that_are_no_text_counts_characters)
{
    wrong("# \xC3\xA9\nnote: \xC3\xA9\xC3\xA9\x01\n",
          "f:2:9: not text in UTF-8 (control characters are not allowed); save the file as UTF-8 without control "
          "characters\n");
}
END_TEST

/* ---- values --------------------------------------------------------------- */

START_TEST(an_empty_version_or_time_is_one_only_where_that_is_the_default)
{
    right("b: {may: ''}\n");
    ck_assert(version_is_zero(&got.may));
    wrong("b: {need: ''}\n", "f:1:11: b.need: \"\" is not a version; write one to four numbers with dots between, such "
                             "as 6.3.9600.18692\n");
    wrong("b: {may: x}\n",
          "f:1:10: b.may: \"x\" is not a version; write one to four numbers with dots between, such as "
          "6.3.9600.18692\n");
    wrong("a: {at: ''}\n", "f:1:9: a.at: \"\" is not a time; write it like 2026-01-31T08:00:00Z\n");
}
END_TEST

START_TEST(control_characters_by_escapes_are_refused)
{
    wrong("note: \"a\\x7fb\"\n",
          "f:1:7: note: holds a line break or another control character; write it in one line\n");
    wrong("note: \"a\\tb\"\n", "f:1:7: note: holds a line break or another control character; write it in one line\n");
}
END_TEST

START_TEST(a_list_of_anything_but_texts_is_told_item_by_item)
{
    right("b: {list: [x, 'y z']}\n");
    ck_assert_str_eq(got.list, "x\ny z");
    ck_assert_int_eq(read_bytes("b: {list: [x, {a: 1}, [y]]}\n", 28), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(buf_text(&said), "f:1:15: b.list: "));
    wrong("b: {list: [x, *y]}\n", "f:1:15: b.list: aliases such as *y are not supported; write the value out\n");
    wrong("b: {list: *y}\n", "f:1:11: b.list: aliases such as *y are not supported; write the value out\n");
    wrong("a: *y\n", "f:1:4: a: aliases such as *y are not supported; write the value out\n");
}
END_TEST

START_TEST(a_choice_of_one_word_names_it)
{
    wrong("a: {colour: green}\n", "f:1:13: a.colour: \"green\" is not known; write red\n");
    wrong("a: {colour: rad}\n", "f:1:13: a.colour: \"rad\" is not known; did you mean red? (red)\n");
}
END_TEST

/* ---- keys ----------------------------------------------------------------- */

START_TEST(a_key_in_the_wrong_section_names_the_right_one)
{
    wrong("b: {path: x}\n", "f:1:5: b.path: unknown key; did you mean a.path?\n");
    wrong("b: {note: x}\n", "f:1:5: b.note: unknown key; did you mean note?\n");
}
END_TEST

START_TEST(a_version_and_a_time_that_have_no_default_may_not_be_empty)
{
    static const struct yaml_key required[] = { { "v", YAML_VERSION, FIELD(need), .fallback = NULL, .help = "Of it." },
                                                { "t", YAML_TIME, FIELD(at), .fallback = NULL, .help = "When." } };
    static const char yaml[] = "v: ''\nt: ''\n";

    buf_clear(&said);
    ck_assert_int_eq(yaml_doc_read("f", yaml, sizeof yaml - 1, required, 2, &got, sizeof got, &said), ERR_INVALID);
    ck_assert_str_eq(
        buf_text(&said),
        "f:1:4: v: \"\" is not a version; write one to four numbers with dots between, such as 6.3.9600.18692\n"
        "f:2:4: t: \"\" is not a time; write it like 2026-01-31T08:00:00Z\n");
}
END_TEST

START_TEST(an_empty_line_of_a_title_is_an_empty_comment)
{
    buf_clear(&said);
    yaml_doc_example("One.\n\nTwo.", keys, KEYS, &said);
    ck_assert_int_eq(strncmp(buf_text(&said), "# One.\n#\n# Two.\n", 16), 0);
}
END_TEST

START_TEST(what_is_below_a_second_key_of_a_name_is_passed_over)
{
    wrong("a: {path: x}\na: {path: y, path: z, b.c: 1, d: 2}\n",
          "f:2:1: a: given twice, first on line 1; keep one of the two\n");
    wrong("a: {path: x, path: y, path: z}\n", "f:1:14: a.path: given twice, first on line 1; keep one of the two\n"
                                              "f:1:23: a.path: given twice, first on line 1; keep one of the two\n");
}
END_TEST

START_TEST(names_joined_with_dots_are_told_once)
{
    wrong("a.path: x\na.path: y\n", "f:1:1: a.path: keys are nested, not joined with dots; write each part on a line "
                                    "of its own\n");
}
END_TEST

START_TEST(a_key_that_is_an_alias_is_refused)
{
    wrong("? *y\n: 1\n", "f:1:3: a key must be a word; write the name of a setting\n");
    wrong("? [y]\n: 1\n", "f:1:3: a key must be a word; write the name of a setting\n");
}
END_TEST

START_TEST(a_name_of_127_bytes_is_unknown_and_of_128_too_long)
{
    char yaml[400], name[129];

    memset(name, 'n', sizeof name);
    name[60] = '\0';
    snprintf(yaml, sizeof yaml, "%s: {%s: {y: 1}}\n", name, name); /* 121 bytes with the dot, and 123 */
    ck_assert_int_eq(read_bytes(yaml, strlen(yaml)), ERR_INVALID);
    ck_assert_ptr_null(strstr(buf_text(&said), "too long"));
    snprintf(yaml, sizeof yaml, "%s: {%s: {yyyyy: 1}}\n", name, name); /* 127 */
    ck_assert_int_eq(read_bytes(yaml, strlen(yaml)), ERR_INVALID);
    ck_assert_ptr_null(strstr(buf_text(&said), "too long"));
    snprintf(yaml, sizeof yaml, "%s: {%s: {yyyyyy: 1}}\n", name, name);
    ck_assert_int_eq(read_bytes(yaml, strlen(yaml)), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(buf_text(&said), "the name of this key is too long; no setting has such a name\n"));
}
END_TEST

START_TEST(as_many_values_as_allowed_are_read_and_one_more_is_refused)
{
    static char yaml[8 * YAML_NODES_MAX];

    for (int over = 0; over <= 1; over++) {
        size_t used = (size_t)snprintf(yaml, sizeof yaml, "b: {list: [");

        for (int i = 0; i < YAML_NODES_MAX - 3 + over; i++) /* the document, b and the list are three */
            used += (size_t)snprintf(yaml + used, sizeof yaml - used, "x,");
        snprintf(yaml + used, sizeof yaml - used, "]}\n");
        ck_assert_int_eq(read_bytes(yaml, strlen(yaml)), ERR_INVALID);
        ck_assert_int_eq(strstr(buf_text(&said), "more than 4096 values; shorten the file\n") != NULL, over);
        ck_assert_int_eq(strstr(buf_text(&said), "the list is too long") != NULL, 1);
    }
}
END_TEST

/* ---- what they stand on --------------------------------------------------- */

START_TEST(words_too_long_to_compare_are_near_nothing)
{
    char word[NEAREST_WORD_MAX + 2];

    memset(word, 'w', sizeof word);
    word[NEAREST_WORD_MAX] = '\0';
    ck_assert_uint_eq(edit_distance(word, word), 0);
    ck_assert_uint_eq(edit_distance(word, "w"), NEAREST_WORD_MAX - 1);
    word[NEAREST_WORD_MAX] = 'w';
    word[NEAREST_WORD_MAX + 1] = '\0';
    ck_assert_uint_eq(edit_distance(word, "w"), SIZE_MAX);
    ck_assert_uint_eq(edit_distance("w", word), SIZE_MAX);
    ck_assert_uint_eq(edit_distance("ab", "ba"), 1); /* swapped */
    ck_assert(is_near(1, "abc") && !is_near(2, "abc"));
    ck_assert(is_near(2, "abcd") && !is_near(3, "abcdefgh"));
    ck_assert(is_near(3, "abcdefghi") && !is_near(4, "abcdefghi"));
}
END_TEST

START_TEST(a_problem_longer_than_a_line_may_be_is_cut)
{
    struct problems p;
    static char text[2 * PROBLEM_TEXT_MAX];

    memset(text, 't', sizeof text - 1);
    problems_init(&p);
    problem_add(&p, (struct place){ 2, 3 }, "key", "%s", text);
    problem_add(&p, (struct place){ 2, 1 }, NULL, "before");
    problem_add(&p, (struct place){ 2, 1 }, NULL, "and after it"); /* at one place in the order they were found */
    problem_add(&p, (struct place){ 1, 9 }, NULL, "first");
    buf_clear(&said);
    problems_write(&p, "f", &said);
    ck_assert_int_eq(strncmp(buf_text(&said), "f:1:9: first\nf:2:1: before\nf:2:1: and after it\nf:2:3: key: ttt", 62),
                     0);
    ck_assert_uint_eq(said.len,
                      strlen("f:1:9: first\nf:2:1: before\nf:2:1: and after it\nf:2:3: \n") + PROBLEM_TEXT_MAX - 1);
    problems_free(&p);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_document_of_nothing_is_the_defaults);
    suite_test(s, words_for_nothing_in_quotes_are_texts);
    suite_test(s, a_document_that_is_no_set_of_keys_is_one_line);
    suite_test(s, marks_of_utf_16_are_told_in_both_orders);
    suite_test(s, the_place_of_bytes_that_are_no_text_counts_characters);
    suite_test(s, an_empty_version_or_time_is_one_only_where_that_is_the_default);
    suite_test(s, control_characters_by_escapes_are_refused);
    suite_test(s, a_list_of_anything_but_texts_is_told_item_by_item);
    suite_test(s, a_choice_of_one_word_names_it);
    suite_test(s, a_key_in_the_wrong_section_names_the_right_one);
    suite_test(s, a_version_and_a_time_that_have_no_default_may_not_be_empty);
    suite_test(s, an_empty_line_of_a_title_is_an_empty_comment);
    suite_test(s, what_is_below_a_second_key_of_a_name_is_passed_over);
    suite_test(s, names_joined_with_dots_are_told_once);
    suite_test(s, a_key_that_is_an_alias_is_refused);
    suite_test(s, a_name_of_127_bytes_is_unknown_and_of_128_too_long);
    suite_test(s, as_many_values_as_allowed_are_read_and_one_more_is_refused);
    suite_test(s, words_too_long_to_compare_are_near_nothing);
    suite_test(s, a_problem_longer_than_a_line_may_be_is_cut);
}

int main(void)
{
    return suite_main("config: documents at their edges", add);
}
