/* The rules of who may enrol and who may speak for whom, at the store; and the CA. */
#include "base/text.h"
#include "hub/ca.h"
#include "hub/enroll_token.h"
#include "hub/fleet_identity.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HOURS (60 * MINUTES)
#define ADDR  "192.0.2.7"

struct world {
    struct test_clock clock;
    struct fleet_store *store;
    struct fleet_token token;
    struct err e;
};

static void begin(struct world *w, int64_t uses)
{
    char path[4200], text[ENROLL_TOKEN_TEXT_MAX];

    *w = (struct world){ .store = NULL };
    test_clock_init(&w->clock);
    snprintf(path, sizeof path, "%s/fleet.db", temp_dir());
    w->store = open_store(path, &w->clock.clock);
    w->token = (struct fleet_token){
        .uses = uses, .uses_left = uses, .created = w->clock.now, .expires = w->clock.now + HOURS
    };
    enroll_token_make(text, w->token.id, w->token.digest);
    ck_assert_msg(fleet_token_make(w->store, &w->token, "by a test", &w->e) == 0, "%s", w->e.text);
}

static void end(struct world *w)
{
    fleet_store_close(w->store);
}

/* A certificate for agent n on its host, with key and serial of these names. */
static struct fleet_issued cert_of(const struct world *w, int n, const char *key, const char *serial)
{
    struct resource who = made_agent(n, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct fleet_issued c = { .issued = w->clock.now, .expires = w->clock.now + 24 * HOURS };

    text_copy(c.agent_id, sizeof c.agent_id, who.agent_id);
    text_copy(c.host_id, sizeof c.host_id, who.host_id);
    text_copy(c.token_id, sizeof c.token_id, w->token.id);
    text_copy(c.key, sizeof c.key, key);
    text_copy(c.serial, sizeof c.serial, serial);
    return c;
}

static int enroll(struct world *w, int n, const char *key, const char *serial)
{
    struct fleet_issued c = cert_of(w, n, key, serial);

    return fleet_enroll(w->store, w->token.digest, &c, ADDR, &w->e);
}

static int renew(struct world *w, int n, const char *from, const char *key, const char *serial)
{
    struct fleet_issued c = cert_of(w, n, key, serial);

    text_copy(c.renewed_from, sizeof c.renewed_from, from);
    c.token_id[0] = '\0';
    return fleet_renew(w->store, &c, ADDR, &w->e);
}

static int64_t uses_left(struct world *w)
{
    struct fleet_token t;

    ck_assert_msg(fleet_token_get(w->store, w->token.id, &t, &w->e) == 0, "%s", w->e.text);
    return t.uses_left;
}

static struct fleet_speaker enrolled(int n, const char *serial)
{
    struct resource who = made_agent(n, "", "", "");
    struct fleet_speaker s = { .enrolled = true };

    text_copy(s.agent_id, sizeof s.agent_id, who.agent_id);
    text_copy(s.host_id, sizeof s.host_id, who.host_id);
    text_copy(s.serial, sizeof s.serial, serial);
    return s;
}

static struct fleet_speaker holder(const char *name, bool bind)
{
    struct fleet_speaker s = { .bind = bind };

    text_copy(s.holder, sizeof s.holder, name);
    return s;
}

/* One record of agent n, said by the speaker; "" when it was taken, else why not. */
static const char *said_by(struct world *w, int n, uint64_t seq, const struct fleet_speaker *speaker)
{
    static char why[FLEET_REFUSAL_MAX];
    struct resource who = made_agent(n, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request = { .groups = NULL };
    struct fleet_batch batch = { .request = &request, .speaker = speaker };
    struct buf bytes;
    struct made m;

    buf_init(&bytes, 1024 * 1024);
    made_init(&m, seq);
    made_lifecycle(&m, n, 1, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    ck_assert_msg(otlp_decode(bytes.data, bytes.len, &limits, &request, &w->e) == 0, "%s", w->e.text);
    ck_assert_msg(fleet_store_apply(w->store, &batch, 1, &w->e) == 0, "%s", w->e.text);
    ck_assert_int_eq(batch.refused, batch.stored == 0);
    text_copy(why, sizeof why, batch.refused ? batch.refusal : "");
    otlp_request_free(&request);
    buf_free(&bytes);
    return why;
}

static bool count_identity(void *arg, const struct fleet_finding *f)
{
    *(int *)arg += f->kind == FINDING_IDENTITY;
    return true;
}

static int findings(struct world *w)
{
    int count = 0;
    struct fleet_reader reader = { .arg = &count, .finding = count_identity };

    ck_assert_msg(fleet_store_read(w->store, &reader, &w->e) == 0, "%s", w->e.text);
    return count;
}

#define ASSERT_SAYS(text, part) \
    ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" says nothing of \"%s\"", text, part)

/* ---- tokens ------------------------------------------------------------------------------- */

START_TEST(a_token_is_good_for_its_uses_and_the_same_key_takes_one_only)
{
    struct world w;

    begin(&w, 2);
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    ck_assert_msg(enroll(&w, 1, "key1", "s2") == 0, "%s", w.e.text);
    ck_assert_int_eq(uses_left(&w), 1);
    ck_assert_msg(enroll(&w, 2, "key2", "s3") == 0, "%s", w.e.text);
    ck_assert_int_eq(enroll(&w, 3, "key3", "s4"), ERR_REFUSED);
    ASSERT_SAYS(w.e.text, "used up");
    ck_assert_int_eq(uses_left(&w), 0);
    end(&w);
}
END_TEST

START_TEST(a_token_that_has_expired_or_was_revoked_enrols_nobody)
{
    struct world w;
    int count;

    begin(&w, 5);
    w.clock.now += HOURS;
    ck_assert_int_eq(enroll(&w, 1, "key1", "s1"), ERR_REFUSED);
    ASSERT_SAYS(w.e.text, "expired");
    w.clock.now -= HOURS;
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    ck_assert_int_eq(fleet_identity_revoke(w.store, REVOKE_TOKEN, w.token.id, "", &count, &w.e), 0);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(enroll(&w, 2, "key2", "s2"), ERR_REFUSED);
    ASSERT_SAYS(w.e.text, "revoked");
    ck_assert_int_eq(fleet_identity_revoke(w.store, REVOKE_TOKEN, w.token.id, "", &count, &w.e), 0);
    ck_assert_int_eq(count, 0);
    end(&w);
}
END_TEST

START_TEST(the_right_id_with_a_wrong_secret_is_not_known)
{
    struct world w;

    begin(&w, 1);
    w.token.digest[0] = w.token.digest[0] == '0' ? '1' : '0';
    ck_assert_int_eq(enroll(&w, 1, "key1", "s1"), ERR_REFUSED);
    ASSERT_SAYS(w.e.text, "not known");
    ck_assert_int_eq(uses_left(&w), 1);
    end(&w);
}
END_TEST

START_TEST(a_tokens_text_is_read_back_and_nothing_else_is_one)
{
    char text[ENROLL_TOKEN_TEXT_MAX], id[IDENTITY_TOKEN_ID_MAX], digest[IDENTITY_DIGEST_MAX];
    char id2[IDENTITY_TOKEN_ID_MAX], digest2[IDENTITY_DIGEST_MAX];

    enroll_token_make(text, id, digest);
    ck_assert(enroll_token_read(text, id2, digest2));
    ck_assert_str_eq(id, id2);
    ck_assert_str_eq(digest, digest2);
    ck_assert_ptr_null(strstr(digest, text + 17));
    ck_assert(!enroll_token_read(NULL, id2, digest2));
    ck_assert(!enroll_token_read("", id2, digest2));
    text[strlen(text) - 1] = 'X';
    ck_assert(!enroll_token_read(text, id2, digest2));
    text[strlen(text) - 1] = '\0';
    ck_assert(!enroll_token_read(text, id2, digest2));
}
END_TEST

/* ---- who speaks for whom --------------------------------------------------------------------- */

START_TEST(a_certificate_speaks_for_its_own_agent_and_host_alone)
{
    struct world w;
    struct fleet_speaker one = enrolled(1, "s1"), clone = one;

    begin(&w, 1);
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    ck_assert_str_eq(said_by(&w, 1, 1, &one), "");
    ASSERT_SAYS(said_by(&w, 2, 1, &one), "was used to speak for");
    text_copy(clone.host_id, sizeof clone.host_id, "host-elsewhere");
    ASSERT_SAYS(said_by(&w, 1, 2, &clone), "cloned host");
    ck_assert_int_eq(findings(&w), 2);
    ck_assert_str_eq(said_by(&w, 1, 2, &one), "");
    end(&w);
}
END_TEST

START_TEST(an_enrolled_agent_is_not_believed_without_its_certificate)
{
    struct world w;
    struct fleet_speaker token = holder("token 0123", false), nothing = holder("", false);

    begin(&w, 1);
    ck_assert_str_eq(said_by(&w, 1, 1, &token), "");
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    ASSERT_SAYS(said_by(&w, 1, 2, &token), "enrolled with");
    ASSERT_SAYS(said_by(&w, 1, 2, &nothing), "enrolled with");
    ck_assert_int_eq(findings(&w), 1);
    end(&w);
}
END_TEST

START_TEST(an_enrolled_host_is_spoken_for_by_enrolled_agents_alone)
{
    struct world w;
    struct fleet_speaker other = holder("certificate CN=hv02", true), nothing = holder("", false);
    struct fleet_issued c;

    begin(&w, 1);
    c = cert_of(&w, 7, "key1", "s1");
    text_copy(c.host_id, sizeof c.host_id, made_agent(2, "", "", "").host_id);
    ck_assert_msg(fleet_enroll(w.store, w.token.digest, &c, ADDR, &w.e) == 0, "%s", w.e.text);
    ASSERT_SAYS(said_by(&w, 2, 1, &other), "has enrolled, and agent");
    ASSERT_SAYS(said_by(&w, 2, 1, &nothing), "spoke for it (nothing was shown)");
    ck_assert_int_eq(findings(&w), 1);
    ck_assert_str_eq(said_by(&w, 3, 1, &other), "");
    end(&w);
}
END_TEST

START_TEST(what_is_revoked_is_refused_at_once)
{
    struct world w;
    struct fleet_speaker one = enrolled(1, "s1"), two = enrolled(2, "s2");
    int count;

    begin(&w, 3);
    ck_assert_int_eq(enroll(&w, 1, "key1", "s1") | enroll(&w, 2, "key2", "s2"), 0);
    ck_assert_int_eq(fleet_identity_revoke(w.store, REVOKE_CERTIFICATE, "s1", "", &count, &w.e), 0);
    ASSERT_SAYS(said_by(&w, 1, 1, &one), "revoked");
    ck_assert_int_eq(renew(&w, 1, "s1", "key1b", "s1b"), ERR_REFUSED);
    ck_assert_int_eq(fleet_identity_revoke(w.store, REVOKE_HOST, two.host_id, "", &count, &w.e), 0);
    ASSERT_SAYS(said_by(&w, 2, 1, &two), "revoked");
    ck_assert_int_eq(enroll(&w, 2, "key2", "s3"), ERR_REFUSED);
    ck_assert_int_eq(fleet_identity_current(w.store, "s2", two.host_id, &w.e), ERR_REFUSED);
    ck_assert_int_eq(fleet_identity_forget(w.store, NULL, two.host_id, "", &count, &w.e), 0);
    ck_assert_int_eq(count, 2);
    ck_assert_msg(enroll(&w, 2, "key2b", "s4") == 0, "%s", w.e.text);
    two = enrolled(2, "s4");
    ck_assert_str_eq(said_by(&w, 2, 1, &two), "");
    end(&w);
}
END_TEST

START_TEST(a_banned_host_is_spoken_for_by_nobody_whatever_is_shown)
{
    struct fleet_speaker one, nothing = holder("", true), token = holder("token 1", true);
    struct world w;
    int count;

    begin(&w, 2);
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    ASSERT_SAYS(said_by(&w, 1, 1, &nothing), "nothing was shown");
    ASSERT_SAYS(said_by(&w, 1, 1, &token), "belongs to the certificate that it was enrolled with");
    ck_assert_str_eq(said_by(&w, 2, 1, &nothing), ""); /* of nobody's, and nothing to bind it to */
    ck_assert_str_eq(said_by(&w, 2, 2, &token), "");
    ck_assert_int_eq(fleet_identity_revoke(w.store, REVOKE_HOST, made_agent(2, "", "", "").host_id, "", &count, &w.e),
                     0);
    ASSERT_SAYS(said_by(&w, 2, 3, &token), "was revoked");
    ck_assert_int_eq(fleet_identity_revoke(w.store, REVOKE_HOST, made_agent(1, "", "", "").host_id, "", &count, &w.e),
                     0);
    one = enrolled(1, "never-issued");
    ASSERT_SAYS(said_by(&w, 1, 1, &one), "was revoked; enrol it anew");
    end(&w);
}
END_TEST

START_TEST(an_agent_id_belongs_to_whom_it_was_first_seen_with_until_forgotten)
{
    struct world w;
    struct resource who = made_agent(1, "", "", "");
    struct fleet_speaker first = holder("certificate CN=hv01", true), other = holder("certificate CN=hv02", true);
    struct fleet_speaker relaxed = holder("token 0123", false);
    int count;

    begin(&w, 1);
    ck_assert_str_eq(said_by(&w, 1, 1, &first), "");
    ck_assert_str_eq(said_by(&w, 1, 2, &first), "");
    ASSERT_SAYS(said_by(&w, 1, 3, &other), "belongs to certificate CN=hv01");
    ck_assert_int_eq(findings(&w), 1);
    ck_assert_str_eq(said_by(&w, 1, 3, &relaxed), "");
    ck_assert_int_eq(fleet_identity_forget(w.store, who.agent_id, NULL, "", &count, &w.e), 0);
    ck_assert_int_eq(count, 1);
    ck_assert_str_eq(said_by(&w, 1, 4, &other), "");
    ASSERT_SAYS(said_by(&w, 1, 5, &first), "belongs to certificate CN=hv02");
    end(&w);
}
END_TEST

START_TEST(a_refused_request_does_not_hold_up_those_committed_with_it)
{
    struct world w;
    struct fleet_speaker one = enrolled(1, "s1");
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request requests[2] = { { .groups = NULL }, { .groups = NULL } };
    struct fleet_batch batches[2];

    begin(&w, 1);
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    for (int i = 0; i < 2; i++) {
        struct resource who = made_agent(2 - i, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
        struct buf bytes;
        struct made m;

        buf_init(&bytes, 1024 * 1024);
        made_init(&m, 1);
        made_lifecycle(&m, 1, 3, T0);
        made_request(&m, &who, &bytes);
        made_free(&m);
        ck_assert_int_eq(otlp_decode(bytes.data, bytes.len, &limits, &requests[i], &w.e), 0);
        batches[i] = (struct fleet_batch){ .request = &requests[i], .speaker = &one };
        buf_free(&bytes);
    }
    ck_assert_msg(fleet_store_apply(w.store, batches, 2, &w.e) == 0, "%s", w.e.text);
    ck_assert(batches[0].refused);
    ck_assert_uint_eq(batches[0].stored, 0);
    ck_assert(!batches[1].refused);
    ck_assert_uint_eq(batches[1].stored, 3);
    ck_assert_uint_eq(batches[1].acked_through, 3);
    otlp_request_free(&requests[0]);
    otlp_request_free(&requests[1]);
    end(&w);
}
END_TEST

/* ---- renewing ------------------------------------------------------------------------------ */

START_TEST(a_renewal_whose_answer_was_lost_may_be_asked_for_again)
{
    struct world w;

    begin(&w, 1);
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    ck_assert_msg(renew(&w, 1, "s1", "key2", "s2") == 0, "%s", w.e.text);
    ck_assert_msg(renew(&w, 1, "s1", "key2", "s3") == 0, "%s", w.e.text);
    ck_assert_msg(renew(&w, 1, "s1", "key3", "s4") == 0, "%s", w.e.text);
    end(&w);
}
END_TEST

START_TEST(a_certificate_whose_successor_is_in_use_is_a_clones)
{
    struct world w;
    struct fleet_speaker next = enrolled(1, "s2");

    begin(&w, 1);
    ck_assert_msg(enroll(&w, 1, "key1", "s1") == 0, "%s", w.e.text);
    ck_assert_msg(renew(&w, 1, "s1", "key2", "s2") == 0, "%s", w.e.text);
    ck_assert_str_eq(said_by(&w, 1, 1, &next), "");
    ck_assert_int_eq(renew(&w, 1, "s1", "key3", "s3"), ERR_REFUSED);
    ASSERT_SAYS(w.e.text, "two machines");
    ck_assert_int_eq(findings(&w), 1);
    end(&w);
}
END_TEST

struct events {
    int made, enrolled, refused;
};

static void count_event(void *arg, const struct fleet_identity_event *ev)
{
    struct events *c = arg;

    c->made += strcmp(ev->what, "made") == 0;
    c->enrolled += strcmp(ev->what, "enrolled") == 0 && strcmp(ev->address, ADDR) == 0 && ev->agent_id[0] != '\0' &&
                   ev->host_id[0] != '\0' && ev->serial[0] != '\0';
    c->refused += strcmp(ev->what, "refused") == 0 && ev->text[0] != '\0';
}

START_TEST(every_use_and_every_refusal_is_in_the_account)
{
    struct events c = { 0, 0, 0 };
    struct fleet_identity_reader r = { .arg = &c, .event = count_event, .event_max = 10 };
    struct world w;

    begin(&w, 1);
    ck_assert_int_eq(enroll(&w, 1, "key1", "s1"), 0);
    ck_assert_int_eq(enroll(&w, 2, "key2", "s2"), ERR_REFUSED);
    ck_assert_msg(fleet_identity_read(w.store, &r, &w.e) == 0, "%s", w.e.text);
    ck_assert_int_eq(c.made, 1);
    ck_assert_int_eq(c.enrolled, 1);
    ck_assert_int_eq(c.refused, 1);
    end(&w);
}
END_TEST

/* ---- the CA ------------------------------------------------------------------------------------ */

static gnutls_datum_t made_csr(void)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crq_t crq;
    gnutls_datum_t pem;

    ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
    ck_assert_int_eq(
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
    ck_assert_int_eq(gnutls_x509_crq_init(&crq), 0);
    ck_assert_int_eq(gnutls_x509_crq_set_key(crq, key), 0);
    ck_assert_int_eq(gnutls_x509_crq_set_version(crq, 1), 0);
    ck_assert_int_eq(gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0), 0);
    ck_assert_int_eq(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &pem), 0);
    gnutls_x509_crq_deinit(crq);
    gnutls_x509_privkey_deinit(key);
    return pem;
}

static struct ca *made_ca(const char *name)
{
    char folder[4200];
    struct err e = { 0 };
    struct stat st;
    struct ca *ca;

    snprintf(folder, sizeof folder, "%s/%s", temp_dir(), name);
    ck_assert_int_eq(ca_load(&ca, folder, &e), ERR_NOT_FOUND);
    ck_assert_msg(ca_make(folder, &e) == 0, "%s", e.text);
    ck_assert_int_eq(ca_make(folder, &e), ERR_STATE);
    ck_assert_msg(ca_load(&ca, folder, &e) == 0, "%s", e.text);
    strncat(folder, "/ca.key", sizeof folder - strlen(folder) - 1);
    ck_assert_int_eq(stat(folder, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    return ca;
}

START_TEST(what_the_ca_signs_it_knows_again_and_another_ca_does_not)
{
    struct ca *ca = made_ca("one"), *other = made_ca("two");
    gnutls_datum_t pem = made_csr(), text;
    struct fleet_issued plan = { .agent_id = "11111111-2222-3333-4444-555555555555",
                                 .host_id = "bundle:HV 01/\xc3\xa4%" };
    struct fleet_speaker who;
    gnutls_x509_crt_t cert;
    struct err e = { 0 };
    struct csr *csr;
    struct buf out;

    buf_init(&out, 64 * 1024);
    ck_assert_msg(csr_read(&csr, (const char *)pem.data, pem.size, &e) == 0, "%s", e.text);
    ca_plan(csr, plat_clock()->wall_ns(plat_clock()), 24 * HOURS, &plan);
    ck_assert_msg(ca_sign(ca, csr, &plan, &out, &e) == 0, "%s", e.text);
    text = (gnutls_datum_t){ (unsigned char *)out.data, (unsigned)out.len };
    ck_assert_int_eq(gnutls_x509_crt_init(&cert), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(cert, &text, GNUTLS_X509_FMT_PEM), 0);
    ck_assert(ca_recognize(ca, cert, &who));
    ck_assert_str_eq(who.agent_id, plan.agent_id);
    ck_assert_str_eq(who.host_id, plan.host_id);
    ck_assert_str_eq(who.serial, plan.serial);
    ck_assert(!ca_recognize(other, cert, &who));
    gnutls_x509_crt_deinit(cert);
    gnutls_free(pem.data);
    csr_free(csr);
    buf_free(&out);
    ca_free(other);
    ca_free(ca);
}
END_TEST

START_TEST(a_key_that_others_may_read_is_no_ca)
{
    struct ca *ca = made_ca("ca");
    char folder[4200], key[4300];
    struct err e = { 0 };

    ca_free(ca);
    snprintf(folder, sizeof folder, "%s/open", temp_dir());
    ck_assert_int_eq(ca_make(folder, &e), 0);
    snprintf(key, sizeof key, "%s/ca.key", folder);
    ck_assert_int_eq(chmod(key, 0640), 0);
    ck_assert_int_eq(ca_load(&ca, folder, &e), ERR_PERMISSION);
    ASSERT_SAYS(e.text, "chmod 0600");
}
END_TEST

START_TEST(a_file_of_the_ca_that_is_too_large_is_told_and_not_cut)
{
    static const char *const names[] = { "ca.pem", "ca.key" }, *const holds[] = { "certificate", "key" };
    static char text[64 * 1024];

    memset(text, '\n', sizeof text);
    for (int i = 0; i < 2; i++) {
        char folder[4200], name[16], want[4600];
        struct ca *ca = NULL;
        struct err e = { 0 };

        snprintf(name, sizeof name, "large-%d", i);
        snprintf(folder, sizeof folder, "%s/%s", temp_dir(), name);
        ck_assert_int_eq(ca_make(folder, &e), 0);
        append_file(folder, names[i], text, sizeof text);
        ck_assert_int_eq(ca_load(&ca, folder, &e), ERR_TOO_BIG);
        ck_assert_ptr_null(ca);
        snprintf(want, sizeof want, "%s/%s: too large (at most 65535 bytes); it holds one %s, put that alone into it",
                 folder, names[i], holds[i]);
        ck_assert_str_eq(e.text, want);
    }
}
END_TEST

START_TEST(a_request_that_was_changed_after_signing_is_refused)
{
    gnutls_datum_t pem = made_csr();
    struct err e = { 0 };
    struct csr *csr;

    for (unsigned i = 100; i < pem.size - 60; i += 20) {
        unsigned char was = pem.data[i];

        pem.data[i] = was == 'A' ? 'B' : 'A';
        ck_assert_int_ne(csr_read(&csr, (const char *)pem.data, pem.size, &e), 0);
        pem.data[i] = was;
    }
    ck_assert_int_eq(csr_read(&csr, "", 0, &e), ERR_INVALID);
    ck_assert_int_eq(csr_read(&csr, (const char *)pem.data, CSR_BYTES_MAX + 1, &e), ERR_TOO_BIG);
    gnutls_free(pem.data);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_token_is_good_for_its_uses_and_the_same_key_takes_one_only);
    suite_test(s, a_token_that_has_expired_or_was_revoked_enrols_nobody);
    suite_test(s, the_right_id_with_a_wrong_secret_is_not_known);
    suite_test(s, a_tokens_text_is_read_back_and_nothing_else_is_one);
    suite_test(s, a_certificate_speaks_for_its_own_agent_and_host_alone);
    suite_test(s, an_enrolled_agent_is_not_believed_without_its_certificate);
    suite_test(s, an_enrolled_host_is_spoken_for_by_enrolled_agents_alone);
    suite_test(s, what_is_revoked_is_refused_at_once);
    suite_test(s, a_banned_host_is_spoken_for_by_nobody_whatever_is_shown);
    suite_test(s, an_agent_id_belongs_to_whom_it_was_first_seen_with_until_forgotten);
    suite_test(s, a_refused_request_does_not_hold_up_those_committed_with_it);
    suite_test(s, a_renewal_whose_answer_was_lost_may_be_asked_for_again);
    suite_test(s, a_certificate_whose_successor_is_in_use_is_a_clones);
    suite_test(s, every_use_and_every_refusal_is_in_the_account);
    suite_test(s, what_the_ca_signs_it_knows_again_and_another_ca_does_not);
    suite_test(s, a_key_that_others_may_read_is_no_ca);
    suite_test(s, a_file_of_the_ca_that_is_too_large_is_told_and_not_cut);
    suite_test(s, a_request_that_was_changed_after_signing_is_refused);
}

int main(void)
{
    return suite_main("hub: enrolment", add);
}
