/* The decision table C.4 of hyperv.md.
 *
 * rows[] is the table: for each row what must hold and what it then says.  They
 * are asked from the top and the first that matches decides.  What the rows look
 * at, and what of it counts, is gathered before (drift_inputs.h).
 *
 * Row 1 keeps a state.  A guest that is not running and has never been judged,
 * or only as unknown, is judged by what is known of it from when it ran; that
 * verdict is stale like every verdict of row 1.
 */
#include "model/drift.h"

#include "base/text.h"
#include "base/times.h"
#include "model/drift_inputs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct drift_floors drift_floors_default(void)
{
    /* hyperv.md C.2, KB4072650 and KB3063109 */
    return (struct drift_floors){ .win61_63 = { { 6, 3, 9600, 18907 } }, .win62 = { { 6, 3, 9600, 18080 } } };
}

/* ---- saying it ---------------------------------------------------------- */

static void say(struct drift_verdict *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct drift_verdict *out, const char *fmt, ...)
{
    char text[DRIFT_REASON_MAX * 3];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    text_clean(out->reason, sizeof out->reason, text, strlen(text), NULL);
}

/* The state, and a time at which something that decided it became so. */
static void set(struct drift_verdict *out, enum drift_state state, int64_t since)
{
    out->kept.state = state;
    if (since > out->kept.since)
        out->kept.since = since;
}

static const char *guest_says(const struct drift_inputs *in)
{
    return in->g->kvp[KVP_IS_VERSION].text;
}

/* ---- signals ------------------------------------------------------------ */

/* A signal that decided, in words, and its time. */
struct signal {
    bool found;
    int64_t since;
    char text[DRIFT_REASON_MAX / 2];
};

static bool take_event(const struct drift_inputs *in, enum mismatch_signal which, struct signal *out)
{
    const struct mismatch *m = in->event[which];
    bool named;

    if (m == NULL)
        return false;
    named = m->service[0] != '\0';
    snprintf(out->text, sizeof out->text, "event %" PRId64 "%s%s", m->event_id, named ? " of " : "", m->service);
    out->since = m->time;
    return out->found = true;
}

static bool take_status(const struct drift_inputs *in, int component, const char *what, struct signal *out)
{
    if (component < 0)
        return false;
    snprintf(out->text, sizeof out->text, "component %s %s", ic_component_name((enum ic_component)component), what);
    out->since = in->g->ic[component].since;
    return out->found = true;
}

static struct signal signal_incompatible(const struct drift_inputs *in)
{
    struct signal s = { .found = false };

    if (!take_event(in, MISMATCH_IC_INCOMPATIBLE, &s) && !take_event(in, MISMATCH_DEVICE_INCOMPATIBLE, &s))
        take_status(in, drift_find_status0(in, STATUS_NON_RECOVERABLE), "reports OperationalStatus 7", &s);
    return s;
}

static struct signal signal_mismatch(const struct drift_inputs *in)
{
    struct signal s = { .found = false };

    take_status(in, drift_find_status1(in, STATUS_PROTOCOL_MISMATCH), "reports a protocol mismatch (32775)", &s);
    return s;
}

static struct signal signal_protocol(const struct drift_inputs *in)
{
    struct signal s = { .found = false };

    if (!take_event(in, MISMATCH_IC_COMPATIBLE, &s) && !take_event(in, MISMATCH_DEVICE_COMPATIBLE, &s) &&
        !take_event(in, MISMATCH_KVP_OLDER, &s) &&
        !take_status(in, drift_find_status0(in, STATUS_DEGRADED), "reports OperationalStatus 3", &s))
        s = signal_mismatch(in);
    return s;
}

/* ---- what must hold ----------------------------------------------------- */

static bool not_running(const struct drift_inputs *in)
{
    return !in->running;
}

static bool not_windows(const struct drift_inputs *in)
{
    return in->family == FAMILY_LINUX || in->family == FAMILY_BSD;
}

static bool does_not_work(const struct drift_inputs *in)
{
    return signal_incompatible(in).found;
}

/* The component that says why there are no KVP items: KVP itself, or the
 * heartbeat where KVP was not polled. */
static enum ic_component contact(const struct drift_inputs *in)
{
    const struct ic_status *kvp = drift_status(in, IC_KVP);

    return kvp != NULL && (kvp->status0 != 0 || kvp->enabled != 0) ? IC_KVP : IC_HEARTBEAT;
}

static bool no_contact(const struct drift_inputs *in)
{
    const struct ic_status *s = drift_status(in, contact(in));

    return !in->is_there && s != NULL &&
           (s->status0 == STATUS_NO_CONTACT || s->status0 == STATUS_LOST || s->enabled == ENABLED_STATE_DISABLED);
}

static bool expected_missing(const struct drift_inputs *in)
{
    return drift_host_expects(in) && !in->expected_ok;
}

/* Rows 6 to 9: how the guest compares with its host. */
static bool compares(const struct drift_inputs *in, int order)
{
    int got;

    if (!drift_host_expects(in) || !in->is_ok)
        return false;
    assert(in->expected_ok); /* row 5 */
    got = version_compare(&in->is, &in->expected);
    return (got > 0) - (got < 0) == order;
}

static bool equal(const struct drift_inputs *in)
{
    return compares(in, 0);
}

static bool older_protocol(const struct drift_inputs *in)
{
    return compares(in, -1) && signal_protocol(in).found;
}

static bool older(const struct drift_inputs *in)
{
    return compares(in, -1);
}

static bool newer(const struct drift_inputs *in)
{
    return compares(in, 1);
}

/* Rows 10 to 12: a Windows guest of known version on 2016 or later. */
static bool on_2016(const struct drift_inputs *in)
{
    return in->generation == HOST_2016UP && in->family == FAMILY_WINDOWS && in->os_known;
}

static bool inbox(const struct drift_inputs *in)
{
    return on_2016(in) && in->os.part[0] >= 10 && in->is_ok && drift_is_plausible(&in->is, &in->os);
}

static bool down_level(const struct drift_inputs *in)
{
    return on_2016(in) && in->os.part[0] == 6 && in->os.part[1] >= 1 && in->os.part[1] <= 3 && in->is_ok;
}

static bool too_old(const struct drift_inputs *in)
{
    return on_2016(in) && (in->os.part[0] < 6 || (in->os.part[0] == 6 && in->os.part[1] == 0));
}

static bool mismatch_only(const struct drift_inputs *in)
{
    return signal_mismatch(in).found || drift_is_state(in) == IS_STATE_MISMATCH;
}

static bool always(const struct drift_inputs *in)
{
    (void)in;
    return true;
}

/* ---- what is then said -------------------------------------------------- */

static void judge_from(const struct drift_inputs *in, int row, struct drift_verdict *out);

static void say_not_running(const struct drift_inputs *in, struct drift_verdict *out)
{
    const struct guest *g = in->g;
    const char *why = g->removed ? "gone from its host" : guest_power_name(g->power);
    char time[TIMES_TEXT_MAX], last[DRIFT_REASON_MAX];

    times_format(g->removed ? g->removed_time : g->power_time, time);
    if (g->drift.row != 0 && g->drift.state != DRIFT_UNKNOWN) {
        out->kept = g->drift;
        say(out, "the VM is %s (%s): the state from when it ran is kept", why, time);
        return;
    }
    judge_from(in, 2, out);
    text_copy(last, sizeof last, out->reason);
    say(out, "the VM is %s (%s); from when it ran: %s", why, time, last);
}

static void say_not_windows(const struct drift_inputs *in, struct drift_verdict *out)
{
    struct signal s = signal_incompatible(in);
    const char *name = in->g->kvp[KVP_OS_NAME].text;

    if (s.found) {
        set(out, DRIFT_INCOMPATIBLE, s.since);
        say(out, "%s says that a service or device of this %s guest does not work", s.text,
            guest_family_name(in->family));
        return;
    }
    set(out, DRIFT_NOT_APPLICABLE, in->g->kvp[KVP_OS_NAME].since);
    say(out, "the guest runs %s%s%s%s, whose integration services are not the host's", guest_family_name(in->family),
        name[0] != '\0' ? " (" : "", name, name[0] != '\0' ? ")" : "");
}

static void say_does_not_work(const struct drift_inputs *in, struct drift_verdict *out)
{
    struct signal s = signal_incompatible(in);

    set(out, DRIFT_INCOMPATIBLE, s.since);
    say(out, "%s says that a service or device of the guest does not work with this host", s.text);
}

static void say_no_contact(const struct drift_inputs *in, struct drift_verdict *out)
{
    enum ic_component c = contact(in);
    const struct ic_status *s = drift_status(in, c);
    const char *why = s->enabled == ENABLED_STATE_DISABLED ? "is switched off"
                      : s->status0 == STATUS_NO_CONTACT    ? "has no contact with the guest"
                                                           : "lost contact with the guest";

    set(out, DRIFT_UNKNOWN, s->since);
    say(out, "component %s %s (EnabledState %d, OperationalStatus %d), so the guest's version is not known",
        ic_component_name(c), why, s->enabled, s->status0);
}

static void say_expected_missing(const struct drift_inputs *in, struct drift_verdict *out)
{
    set(out, DRIFT_UNKNOWN, in->host->is_since);
    if (in->expected_text[0] == '\0')
        say(out, "the host (%s) does not say which version it expects", host_generation_name(in->generation));
    else
        say(out, "the host says it expects '%s', which is no version", in->expected_text);
}

/* The times at which guest and host came to the versions that were compared. */
static void set_compared(const struct drift_inputs *in, struct drift_verdict *out, enum drift_state state)
{
    set(out, state, in->g->kvp[KVP_IS_VERSION].since);
    set(out, state, in->host->is_since);
    set(out, state, in->g->arrived);
}

static void say_equal(const struct drift_inputs *in, struct drift_verdict *out)
{
    set_compared(in, out, DRIFT_CURRENT);
    say(out, "the guest has %s, which is what its host expects", guest_says(in));
}

static void say_older_protocol(const struct drift_inputs *in, struct drift_verdict *out)
{
    struct signal s = signal_protocol(in);

    set_compared(in, out, DRIFT_BEHIND_PROTOCOL);
    set(out, DRIFT_BEHIND_PROTOCOL, s.since);
    say(out, "the guest has %s, older than the %s its host expects, and %s tells of an older protocol", guest_says(in),
        in->expected_text, s.text);
}

static void say_older(const struct drift_inputs *in, struct drift_verdict *out)
{
    set_compared(in, out, DRIFT_BEHIND);
    say(out, "the guest has %s, older than the %s its host expects; the protocols still fit", guest_says(in),
        in->expected_text);
}

static void say_newer(const struct drift_inputs *in, struct drift_verdict *out)
{
    set_compared(in, out, DRIFT_NEWER_THAN_HOST);
    say(out, "the guest has %s, newer than the %s its host expects", guest_says(in), in->expected_text);
}

static void say_inbox(const struct drift_inputs *in, struct drift_verdict *out)
{
    const struct version *highest = in->peer != NULL ? in->peer : &in->is;
    bool behind = version_compare(&in->is, highest) < 0;
    char text[VERSION_TEXT_MAX];

    set(out, behind ? DRIFT_INBOX_BEHIND_PEERS : DRIFT_CURRENT, in->g->kvp[KVP_IS_VERSION].since);
    version_format(highest, text);
    text_copy(out->expected_version, sizeof out->expected_version, behind ? text : guest_says(in));
    if (behind)
        say(out, "the guest has %s; other guests of OS build %" PRIu32 " have %s", guest_says(in), in->os.part[2],
            text);
    else
        say(out, "the guest has %s; no guest of OS build %" PRIu32 " has a higher one", guest_says(in), in->os.part[2]);
}

static void say_down_level(const struct drift_inputs *in, struct drift_verdict *out)
{
    const struct version *floor = in->os.part[1] == 2 ? &in->floors.win62 : &in->floors.win61_63;
    struct signal s = signal_mismatch(in);
    bool below = version_compare(&in->is, floor) < 0;

    version_format(floor, out->expected_version);
    if (s.found) {
        set(out, DRIFT_BEHIND_PROTOCOL, s.since);
        say(out, "the guest has %s, and %s", guest_says(in), s.text);
        return;
    }
    set(out, below ? DRIFT_BEHIND : DRIFT_CURRENT, in->g->kvp[KVP_IS_VERSION].since);
    set(out, out->kept.state, in->g->arrived);
    say(out, "the guest has %s, which is %s the %s that a Windows %" PRIu32 ".%" PRIu32 " guest should have here",
        guest_says(in), below ? "below" : "at or above", out->expected_version, in->os.part[0], in->os.part[1]);
}

static void say_too_old(const struct drift_inputs *in, struct drift_verdict *out)
{
    set(out, DRIFT_BEHIND, in->g->kvp[KVP_OS_VERSION].since);
    set(out, DRIFT_BEHIND, in->g->arrived);
    say(out, "Windows %" PRIu32 ".%" PRIu32 " is not supported as a guest of this host, whatever its version (%s)",
        in->os.part[0], in->os.part[1], guest_says(in)[0] != '\0' ? guest_says(in) : "not known");
}

static void say_mismatch_only(const struct drift_inputs *in, struct drift_verdict *out)
{
    struct signal s = signal_mismatch(in);

    set(out, DRIFT_BEHIND_PROTOCOL, s.found ? s.since : in->g->is_state_time);
    say(out, "the guest's version cannot be compared, but %s",
        s.found ? s.text : "Hyper-V reports a version mismatch (IntegrationServicesVersionState 2)");
}

static void say_nothing_known(const struct drift_inputs *in, struct drift_verdict *out)
{
    const struct guest *g = in->g;

    set(out, DRIFT_UNKNOWN, g->inventory_time != 0 ? g->connected_since : g->last_seen);
    if (in->is_there && in->generation == HOST_UNKNOWN)
        say(out, "the guest says '%s', but the Windows version of its host is not known", guest_says(in));
    else if (in->is_there)
        say(out, "the guest says '%s' (family %s, OSVersion '%s'), which cannot be judged", guest_says(in),
            guest_family_name(in->family), g->kvp[KVP_OS_VERSION].text);
    else if (g->inventory_time == 0)
        say(out, "no poll has had this guest yet");
    else
        say(out, "the newest poll since the guest started holds no version of its integration services");
}

/* ---- the table ---------------------------------------------------------- */

static const struct row {
    const char *title;
    bool (*holds)(const struct drift_inputs *in);
    void (*decide)(const struct drift_inputs *in, struct drift_verdict *out);
} rows[DRIFT_ROWS] = {
    { "the VM is not running: the last state is kept", not_running, say_not_running },
    { "a Linux or BSD guest", not_windows, say_not_windows },
    { "a service or device does not work (4000, 23012, VmSwitch 26, StorageVSP 3, OperationalStatus 7)", does_not_work,
      say_does_not_work },
    { "no version, and Data Exchange is off or has no contact", no_contact, say_no_contact },
    { "a host up to 2012 R2 whose expected version is not known", expected_missing, say_expected_missing },
    { "a host up to 2012 R2, equal versions", equal, say_equal },
    { "a host up to 2012 R2, an older guest and an older protocol", older_protocol, say_older_protocol },
    { "a host up to 2012 R2, an older guest", older, say_older },
    { "a host up to 2012 R2, a newer guest", newer, say_newer },
    { "a host of 2016 or later, a guest of 10.0 or later: compared with its peers", inbox, say_inbox },
    { "a host of 2016 or later, a guest of 6.1 to 6.3: compared with the floor", down_level, say_down_level },
    { "a host of 2016 or later, a guest of 6.0 or older", too_old, say_too_old },
    { "a protocol mismatch without a version that can be compared", mismatch_only, say_mismatch_only },
    { "anything else", always, say_nothing_known },
};

const char *drift_row_title(int row)
{
    assert(row >= 1 && row <= DRIFT_ROWS);
    return rows[row - 1].title;
}

/* Asks the rows from the given one on. */
static void judge_from(const struct drift_inputs *in, int row, struct drift_verdict *out)
{
    assert(row >= 1 && row <= DRIFT_ROWS);
    while (!rows[row - 1].holds(in))
        row++;
    out->kept.row = row;
    rows[row - 1].decide(in, out);
    out->kept.row = row;
}

/* Fills what does not depend on the row. */
static void start(const struct drift_inputs *in, struct drift_verdict *out)
{
    const char *said = guest_says(in);

    memset(out, 0, sizeof *out);
    out->family = in->family;
    text_clean(out->guest_version, sizeof out->guest_version, said, strlen(said), NULL);
    text_clean(out->expected_version, sizeof out->expected_version, in->expected_text, strlen(in->expected_text), NULL);
}

void drift_evaluate(const struct host *host, const struct guest *g, const struct drift_peers *peers,
                    const struct drift_floors *floors, struct drift_verdict *out)
{
    struct drift_inputs in;

    drift_inputs_gather(&in, host, g, peers, floors);
    start(&in, out);
    judge_from(&in, 1, out);
    if (out->kept.since == 0)
        out->kept.since = g->last_seen;
    if (g->drift.row != 0 && g->drift.state == out->kept.state && g->drift.since != 0)
        out->kept.since = g->drift.since;
    out->kept.stale = in.stale;
    out->action = drift_action(&in, out->kept.state, out->kept.row);
    drift_evidence(&in, out);
}
