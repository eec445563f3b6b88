/* See json_write.h. */
#include "report/json_write.h"

#include "base/times.h"

#include <inttypes.h>

void report_json_string(struct buf *out, const char *text)
{
    buf_char(out, '"');
    while (*text != '\0') {
        const char *p = text;

        while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            p++;
        buf_add(out, text, (size_t)(p - text));
        if (*p == '\0')
            break;
        if ((unsigned char)*p < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)*p);
        else
            buf_printf(out, "\\%c", *p);
        text = p + 1;
    }
    buf_char(out, '"');
}

/* "key":  with a comma before it unless it opens an object. */
void report_json_key(struct buf *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        buf_char(out, ',');
    buf_char(out, '"');
    buf_str(out, name);
    buf_str(out, "\":");
}

void report_json_text(struct buf *out, const char *name, const char *text)
{
    report_json_key(out, name);
    if (text[0] == '\0')
        buf_str(out, "null");
    else
        report_json_string(out, text);
}

void report_json_time(struct buf *out, const char *name, int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    report_json_text(out, name, times_format(ns, text));
}

void report_json_number(struct buf *out, const char *name, int64_t value)
{
    report_json_key(out, name);
    buf_printf(out, "%" PRId64, value);
}

void report_json_flag(struct buf *out, const char *name, bool value)
{
    report_json_key(out, name);
    buf_str(out, value ? "true" : "false");
}
