/* The rules: tables that are in order, and events that become the observations
 * they should. */
#include "base/times.h"
#include "collectors/event_apply.h"
#include "collectors/event_rules.h"
#include "collectors/eventlog.h"
#include "tests/collectors/support_event.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VM_A "6B29FC40-CA47-1067-B31D-00DD010662DA"
#define VM_B "0F8FAD5B-D9CB-469F-A165-70867728950E"
#define VM_C "7C9E6679-7425-40DE-944B-E07FC1F90AE7"

enum { WANTS_MAX = 7, BATCH_MAX = 16 * 1024 * 1024, OBSERVED = 42 };

/* One observation that a fixture must give, in order. */
struct want {
    unsigned record;
    enum obs_kind kind;
    const char *attrs[WANTS_MAX]; /* "key=value"; "!key": must be missing */
};

static void check_attr(const struct observation *o, unsigned record, const char *want)
{
    char key[OBS_KEY_MAX], text[64];
    const char *equals = strchr(want, '='), *got;
    const struct attr *a;

    if (want[0] == '!') {
        ck_assert_msg(obs_attr(o, want + 1) == NULL, "record %u has %s", record, want + 1);
        return;
    }
    ck_assert_ptr_nonnull(equals);
    snprintf(key, sizeof key, "%.*s", (int)(equals - want), want);
    a = obs_attr(o, key);
    ck_assert_msg(a != NULL, "record %u lacks %s", record, key);
    if (a->type == ATTR_DOUBLE)
        snprintf(text, sizeof text, "%g", a->real);
    else
        snprintf(text, sizeof text, "%lld", (long long)a->num);
    got = a->type == ATTR_STRING ? a->str : text;
    ck_assert_msg(strcmp(got, equals + 1) == 0, "record %u: %s is '%s', want '%s'", record, key, got, equals + 1);
}

static void check_one(const struct observation *o, const struct want *w)
{
    ck_assert_msg(o != NULL, "record %u gave nothing", w->record);
    ck_assert_int_eq(obs_get_int(o, ATTR_RECORD_ID, 0), w->record);
    ck_assert_msg(o->kind == w->kind, "record %u is %s, want %s", w->record, o->kind_name, obs_kind_name(w->kind));
    ck_assert_str_ne(o->body, "");
    ck_assert_msg(strpbrk(o->body, "{}[]") == NULL, "record %u: %s", w->record, o->body);
    ck_assert_int_ne(o->time_ns, 0);
    ck_assert_int_eq(o->observed_ns, OBSERVED);
    for (int i = 0; i < WANTS_MAX && w->attrs[i] != NULL; i++)
        check_attr(o, w->record, w->attrs[i]);
}

/* The whole way: file, splitter, parser, rules. */
static void check_fixture(const char *path, enum host_generation host, const struct want *wants, size_t count,
                          int64_t skipped)
{
    struct event_stream *stream;
    struct source *source;
    struct obs_batch batch;
    struct source_step step = {
        .mark = "", .max_events = 1000, .max_bytes = 1 << 20, .now_ns = OBSERVED, .batch = &batch
    };
    struct err e = { ERR_OK, "" };
    const struct observation *o;

    ck_assert_msg(event_file_xml(plat_files(), path, &stream, &e) == 0, "%s", e.text);
    ck_assert_int_eq(eventlog_source_new("fixture", stream, host, &source, &e), 0);
    obs_batch_init(&batch, BATCH_MAX);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    ck_assert_msg(source_take_step(source, &step, &e) == 0, "%s", e.text);
    ck_assert_int_eq(step.report.state, STREAM_ATTACHED);
    o = batch.first;
    for (size_t i = 0; i < count; i++, o = o->next)
        check_one(o, &wants[i]);
    ck_assert_msg(o == NULL, "one more than wanted: %s", o != NULL ? o->body : "");
    ck_assert_int_eq(step.skipped, skipped);
    buf_free(&step.new_mark);
    obs_batch_free(&batch);
    source_close(source);
}

#define NEGOTIATED(f, fe, m, me)                                                                    \
    ATTR_FRAMEWORK_NEGOTIATED "=" f, ATTR_FRAMEWORK_EXPECTED "=" fe, ATTR_MESSAGE_NEGOTIATED "=" m, \
        ATTR_MESSAGE_EXPECTED "=" me

START_TEST(a_2008_r2_host_is_understood)
{
    static const struct want wants[] = {
        { 101,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=kvp-older", ATTR_VM_ID "=" VM_A, ATTR_VM_NAME "=web01",
            ATTR_INSTALLED_VERSION "=6.1.7600.16385", ATTR_UPGRADE_VERSION "=6.1.7601.17514",
            ATTR_IC_SERVICE "=Hyper-V Data Exchange" } },
        { 102,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=ic-compatible", ATTR_IC_SERVICE "=Hyper-V Heartbeat", "!" ATTR_MESSAGE_EXPECTED } },
        { 103,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=ic-incompatible", ATTR_IC_SERVICE "=Hyper-V Volume Shadow Copy Requestor" } },
        { 104, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=started", ATTR_VM_ID "=" VM_A } },
        { 105,
          OBS_GUEST_MIGRATION,
          { ATTR_MIGRATION_PHASE "=completed", ATTR_VM_ID "=" VM_A, "!" ATTR_MIGRATION_BLACKOUT } },
        { 106, OBS_GUEST_MIGRATION, { ATTR_MIGRATION_PHASE "=received", ATTR_VM_ID "=" VM_A } },
        { 107,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=device-compatible", ATTR_VM_ID "=" VM_A, ATTR_SERVER_VERSION "=3.2",
            ATTR_CLIENT_VERSION "=0.2", "hyperv.event.field.2=web01" } },
        { 108, OBS_GUEST_VERSION_MISMATCH, { ATTR_MISMATCH_SIGNAL "=device-compatible", ATTR_VM_ID "=" VM_B } },
        { 109,
          OBS_HOST_STORAGE,
          { ATTR_SIGNAL "=csv-paused", ATTR_DEVICE "=Volume1", ATTR_CLUSTER_OBJECT "=Cluster Disk 2",
            ATTR_STATUS "=STATUS_IO_TIMEOUT(c00000b5)" } },
        { 110, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=worker-died", ATTR_VM_ID "=" VM_B, ATTR_VM_NAME "=db01" } },
        { 111,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=device-compatible", ATTR_IC_SERVICE "=Microsoft Synthetic Mouse",
            ATTR_SERVER_VERSION "=2.0", ATTR_CLIENT_VERSION "=1.0" } },
    };

    check_fixture("tests/collectors/fixtures/events-2008r2.xml", HOST_2008R2, wants, sizeof wants / sizeof wants[0], 0);
}
END_TEST

START_TEST(a_2012_r2_host_is_understood)
{
    static const struct want wants[] = {
        { 101,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=ic-compatible", ATTR_VM_NAME "=dev <ubuntu> & co",
            ATTR_IC_SERVICE "=Hyper-V Data Exchange", NEGOTIATED("3.0", "3.0", "4.0", "5.0") } },
        { 102,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=ic-incompatible", ATTR_IC_SERVICE "=Hyper-V Heartbeat", "!hyperv.event.field.3",
            NEGOTIATED("1.0", "3.0", "0.0", "5.0") } },
        { 103, OBS_GUEST_VERSION_OK, { ATTR_IC_SERVICE "=Hyper-V Guest Shutdown", ATTR_VM_ID "=" VM_A } },
        { 104,
          OBS_GUEST_LIFECYCLE,
          { ATTR_VM_CHANGE "=other", ATTR_VM_REASON "=ip-settings-timeout", "hyperv.event.field.3=Ethernet" } },
        { 105, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=ic-not-running", ATTR_IC_SERVICE "=Hyper-V Data Exchange" } },
        { 106,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=device-compatible", ATTR_IC_SERVICE "=Microsoft Synthetic Display Controller",
            ATTR_SERVER_VERSION "=3.3", ATTR_CLIENT_VERSION "=3.2" } },
        { 107, OBS_GUEST_VERSION_MISMATCH, { ATTR_MISMATCH_SIGNAL "=device-incompatible" } },
        { 108, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=other", ATTR_IC_SERVICE "=Microsoft Synthetic Mouse" } },
        { 109,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=device-incompatible", ATTR_VM_NAME "=web", ATTR_VM_ID "=" VM_C,
            ATTR_SERVER_VERSION "=5.0", ATTR_CLIENT_VERSION "=0.2" } },
        { 110, OBS_GUEST_VERSION_MISMATCH, { ATTR_MISMATCH_SIGNAL "=device-compatible", ATTR_CLIENT_VERSION "=4.0" } },
        { 111,
          OBS_GUEST_CRASH,
          { ATTR_CRASH_KIND "=bugcheck", ATTR_CRASH_CODE "=0x000000d1", ATTR_CRASH_PARAM1 "=0x0000000000000028",
            ATTR_CRASH_PARAM4 "=0xfffff80002c8b2b8", "!" ATTR_CRASH_MESSAGE, "!hyperv.event.field.3" } },
        { 112,
          OBS_GUEST_CRASH,
          { ATTR_CRASH_KIND "=linux-panic", ATTR_LINUX_VERSION "=6.6.87", ATTR_LINUX_DIE_CODE "=0xb",
            ATTR_LINUX_RIP "=0xffffffff810a2b30", "!" ATTR_CRASH_CODE, "!" ATTR_CRASH_PARAM1 } },
        { 113,
          OBS_GUEST_CRASH,
          { ATTR_CRASH_KIND "=linux-panic", ATTR_LINUX_TEXT_SIZE "=961", "!" ATTR_CRASH_CODE,
            ATTR_CRASH_MESSAGE "=Kernel panic - not syncing: Fatal exception" } },
        { 114, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=reset", ATTR_VM_REASON "=by-guest" } },
        { 115, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=shut-down", "hyperv.event.field.4=Legacy API shutdown" } },
        { 116,
          OBS_GUEST_MIGRATION,
          { ATTR_MIGRATION_PHASE "=started", ATTR_MIGRATION_KIND "=live", ATTR_MIGRATION_PEER "=HV02" } },
        { 117,
          OBS_GUEST_MIGRATION,
          { ATTR_MIGRATION_PHASE "=completed", ATTR_MIGRATION_BLACKOUT "=61.5", ATTR_MIGRATION_LONG "=1" } },
        { 118, OBS_GUEST_MIGRATION, { ATTR_MIGRATION_PHASE "=received", ATTR_MIGRATION_PEER "=192.0.2.17" } },
        { 119, OBS_GUEST_MIGRATION, { ATTR_MIGRATION_PHASE "=failed", ATTR_MIGRATION_PEER "=HV02" } },
        { 120, OBS_GUEST_MIGRATION, { ATTR_VM_ID "=" VM_C, ATTR_CLUSTER_OBJECT "=Virtual Machine web" } },
        { 121, OBS_HOST_STORAGE, { ATTR_SIGNAL "=disk-full", ATTR_VM_ID "=" VM_C, ATTR_DEVICE "=D:\\VMs\\" } },
        { 121, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=paused-critical", ATTR_VM_REASON "=disk-full" } },
        { 122, OBS_EVENT_RAW, { ATTR_VM_ID "=" VM_C, "hyperv.event.field.3=D:\\x.vhd", "!" ATTR_SIGNAL } },
        { 123, OBS_EVENT_RAW, { "hyperv.event.field.1=a.vhd", "hyperv.event.field.2=b.iso", "!" ATTR_VM_CHANGE } },
        { 124,
          OBS_HOST_STORAGE,
          { ATTR_SIGNAL "=smb-session-lost", ATTR_DEVICE "=\\\\sofs01", ATTR_STATUS "=3221225996" } },
        { 125, OBS_HOST_STORAGE, { ATTR_SIGNAL "=device-reset", ATTR_DEVICE "=\\Device\\RaidPort2" } },
        { 126, OBS_HOST_STORAGE, { ATTR_SIGNAL "=io-retried", ATTR_DEVICE "=\\Device\\Harddisk4\\DR4" } },
        { 127, OBS_HOST_CLUSTER, { ATTR_SIGNAL "=node-removed", ATTR_CLUSTER_OBJECT "=HV03" } },
        { 128,
          OBS_HOST_CLUSTER,
          { ATTR_SIGNAL "=role-moving", ATTR_CLUSTER_OBJECT "=web", ATTR_MIGRATION_PEER "=HV02" } },
        { 132, OBS_EVENT_RAW, { "!" ATTR_VM_ID, "hyperv.event.field.2=not-a-guid" } },
        { 133, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=triple-fault", ATTR_VM_ID "=" VM_C } },
    };

    check_fixture("tests/collectors/fixtures/events-2012r2.xml", HOST_2012R2, wants, sizeof wants / sizeof wants[0], 4);
}
END_TEST

START_TEST(a_2022_host_is_understood)
{
    static const struct want wants[] = {
        { 101,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=ic-incompatible", "!" ATTR_IC_SERVICE, NEGOTIATED("0.0", "3.0", "0.0", "5.0") } },
        { 102, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=ic-not-running", ATTR_IC_SERVICE "=Hyper-V Data Exchange" } },
        { 103,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=device-incompatible", ATTR_CLIENT_VERSION "=0.9" } },
        { 104,
          OBS_GUEST_VERSION_MISMATCH,
          { ATTR_MISMATCH_SIGNAL "=device-incompatible", ATTR_VM_ID "=" VM_A, ATTR_VM_NAME "=old01",
            ATTR_SERVER_VERSION "=6.2" } },
        { 105,
          OBS_HOST_STORAGE,
          { ATTR_SIGNAL "=io-slow", ATTR_LATENCY_MS "=10352", ATTR_DEVICE "=C:\\ClusterStorage\\Volume1\\db01.vhdx",
            "hyperv.event.field.6=SRB_STATUS_SUCCESS" } },
        { 106, OBS_HOST_STORAGE, { ATTR_SIGNAL "=io-failed", ATTR_STATUS "=0xC00000B5" } },
        { 107, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=other", ATTR_VM_REASON "=fast-restore-started" } },
        { 108, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=watchdog" } },
        { 109, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=dump-written", ATTR_CRASH_CODE "=0x0000007e" } },
        { 110, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=boot-ok", ATTR_VM_REASON "=secure-boot-failures" } },
        { 111, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=dump-failed", ATTR_STATUS "=0x80070070" } },
        { 112, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=boot-failed" } },
        { 113,
          OBS_HOST_STORAGE,
          { ATTR_SIGNAL "=path-lost", ATTR_VM_ID "=" VM_B, ATTR_STATUS "=Lost",
            ATTR_DEVICE "=C:\\ClusterStorage\\Volume1\\db01.vhdx" } },
        { 114, OBS_HOST_STORAGE, { ATTR_SIGNAL "=path-restored", ATTR_STATUS "=Healthy" } },
        { 115, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=paused-critical" } },
        { 116, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=resumed-critical" } },
        { 117, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=stopped-critical" } },
        { 118, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=dump-written", ATTR_DUMP_PATH "=D:\\Dumps\\db01-windows-crash" } },
        { 119, OBS_HOST_STORAGE, { ATTR_SIGNAL "=io-slow", ATTR_LATENCY_MS "=30000" } },
        { 120,
          OBS_GUEST_CRASH,
          { ATTR_CRASH_KIND "=bugcheck", ATTR_CRASH_CODE "=0x000000ef", ATTR_CRASH_PARAM1 "=0xffffb50a1c7a8140",
            "hyperv.event.field.3=0" } },
        { 121, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=other", "!" ATTR_CRASH_CODE } },
        { 122, OBS_EVENT_RAW, { ATTR_VM_ID "=" VM_B, ATTR_VM_NAME "=db01", "hyperv.event.field.3=x" } },
        { 123,
          OBS_GUEST_LIFECYCLE,
          { ATTR_VM_CHANGE "=shut-down", ATTR_VM_ID "=D9E0EB0A-5B37-508E-9173-67E9ADE83ACF" } },
        { 124, OBS_GUEST_MIGRATION, { ATTR_MIGRATION_BLACKOUT "=1.25", "!" ATTR_MIGRATION_LONG } },
        { 125, OBS_GUEST_LIFECYCLE, { ATTR_VM_REASON "=ip-settings-timeout" } },
        { 126, OBS_HOST_STORAGE, { ATTR_SIGNAL "=path-lost", ATTR_VM_ID "=" VM_B, ATTR_STATUS "=0xC00000B5" } },
    };

    check_fixture("tests/collectors/fixtures/events-2016.xml", HOST_2016UP, wants, sizeof wants / sizeof wants[0], 1);
}
END_TEST

/* ---- single events --------------------------------------------------------- */

static struct obs_batch batch;

static const struct observation *take_xml(const char *xml, size_t len, enum host_generation host)
{
    struct err e = { ERR_OK, "" };
    bool taken;

    obs_batch_init(&batch, BATCH_MAX);
    ck_assert_msg(eventlog_take(xml, len, "here", host, OBSERVED, &batch, &taken, &e) == 0, "%s", e.text);
    ck_assert_int_eq(taken, batch.first != NULL);
    return batch.first;
}

static const struct observation *take(const char *provider, unsigned id, enum host_generation host,
                                      const char *const *fields)
{
    struct buf xml;
    const struct observation *o;

    buf_init(&xml, EVENT_XML_MAX);
    add_event(&xml, provider, id, 7, fields);
    o = take_xml(xml.data, xml.len, host);
    buf_free(&xml);
    return o;
}

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(on_a_host_of_unknown_generation_the_shape_decides_what_4130_means)
{
    static const char kvp[] = "Microsoft-Windows-Hyper-V-Integration-KvpExchange";
    const struct observation *o = take(kvp, 4130, HOST_UNKNOWN, FIELDS("a", VM_A, "6.1.7600.16385", "6.1.7601.17514"));

    ck_assert_str_eq(obs_get_str(o, ATTR_MISMATCH_SIGNAL), "kvp-older");
    obs_batch_free(&batch);
    o = take(kvp, 4130, HOST_UNKNOWN, FIELDS("a", VM_A, "Ethernet"));
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_REASON), "ip-settings-timeout");
    ck_assert_int_eq(batch.count, 1);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(the_same_id_is_read_as_the_host_generation_says)
{
    static const char kvp[] = "Microsoft-Windows-Hyper-V-Integration-KvpExchange";
    const struct observation *o = take(kvp, 4130, HOST_2012R2, FIELDS("a", VM_A, "6.1.7600.16385", "6.1.7601.17514"));

    ck_assert_str_eq(obs_get_str(o, ATTR_VM_REASON), "ip-settings-timeout");
    obs_batch_free(&batch);
    o = take(kvp, 4130, HOST_2008R2, FIELDS("a", VM_A, "Ethernet"));
    ck_assert_int_eq(o->kind, OBS_EVENT_RAW);
    obs_batch_free(&batch);
    o = take("Microsoft-Windows-Hyper-V-Integration", 4010, HOST_2016UP, FIELDS("a", VM_A, "x", "y"));
    ck_assert_int_eq(o->kind, OBS_EVENT_RAW);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(version_words_in_another_shape_are_kept_as_fields)
{
    const struct observation *o =
        take("Microsoft-Windows-Hyper-V-Integration", 4000, HOST_2016UP, FIELDS("a", VM_A, "none", "1.2"));

    ck_assert_int_eq(o->kind, OBS_GUEST_VERSION_MISMATCH);
    ck_assert_str_eq(obs_get_str(o, "hyperv.event.field.3"), "none");
    ck_assert_str_eq(obs_get_str(o, "hyperv.event.field.4"), "1.2");
    ck_assert_ptr_null(obs_attr(o, ATTR_FRAMEWORK_NEGOTIATED));
    obs_batch_free(&batch);
}
END_TEST

START_TEST(a_crash_whose_codes_are_no_numbers_is_kept_raw)
{
    const struct observation *o = take("Microsoft-Windows-Hyper-V-Worker", 18590, HOST_2016UP,
                                       FIELDS("a", VM_A, "0x1", "0x2", "zwei", "0x4", "0x5"));

    ck_assert_int_eq(o->kind, OBS_EVENT_RAW);
    ck_assert_int_eq(batch.count, 1);
    ck_assert_ptr_null(obs_attr(o, ATTR_CRASH_KIND));
    ck_assert_str_eq(obs_get_str(o, "hyperv.event.field.5"), "zwei");
    ck_assert_ptr_nonnull(strstr(obs_get_str(o, ATTR_EVENT_XML), "<Parameter4>zwei</Parameter4>"));
    obs_batch_free(&batch);
}
END_TEST

START_TEST(crash_codes_without_names_are_taken_by_position)
{
    const struct observation *o = take("Microsoft-Windows-Hyper-V-Worker", 18590, HOST_2012R2,
                                       FIELDS("a", VM_A, "0x7A", "0x1", "0xffffffffffffffff", "3", "0x4"));

    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_CODE), "0x0000007a");
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_PARAM2), "0xffffffffffffffff");
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_PARAM3), "0x0000000000000003");
    ck_assert_int_eq(o->severity, SEVERITY_FATAL);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(what_an_event_says_of_itself_goes_into_every_observation)
{
    const struct observation *o = take("Microsoft-Windows-Hyper-V-Worker", 18500, HOST_2016UP, FIELDS("a", VM_A));

    ck_assert_str_eq(obs_get_str(o, ATTR_CHANNEL), "Some-Channel");
    ck_assert_str_eq(obs_get_str(o, ATTR_PROVIDER), "Microsoft-Windows-Hyper-V-Worker");
    ck_assert_int_eq(obs_get_int(o, ATTR_EVENT_ID, 0), 18500);
    ck_assert_int_eq(obs_get_int(o, ATTR_RECORD_ID, 0), 7);
    ck_assert_str_eq(obs_get_str(o, ATTR_COMPUTER), "hv01");
    ck_assert_int_eq(obs_get_int(o, ATTR_LEVEL, 0), 4);
    ck_assert_str_eq(obs_get_str(o, ATTR_USER_SID), "S-1-5-18");
    ck_assert_int_eq(o->time_ns % NS_PER_S, 123456789);
    ck_assert_str_eq(o->body, "VM 'a' started");
    obs_batch_free(&batch);
}
END_TEST

START_TEST(hostile_names_come_out_clean_and_bounded)
{
    struct buf xml;
    char *name = malloc(40001);
    const struct observation *o;

    memset(name, 'n', 40000);
    name[40000] = '\0';
    memcpy(name, "\xE2\x80\xAE&#x85;", 9);
    buf_init(&xml, EVENT_XML_MAX);
    add_event(&xml, "Microsoft-Windows-Hyper-V-Worker", 18500, 7, FIELDS(name, VM_A));
    o = take_xml(xml.data, xml.len, HOST_2016UP);
    ck_assert(o->cut);
    ck_assert_uint_le(strlen(obs_get_str(o, ATTR_VM_NAME)), OBS_STRING_MAX);
    ck_assert_ptr_null(strstr(obs_get_str(o, ATTR_VM_NAME), "\xE2\x80\xAE"));
    ck_assert_uint_lt(strlen(o->body), 4096);
    buf_free(&xml);
    free(name);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(other_peoples_events_are_nobodys_business)
{
    static const char *const providers[] = { "Service Control Manager",
                                             "Microsoft-Windows-Security-Auditing",
                                             "Microsoft-Windows-Hyper-V-Netvsc",
                                             "Microsoft-Windows-Hyper-V-Guest-Drivers-IcSvc",
                                             "Microsoft-Windows-StorageSpaces-Driver",
                                             "HyperV",
                                             "x" };

    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        ck_assert_msg(take(providers[i], 129, HOST_2016UP, FIELDS("a")) == NULL, "taken: %s", providers[i]);
        obs_batch_free(&batch);
    }
}
END_TEST

START_TEST(a_new_hyper_v_provider_is_kept_raw)
{
    const struct observation *o = take("Microsoft-Windows-Hyper-V-Newcomer", 1, HOST_2016UP, FIELDS("a", "b"));

    ck_assert_int_eq(o->kind, OBS_EVENT_RAW);
    ck_assert_str_eq(obs_get_str(o, "hyperv.event.field.2"), "b");
    obs_batch_free(&batch);
}
END_TEST

START_TEST(real_crashes_give_code_and_parameters)
{
    static const struct {
        const char *file, *code, *p1, *p2;
    } samples[] = {
        { "eventxml/worker-18590-guest-crash-0x79.xml", "0x00000079", "0x0000000000000006", "0x0000000000000000" },
        { "eventxml/worker-18590-guest-crash-0x7b.xml", "0x0000007b", "0xfffffa60005959c0", "0xffffffffc0000034" },
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const char *path = shared_sample(samples[i].file);
        const struct observation *o;
        size_t len;
        char *xml;

        if (path == NULL)
            skip("no %s", samples[i].file);
        xml = read_file(path, &len);
        o = take_xml(xml, len, HOST_2016UP);
        ck_assert_int_eq(o->kind, OBS_GUEST_CRASH);
        ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_KIND), "bugcheck");
        ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_CODE), samples[i].code);
        ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_PARAM1), samples[i].p1);
        ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_PARAM2), samples[i].p2);
        ck_assert_str_eq(obs_get_str(o, ATTR_VM_ID), "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
        ck_assert_ptr_null(obs_attr(o, ATTR_CRASH_MESSAGE));
        ck_assert_int_eq(o->severity, SEVERITY_FATAL);
        obs_batch_free(&batch);
        free(xml);
    }
}
END_TEST

START_TEST(the_real_live_migration_stood_still_for_half_a_second)
{
    const char *path = shared_sample("eventxml/vmms-20415-live-migration-complete.xml");
    const struct observation *o;
    size_t len;
    char *xml;

    if (path == NULL)
        skip("no eventxml/vmms-20415-live-migration-complete.xml");
    xml = read_file(path, &len);
    o = take_xml(xml, len, HOST_2012R2);
    ck_assert_int_eq(o->kind, OBS_GUEST_MIGRATION);
    ck_assert_str_eq(obs_get_str(o, ATTR_MIGRATION_PHASE), "completed");
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_NAME), "773356-USTSTDB5");
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_ID), "E0D09432-A320-44CC-8A12-E1300549B99D");
    ck_assert_double_eq(obs_attr(o, ATTR_MIGRATION_BLACKOUT)->real, 0.5);
    obs_batch_free(&batch);
    free(xml);
}
END_TEST

START_TEST(real_retried_requests_name_their_disk)
{
    static const int records[] = { 436, 437, 439, 440, 442, 443, 446, 447 };

    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        char name[64];
        const char *path;
        const struct observation *o;
        size_t len;
        char *xml;

        snprintf(name, sizeof name, "eventxml/disk153-system-rec%d.xml", records[i]);
        path = shared_sample(name);
        if (path == NULL)
            skip("no %s", name);
        xml = read_file(path, &len);
        o = take_xml(xml, len, HOST_2016UP);
        ck_assert_int_eq(o->kind, OBS_HOST_STORAGE);
        ck_assert_str_eq(obs_get_str(o, ATTR_SIGNAL), "io-retried");
        ck_assert_str_eq(obs_get_str(o, ATTR_DEVICE), "\\Device\\Harddisk0\\DR0");
        ck_assert_int_eq(obs_get_int(o, ATTR_RECORD_ID, 0), records[i]);
        obs_batch_free(&batch);
        free(xml);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_2008_r2_host_is_understood);
    suite_test(s, a_2012_r2_host_is_understood);
    suite_test(s, a_2022_host_is_understood);
    suite_test(s, on_a_host_of_unknown_generation_the_shape_decides_what_4130_means);
    suite_test(s, the_same_id_is_read_as_the_host_generation_says);
    suite_test(s, version_words_in_another_shape_are_kept_as_fields);
    suite_test(s, a_crash_whose_codes_are_no_numbers_is_kept_raw);
    suite_test(s, crash_codes_without_names_are_taken_by_position);
    suite_test(s, what_an_event_says_of_itself_goes_into_every_observation);
    suite_test(s, hostile_names_come_out_clean_and_bounded);
    suite_test(s, other_peoples_events_are_nobodys_business);
    suite_test(s, a_new_hyper_v_provider_is_kept_raw);
    suite_test(s, real_crashes_give_code_and_parameters);
    suite_test(s, the_real_live_migration_stood_still_for_half_a_second);
    suite_test(s, real_retried_requests_name_their_disk);
}

int main(void)
{
    return suite_main("collectors: event rules", add);
}
