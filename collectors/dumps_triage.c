/* See dumps_triage.h.
 *
 * The turn is a lease: the monotonic time until which it is taken, 0 when it is
 * free.  Whoever finds it run out may take it over; the late one then gives
 * back a lease that is no longer his, which changes nothing.
 */
#include "collectors/dumps_triage.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bool dumps_turn_take(struct dumps_turn *turn, int64_t now_ns, int64_t until_ns, int64_t *lease)
{
    int64_t found;

    assert(until_ns != 0);
    *lease = until_ns;
    if (turn == NULL)
        return true;
    found = atomic_load(&turn->until_ns);
    if (found != 0 && found > now_ns)
        return false;
    return atomic_compare_exchange_strong(&turn->until_ns, &found, until_ns);
}

void dumps_turn_give(struct dumps_turn *turn, int64_t lease)
{
    if (turn != NULL)
        atomic_compare_exchange_strong(&turn->until_ns, &lease, 0);
}

struct reading_from {
    const struct files *files;
    struct file *file;
};

static int read_file(void *arg, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    const struct reading_from *from = arg;

    return from->files->ops->read_at(from->file, offset, bytes, len, got, e);
}

static int64_t clock_now(void *arg)
{
    const struct clock *clock = arg;

    return clock->monotonic_ns(clock);
}

static void say(struct dumps_reading *out, const char *what, const char *why)
{
    char text[DUMPS_PROBLEM_MAX];
    int n = snprintf(text, sizeof text, "%s: %.200s", what, why);

    assert(n > 0);
    text_clean(out->problem, sizeof out->problem, text, strlen(text), NULL);
}

/* A bound that was reached, or a file that failed, is among the findings. */
static void say_bounds(struct dumps_reading *out)
{
    const struct triage_verdict *v = out->verdict;

    for (size_t i = 0; i < v->finding_count; i++) {
        const struct triage_finding *f = &v->findings[i];

        if (strcmp(f->rule, "limits") == 0 || strcmp(f->rule, "read") == 0)
            say(out, "the verdict is not whole", f->text);
    }
}

static int triage_open_file(struct reading_from *from, const struct clock *clock, uint64_t size,
                            const struct dumps_triage_options *options, int64_t until_ns, struct dumps_reading *out,
                            struct err *e)
{
    struct triage_reader reader = { .read = read_file, .arg = from, .size = size };
    struct triage_limits limits;

    triage_limits_default(&limits);
    limits.read_max = options->read_max;
    limits.deadline = until_ns;
    limits.clock = clock_now;
    limits.arg = (void *)(uintptr_t)clock;
    return triage_file(&reader, &limits, &out->verdict, e);
}

bool dumps_triage(const struct files *files, const struct clock *clock, const struct dumps_file *file,
                  const struct dumps_triage_options *options, int64_t until_ns, struct dumps_reading *out)
{
    struct reading_from from = { .files = files };
    struct file_info info;
    struct err e;
    bool same = true;
    int rc;

    *out = (struct dumps_reading){ 0 };
    rc = files->ops->open(files, file->path, &from.file, &e);
    if (rc == 0) {
        rc = files->ops->info(from.file, &info, &e);
        same = rc != 0 || dumps_file_key(&info) == dumps_file_key(&file->info);
        if (rc == 0 && same)
            rc = triage_open_file(&from, clock, info.size, options, until_ns, out, &e);
        files->ops->close(from.file);
    }
    if (rc != 0)
        say(out, "no verdict", e.text);
    else if (same)
        say_bounds(out);
    assert(rc != 0 || !same || out->verdict != NULL);
    return same;
}

void dumps_reading_free(struct dumps_reading *r)
{
    triage_verdict_free(r->verdict);
    r->verdict = NULL;
}
