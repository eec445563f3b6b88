/* The fields of the forms of login.h: application/x-www-form-urlencoded, into a struct. */
#include "hub/login_fields.h"

#include "base/text.h"
#include "hub/limits_path.h"

#include <string.h>

/* One "key=value" of the form. */
static bool take_field(struct login_form *f, char *pair)
{
    const struct {
        const char *key;
        char *out;
        size_t size;
    } fields[] = { { "name", f->name, sizeof f->name },
                   { "password", f->password, sizeof f->password },
                   { "new", f->new_password, sizeof f->new_password },
                   { "again", f->again, sizeof f->again },
                   { "form", f->form, sizeof f->form } };
    char *value = strchr(pair, '=');

    if (value == NULL)
        return false;
    *value++ = '\0';
    for (char *c = value; *c != '\0'; c++)
        *c = *c == '+' ? ' ' : *c;
    path_decode(value);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(fields[i].key, pair) == 0)
            return text_copy(fields[i].out, fields[i].size, value);
    }
    return true;
}

bool login_form_read(struct login_form *f, const char *bytes, size_t len)
{
    char text[LOGIN_BODY_MAX + 1], *rest = text;
    bool good = len <= LOGIN_BODY_MAX && memchr(bytes, '\0', len) == NULL;

    *f = (struct login_form){ .name = "" };
    if (!good)
        return false;
    memcpy(text, bytes, len);
    text[len] = '\0';
    for (char *pair; good && (pair = strsep(&rest, "&")) != NULL;)
        good = pair[0] == '\0' || take_field(f, pair);
    explicit_bzero(text, sizeof text);
    return good;
}
