/* Is the agent doing its work?  Computed from evidence, never from the absence
 * of an error: last event, lag, last good step, last commit, last acknowledgement.
 *
 *   ok        every source shows life, what is collected is committed and sent
 *   degraded  something is missing or late; collecting goes on
 *   failed    nothing is committed, nothing is collected, or the hub refuses us
 *
 * A source shows life when a step takes something, or when a step succeeds and
 * the source knows that nothing is left to take (lag_records 0, or a kind of
 * source for which a good look is proof: a folder, a WMI poll).  A source that has
 * shown no life for status.silent_after, and its own beat besides, is silent, and the state is degraded,
 * with nobody having reported an error.
 *
 * Pure: no clock of its own, no store, no logging.  Ages are of the monotonic
 * clock; wall times are only shown.
 */
#ifndef AGENT_HEALTH_H
#define AGENT_HEALTH_H

#include "plat/event_stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum health_state { HEALTH_OK, HEALTH_DEGRADED, HEALTH_FAILED };
const char *health_state_name(enum health_state s); /* ok, degraded, failed */

/* One source, as its driver has seen it.  Texts are "" where there is nothing. */
struct health_source {
    const char *name;
    enum stream_state state; /* as the last step reported it */
    bool may_be_absent;      /* no trouble when it does not exist: the host's own dump folders */
    bool started;            /* a first step has ended */
    const char *problem;     /* why the last step failed */
    const char *remedy;
    int64_t last_event_ns;  /* wall: time of the newest event taken; 0 none */
    int64_t last_commit_ns; /* wall; 0 none by this process */
    int64_t life_ns;        /* monotonic: the last proof of life, or when the driver was made */
    int64_t beat_ns;        /* how long it waits by itself between two looks; 0 not known */
    int64_t step_since_ns;  /* monotonic: a step is under way since; 0 none */
    int64_t lag_records;    /* -1 not known */
    bool caught_up;         /* the last step found nothing more, and all it took is committed */
    int64_t observations;   /* committed by this process */
    int64_t skipped;        /* records of nobody's business */
};

struct health_store {
    const char *problem; /* the last append failed for this reason; "" */
    const char *remedy;
    int64_t busy_ns; /* how long the running job has been at it */
    uint64_t bytes, bytes_max;
    int64_t last_drop_ns; /* monotonic: something had to go for the bound; 0 never */
};

struct health_transport {
    bool configured;     /* hub.url is set */
    bool refused;        /* 401, 403, or a certificate that will not do */
    int failures;        /* in a row */
    const char *problem; /* "" */
    const char *remedy;
    int64_t unsent_since_ns; /* monotonic: the outbox has not been empty, and nothing was acknowledged, since; 0 */
};

/* The agent's own certificate (enrolment.h). */
struct health_identity {
    bool wanted;         /* hub.enroll_token_file is set */
    bool good;           /* there is one that holds */
    const char *problem; /* why none, or no newer one, could be had; "" */
};

struct health_input {
    int64_t now_ns; /* monotonic */
    int64_t silent_after_ns;
    const struct health_source *sources;
    size_t source_count;
    struct health_store store;
    struct health_transport transport;
    struct health_identity identity;
    int config_problems; /* of a reload that was refused */
};

enum { HEALTH_REASONS_MAX = 32, HEALTH_TEXT_MAX = 512, HEALTH_ABOUT_MAX = 128 };

struct health_reason {
    enum health_state weight;
    char about[HEALTH_ABOUT_MAX]; /* "source HV01/kvp", "store", "hub", "config" */
    char text[HEALTH_TEXT_MAX];
    char remedy[HEALTH_TEXT_MAX]; /* "" nothing to do */
};

struct health {
    enum health_state state;
    int reason_count; /* heaviest first */
    int left_out;     /* reasons that did not fit */
    struct health_reason reasons[HEALTH_REASONS_MAX];
};

void health_evaluate(const struct health_input *in, struct health *out);

#endif
