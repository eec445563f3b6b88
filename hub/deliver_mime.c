/* What a mail's header may hold (RFC 5322, RFC 2047): see deliver_send.h. */
#include "base/text.h"
#include "base/times.h"
#include "hub/deliver_send.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    WORD_BYTES = 42, /* of text in one encoded word: "=?UTF-8?B?" 56 characters "?=" */
    PLAIN_MAX = 60,  /* a plain value that needs no folding */
    VALUE_MAX = 1024,
};

static void base64(struct buf *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        unsigned v = (unsigned)bytes[i] << 16;

        if (i + 1 < len)
            v |= (unsigned)bytes[i + 1] << 8;
        if (i + 2 < len)
            v |= bytes[i + 2];
        buf_char(out, digits[v >> 18]);
        buf_char(out, digits[v >> 12 & 63]);
        buf_char(out, i + 1 < len ? digits[v >> 6 & 63] : '=');
        buf_char(out, i + 2 < len ? digits[v & 63] : '=');
    }
}

static bool is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~')
            return false;
    }
    return strlen(text) <= PLAIN_MAX && strstr(text, "=?") == NULL;
}

/* The bytes of one word: whole characters. */
static size_t word_length(const char *text)
{
    size_t n = strlen(text);

    if (n <= WORD_BYTES)
        return n;
    for (n = WORD_BYTES; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
        n--;
    return n;
}

void mime_header(struct buf *out, const char *name, const char *text)
{
    char value[VALUE_MAX];
    const char *joint = "";

    text_clean(value, sizeof value, text, strlen(text), NULL);
    buf_printf(out, "%s: ", name);
    if (is_plain(value)) {
        buf_str(out, value);
        return;
    }
    for (const char *p = value; *p != '\0';) {
        size_t n = word_length(p);

        buf_printf(out, "%s=?UTF-8?B?", joint);
        base64(out, (const unsigned char *)p, n);
        buf_str(out, "?=");
        joint = "\r\n ";
        p += n;
    }
}

char *mime_date(int64_t ns, char out[40])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(ns / NS_PER_S);
    struct tm t = { 0 };

    gmtime_r(&seconds, &t);
    snprintf(out, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", days + 3 * t.tm_wday, t.tm_mday,
             months + 3 * t.tm_mon, (t.tm_year + 1900) % 10000, t.tm_hour, t.tm_min, t.tm_sec);
    return out;
}
