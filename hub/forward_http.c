/* See forward_http.h. */
#include "hub/forward_http.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/times.h"
#include "config/hub_url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    TOKEN_MAX = 4096,
    CONNECT_MS = 10 * 1000,
    CONNECTION_LIFE_S = 3600,
    BODY_READ_MAX = 64 * 1024, /* a longer answer is taken by its status */
    PACKED_MAX = 512 * 1024 * 1024,
    GZIP_WINDOW = 15 + 16, /* zlib: the largest window, in gzip's framing */
};

struct forward_http {
    struct forward_http_options o;
    CURL *easy;
    struct curl_slist *headers;
    struct buf packed;
    char error[CURL_ERROR_SIZE];
    struct forward_http_reply *reply; /* of the POST under way */
    size_t body_read;
};

/* ---- setting up --------------------------------------------------------------------- */

/* The first line of the token file that is not empty; what could not stand in a header is refused. */
static int read_token(const struct forward_http_options *o, char text[TOKEN_MAX], char **token, struct err *e)
{
    const char *path = o->target->token_file;
    FILE *f = fopen(path, "re");
    bool failed;
    size_t len;

    if (f == NULL)
        return err_errno(e, errno, "%s.token_file: cannot read %s", o->key, path);
    len = fread(text, 1, TOKEN_MAX - 1, f);
    failed = ferror(f) != 0;
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "%s.token_file: cannot read %s", o->key, path);
    text[len] = '\0';
    *token = text + strspn(text, " \t\r\n");
    len = strcspn(*token, " \t\r\n");
    if (*token + len == text + TOKEN_MAX - 1)
        return err_set(e, ERR_TOO_BIG, "%s.token_file: %s is too large (at most %d bytes); put the token alone into it",
                       o->key, path, TOKEN_MAX - 2);
    (*token)[len] = '\0';
    if (len == 0)
        return err_set(e, ERR_INVALID, "%s.token_file: %s is empty; put the token into it", o->key, path);
    for (size_t i = 0; i < len; i++) {
        if ((*token)[i] <= ' ' || (*token)[i] >= 0x7f)
            return err_set(e, ERR_INVALID, "%s.token_file: %s holds something that is no token", o->key, path);
    }
    return 0;
}

static int add_header(struct forward_http *h, const char *line, struct err *e)
{
    struct curl_slist *more = curl_slist_append(h->headers, line);

    if (more == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    h->headers = more;
    return 0;
}

static int add_headers(struct forward_http *h, struct err *e)
{
    char text[TOKEN_MAX], line[TOKEN_MAX + 64], *token = NULL;
    int rc;

    snprintf(line, sizeof line, "Content-Type: %.64s", h->o.type);
    rc = add_header(h, line, e);
    if (rc == 0)
        rc = add_header(h, "Expect:", e);
    if (rc == 0 && h->o.gzip)
        rc = add_header(h, "Content-Encoding: gzip", e);
    if (rc != 0 || h->o.target->token_file[0] == '\0')
        return rc;
    rc = read_token(&h->o, text, &token, e);
    if (rc == 0) {
        snprintf(line, sizeof line, "Authorization: %.16s %s", h->o.scheme, token);
        rc = add_header(h, line, e);
    }
    explicit_bzero(text, sizeof text);
    explicit_bzero(line, sizeof line);
    return rc;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct forward_http *h = (struct forward_http *)arg;
    size_t len = size * count, room = sizeof h->reply->body - h->reply->body_len;

    memcpy(h->reply->body + h->reply->body_len, bytes, len < room ? len : room);
    h->reply->body_len += len < room ? len : room;
    h->body_read += len;
    return h->body_read > BODY_READ_MAX ? 0 : len;
}

static int on_progress(void *arg, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
    const struct forward_http *h = (const struct forward_http *)arg;

    (void)to_come, (void)came, (void)to_go, (void)went;
    return *h->o.stopping;
}

/* Every option must be known to the libcurl in use: one that is not would silently leave a protection off. */
#define SET(option, value)                                     \
    do {                                                       \
        if (rc == CURLE_OK)                                    \
            rc = curl_easy_setopt(h->easy, (option), (value)); \
    } while (0)

static CURLcode set_tls(struct forward_http *h)
{
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (h->o.target->ca_file[0] != '\0') {
        SET(CURLOPT_CAINFO, h->o.target->ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    return rc;
}

static CURLcode set_transfer(struct forward_http *h, const struct hub_url *url)
{
    long timeout_ms = (long)(h->o.timeout_ns / NS_PER_MS);
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_HTTPHEADER, h->headers);
    SET(CURLOPT_PROTOCOLS_STR, url->tls ? "https" : "http");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_MS ? timeout_ms : (long)CONNECT_MS);
    SET(CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_USERAGENT, "hvhub/" HVFLEET_VERSION);
    if (url->loopback)
        SET(CURLOPT_PROXY, "");
    SET(CURLOPT_ERRORBUFFER, h->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, h);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, h);
    return rc;
}

static int set_options(struct forward_http *h, struct err *e)
{
    struct hub_url url;
    char address[sizeof url.base + 128];
    CURLcode rc;
    int bad = hub_url_parse(h->o.target->url, &url, e);

    if (bad != 0) {
        err_prefix(e, "%s.url", h->o.key);
        return bad;
    }
    snprintf(address, sizeof address, "%s%.120s", url.base, h->o.path);
    rc = curl_easy_setopt(h->easy, CURLOPT_URL, address);
    if (rc == CURLE_OK)
        rc = set_transfer(h, &url);
    if (rc == CURLE_OK)
        rc = set_tls(h);
    if (rc != CURLE_OK)
        return err_set(e, ERR_UNSUPPORTED, "libcurl %s does not take an option: %s",
                       curl_version_info(CURLVERSION_NOW)->version, curl_easy_strerror(rc));
    return 0;
}

int forward_http_new(struct forward_http **out, const struct forward_http_options *o, struct err *e)
{
    struct forward_http *h = calloc(1, sizeof *h);
    int rc;

    if (h == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    h->o = *o;
    buf_init(&h->packed, PACKED_MAX);
    h->easy = curl_easy_init();
    rc = h->easy != NULL ? add_headers(h, e) : err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = set_options(h, e);
    if (rc != 0) {
        forward_http_free(h);
        return rc;
    }
    *out = h;
    return 0;
}

void forward_http_free(struct forward_http *h)
{
    if (h == NULL)
        return;
    curl_easy_cleanup(h->easy);
    curl_slist_free_all(h->headers);
    buf_free(&h->packed);
    free(h);
}

/* ---- a POST --------------------------------------------------------------------------- */

static int pack(struct forward_http *h, const void *bytes, size_t len)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)len };
    char *room;
    int rc;

    buf_clear(&h->packed);
    if (len > UINT32_MAX || deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_MEMORY;
    room = buf_room(&h->packed, deflateBound(&z, (uLong)len));
    if (room != NULL) {
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)deflateBound(&z, (uLong)len);
        rc = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : ERR_TOO_BIG;
        buf_used(&h->packed, z.total_out);
    } else {
        rc = buf_error(&h->packed);
    }
    deflateEnd(&z);
    return rc;
}

static void take_reply(struct forward_http *h, CURLcode rc, struct forward_http_reply *out)
{
    curl_off_t retry_after = 0;
    long status = 0;
    const char *why = h->error[0] != '\0' ? h->error : curl_easy_strerror(rc);

    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    if (rc == CURLE_WRITE_ERROR && h->body_read > BODY_READ_MAX)
        rc = CURLE_OK; /* we broke it off: the status is whole */
    if (rc != CURLE_OK) {
        text_clean(out->error, sizeof out->error, why, strlen(why), NULL);
        return;
    }
    out->status = (int)status;
    if (curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK && retry_after > 0)
        out->retry_after_ns = retry_after > 86400 ? 86400 * NS_PER_S : (int64_t)retry_after * NS_PER_S;
}

void forward_http_post(struct forward_http *h, const void *body, size_t len, struct forward_http_reply *out)
{
    CURLcode rc;

    *out = (struct forward_http_reply){ .retry_after_ns = -1 };
    h->reply = out;
    h->body_read = 0;
    h->error[0] = '\0';
    if (h->o.gzip) {
        if (pack(h, body, len) != 0) {
            text_copy(out->error, sizeof out->error, "no memory to pack the request");
            return;
        }
        body = h->packed.data;
        len = h->packed.len;
    }
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, body);
    rc = curl_easy_perform(h->easy);
    take_reply(h, rc, out);
    h->reply = NULL;
}

enum forward_verdict forward_http_verdict(int status)
{
    if (status == 0 || status == 408 || status == 429 || status >= 500)
        return FORWARD_LATER;
    if (status >= 200 && status < 300)
        return FORWARD_TAKEN;
    if (status == 413)
        return FORWARD_TOO_BIG;
    return status == 400 || status == 422 ? FORWARD_REFUSED : FORWARD_DENIED;
}
