/* The running hub: health, metrics, reports, TLS, reload, and being killed. */
#include "hub/commands.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/hub/support_tls.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROTOBUF "Content-Type: application/x-protobuf"

enum { BATCH = 30, NOT_HANGING_S = 60 };

static struct buf fleet_request(int agent, uint64_t first, int guests)
{
    struct resource who = made_agent(agent, agent % 2 == 0 ? "PROD-A" : "PROD-B", "6.3.9600.20778", "6.3.9600.18692");
    struct buf bytes;
    struct made m;

    buf_init(&bytes, 8 * 1024 * 1024);
    made_init(&m, first);
    made_host_inventory(&m, &who, T0);
    for (int i = 0; i < guests; i++)
        made_inventory(&m, agent * 100 + i, T0, "6.3.9600", i % 2 == 0 ? "6.3.9600.18692" : "6.3.9600.16384");
    made_request(&m, &who, &bytes);
    made_free(&m);
    return bytes;
}

static void send_fleet(const struct running *r, int agent, uint64_t first, int guests)
{
    struct buf bytes = fleet_request(agent, first, guests);
    struct call call = { .path = "/v1/logs", .headers = { PROTOBUF }, .body = bytes.data, .len = bytes.len };

    ck_assert_int_eq(status_of(r, &call), 200);
    buf_free(&bytes);
}

/* Runs a command with stdout going to a file of that name in dir; returns its exit code.  Not in a child: the
 * hub's threads run in this process, and a fork would take their locks along. */
static int run_command(int (*command)(int, char **), const char *dir, char **argv)
{
    char path[4200];
    int argc = 0, code, old, out;

    while (argv[argc] != NULL)
        argc++;
    snprintf(path, sizeof path, "%s/stdout", dir);
    out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(out, 0);
    fflush(stdout);
    old = dup(STDOUT_FILENO);
    dup2(out, STDOUT_FILENO);
    code = command(argc, argv);
    fflush(stdout);
    dup2(old, STDOUT_FILENO);
    close(old);
    close(out);
    return code;
}

static char *output(const char *dir, const char *name)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return read_file(path, NULL);
}

/* Cuts out what tells when the report was made; times are not all of one length. */
static void blank_time(char *text)
{
    char *at = strstr(text, "generated_at");

    if (at == NULL)
        at = strstr(text, "20"); /* the text's head line */
    at = at != NULL ? strstr(at, "20") : NULL;
    if (at != NULL) {
        const char *end = at + strcspn(at, "\" ,\n");

        memmove(at, end, strlen(end) + 1);
    }
}

START_TEST(the_command_line_and_http_give_the_same_report)
{
    static const struct {
        const char *kind, *format;
    } reports[] = { { "drift", "json" }, { "drift", "csv" }, { "drift", "text" },
                    { "hosts", "json" }, { "hosts", "csv" }, { "hosts", "text" } };
    struct running r;

    hub_run(&r, "", false);
    send_fleet(&r, 1, 1, 6);
    send_fleet(&r, 2, 1, 4);
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        char *argv[] = { (char *)"report",
                         (char *)(uintptr_t)reports[i].kind,
                         (char *)"--format",
                         (char *)(uintptr_t)reports[i].format,
                         (char *)"--cluster=prod-a",
                         (char *)"--config",
                         r.config_file,
                         NULL };
        struct call call = { 0 };
        struct answer a;
        char path[128];
        char *printed;

        snprintf(path, sizeof path, "/api/v1/reports/%s?format=%s&cluster=prod-a", reports[i].kind, reports[i].format);
        call.path = path;
        call_hub(&r, &call, &a);
        ck_assert_int_eq(a.status, 200);
        ck_assert_int_eq(run_command(cmd_report, r.dir, argv), 0);
        printed = output(r.dir, "stdout");
        ck_assert_uint_gt(a.body.len, 20);
        blank_time(printed);
        blank_time(a.body.data);
        ck_assert_str_eq(printed, buf_text(&a.body));
        free(printed);
        answer_free(&a);
    }
    hub_end(&r);
}
END_TEST

START_TEST(the_drift_report_counts_what_was_sent)
{
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    send_fleet(&r, 1, 1, 6);
    call_hub(&r, &(struct call){ .path = "/api/v1/reports/drift" }, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "application/json");
    ck_assert_ptr_nonnull(strstr(buf_text(&a.body), "hvfleet.report.drift/1"));
    ck_assert_ptr_nonnull(strstr(buf_text(&a.body), "6.3.9600.16384"));
    ck_assert_ptr_nonnull(strstr(buf_text(&a.body), made_vm(100)));
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(wrong_report_parameters_are_400_and_say_what_to_write)
{
    static const char *const paths[] = {
        "/api/v1/reports/drift?format=pdf",       "/api/v1/reports/drift?since=soon",
        "/api/v1/reports/drift?since=2999-01-01", "/api/v1/reports/hosts?colour=1",
        "/api/v1/reports/drift?format",           "/api/v1/reports/incidents?code=x",
        "/api/v1/reports/incidents?limit=1001",   "/api/v1/reports/incidents?format=sccm",
    };
    struct running r;

    hub_run(&r, "", false);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert_int_eq(status_of(&r, &(struct call){ .path = paths[i] }), 400);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/api/v1/reports/drift?since=7d&format=csv" }), 200);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/api/v1/reports/incidents" }), 200);
    hub_end(&r);
}
END_TEST

START_TEST(metrics_count_requests_records_and_commits)
{
    static const char *const lines[] = {
        "hvhub_requests_total{code=\"200\"} 2",
        "hvhub_requests_total{code=\"404\"} 1",
        "hvhub_records_total 7\n",
        "hvhub_records_duplicate_total 7\n",
        "hvhub_commits_total 2\n",
        "hvhub_queue_requests 0\n",
        "hvhub_guests{state=\"behind\"} 3\n",
        "hvhub_hosts 1\n",
    };
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    send_fleet(&r, 1, 1, 6);
    send_fleet(&r, 1, 1, 6);
    status_of(&r, &(struct call){ .path = "/nothing" });
    call_hub(&r, &(struct call){ .path = "/metrics" }, &a);
    ck_assert_int_eq(a.status, 200);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(buf_text(&a.body), lines[i]) != NULL, "no %s in\n%s", lines[i], buf_text(&a.body));
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(health_answers_get_and_head)
{
    struct running r;

    hub_run(&r, "", false);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/livez" }), 200);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/readyz" }), 200);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/readyz", .method = "HEAD" }), 200);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/api/v1/reports/drift", .method = "HEAD" }), 200);
    hub_end(&r);
}
END_TEST

/* ---- TLS -------------------------------------------------------------------------------- */

START_TEST(over_tls_a_client_certificate_of_our_ca_is_enough_and_others_are_not)
{
    static const struct {
        const char *name;
        int status;
    } clients[] = { { NULL, 401 }, { "client", 200 }, { "server", 401 }, { "outsider", 401 } };
    const char *certs = temp_dir();
    struct running r;

    if (!make_certificates(certs))
        skip("the openssl command is missing");
    hub_run(&r, tls_config(certs, "hub", true), true);
    ck_assert_int_eq(strncmp(hub_address(r.hub), "https://", 8), 0);
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        struct call call = { .path = "/api/v1/reports/hosts", .ca = path_in(certs, "ca.pem") };
        char cert[64], key[64];

        if (clients[i].name != NULL) {
            snprintf(cert, sizeof cert, "%s.pem", clients[i].name);
            snprintf(key, sizeof key, "%s.key", clients[i].name);
            call.cert = path_in(certs, cert);
            call.key = path_in(certs, key);
        }
        ck_assert_int_eq(status_of(&r, &call), clients[i].status);
    }
    hub_end(&r);
}
END_TEST

START_TEST(a_reload_brings_a_new_certificate_and_tokens_without_a_new_port)
{
    static struct hub_config config;
    const char *certs = temp_dir();
    char extra[24 * 1024], before[128];
    struct call call = { .path = "/api/v1/reports/hosts", .headers = { "Authorization: Bearer 0123456789abcdef-new" } };
    struct running r;
    struct err e = { 0 };

    if (!make_certificates(certs))
        skip("the openssl command is missing");
    hub_run(&r, tls_config(certs, "hub", false), true);
    snprintf(before, sizeof before, "%s", hub_address(r.hub));
    call.ca = path_in(certs, "ca.pem");
    ck_assert_int_eq(status_of(&r, &call), 401);
    snprintf(extra, sizeof extra, "%singest:\n  token_file: %s\n", tls_config(certs, "hub2", false),
             write_file(r.dir, "tokens", "0123456789abcdef-new\n", 21));
    make_config(&r, extra, &config);
    ck_assert_msg(hub_reload(r.hub, &config, &e) == 0, "%s", e.text);
    ck_assert_str_eq(hub_address(r.hub), before);
    ck_assert_int_eq(status_of(&r, &call), 200);
    hub_end(&r);
}
END_TEST

START_TEST(a_reload_that_fails_leaves_all_as_it_was)
{
    static struct hub_config config;
    char extra[4400];
    struct running r;
    struct err e = { 0 };

    hub_run(&r, "", false);
    snprintf(extra, sizeof extra, "ingest:\n  token_file: %s/missing\n", r.dir);
    make_config(&r, extra, &config);
    ck_assert_int_eq(hub_reload(r.hub, &config, &e), ERR_NOT_FOUND);
    ck_assert_msg(strstr(e.text, "missing") != NULL, "%s", e.text);
    send_fleet(&r, 1, 1, 2);
    hub_end(&r);
}
END_TEST

START_TEST(a_key_that_does_not_belong_to_the_certificate_is_said_at_start)
{
    static struct hub_config config;
    const char *certs = temp_dir(), *note;
    struct running r = { 0 };
    struct err e = { 0 };

    if (!make_certificates(certs))
        skip("the openssl command is missing");
    snprintf(r.dir, sizeof r.dir, "%s", temp_dir());
    snprintf(r.store, sizeof r.store, "%s/fleet.db", r.dir);
    make_config(&r, tls_config(certs, "hub", false), &config);
    snprintf(config.key_file, sizeof config.key_file, "%s", path_in(certs, "client.key"));
    ck_assert_int_eq(hub_check(&config, &note, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "client.key") != NULL, "%s", e.text);
    ck_assert_int_eq(hub_start(&r.hub, &(struct hub_options){ .config = &config }, &e), ERR_INVALID);
}
END_TEST

START_TEST(plain_http_is_refused_where_others_can_reach_it)
{
    static struct hub_config config;
    struct running r = { 0 };
    const char *note;
    struct err e = { 0 };

    snprintf(r.dir, sizeof r.dir, "%s", temp_dir());
    snprintf(r.store, sizeof r.store, "%s/fleet.db", r.dir);
    make_config(&r, "", &config);
    snprintf(config.listen, sizeof config.listen, "0.0.0.0:0");
    ck_assert_int_eq(hub_start(&r.hub, &(struct hub_options){ .config = &config }, &e), ERR_REFUSED);
    ck_assert_msg(strstr(e.text, "tls.cert_file") != NULL, "%s", e.text);
    ck_assert_int_eq(hub_check(&config, &note, &e), ERR_REFUSED);
}
END_TEST

START_TEST(a_port_that_is_taken_is_said_with_the_remedy)
{
    static struct hub_config config;
    struct running r, other = { 0 };
    struct err e = { 0 };

    hub_run(&r, "", false);
    snprintf(other.dir, sizeof other.dir, "%s", temp_dir());
    snprintf(other.store, sizeof other.store, "%s/fleet.db", other.dir);
    make_config(&other, "", &config);
    snprintf(config.listen, sizeof config.listen, "%s", hub_address(r.hub) + strlen("http://"));
    ck_assert_int_ne(hub_start(&other.hub, &(struct hub_options){ .config = &config }, &e), 0);
    ck_assert_msg(strstr(e.text, "another hub") != NULL, "%s", e.text);
    hub_end(&r);
}
END_TEST

/* ---- the program ------------------------------------------------------------------------- */

struct served {
    pid_t pid;
    char base[128];
};

/* hvhub serve in a child; its address is what it prints. */
static struct served serve(struct running *r)
{
    char *argv[] = { (char *)"serve", (char *)"--config", r->config_file, NULL };
    struct served s;
    int ends[2];
    FILE *out;

    ck_assert_int_eq(pipe(ends), 0);
    s.pid = fork();
    ck_assert_int_ge(s.pid, 0);
    if (s.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        _exit(cmd_serve(3, argv));
    }
    close(ends[1]);
    out = fdopen(ends[0], "r");
    ck_assert_int_eq(fscanf(out, "listening on %127s", s.base), 1);
    fclose(out);
    return s;
}

static void prepare(struct running *r)
{
    static struct hub_config config;

    *r = (struct running){ .hub = NULL };
    snprintf(r->dir, sizeof r->dir, "%s", temp_dir());
    snprintf(r->store, sizeof r->store, "%s/fleet.db", r->dir);
    make_config(r, "", &config);
}

static int64_t seconds_now(void)
{
    return plat_clock()->monotonic_ns(plat_clock()) / NS_PER_S;
}

START_TEST(serve_says_where_it_listens_and_stops_cleanly)
{
    static const int signals[] = { SIGTERM, SIGINT };
    struct running r;

    prepare(&r);
    for (int i = 0; i < 2; i++) {
        struct served s = serve(&r);
        int64_t start;
        int status;

        ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/livez", .base = s.base }), 200);
        kill(s.pid, SIGHUP);
        start = seconds_now();
        kill(s.pid, signals[i]);
        ck_assert_int_eq(waitpid(s.pid, &status, 0), s.pid);
        ck_assert_int_eq(status, 0);
        ck_assert_int_le(seconds_now() - start, NOT_HANGING_S); /* it ended, and did not have to be killed */
    }
}
END_TEST

static int send_batch(const struct running *r, const struct served *s, uint64_t first)
{
    struct resource who = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct call call = { .path = "/v1/logs", .headers = { PROTOBUF }, .base = s->base };
    struct buf bytes;
    struct made m;
    int status;

    buf_init(&bytes, 1024 * 1024);
    made_init(&m, first);
    made_lifecycle(&m, 1, BATCH, T0 + (int64_t)first * NS_PER_S);
    made_request(&m, &who, &bytes);
    made_free(&m);
    call.body = bytes.data;
    call.len = bytes.len;
    status = status_of(r, &call);
    buf_free(&bytes);
    return status;
}

/* Sends batches until the hub is gone, some time after its first answer; the mark it
 * acknowledged last comes back. */
static uint64_t send_until_killed(struct running *r, struct served *s, uint64_t first, unsigned *seed)
{
    useconds_t after_us = (useconds_t)(rand_r(seed) % 200000);
    uint64_t acked = first + BATCH - 1;
    int status;

    ck_assert_int_eq(send_batch(r, s, first), 200);
    if (fork() == 0) {
        usleep(after_us);
        kill(s->pid, SIGKILL);
        _exit(0);
    }
    while (send_batch(r, s, acked + 1) == 200)
        acked += BATCH;
    ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
    ck_assert_int_eq(WIFSIGNALED(status), 1);
    while (wait(NULL) > 0)
        ;
    return acked;
}

START_TEST(a_hub_that_is_killed_has_all_it_acknowledged_once)
{
    struct running r;
    unsigned seed = 11;
    uint64_t acked = 0;

    prepare(&r);
    for (int round = 0; round < 6; round++) {
        struct resource who = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
        struct served s = serve(&r);

        acked = send_until_killed(&r, &s, acked + 1, &seed);
        check_all_once(r.store, who.agent_id, acked);
    }
    ck_assert_uint_gt(acked, 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_command_line_and_http_give_the_same_report);
    suite_test(s, the_drift_report_counts_what_was_sent);
    suite_test(s, wrong_report_parameters_are_400_and_say_what_to_write);
    suite_test(s, metrics_count_requests_records_and_commits);
    suite_test(s, health_answers_get_and_head);
    suite_test(s, over_tls_a_client_certificate_of_our_ca_is_enough_and_others_are_not);
    suite_test(s, a_reload_brings_a_new_certificate_and_tokens_without_a_new_port);
    suite_test(s, a_reload_that_fails_leaves_all_as_it_was);
    suite_test(s, a_key_that_does_not_belong_to_the_certificate_is_said_at_start);
    suite_test(s, plain_http_is_refused_where_others_can_reach_it);
    suite_test(s, a_port_that_is_taken_is_said_with_the_remedy);
    suite_test(s, serve_says_where_it_listens_and_stops_cleanly);
    suite_test(s, a_hub_that_is_killed_has_all_it_acknowledged_once);
}

int main(void)
{
    return suite_main("hub: the running hub", add);
}
