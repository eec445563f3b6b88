/* See sim_log.h. */
#include "tests/sim/sim_log.h"

#include "base/times.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOOD_ONE_IN = 15, FILETIME_1970_DAYS = 134774 };

/* One subscription. */
struct reader {
    struct channel_log base;
    struct sim_log *log;
    bool subscribed;
    int cursor; /* index of the next record */
    int batch[CHANNEL_BATCH_MAX], batch_count;
    int clears; /* of the log, when it was subscribed to */
    char xml[SIM_XML_MAX];
};

static struct reader *of(struct channel_log *log)
{
    return (struct reader *)log;
}

static struct channel_result say(enum channel_answer answer)
{
    return (struct channel_result){ answer, 1, "sim" };
}

static enum channel_answer mood(struct sim_log *l)
{
    static const enum channel_answer moods[] = { CHANNEL_AWAY, CHANNEL_STALE, CHANNEL_FAILED, CHANNEL_TOO_LARGE };
    uint64_t x = *l->chance = *l->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    x >>= 33;
    return l->moody && x % MOOD_ONE_IN == 0 ? moods[x / MOOD_ONE_IN % (sizeof moods / sizeof moods[0])] : CHANNEL_OK;
}

static uint64_t filetime(int64_t ns)
{
    return (uint64_t)(ns / 100) + (uint64_t)FILETIME_1970_DAYS * 86400 * 10000000;
}

static uint64_t id_of(const struct sim_log *l, int i)
{
    return l->base_id + (uint64_t)(i - l->base);
}

/* The index of the record of that number, or -1. */
static int find(const struct sim_log *l, uint64_t id)
{
    int64_t i = l->base + (int64_t)(id - l->base_id);

    return id >= l->base_id && i >= l->oldest && i < l->count ? (int)i : -1;
}

/* ---- the service's calls ------------------------------------------------------- */

static struct channel_result log_info(struct channel_log *log, struct channel_info *out)
{
    const struct sim_log *l = of(log)->log;

    out->count = (uint64_t)(l->count - l->oldest);
    out->oldest = out->count > 0 ? id_of(l, l->oldest) : 0;
    out->created = l->created;
    return say(CHANNEL_OK);
}

static struct channel_result log_record_time(struct channel_log *log, uint64_t id, uint64_t *time)
{
    int i = find(of(log)->log, id);

    if (i < 0)
        return say(CHANNEL_MARK_GONE);
    *time = filetime(of(log)->log->all[i].time_ns);
    return say(CHANNEL_OK);
}

static struct channel_result log_subscribe(struct channel_log *log, const char *bookmark)
{
    struct reader *r = of(log);
    enum channel_answer answer = mood(r->log);
    uint64_t id;
    int i = r->log->oldest;

    if (answer != CHANNEL_OK)
        return say(answer == CHANNEL_TOO_LARGE ? CHANNEL_AWAY : answer);
    if (bookmark[0] != '\0') {
        if (sscanf(bookmark, "<b id='%" SCNu64 "'/>", &id) != 1 || find(r->log, id) < 0)
            return say(CHANNEL_MARK_GONE);
        i = find(r->log, id) + 1;
    }
    r->cursor = i;
    r->subscribed = true;
    r->batch_count = 0;
    r->clears = r->log->clears;
    return say(CHANNEL_OK);
}

static void log_unsubscribe(struct channel_log *log)
{
    of(log)->subscribed = false;
    of(log)->batch_count = 0;
}

static void log_reset(struct channel_log *log)
{
    (void)log;
}

static struct channel_result log_arm(struct channel_log *log)
{
    (void)log;
    return say(CHANNEL_OK);
}

static struct channel_result log_next(struct channel_log *log, int max, int *count)
{
    struct reader *r = of(log);
    enum channel_answer answer = mood(r->log);

    assert(r->subscribed);
    *count = r->batch_count = 0;
    if (r->clears != r->log->clears)
        return say(CHANNEL_STALE);
    if (answer == CHANNEL_TOO_LARGE && max == 1)
        answer = CHANNEL_OK;
    if (answer != CHANNEL_OK)
        return say(answer);
    if (r->cursor < r->log->oldest)
        r->cursor = r->log->oldest;
    while (r->cursor < r->log->count && r->batch_count < max && r->batch_count < CHANNEL_BATCH_MAX)
        r->batch[r->batch_count++] = r->cursor++;
    *count = r->batch_count;
    return say(r->batch_count > 0 ? CHANNEL_OK : CHANNEL_DRAINED);
}

static struct channel_result log_record(struct channel_log *log, int i, struct channel_record *out)
{
    const struct reader *r = of(log);

    out->id = id_of(r->log, r->batch[i]);
    out->time = filetime(r->log->all[r->batch[i]].time_ns);
    return say(CHANNEL_OK);
}

static struct channel_result log_render(struct channel_log *log, int i, const char **xml, size_t *len)
{
    struct reader *r = of(log);
    const struct sim_record *e = &r->log->all[r->batch[i]];
    char when[TIMES_TEXT_MAX];

    snprintf(r->xml, sizeof r->xml,
             "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider Name=\"%s\"/>"
             "<EventID>%u</EventID><Level>4</Level><TimeCreated SystemTime=\"%s\"/><EventRecordID>%" PRIu64
             "</EventRecordID><Channel>" SIM_CHANNEL "</Channel><Computer>hv</Computer></System><UserData>"
             "<VmlEventLog><VmName>%s</VmName><VmId>%s</VmId></VmlEventLog></UserData></Event>",
             e->provider, e->event_id, times_format(e->time_ns, when), id_of(r->log, r->batch[i]), e->vm_name,
             e->vm_id);
    *xml = r->xml;
    *len = strlen(r->xml);
    return say(CHANNEL_OK);
}

static struct channel_result log_bookmark(struct channel_log *log, int i, struct buf *out)
{
    const struct reader *r = of(log);

    buf_printf(out, "<b id='%" PRIu64 "'/>", id_of(r->log, r->batch[i]));
    return say(CHANNEL_OK);
}

static void log_close(struct channel_log *log)
{
    free(log);
}

static const struct channel_log_ops ops = {
    .info = log_info,
    .record_time = log_record_time,
    .subscribe = log_subscribe,
    .unsubscribe = log_unsubscribe,
    .reset = log_reset,
    .arm = log_arm,
    .next = log_next,
    .record = log_record,
    .render = log_render,
    .bookmark = log_bookmark,
    .close = log_close,
};

bool sim_log_stream(struct sim_log *l, struct event_stream **out)
{
    struct reader *r = calloc(1, sizeof *r);

    if (r == NULL)
        return false;
    r->base.ops = &ops;
    r->log = l;
    if (event_channel_new(SIM_CHANNEL, &r->base, false, out, NULL) == 0)
        return true;
    free(r);
    return false;
}

/* ---- the world's side ------------------------------------------------------------ */

void sim_log_init(struct sim_log *l, int room, uint64_t *chance)
{
    memset(l, 0, sizeof *l);
    l->base_id = 1;
    l->room = room;
    l->created = 1;
    l->chance = chance;
}

static void take_away_oldest(struct sim_log *l)
{
    struct sim_record *r = &l->all[l->oldest++];

    r->removed = true;
    r->never_met = !l->met;
}

bool sim_log_write(struct sim_log *l, struct sim_record r)
{
    if (l->count == SIM_LOG_RECORDS)
        return false;
    r.serial = (uint64_t)l->count + 1;
    r.time_ns = r.time_ns / NS_PER_S * NS_PER_S + (int64_t)r.serial * 100;
    l->all[l->count++] = r;
    if (l->count - l->oldest > l->room)
        take_away_oldest(l);
    return true;
}

void sim_log_clear(struct sim_log *l, bool numbers_begin_again)
{
    while (l->oldest < l->count)
        take_away_oldest(l);
    l->clears++;
    l->created++;
    if (!numbers_begin_again)
        return;
    l->base = l->count;
    l->base_id = 1;
}
