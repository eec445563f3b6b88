/* What a scraper asks for: the Accept header. */
#include "base/text.h"
#include "hub/metrics.h"

#include <string.h>

enum { SPECIFIC_ANY = 1, SPECIFIC_TYPE, SPECIFIC_NAME };

/* How well a format is matched: by the most specific range that does, and its quality in thousandths. */
struct match {
    int specific; /* 0: by none */
    int quality;
};

/* A piece of the header: text up to an end, without the blanks around it. */
struct piece {
    const char *at;
    size_t len;
};

/* Takes the next piece, up to the separator, off *rest; false when there is none. */
static bool next(const char **rest, const char *end, char separator, struct piece *out)
{
    const char *stop;

    if (*rest >= end)
        return false;
    stop = memchr(*rest, separator, (size_t)(end - *rest));
    *out = (struct piece){ *rest, (size_t)((stop != NULL ? stop : end) - *rest) };
    *rest = stop != NULL ? stop + 1 : end;
    while (out->len > 0 && (*out->at == ' ' || *out->at == '\t')) {
        out->at++;
        out->len--;
    }
    while (out->len > 0 && (out->at[out->len - 1] == ' ' || out->at[out->len - 1] == '\t'))
        out->len--;
    return true;
}

static bool is(const struct piece *p, const char *word)
{
    return p->len == strlen(word) && text_ncasecmp(p->at, word, p->len) == 0;
}

/* "name=value": the value, where the name is this one. */
static bool parameter(const struct piece *p, const char *name, struct piece *value)
{
    size_t n = strlen(name);

    if (p->len <= n || p->at[n] != '=' || text_ncasecmp(p->at, name, n) != 0)
        return false;
    *value = (struct piece){ p->at + n + 1, p->len - n - 1 };
    if (value->len >= 2 && value->at[0] == '"' && value->at[value->len - 1] == '"')
        *value = (struct piece){ value->at + 1, value->len - 2 };
    return true;
}

/* RFC 9110, section 12.4.2: 0 to 1 with at most three digits; what is none counts as 0. */
static int quality(const struct piece *p)
{
    int value = 0, scale = 100;

    if (p->len == 0 || (p->at[0] != '0' && p->at[0] != '1') || (p->len > 1 && p->at[1] != '.') || p->len > 5)
        return 0;
    for (size_t i = 2; i < p->len; i++, scale /= 10) {
        if (p->at[i] < '0' || p->at[i] > '9')
            return 0;
        value += (p->at[i] - '0') * scale;
    }
    return p->at[0] == '1' ? 1000 : value;
}

static const struct {
    const char *name, *type, *versions[2];
} formats[] = {
    [METRICS_TEXT] = { "text/plain", "text/*", { "0.0.4", "0.0.4" } },
    [METRICS_OPENMETRICS] = { "application/openmetrics-text", "application/*", { "1.0.0", "0.0.1" } },
};

static int specific(const struct piece *range, enum metrics_format f)
{
    if (is(range, formats[f].name))
        return SPECIFIC_NAME;
    if (is(range, formats[f].type))
        return SPECIFIC_TYPE;
    return is(range, "*/*") ? SPECIFIC_ANY : 0;
}

/* One range with its parameters: may it raise the match of a format? */
static void consider(const struct piece *element, enum metrics_format f, struct match *m)
{
    const char *rest = element->at, *end = element->at + element->len;
    struct piece p, value;
    int s, q = 1000;

    if (!next(&rest, end, ';', &p))
        return;
    s = specific(&p, f);
    while (next(&rest, end, ';', &p)) {
        if (parameter(&p, "q", &value))
            q = quality(&value);
        else if (parameter(&p, "version", &value) && !is(&value, formats[f].versions[0]) &&
                 !is(&value, formats[f].versions[1]))
            s = 0;
    }
    if (s > m->specific || (s > 0 && s == m->specific && q > m->quality))
        *m = (struct match){ s, q };
}

enum metrics_format metrics_negotiate(const char *accept)
{
    struct match text = { 0, 0 }, open = { 0, 0 };
    const char *rest = accept, *end;
    struct piece element;

    if (accept == NULL)
        return METRICS_TEXT;
    end = accept + strlen(accept);
    while (next(&rest, end, ',', &element)) {
        consider(&element, METRICS_TEXT, &text);
        consider(&element, METRICS_OPENMETRICS, &open);
    }
    if (open.quality > text.quality && open.specific > SPECIFIC_ANY)
        return METRICS_OPENMETRICS;
    return open.quality > 0 && open.quality == text.quality && open.specific == SPECIFIC_NAME ? METRICS_OPENMETRICS
                                                                                              : METRICS_TEXT;
}

const char *metrics_type(enum metrics_format format)
{
    return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
}
