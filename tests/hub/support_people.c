/* See support_people.h. */
#include "tests/hub/support_people.h"

#include "base/text.h"
#include "base/times.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <stdio.h>

struct fleet_store *people_store(const struct running *r)
{
    static const struct drift_floors floors;
    struct fleet_store_options options = {
        .floors = &floors,
        .path = stores_are_postgres() ? postgres_store(r->store) : r->store,
        .clock = plat_clock(),
    };
    struct fleet_store *s = NULL;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_open(&s, &options, &e) == 0, "%s", e.text);
    return s;
}

int64_t people_now(void)
{
    return plat_clock()->wall_ns(plat_clock());
}

void people_add(const struct running *r, const char *name, enum person_role role, const char *clusters)
{
    struct fleet_store *s = people_store(r);
    struct fleet_person p = { .role = role, .created = people_now() };
    struct err e = { 0 };

    text_copy(p.name, sizeof p.name, name);
    text_copy(p.clusters, sizeof p.clusters, clusters);
    ck_assert_msg(password_hash(PASSWORD, p.hash, &e) == 0, "%s", e.text);
    ck_assert_msg(fleet_person_put(s, &p, &e) == 0, "%s", e.text);
    fleet_store_close(s);
}

const char *people_ticket(const struct running *r, const char *name, enum ticket_kind kind, int64_t ends)
{
    static char secret[SECRET_MAX];
    struct fleet_store *s = people_store(r);
    struct fleet_ticket t = { .kind = kind, .created = people_now(), .seen = 0, .ends = ends };
    struct err e = { 0 };

    secret_make(plat_random(), kind == TICKET_TOKEN ? SECRET_TOKEN : SECRET_SESSION, secret);
    secret_digest(secret, t.digest);
    text_copy(t.person, sizeof t.person, name);
    ck_assert_msg(fleet_ticket_put(s, &t, &e) == 0, "%s", e.text);
    fleet_store_close(s);
    return secret;
}

const char *people_bearer(const struct running *r, const char *name)
{
    static char header[SECRET_MAX + 32];

    snprintf(header, sizeof header, "Authorization: Bearer %s",
             people_ticket(r, name, TICKET_TOKEN, people_now() + 3600 * NS_PER_S));
    return header;
}

int people_get(const struct running *r, const char *path, const char *header)
{
    struct call call = { .path = path, .headers = { header } };

    return status_of(r, &call);
}
