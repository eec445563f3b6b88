/* The addresses people ask for: decoding never grows a text, never ends it early, and leaves no encoding of a NUL
 * decoded; names in a Host header are judged without a fault. */
#include "hub/limits_host.h"
#include "hub/limits_path.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    size_t before, len;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    before = strlen(text);
    (void)host_expected(text, "hub.example.com\nhub");
    (void)host_expected("hub", text);
    len = path_decode(text);
    assert(len <= before && strlen(text) == len);
    free(text);
    return 0;
}
