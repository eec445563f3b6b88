/* What the stores keep of hosts and guests: whole, or refused. */
#include "tests/model/support_world.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct world w;
static struct buf out;

/* A guest with something in every field. */
static void full_guest(void)
{
    struct observation *o;

    world_start(&w);
    buf_init(&out, 1024 * 1024);
    world_windows(&w, AT(10), "6.3.9600", "6.3.9600.18691");
    o = world_poll(&w, AT(20), "6.3.9600", "6.3.9600.18692");
    obs_int(o, ATTR_VM_IS_STATE, 2);
    for (int c = 0; c < IC_COUNT; c++)
        world_component(o, (enum ic_component)c, 2, 3 + c, 32775);
    world_apply(&w, HOST, o);
    for (int s = 0; s < MISMATCH_COUNT; s++)
        world_mismatch(&w, AT(30 + s), (enum mismatch_signal)s, 4000 + s, "Hyper-V Heartbeat");
    world_mismatch(&w, AT(40), MISMATCH_IC_COMPATIBLE, 4010, "");
    world_all_clear(&w, AT(41), "Hyper-V Data Exchange");
    world_change(&w, AT(50), "reset");
    world_received(&w, "host-2", AT(60));
    world_change(&w, AT(70), "removed");
    o = world_observe(&w, OBS_GUEST_CRASH, AT(80));
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_CRASH_CODE, "0x0000007a");
    world_parameters(o, 1, UINT64_MAX, 0, 0xc000009c);
    world_apply(&w, "host-2", o);
    world_judge(&w);
    w.g.drift = w.v.kept;
}

static void done(void)
{
    buf_free(&out);
    world_free(&w);
}

START_TEST(a_guest_comes_back_as_it_was)
{
    struct guest back;

    full_guest();
    memset(&back, 0xAA, sizeof back);
    ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
    ck_assert_int_eq(guest_decode(&back, out.data, out.len, NULL), 0);
    ck_assert_str_eq(back.vm_id, w.g.vm_id);
    ck_assert_str_eq(back.name, w.g.name);
    ck_assert_str_eq(back.host_id, "host-2");
    ck_assert_int_eq(back.host_time, w.g.host_time);
    ck_assert_int_eq(back.host_since, w.g.host_since);
    ck_assert_int_eq(back.power, w.g.power);
    ck_assert_int_eq(back.connected_since, AT(60));
    ck_assert_int_eq(back.booted, AT(50));
    ck_assert_int_eq(back.last_seen, w.g.last_seen);
    ck_assert_int_eq(back.is_state, 2);
    ck_assert_int_eq(back.drift.state, w.g.drift.state);
    ck_assert_int_eq(back.drift.row, w.g.drift.row);
    ck_assert_int_eq(back.drift.since, w.g.drift.since);
    ck_assert_str_eq(back.last_crash_code, "0x0000007a");
    ck_assert(back.last_crash_has_parameters);
    ck_assert_uint_eq(back.last_crash_parameters[1], UINT64_MAX);
    ck_assert_uint_eq(back.last_crash_parameters[3], 0xc000009c);
    for (int i = 0; i < KVP_ITEM_COUNT; i++) {
        ck_assert_str_eq(back.kvp[i].text, w.g.kvp[i].text);
        ck_assert_int_eq(back.kvp[i].since, w.g.kvp[i].since);
        ck_assert_int_eq(back.kvp[i].other, w.g.kvp[i].other);
    }
    ck_assert_mem_eq(back.ic, w.g.ic, sizeof back.ic);
    for (int s = 0; s < MISMATCH_COUNT; s++) {
        ck_assert_int_eq(back.mismatch[s][0].time, w.g.mismatch[s][0].time);
        ck_assert_str_eq(back.mismatch[s][0].service, w.g.mismatch[s][0].service);
        ck_assert_str_eq(back.mismatch[s][0].detail, w.g.mismatch[s][0].detail);
        ck_assert_str_eq(back.mismatch[s][0].host_id, HOST);
    }
    ck_assert_int_eq(back.mismatch[MISMATCH_IC_COMPATIBLE][1].time, AT(31));
    ck_assert_int_eq(back.all_clear[0].time, AT(41));
    done();
}
END_TEST

START_TEST(what_came_back_is_written_the_same_again)
{
    struct guest back;
    struct buf again;

    full_guest();
    buf_init(&again, 1024 * 1024);
    ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
    ck_assert_int_eq(guest_decode(&back, out.data, out.len, NULL), 0);
    ck_assert_int_eq(guest_encode(&back, &again, NULL), 0);
    ck_assert_uint_eq(out.len, again.len);
    ck_assert_mem_eq(out.data, again.data, out.len);
    buf_free(&again);
    done();
}
END_TEST

START_TEST(a_guest_nothing_is_known_of_is_small)
{
    struct guest g, back;

    full_guest();
    guest_init(&g, VM);
    ck_assert_int_eq(guest_encode(&g, &out, NULL), 0);
    ck_assert_uint_lt(out.len, 64);
    ck_assert_int_eq(guest_decode(&back, out.data, out.len, NULL), 0);
    ck_assert_int_eq(back.is_state, -1);
    done();
}
END_TEST

START_TEST(a_guest_with_all_places_taken_fits)
{
    struct guest back;

    full_guest();
    for (int s = 0; s < MISMATCH_COUNT; s++) {
        for (int i = 0; i < MISMATCH_PLACES; i++) {
            struct mismatch *m = &w.g.mismatch[s][i];

            m->time = INT64_MAX;
            m->event_id = INT64_MIN;
            memset(m->service, 'a' + i, sizeof m->service - 1);
            memset(m->detail, 'd', sizeof m->detail - 1);
            memset(m->host_id, 'h', sizeof m->host_id - 1);
        }
    }
    memcpy(w.g.all_clear, w.g.mismatch[0], sizeof w.g.all_clear);
    ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
    ck_assert_int_eq(guest_decode(&back, out.data, out.len, NULL), 0);
    ck_assert_mem_eq(back.mismatch, w.g.mismatch, sizeof back.mismatch);
    done();
}
END_TEST

START_TEST(any_damage_is_corrupt_and_leaves_the_guest_alone)
{
    struct guest back;
    struct err e;

    full_guest();
    ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
    guest_init(&back, "untouched");
    for (size_t i = 0; i < out.len; i++) {
        ck_assert_int_eq(guest_decode(&back, out.data, i, &e), ERR_CORRUPT);
        out.data[i] ^= 0x10;
        ck_assert_int_eq(guest_decode(&back, out.data, out.len, &e), ERR_CORRUPT);
        out.data[i] ^= 0x10;
        ck_assert_str_eq(back.vm_id, "untouched");
    }
    done();
}
END_TEST

/* The frame of state.c around a message made by hand. */
static void frame(struct buf *b, const char *message, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)message[i]) * 16777619u;
    buf_clear(b);
    for (int i = 0; i < 4; i++)
        buf_char(b, (char)(hash >> 8 * i));
    buf_add(b, message, len);
}

START_TEST(a_newer_format_is_refused_and_an_older_one_filled_up)
{
    struct guest g;
    struct host h;
    struct err e;

    buf_init(&out, 1024);
    frame(&out, "\x08\x02", 2);
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_UNSUPPORTED);
    ck_assert_int_eq(host_decode(&h, out.data, out.len, &e), ERR_UNSUPPORTED);
    frame(&out, "", 0);
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_CORRUPT);
    frame(&out, "\x08\x01\x12\x03xyz", 7);
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), 0);
    ck_assert_str_eq(g.vm_id, "xyz");
    ck_assert_int_eq(g.power, POWER_UNKNOWN);
    buf_free(&out);
}
END_TEST

START_TEST(numbers_out_of_range_are_corrupt)
{
    static const struct {
        const char *message;
        size_t len;
    } wrong[] = {
        { "\x08\x01\x30\x08", 4 },             /* power */
        { "\x08\x01\xb0\x01\x08", 5 },         /* drift state */
        { "\x08\x01\xb8\x01\x0f", 5 },         /* drift row */
        { "\x08\x01\x80\x01\x06", 5 },         /* is_state 3 */
        { "\x08\x01\x72\x02\x08\x08", 6 },     /* KVP item */
        { "\x08\x01\x7a\x02\x08\x07", 6 },     /* component */
        { "\x08\x01\x92\x01\x02\x08\x06", 7 }, /* signal */
    };
    static const char negative[] = "\x08\x01\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    struct guest g;
    struct err e;

    buf_init(&out, 1024);
    frame(&out, negative, sizeof negative - 1); /* connected_since -1 */
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_CORRUPT);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        frame(&out, wrong[i].message, wrong[i].len);
        ck_assert_msg(guest_decode(&g, out.data, out.len, &e) == ERR_CORRUPT, "taken: case %zu", i);
    }
    buf_free(&out);
}
END_TEST

/* A place of a time in struct guest. */
#define TIME(field)                           \
    {                                         \
#field, offsetof(struct guest, field) \
    }

START_TEST(a_time_below_zero_is_corrupt_wherever_it_stands)
{
    static const struct {
        const char *name;
        size_t offset;
    } times[] = {
        TIME(name_time),         TIME(power_time),
        TIME(connected_since),   TIME(booted),
        TIME(reconnected),       TIME(arrived),
        TIME(last_seen),         TIME(inventory_time),
        TIME(is_state_time),     TIME(last_crash),
        TIME(last_migration),    TIME(drift.since),
        TIME(places[0].seen),    TIME(places[0].arrived),
        TIME(places[0].removed), TIME(kvp[2].time),
        TIME(kvp[2].since),      TIME(kvp[2].other),
        TIME(ic[0].time),        TIME(ic[0].since),
        TIME(ic[0].other),       TIME(mismatch[0][0].time),
        TIME(all_clear[0].time), TIME(config.time),
        TIME(config.since),      TIME(config.other),
    };
    struct guest back, whole;
    struct err e;

    full_guest();
    w.g.config.time = AT(1);
    whole = w.g;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        w.g = whole;
        *(int64_t *)(void *)((char *)&w.g + times[i].offset) = -1;
        buf_clear(&out);
        ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
        ck_assert_msg(guest_decode(&back, out.data, out.len, &e) == ERR_CORRUPT, "taken: %s", times[i].name);
        ck_assert_str_eq(e.text, "the kept state of a guest holds a number out of range");
    }
    done();
}
END_TEST

START_TEST(a_configuration_comes_back_with_as_many_disks_as_are_kept)
{
    static const int counts[] = { -1, 0, 2, CONFIG_DISKS_KEPT, CONFIG_DISKS_KEPT + 1 };
    struct guest back;

    full_guest();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct guest_config *c = &w.g.config;

        *c = (struct guest_config){ .time = AT(1), .generation = 2, .processors = 4, .checkpoints = -1 };
        c->memory = MEMORY_DYNAMIC;
        c->has_available = true;
        c->available_percent = -20;
        c->disk_count = counts[i];
        for (int n = 0; n < CONFIG_DISKS_KEPT && n < counts[i]; n++)
            c->disks[n] = (struct guest_disk){ CONTROLLER_SCSI, DISK_PHYSICAL };
        buf_clear(&out);
        ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
        ck_assert_int_eq(guest_decode(&back, out.data, out.len, NULL), 0);
        ck_assert_mem_eq(&back.config, c, sizeof *c);
    }
    done();
}
END_TEST

START_TEST(a_configuration_out_of_range_is_corrupt)
{
    struct guest back;
    struct guest_config wrong[8];

    full_guest();
    for (int i = 0; i < 8; i++)
        wrong[i] = (struct guest_config){ .time = AT(1), .checkpoints = -1, .disk_count = 1 };
    wrong[0].generation = -1;
    wrong[1].processors = -1;
    wrong[2].checkpoints = -2;
    wrong[3].disk_count = -2;
    wrong[4].memory = MEMORY_KIND_COUNT;
    wrong[5].disks[0].controller = DISK_CONTROLLER_COUNT;
    wrong[6].disks[0].kind = DISK_KIND_COUNT;
    wrong[7].startup_mib = -1;
    for (int i = 0; i < 8; i++) {
        w.g.config = wrong[i];
        buf_clear(&out);
        ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
        ck_assert_msg(guest_decode(&back, out.data, out.len, NULL) == ERR_CORRUPT, "taken: %d", i);
    }
    done();
}
END_TEST

START_TEST(more_or_fewer_of_something_than_there_can_be_is_corrupt)
{
    static const char event[] = "\x92\x01\x02\x08\x01"; /* of the first signal */
    char events[2 + (MISMATCH_PLACES + 1) * 5] = "\x08\x01";
    struct guest g;
    struct err e;

    buf_init(&out, 1024);
    for (int i = 0; i <= MISMATCH_PLACES; i++)
        memcpy(events + 2 + i * 5, event, 5);
    frame(&out, events, sizeof events - 5);
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), 0);
    frame(&out, events, sizeof events);
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_CORRUPT);
    frame(&out, "\x08\x01\xda\x01\x04\x08\x01\x58\x03", 9); /* two disks counted, none told */
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_CORRUPT);
    frame(&out, "\x08\x01\xd2\x01\x01\x05", 6); /* one of four parameters */
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_CORRUPT);
    frame(&out, "\x08\x01\x80\x01\x03", 5); /* is_state -2 */
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_CORRUPT);
    frame(&out, "\x08", 1); /* whole by its hash, and no message */
    ck_assert_int_eq(guest_decode(&g, out.data, out.len, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "is no message of ours"));
    buf_free(&out);
}
END_TEST

START_TEST(a_host_with_a_time_below_zero_is_corrupt)
{
    struct err e;

    buf_init(&out, 1024);
    for (int i = 0; i < 5; i++) {
        struct host h = { .poll_guests = -1 }, back;
        int64_t *const times[] = { &h.facts_time, &h.is_since, &h.is_other, &h.last_seen, &h.last_poll };

        *times[i] = -1;
        buf_clear(&out);
        ck_assert_int_eq(host_encode(&h, &out, NULL), 0);
        ck_assert_int_eq(host_decode(&back, out.data, out.len, &e), ERR_CORRUPT);
        ck_assert_str_eq(e.text, "the kept state of a host holds a number out of range");
    }
    buf_free(&out);
}
END_TEST

START_TEST(a_host_comes_back_as_it_was)
{
    struct host h = { .facts = { .service_name = "hvagent",
                                 .agent_id = VM,
                                 .agent_version = "0.1.0",
                                 .host_id = "id",
                                 .host_name = "HV01",
                                 .os_version = "6.3.9600.1",
                                 .cluster = "PROD-A",
                                 .is_win6x = "6.3.9600.2",
                                 .is_win5x = "6.3.9600.3",
                                 .boot_time = 1,
                                 .boot_id = "seventh" },
                      .facts_time = 2,
                      .is_since = 3,
                      .is_other = 4,
                      .last_seen = 5,
                      .last_poll = 6,
                      .poll_guests = -1 };
    struct host back;

    buf_init(&out, 1024 * 1024);
    ck_assert_int_eq(host_encode(&h, &out, NULL), 0);
    ck_assert_int_eq(host_decode(&back, out.data, out.len, NULL), 0);
    ck_assert_str_eq(back.facts.agent_id, VM);
    ck_assert_str_eq(back.facts.is_win5x, "6.3.9600.3");
    ck_assert_int_eq(back.facts.boot_time, 1);
    ck_assert_str_eq(back.facts.boot_id, "seventh");
    ck_assert_int_eq(back.facts_time, 2);
    ck_assert_int_eq(back.is_since, 3);
    ck_assert_int_eq(back.is_other, 4);
    ck_assert_int_eq(back.last_seen, 5);
    ck_assert_int_eq(back.last_poll, 6);
    ck_assert_int_eq(back.poll_guests, -1);
    for (size_t i = 0; i < out.len; i++)
        ck_assert_int_eq(host_decode(&back, out.data, i, NULL), ERR_CORRUPT);
    buf_free(&out);
}
END_TEST

START_TEST(without_room_nothing_is_written)
{
    struct err e;

    full_guest();
    buf_free(&out);
    buf_init(&out, 100);
    ck_assert_int_eq(guest_encode(&w.g, &out, &e), ERR_TOO_BIG);
    ck_assert_uint_eq(out.len, 0);
    done();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_guest_comes_back_as_it_was);
    suite_test(s, what_came_back_is_written_the_same_again);
    suite_test(s, a_guest_nothing_is_known_of_is_small);
    suite_test(s, a_guest_with_all_places_taken_fits);
    suite_test(s, any_damage_is_corrupt_and_leaves_the_guest_alone);
    suite_test(s, a_newer_format_is_refused_and_an_older_one_filled_up);
    suite_test(s, numbers_out_of_range_are_corrupt);
    suite_test(s, a_time_below_zero_is_corrupt_wherever_it_stands);
    suite_test(s, a_configuration_comes_back_with_as_many_disks_as_are_kept);
    suite_test(s, a_configuration_out_of_range_is_corrupt);
    suite_test(s, more_or_fewer_of_something_than_there_can_be_is_corrupt);
    suite_test(s, a_host_with_a_time_below_zero_is_corrupt);
    suite_test(s, a_host_comes_back_as_it_was);
    suite_test(s, without_room_nothing_is_written);
}

int main(void)
{
    return suite_main("model: state", add);
}
