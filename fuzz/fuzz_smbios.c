/* The firmware's table: any bytes end in a UUID's 36 characters or in none. */
#include "plat/smbios.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[GUID_TEXT_MAX];
    bool found = smbios_uuid(data, size, out);

    if (strlen(out) != (found ? GUID_TEXT_MAX - 1 : 0))
        abort();
    return 0;
}
