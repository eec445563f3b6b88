/* The lines under a verdict: every raw value that decided or could have, with
 * its time, and every pair of signals that say different things. */
#include "base/text.h"
#include "base/times.h"
#include "model/drift_inputs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(struct drift_verdict *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add(struct drift_verdict *out, const char *fmt, ...)
{
    char line[DRIFT_EVIDENCE_TEXT_MAX * 4];
    va_list ap;

    if (out->evidence_count == DRIFT_EVIDENCE_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    text_clean(out->evidence[out->evidence_count++], DRIFT_EVIDENCE_TEXT_MAX, line, strlen(line), NULL);
}

static void add_kvp(struct drift_verdict *out, const struct guest *g, enum kvp_item item)
{
    const struct kvp_value *v = &g->kvp[item];
    char time[TIMES_TEXT_MAX];

    if (v->text[0] != '\0')
        add(out, "KVP %s %s (%s)", kvp_item_name(item), v->text, times_format(v->time, time));
}

void drift_expected_line(const struct host *host, bool win5x, char out[DRIFT_EVIDENCE_TEXT_MAX])
{
    const struct resource *facts = &host->facts;
    const char *expected = win5x ? facts->is_win5x : facts->is_win6x;
    char line[DRIFT_EVIDENCE_TEXT_MAX * 4], time[TIMES_TEXT_MAX];

    snprintf(line, sizeof line, "host %s expects %s (%s)",
             facts->host_name[0] != '\0' ? facts->host_name : facts->host_id,
             expected[0] != '\0' ? expected : "a version that is not known", times_format(host->facts_time, time));
    text_clean(out, DRIFT_EVIDENCE_TEXT_MAX, line, strlen(line), NULL);
}

static void add_expected(const struct drift_inputs *in, struct drift_verdict *out)
{
    char version[VERSION_TEXT_MAX];

    if (in->host != NULL && drift_host_expects(in)) {
        out->expected_line = out->evidence_count;
        out->expected_win5x = in->expected_text == in->host->facts.is_win5x;
        drift_expected_line(in->host, out->expected_win5x, out->evidence[out->evidence_count++]);
    }
    if (in->peer != NULL && in->generation == HOST_2016UP && in->os.part[0] >= 10)
        add(out, "the highest version among guests of OS build %" PRIu32 " is %s", in->os.part[2],
            version_format(in->peer, version));
}

static void add_events(const struct drift_inputs *in, struct drift_verdict *out)
{
    for (int s = 0; s < MISMATCH_COUNT; s++) {
        const struct mismatch *m = in->event[s];
        char time[TIMES_TEXT_MAX];

        if (m != NULL)
            add(out, "event %" PRId64 " (%s)%s%s%s%s (%s)", m->event_id, mismatch_signal_name((enum mismatch_signal)s),
                m->service[0] != '\0' ? " " : "", m->service, m->detail[0] != '\0' ? ": " : "", m->detail,
                times_format(m->time, time));
    }
}

static bool is_remarkable(const struct ic_status *s)
{
    return s->status0 == STATUS_DEGRADED || s->status0 == STATUS_NON_RECOVERABLE || s->status0 == STATUS_NO_CONTACT ||
           s->status0 == STATUS_LOST || s->status1 == STATUS_PROTOCOL_MISMATCH;
}

static void add_components(const struct drift_inputs *in, struct drift_verdict *out)
{
    for (int c = 0; c < IC_COUNT; c++) {
        const struct ic_status *s = drift_status(in, (enum ic_component)c);
        char time[TIMES_TEXT_MAX];

        if (s != NULL && (is_remarkable(s) || (c == IC_KVP && s->enabled == ENABLED_STATE_DISABLED)))
            add(out, "component %s: EnabledState %d, OperationalStatus %d, %d (%s)",
                ic_component_name((enum ic_component)c), s->enabled, s->status0, s->status1,
                times_format(s->time, time));
    }
    if (drift_is_state(in) > 0)
        add(out, "IntegrationServicesVersionState %d", drift_is_state(in));
}

/* ---- disagreements ------------------------------------------------------ */

/* Whether events or components say that an older protocol is in use. */
static bool says_protocol(const struct drift_inputs *in)
{
    return in->event[MISMATCH_IC_COMPATIBLE] != NULL || in->event[MISMATCH_DEVICE_COMPATIBLE] != NULL ||
           drift_find_status0(in, STATUS_DEGRADED) >= 0 || drift_find_status1(in, STATUS_PROTOCOL_MISMATCH) >= 0;
}

static void add_disagreements(const struct drift_inputs *in, struct drift_verdict *out)
{
    bool windows = in->family != FAMILY_LINUX && in->family != FAMILY_BSD;
    bool comparable = windows && in->is_ok && in->expected_ok;
    int order = comparable ? version_compare(&in->is, &in->expected) : 0;
    int state = drift_is_state(in);

    if (comparable && order >= 0 && says_protocol(in))
        add(out, "disagreement: the version is not older than the host's, yet an older protocol is in use");
    if (comparable && order >= 0 && state == IS_STATE_MISMATCH)
        add(out, "disagreement: the version is not older than the host's, yet Hyper-V reports a version mismatch");
    if (comparable && order < 0 && state == IS_STATE_CURRENT)
        add(out, "disagreement: the version is older than the host's, yet Hyper-V reports it as up to date");
    if (windows && in->is_ok && in->generation == HOST_2016UP && says_protocol(in))
        add(out, "disagreement: an older protocol is in use on a host that leaves versions to Windows Update");
    if (in->event[MISMATCH_KVP_OLDER] != NULL && comparable && order >= 0)
        add(out, "disagreement: the host logged an older installed version than the guest reports");
}

void drift_evidence(const struct drift_inputs *in, struct drift_verdict *out)
{
    out->evidence_count = 0;
    out->expected_line = -1;
    add_kvp(out, in->g, KVP_IS_VERSION);
    add_expected(in, out);
    add_kvp(out, in->g, KVP_OS_VERSION);
    add_disagreements(in, out);
    add_events(in, out);
    add_components(in, out);
}
