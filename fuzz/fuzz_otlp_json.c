/* Any bytes as an OTLP request in JSON; what is taken is reduced into a fleet. */
#include "model/fleet.h"
#include "model/otlp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_limits limits = { .records_max = 64, .arena_max = 4 * 1024 * 1024, .depth_max = 4 };
    struct otlp_request r;
    struct fleet *f;

    if (otlp_decode_json((const char *)data, size, &limits, &r, NULL) != 0)
        return 0;
    f = fleet_new(NULL);
    for (const struct otlp_group *g = r.groups; f != NULL && g != NULL; g = g->next) {
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next) {
            if (fleet_apply(f, &g->resource, o, NULL) != 0)
                abort();
        }
    }
    if (f != NULL)
        fleet_evaluate(f);
    fleet_free(f);
    otlp_request_free(&r);
    return 0;
}
