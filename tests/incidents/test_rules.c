/* Rules files: what is refused and how it is said, what conditions mean, files on top of the shipped rules. */
#include "incidents/rules.h"
#include "tests/incidents/support_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE                   \
    "rules:\n"                 \
    "  - id: mine\n"           \
    "    title: A rule\n"      \
    "    text: It is so.\n"    \
    "    action: Do it.\n"     \
    "    confidence: medium\n" \
    "    reason: because\n"

static struct buf problems;

static void begin(void)
{
    buf_init(&problems, 64 * 1024);
}

static void end(void)
{
    buf_free(&problems);
}

static struct rules *parse(const char *yaml)
{
    struct rules *r;

    if (rules_parse("mine.yaml", yaml, strlen(yaml), &r, &problems) != 0)
        ck_assert_ptr_null(r);
    return r;
}

/* ---- what is refused --------------------------------------------------------------- */

struct refusal {
    const char *yaml, *says;
};

/* clang-format off */
static const struct refusal refusals[] = {
    { "", "mine.yaml:1:1: rules: is missing" },
    { "- a\n", "mine.yaml:1:1: expects keys" },
    { "rule:\n  - id: a\n", "mine.yaml:1:1: rule: unknown key; did you mean rules?" },
    { "rules: nothing\n", "mine.yaml:1:8: rules: expects a list" },
    { "rules:\n  - text\n", "mine.yaml:2:5: rules: an item of this list is no rule" },
    { "rules:\n  - id: mine\n", "mine.yaml:2:5: rules[0]: title is missing" },
    { RULE, "rules[0]: needs is missing" },
    { RULE "    needs: [{ bugcheck: 0xD1 }]\n    colour: red\n", "mine.yaml:9:5: rules[0].colour: unknown key; remove it" },
    { RULE "    need: [{ bugcheck: 0xD1 }]\n", "mine.yaml:8:5: rules[0].need: unknown key; did you mean needs?" },
    { RULE "    needs: [{ bugchek: 0xD1 }]\n", "mine.yaml:8:15: rules[0].needs[0].bugchek: unknown key; did you mean bugcheck?" },
    { RULE "    needs: [{ bugcheck: D1 }]\n", "mine.yaml:8:25: rules[0].needs[0].bugcheck: D1: is no bug check code" },
    { RULE "    needs: [{ bugcheck: 0x1FFFFFFFF }]\n", "is no bug check code" },
    { RULE "    needs: [{ bugcheck: [] }]\n", "has no values" },
    { RULE "    needs: []\n", "rules[0].needs: expects conditions" },
    { RULE "    needs:\n", "rules[0].needs: expects conditions" },
    { RULE "    needs: [word]\n", "an item of this list is no condition" },
    { RULE "    needs: [{ parameter1: 5..2 }]\n", "ends before it begins" },
    { RULE "    needs: [{ parameter1: 0x0f&0x10 }]\n", "asks for bits that the mask leaves out" },
    { RULE "    needs: [{ parameter5: 1 }]\n", "unknown key; did you mean parameter" },
    { RULE "    needs: [{ guest_os: old }]\n", "old: is no version" },
    { RULE "    needs: [{ guest_os: .. }]\n", "is no version" },
    { RULE "    needs: [{ drift: behnd }]\n", "behnd: is not known here; did you mean behind?" },
    { RULE "    needs: [{ drift: purple }]\n", "purple: is not known here; write one of unknown, current" },
    { RULE "    needs: [{ storage_stall: 60 }]\n", "rules[0].needs[0].storage_stall: " },
    { RULE "    needs: [{ lost_path: yes }]\n", "rules[0].needs[0].lost_path: " },
    { RULE "    needs: [{ others_crashed: 0 }]\n", "rules[0].needs[0].others_crashed: " },
    { RULE "    needs: [{ others_crashed: [1] }]\n", "expects one value" },
    { RULE "    needs: [{ bugcheck: 1 }]\n    applies: bugchek\n", "is no kind of incident; did you mean bugcheck?" },
    { RULE "    needs: [{ bugcheck: 1 }]\n    links: [http://x]\n", "is no link; write https://" },
    { RULE "    needs: [{ bugcheck: 1 }]\n    enabled: yes\n", "write true or false" },
    { "rules:\n  - { id: A b, title: t, text: t, action: a, confidence: low, reason: r, needs: [{ bugcheck: 1 }] }\n",
      "the id may have small letters" },
    { "rules:\n  - { id: a, title: t, text: \"{modul}\", action: a, confidence: low, reason: r, needs: [{ dump: true }] }\n",
      "{modul} stands for nothing" },
    { "rules:\n  - { id: a, title: t, text: t, action: a, confidence: sure, reason: r, needs: [{ dump: true }] }\n",
      "write low, medium or high" },
    { "rules:\n  - { id: a, enabled: false }\n  - { id: a, enabled: false }\n", "a rule with the id a stands above" },
    { RULE "    needs: [{ any: [{ not: { all: [{ bugcheck: [1] }] } }] }]\n", "nested more than" },
    { RULE "    title: Again\n    needs: [{ dump: true }]\n", "given twice, first on line 3" },
    { "rules:\n\t- x\n", "not valid YAML" },
    { "rules: &a []\n", "anchors such as &a are not supported" },
};
/* clang-format on */

START_TEST(a_mistake_is_told_with_its_place_and_a_remedy)
{
    const struct refusal *c = &refusals[_i];
    struct rules *r = parse(c->yaml);

    ck_assert_msg(r == NULL, "taken: %s", c->yaml);
    ck_assert_msg(strstr(buf_text(&problems), c->says) != NULL, "for\n%s\n'%s' does not say '%s'", c->yaml,
                  buf_text(&problems), c->says);
    ck_assert_msg(strncmp(buf_text(&problems), "mine.yaml:", 10) == 0, "%s", buf_text(&problems));
}
END_TEST

START_TEST(every_mistake_of_a_file_is_told_at_once)
{
    ck_assert_ptr_null(
        parse(RULE "    needs: [{ bugcheck: D1 }, { drift: purple }, { nothing: 1 }]\n    applies: x\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&problems), "D1: is no bug check code"));
    ck_assert_ptr_nonnull(strstr(buf_text(&problems), "purple: is not known"));
    ck_assert_ptr_nonnull(strstr(buf_text(&problems), "nothing: unknown key"));
    ck_assert_ptr_nonnull(strstr(buf_text(&problems), "applies: is no kind"));
}
END_TEST

/* ---- what conditions mean --------------------------------------------------------------- */

struct meaning {
    const char *needs, *facts;
    bool holds;
};

/* clang-format off */
static const struct meaning meanings[] = {
    { "[{ bugcheck: [0x7E, 0xD1] }]", "code=0xd1", true },
    { "[{ bugcheck: 0x7E }]", "code=0x1000007e", true },
    { "[{ bugcheck: 0x1000007E }]", "code=0x7e", true },
    { "[{ bugcheck: 0x7E }]", "kind=linux-panic", false },
    { "[{ parameter1: 0x6 }]", "code=1 p1=6", true },
    { "[{ parameter1: 0x10..0x1f }]", "code=1 p1=0x1f", true },
    { "[{ parameter1: 0x10..0x1f }]", "code=1 p1=0x20", false },
    { "[{ parameter2: 0xff00 & 0x1200 }]", "code=1 p2=0x1234", true },
    { "[{ parameter2: 0xff00&0x1200 }]", "code=1 p2=0x2234", false },
    { "[{ parameter1: 0..0xffffffffffffffff }]", "code=1", false },
    { "[{ module: \"stor*.sys\" }]", "module=STORVSC.SYS", true },
    { "[{ module: \"?torvsc.*\" }]", "module=storvsc.sys", true },
    { "[{ module: \"stor\" }]", "module=storvsc.sys", false },
    { "[{ module: \"*\" }]", "code=1", false },
    { "[{ guest_os: 6.1 }]", "os=6.1.7601", true },
    { "[{ guest_os: 6.1..6.3 }]", "os=6.3.9600", true },
    { "[{ guest_os: 6.1..6.2 }]", "os=6.3.9600", false },
    { "[{ guest_os: 10.0.17763.. }]", "os=10.0.20348", true },
    { "[{ guest_os: ..6.1 }]", "os=6.2", false },
    { "[{ guest_os: ..99 }]", "code=1", false },
    { "[{ host_os: 10.0 }]", "code=1", true },
    { "[{ culprit: [memory, hardware] }]", "culprit=memory", true },
    { "[{ module_origin: hardware }]", "culprit=memory", true },
    { "[{ module_origin: third-party }]", "module=evil.sys", true },
    { "[{ family: linux }]", "family=linux", true },
    { "[{ family: [windows, linux, bsd] }]", "kind=other", false },
    { "[{ drift: unknown }]", "drift=unknown", true },
    { "[{ not: { drift: current } }]", "drift=unknown", false },
    { "[{ not: { drift: current } }]", "drift=behind", true },
    { "[{ not: { drift: current } }]", "code=1", false },
    { "[{ dynamic_memory: false }]", "dynamic=0", true },
    { "[{ dynamic_memory: false }]", "code=1", false },
    { "[{ memory_pressure: true }]", "pressure=1", true },
    { "[{ uptime_under: 5m }]", "uptime=299", true },
    { "[{ uptime_over: 5m }]", "uptime=301", true },
    { "[{ uptime_under: 5m }]", "code=1", false },
    { "[{ migration_within: 5m }]", "migrated=300", true },
    { "[{ migration_within: 5m }]", "migrated=301", false },
    { "[{ migration_during: true }]", "during=1", true },
    { "[{ migration_during: false }]", "migrated=10", true },
    { "[{ not: { migration_within: 5m } }]", "code=1", true },
    { "[{ not: { migration_within: 5m } }]", "code=1 gaps=1", false },
    { "[{ blackout_over: 2s }]", "migrated=1 blackout=2.5", true },
    { "[{ blackout_over: 3s }]", "migrated=1 blackout=2.5", false },
    { "[{ storage_stall: 60s }]", "stall=60", true },
    { "[{ storage_stall: guest-disk-timeout }]", "stall=60", true },
    { "[{ storage_stall: guest-disk-timeout }]", "stall=59", false },
    { "[{ not: { storage_stall: 60s } }]", "code=1", true },
    { "[{ not: { storage_stall: 60s } }]", "host=6.3.9600", false },
    { "[{ storage_signal: \"csv-*\" }]", "signal=csv-paused", true },
    { "[{ storage_signal: \"csv-*\" }]", "signal=io-slow", false },
    { "[{ lost_path: false }]", "code=1", true },
    { "[{ lost_path: false }]", "gaps=1", false },
    { "[{ cluster_signal: [node-removed, quorum-lost] }]", "cluster=quorum-lost", true },
    { "[{ others_crashed: 2 }]", "others=2", true },
    { "[{ not: { others_crashed: 2 } }]", "gaps=1", false },
    { "[{ host_restart_within: 5m }]", "boot=-200", true },
    { "[{ module_on_guests: 3, module_on_hosts: 2 }]", "module=a.sys guests=3 hosts=2", true },
    { "[{ module_on_guests: 3 }]", "guests=3 hosts=2", false },
    { "[{ dump: false }]", "code=1", true },
    { "[{ kind: [watchdog, triple-fault] }]", "kind=watchdog", true },
    { "[{ any: [{ bugcheck: 1, lost_path: true }, { bugcheck: 2 }] }]", "code=1", false },
    { "[{ any: [{ bugcheck: 1, lost_path: true }, { bugcheck: 2 }] }]", "code=1 lost=1", true },
    { "[{ any: { bugcheck: 1, lost_path: true } }]", "code=1", true },
    { "{ bugcheck: 1, lost_path: true }", "code=1", false },
};
/* clang-format on */

START_TEST(a_condition_means_what_the_docs_say)
{
    const struct meaning *m = &meanings[_i];
    struct incident_surroundings around;
    struct incident *i = incident_with(m->facts, &around);
    char yaml[1024];
    struct rules *r;

    snprintf(yaml, sizeof yaml, "%s    needs: %s\n", RULE, m->needs);
    r = parse(yaml);
    ck_assert_msg(r != NULL, "%s", buf_text(&problems));
    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    ck_assert_msg((i->finding_count == 1) == m->holds, "%s with %s %s", m->needs, m->facts,
                  m->holds ? "does not hold" : "holds");
    incident_free(i);
    rules_free(r);
}
END_TEST

/* The same wait is a stall for guests that give up after 30 seconds, and none for those that wait for 180. */
START_TEST(how_long_guests_wait_is_what_it_is_set_to)
{
    static const struct {
        int64_t seconds;
        int findings;
    } cases[] = { { 30, 1 }, { 75, 1 }, { 76, 0 }, { 180, 0 } };

    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        struct incident_surroundings around;
        struct incident *i = incident_with("code=0x7a stall=75", &around);
        struct rules *r = parse("rules:\n  - { id: a, title: t, text: \"waited for {disk_timeout}\", action: a,"
                                " confidence: low, reason: r, needs: [{ storage_stall: guest-disk-timeout }] }\n");
        uint64_t before = rules_digest(r);

        rules_disk_timeout(r, cases[n].seconds * NS_PER_S);
        ck_assert(rules_digest(r) != before);
        ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
        ck_assert_msg(i->finding_count == cases[n].findings, "%d findings at %d s", i->finding_count,
                      (int)cases[n].seconds);
        if (cases[n].seconds == 30)
            ck_assert_str_eq(i->findings[0].text, "waited for 30 s");
        incident_free(i);
        rules_free(r);
    }
}
END_TEST

START_TEST(placeholders_are_filled_and_a_guests_name_stays_text)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0xd1 module=storvsc.sys", &around);
    struct rules *r = parse("rules:\n  - { id: a, title: t, text: \"{vm} on {host}: {code} in {module}.\", action: a,"
                            " confidence: low, reason: r, needs: [{ dump: true }] }\n");

    i->vm_name = "{module}";
    ck_assert_msg(r != NULL, "%s", buf_text(&problems));
    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    ck_assert_str_eq(i->findings[0].text, "{module} on HV1: 0xD1 in storvsc.sys.");
    incident_free(i);
    rules_free(r);
}
END_TEST

/* ---- files on top ------------------------------------------------------------------------- */

static struct rules *load(const char *yaml)
{
    const char *path = write_file(temp_dir(), "mine.yaml", yaml, strlen(yaml));
    struct rules *r;

    if (rules_load(&path, 1, &r, &problems) != 0)
        ck_assert_ptr_null(r);
    return r;
}

START_TEST(a_digest_is_that_of_what_the_files_say)
{
    struct rules *one = load("rules:\n  - { id: code-50, enabled: false }\n");
    struct rules *same = load("rules:\n  - { id: code-50, enabled: false }\n");
    struct rules *other = load("rules:\n  - { id: code-1e, enabled: false }\n");
    struct rules *shipped = rules_shipped();

    ck_assert(rules_digest(one) == rules_digest(same));
    ck_assert(rules_digest(one) != rules_digest(other));
    ck_assert(rules_digest(one) != rules_digest(shipped));
    rules_free(one);
    rules_free(same);
    rules_free(other);
    rules_free(shipped);
}
END_TEST

static bool has(const struct rules *r, const char *id, bool *enabled)
{
    for (size_t n = 0; n < rules_count(r); n++) {
        if (strcmp(rules_id(r, n), id) == 0) {
            *enabled = rules_enabled(r, n);
            return true;
        }
    }
    return false;
}

START_TEST(a_file_adds_replaces_and_takes_out)
{
    struct rules *shipped = rules_shipped();
    struct rules *r = load("rules:\n"
                           "  - { id: code-50, enabled: false }\n"
                           "  - { id: code-1e, title: Mine, text: t, action: a, confidence: low, reason: r,"
                           " needs: [{ bugcheck: 0x1E }] }\n"
                           "  - { id: zz-new, title: New, text: t, action: a, confidence: low, reason: r,"
                           " needs: [{ bugcheck: 0x50 }] }\n");
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0x50", &around);
    bool enabled = true;

    ck_assert_msg(r != NULL, "%s", buf_text(&problems));
    ck_assert_uint_eq(rules_count(r), rules_count(shipped) + 1);
    ck_assert(has(r, "code-50", &enabled) && !enabled);
    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    ck_assert_int_eq(i->finding_count, 1);
    ck_assert_str_eq(i->findings[0].rule, "zz-new");
    incident_free(i);
    rules_free(r);
    rules_free(shipped);
}
END_TEST

START_TEST(taking_out_what_is_not_there_is_a_mistake)
{
    ck_assert_ptr_null(load("rules:\n  - { id: nobody, enabled: false }\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&problems), "mine.yaml:2:5: rules: there is no rule nobody to take out"));
}
END_TEST

START_TEST(a_file_that_is_not_there_is_said)
{
    const char *path = "/nonexistent/rules.yaml";
    struct rules *r;

    ck_assert_int_ne(rules_load(&path, 1, &r, &problems), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&problems), "/nonexistent/rules.yaml:1:1: cannot be read"));
}
END_TEST

START_TEST(every_condition_is_in_the_docs)
{
    size_t len;
    char *docs = read_file("docs/rules.md", &len);
    char cell[80];

    for (size_t n = 0; rules_condition_name(n) != NULL; n++) {
        snprintf(cell, sizeof cell, "| `%s` |", rules_condition_name(n));
        ck_assert_msg(strstr(docs, cell) != NULL, "docs/rules.md does not list %s", rules_condition_name(n));
        ck_assert_str_ne(rules_condition_help(n), "");
    }
    free(docs);
}
END_TEST

START_TEST(every_shipped_rule_is_in_the_docs)
{
    struct rules *r = rules_shipped();
    size_t len;
    char *docs = read_file("docs/rules.md", &len);
    char cell[80];

    for (size_t n = 0; n < rules_count(r); n++) {
        snprintf(cell, sizeof cell, "| `%s` |", rules_id(r, n));
        ck_assert_msg(strstr(docs, cell) != NULL, "docs/rules.md does not list %s", rules_id(r, n));
    }
    free(docs);
    rules_free(r);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        every_mistake_of_a_file_is_told_at_once, placeholders_are_filled_and_a_guests_name_stays_text,
        a_file_adds_replaces_and_takes_out,      taking_out_what_is_not_there_is_a_mistake,
        a_file_that_is_not_there_is_said,        every_condition_is_in_the_docs,
        every_shipped_rule_is_in_the_docs,       how_long_guests_wait_is_what_it_is_set_to,
        a_digest_is_that_of_what_the_files_say,
    };
    TCase *c = suite_case(s, "rules");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_loop_test(c, a_mistake_is_told_with_its_place_and_a_remedy, 0, sizeof refusals / sizeof refusals[0]);
    tcase_add_loop_test(c, a_condition_means_what_the_docs_say, 0, sizeof meanings / sizeof meanings[0]);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: rules", add);
}
