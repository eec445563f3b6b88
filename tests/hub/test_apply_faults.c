/* Applying requests while the database fails: each call of the store's body fails once. An error with words, nothing is
 * changed by it, and the same request taken again leaves what it leaves when nothing fails.
 *
 * The same for retries: what lost a race is done again, not for ever. */
#include "base/text.h"
#include "hub/fleet_identity.h"
#include "tests/hub/support_faulty.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { CALLS_MAX = 5000, STATE_MAX = 512, TRIES_OF_A_TRANSACTION = 13 };

#define OS "6.3.9600.20778"
#define IS "6.3.9600.18692"

struct world {
    char path[4200];
    struct test_clock clock;
    struct fleet_store *store;
};

static void set_up(struct world *w)
{
    snprintf(w->path, sizeof w->path, "%s/fleet.db", temp_dir());
    test_clock_init(&w->clock);
    w->store = open_store(w->path, &w->clock.clock);
}

static void tear_down(struct world *w)
{
    fleet_store_close(w->store);
}

/* All that records can change, in a line. */
static const char *state_of(const struct world *w)
{
    static char text[STATE_MAX];

    ask_store_text(
        w->path,
        "SELECT (SELECT count(*) FROM observation) || ' records, ' ||"
        " (SELECT coalesce(sum(seq), 0) FROM observation) || ' their numbers, ' ||"
        " (SELECT count(*) || ' streams, ' || coalesce(sum(high_mark), 0) || ' marks, ' || coalesce(sum(missing), 0) ||"
        " ' missing, ' || coalesce(sum(lost), 0) || ' lost, ' || coalesce(sum(records), 0) || ' counted, ' FROM "
        "stream) ||"
        " (SELECT count(*) || ' holes from ' || coalesce(sum(first), 0) || ' to ' || coalesce(sum(last), 0) FROM hole) "
        "||"
        " (SELECT ', ' || count(*) || ' findings, ' FROM finding) || (SELECT count(*) || ' foreign, ' FROM "
        "foreign_record) ||"
        " (SELECT count(*) || ' hosts, ' FROM host) || (SELECT count(*) || ' guests, ' FROM guest) ||"
        " (SELECT count(*) || ' changes, ' FROM guest_change) || (SELECT count(*) || ' bound' FROM bound_agent)",
        text, sizeof text);
    ck_assert_msg(text[0] >= '0' && text[0] <= '9', "\"%s\"", text);
    return text;
}

/* ---- what is sent --------------------------------------------------------------------------- */

static struct resource who_1(void)
{
    return made_agent(1, "PROD-A", OS, IS);
}

static void put(struct made *m, const struct resource *who, struct buf *out)
{
    made_request(m, who, out);
    made_free(m);
}

static void lifecycle(const struct resource *who, uint64_t first, int count, struct buf *out)
{
    struct made m;

    made_init(&m, first);
    made_lifecycle(&m, 1, count, T0 + (int64_t)first * NS_PER_S);
    put(&m, who, out);
}

static void a_host_its_guests_and_another_program(struct buf *out)
{
    struct resource who = who_1(), other = { .service_name = "somebody" };
    struct made m;

    made_init(&m, 1);
    made_host_inventory(&m, &who, T0);
    made_inventory(&m, 1, T0, "6.3.9600", IS);
    made_inventory(&m, 2, T0, "6.3.9600", "6.3.9600.16384");
    put(&m, &who, out);
    lifecycle(&other, 1, 2, out);
}

static void a_jump(struct buf *out)
{
    struct resource who = who_1();

    lifecycle(&who, 24, 3, out); /* 4 to 23 are missing */
}

static void late_ones_in_the_middle_of_the_hole(struct buf *out)
{
    struct resource who = who_1();

    lifecycle(&who, 10, 3, out);
    lifecycle(&who, 4, 1, out);
    lifecycle(&who, 23, 1, out);
}

static void a_gap_that_explains_a_part(struct buf *out)
{
    struct resource who = who_1();
    struct observation *o;
    struct made m;

    made_init(&m, 27);
    o = made_add(&m, OBS_GAP, T0);
    obs_str(o, ATTR_GAP_REASON, "store-full");
    obs_str(o, ATTR_GAP_FROM, "6");
    obs_str(o, ATTR_GAP_TO, "14");
    put(&m, &who, out);
}

static void the_rest_of_the_holes(struct buf *out)
{
    struct resource who = who_1();

    lifecycle(&who, 1, 26, out);
}

static void the_same_agent_id_on_another_host(struct buf *out)
{
    struct resource clone = who_1();

    text_copy(clone.host_id, sizeof clone.host_id, "HOST-CLONE");
    lifecycle(&clone, 25, 6, out);
}

static void both_hosts_again(struct buf *out)
{
    struct resource who = who_1();

    lifecycle(&who, 28, 4, out);
    the_same_agent_id_on_another_host(out);
}

static void guests_that_move_and_are_updated(struct buf *out)
{
    struct resource two = made_agent(2, "PROD-B", OS, IS);
    struct made m;

    made_init(&m, 1);
    made_host_inventory(&m, &two, T0 + MINUTES);
    made_inventory(&m, 1, T0 + 2 * MINUTES, "6.3.9600", "6.3.9600.18693");
    made_inventory(&m, 2, T0 + 2 * MINUTES, "6.3.9600", IS);
    put(&m, &two, out);
}

static void records_from_the_future(struct buf *out)
{
    struct resource three = made_agent(3, "", OS, IS);
    struct made m;

    made_init(&m, 1);
    made_lifecycle(&m, 3, 1, T0);
    m.batch.first->observed_ns = T0 + 3000 * MINUTES;
    put(&m, &three, out);
}

static void records_of_the_hour_after(struct buf *out)
{
    struct resource three = made_agent(3, "", OS, IS);

    lifecycle(&three, 2, 1, out);
}

static void an_agent_that_is_bound_at_its_first_word(struct buf *out)
{
    struct resource four = made_agent(4, "", OS, IS);

    lifecycle(&four, 1, 1, out);
}

static void what_is_its_host_as_another(struct buf *out)
{
    struct resource four = made_agent(4, "", OS, IS);

    lifecycle(&four, 2, 1, out);
}

static const struct fleet_speaker bound = { .holder = "certificate CN=four", .bind = true },
                                  stranger = { .holder = "certificate CN=five", .bind = true };

static const struct {
    void (*make)(struct buf *out);
    const struct fleet_speaker *speaker;
    int64_t wait_ns; /* before it */
    int calls_min;   /* of the body; it is not done with less */
} steps[] = {
    { a_host_its_guests_and_another_program, NULL, 0, 20 },
    { a_jump, NULL, 0, 10 },
    { late_ones_in_the_middle_of_the_hole, NULL, 0, 20 },
    { a_gap_that_explains_a_part, NULL, 0, 12 },
    { the_rest_of_the_holes, NULL, 0, 30 },
    { the_same_agent_id_on_another_host, NULL, 0, 12 },
    { both_hosts_again, NULL, 0, 15 },
    { guests_that_move_and_are_updated, NULL, 0, 20 },
    { records_from_the_future, NULL, 0, 8 },
    { records_of_the_hour_after, NULL, 61 * MINUTES, 8 },
    { an_agent_that_is_bound_at_its_first_word, &bound, 0, 8 },
    { what_is_its_host_as_another, &stranger, 0, 4 },
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* ---- the one who sends ------------------------------------------------------------------------ */

/* A request of a step, decoded. */
struct sent {
    struct otlp_request request;
    struct fleet_batch batch;
};

static void prepare(struct sent *t, void (*make)(struct buf *out), const struct fleet_speaker *speaker)
{
    struct otlp_limits limits = otlp_limits_default();
    struct buf bytes;
    struct err e = { 0 };

    buf_init(&bytes, 1024 * 1024);
    make(&bytes);
    ck_assert_msg(otlp_decode(bytes.data, bytes.len, &limits, &t->request, &e) == 0, "%s", e.text);
    t->batch =
        (struct fleet_batch){ .request = &t->request, .speaker = speaker, .credential = "token:1", .streams_max = 10 };
    buf_free(&bytes);
}

/* Every call of the step's fails once; then it is taken.  How many calls there were. */
static int fail_each(struct world *w, int step)
{
    char before[STATE_MAX], want[64];
    struct sent t;
    int n, rc;

    prepare(&t, steps[step].make, steps[step].speaker);
    text_copy(before, sizeof before, state_of(w));
    for (n = 1; n < CALLS_MAX; n++) {
        struct err e = { 0 };

        faulty_at(n, ERR_IO);
        rc = fleet_store_apply(w->store, &t.batch, 1, &e);
        if (faulty_met() == NULL)
            break;
        snprintf(want, sizeof want, "%s fails", faulty_met());
        ck_assert_msg(rc == ERR_IO, "step %d, call %d (%s): %d", step, n, faulty_met(), rc);
        ck_assert_msg(strstr(e.text, want) != NULL, "step %d, call %d: \"%s\", not \"%s\"", step, n, e.text, want);
        faulty_at(0, 0);
        ck_assert_msg(strcmp(state_of(w), before) == 0, "step %d, call %d (%s):\n%s, was\n%s", step, n, want,
                      state_of(w), before);
    }
    faulty_at(0, 0);
    ck_assert_msg(rc == 0, "step %d with nothing failing: %d", step, rc);
    otlp_request_free(&t.request);
    return n - 1;
}

static void take(struct world *w, int step)
{
    struct err e = { 0 };
    struct sent t;

    prepare(&t, steps[step].make, steps[step].speaker);
    ck_assert_msg(fleet_store_apply(w->store, &t.batch, 1, &e) == 0, "%s", e.text);
    otlp_request_free(&t.request);
}

START_TEST(a_call_that_fails_changes_nothing_and_the_same_request_is_taken_again)
{
    struct world plain, failing;
    char want[STATE_MAX];

    set_up(&plain);
    set_up(&failing);
    faulty_begin(failing.store);
    for (int i = 0; i < STEPS; i++) {
        int calls;

        plain.clock.now = failing.clock.now += NS_PER_S + steps[i].wait_ns;
        take(&plain, i);
        calls = fail_each(&failing, i);
        ck_assert_msg(calls >= steps[i].calls_min, "step %d: %d calls", i, calls);
        text_copy(want, sizeof want, state_of(&plain));
        ck_assert_str_eq(state_of(&failing), want);
    }
    faulty_end(failing.store);
    tear_down(&failing);
    tear_down(&plain);
}
END_TEST

/* As many holes as are kept, and then one more. */
static void many_holes(struct buf *out)
{
    struct resource who = who_1();

    for (uint64_t seq = 1; seq <= 2 * FLEET_HOLES_MAX + 1; seq += 2)
        lifecycle(&who, seq, 1, out);
}

static void one_more_hole(struct buf *out)
{
    struct resource who = who_1();

    lifecycle(&who, 2 * FLEET_HOLES_MAX + 3, 1, out);
}

START_TEST(a_hole_that_can_not_be_given_up_changes_nothing)
{
    struct world w;
    struct sent t;
    struct err e = { 0 };
    int n = 1;

    set_up(&w);
    prepare(&t, many_holes, NULL);
    ck_assert_msg(fleet_store_apply(w.store, &t.batch, 1, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(t.batch.missing, FLEET_HOLES_MAX);
    otlp_request_free(&t.request);
    faulty_begin(w.store);
    prepare(&t, one_more_hole, NULL);
    for (bool failed = true; failed; n++) {
        faulty_at(n, ERR_NO_SPACE);
        failed = fleet_store_apply(w.store, &t.batch, 1, &e) != 0;
        ck_assert_int_eq(failed, faulty_met() != NULL);
        faulty_at(0, 0);
        ck_assert_int_eq(ask_store(w.path, "SELECT count(*) FROM hole"), FLEET_HOLES_MAX);
        ck_assert_int_eq(ask_store(w.path, "SELECT lost FROM stream"), failed ? 0 : 1);
    }
    ck_assert_int_gt(n, 10);
    ck_assert_int_eq(ask_store(w.path, "SELECT missing FROM stream"), FLEET_HOLES_MAX);
    otlp_request_free(&t.request);
    faulty_end(w.store);
    tear_down(&w);
}
END_TEST

START_TEST(what_lost_a_race_is_done_again_and_counts_once)
{
    struct world w;
    struct sent t;
    struct err e = { 0 };

    set_up(&w);
    faulty_begin(w.store);
    prepare(&t, a_jump, NULL);
    faulty_at(5, ERR_BUSY);
    faulty_again(1);
    ck_assert_msg(fleet_store_apply(w.store, &t.batch, 1, &e) == 0, "%s", e.text);
    ck_assert_ptr_nonnull(faulty_met());
    ck_assert_uint_eq(t.batch.stored, 3);
    ck_assert_uint_eq(t.batch.missing, 23);
    ck_assert_int_eq(ask_store(w.path, "SELECT count(*) FROM observation"), 3);
    otlp_request_free(&t.request);
    faulty_end(w.store);
    tear_down(&w);
}
END_TEST

static int begun;

static int never_begins(struct fleet_body *b, bool writing, struct err *e)
{
    (void)b;
    (void)writing;
    begun++;
    return err_set(e, ERR_BUSY, "somebody else was first");
}

static bool always(struct fleet_body *b)
{
    (void)b;
    return true;
}

START_TEST(what_loses_every_race_is_given_up)
{
    const struct fleet_body_ops *real;
    struct fleet_body_ops losing;
    struct world w;
    struct sent t;
    struct err e = { 0 };

    set_up(&w);
    real = w.store->body->ops;
    losing = *real;
    losing.begin = never_begins;
    losing.again = always;
    w.store->body->ops = &losing;
    prepare(&t, a_jump, NULL);
    ck_assert_int_eq(fleet_store_apply(w.store, &t.batch, 1, &e), ERR_BUSY);
    ck_assert_str_eq(e.text, "somebody else was first");
    ck_assert_int_eq(begun, TRIES_OF_A_TRANSACTION);
    losing.again = NULL; /* a database that never races */
    ck_assert_int_eq(fleet_store_apply(w.store, &t.batch, 1, &e), ERR_BUSY);
    ck_assert_int_eq(begun, TRIES_OF_A_TRANSACTION + 1);
    w.store->body->ops = real;
    otlp_request_free(&t.request);
    tear_down(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_call_that_fails_changes_nothing_and_the_same_request_is_taken_again);
    suite_test(s, a_hole_that_can_not_be_given_up_changes_nothing);
    suite_test(s, what_lost_a_race_is_done_again_and_counts_once);
    suite_test(s, what_loses_every_race_is_given_up);
}

int main(void)
{
    return suite_main("hub: applying while the database fails", add);
}
