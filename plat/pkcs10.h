/* A request for a certificate (PKCS #10) for an RSA key, where the system keeps the key and signs but writes no
 * such requests.
 *
 * Facts: RFC 2986 (requests), RFC 8017 A.1.1 (RSAPublicKey), RFC 5280 4.1 (SubjectPublicKeyInfo), X.690 (DER).
 */
#ifndef PLAT_PKCS10_H
#define PLAT_PKCS10_H

#include "base/buf.h"

#include <stdint.h>

enum { RSA_BYTES_MAX = 512, PKCS10_MAX = 4096 };

/* An RSA key's public half.  Numbers are big-endian; zeros in front are left away. */
struct rsa_public {
    unsigned char modulus[RSA_BYTES_MAX];
    size_t modulus_len;
    uint32_t exponent;
};

/* RSAPublicKey, as it stands in a certificate's subjectPublicKey; DER, appended to out. */
void pkcs10_rsa_public(const struct rsa_public *key, struct buf *out);

/* CertificationRequestInfo, which is what gets signed: version 1, a subject CN=common_name, the key, no attributes.
 * DER, appended to out. */
void pkcs10_info(const char *common_name, const struct rsa_public *key, struct buf *out);

/* The request: info, as pkcs10_info() wrote it, and its signature by RSA (PKCS #1 version 1.5) with SHA-256,
 * big-endian.  DER, appended to out. */
void pkcs10_request(const struct buf *info, const unsigned char *signature, size_t len, struct buf *out);

#endif
