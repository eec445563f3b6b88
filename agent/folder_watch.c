/* See folder_watch.h. */
#include "agent/folder_watch.h"

#include "collectors/folder_print.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct folder_watch {
    struct folder_watch_options options;
    char *dir;
    uv_mutex_t mutex;
    uv_cond_t wake;
    bool ending;
    uint64_t busy_since; /* uv_hrtime(); 0 no look is under way */

    /* The waiting thread's. */
    bool known;
    uint64_t print;
};

int folder_watch_new(struct folder_watch **out, const struct folder_watch_options *options, struct err *e)
{
    struct folder_watch *w = calloc(1, sizeof *w);

    *out = NULL;
    if (w == NULL || (w->dir = strdup(options->dir)) == NULL || uv_mutex_init(&w->mutex) != 0)
        goto no_mutex;
    if (uv_cond_init(&w->wake) != 0)
        goto no_cond;
    w->options = *options;
    w->options.dir = w->dir;
    *out = w;
    return 0;
no_cond:
    uv_mutex_destroy(&w->mutex);
no_mutex:
    if (w != NULL)
        free(w->dir);
    free(w);
    return err_set(e, ERR_MEMORY, "out of memory to watch %s", options->dir);
}

void folder_watch_free(struct folder_watch *w)
{
    if (w == NULL)
        return;
    uv_cond_destroy(&w->wake);
    uv_mutex_destroy(&w->mutex);
    free(w->dir);
    free(w);
}

void folder_watch_end(struct folder_watch *w)
{
    uv_mutex_lock(&w->mutex);
    w->ending = true;
    uv_cond_signal(&w->wake);
    uv_mutex_unlock(&w->mutex);
}

int64_t folder_watch_busy_ns(struct folder_watch *w)
{
    uint64_t since;

    uv_mutex_lock(&w->mutex);
    since = w->busy_since;
    uv_mutex_unlock(&w->mutex);
    return since != 0 ? (int64_t)(uv_hrtime() - since) : 0;
}

/* One beat, unless this is the first look; false when the watch ends. */
static bool begin_look(struct folder_watch *w)
{
    uint64_t now = uv_hrtime(), due = w->known ? now + (uint64_t)w->options.beat_ns : now;
    bool ending;

    uv_mutex_lock(&w->mutex);
    for (; !w->ending && now < due; now = uv_hrtime())
        uv_cond_timedwait(&w->wake, &w->mutex, due - now);
    ending = w->ending;
    if (!ending)
        w->busy_since = now;
    uv_mutex_unlock(&w->mutex);
    return !ending;
}

static enum folder_news look(struct folder_watch *w)
{
    bool was_known = w->known;
    uint64_t before = w->print;

    w->known = folder_print(w->options.files, w->dir, w->options.depth, &w->print, NULL) == 0;
    uv_mutex_lock(&w->mutex);
    w->busy_since = 0;
    uv_mutex_unlock(&w->mutex);
    if (!w->known)
        return FOLDER_UNKNOWN;
    if (!was_known)
        return FOLDER_FIRST_LOOK;
    return w->print == before ? FOLDER_SAME : FOLDER_CHANGED;
}

enum folder_news folder_watch_wait(struct folder_watch *w)
{
    uint64_t until = uv_hrtime() + (uint64_t)w->options.most_ns;
    enum folder_news news = FOLDER_SAME;

    do {
        if (!begin_look(w))
            break;
        news = look(w);
    } while (news == FOLDER_SAME && uv_hrtime() < until);
    return news;
}
