/* The status socket: one JSON request a line in, one JSON answer a line out
 * (docs/status-socket.md).  This file knows lines, clients and limits; what is
 * asked and answered is agent_answers.c.
 *
 * A client has one request under way at a time; what it sends meanwhile waits
 * in the system's buffer.  A line that is too long, a client that says
 * nothing, or one that does not read its answer, ends its connection; one client too many is told so.
 *
 * Loop thread.
 */
#ifndef AGENT_STATUS_SERVER_H
#define AGENT_STATUS_SERVER_H

#include "base/error.h"

#include <stdint.h>
#include <uv.h>

enum {
    STATUS_LINE_MAX = 4096, /* bytes of a request, the newline included */
    STATUS_CLIENTS_MAX = 16,
    STATUS_IDLE_MS = 30 * 1000, /* a client may be silent, or not reading, this long */
};

struct status_server;
struct status_client;

struct status_options {
    const char *path;
    const char *group; /* "" the owner alone */
    int64_t idle_ms;   /* 0: STATUS_IDLE_MS */
    /* A request (line of len bytes, NUL-ended, without its newline).  Answer with
     * status_reply(), now or later, exactly once. */
    void (*request)(void *arg, const char *line, size_t len, struct status_client *from);
    void *arg;
};

/* Errors as local_socket_listen(). */
MUST_USE int status_server_start(struct status_server **out, uv_loop_t *loop, const struct status_options *options,
                                 struct err *e);

/* The answer, without a newline, which is added; copied.  The client may be
 * gone by now; then this only lets go of it. */
void status_reply(struct status_client *to, const char *text, size_t len);

/* No connection and no request after this; answers that are still owed must
 * still be given (they go nowhere).  Frees itself when the handles are closed. */
void status_server_stop(struct status_server *s);

#endif
