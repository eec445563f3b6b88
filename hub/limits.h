/* The limits of one connection and one request, applied where the HTTP side
 * meets them: who was slow (limits_watch.h), who sends too much (limits_rate.h), who
 * was asked for (limits_host.h), and what is counted against which credential.
 *
 * Thread: as the exchange. */
#ifndef HUB_LIMITS_H
#define HUB_LIMITS_H

#include "hub/exchange.h"

enum { LIMITS_STRANGER_BODY = 64 * 1024 }; /* bytes read of a body whose sender was refused for what it is */

/* What is kept with a connection. */
struct link {
    struct watched *watched;
    char payer[GUID_TEXT_MAX]; /* for whom the last request spoke; "" none yet */
};

/* A connection came or went; *context is its link, NULL without memory. */
void limits_connection(struct server *s, struct MHD_Connection *connection, void **context, bool started);

/* Refuses headers that can be read in two ways (limits_headers.h), and the connection ends. */
void limits_headers(struct exchange *x);

/* The request's headers are there: body time runs, and an agent that has to wait hears so. */
void limits_begin(struct exchange *x);
void limits_received(struct exchange *x, size_t n); /* n more bytes of the body */
/* The body is there: our turn. */
void limits_ours(struct exchange *x);
void limits_answer(struct exchange *x, size_t len);
void limits_done(struct exchange *x);

bool limits_has_certificate(const struct exchange *x);

/* False when the request was meant for another name; only asked of those who brought nothing of their own. */
bool limits_host_right(const struct exchange *x);

/* A request was read: is there credit left for whom it speaks?  Refuses with 429 when not, else it is paid. */
bool limits_pay(struct exchange *x);

/* The request of one agent was taken: puts into the answer what it may send next, when there is anything that it should
 * hear.  Called by the writer's thread, before the request is freed. */
void limits_tell_budget(struct exchange *x);

/* Names what the peer showed: "token:1f00...", "certificate:1f00...", "loopback". */
void limits_credential(const struct exchange *x, char out[FLEET_CREDENTIAL_MAX]);

/* Bytes of body that are read and dropped after a refusal. */
uint64_t limits_discarded(const struct exchange *x);

/* 429: refuses with a Retry-After that is spread.  Not 5xx: the hub is well, and a proxy that counts failures must not
 * take it out of service for shedding what is too much. */
void limits_busy(struct exchange *x, int least_s, const char *why);

#endif
