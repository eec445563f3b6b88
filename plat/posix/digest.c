/* See digest.h.  By OpenSSL, which libcurl brings along. */
#include "plat/digest.h"

#include <limits.h>

/* OpenSSL has a type of this name, base/error.h a constant. */
#define ERR_STATE openssl_err_state
#include <openssl/evp.h>
#include <openssl/hmac.h>
#undef ERR_STATE

int plat_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, unsigned char out[DIGEST_BYTES],
                     struct err *e)
{
    unsigned int got = 0;

    if (key_len > INT_MAX || HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, &got) == NULL ||
        got != DIGEST_BYTES)
        return err_set(e, ERR_UNSUPPORTED, "OpenSSL gives no HMAC-SHA-256");
    return 0;
}
