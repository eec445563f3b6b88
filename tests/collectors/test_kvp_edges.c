/* What guests tell of themselves, where it is at a limit, doubled, missing, or written so that it has to be read by the
 * second reader.
 */
#include "base/times.h"
#include "collectors/kvp_poll.h"
#include "collectors/kvp_privacy.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/collectors/support_kvp_run.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM  "Msvm_ComputerSystem"
#define SUMMARY "Msvm_SummaryInformation"
#define KVP     "Msvm_KvpExchangeComponent"
#define GUID    "00000001-1111-2222-3333-444455556666"

/* The second reader reads what has a comment in it. */
#define ITEM(name, data)                                                     \
    "<INSTANCE CLASSNAME=\"I\"><!-- --><PROPERTY NAME=\"Name\"><VALUE>" name \
    "</VALUE></PROPERTY><PROPERTY NAME=\"Data\"><VALUE>" data "</VALUE></PROPERTY></INSTANCE>"

static struct kvp_poll poll;

static void begin(void)
{
    ck_assert_int_eq(kvp_poll_init(&poll, NULL, NULL), 0);
    kvp_poll_reset(&poll);
}

static void take(const char *class_name, const char *xml)
{
    kvp_poll_take(&poll, class_name, xml, strlen(xml), "here");
}

static const struct kvp_vm *the_vm(void)
{
    kvp_poll_finish(&poll);
    ck_assert_uint_eq(poll.count, 1);
    return &poll.vms[0];
}

/* ---- classes and numbers -------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t state;
} numbers[] = {
    { "2", 2 },
    { " \r\n2\t", 2 },
    { "65535", 65535 },
    { "65536", -1 },
    { "00000000000000000000002", 2 }, /* 23 digits */
    { "000000000000000000000002", -1 },
    { "-2", -1 },
    { "two", -1 },
    { " ", -1 },
};

START_TEST(a_state_is_a_number_of_sixteen_bits)
{
    char xml[512];

    begin();
    snprintf(xml, sizeof xml,
             "<INSTANCE CLASSNAME=\"" SYSTEM "\"><PROPERTY NAME=\"Name\"><VALUE>" GUID "</VALUE></PROPERTY>"
             "<PROPERTY NAME=\"EnabledState\"><VALUE>%s</VALUE></PROPERTY></INSTANCE>",
             numbers[_i].text);
    take(SYSTEM, xml);
    ck_assert_int_eq(the_vm()->enabled_state, numbers[_i].state);
    ck_assert_str_eq(the_vm()->name, "");
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(an_instance_is_of_the_class_it_names_or_that_was_asked_for)
{
    static const char of_mine[] = "<INSTANCE CLASSNAME=\"My_System\"><PROPERTY NAME=\"Name\"><VALUE>" GUID
                                  "</VALUE></PROPERTY><PROPERTY NAME=\"ElementName\"/></INSTANCE>";

    begin();
    take(SYSTEM, of_mine);
    ck_assert(the_vm()->listed);
    ck_assert_str_eq(the_vm()->name, "");
    kvp_poll_reset(&poll);
    take("Msvm_Nothing", of_mine);
    ck_assert_uint_eq(poll.count, 0);
    ck_assert_int_eq(poll.alien, 1);
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(of_two_instances_of_one_class_the_first_counts)
{
    static const char *const first[] = { "OSName", "first", NULL }, *const second[] = { "OSName", "second", NULL };
    struct buf xml;

    begin();
    buf_init(&xml, 1 << 20);
    xml_system(&xml, GUID, "first", 2);
    xml_system(&xml, GUID, "second", 3);
    take(SYSTEM, buf_text(&xml));
    buf_clear(&xml);
    xml_summary(&xml, GUID, 1);
    xml_summary(&xml, GUID, 2);
    take(SUMMARY, buf_text(&xml));
    buf_clear(&xml);
    xml_kvp(&xml, GUID, first);
    xml_kvp(&xml, GUID, second);
    take(KVP, buf_text(&xml));
    ck_assert_str_eq(the_vm()->name, "first");
    ck_assert_int_eq(the_vm()->enabled_state, 2);
    ck_assert_int_eq(the_vm()->is_state, 1);
    ck_assert_int_eq(the_vm()->intrinsic.count, 1);
    ck_assert_str_eq(the_vm()->intrinsic.list[0].value, "first");
    buf_free(&xml);
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(a_summary_names_a_guest_that_no_other_class_lists)
{
    static const char summary[] = "<INSTANCE CLASSNAME=\"" SUMMARY "\"><PROPERTY NAME=\"Name\"><VALUE>" GUID
                                  "</VALUE></PROPERTY><PROPERTY NAME=\"ElementName\"><VALUE>%s</VALUE></PROPERTY>"
                                  "</INSTANCE>";
    char xml[512];

    begin();
    for (int i = 0; i < 2; i++) { /* the first counts */
        snprintf(xml, sizeof xml, summary, i == 0 ? "one" : "two");
        take(SUMMARY, xml);
    }
    ck_assert_str_eq(the_vm()->name, "one");
    kvp_poll_reset(&poll);
    snprintf(xml, sizeof xml,
             "<INSTANCE CLASSNAME=\"" SYSTEM "\"><PROPERTY NAME=\"Name\"><VALUE>" GUID
             "</VALUE></PROPERTY><PROPERTY NAME=\"ElementName\"><VALUE>system</VALUE></PROPERTY>"
             "</INSTANCE>");
    take(SYSTEM, xml);
    snprintf(xml, sizeof xml, summary, "one");
    take(SUMMARY, xml);
    ck_assert_str_eq(the_vm()->name, "system");
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(more_machines_than_any_host_has_are_cut_and_told)
{
    struct buf xml;

    begin();
    buf_init(&xml, 32 << 20);
    for (unsigned n = 0; n < KVP_VMS_MAX; n++)
        xml_system(&xml, vm_guid(n), "x", 2);
    take(SYSTEM, buf_text(&xml));
    ck_assert(!poll.broken);
    buf_clear(&xml);
    xml_system(&xml, vm_guid(1), "known", 2);
    xml_system(&xml, vm_guid(KVP_VMS_MAX), "one too many", 2);
    take(SYSTEM, buf_text(&xml));
    ck_assert(poll.broken);
    ck_assert_int_eq(poll.problem_count, 1);
    ck_assert_str_eq(poll.problems[0].text, "here: more than 20000 virtual machines, or out of memory");
    ck_assert_uint_eq(poll.count, KVP_VMS_MAX);
    buf_free(&xml);
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(a_class_file_that_is_refused_is_a_problem_of_the_poll)
{
    begin();
    take(KVP, "<!DOCTYPE x []>");
    ck_assert(poll.broken);
    ck_assert_str_eq(poll.problems[0].reason, "record-unreadable");
    ck_assert_str_eq(poll.problems[0].text, "here: byte 0: a document type or entity declaration is refused");
    kvp_poll_free(&poll);
}
END_TEST

/* ---- items ------------------------------------------------------------------------------ */

/* A guest whose items are written like this. */
static const struct kvp_vm *take_items(const char *property, const char *const *items)
{
    struct buf xml;
    const struct kvp_vm *vm;

    kvp_poll_reset(&poll);
    buf_init(&xml, 16 << 20);
    xml_kvp_begin(&xml, GUID);
    xml_kvp_raw_items(&xml, property, items);
    xml_kvp_end(&xml);
    take(KVP, buf_text(&xml));
    buf_free(&xml);
    vm = the_vm();
    ck_assert(!poll.broken);
    return vm;
}

#define ITEMS(...) take_items("GuestIntrinsicExchangeItems", (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(an_item_that_is_there_twice_is_a_problem_however_it_is_read)
{
    const struct kvp_vm *vm;

    begin();
    vm = ITEMS(ITEM("A", "1"), ITEM("B", "2"), ITEM("A", "1")); /* the third is known from the first */
    ck_assert_int_eq(vm->intrinsic.count, 2);
    ck_assert_str_eq(vm->problem, "GuestIntrinsicExchangeItems[2]: a second item of the same name was left out");
    vm = ITEMS(ITEM("A", "1"), ITEM("B", "2")); /* and both from the poll before */
    ck_assert_int_eq(vm->intrinsic.count, 2);
    ck_assert_int_eq(vm->problems, 0);
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(elements_of_no_item_of_two_and_of_half_a_one)
{
    const struct kvp_vm *vm;

    begin();
    for (int again = 0; again < 2; again++) { /* what is not one good item is told anew each time */
        vm = ITEMS(ITEM("A", "1") ITEM("B", "2"), "", "<INSTANCE CLASSNAME=\"I\"><!-- --></INSTANCE>",
                   ITEM("C", "3") "<INSTANCE CLASSNAME=\"I\">",
                   "<INSTANCE CLASSNAME=\"I\"><!-- --><PROPERTY NAME=\"Name\"/><PROPERTY NAME=\"Data\"/></INSTANCE>",
                   "<INSTANCE CLASSNAME=\"I\"><!-- --><PROPERTY NAME=\"Name\"><VALUE>D</VALUE></PROPERTY>"
                   "<PROPERTY NAME=\"Data\"/></INSTANCE>");
        ck_assert_int_eq(vm->intrinsic.count, 3);
        ck_assert_str_eq(vm->intrinsic.list[2].value, "3");
        ck_assert_int_eq(vm->problems, 3);
        ck_assert_str_eq(vm->problem, "GuestIntrinsicExchangeItems[2]: an item without a name");
    }
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(an_array_of_too_many_elements_is_cut_and_told)
{
    static const char *empty[1026];
    const struct kvp_vm *vm;

    for (size_t i = 0; i < 1025; i++)
        empty[i] = "";
    begin();
    vm = take_items("GuestExchangeItems", empty);
    ck_assert_int_eq(vm->problems, 1);
    ck_assert_str_eq(vm->problem, "GuestExchangeItems: more than 1024 items or 1048576 bytes; the rest was left out");
    empty[1024] = NULL;
    vm = take_items("GuestExchangeItems", empty);
    ck_assert_int_eq(vm->problems, 0);
    kvp_poll_free(&poll);
}
END_TEST

START_TEST(all_items_of_a_guest_together_have_a_limit_and_those_that_decide_are_kept)
{
    enum { MANY = 66 };
    static char texts[MANY][3000];
    static const char *items[MANY + 2];
    const struct kvp_vm *vm;
    int n = 0;

    for (; n < MANY; n++) { /* a thousand characters of two bytes each: 2,000 bytes are not over 1,024 characters */
        size_t len =
            (size_t)snprintf(texts[n], sizeof texts[n],
                             "<INSTANCE CLASSNAME=\"I\"><PROPERTY NAME=\"Name\"><VALUE>N%02d</VALUE></PROPERTY>"
                             "<PROPERTY NAME=\"Data\"><VALUE>",
                             n);

        for (int i = 0; i < 1000; i++, len += 2)
            memcpy(texts[n] + len, "\xC3\xA4", 2);
        snprintf(texts[n] + len, sizeof texts[n] - len, "</VALUE></PROPERTY></INSTANCE>");
        items[n] = texts[n];
    }
    items[n] = ITEM("OSVersion", "6.3.9600");
    begin();
    vm = take_items("GuestIntrinsicExchangeItems", items);
    ck_assert_int_eq(vm->intrinsic.count, 65 + 1); /* 65 * 2,003 bytes fit into 128 KiB */
    ck_assert_uint_eq(vm->intrinsic.list[0].value_len, 2000);
    ck_assert_str_eq(vm->intrinsic.list[65].name, "OSVersion");
    ck_assert_str_eq(vm->problem, "GuestIntrinsicExchangeItems[65]: too many items; the rest was left out");
    vm = take_items("GuestExchangeItems", items); /* an item that decides nothing has to fit */
    ck_assert_int_eq(vm->custom.count, KVP_CUSTOM_MAX);
    kvp_poll_free(&poll);
}
END_TEST

/* ---- the key of digests ------------------------------------------------------------------- */

static struct fake_files fs;

static int read_key(const char *text, size_t len, int read_rc, struct kvp_privacy *p, struct err *e)
{
    struct agent_config_privacy names = { .hash = "A", .hash_key_file = "/key" };

    fake_files_init(&fs);
    fake_file(&fs, "/key", text, len, 1)->read_rc = read_rc;
    kvp_privacy_init(p, &names);
    return kvp_privacy_ready(p, &fs.files, e);
}

START_TEST(a_key_has_its_length_without_the_blanks_around_it)
{
    char text[KVP_HASH_KEY_MAX + 32];
    struct kvp_privacy p;
    struct err e;

    for (size_t len = KVP_HASH_KEY_MIN - 1; len <= KVP_HASH_KEY_MAX + 1; len++) {
        bool good = len >= KVP_HASH_KEY_MIN && len <= KVP_HASH_KEY_MAX;

        memset(text, 'k', sizeof text);
        memcpy(text, "\r\n \t", 4);
        memcpy(text + 4 + len, "\t \r\n", 4);
        ck_assert_int_eq(read_key(text, len + 8, 0, &p, &e), good ? 0 : ERR_INVALID);
        ck_assert_uint_eq(p.key_len, good ? len : 0);
        if (!good)
            ck_assert_ptr_nonnull(strstr(e.text, "/key: a key has "));
    }
    ck_assert_int_eq(read_key(" \n\t\r ", 5, 0, &p, &e), ERR_INVALID);
    ck_assert_int_eq(read_key("", 0, 0, &p, &e), ERR_INVALID);
    ck_assert_int_eq(read_key("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 32, ERR_IO, &p, &e), ERR_IO);
    ck_assert_int_eq(read_key("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 32, 0, &p, &e), 0);
    ck_assert_int_eq(kvp_privacy_ready(&p, NULL, &e), 0); /* it is not read again */
}
END_TEST

START_TEST(an_empty_line_among_the_names_holds_nothing)
{
    struct agent_config_privacy names = { .keep = "\nA\n*b\n" };
    struct kvp_privacy p;

    kvp_privacy_init(&p, &names);
    ck_assert_int_eq(kvp_privacy_of(&p, "A", false), KVP_AS_IT_IS);
    ck_assert_int_eq(kvp_privacy_of(&p, "AA", false), KVP_LEFT_OUT);
    ck_assert_int_eq(kvp_privacy_of(&p, "b", false), KVP_LEFT_OUT); /* a star stands at the end only */
}
END_TEST

/* ---- the source ----------------------------------------------------------------------------- */

START_TEST(a_clock_that_was_set_back_tells_all_once_more)
{
    struct kvp_run r;

    kvp_run_init(&r);
    r.now_ns = 100 * 3600 * NS_PER_S;
    kvp_run_add(&r, 1, windows_items);
    kvp_run_take(&r);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 1));
    kvp_run_take(&r);
    ck_assert_ptr_null(kvp_run_guest(&r, 1));
    r.now_ns -= 1;
    kvp_run_take(&r);
    ck_assert_ptr_nonnull(kvp_run_guest(&r, 1));
    kvp_run_free(&r);
}
END_TEST

START_TEST(a_sources_name_has_its_limit)
{
    static const struct resource facts = { .host_name = "HV01" };
    struct kvp_options o = { .facts = &facts, .interval_ns = NS_PER_S, .refresh_ns = NS_PER_S };
    char name[SOURCE_NAME_MAX + 1];
    struct source *s = NULL;
    struct fake_wmi wmi;
    struct err e;

    fake_wmi_init(&wmi);
    memset(name, 'n', sizeof name);
    name[SOURCE_NAME_MAX] = '\0';
    o.name = name;
    o.stream = &wmi.base;
    ck_assert_int_eq(kvp_source_new(&o, &s, &e), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(e.text, "is too long"));
    ck_assert(!wmi.closed);
    name[SOURCE_NAME_MAX - 1] = '\0';
    ck_assert_int_eq(kvp_source_new(&o, &s, &e), 0);
    source_close(s);
    ck_assert(wmi.closed);
    fake_wmi_free(&wmi);
}
END_TEST

static void add_each(Suite *s, const TTest *test, size_t count)
{
    tcase_add_loop_test(suite_case(s, test->name), test, 0, (int)count);
}

static void add(Suite *s)
{
    add_each(s, a_state_is_a_number_of_sixteen_bits, sizeof numbers / sizeof numbers[0]);
    suite_test(s, an_instance_is_of_the_class_it_names_or_that_was_asked_for);
    suite_test(s, of_two_instances_of_one_class_the_first_counts);
    suite_test(s, a_summary_names_a_guest_that_no_other_class_lists);
    suite_test(s, more_machines_than_any_host_has_are_cut_and_told);
    suite_test(s, a_class_file_that_is_refused_is_a_problem_of_the_poll);
    suite_test(s, an_item_that_is_there_twice_is_a_problem_however_it_is_read);
    suite_test(s, elements_of_no_item_of_two_and_of_half_a_one);
    suite_test(s, an_array_of_too_many_elements_is_cut_and_told);
    suite_test(s, all_items_of_a_guest_together_have_a_limit_and_those_that_decide_are_kept);
    suite_test(s, a_key_has_its_length_without_the_blanks_around_it);
    suite_test(s, an_empty_line_among_the_names_holds_nothing);
    suite_test(s, a_clock_that_was_set_back_tells_all_once_more);
    suite_test(s, a_sources_name_has_its_limit);
}

int main(void)
{
    return suite_main("collectors: the edges of what guests tell", add);
}
