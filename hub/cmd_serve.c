/* hvhub serve: in the foreground until SIGTERM or SIGINT; SIGHUP reads the
 * config, tokens and certificates anew. */
#include "base/log.h"
#include "hub/commands.h"
#include "hub/hub.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* All threads inherit this mask, so that signals come to the waiting main thread alone. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void reload(struct hub *hub, const char *path, struct hub_config *scratch)
{
    struct err e = { 0 };

    if (load_config(path, scratch) != EXIT_DONE) {
        log_event(LOG_ERROR, "reload.refused", LOG_S("in_force", "the settings from before"));
    } else if (hub_reload(hub, scratch, &e) != 0) {
        log_event(LOG_ERROR, "reload.refused", LOG_S("problem", e.text));
    } else {
        log_event(LOG_INFO, "reload.done", LOG_S("address", hub_address(hub)));
    }
}

static void wait_for_end(struct hub *hub, const char *path, struct hub_config *scratch, const sigset_t *set)
{
    int sig = 0;

    while (sig != SIGTERM && sig != SIGINT) {
        if (sigwait(set, &sig) == 0 && sig == SIGHUP)
            reload(hub, path, scratch);
    }
    log_event(LOG_INFO, "hub.stopping", LOG_S("signal", sig == SIGTERM ? "SIGTERM" : "SIGINT"));
}

static enum exit_code serve(struct hub_config *config, const char *path)
{
    struct hub_options options = { .config = config };
    struct hub *hub;
    struct err e = { 0 };
    sigset_t set;

    block_signals(&set);
    if (hub_start(&hub, &options, &e) != 0) {
        fprintf(stderr, "hvhub serve: %s\n", e.text);
        return EXIT_FAILED;
    }
    printf("listening on %s\n", hub_address(hub));
    fflush(stdout);
    wait_for_end(hub, path, config, &set);
    if (hub_stop(hub, &e) != 0) {
        fprintf(stderr, "hvhub serve: %s; ending without waiting for it\n", e.text);
        _exit(EXIT_FAILED);
    }
    return EXIT_DONE;
}

int cmd_serve(int argc, char **argv)
{
    const char *path = NULL, *words[1];
    const struct option_spec specs[] = { { "--config", &path } };
    struct hub_config *config = malloc(sizeof *config);
    enum exit_code code = EXIT_FAILED;

    if (config == NULL)
        return EXIT_FAILED;
    if (!read_options(argc, argv, specs, 1, words, 0))
        code = EXIT_USAGE;
    else
        code = load_config(path, config);
    if (code == EXIT_DONE)
        code = serve(config, path);
    free(config);
    return code;
}
