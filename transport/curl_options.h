/* What the hub section of the settings means to libcurl. */
#ifndef TRANSPORT_CURL_OPTIONS_H
#define TRANSPORT_CURL_OPTIONS_H

#include "base/error.h"
#include "config/agent_config.h"

#include <curl/curl.h>

/* Address, TLS, proxy, timeouts: everything about a POST to the hub but its
 * body, its headers and the callbacks.  Refuses what config refuses (an
 * address without TLS, or verify=false, anywhere but on loopback), and a client
 * certificate of a kind that the TLS library does not take.  Reads the password file. */
MUST_USE int curl_options_set(CURL *easy, const struct agent_config_hub *config, struct err *e);

/* Whether a client certificate of this kind is for this TLS library (as libcurl
 * calls it: "OpenSSL/3.0.11", "Schannel"): ERR_UNSUPPORTED says what to write instead.  Looks at no file. */
MUST_USE int curl_options_check_certificate(const char *cert_file, const char *tls_library, struct err *e);

/* The same for a GET of path ("/api/v1/...", appended to the address as it is). */
MUST_USE int curl_options_set_get(CURL *easy, const struct agent_config_hub *config, const char *path, struct err *e);

/* The same for a POST to another path. */
MUST_USE int curl_options_set_post(CURL *easy, const struct agent_config_hub *config, const char *path, struct err *e);

/* The header that shows the token of a file that the setting `key` names, appended to *out as below. */
MUST_USE int curl_options_bearer(const char *key, const char *path, struct curl_slist **out, struct err *e);

/* The header that shows who asks, appended to *out as below; nothing without hub.token_file. */
MUST_USE int curl_options_token(const struct agent_config_hub *config, struct curl_slist **out, struct err *e);

/* The headers of every POST, appended to *out (the caller frees the list, also
 * after a failure).  Reads the token file: one that is unreadable or open to others (plat/trust.h) is an error that
 * names it. */
MUST_USE int curl_options_headers(const struct agent_config_hub *config, struct curl_slist **out, struct err *e);

#endif
