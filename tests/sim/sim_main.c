/* sim [-j N] [-f FIRST] [-n COUNT] [-t]
 *
 * Runs the seeds FIRST .. FIRST + COUNT - 1 in N processes, each seed twice: with its
 * faults and without any.  What fails is named by its seed; `sim -f SEED -n 1 -t` replays it with every
 * word.  Exit 0: all of them held.
 */
#include "base/log.h"
#include "tests/sim/sim.h"
#include "tests/support/places.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MMAP_FROM = 16 * 1024 * 1024,
    JOBS_MAX = 64,
    DIR_MAX = SIM_PATH_MAX - sizeof "/hub.db-again",
    REPORT_MAX = 4 * 1024 * 1024
};

/* What a process tells the one that started it. */
struct progress {
    uint64_t seed; /* that is running */
    uint64_t done, whole, ahead;
};

struct task {
    uint64_t first, count, step;
    bool trace;
    struct progress *progress;
    char dir[DIR_MAX];
};

static bool one_seed(uint64_t seed, const char *dir, bool trace, uint64_t *ahead)
{
    struct buf faulty, perfect;
    struct sim_plan plan;
    bool whole;

    sim_plan_make(&plan, seed);
    buf_init(&faulty, REPORT_MAX);
    buf_init(&perfect, REPORT_MAX);
    whole = sim_run(seed, dir, trace, false, &faulty, ahead);
    /* The verdict of a guest that is off is the one from when it ran, as it was seen then. */
    if (whole && plan.clock_jumps == 0 && !plan.stops) {
        if (!sim_run(seed, dir, false, true, &perfect, ahead)) {
            fprintf(stderr, "seed %" PRIu64 ": something is lost in a run without faults\n", seed);
            exit(EXIT_FAILURE);
        }
        sim_check_same(seed, &faulty, &perfect);
    }
    buf_free(&faulty);
    buf_free(&perfect);
    return whole;
}

static void no_words(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

static void run_task(const struct task *t)
{
    mallopt(M_TRIM_THRESHOLD, INT_MAX); /* what one seed gives back is for the next */
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
    if (!t->trace)
        log_set_sink(no_words, NULL);
    for (uint64_t i = 0; i < t->count; i += t->step) {
        t->progress->seed = t->first + i;
        t->progress->whole += one_seed(t->first + i, t->dir, t->trace, &t->progress->ahead);
        t->progress->done++;
    }
}

static uint64_t number_of(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    if (*end != '\0' || end == text) {
        fprintf(stderr, "%s: not a number\n", text);
        exit(2);
    }
    return n;
}

/* Starts a process for the task; false when it can not. */
static bool start(struct task *t, pid_t *pid)
{
    if (!places_make_temp(t->dir, sizeof t->dir)) {
        fprintf(stderr, "no temporary folder with a short name\n");
        return false;
    }
    *pid = fork();
    if (*pid == 0) {
        run_task(t);
        exit(EXIT_SUCCESS);
    }
    return *pid > 0;
}

static bool ended_well(const struct task *t, pid_t pid)
{
    int status = 0;
    bool good = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;

    places_remove_tree(t->dir);
    if (!good && WIFSIGNALED(status))
        fprintf(stderr, "seed %" PRIu64 ": died of signal %d\n", t->progress->seed, WTERMSIG(status));
    if (!good)
        fprintf(stderr, "replay with: sim -f %" PRIu64 " -n 1 -t\n", t->progress->seed);
    return good;
}

static bool run_all(uint64_t first, uint64_t count, int jobs, bool trace)
{
    static struct task tasks[JOBS_MAX];
    struct progress *progress =
        mmap(NULL, JOBS_MAX * sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t done = 0, whole = 0, ahead = 0;
    pid_t pids[JOBS_MAX];
    time_t began = time(NULL);
    bool good = progress != MAP_FAILED;
    int started = 0;

    for (; good && started < jobs; started++) {
        uint64_t i = (uint64_t)started;

        tasks[i] = (struct task){ .first = first + i,
                                  .count = count > i ? count - i : 0,
                                  .step = (uint64_t)jobs,
                                  .trace = trace,
                                  .progress = &progress[i] };
        good = start(&tasks[i], &pids[i]);
    }
    for (int i = 0; i < started; i++) {
        good = ended_well(&tasks[i], pids[i]) && good;
        done += progress[i].done;
        whole += progress[i].whole;
        ahead += progress[i].ahead;
    }
    printf("%" PRIu64 " of %" PRIu64 " seeds held, %" PRIu64 " of them without a loss to tell, %" PRIu64
           " times with state told ahead, in %ld s\n",
           done, count, whole, ahead, (long)(time(NULL) - began));
    return good && done == count;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, count = 1000;
    int jobs = 1, option;
    bool trace = false;

    while ((option = getopt(argc, argv, "f:n:j:t")) != -1) {
        if (option == 'f')
            first = number_of(optarg);
        else if (option == 'n')
            count = number_of(optarg);
        else if (option == 'j')
            jobs = (int)number_of(optarg);
        else if (option == 't')
            trace = true;
        else
            return 2;
    }
    if (jobs < 1 || jobs > JOBS_MAX)
        return 2;
    fflush(stdout);
    return run_all(first, count, jobs, trace) ? EXIT_SUCCESS : EXIT_FAILURE;
}
