/* See kvp_item_text.h. */
#include "collectors/kvp_item_text.h"

#include <string.h>

enum { NAME_CHAR = 1, TEXT_CHAR = 2 };

#define INLINED static inline __attribute__((always_inline))

/* clang-format off */
static const unsigned char kinds[256] = {
    [' ' ... '%'] = TEXT_CHAR, ['\'' ... '/'] = TEXT_CHAR, ['0' ... '9'] = TEXT_CHAR | NAME_CHAR,
    [':' ... ';'] = TEXT_CHAR, ['=' ... '@'] = TEXT_CHAR, ['A' ... 'Z'] = TEXT_CHAR | NAME_CHAR,
    ['[' ... '\\'] = TEXT_CHAR, /* "]]>" is forbidden */
    ['^'] = TEXT_CHAR, ['_'] = TEXT_CHAR | NAME_CHAR, ['`'] = TEXT_CHAR, ['a' ... 'z'] = TEXT_CHAR | NAME_CHAR,
    ['{' ... '~'] = TEXT_CHAR,
};
/* clang-format on */

struct cursor {
    const char *at, *end;
    size_t saved; /* bytes that escaping has cost so far */
};

struct slice {
    const char *text;
    size_t len;
};

/* Inlined, so that its length is known and no function called for it. */
INLINED bool literal(struct cursor *c, const char *text, size_t len)
{
    if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
        return false;
    c->at += len;
    return true;
}

#define LITERAL(c, text) literal((c), (text), sizeof(text) - 1)

/* Something that may be written as itself or as a reference. */
INLINED bool sign(struct cursor *c, char self, const char *reference, size_t len)
{
    if (c->at < c->end && *c->at == self) {
        c->at++;
        return true;
    }
    if (!literal(c, reference, len))
        return false;
    c->saved += len - 1;
    return true;
}

#define QUOTE(c)   sign((c), '"', "&quot;", 6)
#define GREATER(c) sign((c), '>', "&gt;", 4)

/* A bare one would have ended the value. */
static bool less(struct cursor *c)
{
    if (!LITERAL(c, "&lt;"))
        return false;
    c->saved += 3;
    return true;
}

/* The same for what is long, and nearly always written so: escaped bytes, of which escaping has cost so many. */
#define WRITTEN(c, text, cost) (LITERAL((c), (text)) && ((c)->saved += (cost), true))

/* Between tags; a line end of two bytes is read as one. */
static void blanks(struct cursor *c)
{
    while (c->at < c->end) {
        if (*c->at == '&') {
            if (!WRITTEN(c, "&#13;", 4) && !WRITTEN(c, "&#10;", 4))
                return;
        } else if (*c->at == '\r' && c->end - c->at > 1 && c->at[1] == '\n') {
            c->at += 2;
            c->saved++;
        } else if (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r') {
            c->at++;
        } else {
            return;
        }
    }
}

static struct slice run(struct cursor *c, int kind)
{
    const char *from = c->at;

    while (c->at < c->end && (kinds[(unsigned char)*c->at] & kind) != 0)
        c->at++;
    return (struct slice){ from, (size_t)(c->at - from) };
}

/* What follows the name in <PROPERTY NAME="name" PROPAGATED="true" TYPE="type">. */
static bool attributes(struct cursor *c)
{
    if (WRITTEN(c, "&quot; TYPE=&quot;string&quot;&gt;", 18) ||
        WRITTEN(c, "&quot; PROPAGATED=&quot;true&quot; TYPE=&quot;string&quot;&gt;", 28))
        return true;
    if (!QUOTE(c))
        return false;
    if (LITERAL(c, " PROPAGATED=") && !(QUOTE(c) && LITERAL(c, "true") && QUOTE(c)))
        return false;
    if (LITERAL(c, " TYPE=") && !(QUOTE(c) && run(c, NAME_CHAR).len > 0 && QUOTE(c)))
        return false;
    return GREATER(c);
}

/* The tag without its '<'. */
static bool property_tag(struct cursor *c, struct slice *name)
{
    if (!LITERAL(c, "PROPERTY NAME=") || !QUOTE(c))
        return false;
    *name = run(c, NAME_CHAR);
    return attributes(c);
}

/* From the end of a value to the end of its property. */
static bool value_end(struct cursor *c)
{
    if (WRITTEN(c, "&lt;/VALUE&gt;&lt;/PROPERTY&gt;", 12))
        return true;
    if (!less(c) || !LITERAL(c, "/VALUE") || !GREATER(c))
        return false;
    blanks(c);
    return less(c) && LITERAL(c, "/PROPERTY") && GREATER(c);
}

/* What follows the tag, up to the property's end; value->text NULL when there is none. */
static bool property_value(struct cursor *c, struct slice *value)
{
    *value = (struct slice){ NULL, 0 };
    blanks(c);
    if (!less(c))
        return false;
    if (!LITERAL(c, "VALUE"))
        return LITERAL(c, "/PROPERTY") && GREATER(c);
    if (!GREATER(c))
        return false;
    *value = run(c, TEXT_CHAR);
    return value_end(c);
}

static bool is(struct slice name, const char *text, size_t len)
{
    return name.len == len && memcmp(name.text, text, len) == 0;
}

/* Of two properties of one name the first would count: left to the parser. */
static bool property(struct cursor *c, struct cim_item *out)
{
    struct slice name, value;

    if (!property_tag(c, &name) || !property_value(c, &value))
        return false;
    if (is(name, "Name", 4)) {
        if (out->name != NULL || value.len == 0)
            return false;
        out->name = value.text;
        out->name_len = value.len;
    } else if (is(name, "Data", 4)) {
        if (out->data != NULL || value.text == NULL)
            return false;
        out->data = value.text;
        out->data_len = value.len;
    }
    return true;
}

bool kvp_item_text(const char *text, size_t len, struct cim_item *out)
{
    struct cursor c = { text, text + len, 0 };

    *out = (struct cim_item){ 0 };
    if (!less(&c) || !LITERAL(&c, "INSTANCE CLASSNAME=") || !QUOTE(&c) || !LITERAL(&c, "Msvm_KvpExchangeDataItem") ||
        !QUOTE(&c) || !GREATER(&c))
        return false;
    for (;;) {
        blanks(&c);
        if (!less(&c))
            return false;
        if (LITERAL(&c, "/INSTANCE"))
            break;
        if (!property(&c, out))
            return false;
    }
    if (!GREATER(&c))
        return false;
    blanks(&c);
    out->decoded_len = len - c.saved;
    return c.at == c.end && out->name != NULL;
}
