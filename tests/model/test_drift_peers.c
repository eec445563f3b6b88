/* The highest version of each guest OS build (row 10 of the decision table). */
#include "tests/model/support_world.h"

#include <stdio.h>

enum { BUILDS_MAX = 4096 };

static struct version v(const char *text)
{
    struct version out;

    ck_assert_int_ge(version_parse(text, &out), 3);
    return out;
}

static bool put(struct drift_peers *p, const char *os, const char *highest)
{
    struct version o = v(os), h = v(highest);

    return drift_peers_put(p, &o, &h);
}

static const char *highest(const struct drift_peers *p, const char *os)
{
    static char text[VERSION_TEXT_MAX];
    struct version key = v(os);
    const struct version *found = drift_peers_highest(p, &key);

    return found != NULL ? version_format(found, text) : "none";
}

START_TEST(only_a_higher_version_raises_a_build)
{
    struct drift_peers *p = drift_peers_new();

    ck_assert(put(p, "10.0.20348", "10.0.20348.5"));
    ck_assert(!put(p, "10.0.20348", "10.0.20348.5"));
    ck_assert(!put(p, "10.0.20348", "10.0.20348.4"));
    ck_assert_str_eq(highest(p, "10.0.20348"), "10.0.20348.5");
    ck_assert(put(p, "10.0.20348.999", "10.0.20348.6")); /* the key is the build, not its revision */
    ck_assert_str_eq(highest(p, "10.0.20348"), "10.0.20348.6");
    ck_assert_str_eq(highest(p, "10.0.20349"), "none");
    ck_assert_str_eq(highest(p, "10.0.20347"), "none");
    drift_peers_free(p);
    drift_peers_free(NULL);
}
END_TEST

START_TEST(builds_are_bounded_and_those_that_are_kept_still_rise)
{
    struct drift_peers *p = drift_peers_new();
    char os[64], is[64];

    for (int i = 0; i < BUILDS_MAX; i++) {
        int build = i * 7919 % BUILDS_MAX; /* in no order */

        snprintf(os, sizeof os, "10.0.%d", build);
        snprintf(is, sizeof is, "10.0.%d.1", build);
        ck_assert_msg(put(p, os, is), "build %d", build);
    }
    ck_assert(!put(p, "10.0.50000", "10.0.50000.1"));
    ck_assert_str_eq(highest(p, "10.0.50000"), "none");
    ck_assert(put(p, "10.0.4095", "10.0.4095.2"));
    ck_assert_str_eq(highest(p, "10.0.4095"), "10.0.4095.2");
    ck_assert_str_eq(highest(p, "10.0.0"), "10.0.0.1");
    drift_peers_free(p);
}
END_TEST

START_TEST(peers_are_the_same_when_builds_and_versions_are)
{
    struct drift_peers *a = drift_peers_new(), *b = drift_peers_new();

    ck_assert(drift_peers_same(a, b));
    put(a, "10.0.20348", "10.0.20348.5");
    ck_assert(!drift_peers_same(a, b));
    put(b, "10.0.14393", "10.0.14393.5");
    ck_assert(!drift_peers_same(a, b)); /* as many, of another build */
    put(a, "10.0.14393", "10.0.14393.5");
    put(b, "10.0.20348", "10.0.20348.4");
    ck_assert(!drift_peers_same(a, b));
    put(b, "10.0.20348", "10.0.20348.5");
    ck_assert(drift_peers_same(a, b)); /* in whichever order they came */
    drift_peers_free(a);
    drift_peers_free(b);
}
END_TEST

/* A Windows guest of 10.0 or later that is there and whose words can be. */
START_TEST(only_a_guest_that_can_be_compared_counts_among_the_peers)
{
    static const struct {
        const char *os, *is;
        bool counts;
    } cases[] = {
        { "10.0.20348", "10.0.20348.1", true },     { "10.0.20348", "10.0.14393.1", true },
        { "10.0.20348", "10.0.20348.65535", true }, { "10.0.20348", "10.0.20348.65536", false },
        { "10.0", "10.0.20348.1", false },          { "", "10.0.20348.1", false },
        { "10.0.20348", "10.0.20348", false },      { "10.0.20348", "", false },
        { "10.0.20348", "10.0.20349.1", false },    { "10.0.20348", "10.1.20348.1", false },
        { "10.0.20348", "6.3.9600.18907", false },  { "6.3.9600", "6.3.9600.18907", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        bool counted;

        world_start_2016(&w);
        world_windows(&w, AT(10), cases[i].os, cases[i].is);
        w.g.kvp[KVP_ARCHITECTURE].text[0] = '9';
        counted = drift_peers_add(w.peers, &w.g);
        ck_assert_msg(counted == cases[i].counts, "OSVersion '%s', version '%s'", cases[i].os, cases[i].is);
        world_free(&w);
    }
}
END_TEST

START_TEST(a_guest_that_is_gone_or_no_windows_is_nobodys_peer)
{
    struct world w;

    world_start_2016(&w);
    world_windows(&w, AT(10), "10.0.20348", "10.0.20348.1");
    w.g.removed = true;
    ck_assert(!drift_peers_add(w.peers, &w.g));
    w.g.removed = false;
    ck_assert(drift_peers_add(w.peers, &w.g));
    world_linux(&w, AT(20), "10.0.20348.2");
    ck_assert(!drift_peers_add(w.peers, &w.g));
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, only_a_higher_version_raises_a_build);
    suite_test(s, builds_are_bounded_and_those_that_are_kept_still_rise);
    suite_test(s, peers_are_the_same_when_builds_and_versions_are);
    suite_test(s, only_a_guest_that_can_be_compared_counts_among_the_peers);
    suite_test(s, a_guest_that_is_gone_or_no_windows_is_nobodys_peer);
}

int main(void)
{
    return suite_main("model: peers of an OS build", add);
}
