/* A fleet in one process, on a clock of its own, with everything going wrong.
 *
 * Agents (the real store, sender, channel stream, parser and rules), a hub (the real
 * decoder and fleet store) and a network between them, as events on a queue.  Time
 * moves only from event to event, all chance comes from the seed, and there are no
 * threads: a seed is a run, and the same run every time.
 *
 * Two streams of chance, so that the world is the same with and without faults: what
 * happens on the hosts (world) and what goes wrong (chance).
 *
 * What must hold is checked as it goes (sim_agent.c, sim_hub.c) and at the end
 * (sim_check.c); sim_fail() ends the process and names the seed.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "base/times.h"
#include "collectors/source.h"
#include "hub/fleet_store.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_log.h"
#include "transport/sender.h"

#define SIM_EPOCH (INT64_C(1769846400) * NS_PER_S) /* 2026-01-31T08:00:00Z */
#define SIM_HOUR  (3600 * NS_PER_S)
#define SIM_DAY   (24 * SIM_HOUR)

enum {
    SIM_AGENTS = 3,
    SIM_GUESTS = 5,
    SIM_SOURCES = 2,
    SIM_INBOX = 16,
    SIM_BODY_MAX = 4 * 1024 * 1024,
    SIM_BATCH_MAX = 4 * 1024 * 1024,
    SIM_PATH_MAX = SIM_DISK_PREFIX,
};

struct sim;

/* ---- what a seed decides ----------------------------------------------------- */

struct sim_plan {
    int agents, guests, events; /* guests and events of each agent */
    int64_t span_ns;            /* so long things happen; then all is mended and comes to rest */
    int64_t poll_ns;
    int64_t max_bytes; /* of an agent's store */
    int log_room;
    int64_t batch_count;
    enum compression compression;
    /* One in so many; 0 never. */
    int lose_request, lose_reply, twice, late, proxy_refuses;
    /* How many of each in the span. */
    int partitions, agent_ends, hub_ends, clock_jumps, clears, full_disks, failing_disks, hub_troubles;
    bool moody_log, outage, takes_state;
    bool stops; /* guests are off at times, and perhaps at the end */
};

void sim_plan_make(struct sim_plan *p, uint64_t seed);
void sim_plan_mend(struct sim_plan *p); /* the same world, and nothing goes wrong */
/* Puts what will happen, and what will go wrong, into the queue. */
void sim_plan_lay_out(struct sim *s);

/* ---- nodes ---------------------------------------------------------------------- */

struct sim_clock {
    struct clock clock;
    const struct sim *sim;
    int64_t offset_ns; /* what the wall clock is off by */
};

enum sim_end { SIM_KILLED, SIM_POWER_LOST, SIM_STOPPED, SIM_END_COUNT };

/* One source and the step of it that is under way. */
struct sim_source {
    struct source *source;
    struct source_step step;
    struct obs_batch batch;
    struct buf mark; /* as committed */
    bool save_mark;
    int64_t stepped_ns;   /* when the step was taken */
    int64_t caught_up_ns; /* when a step was taken that left nothing to read; -1 not since the start */
    int failures;         /* of its commit, in a row */
};

struct sim_agent {
    struct sim *sim;
    int number;
    struct sim_clock clock;
    struct random_source random;
    struct sim_disk *disk;
    struct sim_log log;
    struct resource resource;
    char path[SIM_PATH_MAX];
    char versions[SIM_GUESTS][32]; /* integration services of its guests */
    bool off[SIM_GUESTS];          /* they do not run */
    int polls;

    bool up, born;
    uint64_t life; /* events of an earlier one are void */
    struct store *store;
    struct sender *sender;
    bool sender_stopped;
    struct sim_source sources[SIM_SOURCES];

    struct {
        enum { SIM_OP_NONE, SIM_OP_READ, SIM_OP_READ_STATE, SIM_OP_ACK, SIM_OP_ASIDE } kind;
        uint64_t after, through;
        size_t max_count, max_bytes;
        struct store_slice *out;
        void (*done)(void *sender, int rc, const struct err *e);
        void *sender;
    } op;
    struct {
        uint64_t token; /* of the one that runs; a stop makes it void */
        void (*fire)(void *sender);
        void *sender;
    } timer;
    struct http_client http;
    struct {
        uint64_t token; /* of the request that waits for an answer; 0 none */
        void (*done)(void *arg, const struct http_reply *reply);
        void *arg;
    } post;
    bool cut_off; /* the network between it and the hub */

    /* What was promised, and must hold for ever. */
    uint64_t committed_seq, acked, told;
};

struct sim_request {
    struct sim_agent *from;
    uint64_t life, token;
    enum http_what what;
    char encoding[8];
    struct buf body;
};

struct sim_hub {
    struct sim *sim;
    struct sim_clock clock;
    struct sim_disk *disk;
    char path[SIM_PATH_MAX];
    struct fleet_store *store;
    bool up;
    int held_down; /* outages that are under way */
    uint64_t life;
    struct sim_request *inbox[SIM_INBOX];
    int waiting;
    uint64_t told_ahead; /* requests ahead of their turn, of hosts that it knew */
};

struct sim_event {
    int64_t at;
    uint64_t order;
    void (*run)(void *arg, uint64_t tag);
    void *arg;
    uint64_t tag;
};

struct sim {
    uint64_t seed;
    struct sim_plan plan;
    bool trace;
    bool perfect; /* a run without faults */
    bool calm;    /* nothing goes wrong any more */
    int64_t now;
    uint64_t world, chance; /* the two streams */
    uint64_t tokens;
    struct sim_event *queue; /* a heap */
    size_t queued, queue_cap;
    uint64_t order;
    struct sim_agent agents[SIM_AGENTS];
    struct sim_hub hub;
    const char *dir;
};

/* ---- sim.c ------------------------------------------------------------------------ */

/* Runs a seed to its end.  without_faults: the same world, mended.  The report is appended: the drift report as
 * JSON; to *ahead is added how often the hub was told state ahead of its turn.  Returns true when nothing was dropped
 * or lost on the way. */
bool sim_run(uint64_t seed, const char *dir, bool trace, bool without_faults, struct buf *report, uint64_t *ahead);

uint64_t sim_roll(uint64_t *stream, uint64_t sides); /* 0..sides-1 */
bool sim_one_in(struct sim *s, int sides);           /* never when calm, or when sides is 0 */
void sim_at(struct sim *s, int64_t at, void (*run)(void *arg, uint64_t tag), void *arg, uint64_t tag);
void sim_clock_init(struct sim_clock *c, const struct sim *s);
void sim_say(const struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3); /* when traced */
_Noreturn void sim_fail(const struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- sim_agent.c, sim_outbox.c, sim_poll.c ------------------------------------------ */

void sim_agent_init(struct sim_agent *a, struct sim *s, int number);
void sim_agent_boot(void *agent, uint64_t life);
void sim_agent_end(struct sim_agent *a, enum sim_end how);
void sim_agent_check(struct sim_agent *a); /* the promises, now */
bool sim_agent_at_rest(struct sim_agent *a, int64_t since);
void sim_agent_free(struct sim_agent *a);
void sim_agent_notice_power(struct sim_agent *a); /* after each call of the store */

int sim_sender_start(struct sim_agent *a, struct err *e);
void sim_sender_end(struct sim_agent *a);

/* What the hypervisor says of the host and its guests, once each poll_ns. */
struct source *sim_poll_new(struct sim_agent *a);
const char *sim_vm_id(const struct sim_agent *a, int guest, char *out, size_t size);

/* ---- sim_net.c ------------------------------------------------------------------------ */

void sim_net_init(struct sim_agent *a);
void sim_net_answer(struct sim *s, const struct sim_request *r, const struct http_reply *reply);
void sim_request_free(struct sim_request *r);

/* ---- sim_hub.c ------------------------------------------------------------------------ */

void sim_hub_init(struct sim_hub *h, struct sim *s);
void sim_hub_boot(void *hub, uint64_t life);
void sim_hub_end(struct sim_hub *h, enum sim_end how);
void sim_hub_take(struct sim_hub *h, struct sim_request *r); /* owns it from here on */
void sim_hub_rest(struct sim_hub *h);                        /* all upkeep, until there is none left */
void sim_hub_free(struct sim_hub *h);
struct fleet_store_options sim_hub_options(const struct sim_hub *h, const struct drift_floors *floors);

/* ---- sim_check.c ---------------------------------------------------------------------- */

/* After everything came to rest; closes the hub's store.  As sim_run(). */
bool sim_check_end(struct sim *s, struct buf *report);
/* Fails unless the two reports say the same of every guest and host, times left out. */
void sim_check_same(uint64_t seed, const struct buf *faulty, const struct buf *perfect);

#endif
