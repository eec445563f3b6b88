/* The example bundles read live, through the stand-in event log, give the same
 * observations to the byte as their files do. */
#include "base/times.h"
#include "collectors/eventlog.h"
#include "model/otlp.h"
#include "plat/files.h"
#include "plat/live.h"
#include "tests/support/suite.h"
#include "tests/win/support_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PATH_CHARS = 4096, NAMES_MAX = 32, NAME_CHARS = 256, STEPS_MAX = 100, STEP_EVENTS = 3 };

static const size_t bytes_max = 16 * 1024 * 1024;

/* Takes all steps of a source over the stream, which it closes. */
static void observations_of(struct event_stream *stream, struct buf *out, int *count)
{
    struct source_step step = { .max_events = STEP_EVENTS, .max_bytes = bytes_max, .now_ns = NS_PER_S };
    struct obs_batch batch;
    struct buf mark;
    struct source *source;
    struct err e = { ERR_OK, "" };
    int steps = 0;

    *count = 0;
    ck_assert_int_eq(eventlog_source_new("events", stream, HOST_UNKNOWN, &source, &e), 0);
    obs_batch_init(&batch, bytes_max);
    buf_init(&mark, SOURCE_MARK_MAX);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    step.batch = &batch;
    do {
        step.mark = buf_text(&mark);
        obs_batch_reset(&batch);
        ck_assert_msg(source_take_step(source, &step, &e) == 0, "%s", e.text);
        ck_assert_msg(step.report.state == STREAM_ATTACHED, "%s", step.report.remedy);
        for (const struct observation *o = batch.first; o != NULL; o = o->next, ++*count)
            ck_assert_int_eq(otlp_encode_record(o, out, &e), 0);
        buf_clear(&mark);
        buf_str(&mark, buf_text(&step.new_mark));
        ck_assert_int_lt(++steps, STEPS_MAX);
    } while (step.report.more);
    source_close(source);
    obs_batch_free(&batch);
    buf_free(&step.new_mark);
    buf_free(&mark);
}

static struct {
    char names[NAMES_MAX][NAME_CHARS];
    int count;
} channels;

static void on_channel(void *arg, const char *channel)
{
    (void)arg;
    ck_assert_int_lt(channels.count, NAMES_MAX);
    snprintf(channels.names[channels.count++], NAME_CHARS, "%s", channel);
}

static void compare(const char *dir, const char *channel)
{
    char path[PATH_CHARS];
    struct event_stream *file, *live;
    struct buf from_file, from_live;
    int file_count, live_count;
    struct err e = { ERR_OK, "" };

    snprintf(path, sizeof path, "%s/events/%s.xml", dir, channel);
    buf_init(&from_file, bytes_max);
    buf_init(&from_live, bytes_max);
    ck_assert_msg(event_file_xml(plat_files(), path, &file, &e) == 0, "%s", e.text);
    ck_assert_msg(plat_live_event_stream(channel, NULL, NULL, &live, &e) == 0, "%s", e.text);
    observations_of(file, &from_file, &file_count);
    observations_of(live, &from_live, &live_count);
    ck_assert_int_gt(file_count, 0);
    ck_assert_int_eq(live_count, file_count);
    ck_assert_uint_eq(from_live.len, from_file.len);
    ck_assert_mem_eq(from_live.data, from_file.data, from_file.len);
    buf_free(&from_file);
    buf_free(&from_live);
}

START_TEST(live_channels_give_what_the_files_of_a_bundle_give)
{
    static const struct {
        const char *dir;
        int channels;
    } bundles[] = { { "examples/bundles/HV01", 4 },
                    { "examples/bundles/HV02", 3 },
                    { "examples/bundles/HV03", 2 },
                    { "examples/bundles/HV21", 2 },
                    { "examples/bundles/HV22", 2 } };

    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        SetEnvironmentVariableA("HVFLEET_WINHOST", bundles[i].dir);
        channels.count = 0;
        ck_assert_int_eq(plat_live_channels(on_channel, NULL, NULL), 0);
        ck_assert_int_eq(channels.count, bundles[i].channels);
        for (int n = 0; n < channels.count; n++)
            compare(bundles[i].dir, channels.names[n]);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, live_channels_give_what_the_files_of_a_bundle_give);
}

int main(void)
{
    return has_stand_in() ? suite_main("windows: event channels of a bundle", add)
                          : skip_without_stand_in("test_event_channel_bundle");
}
