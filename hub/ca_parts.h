/* What ca_files.c and ca.c share.  Nobody else. */
#ifndef HUB_CA_PARTS_H
#define HUB_CA_PARTS_H

#include "hub/ca.h"

struct ca {
    gnutls_x509_crt_t cert;
    gnutls_x509_privkey_t key;
    char *pem;
};

#endif
