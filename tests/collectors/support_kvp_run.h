/* A KVP source over a fake stream, and the mark that was committed. */
#ifndef TESTS_COLLECTORS_SUPPORT_KVP_RUN_H
#define TESTS_COLLECTORS_SUPPORT_KVP_RUN_H

#include "collectors/kvp.h"
#include "tests/collectors/support_kvp.h"

struct kvp_run {
    struct fake_wmi wmi;
    struct source *source;
    const struct agent_config_privacy *privacy;
    char *mark;
    struct obs_batch batch;
    struct source_step step;
    int64_t now_ns, refresh_ns;
    int max_events;
    struct err e;
};

/* What a Windows guest tells. */
extern const char *const windows_items[];

void kvp_run_init(struct kvp_run *r);
/* The same with settings of which items may be known; they stay the caller's and outlive it. */
void kvp_run_init_private(struct kvp_run *r, const struct agent_config_privacy *privacy);
void kvp_run_free(struct kvp_run *r);

/* Another source with the committed mark. */
void kvp_run_restart(struct kvp_run *r);

/* One step; the batch is there until the next.  take() is a step that must
 * succeed, and its commit. */
int kvp_run_step(struct kvp_run *r);
void kvp_run_commit(struct kvp_run *r);
void kvp_run_take(struct kvp_run *r);

struct buf *kvp_run_text(struct kvp_run *r, const char *class_name);
/* The inventory of that VM in the batch; NULL when there is none. */
const struct observation *kvp_run_guest(struct kvp_run *r, unsigned n);
/* Adds a running VM with the given items. */
void kvp_run_add(struct kvp_run *r, unsigned n, const char *const *items);
void kvp_run_clear(struct kvp_run *r);
const char *kvp_value(const struct observation *o, const char *name);
/* kvp_run_init(), one VM with these items, taken; the observation about it. */
const struct observation *kvp_run_take_items(struct kvp_run *r, const char *const *items);

#endif
