/* A VM is its GUID, whatever way it is written. */
#include "model/identity.h"
#include "tests/support/suite.h"

#include <string.h>

static const char canonical[] = "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF";

START_TEST(case_braces_and_blanks_do_not_make_another_vm)
{
    static const char *const ways[] = { "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF", "d9e0eb0a-5b37-508e-9173-67e9ade83acf",
                                        "{d9e0eb0a-5b37-508e-9173-67e9ade83acf}",
                                        " \r\n{D9E0EB0A-5B37-508E-9173-67E9ADE83ACF}\t" };
    char out[GUID_TEXT_MAX];

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        ck_assert(guid_parse(ways[i], strlen(ways[i]), out));
        ck_assert_str_eq(out, canonical);
    }
}
END_TEST

START_TEST(what_is_no_guid_is_refused_and_leaves_nothing)
{
    static const char *const wrong[] = {
        "",
        "HV01",
        "{}",
        "{D9E0EB0A-5B37-508E-9173-67E9ADE83ACF",
        "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF}",
        "D9E0EB0A-5B37-508E-9173-67E9ADE83AC",
        "D9E0EB0A-5B37-508E-9173-67E9ADE83ACFF",
        "D9E0EB0A-5B37-508E-9173-67E9ADE83ACG",
        "D9E0EB0A55B37-508E-9173-67E9ADE83ACF",
        "{ D9E0EB0A-5B37-508E-9173-67E9ADE83ACF}",
    };
    char out[GUID_TEXT_MAX];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(out, "x", 2);
        ck_assert_msg(!guid_parse(wrong[i], strlen(wrong[i]), out), "taken as a GUID: '%s'", wrong[i]);
        ck_assert_str_eq(out, "");
    }
}
END_TEST

START_TEST(only_the_given_length_is_read)
{
    char out[GUID_TEXT_MAX];

    ck_assert(guid_parse("D9E0EB0A-5B37-508E-9173-67E9ADE83ACFxyz", 36, out));
    ck_assert(!guid_parse(canonical, 35, out));
    ck_assert(!guid_parse("D9E0EB0A-5B37-508E-9173-67E9\0DE83ACF", 36, out));
}
END_TEST

START_TEST(the_sid_of_a_real_crash_event_gives_its_vm)
{
    char out[GUID_TEXT_MAX];

    ck_assert(guid_from_vm_sid("S-1-5-83-1-3655396106-1351506743-3915871121-3476744365", out));
    ck_assert_str_eq(out, canonical);
}
END_TEST

START_TEST(other_sids_are_nobodys_vm)
{
    static const char *const wrong[] = { "",
                                         "S-1-5-18",
                                         "S-1-5-83-0",
                                         "S-1-5-83-1",
                                         "S-1-5-83-1-1-2-3",
                                         "S-1-5-83-1-1-2-3-4-5",
                                         "S-1-5-83-1-1-2-3-",
                                         "S-1-5-83-1--2-3-4",
                                         "S-1-5-83-10-1-2-3-4",
                                         "S-1-5-83-1-4294967296-2-3-4",
                                         "S-1-5-83-1-0x1-2-3-4",
                                         "S-1-5-83-1-1-2-3-4 " };
    char out[GUID_TEXT_MAX];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!guid_from_vm_sid(wrong[i], out), "taken: '%s'", wrong[i]);
        ck_assert_str_eq(out, "");
    }
}
END_TEST

START_TEST(a_random_guid_is_canonical_and_says_that_it_is_random)
{
    unsigned char random[16];
    char out[GUID_TEXT_MAX], again[GUID_TEXT_MAX];

    memset(random, 0xAB, sizeof random);
    guid_from_random(random, out);
    ck_assert_str_eq(out, "ABABABAB-ABAB-4BAB-ABAB-ABABABABABAB");
    ck_assert(guid_parse(out, strlen(out), again));
    ck_assert_str_eq(out, again);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, case_braces_and_blanks_do_not_make_another_vm);
    suite_test(s, what_is_no_guid_is_refused_and_leaves_nothing);
    suite_test(s, only_the_given_length_is_read);
    suite_test(s, the_sid_of_a_real_crash_event_gives_its_vm);
    suite_test(s, other_sids_are_nobodys_vm);
    suite_test(s, a_random_guid_is_canonical_and_says_that_it_is_random);
}

int main(void)
{
    return suite_main("model: identity", add);
}
