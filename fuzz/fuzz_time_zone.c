/* Any bytes as a zone file: no crash, and offsets and moments that stay within a day or so. */
#include "config/time_zone.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = { 0, 1769846400, 4102444800, -2208988800, 32503680000 };
    enum { FAR = 200 * 3600 };
    struct time_zone *z;

    if (time_zone_read(&z, "fuzz", data, size, NULL) != 0)
        return 0;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t moment = time_zone_moment(z, times[i]), offset = time_zone_offset(z, times[i]);

        assert(offset < FAR && offset > -FAR);
        assert(moment - times[i] < FAR && times[i] - moment < FAR);
    }
    time_zone_free(z);
    return 0;
}
