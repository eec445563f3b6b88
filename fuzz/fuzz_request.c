/* The words of a request to the hub: "name NUL value NUL name NUL value ...", each pair as a header and the value as
 * what a query string, an Accept or an Authorization may hold.  What is taken is in bounds. */
#include "hub/auth.h"
#include "hub/fleet_report.h"
#include "hub/limits_headers.h"
#include "hub/metrics.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW (INT64_C(1769846400) * 1000000000)

static void take_value(const char *value)
{
    enum report_format format;
    char name[AUTH_NAME_MAX];
    int64_t since = NOW;

    if (report_since_parse(value, NOW, &since))
        assert(since <= NOW);
    if (report_format_parse(value, &format))
        assert(report_format_type(format) != NULL);
    (void)metrics_type(metrics_negotiate(value));
    auth_token_name(value, name);
    assert(memchr(name, '\0', sizeof name) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header_check check = { 0 };
    char *text = malloc(size + 2);
    const char *at = text, *end;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = text[size + 1] = '\0';
    for (end = text + size; at < end; at += strlen(at) + 1) {
        const char *value = at + strlen(at) + 1;

        header_check(&check, at, value, strlen(value));
        take_value(value);
        at = value;
        if (at >= end)
            break;
    }
    free(text);
    return 0;
}
