/* What source_group.c and group_watch.c share.  Nobody else. */
#ifndef AGENT_GROUP_PARTS_H
#define AGENT_GROUP_PARTS_H

#include "agent/source_group.h"

/* ---- source_group.c ---- */

/* A job on a worker thread, one at a time; done on the loop. */
void group_start_work(struct group *g, uv_work_cb work, uv_after_work_cb done);

/* Looks for new sources on a worker thread, then runs on. */
void group_rescan(struct group *g);

/* ---- group_watch.c ---- */

/* A worker thread watches the bundle's folder from now on and the sources are told of changes; false
 * when there is none to spare, or no memory: then they have to be polled. */
bool group_watch_begin(struct group *g);

/* The thread comes back, if no disk holds it. */
void group_watch_end(struct group *g);
void group_watch_free(struct group *g);

#endif
