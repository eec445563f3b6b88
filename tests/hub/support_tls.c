/* See support_tls.h. */
#include "tests/hub/support_tls.h"

#include <stdio.h>
#include <stdlib.h>

bool make_certificates(const char *dir)
{
    static const char script[] =
        "cd '%s' && exec >/dev/null 2>&1 && set -e\n"
        "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=$1 -keyout "
        "$1.key"
        " -out $1.pem; }\n"
        "leaf() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$1 -keyout $1.key -out "
        "$1.csr;"
        " printf '%%s\\n' \"$3\" > $1.ext; openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days "
        "30"
        " -extfile $1.ext -out $1.pem; }\n"
        "ca ca; ca stranger\n"
        "leaf hub ca subjectAltName=IP:127.0.0.1; leaf hub2 ca subjectAltName=IP:127.0.0.1\n"
        "leaf client ca extendedKeyUsage=clientAuth; leaf server ca extendedKeyUsage=serverAuth\n"
        "leaf outsider stranger extendedKeyUsage=clientAuth\n";
    char command[4096 + sizeof script];

    snprintf(command, sizeof command, script, dir);
    return system("command -v openssl >/dev/null") == 0 && system(command) == 0;
}

const char *path_in(const char *dir, const char *name)
{
    static char paths[8][4200];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, 4200, "%s/%s", dir, name);
    return path;
}

const char *tls_config(const char *certs, const char *hub, bool clients)
{
    static char extra[16 * 1024];

    snprintf(extra, sizeof extra, "tls:\n  cert_file: %s/%s.pem\n  key_file: %s/%s.key\n%s%s%s", certs, hub, certs, hub,
             clients ? "  client_ca_file: " : "", clients ? certs : "", clients ? "/ca.pem\n" : "");
    return extra;
}
