/* http_curl.h against a real server with real TLS on this machine. */
#include "base/text.h"
#include "base/times.h"
#include "tests/support/suite.h"
#include "transport/curl_options.h"
#include "transport/http_curl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "tests/transport/http_server.py"

static const char *certs; /* folder with ca.pem, other-ca.pem, hub.*, wrong.*, client.*; NULL: could not be made */
static const char *missing;
static char folder[512];

/* ---- certificates --------------------------------------------------------- */

static bool shell(const char *command)
{
    return system(command) == 0;
}

static bool make_ca(const char *name)
{
    char command[2048];

    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s "
             "-addext basicConstraints=critical,CA:TRUE -keyout %s.key -out %s.pem >/dev/null 2>&1",
             certs, name, name, name);
    return shell(command);
}

static bool make_cert(const char *name, const char *names)
{
    char command[2048];

    snprintf(
        command, sizeof command,
        "cd %s && echo subjectAltName=%s >%s.ext && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-subj /CN=%s -keyout %s.key -out %s.csr >/dev/null 2>&1 && openssl x509 -req -in %s.csr -CA ca.pem -CAkey "
        "ca.key -CAcreateserial -days 2 -extfile %s.ext -out %s.pem >/dev/null 2>&1",
        certs, names, name, name, name, name, name, name, name);
    return shell(command);
}

static void remove_certificates(void)
{
    char command[sizeof folder + 32];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (certs != NULL && !shell(command))
        fprintf(stderr, "cannot remove %s\n", folder);
}

/* Once for all tests; before the first, because each test is a process of its own. */
static void make_certificates(void)
{
    if (access(SERVER, R_OK) != 0)
        missing = "run from the checkout: " SERVER " is not here";
    else if (!shell("python3 -c 'import ssl' >/dev/null 2>&1"))
        missing = "python3 with ssl is missing";
    else if (!shell("openssl version >/dev/null 2>&1"))
        missing = "the openssl command is missing";
    if (missing != NULL)
        return;
    snprintf(folder, sizeof folder, "%s/hvfleet-test.XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    certs = mkdtemp(folder);
    if (certs == NULL)
        missing = "no folder for certificates";
    else if (!make_ca("ca") || !make_ca("other-ca") ||
             !make_cert("hub", "DNS:localhost,IP:127.0.0.1,DNS:hub.example.test") ||
             !make_cert("wrong", "DNS:elsewhere.example.test") || !make_cert("client", "DNS:agent.example.test"))
        missing = "openssl could not make certificates";
}

#define need_server()    \
    if (missing != NULL) \
    skip("%s", missing)

static const char *cert(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", certs, name);
    return path;
}

/* ---- the server ------------------------------------------------------------- */

struct server {
    pid_t pid;
    FILE *out;
    int in;
    int port;
    char line[8192]; /* of the last request */
};

static void server_start(struct server *s, const char *const *args)
{
    const char *argv[16] = { "python3", SERVER };
    int in[2], out[2], n = 2;

    while (*args != NULL)
        argv[n++] = *args++;
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execvp("python3", (char **)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    s->in = in[1];
    s->out = fdopen(out[0], "r");
    ck_assert_ptr_nonnull(fgets(s->line, sizeof s->line, s->out));
    s->port = (int)strtol(s->line, NULL, 10);
    ck_assert_int_gt(s->port, 0);
}

static void server_tls(struct server *s, const char *name)
{
    char pem[64], key[64];

    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    server_start(s, (const char *const[]){ "--cert", cert(pem), "--key", cert(key), NULL });
}

static void server_stop(struct server *s)
{
    int status;

    close(s->in);
    fclose(s->out);
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
}

/* The server has not told of a request yet. */
static bool saw_nothing_yet(struct server *s)
{
    struct pollfd p = { .fd = fileno(s->out), .events = POLLIN };

    return poll(&p, 1, 5) == 0;
}

/* The next request that the server saw. */
static const char *saw(struct server *s)
{
    ck_assert_ptr_nonnull(fgets(s->line, sizeof s->line, s->out));
    return s->line;
}

/* ---- the client --------------------------------------------------------------- */

static uv_loop_t loop;
static struct http_client *client;
static struct agent_config_hub config;
static struct http_reply got;
static bool answered, closed;

static void set_config(int port, const char *mode)
{
    static struct agent_config defaults;

    agent_config_defaults(&defaults);
    config = defaults.hub;
    snprintf(config.url, sizeof config.url, "https://localhost:%d/%s", port, mode);
    text_copy(config.ca_file, sizeof config.ca_file, cert("ca.pem"));
    config.timeout_ns = 60 * NS_PER_S;
}

static void open_client(void)
{
    struct err e = { 0 };

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_msg(http_curl_new(&client, &loop, &config, &e) == 0, "%s", e.text);
}

static void on_closed(void *arg)
{
    (void)arg;
    closed = true;
}

static void close_client(void)
{
    closed = false;
    client->ops->close(client, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(closed);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    (void)arg;
    ck_assert(!answered);
    got = *reply;
    answered = true;
}

static void start_post(const char *body, const char *encoding)
{
    struct err e = { 0 };

    answered = false;
    memset(&got, 0x5A, sizeof got);
    ck_assert_msg(client->ops->post(client, HTTP_RECORDS, body, strlen(body), encoding, on_reply, NULL, &e) == 0, "%s",
                  e.text);
    ck_assert(!answered);
}

static void post(const char *body, const char *encoding)
{
    start_post(body, encoding);
    while (!answered)
        uv_run(&loop, UV_RUN_ONCE);
}

/* One POST to a TLS server in that mode. */
static void once(const char *mode)
{
    struct server s;

    server_tls(&s, "hub");
    set_config(s.port, mode);
    open_client();
    post("hello", NULL);
    close_client();
    server_stop(&s);
}

/* ---- TLS ------------------------------------------------------------------------- */

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
    int rc;

    signal(SIGPIPE, SIG_IGN);
    make_certificates();
    rc = suite_main("transport: http_curl", add);
    remove_certificates();
    return rc;
}
