/* See settings_trust.h. */
#include "agent/settings_trust.h"

#include "config/hub_certificate.h"
#include "plat/trust.h"

/* A certificate file that holds its key is a secret, one of PEM is not. */
static enum trust_kind kind_of_certificate(const struct agent_config_hub *hub)
{
    return hub_certificate_kind(hub->cert_file) == HUB_CERTIFICATE_PKCS12 ? TRUST_SECRET : TRUST_SETTINGS;
}

int settings_trusted(const struct agent_config *config, const char *path, struct buf *problems)
{
    const struct agent_config_hub *hub = &config->hub;
    bool from_store = hub_certificate_kind(hub->cert_file) == HUB_CERTIFICATE_STORE;
    const struct {
        const char *key, *path;
        enum trust_kind kind;
    } files[] = {
        { "", path != NULL ? path : "", TRUST_SETTINGS },
        { "hub.token_file: ", hub->token_file, TRUST_SECRET },
        { "hub.enroll_token_file: ", hub->enroll_token_file, TRUST_SECRET },
        { "hub.ca_file: ", hub->ca_file, TRUST_SETTINGS },
        { "hub.cert_file: ", from_store ? "" : hub->cert_file, kind_of_certificate(hub) },
        { "hub.key_file: ", hub->key_file, TRUST_SECRET },
        { "hub.cert_password_file: ", hub->cert_password_file, TRUST_SECRET },
        { "kvp.hash_key_file: ", config->privacy.hash_key_file, TRUST_SECRET },
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct err e;

        if (files[i].path[0] == '\0' || plat_trusted_file(files[i].path, files[i].kind, &e) == 0)
            continue;
        rc = e.code;
        buf_printf(problems, "%s%s\n", files[i].key, e.text);
    }
    return rc;
}
