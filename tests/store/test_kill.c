/* SIGKILL in the middle of work: what was said to be on the disk is there. */
#include "tests/store/support.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 40 };

static struct rig r;

/* What the child says after each step that succeeded. */
struct word {
    uint64_t last_seq, acked, mark;
};

static void work_forever(int out)
{
    struct word w = { .last_seq = stats_of(&r).last_seq, .mark = strtoull(mark_of(&r), NULL, 10) };

    for (;;) {
        char mark[24];

        snprintf(mark, sizeof mark, "%llu", (unsigned long long)(w.mark + 1));
        w.last_seq = append(&r, OBS_EVENT_RAW, 1 + (int)(w.mark % 17), 200, mark).last_seq;
        w.mark++;
        if (w.mark % 5 == 0) {
            ck_assert_int_eq(store_ack(r.store, w.last_seq - w.last_seq % 3, &r.err), 0);
            w.acked = w.last_seq - w.last_seq % 3;
        }
        if (write(out, &w, sizeof w) != (ssize_t)sizeof w)
            _exit(1);
    }
}

/* Reads what the child says until it has been dead for good. */
static struct word listen_and_kill(int in, pid_t child, int after_us)
{
    const struct timespec pause = { .tv_nsec = after_us * 1000L };
    struct word w = { 0 }, next;
    int status;

    while (w.mark == 0 && read(in, &next, sizeof next) == (ssize_t)sizeof next)
        w = next; /* it is at work */
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    while (read(in, &next, sizeof next) == (ssize_t)sizeof next)
        w = next;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    return w;
}

static void check_against(const struct word *said, int round)
{
    struct store_stats stats = stats_of(&r);
    uint64_t mark = strtoull(mark_of(&r), NULL, 10);
    struct outbox all;

    ck_assert_msg(mark == said->mark || mark == said->mark + 1, "round %d: mark %llu, said %llu", round,
                  (unsigned long long)mark, (unsigned long long)said->mark);
    if (mark == said->mark)
        ck_assert_uint_eq(stats.last_seq, said->last_seq);
    else
        ck_assert_uint_eq(stats.last_seq, said->last_seq + 1 + said->mark % 17);
    ck_assert_uint_ge(stats.acked_through, said->acked);
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.count, stats.last_seq - stats.acked_through);
    for (size_t i = 0; i < all.count; i++)
        ck_assert_uint_eq(all.o[i]->seq, stats.acked_through + 1 + i);
    outbox_free(&all);
    check_sound(&r);
}

START_TEST(killed_at_any_moment_everything_acknowledged_is_there_without_holes)
{
    unsigned random = 12345;

    rig_init(&r);
    for (int round = 0; round < ROUNDS; round++) {
        struct word said;
        int pipe_fds[2];
        pid_t child;

        ck_assert_int_eq(pipe(pipe_fds), 0);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(pipe_fds[0]);
            rig_open(&r);
            work_forever(pipe_fds[1]);
        }
        close(pipe_fds[1]);
        random = random * 1103515245u + 12345u;
        said = listen_and_kill(pipe_fds[0], child, (int)(random >> 16) % 30000);
        close(pipe_fds[0]);
        rig_open(&r);
        ck_assert(!r.opened.recovered);
        check_against(&said, round);
        rig_close(&r);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, killed_at_any_moment_everything_acknowledged_is_there_without_holes);
}

int main(void)
{
    return suite_main("store: kill", add);
}
