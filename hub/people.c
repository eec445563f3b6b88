/* See people.h. */
#include "hub/people.h"

#include "base/text.h"

#include <crypt.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 32 };

bool person_name_good(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len >= PERSON_NAME_MAX || strchr("._-@", name[0]) != NULL)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-@") == len;
}

/* One call of crypt(3); false when the system can not hash so. */
static bool run_crypt(const char *password, const char *setting, char out[PERSON_HASH_MAX])
{
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *hash = data != NULL ? crypt_r(password, setting, data) : NULL;
    bool good = hash != NULL && hash[0] != '*' && text_copy(out, PERSON_HASH_MAX, hash);

    if (data != NULL)
        explicit_bzero(data, sizeof *data);
    free(data);
    return good;
}

int password_hash(const char *password, char out[PERSON_HASH_MAX], struct err *e)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    if (strlen(password) < PASSWORD_MIN)
        return err_set(e, ERR_INVALID, "a password needs %d characters or more", PASSWORD_MIN);
    if (strlen(password) > PASSWORD_MAX)
        return err_set(e, ERR_INVALID, "a password has %d characters at most", PASSWORD_MAX);
    if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting) == NULL || !run_crypt(password, setting, out))
        return err_set(e, ERR_UNSUPPORTED, "this system's crypt(3) has no yescrypt");
    return 0;
}

bool password_right(const char *password, const char *hash)
{
    /* Of a password nobody has: hashing it takes as long as that of an account. */
    static const char nobody[] = "$y$j9T$hvhubhvhubhvhubhvhub..$";
    char found[PERSON_HASH_MAX];
    bool hashed = strlen(password) <= PASSWORD_MAX && run_crypt(password, hash[0] != '\0' ? hash : nobody, found);
    bool right = hashed && hash[0] != '\0' && secret_equal(found, hash);

    explicit_bzero(found, sizeof found);
    return right;
}

static void put_hex(char *out, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void secret_make(const struct random_source *random, const char *prefix, char out[SECRET_MAX])
{
    unsigned char bytes[SECRET_BYTES];
    size_t len = strlen(prefix);

    random->fill(random, bytes, sizeof bytes);
    memcpy(out, prefix, len);
    put_hex(out + len, bytes, sizeof bytes);
    explicit_bzero(bytes, sizeof bytes);
}

bool secret_formed(const char *secret, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(secret, prefix, len) == 0 && strlen(secret) == len + (size_t)2 * SECRET_BYTES &&
           strspn(secret + len, "0123456789abcdef") == (size_t)2 * SECRET_BYTES;
}

void secret_digest(const char *secret, char out[TICKET_DIGEST_MAX])
{
    unsigned char digest[SECRET_BYTES];

    out[0] = '\0';
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, secret, strlen(secret), digest) == 0)
        put_hex(out, digest, sizeof digest);
}

bool secret_equal(const char *a, const char *b)
{
    size_t len = strlen(a);

    return len == strlen(b) && gnutls_memcmp(a, b, len) == 0;
}
