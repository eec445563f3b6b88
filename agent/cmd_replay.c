/* hvagent replay: bundles to guests and drift on stdout.  Ships nothing, and
 * writes nothing but the temporary folder an archive is unpacked into, which is removed. */
#include "agent/bundle_input.h"
#include "agent/commands.h"
#include "agent/replay.h"
#include "base/log.h"
#include "base/times.h"
#include "plat/clock.h"
#include "plat/terminal.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 256 * 1024 * 1024 };

#define PROGRESS_NS (200 * NS_PER_MS)

struct progress {
    int64_t last_ns;
};

static void show_progress(void *arg, const char *source, int64_t observations)
{
    struct progress *p = arg;
    int64_t now = plat_clock()->monotonic_ns(plat_clock());

    if (now - p->last_ns < PROGRESS_NS)
        return;
    p->last_ns = now;
    terminal_clear_line(stderr);
    fprintf(stderr, "%lld observations, reading %.60s", (long long)observations, source);
    fflush(stderr);
}

static int add_input(struct replay *r, const struct bundle_input *in, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < in->count; i++)
        rc = replay_add(r, in->dirs[i], e);
    return rc;
}

static int print_json(struct replay *r, struct err *e)
{
    json_t *json = replay_json(r, plat_clock()->wall_ns(plat_clock()), e);
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    int rc = text != NULL ? 0 : json == NULL ? (int)e->code : err_set(e, ERR_MEMORY, "out of memory");

    if (text != NULL)
        puts(text);
    free(text);
    json_decref(json);
    return rc;
}

static int print_text(struct replay *r, struct err *e)
{
    struct report_style style = { .colour = terminal_colour(stdout), .width = terminal_width(stdout) };
    struct buf text;
    int rc;

    buf_init(&text, TEXT_MAX);
    rc = replay_text(r, plat_clock()->wall_ns(plat_clock()), &style, &text, e);
    if (rc == 0)
        fputs(buf_text(&text), stdout);
    buf_free(&text);
    return rc;
}

static int replay_all(struct replay *r, const struct bundle_input *inputs, int count, bool json, struct err *e)
{
    bool tell = terminal_is(stderr);
    struct progress progress = { 0 };
    int rc = 0;

    for (int i = 0; rc == 0 && i < count; i++)
        rc = add_input(r, &inputs[i], e);
    if (rc == 0)
        rc = replay_run(r, tell ? show_progress : NULL, &progress, e);
    terminal_clear_line(stderr);
    if (rc != 0)
        return rc;
    return json ? print_json(r, e) : print_text(r, e);
}

static int replay_inputs(char **paths, int count, bool json)
{
    struct bundle_input *inputs = calloc((size_t)count, sizeof *inputs);
    struct replay *r = replay_new();
    struct err e;
    int rc = inputs != NULL && r != NULL ? 0 : err_set(&e, ERR_MEMORY, "out of memory"), opened = 0;

    while (rc == 0 && opened < count) {
        rc = bundle_input_open(paths[opened], &inputs[opened], &e);
        opened++;
    }
    if (rc == 0)
        rc = replay_all(r, inputs, count, json, &e);
    if (rc != 0)
        fprintf(stderr, "hvagent replay: %s\n", e.text);
    if (rc == 0 && replay_troubled(r)) {
        fputs("hvagent replay: not everything could be read, see \"Could not be read\" (JSON: problems)\n", stderr);
        rc = ERR_IO;
    }
    replay_free(r);
    for (int i = 0; i < opened; i++)
        bundle_input_free(&inputs[i]);
    free(inputs);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_replay(int argc, char **argv)
{
    bool json = false;
    const struct option_spec specs[] = { { "--json", NULL, &json } };

    if (!options_take(&argc, argv, specs, 1))
        return EXIT_USAGE;
    if (argc < 2) {
        fputs("usage: hvagent replay BUNDLE... [--json]\n"
              "A bundle is a folder of captured host data, or a .tar.gz of one (docs/bundle.md).\n",
              stderr);
        return EXIT_USAGE;
    }
    log_set_level(LOG_ERROR);
    return replay_inputs(argv + 1, argc - 1, json);
}
