/* Observations as OTLP/HTTP logs (opentelemetry-proto, ExportLogsServiceRequest)
 * and back.  The subset of the message definitions in use is model/otlp.proto,
 * written for this project from the public field numbers; nanopb encodes and
 * decodes with fixed memory.
 *
 * An observation is encoded once, when it enters the store; a request is the
 * resource and those bytes framed, so shipping costs no second encoding.
 */
#ifndef MODEL_OTLP_H
#define MODEL_OTLP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/host.h"
#include "model/observation.h"

/* One LogRecord message, appended to out.  o->seq becomes hvfleet.seq. */
MUST_USE int otlp_encode_record(const struct observation *o, struct buf *out, struct err *e);

struct otlp_payload {
    const void *bytes; /* one encoded LogRecord */
    size_t len;
};

/* A whole ExportLogsServiceRequest: one resource, one scope, the payloads in
 * order; appended to out. */
MUST_USE int otlp_encode_request(const struct resource *r, const struct otlp_payload *payloads, size_t count,
                                 struct buf *out, struct err *e);

/* How many bytes a payload of len bytes adds to a request. */
size_t otlp_framed_size(size_t len);

/* How many bytes of a request by this speaker are not its framed payloads, at most. */
size_t otlp_envelope_max(const struct resource *r);

struct otlp_limits {
    size_t records_max;
    size_t arena_max; /* bytes for everything decoded */
    int depth_max;    /* nesting of attribute values; deeper ones become "..." */
};
struct otlp_limits otlp_limits_default(void);

/* A decoded request: groups of records under one resource, in order. */
struct otlp_group {
    struct resource resource;
    struct obs_batch batch; /* the observations; .seq is hvfleet.seq or 0 */
    struct otlp_group *next;
};
struct otlp_request {
    struct otlp_group *groups;
    size_t records;
};

/* Decodes protobuf.  Unknown fields are skipped, as protobuf asks; arrays and
 * maps in attributes become text.  On error out is empty and e names the byte
 * offset.  Free with otlp_request_free() either way. */
MUST_USE int otlp_decode(const void *bytes, size_t len, const struct otlp_limits *limits, struct otlp_request *out,
                         struct err *e);

/* The same from the JSON encoding (opentelemetry-proto: lowerCamelCase names,
 * 64-bit integers as strings or numbers, both accepted). */
MUST_USE int otlp_decode_json(const char *text, size_t len, const struct otlp_limits *limits, struct otlp_request *out,
                              struct err *e);

void otlp_request_free(struct otlp_request *r);

/* Payload for the reply: ExportLogsServiceResponse, empty when rejected is 0. */
MUST_USE int otlp_encode_response(int64_t rejected, const char *message, struct buf *out, struct err *e);

#endif
