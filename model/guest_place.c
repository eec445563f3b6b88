/* See guest_place.h.
 *
 * Each host has one place, with the newest time it saw the guest and the newest
 * time it missed it.  A host has the guest when it saw it after it last missed
 * it.  Of the hosts that have it, it is on the one that saw it last; one that
 * saw it long before somebody else did (more than the skew of two clocks) lost
 * it to that one, even when nobody told us.  With no host left the guest is
 * removed.  All of this is computed from newest times alone, so the order in
 * which they became known does not matter.
 */
#include "model/guest_place.h"

#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <string.h>

static int64_t newest(const struct guest_place *p)
{
    return p->seen > p->removed ? p->seen : p->removed;
}

/* Which of two places gives way to a third: the one with the older news. */
static bool gives_way(const struct guest_place *a, const struct guest_place *b)
{
    int64_t x = newest(a), y = newest(b);

    return x != y ? x < y : strcmp(a->host_id, b->host_id) < 0;
}

static bool is_free(const struct guest_place *p)
{
    return p->host_id[0] == '\0';
}

/* Keeps the places in order of host id, free ones at the end. */
static void sort(struct guest_place places[GUEST_PLACES])
{
    for (int i = 1; i < GUEST_PLACES; i++) {
        struct guest_place p = places[i];
        int j = i;

        for (; j > 0 && !is_free(&p) && (is_free(&places[j - 1]) || strcmp(places[j - 1].host_id, p.host_id) > 0); j--)
            places[j] = places[j - 1];
        places[j] = p;
    }
}

/* Puts news into the place of its host, made when there is none. */
static void put(struct guest *g, const struct guest_place *news)
{
    struct guest_place *oldest = &g->places[0];

    for (int i = 0; i < GUEST_PLACES; i++) {
        struct guest_place *p = &g->places[i];

        if (strcmp(p->host_id, news->host_id) == 0) {
            p->running = news->seen > p->seen ? news->running : p->running || (news->seen == p->seen && news->running);
            p->seen = news->seen > p->seen ? news->seen : p->seen;
            p->arrived = news->arrived > p->arrived ? news->arrived : p->arrived;
            p->removed = news->removed > p->removed ? news->removed : p->removed;
            return;
        }
        if (is_free(p) || gives_way(p, oldest)) /* what is before one in use is in use */
            oldest = p;
    }
    if (is_free(oldest) || gives_way(oldest, news)) {
        *oldest = *news;
        sort(g->places);
    }
}

static struct guest_place news_of(const char *host_id)
{
    struct guest_place p = { .seen = 0 };

    text_copy(p.host_id, sizeof p.host_id, host_id);
    return p;
}

void guest_place_seen(struct guest *g, const char *host_id, int64_t t, bool running)
{
    struct guest_place p = news_of(host_id);

    p.seen = t;
    p.running = running;
    if (!is_free(&p))
        put(g, &p);
}

void guest_place_arrived(struct guest *g, const char *host_id, int64_t t)
{
    struct guest_place p = news_of(host_id);

    p.seen = p.arrived = t;
    p.running = true;
    if (!is_free(&p))
        put(g, &p);
}

void guest_place_removed(struct guest *g, const char *host_id, int64_t t)
{
    struct guest_place p = news_of(host_id);

    p.removed = t;
    if (!is_free(&p))
        put(g, &p);
}

/* Whether the guest is rather on a than on b; what was seen last counts, and
 * at the same time where it runs. */
static bool rather(const struct guest_place *a, const struct guest_place *b)
{
    if (a->seen != b->seen)
        return a->seen > b->seen;
    return a->running != b->running ? a->running : strcmp(a->host_id, b->host_id) > 0;
}

bool guest_place_settle(struct guest *g)
{
    const struct guest_place *last = NULL, *on = NULL;
    char before[HOST_ID_MAX];
    bool was_removed = g->removed;

    for (int i = 0; i < GUEST_PLACES && !is_free(&g->places[i]); i++) {
        if (last == NULL || rather(&g->places[i], last))
            last = &g->places[i];
    }
    if (last == NULL)
        return false;
    for (int i = 0; i < GUEST_PLACES && !is_free(&g->places[i]); i++) {
        const struct guest_place *p = &g->places[i];

        if (p->seen > p->removed && p->seen >= last->seen - GUEST_SKEW_S * NS_PER_S && (on == NULL || rather(p, on)))
            on = p;
    }
    g->removed = on == NULL;
    g->removed_time = on == NULL ? last->removed : 0;
    if (on == NULL)
        on = last;
    memcpy(before, g->host_id, sizeof before);
    text_copy(g->host_id, sizeof g->host_id, on->host_id);
    g->host_time = on->seen;
    g->host_since = on->arrived > on->removed ? on->arrived : 0;
    return g->removed != was_removed || strcmp(before, g->host_id) != 0;
}
