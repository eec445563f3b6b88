/* See crash_registers.h. */
#include "collectors/crash_registers.h"

#include "collectors/event_apply.h"
#include "collectors/event_rules.h"

#include <inttypes.h>
#include <stdio.h>

enum { HEX_MAX = 24, LINUX_ID = 0x81, FIRST_FIELD = 3 };

static void add_hex(struct observation *o, const char *key, int digits, uint64_t value)
{
    char text[HEX_MAX];

    snprintf(text, sizeof text, "0x%0*" PRIx64, digits, value);
    obs_str(o, key, text);
}

static void add_windows(struct observation *o, const uint64_t *p)
{
    static const char *const keys[] = { ATTR_CRASH_PARAM1, ATTR_CRASH_PARAM2, ATTR_CRASH_PARAM3, ATTR_CRASH_PARAM4 };

    add_hex(o, ATTR_CRASH_CODE, 8, p[0]);
    for (int i = 0; i < CRASH_REGISTERS - 1; i++)
        add_hex(o, keys[i], 16, p[i + 1]);
}

/* Die code, guest OS id, RIP, driver version, RSP. */
static void add_linux(struct observation *o, const uint64_t *p)
{
    uint32_t version = (uint32_t)(p[1] >> 16);
    char text[HEX_MAX * 2];

    snprintf(text, sizeof text, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
    obs_str(o, ATTR_CRASH_KIND, "linux-panic");
    obs_str(o, ATTR_LINUX_VERSION, text);
    add_hex(o, ATTR_LINUX_DIE_CODE, 1, p[0]);
    add_hex(o, ATTR_LINUX_GUEST_ID, 16, p[1]);
    add_hex(o, ATTR_LINUX_RIP, 16, p[2]);
    add_hex(o, ATTR_LINUX_DRIVER, 1, p[3]);
    add_hex(o, ATTR_LINUX_RSP, 16, p[4]);
    event_sentence(o, "{vm}, a Linux {linux} guest, panicked");
}

static void add_linux_message(struct observation *o, const uint64_t *p)
{
    obs_str(o, ATTR_CRASH_KIND, "linux-panic");
    add_hex(o, ATTR_LINUX_TEXT_GPA, 16, p[3]);
    obs_int(o, ATTR_LINUX_TEXT_SIZE, (int64_t)(p[4] & INT64_MAX));
    event_sentence(o, "{vm}, a Linux guest, panicked and handed over its message");
}

static void add_unknown(struct observation *o, const uint64_t *p)
{
    obs_str(o, ATTR_CRASH_KIND, "other");
    for (int i = 0; i < CRASH_REGISTERS; i++) {
        char key[sizeof ATTR_EVENT_FIELD_N + 12];

        snprintf(key, sizeof key, ATTR_EVENT_FIELD_N, FIRST_FIELD + i);
        add_hex(o, key, 16, p[i]);
    }
    event_sentence(o, "{vm} reported a crash without a code");
}

void crash_registers_put(struct observation *o, const uint64_t p[CRASH_REGISTERS])
{
    if (p[1] >> 56 == LINUX_ID)
        add_linux(o, p);
    else if (p[0] == 0 && p[1] == 0 && p[2] == 0 && p[3] != 0 && p[4] != 0)
        add_linux_message(o, p);
    else if (p[0] == 0 && p[1] == 0 && p[2] == 0)
        add_unknown(o, p);
    else
        add_windows(o, p);
}
