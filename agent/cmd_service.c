/* hvagent service VERB.  What it does is plat/service_control.h; exit codes are
 * those of every command, and "status" is 0 only while the service runs. */
#include "agent/cmd_service.h"

#include "agent/commands.h"
#include "plat/service_control.h"

#include <stdio.h>
#include <string.h>

enum { REMARKS_MAX = 16 * 1024 };

struct verb {
    const char *name;
    int (*act)(const struct service_plan *plan, struct buf *remarks, struct err *e);
    const char *done; /* what to say afterwards; NULL: it says so itself */
};

static int uninstall(const struct service_plan *plan, struct buf *remarks, struct err *e)
{
    (void)plan;
    return service_control_uninstall(remarks, e);
}

static int start(const struct service_plan *plan, struct buf *remarks, struct err *e)
{
    (void)plan;
    (void)remarks;
    return service_control_start(e);
}

static int stop(const struct service_plan *plan, struct buf *remarks, struct err *e)
{
    (void)plan;
    (void)remarks;
    return service_control_stop(e);
}

static int reload(const struct service_plan *plan, struct buf *remarks, struct err *e)
{
    (void)plan;
    (void)remarks;
    return service_control_reload(e);
}

static int status(const struct service_plan *plan, struct buf *remarks, struct err *e)
{
    struct service_standing s;
    int rc = service_control_standing(&s, e);

    (void)plan;
    (void)remarks;
    if (rc != 0)
        return rc;
    printf("state    %s", s.state);
    if (s.pid != 0)
        printf(", process %lu", s.pid);
    else if (s.exit_code != 0)
        printf(", ended with code %lu", s.exit_code);
    printf("\nstart    %s\naccount  %s\ncommand  %s\n", s.start, s.account, s.command);
    return s.running ? 0 : err_set(e, ERR_STATE, "the service does not run");
}

static const struct verb verbs[] = {
    { "install", service_control_install, "installed; hvagent service start starts it" },
    { "uninstall", uninstall, "removed; settings and data were left in place" },
    { "start", start, "running" },
    { "stop", stop, "stopped" },
    { "reload", reload, "asked to read its settings again; hvagent status shows what came of it" },
    { "status", status, NULL },
};

static const struct verb *find_verb(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, argv[1]) == 0)
            return &verbs[i];
    return NULL;
}

static int act(const struct verb *verb, const struct service_plan *plan)
{
    struct buf remarks;
    struct err e;
    int rc;

    buf_init(&remarks, REMARKS_MAX);
    rc = verb->act(plan, &remarks, &e);
    fputs(buf_text(&remarks), stderr);
    buf_free(&remarks);
    if (rc == 0 && verb->done != NULL)
        printf("%s\n", verb->done);
    if (rc != 0)
        fprintf(stderr, "hvagent service: %s\n", e.text);
    return rc == 0 ? EXIT_DONE : rc == ERR_UNSUPPORTED ? EXIT_USAGE : EXIT_FAILED;
}

int cmd_service(int argc, char **argv)
{
    struct service_plan plan = { 0 };
    bool at_once = false;
    const struct option_spec specs[] = { { "--config", &plan.config, NULL },
                                         { "--account", &plan.account, NULL },
                                         { "--no-delay", NULL, &at_once } };
    const struct verb *verb;

    if (!options_take(&argc, argv, specs, sizeof specs / sizeof specs[0]))
        return EXIT_USAGE;
    verb = find_verb(argc, argv);
    if (verb == NULL) {
        fputs("usage: hvagent service install [--config F] [--account A] [--no-delay]\n"
              "       hvagent service uninstall|start|stop|reload|status\n",
              stderr);
        return EXIT_USAGE;
    }
    plan.delayed = !at_once;
    return act(verb, &plan);
}
