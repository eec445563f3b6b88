/* One POST after the other to a target, for the thread that forwards to it: libcurl's
 * easy interface, blocking, one connection that is kept. */
#ifndef HUB_FORWARD_HTTP_H
#define HUB_FORWARD_HTTP_H

#include "config/hub_config.h"
#include "hub/counters.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { FORWARD_BODY_MAX = 4096 };

struct forward_http_options {
    const char *key; /* "forward.otlp", for messages */
    const struct hub_config_target *target;
    const char *path;   /* appended to the URL */
    const char *type;   /* Content-Type */
    const char *scheme; /* of Authorization: "Bearer", "Splunk" */
    bool gzip;
    int64_t timeout_ns;
    const _Atomic bool *stopping; /* breaks a POST off when it turns true */
};

struct forward_http_reply {
    int status;             /* 0: no answer, see error */
    int64_t retry_after_ns; /* -1 not said */
    char error[256];
    char body[FORWARD_BODY_MAX]; /* its start, any bytes */
    size_t body_len;
};

struct forward_http;

/* Reads the token.  The certificate files are read anew for each connection. */
MUST_USE int forward_http_new(struct forward_http **out, const struct forward_http_options *o, struct err *e);
void forward_http_free(struct forward_http *h);

/* What a status means, 0 for no answer; what is said of the content of a refusal is the target's own. */
enum forward_verdict forward_http_verdict(int status);

void forward_http_post(struct forward_http *h, const void *body, size_t len, struct forward_http_reply *out);

#endif
