/* See http_headers.h.  Retry-After is RFC 9110, section 10.2.3: seconds, or a
 * date in one of the three forms of section 5.6.7, which curl_getdate() reads. */
#include "transport/http_headers.h"

#include "base/text.h"
#include "base/times.h"

#include <curl/curl.h>
#include <string.h>

enum { VALUE_MAX = 64 };

static bool is_named(const char *line, size_t len, const char *name)
{
    size_t n = strlen(name);

    return len > n && line[n] == ':' && text_ncasecmp(line, name, n) == 0;
}

/* The value of the header called name, trimmed, in out.  False: another
 * header, or a value that is too long to be one of ours. */
static bool value_of(const char *line, size_t len, const char *name, char out[VALUE_MAX])
{
    size_t n = strlen(name);

    if (!is_named(line, len, name) || memchr(line, '\0', len) != NULL)
        return false;
    line += n + 1;
    len -= n + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
        len--;
    if (len == 0 || len >= VALUE_MAX)
        return false;
    memcpy(out, line, len);
    out[len] = '\0';
    return true;
}

static bool all_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int64_t retry_after(const char *value, int64_t now_ns)
{
    uint64_t seconds;
    time_t date;

    if (all_digits(value)) {
        /* More digits than fit ask for more than the most. */
        if (!text_u64(value, &seconds) || seconds > (uint64_t)(RETRY_AFTER_MAX_NS / NS_PER_S))
            return RETRY_AFTER_MAX_NS;
        return (int64_t)seconds * NS_PER_S;
    }
    date = curl_getdate(value, NULL);
    if (date == (time_t)-1)
        return -1;
    if (date <= now_ns / NS_PER_S)
        return 0;
    if (date - now_ns / NS_PER_S > RETRY_AFTER_MAX_NS / NS_PER_S)
        return RETRY_AFTER_MAX_NS;
    return ((int64_t)date - now_ns / NS_PER_S) * NS_PER_S;
}

/* Two of them, equal or not, are a proxy's doing, and which one holds for us is not known. */
static void take_budget(struct http_reply *reply, const char *value)
{
    uint64_t bytes = 0;

    reply->send_budgets += reply->send_budgets < 2;
    reply->has_send_budget =
        reply->send_budgets == 1 && all_digits(value) && text_u64(value, &bytes) && bytes <= SEND_BUDGET_MAX;
    reply->send_budget = reply->has_send_budget ? bytes : 0;
}

void http_header_take(struct http_reply *reply, const char *line, size_t len, int64_t now_ns)
{
    char value[VALUE_MAX];

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        reply->retry_after_ns = -1;
        reply->has_acked_through = false;
        reply->acked_through = 0;
        reply->has_send_budget = false;
        reply->send_budget = 0;
        reply->send_budgets = 0;
        reply->takes_state = false;
    } else if (value_of(line, len, "Retry-After", value)) {
        reply->retry_after_ns = retry_after(value, now_ns);
    } else if (value_of(line, len, "Hvfleet-Acked-Through", value)) {
        reply->has_acked_through = all_digits(value) && text_u64(value, &reply->acked_through);
        if (!reply->has_acked_through)
            reply->acked_through = 0;
    } else if (is_named(line, len, "Hvfleet-Send-Budget")) {
        take_budget(reply, value_of(line, len, "Hvfleet-Send-Budget", value) ? value : "");
    } else if (value_of(line, len, "Hvfleet-Takes-State", value)) {
        reply->takes_state = strcmp(value, "1") == 0;
    }
}
