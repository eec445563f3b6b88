/* See event_channel_state.h. */
#include "plat/event_channel_state.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the mark ---- */

/* A hexadecimal number and the blank after it. */
static bool take_number(const char **text, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = *text;
    uint64_t v = 0;

    for (; *p != ' '; p++) {
        const char *digit = *p != '\0' ? strchr(digits, *p) : NULL;

        if (digit == NULL || v >> 60 != 0)
            return false;
        v = v << 4 | (uint64_t)(digit - digits);
    }
    if (p == *text)
        return false;
    *text = p + 1;
    *out = v;
    return true;
}

bool channel_mark_parse(const char *text, struct channel_mark *out)
{
    static const char head[] = "chan1 ";
    struct channel_mark m = { 0 };
    const char *p = text;

    *out = (struct channel_mark){ 0 };
    if (text[0] == '\0')
        return true;
    if (strncmp(p, head, sizeof head - 1) != 0)
        return false;
    p += sizeof head - 1;
    if (!take_number(&p, &m.generation) || !take_number(&p, &m.created) || !take_number(&p, &m.id) ||
        !take_number(&p, &m.time) || !take_number(&p, &m.seen))
        return false;
    if (m.seen < m.id || !text_copy(m.bookmark, sizeof m.bookmark, p))
        return false;
    *out = m;
    return true;
}

void channel_mark_write(const struct channel_mark *m, struct buf *out)
{
    assert(m->seen >= m->id);
    buf_printf(out, "chan1 %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %s", m->generation, m->created,
               m->id, m->time, m->seen, m->bookmark);
}

/* ---- what is gone ---- */

uint64_t channel_newest(const struct channel_info *now)
{
    if (now->oldest == 0 || now->count > UINT64_MAX - now->oldest)
        return 0;
    return now->oldest + now->count - 1;
}

static bool file_is_another(const struct channel_mark *m, const struct channel_info *now)
{
    return m->created != 0 && now->created != 0 && m->created != now->created;
}

/* The record of the mark is not there, so the numbers must do. */
static enum channel_verdict judge_by_number(const struct channel_mark *m, const struct channel_info *now)
{
    bool is_other_file = file_is_another(m, now);

    if (channel_newest(now) < m->seen)
        return CHANNEL_BEGUN_AGAIN;
    if (now->oldest > m->seen + 1)
        return is_other_file ? CHANNEL_CLEARED : CHANNEL_WRAPPED;
    if (is_other_file && now->oldest <= m->seen)
        return CHANNEL_BEGUN_AGAIN;
    return CHANNEL_GO_BY_NUMBER;
}

enum channel_verdict channel_judge(const struct channel_mark *m, const struct channel_info *now,
                                   enum channel_evidence evidence)
{
    if (m->seen == 0 || evidence == EVIDENCE_SAME)
        return CHANNEL_GO_ON;
    if (evidence == EVIDENCE_OTHER)
        return CHANNEL_BEGUN_AGAIN;
    return judge_by_number(m, now);
}

void channel_mark_follow(struct channel_mark *m, const struct channel_info *now, enum channel_verdict verdict)
{
    if (now->created != 0)
        m->created = now->created;
    switch (verdict) {
    case CHANNEL_GO_ON:
        break;
    case CHANNEL_GO_BY_NUMBER:
        m->bookmark[0] = '\0';
        break;
    case CHANNEL_CLEARED:
    case CHANNEL_WRAPPED:
        assert(now->oldest > m->seen + 1);
        m->generation += verdict == CHANNEL_CLEARED;
        m->seen = now->oldest - 1;
        m->bookmark[0] = '\0';
        break;
    case CHANNEL_BEGUN_AGAIN:
        m->generation++;
        m->id = m->time = m->seen = 0;
        m->bookmark[0] = '\0';
        break;
    }
    assert(m->seen >= m->id);
}

/* ---- words ---- */

static const struct {
    enum stream_state state;
    bool is_stale;
    const char *remedy;
} answers[] = {
    [CHANNEL_OK] = { STREAM_ATTACHED, false, "" },
    [CHANNEL_DRAINED] = { STREAM_ATTACHED, false, "" },
    [CHANNEL_TOO_LARGE] = { STREAM_RETRYING, true,
                            "The next record is too large for the Event Log service to hand out; it is tried again" },
    [CHANNEL_STALE] = { STREAM_RETRYING, true,
                        "The log was cleared or went round while it was read; it is tried again" },
    [CHANNEL_MARK_GONE] = { STREAM_RETRYING, true, "The place to go on from is gone from the log; it is tried again" },
    [CHANNEL_MISSING] = { STREAM_ABSENT, false,
                          "This host has no such channel; it comes with its role or feature of Windows" },
    [CHANNEL_BAD_QUERY] = { STREAM_MISCONFIGURED, false,
                            "The Event Log service refuses the query; correct the channel's name, or report this" },
    [CHANNEL_DIRECT] = { STREAM_UNSUPPORTED, false,
                         "Analytic and debug channels can not be followed; leave this one out" },
    [CHANNEL_DENIED] = { STREAM_NO_PERMISSION, false,
                         "Add the agent's account to the local group Event Log Readers and restart the agent" },
    [CHANNEL_NO_METADATA] = { STREAM_RETRYING, false,
                              "The publisher of the events is not registered here; it is tried again" },
    [CHANNEL_AWAY] = { STREAM_RETRYING, false, "The Windows Event Log service does not answer; it is tried again" },
    [CHANNEL_DISABLED] = { STREAM_RETRYING, false,
                           "Start the Windows Event Log service (EventLog) and set it to start automatically" },
    [CHANNEL_FAILED] = { STREAM_RETRYING, false, "Look the error up; it is tried again" },
};
_Static_assert(sizeof answers / sizeof answers[0] == CHANNEL_ANSWER_COUNT, "a row for every answer");

void channel_report(enum channel_answer answer, const char *call, uint32_t code, const char *channel,
                    struct stream_report *report)
{
    assert(answer < CHANNEL_ANSWER_COUNT);
    report->state = answers[answer].state;
    report->remedy[0] = '\0';
    if (answers[answer].remedy[0] != '\0')
        snprintf(report->remedy, sizeof report->remedy, "%s (%.96s: %s, error %" PRIu32 ")", answers[answer].remedy,
                 channel, call, code);
}

bool channel_answer_is_stale(enum channel_answer answer)
{
    assert(answer < CHANNEL_ANSWER_COUNT);
    return answers[answer].is_stale;
}
