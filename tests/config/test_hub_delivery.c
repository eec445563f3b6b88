/* hub_delivery.h: what may be written below `delivery`, and the exact line for what may not. */
#include "base/times.h"
#include "config/hub_config.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct hub_config cfg;
static struct buf said = { .max = 65536 };

static int read_settings(const char *yaml)
{
    buf_clear(&said);
    return hub_config_parse("hub.yaml", yaml, strlen(yaml), &cfg, &said);
}

static void right(const char *yaml)
{
    int rc = read_settings(yaml);

    ck_assert_str_eq(buf_text(&said), "");
    ck_assert_int_eq(rc, 0);
    buf_free(&said);
}

static void wrong(const char *yaml, const char *lines)
{
    ck_assert_int_eq(read_settings(yaml), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), lines);
    buf_free(&said);
}

/* One delivery; its keys stand on line 3 from column 7 on. */
static const char *one(const char *keys)
{
    static char yaml[4096];

    snprintf(yaml, sizeof yaml, "delivery:\n  list:\n    - {%s}\n", keys);
    return yaml;
}

#define TO_FOLDER "folder: {path: /srv}"

START_TEST(without_deliveries_there_are_none)
{
    right("log: {level: info}\n");
    ck_assert_int_eq(cfg.delivery.count, 0);
    ck_assert_int_eq(cfg.delivery.look_ns, 10 * NS_PER_S);
    ck_assert_int_eq(cfg.delivery.give_up_ns, 86400 * NS_PER_S);
    right("delivery: {list: []}\n");
    ck_assert_int_eq(cfg.delivery.count, 0);
}
END_TEST

START_TEST(a_delivery_has_its_defaults)
{
    const struct hub_delivery *d = &cfg.delivery.list[0];

    right(one("name: a, schedule: daily 07:30, " TO_FOLDER));
    ck_assert_int_eq(cfg.delivery.count, 1);
    ck_assert_str_eq(d->name, "a");
    ck_assert_int_eq(d->what, DELIVER_DRIFT);
    ck_assert_int_eq(d->format, DELIVER_HTML);
    ck_assert_str_eq(d->zone, "UTC");
    ck_assert_uint_eq(d->events, 0);
    ck_assert_int_eq(d->batch_ns, 300 * NS_PER_S);
    ck_assert_int_eq(d->folder_keep, 30);
    ck_assert_int_eq(d->security, SMTP_TLS_REQUIRED);
    ck_assert_int_eq(hub_delivery_target(d), DELIVER_FOLDER);
}
END_TEST

START_TEST(each_section_of_the_list_is_one_delivery)
{
    right("delivery:\n"
          "  list:\n"
          "    - name: mail\n"
          "      on: [new-drift, silent-host]\n"
          "      smtp:\n"
          "        url: smtp://mail.example.com:587\n"
          "        user: u\n"
          "        password_file: /etc/pw\n"
          "        from: a@example.com\n"
          "        to:\n"
          "          - b@example.com\n"
          "          - c@example.com\n"
          "    - name: hook\n"
          "      schedule: weekly mon 07:30\n"
          "      webhook: {url: 'https://x.example.com/y?sig=z%2F', shape: teams}\n");
    ck_assert_int_eq(cfg.delivery.count, 2);
    ck_assert_uint_eq(cfg.delivery.list[0].events, 1U << DELIVERY_NEW_DRIFT | 1U << DELIVERY_SILENT_HOST);
    ck_assert_str_eq(cfg.delivery.list[0].to, "b@example.com\nc@example.com");
    ck_assert_int_eq(hub_delivery_target(&cfg.delivery.list[0]), DELIVER_SMTP);
    ck_assert_str_eq(cfg.delivery.list[1].name, "hook");
    ck_assert_str_eq(cfg.delivery.list[1].to, "");
    ck_assert_int_eq(cfg.delivery.list[1].shape, WEBHOOK_TEAMS);
}
END_TEST

START_TEST(unknown_and_missing_keys_of_an_item_have_their_place)
{
    wrong(one("name: a, shedule: daily 07:30, on: [gap], " TO_FOLDER),
          "hub.yaml:3:17: delivery.list[0].shedule: unknown key; did you mean schedule?\n");
    wrong(one("schedule: daily 07:30, " TO_FOLDER),
          "hub.yaml:3:7: delivery.list[0].name: is missing; this key has no default\n");
    wrong(one("name: a, on: [gap], folder: {path: /srv, kep: 3}"),
          "hub.yaml:3:49: delivery.list[0].folder.kep: unknown key; did you mean folder.keep?\n");
    wrong(one("name: a, on: [gap], on: [gap], " TO_FOLDER),
          "hub.yaml:3:28: delivery.list[0].on: given twice, first on line 3; keep one of the two\n");
}
END_TEST

START_TEST(a_list_of_something_else_is_refused)
{
    wrong(
        "delivery: {list: [a]}\n",
        "hub.yaml:1:19: delivery.list: an item of this list is no set of keys; write \"- key: value\" and further keys "
        "indented below it\n");
    wrong("delivery: {list: {name: a}}\n",
          "hub.yaml:1:18: delivery.list: expects a list, not keys below it; write \"- \" "
          "before the first of them\n");
    wrong("delivery: {list: a}\n", "hub.yaml:1:18: delivery.list: expects a list; write [a]\n");
}
END_TEST

START_TEST(more_deliveries_than_there_is_room_for_are_refused)
{
    static char yaml[16384];
    size_t n = (size_t)snprintf(yaml, sizeof yaml, "delivery:\n  list:\n");

    for (int i = 0; i <= DELIVERIES_MAX; i++)
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, "  - {name: d%d, on: [gap], " TO_FOLDER "}\n", i);
    wrong(yaml, "hub.yaml:35:5: delivery.list: more than 32 items; remove some\n");
}
END_TEST

START_TEST(names_differ_and_are_names)
{
    wrong("delivery:\n  list:\n  - {name: Ops, on: [gap], " TO_FOLDER "}\n  - {name: ops, on: [gap], " TO_FOLDER "}\n",
          "hub.yaml:4:12: delivery.list[1].name: there is a delivery of this name already; write another name\n");
    wrong(one("name: 'a/b', on: [gap], " TO_FOLDER),
          "hub.yaml:3:14: delivery.list[0].name: is no name; write letters, digits, -, _ and dots, a letter or digit "
          "first\n");
}
END_TEST

START_TEST(what_goes_nowhere_or_never_is_refused)
{
    wrong(one("name: a, on: [gap]"),
          "hub.yaml:3:14: delivery.list[0].name: it goes nowhere; write smtp.url, webhook.url or folder.path\n");
    wrong(one("name: a, on: [gap], webhook: {url: 'https://x.example.com/'}, " TO_FOLDER),
          "hub.yaml:3:14: delivery.list[0].name: it has several targets; make a delivery of each\n");
    wrong(one("name: a, " TO_FOLDER),
          "hub.yaml:3:7: delivery.list[0].schedule: it would never go out; write a schedule, "
          "or what it is told of with \"on\"\n");
    wrong(one("name: a, on: [gap], smtp: {to: [a@b]}, " TO_FOLDER),
          "hub.yaml:3:39: delivery.list[0].smtp.to: this delivery goes to folder; remove it\n");
}
END_TEST

START_TEST(times_and_places_are_checked)
{
    wrong(one("name: a, schedule: daily 7:30, " TO_FOLDER),
          "hub.yaml:3:27: delivery.list[0].schedule: is no schedule; write \"daily 07:30\", \"weekdays 07:30\" or "
          "\"weekly mon 07:30\"\n");
    wrong(
        one("name: a, schedule: daily 07:30, time_zone: Mars/Base, " TO_FOLDER),
        "hub.yaml:3:51: delivery.list[0].time_zone: \"Mars/Base\" is not a time zone that this system knows; write an "
        "IANA name such as Europe/Berlin or UTC, and install tzdata\n");
    wrong(one("name: a, on: [new-drfit], " TO_FOLDER),
          "hub.yaml:3:22: delivery.list[0].on: \"new-drfit\" is not known; did you mean new-drift? (new-drift, "
          "silent-host, gap, sequence-hole, shared-agent-id, clock-off or new-incident)\n");
}
END_TEST

#define MAIL(more) "name: a, on: [gap], smtp: {url: 'smtp://m.example.com:587', from: a@b.c, to: [d@e.f]" more "}"

START_TEST(a_mail_needs_addresses_alone)
{
    static const char *const bad[] = { "Ops <a@b.c>", "a@b.c, d@e.f", "a", "@b", "a@", "a@b@c", "<a@b>" };
    char keys[512];

    right(one(MAIL("")));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(keys, sizeof keys, "name: a, on: [gap], smtp: {url: 'smtp://m.example.com', from: a@b.c, to: ['%s']}",
                 bad[i]);
        ck_assert_msg(read_settings(one(keys)) == ERR_INVALID, "%s was taken", bad[i]);
        ck_assert_msg(strstr(buf_text(&said), "holds something that is no address") != NULL, "%s", buf_text(&said));
    }
    ck_assert_int_eq(
        read_settings(one("name: a, on: [gap], smtp: {url: 'smtp://m.example.com', from: 'a@b.c\\r\\nBcc: x@y'}")),
        ERR_INVALID);
    buf_free(&said);
}
END_TEST

START_TEST(a_password_never_goes_out_in_the_clear)
{
    wrong(
        one(MAIL(", user: u, password_file: /p, starttls: when-offered")),
        "hub.yaml:3:132: delivery.list[0].smtp.starttls: the password could go out in the clear; write required, or no "
        "user\n");
    wrong(one(MAIL(", user: u")),
          "hub.yaml:3:100: delivery.list[0].smtp.user: a login needs a password; write smtp.password_file too\n");
    right(one(MAIL(", user: u, password_file: /p")));
}
END_TEST

START_TEST(urls_are_checked_without_being_shown)
{
    static const char *const bad[] = { "http://hooks.example.com/SECRET", "ftp://x/SECRET", "https://u:SECRET@x/",
                                       "https://x.example.com/?a=SECRET#b", "https://x/SECRET y" };
    char keys[512];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(keys, sizeof keys, "name: a, on: [gap], webhook: {url: '%s'}", bad[i]);
        ck_assert_msg(read_settings(one(keys)) == ERR_INVALID, "%s was taken", bad[i]);
        ck_assert_msg(strstr(buf_text(&said), "SECRET") == NULL, "%s", buf_text(&said));
    }
    right(one("name: a, on: [gap], webhook: {url: 'http://127.0.0.1:8080/x'}"));
    wrong(one("name: a, on: [gap], smtp: {url: 'smtp://u:p@m', from: a@b.c, to: [d@e.f]}"),
          "hub.yaml:3:40: delivery.list[0].smtp.url: holds a user name or a password; write smtp.user and "
          "smtp.password_file\n");
    buf_free(&said);
}
END_TEST

START_TEST(forms_fit_their_targets)
{
    wrong(one("format: csv, " MAIL("")),
          "hub.yaml:3:16: delivery.list[0].format: a mail is html or text, and has the CSV "
          "attached; write one of the two\n");
    wrong(one("name: a, on: [gap], webhook: {url: 'https://x.example.com/', shape: slack, secret_file: /s}"),
          "hub.yaml:3:96: delivery.list[0].webhook.secret_file: Teams and Slack check no signature; leave it out, or "
          "write \"shape: json\"\n");
    right(one("name: a, on: [gap], format: csv, " TO_FOLDER));
}
END_TEST

START_TEST(a_recipient_list_has_its_ceiling)
{
    static char keys[65536];
    size_t n = (size_t)snprintf(keys, sizeof keys,
                                "name: a, on: [gap], smtp: {url: 'smtp://m.example.com', from: a@b.c, "
                                "to: [");

    for (int i = 0; i < 60; i++)
        n += (size_t)snprintf(keys + n, sizeof keys - n, "%sa%0100d@example.com", i > 0 ? ", " : "", i);
    snprintf(keys + n, sizeof keys - n, "]}");
    {
        static char yaml[65536 + 64];

        snprintf(yaml, sizeof yaml, "delivery:\n  list:\n    - {%s}\n", keys);
        ck_assert_int_eq(read_settings(yaml), ERR_INVALID);
    }
    ck_assert_msg(strstr(buf_text(&said), "the list is too long; its items may have 4095 bytes together") != NULL, "%s",
                  buf_text(&said));
    buf_free(&said);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, without_deliveries_there_are_none);
    suite_test(s, a_delivery_has_its_defaults);
    suite_test(s, each_section_of_the_list_is_one_delivery);
    suite_test(s, unknown_and_missing_keys_of_an_item_have_their_place);
    suite_test(s, a_list_of_something_else_is_refused);
    suite_test(s, more_deliveries_than_there_is_room_for_are_refused);
    suite_test(s, names_differ_and_are_names);
    suite_test(s, what_goes_nowhere_or_never_is_refused);
    suite_test(s, times_and_places_are_checked);
    suite_test(s, a_mail_needs_addresses_alone);
    suite_test(s, a_password_never_goes_out_in_the_clear);
    suite_test(s, urls_are_checked_without_being_shown);
    suite_test(s, forms_fit_their_targets);
    suite_test(s, a_recipient_list_has_its_ceiling);
}

int main(void)
{
    return suite_main("config: hub_delivery", add);
}
