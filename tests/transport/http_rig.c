/* See http_rig.h. */
#include "tests/transport/http_rig.h"

#include "base/text.h"
#include "base/times.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "tests/transport/http_server.py"

const char *certs, *missing;
static char folder[512];

/* ---- certificates --------------------------------------------------------- */

bool shell(const char *command)
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

const char *cert(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", certs, name);
    return path;
}

/* ---- the server ------------------------------------------------------------- */

void server_start(struct server *s, const char *const *args)
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

void server_tls(struct server *s, const char *name)
{
    char pem[64], key[64];

    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    server_start(s, (const char *const[]){ "--cert", cert(pem), "--key", cert(key), NULL });
}

void server_stop(struct server *s)
{
    int status;

    close(s->in);
    fclose(s->out);
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
}

bool saw_nothing_yet(struct server *s)
{
    struct pollfd p = { .fd = fileno(s->out), .events = POLLIN };

    return poll(&p, 1, 5) == 0;
}

const char *saw(struct server *s)
{
    ck_assert_ptr_nonnull(fgets(s->line, sizeof s->line, s->out));
    return s->line;
}

/* ---- the client --------------------------------------------------------------- */

uv_loop_t loop;
struct http_client *client;
struct agent_config_hub config;
struct http_reply got;
bool answered, closed;

void set_config(int port, const char *mode)
{
    static struct agent_config defaults;

    agent_config_defaults(&defaults);
    config = defaults.hub;
    snprintf(config.url, sizeof config.url, "https://localhost:%d/%s", port, mode);
    text_copy(config.ca_file, sizeof config.ca_file, cert("ca.pem"));
    config.timeout_ns = 60 * NS_PER_S;
}

void open_client(void)
{
    struct err e = { 0 };

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_msg(http_curl_new(&client, &loop, &config, &e) == 0, "%s", e.text);
}

void on_closed(void *arg)
{
    (void)arg;
    closed = true;
}

void close_client(void)
{
    closed = false;
    client->ops->close(client, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(closed);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

void on_reply(void *arg, const struct http_reply *reply)
{
    (void)arg;
    ck_assert(!answered);
    got = *reply;
    answered = true;
}

void start_post(const char *body, const char *encoding)
{
    struct err e = { 0 };

    answered = false;
    memset(&got, 0x5A, sizeof got);
    ck_assert_msg(client->ops->post(client, HTTP_RECORDS, body, strlen(body), encoding, on_reply, NULL, &e) == 0, "%s",
                  e.text);
    ck_assert(!answered);
}

void post(const char *body, const char *encoding)
{
    start_post(body, encoding);
    while (!answered)
        uv_run(&loop, UV_RUN_ONCE);
}

void once(const char *mode)
{
    struct server s;

    server_tls(&s, "hub");
    set_config(s.port, mode);
    open_client();
    post("hello", NULL);
    close_client();
    server_stop(&s);
}

int http_rig_main(const char *name, void (*add)(Suite *s))
{
    int rc;

    signal(SIGPIPE, SIG_IGN);
    make_certificates();
    rc = suite_main(name, add);
    remove_certificates();
    return rc;
}
