/* What paths there are, whom each is for, and what does its work.  tests/hub/test_people_scope.c asks each of them
 * without a login. */
#include "hub/login.h"

#include <string.h>

const struct route server_routes[] = {
    { "/v1/logs", "POST", ACCESS_AGENTS, ingest_begin, ingest_finish, ROUTE_AGENTS },
    { "/v1/enroll", "POST", ACCESS_OPEN, enroll_begin, enroll_finish, 0 },
    { "/v1/renew", "POST", ACCESS_AGENTS, renew_begin, renew_finish, ROUTE_AGENTS },
    { "/livez", "GET", ACCESS_OPEN, NULL, page_livez, 0 },
    { "/readyz", "GET", ACCESS_OPEN, NULL, page_readyz, 0 },
    { "/metrics", "GET", ACCESS_FLEET, NULL, page_metrics, 0 },
    { "/api/v1/reports/drift", "GET", ACCESS_VIEWER, NULL, page_report_drift, ROUTE_AGENTS },
    { "/api/v1/reports/hosts", "GET", ACCESS_VIEWER, NULL, page_report_hosts, ROUTE_AGENTS },
    { "/api/v1/reports/incidents", "GET", ACCESS_VIEWER, NULL, page_report_incidents, 0 },
    { "/api/v1/incidents/", "GET", ACCESS_VIEWER, page_incident_begin, page_incident, ROUTE_BELOW },
    { "/api/v1/history/changes", "GET", ACCESS_VIEWER, NULL, page_history_changes, 0 },
    { "/api/v1/history/days", "GET", ACCESS_VIEWER, NULL, page_history_days, 0 },
    { "/api/v1/findings", "GET", ACCESS_VIEWER, NULL, page_findings, 0 },
    { "/login", "GET", ACCESS_OPEN, NULL, login_page, 0 },
    { "/login", "POST", ACCESS_OPEN, login_begin, login_finish, 0 },
    { "/logout", "POST", ACCESS_OPEN, login_begin, logout_finish, 0 },
    { "/account", "GET", ACCESS_VIEWER, NULL, account_page, ROUTE_PAGE },
    { "/account/password", "POST", ACCESS_VIEWER, login_begin, account_password_finish, ROUTE_PAGE },
    { "/audit", "GET", ACCESS_ADMIN, NULL, audit_page, ROUTE_PAGE },
    { "/", "GET", ACCESS_VIEWER, web_begin_fleet, web_finish, ROUTE_PAGE },
    { "/guests", "GET", ACCESS_VIEWER, web_begin_guests, web_finish, ROUTE_PAGE },
    { "/cluster/", "GET", ACCESS_VIEWER, web_begin_cluster, web_finish, ROUTE_BELOW | ROUTE_PAGE },
    { "/host/", "GET", ACCESS_VIEWER, web_begin_host, web_finish, ROUTE_BELOW | ROUTE_PAGE },
    { "/guest/", "GET", ACCESS_VIEWER, web_begin_guest, web_finish, ROUTE_BELOW | ROUTE_PAGE },
    { "/incidents", "GET", ACCESS_VIEWER, web_begin_incidents, web_finish, ROUTE_PAGE },
    { "/incident/", "GET", ACCESS_VIEWER, web_begin_incident, web_finish, ROUTE_BELOW | ROUTE_PAGE },
    { "/assets/", "GET", ACCESS_OPEN, web_begin_asset, web_finish_asset, ROUTE_BELOW },
    { .path = NULL },
};

static bool same_method(const struct route *r, const char *method)
{
    return strcmp(method, r->method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

static bool leads_to(const struct route *r, const char *path)
{
    return (r->how & ROUTE_BELOW) != 0 ? strncmp(path, r->path, strlen(r->path)) == 0 : strcmp(path, r->path) == 0;
}

const struct route *route_find(const char *path, const char *method, const char **allow)
{
    for (const struct route *r = server_routes; r->path != NULL; r++) {
        if (!leads_to(r, path))
            continue;
        if (same_method(r, method))
            return r;
        *allow = r->method;
    }
    return NULL;
}
