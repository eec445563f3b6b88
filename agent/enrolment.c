/* See enrolment.h.
 *
 * One job at a time on a worker thread: look at identity.pem, and ask for a
 * certificate when there is none, when it has run out, or when two thirds of its
 * life are over.  A job that goes well is followed by a look an hour later at most,
 * so that a clock that jumps is noticed; one that fails by another try, with
 * doubling waits. */
#include "agent/enrolment.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "plat/keys.h"
#include "plat/paths.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSR_MAX = 16 * 1024, CERTIFICATE_MAX = 64 * 1024, PATH_LENGTH_MAX = CONFIG_TEXT_MAX + 16 };

#define LOOK_NS      (INT64_C(3600) * NS_PER_S)
#define RETRY_MIN_NS (5 * NS_PER_S)
#define RETRY_MAX_NS (INT64_C(1800) * NS_PER_S)
#define PAUSE_NS     (NS_PER_S) /* between two questions, however short a certificate's life */

struct job {
    struct enrolment *owner; /* NULL: it has ended meanwhile */
    uv_work_t work;
    struct agent_config_hub hub;
    struct resource resource;
    char path[PATH_LENGTH_MAX], key[PATH_LENGTH_MAX]; /* of the identity, and of a key that waits for its certificate */
    char folder[CONFIG_TEXT_MAX];
    enrolment_ask *ask;
    int64_t now;
    unsigned spread; /* 0..255: how early of the last twentieth to renew */
    bool urgent;     /* the hub refuses the certificate that there is */

    /* What came of it. */
    struct identity identity; /* until 0: there is no certificate */
    bool new;                 /* it came just now */
    int rc;
    struct err err;
};

struct enrolment {
    struct enrolment_options options;
    struct agent_config_hub hub;
    char folder[CONFIG_TEXT_MAX], path[PATH_LENGTH_MAX];
    struct resource resource;
    uv_timer_t *timer; /* freed by itself when closed */
    struct job *job;   /* under way */
    bool again;        /* asked for once more meanwhile */
    bool on;
    unsigned char spread;
    struct identity identity;
    int64_t next_try;
    int failures;
    bool refused;
    char problem[ERR_TEXT_MAX];
};

const char *enrolment_state_name(enum enrolment_state s)
{
    static const char *const names[] = { "off", "waiting", "enrolled", "expired" };

    assert(s < sizeof names / sizeof names[0]);
    return names[s];
}

static int64_t now_of(const struct enrolment *n)
{
    return n->options.clock->wall_ns(n->options.clock);
}

/* Two thirds of the life, and up to a twentieth of it less. */
static int64_t renewal_time(int64_t from, int64_t until, unsigned spread)
{
    int64_t life = until - from;

    return until - life / 3 - life / 20 / 256 * (int64_t)spread;
}

/* ---- the job ---------------------------------------------------------------------------- */

/* From the key to the file that TLS is given. */
static int get_certificate(struct job *j, bool renew)
{
    struct enroll_request r = {
        .hub = &j->hub,
        .cert_file = renew ? j->identity.cert_file : NULL,
        .key_file = renew ? j->identity.key_file : NULL,
        .agent_id = j->resource.agent_id,
        .host_id = j->resource.host_id,
    };
    struct buf csr, pem;
    int rc;

    buf_init(&csr, CSR_MAX);
    buf_init(&pem, CERTIFICATE_MAX);
    rc = plat_key_ensure(j->key, &j->err);
    if (rc == 0)
        rc = plat_key_request(j->key, &csr, &j->err);
    r.csr = buf_text(&csr);
    if (rc == 0)
        rc = j->ask(&r, &pem, &j->err);
    if (rc == 0)
        rc = plat_key_join(j->key, buf_text(&pem), pem.len, j->path, &j->err);
    if (rc == 0)
        rc = plat_identity_read(j->path, &j->identity, &j->err);
    buf_free(&pem);
    buf_free(&csr);
    j->new = rc == 0;
    return rc;
}

static void work(uv_work_t *w)
{
    struct job *j = w->data;
    struct err unused;
    bool there;

    j->rc = plat_private_dir(j->folder, &j->err);
    if (j->rc != 0)
        return;
    plat_identity_settle(j->path); /* whoever used the one before has been told of this one */
    there = plat_identity_read(j->path, &j->identity, &unused) == 0;
    if (!there)
        j->identity = (struct identity){ 0 };
    if (there && !j->urgent && j->now < renewal_time(j->identity.from, j->identity.until, j->spread))
        return;
    j->rc = get_certificate(j, there && j->now < j->identity.until);
    if (j->rc == ERR_REFUSED && there && j->now < j->identity.until) {
        struct err first = j->err;

        j->rc = get_certificate(j, false); /* with a new token it may come back */
        if (j->rc != 0)
            j->err = first;
    }
}

/* ---- waiting ------------------------------------------------------------------------------ */

static void start(struct enrolment *n);

static void on_timer(uv_timer_t *timer)
{
    start(timer->data);
}

static int64_t wait_after_failure(const struct enrolment *n)
{
    int64_t wait = RETRY_MIN_NS;
    unsigned char chance;

    if (n->refused)
        wait = n->hub.auth_retry_ns;
    else
        for (int i = 1; i < n->failures && wait < RETRY_MAX_NS; i++)
            wait *= 2;
    if (!n->refused && wait > RETRY_MAX_NS)
        wait = RETRY_MAX_NS;
    n->options.random->fill(n->options.random, &chance, sizeof chance);
    return wait / 2 + wait / 512 * chance;
}

static void plan(struct enrolment *n)
{
    int64_t now = now_of(n), wait;

    if (n->failures > 0)
        wait = wait_after_failure(n);
    else
        wait = renewal_time(n->identity.from, n->identity.until, n->spread) - now;
    wait = wait < PAUSE_NS ? PAUSE_NS : wait > LOOK_NS ? LOOK_NS : wait;
    n->next_try = now + wait;
    uv_timer_start(n->timer, on_timer, (uint64_t)(wait / NS_PER_MS), 0);
}

static void take_result(struct enrolment *n, const struct job *j)
{
    bool had = n->identity.until != 0, other = strcmp(n->identity.cert_file, j->identity.cert_file) != 0;

    n->identity = j->identity;
    n->failures = j->rc == 0 ? 0 : n->failures + 1;
    n->refused = j->rc == ERR_REFUSED;
    if (j->rc != 0 && strcmp(n->problem, j->err.text) != 0)
        log_event(LOG_WARN, "enrolment.failed", LOG_S("problem", j->err.text));
    text_copy(n->problem, sizeof n->problem, j->rc == 0 ? "" : j->err.text);
    if (j->new)
        log_event(LOG_INFO, had ? "enrolment.renewed" : "enrolment.done", LOG_S("path", n->path));
    plan(n);
    if (j->new || other || had != (n->identity.until != 0))
        n->options.changed(n->options.arg);
}

static void done(uv_work_t *w, int status)
{
    struct job *j = w->data;
    struct enrolment *n = j->owner;

    (void)status;
    if (n != NULL) {
        n->job = NULL;
        if (n->again)
            start(n);
        else if (n->on)
            take_result(n, j);
    }
    free(j);
}

static struct job *new_job(struct enrolment *n)
{
    struct job *j = calloc(1, sizeof *j);

    if (j == NULL)
        return NULL;
    j->owner = n;
    j->work.data = j;
    j->hub = n->hub;
    j->resource = n->resource;
    j->ask = n->options.ask;
    j->now = now_of(n);
    j->spread = n->spread;
    j->urgent = n->identity.until != 0 && n->options.refused(n->options.arg);
    text_copy(j->folder, sizeof j->folder, n->folder);
    text_copy(j->path, sizeof j->path, n->path);
    snprintf(j->key, sizeof j->key, "%s/identity.key", n->folder);
    return j;
}

static void start(struct enrolment *n)
{
    n->again = n->job != NULL; /* the settings may have changed since it began */
    if (n->again || !n->on)
        return;
    n->job = new_job(n);
    if (n->job == NULL) {
        n->failures++;
        text_copy(n->problem, sizeof n->problem, "out of memory");
        plan(n);
    } else if (uv_queue_work(n->options.loop, &n->job->work, work, done) != 0) {
        free(n->job);
        n->job = NULL;
    }
}

/* ---- the rest ------------------------------------------------------------------------------- */

int enrolment_new(struct enrolment **out, const struct enrolment_options *options, struct err *e)
{
    struct enrolment *n = calloc(1, sizeof *n);
    uv_timer_t *timer = calloc(1, sizeof *timer);

    *out = NULL;
    if (n == NULL || timer == NULL) {
        free(n);
        free(timer);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    n->options = *options;
    n->resource = *options->resource;
    text_copy(n->folder, sizeof n->folder, options->data_dir);
    snprintf(n->path, sizeof n->path, "%s/identity.pem", options->data_dir);
    options->random->fill(options->random, &n->spread, sizeof n->spread);
    uv_timer_init(options->loop, timer);
    timer->data = n;
    n->timer = timer;
    *out = n;
    return 0;
}

void enrolment_configure(struct enrolment *n, const struct agent_config_hub *hub)
{
    n->hub = *hub;
    n->on = hub->url[0] != '\0' && hub->enroll_token_file[0] != '\0' && hub->cert_file[0] == '\0';
    n->failures = 0;
    n->refused = false;
    n->problem[0] = '\0';
    uv_timer_stop(n->timer);
    n->next_try = 0;
    start(n);
}

void enrolment_settings(const struct enrolment *n, struct agent_config_hub *out)
{
    *out = n->hub;
    if (!n->on)
        return;
    if (n->identity.until == 0) {
        out->url[0] = '\0';
        return;
    }
    text_copy(out->cert_file, sizeof out->cert_file, n->identity.cert_file);
    text_copy(out->key_file, sizeof out->key_file, n->identity.key_file);
}

void enrolment_status(const struct enrolment *n, struct enrolment_status *out)
{
    *out = (struct enrolment_status){ .state = ENROLMENT_OFF };
    if (!n->on)
        return;
    out->state = n->identity.until == 0           ? ENROLMENT_WAITING
                 : n->identity.until <= now_of(n) ? ENROLMENT_EXPIRED
                                                  : ENROLMENT_ENROLLED;
    out->expires = n->identity.until;
    out->next_try = n->job == NULL ? n->next_try : 0;
    out->refused = n->refused;
    text_copy(out->problem, sizeof out->problem, n->problem);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle);
}

bool enrolment_stop(struct enrolment *n)
{
    bool left = false;

    if (n == NULL)
        return false;
    if (n->job != NULL) {
        n->job->owner = NULL;
        left = uv_cancel((uv_req_t *)&n->job->work) != 0;
    }
    uv_close((uv_handle_t *)n->timer, timer_closed);
    free(n);
    return left;
}

int enrolment_borrow(const struct agent_config *config, struct agent_config_hub *out, struct err *e)
{
    char path[PATH_LENGTH_MAX];
    struct identity identity;
    int rc;

    *out = config->hub;
    if (out->enroll_token_file[0] == '\0' || out->cert_file[0] != '\0')
        return 0;
    snprintf(path, sizeof path, "%s/identity.pem",
             config->data_dir[0] != '\0' ? config->data_dir : plat_path(PLAT_AGENT_DATA));
    rc = plat_identity_read(path, &identity, e);
    if (rc != 0)
        return out->token_file[0] != '\0' ? 0 : rc; /* the token may do as well */
    text_copy(out->cert_file, sizeof out->cert_file, identity.cert_file);
    text_copy(out->key_file, sizeof out->key_file, identity.key_file);
    return 0;
}
