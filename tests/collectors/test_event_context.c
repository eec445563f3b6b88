/* What an incident's context is made of: each event that says what else went on
 * around a guest's crash becomes the observation that the hub looks for. */
#include "base/times.h"
#include "collectors/event_split.h"
#include "collectors/eventlog.h"
#include "tests/collectors/support_event.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define VM "6B29FC40-CA47-1067-B31D-00DD010662DA"

#define WORKER  "Microsoft-Windows-Hyper-V-Worker"
#define VMMS    "Microsoft-Windows-Hyper-V-VMMS"
#define CHIPSET "Microsoft-Windows-Hyper-V-Chipset"
#define VSP     "Microsoft-Windows-Hyper-V-StorageVSP"
#define SYNTH   "Microsoft-Windows-Hyper-V-SynthStor"
#define CLUSTER "Microsoft-Windows-FailoverClustering"
#define SMB     "Microsoft-Windows-SMBClient"
#define DUMP    "Microsoft-Windows-Hyper-V-CrashDump"

enum { FIELDS_MAX = 12, WANTS_MAX = 4, BATCH_MAX = 1024 * 1024 };

struct row {
    const char *provider;
    unsigned id;
    const char *fields[FIELDS_MAX];
    enum obs_kind kind;
    const char *wants[WANTS_MAX]; /* "key=value" */
};

static const struct row storage[] = {
    { VSP,
      9,
      { "C:\\ClusterStorage\\V1\\web01.vhdx", "116000" },
      OBS_HOST_STORAGE,
      { ATTR_SIGNAL "=io-slow", ATTR_LATENCY_MS "=116000", ATTR_DEVICE "=C:\\ClusterStorage\\V1\\web01.vhdx" } },
    { VSP, 6, { "C:\\V1\\web01.vhdx", "0xC00000B5" }, OBS_HOST_STORAGE, { ATTR_SIGNAL "=io-failed" } },
    { SYNTH,
      12636,
      { "web01", VM, "C:\\V1\\web01.vhdx", "0xC00000B5" },
      OBS_HOST_STORAGE,
      { ATTR_SIGNAL "=path-lost", ATTR_VM_ID "=" VM, ATTR_STATUS "=0xC00000B5" } },
    { SYNTH, 12634, { "web01", VM, "C:\\V1\\web01.vhdx", "0" }, OBS_HOST_STORAGE, { ATTR_SIGNAL "=path-restored" } },
    { CLUSTER,
      5120,
      { "Volume1", "Cluster Disk 1", "STATUS_IO_TIMEOUT(c00000b5)" },
      OBS_HOST_STORAGE,
      { ATTR_SIGNAL "=csv-paused", ATTR_DEVICE "=Volume1", ATTR_CLUSTER_OBJECT "=Cluster Disk 1",
        ATTR_STATUS "=STATUS_IO_TIMEOUT(c00000b5)" } },
    { CLUSTER,
      5142,
      { "Volume1", "Cluster Disk 1", "ERROR_TIMEOUT(1460)" },
      OBS_HOST_STORAGE,
      { ATTR_SIGNAL "=csv-unavailable", ATTR_STATUS "=ERROR_TIMEOUT(1460)" } },
    { CLUSTER, 5121, { "Volume1", "Cluster Disk 1" }, OBS_HOST_STORAGE, { ATTR_SIGNAL "=csv-redirected" } },
    { SMB, 30805, { "0xC0000203", "1", "2", "3", "\\nas01" }, OBS_HOST_STORAGE, { ATTR_SIGNAL "=smb-session-lost" } },
    { SMB, 30806, { "0", "1", "2", "3", "\\nas01" }, OBS_HOST_STORAGE, { ATTR_SIGNAL "=smb-restored" } },
    { SMB,
      30809,
      { "1", "2", "3", "4", "5", "\\nas01" },
      OBS_HOST_STORAGE,
      { ATTR_SIGNAL "=smb-timeout", ATTR_DEVICE "=\\nas01" } },
    { "disk",
      153,
      { "\\Device\\Harddisk0\\DR0", "0x416e32", "0" },
      OBS_HOST_STORAGE,
      { ATTR_SIGNAL "=io-retried", ATTR_DEVICE "=\\Device\\Harddisk0\\DR0" } },
    { "storahci",
      129,
      { "\\Device\\RaidPort0" },
      OBS_HOST_STORAGE,
      { ATTR_SIGNAL "=device-reset", ATTR_DEVICE "=\\Device\\RaidPort0" } },
};

static const struct row cluster[] = {
    { CLUSTER,
      4870,
      { "clussvc.exe", "1234", "60" },
      OBS_HOST_CLUSTER,
      { ATTR_SIGNAL "=user-mode-hang", ATTR_CLUSTER_OBJECT "=clussvc.exe", ATTR_CLUSTER_SILENT "=60" } },
    { CLUSTER, 1135, { "HV02" }, OBS_HOST_CLUSTER, { ATTR_SIGNAL "=node-removed", ATTR_CLUSTER_OBJECT "=HV02" } },
    { CLUSTER, 1177, { NULL }, OBS_HOST_CLUSTER, { ATTR_SIGNAL "=quorum-lost" } },
    { CLUSTER,
      1230,
      { "SCVMM web01", "Virtual Machine", "vmclusres.dll" },
      OBS_HOST_CLUSTER,
      { ATTR_SIGNAL "=resource-timeout", ATTR_CLUSTER_OBJECT "=SCVMM web01" } },
    { CLUSTER, 1146, { NULL }, OBS_HOST_CLUSTER, { ATTR_SIGNAL "=rhs-restarted" } },
};

static const struct row migrations[] = {
    { VMMS,
      20413,
      { "web01", VM, "HV02" },
      OBS_GUEST_MIGRATION,
      { ATTR_MIGRATION_PHASE "=started", ATTR_MIGRATION_KIND "=live", ATTR_MIGRATION_PEER "=HV02" } },
    { VMMS,
      20415,
      { "web01", VM, "0.5" },
      OBS_GUEST_MIGRATION,
      { ATTR_MIGRATION_PHASE "=completed", ATTR_MIGRATION_BLACKOUT "=0.5" } },
    { VMMS,
      20417,
      { "web01", VM, "41.7" },
      OBS_GUEST_MIGRATION,
      { ATTR_MIGRATION_LONG "=1", ATTR_MIGRATION_BLACKOUT "=41.7" } },
    { VMMS, 20418, { "web01", VM, "10.0.0.2" }, OBS_GUEST_MIGRATION, { ATTR_MIGRATION_PHASE "=received" } },
};

static const struct row guests[] = {
    { WORKER, 18514, { "web01", VM }, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=reset", ATTR_VM_REASON "=by-guest" } },
    { WORKER, 18515, { "web01", VM }, OBS_GUEST_LIFECYCLE, { ATTR_VM_REASON "=guest-reset" } },
    { WORKER, 18539, { "web01", VM }, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=triple-fault", ATTR_VM_ID "=" VM } },
    { WORKER, 18540, { "web01", VM }, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=triple-fault" } },
    { WORKER, 18550, { "web01", VM }, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=triple-fault" } },
    { WORKER, 18560, { "web01", VM }, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=triple-fault" } },
    { WORKER,
      18602,
      { "web01", VM, "0x7e" },
      OBS_GUEST_CRASH,
      { ATTR_CRASH_KIND "=dump-written", ATTR_CRASH_CODE "=0x0000007e" } },
    { WORKER,
      18604,
      { "web01", VM, "0x80070070" },
      OBS_GUEST_CRASH,
      { ATTR_CRASH_KIND "=dump-failed", ATTR_STATUS "=0x80070070" } },
    { CHIPSET, 18600, { "web01", VM }, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=watchdog", ATTR_VM_ID "=" VM } },
    { CHIPSET, 18602, { "web01", VM }, OBS_GUEST_LIFECYCLE, { ATTR_VM_CHANGE "=boot-ok" } },
    { VMMS, 14070, { "web01", VM }, OBS_GUEST_CRASH, { ATTR_CRASH_KIND "=worker-died", ATTR_VM_ID "=" VM } },
    { DUMP,
      40001,
      { "web01", "D:\\Dumps\\web01-windows-crash." },
      OBS_GUEST_CRASH,
      { ATTR_CRASH_KIND "=dump-written", ATTR_DUMP_PATH "=D:\\Dumps\\web01-windows-crash" } },
    { DUMP,
      40001,
      { "D:\\Dumps\\6b29fc40-ca47-1067-b31d-00dd010662da.dmp." },
      OBS_GUEST_CRASH,
      { ATTR_VM_ID "=" VM, ATTR_DUMP_PATH "=D:\\Dumps\\6b29fc40-ca47-1067-b31d-00dd010662da.dmp" } },
};

static void check_want(const struct row *r, const struct observation *o, const char *want)
{
    const char *equals = strchr(want, '=');
    char key[OBS_KEY_MAX], text[64];
    const struct attr *a;
    const char *got = text;

    snprintf(key, sizeof key, "%.*s", (int)(equals - want), want);
    a = obs_attr(o, key);
    ck_assert_msg(a != NULL, "%s %u lacks %s", r->provider, r->id, key);
    if (a->type == ATTR_STRING)
        got = a->str;
    else if (a->type == ATTR_DOUBLE)
        snprintf(text, sizeof text, "%g", a->real);
    else
        snprintf(text, sizeof text, "%lld", (long long)a->num);
    ck_assert_msg(strcmp(got, equals + 1) == 0, "%s %u: %s is '%s', want '%s'", r->provider, r->id, key, got,
                  equals + 1);
}

static void check_row(const struct row *r)
{
    struct obs_batch batch;
    struct buf xml;
    struct err e;
    bool taken = false;

    obs_batch_init(&batch, BATCH_MAX);
    buf_init(&xml, EVENT_XML_MAX);
    add_event(&xml, r->provider, r->id, 7, r->fields);
    ck_assert_int_eq(eventlog_take(xml.data, xml.len, "here", HOST_2016UP, 42, &batch, &taken, &e), 0);
    ck_assert_msg(taken && batch.first != NULL, "%s %u gave nothing", r->provider, r->id);
    ck_assert_msg(batch.first->kind == r->kind, "%s %u is %s", r->provider, r->id, batch.first->kind_name);
    ck_assert_msg(strpbrk(batch.first->body, "{}[]") == NULL, "%s", batch.first->body);
    for (int i = 0; i < WANTS_MAX && r->wants[i] != NULL; i++)
        check_want(r, batch.first, r->wants[i]);
    buf_free(&xml);
    obs_batch_free(&batch);
}

#define CHECK(rows)                                                \
    do {                                                           \
        for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++) \
            check_row(&(rows)[i]);                                 \
    } while (0)

START_TEST(storage_trouble_is_told_with_where_and_how_long)
{
    CHECK(storage);
}
END_TEST

START_TEST(cluster_trouble_is_told_with_whom_it_befell)
{
    CHECK(cluster);
}
END_TEST

START_TEST(migrations_are_told_with_their_blackout)
{
    CHECK(migrations);
}
END_TEST

START_TEST(resets_faults_and_dumps_are_told_of_their_guest)
{
    CHECK(guests);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, storage_trouble_is_told_with_where_and_how_long);
    suite_test(s, cluster_trouble_is_told_with_whom_it_befell);
    suite_test(s, migrations_are_told_with_their_blackout);
    suite_test(s, resets_faults_and_dumps_are_told_of_their_guest);
}

int main(void)
{
    return suite_main("collectors: the context of a crash", add);
}
