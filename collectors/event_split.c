/* See event_split.h.
 *
 * The text is read token by token: a comment, CDATA section, processing
 * instruction or tag is looked at as a whole or not yet.  A '<' within a tag,
 * which XML forbids even in quotes, means that the tag was broken off there.
 *
 * An event ends at the </Event> that is not the end of an Event within it,
 * whatever other elements are still open: one malformed event must not swallow
 * those behind it.  An <Event> within an event counts as a payload's own unless
 * it names the event namespace (or the one around it was broken off within a
 * tag): then the writer died and began anew.
 *
 * An event over the limit is skipped by looking for the first "</Event>" or for
 * an "<Event" of the event namespace, without minding comments: Windows escapes
 * whatever text it writes, so these cannot come from a guest.
 */
#include "collectors/event_split.h"

#include <assert.h>
#include <string.h>

#define EVENT_NAMESPACE "schemas.microsoft.com/win/2004/08/events/event"

static const char byte_order_mark[] = "\xEF\xBB\xBF";

enum { NAME_MAX_LEN = 64, TAG_HEAD_MAX = 512 };

enum token_kind {
    TOKEN_WAIT,   /* not complete yet */
    TOKEN_BROKEN, /* a '<' that starts nothing, or a tag broken off */
    TOKEN_SKIP,   /* comment, processing instruction */
    TOKEN_OTHER,  /* CDATA, declarations, tags of other elements */
    TOKEN_EVENT_OPEN,
    TOKEN_EVENT_EMPTY, /* <Event/> */
    TOKEN_EVENT_CLOSE,
    TOKEN_EVENTS, /* <Events ...>, </Events> */
};

struct token {
    enum token_kind kind;
    size_t len;
    bool is_ours; /* TOKEN_EVENT_OPEN: names the event namespace */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool starts(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);

    return len >= n && memcmp(text, with, n) == 0;
}

/* Could text become something that starts with `with`? */
static bool may_start(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);

    return memcmp(text, with, len < n ? len : n) == 0;
}

/* How many bytes of blanks and byte order marks text begins with. */
static size_t blanks(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len) {
        if (is_blank(text[n]))
            n++;
        else if (starts(text + n, len - n, byte_order_mark))
            n += strlen(byte_order_mark);
        else
            break;
    }
    return n;
}

/* A token that ends at the first `end` behind its opening. */
static struct token until(enum token_kind kind, const char *text, size_t len, size_t opening, const char *end)
{
    const char *found = len > opening ? memmem(text + opening, len - opening, end, strlen(end)) : NULL;

    if (found == NULL)
        return (struct token){ .kind = TOKEN_WAIT };
    return (struct token){ .kind = kind, .len = (size_t)(found - text) + strlen(end) };
}

/* Position of the '>' that ends a tag, or of the '<' it breaks off at; len when
 * neither is there yet. */
static size_t tag_end(const char *text, size_t len)
{
    static const bool stops[256] = { ['<'] = true, ['>'] = true, ['"'] = true, ['\''] = true };
    char quote = '\0';

    for (size_t i = 1; i < len; i++) {
        char c = text[i];

        if (!stops[(unsigned char)c])
            continue;
        if (c == '<' || (c == '>' && quote == '\0'))
            return i;
        if (quote != '\0')
            quote = c == quote ? '\0' : quote;
        else
            quote = c;
    }
    return len;
}

/* The tag's local name: *name and its length; 0 when it has none that ends within NAME_MAX_LEN. */
static size_t tag_name(const char *text, size_t len, const char **name)
{
    size_t start = text[1] == '/' ? 2 : 1, end = start;
    const char *colon;

    assert(len > 1 && text[len - 1] == '>');
    while (end - start < NAME_MAX_LEN && !is_blank(text[end]) && text[end] != '>' && text[end] != '/')
        end++;
    colon = memchr(text + start, ':', end - start);
    if (colon != NULL)
        start = (size_t)(colon - text) + 1;
    *name = text + start;
    return end - start;
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

static enum token_kind tag_kind(const char *text, size_t len)
{
    const char *name;
    size_t name_len = tag_name(text, len, &name);

    if (is_name(name, name_len, "Events"))
        return TOKEN_EVENTS;
    if (!is_name(name, name_len, "Event"))
        return TOKEN_OTHER;
    if (text[1] == '/')
        return TOKEN_EVENT_CLOSE;
    return text[len - 2] == '/' ? TOKEN_EVENT_EMPTY : TOKEN_EVENT_OPEN;
}

static struct token tag(const char *text, size_t len)
{
    struct token t = { .kind = TOKEN_WAIT };
    size_t end;

    if (len > 1 && (is_blank(text[1]) || text[1] == '>' || text[1] == '<'))
        return (struct token){ .kind = TOKEN_BROKEN, .len = 1 };
    end = tag_end(text, len);
    if (end == len)
        return t;
    if (text[end] == '<')
        return (struct token){ .kind = TOKEN_BROKEN, .len = end };
    t.len = end + 1;
    t.kind = tag_kind(text, t.len);
    t.is_ours = t.kind == TOKEN_EVENT_OPEN && memmem(text, t.len, EVENT_NAMESPACE, strlen(EVENT_NAMESPACE)) != NULL;
    return t;
}

/* The token at text[0], which is '<'. */
static struct token token_at(const char *text, size_t len)
{
    assert(len > 0 && text[0] == '<');
    if (starts(text, len, "<!--"))
        return until(TOKEN_SKIP, text, len, 4, "-->");
    if (starts(text, len, "<![CDATA["))
        return until(TOKEN_OTHER, text, len, 9, "]]>");
    if (starts(text, len, "<?"))
        return until(TOKEN_SKIP, text, len, 2, "?>");
    if (may_start(text, len, "<!--") || may_start(text, len, "<![CDATA["))
        return (struct token){ .kind = TOKEN_WAIT };
    return tag(text, len);
}

static void piece(struct split_piece *out, enum split_kind kind, size_t start, size_t end, const char *why)
{
    assert(start <= end && (kind == SPLIT_WAIT || end > start));
    *out = (struct split_piece){ .kind = kind, .start = start, .end = end, .why = why };
}

/* Junk from the start on: up to the next '<' that could be something. */
static void junk(struct split_piece *out, const char *text, size_t len, size_t start, size_t least, const char *why)
{
    const char *next = memchr(text + start + least, '<', len - start - least);

    piece(out, SPLIT_JUNK, start, next != NULL ? (size_t)(next - text) : len, why);
}

/* The rest of an event that was over the limit. */
static void skip_on(struct split_state *state, const char *text, size_t len, struct split_piece *out)
{
    static const char why[] = "an event over the size limit";
    size_t at = 0;

    while (at < len) {
        const char *open = memchr(text + at, '<', len - at);
        struct token t;

        if (open == NULL)
            break;
        at = (size_t)(open - text);
        if (!may_start(text + at, len - at, "</Event") && !may_start(text + at, len - at, "<Event")) {
            at++;
            continue;
        }
        t = tag(text + at, len - at);
        if (t.kind == TOKEN_WAIT && len - at < TAG_HEAD_MAX) {
            piece(out, at > 0 ? SPLIT_JUNK : SPLIT_WAIT, 0, at, why);
            return;
        }
        if (t.kind == TOKEN_EVENT_CLOSE || (t.kind == TOKEN_EVENT_OPEN && t.is_ours)) {
            state->skipping = false;
            piece(out, SPLIT_JUNK, 0, t.kind == TOKEN_EVENT_CLOSE ? at + t.len : at, why);
            return;
        }
        at++;
    }
    piece(out, len > 0 ? SPLIT_JUNK : SPLIT_WAIT, 0, len, why);
}

/* More text is needed to end the event at start; or it has had enough. */
static void event_waits(struct split_state *state, size_t start, size_t len, struct split_piece *out)
{
    if (len - start <= EVENT_XML_MAX) {
        piece(out, SPLIT_WAIT, 0, start, NULL);
        return;
    }
    /* Leave the end for the search: its </Event> may be cut here. */
    state->skipping = true;
    piece(out, SPLIT_JUNK, start, start + EVENT_XML_MAX - TAG_HEAD_MAX, "an event over the size limit");
}

/* An event whose open tag is text[start, at). */
static void in_event(struct split_state *state, const char *text, size_t len, size_t start, size_t at,
                     struct split_piece *out)
{
    static const char broken_off[] = "an event that was broken off";
    size_t nested = 0;
    bool broken = false;

    while (at < len && at - start <= EVENT_XML_MAX) {
        const char *open = memchr(text + at, '<', len - at);
        struct token t;

        if (open == NULL)
            break;
        at = (size_t)(open - text);
        t = token_at(text + at, len - at);
        if (t.kind == TOKEN_WAIT)
            break;
        if (t.kind == TOKEN_EVENT_OPEN && (t.is_ours || broken)) {
            piece(out, SPLIT_JUNK, start, at, broken_off);
            return;
        }
        at += t.len;
        broken = t.kind == TOKEN_BROKEN;
        nested += t.kind == TOKEN_EVENT_OPEN;
        if (t.kind != TOKEN_EVENT_CLOSE || nested-- > 0)
            continue;
        if (at - start > EVENT_XML_MAX)
            piece(out, SPLIT_JUNK, start, at, "an event over the size limit");
        else
            piece(out, SPLIT_EVENT, start, at, NULL);
        return;
    }
    event_waits(state, start, len, out);
}

void event_split_next(struct split_state *state, const char *text, size_t len, struct split_piece *out)
{
    static const char stray[] = "text between events";
    size_t at = 0;

    if (state->skipping) {
        skip_on(state, text, len, out);
        return;
    }
    for (;;) {
        struct token t;

        at += blanks(text + at, len - at);
        if (at == len || (text[at] == byte_order_mark[0] && may_start(text + at, len - at, byte_order_mark)))
            break;
        if (text[at] != '<') {
            junk(out, text, len, at, 0, stray);
            return;
        }
        t = token_at(text + at, len - at);
        if (t.kind == TOKEN_WAIT && len - at <= EVENT_XML_MAX)
            break;
        if (t.kind == TOKEN_EVENT_OPEN) {
            in_event(state, text, len, at, at + t.len, out);
            return;
        }
        if (t.kind != TOKEN_SKIP && t.kind != TOKEN_EVENTS) {
            junk(out, text, len, at, t.kind == TOKEN_WAIT ? 1 : t.len, stray);
            return;
        }
        at += t.len;
    }
    piece(out, SPLIT_WAIT, 0, at, NULL);
}
