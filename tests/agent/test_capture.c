/* What a capture writes, without the host: the classes, the events and
 * host.yaml, with names and without. */
#include "agent/capture.h"
#include "agent/capture_class.h"
#include "agent/capture_disks.h"
#include "agent/capture_event.h"
#include "agent/cmd_capture.h"
#include "agent/commands.h"
#include "base/times.h"
#include "plat/live.h"
#include "tests/support/suite.h"

#include <string.h>

enum { OUT_MAX = 1024 * 1024 };

#define VM "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF"

static const char system_xml[] =
    "<INSTANCE CLASSNAME=\"Msvm_ComputerSystem\"><PROPERTY NAME=\"__PATH\" "
    "TYPE=\"string\"><VALUE>\\\\HV01\\root</VALUE>"
    "</PROPERTY><PROPERTY NAME=\"ElementName\" TYPE=\"string\"><VALUE>Payroll &amp; Co</VALUE></PROPERTY>"
    "<PROPERTY NAME=\"EnabledState\" TYPE=\"uint16\"><VALUE>2</VALUE></PROPERTY>"
    "<PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>" VM "</VALUE></PROPERTY></INSTANCE>"
    "<INSTANCE CLASSNAME=\"Msvm_ComputerSystem\"><PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>HV01</VALUE></PROPERTY>"
    "</INSTANCE>";

#define ITEM(name, data)                                                                                 \
    "<VALUE>&lt;INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\"&gt;&lt;PROPERTY NAME=\"Data\" "          \
    "TYPE=\"string\"&gt;&lt;VALUE&gt;" data "&lt;/VALUE&gt;&lt;/PROPERTY&gt;&lt;PROPERTY NAME=\"Name\" " \
    "TYPE=\"string\"&gt;&lt;VALUE&gt;" name "&lt;/VALUE&gt;&lt;/PROPERTY&gt;&lt;/INSTANCE&gt;</VALUE>"

static const char kvp_xml[] =
    "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeComponent\">"
    "<PROPERTY.ARRAY NAME=\"GuestExchangeItems\" TYPE=\"string\"><VALUE.ARRAY>" ITEM(
        "AdminPassword",
        "hunter2") "</VALUE.ARRAY></PROPERTY.ARRAY>"
                   "<PROPERTY.ARRAY NAME=\"GuestIntrinsicExchangeItems\" TYPE=\"string\"><VALUE.ARRAY>" ITEM(
                       "FullyQualifiedDomainName", "pay.corp.example")
                       ITEM("IntegrationServicesVersion", "6.3.9600.18692")
                           ITEM("NetworkAddressIPv4",
                                "10.1.2.3") "</VALUE.ARRAY></PROPERTY.ARRAY>"
                                            "<PROPERTY.ARRAY NAME=\"OperationalStatus\" "
                                            "TYPE=\"uint16\"><VALUE.ARRAY><VALUE>2</VALUE><VALUE>32775</VALUE>"
                                            "</VALUE.ARRAY></PROPERTY.ARRAY>"
                                            "<PROPERTY NAME=\"SystemName\" TYPE=\"string\"><VALUE>" VM
                                            "</VALUE></PROPERTY></INSTANCE>";

/* The class text that a capture makes of xml; freed by the caller. */
static struct buf class_text(struct capture_names *names, const char *class_name, const char *xml)
{
    struct capture_class *c = NULL;
    struct buf out;
    struct err e;
    int unread = -1;

    buf_init(&out, OUT_MAX);
    ck_assert_int_eq(capture_class_new(names, &c, &e), 0);
    ck_assert_msg(capture_class_add(c, class_name, xml, strlen(xml), &out, &unread, &e) == 0, "%s", e.text);
    ck_assert_int_eq(unread, 0);
    capture_class_free(c);
    return out;
}

static struct capture_names new_names(void)
{
    struct capture_names n;

    ck_assert_int_eq(capture_names_init(&n, NULL), 0);
    return n;
}

#define HAS(text, what) \
    ck_assert_msg(strstr(buf_text(&(text)), (what)) != NULL, "no %s in\n%s", (what), buf_text(&(text)))
#define HASNT(text, what) \
    ck_assert_msg(strstr(buf_text(&(text)), (what)) == NULL, "%s in\n%s", (what), buf_text(&(text)))

START_TEST(a_class_keeps_what_is_read_again_and_nothing_else)
{
    struct buf t = class_text(NULL, "Msvm_ComputerSystem", system_xml);

    HAS(t, "<VALUE>Payroll &amp; Co</VALUE>");
    HAS(t, VM);
    HASNT(t, "__PATH");
    buf_free(&t);
}
END_TEST

START_TEST(what_people_put_into_a_guest_is_never_captured)
{
    struct buf t = class_text(NULL, "Msvm_KvpExchangeComponent", kvp_xml);

    HASNT(t, "hunter2");
    HASNT(t, "AdminPassword");
    HAS(t, "pay.corp.example");
    HAS(t, "6.3.9600.18692");
    HAS(t, "<VALUE>32775</VALUE>");
    buf_free(&t);
}
END_TEST

START_TEST(without_names_a_class_says_what_a_guest_is_but_not_who)
{
    struct capture_names names = new_names();
    struct buf systems = class_text(&names, "Msvm_ComputerSystem", system_xml);
    struct buf kvp = class_text(&names, "Msvm_KvpExchangeComponent", kvp_xml);

    HASNT(systems, "Payroll");
    HASNT(systems, "HV01");
    HAS(systems, "<VALUE>name-1</VALUE>");
    HAS(systems, VM);
    HASNT(kvp, "pay.corp.example");
    HASNT(kvp, "10.1.2.3");
    HAS(kvp, "6.3.9600.18692");
    HAS(kvp, VM);
    buf_free(&systems);
    buf_free(&kvp);
    capture_names_free(&names);
}
END_TEST

/* ---- events ------------------------------------------------------------- */

static struct buf event_text(struct capture_names *names, const char *xml)
{
    struct capture_event *c = NULL;
    struct buf out;
    struct err e;

    buf_init(&out, OUT_MAX);
    ck_assert_int_eq(capture_event_new(names, &c, &e), 0);
    ck_assert_msg(capture_event_add(c, xml, strlen(xml), &out, &e) == 0, "%s", e.text);
    capture_event_free(c);
    return out;
}

#define EVENT(data)                                                                                           \
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "                 \
    "Name='Microsoft-Windows-Hyper-V-Worker'/><EventID>18590</EventID><Computer>HV01.corp.example</Computer>" \
    "<Security UserID='S-1-5-21-1-2-3-1105'/></System>" data "<RenderingInfo><Message>Payroll died</Message>" \
    "</RenderingInfo></Event>"

START_TEST(without_names_an_event_keeps_its_numbers)
{
    struct capture_names names = new_names();
    struct buf t = event_text(
        &names,
        EVENT("<UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'>"
              "<VmName>Payroll</VmName><VmId>" VM "</VmId><VmErrorCode0>0x79</VmErrorCode0>"
              "<Parameter2>Negotiated (3.0) - Expected (5.0)</Parameter2><Parameter3>6.3.9600.18692</Parameter3>"
              "<Parameter4>\\\\nas\\vms\\payroll.vhdx</Parameter4><Parameter5>10.1.2.3</Parameter5>"
              "</VmlEventLog></UserData>"));

    HAS(t, "<EventID>18590</EventID>");
    HAS(t, "<VmId>" VM "</VmId>");
    HAS(t, "<VmErrorCode0>0x79</VmErrorCode0>");
    HAS(t, "Negotiated (3.0) - Expected (5.0)");
    HAS(t, "6.3.9600.18692");
    HASNT(t, "ayroll");
    HASNT(t, "HV01");
    HASNT(t, "nas");
    HASNT(t, "10.1.2.3");
    HASNT(t, "S-1-5-21");
    HASNT(t, "died");
    buf_free(&t);
    capture_names_free(&names);
}
END_TEST

/* A name may look like a number; where an element says it is a name, or comes
 * first in an event of Hyper-V, it is one. */
START_TEST(a_name_that_looks_like_a_number_is_still_a_name)
{
    struct capture_names names = new_names();
    struct buf t = event_text(
        &names, EVENT("<UserData><V><Parameter0>4711</Parameter0><Parameter1>" VM "</Parameter1></V></UserData>"));
    struct buf u =
        event_text(&names, EVENT("<EventData><Data Name='ResourceName'>4711</Data><Data>DC01</Data></EventData>"));

    HASNT(t, "4711");
    HASNT(u, "4711");
    HASNT(u, "DC01");
    HAS(u, "Name=\"ResourceName\"");
    buf_free(&t);
    buf_free(&u);
    capture_names_free(&names);
}
END_TEST

START_TEST(one_name_has_one_stand_in_throughout)
{
    struct capture_names names = new_names();
    char a[CAPTURE_NAME_TEXT_MAX], b[CAPTURE_NAME_TEXT_MAX], c[CAPTURE_NAME_TEXT_MAX];

    capture_name(&names, "Payroll", 7, a);
    capture_name(&names, "PAYROLL", 7, b);
    capture_name(&names, "Payroll2", 8, c);
    ck_assert_str_eq(a, b);
    ck_assert_str_ne(a, c);
    capture_host_name(&names, "HV01.corp.example", 17, a);
    capture_host_name(&names, "hv01", 4, b);
    ck_assert_str_eq(a, b);
    capture_names_free(&names);
}
END_TEST

START_TEST(an_event_that_is_no_xml_is_refused_whole)
{
    static const char *const bad[] = { "<Event><System>", "no event",
                                       "<!DOCTYPE a [<!ENTITY b 'c'>]><Event>&b;</Event>" };
    struct capture_names names = new_names();
    struct capture_event *c = NULL;
    struct buf out;

    buf_init(&out, OUT_MAX);
    ck_assert_int_eq(capture_event_new(&names, &c, NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(capture_event_add(c, bad[i], strlen(bad[i]), &out, NULL), ERR_INVALID);
        ck_assert_uint_eq(out.len, 0);
    }
    capture_event_free(c);
    buf_free(&out);
    capture_names_free(&names);
}
END_TEST

START_TEST(only_what_names_nobody_is_harmless)
{
    static const char *const harmless[] = { "",
                                            "  \n",
                                            "42",
                                            "-1",
                                            "0x8000000000000000",
                                            VM,
                                            "{" VM "}",
                                            "6.3.9600.18692",
                                            "0.5",
                                            "2024-12-09T11:31:23.2356205Z",
                                            "%%2147943860",
                                            "Ausgehandelt (3.0) - Erwartet (5.0)",
                                            "true" };
    static const char *const names[] = { "DC01",
                                         "web",
                                         "10.0.0.1",
                                         "fe80::1",
                                         "a.example",
                                         "C:\\x",
                                         "0xZZ",
                                         "Host (3.0) - x",
                                         "123456789012345678901234567890" };

    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        ck_assert_msg(capture_is_harmless(harmless[i], strlen(harmless[i])), "%s", harmless[i]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(!capture_is_harmless(names[i], strlen(names[i])), "%s", names[i]);
}
END_TEST

/* ---- host.yaml ---------------------------------------------------------- */

static const struct resource facts = {
    .host_name = "HV\"01",
    .host_id = "4C4C4544-0051-3010-8052-B4C04F4A4A32",
    .cluster = "PROD-A",
    .os_version = "6.3.9600.20778",
    .is_win6x = "6.3.9600.18692",
    .boot_time = 1769752800 * NS_PER_S,
};

START_TEST(host_yaml_holds_what_is_known)
{
    struct buf t;

    buf_init(&t, OUT_MAX);
    capture_host_text(&facts, 1769846400 * NS_PER_S, NULL, &t);
    ck_assert_str_eq(buf_text(&t), "name: \"HV\\\"01\"\nhost_id: \"4C4C4544-0051-3010-8052-B4C04F4A4A32\"\n"
                                   "cluster: \"PROD-A\"\nos_version: \"6.3.9600.20778\"\n"
                                   "is_version: {win6x: 6.3.9600.18692}\nboot_time: 2026-01-30T06:00:00Z\n"
                                   "captured_at: 2026-01-31T08:00:00Z\n");
    buf_free(&t);
}
END_TEST

START_TEST(host_yaml_without_names_has_no_id_either)
{
    struct capture_names names = new_names();
    struct buf t;

    buf_init(&t, OUT_MAX);
    capture_host_text(&facts, 1769846400 * NS_PER_S, &names, &t);
    HASNT(t, "HV");
    HASNT(t, "PROD");
    HASNT(t, "4C4C4544");
    HAS(t, "name: \"name-1\"");
    HAS(t, "os_version: \"6.3.9600.20778\"");
    buf_free(&t);
    capture_names_free(&names);
}
END_TEST

/* ---- the command -------------------------------------------------------- */

START_TEST(wrong_usage_is_told_apart)
{
    char *none[] = { (char *)"capture", NULL }, *extra[] = { (char *)"capture", (char *)"x", NULL };

    ck_assert_int_eq(cmd_capture(1, none), EXIT_USAGE);
    ck_assert_int_eq(cmd_capture(2, extra), EXIT_USAGE);
}
END_TEST

START_TEST(a_system_without_live_sources_says_so)
{
    char *argv[] = { (char *)"capture", (char *)"--out", (char *)"/nowhere/at/all", NULL };

    if (plat_live_available())
        skip("this system has live sources");
    ck_assert_int_eq(cmd_capture(3, argv), EXIT_USAGE);
}
END_TEST

START_TEST(how_a_guest_is_set_up_is_captured)
{
    static const char xml[] =
        "<INSTANCE CLASSNAME=\"Msvm_StorageAllocationSettingData\"><PROPERTY NAME=\"InstanceID\" TYPE=\"string\">"
        "<VALUE>Microsoft:" VM "\\c\\0\\0\\L</VALUE></PROPERTY><PROPERTY NAME=\"Caption\" TYPE=\"string\">"
        "<VALUE>Payroll's disk</VALUE></PROPERTY><PROPERTY NAME=\"ResourceSubType\" TYPE=\"string\">"
        "<VALUE>Microsoft:Hyper-V:Virtual Hard Disk</VALUE></PROPERTY><PROPERTY NAME=\"Parent\" TYPE=\"string\">"
        "<VALUE>\\\\HV01\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID=&quot;Microsoft:" VM
        "\\\\c&quot;</VALUE></PROPERTY><PROPERTY.ARRAY NAME=\"HostResource\" TYPE=\"string\"><VALUE.ARRAY>"
        "<VALUE>C:\\VMs\\payroll.vhdx</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>";
    struct capture_names names = new_names();
    struct buf named = class_text(NULL, "Msvm_StorageAllocationSettingData", xml);
    struct buf nameless = class_text(&names, "Msvm_StorageAllocationSettingData", xml);

    HAS(named, "C:\\VMs\\payroll.vhdx");
    HAS(named, "HV01");
    HASNT(named, "Caption");
    HAS(nameless, "Microsoft:" VM "\\c\\0\\0\\L");
    HAS(nameless, "InstanceID=&quot;Microsoft:" VM "\\\\c&quot;");
    HAS(nameless, "Virtual Hard Disk");
    HASNT(nameless, "ayroll");
    HASNT(nameless, "HV01");
    buf_free(&named);
    buf_free(&nameless);
    capture_names_free(&names);
}
END_TEST

/* A fixed VHD: its footer alone. */
static void make_fixed_vhd(unsigned char footer[512])
{
    uint32_t sum = 0;

    memset(footer, 0, 512);
    memcpy(footer, "conectix", 8);
    footer[54] = 4; /* bytes 48 to 55: the size */
    footer[63] = 2;
    for (int i = 0; i < 512; i++)
        sum += footer[i];
    for (int i = 0; i < 4; i++)
        footer[64 + i] = (unsigned char)(~sum >> (24 - 8 * i));
}

START_TEST(the_kinds_of_the_disks_are_captured)
{
    unsigned char footer[512];
    char xml[2048];
    const char *dir = temp_dir();
    struct buf out;
    struct err e;
    int unread = -1;

    make_fixed_vhd(footer);
    write_file(dir, "a&b.vhd", footer, sizeof footer);
    snprintf(
        xml, sizeof xml,
        "<INSTANCE CLASSNAME=\"x\"><PROPERTY NAME=\"HostResource\" TYPE=\"string\"><VALUE>%s/a&amp;b.vhd</VALUE>"
        "</PROPERTY></INSTANCE><INSTANCE CLASSNAME=\"x\"><PROPERTY NAME=\"HostResource\" TYPE=\"string\">"
        "<VALUE>%s/gone.vhdx</VALUE></PROPERTY></INSTANCE><INSTANCE CLASSNAME=\"x\"><PROPERTY NAME=\"HostResource\" "
        "TYPE=\"string\"><VALUE>%s/setup.iso</VALUE></PROPERTY></INSTANCE>",
        dir, dir, dir);
    buf_init(&out, OUT_MAX);
    ck_assert_int_eq(capture_disks_add(plat_files(), xml, strlen(xml), &out, &unread, &e), 0);
    ck_assert_int_eq(unread, 1);
    HAS(out, "a&amp;b.vhd</VALUE>");
    HAS(out, "<PROPERTY NAME=\"Type\" TYPE=\"uint16\"><VALUE>2</VALUE>");
    HAS(out, "<PROPERTY NAME=\"Format\" TYPE=\"uint16\"><VALUE>2</VALUE>");
    HAS(out, "<VALUE>1024</VALUE>");
    HASNT(out, "setup.iso");
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, how_a_guest_is_set_up_is_captured);
    suite_test(s, the_kinds_of_the_disks_are_captured);
    suite_test(s, a_class_keeps_what_is_read_again_and_nothing_else);
    suite_test(s, what_people_put_into_a_guest_is_never_captured);
    suite_test(s, without_names_a_class_says_what_a_guest_is_but_not_who);
    suite_test(s, without_names_an_event_keeps_its_numbers);
    suite_test(s, a_name_that_looks_like_a_number_is_still_a_name);
    suite_test(s, one_name_has_one_stand_in_throughout);
    suite_test(s, an_event_that_is_no_xml_is_refused_whole);
    suite_test(s, only_what_names_nobody_is_harmless);
    suite_test(s, host_yaml_holds_what_is_known);
    suite_test(s, host_yaml_without_names_has_no_id_either);
    suite_test(s, wrong_usage_is_told_apart);
    suite_test(s, a_system_without_live_sources_says_so);
}

int main(void)
{
    return suite_main("agent: capture", add);
}
