/* See status_json.h.  Times are RFC 3339 text or null, never 0. */
#include "agent/status_json.h"

#include "base/text.h"
#include "base/times.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* ---- the view ---- */

static void fill_store(const struct agent *a, const struct store_stats *stats, int64_t busy_ns,
                       struct health_store *out)
{
    *out = (struct health_store){ .problem = a->store_problem,
                                  .remedy = "",
                                  .busy_ns = busy_ns,
                                  .bytes = stats->bytes,
                                  .bytes_max = (uint64_t)a->config->store_max_bytes,
                                  .last_drop_ns = a->last_drop_ns };
}

static void fill_transport(const struct status_view *v, struct health_transport *out)
{
    *out = (struct health_transport){ .configured = v->shipping,
                                      .refused = v->sender.state == SENDER_REFUSED,
                                      .failures = v->sender.failures,
                                      .problem = v->sender.problem,
                                      .remedy = v->sender.remedy,
                                      .unsent_since_ns = v->agent->unsent_since_ns };
}

static int count_lines(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n > 0 ? n : 1;
}

int status_view_of(struct agent *a, const struct store_stats *stats, bool stats_old, struct status_view *v)
{
    size_t max = source_set_count(a->sources);
    struct health_input in = { .now_ns = agent_mono(a), .silent_after_ns = a->config->silent_after_ns };

    memset(v, 0, sizeof *v);
    v->agent = a;
    v->stats = stats;
    v->stats_old = stats_old;
    v->sources = calloc(max + 1, sizeof *v->sources);
    if (v->sources == NULL)
        return ERR_MEMORY;
    v->source_count = source_set_evidence(a->sources, v->sources, max);
    v->shipping = uplink_status(a->uplink, &v->sender);
    v->busy_ns = store_worker_busy_ns(a->worker);
    in.sources = v->sources;
    in.source_count = v->source_count;
    fill_store(a, stats, v->busy_ns, &in.store);
    fill_transport(v, &in.transport);
    enrolment_status(a->enrolment, &v->enrolment);
    in.identity = (struct health_identity){ .wanted = v->enrolment.state != ENROLMENT_OFF,
                                            .good = v->enrolment.state == ENROLMENT_ENROLLED,
                                            .problem = v->enrolment.problem };
    in.config_problems = a->report.refused ? count_lines(buf_text(&a->report.problems)) : 0;
    health_evaluate(&in, &v->health);
    return 0;
}

void status_view_free(struct status_view *v)
{
    free(v->sources);
    v->sources = NULL;
}

/* ---- pieces ---- */

static json_t *time_json(int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    return ns == 0 ? json_null() : json_string(times_format(ns, text));
}

/* A text that was cut in the middle of a character is made whole. */
static json_t *text_json(const char *text)
{
    char clean[HEALTH_TEXT_MAX * 2];
    json_t *json = json_string(text);

    if (json != NULL)
        return json;
    text_clean(clean, sizeof clean, text, strlen(text), NULL);
    return json_string(clean);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : text_json(text);
}

static json_t *reasons_json(const struct health *h)
{
    json_t *reasons = json_array();

    for (int i = 0; i < h->reason_count; i++) {
        const struct health_reason *r = &h->reasons[i];

        json_array_append_new(reasons, json_pack("{s:s, s:s, s:s, s:o}", "state", health_state_name(r->weight), "about",
                                                 r->about, "text", r->text, "remedy", text_or_null(r->remedy)));
    }
    return reasons;
}

static json_t *source_json(const struct health_source *s)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:I, s:I}", "name", text_json(s->name), "state",
                     s->started ? stream_state_name(s->state) : "starting", "last_event", time_json(s->last_event_ns),
                     "lag_records", s->lag_records < 0 ? json_null() : json_integer(s->lag_records), "remedy",
                     text_or_null(s->remedy), "problem", text_or_null(s->problem), "last_commit",
                     time_json(s->last_commit_ns), "caught_up", s->caught_up, "observations",
                     (json_int_t)s->observations, "skipped", (json_int_t)s->skipped);
}

static json_t *sources_json(const struct status_view *v)
{
    json_t *sources = json_array();

    for (size_t i = 0; i < v->source_count; i++)
        json_array_append_new(sources, source_json(&v->sources[i]));
    return sources;
}

static json_t *store_json(const struct status_view *v)
{
    const struct store_stats *s = v->stats;
    const struct agent *a = v->agent;

    return json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:b, s:o}", "rows", (json_int_t)s->rows,
                     "bytes", (json_int_t)s->bytes, "oldest_unsent", time_json(s->oldest_unsent_ns), "bytes_max",
                     (json_int_t)a->config->store_max_bytes, "file_bytes", (json_int_t)s->file_bytes, "last_seq",
                     (json_int_t)s->last_seq, "dropped_total", (json_int_t)s->dropped_total, "set_aside_total",
                     (json_int_t)s->set_aside_total, "guests", (json_int_t)s->guests, "last_commit",
                     time_json(s->last_commit_ns), "recovered", a->recovered, "old", v->stats_old, "problem",
                     text_or_null(a->store_problem));
}

static json_t *transport_json(const struct status_view *v)
{
    const struct sender_status *t = &v->sender;
    const char *state = v->shipping ? sender_state_name(t->state) : "off";

    return json_pack("{s:s, s:o, s:I, s:o, s:i, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "state", state, "last_ack",
                     time_json(t->last_ack_ns), "acked_through", (json_int_t)v->stats->acked_through, "url",
                     text_or_null(v->agent->config->hub.url), "failures", t->failures, "problem",
                     text_or_null(t->problem), "remedy", text_or_null(t->remedy), "pause", text_or_null(t->pause),
                     "next_try", time_json(t->next_try_ns), "batches_sent", (json_int_t)t->batches_sent, "records_sent",
                     (json_int_t)t->records_sent, "bytes_sent", (json_int_t)t->bytes_sent);
}

static json_t *enrolment_json(const struct enrolment_status *s)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "state", enrolment_state_name(s->state), "expires", time_json(s->expires),
                     "problem", text_or_null(s->problem), "next_try", time_json(s->next_try));
}

static json_t *config_json(const struct agent *a)
{
    const struct reload_report *r = &a->report;
    json_t *restart = json_array();

    for (int i = 0; i < r->restart_needed.count; i++)
        json_array_append_new(restart, json_string(r->restart_needed.items[i]));
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "path",
                     text_or_null(a->config_path != NULL ? a->config_path : ""), "loaded", time_json(r->loaded_ns),
                     "tried", time_json(r->tried_ns), "refused", r->refused, "problems",
                     text_or_null(buf_text(&r->problems)), "restart_needed", restart);
}

static json_t *host_json(const struct resource *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", text_json(r->host_id), "name", text_json(r->host_name),
                     "cluster", text_or_null(r->cluster), "os_version", text_or_null(r->os_version), "is_version",
                     text_or_null(r->is_win6x));
}

/* ---- the whole ---- */

json_t *status_json(const struct status_view *v)
{
    const struct agent *a = v->agent;

    return json_pack("{s:i, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "v", 1, "state",
                     health_state_name(v->health.state), "reasons", reasons_json(&v->health), "agent_id",
                     a->resource.agent_id, "version", HVFLEET_VERSION, "sources", sources_json(v), "store",
                     store_json(v), "transport", transport_json(v), "enrolment", enrolment_json(&v->enrolment),
                     "config", config_json(a), "host", host_json(&a->resource), "now", time_json(agent_wall(a)),
                     "started", time_json(a->started_ns), "pid", (int)uv_os_getpid());
}

static double age_s(int64_t now, int64_t then)
{
    return then == 0 || then > now ? 0.0 : (double)(now - then) / (double)NS_PER_S;
}

static json_t *lags_json(const struct status_view *v)
{
    json_t *lags = json_object();

    for (size_t i = 0; i < v->source_count; i++)
        if (v->sources[i].lag_records >= 0)
            json_object_set_new(lags, v->sources[i].name, json_integer(v->sources[i].lag_records));
    return lags;
}

json_t *metrics_json(const struct status_view *v)
{
    const struct agent *a = v->agent;
    const struct store_stats *s = v->stats;
    int64_t now = agent_wall(a), observations = 0, skipped = 0;
    json_t *metrics;

    for (size_t i = 0; i < v->source_count; i++) {
        observations += v->sources[i].observations;
        skipped += v->sources[i].skipped;
    }
    metrics = json_pack(
        "{s:i, s:I, s:I, s:f, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:i}", "state",
        (int)v->health.state, "queue_rows", (json_int_t)s->rows, "queue_bytes", (json_int_t)s->bytes,
        "oldest_unsent_age_s", age_s(now, s->oldest_unsent_ns), "lag_records", lags_json(v), "observations_total",
        (json_int_t)observations, "skipped_total", (json_int_t)skipped, "last_seq", (json_int_t)s->last_seq,
        "acked_through", (json_int_t)s->acked_through, "dropped_total", (json_int_t)s->dropped_total, "set_aside_total",
        (json_int_t)s->set_aside_total, "batches_sent_total", (json_int_t)v->sender.batches_sent, "records_sent_total",
        (json_int_t)v->sender.records_sent, "bytes_sent_total", (json_int_t)v->sender.bytes_sent, "last_ack_age_s",
        age_s(now, v->sender.last_ack_ns), "last_commit_age_s", age_s(now, s->last_commit_ns), "guests",
        (json_int_t)s->guests, "sources", (int)v->source_count);
    return json_pack("{s:i, s:o}", "v", 1, "metrics", metrics);
}

json_t *guest_json(const struct guest *g)
{
    json_t *kvp = json_object();

    for (int i = 0; i < KVP_ITEM_COUNT; i++)
        if (g->kvp[i].text[0] != '\0')
            json_object_set_new(
                kvp, kvp_item_name((enum kvp_item)i),
                json_pack("{s:o, s:o}", "value", text_json(g->kvp[i].text), "seen", time_json(g->kvp[i].time)));
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:b, s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "vm_id", g->vm_id,
                     "vm_name", text_json(g->name), "host_id", text_json(g->host_id), "power",
                     guest_power_name(g->power), "family", guest_family_name(guest_family_of(g)), "last_seen",
                     time_json(g->last_seen), "last_poll", time_json(g->inventory_time), "removed", g->removed, "state",
                     drift_state_name(g->drift.state), "rule_row", g->drift.row, "since", time_json(g->drift.since),
                     "last_crash", time_json(g->last_crash), "last_crash_code", text_or_null(g->last_crash_code),
                     "last_migration", time_json(g->last_migration), "kvp", kvp);
}
