/* The key that joins a crash event with its dump. */
#include "model/crash_key.h"
#include "tests/model/support_world.h"

static struct world w;

static struct crash_key key_of(const char *code, const char *arch, uint64_t p1)
{
    struct observation *o = world_observe(&w, OBS_GUEST_DUMP, AT(0));
    struct crash_key key;

    obs_str(o, ATTR_CRASH_CODE, code);
    obs_str(o, ATTR_DUMP_ARCH, arch);
    world_parameters(o, p1, 2, 3, 4);
    ck_assert(crash_key_of(o, &key));
    return key;
}

START_TEST(code_and_four_parameters_make_the_key)
{
    struct crash_key a, same, other_code, other_parameter;

    world_start(&w);
    a = key_of("0x0000007e", "x64", 1);
    same = key_of("0x7e", "x64", 1);
    other_code = key_of("0x0000007f", "x64", 1);
    other_parameter = key_of("0x0000007e", "x64", 0x100000001);
    ck_assert(crash_key_same(&a, &same));
    ck_assert(!crash_key_same(&a, &other_code));
    ck_assert(!crash_key_same(&a, &other_parameter));
    world_free(&w);
}
END_TEST

START_TEST(how_the_dump_was_written_is_not_in_the_key)
{
    struct crash_key event, dump, far;

    world_start(&w);
    event = key_of("0x0000007e", "", 1);
    dump = key_of("0x1000007e", "x64", 1);
    far = key_of("0x2000007e", "x64", 1);
    ck_assert(crash_key_same(&event, &dump));
    ck_assert(!crash_key_same(&event, &far));
    world_free(&w);
}
END_TEST

START_TEST(parameters_of_a_32_bit_guest_are_compared_as_such)
{
    struct crash_key event, dump, dump64;

    world_start(&w);
    event = key_of("0x0000007e", "", UINT64_C(0xffffffff80000003));
    dump = key_of("0x0000007e", "x86", UINT64_C(0x80000003));
    dump64 = key_of("0x0000007e", "x64", UINT64_C(0x80000003));
    ck_assert(crash_key_same(&event, &dump));
    ck_assert(!crash_key_same(&event, &dump64));
    world_free(&w);
}
END_TEST

START_TEST(a_crash_without_a_number_has_no_key)
{
    static const char *const codes[] = { "", "triple-fault", "zz", "-1", "0x1ffffffffffffffff" };
    struct crash_key key;

    world_start(&w);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct observation *o = world_observe(&w, OBS_GUEST_CRASH, AT(0));

        obs_str(o, ATTR_CRASH_CODE, codes[i]);
        ck_assert_msg(!crash_key_of(o, &key), "without parameters: %s", codes[i]);
        world_parameters(o, 1, 2, 3, 4);
        ck_assert_msg(!crash_key_of(o, &key), "%s", codes[i]);
    }
    world_free(&w);
}
END_TEST

START_TEST(the_last_crash_is_kept_with_its_parameters)
{
    struct observation *o;
    struct crash_key key;

    world_start(&w);
    ck_assert(!guest_crash_key(&w.g, &key));
    o = world_observe(&w, OBS_GUEST_CRASH, AT(10));
    obs_str(o, ATTR_CRASH_CODE, "0x1000007e");
    world_parameters(o, 0xffffffffc0000005, 2, 3, 4);
    world_apply(&w, HOST, o);
    ck_assert(guest_crash_key(&w.g, &key));
    ck_assert_uint_eq(key.code, 0x1000007e);
    ck_assert_uint_eq(key.parameters[0], 0xffffffffc0000005);
    ck_assert_uint_eq(key.parameters[3], 4);
    o = world_observe(&w, OBS_GUEST_CRASH, AT(20));
    obs_str(o, ATTR_CRASH_KIND, "triple-fault");
    world_apply(&w, HOST, o);
    ck_assert(!guest_crash_key(&w.g, &key));
    ck_assert_uint_eq(w.g.last_crash_parameters[0], 0);
    world_free(&w);
}
END_TEST

START_TEST(parameters_that_are_no_numbers_are_none)
{
    struct observation *o;
    struct crash_key key;

    world_start(&w);
    o = world_observe(&w, OBS_GUEST_CRASH, AT(10));
    obs_str(o, ATTR_CRASH_CODE, "0x0000007a");
    world_parameters(o, 1, 2, 3, 4);
    obs_str(o, ATTR_CRASH_PARAM4, "many");
    world_apply(&w, HOST, o);
    ck_assert_str_eq(w.g.last_crash_code, "0x0000007a");
    ck_assert(!guest_crash_key(&w.g, &key));
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_last_crash_is_kept_with_its_parameters);
    suite_test(s, parameters_that_are_no_numbers_are_none);
    suite_test(s, code_and_four_parameters_make_the_key);
    suite_test(s, how_the_dump_was_written_is_not_in_the_key);
    suite_test(s, parameters_of_a_32_bit_guest_are_compared_as_such);
    suite_test(s, a_crash_without_a_number_has_no_key);
}

int main(void)
{
    return suite_main("model: crash key", add);
}
