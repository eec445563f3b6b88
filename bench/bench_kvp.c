/* What a poll of all guests costs: WMI's answer as CIM XML to observations, for
 * 1,000 running VMs with 25 items each.
 *
 *   bench_kvp [VMS]
 *
 * The first poll (everything is new), a poll in which nothing has changed, one
 * in which an item of each VM has, and the memory after 50 polls beside that
 * after five.  The making of the XML is not measured.
 */
#include "base/times.h"
#include "collectors/kvp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ITEMS = 25, TEXT_MAX = 256 * 1024 * 1024, BATCH_MAX = 256 * 1024 * 1024, POLLS_FEW = 5, POLLS_MANY = 50 };

static const char *const item_names[] = {
    "FullyQualifiedDomainName",
    "OSName",
    "OSVersion",
    "CSDVersion",
    "OSMajorVersion",
    "OSMinorVersion",
    "OSBuildNumber",
    "OSPlatformId",
    "ServicePackMajor",
    "ServicePackMinor",
    "SuiteMask",
    "ProductType",
    "OSEditionId",
    "ProcessorArchitecture",
    "IntegrationServicesVersion",
    "NetworkAddressIPv4",
    "NetworkAddressIPv6",
    "RDPAddressIPv4",
    "RDPAddressIPv6",
    "OSSignature",
    "OSKernelVersion",
    "OSDistributionName",
    "OSDistributionData",
    "OSVendor",
    "OSPlatform",
};
_Static_assert(sizeof item_names / sizeof item_names[0] == ITEMS, "ITEMS names");

/* ---- the load ----------------------------------------------------------- */

struct answers {
    struct wmi_stream base;
    struct buf systems, items;
};

static int poll_all(struct wmi_stream *base, const char *mark, int64_t deadline_ns, const struct wmi_sink *sink,
                    struct buf *new_mark, struct wmi_poll *out, struct err *e)
{
    struct answers *a = (struct answers *)base;

    (void)mark;
    (void)deadline_ns;
    (void)new_mark;
    (void)e;
    sink->instances(sink->arg, "Msvm_ComputerSystem", buf_text(&a->systems), a->systems.len, "bench");
    sink->instances(sink->arg, "Msvm_KvpExchangeComponent", buf_text(&a->items), a->items.len, "bench");
    *out = (struct wmi_poll){ .answered = true, .complete = true, .time_ns = NS_PER_S };
    out->report.state = STREAM_ATTACHED;
    return 0;
}

static void close_answers(struct wmi_stream *base)
{
    struct answers *a = (struct answers *)base;

    buf_free(&a->systems);
    buf_free(&a->items);
}

/* An item is an instance in XML in a value of XML: escaped once. */
static void put_item(struct buf *b, const char *name, const char *value)
{
    static const char property[] = "&lt;PROPERTY NAME=&quot;%s&quot; TYPE=&quot;string&quot;&gt;&lt;VALUE&gt;%s"
                                   "&lt;/VALUE&gt;&lt;/PROPERTY&gt;&#13;&#10;";

    buf_str(b, "<VALUE>&lt;INSTANCE CLASSNAME=&quot;Msvm_KvpExchangeDataItem&quot;&gt;&#13;&#10;"
               "&lt;PROPERTY NAME=&quot;Caption&quot; PROPAGATED=&quot;true&quot; TYPE=&quot;string&quot;&gt;"
               "&lt;/PROPERTY&gt;&#13;&#10;");
    buf_printf(b, property, "Data", value);
    buf_str(b, "&lt;PROPERTY NAME=&quot;Description&quot; PROPAGATED=&quot;true&quot; TYPE=&quot;string&quot;&gt;"
               "&lt;/PROPERTY&gt;&#13;&#10;");
    buf_printf(b, property, "Name", name);
    buf_str(b, "&lt;PROPERTY NAME=&quot;Source&quot; TYPE=&quot;uint16&quot;&gt;&lt;VALUE&gt;2&lt;/VALUE&gt;"
               "&lt;/PROPERTY&gt;&lt;/INSTANCE&gt;</VALUE>\r\n");
}

static void put_vm(struct answers *a, int vm, int round)
{
    char id[64], value[64];

    snprintf(id, sizeof id, "%08X-1111-2222-3333-444455556666", (unsigned)vm + 1);
    buf_printf(&a->systems,
               "<INSTANCE CLASSNAME=\"Msvm_ComputerSystem\">\r\n<PROPERTY NAME=\"Caption\" TYPE=\"string\">"
               "<VALUE>Virtual Machine</VALUE></PROPERTY>\r\n<PROPERTY NAME=\"ElementName\" TYPE=\"string\">"
               "<VALUE>VM%d</VALUE></PROPERTY>\r\n<PROPERTY NAME=\"EnabledState\" TYPE=\"uint16\"><VALUE>2</VALUE>"
               "</PROPERTY>\r\n<PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>%s</VALUE></PROPERTY>\r\n</INSTANCE>\r\n",
               vm, id);
    buf_printf(&a->items,
               "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeComponent\">\r\n<PROPERTY NAME=\"EnabledState\" "
               "TYPE=\"uint16\"><VALUE>2</VALUE></PROPERTY>\r\n<PROPERTY NAME=\"SystemName\" TYPE=\"string\"><VALUE>%s"
               "</VALUE></PROPERTY>\r\n<PROPERTY.ARRAY NAME=\"GuestIntrinsicExchangeItems\" TYPE=\"string\">"
               "<VALUE.ARRAY>\r\n",
               id);
    for (int i = 0; i < ITEMS; i++) {
        snprintf(value, sizeof value, "value %d of VM%d in %d", i, vm, i == 0 ? round : 0);
        put_item(&a->items, item_names[i], value);
    }
    buf_str(&a->items, "</VALUE.ARRAY></PROPERTY.ARRAY>\r\n</INSTANCE>\r\n");
}

static void make_answers(struct answers *a, int vms, int round)
{
    buf_clear(&a->systems);
    buf_clear(&a->items);
    for (int vm = 0; vm < vms; vm++)
        put_vm(a, vm, round);
    if (buf_error(&a->systems) != ERR_OK || buf_error(&a->items) != ERR_OK) {
        fprintf(stderr, "bench_kvp: too many VMs\n");
        exit(2);
    }
}

/* ---- the measuring ------------------------------------------------------ */

static double cpu_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Resident memory in KiB; 0 where it can not be had. */
static long rss_kib(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    if (f != NULL)
        fclose(f);
    return kib;
}

struct poller {
    struct answers answers;
    struct source *source;
    struct obs_batch batch;
    struct source_step step;
    char *mark;
};

/* CPU of one poll, parse to observations. */
static double poll_once(struct poller *p, int *told)
{
    double at = cpu_ms();
    struct err e;

    obs_batch_reset(&p->batch);
    p->step.mark = p->mark;
    p->step.now_ns += 300 * NS_PER_S;
    if (source_take_step(p->source, &p->step, &e) != 0) {
        fprintf(stderr, "bench_kvp: %s\n", e.text);
        exit(1);
    }
    at = cpu_ms() - at;
    free(p->mark);
    p->mark = strdup(buf_text(&p->step.new_mark));
    *told = p->batch.count;
    return at;
}

static void print(const char *what, int vms, double ms, int told)
{
    printf("kvp.%s vms=%d items=%d cpu_ms=%.2f observations=%d\n", what, vms, ITEMS, ms, told);
}

static void measure(struct poller *p, int vms)
{
    long few = 0;
    double ms;
    int told;

    make_answers(&p->answers, vms, 0);
    ms = poll_once(p, &told);
    print("first_poll", vms, ms, told);
    ms = poll_once(p, &told);
    print("unchanged_poll", vms, ms, told);
    for (int i = 1; i <= POLLS_MANY; i++) {
        make_answers(&p->answers, vms, i);
        ms = poll_once(p, &told);
        if (i == POLLS_FEW)
            few = rss_kib();
    }
    print("changed_poll", vms, ms, told);
    printf("kvp.memory rss_kib_after_few=%ld rss_kib_after_many=%ld xml_bytes=%zu\n", few, rss_kib(),
           p->answers.items.len + p->answers.systems.len);
}

int main(int argc, char **argv)
{
    static const struct wmi_stream_ops ops = { .poll = poll_all, .close = close_answers };
    static const struct resource facts = { .host_id = "bench", .host_name = "HV01", .os_version = "6.3.9600.20778" };
    int vms = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1000;
    struct poller p = { .step = { .max_events = 1000000, .max_bytes = TEXT_MAX, .now_ns = NS_PER_S } };
    struct kvp_options options = { .name = "bench",
                                   .stream = &p.answers.base,
                                   .facts = &facts,
                                   .interval_ns = NS_PER_S,
                                   .refresh_ns = 24 * 3600 * NS_PER_S };
    struct err e;

    p.answers.base.ops = &ops;
    buf_init(&p.answers.systems, TEXT_MAX);
    buf_init(&p.answers.items, TEXT_MAX);
    obs_batch_init(&p.batch, BATCH_MAX);
    buf_init(&p.step.new_mark, SOURCE_MARK_MAX);
    p.step.batch = &p.batch;
    p.mark = strdup("");
    if (vms < 1 || kvp_source_new(&options, &p.source, &e) != 0) {
        fprintf(stderr, "usage: bench_kvp [VMS]\n");
        return 2;
    }
    measure(&p, vms);
    source_close(p.source);
    obs_batch_free(&p.batch);
    buf_free(&p.step.new_mark);
    free(p.mark);
    return 0;
}
