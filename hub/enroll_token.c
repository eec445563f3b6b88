/* See enroll_token.h. */
#include "hub/enroll_token.h"

#include "plat/random.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "hve-"

enum { ID_DIGITS = 12, SECRET_DIGITS = 48, TEXT_LEN = sizeof PREFIX - 1 + ID_DIGITS + 1 + SECRET_DIGITS };
_Static_assert((int)ENROLL_TOKEN_TEXT_MAX > (int)TEXT_LEN, "a token fits");
_Static_assert((int)IDENTITY_TOKEN_ID_MAX > (int)ID_DIGITS, "its id fits");

static void put_hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool digest_of(const char *text, char digest[IDENTITY_DIGEST_MAX])
{
    unsigned char bytes[32];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), bytes) != 0)
        return false;
    put_hex(bytes, sizeof bytes, digest);
    return true;
}

void enroll_token_make(char text[ENROLL_TOKEN_TEXT_MAX], char id[IDENTITY_TOKEN_ID_MAX],
                       char digest[IDENTITY_DIGEST_MAX])
{
    unsigned char random[(ID_DIGITS + SECRET_DIGITS) / 2];
    char secret[SECRET_DIGITS + 1];

    plat_random()->fill(plat_random(), random, sizeof random);
    put_hex(random, ID_DIGITS / 2, id);
    put_hex(random + ID_DIGITS / 2, SECRET_DIGITS / 2, secret);
    snprintf(text, ENROLL_TOKEN_TEXT_MAX, PREFIX "%s-%s", id, secret);
    if (!digest_of(text, digest))
        digest[0] = '\0'; /* nothing has this digest: the token is of no use, and no danger */
}

bool enroll_token_read(const char *text, char id[IDENTITY_TOKEN_ID_MAX], char digest[IDENTITY_DIGEST_MAX])
{
    static const char digits[] = "0123456789abcdef";
    const char *at;

    if (text == NULL || strlen(text) != TEXT_LEN || strncmp(text, PREFIX, sizeof PREFIX - 1) != 0)
        return false;
    at = text + sizeof PREFIX - 1;
    if (strspn(at, digits) != ID_DIGITS || at[ID_DIGITS] != '-' || strspn(at + ID_DIGITS + 1, digits) != SECRET_DIGITS)
        return false;
    memcpy(id, at, ID_DIGITS);
    id[ID_DIGITS] = '\0';
    return digest_of(text, digest);
}
