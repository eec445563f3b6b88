/* What the status socket answers (docs/status-socket.md).
 *
 * What needs the store is asked for on the store's thread, and not waited for
 * longer than ANSWER_MS: status and metrics then tell the newest they know and
 * say so, the others that the disk does not answer.
 */
#include "agent/agent_parts.h"
#include "agent/status_json.h"
#include "base/times.h"
#include "report/drift_report.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 3000, BUSY_S = 3, ANSWER_MAX = 32 * 1024 * 1024 };

struct answer;

struct question {
    const char *name;
    /* Store's thread; fills answer->text, or rc and err.  NULL: nothing but statistics. */
    void (*read)(struct store *store, struct answer *answer);
    /* Loop thread, with statistics that are fresh or not; NULL: text is the answer. */
    json_t *(*tell)(struct agent *a, const struct store_stats *stats, bool old);
};

/* One question on its way. */
struct answer {
    struct agent *agent; /* used while the agent waits for the store's jobs */
    struct status_client *from;
    const struct question *question;
    uv_timer_t timer;
    bool told, worked, timer_closed;
    struct store_stats stats;
    struct drift_floors floors;
    int64_t now_ns;
    struct buf text;
    int rc;
    struct err err;
};

/* ---- replies ---- */

static void reply_json(struct status_client *to, json_t *json)
{
    static const char none[] = "{\"v\":1,\"error\":\"out of memory\"}";
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

    if (text != NULL)
        status_reply(to, text, strlen(text));
    else
        status_reply(to, none, sizeof none - 1);
    free(text);
    json_decref(json);
}

static void reply_error(struct status_client *to, enum err_code code, const char *text)
{
    reply_json(to, json_pack("{s:i, s:s, s:s}", "v", 1, "error", text, "code", err_name(code)));
}

static json_t *with_view(struct agent *a, const struct store_stats *stats, bool old,
                         json_t *(*render)(const struct status_view *))
{
    struct status_view view;
    json_t *json;

    if (status_view_of(a, stats, old, &view) != 0)
        return NULL;
    json = render(&view);
    status_view_free(&view);
    return json;
}

static json_t *tell_status(struct agent *a, const struct store_stats *stats, bool old)
{
    return with_view(a, stats, old, status_json);
}

static json_t *tell_metrics(struct agent *a, const struct store_stats *stats, bool old)
{
    return with_view(a, stats, old, metrics_json);
}

/* ---- guests and drift, on the store's thread ---- */

static bool take_guest(void *arg, const struct guest *g)
{
    return json_array_append_new(arg, guest_json(g)) == 0;
}

/* One line of JSON into the answer. */
static void put_json(struct answer *q, json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

    if (text == NULL)
        q->rc = err_set(&q->err, ERR_MEMORY, "out of memory");
    else
        buf_str(&q->text, text);
    free(text);
    json_decref(json);
}

static void read_guests(struct store *store, struct answer *q)
{
    json_t *guests = json_array();

    q->rc = store_guests(store, take_guest, guests, &q->err);
    if (q->rc == 0)
        put_json(q, json_pack("{s:i, s:O}", "v", 1, "guests", guests));
    json_decref(guests);
}

struct collecting {
    struct drift_report *report;
    struct drift_peers *peers;
    int rc;
};

static bool collect_guest(void *arg, const struct guest *g)
{
    struct collecting *c = arg;

    drift_peers_add(c->peers, g);
    c->rc = drift_report_guest(c->report, g, NULL);
    return c->rc == 0;
}

static int collect(struct store *store, struct collecting *c, struct err *e)
{
    struct host host;
    int rc = store_host(store, &host, e);

    if (rc == 0)
        rc = drift_report_host(c->report, &host, e);
    else if (rc == ERR_NOT_FOUND)
        rc = 0; /* nothing is known of the host yet */
    if (rc == 0)
        rc = store_guests(store, collect_guest, c, e);
    if (rc == 0 && c->rc != 0)
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (rc != 0)
        return rc;
    drift_report_peers(c->report, c->peers);
    return drift_report_finish(c->report, e);
}

static int render_drift(struct answer *q, const struct drift_report *report)
{
    struct report_style style = { 0 };
    struct buf text;
    json_t *json;
    int rc;

    buf_init(&text, ANSWER_MAX);
    rc = drift_report_render(report, REPORT_JSON, &style, &text, &q->err);
    if (rc == 0) {
        json = json_loadb(buf_text(&text), text.len, 0, NULL);
        if (json != NULL)
            json_object_set_new(json, "v", json_integer(1));
        put_json(q, json);
        rc = q->rc;
    }
    buf_free(&text);
    return rc;
}

static void read_drift(struct store *store, struct answer *q)
{
    struct drift_report_options options = { .now_ns = q->now_ns, .floors = &q->floors };
    struct collecting c = { .peers = drift_peers_new() };

    q->rc = c.peers == NULL ? err_set(&q->err, ERR_MEMORY, "out of memory")
                            : drift_report_new(&c.report, &options, &q->err);
    if (q->rc == 0)
        q->rc = collect(store, &c, &q->err);
    if (q->rc == 0)
        q->rc = render_drift(q, c.report);
    drift_report_free(c.report);
    drift_peers_free(c.peers);
}

/* ---- the way there and back ---- */

static void free_if_done(struct answer *q)
{
    if (!q->worked || !q->timer_closed)
        return;
    buf_free(&q->text);
    free(q);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct answer *q = handle->data;

    q->timer_closed = true;
    free_if_done(q);
}

static void tell_answer(struct answer *q, bool old)
{
    struct agent *a = q->agent;

    q->told = true;
    uv_close((uv_handle_t *)&q->timer, on_timer_closed);
    if (a->stopping)
        reply_error(q->from, ERR_STATE, "the agent is stopping");
    else if (q->question->tell != NULL)
        reply_json(q->from, q->question->tell(a, old ? &a->stats : &q->stats, old));
    else if (old)
        reply_error(q->from, ERR_TIMEOUT, "the disk of store.dir does not answer: check the host's storage");
    else if (q->rc != 0 || buf_error(&q->text) != ERR_OK)
        reply_error(q->from, q->rc != 0 ? (enum err_code)q->rc : buf_error(&q->text),
                    q->rc != 0 ? q->err.text : "the answer is too long");
    else
        status_reply(q->from, buf_text(&q->text), q->text.len);
}

static void on_timeout(uv_timer_t *timer)
{
    tell_answer(timer->data, true);
}

static void work(struct store *store, void *arg)
{
    struct answer *q = arg;

    if (q->question->read != NULL)
        q->question->read(store, q);
    else
        q->rc = store_stats(store, &q->stats, &q->err);
}

static void worked(void *arg)
{
    struct answer *q = arg;

    q->worked = true;
    if (!q->told)
        tell_answer(q, q->question->tell != NULL && q->rc != 0);
    free_if_done(q);
}

static void ask_store(struct agent *a, const struct question *question, struct status_client *from)
{
    struct answer *q = calloc(1, sizeof *q);

    if (q == NULL) {
        reply_error(from, ERR_MEMORY, "out of memory");
        return;
    }
    q->agent = a;
    q->from = from;
    q->question = question;
    q->floors = a->config->floors;
    q->now_ns = agent_wall(a);
    buf_init(&q->text, ANSWER_MAX);
    uv_timer_init(a->options.loop, &q->timer);
    q->timer.data = q;
    if (store_worker_busy_ns(a->worker) > BUSY_S * NS_PER_S ||
        store_worker_submit(a->worker, work, worked, q, NULL) != 0) {
        q->worked = true;
        tell_answer(q, true);
        return;
    }
    uv_timer_start(&q->timer, on_timeout, ANSWER_MS, 0);
}

/* ---- questions ---- */

static json_t *tell_version(struct agent *a)
{
    return json_pack("{s:i, s:s, s:s}", "v", 1, "version", HVFLEET_VERSION, "agent_id", a->resource.agent_id);
}

static const struct question questions[] = {
    { "status", NULL, tell_status },
    { "metrics", NULL, tell_metrics },
    { "guests", read_guests, NULL },
    { "drift", read_drift, NULL },
};

static void answer_command(struct agent *a, const char *cmd, struct status_client *from)
{
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(cmd, questions[i].name) == 0) {
            ask_store(a, &questions[i], from);
            return;
        }
    if (strcmp(cmd, "version") == 0)
        reply_json(from, tell_version(a));
    else if (strcmp(cmd, "reload") == 0)
        agent_reload_for(a, from);
    else
        reply_error(from, ERR_INVALID, "no such cmd: status, guests, drift, metrics, reload, version");
}

/* jansson has a fixed limit to nesting; a line of 4 KiB cannot hurt it. */
void agent_answer(void *agent, const char *line, size_t len, struct status_client *from)
{
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *version = json_object_get(request, "v");
    const char *cmd = json_string_value(json_object_get(request, "cmd"));

    if (cmd == NULL)
        reply_error(from, ERR_INVALID, "a request is one line such as {\"cmd\":\"status\",\"v\":1}");
    else if (version != NULL && json_integer_value(version) != 1)
        reply_error(from, ERR_UNSUPPORTED, "this agent speaks version 1");
    else
        answer_command(agent, cmd, from);
    json_decref(request);
}
