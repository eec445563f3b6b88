/* Any bytes on a connection to a whole hub: what comes back is HTTP, and the connection ends.
 *
 * The hub listens on loopback without TLS, so that bytes reach its own code: paths, query strings, headers, bodies of
 * ingest and enrolment.  Its clients come from many loopback addresses, because a port is not free again at once. */
#include "base/log.h"
#include "hub/hub.h"
#include "plat/paths.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 64 * 1024, ADDRESSES = 60000, TRIES = 100 };

static struct {
    struct hub *hub;
    struct sockaddr_in address;
    char dir[512];
    uint32_t client;
} rig;

static void end(void)
{
    struct err e;

    if (hub_stop(rig.hub, &e) != 0)
        fprintf(stderr, "%s\n", e.text);
    plat_remove_tree(rig.dir);
}

static void start(void)
{
    static struct hub_config config;
    struct hub_options options = { .config = &config };
    struct buf yaml, problems;
    unsigned port;
    struct err e;

    buf_init(&yaml, 4096);
    buf_init(&problems, 64 * 1024);
    buf_printf(&yaml,
               "listen: 127.0.0.1:0\nlog: {level: error}\nstore: {path: \"%s/fleet.db\"}\n"
               "ingest: {require_certificate: false}\n",
               rig.dir);
    if (hub_config_parse("fuzz", buf_text(&yaml), yaml.len, &config, &problems) != 0 ||
        hub_start(&rig.hub, &options, &e) != 0 || sscanf(hub_address(rig.hub), "http://127.0.0.1:%u", &port) != 1)
        abort();
    rig.address = (struct sockaddr_in){ .sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    buf_free(&yaml);
    buf_free(&problems);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct err e;

    (void)argc;
    (void)argv;
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    if (plat_temp_dir("fuzz", rig.dir, sizeof rig.dir, &e) != 0)
        abort();
    start();
    atexit(end);
    return 0;
}

/* -1 with errno. */
static int connected_from(uint32_t client)
{
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 256 + client) };
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (s >= 0 && bind(s, (struct sockaddr *)&from, sizeof from) == 0 &&
        connect(s, (struct sockaddr *)&rig.address, sizeof rig.address) == 0)
        return s;
    if (s >= 0)
        close(s);
    return -1;
}

static int connected(void)
{
    for (int i = 0; i < TRIES; i++) {
        int s = connected_from(rig.client = (rig.client + 1) % ADDRESSES);

        if (s >= 0)
            return s;
    }
    perror("the hub is not there");
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char version[] = "HTTP/1.";
    char bytes[65536], head[sizeof version] = "";
    size_t sent = 0, got = 0;
    ssize_t n;
    int s;

    if (size > INPUT_MAX)
        return 0;
    s = connected();
    while (sent < size && (n = send(s, data + sent, size - sent, MSG_NOSIGNAL)) > 0)
        sent += (size_t)n;
    shutdown(s, SHUT_WR);
    while ((n = recv(s, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; i < n && got + (size_t)i < sizeof head - 1; i++)
            head[got + (size_t)i] = bytes[i];
        got += (size_t)n;
    }
    close(s);
    assert(strncmp(head, version, got < sizeof version - 1 ? got : sizeof version - 1) == 0);
    return 0;
}
