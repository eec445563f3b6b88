/* See limits_rate.h.  The table is cut into sets of a few places; an agent's name,
 * hashed with a key of this run, says which set, so that nobody can choose names that
 * push somebody else out. */
#include "hub/limits_rate.h"

#include "base/text.h"
#include "base/times.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAYS = 8,
    SETS = RATE_PLACES / WAYS,
    LATELY_S = 4,      /* those sent away count half after so long */
    AGENTS_PER_S = 20, /* how many of those come back in one second of the span */
    WAIT_MAX_S = 3600,
};

struct place {
    char agent_id[RATE_AGENT_MAX]; /* "" free */
    int64_t used;                  /* monotonic */
    int64_t credit;                /* bytes, as of `used`; at most the burst */
};

struct rate {
    pthread_mutex_t lock;
    const struct clock *clock;
    const struct random_source *random;
    int64_t bytes_per_s;
    uint64_t key;
    double refused; /* of late, as of refused_at */
    int64_t refused_at;
    struct place places[RATE_PLACES];
};

int rate_new(struct rate **out, const struct clock *clock, const struct random_source *random, struct err *e)
{
    struct rate *r = calloc(1, sizeof *r);

    if (r == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    pthread_mutex_init(&r->lock, NULL);
    r->clock = clock;
    r->random = random;
    random->fill(random, &r->key, sizeof r->key);
    *out = r;
    return 0;
}

void rate_free(struct rate *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void rate_set(struct rate *r, int64_t bytes_per_s)
{
    pthread_mutex_lock(&r->lock);
    r->bytes_per_s = bytes_per_s;
    pthread_mutex_unlock(&r->lock);
}

/* Mixes each byte through all bits (the finalizer of splitmix64). */
static uint64_t hash_of(uint64_t key, const char *text)
{
    uint64_t h = key;

    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) + 0x9e3779b97f4a7c15u;
        h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
        h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
        h ^= h >> 31;
    }
    return h;
}

static struct place *find(struct rate *r, const char *agent_id)
{
    struct place *set = &r->places[hash_of(r->key, agent_id) % SETS * WAYS];

    for (int i = 0; i < WAYS; i++) {
        if (strcmp(set[i].agent_id, agent_id) == 0)
            return &set[i];
    }
    return NULL;
}

static struct place *find_or_make(struct rate *r, const char *agent_id)
{
    struct place *p = find(r, agent_id), *set;

    if (p != NULL)
        return p;
    set = &r->places[hash_of(r->key, agent_id) % SETS * WAYS];
    p = set;
    for (int i = 1; i < WAYS; i++) {
        if (set[i].used < p->used)
            p = &set[i];
    }
    *p = (struct place){ .credit = r->bytes_per_s * RATE_BURST_S };
    text_copy(p->agent_id, sizeof p->agent_id, agent_id);
    return p;
}

/* The credit now. */
static int64_t credit_of(const struct rate *r, const struct place *p, int64_t now)
{
    int64_t full = r->bytes_per_s * RATE_BURST_S, passed = now - p->used;
    int64_t credit;

    if (passed >= WAIT_MAX_S * NS_PER_S)
        return full;
    credit = p->credit + passed / NS_PER_MS * r->bytes_per_s / 1000;
    return credit < full ? credit : full;
}

int rate_wait(struct rate *r, const char *agent_id)
{
    int64_t seconds = 0;

    pthread_mutex_lock(&r->lock);
    if (r->bytes_per_s > 0 && agent_id[0] != '\0') {
        const struct place *p = find(r, agent_id);
        int64_t credit = p != NULL ? credit_of(r, p, r->clock->monotonic_ns(r->clock)) : 0;

        if (credit < 0)
            seconds = -credit / r->bytes_per_s + 1;
    }
    pthread_mutex_unlock(&r->lock);
    return (int)(seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S);
}

/* As rate_budget(), under the lock. */
static int64_t budget_of_place(const struct rate *r, const struct place *p, int *wait_s)
{
    int64_t full = r->bytes_per_s * RATE_BURST_S, least = full < RATE_REQUEST_MIN ? full : RATE_REQUEST_MIN;
    int64_t credit = p != NULL ? credit_of(r, p, r->clock->monotonic_ns(r->clock)) : full, seconds;

    if (credit >= least)
        return credit;
    seconds = (least - credit + r->bytes_per_s - 1) / r->bytes_per_s;
    *wait_s = (int)(seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S);
    return 0;
}

int64_t rate_budget(struct rate *r, const char *agent_id, int *wait_s)
{
    int64_t bytes = -1;

    *wait_s = 0;
    pthread_mutex_lock(&r->lock);
    if (r->bytes_per_s > 0 && agent_id[0] != '\0')
        bytes = budget_of_place(r, find(r, agent_id), wait_s);
    pthread_mutex_unlock(&r->lock);
    return bytes;
}

void rate_pay(struct rate *r, const char *agent_id, size_t bytes)
{
    int64_t cost = bytes > RATE_REQUEST_MIN ? (int64_t)bytes : RATE_REQUEST_MIN;

    pthread_mutex_lock(&r->lock);
    if (r->bytes_per_s > 0 && agent_id[0] != '\0') {
        int64_t now = r->clock->monotonic_ns(r->clock);
        struct place *p = find_or_make(r, agent_id);

        if (p->used != 0)
            p->credit = credit_of(r, p, now);
        p->credit -= cost;
        p->used = now;
    }
    pthread_mutex_unlock(&r->lock);
}

/* ---- coming back ------------------------------------------------------------------------ */

/* Counts one more, and what is left of those before. */
static double count_refused(struct rate *r)
{
    int64_t now = r->clock->monotonic_ns(r->clock);
    int64_t halves = (now - r->refused_at) / (LATELY_S * NS_PER_S);

    if (halves > 0) {
        r->refused = halves < 60 ? r->refused / (double)(INT64_C(1) << halves) : 0;
        r->refused_at = now;
    }
    return ++r->refused;
}

int rate_retry_after(struct rate *r, int least)
{
    uint32_t chance;
    int span;

    pthread_mutex_lock(&r->lock);
    span = 1 + (int)(count_refused(r) / AGENTS_PER_S);
    pthread_mutex_unlock(&r->lock);
    if (span > RATE_SPREAD_MAX_S)
        span = RATE_SPREAD_MAX_S;
    r->random->fill(r->random, &chance, sizeof chance);
    return least + (int)(chance % (uint32_t)(span + 1));
}
