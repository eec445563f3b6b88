/* The status socket's lines, clients and limits, and what the agent answers. */
#include "agent/status_server.h"
#include "base/text.h"
#include "base/times.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CLIENTS = STATUS_CLIENTS_MAX,
    IDLE_MS = 2000, /* longer than a slow machine takes from a call to its question */
};

/* ---- a server that echoes, or keeps the question ---- */

static struct status_client *kept;

static void echo(void *arg, const char *line, size_t len, struct status_client *from)
{
    (void)arg;
    if (strcmp(line, "keep") == 0)
        kept = from;
    else
        status_reply(from, line, len);
}

static void flood(void *arg, const char *line, size_t len, struct status_client *from)
{
    size_t size = 8 * 1024 * 1024;
    char *text = malloc(size);

    (void)arg;
    (void)line;
    (void)len;
    memset(text, 'x', size);
    status_reply(from, text, size);
    free(text);
}

struct bench {
    uv_loop_t loop;
    struct status_server *server;
    char path[256];
};

static void bench_start(struct bench *b, void (*request)(void *, const char *, size_t, struct status_client *),
                        int idle_ms)
{
    struct status_options options = { .group = "", .idle_ms = idle_ms, .request = request };
    struct err e;

    kept = NULL;
    uv_loop_init(&b->loop);
    snprintf(b->path, sizeof b->path, "%.200s/s", temp_dir());
    options.path = b->path;
    ck_assert_msg(status_server_start(&b->server, &b->loop, &options, &e) == 0, "%s", e.text);
}

static void bench_end(struct bench *b)
{
    status_server_stop(b->server);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&b->loop), 0);
}

/* Server and client share this thread, so what was sent is there at once: a few rounds of
 * the loop take it in, however slow the machine is. */
static void turn(struct bench *b)
{
    for (int i = 0; i < 10; i++)
        uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void pass(struct bench *b, int ms)
{
    uint64_t end = uv_hrtime() + (uint64_t)ms * NS_PER_MS;

    while (uv_hrtime() < end) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    turn(b);
}

static int dial(struct bench *b)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert(text_copy(address.sun_path, sizeof address.sun_path, b->path));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    turn(b);
    return fd;
}

static void put(struct bench *b, int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    turn(b);
}

/* What has come by now; "closed" at the end, "nothing" when there is none. */
static const char *get(int fd)
{
    static char text[STATUS_LINE_MAX * 2];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);

    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return "closed";
    if (n < 0)
        return "nothing";
    text[n] = '\0';
    return text;
}

START_TEST(a_line_gets_a_line_back)
{
    struct bench b;
    int fd;

    bench_start(&b, echo, 0);
    fd = dial(&b);
    put(&b, fd, "hello\n");
    ck_assert_str_eq(get(fd), "hello\n");
    close(fd);
    bench_end(&b);
}
END_TEST

START_TEST(lines_in_pieces_and_several_at_once_are_answered_in_order)
{
    struct bench b;
    int fd;

    bench_start(&b, echo, 0);
    fd = dial(&b);
    put(&b, fd, "he");
    ck_assert_str_eq(get(fd), "nothing");
    put(&b, fd, "llo\nagain\nth");
    ck_assert_str_eq(get(fd), "hello\nagain\n");
    put(&b, fd, "ird\n");
    ck_assert_str_eq(get(fd), "third\n");
    close(fd);
    bench_end(&b);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_refused_and_ends_the_connection)
{
    char line[STATUS_LINE_MAX + 1];
    struct bench b;
    int fd;

    memset(line, 'a', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    bench_start(&b, echo, 0);
    fd = dial(&b);
    put(&b, fd, line);
    ck_assert_ptr_nonnull(strstr(get(fd), "longer than 4096"));
    ck_assert_str_eq(get(fd), "closed");
    close(fd);
    bench_end(&b);
}
END_TEST

START_TEST(the_longest_line_that_is_allowed_is_answered)
{
    char line[STATUS_LINE_MAX + 1];
    struct bench b;
    int fd;

    memset(line, 'a', STATUS_LINE_MAX - 1);
    line[STATUS_LINE_MAX - 1] = '\n';
    line[STATUS_LINE_MAX] = '\0';
    bench_start(&b, echo, 0);
    fd = dial(&b);
    put(&b, fd, line);
    ck_assert_str_eq(get(fd), line);
    close(fd);
    bench_end(&b);
}
END_TEST

START_TEST(one_client_too_many_is_told_so)
{
    int fds[CLIENTS], extra;
    struct bench b;

    bench_start(&b, echo, 0);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = dial(&b);
    extra = dial(&b);
    ck_assert_ptr_nonnull(strstr(get(extra), "too many clients"));
    ck_assert_str_eq(get(extra), "closed");
    put(&b, fds[CLIENTS - 1], "still here\n");
    ck_assert_str_eq(get(fds[CLIENTS - 1]), "still here\n");
    close(extra);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    bench_end(&b);
}
END_TEST

START_TEST(a_client_that_says_nothing_is_dropped)
{
    struct bench b;
    int fd;

    bench_start(&b, echo, 30);
    fd = dial(&b);
    pass(&b, 80);
    ck_assert_str_eq(get(fd), "closed");
    close(fd);
    bench_end(&b);
}
END_TEST

START_TEST(a_client_that_does_not_read_its_answer_is_dropped)
{
    struct bench b;
    int fd;

    bench_start(&b, flood, IDLE_MS);
    fd = dial(&b);
    put(&b, fd, "all of it\n");
    pass(&b, IDLE_MS + 100);
    for (const char *text = get(fd); strcmp(text, "closed") != 0; text = get(fd))
        ck_assert_str_ne(text, "nothing");
    close(fd);
    bench_end(&b);
}
END_TEST

START_TEST(waiting_for_an_answer_is_not_idleness)
{
    struct bench b;
    int fd;

    bench_start(&b, echo, IDLE_MS);
    fd = dial(&b);
    put(&b, fd, "keep\n");
    pass(&b, IDLE_MS + 100);
    ck_assert_ptr_nonnull(kept);
    status_reply(kept, "late", 4);
    turn(&b);
    ck_assert_str_eq(get(fd), "late\n");
    close(fd);
    bench_end(&b);
}
END_TEST

START_TEST(an_answer_for_a_client_that_has_gone_goes_nowhere)
{
    struct bench b;
    int fd;

    bench_start(&b, echo, 0);
    fd = dial(&b);
    put(&b, fd, "keep\n");
    close(fd);
    turn(&b);
    bench_end(&b);
    status_reply(kept, "late", 4); /* valgrind and the sanitizers watch */
}
END_TEST

/* ---- what the agent answers ---- */

static void start(struct rig *r)
{
    struct err e;

    rig_init(r);
    ck_assert_msg(rig_start(r, &e) == 0, "%s", e.text);
}

static void end(struct rig *r)
{
    rig_stop(r, AGENT_STOPPED);
    rig_free(r);
}

START_TEST(status_has_every_key_that_others_rely_on)
{
    static const char *const paths[] = {
        "v",
        "state",
        "reasons",
        "agent_id",
        "version",
        "sources.0.name",
        "sources.0.state",
        "sources.0.last_event",
        "sources.0.lag_records",
        "sources.0.remedy",
        "store.rows",
        "store.bytes",
        "store.oldest_unsent",
        "transport.state",
        "transport.last_ack",
        "transport.acked_through",
    };
    static struct scripted s;
    struct rig r;
    struct err e;
    json_t *status;

    rig_init(&r);
    scripted_init(&s, "scripted", 3);
    rig_add(&r, &s);
    ck_assert_int_eq(rig_start(&r, &e), 0);
    status = rig_ask(&r, "{\"cmd\":\"status\",\"v\":1}");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        at(status, paths[i]);
    ck_assert_uint_eq(strlen(json_string_value(at(status, "agent_id"))), 36);
    json_decref(status);
    end(&r);
}
END_TEST

START_TEST(metrics_have_backlog_and_lag)
{
    static const char *const paths[] = { "metrics.queue_rows", "metrics.queue_bytes", "metrics.oldest_unsent_age_s",
                                         "metrics.lag_records.scripted", "metrics.acked_through" };
    static struct scripted s;
    struct rig r;
    struct err e;
    json_t *metrics;
    int all = 4;

    rig_init(&r);
    scripted_init(&s, "scripted", 3);
    s.lag = 7;
    rig_add(&r, &s);
    ck_assert_int_eq(rig_start(&r, &e), 0);
    rig_until(&r, hub_has_all, &all);
    metrics = rig_ask(&r, "{\"cmd\":\"metrics\",\"v\":1}");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert(json_is_number(at(metrics, paths[i])));
    ck_assert_int_eq(json_integer_value(at(metrics, "metrics.lag_records.scripted")), 7);
    json_decref(metrics);
    end(&r);
}
END_TEST

START_TEST(guests_are_those_of_the_store)
{
    static struct scripted s;
    struct rig r;
    struct err e;
    json_t *guests;
    int all = 4;

    rig_init(&r);
    scripted_init(&s, "scripted", 3);
    rig_add(&r, &s);
    ck_assert_int_eq(rig_start(&r, &e), 0);
    rig_until(&r, hub_has_all, &all);
    guests = rig_ask(&r, "{\"cmd\":\"guests\",\"v\":1}");
    ck_assert_str_eq(json_string_value(at(guests, "guests.0.vm_name")), "SCRIPTED");
    json_decref(guests);
    end(&r);
}
END_TEST

START_TEST(drift_is_the_report_in_one_line)
{
    static struct scripted s;
    struct rig r;
    struct err e;
    json_t *drift;
    int all = 4;

    rig_init(&r);
    scripted_init(&s, "scripted", 3);
    rig_add(&r, &s);
    ck_assert_int_eq(rig_start(&r, &e), 0);
    rig_until(&r, hub_has_all, &all);
    drift = rig_ask(&r, "{\"cmd\":\"drift\",\"v\":1}");
    ck_assert_str_eq(json_string_value(at(drift, "schema")), "hvfleet.report.drift/1");
    ck_assert_str_eq(json_string_value(at(drift, "guests.0.state")), "unknown");
    json_decref(drift);
    end(&r);
}
END_TEST

START_TEST(version_tells_version_and_agent)
{
    struct rig r;
    json_t *answer;

    start(&r);
    answer = rig_ask(&r, "{\"cmd\":\"version\",\"v\":1}");
    ck_assert_str_eq(json_string_value(at(answer, "version")), HVFLEET_VERSION);
    json_decref(answer);
    end(&r);
}
END_TEST

START_TEST(nonsense_is_answered_with_an_error_and_hurts_nobody)
{
    static const char *const lines[] = { "",
                                         "{",
                                         "[]",
                                         "null",
                                         "{\"cmd\":7}",
                                         "{\"cmd\":\"status\",\"v\":2}",
                                         "{\"cmd\":\"no such\",\"v\":1}",
                                         "{\"v\":1}",
                                         "\x01\xff\xfe" };
    struct rig r;

    start(&r);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        json_t *answer = rig_ask(&r, lines[i]);

        ck_assert_str_ne(json_string_value(at(answer, "error")), "");
        json_decref(answer);
    }
    end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_line_gets_a_line_back);
    suite_test(s, lines_in_pieces_and_several_at_once_are_answered_in_order);
    suite_test(s, a_line_that_is_too_long_is_refused_and_ends_the_connection);
    suite_test(s, the_longest_line_that_is_allowed_is_answered);
    suite_test(s, one_client_too_many_is_told_so);
    suite_test(s, a_client_that_says_nothing_is_dropped);
    suite_test(s, a_client_that_does_not_read_its_answer_is_dropped);
    suite_test(s, waiting_for_an_answer_is_not_idleness);
    suite_test(s, an_answer_for_a_client_that_has_gone_goes_nowhere);
    suite_test(s, status_has_every_key_that_others_rely_on);
    suite_test(s, metrics_have_backlog_and_lag);
    suite_test(s, guests_are_those_of_the_store);
    suite_test(s, drift_is_the_report_in_one_line);
    suite_test(s, version_tells_version_and_agent);
    suite_test(s, nonsense_is_answered_with_an_error_and_hurts_nobody);
}

int main(void)
{
    return suite_main("agent: status socket", add);
}
