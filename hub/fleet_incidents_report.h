/* The incidents report from the fleet store: `hvhub report incidents` and
 * GET /api/v1/reports/incidents. */
#ifndef HUB_FLEET_INCIDENTS_REPORT_H
#define HUB_FLEET_INCIDENTS_REPORT_H

#include "hub/fleet_incidents.h"
#include "report/incidents_report.h"

enum { INCIDENTS_ROWS_DEFAULT = 200 };

struct incidents_query {
    enum report_format format;
    struct report_style style;
    int64_t now_ns;
    int64_t since_ns; /* 0 all */
    char cluster[FLEET_CLUSTER_MAX];
    char vm_id[GUID_TEXT_MAX];
    char host[HOST_ID_MAX];
    char module[FLEET_MODULE_MAX];
    int64_t code; /* -1 all */
    int limit;    /* FLEET_INCIDENTS_MAX at most */
    int64_t after_time;
    char after_id[INCIDENT_ID_CHARS + 1]; /* the last incident of the answer before; "" none */
};

/* "0xd1", "209": a bug check's code, the _M bit or not. */
bool incidents_code_parse(const char *text, int64_t *out);

/* Appends the report: the newest `limit` of what was asked for, and, where all of the fleet or a cluster was asked
 * for from the beginning, crash rates over the same time.  ERR_NOT_FOUND: there is no incident after_id. */
MUST_USE int fleet_incidents_report(struct fleet_store *s, const struct incidents_query *q, struct buf *out,
                                    struct err *e);

/* One incident as JSON, by an id that it has or had.  ERR_NOT_FOUND. */
MUST_USE int fleet_incident_json(struct fleet_store *s, const char *id, struct buf *out, struct err *e);

#endif
