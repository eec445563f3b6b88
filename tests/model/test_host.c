/* What is known of a host: facts by their own time. */
#include "model/host.h"
#include "tests/support/suite.h"

#include <string.h>

#define AT(seconds) (INT64_C(1706688000000000000) + (int64_t)(seconds)*1000000000)

static struct obs_batch batch;
static struct host h;

static struct resource resource(const char *is_win6x)
{
    struct resource r = { .host_id = "id-1", .host_name = "HV01", .cluster = "PROD-A", .os_version = "6.3.9600.1" };

    memcpy(r.is_win6x, is_win6x, strlen(is_win6x));
    return r;
}

static void begin(void)
{
    struct resource r = { .host_id = "id-1" };

    obs_batch_init(&batch, 1024 * 1024);
    host_init(&h, &r);
}

/* An inventory at time t that carries its facts, shipped with another resource. */
static struct observation *inventory(int64_t t, const char *is_win6x)
{
    struct observation *o = obs_new(&batch, OBS_HOST_INVENTORY, t, t + 1);

    obs_str(o, ATTR_HOST_IS_WIN6X, is_win6x);
    obs_int(o, ATTR_POLL_GUESTS, 7);
    return o;
}

static bool apply(const char *resource_says, const struct observation *o)
{
    struct resource r = resource(resource_says);

    return host_apply(&h, &r, o);
}

START_TEST(generations_follow_from_the_os_version)
{
    ck_assert_int_eq(host_generation_of("6.0.6002"), HOST_2008);
    ck_assert_int_eq(host_generation_of("6.1.7601.17514"), HOST_2008R2);
    ck_assert_int_eq(host_generation_of("6.2.9200"), HOST_2012);
    ck_assert_int_eq(host_generation_of("6.3.9600.20778"), HOST_2012R2);
    ck_assert_int_eq(host_generation_of("10.0.14393"), HOST_2016UP);
    ck_assert_int_eq(host_generation_of("10.0.26100.1"), HOST_2016UP);
    ck_assert_int_eq(host_generation_of(""), HOST_UNKNOWN);
    ck_assert_int_eq(host_generation_of("6.30.1"), HOST_UNKNOWN);
    ck_assert_int_eq(host_generation_of("100.0"), HOST_UNKNOWN);
    ck_assert_str_eq(host_generation_name(HOST_2012R2), "2012 R2");
    ck_assert_str_eq(host_generation_name(HOST_UNKNOWN), "unknown");
}
END_TEST

START_TEST(a_resource_counts_until_the_first_inventory)
{
    begin();
    ck_assert_int_eq(h.poll_guests, -1);
    ck_assert(apply("6.3.9600.1", obs_new(&batch, OBS_GUEST_CRASH, AT(5), AT(10))));
    ck_assert_str_eq(h.facts.is_win6x, "6.3.9600.1");
    ck_assert(apply("9.9.9.9", inventory(AT(3), "6.3.9600.2")));
    ck_assert_str_eq(h.facts.is_win6x, "6.3.9600.2");
    ck_assert_int_eq(h.is_since, AT(3));
    ck_assert(!apply("9.9.9.9", obs_new(&batch, OBS_GUEST_CRASH, AT(50), AT(50))));
    ck_assert_str_eq(h.facts.is_win6x, "6.3.9600.2");
    ck_assert_int_eq(h.last_seen, AT(50));
    ck_assert_int_eq(h.last_poll, AT(3));
    ck_assert_int_eq(h.poll_guests, 7);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(records_of_unknown_kinds_tell_nothing_of_the_host)
{
    begin();
    ck_assert(!apply("6.3.9600.1", obs_new(&batch, OBS_OTHER, AT(5), AT(5))));
    ck_assert_str_eq(h.facts.is_win6x, "");
    ck_assert(!apply("6.3.9600.1", obs_new(&batch, OBS_GAP, 0, 0)));
    ck_assert_str_eq(h.facts.is_win6x, "");
    obs_batch_free(&batch);
}
END_TEST

START_TEST(an_older_inventory_does_not_overwrite_a_newer_one)
{
    begin();
    ck_assert(apply("", inventory(AT(20), "6.3.9600.2")));
    ck_assert(!apply("", inventory(AT(10), "6.3.9600.1")));
    ck_assert_str_eq(h.facts.is_win6x, "6.3.9600.2");
    ck_assert_int_eq(h.last_poll, AT(20));
    obs_batch_free(&batch);
}
END_TEST

START_TEST(expected_versions_are_since_they_changed)
{
    begin();
    apply("", inventory(AT(10), "6.3.9600.1"));
    apply("", inventory(AT(20), "6.3.9600.1"));
    ck_assert_int_eq(h.is_since, AT(10));
    ck_assert(apply("", inventory(AT(30), "6.3.9600.2")));
    ck_assert(!apply("", inventory(AT(40), "6.3.9600.2")));
    ck_assert_int_eq(h.is_since, AT(30));
    ck_assert_int_eq(h.facts_time, AT(40));
    obs_batch_free(&batch);
}
END_TEST

START_TEST(boot_time_cluster_and_os_version_decide_drift_too)
{
    static const char *const facts[][2] = { { ATTR_BOOT_TIME, "2024-01-31T08:00:00Z" },
                                            { ATTR_CLUSTER_NAME, "PROD-B" },
                                            { ATTR_OS_VERSION, "10.0.20348.1" } };

    begin();
    apply("", inventory(AT(1), "6.3.9600.1"));
    for (int i = 0; i < 3; i++) {
        struct observation *o = inventory(AT(10 + i), "6.3.9600.1");

        for (int j = 0; j <= i; j++)
            obs_str(o, facts[j][0], facts[j][1]);
        ck_assert_msg(apply("", o), "%s", facts[i][0]);
        ck_assert(!apply("", o));
    }
    ck_assert_int_eq(h.facts.boot_time, AT(0));
    ck_assert_str_eq(h.facts.cluster, "PROD-B");
    obs_batch_free(&batch);
}
END_TEST

START_TEST(another_boot_of_the_host_decides_drift_too)
{
    struct observation *first, *second;

    begin();
    first = inventory(AT(1), "6.3.9600.1");
    second = inventory(AT(9), "6.3.9600.1");
    obs_str(first, ATTR_BOOT_ID, "a");
    obs_str(second, ATTR_BOOT_ID, "b");
    ck_assert(apply("", first));
    ck_assert_str_eq(h.facts.boot_id, "a");
    ck_assert(apply("", second));
    ck_assert(!apply("", first));
    ck_assert_str_eq(h.facts.boot_id, "b");
    obs_batch_free(&batch);
}
END_TEST

START_TEST(an_inventory_cannot_make_the_host_another_one)
{
    struct observation *o;

    begin();
    o = inventory(AT(1), "6.3.9600.1");
    obs_str(o, ATTR_HOST_ID, "id-2");
    apply("", o);
    ck_assert_str_eq(h.facts.host_id, "id-1");
    obs_batch_free(&batch);
}
END_TEST

START_TEST(order_and_repetition_do_not_matter)
{
    static const char *const versions[] = { "1.0.0.0", "2.0.0.0", "1.0.0.0", "3.0.0.0" };
    struct observation *o[8];
    struct host first;

    for (int order = 0; order < 64; order++) {
        begin();
        for (int i = 0; i < 8; i++)
            o[i] = i < 4 ? inventory(AT(i / 2), versions[i]) : obs_new(&batch, OBS_GUEST_CRASH, AT(i), AT(i));
        for (int i = 0; i < 24; i++)
            apply("8.8.8.8", o[(i * (2 * order + 1) + order) % 8]);
        if (order == 0)
            first = h;
        ck_assert_str_eq(h.facts.is_win6x, first.facts.is_win6x);
        ck_assert_int_eq(h.facts_time, first.facts_time);
        ck_assert_int_eq(h.is_other, first.is_other);
        ck_assert_int_eq(h.last_seen, first.last_seen);
        ck_assert_int_eq(h.last_poll, first.last_poll);
        obs_batch_free(&batch);
    }
    ck_assert_str_eq(first.facts.is_win6x, "3.0.0.0");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, generations_follow_from_the_os_version);
    suite_test(s, a_resource_counts_until_the_first_inventory);
    suite_test(s, records_of_unknown_kinds_tell_nothing_of_the_host);
    suite_test(s, an_older_inventory_does_not_overwrite_a_newer_one);
    suite_test(s, expected_versions_are_since_they_changed);
    suite_test(s, boot_time_cluster_and_os_version_decide_drift_too);
    suite_test(s, another_boot_of_the_host_decides_drift_too);
    suite_test(s, an_inventory_cannot_make_the_host_another_one);
    suite_test(s, order_and_repetition_do_not_matter);
}

int main(void)
{
    return suite_main("model: host", add);
}
