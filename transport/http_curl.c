/* See http_curl.h.
 *
 * libcurl's multi interface tells us which sockets to watch and when to call
 * it again; uv_poll and one uv_timer do that.  There is one easy handle, used
 * for every POST, so that the connection is kept and used again.
 *
 * What comes back is bounded: the first bytes of the body are kept for
 * messages, and an answer whose body goes on past BODY_READ_MAX is taken by
 * its status and its connection is closed.  An answer that breaks off is no answer:
 * the records are sent again, and the hub knows them.
 *
 * Nothing here waits: names are resolved on libcurl's own thread, and a POST
 * that is cancelled does not wait for that thread.
 */
#include "transport/http_curl.h"

#include "base/text.h"
#include "plat/clock.h"
#include "transport/curl_options.h"
#include "transport/error_body.h"
#include "transport/http_headers.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_READ_MAX = 64 * 1024,
    BODY_KEPT_MAX = 4 * 1024,
};

struct http_curl {
    struct http_client base;
    uv_loop_t *loop;
    uv_timer_t timer;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *common; /* headers of every request */
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];

    /* The POST under way: done is set. */
    void (*done)(void *arg, const struct http_reply *reply);
    void *done_arg;
    struct http_reply reply;
    size_t body_len;  /* kept in body */
    size_t body_read; /* seen */
    char body[BODY_KEPT_MAX];

    /* Closing. */
    int handles; /* of libuv that are not closed yet */
    void (*closed)(void *arg);
    void *closed_arg;
};

/* A socket that libcurl wants watched. */
struct watch {
    uv_poll_t poll;
    struct http_curl *owner;
    curl_socket_t fd;
};

static struct http_curl *of(struct http_client *c)
{
    return (struct http_curl *)c;
}

/* ---- the end ------------------------------------------------------------ */

static void handle_closed(struct http_curl *h)
{
    void (*closed)(void *arg) = h->closed;
    void *arg = h->closed_arg;

    assert(h->handles > 0);
    if (--h->handles > 0)
        return;
    assert(h->multi == NULL && closed != NULL); /* the timer is the last to go */
    free(h);
    closed(arg);
}

static void timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void watch_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    struct http_curl *h = w->owner;

    free(w);
    handle_closed(h);
}

/* ---- answers ------------------------------------------------------------ */

static bool is_certificate_problem(CURLcode rc)
{
    switch (rc) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return true;
    default:
        return false;
    }
}

/* What happened, in our words where libcurl's need them. */
static const char *prefix_of(CURLcode rc)
{
    switch (rc) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return "the hub's certificate is not trusted: ";
    case CURLE_SSL_CERTPROBLEM:
        return "hub.cert_file or its key cannot be used: ";
    case CURLE_SSL_CACERT_BADFILE:
        return "hub.ca_file cannot be used: ";
    default:
        return "";
    }
}

static void fill_error(struct http_curl *h, CURLcode rc)
{
    char text[sizeof h->reply.error];

    snprintf(text, sizeof text, "%s%.200s", prefix_of(rc), h->error[0] != '\0' ? h->error : curl_easy_strerror(rc));
    text_clean(h->reply.error, sizeof h->reply.error, text, strlen(text), NULL);
    h->reply.status = 0;
    h->reply.certificate_problem = is_certificate_problem(rc);
    h->reply.retry_after_ns = -1;
    h->reply.has_acked_through = false;
    h->reply.has_send_budget = false;
    h->reply.takes_state = false;
}

/* The POST is over.  The last thing done on behalf of it: done may close us. */
static void finish(struct http_curl *h, CURLcode rc)
{
    void (*done)(void *arg, const struct http_reply *reply) = h->done;
    struct http_reply reply;
    const char *type = NULL;
    long status = 0;

    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    if (curl_easy_getinfo(h->easy, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        type = NULL;
    error_body_text(type, h->body, h->body_len, h->reply.body, sizeof h->reply.body);
    curl_multi_remove_handle(h->multi, h->easy);
    h->done = NULL;
    if (rc == CURLE_WRITE_ERROR && h->body_read > BODY_READ_MAX)
        rc = CURLE_OK; /* we broke it off: status and headers are whole */
    h->reply.status = (int)status;
    if (rc != CURLE_OK || status <= 0)
        fill_error(h, rc);
    reply = h->reply;
    done(h->done_arg, &reply);
}

static void look_for_end(struct http_curl *h)
{
    CURLMsg *message;
    int left;

    message = curl_multi_info_read(h->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE && h->done != NULL)
        finish(h, message->data.result);
}

/* ---- libcurl's callbacks ------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_curl *h = arg;
    size_t len = size * count, room = sizeof h->body - h->body_len;

    memcpy(h->body + h->body_len, bytes, len < room ? len : room);
    h->body_len += len < room ? len : room;
    h->body_read += len;
    return h->body_read > BODY_READ_MAX ? 0 : len;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct http_curl *h = arg;
    const struct clock *clock = plat_clock();

    http_header_take(&h->reply, line, size * count, clock->wall_ns(clock));
    return size * count;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    struct http_curl *h = w->owner;
    int running, flags = 0;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(h->multi, w->fd, flags, &running); /* w may be closing now */
    look_for_end(h);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_curl *h = timer->data;
    int running;

    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_end(h);
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_curl *h = arg;

    (void)multi;
    if (timeout_ms < 0)
        return uv_timer_stop(&h->timer);
    uv_update_time(h->loop);
    return uv_timer_start(&h->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static struct watch *new_watch(struct http_curl *h, curl_socket_t fd)
{
    struct watch *w = calloc(1, sizeof *w);

    if (w == NULL || uv_poll_init_socket(h->loop, &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    w->owner = h;
    w->fd = fd;
    w->poll.data = w;
    h->handles++;
    curl_multi_assign(h->multi, fd, w);
    return w;
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *arg, void *watched)
{
    struct http_curl *h = arg;
    struct watch *w = watched;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            curl_multi_assign(h->multi, fd, NULL);
            uv_close((uv_handle_t *)&w->poll, watch_closed);
        }
        return 0;
    }
    if (w == NULL)
        w = new_watch(h, fd);
    if (w == NULL)
        return -1;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_poll) == 0 ? 0 : -1;
}

/* ---- the seam ------------------------------------------------------------ */

static bool add_line(struct http_curl *h, const char *line)
{
    struct curl_slist *more = curl_slist_append(h->headers, line);

    if (more == NULL)
        return false;
    h->headers = more;
    return true;
}

/* The common headers with the type of this request, and Content-Encoding where there is one. */
static bool make_headers(struct http_curl *h, enum http_what what, const char *encoding)
{
    static const char type[] = "Content-Type:";
    char line[64];

    curl_slist_free_all(h->headers);
    h->headers = NULL;
    for (struct curl_slist *l = h->common; l != NULL; l = l->next) {
        bool other = what == HTTP_STATE && text_ncasecmp(l->data, type, sizeof type - 1) == 0;

        if (!add_line(h, other ? "Content-Type: " HTTP_STATE_TYPE : l->data))
            return false;
    }
    if (encoding == NULL)
        return true;
    snprintf(line, sizeof line, "Content-Encoding: %.32s", encoding);
    return add_line(h, line);
}

static int start_post(struct http_client *c, enum http_what what, const void *body, size_t len, const char *encoding,
                      void (*done)(void *arg, const struct http_reply *reply), void *arg, struct err *e)
{
    struct http_curl *h = of(c);
    CURLMcode rc;

    assert(h->done == NULL && h->closed == NULL && done != NULL);
    if (!make_headers(h, what, encoding))
        return err_set(e, ERR_MEMORY, "out of memory for a request");
    h->reply = (struct http_reply){ .retry_after_ns = -1 };
    h->body_len = h->body_read = 0;
    h->error[0] = '\0';
    curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, len > 0 ? body : "");
    rc = curl_multi_add_handle(h->multi, h->easy);
    if (rc != CURLM_OK)
        return err_set(e, ERR_IO, "cannot start a request: %s", curl_multi_strerror(rc));
    h->done = done;
    h->done_arg = arg;
    return 0;
}

static void cancel_post(struct http_client *c)
{
    struct http_curl *h = of(c);

    if (h->done == NULL)
        return;
    h->done = NULL;
    curl_multi_remove_handle(h->multi, h->easy);
}

static void free_curl(struct http_curl *h)
{
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi); /* closes the connections, and with them the watches */
    curl_slist_free_all(h->headers);
    curl_slist_free_all(h->common);
    h->easy = NULL;
    h->multi = NULL;
}

static void close_client(struct http_client *c, void (*closed)(void *arg), void *arg)
{
    struct http_curl *h = of(c);

    assert(h->closed == NULL && closed != NULL);
    cancel_post(c);
    h->closed = closed;
    h->closed_arg = arg;
    uv_timer_stop(&h->timer);
    free_curl(h);
    uv_close((uv_handle_t *)&h->timer, timer_closed);
}

static const struct http_client_ops ops = { .post = start_post, .cancel = cancel_post, .close = close_client };

/* ---- making one ----------------------------------------------------------- */

static uv_once_t curl_once = UV_ONCE_INIT;
static CURLcode curl_state;

static void init_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int set_handles(struct http_curl *h, struct err *e)
{
    h->multi = curl_multi_init();
    h->easy = curl_easy_init();
    if (h->multi == NULL || h->easy == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for the HTTP client");
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
    return 0;
}

int http_curl_new(struct http_client **out, uv_loop_t *loop, const struct agent_config_hub *config, struct err *e)
{
    struct http_curl *h;
    int rc;

    uv_once(&curl_once, init_curl);
    if (curl_state != CURLE_OK)
        return err_set(e, ERR_UNSUPPORTED, "libcurl cannot be used: %s", curl_easy_strerror(curl_state));
    h = calloc(1, sizeof *h);
    if (h == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for the HTTP client");
    h->base.ops = &ops;
    h->loop = loop;
    rc = set_handles(h, e);
    if (rc == 0)
        rc = curl_options_set(h->easy, config, e);
    if (rc == 0)
        rc = curl_options_headers(config, &h->common, e);
    if (rc != 0) {
        free_curl(h);
        free(h);
        return rc;
    }
    uv_timer_init(loop, &h->timer);
    h->timer.data = h;
    h->handles = 1;
    *out = &h->base;
    return 0;
}
