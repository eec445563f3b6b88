/* The seam for the network: one POST at a time, answered by a callback.
 *
 * The real one is libcurl's multi interface on the loop (http_curl.h); tests
 * and simulations bring their own.
 */
#ifndef TRANSPORT_HTTP_H
#define TRANSPORT_HTTP_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_reply {
    int status;               /* HTTP status; 0: no answer, see error */
    char error[256];          /* why there was no answer, in words */
    bool certificate_problem; /* the peer's certificate was refused: not a thing that retrying mends soon */
    int64_t retry_after_ns;   /* from Retry-After (seconds or a date); -1 absent */
    bool has_acked_through;   /* Hvfleet-Acked-Through */
    uint64_t acked_through;
    bool has_send_budget; /* Hvfleet-Send-Budget, once and in its bounds */
    uint64_t send_budget; /* bytes of bodies before compression that the hub has room for now */
    int send_budgets;     /* how often the header was there */
    bool takes_state;     /* Hvfleet-Takes-State: 1: HTTP_STATE requests are understood there */
    char body[1024];      /* what the answer's body says (error_body.h): one printable line, for messages */
};

struct http_client;

/* What a request is: records to keep, or (as HTTP_STATE_TYPE) a word ahead of its turn on how things are, whose records
 * come again among those to keep.  A type of its own, so that whoever does not understand it refuses it (415). */
enum http_what { HTTP_RECORDS, HTTP_STATE };
#define HTTP_STATE_TYPE "application/vnd.hvfleet.state+protobuf"

struct http_client_ops {
    /* Starts a POST of an OTLP request.  body stays the caller's and must live
     * until done is called, which happens once and never from within post(), or
     * until cancel() or close().  done may start the next POST or close the client.
     * encoding is "zstd", "gzip" or NULL.  On error nothing has started. */
    int (*post)(struct http_client *c, enum http_what what, const void *body, size_t len, const char *encoding,
                void (*done)(void *arg, const struct http_reply *reply), void *arg, struct err *e);
    /* Ends a POST that is under way; its done is not called any more.  Does
     * nothing when none is. */
    void (*cancel)(struct http_client *c);
    /* Gives everything back, cancelling what is under way; the client is gone
     * when closed (never NULL) is called, which is later. */
    void (*close)(struct http_client *c, void (*closed)(void *arg), void *arg);
};

struct http_client {
    const struct http_client_ops *ops;
};

#endif
