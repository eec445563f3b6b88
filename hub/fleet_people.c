/* See fleet_people.h: transactions around the body's rows. */
#include "hub/fleet_people.h"

#include "base/text.h"
#include "hub/fleet_people_body.h"

#include <string.h>

static const char *const role_names[ROLE_COUNT] = { [ROLE_VIEWER] = "viewer", [ROLE_ADMIN] = "admin" };

const char *person_role_name(enum person_role role)
{
    return role_names[role];
}

bool person_role_parse(const char *word, enum person_role *out)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(word, role_names[i]) == 0) {
            *out = (enum person_role)i;
            return true;
        }
    }
    return false;
}

void fleet_person_scope(const struct fleet_person *p, struct fleet_scope *out)
{
    *out = (struct fleet_scope){ .kind = p->clusters[0] != '\0' ? SCOPE_CLUSTERS : SCOPE_FLEET };
    if (!text_copy(out->clusters, sizeof out->clusters, p->clusters))
        out->kind = SCOPE_NOTHING;
}

/* One write: what, and with what. */
struct change {
    int (*run)(struct fleet_store *s, const struct change *c, struct err *e);
    const struct fleet_person *person;
    const struct fleet_ticket *ticket;
    const struct fleet_audit *audit;
    const char *name, *hash;
};

static const struct fleet_people_ops *ops_of(const struct fleet_store *s)
{
    return s->body->ops->people;
}

static int change(struct fleet_store *s, const struct change *c, struct err *e)
{
    const struct fleet_body_ops *ops = s->body->ops;
    int rc, tries = 0;

    do {
        rc = ops->begin(s->body, true, e);
        if (rc == 0)
            rc = c->run(s, c, e);
        if (rc == 0)
            rc = ops->commit(s->body, e);
        if (rc != 0)
            ops->rollback(s->body);
    } while (rc != 0 && fleet_try_again(s, &tries));
    return rc;
}

static int run_person_put(struct fleet_store *s, const struct change *c, struct err *e)
{
    return ops_of(s)->person_put(s->body, c->person, e);
}

static int run_person_password(struct fleet_store *s, const struct change *c, struct err *e)
{
    int rc = ops_of(s)->person_hash(s->body, c->name, c->hash, e);

    return rc != 0 ? rc : ops_of(s)->tickets_drop(s->body, c->name, e);
}

static int run_person_limits(struct fleet_store *s, const struct change *c, struct err *e)
{
    return ops_of(s)->person_limits(s->body, c->person, e);
}

static int run_person_drop(struct fleet_store *s, const struct change *c, struct err *e)
{
    int rc = ops_of(s)->tickets_drop(s->body, c->name, e);

    return rc != 0 ? rc : ops_of(s)->person_drop(s->body, c->name, e);
}

static int run_ticket_put(struct fleet_store *s, const struct change *c, struct err *e)
{
    int rc = ops_of(s)->tickets_prune(s->body, c->ticket->seen, e);

    return rc != 0 ? rc : ops_of(s)->ticket_put(s->body, c->ticket, e);
}

static int run_ticket_seen(struct fleet_store *s, const struct change *c, struct err *e)
{
    return ops_of(s)->ticket_seen(s->body, c->ticket, e);
}

static int run_ticket_drop(struct fleet_store *s, const struct change *c, struct err *e)
{
    return ops_of(s)->ticket_drop(s->body, c->name, e);
}

static int run_tickets_drop(struct fleet_store *s, const struct change *c, struct err *e)
{
    return ops_of(s)->tickets_drop(s->body, c->name, e);
}

static int run_audit_put(struct fleet_store *s, const struct change *c, struct err *e)
{
    return ops_of(s)->audit_put(s->body, c->audit, AUDIT_ROWS_MAX, e);
}

int fleet_person_put(struct fleet_store *s, const struct fleet_person *p, struct err *e)
{
    return change(s, &(struct change){ .run = run_person_put, .person = p }, e);
}

int fleet_person_password(struct fleet_store *s, const char *name, const char *hash, struct err *e)
{
    return change(s, &(struct change){ .run = run_person_password, .name = name, .hash = hash }, e);
}

int fleet_person_limits(struct fleet_store *s, const struct fleet_person *p, struct err *e)
{
    return change(s, &(struct change){ .run = run_person_limits, .person = p }, e);
}

int fleet_person_drop(struct fleet_store *s, const char *name, struct err *e)
{
    return change(s, &(struct change){ .run = run_person_drop, .name = name }, e);
}

int fleet_ticket_put(struct fleet_store *s, const struct fleet_ticket *t, struct err *e)
{
    return change(s, &(struct change){ .run = run_ticket_put, .ticket = t }, e);
}

int fleet_ticket_seen(struct fleet_store *s, const struct fleet_ticket *t, struct err *e)
{
    return change(s, &(struct change){ .run = run_ticket_seen, .ticket = t }, e);
}

int fleet_ticket_drop(struct fleet_store *s, const char *digest, struct err *e)
{
    return change(s, &(struct change){ .run = run_ticket_drop, .name = digest }, e);
}

int fleet_tickets_drop(struct fleet_store *s, const char *person, struct err *e)
{
    return change(s, &(struct change){ .run = run_tickets_drop, .name = person }, e);
}

int fleet_audit_put(struct fleet_store *s, const struct fleet_audit *a, struct err *e)
{
    return change(s, &(struct change){ .run = run_audit_put, .audit = a }, e);
}

/* ---- reading ----------------------------------------------------------------------------- */

static int reading(struct fleet_store *s, struct err *e)
{
    return s->body->ops->begin(s->body, false, e);
}

static int done_reading(struct fleet_store *s, int rc)
{
    s->body->ops->rollback(s->body);
    return rc;
}

int fleet_person_get(struct fleet_store *s, const char *name, struct fleet_person *out, struct err *e)
{
    int rc = reading(s, e);

    return rc != 0 ? rc : done_reading(s, ops_of(s)->person_get(s->body, name, out, e));
}

int fleet_people_each(struct fleet_store *s, fleet_take_person *take, void *arg, struct err *e)
{
    int rc = reading(s, e);

    return rc != 0 ? rc : done_reading(s, ops_of(s)->person_each(s->body, take, arg, e));
}

int fleet_ticket_get(struct fleet_store *s, const char *digest, int64_t now_ns, struct fleet_ticket *out, struct err *e)
{
    int rc = reading(s, e);

    return rc != 0 ? rc : done_reading(s, ops_of(s)->ticket_get(s->body, digest, now_ns, out, e));
}

int fleet_audit_each(struct fleet_store *s, int64_t since_ns, int limit, fleet_take_audit *take, void *arg,
                     struct err *e)
{
    int rc = reading(s, e);

    return rc != 0 ? rc : done_reading(s, ops_of(s)->audit_each(s->body, since_ns, limit, take, arg, e));
}
