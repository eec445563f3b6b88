/* People: who sees pages and reports, signing in and out, tokens of scripts. */
#include "base/text.h"
#include "base/times.h"
#include "hub/commands.h"
#include "tests/hub/support_people.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM "Content-Type: application/x-www-form-urlencoded"

static const char *const people_routes[] = {
    "/metrics",
    "/account",
    "/incidents",
    "/incident/0123456789abcdef",
    "/api/v1/reports/drift",
    "/api/v1/reports/hosts",
    "/api/v1/reports/incidents",
    "/api/v1/incidents/0123456789abcdef",
    "/api/v1/history/changes",
    "/api/v1/history/days",
    "/api/v1/findings",
    "/",
    "/guests",
    "/cluster/",
    "/cluster/A",
    "/host/A",
    "/guest/B0000000-0000-4000-8000-000000000001",
    "/guests?format=csv",
    "/guests?format=json",
};

/* The value of a cookie that the answer sets, "" when it sets none. */
static void cookie_of(const struct answer *a, const char *name, char out[256])
{
    char key[64];
    const char *at;

    snprintf(key, sizeof key, "Set-Cookie: %s=", name);
    at = strstr(buf_text(&a->head), key);
    out[0] = '\0';
    if (at != NULL)
        snprintf(out, 256, "%.*s", (int)strcspn(at + strlen(key), ";\r\n"), at + strlen(key));
}

static void form_token(const struct running *r, char out[256])
{
    struct call call = { .path = "/login" };
    struct answer a;

    call_hub(r, &call, &a);
    ck_assert_int_eq(a.status, 200);
    cookie_of(&a, "hvhub-form", out);
    ck_assert_msg(strlen(out) > 60 && strstr(buf_text(&a.body), out) != NULL, "%s", buf_text(&a.body));
    answer_free(&a);
}

static struct answer post_form(const struct running *r, const char *path, const char *body, const char *cookies,
                               const char *more)
{
    struct call call = { .path = path, .body = body, .len = strlen(body), .headers = { FORM, cookies, more } };
    struct answer a;

    call_hub(r, &call, &a);
    return a;
}

static struct answer sign_in(const struct running *r, const char *name, const char *password)
{
    char token[256], cookie[300], body[1024];

    form_token(r, token);
    snprintf(cookie, sizeof cookie, "Cookie: hvhub-form=%s", token);
    snprintf(body, sizeof body, "form=%s&name=%s&password=%s", token, name, password);
    return post_form(r, "/login", body, cookie, NULL);
}

static int signing_in(const struct running *r, const char *name, const char *password)
{
    struct answer a = sign_in(r, name, password);
    int status = a.status;

    answer_free(&a);
    return status;
}

/* ---- who sees what ------------------------------------------------------------------------- */

START_TEST(without_a_login_nobody_sees_anything_even_on_this_machine)
{
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    for (size_t i = 0; i < sizeof people_routes / sizeof people_routes[0]; i++) {
        int status = people_get(&r, people_routes[i], NULL);

        ck_assert_msg(status == 401 || status == 303, "%s: %d", people_routes[i], status);
        status = people_get(&r, people_routes[i], "Cookie: hvhub=hvs_0000");
        ck_assert_msg(status == 401 || status == 303, "%s: %d", people_routes[i], status);
        ck_assert_int_eq(people_get(&r, people_routes[i], "Authorization: Bearer hvt_0000"), 401);
        ck_assert_int_eq(people_get(&r, people_routes[i], "Authorization: Basic YTpi"), 401);
    }
    ck_assert_int_eq(people_get(&r, "/livez", NULL), 200);
    ck_assert_int_eq(people_get(&r, "/login", NULL), 200);
    hub_end(&r);
}
END_TEST

START_TEST(a_page_sends_a_browser_to_the_login_and_the_api_says_401)
{
    struct call page = { .path = "/guests" }, api = { .path = "/api/v1/findings" };
    struct running r;
    struct answer a;

    hub_run(&r, PEOPLE_CLOSED, false);
    call_hub(&r, &page, &a);
    ck_assert_int_eq(a.status, 303);
    ck_assert_str_eq(answer_header(&a, "Location"), "/login");
    answer_free(&a);
    ck_assert_int_eq(status_of(&r, &api), 401);
    hub_end(&r);
}
END_TEST

START_TEST(an_old_session_does_not_keep_out_who_is_let_in_without_one)
{
    struct running r;

    hub_run(&r, "", false);
    ck_assert_int_eq(people_get(&r, "/", NULL), 200);
    ck_assert_int_eq(people_get(&r, "/",
                                "Cookie: hvhub=hvs_0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef"),
                     200);
    ck_assert_int_eq(people_get(&r, "/account", "Cookie: hvhub=old"), 200);
    hub_end(&r);
}
END_TEST

START_TEST(a_person_signs_in_and_sees_and_signs_out_and_sees_no_more)
{
    char session[256], cookie[300], both[600], token[256], body[300];
    struct running r;
    struct answer a;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    a = sign_in(&r, "anna", "correct+horse%20battery");
    ck_assert_msg(a.status == 303, "%d: %s", a.status, buf_text(&a.body));
    ck_assert_str_eq(answer_header(&a, "Location"), "/");
    cookie_of(&a, "hvhub", session);
    ck_assert_int_eq(strncmp(session, SECRET_SESSION, 4), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&a.head), "HttpOnly; SameSite=Strict; Max-Age=43200\r\n"));
    answer_free(&a);

    snprintf(cookie, sizeof cookie, "Cookie: hvhub=%s", session);
    for (size_t i = 0; i < sizeof people_routes / sizeof people_routes[0]; i++) {
        int status = people_get(&r, people_routes[i], cookie);

        ck_assert_msg(status == 200 || status == 404 || status == 400, "%s: %d", people_routes[i], status);
    }
    ck_assert_int_eq(people_get(&r, "/guests?page=x", cookie), 400);
    form_token(&r, token);
    snprintf(both, sizeof both, "%s; hvhub-form=%s", cookie, token);
    snprintf(body, sizeof body, "form=%s", token);
    a = post_form(&r, "/logout", body, both, NULL);
    ck_assert_int_eq(a.status, 303);
    answer_free(&a);
    ck_assert_int_eq(people_get(&r, "/", cookie), 303);
    hub_end(&r);
}
END_TEST

START_TEST(a_wrong_password_and_an_unknown_name_are_told_alike)
{
    struct running r;
    struct answer wrong, unknown;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    wrong = sign_in(&r, "anna", "wrong+horse+battery");
    unknown = sign_in(&r, "nobody", "wrong+horse+battery");
    ck_assert_int_eq(wrong.status, 403);
    ck_assert_int_eq(unknown.status, 403);
    ck_assert_ptr_nonnull(strstr(buf_text(&wrong.body), "Wrong name or password."));
    ck_assert_ptr_nonnull(strstr(buf_text(&unknown.body), "Wrong name or password."));
    answer_free(&wrong);
    answer_free(&unknown);
    hub_end(&r);
}
END_TEST

enum { TRIES = 16 };

struct trying {
    const struct running *r;
    const char *body, *cookie;
    int status;
};

static void *try_once(void *arg)
{
    struct trying *t = (struct trying *)arg;
    struct answer a = post_form(t->r, "/login", t->body, t->cookie, NULL);

    t->status = a.status;
    answer_free(&a);
    return NULL;
}

/* All at once: tries are counted as they come, before any password is hashed. */
START_TEST(after_a_few_tries_the_right_password_has_to_wait_too)
{
    char token[256], cookie[300], body[1024];
    struct trying tries[TRIES];
    pthread_t threads[TRIES];
    int in = 0, waiting = 0;
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    form_token(&r, token);
    snprintf(cookie, sizeof cookie, "Cookie: hvhub-form=%s", token);
    snprintf(body, sizeof body, "form=%s&name=anna&password=correct+horse+battery", token);
    for (int i = 0; i < TRIES; i++) {
        tries[i] = (struct trying){ &r, body, cookie, 0 };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, try_once, &tries[i]), 0);
    }
    for (int i = 0; i < TRIES; i++) {
        pthread_join(threads[i], NULL);
        in += tries[i].status == 303;
        waiting += tries[i].status == 429;
    }
    ck_assert_int_eq(in + waiting, TRIES);
    ck_assert_int_ge(in, 1);
    ck_assert_int_ge(waiting, 1);
    hub_end(&r);
}
END_TEST

START_TEST(a_form_of_another_site_does_nothing)
{
    static const char *const bodies[] = { "name=anna&password=correct+horse+battery",
                                          "name=anna&password=correct+horse+battery&form=",
                                          "name=anna&password=correct+horse+battery&form=hvf_0",
                                          "",
                                          "&&&",
                                          "name",
                                          "%",
                                          "form=%00" };
    char token[256], cookie[300], body[600];
    struct running r;
    struct answer a;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    form_token(&r, token);
    snprintf(cookie, sizeof cookie, "Cookie: hvhub-form=%s", token);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        a = post_form(&r, "/login", bodies[i], cookie, NULL);
        ck_assert_msg(a.status == 403, "%s: %d", bodies[i], a.status);
        answer_free(&a);
    }
    snprintf(body, sizeof body, "name=anna&password=correct+horse+battery&form=%s", token);
    a = post_form(&r, "/login", body, NULL, NULL);
    ck_assert_int_eq(a.status, 403);
    answer_free(&a);
    a = post_form(&r, "/login", body, cookie, "Sec-Fetch-Site: cross-site");
    ck_assert_int_eq(a.status, 403);
    answer_free(&a);
    a = post_form(&r, "/login", body, cookie, "Host: evil.example");
    ck_assert_int_eq(a.status, 403);
    answer_free(&a);
    a = post_form(&r, "/login", body, cookie, "Sec-Fetch-Site: same-origin");
    ck_assert_int_eq(a.status, 303);
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(a_large_form_is_refused)
{
    struct running r;
    struct answer a;
    char *body = malloc(100001);

    ck_assert_ptr_nonnull(body);
    memset(body, 'a', 100000);
    body[100000] = '\0';
    hub_run(&r, PEOPLE_CLOSED, false);
    a = post_form(&r, "/login", body, NULL, NULL);
    ck_assert_int_eq(a.status, 413);
    answer_free(&a);
    hub_end(&r);
    free(body);
}
END_TEST

#define PROXY "web:\n  proxy:\n    header: X-Remote-User\n    addresses: [127.0.0.1]\n"

START_TEST(a_proxy_names_people_and_nobody_else_does)
{
    struct call twice = { .path = "/", .headers = { "X-Remote-User: anna", "X-Remote-User: berta" } };
    struct running r;

    hub_run(&r, PROXY, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-User: anna"), 200);
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-User: Anna"), 200);
    ck_assert_int_eq(people_get(&r, "/api/v1/findings", "X-Remote-User: anna"), 200);
    ck_assert_int_eq(people_get(&r, "/audit", "X-Remote-User: anna"), 403);
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-User;"), 303);
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-Use: anna"), 303);
    ck_assert_int_eq(people_get(&r, "/", NULL), 303);
    ck_assert_int_eq(status_of(&r, &twice), 303);
    hub_end(&r);
    hub_run(&r, "web:\n  proxy:\n    header: X-Remote-User\n    addresses: [127.0.0.10, 10.0.0.1]\n", false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-User: anna"), 303);
    hub_end(&r);
    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-User: anna"), 303);
    hub_end(&r);
}
END_TEST

START_TEST(whom_a_proxy_names_without_an_account_is_let_in_only_where_the_settings_say_so)
{
    struct running r;

    hub_run(&r, PROXY, false);
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-User: carla"), 403);
    hub_end(&r);
    hub_run(&r, PROXY "    anyone: true\n", false);
    people_add(&r, "anna", ROLE_VIEWER, "PROD-A");
    ck_assert_int_eq(people_get(&r, "/metrics", "X-Remote-User: carla"), 200);
    ck_assert_int_eq(people_get(&r, "/metrics", "X-Remote-User: anna"), 403); /* the account's limits hold */
    ck_assert_int_eq(people_get(&r, "/audit", "X-Remote-User: carla"), 403);
    hub_end(&r);
}
END_TEST

/* ---- what they hold ----------------------------------------------------------------------------- */

static const char *with(const char *format, const char *secret)
{
    static char header[256];

    snprintf(header, sizeof header, "%s%s", format, secret);
    return header;
}

START_TEST(a_token_works_for_scripts_and_not_as_a_cookie_nor_the_other_way_round)
{
    struct running r;
    const char *secret;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    secret = people_ticket(&r, "anna", TICKET_TOKEN, people_now() + 3600 * NS_PER_S);
    ck_assert_int_eq(people_get(&r, "/api/v1/reports/drift", with("Authorization: Bearer ", secret)), 200);
    ck_assert_int_eq(people_get(&r, "/api/v1/reports/drift", with("Cookie: hvhub=", secret)), 401);
    secret = people_ticket(&r, "anna", TICKET_SESSION, people_now() + 3600 * NS_PER_S);
    ck_assert_int_eq(people_get(&r, "/", with("Cookie: hvhub=", secret)), 200);
    ck_assert_int_eq(people_get(&r, "/", with("Authorization: Bearer ", secret)), 401);
    hub_end(&r);
}
END_TEST

START_TEST(what_has_ended_is_not_taken)
{
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    ck_assert_int_eq(
        people_get(&r, "/", with("Cookie: hvhub=", people_ticket(&r, "anna", TICKET_SESSION, people_now() - 1))), 303);
    ck_assert_int_eq(
        people_get(&r, "/metrics",
                   with("Authorization: Bearer ", people_ticket(&r, "anna", TICKET_TOKEN, people_now() - 1))),
        401);
    hub_end(&r);
}
END_TEST

START_TEST(who_is_removed_is_out_at_once)
{
    struct running r;
    struct fleet_store *s;
    struct err e = { 0 };
    char header[256];

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    text_copy(header, sizeof header,
              with("Cookie: hvhub=", people_ticket(&r, "anna", TICKET_SESSION, people_now() + 3600 * NS_PER_S)));
    ck_assert_int_eq(people_get(&r, "/", header), 200);
    s = people_store(&r);
    ck_assert_int_eq(fleet_person_drop(s, "anna", &e), 0);
    fleet_store_close(s);
    ck_assert_int_eq(people_get(&r, "/", header), 303);
    hub_end(&r);
}
END_TEST

START_TEST(a_session_does_not_let_a_page_from_elsewhere_in)
{
    struct running r;
    struct call call = { .path = "/" };

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    call.headers[0] = with("Cookie: hvhub=", people_ticket(&r, "anna", TICKET_SESSION, people_now() + 3600 * NS_PER_S));
    call.headers[1] = "Host: evil.example";
    ck_assert_int_eq(status_of(&r, &call), 421);
    hub_end(&r);
}
END_TEST

/* ---- what is kept ------------------------------------------------------------------------------------ */

static bool count_rows(void *arg, const struct fleet_audit *a)
{
    char *all = (char *)arg;

    strncat(all, a->what, 200 - strlen(all));
    strncat(all, " ", 200 - strlen(all));
    strncat(all, a->who, 200 - strlen(all));
    strncat(all, ";", 200 - strlen(all));
    return true;
}

START_TEST(signing_in_and_out_and_in_vain_is_in_the_audit_log_the_newest_first)
{
    struct running r;
    struct fleet_store *s;
    struct err e = { 0 };
    char all[256] = "";

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    ck_assert_int_eq(signing_in(&r, "anna", "wrong+horse+battery"), 403);
    ck_assert_int_eq(signing_in(&r, "%3Cb%3E", "wrong+horse+battery"), 403);
    ck_assert_int_eq(signing_in(&r, "anna", "correct+horse+battery"), 303);
    s = people_store(&r);
    ck_assert_int_eq(fleet_audit_each(s, 0, 10, count_rows, all, &e), 0);
    fleet_store_close(s);
    ck_assert_str_eq(all, "login anna;login-refused ;login-refused anna;");
    hub_end(&r);
}
END_TEST

START_TEST(a_password_is_kept_as_a_salted_memory_hard_hash)
{
    char one[PERSON_HASH_MAX], two[PERSON_HASH_MAX];
    struct err e = { 0 };

    ck_assert_int_eq(password_hash(PASSWORD, one, &e), 0);
    ck_assert_int_eq(password_hash(PASSWORD, two, &e), 0);
    ck_assert_int_eq(strncmp(one, "$y$", 3), 0);
    ck_assert_str_ne(one, two);
    ck_assert(password_right(PASSWORD, one));
    ck_assert(!password_right(PASSWORD " ", one));
    ck_assert(!password_right("", one));
    ck_assert(!password_right(PASSWORD, ""));
    ck_assert(!password_right(PASSWORD, "*0"));
    ck_assert_int_eq(password_hash("short", one, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "10 characters") != NULL, "%s", e.text);
}
END_TEST

/* Runs `hvhub user` with a line on stdin. */
static int user(const struct running *r, const char *line, const char *word, const char *name, const char *role)
{
    const char *argv[] = { "user", word, name, "--config", r->config_file, role != NULL ? "--role" : NULL, role, NULL };
    int argc = role != NULL ? 7 : 5;

    ck_assert_ptr_nonnull(freopen(write_file(r->dir, "line", line, strlen(line)), "r", stdin));
    return cmd_user(argc, (char **)(uintptr_t)argv);
}

START_TEST(accounts_are_made_changed_and_removed_on_the_command_line_while_the_hub_runs)
{
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    ck_assert_int_eq(user(&r, PASSWORD "\n", "add", "anna", NULL), EXIT_USAGE);
    ck_assert_int_eq(user(&r, PASSWORD "\n", "add", "Anna", "viewer"), EXIT_USAGE);
    ck_assert_int_eq(user(&r, "short\n", "add", "anna", "viewer"), EXIT_FAILED);
    ck_assert_int_eq(user(&r, "", "add", "anna", "viewer"), EXIT_FAILED);
    ck_assert_int_eq(user(&r, PASSWORD "\n", "add", "anna", "viewer"), EXIT_DONE);
    ck_assert_int_eq(user(&r, PASSWORD "\n", "add", "anna", "viewer"), EXIT_FAILED);
    ck_assert_int_eq(signing_in(&r, "anna", "correct+horse+battery"), 303);
    ck_assert_int_eq(user(&r, "another horse battery\n", "password", "anna", NULL), EXIT_DONE);
    ck_assert_int_eq(signing_in(&r, "anna", "correct+horse+battery"), 403);
    ck_assert_int_eq(user(&r, "", "remove", "anna", NULL), EXIT_DONE);
    ck_assert_int_eq(user(&r, "", "remove", "anna", NULL), EXIT_FAILED);
    ck_assert_int_eq(user(&r, "", "token", "anna", NULL), EXIT_FAILED);
    hub_end(&r);
}
END_TEST

START_TEST(a_name_has_plain_characters)
{
    ck_assert(person_name_good("anna"));
    ck_assert(person_name_good("anna.b-c_d@corp.example"));
    ck_assert(!person_name_good(""));
    ck_assert(!person_name_good("-anna"));
    ck_assert(!person_name_good("Anna"));
    ck_assert(!person_name_good("a b"));
    ck_assert(!person_name_good("a\n"));
    ck_assert(!person_name_good("a2345678901234567890123456789012345678901234567890123456789012345"));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, without_a_login_nobody_sees_anything_even_on_this_machine);
    suite_test(s, a_page_sends_a_browser_to_the_login_and_the_api_says_401);
    suite_test(s, an_old_session_does_not_keep_out_who_is_let_in_without_one);
    suite_test(s, a_person_signs_in_and_sees_and_signs_out_and_sees_no_more);
    suite_test(s, a_wrong_password_and_an_unknown_name_are_told_alike);
    suite_test(s, after_a_few_tries_the_right_password_has_to_wait_too);
    suite_test(s, a_form_of_another_site_does_nothing);
    suite_test(s, a_large_form_is_refused);
    suite_test(s, a_proxy_names_people_and_nobody_else_does);
    suite_test(s, whom_a_proxy_names_without_an_account_is_let_in_only_where_the_settings_say_so);
    suite_test(s, a_token_works_for_scripts_and_not_as_a_cookie_nor_the_other_way_round);
    suite_test(s, what_has_ended_is_not_taken);
    suite_test(s, who_is_removed_is_out_at_once);
    suite_test(s, a_session_does_not_let_a_page_from_elsewhere_in);
    suite_test(s, signing_in_and_out_and_in_vain_is_in_the_audit_log_the_newest_first);
    suite_test(s, a_password_is_kept_as_a_salted_memory_hard_hash);
    suite_test(s, accounts_are_made_changed_and_removed_on_the_command_line_while_the_hub_runs);
    suite_test(s, a_name_has_plain_characters);
}

int main(void)
{
    return suite_main("hub: people", add);
}
