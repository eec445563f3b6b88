/* See fleet_load.h. */
#include "bench/fleet_load.h"

#include "base/text.h"
#include "base/times.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_A_REQUEST = 16, CLUSTER_HOSTS = 8, BATCH_BYTES = 64 * 1024 * 1024, KINDS = 10, STEPS = 5 };

/* What a guest runs, and the integration services it goes through. */
static const struct kind {
    const char *os, *name, *platform, *architecture;
    const char *is[STEPS];
} kinds[KINDS] = {
    { "6.3.9600",
      "Windows Server 2012 R2 Standard",
      "2",
      "9",
      { "6.3.9600.16384", "6.3.9600.17415", "6.3.9600.18339", "6.3.9600.18692", "6.3.9600.18692" } },
    { "10.0.17763",
      "Windows Server 2019 Datacenter",
      "2",
      "9",
      { "10.0.17763.1", "10.0.17763.2989", "10.0.17763.4974", "10.0.17763.5696", "10.0.17763.5696" } },
    { "6.3.9600",
      "Windows Server 2012 R2 Datacenter",
      "2",
      "9",
      { "6.3.9600.16384", "6.3.9600.18692", "6.3.9600.18692", "6.3.9600.18692", "6.3.9600.18907" } },
    { "10.0.14393",
      "Windows Server 2016 Standard",
      "2",
      "9",
      { "10.0.14393.0", "10.0.14393.2608", "10.0.14393.6614", "10.0.14393.6614", "10.0.14393.6614" } },
    { "3.10.0", "CentOS Linux", NULL, "x86_64", { "3.1", "3.1", "3.1", "3.1", "3.1" } },
    { "6.1.7601",
      "Windows Server 2008 R2 Enterprise",
      "2",
      "9",
      { "6.2.9200.16433", "6.3.9600.16384", "6.3.9600.17415", "6.3.9600.18692", "6.3.9600.18907" } },
    { "10.0.20348",
      "Windows Server 2022 Datacenter",
      "2",
      "9",
      { "10.0.20348.1", "10.0.20348.1668", "10.0.20348.2227", "10.0.20348.2227", "10.0.20348.2227" } },
    { "6.2.9200",
      "Windows Server 2012 Standard",
      "2",
      "9",
      { "6.2.9200.16433", "6.3.9600.16384", "6.3.9600.18080", "6.3.9600.18692", "6.3.9600.18692" } },
    { "10.0.17763",
      "Windows 10 Enterprise LTSC",
      "2",
      "9",
      { "10.0.17763.1", "10.0.17763.5696", "10.0.17763.5696", "10.0.17763.5696", "10.0.17763.5696" } },
    { "5.10.0", "Debian GNU/Linux", NULL, "x86_64", { "3.1", "3.1", "3.1", "3.1", "3.1" } },
};

static int64_t load_now(const struct clock *c)
{
    return ((const struct load *)c->state)->now;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "fleet_load: %s: %s\n", what, why);
    exit(1);
}

void load_init(struct load *l, int hosts, int guests, int64_t start_ns)
{
    *l = (struct load){ .clock = { load_now, load_now, l }, .now = start_ns, .hosts = hosts, .guests = guests };
    l->seq = calloc((size_t)hosts, sizeof *l->seq);
    if (l->seq == NULL)
        die("memory", "none left");
}

void load_free(struct load *l)
{
    free(l->seq);
}

static bool take_agent(void *arg, const struct fleet_agent *a)
{
    struct load *l = (struct load *)arg;
    int host = 0;

    if (sscanf(a->host_id, "HOST-%9d", &host) == 1 && host < l->hosts)
        l->seq[host] = a->high_mark;
    return true;
}

void load_resume(struct load *l)
{
    struct fleet_reader reader = { .arg = l, .agent = take_agent };
    struct err e = { 0 };

    if (fleet_store_read(l->store, &reader, &e) != 0)
        die("reading", e.text);
}

/* ---- records ------------------------------------------------------------- */

static bool is_old_host(int host)
{
    return host / CLUSTER_HOSTS % 2 == 0;
}

static void fill_host(struct resource *r, int host)
{
    *r = (struct resource){ .service_name = "hvagent", .agent_version = "1.0.0" };
    snprintf(r->agent_id, sizeof r->agent_id, "A0000000-0000-4000-8000-%012d", host);
    snprintf(r->host_id, sizeof r->host_id, "HOST-%06d", host);
    snprintf(r->host_name, sizeof r->host_name, "hv%06d.example.net", host);
    snprintf(r->cluster, sizeof r->cluster, "CLUSTER-%05d", host / CLUSTER_HOSTS);
    text_copy(r->os_version, sizeof r->os_version, is_old_host(host) ? "6.3.9600.20778" : "10.0.17763.5696");
    text_copy(r->is_win6x, sizeof r->is_win6x, is_old_host(host) ? "6.3.9600.18692" : "");
}

static struct observation *add(struct load *l, struct otlp_group *g, int host, enum obs_kind kind)
{
    struct observation *o = obs_new(&g->batch, kind, l->now, l->now + NS_PER_MS);

    o->seq = ++l->seq[host];
    obs_body(o, "host %d, record %llu", host, (unsigned long long)o->seq);
    l->records++;
    return o;
}

static void add_poll(struct load *l, struct otlp_group *g, int host)
{
    struct observation *o = add(l, g, host, OBS_HOST_INVENTORY);

    obs_str(o, ATTR_OS_VERSION, g->resource.os_version);
    obs_str(o, ATTR_HOST_IS_WIN6X, g->resource.is_win6x);
    obs_str(o, ATTR_CLUSTER_NAME, g->resource.cluster);
    obs_str(o, ATTR_HOST_NAME, g->resource.host_name);
    obs_int(o, ATTR_POLL_GUESTS, l->guests);
}

/* Guest n of the home host, as the given host sees it.  Its version is that of the round. */
static void add_guest(struct load *l, struct otlp_group *g, int host, int home, int n, int round)
{
    struct observation *o = add(l, g, host, OBS_GUEST_INVENTORY);
    int64_t number = (int64_t)home * l->guests + n;
    const struct kind *k = &kinds[number % KINDS];
    char text[64];

    snprintf(text, sizeof text, "B0000000-0000-4000-8000-%012lld", (long long)number);
    obs_str(o, ATTR_VM_ID, text);
    snprintf(text, sizeof text, "app-%03d-%06d", n, home);
    obs_str(o, ATTR_VM_NAME, text);
    obs_str(o, ATTR_VM_POWER, "running");
    obs_int(o, ATTR_VM_ENABLED_STATE, 2);
    snprintf(text, sizeof text, "app-%03d-%06d.example.net", n, home);
    obs_str(o, ATTR_KVP_PREFIX "FullyQualifiedDomainName", text);
    obs_str(o, ATTR_KVP_PREFIX "OSName", k->name);
    obs_str(o, ATTR_KVP_PREFIX "OSVersion", k->os);
    obs_str(o, ATTR_KVP_PREFIX "OSPlatformId", k->platform);
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", k->architecture);
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", k->is[(number / KINDS + round) % STEPS]);
}

/* ---- requests ------------------------------------------------------------ */

struct request {
    struct otlp_group groups[HOSTS_A_REQUEST];
    int count;
};

static struct otlp_group *begin_host(struct request *r, int host)
{
    struct otlp_group *g = &r->groups[r->count];

    obs_batch_init(&g->batch, BATCH_BYTES);
    fill_host(&g->resource, host);
    g->next = NULL;
    if (r->count > 0)
        r->groups[r->count - 1].next = g;
    r->count++;
    return g;
}

static void commit(struct load *l, struct request *r)
{
    struct otlp_request request = { .groups = r->groups };
    struct fleet_batch batch = { .request = &request };
    struct err e = { 0 };

    if (r->count > 0 && fleet_store_apply(l->store, &batch, 1, &e) != 0)
        die("apply", e.text);
    for (int i = 0; i < r->count; i++)
        obs_batch_free(&r->groups[i].batch);
    r->count = 0;
}

static struct request *new_request(void)
{
    struct request *r = calloc(1, sizeof *r);

    if (r == NULL)
        die("memory", "none left");
    return r;
}

static void end_host(struct load *l, struct request *r)
{
    if (r->count == HOSTS_A_REQUEST)
        commit(l, r);
}

void load_all(struct load *l, int round)
{
    struct request *r = new_request();

    for (int host = 0; host < l->hosts; host++) {
        struct otlp_group *g = begin_host(r, host);

        for (int n = 0; n < l->guests; n++)
            add_guest(l, g, host, host, n, round);
        add_poll(l, g, host);
        end_host(l, r);
    }
    commit(l, r);
    free(r);
}

int load_round(int day)
{
    return 1 + day / 70;
}

void load_day(struct load *l, int day)
{
    struct request *r = new_request();
    int week = day / 7;

    for (int host = day % 7; host < l->hosts; host += 7) {
        struct otlp_group *g = begin_host(r, host);
        int home = host - host % CLUSTER_HOSTS + (host + 1) % CLUSTER_HOSTS;

        for (int n = week % 10; n < l->guests; n += 10)
            add_guest(l, g, host, host, n, load_round(day));
        if (home < l->hosts)
            add_guest(l, g, host, home, week % l->guests, load_round(day));
        add_poll(l, g, host);
        end_host(l, r);
    }
    commit(l, r);
    free(r);
}

void load_some(struct load *l, int first, int hosts, int changed, int round)
{
    struct request *r = new_request();

    for (int i = 0; i < hosts; i++) {
        int host = (first + i) % l->hosts;
        struct otlp_group *g = begin_host(r, host);

        for (int n = 0; n < changed; n++)
            add_guest(l, g, host, host, (round + n) % l->guests, round);
        add_poll(l, g, host);
        end_host(l, r);
    }
    commit(l, r);
    free(r);
}

void load_upkeep(struct load *l)
{
    struct err e = { 0 };
    bool more = true;

    while (more) {
        if (fleet_store_upkeep(l->store, &more, &e) != 0)
            die("upkeep", e.text);
    }
}
