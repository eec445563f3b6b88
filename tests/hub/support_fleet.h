/* Agents and their requests, made up for the hub's tests. */
#ifndef TESTS_HUB_SUPPORT_FLEET_H
#define TESTS_HUB_SUPPORT_FLEET_H

#include "base/buf.h"
#include "base/times.h"
#include "hub/fleet_store.h"

#include <stdint.h>

/* A time to count from: 2026-01-31T08:00:00Z. */
#define T0      INT64_C(1769846400000000000)
#define MINUTES (60 * NS_PER_S)

/* An agent: agent id and host id are made from the number; win6x is the host's
 * expected version ("6.3.9600.18692"), os the host's ("6.3.9600.20778"). */
struct resource made_agent(int number, const char *cluster, const char *os, const char *win6x);

/* The canonical id of guest number n. */
const char *made_vm(int number);

/* A batch that is being filled; numbered as told. */
struct made {
    struct obs_batch batch;
    uint64_t next_seq;
};
void made_init(struct made *m, uint64_t first_seq);
void made_free(struct made *m);
struct observation *made_add(struct made *m, enum obs_kind kind, int64_t time_ns); /* takes the next number */

/* count lifecycle records about guest n, a second apart. */
void made_lifecycle(struct made *m, int vm, int count, int64_t time_ns);
/* A poll's answer for one running guest of 2012 R2 (os "6.3.9600") or another. */
void made_inventory(struct made *m, int vm, int64_t time_ns, const char *os, const char *is_version);
/* The host's own inventory, with its facts. */
void made_host_inventory(struct made *m, const struct resource *who, int64_t time_ns);

/* The batch as a request in protobuf, appended to out. */
void made_request(const struct made *m, const struct resource *who, struct buf *out);

/* Decodes the batch's request and applies it; returns what became of it. */
struct fleet_batch made_apply(struct fleet_store *s, const struct made *m, const struct resource *who);
/* The same from bytes. */
struct fleet_batch bytes_apply(struct fleet_store *s, const void *bytes, size_t len);

/* A clock that stands still until told otherwise. */
struct test_clock {
    struct clock clock;
    int64_t now;
};
void test_clock_init(struct test_clock *c);

/* Opens a store or fails the test.  With HVFLEET_TEST_STORE the path stands for a place in a database
 * (support_postgres.h), here and below. */
struct fleet_store *open_store(const char *path, const struct clock *clock);
/* Opens it, a path or a URL as it stands, and closes it again: 0 or why not. */
int try_open_store(const char *path, bool read_only, struct err *e);

/* One number from a statement over the store's file, read on a connection of its own. */
int64_t ask_store(const char *path, const char *sql);

/* The same for one text; "" when there is no row. */
void ask_store_text(const char *path, const char *sql, char *out, size_t size);

/* That the store has at least what was acknowledged of the agent's records, and of all up to its mark
 * each once.  Looks at one moment: a server may still be at the last commit of a hub that was killed. */
void check_all_once(const char *path, const char *agent_id, uint64_t acked);

/* The guest's verdict as stored: "behind 8", "" when there is no such guest. */
const char *stored_verdict(const char *path, int vm);

#endif
