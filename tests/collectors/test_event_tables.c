/* Walks the rule tables: their order, their words, an event of every rule's
 * shape, and each id and position against the message templates of three
 * Windows builds where those are at hand. */
#include "collectors/event_apply.h"
#include "collectors/event_rules.h"
#include "tests/collectors/support_event.h"
#include "tests/support/suite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VM_A "6B29FC40-CA47-1067-B31D-00DD010662DA"

enum { BATCH_MAX = 1024 * 1024, TEXTS_MAX = 16384 };

#define FOR_EACH_RULE(p, r)                                                                                 \
    for (const struct event_provider *p = event_providers; p < event_providers + event_provider_count; p++) \
        for (const struct event_rule *r = p->rules != NULL ? p->rules->rules : NULL;                        \
             r != NULL && r < p->rules->rules + p->rules->count; r++)

START_TEST(the_rules_of_a_list_stand_in_order_of_id)
{
    FOR_EACH_RULE(p, r)
    {
        if (r > p->rules->rules)
            ck_assert_msg(r[-1].id <= r->id, "%s: %u stands behind %u", p->name, r->id, r[-1].id);
    }
}
END_TEST

START_TEST(every_rule_is_found_by_provider_and_id)
{
    FOR_EACH_RULE(p, r)
    {
        size_t count;
        const struct event_rule *first = event_rules_find(p, r->id, &count);

        ck_assert_msg(first != NULL && r >= first && r < first + count, "%s %u", p->name, r->id);
        ck_assert_uint_ne(r->hosts, 0);
    }
}
END_TEST

START_TEST(an_id_that_no_rule_has_is_not_found)
{
    static const unsigned ids[] = { 0, 1, 18501, 4294967295u };

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        size_t count = 7;

        ck_assert_ptr_null(event_rules_find(event_provider_find("Microsoft-Windows-Hyper-V-Worker"), ids[i], &count));
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

static bool is_one_of(const char *word, const char *words)
{
    size_t len = strlen(word);

    for (const char *p = words; (p = strstr(p, word)) != NULL; p += len) {
        if ((p == words || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
            return true;
    }
    return false;
}

START_TEST(every_word_is_one_that_readers_know)
{
    static const char *const words[OBS_KIND_COUNT] = {
        [OBS_GUEST_VERSION_MISMATCH] = "ic-incompatible ic-compatible kvp-older device-incompatible device-compatible",
        [OBS_GUEST_LIFECYCLE] = "started stopped shut-down saved restored paused resumed reset paused-critical "
                                "resumed-critical stopped-critical removed boot-failed boot-ok worker-unhealthy "
                                "ic-not-running other",
        [OBS_GUEST_CRASH] = "bugcheck linux-panic triple-fault watchdog worker-died dump-written dump-failed other",
        [OBS_GUEST_MIGRATION] = "started completed received failed",
        [OBS_HOST_STORAGE] =
            "io-slow io-failed io-retried io-timeout io-latency-summary device-reset bus-reset device-unresponsive "
            "device-responsive paging-error miniport-bug buffer-map-failed recovery-status recovery-state path-lost "
            "path-restored path-status shared-disk-unmounted shared-disk-recovered shared-disk-failed disk-low "
            "disk-full "
            "disk-missing disk-lost csv-paused csv-redirected csv-unavailable csv-failed csv-state smb-connect-failed "
            "smb-disconnected smb-session-lost smb-share-lost smb-restored smb-timeout",
        [OBS_HOST_CLUSTER] = "resource-failed rhs-restarted role-not-online resource-timeout failover-threshold "
                             "node-removed quorum-lost user-mode-hang role-moving",
        [OBS_EVENT_RAW] = "is-image-updated is-image-update-failed migration-phase",
    };

    FOR_EACH_RULE(p, r)
    {
        if (r->kind == OBS_GUEST_VERSION_OK) {
            ck_assert_ptr_null(r->word);
            continue;
        }
        ck_assert_msg(words[r->kind] != NULL, "%s %u has a kind of no rule", p->name, r->id);
        ck_assert_msg(r->word != NULL && is_one_of(r->word, words[r->kind]), "%s %u: '%s'", p->name, r->id,
                      r->word != NULL ? r->word : "");
        if (r->kind == OBS_GUEST_MIGRATION && r->detail != NULL)
            ck_assert_msg(is_one_of(r->detail, "live quick"), "%s %u: '%s'", p->name, r->id, r->detail);
    }
}
END_TEST

/* Sections are closed, not nested, and what stands in a [] depends on something. */
START_TEST(every_sentence_is_well_formed)
{
    FOR_EACH_RULE(p, r)
    {
        int depth = 0;

        ck_assert_msg(r->body != NULL && r->body[0] != '\0', "%s %u", p->name, r->id);
        for (const char *c = r->body; *c != '\0'; c++) {
            depth += *c == '[' ? 1 : *c == ']' ? -1 : 0;
            ck_assert_msg(depth == 0 || depth == 1, "%s %u: %s", p->name, r->id, r->body);
        }
        ck_assert_int_eq(depth, 0);
    }
}
END_TEST

START_TEST(what_is_left_out_has_a_reason)
{
    for (size_t i = 0; i < event_noise_count; i++) {
        ck_assert_str_ne(event_noise[i].why, "");
        ck_assert_uint_le(event_noise[i].from, event_noise[i].to);
        ck_assert_uint_ne(event_noise[i].hosts, 0);
    }
    for (size_t i = 0; i < event_provider_count; i++) {
        if (event_providers[i].watch == WATCH_NOT)
            ck_assert_ptr_nonnull(event_providers[i].why);
    }
}
END_TEST

START_TEST(no_rule_is_hidden_by_noise_and_no_noise_by_a_rule)
{
    FOR_EACH_RULE(p, r)
    {
        bool noise = (r->hosts & ON_2016) != 0 && event_is_noise(p->name, r->id, HOST_2016UP);

        ck_assert_msg(!noise, "%s %u is noise too", p->name, r->id);
    }
}
END_TEST

/* ---- an event of every rule's shape ------------------------------------------ */

static const char *value_for(const struct event_use *use)
{
    switch ((enum event_use_as)use->as) {
    case AS_VM_ID:
        return VM_A;
    case AS_MS:
        return "61000";
    case AS_SECONDS:
        return "0.5";
    case AS_CODE:
        return "0x7e";
    case AS_FRAMEWORK:
        return "Negotiated (1.0) - Expected (3.0)";
    case AS_MESSAGE:
        return "Negotiated (2.0) - Expected (5.0)";
    case AS_VERSION:
        return "6.3.9600.16384";
    case AS_VM_NAME:
    case AS_TEXT:
        break;
    }
    return "text";
}

static void fill(struct event *event, const struct event_rule *r)
{
    static const char *const crash[] = { "vm", VM_A, "0x7e", "0x1", "0x2", "0x3", "0x4" };
    static const char *const shape[] = { "\\Device\\x", "vm", "3.2", "1.0", VM_A };

    event->field_count = 0;
    for (int i = 0; i < 12; i++)
        event->fields[event->field_count++] = (struct event_field){ .name = "", .value = "x", .len = 1 };
    for (int i = 0; r->special == crash_report && i < 7; i++)
        event->fields[i].value = crash[i];
    for (int i = 0; r->special == mismatch_by_shape && i < 5; i++)
        event->fields[i].value = shape[i];
    for (const struct event_use *u = r->uses; u != NULL && (u->at != 0 || u->name != NULL); u++) {
        struct event_field *f = u->at != 0 ? &event->fields[u->at - 1] : &event->fields[event->field_count++];

        f->value = value_for(u);
        if (u->at == 0)
            f->name = u->name;
    }
    for (int i = 0; i < event->field_count; i++)
        event->fields[i].len = strlen(event->fields[i].value);
}

static const enum host_generation generations[] = { HOST_2008R2, HOST_2012R2, HOST_2016UP };

START_TEST(an_event_of_every_rules_shape_gives_its_observation)
{
    FOR_EACH_RULE(p, r)
    {
        for (size_t g = 0; g < 3; g++) {
            struct event event = { .provider = p->name,
                                   .id = r->id,
                                   .time_ns = 1,
                                   .channel = "",
                                   .computer = "",
                                   /* Where the template does not name the VM, its account does. */
                                   .user_sid = "S-1-5-83-1-3655396106-1351506743-3915871121-3476744365" };
            struct obs_batch batch;
            const struct observation *o;
            bool found = false;

            if ((r->hosts & event_host_bit(generations[g])) == 0)
                continue;
            fill(&event, r);
            obs_batch_init(&batch, BATCH_MAX);
            ck_assert_msg(event_apply(&event, generations[g], "", 0, 1, &batch), "%s %u", p->name, r->id);
            for (o = batch.first; o != NULL; o = o->next)
                found |= o->kind == r->kind && o->severity == r->severity;
            o = batch.first;
            ck_assert_msg(found, "%s %u gave %s", p->name, r->id, o->kind_name);
            ck_assert_msg(strpbrk(o->body, "{}[]") == NULL, "%s %u: %s", p->name, r->id, o->body);
            ck_assert_msg(strstr(o->body, "unknown") == NULL, "%s %u: %s", p->name, r->id, o->body);
            obs_batch_free(&batch);
        }
    }
}
END_TEST

START_TEST(an_event_without_fields_is_a_rules_or_raw_and_never_lost)
{
    FOR_EACH_RULE(p, r)
    {
        struct event event = { .provider = p->name, .id = r->id, .channel = "", .computer = "", .user_sid = "" };
        struct obs_batch batch;
        bool taken;

        obs_batch_init(&batch, BATCH_MAX);
        taken = event_apply(&event, HOST_UNKNOWN, "", 0, 1, &batch);
        ck_assert_msg(taken || p->watch == WATCH_RULES, "%s %u was dropped", p->name, r->id);
        ck_assert_int_eq(taken, batch.count > 0);
        obs_batch_free(&batch);
    }
}
END_TEST

/* ---- the oracle ----------------------------------------------------------------- */

struct template
{
    const char *provider, *text;
    unsigned id;
};

static struct template templates[TEXTS_MAX];
static size_t template_count;

static const struct {
    const char *sample;
    unsigned host;
    const char *name;
} builds[] = {
    { "eventxml/welm-messages-2008r2sp1.tsv", ON_2008R2, "2008 R2" },
    { "eventxml/welm-messages-2012r2u.tsv", ON_2012, "2012 R2" },
    { "eventxml/welm-messages-win10-1607-14393.tsv", ON_2016, "14393" },
};

static char *load(const char *path)
{
    char *text = read_file(path, NULL), *save = NULL;

    template_count = 0;
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *id = strchr(line, '\t'), *message = id != NULL ? strchr(id + 1, '\t') : NULL;

        if (message == NULL || !isdigit((unsigned char)id[1]))
            continue;
        *id = *message = '\0';
        ck_assert_uint_lt(template_count, TEXTS_MAX);
        templates[template_count++] =
            (struct template){ .provider = line, .id = (unsigned)strtoul(id + 1, NULL, 10), .text = message + 1 };
    }
    ck_assert_uint_gt(template_count, 1000);
    return text;
}

/* Rules without a template in a build, and why they are believed.  (Drivers of the
 * System log have none anywhere.) */
static const struct {
    const char *provider;
    unsigned from, to, hosts;
    const char *why;
} untold[] = {
    { "disk", 0, ~0u, ON_ALL, "a driver of the System log; 153 is known from a real log" },
    { "Hyper-V-CrashDump", 0, ~0u, ON_ALL, "newer than the templates" },
    { "Hyper-V-High-Availability", 0, ~0u, ON_2016, "a client build, which has no clusters" },
    { "FailoverClustering", 0, ~0u, ON_2016, "a client build, which has no clusters" },
    { "Hyper-V-VMMS", 20400, 22042, ON_2016, "a client build, which has no live migration" },
    { "Hyper-V-VMMS", 21111, 21111, ON_2012, "seen read from this provider by a monitoring script" },
    { "Hyper-V-Worker", 18515, 18515, ON_2016, "newer than 14393" },
    { "Hyper-V-Worker", 18608, 18620, ON_2016, "newer than 14393" },
    { "Hyper-V-Chipset", 18606, 18606, ON_2016, "newer than 14393" },
    { "Hyper-V-StorageVSP", 6, 303, ON_2016, "newer than 14393" },
    { "StorPort", 549, 557, ON_2016, "newer than 14393" },
};

static bool is_untold(const struct event_provider *p, const struct event_rule *r, unsigned host)
{
    for (size_t i = 0; i < sizeof untold / sizeof untold[0]; i++) {
        if (strcmp(untold[i].provider, p->name) == 0 && r->id >= untold[i].from && r->id <= untold[i].to &&
            (untold[i].hosts & host) != 0)
            return true;
    }
    return false;
}

/* Positions that a template leaves out, although the event carries them. */
static bool is_silent(const struct event_provider *p, const struct event_rule *r, const struct event_use *u,
                      unsigned host)
{
    static const struct {
        const char *provider;
        unsigned from, to, hosts;
        int at; /* 0 all */
    } silent[] = {
        { "Hyper-V-Integration", 4091, 4091, ON_ALL, 0 },
        { "Hyper-V-Integration", 4095, 4095, ON_ALL, 0 },
        { "Hyper-V-Integration-Shutdown", 4097, 4097, ON_ALL, 0 },
        { "Hyper-V-Integration-GuestInterface", 4097, 4097, ON_ALL, 0 },
        { "Hyper-V-Integration", 4000, 4010, ON_2008R2, 3 }, /* protocol versions came with 2012 */
        { "Hyper-V-Integration", 4000, 4010, ON_2008R2, 4 },
        { "Hyper-V-SynthStor", 12631, 12633, ON_2016, 2 },
        { "Hyper-V-High-Availability", 21300, 21300, ON_2008R2, 1 },
        { "Hyper-V-High-Availability", 21306, 21306, ON_2008R2, 1 },
        { "Hyper-V-Worker", 23020, 23020, ON_2012, 4 }, /* an all-clear names no versions */
        { "Hyper-V-Worker", 23020, 23020, ON_2012, 5 },
    };

    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        bool same = strncmp(silent[i].provider, p->name, strlen(silent[i].provider)) == 0;

        if (same && r->id >= silent[i].from && r->id <= silent[i].to && (silent[i].hosts & host) != 0 &&
            (silent[i].at == 0 || silent[i].at == u->at))
            return true;
    }
    return false;
}

/* Where %n stands in a template; NULL nowhere. */
static const char *find_insert(const char *text, int at)
{
    char insert[8];
    int len = snprintf(insert, sizeof insert, "%%%d", at);

    for (const char *p = text; (p = strstr(p, insert)) != NULL; p++) {
        if (!isdigit((unsigned char)p[len]))
            return p;
    }
    return NULL;
}

/* Does text end, up to p, in one of the words? */
static bool follows(const char *text, const char *p, const char *const *words)
{
    for (; *words != NULL; words++) {
        size_t len = strlen(*words);

        if ((size_t)(p - text) >= len && memcmp(p - len, *words, len) == 0)
            return true;
    }
    return false;
}

/* Is the insert of the meaning that the rule gives it? */
static bool means(const char *text, const char *p, const struct event_use *u)
{
    static const char *const ids[] = {
        "irtual machine ID ", "irtual machine ID '", "irtual Machine ID ", "VMID ",      "VM ID: ", "ID=",
        "irtual machine ",    "irtual Machine ",     "(VM '%2', ",         "(VM '%3', ", NULL
    };
    static const char *const names[] = { "'", "driver in ", NULL };
    static const char *const servers[] = { "Server version ", NULL };
    static const char *const clients[] = { "Client version ", NULL };
    static const char *const frameworks[] = { "Framework version: ", NULL };
    static const char *const messages[] = { "Message version: ", NULL };
    size_t len = u->at < 10 ? 2 : 3;

    switch ((enum event_use_as)u->as) {
    case AS_VM_ID:
        return follows(text, p, ids);
    case AS_VM_NAME:
        return follows(text, p, names);
    case AS_MS:
        return strncmp(p + len, " ms", 3) == 0;
    case AS_SECONDS:
        return strncmp(p + len + (p[len] == '\''), " seconds", 8) == 0;
    case AS_FRAMEWORK:
        return follows(text, p, frameworks);
    case AS_MESSAGE:
        return follows(text, p, messages);
    case AS_CODE:
    case AS_VERSION:
    case AS_TEXT:
        break;
    }
    if (u->key != NULL && strcmp(u->key, ATTR_SERVER_VERSION) == 0)
        return follows(text, p, servers);
    if (u->key != NULL && strcmp(u->key, ATTR_CLIENT_VERSION) == 0)
        return follows(text, p, clients);
    return true;
}

static void check_positions(const struct event_provider *p, const struct event_rule *r, const char *text, size_t build)
{
    for (const struct event_use *u = r->uses; u != NULL && (u->at != 0 || u->name != NULL); u++) {
        const char *insert = find_insert(text, u->at);

        if (insert == NULL) {
            ck_assert_msg(is_silent(p, r, u, builds[build].host), "%s %u on %s: no %%%d in: %s", p->name, r->id,
                          builds[build].name, u->at, text);
            continue;
        }
        ck_assert_msg(means(text, insert, u), "%s %u on %s: %%%d means something else in: %s", p->name, r->id,
                      builds[build].name, u->at, text);
    }
}

static void check_template(const struct event_provider *p, const struct event_rule *r, size_t build)
{
    static const char vendor[] = "Microsoft-Windows-";
    bool found = false;

    for (size_t i = 0; i < template_count; i++) {
        const struct template *t = &templates[i];

        if (t->id != r->id || strncmp(t->provider, vendor, sizeof vendor - 1) != 0 ||
            strcmp(t->provider + sizeof vendor - 1, p->name) != 0)
            continue;
        found = true;
        check_positions(p, r, t->text, build);
    }
    if (is_untold(p, r, builds[build].host))
        ck_assert_msg(!found, "%s %u has a template on %s after all", p->name, r->id, builds[build].name);
    else
        ck_assert_msg(found, "%s %u has no template on %s", p->name, r->id, builds[build].name);
}

START_TEST(every_id_and_position_is_that_of_the_message_template)
{
    for (size_t b = 0; b < sizeof builds / sizeof builds[0]; b++) {
        const char *path = shared_sample(builds[b].sample);
        int checked = 0;
        char *text;

        if (path == NULL)
            skip("no %s", builds[b].sample);
        text = load(path);
        FOR_EACH_RULE(p, r)
        {
            if ((r->hosts & builds[b].host) == 0 || p->is_driver)
                continue;
            check_template(p, r, b);
            checked++;
        }
        ck_assert_int_gt(checked, 30);
        free(text);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_rules_of_a_list_stand_in_order_of_id);
    suite_test(s, every_rule_is_found_by_provider_and_id);
    suite_test(s, an_id_that_no_rule_has_is_not_found);
    suite_test(s, every_word_is_one_that_readers_know);
    suite_test(s, every_sentence_is_well_formed);
    suite_test(s, what_is_left_out_has_a_reason);
    suite_test(s, no_rule_is_hidden_by_noise_and_no_noise_by_a_rule);
    suite_test(s, an_event_of_every_rules_shape_gives_its_observation);
    suite_test(s, an_event_without_fields_is_a_rules_or_raw_and_never_lost);
    suite_test(s, every_id_and_position_is_that_of_the_message_template);
}

int main(void)
{
    return suite_main("collectors: event rule tables", add);
}
