/* See cmd_capture.h. */
#include "agent/cmd_capture.h"

#include "agent/capture.h"
#include "agent/commands.h"
#include "base/log.h"
#include "base/times.h"
#include "plat/capture.h"
#include "plat/clock.h"
#include "plat/files.h"
#include "plat/live.h"
#include "plat/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { HOST_TEXT_MAX = 16 * 1024, PROBLEMS_MAX = 16 * 1024 };

/* ---- what the parts share ---- */

void capture_progress(struct capture *c, const char *fmt, ...)
{
    char text[100]; /* a line of a terminal, and shorter than most */
    va_list ap;

    if (!c->progress)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    terminal_clear_line(stderr);
    fputs(text, stderr);
    fflush(stderr);
}

void capture_failed(struct capture *c, const char *fmt, ...)
{
    va_list ap;

    c->failures++;
    if (c->progress)
        terminal_clear_line(stderr);
    fputs("hvagent capture: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

FILE *capture_create(struct capture *c, const char *folder, const char *name)
{
    char path[FILES_PATH_MAX];
    FILE *f = NULL;

    if (snprintf(path, sizeof path, "%s/%s%s%s", c->dir, folder, folder[0] != '\0' ? "/" : "", name) < (int)sizeof path)
        f = fopen(path, "wb");
    if (f == NULL)
        capture_failed(c, "cannot write %s/%s", folder, name);
    return f;
}

bool capture_finish(struct capture *c, FILE *f, const char *name)
{
    bool good = fflush(f) == 0 && ferror(f) == 0;

    good = fclose(f) == 0 && good;
    if (!good)
        capture_failed(c, "%s could not be written to its end: is the disk full?", name);
    return good;
}

/* ---- the bundle ---- */

static int make_folders(const char *dir, struct err *e)
{
    static const char *const parts[] = { "", "/events", "/kvp", "/dumps" };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof parts[0]; i++) {
        char path[FILES_PATH_MAX];

        if (snprintf(path, sizeof path, "%s%s", dir, parts[i]) >= (int)sizeof path)
            rc = err_set(e, ERR_TOO_BIG, "the path is too long");
        else
            rc = plat_capture_dir(path, e);
    }
    return rc;
}

/* What the host says of itself may be short of something: worth a line, but no
 * failure of the capture. */
static void read_facts(struct capture *c, struct resource *facts)
{
    struct buf problems;
    struct err e;

    buf_init(&problems, PROBLEMS_MAX);
    memset(facts, 0, sizeof *facts);
    if (plat_live_host_facts(facts, &problems, &e) != 0)
        capture_failed(c, "%s", e.text);
    if (problems.len > 0)
        fprintf(stderr, "About this host:\n%s", buf_text(&problems));
    buf_free(&problems);
}

static void write_host_file(struct capture *c, const struct resource *facts, int64_t captured_at)
{
    FILE *f = capture_create(c, "", "host.yaml");
    struct buf text;

    if (f == NULL)
        return;
    buf_init(&text, HOST_TEXT_MAX);
    capture_host_text(facts, captured_at, c->names, &text);
    fwrite(buf_text(&text), 1, text.len, f);
    capture_finish(c, f, "host.yaml");
    buf_free(&text);
}

static int capture_all(struct capture *c)
{
    int64_t captured_at = plat_clock()->wall_ns(plat_clock());
    struct resource facts;

    read_facts(c, &facts);
    capture_kvp(c, &captured_at);
    capture_channels(c);
    captured_at -= captured_at % NS_PER_S;
    write_host_file(c, &facts, captured_at);
    if (c->progress)
        terminal_clear_line(stderr);
    printf("%s: %d channels, %d classes%s\nLook at it before you send it: hvagent replay %s\n", c->dir, c->channels,
           c->classes, c->failures > 0 ? "; not everything could be had, see above" : "", c->dir);
    return c->failures == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_capture(int argc, char **argv)
{
    const char *dir = NULL;
    bool no_names = false;
    const struct option_spec specs[] = { { "--out", &dir, NULL }, { "--no-names", NULL, &no_names } };
    struct capture c = { .progress = terminal_is(stderr) };
    struct capture_names names;
    struct err e;
    int code;

    if (!options_take(&argc, argv, specs, 2))
        return EXIT_USAGE;
    if (argc > 1 || dir == NULL || dir[0] == '\0') {
        fputs("usage: hvagent capture --out DIR [--no-names]\n", stderr);
        return EXIT_USAGE;
    }
    if (!plat_live_available()) {
        fputs("hvagent capture: only on Windows; docs/bundle.md tells how to make a bundle by hand\n", stderr);
        return EXIT_USAGE;
    }
    if (capture_names_init(&names, &e) != 0 || make_folders(dir, &e) != 0) {
        fprintf(stderr, "hvagent capture: %s\n", e.text);
        capture_names_free(&names);
        return e.code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    log_set_level(LOG_ERROR);
    c.dir = dir;
    c.names = no_names ? &names : NULL;
    code = capture_all(&c);
    capture_names_free(&names);
    return code;
}
