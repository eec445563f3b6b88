/* Ways in which agents of others fail in the field, and that this one does not: the rows
 * of docs/reliability.md that have no test elsewhere. */
#include "base/times.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { CHANNELS = RIG_SOURCES, EVENTS = 20 };

static struct scripted sources[CHANNELS];

static void add_sources(struct rig *r)
{
    char name[32];

    for (int i = 0; i < CHANNELS; i++) {
        snprintf(name, sizeof name, "channel-%d", i);
        scripted_init(&sources[i], name, EVENTS);
        rig_add(r, &sources[i]);
    }
}

static void start(struct rig *r)
{
    struct err e = { 0 };

    ck_assert_msg(rig_start(r, &e) == 0, "%s", e.text);
}

static int count_in_state(const json_t *status, const char *state)
{
    const json_t *list = json_object_get(status, "sources"), *source;
    size_t i;
    int n = 0;

    json_array_foreach((json_t *)(uintptr_t)list, i, source) n +=
        strcmp(json_string_value(at(source, "state")), state) == 0;
    return n;
}

static void wait_for_all(struct rig *r, const char *state)
{
    char path[32];

    for (int i = 0; i < CHANNELS; i++) {
        snprintf(path, sizeof path, "sources.%d.state", i);
        json_decref(rig_status_when(r, path, state));
    }
}

static bool looked_again(void *arg)
{
    return ((struct scripted *)arg)->steps > 1;
}

/* Row 6: a missing channel kills or blocks all, and fills the log. */
START_TEST(row_06_one_missing_channel_of_eight_stops_none_of_the_others)
{
    int all = (CHANNELS - 1) * EVENTS + CHANNELS;
    json_t *status;
    struct rig r;

    rig_init(&r);
    add_sources(&r);
    sources[3].total = 0;
    sources[3].state = STREAM_ABSENT;
    start(&r);
    rig_until(&r, hub_has_all, &all);
    rig_until(&r, looked_again, &sources[3]);
    json_decref(rig_status_when(&r, "store.rows", "0"));
    status = rig_status_when(&r, "sources.3.state", "absent");
    ck_assert_int_eq(count_in_state(status, "attached"), CHANNELS - 1);
    ck_assert_int_eq(count_in_state(status, "absent"), 1);
    ck_assert_str_eq(json_string_value(at(status, "state")), "degraded");
    json_decref(status);
    rig_for(&r, 100);
    /* A state is told once, however often it is looked for: the events, and one state a source. */
    ck_assert_uint_eq(hub.highest, (CHANNELS - 1) * EVENTS + CHANNELS);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

/* Row 7: at boot the event log and WMI are not ready, and the agent gives up. */
START_TEST(row_07_an_agent_that_starts_before_its_sources_runs_and_takes_them_up)
{
    int all = CHANNELS * EVENTS;
    json_t *status;
    struct rig r;

    rig_init(&r);
    add_sources(&r);
    for (int i = 0; i < CHANNELS; i++) {
        sources[i].total = 0;
        sources[i].state = STREAM_ABSENT;
    }
    start(&r);
    wait_for_all(&r, "absent"); /* it runs, and says what it waits for */
    status = rig_status_when(&r, "state", "failed");
    ck_assert_int_eq(count_in_state(status, "absent"), CHANNELS);
    json_decref(status);
    for (int i = 0; i < CHANNELS; i++) {
        sources[i].total = EVENTS;
        sources[i].state = STREAM_ATTACHED;
    }
    rig_until(&r, hub_has_all, &all);
    wait_for_all(&r, "attached");
    json_decref(rig_status_when(&r, "state", "ok"));
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, row_06_one_missing_channel_of_eight_stops_none_of_the_others);
    suite_test(s, row_07_an_agent_that_starts_before_its_sources_runs_and_takes_them_up);
}

int main(void)
{
    return suite_main("agent: rows of the field", add);
}
