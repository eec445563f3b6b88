/* See health.h.  Each rule looks at one thing and adds at most one reason. */
#include "agent/health.h"

#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_BUSY_S = 10, STORE_FULL_PERCENT = 80 };

const char *health_state_name(enum health_state s)
{
    static const char *const names[] = { "ok", "degraded", "failed" };

    assert(s <= HEALTH_FAILED);
    return names[s];
}

static struct health_reason *add(struct health *h, enum health_state weight, const char *about)
{
    struct health_reason *r;

    if (weight > h->state)
        h->state = weight;
    if (h->reason_count == HEALTH_REASONS_MAX) {
        h->left_out++;
        return NULL;
    }
    r = &h->reasons[h->reason_count++];
    memset(r, 0, sizeof *r);
    r->weight = weight;
    text_copy(r->about, sizeof r->about, about);
    return r;
}

PRINTF_LIKE(4, 5)
static void say(struct health_reason *r, const char *remedy, const char *fallback, const char *fmt, ...)
{
    va_list ap;

    if (r == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(r->text, sizeof r->text, fmt, ap);
    va_end(ap);
    text_copy(r->remedy, sizeof r->remedy, remedy[0] != '\0' ? remedy : fallback);
}

/* What to do about a source that is not attached, when it does not say itself. */
static const char *const state_remedies[] = {
    [STREAM_ATTACHED] = "",
    [STREAM_ABSENT] = "check that the path or channel in the settings exists",
    [STREAM_NO_PERMISSION] = "give the agent's account the right to read it",
    [STREAM_MISCONFIGURED] = "mend the settings and reload",
    [STREAM_UNSUPPORTED] = "this system does not have it: take it out of the settings",
    [STREAM_RETRYING] = "it is tried again by itself; look at the log if it stays",
    [STREAM_HUNG] = "the disk, share or service behind it does not answer: check that first",
};

static void judge_source(const struct health_input *in, const struct health_source *s, struct health *out)
{
    char about[HEALTH_ABOUT_MAX], length[TIMES_TEXT_MAX];
    int64_t quiet = in->now_ns - s->life_ns;

    snprintf(about, sizeof about, "source %.100s", s->name);
    if (s->state == STREAM_HUNG && s->step_since_ns != 0) {
        times_format_length(in->now_ns - s->step_since_ns, length);
        say(add(out, HEALTH_DEGRADED, about), s->remedy, state_remedies[STREAM_HUNG], "has not answered for %s",
            length);
    } else if (s->state == STREAM_ABSENT && s->may_be_absent) {
        return;
    } else if (s->state != STREAM_ATTACHED) {
        say(add(out, HEALTH_DEGRADED, about), s->remedy, state_remedies[s->state], "is %s%s%s",
            stream_state_name(s->state), s->problem[0] != '\0' ? ": " : "", s->problem);
    } else if (quiet > in->silent_after_ns + s->beat_ns) {
        times_format_length(quiet, length);
        if (s->lag_records > 0)
            say(add(out, HEALTH_DEGRADED, about), s->remedy, "restart the agent, and report this",
                "has given nothing for %s although %lld records are waiting", length, (long long)s->lag_records);
        else
            say(add(out, HEALTH_DEGRADED, about), s->remedy,
                "check that it is still being written; raise status.silent_after if such quiet is usual",
                "has been silent for %s", length);
    }
}

static bool works(const struct health_source *s)
{
    return s->state == STREAM_ATTACHED;
}

static void judge_sources(const struct health_input *in, struct health *out)
{
    size_t bad = 0;

    if (in->source_count == 0) {
        say(add(out, HEALTH_DEGRADED, "sources"), "", "name a folder in sources.bundles or dumps.folders",
            "nothing is collected: no source is configured");
        return;
    }
    for (size_t i = 0; i < in->source_count; i++) {
        judge_source(in, &in->sources[i], out);
        bad += !works(&in->sources[i]);
    }
    if (bad == in->source_count)
        say(add(out, HEALTH_FAILED, "sources"), "", "see the sources below", "none of the %zu sources works", bad);
}

static void judge_store(const struct health_input *in, struct health *out)
{
    const struct health_store *s = &in->store;
    char length[TIMES_TEXT_MAX];

    if (s->problem[0] != '\0')
        say(add(out, HEALTH_FAILED, "store"), s->remedy,
            "make room on the disk of store.dir; the agent goes on by itself", "nothing can be committed: %s",
            s->problem);
    if (s->busy_ns > STORE_BUSY_S * NS_PER_S)
        say(add(out, HEALTH_DEGRADED, "store"), "", "the disk of store.dir does not answer: check the host's storage",
            "the disk has been at one commit for %s", times_format_length(s->busy_ns, length));
    if (s->last_drop_ns != 0 && in->now_ns - s->last_drop_ns < in->silent_after_ns)
        say(add(out, HEALTH_DEGRADED, "store"), "", "raise store.max_size, or find out why the hub takes nothing",
            "full: observations were dropped %s ago, a gap record tells which",
            times_format_length(in->now_ns - s->last_drop_ns, length));
    else if (s->bytes_max > 0 && s->bytes >= s->bytes_max / 100 * STORE_FULL_PERCENT)
        say(add(out, HEALTH_DEGRADED, "store"), "", "raise store.max_size, or find out why the hub takes nothing",
            "%d %% full; when it is full the least important observations go first",
            (int)(s->bytes / (s->bytes_max / 100 + 1)));
}

static void judge_transport(const struct health_input *in, struct health *out)
{
    const struct health_transport *t = &in->transport;
    char length[TIMES_TEXT_MAX];

    if (!t->configured)
        return;
    if (t->refused)
        say(add(out, HEALTH_FAILED, "hub"), t->remedy, "check hub.token_file and the certificates, then reload",
            "refuses this agent: %s", t->problem);
    else if (t->failures > 0)
        say(add(out, HEALTH_DEGRADED, "hub"), t->remedy, "check hub.url, the network and the hub",
            "cannot be reached (%d times in a row): %s", t->failures, t->problem);
    else if (t->problem[0] != '\0')
        say(add(out, HEALTH_DEGRADED, "hub"), t->remedy, "see the agent's log", "%s", t->problem);
    else if (t->unsent_since_ns != 0 && in->now_ns - t->unsent_since_ns > in->silent_after_ns)
        say(add(out, HEALTH_DEGRADED, "hub"), t->remedy, "check the hub's log",
            "has acknowledged nothing for %s although observations are waiting",
            times_format_length(in->now_ns - t->unsent_since_ns, length));
}

static int heavier_first(const void *a, const void *b)
{
    const struct health_reason *x = a, *y = b;

    return (int)y->weight - (int)x->weight;
}

static void judge_identity(const struct health_input *in, struct health *out)
{
    const struct health_identity *i = &in->identity;
    static const char remedy[] =
        "look at hub.enroll_token_file and at `hvhub enroll list` on the hub; a token that is used"
        " up or expired is replaced by a new one, then reload";

    if (!i->wanted || (i->good && i->problem[0] == '\0'))
        return;
    if (i->good)
        say(add(out, HEALTH_DEGRADED, "enrolment"), "", remedy, "the certificate cannot be renewed: %s", i->problem);
    else if (i->problem[0] != '\0')
        say(add(out, HEALTH_FAILED, "enrolment"), "", remedy, "this agent has no certificate: %s", i->problem);
    else
        say(add(out, HEALTH_DEGRADED, "enrolment"), "", "nothing to do: it is being asked for",
            "this agent has no certificate yet");
}

void health_evaluate(const struct health_input *in, struct health *out)
{
    memset(out, 0, sizeof *out);
    judge_store(in, out);
    judge_transport(in, out);
    judge_identity(in, out);
    if (in->config_problems > 0)
        say(add(out, HEALTH_DEGRADED, "config"), "", "hvagent check-config shows them; mend the file and reload again",
            "the changed settings have %d problem%s and are not in force", in->config_problems,
            in->config_problems == 1 ? "" : "s");
    judge_sources(in, out);
    qsort(out->reasons, (size_t)out->reason_count, sizeof out->reasons[0], heavier_first);
    assert(out->state == HEALTH_OK || out->reason_count > 0);
}
