/* See support_http.h. */
#include "tests/hub/support_http.h"

#include "base/text.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 64 * 1024 * 1024 };

/* `extra` with ingest.require_certificate: false, unless it says that itself: most tests send without a certificate. */
static void put_extra(struct buf *yaml, const char *extra)
{
    static const char section[] = "ingest:\n", open[] = "  require_certificate: false\n";
    const char *at = strstr(extra, section);

    if (strstr(extra, "require_certificate") != NULL) {
        buf_str(yaml, extra);
    } else if (at == NULL) {
        buf_printf(yaml, "%s%s%s", section, open, extra);
    } else {
        at += sizeof section - 1;
        buf_printf(yaml, "%.*s%s%s", (int)(at - extra), extra, open, at);
    }
}

void make_config(struct running *r, const char *extra, struct hub_config *out)
{
    struct buf yaml, problems;

    buf_init(&yaml, 64 * 1024);
    buf_init(&problems, 64 * 1024);
    buf_printf(&yaml, "listen: 127.0.0.1:0\nlog:\n  level: error\nstore:\n  path: \"%s\"\n%s",
               stores_are_postgres() ? postgres_store(r->store) : r->store,
               strstr(extra, "web:\n") == NULL ? "web:\n  open_on_loopback: true\n" : "");
    put_extra(&yaml, extra);
    ck_assert_msg(hub_config_parse("hub.yaml", buf_text(&yaml), yaml.len, out, &problems) == 0, "%s",
                  buf_text(&problems));
    text_copy(r->config_file, sizeof r->config_file, write_file(r->dir, "hub.yaml", buf_text(&yaml), yaml.len));
    buf_free(&yaml);
    buf_free(&problems);
}

void hub_run(struct running *r, const char *extra, bool distrust_loopback)
{
    static struct hub_config config;
    struct hub_options options = { .config = &config, .distrust_loopback = distrust_loopback };
    struct err e = { 0 };

    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_ALL);
    text_copy(r->dir, sizeof r->dir, temp_dir());
    snprintf(r->store, sizeof r->store, "%s/fleet.db", r->dir);
    make_config(r, extra, &config);
    ck_assert_msg(hub_start(&r->hub, &options, &e) == 0, "%s", e.text);
}

void hub_end(struct running *r)
{
    struct err e = { 0 };

    ck_assert_msg(hub_stop(r->hub, &e) == 0, "%s", e.text);
    curl_global_cleanup();
}

static size_t keep(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *out = (struct buf *)arg;

    buf_add(out, bytes, size * count);
    return buf_error(out) == ERR_OK ? size * count : 0;
}

struct source {
    const char *at;
    size_t left;
};

static size_t give(char *out, size_t size, size_t count, void *arg)
{
    struct source *s = (struct source *)arg;
    size_t n = size * count < s->left ? size * count : s->left;

    memcpy(out, s->at, n);
    s->at += n;
    s->left -= n;
    return n;
}

static void set_body(CURL *c, const struct call *call, struct source *source)
{
    *source = (struct source){ (const char *)call->body, call->len };
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    if (call->chunked) {
        curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
        curl_easy_setopt(c, CURLOPT_READDATA, source);
    } else {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->len);
    }
}

static void set_tls(CURL *c, const struct call *call)
{
    if (call->ca != NULL)
        curl_easy_setopt(c, CURLOPT_CAINFO, call->ca);
    if (call->cert != NULL)
        curl_easy_setopt(c, CURLOPT_SSLCERT, call->cert);
    if (call->key != NULL)
        curl_easy_setopt(c, CURLOPT_SSLKEY, call->key);
}

void call_hub(const struct running *r, const struct call *call, struct answer *out)
{
    CURL *c = curl_easy_init();
    struct curl_slist *headers = NULL;
    struct source source;
    char url[1024];
    long status = 0;
    CURLcode rc;

    ck_assert_ptr_nonnull(c);
    *out = (struct answer){ .status = 0 };
    buf_init(&out->head, ANSWER_MAX);
    buf_init(&out->body, ANSWER_MAX);
    snprintf(url, sizeof url, "%s%s", call->base != NULL ? call->base : hub_address(r->hub), call->path);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 120L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &out->body);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &out->head);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, keep);
    for (int i = 0; i < 8 && call->headers[i] != NULL; i++)
        headers = curl_slist_append(headers, call->headers[i]);
    if (call->body != NULL)
        set_body(c, call, &source);
    if (call->chunked)
        headers = curl_slist_append(headers, "Transfer-Encoding: chunked");
    if (call->method != NULL && strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (call->method != NULL)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    set_tls(c, call);
    rc = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    out->status = (int)status;
    if (rc != CURLE_OK)
        snprintf(out->error, sizeof out->error, "%s", curl_easy_strerror(rc));
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
}

void answer_free(struct answer *a)
{
    buf_free(&a->head);
    buf_free(&a->body);
}

const char *answer_header(const struct answer *a, const char *name)
{
    static _Thread_local char value[256];
    size_t len = strlen(name);
    const char *line = buf_text(&a->head);

    value[0] = '\0';
    for (; line != NULL && *line != '\0'; line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL) {
        if (text_ncasecmp(line, name, len) == 0 && line[len] == ':')
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 2, "\r\n"), line + len + 2);
    }
    return value;
}

int status_of(const struct running *r, const struct call *call)
{
    struct answer a;
    int status;

    call_hub(r, call, &a);
    status = a.status;
    answer_free(&a);
    return status;
}
