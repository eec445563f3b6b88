/* MD5 (RFC 1321), for names only: FAILURE_ID_HASH is made with it.  Not for security. */
#ifndef TRIAGE_MD5_H
#define TRIAGE_MD5_H

#include <stddef.h>

enum { MD5_SIZE = 16 };

void md5(const void *bytes, size_t len, unsigned char out[MD5_SIZE]);

#endif
