/* See status_server.h.
 *
 * Who comes while there is no memory for a client is accepted by a handle kept for that, and let go: a connection that
 * is not accepted would keep libuv from looking for others.
 *
 * A client is READING, ANSWERING (the request is out, nothing is read) or
 * WRITING.  Its memory goes when its handles are closed and no answer is owed.
 */
#include "agent/status_server.h"

#include "base/log.h"
#include "plat/local_socket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BACKLOG = 16 };

enum client_phase { READING, ANSWERING, WRITING };

struct status_client {
    struct status_server *server; /* NULL when that has stopped */
    uv_pipe_t pipe;
    uv_timer_t idle;
    uv_write_t write;
    enum client_phase phase;
    int handles_open;
    bool closing;
    bool last; /* close after the answer */
    char line[STATUS_LINE_MAX];
    size_t len;
    char *answer;
    struct status_client *next;
};

struct status_server {
    uv_loop_t *loop;
    struct status_options options;
    uv_pipe_t pipe;
    uv_pipe_t turned_away;
    bool turning_away; /* turned_away is open */
    bool one_more;     /* somebody waits for it */
    bool stopped;
    int handles_open;
    struct status_client *clients;
    int client_count;
};

static void take_line(struct status_client *c);

/* ---- the end of a client ---- */

static void free_if_done(struct status_client *c)
{
    if (c->handles_open > 0 || c->phase == ANSWERING)
        return;
    free(c->answer);
    free(c);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct status_client *c = handle->data;

    c->handles_open--;
    free_if_done(c);
}

static void unlink_client(struct status_client *c)
{
    struct status_client **at = &c->server->clients;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->server->client_count--;
    c->server = NULL;
}

static void close_client(struct status_client *c)
{
    if (c->closing)
        return;
    c->closing = true;
    unlink_client(c);
    uv_close((uv_handle_t *)&c->pipe, on_client_closed);
    uv_close((uv_handle_t *)&c->idle, on_client_closed);
}

static void on_idle(uv_timer_t *timer)
{
    struct status_client *c = timer->data;

    if (c->phase != ANSWERING) /* else it is us who are slow */
        close_client(c);
}

static void rearm(struct status_client *c)
{
    uv_timer_start(&c->idle, on_idle, (uint64_t)c->server->options.idle_ms, 0);
}

/* ---- requests ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct status_client *c = handle->data;

    (void)suggested;
    *out = uv_buf_init(c->line + c->len, (unsigned)(sizeof c->line - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct status_client *c = stream->data;

    (void)bytes;
    if (n < 0) {
        close_client(c); /* the end, an error, or ENOBUFS: a line that is too long */
        return;
    }
    c->len += (size_t)n;
    if (n > 0)
        take_line(c);
}

static void refuse_long_line(struct status_client *c)
{
    static const char text[] = "{\"v\":1,\"error\":\"the request is longer than 4096 bytes\"}";

    uv_read_stop((uv_stream_t *)&c->pipe);
    c->phase = ANSWERING;
    c->last = true;
    status_reply(c, text, sizeof text - 1);
}

/* Hands the first whole line on; the rest stays for after the answer. */
static void take_line(struct status_client *c)
{
    char line[STATUS_LINE_MAX];
    char *end = memchr(c->line, '\n', c->len);
    size_t len;

    assert(c->phase == READING);
    if (end == NULL) {
        if (c->len == sizeof c->line)
            refuse_long_line(c);
        return;
    }
    len = (size_t)(end - c->line);
    memcpy(line, c->line, len);
    line[len] = '\0';
    c->len -= len + 1;
    memmove(c->line, end + 1, c->len);
    uv_read_stop((uv_stream_t *)&c->pipe);
    c->phase = ANSWERING;
    c->server->options.request(c->server->options.arg, line, len, c);
}

static void read_on(struct status_client *c)
{
    c->phase = READING;
    rearm(c);
    if (memchr(c->line, '\n', c->len) != NULL)
        take_line(c);
    else if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        close_client(c);
}

/* ---- answers ---- */

static void on_written(uv_write_t *write, int status)
{
    struct status_client *c = write->data;

    free(c->answer);
    c->answer = NULL;
    if (c->closing)
        return;
    if (status != 0 || c->last)
        close_client(c);
    else
        read_on(c);
}

void status_reply(struct status_client *c, const char *text, size_t len)
{
    uv_buf_t piece;

    assert(c->phase == ANSWERING);
    c->phase = WRITING;
    if (c->closing) {
        free_if_done(c);
        return;
    }
    c->answer = malloc(len + 1);
    if (c->answer == NULL) {
        close_client(c);
        return;
    }
    memcpy(c->answer, text, len);
    c->answer[len] = '\n';
    piece = uv_buf_init(c->answer, (unsigned)len + 1);
    rearm(c);
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &piece, 1, on_written) != 0)
        close_client(c);
}

/* ---- connections ---- */

static struct status_client *new_client(struct status_server *s)
{
    struct status_client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->server = s;
    uv_pipe_init(s->loop, &c->pipe, 0);
    uv_timer_init(s->loop, &c->idle);
    c->pipe.data = c->idle.data = c->write.data = c;
    c->handles_open = 2;
    c->next = s->clients;
    s->clients = c;
    s->client_count++;
    return c;
}

static void free_server_if_done(struct status_server *s)
{
    if (s->stopped && s->handles_open == 0)
        free(s);
}

static void on_turned_away(uv_handle_t *handle);

static void turn_away(struct status_server *s)
{
    s->one_more = s->turning_away;
    if (s->turning_away)
        return;
    uv_pipe_init(s->loop, &s->turned_away, 0);
    s->turned_away.data = s;
    s->turning_away = true;
    s->handles_open++;
    (void)uv_accept((uv_stream_t *)&s->pipe, (uv_stream_t *)&s->turned_away); /* it is closed either way */
    uv_close((uv_handle_t *)&s->turned_away, on_turned_away);
}

static void on_turned_away(uv_handle_t *handle)
{
    struct status_server *s = handle->data;

    s->turning_away = false;
    s->handles_open--;
    if (s->one_more && !s->stopped)
        turn_away(s);
    free_server_if_done(s);
}

static void on_connection(uv_stream_t *stream, int status)
{
    static const char full[] = "{\"v\":1,\"error\":\"too many clients: try again later\"}";
    struct status_server *s = stream->data;
    struct status_client *c;

    if (status != 0)
        return;
    c = new_client(s);
    if (c == NULL) {
        turn_away(s);
        return;
    }
    if (uv_accept(stream, (uv_stream_t *)&c->pipe) != 0 || s->client_count > 2 * STATUS_CLIENTS_MAX) {
        close_client(c); /* no more words for a flood */
        return;
    }
    if (s->client_count <= STATUS_CLIENTS_MAX) {
        read_on(c);
        return;
    }
    c->phase = ANSWERING;
    c->last = true;
    status_reply(c, full, sizeof full - 1);
}

static void on_server_closed(uv_handle_t *handle)
{
    struct status_server *s = handle->data;

    s->handles_open--;
    free_server_if_done(s);
}

static void close_server(struct status_server *s)
{
    s->stopped = true;
    uv_close((uv_handle_t *)&s->pipe, on_server_closed);
}

int status_server_start(struct status_server **out, uv_loop_t *loop, const struct status_options *options,
                        struct err *e)
{
    struct status_server *s = calloc(1, sizeof *s);
    int rc;

    *out = NULL;
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->loop = loop;
    s->options = *options;
    if (s->options.idle_ms == 0)
        s->options.idle_ms = STATUS_IDLE_MS;
    uv_pipe_init(loop, &s->pipe, 0);
    s->pipe.data = s;
    s->handles_open = 1;
    rc = local_socket_listen(&s->pipe, options->path, options->group, BACKLOG, on_connection, e);
    if (rc != 0) {
        close_server(s);
        return rc;
    }
    *out = s;
    return 0;
}

void status_server_stop(struct status_server *s)
{
    if (s == NULL)
        return;
    while (s->clients != NULL)
        close_client(s->clients);
    close_server(s);
}
