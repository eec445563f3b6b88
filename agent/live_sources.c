/* See live_sources.h.  A source never moves and never goes before the end: its
 * driver and the system's callback hold on to it. */
#include "agent/live_sources.h"

#include "base/text.h"
#include "base/times.h"
#include "collectors/eventlog.h"
#include "collectors/kvp.h"
#include "collectors/setup.h"
#include "plat/live.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A channel is looked at when it signals; and this often, in case it did not. */
#define LOOK_NS (30 * NS_PER_S)

enum { SEATS_MAX = 64, WMI_SEAT = 0, SETUP_SEAT = 1 };

struct live_seat {
    struct live_sources *live;
    struct source *source; /* owned */
    atomic_bool signalled;
    char channel[SOURCE_NAME_MAX]; /* "" for WMI */
};

struct live_sources {
    struct live_options options;
    struct resource facts;
    struct live_seat *seats[SEATS_MAX]; /* owned */
    size_t count;
};

/* A rescan's way through plat_live_channels(). */
struct finding {
    struct live_sources *live;
    int rc;
    struct err *e;
};

static void on_signal(void *arg)
{
    struct live_seat *seat = arg;

    atomic_store(&seat->signalled, true);
    seat->live->options.wake(seat->live->options.arg);
}

static struct live_seat *new_seat(struct live_sources *l, const char *channel)
{
    struct live_seat *seat = l->count < SEATS_MAX ? calloc(1, sizeof *seat) : NULL;

    if (seat == NULL)
        return NULL;
    seat->live = l;
    text_copy(seat->channel, sizeof seat->channel, channel);
    return seat;
}

static void keep_seat(struct live_sources *l, struct live_seat *seat)
{
    assert(seat->source != NULL && l->count < SEATS_MAX);
    l->seats[l->count++] = seat;
}

static int new_guests(struct live_sources *l, struct wmi_stream *stream, struct source **out, struct err *e)
{
    const struct live_options *o = &l->options;
    struct kvp_options kvp = { .name = "live/kvp",
                               .stream = stream,
                               .facts = &l->facts,
                               .privacy = o->privacy,
                               .files = o->files,
                               .interval_ns = o->kvp_interval_ns,
                               .refresh_ns = o->kvp_refresh_ns };

    return kvp_source_new(&kvp, out, e);
}

static int new_setup(struct live_sources *l, struct wmi_stream *stream, struct source **out, struct err *e)
{
    const struct live_options *o = &l->options;
    struct setup_options setup = { .name = "live/setup",
                                   .stream = stream,
                                   .clock = o->clock,
                                   .disks = o->disks,
                                   .interval_ns = o->setup_interval_ns,
                                   .refresh_ns = o->kvp_refresh_ns };

    return setup_source_new(&setup, out, e);
}

/* A source over a WMI stream of its own. */
static int add_wmi(struct live_sources *l, const char *const *classes,
                   int (*make)(struct live_sources *, struct wmi_stream *, struct source **, struct err *),
                   struct err *e)
{
    struct live_seat *seat = new_seat(l, "");
    struct wmi_stream *stream = NULL;
    int rc;

    if (seat == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = plat_live_wmi_stream(l->options.clock, classes, &stream, e);
    if (rc == 0)
        rc = make(l, stream, &seat->source, e);
    if (rc != 0) {
        if (stream != NULL)
            stream->ops->close(stream);
        free(seat);
        return rc;
    }
    keep_seat(l, seat);
    return 0;
}

static int add_channel(struct live_sources *l, const char *channel, struct err *e)
{
    struct live_seat *seat = new_seat(l, channel);
    struct event_stream *stream = NULL;
    char name[SOURCE_NAME_MAX];
    int rc;

    if (seat == NULL)
        return err_set(e, ERR_MEMORY, "no room for the channel %s", channel);
    snprintf(name, sizeof name, "live/%.400s", channel);
    rc = plat_live_event_stream(channel, on_signal, seat, &stream, e);
    if (rc == 0)
        rc = eventlog_source_new(name, stream, host_generation_of(l->facts.os_version), &seat->source, e);
    if (rc != 0) {
        if (stream != NULL)
            stream->ops->close(stream);
        free(seat);
        return rc;
    }
    seat->source->interval_ns = LOOK_NS;
    keep_seat(l, seat);
    return 0;
}

static bool has_channel(const struct live_sources *l, const char *channel)
{
    for (size_t i = 0; i < l->count; i++)
        if (text_casecmp(l->seats[i]->channel, channel) == 0)
            return true;
    return false;
}

static void take_channel(void *arg, const char *channel)
{
    struct finding *f = arg;

    if (f->rc == 0 && !has_channel(f->live, channel))
        f->rc = add_channel(f->live, channel, f->e);
}

int live_rescan(struct live_sources *l, struct err *e)
{
    struct finding f = { l, 0, e };
    int rc = plat_live_channels(take_channel, &f, e);

    return rc != 0 ? rc : f.rc;
}

int live_open(const struct live_options *options, struct live_sources **out, struct err *e)
{
    struct live_sources *l = calloc(1, sizeof *l);
    int rc;

    *out = NULL;
    if (l == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    l->options = *options;
    l->facts = *options->facts;
    rc = add_wmi(l, wmi_wanted_classes, new_guests, e);
    if (rc == 0)
        rc = add_wmi(l, wmi_setup_classes, new_setup, e);
    if (rc == 0)
        rc = live_rescan(l, e);
    if (rc != 0) {
        live_close(l);
        return rc;
    }
    *out = l;
    return 0;
}

size_t live_count(const struct live_sources *l)
{
    return l->count;
}

struct source *live_source(struct live_sources *l, size_t i)
{
    assert(i < l->count);
    return l->seats[i]->source;
}

bool live_look_is_life(const struct live_sources *l, size_t i)
{
    (void)l;
    return i == WMI_SEAT || i == SETUP_SEAT;
}

bool live_asks_guests(const struct live_sources *l, size_t i)
{
    (void)l;
    return i == WMI_SEAT;
}

bool live_signalled(struct live_sources *l, size_t i)
{
    assert(i < l->count);
    return atomic_exchange(&l->seats[i]->signalled, false);
}

void live_close(struct live_sources *l)
{
    for (size_t i = 0; i < l->count; i++) {
        source_close(l->seats[i]->source);
        free(l->seats[i]);
    }
    free(l);
}
