/* What a seed decides: how large the world is, what happens in it, and what goes wrong.
 * See sim.h. */
#include "base/text.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { SMALL_STORE = 24 * 1024, LARGE_STORE = 4 * 1024 * 1024, POLLS = 6, DIE_CALLS = 60, UPGRADES = 3, TURNS = 6 };

static int between(uint64_t *stream, int least, int most)
{
    return least + (int)sim_roll(stream, (uint64_t)(most - least + 1));
}

/* 0 in half of the worlds. */
static int perhaps(uint64_t *stream, int most)
{
    return sim_roll(stream, 2) == 0 ? 0 : between(stream, 1, most);
}

static int perhaps_one_in(uint64_t *stream, int least, int most)
{
    return sim_roll(stream, 2) == 0 ? 0 : between(stream, least, most);
}

static void make_world(struct sim_plan *p, uint64_t *r)
{
    uint64_t length = sim_roll(r, 64);

    p->agents = sim_roll(r, 8) == 0 ? SIM_AGENTS : between(r, 1, 2);
    p->guests = sim_roll(r, 8) == 0 ? SIM_GUESTS : between(r, 1, 2);
    p->events = sim_roll(r, 8) == 0 ? 60 : between(r, 5, 25);
    p->span_ns = length == 0 ? 40 * SIM_DAY : length < 9 ? SIM_DAY : SIM_HOUR;
    p->poll_ns = p->span_ns / POLLS;
    p->max_bytes = sim_roll(r, 6) == 0 ? SMALL_STORE : LARGE_STORE;
    p->log_room = sim_roll(r, 5) == 0 ? between(r, 4, 30) : SIM_LOG_RECORDS;
    p->batch_count = between(r, 1, 100);
    p->compression = sim_roll(r, 16) == 0   ? COMPRESSION_ZSTD
                     : sim_roll(r, 16) == 0 ? COMPRESSION_GZIP
                                            : COMPRESSION_NONE;
}

void sim_plan_make(struct sim_plan *p, uint64_t seed)
{
    uint64_t stream = seed * UINT64_C(0xD6E8FEB86659FD93) + 7, *r = &stream;

    memset(p, 0, sizeof *p);
    make_world(p, r);
    p->lose_request = perhaps_one_in(r, 2, 20);
    p->lose_reply = perhaps_one_in(r, 2, 20);
    p->twice = perhaps_one_in(r, 2, 10);
    p->late = perhaps_one_in(r, 2, 10);
    p->proxy_refuses = perhaps_one_in(r, 2, 10);
    p->partitions = perhaps(r, 3);
    p->agent_ends = perhaps(r, 5);
    p->hub_ends = perhaps(r, 4);
    p->clock_jumps = perhaps(r, 3);
    p->clears = sim_roll(r, 4) == 0 ? between(r, 1, 2) : 0;
    p->full_disks = perhaps(r, 2);
    p->failing_disks = perhaps(r, 2);
    p->hub_troubles = perhaps(r, 2);
    p->moody_log = sim_roll(r, 3) == 0;
    p->outage = sim_roll(r, 4) == 0;
    p->takes_state = sim_roll(r, 8) != 0;
    p->stops = sim_roll(r, 4) == 0;
    if (sim_roll(r, 2) == 0) /* so small that there are backlogs */
        p->batch_count = between(r, 1, 8);
}

void sim_plan_mend(struct sim_plan *p)
{
    struct sim_plan world = *p;

    memset(p, 0, sizeof *p);
    p->agents = world.agents;
    p->guests = world.guests;
    p->events = world.events;
    p->span_ns = world.span_ns;
    p->poll_ns = world.poll_ns;
    p->max_bytes = LARGE_STORE;
    p->log_room = SIM_LOG_RECORDS;
    p->batch_count = world.batch_count;
    p->compression = world.compression;
    p->takes_state = world.takes_state;
    p->stops = world.stops;
}

/* ---- what happens on the hosts --------------------------------------------------- */

enum { STARTED = 18500, TURNED_OFF = 18502, TRIPLE_FAULT = 18560 };

static void write_event(struct sim_agent *a, int guest, unsigned id)
{
    struct sim_record r = { .event_id = id, .provider = "Microsoft-Windows-Hyper-V-Worker" };

    r.time_ns = a->clock.clock.wall_ns(&a->clock.clock);
    sim_vm_id(a, guest, r.vm_id, sizeof r.vm_id);
    snprintf(r.vm_name, sizeof r.vm_name, "vm%d-%d", a->number, guest);
    if (!sim_log_write(&a->log, r))
        sim_fail(a->sim, "the log of agent %d is full", a->number);
}

static void something_happens(void *agent, uint64_t tag)
{
    static const unsigned ids[] = { STARTED, TURNED_OFF, 18510, 18516, 18518, 18596, TRIPLE_FAULT };
    struct sim_agent *a = agent;
    unsigned id = ids[tag / SIM_GUESTS % (sizeof ids / sizeof ids[0])];

    /* Where guests stop, events and polls say the same of it. */
    write_event(a, (int)(tag % SIM_GUESTS), a->sim->plan.stops ? TRIPLE_FAULT : id);
}

static void guest_is_upgraded(void *agent, uint64_t tag)
{
    static const char *const versions[] = { "6.3.9600.16384", "6.3.9600.17415", "6.3.9600.18692", "6.2.9200.16433" };
    struct sim_agent *a = agent;

    text_copy(a->versions[tag % SIM_GUESTS], sizeof a->versions[0], versions[tag / SIM_GUESTS % 4]);
}

static void guest_is_turned(void *agent, uint64_t tag)
{
    struct sim_agent *a = agent;
    int guest = (int)(tag % SIM_GUESTS);

    a->off[guest] = !a->off[guest];
    write_event(a, guest, a->off[guest] ? TURNED_OFF : STARTED);
}

static int64_t some_time(struct sim *s, uint64_t *stream)
{
    return (int64_t)sim_roll(stream, (uint64_t)s->plan.span_ns);
}

static void lay_out_host(struct sim *s, struct sim_agent *a)
{
    for (int i = 0; i < SIM_GUESTS; i++)
        text_copy(a->versions[i], sizeof a->versions[i], "6.3.9600.16384");
    for (int i = 0; i < s->plan.events; i++)
        sim_at(s, some_time(s, &s->world), something_happens, a, sim_roll(&s->world, 1000));
    for (int i = 0; i < UPGRADES; i++)
        sim_at(s, some_time(s, &s->world), guest_is_upgraded, a, sim_roll(&s->world, 1000));
    for (int i = 0; s->plan.stops && i < TURNS; i++)
        sim_at(s, some_time(s, &s->world), guest_is_turned, a, sim_roll(&s->world, 1000));
}

/* ---- what goes wrong --------------------------------------------------------------- */

static void agent_ends(void *agent, uint64_t tag)
{
    struct sim_agent *a = agent;

    if (a->up && !a->sim->calm)
        sim_agent_end(a, (enum sim_end)tag);
}

static void agent_dies_soon(void *agent, uint64_t calls)
{
    struct sim_agent *a = agent;

    if (a->up)
        sim_disk_die_at(a->disk, (int64_t)calls);
}

static void hub_ends(void *hub, uint64_t tag)
{
    struct sim_hub *h = hub;

    if (h->up && !h->sim->calm)
        sim_hub_end(h, (enum sim_end)tag);
}

static void hub_dies_soon(void *hub, uint64_t calls)
{
    struct sim_hub *h = hub;

    if (h->up)
        sim_disk_die_at(h->disk, (int64_t)calls);
}

static void outage_begins(void *hub, uint64_t tag)
{
    struct sim_hub *h = hub;

    h->held_down++;
    hub_ends(h, tag);
}

static void outage_ends(void *hub, uint64_t tag)
{
    struct sim_hub *h = hub;

    (void)tag;
    if (h->held_down > 0)
        h->held_down--;
    sim_hub_boot(h, h->life);
}

static void set_trouble(void *disk, uint64_t trouble)
{
    sim_disk_trouble(disk, (enum sim_trouble)trouble);
}

static void cut(void *agent, uint64_t off)
{
    ((struct sim_agent *)agent)->cut_off = off != 0;
}

static void clear_log(void *agent, uint64_t numbers_begin_again)
{
    struct sim_agent *a = agent;

    sim_say(a->sim, "agent %d: its log is cleared", a->number);
    sim_log_clear(&a->log, numbers_begin_again != 0);
}

static void clock_jumps(void *clock, uint64_t tag)
{
    struct sim_clock *c = clock;
    int64_t by = (int64_t)(tag % 7200) * NS_PER_S;

    if (tag % 4 == 0)
        by *= 24;
    c->offset_ns += tag % 2 == 0 ? -by : by;
}

static struct sim_agent *any_agent(struct sim *s)
{
    return &s->agents[sim_roll(&s->chance, (uint64_t)s->plan.agents)];
}

/* Something begins at some time and ends at another. */
static void window(struct sim *s, void (*run)(void *arg, uint64_t tag), void *arg, uint64_t on, uint64_t off)
{
    int64_t from = some_time(s, &s->chance);

    sim_at(s, from, run, arg, on);
    sim_at(s, from + some_time(s, &s->chance) / 4, run, arg, off);
}

static void lay_out_ends(struct sim *s)
{
    for (int i = 0; i < s->plan.agent_ends; i++) {
        bool soon = sim_roll(&s->chance, 2) == 0;

        sim_at(s, some_time(s, &s->chance), soon ? agent_dies_soon : agent_ends, any_agent(s),
               soon ? 1 + sim_roll(&s->chance, DIE_CALLS) : sim_roll(&s->chance, SIM_END_COUNT));
    }
    for (int i = 0; i < s->plan.hub_ends; i++) {
        bool soon = sim_roll(&s->chance, 2) == 0;

        sim_at(s, some_time(s, &s->chance), soon ? hub_dies_soon : hub_ends, &s->hub,
               soon ? 1 + sim_roll(&s->chance, DIE_CALLS) : sim_roll(&s->chance, SIM_END_COUNT));
    }
    if (s->plan.outage) {
        int64_t from = some_time(s, &s->chance) / 4;

        sim_at(s, from, outage_begins, &s->hub, sim_roll(&s->chance, SIM_END_COUNT));
        sim_at(s, from + s->plan.span_ns / 4 * 3, outage_ends, &s->hub, 0);
    }
}

static void lay_out_trouble(struct sim *s)
{
    for (int i = 0; i < s->plan.partitions; i++)
        window(s, cut, any_agent(s), 1, 0);
    for (int i = 0; i < s->plan.full_disks; i++)
        window(s, set_trouble, any_agent(s)->disk, SIM_DISK_FULL, SIM_DISK_GOOD);
    for (int i = 0; i < s->plan.failing_disks; i++)
        window(s, set_trouble, any_agent(s)->disk, SIM_DISK_FAILING, SIM_DISK_GOOD);
    for (int i = 0; i < s->plan.hub_troubles; i++)
        window(s, set_trouble, s->hub.disk, 1 + sim_roll(&s->chance, 2), SIM_DISK_GOOD);
    for (int i = 0; i < s->plan.clock_jumps; i++)
        sim_at(s, some_time(s, &s->chance), clock_jumps,
               sim_roll(&s->chance, 4) == 0 ? &s->hub.clock : &any_agent(s)->clock, sim_roll(&s->chance, 1 << 20));
    for (int i = 0; i < s->plan.clears; i++)
        sim_at(s, some_time(s, &s->chance), clear_log, any_agent(s), sim_roll(&s->chance, 2));
}

void sim_plan_lay_out(struct sim *s)
{
    for (int i = 0; i < s->plan.agents; i++)
        lay_out_host(s, &s->agents[i]);
    lay_out_ends(s);
    lay_out_trouble(s);
}
