/* How many events go from their XML to the outbox in a second of CPU: parsing,
 * the rules, and the store's transaction, synced fully.
 *
 *   bench_events [EVENTS [FOLDER]]
 *
 * 100,000 events in batches of 100, as a worker takes them: slow disk requests,
 * integration services that do not fit, live migrations, and one in ten of a
 * provider that is nobody's business.  The XML is made beforehand; what a stream
 * does to find it in a file or a channel is not measured here.
 */
#include "base/times.h"
#include "collectors/eventlog.h"
#include "plat/clock.h"
#include "plat/random.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 100, VMS = 40, POOL = 2000, XML_MAX = 2048, BATCH_BYTES = 4 * 1024 * 1024, PATH_LEN = 1024 };

/* ---- the load ----------------------------------------------------------- */

/* A stream that gives the pool's events over and over. */
struct pool_stream {
    struct event_stream base;
    char xml[POOL][XML_MAX];
    size_t len[POOL];
    uint64_t bytes; /* given so far */
};

static int pool_read(struct event_stream *base, const char *mark, int max_events, size_t max_bytes,
                     const struct event_sink *sink, struct buf *new_mark, struct stream_report *report, struct err *e)
{
    struct pool_stream *s = (struct pool_stream *)base;
    uint64_t at = strtoull(mark, NULL, 10);

    (void)max_bytes;
    (void)e;
    for (int i = 0; i < max_events; i++, at++) {
        sink->event(sink->arg, s->xml[at % POOL], s->len[at % POOL], "bench");
        s->bytes += s->len[at % POOL];
    }
    buf_printf(new_mark, "%" PRIu64, at);
    report->state = STREAM_ATTACHED;
    report->more = true;
    return 0;
}

static void pool_close(struct event_stream *base)
{
    free(base);
}

#define SYSTEM                                                                                            \
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s'/>"  \
    "<EventID>%d</EventID><Version>0</Version><Level>%d</Level><Task>0</Task><Opcode>0</Opcode>"          \
    "<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-01-31T07:%02d:%02d.1234567Z'/>" \
    "<EventRecordID>%d</EventRecordID><Correlation/><Execution ProcessID='2412' ThreadID='6180'/>"        \
    "<Channel>%s</Channel><Computer>HV01.corp.example.net</Computer><Security UserID='S-1-5-18'/></System>"
#define VM_EVENT                                                                                 \
    "<UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'>"     \
    "<Parameter0>VM%02d</Parameter0><Parameter1>%08X-2C7E-4A62-9B3A-7D5B8C2A1F60</Parameter1>%s" \
    "</VmlEventLog></UserData></Event>"

static int put_system(char *out, int i, const char *provider, int id, int level, const char *channel)
{
    return snprintf(out, XML_MAX, SYSTEM, provider, id, level, i / 60 % 60, i % 60, 1000 + i, channel);
}

static void make_event(struct pool_stream *s, int i)
{
    char *out = s->xml[i];
    int vm = i / 10 % VMS, n;

    if (i % 10 < 4) {
        n = put_system(out, i, "disk", 153, 3, "System");
        n += snprintf(out + n, (size_t)(XML_MAX - n),
                      "<EventData><Data>\\Device\\Harddisk%d\\DR%d</Data><Data>0x%x</Data><Data>0</Data>"
                      "<Data>\\Device\\00000024</Data><Binary>0F01040004002C00000000009900048000</Binary></EventData>"
                      "</Event>",
                      vm, vm, 4288050 + i);
    } else if (i % 10 < 7) {
        n = put_system(out, i, "Microsoft-Windows-Hyper-V-Integration", 4010, 3,
                       "Microsoft-Windows-Hyper-V-Integration-Admin");
        n += snprintf(out + n, (size_t)(XML_MAX - n), VM_EVENT, vm, (unsigned)vm,
                      "<Parameter2>Negotiated (3.0) - Expected (3.0)</Parameter2>"
                      "<Parameter3>Negotiated (4.0) - Expected (5.0)</Parameter3>");
    } else if (i % 10 < 9) {
        n = put_system(out, i, "Microsoft-Windows-Hyper-V-VMMS", 20415, 4, "Microsoft-Windows-Hyper-V-VMMS-Admin");
        n += snprintf(out + n, (size_t)(XML_MAX - n), VM_EVENT, vm, (unsigned)vm, "<Parameter2>0.5</Parameter2>");
    } else {
        n = put_system(out, i, "Service Control Manager", 7036, 4, "System");
        n += snprintf(out + n, (size_t)(XML_MAX - n),
                      "<EventData><Data Name='param1'>Windows Update</Data><Data Name='param2'>running</Data>"
                      "</EventData></Event>");
    }
    s->len[i] = (size_t)n;
}

static struct pool_stream *make_pool(void)
{
    static const struct event_stream_ops ops = { .read = pool_read, .close = pool_close };
    struct pool_stream *s = calloc(1, sizeof *s);

    if (s == NULL)
        exit(1);
    s->base.ops = &ops;
    for (int i = 0; i < POOL; i++)
        make_event(s, i);
    return s;
}

/* ---- the measuring ------------------------------------------------------ */

static void die(const struct err *e)
{
    fprintf(stderr, "bench_events: %s\n", e->text);
    exit(1);
}

static int64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void print(const char *what, uint64_t events, int64_t cpu)
{
    printf("events.%s events=%" PRIu64 " events_per_cpu_second=%.0f cpu_us_per_event=%.2f\n", what, events,
           (double)events * 1e9 / (double)cpu, (double)cpu / 1e3 / (double)events);
}

static void run(struct store *store, uint64_t events)
{
    struct pool_stream *pool = make_pool();
    struct store_appended appended;
    struct source_step step = { .max_events = BATCH, .max_bytes = BATCH_BYTES, .mark = "" };
    struct obs_batch batch;
    struct source *source;
    int64_t parsing = 0, storing = 0;
    uint64_t observations = 0;
    struct err e;
    char mark[32] = "";

    if (eventlog_source_new("bench", &pool->base, HOST_2012R2, &source, &e) != 0)
        die(&e);
    obs_batch_init(&batch, BATCH_BYTES);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    step.batch = &batch;
    for (uint64_t n = 0; n < events; n += BATCH) {
        struct store_mark marks[] = { { "bench", mark } };
        int64_t at = cpu_ns();

        obs_batch_reset(&batch);
        step.mark = mark;
        step.now_ns = plat_clock()->wall_ns(plat_clock());
        if (source_take_step(source, &step, &e) != 0)
            die(&e);
        snprintf(mark, sizeof mark, "%s", buf_text(&step.new_mark));
        parsing += cpu_ns() - at;
        observations += (uint64_t)batch.count;
        at = cpu_ns();
        if (store_append(store, "bench", &batch, marks, 1, &appended, &e) != 0)
            die(&e);
        storing += cpu_ns() - at;
    }
    print("parse_and_rules", events, parsing);
    print("xml_to_outbox", events, parsing + storing);
    printf("events.load observations=%" PRIu64 " xml_bytes_per_event=%.0f\n", observations,
           (double)pool->bytes / (double)events);
    buf_free(&step.new_mark);
    obs_batch_free(&batch);
    source_close(source);
}

int main(int argc, char **argv)
{
    static const char *const left[] = { "", "-wal", ".lock" };
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) / BATCH * BATCH : 100000;
    char dir[PATH_LEN], path[PATH_LEN + 16], file[PATH_LEN + 32];
    struct store_options options = {
        .path = path, .max_bytes = UINT64_C(1) << 40, .clock = plat_clock(), .random = plat_random()
    };
    struct store_opened opened;
    struct store *store;
    struct err e;

    snprintf(dir, sizeof dir, "%s/bench-events.XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (events == 0 || mkdtemp(dir) == NULL) {
        fprintf(stderr, "usage: bench_events [EVENTS [FOLDER]]\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/store.db", dir);
    if (store_open(&store, &options, &opened, &e) != 0)
        die(&e);
    run(store, events);
    store_close(store);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        snprintf(file, sizeof file, "%s%s", path, left[i]);
        remove(file);
    }
    remove(dir);
    return 0;
}
