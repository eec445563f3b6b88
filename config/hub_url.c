/* See hub_url.h.  A hand-made reader for a narrow grammar: what it takes must
 * mean the same to libcurl, so odd spellings (user@host, 0127.0.0.1, %31) are
 * refused rather than understood. */
#include "config/hub_url.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

static const char host_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
static const char v6_characters[] = "0123456789abcdefABCDEF:.";

/* One decimal part of an IPv4 address, without leading zeros.  NULL: none. */
static const char *skip_octet(const char *p, int *out)
{
    int v = 0, digits = 0;

    for (; *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
        v = v * 10 + (*p - '0');
    *out = v;
    return digits == 0 || v > 255 || (digits > 1 && p[-digits] == '0') ? NULL : p;
}

bool host_is_loopback(const char *host)
{
    int first = 0, part = 0;
    const char *p = host;

    if (text_casecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
        return true;
    for (int i = 0; i < 4; i++) {
        p = skip_octet(p, &part);
        if (p == NULL || *p != (i < 3 ? '.' : '\0'))
            return false;
        if (i == 0)
            first = part;
        p += i < 3;
    }
    return first == 127;
}

static int read_port(const char *text, int *out, struct err *e)
{
    uint64_t v;

    if (text[0] == '0' || !text_u64(text, &v) || v > 65535)
        return err_set(e, ERR_INVALID, "the port is not a number from 1 to 65535; write host:4318, say");
    *out = (int)v;
    return 0;
}

/* Reads "host" or "[v6]" at text; *rest is what follows. */
static int read_host(const char *text, char out[HUB_HOST_MAX], const char **rest, struct err *e)
{
    bool v6 = text[0] == '[';
    const char *from = text + v6;
    size_t n = strspn(from, v6 ? v6_characters : host_characters);

    if (n == 0)
        return err_set(e, ERR_INVALID, "the name of the host is missing; write one, such as hub.example.com");
    if (n >= HUB_HOST_MAX)
        return err_set(e, ERR_INVALID, "the name of the host is too long; names have at most 253 characters");
    if (v6 && from[n] != ']')
        return err_set(e, ERR_INVALID, "the IPv6 address is not closed; write [::1]:4318, say");
    memcpy(out, from, n);
    out[n] = '\0';
    *rest = from + n + v6;
    return 0;
}

static int check_path(const char *path, struct err *e)
{
    for (const char *p = path; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F || strchr("?#\"<>\\^`{|}", *p) != NULL)
            return err_set(e, ERR_INVALID,
                           "there is a character that does not belong here; write https://host:port and no query");
    }
    return 0;
}

static int read_scheme(const char *text, bool *tls, const char **rest, struct err *e)
{
    if (text_ncasecmp(text, "https://", 8) == 0) {
        *tls = true;
        *rest = text + 8;
    } else if (text_ncasecmp(text, "http://", 7) == 0) {
        *tls = false;
        *rest = text + 7;
    } else {
        return err_set(e, ERR_INVALID, "does not begin with https://; write https://hub.example.com:4318, say");
    }
    return 0;
}

int hub_url_parse(const char *text, struct hub_url *out, struct err *e)
{
    struct hub_url u = { 0 };
    const char *rest = "";
    char port[8] = "";
    size_t n;
    int rc;

    rc = read_scheme(text, &u.tls, &rest, e);
    if (rc != 0)
        return rc;
    if (memchr(rest, '@', strcspn(rest, "/?#")) != NULL)
        return err_set(e, ERR_INVALID, "holds a user name or a password; put a token into hub.token_file instead");
    rc = read_host(rest, u.host, &rest, e);
    if (rc != 0)
        return rc;
    u.port = u.tls ? 443 : 80;
    if (*rest == ':') {
        n = strcspn(rest + 1, "/");
        memcpy(port, rest + 1, n < sizeof port ? n : sizeof port - 1);
        rc = read_port(port, &u.port, e);
        rest += n + 1;
    }
    if (rc == 0)
        rc = check_path(rest, e);
    if (rc == 0 && *rest != '\0' && *rest != '/')
        rc = err_set(e, ERR_INVALID, "there is something after the host; write https://host:port");
    if (rc != 0)
        return rc;
    u.loopback = host_is_loopback(u.host);
    if (!u.tls && !u.loopback)
        return err_set(e, ERR_INVALID, "is not encrypted, which only a loopback address may be; write https://");
    if (!text_copy(u.base, sizeof u.base, text))
        return err_set(e, ERR_INVALID, "is too long; at most %d bytes", HUB_URL_MAX - 1);
    for (n = strlen(u.base); u.base[n - 1] == '/'; n--)
        u.base[n - 1] = '\0';
    if (text_ends_with_nocase(u.base, "/v1/logs"))
        return err_set(e, ERR_INVALID, "/v1/logs is appended by the agent; leave it out");
    *out = u;
    return 0;
}

int listen_address_parse(const char *text, struct listen_address *out, struct err *e)
{
    struct listen_address a = { 0 };
    const char *rest = "";
    int rc;

    if (text[0] != '[' && strchr(text, ':') != strrchr(text, ':'))
        return err_set(e, ERR_INVALID, "an IPv6 address needs brackets; write [::1]:4318, say");
    if (text[0] == ':' || text[strspn(text, "0123456789")] == '\0')
        return err_set(e, ERR_INVALID,
                       "has no address; write 127.0.0.1:4318, or 0.0.0.0:4318 for all of this machine's");
    rc = read_host(text, a.host, &rest, e);
    if (rc != 0)
        return rc;
    if (*rest != ':' || rest[1] == '\0')
        return err_set(e, ERR_INVALID, "has no port; write %s%s%s:4318", text[0] == '[' ? "[" : "", a.host,
                       text[0] == '[' ? "]" : "");
    if (strcmp(rest, ":0") != 0)
        rc = read_port(rest + 1, &a.port, e);
    if (rc != 0)
        return rc;
    a.loopback = host_is_loopback(a.host);
    *out = a;
    return 0;
}

int proxy_check(const char *text, struct err *e)
{
    static const char *const schemes[] = {
        "http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://"
    };
    char host[HUB_HOST_MAX];
    const char *rest = "", *at;
    int port, rc;

    if (text[0] == '\0' || strcmp(text, "none") == 0)
        return 0;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i]);

        if (text_ncasecmp(text, schemes[i], n) != 0)
            continue;
        text += n;
        at = strrchr(text, '@');
        rc = read_host(at != NULL ? at + 1 : text, host, &rest, e);
        if (rc == 0 && *rest == ':') {
            size_t len = strcspn(rest + 1, "/");
            char digits[8] = "";

            memcpy(digits, rest + 1, len < sizeof digits ? len : sizeof digits - 1);
            rc = read_port(digits, &port, e);
            rest += len + 1;
        }
        if (rc == 0 && *rest != '\0' && strcmp(rest, "/") != 0)
            rc = err_set(e, ERR_INVALID, "there is something after the host; write http://proxy.example.com:3128");
        return rc;
    }
    return err_set(e, ERR_INVALID, "is neither none nor a proxy; write http://proxy.example.com:3128, say");
}
