/* See kvp_privacy.h. */
#include "collectors/kvp_privacy.h"

#include "base/text.h"
#include "collectors/kvp_poll.h"
#include "model/guest.h"
#include "plat/digest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = (KVP_DIGEST_TEXT_MAX - (int)sizeof "hmac:") / 2, CLEAN_MAX = 4 * KVP_CHARS_MAX + 4 };

_Static_assert((int)SHOWN_BYTES <= (int)DIGEST_BYTES, "a digest has as many bytes as are shown");

#define CUSTOM "custom."

void kvp_privacy_init(struct kvp_privacy *p, const struct agent_config_privacy *names)
{
    memset(p, 0, sizeof *p);
    if (names != NULL)
        p->names = *names;
}

/* ---- the key ------------------------------------------------------------ */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int take_key(struct kvp_privacy *p, const char *text, size_t len, struct err *e)
{
    while (len > 0 && is_space(text[len - 1]))
        len--;
    for (; len > 0 && is_space(*text); text++)
        len--;
    if (len < KVP_HASH_KEY_MIN || len > KVP_HASH_KEY_MAX)
        return err_set(e, ERR_INVALID, "%s: a key has %d to %d bytes; make one: openssl rand -hex 32",
                       p->names.hash_key_file, KVP_HASH_KEY_MIN, KVP_HASH_KEY_MAX);
    memcpy(p->key, text, len);
    p->key_len = len;
    return 0;
}

int kvp_privacy_ready(struct kvp_privacy *p, const struct files *files, struct err *e)
{
    char text[KVP_HASH_KEY_MAX + 64]; /* with some white space */
    struct file *file = NULL;
    size_t got = 0;
    int rc;

    if (p->names.hash[0] == '\0' || p->key_len > 0)
        return 0;
    rc = files->ops->open(files, p->names.hash_key_file, &file, e);
    if (rc != 0)
        return rc;
    rc = files->ops->read_at(file, 0, text, sizeof text, &got, e);
    files->ops->close(file);
    return rc != 0 ? rc : take_key(p, text, got, e);
}

/* ---- names -------------------------------------------------------------- */

/* As it is shipped; an item the guest calls "custom.x" by itself is no different. */
struct shipped {
    char text[sizeof CUSTOM + CLEAN_MAX];
    size_t len;
};

static struct shipped shipped_as(const char *name, bool custom)
{
    struct shipped s;
    int n = snprintf(s.text, sizeof s.text, "%s%s", custom ? CUSTOM : "", name);

    assert(n > 0 && (size_t)n < sizeof s.text);
    s.len = (size_t)n;
    return s;
}

static bool fits(const char *pattern, size_t len, const struct shipped *name)
{
    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(name->text, pattern, len - 1) == 0;
    return name->len == len && memcmp(name->text, pattern, len) == 0;
}

/* lines: a pattern each. */
static bool holds(const char *lines, const struct shipped *name)
{
    for (const char *line = lines; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        if (fits(line, len, name))
            return true;
        line += len + (line[len] == '\n');
    }
    return false;
}

enum kvp_handling kvp_privacy_of(const struct kvp_privacy *p, const char *name, bool custom)
{
    struct shipped shipped;

    if ((p->names.hash[0] == '\0' && p->names.keep[0] == '\0') || (!custom && kvp_decides_drift(name)))
        return KVP_AS_IT_IS;
    shipped = shipped_as(name, custom);
    if (holds(p->names.hash, &shipped))
        return KVP_DIGEST;
    return p->names.keep[0] == '\0' || holds(p->names.keep, &shipped) ? KVP_AS_IT_IS : KVP_LEFT_OUT;
}

/* ---- digests ------------------------------------------------------------ */

bool kvp_privacy_digest(const struct kvp_privacy *p, const char *name, bool custom, const char *value, size_t len,
                        char out[KVP_DIGEST_TEXT_MAX])
{
    struct shipped shipped = shipped_as(name, custom);
    unsigned char digest[DIGEST_BYTES];
    char joined[sizeof shipped.text + CLEAN_MAX];
    size_t n = shipped.len + 1;

    assert(p->key_len > 0 && n + len <= sizeof joined);
    memcpy(joined, shipped.text, n);
    memcpy(joined + n, value, len);
    if (plat_hmac_sha256(p->key, p->key_len, joined, n + len, digest, NULL) != 0)
        return false;
    n = (size_t)snprintf(out, KVP_DIGEST_TEXT_MAX, "hmac:");
    for (size_t i = 0; i < SHOWN_BYTES; i++)
        n += (size_t)snprintf(out + n, KVP_DIGEST_TEXT_MAX - n, "%02x", digest[i]);
    assert(n == KVP_DIGEST_TEXT_MAX - 1);
    return true;
}
