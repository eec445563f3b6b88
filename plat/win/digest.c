/* See digest.h.  By CNG (Microsoft's page "Creating a Hash with CNG"). */
#include "plat/digest.h"

#include <stdbool.h>

/* bcrypt.h needs windows.h before it. */
/* clang-format off */
#include <windows.h>
#include <bcrypt.h>
/* clang-format on */

static bool digest(BCRYPT_HASH_HANDLE hash, const void *bytes, size_t len, unsigned char *out)
{
    return BCryptHashData(hash, (PUCHAR)bytes, (ULONG)len, 0) == 0 && BCryptFinishHash(hash, out, DIGEST_BYTES, 0) == 0;
}

int plat_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, unsigned char out[DIGEST_BYTES],
                     struct err *e)
{
    BCRYPT_ALG_HANDLE algorithm = NULL;
    BCRYPT_HASH_HANDLE hash = NULL;
    bool good = key_len <= ULONG_MAX && len <= ULONG_MAX;

    good = good &&
           BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, BCRYPT_ALG_HANDLE_HMAC_FLAG) == 0;
    good = good && BCryptCreateHash(algorithm, &hash, NULL, 0, (PUCHAR)key, (ULONG)key_len, 0) == 0;
    good = good && digest(hash, bytes, len, out);
    if (hash != NULL)
        BCryptDestroyHash(hash);
    if (algorithm != NULL)
        BCryptCloseAlgorithmProvider(algorithm, 0);
    return good ? 0 : err_set(e, ERR_UNSUPPORTED, "Windows gives no HMAC-SHA-256");
}
