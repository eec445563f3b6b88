/* Polls to observations: what is told of a guest, and what hostile guests can
 * do about it. */
#include "base/times.h"
#include "collectors/kvp_poll.h"
#include "model/guest.h"
#include "tests/collectors/support_kvp_run.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM "Msvm_ComputerSystem"
#define KVP    "Msvm_KvpExchangeComponent"
#define BAD    "\xEF\xBF\xBD" /* U+FFFD */

static int kvp_count(const struct observation *o)
{
    int n = 0;

    for (int i = 0; i < o->attr_count; i++)
        n += strncmp(o->attrs[i].key, "hyperv.kvp.", 11) == 0 && strcmp(o->attrs[i].key, ATTR_KVP_PROBLEM) != 0;
    return n;
}

/* The same with the array's elements as given. */
static const struct observation *take_raw_items(struct kvp_run *r, const char *const *items)
{
    kvp_run_init(r);
    xml_system(kvp_run_text(r, SYSTEM), vm_guid(1), "VM1", 2);
    xml_kvp_begin(kvp_run_text(r, KVP), vm_guid(1));
    xml_kvp_raw_items(kvp_run_text(r, KVP), "GuestIntrinsicExchangeItems", items);
    xml_kvp_end(kvp_run_text(r, KVP));
    kvp_run_take(r);
    ck_assert_ptr_nonnull(kvp_run_guest(r, 1));
    return kvp_run_guest(r, 1);
}

/* ---- what is told ------------------------------------------------------- */

START_TEST(a_running_guest_is_told_with_its_items)
{
    struct kvp_run r;
    const struct observation *o = kvp_run_take_items(&r, windows_items);

    ck_assert_int_eq(o->time_ns, 1000);
    ck_assert_int_eq(o->observed_ns, 5000);
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_NAME), "VM1");
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_POWER), "running");
    ck_assert_int_eq(obs_get_int(o, ATTR_VM_ENABLED_STATE, -1), 2);
    ck_assert_str_eq(kvp_value(o, "FullyQualifiedDomainName"), "sql01.example.com");
    ck_assert_str_eq(kvp_value(o, "IntegrationServicesVersion"), "6.3.9600.18692");
    ck_assert_ptr_null(obs_attr(o, "hyperv.kvp.CSDVersion"));
    ck_assert_ptr_null(obs_attr(o, ATTR_KVP_PROBLEM));
    ck_assert_str_eq(o->body, "Virtual machine VM1 is running with integration services 6.3.9600.18692 on "
                              "Windows Server 2012 R2 Standard");
    ck_assert_int_eq(r.step.last_event_ns, 1000);
    kvp_run_free(&r);
}
END_TEST

START_TEST(the_host_is_told_after_every_complete_poll)
{
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_add(&r, 2, windows_items);
    for (int i = 0; i < 3; i++) {
        r.wmi.time_ns = 1000 + i;
        kvp_run_take(&r);
        o = find_obs(&r.batch, OBS_HOST_INVENTORY, NULL);
        ck_assert_ptr_nonnull(o);
        ck_assert_int_eq(o->time_ns, 1000 + i);
        ck_assert_int_eq(obs_get_int(o, ATTR_POLL_GUESTS, -1), 2);
        ck_assert_str_eq(obs_get_str(o, ATTR_HOST_NAME), "HV01");
        ck_assert_str_eq(obs_get_str(o, ATTR_HOST_ID), "bundle:HV01");
        ck_assert_str_eq(obs_get_str(o, ATTR_CLUSTER_NAME), "PROD-A");
        ck_assert_str_eq(obs_get_str(o, ATTR_HOST_IS_WIN6X), "6.3.9600.18692");
        ck_assert_str_eq(obs_get_str(o, ATTR_BOOT_TIME), "2026-01-31T08:00:00Z");
        ck_assert_str_eq(obs_get_str(o, ATTR_BOOT_ID), "first");
    }
    kvp_run_free(&r);
}
END_TEST

START_TEST(the_hosts_own_row_is_dropped)
{
    struct kvp_run r;

    kvp_run_init(&r);
    xml_system(kvp_run_text(&r, SYSTEM), "HV01", "HV01", 2);
    kvp_run_add(&r, 1, windows_items);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 1);
    ck_assert_int_eq(obs_get_int(find_obs(&r.batch, OBS_HOST_INVENTORY, NULL), ATTR_POLL_GUESTS, -1), 1);
    ck_assert_int_eq(r.step.skipped, 1);
    kvp_run_free(&r);
}
END_TEST

START_TEST(classes_are_joined_whatever_the_case_and_braces_of_the_guid)
{
    static const char *const lower = "{aabbccdd-1111-2222-3333-444455556666}";
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    xml_system(kvp_run_text(&r, SYSTEM), "AABBCCDD-1111-2222-3333-444455556666", "web", 2);
    xml_kvp(kvp_run_text(&r, KVP), lower, windows_items);
    xml_summary(kvp_run_text(&r, "Msvm_SummaryInformation"), "aabbccdd-1111-2222-3333-444455556666", 2);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 1);
    o = find_obs(&r.batch, OBS_GUEST_INVENTORY, "AABBCCDD-1111-2222-3333-444455556666");
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(kvp_value(o, "OSVersion"), "6.3.9600");
    ck_assert_int_eq(obs_get_int(o, ATTR_VM_IS_STATE, -1), 2);
    kvp_run_free(&r);
}
END_TEST

START_TEST(every_components_status_is_told_under_its_own_word)
{
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    xml_system(kvp_run_text(&r, SYSTEM), vm_guid(1), "VM1", 2);
    for (int c = 0; c < IC_COUNT; c++) {
        const char *class_name = ic_component_class((enum ic_component)c);

        xml_component(kvp_run_text(&r, class_name), class_name, vm_guid(1), 2, 3, 32775 + c);
    }
    kvp_run_take(&r);
    o = kvp_run_guest(&r, 1);
    for (int c = 0; c < IC_COUNT; c++) {
        char key[64];

        snprintf(key, sizeof key, "hyperv.ic.%s.enabled", ic_component_name((enum ic_component)c));
        ck_assert_int_eq(obs_get_int(o, key, -1), 2);
        snprintf(key, sizeof key, "hyperv.ic.%s.status0", ic_component_name((enum ic_component)c));
        ck_assert_int_eq(obs_get_int(o, key, -1), 3);
        snprintf(key, sizeof key, "hyperv.ic.%s.status1", ic_component_name((enum ic_component)c));
        ck_assert_int_eq(obs_get_int(o, key, -1), 32775 + c);
    }
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_status_that_is_missing_is_absent_and_not_zero)
{
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    xml_system(kvp_run_text(&r, SYSTEM), vm_guid(1), "VM1", 2);
    buf_printf(
        kvp_run_text(&r, "Msvm_HeartbeatComponent"),
        "<INSTANCE CLASSNAME=\"Msvm_HeartbeatComponent\"><PROPERTY NAME=\"SystemName\"><VALUE>%s</VALUE></PROPERTY>"
        "<PROPERTY.ARRAY NAME=\"OperationalStatus\"><VALUE.ARRAY><VALUE>12</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>"
        "<PROPERTY NAME=\"EnabledState\"><VALUE>9999999999</VALUE></PROPERTY></INSTANCE>",
        vm_guid(1));
    kvp_run_take(&r);
    o = kvp_run_guest(&r, 1);
    ck_assert_int_eq(obs_get_int(o, "hyperv.ic.heartbeat.status0", -1), 12);
    ck_assert_ptr_null(obs_attr(o, "hyperv.ic.heartbeat.status1"));
    ck_assert_ptr_null(obs_attr(o, "hyperv.ic.heartbeat.enabled"));
    ck_assert_ptr_null(obs_attr(o, "hyperv.ic.vss.status0"));
    ck_assert_ptr_null(obs_attr(o, ATTR_VM_IS_STATE));
    kvp_run_free(&r);
}
END_TEST

START_TEST(every_power_state_has_its_word)
{
    static const struct {
        int64_t state;
        enum guest_power power;
    } rows[] = {
        { -1, POWER_UNKNOWN },   { 0, POWER_UNKNOWN },      { 1, POWER_OTHER },        { 2, POWER_RUNNING },
        { 3, POWER_OFF },        { 4, POWER_STOPPING },     { 5, POWER_UNKNOWN },      { 6, POWER_SAVED },
        { 7, POWER_OTHER },      { 8, POWER_OTHER },        { 9, POWER_PAUSED },       { 10, POWER_STARTING },
        { 32768, POWER_PAUSED }, { 32769, POWER_SAVED },    { 32770, POWER_STARTING }, { 32771, POWER_RUNNING },
        { 32773, POWER_SAVED },  { 32774, POWER_STOPPING }, { 32776, POWER_PAUSED },   { 32777, POWER_STARTING },
        { 32779, POWER_SAVED },  { 32780, POWER_SAVED },    { 32781, POWER_RUNNING },  { 32782, POWER_OFF },
        { 32784, POWER_SAVED },  { 32785, POWER_PAUSED },   { 32792, POWER_SAVED },    { 65535, POWER_OTHER },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(kvp_power(rows[i].state) == rows[i].power, "state %d is %s", (int)rows[i].state,
                      guest_power_name(kvp_power(rows[i].state)));
}
END_TEST

START_TEST(items_of_a_guest_that_is_off_are_left_overs)
{
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    xml_system(kvp_run_text(&r, SYSTEM), vm_guid(1), "VM1", 3);
    xml_kvp(kvp_run_text(&r, KVP), vm_guid(1), windows_items);
    kvp_run_take(&r);
    o = kvp_run_guest(&r, 1);
    ck_assert_str_eq(obs_get_str(o, ATTR_VM_POWER), "off");
    ck_assert_int_eq(kvp_count(o), 0);
    kvp_run_free(&r);
}
END_TEST

START_TEST(without_the_systems_class_the_other_classes_say_who_is_there)
{
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    xml_kvp(kvp_run_text(&r, KVP), vm_guid(1), windows_items);
    kvp_run_take(&r);
    o = kvp_run_guest(&r, 1);
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(kvp_value(o, "OSVersion"), "6.3.9600");
    ck_assert_ptr_null(obs_attr(o, ATTR_VM_POWER));
    kvp_run_free(&r);
}
END_TEST

START_TEST(with_the_systems_class_left_overs_of_other_classes_are_no_guests)
{
    struct kvp_run r;

    kvp_run_init(&r);
    kvp_run_add(&r, 1, windows_items);
    xml_kvp(kvp_run_text(&r, KVP), vm_guid(2), windows_items);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 1);
    ck_assert_ptr_null(kvp_run_guest(&r, 2));
    kvp_run_free(&r);
}
END_TEST

START_TEST(the_classes_asked_for_hold_every_component)
{
    for (int c = 0; c < IC_COUNT; c++) {
        int found = 0;

        for (int i = 0; wmi_wanted_classes[i] != NULL; i++)
            found += strcmp(wmi_wanted_classes[i], ic_component_class((enum ic_component)c)) == 0;
        ck_assert_msg(found == 1, "%s is asked for %d times", ic_component_class((enum ic_component)c), found);
    }
}
END_TEST

/* ---- items -------------------------------------------------------------- */

START_TEST(items_in_another_order_are_no_change)
{
    static const char *const forward[] = { "OSName", "a", "OSVersion", "6.3", "X", "y", NULL };
    static const char *const backward[] = { "X", "y", "OSVersion", "6.3", "OSName", "a", NULL };
    struct kvp_run r;

    kvp_run_take_items(&r, forward);
    kvp_run_clear(&r);
    kvp_run_add(&r, 1, backward);
    kvp_run_take(&r);
    ck_assert_int_eq(count_obs(&r.batch, OBS_GUEST_INVENTORY), 0);
    kvp_run_free(&r);
}
END_TEST

START_TEST(unknown_names_are_kept)
{
    static const char *const items[] = { "OSKernelVersion", "5.15", "Nobody Knows", "me", NULL };
    struct kvp_run r;
    const struct observation *o = kvp_run_take_items(&r, items);

    ck_assert_str_eq(kvp_value(o, "OSKernelVersion"), "5.15");
    ck_assert_str_eq(kvp_value(o, "Nobody Knows"), "me");
    kvp_run_free(&r);
}
END_TEST

START_TEST(of_two_items_with_one_name_the_first_counts)
{
    static const char *const items[] = { "OSVersion", "6.3.9600", "OSVersion", "10.0.1", NULL };
    struct kvp_run r;
    const struct observation *o = kvp_run_take_items(&r, items);

    ck_assert_str_eq(kvp_value(o, "OSVersion"), "6.3.9600");
    ck_assert_str_eq(obs_get_str(o, ATTR_KVP_PROBLEM),
                     "GuestIntrinsicExchangeItems[1]: a second item of the same name was left out");
    kvp_run_free(&r);
}
END_TEST

START_TEST(an_item_without_data_is_as_good_as_absent)
{
    static const char *const items[] = { "OSVersion", NULL, "OSName", "", NULL };
    static const char *const none[] = { NULL };
    struct kvp_run r;
    const struct observation *o = kvp_run_take_items(&r, items);

    ck_assert_int_eq(kvp_count(o), 0);
    ck_assert_ptr_null(obs_attr(o, ATTR_KVP_PROBLEM));
    kvp_run_free(&r);
    o = kvp_run_take_items(&r, none);
    ck_assert_int_eq(kvp_count(o), 0);
    kvp_run_free(&r);
}
END_TEST

START_TEST(custom_items_never_take_the_place_of_intrinsic_ones)
{
    static const char *const custom[] = { "OSVersion", "1.1.1", "team", "dba", "shadow", "custom", NULL };
    static const char *const intrinsic[] = { "OSVersion", "6.3.9600", "custom.shadow", "intrinsic", NULL };
    struct kvp_run r;
    const struct observation *o;

    kvp_run_init(&r);
    xml_system(kvp_run_text(&r, SYSTEM), vm_guid(1), "VM1", 2);
    xml_kvp_begin(kvp_run_text(&r, KVP), vm_guid(1));
    xml_kvp_items(kvp_run_text(&r, KVP), "GuestExchangeItems", custom);
    xml_kvp_items(kvp_run_text(&r, KVP), "GuestIntrinsicExchangeItems", intrinsic);
    xml_kvp_end(kvp_run_text(&r, KVP));
    kvp_run_take(&r);
    o = kvp_run_guest(&r, 1);
    ck_assert_str_eq(kvp_value(o, "OSVersion"), "6.3.9600");
    ck_assert_str_eq(kvp_value(o, "custom.OSVersion"), "1.1.1");
    ck_assert_str_eq(kvp_value(o, "custom.team"), "dba");
    ck_assert_str_eq(kvp_value(o, "custom.shadow"), "intrinsic");
    kvp_run_free(&r);
}
END_TEST

START_TEST(values_are_unescaped_exactly_once_more)
{
    static const char *const items[] = { "A", "x < y & \"z\"", "B", "&lt;b&gt;", NULL };
    struct kvp_run r;
    const struct observation *o = kvp_run_take_items(&r, items);

    ck_assert_str_eq(kvp_value(o, "A"), "x < y & \"z\"");
    ck_assert_str_eq(kvp_value(o, "B"), "&lt;b&gt;");
    kvp_run_free(&r);
}
END_TEST

START_TEST(control_characters_and_broken_utf8_are_made_printable)
{
    static const char *const items[] = { "A",
                                         "x\x1b[2Jy",
                                         "B",
                                         "\xFF\xE2\x82",
                                         "C\x07",
                                         "v",
                                         "D",
                                         "a\xE2\x80\xAE"
                                         "b",
                                         NULL };
    struct kvp_run r;
    const struct observation *o = kvp_run_take_items(&r, items);

    ck_assert_str_eq(kvp_value(o, "A"), "x" BAD "[2Jy");
    ck_assert_str_eq(kvp_value(o, "B"), BAD BAD BAD);
    ck_assert_str_eq(kvp_value(o, "C" BAD), "v");
    ck_assert_str_eq(kvp_value(o, "D"), "a" BAD "b");
    kvp_run_free(&r);
}
END_TEST

START_TEST(names_and_values_are_bounded)
{
    enum { LONG = 5000 };
    static char value[LONG + 1], name[LONG + 1];
    const char *items[] = { "A", value, name, "v", NULL };
    struct kvp_run r;
    const struct observation *o;
    int longest = 0;

    memset(value, 'v', LONG);
    memset(name, 'n', LONG);
    o = kvp_run_take_items(&r, items);
    ck_assert_uint_eq(strlen(kvp_value(o, "A")), KVP_CHARS_MAX);
    for (int i = 0; i < o->attr_count; i++) {
        if ((int)strlen(o->attrs[i].key) > longest)
            longest = (int)strlen(o->attrs[i].key);
    }
    ck_assert_int_gt(longest, 100);
    ck_assert_int_lt(longest, OBS_KEY_MAX);
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_bound_counts_characters_and_not_bytes)
{
    enum { CHARS = 1500 };
    static char value[2 * CHARS + 1];
    const char *items[] = { "A", value, NULL };
    struct kvp_run r;
    const struct observation *o;

    for (int i = 0; i < CHARS; i++)
        memcpy(value + 2 * i, "\xC3\xBC", 2);
    o = kvp_run_take_items(&r, items);
    ck_assert_uint_eq(strlen(kvp_value(o, "A")), 2 * KVP_CHARS_MAX);
    kvp_run_free(&r);
}
END_TEST

#define ITEM(n, v)                                                                       \
    "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\"><PROPERTY NAME=\"Data\"><VALUE>" v \
    "</VALUE></PROPERTY><PROPERTY NAME=\"Name\"><VALUE>" n "</VALUE></PROPERTY></INSTANCE>"

START_TEST(an_item_that_is_cut_costs_itself_alone)
{
    static const char *const items[] = {
        ITEM("A", "1"),
        "<INSTANCE CLASSNAME=\"X\"><PROPERTY NAME=\"Name\"><VALUE>B</VAL",
        ITEM("C", "3"),
        NULL,
    };
    struct kvp_run r;
    const struct observation *o = take_raw_items(&r, items);

    ck_assert_str_eq(kvp_value(o, "A"), "1");
    ck_assert_str_eq(kvp_value(o, "C"), "3");
    ck_assert_int_eq(kvp_count(o), 2);
    ck_assert_str_eq(obs_get_str(o, ATTR_KVP_PROBLEM), "GuestIntrinsicExchangeItems[1]: byte 0: the instance is cut");
    ck_assert_int_eq(o->severity, SEVERITY_WARN);
    kvp_run_free(&r);
}
END_TEST

START_TEST(an_item_without_a_name_is_a_problem_and_the_others_are_kept)
{
    static const char *const items[] = {
        "<INSTANCE CLASSNAME=\"X\"><PROPERTY NAME=\"Data\"><VALUE>1</VALUE></PROPERTY></INSTANCE>",
        ITEM(" ", "2"),
        ITEM("C", "3"),
        NULL,
    };
    struct kvp_run r;
    const struct observation *o = take_raw_items(&r, items);

    ck_assert_int_eq(kvp_count(o), 1);
    ck_assert_str_eq(kvp_value(o, "C"), "3");
    ck_assert_str_eq(obs_get_str(o, ATTR_KVP_PROBLEM),
                     "GuestIntrinsicExchangeItems[0]: an item without a name (and 1 more)");
    kvp_run_free(&r);
}
END_TEST

START_TEST(an_entity_bomb_in_an_item_is_refused)
{
    static const char *const items[] = {
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>" ITEM("A", "&b;"),
        ITEM("B", "2"),
        NULL,
    };
    struct kvp_run r;
    const struct observation *o = take_raw_items(&r, items);

    ck_assert_int_eq(kvp_count(o), 1);
    ck_assert_str_eq(kvp_value(o, "B"), "2");
    ck_assert_ptr_nonnull(strstr(obs_get_str(o, ATTR_KVP_PROBLEM), "refused"));
    kvp_run_free(&r);
}
END_TEST

START_TEST(an_item_of_ten_megabytes_costs_itself_alone)
{
    enum { LONG = 10 << 20 };
    char *value = malloc(LONG + 1);
    const char *items[] = { "A", value, "OSVersion", "6.3.9600", NULL };
    struct kvp_run r;
    const struct observation *o;

    memset(value, '<', LONG / 8);
    memset(value + LONG / 8, 'v', LONG - LONG / 8);
    value[LONG] = '\0';
    o = kvp_run_take_items(&r, items);
    ck_assert_int_eq(kvp_count(o), 1);
    ck_assert_str_eq(kvp_value(o, "OSVersion"), "6.3.9600");
    ck_assert_ptr_nonnull(strstr(obs_get_str(o, ATTR_KVP_PROBLEM), "larger than"));
    kvp_run_free(&r);
    free(value);
}
END_TEST

START_TEST(a_flood_of_items_can_not_push_out_the_ones_that_decide)
{
    enum { FLOOD = 1000 };
    static char names[FLOOD][16];
    static const char *items[2 * FLOOD + 3];
    struct kvp_run r;
    const struct observation *o;

    for (int i = 0; i < FLOOD; i++) {
        snprintf(names[i], sizeof names[i], "AAA%d", i);
        items[2 * i] = names[i];
        items[2 * i + 1] = "x";
    }
    items[2 * FLOOD] = "IntegrationServicesVersion";
    items[2 * FLOOD + 1] = "6.3.9600.16384";
    o = kvp_run_take_items(&r, items);
    ck_assert_str_eq(kvp_value(o, "IntegrationServicesVersion"), "6.3.9600.16384");
    ck_assert_int_eq(kvp_count(o), KVP_INTRINSIC_MAX + 1);
    ck_assert(!o->cut);
    ck_assert_ptr_nonnull(strstr(obs_get_str(o, ATTR_KVP_PROBLEM), "too many items"));
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_hundred_thousand_items_leave_the_guest_and_its_neighbour_readable)
{
    enum { FLOOD = 100000 };
    const char **items = calloc(2 * FLOOD + 1, sizeof *items);
    struct kvp_run r;

    for (int i = 0; i < 2 * FLOOD; i++)
        items[i] = "x";
    kvp_run_init(&r);
    xml_system(kvp_run_text(&r, SYSTEM), vm_guid(1), "VM1", 2);
    xml_kvp_begin(kvp_run_text(&r, KVP), vm_guid(1));
    xml_kvp_items(kvp_run_text(&r, KVP), "GuestExchangeItems", items);
    xml_kvp_items(kvp_run_text(&r, KVP), "GuestIntrinsicExchangeItems", windows_items);
    xml_kvp_end(kvp_run_text(&r, KVP));
    kvp_run_add(&r, 2, windows_items);
    kvp_run_take(&r);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 1));
    ck_assert_str_eq(kvp_value(kvp_run_guest(&r, 2), "OSVersion"), "6.3.9600");
    kvp_run_free(&r);
    free(items);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_running_guest_is_told_with_its_items);
    suite_test(s, the_host_is_told_after_every_complete_poll);
    suite_test(s, the_hosts_own_row_is_dropped);
    suite_test(s, classes_are_joined_whatever_the_case_and_braces_of_the_guid);
    suite_test(s, every_components_status_is_told_under_its_own_word);
    suite_test(s, a_status_that_is_missing_is_absent_and_not_zero);
    suite_test(s, every_power_state_has_its_word);
    suite_test(s, items_of_a_guest_that_is_off_are_left_overs);
    suite_test(s, without_the_systems_class_the_other_classes_say_who_is_there);
    suite_test(s, with_the_systems_class_left_overs_of_other_classes_are_no_guests);
    suite_test(s, the_classes_asked_for_hold_every_component);
    suite_test(s, items_in_another_order_are_no_change);
    suite_test(s, unknown_names_are_kept);
    suite_test(s, of_two_items_with_one_name_the_first_counts);
    suite_test(s, an_item_without_data_is_as_good_as_absent);
    suite_test(s, custom_items_never_take_the_place_of_intrinsic_ones);
    suite_test(s, values_are_unescaped_exactly_once_more);
    suite_test(s, control_characters_and_broken_utf8_are_made_printable);
    suite_test(s, names_and_values_are_bounded);
    suite_test(s, a_bound_counts_characters_and_not_bytes);
    suite_test(s, an_item_that_is_cut_costs_itself_alone);
    suite_test(s, an_item_without_a_name_is_a_problem_and_the_others_are_kept);
    suite_test(s, an_entity_bomb_in_an_item_is_refused);
    suite_test(s, an_item_of_ten_megabytes_costs_itself_alone);
    suite_test(s, a_flood_of_items_can_not_push_out_the_ones_that_decide);
    suite_test(s, a_hundred_thousand_items_leave_the_guest_and_its_neighbour_readable);
}

int main(void)
{
    return suite_main("collectors: KVP", add);
}
