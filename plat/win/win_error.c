/* See win_error.h. */
#include "plat/win/win_error.h"

#include "plat/win/wide.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { SAID_MAX = 256 };

static const struct {
    DWORD code;
    enum err_code means;
} codes[] = {
    { ERROR_FILE_NOT_FOUND, ERR_NOT_FOUND },
    { ERROR_PATH_NOT_FOUND, ERR_NOT_FOUND },
    { ERROR_INVALID_DRIVE, ERR_NOT_FOUND },
    { ERROR_BAD_NETPATH, ERR_NOT_FOUND },
    { ERROR_BAD_NET_NAME, ERR_NOT_FOUND },
    { ERROR_DIRECTORY, ERR_NOT_FOUND },
    { ERROR_NONE_MAPPED, ERR_NOT_FOUND },
    { ERROR_SERVICE_DOES_NOT_EXIST, ERR_NOT_FOUND },
    { ERROR_ACCESS_DENIED, ERR_PERMISSION },
    { ERROR_WRITE_PROTECT, ERR_PERMISSION },
    { ERROR_PRIVILEGE_NOT_HELD, ERR_PERMISSION },
    { ERROR_NETWORK_ACCESS_DENIED, ERR_PERMISSION },
    { ERROR_LOGON_FAILURE, ERR_PERMISSION },
    { ERROR_SHARING_VIOLATION, ERR_BUSY },
    { ERROR_LOCK_VIOLATION, ERR_BUSY },
    { ERROR_PIPE_BUSY, ERR_BUSY },
    { ERROR_USER_MAPPED_FILE, ERR_BUSY },
    { ERROR_SERVICE_ALREADY_RUNNING, ERR_BUSY },
    { ERROR_SERVICE_MARKED_FOR_DELETE, ERR_BUSY },
    { ERROR_DISK_FULL, ERR_NO_SPACE },
    { ERROR_HANDLE_DISK_FULL, ERR_NO_SPACE },
    { ERROR_NOT_ENOUGH_MEMORY, ERR_MEMORY },
    { ERROR_OUTOFMEMORY, ERR_MEMORY },
    { ERROR_NO_SYSTEM_RESOURCES, ERR_MEMORY },
    { ERROR_INVALID_NAME, ERR_INVALID },
    { ERROR_INVALID_PARAMETER, ERR_INVALID },
    { ERROR_BAD_PATHNAME, ERR_INVALID },
    { ERROR_FILENAME_EXCED_RANGE, ERR_TOO_BIG },
    { ERROR_NOT_SUPPORTED, ERR_UNSUPPORTED },
    { ERROR_CALL_NOT_IMPLEMENTED, ERR_UNSUPPORTED },
    { ERROR_PROC_NOT_FOUND, ERR_UNSUPPORTED },
    { ERROR_SEM_TIMEOUT, ERR_TIMEOUT },
    { ERROR_TIMEOUT, ERR_TIMEOUT },
    { ERROR_SERVICE_REQUEST_TIMEOUT, ERR_TIMEOUT },
    { ERROR_SERVICE_NOT_ACTIVE, ERR_STATE },
};

static enum err_code meaning(DWORD code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code)
            return codes[i].means;
    return ERR_IO;
}

/* The system's sentence, without its closing line end. */
static void sentence(DWORD code, char *out, size_t size)
{
    wchar_t wide[SAID_MAX];
    DWORD n = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK,
                             NULL, code, 0, wide, SAID_MAX, NULL);

    while (n > 0 && (wide[n - 1] == L' ' || wide[n - 1] == L'.' || wide[n - 1] == L'\n' || wide[n - 1] == L'\r'))
        n--;
    wide[n] = L'\0';
    if (n == 0 || !utf8_copy_wide(out, size, wide))
        snprintf(out, size, "error");
}

int err_win(struct err *e, unsigned long code, const char *fmt, ...)
{
    char what[ERR_TEXT_MAX], said[SAID_MAX * 3];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    sentence(code, said, sizeof said);
    return err_set(e, meaning(code), "%s: %s (%lu)", what, said, code);
}
