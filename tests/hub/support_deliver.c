/* See support_deliver.h. */
#include "tests/hub/support_deliver.h"

#include "base/log.h"
#include "base/text.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define OS_2012R2 "6.3.9600.20778"

struct target target;

void target_send(const struct content *c, const struct deliver_options *o, struct deliver_result *out)
{
    (void)o;
    target.tries++;
    text_copy(target.tried_id, sizeof target.tried_id, c->id);
    *out = (struct deliver_result){ .outcome = target.outcome, .retry_after_ns = target.retry_after_ns };
    if (target.outcome != DELIVER_SENT) {
        text_copy(out->text, sizeof out->text, "the target says no");
        return;
    }
    ck_assert_int_lt(target.count, SENT_MAX);
    text_copy(target.sent[target.count].id, DELIVERY_ID_MAX, c->id);
    text_copy(target.sent[target.count].name, DELIVERY_NAME_MAX, c->delivery->name);
    text_copy(target.sent[target.count].title, CONTENT_TITLE_MAX, c->title);
    target.sent[target.count].kind = c->kind;
    target.sent[target.count].total = c->item_total;
    target.sent[target.count].guests = c->summary.guests;
    text_copy(target.text, sizeof target.text, buf_text(&c->text));
    target.count++;
}

/* ---- a hub's part of it --------------------------------------------------------------------- */

struct test_clock hub_clock;
char deliver_store_path[4096];
struct hub_config deliver_config;
struct counters deliver_counters;
struct resource host_one, host_two;
static struct fleet_store *ingest;

struct hub_part part_start(send_function *send)
{
    struct hub_part p = { .store = open_store(deliver_store_path, &hub_clock.clock) };
    struct deliver_setup setup = {
        .store = p.store,
        .config = &deliver_config,
        .counters = &deliver_counters,
        .clock = &hub_clock.clock,
        .random = plat_random(),
        .send = send,
    };
    struct err e = { 0 };

    ck_assert_msg(deliver_new(&p.deliver, &setup, &e) == 0, "%s", e.text);
    return p;
}

/* As after kill -9: nothing is given back. */
void part_die(struct hub_part *p)
{
    deliver_free(p->deliver);
    fleet_store_close(p->store);
}

void part_end(struct hub_part *p)
{
    deliver_rest(p->deliver);
    part_die(p);
}

void deliver_set_up(const char *deliveries)
{
    char yaml[4096];
    struct buf problems;

    snprintf(deliver_store_path, sizeof deliver_store_path, "%s/fleet.db", temp_dir());
    test_clock_init(&hub_clock);
    hub_clock.now = T0;
    memset(&target, 0, sizeof target);
    memset(&deliver_counters, 0, sizeof deliver_counters);
    buf_init(&problems, 4096);
    snprintf(yaml, sizeof yaml, "delivery: {takeover_after: 45s, list: [%s]}\n", deliveries);
    ck_assert_msg(hub_config_parse("hub.yaml", yaml, strlen(yaml), &deliver_config, &problems) == 0, "%s",
                  buf_text(&problems));
    buf_free(&problems);
    ingest = open_store(deliver_store_path, &hub_clock.clock);
    host_one = made_agent(1, "PROD-A", OS_2012R2, DELIVER_E1);
    host_two = made_agent(2, "PROD-B", OS_2012R2, DELIVER_E1);
    log_set_level(LOG_ERROR);
}

void deliver_tear_down(void)
{
    fleet_store_close(ingest);
}

void tick_after(struct hub_part *p, int64_t ns)
{
    hub_clock.now += ns;
    deliver_tick(p->deliver);
}

/* Ticks every ten seconds for so long. */
void run_for(struct hub_part *p, int64_t ns)
{
    for (int64_t end = hub_clock.now + ns; hub_clock.now < end;)
        tick_after(p, 10 * SECONDS);
}

/* A host's inventory and guests first..first+count-1 with these integration services. */
void report_guests(const struct resource *who, int first, int count, const char *is)
{
    static uint64_t seq[3] = { 0, 0, 0 };
    struct made m;
    int i = who == &host_two;

    made_init(&m, ++seq[i] * 10000);
    made_host_inventory(&m, who, hub_clock.now);
    for (int vm = first; vm < first + count; vm++)
        made_inventory(&m, vm, hub_clock.now, "6.3.9600", is);
    made_apply(ingest, &m, who);
    made_free(&m);
}
