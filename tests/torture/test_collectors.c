/* Each kind of source over captured data, where each allocation fails, once or for as long as nobody was told, and
 * where each call for a file fails once or reads less than there is: an error in words, or a gap that is told; nothing
 * leaks, and then the same source goes on as if nothing had been.
 */
#include "base/text.h"
#include "base/times.h"
#include "collectors/bundle.h"
#include "collectors/folder_print.h"
#include "collectors/setup.h"
#include "config/agent_config.h"
#include "tests/collectors/support_disk.h"
#include "tests/collectors/support_dumps.h"
#include "tests/collectors/support_evtx.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/collectors/support_kvp.h"
#include "tests/collectors/support_setup.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/support_files.h"
#include "tests/torture/way.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW (INT64_C(1769932800) * NS_PER_S)
#define OLD (NOW - 3600 * NS_PER_S)

enum {
    TOLD_MAX = 512 * 1024,
    TEXT_MAX = 16 * 1024 * 1024,
    SOURCES = 16,
    ROUNDS = 4,
    STEPS_MAX = 40, /* of one source in one round */
    EVENTS = 4,     /* a step */
    POINTS_MAX = 1000000,
    SHORT_ROUNDS = 600,
};

void ERR_clear_error(void); /* libcrypto's, whose header has other names of ours in it */

static struct fake_files fs;
static struct fake_clock ticks;
static const struct files *files; /* those, where a call may fail */

/* ---- what was told ---------------------------------------------------------------------------- */

/* While allocations fail nothing here allocates or asserts: Check's own asserts allocate. */
static struct told {
    char text[TOLD_MAX];
    size_t len;
    bool loss;       /* a gap, something cut, or words in a report say that something is missing */
    int errors;      /* steps that failed */
    bool met;        /* an allocation failed */
    char wrong[512]; /* what may not be; "" nothing */
} told;

static void wrong(const char *what, int rc, const char *text)
{
    if (told.wrong[0] == '\0')
        snprintf(told.wrong, sizeof told.wrong, "%s: error %d: '%.300s'", what, rc, text);
}

static void put(const char *text)
{
    size_t n = strlen(text);

    if (told.len + n >= sizeof told.text)
        n = 0;
    memcpy(told.text + told.len, text, n);
    told.len += n;
    told.text[told.len] = '\0';
}

static void put_attr(const struct attr *a)
{
    char number[64];

    snprintf(number, sizeof number, "%" PRId64 " %" PRId64, a->num, (int64_t)a->real);
    put("  ");
    put(a->key);
    put(" = ");
    put(a->type == ATTR_STRING ? a->str : number);
    put("\n");
    /* what a verdict on a dump says where its tables do not fit the memory, or it could not be read to its end */
    told.loss |= a->type == ATTR_STRING && strstr(a->str, "is too large to be read here") != NULL;
    told.loss |= strcmp(a->key, ATTR_DUMP_FINDINGS) == 0 && a->num > 1;
}

static void put_observations(const struct obs_batch *b)
{
    for (const struct observation *o = b->first; o != NULL; o = o->next) {
        put(obs_kind_name(o->kind));
        put(": ");
        put(o->body);
        put("\n");
        for (int i = 0; i < o->attr_count; i++)
            put_attr(&o->attrs[i]);
        told.loss |= o->kind == OBS_GAP || o->cut || obs_attr(o, ATTR_DUMP_PROBLEM) != NULL ||
                     obs_attr(o, ATTR_KVP_PROBLEM) != NULL;
    }
}

static void give_memory_back(void)
{
    told.met |= failing_end();
}

/* The memory is back from the moment on that somebody heard of it. */
static void note_error(const char *what, int rc, const struct err *e)
{
    give_memory_back();
    told.errors++;
    if ((rc != ERR_MEMORY && rc != ERR_TOO_BIG && !(rc == ERR_IO && failing_files.met)) || e->text[0] == '\0')
        wrong(what, rc, e->text);
}

/* ---- steps ------------------------------------------------------------------------------------ */

static char marks[SOURCES][SOURCE_MARK_MAX];

/* One step and, when it is good, its commit.  True: another one should follow. */
static bool take_step(struct source *s, char mark[SOURCE_MARK_MAX])
{
    struct obs_batch batch;
    struct source_step step = { .mark = mark,
                                .max_events = EVENTS,
                                .max_bytes = 1 << 20,
                                .now_ns = NOW,
                                .deadline_ns = ticks.ns + 3600 * NS_PER_S,
                                .batch = &batch };
    struct err e = { ERR_OK, "" };
    bool again = true;
    int rc;

    obs_batch_init(&batch, 8 << 20);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    rc = source_take_step(s, &step, &e);
    if (rc == 0) {
        put_observations(&batch);
        text_copy(mark, SOURCE_MARK_MAX, buf_text(&step.new_mark));
        told.loss |= step.report.state != STREAM_ATTACHED || step.report.remedy[0] != '\0';
        again = step.report.more;
    } else {
        note_error(s->name, rc, &e);
    }
    obs_batch_free(&batch);
    buf_free(&step.new_mark);
    return again;
}

static void take_all(struct source *s, char mark[SOURCE_MARK_MAX])
{
    for (int i = 0; i < STEPS_MAX && take_step(s, mark); i++)
        ;
}

/* ---- what is done ----------------------------------------------------------------------------- */

static struct agent_config_privacy privacy = {
    .keep = "OS*\nKeep*\ncustom.*\nFullyQualifiedDomainName\n",
    .hash = "FullyQualifiedDomainName\n",
    .hash_key_file = "/key",
};

static struct bundle *open_bundle(const char *dir)
{
    struct bundle_options options = { .files = files,
                                      .clock = &ticks.clock,
                                      .poll_ns = NS_PER_S,
                                      .refresh_ns = 3600 * NS_PER_S,
                                      .privacy = &privacy,
                                      .triage = { .on = true, .deadline_ns = 60 * NS_PER_S, .read_max = 1 << 20 } };
    struct bundle *b = NULL;
    struct err e = { ERR_OK, "" };
    int rc = bundle_open(dir, &options, &b, &e);

    if (rc == 0)
        return b;
    note_error("bundle", rc, &e);
    rc = bundle_open(dir, &options, &b, &e);
    if (rc != 0)
        wrong("the bundle, opened once more", rc, e.text);
    return b;
}

/* A folder that could not be looked at is found later. */
static void look_again(struct bundle *b)
{
    struct err e = { ERR_OK, "" };
    int rc = bundle_rescan(b, &e);

    if (rc != 0)
        note_error("the bundle, looked at again", rc, &e);
}

static void read_bundle(void)
{
    struct bundle *b = open_bundle("/b");

    for (int round = 0; b != NULL && round < ROUNDS; round++) {
        look_again(b);
        for (size_t i = 0; i < bundle_source_count(b) && i < SOURCES; i++)
            take_all(bundle_source(b, i), marks[i]);
        give_memory_back();
        ticks.ns += 60 * NS_PER_S;
    }
    bundle_close(b);
}

static struct fake_setup live;

static struct source *open_setup(void)
{
    struct setup_options o = { .name = "HV01/setup",
                               .stream = &live.base,
                               .clock = &ticks.clock,
                               .disks = files,
                               .interval_ns = NS_PER_S,
                               .refresh_ns = 3600 * NS_PER_S };
    struct source *s = NULL;
    struct err e = { ERR_OK, "" };
    int rc = setup_source_new(&o, &s, &e);

    if (rc == 0)
        return s;
    note_error("setup", rc, &e);
    rc = setup_source_new(&o, &s, &e);
    if (rc != 0)
        wrong("the source, opened once more", rc, e.text);
    return s;
}

static void read_setup(void)
{
    struct source *s = open_setup();

    for (int round = 0; s != NULL && round < ROUNDS; round++) {
        take_all(s, marks[0]);
        give_memory_back();
    }
    source_close(s);
}

static void print_folder(void)
{
    char text[64];
    uint64_t print = 0;
    struct err e = { ERR_OK, "" };
    int rc = folder_print(files, "/b", 3, &print, &e);

    if (rc != 0) {
        note_error("folder", rc, &e);
        rc = folder_print(files, "/b", 3, &print, &e);
    }
    if (rc != 0)
        wrong("the folder, looked at once more", rc, e.text);
    snprintf(text, sizeof text, "print %" PRIx64 "\n", print);
    put(text);
}

/* ---- each allocation -------------------------------------------------------------------------- */

static char normal[TOLD_MAX];

static void run(void (*what)(void))
{
    memset(marks, 0, sizeof marks);
    told.len = 0;
    told.text[0] = told.wrong[0] = '\0';
    told.loss = told.met = false;
    told.errors = 0;
    ticks.ns = NS_PER_S;
    what();
}

/* Where the line begins in which two texts begin to differ. */
static size_t differ_at(const char *a, const char *b)
{
    size_t line = 0, i = 0;

    for (; a[i] != '\0' && a[i] == b[i]; i++) {
        if (a[i] == '\n')
            line = i + 1;
    }
    return a[i] == b[i] ? i : line;
}

/* False: there are fewer allocations. */
static bool fail_at(void (*what)(void), int64_t n, bool lasting, bool leaks)
{
    int64_t blocks = failing_blocks();
    size_t at;

    failing_memory(n, lasting);
    run(what);
    give_memory_back();
    ERR_clear_error(); /* libcrypto keeps where its last errors came from */
    ck_assert_msg(told.wrong[0] == '\0', "allocation %" PRId64 ": %s", n, told.wrong);
    at = differ_at(told.text, normal);
    ck_assert_msg(told.loss || (told.text[at] == '\0' && normal[at] == '\0'),
                  "allocation %" PRId64 "%s, %d errors: not a word of a loss, and at %zu\n%.300s\nnot\n%.300s", n,
                  lasting ? " and all after it" : "", told.errors, at, told.text + at, normal + at);
    ck_assert_msg(leaks || failing_blocks() == blocks, "allocation %" PRId64 ": %" PRId64 " blocks were not freed", n,
                  failing_blocks() - blocks);
    return told.met;
}

/* leaks: a library of others that loses memory when it has none is in it. */
static void fail_each(void (*what)(void), bool leaks)
{
    int64_t points = 1, step;

    ERR_clear_error();
    run(what); /* twice: what is made once in a program's life is made in the first */
    run(what);
    ck_assert_msg(told.wrong[0] == '\0', "%s", told.wrong);
    ck_assert_msg(told.errors == 0 && !told.loss, "where nothing fails: %d errors, %s", told.errors, told.text);
    ck_assert_uint_gt(told.len, 0);
    memcpy(normal, told.text, told.len + 1);
    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    for (; points < POINTS_MAX && fail_at(what, points, false, leaks); points *= 2)
        ;
    step = way_stride(points, SHORT_ROUNDS);
    for (int64_t n = 1; fail_at(what, n, false, leaks); n += step)
        ;
    for (int64_t n = 1; n < points && fail_at(what, n, true, leaks); n += step)
        ;
    printf("about %" PRId64 " allocations, each %" PRId64 "\n", points, step);
}

/* ---- each call ---------------------------------------------------------------------------------- */

/* The same for the same lines in any order: a source that is found later comes later. */
static uint64_t sum_of_lines(const char *text)
{
    uint64_t sum = 0, line = 1;

    for (; *text != '\0'; text++) {
        line = line * 1099511628211u + (unsigned char)*text;
        if (*text == '\n') {
            sum += line;
            line = 1;
        }
    }
    return sum;
}

static void fail_each_call(void (*what)(void), bool shortens)
{
    uint64_t sum;
    int64_t n = 0;

    failing_files = (struct failing_files){ 0 };
    run(what);
    ck_assert_msg(told.errors == 0 && !told.loss, "where nothing fails: %d errors, %s", told.errors, told.text);
    sum = sum_of_lines(told.text);
    do {
        failing_files = (struct failing_files){ .at = ++n, .shortens = shortens };
        run(what);
        ck_assert_msg(told.wrong[0] == '\0', "call %" PRId64 ": %s", n, told.wrong);
        ck_assert_msg(told.loss || sum_of_lines(told.text) == sum,
                      "call %" PRId64 " %s, %d errors: not a word of a loss, and there is\n%.3000s", n,
                      shortens ? "reads less" : "fails", told.errors, told.text);
        ck_assert_int_lt(n, POINTS_MAX);
    } while (failing_files.met);
    ck_assert_int_gt(n, 1);
    failing_files = (struct failing_files){ 0 };
}

static void fail_all(void (*what)(void), bool leaks)
{
    fail_each_call(what, false);
    fail_each_call(what, true);
    fail_each(what, leaks);
}

/* ---- captured data ---------------------------------------------------------------------------- */

static const char host_yaml[] = "name: HV01\ncluster: PROD-A\nos_version: 6.3.9600.20778\n"
                                "is_version: {win6x: 6.3.9600.18692, win5x: 6.3.9600.18339}\n"
                                "captured_at: 2026-01-31T08:00:00Z\n";
static const char key[] = "0123456789abcdef0123456789abcdef\n";

static void begin(void)
{
    fake_files_init(&fs);
    files = failing_files_over(&fs.files);
    fake_clock_init(&ticks);
    fake_folder(&fs, "/b");
    fake_file(&fs, "/b/host.yaml", host_yaml, sizeof host_yaml - 1, OLD);
    fake_file(&fs, "/key", key, sizeof key - 1, OLD);
}

static void add_text(const char *path, const char *text)
{
    fake_file(&fs, path, text, strlen(text), OLD);
}

#define EVENT(rest)                                                                                                 \
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-"       \
    "Windows-Hyper-V-Worker'/><EventID>18590</EventID><TimeCreated SystemTime='2026-01-30T01:00:00Z'/>"             \
    "<Channel>Microsoft-Windows-Hyper-V-Worker-Admin</Channel></System><UserData><VmlEventLog><VmName>VM1</VmName>" \
    "<VmId>00000001-1111-2222-3333-444455556666</VmId><ErrorCode0>0xd1</ErrorCode0><ErrorCode1>0x1</ErrorCode1>"    \
    "<ErrorCode2>0x2</ErrorCode2><ErrorCode3>0x0</ErrorCode3><ErrorCode4>0x4</ErrorCode4>" rest                     \
    "</VmlEventLog></UserData></Event>\n"

START_TEST(saved_xml_logs)
{
    static char text[] = "<Events>\n" EVENT("") EVENT("<M>a &#x62; c</M>") EVENT("<!-- x --><M><![CDATA[d]]></M>")
        EVENT("") EVENT("") "</Events>\n";

    begin();
    fake_folder(&fs, "/b/events");
    add_text("/b/events/Worker.xml", text);
    fail_all(read_bundle, false);
    ck_assert_ptr_nonnull(strstr(normal, "0x000000d1"));
}
END_TEST

START_TEST(saved_evtx_logs)
{
    static struct evtx_log log;

    begin();
    fake_folder(&fs, "/b/events");
    evtx_log_start(&log);
    evtx_log_add_chunk(&log, 0, 1, 3);
    evtx_log_add_chunk(&log, 1, 4, 5);
    fake_file(&fs, "/b/events/Worker.evtx", log.bytes, EVTX_FILE_HEADER + log.chunks * EVTX_CHUNK, OLD);
    fail_all(read_bundle, true);
    ck_assert_ptr_nonnull(strstr(normal, "winlog.record_id = 5"));
}
END_TEST

#define MSR(n, value) "2026-01-30T08:11:00.500Z Wa(03) vcpu-1 - WinBSOD: Synthetic MSR[0x4000010" n "] " value "\n"
#define APD(t, n) \
    "2026-01-30T08:09:" t "Z: [APDCorrelator] 1us: [esx.problem.storage.apd.start] Device [naa." n "] down\n"

START_TEST(logs_of_an_esxi_host)
{
    begin();
    fake_folder(&fs, "/b/esxi");
    fake_folder(&fs, "/b/esxi/SQL07");
    add_text("/b/esxi/vobd.log", APD("01", "1") APD("02", "2") APD("03", "3") APD("04", "4") APD("05", "5"));
    add_text(
        "/b/esxi/SQL07/vmware.log",
        "2026-01-30T08:00:00Z In(05) vmx - DICT uuid.bios = \"56 4d d7 cc e8 e6 df 22-e1 86 81 ab c0 ee f3 c4\"\n" MSR(
            "0", "0x5c") MSR("1", "0x1") MSR("2", "0x2") MSR("3", "0x3") MSR("4", "0x4"));
    fail_all(read_bundle, false);
    ck_assert_ptr_nonnull(strstr(normal, "0x0000005c"));
}
END_TEST

static const char *const items[] = {
    "OSName", "Windows Server 2012 R2",   "OSVersion",     "6.3.9600", "KeepThis", "&<>\"", "OSPlatformId",
    "2",      "FullyQualifiedDomainName", "a.example.com", "Other",    "x",        NULL
};
static const char *const custom[] = { "one", "1", "two", "2", NULL };

/* Of so many machines that what is kept of them takes more than one piece of memory anywhere. */
static void add_machines(struct buf *systems, struct buf *kvp, struct buf *summary, unsigned count)
{
    static const char *const raw[] = { "<INSTANCE CLASSNAME=\"I\"><PROPERTY NAME=\"Name\"><VALUE>OSbuild</VALUE>"
                                       "</PROPERTY><!-- --><PROPERTY NAME=\"Data\"><VALUE>b&amp;c</VALUE></PROPERTY>"
                                       "</INSTANCE>",
                                       NULL };

    for (unsigned n = 1; n <= count; n++) {
        char name[32];

        snprintf(name, sizeof name, "VM%u", n);
        xml_system(systems, vm_guid(n), name, 2);
        xml_summary(summary, vm_guid(n), 1);
        xml_kvp_begin(kvp, vm_guid(n));
        if (n % 3 == 0)
            xml_kvp_raw_items(kvp, "GuestIntrinsicExchangeItems", raw);
        else
            xml_kvp_items(kvp, "GuestIntrinsicExchangeItems", items);
        xml_kvp_items(kvp, "GuestExchangeItems", custom);
        xml_kvp_end(kvp);
    }
}

static void add_buf(const char *path, const struct buf *b)
{
    ck_assert_int_eq(buf_error(b), ERR_OK);
    fake_file(&fs, path, b->data, b->len, OLD);
}

START_TEST(captured_key_value_pairs)
{
    struct buf systems, kvp, summary, wide;

    begin();
    buf_init(&systems, TEXT_MAX);
    buf_init(&kvp, TEXT_MAX);
    buf_init(&summary, TEXT_MAX);
    buf_init(&wide, TEXT_MAX);
    add_machines(&systems, &kvp, &summary, 70);
    for (size_t i = 0; i < systems.len; i++)
        buf_add(&wide, (const char[]){ systems.data[i], '\0' }, 2);
    fake_folder(&fs, "/b/kvp");
    add_buf("/b/kvp/Msvm_ComputerSystem.xml", &wide);
    add_buf("/b/kvp/Msvm_KvpExchangeComponent.xml", &kvp);
    add_buf("/b/kvp/Msvm_SummaryInformation.xml", &summary);
    fail_all(read_bundle, false);
    ck_assert_ptr_nonnull(strstr(normal, "hmac:"));
    ck_assert_ptr_nonnull(strstr(normal, "b&c"));
    buf_free(&systems);
    buf_free(&kvp);
    buf_free(&summary);
    buf_free(&wide);
}
END_TEST

START_TEST(many_captures)
{
    enum { CAPTURES = 34 };
    static struct buf text[CAPTURES];

    begin();
    fake_folder(&fs, "/b/kvp");
    for (int i = 0; i < CAPTURES; i++) { /* the newest first, which tells whether one that is not listed is missed */
        char path[128], name[32];

        snprintf(path, sizeof path, "/b/kvp/Msvm_ComputerSystem.202601%02dT080000Z.xml", 31 - i % 17);
        if (i >= 17)
            snprintf(path, sizeof path, "/b/kvp/Msvm_ComputerSystem.202601%02dT070000Z.xml", 31 - i % 17);
        snprintf(name, sizeof name, "VM%d", CAPTURES - i);
        buf_init(&text[i], TEXT_MAX);
        xml_system(&text[i], vm_guid(1), name, 2);
        add_buf(path, &text[i]);
    }
    fail_all(read_bundle, false);
    for (int i = 0; i < CAPTURES; i++)
        buf_free(&text[i]);
}
END_TEST

START_TEST(captured_settings)
{
    struct setup_texts t;

    begin();
    setup_texts_init(&t);
    for (unsigned n = 1; n <= 70; n++)
        put_whole_vm(&t, n, "web");
    fake_folder(&fs, "/b/kvp");
    for (int i = 0; i < SETUP_TEXTS; i++) {
        char path[128];

        snprintf(path, sizeof path, "/b/kvp/%s.xml", wmi_captured_setup_classes[i]);
        if (t.text[i].len > 0)
            add_buf(path, &t.text[i]);
    }
    fail_all(read_bundle, false);
    ck_assert_ptr_nonnull(strstr(normal, "hyperv.guest.configuration"));
    setup_texts_free(&t);
}
END_TEST

START_TEST(settings_that_are_asked_for)
{
    static unsigned char disk[VHD_LEN];

    begin();
    fake_setup_init(&live);
    put_whole_vm(&live.texts, 1, "web");
    make_vhd(disk, 3, 1 << 30);
    fake_file(&fs, "C:\\VMs\\web.vhd", disk, sizeof disk, OLD);
    fail_all(read_setup, false);
    fake_setup_free(&live);
}
END_TEST

START_TEST(crash_dumps)
{
    begin();
    dump_make(dump_a, 0xD1, 1769846000);
    dump_make(dump_b, 0x9F, 1769846100);
    fake_folder(&fs, "/b/dumps");
    fake_folder(&fs, "/b/dumps/web");
    fake_file(&fs, "/b/dumps/a.dmp", dump_a, DUMP_SIZE, OLD);
    fake_file(&fs, "/b/dumps/web/b.dmp", dump_b, DUMP_SIZE, OLD);
    fail_all(read_bundle, false);
    ck_assert_ptr_nonnull(strstr(normal, "0x0000009f"));
}
END_TEST

START_TEST(a_folders_print)
{
    begin();
    fake_folder(&fs, "/b/dumps");
    fake_folder(&fs, "/b/dumps/web");
    fail_each(print_folder, false); /* a call that fails makes another print, and a later one the right one */
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, saved_xml_logs);
    suite_test(s, saved_evtx_logs);
    suite_test(s, logs_of_an_esxi_host);
    suite_test(s, captured_key_value_pairs);
    suite_test(s, many_captures);
    suite_test(s, captured_settings);
    suite_test(s, settings_that_are_asked_for);
    suite_test(s, crash_dumps);
    suite_test(s, a_folders_print);
}

int main(void)
{
    return suite_main("torture: sources without memory or files", add);
}
