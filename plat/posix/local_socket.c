/* Unix domain sockets.  See plat/local_socket.h.
 *
 * Between bind() and listen() nobody can connect, so the rights are set there
 * and there is no moment at which a stranger gets in.
 */
#include "plat/local_socket.h"

#include "base/text.h"
#include "base/times.h"
#include "plat/paths.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { READ_CHUNK = 16 * 1024, GROUP_BUF = 16 * 1024 };

static int address_of(const char *path, struct sockaddr_un *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    if (path[0] == '\0')
        return err_set(e, ERR_INVALID, "the socket's path is empty");
    if (!text_copy(out->sun_path, sizeof out->sun_path, path))
        return err_set(e, ERR_TOO_BIG, "%s is too long for a socket: at most %zu bytes", path,
                       sizeof out->sun_path - 1);
    return 0;
}

static int check_folder(const char *path, struct err *e)
{
    char dir[PATH_MAX], *slash;

    if (!text_copy(dir, sizeof dir, path))
        return err_set(e, ERR_TOO_BIG, "the socket's path is too long");
    slash = strrchr(dir, '/');
    if (slash == NULL)
        return plat_socket_dir(".", e);
    if (slash == dir)
        slash++;
    *slash = '\0';
    return plat_socket_dir(dir, e);
}

/* Makes room at path, or says why not. */
static int clear_path(const char *path, struct err *e)
{
    struct sockaddr_un address;
    struct stat st;
    int fd, rc;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(e, errno, "%s", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_INVALID, "%s is there and is not a socket: move it away", path);
    rc = address_of(path, &address, e);
    if (rc != 0)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, errno, "cannot make a socket");
    rc = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    if (rc == ECONNREFUSED)
        return unlink(path) == 0 || errno == ENOENT ? 0 : err_errno(e, errno, "cannot remove the old %s", path);
    if (rc == 0 || rc == EAGAIN || rc == EINPROGRESS)
        return err_set(e, ERR_BUSY, "already running: somebody answers on %s", path);
    return err_errno(e, rc, "%s", path);
}

static int set_rights(const char *path, const char *group, struct err *e)
{
    char bytes[GROUP_BUF];
    struct group entry, *found = NULL;
    int rc;

    if (group[0] == '\0')
        return chmod(path, 0600) == 0 ? 0 : err_errno(e, errno, "cannot set the rights of %s", path);
    rc = getgrnam_r(group, &entry, bytes, sizeof bytes, &found);
    if (rc != 0 || found == NULL)
        return err_set(e, ERR_NOT_FOUND, "there is no group \"%s\" (status.group): groupadd --system %s", group, group);
    if (chown(path, (uid_t)-1, found->gr_gid) != 0)
        return err_errno(e, errno, "cannot give %s to the group %s", path, group);
    return chmod(path, 0660) == 0 ? 0 : err_errno(e, errno, "cannot set the rights of %s", path);
}

int local_socket_listen(uv_pipe_t *pipe, const char *path, const char *group, int backlog,
                        uv_connection_cb on_connection, struct err *e)
{
    struct sockaddr_un address;
    int rc = address_of(path, &address, e);

    if (rc == 0)
        rc = check_folder(path, e);
    if (rc == 0)
        rc = clear_path(path, e);
    if (rc != 0)
        return rc;
    rc = uv_pipe_bind(pipe, path);
    if (rc != 0)
        return err_set(e, ERR_IO, "cannot make the socket %s: %s", path, uv_strerror(rc));
    rc = set_rights(path, group, e);
    if (rc != 0)
        return rc;
    rc = uv_listen((uv_stream_t *)pipe, backlog, on_connection);
    if (rc != 0)
        return err_set(e, ERR_IO, "cannot listen on %s: %s", path, uv_strerror(rc));
    return 0;
}

/* ---- the client ---- */

static int64_t monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Waits until fd is ready for what, or the deadline. */
static int wait_for(int fd, short what, int64_t deadline, const char *path, struct err *e)
{
    struct pollfd p = { .fd = fd, .events = what };

    for (;;) {
        int64_t left = deadline - monotonic();
        int n;

        if (left <= 0)
            return err_set(e, ERR_TIMEOUT, "no answer from %s in time", path);
        n = poll(&p, 1, (int)(left / NS_PER_MS > 1000 ? 1000 : left / NS_PER_MS + 1));
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_errno(e, errno, "%s", path);
    }
}

static int send_all(int fd, const char *bytes, size_t len, int64_t deadline, const char *path, struct err *e)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return err_errno(e, errno, "%s", path);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
            continue;
        }
        int rc = wait_for(fd, POLLOUT, deadline, path, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* One line into answer; what comes after it is not wanted. */
static int read_line(int fd, int64_t deadline, struct buf *answer, const char *path, struct err *e)
{
    for (;;) {
        char chunk[READ_CHUNK], *end;
        int rc = wait_for(fd, POLLIN, deadline, path, e);
        ssize_t n;

        if (rc != 0)
            return rc;
        n = recv(fd, chunk, sizeof chunk, 0);
        if (n == 0)
            return err_set(e, ERR_REFUSED, "%s closed the connection without an answer", path);
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            return err_errno(e, errno, "%s", path);
        }
        end = memchr(chunk, '\n', (size_t)n);
        buf_add(answer, chunk, end != NULL ? (size_t)(end - chunk) : (size_t)n);
        if (buf_error(answer) != ERR_OK)
            return err_set(e, buf_error(answer), "the answer from %s is too long", path);
        if (end != NULL)
            return 0;
    }
}

static int connect_to(const char *path, int *fd, struct err *e)
{
    struct sockaddr_un address;
    int rc = address_of(path, &address, e);

    if (rc != 0)
        return rc;
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return err_errno(e, errno, "cannot make a socket");
    if (connect(*fd, (struct sockaddr *)&address, sizeof address) == 0)
        return 0;
    if (errno == ECONNREFUSED)
        rc = err_set(e, ERR_REFUSED, "nobody listens on %s", path);
    else
        rc = err_errno(e, errno, "%s", path);
    close(*fd);
    return rc;
}

int local_socket_ask(const char *path, const char *request, int64_t timeout_ns, struct buf *answer, struct err *e)
{
    int64_t deadline = monotonic() + timeout_ns;
    struct buf line;
    int fd = -1, rc;

    buf_init(&line, strlen(request) + 1);
    buf_str(&line, request);
    buf_char(&line, '\n');
    rc = buf_error(&line) == ERR_OK ? connect_to(path, &fd, e) : err_set(e, buf_error(&line), "out of memory");
    if (rc != 0)
        goto done;
    rc = send_all(fd, line.data, line.len, deadline, path, e);
    if (rc == 0)
        rc = read_line(fd, deadline, answer, path, e);
    close(fd);
done:
    buf_free(&line);
    return rc;
}
