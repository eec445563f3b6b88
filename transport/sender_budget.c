/* What the hub has room for (sender.h, send budget): told with an acknowledgement, so
 * that what would be sent away is not sent at all. */
#include "base/text.h"
#include "model/otlp.h"
#include "transport/sender_internal.h"
#include "transport/verdict.h"

void sender_forget_budget(struct sender *s)
{
    s->has_budget = s->pause_wanted = false;
    s->budget = 0;
    s->status.pause[0] = '\0';
}

void sender_take_budget(struct sender *s, const struct http_reply *reply)
{
    sender_forget_budget(s);
    if (!reply->has_send_budget || verdict_of(reply->status)->verdict != VERDICT_ACCEPTED)
        return;
    s->has_budget = true;
    s->budget = reply->send_budget;
    s->pause_wanted = s->budget == 0;
    s->retry_after_ns = reply->retry_after_ns;
}

size_t sender_batch_bytes(const struct sender *s)
{
    size_t most = limits_bytes(&s->limits), envelope = otlp_envelope_max(&s->resource);

    if (!s->has_budget || s->budget >= (uint64_t)most + envelope)
        return most;
    return s->budget > envelope ? (size_t)s->budget - envelope : 1;
}

bool sender_pauses(struct sender *s)
{
    int64_t delay;

    if (!s->pause_wanted)
        return false;
    sender_forget_budget(s);
    delay = backoff_ns(s->config.retry_min_ns, s->config.retry_max_ns, 1, s->retry_after_ns, s->random);
    text_copy(s->status.pause, sizeof s->status.pause,
              "the hub has taken all so far and asks this agent to wait before it sends more: nothing is wrong");
    sender_rest(s, SENDER_WAITING, delay);
    return true;
}
