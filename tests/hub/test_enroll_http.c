/* POST /v1/enroll and /v1/renew: what is refused before anything is looked at, what a token gets, and what its
 * certificate opens. */
#include "base/text.h"
#include "hub/ca.h"
#include "hub/enroll_token.h"
#include "hub/fleet_identity.h"
#include "plat/clock.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/hub/support_tls.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON  "Content-Type: application/json"
#define AGENT "6F9619FF-8B86-D011-B42D-00C04FC964F1"

enum { BODY_MAX = 64 * 1024, HEADER_MAX = 256 };

static struct running r;
static char certs[4096], token[HEADER_MAX], csr[8 * 1024];

/* A CSR of name.key; false when the openssl command is missing. */
static bool make_csr(const char *name)
{
    char command[10000], path[64], *text;

    snprintf(command, sizeof command,
             "cd '%s' && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout %s.key -out"
             " %s.csr >/dev/null 2>&1",
             certs, name, name);
    if (system(command) != 0)
        return false;
    snprintf(path, sizeof path, "%s.csr", name);
    text = read_file(path_in(certs, path), NULL);
    text_copy(csr, sizeof csr, text);
    free(text);
    return true;
}

/* In the hub's store, as `hvhub enroll new` makes it. */
static void make_token(int64_t uses)
{
    int64_t now = plat_clock()->wall_ns(plat_clock());
    struct fleet_token t = { .uses = uses, .uses_left = uses, .created = now, .expires = now + 60 * MINUTES };
    struct fleet_store *store = open_store(r.store, plat_clock());
    char text[ENROLL_TOKEN_TEXT_MAX];
    struct err e = { 0 };

    enroll_token_make(text, t.id, t.digest);
    ck_assert_msg(fleet_token_make(store, &t, "by a test", &e) == 0, "%s", e.text);
    fleet_store_close(store);
    snprintf(token, sizeof token, "Authorization: Bearer %s", text);
}

/* A hub over TLS with a CA of its own, one that signs clients, and a token. */
static void set_up(void)
{
    static char extra[20 * 1024];
    char folder[4200];
    struct err e = { 0 };

    text_copy(certs, sizeof certs, temp_dir());
    if (!make_certificates(certs) || !make_csr("agent"))
        skip("the openssl command is missing");
    snprintf(folder, sizeof folder, "%s/own", certs);
    ck_assert_msg(ca_make(folder, &e) == 0, "%s", e.text);
    snprintf(extra, sizeof extra, "%sca:\n  dir: %s\ningest:\n  require_certificate: true\n",
             tls_config(certs, "hub", true), folder);
    hub_run(&r, extra, false);
    make_token(2);
}

static char *body_of(const char *request, const char *agent, const char *host)
{
    json_t *o = json_object();
    char *text;

    if (request != NULL)
        json_object_set_new(o, "csr", json_string(request));
    if (agent != NULL)
        json_object_set_new(o, "agent_id", json_string(agent));
    if (host != NULL)
        json_object_set_new(o, "host_id", json_string(host));
    text = json_dumps(o, 0);
    ck_assert_ptr_nonnull(text);
    json_decref(o);
    return text;
}

/* Posts the text; expects the status and words in the answer, which is returned, static. */
static const char *post(const char *path, const char *header, const char *body, const char *cert, int status,
                        const char *words)
{
    static char answer[16 * 1024];
    struct call call = { .path = path, .headers = { JSON, header }, .body = body, .len = strlen(body) };
    char pem[64], key[64];
    struct answer a;

    call.ca = path_in(certs, "ca.pem");
    if (cert != NULL) {
        snprintf(pem, sizeof pem, "%s.pem", cert);
        snprintf(key, sizeof key, "%s.key", cert);
        call.cert = path_in(certs, pem);
        call.key = path_in(certs, key);
    }
    call_hub(&r, &call, &a);
    snprintf(answer, sizeof answer, "%.*s", (int)a.body.len, a.body.len > 0 ? a.body.data : "");
    ck_assert_msg(a.status == status, "%s: %d, not %d: %s%s", path, a.status, status, answer, a.error);
    ck_assert_msg(strstr(answer, words) != NULL, "%s: no \"%s\" in %s", path, words, answer);
    answer_free(&a);
    return answer;
}

/* The same, with the JSON of these three. */
static const char *enroll(const char *header, const char *request, const char *agent, const char *host, int status,
                          const char *words)
{
    char *body = body_of(request, agent, host);
    const char *answer = post("/v1/enroll", header, body, NULL, status, words);

    free(body);
    return answer;
}

/* The certificate of an answer becomes NAME.pem. */
static void keep_certificate(const char *answer, const char *name)
{
    json_error_t problem;
    json_t *o = json_loads(answer, 0, &problem);
    const char *pem = json_string_value(json_object_get(o, "certificate"));
    char file[64];

    ck_assert_msg(pem != NULL && strstr(pem, "-----BEGIN CERTIFICATE-----") == pem, "%s", answer);
    ck_assert_ptr_nonnull(json_string_value(json_object_get(o, "serial")));
    ck_assert_ptr_nonnull(strchr(json_string_value(json_object_get(o, "expires")), 'Z'));
    snprintf(file, sizeof file, "%s.pem", name);
    write_file(certs, file, pem, strlen(pem));
    json_decref(o);
}

/* Sends the bytes with this certificate, NULL none. */
static int send_with(const struct buf *bytes, const char *name)
{
    struct call logs = { .path = "/v1/logs", .headers = { "Content-Type: application/x-protobuf" } };
    char pem[64], key[64];

    logs.body = bytes->data;
    logs.len = bytes->len;
    logs.ca = path_in(certs, "ca.pem");
    if (name != NULL) {
        snprintf(pem, sizeof pem, "%s.pem", name);
        snprintf(key, sizeof key, "%s.key", name);
        logs.cert = path_in(certs, pem);
        logs.key = path_in(certs, key);
    }
    return status_of(&r, &logs);
}

static int64_t uses_left(void)
{
    return ask_store(r.store, "SELECT sum(uses_left) FROM enroll_token");
}

START_TEST(a_hub_without_a_ca_says_what_it_needs)
{
    struct answer a;

    hub_run(&r, "", false);
    call_hub(&r, &(struct call){ .path = "/v1/enroll", .headers = { JSON }, .body = "{}", .len = 2 }, &a);
    ck_assert_int_eq(a.status, 503);
    ck_assert_str_ne(answer_header(&a, "Retry-After"), "");
    ck_assert_ptr_nonnull(memmem(a.body.data, a.body.len, "hvhub ca init", strlen("hvhub ca init")));
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(what_is_no_request_is_refused_in_words_and_takes_no_use)
{
    static char big[BODY_MAX + 16], long_text[HOST_ID_MAX + 8], long_csr[CSR_BYTES_MAX + 8];
    static const char *const bodies[] = { "", "{", "[]", "\"x\"", "null", "{\"csr\":1,\"csr\":2}" };

    set_up();
    memset(big, 'x', sizeof big - 1);
    memset(long_text, 'h', HOST_ID_MAX);
    memset(long_csr, 'c', CSR_BYTES_MAX + 1);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/v1/enroll",
                                                   .headers = { "Content-Type: text/plain", token },
                                                   .body = "{}",
                                                   .len = 2,
                                                   .ca = path_in(certs, "ca.pem") }),
                     415);
    enroll("X: y", csr, AGENT, "host", 401, "an enrolment token is needed");
    enroll("Authorization: Bearer hve-x", csr, AGENT, "host", 401, "an enrolment token is needed");
    enroll("Authorization: Bearer hve-000000000000-000000000000000000000000000000000000000000000000", csr, AGENT,
           "host", 403, "not known");
    for (size_t i = 1; i < sizeof bodies / sizeof bodies[0]; i++)
        post("/v1/enroll", token, bodies[i], NULL, 400, "the body is not a JSON object");
    post("/v1/enroll", token, big, NULL, 413, "larger than");
    enroll(token, NULL, AGENT, "host", 400, "csr: a certificate request (PKCS #10, PEM)");
    enroll(token, long_csr, AGENT, "host", 400, "csr: a certificate request (PKCS #10, PEM)");
    enroll(token, "no PEM", AGENT, "host", 400, "csr");
    enroll(token, csr, NULL, "host", 400, "agent_id: a text of 1 to");
    enroll(token, csr, "no GUID", "host", 400, "agent_id: a GUID is needed");
    enroll(token, csr, AGENT, NULL, 400, "host_id: a text of 1 to");
    enroll(token, csr, AGENT, "", 400, "host_id: a text of 1 to");
    enroll(token, csr, AGENT, "a\nb", 400, "host_id: a text of 1 to");
    enroll(token, csr, AGENT, "a\x7f", 400, "host_id: a text of 1 to");
    enroll(token, csr, AGENT, long_text, 400, "host_id: a text of 1 to");
    ck_assert_int_eq(uses_left(), 2);
    long_text[HOST_ID_MAX - 1] = '\0';
    enroll(token, csr, AGENT, long_text, 200, "BEGIN CERTIFICATE"); /* the longest that fits */
    ck_assert_int_eq(uses_left(), 1);
    hub_end(&r);
}
END_TEST

START_TEST(a_token_gets_a_certificate_that_sends_and_renews_itself)
{
    struct resource who = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct buf bytes;
    struct made m;
    char *body;

    set_up();
    buf_init(&bytes, 64 * 1024);
    made_init(&m, 1);
    made_lifecycle(&m, 1, 1, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    keep_certificate(enroll(token, csr, who.agent_id, who.host_id, 200, "\"expires\""), "agent");
    ck_assert_int_eq(uses_left(), 1);
    ck_assert_int_eq(send_with(&bytes, NULL), 403);
    ck_assert_int_eq(send_with(&bytes, "agent"), 200);

    ck_assert(make_csr("next"));
    body = body_of(csr, NULL, NULL);
    post("/v1/renew", "X: y", body, NULL, 401, "a renewal is asked for with the certificate that enrolment gave");
    post("/v1/renew", "X: y", body, "client", 401, "a renewal is asked for with the certificate that enrolment gave");
    post("/v1/renew", "X: y", "[]", "agent", 400, "the body is not a JSON object");
    post("/v1/renew", "X: y", "{}", "agent", 400, "csr: a certificate request");
    post("/v1/renew", "X: y", "{\"csr\":\"x\"}", "agent", 400, "csr");
    keep_certificate(post("/v1/renew", "X: y", body, "agent", 200, "\"serial\""), "next");
    free(body);
    ck_assert_int_eq(send_with(&bytes, "next"), 200);
    ck_assert_int_eq(uses_left(), 1);
    ck_assert_int_eq(ask_store(r.store, "SELECT count(*) FROM issued"), 2);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

START_TEST(a_store_that_fails_is_503_and_a_no_is_403)
{
    struct answer a;
    char *body;

    set_up();
    enroll(token, csr, AGENT, "host", 200, "BEGIN CERTIFICATE");
    ck_assert(make_csr("other"));
    enroll(token, csr, AGENT, "host", 403, "another key");
    ask_store(r.store, "DROP TABLE enroll_token");
    body = body_of(csr, AGENT, "host");
    call_hub(&r,
             &(struct call){ .path = "/v1/enroll",
                             .headers = { JSON, token },
                             .body = body,
                             .len = strlen(body),
                             .ca = path_in(certs, "ca.pem") },
             &a);
    ck_assert_int_eq(a.status, 503);
    ck_assert_str_ne(answer_header(&a, "Retry-After"), "");
    answer_free(&a);
    free(body);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_hub_without_a_ca_says_what_it_needs);
    suite_test(s, what_is_no_request_is_refused_in_words_and_takes_no_use);
    suite_test(s, a_token_gets_a_certificate_that_sends_and_renews_itself);
    suite_test(s, a_store_that_fails_is_503_and_a_no_is_403);
}

int main(void)
{
    return suite_main("hub: enrolment over HTTP", add);
}
