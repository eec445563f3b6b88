/* Any bytes as the stored JSON of an incident: no crash, and what is taken
 * comes back the same once it was written. */
#include "incidents/incident.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct incident *i, *again;
    struct buf first, second;

    if (incident_from_json((const char *)data, size, &i, NULL) != 0) {
        assert(i == NULL);
        return 0;
    }
    buf_init(&first, 8 * INCIDENT_JSON_MAX);
    buf_init(&second, 8 * INCIDENT_JSON_MAX);
    if (!i->cut && incident_json(i, &first, NULL) == 0 && first.len <= INCIDENT_JSON_MAX &&
        incident_from_json(first.data, first.len, &again, NULL) == 0) {
        assert(incident_json(again, &second, NULL) == 0);
        assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        incident_free(again);
    }
    buf_free(&first);
    buf_free(&second);
    incident_free(i);
    return 0;
}
