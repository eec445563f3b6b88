/* Replacing stored incidents by computed ones.
 *
 * Within the VMs and the time that were computed: an incident that came out as
 * it is stored is left alone; one that is stored and did not come out goes, and
 * its id leads from then on to the one that has one of its signs.  When
 * the old one was first seen holds for the new one too.
 */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stored one, with what is needed of it. */
struct stored {
    struct incident *incident;
    char *json;
    size_t len;
    char id[INCIDENT_ID_CHARS + 1];
    char module[FLEET_MODULE_MAX];
    int64_t time, first_seen, updated;
    bool kept;                      /* it came out under its own id, or stays for its age */
    const struct incident *becomes; /* the one that has its signs */
};

struct stored_list {
    struct stored *items;
    size_t count, room;
    int rc;
    struct err *e;
};

static bool take_stored(void *arg, const struct fleet_incident_row *r)
{
    struct stored_list *l = (struct stored_list *)arg;
    struct stored *x;
    struct err e;
    int rc;

    if (l->count == l->room) {
        size_t room = l->room != 0 ? 2 * l->room : 8;
        struct stored *grown = realloc(l->items, room * sizeof *grown);

        if (grown == NULL)
            goto out_of_memory;
        l->items = grown;
        l->room = room;
    }
    x = &l->items[l->count];
    *x = (struct stored){ .len = r->len, .time = r->time, .first_seen = r->first_seen, .updated = r->updated };
    text_copy(x->id, sizeof x->id, r->id);
    text_copy(x->module, sizeof x->module, r->module);
    x->json = malloc(r->len + 1);
    if (x->json == NULL)
        goto out_of_memory;
    memcpy(x->json, r->json, r->len);
    rc = incident_from_json(r->json, r->len, &x->incident, &e);
    l->count++;
    if (rc == ERR_MEMORY)
        goto out_of_memory;
    if (rc != 0)
        log_event(LOG_WARN, "incidents.damaged", LOG_S("id", x->id), LOG_S("problem", e.text));
    return true;
out_of_memory:
    l->rc = err_set(l->e, ERR_MEMORY, "out of memory");
    return false;
}

static void stored_free(struct stored_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        incident_free(l->items[i].incident);
        free(l->items[i].json);
    }
    free(l->items);
}

static int read_stored(struct fleet_store *s, const struct replacing *r, struct stored_list *l, struct err *e)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < r->count; i++) {
        struct fleet_incident_query q;

        fleet_incident_query_all(&q);
        q.vm_id = r->vm_ids[i];
        q.since_ns = r->from;
        q.until_ns = r->to < INT64_MAX ? r->to + 1 : 0;
        q.oldest_first = true;
        rc = s->body->ops->incidents(s->body, &q, take_stored, l, e);
    }
    return rc != 0 ? rc : l->rc;
}

/* ---- which is which --------------------------------------------------------------------------- */

static bool has_sign(const struct incident *i, const struct incident_place *p)
{
    for (int n = 0; n < i->sign_count; n++) {
        if (i->signs[n].seq == p->seq && strcmp(i->signs[n].agent, p->agent) == 0)
            return true;
    }
    return false;
}

static const struct incident *computed_by_id(const struct replacing *r, const char *id)
{
    for (int n = 0; n < r->count; n++) {
        for (size_t i = 0; i < r->lists[n].count; i++) {
            if (strcmp(r->lists[n].items[i]->id, id) == 0)
                return r->lists[n].items[i];
        }
    }
    return NULL;
}

/* The computed one with most of its signs. */
static const struct incident *computed_by_signs(const struct replacing *r, const struct incident *old)
{
    const struct incident *best = NULL;
    int most = 0;

    for (int n = 0; n < r->count && old != NULL; n++) {
        for (size_t i = 0; i < r->lists[n].count; i++) {
            int shared = 0;

            for (int k = 0; k < old->sign_count; k++)
                shared += has_sign(r->lists[n].items[i], &old->signs[k]);
            if (shared > most) {
                most = shared;
                best = r->lists[n].items[i];
            }
        }
    }
    return best;
}

/* What was around it may be pruned; it is only replaced by one that knows more. */
static bool too_old(const struct fleet_store *s, const struct stored *x, const struct incident *now_is, int64_t now)
{
    int64_t keep = s->incidents->keep_ns;

    if (keep == 0 || now - x->first_seen < keep || x->incident == NULL)
        return false;
    return now_is == NULL || now_is->sign_count <= x->incident->sign_count;
}

static void match(const struct fleet_store *s, const struct replacing *r, struct stored_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct stored *x = &l->items[i];
        const struct incident *same = computed_by_id(r, x->id);

        x->becomes = same != NULL ? same : computed_by_signs(r, x->incident);
        x->kept = same != NULL || too_old(s, x, x->becomes, r->now);
    }
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* What goes on from the rows that this one is made of.  False: an aged one stays in its place. */
static bool inherit(const struct fleet_store *s, const struct replacing *r, const struct stored_list *l,
                    const struct incident *i, struct fleet_incident_row *row, const struct stored **same)
{
    *same = NULL;
    for (size_t n = 0; n < l->count; n++) {
        const struct stored *x = &l->items[n];

        if (x->becomes != i)
            continue;
        if (too_old(s, x, i, r->now))
            return false;
        if (strcmp(x->id, i->id) == 0)
            *same = x;
        if (x->first_seen < row->first_seen)
            row->first_seen = x->first_seen;
    }
    return true;
}

static void describe(const struct incident *i, struct fleet_incident_row *row, char *code, char *module, char *headline)
{
    if (i->bugcheck.known)
        snprintf(code, FLEET_CODE_MAX, "0x%08x", (unsigned)incident_code(&i->bugcheck));
    text_copy(module, FLEET_MODULE_MAX, incident_module(i));
    incident_headline(i, headline, INCIDENT_HEADLINE_MAX);
    row->id = i->id;
    row->vm_id = i->vm_id;
    row->vm_name = i->vm_name;
    row->host_id = i->host_id;
    row->host_name = i->host_name;
    row->cluster = i->cluster;
    row->time = i->time;
    row->kind = incident_kind_name(i->kind);
    row->code = code;
    row->module = module;
    row->drift_state = i->drift.known ? drift_state_name(i->drift.state) : "";
    row->origin = incident_origin_name(i->origin);
    row->finding = i->finding_count > 0 ? i->findings[0].rule : "";
    row->confidence = i->finding_count > 0 ? incident_confidence_name(i->findings[0].confidence) : "";
    row->headline = headline;
}

/* Later crashes with this module have one more in their surroundings. */
static int note_module(struct fleet_store *s, const struct incident *i, const char *module, const char *before,
                       int64_t now, struct err *e)
{
    const char *names[] = { module, before };
    int64_t month = (int64_t)MODULE_DAYS * 86400 * NS_PER_S;
    int rc = 0;

    if (strcmp(module, before) == 0)
        return 0;
    for (int n = 0; rc == 0 && n < 2; n++) {
        struct fleet_todo t = { .scope = TODO_MODULE, .from = i->time + 1, .to = i->time + month, .due = now };

        text_copy(t.key, sizeof t.key, names[n]);
        if (t.key[0] != '\0')
            rc = s->body->ops->todo_put(s->body, &t, e);
    }
    return rc;
}

static int put(struct fleet_store *s, const struct replacing *r, const struct stored_list *l, const struct incident *i,
               struct buf *json, struct err *e)
{
    struct fleet_incident_row row = { .first_seen = r->now, .updated = r->now };
    char code[FLEET_CODE_MAX] = "", module[FLEET_MODULE_MAX], headline[INCIDENT_HEADLINE_MAX];
    const struct stored *same;
    int rc;

    if (!inherit(s, r, l, i, &row, &same))
        return 0;
    buf_clear(json);
    rc = incident_json(i, json, e);
    if (rc != 0)
        return rc;
    row.json = buf_text(json);
    row.len = json->len;
    if (same != NULL && same->len == row.len && memcmp(same->json, row.json, row.len) == 0 &&
        same->first_seen == row.first_seen)
        return 0;
    describe(i, &row, code, module, headline);
    rc = s->body->ops->incident_put(s->body, &row, e);
    if (rc == 0)
        rc = note_module(s, i, module, same != NULL ? same->module : "", r->now, e);
    if (row.first_seen == r->now)
        s->incidents->made++;
    else
        s->incidents->changed++;
    return rc;
}

static int drop(struct fleet_store *s, const struct stored *x, struct err *e)
{
    int rc = s->body->ops->incident_drop(s->body, x->id, e);

    if (rc == 0 && x->becomes != NULL)
        rc = s->body->ops->incident_alias(s->body, x->id, x->becomes->id, x->becomes->time, e);
    return rc;
}

int fleet_incidents_replace(struct fleet_store *s, const struct replacing *r, struct err *e)
{
    struct stored_list l = { .e = e };
    struct buf json;
    int rc = read_stored(s, r, &l, e);

    buf_init(&json, INCIDENT_JSON_MAX);
    if (rc == 0)
        match(s, r, &l);
    for (int n = 0; rc == 0 && n < r->count; n++) {
        for (size_t i = 0; rc == 0 && i < r->lists[n].count; i++)
            rc = put(s, r, &l, r->lists[n].items[i], &json, e);
    }
    for (size_t i = 0; rc == 0 && i < l.count; i++) {
        if (!l.items[i].kept)
            rc = drop(s, &l.items[i], e);
    }
    buf_free(&json);
    stored_free(&l);
    return rc;
}
