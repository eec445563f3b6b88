/* Every shipped rule: an incident that it explains, and one that it must leave alone. */
#include "incidents/rules.h"
#include "tests/incidents/support_facts.h"

#include <stdio.h>
#include <string.h>

static struct rules *rules;

/* want: "" the rule does not hold; otherwise the confidence. */
struct shipped {
    const char *rule, *facts, *want;
};

/* clang-format off */
static const struct shipped cases[] = {
    /* The three stories. */
    { "storvsc-live-migration",
      "code=0xd1 module=storvsc.sys os=6.1.7601 during=1 disk=scsi vhd=dynamic drift=current", "high" },
    { "storvsc-live-migration", "code=0xd1 module=storvsc.sys os=6.1.7601 migrated=30 disk=scsi vhd=fixed drift=current",
      "medium" },
    { "storvsc-live-migration", "code=0xd1 module=storvsc.sys os=6.1.7601 migrated=30 disk=scsi vhd=dynamic drift=behind",
      "medium" },
    { "storvsc-live-migration", "code=0xd1 module=storvsc.sys os=6.1.7601 during=1", "medium" },
    { "storvsc-live-migration", "code=0xd1 migrated=30", "low" },
    { "storvsc-live-migration", "code=0xd1 migrated=30 gaps=1", "low" },
    { "storvsc-live-migration", "code=0xd1 module=storvsc.sys os=6.1.7601 migrated=4000 disk=scsi", "" },
    { "storvsc-live-migration", "code=0xd1 module=storvsc.sys os=6.1.7601 disk=scsi", "" },
    { "storvsc-live-migration", "code=0xd1 module=storvsc.sys os=10.0.14393 migrated=30 disk=scsi", "" },
    { "storvsc-live-migration", "code=0xd1 module=storvsc.sys os=6.1.7601 migrated=30 disk=ide", "" },
    { "storvsc-live-migration", "code=0xd1 module=tcpip.sys os=6.1.7601 migrated=30", "" },
    { "storvsc-live-migration", "code=0x50 module=storvsc.sys os=6.1.7601 migrated=30", "" },

    { "pagefile-integration-services", "code=0x7a drift=behind dynamic=1 pressure=1", "high" },
    { "pagefile-integration-services", "code=0x1000007a drift=behind-protocol dynamic=1", "high" },
    { "pagefile-integration-services", "code=0x7a drift=behind", "medium" },
    { "pagefile-integration-services", "code=0x7a drift=behind dynamic=1 stall=90", "medium" },
    { "pagefile-integration-services", "code=0x7a drift=current dynamic=1 pressure=1", "" },
    { "pagefile-integration-services", "code=0x7a dynamic=1", "" },
    { "pagefile-integration-services", "code=0x7a drift=behind dynamic=0", "" },

    { "storage-outage", "code=0x7a stall=116 others=2", "high" },
    { "storage-outage", "code=0xf4 lost=1 host=VMware", "high" },
    { "storage-outage", "code=0x77 stall=116", "high" },
    { "storage-outage", "code=0xef stall=60 others=1", "high" },
    { "storage-outage", "code=0x24 lost=1 others=1", "high" },
    { "storage-outage", "code=0x154 lost=1 others=1", "high" },
    { "storage-outage", "code=0x7a stall=20", "" },
    { "storage-outage", "code=0x7a", "" },
    { "storage-outage", "code=0xd1 stall=116 lost=1", "" },

    /* Host, cluster, fleet. */
    { "host-gave-guest-up", "kind=stopped-critical lost=1", "high" },
    { "host-gave-guest-up", "kind=worker-died lost=1", "" },
    { "many-guests-of-one-host", "code=0x50 others=2 stall=45", "high" },
    { "many-guests-of-one-host", "code=0x50 others=5", "medium" },
    { "many-guests-of-one-host", "code=0x50 others=5 host=6.3.9600", "high" },
    { "many-guests-of-one-host", "code=0x50 others=1 stall=45", "" },
    { "cluster-user-mode-health", "code=0x9e cluster=user-mode-hang cluster=resource-timeout", "high" },
    { "cluster-user-mode-health", "code=0x9e cluster=user-mode-hang gaps=1", "medium" },
    { "cluster-user-mode-health", "code=0x9e gaps=1", "low" },
    { "cluster-user-mode-health", "code=0x9e cluster=node-removed", "" },
    { "cluster-user-mode-health", "code=0x9f cluster=user-mode-hang", "" },
    { "integration-services-incompatible", "code=0xd1 drift=incompatible module=vmbus.sys", "medium" },
    { "integration-services-incompatible", "code=0xd1 drift=behind-protocol during=1", "medium" },
    { "integration-services-incompatible", "code=0xd1 drift=behind module=vmbus.sys", "" },
    { "integration-services-incompatible", "code=0xd1 drift=incompatible module=tcpip.sys", "" },
    { "driver-rollout", "code=0xd1 module=evilfilter.sys guests=4 hosts=3", "medium" },
    { "driver-rollout", "code=0xd1 module=evilfilter.sys guests=4 hosts=1", "" },
    { "driver-rollout", "code=0xd1 module=tcpip.sys guests=4 hosts=3", "" },
    { "driver-rollout", "code=0xd1 module=evilfilter.sys", "" },

    /* Drivers. */
    { "intel-rst", "code=0x7a module=iaStorAVC.sys", "medium" },
    { "intel-rst", "code=0xd1 module=IASTORA.SYS", "medium" },
    { "intel-rst", "code=0xd1 module=storahci.sys", "" },
    { "intel-rst", "code=0xd1", "" },
    { "vmware-e1000e", "code=0xd1 module=E1G6032E.sys", "high" },
    { "vmware-e1000e", "code=0x50 module=e1g6032e.sys", "" },
    { "vmware-e1000e", "code=0xd1 module=netvsc63.sys", "" },

    /* Operators and power. */
    { "injected-nmi", "code=0x80", "medium" },
    { "injected-nmi", "code=0x8e", "" },
    { "host-power-loss", "code=0xef boot=120", "high" },
    { "host-power-loss", "code=0xef boot=3000", "" },
    { "host-power-loss", "code=0xef", "" },
    { "host-power-loss", "code=0x7a boot=120", "" },
    { "manual-crash", "code=0xe2", "high" },
    { "manual-crash", "code=0xdeaddead", "high" },
    { "manual-crash", "code=0xea", "" },

    /* Codes. */
    { "code-50", "code=0x50", "low" },
    { "code-50", "code=0x51", "" },
    { "code-1e", "code=0x1e", "low" },
    { "code-1e", "code=0x1a", "" },
    { "code-133", "code=0x133", "low" },
    { "code-133", "code=0x133 stall=15", "medium" },
    { "code-133", "code=0x101", "" },
    { "code-24", "code=0x24", "low" },
    { "code-24", "code=0x27", "" },
    { "code-c000021a", "code=0xc000021a", "low" },
    { "code-c000021a", "code=0xc0000221", "" },
    { "code-display", "code=0x116", "low" },
    { "code-display", "code=0x117", "low" },
    { "code-display", "code=0x141", "low" },
    { "code-display", "code=0x119", "" },
    { "code-124", "code=0x124", "low" },
    { "code-124", "code=0x9c", "" },
    { "linux-panic", "kind=linux-panic family=linux", "low" },
    { "linux-panic", "kind=bugcheck code=0xd", "" },
};
/* clang-format on */

START_TEST(a_shipped_rule_holds_where_it_should_and_nowhere_else)
{
    const struct shipped *c = &cases[_i];
    struct incident_surroundings around;
    struct incident *i = incident_with(c->facts, &around);
    const struct incident_finding *f;
    const char *got;

    ck_assert_int_eq(rules_apply(rules, i, &around, NULL), 0);
    f = finding_of(i, c->rule);
    got = f != NULL ? incident_confidence_name(f->confidence) : "";
    ck_assert_msg(strcmp(got, c->want) == 0, "%s with %s: '%s' and not '%s'%s%s", c->rule, c->facts, got, c->want,
                  f != NULL ? "; " : "", f != NULL ? f->reason : "");
    if (f != NULL) {
        ck_assert_int_gt(f->met.count, 0);
        ck_assert_str_ne(f->text, "");
        ck_assert_str_ne(f->action, "");
        ck_assert_ptr_null(strpbrk(f->text, "{}"));
        ck_assert_ptr_null(strpbrk(f->action, "{}"));
    }
    incident_free(i);
}
END_TEST

START_TEST(every_shipped_rule_has_a_case_for_and_one_against)
{
    for (size_t n = 0; n < rules_count(rules); n++) {
        int holds = 0, leaves = 0;

        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            if (strcmp(cases[k].rule, rules_id(rules, n)) != 0)
                continue;
            holds += cases[k].want[0] != '\0';
            leaves += cases[k].want[0] == '\0';
        }
        ck_assert_msg(holds > 0 && leaves > 0, "%s: %d cases for, %d against", rules_id(rules, n), holds, leaves);
    }
}
END_TEST

START_TEST(two_rules_may_both_hold_and_the_surer_stands_first)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0x7a stall=116 others=2 drift=behind dynamic=1", &around);

    ck_assert_int_eq(rules_apply(rules, i, &around, NULL), 0);
    ck_assert_int_ge(i->finding_count, 3);
    ck_assert_ptr_nonnull(finding_of(i, "storage-outage"));
    ck_assert_ptr_nonnull(finding_of(i, "pagefile-integration-services"));
    for (int n = 1; n < i->finding_count; n++)
        ck_assert_int_ge(i->findings[n - 1].confidence, i->findings[n].confidence);
    incident_free(i);
}
END_TEST

START_TEST(evidence_for_against_and_unknown_is_said_once_each)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0xd1 module=storvsc.sys os=6.1.7601 during=1 drift=behind", &around);
    const struct incident_finding *f;

    ck_assert_int_eq(rules_apply(rules, i, &around, NULL), 0);
    f = finding_of(i, "storvsc-live-migration");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->met.count, 4);
    ck_assert_ptr_nonnull(strstr(f->met.line[0], "the bug check was 0xD1"));
    ck_assert_int_eq(f->against.count, 1);
    ck_assert_ptr_nonnull(strstr(f->against.line[0], "integration services were behind"));
    ck_assert_int_eq(f->unknown.count, 2);
    ck_assert_ptr_nonnull(strstr(f->reason, "lowered from high"));
    incident_free(i);
}
END_TEST

START_TEST(nothing_holds_of_an_incident_of_which_nothing_is_known)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("kind=other", &around);

    ck_assert_int_eq(rules_apply(rules, i, &around, NULL), 0);
    ck_assert_msg(i->finding_count == 0, "%s holds", i->finding_count > 0 ? i->findings[0].rule : "");
    incident_free(i);
}
END_TEST

static void begin(void)
{
    rules = rules_shipped();
    ck_assert_ptr_nonnull(rules);
}

static void end(void)
{
    rules_free(rules);
}

static void add(Suite *s)
{
    const TTest *const tests[] = {
        every_shipped_rule_has_a_case_for_and_one_against,
        two_rules_may_both_hold_and_the_surer_stands_first,
        evidence_for_against_and_unknown_is_said_once_each,
        nothing_holds_of_an_incident_of_which_nothing_is_known,
    };
    TCase *c = suite_case(s, "shipped rules");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_loop_test(c, a_shipped_rule_holds_where_it_should_and_nowhere_else, 0, sizeof cases / sizeof cases[0]);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: shipped rules", add);
}
