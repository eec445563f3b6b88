/* A mail: text and HTML as alternatives, the report as CSV attached, built by
 * libcurl's MIME functions and sent by its SMTP.
 *
 *   multipart/mixed
 *     multipart/alternative
 *       text/plain
 *       text/html         (format html)
 *     text/csv            (attachment, where it is not too large)
 *
 * Message-ID comes from the job's id and is the same with every try.  All
 * recipients are taken by the server or none gets the mail: a mail that went to some
 * could not be tried again without reaching those twice. */
#include "base/text.h"
#include "base/times.h"
#include "hub/deliver_send.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

struct mail {
    const struct content *content;
    const struct deliver_options *options;
    struct deliver_curl curl;
    struct curl_slist *to;
    curl_mime *mime;
    char password[DELIVER_SECRET_MAX];
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_MEMORY, "out of memory for a mail");
}

/* ---- the parts ------------------------------------------------------------------------ */

static CURLcode add_part(curl_mime *mime, const struct buf *bytes, const char *type, const char *encoder,
                         const char *file)
{
    curl_mimepart *part = curl_mime_addpart(mime);
    CURLcode rc = part != NULL && buf_error(bytes) == ERR_OK ? curl_mime_data(part, buf_text(bytes), bytes->len)
                                                             : CURLE_OUT_OF_MEMORY;

    if (rc == CURLE_OK)
        rc = curl_mime_type(part, type);
    if (rc == CURLE_OK)
        rc = curl_mime_encoder(part, encoder);
    if (rc == CURLE_OK && file != NULL)
        rc = curl_mime_filename(part, file);
    return rc;
}

/* A text with the line ends that mail has; those that the quoted-printable encoding takes for line ends. */
static CURLcode add_text(curl_mime *mime, const struct buf *text, const char *type)
{
    struct buf lines;
    CURLcode rc;

    buf_init(&lines, 2 * text->max);
    for (const char *p = buf_text(text); *p != '\0';) {
        size_t n = strcspn(p, "\n");

        buf_add(&lines, p, n);
        p += n;
        if (*p != '\0') {
            buf_str(&lines, "\r\n");
            p++;
        }
    }
    rc = add_part(mime, &lines, type, "quoted-printable", NULL);
    buf_free(&lines);
    return rc;
}

static CURLcode add_alternatives(struct mail *m)
{
    const struct content *c = m->content;
    curl_mime *both = curl_mime_init(m->curl.easy);
    curl_mimepart *part = curl_mime_addpart(m->mime);
    CURLcode rc = both != NULL && part != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY;

    if (rc == CURLE_OK)
        rc = add_text(both, &c->text, "text/plain; charset=utf-8");
    if (rc == CURLE_OK && c->html.len > 0)
        rc = add_text(both, &c->html, "text/html; charset=utf-8");
    if (rc == CURLE_OK)
        rc = curl_mime_subparts(part, both);
    if (rc == CURLE_OK)
        return curl_mime_type(part, "multipart/alternative"); /* both now belongs to part */
    curl_mime_free(both);
    return rc;
}

static int make_body(struct mail *m, struct err *e)
{
    char file[DELIVERY_NAME_MAX + 8];
    CURLcode rc;

    m->mime = curl_mime_init(m->curl.easy);
    rc = m->mime != NULL ? add_alternatives(m) : CURLE_OUT_OF_MEMORY;
    snprintf(file, sizeof file, "%s.csv", m->content->delivery->name);
    if (rc == CURLE_OK && m->content->csv.len > 0)
        rc = add_part(m->mime, &m->content->csv, "text/csv; charset=utf-8", "base64", file);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(m->curl.easy, CURLOPT_MIMEPOST, m->mime);
    return rc == CURLE_OK ? 0 : no_memory(e);
}

/* ---- the header ------------------------------------------------------------------------- */

/* The recipients, one a line; checked by the config, so nothing in them ends a line. */
static int add_recipients(struct mail *m, struct err *e)
{
    const struct hub_delivery *d = m->content->delivery;
    struct curl_slist *more;
    struct buf line;
    char address[DELIVERY_ADDRESS_MAX + 3];

    buf_init(&line, 2 * DELIVERY_TO_MAX);
    buf_str(&line, "To: ");
    for (const char *p = d->to; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
        int n = (int)strcspn(p, "\n");

        snprintf(address, sizeof address, "<%.*s>", n, p);
        more = curl_slist_append(m->to, address);
        if (more == NULL) {
            buf_free(&line);
            return no_memory(e);
        }
        m->to = more;
        buf_printf(&line, "%s%s", p == d->to ? "" : ",\r\n ", address);
    }
    more = curl_slist_append(m->curl.headers, buf_text(&line));
    if (more != NULL)
        m->curl.headers = more;
    buf_free(&line);
    return more != NULL ? 0 : no_memory(e);
}

static int make_header(struct mail *m, struct err *e)
{
    const struct content *c = m->content;
    const char *from = c->delivery->from;
    struct buf subject;
    char date[40];
    int rc;

    buf_init(&subject, 4 * CONTENT_TITLE_MAX);
    mime_header(&subject, "Subject", c->title);
    rc = deliver_curl_header(&m->curl, e, "%s", buf_text(&subject));
    buf_free(&subject);
    if (rc == 0)
        rc = deliver_curl_header(&m->curl, e, "Date: %s", mime_date(c->job_ns, date));
    if (rc == 0)
        rc = deliver_curl_header(&m->curl, e, "From: <%s>", from);
    if (rc == 0)
        rc = add_recipients(m, e);
    if (rc == 0)
        rc = deliver_curl_header(&m->curl, e, "Message-ID: <%s@%s>", c->id, strrchr(from, '@') + 1);
    if (rc == 0)
        rc = deliver_curl_header(&m->curl, e, "Auto-Submitted: auto-generated");
    return rc != 0 ? rc : deliver_curl_header(&m->curl, e, "X-Hvfleet-Delivery: %s", c->delivery->name);
}

/* ---- sending ------------------------------------------------------------------------------- */

static int set_login(struct mail *m, struct err *e)
{
    const struct hub_delivery *d = m->content->delivery;
    int rc;

    if (d->user[0] == '\0')
        return 0;
    rc = deliver_secret("smtp.password_file", d->password_file, m->password, e);
    if (rc == 0 && (curl_easy_setopt(m->curl.easy, CURLOPT_USERNAME, d->user) != CURLE_OK ||
                    curl_easy_setopt(m->curl.easy, CURLOPT_PASSWORD, m->password) != CURLE_OK))
        rc = no_memory(e);
    return rc;
}

static int prepare(struct mail *m, struct err *e)
{
    static const long levels[] = {
        [SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
        [SMTP_TLS_WHEN_OFFERED] = CURLUSESSL_TRY,
        [SMTP_TLS_NONE] = CURLUSESSL_NONE,
    };
    const struct hub_delivery *d = m->content->delivery;
    char from[DELIVERY_ADDRESS_MAX + 3];
    int rc = deliver_curl_open(&m->curl, d->smtp_url, d->smtp_ca_file, m->options, e);

    if (rc == 0)
        rc = set_login(m, e);
    if (rc == 0)
        rc = make_header(m, e);
    if (rc == 0)
        rc = make_body(m, e);
    if (rc != 0)
        return rc;
    snprintf(from, sizeof from, "<%s>", d->from);
    curl_easy_setopt(m->curl.easy, CURLOPT_USE_SSL, levels[d->security]);
    if (curl_easy_setopt(m->curl.easy, CURLOPT_MAIL_FROM, from) != CURLE_OK)
        return no_memory(e);
    curl_easy_setopt(m->curl.easy, CURLOPT_MAIL_RCPT, m->to);
    return 0;
}

static void judge(struct mail *m, long code, bool done, struct deliver_result *out)
{
    const struct deliver_curl *t = &m->curl;

    if (done)
        *out = (struct deliver_result){ .outcome = DELIVER_SENT };
    else
        deliver_failed(out, code >= 500 && code < 600 ? DELIVER_REFUSED : DELIVER_RETRY, "%s%s%s%s", t->error,
                       t->reply[0] != '\0' ? " (the server said: " : "", t->reply, t->reply[0] != '\0' ? ")" : "");
}

void deliver_smtp(const struct content *c, const struct deliver_options *o, struct deliver_result *out)
{
    struct mail m = { .content = c, .options = o };
    struct err e = { 0 };
    bool done = false;

    if (prepare(&m, &e) != 0) {
        deliver_failed(out, DELIVER_RETRY, "%s", e.text);
    } else {
        long code = deliver_curl_run(&m.curl, &done);

        judge(&m, code, done, out);
    }
    curl_mime_free(m.mime);
    deliver_curl_close(&m.curl);
    curl_slist_free_all(m.to);
    explicit_bzero(m.password, sizeof m.password);
}
