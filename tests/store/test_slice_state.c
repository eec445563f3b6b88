/* How guests are, read from the newest backwards (store_read_state()). */
#include "tests/store/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static struct rig r;

static void setup(void)
{
    rig_init(&r);
    rig_open(&r);
}

static struct store_slice read_state(uint64_t after, size_t count, size_t bytes)
{
    struct store_slice slice;
    int rc = store_read_state(r.store, after, count, bytes, &slice, &r.err);

    ck_assert_msg(rc == 0, "%s", r.err.text);
    return slice;
}

/* The number of each payload of the slice, in order; checks the slice's own figures. */
static size_t numbers_of(const struct store_slice *slice, uint64_t *out, size_t room)
{
    struct otlp_limits limits = { .records_max = 200000, .arena_max = 512u * MIB, .depth_max = 8 };
    struct resource who = { .service_name = "hvagent", .host_id = HOST };
    struct otlp_request decoded;
    struct buf request;
    size_t n = 0, framed = 0;

    buf_init(&request, 256u * MIB);
    ck_assert_int_eq(otlp_encode_request(&who, slice->payloads, slice->count, &request, &r.err), 0);
    ck_assert_int_eq(otlp_decode(request.data, request.len, &limits, &decoded, &r.err), 0);
    for (const struct otlp_group *g = decoded.groups; g != NULL; g = g->next)
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next) {
            ck_assert_uint_lt(n, room);
            ck_assert_int_eq(o->kind, OBS_GUEST_INVENTORY);
            out[n++] = o->seq;
        }
    for (size_t i = 0; i < slice->count; i++)
        framed += otlp_framed_size(slice->payloads[i].len);
    ck_assert_uint_eq(n, slice->count);
    ck_assert_uint_eq(framed, slice->framed_bytes);
    if (n > 0) {
        ck_assert_uint_eq(out[0], slice->first_seq);
        ck_assert_uint_eq(out[n - 1], slice->last_seq);
    }
    otlp_request_free(&decoded);
    buf_free(&request);
    return n;
}

/* Reads and expects exactly these numbers. */
static void expect(uint64_t after, size_t count, size_t bytes, const uint64_t *numbers, size_t n)
{
    struct store_slice slice = read_state(after, count, bytes);
    uint64_t got[64];

    ck_assert_uint_eq(slice.count, n);
    ck_assert_uint_eq(numbers_of(&slice, got, 64), n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(got[i], numbers[i]);
    store_slice_free(&slice);
}

#define NUMBERS(...) (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)

/* Inventories of guests are 3, 4, 8 and 11. */
static void append_some(void)
{
    append(&r, OBS_EVENT_RAW, 2, 10, NULL);
    append(&r, OBS_GUEST_INVENTORY, 2, 10, NULL);
    append(&r, OBS_HOST_INVENTORY, 1, 10, NULL);
    append(&r, OBS_GUEST_CRASH, 2, 10, NULL);
    append(&r, OBS_GUEST_INVENTORY, 1, 10, NULL);
    append(&r, OBS_SOURCE_STATE, 2, 10, NULL);
    append(&r, OBS_GUEST_INVENTORY, 1, 10, NULL);
    append(&r, OBS_GUEST_LIFECYCLE, 1, 10, NULL);
}

START_TEST(an_empty_outbox_tells_nothing)
{
    struct store_slice slice;

    setup();
    slice = read_state(0, 10, MIB);
    ck_assert_uint_eq(slice.count, 0);
    ck_assert_uint_eq(slice.last_seq, 0);
    store_slice_free(&slice);
    rig_close(&r);
}
END_TEST

START_TEST(inventories_of_guests_alone_come_in_order_of_their_numbers)
{
    setup();
    append_some();
    expect(0, 100, MIB, NUMBERS(3, 4, 8, 11));
    rig_close(&r);
}
END_TEST

START_TEST(the_newest_are_taken_where_not_all_fit_the_count)
{
    setup();
    append_some();
    expect(0, 3, MIB, NUMBERS(4, 8, 11));
    expect(0, 1, MIB, NUMBERS(11));
    expect(0, SIZE_MAX, SIZE_MAX, NUMBERS(3, 4, 8, 11));
    rig_close(&r);
}
END_TEST

START_TEST(only_what_is_above_the_number_is_taken)
{
    struct store_slice slice;

    setup();
    append_some();
    expect(4, 100, MIB, NUMBERS(8, 11));
    expect(10, 100, MIB, NUMBERS(11));
    for (uint64_t after = 11; after < 14; after++) {
        slice = read_state(after, 100, MIB);
        ck_assert_uint_eq(slice.count, 0);
        store_slice_free(&slice);
    }
    slice = read_state(UINT64_MAX, 100, MIB);
    ck_assert_uint_eq(slice.count, 0);
    store_slice_free(&slice);
    rig_close(&r);
}
END_TEST

START_TEST(the_bytes_are_a_bound_and_one_is_always_given)
{
    struct store_slice slice;
    uint64_t got[64];

    setup();
    append(&r, OBS_GUEST_INVENTORY, 50, 300, NULL);
    slice = read_state(0, 100, 3000);
    ck_assert_uint_le(slice.framed_bytes, 3000);
    ck_assert_uint_gt(slice.count, 3);
    ck_assert_uint_gt(slice.framed_bytes + otlp_framed_size(slice.payloads[0].len), 3000);
    ck_assert_uint_eq(slice.last_seq, 50);
    ck_assert_uint_eq(slice.first_seq, 50 - slice.count + 1);
    numbers_of(&slice, got, 64);
    store_slice_free(&slice);
    for (size_t bytes = 0; bytes < 2; bytes++) {
        slice = read_state(0, 100, bytes);
        ck_assert_uint_eq(slice.count, 1);
        ck_assert_uint_eq(slice.first_seq, 50);
        store_slice_free(&slice);
    }
    rig_close(&r);
}
END_TEST

START_TEST(it_looks_back_over_so_many_numbers_and_no_more)
{
    enum { BACK = 10000 };
    struct store_slice slice;

    setup();
    append(&r, OBS_GUEST_INVENTORY, 2, 10, NULL);
    append(&r, OBS_EVENT_RAW, BACK - 1, 10, NULL);
    expect(0, 100, MIB, NUMBERS(2));
    append(&r, OBS_EVENT_RAW, 1, 10, NULL);
    slice = read_state(0, 100, MIB);
    ck_assert_uint_eq(slice.count, 0);
    store_slice_free(&slice);
    append(&r, OBS_GUEST_INVENTORY, 1, 10, NULL);
    expect(BACK / 2, 100, MIB, NUMBERS(BACK + 3));
    rig_close(&r);
}
END_TEST

START_TEST(damaged_rows_are_passed_over_and_left_for_the_reading_in_order)
{
    struct outbox all;
    sqlite3 *db;

    setup();
    append_some();
    rig_close(&r);
    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db,
                                  "UPDATE outbox SET payload = CAST(substr(payload, 1, 40) || x'78' ||"
                                  " substr(payload, 42) AS BLOB) WHERE seq = 8;"
                                  "UPDATE outbox SET payload = x'' WHERE seq = 11",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    rig_open(&r);
    ck_assert(!r.opened.recovered);
    expect(0, 100, MIB, NUMBERS(3, 4));
    ck_assert_uint_eq(stats_of(&r).rows, 12);
    ck_assert_uint_eq(stats_of(&r).dropped_total, 0);
    outbox_load(&r, &all);
    ck_assert_ptr_nonnull(find_gap(&all, "record-unreadable", 1));
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

/* A gap that may have been shipped is never replaced; one that was not may be, whatever was told ahead. */
START_TEST(it_does_not_count_as_having_been_read)
{
    struct outbox all;
    struct store_slice slice;

    rig_init(&r);
    r.max_bytes = 32 * 1024;
    rig_open(&r);
    for (int i = 0; i < 40; i++) {
        append(&r, OBS_GUEST_INVENTORY, 4, 1000, NULL);
        slice = read_state(0, 1000, MIB);
        ck_assert_uint_gt(slice.count, 0);
        store_slice_free(&slice);
    }
    outbox_load(&r, &all);
    ck_assert_ptr_nonnull(find_gap(&all, "store-full", 0));
    ck_assert_ptr_null(find_gap(&all, "store-full", 1));
    outbox_free(&all);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(what_was_acknowledged_or_set_aside_is_not_told)
{
    setup();
    append_some();
    ck_assert_int_eq(store_ack(r.store, 4, &r.err), 0);
    expect(0, 100, MIB, NUMBERS(8, 11));
    ck_assert_int_eq(store_set_aside(r.store, 8, 8, "no", &r.err), 0);
    expect(0, 100, MIB, NUMBERS(11));
    rig_close(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_empty_outbox_tells_nothing);
    suite_test(s, inventories_of_guests_alone_come_in_order_of_their_numbers);
    suite_test(s, the_newest_are_taken_where_not_all_fit_the_count);
    suite_test(s, only_what_is_above_the_number_is_taken);
    suite_test(s, the_bytes_are_a_bound_and_one_is_always_given);
    suite_test(s, it_looks_back_over_so_many_numbers_and_no_more);
    suite_test(s, damaged_rows_are_passed_over_and_left_for_the_reading_in_order);
    suite_test(s, it_does_not_count_as_having_been_read);
    suite_test(s, what_was_acknowledged_or_set_aside_is_not_told);
}

int main(void)
{
    return suite_main("store: how guests are, newest first", add);
}
