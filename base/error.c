/* See error.h. */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ERR_CODE_COUNT] = {
    [ERR_OK] = "ok",
    [ERR_INVALID] = "invalid",
    [ERR_NOT_FOUND] = "not_found",
    [ERR_PERMISSION] = "permission",
    [ERR_IO] = "io",
    [ERR_NO_SPACE] = "no_space",
    [ERR_TOO_BIG] = "too_big",
    [ERR_CORRUPT] = "corrupt",
    [ERR_BUSY] = "busy",
    [ERR_TIMEOUT] = "timeout",
    [ERR_MEMORY] = "memory",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_REFUSED] = "refused",
    [ERR_STATE] = "state",
};

const char *err_name(enum err_code code)
{
    if (code >= ERR_CODE_COUNT)
        return "unknown";
    return names[code];
}

int err_setv(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
    assert(code != ERR_OK && code < ERR_CODE_COUNT);
    if (e != NULL) {
        e->code = code;
        vsnprintf(e->text, sizeof e->text, fmt, ap);
    }
    return (int)code;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = err_setv(e, code, fmt, ap);
    va_end(ap);
    return rc;
}

static enum err_code code_from_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERMISSION;
    case ENOSPC:
        return ERR_NO_SPACE;
    case EFBIG:
        return ERR_TOO_BIG;
    case ENOMEM:
        return ERR_MEMORY;
    case EAGAIN:
    case EBUSY:
        return ERR_BUSY;
    case EINVAL:
    case EISDIR:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
    enum err_code code = code_from_errno(errnum);
    va_list ap;
    size_t used;

    if (e == NULL)
        return (int)code;
    va_start(ap, fmt);
    err_setv(e, code, fmt, ap);
    va_end(ap);
    used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(errnum));
    return (int)code;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
    char rest[ERR_TEXT_MAX];
    va_list ap;
    size_t used;

    if (e == NULL)
        return;
    memcpy(rest, e->text, sizeof rest);
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", rest);
}
