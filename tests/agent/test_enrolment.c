/* The agent's certificate: asked for, kept, renewed in time, and not let go of while renewing fails. */
#include "agent/enrolment.h"
#include "base/text.h"
#include "base/times.h"
#include "plat/keys.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A hub that signs with a CA that the openssl command made. */
static struct {
    char dir[512];
    atomic_int asked, renewals;
    atomic_int refuse; /* an enum err_code to answer with; 0 signs */
} hub;

struct rig {
    uv_loop_t loop;
    struct clock clock;
    int64_t now;
    struct enrolment *n;
    struct agent_config *config;
    char dir[512], identity[600], key[600];
    int changes;
    bool refused;
};

static int64_t rig_wall(const struct clock *c)
{
    return ((const struct rig *)c->state)->now;
}

static int sign(const struct enroll_request *r, struct buf *out, struct err *e)
{
    char command[2600], path[600];
    char *pem;
    size_t len;

    hub.asked++;
    hub.renewals += r->cert_file != NULL;
    if (hub.refuse != 0)
        return err_set(e, (enum err_code)hub.refuse, "the hub answers 403: the enrolment token is used up");
    snprintf(path, sizeof path, "%s/agent.csr", hub.dir);
    (void)write_file(hub.dir, "agent.csr", r->csr, strlen(r->csr));
    snprintf(
        command, sizeof command,
        "cd '%s' && openssl x509 -req -in agent.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -out agent.pem"
        " 2>/dev/null",
        hub.dir);
    ck_assert_int_eq(system(command), 0);
    snprintf(path, sizeof path, "%s/agent.pem", hub.dir);
    pem = read_file(path, &len);
    buf_add(out, pem, len);
    free(pem);
    return 0;
}

static void on_change(void *arg)
{
    ((struct rig *)arg)->changes++;
}

static bool is_refused(void *arg)
{
    return ((const struct rig *)arg)->refused;
}

static bool make_ca(void)
{
    char command[1200];

    snprintf(hub.dir, sizeof hub.dir, "%s", temp_dir());
    snprintf(command, sizeof command,
             "cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca"
             " -keyout ca.key -out ca.pem 2>/dev/null",
             hub.dir);
    return system(command) == 0;
}

static void begin(struct rig *r)
{
    static const struct resource who = { .agent_id = "A0000000-0000-4000-8000-000000000001", .host_id = "HOST-1" };
    struct enrolment_options options;
    struct err e = { 0 };

    memset(r, 0, sizeof *r);
    hub.asked = hub.renewals = hub.refuse = 0;
    if (!make_ca())
        skip("the openssl command is missing");
    uv_loop_init(&r->loop);
    r->now = plat_clock()->wall_ns(plat_clock());
    r->clock = (struct clock){ rig_wall, plat_clock()->monotonic_ns, r };
    snprintf(r->dir, sizeof r->dir, "%s/agent", temp_dir());
    snprintf(r->identity, sizeof r->identity, "%s/identity.pem", r->dir);
    snprintf(r->key, sizeof r->key, "%s/identity.key", r->dir);
    r->config = calloc(1, sizeof *r->config);
    agent_config_defaults(r->config);
    text_copy(r->config->hub.url, sizeof r->config->hub.url, "https://hub.example.com");
    text_copy(r->config->hub.enroll_token_file, sizeof r->config->hub.enroll_token_file, "/nowhere/token");
    options = (struct enrolment_options){ .loop = &r->loop,
                                          .clock = &r->clock,
                                          .random = plat_random(),
                                          .ask = sign,
                                          .data_dir = r->dir,
                                          .resource = &who,
                                          .changed = on_change,
                                          .refused = is_refused,
                                          .arg = r };
    ck_assert_int_eq(enrolment_new(&r->n, &options, &e), 0);
}

static void end(struct rig *r)
{
    (void)enrolment_stop(r->n);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&r->loop), 0);
    free(r->config);
}

/* Starts a look and waits until it has ended. */
static struct enrolment_status look(struct rig *r)
{
    struct enrolment_status s;

    enrolment_configure(r->n, &r->config->hub);
    do {
        uv_run(&r->loop, UV_RUN_ONCE);
        enrolment_status(r->n, &s);
    } while (s.next_try == 0 && s.state != ENROLMENT_OFF);
    return s;
}

START_TEST(a_certificate_is_asked_for_kept_and_shown)
{
    struct rig r;
    struct agent_config_hub hub_settings;
    struct enrolment_status s;
    struct stat st;

    begin(&r);
    enrolment_configure(r.n, &r.config->hub);
    enrolment_settings(r.n, &hub_settings);
    ck_assert_str_eq(hub_settings.url, "");
    s = look(&r);
    ck_assert_msg(s.state == ENROLMENT_ENROLLED, "%s: %s", enrolment_state_name(s.state), s.problem);
    ck_assert_int_gt(s.expires, r.now);
    ck_assert_int_eq(r.changes, 1);
    enrolment_settings(r.n, &hub_settings);
    ck_assert_str_eq(hub_settings.url, "https://hub.example.com");
    ck_assert_str_eq(hub_settings.cert_file, r.identity);
    ck_assert_str_eq(hub_settings.key_file, r.identity);
    ck_assert_int_eq(stat(r.identity, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_ne(stat(r.key, &st), 0);
    s = look(&r);
    ck_assert_int_eq(hub.asked, 1);
    end(&r);
}
END_TEST

START_TEST(after_a_lost_answer_the_same_key_asks_again)
{
    struct rig r;
    struct enrolment_status s;

    begin(&r);
    hub.refuse = ERR_IO;
    s = look(&r);
    ck_assert_int_eq(s.state, ENROLMENT_WAITING);
    ck_assert_ptr_nonnull(strstr(s.problem, "used up"));
    ck_assert(!s.refused);
    {
        char *key = read_file(r.key, NULL), *same;

        hub.refuse = 0;
        s = look(&r);
        same = read_file(r.identity, NULL);
        ck_assert_int_eq(strncmp(key, same, strlen(key)), 0);
        free(same);
        free(key);
    }
    ck_assert_int_eq(s.state, ENROLMENT_ENROLLED);
    ck_assert_str_eq(s.problem, "");
    end(&r);
}
END_TEST

START_TEST(it_is_renewed_after_two_thirds_of_its_life_and_not_before)
{
    struct rig r;
    struct enrolment_status s;
    int64_t day = INT64_C(86400) * NS_PER_S, start;

    begin(&r);
    start = r.now;
    s = look(&r);
    r.now = start + day / 2;
    s = look(&r);
    ck_assert_int_eq(hub.asked, 1);
    r.now = start + day * 2 / 3 + 3600 * NS_PER_S; /* it was signed some time after start */
    s = look(&r);
    ck_assert_int_eq(hub.asked, 2);
    ck_assert_int_eq(hub.renewals, 1);
    ck_assert_int_eq(s.state, ENROLMENT_ENROLLED);
    ck_assert_int_eq(r.changes, 2);
    end(&r);
}
END_TEST

START_TEST(while_renewing_fails_the_old_one_stays_in_use)
{
    struct rig r;
    struct agent_config_hub settings;
    struct enrolment_status s;

    begin(&r);
    s = look(&r);
    r.now += INT64_C(80000) * NS_PER_S;
    hub.refuse = ERR_BUSY;
    s = look(&r);
    ck_assert_int_eq(s.state, ENROLMENT_ENROLLED);
    ck_assert_str_ne(s.problem, "");
    enrolment_settings(r.n, &settings);
    ck_assert_str_eq(settings.cert_file, r.identity);
    r.now += INT64_C(10000) * NS_PER_S;
    s = look(&r);
    ck_assert_int_eq(s.state, ENROLMENT_EXPIRED);
    hub.refuse = 0;
    hub.renewals = 0;
    s = look(&r);
    ck_assert_int_eq(hub.renewals, 0); /* one that has run out can renew nothing: the token is shown */
    end(&r);
}
END_TEST

START_TEST(a_certificate_that_the_hub_refuses_is_replaced_whatever_its_age)
{
    struct rig r;

    begin(&r);
    (void)look(&r);
    ck_assert_int_eq(hub.asked, 1);
    r.refused = true;
    (void)look(&r);
    ck_assert_int_eq(hub.asked, 2);
    hub.refuse = ERR_REFUSED;
    (void)look(&r);
    ck_assert_int_eq(hub.asked, 4); /* renewal, then the token */
    end(&r);
}
END_TEST

START_TEST(without_a_token_file_nothing_is_asked_and_settings_stay)
{
    struct rig r;
    struct agent_config_hub settings;

    begin(&r);
    r.config->hub.enroll_token_file[0] = '\0';
    enrolment_configure(r.n, &r.config->hub);
    enrolment_settings(r.n, &settings);
    ck_assert_str_eq(settings.url, "https://hub.example.com");
    ck_assert_str_eq(settings.cert_file, "");
    ck_assert_int_eq(hub.asked, 0);
    end(&r);
}
END_TEST

START_TEST(a_certificate_of_another_key_is_not_taken)
{
    struct err e = { 0 };
    char key[600], other[600];
    struct buf csr;

    if (!make_ca())
        skip("the openssl command is missing");
    snprintf(key, sizeof key, "%s/key", hub.dir);
    snprintf(other, sizeof other, "%s/out.pem", hub.dir);
    ck_assert_int_eq(plat_key_ensure(key, &e), 0);
    buf_init(&csr, 16 * 1024);
    ck_assert_int_eq(plat_key_request(key, &csr, &e), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&csr), "BEGIN CERTIFICATE REQUEST"));
    {
        char path[600], *pem;
        size_t len;

        snprintf(path, sizeof path, "%s/ca.pem", hub.dir);
        pem = read_file(path, &len);
        ck_assert_int_eq(plat_key_join(key, pem, len, other, &e), ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(e.text, "another key"));
        ck_assert_int_eq(plat_key_join(key, "x", 1, other, &e), ERR_INVALID);
        free(pem);
    }
    buf_free(&csr);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_certificate_is_asked_for_kept_and_shown);
    suite_test(s, after_a_lost_answer_the_same_key_asks_again);
    suite_test(s, it_is_renewed_after_two_thirds_of_its_life_and_not_before);
    suite_test(s, while_renewing_fails_the_old_one_stays_in_use);
    suite_test(s, a_certificate_that_the_hub_refuses_is_replaced_whatever_its_age);
    suite_test(s, without_a_token_file_nothing_is_asked_and_settings_stay);
    suite_test(s, a_certificate_of_another_key_is_not_taken);
}

int main(void)
{
    return suite_main("agent: enrolment", add);
}
