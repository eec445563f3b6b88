/* Building observations: bounded, cleaned, and without checks at every step. */
#include "model/observation.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOMY = 4 * 1024 * 1024 };

static struct obs_batch batch;

static struct observation *fresh(size_t max)
{
    obs_batch_init(&batch, max);
    return obs_new(&batch, OBS_GUEST_CRASH, 11, 22);
}

START_TEST(every_kind_has_a_name_that_leads_back_to_it)
{
    for (int k = OBS_OTHER + 1; k < OBS_KIND_COUNT; k++) {
        const char *name = obs_kind_name((enum obs_kind)k);

        ck_assert_str_ne(name, "");
        ck_assert_int_eq(obs_kind_parse(name, strlen(name)), k);
    }
    ck_assert_str_eq(obs_kind_name(OBS_OTHER), "");
    ck_assert_int_eq(obs_kind_parse("hyperv.guest.crash2", 19), OBS_OTHER);
    ck_assert_int_eq(obs_kind_parse("hyperv.guest.cras", 17), OBS_OTHER);
    ck_assert_int_eq(obs_kind_parse("", 0), OBS_OTHER);
}
END_TEST

START_TEST(gaps_outlive_crashes_and_crashes_outlive_raw_events)
{
    ck_assert_int_gt(obs_importance(OBS_GAP), obs_importance(OBS_GUEST_CRASH));
    ck_assert_int_gt(obs_importance(OBS_GUEST_CRASH), obs_importance(OBS_GUEST_INVENTORY));
    ck_assert_int_gt(obs_importance(OBS_GUEST_INVENTORY), obs_importance(OBS_HOST_STORAGE));
    ck_assert_int_gt(obs_importance(OBS_HOST_STORAGE), obs_importance(OBS_GUEST_LIFECYCLE));
    ck_assert_int_gt(obs_importance(OBS_GUEST_LIFECYCLE), obs_importance(OBS_EVENT_RAW));
}
END_TEST

START_TEST(a_new_observation_is_complete_and_last_in_its_batch)
{
    struct observation *o = fresh(ROOMY), *next = obs_new(&batch, OBS_GAP, 1, 2);

    ck_assert_int_eq(o->time_ns, 11);
    ck_assert_int_eq(o->observed_ns, 22);
    ck_assert_int_eq(o->severity, SEVERITY_INFO);
    ck_assert_str_eq(o->kind_name, "hyperv.guest.crash");
    ck_assert_str_eq(o->body, "");
    ck_assert_ptr_eq(batch.first, o);
    ck_assert_ptr_eq(o->next, next);
    ck_assert_ptr_eq(batch.last, next);
    ck_assert_int_eq(batch.count, 2);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(attributes_are_copied_found_and_replaced)
{
    char key[] = "k", value[] = "first";
    struct observation *o = fresh(ROOMY);

    obs_str(o, key, value);
    memset(value, 'x', 5);
    ck_assert_str_eq(obs_get_str(o, "k"), "first");
    obs_int(o, "k", -5);
    ck_assert_int_eq(o->attr_count, 1);
    ck_assert_int_eq(obs_get_int(o, "k", 0), -5);
    ck_assert_str_eq(obs_get_str(o, "k"), "");
    obs_double(o, "d", 0.5);
    obs_bool(o, "b", true);
    ck_assert_double_eq(obs_attr(o, "d")->real, 0.5);
    ck_assert_int_eq(obs_attr(o, "b")->type, ATTR_BOOL);
    ck_assert_int_eq(obs_attr(o, "b")->num, 1);
    ck_assert_int_eq(obs_get_int(o, "b", 9), 9);
    ck_assert_ptr_null(obs_attr(o, "absent"));
    obs_batch_free(&batch);
}
END_TEST

START_TEST(empty_and_missing_strings_add_nothing)
{
    struct observation *o = fresh(ROOMY);

    obs_str(o, "a", NULL);
    obs_str(o, "a", "");
    obs_strn(o, "a", "x", 0);
    obs_strn(o, "a", NULL, 3);
    ck_assert_int_eq(o->attr_count, 0);
    ck_assert(!o->cut);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(what_a_guest_writes_is_made_printable)
{
    struct observation *o = fresh(ROOMY);

    obs_str(o, "name",
            "a\x1b[31m\xE2\x80\xAE"
            "b\xff");
    ck_assert_str_eq(obs_get_str(o, "name"), "a\xEF\xBF\xBD[31m\xEF\xBF\xBD"
                                             "b\xEF\xBF\xBD");
    obs_body(o, "line\none %s", "\x07");
    ck_assert_str_eq(o->body, "line one \xEF\xBF\xBD");
    ck_assert(!o->cut);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(a_long_value_is_cut_and_the_observation_says_so)
{
    char *big = malloc(OBS_STRING_MAX + 2);
    struct observation *o = fresh(ROOMY);

    memset(big, 'v', OBS_STRING_MAX + 1);
    obs_strn(o, "fits", big, OBS_STRING_MAX);
    ck_assert_uint_eq(obs_attr(o, "fits")->len, OBS_STRING_MAX);
    ck_assert(!o->cut);
    obs_strn(o, "long", big, OBS_STRING_MAX + 1);
    ck_assert(o->cut);
    ck_assert_uint_le(obs_attr(o, "long")->len, OBS_STRING_MAX);
    o->cut = false;
    memset(big, '\x01', OBS_STRING_MAX); /* three bytes each when cleaned */
    obs_strn(o, "grown", big, OBS_STRING_MAX);
    ck_assert(o->cut);
    o->cut = false;
    big[OBS_STRING_MAX + 1] = '\0';
    memset(big, 'b', OBS_STRING_MAX + 1);
    obs_body(o, "%s%s", big, big);
    ck_assert(o->cut);
    ck_assert_uint_le(strlen(o->body), OBS_STRING_MAX);
    free(big);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(the_attribute_after_the_last_place_is_refused)
{
    struct observation *o = fresh(ROOMY);
    char key[16];

    for (int i = 0; i < OBS_ATTRS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        obs_int(o, key, i);
    }
    ck_assert(!o->cut);
    obs_int(o, "one more", 1);
    ck_assert(o->cut);
    ck_assert_int_eq(o->attr_count, OBS_ATTRS_MAX);
    ck_assert_int_eq(obs_get_int(o, "k191", 0), 191);
    obs_int(o, "k0", 77);
    ck_assert_int_eq(obs_get_int(o, "k0", 0), 77);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(a_long_key_is_cut_once_and_stays_one_attribute)
{
    struct observation *o = fresh(ROOMY);
    char key[OBS_KEY_MAX + 50];

    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    obs_int(o, key, 1);
    obs_int(o, key, 2);
    ck_assert(o->cut);
    ck_assert_int_eq(o->attr_count, 1);
    ck_assert_int_eq(o->attrs[0].num, 2);
    ck_assert_uint_le(strlen(o->attrs[0].key), OBS_KEY_MAX);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(over_the_ceiling_the_batch_fails_and_building_goes_on_harmlessly)
{
    struct observation *o;

    obs_batch_init(&batch, 64);
    o = obs_new(&batch, OBS_GAP, 1, 2);
    ck_assert_ptr_nonnull(o);
    ck_assert(batch.failed);
    obs_str(o, ATTR_GAP_REASON, "log-cleared");
    obs_int(o, ATTR_GAP_COUNT, 3);
    obs_body(o, "%s", "nothing");
    ck_assert_int_eq(o->attr_count, 0);
    ck_assert_int_eq(batch.count, 0);
    obs_batch_reset(&batch);
    ck_assert(!batch.failed);
    obs_batch_free(&batch);
}
END_TEST

START_TEST(a_string_over_the_ceiling_fails_the_batch)
{
    char big[4096];
    struct observation *o = fresh(2048);

    memset(big, 'v', sizeof big);
    obs_strn(o, "v", big, sizeof big);
    ck_assert(batch.failed);
    ck_assert_int_eq(o->attr_count, 0);
    obs_batch_free(&batch);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, every_kind_has_a_name_that_leads_back_to_it);
    suite_test(s, gaps_outlive_crashes_and_crashes_outlive_raw_events);
    suite_test(s, a_new_observation_is_complete_and_last_in_its_batch);
    suite_test(s, attributes_are_copied_found_and_replaced);
    suite_test(s, empty_and_missing_strings_add_nothing);
    suite_test(s, what_a_guest_writes_is_made_printable);
    suite_test(s, a_long_value_is_cut_and_the_observation_says_so);
    suite_test(s, the_attribute_after_the_last_place_is_refused);
    suite_test(s, a_long_key_is_cut_once_and_stays_one_attribute);
    suite_test(s, over_the_ceiling_the_batch_fails_and_building_goes_on_harmlessly);
    suite_test(s, a_string_over_the_ceiling_fails_the_batch);
}

int main(void)
{
    return suite_main("model: observation", add);
}
