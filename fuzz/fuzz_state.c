/* Any bytes as the kept state of a host or a guest.  The hash that guards the
 * state is put right first, so that the fuzzer gets past it; what is taken is
 * judged, written and taken again. */
#include "model/drift.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HASH_SIZE = 4, INPUT_MAX = 64 * 1024 };

/* The frame of model/state.c around the input. */
static void frame(unsigned char *out, const uint8_t *data, size_t size)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619u;
    for (int i = 0; i < HASH_SIZE; i++)
        out[i] = (unsigned char)(hash >> 8 * i);
    memcpy(out + HASH_SIZE, data, size);
}

static void guest_again(const struct guest *g)
{
    struct guest back;
    struct drift_verdict v;
    struct buf out;

    buf_init(&out, 1024 * 1024);
    if (guest_encode(g, &out, NULL) != 0 || guest_decode(&back, out.data, out.len, NULL) != 0)
        abort();
    drift_evaluate(NULL, g, NULL, NULL, &v);
    buf_free(&out);
}

static void host_again(const struct host *h)
{
    struct host back;
    struct buf out;

    buf_init(&out, 1024 * 1024);
    if (host_encode(h, &out, NULL) != 0 || host_decode(&back, out.data, out.len, NULL) != 0)
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char framed[INPUT_MAX + HASH_SIZE];
    struct guest g;
    struct host h;

    if (size > INPUT_MAX)
        return 0;
    if (guest_decode(&g, data, size, NULL) == 0)
        guest_again(&g);
    frame(framed, data, size);
    if (guest_decode(&g, framed, size + HASH_SIZE, NULL) == 0)
        guest_again(&g);
    if (host_decode(&h, framed, size + HASH_SIZE, NULL) == 0)
        host_again(&h);
    return 0;
}
