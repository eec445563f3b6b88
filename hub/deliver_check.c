/* What the deliveries' settings name, looked at without sending anything: see deliver.h. */
#include "base/log.h"
#include "hub/deliver.h"

#include <string.h>
#include <sys/stat.h>

static void warn_if_open(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO) != 0)
        log_event(LOG_WARN, "deliver.secret_file_open", LOG_S("path", path), LOG_S("remedy", "chmod 0600"));
}

static int check_secret(const char *key, const char *path, char text[DELIVER_SECRET_MAX], struct err *e)
{
    int rc;

    text[0] = '\0';
    if (path[0] == '\0')
        return 0;
    rc = deliver_secret(key, path, text, e);
    if (rc == 0)
        warn_if_open(path);
    return rc;
}

static int check_ca(const char *path, struct err *e)
{
    struct stat st;

    if (path[0] == '\0' || (stat(path, &st) == 0 && S_ISREG(st.st_mode)))
        return 0;
    return err_set(e, ERR_NOT_FOUND, "%s: there is no such file of CA certificates", path);
}

static int check_folder(const char *path, struct err *e)
{
    struct stat st;

    if (path[0] == '\0' || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return 0;
    return err_set(e, ERR_NOT_FOUND, "%s: there is no such folder; make it, writable for the user that hvhub runs as",
                   path);
}

static int check_one(const struct hub_delivery *d, struct err *e)
{
    char text[DELIVER_SECRET_MAX];
    int rc = check_secret("smtp.password_file", d->password_file, text, e);

    if (rc == 0)
        rc = check_secret("webhook.secret_file", d->secret_file, text, e);
    if (rc == 0)
        rc = check_secret("webhook.url_file", d->url_file, text, e);
    if (rc == 0 && text[0] != '\0') {
        rc = hub_delivery_url_check(text, e);
        if (rc != 0)
            err_prefix(e, "the URL in %s", d->url_file);
    }
    explicit_bzero(text, sizeof text);
    if (rc == 0)
        rc = check_ca(d->smtp_ca_file, e);
    if (rc == 0)
        rc = check_ca(d->webhook_ca_file, e);
    return rc != 0 ? rc : check_folder(d->folder, e);
}

int deliver_check(const struct hub_delivery_config *config, struct err *e)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < config->count; i++) {
        rc = check_one(&config->list[i], e);
        if (rc != 0)
            err_prefix(e, "delivery %s", config->list[i].name);
    }
    return rc;
}
