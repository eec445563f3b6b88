/* See deliver_send.h: what the targets share. */
#include "hub/deliver_send.h"

#include "base/text.h"
#include "base/times.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 20 * 1000, ANSWER_READ_MAX = 64 * 1024, RETRY_AFTER_MAX_S = 24 * 3600, HEADER_MAX = 4096 };

void deliver_send(const struct content *c, const struct deliver_options *o, struct deliver_result *out)
{
    switch (hub_delivery_target(c->delivery)) {
    case DELIVER_SMTP:
        deliver_smtp(c, o, out);
        break;
    case DELIVER_WEBHOOK:
        deliver_webhook(c, o, out);
        break;
    case DELIVER_FOLDER:
        deliver_folder(c, out);
        break;
    case DELIVER_NOWHERE:
        deliver_failed(out, DELIVER_REFUSED, "it has no target");
        break;
    }
}

void deliver_failed(struct deliver_result *out, enum deliver_outcome outcome, const char *fmt, ...)
{
    char text[2 * DELIVERY_ERROR_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *out = (struct deliver_result){ .outcome = outcome };
    text_clean(out->text, sizeof out->text, text, strlen(text), NULL);
}

int deliver_secret(const char *key, const char *path, char out[DELIVER_SECRET_MAX], struct err *e)
{
    char text[DELIVER_SECRET_MAX];
    FILE *f = fopen(path, "rb");
    size_t from, len;
    bool failed, cut;

    if (f == NULL)
        return err_errno(e, errno, "cannot read %s %s", key, path);
    len = fread(text, 1, sizeof text - 1, f);
    failed = ferror(f) != 0;
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "cannot read %s %s", key, path);
    text[len] = '\0';
    from = strspn(text, " \t\r\n");
    len = strcspn(text + from, "\r\n");
    cut = from + len == sizeof text - 1;
    while (len > 0 && (text[from + len - 1] == ' ' || text[from + len - 1] == '\t'))
        len--;
    memcpy(out, text + from, len);
    out[len] = '\0';
    explicit_bzero(text, sizeof text);
    if (cut) {
        explicit_bzero(out, DELIVER_SECRET_MAX);
        return err_set(e, ERR_TOO_BIG, "%s %s is too large (at most %d bytes); put one line into it", key, path,
                       DELIVER_SECRET_MAX - 2);
    }
    return len > 0 ? 0 : err_set(e, ERR_INVALID, "%s %s is empty", key, path);
}

/* ---- libcurl ------------------------------------------------------------------------ */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state;

static void init_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Keeps the beginning of the answer's body, and ends a transfer whose body does not end. */
static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct deliver_curl *t = arg;
    size_t len = size * count, room = sizeof t->reply - 1 - t->reply_len;
    size_t taken = len < room ? len : room;

    memcpy(t->reply + t->reply_len, bytes, taken);
    t->reply_len += taken;
    t->body_read += len;
    return t->body_read > ANSWER_READ_MAX ? 0 : len;
}

/* HTTP's header lines, or the server's lines of SMTP's dialogue, of which the newest that says no is kept. */
static size_t on_line(char *bytes, size_t size, size_t count, void *arg)
{
    static const char after[] = "Retry-After:";
    struct deliver_curl *t = arg;
    size_t len = size * count;
    char line[256];
    uint64_t seconds;

    text_clean(line, sizeof line, bytes, len < sizeof line ? len : sizeof line - 1, NULL);
    for (size_t n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
        line[n - 1] = '\0';
    if (text_ncasecmp(line, after, sizeof after - 1) == 0) {
        const char *value = line + sizeof after - 1;

        if (text_u64(value + strspn(value, " "), &seconds))
            t->retry_after_s = seconds < RETRY_AFTER_MAX_S ? (int64_t)seconds : RETRY_AFTER_MAX_S;
    } else if (line[0] == '4' || line[0] == '5') {
        text_copy(t->reply, sizeof t->reply, line);
        t->reply_len = strlen(t->reply);
    }
    return len;
}

static int on_progress(void *arg, curl_off_t down, curl_off_t down_now, curl_off_t up, curl_off_t up_now)
{
    const struct deliver_options *o = ((struct deliver_curl *)arg)->options;

    (void)down;
    (void)down_now;
    (void)up;
    (void)up_now;
    if (o->alive != NULL)
        o->alive(o->arg);
    return o->stop != NULL && atomic_load(o->stop);
}

#define SET(option, value)                                     \
    do {                                                       \
        if (rc == CURLE_OK)                                    \
            rc = curl_easy_setopt(t->easy, (option), (value)); \
    } while (0)

static CURLcode set_options(struct deliver_curl *t, const char *url, const char *ca_file,
                            const struct deliver_options *o)
{
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file[0] != '\0') {
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name that is still being looked up holds up nobody */
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    SET(CURLOPT_TIMEOUT_MS, (long)(o->timeout_ns / NS_PER_MS));
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_HEADERFUNCTION, on_line);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    return rc;
}

int deliver_curl_open(struct deliver_curl *t, const char *url, const char *ca_file, const struct deliver_options *o,
                      struct err *e)
{
    CURLcode rc;

    *t = (struct deliver_curl){ .options = o };
    pthread_once(&curl_once, init_curl);
    if (curl_state != CURLE_OK)
        return err_set(e, ERR_UNSUPPORTED, "libcurl cannot be used: %s", curl_easy_strerror(curl_state));
    t->easy = curl_easy_init();
    if (t->easy == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = set_options(t, url, ca_file, o);
    return rc == CURLE_OK ? 0 : err_set(e, ERR_UNSUPPORTED, "libcurl: %s", curl_easy_strerror(rc));
}

int deliver_curl_header(struct deliver_curl *t, struct err *e, const char *fmt, ...)
{
    char line[HEADER_MAX];
    struct curl_slist *more;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    more = curl_slist_append(t->headers, line);
    if (more == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    t->headers = more;
    return 0;
}

long deliver_curl_run(struct deliver_curl *t, bool *done)
{
    long status = 0;
    CURLcode rc;

    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    rc = curl_easy_perform(t->easy);
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (rc == CURLE_WRITE_ERROR && t->body_read > ANSWER_READ_MAX)
        rc = CURLE_OK; /* we broke it off: the status is whole */
    if (rc != CURLE_OK && t->error[0] == '\0')
        text_copy(t->error, sizeof t->error, curl_easy_strerror(rc));
    *done = rc == CURLE_OK;
    return status;
}

void deliver_curl_close(struct deliver_curl *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    *t = (struct deliver_curl){ .easy = NULL };
}
