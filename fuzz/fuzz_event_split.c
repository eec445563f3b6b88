/* The splitter, over a text that grows: the pieces cover the text without a
 * hole or an overlap, and are the same however the text grew.  The first byte
 * chooses the step. */
#include "collectors/event_split.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum over the events found, in order. */
static uint64_t events_of(const char *text, size_t len, size_t step)
{
    struct split_state state = { false };
    struct split_piece piece = { .kind = SPLIT_WAIT };
    size_t start = 0, end = 0;
    uint64_t sum = 0;

    while (piece.kind != SPLIT_WAIT || end < len) {
        char *window;

        if (piece.kind == SPLIT_WAIT)
            end = end + step < len ? end + step : len;
        window = malloc(end - start + 1); /* so that a read past the end is seen */
        if (window == NULL)
            abort();
        memcpy(window, text + start, end - start);
        event_split_next(&state, window, end - start, &piece);
        assert(piece.end <= end - start);
        assert(piece.kind == SPLIT_WAIT || (piece.start < piece.end && piece.end > 0));
        if (piece.kind == SPLIT_EVENT)
            sum = sum * 1099511628211u + (start + piece.start) * 31 + (start + piece.end);
        free(window);
        start += piece.end;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t step;

    if (size < 2 || size > 1024)
        return 0;
    step = 1 + data[0];
    if (events_of((const char *)data + 1, size - 1, step) != events_of((const char *)data + 1, size - 1, size))
        abort();
    return 0;
}
