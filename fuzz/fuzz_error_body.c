/* Any bytes as the body of a refusal; the first byte chooses its type.  What
 * comes out is one line that fits. */
#include "transport/error_body.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = { "application/x-protobuf", "application/json", "text/html", NULL };
    char out[256];

    if (size == 0)
        return 0;
    error_body_text(types[data[0] % (sizeof types / sizeof types[0])], data + 1, size - 1, out, sizeof out);
    assert(memchr(out, '\0', sizeof out) != NULL && strpbrk(out, "\r\n\t") == NULL);
    return 0;
}
