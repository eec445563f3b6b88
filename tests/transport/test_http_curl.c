/* http_curl.h against a real server: connections, answers, tokens.  What is about TLS is in test_http_curl_tls.c. */
#include "base/text.h"
#include "base/times.h"
#include "tests/transport/http_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- connections ------------------------------------------------------------------ */

static int connection_of(const char *line)
{
    const char *p = strstr(line, "\"connection\": ");

    ck_assert_ptr_nonnull(p);
    return (int)strtol(p + 14, NULL, 10);
}

START_TEST(a_connection_is_used_again)
{
    struct server s;
    int first;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    open_client();
    post("one", NULL);
    first = connection_of(saw(&s));
    for (int i = 0; i < 3; i++) {
        post("two", NULL);
        ck_assert_int_eq(got.status, 200);
        ck_assert_int_eq(connection_of(saw(&s)), first);
    }
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(a_refused_connection_says_so)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    need_server();
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0); /* taken, and nobody listens */
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    set_config(ntohs(a.sin_port), "ok");
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_int_eq(got.certificate_problem, false);
    ck_assert_str_ne(got.error, "");
    close_client();
    close(fd);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_no_answer)
{
    need_server();
    set_config(1, "ok");
    text_copy(config.url, sizeof config.url, "https://hub.invalid:4318");
    config.timeout_ns = 3 * NS_PER_S;
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_str_ne(got.error, "");
    close_client();
}
END_TEST

START_TEST(a_server_that_says_nothing_is_given_up)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "silent");
    config.timeout_ns = 500 * NS_PER_MS;
    open_client();
    post("hello", NULL);
    ck_assert_int_eq(got.status, 0);
    ck_assert_str_ne(got.error, "");
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(a_post_can_be_cancelled_and_another_started)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    open_client();
    start_post("hello", NULL);
    client->ops->cancel(client);
    client->ops->cancel(client); /* nothing under way: nothing happens */
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert(!answered);
    post("again", NULL);
    ck_assert_int_eq(got.status, 200);
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(a_client_can_be_closed_while_it_waits_for_an_answer)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "silent");
    open_client();
    start_post("hello", NULL);
    while (saw_nothing_yet(&s))
        uv_run(&loop, UV_RUN_NOWAIT);
    saw(&s);
    close_client();
    ck_assert(!answered);
    server_stop(&s);
}
END_TEST

static void reply_and_close(void *arg, const struct http_reply *reply)
{
    got = *reply;
    answered = true;
    client->ops->close(client, on_closed, arg);
}

START_TEST(a_client_may_be_closed_from_its_own_answer)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    open_client();
    answered = closed = false;
    ck_assert_int_eq(client->ops->post(client, HTTP_RECORDS, "x", 1, NULL, reply_and_close, NULL, NULL), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(answered);
    ck_assert(closed);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    server_stop(&s);
}
END_TEST

static int posts_left;

static void post_again(void *arg, const struct http_reply *reply)
{
    ck_assert_int_eq(reply->status, 200);
    if (posts_left-- > 0)
        ck_assert_int_eq(client->ops->post(client, HTTP_RECORDS, "x", 1, NULL, post_again, arg, NULL), 0);
    else
        answered = true;
}

START_TEST(an_answer_may_start_the_next_request)
{
    struct server s;

    need_server();
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    open_client();
    answered = false;
    posts_left = 20;
    ck_assert_int_eq(client->ops->post(client, HTTP_RECORDS, "x", 1, NULL, post_again, NULL, NULL), 0);
    while (!answered)
        uv_run(&loop, UV_RUN_ONCE);
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(a_megabyte_arrives_whole)
{
    struct server s;
    char *big = malloc(1024 * 1024 + 1);

    need_server();
    memset(big, 'b', 1024 * 1024);
    big[1024 * 1024] = '\0';
    server_tls(&s, "hub");
    set_config(s.port, "ok");
    open_client();
    post(big, NULL);
    ck_assert_int_eq(got.status, 200);
    ck_assert_ptr_nonnull(strstr(saw(&s), "\"length\": 1048576"));
    close_client();
    server_stop(&s);
    free(big);
}
END_TEST

START_TEST(loopback_needs_no_tls_and_no_proxy)
{
    struct server s;

    need_server();
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    server_start(&s, (const char *const[]){ NULL });
    set_config(s.port, "ok");
    snprintf(config.url, sizeof config.url, "http://127.0.0.1:%d/ok", s.port);
    open_client();
    post("hello", NULL);
    ck_assert_str_eq(got.error, "");
    ck_assert_int_eq(got.status, 200);
    close_client();
    server_stop(&s);
}
END_TEST

START_TEST(a_proxy_is_gone_through_and_its_own_headers_are_not_the_hubs)
{
    struct server hub, proxy;
    char port[16];

    need_server();
    server_tls(&hub, "hub");
    snprintf(port, sizeof port, "%d", hub.port);
    server_start(&proxy, (const char *const[]){ "--tunnel", port, NULL });
    set_config(hub.port, "seconds");
    text_copy(config.url, sizeof config.url, "https://hub.example.test:4318/seconds");
    snprintf(config.proxy, sizeof config.proxy, "http://127.0.0.1:%d", proxy.port);
    open_client();
    post("hello", NULL);
    ck_assert_str_eq(got.error, "");
    ck_assert_int_eq(got.status, 503);
    ck_assert_int_eq(got.retry_after_ns, 17 * NS_PER_S);
    ck_assert_int_eq(got.has_acked_through, false);
    ck_assert_int_eq(got.has_send_budget, false);
    ck_assert_ptr_nonnull(strstr(saw(&proxy), "\"connect\": \"hub.example.test:4318\""));
    close_client();
    server_stop(&proxy);
    server_stop(&hub);
}
END_TEST

/* ---- answers ----------------------------------------------------------------------- */

START_TEST(retry_after_in_seconds_is_read)
{
    need_server();
    once("seconds");
    ck_assert_int_eq(got.status, 503);
    ck_assert_int_eq(got.retry_after_ns, 17 * NS_PER_S);
    ck_assert_str_eq(got.body, "busy");
}
END_TEST

START_TEST(retry_after_as_a_date_is_read)
{
    need_server();
    once("date");
    ck_assert_int_eq(got.status, 429);
    ck_assert_int_ge(got.retry_after_ns, 85 * NS_PER_S);
    ck_assert_int_le(got.retry_after_ns, 91 * NS_PER_S);
}
END_TEST

START_TEST(a_refusal_in_protobuf_is_told_by_its_message_alone)
{
    need_server();
    once("status");
    ck_assert_int_eq(got.status, 401);
    ck_assert_str_eq(got.body, "no such key");
}
END_TEST

START_TEST(a_body_is_cut_and_made_printable)
{
    need_server();
    once("text");
    ck_assert_int_eq(got.status, 400);
    ck_assert_str_eq(got.error, "");
    ck_assert_ptr_nonnull(strstr(got.body, "no \xEF\xBF\xBD[31mthanks "));
    ck_assert_uint_lt(strlen(got.body), sizeof got.body);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
    need_server();
    once("redirect");
    ck_assert_int_eq(got.status, 302);
    ck_assert_int_eq(got.has_acked_through, false);
}
END_TEST

START_TEST(a_giant_answer_is_taken_by_its_status)
{
    need_server();
    once("giant");
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(got.acked_through, 7);
    ck_assert_uint_lt(strlen(got.body), sizeof got.body);
}
END_TEST

START_TEST(endless_headers_are_no_answer)
{
    need_server();
    once("headers");
    ck_assert_int_eq(got.status, 0);
    ck_assert_str_ne(got.error, "");
}
END_TEST

START_TEST(an_answer_that_breaks_off_is_no_answer)
{
    need_server();
    once("half");
    ck_assert_int_eq(got.status, 0);
    ck_assert_str_ne(got.error, "");
    once("slam");
    ck_assert_int_eq(got.status, 0);
    ck_assert_str_ne(got.error, "");
}
END_TEST

/* ---- tokens -------------------------------------------------------------------------- */

static void token_refused(const char *token, const char *before, const char *after)
{
    struct err e = { 0 };
    char want[2048];

    text_copy(config.url, sizeof config.url, "https://localhost:1");
    if (token != NULL)
        text_copy(config.token_file, sizeof config.token_file, write_file(temp_dir(), "t", token, strlen(token)));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_ne(http_curl_new(&client, &loop, &config, &e), 0);
    snprintf(want, sizeof want, "%shub.token_file %s%s", before, config.token_file, after);
    ck_assert_str_eq(e.text, want);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

START_TEST(a_token_file_that_is_no_good_is_named)
{
    static char large[8192];
    static struct agent_config defaults;

    agent_config_defaults(&defaults);
    config = defaults.hub;
    text_copy(config.token_file, sizeof config.token_file, "/nonexistent/token");
    token_refused(NULL, "cannot read ", ": No such file or directory");
    token_refused("\n\n", "", " is empty; put the token into it");
    token_refused("two words", "", " holds something that is no token");
    token_refused("bad\x01", "", " holds something that is no token");
    memset(large, 'a', 4095);
    token_refused(large, "", " is too large (at most 4094 bytes); put one line into it");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_connection_is_used_again);
    suite_test(s, a_refused_connection_says_so);
    suite_test(s, a_name_that_does_not_resolve_is_no_answer);
    suite_test(s, a_server_that_says_nothing_is_given_up);
    suite_test(s, a_post_can_be_cancelled_and_another_started);
    suite_test(s, a_client_can_be_closed_while_it_waits_for_an_answer);
    suite_test(s, a_client_may_be_closed_from_its_own_answer);
    suite_test(s, an_answer_may_start_the_next_request);
    suite_test(s, a_megabyte_arrives_whole);
    suite_test(s, loopback_needs_no_tls_and_no_proxy);
    suite_test(s, a_proxy_is_gone_through_and_its_own_headers_are_not_the_hubs);
    suite_test(s, retry_after_in_seconds_is_read);
    suite_test(s, retry_after_as_a_date_is_read);
    suite_test(s, a_refusal_in_protobuf_is_told_by_its_message_alone);
    suite_test(s, a_body_is_cut_and_made_printable);
    suite_test(s, a_redirect_is_not_followed);
    suite_test(s, a_giant_answer_is_taken_by_its_status);
    suite_test(s, endless_headers_are_no_answer);
    suite_test(s, an_answer_that_breaks_off_is_no_answer);
    suite_test(s, a_token_file_that_is_no_good_is_named);
}

int main(void)
{
    return http_rig_main("transport: http_curl", add);
}
