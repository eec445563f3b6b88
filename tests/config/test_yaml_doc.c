/* yaml_doc.h: every kind of wrong input has its exact line. */
#include "base/times.h"
#include "config/agent_config.h"
#include "config/yaml_doc.h"
#include "model/version.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct target {
    char name[21];
    char note[11];
    int64_t count, size, wait, at;
    bool on;
    int colour;
    struct config_list names;
    struct version version;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

#define FIELD(f) .offset = offsetof(struct target, f)
/* clang-format off */
static const struct yaml_key keys[] = {
    { "name", YAML_TEXT, FIELD(name), .min = 1, .max = 20, .fallback = NULL, .help = "Who." },
    { "note", YAML_TEXT, FIELD(note), .max = 10, .fallback = "", .help = "What else." },
    { "box.count", YAML_INT, FIELD(count), -5, 10, .fallback = "3", .help = "How many." },
    { "box.size", YAML_SIZE, FIELD(size), 1024, 1048576, .fallback = "4KiB", .help = "How large." },
    { "box.inner.wait", YAML_DURATION, FIELD(wait), 0, 90 * 24 * 3600 * NS_PER_S, .fallback = "5m", .help = "How long." },
    { "box.inner.at", YAML_TIME, FIELD(at), .fallback = "", .help = "When." },
    { "box.on", YAML_BOOL, FIELD(on), .fallback = "false", .help = "Whether." },
    { "colour", YAML_CHOICE, FIELD(colour), .fallback = "red", .choices = colours, .help = "Which." },
    { "names", YAML_TEXT_LIST, FIELD(names), .max = 3, .fallback = "", .help = "All." },
    { "version", YAML_VERSION, FIELD(version), .fallback = "", .help = "Of it." },
};
/* clang-format on */
enum { KEYS = sizeof keys / sizeof keys[0] };

static struct target got;
static const struct yaml_schema whole = { .keys = keys, .key_count = KEYS, .target_size = sizeof got };
static struct buf said = { .max = 65536 };

static int read_bytes(const char *yaml, size_t len)
{
    buf_free(&said);
    buf_init(&said, 65536);
    return yaml_doc_read("f.yaml", yaml, len, keys, KEYS, &got, sizeof got, &said);
}

static void wrong(const char *yaml, const char *lines)
{
    struct target before;

    memset(&got, 0x5A, sizeof got);
    before = got;
    ck_assert_int_eq(read_bytes(yaml, strlen(yaml)), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), lines);
    ck_assert_mem_eq(&got, &before, sizeof got);
    buf_free(&said);
}

static void right(const char *yaml)
{
    int rc = read_bytes(yaml, strlen(yaml));

    ck_assert_str_eq(buf_text(&said), "");
    ck_assert_int_eq(rc, 0);
    buf_free(&said);
}

START_TEST(every_type_is_read)
{
    right("name: HV01\nnote: \"a: b\"\nbox:\n  count: -5\n  size: 512KiB\n  inner: {wait: 90d, at: "
          "2026-01-31T08:00:00Z}\n"
          "  on: true\ncolour: blue\nnames: [a, \"b c\"]\nversion: 6.3.9600.18692\n");
    ck_assert_str_eq(got.name, "HV01");
    ck_assert_str_eq(got.note, "a: b");
    ck_assert_int_eq(got.count, -5);
    ck_assert_int_eq(got.size, 512 * 1024);
    ck_assert_int_eq(got.wait, 90 * 24 * 3600 * NS_PER_S);
    ck_assert_int_eq(got.at, INT64_C(1769846400) * NS_PER_S);
    ck_assert_int_eq(got.on, true);
    ck_assert_int_eq(got.colour, 2);
    ck_assert_int_eq(got.names.count, 2);
    ck_assert_str_eq(got.names.items[0], "a");
    ck_assert_str_eq(got.names.items[1], "b c");
    ck_assert_uint_eq(got.version.part[2], 9600);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
    right("name: x\n");
    ck_assert_int_eq(got.count, 3);
    ck_assert_int_eq(got.size, 4096);
    ck_assert_int_eq(got.wait, 300 * NS_PER_S);
    ck_assert_int_eq(got.at, 0);
    ck_assert_int_eq(got.on, false);
    ck_assert_int_eq(got.colour, 0);
    ck_assert_int_eq(got.names.count, 0);
    ck_assert_str_eq(got.note, "");
}
END_TEST

START_TEST(a_section_without_keys_is_as_if_left_out)
{
    right("name: x\nbox:\nnames: []\n");
    ck_assert_int_eq(got.count, 3);
}
END_TEST

START_TEST(a_byte_order_mark_and_windows_line_ends_are_taken)
{
    right("\xEF\xBB\xBFname: x\r\nbox:\r\n  count: 7\r\n");
    ck_assert_int_eq(got.count, 7);
}
END_TEST

START_TEST(a_unit_may_stand_apart_and_empty_versions_and_times_may_be_written)
{
    right("name: x\nbox: {size: 8 KiB, inner: {at: \"\"}}\nversion: \"\"\n");
    ck_assert_int_eq(got.size, 8192);
}
END_TEST

START_TEST(an_empty_file_lacks_the_required_key)
{
    wrong("", "f.yaml:1:1: name: is missing; this key has no default\n");
    wrong("# nothing\n", "f.yaml:1:1: name: is missing; this key has no default\n");
}
END_TEST

START_TEST(an_unknown_key_names_the_nearest)
{
    wrong("name: x\nbox:\n  cuont: 1\n", "f.yaml:3:3: box.cuont: unknown key; did you mean box.count?\n");
    wrong("nam: x\nname: x\n", "f.yaml:1:1: nam: unknown key; did you mean name?\n");
    wrong("name: x\nwait: 5s\n", "f.yaml:2:1: wait: unknown key; did you mean box.inner.wait?\n");
}
END_TEST

START_TEST(an_unknown_section_is_one_line)
{
    wrong("name: x\nbix:\n  count: 1\n  more: 2\n", "f.yaml:2:1: bix: unknown key; did you mean box?\n");
    wrong("name: x\nelsewhere:\n  count: 1\n",
          "f.yaml:2:1: elsewhere: unknown key; remove it, or write one of name, note, box, colour, names, version\n");
}
END_TEST

START_TEST(an_unknown_key_like_no_other_lists_its_section)
{
    wrong("name: x\nbox:\n  telescope: 1\n",
          "f.yaml:3:3: box.telescope: unknown key; remove it, or write one of count, size, inner, on\n");
}
END_TEST

START_TEST(wrong_whole_numbers)
{
    wrong("name: x\nbox:\n  count: many\n", "f.yaml:3:10: box.count: \"many\" is not a whole number; write -5 to 10\n");
    wrong("name: x\nbox:\n  count: 1.5\n", "f.yaml:3:10: box.count: \"1.5\" is not a whole number; write -5 to 10\n");
    wrong("name: x\nbox:\n  count: 0x5\n", "f.yaml:3:10: box.count: \"0x5\" is not a whole number; write -5 to 10\n");
    wrong("name: x\nbox:\n  count: 99999999999999999999\n",
          "f.yaml:3:10: box.count: \"99999999999999999999\" is not a whole number; write -5 to 10\n");
    wrong("name: x\nbox:\n  count: 11\n", "f.yaml:3:10: box.count: 11 is out of range; write -5 to 10\n");
    wrong("name: x\nbox:\n  count: \"5\"\n",
          "f.yaml:3:10: box.count: \"5\" is a text, not a number; write 5 without quotes\n");
}
END_TEST

START_TEST(wrong_sizes)
{
    wrong("name: x\nbox:\n  size: 512\n",
          "f.yaml:3:9: box.size: 512 has no unit; write 512MiB, say (B, KiB, MiB, GiB or TiB)\n");
    wrong("name: x\nbox:\n  size: 512mb\n",
          "f.yaml:3:9: box.size: \"512mb\" has an unknown unit; write 512MiB (B, KiB, MiB, GiB or TiB)\n");
    wrong("name: x\nbox:\n  size: 1.5MiB\n",
          "f.yaml:3:9: box.size: \"1.5MiB\" has an unknown unit; write a whole number with one of B, KiB, MiB, GiB or "
          "TiB\n");
    wrong("name: x\nbox:\n  size: big\n",
          "f.yaml:3:9: box.size: \"big\" is not a size; write a whole number with a unit, such as 512MiB\n");
    wrong("name: x\nbox:\n  size: 2MiB\n", "f.yaml:3:9: box.size: 2MiB is out of range; write 1KiB to 1MiB\n");
    wrong("name: x\nbox:\n  size: 9999999999TiB\n",
          "f.yaml:3:9: box.size: 9999999999TiB is out of range; write 1KiB to 1MiB\n");
}
END_TEST

START_TEST(wrong_lengths_of_time)
{
    wrong("name: x\nbox: {inner: {wait: 5}}\n",
          "f.yaml:2:21: box.inner.wait: 5 has no unit; write 5s, say (ms, s, m, h or d)\n");
    wrong("name: x\nbox: {inner: {wait: 5min}}\n",
          "f.yaml:2:21: box.inner.wait: \"5min\" has an unknown unit; write 5m (ms, s, m, h or d)\n");
    wrong("name: x\nbox: {inner: {wait: 1h30m}}\n",
          "f.yaml:2:21: box.inner.wait: \"1h30m\" has an unknown unit; write a whole number with one of ms, s, m, h or "
          "d\n");
    wrong("name: x\nbox: {inner: {wait: soon}}\n",
          "f.yaml:2:21: box.inner.wait: \"soon\" is not a length of time; write a whole number with a unit, such as "
          "30s\n");
    wrong("name: x\nbox: {inner: {wait: 91d}}\n",
          "f.yaml:2:21: box.inner.wait: 91d is out of range; write 0s to 90d\n");
}
END_TEST

START_TEST(wrong_truth)
{
    wrong("name: x\nbox:\n  on: yes\n",
          "f.yaml:3:7: box.on: \"yes\" means different things to different readers; write true\n");
    wrong("name: x\nbox:\n  on: off\n",
          "f.yaml:3:7: box.on: \"off\" means different things to different readers; write false\n");
    wrong("name: x\nbox:\n  on: \"true\"\n",
          "f.yaml:3:7: box.on: \"true\" means different things to different readers; write true\n");
    wrong("name: x\nbox:\n  on: maybe\n",
          "f.yaml:3:7: box.on: \"maybe\" is neither true nor false; write one of the two\n");
}
END_TEST

START_TEST(wrong_choices)
{
    wrong("name: x\ncolour: geen\n",
          "f.yaml:2:9: colour: \"geen\" is not known; did you mean green? (red, green or blue)\n");
    wrong("name: x\ncolour: mahogany\n", "f.yaml:2:9: colour: \"mahogany\" is not known; write red, green or blue\n");
}
END_TEST

START_TEST(wrong_texts)
{
    wrong("name: \"\"\n", "f.yaml:1:7: name: is empty; write a text of 1 to 20 bytes\n");
    wrong("name: abcdefghijklmnopqrstu\n", "f.yaml:1:7: name: is too long with 21 bytes; write at most 20\n");
    wrong("name: \"a\\nb\"\n",
          "f.yaml:1:7: name: holds a line break or another control character; write it in one line\n");
    wrong("name: x\nnote: \"a\\0b\"\n",
          "f.yaml:2:7: note: holds a line break or another control character; write it in one line\n");
}
END_TEST

START_TEST(wrong_versions_and_times)
{
    wrong("name: x\nversion: 6.3.x\n",
          "f.yaml:2:10: version: \"6.3.x\" is not a version; write one to four numbers with dots between, such as "
          "6.3.9600.18692\n");
    wrong("name: x\nbox: {inner: {at: yesterday}}\n",
          "f.yaml:2:19: box.inner.at: \"yesterday\" is not a time; write it like 2026-01-31T08:00:00Z\n");
}
END_TEST

START_TEST(a_nul_inside_a_number_is_refused)
{
    wrong("name: x\nversion: \"6.3\\0\"\n", "f.yaml:2:10: version: holds a NUL character; remove it\n");
}
END_TEST

START_TEST(a_key_without_a_value_is_refused)
{
    wrong("name: x\nnote:\n", "f.yaml:2:1: note: has no value; write one, or leave the key out\n");
    wrong("name: x\nbox:\n  count: ~\n", "f.yaml:3:3: box.count: has no value; write one, or leave the key out\n");
    wrong("name: x\nnames:\n", "f.yaml:2:1: names: has no value; write one, or leave the key out\n");
}
END_TEST

START_TEST(a_value_of_the_wrong_shape_is_refused)
{
    wrong("name: [x]\n", "f.yaml:1:7: name: expects one value, not a list; write it after the colon\n");
    wrong("name: {x: y}\n", "f.yaml:1:7: name: expects one value, not keys below it; write it after the colon\n");
    wrong("name: x\nnames: a\n", "f.yaml:2:8: names: expects a list; write [a]\n");
    wrong("name: x\nnames: {a: b}\n", "f.yaml:2:8: names: expects a list, not keys below it; write [first, second]\n");
    wrong(
        "name: x\nbox: 5\n",
        "f.yaml:2:6: box: expects keys, not a text; write \"key: value\" lines indented below it (count, size, inner, "
        "on)\n");
    wrong(
        "name: x\nbox: [1]\n",
        "f.yaml:2:6: box: expects keys, not a list; write \"key: value\" lines indented below it (count, size, inner, "
        "on)\n");
    wrong("- a\n", "f.yaml:1:1: expects keys, not a list; write \"key: value\" lines (name, note, box, colour, names, "
                   "version)\n");
    wrong("hello\n",
          "f.yaml:1:1: expects keys, not a text; write \"key: value\" lines (name, note, box, colour, names, "
          "version)\n");
}
END_TEST

START_TEST(wrong_list_items)
{
    wrong("name: x\nnames: [a, [b], {c: d}, ~]\n",
          "f.yaml:2:12: names: an item of this list is not a text; write one text an item\n"
          "f.yaml:2:17: names: an item of this list is not a text; write one text an item\n"
          "f.yaml:2:25: names: an item of this list is not a text; write one text an item\n");
    wrong("name: x\nnames: [a, b, c, d, e]\n", "f.yaml:2:18: names: more than 3 items; remove some\n");
    wrong("name: x\nnames: [\"\"]\n", "f.yaml:2:9: names: is empty; write a text of 1 to 1023 bytes\n");
}
END_TEST

START_TEST(a_duplicate_key_names_the_first)
{
    wrong("name: x\nname: y\n", "f.yaml:2:1: name: given twice, first on line 1; keep one of the two\n");
    wrong("name: x\nbox: {count: 1}\nbox: {count: many, nonsense: 1}\n",
          "f.yaml:3:1: box: given twice, first on line 2; keep one of the two\n");
    wrong("name: x\nbox:\n  count: 1\n  on: true\n  count: 2\n",
          "f.yaml:5:3: box.count: given twice, first on line 3; keep one of the two\n");
}
END_TEST

START_TEST(a_key_joined_with_dots_is_refused)
{
    wrong("name: x\nbox.count: 5\n",
          "f.yaml:2:1: box.count: keys are nested, not joined with dots; write each part on a line of its own\n");
}
END_TEST

START_TEST(anchors_aliases_and_tags_are_refused)
{
    wrong("name: &a x\nnote: *a\n", "f.yaml:1:7: name: anchors such as &a are not supported; remove it\n"
                                    "f.yaml:2:7: note: aliases such as *a are not supported; write the value out\n");
    wrong("name: !!str x\n", "f.yaml:1:7: name: tags such as tag:yaml.org,2002:str are not supported; remove it\n");
}
END_TEST

START_TEST(a_second_document_is_refused)
{
    wrong("name: x\n---\nname: y\n",
          "f.yaml:2:1: a second document begins here; a file holds one, remove the \"---\"\n");
}
END_TEST

START_TEST(keys_that_are_no_words_are_refused)
{
    wrong("? [a, b]\n: c\n", "f.yaml:1:3: a key must be a word; write the name of a setting\n");
}
END_TEST

START_TEST(too_deep_is_refused)
{
    wrong("name: x\na: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n",
          "f.yaml:2:1: a: unknown key; remove it, or write one of name, note, box, colour, names, version\n"
          "f.yaml:2:32: nested more than 8 deep; no setting is\n");
}
END_TEST

START_TEST(broken_yaml_is_one_line_and_nothing_is_called_missing)
{
    wrong("box:\n\tcount: 5\n",
          "f.yaml:2:1: not valid YAML: found character that cannot start any token; indent with spaces, not tabs, and "
          "put quotes around special characters\n");
    wrong("note: \"open\n",
          "f.yaml:2:1: not valid YAML: while scanning a quoted scalar, found unexpected end of stream; check the "
          "indentation, the colons and the quotes\n");
    wrong(
        "note: a\n  box: b\n",
        "f.yaml:2:6: not valid YAML: mapping values are not allowed in this context; check the indentation, the colons "
        "and the quotes\n");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused_with_their_place)
{
    wrong("name: x\nnote: a\xFF\n",
          "f.yaml:2:8: not text in UTF-8 (invalid leading UTF-8 octet); save the file as UTF-8 "
          "without control characters\n");
    wrong("name: \x01\n", "f.yaml:1:7: not text in UTF-8 (control characters are not allowed); save the file as UTF-8 "
                          "without control characters\n");
}
END_TEST

START_TEST(utf16_is_named)
{
    static const char text[] = { '\xFF', '\xFE', 'a', 0, ':', 0 };

    ck_assert_int_eq(read_bytes(text, sizeof text), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), "f.yaml:1:1: saved as UTF-16; save the file as UTF-8\n");
    buf_free(&said);
}
END_TEST

START_TEST(a_huge_document_is_refused)
{
    struct buf big;

    buf_init(&big, 4 * 1024 * 1024);
    while (big.len <= 1024 * 1024)
        buf_str(&big, "# a line that says nothing\n");
    ck_assert_int_eq(read_bytes(big.data, big.len), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), "f.yaml:1:1: too large (1048599 bytes; at most 1048576); shorten it\n");
    buf_clear(&big);
    buf_str(&big, "names: [");
    for (int i = 0; i < 5000; i++)
        buf_str(&big, "a,");
    buf_str(&big, "]\n");
    ck_assert_int_eq(read_bytes(big.data, big.len), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), "f.yaml:1:15: names: more than 3 items; remove some\n"
                                      "f.yaml:1:8197: more than 4096 values; shorten the file\n");
    buf_free(&big);
    buf_free(&said);
}
END_TEST

START_TEST(all_problems_come_at_once_in_order_of_place)
{
    wrong("colour: pink\nbox:\n  size: 1\n  count: many\nnonsense: 1\n",
          "f.yaml:1:1: name: is missing; this key has no default\n"
          "f.yaml:1:9: colour: \"pink\" is not known; write red, green or blue\n"
          "f.yaml:3:9: box.size: 1 has no unit; write 1MiB, say (B, KiB, MiB, GiB or TiB)\n"
          "f.yaml:4:10: box.count: \"many\" is not a whole number; write -5 to 10\n"
          "f.yaml:5:1: nonsense: unknown key; remove it, or write one of name, note, box, colour, names, version\n");
}
END_TEST

START_TEST(the_number_of_problems_is_bounded)
{
    struct buf many;

    buf_init(&many, 65536);
    buf_str(&many, "name: x\n");
    for (int i = 0; i < 150; i++)
        buf_printf(&many, "unknown_setting_%d: 1\n", i);
    ck_assert_int_eq(read_bytes(many.data, many.len), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(buf_text(&said), "f.yaml:1:1: 50 more problems are not shown; mend these first\n"));
    buf_free(&many);
    buf_free(&said);
}
END_TEST

START_TEST(hostile_text_is_made_printable_in_messages)
{
    wrong("name: x\n\"a\\eb\": 1\n",
          "f.yaml:2:1: a\xEF\xBF\xBD"
          "b: unknown key; remove it, or write one of name, note, box, colour, names, version\n");
}
END_TEST

START_TEST(unreadable_files_are_one_line)
{
    const char *dir = temp_dir();
    char path[4096], want[8192];

    buf_free(&said);
    buf_init(&said, 65536);
    snprintf(path, sizeof path, "%s/none.yaml", dir);
    snprintf(want, sizeof want, "%s:1:1: cannot be read: No such file or directory; check the name, or make the file\n",
             path);
    ck_assert_int_eq(yaml_schema_load(path, &whole, &got, &said), ERR_NOT_FOUND);
    ck_assert_str_eq(buf_text(&said), want);
    buf_clear(&said);
    snprintf(want, sizeof want, "%s:1:1: cannot be read: Is a directory; name a file\n", dir);
    ck_assert_int_ne(yaml_schema_load(dir, &whole, &got, &said), 0);
    ck_assert_str_eq(buf_text(&said), want);
    buf_free(&said);
}
END_TEST

START_TEST(a_file_that_is_too_large_says_by_how_much_and_what_to_do)
{
    enum { MIB = 1024 * 1024 };
    char *text = malloc(MIB + 1), want[8192];
    const char *path;

    buf_free(&said);
    buf_init(&said, 65536);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', MIB + 1);
    memcpy(text, "name: HV02\n#", 12);
    path = write_file(temp_dir(), "a.yaml", text, MIB);
    ck_assert_int_eq(yaml_schema_load(path, &whole, &got, &said), 0);
    ck_assert_str_eq(got.name, "HV02");
    path = write_file(temp_dir(), "a.yaml", text, MIB + 1);
    snprintf(want, sizeof want,
             "%s:1:1: too large (1048577 bytes; at most 1048576); no file of settings is: check the name\n", path);
    ck_assert_int_eq(yaml_schema_load(path, &whole, &got, &said), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), want);
    free(text);
    buf_free(&said);
}
END_TEST

START_TEST(a_file_is_loaded)
{
    const char *path = write_file(temp_dir(), "a.yaml", "name: HV02\n", 11);

    buf_free(&said);
    buf_init(&said, 65536);
    ck_assert_int_eq(yaml_schema_load(path, &whole, &got, &said), 0);
    ck_assert_str_eq(got.name, "HV02");
    buf_free(&said);
}
END_TEST

START_TEST(the_example_has_every_key_and_comments_out_what_is_required)
{
    struct buf out;

    buf_init(&out, 65536);
    yaml_doc_example("Title.", keys, KEYS, &out);
    ck_assert_str_eq(buf_text(&out),
                     "# Title.\n\n# Who.\n# name: \"\"\n\n# What else.\nnote: \"\"\n\nbox:\n"
                     "  # How many.\n  # Allowed: -5 to 10\n  count: 3\n"
                     "  # How large.\n  # Allowed: 1KiB to 1MiB\n  size: 4KiB\n"
                     "  inner:\n    # How long.\n    # Allowed: 0s to 90d\n    wait: 5m\n    # When.\n    at: \"\"\n"
                     "  # Whether.\n  # Allowed: true or false\n  on: false\n\n"
                     "# Which.\n# Allowed: red, green or blue\ncolour: red\n\n"
                     "# All.\nnames: []\n\n# Of it.\nversion: \"\"\n");
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, every_type_is_read);
    suite_test(s, what_is_left_out_has_its_default);
    suite_test(s, a_section_without_keys_is_as_if_left_out);
    suite_test(s, a_byte_order_mark_and_windows_line_ends_are_taken);
    suite_test(s, a_unit_may_stand_apart_and_empty_versions_and_times_may_be_written);
    suite_test(s, an_empty_file_lacks_the_required_key);
    suite_test(s, an_unknown_key_names_the_nearest);
    suite_test(s, an_unknown_section_is_one_line);
    suite_test(s, an_unknown_key_like_no_other_lists_its_section);
    suite_test(s, wrong_whole_numbers);
    suite_test(s, wrong_sizes);
    suite_test(s, wrong_lengths_of_time);
    suite_test(s, wrong_truth);
    suite_test(s, wrong_choices);
    suite_test(s, wrong_texts);
    suite_test(s, wrong_versions_and_times);
    suite_test(s, a_nul_inside_a_number_is_refused);
    suite_test(s, a_key_without_a_value_is_refused);
    suite_test(s, a_value_of_the_wrong_shape_is_refused);
    suite_test(s, wrong_list_items);
    suite_test(s, a_duplicate_key_names_the_first);
    suite_test(s, a_key_joined_with_dots_is_refused);
    suite_test(s, anchors_aliases_and_tags_are_refused);
    suite_test(s, a_second_document_is_refused);
    suite_test(s, keys_that_are_no_words_are_refused);
    suite_test(s, too_deep_is_refused);
    suite_test(s, broken_yaml_is_one_line_and_nothing_is_called_missing);
    suite_test(s, bytes_that_are_no_text_are_refused_with_their_place);
    suite_test(s, utf16_is_named);
    suite_test(s, a_huge_document_is_refused);
    suite_test(s, all_problems_come_at_once_in_order_of_place);
    suite_test(s, the_number_of_problems_is_bounded);
    suite_test(s, hostile_text_is_made_printable_in_messages);
    suite_test(s, unreadable_files_are_one_line);
    suite_test(s, a_file_that_is_too_large_says_by_how_much_and_what_to_do);
    suite_test(s, a_file_is_loaded);
    suite_test(s, the_example_has_every_key_and_comments_out_what_is_required);
}

int main(void)
{
    return suite_main("config: yaml_doc", add);
}
