/* A page's parameters and subject, as an address of the dashboard brings them:
 * "name NUL key NUL value NUL key ...".  What is made of them again must be fit for an attribute. */
#include "base/buf.h"
#include "hub/web_query.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, ADDRESS_MAX = 16 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const struct web_query *q)
{
    struct buf out;

    buf_init(&out, ADDRESS_MAX);
    web_query_address(q, &out);
    if (buf_error(&out) != ERR_OK || buf_text(&out)[0] != '/' || strpbrk(buf_text(&out), "\"'<> \n") != NULL)
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 2] = { 0 };
    const char *at = text + 1, *end;
    struct web_query q;

    if (size < 1 || size > TEXT_MAX)
        return 0;
    memcpy(text, data, size);
    end = text + size;
    if (!web_query_init(&q, (enum web_page)(data[0] % WEB_PAGE_COUNT), at))
        return 0;
    for (at += strlen(at) + 1; at < end; at += strlen(at) + 1) {
        const char *value = at + strlen(at) + 1;

        if (value > end)
            break;
        (void)web_query_set(&q, at, value);
        at = value;
    }
    check_address(&q);
    return 0;
}
