/* What the list of incidents is asked for (web_query.h). */
#include "base/text.h"
#include "hub/fleet_report.h"
#include "hub/web_query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ID_CHARS = WEB_INCIDENT_ID_MAX - 1 };

static bool take_text(char *dst, size_t size, const char *value)
{
    size_t len = strlen(value);

    if (len >= size)
        return false;
    text_clean(dst, size, value, len, NULL);
    return true;
}

static bool set_cluster(struct web_incident_filter *f, const char *value)
{
    return take_text(f->cluster, sizeof f->cluster, value);
}

static bool set_host(struct web_incident_filter *f, const char *value)
{
    return take_text(f->host, sizeof f->host, value);
}

static bool set_vm(struct web_incident_filter *f, const char *value)
{
    return guid_parse(value, strlen(value), f->vm);
}

static bool set_module(struct web_incident_filter *f, const char *value)
{
    return take_text(f->module, sizeof f->module, value);
}

/* As people write it: 0xD1, d1, 0x000000d1. */
static bool set_code(struct web_incident_filter *f, const char *value)
{
    char *end;
    unsigned long long n;

    if (strspn(value, "0123456789abcdefABCDEFxX") != strlen(value))
        return false;
    errno = 0;
    n = strtoull(value, &end, 16);
    if (errno != 0 || end == value || *end != '\0' || n > UINT32_MAX)
        return false;
    f->code = (int64_t)n;
    return true;
}

/* Whether it is in the past is known when the page is made. */
static bool set_since(struct web_incident_filter *f, const char *value)
{
    int64_t at;

    return report_since_parse(value, INT64_MAX, &at) && take_text(f->since, sizeof f->since, value);
}

static bool set_order(struct web_incident_filter *f, const char *value)
{
    f->oldest_first = strcmp(value, "asc") == 0;
    return f->oldest_first || strcmp(value, "desc") == 0;
}

/* "1706688000000000000.0123456789abcdef" */
static bool set_after(struct web_incident_filter *f, const char *value)
{
    char time[24];
    const char *dot = strchr(value, '.');
    uint64_t n;

    if (dot == NULL || (size_t)(dot - value) >= sizeof time || strlen(dot + 1) != ID_CHARS ||
        strspn(dot + 1, "0123456789abcdef") != ID_CHARS)
        return false;
    memcpy(time, value, (size_t)(dot - value));
    time[dot - value] = '\0';
    if (!text_u64(time, &n) || n == 0 || n > INT64_MAX)
        return false;
    f->after_time = (int64_t)n;
    text_copy(f->after_id, sizeof f->after_id, dot + 1);
    return true;
}

const char *web_incident_filter_set(struct web_incident_filter *f, const char *key, const char *value)
{
    static const struct {
        const char *key;
        bool (*set)(struct web_incident_filter *f, const char *value);
        const char *expected;
    } parameters[] = {
        { "cluster", set_cluster, "a cluster's name" },
        { "host", set_host, "a host's name or id" },
        { "vm", set_vm, "a VM's id, a GUID" },
        { "module", set_module, "a driver's file name, storvsc.sys" },
        { "code", set_code, "a bug check's code, 0xD1" },
        { "since", set_since, "a time, 2026-01-31T08:00:00Z, or a length, 7d" },
        { "order", set_order, "asc (the oldest first) or desc" },
        { "after", set_after, "what the link to the next page has" },
    };

    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(parameters[i].key, key) != 0)
            continue;
        if (value == NULL || value[0] == '\0' || parameters[i].set(f, value))
            return NULL;
        return parameters[i].expected;
    }
    return "one of cluster, host, vm, module, code, since, order and after";
}

static void put(struct buf *out, bool *first, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    buf_printf(out, "%s%s=", *first ? "?" : "&amp;", key);
    web_put_encoded(out, value);
    *first = false;
}

void web_incident_filter_address(const struct web_incident_filter *f, struct buf *out)
{
    bool first = true;

    put(out, &first, "cluster", f->cluster);
    put(out, &first, "host", f->host);
    put(out, &first, "vm", f->vm);
    put(out, &first, "module", f->module);
    if (f->code >= 0)
        buf_printf(out, "%scode=0x%" PRIx64, first ? "?" : "&amp;", (uint64_t)f->code);
    first = first && f->code < 0;
    put(out, &first, "since", f->since);
    put(out, &first, "order", f->oldest_first ? "asc" : "");
    if (f->after_id[0] != '\0')
        buf_printf(out, "%safter=%" PRId64 ".%s", first ? "?" : "&amp;", f->after_time, f->after_id);
}
