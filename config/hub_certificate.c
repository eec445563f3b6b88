/* See hub_certificate.h. */
#include "config/hub_certificate.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define STORE_PREFIX "store:"

/* The two stores that a service may have a certificate in, and SHA-1's length in hex. */
static const char *const locations[] = { "LocalMachine\\", "CurrentUser\\" };

enum { THUMBPRINT_LEN = 40 };

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && text_casecmp(text + len - end_len, end) == 0;
}

enum hub_certificate hub_certificate_kind(const char *cert_file)
{
    if (cert_file[0] == '\0')
        return HUB_CERTIFICATE_NONE;
    if (strncmp(cert_file, STORE_PREFIX, strlen(STORE_PREFIX)) == 0)
        return HUB_CERTIFICATE_STORE;
    return ends_with(cert_file, ".p12") || ends_with(cert_file, ".pfx") ? HUB_CERTIFICATE_PKCS12 : HUB_CERTIFICATE_PEM;
}

const char *hub_certificate_store_path(const char *cert_file)
{
    return cert_file + strlen(STORE_PREFIX);
}

/* LOCATION\STORE\THUMBPRINT, spelt as libcurl wants it. */
static bool is_store_path(const char *path)
{
    const char *store = NULL, *thumbprint;

    for (size_t i = 0; i < sizeof locations / sizeof locations[0]; i++)
        if (strncmp(path, locations[i], strlen(locations[i])) == 0)
            store = path + strlen(locations[i]);
    if (store == NULL || store[0] == '\\' || (thumbprint = strchr(store, '\\')) == NULL)
        return false;
    thumbprint++;
    return strlen(thumbprint) == THUMBPRINT_LEN && strspn(thumbprint, "0123456789abcdefABCDEF") == THUMBPRINT_LEN;
}

static int at_fault(const char **key, const char *which, const char *text, struct err *e)
{
    *key = which;
    return err_set(e, ERR_INVALID, "%s", text);
}

int hub_certificate_check(const struct agent_config_hub *hub, const char **key, struct err *e)
{
    enum hub_certificate kind = hub_certificate_kind(hub->cert_file);
    bool has_key = hub->key_file[0] != '\0';

    if (kind == HUB_CERTIFICATE_PEM && !has_key)
        return at_fault(key, "hub.cert_file", "a certificate is of no use without its key; write hub.key_file too", e);
    if (kind == HUB_CERTIFICATE_NONE && has_key)
        return at_fault(key, "hub.key_file", "a key is of no use without its certificate; write hub.cert_file too", e);
    if (kind != HUB_CERTIFICATE_PEM && has_key)
        return at_fault(key, "hub.key_file", "what hub.cert_file names holds its key already; remove it", e);
    if (kind == HUB_CERTIFICATE_STORE && !is_store_path(hub_certificate_store_path(hub->cert_file)))
        return at_fault(
            key, "hub.cert_file",
            "is no certificate of a store; write store:LocalMachine\\MY\\ and its thumbprint, 40 hex digits "
            "without blanks",
            e);
    if (kind != HUB_CERTIFICATE_PKCS12 && hub->cert_password_file[0] != '\0')
        return at_fault(key, "hub.cert_password_file",
                        "is for a .p12 or .pfx file, and hub.cert_file is none; remove it", e);
    return 0;
}
