/* RSA keys that Windows keeps: made here, used by name, never taken out.
 *
 * A key lies with the Microsoft Software Key Storage Provider (CNG), with which Schannel signs all that TLS 1.2 and
 * 1.3 ask for.  It is the machine's, with the rights of the agent's data folder: SYSTEM, Administrators, the service
 * and the account that made it.  Where that provider makes none that lasts (Wine's) it lies with the Enhanced RSA
 * and AES Cryptographic Provider (CryptoAPI), and is the account's alone.  A name is looked for with both, so it alone
 * says which key is meant.
 *
 * Facts: Microsoft's pages "CNG Key Storage Functions", "Key Storage and Retrieval", "CryptAcquireContextW",
 * "RSA/Schannel Key BLOBs", "BCRYPT_RSAKEY_BLOB", "CRYPT_KEY_PROV_INFO".
 *
 * Blocks: worker threads.
 */
#ifndef PLAT_WIN_KEY_CONTAINER_H
#define PLAT_WIN_KEY_CONTAINER_H

#include "base/error.h"
#include "plat/pkcs10.h"

#include <stdbool.h>

/* wincrypt.h needs windows.h before it. */
/* clang-format off */
#include <windows.h>
#include <wincrypt.h>
/* clang-format on */

/* A name is KEY_NAME_PREFIX and 32 hexadecimal digits. */
#define KEY_NAME_PREFIX "hvagent-"
enum { KEY_NAME_MAX = sizeof KEY_NAME_PREFIX + 32 };

/* One that nobody has yet. */
void key_container_name(char out[KEY_NAME_MAX]);
bool key_container_is_name(const char *text);

/* Makes a key of that name, which must be new. */
MUST_USE int key_container_make(const char *name, struct err *e);

/* Its public half.  ERR_NOT_FOUND: there is none of that name; ERR_PERMISSION: not for this account. */
MUST_USE int key_container_public(const char *name, struct rsa_public *out, struct err *e);

/* A signature by PKCS #1 version 1.5 with SHA-256, big-endian. */
MUST_USE int key_container_sign(const char *name, const void *bytes, size_t len, unsigned char out[RSA_BYTES_MAX],
                                size_t *out_len, struct err *e);

/* Tells a certificate where its key is (CERT_KEY_PROV_INFO_PROP_ID). */
MUST_USE int key_container_link(const char *name, PCCERT_CONTEXT certificate, struct err *e);

/* No harm when there is none. */
void key_container_remove(const char *name);

#endif
