/* Bundles: what host.yaml says, which sources there are, what is no bundle. */
#include "base/times.h"
#include "collectors/bundle.h"
#include "tests/collectors/support_kvp.h"
#include "tests/collectors/support_setup.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 4096 };

static const char host_yaml[] = "name: HV01\n"
                                "cluster: PROD-A\n"
                                "os_version: 6.3.9600.20778\n"
                                "is_version: {win6x: 6.3.9600.18692, win5x: 6.3.9600.18339}\n"
                                "boot_time: 2026-01-30T06:00:00Z\n"
                                "captured_at: 2026-01-31T08:00:00Z\n";

static const char *sub(const char *dir, const char *name)
{
    static char paths[4][PATH_LEN];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_LEN, "%s/%s", dir, name);
    return path;
}

static const char *make_sub(const char *dir, const char *name)
{
    const char *path = sub(dir, name);

    ck_assert_int_eq(mkdir(path, 0700), 0);
    return path;
}

static void put(const char *dir, const char *name, const char *text)
{
    write_file(dir, name, text, strlen(text));
}

static int open_bundle(const char *dir, struct bundle **out, struct err *e)
{
    struct bundle_options options = {
        .files = plat_files(),
        .clock = plat_clock(),
        .poll_ns = 2 * NS_PER_S,
        .refresh_ns = 3600 * NS_PER_S,
    };

    *out = NULL;
    return bundle_open(dir, &options, out, e);
}

static struct bundle *open_good(const char *dir)
{
    struct bundle *b;
    struct err e = { 0 };
    int rc = open_bundle(dir, &b, &e);

    ck_assert_msg(rc == 0, "%s", e.text);
    return b;
}

/* The names of the sources, one a line. */
static const char *source_names(struct bundle *b)
{
    static char text[4096];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < bundle_source_count(b); i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", bundle_source(b, i)->name);
    return text;
}

START_TEST(the_host_is_what_host_yaml_says)
{
    const char *dir = temp_dir();
    struct bundle *b;
    const struct resource *r;
    char text[TIMES_TEXT_MAX];

    put(dir, "host.yaml", host_yaml);
    b = open_good(dir);
    r = bundle_facts(b);
    ck_assert_str_eq(r->host_name, "HV01");
    ck_assert_str_eq(r->host_id, "bundle:HV01");
    ck_assert_str_eq(r->cluster, "PROD-A");
    ck_assert_str_eq(r->os_version, "6.3.9600.20778");
    ck_assert_str_eq(r->is_win6x, "6.3.9600.18692");
    ck_assert_str_eq(r->is_win5x, "6.3.9600.18339");
    ck_assert_str_eq(times_format(r->boot_time, text), "2026-01-30T06:00:00Z");
    ck_assert_str_eq(r->boot_id, "2026-01-30T06:00:00Z");
    ck_assert_str_eq(times_format(bundle_captured_at(b), text), "2026-01-31T08:00:00Z");
    ck_assert_uint_eq(bundle_source_count(b), 0);
    bundle_close(b);
}
END_TEST

START_TEST(a_name_alone_is_enough_and_a_host_id_is_taken_as_it_is)
{
    const char *dir = temp_dir();
    struct bundle *b;

    put(dir, "host.yaml", "name: HV21\nhost_id: 4C4C4544-0051-3010-8052-B4C04F4A4A32\n");
    b = open_good(dir);
    ck_assert_str_eq(bundle_facts(b)->host_id, "4C4C4544-0051-3010-8052-B4C04F4A4A32");
    ck_assert_str_eq(bundle_facts(b)->is_win6x, "");
    ck_assert_int_eq(bundle_facts(b)->boot_time, 0);
    ck_assert_int_eq(bundle_captured_at(b), 0);
    bundle_close(b);
}
END_TEST

static void expect_problem(const char *yaml, const char *place, const char *what)
{
    const char *dir = temp_dir();
    char start[PATH_LEN + 64];
    struct bundle *b;
    struct err e = { 0 };

    put(dir, "host.yaml", yaml);
    snprintf(start, sizeof start, "%s/host.yaml:%s", dir, place);
    ck_assert_int_eq(open_bundle(dir, &b, &e), ERR_INVALID);
    ck_assert_ptr_null(b);
    ck_assert_msg(strstr(e.text, start) != NULL, "\"%s\" does not hold \"%s\"", e.text, start);
    ck_assert_msg(strstr(e.text, what) != NULL, "\"%s\" does not hold \"%s\"", e.text, what);
}

START_TEST(problems_of_host_yaml_are_told_with_their_place)
{
    expect_problem("name: HV01\nclustre: A\n", "2:1:", "cluster");
    expect_problem("name: HV01\nis_version:\n  win6x: newest\n", "3:10:", "win6x");
    expect_problem("name: HV01\ncaptured_at: yesterday\n", "2:14:", "captured_at");
    expect_problem("cluster: A\n", "1:1:", "name");
    expect_problem("name: HV01\nname: HV02\n", "2:1:", "name");
    expect_problem("name: [HV01\n", "", "");
}
END_TEST

START_TEST(host_yaml_may_have_64_kib_and_says_so_when_it_has_more)
{
    static char text[64 * 1024 + 2];
    const char *dir = temp_dir();
    char want[PATH_LEN + 128];
    struct bundle *b;
    struct err e = { 0 };

    memset(text, '#', sizeof text - 2);
    memcpy(text, "name: HV01\n", 11);
    put(dir, "host.yaml", text);
    bundle_close(open_good(dir));
    text[sizeof text - 2] = '#';
    put(dir, "host.yaml", text);
    ck_assert_int_eq(open_bundle(dir, &b, &e), ERR_TOO_BIG);
    snprintf(want, sizeof want,
             "%s/host.yaml:1:1: too large (at most 65536 bytes); the facts of a host are a few lines", dir);
    ck_assert_str_eq(e.text, want);
}
END_TEST

START_TEST(all_problems_are_told_at_once)
{
    const char *dir = temp_dir();
    struct bundle *b;
    struct err e = { 0 };

    put(dir, "host.yaml", "name: HV01\nx: 1\ncaptured_at: y\n");
    ck_assert_int_eq(open_bundle(dir, &b, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "host.yaml:2:1:"));
    ck_assert_ptr_nonnull(strstr(e.text, "\n"));
    ck_assert_ptr_nonnull(strstr(e.text, "host.yaml:3:14:"));
    ck_assert_int_ne(e.text[strlen(e.text) - 1], '\n');
}
END_TEST

START_TEST(a_host_yaml_without_end_is_refused)
{
    const char *dir = temp_dir();
    char *big = malloc(100001);
    struct bundle *b;
    struct err e = { 0 };

    memset(big, '#', 100000);
    big[100000] = '\0';
    put(dir, "host.yaml", big);
    ck_assert_int_eq(open_bundle(dir, &b, &e), ERR_TOO_BIG);
    free(big);
}
END_TEST

START_TEST(a_folder_with_nothing_of_a_bundle_is_refused_with_what_one_is)
{
    const char *dir = temp_dir();
    struct bundle *b;
    struct err e = { 0 };

    put(dir, "readme.txt", "x");
    ck_assert_int_eq(open_bundle(dir, &b, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, dir));
    ck_assert_ptr_nonnull(strstr(e.text, "a bundle is a folder that holds host.yaml"));
    ck_assert_int_eq(open_bundle(sub(dir, "none"), &b, &e), ERR_NOT_FOUND);
    ck_assert_int_eq(open_bundle(sub(dir, "readme.txt"), &b, &e), ERR_INVALID);
}
END_TEST

START_TEST(without_host_yaml_the_folders_name_is_the_hosts)
{
    const char *dir = make_sub(temp_dir(), "HV07");
    char with_slashes[PATH_LEN];
    struct bundle *b;

    make_sub(dir, "dumps");
    snprintf(with_slashes, sizeof with_slashes, "%s//", dir);
    b = open_good(with_slashes);
    ck_assert_str_eq(bundle_facts(b)->host_name, "HV07");
    ck_assert_str_eq(bundle_facts(b)->host_id, "bundle:HV07");
    ck_assert_str_eq(bundle_facts(b)->os_version, "");
    bundle_close(b);
}
END_TEST

START_TEST(sources_are_named_after_the_host_and_sorted)
{
    const char *dir = temp_dir(), *events;
    struct bundle *b;

    put(dir, "host.yaml", host_yaml);
    events = make_sub(dir, "events");
    put(events, "b.xml", "<Events></Events>");
    put(events, "a.EVTX", "");
    put(events, "c.XML", "<Events></Events>");
    put(events, "notes.txt", "x");
    make_sub(dir, "kvp");
    make_sub(dir, "dumps");
    b = open_good(dir);
    ck_assert_str_eq(source_names(b),
                     "HV01/events/a.EVTX\nHV01/events/b.xml\nHV01/events/c.XML\nHV01/kvp\nHV01/dumps\n");
    for (size_t i = 0; i < bundle_source_count(b); i++) {
        ck_assert_int_eq(bundle_source(b, i)->interval_ns, 2 * NS_PER_S);
        ck_assert_ptr_nonnull(strstr(bundle_source(b, i)->watch_path, dir));
    }
    bundle_close(b);
}
END_TEST

START_TEST(the_logs_of_an_esxi_host_are_sources_of_their_own)
{
    const char *dir = temp_dir(), *esxi = make_sub(dir, "esxi"), *vm = make_sub(esxi, "SQL07");
    struct bundle *b;

    put(dir, "host.yaml", "name: ESX1\nos_version: VMware ESXi 7.0.3\n");
    put(esxi, "hostd.log", "");
    put(esxi, "vobd.log", "");
    put(esxi, "hostd.0.log", ""); /* what it was rotated into is not a log of its own */
    put(esxi, "vmware.log", "");  /* whose would it be? */
    put(vm, "vmware.log", "");
    put(vm, "hostd.log", "");
    make_sub(esxi, "EMPTY");
    b = open_good(dir);
    ck_assert_str_eq(source_names(b), "ESX1/esxi/SQL07/vmware.log\nESX1/esxi/hostd.log\nESX1/esxi/vobd.log\n");
    bundle_close(b);
}
END_TEST

START_TEST(what_appears_later_is_added_at_the_end_and_once)
{
    const char *dir = temp_dir(), *events;
    struct bundle *b;

    put(dir, "host.yaml", host_yaml);
    make_sub(dir, "kvp");
    b = open_good(dir);
    ck_assert_str_eq(source_names(b), "HV01/kvp\n");
    events = make_sub(dir, "events");
    put(events, "b.xml", "");
    ck_assert_int_eq(bundle_rescan(b, NULL), 0);
    put(events, "a.xml", "");
    make_sub(dir, "dumps");
    ck_assert_int_eq(bundle_rescan(b, NULL), 0);
    ck_assert_int_eq(bundle_rescan(b, NULL), 0);
    ck_assert_str_eq(source_names(b), "HV01/kvp\nHV01/events/b.xml\nHV01/events/a.xml\nHV01/dumps\n");
    bundle_close(b);
}
END_TEST

/* ---- the whole way ------------------------------------------------------ */

static const char crash[] =
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Microsoft-Windows-Hyper-V-Worker' Guid='{51ddfa29-d5c8-4803-be4b-2ecb715570fe}'/>"
    "<EventID>18590</EventID><Version>0</Version><Level>1</Level><Task>0</Task><Opcode>0</Opcode>"
    "<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-01-31T07:00:00.5Z'/>"
    "<EventRecordID>7</EventRecordID><Channel>Microsoft-Windows-Hyper-V-Worker-Admin</Channel><Computer>HV01</Computer>"
    "</System><UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'>"
    "<VmName>one</VmName><VmId>00000001-1111-2222-3333-444455556666</VmId><VmErrorCode0>0xD1</VmErrorCode0>"
    "<VmErrorCode1>0x1</VmErrorCode1><VmErrorCode2>0x2</VmErrorCode2><VmErrorCode3>0x3</VmErrorCode3>"
    "<VmErrorCode4>0x4</VmErrorCode4><VmErrorMessage></VmErrorMessage></VmlEventLog></UserData></Event>";

/* Takes all steps of one source; counts the observations of a kind. */
static int drain(struct source *s, enum obs_kind kind)
{
    struct obs_batch b;
    char *mark = strdup("");
    bool more = true;
    int count = 0;

    obs_batch_init(&b, 1 << 24);
    while (more) {
        struct source_step step = { .mark = mark, .max_events = 100, .max_bytes = 1 << 22, .now_ns = 1, .batch = &b };
        struct err e = { 0 };
        int rc;

        obs_batch_reset(&b);
        buf_init(&step.new_mark, SOURCE_MARK_MAX);
        rc = source_take_step(s, &step, &e);
        ck_assert_msg(rc == 0, "%s: %s", s->name, e.text);
        count += count_obs(&b, kind);
        free(mark);
        mark = strdup(buf_text(&step.new_mark));
        more = step.report.more;
        ck_assert_msg(step.settled == !more, "%s: settled %d, more %d", s->name, step.settled, more);
        buf_free(&step.new_mark);
    }
    free(mark);
    obs_batch_free(&b);
    return count;
}

START_TEST(a_whole_bundle_gives_crashes_inventories_and_dumps)
{
    const char *dir = temp_dir();
    struct buf xml;
    struct bundle *b;

    put(dir, "host.yaml", host_yaml);
    put(make_sub(dir, "events"), "worker.xml", crash);
    buf_init(&xml, 1 << 16);
    xml_system(&xml, vm_guid(1), "one", 2);
    xml_system(&xml, vm_guid(2), "two", 3);
    write_file(make_sub(dir, "kvp"), "Msvm_ComputerSystem.xml", xml.data, xml.len);
    buf_free(&xml);
    put(make_sub(dir, "dumps"), "x.dmp", "MDMP and more, enough to be looked at as a file");
    b = open_good(dir);
    ck_assert_uint_eq(bundle_source_count(b), 3);
    ck_assert_int_eq(drain(bundle_source(b, 0), OBS_GUEST_CRASH), 1);
    ck_assert_int_eq(drain(bundle_source(b, 1), OBS_GUEST_INVENTORY), 2);
    ck_assert_int_eq(drain(bundle_source(b, 2), OBS_GUEST_DUMP), 1);
    bundle_close(b);
}
END_TEST

START_TEST(how_guests_are_set_up_is_a_source_where_it_was_captured)
{
    const char *dir = temp_dir(), *kvp = make_sub(dir, "kvp");
    struct setup_texts texts;
    struct buf xml;
    struct bundle *b;

    setup_texts_init(&texts);
    put_whole_vm(&texts, 1, "web01");
    buf_init(&xml, 1 << 16);
    xml_summary(&xml, vm_guid(1), 1);
    xml_system(&xml, vm_guid(1), "web01", 2);
    put(dir, "host.yaml", host_yaml);
    write_file(kvp, "Msvm_SummaryInformation.xml", xml.data, xml.len);
    b = open_good(dir);
    ck_assert_uint_eq(bundle_source_count(b), 1);
    for (int i = 0; i < SETUP_TEXTS; i++) {
        char name[128];

        snprintf(name, sizeof name, "%s.xml", wmi_captured_setup_classes[i]);
        if (texts.text[i].len > 0)
            write_file(kvp, name, texts.text[i].data, texts.text[i].len);
    }
    ck_assert_int_eq(bundle_rescan(b, NULL), 0);
    ck_assert_int_eq(bundle_rescan(b, NULL), 0);
    ck_assert_uint_eq(bundle_source_count(b), 2);
    ck_assert_str_eq(bundle_source(b, 1)->name, "HV01/setup");
    ck_assert_int_eq(drain(bundle_source(b, 1), OBS_GUEST_CONFIGURATION), 1);
    bundle_close(b);
    setup_texts_free(&texts);
    buf_free(&xml);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, how_guests_are_set_up_is_a_source_where_it_was_captured);
    suite_test(s, the_host_is_what_host_yaml_says);
    suite_test(s, a_name_alone_is_enough_and_a_host_id_is_taken_as_it_is);
    suite_test(s, problems_of_host_yaml_are_told_with_their_place);
    suite_test(s, host_yaml_may_have_64_kib_and_says_so_when_it_has_more);
    suite_test(s, all_problems_are_told_at_once);
    suite_test(s, a_host_yaml_without_end_is_refused);
    suite_test(s, a_folder_with_nothing_of_a_bundle_is_refused_with_what_one_is);
    suite_test(s, without_host_yaml_the_folders_name_is_the_hosts);
    suite_test(s, sources_are_named_after_the_host_and_sorted);
    suite_test(s, the_logs_of_an_esxi_host_are_sources_of_their_own);
    suite_test(s, what_appears_later_is_added_at_the_end_and_once);
    suite_test(s, a_whole_bundle_gives_crashes_inventories_and_dumps);
}

int main(void)
{
    return suite_main("collectors: bundle", add);
}
