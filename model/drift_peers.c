/* The highest integration services version of each guest OS build (row 10 of
 * the decision table): a sorted array, searched by halves.  It has all of its room
 * from the beginning: a peer that found no memory would be missing without a word,
 * and guests behind it current. */
#include "model/drift_inputs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PEERS_MAX = 4096 };

struct peer {
    struct version os; /* major.minor.build, the last part 0 */
    struct version highest;
};

struct drift_peers {
    size_t count;
    struct peer peers[PEERS_MAX]; /* in order of os */
};

struct drift_peers *drift_peers_new(void)
{
    struct drift_peers *p = malloc(sizeof *p);

    if (p != NULL)
        p->count = 0;
    return p;
}

void drift_peers_free(struct drift_peers *p)
{
    free(p);
}

static struct version build_of(const struct version *os)
{
    struct version key = *os;

    key.part[3] = 0;
    return key;
}

/* Where the build is, or where it belongs. */
static size_t place_of(const struct drift_peers *p, const struct version *key)
{
    size_t low = 0, high = p->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (version_compare(&p->peers[mid].os, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool drift_peers_put(struct drift_peers *p, const struct version *os, const struct version *highest)
{
    struct version key = build_of(os);
    size_t at = place_of(p, &key);

    if (at < p->count && version_compare(&p->peers[at].os, &key) == 0) {
        if (version_compare(highest, &p->peers[at].highest) <= 0)
            return false;
        p->peers[at].highest = *highest;
        return true;
    }
    if (p->count == PEERS_MAX)
        return false;
    memmove(&p->peers[at + 1], &p->peers[at], (p->count - at) * sizeof *p->peers);
    p->peers[at] = (struct peer){ .os = key, .highest = *highest };
    p->count++;
    return true;
}

bool drift_peers_same(const struct drift_peers *a, const struct drift_peers *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (version_compare(&a->peers[i].os, &b->peers[i].os) != 0 ||
            version_compare(&a->peers[i].highest, &b->peers[i].highest) != 0)
            return false;
    }
    return true;
}

bool drift_peers_add(struct drift_peers *p, const struct guest *g)
{
    struct version os, is;

    if (g->removed || guest_family_of(g) != FAMILY_WINDOWS || version_parse(g->kvp[KVP_OS_VERSION].text, &os) < 3 ||
        version_parse(g->kvp[KVP_IS_VERSION].text, &is) != 4 || os.part[0] < 10 || !drift_is_plausible(&is, &os))
        return false;
    return drift_peers_put(p, &os, &is);
}

const struct version *drift_peers_highest(const struct drift_peers *p, const struct version *os)
{
    struct version key = build_of(os);
    size_t at = place_of(p, &key);

    return at < p->count && version_compare(&p->peers[at].os, &key) == 0 ? &p->peers[at].highest : NULL;
}
