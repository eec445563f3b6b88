/* SIGKILL in the middle of applies: what was acknowledged is there, and after
 * sending everything again each record is there once.
 *
 * The child applies batches and writes each mark it was told to a pipe; the
 * parent kills it at a random moment and looks. */
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 25, BATCH = 20, KILL_US_MAX = 120000 };

static struct resource who_of(int agent)
{
    return made_agent(agent, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
}

static struct fleet_batch send_batch(struct fleet_store *s, int agent, uint64_t first)
{
    struct resource who = who_of(agent);
    struct fleet_batch b;
    struct made m;

    made_init(&m, first);
    for (uint64_t i = 0; i < BATCH; i++)
        made_lifecycle(&m, (int)((first + i) % 50), 1, T0 + (int64_t)(first + i) * NS_PER_S);
    b = made_apply(s, &m, &who);
    made_free(&m);
    return b;
}

/* Goes on from where the store is, alternating between two agents. */
static void apply_until_killed(const char *path, int pipe_end)
{
    struct test_clock clock;
    struct fleet_store *s;
    uint64_t first[2] = { 1, 1 };

    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    for (;;) {
        for (int agent = 0; agent < 2; agent++) {
            struct fleet_batch b = send_batch(s, agent, first[agent]);
            uint64_t said[2] = { (uint64_t)agent, b.acked_through };

            first[agent] = b.acked_through + 1 - (b.acked_through > 5 ? 5 : 0); /* overlaps */
            if (write(pipe_end, said, sizeof said) != sizeof said)
                _exit(1);
        }
    }
}

static void take_mark(const uint64_t said[2], uint64_t acked[2])
{
    ck_assert_uint_ge(said[1], acked[said[0]]);
    acked[said[0]] = said[1];
}

static void read_marks(int pipe_end, uint64_t acked[2])
{
    uint64_t said[2];

    while (read(pipe_end, said, sizeof said) == (ssize_t)sizeof said)
        take_mark(said, acked);
}

/* Early: however far the child has come; else it has begun to apply. */
static void run_and_kill(const char *path, bool early, unsigned *seed, uint64_t acked[2])
{
    int ends[2], status;
    uint64_t said[2];
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        apply_until_killed(path, ends[1]);
    }
    close(ends[1]);
    if (!early && read(ends[0], said, sizeof said) == (ssize_t)sizeof said)
        take_mark(said, acked);
    usleep((useconds_t)(rand_r(seed) % KILL_US_MAX));
    kill(child, SIGKILL);
    read_marks(ends[0], acked);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WIFSIGNALED(status), 1);
}

static void check_agent(const char *path, int agent, uint64_t acked)
{
    struct resource who = who_of(agent);

    check_all_once(path, who.agent_id, acked);
}

START_TEST(killed_at_any_moment_nothing_is_missing_and_nothing_twice)
{
    uint64_t acked[2] = { 0, 0 };
    struct test_clock clock;
    unsigned seed = 7;
    char path[4096];

    snprintf(path, sizeof path, "%s/fleet.db", temp_dir());
    test_clock_init(&clock);
    fleet_store_close(open_store(path, &clock.clock)); /* its tables are there, however early the first kill is */
    for (int round = 0; round < ROUNDS; round++) {
        run_and_kill(path, round % 3 == 0, &seed, acked);
        for (int agent = 0; agent < 2; agent++)
            check_agent(path, agent, acked[agent]);
    }
    ck_assert_uint_gt(acked[0], 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, killed_at_any_moment_nothing_is_missing_and_nothing_twice);
}

int main(void)
{
    return suite_main("hub: killed while applying", add);
}
