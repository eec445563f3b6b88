/* How many observations the store takes, gives and lets go in a second of CPU,
 * and how long a commit takes on this disk.
 *
 *   bench_store [EVENTS [FOLDER]]
 *
 * 200,000 events in batches of 100, synced fully, of a believable mix: storage
 * trouble and unknown events, and events about forty VMs.  The store's calls
 * alone are measured, not the making of the batches.
 */
#include "base/times.h"
#include "plat/clock.h"
#include "plat/random.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 100, VMS = 40, SHIP = 1000, BATCH_BYTES = 1024 * 1024, PATH_LEN = 1024 };

static int64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* CPU and wall time spent between go() and halt(). */
struct watch {
    int64_t cpu, wall;
    int64_t cpu_at, wall_at;
};

static void go(struct watch *w)
{
    w->cpu_at = cpu_ns();
    w->wall_at = plat_clock()->monotonic_ns(plat_clock());
}

static void halt(struct watch *w)
{
    w->cpu += cpu_ns() - w->cpu_at;
    w->wall += plat_clock()->monotonic_ns(plat_clock()) - w->wall_at;
}

static void print(const char *what, const struct watch *w, uint64_t events, uint64_t calls)
{
    printf("store.%s events=%" PRIu64 " events_per_cpu_second=%.0f cpu_us_per_event=%.2f wall_ms_per_call=%.3f\n", what,
           events, (double)events * 1e9 / (double)w->cpu, (double)w->cpu / 1e3 / (double)events,
           (double)w->wall / 1e6 / (double)calls);
}

static void die(const struct err *e)
{
    fprintf(stderr, "bench_store: %s\n", e->text);
    exit(1);
}

static void add_common(struct observation *o, uint64_t n)
{
    obs_str(o, ATTR_CHANNEL, "Microsoft-Windows-Hyper-V-Integration-Admin");
    obs_str(o, ATTR_PROVIDER, "Microsoft-Windows-Hyper-V-Integration");
    obs_int(o, ATTR_EVENT_ID, 4010);
    obs_int(o, ATTR_RECORD_ID, (int64_t)n);
    obs_str(o, ATTR_COMPUTER, "HV01.example.com");
    obs_int(o, ATTR_LEVEL, 3);
    obs_body(o, "The storage device reported a latency of %" PRIu64 " ms for a request.", n % 5000);
}

static void add_vm(struct observation *o, uint64_t vm)
{
    char text[64];

    snprintf(text, sizeof text, "%08X-0000-4000-8000-000000000001", (unsigned)(vm * 2654435761u));
    obs_str(o, ATTR_VM_ID, text);
    snprintf(text, sizeof text, "vm%02u", (unsigned)vm);
    obs_str(o, ATTR_VM_NAME, text);
}

static void add_one(struct obs_batch *b, uint64_t n, int64_t now)
{
    static const enum obs_kind kinds[] = { OBS_HOST_STORAGE, OBS_GUEST_VERSION_MISMATCH, OBS_HOST_STORAGE,
                                           OBS_EVENT_RAW,    OBS_GUEST_LIFECYCLE,        OBS_EVENT_RAW,
                                           OBS_HOST_STORAGE, OBS_GUEST_VERSION_MISMATCH, OBS_EVENT_RAW,
                                           OBS_HOST_STORAGE };
    enum obs_kind kind = kinds[n % 10];
    struct observation *o = obs_new(b, kind, now, now);

    add_common(o, n);
    if (kind == OBS_GUEST_VERSION_MISMATCH) {
        add_vm(o, n / 10 % VMS);
        obs_str(o, ATTR_MISMATCH_SIGNAL, "ic-compatible");
        obs_str(o, ATTR_IC_SERVICE, "Hyper-V Heartbeat");
        obs_str(o, ATTR_MESSAGE_NEGOTIATED, "1.0");
        obs_str(o, ATTR_MESSAGE_EXPECTED, "3.0");
    } else if (kind == OBS_GUEST_LIFECYCLE) {
        add_vm(o, n / 10 % VMS);
        obs_str(o, ATTR_VM_CHANGE, "started");
    }
}

static void append_all(struct store *s, uint64_t events)
{
    int64_t now = plat_clock()->wall_ns(plat_clock());
    struct store_appended out;
    struct obs_batch batch;
    struct watch w = { 0 };
    struct err e;
    char mark[32];

    obs_batch_init(&batch, BATCH_BYTES);
    for (uint64_t n = 0; n < events; n += BATCH) {
        struct store_mark marks[] = { { "eventlog", mark } };

        obs_batch_reset(&batch);
        for (uint64_t i = 0; i < BATCH; i++)
            add_one(&batch, n + i, now + (int64_t)(n + i) * NS_PER_MS);
        snprintf(mark, sizeof mark, "%" PRIu64, n);
        go(&w);
        if (store_append(s, "bench", &batch, marks, 1, &out, &e) != 0)
            die(&e);
        halt(&w);
    }
    obs_batch_free(&batch);
    print("append", &w, events, events / BATCH);
}

static void ship_all(struct store *s, uint64_t events)
{
    struct watch reading = { 0 }, acking = { 0 };
    struct store_slice slice;
    uint64_t after = 0, calls = 0;
    struct err e;

    do {
        go(&reading);
        if (store_read(s, after, SHIP, BATCH_BYTES, &slice, &e) != 0)
            die(&e);
        halt(&reading);
        if (slice.count > 0)
            after = slice.last_seq;
        store_slice_free(&slice);
        go(&acking);
        if (store_ack(s, after, &e) != 0)
            die(&e);
        halt(&acking);
        calls++;
    } while (after < events);
    print("read", &reading, events, calls);
    print("ack", &acking, events, calls);
}

static struct store *open_store(const char *path)
{
    struct store_options options = {
        .path = path, .max_bytes = UINT64_C(1) << 40, .clock = plat_clock(), .random = plat_random()
    };
    struct store_opened opened;
    struct watch w = { 0 };
    struct store *s;
    struct err e;

    go(&w);
    if (store_open(&s, &options, &opened, &e) != 0)
        die(&e);
    halt(&w);
    printf("store.open cpu_ms=%.1f wall_ms=%.1f\n", (double)w.cpu / 1e6, (double)w.wall / 1e6);
    return s;
}

int main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) / BATCH * BATCH : 200000;
    static const char *const left[] = { "", "-wal", ".lock" };
    char dir[PATH_LEN], path[PATH_LEN + 16], file[PATH_LEN + 32];
    struct store_stats stats;
    struct store *s;
    struct err e;

    snprintf(dir, sizeof dir, "%s/bench-store.XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (events == 0 || mkdtemp(dir) == NULL) {
        fprintf(stderr, "usage: bench_store [EVENTS [FOLDER]]\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/store.db", dir);
    s = open_store(path);
    append_all(s, events);
    store_close(s);
    s = open_store(path);
    if (store_stats(s, &stats, &e) != 0)
        die(&e);
    printf("store.size rows=%" PRIu64 " payload_bytes=%" PRIu64 " file_bytes=%" PRIu64 "\n", stats.rows, stats.bytes,
           stats.file_bytes);
    ship_all(s, events);
    store_close(s);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        snprintf(file, sizeof file, "%s%s", path, left[i]);
        remove(file);
    }
    remove(dir);
    return 0;
}
