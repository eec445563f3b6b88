/* hvagent report: the drift report of this host's cluster, as the hub has it.
 *
 * Needs no running agent: settings say where the hub is and who we are, the
 * host (or the bundles that stand for it) says which cluster it is in. */
#include "agent/commands.h"
#include "agent/enrolment.h"
#include "agent/source_set.h"
#include "base/log.h"
#include "base/text.h"
#include "config/agent_config.h"
#include "transport/http_get.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 512 * 1024 * 1024, PATH_MAX_LEN = 4096 };

struct report_choices {
    const char *config, *cluster, *since;
    bool json;
};

static int given_cluster(const char *cluster, char *out, size_t size)
{
    if (text_copy(out, size, cluster) && out[0] != '\0')
        return EXIT_DONE;
    fputs("hvagent report: --cluster: write the name of a cluster\n", stderr);
    return EXIT_USAGE;
}

/* The cluster of this host, or of the bundles that stand for it. */
static int own_cluster(const struct agent_config *config, char *out, size_t size)
{
    struct source_set *sources;
    struct resource facts = { .host_id = "" };
    struct err e = { 0 };

    if (source_set_new(&sources, config, false, plat_files(), plat_clock(), &facts, &e) != 0) {
        fprintf(stderr, "hvagent report: %s\n", e.text);
        return EXIT_FAILED;
    }
    source_set_free(sources);
    if (text_copy(out, size, facts.cluster) && out[0] != '\0')
        return EXIT_DONE;
    fputs("hvagent report: this host is in no cluster: name one with --cluster, or in the settings (host.cluster)\n",
          stderr);
    return EXIT_FAILED;
}

static void make_path(const struct report_choices *c, const char *cluster, struct buf *out)
{
    buf_printf(out, "/api/v1/reports/drift?format=%s&cluster=", c->json ? "json" : "text");
    http_get_encode(out, cluster);
    if (c->since != NULL) {
        buf_str(out, "&since=");
        http_get_encode(out, c->since);
    }
}

/* Asks the hub and prints what it says. */
static int print_report(const struct report_choices *c, const struct agent_config *config, const char *cluster)
{
    struct agent_config_hub hub;
    struct buf path, answer;
    struct err e = { 0 };
    int rc;

    if (enrolment_borrow(config, &hub, &e) != 0) {
        fprintf(stderr, "hvagent report: the certificate of this host's agent cannot be shown to the hub: %s\n",
                e.text);
        return EXIT_FAILED;
    }
    buf_init(&path, PATH_MAX_LEN);
    buf_init(&answer, ANSWER_MAX);
    make_path(c, cluster, &path);
    rc = buf_error(&path) == ERR_OK ? http_get(&hub, buf_text(&path), &answer, &e)
                                    : err_set(&e, buf_error(&path), "--cluster and --since are too long");
    if (rc != 0)
        fprintf(stderr, "hvagent report: %s\n", e.text);
    else if (fwrite(buf_text(&answer), 1, answer.len, stdout) != answer.len || fflush(stdout) != 0)
        rc = err_set(&e, ERR_IO, "cannot write");
    buf_free(&answer);
    buf_free(&path);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int report(const struct report_choices *c, struct agent_config *config)
{
    char cluster[HOST_CLUSTER_MAX];
    int code = config_from(c->config, config);

    if (code != EXIT_DONE)
        return code;
    if (config->hub.url[0] == '\0') {
        fputs("hvagent report: no hub is configured (hub.url); hvagent replay prints this host alone\n", stderr);
        return EXIT_USAGE;
    }
    log_set_level(LOG_ERROR);
    code = c->cluster != NULL ? given_cluster(c->cluster, cluster, sizeof cluster)
                              : own_cluster(config, cluster, sizeof cluster);
    return code == EXIT_DONE ? print_report(c, config, cluster) : code;
}

int cmd_report(int argc, char **argv)
{
    struct report_choices c = { 0 };
    const struct option_spec specs[] = { { "--json", NULL, &c.json },
                                         { "--cluster", &c.cluster, NULL },
                                         { "--since", &c.since, NULL },
                                         { "--config", &c.config, NULL } };
    struct agent_config *config;
    int code;

    if (!options_take(&argc, argv, specs, sizeof specs / sizeof specs[0]) || argc > 1) {
        fputs("usage: hvagent report [--json] [--cluster C] [--since T] [--config F]\n", stderr);
        return EXIT_USAGE;
    }
    config = calloc(1, sizeof *config);
    if (config == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fputs("hvagent report: out of memory\n", stderr);
        free(config);
        return EXIT_FAILED;
    }
    code = report(&c, config);
    curl_global_cleanup();
    free(config);
    return code;
}
