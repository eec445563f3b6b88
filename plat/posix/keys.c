/* See keys.h.  By OpenSSL, which libcurl brings along. */
#include "plat/keys.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* OpenSSL has a type of this name, base/error.h a constant, which is the one that is meant below. */
#define ERR_STATE openssl_err_state
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#undef ERR_STATE

#define NS INT64_C(1000000000)

/* OpenSSL's own words are of little use to people; the newest goes along. */
static int failed(struct err *e, const char *path, const char *what)
{
    char why[160];

    ERR_error_string_n(ERR_peek_last_error(), why, sizeof why);
    ERR_clear_error();
    return err_set(e, ERR_INVALID, "%s: %s (%s)", path, what, why);
}

/* ---- files ------------------------------------------------------------------------------ */

/* Calls put to fill path + ".new", which then takes path's place. */
static int replace_file(const char *path, bool (*put)(FILE *f, void *arg), void *arg, struct err *e)
{
    char temporary[PATH_MAX];
    int fd, rc = 0;
    FILE *f;

    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return err_set(e, ERR_INVALID, "%s: the path is too long", path);
    unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        if (fd >= 0)
            close(fd);
        return err_errno(e, errno, "%s: cannot make", temporary);
    }
    errno = 0;
    if (!put(f, arg) || fflush(f) != 0 || fsync(fileno(f)) != 0)
        rc = err_errno(e, errno != 0 ? errno : EIO, "%s: cannot write", temporary);
    if (fclose(f) != 0 && rc == 0)
        rc = err_errno(e, errno, "%s: cannot write", temporary);
    if (rc == 0 && rename(temporary, path) != 0)
        rc = err_errno(e, errno, "%s: cannot be replaced", path);
    if (rc != 0)
        unlink(temporary);
    return rc;
}

static int read_key(const char *path, EVP_PKEY **out, struct err *e)
{
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return err_errno(e, errno, "%s: cannot read", path);
    *out = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    return *out != NULL ? 0 : failed(e, path, "not a private key");
}

/* ---- keys --------------------------------------------------------------------------------- */

static bool put_key(FILE *f, void *key)
{
    return PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
}

int plat_key_ensure(const char *path, struct err *e)
{
    EVP_PKEY *key = NULL;
    int rc = read_key(path, &key, e);

    if (rc == 0 || (rc != ERR_NOT_FOUND && rc != ERR_INVALID)) {
        EVP_PKEY_free(key);
        return rc;
    }
    key = EVP_EC_gen("P-256"); /* in place of one that was torn, too: nothing was signed with it yet */
    if (key == NULL)
        return failed(e, path, "no key could be made");
    rc = replace_file(path, put_key, key, e);
    EVP_PKEY_free(key);
    return rc;
}

static bool build_request(X509_REQ *req, EVP_PKEY *key)
{
    static const unsigned char name[] = "hvagent";

    return X509_REQ_set_version(req, 0) == 1 &&
           X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
           X509_REQ_set_pubkey(req, key) == 1 && X509_REQ_sign(req, key, EVP_sha256()) > 0;
}

int plat_key_request(const char *key_path, struct buf *out, struct err *e)
{
    EVP_PKEY *key = NULL;
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;
    int rc = read_key(key_path, &key, e);

    if (rc != 0)
        goto done;
    if (req == NULL || bio == NULL || !build_request(req, key) || PEM_write_bio_X509_REQ(bio, req) != 1) {
        rc = failed(e, key_path, "no request could be made");
        goto done;
    }
    len = BIO_get_mem_data(bio, &text);
    buf_add(out, text, (size_t)len);
done:
    BIO_free(bio);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
    return rc;
}

/* ---- certificates ----------------------------------------------------------------------------- */

struct pair {
    EVP_PKEY *key;
    const char *pem;
    size_t len;
};

static bool put_pair(FILE *f, void *arg)
{
    const struct pair *p = arg;

    return put_key(f, p->key) && fwrite(p->pem, 1, p->len, f) == p->len;
}

int plat_key_join(const char *key_path, const char *pem, size_t len, const char *path, struct err *e)
{
    struct pair p = { .pem = pem, .len = len };
    BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
    X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    int rc = cert != NULL ? read_key(key_path, &p.key, e) : failed(e, path, "what came is no certificate");

    if (rc == 0 && X509_check_private_key(cert, p.key) != 1)
        rc = failed(e, path, "the certificate that came is of another key");
    if (rc == 0)
        rc = replace_file(path, put_pair, &p, e);
    if (rc == 0)
        unlink(key_path); /* one left behind would be asked with again */
    EVP_PKEY_free(p.key);
    X509_free(cert);
    BIO_free(bio);
    return rc;
}

static bool take_time(const ASN1_TIME *from, int64_t *out)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(from, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm) * NS;
    return true;
}

void plat_identity_settle(const char *path)
{
    (void)path; /* the file was all that there was */
}

void plat_identity_forget(const char *path, const char *key_path)
{
    (void)path;
    (void)key_path;
}

int plat_identity_read(const char *path, struct identity *out, struct err *e)
{
    FILE *f;
    X509 *cert;
    bool good;

    *out = (struct identity){ 0 };
    if (!text_copy(out->cert_file, sizeof out->cert_file, path) ||
        !text_copy(out->key_file, sizeof out->key_file, path))
        return err_set(e, ERR_INVALID, "%s: the path is too long", path);
    f = fopen(path, "re");
    if (f == NULL)
        return err_errno(e, errno, "%s: cannot read", path);
    cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    good = cert != NULL && take_time(X509_get0_notBefore(cert), &out->from) &&
           take_time(X509_get0_notAfter(cert), &out->until);
    X509_free(cert);
    return good ? 0 : failed(e, path, "no certificate in it");
}
