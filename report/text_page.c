/* See text_page.h. */
#include "report/text_page.h"

#include <string.h>

enum { WIDTH_MIN = 40 /* narrower terminals are written to as if they had this */ };

struct text_page text_page_of(const struct report_style *style, struct buf *out)
{
    struct text_page p = { .out = out };

    if (style != NULL) {
        p.colour = style->colour;
        p.width = style->width > 0 && style->width < WIDTH_MIN ? WIDTH_MIN : style->width;
    }
    return p;
}

void text_colour(struct text_page *p, const char *code)
{
    if (p->colour)
        buf_printf(p->out, "\033[%sm", code);
}

void text_plain(struct text_page *p)
{
    if (p->colour)
        buf_str(p->out, "\033[0m");
}

int text_columns(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

void text_spaces(struct text_page *p, int n)
{
    for (; n > 0; n--)
        buf_char(p->out, ' ');
}

void text_padded(struct text_page *p, const char *text, int width)
{
    buf_str(p->out, text);
    text_spaces(p, width - text_columns(text));
}

void text_wrapped(struct text_page *p, const char *text, int indent)
{
    text_spaces(p, indent);
    text_wrapped_from(p, text, indent, indent);
}

void text_wrapped_from(struct text_page *p, const char *text, int indent, int at)
{
    int start = at;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        int wide = 0;

        for (size_t i = 0; i < len; i++)
            wide += ((unsigned char)text[i] & 0xC0) != 0x80;
        if (at > start && p->width > 0 && at + 1 + wide > p->width) {
            buf_char(p->out, '\n');
            text_spaces(p, indent);
            at = start = indent;
        } else if (at > start) {
            buf_char(p->out, ' ');
            at++;
        }
        buf_add(p->out, text, len);
        at += wide;
        text += len;
        text += *text == ' ';
    }
    buf_char(p->out, '\n');
}
