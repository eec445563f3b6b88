/* Keys and certificates of one's own: what it takes to ask for a certificate,
 * and to keep it.
 *
 * A key is named by a file.  On POSIX the file holds it (P-256, PEM, for nobody
 * else's eyes); on Windows it holds the name under which Windows keeps it (RSA,
 * 2048 bits), and Windows does not give it out.
 *
 * An identity is a file with a key, as above, and its certificate (PEM), so that both
 * are replaced in one step and never one without the other.
 *
 * Facts: RFC 2986 (requests), RFC 5280 (certificates), RFC 7468 (text before a PEM block).
 *
 * Blocks: worker threads.
 */
#ifndef PLAT_KEYS_H
#define PLAT_KEYS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

enum { IDENTITY_TEXT_MAX = 1024 };

/* Makes a key where there is none; one that is there already stays. */
MUST_USE int plat_key_ensure(const char *path, struct err *e);

/* A request for a certificate for the key (PKCS #10, PEM), appended to out. */
MUST_USE int plat_key_request(const char *key_path, struct buf *out, struct err *e);

/* Makes the key and its certificate (PEM, len bytes) the identity at path, in place of what is there; then key_path is
 * gone.  ERR_INVALID when the certificate is not of this key.  The key before can be used until plat_identity_settle().
 */
MUST_USE int plat_key_join(const char *key_path, const char *pem, size_t len, const char *path, struct err *e);

/* Ends what plat_key_join() left of the identity before for those who were still using it. */
void plat_identity_settle(const char *path);

/* What the first certificate of an identity says, and how a TLS library is given it: the values of hub.cert_file and
 * hub.key_file. */
struct identity {
    int64_t from, until; /* it holds; UTC, ns */
    char cert_file[IDENTITY_TEXT_MAX], key_file[IDENTITY_TEXT_MAX];
};

/* ERR_NOT_FOUND without the file, or without its key; ERR_PERMISSION when the key is not for this account.  On Windows
 * the certificate is put into this account's own store of the name "hvagent", where Schannel finds it. */
MUST_USE int plat_identity_read(const char *path, struct identity *out, struct err *e);

/* Removes the keys of the identity, and of a key_path of which nothing has come yet, before their files are removed. */
void plat_identity_forget(const char *path, const char *key_path);

#endif
