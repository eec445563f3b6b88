/* The few events that a table of fields cannot describe.
 *
 * Guest crash (Worker 18590, hyperv.md A.3): five numbers and a text, as the
 * guest wrote them to its crash registers (crash_registers.h).
 */
#include "collectors/crash_registers.h"
#include "collectors/event_apply.h"
#include "collectors/event_rules.h"
#include "model/identity.h"

#include <string.h>

enum { FIRST_CODE = 3 };

struct crash {
    uint64_t code[CRASH_REGISTERS];
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

    for (int i = 0; i < CRASH_REGISTERS; i++) {
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
    at = place_of(event, "VmErrorMessage", FIRST_CODE + CRASH_REGISTERS);
    crash->message = event_field(event, at, &crash->message_len);
    used[at <= event->field_count ? at : 0] = true;
    return true;
}

bool crash_report(const struct event *event, struct observation *o, bool *used)
{
    struct crash crash;

    if (!read_crash(event, &crash, used))
        return false;
    crash_registers_put(o, crash.code);
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
