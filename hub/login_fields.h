/* What the forms of login.h send. */
#ifndef HUB_LOGIN_FIELDS_H
#define HUB_LOGIN_FIELDS_H

#include "hub/people.h"

enum { LOGIN_BODY_MAX = 4096 };

struct login_form {
    char name[PERSON_NAME_MAX];
    char password[PASSWORD_MAX + 1];
    char new_password[PASSWORD_MAX + 1], again[PASSWORD_MAX + 1];
    char form[SECRET_MAX];
};

/* Fields that are not there are "", others are passed over.  False when a field does not fit, or the bytes are no
 * form; *f then has what came before. */
bool login_form_read(struct login_form *f, const char *bytes, size_t len);

#endif
