/* What the values of a config file say of each other: each relation at its border, and that nothing is concluded from
 * a value that is wrong itself. */
#include "base/times.h"
#include "config/agent_config.h"
#include "config/hub_config.h"
#include "config/store_url.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct agent_config agent;
static struct hub_config hub;
static struct buf said = { .max = 65536 };

static int read_as(bool is_hub, const char *yaml)
{
    buf_clear(&said);
    return is_hub ? hub_config_parse("f", yaml, strlen(yaml), &hub, &said)
                  : agent_config_parse("f", yaml, strlen(yaml), &agent, &said);
}

static void right(bool is_hub, const char *yaml)
{
    ck_assert_msg(read_as(is_hub, yaml) == 0, "%s%s", yaml, buf_text(&said));
    ck_assert_str_eq(buf_text(&said), "");
    buf_free(&said);
}

/* Refused with one line, which holds that. */
static void wrong(bool is_hub, const char *yaml, const char *line)
{
    const char *end;

    ck_assert_msg(read_as(is_hub, yaml) == ERR_INVALID, "taken: %s", yaml);
    end = strchr(buf_text(&said), '\n');
    ck_assert_msg(end != NULL && end[1] == '\0', "not one line of %s%s", yaml, buf_text(&said));
    ck_assert_msg(strstr(buf_text(&said), line) != NULL, "\"%s\" is not in %s", line, buf_text(&said));
    buf_free(&said);
}

enum { AGENT = false, HUB = true };

#define OPEN           "listen: 0.0.0.0:4318\ntls: {cert_file: c, key_file: k}\n"
#define DELIVERY(keys) "delivery:\n  list:\n    - {" keys "}\n"
#define FOLDER         "folder: {path: /srv}"
#define SMTP           "smtp: {url: 'smtp://m.example.com', from: a@b.c, to: [d@e.f]}"

/* ---- a wrong value is told once ------------------------------------------ */

START_TEST(nothing_is_concluded_from_a_value_that_is_wrong_itself)
{
    static const struct {
        bool is_hub;
        const char *yaml;
    } cases[] = {
        { AGENT, "hub: {url: [x], verify: false, proxy: 'http://p:1'}\n" },
        { AGENT, "hub: {url: 'https://hub.example.com', verify: perhaps}\n" },
        { AGENT, "hub: {proxy: [x]}\n" },
        { AGENT, "hub: {cert_file: [x], key_file: k}\n" },
        { AGENT, "hub: {cert_file: c, key_file: [k]}\n" },
        { AGENT, "hub: {cert_file: store:x, cert_password_file: [p]}\n" },
        { AGENT, "hub: {enroll_token_file: [t], url: 'http://127.0.0.1:1'}\n" },
        { AGENT, "kvp: {hash: OSName}\n" },
        { AGENT, "kvp: {hash: [NetworkAddressIPv4], hash_key_file: [k]}\n" },
        { AGENT, "hub: {retry: {min: soon, max: 500ms}}\n" },
        { AGENT, "hub: {retry: {min: 10m, max: soon}}\n" },
        { HUB, "listen: [x]\n" },
        { HUB, "listen: 0.0.0.0:4318\ntls: {cert_file: [c]}\ningest: {token_file: t}\n" },
        { HUB, "listen: 0.0.0.0:4318\ntls: {cert_file: c, key_file: k}\ningest: {token_file: [t]}\n" },
        { HUB, "listen: 0.0.0.0:4318\ntls: {cert_file: c, key_file: k, client_ca_file: [a]}\n" },
        { HUB, OPEN "ingest: {require_certificate: perhaps}\n" },
        { HUB, OPEN "ingest: {require_certificate: false, token_file: [t]}\n" },
        { HUB, "listen: 0.0.0.0:4318\ntls: {cert_file: c, key_file: k, client_ca_file: [a]}\n"
               "ingest: {require_certificate: false}\n" },
        { HUB, "tls: {cert_file: [c], key_file: k}\n" },
        { HUB, "tls: {cert_file: c, key_file: [k]}\n" },
        { HUB, "store: {path: ['postgresql://x y']}\n" },
        { HUB, "forward: {otlp: {url: [x]}}\n" },
        { HUB, "forward: {syslog: {address: [x]}}\n" },
        { HUB, "forward: {retry: {min: soon, max: 500ms}}\n" },
        { HUB, "forward: {retry: {min: 10m, max: soon}}\n" },
        { HUB, "web: {proxy: {header: [x], addresses: [127.0.0.1]}}\n" },
        { HUB, "web: {proxy: {header: x, addresses: {a: 1}}}\n" },
        { HUB, "web: {proxy: {header: [x], anyone: true}}\n" },
        { HUB, "web: {open_on_loopback: true, proxy: {header: [x]}}\n" },
        { HUB, "web: {session_idle: soon, session_max: 5m}\n" },
        { HUB, "web: {session_idle: 20h, session_max: soon}\n" },
        { HUB, "ingest: {max_body: much, max_decoded: 1MiB}\n" },
        { HUB, "ingest: {max_body: 64MiB, max_decoded: much}\n" },
        { HUB, "delivery: {public_url: [x]}\n" },
        { HUB, "delivery: {retry: {min: soon, max: 1s}}\n" },
        { HUB, "delivery: {retry: {min: 1h, max: soon}}\n" },
        { HUB, "delivery: {list: 7}\n" },
        { HUB, "delivery: {list: [*x]}\n" },
        { HUB, "listen: 0.0.0.0:4318\ntls: {cert_file: 'c\n" }, /* of a file that broke off */
        { HUB, DELIVERY("name: [x], on: [gap], " FOLDER) },
        { HUB, DELIVERY("name: a, schedule: [x], " FOLDER) },
        { HUB, DELIVERY("name: a, on: [none], " FOLDER) },
        { HUB, DELIVERY("name: a, on: [gap], time_zone: [x], " FOLDER) },
        { HUB, DELIVERY("name: a, on: [gap], smtp: {url: [x]}") },
        { HUB, DELIVERY("name: a, on: [gap], webhook: {url: [x]}") },
        { HUB, DELIVERY("name: a, on: [gap], folder: {path: [x]}") },
        { HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: [x], to: [d@e.f]}") },
        { HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: a@b.c, to: d@e.f}") },
        { HUB, DELIVERY("name: a, on: [gap], format: pdf, " SMTP) },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        wrong(cases[i].is_hub, cases[i].yaml, "f:");
}
END_TEST

/* ---- the agent ------------------------------------------------------------ */

START_TEST(a_loopback_hub_needs_no_verification_and_no_proxy)
{
    right(AGENT, "hub: {url: 'https://127.0.0.1:4318', verify: false, proxy: none}\n");
    wrong(AGENT, "hub: {url: 'https://hub.example.com', verify: false}\n",
          "f:1:47: hub.verify: false is for a loopback address only");
    wrong(AGENT, "hub: {url: 'https://127.0.0.1', proxy: 'http://p.example.com:3128'}\n",
          "hub.proxy: a loopback address is never reached through a proxy; remove it");
    right(AGENT, "hub: {url: 'https://hub.example.com', proxy: 'http://p.example.com:3128'}\n");
    wrong(AGENT, "hub: {proxy: 'ftp://p.example.com'}\n", "hub.proxy: is neither none nor a proxy");
}
END_TEST

START_TEST(enrolment_needs_tls_and_no_certificate_of_its_own)
{
    right(AGENT, "hub: {url: 'https://hub.example.com', enroll_token_file: /t}\n");
    right(AGENT, "hub: {enroll_token_file: /t}\n"); /* it ships nothing yet */
    wrong(AGENT, "hub: {url: 'http://127.0.0.1:4318', enroll_token_file: /t}\n",
          "hub.enroll_token_file: enrolment needs TLS; write https:// in hub.url");
    wrong(AGENT, "hub: {url: 'HTTP://127.0.0.1:4318', enroll_token_file: /t}\n",
          "hub.enroll_token_file: enrolment needs TLS; write https:// in hub.url");
    wrong(AGENT, "hub: {url: 'https://hub.example.com', enroll_token_file: /t, cert_file: /c, key_file: /k}\n",
          "hub.enroll_token_file: hub.cert_file brings a certificate of its own; remove one of the two");
}
END_TEST

START_TEST(of_two_lengths_the_one_that_was_written_is_blamed)
{
    right(AGENT, "hub: {retry: {min: 1s, max: 1s}}\n");
    wrong(AGENT, "hub: {retry: {min: 10m}}\n",
          "hub.retry.min: is longer than hub.retry.max; write less here, or more there");
    wrong(AGENT, "hub: {retry: {max: 100ms}}\n", "hub.retry.max: ");
    right(AGENT, "kvp: {interval: 24h, refresh: 24h}\n");
    wrong(AGENT, "kvp: {refresh: 1m}\n", "kvp.refresh: is shorter than kvp.interval; write more here, or less there");
    wrong(AGENT, "dumps: {settle: 1h}\n",
          "dumps.settle: is not shorter than dumps.give_up; write less here, or more there");
    wrong(AGENT, "dumps: {give_up: 10s}\n",
          "dumps.give_up: is not longer than dumps.settle; write more here, or less there");
}
END_TEST

START_TEST(what_decides_drift_is_not_hashed_wherever_it_stands_in_the_list)
{
    right(AGENT, "kvp: {hash: [NetworkAddressIPv4, FullyQualifiedDomainName], hash_key_file: /k}\n");
    wrong(AGENT, "kvp: {hash: [NetworkAddressIPv4, OSVersion], hash_key_file: /k}\n",
          "kvp.hash: OSVersion decides drift and is stored as it is; remove it");
}
END_TEST

START_TEST(a_certificate_comes_whole)
{
    static const struct {
        const char *keys, *line;
    } cases[] = {
        { "cert_file: /c", "hub.cert_file: a certificate is of no use without its key; write hub.key_file too" },
        { "key_file: /k", "hub.key_file: a key is of no use without its certificate; write hub.cert_file too" },
        { "cert_file: /c.p12, key_file: /k", "hub.key_file: what hub.cert_file names holds its key already" },
        { "cert_file: /c.pem, key_file: /k, cert_password_file: /p", "hub.cert_password_file: is for a .p12 or" },
        { "cert_file: 'store:LocalMachine\\MY\\12'", "hub.cert_file: is no certificate of a store" },
        { "cert_file: 'store:LocalMachine\\\\0123456789012345678901234567890123456789'", "hub.cert_file: is no" },
        { "cert_file: 'store:Elsewhere\\MY\\0123456789012345678901234567890123456789'", "hub.cert_file: is no" },
        { "cert_file: 'store:LocalMachine\\MY'", "hub.cert_file: is no certificate of a store" },
        { "cert_file: 'store:LocalMachine\\MY\\012345678901234567890123456789012345678g'", "hub.cert_file: is no" },
        { "cert_file: .p12", "hub.cert_file: a certificate is of no use without its key" }, /* no name before it */
    };
    char yaml[256];

    right(AGENT, "hub: {cert_file: /c.P12, cert_password_file: /p}\n");
    right(AGENT, "hub: {cert_file: 'store:CurrentUser\\MY\\0123456789abcdefABCDEF0123456789abcdef01'}\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(yaml, sizeof yaml, "hub: {%s}\n", cases[i].keys);
        wrong(AGENT, yaml, cases[i].line);
    }
}
END_TEST

/* ---- the hub -------------------------------------------------------------- */

START_TEST(a_proxy_of_ours_is_named_with_its_address)
{
    right(HUB, "web: {proxy: {header: X-Remote-User, addresses: [127.0.0.1]}}\n");
    wrong(HUB, "web: {proxy: {header: X-Remote-User}}\n",
          "f:1:23: web.proxy.header: web.proxy.header and web.proxy.addresses are of use together alone; write both");
    wrong(HUB, "web: {proxy: {addresses: [127.0.0.1]}}\n", "f:1:26: web.proxy.addresses: web.proxy.header and");
    wrong(HUB, "web: {proxy: {anyone: true}}\n", "web.proxy.anyone: it is of use with web.proxy.header alone");
    wrong(HUB, "web: {open_on_loopback: true, proxy: {header: X-Remote-User, addresses: [127.0.0.1]}}\n",
          "web.open_on_loopback: with a proxy on this machine everybody would be let in");
    right(HUB, "web: {open_on_loopback: true}\n");
    right(HUB, "web: {proxy: {header: X-Remote-User, addresses: [127.0.0.1], anyone: true}}\n");
}
END_TEST

START_TEST(sessions_and_bodies_have_an_order)
{
    right(HUB, "web: {session_idle: 2h, session_max: 2h}\n");
    wrong(HUB, "web: {session_idle: 3h, session_max: 2h}\n", "web.session_idle: it is longer than web.session_max");
    right(HUB, "ingest: {max_body: 8MiB, max_decoded: 8MiB}\n");
    wrong(HUB, "ingest: {max_body: 8MiB, max_decoded: 4MiB}\n",
          "ingest.max_decoded: ingest.max_body is larger than ingest.max_decoded");
}
END_TEST

START_TEST(a_store_that_is_no_address_of_a_database_is_refused)
{
    wrong(HUB, "store: {path: 'postgresql://u@h/a b'}\n", "store.path: a postgresql:// URL has no blanks");
    wrong(HUB, "store: {path: \"postgresql://u@h/a#b\"}\n", "store.path: a postgresql:// URL has no blanks");
    wrong(HUB, "store: {path: 'postgresql://'}\n", "store.path: the URL names no database");
    right(HUB, "store: {path: 'a b#c'}\n");
    ck_assert_int_eq(store_path_check("postgresql://u@h/a\x7f", NULL), ERR_INVALID);
    ck_assert_int_eq(store_path_check("postgresql://u@h/a", NULL), 0);
}
END_TEST

START_TEST(what_is_forwarded_over_syslog_has_a_host_and_a_port)
{
    wrong(HUB, "forward: {syslog: {address: '127.0.0.1:0'}}\n", "this is no host and port");
    wrong(HUB, "forward: {syslog: {address: '[::1:601'}}\n", "this is no host and port");
    wrong(HUB, "forward: {syslog: {address: 'localhost:'}}\n", "this is no host and port");
    wrong(HUB, "forward: {syslog: {address: '[::1]:6514', key_file: k}}\n", "a certificate needs its key");
    right(HUB, "forward: {syslog: {address: '127.0.0.1:601', encryption: none}}\n");
}
END_TEST

START_TEST(an_address_that_is_not_whole_is_refused)
{
    wrong(HUB, "listen: '[::1:4318'\n", "listen: the IPv6 address is not closed");
    wrong(HUB, "listen: 'localhost:'\n", "listen: has no port; write localhost:4318");
}
END_TEST

/* ---- deliveries ----------------------------------------------------------- */

START_TEST(addresses_of_mail_servers_are_checked)
{
    static const char *const bad[] = { "mail.example.com", "http://mail.example.com", "smtp://mail.example.com/",
                                       "smtp://", "smtps://mail.example.com:0" };
    char yaml[256];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(yaml, sizeof yaml, DELIVERY("name: a, on: [gap], smtp: {url: '%s', from: a@b.c, to: [d@e.f]}"),
                 bad[i]);
        wrong(HUB, yaml, "delivery.list[0].smtp.url: ");
    }
    right(HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'SMTPS://mail.example.com:465', from: a@b.c, to: [d@e.f]}"));
}
END_TEST

START_TEST(a_login_is_whole_and_its_password_is_safe)
{
    wrong(HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: a@b.c, to: [d@e.f], password_file: /p}"),
          "smtp.password_file: a password needs a user; write smtp.user too");
    wrong(HUB,
          DELIVERY("name: a, on: [gap], smtp: {url: 'SMTP://m', from: a@b.c, to: [d@e.f], user: u, password_file: /p,"
                   " starttls: none}"),
          "smtp.starttls: the password could go out in the clear");
    right(HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtps://m', from: a@b.c, to: [d@e.f], user: u, password_file:"
                        " /p, starttls: none}")); /* TLS from the first byte */
    right(HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: a@b.c, to: [d@e.f], starttls: none}"));
}
END_TEST

START_TEST(senders_and_recipients_are_addresses)
{
    char yaml[1024], name[400];

    right(HUB, DELIVERY("name: a, on: [gap], format: text, " SMTP));
    wrong(HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: nobody, to: [d@e.f]}"),
          "smtp.from: is no address; write the sender's, such as hvhub@example.com");
    wrong(HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: a@b.c}"), "smtp.to: is missing");
    wrong(HUB, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: a@b.c, to: [\"\xC3\xA9@b.c\"]}"),
          "smtp.to: holds something that is no address");
    for (int over = 0; over <= 1; over++) {
        memset(name, 'n', sizeof name);
        snprintf(name + DELIVERY_ADDRESS_MAX + over - 4, 8, "@b.c");
        snprintf(yaml, sizeof yaml, DELIVERY("name: a, on: [gap], smtp: {url: 'smtp://m', from: a@b.c, to: [%s]}"),
                 name);
        if (over == 0)
            right(HUB, yaml);
        else
            wrong(HUB, yaml, "smtp.to: holds something that is no address");
    }
}
END_TEST

START_TEST(a_webhook_has_one_address_and_only_ours_is_signed)
{
    wrong(HUB, DELIVERY("name: a, on: [gap], webhook: {url: 'https://x.example.com', url_file: /u}"),
          "webhook.url_file: there is a webhook.url too; keep one of the two");
    right(HUB, DELIVERY("name: a, on: [gap], webhook: {url_file: /u, secret_file: /s}"));
    ck_assert_int_eq(hub_delivery_target(&hub.delivery.list[0]), DELIVER_WEBHOOK);
    wrong(HUB, DELIVERY("name: a, on: [gap], webhook: {url_file: /u, shape: teams, secret_file: /s}"),
          "webhook.secret_file: Teams and Slack check no signature");
}
END_TEST

START_TEST(an_address_of_a_webhook_has_a_ceiling_and_plain_characters)
{
    char url[2 * DELIVERY_URL_MAX];
    struct err e;

    memset(url, 'q', sizeof url);
    memcpy(url, "https://x.example.com/?", 23);
    url[DELIVERY_URL_MAX - 1] = '\0';
    ck_assert_int_eq(hub_delivery_url_check(url, &e), 0);
    url[DELIVERY_URL_MAX - 1] = 'q';
    url[DELIVERY_URL_MAX] = '\0';
    ck_assert_int_eq(hub_delivery_url_check(url, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "is too long; at most "));
    url[22] = 'q'; /* no query: all of it is the front */
    ck_assert_int_eq(hub_delivery_url_check(url, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "is too long; at most "));
    ck_assert_int_eq(hub_delivery_url_check("https://x.example.com/?a=\x01", &e), ERR_INVALID);
    ck_assert_int_eq(hub_delivery_url_check("https://x.example.com/?a=\xC3\xA9", &e), ERR_INVALID);
    ck_assert_int_eq(hub_delivery_url_check("https://x.example.com/\xC3\xA9", &e), ERR_INVALID);
    ck_assert_int_eq(hub_delivery_url_check("https://x.example.com/\x7f", &e), ERR_INVALID);
}
END_TEST

START_TEST(a_folder_is_a_whole_path_and_a_name_begins_with_a_letter_or_digit)
{
    wrong(HUB, DELIVERY("name: a, on: [gap], folder: {path: srv}"), "folder.path: is not a whole path");
    wrong(HUB, DELIVERY("name: .a, on: [gap], " FOLDER), "name: is no name");
    wrong(HUB, DELIVERY("name: -a, on: [gap], " FOLDER), "name: is no name");
    right(HUB, DELIVERY("name: 9._-a, on: [gap], " FOLDER));
}
END_TEST

START_TEST(retries_and_the_public_address_are_checked)
{
    wrong(HUB, "delivery: {public_url: 'ftp://x'}\n", "delivery.public_url: does not begin with https://");
    right(HUB, "delivery: {public_url: 'https://hub.example.com', retry: {min: 1m, max: 1m}}\n");
    wrong(HUB, "delivery: {retry: {min: 2m, max: 1m}}\n",
          "delivery.retry.min: is longer than delivery.retry.max; write a shorter one");
}
END_TEST

START_TEST(of_two_nameless_deliveries_only_the_missing_names_are_told)
{
    ck_assert_int_eq(read_as(HUB, "delivery:\n  list:\n    - {on: [gap], " FOLDER "}\n    - {on: [gap], " FOLDER "}\n"),
                     ERR_INVALID);
    ck_assert_ptr_null(strstr(buf_text(&said), "of this name already"));
    ck_assert_ptr_nonnull(strstr(buf_text(&said), "delivery.list[1].name: is missing"));
    buf_free(&said);
}
END_TEST

START_TEST(what_is_delivered_and_told_has_the_words_of_the_file)
{
    ck_assert_str_eq(delivery_event_name(DELIVERY_NEW_DRIFT), "new-drift");
    ck_assert_str_eq(delivery_event_name(DELIVERY_NEW_INCIDENT), "new-incident");
    ck_assert_str_eq(delivery_what_name(DELIVER_DRIFT), "drift");
    ck_assert_str_eq(hub_delivery_target_name(DELIVER_NOWHERE), "nowhere");
    ck_assert_int_eq(hub_delivery_target(&(struct hub_delivery){ .name = "a" }), DELIVER_NOWHERE);
}
END_TEST

/* ---- files ---------------------------------------------------------------- */

START_TEST(settings_are_read_from_a_file_and_one_that_is_not_there_is_named)
{
    static const char yaml[] = "log: {level: debug}\n";
    static char far[5000];
    const char *path = write_file(temp_dir(), "settings.yaml", yaml, sizeof yaml - 1);

    buf_clear(&said);
    ck_assert_int_eq(agent_config_load(path, &agent, &said), 0);
    ck_assert_int_eq(agent.log_level, LOG_DEBUG);
    ck_assert_int_eq(hub_config_load(path, &hub, &said), 0);
    ck_assert_int_eq(hub.log_level, LOG_DEBUG);
    ck_assert_str_eq(buf_text(&said), "");
    ck_assert_int_eq(agent_config_load("no/such/file.yaml", &agent, &said), ERR_NOT_FOUND);
    ck_assert_msg(strncmp(buf_text(&said), "no/such/file.yaml:1:1: cannot be read: ", 39) == 0 &&
                      strstr(buf_text(&said), "; check the name, or make the file\n") != NULL,
                  "%s", buf_text(&said));
    buf_clear(&said);
    memset(far, 'f', sizeof far - 1);
    ck_assert_int_ne(hub_config_load(far, &hub, &said), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&said), ":1:1: cannot be read: "));
    ck_assert_ptr_nonnull(strstr(buf_text(&said), "; check the "));
    buf_free(&said);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, nothing_is_concluded_from_a_value_that_is_wrong_itself);
    suite_test(s, a_loopback_hub_needs_no_verification_and_no_proxy);
    suite_test(s, enrolment_needs_tls_and_no_certificate_of_its_own);
    suite_test(s, of_two_lengths_the_one_that_was_written_is_blamed);
    suite_test(s, what_decides_drift_is_not_hashed_wherever_it_stands_in_the_list);
    suite_test(s, a_certificate_comes_whole);
    suite_test(s, a_proxy_of_ours_is_named_with_its_address);
    suite_test(s, sessions_and_bodies_have_an_order);
    suite_test(s, a_store_that_is_no_address_of_a_database_is_refused);
    suite_test(s, what_is_forwarded_over_syslog_has_a_host_and_a_port);
    suite_test(s, an_address_that_is_not_whole_is_refused);
    suite_test(s, addresses_of_mail_servers_are_checked);
    suite_test(s, a_login_is_whole_and_its_password_is_safe);
    suite_test(s, senders_and_recipients_are_addresses);
    suite_test(s, a_webhook_has_one_address_and_only_ours_is_signed);
    suite_test(s, an_address_of_a_webhook_has_a_ceiling_and_plain_characters);
    suite_test(s, a_folder_is_a_whole_path_and_a_name_begins_with_a_letter_or_digit);
    suite_test(s, retries_and_the_public_address_are_checked);
    suite_test(s, of_two_nameless_deliveries_only_the_missing_names_are_told);
    suite_test(s, what_is_delivered_and_told_has_the_words_of_the_file);
    suite_test(s, settings_are_read_from_a_file_and_one_that_is_not_there_is_named);
}

int main(void)
{
    return suite_main("config: what values say of each other", add);
}
