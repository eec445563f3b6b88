/* POST /v1/logs over HTTP: good requests in each encoding, and each kind of bad one. */
#include "base/text.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define PROTOBUF "Content-Type: application/x-protobuf"
#define JSON     "Content-Type: application/json"
#define COUNT    "SELECT count(*) FROM observation"

enum { BIG = 8 * 1024 * 1024 };

static struct resource who_of(int agent)
{
    return made_agent(agent, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
}

/* A request with count records from first on; the caller frees it. */
static struct buf request_of(int agent, uint64_t first, int count)
{
    struct resource who = who_of(agent);
    struct buf bytes;
    struct made m;

    buf_init(&bytes, BIG);
    made_init(&m, first);
    made_lifecycle(&m, 1, count, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    return bytes;
}

static size_t pack(const char *encoding, const void *bytes, size_t len, unsigned char *out, size_t size)
{
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)size
    };

    if (strcmp(encoding, "zstd") == 0)
        return ZSTD_compress(out, size, bytes, len, 3);
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return size - z.avail_out;
}

static struct answer post(const struct running *r, const void *body, size_t len, const char *type, const char *encoding)
{
    struct call call = { .path = "/v1/logs", .headers = { type, encoding }, .body = body, .len = len };
    struct answer a;

    call_hub(r, &call, &a);
    return a;
}

/* Posts and expects a status; returns the start of the body as text for a look at the message. */
static void expect(const struct running *r, const void *body, size_t len, const char *type, const char *encoding,
                   int status, const char *part)
{
    struct answer a = post(r, body, len, type, encoding);

    ck_assert_msg(a.status == status, "%d, not %d (%s)", a.status, status, a.error);
    if (part != NULL)
        ck_assert_msg(memmem(buf_text(&a.body), a.body.len, part, strlen(part)) != NULL, "%s", buf_text(&a.body));
    answer_free(&a);
}

START_TEST(a_protobuf_request_is_committed_and_acknowledged)
{
    struct buf bytes = request_of(1, 1, 25);
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    a = post(&r, bytes.data, bytes.len, PROTOBUF, NULL);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), "25");
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "application/x-protobuf");
    ck_assert_uint_eq(a.body.len, 0);
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 25);
    answer_free(&a);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

START_TEST(packed_requests_are_taken_in_each_encoding)
{
    static const char *const encodings[] = { "gzip", "zstd" };
    unsigned char packed[64 * 1024];
    struct running r;

    hub_run(&r, "", false);
    for (int i = 0; i < 2; i++) {
        struct buf bytes = request_of(1, (uint64_t)i * 10 + 1, 10);
        size_t len = pack(encodings[i], bytes.data, bytes.len, packed, sizeof packed);
        char header[64];

        snprintf(header, sizeof header, "Content-Encoding: %s", encodings[i]);
        expect(&r, packed, len, PROTOBUF, header, 200, NULL);
        buf_free(&bytes);
    }
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 20);
    hub_end(&r);
}
END_TEST

START_TEST(a_request_sent_again_is_acknowledged_and_not_stored_again)
{
    struct buf bytes = request_of(1, 1, 10);
    struct running r;

    hub_run(&r, "", false);
    for (int i = 0; i < 3; i++) {
        struct answer a = post(&r, bytes.data, bytes.len, PROTOBUF, NULL);

        ck_assert_int_eq(a.status, 200);
        ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), "10");
        answer_free(&a);
    }
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 10);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

/* What an agent tells ahead of its turn: a type of its own, no mark in the answer, no record kept. */
START_TEST(state_told_ahead_is_taken_and_kept_nowhere_but_in_what_is_known)
{
    struct resource who = who_of(1);
    struct running r;
    struct answer a;
    struct buf bytes;
    struct made m;

    buf_init(&bytes, BIG);
    hub_run(&r, "", false);
    for (uint64_t seq = 1; seq <= 900; seq += 899) {
        const char *type = seq == 1 ? PROTOBUF : "Content-Type: application/vnd.hvfleet.state+protobuf";

        buf_clear(&bytes);
        made_init(&m, seq);
        made_host_inventory(&m, &who, T0);
        made_inventory(&m, 1, T0 + (int64_t)seq * NS_PER_S, "6.3.9600", seq == 1 ? "6.3.9600.16384" : who.is_win6x);
        made_request(&m, &who, &bytes);
        made_free(&m);
        a = post(&r, bytes.data, bytes.len, type, NULL);
        ck_assert_int_eq(a.status, 200);
        ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), seq == 1 ? "2" : "");
        ck_assert_str_eq(answer_header(&a, "Hvfleet-Takes-State"), "1");
        answer_free(&a);
        ck_assert_int_eq((int)ask_store(r.store, COUNT), 2);
        ck_assert_int_eq(strcmp(stored_verdict(r.store, 1), "behind 8") == 0, seq == 1);
    }
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

START_TEST(a_request_of_two_agents_gets_no_single_mark)
{
    struct buf one = request_of(1, 1, 3), two = request_of(2, 1, 3);
    struct running r;
    struct answer a;

    buf_add(&one, two.data, two.len);
    hub_run(&r, "", false);
    a = post(&r, one.data, one.len, PROTOBUF, NULL);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), "");
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 6);
    answer_free(&a);
    buf_free(&one);
    buf_free(&two);
    hub_end(&r);
}
END_TEST

static const char json_request[] =
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":["
    "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"hvagent\"}},"
    "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"A0000000-0000-4000-8000-000000000001\"}},"
    "{\"key\":\"host.id\",\"value\":{\"stringValue\":\"HOST-0001\"}}]},"
    "\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1769846400000000000\",\"eventName\":"
    "\"hyperv.guest.lifecycle\",\"body\":{\"stringValue\":\"started\"},\"attributes\":["
    "{\"key\":\"hvfleet.seq\",\"value\":{\"intValue\":\"1\"}},"
    "{\"key\":\"hyperv.vm.id\",\"value\":{\"stringValue\":\"B0000000-0000-4000-8000-000000000001\"}}]}]}]}]}";

START_TEST(a_json_request_is_committed_and_answered_in_json)
{
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    a = post(&r, json_request, strlen(json_request), "Content-Type: application/json; charset=utf-8", NULL);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(buf_text(&a.body), "{\"partialSuccess\":{}}");
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "application/json");
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), "1");
    ck_assert_int_eq((int)ask_store(r.store, "SELECT count(*) FROM guest"), 1);
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(a_foreign_exporters_records_are_taken)
{
    static const char foreign[] = "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
                                  "\"value\":{\"stringValue\":\"checkout\"}}]},\"scopeLogs\":[{\"logRecords\":["
                                  "{\"body\":{\"stringValue\":\"hello\"}}]}]}]}";
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    a = post(&r, foreign, strlen(foreign), JSON, NULL);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), "");
    ck_assert_int_eq((int)ask_store(r.store, "SELECT count(*) FROM foreign_record"), 1);
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(bad_bodies_are_400_with_the_reason)
{
    struct buf bytes = request_of(1, 1, 3);
    struct running r;

    hub_run(&r, "", false);
    expect(&r, bytes.data, bytes.len - 5, PROTOBUF, NULL, 400, "byte");
    expect(&r, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, PROTOBUF, NULL, 400, "byte");
    expect(&r, "{\"resourceLogs\":[", 17, JSON, NULL, 400, "\"message\"");
    expect(&r, "[]", 2, JSON, NULL, 400, "\"code\":3");
    expect(&r, "this is not gzip", 16, PROTOBUF, "Content-Encoding: gzip", 400, "gzip");
    expect(&r, "this is not zstd", 16, PROTOBUF, "Content-Encoding: zstd", 400, "zstd");
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 0);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

START_TEST(unknown_types_and_encodings_are_415)
{
    struct running r;

    hub_run(&r, "", false);
    expect(&r, "x", 1, "Content-Type: text/plain", NULL, 415, "application/x-protobuf");
    expect(&r, "x", 1, "Content-Type:", NULL, 415, NULL);
    expect(&r, "x", 1, "Content-Type: application/x-protobufs", NULL, 415, NULL);
    expect(&r, "x", 1, PROTOBUF, "Content-Encoding: br", 415, "zstd");
    expect(&r, "x", 1, PROTOBUF, "Content-Encoding: gzip, gzip", 415, NULL);
    hub_end(&r);
}
END_TEST

START_TEST(other_paths_are_404_and_other_methods_405)
{
    struct call get = { .path = "/v1/logs" };
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    call_hub(&r, &get, &a);
    ck_assert_int_eq(a.status, 405);
    ck_assert_str_eq(answer_header(&a, "Allow"), "POST");
    answer_free(&a);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/v1/traces", .body = "x", .len = 1 }), 404);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/nothing" }), 404);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/v1/logs/../../etc/passwd" }), 404);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/livez", .body = "x", .len = 1 }), 405);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/v1/logs", .method = "DELETE" }), 405);
    hub_end(&r);
}
END_TEST

static const char small_caps[] = "ingest:\n  max_body: 16KiB\n  max_decoded: 64KiB\n  max_records: 50\n";

START_TEST(a_body_over_the_cap_is_413_announced_or_not)
{
    char *big = calloc(1, BIG);
    struct running r;

    hub_run(&r, small_caps, false);
    for (size_t len = 17 * 1024; len <= BIG; len *= 8) {
        struct call call = { .path = "/v1/logs", .headers = { PROTOBUF, "Expect:" }, .body = big, .len = len };
        int status = status_of(&r, &call);

        ck_assert_msg(status == 413 || (status == 0 && len > 64 * 1024), "%d for %zu", status, len);
        call.chunked = true;
        status = status_of(&r, &call);
        ck_assert_msg(status == 413 || (status == 0 && len > 64 * 1024), "%d for %zu chunked", status, len);
        call.chunked = false;
        call.headers[1] = NULL; /* curl asks first, and hears 413 before it sends anything */
        if (len > 1024 * 1024)
            ck_assert_int_eq(status_of(&r, &call), 413);
    }
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/livez" }), 200);
    free(big);
    hub_end(&r);
}
END_TEST

START_TEST(a_zip_bomb_stops_at_the_cap_with_413)
{
    char *zeros = calloc(1, BIG);
    unsigned char packed[16 * 1024];
    struct running r;
    size_t len;

    hub_run(&r, small_caps, false);
    len = pack("gzip", zeros, BIG, packed, sizeof packed);
    expect(&r, packed, len, PROTOBUF, "Content-Encoding: gzip", 413, "65536");
    len = pack("zstd", zeros, BIG, packed, sizeof packed);
    expect(&r, packed, len, PROTOBUF, "Content-Encoding: zstd", 413, "65536");
    free(zeros);
    hub_end(&r);
}
END_TEST

START_TEST(too_many_records_are_413)
{
    struct buf bytes = request_of(1, 1, 51), fits = request_of(1, 1, 50);
    struct running r;

    hub_run(&r, small_caps, false);
    expect(&r, bytes.data, bytes.len, PROTOBUF, NULL, 413, NULL);
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 0);
    expect(&r, fits.data, fits.len, PROTOBUF, NULL, 200, NULL);
    buf_free(&bytes);
    buf_free(&fits);
    hub_end(&r);
}
END_TEST

static const char *token_config(struct running *r)
{
    static char extra[4400];

    (void)r;
    snprintf(extra, sizeof extra, "ingest:\n  token_file: %s\n",
             write_file(temp_dir(), "tokens", "0123456789abcdef-good\n", 22));
    return extra;
}

START_TEST(strangers_need_a_token_and_get_401_without)
{
    struct buf bytes = request_of(1, 1, 5);
    struct running r;
    struct answer a;

    hub_run(&r, token_config(&r), true);
    a = post(&r, bytes.data, bytes.len, PROTOBUF, NULL);
    ck_assert_int_eq(a.status, 401);
    ck_assert_msg(strncmp(answer_header(&a, "WWW-Authenticate"), "Bearer", 6) == 0, "%s", buf_text(&a.head));
    answer_free(&a);
    expect(&r, bytes.data, bytes.len, PROTOBUF, "Authorization: Bearer 0123456789abcdef-bad", 401, NULL);
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 0);
    expect(&r, bytes.data, bytes.len, PROTOBUF, "Authorization: Bearer 0123456789abcdef-good", 200, NULL);
    ck_assert_int_eq((int)ask_store(r.store, COUNT), 5);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

START_TEST(loopback_needs_no_token_but_a_wrong_one_is_refused)
{
    struct buf bytes = request_of(1, 1, 5);
    struct running r;

    hub_run(&r, token_config(&r), false);
    expect(&r, bytes.data, bytes.len, PROTOBUF, NULL, 200, NULL);
    expect(&r, bytes.data, bytes.len, PROTOBUF, "Authorization: Bearer 0123456789abcdef-bad", 401, NULL);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

START_TEST(only_health_is_open_to_strangers)
{
    static const struct {
        const char *path;
        int status;
    } paths[] = { { "/livez", 200 },
                  { "/readyz", 200 },
                  { "/metrics", 401 },
                  { "/api/v1/reports/drift", 401 },
                  { "/api/v1/reports/hosts", 401 } };
    struct running r;

    hub_run(&r, token_config(&r), true);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct call call = { .path = paths[i].path };

        ck_assert_int_eq(status_of(&r, &call), paths[i].status);
        call.headers[0] = "Authorization: Bearer 0123456789abcdef-good";
        ck_assert_int_eq(status_of(&r, &call), 200);
    }
    hub_end(&r);
}
END_TEST

enum { AGENTS = 24, TURNS = 5, EACH = 10 };

/* One agent that sends its requests one after the other; they are made beforehand. */
struct client {
    pthread_t thread;
    const struct running *hub;
    struct buf requests[TURNS];
    int wrong; /* answers that were not as they should be */
};

static void *send_all(void *arg)
{
    struct client *c = (struct client *)arg;

    for (uint64_t n = 0; n < TURNS; n++) {
        struct answer a = post(c->hub, c->requests[n].data, c->requests[n].len, PROTOBUF, NULL);
        uint64_t mark = 0;

        if (a.status != 200 || !text_u64(answer_header(&a, "Hvfleet-Acked-Through"), &mark) || mark != (n + 1) * EACH)
            c->wrong++;
        answer_free(&a);
    }
    return NULL;
}

/* Many at once, so that they are grouped into shared commits. */
START_TEST(many_agents_at_once_each_get_their_own_mark)
{
    static struct client clients[AGENTS];
    struct running r;

    hub_run(&r, "", false);
    for (int i = 0; i < AGENTS; i++) {
        clients[i].hub = &r;
        for (uint64_t n = 0; n < TURNS; n++)
            clients[i].requests[n] = request_of(i + 1, n * EACH + 1, EACH);
    }
    for (int i = 0; i < AGENTS; i++)
        ck_assert_int_eq(pthread_create(&clients[i].thread, NULL, send_all, &clients[i]), 0);
    for (int i = 0; i < AGENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        ck_assert_int_eq(clients[i].wrong, 0);
        for (int n = 0; n < TURNS; n++)
            buf_free(&clients[i].requests[n]);
    }
    ck_assert_int_eq((int)ask_store(r.store, COUNT), AGENTS * EACH * TURNS);
    ck_assert_int_eq((int)ask_store(r.store, "SELECT count(*) FROM stream WHERE high_mark = 50 AND missing = 0"),
                     AGENTS);
    hub_end(&r);
}
END_TEST

START_TEST(a_store_that_can_not_be_written_is_503_and_nothing_is_stored)
{
    struct buf bytes = request_of(1, 1, 5);
    struct running r;
    struct answer a;

    hub_run(&r, "", false);
    ask_store(r.store, "DROP TABLE hole"); /* every apply fails from now on */
    ask_store(r.store, "DROP TABLE observation");
    a = post(&r, bytes.data, bytes.len, PROTOBUF, NULL);
    ck_assert_int_eq(a.status, 503);
    ck_assert_str_ne(answer_header(&a, "Retry-After"), "");
    ck_assert_int_eq((int)ask_store(r.store, "SELECT count(*) FROM stream"), 0);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/readyz" }), 503);
    ck_assert_int_eq(status_of(&r, &(struct call){ .path = "/livez" }), 200);
    answer_free(&a);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_protobuf_request_is_committed_and_acknowledged);
    suite_test(s, packed_requests_are_taken_in_each_encoding);
    suite_test(s, a_request_sent_again_is_acknowledged_and_not_stored_again);
    suite_test(s, state_told_ahead_is_taken_and_kept_nowhere_but_in_what_is_known);
    suite_test(s, a_request_of_two_agents_gets_no_single_mark);
    suite_test(s, a_json_request_is_committed_and_answered_in_json);
    suite_test(s, a_foreign_exporters_records_are_taken);
    suite_test(s, bad_bodies_are_400_with_the_reason);
    suite_test(s, unknown_types_and_encodings_are_415);
    suite_test(s, other_paths_are_404_and_other_methods_405);
    suite_test(s, a_body_over_the_cap_is_413_announced_or_not);
    suite_test(s, a_zip_bomb_stops_at_the_cap_with_413);
    suite_test(s, too_many_records_are_413);
    suite_test(s, strangers_need_a_token_and_get_401_without);
    suite_test(s, loopback_needs_no_token_but_a_wrong_one_is_refused);
    suite_test(s, only_health_is_open_to_strangers);
    suite_test(s, many_agents_at_once_each_get_their_own_mark);
    suite_test(s, a_store_that_can_not_be_written_is_503_and_nothing_is_stored);
}

int main(void)
{
    return suite_main("hub: ingest over HTTP", add);
}
