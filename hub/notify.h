/* What the hub says to the service manager that started it.
 *
 * systemd's notification protocol (sd_notify(3)): lines NAME=value in one datagram to the
 * socket that $NOTIFY_SOCKET names.  Without that variable nothing is sent and nothing
 * else changes.  A datagram that can not be sent is lost: whether the service
 * manager listens never decides about the hub.
 *
 * Main thread. */
#ifndef HUB_NOTIFY_H
#define HUB_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* The hub serves.  status is one sentence for people, here and below; `systemctl status` shows it. */
void notify_ready(const char *status);

/* A reload begins; notify_ready() ends it. */
void notify_reloading(void);
void notify_stopping(void);

/* A new status, and a sign of life for the watchdog when there is one.  NULL: the sign alone. */
void notify_alive(const char *status);

/* How often notify_alive() is wanted: often enough for the watchdog.  0: nobody listens. */
int64_t notify_period_ns(void);

/* Is stderr the journal's?  Then log lines begin with their priority, <4>, from here on.  True
 * when it is. */
bool notify_use_journal(void);

#endif
