/* A whole agent on a loop of the test's own, with a scripted source and a hub
 * that lives in memory. */
#ifndef TESTS_AGENT_SUPPORT_AGENT_H
#define TESTS_AGENT_SUPPORT_AGENT_H

#include "agent/agent.h"
#include "base/buf.h"

#include <jansson.h>
#include <stdatomic.h>

/* A source with `total` events; the mark is how many were taken. */
struct scripted {
    struct source base; /* first */
    atomic_int total;
    atomic_int fail;  /* the next steps that fail */
    atomic_int state; /* enum stream_state to report */
    atomic_bool hang; /* a step waits while this is set */
    atomic_int steps;
    atomic_int lag; /* what to report */
    bool big;       /* more than one event a step is over the batch's ceiling */
};
void scripted_init(struct scripted *s, const char *name, int total);

enum {
    HUB_SEQS_MAX = 200000,
    RIG_SOURCES = 8,
    RIG_PATIENCE_S = 120, /* what has not come about by then never will, on the slowest machine */
};

/* The hub: what came in, how often each number. */
struct memory_hub {
    int status; /* to answer with; 200 */
    int posts, clients_open, clients_made;
    int refuse_client; /* the next clients that cannot be made */
    unsigned char seen[HUB_SEQS_MAX];
    uint64_t highest;
    char agent_id[GUID_TEXT_MAX];
    char url[CONFIG_TEXT_MAX];
};
extern struct memory_hub hub; /* one a test; rig_init() empties it */

struct rig {
    uv_loop_t loop;
    struct agent_config *config;
    struct agent_options options;
    struct agent *agent;
    struct source *sources[RIG_SOURCES];
    size_t source_count;
    struct clock clock;
    atomic_llong ahead_ns; /* of the real clocks */
    bool ended;
    char dir[512];
    char config_path[600];
};

/* A folder, settings with store and socket in it, a loop; nothing started. */
void rig_init(struct rig *r);
void rig_add(struct rig *r, struct scripted *s);
/* Starts, or says why not. */
int rig_start(struct rig *r, struct err *e);
/* Runs the loop until yes(arg), or fails the test after RIG_PATIENCE_S. */
void rig_until(struct rig *r, bool (*yes)(void *arg), void *arg);
/* Runs the loop for so many milliseconds, in which something must not happen.  Nothing that
 * must happen may be looked for afterwards: a slow machine has not come to it yet. */
void rig_for(struct rig *r, int ms);
/* Stops and checks that it ended this way. */
void rig_stop(struct rig *r, enum agent_end expected);
/* Closes the loop; the agent has ended or was never started. */
void rig_free(struct rig *r);

/* Asks the running agent over its socket; the parsed answer is the caller's. */
json_t *rig_ask(struct rig *r, const char *request);

/* Asks for the status until it has this value at path ("sources.0.state"): a string, a number, true,
 * false, null, or of a list how long it is.  The status is the caller's. */
json_t *rig_status_when(struct rig *r, const char *path, const char *value);

/* The agent's clocks are so much ahead from now on. */
void rig_move_clock(struct rig *r, int64_t ns);

/* Walks "a.b.2.c" into json; fails the test where there is nothing. */
const json_t *at(const json_t *json, const char *path);

/* True once the memory hub has seen every number up to *(int *)arg; once a source was asked at all. */
bool hub_has_all(void *arg);
bool scripted_has_stepped(void *arg);

#endif
