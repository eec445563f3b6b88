/* See curl_options.h.
 *
 * Certificate files are read anew for every new connection: neither parsed CA
 * files nor TLS sessions are kept, and a connection is used for
 * CONNECTION_LIFE_S at most.  So new files are in use within the hour without a
 * restart, and at once after a reload.  Token and password are read once.
 */
#include "transport/curl_options.h"

#include "base/times.h"
#include "config/hub_certificate.h"
#include "config/hub_url.h"
#include "plat/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCHANNEL "Schannel"

enum {
    SECRET_MAX = 4096,
    PATH_LENGTH_MAX = 4096,
    CONNECT_TIMEOUT_MS = 10 * 1000,
    CONNECTION_LIFE_S = 3600,
};

/* The beginning of a file that holds one line: a token, a password.  key is the
 * setting that names it. */
static int read_secret(const char *key, const char *path, char text[SECRET_MAX], struct err *e)
{
    FILE *f = fopen(path, "rb");
    size_t len;
    int rc = 0;

    if (f == NULL)
        return err_errno(e, errno, "cannot read %s %s", key, path);
    errno = 0;
    len = fread(text, 1, SECRET_MAX - 1, f);
    if (ferror(f))
        rc = err_errno(e, errno != 0 ? errno : EIO, "cannot read %s %s", key, path);
    fclose(f);
    if (rc != 0)
        return rc;
    text[len] = '\0';
    if (len == SECRET_MAX - 1 && strpbrk(text, "\r\n") == NULL)
        return err_set(e, ERR_TOO_BIG, "%s %s is too large (at most %d bytes); put one line into it", key, path,
                       SECRET_MAX - 2);
    return 0;
}

/* The first line of the token file that is not empty, without blanks around it,
 * in *out (a place in text).  What could not stand in a header line is refused. */
static int read_token(const char *key, const char *path, char text[SECRET_MAX], char **out, struct err *e)
{
    char *token;
    size_t len;
    int rc = read_secret(key, path, text, e);

    if (rc != 0)
        return rc;
    token = text + strspn(text, " \t\r\n");
    len = strcspn(token, "\r\n");
    while (len > 0 && (token[len - 1] == ' ' || token[len - 1] == '\t'))
        len--;
    if (len == 0)
        return err_set(e, ERR_INVALID, "%s %s is empty; put the token into it", key, path);
    token[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (token[i] <= ' ' || token[i] >= 0x7F)
            return err_set(e, ERR_INVALID, "%s %s holds something that is no token", key, path);
    }
    *out = token;
    return 0;
}

static int add_header(struct curl_slist **list, const char *line, struct err *e)
{
    struct curl_slist *more = curl_slist_append(*list, line);

    if (more == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a request");
    *list = more;
    return 0;
}

int curl_options_token(const struct agent_config_hub *config, struct curl_slist **out, struct err *e)
{
    return config->token_file[0] != '\0' ? curl_options_bearer("hub.token_file", config->token_file, out, e) : 0;
}

int curl_options_bearer(const char *key, const char *path, struct curl_slist **out, struct err *e)
{
    char text[SECRET_MAX], line[SECRET_MAX + 64], *token = text;
    int rc = read_token(key, path, text, &token, e);

    if (rc != 0)
        return rc;
    snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    return add_header(out, line, e);
}

int curl_options_headers(const struct agent_config_hub *config, struct curl_slist **out, struct err *e)
{
    int rc = add_header(out, "Content-Type: application/x-protobuf", e);

    /* Asking first (100-continue) would cost a round trip for each batch. */
    if (rc == 0)
        rc = add_header(out, "Expect:", e);
    if (rc == 0 && config->token_file[0] != '\0' && plat_trusted_file(config->token_file, TRUST_SECRET, e) != 0) {
        err_prefix(e, "hub.token_file");
        return ERR_PERMISSION;
    }
    return rc != 0 ? rc : curl_options_token(config, out, e);
}

/* Every option must be known to the libcurl in use: one that is not would
 * silently leave a protection off. */
#define SET(option, value)                                  \
    do {                                                    \
        if (rc == CURLE_OK)                                 \
            rc = curl_easy_setopt(easy, (option), (value)); \
    } while (0)

static CURLcode set_tls(CURL *easy, const struct agent_config_hub *config, const struct hub_url *url)
{
    bool verify = config->verify || !url->loopback;
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    /* A CA of one's own seldom runs a revocation service, on which Schannel would
     * insist.  What is known to be revoked is refused all the same. */
    SET(CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_REVOKE_BEST_EFFORT);
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
    if (config->ca_file[0] != '\0') {
        SET(CURLOPT_CAINFO, config->ca_file);
        if (rc != CURLE_OK)
            return rc;
        /* This CA instead of the system's, not besides them.  Schannel knows no
         * folder of CAs, and takes a file alone. */
        SET(CURLOPT_CAPATH, (char *)NULL);
        if (rc == CURLE_NOT_BUILT_IN)
            rc = CURLE_OK;
    }
    return rc;
}

static CURLcode set_certificate(CURL *easy, const struct agent_config_hub *config, const char *password)
{
    CURLcode rc = CURLE_OK;

    switch (hub_certificate_kind(config->cert_file)) {
    case HUB_CERTIFICATE_NONE:
        break;
    case HUB_CERTIFICATE_PEM:
        SET(CURLOPT_SSLCERT, config->cert_file);
        SET(CURLOPT_SSLKEY, config->key_file);
        break;
    case HUB_CERTIFICATE_PKCS12:
        SET(CURLOPT_SSLCERT, config->cert_file);
        SET(CURLOPT_SSLCERTTYPE, "P12");
        SET(CURLOPT_KEYPASSWD, password);
        break;
    case HUB_CERTIFICATE_STORE:
        SET(CURLOPT_SSLCERT, hub_certificate_store_path(config->cert_file));
        break;
    }
    return rc;
}

static CURLcode set_proxy(CURL *easy, const struct agent_config_hub *config, const struct hub_url *url)
{
    CURLcode rc = CURLE_OK;

    /* "" is libcurl's way to say: not even the environment's.  A loopback address
     * as a proxy sees it would be another machine. */
    if (url->loopback || strcmp(config->proxy, "none") == 0)
        SET(CURLOPT_PROXY, "");
    else if (config->proxy[0] != '\0')
        SET(CURLOPT_PROXY, config->proxy);
    SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_ANY);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return rc;
}

static CURLcode set_transfer(CURL *easy, const struct agent_config_hub *config, const struct hub_url *url)
{
    long timeout_ms = (long)(config->timeout_ns / NS_PER_MS);
    CURLcode rc = CURLE_OK;

#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, url->tls ? "https" : "http");
#else
    SET(CURLOPT_PROTOCOLS, url->tls ? (long)CURLPROTO_HTTPS : (long)CURLPROTO_HTTP);
#endif
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : (long)CONNECT_TIMEOUT_MS);
    SET(CURLOPT_USERAGENT, "hvagent/" HVFLEET_VERSION);
#if LIBCURL_VERSION_NUM >= 0x075000
    SET(CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(CURLOPT_QUICK_EXIT, 1L);
#endif
    return rc;
}

int curl_options_check_certificate(const char *cert_file, const char *tls_library, struct err *e)
{
    enum hub_certificate kind = hub_certificate_kind(cert_file);
    bool schannel = strncmp(tls_library, SCHANNEL, strlen(SCHANNEL)) == 0;

    if (kind == HUB_CERTIFICATE_PEM && schannel)
        return err_set(e, ERR_UNSUPPORTED,
                       "hub.cert_file: Windows takes no PEM files; write a .p12 or .pfx file without hub.key_file "
                       "(openssl pkcs12 -export makes one), or store:LocalMachine\\MY\\ and a thumbprint");
    if (kind == HUB_CERTIFICATE_STORE && !schannel)
        return err_set(e, ERR_UNSUPPORTED,
                       "hub.cert_file: only Windows has certificate stores; write a PEM file, with hub.key_file");
    return 0;
}

/* What config has checked already, because a client is not made from config files alone. */
static int check_config(const struct agent_config_hub *config, struct hub_url *url, struct err *e)
{
    const char *key = NULL;
    int rc = hub_url_parse(config->url, url, e);

    if (rc != 0) {
        err_prefix(e, "hub.url");
        return rc;
    }
    if (!config->verify && !url->loopback)
        return err_set(e, ERR_INVALID, "hub.verify: false is for a loopback address only, and hub.url is another");
    if (proxy_check(config->proxy, e) != 0) {
        err_prefix(e, "hub.proxy");
        return ERR_INVALID;
    }
    if (hub_certificate_check(config, &key, e) != 0) {
        err_prefix(e, "%s", key);
        return ERR_INVALID;
    }
    return curl_options_check_certificate(config->cert_file, curl_version_info(CURLVERSION_NOW)->ssl_version, e);
}

/* The first line of the password file; "" without one. */
static int read_password(const struct agent_config_hub *config, char text[SECRET_MAX], struct err *e)
{
    int rc;

    text[0] = '\0';
    if (config->cert_password_file[0] == '\0')
        return 0;
    rc = read_secret("hub.cert_password_file", config->cert_password_file, text, e);
    if (rc == 0)
        text[strcspn(text, "\r\n")] = '\0';
    return rc;
}

static int set_all(CURL *easy, const struct agent_config_hub *config, const char *path, CURLoption method,
                   struct err *e)
{
    struct hub_url url;
    char address[sizeof url.base + PATH_LENGTH_MAX], password[SECRET_MAX];
    CURLcode rc;
    int bad = check_config(config, &url, e);

    if (bad == 0)
        bad = read_password(config, password, e);
    if (bad != 0)
        return bad;
    if (strlen(path) >= PATH_LENGTH_MAX)
        return err_set(e, ERR_TOO_BIG, "what is asked of the hub is too long");
    snprintf(address, sizeof address, "%s%s", url.base, path);
    rc = curl_easy_setopt(easy, CURLOPT_URL, address);
    SET(method, 1L);
    if (rc == CURLE_OK)
        rc = set_transfer(easy, config, &url);
    if (rc == CURLE_OK)
        rc = set_tls(easy, config, &url);
    if (rc == CURLE_OK)
        rc = set_certificate(easy, config, password);
    if (rc == CURLE_OK)
        rc = set_proxy(easy, config, &url);
    if (rc != CURLE_OK)
        return err_set(e, ERR_UNSUPPORTED, "libcurl %s does not take an option: %s",
                       curl_version_info(CURLVERSION_NOW)->version, curl_easy_strerror(rc));
    return 0;
}

int curl_options_set(CURL *easy, const struct agent_config_hub *config, struct err *e)
{
    return set_all(easy, config, "/v1/logs", CURLOPT_POST, e);
}

int curl_options_set_get(CURL *easy, const struct agent_config_hub *config, const char *path, struct err *e)
{
    return set_all(easy, config, path, CURLOPT_HTTPGET, e);
}

int curl_options_set_post(CURL *easy, const struct agent_config_hub *config, const char *path, struct err *e)
{
    return set_all(easy, config, path, CURLOPT_POST, e);
}
