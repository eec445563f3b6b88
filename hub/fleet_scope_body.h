/* What the files of the scoped body (fleet_scope.h) share. */
#ifndef HUB_FLEET_SCOPE_BODY_H
#define HUB_FLEET_SCOPE_BODY_H

#include "base/arena.h"
#include "hub/fleet_body.h"
#include "hub/fleet_scope.h"

#define SCOPED_BYTES_MAX ((size_t)64 * 1024 * 1024) /* of host ids */

struct scoped_body {
    struct fleet_body body;
    struct fleet_body *inner; /* not owned */
    struct fleet_scope scope;
    struct arena arena;
    const char **hosts; /* ids of those within, sorted; of this transaction */
    size_t host_count, host_cap;
    bool loaded, failed;
};

/* NULL out of memory. */
struct scoped_body *scoped_body_new(struct fleet_body *inner);
void scoped_body_free(struct scoped_body *s);
struct scoped_body *scoped_body_of(struct fleet_body *b);

/* The clusters of the scope, each once: *at NULL to begin. */
bool scoped_next(const struct scoped_body *s, const char **at, char out[FLEET_CLUSTER_MAX]);

/* Reads which hosts are within, unless this transaction has; then scoped_host_within() tells. */
MUST_USE int scoped_hosts(struct scoped_body *s, struct err *e);
bool scoped_host_within(const struct scoped_body *s, const char *host_id);

/* fleet_scope_read.c: as the members of fleet_body_ops of these names. */
int scoped_host_get(struct fleet_body *b, const char *host_id, struct host *out, struct err *e);
int scoped_guest_get(struct fleet_body *b, const char *vm_id, struct guest *out, struct err *e);
int scoped_guest_next_on_host(struct fleet_body *b, const char *host_id, const char *after, struct guest *out,
                              struct err *e);
int scoped_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e);
int scoped_read_findings(struct fleet_body *b, const struct fleet_finding_query *q, fleet_take_finding *take, void *arg,
                         struct err *e);
int scoped_read_silent(struct fleet_body *b, const struct fleet_finding_query *q, int64_t heard_before,
                       fleet_take_heard *take, void *arg, struct err *e);
int scoped_read_other_agents(struct fleet_body *b, const struct fleet_finding_query *q, const char *version,
                             fleet_take_heard *take, void *arg, struct err *e);
int scoped_read_versions(struct fleet_body *b, bool (*take)(void *arg, const char *version), void *arg, struct err *e);

/* fleet_scope_past.c: the same. */
int scoped_read_changes(struct fleet_body *b, const struct fleet_change_query *q, fleet_take_change *take, void *arg,
                        struct err *e);
int scoped_read_counts(struct fleet_body *b, const char *cluster, fleet_take_count *take, void *arg, struct err *e);
int scoped_read_clusters(struct fleet_body *b, fleet_take_count *take, void *arg, struct err *e);
int scoped_stats(struct fleet_body *b, struct fleet_stats *out, struct err *e);
int scoped_incident_get(struct fleet_body *b, const char *id, fleet_take_incident_row *take, void *arg, struct err *e);
int scoped_incidents(struct fleet_body *b, const struct fleet_incident_query *q, fleet_take_incident_row *take,
                     void *arg, struct err *e);

#endif
