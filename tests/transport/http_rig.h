/* What tests of http_curl.h stand on: a real server with real TLS on this machine (http_server.py), certificates made
 * for it, and one client on a loop.  Linked into those tests alone: it forks. */
#ifndef TESTS_TRANSPORT_HTTP_RIG_H
#define TESTS_TRANSPORT_HTTP_RIG_H

#include "tests/support/suite.h"
#include "transport/http_curl.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* main() of such a test: certificates are made once, before the first test, because each is a process of its own. */
int http_rig_main(const char *name, void (*add)(Suite *s));

/* Their folder, with ca.pem, other-ca.pem, hub.*, wrong.*, client.*; missing says why there is none. */
extern const char *certs, *missing;

#define need_server()    \
    if (missing != NULL) \
    skip("%s", missing)

struct server {
    pid_t pid;
    FILE *out;
    int in;
    int port;
    char line[8192]; /* of the last request */
};

/* ---- the server --------------------------------------------------------- */

/* args go to http_server.py; NULL-ended. */
void server_start(struct server *s, const char *const *args);
/* With NAME.pem and NAME.key. */
void server_tls(struct server *s, const char *name);
void server_stop(struct server *s);
/* The server has not told of a request yet. */
bool saw_nothing_yet(struct server *s);
/* The next request that the server saw. */
const char *saw(struct server *s);

bool shell(const char *command);
/* The path of a file in the certificates' folder; good for eight calls. */
const char *cert(const char *name);

/* ---- the client --------------------------------------------------------- */

extern uv_loop_t loop;
extern struct http_client *client;
extern struct agent_config_hub config;
extern struct http_reply got; /* of the last POST */
extern bool answered, closed;

void set_config(int port, const char *mode);
void open_client(void);
void close_client(void);
void on_closed(void *arg);
void on_reply(void *arg, const struct http_reply *reply);
void start_post(const char *body, const char *encoding);
/* Waits for the answer. */
void post(const char *body, const char *encoding);
/* One POST to a TLS server in that mode. */
void once(const char *mode);

#endif
