/* What guests and hosts are reduced to at the edges: events of which little is told, words of another type, more
 * hosts than there are places, and news from nobody. */
#include "base/text.h"
#include "model/crash_key.h"
#include "tests/model/support_world.h"

#include <stdio.h>
#include <string.h>

static struct world w;

/* ---- version events ------------------------------------------------------- */

START_TEST(what_an_event_says_of_versions_is_told_as_far_as_it_goes)
{
    static const struct {
        const char *key, *value, *key2, *value2, *detail;
    } cases[] = {
        { ATTR_FRAMEWORK_NEGOTIATED, "3.0", ATTR_FRAMEWORK_EXPECTED, "3.1", "framework negotiated 3.0 expected 3.1" },
        { ATTR_FRAMEWORK_NEGOTIATED, "3.0", NULL, NULL, "framework negotiated 3.0 expected ?" },
        { ATTR_MESSAGE_EXPECTED, "5.0", NULL, NULL, "message negotiated ? expected 5.0" },
        { ATTR_FRAMEWORK_NEGOTIATED, "3.0", ATTR_MESSAGE_EXPECTED, "5.0",
          "framework negotiated 3.0 expected ?, message negotiated ? expected 5.0" },
        { ATTR_SERVER_VERSION, "4.0", ATTR_CLIENT_VERSION, "3.2", "server 4.0 client 3.2" },
        { ATTR_CLIENT_VERSION, "3.2", NULL, NULL, "server ? client 3.2" },
        { ATTR_INSTALLED_VERSION, "6.1", ATTR_UPGRADE_VERSION, "6.3", "installed 6.1 upgrade to 6.3" },
        { ATTR_EVENT_ID, "7", NULL, NULL, "" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct observation *o;

        world_start(&w);
        o = world_observe(&w, OBS_GUEST_VERSION_MISMATCH, AT(10));
        obs_str(o, ATTR_MISMATCH_SIGNAL, "device-compatible");
        obs_str(o, cases[i].key, cases[i].value);
        if (cases[i].key2 != NULL)
            obs_str(o, cases[i].key2, cases[i].value2);
        world_apply(&w, HOST, o);
        ck_assert_str_eq(w.g.mismatch[MISMATCH_DEVICE_COMPATIBLE][0].detail, cases[i].detail);
        world_free(&w);
    }
}
END_TEST

START_TEST(an_event_of_a_signal_that_nobody_knows_changes_nothing)
{
    struct guest before;
    struct observation *o;

    world_start(&w);
    world_windows(&w, AT(5), "6.3.9600", "6.3.9600.18692");
    before = w.g;
    o = world_observe(&w, OBS_GUEST_VERSION_MISMATCH, AT(10));
    obs_str(o, ATTR_MISMATCH_SIGNAL, "newest-of-all");
    ck_assert(!guest_apply(&w.g, HOST, o));
    before.name_time = w.g.name_time; /* the name is told all the same */
    ck_assert_mem_eq(&w.g, &before, sizeof before);
    world_free(&w);
}
END_TEST

START_TEST(the_oldest_of_the_services_gives_way_and_they_stay_in_order)
{
    char service[16], before[SIGNAL_SERVICE_MAX] = "";

    world_start(&w);
    for (int i = 0; i < MISMATCH_PLACES + 2; i++) {
        snprintf(service, sizeof service, "service %d", (i * 7) % 10);
        world_mismatch(&w, AT(10 + i), MISMATCH_IC_COMPATIBLE, 4010, service);
    }
    for (int i = 0; i < MISMATCH_PLACES; i++) {
        const struct mismatch *m = &w.g.mismatch[MISMATCH_IC_COMPATIBLE][i];

        ck_assert_int_ge(m->time, AT(12));
        ck_assert_int_lt(strcmp(before, m->service), 0);
        text_copy(before, sizeof before, m->service);
    }
    world_free(&w);
}
END_TEST

/* ---- inventory ------------------------------------------------------------ */

START_TEST(numbers_of_components_that_are_none_are_not_known)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), NULL, NULL);
    obs_str(o, ATTR_IC_PREFIX "kvp.enabled", "2");
    obs_int(o, ATTR_IC_PREFIX "kvp.status0", -1);
    obs_int(o, ATTR_IC_PREFIX "kvp.status1", INT64_C(1) << 31);
    obs_int(o, ATTR_IC_PREFIX "vss.status0", INT32_MAX);
    world_apply(&w, HOST, o);
    ck_assert_int_eq(w.g.ic[IC_KVP].time, 0);
    ck_assert_int_eq(w.g.ic[IC_VSS].status0, INT32_MAX);
    ck_assert_int_eq(w.g.ic[IC_VSS].enabled, 0);
    world_free(&w);
}
END_TEST

START_TEST(available_memory_counts_as_a_number_alone)
{
    struct observation *o;

    world_start(&w);
    o = world_observe(&w, OBS_GUEST_CONFIGURATION, AT(10));
    obs_str(o, ATTR_MEMORY_AVAILABLE, "20");
    world_apply(&w, HOST, o);
    ck_assert(!w.g.config.has_available);
    o = world_observe(&w, OBS_GUEST_CONFIGURATION, AT(11));
    obs_int(o, ATTR_MEMORY_AVAILABLE, -20);
    world_apply(&w, HOST, o);
    ck_assert(w.g.config.has_available);
    ck_assert_int_eq(w.g.config.available_percent, -20);
    world_free(&w);
}
END_TEST

START_TEST(of_two_polls_of_one_moment_the_one_with_more_guests_counts)
{
    struct resource r = { .host_id = HOST };

    for (int turn = 0; turn < 2; turn++) {
        struct host h;

        world_start(&w);
        host_init(&h, &r);
        for (int i = 0; i < 2; i++) {
            struct observation *o = obs_new(&w.batch, OBS_HOST_INVENTORY, AT(10), AT(10));

            obs_int(o, ATTR_POLL_GUESTS, i == turn ? 7 : 3);
            host_apply(&h, &r, o);
        }
        ck_assert_int_eq(h.last_poll, AT(10));
        ck_assert_int_eq(h.poll_guests, 7);
        world_free(&w);
    }
}
END_TEST

/* ---- crashes -------------------------------------------------------------- */

static void crash(int64_t t, const char *kind, const char *code)
{
    struct observation *o = world_observe(&w, OBS_GUEST_CRASH, t);

    obs_str(o, ATTR_CRASH_KIND, kind);
    obs_str(o, ATTR_CRASH_CODE, code);
    world_parameters(o, 1, 2, 3, 4);
    world_apply(&w, HOST, o);
}

START_TEST(a_word_about_a_dump_is_no_crash_of_its_own)
{
    world_start(&w);
    crash(AT(10), "bugcheck", "0x0000007a");
    crash(AT(20), "dump-written", "0x000000d1");
    crash(AT(30), "dump-failed", "0x000000d1");
    ck_assert_int_eq(w.g.last_crash, AT(10));
    ck_assert_str_eq(w.g.last_crash_code, "0x0000007a");
    ck_assert_int_eq(w.g.last_seen, AT(30));
    world_free(&w);
}
END_TEST

START_TEST(a_crash_has_a_key_only_with_a_code_and_its_parameters)
{
    struct crash_key key;

    world_start(&w);
    ck_assert(!guest_crash_key(&w.g, &key));
    crash(AT(10), "bugcheck", "0x0000007a");
    ck_assert(guest_crash_key(&w.g, &key));
    ck_assert_uint_eq(key.code, 0x7a);
    ck_assert_uint_eq(key.parameters[3], 4);
    text_copy(w.g.last_crash_code, sizeof w.g.last_crash_code, "triple-fault");
    ck_assert(!guest_crash_key(&w.g, &key));
    world_free(&w);
}
END_TEST

START_TEST(parameters_of_a_32_bit_dump_are_compared_in_32_bits_whichever_side_it_is_on)
{
    struct crash_key wide = { .code = 0x7a, .parameters = { UINT64_C(0xFFFFFFFF80000001), 2, 3, 4 } };
    struct crash_key narrow = { .code = 0x1000007a, .parameters = { 0x80000001, 2, 3, 4 }, .is_32bit = true };

    ck_assert(crash_key_same(&wide, &narrow));
    ck_assert(crash_key_same(&narrow, &wide));
    narrow.is_32bit = false;
    ck_assert(!crash_key_same(&wide, &narrow));
}
END_TEST

/* ---- places --------------------------------------------------------------- */

START_TEST(news_older_than_all_that_is_known_finds_no_place)
{
    char host[16];

    world_start(&w);
    for (int i = 0; i < GUEST_PLACES; i++) {
        snprintf(host, sizeof host, "host-%d", i);
        world_received(&w, host, AT(100 + i));
    }
    world_received(&w, "host-old", AT(99));
    for (int i = 0; i < GUEST_PLACES; i++)
        ck_assert_str_ne(w.g.places[i].host_id, "host-old");
    world_received(&w, "host-new", AT(200));
    ck_assert_str_eq(w.g.host_id, "host-new");
    for (int i = 0; i < GUEST_PLACES; i++)
        ck_assert_str_ne(w.g.places[i].host_id, "host-0"); /* the oldest gave way */
    world_free(&w);
}
END_TEST

START_TEST(what_no_host_says_tells_nothing_of_where_a_guest_is)
{
    struct observation *o;

    world_start(&w);
    world_windows(&w, AT(5), "6.3.9600", "6.3.9600.18692");
    world_received(&w, "", AT(10));
    o = world_observe(&w, OBS_GUEST_LIFECYCLE, AT(20));
    obs_str(o, ATTR_VM_CHANGE, "removed");
    world_apply(&w, "", o);
    world_apply(&w, "", world_poll(&w, AT(30), "6.3.9600", "6.3.9600.18693"));
    ck_assert_str_eq(w.g.host_id, HOST);
    ck_assert(!w.g.removed);
    ck_assert_str_eq(w.g.places[1].host_id, "");
    ck_assert_str_eq(w.g.kvp[KVP_IS_VERSION].text, "6.3.9600.18693"); /* of the guest itself it tells all the same */
    world_free(&w);
}
END_TEST

/* ---- identity ------------------------------------------------------------- */

START_TEST(braces_of_a_guid_come_in_pairs)
{
    char out[GUID_TEXT_MAX];

    ck_assert(guid_parse("{" VM "}", strlen(VM) + 2, out));
    ck_assert(!guid_parse("{" VM "{", strlen(VM) + 2, out));
    ck_assert(!guid_parse("}" VM "}", strlen(VM) + 2, out));
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(parts_of_a_sid_have_ten_digits_at_most)
{
    char out[GUID_TEXT_MAX];

    ck_assert(guid_from_vm_sid("S-1-5-83-1-4294967295-0-0-0000000001", out));
    ck_assert(!guid_from_vm_sid("S-1-5-83-1-4294967296-0-0-1", out));
    ck_assert(!guid_from_vm_sid("S-1-5-83-1-04294967295-0-0-1", out));
    ck_assert(!guid_from_vm_sid("S-1-5-83-1-0x1-0-0-1", out));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_an_event_says_of_versions_is_told_as_far_as_it_goes);
    suite_test(s, an_event_of_a_signal_that_nobody_knows_changes_nothing);
    suite_test(s, the_oldest_of_the_services_gives_way_and_they_stay_in_order);
    suite_test(s, numbers_of_components_that_are_none_are_not_known);
    suite_test(s, available_memory_counts_as_a_number_alone);
    suite_test(s, of_two_polls_of_one_moment_the_one_with_more_guests_counts);
    suite_test(s, a_word_about_a_dump_is_no_crash_of_its_own);
    suite_test(s, a_crash_has_a_key_only_with_a_code_and_its_parameters);
    suite_test(s, parameters_of_a_32_bit_dump_are_compared_in_32_bits_whichever_side_it_is_on);
    suite_test(s, news_older_than_all_that_is_known_finds_no_place);
    suite_test(s, what_no_host_says_tells_nothing_of_where_a_guest_is);
    suite_test(s, braces_of_a_guid_come_in_pairs);
    suite_test(s, parts_of_a_sid_have_ten_digits_at_most);
}

int main(void)
{
    return suite_main("model: guests at the edges", add);
}
