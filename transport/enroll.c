/* See enroll.h. */
#include "transport/enroll.h"

#include "base/text.h"
#include "transport/curl_options.h"
#include "transport/error_body.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    HTTP_OK = 200,
    HTTP_BAD = 400,
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403,
    ANSWER_MAX = 64 * 1024,
    WORDS_MAX = 384
};

/* One question under way. */
struct asking {
    const struct enroll_request *r;
    struct agent_config_hub hub; /* with the credential of this question alone */
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    struct buf answer;
    char error[CURL_ERROR_SIZE];
};

static size_t take_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *out = arg;

    buf_add(out, bytes, size * count);
    return buf_error(out) == ERR_OK ? size * count : 0; /* less than was given ends the transfer */
}

static char *write_body(const struct enroll_request *r)
{
    json_t *body = r->cert_file != NULL
                       ? json_pack("{s:s}", "csr", r->csr)
                       : json_pack("{s:s, s:s, s:s}", "csr", r->csr, "agent_id", r->agent_id, "host_id", r->host_id);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

    json_decref(body);
    return text;
}

static int set_credential(struct asking *a, struct err *e)
{
    a->hub = *a->r->hub;
    a->hub.token_file[0] = a->hub.cert_file[0] = a->hub.key_file[0] = a->hub.cert_password_file[0] = '\0';
    if (a->r->cert_file == NULL)
        return curl_options_bearer("hub.enroll_token_file", a->hub.enroll_token_file, &a->headers, e);
    if (text_copy(a->hub.cert_file, sizeof a->hub.cert_file, a->r->cert_file) &&
        text_copy(a->hub.key_file, sizeof a->hub.key_file, a->r->key_file))
        return 0;
    return err_set(e, ERR_INVALID, "%s: the path is too long", a->r->cert_file);
}

static int set_up(struct asking *a, struct err *e)
{
    struct curl_slist *more;
    int rc = set_credential(a, e);

    if (rc == 0)
        rc = curl_options_set_post(a->easy, &a->hub, a->r->cert_file != NULL ? "/v1/renew" : "/v1/enroll", e);
    if (rc != 0)
        return rc;
    a->body = write_body(a->r);
    more = curl_slist_append(a->headers, "Content-Type: application/json");
    if (a->body == NULL || more == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a request");
    a->headers = more;
    if (curl_easy_setopt(a->easy, CURLOPT_HTTPHEADER, a->headers) != CURLE_OK ||
        curl_easy_setopt(a->easy, CURLOPT_ERRORBUFFER, a->error) != CURLE_OK ||
        curl_easy_setopt(a->easy, CURLOPT_POSTFIELDS, a->body) != CURLE_OK ||
        curl_easy_setopt(a->easy, CURLOPT_WRITEFUNCTION, take_answer) != CURLE_OK ||
        curl_easy_setopt(a->easy, CURLOPT_WRITEDATA, &a->answer) != CURLE_OK)
        return err_set(e, ERR_UNSUPPORTED, "this libcurl does not take an option");
    return 0;
}

static int take_certificate(const struct asking *a, struct buf *out, struct err *e)
{
    json_t *answer = json_loadb(buf_text(&a->answer), a->answer.len, 0, NULL);
    const char *pem = json_string_value(json_object_get(answer, "certificate"));

    if (pem != NULL)
        buf_str(out, pem);
    json_decref(answer);
    return pem != NULL ? 0 : err_set(e, ERR_INVALID, "the hub's answer holds no certificate; is hub.url an hvhub?");
}

static int judge(struct asking *a, long status, struct buf *out, struct err *e)
{
    const char *type = NULL;
    char words[WORDS_MAX];

    if (status == HTTP_OK)
        return take_certificate(a, out, e);
    if (curl_easy_getinfo(a->easy, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        type = NULL;
    error_body_text(type, buf_text(&a->answer), a->answer.len, words, sizeof words);
    return err_set(
        e, status == HTTP_UNAUTHORIZED || status == HTTP_FORBIDDEN || status == HTTP_BAD ? ERR_REFUSED : ERR_BUSY,
        "the hub answers %ld%s%s", status, words[0] != '\0' ? ": " : "", words);
}

int enroll_ask(const struct enroll_request *r, struct buf *out, struct err *e)
{
    struct asking *a = calloc(1, sizeof *a);
    CURLcode result;
    long status = 0;
    int rc;

    if (a == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a request");
    a->r = r;
    a->easy = curl_easy_init();
    buf_init(&a->answer, ANSWER_MAX);
    rc = a->easy != NULL ? set_up(a, e) : err_set(e, ERR_MEMORY, "out of memory for a request");
    if (rc == 0) {
        result = curl_easy_perform(a->easy);
        curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
        rc = result == CURLE_OK ? judge(a, status, out, e)
                                : err_set(e, ERR_IO, "no answer from the hub: %s",
                                          a->error[0] != '\0' ? a->error : curl_easy_strerror(result));
    }
    curl_easy_cleanup(a->easy);
    curl_slist_free_all(a->headers);
    buf_free(&a->answer);
    free(a->body);
    free(a);
    return rc;
}
