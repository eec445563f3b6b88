/* What is sent, byte by byte: mail headers, the shapes of webhooks, signatures, files in a folder; with names that
 * guests chose to do harm. */
#include "base/text.h"
#include "hub/deliver_send.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hub_delivery delivery;
static struct content content;

static void set_up(enum fleet_job kind)
{
    memset(&delivery, 0, sizeof delivery);
    memset(&content, 0, sizeof content);
    text_copy(delivery.name, sizeof delivery.name, "ops");
    content.delivery = &delivery;
    content.kind = kind;
    content.made_ns = content.job_ns = T0;
    text_copy(content.id, sizeof content.id, "00112233445566778899aabbccddeeff");
    text_copy(content.title, sizeof content.title, "[hvfleet] 2 of 9 guests need a look");
    content.summary.guests = 9;
    content.summary.by_state[DRIFT_BEHIND] = 2;
    content.summary.by_state[DRIFT_CURRENT] = 7;
    buf_init(&content.text, CONTENT_TEXT_BYTES);
    buf_init(&content.html, CONTENT_HTML_BYTES);
    buf_init(&content.csv, CONTENT_CSV_BYTES);
    buf_init(&content.json, CONTENT_JSON_BYTES);
}

static void tear_down(void)
{
    buf_free(&content.text);
    buf_free(&content.html);
    buf_free(&content.csv);
    buf_free(&content.json);
}

static void add_item(const char *event, const char *name, const char *text)
{
    struct content_item *item = &content.items[content.item_count++];

    text_copy(item->event, sizeof item->event, event);
    text_copy(item->name, sizeof item->name, name);
    text_copy(item->host, sizeof item->host, "HV01");
    text_copy(item->text, sizeof item->text, text);
    content.item_total++;
}

/* ---- headers -------------------------------------------------------------------------------- */

static const char *header_of(const char *text)
{
    static char shown[4096];
    struct buf out;

    buf_init(&out, sizeof shown - 1);
    mime_header(&out, "Subject", text);
    text_copy(shown, sizeof shown, buf_text(&out));
    buf_free(&out);
    return shown;
}

START_TEST(a_plain_header_stays_as_it_is)
{
    ck_assert_str_eq(header_of("[hvfleet] 2 of 9 guests need a look"), "Subject: [hvfleet] 2 of 9 guests need a look");
    ck_assert_str_eq(header_of(""), "Subject: ");
}
END_TEST

START_TEST(other_characters_are_encoded)
{
    ck_assert_str_eq(header_of("K\xC3\xB6ln"), "Subject: =?UTF-8?B?S8O2bG4=?=");
    ck_assert_str_eq(header_of("=?UTF-8?Q?trick?="), "Subject: =?UTF-8?B?PT9VVEYtOD9RP3RyaWNrPz0=?=");
}
END_TEST

/* Control characters become something harmless, so that nothing begins a line of its own. */
START_TEST(no_text_begins_a_header_of_its_own)
{
    static const char *const hostile[] = {
        "x\r\nBcc: everyone@example.com", "x\nBcc: a@b",        "x\r\n\r\n<html>", "x\rBcc: a@b",
        "x\x0B\x0C\r\n.\r\nQUIT",         "\xFF\xFE\r\nTo: a@b"
    };

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const char *got = header_of(hostile[i]);

        for (const char *p = strpbrk(got, "\r\n"); p != NULL; p = strpbrk(p + 3, "\r\n"))
            ck_assert_msg(strncmp(p, "\r\n =?UTF-8?B?", 13) == 0, "a line of its own: %s", got);
    }
}
END_TEST

START_TEST(long_headers_are_folded_between_characters)
{
    char text[512];
    const char *got;
    size_t line = 0;

    for (size_t i = 0; i < 100; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 4);
    got = header_of(text);
    for (const char *p = got; *p != '\0'; p++) {
        line = *p == '\n' ? 0 : line + 1;
        ck_assert_uint_le(line, 78);
    }
    /* 42 bytes are 14 whole characters: 8 words. */
    for (line = 0; (got = strstr(got, "=?UTF-8?B?")) != NULL; got++)
        line++;
    ck_assert_uint_eq(line, 8);
}
END_TEST

START_TEST(dates_are_those_of_mail)
{
    char out[40];

    ck_assert_str_eq(mime_date(T0, out), "Sat, 31 Jan 2026 08:00:00 +0000");
    ck_assert_str_eq(mime_date(1, out), "Thu, 01 Jan 1970 00:00:00 +0000");
}
END_TEST

/* ---- webhooks ----------------------------------------------------------------------------------- */

static json_t *shaped(int (*shape)(const struct content *c, struct buf *out, struct err *e), size_t *len)
{
    struct buf out;
    struct err e = { 0 };
    json_error_t why;
    json_t *root;

    buf_init(&out, 2 * CONTENT_JSON_BYTES);
    ck_assert_msg(shape(&content, &out, &e) == 0, "%s", e.text);
    root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &why);
    ck_assert_msg(root != NULL, "%s: %s", why.text, buf_text(&out));
    *len = out.len;
    buf_free(&out);
    return root;
}

static const char *text_at(json_t *root, const char *a, size_t i, const char *b)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(root, a), i), b));
}

/* What openssl says: printf 1769846400.hello | openssl dgst -sha256 -hmac key */
START_TEST(the_signature_is_the_documented_one)
{
    char out[SIGNATURE_MAX];

    ck_assert_int_eq(webhook_signature("key", 1769846400, "hello", 5, out, NULL), 0);
    ck_assert_str_eq(out, "v1=bbb52033428b9d490b6d905e194a1092b9bcb3778ff265895b6974a30d64e252");
}
END_TEST

START_TEST(json_has_everything_and_the_report_as_it_is)
{
    json_t *root;
    size_t len;

    set_up(JOB_FOUND);
    add_item("new-drift", "web\"01\\", "current -> behind: </script>");
    buf_str(&content.json, "{\"schema\":\"hvfleet.report.drift/1\"}");
    root = shaped(shape_json, &len);
    ck_assert_str_eq(json_string_value(json_object_get(root, "schema")), "hvfleet.delivery/1");
    ck_assert_str_eq(json_string_value(json_object_get(root, "kind")), "found");
    ck_assert_str_eq(text_at(root, "found", 0, "name"), "web\"01\\");
    ck_assert_int_eq(json_integer_value(json_object_get(root, "found_total")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(root, "report"), "schema")),
                     "hvfleet.report.drift/1");
    json_decref(root);
    tear_down();
}
END_TEST

START_TEST(a_report_that_is_too_large_is_left_out)
{
    json_t *root;
    size_t len;

    set_up(JOB_SCHEDULED);
    root = shaped(shape_json, &len);
    ck_assert(json_is_null(json_object_get(root, "report")));
    ck_assert_uint_eq(json_array_size(json_object_get(root, "found")), 0);
    json_decref(root);
    tear_down();
}
END_TEST

static void add_many(size_t total)
{
    char text[FLEET_EVIDENCE_MAX];

    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    while (content.item_count < CONTENT_ITEMS_MAX)
        add_item("new-drift", "*bold* _x_ <!channel> [a](https://evil.example)", text);
    content.item_total = total;
}

START_TEST(teams_gets_less_than_its_limit_and_the_rest_counted)
{
    json_t *root, *body, *last;
    const char *text;
    size_t len;

    set_up(JOB_FOUND);
    text_copy(content.link, sizeof content.link, "https://hub.example.com/");
    add_many(1000);
    root = shaped(shape_teams, &len);
    ck_assert_uint_lt(len, 28000);
    body = json_object_get(json_object_get(json_array_get(json_object_get(root, "attachments"), 0), "content"), "body");
    last = json_array_get(body, json_array_size(body) - 1);
    text = text_at(last, "inlines", 0, "text");
    ck_assert_msg(strncmp(text, "and 9", 5) == 0 && strstr(text, " more") != NULL, "%s", text);
    json_decref(root);
    tear_down();
}
END_TEST

/* Names are TextRuns, in which Markdown means nothing; only what we wrote is anything else. */
START_TEST(names_are_no_markup_for_teams)
{
    json_t *root, *body, *part;
    const char *type;
    size_t len, i;

    set_up(JOB_FOUND);
    add_item("new-drift", "[a](https://evil.example)", "");
    root = shaped(shape_teams, &len);
    body = json_object_get(json_object_get(json_array_get(json_object_get(root, "attachments"), 0), "content"), "body");
    json_array_foreach(body, i, part)
    {
        type = json_string_value(json_object_get(part, "type"));
        ck_assert_msg(strcmp(type, "RichTextBlock") == 0 || strcmp(type, "FactSet") == 0, "%s", type);
    }
    json_decref(root);
    tear_down();
}
END_TEST

START_TEST(slack_gets_less_than_its_limits_and_no_markup)
{
    json_t *root, *blocks, *block;
    size_t len, i;

    set_up(JOB_FOUND);
    text_copy(content.title, sizeof content.title, "<!channel> & more");
    text_copy(content.link, sizeof content.link, "https://hub.example.com/");
    add_many(1000);
    root = shaped(shape_slack, &len);
    ck_assert_str_eq(json_string_value(json_object_get(root, "text")), "&lt;!channel&gt; &amp; more");
    blocks = json_object_get(root, "blocks");
    ck_assert_uint_le(json_array_size(blocks), 50);
    json_array_foreach(blocks, i, block)
    {
        json_t *text = json_object_get(block, "text");

        if (text == NULL)
            continue;
        ck_assert_str_eq(json_string_value(json_object_get(text, "type")), "plain_text");
        ck_assert_uint_lt(strlen(json_string_value(json_object_get(text, "text"))), 3000);
    }
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(
                   json_object_get(json_array_get(blocks, json_array_size(blocks) - 2), "text"), "text")),
               " more"));
    json_decref(root);
    tear_down();
}
END_TEST

/* ---- incidents in chats --------------------------------------------------------------------- */

/* As many as are told by name, each as long as it can be, of characters that JSON has to escape. */
static void add_incidents(void)
{
    char text[CONTENT_SENTENCE_MAX];

    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    while (content.item_count < CONTENT_ITEMS_EACH) {
        struct content_item *item = &content.items[content.item_count];

        add_item("new-incident", "<!channel> [a](https://evil.example)", text);
        text_copy(item->code, sizeof item->code, "0x000000d1");
        text_copy(item->finding, sizeof item->finding, text);
        text_copy(item->action, sizeof item->action, text);
        text_copy(item->confidence, sizeof item->confidence, "high");
        text_copy(item->link, sizeof item->link, "https://hub.example.com/incident/0011223344556677");
    }
    content.item_total = 40;
}

START_TEST(incidents_fit_a_teams_message_and_each_has_its_link)
{
    json_t *root, *body, *part, *last;
    size_t len, i, links = 0;

    set_up(JOB_FOUND);
    add_incidents();
    root = shaped(shape_teams, &len);
    ck_assert_uint_lt(len, 28000);
    body = json_object_get(json_object_get(json_array_get(json_object_get(root, "attachments"), 0), "content"), "body");
    json_array_foreach(body, i, part) links +=
        json_object_get(json_array_get(json_object_get(part, "inlines"), 0), "selectAction") != NULL;
    ck_assert_uint_gt(links, 0);
    last = json_array_get(body, json_array_size(body) - 1);
    ck_assert_ptr_nonnull(strstr(text_at(last, "inlines", 0, "text"), " more"));
    json_decref(root);
    tear_down();
}
END_TEST

START_TEST(incidents_fit_a_slack_message_and_each_has_its_button)
{
    json_t *root, *blocks, *block;
    size_t len, i, buttons = 0;

    set_up(JOB_FOUND);
    add_incidents();
    root = shaped(shape_slack, &len);
    blocks = json_object_get(root, "blocks");
    ck_assert_uint_le(json_array_size(blocks), 50);
    json_array_foreach(blocks, i, block)
    {
        const char *text = json_string_value(json_object_get(json_object_get(block, "text"), "text"));

        ck_assert_uint_lt(strlen(text), 3000);
        buttons += json_object_get(block, "accessory") != NULL;
    }
    ck_assert_uint_gt(buttons, 0);
    ck_assert_str_eq(json_string_value(json_object_get(
                         json_object_get(json_array_get(blocks, json_array_size(blocks) - 1), "text"), "text")),
                     "and 28 more");
    ck_assert_uint_eq(buttons, 12);
    json_decref(root);
    tear_down();
}
END_TEST

/* ---- HTML ------------------------------------------------------------------------------------------ */

START_TEST(names_are_text_in_html)
{
    set_up(JOB_FOUND);
    add_item("new-drift", "\"><script>alert(1)</script>", "it's & <b>");
    content.counts[DELIVERY_NEW_DRIFT] = 1;
    content_notice_html(&content, &content.html);
    ck_assert_ptr_null(strstr(buf_text(&content.html), "<script>"));
    ck_assert_ptr_nonnull(strstr(buf_text(&content.html),
                                 "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; on HV01: it&#39;s &amp; &lt;b&gt;"));
    tear_down();
}
END_TEST

/* ---- folders ---------------------------------------------------------------------------------------- */

static void set_up_folder(int keep)
{
    set_up(JOB_SCHEDULED);
    text_copy(delivery.folder, sizeof delivery.folder, temp_dir());
    delivery.format = DELIVER_JSON;
    delivery.folder_keep = keep;
}

static int count_files(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int n = 0;

    while ((entry = readdir(dir)) != NULL)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static bool is_there(const char *name)
{
    char path[CONTENT_LINK_MAX + 128];

    snprintf(path, sizeof path, "%s/%s", delivery.folder, name);
    return access(path, F_OK) == 0;
}

static enum deliver_outcome write_at(int64_t ns)
{
    struct deliver_result result;

    content.job_ns = ns;
    buf_clear(&content.json);
    buf_str(&content.json, "{}");
    deliver_folder(&content, &result);
    return result.outcome;
}

START_TEST(a_file_is_named_by_its_time_and_a_second_try_is_the_same_file)
{
    set_up_folder(3);
    ck_assert_int_eq(write_at(T0), DELIVER_SENT);
    ck_assert_int_eq(write_at(T0), DELIVER_SENT);
    ck_assert(is_there("ops-20260131-080000.json"));
    ck_assert_int_eq(count_files(delivery.folder), 1);
    tear_down();
}
END_TEST

START_TEST(the_newest_files_stay_and_those_of_others_too)
{
    static const char *const others[] = { "ops-20200101-000000.csv", "ops2-20200101-000000.json", "ops-notes.json",
                                          "ops-20200101-000000.json.bak", "other-20200101-000000.json" };

    set_up_folder(3);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        write_file(delivery.folder, others[i], "x", 1);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(write_at(T0 + i * 24 * 60 * MINUTES), DELIVER_SENT);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(is_there(others[i]), "%s is gone", others[i]);
    ck_assert_int_eq(count_files(delivery.folder), 3 + (int)(sizeof others / sizeof others[0]));
    ck_assert(is_there("ops-20260205-080000.json"));
    ck_assert(!is_there("ops-20260202-080000.json"));
    tear_down();
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_tried_again)
{
    struct deliver_result result;

    set_up_folder(3);
    text_copy(delivery.folder, sizeof delivery.folder, "/nowhere/at/all");
    buf_str(&content.json, "{}");
    deliver_folder(&content, &result);
    ck_assert_int_eq(result.outcome, DELIVER_RETRY);
    ck_assert_str_eq(result.text, "/nowhere/at/all: No such file or directory");
    tear_down();
}
END_TEST

START_TEST(a_link_in_place_of_the_new_file_is_not_followed)
{
    char link[CONTENT_LINK_MAX + 128];
    struct deliver_result result;

    set_up_folder(3);
    snprintf(link, sizeof link, "%s/.ops-20260131-080000.json.new", delivery.folder);
    ck_assert_int_eq(symlink("/dev/null", link), 0);
    buf_str(&content.json, "{}");
    deliver_folder(&content, &result);
    ck_assert_int_eq(result.outcome, DELIVER_RETRY);
    ck_assert(!is_there("ops-20260131-080000.json"));
    tear_down();
}
END_TEST

/* ---- secrets ---------------------------------------------------------------------------------------- */

START_TEST(a_secret_is_the_first_line_of_its_file)
{
    char out[DELIVER_SECRET_MAX];
    const char *path = write_file(temp_dir(), "secret", "  s3 cret \r\nmore\n", 17);

    ck_assert_int_eq(deliver_secret("smtp.password_file", path, out, NULL), 0);
    ck_assert_str_eq(out, "s3 cret");
}
END_TEST

START_TEST(an_empty_secret_is_no_secret)
{
    char out[DELIVER_SECRET_MAX];
    struct err e;
    const char *path = write_file(temp_dir(), "secret", "\n\n", 2);

    ck_assert_int_eq(deliver_secret("smtp.password_file", path, out, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "is empty"));
    ck_assert_int_eq(deliver_secret("smtp.password_file", "/nowhere/x", out, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_secret_of_4094_bytes_is_whole_and_a_longer_one_is_refused)
{
    char out[DELIVER_SECRET_MAX], text[DELIVER_SECRET_MAX], want[5000];
    const char *path;
    struct err e;

    memset(text, 's', sizeof text);
    path = write_file(temp_dir(), "secret", text, 4094);
    ck_assert_int_eq(deliver_secret("smtp.password_file", path, out, NULL), 0);
    ck_assert_uint_eq(strlen(out), 4094);
    path = write_file(temp_dir(), "secret", text, 4095);
    ck_assert_int_eq(deliver_secret("smtp.password_file", path, out, &e), ERR_TOO_BIG);
    snprintf(want, sizeof want, "smtp.password_file %s is too large (at most 4094 bytes); put one line into it", path);
    ck_assert_str_eq(e.text, want);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_plain_header_stays_as_it_is);
    suite_test(s, other_characters_are_encoded);
    suite_test(s, no_text_begins_a_header_of_its_own);
    suite_test(s, long_headers_are_folded_between_characters);
    suite_test(s, dates_are_those_of_mail);
    suite_test(s, the_signature_is_the_documented_one);
    suite_test(s, json_has_everything_and_the_report_as_it_is);
    suite_test(s, a_report_that_is_too_large_is_left_out);
    suite_test(s, teams_gets_less_than_its_limit_and_the_rest_counted);
    suite_test(s, names_are_no_markup_for_teams);
    suite_test(s, incidents_fit_a_teams_message_and_each_has_its_link);
    suite_test(s, incidents_fit_a_slack_message_and_each_has_its_button);
    suite_test(s, slack_gets_less_than_its_limits_and_no_markup);
    suite_test(s, names_are_text_in_html);
    suite_test(s, a_file_is_named_by_its_time_and_a_second_try_is_the_same_file);
    suite_test(s, the_newest_files_stay_and_those_of_others_too);
    suite_test(s, a_folder_that_is_not_there_is_tried_again);
    suite_test(s, a_link_in_place_of_the_new_file_is_not_followed);
    suite_test(s, a_secret_is_the_first_line_of_its_file);
    suite_test(s, an_empty_secret_is_no_secret);
    suite_test(s, a_secret_of_4094_bytes_is_whole_and_a_longer_one_is_refused);
}

int main(void)
{
    return suite_main("hub: deliver_forms", add);
}
