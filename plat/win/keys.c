/* See keys.h.  Schannel takes no PEM files, and a key in Windows' own stores is not made here: under Windows a
 * certificate comes from the organisation's PKI. */
#include "plat/keys.h"

static int unsupported(struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED,
                   "agents for Windows do not enrol by themselves: name a certificate in hub.cert_file, or a token in"
                   " hub.token_file");
}

int plat_key_ensure(const char *path, struct err *e)
{
    (void)path;
    return unsupported(e);
}

int plat_key_request(const char *key_path, struct buf *out, struct err *e)
{
    (void)key_path;
    (void)out;
    return unsupported(e);
}

int plat_key_join(const char *key_path, const char *pem, size_t len, const char *path, struct err *e)
{
    (void)key_path;
    (void)pem;
    (void)len;
    (void)path;
    return unsupported(e);
}

int plat_certificate_times(const char *path, int64_t *from, int64_t *until, struct err *e)
{
    (void)path;
    (void)from;
    (void)until;
    return unsupported(e);
}
