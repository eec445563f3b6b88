/* hub_url.h: what an address is, and above all what loopback is not. */
#include "config/hub_url.h"
#include "tests/support/suite.h"

#include <string.h>

static struct hub_url url;
static struct err e;

static void wrong(const char *text, const char *why)
{
    ck_assert_int_eq(hub_url_parse(text, &url, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, why);
}

START_TEST(a_url_is_taken_apart)
{
    ck_assert_int_eq(hub_url_parse("https://Hub.example.com:4318/otlp/", &url, &e), 0);
    ck_assert_int_eq(url.tls, true);
    ck_assert_str_eq(url.host, "Hub.example.com");
    ck_assert_int_eq(url.port, 4318);
    ck_assert_int_eq(url.loopback, false);
    ck_assert_str_eq(url.base, "https://Hub.example.com:4318/otlp");
    ck_assert_int_eq(hub_url_parse("http://[::1]", &url, &e), 0);
    ck_assert_str_eq(url.host, "::1");
    ck_assert_int_eq(url.port, 80);
    ck_assert_int_eq(url.loopback, true);
    ck_assert_int_eq(hub_url_parse("HTTPS://x//", &url, &e), 0);
    ck_assert_int_eq(url.port, 443);
    ck_assert_str_eq(url.base, "HTTPS://x");
}
END_TEST

START_TEST(wrong_urls_say_what_to_write)
{
    wrong("ftp://x", "does not begin with https://; write https://hub.example.com:4318, say");
    wrong("https://", "the name of the host is missing; write one, such as hub.example.com");
    wrong("https:///x", "the name of the host is missing; write one, such as hub.example.com");
    wrong("https://h:", "the port is not a number from 1 to 65535; write host:4318, say");
    wrong("https://h:0", "the port is not a number from 1 to 65535; write host:4318, say");
    wrong("https://h:0x50", "the port is not a number from 1 to 65535; write host:4318, say");
    wrong("https://h:123456789/", "the port is not a number from 1 to 65535; write host:4318, say");
    wrong("https://[::1", "the IPv6 address is not closed; write [::1]:4318, say");
    wrong("https://h%31", "there is something after the host; write https://host:port");
    wrong("https://h/?a=b", "there is a character that does not belong here; write https://host:port and no query");
    wrong("https://h/a b", "there is a character that does not belong here; write https://host:port and no query");
    wrong("https://h/v1/logs/", "/v1/logs is appended by the agent; leave it out");
    wrong("https://127.0.0.1@evil.example.com/",
          "holds a user name or a password; put a token into hub.token_file instead");
    wrong("http://127.0.0.1.example.com", "is not encrypted, which only a loopback address may be; write https://");
}
END_TEST

START_TEST(only_plain_loopback_addresses_are_loopback)
{
    static const char *const yes[] = { "localhost", "LOCALHOST", "127.0.0.1", "127.255.3.4", "::1" };
    static const char *const no[] = {
        "localhost.", "localhost.example.com", "127.1",      "0127.0.0.1", "127.0.0.1.", "127.0.0.01", "127.0.0.256",
        "128.0.0.1",  "::ffff:127.0.0.1",      "0x7f.0.0.1", "127.0.0",    "",           "::",         "2130706433"
    };

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        ck_assert_msg(host_is_loopback(yes[i]), "%s is loopback", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        ck_assert_msg(!host_is_loopback(no[i]), "%s is not loopback", no[i]);
}
END_TEST

START_TEST(a_host_name_is_bounded)
{
    char text[1100];

    memset(text, 'a', sizeof text);
    memcpy(text, "https://", 8);
    text[sizeof text - 1] = '\0';
    wrong(text, "the name of the host is too long; names have at most 253 characters");
    text[20] = '/';
    wrong(text, "is too long; at most 1023 bytes");
}
END_TEST

START_TEST(proxies_are_checked)
{
    static const char *const good[] = { "", "none", "http://p:3128", "https://user:p@ss@p.example.com:443/",
                                        "socks5h://[::1]:1080" };
    static const char *const bad[] = { "p:3128", "ftp://p", "http://", "http://p:x", "http://p/path", "NONE" };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(proxy_check(good[i], &e) == 0, "%s: %s", good[i], e.text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(proxy_check(bad[i], &e) == ERR_INVALID, "%s is no proxy", bad[i]);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_url_is_taken_apart);
    suite_test(s, wrong_urls_say_what_to_write);
    suite_test(s, only_plain_loopback_addresses_are_loopback);
    suite_test(s, a_host_name_is_bounded);
    suite_test(s, proxies_are_checked);
}

int main(void)
{
    return suite_main("config: addresses", add);
}
