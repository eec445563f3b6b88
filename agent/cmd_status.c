/* hvagent status: asks the running agent on its socket.
 *
 * Exit code 0 when it is ok or degraded, 1 when it has failed or does not
 * answer.  Where the socket is comes from --socket, else from the settings in the
 * system's place when they can be read, else from the system's default. */
#include "agent/commands.h"
#include "agent/status_text.h"
#include "base/times.h"
#include "config/agent_config.h"
#include "plat/clock.h"
#include "plat/local_socket.h"
#include "plat/paths.h"
#include "plat/terminal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { ANSWER_MAX = 32 * 1024 * 1024, ASK_S = 10, WATCH_MS = 2000, PROBLEMS_MAX = 64 * 1024 };

struct choices {
    bool json, watch;
    char socket[CONFIG_TEXT_MAX];
};

static int ask(const struct choices *c, struct buf *answer)
{
    struct err e;

    buf_clear(answer);
    if (local_socket_ask(c->socket, "{\"cmd\":\"status\",\"v\":1}", ASK_S * NS_PER_S, answer, &e) == 0)
        return EXIT_DONE;
    fprintf(stderr, "hvagent status: %s\n", e.text);
    if (e.code == ERR_PERMISSION)
        fputs("    -> run it as root, or as a member of the group in status.group\n", stderr);
    else
        fputs("    -> is it running? hvagent run starts it; --socket names another socket\n", stderr);
    return EXIT_FAILED;
}

static void show_text(const struct choices *c, const json_t *status)
{
    const struct clock *clock = plat_clock();
    struct buf text;

    buf_init(&text, ANSWER_MAX);
    status_text(status, clock->wall_ns(clock), terminal_colour(stdout), &text);
    if (c->watch)
        terminal_clear(stdout);
    fputs(buf_text(&text), stdout);
    buf_free(&text);
}

/* The answer to stdout, and the exit code it stands for. */
static int show(const struct choices *c, const struct buf *answer)
{
    json_t *status = json_loadb(buf_text(answer), answer->len, 0, NULL);
    const char *state = json_string_value(json_object_get(status, "state"));
    const char *error = json_string_value(json_object_get(status, "error"));
    int code = EXIT_FAILED;

    if (state == NULL)
        fprintf(stderr, "hvagent status: %s\n", error != NULL ? error : "the answer makes no sense");
    else if (c->json)
        printf("%s\n", buf_text(answer));
    else
        show_text(c, status);
    if (state != NULL && strcmp(state, "failed") != 0)
        code = EXIT_DONE;
    json_decref(status);
    fflush(stdout);
    return code;
}

static int find_socket(const char *given, struct choices *c)
{
    const char *path = given;
    struct agent_config *config = calloc(1, sizeof *config);
    struct buf problems;
    int n;

    buf_init(&problems, PROBLEMS_MAX);
    if (path == NULL && config != NULL && agent_config_load(plat_path(PLAT_AGENT_CONFIG), config, &problems) == 0 &&
        config->socket[0] != '\0')
        path = config->socket;
    n = snprintf(c->socket, sizeof c->socket, "%s", path != NULL ? path : plat_path(PLAT_AGENT_SOCKET));
    buf_free(&problems);
    free(config);
    return n > 0 && (size_t)n < sizeof c->socket ? EXIT_DONE : EXIT_USAGE;
}

int cmd_status(int argc, char **argv)
{
    struct choices c = { 0 };
    const char *socket = NULL;
    const struct option_spec specs[] = { { "--json", NULL, &c.json },
                                         { "--socket", &socket, NULL },
                                         { "--watch", NULL, &c.watch } };
    struct buf answer;
    int code;

    if (!options_take(&argc, argv, specs, sizeof specs / sizeof specs[0]) || argc > 1) {
        fputs("usage: hvagent status [--json] [--socket P] [--watch]\n", stderr);
        return EXIT_USAGE;
    }
    if (find_socket(socket, &c) != EXIT_DONE) {
        fputs("hvagent status: the socket's path is empty or too long\n", stderr);
        return EXIT_USAGE;
    }
    buf_init(&answer, ANSWER_MAX);
    code = ask(&c, &answer);
    if (code == EXIT_DONE)
        code = show(&c, &answer);
    while (c.watch) {
        uv_sleep(WATCH_MS);
        if (ask(&c, &answer) == EXIT_DONE)
            show(&c, &answer);
    }
    buf_free(&answer);
    return code;
}
