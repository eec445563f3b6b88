/* agent_config.h: defaults, what one value says of another, the example file. */
#include "base/times.h"
#include "config/agent_config.h"
#include "config/hub_certificate.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

static struct agent_config cfg;
static struct buf said = { .max = 65536 };

static void right(const char *yaml)
{
    int rc;

    buf_clear(&said);
    rc = agent_config_parse("agent.yaml", yaml, strlen(yaml), &cfg, &said);
    ck_assert_str_eq(buf_text(&said), "");
    ck_assert_int_eq(rc, 0);
    buf_free(&said);
}

static void wrong(const char *yaml, const char *lines)
{
    buf_clear(&said);
    ck_assert_int_eq(agent_config_parse("agent.yaml", yaml, strlen(yaml), &cfg, &said), ERR_INVALID);
    ck_assert_str_eq(buf_text(&said), lines);
    buf_free(&said);
}

START_TEST(the_defaults_are_those_of_the_header)
{
    agent_config_defaults(&cfg);
    ck_assert_str_eq(cfg.hub.url, "");
    ck_assert_int_eq(cfg.hub.verify, true);
    ck_assert_int_eq(cfg.hub.compression, COMPRESSION_ZSTD);
    ck_assert_int_eq(cfg.hub.batch_count, 1000);
    ck_assert_int_eq(cfg.hub.batch_bytes, 1024 * 1024);
    ck_assert_int_eq(cfg.hub.batch_age_ns, 5 * NS_PER_S);
    ck_assert_int_eq(cfg.hub.timeout_ns, 30 * NS_PER_S);
    ck_assert_int_eq(cfg.hub.retry_min_ns, NS_PER_S);
    ck_assert_int_eq(cfg.hub.retry_max_ns, 300 * NS_PER_S);
    ck_assert_int_eq(cfg.hub.auth_retry_ns, 900 * NS_PER_S);
    ck_assert_int_eq(cfg.store_max_bytes, 512 * 1024 * 1024);
    ck_assert_int_eq(cfg.poll_ns, 2 * NS_PER_S);
    ck_assert_int_eq(cfg.kvp_interval_ns, 300 * NS_PER_S);
    ck_assert_int_eq(cfg.kvp_refresh_ns, 86400 * NS_PER_S);
    ck_assert_int_eq(cfg.kvp_deadline_ns, 60 * NS_PER_S);
    ck_assert_int_eq(cfg.dump_rescan_ns, 300 * NS_PER_S);
    ck_assert_int_eq(cfg.dump_settle_ns, 10 * NS_PER_S);
    ck_assert_int_eq(cfg.dump_give_up_ns, 3600 * NS_PER_S);
    ck_assert_int_eq(cfg.dump_depth, 3);
    ck_assert_int_eq(cfg.dump_files_max, 10000);
    ck_assert_int_eq(cfg.silent_after_ns, 3600 * NS_PER_S);
    ck_assert_int_eq(cfg.log_level, LOG_INFO);
    ck_assert_str_eq(cfg.data_dir, "");
    ck_assert_str_eq(cfg.socket, "");
}
END_TEST

START_TEST(the_drift_floors_are_those_of_the_model)
{
    struct drift_floors want = drift_floors_default();

    agent_config_defaults(&cfg);
    ck_assert_int_eq(version_compare(&cfg.floors.win61_63, &want.win61_63), 0);
    ck_assert_int_eq(version_compare(&cfg.floors.win62, &want.win62), 0);
}
END_TEST

START_TEST(an_empty_file_is_the_defaults)
{
    struct agent_config *defaults = malloc(sizeof *defaults);

    right("");
    agent_config_defaults(defaults);
    ck_assert_mem_eq(&cfg, defaults, sizeof cfg);
    free(defaults);
}
END_TEST

START_TEST(a_believable_file_is_read)
{
    right("hub:\n  url: https://hub.example.com:4318\n  ca_file: /etc/hvagent/ca.pem\n  cert_file: /etc/hvagent/c.pem\n"
          "  key_file: /etc/hvagent/k.pem\n  proxy: http://proxy.example.com:3128\n  compression: gzip\n"
          "  batch: {max_count: 500, max_age: 1s}\n  retry: {min: 500ms, max: 10m, refused: 1h}\n"
          "dumps:\n  folders: [/srv/dumps, /srv/more]\nstatus:\n  group: hvadmins\nlog: {level: debug}\n");
    ck_assert_str_eq(cfg.hub.url, "https://hub.example.com:4318");
    ck_assert_int_eq(cfg.hub.compression, COMPRESSION_GZIP);
    ck_assert_int_eq(cfg.hub.retry_min_ns, 500 * NS_PER_MS);
    ck_assert_int_eq(cfg.dump_folders.count, 2);
    ck_assert_str_eq(cfg.dump_folders.items[1], "/srv/more");
    ck_assert_int_eq(cfg.log_level, LOG_DEBUG);
}
END_TEST

START_TEST(the_reading_of_dumps_can_be_bounded_and_switched_off)
{
    right("dumps: {triage: false, triage_deadline: 2s, triage_max_read: 8MiB}\n");
    ck_assert(!cfg.dump_triage);
    ck_assert_int_eq(cfg.dump_triage_deadline_ns, 2 * NS_PER_S);
    ck_assert_int_eq(cfg.dump_triage_read_max, 8 << 20);
    right("");
    ck_assert(cfg.dump_triage);
    ck_assert_int_eq(cfg.dump_triage_deadline_ns, 30 * NS_PER_S);
    ck_assert_int_eq(cfg.dump_triage_read_max, 64 << 20);
}
END_TEST

START_TEST(names_of_items_are_read_and_need_a_key_to_be_hashed)
{
    right("kvp: {keys: [OSName, \"custom.*\"], hash: [FullyQualifiedDomainName], hash_key_file: "
          "/etc/hvagent/hash.key}\n");
    ck_assert_str_eq(cfg.privacy.keep, "OSName\ncustom.*");
    ck_assert_str_eq(cfg.privacy.hash, "FullyQualifiedDomainName");
    wrong("kvp:\n  hash: [NetworkAddressIPv4]\n",
          "agent.yaml:2:9: kvp.hash: digests need a key; write kvp.hash_key_file too\n");
}
END_TEST

START_TEST(an_item_that_decides_drift_can_not_be_hashed)
{
    wrong("kvp:\n  hash: [NetworkAddressIPv4, OSVersion]\n  hash_key_file: /k\n",
          "agent.yaml:2:9: kvp.hash: OSVersion decides drift and is stored as it is; remove it\n");
    right("kvp:\n  hash: [\"*\"]\n  hash_key_file: /k\n");
}
END_TEST

START_TEST(verification_can_be_switched_off_for_loopback_only)
{
    right("hub: {url: \"https://127.0.0.1:4318\", verify: false}\n");
    right("hub: {url: \"https://localhost:4318\", verify: false}\n");
    wrong("hub:\n  url: https://hub.example.com:4318\n  verify: false\n",
          "agent.yaml:3:11: hub.verify: false is for a loopback address only, and hub.url is another; remove it, and "
          "name the hub's CA in hub.ca_file\n");
    wrong("hub:\n  url: https://localhost.example.com\n  verify: false\n",
          "agent.yaml:3:11: hub.verify: false is for a loopback address only, and hub.url is another; remove it, and "
          "name the hub's CA in hub.ca_file\n");
}
END_TEST

START_TEST(a_url_without_encryption_is_for_loopback_only)
{
    right("hub: {url: \"http://127.0.0.1:4318\"}\n");
    wrong("hub:\n  url: http://hub.example.com:4318\n",
          "agent.yaml:2:8: hub.url: is not encrypted, which only a loopback address may be; write https://\n");
}
END_TEST

START_TEST(a_url_must_be_one)
{
    wrong("hub:\n  url: hub.example.com\n",
          "agent.yaml:2:8: hub.url: does not begin with https://; write https://hub.example.com:4318, say\n");
    wrong("hub:\n  url: https://user:secret@hub.example.com\n",
          "agent.yaml:2:8: hub.url: holds a user name or a password; put a token into hub.token_file instead\n");
}
END_TEST

START_TEST(a_certificate_and_its_key_belong_together)
{
    wrong("hub:\n  cert_file: c.pem\n",
          "agent.yaml:2:14: hub.cert_file: a certificate is of no use without its key; write hub.key_file too\n");
    wrong("hub:\n  key_file: k.pem\n",
          "agent.yaml:2:13: hub.key_file: a key is of no use without its certificate; write hub.cert_file too\n");
}
END_TEST

#define THUMBPRINT "0123456789abcdef0123456789ABCDEF01234567"
#define NO_STORE                                                                                            \
    "agent.yaml:2:14: hub.cert_file: is no certificate of a store; write store:LocalMachine\\MY\\ and its " \
    "thumbprint, "                                                                                          \
    "40 hex digits without blanks\n"

START_TEST(a_certificate_that_brings_its_key_needs_no_other)
{
    right("hub: {cert_file: /etc/hvagent/c.p12}\n");
    right("hub: {cert_file: 'C:\\keys\\c.PFX', cert_password_file: 'C:\\keys\\password'}\n");
    right("hub: {cert_file: 'store:LocalMachine\\MY\\" THUMBPRINT "'}\n");
    right("hub: {cert_file: 'store:CurrentUser\\MY\\" THUMBPRINT "'}\n");
    ck_assert_int_eq(hub_certificate_kind(cfg.hub.cert_file), HUB_CERTIFICATE_STORE);
    ck_assert_str_eq(hub_certificate_store_path(cfg.hub.cert_file), "CurrentUser\\MY\\" THUMBPRINT);
    wrong("hub:\n  cert_file: c.p12\n  key_file: k.pem\n",
          "agent.yaml:3:13: hub.key_file: what hub.cert_file names holds its key already; remove it\n");
    wrong(
        "hub:\n  cert_file: c.pem\n  key_file: k.pem\n  cert_password_file: p\n",
        "agent.yaml:4:23: hub.cert_password_file: is for a .p12 or .pfx file, and hub.cert_file is none; remove it\n");
}
END_TEST

START_TEST(a_certificate_of_a_store_is_named_by_its_thumbprint)
{
    wrong("hub:\n  cert_file: 'store:'\n", NO_STORE);
    wrong("hub:\n  cert_file: 'store:LocalMachine\\MY'\n", NO_STORE);
    wrong("hub:\n  cert_file: 'store:LocalMachine\\MY\\0123'\n", NO_STORE);
    wrong("hub:\n  cert_file: 'store:LocalMachine\\MY\\" THUMBPRINT "00'\n", NO_STORE);
    wrong("hub:\n  cert_file: 'store:LocalMachine\\MY\\01 3456789abcdef0123456789ABCDEF01234567'\n", NO_STORE);
    wrong("hub:\n  cert_file: 'store:LocalMachine\\\\" THUMBPRINT "'\n", NO_STORE);
    wrong("hub:\n  cert_file: 'store:Elsewhere\\MY\\" THUMBPRINT "'\n", NO_STORE);
}
END_TEST

START_TEST(a_proxy_must_be_one)
{
    wrong("hub:\n  proxy: proxy.example.com:3128\n",
          "agent.yaml:2:10: hub.proxy: is neither none nor a proxy; write http://proxy.example.com:3128, say\n");
    wrong("hub:\n  url: https://127.0.0.1:4318\n  proxy: http://proxy.example.com:3128\n",
          "agent.yaml:3:10: hub.proxy: a loopback address is never reached through a proxy; remove it\n");
    right("hub: {url: \"https://127.0.0.1:4318\", proxy: none}\n");
}
END_TEST

START_TEST(times_that_bound_each_other_must_be_in_order)
{
    wrong("hub:\n  retry:\n    min: 10m\n",
          "agent.yaml:3:10: hub.retry.min: is longer than hub.retry.max; write less here, or more there\n");
    wrong("hub:\n  retry:\n    max: 500ms\n",
          "agent.yaml:3:10: hub.retry.max: is shorter than hub.retry.min; write more here, or less there\n");
    wrong("dumps:\n  settle: 1h\n",
          "agent.yaml:2:11: dumps.settle: is not shorter than dumps.give_up; write less here, or more there\n");
    wrong("kvp:\n  refresh: 1m\n",
          "agent.yaml:2:12: kvp.refresh: is shorter than kvp.interval; write more here, or less there\n");
}
END_TEST

START_TEST(a_value_that_is_wrong_by_itself_is_not_held_against_another)
{
    wrong("hub:\n  retry:\n    min: 10m\n    max: 1x\n",
          "agent.yaml:4:10: hub.retry.max: \"1x\" has an unknown unit; write a whole number with one of ms, s, m, h or "
          "d\n");
}
END_TEST

START_TEST(secrets_are_not_repeated_in_problems)
{
    buf_clear(&said);
    ck_assert_int_eq(agent_config_parse("a", "hub: {proxy: \"http://u:secret@\"}", 32, &cfg, &said), ERR_INVALID);
    ck_assert_ptr_null(strstr(buf_text(&said), "secret"));
    buf_free(&said);
}
END_TEST

START_TEST(the_example_file_is_the_one_the_table_makes)
{
    struct buf want;
    char *have;

    buf_init(&want, 65536);
    agent_config_example(&want);
    if (getenv("HVFLEET_WRITE_EXAMPLES") != NULL)
        write_file(".", "agent.yaml.example", want.data, want.len);
    have = read_file("agent.yaml.example", NULL);
    ck_assert_msg(strcmp(have, buf_text(&want)) == 0,
                  "agent.yaml.example is not what the table of keys makes; run this test once with "
                  "HVFLEET_WRITE_EXAMPLES=1");
    free(have);
    buf_free(&want);
}
END_TEST

START_TEST(the_example_parses_back_to_the_defaults)
{
    struct agent_config *defaults = malloc(sizeof *defaults);
    struct buf text;

    buf_init(&text, 65536);
    agent_config_example(&text);
    right(buf_text(&text));
    agent_config_defaults(defaults);
    ck_assert_mem_eq(&cfg, defaults, sizeof cfg);
    free(defaults);
    buf_free(&text);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_defaults_are_those_of_the_header);
    suite_test(s, the_drift_floors_are_those_of_the_model);
    suite_test(s, an_empty_file_is_the_defaults);
    suite_test(s, a_believable_file_is_read);
    suite_test(s, the_reading_of_dumps_can_be_bounded_and_switched_off);
    suite_test(s, names_of_items_are_read_and_need_a_key_to_be_hashed);
    suite_test(s, an_item_that_decides_drift_can_not_be_hashed);
    suite_test(s, verification_can_be_switched_off_for_loopback_only);
    suite_test(s, a_url_without_encryption_is_for_loopback_only);
    suite_test(s, a_url_must_be_one);
    suite_test(s, a_certificate_and_its_key_belong_together);
    suite_test(s, a_certificate_that_brings_its_key_needs_no_other);
    suite_test(s, a_certificate_of_a_store_is_named_by_its_thumbprint);
    suite_test(s, a_proxy_must_be_one);
    suite_test(s, times_that_bound_each_other_must_be_in_order);
    suite_test(s, a_value_that_is_wrong_by_itself_is_not_held_against_another);
    suite_test(s, secrets_are_not_repeated_in_problems);
    suite_test(s, the_example_file_is_the_one_the_table_makes);
    suite_test(s, the_example_parses_back_to_the_defaults);
}

int main(void)
{
    return suite_main("config: agent_config", add);
}
