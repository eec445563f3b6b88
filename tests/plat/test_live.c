/* A system without live sources says so, and names what to do instead. */
#include "plat/live.h"
#include "tests/support/suite.h"

#include <string.h>

static void never(void *arg, const char *text)
{
    (void)arg;
    ck_abort_msg("was given %s", text);
}

static void never_a_folder(void *arg, const char *path, int depth)
{
    (void)arg;
    ck_abort_msg("was given %s, %d deep", path, depth);
}

START_TEST(every_live_source_is_refused_with_the_way_out)
{
    struct resource facts = { 0 };
    struct event_stream *events = NULL;
    struct wmi_stream *wmi = NULL;
    struct err e[5];

    if (plat_live_available())
        skip("this system has live sources");
    ck_assert_int_eq(plat_live_channels(never, NULL, &e[0]), ERR_UNSUPPORTED);
    ck_assert_int_eq(plat_live_event_stream("System", NULL, NULL, &events, &e[1]), ERR_UNSUPPORTED);
    ck_assert_int_eq(plat_live_wmi_stream(plat_clock(), wmi_wanted_classes, &wmi, &e[2]), ERR_UNSUPPORTED);
    ck_assert_int_eq(plat_live_host_facts(&facts, NULL, &e[3]), ERR_UNSUPPORTED);
    ck_assert_int_eq(plat_live_dump_folders(never_a_folder, NULL, &e[4]), ERR_UNSUPPORTED);
    for (int i = 0; i < 5; i++)
        ck_assert_msg(strstr(e[i].text, "bundle") != NULL, "%s", e[i].text);
    ck_assert_ptr_null(events);
    ck_assert_ptr_null(wmi);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, every_live_source_is_refused_with_the_way_out);
}

int main(void)
{
    return suite_main("plat: live", add);
}
