/* See host_watch.h.
 *
 *   WAITING --timer--> READING --done--> WAITING
 *                         |
 *                      deadline: said once, and waited on
 *
 * A fact that could not be read is no news.  That the host has left its cluster
 * looks the same as a cluster that does not answer, so it takes two readings in a row.
 */
#include "agent/host_watch.h"

#include "base/log.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_MAX = 16 * 1024 };

struct host_watch {
    struct host_watch_options options;
    struct resource facts; /* as last told */
    uv_timer_t timer;
    uv_timer_t deadline;
    int handles;
    uv_work_t work;
    bool reading, closed;
    bool nudged;       /* while a reading was under way */
    bool cluster_away; /* the last reading found no cluster */

    /* The reading's own, until it is done. */
    struct resource read;
    struct buf problems;
    struct err err;
    int rc;
    char *told; /* the problems that were logged last */
};

static void on_timer(uv_timer_t *timer);

/* ---- taking in ---- */

/* True when fact was something else. */
static bool take(char *fact, size_t size, const char *read)
{
    if (read[0] == '\0' || strcmp(fact, read) == 0)
        return false;
    text_copy(fact, size, read);
    return true;
}

static bool take_cluster(struct host_watch *w)
{
    bool away = w->read.cluster[0] == '\0', was_away = w->cluster_away;

    w->cluster_away = away;
    if (!away || w->facts.cluster[0] == '\0' || !was_away)
        return take(w->facts.cluster, sizeof w->facts.cluster, w->read.cluster);
    w->facts.cluster[0] = '\0';
    return true;
}

static bool take_facts(struct host_watch *w)
{
    struct resource *f = &w->facts;
    const struct resource *r = &w->read;
    bool changed = take(f->host_name, sizeof f->host_name, r->host_name);

    changed = take(f->os_version, sizeof f->os_version, r->os_version) || changed;
    changed = take(f->is_win6x, sizeof f->is_win6x, r->is_win6x) || changed;
    changed = take(f->is_win5x, sizeof f->is_win5x, r->is_win5x) || changed;
    return take_cluster(w) || changed;
}

/* The same problems are told once. */
static void tell_problems(struct host_watch *w)
{
    const char *text = w->rc == 0 ? buf_text(&w->problems) : w->err.text;

    if (w->told != NULL && strcmp(w->told, text) == 0)
        return;
    if (text[0] != '\0')
        log_event(LOG_WARN, "host.facts", LOG_S("problems", text));
    free(w->told);
    w->told = strdup(text);
}

/* ---- reading ---- */

static void wait_for_next(struct host_watch *w)
{
    uv_timer_start(&w->timer, on_timer, w->nudged ? w->options.soon_ms : w->options.every_ms, 0);
    w->nudged = false;
}

static void read_work(uv_work_t *work)
{
    struct host_watch *w = work->data;

    w->rc = w->options.read(&w->read, &w->problems, &w->err);
}

static void free_watch(struct host_watch *w)
{
    buf_free(&w->problems);
    free(w->told);
    free(w);
}

static void read_done(uv_work_t *work, int status)
{
    struct host_watch *w = work->data;

    w->reading = false;
    if (w->closed) {
        if (w->handles == 0)
            free_watch(w);
        return;
    }
    assert(status == 0);
    (void)status;
    uv_timer_stop(&w->deadline);
    tell_problems(w);
    if (w->rc == 0 && take_facts(w))
        w->options.changed(w->options.arg, &w->facts);
    wait_for_next(w);
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    log_event(
        LOG_WARN, "host.facts", LOG_S("problems", "the host does not say what it is: the cluster's service may hang"),
        LOG_S("remedy", "nothing is lost: the facts as they were known go on counting; look at the service ClusSvc"));
}

static void on_timer(uv_timer_t *timer)
{
    struct host_watch *w = timer->data;
    int rc;

    assert(!w->reading);
    w->reading = true;
    memset(&w->read, 0, sizeof w->read);
    buf_clear(&w->problems);
    uv_timer_start(&w->deadline, on_deadline, w->options.hung_ms, 0);
    rc = uv_queue_work(w->options.loop, &w->work, read_work, read_done);
    assert(rc == 0);
    (void)rc;
}

void host_watch_nudge(struct host_watch *w)
{
    if (w->reading)
        w->nudged = true;
    else if (uv_timer_get_due_in(&w->timer) > w->options.soon_ms)
        uv_timer_start(&w->timer, on_timer, w->options.soon_ms, 0);
}

/* ---- beginning and end ---- */

int host_watch_new(struct host_watch **out, const struct host_watch_options *options, struct err *e)
{
    struct host_watch *w = calloc(1, sizeof *w);

    *out = NULL;
    if (w == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    w->options = *options;
    w->facts = *options->facts;
    w->told = strdup(options->problems);
    buf_init(&w->problems, PROBLEMS_MAX);
    uv_timer_init(options->loop, &w->timer);
    uv_timer_init(options->loop, &w->deadline);
    w->handles = 2;
    w->timer.data = w->deadline.data = w->work.data = w;
    uv_timer_start(&w->timer, on_timer, options->first_ms, 0);
    *out = w;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct host_watch *w = handle->data;

    if (--w->handles == 0 && !w->reading)
        free_watch(w);
}

bool host_watch_close(struct host_watch *w)
{
    bool left;

    if (w == NULL)
        return false;
    w->closed = true;
    left = w->reading && uv_cancel((uv_req_t *)&w->work) != 0;
    uv_close((uv_handle_t *)&w->timer, on_closed);
    uv_close((uv_handle_t *)&w->deadline, on_closed);
    return left;
}
