/* One request and its answer, inside the hub's HTTP side. */
#ifndef HUB_EXCHANGE_H
#define HUB_EXCHANGE_H

#include "base/buf.h"
#include "hub/decompress.h"
#include "hub/fleet_history_json.h"
#include "hub/fleet_incidents_report.h"
#include "hub/fleet_people.h"
#include "hub/fleet_report.h"
#include "hub/limits_watch.h"
#include "hub/metrics.h"
#include "hub/server.h"
#include "hub/web.h"

#include <microhttpd.h>
#include <stdatomic.h>

struct server {
    struct server_options o;
    struct hub_config config;
    struct MHD_Daemon *daemon;
    struct watch *watch;       /* of its connections */
    struct ca *ca;             /* owned; NULL none */
    bool asks_certificates;    /* of its clients */
    _Atomic size_t body_bytes; /* held in bodies that are still coming in */
    size_t body_bytes_max;
    _Atomic int busy;     /* exchanges that wait for the writer or the worker */
    _Atomic int open;     /* exchanges that were handed over and not yet answered to the end */
    _Atomic bool closing; /* nothing new is handed over */
};

/* How errors are told: OTLP wants a Status message in the request's own encoding. */
enum dialect { DIALECT_TEXT, DIALECT_PROTOBUF, DIALECT_JSON };

enum phase {
    PHASE_READING,    /* the body is coming in */
    PHASE_DISCARDING, /* the answer is known, the rest of the body is of no interest */
    PHASE_WAITING,    /* suspended */
    PHASE_ANSWER,
    PHASE_SENT,
};

struct reply {
    int status;
    const char *type; /* static */
    struct buf body;
    const char *allow; /* Allow; NULL none */
    int retry_after_s; /* 0 none */
    bool has_acked;
    uint64_t acked_through;
    bool has_budget;
    int64_t budget;       /* Hvfleet-Send-Budget */
    bool takes_state;     /* Hvfleet-Takes-State */
    const char *location; /* Location; static; NULL none */
    char cookies[2][192]; /* Set-Cookie; "" none */
    bool close;           /* the connection ends with it */
    bool page;            /* of the dashboard: goes out with its content policy */
    bool lasting;         /* may be kept by a browser: its address changes with it */
};

struct exchange;

/* Whom a path is for.  0 is nobody, so that a route that forgets it is closed. */
enum access {
    ACCESS_NOBODY,
    ACCESS_AGENTS, /* loopback, a token of ingest.token_file, a client certificate */
    ACCESS_OPEN,   /* anybody */
    ACCESS_VIEWER, /* programs as above but for loopback; people who have signed in, or show a token */
    ACCESS_FLEET,  /* the same, but for people who see some clusters alone */
    ACCESS_ADMIN,  /* people who are admins */
};

enum {
    ROUTE_BELOW = 1,  /* path ends in '/', and whatever follows it is the route's too */
    ROUTE_AGENTS = 2, /* an enrolled agent's certificate opens it; others open only to people's */
    ROUTE_PAGE = 4,   /* a browser without a login is sent to /login */
};

struct route {
    const char *path, *method;
    enum access access;
    void (*begin)(struct exchange *x);  /* headers are there; may refuse; NULL nothing to check */
    void (*finish)(struct exchange *x); /* body is there: answers, or hands over */
    unsigned how;                       /* ROUTE_... */
};

/* routes.c: all of them; ends with a NULL path.  Tests look at each. */
extern const struct route server_routes[];
/* NULL when there is none; then *allow is set when there is one for another method. */
const struct route *route_find(const char *path, const char *method, const char **allow);

/* How it is to be found out who asks (login.h). */
enum asking { ASK_NOTHING, ASK_SESSION, ASK_TOKEN, ASK_NAME };

/* Who asks, and what is shown: nothing, until login_check() or the look-up says more. */
struct viewer {
    enum asking ask;                /* what is still to be looked up */
    char ticket[TICKET_DIGEST_MAX]; /* of the session or token shown; "" none */
    bool person;                    /* the account of `name`, or whom a proxy names so */
    char name[PERSON_NAME_MAX];
    enum person_role role;
    struct fleet_scope scope;
};

struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    const struct route *route;
    enum phase phase;
    enum dialect dialect;
    enum body_encoding encoding;
    struct buf body;
    uint64_t received; /* bytes of body, kept or not */
    size_t charged;    /* of server->body_bytes */
    int64_t deadline;  /* monotonic: the whole body must be there */
    int handovers;     /* how often it was suspended */
    struct viewer viewer;
    struct reply reply;
    struct fleet_speaker speaker; /* who this is, once exchange_allowed() was asked */
    bool certificate;             /* it showed one that was verified */
    struct enrolling *enrolling;  /* owned; NULL but on the routes of enrolment */
    struct writer_job job;
    char credential[FLEET_CREDENTIAL_MAX]; /* of ingest; job points to it */
    struct work work;
    struct report_query query;
    struct history_query history;
    struct incidents_query incidents;
    enum metrics_format metrics;
    const char *below;             /* what of the path comes after the route's; valid during begin() */
    struct web_query *web;         /* owned; NULL but on the dashboard's routes */
    const struct web_asset *asset; /* static */
};

/* Sets the answer to an error, told in the exchange's dialect; what is still coming in is read and dropped. */
void exchange_refuse(struct exchange *x, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A plain answer. */
void exchange_text(struct exchange *x, int status, const char *text);

const char *exchange_header(const struct exchange *x, const char *name); /* NULL when absent */

bool exchange_allowed(struct exchange *x); /* may this peer speak? */

void exchange_drop_body(struct exchange *x); /* gives the body's memory back */

/* Suspends the connection; false when the server is closing (nothing has happened then).  After it
 * exchange_resume() must be called once, from any thread, with x->reply set, and the route's
 * function must touch nothing more of x than what hands it over. */
bool exchange_suspend(struct exchange *x);
void exchange_resume(struct exchange *x);
/* In place of it, when there is no answer yet: the route's finish() is called. */
void exchange_go_on(struct exchange *x);

/* ingest.c: POST /v1/logs */
/* What a sender has to show, in a sentence; static. */
const char *ingest_needs(const struct server *s);
void ingest_begin(struct exchange *x);
void ingest_finish(struct exchange *x);

/* enroll.c: POST /v1/enroll, POST /v1/renew */
void enroll_begin(struct exchange *x);
void enroll_finish(struct exchange *x);
void renew_begin(struct exchange *x);
void renew_finish(struct exchange *x);

/* pages.c: what is asked with GET */
void page_livez(struct exchange *x);
void page_readyz(struct exchange *x);
void page_metrics(struct exchange *x);
void page_report_drift(struct exchange *x);
void page_report_hosts(struct exchange *x);

/* pages_history.c */
void page_history_changes(struct exchange *x);
void page_history_days(struct exchange *x);
void page_findings(struct exchange *x);

/* pages_incidents.c */
void page_report_incidents(struct exchange *x);
void page_incident_begin(struct exchange *x);
void page_incident(struct exchange *x);

/* Hands the exchange to a worker's thread, where run must set the answer and call exchange_resume() (or go on). */
void exchange_hand_over(struct exchange *x, struct worker *worker, void (*run)(struct work *work));
/* To that which makes reports and pages. */
void page_hand_over(struct exchange *x, void (*run)(struct work *work));
/* The fleet as this viewer may see it.  On that worker's thread alone; until the next exchange's turn. */
struct fleet_store *exchange_reading(struct exchange *x);
struct exchange *exchange_of(struct work *work);

/* web_pages.c: the dashboard */
void web_begin_fleet(struct exchange *x);
void web_begin_guests(struct exchange *x);
void web_begin_cluster(struct exchange *x);
void web_begin_host(struct exchange *x);
void web_begin_guest(struct exchange *x);
void web_begin_incidents(struct exchange *x);
void web_begin_incident(struct exchange *x);
void web_finish(struct exchange *x);
void web_begin_asset(struct exchange *x);
void web_finish_asset(struct exchange *x);

#endif
