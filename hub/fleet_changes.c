/* See fleet_changes.h. */
#include "hub/fleet_changes.h"

#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool is_removed(const struct guest *g)
{
    return g->removed && g->removed_time != 0;
}

void guest_facts_of(const struct guest *g, struct guest_facts *out)
{
    *out = (struct guest_facts){ .known = true, .removed = is_removed(g), .state = g->drift.state };
    text_copy(out->host_id, sizeof out->host_id, g->host_id);
    text_copy(out->version, sizeof out->version, g->kvp[KVP_IS_VERSION].text);
    text_copy(out->os, sizeof out->os, g->kvp[KVP_OS_VERSION].text);
}

/* ---- changes -------------------------------------------------------------------------- */

struct noting {
    struct fleet_body *b;
    const struct guest *g;
    const struct host *host;
    int64_t now;
    int rc;
    struct err *e;
    int64_t first; /* the time from which on something was changed; 0 nothing was */
};

static void note(struct noting *n, enum fleet_change_kind kind, const char *from, const char *to, int64_t time,
                 const char *evidence)
{
    struct fleet_change c = { .kind = kind, .time = time != 0 ? time : n->now, .received = n->now };

    if (n->rc != 0 || strcmp(from, to) == 0)
        return;
    text_copy(c.vm_id, sizeof c.vm_id, n->g->vm_id);
    text_copy(c.host_id, sizeof c.host_id, n->g->host_id);
    text_copy(c.cluster, sizeof c.cluster, n->host != NULL ? n->host->facts.cluster : "");
    text_copy(c.from, sizeof c.from, from);
    text_copy(c.to, sizeof c.to, to);
    text_clean(c.evidence, sizeof c.evidence, evidence, strlen(evidence), NULL);
    n->rc = n->b->ops->change_put(n->b, &c, n->e);
    if (n->first == 0 || c.time < n->first)
        n->first = c.time;
}

static void note_state(struct noting *n, const struct guest_facts *before, const char *reason)
{
    const char *from = before->known && !before->removed ? drift_state_name(before->state) : "";
    bool gone = is_removed(n->g);

    if (gone)
        note(n, CHANGE_STATE, from, "", n->g->removed_time,
             "the VM was deleted, or a complete poll of its host no longer had it and no other host has");
    else
        note(n, CHANGE_STATE, from, drift_state_name(n->g->drift.state), n->g->drift.since, reason);
}

/* A value of the guest's own KVP items. */
static void note_kvp(struct noting *n, enum fleet_change_kind kind, enum kvp_item item, const char *before)
{
    const struct kvp_value *v = &n->g->kvp[item];
    char evidence[FLEET_EVIDENCE_MAX + KVP_VALUE_MAX], since[TIMES_TEXT_MAX];
    const char *name = item == KVP_OS_VERSION ? n->g->kvp[KVP_OS_NAME].text : "";

    snprintf(evidence, sizeof evidence, "KVP %s said %s%s%s%s since %s", kvp_item_name(item), v->text,
             name[0] != '\0' ? " (" : "", name, name[0] != '\0' ? ")" : "", times_format(v->since, since));
    note(n, kind, before, v->text, v->since, evidence);
}

static void note_host(struct noting *n, const char *before)
{
    char evidence[FLEET_EVIDENCE_MAX + HOST_LABEL_MAX], seen[TIMES_TEXT_MAX];
    const char *name = n->host != NULL ? n->host->facts.host_name : "";

    snprintf(evidence, sizeof evidence, "%s saw it last, at %s", name[0] != '\0' ? name : n->g->host_id,
             times_format(n->g->host_time, seen));
    note(n, CHANGE_HOST, before, n->g->host_id, n->g->host_since != 0 ? n->g->host_since : n->g->host_time, evidence);
}

int fleet_note_changes(struct fleet_body *b, const struct guest_facts *before, const struct guest *g,
                       const struct host *host, const char *reason, int64_t now_ns, struct err *e)
{
    struct noting n = { b, g, host, now_ns, 0, e, 0 };

    note_state(&n, before, reason);
    if (before->known) {
        note_kvp(&n, CHANGE_VERSION, KVP_IS_VERSION, before->version);
        note_kvp(&n, CHANGE_OS, KVP_OS_VERSION, before->os);
        note_host(&n, before->host_id);
    }
    if (n.rc != 0 || n.first == 0)
        return n.rc;
    return fleet_incidents_changed(b, g->vm_id, n.first, now_ns, e);
}

/* ---- counts --------------------------------------------------------------------------- */

static int compare(const struct fleet_count *row, const struct fleet_counted *c)
{
    int order = strcmp(row->cluster, c->cluster);

    return order != 0 ? order : (int)row->state - (int)c->state;
}

static int move(struct fleet_moves *m, struct fleet_body *b, const struct fleet_counted *c, int64_t delta, int64_t day,
                struct err *e)
{
    size_t at = 0;
    int rc = 0;

    if (c->removed)
        return 0;
    while (at < m->count && compare(&m->rows[at], c) < 0)
        at++;
    if (at < m->count && compare(&m->rows[at], c) == 0) {
        m->rows[at].delta += delta;
        return 0;
    }
    if (m->count == FLEET_MOVES_MAX) {
        rc = fleet_moves_write(m, b, e);
        at = 0;
    }
    memmove(&m->rows[at + 1], &m->rows[at], (m->count - at) * sizeof m->rows[0]);
    m->rows[at] = (struct fleet_count){ .day = day, .state = c->state, .delta = delta };
    text_copy(m->rows[at].cluster, sizeof m->rows[at].cluster, c->cluster);
    m->count++;
    return rc;
}

int fleet_moves_add(struct fleet_moves *m, struct fleet_body *b, const struct fleet_counted *from,
                    const struct fleet_counted *to, int64_t day, struct err *e)
{
    int rc = from != NULL ? move(m, b, from, -1, day, e) : 0;

    return rc != 0 ? rc : move(m, b, to, 1, day, e);
}

int fleet_moves_write(struct fleet_moves *m, struct fleet_body *b, struct err *e)
{
    int rc = 0;

    assert(m->count <= FLEET_MOVES_MAX);
    for (size_t i = 0; rc == 0 && i < m->count; i++) {
        if (m->rows[i].delta != 0)
            rc = b->ops->count_add(b, &m->rows[i], e);
    }
    m->count = 0;
    return rc;
}
