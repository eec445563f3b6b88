/* See fleet_rows.h. */
#include "hub/fleet_rows.h"

#include "base/log.h"

#include <string.h>

enum fleet_rows_of fleet_guests_of(const struct fleet_reader *r)
{
    if (r->host_id != NULL)
        return GUESTS_ON_HOST;
    if (r->changed_from != 0)
        return GUESTS_CHANGED;
    if (r->page_after != NULL)
        return r->page_state >= 0 ? GUESTS_PAGE_OF_STATE : GUESTS_PAGE;
    return r->cluster != NULL ? GUESTS_OF_CLUSTER : GUESTS_ALL;
}

enum fleet_rows_of fleet_hosts_of(const struct fleet_reader *r)
{
    if (r->changed_from != 0)
        return HOSTS_CHANGED;
    return r->scoped && r->cluster != NULL ? HOSTS_OF_CLUSTER : HOSTS_ALL;
}

enum fleet_rows_of fleet_agents_of(const struct fleet_reader *r)
{
    if (!r->scoped || (r->host_id == NULL && r->cluster == NULL))
        return AGENTS_ALL;
    return r->host_id != NULL ? AGENTS_ON_HOST : AGENTS_OF_CLUSTER;
}

size_t fleet_parameters(enum fleet_rows_of which, const struct fleet_reader *r,
                        struct fleet_parameter out[FLEET_PARAMETERS_MAX])
{
    switch (which) {
    case GUESTS_OF_CLUSTER:
    case HOSTS_OF_CLUSTER:
    case AGENTS_OF_CLUSTER:
        out[0] = (struct fleet_parameter){ .text = r->cluster };
        return 1;
    case GUESTS_ON_HOST:
    case AGENTS_ON_HOST:
        out[0] = (struct fleet_parameter){ .text = r->host_id };
        return 1;
    case GUESTS_CHANGED:
    case HOSTS_CHANGED:
        out[0] = (struct fleet_parameter){ .number = r->changed_from };
        out[1] = (struct fleet_parameter){ .number = r->changed_below };
        return 2;
    case GUESTS_PAGE_OF_STATE:
        out[2] = (struct fleet_parameter){ .text = drift_state_name((enum drift_state)r->page_state) };
        /* fallthrough */
    case GUESTS_PAGE:
        out[0] = (struct fleet_parameter){ .text = r->page_after };
        out[1] = (struct fleet_parameter){ .number = r->page_rows };
        return which == GUESTS_PAGE ? 2 : 3;
    default:
        return 0;
    }
}

bool fleet_give_host(const struct fleet_reader *r, const void *state, size_t len, const char *host_id)
{
    struct host h;

    if (host_decode(&h, state, len, NULL) == 0)
        return r->host(r->arg, &h);
    log_event(LOG_WARN, "store.host_damaged", LOG_S("host_id", host_id));
    return true;
}

bool fleet_give_guest(const struct fleet_reader *r, struct guest *scratch, const void *state, size_t len,
                      const char *vm_id)
{
    if (guest_decode(scratch, state, len, NULL) == 0)
        return r->guest(r->arg, scratch);
    log_event(LOG_WARN, "store.guest_damaged", LOG_S("vm_id", vm_id));
    return true;
}

void fleet_give_peer(const struct fleet_reader *r, const char *build, const char *highest)
{
    struct version os, is;

    if (version_parse(build, &os) > 0 && version_parse(highest, &is) > 0)
        drift_peers_put(r->peers, &os, &is);
}

int fleet_guest_decode(const void *state, size_t len, const char *vm_id, struct guest *out, struct err *e)
{
    int rc = guest_decode(out, state, len, e);

    if (rc == 0 && strcmp(out->vm_id, vm_id) != 0)
        return err_set(e, ERR_CORRUPT, "guest %s: its state is about another", vm_id);
    return rc;
}
