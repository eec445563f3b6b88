/* See keys.h.
 *
 * The file of a key, and the first line of an identity, is
 *
 *     key: hvagent-0123456789abcdef0123456789abcdef
 *
 * the name of a key_container.h.  Names are written down before keys are made, so that no key is left that nobody
 * knows of.  While an identity is replaced, the one before lies beside it as <path>.old: connections that begin
 * before everybody knows of the new one still use it. */
#include "plat/keys.h"

#include "base/text.h"
#include "plat/win/identity_store.h"
#include "plat/win/key_container.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LINE "key: "

enum { IDENTITY_MAX = 64 * 1024, PATH_LENGTH_MAX = 2048 };

/* ---- files ------------------------------------------------------------------------------ */

static int open_file(const char *path, bool writing, HANDLE *out, struct err *e)
{
    wchar_t *wide;
    int rc = wide_path(path, &wide, e);

    if (rc != 0)
        return rc;
    *out = writing ? CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL)
                   : CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                 OPEN_EXISTING, 0, NULL);
    free(wide);
    return *out != INVALID_HANDLE_VALUE ? 0 : err_win(e, GetLastError(), "%s", path);
}

static int read_text(const char *path, struct buf *out, struct err *e)
{
    HANDLE h;
    DWORD n = 0;
    char *room = buf_room(out, IDENTITY_MAX);
    int rc;

    if (room == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = open_file(path, false, &h, e);
    if (rc != 0)
        return rc;
    if (!ReadFile(h, room, IDENTITY_MAX, &n, NULL))
        rc = err_win(e, GetLastError(), "%s", path);
    CloseHandle(h);
    buf_used(out, n);
    return rc;
}

static void remove_file(const char *path)
{
    wchar_t *wide;

    if (wide_path(path, &wide, NULL) != 0)
        return;
    (void)DeleteFileW(wide);
    free(wide);
}

static int move_over(const char *from, const char *to, struct err *e)
{
    wchar_t *wide_from, *wide_to = NULL;
    int rc = wide_path(from, &wide_from, e);

    if (rc == 0)
        rc = wide_path(to, &wide_to, e);
    if (rc == 0 && !MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        rc = err_win(e, GetLastError(), "%s cannot be replaced", to);
    free(wide_to);
    free(wide_from);
    return rc;
}

/* "<path><end>" */
static int path_beside(const char *path, const char *end, char out[PATH_LENGTH_MAX], struct err *e)
{
    if (snprintf(out, PATH_LENGTH_MAX, "%s%s", path, end) < PATH_LENGTH_MAX)
        return 0;
    return err_set(e, ERR_INVALID, "%s: the path is too long", path);
}

/* In one step: there is the old file or the new one, whole. */
static int replace_file(const char *path, const struct buf *text, struct err *e)
{
    char temporary[PATH_LENGTH_MAX];
    DWORD n = 0;
    HANDLE h;
    int rc = buf_error(text) == ERR_OK ? path_beside(path, ".new", temporary, e)
                                       : err_set(e, buf_error(text), "%s: too long, or out of memory", path);

    if (rc == 0)
        rc = open_file(temporary, true, &h, e);
    if (rc != 0)
        return rc;
    if (!WriteFile(h, buf_text(text), (DWORD)text->len, &n, NULL) || n != text->len || !FlushFileBuffers(h))
        rc = err_win(e, GetLastError(), "%s: cannot write", temporary);
    CloseHandle(h);
    if (rc == 0)
        rc = move_over(temporary, path, e);
    if (rc != 0)
        remove_file(temporary);
    return rc;
}

/* The key that a text names. */
static bool key_of(const char *text, char out[KEY_NAME_MAX])
{
    size_t len;

    if (strncmp(text, KEY_LINE, strlen(KEY_LINE)) != 0)
        return false;
    text += strlen(KEY_LINE);
    len = strcspn(text, "\r\n");
    if (len != KEY_NAME_MAX - 1)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return key_container_is_name(out);
}

/* The file's text into out, which the caller has initialised and frees, and the key that it names. */
static int read_named(const char *path, struct buf *out, char name[KEY_NAME_MAX], struct err *e)
{
    int rc = read_text(path, out, e);

    if (rc == 0 && !key_of(buf_text(out), name))
        rc = err_set(e, ERR_INVALID, "%s: names no key", path);
    return rc;
}

static int read_name(const char *path, char name[KEY_NAME_MAX], struct err *e)
{
    struct buf text;
    int rc;

    buf_init(&text, IDENTITY_MAX);
    rc = read_named(path, &text, name, e);
    buf_free(&text);
    return rc;
}

/* ---- keys --------------------------------------------------------------------------------- */

static int make_key(const char *path, struct err *e)
{
    char name[KEY_NAME_MAX];
    struct buf text;
    int rc;

    key_container_name(name);
    buf_init(&text, PATH_LENGTH_MAX);
    buf_printf(&text, KEY_LINE "%s\n", name);
    rc = replace_file(path, &text, e);
    buf_free(&text);
    return rc == 0 ? key_container_make(name, e) : rc;
}

int plat_key_ensure(const char *path, struct err *e)
{
    char name[KEY_NAME_MAX];
    struct rsa_public unused;
    int rc = read_name(path, name, e);

    if (rc != 0)
        return rc == ERR_NOT_FOUND || rc == ERR_INVALID ? make_key(path, e) : rc;
    if (key_container_public(name, &unused, e) == 0)
        return 0;
    key_container_remove(name); /* nothing was signed with it yet */
    return make_key(path, e);
}

static int add_pem(struct buf *out, const struct buf *der, struct err *e)
{
    char text[2 * PKCS10_MAX];
    DWORD len = sizeof text;

    if (buf_error(der) != ERR_OK ||
        !CryptBinaryToStringA((const BYTE *)buf_text(der), (DWORD)der->len, CRYPT_STRING_BASE64, text, &len))
        return err_set(e, ERR_INVALID, "no request could be made");
    buf_str(out, "-----BEGIN CERTIFICATE REQUEST-----\n");
    for (DWORD i = 0; i < len; i++)
        if (text[i] != '\r')
            buf_char(out, text[i]);
    buf_str(out, "-----END CERTIFICATE REQUEST-----\n");
    return 0;
}

int plat_key_request(const char *key_path, struct buf *out, struct err *e)
{
    unsigned char signature[RSA_BYTES_MAX];
    size_t signature_len;
    char name[KEY_NAME_MAX];
    struct rsa_public key;
    struct buf info, der;
    int rc = read_name(key_path, name, e);

    if (rc == 0)
        rc = key_container_public(name, &key, e);
    if (rc != 0)
        return rc;
    buf_init(&info, PKCS10_MAX);
    buf_init(&der, PKCS10_MAX);
    pkcs10_info("hvagent", &key, &info);
    rc = key_container_sign(name, buf_text(&info), info.len, signature, &signature_len, e);
    if (rc == 0) {
        pkcs10_request(&info, signature, signature_len, &der);
        rc = add_pem(out, &der, e);
    }
    buf_free(&der);
    buf_free(&info);
    return rc;
}

/* ---- identities --------------------------------------------------------------------------- */

/* Whether the certificate is of the key. */
static bool is_of(PCCERT_CONTEXT certificate, const struct rsa_public *key)
{
    const CRYPT_BIT_BLOB *theirs = &certificate->pCertInfo->SubjectPublicKeyInfo.PublicKey;
    struct buf ours;
    bool same;

    buf_init(&ours, PKCS10_MAX);
    pkcs10_rsa_public(key, &ours);
    same = theirs->cbData == ours.len && memcmp(theirs->pbData, buf_text(&ours), ours.len) == 0;
    buf_free(&ours);
    return same;
}

/* What is at path now stays usable beside it. */
static int keep_old(const char *path, struct err *e)
{
    char old[PATH_LENGTH_MAX];
    struct buf text;
    int rc = path_beside(path, ".old", old, e);

    if (rc != 0)
        return rc;
    buf_init(&text, IDENTITY_MAX);
    rc = read_text(path, &text, e);
    if (rc == 0) {
        plat_identity_settle(path); /* the one before that */
        rc = replace_file(old, &text, e);
    }
    buf_free(&text);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int write_identity(const char *name, const char *pem, size_t len, const char *path, struct err *e)
{
    struct buf text;
    int rc = keep_old(path, e);

    if (rc != 0)
        return rc;
    buf_init(&text, IDENTITY_MAX);
    buf_printf(&text, KEY_LINE "%s\n", name);
    buf_add(&text, pem, len);
    rc = replace_file(path, &text, e);
    buf_free(&text);
    return rc;
}

int plat_key_join(const char *key_path, const char *pem, size_t len, const char *path, struct err *e)
{
    char name[KEY_NAME_MAX];
    PCCERT_CONTEXT certificate;
    struct rsa_public key;
    struct err unused;
    int rc = read_name(key_path, name, e);

    if (rc == 0)
        rc = key_container_public(name, &key, e);
    if (rc != 0)
        return rc;
    if (identity_certificate(pem, len, &certificate, &unused) != 0)
        return err_set(e, ERR_INVALID, "%s: what came is no certificate", path);
    rc = is_of(certificate, &key) ? write_identity(name, pem, len, path, e)
                                  : err_set(e, ERR_INVALID, "%s: the certificate that came is of another key", path);
    CertFreeCertificateContext(certificate);
    if (rc == 0)
        remove_file(key_path); /* one left behind would be asked with again */
    return rc;
}

int plat_identity_read(const char *path, struct identity *out, struct err *e)
{
    char name[KEY_NAME_MAX];
    PCCERT_CONTEXT certificate = NULL;
    struct buf text;
    int rc;

    *out = (struct identity){ 0 };
    buf_init(&text, IDENTITY_MAX);
    rc = read_named(path, &text, name, e);
    if (rc == 0 && (rc = identity_certificate(buf_text(&text), text.len, &certificate, e)) != 0)
        err_prefix(e, "%s", path);
    if (rc == 0)
        rc = key_container_link(name, certificate, e);
    if (rc == 0)
        rc = identity_store_put(certificate, out->cert_file, sizeof out->cert_file, e);
    if (rc == 0) {
        out->from = identity_time(certificate->pCertInfo->NotBefore);
        out->until = identity_time(certificate->pCertInfo->NotAfter);
    }
    if (certificate != NULL)
        CertFreeCertificateContext(certificate);
    buf_free(&text);
    return rc;
}

/* Key, certificate and file of an identity; its key stays when it is `kept`. */
static void end_identity(const char *path, const char *kept)
{
    char name[KEY_NAME_MAX];
    PCCERT_CONTEXT certificate;
    struct buf text;
    struct err unused;

    buf_init(&text, IDENTITY_MAX);
    if (read_named(path, &text, name, &unused) == 0 && strcmp(name, kept) != 0) {
        if (identity_certificate(buf_text(&text), text.len, &certificate, &unused) == 0) {
            identity_store_remove(certificate);
            CertFreeCertificateContext(certificate);
        }
        key_container_remove(name);
    }
    buf_free(&text);
    remove_file(path);
}

void plat_identity_settle(const char *path)
{
    char old[PATH_LENGTH_MAX], name[KEY_NAME_MAX] = "";
    struct err unused;
    int rc;

    if (path_beside(path, ".old", old, &unused) != 0)
        return;
    rc = read_name(path, name, &unused);
    if (rc == 0 || rc == ERR_NOT_FOUND)
        end_identity(old, name);
}

void plat_identity_forget(const char *path, const char *key_path)
{
    plat_identity_settle(path);
    end_identity(path, "");
    end_identity(key_path, "");
}
