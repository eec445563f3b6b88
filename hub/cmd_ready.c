/* hvhub ready: asks the hub that these settings start, on this machine, whether it can store.  For health
 * checks that have nothing but the program: a container's, a script's. */
#include "base/buf.h"
#include "base/text.h"
#include "config/hub_url.h"
#include "hub/commands.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_MAX = HUB_HOST_MAX + 64, ANSWER_MAX = 4096, CONNECT_S = 3, ANSWER_S = 10 };

/* An address that means "any" is asked on loopback. */
static const char *host_to_ask(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static int address_of(const struct hub_config *c, char url[URL_MAX], struct err *e)
{
    struct listen_address a;
    struct err why;
    const char *host;

    if (listen_address_parse(c->listen, &a, &why) != 0)
        return err_set(e, ERR_INVALID, "listen: %s %s", c->listen, why.text);
    if (a.port == 0)
        return err_set(e, ERR_INVALID, "listen: %s is any free port; write one to be asked on", c->listen);
    host = host_to_ask(a.host);
    snprintf(url, URL_MAX, strchr(host, ':') != NULL ? "%s://[%s]:%d/readyz" : "%s://%s:%d/readyz",
             c->cert_file[0] != '\0' ? "https" : "http", host, a.port);
    return 0;
}

static size_t take(char *bytes, size_t one, size_t len, void *arg)
{
    struct buf *answer = (struct buf *)arg;

    buf_add(answer, bytes, one * len);
    return buf_error(answer) == ERR_OK ? len : 0;
}

/* The certificate is for the name that agents use, not for loopback, and nothing secret is said or believed: it
 * is not verified. */
static CURLcode get(CURL *curl, const char *url, struct buf *answer, long *status, char *why)
{
    CURLcode code;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return code;
}

static enum exit_code ask(const char *url)
{
    char why[CURL_ERROR_SIZE] = "", clean[ANSWER_MAX];
    struct buf answer;
    CURL *curl = curl_easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;

    buf_init(&answer, ANSWER_MAX - 1);
    if (curl != NULL)
        code = get(curl, url, &answer, &status, why);
    text_clean(clean, sizeof clean, buf_text(&answer), answer.len, NULL);
    if (code != CURLE_OK)
        fprintf(stderr, "hvhub ready: %s: %s\n", url, why[0] != '\0' ? why : curl_easy_strerror(code));
    else if (status != 200)
        fprintf(stderr, "hvhub ready: %s: %ld %s\n", url, status, clean);
    else
        puts("ready");
    curl_easy_cleanup(curl);
    buf_free(&answer);
    return code == CURLE_OK && status == 200 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_ready(int argc, char **argv)
{
    const char *config = NULL, *words[1];
    const struct option_spec specs[] = { { "--config", &config } };
    struct hub_config *c = malloc(sizeof *c);
    enum exit_code code = EXIT_USAGE;
    struct err e = { 0 };
    char url[URL_MAX];

    if (c == NULL)
        return EXIT_FAILED;
    if (read_options(argc, argv, specs, 1, words, 0))
        code = load_config(config, c);
    if (code == EXIT_DONE && address_of(c, url, &e) != 0) {
        fprintf(stderr, "hvhub ready: %s\n", e.text);
        code = EXIT_USAGE;
    } else if (code == EXIT_DONE) {
        code = ask(url);
    }
    free(c);
    return code;
}
