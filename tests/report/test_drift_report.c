/* The drift report: one model, three renderings that say the same. */
#include "base/times.h"
#include "report/drift_report.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(seconds) (INT64_C(1706688000000000000) + (int64_t)(seconds)*1000000000)
#define DAY         (INT64_C(86400) * NS_PER_S)

static struct fleet *f;
static struct obs_batch batch;
static struct drift_report *r;
static struct buf out;
static struct drift_report_options options;

/* ---- a small fleet ------------------------------------------------------ */

static struct resource host(const char *name, const char *cluster, const char *os_version, const char *is_win6x)
{
    struct resource res = { .agent_version = "0.1.0" };

    snprintf(res.host_id, sizeof res.host_id, "id-%s", name);
    snprintf(res.host_name, sizeof res.host_name, "%s", name);
    snprintf(res.cluster, sizeof res.cluster, "%s", cluster);
    snprintf(res.os_version, sizeof res.os_version, "%s", os_version);
    snprintf(res.is_win6x, sizeof res.is_win6x, "%s", is_win6x);
    return res;
}

static void polled(const struct resource *res, int64_t t)
{
    ck_assert_int_eq(fleet_apply(f, res, obs_new(&batch, OBS_HOST_INVENTORY, t, t), NULL), 0);
}

static void vm_id(char *out_id, int number)
{
    snprintf(out_id, GUID_TEXT_MAX, "00000000-0000-0000-0000-%012d", number);
}

static void guest(const struct resource *res, int number, const char *name, const char *os, const char *is)
{
    struct observation *o = obs_new(&batch, OBS_GUEST_INVENTORY, AT(10), AT(10));
    char id[GUID_TEXT_MAX];

    vm_id(id, number);
    obs_str(o, ATTR_VM_ID, id);
    obs_str(o, ATTR_VM_NAME, name);
    obs_str(o, ATTR_VM_POWER, "running");
    obs_str(o, ATTR_KVP_PREFIX "OSVersion", os);
    obs_str(o, ATTR_KVP_PREFIX "OSName", os[0] != '\0' ? "Windows Server" : "Ubuntu");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", os[0] != '\0' ? "9" : "x86_64");
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", is);
    ck_assert_int_eq(fleet_apply(f, res, o, NULL), 0);
}

static void change(const struct resource *res, int number, const char *word, int64_t t)
{
    struct observation *o = obs_new(&batch, OBS_GUEST_LIFECYCLE, t, t);
    char id[GUID_TEXT_MAX];

    vm_id(id, number);
    obs_str(o, ATTR_VM_ID, id);
    obs_str(o, ATTR_VM_CHANGE, word);
    ck_assert_int_eq(fleet_apply(f, res, o, NULL), 0);
}

#define EXPECTED "6.3.9600.18692"
#define OLD      "6.3.9600.16384"

static void begin(void)
{
    struct resource hv01 = host("HV01", "PROD-A", "6.3.9600.20778", EXPECTED);
    struct resource hv02 = host("HV02", "PROD-A", "6.3.9600.20778", OLD);
    struct resource hv11 = host("HV11", "PROD-B", "10.0.20348.2322", "");
    struct resource lab = host("LAB", "", "6.3.9600.1", "");

    f = fleet_new(NULL);
    obs_batch_init(&batch, 16 * 1024 * 1024);
    buf_init(&out, 16 * 1024 * 1024);
    options = (struct drift_report_options){ .now_ns = AT(3600) };
    polled(&hv01, AT(60));
    polled(&hv02, AT(60));
    polled(&hv11, AT(60));
    polled(&lab, AT(60));
    guest(&hv01, 1, "web01", "6.3.9600", EXPECTED);
    guest(&hv01, 2, "web02", "6.3.9600", OLD);
    guest(&hv01, 3, "linux01", "", "3.1");
    guest(&hv02, 4, "db01", "6.3.9600", EXPECTED);
    guest(&hv11, 5, "app01", "10.0.20348", "10.0.20348.2322");
    guest(&hv11, 6, "app02", "10.0.20348", "10.0.20348.1");
    guest(&hv11, 7, "gone", "10.0.20348", "10.0.20348.1");
    guest(&lab, 8, "=cmd|' /C calc'!A0", "6.3.9600", EXPECTED);
    change(&hv11, 7, "removed", AT(20));
    change(&hv01, 1, "saved", AT(30));
    fleet_evaluate(f);
}

static void build(void)
{
    struct err e = { .code = 0 };

    ck_assert_msg(drift_report_of_fleet(&r, f, &options, &e) == 0, "%s", e.text);
}

static void end(void)
{
    drift_report_free(r);
    r = NULL;
    fleet_free(f);
    obs_batch_free(&batch);
    buf_free(&out);
}

/* ---- looking at JSON ---------------------------------------------------- */

static json_t *render_json(void)
{
    json_error_t why;
    json_t *root;

    buf_clear(&out);
    ck_assert_int_eq(drift_report_render(r, REPORT_JSON, NULL, &out, NULL), 0);
    root = json_loadb(out.data, out.len, 0, &why);
    ck_assert_msg(root != NULL, "%s at %d", why.text, why.position);
    return root;
}

static const json_t *member(const json_t *root, const char *list, const char *key, const char *value)
{
    const json_t *array = json_object_get(root, list);

    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *o = json_array_get(array, i);
        const char *found = json_string_value(json_object_get(o, key));

        if (found != NULL && strcmp(found, value) == 0)
            return o;
    }
    ck_abort_msg("no %s with %s '%s'", list, key, value);
    return NULL;
}

#define text_of(o, key) json_string_value(json_object_get((o), (key)))

START_TEST(the_json_holds_what_others_rely_on)
{
    static const char *const guest_keys[] = { "vm_id",    "vm_name",      "host",          "cluster",
                                              "state",    "rule_row",     "guest_version", "expected_version",
                                              "guest_os", "guest_family", "since",         "last_seen",
                                              "stale",    "reason",       "action",        "evidence" };
    static const char *const host_keys[] = { "host", "cluster", "os_version", "is_version", "last_seen", "finding" };
    const json_t *g, *h;
    json_t *root;

    begin();
    build();
    root = render_json();
    ck_assert_str_eq(text_of(root, "schema"), "hvfleet.report.drift/1");
    ck_assert_str_eq(text_of(root, "generated_at"), "2024-01-31T09:00:00Z");
    g = member(root, "guests", "vm_name", "web02");
    for (size_t i = 0; i < sizeof guest_keys / sizeof *guest_keys; i++)
        ck_assert_msg(json_object_get(g, guest_keys[i]) != NULL, "guest has no %s", guest_keys[i]);
    h = member(root, "hosts", "host", "HV01");
    for (size_t i = 0; i < sizeof host_keys / sizeof *host_keys; i++)
        ck_assert_msg(json_object_get(h, host_keys[i]) != NULL, "host has no %s", host_keys[i]);
    ck_assert_str_eq(text_of(g, "state"), "behind");
    ck_assert_int_eq(json_integer_value(json_object_get(g, "rule_row")), 8);
    ck_assert_str_eq(text_of(g, "guest_version"), OLD);
    ck_assert_str_eq(text_of(g, "expected_version"), EXPECTED);
    ck_assert_str_eq(text_of(g, "guest_family"), "windows");
    ck_assert_str_eq(text_of(g, "since"), "2024-01-31T08:01:00Z"); /* the host's facts are the newest */
    ck_assert_str_eq(text_of(g, "last_seen"), "2024-01-31T08:01:00Z");
    ck_assert(json_is_false(json_object_get(g, "stale")));
    ck_assert_uint_gt(json_array_size(json_object_get(g, "evidence")), 0);
    json_decref(root);
    end();
}
END_TEST

START_TEST(the_summary_counts_every_state)
{
    json_t *root, *by_state;

    begin();
    build();
    root = render_json();
    by_state = json_object_get(json_object_get(root, "summary"), "by_state");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "summary"), "guests")), 7);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "summary"), "hosts")), 4);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "behind")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "current")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "newer-than-host")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "inbox-behind-peers")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "not-applicable")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "unknown")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(by_state, "incompatible")), 0);
    ck_assert_uint_eq(json_object_size(by_state), DRIFT_STATE_COUNT);
    json_decref(root);
    end();
}
END_TEST

START_TEST(the_worst_comes_first)
{
    static const char *const order[] = { "web02", "app02", "db01", "=cmd|' /C calc'!A0", "web01", "app01", "linux01" };
    const json_t *guests;
    json_t *root;

    begin();
    build();
    root = render_json();
    guests = json_object_get(root, "guests");
    ck_assert_uint_eq(json_array_size(guests), sizeof order / sizeof *order);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        ck_assert_str_eq(text_of(json_array_get(guests, i), "vm_name"), order[i]);
    json_decref(root);
    end();
}
END_TEST

START_TEST(peers_decide_at_the_end_whether_given_or_gathered)
{
    struct drift_peers *peers = drift_peers_new();
    struct version os = { { 10, 0, 20348, 0 } }, newest = { { 10, 0, 20348, 9999 } };
    const json_t *g;
    json_t *root;
    size_t count;

    begin();
    build();
    root = render_json();
    g = member(root, "guests", "vm_name", "app02");
    ck_assert_str_eq(text_of(g, "expected_version"), "10.0.20348.2322");
    ck_assert_str_eq(text_of(member(root, "guests", "vm_name", "app01"), "state"), "current");
    json_decref(root);
    drift_report_free(r);
    ck_assert_int_eq(drift_report_new(&r, &options, NULL), 0);
    for (size_t i = 0; i < (fleet_hosts(f, &count), count); i++)
        ck_assert_int_eq(drift_report_host(r, fleet_hosts(f, &count)[i], NULL), 0);
    for (size_t i = 0; i < (fleet_guests(f, &count), count); i++)
        ck_assert_int_eq(drift_report_guest(r, fleet_guests(f, &count)[i], NULL), 0);
    drift_peers_put(peers, &os, &newest);
    drift_report_peers(r, peers);
    ck_assert_int_eq(drift_report_finish(r, NULL), 0);
    root = render_json();
    g = member(root, "guests", "vm_name", "app01");
    ck_assert_str_eq(text_of(g, "state"), "inbox-behind-peers");
    ck_assert_str_eq(text_of(g, "expected_version"), "10.0.20348.9999");
    json_decref(root);
    drift_peers_free(peers);
    end();
}
END_TEST

START_TEST(a_cluster_can_be_asked_for_alone)
{
    json_t *root;

    begin();
    options.cluster = "PROD-B";
    build();
    root = render_json();
    ck_assert_uint_eq(json_array_size(json_object_get(root, "guests")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "hosts")), 1);
    ck_assert_str_eq(text_of(json_array_get(json_object_get(root, "hosts"), 0), "host"), "HV11");
    json_decref(root);
    end();
}
END_TEST

START_TEST(only_what_changed_since_a_time_can_be_asked_for)
{
    json_t *root;

    begin();
    options.since_ns = AT(61);
    build();
    root = render_json();
    ck_assert_uint_eq(json_array_size(json_object_get(root, "guests")), 0);
    json_decref(root);
    end();
}
END_TEST

START_TEST(a_vm_that_is_off_is_stale_and_a_removed_one_is_gone)
{
    json_t *root;

    begin();
    build();
    root = render_json();
    ck_assert(json_is_true(json_object_get(member(root, "guests", "vm_name", "web01"), "stale")));
    ck_assert_str_eq(text_of(member(root, "guests", "vm_name", "web01"), "power"), "saved");
    for (size_t i = 0; i < json_array_size(json_object_get(root, "guests")); i++)
        ck_assert_str_ne(text_of(json_array_get(json_object_get(root, "guests"), i), "vm_name"), "gone");
    json_decref(root);
    end();
}
END_TEST

START_TEST(a_silent_host_is_a_finding_and_makes_its_guests_stale)
{
    json_t *root;

    begin();
    options.now_ns = AT(60) + 3 * DAY;
    options.host_silent_ns = DAY;
    build();
    root = render_json();
    ck_assert_ptr_nonnull(strstr(text_of(member(root, "hosts", "host", "HV01"), "finding"), "no word for 3 d"));
    ck_assert(json_is_true(json_object_get(member(root, "guests", "vm_name", "web02"), "stale")));
    json_decref(root);
    end();
}
END_TEST

START_TEST(nodes_that_differ_from_the_newest_of_their_cluster_are_findings)
{
    json_t *root;
    const char *finding;

    begin();
    build();
    root = render_json();
    finding = text_of(member(root, "hosts", "host", "HV02"), "finding");
    ck_assert_str_eq(finding, "expects " OLD " of 6.x guests, while HV01 of the same cluster expects " EXPECTED);
    ck_assert(json_is_null(json_object_get(member(root, "hosts", "host", "HV01"), "finding")));
    ck_assert(json_is_null(json_object_get(member(root, "hosts", "host", "HV11"), "finding")));
    finding = text_of(member(root, "hosts", "host", "LAB"), "finding");
    ck_assert_str_eq(finding, "does not say which integration services version it expects");
    json_decref(root);
    end();
}
END_TEST

START_TEST(nodes_of_2016_and_later_are_compared_by_build_and_generations_are_told_apart)
{
    struct resource newer = host("HV12", "PROD-B", "10.0.20348.2400", "");
    struct resource mixed = host("HV03", "PROD-A", "10.0.14393.1", "");
    json_t *root;

    begin();
    polled(&newer, AT(60));
    polled(&mixed, AT(60));
    build();
    root = render_json();
    ck_assert_str_eq(text_of(member(root, "hosts", "host", "HV11"), "finding"),
                     "runs 10.0.20348.2322, while HV12 of the same cluster runs 10.0.20348.2400");
    ck_assert_str_eq(text_of(member(root, "hosts", "host", "HV01"), "finding"),
                     "runs Windows 2012 R2, while HV03 of the same cluster runs 2016 or later");
    json_decref(root);
    end();
}
END_TEST

START_TEST(a_guest_of_an_unknown_host_is_listed_with_the_hosts_id)
{
    struct guest g;
    json_t *root;

    begin();
    ck_assert_int_eq(drift_report_new(&r, &options, NULL), 0);
    guest_init(&g, "00000000-0000-0000-0000-000000000001");
    memcpy(g.host_id, "nobody", sizeof "nobody");
    ck_assert_int_eq(drift_report_guest(r, &g, NULL), 0);
    ck_assert_int_eq(drift_report_finish(r, NULL), 0);
    root = render_json();
    ck_assert_str_eq(text_of(json_array_get(json_object_get(root, "guests"), 0), "host"), "nobody");
    ck_assert_str_eq(text_of(json_array_get(json_object_get(root, "guests"), 0), "state"), "unknown");
    ck_assert(json_is_null(json_object_get(json_array_get(json_object_get(root, "guests"), 0), "vm_name")));
    json_decref(root);
    end();
}
END_TEST

/* ---- CSV ---------------------------------------------------------------- */

START_TEST(csv_cells_are_quoted_and_formulas_defused)
{
    const char *text;

    begin();
    build();
    ck_assert_int_eq(drift_report_render(r, REPORT_CSV, NULL, &out, NULL), 0);
    text = buf_text(&out);
    ck_assert_int_eq(strncmp(text, "state,cluster,host,vm_name,vm_id,rule_row,", 42), 0);
    ck_assert_ptr_nonnull(
        strstr(text, "\r\nbehind,PROD-A,HV01,web02,00000000-0000-0000-0000-000000000002,8," OLD "," EXPECTED ","));
    ck_assert_ptr_nonnull(strstr(text, ",\"'=cmd|' /C calc'!A0\","));
    ck_assert_ptr_null(strstr(text, ",=cmd"));
    ck_assert_str_eq(text + out.len - 2, "\r\n");
    end();
}
END_TEST

/* Counts the cells of each line of a CSV text. */
static void same_cells_everywhere(const char *text)
{
    int cells = 1, first = 0;
    bool quoted = false;

    for (; *text != '\0'; text++) {
        if (*text == '"') {
            quoted = !quoted;
        } else if (!quoted && *text == ',') {
            cells++;
        } else if (!quoted && *text == '\n') {
            first = first == 0 ? cells : first;
            ck_assert_int_eq(cells, first);
            cells = 1;
        }
    }
    ck_assert(!quoted);
}

START_TEST(every_csv_line_has_the_same_cells)
{
    struct resource odd = host("a \"quoted\", \n name", "+cluster", "", "");

    begin();
    polled(&odd, AT(60));
    guest(&odd, 20, "", "", "");
    guest(&odd, 21, "-2+3", "6.3.9600", "@x");
    build();
    ck_assert_int_eq(drift_report_render(r, REPORT_CSV, NULL, &out, NULL), 0);
    same_cells_everywhere(buf_text(&out));
    buf_clear(&out);
    ck_assert_int_eq(hosts_report_render(r, REPORT_CSV, NULL, &out, NULL), 0);
    same_cells_everywhere(buf_text(&out));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"'+cluster\""));
    end();
}
END_TEST

/* ---- text --------------------------------------------------------------- */

static int widest(const char *text)
{
    int widest = 0, columns = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\n')
            columns = 0;
        else
            columns += ((unsigned char)*text & 0xC0) != 0x80;
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

static const char *render_text(bool colour, int width)
{
    struct report_style style = { .colour = colour, .width = width };

    buf_clear(&out);
    ck_assert_int_eq(drift_report_render(r, REPORT_TEXT, &style, &out, NULL), 0);
    return buf_text(&out);
}

START_TEST(the_text_groups_by_cluster_and_host_and_says_what_to_do)
{
    const char *text, *a, *b, *advice;

    begin();
    build();
    text = render_text(false, 0);
    ck_assert_ptr_nonnull(strstr(text,
                                 "7 guests on 4 hosts: 1 behind, 1 inbox-behind-peers, 1 newer-than-host, 1 unknown, "
                                 "2 current, 1 not-applicable\n"));
    a = strstr(text, "\nCluster PROD-A\n");
    b = strstr(text, "\nCluster PROD-B\n");
    advice = strstr(text, "\nWhat to do\n");
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_nonnull(advice);
    ck_assert(a < b && b < advice);
    ck_assert_ptr_nonnull(strstr(a, "  HV01  6.3.9600.20778, expects " EXPECTED "\n    behind             web02 "));
    ck_assert_ptr_nonnull(strstr(a, "    1 current, 1 not-applicable\n"));
    ck_assert_ptr_nonnull(strstr(advice, "Setup Disk"));
    ck_assert_ptr_nonnull(strstr(advice, "\nHosts: 2 of 4 with findings\n  LAB\n"));
    end();
}
END_TEST

START_TEST(the_text_fits_a_hundred_columns_and_wraps_below)
{
    begin();
    build();
    ck_assert_int_le(widest(render_text(false, 100)), 100);
    ck_assert_int_gt(widest(render_text(false, 0)), 100);
    end();
}
END_TEST

START_TEST(colour_is_used_only_when_asked_for)
{
    begin();
    build();
    ck_assert_ptr_null(strchr(render_text(false, 100), '\033'));
    ck_assert_ptr_nonnull(strstr(render_text(true, 100), "\033[36mbehind"));
    buf_clear(&out);
    ck_assert_int_eq(drift_report_render(r, REPORT_TEXT, NULL, &out, NULL), 0);
    ck_assert_ptr_null(strchr(buf_text(&out), '\033'));
    end();
}
END_TEST

START_TEST(many_guests_with_the_same_need_are_counted_and_not_all_named)
{
    struct resource hv = host("HV77", "PROD-C", "6.3.9600.20778", EXPECTED);
    char name[16];

    begin();
    polled(&hv, AT(60));
    for (int i = 100; i < 150; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        guest(&hv, i, name, "6.3.9600", OLD);
    }
    build();
    ck_assert_ptr_nonnull(strstr(render_text(false, 0), "  behind (51)\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_text(&out), "web02, vm100, vm101, vm102, vm103, vm104, vm105, vm106 and 43 more\n"));
    end();
}
END_TEST

START_TEST(an_empty_fleet_makes_a_report_too)
{
    f = fleet_new(NULL);
    obs_batch_init(&batch, 1024);
    buf_init(&out, 1024 * 1024);
    options = (struct drift_report_options){ .now_ns = AT(0) };
    build();
    for (int format = REPORT_TEXT; format <= REPORT_CSV; format++) {
        ck_assert_int_eq(drift_report_render(r, (enum report_format)format, NULL, &out, NULL), 0);
        ck_assert_int_eq(hosts_report_render(r, (enum report_format)format, NULL, &out, NULL), 0);
    }
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "0 guests on 0 hosts\n"));
    end();
}
END_TEST

/* ---- hosts, formats, ceilings ------------------------------------------- */

START_TEST(the_hosts_report_lists_every_host_in_every_format)
{
    json_t *root;

    begin();
    build();
    ck_assert_int_eq(hosts_report_render(r, REPORT_TEXT, NULL, &out, NULL), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "\nCluster PROD-B\n  HV11 "));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "2 guests  last heard 2024-01-31T08:01:00Z\n"));
    buf_clear(&out);
    ck_assert_int_eq(hosts_report_render(r, REPORT_JSON, NULL, &out, NULL), 0);
    root = json_loadb(out.data, out.len, 0, NULL);
    ck_assert_str_eq(text_of(root, "schema"), "hvfleet.report.hosts/1");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "hosts")), 4);
    json_decref(root);
    end();
}
END_TEST

START_TEST(a_report_over_the_buffers_ceiling_is_refused)
{
    struct err e;

    begin();
    build();
    for (int format = REPORT_TEXT; format <= REPORT_CSV; format++) {
        buf_free(&out);
        buf_init(&out, 200);
        ck_assert_int_eq(drift_report_render(r, (enum report_format)format, NULL, &out, &e), ERR_TOO_BIG);
    }
    end();
}
END_TEST

START_TEST(formats_are_known_by_their_words)
{
    enum report_format format;

    ck_assert(report_format_parse("json", &format));
    ck_assert_int_eq(format, REPORT_JSON);
    ck_assert(report_format_parse("csv", &format));
    ck_assert(report_format_parse("text", &format));
    ck_assert(!report_format_parse("JSON", &format));
    ck_assert(!report_format_parse("", &format));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_json_holds_what_others_rely_on);
    suite_test(s, the_summary_counts_every_state);
    suite_test(s, the_worst_comes_first);
    suite_test(s, peers_decide_at_the_end_whether_given_or_gathered);
    suite_test(s, a_cluster_can_be_asked_for_alone);
    suite_test(s, only_what_changed_since_a_time_can_be_asked_for);
    suite_test(s, a_vm_that_is_off_is_stale_and_a_removed_one_is_gone);
    suite_test(s, a_silent_host_is_a_finding_and_makes_its_guests_stale);
    suite_test(s, nodes_that_differ_from_the_newest_of_their_cluster_are_findings);
    suite_test(s, nodes_of_2016_and_later_are_compared_by_build_and_generations_are_told_apart);
    suite_test(s, a_guest_of_an_unknown_host_is_listed_with_the_hosts_id);
    suite_test(s, csv_cells_are_quoted_and_formulas_defused);
    suite_test(s, every_csv_line_has_the_same_cells);
    suite_test(s, the_text_groups_by_cluster_and_host_and_says_what_to_do);
    suite_test(s, the_text_fits_a_hundred_columns_and_wraps_below);
    suite_test(s, colour_is_used_only_when_asked_for);
    suite_test(s, many_guests_with_the_same_need_are_counted_and_not_all_named);
    suite_test(s, an_empty_fleet_makes_a_report_too);
    suite_test(s, the_hosts_report_lists_every_host_in_every_format);
    suite_test(s, a_report_over_the_buffers_ceiling_is_refused);
    suite_test(s, formats_are_known_by_their_words);
}

int main(void)
{
    return suite_main("report: drift", add);
}
