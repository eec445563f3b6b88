/* What of a guest's KVP items may be known: which are taken at all, and which
 * as a digest alone.  It is asked where items enter, before anything is kept,
 * so neither the store nor the wire ever has what it holds back.
 *
 * Names are as they are shipped behind "hyperv.kvp.": an item of the
 * administrator is "custom.<name>"; a '*' at the end stands for any rest.  The
 * items that decide drift (kvp_decides_drift() in model/guest.h) are always
 * taken, as they are.
 *
 * A digest is "hmac:" and the first 128 bits of HMAC-SHA-256 over name, NUL and
 * value, in hexadecimal.  Keyed, because addresses and names are so few that a
 * plain hash of them is found by trying; with the name, so that two items can
 * not be told to hold the same.  Under one key equal values of one item look
 * alike: on one host, or in the fleet when all hosts have the same key file.
 */
#ifndef COLLECTORS_KVP_PRIVACY_H
#define COLLECTORS_KVP_PRIVACY_H

#include "config/agent_config.h"
#include "plat/files.h"

enum {
    KVP_HASH_KEY_MIN = 16, /* bytes of a key file, white space at its ends left out */
    KVP_HASH_KEY_MAX = 1024,
    KVP_DIGEST_TEXT_MAX = sizeof "hmac:" + 32,
};

struct kvp_privacy {
    struct agent_config_privacy names;
    char key[KVP_HASH_KEY_MAX];
    size_t key_len; /* 0: nothing is hashed, or the key was not read yet */
};

enum kvp_handling { KVP_AS_IT_IS, KVP_DIGEST, KVP_LEFT_OUT };

/* names: NULL takes everything as it is. */
void kvp_privacy_init(struct kvp_privacy *p, const struct agent_config_privacy *names);

/* Reads the key, where one is needed and not there yet.  ERR_INVALID for one that is too short or too long, or what
 * reading it says: nothing may be taken then.  Blocks. */
MUST_USE int kvp_privacy_ready(struct kvp_privacy *p, const struct files *files, struct err *e);

/* What is to be done with an item of that name; custom: one of the administrator's. */
enum kvp_handling kvp_privacy_of(const struct kvp_privacy *p, const char *name, bool custom);

/* The digest of a value.  False when the system makes none: the item is then left out.  Name and value are cleaned
 * and cut as in kvp_items.c; the key is ready. */
MUST_USE bool kvp_privacy_digest(const struct kvp_privacy *p, const char *name, bool custom, const char *value,
                                 size_t len, char out[KVP_DIGEST_TEXT_MAX]);

#endif
