/* The text of an enrolment token: hve-<id, 12 hexadecimal digits>-<secret, 48 of them>.
 * The id may be shown; the store keeps the SHA-256 of the whole.
 *
 * Any thread. */
#ifndef HUB_ENROLL_TOKEN_H
#define HUB_ENROLL_TOKEN_H

#include "hub/fleet_identity.h"

enum { ENROLL_TOKEN_TEXT_MAX = 72 };

/* A new one at random: its text, its id and its digest. */
void enroll_token_make(char text[ENROLL_TOKEN_TEXT_MAX], char id[IDENTITY_TOKEN_ID_MAX],
                       char digest[IDENTITY_DIGEST_MAX]);

/* False when the text (NULL: none) is no such token. */
bool enroll_token_read(const char *text, char id[IDENTITY_TOKEN_ID_MAX], char digest[IDENTITY_DIGEST_MAX]);

#endif
