/* See store_url.h. */
#include "config/store_url.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const schemes[] = { "postgresql://", "postgres://" };

/* What comes after the scheme; NULL for a file. */
static const char *after_scheme(const char *path)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);

        if (text_ncasecmp(path, schemes[i], len) == 0)
            return path + len;
    }
    return NULL;
}

bool store_is_postgres(const char *path)
{
    return after_scheme(path) != NULL;
}

int store_path_check(const char *path, struct err *e)
{
    const char *rest = after_scheme(path);

    if (rest == NULL)
        return 0;
    for (const unsigned char *c = (const unsigned char *)rest; *c != '\0'; c++) {
        if (*c <= ' ' || *c == 0x7f || *c == '#')
            return err_set(
                e, ERR_INVALID,
                "a postgresql:// URL has no blanks, control characters or '#'; write them as %%20 and so on");
    }
    if (rest[0] == '\0')
        return err_set(e, ERR_INVALID, "the URL names no database; write postgresql://user@host/database");
    return 0;
}

void store_path_name(const char *path, char *out, size_t size)
{
    const char *rest = after_scheme(path);
    const char *hosts;
    int len;

    assert(size > 0);
    if (rest == NULL) {
        text_copy(out, size, path);
        return;
    }
    /* user and password end at the last '@' before the parameters, which may hold a password too */
    hosts = rest;
    for (const char *c = rest; *c != '\0' && *c != '?'; c++) {
        if (*c == '@')
            hosts = c + 1;
    }
    len = (int)strcspn(hosts, "?");
    snprintf(out, size, "postgresql://%.*s", len, hosts);
}
