/* ingest.require_certificate: who may send as it is by itself and with false, and what a hub says to which nobody can.
 */
#include "base/log.h"
#include "base/text.h"
#include "hub/ca.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/hub/support_tls.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define TOKEN  "0123456789abcdef0123"
#define BEARER "Authorization: Bearer " TOKEN
#define WRONG  "Authorization: Bearer 9876543210fedcba9876"
#define ENROL  "(ingest.require_certificate): enrol this agent, with hub.enroll_token_file"

static struct buf one_inventory(void)
{
    struct resource who = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct buf bytes;
    struct made m;

    buf_init(&bytes, 64 * 1024);
    made_init(&m, 1);
    made_host_inventory(&m, &who, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    return bytes;
}

/* Sends one observation with these means, expects the status and the words in the answer. */
static void send_expect(const struct running *r, struct call call, int status, const char *words)
{
    struct buf bytes = one_inventory();
    struct answer a;
    size_t n = 0;

    call.path = "/v1/logs";
    call.body = bytes.data;
    call.len = bytes.len;
    while (call.headers[n] != NULL)
        n++;
    call.headers[n] = "Content-Type: application/x-protobuf";
    call_hub(r, &call, &a);
    ck_assert_msg(a.status == status, "%d and not %d %s", a.status, status, a.error);
    ck_assert_msg(words[0] == '\0' || memmem(a.body.data, a.body.len, words, strlen(words)) != NULL,
                  "no \"%s\" in %zu bytes", words, a.body.len);
    answer_free(&a);
    buf_free(&bytes);
}

/* ---- with the settings as they are by themselves ------------------------------------------- */

enum { EXTRA_MAX = 24 * 1024 };

/* A config with `more` (other sections) and a token file, and what is said of require_certificate left out. */
static void default_config(struct running *r, const char *more, struct hub_config *out)
{
    static char extra[EXTRA_MAX];
    struct hub_config defaults;

    text_copy(r->dir, sizeof r->dir, temp_dir());
    snprintf(r->store, sizeof r->store, "%s/fleet.db", r->dir);
    snprintf(extra, sizeof extra, "%singest:\n  token_file: %s\n", more,
             write_file(r->dir, "tokens", TOKEN "\n", sizeof TOKEN));
    make_config(r, extra, out);
    hub_config_defaults(&defaults);
    out->require_certificate = defaults.require_certificate;
}

static void start(struct running *r, const struct hub_config *config, bool distrust_loopback)
{
    struct hub_options options = { .config = config, .distrust_loopback = distrust_loopback };
    struct err e = { 0 };

    ck_assert_msg(hub_start(&r->hub, &options, &e) == 0, "%s", e.text);
}

static void stop(struct running *r)
{
    struct err e = { 0 };

    ck_assert_msg(hub_stop(r->hub, &e) == 0, "%s", e.text);
}

static int64_t stored(const struct running *r)
{
    return ask_store(r->store, "SELECT count(*) FROM observation");
}

START_TEST(by_default_nobody_sends_without_a_certificate_and_hears_how_to_enrol)
{
    static struct hub_config config;
    struct running r;

    default_config(&r, "", &config);
    start(&r, &config, false);
    send_expect(&r, (struct call){ .headers = { NULL } }, 403, ENROL);
    send_expect(&r, (struct call){ .headers = { BEARER } }, 403, ENROL);
    send_expect(&r, (struct call){ .headers = { WRONG } }, 401, ENROL);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/api/v1/reports/hosts", .headers = { BEARER } }), 200);
    stop(&r);
    start(&r, &config, true);
    send_expect(&r, (struct call){ .headers = { NULL } }, 401, ENROL);
    send_expect(&r, (struct call){ .headers = { BEARER } }, 403, ENROL);
    stop(&r);
    ck_assert_int_eq(stored(&r), 0);
}
END_TEST

START_TEST(by_default_a_certificate_of_tls_client_ca_file_sends)
{
    static struct hub_config config;
    const char *certs = temp_dir();
    struct call with = { .ca = path_in(certs, "ca.pem") };
    struct running r;

    if (!make_certificates(certs))
        skip("the openssl command is missing");
    default_config(&r, tls_config(certs, "hub", true), &config);
    start(&r, &config, false);
    send_expect(&r, with, 403, ENROL);
    with.cert = path_in(certs, "client.pem");
    with.key = path_in(certs, "client.key");
    send_expect(&r, with, 200, "");
    with.cert = path_in(certs, "outsider.pem");
    with.key = path_in(certs, "outsider.key");
    send_expect(&r, with, 401, ENROL);
    stop(&r);
    ck_assert_int_eq(stored(&r), 1);
}
END_TEST

START_TEST(with_false_a_token_sends_and_on_loopback_nothing_is_needed)
{
    static struct hub_config config;
    struct running r;

    default_config(&r, "", &config);
    config.require_certificate = false;
    start(&r, &config, true);
    send_expect(&r, (struct call){ .headers = { NULL } }, 401, "a bearer token or a client certificate is needed");
    send_expect(&r, (struct call){ .headers = { WRONG } }, 401, "a bearer token or a client certificate is needed");
    ck_assert_int_eq(stored(&r), 0);
    send_expect(&r, (struct call){ .headers = { BEARER } }, 200, "");
    stop(&r);
    start(&r, &config, false);
    send_expect(&r, (struct call){ .headers = { NULL } }, 200, "");
    stop(&r);
    ck_assert_int_eq(stored(&r), 1);
}
END_TEST

/* ---- a hub to which nobody can send --------------------------------------------------------- */

static const char *note_of(const struct hub_config *config)
{
    const char *note = "not set";
    struct err e = { 0 };

    ck_assert_msg(hub_check(config, &note, &e) == 0, "%s", e.text);
    return note;
}

START_TEST(check_config_says_why_nobody_can_send_and_what_to_do)
{
    static struct hub_config config;
    const char *certs = temp_dir(), *note;
    struct running r;
    struct err e = { 0 };

    default_config(&r, "", &config);
    note = note_of(&config);
    ck_assert_ptr_nonnull(note);
    ck_assert_msg(strstr(note, "which needs TLS; write tls.cert_file and tls.key_file and enrol") != NULL, "%s", note);
    ck_assert_msg(strstr(note, "ingest.require_certificate: false") != NULL, "%s", note);
    config.require_certificate = false;
    ck_assert_ptr_null(note_of(&config));

    if (!make_certificates(certs))
        skip("the openssl command is missing");
    default_config(&r, tls_config(certs, "hub", false), &config);
    note = note_of(&config);
    ck_assert_ptr_nonnull(note);
    ck_assert_msg(strstr(note, "no CA is there that signs them; enrol the agents (hvhub enroll new") != NULL, "%s",
                  note);
    ck_assert_msg(strstr(note, "tls.client_ca_file") != NULL, "%s", note);
    ck_assert_msg(strstr(note, "ingest.require_certificate: false") != NULL, "%s", note);
    text_copy(config.ca_dir, sizeof config.ca_dir, path_in(r.dir, "ca"));
    ck_assert_msg(ca_make(config.ca_dir, &e) == 0, "%s", e.text);
    ck_assert_ptr_null(note_of(&config));
    default_config(&r, tls_config(certs, "hub", true), &config);
    ck_assert_ptr_null(note_of(&config));
}
END_TEST

struct heard {
    int closed;
    char last[LOG_LINE_MAX * 2];
};

static void hear(enum log_level level, const char *line, void *arg)
{
    struct heard *h = arg;

    if (strstr(line, " ingest.closed ") == NULL)
        return;
    ck_assert_int_eq(level, LOG_WARN);
    h->closed++;
    text_copy(h->last, sizeof h->last, line);
}

START_TEST(a_hub_to_which_nobody_can_send_says_so_at_start_until_it_can)
{
    static struct hub_config config;
    struct heard h = { 0 };
    struct running r;
    struct err e = { 0 };

    default_config(&r, "", &config);
    config.log_level = LOG_WARN;
    log_set_sink(hear, &h);
    start(&r, &config, false);
    ck_assert_int_eq(h.closed, 1);
    ck_assert_msg(strstr(h.last, "hvhub enroll new") != NULL, "%s", h.last);
    config.require_certificate = false;
    ck_assert_msg(hub_reload(r.hub, &config, &e) == 0, "%s", e.text);
    ck_assert_int_eq(h.closed, 1);
    stop(&r);
    start(&r, &config, false);
    stop(&r);
    log_set_sink(NULL, NULL);
    ck_assert_int_eq(h.closed, 1);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, by_default_nobody_sends_without_a_certificate_and_hears_how_to_enrol);
    suite_test(s, by_default_a_certificate_of_tls_client_ca_file_sends);
    suite_test(s, with_false_a_token_sends_and_on_loopback_nothing_is_needed);
    suite_test(s, check_config_says_why_nobody_can_send_and_what_to_do);
    suite_test(s, a_hub_to_which_nobody_can_send_says_so_at_start_until_it_can);
}

int main(void)
{
    return suite_main("hub: who may send", add);
}
