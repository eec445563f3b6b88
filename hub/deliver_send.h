/* Handing one delivery to its target.  libcurl does what is network; a folder is
 * written to directly.  The delivery thread alone calls these, and they block: for
 * options.timeout_ns at most.
 */
#ifndef HUB_DELIVER_SEND_H
#define HUB_DELIVER_SEND_H

#include "hub/deliver_content.h"

#include <stdatomic.h>

/* A service's answer, or why there is none. */
enum deliver_outcome {
    DELIVER_SENT,
    DELIVER_RETRY,   /* not now: no connection, SMTP 4xx, HTTP 408, 425, 429, 5xx, a full disk */
    DELIVER_REFUSED, /* never: SMTP 5xx, any other HTTP answer */
};

struct deliver_result {
    enum deliver_outcome outcome;
    int64_t retry_after_ns;        /* what the service asked for; 0 nothing */
    char text[DELIVERY_ERROR_MAX]; /* what happened; "" when sent */
};

struct deliver_options {
    int64_t timeout_ns;
    const atomic_bool *stop;  /* may be NULL: set, it ends a transfer that is under way within a second */
    void (*alive)(void *arg); /* may be NULL: called about once a second while a transfer is under way */
    void *arg;
};

/* Sends it to its target, whichever that is. */
void deliver_send(const struct content *c, const struct deliver_options *o, struct deliver_result *out);

void deliver_smtp(const struct content *c, const struct deliver_options *o, struct deliver_result *out);
void deliver_webhook(const struct content *c, const struct deliver_options *o, struct deliver_result *out);
void deliver_folder(const struct content *c, struct deliver_result *out);

/* ---- shared by the targets (deliver_send.c) ------------------------------------------- */

/* A result of printf's making; the text is made clean. */
void deliver_failed(struct deliver_result *out, enum deliver_outcome outcome, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The first line of a file with a secret, without the blanks around it.  key names the setting in e. */
enum { DELIVER_SECRET_MAX = 4096 };
MUST_USE int deliver_secret(const char *key, const char *path, char out[DELIVER_SECRET_MAX], struct err *e);

/* One transfer of libcurl's. */
struct deliver_curl {
    void *easy;    /* CURL * */
    void *headers; /* struct curl_slist * */
    const struct deliver_options *options;
    char error[256];
    char reply[256]; /* SMTP: the server's newest line that says no.  HTTP: the beginning of the body */
    size_t reply_len;
    int64_t retry_after_s;
    size_t body_read;
};
/* The options that every transfer has: TLS 1.2, this CA, deadlines, no redirects.  ERR_MEMORY, ERR_UNSUPPORTED. */
MUST_USE int deliver_curl_open(struct deliver_curl *t, const char *url, const char *ca_file,
                               const struct deliver_options *o, struct err *e);
MUST_USE int deliver_curl_header(struct deliver_curl *t, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Performs it.  Returns the answer's status, 0 when there is none; *done is whether the transfer went to its end. */
long deliver_curl_run(struct deliver_curl *t, bool *done);
void deliver_curl_close(struct deliver_curl *t);

/* ---- the parts that have tests of their own ---------------------------------------------- */

/* deliver_mime.c.  A header line's value for a text: as it is when it is plain, else in encoded words (RFC 2047) of at
 * most 75 characters, folded.  What is no printable character can not get into it. */
void mime_header(struct buf *out, const char *name, const char *text);
/* RFC 5322: "Sat, 31 Jan 2026 08:00:00 +0000" (out has 40 bytes). */
char *mime_date(int64_t ns, char out[40]);

/* deliver_shapes.c: the body of a webhook's POST. */
MUST_USE int shape_json(const struct content *c, struct buf *out, struct err *e);
MUST_USE int shape_teams(const struct content *c, struct buf *out, struct err *e);
MUST_USE int shape_slack(const struct content *c, struct buf *out, struct err *e);

/* "v1=" and HMAC-SHA256 of "<timestamp>.<body>" in hexadecimal. */
enum { SIGNATURE_MAX = 3 + 64 + 1 };
MUST_USE int webhook_signature(const char *secret, int64_t timestamp_s, const void *body, size_t len,
                               char out[SIGNATURE_MAX], struct err *e);

#endif
