/* What a capture leaves out of events and classes: whatever comes in, what goes
 * out is bounded, and an event that is refused leaves nothing behind.  The first
 * byte chooses between an event and a class, with names or without. */
#include "agent/capture_class.h"
#include "agent/capture_event.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 8 * 1024 * 1024 };

static struct capture_names names;
static struct capture_event *event;
static struct capture_class *named, *nameless;

static void set_up(void)
{
    if (event == NULL &&
        (capture_names_init(&names, NULL) != 0 || capture_event_new(&names, &event, NULL) != 0 ||
         capture_class_new(NULL, &named, NULL) != 0 || capture_class_new(&names, &nameless, NULL) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    struct buf out;
    int unread;

    if (size == 0)
        return 0;
    set_up();
    buf_init(&out, OUT_MAX);
    if (data[0] % 3 == 0) {
        if (capture_event_add(event, text, size - 1, &out, NULL) != 0 && out.len != 0)
            abort();
    } else if (capture_class_add(data[0] % 3 == 1 ? named : nameless, "Msvm_KvpExchangeComponent", text, size - 1, &out,
                                 &unread, NULL) == 0 &&
               unread < 0) {
        abort();
    }
    if (out.len > OUT_MAX)
        abort();
    buf_free(&out);
    return 0;
}
