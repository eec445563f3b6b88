/* What the files of a source's driver share: source_driver.c (life, steps,
 * commits), driver_state.c (what it says of itself), driver_wait.c (when it goes
 * on).  Nobody else. */
#ifndef AGENT_DRIVER_PARTS_H
#define AGENT_DRIVER_PARTS_H

#include "agent/source_driver.h"

enum driver_phase { LOADING, GATE, STEPPING, APPENDING, RETRYING, WAITING, ENDED };

enum { DRIVER_PROBLEM_MAX = 256 };

struct source_driver {
    const struct driver_env *env;
    struct driver_options options;
    enum driver_phase phase;

    uv_timer_t timer;    /* WAITING and RETRYING */
    uv_timer_t deadline; /* STEPPING */
    uv_fs_event_t watch;
    uv_work_t work;
    bool watching;
    struct gate_ticket ticket;

    struct obs_batch batch;
    struct source_step step;
    struct buf mark; /* as committed */
    bool loaded;     /* mark has been read */
    int step_rc;
    struct err step_err;
    bool save_mark; /* the new mark goes along with the batch */
    struct store_appended appended;
    struct store_stats stats;
    bool stats_good;
    int append_rc;
    struct err append_err;

    int events_max;
    int failures;        /* of steps, in a row */
    int append_failures; /* in a row */
    int notices;         /* on their way to the store */
    bool nudged;         /* while something was under way */
    bool reloaded;       /* the same, by a reload */
    int64_t watched_ns;  /* source_driver_watched() */
    bool step_watched;   /* since before the last step */
    int64_t begun_ns;    /* monotonic: the last step */
    int64_t hurry_event_ns, hurry_apart_ns;
    bool stopping, abandoned;
    void (*ended)(void *arg);
    void *ended_arg;
    int open_handles;

    /* Evidence. */
    bool started, caught_up;
    enum stream_state state;
    char problem[DRIVER_PROBLEM_MAX], remedy[DRIVER_PROBLEM_MAX];
    int64_t beat_ns; /* the source's interval, as of its last step */
    int64_t life_ns, step_since_ns, last_event_ns, last_commit_ns, lag_records, observations, skipped;
};

int64_t driver_mono(const struct source_driver *d);
int64_t driver_wall(const struct source_driver *d);

/* ---- source_driver.c ---- */

void driver_begin_step(struct source_driver *d);
void driver_submit_append(struct source_driver *d);
void driver_submit_load(struct source_driver *d);
void driver_end_if_idle(struct source_driver *d);

/* ---- driver_state.c ---- */

/* Takes the step's outcome, or that it does not end, in as the source's state;
 * true when it is another than before and has to be told. */
bool driver_judge_step(struct source_driver *d);
bool driver_judge_hung(struct source_driver *d);

/* What a good step proves; found: it made observations. */
void driver_note_evidence(struct source_driver *d, bool found);

/* The state as an observation, in the batch of the step it came with. */
void driver_describe_state(const struct source_driver *d, struct obs_batch *batch);

/* The same, committed by itself: while a hung step holds the batch, or when that is full. */
void driver_send_notice(struct source_driver *d);

/* One log line. */
void driver_log_state(const struct source_driver *d);

/* ---- driver_wait.c ---- */

/* Waits for the next step, or for the store when a commit or a load has failed. */
void driver_wait_for_next(struct source_driver *d);
void driver_retry_store_later(struct source_driver *d);

/* Changes of the source's path hurry the next step from now on. */
void driver_watch_files(struct source_driver *d);

#endif
