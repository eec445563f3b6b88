/* How a VM is set up: what is kept of the looks at it. */
#include "tests/model/support_world.h"

#include <stdio.h>

static struct world w;

static void put_disk(struct observation *o, int n, const char *controller, const char *kind)
{
    char key[OBS_KEY_MAX];

    snprintf(key, sizeof key, ATTR_DISK_N, n, "controller");
    obs_str(o, key, controller);
    snprintf(key, sizeof key, ATTR_DISK_N, n, "kind");
    obs_str(o, key, kind);
}

/* A generation 1 guest with dynamic memory and two disks. */
static struct observation *look(int64_t time, int64_t assigned)
{
    struct observation *o = world_observe(&w, OBS_GUEST_CONFIGURATION, time);

    obs_int(o, ATTR_VM_GENERATION, 1);
    obs_int(o, ATTR_VM_PROCESSORS, 4);
    obs_int(o, ATTR_VM_CHECKPOINTS, 0);
    obs_bool(o, ATTR_MEMORY_DYNAMIC, true);
    obs_int(o, ATTR_MEMORY_STARTUP, 1024);
    obs_int(o, ATTR_MEMORY_MINIMUM, 512);
    obs_int(o, ATTR_MEMORY_MAXIMUM, 8192);
    obs_int(o, ATTR_MEMORY_ASSIGNED, assigned);
    obs_int(o, ATTR_MEMORY_DEMAND, assigned + 100);
    obs_int(o, ATTR_MEMORY_AVAILABLE, -10);
    obs_int(o, ATTR_DISKS, 2);
    put_disk(o, 1, "ide", "fixed");
    put_disk(o, 2, "scsi", "dynamic");
    return o;
}

START_TEST(nothing_is_known_before_the_first_look)
{
    world_start(&w);
    ck_assert_int_eq(w.g.config.time, 0);
    ck_assert_int_eq(w.g.config.checkpoints, -1);
    ck_assert_int_eq(w.g.config.disk_count, -1);
    world_free(&w);
}
END_TEST

START_TEST(a_look_is_kept_in_short)
{
    const struct guest_config *c = &w.g.config;

    world_start(&w);
    world_apply(&w, HOST, look(AT(10), 2048));
    ck_assert_int_eq(c->time, AT(10));
    ck_assert_int_eq(c->generation, 1);
    ck_assert_int_eq(c->processors, 4);
    ck_assert_int_eq(c->checkpoints, 0);
    ck_assert_str_eq(memory_kind_name(c->memory), "dynamic");
    ck_assert_int_eq(c->startup_mib, 1024);
    ck_assert_int_eq(c->maximum_mib, 8192);
    ck_assert_int_eq(c->assigned_mib, 2048);
    ck_assert_int_eq(c->demand_mib, 2148);
    ck_assert_int_eq(c->available_percent, -10);
    ck_assert_int_eq(c->disk_count, 2);
    ck_assert_int_eq(c->disks[0].controller, CONTROLLER_IDE);
    ck_assert_int_eq(c->disks[1].controller, CONTROLLER_SCSI);
    ck_assert_int_eq(c->disks[1].kind, DISK_DYNAMIC);
    ck_assert_int_eq(w.g.last_seen, AT(10));
    world_free(&w);
}
END_TEST

START_TEST(other_memory_in_use_is_no_other_setting)
{
    world_start(&w);
    world_apply(&w, HOST, look(AT(10), 2048));
    world_apply(&w, HOST, look(AT(20), 4096));
    ck_assert_int_eq(w.g.config.since, AT(10));
    ck_assert_int_eq(w.g.config.time, AT(20));
    ck_assert_int_eq(w.g.config.assigned_mib, 4096);
    world_apply(&w, HOST, look(AT(5), 1024));
    ck_assert_int_eq(w.g.config.since, AT(5));
    ck_assert_int_eq(w.g.config.assigned_mib, 4096);
    world_free(&w);
}
END_TEST

START_TEST(another_disk_begins_a_new_run)
{
    struct observation *o;

    world_start(&w);
    world_apply(&w, HOST, look(AT(10), 2048));
    o = look(AT(20), 2048);
    put_disk(o, 2, "scsi", "differencing");
    world_apply(&w, HOST, o);
    ck_assert_int_eq(w.g.config.since, AT(20));
    ck_assert_int_eq(w.g.config.other, AT(10));
    ck_assert_int_eq(w.g.config.disks[1].kind, DISK_DIFFERENCING);
    world_free(&w);
}
END_TEST

START_TEST(what_a_newer_look_did_not_know_is_not_known)
{
    struct observation *o;

    world_start(&w);
    world_apply(&w, HOST, look(AT(10), 2048));
    o = world_observe(&w, OBS_GUEST_CONFIGURATION, AT(20));
    obs_int(o, ATTR_DISKS, 40);
    world_apply(&w, HOST, o);
    ck_assert_int_eq(w.g.config.memory, MEMORY_UNKNOWN);
    ck_assert_int_eq(w.g.config.generation, 0);
    ck_assert_int_eq(w.g.config.disk_count, 40);
    ck_assert_int_eq(w.g.config.disks[7].kind, DISK_UNKNOWN);
    ck_assert(!w.g.config.has_available);
    world_free(&w);
}
END_TEST

START_TEST(numbers_out_of_range_are_not_known)
{
    struct observation *o;

    world_start(&w);
    o = look(AT(10), -5);
    obs_int(o, ATTR_DISKS, INT64_MAX);
    obs_int(o, ATTR_VM_CHECKPOINTS, -2);
    obs_int(o, ATTR_VM_PROCESSORS, INT64_MAX);
    obs_str(o, ATTR_MEMORY_DYNAMIC, "yes");
    world_apply(&w, HOST, o);
    ck_assert_int_eq(w.g.config.assigned_mib, 0);
    ck_assert_int_eq(w.g.config.disk_count, -1);
    ck_assert_int_eq(w.g.config.checkpoints, -1);
    ck_assert_int_eq(w.g.config.processors, 0);
    ck_assert_int_eq(w.g.config.memory, MEMORY_UNKNOWN);
    world_free(&w);
}
END_TEST

START_TEST(words_come_back_as_they_were)
{
    for (int c = 0; c < DISK_CONTROLLER_COUNT; c++)
        ck_assert_int_eq(disk_controller_parse(disk_controller_name((enum disk_controller)c)), c);
    for (int k = 0; k < DISK_KIND_COUNT; k++)
        ck_assert_int_eq(disk_kind_parse(disk_kind_name((enum disk_kind)k)), k);
    ck_assert_int_eq(disk_kind_parse("other"), DISK_UNKNOWN);
    ck_assert_int_eq(disk_controller_parse(""), CONTROLLER_UNKNOWN);
}
END_TEST

START_TEST(the_kept_look_comes_back_from_the_store)
{
    struct guest back;
    struct buf out, again;

    world_start(&w);
    world_apply(&w, HOST, look(AT(10), 2048));
    buf_init(&out, 1024 * 1024);
    buf_init(&again, 1024 * 1024);
    ck_assert_int_eq(guest_encode(&w.g, &out, NULL), 0);
    ck_assert_int_eq(guest_decode(&back, out.data, out.len, NULL), 0);
    ck_assert_int_eq(back.config.since, AT(10));
    ck_assert_int_eq(back.config.disks[1].kind, DISK_DYNAMIC);
    ck_assert_int_eq(back.config.available_percent, -10);
    ck_assert_int_eq(back.config.maximum_mib, 8192);
    ck_assert_int_eq(guest_encode(&back, &again, NULL), 0);
    ck_assert_uint_eq(out.len, again.len);
    ck_assert_mem_eq(out.data, again.data, out.len);
    buf_free(&out);
    buf_free(&again);
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, nothing_is_known_before_the_first_look);
    suite_test(s, a_look_is_kept_in_short);
    suite_test(s, other_memory_in_use_is_no_other_setting);
    suite_test(s, another_disk_begins_a_new_run);
    suite_test(s, what_a_newer_look_did_not_know_is_not_known);
    suite_test(s, numbers_out_of_range_are_not_known);
    suite_test(s, words_come_back_as_they_were);
    suite_test(s, the_kept_look_comes_back_from_the_store);
}

int main(void)
{
    return suite_main("model: guest configuration", add);
}
