/* host.yaml of a capture; see capture.h and docs/bundle.md. */
#include "agent/capture.h"
#include "base/times.h"

#include <string.h>

/* Text between double quotes, as YAML wants it; it was made printable before. */
static void put_quoted(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "%s: \"", key);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_char(out, '\\');
        buf_char(out, *text);
    }
    buf_str(out, "\"\n");
}

static void put_name(struct buf *out, const char *key, const char *name, struct capture_names *names)
{
    char stand_in[CAPTURE_NAME_TEXT_MAX];

    if (names != NULL) {
        capture_host_name(names, name, strlen(name), stand_in);
        name = stand_in;
    }
    put_quoted(out, key, name);
}

static void put_versions(struct buf *out, const struct resource *r)
{
    if (r->is_win6x[0] == '\0' && r->is_win5x[0] == '\0')
        return;
    buf_str(out, "is_version: {");
    if (r->is_win6x[0] != '\0')
        buf_printf(out, "win6x: %s", r->is_win6x);
    if (r->is_win5x[0] != '\0')
        buf_printf(out, "%swin5x: %s", r->is_win6x[0] != '\0' ? ", " : "", r->is_win5x);
    buf_str(out, "}\n");
}

void capture_host_text(const struct resource *facts, int64_t captured_at, struct capture_names *names, struct buf *out)
{
    char time[TIMES_TEXT_MAX];

    put_name(out, "name", facts->host_name[0] != '\0' ? facts->host_name : "unknown", names);
    if (names == NULL && facts->host_id[0] != '\0')
        put_quoted(out, "host_id", facts->host_id);
    if (facts->cluster[0] != '\0')
        put_name(out, "cluster", facts->cluster, names);
    if (facts->os_version[0] != '\0')
        put_quoted(out, "os_version", facts->os_version);
    put_versions(out, facts);
    if (facts->boot_time != 0)
        buf_printf(out, "boot_time: %s\n", times_format(facts->boot_time, time));
    buf_printf(out, "captured_at: %s\n", times_format(captured_at, time));
}
