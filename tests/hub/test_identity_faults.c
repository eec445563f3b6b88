/* Identities and people while the database fails: each call of the store's body fails once.  An error with words,
 * nothing changed by it, and then it is done. */
#include "base/text.h"
#include "hub/fleet_identity.h"
#include "hub/fleet_people.h"
#include "tests/hub/support_faulty.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_steps.h"
#include "tests/support/suite.h"

#include <string.h>

enum { DAY = 1440 };

#define OS      "6.3.9600.20778"
#define IS      "6.3.9600.18692"
#define ADDRESS "192.0.2.7"
#define DIGEST  "digest-of-a-token"

/* ---- identities ----------------------------------------------------------------------------- */

static struct fleet_issued cert_of(int n, const char *key, const char *serial)
{
    struct resource who = made_agent(n, "PROD-A", OS, IS);
    struct fleet_issued c = { .issued = steps_world.clock.now, .expires = steps_world.clock.now + 30 * DAY * MINUTES };

    text_copy(c.agent_id, sizeof c.agent_id, who.agent_id);
    text_copy(c.host_id, sizeof c.host_id, who.host_id);
    text_copy(c.token_id, sizeof c.token_id, "token");
    text_copy(c.key, sizeof c.key, key);
    text_copy(c.serial, sizeof c.serial, serial);
    return c;
}

static int make_token(struct err *e)
{
    struct fleet_token t = {
        .id = "token", .digest = DIGEST, .uses = 3, .uses_left = 3, .created = steps_world.clock.now
    };

    t.expires = steps_world.clock.now + 90 * DAY * MINUTES;
    return fleet_token_make(steps_world.store, &t, "by a test", e);
}

static int look_up_token(struct err *e)
{
    struct fleet_token t;

    return fleet_token_get(steps_world.store, "token", &t, e);
}

static int enroll_one(struct err *e)
{
    struct fleet_issued c = cert_of(1, "key1", "s1");

    return fleet_enroll(steps_world.store, DIGEST, &c, ADDRESS, e);
}

static int enroll_one_again(struct err *e)
{
    struct fleet_issued c = cert_of(1, "key1", "s2");

    return fleet_enroll(steps_world.store, DIGEST, &c, ADDRESS, e);
}

static int enroll_one_with_another_key(struct err *e)
{
    struct fleet_issued c = cert_of(1, "key9", "s9");

    return fleet_enroll(steps_world.store, DIGEST, &c, ADDRESS, e);
}

static int enroll_a_clone(struct err *e)
{
    struct fleet_issued c = cert_of(1, "key9", "s9");

    text_copy(c.host_id, sizeof c.host_id, "HOST-CLONE");
    return fleet_enroll(steps_world.store, DIGEST, &c, ADDRESS, e);
}

static int enroll_with_a_wrong_secret(struct err *e)
{
    struct fleet_issued c = cert_of(2, "key2", "s9");

    return fleet_enroll(steps_world.store, "digest-of-another", &c, ADDRESS, e);
}

static int renew_as(const char *from, const char *key, const char *serial, struct err *e)
{
    struct fleet_issued c = cert_of(1, key, serial);

    c.token_id[0] = '\0';
    text_copy(c.renewed_from, sizeof c.renewed_from, from);
    return fleet_renew(steps_world.store, &c, ADDRESS, e);
}

static int renew_one(struct err *e)
{
    return renew_as("s1", "key3", "s3", e);
}

static int renew_a_clone(struct err *e)
{
    return renew_as("s1", "key4", "s4", e);
}

static int speak_as(const char *serial, uint64_t seq, struct err *e)
{
    struct resource who = made_agent(1, "PROD-A", OS, IS);
    struct otlp_limits limits = otlp_limits_default();
    struct fleet_speaker speaker = { .enrolled = true };
    struct otlp_request request;
    struct fleet_batch batch = { .request = &request, .speaker = &speaker };
    struct buf bytes;
    struct made m;
    int rc;

    text_copy(speaker.agent_id, sizeof speaker.agent_id, who.agent_id);
    text_copy(speaker.host_id, sizeof speaker.host_id, who.host_id);
    text_copy(speaker.serial, sizeof speaker.serial, serial);
    buf_init(&bytes, 1024 * 1024);
    made_init(&m, seq);
    made_inventory(&m, 1, steps_world.clock.now, "6.3.9600", IS);
    made_request(&m, &who, &bytes);
    made_free(&m);
    ck_assert_msg(otlp_decode(bytes.data, bytes.len, &limits, &request, e) == 0, "%s", e->text);
    rc = fleet_store_apply(steps_world.store, &batch, 1, e);
    if (rc == 0 && batch.refused)
        rc = err_set(e, ERR_REFUSED, "%s", batch.refusal);
    otlp_request_free(&request);
    buf_free(&bytes);
    return rc;
}

static int speak_with_the_new_one(struct err *e)
{
    return speak_as("s3", 1, e);
}

static int ask_whether_it_is_good(struct err *e)
{
    struct resource who = made_agent(1, "PROD-A", OS, IS);

    return fleet_identity_current(steps_world.store, "s3", who.host_id, e);
}

static int revoke(enum fleet_revoke what, const char *id, int want, struct err *e)
{
    int count = -1, rc = fleet_identity_revoke(steps_world.store, what, id, "by a test", &count, e);

    ck_assert_int_eq(count, rc == 0 ? want : 0);
    return rc;
}

static int revoke_nothing(struct err *e)
{
    return revoke(REVOKE_CERTIFICATE, "unknown", 0, e);
}

static int revoke_a_certificate(struct err *e)
{
    return revoke(REVOKE_CERTIFICATE, "s3", 1, e);
}

static int revoke_the_token(struct err *e)
{
    return revoke(REVOKE_TOKEN, "token", 1, e);
}

static int revoke_the_host(struct err *e)
{
    struct resource who = made_agent(1, "PROD-A", OS, IS);
    int count, rc = fleet_identity_revoke(steps_world.store, REVOKE_HOST, who.host_id, "by a test", &count, e);

    ck_assert_int_eq(count > 0, rc == 0);
    return rc;
}

static int forget_the_host(struct err *e)
{
    struct resource who = made_agent(1, "PROD-A", OS, IS);
    int count, rc = fleet_identity_forget(steps_world.store, NULL, who.host_id, "by a test", &count, e);

    ck_assert_int_eq(count > 0, rc == 0);
    return rc;
}

static int forget_nobody(struct err *e)
{
    int count = -1, rc = fleet_identity_forget(steps_world.store, "nobody", NULL, "by a test", &count, e);

    ck_assert_int_eq(count, 0);
    return rc;
}

static void take_token(void *arg, const struct fleet_token *t)
{
    ck_assert_str_eq(t->id, "token");
    ++*(int *)arg;
}

static int read_identities(struct err *e)
{
    struct fleet_identity_reader r = { .arg = &steps_world.found, .token = take_token, .event_max = 10 };

    return fleet_identity_read(steps_world.store, &r, e);
}

/* ---- people ---------------------------------------------------------------------------------- */

static int add_a_person(struct err *e)
{
    struct fleet_person p = { .name = "anna", .role = ROLE_ADMIN, .hash = "hash1", .created = steps_world.clock.now };

    return fleet_person_put(steps_world.store, &p, e);
}

static int change_a_password(struct err *e)
{
    return fleet_person_password(steps_world.store, "anna", "hash2", e);
}

static int change_a_role(struct err *e)
{
    struct fleet_person p = { .name = "anna", .role = ROLE_VIEWER, .clusters = "PROD-A" };

    return fleet_person_limits(steps_world.store, &p, e);
}

static int look_up_a_person(struct err *e)
{
    struct fleet_person p;

    return fleet_person_get(steps_world.store, "anna", &p, e);
}

static bool take_person(void *arg, const struct fleet_person *p)
{
    ck_assert_str_eq(p->name, "anna");
    ++*(int *)arg;
    return true;
}

static int list_people(struct err *e)
{
    return fleet_people_each(steps_world.store, take_person, &steps_world.found, e);
}

static struct fleet_ticket ticket(const char *digest)
{
    struct fleet_ticket t = {
        .kind = TICKET_SESSION, .person = "anna", .created = steps_world.clock.now, .seen = steps_world.clock.now
    };

    text_copy(t.digest, sizeof t.digest, digest);
    t.ends = steps_world.clock.now + 60 * MINUTES;
    return t;
}

static int sign_in(struct err *e)
{
    struct fleet_ticket t = ticket("ticket1");

    return fleet_ticket_put(steps_world.store, &t, e);
}

static int look_up_a_ticket(struct err *e)
{
    struct fleet_ticket t;

    return fleet_ticket_get(steps_world.store, "ticket1", steps_world.clock.now, &t, e);
}

static int see_a_ticket(struct err *e)
{
    struct fleet_ticket t = ticket("ticket1");

    t.seen += MINUTES;
    return fleet_ticket_seen(steps_world.store, &t, e);
}

static int sign_out(struct err *e)
{
    return fleet_ticket_drop(steps_world.store, "ticket1", e);
}

static int sign_out_everywhere(struct err *e)
{
    return fleet_tickets_drop(steps_world.store, "anna", e);
}

static int remove_a_person(struct err *e)
{
    return fleet_person_drop(steps_world.store, "anna", e);
}

static int write_an_audit_entry(struct err *e)
{
    struct fleet_audit a = { .time = steps_world.clock.now, .who = "anna", .what = "login" };

    return fleet_audit_put(steps_world.store, &a, e);
}

static bool take_entry(void *arg, const struct fleet_audit *a)
{
    ck_assert_str_eq(a->what, "login");
    ++*(int *)arg;
    return true;
}

static int read_the_audit_log(struct err *e)
{
    return fleet_audit_each(steps_world.store, 0, 10, take_entry, &steps_world.found, e);
}

/* ---- all of them ------------------------------------------------------------------------------------ */

static const struct step steps[] = {
    { "a token is made", make_token, 0, false },
    { "a token is looked up", look_up_token, 0, false },
    { "an agent enrols", enroll_one, 0, false },
    { "it asks again", enroll_one_again, 0, false },
    { "it comes with another key", enroll_one_with_another_key, ERR_REFUSED, false },
    { "a clone enrols", enroll_a_clone, ERR_REFUSED, false },
    { "a wrong secret", enroll_with_a_wrong_secret, ERR_REFUSED, false },
    { "it renews", renew_one, 0, false },
    { "it speaks", speak_with_the_new_one, 0, false },
    { "a clone renews", renew_a_clone, ERR_REFUSED, false },
    { "is it good", ask_whether_it_is_good, 0, false },
    { "identities are read", read_identities, 0, true },
    { "nothing is revoked", revoke_nothing, 0, false },
    { "a certificate is revoked", revoke_a_certificate, 0, false },
    { "is it good, revoked", ask_whether_it_is_good, ERR_REFUSED, false },
    { "a token is revoked", revoke_the_token, 0, false },
    { "a host is revoked", revoke_the_host, 0, false },
    { "a banned one renews", renew_one, ERR_REFUSED, false },
    { "a host is forgotten", forget_the_host, 0, false },
    { "nobody is forgotten", forget_nobody, 0, false },
    { "a person is added", add_a_person, 0, false },
    { "a password", change_a_password, 0, false },
    { "a role", change_a_role, 0, false },
    { "a person is looked up", look_up_a_person, 0, false },
    { "people are listed", list_people, 0, true },
    { "a session", sign_in, 0, false },
    { "a session is looked up", look_up_a_ticket, 0, false },
    { "a session is seen", see_a_ticket, 0, false },
    { "a session ends", sign_out, 0, false },
    { "all sessions end", sign_out_everywhere, 0, false },
    { "an audit entry", write_an_audit_entry, 0, false },
    { "the audit log", read_the_audit_log, 0, true },
    { "a person is removed", remove_a_person, 0, false },
};

static void add(Suite *s)
{
    steps_add(s, steps, sizeof steps / sizeof steps[0]);
}

int main(void)
{
    return suite_main("hub: identities and people while the database fails", add);
}
