/* All findings, in order of host: those that ingest stored, and those that
 * depend on the time and on the rest of the fleet (silent hosts, old agents),
 * which are made here from the hosts and agents of one moment. */
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a finding needs to know of a host. */
struct known_host {
    char host_id[HOST_ID_MAX];
    char cluster[FLEET_CLUSTER_MAX];
    char agent_version[HOST_AGENT_VERSION_MAX];
    int64_t last_word; /* received; 0 never */
};

struct listing {
    const struct fleet_finding_query *q;
    struct known_host *hosts; /* in order of id once sorted */
    size_t host_count, host_cap;
    struct fleet_finding *found;
    size_t found_count, found_cap;
    struct version newest; /* agent */
    bool failed;           /* out of memory */
};

/* Room for one more; NULL out of memory. */
static void *grow(struct listing *l, void **array, size_t *count, size_t *cap, size_t size)
{
    if (*count == *cap) {
        size_t wanted = *cap == 0 ? 64 : *cap * 2;
        void *grown = realloc(*array, wanted * size);

        if (grown == NULL) {
            l->failed = true;
            return NULL;
        }
        *array = grown;
        *cap = wanted;
    }
    return (char *)*array + (*count)++ * size;
}

static bool take_host(void *arg, const struct host *h)
{
    struct listing *l = (struct listing *)arg;
    struct known_host *known = grow(l, (void **)&l->hosts, &l->host_count, &l->host_cap, sizeof *l->hosts);
    struct version v;

    if (known == NULL)
        return false;
    *known = (struct known_host){ .last_word = 0 };
    text_copy(known->host_id, sizeof known->host_id, h->facts.host_id);
    text_copy(known->cluster, sizeof known->cluster, h->facts.cluster);
    text_copy(known->agent_version, sizeof known->agent_version, h->facts.agent_version);
    if (version_parse(known->agent_version, &v) > 0 && version_compare(&v, &l->newest) > 0)
        l->newest = v;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct known_host *)a)->host_id, ((const struct known_host *)b)->host_id);
}

static struct known_host *find(const struct listing *l, const char *host_id)
{
    struct known_host key;

    if (l->host_count == 0)
        return NULL;
    text_copy(key.host_id, sizeof key.host_id, host_id);
    return bsearch(&key, l->hosts, l->host_count, sizeof *l->hosts, by_id);
}

/* After all hosts are there, in order (read_all()). */
static bool take_agent(void *arg, const struct fleet_agent *a)
{
    struct listing *l = (struct listing *)arg;
    struct known_host *h = find(l, a->host_id);

    if (h != NULL && a->last_seen > h->last_word)
        h->last_word = a->last_seen;
    return true;
}

static bool is_wanted(const struct listing *l, const char *host_id, int64_t last_time)
{
    const struct known_host *h = find(l, host_id);

    if (l->q->host_id != NULL && strcmp(l->q->host_id, host_id) != 0)
        return false;
    if (l->q->cluster != NULL && text_casecmp(l->q->cluster, h != NULL ? h->cluster : "") != 0)
        return false;
    return last_time >= l->q->since_ns;
}

static bool take_finding(void *arg, const struct fleet_finding *f)
{
    struct listing *l = (struct listing *)arg;
    struct fleet_finding *kept;

    if (!is_wanted(l, f->host_id, f->last_time))
        return true;
    kept = grow(l, (void **)&l->found, &l->found_count, &l->found_cap, sizeof *l->found);
    if (kept != NULL)
        *kept = *f;
    return kept != NULL;
}

static void make(struct listing *l, const struct known_host *h, enum fleet_finding_kind kind, int64_t first,
                 const char *text)
{
    struct fleet_finding f = { .kind = kind, .first_time = first, .last_time = l->q->now_ns };

    text_copy(f.host_id, sizeof f.host_id, h->host_id);
    text_copy(f.text, sizeof f.text, text);
    (void)take_finding(l, &f);
}

static void find_silence(struct listing *l, const struct known_host *h)
{
    char text[FLEET_FINDING_TEXT_MAX], length[TIMES_TEXT_MAX], time[TIMES_TEXT_MAX];
    int64_t silent = l->q->now_ns - h->last_word;

    if (l->q->host_silent_ns <= 0 || h->last_word == 0 || silent <= l->q->host_silent_ns)
        return;
    snprintf(text, sizeof text,
             "no word for %s (since %s): is the host up, is its agent running, does it reach the hub?",
             times_format_length(silent, length), times_format(h->last_word, time));
    make(l, h, FINDING_SILENT_HOST, h->last_word, text);
}

static void find_age(struct listing *l, const struct known_host *h)
{
    char text[FLEET_FINDING_TEXT_MAX], newest[VERSION_TEXT_MAX];
    struct version v;

    if (version_parse(h->agent_version, &v) == 0 || version_compare(&v, &l->newest) >= 0)
        return;
    snprintf(text, sizeof text, "its agent is version %s, while the newest in the fleet is %s: install that",
             h->agent_version, version_format(&l->newest, newest));
    make(l, h, FINDING_OLD_AGENT, h->last_word, text);
}

static int by_host_and_kind(const void *a, const void *b)
{
    const struct fleet_finding *x = a, *y = b;
    int order = strcmp(x->host_id, y->host_id);

    if (order == 0)
        order = (int)x->kind - (int)y->kind;
    return order != 0 ? order : strcmp(x->agent_id, y->agent_id);
}

/* One moment: the hosts, put in order, then what is looked up in them. */
static int read_all(struct fleet_store *s, struct listing *l, struct err *e)
{
    struct fleet_reader hosts = { .arg = l, .host = take_host };
    struct fleet_reader rest = { .arg = l, .agent = take_agent, .finding = take_finding };
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, false, e);

    if (rc == 0)
        rc = b->ops->read(b, &hosts, e);
    if (rc == 0 && l->host_count > 0)
        qsort(l->hosts, l->host_count, sizeof *l->hosts, by_id);
    if (rc == 0)
        rc = b->ops->read(b, &rest, e);
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

int fleet_store_findings(struct fleet_store *s, const struct fleet_finding_query *q, fleet_take_finding *take,
                         void *arg, struct err *e)
{
    struct listing l = { .q = q };
    int rc = read_all(s, &l, e);

    for (size_t i = 0; rc == 0 && i < l.host_count; i++) {
        find_silence(&l, &l.hosts[i]);
        find_age(&l, &l.hosts[i]);
    }
    if (rc == 0 && l.failed)
        rc = err_set(e, ERR_MEMORY, "out of memory for the findings");
    if (rc == 0 && l.found_count > 0)
        qsort(l.found, l.found_count, sizeof *l.found, by_host_and_kind);
    for (size_t i = 0; rc == 0 && i < l.found_count && (q->limit == 0 || i < (size_t)q->limit); i++) {
        if (!take(arg, &l.found[i]))
            break;
    }
    free(l.hosts);
    free(l.found);
    return rc;
}
