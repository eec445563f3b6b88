/* Judging guests and laying out their rows (judged.h, report_rows.h): the same code for rows that are kept and
 * for those of one report. */
#include "report/judged.h"

#include "base/text.h"
#include "report/report_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- hosts -------------------------------------------------------------- */

static void say_expected(struct judged_host *jh)
{
    drift_expected_line(&jh->h, false, jh->expects[0]);
    drift_expected_line(&jh->h, true, jh->expects[1]);
}

void judged_host_init(struct judged_host *jh, const struct host *h)
{
    jh->h = *h;
    say_expected(jh);
}

bool judged_host_update(struct judged_host *jh, const struct host *now)
{
    bool same = drift_same_host(&jh->h, now), said_again = jh->h.facts_time != now->facts_time;

    jh->h = *now;
    if (!same || said_again)
        say_expected(jh);
    return !same;
}

const char *judged_host_name(const struct judged_host *jh)
{
    return jh->h.facts.host_name[0] != '\0' ? jh->h.facts.host_name : jh->h.facts.host_id;
}

/* ---- rows --------------------------------------------------------------- */

void report_judge(struct judging *j)
{
    assert(j->on == NULL || j->host == &j->on->h);
    drift_evaluate(j->host, j->g, j->peers, j->floors, &j->v);
}

/* Is this line of the evidence the host's? */
static bool is_shared(const struct judging *j, int line)
{
    return j->on != NULL && line == j->v.expected_line;
}

/* The row's texts, in the order in which they are laid out. */
enum {
    TEXT_VM_ID,
    TEXT_NAME,
    TEXT_FQDN,
    TEXT_HOST_ID,
    TEXT_OS_NAME,
    TEXT_OS_VERSION,
    TEXT_CRASH,
    TEXT_HAS,
    TEXT_EXPECTED,
    TEXT_REASON,
    TEXT_COUNT
};

static void name_texts(const struct judging *j, const char *texts[TEXT_COUNT])
{
    texts[TEXT_VM_ID] = j->g->vm_id;
    texts[TEXT_NAME] = j->g->name;
    texts[TEXT_FQDN] = j->g->kvp[KVP_FQDN].text;
    texts[TEXT_HOST_ID] = j->host != NULL ? "" : j->g->host_id;
    texts[TEXT_OS_NAME] = j->g->kvp[KVP_OS_NAME].text;
    texts[TEXT_OS_VERSION] = j->g->kvp[KVP_OS_VERSION].text;
    texts[TEXT_CRASH] = j->g->last_crash_code;
    texts[TEXT_HAS] = j->v.guest_version;
    texts[TEXT_EXPECTED] = j->v.expected_version;
    texts[TEXT_REASON] = j->v.reason;
}

size_t report_row_bytes(const struct judging *j)
{
    size_t bytes = ((size_t)j->v.evidence_count + 1) * sizeof(char *); /* and one that row 10 may add */
    const char *texts[TEXT_COUNT];

    name_texts(j, texts);
    for (int i = 0; i < TEXT_COUNT; i++)
        bytes += strlen(texts[i]) + 1;
    for (int i = 0; i < j->v.evidence_count; i++)
        bytes += is_shared(j, i) ? 0 : strlen(j->v.evidence[i]) + 1;
    return bytes;
}

static const char *lay(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    const char *copy = *at;

    memcpy(*at, text, size);
    *at += size;
    return copy;
}

static void lay_evidence(const struct judging *j, struct report_guest *row, char **at)
{
    row->evidence_count = j->v.evidence_count;
    for (int i = 0; i < j->v.evidence_count; i++)
        row->evidence[i] = is_shared(j, i) ? j->on->expects[j->v.expected_win5x] : lay(at, j->v.evidence[i]);
}

void report_lay_row(const struct judging *j, struct report_guest *row, char *texts)
{
    const char *names[TEXT_COUNT], *laid[TEXT_COUNT];
    char *at = texts + ((size_t)j->v.evidence_count + 1) * sizeof(char *);

    *row = (struct report_guest){ .kept = j->v.kept,
                                  .was = j->g->drift,
                                  .family = j->v.family,
                                  .power = j->g->power,
                                  .action = j->v.action,
                                  .evidence = (const char **)(void *)texts,
                                  .is_since = j->g->kvp[KVP_IS_VERSION].since,
                                  .last_seen = j->g->last_seen,
                                  .last_crash = j->g->last_crash };
    name_texts(j, names);
    for (int i = 0; i < TEXT_COUNT; i++)
        laid[i] = lay(&at, names[i]);
    row->vm_id = laid[TEXT_VM_ID];
    row->name = laid[TEXT_NAME];
    row->fqdn = laid[TEXT_FQDN];
    row->host_id = row->host = laid[TEXT_HOST_ID];
    row->cluster = "";
    row->os_name = laid[TEXT_OS_NAME];
    row->os_version = laid[TEXT_OS_VERSION];
    row->last_crash_code = laid[TEXT_CRASH];
    row->guest_version = laid[TEXT_HAS];
    row->expected_version = laid[TEXT_EXPECTED];
    row->reason = laid[TEXT_REASON];
    lay_evidence(j, row, &at);
}

int64_t report_last_seen(int64_t own, const struct host *on)
{
    return on != NULL && on->last_poll > own ? on->last_poll : own;
}

static int compare_text(const char *a, const char *b, const char *c, const char *d)
{
    int order = strcmp(a, b);

    return order != 0 ? order : strcmp(c, d);
}

int report_worst_first(const void *a, const void *b)
{
    const struct report_guest *x = a, *y = b;
    int order = report_severity(x->kept.state) - report_severity(y->kept.state);

    if (order == 0)
        order = compare_text(x->cluster, y->cluster, x->host, y->host);
    return order != 0 ? order : compare_text(x->name, y->name, x->vm_id, y->vm_id);
}

/* ---- rows that are kept --------------------------------------------------- */

/* The highest version of the guest's build among these peers; NULL none. */
static const struct version *peer_of(const struct judged_guest *j, const struct drift_peers *peers)
{
    return version_is_zero(&j->os) ? NULL : drift_peers_highest(peers, &j->os);
}

static void note_peer(struct judged_guest *j, const struct drift_peers *peers)
{
    const struct version *peer;

    if (version_parse(j->row.os_version, &j->os) < 2)
        j->os = (struct version){ .part = { 0 } };
    peer = peer_of(j, peers);
    j->compared = peer != NULL;
    if (peer != NULL)
        j->peer = *peer;
}

static void note_host(struct judged_guest *j, const struct judged_host *on)
{
    j->on = on;
    if (on == NULL)
        return;
    j->row.host_id = on->h.facts.host_id;
    j->row.host = judged_host_name(on);
    j->row.cluster = on->h.facts.cluster;
}

int judged_guest_new(struct judged_guest **out, const struct judged_host *on, const struct guest *g,
                     const struct drift_peers *peers, const struct drift_floors *floors, struct err *e)
{
    struct judging judging = { .on = on, .host = on != NULL ? &on->h : NULL, .g = g, .peers = peers, .floors = floors };
    struct judged_guest *j;
    size_t bytes;

    report_judge(&judging);
    bytes = sizeof *j + report_row_bytes(&judging);
    *out = j = malloc(bytes);
    if (j == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    *j = (struct judged_guest){ .bytes = bytes, .holds_until = drift_holds_until(judging.host, g) };
    report_lay_row(&judging, &j->row, j->texts);
    note_host(j, on);
    note_peer(j, peers);
    return 0;
}

void judged_guest_free(struct judged_guest *j)
{
    free(j);
}

size_t judged_guest_bytes(const struct judged_guest *j)
{
    return j->bytes;
}

const char *judged_guest_id(const struct judged_guest *j)
{
    return j->row.vm_id;
}

bool judged_guest_holds(const struct judged_guest *j)
{
    return j->on == NULL || j->on->h.last_poll < j->holds_until;
}

bool judged_guest_peers(const struct judged_guest *j, const struct drift_peers *peers)
{
    const struct version *peer = peer_of(j, peers);

    return (peer != NULL) == j->compared && (peer == NULL || version_compare(peer, &j->peer) == 0);
}

int judged_guest_order(const void *a, const void *b)
{
    const struct judged_guest *x = *(struct judged_guest *const *)a, *y = *(struct judged_guest *const *)b;

    return report_worst_first(&x->row, &y->row);
}
