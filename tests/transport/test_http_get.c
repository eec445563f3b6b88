/* http_get.h: what is asked and how it is written; answers over real TLS are in tests/system/test_report. */
#include "tests/support/suite.h"
#include "transport/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct agent_config config;
static struct buf out;
static struct err e;

/* A server that reads one request and gives one answer. */
struct server {
    int fd;
    pthread_t thread;
    const char *answer;
    char request[4096];
};

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->fd, NULL, NULL);
    size_t len = 0;

    while (fd >= 0 && len < sizeof s->request - 1 && strstr(s->request, "\r\n\r\n") == NULL) {
        ssize_t n = recv(fd, s->request + len, sizeof s->request - 1 - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
        s->request[len] = '\0';
    }
    if (fd >= 0) {
        (void)!write(fd, s->answer, strlen(s->answer));
        close(fd);
    }
    return NULL;
}

static void set_up(void)
{
    agent_config_defaults(&config);
    buf_init(&out, 1024);
    e = (struct err){ .code = ERR_OK };
}

static void server_start(struct server *s, const char *answer)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;

    *s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .answer = answer };
    ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(s->fd, 1), 0);
    ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    snprintf(config.hub.url, sizeof config.hub.url, "http://127.0.0.1:%d", ntohs(a.sin_port));
    ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->fd);
}

START_TEST(an_answer_is_appended_and_the_request_is_a_get)
{
    struct server s;

    set_up();
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    ck_assert_msg(http_get(&config.hub, "/api/v1/x?a=b", &out, &e) == 0, "%s", e.text);
    server_end(&s);
    ck_assert_str_eq(buf_text(&out), "hello");
    ck_assert_ptr_eq(strstr(s.request, "GET /api/v1/x?a=b HTTP/1.1\r\n"), s.request);
    ck_assert_ptr_null(strstr(s.request, "Authorization"));
    buf_free(&out);
}
END_TEST

START_TEST(the_token_is_shown)
{
    struct server s;

    set_up();
    snprintf(config.hub.token_file, sizeof config.hub.token_file, "%s", write_file(temp_dir(), "token", "secret\n", 7));
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    ck_assert_msg(http_get(&config.hub, "/", &out, &e) == 0, "%s", e.text);
    server_end(&s);
    ck_assert_ptr_nonnull(strstr(s.request, "\r\nAuthorization: Bearer secret\r\n"));
    buf_free(&out);
}
END_TEST

START_TEST(another_status_is_told_in_the_hubs_words)
{
    struct server s;

    set_up();
    server_start(&s, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nsince: write 7d\x1b[31m\nmore");
    ck_assert_int_eq(http_get(&config.hub, "/", &out, &e), ERR_REFUSED);
    server_end(&s);
    ck_assert_ptr_nonnull(strstr(e.text, "400: since: write 7d"));
    ck_assert_ptr_null(strchr(e.text, '\x1b'));
    ck_assert_ptr_null(strstr(e.text, "more"));
    buf_free(&out);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
    struct server s;

    set_up();
    server_start(
        &s, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    ck_assert_int_eq(http_get(&config.hub, "/", &out, &e), ERR_REFUSED);
    server_end(&s);
    ck_assert_ptr_nonnull(strstr(e.text, "302"));
    buf_free(&out);
}
END_TEST

START_TEST(an_answer_over_the_ceiling_is_too_big)
{
    static char answer[4096];
    struct server s;

    set_up();
    memset(answer, 'x', sizeof answer - 1);
    memcpy(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 38);
    server_start(&s, answer);
    ck_assert_int_eq(http_get(&config.hub, "/", &out, &e), ERR_TOO_BIG);
    server_end(&s);
    buf_free(&out);
}
END_TEST

START_TEST(nobody_there_is_no_answer)
{
    struct server s;

    set_up();
    server_start(&s, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    ck_assert_int_eq(http_get(&config.hub, "/", &out, &e), 0);
    server_end(&s); /* its port is free now */
    ck_assert_int_eq(http_get(&config.hub, "/", &out, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "no answer from the hub"));
    buf_free(&out);
}
END_TEST

START_TEST(plain_http_to_another_machine_is_refused)
{
    set_up();
    snprintf(config.hub.url, sizeof config.hub.url, "http://hub.example.com:4318");
    ck_assert_int_eq(http_get(&config.hub, "/", &out, &e), ERR_INVALID);
    buf_free(&out);
}
END_TEST

START_TEST(text_is_percent_encoded)
{
    set_up();
    http_get_encode(&out, "PROD A&b=c/\xC3\xA9~-._%");
    ck_assert_str_eq(buf_text(&out), "PROD%20A%26b%3Dc%2F%C3%A9~-._%25");
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_answer_is_appended_and_the_request_is_a_get);
    suite_test(s, the_token_is_shown);
    suite_test(s, another_status_is_told_in_the_hubs_words);
    suite_test(s, a_redirect_is_not_followed);
    suite_test(s, an_answer_over_the_ceiling_is_too_big);
    suite_test(s, nobody_there_is_no_answer);
    suite_test(s, plain_http_to_another_machine_is_refused);
    suite_test(s, text_is_percent_encoded);
}

int main(void)
{
    return suite_main("transport: http_get", add);
}
