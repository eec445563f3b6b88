/* Every system call of the way from a host's captures to the hub's report fails, once or from then on, as a broken
 * disk, a full one, and with no descriptors left.  As in test_memory.c; and some that are not on that way: keys
 * that are written, sockets that are accepted and connected to. */
#include "agent/status_server.h"
#include "plat/keys.h"
#include "plat/local_socket.h"
#include "tests/support/places.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SHORT_ROUNDS = 40, POINTS_MIN = 50, POINTS_MAX = 100000 };

static struct way way;

static int64_t count_points(int error)
{
    int64_t low = 1, high = POINTS_MAX;

    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        bool met;

        way_clear(&way);
        failing_calls(middle, error, false);
        (void)way_run(&way);
        met = failing_end();
        low = met ? middle : low;
        high = met ? high : middle - 1;
    }
    return low;
}

static void fail_at(int64_t n, int error, bool lasting)
{
    char what[96];
    int rc;

    snprintf(what, sizeof what, "call %lld%s: %s", (long long)n, lasting ? " and all after it" : "", strerror(error));
    way_clear(&way);
    failing_calls(n, error, lasting);
    rc = way_run(&way);
    failing_end();
    ck_assert_msg(rc == 0 || way.err.text[0] != '\0', "%s: error %d without a word, %s", what, rc, way.where);
    way_check(&way, what);
}

static void fail_each(int error)
{
    int64_t points, step;

    way_init(&way);
    points = count_points(error);
    ck_assert_int_gt(points, POINTS_MIN);
    step = way_stride(points, SHORT_ROUNDS);
    for (int64_t n = 1; n <= points; n += step) {
        fail_at(n, error, false);
        fail_at(n, error, true);
    }
    printf("%s: %lld of %lld calls, once and lasting\n", strerror(error), (long long)((points + step - 1) / step),
           (long long)points);
}

START_TEST(a_disk_that_breaks_at_any_call_loses_nothing)
{
    fail_each(EIO);
}
END_TEST

START_TEST(a_disk_that_is_full_at_any_call_loses_nothing)
{
    fail_each(ENOSPC);
}
END_TEST

START_TEST(running_out_of_descriptors_at_any_call_loses_nothing)
{
    fail_each(EMFILE);
}
END_TEST

/* ---- keys --------------------------------------------------------------- */

/* After a failed replacement the key that was there before is there, whole; or, where there was none, a next try makes
 * one. */
START_TEST(a_key_is_written_whole_or_not_at_all)
{
    static const int errors[] = { EIO, ENOSPC, EMFILE };
    struct buf before, after;
    char path[600];
    struct err e;

    buf_init(&before, 65536);
    buf_init(&after, 65536);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        bool met = true;

        for (int64_t n = 1; met; n++) {
            int rc;

            snprintf(path, sizeof path, "%s/identity.key", temp_dir());
            failing_calls(n, errors[i], false);
            rc = plat_key_ensure(path, &e);
            met = failing_end();
            ck_assert_msg(rc == 0 || e.text[0] != '\0', "call %lld", (long long)n);
            ck_assert_int_eq(plat_key_ensure(path, &e), 0);
            buf_clear(&before);
            ck_assert_int_eq(plat_key_request(path, &before, &e), 0);
            failing_calls(n, errors[i], false);
            buf_clear(&after);
            rc = plat_key_request(path, &after, &e);
            met |= failing_end();
            ck_assert_msg(rc == 0 || e.text[0] != '\0', "request: call %lld", (long long)n);
            ck_assert_int_eq(plat_key_ensure(path, &e), 0);
        }
    }
    buf_free(&before);
    buf_free(&after);
}
END_TEST

/* ---- sockets ------------------------------------------------------------ */

static void answer(void *arg, const char *line, size_t len, struct status_client *from)
{
    (void)arg;
    status_reply(from, line, len);
}

static int connected(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "%.100s", path);
    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(connect(s, (struct sockaddr *)&a, sizeof a), 0);
    return s;
}

static bool answers(uv_loop_t *loop, const char *path)
{
    char text[16] = "";
    int s = connected(path);
    ssize_t n = -1;

    ck_assert_int_eq(send(s, "word\n", 5, MSG_NOSIGNAL), 5);
    for (int i = 0; i < 10000 && n < 0; i++) {
        uv_run(loop, UV_RUN_NOWAIT);
        n = recv(s, text, sizeof text - 1, MSG_DONTWAIT);
        if (n < 0)
            usleep(1000);
    }
    close(s);
    return n == 5 && strcmp(text, "word\n") == 0;
}

/* While one thing fails, the n-th allocation or the next call. */
static void a_client_comes(uv_loop_t *loop, const char *path, int64_t allocation, int error)
{
    int s = connected(path);

    failing_memory(allocation, false);
    failing_calls(error != 0, error, false);
    for (int i = 0; i < 20; i++)
        uv_run(loop, UV_RUN_NOWAIT);
    failing_end();
    close(s);
}

START_TEST(a_status_socket_that_could_not_accept_once_accepts_again)
{
    static const int errors[] = { EMFILE, ENFILE, ENOBUFS, ECONNABORTED, EIO };
    struct status_options options = { .group = "", .request = answer };
    struct status_server *server;
    char path[108];
    uv_loop_t loop;
    struct err e;

    ck_assert(places_socket(temp_dir(), path, sizeof path));
    options.path = path;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_msg(status_server_start(&server, &loop, &options, &e) == 0, "%s", e.text);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        a_client_comes(&loop, path, 0, errors[i]);
        ck_assert_msg(answers(&loop, path), "no answer after accept failed: %s", strerror(errors[i]));
    }
    for (int64_t n = 1; failing_memory_works() && n <= 4; n++) {
        a_client_comes(&loop, path, n, 0);
        ck_assert_msg(answers(&loop, path), "no answer after allocation %lld failed", (long long)n);
    }
    status_server_stop(server);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

START_TEST(asking_where_a_call_fails_is_an_error_in_words)
{
    struct buf out;
    char path[108];
    struct err e;

    ck_assert(places_socket(temp_dir(), path, sizeof path));
    for (int64_t n = 1; n <= 2; n++) {
        buf_init(&out, 4096);
        failing_calls(n, EMFILE, true);
        ck_assert_int_ne(local_socket_ask(path, "{}", 1000000000, &out, &e), 0);
        failing_end();
        ck_assert_str_ne(e.text, "");
        buf_free(&out);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_disk_that_breaks_at_any_call_loses_nothing);
    suite_test(s, a_disk_that_is_full_at_any_call_loses_nothing);
    suite_test(s, running_out_of_descriptors_at_any_call_loses_nothing);
    suite_test(s, a_key_is_written_whole_or_not_at_all);
    suite_test(s, a_status_socket_that_could_not_accept_once_accepts_again);
    suite_test(s, asking_where_a_call_fails_is_an_error_in_words);
}

int main(void)
{
    return suite_main("torture: system calls", add);
}
