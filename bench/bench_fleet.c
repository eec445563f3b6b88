/* The hub's read path over a made fleet: `bench/fleet_bench.py` runs it, over SQLite and PostgreSQL.
 *
 *   bench_fleet make STORE HOSTS GUESTS DAYS    makes the fleet, with so many days of history
 *   bench_fleet report STORE HOSTS GUESTS RUNS  the drift report in every format and the fleet page
 *   bench_fleet pages STORE RUNS                the pages alone
 *   bench_fleet steady STORE FORMAT RUNS        one format alone, for a profiler
 *
 * Reports are made as the hub makes them, on a store that stays open for reading, three ways: `first`, the
 * store just opened (what `hvhub report` pays each time); `steady`, nothing has changed since the last; and `moving`,
 * a hundredth of the hosts has reported since, each with one guest that changed.  A line says p50 and p99 of the
 * wall time and the median of the CPU time.
 */
#include "base/times.h"
#include "bench/fleet_load.h"
#include "hub/fleet_report.h"
#include "hub/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_NS (INT64_C(86400) * NS_PER_S)

enum { REPLY_MAX = 1 << 30, RUNS_MAX = 10000, FIRST_RUNS = 5 };
#define MODEL_BYTES ((size_t)512 * 1024 * 1024)

static const struct {
    const char *name;
    enum report_format format;
} formats[] = {
    { "text", REPORT_TEXT }, { "json", REPORT_JSON },       { "csv", REPORT_CSV },
    { "html", REPORT_HTML }, { "ansible", REPORT_ANSIBLE }, { "sccm", REPORT_SCCM },
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "bench_fleet: %s: %s\n", what, e->text);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct fleet_store *open_store(const char *path, bool read_only, const struct clock *clock)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = {
        .path = path,
        .read_only = read_only,
        .keep_ns = 90 * DAY_NS,
        .history = { 90 * DAY_NS, 1095 * DAY_NS, 3650 * DAY_NS, 30 * DAY_NS },
        .floors = &floors,
        .clock = clock,
        .model_max = read_only ? MODEL_BYTES : 0,
    };
    struct fleet_store *s;
    struct err e = { 0 };

    if (fleet_store_open(&s, &options, &e) != 0)
        die(path, &e);
    return s;
}

/* ---- figures --------------------------------------------------------------- */

struct figures {
    double wall[RUNS_MAX], cpu[RUNS_MAX];
    int count;
    double wall_start, cpu_start;
};

static void start(struct figures *f)
{
    f->wall_start = seconds(CLOCK_MONOTONIC);
    f->cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void stop(struct figures *f)
{
    f->cpu[f->count] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - f->cpu_start) * 1e3;
    f->wall[f->count++] = (seconds(CLOCK_MONOTONIC) - f->wall_start) * 1e3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void tell(const char *what, const char *which, struct figures *f, size_t bytes)
{
    int p99 = (f->count * 99 + 99) / 100 - 1;

    qsort(f->wall, (size_t)f->count, sizeof f->wall[0], ascending);
    qsort(f->cpu, (size_t)f->count, sizeof f->cpu[0], ascending);
    printf("fleet.%s.%s runs=%d p50_ms=%.1f p99_ms=%.1f cpu_ms=%.1f cpu_p99_ms=%.1f bytes=%zu\n", what, which, f->count,
           f->wall[f->count / 2], f->wall[p99], f->cpu[f->count / 2], f->cpu[p99], bytes);
    fflush(stdout);
    f->count = 0;
}

/* ---- making ---------------------------------------------------------------- */

static void make(const char *path, int hosts, int guests, int days)
{
    struct load l;
    int64_t end = plat_clock()->wall_ns(plat_clock());
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);

    load_init(&l, hosts, guests, end - days * DAY_NS - NS_PER_S);
    l.store = open_store(path, false, &l.clock);
    load_all(&l, 0);
    for (int day = 0; day < days; day++) {
        l.now = end - (days - day) * DAY_NS;
        load_day(&l, day);
        load_upkeep(&l);
    }
    l.now = end;
    if (days > 0)
        load_all(&l, load_round(days));
    load_upkeep(&l);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("fleet.make hosts=%d guests=%d days=%d records=%llu wall_s=%.1f cpu_s=%.1f records_per_s=%.0f\n", hosts,
           guests, days, (unsigned long long)l.records, wall, cpu, (double)l.records / wall);
    fleet_store_close(l.store);
    load_free(&l);
}

/* ---- reports --------------------------------------------------------------- */

static size_t report_once(struct fleet_store *s, enum report_format format)
{
    struct report_query q = { .kind = REPORT_DRIFT,
                              .format = format,
                              .now_ns = plat_clock()->wall_ns(plat_clock()),
                              .host_silent_ns = DAY_NS,
                              .floors = drift_floors_default() };
    struct err e = { 0 };
    struct buf out;
    size_t len;

    buf_init(&out, REPLY_MAX);
    if (fleet_report(s, &q, &out, &e) != 0)
        die("report", &e);
    len = out.len;
    buf_free(&out);
    return len;
}

static void measure_first(const char *path, struct figures *f)
{
    for (int i = 0; i < FORMATS; i++) {
        size_t len = 0;

        for (int run = 0; run < FIRST_RUNS; run++) {
            struct fleet_store *s;

            start(f);
            s = open_store(path, true, plat_clock());
            len = report_once(s, formats[i].format);
            stop(f);
            fleet_store_close(s);
        }
        tell("first", formats[i].name, f, len);
    }
}

static void measure_reports(struct fleet_store *s, struct load *l, int runs, struct figures *f)
{
    static int round;

    for (int i = 0; i < FORMATS; i++) {
        size_t len = report_once(s, formats[i].format);

        for (int run = 0; run < runs; run++) {
            if (l != NULL) {
                l->now = plat_clock()->wall_ns(plat_clock());
                load_some(l, run * l->hosts / 100, l->hosts / 100, 1, ++round);
            }
            start(f);
            len = report_once(s, formats[i].format);
            stop(f);
        }
        tell(l != NULL ? "moving" : "steady", formats[i].name, f, len);
    }
}

/* ---- pages ------------------------------------------------------------------ */

static void measure_page(struct fleet_store *s, const char *name, enum web_page page, const char *subject, int runs,
                         struct figures *f)
{
    struct web_moment m = { .host_silent_ns = DAY_NS, .floors = drift_floors_default() };
    struct web_query q;
    struct err e = { 0 };
    struct buf out;

    (void)web_query_init(&q, page, subject);
    buf_init(&out, REPLY_MAX);
    for (int run = 0; run < runs; run++) {
        buf_clear(&out);
        m.now_ns = plat_clock()->wall_ns(plat_clock());
        start(f);
        if (web_render(s, &q, &m, &out, &e) != 0)
            die(name, &e);
        stop(f);
    }
    tell("page", name, f, out.len);
    buf_free(&out);
}

static void measure_pages(struct fleet_store *s, int runs, struct figures *f)
{
    measure_page(s, "fleet", WEB_FLEET, "", runs, f);
    measure_page(s, "guests", WEB_GUESTS, "", runs, f);
    measure_page(s, "cluster", WEB_CLUSTER, "CLUSTER-00003", runs, f);
    measure_page(s, "host", WEB_HOST, "HOST-000024", runs, f);
    measure_page(s, "guest", WEB_GUEST, "B0000000-0000-4000-8000-000000000007", runs, f);
}

static void report(const char *path, int hosts, int guests, int runs)
{
    struct figures *f = calloc(1, sizeof *f);
    struct fleet_store *reading = open_store(path, true, plat_clock());
    struct load l;

    load_init(&l, hosts, guests, plat_clock()->wall_ns(plat_clock()));
    l.store = open_store(path, false, &l.clock);
    load_resume(&l);
    measure_first(path, f);
    measure_reports(reading, NULL, runs, f);
    measure_reports(reading, &l, runs, f);
    measure_pages(reading, runs, f);
    fleet_store_close(reading);
    fleet_store_close(l.store);
    load_free(&l);
    free(f);
}

static void pages(const char *path, int runs)
{
    struct figures *f = calloc(1, sizeof *f);
    struct fleet_store *reading = open_store(path, true, plat_clock());

    measure_pages(reading, runs, f);
    fleet_store_close(reading);
    free(f);
}

static void steady(const char *path, const char *format, int runs)
{
    struct figures *f = calloc(1, sizeof *f);
    struct fleet_store *reading = open_store(path, true, plat_clock());
    enum report_format chosen;
    size_t len = 0;

    if (!report_format_parse(format, &chosen))
        exit(2);
    for (int run = 0; run < runs; run++) {
        start(f);
        len = report_once(reading, chosen);
        stop(f);
    }
    tell("steady", format, f, len);
    fleet_store_close(reading);
    free(f);
}

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "make") == 0)
        make(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    else if (argc == 6 && strcmp(argv[1], "report") == 0 && number(argv[5]) > 0 && number(argv[5]) <= RUNS_MAX)
        report(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    else if (argc == 4 && strcmp(argv[1], "pages") == 0 && number(argv[3]) > 0 && number(argv[3]) <= RUNS_MAX)
        pages(argv[2], number(argv[3]));
    else if (argc == 5 && strcmp(argv[1], "steady") == 0 && number(argv[4]) > 0 && number(argv[4]) <= RUNS_MAX)
        steady(argv[2], argv[3], number(argv[4]));
    else
        return fprintf(stderr, "usage: bench_fleet make|report|pages|steady STORE ...; see bench/bench_fleet.c\n") > 0
                   ? 2
                   : 2;
    return 0;
}
