/* Certificates for a hub that runs in a test, and the settings that name them. */
#ifndef TESTS_HUB_SUPPORT_TLS_H
#define TESTS_HUB_SUPPORT_TLS_H

#include <stdbool.h>

/* Into dir, with the openssl command: a CA (ca.pem), the hub's (hub.pem, hub2.pem), and three that clients show:
 * client.pem, server.pem (it is no client's), outsider.pem (a stranger signed it); each with its NAME.key.  False
 * when the command is not there. */
bool make_certificates(const char *dir);

/* dir/name; static, the last eight hold. */
const char *path_in(const char *dir, const char *name);

/* The section tls with these names of files in certs; clients: ca.pem may sign clients.  Static, the last holds. */
const char *tls_config(const char *certs, const char *hub, bool clients);

#endif
