/* The network of a simulation: requests and answers that are lost, late, doubled and
 * overtaken, and links that are cut.  See sim.h. */
#include "base/text.h"
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#define LATE_MAX  (20 * 60 * NS_PER_S)
#define QUICK_MAX (50 * NS_PER_MS)

struct answer {
    struct sim_agent *to;
    uint64_t token;
    struct http_reply reply;
};

void sim_request_free(struct sim_request *r)
{
    buf_free(&r->body);
    free(r);
}

static struct sim_agent *agent_of(struct http_client *c)
{
    return (struct sim_agent *)(void *)((char *)c - offsetof(struct sim_agent, http));
}

static int64_t delay(struct sim *s)
{
    int64_t most = sim_one_in(s, s->plan.late) ? LATE_MAX : QUICK_MAX;

    return NS_PER_MS + (int64_t)sim_roll(&s->chance, (uint64_t)most);
}

/* ---- to the hub -------------------------------------------------------------------- */

static void arrive(void *arg, uint64_t tag)
{
    struct sim_request *r = arg;
    struct sim *s = r->from->sim;
    struct http_reply reply = { .retry_after_ns = -1 };

    (void)tag;
    if (r->from->cut_off) {
        sim_request_free(r);
        return;
    }
    if (!s->hub.up) {
        text_copy(reply.error, sizeof reply.error, "connection refused");
    } else if (sim_one_in(s, s->plan.proxy_refuses)) {
        static const int statuses[] = { 429, 502, 503, 504 };

        reply.status = statuses[sim_roll(&s->chance, 4)];
        reply.retry_after_ns = (int64_t)sim_roll(&s->chance, 60) * NS_PER_S;
    } else {
        sim_hub_take(&s->hub, r);
        return;
    }
    sim_net_answer(s, r, &reply);
    sim_request_free(r);
}

static struct sim_request *copy_of(const struct sim_agent *a, enum http_what what, const void *body, size_t len,
                                   const char *encoding)
{
    struct sim_request *r = calloc(1, sizeof *r);

    if (r == NULL)
        abort();
    r->from = (struct sim_agent *)(uintptr_t)a;
    r->life = a->life;
    r->token = a->post.token;
    r->what = what;
    text_copy(r->encoding, sizeof r->encoding, encoding != NULL ? encoding : "");
    buf_init(&r->body, SIM_BODY_MAX);
    buf_add(&r->body, body, len);
    return r;
}

static void finish(struct sim_agent *a, const struct http_reply *reply)
{
    a->post.token = 0;
    a->post.done(a->post.arg, reply);
}

static void time_out(void *arg, uint64_t token)
{
    struct sim_agent *a = arg;
    struct http_reply reply = { .retry_after_ns = -1, .error = "timed out" };

    if (a->post.token == token)
        finish(a, &reply);
}

static int net_post(struct http_client *c, enum http_what what, const void *body, size_t len, const char *encoding,
                    void (*done)(void *arg, const struct http_reply *reply), void *arg, struct err *e)
{
    struct sim_agent *a = agent_of(c);
    struct sim *s = a->sim;
    int copies = 1 + sim_one_in(s, s->plan.twice);

    (void)e;
    if (a->post.token != 0)
        sim_fail(s, "agent %d posts while a request is under way", a->number);
    a->post.token = ++s->tokens;
    a->post.done = done;
    a->post.arg = arg;
    for (int i = 0; i < copies; i++)
        if (!a->cut_off && !sim_one_in(s, s->plan.lose_request))
            sim_at(s, s->now + delay(s), arrive, copy_of(a, what, body, len, encoding), 0);
    sim_at(s, s->now + 30 * NS_PER_S, time_out, a, a->post.token);
    return 0;
}

static void net_cancel(struct http_client *c)
{
    agent_of(c)->post.token = 0;
}

/* ---- and back ------------------------------------------------------------------------ */

static void come_back(void *arg, uint64_t tag)
{
    struct answer *answer = arg;
    struct sim_agent *a = answer->to;

    (void)tag;
    if (a->post.token == answer->token && !a->cut_off)
        finish(a, &answer->reply);
    free(answer);
}

void sim_net_answer(struct sim *s, const struct sim_request *r, const struct http_reply *reply)
{
    struct answer *answer;

    if (r->from->cut_off || sim_one_in(s, s->plan.lose_reply))
        return;
    answer = calloc(1, sizeof *answer);
    if (answer == NULL)
        abort();
    answer->to = r->from;
    answer->token = r->token;
    answer->reply = *reply;
    sim_at(s, s->now + delay(s), come_back, answer, 0);
}

void sim_net_init(struct sim_agent *a)
{
    static const struct http_client_ops ops = { .post = net_post, .cancel = net_cancel };

    a->http.ops = &ops;
}
