/* See dumps.h.
 *
 * A step walks the folder and goes through what it found, oldest first.  A file
 * is one of:
 *   known     told before (dumps_known.h); nothing is read of it
 *   waiting   seen by this process and not told yet, with the time since which
 *             it has stood still.  After settle_ns it is looked into; what may
 *             still be written is looked into again at each slow rescan, and told
 *             as it is after give_up_ns
 * Waiting is not in the mark: after a restart it begins anew.
 *
 * settle_ns 0 is for captured data, which stands still: a single look is
 * enough.
 *
 * A dump that is told is read for its verdict in the same step, so that both
 * are committed together.  That it is about to be read is committed before, by
 * a step of its own: should the agent not survive a dump that somebody made to
 * harm it, the mark knows, and after two such attempts the dump is told without a verdict.
 * So a step reads one dump at most.  The walk leaves the time for it; a step
 * that spent some of that on other files leaves the dump to the next.
 * While another source reads a dump, this one waits for its turn.
 *
 * The walk's own time and number are bounded; what it left out is told in the
 * report and looked at by later steps as far as it then fits.
 */
#include "collectors/dumps.h"

#include "base/text.h"
#include "collectors/dumps_known.h"
#include "collectors/dumps_look.h"
#include "collectors/dumps_triage.h"
#include "collectors/dumps_walk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TELL_RESERVE = 64 * 1024 }; /* bytes of a batch's arena that one dump may take */

#define INTERVAL_MIN INT64_C(100000000)
#define TURN_WAIT    INT64_C(1000000000)
#define TURN_GRACE   INT64_C(5000000000) /* past its deadline, before another may take a reader's turn */

struct waiting {
    uint64_t file;     /* dumps_file_key(): another size or time is another file */
    int64_t since_ns;  /* monotonic, when it was first seen so */
    int64_t looked_ns; /* when it was last looked into; -1 not yet */
};

struct dumps_source {
    struct source base;
    const struct files *files;
    const struct clock *clock;
    struct dumps_options options;
    char *dir;
    struct dumps_walk walk;
    struct dumps_known known;
    struct waiting *waiting; /* by file */
    size_t waiting_count;
    struct buf mark; /* what known stands for */
    bool mark_valid;
    uint64_t announced; /* the file that is about to be read, when this process said so */
    bool worked;        /* this step has spent time on a file already */
    bool waits_turn;    /* this step found another at it */
};

/* ---- waiting ------------------------------------------------------------ */

static int by_file(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;

    return (x->file > y->file) - (x->file < y->file);
}

static struct waiting *find_waiting(const struct dumps_source *s, uint64_t file)
{
    struct waiting key = { .file = file };

    return s->waiting_count > 0 ? bsearch(&key, s->waiting, s->waiting_count, sizeof key, by_file) : NULL;
}

/* Whether there is nothing to do for a file: told, or told and forgotten. */
static bool is_settled(struct dumps_source *s, const struct dumps_file *file, uint64_t key)
{
    struct dumps_entry *entry = dumps_known_file(&s->known, key);

    if (entry != NULL) {
        entry->seen = true;
        return entry->verdict < DUMPS_NO_ACCESS;
    }
    return find_waiting(s, key) == NULL && dumps_known_forgotten(&s->known, &file->info);
}

/* Makes the list anew from what the walk found; a file that was waiting keeps
 * its times.  After a walk that was cut short the others stay, too. */
static int renew_waiting(struct dumps_source *s, int64_t now, struct err *e)
{
    size_t room = 2 * (size_t)s->options.files_max, n = 0;
    struct waiting *list = malloc((room + 1) * sizeof *list);

    if (list == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    for (size_t i = 0; s->walk.whole && i < s->known.count; i++)
        s->known.list[i].seen = false;
    for (size_t i = 0; i < s->walk.count; i++) {
        uint64_t key = dumps_file_key(&s->walk.files[i].info);
        const struct waiting *old = find_waiting(s, key);

        if (!is_settled(s, &s->walk.files[i], key))
            list[n++] = old != NULL ? *old : (struct waiting){ .file = key, .since_ns = now, .looked_ns = -1 };
    }
    for (size_t i = 0; !s->walk.whole && i < s->waiting_count && n < room; i++)
        list[n++] = s->waiting[i];
    assert(s->walk.count <= (size_t)s->options.files_max && n <= room);
    free(s->waiting);
    s->waiting = list;
    s->waiting_count = 0;
    qsort(list, n, sizeof *list, by_file);
    for (size_t i = 0; i < n; i++) { /* links can lead to one file twice */
        if (i == 0 || list[i].file != list[i - 1].file)
            list[s->waiting_count++] = list[i];
    }
    return 0;
}

static void stop_waiting(struct dumps_source *s, struct waiting *w)
{
    size_t at = (size_t)(w - s->waiting);

    assert(at < s->waiting_count);
    s->waiting_count--;
    memmove(w, w + 1, (s->waiting_count - at) * sizeof *w);
}

/* When to look into it next. */
static int64_t due_ns(const struct dumps_source *s, const struct waiting *w)
{
    int64_t again, give_up = w->since_ns + s->options.give_up_ns;

    if (w->looked_ns < 0)
        return w->since_ns + s->options.settle_ns;
    again = w->looked_ns + s->options.rescan_ns;
    return w->looked_ns < give_up && give_up < again ? give_up : again;
}

/* ---- telling ------------------------------------------------------------ */

/* What came of a file that was due. */
enum outcome {
    DONE,
    CHANGED, /* it is another file now */
    NO_TIME, /* the next step has it */
    NO_TURN, /* a later one has it */
    NO_USE,  /* it was tried, and the agent ended */
};

/* DONE when the mark that was committed says that the dump is about to be read. */
static enum outcome announce(struct dumps_source *s, const struct dumps_file *file, uint64_t dump)
{
    uint64_t key = dumps_file_key(&file->info);
    const struct dumps_entry *entry = dumps_known_file(&s->known, key);
    bool again = entry != NULL && entry->verdict == DUMPS_READING;

    if (entry != NULL && entry->verdict >= DUMPS_READING && s->announced == key)
        return DONE;
    if (entry != NULL && entry->verdict == DUMPS_READING_AGAIN)
        return NO_USE;
    dumps_known_add(&s->known, &file->info, dump, again ? DUMPS_READING_AGAIN : DUMPS_READING);
    s->announced = key;
    return NO_TIME;
}

/* Reads the dump; out is filled with DONE. */
static enum outcome get_verdict(struct dumps_source *s, const struct dumps_file *file, const struct source_step *step,
                                struct dumps_reading *out)
{
    const struct dumps_triage_options *t = &s->options.triage;
    int64_t now = s->clock->monotonic_ns(s->clock), until = now + t->deadline_ns, lease;
    bool same;

    if (step->deadline_ns > 0 && until > step->deadline_ns) {
        if (s->worked)
            return NO_TIME;
        until = step->deadline_ns;
    }
    if (!dumps_turn_take(t->turn, now, until + TURN_GRACE, &lease)) {
        s->waits_turn = true;
        return NO_TURN;
    }
    same = dumps_triage(s->files, s->clock, file, t, until, out);
    dumps_turn_give(t->turn, lease);
    return same ? DONE : CHANGED;
}

static enum outcome report(struct dumps_source *s, const struct dumps_file *file, const struct dumps_look *look,
                           struct source_step *step)
{
    bool wanted = s->options.triage.on && look->has_header && look->header.has_bugcheck;
    struct dumps_reading reading = { 0 };
    enum outcome outcome = wanted ? announce(s, file, look->dump) : DONE;

    if (outcome == NO_USE) {
        text_copy(reading.problem, sizeof reading.problem,
                  "no verdict: the agent ended twice while it read this dump; try hvagent triage");
        outcome = DONE;
    } else if (wanted && outcome == DONE) {
        outcome = get_verdict(s, file, step, &reading);
    }
    if (outcome == DONE) {
        dumps_report(step->batch, file, look, wanted ? &reading : NULL, step->now_ns);
        if (step->batch->last != NULL) /* none where the batch has no room for one */
            step->last_event_ns = step->batch->last->time_ns;
    }
    dumps_reading_free(&reading);
    return outcome;
}

static enum outcome tell(struct dumps_source *s, const struct dumps_file *file, const struct dumps_look *look,
                         struct source_step *step)
{
    const struct dumps_entry *before = dumps_known_file(&s->known, dumps_file_key(&file->info));
    enum outcome outcome = DONE;

    if (before != NULL && before->verdict == look->verdict)
        return DONE; /* still no access */
    if (look->verdict == DUMPS_NO_ACCESS || !dumps_known_dump(&s->known, look->dump, look->verdict))
        outcome = report(s, file, look, step);
    if (outcome == DONE)
        dumps_known_add(&s->known, &file->info, look->dump, look->verdict);
    return outcome;
}

static enum outcome look_into(struct dumps_source *s, const struct dumps_file *file, struct waiting *w, int64_t now,
                              struct source_step *step)
{
    struct dumps_look look;
    enum outcome outcome;

    dumps_look(s->files, file, &look);
    if (look.readiness == DUMPS_WAIT && now - w->since_ns < s->options.give_up_ns) {
        w->looked_ns = now;
        return DONE;
    }
    outcome = look.readiness == DUMPS_CHANGED ? CHANGED : tell(s, file, &look, step);
    if (outcome == NO_TIME || outcome == NO_TURN)
        return outcome;
    w->looked_ns = now;
    if (outcome == CHANGED || look.verdict != DUMPS_NO_ACCESS)
        stop_waiting(s, w);
    return DONE;
}

static bool has_room(const struct source_step *step)
{
    const struct obs_batch *b = step->batch;

    return b->count == 0 || (b->count < step->max_events && b->arena.used < step->max_bytes &&
                             b->arena.max - b->arena.used > TELL_RESERVE);
}

/* Looks into all that is due; false when the step came to its bounds, and the
 * next one should follow at once. */
static bool go_through(struct dumps_source *s, struct source_step *step, int64_t now)
{
    for (size_t i = 0; i < s->walk.count; i++) {
        const struct dumps_file *file = &s->walk.files[i];
        struct waiting *w = find_waiting(s, dumps_file_key(&file->info));
        enum outcome outcome;

        if (w == NULL || due_ns(s, w) > now)
            continue;
        if (!has_room(step) || (step->deadline_ns > 0 && s->clock->monotonic_ns(s->clock) >= step->deadline_ns))
            return false;
        outcome = look_into(s, file, w, now, step);
        if (outcome != DONE)
            return outcome == NO_TURN;
        s->worked = true;
    }
    return true;
}

/* ---- the step ----------------------------------------------------------- */

/* The time until the next file is due, within the slow rescan. */
static void set_interval(struct dumps_source *s, int64_t now)
{
    int64_t interval = s->options.rescan_ns, least = s->waits_turn ? TURN_WAIT : INTERVAL_MIN;

    for (size_t i = 0; i < s->waiting_count; i++) {
        int64_t left = due_ns(s, &s->waiting[i]) - now;

        if (left < interval)
            interval = left;
    }
    s->base.interval_ns = interval > least ? interval : least;
}

static void report_no_folder(const struct dumps_source *s, int rc, const struct err *e, struct stream_report *report)
{
    report->state = rc == ERR_NOT_FOUND    ? STREAM_ABSENT
                    : rc == ERR_PERMISSION ? STREAM_NO_PERMISSION
                    : rc == ERR_INVALID    ? STREAM_MISCONFIGURED
                                           : STREAM_RETRYING;
    if (rc == ERR_NOT_FOUND)
        snprintf(report->remedy, sizeof report->remedy, "there is no folder %.200s", s->dir);
    else
        snprintf(report->remedy, sizeof report->remedy, "%.250s", e->text);
}

static int write_mark(struct dumps_source *s, struct source_step *step, struct err *e)
{
    dumps_known_write(&s->known, &s->mark);
    buf_clear(&step->new_mark);
    buf_add(&step->new_mark, buf_text(&s->mark), s->mark.len);
    if (buf_error(&s->mark) != ERR_OK || buf_error(&step->new_mark) != ERR_OK)
        return err_set(e, ERR_TOO_BIG, "the mark of %s does not fit", s->dir);
    s->mark_valid = true;
    return 0;
}

/* The walk's share of a step: all but the time for one verdict, and half of it
 * at least. */
static int64_t walk_deadline(const struct dumps_source *s, const struct source_step *step, int64_t now)
{
    int64_t half = now + (step->deadline_ns - now) / 2, most = step->deadline_ns - s->options.triage.deadline_ns;

    if (step->deadline_ns <= 0 || !s->options.triage.on)
        return step->deadline_ns;
    return most > half ? most : half;
}

static int walk_and_tell(struct dumps_source *s, struct source_step *step, struct err *e)
{
    int64_t now = s->clock->monotonic_ns(s->clock);
    struct dumps_walk_limits limits = {
        .depth_max = s->options.depth_max,
        .files_max = s->options.files_max,
        .deadline_ns = walk_deadline(s, step, now),
    };
    struct err why;
    int rc;

    s->worked = s->waits_turn = false;
    s->base.interval_ns = s->options.rescan_ns;
    rc = dumps_walk(&s->walk, s->files, s->clock, s->dir, &limits, &why);
    if (rc != 0) {
        report_no_folder(s, rc, &why, &step->report);
        return 0;
    }
    rc = renew_waiting(s, now, e);
    if (rc != 0)
        return rc;
    step->report.more = !go_through(s, step, now);
    step->report.lag_records = (int64_t)s->waiting_count;
    text_copy(step->report.remedy, sizeof step->report.remedy, s->walk.trouble);
    step->settled = s->walk.whole && s->waiting_count == 0;
    set_interval(s, now);
    return 0;
}

static int dumps_step(struct source *base, struct source_step *step, struct err *e)
{
    struct dumps_source *s = (struct dumps_source *)base;
    int rc;

    if (!s->mark_valid || strcmp(buf_text(&s->mark), step->mark) != 0)
        dumps_known_read(&s->known, step->mark);
    s->mark_valid = false;
    rc = walk_and_tell(s, step, e);
    return rc == 0 ? write_mark(s, step, e) : rc;
}

static void dumps_close(struct source *base)
{
    struct dumps_source *s = (struct dumps_source *)base;

    dumps_walk_free(&s->walk);
    dumps_known_free(&s->known);
    buf_free(&s->mark);
    free(s->waiting);
    free(s->dir);
    free(s);
}

int dumps_source_new(const char *name, const struct files *files, const struct clock *clock,
                     const struct dumps_options *options, struct source **out, struct err *e)
{
    static const struct source_ops ops = { .step = dumps_step, .close = dumps_close };
    struct dumps_source *s;
    int rc;

    if (options->files_max < 1 || options->depth_max < 0 || options->rescan_ns < 0 || options->settle_ns < 0 ||
        options->triage.deadline_ns < 0)
        return err_set(e, ERR_INVALID, "%s: the limits of a dump folder can not be negative", options->dir);
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base.ops = &ops;
    s->base.interval_ns = options->rescan_ns;
    s->files = files;
    s->clock = clock;
    s->options = *options;
    dumps_walk_init(&s->walk);
    buf_init(&s->mark, SOURCE_MARK_MAX);
    s->dir = strdup(options->dir);
    s->options.dir = s->dir;
    s->base.watch_path = s->dir;
    rc = s->dir != NULL ? dumps_known_init(&s->known, e) : err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0 && !text_copy(s->base.name, sizeof s->base.name, name))
        rc = err_set(e, ERR_TOO_BIG, "the source name %.64s... is too long", name);
    if (rc != 0) {
        dumps_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return 0;
}
