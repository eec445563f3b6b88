/* The few events that a table of fields cannot describe.
 *
 * Guest crash (Worker 18590, hyperv.md A.3): five numbers and a text, as the
 * guest wrote them to its crash registers.  Windows writes its bug check code
 * and the four parameters.  Linux writes die code, guest OS id, RIP, driver
 * version, RSP; or, when it hands over its panic message, three zeros, the
 * address of the text and its length.  Linux tells itself by 0x81 in bits
 * 63..56 of the guest OS id, with its version in bits 47..16.  Zeros that are
 * neither are "other": no code is made up for them.
 */
#include "collectors/event_apply.h"
#include "collectors/event_rules.h"
#include "model/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CODES = 5, FIRST_CODE = 3, HEX_MAX = 24, LINUX_ID = 0x81 };

struct crash {
    uint64_t code[CODES];
    const char *message;
    size_t message_len;
};

static int place_of(const struct event *event, const char *name, int at)
{
    int named = event_field_named(event, name);

    return named != 0 ? named : at;
}

static bool read_crash(const struct event *event, struct crash *crash, bool *used)
{
    int at;

    for (int i = 0; i < CODES; i++) {
        char name[] = "VmErrorCode0";
        size_t len;
        const char *text;

        name[sizeof name - 2] = (char)('0' + i);
        at = place_of(event, name, FIRST_CODE + i);
        text = event_field(event, at, &len);
        if (!event_number(text, len, &crash->code[i]))
            return false;
        used[at] = true;
    }
    at = place_of(event, "VmErrorMessage", FIRST_CODE + CODES);
    crash->message = event_field(event, at, &crash->message_len);
    used[at <= event->field_count ? at : 0] = true;
    return true;
}

static void add_hex(struct observation *o, const char *key, int digits, uint64_t value)
{
    char text[HEX_MAX];

    snprintf(text, sizeof text, "0x%0*" PRIx64, digits, value);
    obs_str(o, key, text);
}

static void add_windows(struct observation *o, const struct crash *crash)
{
    static const char *const keys[] = { ATTR_CRASH_PARAM1, ATTR_CRASH_PARAM2, ATTR_CRASH_PARAM3, ATTR_CRASH_PARAM4 };

    add_hex(o, ATTR_CRASH_CODE, 8, crash->code[0]);
    for (int i = 0; i < CODES - 1; i++)
        add_hex(o, keys[i], 16, crash->code[i + 1]);
}

/* Die code, guest OS id, RIP, driver version, RSP. */
static void add_linux(struct observation *o, const struct crash *crash)
{
    uint32_t version = (uint32_t)(crash->code[1] >> 16);
    char text[HEX_MAX * 2];

    snprintf(text, sizeof text, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
    obs_str(o, ATTR_CRASH_KIND, "linux-panic");
    obs_str(o, ATTR_LINUX_VERSION, text);
    add_hex(o, ATTR_LINUX_DIE_CODE, 1, crash->code[0]);
    add_hex(o, ATTR_LINUX_GUEST_ID, 16, crash->code[1]);
    add_hex(o, ATTR_LINUX_RIP, 16, crash->code[2]);
    add_hex(o, ATTR_LINUX_DRIVER, 1, crash->code[3]);
    add_hex(o, ATTR_LINUX_RSP, 16, crash->code[4]);
    event_sentence(o, "{vm}, a Linux {linux} guest, panicked");
}

static void add_linux_message(struct observation *o, const struct crash *crash)
{
    obs_str(o, ATTR_CRASH_KIND, "linux-panic");
    add_hex(o, ATTR_LINUX_TEXT_GPA, 16, crash->code[3]);
    obs_int(o, ATTR_LINUX_TEXT_SIZE, (int64_t)(crash->code[4] & INT64_MAX));
    event_sentence(o, "{vm}, a Linux guest, panicked and handed over its message");
}

static void add_unknown(struct observation *o, const struct crash *crash)
{
    obs_str(o, ATTR_CRASH_KIND, "other");
    for (int i = 0; i < CODES; i++) {
        char key[sizeof ATTR_EVENT_FIELD_N + 12];

        snprintf(key, sizeof key, ATTR_EVENT_FIELD_N, FIRST_CODE + i);
        add_hex(o, key, 16, crash->code[i]);
    }
    event_sentence(o, "{vm} reported a crash without a code");
}

bool crash_report(const struct event *event, struct observation *o, bool *used)
{
    struct crash crash;
    const uint64_t *p = crash.code;

    if (!read_crash(event, &crash, used))
        return false;
    if (p[1] >> 56 == LINUX_ID)
        add_linux(o, &crash);
    else if (p[0] == 0 && p[1] == 0 && p[2] == 0 && p[3] != 0 && p[4] != 0)
        add_linux_message(o, &crash);
    else if (p[0] == 0 && p[1] == 0 && p[2] == 0)
        add_unknown(o, &crash);
    else
        add_windows(o, &crash);
    obs_strn(o, ATTR_CRASH_MESSAGE, crash.message, crash.message_len);
    return true;
}

/* A dump whose name begins with a GUID is of that VM (hyperv.md D, row 4). */
static void vm_of_dump(struct observation *o, const char *path, size_t len)
{
    size_t base = len;
    char guid[GUID_TEXT_MAX];

    while (base > 0 && path[base - 1] != '\\' && path[base - 1] != '/')
        base--;
    if (len - base > GUID_TEXT_MAX - 1 && guid_parse(path + base, GUID_TEXT_MAX - 1, guid))
        obs_str(o, ATTR_VM_ID, guid);
}

/* The last field that looks like a path, without the sentence's full stop. */
bool crash_dump_path(const struct event *event, struct observation *o, bool *used)
{
    for (int at = event->field_count; at >= 1; at--) {
        size_t len;
        const char *text = event_field(event, at, &len);

        if (memchr(text, '\\', len) == NULL && memchr(text, '/', len) == NULL)
            continue;
        if (text[len - 1] == '.')
            len--;
        obs_strn(o, ATTR_DUMP_PATH, text, len);
        vm_of_dump(o, text, len);
        used[at] = true;
        return true;
    }
    return true;
}

bool migration_was_long(const struct event *event, struct observation *o, bool *used)
{
    (void)event;
    (void)used;
    obs_bool(o, ATTR_MIGRATION_LONG, true);
    return true;
}

/* Digits, one dot, digits. */
static bool is_protocol_version(const char *text, size_t len)
{
    size_t dots = 0;

    if (len < 3 || text[0] == '.' || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.')
            dots++;
        else if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return dots == 1;
}

/* The VM id is the GUID; server and client version are the first two that look
 * like "3.2". */
bool mismatch_by_shape(const struct event *event, struct observation *o, bool *used)
{
    static const char *const keys[] = { ATTR_SERVER_VERSION, ATTR_CLIENT_VERSION };
    size_t versions = 0;
    bool found = false;

    for (int at = 1; at <= event->field_count; at++) {
        char guid[GUID_TEXT_MAX];
        size_t len;
        const char *text = event_field(event, at, &len);

        if (!found && guid_parse(text, len, guid)) {
            obs_str(o, ATTR_VM_ID, guid);
            used[at] = found = true;
        } else if (versions < 2 && is_protocol_version(text, len)) {
            obs_strn(o, keys[versions++], text, len);
            used[at] = true;
        }
    }
    return found;
}
