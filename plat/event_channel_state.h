/* What an event channel's stream decides by: the classes of answers, the mark, and
 * whether records are gone.  Pure: no system calls, no memory but the caller's.
 *
 * The mark is "chan1 GENERATION CREATED ID TIME SEEN BOOKMARK": numbers in
 * hexadecimal, and the rest is the service's own bookmark (may be empty).
 *
 *   GENERATION  how often the log was found cleared, since the first read
 *   CREATED     creation time of the log's file; 0 not known
 *   ID, TIME    of the last record that was taken; 0 none yet
 *   SEEN        every record up to this number was taken or did not match the
 *               query: what is gone below it is no loss
 *
 * Record numbers may begin again when a log is cleared (windows.md 4.3), and a
 * cleared log may keep its file.  So a log counts as the same one when the record
 * of that ID has that TIME, and numbers decide only when the record is gone.
 */
#ifndef PLAT_EVENT_CHANNEL_STATE_H
#define PLAT_EVENT_CHANNEL_STATE_H

#include "base/buf.h"
#include "base/error.h"
#include "plat/event_stream.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHANNEL_BATCH_MAX = 64 }; /* records of one call */
enum { CHANNEL_BOOKMARK_MAX = 8192, CHANNEL_MARK_MAX = CHANNEL_BOOKMARK_MAX + 256 };

/* Classes of answers: what to do.  plat/win/evt_errors.c has the codes. */
enum channel_answer {
    CHANNEL_OK,
    CHANNEL_DRAINED,     /* nothing more right now */
    CHANNEL_TOO_LARGE,   /* the records of one call were too many bytes; some were passed over: subscribe again */
    CHANNEL_STALE,       /* the subscription is dead (log cleared, gone round): subscribe again */
    CHANNEL_MARK_GONE,   /* the bookmark's record is not there, or no longer matched */
    CHANNEL_MISSING,     /* no such channel */
    CHANNEL_BAD_QUERY,   /* will not become better by itself */
    CHANNEL_DIRECT,      /* analytic or debug channel */
    CHANNEL_DENIED,      /* access */
    CHANNEL_NO_METADATA, /* publisher or message unknown; the record itself is there */
    CHANNEL_AWAY,        /* the service does not answer, or starts again */
    CHANNEL_DISABLED,    /* the service is switched off */
    CHANNEL_FAILED,      /* anything else */
    CHANNEL_ANSWER_COUNT
};

/* A log as it is now.  Numbers of its records are without holes. */
struct channel_info {
    uint64_t oldest;  /* number of the oldest record; 0 not known, or none */
    uint64_t count;   /* of records */
    uint64_t created; /* FILETIME of its file; 0 not known */
};

struct channel_record {
    uint64_t id;
    uint64_t time; /* FILETIME */
};

struct channel_mark {
    uint64_t generation, created, id, time, seen;
    char bookmark[CHANNEL_BOOKMARK_MAX]; /* "" none */
};

/* False, and *out zero, when text is no mark.  "" is the mark before the first read. */
bool channel_mark_parse(const char *text, struct channel_mark *out);
/* Appends. */
void channel_mark_write(const struct channel_mark *m, struct buf *out);

/* What became of the record ID, TIME of the mark. */
enum channel_evidence { EVIDENCE_NONE, EVIDENCE_SAME, EVIDENCE_OTHER, EVIDENCE_GONE };

enum channel_verdict {
    CHANNEL_GO_ON,        /* after the bookmark */
    CHANNEL_GO_BY_NUMBER, /* from the oldest, past what was taken: the bookmark's record is gone, nothing else is */
    CHANNEL_WRAPPED,      /* the same, but records between were overwritten */
    CHANNEL_CLEARED,      /* the same, but records between were cleared away */
    CHANNEL_BEGUN_AGAIN,  /* cleared, and the numbers begin again: everything is new */
};

/* Changes nothing. */
enum channel_verdict channel_judge(const struct channel_mark *m, const struct channel_info *now,
                                   enum channel_evidence evidence);

/* Puts the mark where the verdict says reading goes on. */
void channel_mark_follow(struct channel_mark *m, const struct channel_info *now, enum channel_verdict verdict);

/* Number of the newest record; 0 none or not known. */
uint64_t channel_newest(const struct channel_info *now);

/* The stream's state and remedy for an answer that ends a read.  call and code
 * are put into the remedy. */
void channel_report(enum channel_answer answer, const char *call, uint32_t code, const char *channel,
                    struct stream_report *report);

/* True when subscribing again may help at once. */
bool channel_answer_is_stale(enum channel_answer answer);

#endif
