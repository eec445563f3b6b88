/* Applying requests: the numbers, and that nothing is there twice or missing. */
#include "tests/hub/support_apply.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT    "SELECT count(*) FROM observation"
#define DISTINCT "SELECT count(DISTINCT stream * 1000000000 + seq) FROM observation"

/* Applies records first..last of one agent, about guest 1; a second goes by. */
static struct fleet_batch send(struct applying *f, const struct resource *who, uint64_t first, uint64_t last)
{
    struct fleet_batch result = applying_send(f, who, first, last);

    f->clock.now += NS_PER_S;
    return result;
}

static bool take_agent(void *arg, const struct fleet_agent *a)
{
    *(struct fleet_agent *)arg = *a;
    return false;
}

static struct fleet_agent agent_of(struct applying *f)
{
    struct fleet_agent agent = { .records = 0 };
    struct fleet_reader reader = { .arg = &agent, .agent = take_agent };
    struct err e;

    ck_assert_int_eq(fleet_store_read(f->store, &reader, &e), 0);
    return agent;
}

struct findings {
    int count;
    struct fleet_finding last;
};

static bool take_finding(void *arg, const struct fleet_finding *found)
{
    struct findings *all = (struct findings *)arg;

    all->count++;
    all->last = *found;
    return true;
}

static struct findings findings_of(struct applying *f)
{
    struct findings all = { .count = 0 };
    struct fleet_reader reader = { .arg = &all, .finding = take_finding };
    struct err e;

    ck_assert_int_eq(fleet_store_read(f->store, &reader, &e), 0);
    return all;
}

START_TEST(a_batch_is_stored_once_however_often_it_comes)
{
    struct applying f;
    struct fleet_batch b;

    applying_begin(&f);
    b = send(&f, &f.who, 1, 100);
    ck_assert_uint_eq(b.stored, 100);
    ck_assert_uint_eq(b.acked_through, 100);
    ck_assert(b.one_agent);
    for (int i = 0; i < 3; i++) {
        b = send(&f, &f.who, 1, 100);
        ck_assert_uint_eq(b.stored, 0);
        ck_assert_uint_eq(b.duplicates, 100);
        ck_assert_uint_eq(b.acked_through, 100);
    }
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 100);
    applying_end(&f);
}
END_TEST

START_TEST(overlapping_batches_leave_each_record_once)
{
    struct applying f;
    struct fleet_batch b;

    applying_begin(&f);
    send(&f, &f.who, 1, 60);
    b = send(&f, &f.who, 41, 120);
    ck_assert_uint_eq(b.stored, 60);
    ck_assert_uint_eq(b.duplicates, 20);
    b = send(&f, &f.who, 100, 110);
    ck_assert_uint_eq(b.stored, 0);
    ck_assert_uint_eq(b.acked_through, 120);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 120);
    ck_assert_int_eq((int)ask_store(f.path, DISTINCT), 120);
    applying_end(&f);
}
END_TEST

START_TEST(marks_outlive_a_restart)
{
    struct applying f;
    struct fleet_batch b;

    applying_begin(&f);
    for (uint64_t i = 0; i < 5; i++) {
        send(&f, &f.who, i * 10 + 1, i * 10 + 10);
        fleet_store_close(f.store);
        f.store = open_store(f.path, &f.clock.clock);
        b = send(&f, &f.who, 1, i * 10 + 10);
        ck_assert_uint_eq(b.stored, 0);
    }
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 50);
    ck_assert_uint_eq(agent_of(&f).high_mark, 50);
    ck_assert_uint_eq(agent_of(&f).records, 50);
    applying_end(&f);
}
END_TEST

START_TEST(two_agents_have_their_own_numbers)
{
    struct applying f;
    struct resource other;
    struct fleet_batch b;

    applying_begin(&f);
    other = made_agent(2, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    send(&f, &f.who, 1, 30);
    b = send(&f, &other, 1, 20);
    ck_assert_uint_eq(b.stored, 20);
    ck_assert_uint_eq(b.acked_through, 20);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 50);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM stream"), 2);
    applying_end(&f);
}
END_TEST

/* Both agents in one request, as a collector would merge them: records shuffled, groups repeated. */
START_TEST(a_shuffled_request_of_two_agents_is_taken_in_order)
{
    struct applying f;
    struct resource whos[2];
    struct fleet_batch b;
    struct buf bytes;

    applying_begin(&f);
    whos[0] = f.who;
    whos[1] = made_agent(2, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    buf_init(&bytes, 1024 * 1024);
    for (uint64_t i = 0; i < 40; i++) {
        struct made m;

        made_init(&m, (i * 7) % 20 + 1);
        made_lifecycle(&m, 1, 1, T0 + (int64_t)i * NS_PER_S);
        made_request(&m, &whos[i / 20], &bytes); /* requests concatenated are one request */
        made_free(&m);
    }
    b = bytes_apply(f.store, bytes.data, bytes.len);
    ck_assert_uint_eq(b.stored, 40);
    ck_assert_uint_eq(b.missing, 0);
    ck_assert(!b.one_agent);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT min(high_mark) FROM stream"), 20);
    buf_free(&bytes);
    applying_end(&f);
}
END_TEST

START_TEST(several_requests_are_one_transaction)
{
    struct applying f;
    struct otlp_request requests[3];
    struct fleet_batch batches[3];
    struct otlp_limits limits = otlp_limits_default();
    struct err e;

    applying_begin(&f);
    for (int i = 0; i < 3; i++) {
        struct buf bytes;
        struct made m;

        buf_init(&bytes, 1024 * 1024);
        made_init(&m, (uint64_t)i * 5 + 1);
        made_lifecycle(&m, 1, 10, T0); /* 1..10, 6..15, 11..20 */
        made_request(&m, &f.who, &bytes);
        ck_assert_int_eq(otlp_decode(bytes.data, bytes.len, &limits, &requests[i], &e), 0);
        batches[i] = (struct fleet_batch){ .request = &requests[i] };
        made_free(&m);
        buf_free(&bytes);
    }
    ck_assert_int_eq(fleet_store_apply(f.store, batches, 3, &e), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(batches[i].stored, i == 0 ? 10 : 5);
        ck_assert_uint_eq(batches[i].acked_through, 20);
        otlp_request_free(&requests[i]);
    }
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 20);
    applying_end(&f);
}
END_TEST

START_TEST(a_jump_in_the_numbers_is_taken_and_told)
{
    struct applying f;
    struct fleet_batch b;
    struct findings found;

    applying_begin(&f);
    send(&f, &f.who, 1, 10);
    b = send(&f, &f.who, 16, 20);
    ck_assert_uint_eq(b.stored, 5);
    ck_assert_uint_eq(b.missing, 5);
    ck_assert_uint_eq(agent_of(&f).missing, 5);
    found = findings_of(&f);
    ck_assert_int_eq(found.count, 1);
    ck_assert_int_eq(found.last.kind, FINDING_SEQUENCE_HOLE);
    ck_assert_str_eq(found.last.host_id, f.who.host_id);
    ck_assert_msg(strstr(found.last.text, "5 numbered records") != NULL, "%s", found.last.text);
    ck_assert_msg(strstr(found.last.text, "11 to 15") != NULL, "%s", found.last.text);
    applying_end(&f);
}
END_TEST

START_TEST(records_that_come_late_fill_the_hole_once)
{
    struct applying f;
    struct fleet_batch b;

    applying_begin(&f);
    send(&f, &f.who, 1, 10);
    send(&f, &f.who, 21, 30);
    b = send(&f, &f.who, 13, 15);
    ck_assert_uint_eq(b.stored, 3);
    ck_assert_uint_eq(agent_of(&f).missing, 7);
    b = send(&f, &f.who, 1, 30);
    ck_assert_uint_eq(b.stored, 7);
    ck_assert_uint_eq(b.duplicates, 23);
    ck_assert_uint_eq(agent_of(&f).missing, 0);
    ck_assert_int_eq(findings_of(&f).count, 0);
    b = send(&f, &f.who, 1, 30);
    ck_assert_uint_eq(b.stored, 0);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 30);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM hole"), 0);
    applying_end(&f);
}
END_TEST

static void send_gap(struct applying *f, uint64_t seq, const char *reason, const char *from, const char *to)
{
    struct observation *o;
    struct made m;

    made_init(&m, seq);
    o = made_add(&m, OBS_GAP, T0);
    obs_str(o, ATTR_GAP_REASON, reason);
    obs_str(o, ATTR_GAP_FROM, from);
    obs_str(o, ATTR_GAP_TO, to);
    made_apply(f->store, &m, &f->who);
    made_free(&m);
}

START_TEST(the_agents_own_gap_observation_explains_a_hole)
{
    struct applying f;

    applying_begin(&f);
    send(&f, &f.who, 1, 10);
    send(&f, &f.who, 21, 30);
    send_gap(&f, 31, "log-cleared", "11", "20"); /* counts records of a channel, not ours */
    ck_assert_uint_eq(agent_of(&f).missing, 10);
    send_gap(&f, 32, "store-full", "11", "15");
    ck_assert_uint_eq(agent_of(&f).missing, 5);
    send_gap(&f, 33, "refused-by-hub", "3", "999");
    ck_assert_uint_eq(agent_of(&f).missing, 0);
    ck_assert_uint_eq(agent_of(&f).lost, 0);
    ck_assert_int_eq(findings_of(&f).count, 1); /* the gap itself, and no hole */
    ck_assert_int_eq((int)findings_of(&f).last.kind, FINDING_GAP);
    applying_end(&f);
}
END_TEST

START_TEST(a_hostile_gap_changes_nothing)
{
    struct applying f;

    applying_begin(&f);
    send(&f, &f.who, 1, 10);
    send(&f, &f.who, 21, 30);
    send_gap(&f, 31, "store-full", "20", "11");
    send_gap(&f, 32, "store-full", "-1", "18446744073709551615");
    send_gap(&f, 33, "store-full", "11", "99999999999999999999999");
    send_gap(&f, 34, "store-full", "", "");
    ck_assert_uint_eq(agent_of(&f).missing, 10);
    applying_end(&f);
}
END_TEST

START_TEST(holes_are_bounded_and_the_oldest_is_given_up)
{
    struct applying f;
    uint64_t seq = 1;

    applying_begin(&f);
    for (int i = 0; i < FLEET_HOLES_MAX + 11; i++, seq += 2)
        send(&f, &f.who, seq, seq);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM hole"), FLEET_HOLES_MAX);
    ck_assert_uint_eq(agent_of(&f).missing, FLEET_HOLES_MAX);
    ck_assert_uint_eq(agent_of(&f).lost, 10);
    ck_assert_uint_eq(send(&f, &f.who, 2, 2).duplicates, 1);
    ck_assert_int_eq(findings_of(&f).count, 1);
    applying_end(&f);
}
END_TEST

START_TEST(a_stream_that_does_not_start_at_one_is_told)
{
    struct applying f;

    applying_begin(&f);
    ck_assert_uint_eq(send(&f, &f.who, 1001, 1010).missing, 1000);
    ck_assert_uint_eq(agent_of(&f).high_mark, 1010);
    applying_end(&f);
}
END_TEST

START_TEST(the_largest_numbers_do_no_harm)
{
    struct applying f;

    applying_begin(&f);
    ck_assert_uint_eq(send(&f, &f.who, INT64_MAX, INT64_MAX).stored, 1);
    ck_assert_uint_eq(agent_of(&f).high_mark, INT64_MAX);
    ck_assert_uint_eq(send(&f, &f.who, 5, 6).stored, 2);
    ck_assert_uint_eq(agent_of(&f).missing, (uint64_t)INT64_MAX - 3);
    applying_end(&f);
}
END_TEST

START_TEST(one_agent_id_on_two_hosts_that_both_speak_is_a_finding)
{
    struct applying f;
    struct resource clone;
    struct findings found;

    applying_begin(&f);
    clone = f.who;
    snprintf(clone.host_id, sizeof clone.host_id, "HOST-CLONE");
    send(&f, &f.who, 1, 10);
    send(&f, &clone, 11, 20); /* the clone's own records under numbers of the original */
    ck_assert_int_eq(findings_of(&f).count, 0);
    ck_assert_uint_eq(send(&f, &f.who, 11, 15).stored, 0); /* same content: the same records */
    found = findings_of(&f);
    ck_assert_int_eq(found.count, 1);
    ck_assert_int_eq(found.last.kind, FINDING_SHARED_AGENT_ID);
    ck_assert_msg(strstr(found.last.text, "cloned") != NULL, "%s", found.last.text);
    applying_end(&f);
}
END_TEST

START_TEST(a_clones_own_records_are_kept_apart_and_not_dropped)
{
    struct applying f;
    struct resource clone;
    struct made m;

    applying_begin(&f);
    clone = f.who;
    snprintf(clone.host_id, sizeof clone.host_id, "HOST-CLONE");
    send(&f, &f.who, 1, 20);
    made_init(&m, 11);
    made_lifecycle(&m, 2, 10, T0); /* other content, same numbers */
    ck_assert_uint_eq(made_apply(f.store, &m, &clone).stored, 10);
    ck_assert_uint_eq(made_apply(f.store, &m, &clone).stored, 0);
    made_free(&m);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 30);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM stream"), 2);
    applying_end(&f);
}
END_TEST

START_TEST(a_host_id_that_changes_between_two_tries_stores_nothing_twice)
{
    struct applying f;
    struct resource renamed;
    struct fleet_batch b;

    applying_begin(&f);
    renamed = f.who;
    snprintf(renamed.host_id, sizeof renamed.host_id, "HOST-NEW-BOARD");
    send(&f, &f.who, 1, 100);
    b = send(&f, &renamed, 91, 110);
    ck_assert_uint_eq(b.duplicates, 10);
    ck_assert_uint_eq(b.stored, 10);
    ck_assert_uint_eq(b.missing, 0);
    ck_assert_uint_eq(b.acked_through, 110);
    ck_assert_int_eq(findings_of(&f).count, 0);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 110);
    applying_end(&f);
}
END_TEST

static struct fleet_batch send_foreign(struct applying *f, const struct resource *who, uint64_t first, int count)
{
    struct fleet_batch b;
    struct made m;

    made_init(&m, first);
    made_lifecycle(&m, 1, count, T0);
    if (first == 0) {
        for (struct observation *o = m.batch.first; o != NULL; o = o->next)
            o->seq = 0;
    }
    b = made_apply(f->store, &m, who);
    made_free(&m);
    return b;
}

START_TEST(records_of_other_programs_are_kept_apart_and_bounded)
{
    struct applying f;
    struct resource foreign;
    struct fleet_batch b;

    applying_begin(&f);
    foreign = f.who;
    snprintf(foreign.service_name, sizeof foreign.service_name, "checkout");
    b = send_foreign(&f, &foreign, 1, 7);
    ck_assert_uint_eq(b.foreign, 7);
    ck_assert_uint_eq(b.stored, 0);
    ck_assert(!b.one_agent);
    send_foreign(&f, &foreign, 1, 7);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM foreign_record"), 10); /* foreign_max */
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM guest"), 0);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM stream"), 0);
    applying_end(&f);
}
END_TEST

START_TEST(records_without_a_number_or_an_agent_change_nothing_known)
{
    struct applying f;
    struct resource nobody;

    applying_begin(&f);
    ck_assert_uint_eq(send_foreign(&f, &f.who, 0, 3).foreign, 3);
    nobody = f.who;
    nobody.agent_id[0] = '\0';
    ck_assert_uint_eq(send_foreign(&f, &nobody, 1, 3).foreign, 3);
    nobody = f.who;
    nobody.host_id[0] = '\0';
    ck_assert_uint_eq(send_foreign(&f, &nobody, 1, 3).foreign, 3);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM guest"), 0);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 0);
    applying_end(&f);
}
END_TEST

START_TEST(an_empty_request_of_an_agent_tells_its_mark)
{
    struct applying f;
    struct fleet_batch b;
    struct made m;

    applying_begin(&f);
    send(&f, &f.who, 1, 42);
    made_init(&m, 1);
    b = made_apply(f.store, &m, &f.who);
    made_free(&m);
    ck_assert(b.one_agent);
    ck_assert_uint_eq(b.acked_through, 42);
    b = bytes_apply(f.store, "", 0);
    ck_assert(!b.one_agent);
    applying_end(&f);
}
END_TEST

/* Random pieces, random order, random repeats: in the end each record once. */
START_TEST(any_way_of_sending_ends_in_each_record_once)
{
    enum { RECORDS = 300, ROUNDS = 60 };
    unsigned seed = 20260131;
    struct applying f;

    applying_begin(&f);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t first = (uint64_t)rand_r(&seed) % RECORDS + 1;
        uint64_t last = first + (uint64_t)rand_r(&seed) % 30;

        send(&f, &f.who, first, last > RECORDS ? RECORDS : last);
    }
    send(&f, &f.who, 1, RECORDS);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), RECORDS);
    ck_assert_int_eq((int)ask_store(f.path, DISTINCT), RECORDS);
    ck_assert_uint_eq(agent_of(&f).missing, 0);
    ck_assert_uint_eq(agent_of(&f).records, RECORDS);
    applying_end(&f);
}
END_TEST

START_TEST(old_observations_leave_and_what_is_known_stays)
{
    struct applying f;
    struct err e;
    bool more = true;

    applying_begin(&f);
    send(&f, &f.who, 1, 1200);
    f.clock.now += 80 * 1440 * MINUTES;
    send(&f, &f.who, 1201, 1210);
    f.clock.now += 20 * 1440 * MINUTES; /* keep is 90 days */
    for (int i = 0; more && i < 10; i++)
        ck_assert_int_eq(fleet_store_upkeep(f.store, &more, &e), 0);
    ck_assert(!more);
    ck_assert_int_eq((int)ask_store(f.path, COUNT), 10);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM guest"), 1);
    ck_assert_uint_eq(send(&f, &f.who, 1, 1210).stored, 0);
    applying_end(&f);
}
END_TEST

START_TEST(stats_count_what_is_there)
{
    struct applying f;
    struct fleet_stats stats;
    struct err e;

    applying_begin(&f);
    send(&f, &f.who, 1, 5);
    ck_assert_int_eq(fleet_store_stats(f.store, &stats, &e), 0);
    ck_assert_uint_eq(stats.agents, 1);
    ck_assert_uint_eq(stats.hosts, 1);
    ck_assert_uint_eq(stats.guests, 1);
    ck_assert_uint_eq(stats.findings, 0);
    ck_assert_uint_gt(stats.file_bytes, 0);
    applying_end(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_batch_is_stored_once_however_often_it_comes);
    suite_test(s, overlapping_batches_leave_each_record_once);
    suite_test(s, marks_outlive_a_restart);
    suite_test(s, two_agents_have_their_own_numbers);
    suite_test(s, a_shuffled_request_of_two_agents_is_taken_in_order);
    suite_test(s, several_requests_are_one_transaction);
    suite_test(s, a_jump_in_the_numbers_is_taken_and_told);
    suite_test(s, records_that_come_late_fill_the_hole_once);
    suite_test(s, the_agents_own_gap_observation_explains_a_hole);
    suite_test(s, a_hostile_gap_changes_nothing);
    suite_test(s, holes_are_bounded_and_the_oldest_is_given_up);
    suite_test(s, a_stream_that_does_not_start_at_one_is_told);
    suite_test(s, the_largest_numbers_do_no_harm);
    suite_test(s, one_agent_id_on_two_hosts_that_both_speak_is_a_finding);
    suite_test(s, a_clones_own_records_are_kept_apart_and_not_dropped);
    suite_test(s, a_host_id_that_changes_between_two_tries_stores_nothing_twice);
    suite_test(s, records_of_other_programs_are_kept_apart_and_bounded);
    suite_test(s, records_without_a_number_or_an_agent_change_nothing_known);
    suite_test(s, an_empty_request_of_an_agent_tells_its_mark);
    suite_test(s, any_way_of_sending_ends_in_each_record_once);
    suite_test(s, old_observations_leave_and_what_is_known_stays);
    suite_test(s, stats_count_what_is_there);
}

int main(void)
{
    return suite_main("hub: applying requests", add);
}
