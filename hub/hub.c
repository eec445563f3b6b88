/* See hub.h. */
#include "hub/hub.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "config/hub_url.h"
#include "config/store_url.h"
#include "hub/ca.h"
#include "hub/deliver.h"
#include "hub/fleet_incidents.h"
#include "hub/forward.h"
#include "hub/login.h"
#include "hub/rules_folder.h"
#include "hub/server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STOP_MAX_NS (4 * NS_PER_S)

enum {
    QUEUE_JOBS = 256,
    QUEUE_BODIES = 2, /* unpacked bytes that may wait, in times of ingest.max_decoded */
    REPORTS_QUEUED = 16,
};

enum { WATCHED = 6 };

/* What tells one state of the watched files from the next. */
struct file_marks {
    struct {
        int64_t mtime_ns;
        uint64_t inode, size; /* 0 not there */
    } of[WATCHED];
};

struct hub {
    struct hub_config config;
    bool distrust_loopback;
    struct counters counters;
    struct auth *auth;
    struct rate *rate;
    struct login *login;
    struct fleet_store *store;      /* the writer's */
    struct fleet_store *reading;    /* the worker's */
    struct fleet_store *enrolling;  /* the worker's, to write to */
    struct fleet_store *delivering; /* the delivery thread's; NULL while there are no deliveries */
    struct deliver *deliver;
    struct writer *writer;
    struct worker *worker;
    struct listener listener;
    struct server *server;
    struct file_marks marks; /* of the files as they are in force */
    struct forward *forward; /* NULL: nothing is forwarded */
    char address[LISTENER_TEXT_MAX + 16];
};

enum { STORE_NAME_MAX = 256 };

const char *hub_store_path(const struct hub_config *config)
{
    return config->store[0] != '\0' ? config->store : "/var/lib/hvhub/fleet.db";
}

static struct fleet_store_options store_options(const struct hub_config *c, bool read_only)
{
    return (struct fleet_store_options){
        .path = hub_store_path(c),
        .read_only = read_only,
        .patient = true,
        .keep_ns = c->keep_ns,
        .foreign_max = c->foreign_max,
        .history = { c->keep_moves_ns, c->keep_changes_ns, c->keep_days_ns, c->keep_findings_ns, c->incidents.keep_ns },
        .incidents = { c->incidents.tolerance_ns, c->incidents.before_ns, c->incidents.after_ns },
        .floors = &c->floors,
        .clock = plat_clock(),
        .model_max = read_only ? (size_t)c->report_memory_max : 0,
    };
}

static int open_store(const struct hub_config *c, bool read_only, struct fleet_store **out, struct err *e)
{
    struct fleet_store_options options = store_options(c, read_only);

    return fleet_store_open(out, &options, e);
}

static int new_forward(const struct hub_config *c, struct counters *counters, struct forward **out, struct err *e)
{
    struct fleet_store_options store = store_options(c, false);
    struct forward_options options = {
        .config = c,
        .store = &store,
        .counters = counters,
        .clock = plat_clock(),
    };

    return forward_new(out, &options, e);
}

static int start_server(struct hub *h, const struct hub_config *config, struct server **out, struct err *e)
{
    struct tls_material tls;
    struct server_options options = {
        .config = config,
        .tls = &tls,
        .listener = &h->listener,
        .auth = h->auth,
        .writer = h->writer,
        .worker = h->worker,
        .reading = h->reading,
        .enrolling = h->enrolling,
        .counters = &h->counters,
        .rate = h->rate,
        .login = h->login,
        .clock = plat_clock(),
        .distrust_loopback = h->distrust_loopback,
    };
    const char *closed;
    int rc = tls_load(config, &tls, e);

    if (rc != 0)
        return rc;
    rc = server_start(out, &options, e);
    closed = tls_nobody_can_send(config, &tls);
    if (rc == 0 && closed != NULL)
        log_event(LOG_WARN, "ingest.closed", LOG_S("problem", closed));
    tls_free(&tls); /* but for what the server has taken */
    return rc;
}

static void mark_files(const struct hub_config *c, struct file_marks *out)
{
    char ca_cert[CA_PATH_MAX + 16], ca_key[CA_PATH_MAX + 16], folder[CA_PATH_MAX];
    const char *const paths[WATCHED] = { c->cert_file, c->key_file, c->client_ca_file, c->token_file, ca_cert, ca_key };
    struct stat st;

    *out = (struct file_marks){ .of = { { 0 } } };
    ca_folder(c, folder);
    snprintf(ca_cert, sizeof ca_cert, "%s/ca.pem", folder);
    snprintf(ca_key, sizeof ca_key, "%s/ca.key", folder);
    for (int i = 0; i < WATCHED; i++) {
        if (paths[i][0] == '\0' || stat(paths[i], &st) != 0)
            continue;
        out->of[i].mtime_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
        out->of[i].inode = st.st_ino;
        out->of[i].size = (uint64_t)st.st_size;
    }
}

/* The server and its settings are in force from here on. */
static void put_in_force(struct hub *h, struct server *server, const struct hub_config *config)
{
    h->server = server;
    h->config = *config;
    rate_set(h->rate, config->agent_rate);
    log_set_level(config->log_level);
    snprintf(h->address, sizeof h->address, "%s://%s", config->cert_file[0] != '\0' ? "https" : "http",
             h->listener.text);
}

static int start_threads(struct hub *h, struct err *e)
{
    struct writer_options options = {
        .store = h->store,
        .counters = &h->counters,
        .clock = plat_clock(),
        .jobs_max = QUEUE_JOBS,
        .bytes_max = (size_t)h->config.body_max_decoded * QUEUE_BODIES,
    };
    int rc = writer_start(&h->writer, &options, e);

    return rc != 0 ? rc : worker_start(&h->worker, REPORTS_QUEUED, e);
}

/* Those of the settings in force.  Without any there is no thread, and no connection for it. */
static int start_deliver(struct hub *h, const struct hub_config *config, struct err *e)
{
    struct deliver_setup setup = {
        .config = config,
        .counters = &h->counters,
        .clock = plat_clock(),
        .random = plat_random(),
        .send = deliver_send,
    };
    int rc = 0;

    if (config->delivery.count == 0)
        return 0;
    if (h->delivering == NULL)
        rc = open_store(&h->config, false, &h->delivering, e);
    setup.store = h->delivering;
    return rc != 0 ? rc : deliver_start(&h->deliver, &setup, e);
}

static void free_parts(struct hub *h)
{
    deliver_stop(h->deliver);
    forward_stop(h->forward);
    worker_stop(h->worker);
    writer_stop(h->writer);
    fleet_store_close(h->delivering);
    fleet_store_close(h->enrolling);
    login_free(h->login);
    fleet_store_close(h->reading);
    fleet_store_close(h->store);
    listener_close(&h->listener);
    auth_free(h->auth);
    rate_free(h->rate);
    free(h);
}

/* Into the log, once it runs. */
static void say_started(struct hub *h)
{
    char name[STORE_NAME_MAX], reason[ERR_TEXT_MAX];

    store_path_name(hub_store_path(&h->config), name, sizeof name);
    log_event(LOG_INFO, "hub.started", LOG_S("address", h->address), LOG_S("store", name));
    if (!hub_ready(h, reason, sizeof reason))
        log_event(LOG_WARN, "hub.waiting", LOG_S("for", name), LOG_S("problem", reason));
}

static int open_people(struct hub *h, struct err *e)
{
    struct fleet_store *door, *signing;
    int rc = open_store(&h->config, false, &door, e);

    if (rc != 0)
        return rc;
    rc = open_store(&h->config, false, &signing, e);
    if (rc != 0) {
        fleet_store_close(door);
        return rc;
    }
    return login_new(&h->login, door, signing, plat_clock(), e);
}

int hub_start(struct hub **out, const struct hub_options *options, struct err *e)
{
    struct hub *h = calloc(1, sizeof *h);
    struct server *server = NULL;
    struct rules *rules = NULL;
    struct file_marks marks;
    int rc;

    if (h == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    h->config = *options->config;
    h->counters.start_ns = plat_clock()->wall_ns(plat_clock());
    h->distrust_loopback = options->distrust_loopback;
    h->listener.fd = -1;
    log_set_level(h->config.log_level);
    mark_files(options->config, &marks); /* before they are read: a change in between is seen later */
    rc = auth_new(&h->auth, e);
    if (rc == 0)
        rc = rate_new(&h->rate, plat_clock(), plat_random(), e);
    if (rc == 0)
        rc = auth_load(h->auth, h->config.token_file, e);
    if (rc == 0)
        rc = listener_open(&h->listener, h->config.listen, e);
    if (rc == 0)
        rc = open_store(&h->config, false, &h->store, e);
    if (rc == 0)
        rc = rules_folder_check(&h->config.incidents, &rules, e);
    if (rc == 0)
        fleet_store_rules(h->store, rules);
    if (rc == 0)
        rc = open_store(&h->config, true, &h->reading, e);
    if (rc == 0)
        rc = open_store(&h->config, false, &h->enrolling, e);
    if (rc == 0)
        rc = open_people(h, e);
    if (rc == 0)
        rc = new_forward(&h->config, &h->counters, &h->forward, e);
    if (rc == 0) {
        forward_announce(h->forward, h->store);
        rc = start_threads(h, e);
    }
    if (rc == 0)
        rc = forward_run(h->forward, e);
    if (rc == 0)
        rc = start_deliver(h, &h->config, e);
    if (rc == 0)
        rc = start_server(h, options->config, &server, e);
    if (rc != 0) {
        free_parts(h);
        return rc;
    }
    put_in_force(h, server, options->config);
    h->marks = marks;
    say_started(h);
    *out = h;
    return 0;
}

const char *hub_address(const struct hub *h)
{
    return h->address;
}

bool hub_ready(struct hub *h, char *reason, size_t size)
{
    return writer_ready(h->writer, reason, size);
}

/* ---- reload -------------------------------------------------------------------------- */

/* What can not change while running stays as it is, and is said. */
static void keep_fixed(const struct hub_config *old, struct hub_config *new)
{
    bool same_store = strcmp(hub_store_path(old), hub_store_path(new)) == 0 && old->keep_ns == new->keep_ns &&
                      old->foreign_max == new->foreign_max && old->report_memory_max == new->report_memory_max;
    bool same_history = old->keep_moves_ns == new->keep_moves_ns && old->keep_changes_ns == new->keep_changes_ns &&
                        old->keep_days_ns == new->keep_days_ns && old->keep_findings_ns == new->keep_findings_ns;
    bool same_incidents = old->incidents.tolerance_ns == new->incidents.tolerance_ns &&
                          old->incidents.before_ns == new->incidents.before_ns &&
                          old->incidents.after_ns == new->incidents.after_ns &&
                          old->incidents.keep_ns == new->incidents.keep_ns;
    char name[STORE_NAME_MAX];

    store_path_name(hub_store_path(old), name, sizeof name);
    if (strcmp(old->listen, new->listen) != 0)
        log_event(LOG_WARN, "reload.needs_restart", LOG_S("key", "listen"), LOG_S("in_force", old->listen));
    if (!same_store)
        log_event(LOG_WARN, "reload.needs_restart", LOG_S("key", "store"), LOG_S("in_force", name));
    if (!same_history)
        log_event(LOG_WARN, "reload.needs_restart", LOG_S("key", "history"),
                  LOG_S("in_force", "the settings from before"));
    if (!same_incidents)
        log_event(LOG_WARN, "reload.needs_restart", LOG_S("key", "incidents"),
                  LOG_S("in_force", "the settings from before"));
    text_copy(new->listen, sizeof new->listen, old->listen);
    text_copy(new->store, sizeof new->store, old->store);
    new->keep_ns = old->keep_ns;
    new->foreign_max = old->foreign_max;
    new->report_memory_max = old->report_memory_max;
    new->keep_moves_ns = old->keep_moves_ns;
    new->keep_changes_ns = old->keep_changes_ns;
    new->keep_days_ns = old->keep_days_ns;
    new->keep_findings_ns = old->keep_findings_ns;
    new->incidents.tolerance_ns = old->incidents.tolerance_ns;
    new->incidents.before_ns = old->incidents.before_ns;
    new->incidents.after_ns = old->incidents.after_ns;
    new->incidents.keep_ns = old->incidents.keep_ns;
}

/* One that does not end in time is left to itself: it has its answers to give, and nothing new comes to it. */
static void stop_old(struct server *s)
{
    struct err e = { 0 };

    if (server_stop(s, STOP_MAX_NS, &e) != 0)
        log_event(LOG_WARN, "reload.old_server_left", LOG_S("problem", e.text));
}

/* One set of targets' threads ends before the next begins: they would only wait for each other's lease. */
static void change_forward(struct hub *h, struct forward *next)
{
    struct err e = { 0 };

    forward_stop(h->forward);
    h->forward = next;
    if (forward_run(next, &e) != 0)
        log_event(LOG_ERROR, "reload.forward", LOG_S("problem", e.text));
}

/* The deliveries of the new settings.  Should they not start there are none, which is said. */
static void restart_deliver(struct hub *h)
{
    struct err e = { 0 };

    deliver_stop(h->deliver);
    h->deliver = NULL;
    if (start_deliver(h, &h->config, &e) != 0)
        log_event(LOG_ERROR, "reload.no_deliveries", LOG_S("problem", e.text));
}

int hub_reload(struct hub *h, const struct hub_config *config, struct err *e)
{
    struct hub_config *next = malloc(sizeof *next);
    struct server *server = NULL, *old = h->server;
    struct forward *forward = NULL;
    struct rules *rules = NULL;
    struct file_marks marks;
    int rc;

    if (next == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    *next = *config;
    keep_fixed(&h->config, next);
    mark_files(next, &marks);
    rc = rules_folder_check(&next->incidents, &rules, e);
    if (rc == 0)
        rc = new_forward(next, &h->counters, &forward, e);
    if (rc == 0)
        rc = start_server(h, next, &server, e);
    if (rc == 0)
        rc = auth_load(h->auth, next->token_file, e);
    if (rc == 0) {
        put_in_force(h, server, next);
        fleet_store_rules(h->store, rules);
        h->marks = marks;
        restart_deliver(h);
        stop_old(old);
        change_forward(h, forward);
    } else {
        stop_old(server);
        forward_stop(forward);
        rules_free(rules);
    }
    free(next);
    return rc;
}

int hub_renew_files(struct hub *h, bool *changed, struct err *e)
{
    struct file_marks marks;

    mark_files(&h->config, &marks);
    *changed = memcmp(&marks, &h->marks, sizeof marks) != 0;
    return *changed ? hub_reload(h, &h->config, e) : 0;
}

int hub_stop(struct hub *h, struct err *e)
{
    int rc;

    if (h == NULL)
        return 0;
    rc = server_stop(h->server, STOP_MAX_NS, e);
    if (rc != 0)
        return rc;
    log_event(LOG_INFO, "hub.stopped", LOG_I("records", (int64_t)h->counters.records));
    free_parts(h);
    return 0;
}

/* ---- checking ---------------------------------------------------------------------------- */

static int check_listen(const struct hub_config *c, struct err *e)
{
    struct listen_address a;
    struct err why;

    if (listen_address_parse(c->listen, &a, &why) != 0)
        return err_set(e, ERR_INVALID, "listen: %s %s", c->listen, why.text);
    if (a.loopback || c->cert_file[0] != '\0')
        return 0;
    return err_set(e, ERR_REFUSED,
                   "listen: %s can be reached by others and there is no encryption; write tls.cert_file and"
                   " tls.key_file, or listen on 127.0.0.1",
                   c->listen);
}

/* Tokens, certificates and addresses of the targets, without sending anything. */
static int check_forward(const struct hub_config *config, struct err *e)
{
    static struct counters unused;
    struct forward *forward = NULL;
    int rc = new_forward(config, &unused, &forward, e);

    forward_stop(forward);
    return rc;
}

int hub_check(const struct hub_config *config, const char **note, struct err *e)
{
    struct tls_material tls;
    struct auth *auth = NULL;
    int rc = check_listen(config, e);

    *note = NULL;
    if (rc == 0)
        rc = fleet_store_check_path(hub_store_path(config), e);
    if (rc == 0)
        rc = auth_new(&auth, e);
    if (rc == 0)
        rc = auth_load(auth, config->token_file, e);
    auth_free(auth);
    if (rc == 0)
        rc = deliver_check(&config->delivery, e);
    if (rc != 0)
        return rc;
    rc = tls_load(config, &tls, e);
    if (rc == 0)
        *note = tls_nobody_can_send(config, &tls);
    tls_free(&tls);
    return rc != 0 ? rc : check_forward(config, e);
}
