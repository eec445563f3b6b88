/* See event_apply.h and event_rules.h.
 *
 * An observation that turns out not to fit is taken back from the batch's end
 * (its memory stays in the arena until the batch goes).
 */
#include "collectors/event_apply.h"

#include "base/text.h"
#include "collectors/event_rules.h"
#include "model/identity.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_TEXT_MAX = 32 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *event_field(const struct event *event, int at, size_t *len)
{
    const char *text = "";
    size_t n = 0;

    if (at >= 1 && at <= event->field_count) {
        text = event->fields[at - 1].value;
        n = event->fields[at - 1].len;
    }
    while (n > 0 && is_blank(*text)) {
        text++;
        n--;
    }
    while (n > 0 && is_blank(text[n - 1]))
        n--;
    *len = n;
    return text;
}

int event_field_named(const struct event *event, const char *name)
{
    for (int i = 0; i < event->field_count; i++) {
        if (strcmp(event->fields[i].name, name) == 0)
            return i + 1;
    }
    return 0;
}

bool event_number(const char *text, size_t len, uint64_t *out)
{
    char copy[NUMBER_TEXT_MAX];

    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return text_u64(copy, out);
}

/* "12.5" or "12,5" (a localised host): at most nine digits before the point. */
static bool seconds(const char *text, size_t len, double *out)
{
    double value = 0, unit = 1;
    size_t digits = 0, i = 0;

    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++, digits++)
        value = value * 10 + (text[i] - '0');
    if (digits == 0 || digits > 9 || (i < len && text[i] != '.' && text[i] != ','))
        return false;
    for (i++; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        unit /= 10;
        value += (text[i] - '0') * unit;
    }
    if (i < len)
        return false;
    *out = value;
    return true;
}

/* The next "3.0" in text from *at on: its place and length. */
static bool next_pair(const char *text, size_t len, size_t *at, const char **found, size_t *found_len)
{
    for (size_t i = *at; i < len; i++) {
        size_t start = i, dot;

        while (i < len && text[i] >= '0' && text[i] <= '9')
            i++;
        dot = i;
        if (dot == start || dot + 1 >= len || text[dot] != '.' || text[dot + 1] < '0' || text[dot + 1] > '9')
            continue;
        i++;
        while (i < len && text[i] >= '0' && text[i] <= '9')
            i++;
        *found = text + start;
        *found_len = i - start;
        *at = i;
        return true;
    }
    return false;
}

/* "Negotiated (3.0) - Expected (3.0)", the words in any language. */
static bool use_pair(struct observation *o, const char *text, size_t len, const char *negotiated, const char *expected)
{
    const char *a, *b;
    size_t a_len, b_len, at = 0;

    if (!next_pair(text, len, &at, &a, &a_len) || !next_pair(text, len, &at, &b, &b_len))
        return false;
    obs_strn(o, negotiated, a, a_len);
    obs_strn(o, expected, b, b_len);
    return true;
}

static bool use_number(struct observation *o, const struct event_use *use, const char *text, size_t len)
{
    char code[NUMBER_TEXT_MAX];
    uint64_t n;

    if (!event_number(text, len, &n) || n > INT64_MAX)
        return false;
    if (use->as == AS_MS) {
        obs_int(o, use->key, (int64_t)n);
        return true;
    }
    snprintf(code, sizeof code, "0x%08llx", (unsigned long long)n);
    obs_str(o, use->key, code);
    return true;
}

static bool use_seconds(struct observation *o, const struct event_use *use, const char *text, size_t len)
{
    double value;

    if (!seconds(text, len, &value))
        return false;
    obs_double(o, use->key, value);
    return true;
}

static bool use_vm_id(struct observation *o, const char *text, size_t len)
{
    static const char nobody[] = "00000000-0000-0000-0000-000000000000";
    char guid[GUID_TEXT_MAX];

    if (!guid_parse(text, len, guid) || strcmp(guid, nobody) == 0)
        return false;
    obs_str(o, ATTR_VM_ID, guid);
    return true;
}

static bool use_version(struct observation *o, const struct event_use *use, const char *text, size_t len)
{
    char copy[VERSION_TEXT_MAX];
    struct version v;

    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (version_parse(copy, &v) < 2)
        return false;
    obs_str(o, use->key, copy);
    return true;
}

/* Takes one field as the rule says; false when it is not of that shape. */
static bool use_text(struct observation *o, const struct event_use *use, const char *text, size_t len)
{
    switch ((enum event_use_as)use->as) {
    case AS_VM_NAME:
        obs_strn(o, ATTR_VM_NAME, text, len);
        return true;
    case AS_VM_ID:
        return use_vm_id(o, text, len);
    case AS_TEXT:
        obs_strn(o, use->key, text, len);
        return true;
    case AS_SECONDS:
        return use_seconds(o, use, text, len);
    case AS_MS:
    case AS_CODE:
        return use_number(o, use, text, len);
    case AS_FRAMEWORK:
        return use_pair(o, text, len, ATTR_FRAMEWORK_NEGOTIATED, ATTR_FRAMEWORK_EXPECTED);
    case AS_MESSAGE:
        return use_pair(o, text, len, ATTR_MESSAGE_NEGOTIATED, ATTR_MESSAGE_EXPECTED);
    case AS_VERSION:
        return use_version(o, use, text, len);
    }
    assert(!"an unknown way to use a field");
    return false;
}

static bool is_last(const struct event_use *use)
{
    return use->at == 0 && use->name == NULL;
}

/* Where each use's field is: by name first, so that a field which a newer host
 * put in between does not shift the others, then by position where no name
 * claimed that. */
static int resolve(const struct event *event, const struct event_use *uses, int places[EVENT_USES_MAX])
{
    bool claimed[EVENT_FIELDS_MAX + 1] = { false };
    int n = 0;

    for (; uses != NULL && !is_last(&uses[n]); n++) {
        assert(n < EVENT_USES_MAX);
        places[n] = uses[n].name != NULL ? event_field_named(event, uses[n].name) : 0;
        claimed[places[n]] = true;
    }
    for (int i = 0; i < n; i++) {
        assert(uses[i].at <= EVENT_FIELDS_MAX);
        if (places[i] == 0 && !claimed[uses[i].at])
            places[i] = uses[i].at;
    }
    return n;
}

/* Fields that have a key of their own are marked in used[] (by position). */
static bool apply_uses(const struct event *event, const struct event_rule *rule, struct observation *o,
                       bool used[EVENT_FIELDS_MAX + 1])
{
    int places[EVENT_USES_MAX], n = resolve(event, rule->uses, places);

    for (int i = 0; i < n; i++) {
        size_t len;
        const char *text = event_field(event, places[i], &len);
        bool taken = len > 0 && use_text(o, &rule->uses[i], text, len);

        if (!taken && rule->uses[i].required)
            return false;
        if (taken)
            used[places[i]] = true;
    }
    return true;
}

static void add_fields(const struct event *event, struct observation *o, const bool used[EVENT_FIELDS_MAX + 1])
{
    for (int at = 1; at <= event->field_count; at++) {
        char key[sizeof ATTR_EVENT_FIELD_N + 12];
        size_t len;
        const char *text = event_field(event, at, &len);

        if (used[at] || len == 0)
            continue;
        snprintf(key, sizeof key, ATTR_EVENT_FIELD_N, at);
        obs_strn(o, key, text, len);
    }
    if (event->cut)
        o->cut = true;
}

static void add_system(const struct event *event, struct observation *o)
{
    obs_str(o, ATTR_CHANNEL, event->channel);
    obs_str(o, ATTR_PROVIDER, event->provider);
    obs_int(o, ATTR_EVENT_ID, event->id);
    if (event->record_id != 0)
        obs_int(o, ATTR_RECORD_ID, (int64_t)event->record_id);
    obs_str(o, ATTR_COMPUTER, event->computer);
    if (event->level != 0)
        obs_int(o, ATTR_LEVEL, event->level);
    obs_str(o, ATTR_USER_SID, event->user_sid);
}

/* The VM's own account, where the event does not name the VM. */
static void add_vm_of_sid(const struct event *event, struct observation *o)
{
    char guid[GUID_TEXT_MAX];

    if (obs_attr(o, ATTR_VM_ID) == NULL && guid_from_vm_sid(event->user_sid, guid))
        obs_str(o, ATTR_VM_ID, guid);
}

static bool is_about_guest(enum obs_kind kind)
{
    return kind == OBS_GUEST_VERSION_MISMATCH || kind == OBS_GUEST_VERSION_OK || kind == OBS_GUEST_LIFECYCLE ||
           kind == OBS_GUEST_CRASH || kind == OBS_GUEST_MIGRATION;
}

static void add_words(const struct event_rule *rule, const char *service, struct observation *o)
{
    static const struct {
        const char *word, *detail;
    } keys[OBS_KIND_COUNT] = {
        [OBS_GUEST_VERSION_MISMATCH] = { ATTR_MISMATCH_SIGNAL, ATTR_VM_REASON },
        [OBS_GUEST_VERSION_OK] = { ATTR_MISMATCH_SIGNAL, ATTR_VM_REASON },
        [OBS_GUEST_LIFECYCLE] = { ATTR_VM_CHANGE, ATTR_VM_REASON },
        [OBS_GUEST_CRASH] = { ATTR_CRASH_KIND, ATTR_VM_REASON },
        [OBS_GUEST_MIGRATION] = { ATTR_MIGRATION_PHASE, ATTR_MIGRATION_KIND },
        [OBS_HOST_STORAGE] = { ATTR_SIGNAL, ATTR_VM_REASON },
        [OBS_HOST_CLUSTER] = { ATTR_SIGNAL, ATTR_VM_REASON },
        [OBS_EVENT_RAW] = { ATTR_SIGNAL, ATTR_VM_REASON },
    };

    assert(keys[rule->kind].word != NULL);
    obs_str(o, keys[rule->kind].word, rule->word);
    obs_str(o, keys[rule->kind].detail, rule->detail);
    if (rule->service != NULL)
        service = rule->service;
    if (is_about_guest(rule->kind))
        obs_str(o, ATTR_IC_SERVICE, service);
}

struct applying {
    const struct event *event;
    const struct event_provider *provider;
    int64_t observed_ns;
    struct obs_batch *batch;
};

static struct observation *start(const struct applying *a, enum obs_kind kind)
{
    struct observation *o = obs_new(a->batch, kind, a->event->time_ns, a->observed_ns);

    add_system(a->event, o);
    return o;
}

/* Takes the newest observation back. */
static void take_back(struct obs_batch *batch, struct observation *before)
{
    batch->last = before;
    if (before != NULL)
        before->next = NULL;
    else
        batch->first = NULL;
    batch->count--;
}

static bool apply_rule(const struct applying *a, const struct event_rule *rule)
{
    struct observation *before = a->batch->last, *o = start(a, rule->kind);
    bool used[EVENT_FIELDS_MAX + 1] = { false }, fits;

    o->severity = rule->severity;
    add_words(rule, a->provider->service, o);
    fits = apply_uses(a->event, rule, o, used) && (rule->special == NULL || rule->special(a->event, o, used));
    if (fits)
        add_vm_of_sid(a->event, o);
    if (fits && is_about_guest(rule->kind) && (rule->flags & RULE_NO_VM) == 0)
        fits = obs_attr(o, ATTR_VM_ID) != NULL;
    if (!fits) {
        if (a->batch->last == o)
            take_back(a->batch, before);
        return a->batch->failed;
    }
    add_fields(a->event, o, used);
    if (o->body[0] == '\0')
        event_sentence(o, rule->body);
    return true;
}

static bool apply_rules(const struct applying *a, enum host_generation host)
{
    unsigned on = event_host_bit(host);
    size_t count;
    const struct event_rule *rules = event_rules_find(a->provider, a->event->id, &count);

    for (size_t i = 0; i < count; i++) {
        if ((rules[i].hosts & on) == 0 || !apply_rule(a, &rules[i]))
            continue;
        while ((rules[i].flags & RULE_AND_NEXT) != 0) {
            i++;
            assert(i < count);
            (void)apply_rule(a, &rules[i]);
        }
        return true;
    }
    return false;
}

/* Everything as it came: where a name says what a field is, under its key too. */
static void keep_raw(const struct applying *a, const char *xml, size_t xml_len)
{
    static const struct event_use named[] = { { 0, AS_VM_NAME, false, "VmName", NULL },
                                              { 0, AS_VM_ID, false, "VmId", NULL },
                                              { 0, 0, false, NULL, NULL } };
    static const struct event_rule raw = { .kind = OBS_EVENT_RAW, .uses = named };
    static const bool none[EVENT_FIELDS_MAX + 1];
    struct observation *o = start(a, OBS_EVENT_RAW);
    bool used[EVENT_FIELDS_MAX + 1] = { false };

    (void)apply_uses(a->event, &raw, o, used);
    add_vm_of_sid(a->event, o);
    obs_strn(o, ATTR_EVENT_XML, xml, xml_len);
    add_fields(a->event, o, none);
    obs_body(o, "Event %u of %s, which no rule knows in this shape", a->event->id, a->event->provider);
}

bool event_apply(const struct event *event, enum host_generation host, const char *xml, size_t xml_len,
                 int64_t observed_ns, struct obs_batch *batch)
{
    struct applying a = {
        .event = event, .provider = event_provider_find(event->provider), .observed_ns = observed_ns, .batch = batch
    };

    if (a.provider == NULL || a.provider->watch == WATCH_NOT)
        return false;
    if (apply_rules(&a, host))
        return true;
    if (a.provider->watch != WATCH_RAW || event_is_noise(event->provider, event->id, host))
        return false;
    keep_raw(&a, xml, xml_len);
    return true;
}
