/* One look into a dump file: is it all there, and what is it? */
#ifndef COLLECTORS_DUMPS_LOOK_H
#define COLLECTORS_DUMPS_LOOK_H

#include "collectors/dumps_known.h"
#include "collectors/dumps_walk.h"
#include "model/observation.h"
#include "triage/dump_header.h"

enum { DUMPS_PROBLEM_MAX = 256 };

enum dumps_readiness {
    DUMPS_READY,   /* the verdict stands */
    DUMPS_WAIT,    /* it may still be written; if it is not, the verdict stands */
    DUMPS_CHANGED, /* it is no longer the file that was found: gone or grown */
};

struct dumps_look {
    enum dumps_readiness readiness;
    enum dumps_verdict verdict;
    char problem[DUMPS_PROBLEM_MAX]; /* in words; "" with DUMPS_OK */
    bool has_header;
    struct dump_header header;
    uint64_t dump; /* hash of the first 8 KiB and the size */
};

/* hyperv.md D, completion test: nobody writes it, the header is there, the
 * file is as long as the header says and does not end in a hole.  That it stands
 * still is the caller's to see. */
void dumps_look(const struct files *files, const struct dumps_file *file, struct dumps_look *out);

struct dumps_reading;

/* hyperv.guest.dump; reading: of a dump that was read for its verdict, else NULL.  The VM is the folder below the
 * watched one when its name is a GUID, else a file name that begins with one, else the owner's security identifier (NT
 * VIRTUAL MACHINE\GUID), else the folder's name as a VM's name. */
void dumps_report(struct obs_batch *b, const struct dumps_file *file, const struct dumps_look *look,
                  const struct dumps_reading *reading, int64_t now_ns);

#endif
