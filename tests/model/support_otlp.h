/* OTLP as others would write it, byte by byte, and what became of it. */
#ifndef TESTS_MODEL_SUPPORT_OTLP_H
#define TESTS_MODEL_SUPPORT_OTLP_H

#include "model/otlp.h"

enum { ROOMY = 16 * 1024 * 1024 };

void pb_varint(struct buf *b, uint64_t v);
void pb_field(struct buf *b, int tag, const void *bytes, size_t len);
void pb_text(struct buf *b, int tag, const char *text);
void pb_number(struct buf *b, int tag, uint64_t v);
void pb_fixed64(struct buf *b, int tag, uint64_t v);

/* Appends inner as field tag of b and empties it. */
void pb_nest(struct buf *b, int tag, struct buf *inner);

/* A KeyValue with the given AnyValue; the value first when asked. */
void pb_pair(struct buf *b, int tag, const char *key, struct buf *any, bool value_first);

/* One record's fields as a whole request. */
void pb_record(struct buf *out, struct buf *record);

/* A request, or the test fails.  Free with otlp_request_free(). */
struct otlp_request otlp_read(const struct buf *b);
struct otlp_request otlp_read_json(const char *text);

/* The one record that the request has, or the test fails. */
const struct observation *otlp_only(const struct otlp_request *r);

#endif
