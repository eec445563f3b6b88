/* See http_get.h. */
#include "transport/http_get.h"

#include "transport/curl_options.h"
#include "transport/error_body.h"

#include <string.h>

enum { HTTP_OK = 200, HTTP_UNAUTHORIZED = 401, HTTP_FORBIDDEN = 403, WORDS_MAX = 256 };

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *out = arg;

    buf_add(out, bytes, size * count);
    return buf_error(out) == ERR_OK ? size * count : 0; /* less than was given ends the transfer */
}

/* The answer of another status than 200, in words: of a text its first line. */
static int refused(long status, const char *type, const struct buf *out, size_t from, struct err *e)
{
    const char *body = buf_text(out) + from;
    bool lines = type == NULL || strncmp(type, "text/", strlen("text/")) == 0;
    char words[WORDS_MAX];

    error_body_text(type, body, lines ? strcspn(body, "\r\n") : out->len - from, words, sizeof words);
    if (status == HTTP_UNAUTHORIZED || status == HTTP_FORBIDDEN)
        return err_set(e, ERR_REFUSED, "the hub does not accept us (%ld): look at hub.token_file and hub.cert_file%s%s",
                       status, words[0] != '\0' ? "; it says: " : "", words);
    return err_set(e, ERR_REFUSED, "the hub answers %ld%s%s", status, words[0] != '\0' ? ": " : "", words);
}

static int set_up(CURL *easy, const struct agent_config_hub *config, const char *path, struct curl_slist **headers,
                  struct buf *out, char *error, struct err *e)
{
    int rc = curl_options_set_get(easy, config, path, e);

    if (rc == 0)
        rc = curl_options_token(config, headers, e);
    if (rc != 0)
        return rc;
    if (curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, out) != CURLE_OK)
        return err_set(e, ERR_UNSUPPORTED, "this libcurl does not take an option");
    return 0;
}

int http_get(const struct agent_config_hub *config, const char *path, struct buf *out, struct err *e)
{
    struct curl_slist *headers = NULL;
    char error[CURL_ERROR_SIZE] = "";
    size_t from = out->len;
    CURL *easy = curl_easy_init();
    CURLcode result;
    const char *type = NULL;
    long status = 0;
    int rc;

    if (easy == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a request");
    rc = set_up(easy, config, path, &headers, out, error, e);
    if (rc != 0)
        goto done;
    result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    if (buf_error(out) != ERR_OK)
        rc = err_set(e, buf_error(out), "the hub's answer is larger than %zu bytes", out->max);
    else if (result != CURLE_OK)
        rc = err_set(e, ERR_IO, "no answer from the hub: %s", error[0] != '\0' ? error : curl_easy_strerror(result));
    else if (status != HTTP_OK)
        rc = refused(status, type, out, from, e);
done:
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return rc;
}

static bool stands_for_itself(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

void http_get_encode(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (stands_for_itself((unsigned char)*text))
            buf_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}
