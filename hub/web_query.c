/* See web_query.h. */
#include "hub/web_query.h"

#include "base/text.h"
#include "model/guest.h"

#include <assert.h>
#include <string.h>

static const char *const sort_words[SORT_COUNT] = { "",        "state", "name",  "host",   "cluster",
                                                    "version", "os",    "since", "guests", "drifted" };

static const char *const paths[] = {
    [WEB_FLEET] = "/",       [WEB_GUESTS] = "/guests",       [WEB_CLUSTER] = "/cluster/",   [WEB_HOST] = "/host/",
    [WEB_GUEST] = "/guest/", [WEB_INCIDENTS] = "/incidents", [WEB_INCIDENT] = "/incident/",
};

/* What comes in an address is as little to be trusted as what comes from a guest. */
static bool take_text(char *dst, size_t size, const char *value)
{
    size_t len = strlen(value);

    if (len >= size)
        return false;
    text_clean(dst, size, value, len, NULL);
    return true;
}

bool web_query_init(struct web_query *q, enum web_page page, const char *name)
{
    *q = (struct web_query){
        .page = page, .state = WEB_ANY_STATE, .number = 1, .hosts_number = 1, .incidents = { .code = -1 }
    };
    return take_text(q->name, sizeof q->name, name);
}

const char *web_sort_word(enum web_sort sort)
{
    assert(sort < SORT_COUNT);
    return sort_words[sort];
}

/* ---- parameters ------------------------------------------------------------------- */

static bool set_state(struct web_query *q, const char *value)
{
    enum drift_state state;

    if (!drift_state_parse(value, &state))
        return false;
    q->state = (int)state;
    return true;
}

static bool set_text(struct web_query *q, const char *value)
{
    return take_text(q->text, sizeof q->text, value);
}

static bool set_os(struct web_query *q, const char *value)
{
    return take_text(q->os, sizeof q->os, value);
}

static bool set_version(struct web_query *q, const char *value)
{
    return take_text(q->version, sizeof q->version, value);
}

static bool set_sort(struct web_query *q, const char *value)
{
    for (int i = SORT_DEFAULT + 1; i < SORT_COUNT; i++) {
        if (strcmp(value, sort_words[i]) == 0) {
            q->sort = (enum web_sort)i;
            return true;
        }
    }
    return false;
}

static bool set_order(struct web_query *q, const char *value)
{
    q->descending = strcmp(value, "desc") == 0;
    return q->descending || strcmp(value, "asc") == 0;
}

static bool read_number(const char *value, int64_t *out)
{
    uint64_t n;

    if (!text_u64(value, &n) || n < 1 || n > WEB_PAGE_NUMBER_MAX)
        return false;
    *out = (int64_t)n;
    return true;
}

static bool set_number(struct web_query *q, const char *value)
{
    return read_number(value, &q->number);
}

static bool set_hosts_number(struct web_query *q, const char *value)
{
    return read_number(value, &q->hosts_number);
}

static bool set_after(struct web_query *q, const char *value)
{
    return guid_parse(value, strlen(value), q->after);
}

static bool set_format(struct web_query *q, const char *value)
{
    static const char *const words[] = { [WEB_HTML] = "html", [WEB_CSV] = "csv", [WEB_JSON] = "json" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], value) == 0) {
            q->format = (enum web_format)i;
            /* The fleet's, a guest's and an incident's page are no lists of guests. */
            return i == WEB_HTML || q->page == WEB_GUESTS || q->page == WEB_CLUSTER || q->page == WEB_HOST;
        }
    }
    return false;
}

const char *web_query_set(struct web_query *q, const char *key, const char *value)
{
    static const struct {
        const char *key;
        bool (*set)(struct web_query *q, const char *value);
        const char *expected;
    } parameters[] = {
        { "state", set_state, "the name of a drift state, behind" },
        { "q", set_text, "a part of a VM's name" },
        { "os", set_os, "a part of a guest OS's name or version" },
        { "version", set_version, "a part of an integration services version" },
        { "sort", set_sort, "state, name, host, cluster, version, os, since, guests or drifted" },
        { "order", set_order, "asc or desc" },
        { "page", set_number, "a page's number, from 1" },
        { "after", set_after, "a VM's id" },
        { "hosts", set_hosts_number, "a page's number, from 1" },
        { "format", set_format, "html, and csv or json where guests are listed" },
    };

    if (q->page == WEB_INCIDENTS)
        return web_incident_filter_set(&q->incidents, key, value);
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(parameters[i].key, key) != 0)
            continue;
        if (value == NULL || value[0] == '\0' || parameters[i].set(q, value))
            return NULL;
        return parameters[i].expected;
    }
    return "one of state, q, os, version, sort, order, page, after, hosts and format";
}

bool web_query_filters(const struct web_query *q)
{
    return q->state != WEB_ANY_STATE || q->text[0] != '\0' || q->os[0] != '\0' || q->version[0] != '\0';
}

/* ---- addresses -------------------------------------------------------------------- */

void web_put_encoded(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL)
            buf_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

static void put_parameter(struct buf *out, bool *first, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    buf_printf(out, "%s%s=", *first ? "?" : "&amp;", key);
    web_put_encoded(out, value);
    *first = false;
}

static void put_number(struct buf *out, bool *first, const char *key, int64_t number)
{
    if (number <= 1)
        return;
    buf_printf(out, "%s%s=%lld", *first ? "?" : "&amp;", key, (long long)number);
    *first = false;
}

void web_query_address(const struct web_query *q, struct buf *out)
{
    bool first = true;

    buf_str(out, paths[q->page]);
    if (q->page == WEB_INCIDENTS) {
        web_incident_filter_address(&q->incidents, out);
        return;
    }
    if (q->page != WEB_FLEET && q->page != WEB_GUESTS)
        web_put_encoded(out, q->name);
    if (q->state != WEB_ANY_STATE)
        put_parameter(out, &first, "state", drift_state_name((enum drift_state)q->state));
    put_parameter(out, &first, "q", q->text);
    put_parameter(out, &first, "os", q->os);
    put_parameter(out, &first, "version", q->version);
    put_parameter(out, &first, "sort", web_sort_word(q->sort));
    put_parameter(out, &first, "order", q->descending ? "desc" : "");
    put_number(out, &first, "page", q->number);
    put_parameter(out, &first, "after", q->after);
    put_number(out, &first, "hosts", q->hosts_number);
    put_parameter(out, &first, "format", q->format == WEB_CSV ? "csv" : q->format == WEB_JSON ? "json" : "");
}
