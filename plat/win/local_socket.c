/* Named pipes.  See plat/local_socket.h.
 *
 * libuv makes the pipe with the system's default rights, under which everybody
 * may open it for reading, and without a bar against other machines.  So the
 * rights are set here, on the pipe that was just made and before anything is
 * accepted from it: nobody over the network, SYSTEM, Administrators and this
 * account all, the group reading and writing but not FILE_CREATE_PIPE_INSTANCE,
 * with which one could answer in our place.  The instances libuv makes later
 * share the rights of the first.
 */
#include "plat/local_socket.h"

#include "base/times.h"
#include "plat/clock.h"
#include "plat/win/rights.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define PIPE_PREFIX "\\\\.\\pipe\\"

/* What a member of the group gets, and what the client asks for: to read, to
 * write, to set the pipe's read mode. */
#define CLIENT_ACCESS (FILE_GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES)

enum { READ_CHUNK = 16 * 1024, NAME_MAX_BYTES = 240 };

static int check_name(const char *path, struct err *e)
{
    size_t n = strlen(PIPE_PREFIX);

    if (strncmp(path, PIPE_PREFIX, n) != 0 || path[n] == '\0' || strchr(path + n, '\\') != NULL)
        return err_set(e, ERR_INVALID, "%s is not the name of a pipe of this machine: \\\\.\\pipe\\hvagent is one",
                       path[0] != '\0' ? path : "\"\"");
    if (strlen(path) > NAME_MAX_BYTES)
        return err_set(e, ERR_TOO_BIG, "%s is too long for a pipe: at most %d bytes", path, NAME_MAX_BYTES);
    return 0;
}

/* ---- the server ---- */

static int pipe_sddl(const char *group, wchar_t out[RIGHTS_SDDL_MAX], struct err *e)
{
    wchar_t own[RIGHTS_SID_MAX], theirs[RIGHTS_SID_MAX];
    int rc = rights_own_sid(own, e), n;

    if (rc == 0 && group[0] != '\0' && rights_account_sid(group, theirs, e) != 0)
        rc = err_set(e, ERR_NOT_FOUND, "there is no group \"%s\" (status.group): net localgroup \"%s\" /add", group,
                     group);
    if (rc != 0)
        return rc;
    n = swprintf(out, RIGHTS_SDDL_MAX, L"D:P(D;;GA;;;NU)(D;;GA;;;AN)(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;%ls)", own);
    if (group[0] != '\0')
        swprintf(out + n, RIGHTS_SDDL_MAX - (size_t)n, L"(A;;0x%lx;;;%ls)", (unsigned long)CLIENT_ACCESS, theirs);
    return 0;
}

/* Before the pipe is made, for the message.  What decides is that libuv asks to
 * be the pipe's first instance (which Wine does not heed). */
static int check_free(const char *path, struct err *e)
{
    wchar_t *name;
    int rc = wide_from_utf8(path, &name, e);

    if (rc != 0)
        return rc;
    if (WaitNamedPipeW(name, 1) || GetLastError() != ERROR_FILE_NOT_FOUND)
        rc = err_set(e, ERR_BUSY, "already running: somebody answers on %s", path);
    free(name);
    return rc;
}

int local_socket_listen(uv_pipe_t *pipe, const char *path, const char *group, int backlog,
                        uv_connection_cb on_connection, struct err *e)
{
    wchar_t sddl[RIGHTS_SDDL_MAX];
    uv_os_fd_t handle;
    int rc = check_name(path, e);

    if (rc == 0)
        rc = check_free(path, e);
    if (rc == 0)
        rc = pipe_sddl(group, sddl, e);
    if (rc != 0)
        return rc;
    rc = uv_pipe_bind(pipe, path);
    if (rc == UV_EADDRINUSE)
        return err_set(e, ERR_BUSY, "already running: somebody answers on %s", path);
    if (rc == 0)
        rc = uv_fileno((uv_handle_t *)pipe, &handle);
    if (rc != 0)
        return err_set(e, ERR_IO, "cannot make the pipe %s: %s", path, uv_strerror(rc));
    rc = rights_set_handle(handle, sddl, e);
    if (rc != 0) {
        err_prefix(e, "%s", path);
        return rc;
    }
    rc = uv_listen((uv_stream_t *)pipe, backlog, on_connection);
    if (rc != 0)
        return err_set(e, ERR_IO, "cannot listen on %s: %s", path, uv_strerror(rc));
    return 0;
}

/* ---- the client ---- */

struct asking {
    const char *path;
    HANDLE pipe, done; /* done: the event of the one operation under way */
    int64_t deadline;
};

static DWORD left_ms(const struct asking *a)
{
    int64_t left = a->deadline - plat_clock()->monotonic_ns(plat_clock());

    return left <= 0 ? 0 : left / NS_PER_MS > 60000 ? 60000 : (DWORD)(left / NS_PER_MS + 1);
}

static int too_late(const struct asking *a, struct err *e)
{
    return err_set(e, ERR_TIMEOUT, "no answer from %s in time", a->path);
}

static int went_wrong(const struct asking *a, DWORD code, struct err *e)
{
    if (code == ERROR_BROKEN_PIPE || code == ERROR_PIPE_NOT_CONNECTED || code == ERROR_NO_DATA ||
        code == ERROR_HANDLE_EOF)
        return err_set(e, ERR_REFUSED, "%s closed the connection without an answer", a->path);
    return err_win(e, code, "%s", a->path);
}

/* All instances are taken for a moment: waits for one. */
static int connect_to(struct asking *a, const wchar_t *name, struct err *e)
{
    for (;;) {
        DWORD code;

        /* The server learns who asks and cannot act as them. */
        a->pipe = CreateFileW(name, CLIENT_ACCESS, 0, NULL, OPEN_EXISTING,
                              FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
        if (a->pipe != INVALID_HANDLE_VALUE)
            return 0;
        code = GetLastError();
        if (code == ERROR_FILE_NOT_FOUND)
            return err_set(e, ERR_NOT_FOUND, "nobody listens on %s", a->path);
        if (code != ERROR_PIPE_BUSY)
            return err_win(e, code, "%s", a->path);
        if (left_ms(a) == 0)
            return too_late(a, e);
        WaitNamedPipeW(name, left_ms(a) > 1000 ? 1000 : left_ms(a));
    }
}

/* Waits for the operation that was begun; begun is what ReadFile or WriteFile returned. */
static int finish(struct asking *a, BOOL begun, OVERLAPPED *o, DWORD *n, struct err *e)
{
    DWORD code = begun ? ERROR_SUCCESS : GetLastError();

    if (code != ERROR_SUCCESS && code != ERROR_IO_PENDING)
        return went_wrong(a, code, e);
    if (code == ERROR_IO_PENDING && WaitForSingleObject(a->done, left_ms(a)) != WAIT_OBJECT_0) {
        CancelIo(a->pipe);
        GetOverlappedResult(a->pipe, o, n, TRUE); /* the buffer is ours again only now */
        return too_late(a, e);
    }
    if (!GetOverlappedResult(a->pipe, o, n, TRUE))
        return went_wrong(a, GetLastError(), e);
    return 0;
}

static int send_all(struct asking *a, const char *bytes, size_t len, struct err *e)
{
    while (len > 0) {
        OVERLAPPED o = { .hEvent = a->done };
        DWORD n = 0;
        int rc = finish(a, WriteFile(a->pipe, bytes, (DWORD)len, NULL, &o), &o, &n, e);

        if (rc != 0)
            return rc;
        bytes += n;
        len -= n;
    }
    return 0;
}

/* One line into answer; what comes after it is not wanted. */
static int read_line(struct asking *a, struct buf *answer, struct err *e)
{
    for (;;) {
        OVERLAPPED o = { .hEvent = a->done };
        char chunk[READ_CHUNK], *end;
        DWORD n = 0;
        int rc = finish(a, ReadFile(a->pipe, chunk, sizeof chunk, NULL, &o), &o, &n, e);

        if (rc != 0)
            return rc;
        end = memchr(chunk, '\n', n);
        buf_add(answer, chunk, end != NULL ? (size_t)(end - chunk) : n);
        if (buf_error(answer) != ERR_OK)
            return err_set(e, buf_error(answer), "the answer from %s is too long", a->path);
        if (end != NULL)
            return 0;
    }
}

/* Request and newline in one write. */
static int talk(struct asking *a, const char *request, struct buf *answer, struct err *e)
{
    struct buf line;
    int rc;

    buf_init(&line, strlen(request) + 1);
    buf_str(&line, request);
    buf_char(&line, '\n');
    rc = buf_error(&line) == ERR_OK ? send_all(a, line.data, line.len, e) : err_set(e, ERR_MEMORY, "out of memory");
    buf_free(&line);
    return rc == 0 ? read_line(a, answer, e) : rc;
}

int local_socket_ask(const char *path, const char *request, int64_t timeout_ns, struct buf *answer, struct err *e)
{
    struct asking a = { .path = path, .pipe = INVALID_HANDLE_VALUE };
    wchar_t *name = NULL;
    int rc = check_name(path, e);

    if (rc == 0)
        rc = wide_from_utf8(path, &name, e);
    if (rc != 0)
        return rc;
    a.deadline = plat_clock()->monotonic_ns(plat_clock()) + timeout_ns;
    a.done = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (a.done == NULL)
        rc = err_win(e, GetLastError(), "cannot wait");
    if (rc == 0)
        rc = connect_to(&a, name, e);
    if (rc == 0)
        rc = talk(&a, request, answer, e);
    if (a.pipe != INVALID_HANDLE_VALUE)
        CloseHandle(a.pipe);
    if (a.done != NULL)
        CloseHandle(a.done);
    free(name);
    return rc;
}
