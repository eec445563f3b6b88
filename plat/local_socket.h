/* A socket for programs on the same machine, with access rights: a socket file
 * on POSIX, a named pipe on Windows.
 *
 * The server side is a libuv pipe handle, on the loop's thread.  The client
 * side is for the command line: it blocks, with a time limit.
 */
#ifndef PLAT_LOCAL_SOCKET_H
#define PLAT_LOCAL_SOCKET_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>
#include <uv.h>

/* Binds pipe (initialised by the caller, who closes it on failure too) to path
 * and listens; on_connection as for uv_listen().  Who may connect: the owner, and
 * the members of group unless it is "".
 *
 * The folder is checked (plat_socket_dir).  A socket file that nobody listens
 * on is a leftover and is removed; one that answers is ERR_BUSY ("already running");
 * anything else at path is left alone and ERR_INVALID.  Closing the handle removes the file. */
MUST_USE int local_socket_listen(uv_pipe_t *pipe, const char *path, const char *group, int backlog,
                                 uv_connection_cb on_connection, struct err *e);

/* Connects, sends request (a line; the newline is added), and reads one line
 * into answer, without its newline.  ERR_NOT_FOUND or ERR_REFUSED when nobody listens, ERR_PERMISSION,
 * ERR_TIMEOUT when the whole takes longer than timeout_ns, ERR_TOO_BIG over the
 * buffer's ceiling.  Blocks: not on the loop's thread. */
MUST_USE int local_socket_ask(const char *path, const char *request, int64_t timeout_ns, struct buf *answer,
                              struct err *e);

#endif
