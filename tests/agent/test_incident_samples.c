/* Real crash events of the samples, through the event rules, to incidents. */
#include "collectors/event_apply.h"
#include "incidents/case_file.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct obs_batch batch;
static struct case_file *file;
static struct incident_list list;

static void begin(void)
{
    struct case_options options;

    obs_batch_init(&batch, 1024 * 1024);
    case_options_default(&options);
    ck_assert_int_eq(case_file_new(&file, &options, NULL), 0);
}

static void end(void)
{
    incident_list_free(&list);
    case_file_free(file);
    obs_batch_free(&batch);
}

static const struct resource who = { .host_id = "bundle:DESKTOP", .host_name = "DESKTOP", .os_version = "10.0.26100" };

/* The one observation of an event file; NULL when the sample is not there. */
static struct observation *observe(const char *sample)
{
    const char *path = shared_sample(sample);
    struct event_parser *parser;
    const struct event *event;
    struct observation *before = batch.last;
    char *xml;
    size_t len;

    if (path == NULL)
        return NULL;
    parser = event_parser_new();
    xml = read_file(path, &len);
    ck_assert_int_eq(event_parse(parser, xml, len, &event, NULL), 0);
    ck_assert(event_apply(event, HOST_2016UP, xml, len, event->time_ns, &batch));
    ck_assert_ptr_ne(batch.last, before);
    event_parser_free(parser);
    free(xml);
    return batch.last;
}

static void put(const struct observation *o)
{
    ck_assert_int_eq(case_file_add(file, &who, o, NULL), 0);
}

/* A dump of the crash that the event tells of, as the dump watcher tells it, without a VM. */
static struct observation *dump_of(const struct observation *event)
{
    static const char *const same[] = { ATTR_CRASH_CODE,   ATTR_CRASH_PARAM1, ATTR_CRASH_PARAM2,
                                        ATTR_CRASH_PARAM3, ATTR_CRASH_PARAM4, ATTR_CRASH_KIND };
    int64_t crashed = event->time_ns - 3 * NS_PER_S;
    struct observation *o = obs_new(&batch, OBS_GUEST_DUMP, crashed, crashed + 7200 * NS_PER_S);
    char text[TIMES_TEXT_MAX];

    for (size_t n = 0; n < sizeof same / sizeof same[0]; n++)
        obs_str(o, same[n], obs_get_str(event, same[n]));
    obs_str(o, ATTR_DUMP_PATH, "D:\\dumps\\MEMORY.DMP");
    obs_str(o, ATTR_DUMP_STATUS, "ok");
    obs_str(o, ATTR_DUMP_TIME, times_format(crashed, text));
    return o;
}

static const struct incident *with_code(uint32_t code)
{
    for (size_t n = 0; n < list.count; n++) {
        if (list.items[n]->bugcheck.code == code)
            return list.items[n];
    }
    ck_abort_msg("no incident with code 0x%x", code);
    return NULL;
}

START_TEST(both_real_events_are_incidents_and_one_has_its_dump)
{
    struct observation *a = observe("eventxml/worker-18590-guest-crash-0x79.xml");
    struct observation *b = observe("eventxml/worker-18590-guest-crash-0x7b.xml");

    if (a == NULL || b == NULL)
        skip("the shared samples are not there");
    put(dump_of(b));
    put(a);
    put(b);
    ck_assert_int_eq(case_file_incidents(file, 0, 0, &list, NULL), 0);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_int_eq(with_code(0x79)->dump_count, 0);
    ck_assert_str_eq(with_code(0x79)->bugcheck.name, "MISMATCHED_HAL");
    ck_assert_str_eq(with_code(0x79)->vm_id, "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
    ck_assert_int_eq(with_code(0x7b)->dump_count, 1);
    ck_assert_str_eq(with_code(0x7b)->bugcheck.name, "INACCESSIBLE_BOOT_DEVICE");
    ck_assert_str_eq(with_code(0x7b)->dumps[0].joined_by, "parameters");
    ck_assert_int_eq(with_code(0x7b)->time, b->time_ns);
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "samples");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, both_real_events_are_incidents_and_one_has_its_dump);
}

int main(void)
{
    return suite_main("incidents of real events", add);
}
