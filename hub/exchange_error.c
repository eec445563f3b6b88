/* Answers that are a sentence: refusals in the dialect of who asked (exchange.h), and plain text. */
#include "base/text.h"
#include "hub/exchange.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* google.rpc.Code, as OTLP's errors name it. */
static int rpc_code(int status)
{
    static const struct {
        int status, code;
    } codes[] = { { 400, 3 }, { 401, 16 }, { 403, 7 }, { 404, 5 }, { 405, 12 },
                  { 413, 8 }, { 415, 3 },  { 421, 3 }, { 429, 8 }, { 503, 14 } };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return 13; /* INTERNAL */
}

/* google.rpc.Status: code = 1 (varint), message = 2 (string, shorter than 2^14). */
static void put_status_protobuf(struct buf *out, int code, const char *message)
{
    size_t len = strlen(message);

    assert(code < 128 && len < 1 << 14);
    buf_char(out, 0x08);
    buf_char(out, (char)code);
    buf_char(out, 0x12);
    buf_char(out, (char)((len & 0x7f) | 0x80));
    buf_char(out, (char)(len >> 7));
    buf_add(out, message, len);
}

static void put_status_json(struct buf *out, int code, const char *message)
{
    json_t *status = json_pack("{s:i, s:s}", "code", code, "message", message);
    char *text = status != NULL ? json_dumps(status, JSON_COMPACT) : NULL;

    buf_str(out, text != NULL ? text : "{}");
    free(text);
    json_decref(status);
}

static void put_error(struct exchange *x, int status, const char *message)
{
    struct reply *r = &x->reply;

    buf_clear(&r->body);
    r->status = status;
    switch (x->dialect) {
    case DIALECT_PROTOBUF:
        r->type = "application/x-protobuf";
        put_status_protobuf(&r->body, rpc_code(status), message);
        break;
    case DIALECT_JSON:
        r->type = "application/json";
        put_status_json(&r->body, rpc_code(status), message);
        break;
    case DIALECT_TEXT:
        r->type = "text/plain; charset=utf-8";
        buf_printf(&r->body, "%s\n", message);
        break;
    }
}

void exchange_refuse(struct exchange *x, int status, const char *fmt, ...)
{
    char raw[ERR_TEXT_MAX * 2], message[ERR_TEXT_MAX * 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    text_clean(message, sizeof message, raw, strlen(raw), NULL);
    put_error(x, status, message);
    if (x->phase == PHASE_READING)
        x->phase = PHASE_DISCARDING;
}

void exchange_text(struct exchange *x, int status, const char *text)
{
    x->reply.status = status;
    x->reply.type = "text/plain; charset=utf-8";
    buf_clear(&x->reply.body);
    buf_str(&x->reply.body, text);
}
