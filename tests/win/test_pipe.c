/* The status pipe: its rights, who is first, and what a client is told. */
#include "base/buf.h"
#include "base/times.h"
#include "plat/local_socket.h"
#include "plat/win/wide.h"
#include "tests/support/places.h"
#include "tests/support/suite.h"

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PATH_LEN = 2048, NAME_CHARS = 64, DESCRIPTOR_BYTES = 4096 };

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

static int listen_as(struct server *s, const char *path, const char *group, struct err *e)
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

static const char *pipe_name(void)
{
    static char name[PATH_LEN];

    ck_assert(places_socket(temp_dir(), name, sizeof name));
    return name;
}

START_TEST(a_pipe_that_answers_means_already_running)
{
    struct server first, second;
    struct err e;

    ck_assert_msg(listen_as(&first, pipe_name(), "", &e) == 0, "%s", e.text);
    ck_assert_int_eq(listen_as(&second, first.path, "", &e), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(e.text, "already running"));
    end(&second);
    end(&first);
}
END_TEST

START_TEST(a_pipes_rights_bar_the_network_and_name_no_everybody)
{
    struct server s;
    struct err e;
    unsigned char bytes[DESCRIPTOR_BYTES];
    wchar_t *text = NULL;
    uv_os_fd_t h;
    DWORD n = 0;

    ck_assert_int_eq(listen_as(&s, pipe_name(), "", &e), 0);
    ck_assert_int_eq(uv_fileno((uv_handle_t *)&s.pipe, &h), 0);
    ck_assert(GetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, bytes, sizeof bytes, &n));
    ck_assert(ConvertSecurityDescriptorToStringSecurityDescriptorW(bytes, SDDL_REVISION_1, DACL_SECURITY_INFORMATION,
                                                                   &text, NULL));
    ck_assert_msg(wcsstr(text, L"(D;;GA;;;NU)") != NULL || wcsstr(text, L"(D;;FA;;;NU)") != NULL, "%ls", text);
    ck_assert_msg(wcsstr(text, L";;;WD)") == NULL, "%ls", text);
    LocalFree(text);
    end(&s);
}
END_TEST

/* The rights a pipe has for a group. */
static ACCESS_MASK rights_of(HANDLE pipe, PSID group)
{
    union {
        SECURITY_DESCRIPTOR descriptor;
        unsigned char bytes[DESCRIPTOR_BYTES];
    } u;
    ACCESS_MASK rights = 0;
    BOOL has_acl = FALSE, is_default;
    ACL *acl = NULL;
    DWORD n = 0;

    ck_assert(GetKernelObjectSecurity(pipe, DACL_SECURITY_INFORMATION, &u, sizeof u, &n));
    ck_assert(GetSecurityDescriptorDacl(&u.descriptor, &has_acl, &acl, &is_default) && has_acl);
    for (DWORD i = 0; i < acl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace;

        ck_assert(GetAce(acl, i, (void **)&ace));
        if (ace->Header.AceType == ACCESS_ALLOWED_ACE_TYPE && EqualSid(&ace->SidStart, group))
            rights |= ace->Mask;
    }
    return rights;
}

/* With FILE_CREATE_PIPE_INSTANCE, which is FILE_APPEND_DATA, a member could answer in the agent's place. */
START_TEST(a_groups_members_may_read_and_write_the_pipe_but_not_make_another)
{
    unsigned char users[SECURITY_MAX_SID_SIZE];
    wchar_t name[NAME_CHARS], domain[NAME_CHARS];
    DWORD sid_size = sizeof users, name_size = NAME_CHARS, domain_size = NAME_CHARS;
    SID_NAME_USE use;
    struct server s;
    ACCESS_MASK rights;
    uv_os_fd_t h;
    struct err e;
    char *group;

    ck_assert(CreateWellKnownSid(WinBuiltinUsersSid, NULL, users, &sid_size));
    if (!LookupAccountSidW(NULL, users, name, &name_size, domain, &domain_size, &use))
        skip("this system has no group Users");
    group = utf8_from_wide(name);
    ck_assert_msg(listen_as(&s, pipe_name(), group, &e) == 0, "%s", e.text);
    free(group);
    ck_assert_int_eq(uv_fileno((uv_handle_t *)&s.pipe, &h), 0);
    rights = rights_of(h, users);
    ck_assert_uint_ne(rights & FILE_READ_DATA, 0);
    ck_assert_uint_ne(rights & FILE_WRITE_DATA, 0);
    ck_assert_uint_eq(rights & FILE_CREATE_PIPE_INSTANCE, 0);
    ck_assert_uint_eq(rights & (WRITE_DAC | WRITE_OWNER | DELETE), 0);
    end(&s);
}
END_TEST

START_TEST(an_unknown_group_is_an_error_that_names_it)
{
    struct server s;
    struct err e;

    ck_assert_int_eq(listen_as(&s, pipe_name(), "no-such-group-here", &e), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, "no-such-group-here"));
    end(&s);
}
END_TEST

START_TEST(only_pipes_of_this_machine_are_taken)
{
    static const char *const names[] = { "", "C:/x", "\\\\server\\pipe\\x", "\\\\.\\pipe\\", "\\\\.\\pipe\\a\\b" };
    struct buf out;

    buf_init(&out, 10);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct server s;

        ck_assert_int_eq(listen_as(&s, names[i], "", NULL), ERR_INVALID);
        end(&s);
        ck_assert_int_eq(local_socket_ask(names[i], "{}", NS_PER_S, &out, NULL), ERR_INVALID);
    }
    buf_free(&out);
}
END_TEST

/* ---- the client, against a thread that answers as told ---- */

struct script {
    HANDLE pipe, over;
    const char *answer; /* NULL: says nothing and keeps the line open */
};

static DWORD WINAPI play(void *arg)
{
    struct script *s = arg;
    char request[64];
    DWORD n;

    if (!ConnectNamedPipe(s->pipe, NULL) && GetLastError() != ERROR_PIPE_CONNECTED)
        return 1;
    if (!ReadFile(s->pipe, request, sizeof request, &n, NULL))
        return 1;
    if (s->answer == NULL)
        WaitForSingleObject(s->over, INFINITE);
    for (const char *p = s->answer; p != NULL && *p != '\0'; p++)
        if (!WriteFile(s->pipe, p, 1, &n, NULL))
            break;
    if (s->answer != NULL)
        FlushFileBuffers(s->pipe);
    CloseHandle(s->pipe);
    return 0;
}

static int ask_script(const char *answer, size_t max, int64_t timeout, struct buf *out, struct err *e)
{
    struct script s = { .over = CreateEventW(NULL, TRUE, FALSE, NULL), .answer = answer };
    const char *name = pipe_name();
    HANDLE thread;
    int rc;

    s.pipe = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 4096, 4096, 0, NULL);
    ck_assert_ptr_ne(s.pipe, INVALID_HANDLE_VALUE);
    thread = CreateThread(NULL, 0, play, &s, 0, NULL);
    buf_init(out, max);
    rc = local_socket_ask(name, "{}", timeout, out, e);
    SetEvent(s.over);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    CloseHandle(s.over);
    return rc;
}

START_TEST(an_answer_in_single_bytes_is_put_together)
{
    struct buf out;
    struct err e;

    ck_assert_msg(ask_script("{\"v\":1}\nrest", 100, 60 * NS_PER_S, &out, &e) == 0, "%s", e.text);
    ck_assert_str_eq(buf_text(&out), "{\"v\":1}");
    buf_free(&out);
}
END_TEST

START_TEST(an_answer_over_the_ceiling_is_an_error)
{
    struct buf out;

    ck_assert_int_eq(ask_script("0123456789\n", 5, 60 * NS_PER_S, &out, NULL), ERR_TOO_BIG);
    buf_free(&out);
}
END_TEST

START_TEST(a_connection_that_ends_without_an_answer_is_refused)
{
    struct buf out;

    ck_assert_int_eq(ask_script("half", 100, 60 * NS_PER_S, &out, NULL), ERR_REFUSED);
    buf_free(&out);
}
END_TEST

START_TEST(a_server_that_says_nothing_times_out)
{
    struct buf out;

    ck_assert_int_eq(ask_script(NULL, 100, 50 * NS_PER_MS, &out, NULL), ERR_TIMEOUT);
    buf_free(&out);
}
END_TEST

START_TEST(asking_where_there_is_no_pipe_is_not_found)
{
    struct buf out;

    buf_init(&out, 10);
    ck_assert_int_eq(local_socket_ask(pipe_name(), "{}", NS_PER_S, &out, NULL), ERR_NOT_FOUND);
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_pipe_that_answers_means_already_running);
    suite_test(s, a_pipes_rights_bar_the_network_and_name_no_everybody);
    suite_test(s, a_groups_members_may_read_and_write_the_pipe_but_not_make_another);
    suite_test(s, an_unknown_group_is_an_error_that_names_it);
    suite_test(s, only_pipes_of_this_machine_are_taken);
    suite_test(s, an_answer_in_single_bytes_is_put_together);
    suite_test(s, an_answer_over_the_ceiling_is_an_error);
    suite_test(s, a_connection_that_ends_without_an_answer_is_refused);
    suite_test(s, a_server_that_says_nothing_times_out);
    suite_test(s, asking_where_there_is_no_pipe_is_not_found);
}

int main(void)
{
    return suite_main("win: status pipe", add);
}
