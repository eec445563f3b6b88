/* hub_config.h: defaults, what one value says of another, the example file. */
#include "base/times.h"
#include "config/hub_config.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hub_config cfg;
static struct buf said = { .max = 65536 };

static void right(const char *yaml)
{
    int rc;

    buf_clear(&said);
    rc = hub_config_parse("hub.yaml", yaml, strlen(yaml), &cfg, &said);
    ck_assert_str_eq(buf_text(&said), "");
    ck_assert_int_eq(rc, 0);
    buf_free(&said);
}

static void wrong(const char *yaml, const char *lines)
{
    buf_clear(&said);
    ck_assert_int_eq(hub_config_parse("hub.yaml", yaml, strlen(yaml), &cfg, &said), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), lines);
    buf_free(&said);
}

START_TEST(the_defaults_are_those_of_the_header)
{
    hub_config_defaults(&cfg);
    ck_assert_str_eq(cfg.listen, "127.0.0.1:4318");
    ck_assert_int_eq(cfg.body_max, 4 * 1024 * 1024);
    ck_assert_int_eq(cfg.body_max_decoded, 32 * 1024 * 1024);
    ck_assert_int_eq(cfg.records_max, 20000);
    ck_assert_int_eq(cfg.connections_max, 1000);
    ck_assert_int_eq(cfg.connection_idle_ns, 60 * NS_PER_S);
    ck_assert_int_eq(cfg.threads, 2);
    ck_assert_str_eq(cfg.store, "");
    ck_assert_int_eq(cfg.keep_ns, INT64_C(90) * 86400 * NS_PER_S);
    ck_assert_int_eq(cfg.foreign_max, 10000);
    ck_assert_int_eq(cfg.host_silent_ns, 3600 * NS_PER_S);
    ck_assert_int_eq(cfg.report_memory_max, INT64_C(512) * 1024 * 1024);
    ck_assert_int_eq(cfg.require_certificate, true);
    ck_assert_int_eq(cfg.log_level, LOG_INFO);
}
END_TEST

START_TEST(how_long_guests_wait_for_a_disk_is_a_setting_with_limits)
{
    hub_config_defaults(&cfg);
    ck_assert_int_eq(cfg.incidents.disk_timeout_ns, 60 * NS_PER_S);
    right("incidents: {guest_disk_timeout: 3m}\n");
    ck_assert_int_eq(cfg.incidents.disk_timeout_ns, 180 * NS_PER_S);
    wrong("incidents: {guest_disk_timeout: 0s}\n",
          "hub.yaml:1:33: incidents.guest_disk_timeout: 0s is out of range; write 1s to 1h\n");
}
END_TEST

START_TEST(the_drift_floors_are_those_of_the_model)
{
    struct drift_floors want = drift_floors_default();

    hub_config_defaults(&cfg);
    ck_assert_int_eq(version_compare(&cfg.floors.win61_63, &want.win61_63), 0);
    ck_assert_int_eq(version_compare(&cfg.floors.win62, &want.win62), 0);
}
END_TEST

START_TEST(loopback_needs_nothing_else)
{
    right("listen: \"[::1]:4318\"\n");
    right("listen: localhost:4318\n");
    right("listen: 127.0.0.1:0\n");
}
END_TEST

START_TEST(another_address_needs_encryption_and_somebody_to_trust)
{
    static const char tls[] = "listen: 0.0.0.0:4318\ntls: {cert_file: c, key_file: k}\n";
    char text[200];

    wrong("listen: 0.0.0.0:4318\n",
          "hub.yaml:1:9: listen: others can reach this address, and there is no encryption; write tls.cert_file and "
          "tls.key_file, or listen on 127.0.0.1\n");
    right(tls); /* whoever has enrolled */
    snprintf(text, sizeof text, "%singest: {require_certificate: false}\n", tls);
    wrong(text, "hub.yaml:1:9: listen: others can reach this address, and nothing says who may send; write "
                "ingest.token_file or tls.client_ca_file, or leave ingest.require_certificate at true\n");
    snprintf(text, sizeof text, "%singest: {require_certificate: false, token_file: t}\n", tls);
    right(text);
    right("listen: 0.0.0.0:4318\ntls: {cert_file: c, key_file: k, client_ca_file: a}\n"
          "ingest: {require_certificate: false}\n");
}
END_TEST

START_TEST(an_address_needs_a_port)
{
    wrong("listen: 127.0.0.1\n", "hub.yaml:1:9: listen: has no port; write 127.0.0.1:4318\n");
    wrong("listen: \"[::1]\"\n", "hub.yaml:1:9: listen: has no port; write [::1]:4318\n");
    wrong("listen: 127.0.0.1:99999\n",
          "hub.yaml:1:9: listen: the port is not a number from 1 to 65535; write host:4318, say\n");
    wrong("listen: 4318\n",
          "hub.yaml:1:9: listen: has no address; write 127.0.0.1:4318, or 0.0.0.0:4318 for all of this "
          "machine's\n");
    wrong("listen: :4318\n", "hub.yaml:1:9: listen: has no address; write 127.0.0.1:4318, or 0.0.0.0:4318 for all of "
                             "this machine's\n");
    wrong("listen: ::1:4318\n", "hub.yaml:1:9: listen: an IPv6 address needs brackets; write [::1]:4318, say\n");
    wrong("listen: \"\"\n", "hub.yaml:1:9: listen: is empty; write a text of 1 to 1023 bytes\n");
}
END_TEST

START_TEST(certificates_keys_and_client_cas_belong_together)
{
    wrong("tls:\n  cert_file: c\n",
          "hub.yaml:2:14: tls.cert_file: a certificate is of no use without its key; write tls.key_file too\n");
    wrong("tls:\n  key_file: k\n",
          "hub.yaml:2:13: tls.key_file: a key is of no use without its certificate; write tls.cert_file too\n");
    wrong("tls:\n  client_ca_file: a\n",
          "hub.yaml:2:19: tls.client_ca_file: client certificates need TLS; write tls.cert_file and tls.key_file\n");
}
END_TEST

START_TEST(a_body_must_not_shrink_when_it_is_decompressed)
{
    wrong(
        "ingest:\n  max_body: 64MiB\n",
        "hub.yaml:2:13: ingest.max_body: ingest.max_body is larger than ingest.max_decoded; write a max_decoded of at "
        "least max_body\n");
}
END_TEST

START_TEST(the_example_file_is_the_one_the_table_makes)
{
    struct buf want;
    char *have;

    buf_init(&want, 65536);
    hub_config_example(&want);
    if (getenv("HVFLEET_WRITE_EXAMPLES") != NULL)
        write_file(".", "hub.yaml.example", want.data, want.len);
    have = read_file("hub.yaml.example", NULL);
    ck_assert_msg(strcmp(have, buf_text(&want)) == 0,
                  "hub.yaml.example is not what the table of keys makes; run this test once with "
                  "HVFLEET_WRITE_EXAMPLES=1");
    free(have);
    buf_free(&want);
}
END_TEST

START_TEST(the_example_parses_back_to_the_defaults)
{
    struct hub_config defaults;
    struct buf text;

    buf_init(&text, 65536);
    hub_config_example(&text);
    right(buf_text(&text));
    hub_config_defaults(&defaults);
    ck_assert_mem_eq(&cfg, &defaults, sizeof cfg);
    buf_free(&text);
}
END_TEST

START_TEST(what_is_forwarded_to_must_be_reachable_in_safety)
{
    right("forward: {otlp: {url: \"https://collector.example.com\"}}\n");
    right("forward: {otlp: {url: \"http://127.0.0.1:4318\"}}\n");
    wrong("forward: {otlp: {url: \"ftp://collector.example.com\"}}\n",
          "hub.yaml:1:23: forward.otlp.url: does not begin with https://; write https://hub.example.com:4318, say\n");
    wrong("forward: {splunk: {url: \"https://splunk.example.com:8088\"}}\n",
          "hub.yaml:1:25: forward.splunk.url: an event collector needs a token; write forward.splunk.token_file\n");
    right("forward: {splunk: {url: \"https://splunk.example.com:8088\", token_file: t}}\n");
    right("forward: {syslog: {address: \"syslog.example.com:6514\", facility: daemon}}\n");
    wrong("forward: {syslog: {address: syslog.example.com}}\n",
          "hub.yaml:1:29: forward.syslog.address: this is no host and port; write syslog.example.com:6514, say\n");
    wrong("forward: {syslog: {address: \"[::1]:601\", encryption: none, confirm: tls}}\n",
          "hub.yaml:1:69: forward.syslog.confirm: without encryption there is no closing word of TLS; write tcp\n");
    wrong("forward: {syslog: {address: \"[::1]:6514\", cert_file: c}}\n",
          "hub.yaml:1:54: forward.syslog.cert_file: a certificate needs its key; write forward.syslog.cert_file and "
          "forward.syslog.key_file\n");
    wrong("forward: {retry: {min: 10s, max: 1s}}\n",
          "hub.yaml:1:24: forward.retry.min: it is longer than forward.retry.max\n");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_defaults_are_those_of_the_header);
    suite_test(s, how_long_guests_wait_for_a_disk_is_a_setting_with_limits);
    suite_test(s, the_drift_floors_are_those_of_the_model);
    suite_test(s, loopback_needs_nothing_else);
    suite_test(s, what_is_forwarded_to_must_be_reachable_in_safety);
    suite_test(s, another_address_needs_encryption_and_somebody_to_trust);
    suite_test(s, an_address_needs_a_port);
    suite_test(s, certificates_keys_and_client_cas_belong_together);
    suite_test(s, a_body_must_not_shrink_when_it_is_decompressed);
    suite_test(s, the_example_file_is_the_one_the_table_makes);
    suite_test(s, the_example_parses_back_to_the_defaults);
}

int main(void)
{
    return suite_main("config: hub_config", add);
}
