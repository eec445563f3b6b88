/* The parts of `hvagent capture`: what the live sources of this host say goes
 * into the folders of a bundle (docs/bundle.md).  A part that can not be had is
 * told and counted, and the others go on.
 *
 * One thread, which may block.
 */
#ifndef AGENT_CAPTURE_H
#define AGENT_CAPTURE_H

#include "agent/capture_names.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/host.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct capture {
    const char *dir;             /* the bundle's folder */
    struct capture_names *names; /* NULL: names stay */
    bool progress;               /* stderr is a terminal */
    int failures;
    int classes, channels; /* written so far */
};

/* kvp/<Class>.xml for every class that answers; *taken_at when, or as it was. */
void capture_kvp(struct capture *c, int64_t *taken_at);

/* events/<channel>.evtx for every channel that exists; .xml without names, or
 * where the system can not export. */
void capture_channels(struct capture *c);

/* host.yaml's text, appended.  With names, stand-ins for the host and the
 * cluster, and no host id. */
void capture_host_text(const struct resource *facts, int64_t captured_at, struct capture_names *names, struct buf *out);

/* A line on stderr, and one failure more. */
void capture_failed(struct capture *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What is being done, where somebody looks. */
void capture_progress(struct capture *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A new file <dir>/<folder>/<name>, and its end: NULL or false after
 * capture_failed(). */
FILE *capture_create(struct capture *c, const char *folder, const char *name);
bool capture_finish(struct capture *c, FILE *f, const char *name);

#endif
