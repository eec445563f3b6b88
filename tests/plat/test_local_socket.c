/* The local socket: who may connect, what happens to leftovers, and the
 * blocking client against servers that misbehave. */
#include "base/text.h"
#include "base/times.h"
#include "plat/local_socket.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATH_LEN = 512 };

struct server {
    uv_loop_t loop;
    uv_pipe_t pipe;
    char path[PATH_LEN];
};

static void on_connection(uv_stream_t *stream, int status)
{
    (void)stream;
    (void)status;
}

static int listen_at(struct server *s, const char *path, const char *group, struct err *e)
{
    uv_loop_init(&s->loop);
    uv_pipe_init(&s->loop, &s->pipe, 0);
    snprintf(s->path, sizeof s->path, "%s", path);
    return local_socket_listen(&s->pipe, path, group, 4, on_connection, e);
}

static void end(struct server *s)
{
    uv_close((uv_handle_t *)&s->pipe, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&s->loop), 0);
}

static const char *place(const char *name)
{
    static char path[PATH_LEN];

    snprintf(path, sizeof path, "%s/%s", temp_dir(), name);
    return path;
}

START_TEST(without_a_group_only_the_owner_may_connect)
{
    struct server s;
    struct stat st;
    struct err e;

    ck_assert_int_eq(listen_at(&s, place("s"), "", &e), 0);
    ck_assert_int_eq(stat(s.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    end(&s);
}
END_TEST

START_TEST(with_a_group_its_members_may_connect_too)
{
    struct server s;
    struct stat st;
    struct err e;

    if (geteuid() != 0)
        skip("needs root to give a file to another group");
    ck_assert_int_eq(listen_at(&s, place("s"), "daemon", &e), 0);
    ck_assert_int_eq(stat(s.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
    ck_assert_uint_ne(st.st_gid, getegid());
    end(&s);
}
END_TEST

START_TEST(an_unknown_group_is_an_error_that_names_it)
{
    struct server s;
    struct err e;

    ck_assert_int_eq(listen_at(&s, place("s"), "no-such-group-here", &e), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, "no-such-group-here"));
    end(&s);
}
END_TEST

START_TEST(a_socket_that_answers_means_already_running)
{
    struct server first, second;
    struct err e;

    ck_assert_int_eq(listen_at(&first, place("s"), "", &e), 0);
    ck_assert_int_eq(listen_at(&second, first.path, "", &e), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(e.text, "already running"));
    end(&second);
    ck_assert_int_eq(access(first.path, F_OK), 0);
    end(&first);
}
END_TEST

START_TEST(a_leftover_socket_is_replaced)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = place("s");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct server s;
    struct err e;

    ck_assert(text_copy(address.sun_path, sizeof address.sun_path, path));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(listen_at(&s, path, "", &e), 0);
    end(&s);
}
END_TEST

START_TEST(a_file_in_the_sockets_place_is_left_alone)
{
    const char *path = write_file(temp_dir(), "s", "precious", 8);
    struct server s;
    struct err e;
    size_t len;
    char *text;

    ck_assert_int_eq(listen_at(&s, path, "", &e), ERR_INVALID);
    end(&s);
    text = read_file(path, &len);
    ck_assert_str_eq(text, "precious");
    free(text);
}
END_TEST

START_TEST(a_folder_that_others_may_write_to_is_refused_with_the_remedy)
{
    const char *path = place("s");
    char dir[PATH_LEN];
    struct server s;
    struct err e;

    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    ck_assert_int_eq(chmod(dir, 0777), 0);
    ck_assert_int_eq(listen_at(&s, path, "", &e), ERR_PERMISSION);
    ck_assert_ptr_nonnull(strstr(e.text, "chmod 0755"));
    end(&s);
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_says_so)
{
    struct server s;
    struct err e;
    char path[300];

    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(listen_at(&s, path, "", &e), ERR_TOO_BIG);
    end(&s);
}
END_TEST

START_TEST(closing_the_handle_removes_the_file)
{
    struct server s;
    struct err e;

    ck_assert_int_eq(listen_at(&s, place("s"), "", &e), 0);
    end(&s);
    ck_assert_int_ne(access(s.path, F_OK), 0);
}
END_TEST

/* ---- the client, against a thread that answers as told ---- */

struct script {
    int fd;
    const char *answer; /* NULL: says nothing and keeps the line open */
    size_t len;
};

static void play(void *arg)
{
    struct script *s = arg;
    char request[64];
    int fd = accept(s->fd, NULL, NULL);

    if (recv(fd, request, sizeof request, 0) <= 0)
        abort();
    if (s->answer == NULL)
        (void)!recv(fd, request, sizeof request, 0); /* until the client gives up */
    else
        for (size_t i = 0; i < s->len; i++)
            if (send(fd, s->answer + i, 1, MSG_NOSIGNAL) != 1)
                break;
    close(fd);
}

static int ask_script(const char *answer, size_t len, size_t max, int64_t timeout, struct buf *out, struct err *e)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct script script = { socket(AF_UNIX, SOCK_STREAM, 0), answer, len };
    uv_thread_t thread;
    int rc;

    ck_assert(text_copy(address.sun_path, sizeof address.sun_path, place("s")));
    ck_assert_int_eq(bind(script.fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(script.fd, 1), 0);
    ck_assert_int_eq(uv_thread_create(&thread, play, &script), 0);
    buf_init(out, max);
    rc = local_socket_ask(address.sun_path, "{}", timeout, out, e);
    uv_thread_join(&thread);
    close(script.fd);
    return rc;
}

START_TEST(an_answer_in_single_bytes_is_put_together)
{
    struct buf out;
    struct err e;

    ck_assert_int_eq(ask_script("{\"v\":1}\nrest", 12, 100, 60 * NS_PER_S, &out, &e), 0);
    ck_assert_str_eq(buf_text(&out), "{\"v\":1}");
    buf_free(&out);
}
END_TEST

START_TEST(an_answer_over_the_ceiling_is_an_error)
{
    struct buf out;
    struct err e;

    ck_assert_int_eq(ask_script("0123456789\n", 11, 5, 60 * NS_PER_S, &out, &e), ERR_TOO_BIG);
    buf_free(&out);
}
END_TEST

START_TEST(a_connection_that_ends_without_an_answer_is_refused)
{
    struct buf out;
    struct err e;

    ck_assert_int_eq(ask_script("half", 4, 100, 60 * NS_PER_S, &out, &e), ERR_REFUSED);
    buf_free(&out);
}
END_TEST

START_TEST(a_server_that_says_nothing_times_out)
{
    struct buf out;
    struct err e;

    ck_assert_int_eq(ask_script(NULL, 0, 100, 50 * NS_PER_MS, &out, &e), ERR_TIMEOUT);
    buf_free(&out);
}
END_TEST

START_TEST(asking_where_there_is_no_socket_is_not_found)
{
    struct buf out;
    struct err e;

    buf_init(&out, 10);
    ck_assert_int_eq(local_socket_ask(place("none"), "{}", NS_PER_S, &out, &e), ERR_NOT_FOUND);
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, without_a_group_only_the_owner_may_connect);
    suite_test(s, with_a_group_its_members_may_connect_too);
    suite_test(s, an_unknown_group_is_an_error_that_names_it);
    suite_test(s, a_socket_that_answers_means_already_running);
    suite_test(s, a_leftover_socket_is_replaced);
    suite_test(s, a_file_in_the_sockets_place_is_left_alone);
    suite_test(s, a_folder_that_others_may_write_to_is_refused_with_the_remedy);
    suite_test(s, a_path_too_long_for_a_socket_says_so);
    suite_test(s, closing_the_handle_removes_the_file);
    suite_test(s, an_answer_in_single_bytes_is_put_together);
    suite_test(s, an_answer_over_the_ceiling_is_an_error);
    suite_test(s, a_connection_that_ends_without_an_answer_is_refused);
    suite_test(s, a_server_that_says_nothing_times_out);
    suite_test(s, asking_where_there_is_no_socket_is_not_found);
}

int main(void)
{
    return suite_main("plat: local socket", add);
}
