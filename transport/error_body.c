/* See error_body.h.
 *
 * Protobuf here is: a tag, which is the field's number shifted left by three and
 * the kind of what follows (a varint, 4 or 8 bytes, or a length and as many
 * bytes), again and again ("Encoding", protobuf.dev).  Of a message that was cut
 * the part that is there is taken.
 */
#include "transport/error_body.h"

#include "base/text.h"

#include <assert.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { MESSAGE_FIELD = 2, VARINT_BITS = 64 };

struct reader {
    const unsigned char *at;
    size_t left;
};

static bool read_varint(struct reader *r, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < VARINT_BITS && r->left > 0; shift += 7) {
        unsigned char byte = *r->at++;

        r->left--;
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool skip(struct reader *r, uint64_t n)
{
    if (n > r->left)
        return false;
    r->at += n;
    r->left -= n;
    return true;
}

/* Past the value of a field that is not wanted. */
static bool skip_value(struct reader *r, unsigned wire)
{
    uint64_t n;

    switch (wire) {
    case WIRE_VARINT:
        return read_varint(r, &n);
    case WIRE_FIXED64:
        return skip(r, 8);
    case WIRE_FIXED32:
        return skip(r, 4);
    case WIRE_BYTES:
        return read_varint(r, &n) && skip(r, n);
    default:
        return false;
    }
}

static void from_protobuf(const void *body, size_t len, char *out, size_t size)
{
    struct reader r = { body, len };
    uint64_t tag, n;

    while (r.left > 0 && read_varint(&r, &tag)) {
        if (tag == (MESSAGE_FIELD << 3 | WIRE_BYTES)) {
            if (read_varint(&r, &n))
                text_clean(out, size, (const char *)r.at, n < r.left ? (size_t)n : r.left, NULL);
            return;
        }
        if (!skip_value(&r, tag & 7))
            return;
    }
}

/* False: it is not what the type says, so its text is all there is. */
static bool from_json(const void *body, size_t len, char *out, size_t size)
{
    json_t *status = json_loadb(body, len, 0, NULL);
    json_t *message = json_object_get(status, "message");
    bool found = json_is_string(message);

    if (found)
        text_clean(out, size, json_string_value(message), json_string_length(message), NULL);
    json_decref(status);
    return found;
}

static bool is_type(const char *content_type, const char *type)
{
    size_t n = strlen(type);

    return content_type != NULL && text_ncasecmp(content_type, type, n) == 0 &&
           (content_type[n] == '\0' || strchr("; \t", content_type[n]) != NULL);
}

void error_body_text(const char *content_type, const void *body, size_t len, char *out, size_t size)
{
    assert(size > 0);
    out[0] = '\0';
    if (is_type(content_type, "application/x-protobuf"))
        from_protobuf(body, len, out, size);
    else if (!is_type(content_type, "application/json") || !from_json(body, len, out, size))
        text_clean(out, size, body, len, NULL);
}
