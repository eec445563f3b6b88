/* Applying requests: numbers at their edges, agents' words about gaps, and what a credential may begin. */
#include "base/text.h"
#include "tests/hub/support_apply.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define MARK    "SELECT high_mark FROM stream WHERE host_id <> 'HOST-CLONE'"
#define MISSING "SELECT missing FROM stream WHERE host_id <> 'HOST-CLONE'"
#define LOST    "SELECT lost FROM stream WHERE host_id <> 'HOST-CLONE'"
#define HOLES   "SELECT count(*) FROM finding WHERE kind = 'sequence-hole'"

/* NULL: the attribute is left out. */
static void send_gap(struct applying *f, uint64_t seq, const char *reason, const char *from, const char *to)
{
    struct observation *o;
    struct made m;

    made_init(&m, seq);
    o = made_add(&m, OBS_GAP, T0);
    if (reason != NULL)
        obs_str(o, ATTR_GAP_REASON, reason);
    if (from != NULL)
        obs_str(o, ATTR_GAP_FROM, from);
    if (to != NULL)
        obs_str(o, ATTR_GAP_TO, to);
    made_apply(f->store, &m, &f->who);
    made_free(&m);
}

/* ---- numbers ---------------------------------------------------------------------------------- */

START_TEST(of_two_records_with_one_number_in_a_request_the_first_counts)
{
    struct applying f;
    struct fleet_batch b;
    struct buf bytes;

    applying_begin(&f);
    buf_init(&bytes, 1024 * 1024);
    for (int vm = 1; vm <= 3; vm++) {
        struct made m;

        made_init(&m, 5);
        made_lifecycle(&m, vm, 1, T0);
        made_request(&m, &f.who, &bytes);
        made_free(&m);
    }
    b = bytes_apply(f.store, bytes.data, bytes.len);
    ck_assert_uint_eq(b.stored, 1);
    ck_assert_uint_eq(b.duplicates, 2);
    ck_assert_uint_eq(b.acked_through, 5);
    ck_assert_int_eq(ask_store(f.path, "SELECT count(*) FROM observation"), 1);
    for (int vm = 1; vm <= 3; vm++) {
        char sql[200];

        snprintf(sql, sizeof sql, "SELECT count(*) FROM observation WHERE vm_id = '%s'", made_vm(vm));
        ck_assert_int_eq(ask_store(f.path, sql), vm == 1);
    }
    buf_free(&bytes);
    applying_end(&f);
}
END_TEST

START_TEST(agents_that_take_turns_in_one_request_are_taken_one_after_the_other)
{
    struct applying f;
    struct resource whos[3];
    struct fleet_batch b;
    struct buf bytes;

    applying_begin(&f);
    buf_init(&bytes, 1024 * 1024);
    for (int i = 0; i < 3; i++)
        whos[i] = made_agent(i + 1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    for (uint64_t i = 0; i < 30; i++) {
        struct made m;

        made_init(&m, 10 - i / 3);
        made_lifecycle(&m, 1, 1, T0 + (int64_t)i);
        made_request(&m, &whos[i % 3], &bytes);
        made_free(&m);
    }
    b = bytes_apply(f.store, bytes.data, bytes.len);
    ck_assert_uint_eq(b.stored, 30);
    ck_assert_uint_eq(b.missing, 0);
    ck_assert(!b.one_agent);
    ck_assert_uint_eq(b.acked_through, 0);
    ck_assert_int_eq(ask_store(f.path, "SELECT count(*) FROM stream WHERE high_mark = 10 AND missing = 0"), 3);
    buf_free(&bytes);
    applying_end(&f);
}
END_TEST

START_TEST(a_stream_that_goes_on_under_another_host_id_misses_what_neither_brought)
{
    struct applying f;
    struct resource moved;

    applying_begin(&f);
    moved = f.who;
    text_copy(moved.host_id, sizeof moved.host_id, "HOST-CLONE");
    applying_send(&f, &f.who, 1, 10);
    ck_assert_uint_eq(applying_send(&f, &moved, 12, 12).missing,
                      11); /* 11 is the next one; 12 is a jump from nothing */
    applying_end(&f);

    applying_begin(&f);
    applying_send(&f, &f.who, 1, 10);
    ck_assert_uint_eq(applying_send(&f, &moved, 11, 11).missing, 0);
    ck_assert_uint_eq(applying_send(&f, &moved, 13, 13).missing, 1);
    applying_end(&f);
}
END_TEST

START_TEST(a_hole_is_told_as_long_as_numbers_are_given_up_though_all_others_came)
{
    struct applying f;
    uint64_t last = 2 * FLEET_HOLES_MAX + 3;

    applying_begin(&f);
    for (uint64_t seq = 1; seq <= last; seq += 2)
        applying_send(&f, &f.who, seq, seq);
    ck_assert_int_eq(ask_store(f.path, LOST), 1);
    ck_assert_int_eq(ask_store(f.path, MISSING), FLEET_HOLES_MAX);
    ck_assert_uint_eq(applying_send(&f, &f.who, 1, last).stored, FLEET_HOLES_MAX); /* but not 2, which is given up */
    ck_assert_int_eq(ask_store(f.path, MISSING), 0);
    ck_assert_int_eq(ask_store(f.path, LOST), 1);
    ck_assert_int_eq(ask_store(f.path, HOLES), 1);
    applying_end(&f);
}
END_TEST

/* ---- gaps -------------------------------------------------------------------------------------- */

START_TEST(a_gap_explains_only_what_is_missing_and_only_for_a_reason_that_counts)
{
    struct applying f;

    applying_begin(&f);
    applying_send(&f, &f.who, 1, 10);
    send_gap(&f, 11, "store-full", "3", "8"); /* nothing is missing */
    ck_assert_int_eq(ask_store(f.path, MISSING), 0);
    applying_send(&f, &f.who, 22, 30); /* 12 to 21 are missing */
    send_gap(&f, 31, NULL, "12", "21");
    send_gap(&f, 32, "", "12", "21");
    send_gap(&f, 33, "store-full", NULL, "21");
    send_gap(&f, 34, "store-full", "12", NULL);
    send_gap(&f, 35, "store-full", "1", "11");
    send_gap(&f, 36, "store-full", "22", "9223372036854775807");
    send_gap(&f, 37, "store-full", "12", "9223372036854775808");
    ck_assert_int_eq(ask_store(f.path, MISSING), 10);
    ck_assert_int_eq(ask_store(f.path, HOLES), 1);
    send_gap(&f, 38, "refused-by-hub", "15", "15");
    ck_assert_int_eq(ask_store(f.path, MISSING), 9);
    ck_assert_int_eq(ask_store(f.path, "SELECT count(*) FROM hole"), 2);
    send_gap(&f, 39, "store-full", "13", "9223372036854775807");
    ck_assert_int_eq(ask_store(f.path, MISSING), 1);
    ck_assert_int_eq(ask_store(f.path, "SELECT first || '' FROM hole"), 12);
    send_gap(&f, 40, "store-full", "0", "12");
    ck_assert_int_eq(ask_store(f.path, MISSING), 0);
    ck_assert_int_eq(ask_store(f.path, HOLES), 0);
    ck_assert_int_eq(ask_store(f.path, MARK), 40);
    applying_end(&f);
}
END_TEST

/* ---- credentials --------------------------------------------------------------------------------- */

/* One record of agent n with this credential; 0, or the error with e filled. */
static int bring(struct applying *f, int n, const char *credential, int64_t streams_max, struct err *e)
{
    struct resource who = made_agent(n, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request;
    struct fleet_batch batch = { .request = &request, .credential = credential, .streams_max = streams_max };
    struct buf bytes;
    struct made m;
    int rc;

    buf_init(&bytes, 1024 * 1024);
    made_init(&m, 1);
    made_lifecycle(&m, 1, 1, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    ck_assert_msg(otlp_decode(bytes.data, bytes.len, &limits, &request, e) == 0, "%s", e->text);
    rc = fleet_store_apply(f->store, &batch, 1, e);
    otlp_request_free(&request);
    buf_free(&bytes);
    return rc;
}

START_TEST(a_credential_begins_as_many_streams_as_it_may_and_0_is_any_number)
{
    struct applying f;
    struct err e = { 0 };

    applying_begin(&f);
    ck_assert_msg(bring(&f, 1, "token:a", 2, &e) == 0, "%s", e.text);
    ck_assert_msg(bring(&f, 2, "token:a", 2, &e) == 0, "%s", e.text);
    ck_assert_int_eq(bring(&f, 3, "token:a", 2, &e), ERR_REFUSED);
    ck_assert_str_eq(e.text,
                     "this token or certificate has brought 2 agents, and may not bring more (ingest.max_agents)");
    ck_assert_int_eq(ask_store(f.path, "SELECT count(*) FROM stream"), 2);
    ck_assert_msg(bring(&f, 1, "token:a", 2, &e) == 0, "%s", e.text);
    ck_assert_msg(bring(&f, 3, "token:b", 2, &e) == 0, "%s", e.text);
    ck_assert_msg(bring(&f, 4, "token:a", 0, &e) == 0, "%s", e.text);
    ck_assert_msg(bring(&f, 5, NULL, 2, &e) == 0, "%s", e.text);
    ck_assert_int_eq(ask_store(f.path, "SELECT count(*) FROM stream"), 5);
    ck_assert_int_eq(ask_store(f.path, "SELECT count(*) FROM claim"), 3);
    applying_end(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, of_two_records_with_one_number_in_a_request_the_first_counts);
    suite_test(s, agents_that_take_turns_in_one_request_are_taken_one_after_the_other);
    suite_test(s, a_stream_that_goes_on_under_another_host_id_misses_what_neither_brought);
    suite_test(s, a_hole_is_told_as_long_as_numbers_are_given_up_though_all_others_came);
    suite_test(s, a_gap_explains_only_what_is_missing_and_only_for_a_reason_that_counts);
    suite_test(s, a_credential_begins_as_many_streams_as_it_may_and_0_is_any_number);
}

int main(void)
{
    return suite_main("hub: numbers at their edges", add);
}
