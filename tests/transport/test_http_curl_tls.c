/* http_curl.h and TLS: a request as it arrives, what is trusted, what is shown, what is refused. */
#include "base/text.h"
#include "tests/transport/http_rig.h"
#include "transport/curl_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_request_arrives_as_it_should_and_so_does_the_answer)
{
    struct server s;
    const char *line;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    text_copy(config.token_file, sizeof config.token_file,
              write_file(certs, "token", " s3cret.Token \nnot this\n", 24));
    open_client();
    post("hello", "zstd");
    ck_assert_str_eq(got.error, "");
    ck_assert_int_eq(got.status, 200);
    ck_assert_int_eq(got.has_acked_through, true);
    ck_assert_uint_eq(got.acked_through, 42);
    ck_assert_int_eq(got.has_send_budget, true);
    ck_assert_uint_eq(got.send_budget, 65536);
    ck_assert_int_eq(got.retry_after_ns, -1);
    ck_assert_int_eq(got.certificate_problem, false);
    line = saw(&s);
    ck_assert_ptr_nonnull(strstr(line, "\"path\": \"/ok/v1/logs\""));
    ck_assert_ptr_nonnull(strstr(line, "\"first\": \"hello\""));
    ck_assert_ptr_nonnull(strstr(line, "\"content-type\": \"application/x-protobuf\""));
    ck_assert_ptr_nonnull(strstr(line, "\"content-encoding\": \"zstd\""));
    ck_assert_ptr_nonnull(strstr(line, "\"authorization\": \"Bearer s3cret.Token\""));
    ck_assert_ptr_nonnull(strstr(line, "\"user-agent\": \"hvagent/" HVFLEET_VERSION "\""));
    ck_assert_ptr_null(strstr(line, "\"expect\""));
    post("again", NULL);
    ck_assert_ptr_null(strstr(saw(&s), "content-encoding"));
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(state_has_a_content_type_of_its_own)
{
    struct server s;
    const char *line;
    struct err e = { 0 };

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    open_client();
    answered = false;
    ck_assert_int_eq(client->ops->post(client, HTTP_STATE, "state", 5, "gzip", on_reply, NULL, &e), 0);
    while (!answered)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(got.takes_state, true);
    line = saw(&s);
    ck_assert_ptr_nonnull(strstr(line, "\"content-type\": \"" HTTP_STATE_TYPE "\""));
    ck_assert_ptr_nonnull(strstr(line, "\"content-encoding\": \"gzip\""));
    post("records", NULL);
    ck_assert_ptr_nonnull(strstr(saw(&s), "\"content-type\": \"application/x-protobuf\""));
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(an_unknown_ca_is_refused_in_clear_words)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    text_copy(config.ca_file, sizeof config.ca_file, cert("other-ca.pem"));
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_int_eq(got.certificate_problem, true);
    ck_assert_msg(strstr(got.error, "the hub's certificate is not trusted: ") == got.error, "%s", got.error);
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(the_system_does_not_know_the_ca_of_the_test)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    config.ca_file[0] = '\0';
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_int_eq(got.certificate_problem, true);
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(a_wrong_host_name_is_refused)
{
    struct server s;

    need_server();
    server_tls(&s, "wrong");
    set_config(s.port, "ok");
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_int_eq(got.certificate_problem, true);
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(verification_can_be_switched_off_on_loopback)
{
    struct server s;

    need_server();
    server_tls(&s, "wrong");
    set_config(s.port, "ok");
    text_copy(config.ca_file, sizeof config.ca_file, cert("other-ca.pem"));
    config.verify = false;
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 200);
    close_client();
    server_stop(&s);
}
END_TEST

static void refused(const char *url, bool verify, const char *why)
{
    static struct agent_config defaults;
    struct err e = { 0 };

    agent_config_defaults(&defaults);
    text_copy(defaults.hub.url, sizeof defaults.hub.url, url);
    defaults.hub.verify = verify;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(http_curl_new(&client, &loop, &defaults.hub, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, why);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

START_TEST(what_config_refuses_is_refused_here_too)
{
    refused("https://hub.example.com", false,
            "hub.verify: false is for a loopback address only, and hub.url is another");
    refused("http://hub.example.com", true,
            "hub.url: is not encrypted, which only a loopback address may be; write https://");
    refused("", true, "hub.url: does not begin with https://; write https://hub.example.com:4318, say");
}
END_TEST

START_TEST(a_client_certificate_is_shown)
{
    struct server s;

    need_server();
    server_start(&s, (const char *const[]){ "--cert", cert("hub.pem"), "--key", cert("hub.key"), "--client-ca",
                                            cert("ca.pem"), NULL });
    set_config(s.port, "ok");
    text_copy(config.cert_file, sizeof config.cert_file, cert("client.pem"));
    text_copy(config.key_file, sizeof config.key_file, cert("client.key"));
    open_client();
    post("hello", NULL);
    ck_assert_str_eq(got.error, "");
    ck_assert_int_eq(got.status, 200);
    ck_assert_ptr_nonnull(strstr(saw(&s), "\"subject\": \"client\""));
    close_client();
    config.cert_file[0] = config.key_file[0] = '\0';
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_str_ne(got.error, "");
    close_client();
    server_stop(&s);
}
END_TEST

/* client.p12 from client.pem, with this password. */
static bool make_p12(const char *password)
{
    char command[1024];

    snprintf(command, sizeof command,
             "cd %s && openssl pkcs12 -export -in client.pem -inkey client.key -out client.p12 -passout pass:%s", certs,
             password);
    return shell(command);
}

START_TEST(a_client_certificate_with_its_key_in_one_file_is_shown)
{
    struct server s;

    need_server();
    ck_assert(make_p12("horse"));
    write_file(certs, "p12-password", "horse\r\n", 7);
    server_start(&s, (const char *const[]){ "--cert", cert("hub.pem"), "--key", cert("hub.key"), "--client-ca",
                                            cert("ca.pem"), NULL });
    set_config(s.port, "ok");
    text_copy(config.cert_file, sizeof config.cert_file, cert("client.p12"));
    text_copy(config.cert_password_file, sizeof config.cert_password_file, cert("p12-password"));
    open_client();
    post("hello", NULL);
    ck_assert_str_eq(got.error, "");
    ck_assert_int_eq(got.status, 200);
    ck_assert_ptr_nonnull(strstr(saw(&s), "\"subject\": \"client\""));
    close_client();
    write_file(certs, "p12-password", "another", 7);
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_int_eq(got.certificate_problem, true);
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(a_password_file_that_is_not_there_is_named)
{
    static struct agent_config defaults;
    struct err e = { 0 };

    agent_config_defaults(&defaults);
    config = defaults.hub;
    text_copy(config.url, sizeof config.url, "https://localhost:1");
    text_copy(config.cert_file, sizeof config.cert_file, "client.p12");
    text_copy(config.cert_password_file, sizeof config.cert_password_file, "/nonexistent/password");
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_ne(http_curl_new(&client, &loop, &config, &e), 0);
    ck_assert_str_eq(e.text, "cannot read hub.cert_password_file /nonexistent/password: No such file or directory");
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

/* tls_library takes what cert_file names, or says rather. */
static void taken(const char *cert_file, const char *tls_library, const char *rather)
{
    struct err e = { 0 };
    int rc = curl_options_check_certificate(cert_file, tls_library, &e);

    ck_assert_int_eq(rc, rather[0] != '\0' ? ERR_UNSUPPORTED : 0);
    ck_assert_str_eq(e.text, rather);
}

START_TEST(the_kind_of_certificate_must_be_one_the_tls_library_takes)
{
    taken("", "Schannel", "");
    taken("", "OpenSSL/3.0.11", "");
    taken("client.pem", "OpenSSL/3.0.11", "");
    taken("client.p12", "OpenSSL/3.0.11", "");
    taken("C:\\keys\\client.PFX", "Schannel", "");
    taken("store:LocalMachine\\MY\\0123456789abcdef0123456789abcdef01234567", "Schannel", "");
    taken("client.pem", "Schannel",
          "hub.cert_file: Windows takes no PEM files; write a .p12 or .pfx file without hub.key_file (openssl pkcs12 "
          "-export makes one), or store:LocalMachine\\MY\\ and a thumbprint");
    taken("store:LocalMachine\\MY\\0123456789abcdef0123456789abcdef01234567", "OpenSSL/3.0.11",
          "hub.cert_file: only Windows has certificate stores; write a PEM file, with hub.key_file");
}
END_TEST

START_TEST(a_client_certificate_that_cannot_be_read_is_named)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    text_copy(config.cert_file, sizeof config.cert_file, cert("none.pem"));
    text_copy(config.key_file, sizeof config.key_file, cert("none.key"));
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_int_eq(got.certificate_problem, true);
    ck_assert_msg(strstr(got.error, "hub.cert_file or its key cannot be used: ") == got.error, "%s", got.error);
    close_client();
    server_stop(&s);
}
END_TEST

static void copy_cert(const char *from, const char *to)
{
    size_t len;
    char *bytes = read_file(cert(from), &len);

    write_file(certs, to, bytes, len);
    free(bytes);
}

START_TEST(certificate_files_are_read_anew_for_each_connection)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "last"); /* the server closes the connection after each answer */
    copy_cert("other-ca.pem", "rotated.pem");
    text_copy(config.ca_file, sizeof config.ca_file, cert("rotated.pem"));
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.certificate_problem, true);
    copy_cert("ca.pem", "rotated.pem");
    post("hello", NULL);
    ck_assert_int_eq(got.status, 200);
    copy_cert("other-ca.pem", "rotated.pem");
    post("hello", NULL);
    ck_assert_int_eq(got.certificate_problem, true);
    close_client();
    server_stop(&s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_request_arrives_as_it_should_and_so_does_the_answer);
    suite_test(s, state_has_a_content_type_of_its_own);
    suite_test(s, an_unknown_ca_is_refused_in_clear_words);
    suite_test(s, the_system_does_not_know_the_ca_of_the_test);
    suite_test(s, a_wrong_host_name_is_refused);
    suite_test(s, verification_can_be_switched_off_on_loopback);
    suite_test(s, what_config_refuses_is_refused_here_too);
    suite_test(s, a_client_certificate_is_shown);
    suite_test(s, a_client_certificate_with_its_key_in_one_file_is_shown);
    suite_test(s, a_password_file_that_is_not_there_is_named);
    suite_test(s, the_kind_of_certificate_must_be_one_the_tls_library_takes);
    suite_test(s, a_client_certificate_that_cannot_be_read_is_named);
    suite_test(s, certificate_files_are_read_anew_for_each_connection);
}

int main(void)
{
    return http_rig_main("transport: http_curl and TLS", add);
}
