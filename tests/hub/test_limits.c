/* Limits of one peer: how slow, how much, under which name, how many agents. */
#include "base/text.h"
#include "base/times.h"
#include "hub/limits_headers.h"
#include "hub/limits_host.h"
#include "hub/limits_path.h"
#include "hub/limits_rate.h"
#include "hub/limits_watch.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOBUF "Content-Type: application/x-protobuf"
#define KIB      1024

/* ---- names ------------------------------------------------------------------------------- */

START_TEST(an_address_and_localhost_are_right_names)
{
    static const char *const right[] = { "127.0.0.1",  "127.0.0.1:4318", "10.1.2.3:80",    "[::1]",
                                         "[::1]:4318", "localhost",      "LocalHost:4318", "localhost.",
                                         "hub.corp",   "HUB.corp:4318",  "hub2.corp." };

    ck_assert(host_expected(NULL, ""));
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        ck_assert_msg(host_expected(right[i], "hub.corp\nhub2.corp"), "%s", right[i]);
}
END_TEST

START_TEST(another_name_or_what_is_no_name_is_refused)
{
    static const char *const wrong[] = { "evil.example",
                                         "",
                                         "hub.corp.evil.example",
                                         "hub.cor",
                                         "[::1",
                                         "[evil]",
                                         "[::1]x",
                                         "127.0.0.1.evil.example",
                                         "hub.corp:x",
                                         "hub.corp:80:80",
                                         "localhost:123456",
                                         "127.0.0.256",
                                         "hub.corp\nhub2.corp",
                                         "@localhost",
                                         "localhost/" };
    char huge[4096];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!host_expected(wrong[i], "hub.corp\nhub2.corp"), "%s", wrong[i]);
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    ck_assert(!host_expected(huge, "hub.corp"));
}
END_TEST

static int status_as(const struct running *r, const char *path, const char *host, const char *authorization)
{
    struct call call = { .path = path, .headers = { host, authorization } };

    return status_of(r, &call);
}

START_TEST(a_page_from_elsewhere_does_not_reach_in_under_its_own_name)
{
    struct running r;
    char extra[4400];

    hub_run(&r, "web:\n  open_on_loopback: true\n  hosts: [hub.corp]\n", false);
    ck_assert_int_eq(status_as(&r, "/", "Host: evil.example", NULL), 421);
    ck_assert_int_eq(status_as(&r, "/api/v1/reports/drift", "Host: evil.example", NULL), 421);
    ck_assert_int_eq(status_as(&r, "/v1/logs", "Host: evil.example", NULL), 405);
    ck_assert_int_eq(status_as(&r, "/", "Host: hub.corp", NULL), 200);
    ck_assert_int_eq(status_as(&r, "/livez", "Host: 10-0-0-1.pod.example", NULL), 200);
    hub_end(&r);

    snprintf(extra, sizeof extra, "ingest:\n  token_file: \"%s\"\n",
             write_file(temp_dir(), "tokens", "0123456789abcdef0123\n", 21));
    hub_run(&r, extra, false);
    ck_assert_int_eq(status_as(&r, "/", "Host: evil.example", "Authorization: Bearer 0123456789abcdef0123"), 200);
    hub_end(&r);
}
END_TEST

START_TEST(an_address_is_decoded_once_and_a_nul_is_not_an_end)
{
    static const struct {
        const char *in, *out;
    } cases[] = { { "", "" },
                  { "/guests", "/guests" },
                  { "a%20b%2Fc", "a b/c" },
                  { "style.css%00.png", "style.css%00.png" },
                  { "%2500", "%00" },
                  { "%zz%", "%zz%" },
                  { "%4", "%4" },
                  { "%c3%BC", "\xc3\xbc" },
                  { "%41%", "A%" } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];

        text_copy(text, sizeof text, cases[i].in);
        ck_assert_uint_eq(path_decode(text), strlen(cases[i].out));
        ck_assert_str_eq(text, cases[i].out);
    }
}
END_TEST

static bool headers_good(const char *const pairs[][2], size_t count)
{
    struct header_check c = { 0 };

    for (size_t i = 0; i < count; i++)
        header_check(&c, pairs[i][0], pairs[i][1], strlen(pairs[i][1]));
    return !c.bad;
}

#define GOOD(...)                                         \
    headers_good((const char *const[][2]){ __VA_ARGS__ }, \
                 sizeof((const char *const[][2]){ __VA_ARGS__ }) / (2 * sizeof(char *)))

START_TEST(headers_that_can_be_read_in_two_ways_are_bad)
{
    ck_assert(GOOD({ "Host", "a" }, { "Content-Length", "19" }, { "X-A", "b\tc" }, { "x-a", "\xc3\xbc" }));
    ck_assert(GOOD({ "Transfer-Encoding", "chunked" }));
    ck_assert(!GOOD({ "Content-Length", "19" }, { "content-length", "5" }));
    ck_assert(!GOOD({ "Content-Length", "19" }, { "Content-Length", "19" }));
    ck_assert(!GOOD({ "Content-Length", "19" }, { "Transfer-Encoding", "chunked" }));
    ck_assert(!GOOD({ "Content-Length", "+19" }));
    ck_assert(!GOOD({ "Content-Length", "" }));
    ck_assert(!GOOD({ "Content-Length", "1999999999999999999" }));
    ck_assert(!GOOD({ "Authorization", "Bearer a" }, { "Authorization", "Bearer b" }));
    ck_assert(!GOOD({ "Transfer-Encoding ", "chunked" }));
    ck_assert(!GOOD({ "", "a" }));
    ck_assert(!GOOD({ "X", "a\rTransfer-Encoding: chunked" }));
    ck_assert(!GOOD({ "X", "a\x7f" }));
}
END_TEST

/* ---- rates --------------------------------------------------------------------------------- */

static _Atomic int64_t test_now = 1000 * NS_PER_S;

static int64_t test_time(const struct clock *c)
{
    (void)c;
    return test_now;
}

static void count_up(const struct random_source *r, void *bytes, size_t len)
{
    uint64_t *next = (uint64_t *)r->state;

    for (size_t i = 0; i < len; i += sizeof *next) {
        size_t n = len - i < sizeof *next ? len - i : sizeof *next;

        memcpy((char *)bytes + i, next, n);
    }
    *next = *next * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

static uint64_t seed = 1;
static const struct random_source chance = { count_up, &seed };
static const struct clock test_clock = { .wall_ns = test_time, .monotonic_ns = test_time };

static struct rate *rate_of(int64_t bytes_per_s)
{
    struct rate *r = NULL;
    struct err e = { 0 };

    ck_assert_int_eq(rate_new(&r, &test_clock, &chance, &e), 0);
    rate_set(r, bytes_per_s);
    return r;
}

START_TEST(an_agent_within_its_rate_never_waits)
{
    struct rate *r = rate_of(100 * KIB);

    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(rate_wait(r, "a"), 0);
        rate_pay(r, "a", 100 * KIB);
        test_now += NS_PER_S;
    }
    rate_free(r);
}
END_TEST

START_TEST(an_agent_over_its_rate_waits_until_its_credit_is_back_and_others_do_not)
{
    struct rate *r = rate_of(100 * KIB);
    int wait;

    rate_pay(r, "a", (size_t)100 * KIB * (RATE_BURST_S + 10));
    wait = rate_wait(r, "a");
    ck_assert_int_ge(wait, 10);
    ck_assert_int_le(wait, 11);
    ck_assert_int_eq(rate_wait(r, "b"), 0);
    test_now += 9 * NS_PER_S;
    ck_assert_int_gt(rate_wait(r, "a"), 0);
    test_now += 2 * NS_PER_S;
    ck_assert_int_eq(rate_wait(r, "a"), 0);
    rate_free(r);
}
END_TEST

START_TEST(many_small_requests_cost_too)
{
    struct rate *r = rate_of(100 * KIB);
    int sent = 0;

    while (rate_wait(r, "a") == 0 && sent < 100000) {
        rate_pay(r, "a", 1);
        sent++;
    }
    ck_assert_int_le(sent, 100 * KIB * RATE_BURST_S / RATE_REQUEST_MIN + 1);
    rate_free(r);
}
END_TEST

START_TEST(without_a_rate_nobody_waits)
{
    struct rate *r = rate_of(0);

    for (int i = 0; i < 100; i++)
        rate_pay(r, "a", (size_t)1 << 30);
    ck_assert_int_eq(rate_wait(r, "a"), 0);
    rate_free(r);
}
END_TEST

START_TEST(a_flood_of_names_costs_no_memory_and_does_not_push_out_who_is_heard_now)
{
    struct rate *r = rate_of(100 * KIB);
    char name[RATE_AGENT_MAX];

    rate_pay(r, "busy", (size_t)100 * KIB * 1000);
    for (int i = 0; i < 20 * RATE_PLACES; i++) {
        test_now += 1000;
        if (i % 100 == 0)
            rate_pay(r, "busy", 1);
        snprintf(name, sizeof name, "%d", i);
        rate_pay(r, name, 1);
        ck_assert_int_eq(rate_wait(r, name), 0);
    }
    ck_assert_int_gt(rate_wait(r, "busy"), 0);
    rate_free(r);
}
END_TEST

START_TEST(a_fleet_that_is_sent_away_at_one_moment_does_not_come_back_at_one_moment)
{
    struct rate *r = rate_of(0);
    int at[RATE_SPREAD_MAX_S + 3] = { 0 }, most = 0;

    for (int i = 0; i < 1000; i++) {
        int after = rate_retry_after(r, 2);

        ck_assert_int_ge(after, 2);
        ck_assert_int_le(after, 2 + RATE_SPREAD_MAX_S);
        at[after]++;
    }
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        most = at[i] > most ? at[i] : most;
    ck_assert_int_lt(most, 250);
    test_now += 3600 * NS_PER_S;
    ck_assert_int_le(rate_retry_after(r, 2), 3);
    rate_free(r);
}
END_TEST

/* ---- slow ones --------------------------------------------------------------------------------- */

static bool was_ended(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* The watch looks a few times a second by the real clock; it has a minute to notice. */
static bool ends(int fd)
{
    for (int i = 0; i < 60 * 20; i++) {
        if (was_ended(fd))
            return true;
        usleep(50 * 1000);
    }
    return was_ended(fd);
}

START_TEST(a_connection_is_ended_after_its_time_and_not_while_it_is_our_turn)
{
    struct watch_limits limits = { .head_ns = NS_PER_S / 2, .idle_ns = NS_PER_S, .bytes_per_s = 1000 };
    struct watch *w = NULL;
    struct watched *slow, *ours;
    _Atomic uint64_t ended = 0;
    struct err e = { 0 };
    int a[2], b[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
    ck_assert_int_eq(watch_start(&w, &limits, &test_clock, &ended, &e), 0);
    slow = watch_open(w, a[0]);
    ours = watch_open(w, b[0]);
    watch_ours(w, ours);
    test_now += NS_PER_S;
    ck_assert(ends(a[1]));
    ck_assert(!was_ended(b[1]));
    ck_assert_uint_eq(ended, 1);
    watch_rest(w, ours);
    test_now += 2 * NS_PER_S;
    ck_assert(ends(b[1]));
    watch_close(w, slow);
    watch_close(w, ours);
    watch_stop(w);
    close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}
END_TEST

START_TEST(bytes_buy_time_but_no_more_than_a_pause)
{
    struct watch_limits limits = { .head_ns = 10 * NS_PER_S, .idle_ns = 60 * NS_PER_S, .bytes_per_s = 1000 };
    struct watch *w = NULL;
    struct watched *c;
    _Atomic uint64_t ended = 0;
    struct err e = { 0 };
    int a[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    ck_assert_int_eq(watch_start(&w, &limits, &test_clock, &ended, &e), 0);
    c = watch_open(w, a[0]);
    watch_body(w, c);
    watch_received(w, c, 5000); /* 15 s from now */
    test_now += 14 * NS_PER_S;
    usleep(1200 * 1000);
    ck_assert(!was_ended(a[1]));
    watch_received(w, c, 1000 * 1000 * 1000); /* not a thousand seconds, but 60 */
    test_now += 61 * NS_PER_S;
    ck_assert(ends(a[1]));
    watch_close(w, c);
    watch_stop(w);
    close(a[0]), close(a[1]);
}
END_TEST

/* ---- in the hub ------------------------------------------------------------------------------------ */

static struct answer send_agent(const struct running *r, int agent, uint64_t first, const char *authorization)
{
    struct resource who = made_agent(agent, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct call call = { .path = "/v1/logs", .headers = { PROTOBUF, authorization } };
    struct buf bytes;
    struct answer a;
    struct made m;

    buf_init(&bytes, 8 * 1024 * 1024);
    made_init(&m, first);
    made_host_inventory(&m, &who, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    call.body = bytes.data;
    call.len = bytes.len;
    call_hub(r, &call, &a);
    buf_free(&bytes);
    return a;
}

static int status_sent(const struct running *r, int agent, uint64_t first, const char *authorization)
{
    struct answer a = send_agent(r, agent, first, authorization);
    int status = a.status;

    answer_free(&a);
    return status;
}

START_TEST(an_agent_that_sends_too_fast_hears_429_and_when_to_come_back_and_others_are_taken)
{
    struct running r;
    struct answer a;
    uint64_t sent = 0, after = 0;

    hub_run(&r, "ingest:\n  agent_rate: 1KiB\n", false);
    do {
        a = send_agent(&r, 1, ++sent, NULL);
        if (a.status == 200)
            answer_free(&a);
    } while (a.status == 200 && sent < 50);
    ck_assert_int_eq(a.status, 429);
    ck_assert_msg(text_u64(answer_header(&a, "Retry-After"), &after) && after >= 1, "%s",
                  answer_header(&a, "Retry-After"));
    answer_free(&a);
    ck_assert_int_eq(status_sent(&r, 2, 1, NULL), 200);
    hub_end(&r);
}
END_TEST

START_TEST(a_credential_brings_so_many_agents_and_those_it_has_brought_go_on)
{
    struct running r;
    char extra[4400];

    snprintf(extra, sizeof extra, "ingest:\n  max_agents: 2\n  token_file: \"%s\"\n",
             write_file(temp_dir(), "tokens", "0123456789abcdef0123\n0123456789abcdef4567\n", 42));
    hub_run(&r, extra, true);
    ck_assert_int_eq(status_sent(&r, 1, 1, "Authorization: Bearer 0123456789abcdef0123"), 200);
    ck_assert_int_eq(status_sent(&r, 2, 1, "Authorization: Bearer 0123456789abcdef0123"), 200);
    ck_assert_int_eq(status_sent(&r, 3, 1, "Authorization: Bearer 0123456789abcdef0123"), 403);
    ck_assert_int_eq(status_sent(&r, 1, 2, "Authorization: Bearer 0123456789abcdef0123"), 200);
    ck_assert_int_eq(status_sent(&r, 3, 1, "Authorization: Bearer 0123456789abcdef4567"), 200);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_address_and_localhost_are_right_names);
    suite_test(s, another_name_or_what_is_no_name_is_refused);
    suite_test(s, a_page_from_elsewhere_does_not_reach_in_under_its_own_name);
    suite_test(s, an_address_is_decoded_once_and_a_nul_is_not_an_end);
    suite_test(s, headers_that_can_be_read_in_two_ways_are_bad);
    suite_test(s, an_agent_within_its_rate_never_waits);
    suite_test(s, an_agent_over_its_rate_waits_until_its_credit_is_back_and_others_do_not);
    suite_test(s, many_small_requests_cost_too);
    suite_test(s, without_a_rate_nobody_waits);
    suite_test(s, a_flood_of_names_costs_no_memory_and_does_not_push_out_who_is_heard_now);
    suite_test(s, a_fleet_that_is_sent_away_at_one_moment_does_not_come_back_at_one_moment);
    suite_test(s, a_connection_is_ended_after_its_time_and_not_while_it_is_our_turn);
    suite_test(s, bytes_buy_time_but_no_more_than_a_pause);
    suite_test(s, an_agent_that_sends_too_fast_hears_429_and_when_to_come_back_and_others_are_taken);
    suite_test(s, a_credential_brings_so_many_agents_and_those_it_has_brought_go_on);
}

int main(void)
{
    return suite_main("hub: limits", add);
}
