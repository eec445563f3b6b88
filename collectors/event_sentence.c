/* The readable sentence of an observation, from a rule's template: {device} stands
 * for an attribute, and a part in [] is left out when one of its attributes is
 * missing.  Names come from guests; they were cleaned when the attribute was
 * set, and a long one is cut.
 */
#include "base/text.h"
#include "collectors/event_apply.h"
#include "collectors/event_rules.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_MAX = 2048, VALUE_MAX = 300, NUMBER_TEXT_MAX = 32 };

/* A sentence in the making; what does not fit is left out, which costs no data:
 * all of it stands in the attributes. */
struct sentence {
    char text[SENTENCE_MAX];
    size_t len;
};

static void say(struct sentence *s, const char *text, size_t len)
{
    size_t room = sizeof s->text - s->len;

    s->len += text_clean(s->text + s->len, room < VALUE_MAX ? room : VALUE_MAX, text, len, NULL);
}

static void say_str(struct sentence *s, const char *text)
{
    say(s, text, strlen(text));
}

static void say_value(struct sentence *s, const struct attr *a)
{
    char number[NUMBER_TEXT_MAX];

    if (a->type == ATTR_STRING) {
        say(s, a->str, a->len);
        return;
    }
    if (a->type == ATTR_DOUBLE)
        snprintf(number, sizeof number, "%g", a->real);
    else
        snprintf(number, sizeof number, "%" PRId64, a->num);
    say_str(s, number);
}

/* "VM 'name'", "VM <id>" or "a VM". */
static bool say_vm(struct sentence *s, const struct observation *o)
{
    const char *name = obs_get_str(o, ATTR_VM_NAME), *id = obs_get_str(o, ATTR_VM_ID);

    say_str(s, name[0] != '\0' ? "VM '" : id[0] != '\0' ? "VM " : "a VM");
    say_str(s, name[0] != '\0' ? name : id);
    say_str(s, name[0] != '\0' ? "'" : "");
    return true;
}

static bool say_pair(struct sentence *s, const struct observation *o, const char *negotiated, const char *expected)
{
    const struct attr *a = obs_attr(o, negotiated), *b = obs_attr(o, expected);

    if (a == NULL || b == NULL)
        return false;
    say_str(s, "negotiated ");
    say_value(s, a);
    say_str(s, ", expected ");
    say_value(s, b);
    return true;
}

static bool say_framework(struct sentence *s, const struct observation *o)
{
    return say_pair(s, o, ATTR_FRAMEWORK_NEGOTIATED, ATTR_FRAMEWORK_EXPECTED);
}

static bool say_message(struct sentence *s, const struct observation *o)
{
    return say_pair(s, o, ATTR_MESSAGE_NEGOTIATED, ATTR_MESSAGE_EXPECTED);
}

static const struct placeholder {
    const char *name, *key;
    const char *missing; /* said where the attribute is missing, outside of [] */
    bool (*say)(struct sentence *s, const struct observation *o); /* instead of key */
} placeholders[] = {
    { "vm", NULL, NULL, say_vm },
    { "framework", NULL, NULL, say_framework },
    { "message", NULL, NULL, say_message },
    { "service", ATTR_IC_SERVICE, "An integration service", NULL },
    { "device", ATTR_DEVICE, "a device", NULL },
    { "status", ATTR_STATUS, "unknown", NULL },
    { "peer", ATTR_MIGRATION_PEER, "unknown", NULL },
    { "object", ATTR_CLUSTER_OBJECT, "unknown", NULL },
    { "reason", ATTR_VM_REASON, "unknown", NULL },
    { "code", ATTR_CRASH_CODE, "unknown", NULL },
    { "linux", ATTR_LINUX_VERSION, "unknown", NULL },
    { "p1", ATTR_CRASH_PARAM1, "unknown", NULL },
    { "p2", ATTR_CRASH_PARAM2, "unknown", NULL },
    { "p3", ATTR_CRASH_PARAM3, "unknown", NULL },
    { "p4", ATTR_CRASH_PARAM4, "unknown", NULL },
    { "server", ATTR_SERVER_VERSION, "unknown", NULL },
    { "client", ATTR_CLIENT_VERSION, "unknown", NULL },
    { "installed", ATTR_INSTALLED_VERSION, "unknown", NULL },
    { "offered", ATTR_UPGRADE_VERSION, "unknown", NULL },
    { "path", ATTR_DUMP_PATH, "unknown", NULL },
    { "blackout", ATTR_MIGRATION_BLACKOUT, "unknown", NULL },
    { "latency", ATTR_LATENCY_MS, "unknown", NULL },
    { "silent", ATTR_CLUSTER_SILENT, "unknown", NULL },
};

/* True when the attribute is there. */
static bool say_placeholder(struct sentence *s, const struct observation *o, const char *name, size_t len)
{
    const struct placeholder *p = placeholders;
    const struct attr *a;

    while (strlen(p->name) != len || memcmp(p->name, name, len) != 0) {
        p++;
        assert(p < placeholders + sizeof placeholders / sizeof placeholders[0]);
    }
    if (p->say != NULL)
        return p->say(s, o);
    a = obs_attr(o, p->key);
    if (a != NULL)
        say_value(s, a);
    else
        say_str(s, p->missing);
    return a != NULL;
}

void event_sentence(struct observation *o, const char *template)
{
    struct sentence s;
    size_t section = 0;
    bool whole = true;

    s.len = 0;
    while (*template != '\0') {
        size_t plain = strcspn(template, "[]{");

        say(&s, template, plain);
        template += plain;
        if (*template == '{') {
            size_t len = strcspn(template + 1, "}");

            whole &= say_placeholder(&s, o, template + 1, len);
            template += len + 1;
        } else if (*template == '[') {
            section = s.len;
            whole = true;
        } else if (*template == ']' && !whole) {
            s.len = section;
        }
        template += *template != '\0';
    }
    obs_bodyn(o, s.text, s.len);
}
