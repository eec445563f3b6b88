/* /metrics: which format is asked for, how each says a figure, and labels that stay bounded. */
#include "base/text.h"
#include "base/times.h"
#include "hub/metrics.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- negotiation ------------------------------------------------------------------------ */

START_TEST(the_format_is_the_one_that_is_liked_best)
{
    static const struct {
        const char *accept;
        enum metrics_format format;
    } rows[] = {
        { NULL, METRICS_TEXT },
        { "", METRICS_TEXT },
        { "*/*", METRICS_TEXT },
        { "text/html, */*;q=0.8", METRICS_TEXT },
        { "text/plain", METRICS_TEXT },
        { "application/json", METRICS_TEXT },
        { "application/openmetrics-text", METRICS_OPENMETRICS },
        { "Application/OpenMetrics-Text ; Version=\"1.0.0\"", METRICS_OPENMETRICS },
        { "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
          METRICS_OPENMETRICS },
        { "application/openmetrics-text;version=2.0.0", METRICS_TEXT },
        { "application/openmetrics-text;q=0.5, text/plain;q=0.9", METRICS_TEXT },
        { "application/openmetrics-text;q=0.9, text/plain;q=0.5", METRICS_OPENMETRICS },
        { "application/openmetrics-text, text/plain", METRICS_OPENMETRICS },
        { "application/openmetrics-text;q=0, */*", METRICS_TEXT },
        { "application/openmetrics-text;q=0", METRICS_TEXT },
        { "text/plain;q=0, */*;q=0.5", METRICS_TEXT },
        { "application/openmetrics-text;q=2", METRICS_TEXT },
        { "application/openmetrics-text;q=0.1234", METRICS_TEXT },
        { ",;,;;q=,=;application/openmetrics-text;", METRICS_TEXT },
        { ",, application/openmetrics-text;;q=1.000", METRICS_OPENMETRICS },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(metrics_negotiate(rows[i].accept) == rows[i].format, "%s: %s",
                      rows[i].accept != NULL ? rows[i].accept : "(none)",
                      metrics_type(metrics_negotiate(rows[i].accept)));
}
END_TEST

/* ---- rendering ----------------------------------------------------------------------------- */

static struct counters counters;
static struct metrics_fleet fleet;
static struct buf page;

static const char *rendered(enum metrics_format format)
{
    if (page.data != NULL)
        buf_free(&page);
    buf_init(&page, 1024 * 1024);
    metrics_render(&counters, &fleet, format, &page);
    return buf_text(&page);
}

static void says(enum metrics_format format, const char *line)
{
    ck_assert_msg(strstr(rendered(format), line) != NULL, "no %s in\n%s", line, buf_text(&page));
}

START_TEST(a_counter_is_announced_as_each_format_wants)
{
    counters.body_bytes = 12;
    says(METRICS_TEXT, "# TYPE hvhub_body_bytes_total counter\n# HELP hvhub_body_bytes_total Bytes of request bodies as"
                       " received.\nhvhub_body_bytes_total 12\n");
    says(METRICS_OPENMETRICS, "# TYPE hvhub_body_bytes counter\n# UNIT hvhub_body_bytes bytes\n# HELP hvhub_body_bytes"
                              " Bytes of request bodies as received.\nhvhub_body_bytes_total 12\n");
    says(METRICS_TEXT, "# TYPE hvhub_build_info gauge\n");
    says(METRICS_OPENMETRICS, "# TYPE hvhub_build info\n");
    ck_assert_ptr_null(strstr(rendered(METRICS_TEXT), "# EOF"));
    ck_assert(text_ends_with_nocase(rendered(METRICS_OPENMETRICS), "\n# EOF\n"));
    buf_free(&page);
}
END_TEST

START_TEST(commits_fall_into_the_buckets_of_a_histogram)
{
    counters_commit(&counters, NS_PER_MS / 2, true);
    counters_commit(&counters, 1 * NS_PER_MS, true);
    counters_commit(&counters, 30 * NS_PER_MS, true);
    counters_commit(&counters, 60 * NS_PER_S, true);
    counters_commit(&counters, 60 * NS_PER_S, false);
    says(METRICS_TEXT, "hvhub_commit_duration_seconds_bucket{le=\"0.001\"} 2\n");
    says(METRICS_TEXT, "hvhub_commit_duration_seconds_bucket{le=\"0.025\"} 2\n");
    says(METRICS_TEXT, "hvhub_commit_duration_seconds_bucket{le=\"0.05\"} 3\n");
    says(METRICS_TEXT, "hvhub_commit_duration_seconds_bucket{le=\"1.0\"} 3\n");
    says(METRICS_TEXT, "hvhub_commit_duration_seconds_bucket{le=\"+Inf\"} 4\n");
    says(METRICS_TEXT, "hvhub_commit_duration_seconds_count 4\n");
    says(METRICS_TEXT, "hvhub_commit_duration_seconds_sum 60.031500\n");
    says(METRICS_TEXT, "hvhub_commit_failures_total 1\n");
    buf_free(&page);
}
END_TEST

START_TEST(a_label_keeps_what_it_holds_inside_its_quotes)
{
    fleet.has_gauges = true;
    fleet.gauges.cluster_count = 1;
    text_copy(fleet.gauges.clusters[0].cluster, sizeof fleet.gauges.clusters[0].cluster, "a\\b\"} 1\nc");
    fleet.gauges.clusters[0].guests[DRIFT_BEHIND] = 5;
    says(METRICS_TEXT, "hvhub_cluster_guests{cluster=\"a\\\\b\\\"} 1\\nc\",state=\"behind\"} 5\n");
    buf_free(&page);
}
END_TEST

START_TEST(only_targets_that_are_set_up_are_told)
{
    fleet.target_count = 1;
    fleet.now_ns = T0;
    fleet.targets[0] = (struct fleet_forward_target){ "otlp", { 10, 1, 2 }, T0 - NS_PER_S, 7, T0 - 90 * NS_PER_S };
    ck_assert_ptr_null(strstr(rendered(METRICS_TEXT), "hvhub_forward_"));
    counters.forward[FORWARD_OTLP].configured = true;
    counters.forward[FORWARD_OTLP].answers[FORWARD_LATER] = 3;
    says(METRICS_TEXT, "hvhub_forward_records_total{target=\"otlp\",outcome=\"lost\"} 2\n");
    says(METRICS_TEXT, "hvhub_forward_lag_records{target=\"otlp\"} 7\n");
    says(METRICS_TEXT, "hvhub_forward_lag_seconds{target=\"otlp\"} 90.000\n");
    says(METRICS_TEXT, "hvhub_forward_answers_total{target=\"otlp\",answer=\"later\"} 3\n");
    ck_assert_ptr_null(strstr(rendered(METRICS_TEXT), "splunk"));
    buf_free(&page);
}
END_TEST

/* ---- gauges --------------------------------------------------------------------------------- */

static struct fleet_store *store;
static struct test_clock test_time;

static void set_up(void)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/fleet.db", temp_dir());
    test_clock_init(&test_time);
    store = open_store(path, &test_time.clock);
}

/* A host with so many guests that are behind. */
static void add_host(int number, const char *cluster, const char *agent_version, int guests)
{
    struct resource who = made_agent(number, cluster, "6.3.9600.20778", "6.3.9600.18692");
    struct made m;

    text_copy(who.agent_version, sizeof who.agent_version, agent_version);
    made_init(&m, 1);
    made_host_inventory(&m, &who, test_time.now);
    obs_str(m.batch.last, ATTR_SERVICE_VERSION, agent_version);
    for (int i = 0; i < guests; i++)
        made_inventory(&m, number * 100 + i, test_time.now, "6.3.9600", "6.3.9600.16384");
    made_apply(store, &m, &who);
    made_free(&m);
}

static void read_gauges(struct fleet_gauges *out)
{
    struct err e = { 0 };

    ck_assert_msg(fleet_store_gauges(store, 3600 * NS_PER_S, out, &e) == 0, "%s", e.text);
}

START_TEST(the_clusters_with_most_guests_are_told_and_the_rest_together)
{
    struct fleet_gauges g;
    char cluster[16];
    uint64_t told = 0;
    bool smallest = false;

    set_up();
    for (int i = 1; i <= GAUGE_CLUSTERS_MAX + 4; i++) {
        snprintf(cluster, sizeof cluster, "C%02d", GAUGE_CLUSTERS_MAX + 5 - i);
        add_host(i, cluster, "0.1.0", i <= 4 ? 1 : 2);
    }
    read_gauges(&g);
    ck_assert_int_eq(g.cluster_count, GAUGE_CLUSTERS_MAX);
    for (int i = 0; i < g.cluster_count; i++) {
        told += g.clusters[i].guests[DRIFT_BEHIND];
        smallest = smallest || g.clusters[i].guests[DRIFT_BEHIND] == 1;
    }
    ck_assert_uint_eq(told, 2 * GAUGE_CLUSTERS_MAX);
    ck_assert_uint_eq(g.other_clusters[DRIFT_BEHIND], 4);
    ck_assert(!smallest);
    fleet_store_close(store);
}
END_TEST

START_TEST(agent_versions_are_those_that_read_as_one_and_have_most_hosts)
{
    struct fleet_gauges g;
    char version[16];

    set_up();
    for (int i = 1; i <= GAUGE_VERSIONS_MAX + 2; i++) {
        snprintf(version, sizeof version, "1.%d.0", i);
        add_host(i, "A", version, 0);
    }
    add_host(50, "A", "1.3.0", 0);
    add_host(51, "A", "evil\"} 1", 0);
    add_host(52, "A", "", 0);
    read_gauges(&g);
    ck_assert_int_eq(g.version_count, GAUGE_VERSIONS_MAX);
    ck_assert_str_eq(g.versions[0].version, "1.3.0");
    ck_assert_uint_eq(g.versions[0].hosts, 2);
    ck_assert_uint_eq(g.other_versions, 4);
    fleet_store_close(store);
}
END_TEST

START_TEST(silent_hosts_and_stored_findings_are_counted_by_kind)
{
    struct fleet_gauges g;
    struct resource who = made_agent(3, "A", "6.3.9600.20778", "6.3.9600.18692");
    struct made m;

    set_up();
    add_host(1, "A", "0.1.0", 1);
    add_host(2, "A", "0.1.0", 1);
    test_time.now += 7200 * NS_PER_S;
    made_init(&m, 10);
    made_host_inventory(&m, &who, test_time.now);
    made_apply(store, &m, &who);
    made_free(&m);
    read_gauges(&g);
    ck_assert_uint_eq(g.findings[FINDING_SILENT_HOST], 2);
    ck_assert_uint_eq(g.findings[FINDING_SEQUENCE_HOLE], 1);
    ck_assert_uint_eq(g.findings[FINDING_GAP], 0);
    fleet_store_close(store);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_format_is_the_one_that_is_liked_best);
    suite_test(s, a_counter_is_announced_as_each_format_wants);
    suite_test(s, commits_fall_into_the_buckets_of_a_histogram);
    suite_test(s, a_label_keeps_what_it_holds_inside_its_quotes);
    suite_test(s, only_targets_that_are_set_up_are_told);
    suite_test(s, the_clusters_with_most_guests_are_told_and_the_rest_together);
    suite_test(s, agent_versions_are_those_that_read_as_one_and_have_most_hosts);
    suite_test(s, silent_hosts_and_stored_findings_are_counted_by_kind);
}

int main(void)
{
    return suite_main("hub: metrics", add);
}
