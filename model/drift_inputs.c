/* See drift_inputs.h. */
#include "model/drift_inputs.h"

#include "base/times.h"

#include <assert.h>
#include <string.h>

enum { VERSION_PARTS = 4 };

static bool full_version(const char *text, struct version *out)
{
    return version_parse(text, out) == VERSION_PARTS && !version_is_zero(out);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool on_this_host(const struct drift_inputs *in)
{
    return in->host != NULL && !in->g->removed && strcmp(in->host->facts.host_id, in->g->host_id) == 0;
}

/* When a polled value was last confirmed: it is still so at the newest poll
 * when the newest inventory held it. */
static int64_t confirmed(const struct drift_inputs *in, int64_t time)
{
    return time == in->g->inventory_time ? in->polled : time;
}

static bool polled_counts(const struct drift_inputs *in, int64_t time, int64_t since)
{
    return time != 0 && (confirmed(in, time) >= since || in->polled < since);
}

const struct ic_status *drift_status(const struct drift_inputs *in, enum ic_component c)
{
    const struct ic_status *s = &in->g->ic[c];

    return polled_counts(in, s->time, in->g->connected_since) ? s : NULL;
}

int drift_find_status0(const struct drift_inputs *in, int status)
{
    for (int c = 0; c < IC_COUNT; c++) {
        const struct ic_status *s = drift_status(in, (enum ic_component)c);

        if (s != NULL && s->status0 == status)
            return c;
    }
    return -1;
}

int drift_find_status1(const struct drift_inputs *in, int status)
{
    for (int c = 0; c < IC_COUNT; c++) {
        const struct ic_status *s = drift_status(in, (enum ic_component)c);

        if (s != NULL && s->status1 == status)
            return c;
    }
    return -1;
}

int drift_is_state(const struct drift_inputs *in)
{
    return polled_counts(in, in->g->is_state_time, in->g->connected_since) ? in->g->is_state : -1;
}

bool drift_host_expects(const struct drift_inputs *in)
{
    return in->generation != HOST_UNKNOWN && in->generation != HOST_2016UP;
}

bool drift_is_plausible(const struct version *is, const struct version *os)
{
    enum { FILE_VERSION_MAX = 65535 }; /* the parts of a Windows file version have 16 bits */

    return is->part[0] == os->part[0] && is->part[1] == os->part[1] && is->part[2] <= os->part[2] &&
           is->part[3] <= FILE_VERSION_MAX;
}

static bool is_cleared(const struct guest *g, enum mismatch_signal signal, const struct mismatch *m)
{
    if (signal != MISMATCH_IC_INCOMPATIBLE && signal != MISMATCH_IC_COMPATIBLE)
        return false;
    for (int i = 0; i < MISMATCH_PLACES; i++) {
        const struct mismatch *c = &g->all_clear[i];

        if (c->time >= m->time && strcmp(c->service, m->service) == 0 && strcmp(c->host_id, m->host_id) == 0)
            return true;
    }
    return false;
}

static bool event_counts(const struct drift_inputs *in, enum mismatch_signal signal, const struct mismatch *m)
{
    const struct guest *g = in->g;
    int64_t since = later(g->reconnected, g->arrived - DRIFT_ARRIVAL_S * NS_PER_S);
    int64_t boot = on_this_host(in) ? in->host->facts.boot_time : 0;

    return m->time != 0 && strcmp(m->host_id, g->host_id) == 0 && m->time >= since && m->time >= boot &&
           !is_cleared(g, signal, m);
}

static void gather_events(struct drift_inputs *in)
{
    for (int s = 0; s < MISMATCH_COUNT; s++) {
        for (int i = 0; i < MISMATCH_PLACES; i++) {
            const struct mismatch *m = &in->g->mismatch[s][i];

            if (event_counts(in, (enum mismatch_signal)s, m) && (in->event[s] == NULL || m->time > in->event[s]->time))
                in->event[s] = m;
        }
    }
}

/* E5 for guests of 5.x, else E6.  2008 R2 has one value, for all guests
 * (hyperv.md C.1). */
static void gather_expected(struct drift_inputs *in)
{
    const struct resource *facts = in->host != NULL ? &in->host->facts : NULL;

    in->expected_text = "";
    if (facts == NULL || !drift_host_expects(in))
        return;
    in->expected_text = facts->is_win6x;
    if (in->os_known && in->os.part[0] == 5 && (facts->is_win5x[0] != '\0' || in->generation != HOST_2008R2))
        in->expected_text = facts->is_win5x;
    in->expected_ok = full_version(in->expected_text, &in->expected);
}

/* Windows says 5.x, 6.x or 10.x in four parts; Linux 3.1 or the version of its
 * LIS package.  A guest whose family is not known is believed by that. */
static void gather_is(struct drift_inputs *in)
{
    const struct kvp_value *v = &in->g->kvp[KVP_IS_VERSION];

    in->is_there = v->text[0] != '\0' && polled_counts(in, v->time, in->g->booted);
    in->is_ok = in->is_there && full_version(v->text, &in->is) &&
                (in->family == FAMILY_WINDOWS || (in->family == FAMILY_UNKNOWN && in->is.part[0] >= 5));
}

static bool is_stale(const struct drift_inputs *in)
{
    const struct guest *g = in->g;
    const struct kvp_value *v = &g->kvp[KVP_IS_VERSION];

    return !in->running || g->inventory_time == 0 || in->polled < g->connected_since ||
           (v->time != 0 && v->time < g->inventory_time) || in->polled - g->inventory_time > DRIFT_STALE_S * NS_PER_S;
}

static int64_t newest_poll(const struct host *host, const struct guest *g)
{
    bool counts = g->inventory_time != 0 && host != NULL && !g->removed && strcmp(host->facts.host_id, g->host_id) == 0;

    return counts ? later(g->inventory_time, host->last_poll) : g->inventory_time;
}

/* in->polled is compared with these times and with no others. */
int64_t drift_holds_until(const struct host *host, const struct guest *g)
{
    const int64_t marks[] = { g->connected_since, g->booted, g->inventory_time + DRIFT_STALE_S * NS_PER_S + 1 };
    int64_t polled = newest_poll(host, g), until = INT64_MAX;

    for (size_t i = 0; g->inventory_time != 0 && i < sizeof marks / sizeof marks[0]; i++) {
        if (marks[i] > polled && marks[i] < until)
            until = marks[i];
    }
    return until;
}

bool drift_same_host(const struct host *before, const struct host *now)
{
    const struct resource *a = &before->facts, *b = &now->facts;

    return strcmp(a->host_id, b->host_id) == 0 && strcmp(a->host_name, b->host_name) == 0 &&
           strcmp(a->os_version, b->os_version) == 0 && strcmp(a->cluster, b->cluster) == 0 &&
           strcmp(a->is_win6x, b->is_win6x) == 0 && strcmp(a->is_win5x, b->is_win5x) == 0 &&
           a->boot_time == b->boot_time && before->is_since == now->is_since && before->last_poll <= now->last_poll;
}

void drift_inputs_gather(struct drift_inputs *in, const struct host *host, const struct guest *g,
                         const struct drift_peers *peers, const struct drift_floors *floors)
{
    *in = (struct drift_inputs){ .host = host, .g = g, .peers = peers };
    in->floors = floors != NULL ? *floors : drift_floors_default();
    in->generation = host != NULL ? host_generation_of(host->facts.os_version) : HOST_UNKNOWN;
    in->family = guest_family_of(g);
    in->running = !g->removed && (g->power == POWER_RUNNING || g->power == POWER_UNKNOWN);
    in->polled = newest_poll(host, g);
    in->os_known = version_parse(g->kvp[KVP_OS_VERSION].text, &in->os) >= 2;
    gather_is(in);
    gather_expected(in);
    gather_events(in);
    in->stale = is_stale(in);
    if (peers != NULL && in->os_known)
        in->peer = drift_peers_highest(peers, &in->os);
}
