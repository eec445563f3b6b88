/* The hub's HTTP side: libmicrohttpd on a listening socket that is not its own.
 *
 * A few threads serve all connections and never wait: a request for a commit
 * or a report is suspended, handed to the writer or the worker, and resumed
 * when its answer is there.
 *
 * Reload: a second server is started with the new settings on the same
 * socket, then the first is stopped; what it is busy with is still answered.
 * So certificates, CAs, limits and threads change without a closed port.
 */
#ifndef HUB_SERVER_H
#define HUB_SERVER_H

#include "config/hub_config.h"
#include "hub/auth.h"
#include "hub/counters.h"
#include "hub/fleet_store.h"
#include "hub/limits_rate.h"
#include "hub/listener.h"
#include "hub/tls.h"
#include "hub/worker.h"
#include "hub/writer.h"
#include "plat/clock.h"

struct server;
struct login;

/* All but config and tls are shared with the server that comes after, and must outlive it. */
struct server_options {
    const struct hub_config *config; /* copied */
    struct tls_material *tls;        /* read during server_start() only, which takes its ca */
    const struct listener *listener;
    struct auth *auth;
    struct writer *writer;
    struct worker *worker;
    struct fleet_store *reading;   /* used on the worker's thread alone */
    struct fleet_store *enrolling; /* the same; written to */
    struct counters *counters;
    struct rate *rate;   /* what each agent may send */
    struct login *login; /* people */
    const struct clock *clock;
    /* Takes the peer for somebody from elsewhere even on loopback; for tests of who may speak. */
    bool distrust_loopback;
};

/* ERR_REFUSED: plain HTTP on an address that others can reach. */
MUST_USE int server_start(struct server **out, const struct server_options *options, struct err *e);

/* Takes no new connections, answers what is under way, closes.  ERR_TIMEOUT when a commit did not
 * come back within max_ns: then nothing was freed, and the program should end. */
MUST_USE int server_stop(struct server *s, int64_t max_ns, struct err *e);

#endif
