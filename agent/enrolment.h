/* The agent's own certificate: gets it from the hub with an enrolment token,
 * keeps it beside the store, and renews it at two thirds of its life, give or take
 * a little so that hosts that enrolled together do not renew together.
 *
 * identity.pem in store.dir is the identity, and identity.key a key whose
 * certificate has not come yet (plat/keys.h), kept so that asking again costs no
 * second use of the token.  While renewing fails the certificate that there is
 * stays in use.  One that has run out is replaced by enrolling anew.
 *
 * Loop thread; disk and network are on worker threads.
 */
#ifndef AGENT_ENROLMENT_H
#define AGENT_ENROLMENT_H

#include "config/agent_config.h"
#include "model/host.h"
#include "plat/clock.h"
#include "plat/random.h"
#include "transport/enroll.h"

#include <uv.h>

struct enrolment;

enum enrolment_state {
    ENROLMENT_OFF,      /* hub.enroll_token_file is "" */
    ENROLMENT_WAITING,  /* no certificate yet */
    ENROLMENT_ENROLLED, /* there is one that holds */
    ENROLMENT_EXPIRED,  /* there is one that has run out */
};
const char *enrolment_state_name(enum enrolment_state s); /* off, waiting, enrolled, expired */

struct enrolment_status {
    enum enrolment_state state;
    int64_t expires;            /* wall; 0 there is no certificate */
    int64_t next_try;           /* wall; 0 none is planned */
    char problem[ERR_TEXT_MAX]; /* of the last try; "" it went well */
    bool refused;               /* the hub's own word */
};

/* enroll_ask() in the agent; tests bring their own.  Called on a worker thread. */
typedef int enrolment_ask(const struct enroll_request *r, struct buf *out, struct err *e);

struct enrolment_options {
    uv_loop_t *loop;
    const struct clock *clock;
    const struct random_source *random;
    enrolment_ask *ask;
    const char *data_dir;            /* copied */
    const struct resource *resource; /* agent and host id (copied) */
    /* The answer of enrolment_settings() is another one now. */
    void (*changed)(void *arg);
    /* Does the hub refuse what is shown to it now?  Then another certificate is asked for, whatever the age of this
     * one (it was revoked, or this clock is wrong). */
    bool (*refused)(void *arg);
    void *arg;
};

MUST_USE int enrolment_new(struct enrolment **out, const struct enrolment_options *options, struct err *e);

/* New settings (copied): tries at once. */
void enrolment_configure(struct enrolment *n, const struct agent_config_hub *hub);

/* The settings to speak to the hub with: the certificate's file is filled in; url is "" while there is none to
 * show, because then there is nothing to be said.  Without enrolment they are as configured. */
void enrolment_settings(const struct enrolment *n, struct agent_config_hub *out);

void enrolment_status(const struct enrolment *n, struct enrolment_status *out);

/* True when a question is under way that will not end soon: it is left behind, and its thread with it.  n is gone. */
bool enrolment_stop(struct enrolment *n);

/* Fills in the certificate of an agent that has enrolled, for a command that asks the hub by itself.  When
 * there is none that this account may use, and no hub.token_file to ask with instead, e says why.  Looks at the disk.
 */
MUST_USE int enrolment_borrow(const struct agent_config *config, struct agent_config_hub *out, struct err *e);

#endif
