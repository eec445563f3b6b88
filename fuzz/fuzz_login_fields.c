/* The forms of the login, as anybody may send them: every field ends within its bound. */
#include "hub/login_fields.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct login_form f;
    bool good = login_form_read(&f, (const char *)data, size);

    if (good && (size > LOGIN_BODY_MAX || memchr(data, '\0', size) != NULL))
        abort();
    if (memchr(f.name, '\0', sizeof f.name) == NULL || memchr(f.password, '\0', sizeof f.password) == NULL ||
        memchr(f.new_password, '\0', sizeof f.new_password) == NULL || memchr(f.again, '\0', sizeof f.again) == NULL ||
        memchr(f.form, '\0', sizeof f.form) == NULL)
        abort();
    return 0;
}
