/* See ca.h: the files of the authority. */
#include "base/text.h"
#include "base/times.h"
#include "config/store_url.h"
#include "hub/ca_parts.h"
#include "hub/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 64 * 1024, CA_YEARS = 20, SERIAL_BYTES = 16, DAY_S = 86400 };

void ca_folder(const struct hub_config *config, char out[CA_PATH_MAX])
{
    const char *store = hub_store_path(config), *slash = strrchr(store, '/');

    if (config->ca_dir[0] != '\0')
        text_copy(out, CA_PATH_MAX, config->ca_dir);
    else if (!store_is_postgres(store) && slash != NULL)
        snprintf(out, CA_PATH_MAX, "%.*s/ca", (int)(slash - store), store);
    else
        text_copy(out, CA_PATH_MAX, "/var/lib/hvhub/ca");
}

/* ---- reading -------------------------------------------------------------------------- */

static int read_file(const char *folder, const char *name, bool secret, char *text, struct err *e)
{
    char path[CA_PATH_MAX + 16];
    struct stat st;
    FILE *f;
    size_t len;
    bool failed;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "re");
    if (f == NULL)
        return err_errno(e, errno, "%s: cannot read", path);
    if (secret && fstat(fileno(f), &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        fclose(f);
        return err_set(e, ERR_PERMISSION, "%s: open to others (mode %04o): chmod 0600 %s", path,
                       (unsigned)(st.st_mode & 07777), path);
    }
    len = fread(text, 1, FILE_MAX, f);
    failed = ferror(f) != 0;
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "%s: cannot read", path);
    if (len == FILE_MAX)
        return err_set(e, ERR_TOO_BIG, "%s: too large (at most %d bytes); it holds one %s, put that alone into it",
                       path, FILE_MAX - 1, secret ? "key" : "certificate");
    text[len] = '\0';
    return len > 0 ? 0 : err_set(e, ERR_INVALID, "%s: empty", path);
}

static gnutls_datum_t datum_of(char *text)
{
    return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

/* Do the certificate and the key have the same public half? */
static bool is_pair(const struct ca *ca)
{
    unsigned char a[64], b[64];
    size_t na = sizeof a, nb = sizeof b;

    return gnutls_x509_crt_get_key_id(ca->cert, GNUTLS_KEYID_USE_SHA256, a, &na) == 0 &&
           gnutls_x509_privkey_get_key_id(ca->key, GNUTLS_KEYID_USE_SHA256, b, &nb) == 0 && na == nb &&
           memcmp(a, b, na) == 0;
}

static int import(struct ca *ca, const char *folder, char *cert, char *key, struct err *e)
{
    gnutls_datum_t c = datum_of(cert), k = datum_of(key);
    int rc;

    if (gnutls_x509_crt_init(&ca->cert) != 0 || gnutls_x509_privkey_init(&ca->key) != 0)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = gnutls_x509_crt_import(ca->cert, &c, GNUTLS_X509_FMT_PEM);
    if (rc == 0)
        rc = gnutls_x509_privkey_import(ca->key, &k, GNUTLS_X509_FMT_PEM);
    if (rc != 0)
        return err_set(e, ERR_INVALID, "%s: ca.pem or ca.key cannot be used: %s", folder, gnutls_strerror(rc));
    if (!is_pair(ca))
        return err_set(e, ERR_INVALID, "%s: ca.key is not the key of ca.pem; copy both from the same hub", folder);
    ca->pem = strdup(cert);
    return ca->pem != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

int ca_load(struct ca **out, const char *folder, struct err *e)
{
    char *cert = malloc(FILE_MAX), *key = malloc(FILE_MAX);
    struct ca *ca = calloc(1, sizeof *ca);
    int rc = 0;

    *out = NULL;
    if (cert == NULL || key == NULL || ca == NULL)
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = read_file(folder, "ca.pem", false, cert, e);
    if (rc == 0)
        rc = read_file(folder, "ca.key", true, key, e);
    if (rc == 0)
        rc = import(ca, folder, cert, key, e);
    if (key != NULL)
        gnutls_memset(key, 0, FILE_MAX);
    free(key);
    free(cert);
    if (rc != 0)
        ca_free(ca);
    else
        *out = ca;
    return rc;
}

void ca_free(struct ca *ca)
{
    if (ca == NULL)
        return;
    gnutls_x509_crt_deinit(ca->cert);
    gnutls_x509_privkey_deinit(ca->key);
    free(ca->pem);
    free(ca);
}

const char *ca_pem(const struct ca *ca)
{
    return ca->pem;
}

void ca_times(const struct ca *ca, int64_t *from, int64_t *until)
{
    *from = (int64_t)gnutls_x509_crt_get_activation_time(ca->cert) * NS_PER_S;
    *until = (int64_t)gnutls_x509_crt_get_expiration_time(ca->cert) * NS_PER_S;
}

/* ---- making ------------------------------------------------------------------------------ */

/* Written whole or not at all; never over another. */
static int write_file(const char *folder, const char *name, mode_t mode, const gnutls_datum_t *text, struct err *e)
{
    char path[CA_PATH_MAX + 16];
    int fd, rc = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return errno == EEXIST ? err_set(e, ERR_STATE, "%s: there is one already", path)
                               : err_errno(e, errno, "%s: cannot make", path);
    if (write(fd, text->data, text->size) != (ssize_t)text->size || fsync(fd) != 0)
        rc = err_errno(e, errno != 0 ? errno : EIO, "%s: cannot write", path);
    close(fd);
    if (rc != 0)
        unlink(path);
    return rc;
}

static int make_folder(const char *folder, struct err *e)
{
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return 0;
    return err_errno(e, errno, "%s: cannot make the folder", folder);
}

static int fill_in(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key)
{
    static const char name[] = "hvhub agent CA";
    unsigned char serial[SERIAL_BYTES], id[64];
    size_t id_len = sizeof id;
    time_t now = time(NULL);
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);

    serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and of full length */
    if (rc == 0)
        rc = gnutls_x509_crt_set_version(cert, 3);
    if (rc == 0)
        rc = gnutls_x509_crt_set_serial(cert, serial, sizeof serial);
    if (rc == 0)
        rc = gnutls_x509_crt_set_activation_time(cert, now - DAY_S);
    if (rc == 0)
        rc = gnutls_x509_crt_set_expiration_time(cert, now + (time_t)CA_YEARS * 365 * DAY_S);
    if (rc == 0)
        rc = gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, sizeof name - 1);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key(cert, key);
    if (rc == 0)
        rc = gnutls_x509_crt_set_basic_constraints(cert, 1, 0); /* it signs agents, and no other CA */
    if (rc == 0)
        rc = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    if (rc == 0)
        rc = gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, id, &id_len);
    if (rc == 0)
        rc = gnutls_x509_crt_set_subject_key_id(cert, id, id_len);
    return rc != 0 ? rc : gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0);
}

static int generate(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, gnutls_datum_t *cert_pem,
                    gnutls_datum_t *key_pem)
{
    int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

    if (rc == 0)
        rc = fill_in(cert, key);
    if (rc == 0)
        rc = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, cert_pem);
    return rc != 0 ? rc : gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, key_pem);
}

int ca_make(const char *folder, struct err *e)
{
    gnutls_x509_crt_t cert = NULL;
    gnutls_x509_privkey_t key = NULL;
    gnutls_datum_t cert_pem = { NULL, 0 }, key_pem = { NULL, 0 };
    int rc, bad = 0;

    if (gnutls_x509_crt_init(&cert) != 0 || gnutls_x509_privkey_init(&key) != 0)
        bad = GNUTLS_E_MEMORY_ERROR;
    if (bad == 0)
        bad = generate(cert, key, &cert_pem, &key_pem);
    rc = bad == 0 ? make_folder(folder, e) : err_set(e, ERR_STATE, "cannot make a CA: %s", gnutls_strerror(bad));
    if (rc == 0)
        rc = write_file(folder, "ca.key", 0600, &key_pem, e);
    if (rc == 0)
        rc = write_file(folder, "ca.pem", 0644, &cert_pem, e);
    if (key_pem.data != NULL)
        gnutls_memset(key_pem.data, 0, key_pem.size);
    gnutls_free(key_pem.data);
    gnutls_free(cert_pem.data);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
    return rc;
}
