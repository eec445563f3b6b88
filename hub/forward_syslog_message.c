/* An observation as a syslog message: RFC 5424, in the framing of RFC 5425, section 4.3.
 *
 *   LENGTH SP <PRI>1 TIME HOST hvfleet AGENT-ID KIND [hvfleet@32473 id="..." name="value" ...] BOM SENTENCE
 *
 * 32473 is the number that RFC 5612 keeps for examples: the project has none of its own.  A message is kept
 * within MESSAGE_MAX (RFC 5425: receivers should take 8192 bytes): attributes that do not fit are left out and
 * cut="true" says so. */
#include "base/text.h"
#include "base/times.h"
#include "hub/forward_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MESSAGE_MAX = 8192,
    SENTENCE_MAX = 1024,
    VALUE_MAX = 1024,
    /* RFC 5424, section 6 */
    HOSTNAME_MAX = 255,
    MSGID_MAX = 32,
    NAME_MAX_SD = 32,
};

/* RFC 5424, table 2. */
static int severity(enum obs_severity s)
{
    if (s >= SEVERITY_FATAL)
        return 2;
    if (s >= SEVERITY_ERROR)
        return 3;
    if (s >= SEVERITY_WARN)
        return 4;
    return s >= SEVERITY_INFO ? 6 : 7;
}

/* Visible ASCII alone, at most max bytes; "-" (nil) for nothing. */
static void put_word(struct buf *out, const char *text, size_t max, const char *forbidden)
{
    size_t n = 0;

    for (; text[n] != '\0' && n < max; n++) {
        bool good = text[n] > ' ' && text[n] < 0x7f && strchr(forbidden, text[n]) == NULL;

        buf_char(out, good ? text[n] : '_');
    }
    if (n == 0)
        buf_char(out, '-');
}

/* RFC 5424 has at most six digits of a second. */
static void put_time(struct buf *out, int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    buf_str(out, ns > 0 ? times_format(ns - ns % 1000, text) : "-");
}

/* One byte or one character of UTF-8: where a text may be cut. */
static size_t cut_at(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

static void put_param(struct buf *out, const char *name, const char *value, size_t len)
{
    len = cut_at(value, len, VALUE_MAX);
    buf_char(out, ' ');
    put_word(out, name, NAME_MAX_SD, "=]\"");
    buf_str(out, "=\"");
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '"' || value[i] == '\\' || value[i] == ']')
            buf_char(out, '\\');
        buf_char(out, value[i]);
    }
    buf_char(out, '"');
}

static void put_attr(struct buf *out, const struct attr *a)
{
    const char *name = strncmp(a->key, "hyperv.", 7) == 0 ? a->key + 7 : a->key;
    char number[32];

    switch (a->type) {
    case ATTR_STRING:
        put_param(out, name, a->str, a->len);
        return;
    case ATTR_INT:
        snprintf(number, sizeof number, "%" PRId64, a->num);
        break;
    case ATTR_DOUBLE:
        snprintf(number, sizeof number, "%.15g", a->real);
        break;
    case ATTR_BOOL:
        snprintf(number, sizeof number, "%s", a->num != 0 ? "true" : "false");
        break;
    }
    put_param(out, name, number, strlen(number));
}

/* Every attribute that leaves room for the sentence. */
static void put_data(struct buf *out, const struct resource *who, const struct observation *o)
{
    enum { ROOM = MESSAGE_MAX - SENTENCE_MAX - 64 };
    char id[FORWARD_ID_MAX];
    bool cut = false;

    forward_id(who, o, id);
    buf_str(out, "[hvfleet@32473");
    put_param(out, "id", id, strlen(id));
    if (who->cluster[0] != '\0')
        put_param(out, "cluster", who->cluster, strlen(who->cluster));
    for (int i = 0; i < o->attr_count; i++) {
        size_t before = out->len;

        put_attr(out, &o->attrs[i]);
        if (out->len > ROOM) {
            out->len = before;
            cut = true;
        }
    }
    if (cut)
        buf_str(out, " cut=\"true\"");
    buf_char(out, ']');
}

static void put_message(struct buf *out, const struct resource *who, const struct observation *o, int facility)
{
    buf_printf(out, "<%d>1 ", facility * 8 + severity(o->severity));
    put_time(out, o->time_ns != 0 ? o->time_ns : o->observed_ns);
    buf_char(out, ' ');
    put_word(out, who->host_name[0] != '\0' ? who->host_name : who->host_id, HOSTNAME_MAX, "");
    buf_str(out, " hvfleet ");
    put_word(out, who->agent_id, GUID_TEXT_MAX, "");
    buf_char(out, ' ');
    put_word(out, o->kind_name, MSGID_MAX, "");
    buf_char(out, ' ');
    put_data(out, who, o);
    buf_str(out, " \xEF\xBB\xBF");
    buf_add(out, o->body, cut_at(o->body, strlen(o->body), SENTENCE_MAX));
}

int forward_syslog_message(const struct resource *who, const struct observation *o, int facility, struct buf *out,
                           struct err *e)
{
    struct buf message;
    int rc = 0;

    buf_init(&message, 4 * MESSAGE_MAX);
    put_message(&message, who, o, facility);
    buf_printf(out, "%zu ", message.len);
    buf_add(out, message.data, message.len);
    if (buf_error(&message) != ERR_OK || buf_error(out) != ERR_OK)
        rc = err_set(e, ERR_TOO_BIG, "the messages do not fit");
    buf_free(&message);
    return rc;
}
