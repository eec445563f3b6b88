/* See auth.h. */
#include "hub/auth.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DIGEST = 32 };

struct token {
    unsigned char digest[DIGEST];
};

struct auth {
    pthread_rwlock_t lock;
    struct token *tokens;
    int count;
};

int auth_new(struct auth **out, struct err *e)
{
    struct auth *a = calloc(1, sizeof *a);

    if (a == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    pthread_rwlock_init(&a->lock, NULL);
    *out = a;
    return 0;
}

void auth_free(struct auth *a)
{
    if (a == NULL)
        return;
    pthread_rwlock_destroy(&a->lock);
    free(a->tokens);
    free(a);
}

/* ---- the file -------------------------------------------------------------------- */

struct token_list {
    struct token *items;
    int count;
};

static int add_token(struct token_list *list, const char *path, int line, const char *text, size_t len, struct err *e)
{
    struct token *grown;

    if (len < AUTH_TOKEN_MIN)
        return err_set(e, ERR_INVALID,
                       "%s:%d: a token needs %d characters or more; make one with `openssl rand -hex 32`", path, line,
                       AUTH_TOKEN_MIN);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return err_set(e, ERR_INVALID, "%s:%d: a token has printable characters without blanks only", path, line);
    }
    if (list->count == AUTH_TOKENS_MAX)
        return err_set(e, ERR_TOO_BIG, "%s:%d: more than %d tokens", path, line, AUTH_TOKENS_MAX);
    grown = (struct token *)realloc(list->items, (size_t)(list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    list->items = grown;
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, len, grown[list->count].digest) != 0)
        return err_set(e, ERR_STATE, "SHA-256 is not available");
    list->count++;
    return 0;
}

static int read_tokens(FILE *f, const char *path, struct token_list *list, struct err *e)
{
    char line[AUTH_TOKEN_MAX + 2];
    int rc = 0;

    for (int n = 1; rc == 0 && fgets(line, sizeof line, f) != NULL; n++) {
        size_t len = strlen(line);

        if (len == sizeof line - 1 && line[len - 1] != '\n')
            return err_set(e, ERR_INVALID, "%s:%d: the line is longer than %d characters", path, n, AUTH_TOKEN_MAX);
        while (len > 0 && strchr("\r\n \t", line[len - 1]) != NULL)
            line[--len] = '\0';
        if (len > 0 && line[0] != '#')
            rc = add_token(list, path, n, line, len, e);
    }
    if (rc == 0 && ferror(f))
        rc = err_errno(e, errno, "%s: cannot read the tokens", path);
    if (rc == 0 && list->count == 0)
        rc = err_set(e, ERR_INVALID, "%s: no token in it; make one with `openssl rand -hex 32`", path);
    memset(line, 0, sizeof line);
    return rc;
}

static void warn_if_open(FILE *f, const char *path)
{
    struct stat st;

    if (fstat(fileno(f), &st) == 0 && (st.st_mode & S_IRWXO) != 0)
        log_event(LOG_WARN, "auth.token_file_open", LOG_S("path", path), LOG_S("remedy", "chmod 0600"));
}

int auth_load(struct auth *a, const char *path, struct err *e)
{
    struct token_list list = { NULL, 0 };
    struct token *old;
    int rc = 0;

    if (path[0] != '\0') {
        FILE *f = fopen(path, "re");

        if (f == NULL)
            return err_errno(e, errno, "%s: cannot read the tokens", path);
        warn_if_open(f, path);
        rc = read_tokens(f, path, &list, e);
        fclose(f);
    }
    if (rc != 0) {
        free(list.items);
        return rc;
    }
    pthread_rwlock_wrlock(&a->lock);
    old = a->tokens;
    a->tokens = list.items;
    a->count = list.count;
    pthread_rwlock_unlock(&a->lock);
    free(old);
    return 0;
}

/* ---- asking -------------------------------------------------------------------------- */

bool auth_is_loopback(const struct sockaddr *peer)
{
    if (peer == NULL)
        return false;
    if (peer->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, peer, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    if (peer->sa_family == AF_INET6) {
        struct sockaddr_in6 in;

        memcpy(&in, peer, sizeof in);
        return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) && in.sin6_addr.s6_addr[12] == 127);
    }
    return false;
}

/* Walks all of them whatever is found, so that the time tells nothing. */
static bool token_known(struct auth *a, const char *token)
{
    unsigned char digest[DIGEST];
    unsigned found = 0;

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), digest) != 0)
        return false;
    pthread_rwlock_rdlock(&a->lock);
    for (int i = 0; i < a->count; i++)
        found |= gnutls_memcmp(a->tokens[i].digest, digest, DIGEST) == 0;
    pthread_rwlock_unlock(&a->lock);
    return found != 0;
}

const char *auth_bearer(const char *authorization)
{
    static const char scheme[] = "bearer ";

    if (authorization == NULL || text_ncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    authorization += sizeof scheme - 1;
    return authorization + strspn(authorization, " ");
}

bool auth_allows(struct auth *a, const struct auth_claim *claim)
{
    const char *token = auth_bearer(claim->authorization);

    if (claim->certificate)
        return true;
    if (claim->authorization == NULL)
        return !claim->bad_certificate && auth_is_loopback(claim->peer);
    return token != NULL && token_known(a, token);
}

void auth_token_name(const char *authorization, char out[AUTH_NAME_MAX])
{
    const char *token = auth_bearer(authorization);
    unsigned char digest[DIGEST];

    out[0] = '\0';
    if (token != NULL && gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), digest) == 0)
        snprintf(out, AUTH_NAME_MAX, "token %02x%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3],
                 digest[4], digest[5]);
}
