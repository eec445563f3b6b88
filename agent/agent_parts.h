/* What agent.c, agent_reload.c and agent_answers.c share.  Nobody else. */
#ifndef AGENT_AGENT_PARTS_H
#define AGENT_AGENT_PARTS_H

#include "agent/agent.h"
#include "agent/enrolment.h"
#include "agent/health.h"
#include "agent/host_watch.h"
#include "agent/source_set.h"
#include "agent/status_server.h"
#include "agent/uplink.h"

/* How the last reload went. */
struct reload_report {
    int64_t loaded_ns; /* wall: when the settings in force were read */
    int64_t tried_ns;  /* wall: the last reload; 0 never */
    bool refused;
    struct buf problems;               /* lines */
    struct config_list restart_needed; /* keys whose new values wait for a restart */
};

struct reload_job;

struct agent {
    struct agent_options options;
    struct agent_config *config; /* in force */
    char *config_path;

    struct resource resource;
    struct store_worker *worker;
    struct source_set *sources;
    struct uplink *uplink;
    struct enrolment *enrolment;
    struct status_server *server;
    struct host_watch *host_watch; /* NULL: captures are followed */

    struct store_stats stats; /* newest seen */
    char store_problem[256];
    int64_t last_drop_ns;    /* monotonic */
    int64_t unsent_since_ns; /* monotonic */
    uint64_t acked_seen;
    int64_t started_ns; /* wall */
    bool recovered;

    struct reload_report report;
    struct reload_job *reload;                             /* under way */
    bool reload_again;                                     /* asked for once more meanwhile */
    struct status_client *waiting[STATUS_CLIENTS_MAX * 2]; /* who asked for the reload */
    int waiting_count;

    bool stopping, uplink_stopping, reopen, abandoned;
    enum agent_end end;
    uv_timer_t stop_timer;
};

/* agent_answers.c */
void agent_answer(void *agent, const char *line, size_t len, struct status_client *from);

/* agent_reload.c.  from may be NULL; it gets the outcome. */
void agent_reload_for(struct agent *a, struct status_client *from);

/* The reload under way is left to finish for itself. */
void agent_reload_leave(struct agent *a);

/* agent_host.c: looking again at what this host says of itself. */
MUST_USE int agent_host_start(struct agent *a, struct err *e);
void agent_host_nudge(struct agent *a);
void agent_host_stop(struct agent *a);

/* agent.c: "" in the settings becomes this system's place. */
void agent_resolve_paths(struct agent_config *c);

/* agent.c: what the hub's settings are with the agent's own certificate; as uplink_configure(). */
int agent_configure_hub(struct agent *a, const struct agent_config_hub *hub, struct err *e);

/* agent.c */
int64_t agent_mono(const struct agent *a);
int64_t agent_wall(const struct agent *a);

#endif
