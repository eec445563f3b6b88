/* Asking for stored incidents.  See fleet_incidents.h. */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void fleet_incident_query_all(struct fleet_incident_query *q)
{
    *q = (struct fleet_incident_query){ .code = -1 };
}

static int finish(struct fleet_store *s, int rc, struct err *e)
{
    if (rc == 0)
        rc = s->body->ops->commit(s->body, e);
    if (rc != 0)
        s->body->ops->rollback(s->body);
    return rc;
}

struct giving {
    fleet_take_incident *take;
    void *arg;
    int rc;
    struct err *e;
};

/* *out is NULL where it is damaged, which is said and no error. */
static int read_back(const struct fleet_incident_row *r, struct incident **out, struct err *e)
{
    struct err why = { 0 };
    int rc = incident_from_json(r->json, r->len, out, &why);

    if (rc == ERR_MEMORY)
        return err_set(e, rc, "%s", why.text);
    if (rc != 0)
        log_event(LOG_WARN, "incidents.damaged", LOG_S("id", r->id), LOG_S("problem", why.text));
    return 0;
}

static bool give(void *arg, const struct fleet_incident_row *r)
{
    struct giving *g = (struct giving *)arg;
    struct fleet_incident f = { NULL, r->first_seen, r->updated };

    g->rc = read_back(r, &f.incident, g->e);
    return g->rc == 0 && (f.incident == NULL || g->take(g->arg, &f));
}

int fleet_store_incidents(struct fleet_store *s, const struct fleet_incident_query *q, fleet_take_incident *take,
                          void *arg, struct err *e)
{
    struct giving g = { take, arg, 0, e };
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = s->body->ops->incidents(s->body, q, give, &g, e);
    return finish(s, rc != 0 ? rc : g.rc, e);
}

/* ---- as a list ---------------------------------------------------------------------------- */

struct listing {
    struct incident_list *list;
    size_t room;
    int limit; /* 0 none */
    uint64_t more;
    int rc;
    struct err *e;
};

static bool grow(struct listing *l)
{
    size_t room = l->room != 0 ? 2 * l->room : 64;
    struct incident **grown = realloc(l->list->items, room * sizeof(struct incident *));

    if (grown == NULL) {
        l->rc = err_set(l->e, ERR_MEMORY, "out of memory");
        return false;
    }
    l->list->items = grown;
    l->room = room;
    return true;
}

static bool list_one(void *arg, const struct fleet_incident_row *r)
{
    struct listing *l = (struct listing *)arg;
    struct incident *i = NULL;

    if (l->limit != 0 && l->list->count == (size_t)l->limit) {
        l->more++;
        return true;
    }
    if (l->list->count == l->room && !grow(l))
        return false;
    l->rc = read_back(r, &i, l->e);
    if (i != NULL)
        l->list->items[l->list->count++] = i;
    return l->rc == 0;
}

static void reverse(struct incident_list *l)
{
    for (size_t i = 0; i < l->count / 2; i++) {
        struct incident *x = l->items[i];

        l->items[i] = l->items[l->count - 1 - i];
        l->items[l->count - 1 - i] = x;
    }
}

int fleet_store_incident_list(struct fleet_store *s, const struct fleet_incident_query *q, struct incident_list *out,
                              uint64_t *more, struct err *e)
{
    struct listing l = { .list = out, .limit = q->limit, .e = e };
    struct fleet_incident_query all = *q;
    int rc = s->body->ops->begin(s->body, false, e);

    *out = (struct incident_list){ 0 };
    all.limit = 0;
    if (rc == 0)
        rc = s->body->ops->incidents(s->body, &all, list_one, &l, e);
    rc = finish(s, rc != 0 ? rc : l.rc, e);
    if (rc != 0) {
        incident_list_free(out);
        *out = (struct incident_list){ 0 };
        return rc;
    }
    if (!q->oldest_first)
        reverse(out);
    *more = l.more;
    return 0;
}

/* ---- one ------------------------------------------------------------------------------------- */

static bool take_one(void *arg, struct fleet_incident *f)
{
    *(struct fleet_incident *)arg = *f;
    return false;
}

int fleet_store_incident(struct fleet_store *s, const char *id, struct fleet_incident *out, struct err *e)
{
    struct giving g = { take_one, out, 0, e };
    int rc = s->body->ops->begin(s->body, false, e);

    *out = (struct fleet_incident){ .incident = NULL };
    if (rc == 0)
        rc = s->body->ops->incident_get(s->body, id, give, &g, e);
    rc = finish(s, rc != 0 ? rc : g.rc, e);
    if (rc != 0) {
        incident_free(out->incident);
        out->incident = NULL;
    } else if (out->incident == NULL) {
        rc = err_set(e, ERR_NOT_FOUND, "no incident %.32s is known", id);
    }
    return rc;
}

int fleet_store_surroundings(struct fleet_store *s, const struct incident *i, struct incident_surroundings *out,
                             struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = fleet_incidents_around(s->body, i, out, e);
    return finish(s, rc, e);
}
