/* What the two OTLP decoders (protobuf and JSON) share: growing an otlp_request
 * under its limits, and giving every kind of attribute value its meaning.
 * Private to model/.
 */
#ifndef MODEL_OTLP_BUILD_H
#define MODEL_OTLP_BUILD_H

#include "model/otlp.h"

/* One attribute value as decoded; text points into the input or into a buffer
 * of the decoder, and need be neither clean nor NUL-ended. */
struct otlp_value {
    enum { OTLP_NONE, OTLP_TEXT, OTLP_INT, OTLP_DOUBLE, OTLP_BOOL } type;
    const char *text;
    size_t len;
    int64_t num; /* 0 or 1 for a bool */
    double real;
    bool cut; /* the text is not all there was */
};

struct otlp_builder {
    struct otlp_limits limits;
    struct otlp_request *out;
    struct otlp_group *last;
    size_t used;    /* bytes of the groups before the last one */
    bool no_memory; /* for the text of a nested value */
};

void otlp_build_start(struct otlp_builder *b, const struct otlp_limits *limits, struct otlp_request *out);

/* The next group (ResourceLogs); b->last is then that group. */
MUST_USE int otlp_build_group(struct otlp_builder *b, struct err *e);

/* The next record of the last group.  Whether what is put into it fits is
 * checked by the next record and by otlp_build_end(). */
MUST_USE int otlp_build_record(struct otlp_builder *b, struct observation **out, struct err *e);
MUST_USE int otlp_build_end(struct otlp_builder *b, struct err *e);

/* An attribute of a record; hvfleet.seq and hvfleet.cut go to their fields. */
void otlp_build_attr(struct observation *o, const char *key, size_t key_len, const struct otlp_value *v);
/* The event name: a kind, or OBS_OTHER with that name. */
void otlp_build_kind(struct observation *o, const char *name, size_t len);
void otlp_build_body(struct observation *o, const struct otlp_value *v);
/* An OTLP time (unsigned); what our signed time cannot hold is not known. */
int64_t otlp_build_time(uint64_t ns);
enum obs_severity otlp_build_severity(uint64_t number);

/* An attribute of the resource; keys without a place in struct resource are left. */
void otlp_build_resource(struct resource *r, const char *key, size_t key_len, const struct otlp_value *v);

/* The nested value that was written to text, which stays the caller's. */
struct otlp_value otlp_build_nested(struct otlp_builder *b, const struct buf *text);

/* Arrays and maps become text that looks like JSON: ["a",1], {"k":true}. */
void otlp_text_value(struct buf *out, const struct otlp_value *v);
void otlp_text_string(struct buf *out, const char *text, size_t len);
/* Bytes become base64, as they are in the JSON encoding. */
void otlp_text_base64(struct buf *out, const unsigned char *bytes, size_t len);

#endif
