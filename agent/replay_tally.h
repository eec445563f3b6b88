/* What a replay counts and lists beside the fleet itself. */
#ifndef AGENT_REPLAY_TALLY_H
#define AGENT_REPLAY_TALLY_H

#include "base/buf.h"
#include "base/error.h"
#include "model/host.h"
#include "model/observation.h"

#include <jansson.h>
#include <stdbool.h>

enum replay_list { LIST_CRASHES, LIST_DUMPS, LIST_MIGRATIONS, LIST_GAPS, LIST_COUNT };

struct replay_tally {
    int64_t kinds[OBS_KIND_COUNT];
    json_t *lists[LIST_COUNT]; /* in order of time */
    int64_t left_out;          /* over REPLAY_LIST_MAX */
    json_t *storage;           /* signal: count */
    json_t *problems;
    bool failed; /* there was no memory for something: the lists are not whole */
};

bool tally_init(struct replay_tally *t);
void tally_free(struct replay_tally *t);

void tally_take(struct replay_tally *t, const struct resource *host, const struct observation *o);
void tally_problem(struct replay_tally *t, const char *source, const char *text);

/* Adds its members to report. */
/* False out of memory. */
MUST_USE bool tally_json(const struct replay_tally *t, json_t *report);
void tally_text(const struct replay_tally *t, struct buf *out);

#endif
