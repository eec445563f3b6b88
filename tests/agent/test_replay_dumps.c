/* Replay shows what a bundle's crash dumps say. */
#include "agent/replay.h"
#include "plat/clock.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

START_TEST(a_dump_of_a_bundle_is_listed_with_its_verdict)
{
    static const char host[] = "name: HV01\nos_version: 6.3.9600.20778\ncaptured_at: 2026-01-31T08:00:00Z\n";
    const char *sample = shared_sample("dumps/crit_111417-58375-01.dmp.xz"), *dir = temp_dir();
    char folder[4096], command[16384];
    struct replay *r = replay_new();
    const json_t *dump;
    json_t *report;
    struct err e;

    if (sample == NULL)
        skip("no shared samples");
    snprintf(folder, sizeof folder, "%s/dumps", dir);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    write_file(dir, "host.yaml", host, strlen(host));
    snprintf(command, sizeof command, "xz -dc '%s' > '%s/a.dmp'", sample, folder);
    if (system(command) != 0)
        skip("no xz to unpack the sample with");
    ck_assert_msg(replay_add(r, dir, &e) == 0, "%s", e.text);
    ck_assert_msg(replay_run(r, NULL, NULL, &e) == 0, "%s", e.text);
    report = replay_json(r, plat_clock()->wall_ns(plat_clock()), &e);
    ck_assert_ptr_nonnull(report);
    ck_assert_uint_eq(json_array_size(at(report, "dumps")), 1);
    dump = json_array_get(at(report, "dumps"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(dump, "culprit")), "RTKVHD64.sys");
    ck_assert_str_eq(json_string_value(json_object_get(dump, "culprit_offset")), "0x5d28");
    ck_assert_str_eq(json_string_value(json_object_get(dump, "confidence")), "exact");
    ck_assert_str_eq(json_string_value(json_object_get(dump, "failure_bucket_id")), "AV_RTKVHD64!unknown_function");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(dump, "bucket")), "RTKVHD64.sys+0x5d28"));
    json_decref(report);
    replay_free(r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_dump_of_a_bundle_is_listed_with_its_verdict);
}

int main(void)
{
    return suite_main("agent: replay of dumps", add);
}
