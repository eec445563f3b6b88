/* A hub's part in deliveries, over a real store, with a clock of our own and a target that does as it is told. */
#ifndef TESTS_HUB_SUPPORT_DELIVER_H
#define TESTS_HUB_SUPPORT_DELIVER_H

#include "hub/deliver.h"
#include "tests/hub/support_fleet.h"

#define SECONDS NS_PER_S
#define HOURS   (60 * MINUTES)

#define DELIVER_E1  "6.3.9600.18692" /* what the hosts expect */
#define DELIVER_OLD "6.3.9600.16384"

/* Deliveries for deliver_set_up(). */
#define SLACK    "webhook: {url: 'https://hooks.example.com/x', shape: slack}"
#define ON_DRIFT "{name: drift, on: [new-drift], batch: 1m, " SLACK "}"

/* ---- the target ------------------------------------------------------------------------- */

enum { SENT_MAX = 64 };

extern struct target {
    enum deliver_outcome outcome; /* of every try from now on */
    int64_t retry_after_ns;
    int tries;
    int count; /* taken */
    struct {
        char id[DELIVERY_ID_MAX], name[DELIVERY_NAME_MAX], title[CONTENT_TITLE_MAX];
        enum fleet_job kind;
        size_t total, guests;
    } sent[SENT_MAX];
    char text[64 * 1024];           /* of the newest */
    char tried_id[DELIVERY_ID_MAX]; /* of the newest try */
} target;

typedef void send_function(const struct content *c, const struct deliver_options *o, struct deliver_result *out);
send_function target_send;

/* ---- hubs --------------------------------------------------------------------------------- */

extern struct test_clock hub_clock; /* of all of them; T0 at first */
extern struct hub_config deliver_config;
extern struct counters deliver_counters;
extern char deliver_store_path[4096];
extern struct resource host_one, host_two; /* in PROD-A and PROD-B */

struct hub_part {
    struct fleet_store *store;
    struct deliver *deliver;
};

/* A new store, and these deliveries in deliver_config. */
void deliver_set_up(const char *deliveries);
void deliver_tear_down(void);

struct hub_part part_start(send_function *send);
void part_die(struct hub_part *p); /* as after kill -9: nothing is given back */
void part_end(struct hub_part *p);
void tick_after(struct hub_part *p, int64_t ns);
void run_for(struct hub_part *p, int64_t ns); /* ticks every ten seconds for so long */

/* The host's inventory and guests first..first+count-1 with these integration services. */
void report_guests(const struct resource *who, int first, int count, const char *is);

#endif
