/* A running hub and a client for it. */
#ifndef TESTS_HUB_SUPPORT_HTTP_H
#define TESTS_HUB_SUPPORT_HTTP_H

#include "base/buf.h"
#include "hub/hub.h"

#include <stdbool.h>
#include <stddef.h>

/* A hub on a free port of loopback with its store in a new folder.  extra is more of the config (YAML),
 * after what is set here: listen, store.path, and unless extra has a section web: web.open_on_loopback. */
struct running {
    struct hub *hub;
    char dir[4096];
    char store[4200];
    char config_file[4200];
};
void hub_run(struct running *r, const char *extra, bool distrust_loopback);
void hub_end(struct running *r);

/* Reads the YAML of extra into a config as hub_run() does. */
void make_config(struct running *r, const char *extra, struct hub_config *out);

struct call {
    const char *method; /* NULL: POST with a body, else GET */
    const char *path;
    const char *headers[8]; /* "Name: value" */
    const void *body;
    size_t len;
    const char *ca, *cert, *key;
    bool chunked;
    const char *base; /* NULL: the hub's address */
};

struct answer {
    int status; /* 0: no answer */
    struct buf head, body;
    char error[512];
};

void call_hub(const struct running *r, const struct call *call, struct answer *out);
void answer_free(struct answer *a);

/* The header's value in the answer, "" when absent; static, one a thread. */
const char *answer_header(const struct answer *a, const char *name);

/* In one go: the status alone. */
int status_of(const struct running *r, const struct call *call);

#endif
