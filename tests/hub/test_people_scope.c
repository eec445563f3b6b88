/* Whom each path of the hub is for: every route is asked without a login, and as a person who may see one
 * of two clusters, in whose answers nothing of the other may be. */
#include "base/text.h"
#include "base/times.h"
#include "hub/exchange.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_people.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OS     "6.3.9600.20778"
#define E1     "6.3.9600.18692"
#define OURS   "PROD-A"
#define THEIRS "ZEBRA-CL"
#define OUR_VM "B0000000-0000-4000-8000-000000000001"
#define VM     "2EB2A000-0000-4000-8000-000000000007"
#define HOST   "OKAPI-HOST"
#define MODULE "tapirdrv.sys"
#define AGENT  "5A5A5A5A-0000-4000-8000-000000000007"
#define MINUTE (60 * NS_PER_S)

static char their_incident[INCIDENT_ID_CHARS + 1], our_incident[INCIDENT_ID_CHARS + 1];

/* Any of these in an answer is of the other cluster. */
static const char *const marks[] = { "zebra", "okapi", "lemur", "tapir", "2EB2A000", "5A5A5A5A", their_incident };

/* ---- a fleet of two clusters ------------------------------------------------------------- */

static struct observation *about(struct made *m, enum obs_kind kind, int64_t time, const char *vm, const char *name)
{
    struct observation *o = made_add(m, kind, time);

    obs_str(o, ATTR_VM_ID, vm);
    obs_str(o, ATTR_VM_NAME, name);
    return o;
}

static void add_guest(struct made *m, int64_t time, const char *vm, const char *name, const char *os)
{
    struct observation *o = about(m, OBS_GUEST_INVENTORY, time, vm, name);

    obs_str(o, ATTR_VM_POWER, "running");
    obs_int(o, ATTR_VM_ENABLED_STATE, 2);
    obs_str(o, ATTR_KVP_PREFIX "OSName", os);
    obs_str(o, ATTR_KVP_PREFIX "OSVersion", "6.3.9600");
    obs_str(o, ATTR_KVP_PREFIX "OSPlatformId", "2");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "9");
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", "6.3.9600.16384");
}

static void add_crash(struct made *m, int64_t time, const char *vm, const char *name, const char *module)
{
    struct observation *o = about(m, OBS_GUEST_CRASH, time, vm, name);
    char key[OBS_KEY_MAX], at[TIMES_TEXT_MAX];

    for (int dump = 0; dump < 2; dump++) {
        obs_str(o, ATTR_CRASH_KIND, "bugcheck");
        obs_str(o, ATTR_CRASH_CODE, "0x000000d1");
        for (int n = 1; n <= 4; n++) {
            snprintf(key, sizeof key, ATTR_CRASH_PARAM_N, n);
            obs_str(o, key, "0x0000000000000010");
        }
        if (dump == 1)
            break;
        obs_int(o, ATTR_EVENT_ID, 18590);
        o = about(m, OBS_GUEST_DUMP, time + MINUTE, vm, name);
        obs_str(o, ATTR_DUMP_PATH, name);
        obs_str(o, ATTR_DUMP_STATUS, "ok");
        obs_str(o, ATTR_DUMP_TIME, times_format(time, at));
        obs_str(o, ATTR_DUMP_CULPRIT, module);
        obs_str(o, ATTR_DUMP_CULPRIT_KIND, "driver");
        obs_str(o, ATTR_DUMP_CULPRIT_MODULE, module);
        obs_str(o, ATTR_DUMP_CULPRIT_CONFIDENCE, "exact");
    }
}

struct place {
    const char *cluster, *host_id, *host_name, *agent_id, *vm, *vm_name, *os, *module;
};

/* Numbered from 3, so that two are missing: a finding about the host. */
static void add_place(struct fleet_store *s, const struct place *p, int64_t time)
{
    struct resource who = made_agent(1, p->cluster, OS, E1);
    struct made m;

    text_copy(who.host_id, sizeof who.host_id, p->host_id);
    text_copy(who.host_name, sizeof who.host_name, p->host_name);
    text_copy(who.agent_id, sizeof who.agent_id, p->agent_id);
    made_init(&m, 3);
    made_host_inventory(&m, &who, time);
    add_guest(&m, time, p->vm, p->vm_name, p->os);
    add_crash(&m, time + MINUTE, p->vm, p->vm_name, p->module);
    made_apply(s, &m, &who);
    made_free(&m);
}

static bool take_id(void *arg, struct fleet_incident *f)
{
    const char *cluster = f->incident->cluster;

    (void)arg;
    text_copy(strcmp(cluster, OURS) == 0 ? our_incident : their_incident, sizeof our_incident, f->incident->id);
    incident_free(f->incident);
    return true;
}

/* The hub makes incidents too; whoever comes first has made them. */
static void make_incidents(struct fleet_store *s, struct test_clock *clock)
{
    struct fleet_incident_query q;
    struct err e = { 0 };
    bool more = true;

    clock->now += 1440 * MINUTE;
    fleet_incident_query_all(&q);
    while (more)
        ck_assert_msg(fleet_store_upkeep(s, &more, &e) == 0, "%s", e.text);
    ck_assert_msg(fleet_store_incidents(s, &q, take_id, NULL, &e) == 0, "%s", e.text);
    ck_assert_int_eq((int)strlen(our_incident), INCIDENT_ID_CHARS);
    ck_assert_int_eq((int)strlen(their_incident), INCIDENT_ID_CHARS);
}

static void add_fleet(const struct running *r)
{
    const struct place ours = { OURS,   "HOST-A",      "HV-A",        "A0000000-0000-4000-8000-000000000001",
                                OUR_VM, "alpha-guest", "Windows (A)", "alphadrv.sys" };
    const struct place theirs = { THEIRS, HOST, "OKAPI-HV", AGENT, VM, "lemur-guest", "Lemur OS", MODULE };
    struct test_clock clock;
    struct fleet_store *s;

    test_clock_init(&clock);
    clock.now = people_now();
    s = open_store(r->store, &clock.clock);
    add_place(s, &ours, clock.now - 120 * MINUTE);
    add_place(s, &theirs, clock.now - 120 * MINUTE);
    make_incidents(s, &clock);
    fleet_store_close(s);
}

/* ---- all that can be asked ------------------------------------------------------------------ */

struct asked {
    const char *path;
    int status;        /* for somebody who sees OURS; 0 any but 5xx */
    bool tells_theirs; /* to somebody who sees all */
};

/* %i, %o: their incident and ours.  A path that says the other cluster's names itself gets them back in a form's
 * fields or the like; what it says is not looked for in its answer. */
static const struct asked asked[] = {
    { "/", 200, true },
    { "/?sort=drifted", 200, true },
    { "/guests", 200, true },
    { "/guests?q=guest", 200, true },
    { "/guests?format=csv", 200, true },
    { "/guests?format=json", 200, true },
    { "/guests?sort=host&order=desc", 200, true },
    { "/guests?after=" OUR_VM, 200, true },
    { "/cluster/", 200, false },
    { "/cluster/" OURS, 200, false },
    { "/cluster/prod-a", 200, false },
    { "/cluster/" THEIRS, 404, true },
    { "/cluster/" THEIRS "?format=json", 404, true },
    { "/cluster/" THEIRS "?format=csv", 404, true },
    { "/host/HOST-A", 200, false },
    { "/host/" HOST, 404, true },
    { "/host/" HOST "?format=json", 404, true },
    { "/guest/" OUR_VM, 200, false },
    { "/guest/" VM, 404, true },
    { "/incidents", 200, true },
    { "/incidents?order=asc", 200, true },
    { "/incidents?cluster=" THEIRS, 200, true },
    { "/incidents?host=" HOST, 200, true },
    { "/incidents?vm=" VM, 200, true },
    { "/incidents?module=" MODULE, 200, true },
    { "/incidents?code=0xd1", 200, true },
    { "/incident/%o", 200, false },
    { "/incident/%i", 404, true },
    { "/api/v1/incidents/%o", 200, false },
    { "/api/v1/incidents/%i", 404, true },
    { "/api/v1/reports/drift", 200, true },
    { "/api/v1/reports/drift?format=csv", 200, true },
    { "/api/v1/reports/drift?format=text", 200, true },
    { "/api/v1/reports/drift?format=html", 200, true },
    { "/api/v1/reports/drift?format=ansible", 200, true },
    { "/api/v1/reports/drift?format=sccm", 200, true },
    { "/api/v1/reports/drift?since=7d", 200, true },
    { "/api/v1/reports/drift?cluster=" OURS, 200, false },
    { "/api/v1/reports/drift?cluster=" THEIRS, 200, true },
    { "/api/v1/reports/hosts", 200, true },
    { "/api/v1/reports/hosts?format=csv", 200, true },
    { "/api/v1/reports/hosts?format=text", 200, true },
    { "/api/v1/reports/hosts?format=html", 200, true },
    { "/api/v1/reports/hosts?cluster=" THEIRS, 200, true },
    { "/api/v1/reports/incidents", 200, true },
    { "/api/v1/reports/incidents?format=csv", 200, true },
    { "/api/v1/reports/incidents?format=text", 200, true },
    { "/api/v1/reports/incidents?format=html", 200, true },
    { "/api/v1/reports/incidents?limit=1", 200, false },
    { "/api/v1/reports/incidents?since=7d", 200, true },
    { "/api/v1/reports/incidents?cluster=" THEIRS, 200, true },
    { "/api/v1/reports/incidents?host=" HOST, 200, true },
    { "/api/v1/reports/incidents?vm=" VM, 200, true },
    { "/api/v1/reports/incidents?module=" MODULE, 200, true },
    { "/api/v1/reports/incidents?after=%o", 200, false },
    { "/api/v1/reports/incidents?after=%i", 400, false },
    { "/api/v1/history/changes", 200, true },
    { "/api/v1/history/changes?limit=1", 200, false },
    { "/api/v1/history/changes?vm=" VM, 200, true },
    { "/api/v1/history/changes?host=" HOST, 200, true },
    { "/api/v1/history/changes?cluster=" THEIRS, 200, true },
    { "/api/v1/history/days", 200, false },
    { "/api/v1/history/days?cluster=" THEIRS, 200, false },
    { "/api/v1/findings", 200, true },
    { "/api/v1/findings?host=" HOST, 200, true },
    { "/api/v1/findings?cluster=" THEIRS, 200, true },
    { "/metrics", 403, false },
    { "/account", 200, false },
    { "/audit", 403, false },
};
enum { ASKED = sizeof asked / sizeof asked[0] };

static const char *path_of(const struct asked *a)
{
    static char path[256];
    const char *mark = strchr(a->path, '%');

    if (mark == NULL)
        return a->path;
    snprintf(path, sizeof path, "%.*s%s", (int)(mark - a->path), a->path,
             mark[1] == 'i' ? their_incident : our_incident);
    return path;
}

static bool says(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (; *text != '\0'; text++) {
        if (text_ncasecmp(text, word, len) == 0)
            return true;
    }
    return false;
}

/* The first mark of the other cluster in the text that the path does not say itself; NULL none. */
static const char *mark_in(const char *text, const char *path)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!says(path, marks[i]) && says(text, marks[i]))
            return marks[i];
    }
    return NULL;
}

static struct answer ask(const struct running *r, const char *path, const char *header)
{
    struct call call = { .path = path, .headers = { header } };
    struct answer a;

    call_hub(r, &call, &a);
    return a;
}

/* ---- the tests ------------------------------------------------------------------------------- */

START_TEST(nobody_sees_any_route_without_a_login_but_those_that_are_meant_for_all)
{
    static const char *const public[] = { "GET /livez",   "GET /readyz",  "GET /login",     "POST /login",
                                          "POST /logout", "GET /assets/", "POST /v1/enroll" };
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, true);
    for (const struct route *route = server_routes; route->path != NULL; route++) {
        char name[256], path[256];
        bool open = false;
        int status;

        snprintf(name, sizeof name, "%s %s", route->method, route->path);
        snprintf(path, sizeof path, "%s%s", route->path, (route->how & ROUTE_BELOW) != 0 ? "0123456789abcdef" : "");
        for (size_t i = 0; i < sizeof public / sizeof public[0]; i++)
            open = open || strcmp(public[i], name) == 0;
        ck_assert_msg(open == (route->access == ACCESS_OPEN), "%s: open %d", name, route->access == ACCESS_OPEN);
        if (open)
            continue;
        status = status_of(&r, &(struct call){ .method = route->method, .path = path });
        ck_assert_msg(status == ((route->how & ROUTE_PAGE) != 0 ? 303 : 401), "%s: %d", name, status);
        status = status_of(&r, &(struct call){ .method = route->method,
                                               .path = path,
                                               .headers = { "Authorization: Bearer hvt_0123456789abcdef0123456789abcdef"
                                                            "0123456789abcdef0123456789abcdef" } });
        ck_assert_msg(status == 401, "%s with a token that is none: %d", name, status);
    }
    hub_end(&r);
}
END_TEST

START_TEST(every_route_for_people_is_asked_for_in_this_test)
{
    for (const struct route *route = server_routes; route->path != NULL; route++) {
        bool found = strcmp(route->method, "GET") != 0 || route->access == ACCESS_OPEN;

        for (size_t i = 0; !found && i < ASKED; i++) {
            char path[256];
            const char *allow;

            text_copy(path, sizeof path, asked[i].path);
            path[strcspn(path, "?")] = '\0';
            found = route_find(path, "GET", &allow) == route;
        }
        ck_assert_msg(found, "%s %s is not looked at", route->method, route->path);
    }
}
END_TEST

START_TEST(who_may_see_one_cluster_sees_nothing_of_another_on_any_path)
{
    struct running r;
    char limited[128], whole[128];

    hub_run(&r, PEOPLE_CLOSED "report:\n  host_silent_after: 1h\n", false);
    add_fleet(&r);
    people_add(&r, "anna", ROLE_VIEWER, "prod-a");
    people_add(&r, "bert", ROLE_VIEWER, "");
    text_copy(limited, sizeof limited, people_bearer(&r, "anna"));
    text_copy(whole, sizeof whole, people_bearer(&r, "bert"));
    for (size_t i = 0; i < ASKED; i++) {
        const char *path = path_of(&asked[i]), *mark;
        struct answer a = ask(&r, path, limited);

        ck_assert_msg(a.status == asked[i].status, "%s: %d\n%s", path, a.status, buf_text(&a.body));
        mark = mark_in(buf_text(&a.body), path);
        ck_assert_msg(mark == NULL, "%s tells %s:\n%s", path, mark, buf_text(&a.body));
        ck_assert_ptr_null(mark_in(buf_text(&a.head), path));
        answer_free(&a);
        a = ask(&r, path, whole);
        ck_assert_msg(!asked[i].tells_theirs || mark_in(buf_text(&a.body), path) != NULL, "%s tells nothing:\n%s", path,
                      buf_text(&a.body));
        answer_free(&a);
    }
    hub_end(&r);
}
END_TEST

START_TEST(who_may_see_one_cluster_sees_all_of_it)
{
    static const struct {
        const char *path, *has;
    } ours[] = {
        { "/", "\"/cluster/PROD-A\"" },
        { "/guests?format=csv", "alpha-guest" },
        { "/guests?format=json", "\"count\":1," },
        { "/cluster/PROD-A", "HV-A" },
        { "/host/HOST-A", "alpha-guest" },
        { "/guest/" OUR_VM, "Windows (A)" },
        { "/incidents", "alphadrv.sys" },
        { "/api/v1/reports/drift", "\"guests\":1," },
        { "/api/v1/reports/hosts", "HV-A" },
        { "/api/v1/reports/incidents", "\"alphadrv.sys\"" },
        { "/api/v1/history/changes", "\"cluster\":\"PROD-A\"" },
        { "/api/v1/history/days", "\"behind\":1" },
        { "/api/v1/findings", "sequence-hole" },
        { "/account", "<bdi>PROD-A</bdi>" },
    };
    struct running r;
    char limited[128];

    hub_run(&r, PEOPLE_CLOSED, false);
    add_fleet(&r);
    people_add(&r, "anna", ROLE_VIEWER, "OTHER\nPROD-A");
    text_copy(limited, sizeof limited, people_bearer(&r, "anna"));
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        struct answer a = ask(&r, ours[i].path, limited);

        ck_assert_int_eq(a.status, 200);
        ck_assert_msg(strstr(buf_text(&a.body), ours[i].has) != NULL, "%s lacks %s:\n%s", ours[i].path, ours[i].has,
                      buf_text(&a.body));
        answer_free(&a);
    }
    hub_end(&r);
}
END_TEST

START_TEST(a_change_of_the_account_holds_from_the_next_request)
{
    struct running r;
    char token[128];

    hub_run(&r, PEOPLE_CLOSED, false);
    add_fleet(&r);
    people_add(&r, "anna", ROLE_VIEWER, "");
    text_copy(token, sizeof token, people_bearer(&r, "anna"));
    ck_assert_int_eq(people_get(&r, "/host/" HOST, token), 200);
    people_add(&r, "anna", ROLE_VIEWER, OURS);
    ck_assert_int_eq(people_get(&r, "/host/" HOST, token), 404);
    people_add(&r, "anna", ROLE_VIEWER, OURS "\n" THEIRS);
    ck_assert_int_eq(people_get(&r, "/host/" HOST, token), 200);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, nobody_sees_any_route_without_a_login_but_those_that_are_meant_for_all);
    suite_test(s, every_route_for_people_is_asked_for_in_this_test);
    suite_test(s, who_may_see_one_cluster_sees_nothing_of_another_on_any_path);
    suite_test(s, who_may_see_one_cluster_sees_all_of_it);
    suite_test(s, a_change_of_the_account_holds_from_the_next_request);
}

int main(void)
{
    return suite_main("hub: what people see", add);
}
