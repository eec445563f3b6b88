/* The mark of an event channel: whatever text it is, it is refused or comes
 * back as it was, and no verdict breaks it. */
#include "plat/event_channel_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct channel_info now = { 0 };
    struct channel_mark m, again;
    size_t head = size < sizeof now ? size : sizeof now;
    char *text = malloc(size - head + 1);
    struct buf out;

    if (text == NULL)
        return 0;
    memcpy(&now, data, head);
    memcpy(text, data + head, size - head);
    text[size - head] = '\0';
    buf_init(&out, CHANNEL_MARK_MAX);
    if (channel_mark_parse(text, &m)) {
        for (int evidence = EVIDENCE_NONE; evidence <= EVIDENCE_GONE; evidence++) {
            struct channel_mark after = m;

            channel_mark_follow(&after, &now, channel_judge(&m, &now, (enum channel_evidence)evidence));
            buf_clear(&out);
            channel_mark_write(&after, &out);
            assert(buf_error(&out) == ERR_OK);
            assert(channel_mark_parse(buf_text(&out), &again));
            assert(memcmp(&after, &again, offsetof(struct channel_mark, bookmark)) == 0);
            assert(strcmp(after.bookmark, again.bookmark) == 0);
        }
    }
    buf_free(&out);
    free(text);
    return 0;
}
