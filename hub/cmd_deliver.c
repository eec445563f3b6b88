/* hvhub deliver: what goes to whom, and a sample of it.  Reads the store itself, also while the hub runs;
 * changes nothing in it. */
#include "base/log.h"
#include "base/times.h"
#include "hub/commands.h"
#include "hub/deliver_plan.h"
#include "hub/hub.h"
#include "plat/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_store(const struct hub_config *config, struct fleet_store **out, struct err *e)
{
    struct fleet_store_options options = {
        .path = hub_store_path(config),
        .read_only = true,
        .floors = &config->floors,
        .clock = plat_clock(),
    };

    return fleet_store_open(out, &options, e);
}

static const struct hub_delivery *find(const struct hub_config *config, const char *name)
{
    for (int i = 0; i < config->delivery.count; i++) {
        if (strcmp(config->delivery.list[i].name, name) == 0)
            return &config->delivery.list[i];
    }
    return NULL;
}

/* ---- --list ------------------------------------------------------------------------------ */

static const char *time_or(int64_t ns, const char *otherwise, char out[TIMES_TEXT_MAX])
{
    return ns != 0 ? times_format(ns / NS_PER_S * NS_PER_S, out) : otherwise;
}

static void print_state(const struct fleet_delivery *row)
{
    char time[TIMES_TEXT_MAX];

    if (row->job[0] != '\0')
        printf("try %lld, next %s: %s\n", (long long)row->tries + 1, time_or(row->next_try, "", time),
               row->last_error[0] != '\0' ? row->last_error : "not tried yet");
    else if (row->last_error[0] != '\0')
        printf("%s\n", row->last_error);
    else
        printf("%s\n", row->found != 0 ? "collecting" : "ok");
}

static int print_one(const struct hub_config *config, const struct hub_delivery *d, struct fleet_store *store,
                     struct err *e)
{
    int64_t now = plat_clock()->wall_ns(plat_clock());
    struct fleet_delivery row = { .planned = now };
    char last[TIMES_TEXT_MAX], next[TIMES_TEXT_MAX];
    struct deliver_plan plan;
    int64_t due;
    int rc = deliver_plan_init(&plan, &config->delivery, d, plat_random(), e);

    if (rc == 0)
        rc = fleet_delivery_get(store, d->name, &row, e);
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        due = schedule_latest(&plan.schedule, plan.zone, now);
        if (due <= row.planned)
            due = schedule_next(&plan.schedule, plan.zone, now);
        printf("%-24s %-9s %-8s %-21s %-21s ", d->name, delivery_what_name(d->what),
               hub_delivery_target_name(hub_delivery_target(d)), time_or(row.last_sent, "never", last),
               time_or(due, "when found", next));
        if (rc == 0)
            print_state(&row);
        else
            printf("not seen by a running hub yet\n");
        rc = 0;
    }
    deliver_plan_free(&plan);
    return rc;
}

static int list(const struct hub_config *config, struct err *e)
{
    struct fleet_store *store;
    int rc = open_store(config, &store, e);

    if (rc != 0)
        return rc;
    printf("%-24s %-9s %-8s %-21s %-21s %s\n", "NAME", "REPORT", "TARGET", "LAST SENT", "NEXT", "STATE");
    for (int i = 0; rc == 0 && i < config->delivery.count; i++)
        rc = print_one(config, &config->delivery.list[i], store, e);
    fleet_store_close(store);
    return rc;
}

/* ---- --test -------------------------------------------------------------------------------- */

/* A job of its own, so that a recipient that knows jobs by their id takes it. */
static int make_sample(const struct hub_config *config, const struct hub_delivery *d, struct content **out,
                       struct err *e)
{
    int64_t now = plat_clock()->wall_ns(plat_clock());
    struct content_source from = {
        .config = &config->delivery,
        .host_silent_ns = config->host_silent_ns,
        .floors = config->floors,
        .now_ns = now,
    };
    struct fleet_delivery row;
    struct deliver_plan plan;
    int rc = deliver_plan_init(&plan, &config->delivery, d, plat_random(), e);

    if (rc != 0)
        return rc;
    deliver_plan_begin(&plan, now, &row);
    deliver_plan_job(&plan, JOB_SCHEDULED, now, &row);
    from.since_ns = deliver_plan_since(&plan, &row);
    rc = open_store(config, &from.store, e);
    if (rc == 0)
        rc = content_make(out, &from, d, &row, true, e);
    fleet_store_close(from.store);
    deliver_plan_free(&plan);
    return rc;
}

static int send_sample(const struct hub_config *config, const struct hub_delivery *d, struct err *e)
{
    struct deliver_options options = { .timeout_ns = config->delivery.timeout_ns };
    struct deliver_result result;
    struct content *c;
    int rc = make_sample(config, d, &c, e);

    if (rc != 0)
        return rc;
    deliver_send(c, &options, &result);
    if (result.outcome == DELIVER_SENT)
        printf("%s: sent \"%s\" (id %s)\n", d->name, c->title, c->id);
    else
        rc = err_set(e, ERR_REFUSED, "%s: not sent: %s", d->name, result.text);
    content_free(c);
    return rc;
}

/* ---- the command ------------------------------------------------------------------------------ */

static enum exit_code run(const struct hub_config *config, const char *test)
{
    const struct hub_delivery *d = test != NULL ? find(config, test) : NULL;
    struct err e = { 0 };
    int rc;

    if (test != NULL && d == NULL) {
        fprintf(stderr, "hvhub deliver: there is no delivery %s; hvhub deliver --list shows their names\n", test);
        return EXIT_USAGE;
    }
    rc = d != NULL ? send_sample(config, d, &e) : list(config, &e);
    if (rc != 0)
        fprintf(stderr, "hvhub deliver: %s\n", e.text);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_deliver(int argc, char **argv)
{
    const char *path = NULL, *test = NULL, *words[1];
    bool listing = take_flag(&argc, argv, "--list");
    const struct option_spec specs[] = { { "--config", &path }, { "--test", &test } };
    struct hub_config *config = malloc(sizeof *config);
    enum exit_code code = EXIT_USAGE;

    if (config == NULL)
        return EXIT_FAILED;
    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 0))
        goto done;
    if (listing == (test != NULL)) {
        fprintf(stderr, "hvhub deliver: write --list or --test NAME\n");
        goto done;
    }
    code = load_config(path, config);
    if (code == EXIT_DONE) {
        log_set_level(config->log_level);
        code = run(config, test);
    }
done:
    free(config);
    return code;
}
