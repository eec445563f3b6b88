/* State ahead of its turn.
 *
 * After an outage the oldest records go first, and the hub would see how things
 * were then for as long as the backlog lasts.  So while there is more than
 * SENDER_AHEAD_BATCHES batches of it, one batch of the newest inventories of guests
 * (store_read_state()) is posted as HTTP_STATE before the next ordinary one, at
 * most every SENDER_AHEAD_EVERY_S seconds and only with what is newer than was
 * told so.  The hub learns how things are from it and keeps nothing else of
 * it: the same records come once more in their order, with their numbers.
 *
 * That is why nothing here touches numbers.  An answer to it acknowledges
 * nothing, counts for no limit and sets nothing aside; whether it arrived, twice or
 * never, or at another hub, changes neither what is sent afterwards nor
 * what may be forgotten.
 *
 * It is only for who said, with the acceptance of an ordinary batch, that it
 * understands (Hvfleet-Takes-State).  Where it fails as a batch may fail, the sender waits
 * as for a batch, and an ordinary one must be accepted before the next try, so
 * that it never stands in the way.  Any other refusal ends it for this backlog.
 * What the hub has room for is heeded as for a batch (sender_budget.c).
 */
#include "base/log.h"
#include "base/times.h"
#include "transport/sender_internal.h"
#include "transport/verdict.h"

#include <assert.h>

bool sender_ahead_begin(struct sender *s)
{
    uint64_t many = SENDER_AHEAD_BATCHES * (uint64_t)s->config.batch_count;
    int64_t now = s->clock->monotonic_ns(s->clock);

    assert(!s->ahead.under_way);
    if (!s->ahead.understood || s->ahead.given_up || s->limits.suspects > 0 || s->rows_left <= many ||
        now < s->ahead.not_before_ns)
        return false;
    s->ahead.not_before_ns = now + SENDER_AHEAD_EVERY_S * NS_PER_S;
    s->ahead.under_way = true;
    return true;
}

uint64_t sender_ahead_after(const struct sender *s)
{
    return s->ahead.through > s->after ? s->ahead.through : s->after;
}

static void end(struct sender *s)
{
    sender_drop_batch(s);
    s->state = SENDER_IDLE;
    if (!sender_pauses(s))
        sender_go_on(s);
}

void sender_ahead_was_read(struct sender *s)
{
    assert(s->ahead.under_way);
    /* A reload may have changed the endpoint while it was read. */
    if (s->slice.count == 0 || !s->ahead.understood)
        end(s);
    else
        sender_send(s);
}

void sender_ahead_give_up(struct sender *s, const char *why)
{
    log_event(LOG_INFO, "transport.state_not_taken", LOG_S("why", why));
    s->ahead.given_up = true;
    end(s);
}

static bool is_passing(int status)
{
    return status == 0 || status == 429 || (status >= 502 && status <= 504);
}

void sender_ahead_take_reply(struct sender *s, const struct http_reply *reply)
{
    char sentence[sizeof s->status.problem];

    assert(s->ahead.under_way);
    if (verdict_of(reply->status)->verdict == VERDICT_ACCEPTED) {
        s->ahead.understood = reply->takes_state;
        s->ahead.through = s->slice.last_seq;
        end(s);
    } else if (is_passing(reply->status)) {
        s->ahead.understood = false;
        sender_take_wait(s, reply);
    } else {
        sender_ahead_give_up(s, verdict_sentence(reply, sentence, sizeof sentence));
    }
}

void sender_ahead_forget(struct sender *s)
{
    s->ahead.understood = s->ahead.given_up = false;
    s->ahead.through = 0;
    s->ahead.not_before_ns = 0;
}
