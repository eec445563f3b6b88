/* The client certificate as settings name it: hub.cert_file with what belongs
 * to it.  Config's checks and transport's own both go through here.
 *
 * Which kinds can be used is up to the TLS library of the agent: OpenSSL takes
 * files of PEM and PKCS #12, Schannel takes PKCS #12 and Windows' certificate stores.
 */
#ifndef CONFIG_HUB_CERTIFICATE_H
#define CONFIG_HUB_CERTIFICATE_H

#include "base/error.h"
#include "config/agent_config.h"

enum hub_certificate {
    HUB_CERTIFICATE_NONE,
    HUB_CERTIFICATE_PEM,    /* a file, with its key in another */
    HUB_CERTIFICATE_PKCS12, /* a file *.p12 or *.pfx, which holds the key too */
    HUB_CERTIFICATE_STORE,  /* "store:LOCATION\STORE\THUMBPRINT" */
};

enum hub_certificate hub_certificate_kind(const char *cert_file);

/* "LOCATION\STORE\THUMBPRINT" of a store's certificate: a place in cert_file. */
const char *hub_certificate_store_path(const char *cert_file);

/* Whether hub.cert_file, hub.key_file and hub.cert_password_file belong together.
 * Looks at no file.  ERR_INVALID with the remedy in e and the key that is at fault in *key. */
MUST_USE int hub_certificate_check(const struct agent_config_hub *hub, const char **key, struct err *e);

#endif
