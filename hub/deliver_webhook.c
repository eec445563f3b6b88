/* A webhook: one HTTPS POST.  The shapes are in deliver_shapes.c.
 *
 * The receiver of the generic shape can tell that we sent it, and when, and
 * that it has it already (docs/delivery.md has the recipe):
 *
 *   Idempotency-Key         the job's id, the same with every try
 *   X-Hvfleet-Delivery      the delivery's name
 *   X-Hvfleet-Timestamp     seconds since 1970, of this try
 *   X-Hvfleet-Signature     v1=HMAC-SHA256(secret, timestamp "." body) */
#include "base/times.h"
#include "hub/deliver_send.h"
#include "plat/clock.h"

#include <curl/curl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGEST = 32 };

int webhook_signature(const char *secret, int64_t timestamp_s, const void *body, size_t len, char out[SIGNATURE_MAX],
                      struct err *e)
{
    unsigned char digest[DIGEST];
    gnutls_hmac_hd_t h;
    char front[32];
    int n = snprintf(front, sizeof front, "%" PRId64 ".", timestamp_s);
    int rc;

    if (gnutls_hmac_init(&h, GNUTLS_MAC_SHA256, secret, strlen(secret)) != 0)
        return err_set(e, ERR_UNSUPPORTED, "GnuTLS has no HMAC-SHA256");
    rc = gnutls_hmac(h, front, (size_t)n);
    if (rc == 0)
        rc = gnutls_hmac(h, body, len);
    gnutls_hmac_deinit(h, digest);
    if (rc != 0)
        return err_set(e, ERR_UNSUPPORTED, "GnuTLS: %s", gnutls_strerror(rc));
    memcpy(out, "v1=", 4);
    for (int i = 0; i < DIGEST; i++)
        snprintf(out + 3 + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

static int make_body(const struct content *c, struct buf *out, struct err *e)
{
    switch (c->delivery->shape) {
    case WEBHOOK_TEAMS:
        return shape_teams(c, out, e);
    case WEBHOOK_SLACK:
        return shape_slack(c, out, e);
    case WEBHOOK_JSON:
        break;
    }
    return shape_json(c, out, e);
}

/* From the config, or from its file; the file is read with every try, so that a new URL is in force at once. */
static int find_url(const struct hub_delivery *d, char url[DELIVER_SECRET_MAX], struct err *e)
{
    int rc;

    if (d->url_file[0] == '\0') {
        snprintf(url, DELIVER_SECRET_MAX, "%s", d->webhook_url);
        return 0;
    }
    rc = deliver_secret("webhook.url_file", d->url_file, url, e);
    if (rc == 0)
        rc = hub_delivery_url_check(url, e);
    if (rc == ERR_INVALID)
        err_prefix(e, "the URL in %s", d->url_file);
    return rc;
}

static int sign(struct deliver_curl *t, const struct content *c, const struct buf *body, struct err *e)
{
    const struct clock *clock = plat_clock();
    int64_t now_s = clock->wall_ns(clock) / NS_PER_S;
    char secret[DELIVER_SECRET_MAX], signature[SIGNATURE_MAX];
    int rc = deliver_secret("webhook.secret_file", c->delivery->secret_file, secret, e);

    if (rc == 0)
        rc = webhook_signature(secret, now_s, body->data, body->len, signature, e);
    explicit_bzero(secret, sizeof secret);
    if (rc == 0)
        rc = deliver_curl_header(t, e, "X-Hvfleet-Timestamp: %" PRId64, now_s);
    return rc != 0 ? rc : deliver_curl_header(t, e, "X-Hvfleet-Signature: %s", signature);
}

static int prepare(struct deliver_curl *t, const struct content *c, const char *url, const struct buf *body,
                   const struct deliver_options *o, struct err *e)
{
    int rc = deliver_curl_open(t, url, c->delivery->webhook_ca_file, o, e);

    if (rc == 0)
        rc = deliver_curl_header(t, e, "Content-Type: application/json");
    if (rc == 0)
        rc = deliver_curl_header(t, e, "User-Agent: hvhub/" HVFLEET_VERSION);
    if (rc == 0)
        rc = deliver_curl_header(t, e, "Expect:");
    if (rc == 0)
        rc = deliver_curl_header(t, e, "Idempotency-Key: %s", c->id);
    if (rc == 0)
        rc = deliver_curl_header(t, e, "X-Hvfleet-Delivery: %s", c->delivery->name);
    if (rc == 0 && c->delivery->secret_file[0] != '\0')
        rc = sign(t, c, body, e);
    if (rc != 0)
        return rc;
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, buf_text(body));
    return 0;
}

static bool worth_a_retry(long status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

static void judge(const struct deliver_curl *t, long status, bool done, struct deliver_result *out)
{
    if (done && status >= 200 && status < 300)
        *out = (struct deliver_result){ .outcome = DELIVER_SENT };
    else if (!done || status == 0)
        deliver_failed(out, DELIVER_RETRY, "%s", t->error);
    else
        deliver_failed(out, worth_a_retry(status) ? DELIVER_RETRY : DELIVER_REFUSED, "the receiver answered %ld%s%.*s",
                       status, t->reply_len > 0 ? ": " : "", (int)t->reply_len, t->reply);
    out->retry_after_ns = t->retry_after_s * NS_PER_S;
}

void deliver_webhook(const struct content *c, const struct deliver_options *o, struct deliver_result *out)
{
    struct deliver_curl t = { .easy = NULL };
    char url[DELIVER_SECRET_MAX];
    struct buf body;
    struct err e = { 0 };
    bool done = false;
    int rc;

    buf_init(&body, 2 * CONTENT_JSON_BYTES);
    rc = make_body(c, &body, &e);
    if (rc == 0)
        rc = find_url(c->delivery, url, &e);
    if (rc == 0)
        rc = prepare(&t, c, url, &body, o, &e);
    if (rc != 0) {
        deliver_failed(out, DELIVER_RETRY, "%s", e.text);
    } else {
        long status = deliver_curl_run(&t, &done);

        judge(&t, status, done, out);
    }
    deliver_curl_close(&t);
    buf_free(&body);
}
