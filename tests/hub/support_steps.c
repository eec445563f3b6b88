/* See support_steps.h. */
#include "tests/hub/support_steps.h"

#include "base/text.h"
#include "tests/hub/support_faulty.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { CALLS_MAX = 5000, STATE_MAX = 1024 };

struct steps_world steps_world;

/* What the two tests walk. */
static const struct step *steps;
static size_t step_count;

static void set_up(void)
{
    struct steps_world *w = &steps_world;

    *w = (struct steps_world){ .store = NULL };
    snprintf(w->path, sizeof w->path, "%s/fleet.db", temp_dir());
    test_clock_init(&w->clock);
    w->store = open_store(w->path, &w->clock.clock);
    faulty_begin(w->store);
}

static void tear_down(void)
{
    faulty_end(steps_world.store);
    fleet_store_close(steps_world.store);
}

/* All that the steps can change, in a line. */
static const char *state_of(void)
{
    static char text[STATE_MAX];

    ask_store_text(
        steps_world.path,
        "SELECT (SELECT count(*) || ' tokens, ' || coalesce(sum(uses_left), 0) || ' uses, ' || coalesce(sum(revoked), "
        "0)"
        " FROM enroll_token) || (SELECT ', ' || count(*) || ' issued, ' || coalesce(sum(first_used), 0) || ' used, ' ||"
        " coalesce(sum(revoked), 0) FROM issued) || (SELECT ', ' || count(*) || ' bound' FROM bound_agent) ||"
        " (SELECT ', ' || count(*) || ' banned' FROM banned_host) || (SELECT ', ' || count(*) || ' events' FROM"
        " identity_event) || (SELECT ', ' || count(*) || ' findings' FROM finding) || (SELECT ', ' || count(*) ||"
        " ' people, ' || coalesce(sum(role), 0) || ' ' || coalesce(max(hash), '') FROM person) || (SELECT ', ' || "
        "count(*)"
        " || ' tickets, ' || coalesce(sum(seen), 0) FROM ticket) || (SELECT ', ' || count(*) || ' audited' FROM audit) "
        "||"
        " (SELECT ', ' || count(*) || ' targets, ' || coalesce(sum(sent), 0) || ' sent' FROM forward_target) ||"
        " (SELECT ', ' || coalesce(sum(arrival), 0) || ' marks' FROM forward_mark) ||"
        " (SELECT ', ' || count(*) || ' observations' FROM observation)",
        text, sizeof text);
    ck_assert_msg(text[0] >= '0' && text[0] <= '9', "\"%s\"", text);
    return text;
}

/* The n-th call fails.  False when there is none. */
static bool fail_at(const struct step *s, int n)
{
    char before[STATE_MAX], want[64];
    struct err e = { 0 };
    const char *met;
    int rc;

    text_copy(before, sizeof before, state_of());
    steps_world.found = 0;
    faulty_at(n, ERR_IO);
    rc = s->run(&e);
    met = faulty_met();
    faulty_at(0, 0);
    if (met == NULL) {
        ck_assert_msg(rc == s->want, "%s: %d, not %d: %s", s->name, rc, s->want, e.text);
        ck_assert_msg(!s->rows || steps_world.found > 0, "%s: no row", s->name);
        return false;
    }
    snprintf(want, sizeof want, "%s fails", met);
    ck_assert_msg(rc == ERR_IO, "%s, call %d (%s): %d", s->name, n, met, rc);
    ck_assert_msg(strstr(e.text, want) != NULL, "%s, call %d: \"%s\", not \"%s\"", s->name, n, e.text, want);
    ck_assert_msg(strcmp(state_of(), before) == 0, "%s, call %d (%s):\n%s, was\n%s", s->name, n, met, state_of(),
                  before);
    return true;
}

START_TEST(each_call_that_fails_is_told_and_changes_nothing)
{
    set_up();
    for (size_t i = 0; i < step_count; i++) {
        int n = 1;

        while (n < CALLS_MAX && fail_at(&steps[i], n))
            n++;
        ck_assert_msg(n > 1, "%s asks the database nothing", steps[i].name);
        steps_world.clock.now += NS_PER_S;
    }
    tear_down();
}
END_TEST

START_TEST(what_lost_a_race_is_done_again)
{
    set_up();
    for (size_t i = 0; i < step_count; i++) {
        struct err e = { 0 };
        int rc;

        faulty_at(1, ERR_BUSY);
        faulty_again(1);
        rc = steps[i].run(&e);
        faulty_at(0, 0);
        faulty_again(0);
        ck_assert_msg(rc == steps[i].want || rc == ERR_BUSY, "%s: %d: %s", steps[i].name, rc, e.text);
        if (rc == ERR_BUSY) /* what only reads is not tried again: whoever asked asks again */
            ck_assert_msg(steps[i].run(&e) == steps[i].want, "%s: %s", steps[i].name, e.text);
        steps_world.clock.now += NS_PER_S;
    }
    tear_down();
}
END_TEST

void steps_add(Suite *s, const struct step *list, size_t count)
{
    steps = list;
    step_count = count;
    suite_test(s, each_call_that_fails_is_told_and_changes_nothing);
    suite_test(s, what_lost_a_race_is_done_again);
}
