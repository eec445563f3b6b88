/* hvhub report drift|hosts|incidents: straight from the store, also while the hub runs. */
#include "base/log.h"
#include "base/text.h"
#include "hub/commands.h"
#include "hub/fleet_incidents_report.h"
#include "hub/fleet_report.h"
#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { REPORT_BYTES_MAX = 1024 * 1024 * 1024 };

struct report_arguments {
    const char *format, *cluster, *since, *config, *kind;
};

static struct report_style style_of_stdout(void)
{
    struct report_style style = { false, 0 };
    const char *no_colour = getenv("NO_COLOR");
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return style;
    style.colour = no_colour == NULL || no_colour[0] == '\0';
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        style.width = size.ws_col;
    return style;
}

static enum exit_code wrong(const char *what, const char *value, const char *expected)
{
    fprintf(stderr, "hvhub report: %s %s: write %s\n", what, value, expected);
    return EXIT_USAGE;
}

static enum exit_code read_arguments(const struct report_arguments *a, struct report_query *q)
{
    if (a->kind == NULL) {
        fprintf(stderr, "hvhub report: which one? write drift, hosts or incidents\n");
        return EXIT_USAGE;
    }
    if (!report_kind_parse(a->kind, &q->kind))
        return wrong("", a->kind, "drift, hosts or incidents");
    if (a->format != NULL && !report_format_parse(a->format, &q->format))
        return wrong("--format", a->format, "text, json, csv, html, ansible or sccm");
    if (!report_format_fits(q->kind, q->format))
        return wrong("--format", a->format, "text, json, csv or html: this format is of the drift report");
    if (a->since != NULL && !report_since_parse(a->since, q->now_ns, &q->since_ns))
        return wrong("--since", a->since, "a time in the past, 2026-01-31T08:00:00Z, or a length, 7d");
    if (a->cluster != NULL && strlen(a->cluster) >= sizeof q->cluster)
        return wrong("--cluster", "...", "a shorter name");
    if (a->cluster != NULL)
        memcpy(q->cluster, a->cluster, strlen(a->cluster) + 1);
    return EXIT_DONE;
}

static int incidents_report(struct fleet_store *store, const struct report_query *q, struct buf *out, struct err *e)
{
    struct incidents_query asked = {
        .format = q->format,
        .style = q->style,
        .now_ns = q->now_ns,
        .since_ns = q->since_ns,
        .code = -1,
        .limit = FLEET_INCIDENTS_MAX,
    };

    text_copy(asked.cluster, sizeof asked.cluster, q->cluster);
    return fleet_incidents_report(store, &asked, out, e);
}

static int make_report(const struct hub_config *config, const struct report_query *q, struct buf *out, struct err *e)
{
    struct fleet_store_options options = {
        .path = hub_store_path(config),
        .read_only = true,
        .floors = &config->floors,
        .clock = plat_clock(),
    };
    struct fleet_store *store;
    int rc = fleet_store_open(&store, &options, e);

    if (rc != 0)
        return rc;
    rc = q->kind == REPORT_INCIDENTS ? incidents_report(store, q, out, e) : fleet_report(store, q, out, e);
    fleet_store_close(store);
    return rc;
}

static enum exit_code print_report(const struct hub_config *config, const struct report_query *q)
{
    struct err e = { 0 };
    struct buf out;
    enum exit_code code = EXIT_DONE;

    buf_init(&out, REPORT_BYTES_MAX);
    if (make_report(config, q, &out, &e) != 0) {
        fprintf(stderr, "hvhub report: %s\n", e.text);
        code = EXIT_FAILED;
    } else if (fwrite(buf_text(&out), 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
        fprintf(stderr, "hvhub report: cannot write: %m\n");
        code = EXIT_FAILED;
    }
    buf_free(&out);
    return code;
}

int cmd_report(int argc, char **argv)
{
    struct report_arguments a = { .kind = NULL };
    const char *words[2];
    const struct option_spec specs[] = {
        { "--format", &a.format }, { "--cluster", &a.cluster }, { "--since", &a.since }, { "--config", &a.config }
    };
    struct report_query q = { .now_ns = plat_clock()->wall_ns(plat_clock()), .style = style_of_stdout() };
    struct hub_config *config = malloc(sizeof *config);
    enum exit_code code = EXIT_FAILED;

    if (config == NULL)
        return EXIT_FAILED;
    if (read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 1)) {
        a.kind = words[0];
        code = read_arguments(&a, &q);
    } else {
        code = EXIT_USAGE;
    }
    if (code == EXIT_DONE)
        code = load_config(a.config, config);
    if (code == EXIT_DONE) {
        log_set_level(config->log_level);
        q.host_silent_ns = config->host_silent_ns;
        q.floors = config->floors;
        code = print_report(config, &q);
    }
    free(config);
    return code;
}
