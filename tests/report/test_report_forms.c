/* What the report adds to its list: comparison with the past, counts, hosts' findings, HTML, and the lists for
 * upgrading tools; all over names that guests chose with care. */
#include "base/times.h"
#include "report/drift_report.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0       INT64_C(1769846400000000000)
#define EXPECTED "6.3.9600.18692"
#define OLD      "6.3.9600.16384"
#define HOSTILE  "\"><script>alert(1)</script>"

static struct drift_report *r;
static struct buf out;
static struct drift_report_options options;
static struct guest guest; /* large */

static void begin(void)
{
    static struct drift_floors floors;
    struct err e = { 0 };

    floors = drift_floors_default();
    options.now_ns = T0;
    options.floors = &floors;
    buf_init(&out, 16 * 1024 * 1024);
    ck_assert_msg(drift_report_new(&r, &options, &e) == 0, "%s", e.text);
}

static void end(void)
{
    drift_report_free(r);
    buf_free(&out);
}

static const char *host_os = "6.3.9600.20778";

static void add_host(int number, const char *cluster, const char *agent)
{
    struct host h;

    host_init(&h, NULL);
    snprintf(h.facts.host_id, sizeof h.facts.host_id, "HOST-%d", number);
    snprintf(h.facts.host_name, sizeof h.facts.host_name, "HV%02d", number);
    snprintf(h.facts.cluster, sizeof h.facts.cluster, "%s", cluster);
    snprintf(h.facts.agent_version, sizeof h.facts.agent_version, "%s", agent);
    snprintf(h.facts.os_version, sizeof h.facts.os_version, "%s", host_os);
    snprintf(h.facts.is_win6x, sizeof h.facts.is_win6x, EXPECTED);
    h.last_seen = h.last_poll = T0;
    h.poll_guests = 1;
    ck_assert_int_eq(drift_report_host(r, &h, NULL), 0);
}

static void set_item(enum kvp_item item, const char *text)
{
    snprintf(guest.kvp[item].text, sizeof guest.kvp[item].text, "%s", text);
    guest.kvp[item].time = guest.kvp[item].since = T0;
}

static const char *id_of(int number)
{
    static char id[GUID_TEXT_MAX];

    snprintf(id, sizeof id, "B0000000-0000-4000-8000-%012d", number);
    return id;
}

static void add_guest(int number, int host, const char *name, const char *fqdn, const char *version)
{
    guest_init(&guest, id_of(number));
    snprintf(guest.host_id, sizeof guest.host_id, "HOST-%d", host);
    snprintf(guest.name, sizeof guest.name, "%s", name);
    guest.power = POWER_RUNNING;
    guest.inventory_time = guest.last_seen = guest.host_time = T0;
    set_item(KVP_FQDN, fqdn);
    set_item(KVP_OS_NAME, "Windows Server 2012 R2");
    set_item(KVP_OS_VERSION, "6.3.9600");
    set_item(KVP_OS_PLATFORM_ID, "2");
    set_item(KVP_ARCHITECTURE, "9");
    set_item(KVP_IS_VERSION, version);
    ck_assert_int_eq(drift_report_guest(r, &guest, NULL), 0);
}

static void was(int number, const char *from, const char *to)
{
    ck_assert_int_eq(drift_report_change(r, id_of(number), "PROD-A", from, to, NULL), 0);
}

static const char *rendered(enum report_format format)
{
    struct err e = { 0 };

    buf_clear(&out);
    ck_assert_msg(drift_report_render(r, format, NULL, &out, &e) == 0, "%s", e.text);
    return buf_text(&out);
}

static void finish(void)
{
    ck_assert_int_eq(drift_report_finish(r, NULL), 0);
}

static json_t *as_json(void)
{
    json_error_t why;
    json_t *root = json_loads(rendered(REPORT_JSON), 0, &why);

    ck_assert_msg(root != NULL, "%s at %d", why.text, why.position);
    return root;
}

static int64_t number_at(const json_t *root, const char *a, const char *b, const char *c)
{
    return json_integer_value(json_object_get(json_object_get(json_object_get(root, a), b), c));
}

/* ---- the past -------------------------------------------------------------------- */

START_TEST(new_solved_changed_unchanged_and_gone_are_told_apart)
{
    json_t *root;

    options = (struct drift_report_options){ .since_ns = T0 - 1, .has_history = true };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    add_guest(1, 1, "new", "", OLD);
    add_guest(2, 1, "solved", "", EXPECTED);
    add_guest(3, 1, "changed", "", OLD);
    add_guest(4, 1, "unchanged", "", OLD);
    add_guest(5, 1, "fine", "", EXPECTED);
    add_guest(6, 1, "to and fro", "", OLD);
    add_guest(7, 1, "came", "", OLD);
    was(1, "current", "behind");
    was(2, "behind", "current");
    was(3, "incompatible", "behind");
    was(6, "behind", "current");
    was(6, "current", "behind");
    was(7, "", "behind");
    was(8, "behind", "");
    was(9, "current", "");
    finish();
    root = as_json();
    ck_assert_int_eq(number_at(root, "summary", "changes", "new"), 2);
    ck_assert_int_eq(number_at(root, "summary", "changes", "solved"), 1);
    ck_assert_int_eq(number_at(root, "summary", "changes", "changed"), 1);
    ck_assert_int_eq(number_at(root, "summary", "changes", "unchanged"), 2);
    ck_assert_int_eq(number_at(root, "summary", "changes", "gone"), 1);
    json_decref(root);
    ck_assert_ptr_nonnull(strstr(rendered(REPORT_TEXT), ": 2 new, 1 solved, 1 changed, 2 unchanged, 1 gone\n"));
    ck_assert_ptr_nonnull(strstr(rendered(REPORT_TEXT), "was incompatible"));
    end();
}
END_TEST

START_TEST(without_a_history_nothing_is_compared)
{
    json_t *root;

    options = (struct drift_report_options){ .since_ns = T0 - 1 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    add_guest(1, 1, "one", "", OLD);
    finish();
    root = as_json();
    ck_assert(json_is_null(json_object_get(json_object_get(root, "summary"), "changes")));
    json_decref(root);
    ck_assert_ptr_null(strstr(rendered(REPORT_TEXT), "unchanged"));
    end();
}
END_TEST

/* ---- counts ---------------------------------------------------------------------- */

START_TEST(guests_are_counted_by_cluster_host_os_and_version)
{
    const json_t *summary, *first;
    json_t *root;

    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    add_host(2, "PROD-B", "0.1.0");
    add_guest(1, 1, "one", "", EXPECTED);
    add_guest(2, 2, "two", "", OLD);
    add_guest(3, 2, "three", "", OLD);
    finish();
    root = as_json();
    summary = json_object_get(root, "summary");
    ck_assert_uint_eq(json_array_size(json_object_get(summary, "by_cluster")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(summary, "by_host")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(summary, "by_guest_os")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(summary, "by_guest_version")), 2);
    first = json_array_get(json_object_get(summary, "by_cluster"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "cluster")), "PROD-B");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(first, "by_state"), "behind")), 2);
    json_decref(root);
    end();
}
END_TEST

/* ---- hosts ----------------------------------------------------------------------- */

START_TEST(each_of_many_versions_is_counted_by_itself)
{
    enum { VERSIONS = 150, GUESTS = 400 };
    size_t seen[VERSIONS] = { 0 };
    json_t *root, *list;

    options = (struct drift_report_options){ 0 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    for (int i = 0; i < GUESTS; i++) {
        char version[32];

        snprintf(version, sizeof version, "6.3.9600.%d", i % VERSIONS);
        add_guest(i, 1, "vm", "", version);
    }
    finish();
    root = as_json();
    list = json_object_get(json_object_get(root, "summary"), "by_guest_version");
    ck_assert_uint_eq(json_array_size(list), VERSIONS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *group = json_array_get(list, i);
        const char *version = json_string_value(json_object_get(group, "guest_version"));
        long number = strtol(strrchr(version, '.') + 1, NULL, 10);

        ck_assert_uint_eq(seen[number]++, 0);
        ck_assert_int_eq(json_integer_value(json_object_get(group, "guests")),
                         GUESTS / VERSIONS + (number < GUESTS % VERSIONS));
    }
    json_decref(root);
    end();
}
END_TEST

START_TEST(what_is_noted_of_a_host_stands_in_every_format)
{
    json_t *root;
    const json_t *findings;

    options = (struct drift_report_options){ .host_silent_ns = NS_PER_S };
    begin();
    add_host(1, "PROD-A", "0.9.0");
    add_host(2, "PROD-A", "0.10.0");
    drift_report_heard(r, "HOST-1", T0 - 10 * NS_PER_S);
    drift_report_heard(r, "HOST-2", T0);
    ck_assert_int_eq(drift_report_note(r, "HOST-1", "gap", T0, "12 events are gone", NULL), 0);
    ck_assert_int_eq(drift_report_note(r, "HOST-9", "gap", T0, "about nobody", NULL), 0);
    finish();
    root = as_json();
    findings = json_object_get(json_array_get(json_object_get(root, "hosts"), 0), "findings");
    ck_assert_uint_eq(json_array_size(findings), 3);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(findings, 0), "kind")), "silent-host");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(findings, 1), "kind")), "old-agent");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(findings, 2), "kind")), "gap");
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(json_object_get(root, "hosts"), 1), "findings")),
                      0);
    json_decref(root);
    for (int format = REPORT_TEXT; format <= REPORT_HTML; format++) {
        buf_clear(&out);
        ck_assert_int_eq(hosts_report_render(r, (enum report_format)format, NULL, &out, NULL), 0);
        ck_assert_ptr_nonnull(strstr(buf_text(&out), "12 events are gone"));
        ck_assert_ptr_nonnull(strstr(buf_text(&out), "no word for 10 s"));
        ck_assert_ptr_nonnull(
            strstr(buf_text(&out), "its agent is version 0.9.0, while the newest in the fleet is 0.10.0"));
    }
    end();
}
END_TEST

START_TEST(the_hosts_report_has_no_list_to_upgrade)
{
    struct err e;

    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    finish();
    ck_assert_int_eq(hosts_report_render(r, REPORT_ANSIBLE, NULL, &out, &e), ERR_UNSUPPORTED);
    ck_assert_int_eq(hosts_report_render(r, REPORT_SCCM, NULL, &out, &e), ERR_UNSUPPORTED);
    ck_assert_uint_eq(out.len, 0);
    end();
}
END_TEST

/* ---- HTML ------------------------------------------------------------------------ */

static const char *after(const char *text, const char *what)
{
    const char *found = strstr(text, what);

    ck_assert_msg(found != NULL, "there is no %s", what);
    return found + strlen(what);
}

START_TEST(names_in_html_stay_text)
{
    static const char *const names[] = { HOSTILE, "'><img src=x onerror=alert(1)>", "&lt;b&gt;", "</style><b>" };
    const char *page;

    options = (struct drift_report_options){ .cluster = HOSTILE };
    begin();
    add_host(1, HOSTILE, "0.1.0");
    for (int i = 0; i < 4; i++)
        add_guest(i, 1, names[i], names[i], OLD);
    ck_assert_int_eq(drift_report_note(r, "HOST-1", "gap", T0, HOSTILE, NULL), 0);
    finish();
    page = after(rendered(REPORT_HTML), "</style>");
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_null(strstr(page, names[i]));
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_null(strstr(page, "<img"));
    ck_assert_ptr_null(strstr(page, "<b>"));
    ck_assert_ptr_null(strstr(page, "</style>"));
    ck_assert_ptr_nonnull(strstr(page, "&#34;&#62;&#60;script&#62;alert(1)"));
    ck_assert_ptr_nonnull(strstr(page, "&#38;lt;b&#38;gt;"));
    end();
}
END_TEST

START_TEST(a_page_needs_nothing_from_elsewhere_and_opens_and_closes_its_tags)
{
    static const char *const tags[] = { "html",  "head", "body", "main", "header", "section", "table", "thead",
                                        "tbody", "tr",   "td",   "th",   "style",  "title",   "div",   "caption" };
    const char *page;

    options = (struct drift_report_options){ .since_ns = 1, .has_history = true };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    add_guest(1, 1, "one", "one.example.com", OLD);
    finish();
    page = rendered(REPORT_HTML);
    ck_assert_ptr_nonnull(strstr(page, "default-src 'none'"));
    ck_assert_ptr_null(strstr(page, "http://"));
    ck_assert_ptr_null(strstr(page, "https://"));
    ck_assert_ptr_null(strstr(page, "url("));
    ck_assert_ptr_null(strstr(page, " style="));
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        char open[16], close[16];
        int opened = 0, closed = 0;

        snprintf(open, sizeof open, "<%s", tags[i]);
        snprintf(close, sizeof close, "</%s>", tags[i]);
        for (const char *p = page; (p = strstr(p, open)) != NULL; p += strlen(open))
            opened += p[strlen(open)] == '>' || p[strlen(open)] == ' ';
        for (const char *p = page; (p = strstr(p, close)) != NULL; p += strlen(close))
            closed++;
        ck_assert_msg(opened > 0 && opened == closed, "<%s>: %d opened, %d closed", tags[i], opened, closed);
    }
    end();
}
END_TEST

/* ---- for upgrading tools ----------------------------------------------------------- */

START_TEST(the_inventory_lists_the_windows_guests_to_upgrade_by_state)
{
    const char *text;

    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    add_guest(1, 1, "one", "one.example.com", OLD);
    add_guest(2, 1, "two", "two.example.com", EXPECTED);
    finish();
    text = after(rendered(REPORT_ANSIBLE), "    hvfleet_behind:\n      hosts:\n        \"one.example.com\":\n");
    ck_assert_ptr_nonnull(strstr(text, "          hvfleet_expected_version: !unsafe \"" EXPECTED "\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "          hvfleet_action: !unsafe \"When the guest"));
    ck_assert_ptr_null(strstr(rendered(REPORT_ANSIBLE), "two.example.com"));
    end();
}
END_TEST

START_TEST(an_inventory_without_guests_is_still_one)
{
    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    finish();
    ck_assert_ptr_nonnull(strstr(rendered(REPORT_ANSIBLE), "all:\n  hosts: {}\n"));
    ck_assert_str_eq(strchr(rendered(REPORT_SCCM), '\n') + 1, "");
    end();
}
END_TEST

START_TEST(a_windows_without_an_upgrade_for_its_host_is_not_listed)
{
    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    host_os = "10.0.20348.2322";
    add_host(1, "PROD-B", "0.1.0");
    host_os = "6.3.9600.20778";
    add_guest(1, 1, "newer", "newer.example.com", OLD);
    guest_init(&guest, id_of(2));
    snprintf(guest.host_id, sizeof guest.host_id, "HOST-1");
    guest.power = POWER_RUNNING;
    guest.inventory_time = guest.last_seen = guest.host_time = T0;
    set_item(KVP_FQDN, "older.example.com");
    set_item(KVP_OS_VERSION, "6.0.6002");
    set_item(KVP_OS_PLATFORM_ID, "2");
    set_item(KVP_IS_VERSION, OLD);
    ck_assert_int_eq(drift_report_guest(r, &guest, NULL), 0);
    finish();
    ck_assert_ptr_nonnull(strstr(rendered(REPORT_TEXT), "Windows 6.0 is not supported as a guest"));
    ck_assert_ptr_nonnull(strstr(rendered(REPORT_ANSIBLE), "newer.example.com"));
    ck_assert_ptr_null(strstr(rendered(REPORT_ANSIBLE), "older.example.com"));
    ck_assert_ptr_null(strstr(rendered(REPORT_SCCM), "older.example.com"));
    end();
}
END_TEST

START_TEST(names_that_are_none_or_anothers_stand_under_the_vm_id)
{
    static const char *const refused[] = { "localhost",
                                           "LOCALHOST",
                                           "all",
                                           "a b",
                                           "a:\n  evil",
                                           "web[1:9]",
                                           "10.0.0.1",
                                           "{{ x }}",
                                           "-a",
                                           "a-",
                                           "a..b",
                                           ".a",
                                           "a.",
                                           "",
                                           "twin.example.com",
                                           "TWIN.example.com",
                                           "sn\xC3\xB6w",
                                           "third.example.com",
                                           "Third.example.com",
                                           "third.EXAMPLE.com" };
    const char *text;
    int count = 0;

    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        add_guest((int)i, 1, "vm", refused[i], OLD);
    add_guest(100, 1, "vm", "true", OLD);
    finish();
    text = rendered(REPORT_ANSIBLE);
    for (const char *p = text; (p = strstr(p, "\n        \"")) != NULL; p++) {
        bool id = strncmp(p + 10, "B0000000-", 9) == 0;

        ck_assert_msg(id || strncmp(p + 10, "true\":", 6) == 0, "%.60s", p);
        count++;
    }
    ck_assert_int_eq(count, (int)(sizeof refused / sizeof refused[0]) + 1);
    end();
}
END_TEST

START_TEST(values_in_the_inventory_cannot_leave_their_string)
{
    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    add_guest(1, 1, "{{ lookup('pipe','id') }}\" \\ x", "one.example.com", OLD);
    finish();
    ck_assert_ptr_nonnull(
        strstr(rendered(REPORT_ANSIBLE), "hvfleet_vm_name: !unsafe \"{{ lookup('pipe','id') }}\\\" \\\\ x\"\n"));
    end();
}
END_TEST

START_TEST(the_list_of_computers_is_csv_without_formulas)
{
    const char *text;

    options = (struct drift_report_options){ .since_ns = 0 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    add_guest(1, 1, "=cmd|' /C calc'!A0", "one.example.com", OLD);
    add_guest(2, 1, "two", "not a name", OLD);
    finish();
    text = rendered(REPORT_SCCM);
    ck_assert_ptr_eq(strstr(text, "Name,FQDN,VMName,VMId,VMHost,Cluster,State,GuestVersion,ExpectedVersion,Action\r\n"),
                     text);
    ck_assert_ptr_nonnull(strstr(text, "\r\none,one.example.com,\"'=cmd|' /C calc'!A0\",B0000000-"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\"\",,two,B0000000-"));
    end();
}
END_TEST

START_TEST(words_of_formats_are_read)
{
    static const char *const words[] = { "text", "json", "csv", "html", "ansible", "sccm" };
    enum report_format format;

    for (int i = 0; i < 6; i++) {
        ck_assert(report_format_parse(words[i], &format));
        ck_assert_int_eq((int)format, i);
        ck_assert_ptr_nonnull(strchr(report_format_type(format), '/'));
    }
}
END_TEST

/* ---- escaping --------------------------------------------------------------------- */

enum { NAME_LEN_MAX = 50 };

/* A name of that length with the sign at one place in it. */
static void name_with(char *name, char sign, int place, int len)
{
    memset(name, 'n', (size_t)len);
    name[place] = sign;
    name[len] = '\0';
}

/* A report whose guests have the sign at each place of a name of that length. */
static void begin_with(char sign, int len)
{
    options = (struct drift_report_options){ 0 };
    begin();
    add_host(1, "PROD-A", "0.1.0");
    for (int place = 0; place < len; place++) {
        char name[NAME_LEN_MAX + 1];

        name_with(name, sign, place, len);
        add_guest(place, 1, name, "", OLD);
    }
    finish();
}

/* Is the name in the report, with what the sign becomes there? */
static void assert_written(const char *report, const char *open, const char *sign, const char *close, int place,
                           int len)
{
    char written[128];

    snprintf(written, sizeof written, "%s%.*s%s%.*s%s", open, place,
             "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", sign, len - place - 1,
             "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", close);
    ck_assert_msg(strstr(report, written) != NULL, "no %s", written);
}

START_TEST(a_sign_is_escaped_wherever_it_stands)
{
    static const struct {
        enum report_format format;
        char sign;
        const char *open, *becomes, *close;
    } all[] = {
        { REPORT_JSON, '"', "\"vm_name\":\"", "\\\"", "\"," },
        { REPORT_JSON, '\\', "\"vm_name\":\"", "\\\\", "\"," },
        { REPORT_JSON, 0x1f, "\"vm_name\":\"", "\\u001f", "\"," },
        { REPORT_JSON, ' ', "\"vm_name\":\"", " ", "\"," },
        { REPORT_CSV, '"', ",\"", "\"\"", "\"," },
        { REPORT_CSV, ',', ",\"", ",", "\"," },
        { REPORT_CSV, ';', ",", ";", "," },
        { REPORT_HTML, '<', ">", "&#60;", "</th>" },
        { REPORT_HTML, '\'', ">", "&#39;", "</th>" },
        { REPORT_HTML, '=', ">", "=", "</th>" },
        { REPORT_ANSIBLE, '"', "hvfleet_vm_name: !unsafe \"", "\\\"", "\"\n" },
        { REPORT_ANSIBLE, '\\', "hvfleet_vm_name: !unsafe \"", "\\\\", "\"\n" },
        { REPORT_ANSIBLE, ',', "hvfleet_vm_name: !unsafe \"", ",", "\"\n" },
        { REPORT_SCCM, '"', ",\"", "\"\"", "\"," },
        { REPORT_SCCM, '\'', ",", "'", "," },
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (int len = 1; len <= NAME_LEN_MAX; len++) {
            const char *report;

            begin_with(all[i].sign, len);
            report = rendered(all[i].format);
            for (int place = 0; place < len; place++)
                assert_written(report, all[i].open, all[i].becomes, all[i].close, place, len);
            end();
        }
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, new_solved_changed_unchanged_and_gone_are_told_apart);
    suite_test(s, without_a_history_nothing_is_compared);
    suite_test(s, guests_are_counted_by_cluster_host_os_and_version);
    suite_test(s, each_of_many_versions_is_counted_by_itself);
    suite_test(s, what_is_noted_of_a_host_stands_in_every_format);
    suite_test(s, the_hosts_report_has_no_list_to_upgrade);
    suite_test(s, names_in_html_stay_text);
    suite_test(s, a_page_needs_nothing_from_elsewhere_and_opens_and_closes_its_tags);
    suite_test(s, the_inventory_lists_the_windows_guests_to_upgrade_by_state);
    suite_test(s, an_inventory_without_guests_is_still_one);
    suite_test(s, a_windows_without_an_upgrade_for_its_host_is_not_listed);
    suite_test(s, names_that_are_none_or_anothers_stand_under_the_vm_id);
    suite_test(s, values_in_the_inventory_cannot_leave_their_string);
    suite_test(s, the_list_of_computers_is_csv_without_formulas);
    suite_test(s, words_of_formats_are_read);
    suite_test(s, a_sign_is_escaped_wherever_it_stands);
}

int main(void)
{
    return suite_main("report: forms", add);
}
