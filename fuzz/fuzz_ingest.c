/* From a request's body to committed rows: unpacking, decoding, applying.
 *
 * The first byte chooses encoding and content type; the rest is the body.  Each
 * input gets a store of its own, in memory, so that a finding replays from its
 * input alone.  What must hold beside "no crash": applying the same request
 * again stores nothing. */
#include "base/log.h"
#include "hub/decompress.h"
#include "hub/fleet_store.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNPACKED_MAX = 256 * 1024, RECORDS_MAX = 500, ARENA_MAX = 4 * 1024 * 1024, ENCODINGS = 3 };

static int64_t still(const struct clock *c)
{
    (void)c;
    return INT64_C(1769846400000000000);
}

static struct fleet_store *open_store(void)
{
    static const struct clock clock = { .wall_ns = still, .monotonic_ns = still };
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = {
        .path = ":memory:", .keep_ns = INT64_MAX / 4, .foreign_max = 5, .floors = &floors, .clock = &clock
    };
    struct fleet_store *s = NULL;

    return fleet_store_open(&s, &options, NULL) == 0 ? s : NULL;
}

static int decode(uint8_t choice, const struct buf *body, struct otlp_request *out)
{
    struct otlp_limits limits = { RECORDS_MAX, ARENA_MAX, 8 };
    struct err e;

    if ((choice & 0x80) != 0)
        return otlp_decode_json(buf_text(body), body->len, &limits, out, &e);
    return otlp_decode(buf_text(body), body->len, &limits, out, &e);
}

static void apply(struct otlp_request *request)
{
    struct fleet_store *s = open_store();
    struct fleet_batch first = { .request = request }, again = { .request = request };
    struct fleet_batch ahead = { .request = request, .ahead = true };
    bool more;

    if (s == NULL)
        return;
    if (fleet_store_apply(s, &first, 1, NULL) == 0 && fleet_store_apply(s, &again, 1, NULL) == 0) {
        assert(again.stored == 0);
        assert(again.duplicates == first.stored + first.duplicates);
        assert(again.acked_through == first.acked_through);
    }
    if (fleet_store_apply(s, &ahead, 1, NULL) == 0)
        assert(ahead.stored + ahead.duplicates + ahead.foreign == 0 && !ahead.one_agent);
    (void)!fleet_store_upkeep(s, &more, NULL);
    fleet_store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_request request;
    struct buf body;
    struct err e;

    if (size == 0)
        return 0;
    log_set_level(LOG_ERROR); /* holes are on every second line otherwise */
    buf_init(&body, UNPACKED_MAX);
    if (body_unpack((enum body_encoding)((data[0] & 0x7f) % ENCODINGS), data + 1, size - 1, &body, &e) == 0) {
        if (decode(data[0], &body, &request) == 0)
            apply(&request);
        otlp_request_free(&request);
    }
    buf_free(&body);
    return 0;
}
