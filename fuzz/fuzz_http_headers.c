/* Any bytes as the header lines of an answer: what is taken stays in bounds. */
#include "transport/http_headers.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_reply reply = { .retry_after_ns = -1 };
    const char *line = (const char *)data;

    while (size > 0) {
        const char *end = memchr(line, '\n', size);
        size_t len = end != NULL ? (size_t)(end - line) + 1 : size;

        http_header_take(&reply, line, len, INT64_C(1769846400) * 1000000000);
        assert(reply.retry_after_ns >= -1 && reply.retry_after_ns <= RETRY_AFTER_MAX_NS);
        assert(reply.has_acked_through || reply.acked_through == 0);
        assert(reply.has_send_budget ? reply.send_budget <= SEND_BUDGET_MAX : reply.send_budget == 0);
        assert(reply.send_budgets >= 0 && reply.send_budgets <= 2);
        line += len;
        size -= len;
    }
    return 0;
}
