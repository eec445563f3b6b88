/* hvagent service VERB.  What it does is plat/service_control.h; exit codes are
 * those of every command, and "status" is 0 only while the service runs. */
#include "agent/cmd_service.h"

#include "agent/commands.h"
#include "agent/first_settings.h"
#include "base/times.h"
#include "plat/clock.h"
#include "plat/files.h"
#include "plat/keys.h"
#include "plat/paths.h"
#include "plat/service_control.h"
#include "plat/trust.h"

#include <stdio.h>
#include <string.h>

enum { REMARKS_MAX = 16 * 1024 };

/* What the command line asks for. */
struct request {
    struct service_plan plan;
    struct first_settings first;
    const char *log; /* a file that gets the messages too; NULL: none */
    bool remove_data;
};

struct verb {
    const char *name;
    int (*act)(const struct request *request, struct buf *remarks, struct err *e);
    const char *done; /* what to say afterwards; NULL: it says so itself */
};

static int install(const struct request *request, struct buf *remarks, struct err *e)
{
    const char *path = request->plan.config != NULL ? request->plan.config : plat_path(PLAT_AGENT_CONFIG);
    bool made;
    int rc = plat_trusted_file(path, TRUST_SETTINGS, e);

    if (rc == 0)
        rc = service_control_install(&request->plan, remarks, e);
    if (rc != 0 || !first_settings_wanted(&request->first))
        return rc;
    rc = first_settings_write(path, &request->first, &made, e);
    if (rc == 0 && !made)
        buf_printf(remarks, "%s is there and stays as it is\n", path);
    return rc;
}

/* The folder that holds the settings and the store, as far as they are in their default places. */
static int remove_data(struct err *e)
{
    const struct files *files = plat_files();
    const char *config = plat_path(PLAT_AGENT_CONFIG), *end = strrchr(config, '/');
    char folder[FILES_PATH_MAX], identity[FILES_PATH_MAX], key[FILES_PATH_MAX];
    struct file_info there;
    int rc;

    snprintf(folder, sizeof folder, "%.*s", (int)(end - config), config);
    rc = plat_trusted_file(folder, TRUST_SETTINGS, e); /* else somebody could put a link into the way */
    if (rc != 0)
        return rc;
    snprintf(identity, sizeof identity, "%s/identity.pem", plat_path(PLAT_AGENT_DATA));
    snprintf(key, sizeof key, "%s/identity.key", plat_path(PLAT_AGENT_DATA));
    plat_identity_forget(identity, key);
    plat_remove_tree(folder);
    rc = files->ops->stat(files, folder, &there, e);
    if (rc == ERR_NOT_FOUND)
        return 0;
    return rc != 0 ? rc : err_set(e, ERR_BUSY, "not all of %s could be removed: does anybody use it?", folder);
}

static int uninstall(const struct request *request, struct buf *remarks, struct err *e)
{
    int rc = service_control_uninstall(remarks, e);

    if (request->remove_data && (rc == 0 || rc == ERR_NOT_FOUND))
        rc = remove_data(e);
    if (rc == 0)
        puts(request->remove_data ? "removed, with settings and data"
                                  : "removed; settings and data were left in place");
    return rc;
}

static int start(const struct request *request, struct buf *remarks, struct err *e)
{
    (void)request;
    (void)remarks;
    return service_control_start(e);
}

static int stop(const struct request *request, struct buf *remarks, struct err *e)
{
    (void)request;
    (void)remarks;
    return service_control_stop(e);
}

static int reload(const struct request *request, struct buf *remarks, struct err *e)
{
    (void)request;
    (void)remarks;
    return service_control_reload(e);
}

static int status(const struct request *request, struct buf *remarks, struct err *e)
{
    struct service_standing s;
    int rc = service_control_standing(&s, e);

    (void)request;
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
    { "install", install, "installed; hvagent service start starts it" },
    { "uninstall", uninstall, NULL },
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

/* Whether nobody else decides where what is written to log ends up. */
static bool may_keep(const char *log)
{
    char folder[FILES_PATH_MAX], *slash;
    struct err e;

    snprintf(folder, sizeof folder, "%s", log);
    plat_path_tidy(folder);
    slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    if ((slash == NULL || plat_trusted_file(folder, TRUST_SETTINGS, &e) == 0) &&
        plat_trusted_file(log, TRUST_SETTINGS, &e) == 0)
        return true;
    fprintf(stderr, "nothing is written to %s: %s\n", log, e.text);
    return false;
}

/* To the end of the file log, with the time: an installer shows nobody what it is told. */
static void keep(const char *log, const char *verb, const char *text)
{
    const struct clock *clock = plat_clock();
    char when[TIMES_TEXT_MAX];
    FILE *f = may_keep(log) ? fopen(log, "ab") : NULL;

    if (f == NULL)
        return;
    fprintf(f, "%s hvagent " HVFLEET_VERSION " service %s\n%s", times_format(clock->wall_ns(clock), when), verb, text);
    fclose(f);
}

static int act(const struct verb *verb, const struct request *request)
{
    struct buf remarks;
    struct err e;
    int rc;

    buf_init(&remarks, REMARKS_MAX);
    rc = verb->act(request, &remarks, &e);
    if (rc != 0)
        buf_printf(&remarks, "hvagent service %s: %s\n", verb->name, e.text);
    fputs(buf_text(&remarks), stderr);
    if (request->log != NULL)
        keep(request->log, verb->name, buf_text(&remarks));
    buf_free(&remarks);
    if (rc == 0 && verb->done != NULL)
        printf("%s\n", verb->done);
    return rc == 0 ? EXIT_DONE : rc == ERR_UNSUPPORTED ? EXIT_USAGE : EXIT_FAILED;
}

static int usage(void)
{
    fputs("usage: hvagent service install [--config F] [--account A] [--no-delay]\n"
          "               [--hub URL] [--enroll-token-file F] [--token-file F] [--ca-file F] [--cluster NAME]\n"
          "       hvagent service uninstall [--remove-data]\n"
          "       hvagent service start|stop|reload|status\n"
          "--hub and the four after it become the first agent.yaml; one that is there is never touched.\n"
          "--log F: messages go to the end of that file too.\n",
          stderr);
    return EXIT_USAGE;
}

int cmd_service(int argc, char **argv)
{
    struct request request = { 0 };
    bool at_once = false;
    const struct option_spec specs[] = {
        { "--config", &request.plan.config, NULL },
        { "--account", &request.plan.account, NULL },
        { "--no-delay", NULL, &at_once },
        { "--hub", &request.first.hub, NULL },
        { "--enroll-token-file", &request.first.enroll_token_file, NULL },
        { "--token-file", &request.first.token_file, NULL },
        { "--ca-file", &request.first.ca_file, NULL },
        { "--cluster", &request.first.cluster, NULL },
        { "--log", &request.log, NULL },
        { "--remove-data", NULL, &request.remove_data },
    };
    const struct verb *verb;

    if (!options_take(&argc, argv, specs, sizeof specs / sizeof specs[0]))
        return EXIT_USAGE;
    verb = find_verb(argc, argv);
    if (verb == NULL)
        return usage();
    request.plan.delayed = !at_once;
    return act(verb, &request);
}
