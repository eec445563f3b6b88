/* Forwarding to a syslog receiver: RFC 5425 (TLS) or, when told, the same
 * framing over plain TCP (RFC 6587).
 *
 * Syslog has no answers, so a connection is made to give one: a batch is one
 * connection, which is closed when all is sent, and the receiver's own closing is waited for.
 * TLS carries the records in order, and our close_notify after them, so a receiver that
 * answers with its close_notify has read everything (RFC 5425, section 4.4, has both sides do
 * so).  A receiver that died before it had read all it was sent resets the connection instead.
 * In between lie receivers that just close (rsyslog): an orderly end of TCP says that the system below the
 * receiver had no unread bytes.  forward.syslog.confirm decides whether that is enough.  A
 * receiver that takes messages and then loses them in its own memory is beyond anyone's reach.
 *
 * Connecting (names, addresses, deadlines) is libcurl's, TLS is GnuTLS's, which the
 * hub's server uses too.  Everything waits with poll(), in short pieces, so that a
 * stop is noticed.
 */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "config/hub_url.h"
#include "hub/forward_internal.h"
#include "hub/tls.h"
#include "plat/clock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { POLL_MS = 200, CONNECT_MS = 10 * 1000, DRAIN_MAX = 64 * 1024 };

struct syslog_sink {
    struct forward_sink base;
    const struct hub_config_forward *config;
    const _Atomic bool *stopping;
    struct listen_address address;
    gnutls_certificate_credentials_t credentials; /* NULL: plain TCP */
    struct buf body;
};

/* One connection. */
struct line {
    struct syslog_sink *sink;
    CURL *easy;
    int fd;
    gnutls_session_t tls; /* NULL: plain */
    int64_t deadline;     /* monotonic */
    char error[CURL_ERROR_SIZE];
};

static int64_t monotonic(void)
{
    return plat_clock()->monotonic_ns(plat_clock());
}

/* ---- waiting ------------------------------------------------------------------------ */

static int wait_for(const struct line *l, short events, struct err *e)
{
    struct pollfd p = { .fd = l->fd, .events = events };

    while (!*l->sink->stopping && monotonic() < l->deadline) {
        int n = poll(&p, 1, POLL_MS);

        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_errno(e, errno, "poll");
    }
    return err_set(e, ERR_TIMEOUT, *l->sink->stopping ? "the hub is stopping" : "no answer in time");
}

/* What GnuTLS asked for: 0 to go on, or an error. */
static int wait_tls(const struct line *l, ssize_t n, const char *what, struct err *e)
{
    if (n == GNUTLS_E_INTERRUPTED && monotonic() < l->deadline)
        return 0;
    if (n == GNUTLS_E_AGAIN)
        return wait_for(l, gnutls_record_get_direction(l->tls) != 0 ? POLLOUT : POLLIN, e);
    if (n == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
        return err_set(e, ERR_REFUSED,
                       "its certificate is not trusted, or is another host's; look at"
                       " forward.syslog.ca_file");
    return err_set(e, ERR_IO, "%s: %s", what, gnutls_strerror((int)n));
}

/* ---- connecting ------------------------------------------------------------------------- */

static int on_progress(void *arg, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
    const struct line *l = (const struct line *)arg;

    (void)to_come, (void)came, (void)to_go, (void)went;
    return *l->sink->stopping;
}

static int connect_tcp(struct line *l, struct err *e)
{
    const struct listen_address *a = &l->sink->address;
    bool v6 = strchr(a->host, ':') != NULL;
    char url[sizeof a->host + 32];
    curl_socket_t fd = CURL_SOCKET_BAD;
    long timeout_ms = (long)(l->sink->config->timeout_ns / NS_PER_MS);
    CURLcode rc;

    l->easy = curl_easy_init();
    if (l->easy == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    snprintf(url, sizeof url, v6 ? "http://[%s]:%d" : "http://%s:%d", a->host, a->port);
    curl_easy_setopt(l->easy, CURLOPT_URL, url);
    curl_easy_setopt(l->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(l->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(l->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(l->easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(l->easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(l->easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_MS ? timeout_ms : (long)CONNECT_MS);
    curl_easy_setopt(l->easy, CURLOPT_ERRORBUFFER, l->error);
    curl_easy_setopt(l->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(l->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(l->easy, CURLOPT_XFERINFODATA, l);
    rc = curl_easy_perform(l->easy);
    if (rc == CURLE_OK)
        rc = curl_easy_getinfo(l->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (rc != CURLE_OK || fd == CURL_SOCKET_BAD)
        return err_set(e, ERR_IO, "%s", l->error[0] != '\0' ? l->error : curl_easy_strerror(rc));
    l->fd = fd;
    return 0;
}

static bool is_number(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static int begin_tls(struct line *l, struct err *e)
{
    const char *host = l->sink->address.host;
    int rc = gnutls_init(&l->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

    if (rc == 0)
        rc = gnutls_priority_set_direct(l->tls, TLS_PRIORITIES, NULL);
    if (rc == 0)
        rc = gnutls_credentials_set(l->tls, GNUTLS_CRD_CERTIFICATE, l->sink->credentials);
    if (rc == 0 && !is_number(host))
        rc = gnutls_server_name_set(l->tls, GNUTLS_NAME_DNS, host, strlen(host));
    if (rc != 0)
        return err_set(e, ERR_UNSUPPORTED, "TLS: %s", gnutls_strerror(rc));
    gnutls_session_set_verify_cert(l->tls, host, 0);
    gnutls_transport_set_int(l->tls, l->fd);
    do {
        rc = gnutls_handshake(l->tls);
        if (rc != GNUTLS_E_SUCCESS && gnutls_error_is_fatal(rc) == 0 && rc != GNUTLS_E_AGAIN)
            rc = GNUTLS_E_INTERRUPTED; /* a warning: go on */
        if (rc != GNUTLS_E_SUCCESS && wait_tls(l, rc, "handshake", e) != 0)
            return ERR_IO;
    } while (rc != GNUTLS_E_SUCCESS);
    return 0;
}

static int open_line(struct line *l, struct err *e)
{
    int rc = connect_tcp(l, e);

    return rc == 0 && l->sink->credentials != NULL ? begin_tls(l, e) : rc;
}

static void close_line(struct line *l)
{
    if (l->tls != NULL)
        gnutls_deinit(l->tls);
    curl_easy_cleanup(l->easy); /* closes the socket */
}

/* ---- sending and hearing the end ------------------------------------------------------------- */

static int send_plain(struct line *l, const char *at, size_t left, struct err *e)
{
    while (left > 0) {
        ssize_t n = send(l->fd, at, left, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            at += n;
            left -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            return err_errno(e, errno, "sending");
        } else if (wait_for(l, POLLOUT, e) != 0) {
            return ERR_TIMEOUT;
        }
    }
    return 0;
}

static int send_tls(struct line *l, const char *at, size_t left, struct err *e)
{
    while (left > 0) {
        ssize_t n = gnutls_record_send(l->tls, at, left);

        if (n > 0) {
            at += n;
            left -= (size_t)n;
        } else if (wait_tls(l, n, "sending", e) != 0) {
            return ERR_IO;
        }
    }
    return 0;
}

/* Reads past whatever a receiver may say, to its end.  0: an orderly one. */
static int hear_end_plain(struct line *l, struct err *e)
{
    char ignored[512];
    size_t heard = 0;

    while (heard < DRAIN_MAX) {
        ssize_t n = recv(l->fd, ignored, sizeof ignored, MSG_DONTWAIT);

        if (n == 0)
            return 0;
        if (n > 0)
            heard += (size_t)n;
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, errno, "waiting for the receiver to close");
        else if (wait_for(l, POLLIN, e) != 0)
            return ERR_TIMEOUT;
    }
    return err_set(e, ERR_INVALID, "the receiver talks instead of closing: it is no syslog receiver");
}

static int end_tls(struct line *l, struct err *e)
{
    int rc;

    do {
        rc = gnutls_bye(l->tls, GNUTLS_SHUT_WR);
    } while (rc != GNUTLS_E_SUCCESS && wait_tls(l, rc, "closing", e) == 0);
    return rc == GNUTLS_E_SUCCESS ? 0 : ERR_IO;
}

static int hear_end_tls(struct line *l, struct err *e)
{
    char ignored[512];
    size_t heard = 0;

    while (heard < DRAIN_MAX) {
        ssize_t n = gnutls_record_recv(l->tls, ignored, sizeof ignored);

        if (n == 0)
            return 0; /* close_notify */
        if (n > 0) {
            heard += (size_t)n;
        } else if (n == GNUTLS_E_PREMATURE_TERMINATION) {
            if (l->sink->config->syslog_confirm == CONFIRM_TCP)
                return 0;
            return err_set(e, ERR_IO,
                           "the receiver closed without TLS's closing word; it may not send one: write"
                           " forward.syslog.confirm: tcp");
        } else if (n != GNUTLS_E_AGAIN && gnutls_error_is_fatal((int)n) == 0) {
            heard++; /* a warning */
        } else if (wait_tls(l, n, "waiting for the receiver to close", e) != 0) {
            return ERR_IO;
        }
    }
    return err_set(e, ERR_INVALID, "the receiver talks instead of closing: it is no syslog receiver");
}

static int deliver(struct line *l, const struct buf *body, struct err *e)
{
    int rc = l->tls != NULL ? send_tls(l, body->data, body->len, e) : send_plain(l, body->data, body->len, e);

    if (rc == 0 && l->tls != NULL)
        rc = end_tls(l, e);
    if (rc != 0)
        return rc;
    shutdown(l->fd, SHUT_WR);
    return l->tls != NULL ? hear_end_tls(l, e) : hear_end_plain(l, e);
}

/* ---- the sink ------------------------------------------------------------------------------------ */

/* RFC 5424, table 1, in the order of the setting's words. */
static const int facilities[] = { 1, 3, 16, 17, 18, 19, 20, 21, 22, 23 };

static int take(void *arg, const struct resource *who, const struct observation *o, struct err *e)
{
    struct syslog_sink *s = (struct syslog_sink *)arg;

    assert((size_t)s->config->syslog_facility < sizeof facilities / sizeof facilities[0]);
    return forward_syslog_message(who, o, facilities[s->config->syslog_facility], &s->body, e);
}

static void send_batch(struct forward_sink *sink, const struct forward_batch *b, struct forward_answer *out)
{
    struct syslog_sink *s = (struct syslog_sink *)sink;
    struct line l = { .sink = s, .fd = -1, .deadline = monotonic() + s->config->timeout_ns };
    struct err e = { 0 };
    int rc;

    buf_clear(&s->body);
    rc = forward_batch_each(b, take, s, &e);
    if (rc != 0) {
        forward_answer_set(out, rc == ERR_MEMORY ? FORWARD_LATER : FORWARD_REFUSED, "%s", e.text);
        return;
    }
    rc = open_line(&l, &e);
    if (rc == 0)
        rc = deliver(&l, &s->body, &e);
    close_line(&l);
    forward_answer_set(out, rc == 0 ? FORWARD_TAKEN : FORWARD_LATER, "%s", rc == 0 ? "" : e.text);
}

static void close_sink(struct forward_sink *sink)
{
    struct syslog_sink *s = (struct syslog_sink *)sink;

    if (s->credentials != NULL)
        gnutls_certificate_free_credentials(s->credentials);
    buf_free(&s->body);
    free(s);
}

static int load_credentials(struct syslog_sink *s, struct err *e)
{
    const struct hub_config_forward *c = s->config;
    int n = gnutls_certificate_allocate_credentials(&s->credentials);

    if (n != 0)
        return err_set(e, ERR_MEMORY, "out of memory");
    if (c->syslog_ca_file[0] != '\0')
        n = gnutls_certificate_set_x509_trust_file(s->credentials, c->syslog_ca_file, GNUTLS_X509_FMT_PEM);
    else
        n = gnutls_certificate_set_x509_system_trust(s->credentials);
    if (n <= 0)
        return err_set(e, ERR_INVALID, "forward.syslog.ca_file: no CA certificates in %s (%s)",
                       c->syslog_ca_file[0] != '\0' ? c->syslog_ca_file : "the system's store",
                       n < 0 ? gnutls_strerror(n) : "it is empty");
    if (c->syslog_cert_file[0] == '\0')
        return 0;
    n = gnutls_certificate_set_x509_key_file(s->credentials, c->syslog_cert_file, c->syslog_key_file,
                                             GNUTLS_X509_FMT_PEM);
    if (n != 0)
        return err_set(e, ERR_INVALID, "forward.syslog.cert_file: %s and its key can not be used: %s",
                       c->syslog_cert_file, gnutls_strerror(n));
    return 0;
}

static const struct forward_sink_ops ops = { .send = send_batch, .close = close_sink };

int forward_syslog_new(struct forward_sink **out, const struct hub_config_forward *config, const _Atomic bool *stopping,
                       struct err *e)
{
    struct syslog_sink *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base.ops = &ops;
    s->config = config;
    s->stopping = stopping;
    buf_init(&s->body, FORWARD_ENCODED_MAX);
    rc = listen_address_parse(config->syslog_address, &s->address, e);
    if (rc != 0)
        err_prefix(e, "forward.syslog.address");
    if (rc == 0 && config->syslog_encryption == SYSLOG_TLS)
        rc = load_credentials(s, e);
    if (rc != 0) {
        close_sink(&s->base);
        return rc;
    }
    if (s->credentials == NULL && !s->address.loopback)
        log_event(LOG_WARN, "forward.unencrypted", LOG_S("target", "syslog"), LOG_S("address", config->syslog_address));
    *out = &s->base;
    return 0;
}
