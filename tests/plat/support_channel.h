/* A channel_log in memory, whose records, troubles and signals a test writes,
 * and a sink that remembers what it was given. */
#ifndef TESTS_PLAT_SUPPORT_CHANNEL_H
#define TESTS_PLAT_SUPPORT_CHANNEL_H

#include "plat/event_channel.h"

enum fake_call { ON_INFO, ON_RECORD_TIME, ON_SUBSCRIBE, ON_ARM, ON_NEXT, ON_RECORD, ON_RENDER, ON_BOOKMARK, ON_COUNT };

enum { FAKE_RECORDS = 20000, FAKE_GAPS = 16, FAKE_TEXT = 64 };

struct fake_log {
    struct channel_log log;
    uint64_t oldest, next_id; /* records oldest..next_id-1 exist */
    uint64_t created;
    uint64_t time_base; /* a record's time is time_base + id */
    bool counts_past;   /* the count the log tells is too small */
    int every;          /* only ids that divide by it match the query; 1 all */

    enum channel_answer answer[ON_COUNT]; /* scripted: for the next `times` calls after `after` */
    int times[ON_COUNT], after[ON_COUNT];
    int batch_limit;     /* more than that in one call: CHANNEL_TOO_LARGE, and the cursor moves */
    uint64_t unreadable; /* that record can not be rendered */

    bool subscribed, armed;
    uint64_t cursor; /* last id that was passed */
    uint64_t batch[CHANNEL_BATCH_MAX];
    int batch_count;
    int calls[ON_COUNT], resets;
    int largest_batch;                       /* asked for, since it was set to 0 */
    uint64_t subscribed_after;               /* 0: from the oldest */
    void (*during_next)(struct fake_log *f); /* called before a batch is made; NULL */
    char xml[FAKE_TEXT];
    bool closed;
};

void fake_init(struct fake_log *f, uint64_t oldest, uint64_t newest);
/* The next calls of that kind answer so. */
void fake_fail(struct fake_log *f, enum fake_call on, enum channel_answer answer, int times);

struct taken {
    uint64_t ids[FAKE_RECORDS];
    int count;
    struct {
        char reason[FAKE_TEXT], from[FAKE_TEXT], to[FAKE_TEXT];
    } gaps[FAKE_GAPS];
    int gap_count;
};

/* A stream over a fake log, with the mark a store would have. */
struct channel_rig {
    struct fake_log log;
    struct event_stream *stream;
    struct taken taken;
    struct buf mark;
    struct stream_report report;
};

void rig_open(struct channel_rig *r, uint64_t oldest, uint64_t newest, bool is_filtered);
/* One read of at most max_events; the new mark is committed. */
void rig_read(struct channel_rig *r, int max_events);
/* Reads until there is nothing more. */
void rig_read_all(struct channel_rig *r);
/* As a program that ends and starts: the stream is closed and made anew over the same log. */
void rig_restart(struct channel_rig *r, bool is_filtered);
void rig_forget_taken(struct channel_rig *r);
void rig_close(struct channel_rig *r);
/* The ids taken are from, from+1 ... to, and nothing else. */
void rig_assert_took(const struct channel_rig *r, uint64_t from, uint64_t to);
void rig_assert_gap(const struct channel_rig *r, const char *reason, const char *from, const char *to);

#endif
