/* Accounts: the person's own page and password, the audit log, and the command line. */
#include "base/text.h"
#include "base/times.h"
#include "hub/commands.h"
#include "hub/fleet_body.h"
#include "hub/fleet_people_body.h"
#include "tests/hub/support_people.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"
#define ANOTHER   "another horse battery"
#define HOUR      (3600 * NS_PER_S)

static const char *header_of(const char *format, const char *secret)
{
    static char headers[4][256];
    static int next;
    char *out = headers[next++ % 4];

    snprintf(out, 256, "%s%s", format, secret);
    return out;
}

static const char *session_of(const struct running *r, const char *name)
{
    return header_of("Cookie: hvhub=", people_ticket(r, name, TICKET_SESSION, people_now() + HOUR));
}

static struct answer ask(const struct running *r, const char *path, const char *header)
{
    struct call call = { .path = path, .headers = { header } };
    struct answer a;

    call_hub(r, &call, &a);
    return a;
}

static bool page_says(const struct running *r, const char *path, const char *header, const char *words)
{
    struct answer a = ask(r, path, header);
    bool says = a.status == 200 && strstr(buf_text(&a.body), words) != NULL;

    answer_free(&a);
    return says;
}

/* ---- pages ------------------------------------------------------------------------------- */

START_TEST(before_the_first_account_the_login_says_how_one_is_made)
{
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    ck_assert(page_says(&r, "/login", NULL, "hvhub user add NAME --role admin"));
    people_add(&r, "anna", ROLE_ADMIN, "");
    ck_assert(!page_says(&r, "/login", NULL, "hvhub user add"));
    ck_assert(page_says(&r, "/login", NULL, "Sign in"));
    hub_end(&r);
}
END_TEST

START_TEST(the_account_says_who_one_is_and_what_one_sees)
{
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "PROD-A\n<b>\n");
    people_add(&r, "bert", ROLE_ADMIN, "");
    ck_assert(page_says(&r, "/account", session_of(&r, "anna"), "<bdi>anna</bdi>"));
    ck_assert(page_says(&r, "/account", session_of(&r, "anna"), "<bdi>PROD-A</bdi>, <bdi>&lt;b&gt;</bdi>"));
    ck_assert(!page_says(&r, "/account", session_of(&r, "anna"), "/audit"));
    ck_assert(page_says(&r, "/account", session_of(&r, "bert"), "the whole fleet"));
    ck_assert(page_says(&r, "/account", session_of(&r, "bert"), "href=\"/audit\""));
    hub_end(&r);
}
END_TEST

START_TEST(the_audit_log_is_for_admins)
{
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    people_add(&r, "bert", ROLE_ADMIN, "");
    ck_assert_int_eq(people_get(&r, "/audit", NULL), 303);
    ck_assert_int_eq(people_get(&r, "/audit", session_of(&r, "anna")), 403);
    ck_assert(page_says(&r, "/audit", session_of(&r, "bert"), "Audit log"));
    hub_end(&r);
    hub_run(&r, "", false);
    ck_assert_int_eq(people_get(&r, "/audit", NULL), 403);
    ck_assert(page_says(&r, "/account", NULL, "nobody: no login was asked for"));
    hub_end(&r);
}
END_TEST

/* ---- the password -------------------------------------------------------------------------- */

/* Posts the form as the page made it for this session. */
static struct answer change_password(const struct running *r, const char *session, const char *fields)
{
    struct call call = { .path = "/account/password", .headers = { FORM_TYPE } };
    struct answer a = ask(r, "/account", session);
    const char *at = strstr(buf_text(&a.head), "hvhub-form=");
    char form[SECRET_MAX] = "", cookie[512], body[1024];

    if (at != NULL)
        snprintf(form, sizeof form, "%.*s", (int)strcspn(at + 11, ";"), at + 11);
    answer_free(&a);
    snprintf(cookie, sizeof cookie, "%s; hvhub-form=%s", session, form);
    snprintf(body, sizeof body, "form=%s&%s", form, fields);
    call.headers[1] = cookie;
    call.body = body;
    call.len = strlen(body);
    call_hub(r, &call, &a);
    return a;
}

static void refuses_change(const struct running *r, const char *session, const char *fields, const char *words)
{
    struct answer a = change_password(r, session, fields);

    ck_assert_msg(a.status == 403 && strstr(buf_text(&a.body), words) != NULL, "%s: %d %s", fields, a.status,
                  buf_text(&a.body));
    answer_free(&a);
}

START_TEST(a_new_password_ends_all_other_sessions_and_tokens_of_the_person)
{
    struct running r;
    char mine[128], other[128], token[128], cookie[256];
    const char *at;
    struct answer a;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "PROD-A");
    people_add(&r, "bert", ROLE_VIEWER, "");
    text_copy(mine, sizeof mine, session_of(&r, "anna"));
    text_copy(other, sizeof other, session_of(&r, "anna"));
    text_copy(token, sizeof token, people_bearer(&r, "anna"));
    text_copy(cookie, sizeof cookie, session_of(&r, "bert"));
    a = change_password(&r, mine, "password=" PASSWORD "&new=" ANOTHER "&again=" ANOTHER);
    ck_assert_msg(a.status == 303, "%d %s", a.status, buf_text(&a.body));
    ck_assert_int_eq(people_get(&r, "/", mine), 303);
    ck_assert_int_eq(people_get(&r, "/", other), 303);
    ck_assert_int_eq(people_get(&r, "/", token), 401);
    ck_assert_int_eq(people_get(&r, "/", cookie), 200);
    at = strstr(buf_text(&a.head), "hvhub=hvs_");
    ck_assert_ptr_nonnull(at);
    snprintf(cookie, sizeof cookie, "Cookie: %.*s", (int)strcspn(at, ";"), at);
    ck_assert_int_eq(people_get(&r, "/", cookie), 200);
    ck_assert_int_eq(people_get(&r, "/metrics", cookie), 403); /* what she may see is as before */
    answer_free(&a);
    hub_end(&r);
}
END_TEST

START_TEST(the_password_stays_when_the_form_is_not_right)
{
    struct running r;
    const char *session;
    struct answer a;

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    session = session_of(&r, "anna");
    refuses_change(&r, session, "password=wrong&new=" ANOTHER "&again=" ANOTHER, "password now is another");
    hub_end(&r);
    hub_run(&r, PEOPLE_CLOSED, false); /* a new one has its tries */
    people_add(&r, "anna", ROLE_VIEWER, "");
    session = session_of(&r, "anna");
    refuses_change(&r, session, "password=" PASSWORD "&new=" ANOTHER "&again=x", "twice alike");
    refuses_change(&r, session, "password=" PASSWORD "&new=short&again=short", "10 characters");
    ck_assert_int_eq(people_get(&r, "/", session), 200);
    a = ask(&r, "/account", session);
    answer_free(&a);
    a = (struct answer){ .status = 0 };
    call_hub(&r,
             &(struct call){ .path = "/account/password",
                             .headers = { FORM_TYPE, session },
                             .body = "password=x",
                             .len = strlen("password=x") },
             &a);
    ck_assert_int_eq(a.status, 403); /* without the form's value */
    answer_free(&a);
    hub_end(&r);
}
END_TEST

/* ---- what is kept ---------------------------------------------------------------------------- */

START_TEST(a_session_that_was_ended_does_not_come_back_by_being_used)
{
    struct fleet_ticket t = { .kind = TICKET_SESSION, .ends = INT64_MAX };
    struct running r;
    struct fleet_store *s;
    struct err e = { 0 };

    hub_run(&r, PEOPLE_CLOSED, false);
    s = people_store(&r);
    secret_digest(people_ticket(&r, "anna", TICKET_SESSION, people_now() + HOUR), t.digest);
    ck_assert_int_eq(fleet_ticket_drop(s, t.digest, &e), 0);
    ck_assert_int_eq(fleet_ticket_seen(s, &t, &e), 0);
    ck_assert_int_eq(fleet_ticket_get(s, t.digest, people_now(), &t, &e), ERR_NOT_FOUND);
    fleet_store_close(s);
    hub_end(&r);
}
END_TEST

static bool add_what(void *arg, const struct fleet_audit *a)
{
    char *all = (char *)arg;
    size_t used = strlen(all);

    snprintf(all + used, 256 - used, "%s ", a->text);
    return true;
}

START_TEST(a_new_password_and_new_limits_do_not_undo_each_other_nor_bring_back_who_is_gone)
{
    struct fleet_person p = { .name = "anna", .role = ROLE_VIEWER, .clusters = "A\n" }, now;
    struct running r;
    struct fleet_store *s;
    struct err e = { 0 };

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_ADMIN, "");
    s = people_store(&r);
    ck_assert_int_eq(fleet_person_limits(s, &p, &e), 0);
    ck_assert_int_eq(fleet_person_get(s, "anna", &now, &e), 0);
    ck_assert(password_right(PASSWORD, now.hash));
    ck_assert_str_eq(now.clusters, "A\n");
    ck_assert_int_eq(fleet_person_password(s, "anna", "$y$other", &e), 0);
    ck_assert_int_eq(fleet_person_get(s, "anna", &now, &e), 0);
    ck_assert_str_eq(now.hash, "$y$other");
    ck_assert_str_eq(now.clusters, "A\n");
    ck_assert_int_eq(now.role, ROLE_VIEWER);
    ck_assert_int_eq(fleet_person_drop(s, "anna", &e), 0);
    ck_assert_int_eq(fleet_person_password(s, "anna", "$y$other", &e), 0);
    ck_assert_int_eq(fleet_person_limits(s, &p, &e), 0);
    ck_assert_int_eq(fleet_person_get(s, "anna", &now, &e), ERR_NOT_FOUND);
    fleet_store_close(s);
    hub_end(&r);
}
END_TEST

START_TEST(entries_of_one_kind_do_not_push_out_those_of_another)
{
    struct running r;
    struct fleet_store *s;
    struct err e = { 0 };
    char all[256] = "";

    hub_run(&r, PEOPLE_CLOSED, false);
    s = people_store(&r);
    for (int i = 0; i < 6; i++) {
        struct fleet_audit a = { .time = i + 1 };

        snprintf(a.text, sizeof a.text, "%d", i);
        text_copy(a.what, sizeof a.what, i == 0 ? "user-added" : "login-refused");
        ck_assert_int_eq(s->body->ops->begin(s->body, true, &e), 0);
        ck_assert_int_eq(s->body->ops->people->audit_put(s->body, &a, 3, &e), 0);
        ck_assert_int_eq(s->body->ops->commit(s->body, &e), 0);
    }
    ck_assert_int_eq(fleet_audit_each(s, 0, 100, add_what, all, &e), 0);
    ck_assert_str_eq(all, "5 4 3 0 ");
    fleet_store_close(s);
    hub_end(&r);
}
END_TEST

/* ---- the command line ------------------------------------------------------------------------ */

/* Runs `hvhub user WORDS` (one space between words) with a password on stdin. */
static int user(const struct running *r, const char *words)
{
    static char text[512];
    const char *argv[16] = { "user" };
    int argc = 1;
    char *rest = text;

    text_copy(text, sizeof text, words);
    for (char *word; (word = strsep(&rest, " ")) != NULL && argc < 13;)
        argv[argc++] = word;
    argv[argc++] = "--config";
    argv[argc++] = r->config_file;
    ck_assert_ptr_nonnull(freopen(write_file(r->dir, "line", PASSWORD "\n", strlen(PASSWORD) + 1), "r", stdin));
    return cmd_user(argc, (char **)(uintptr_t)argv);
}

static const char *clusters_of(const struct running *r, const char *name)
{
    static struct fleet_person p;
    struct fleet_store *s = people_store(r);
    struct err e = { 0 };

    ck_assert_msg(fleet_person_get(s, name, &p, &e) == 0, "%s: %s", name, e.text);
    fleet_store_close(s);
    return p.clusters;
}

START_TEST(clusters_are_told_on_the_command_line_and_an_admin_has_none)
{
    struct running r;

    hub_run(&r, PEOPLE_CLOSED, false);
    ck_assert_int_eq(user(&r, "add anna --role viewer --clusters PROD-A,prod-a,B"), EXIT_DONE);
    ck_assert_str_eq(clusters_of(&r, "anna"), "PROD-A\nB\n");
    ck_assert_int_eq(user(&r, "change anna --clusters C"), EXIT_DONE);
    ck_assert_str_eq(clusters_of(&r, "anna"), "C\n");
    ck_assert_int_eq(user(&r, "change anna"), EXIT_USAGE);
    ck_assert_int_eq(user(&r, "change anna --clusters ,"), EXIT_USAGE);
    ck_assert_int_eq(user(&r, "change anna --clusters="), EXIT_USAGE);
    ck_assert_int_eq(user(&r, "change anna --role admin"), EXIT_USAGE);
    ck_assert_str_eq(clusters_of(&r, "anna"), "C\n");
    ck_assert_int_eq(user(&r, "change anna --role admin --clusters *"), EXIT_DONE);
    ck_assert_str_eq(clusters_of(&r, "anna"), "");
    ck_assert_int_eq(user(&r, "change nobody --role viewer"), EXIT_FAILED);
    ck_assert_int_eq(user(&r, "add bert --role admin --clusters A"), EXIT_USAGE);
    hub_end(&r);
}
END_TEST

START_TEST(an_account_without_a_password_is_for_a_proxy_alone)
{
    struct running r;

    hub_run(&r, "web:\n  proxy:\n    header: X-Remote-User\n    addresses: [127.0.0.1]\n", false);
    ck_assert_int_eq(user(&r, "add anna --role viewer --no-password"), EXIT_DONE);
    ck_assert_int_eq(people_get(&r, "/", "X-Remote-User: anna"), 200);
    ck_assert(!password_right("", ""));
    hub_end(&r);
}
END_TEST

START_TEST(signing_a_person_out_ends_what_the_person_holds)
{
    struct running r;
    char token[128];

    hub_run(&r, PEOPLE_CLOSED, false);
    people_add(&r, "anna", ROLE_VIEWER, "");
    text_copy(token, sizeof token, people_bearer(&r, "anna"));
    ck_assert_int_eq(people_get(&r, "/", token), 200);
    ck_assert_int_eq(user(&r, "sign-out anna"), EXIT_DONE);
    ck_assert_int_eq(people_get(&r, "/", token), 401);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, before_the_first_account_the_login_says_how_one_is_made);
    suite_test(s, the_account_says_who_one_is_and_what_one_sees);
    suite_test(s, the_audit_log_is_for_admins);
    suite_test(s, a_new_password_ends_all_other_sessions_and_tokens_of_the_person);
    suite_test(s, the_password_stays_when_the_form_is_not_right);
    suite_test(s, a_session_that_was_ended_does_not_come_back_by_being_used);
    suite_test(s, a_new_password_and_new_limits_do_not_undo_each_other_nor_bring_back_who_is_gone);
    suite_test(s, entries_of_one_kind_do_not_push_out_those_of_another);
    suite_test(s, clusters_are_told_on_the_command_line_and_an_admin_has_none);
    suite_test(s, an_account_without_a_password_is_for_a_proxy_alone);
    suite_test(s, signing_a_person_out_ends_what_the_person_holds);
}

int main(void)
{
    return suite_main("hub: accounts", add);
}
