/* What a record costs the hub's store, without the network: lifecycle events of
 * many hosts, twenty VMs on each, through fleet_store_apply() into SQLite.
 *
 *   bench_ingest [RECORDS [FOLDER]]
 *
 * Requests of 1,000 records of one host each, four in a transaction, as a loaded hub
 * has them.  Every record counts for incidents, which makes this the dearest kind that
 * comes in numbers.  The making of the records is not measured.
 */
#include "base/times.h"
#include "hub/fleet_store.h"
#include "plat/clock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { RECORDS = 1000, GROUP = 4, VMS = 20, BATCH_BYTES = 64 * 1024 * 1024, PATH_LEN = 512 };

static double cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "bench_ingest: %s: %s\n", what, e->text);
    exit(1);
}

static struct fleet_store *open_store(const char *path)
{
    static const struct drift_floors floors = { 0 };
    const struct fleet_store_options options = {
        .path = path, .keep_ns = 90 * 86400 * NS_PER_S, .floors = &floors, .clock = plat_clock()
    };
    struct fleet_store *s;
    struct err e = { 0 };

    if (fleet_store_open(&s, &options, &e) != 0)
        die(path, &e);
    return s;
}

static void put_record(struct obs_batch *batch, int host, int n, int64_t now)
{
    struct observation *o = obs_new(batch, OBS_GUEST_LIFECYCLE, now + n * NS_PER_MS, now + n * NS_PER_MS);
    char vm_id[GUID_TEXT_MAX];

    snprintf(vm_id, sizeof vm_id, "B0000000-0000-4000-8000-%012d", host * VMS + n % VMS);
    o->seq = (uint64_t)n + 1;
    obs_body(o, "record %d of %d", n + 1, host);
    obs_str(o, ATTR_VM_ID, vm_id);
    obs_str(o, ATTR_VM_CHANGE, n % 2 == 0 ? "started" : "stopped");
}

static void fill(struct otlp_group *g, int host, int64_t now)
{
    struct resource *r = &g->resource;

    *g = (struct otlp_group){ 0 };
    snprintf(r->service_name, sizeof r->service_name, "hvagent");
    snprintf(r->agent_id, sizeof r->agent_id, "A0000000-0000-4000-8000-%012d", host);
    snprintf(r->host_id, sizeof r->host_id, "LOAD-%05d", host);
    snprintf(r->host_name, sizeof r->host_name, "HV%05d", host);
    snprintf(r->cluster, sizeof r->cluster, "LOAD-%d", host % 8);
    snprintf(r->os_version, sizeof r->os_version, "10.0.17763.5329");
    obs_batch_init(&g->batch, BATCH_BYTES);
    for (int n = 0; n < RECORDS; n++)
        put_record(&g->batch, host, n, now);
}

/* CPU of one transaction of GROUP requests. */
static double ingest(struct fleet_store *s, int first_host, int64_t now)
{
    struct otlp_group groups[GROUP];
    struct otlp_request requests[GROUP];
    struct fleet_batch batches[GROUP];
    struct err e = { 0 };
    double began, took;

    for (int i = 0; i < GROUP; i++) {
        fill(&groups[i], first_host + i, now);
        requests[i] = (struct otlp_request){ .groups = &groups[i] };
        batches[i] = (struct fleet_batch){ .request = &requests[i] };
    }
    began = cpu_s();
    if (fleet_store_apply(s, batches, GROUP, &e) != 0)
        die("apply", &e);
    took = cpu_s() - began;
    for (int i = 0; i < GROUP; i++)
        obs_batch_free(&groups[i].batch);
    return took;
}

int main(int argc, char **argv)
{
    static const char *const left[] = { "", "-wal", "-shm" };
    int transactions = argc > 1 ? (int)strtol(argv[1], NULL, 10) / (GROUP * RECORDS) : 50;
    char dir[PATH_LEN], path[PATH_LEN + 16], file[PATH_LEN + 32];
    int64_t now = plat_clock()->wall_ns(plat_clock());
    struct fleet_store *s;
    double cpu = 0;

    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* as hvhub does */
    snprintf(dir, sizeof dir, "%s/bench-ingest.XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (transactions < 1 || mkdtemp(dir) == NULL) {
        fprintf(stderr, "usage: bench_ingest [RECORDS [FOLDER]]; at least %d records\n", GROUP * RECORDS);
        return 2;
    }
    snprintf(path, sizeof path, "%s/fleet.db", dir);
    s = open_store(path);
    for (int i = 0; i < transactions; i++)
        cpu += ingest(s, i * GROUP + 1, now);
    fleet_store_close(s);
    printf("ingest.sqlite records=%d per_cpu_second=%.0f cpu_us_per_record=%.2f\n", transactions * GROUP * RECORDS,
           transactions * GROUP * RECORDS / cpu, cpu * 1e6 / (transactions * GROUP * RECORDS));
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        snprintf(file, sizeof file, "%s%s", path, left[i]);
        remove(file);
    }
    rmdir(dir);
    return 0;
}
