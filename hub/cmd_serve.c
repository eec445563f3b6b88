/* hvhub serve: in the foreground until SIGTERM or SIGINT; SIGHUP reads the
 * config, tokens and certificates anew.  A service manager that asked for it hears how
 * the hub is (notify.h). */
#include "base/log.h"
#include "base/times.h"
#include "hub/commands.h"
#include "hub/hub.h"
#include "hub/notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_MAX = ERR_TEXT_MAX + 128 };

#define LOOK_NS (10 * NS_PER_S) /* at the files of certificates and tokens */

struct serving {
    struct hub *hub;
    const char *path;           /* of the config; NULL the default */
    struct hub_config *scratch; /* for the next config */
    sigset_t signals;
    char status[STATUS_MAX]; /* as told last */
    char file_problem[ERR_TEXT_MAX];
};

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

/* How the hub is, in a sentence. */
static void describe(const struct serving *v, char *out, size_t size)
{
    char reason[ERR_TEXT_MAX];

    if (hub_ready(v->hub, reason, sizeof reason))
        snprintf(out, size, "ready on %s", hub_address(v->hub));
    else
        snprintf(out, size, "on %s, waiting for the store: %s", hub_address(v->hub), reason);
}

static void say_ready(struct serving *v)
{
    describe(v, v->status, sizeof v->status);
    notify_ready(v->status);
}

/* From time to time: the status when it has changed, and that we live. */
static void say_alive(struct serving *v)
{
    char status[STATUS_MAX];

    describe(v, status, sizeof status);
    notify_alive(strcmp(status, v->status) != 0 ? status : NULL);
    memcpy(v->status, status, sizeof v->status);
}

static void reload(struct serving *v)
{
    struct err e = { 0 };

    notify_reloading();
    if (load_config(v->path, v->scratch) != EXIT_DONE) {
        log_event(LOG_ERROR, "reload.refused", LOG_S("in_force", "the settings from before"));
    } else if (hub_reload(v->hub, v->scratch, &e) != 0) {
        log_event(LOG_ERROR, "reload.refused", LOG_S("problem", e.text));
    } else {
        log_event(LOG_INFO, "reload.done", LOG_S("address", hub_address(v->hub)));
    }
    say_ready(v);
}

/* New certificates, keys, CAs and tokens need no signal.  Files that do not fit (half of them replaced, say) leave
 * those before in force, and are tried again. */
static void look_at_files(struct serving *v)
{
    struct err e = { 0 };
    bool changed;

    if (hub_renew_files(v->hub, &changed, &e) != 0) {
        if (strcmp(v->file_problem, e.text) != 0)
            log_event(LOG_ERROR, "files.refused", LOG_S("problem", e.text), LOG_S("in_force", "the files from before"));
        memcpy(v->file_problem, e.text, sizeof v->file_problem);
    } else {
        if (changed)
            log_event(LOG_INFO, "files.renewed", LOG_S("address", hub_address(v->hub)));
        v->file_problem[0] = '\0';
    }
}

/* The next signal, or 0 when it is time to look around and say that we live. */
static int next_signal(const struct serving *v)
{
    int64_t period = notify_period_ns() > 0 && notify_period_ns() < LOOK_NS ? notify_period_ns() : LOOK_NS;
    struct timespec most = { period / NS_PER_S, period % NS_PER_S };
    int sig = sigtimedwait(&v->signals, NULL, &most);

    return sig > 0 ? sig : 0;
}

static void wait_for_end(struct serving *v)
{
    int sig = 0;

    while (sig != SIGTERM && sig != SIGINT) {
        sig = next_signal(v);
        if (sig == SIGHUP) {
            reload(v);
        } else if (sig == 0) {
            look_at_files(v);
            say_alive(v);
        }
    }
    notify_stopping();
    log_event(LOG_INFO, "hub.stopping", LOG_S("signal", sig == SIGTERM ? "SIGTERM" : "SIGINT"));
}

static void complain(const char *problem, const char *outcome, bool journal)
{
    fprintf(stderr, "%shvhub serve: %s%s\n", journal ? "<3>" : "", problem, outcome);
}

static enum exit_code serve(struct hub_config *config, const char *path)
{
    struct hub_options options = { .config = config };
    struct serving v = { .path = path, .scratch = config };
    bool journal = notify_use_journal();
    struct err e = { 0 };

    block_signals(&v.signals);
    if (hub_start(&v.hub, &options, &e) != 0) {
        complain(e.text, "", journal);
        return EXIT_FAILED;
    }
    printf("listening on %s\n", hub_address(v.hub));
    fflush(stdout);
    say_ready(&v);
    wait_for_end(&v);
    if (hub_stop(v.hub, &e) != 0) {
        complain(e.text, "; ending without waiting for it", journal);
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
