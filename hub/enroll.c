/* POST /v1/enroll and POST /v1/renew: from a request for a certificate to the certificate.
 *
 * Both take {"csr": PEM} as JSON; enrolment names {"agent_id", "host_id"} too and shows an enrolment token, while a
 * renewal shows the certificate that is to be replaced, which says who it is.  The answer
 * is {"certificate": PEM, "serial", "expires"}.
 *
 * Of a stranger the hub parses a small JSON object and looks up one token by its id; keys and signatures are looked at
 * only once the token was found good.  The store is written on the worker's thread; a full queue is 503.
 *
 * The use of a token is committed before the certificate is signed and sent.  Whoever does not get the answer asks
 * again with the same key, which costs no second use. */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/enroll_token.h"
#include "hub/exchange.h"

#include <gnutls/gnutls.h>
#include <jansson.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 * 1024, RETRY_FAILED_S = 10 };

struct enrolling {
    char csr[CSR_BYTES_MAX + 1];
    char digest[IDENTITY_DIGEST_MAX];
    char address[IDENTITY_ADDRESS_MAX];
    struct fleet_issued cert;
};

/* ---- what is asked ---------------------------------------------------------------------- */

static void name_address(struct exchange *x, char *out, size_t size)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    socklen_t len;

    out[0] = '\0';
    if (info == NULL || info->client_addr == NULL)
        return;
    len = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(info->client_addr, len, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
        out[0] = '\0';
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";

    return type != NULL && text_ncasecmp(type, json, sizeof json - 1) == 0 &&
           strchr(" \t;", type[sizeof json - 1]) != NULL;
}

static void begin(struct exchange *x)
{
    x->dialect = DIALECT_JSON;
    buf_free(&x->body);
    buf_init(&x->body, BODY_MAX); /* a stranger gets less room than an agent */
    if (!is_json(exchange_header(x, MHD_HTTP_HEADER_CONTENT_TYPE))) {
        exchange_refuse(x, 415, "Content-Type must be application/json");
        return;
    }
    if (x->server->ca == NULL) {
        x->reply.retry_after_s = RETRY_FAILED_S;
        exchange_refuse(x, 503, "this hub has no CA to enrol with: it needs tls.cert_file, and `hvhub ca init`");
        return;
    }
    x->enrolling = (struct enrolling *)calloc(1, sizeof *x->enrolling);
    if (x->enrolling == NULL)
        exchange_refuse(x, 503, "out of memory");
    else
        name_address(x, x->enrolling->address, sizeof x->enrolling->address);
}

void enroll_begin(struct exchange *x)
{
    begin(x);
    if (x->phase == PHASE_READING && !enroll_token_read(auth_bearer(exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION)),
                                                        x->enrolling->cert.token_id, x->enrolling->digest))
        exchange_refuse(x, 401, "an enrolment token is needed, as `hvhub enroll new` prints it");
}

void renew_begin(struct exchange *x)
{
    begin(x);
}

/* A text of the object, without control characters. */
static bool take_text(struct exchange *x, json_t *body, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(body, name));
    size_t len = text != NULL ? strlen(text) : 0;
    bool good = len > 0 && len < size;

    for (size_t i = 0; i < len; i++)
        good = good && (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
    if (good)
        text_copy(out, size, text);
    else
        exchange_refuse(x, 400, "%s: a text of 1 to %zu characters is needed", name, size - 1);
    return good;
}

static bool take_csr(struct exchange *x, json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "csr"));

    if (text == NULL || !text_copy(x->enrolling->csr, sizeof x->enrolling->csr, text)) {
        exchange_refuse(x, 400, "csr: a certificate request (PKCS #10, PEM) of at most %d characters is needed",
                        CSR_BYTES_MAX);
        return false;
    }
    return true;
}

/* NULL after refusing. */
static json_t *read_body(struct exchange *x)
{
    json_error_t problem;
    json_t *body;

    body = json_loadb(buf_text(&x->body), x->body.len, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(body)) {
        exchange_refuse(x, 400, "the body is not a JSON object");
        json_decref(body);
        return NULL;
    }
    return body;
}

/* ---- what is answered ------------------------------------------------------------------------ */

static void answer(struct exchange *x, const struct csr *csr)
{
    const struct fleet_issued *c = &x->enrolling->cert;
    char expires[TIMES_TEXT_MAX], *text = NULL;
    struct err e = { 0 };
    struct buf pem;
    json_t *out = NULL;

    buf_init(&pem, CSR_BYTES_MAX);
    if (ca_sign(x->server->ca, csr, c, &pem, &e) == 0)
        out = json_pack("{s:s, s:s, s:s}", "certificate", buf_text(&pem), "serial", c->serial, "expires",
                        times_format(c->expires, expires));
    text = out != NULL ? json_dumps(out, JSON_COMPACT) : NULL;
    if (text == NULL) {
        exchange_refuse(x, 500, "%s", e.text[0] != '\0' ? e.text : "out of memory");
    } else {
        exchange_text(x, 200, text);
        x->reply.type = "application/json";
    }
    free(text);
    json_decref(out);
    buf_free(&pem);
}

static void refuse(struct exchange *x, int rc, const struct err *e)
{
    const struct fleet_issued *c = &x->enrolling->cert;

    log_event(LOG_WARN, "enroll.refused", LOG_S("address", x->enrolling->address), LOG_S("token", c->token_id),
              LOG_S("agent_id", c->agent_id), LOG_S("host_id", c->host_id), LOG_S("problem", e->text));
    if (rc == ERR_REFUSED) {
        exchange_refuse(x, 403, "%s", e->text);
    } else if (rc == ERR_INVALID || rc == ERR_TOO_BIG) {
        exchange_refuse(x, 400, "%s", e->text);
    } else {
        x->reply.retry_after_s = RETRY_FAILED_S;
        exchange_refuse(x, 503, "this cannot be stored now (%s); try again", err_name((enum err_code)rc));
    }
}

/* Is the token worth looking at the rest?  The transaction asks once more. */
static int look_at_token(struct exchange *x, struct err *e)
{
    const struct enrolling *n = x->enrolling;
    struct fleet_token t;
    int rc = fleet_token_get(x->server->o.enrolling, n->cert.token_id, &t, e);

    if (rc == ERR_NOT_FOUND || (rc == 0 && gnutls_memcmp(t.digest, n->digest, sizeof n->digest) != 0))
        return err_set(e, ERR_REFUSED, "the enrolment token is not known");
    return rc;
}

static void issue(struct exchange *x, bool renewal)
{
    struct enrolling *n = x->enrolling;
    const struct server *s = x->server;
    struct csr *csr = NULL;
    struct err e = { 0 };
    int rc = renewal ? 0 : look_at_token(x, &e);

    if (rc == 0)
        rc = csr_read(&csr, n->csr, strlen(n->csr), &e);
    if (rc == 0) {
        ca_plan(csr, s->o.clock->wall_ns(s->o.clock), s->config.ca_lifetime_ns, &n->cert);
        rc = renewal ? fleet_renew(s->o.enrolling, &n->cert, n->address, &e)
                     : fleet_enroll(s->o.enrolling, n->digest, &n->cert, n->address, &e);
    }
    if (rc == 0) {
        log_event(LOG_INFO, renewal ? "enroll.renewed" : "enroll.done", LOG_S("address", n->address),
                  LOG_S("token", n->cert.token_id), LOG_S("agent_id", n->cert.agent_id),
                  LOG_S("host_id", n->cert.host_id), LOG_S("serial", n->cert.serial));
        answer(x, csr);
    } else {
        refuse(x, rc, &e);
    }
    csr_free(csr);
    exchange_resume(x);
}

static void run_enroll(struct work *work)
{
    issue(exchange_of(work), false);
}

static void run_renew(struct work *work)
{
    issue(exchange_of(work), true);
}

void enroll_finish(struct exchange *x)
{
    struct fleet_issued *c = &x->enrolling->cert;
    json_t *body = read_body(x);
    char agent[GUID_TEXT_MAX];
    bool good;

    if (body == NULL)
        return;
    good = take_csr(x, body) && take_text(x, body, "agent_id", agent, sizeof agent) &&
           take_text(x, body, "host_id", c->host_id, sizeof c->host_id);
    json_decref(body);
    if (good && !guid_parse(agent, strlen(agent), c->agent_id))
        exchange_refuse(x, 400, "agent_id: a GUID is needed");
    else if (good)
        page_hand_over(x, run_enroll);
}

void renew_finish(struct exchange *x)
{
    struct fleet_issued *c = &x->enrolling->cert;
    json_t *body;
    bool good;

    if (!x->speaker.enrolled) {
        exchange_refuse(x, 401, "a renewal is asked for with the certificate that enrolment gave");
        return;
    }
    body = read_body(x);
    if (body == NULL)
        return;
    good = take_csr(x, body);
    json_decref(body);
    text_copy(c->agent_id, sizeof c->agent_id, x->speaker.agent_id);
    text_copy(c->host_id, sizeof c->host_id, x->speaker.host_id);
    text_copy(c->renewed_from, sizeof c->renewed_from, x->speaker.serial);
    if (good)
        page_hand_over(x, run_renew);
}
