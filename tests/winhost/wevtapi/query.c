/* As much of the event log's XPath as queries here use: comparisons of System's
 * numbers, Provider names, and, or, parentheses; and structured queries of
 * Selects.
 *
 *   *  |  *[System[ OR ]]
 *   OR   = AND { "or" AND }        AND = ONE { "and" ONE }
 *   ONE  = "(" OR ")" | Provider[@Name='x' { or @Name='y' }] | EventID|Level|EventRecordID OP number
 */
#include "tests/winhost/wevtapi/host.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winerror.h>

enum { DEPTH_MAX = 16, EXPRESSIONS_MAX = 20, SELECT_MAX = 8192 };

struct matching {
    const char *at;
    const struct host_record *record;
    bool is_bad;
    int expressions;
};

static bool match_any(struct matching *m, int depth);

static bool skip(struct matching *m, const char *token)
{
    size_t n = strlen(token);

    while (*m->at == ' ')
        m->at++;
    if (strncmp(m->at, token, n) != 0)
        return false;
    m->at += n;
    return true;
}

static void want(struct matching *m, const char *token)
{
    if (!skip(m, token))
        m->is_bad = true;
}

static bool match_provider(struct matching *m)
{
    bool matches = false;

    do {
        char name[NAME_MAX_LEN];
        int n = 0;

        want(m, "@Name='");
        if (m->is_bad || sscanf(m->at, "%255[^']%n", name, &n) != 1) {
            m->is_bad = true;
            return false;
        }
        m->at += n;
        want(m, "'");
        m->expressions++;
        matches |= _stricmp(name, m->record->provider) == 0;
    } while (!m->is_bad && skip(m, "or"));
    want(m, "]");
    return matches;
}

static bool compare(struct matching *m, uint64_t value)
{
    static const char *const operators[] = { "<=", ">=", "!=", "=", "<", ">" };
    uint64_t other;
    char *end;
    size_t op = 0;

    while (op < sizeof operators / sizeof operators[0] && !skip(m, operators[op]))
        op++;
    while (*m->at == ' ')
        m->at++;
    other = strtoull(m->at, &end, 10);
    m->is_bad |= op == sizeof operators / sizeof operators[0] || end == m->at;
    m->at = end;
    m->expressions++;
    switch (op) {
    case 0:
        return value <= other;
    case 1:
        return value >= other;
    case 2:
        return value != other;
    case 3:
        return value == other;
    case 4:
        return value < other;
    default:
        return value > other;
    }
}

static bool match_one(struct matching *m, int depth)
{
    bool matches;

    if (skip(m, "(")) {
        matches = match_any(m, depth + 1);
        want(m, ")");
        return matches;
    }
    if (skip(m, "Provider["))
        return match_provider(m);
    if (skip(m, "EventID"))
        return compare(m, m->record->event_id);
    if (skip(m, "EventRecordID"))
        return compare(m, m->record->id);
    if (skip(m, "Level"))
        return compare(m, m->record->level);
    m->is_bad = true;
    return false;
}

static bool match_all(struct matching *m, int depth)
{
    bool matches = match_one(m, depth);

    while (!m->is_bad && skip(m, "and"))
        matches &= match_one(m, depth);
    return matches;
}

static bool match_any(struct matching *m, int depth)
{
    bool matches;

    if (depth > DEPTH_MAX) {
        m->is_bad = true;
        return false;
    }
    matches = match_all(m, depth);
    while (!m->is_bad && skip(m, "or"))
        matches |= match_all(m, depth);
    return matches;
}

static bool xpath_takes(const char *xpath, const struct host_record *record, DWORD *code)
{
    struct matching m = { .at = xpath, .record = record };
    bool takes = true;

    if (strcmp(xpath, "*") == 0)
        return true;
    want(&m, "*[System[");
    if (!m.is_bad)
        takes = match_any(&m, 0);
    want(&m, "]]");
    if (m.is_bad || *m.at != '\0' || m.expressions > EXPRESSIONS_MAX)
        *code = ERROR_EVT_INVALID_QUERY;
    return takes;
}

bool query_channel(const char *query, char channel[NAME_MAX_LEN])
{
    const char *select = query != NULL ? strstr(query, "<Select Path=\"") : NULL;

    return select != NULL && sscanf(select, "<Select Path=\"%255[^\"]\"", channel) == 1;
}

bool query_takes(const char *query, const struct host_record *record, DWORD *code)
{
    static const char open[] = "<Select ", close[] = "</Select>";
    const char *p = query, *from, *to;
    char xpath[SELECT_MAX];
    bool takes = false;

    *code = 0;
    if (query == NULL)
        return true;
    if (strncmp(query, "<QueryList>", 11) != 0)
        return xpath_takes(query, record, code);
    while ((p = strstr(p, open)) != NULL) {
        from = strchr(p, '>');
        to = strstr(p, close);
        if (from == NULL || to == NULL || to < from || to - from > SELECT_MAX) {
            *code = ERROR_EVT_MALFORMED_XML_TEXT;
            return false;
        }
        snprintf(xpath, sizeof xpath, "%.*s", (int)(to - from - 1), from + 1);
        takes |= xpath_takes(xpath, record, code);
        p = to;
    }
    return takes;
}
